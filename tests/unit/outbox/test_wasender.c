/*
** test_wasender.c -- what each answer of the gateway means: the tables of its contract sheet, row by row.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbox/channels/wasender.h"
#include <stdio.h>
#include <string.h>

#define NOW      INT64_C(1790000000000)
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new((size_t)1024 * 1024);
	return arena == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct http_answer answered(int status, const char *body)
{
	struct http_answer a = { .end = HTTP_DONE, .status = status, .body = { body, strlen(body) } };

	return a;
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
	int64_t delay_s;
	bool is_dead;
} answers[] = {
	{ 200, "{\"success\":true,\"data\":{\"msgId\":100000,\"jid\":\"+1\",\"status\":\"in_progress\"}}",
	  NULL, OUTCOME_SENT, "accepted", 0, false },
	{ 201, "{\"success\":true}", NULL, OUTCOME_SENT, "accepted", 0, false },
	{ 200, "{\"success\":true,\"message\":\"queued\"}", NULL, OUTCOME_SENT, "accepted", 0, false },
	/* 2xx without a positive result proves nothing */
	{ 200, "{}", NULL, OUTCOME_UNSURE, "odd_answer", 0, false },
	{ 200, "", NULL, OUTCOME_UNSURE, "odd_answer", 0, false },
	{ 200, "<html><body>OK</body></html>", NULL, OUTCOME_UNSURE, "odd_answer", 0, false },
	{ 200, "{\"success\":\"true\"}", NULL, OUTCOME_UNSURE, "odd_answer", 0, false },
	{ 200, "{\"success\":false,\"message\":\"hm\"}", NULL, OUTCOME_UNSURE, "odd_answer", 0, false },
	{ 200, "{\"success\":false,\"message\":\"Your Whatsapp Session is not connected please connect\"}",
	  NULL, OUTCOME_HOLD, "disconnected", 0, false },
	{ 401, "{\"success\":false,\"message\":\"Invalid API key\"}", NULL, OUTCOME_STOP, "unauthorized", 0,
	  false },
	{ 403, "{\"success\":false,\"message\":\"Forbidden\"}", NULL, OUTCOME_STOP, "unauthorized", 0,
	  false },
	{ 402, "{}", NULL, OUTCOME_STOP, "payment", 0, false },
	{ 403, "{\"message\":\"Active subscription or trial is required to use the API\"}", NULL,
	  OUTCOME_STOP, "payment", 0, false },
	{ 400, "{\"message\":\"You have no CREDITS left\"}", NULL, OUTCOME_STOP, "payment", 0, false },
	{ 404, "<html>not found</html>", NULL, OUTCOME_STOP, "not_found", 0, false },
	{ 301, "", NULL, OUTCOME_STOP, "not_found", 0, false },
	{ 422, "{\"message\":\"The provided JID does not exist on WhatsApp.\"}", NULL, OUTCOME_REFUSED,
	  "no_whatsapp", 0, true },
	{ 422, "{\"message\":\"Validation failed\",\"errors\":{\"to\":[\"JID does not exist on WhatsApp\"]}}",
	  NULL, OUTCOME_REFUSED, "no_whatsapp", 0, true },
	{ 422,
	  "{\"message\":\"Validation failed\",\"errors\":{\"to\":[\"The to field format is invalid.\"]}}",
	  NULL, OUTCOME_REFUSED, "no_whatsapp", 0, true },
	{ 422, "{\"message\":\"Validation failed\",\"errors\":{\"to\":[\"The to field is required.\"]}}",
	  NULL, OUTCOME_REFUSED, "refused", 0, false },
	{ 422, "{\"message\":\"Validation failed\",\"errors\":{\"text\":[\"The text field is required.\"]}}",
	  NULL, OUTCOME_REFUSED, "refused", 0, false },
	{ 422, "{\"message\":\"Your Whatsapp Session is not connected please connect your session first.\"}",
	  NULL, OUTCOME_HOLD, "disconnected", 0, false },
	{ 400, "{\"message\":\"Your WhatsApp session is NOT CONNECTED\"}", NULL, OUTCOME_HOLD, "disconnected",
	  0, false },
	{ 429, "{\"message\":\"You are on a free trial.\",\"retry_after\":60}", NULL, OUTCOME_NOT_YET, "rate",
	  60, false },
	{ 429, "{\"message\":\"account protection enabled\",\"retry_after\":3}", "9", OUTCOME_NOT_YET, "rate",
	  3, false },
	{ 429, "{\"message\":\"slow down\"}", "7", OUTCOME_NOT_YET, "rate", 7, false },
	{ 429, "{\"message\":\"account protection enabled\"}", NULL, OUTCOME_NOT_YET, "rate", 5, false },
	{ 429, "<html>too many</html>", NULL, OUTCOME_NOT_YET, "rate", 60, false },
	{ 429, "{\"message\":\"get a subscription for more\",\"retry_after\":2}", NULL, OUTCOME_NOT_YET,
	  "rate", 2, false },
	{ 429, "{\"retry_after\":999999999}", NULL, OUTCOME_NOT_YET, "rate", 86400, false },
	{ 408, "", NULL, OUTCOME_UNSURE, "timeout", 0, false },
	{ 503, "{\"message\":\"maintenance\"}", "120", OUTCOME_NOT_YET, "busy", 120, false },
	{ 503, "{\"message\":\"maintenance\"}", NULL, OUTCOME_UNSURE, "server_error", 0, false },
	{ 500, "{\"message\":\"Server Error\"}", "10", OUTCOME_UNSURE, "server_error", 0, false },
	{ 502, "<html>Bad Gateway</html>", NULL, OUTCOME_UNSURE, "server_error", 0, false },
	{ 504, "", NULL, OUTCOME_UNSURE, "server_error", 0, false },
	{ 999, "", NULL, OUTCOME_UNSURE, "server_error", 0, false },
};

static void every_answer_of_the_sheet_means_what_the_house_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct http_answer a = answered(answers[i].status, answers[i].body);
		struct verdict v;

		if (answers[i].retry_after != NULL) add_header(&a, "Retry-After", answers[i].retry_after);
		wasender_read_send(&v, arena, &a, NOW);
		print_message("row %zu: %d %s\n", i, answers[i].status, answers[i].body);
		assert_string_equal(outcome_name(v.outcome), outcome_name(answers[i].outcome));
		assert_string_equal(v.why, answers[i].why);
		assert_int_equal(v.delay_ms, answers[i].delay_s * SECOND_MS);
		assert_int_equal(v.dead != NULL, answers[i].is_dead);
		assert_int_equal(v.http, answers[i].status);
	}
}

static void a_line_that_broke_is_unsure_unless_nothing_left(void **state)
{
	struct http_answer a = { .end = HTTP_NOT_SENT, .error = "refused" };
	struct verdict v;

	(void)state;
	wasender_read_send(&v, arena, &a, NOW);
	assert_int_equal(v.outcome, OUTCOME_NOT_YET);
	assert_string_equal(v.why, "unreachable");
	assert_true(v.hold_ms > 0);
	assert_string_equal(v.detail, "refused");
	a.end = HTTP_CUT;
	wasender_read_send(&v, arena, &a, NOW);
	assert_int_equal(v.outcome, OUTCOME_UNSURE);
	assert_string_equal(v.why, "cut");
	a.end = HTTP_ODD;
	wasender_read_send(&v, arena, &a, NOW);
	assert_int_equal(v.outcome, OUTCOME_UNSURE);
	/* An answer that came with a cut is no answer. */
	a = answered(200, "{\"success\":true,\"data\":{\"msgId\":1}}");
	a.end = HTTP_CUT;
	wasender_read_send(&v, arena, &a, NOW);
	assert_int_equal(v.outcome, OUTCOME_UNSURE);
}

static void the_number_of_an_accepted_message_is_kept(void **state)
{
	struct http_answer a = answered(200, "{\"success\":true,\"data\":{\"msgId\":12345678}}");
	struct verdict v;

	(void)state;
	wasender_read_send(&v, arena, &a, NOW);
	assert_string_equal(v.provider_id, "12345678");
	a = answered(200, "{\"success\":true,\"data\":{\"msgId\":\"abc-9\"}}");
	wasender_read_send(&v, arena, &a, NOW);
	assert_string_equal(v.provider_id, "abc-9");
	a = answered(200, "{\"success\":true,\"data\":{}}");
	wasender_read_send(&v, arena, &a, NOW);
	assert_string_equal(v.provider_id, "");
}

static void the_reason_a_person_reads_comes_from_the_body(void **state)
{
	struct http_answer a =
		answered(422, "{\"message\":\"Validation failed\",\"errors\":{\"text\":[\"too long\"]}}");
	struct verdict v;

	(void)state;
	wasender_read_send(&v, arena, &a, NOW);
	assert_string_equal(v.detail, "Validation failed: too long");
	a = answered(400, "{\"success\":false,\"error\":\"File size\"}");
	wasender_read_send(&v, arena, &a, NOW);
	assert_string_equal(v.detail, "File size");
	a = answered(502, "<html><head><title>502 Bad Gateway</title></head><body>\nnginx</body></html>");
	wasender_read_send(&v, arena, &a, NOW);
	assert_string_equal(v.detail, "502 Bad Gateway nginx");
}

static void both_ways_of_telling_the_reset_are_understood(void **state)
{
	struct http_answer a = answered(200, "{\"success\":true,\"data\":{\"msgId\":1}}");
	struct verdict v;

	(void)state;
	add_header(&a, "X-RateLimit-Limit", "256");
	add_header(&a, "x-ratelimit-remaining", "0");
	add_header(&a, "X-RateLimit-Reset", "30");
	add_header(&a, "X-RateLimit-Daily-Limit", "50");
	add_header(&a, "X-RateLimit-Daily-Remaining", "4");
	add_header(&a, "X-RateLimit-Daily-Reset", "1790000100");
	wasender_read_send(&v, arena, &a, NOW);
	assert_int_equal(v.limits.limit, 256);
	assert_int_equal(v.limits.remaining, 0);
	assert_int_equal(v.limits.reset_at, NOW + 30 * SECOND_MS);
	assert_int_equal(v.limits.daily_remaining, 4);
	assert_int_equal(v.limits.daily_reset_at, NOW + 100 * SECOND_MS);
}

static void numbers_that_are_none_say_nothing(void **state)
{
	static const char *const bad[] = { "", "-1", "1e3", "12 ", "99999999999999999999", "x" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct http_answer a = answered(200, "{\"success\":true}");
		struct verdict v;

		add_header(&a, "X-RateLimit-Remaining", bad[i]);
		wasender_read_send(&v, arena, &a, NOW);
		assert_int_equal(v.limits.remaining, LIMIT_UNKNOWN);
	}
}

static void a_look_learns_the_key_and_the_state(void **state)
{
	struct http_answer a = answered(
		200, "{\"success\":true,\"data\":{\"id\":\"3EB0\",\"msgId\":1,\"key\":{\"id\":\"3EB0AA\"},"
		     "\"messageTimestamp\":\"1751297488\",\"status\":3}}");
	struct check_verdict v;

	(void)state;
	wasender_read_check(&v, arena, &a);
	assert_int_equal(v.end, CHECK_TOLD);
	assert_string_equal(v.provider_key, "3EB0AA");
	assert_int_equal(v.status, STATUS_DELIVERED);
	/* Before it has left, key and id may be missing. */
	a = answered(200, "{\"success\":true,\"data\":{\"msgId\":1,\"status\":1}}");
	wasender_read_check(&v, arena, &a);
	assert_int_equal(v.end, CHECK_TOLD);
	assert_string_equal(v.provider_key, "");
	a = answered(404, "{}");
	wasender_read_check(&v, arena, &a);
	assert_int_equal(v.end, CHECK_NOTHING);
	a = answered(429, "{\"retry_after\":9}");
	wasender_read_check(&v, arena, &a);
	assert_int_equal(v.end, CHECK_LATER);
	assert_int_equal(v.delay_ms, 10 * SECOND_MS);
	a = answered(200, "<html>");
	wasender_read_check(&v, arena, &a);
	assert_int_equal(v.end, CHECK_LATER);
}

static void the_session_is_understood_in_any_case(void **state)
{
	static const struct {
		const char *body, *word;
	} rows[] = {
		{ "{\"status\":\"connected\"}", "connected" },
		{ "{\"status\":\"CONNECTED\"}", "connected" },
		{ "{\"status\":\"NEED_SCAN\"}", "need_scan" },
		{ "{\"status\":\"need_passkey\"}", "need_passkey" },
		{ "{\"status\":\"Logged_Out\"}", "logged_out" },
		{ "{\"status\":\"something new\"}", "unknown" },
		{ "{\"data\":{\"status\":\"expired\"}}", "expired" },
	};
	struct session_verdict v;
	struct http_answer a;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		a = answered(200, rows[i].body);
		wasender_read_session(&v, arena, &a);
		assert_int_equal(v.end, SESSION_TOLD);
		assert_string_equal(v.session, rows[i].word);
	}
	a = answered(401, "{}");
	wasender_read_session(&v, arena, &a);
	assert_int_equal(v.end, SESSION_DENIED);
	a = answered(500, "");
	wasender_read_session(&v, arena, &a);
	assert_int_equal(v.end, SESSION_SILENT);
	assert_true(session_is_open("connected"));
	assert_false(session_is_open("connecting"));
	assert_true(session_needs_person("need_scan"));
	assert_false(session_needs_person("disconnected"));
}

static void offline_never_leaves_the_machine(void **state)
{
	static const struct {
		const char *setting;
		bool is_offline;
		const char *standin, *base;
	} rows[] = {
		{ "https://wasenderapi.com", false, NULL, "https://wasenderapi.com" },
		{ "https://wasenderapi.com/", false, NULL, "https://wasenderapi.com" },
		{ "https://www.wasenderapi.com/api", false, NULL, "https://www.wasenderapi.com" },
		{ "https://x.example/API/", false, NULL, "https://x.example" },
		{ "https://wasenderapi.com", true, "http://127.0.0.1:99", "http://127.0.0.1:99" },
		{ "https://wasenderapi.com", true, NULL, "" },
		{ "http://127.0.0.1:8099/api", true, "http://127.0.0.1:99", "http://127.0.0.1:8099" },
		{ "http://localhost:8099", true, NULL, "http://localhost:8099" },
		{ "http://[::1]:8099", true, NULL, "http://[::1]:8099" },
		{ "http://127.0.0.1.evil.example", true, NULL, "" },
		{ "http://127.evil.example", true, NULL, "" },
		{ "http://localhost.example", true, NULL, "" },
		{ "http://127.0.0.1@evil.example", true, NULL, "" },
		{ "http://127.0.0.1:80@evil.example/", true, NULL, "" },
	};
	char base[CHANNEL_URL_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		wasender_base(base, rows[i].setting, rows[i].is_offline, rows[i].standin);
		assert_string_equal(base, rows[i].base);
	}
}

static void a_request_says_what_the_sheet_asks(void **state)
{
	struct channel_config cf = { .base_url = "https://x.example", .key = "K1", .timeout_ms = 30000 };
	const struct outgoing hola = { .to = "+593990000001", .text = "Hola \"Ana\"\nñ" };
	struct channel_request rq;

	(void)state;
	memset(&rq, 0, sizeof(rq));
	assert_int_equal(wasender_channel.build_send(&rq, &cf, &hola), RC_OK);
	assert_string_equal(rq.http.url, "https://x.example/api/send-message");
	assert_string_equal(rq.http.method, "POST");
	assert_false(rq.http.may_repeat);
	assert_string_equal(rq.http.headers[0], "Authorization: Bearer K1");
	assert_int_equal(rq.http.body.len, strlen(rq.http.body.p));
	assert_string_equal(rq.http.body.p,
			    "{\"to\":\"+593990000001\",\"text\":\"Hola \\\"Ana\\\"\\n\xC3\xB1\"}");
	wasender_channel.build_check(&rq, &cf, "12/../3?x");
	assert_string_equal(rq.http.url, "https://x.example/api/messages/123x/info");
	assert_true(rq.http.may_repeat);
	wasender_channel.build_session(&rq, &cf);
	assert_string_equal(rq.http.url, "https://x.example/api/status");
	sb_free(&rq.body);
}

static void a_text_of_4096_characters_goes_and_one_more_does_not(void **state)
{
	static char text[4096 * 2 + 3];
	struct channel_config cf = { .base_url = "https://x.example", .key = "K1", .timeout_ms = 30000 };
	struct channel_request rq;

	(void)state;
	memset(&rq, 0, sizeof(rq));
	for (size_t i = 0; i < 4096; i++)
		memcpy(text + 2 * i, "\xC3\xB1", 2);
	assert_int_equal(
		wasender_channel.build_send(&rq, &cf, &(struct outgoing){ .to = "+1", .text = text }), RC_OK);
	memcpy(text + 2 * 4096, "a", 2);
	assert_int_equal(
		wasender_channel.build_send(&rq, &cf, &(struct outgoing){ .to = "+1", .text = text }),
		RC_TOO_LARGE);
	sb_free(&rq.body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_of_the_sheet_means_what_the_house_table_says),
		cmocka_unit_test(a_line_that_broke_is_unsure_unless_nothing_left),
		cmocka_unit_test(the_number_of_an_accepted_message_is_kept),
		cmocka_unit_test(the_reason_a_person_reads_comes_from_the_body),
		cmocka_unit_test(both_ways_of_telling_the_reset_are_understood),
		cmocka_unit_test(numbers_that_are_none_say_nothing),
		cmocka_unit_test(a_look_learns_the_key_and_the_state),
		cmocka_unit_test(the_session_is_understood_in_any_case),
		cmocka_unit_test(offline_never_leaves_the_machine),
		cmocka_unit_test(a_request_says_what_the_sheet_asks),
		cmocka_unit_test(a_text_of_4096_characters_goes_and_one_more_does_not),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
