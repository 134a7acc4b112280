/*
** test_doppler.c -- what each answer of Doppler Relay means, row by row of its contract sheet, and what
** leaves.
*/
#include "house.h"

#include "outbox/channels/doppler.h"

#include <stdio.h>
#include <unistd.h>

/* 2026-11-22 09:30:00 UTC */
#define NOW      (INT64_C(1795339800) * 1000)
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

#define PROBLEM(status, code, title) \
	"{\"title\":\"" title "\",\"status\":" #status ",\"errorCode\":" #code ",\"_links\":[]}"
#define LIMIT(more) "{\"title\":\"Sending limit reached\",\"status\":402,\"errorCode\":1" more "}"

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new((size_t)64 * 1024 * 1024);
	return arena == NULL || words_load() != RC_OK;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct http_answer answered(int status, const char *body)
{
	return (struct http_answer){ .end = HTTP_DONE, .status = status, .body = { body, strlen(body) } };
}

static void add_header(struct http_answer *a, const char *name, const char *value)
{
	snprintf(a->headers[a->header_count].name, sizeof(a->headers[0].name), "%s", name);
	snprintf(a->headers[a->header_count].value, sizeof(a->headers[0].value), "%s", value);
	a->header_count++;
}

static const struct {
	int status;
	const char *body, *retry_after;
	enum outcome outcome;
	const char *why;
	int64_t hold_ms;
} answers[] = {
	{ 201, "{\"createdResourceId\":\"6f1c0d2e-0000-0000-0000-000000000000\"}", NULL, OUTCOME_SENT,
	  "accepted", 0 },
	{ 202, "{}", NULL, OUTCOME_SENT, "accepted", 0 },
	{ 200, "{\"message\":\"queued\"}", NULL, OUTCOME_SENT, "accepted", 0 },
	{ 201, "{\"createdResourceId\":\"6f1c", NULL, OUTCOME_UNSURE, "response_unparseable", 0 },
	{ 201, "", NULL, OUTCOME_UNSURE, "response_unparseable", 0 },
	{ 200, "<html>hello</html>", NULL, OUTCOME_UNSURE, "response_unparseable", 0 },
	{ 200, "[]", NULL, OUTCOME_UNSURE, "response_unparseable", 0 },
	{ 302, "", NULL, OUTCOME_UNSURE, "dispatch_exception", 0 },
	{ 400, PROBLEM(400, 1, "Validation error"), NULL, OUTCOME_REFUSED, "doppler_http_400", 0 },
	{ 400, PROBLEM(400, 2, "Invalid interval"), NULL, OUTCOME_REFUSED, "doppler_http_400", 0 },
	{ 400, PROBLEM(400, 4, "Default domain must be active"), NULL, OUTCOME_STOP, "doppler_domain", 0 },
	{ 400, PROBLEM(400, 12, "Policy"), NULL, OUTCOME_REFUSED, "doppler_http_400", 0 },
	{ 400, PROBLEM(400, 13, "Domain"), NULL, OUTCOME_REFUSED, "doppler_http_400", 0 },
	{ 400, PROBLEM(400, 14, "Unsubscription"), NULL, OUTCOME_REFUSED, "doppler_http_400", 0 },
	{ 401, PROBLEM(401, 0, "No credentials"), NULL, OUTCOME_STOP, "doppler_http_401", 0 },
	{ 401, PROBLEM(401, 1, "Invalid token"), NULL, OUTCOME_STOP, "doppler_http_401", 0 },
	{ 401, PROBLEM(401, 2, "Authentication error"), NULL, OUTCOME_STOP, "doppler_http_401", 0 },
	{ 401, PROBLEM(401, 3, "Token expired"), NULL, OUTCOME_STOP, "doppler_http_401", 0 },
	{ 402, LIMIT(",\"period\":\"hourly\",\"resetDate\":\"2026-11-22T09:45:00Z\""), NULL, OUTCOME_HOLD,
	  "doppler_quota_exceeded", 15 * MINUTE_MS },
	{ 402, LIMIT(",\"period\":\"hourly\""), NULL, OUTCOME_HOLD, "doppler_quota_exceeded",
	  30 * MINUTE_MS },
	{ 402, LIMIT(",\"period\":\"daily\""), NULL, OUTCOME_HOLD, "doppler_quota_exceeded",
	  14 * HOUR_MS + 30 * MINUTE_MS },
	{ 402, LIMIT(",\"period\":\"Monthly\""), NULL, OUTCOME_HOLD, "doppler_quota_exceeded",
	  8 * DAY_MS + 14 * HOUR_MS + 30 * MINUTE_MS },
	/* a reset that is past, absurdly far or no date: the boundary of the period */
	{ 402, LIMIT(",\"period\":\"daily\",\"resetDate\":\"2026-11-22T09:00:00Z\""), NULL, OUTCOME_HOLD,
	  "doppler_quota_exceeded", 14 * HOUR_MS + 30 * MINUTE_MS },
	{ 402, LIMIT(",\"period\":\"daily\",\"resetDate\":\"2030-08-01T00:00:00Z\""), NULL, OUTCOME_HOLD,
	  "doppler_quota_exceeded", 14 * HOUR_MS + 30 * MINUTE_MS },
	{ 402, LIMIT(",\"resetDate\":\"tomorrow\""), NULL, OUTCOME_HOLD, "doppler_quota_exceeded",
	  30 * MINUTE_MS },
	{ 402, PROBLEM(402, 0, "Payment required"), NULL, OUTCOME_HOLD, "doppler_http_402", 30 * MINUTE_MS },
	{ 402, "", NULL, OUTCOME_HOLD, "doppler_http_402", 30 * MINUTE_MS },
	{ 402, "{\"type\":\"/docs/errors/402.1-sending-limit\"}", NULL, OUTCOME_HOLD,
	  "doppler_quota_exceeded", 30 * MINUTE_MS },
	{ 403, PROBLEM(403, 0, "Not enough privileges"), NULL, OUTCOME_STOP, "doppler_http_403", 0 },
	{ 403, PROBLEM(403, 1, "Wrong account"), NULL, OUTCOME_STOP, "doppler_http_403", 0 },
	{ 403, PROBLEM(403, 2, "Pending activation"), NULL, OUTCOME_STOP, "doppler_http_403", 0 },
	{ 403, PROBLEM(403, 3, "Activation required"), NULL, OUTCOME_STOP, "doppler_http_403", 0 },
	{ 403, PROBLEM(403, 4, "Unexpected token format"), NULL, OUTCOME_STOP, "doppler_http_403", 0 },
	{ 403, PROBLEM(403, 7, "Internal admin token required"), NULL, OUTCOME_STOP, "doppler_http_403", 0 },
	{ 404, PROBLEM(404, 0, "Route not found"), NULL, OUTCOME_NOT_YET, "doppler_http_404", 0 },
	{ 404, PROBLEM(404, 1, "Entity not found"), NULL, OUTCOME_NOT_YET, "doppler_http_404", 0 },
	{ 408, PROBLEM(408, 0, "Timeout"), NULL, OUTCOME_UNSURE, "doppler_http_408", 0 },
	{ 413, "", NULL, OUTCOME_REFUSED, "doppler_http_413", 0 },
	{ 422, "{}", NULL, OUTCOME_REFUSED, "doppler_http_422", 0 },
	{ 429, PROBLEM(429, 1, "Too many requests"), NULL, OUTCOME_NOT_YET, "doppler_http_429", 1000 },
	{ 429, "", "7", OUTCOME_NOT_YET, "doppler_http_429", 7000 },
	{ 429, "", "0.1", OUTCOME_NOT_YET, "doppler_http_429", 500 },
	{ 429, "", "0", OUTCOME_NOT_YET, "doppler_http_429", 500 },
	{ 429, "", "2.5", OUTCOME_NOT_YET, "doppler_http_429", 2500 },
	{ 429, "", "Sun, 22 Nov 2026 09:31:00 GMT", OUTCOME_NOT_YET, "doppler_http_429", 1000 },
	{ 429, "", "999999999999999999999", OUTCOME_NOT_YET, "doppler_http_429", 86400000 },
	{ 429, "", "-5", OUTCOME_NOT_YET, "doppler_http_429", 1000 },
	{ 500, PROBLEM(500, 0, "Unexpected"), NULL, OUTCOME_UNSURE, "doppler_http_500", 0 },
	{ 501, PROBLEM(501, 0, "Not implemented"), NULL, OUTCOME_UNSURE, "doppler_http_501", 0 },
	{ 502, "<html><body>Bad Gateway</body></html>", NULL, OUTCOME_UNSURE, "doppler_http_502", 0 },
	{ 503, "", "2", OUTCOME_UNSURE, "doppler_http_503", 0 },
	{ 504, "", NULL, OUTCOME_UNSURE, "doppler_http_504", 0 },
	{ 599, "", NULL, OUTCOME_UNSURE, "doppler_http_599", 0 },
	{ 600, "", NULL, OUTCOME_UNSURE, "dispatch_exception", 0 },
};

static void each_answer_has_its_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct http_answer a = answered(answers[i].status, answers[i].body);
		struct verdict v;

		if (answers[i].retry_after != NULL) add_header(&a, "Retry-After", answers[i].retry_after);
		doppler_read_send(&v, arena, &a, NOW);
		if (v.outcome != answers[i].outcome || strcmp(v.why, answers[i].why) != 0 ||
		    v.hold_ms != answers[i].hold_ms || v.http != answers[i].status)
			fail_msg("row %zu (%d): outcome %d why %s hold %lld", i, answers[i].status, v.outcome,
				 v.why, (long long)v.hold_ms);
	}
}

static bool has_words(enum lang lang, const char *why)
{
	const char *msgid = channel_code_words(why);

	return msgid != NULL && *msgid != '\0' && *words_get(lang, msgid) != '\0' &&
	       (lang == LANG_EN || strcmp(words_get(lang, msgid), msgid) != 0);
}

/* A code without a sentence would stand as it is on the message's page. */
static void each_code_has_a_sentence_in_both_languages_and_each_stop_one_for_the_channel(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		const struct channel_reason *r = doppler_reasons;

		if (strcmp(answers[i].why, "accepted") == 0) continue;
		if (!has_words(LANG_ES, answers[i].why) || !has_words(LANG_EN, answers[i].why))
			fail_msg("no sentence for %s", answers[i].why);
		if (answers[i].outcome != OUTCOME_STOP && answers[i].hold_ms == 0) continue;
		while (r->why != NULL && strcmp(r->why, answers[i].why) != 0)
			r++;
		assert_non_null(r->why);
		assert_string_not_equal(words_get(LANG_ES, r->msgid), r->msgid);
	}
	for (const struct channel_code *c = doppler_codes; c->why != NULL; c++)
		assert_true(has_words(LANG_ES, c->why));
}

static void a_call_without_an_answer_says_where_it_broke(void **state)
{
	static const struct {
		enum http_end end;
		const char *error;
		enum outcome outcome;
		const char *why;
	} rows[] = {
		{ HTTP_NOT_SENT, "the server could not be reached", OUTCOME_NOT_YET, "connect_failed" },
		{ HTTP_CUT, "no answer came in time", OUTCOME_UNSURE, "timeout" },
		{ HTTP_CUT, "the connection was cut before an answer came", OUTCOME_UNSURE,
		  "connection_error" },
		{ HTTP_ODD, "the answer is not HTTP", OUTCOME_UNSURE, "response_unparseable" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http_answer a = { .end = rows[i].end };
		struct verdict v;

		snprintf(a.error, sizeof(a.error), "%s", rows[i].error);
		doppler_read_send(&v, arena, &a, NOW);
		assert_int_equal(v.outcome, rows[i].outcome);
		assert_string_equal(v.why, rows[i].why);
		assert_true(has_words(LANG_ES, v.why));
		assert_int_equal(v.hold_ms > 0, rows[i].end == HTTP_NOT_SENT);
	}
}

static void the_id_is_found_in_the_body_or_in_the_address_and_never_guessed(void **state)
{
	struct http_answer a =
		answered(201, "{\"createdResourceId\":\"6f1c0d2e-0000-0000-0000-000000000000\"}");
	struct verdict v;

	(void)state;
	doppler_read_send(&v, arena, &a, NOW);
	assert_string_equal(v.provider_id, "6f1c0d2e-0000-0000-0000-000000000000");
	a = answered(201, "{\"_links\":[{\"href\":\"/accounts/5/deliveries?filter=x\",\"rel\":\"x\"}]}");
	doppler_read_send(&v, arena, &a, NOW);
	assert_string_equal(v.provider_id, "");
	assert_string_equal(v.detail, "/accounts/5/deliveries?filter=x");
	add_header(&a, "Location", "/accounts/5/messages/abc-123/?x=1");
	doppler_read_send(&v, arena, &a, NOW);
	assert_string_equal(v.provider_id, "abc-123");
	assert_string_equal(v.detail, "/accounts/5/messages/abc-123/?x=1");
	a = answered(201, "{\"createdResourceId\":\"not an id\"}");
	doppler_read_send(&v, arena, &a, NOW);
	assert_string_equal(v.provider_id, "");
	assert_int_equal(v.outcome, OUTCOME_SENT);
	/* 48 */
	a = answered(201, "{\"createdResourceId\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}");
	doppler_read_send(&v, arena, &a, NOW);
	assert_string_equal(v.provider_id, "");
	a = answered(201, "{\"createdResourceId\":12345}");
	doppler_read_send(&v, arena, &a, NOW);
	assert_string_equal(v.provider_id, "12345");
}

static void a_refusal_is_told_without_the_address_in_it(void **state)
{
	struct http_answer a =
		answered(400, "{\"title\":\"Validation error\",\"errorCode\":1,\"errors\":[{\"key\":"
			      "\"recipients[0].email\",\"detail\":\"ana@example.org is not valid\"}]}");
	struct verdict v;

	(void)state;
	doppler_read_send(&v, arena, &a, NOW);
	assert_non_null(strstr(v.detail, "400.1 Validation error: recipients[0].email"));
	assert_null(strstr(v.detail, "ana@example.org"));
	a = answered(502, "<html><title>502 Bad Gateway</title><body>nginx</body></html>");
	doppler_read_send(&v, arena, &a, NOW);
	assert_string_equal(v.detail, "502 502 Bad Gateway nginx");
}

/* Requests */

struct built {
	struct house h;
	struct channel_config cf;
	struct channel_request rq;
	const char *why;
	struct letter letter;
	struct outgoing m;
};

static void open_built(struct built *b)
{
	memset(b, 0, sizeof(*b));
	house_open(&b->h, NOW);
	house_set(&b->h, "doppler.api_key", "s3cret");
	house_set(&b->h, "doppler.account_id", "5");
	b->letter = (struct letter){ .from_email = "avisos@example.com",
				     .from_name = "Empresa \"Uno\"",
				     .reply_to = "",
				     .provider_template = "11111111-1111-4111-8111-111111111111",
				     .list_name = "" };
	b->m = (struct outgoing){ .to = "ana@example.org",
				  .text = "",
				  .variables_json = "{\"nombre\":\"Ana\"}",
				  .letter = &b->letter };
}

static void close_built(struct built *b)
{
	sb_free(&b->rq.body);
	house_close(&b->h);
}

static enum rc build(struct built *b)
{
	memset(&b->cf, 0, sizeof(b->cf));
	doppler_channel.configure(&b->cf, &b->why, &b->h.s.env);
	assert_null(b->why);
	return doppler_channel.build_send(&b->rq, &b->cf, &b->m);
}

static void a_mail_by_template_has_what_the_sheet_knows_and_nothing_else(void **state)
{
	struct built b;

	(void)state;
	open_built(&b);
	assert_int_equal(build(&b), RC_OK);
	assert_string_equal(b.rq.http.url, "https://api.dopplerrelay.com/accounts/5/templates/"
					   "11111111-1111-4111-8111-111111111111/message");
	assert_string_equal(b.rq.http.headers[0], "Authorization: Bearer s3cret");
	assert_false(b.rq.http.may_repeat);
	assert_string_equal(
		b.rq.body.p,
		"{\"from_name\":\"Empresa \\\"Uno\\\"\",\"from_email\":\"avisos@example.com\",\"recipients\":[{\"email\":"
		"\"ana@example.org\",\"type\":\"to\"}],\"model\":{\"nombre\":\"Ana\"}}");
	b.m.to_name = "Ana";
	b.m.subject = "Hola";
	b.letter.reply_to = "otra@example.com";
	assert_int_equal(build(&b), RC_OK);
	assert_non_null(
		strstr(b.rq.body.p,
		       "\"name\":\"Ana\",\"type\":\"to\"}],\"reply_to\":{\"email\":\"otra@example.com\"}"
		       ",\"subject\":\"Hola\",\"model\":"));
	house_set(&b.h, "doppler.send_subject", "no");
	house_set(&b.h, "doppler.auth_scheme", "token");
	assert_int_equal(build(&b), RC_OK);
	assert_null(strstr(b.rq.body.p, "subject"));
	assert_string_equal(b.rq.http.headers[0], "Authorization: token s3cret");
	b.m.variables_json = NULL;
	assert_int_equal(build(&b), RC_OK);
	assert_non_null(strstr(b.rq.body.p, "\"model\":{}"));
	close_built(&b);
}

static void a_single_mail_has_its_own_texts(void **state)
{
	struct built b;

	(void)state;
	open_built(&b);
	house_set(&b.h, "doppler.from_email", "casa@example.com");
	b.m = (struct outgoing){
		.to = "ana@example.org", .text = "Hola", .html = "<p>Hola</p>", .subject = "S"
	};
	assert_int_equal(build(&b), RC_OK);
	assert_string_equal(b.rq.http.url, "https://api.dopplerrelay.com/accounts/5/messages");
	assert_string_equal(
		b.rq.body.p,
		"{\"from_name\":\"\",\"from_email\":\"casa@example.com\",\"recipients\":[{\"email\":"
		"\"ana@example.org\",\"type\":\"to\"}],\"subject\":\"S\",\"html\":\"<p>Hola</p>\","
		"\"text\":\"Hola\"}");
	house_set(&b.h, "doppler.from_email", "");
	assert_int_equal(build(&b), RC_BAD_INPUT);
	assert_non_null(b.rq.refusal);
	close_built(&b);
}

static void a_template_id_that_is_none_never_gets_into_an_address(void **state)
{
	static const char *const ids[] = { "../5", "a b", "a/b", "a?b", "%41", "\xc3\xb1" };
	char long_id[DOPPLER_TEMPLATE_ID_MAX + 2];
	struct built b;

	(void)state;
	open_built(&b);
	for (size_t i = 0; i < COUNT(ids); i++) {
		b.letter.provider_template = ids[i];
		assert_int_equal(build(&b), RC_BAD_INPUT);
	}
	memset(long_id, 'a', sizeof(long_id));
	long_id[DOPPLER_TEMPLATE_ID_MAX + 1] = '\0';
	b.letter.provider_template = long_id;
	assert_int_equal(build(&b), RC_BAD_INPUT);
	long_id[DOPPLER_TEMPLATE_ID_MAX] = '\0';
	assert_int_equal(build(&b), RC_OK);
	close_built(&b);
}

static void attachments_are_encoded_once_under_the_name_the_setting_says(void **state)
{
	static const struct {
		const char *content, *encoded;
	} rows[] = { { "a", "YQ==" }, { "ab", "YWI=" }, { "abc", "YWJj" } };
	struct built b;

	(void)state;
	open_built(&b);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char path[4200];
		struct outgoing_file file = { "detalle \"1\".pdf", "application/pdf", path };
		struct sb prepared;
		FILE *f;

		snprintf(path, sizeof(path), "%s/attachment", b.h.s.env.dir);
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(rows[i].content, f);
		fclose(f);
		b.letter.files = &file;
		b.letter.file_count = 1;
		b.letter.prepared = NULL;
		assert_int_equal(build(&b), RC_OK);
		assert_non_null(strstr(
			b.rq.body.p,
			arena_printf(arena,
				     ",\"attachments\":[{\"filename\":\"detalle \\\"1\\\".pdf\",\"type\":"
				     "\"application/pdf\",\"base64_content\":\"%s\"}]}",
				     rows[i].encoded)));
		house_set(&b.h, "doppler.attach_type_key", "content_type");
		memset(&b.cf, 0, sizeof(b.cf));
		doppler_channel.configure(&b.cf, &b.why, &b.h.s.env);
		sb_init(&prepared, 1024 * 1024);
		assert_int_equal(doppler_channel.prepare_letter(&prepared, &b.cf, &b.letter), RC_OK);
		b.letter.prepared = prepared.p;
		b.letter.prepared_len = prepared.len;
		unlink(path); /* the prepared one needs no file any more */
		assert_int_equal(build(&b), RC_OK);
		assert_non_null(strstr(b.rq.body.p, "\"content_type\":\"application/pdf\""));
		sb_free(&prepared);
		house_set(&b.h, "doppler.attach_type_key", "type");
	}
	close_built(&b);
}

static void an_attachment_longer_than_a_piece_is_whole(void **state)
{
	struct built b;
	char path[4200];
	struct outgoing_file file = { "a.bin", "application/octet-stream", path };
	FILE *f;
	size_t n = 3 * 4096 * 2 + 1;

	(void)state;
	open_built(&b);
	snprintf(path, sizeof(path), "%s/long", b.h.s.env.dir);
	f = fopen(path, "w");
	assert_non_null(f);
	for (size_t i = 0; i < n; i++)
		fputc('x', f);
	fclose(f);
	b.letter.files = &file;
	b.letter.file_count = 1;
	assert_int_equal(build(&b), RC_OK);
	/* eHh4 repeated, then one byte with its padding */
	assert_non_null(strstr(b.rq.body.p, "eHh4eA==\"}]}"));
	assert_int_equal(strlen(strstr(b.rq.body.p, "base64_content")) - strlen("base64_content\":\"\"}]}"),
			 (n + 2) / 3 * 4);
	unlink(path);
	assert_int_not_equal(build(&b), RC_OK);
	close_built(&b);
}

static void what_is_missing_in_the_settings_is_named(void **state)
{
	static const struct {
		const char *name, *value, *why;
	} rows[] = {
		{ "doppler.api_key", "", "no_key" },
		{ "doppler.api_key", "k", "no_account" },
		{ "doppler.account_id", "5", NULL },
		{ "doppler.base_url", "http://api.dopplerrelay.com/", "no_base" }, /* in the clear: never */
		{ "doppler.base_url", "http://127.0.0.1:8090/", NULL },
		{ "doppler.quota_guard", "yes", "no_quota" },
		{ "doppler.quota_monthly", "1000", "no_quota" },
		{ "doppler.quota_daily", "100", "no_quota" },
		{ "doppler.quota_hourly", "1", NULL },
		/* half a mail an hour is none, not any */
		{ "doppler.quota_margin_percent", "50", "no_quota" },
		{ "doppler.quota_hourly", "3", NULL },
	};
	struct house h;
	int64_t caps[3];

	(void)state;
	house_open(&h, NOW);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct channel_config cf;
		const char *why = NULL;

		memset(&cf, 0, sizeof(cf));
		house_set(&h, rows[i].name, rows[i].value);
		doppler_channel.configure(&cf, &why, &h.s.env);
		if ((why == NULL) != (rows[i].why == NULL) || (why != NULL && strcmp(why, rows[i].why) != 0))
			fail_msg("row %zu: %s", i, why == NULL ? "fine" : why);
	}
	doppler_channel.caps(caps, h.s.env.settings);
	assert_int_equal(caps[0], 1); /* floor(3 × 0.5) */
	assert_int_equal(caps[1], 50);
	assert_int_equal(caps[2], 500);
	house_set(&h, "doppler.quota_guard", "no");
	doppler_channel.caps(caps, h.s.env.settings);
	assert_int_equal(caps[0] + caps[1] + caps[2], 0);
	house_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_has_its_verdict),
		cmocka_unit_test(
			each_code_has_a_sentence_in_both_languages_and_each_stop_one_for_the_channel),
		cmocka_unit_test(a_call_without_an_answer_says_where_it_broke),
		cmocka_unit_test(the_id_is_found_in_the_body_or_in_the_address_and_never_guessed),
		cmocka_unit_test(a_refusal_is_told_without_the_address_in_it),
		cmocka_unit_test(a_mail_by_template_has_what_the_sheet_knows_and_nothing_else),
		cmocka_unit_test(a_single_mail_has_its_own_texts),
		cmocka_unit_test(a_template_id_that_is_none_never_gets_into_an_address),
		cmocka_unit_test(attachments_are_encoded_once_under_the_name_the_setting_says),
		cmocka_unit_test(an_attachment_longer_than_a_piece_is_whole),
		cmocka_unit_test(what_is_missing_in_the_settings_is_named),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
