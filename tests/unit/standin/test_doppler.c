/*
** test_doppler.c -- the stand-in's Doppler Relay answers by the contract sheet, and counts what it took.
*/
#include "scene.h"

#include <stdio.h>

static const struct standin_options quiet = { .delivered_ms = -1, .read_ms = -1 };

#define T1        "11111111-1111-4111-8111-111111111111"
#define SEND_PATH "/accounts/5/templates/" T1 "/message"
#define HEAD \
	"{\"from_name\":\"Empresa Ejemplo\",\"from_email\":\"avisos@example.com\",\"recipients\":[{\"email\":\""
#define MID "\",\"name\":\"Cliente\",\"type\":\"to\"}]"

static const char *text_at(const struct value *v, const char *path)
{
	return value_text_of(value_path(v, path), "(none)");
}

static struct value *json_of(struct scene *s)
{
	struct value *v = NULL;

	assert_int_equal(json_parse(s->arena, &v, NULL, s->answer.body.p, s->answer.body.len), RC_OK);
	return v;
}

static int mail(struct scene *s, const char *to, const char *rest)
{
	const char *body = arena_join(s->arena, HEAD, to, MID, rest, "}", NULL);

	return ask(s, SEND_PATH, body)->status;
}

static void set(struct scene *s, const char *body)
{
	const struct http_answer *a = ask(s, "/_standin/doppler", body);

	if (a->status != 200) fail_msg("%s", a->body.p);
}

static void a_mail_is_taken_once_and_its_variables_are_kept(void **state)
{
	struct scene s;
	const struct value *v;
	struct value *body = NULL;

	(void)state;
	scene_begin(&s, &quiet, false);
	assert_int_equal(mail(&s, "ana@example.org", ",\"model\":{\"nombre\":\"Ana\",\"Valor\":\"10.00\"}"),
			 201);
	v = json_of(&s);
	assert_int_equal(strlen(text_at(v, "createdResourceId")), 36);
	assert_non_null(strstr(http_header(&s.answer, "Location"), text_at(v, "createdResourceId")));
	assert_int_equal(mail(&s, "bea@example.org", ",\"model\":{\"nombre\":\"Bea\"}"), 201);
	assert_int_equal(count_of(&s, "duplicates"), 0);
	assert_int_equal(mail(&s, "ana@example.org", ",\"model\":{\"nombre\":\"Ana\",\"Valor\":\"10.00\"}"),
			 201);
	assert_int_equal(count_of(&s, "duplicates"), 1);
	assert_int_equal(count_of(&s, "accepted"), 3);
	v = row_at(&s, 0);
	assert_string_equal(text_at(v, "provider"), "doppler");
	assert_string_equal(text_at(v, "to"), "ana@example.org");
	assert_int_equal(json_parse(s.arena, &body, NULL, text_at(v, "body"), strlen(text_at(v, "body"))),
			 RC_OK);
	assert_string_equal(text_at(body, "template"), T1);
	assert_string_equal(text_at(body, "model.Valor"), "10.00");
	scene_end(&s);
}

static void what_the_provider_does_not_know_is_400_with_its_name(void **state)
{
	static const struct {
		const char *rest, *key;
	} rows[] = {
		{ ",\"model\":{},\"templateId\":\"x\"", "templateId" },
		{ ",\"model\":{},\"html\":\"x\"", "html" },
		{ ",\"model\":[]", "model" },
		{ ",\"reply_to\":\"a@example.org\"", "reply_to" },
		{ ",\"attachments\":[{\"filename\":\"a.pdf\",\"type\":\"application/pdf\",\"content\":\"YQ==\"}]",
		  "attachments[0]" },
		{ ",\"attachments\":[{\"filename\":\"a.pdf\",\"base64_content\":\"Y\"}]", "attachments[0]" },
	};
	struct scene s;

	(void)state;
	scene_begin(&s, &quiet, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(mail(&s, "ana@example.org", rows[i].rest), 400);
		assert_int_equal(value_int_of(value_get(json_of(&s), "errorCode"), 0), 1);
		assert_string_equal(text_at(json_of(&s), "errors.0.key"), rows[i].key);
	}
	assert_int_equal(mail(&s, "nobody", ",\"model\":{}"), 400);
	assert_string_equal(text_at(json_of(&s), "errors.0.key"), "recipients[0].email");
	assert_int_equal(ask(&s, "/accounts/5/templates/nothere/message", "{}")->status, 404);
	assert_int_equal(ask(&s, SEND_PATH, "not json")->status, 400);
	assert_int_equal(count_of(&s, "accepted"), 0);
	assert_int_equal(count_of(&s, "refused"), 9);
	set(&s, "{\"strict\":false}");
	assert_int_equal(mail(&s, "ana@example.org", rows[0].rest), 201);
	scene_end(&s);
}

static void both_words_before_the_key_are_taken_unless_one_is_asked_for(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, &quiet, false);
	assert_int_equal(ask(&s, "/accounts/5", NULL)->status, 200);
	set(&s, "{\"scheme\":\"token\",\"api_key\":\"right\",\"account\":\"7\"}");
	assert_int_equal(ask(&s, "/accounts/5", NULL)->status, 401);
	assert_string_equal(http_header(&s.answer, "WWW-Authenticate"), "Bearer");
	set(&s, "{\"scheme\":\"Bearer\"}");
	s.key = "right";
	assert_int_equal(ask(&s, "/accounts/5", NULL)->status, 403);
	assert_int_equal(ask(&s, "/accounts/7", NULL)->status, 200);
	s.key = NULL;
	assert_int_equal(ask(&s, "/accounts/7", NULL)->status, 401);
	assert_int_equal(value_int_of(value_get(json_of(&s), "errorCode"), -1), 0);
	scene_end(&s);
}

static void limits_go_down_with_each_mail_and_end_in_402(void **state)
{
	struct scene s;
	const struct value *v;

	(void)state;
	scene_begin(&s, &quiet, false);
	assert_int_equal(ask(&s, "/accounts/5/status/limits", NULL)->status, 200);
	assert_true(value_bool_of(value_get(json_of(&s), "noLimits"), false));
	set(&s, "{\"limits\":{\"monthly\":100,\"daily\":2}}");
	assert_int_equal(mail(&s, "a@example.org", ",\"model\":{}"), 201);
	assert_int_equal(mail(&s, "b@example.org", ",\"model\":{}"), 201);
	ask(&s, "/accounts/5/status/limits", NULL);
	v = json_of(&s);
	assert_int_equal(value_int_of(value_path(v, "daily.remaining"), -1), 0);
	assert_int_equal(value_int_of(value_path(v, "monthly.remaining"), -1), 98);
	assert_null(value_get(v, "hourly"));
	assert_int_equal(mail(&s, "c@example.org", ",\"model\":{}"), 402);
	v = json_of(&s);
	assert_int_equal(value_int_of(value_get(v, "errorCode"), 0), 1);
	assert_string_equal(text_at(v, "period"), "daily");
	assert_non_null(value_get(v, "resetDate"));
	set(&s, "{\"forgets_reset_date\":true}");
	assert_int_equal(mail(&s, "c@example.org", ",\"model\":{}"), 402);
	assert_null(value_get(json_of(&s), "resetDate"));
	assert_int_equal(count_of(&s, "accepted"), 2);
	scene_end(&s);
}

static void faults_come_by_address_by_rule_and_from_a_send_on(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, &quiet, false);
	assert_int_equal(mail(&s, "code429after@example.org", ",\"model\":{}"), 429);
	assert_string_equal(http_header(&s.answer, "Retry-After"), "2");
	assert_int_equal(mail(&s, "html502+x@example.org", ",\"model\":{}"), 502);
	assert_int_equal(mail(&s, "noid@example.org", ",\"model\":{}"), 201);
	assert_null(http_header(&s.answer, "Location"));
	ask(&s, SEND_PATH, HEAD "reset@example.org" MID ",\"model\":{}}");
	assert_int_equal(s.answer.end, HTTP_CUT);
	ask(&s, SEND_PATH, HEAD "badlength@example.org" MID ",\"model\":{}}");
	assert_int_equal(s.answer.end, HTTP_CUT);
	assert_int_equal(count_of(&s, "unknown"), 3);
	assert_int_equal(mail(&s, "bytes@example.org", ",\"model\":{}"), 201);
	assert_non_null(http_header(&s.answer, "Content-Length"));
	assert_int_equal(count_of(&s, "accepted"), 2);
	set(&s, "{\"faults\":[{\"answer\":\"unread\",\"from_send\":7,\"times\":1}]}");
	ask(&s, SEND_PATH, HEAD "bea@example.org" MID ",\"model\":{}}");
	assert_int_equal(s.answer.end, HTTP_CUT);
	assert_int_equal(count_of(&s, "accepted"), 2);
	assert_int_equal(count_of(&s, "unknown"), 3); /* nobody read what it was */
	set(&s, "{\"faults\":[{\"answer\":\"code500\",\"to\":\"ana@example.org\",\"times\":1},"
		"{\"answer\":\"code404\",\"from_send\":9},{\"answer\":\"code403\",\"call\":\"limits\"}]}");
	assert_int_equal(mail(&s, "bea@example.org", ",\"model\":{}"), 201);
	assert_int_equal(mail(&s, "ana@example.org", ",\"model\":{}"), 500);
	assert_int_equal(mail(&s, "ana@example.org", ",\"model\":{}"), 404);
	assert_int_equal(ask(&s, "/accounts/5/status/limits", NULL)->status, 403);
	assert_int_equal(ask(&s, "/accounts/5", NULL)->status, 200);
	assert_int_equal(ask(&s, "/_standin/doppler", "{\"faults\":[{\"answer\":\"nothing\"}]}")->status,
			 422);
	scene_end(&s);
}

static void templates_are_listed_in_pages_made_changed_and_dropped(void **state)
{
	struct scene s;
	const struct value *v;
	const char *id;

	(void)state;
	scene_begin(&s, &quiet, false);
	set(&s, "{\"extra_templates\":41}");
	ask(&s, "/accounts/5/templates", NULL);
	v = json_of(&s);
	assert_int_equal(value_get(v, "items")->count, 20);
	assert_int_equal(value_int_of(value_get(v, "pagesCount"), 0), 3);
	assert_string_equal(text_at(v, "_links.0.rel"), "next last");
	ask(&s, "/accounts/5/templates?page=3&per_page=20", NULL);
	assert_int_equal(value_get(json_of(&s), "items")->count, 5);
	assert_int_equal(ask(&s, "/accounts/5/templates?per_page=4", NULL)->status, 400);
	assert_int_equal(ask(&s, "/accounts/5/templates?per_page=201", NULL)->status, 400);
	ask(&s, "/accounts/5/templates/" T1, NULL);
	assert_non_null(value_get(json_of(&s), "body"));
	ask(&s, "/accounts/5/templates/22222222-2222-4222-8222-222222222222", NULL);
	assert_null(value_get(json_of(&s), "body"));
	assert_int_equal(
		ask(&s, "/accounts/5/templates/33333333-3333-4333-8333-333333333333/body", NULL)->status,
		500);
	assert_int_equal(
		ask(&s, "/accounts/5/templates",
		    "{\"name\":\"Nueva\",\"subject\":\"Hola\",\"from_name\":\"\",\"from_email\":\"\"}")
			->status,
		201);
	id = arena_text(s.arena, text_at(json_of(&s), "createdResourceId"));
	assert_int_equal(ask(&s, "/accounts/5/templates", "{\"name\":\"Nueva\",\"body\":\"x\"}")->status,
			 400);
	ask(&s, arena_join(s.arena, "/accounts/5/templates/", id, "/body", NULL), NULL);
	assert_string_equal(text_at(json_of(&s), "html"), "");
	scene_end(&s);
}

static void a_report_has_what_was_taken_within_its_days(void **state)
{
	struct scene s;
	const struct value *v;
	const char *path;

	(void)state;
	scene_begin(&s, &quiet, false);
	mail(&s, "clicked1@example.org", ",\"model\":{}");
	mail(&s, "invalid2@example.org", ",\"model\":{}");
	set(&s, "{\"report\":{\"polls\":2},\"open_ms\":0,\"click_ms\":0}");
	assert_int_equal(
		ask(&s, "/reports/reportrequest",
		    "{\"start_date\":\"2020-01-01T05:00:00Z\",\"end_date\":\"2020-01-01T04:00:00Z\"}")
			->status,
		400);
	ask(&s, "/reports/reportrequest",
	    arena_printf(
		    s.arena,
		    "{\"start_date\":\"2020-01-01T05:00:00Z\",\"end_date\":\"%s\",\"resource\":\"deliveries\"}",
		    "2021-01-01T05:00:00Z"));
	assert_int_equal(s.answer.status, 201);
	assert_int_equal(ask(&s, "/reports/reportrequest?reportRequestId=1", NULL)->status, 202);
	assert_int_equal(s.answer.body.len, 0);
	ask(&s, "/reports/reportrequest?reportRequestId=1", NULL);
	assert_false(value_bool_of(value_get(json_of(&s), "processed"), true));
	ask(&s, "/reports/reportrequest?reportRequestId=1", NULL);
	v = json_of(&s);
	assert_true(value_bool_of(value_get(v, "processed"), false));
	path = strstr(text_at(v, "file_path"), "/doppler-files/");
	assert_non_null(path);
	assert_int_equal(ask(&s, path, NULL)->status, 400); /* the key has no business there */
	s.key = NULL;
	assert_int_equal(ask(&s, path, NULL)->status, 200);
	assert_string_equal(s.answer.body.p, "Subject,Sender,SenderName,Email,Status,Date,Opens,Clicks\r\n");
	scene_end(&s);
}

static void deliveries_are_what_was_taken(void **state)
{
	struct scene s;
	const struct value *v;

	(void)state;
	scene_begin(&s, &quiet, false);
	set(&s, "{\"open_ms\":0,\"click_ms\":0}");
	mail(&s, "clicked1@example.org", ",\"model\":{}");
	mail(&s, "invalid2@example.org", ",\"model\":{},\"subject\":\"Otro\"");
	ask(&s, "/accounts/5/deliveries?from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z&per_page=200",
	    NULL);
	v = json_of(&s);
	assert_int_equal(value_int_of(value_get(v, "itemsCount"), 0), 2);
	assert_string_equal(text_at(v, "items.0.status"), "sent");
	assert_string_equal(text_at(v, "items.0.subject"), "Tu saldo, {{nombre}}");
	assert_int_equal(value_int_of(value_path(v, "items.0.clicks"), 0), 1);
	assert_string_equal(text_at(v, "items.1.bounceType"), "hard");
	assert_string_equal(text_at(v, "items.1.subject"), "Otro");
	ask(&s, "/accounts/5/deliveries?from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z&filter=invalid2",
	    NULL);
	assert_int_equal(value_int_of(value_get(json_of(&s), "itemsCount"), 0), 1);
	assert_int_equal(
		ask(&s, "/accounts/5/deliveries?from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z&filter=ab",
		    NULL)
			->status,
		400);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mail_is_taken_once_and_its_variables_are_kept),
		cmocka_unit_test(what_the_provider_does_not_know_is_400_with_its_name),
		cmocka_unit_test(both_words_before_the_key_are_taken_unless_one_is_asked_for),
		cmocka_unit_test(limits_go_down_with_each_mail_and_end_in_402),
		cmocka_unit_test(faults_come_by_address_by_rule_and_from_a_send_on),
		cmocka_unit_test(templates_are_listed_in_pages_made_changed_and_dropped),
		cmocka_unit_test(a_report_has_what_was_taken_within_its_days),
		cmocka_unit_test(deliveries_are_what_was_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
