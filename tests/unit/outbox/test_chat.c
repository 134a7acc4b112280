/*
** test_chat.c -- what each answer of Slack, Discord and Telegram means: the tables of their contract sheet,
** row by row; texts cut to fit; which addresses may be set.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbox/channels/chat.h"
#include <stdio.h>
#include <string.h>

#define NOW      INT64_C(1790000000000)
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new((size_t)32 * 1024 * 1024);
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

typedef void read_fn(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now);

struct row {
	int status;
	const char *body, *retry_after;
	enum outcome outcome;
	const char *why;
	int64_t wait_ms;
	const char *dead;
};

static void check_rows(read_fn *read, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];
		struct http_answer a = answered(r->status, r->body);
		struct verdict v;

		if (r->retry_after != NULL) add_header(&a, "retry-after", r->retry_after);
		read(&v, arena, &a, NOW);
		if (v.outcome != r->outcome || strcmp(v.why, r->why) != 0 || v.hold_ms != r->wait_ms ||
		    (v.dead == NULL) != (r->dead == NULL))
			fail_msg("%d %s: %s %s hold %lld, not %s %s hold %lld", r->status, r->body,
				 outcome_name(v.outcome), v.why, (long long)v.hold_ms,
				 outcome_name(r->outcome), r->why, (long long)r->wait_ms);
		assert_int_equal(v.http, r->status);
		assert_true(v.delay_ms == v.hold_ms);
		if (r->dead != NULL) assert_string_equal(v.dead, r->dead);
	}
}

#define HTML "<html><head><title>429 Too Many</title></head><body>blocked</body></html>"

static const struct row slack_rows[] = {
	{ 200, "ok", NULL, OUTCOME_SENT, "accepted", 0, NULL },
	{ 200, "ok\n", NULL, OUTCOME_SENT, "accepted", 0, NULL },
	/* 2xx that does not say so proves nothing */
	{ 200, "", NULL, OUTCOME_UNSURE, "odd_answer", 0, NULL },
	{ 200, "okay", NULL, OUTCOME_UNSURE, "odd_answer", 0, NULL },
	{ 200, "<html>Welcome</html>", NULL, OUTCOME_UNSURE, "odd_answer", 0, NULL },
	{ 500, "ok", NULL, OUTCOME_UNSURE, "server_error", 0, NULL },
	{ 400, "invalid_payload", NULL, OUTCOME_REFUSED, "refused", 0, NULL },
	{ 400, "no_text", NULL, OUTCOME_REFUSED, "refused", 0, NULL },
	{ 400, "invalid_blocks", NULL, OUTCOME_REFUSED, "refused", 0, NULL },
	{ 400, "too_many_attachments", NULL, OUTCOME_REFUSED, "refused", 0, NULL },
	{ 400, "user_not_found", NULL, OUTCOME_REFUSED, "refused", 0, NULL },
	{ 400, "posting_to_general_channel_denied", NULL, OUTCOME_REFUSED, "refused", 0, NULL },
	{ 400, "a_code_of_tomorrow", NULL, OUTCOME_REFUSED, "refused", 0, NULL },
	{ 403, "action_prohibited", NULL, OUTCOME_STOP, "unauthorized", 0, NULL },
	{ 403, "invalid_token", NULL, OUTCOME_STOP, "unauthorized", 0, NULL },
	{ 403, "team_disabled", NULL, OUTCOME_STOP, "unauthorized", 0, NULL },
	{ 404, "channel_not_found", NULL, OUTCOME_STOP, "not_found", 0, NULL },
	{ 404, "no_service", NULL, OUTCOME_STOP, "not_found", 0, NULL },
	{ 404, "no_service_id", NULL, OUTCOME_STOP, "not_found", 0, NULL },
	{ 404, "no_team", NULL, OUTCOME_STOP, "not_found", 0, NULL },
	{ 410, "channel_is_archived", NULL, OUTCOME_STOP, "archived", 0, NULL },
	/* the text decides before the status */
	{ 400, "no_active_hooks", NULL, OUTCOME_STOP, "not_found", 0, NULL },
	{ 200, "invalid_token", NULL, OUTCOME_STOP, "unauthorized", 0, NULL },
	{ 404, "", NULL, OUTCOME_STOP, "not_found", 0, NULL },
	{ 410, "gone", NULL, OUTCOME_STOP, "not_found", 0, NULL },
	{ 401, "", NULL, OUTCOME_STOP, "unauthorized", 0, NULL },
	{ 302, "", NULL, OUTCOME_STOP, "not_found", 0, NULL },
	{ 429, "rate_limited", "7", OUTCOME_NOT_YET, "rate", 7000, NULL },
	{ 429, "{\"ok\":false,\"error\":\"rate_limited\"}", "1", OUTCOME_NOT_YET, "rate", 1000, NULL },
	{ 429, "rate_limited", NULL, OUTCOME_NOT_YET, "rate", 30000, NULL },
	{ 429, HTML, "2", OUTCOME_NOT_YET, "rate", 2000, NULL },
	{ 429, "rate_limited", "9999999999", OUTCOME_NOT_YET, "rate", DAY_MS, NULL },
	{ 500, "rollup_error", NULL, OUTCOME_NOT_YET, "busy", 0, NULL },
	{ 500, "", NULL, OUTCOME_UNSURE, "server_error", 0, NULL },
	{ 502, HTML, NULL, OUTCOME_UNSURE, "server_error", 0, NULL },
	{ 503, "", NULL, OUTCOME_UNSURE, "server_error", 0, NULL },
	{ 503, "", "5", OUTCOME_NOT_YET, "busy", 5000, NULL },
	{ 408, "", NULL, OUTCOME_UNSURE, "timeout", 0, NULL },
};

static const struct row discord_rows[] = {
	{ 200, "{\"id\":\"1234567890123456789\",\"channel_id\":\"1\"}", NULL, OUTCOME_SENT, "accepted", 0,
	  NULL },
	{ 204, "", NULL, OUTCOME_SENT, "accepted", 0, NULL },
	/* with wait=true an answer without the message proves nothing */
	{ 200, "", NULL, OUTCOME_UNSURE, "odd_answer", 0, NULL },
	{ 200, "{}", NULL, OUTCOME_UNSURE, "odd_answer", 0, NULL },
	{ 200, "<html>", NULL, OUTCOME_UNSURE, "odd_answer", 0, NULL },
	{ 404, "{\"message\":\"Unknown Webhook\",\"code\":10015}", NULL, OUTCOME_STOP, "not_found", 0, NULL },
	{ 401, "{\"message\":\"Invalid Webhook Token\",\"code\":50027}", NULL, OUTCOME_STOP, "unauthorized",
	  0, NULL },
	{ 403, "{\"message\":\"Missing Access\",\"code\":50001}", NULL, OUTCOME_STOP, "unauthorized", 0,
	  NULL },
	{ 403, HTML, NULL, OUTCOME_STOP, "unauthorized", 0, NULL },
	{ 400, "{\"code\":50035,\"message\":\"Invalid Form Body\",\"errors\":{}}", NULL, OUTCOME_REFUSED,
	  "refused", 0, NULL },
	{ 400, "{\"code\":50006,\"message\":\"Cannot send an empty message\"}", NULL, OUTCOME_REFUSED,
	  "refused", 0, NULL },
	{ 400, "{\"code\":220001,\"message\":\"Webhooks posted to forum channels must have a thread\"}", NULL,
	  OUTCOME_REFUSED, "refused", 0, NULL },
	{ 400, "{\"content\":[\"Must be 2000 or fewer in length.\"]}", NULL, OUTCOME_REFUSED, "refused", 0,
	  NULL },
	{ 413, "{\"code\":40005}", NULL, OUTCOME_REFUSED, "too_large", 0, NULL },
	/* the longer of two numbers that disagree, rounded up */
	{ 429, "{\"message\":\"You are being rate limited.\",\"retry_after\":64.57,\"global\":false}", "2",
	  OUTCOME_NOT_YET, "rate", 65000, NULL },
	{ 429, "{\"message\":\"You are being rate limited.\",\"retry_after\":0.3}", "12", OUTCOME_NOT_YET,
	  "rate", 12000, NULL },
	{ 429, "{\"message\":\"You are being rate limited.\"}", NULL, OUTCOME_NOT_YET, "rate", 30000, NULL },
	{ 429, "{\"retry_after\":-5}", NULL, OUTCOME_NOT_YET, "rate", 30000, NULL },
	{ 429, "{\"retry_after\":1e30}", NULL, OUTCOME_NOT_YET, "rate", DAY_MS, NULL },
	/* without JSON it is the edge: ten minutes at least */
	{ 429, HTML, "3", OUTCOME_NOT_YET, "rate", 600000, NULL },
	{ 429, "", "3600", OUTCOME_NOT_YET, "rate", 3600000, NULL },
	{ 500, "{\"message\":\"500: Internal Server Error\",\"code\":0}", NULL, OUTCOME_UNSURE,
	  "server_error", 0, NULL },
	{ 502, HTML, NULL, OUTCOME_UNSURE, "server_error", 0, NULL },
	{ 503, "", "1.5", OUTCOME_NOT_YET, "busy", 1500, NULL },
	{ 302, "", NULL, OUTCOME_STOP, "not_found", 0, NULL },
	{ 408, "", NULL, OUTCOME_UNSURE, "timeout", 0, NULL },
};

#define FALSE(code, text) "{\"ok\":false,\"error_code\":" #code ",\"description\":\"" text "\"}"

static const struct row telegram_rows[] = {
	{ 200, "{\"ok\":true,\"result\":{\"message_id\":17,\"date\":1,\"chat\":{\"id\":5}}}", NULL,
	  OUTCOME_SENT, "accepted", 0, NULL },
	{ 200, "{\"ok\":true,\"result\":true}", NULL, OUTCOME_SENT, "accepted", 0, NULL },
	{ 200, "{}", NULL, OUTCOME_UNSURE, "odd_answer", 0, NULL },
	{ 200, "{\"ok\":\"true\"}", NULL, OUTCOME_UNSURE, "odd_answer", 0, NULL },
	{ 200, "", NULL, OUTCOME_UNSURE, "odd_answer", 0, NULL },
	{ 429,
	  "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after 9\","
	  "\"parameters\":{\"retry_after\":9}}",
	  NULL, OUTCOME_NOT_YET, "rate", 9000, NULL },
	{ 429, FALSE(429, "Too Many Requests"), NULL, OUTCOME_NOT_YET, "rate", 30000, NULL },
	{ 429, HTML, "4", OUTCOME_NOT_YET, "rate", 4000, NULL },
	{ 400, FALSE(400, "Bad Request: chat not found"), NULL, OUTCOME_REFUSED, "no_chat", 0, "no_chat" },
	{ 400, FALSE(400, "Bad Request: message text is empty"), NULL, OUTCOME_REFUSED, "refused", 0, NULL },
	{ 400, FALSE(400, "Bad Request: message is too long"), NULL, OUTCOME_REFUSED, "refused", 0, NULL },
	{ 400, FALSE(400, "Bad Request: can't parse entities"), NULL, OUTCOME_REFUSED, "refused", 0, NULL },
	{ 400,
	  "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: group chat was upgraded to a supergroup"
	  " chat\",\"parameters\":{\"migrate_to_chat_id\":-1001234567890}}",
	  NULL, OUTCOME_REFUSED, "moved", 0, NULL },
	{ 403, FALSE(403, "Forbidden: bot was blocked by the user"), NULL, OUTCOME_REFUSED, "blocked", 0,
	  "blocked" },
	{ 403, FALSE(403, "Forbidden: user is deactivated"), NULL, OUTCOME_REFUSED, "blocked", 0, "blocked" },
	{ 403, FALSE(403, "Forbidden: bot was kicked from the group chat"), NULL, OUTCOME_REFUSED, "blocked",
	  0, "blocked" },
	{ 401, FALSE(401, "Unauthorized"), NULL, OUTCOME_STOP, "unauthorized", 0, NULL },
	{ 404, FALSE(404, "Not Found"), NULL, OUTCOME_STOP, "not_found", 0, NULL },
	{ 409, FALSE(409, "Conflict: terminated by other getUpdates request"), NULL, OUTCOME_STOP, "conflict",
	  0, NULL },
	/* it says itself that nothing was done */
	{ 500, FALSE(500, "Internal Server Error"), NULL, OUTCOME_NOT_YET, "busy", 0, NULL },
	{ 200, FALSE(401, "Unauthorized"), NULL, OUTCOME_STOP, "unauthorized", 0, NULL },
	{ 502, HTML, NULL, OUTCOME_UNSURE, "server_error", 0, NULL },
	{ 500, "", NULL, OUTCOME_UNSURE, "server_error", 0, NULL },
	{ 503, "", "30", OUTCOME_NOT_YET, "busy", 30000, NULL },
	{ 403, HTML, NULL, OUTCOME_STOP, "unauthorized", 0, NULL },
	{ 302, "", NULL, OUTCOME_STOP, "not_found", 0, NULL },
	{ 408, "", NULL, OUTCOME_UNSURE, "timeout", 0, NULL },
};

static void every_answer_of_slack_has_one_meaning(void **state)
{
	(void)state;
	check_rows(slack_read_send, slack_rows, COUNT(slack_rows));
}

static void every_answer_of_discord_has_one_meaning(void **state)
{
	(void)state;
	check_rows(discord_read_send, discord_rows, COUNT(discord_rows));
}

static void every_answer_of_telegram_has_one_meaning(void **state)
{
	(void)state;
	check_rows(telegram_read_send, telegram_rows, COUNT(telegram_rows));
}

static void a_notice_that_may_have_left_is_never_sent_again_by_itself(void **state)
{
	static read_fn *const all[] = { slack_read_send, discord_read_send, telegram_read_send };
	struct http_answer a = { .error = "cut" };
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		a.end = HTTP_CUT;
		all[i](&v, arena, &a, NOW);
		assert_int_equal(v.outcome, OUTCOME_UNSURE);
		assert_string_equal(v.why, "cut");
		a.end = HTTP_ODD;
		all[i](&v, arena, &a, NOW);
		assert_int_equal(v.outcome, OUTCOME_UNSURE);
		a.end = HTTP_NOT_SENT;
		all[i](&v, arena, &a, NOW);
		assert_int_equal(v.outcome, OUTCOME_NOT_YET);
		assert_true(v.hold_ms > 0);
		assert_int_equal(v.http, 0);
	}
}

static void discord_says_what_is_left_and_gives_the_message_its_number(void **state)
{
	struct http_answer a = answered(200, "{\"id\":\"42\"}");
	struct verdict v;

	(void)state;
	add_header(&a, "X-RateLimit-Limit", "5");
	add_header(&a, "X-RateLimit-Remaining", "0");
	add_header(&a, "X-RateLimit-Reset-After", "1.25");
	discord_read_send(&v, arena, &a, NOW);
	assert_string_equal(v.provider_id, "42");
	assert_true(v.limits.limit == 5 && v.limits.remaining == 0);
	assert_true(v.limits.reset_at == NOW + 1250);
}

static void a_group_that_became_a_supergroup_tells_its_new_number(void **state)
{
	struct http_answer a =
		answered(400, "{\"ok\":false,\"error_code\":400,\"description\":\"x\",\"parameters\":"
			      "{\"migrate_to_chat_id\":-1001234567890}}");
	struct verdict v;
	int64_t id = 0;

	(void)state;
	telegram_read_send(&v, arena, &a, NOW);
	assert_true(telegram_moved_to(&id, v.detail));
	assert_true(id == INT64_C(-1001234567890));
	assert_false(telegram_moved_to(&id, "Bad Request: chat not found"));
	assert_false(telegram_moved_to(&id, "the group is now chat "));
	assert_false(telegram_moved_to(&id, "the group is now chat 12x"));
}

static void seconds_may_have_a_fraction_and_nothing_else(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = { { "0", 0 },
		     { "2", 2000 },
		     { "0.0001", 1 },
		     { "64.57", 64570 },
		     { ".5", 500 },
		     { "1.", 1000 },
		     { "", LIMIT_UNKNOWN },
		     { ".", LIMIT_UNKNOWN },
		     { "-1", LIMIT_UNKNOWN },
		     { "1,5", LIMIT_UNKNOWN },
		     { "nan", LIMIT_UNKNOWN },
		     { "1e3", LIMIT_UNKNOWN },
		     { "Wed, 21 Oct 2026 07:28:00 GMT", LIMIT_UNKNOWN },
		     { "99999999999999999999", DAY_MS } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (chat_ms_of(rows[i].text) != rows[i].ms)
			fail_msg("%s: %lld", rows[i].text, (long long)chat_ms_of(rows[i].text));
	assert_true(chat_ms_of(NULL) == LIMIT_UNKNOWN);
}

/* Requests */

static struct channel_request rq;

static const char *body_of(const struct channel_kind *kind, const struct channel_config *cf, const char *to,
			   const char *text, enum rc *rc)
{
	const struct outgoing m = { .to = to, .text = text };

	*rc = kind->build_send(&rq, cf, &m);
	return *rc == RC_OK ? arena_bytes(arena, rq.http.body.p, rq.http.body.len) : "";
}

static const char *text_in(const char *body, const char *key)
{
	struct value *json = NULL;

	assert_int_equal(json_parse(arena, &json, NULL, body, strlen(body)), RC_OK);
	return value_text_of(value_get(json, key), NULL);
}

static void nobody_is_called_by_what_a_text_says(void **state)
{
	struct channel_config slack = { .base_url = "https://hooks.slack.com/services/T/B/x",
					.key = "x",
					.timeout_ms = 1000 };
	struct channel_config discord = { .base_url = "https://discord.com/api/webhooks/1/x",
					  .key = "x",
					  .timeout_ms = 1000 };
	enum rc rc;
	const char *body = body_of(&slack_channel, &slack, "slack", "<!channel> a & b > c\n*x*", &rc);

	(void)state;
	assert_int_equal(rc, RC_OK);
	assert_string_equal(text_in(body, "text"), "&lt;!channel&gt; a &amp; b &gt; c\n*x*");
	assert_non_null(strstr(body, "\"mrkdwn\":false"));
	assert_string_equal(rq.http.url, "https://hooks.slack.com/services/T/B/x");
	assert_string_equal(rq.http.method, "POST");
	assert_false(rq.http.may_repeat);
	assert_false(rq.http.is_configured);
	body = body_of(&discord_channel, &discord, "discord", "@everyone", &rc);
	assert_int_equal(rc, RC_OK);
	assert_string_equal(text_in(body, "content"), "@everyone");
	assert_non_null(strstr(body, "\"allowed_mentions\":{\"parse\":[]}"));
	assert_string_equal(rq.http.url, "https://discord.com/api/webhooks/1/x?wait=true");
	sb_free(&rq.body);
	memset(&rq, 0, sizeof(rq));
}

static void telegram_gets_its_chat_as_a_number_or_a_name(void **state)
{
	struct channel_config cf = { .base_url = "https://api.telegram.org",
				     .key = "12:AA-b_c",
				     .timeout_ms = 1000 };
	enum rc rc;
	const char *body = body_of(&telegram_channel, &cf, "telegram:-1001234567890", "Hola", &rc);

	(void)state;
	assert_int_equal(rc, RC_OK);
	assert_non_null(strstr(body, "{\"chat_id\":-1001234567890,"));
	assert_null(strstr(body, "parse_mode"));
	assert_string_equal(rq.http.url, "https://api.telegram.org/bot12:AA-b_c/sendMessage");
	body = body_of(&telegram_channel, &cf, "telegram:@avisos_ana", "Hola", &rc);
	assert_int_equal(rc, RC_OK);
	assert_string_equal(text_in(body, "chat_id"), "@avisos_ana");
	for (size_t i = 0; i < 4; i++) {
		static const char *const wrong[] = { "slack", "telegram:", "telegram:1 or 1",
						     "telegram:@a b" };

		body_of(&telegram_channel, &cf, wrong[i], "Hola", &rc);
		assert_int_equal(rc, RC_BAD_INPUT);
	}
	assert_true(telegram_is_chat("4503599627370495"));
	assert_false(telegram_is_chat("4503599627370496")); /* past 52 bits */
	assert_false(telegram_is_chat("-"));
	assert_false(telegram_is_chat("0"));
	sb_free(&rq.body);
	memset(&rq, 0, sizeof(rq));
}

static char *long_text(const char *piece, size_t times)
{
	struct sb sb;

	sb_init_arena(&sb, arena, 512 * 1024);
	for (size_t i = 0; i < times; i++)
		sb_text(&sb, piece);
	return arena_text(arena, sb_text_of(&sb));
}

static void a_text_at_the_limit_stays_whole_and_one_past_it_is_cut(void **state)
{
	struct channel_config cf = { .base_url = "https://discord.com/api/webhooks/1/x",
				     .key = "1:x",
				     .timeout_ms = 1000 };
	static const struct {
		const struct channel_kind *kind;
		const char *to, *key;
		size_t max;
	} rows[] = { { &slack_channel, "slack", "text", 4000 },
		     { &discord_channel, "discord", "content", 2000 },
		     { &telegram_channel, "telegram:5", "text", 4096 } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum rc rc;
		const char *whole = long_text("á", rows[i].max), *cut;

		assert_string_equal(text_in(body_of(rows[i].kind, &cf, rows[i].to, whole, &rc), rows[i].key),
				    whole);
		cut = text_in(body_of(rows[i].kind, &cf, rows[i].to, long_text("á", rows[i].max + 1), &rc),
			      rows[i].key);
		assert_string_equal(cut + strlen(cut) - strlen("…"), "…");
		assert_true(strlen(cut) < strlen(whole) + strlen("…") + 1);
		/* The dearest characters: four bytes, two units, and those that are escaped. */
		body_of(rows[i].kind, &cf, rows[i].to, long_text("😀", 20000), &rc);
		assert_int_equal(rc, RC_OK);
		body_of(rows[i].kind, &cf, rows[i].to, long_text("\x01&", 10000), &rc);
		assert_int_equal(rc, RC_OK);
		body_of(rows[i].kind, &cf, rows[i].to, "", &rc);
		assert_int_equal(rc, RC_BAD_INPUT);
	}
	sb_free(&rq.body);
	memset(&rq, 0, sizeof(rq));
}

static void a_text_is_cut_at_the_end_of_a_line_when_there_is_one(void **state)
{
	(void)state;
	assert_int_equal(chat_fit("abc", 3), 3);
	assert_int_equal(chat_fit("abcd", 3), 3);
	assert_int_equal(chat_fit("uno dos\ntres cuatro", 15), 7);
	assert_int_equal(chat_fit("uno dos tres cuatro", 15), 12);
	assert_int_equal(chat_fit("a\nbcdefghijklmnop", 10), 10); /* too early to lose the rest for it */
	assert_int_equal(chat_fit("😀😀", 3), 4);                   /* two units each */
}

static void only_the_providers_own_addresses_may_be_set(void **state)
{
	static const struct {
		const char *(*refuse)(const char *, struct arena *, enum lang);
		const char *value;
		bool is_fine;
	} rows[] = {
		{ slack_refuse, "", true },
		{ slack_refuse, "https://hooks.slack.com/services/T0/B0/abc", true },
		{ slack_refuse, "https://hooks.slack-gov.com/services/T0/B0/abc", true },
		{ slack_refuse, "http://127.0.0.1:9999/services/T0/B0/abc", true },
		{ slack_refuse, "http://hooks.slack.com/services/T0/B0/abc", false },
		{ slack_refuse, "https://hooks.slack.com.evil.example/services/T0/B0/abc", false },
		{ slack_refuse, "https://hooks.slack.com:8443/services/T0/B0/abc", false },
		{ slack_refuse, "https://hooks.slack.com/triggers/T0/1/abc", false },
		{ slack_refuse, "https://hooks.slack.com/services/", false },
		{ slack_refuse, "https://169.254.169.254/services/T0/B0/abc", false },
		{ slack_refuse, "https://evil.example/?x=https://hooks.slack.com/services/a", false },
		{ discord_refuse, "https://discord.com/api/webhooks/123/abc-D_e", true },
		{ discord_refuse, "https://discord.com/api/v10/webhooks/123/abc", true },
		{ discord_refuse, "https://discordapp.com/api/webhooks/123/abc", true },
		{ discord_refuse, "https://canary.discord.com/api/webhooks/123/abc", true },
		{ discord_refuse, "http://localhost:1/api/webhooks/123/abc", true },
		{ discord_refuse, "https://discord.com/api/webhooks/123/abc/slack", false },
		{ discord_refuse, "https://discord.com/api/webhooks/123/abc?wait=true", false },
		{ discord_refuse, "https://discord.com/api/webhooks/123/", false },
		{ discord_refuse, "https://discord.com/api/vx/webhooks/123/abc", false },
		{ discord_refuse, "https://discord.evil.example/api/webhooks/123/abc", false },
		{ telegram_refuse_base, "https://api.telegram.org", true },
		{ telegram_refuse_base, "https://bots.example.org/api", true },
		{ telegram_refuse_base, "http://127.0.0.1:8081", true },
		{ telegram_refuse_base, "http://api.telegram.org", false },
		{ telegram_refuse_base, "http://127.0.0.1.evil.example", false },
		{ telegram_refuse_chat, "-1001234567890", true },
		{ telegram_refuse_chat, "@avisos", true },
		{ telegram_refuse_chat, "Ana", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if ((rows[i].refuse(rows[i].value, arena, LANG_EN) == NULL) != rows[i].is_fine)
			fail_msg("%s", rows[i].value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_of_slack_has_one_meaning),
		cmocka_unit_test(every_answer_of_discord_has_one_meaning),
		cmocka_unit_test(every_answer_of_telegram_has_one_meaning),
		cmocka_unit_test(a_notice_that_may_have_left_is_never_sent_again_by_itself),
		cmocka_unit_test(discord_says_what_is_left_and_gives_the_message_its_number),
		cmocka_unit_test(a_group_that_became_a_supergroup_tells_its_new_number),
		cmocka_unit_test(seconds_may_have_a_fraction_and_nothing_else),
		cmocka_unit_test(nobody_is_called_by_what_a_text_says),
		cmocka_unit_test(telegram_gets_its_chat_as_a_number_or_a_name),
		cmocka_unit_test(a_text_at_the_limit_stays_whole_and_one_past_it_is_cut),
		cmocka_unit_test(a_text_is_cut_at_the_end_of_a_line_when_there_is_one),
		cmocka_unit_test(only_the_providers_own_addresses_may_be_set),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
