/*
** test_wasender.c -- the stand-in answers as the provider would, and keeps count.
*/
#include "scene.h"

static const struct standin_options quiet = { .delivered_ms = -1, .read_ms = -1 };

static const char *text_at(const struct value *v, const char *path)
{
	return value_text_of(value_path(v, path), "(none)");
}

static void a_message_is_accepted_and_ids_grow(void **state)
{
	struct scene s;
	const struct value *v;
	int64_t first;

	(void)state;
	scene_begin(&s, &quiet, false);
	v = ask_json(&s, 200, "/api/send-message", "{\"to\":\"+593990000000\",\"text\":\"Hola \xc3\xb1\"}");
	assert_true(value_bool_of(value_get(v, "success"), false));
	first = value_int_of(value_path(v, "data.msgId"), 0);
	assert_in_range(first, 10000000, 99999999);
	assert_string_equal(text_at(v, "data.jid"), "+593990000000");
	assert_string_equal(text_at(v, "data.status"), "in_progress");
	assert_non_null(http_header(&s.answer, "X-RateLimit-Limit"));
	assert_non_null(http_header(&s.answer, "X-RateLimit-Remaining"));
	assert_non_null(http_header(&s.answer, "X-RateLimit-Reset"));
	assert_null(http_header(&s.answer, "X-RateLimit-Daily-Remaining"));
	v = ask_json(&s, 200, "/api/send-message",
		     "{\"to\":\"593990000001\",\"imageUrl\":\"https://example.com/a.png\"}");
	assert_true(value_int_of(value_path(v, "data.msgId"), 0) > first);
	assert_int_equal(count_of(&s, "accepted"), 2);
	assert_string_equal(text_at(row_at(&s, 0), "provider"), "wasender");
	assert_string_equal(text_at(row_at(&s, 0), "to"), "+593990000000");
	assert_string_equal(text_at(row_at(&s, 0), "body"), "Hola \xc3\xb1");
	assert_string_equal(text_at(row_at(&s, 0), "outcome"), "accepted");
	assert_int_equal(value_int_of(value_get(row_at(&s, 0), "id"), 0), first);
	scene_end(&s);
}

static void the_key_is_asked_for_and_checked(void **state)
{
	struct standin_options o = quiet;
	struct scene s;

	(void)state;
	o.api_key = "right";
	scene_begin(&s, &o, false);
	s.key = NULL;
	assert_string_equal(text_at(ask_json(&s, 401, "/api/send-message", "{}"), "message"),
			    "API key is required");
	assert_string_equal(text_at(ask_json(&s, 401, "/api/status", NULL), "message"),
			    "API key is required");
	s.key = "wrong";
	assert_string_equal(text_at(ask_json(&s, 401, "/api/send-message", "{}"), "message"),
			    "Invalid API key");
	s.key = "right";
	assert_string_equal(text_at(ask_json(&s, 200, "/api/status", NULL), "status"), "connected");
	assert_int_equal(count_of(&s, "refused"), 2);
	scene_end(&s);
}

static void what_the_provider_would_not_take_is_422_with_the_field(void **state)
{
	static const char *const bodies[] = {
		"",
		"not json",
		"[]",
		"{}",
		"{\"to\":5}",
		"{\"to\":\"\",\"text\":\"x\"}",
		"{\"to\":\"+593 99-000-0000\",\"text\":\"x\"}",
		"{\"to\":\"+59399\",\"text\":\"x\"}",
		"{\"to\":\"+5939900000001234\",\"text\":\"x\"}",
		"{\"to\":\"hola\",\"text\":\"x\"}",
		"{\"to\":\"555@lid\",\"text\":\"x\"}",
	};
	struct scene s;

	(void)state;
	scene_begin(&s, &quiet, false);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		const struct value *v = ask_json(&s, 422, "/api/send-message", bodies[i]);

		assert_string_equal(text_at(v, "message"), "Validation failed");
		assert_non_null(value_path(v, "errors.to.0"));
	}
	assert_non_null(value_path(ask_json(&s, 422, "/api/send-message", "{\"to\":\"+593990000000\"}"),
				   "errors.text.0"));
	assert_int_equal(count_of(&s, "accepted"), 0);
	assert_int_equal(count_of(&s, "refused"), 12);
	scene_end(&s);
}

static void magic_numbers_answer_what_the_table_says(void **state)
{
	static const struct {
		const char *to;
		int status;
		const char *message;
	} cases[] = {
		{ "+593995550401", 401, "Invalid API key" },
		{ "593995550402", 402, "Active subscription or trial is required to use the API" },
		{ "593995550403@s.whatsapp.net", 403,
		  "Active subscription or trial is required to use the API" },
		{ "+593995550422", 422, "The provided JID does not exist on WhatsApp." },
		{ "+593995550423", 422, "Validation failed" },
		{ "+593995550424", 422,
		  "Your Whatsapp Session is not connected please connect your session first." },
		{ "+593995550428", 429, NULL },
		{ "+593995550428", 429, NULL },
		{ "+593995550500", 500, "Server Error" },
		{ "+593995550513", 503, NULL },
	};
	struct scene s;

	(void)state;
	scene_begin(&s, &quiet, false);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *body = arena_printf(s.arena, "{\"to\":\"%s\",\"text\":\"x\"}", cases[i].to);
		const struct value *v = ask_json(&s, cases[i].status, "/api/send-message", body);

		if (cases[i].message != NULL) assert_string_equal(text_at(v, "message"), cases[i].message);
	}
	assert_string_equal(http_header(send_to(&s, "+593995550428", "x"), "Retry-After"), "3");
	assert_null(http_header(send_to(&s, "+593995550513", "y"), "Retry-After"));
	assert_int_equal(send_to(&s, "+593995550502", "x")->status, 502);
	assert_non_null(strstr(s.answer.body.p, "<html>"));
	assert_int_equal(send_to(&s, "+593995550492", "x")->status, 200);
	assert_non_null(strstr(http_header(&s.answer, "Content-Type"), "text/html"));
	assert_int_equal(count_of(&s, "accepted"), 0);
	assert_int_equal(count_of(&s, "unknown"), 5);
	assert_int_equal(count_of(&s, "duplicates"), 0);
	scene_end(&s);
}

static void told_to_wait_once_and_then_accepted(void **state)
{
	struct scene s;
	const struct value *v;

	(void)state;
	scene_begin(&s, &quiet, false);
	v = ask_json(&s, 429, "/api/send-message", "{\"to\":\"+593995550429\",\"text\":\"x\"}");
	assert_int_equal(value_int_of(value_get(v, "retry_after"), 0), 3);
	assert_string_equal(http_header(&s.answer, "Retry-After"), "3");
	assert_int_equal(send_to(&s, "+593995550429", "x")->status, 200);
	assert_int_equal(send_to(&s, "+593995550429", "another text")->status, 429);
	assert_int_equal(send_to(&s, "+593995550503", "x")->status, 503);
	assert_string_equal(http_header(&s.answer, "Retry-After"), "2");
	assert_int_equal(send_to(&s, "+593995550503", "x")->status, 200);
	assert_int_equal(send_to(&s, "+593995550426", "x")->status, 429);
	assert_null(http_header(&s.answer, "Retry-After"));
	assert_non_null(strstr(s.answer.body.p, "\"retry_after\":60"));
	assert_int_equal(count_of(&s, "accepted"), 2);
	assert_int_equal(count_of(&s, "duplicates"), 0); /* a refusal is no delivery */
	scene_end(&s);
}

static void lines_are_cut_where_the_table_says(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, &quiet, false);
	assert_int_equal(send_to(&s, "+593995550499", "x")->end, HTTP_CUT);
	assert_int_equal(s.answer.status, 0);
	assert_int_equal(send_to(&s, "+593995550498", "x")->end, HTTP_CUT);
	assert_int_equal(s.answer.status, 200);
	assert_non_null(strstr(s.answer.body.p, "{\"success\":true"));
	assert_int_equal(count_of(&s, "unknown"), 2);
	assert_string_equal(text_at(row_at(&s, 0), "outcome"), "cut");
	assert_string_equal(text_at(row_at(&s, 1), "outcome"), "half_answer");
	scene_end(&s);
}

static void a_hanging_number_is_read_and_never_answered(void **state)
{
	static const char body[] = "{\"to\":\"+593995550408\",\"text\":\"x\"}";
	struct http_request r = { .purpose = "test",
				  .method = "POST",
				  .body = { body, sizeof(body) - 1 },
				  .headers = { "Authorization: Bearer k" },
				  .total_ms = 400,
				  .is_configured = true };
	struct scene s;

	(void)state;
	scene_begin(&s, &quiet, false);
	r.url = arena_printf(s.arena, "http://127.0.0.1:%d/api/send-message", standin_port(s.standin));
	assert_int_equal(link_call(&s.cx, &s.answer, &r), RC_OK);
	assert_int_equal(s.answer.end, HTTP_CUT);
	assert_int_equal(count_of(&s, "unknown"), 1);
	assert_string_equal(text_at(row_at(&s, 0), "outcome"), "hang");
	scene_end(&s); /* and the stop does not wait for it */
}

static void sending_again_what_was_accepted_counts_as_duplicate(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, &quiet, false);
	(void)send_to(&s, "+593990000001", "one");
	(void)send_to(&s, "+593990000002", "one");
	(void)send_to(&s, "+593990000001", "two");
	assert_int_equal(count_of(&s, "duplicates"), 0);
	(void)send_to(&s, "+593990000001", "one");
	(void)send_to(&s, "+593995550500", "read");
	(void)send_to(&s, "+593995550500", "read");
	assert_int_equal(count_of(&s, "duplicates"), 2);
	assert_int_equal(count_of(&s, "distinct"), 4);
	assert_true(value_bool_of(value_get(row_at(&s, 3), "is_duplicate"), false));
	assert_false(value_bool_of(value_get(row_at(&s, 2), "is_duplicate"), true));
	scene_end(&s);
}

static void accepted_without_data_has_no_id(void **state)
{
	struct scene s;
	const struct value *v;

	(void)state;
	scene_begin(&s, &quiet, false);
	v = ask_json(&s, 200, "/api/send-message", "{\"to\":\"+593995550491\",\"text\":\"x\"}");
	assert_true(value_bool_of(value_get(v, "success"), false));
	assert_null(value_get(v, "data"));
	assert_int_equal(count_of(&s, "accepted"), 1);
	scene_end(&s);
}

static void the_session_has_any_state_a_test_asks_for(void **state)
{
	static const char *const states[] = { "connecting", "need_scan", "NEED_PASSKEY", "disconnected",
					      "LOGGED_OUT", "expired",   "something_new" };
	struct scene s;

	(void)state;
	scene_begin(&s, &quiet, false);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		const char *set = arena_printf(s.arena, "{\"status\":\"%s\"}", states[i]);
		const struct value *v;

		(void)ask_json(&s, 200, "/_standin/set", set);
		assert_string_equal(text_at(ask_json(&s, 200, "/api/status", NULL), "status"), states[i]);
		v = ask_json(&s, 422, "/api/send-message", "{\"to\":\"+593990000000\",\"text\":\"x\"}");
		assert_non_null(strstr(text_at(v, "message"), "not connected"));
	}
	(void)ask_json(&s, 200, "/_standin/set", "{\"status\":\"CONNECTED\"}");
	assert_int_equal(send_to(&s, "+593990000000", "x")->status, 200);
	scene_end(&s);
}

static void what_became_of_a_message_can_be_asked(void **state)
{
	struct scene s;
	const struct value *v;
	int64_t id;
	const char *path;

	(void)state;
	scene_begin(&s, &quiet, false);
	v = ask_json(&s, 200, "/api/send-message", "{\"to\":\"+593990000000\",\"text\":\"x\"}");
	id = value_int_of(value_path(v, "data.msgId"), 0);
	path = arena_printf(s.arena, "/api/messages/%lld/info", (long long)id);
	v = ask_json(&s, 200, path, NULL);
	assert_int_equal(value_int_of(value_path(v, "data.msgId"), 0), id);
	assert_int_equal(value_int_of(value_path(v, "data.status"), 0), 2);
	assert_string_equal(text_at(v, "data.key.remoteJid"), "593990000000@s.whatsapp.net");
	assert_string_equal(text_at(v, "data.id"), text_at(v, "data.key.id"));
	assert_memory_equal(text_at(v, "data.id"), "3EB0", 4);
	assert_int_equal(value_path(v, "data.messageTimestamp")->type, VALUE_TEXT);
	(void)ask_json(&s, 200, "/_standin/set", "{\"delivered_ms\":0}");
	assert_int_equal(value_int_of(value_path(ask_json(&s, 200, path, NULL), "data.status"), 0), 3);
	(void)ask_json(&s, 200, "/_standin/set", "{\"read_ms\":0}");
	assert_int_equal(value_int_of(value_path(ask_json(&s, 200, path, NULL), "data.status"), 0), 4);
	(void)ask_json(&s, 200, "/_standin/set", "{\"sent_ms\":86400000}");
	v = ask_json(&s, 200, path, NULL);
	assert_int_equal(value_int_of(value_path(v, "data.status"), 0), 1);
	assert_null(value_path(v, "data.key")); /* not before it has left */
	(void)ask_json(&s, 404, "/api/messages/1/info", NULL);
	(void)ask_json(&s, 404, "/api/messages/99999999999999999999/info", NULL);
	scene_end(&s);
}

static void limits_are_kept_and_shown(void **state)
{
	struct scene s;
	const struct value *v;

	(void)state;
	scene_begin(&s, &quiet, false);
	(void)ask_json(&s, 200, "/_standin/set", "{\"rate\":\"protection\"}");
	assert_int_equal(send_to(&s, "+593990000000", "a")->status, 200);
	v = ask_json(&s, 429, "/api/send-message", "{\"to\":\"+593990000000\",\"text\":\"b\"}");
	assert_in_range(value_int_of(value_get(v, "retry_after"), 0), 1, 5);
	assert_null(value_get(v, "success"));
	(void)ask_json(&s, 200, "/_standin/set",
		       "{\"rate\":\"trial\",\"success_in_429\":true,\"daily_remaining\":7}");
	assert_int_equal(send_to(&s, "+593990000000", "c")->status, 200);
	assert_string_equal(http_header(&s.answer, "X-RateLimit-Daily-Remaining"), "6");
	assert_string_equal(http_header(&s.answer, "X-RateLimit-Daily-Limit"), "50");
	v = ask_json(&s, 429, "/api/send-message", "{\"to\":\"+593990000000\",\"text\":\"d\"}");
	assert_in_range(value_int_of(value_get(v, "retry_after"), 0), 30, 60);
	assert_false(value_bool_of(value_get(v, "success"), true));
	(void)ask_json(&s, 200, "/_standin/set",
		       "{\"rate\":\"off\",\"daily_remaining\":0,\"reset\":\"epoch\"}");
	assert_int_equal(send_to(&s, "+593990000000", "e")->status, 429);
	assert_true(strlen(http_header(&s.answer, "X-RateLimit-Reset")) >= 10);
	(void)ask_json(&s, 200, "/_standin/set", "{\"daily_remaining\":null}");
	assert_int_equal(send_to(&s, "+593990000000", "f")->status, 200);
	(void)ask_json(&s, 200, "/_standin/set", "{\"rate\":\"paid\"}");
	for (int i = 0; i < 256; i++)
		assert_int_equal(send_to(&s, "+593990000000", arena_printf(s.arena, "p%d", i))->status, 200);
	assert_string_equal(http_header(&s.answer, "X-RateLimit-Remaining"), "0");
	assert_int_equal(send_to(&s, "+593990000000", "one too many")->status, 429);
	scene_end(&s);
}

static void files_are_uploaded_within_their_limits(void **state)
{
	static char big[16 * 1024 * 1024 + 2];
	struct scene s;
	struct http_request r = { .purpose = "test",
				  .method = "POST",
				  .headers = { "Content-Type: image/png" },
				  .body = { "\x89PNG", 4 },
				  .total_ms = 30000,
				  .is_configured = true };

	(void)state;
	scene_begin(&s, &quiet, false);
	r.url = arena_printf(s.arena, "http://127.0.0.1:%d/api/upload", standin_port(s.standin));
	assert_int_equal(link_call(&s.cx, &s.answer, &r), RC_OK);
	assert_int_equal(s.answer.status, 200);
	assert_non_null(strstr(s.answer.body.p, "\"publicUrl\":\"https://wasenderapi.com/media/"));
	memset(big, 'x', sizeof(big) - 1);
	r.body = (struct bytes){ big, 16 * 1024 * 1024 };
	assert_int_equal(link_call(&s.cx, &s.answer, &r), RC_OK);
	assert_int_equal(s.answer.status, 200);
	r.body.len++;
	assert_int_equal(link_call(&s.cx, &s.answer, &r), RC_OK);
	assert_int_equal(s.answer.status, 422);
	assert_non_null(strstr(s.answer.body.p,
			       "\"error\":\"File size exceeds the limit of 16 MB for this file type.\""));
	assert_int_equal(
		ask(&s, "/api/upload", "{\"base64\":\"data:application/pdf;base64,JVBERi0=\"}")->status, 200);
	scene_end(&s);
}

static void other_addresses_are_404_as_the_old_one(void **state)
{
	static const char *const gone[] = { "/api/send", "/api/send-message/", "/",
					    "/api/whatsapp-sessions" };
	struct scene s;

	(void)state;
	scene_begin(&s, &quiet, false);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		(void)ask_json(&s, 404, gone[i], "{}");
	(void)ask_json(&s, 404, "/api/send-message", NULL);
	(void)ask_json(&s, 404, "/_standin/nothing", NULL);
	assert_true(value_bool_of(
		value_path(ask_json(&s, 200, "/api/on-whatsapp/%2B593990000000", NULL), "data.exists"),
		false));
	assert_false(value_bool_of(
		value_path(ask_json(&s, 200, "/api/on-whatsapp/593995550422", NULL), "data.exists"), true));
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_accepted_and_ids_grow),
		cmocka_unit_test(the_key_is_asked_for_and_checked),
		cmocka_unit_test(what_the_provider_would_not_take_is_422_with_the_field),
		cmocka_unit_test(magic_numbers_answer_what_the_table_says),
		cmocka_unit_test(told_to_wait_once_and_then_accepted),
		cmocka_unit_test(lines_are_cut_where_the_table_says),
		cmocka_unit_test(a_hanging_number_is_read_and_never_answered),
		cmocka_unit_test(sending_again_what_was_accepted_counts_as_duplicate),
		cmocka_unit_test(accepted_without_data_has_no_id),
		cmocka_unit_test(the_session_has_any_state_a_test_asks_for),
		cmocka_unit_test(what_became_of_a_message_can_be_asked),
		cmocka_unit_test(limits_are_kept_and_shown),
		cmocka_unit_test(files_are_uploaded_within_their_limits),
		cmocka_unit_test(other_addresses_are_404_as_the_old_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
