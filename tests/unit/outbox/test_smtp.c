/*
** test_smtp.c -- what each reply of a mail server means: the tables of contracts/email.md §1.2 and §1.3, row
** by row; and what a message becomes on its way there.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbox/channels/smtp.h"
#include "outbox/mime.h"
#include <stdio.h>
#include <string.h>

#define NOW      INT64_C(1790000000000)
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct http_answer answered(enum mail_step at, int status, const char *text)
{
	return (struct http_answer){
		.end = HTTP_DONE, .status = status, .at = at, .body = { text, strlen(text) }
	};
}

static const struct {
	enum mail_step at;
	int status;
	const char *text;
	enum outcome outcome;
	const char *why;
	bool is_dead;
} replies[] = {
	{ MAIL_AT_CONTENT, 250, "2.0.0 Ok: queued as 4WxYz1", OUTCOME_SENT, "accepted", false },
	{ MAIL_AT_CONTENT, 250, "", OUTCOME_SENT, "accepted", false },
	{ MAIL_AT_CONTENT, 251, "will forward", OUTCOME_SENT, "accepted", false },
	/* 2xx to anything else proves nothing */
	{ MAIL_AT_TO, 250, "ok", OUTCOME_UNSURE, "odd_answer", false },
	{ MAIL_AT_CONTENT, 354, "again", OUTCOME_UNSURE, "odd_answer", false },
	{ MAIL_AT_BANNER, 421, "4.3.2 busy", OUTCOME_HOLD, "rate", false },
	{ MAIL_AT_TO, 421, "4.7.0 slow down", OUTCOME_HOLD, "rate", false },
	{ MAIL_AT_CONTENT, 421, "closing", OUTCOME_HOLD, "rate", false },
	{ MAIL_AT_LOGIN, 432, "4.7.12 transition", OUTCOME_HOLD, "rate", false },
	{ MAIL_AT_LOGIN, 454, "4.7.0 temporary", OUTCOME_HOLD, "rate", false },
	{ MAIL_AT_TLS, 454, "4.7.0 TLS not available", OUTCOME_HOLD, "rate", false },
	{ MAIL_AT_LOGIN, 451, "Authentication failed: Maximum credits exceeded", OUTCOME_STOP, "payment",
	  false },
	{ MAIL_AT_TO, 450, "4.2.0 busy", OUTCOME_NOT_YET, "later", false },
	{ MAIL_AT_TO, 451, "4.7.1 greylisted", OUTCOME_NOT_YET, "later", false },
	{ MAIL_AT_FROM, 451, "4.3.0 later", OUTCOME_NOT_YET, "later", false },
	{ MAIL_AT_TO, 452, "4.2.2 full", OUTCOME_NOT_YET, "later", false },
	{ MAIL_AT_TO, 452, "4.5.3 too many", OUTCOME_NOT_YET, "later", false },
	{ MAIL_AT_TO, 500, "5.5.2 what", OUTCOME_REFUSED, "syntax", false },
	{ MAIL_AT_TO, 504, "5.5.4 what", OUTCOME_REFUSED, "syntax", false },
	{ MAIL_AT_BANNER, 521, "5.3.2 no mail here", OUTCOME_STOP, "shut_out", false },
	{ MAIL_AT_TO, 521, "5.3.2 no mail there", OUTCOME_REFUSED, "refused", false },
	{ MAIL_AT_TO, 556, "5.1.10 null MX", OUTCOME_REFUSED, "no_mailbox", true },
	{ MAIL_AT_FROM, 530, "5.7.0 Must issue a STARTTLS command first", OUTCOME_STOP, "unauthorized",
	  false },
	{ MAIL_AT_LOGIN, 534, "5.7.9 weak", OUTCOME_STOP, "unauthorized", false },
	{ MAIL_AT_LOGIN, 535, "5.7.8 no", OUTCOME_STOP, "unauthorized", false },
	{ MAIL_AT_LOGIN, 538, "5.7.11 encrypt", OUTCOME_STOP, "unauthorized", false },
	{ MAIL_AT_LOGIN, 504, "mechanism", OUTCOME_STOP, "unauthorized", false },
	{ MAIL_AT_TO, 550, "5.1.1 no such user", OUTCOME_REFUSED, "no_mailbox", true },
	{ MAIL_AT_TO, 550, "5.1.10 no such user", OUTCOME_REFUSED, "no_mailbox", true },
	{ MAIL_AT_CONTENT, 550, "5.1.1 no such user", OUTCOME_REFUSED, "no_mailbox", true },
	{ MAIL_AT_TO, 551, "gone", OUTCOME_REFUSED, "no_mailbox", true },
	{ MAIL_AT_TO, 553, "5.1.3 bad address", OUTCOME_REFUSED, "no_mailbox", true },
	{ MAIL_AT_TO, 553, "sorry", OUTCOME_REFUSED, "refused", false },
	/* The sender's address is no reason to give up the recipient's. */
	{ MAIL_AT_FROM, 550, "5.1.1 who are you", OUTCOME_STOP, "sender", false },
	{ MAIL_AT_TO, 550, "5.7.1 policy", OUTCOME_REFUSED, "policy", false },
	{ MAIL_AT_CONTENT, 554, "5.7.1 spam", OUTCOME_REFUSED, "policy", false },
	{ MAIL_AT_CONTENT, 550, "5.7.26 no SPF", OUTCOME_STOP, "domain", false },
	{ MAIL_AT_FROM, 550, "5.7.25 no PTR", OUTCOME_STOP, "domain", false },
	{ MAIL_AT_TO, 550, "5.7.27 no DKIM", OUTCOME_STOP, "domain", false },
	{ MAIL_AT_CONTENT, 550, "The from address does not match a verified Sender Identity.", OUTCOME_STOP,
	  "sender", false },
	{ MAIL_AT_TO, 554, "5.7.1 <x@y>: Relay access denied", OUTCOME_STOP, "relay", false },
	{ MAIL_AT_TO, 552, "5.2.2 full", OUTCOME_NOT_YET, "mailbox_full", false },
	{ MAIL_AT_CONTENT, 552, "5.3.4 too large", OUTCOME_REFUSED, "too_large", false },
	{ MAIL_AT_CONTENT, 554, "5.3.4 too large", OUTCOME_REFUSED, "too_large", false },
	{ MAIL_AT_CONTENT, 552, "5.2.3 too large", OUTCOME_REFUSED, "too_large", false },
	{ MAIL_AT_FROM, 552, "too large", OUTCOME_REFUSED, "too_large", false },
	{ MAIL_AT_BANNER, 554, "5.7.1 your address", OUTCOME_STOP, "shut_out", false },
	{ MAIL_AT_TLS, 502, "no", OUTCOME_STOP, "insecure", false },
	{ MAIL_AT_TO, 550, "unavailable", OUTCOME_REFUSED, "refused", false },
	{ MAIL_AT_TO, 599, "?", OUTCOME_REFUSED, "refused", false },
};

static void each_reply_has_the_consequence_of_its_row(void **state)
{
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < COUNT(replies); i++) {
		struct http_answer a = answered(replies[i].at, replies[i].status, replies[i].text);

		smtp_read_send(&v, NULL, &a, NOW);
		if (v.outcome != replies[i].outcome || strcmp(v.why, replies[i].why) != 0 ||
		    (v.dead != NULL) != replies[i].is_dead)
			fail_msg("row %zu: %d %s: outcome %d, %s", i, replies[i].status, replies[i].text,
				 v.outcome, v.why);
		assert_int_equal(v.http, replies[i].status);
		/* A hold without an end would hold for ever. */
		if (v.outcome == OUTCOME_HOLD) assert_true(v.hold_ms > 0 && v.delay_ms == 0);
		if (v.outcome == OUTCOME_REFUSED) assert_non_null(strstr(v.detail, replies[i].text));
	}
}

static void a_full_mailbox_is_asked_for_a_day_and_no_longer(void **state)
{
	struct http_answer a = answered(MAIL_AT_TO, 552, "5.2.2 full");
	struct verdict v;

	(void)state;
	smtp_read_send(&v, NULL, &a, NOW);
	assert_int_equal(v.delay_ms * (v.retry_max - 1), 24 * HOUR_MS);
}

static void silence_is_unsure_only_after_the_last_byte(void **state)
{
	static const struct {
		enum http_end end;
		enum mail_step at;
		enum mail_fault fault;
		enum outcome outcome;
		const char *why;
		bool holds;
	} rows[] = {
		{ HTTP_NOT_SENT, MAIL_AT_BANNER, MAIL_FAULT_NONE, OUTCOME_NOT_YET, "unreachable", true },
		{ HTTP_NOT_SENT, MAIL_AT_LOGIN, MAIL_FAULT_NONE, OUTCOME_NOT_YET, "unreachable", true },
		{ HTTP_NOT_SENT, MAIL_AT_TO, MAIL_FAULT_NONE, OUTCOME_NOT_YET, "cut_before", false },
		{ HTTP_NOT_SENT, MAIL_AT_CONTENT, MAIL_FAULT_NONE, OUTCOME_NOT_YET, "cut_before", false },
		{ HTTP_NOT_SENT, MAIL_AT_HELLO, MAIL_FAULT_NO_TLS, OUTCOME_STOP, "insecure", false },
		{ HTTP_NOT_SENT, MAIL_AT_TLS, MAIL_FAULT_UNTRUSTED, OUTCOME_STOP, "insecure", false },
		{ HTTP_NOT_SENT, MAIL_AT_HELLO, MAIL_FAULT_LOGIN, OUTCOME_STOP, "unauthorized", false },
		{ HTTP_NOT_SENT, MAIL_AT_BANNER, MAIL_FAULT_HURRY, OUTCOME_HOLD, "cut_before", false },
		{ HTTP_NOT_SENT, MAIL_AT_CONTENT, MAIL_FAULT_HURRY, OUTCOME_HOLD, "cut_before", false },
		{ HTTP_CUT, MAIL_AT_CONTENT, MAIL_FAULT_NONE, OUTCOME_UNSURE, "cut", false },
		{ HTTP_ODD, MAIL_AT_CONTENT, MAIL_FAULT_NONE, OUTCOME_UNSURE, "odd_answer", false },
	};
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http_answer a = {
			.end = rows[i].end, .at = rows[i].at, .fault = rows[i].fault, .error = "no answer"
		};

		smtp_read_send(&v, NULL, &a, NOW);
		assert_int_equal(v.outcome, rows[i].outcome);
		assert_string_equal(v.why, rows[i].why);
		assert_int_equal(v.hold_ms > 0, rows[i].holds);
		assert_null(v.dead);
	}
}

static void the_servers_own_number_is_kept(void **state)
{
	struct http_answer a = answered(MAIL_AT_CONTENT, 250, "2.0.0 Ok: queued as 4WxYz1; thanks");
	struct verdict v;
	char long_one[200];

	(void)state;
	smtp_read_send(&v, NULL, &a, NOW);
	assert_string_equal(v.provider_id, "4WxYz1");
	snprintf(long_one, sizeof(long_one), "queued as %0150d", 7);
	a = answered(MAIL_AT_CONTENT, 250, long_one);
	smtp_read_send(&v, NULL, &a, NOW);
	assert_int_equal(strlen(v.provider_id), VERDICT_ID_SIZE - 1);
}

static void an_enhanced_code_is_three_numbers_and_a_blank(void **state)
{
	static const char *const none[] = { "",      "5",       "5.1",        "5.1.",    "5.1.1x",
					    "a.b.c", "3.1.1 x", "5.1.1234 x", "ok 5.1.1" };

	(void)state;
	assert_int_equal(smtp_enhanced_of("5.1.10 x").detail, 10);
	assert_int_equal(smtp_enhanced_of("5.7.26").subject, 7);
	for (size_t i = 0; i < COUNT(none); i++)
		assert_int_equal(smtp_enhanced_of(none[i]).class, 0);
}

/* On its way */

static struct channel_config config(void)
{
	return (struct channel_config){ .base_url = "smtp://127.0.0.1:25/x",
					.key = "p",
					.user = "u",
					.from = "Casa <casa@example.com>",
					.timeout_ms = 1000 };
}

static void a_message_becomes_a_request_that_can_be_built_again(void **state)
{
	struct channel_config cf = config();
	struct channel_request rq;
	struct outgoing m = { .to = "ana@españa.example",
			      .text = "Hola",
			      .public_id = "abc",
			      .at = NOW,
			      .zone = zone_find("UTC") };

	(void)state;
	memset(&rq, 0, sizeof(rq)); /* as the engine's slots are at first */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(smtp_channel.build_send(&rq, &cf, &m), RC_OK);
		assert_string_equal(rq.mail.to, "ana@xn--espaa-rta.example");
		assert_string_equal(rq.mail.from, "casa@example.com");
		assert_ptr_equal(rq.http.mail, &rq.mail);
		assert_true(rq.http.is_configured && !rq.http.may_repeat);
		assert_non_null(strstr(rq.http.body.p, "Message-ID: <abc@example.com>\r\n"));
		assert_non_null(strstr(rq.http.body.p, "From: Casa <casa@example.com>\r\n"));
	}
	m.to = "josé@example.com";
	assert_int_equal(smtp_channel.build_send(&rq, &cf, &m), RC_BAD_INPUT);
	assert_non_null(rq.refusal);
	m.to = "ana@example.com";
	m.subject = "a\r\nBcc: x@example.com";
	assert_int_equal(smtp_channel.build_send(&rq, &cf, &m), RC_BAD_INPUT);
	assert_non_null(rq.refusal);
	assert_int_equal(smtp_channel.build_test(&rq, &cf), RC_OK);
	assert_null(rq.mail.to);
	sb_free(&rq.body);
}

static void this_machine_is_known_by_its_names(void **state)
{
	static const char *const here[] = {
		"localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "LOCALHOST"
	};
	static const char *const there[] = { "127.evil.example", "localhost.example", "10.0.0.1", "" };

	(void)state;
	for (size_t i = 0; i < COUNT(here); i++)
		assert_true(smtp_is_here(here[i]));
	for (size_t i = 0; i < COUNT(there); i++)
		assert_false(smtp_is_here(there[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reply_has_the_consequence_of_its_row),
		cmocka_unit_test(a_full_mailbox_is_asked_for_a_day_and_no_longer),
		cmocka_unit_test(silence_is_unsure_only_after_the_last_byte),
		cmocka_unit_test(the_servers_own_number_is_kept),
		cmocka_unit_test(an_enhanced_code_is_three_numbers_and_a_blank),
		cmocka_unit_test(a_message_becomes_a_request_that_can_be_built_again),
		cmocka_unit_test(this_machine_is_known_by_its_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
