/*
** test_rules.c -- the pure rules of the outbox: states after a word, settlements, hours, notes, credits.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbox/alert.h"
#include "outbox/facts.h"
#include "outbox/inbound.h"
#include "outbox/last_seen.h"
#include "outbox/ledger.h"
#include "outbox/window.h"
#include "base/zone.h"
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define NOW      INT64_C(1790000000000)

static const char *shown(const char *state)
{
	return state != NULL ? state : "-";
}

static void a_sentence_keeps_its_words_however_long_the_reason_is(void **state)
{
	struct arena *a = arena_new(64 * 1024);
	char reason[3000] = "";
	const char *text;

	(void)state;
	assert_string_equal(alert_sentence(a, LANG_EN, "It failed. %s", "No room."), "It failed. No room.");
	memset(reason, 'x', sizeof(reason) - 1);
	text = alert_sentence(a, LANG_EN, "It failed: %s. Look.", reason);
	assert_int_equal(strncmp(text, "It failed: xxx", 14), 0);
	assert_non_null(strstr(text, "x…. Look."));
	assert_true(strlen(text) < 1000);
	arena_free(a);
}

static void later_words_only_move_forward(void **state)
{
	static const struct {
		const char *from;
		bool is_late;
		enum message_status status;
		const char *to;
	} rows[] = {
		{ "sent", false, STATUS_PENDING, "-" },
		{ "sent", false, STATUS_SENT, "-" },
		{ "sent", false, STATUS_DELIVERED, "delivered" },
		{ "sent", false, STATUS_READ, "read" },
		{ "sent", false, STATUS_PLAYED, "read" },
		{ "sent", false, STATUS_ERROR, "failed" },
		{ "sent", false, STATUS_UNKNOWN, "-" },
		{ "delivered", false, STATUS_ERROR, "-" },
		{ "delivered", false, STATUS_SENT, "-" },
		{ "delivered", false, STATUS_READ, "read" },
		{ "delivered", false, STATUS_DELIVERED, "-" },
		{ "read", false, STATUS_DELIVERED, "-" },
		{ "read", false, STATUS_ERROR, "-" },
		{ "failed", true, STATUS_DELIVERED, "delivered" },
		{ "failed", true, STATUS_READ, "read" },
		{ "failed", true, STATUS_SENT, "-" },
		{ "failed", false, STATUS_READ, "-" },
		{ "unsure", false, STATUS_READ, "-" },
		{ "queued", false, STATUS_DELIVERED, "-" },
		{ "sending", false, STATUS_READ, "-" },
		{ "cancelled", false, STATUS_READ, "-" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(shown(message_after(rows[i].from, rows[i].is_late, rows[i].status)),
				    rows[i].to);
}

static struct settle_rules rules(void)
{
	struct settle_rules r = { .now = NOW, .retry_max = 5, .delay_count = 3, .check_ms = 10000 };

	r.delays_ms[0] = 5 * MINUTE_MS;
	r.delays_ms[1] = 30 * MINUTE_MS;
	r.delays_ms[2] = 120 * MINUTE_MS;
	return r;
}

static void what_was_not_handed_over_comes_again_after_5_30_and_120_minutes(void **state)
{
	static const int64_t minutes[] = { 5, 30, 120, 120 };
	struct settle_rules r = rules();
	struct verdict v = { .outcome = OUTCOME_NOT_YET, .why = "unreachable" };
	struct settlement s = { .attempts = 0 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		s = settlement_of(&v, s.attempts, &r);
		assert_string_equal(s.state, "queued");
		assert_int_equal(s.not_before_at, NOW + minutes[i] * MINUTE_MS);
		assert_int_equal(s.attempts, i + 1);
	}
	s = settlement_of(&v, s.attempts, &r);
	assert_string_equal(s.state, "failed");
	assert_string_equal(s.why, "unreachable");
	assert_int_equal(s.attempts, 5);
}

static void a_rate_limit_waits_as_long_as_it_says(void **state)
{
	struct settle_rules r = rules();
	struct verdict v = { .outcome = OUTCOME_NOT_YET, .why = "rate", .delay_ms = 3000 };
	struct settlement s = settlement_of(&v, 0, &r);

	(void)state;
	assert_string_equal(s.state, "queued");
	assert_int_equal(s.not_before_at, NOW + 3000);
	assert_int_equal(s.attempts, 1);
	/* 503 with Retry-After: at least that, and at least the house's delay. */
	v.why = "busy";
	v.delay_ms = 10 * MINUTE_MS;
	assert_int_equal(settlement_of(&v, 0, &r).not_before_at, NOW + 10 * MINUTE_MS);
	assert_int_equal(settlement_of(&v, 1, &r).not_before_at, NOW + 30 * MINUTE_MS);
}

static void a_channel_that_cannot_send_costs_a_message_no_try(void **state)
{
	struct settle_rules r = rules();
	struct verdict v = { .outcome = OUTCOME_STOP, .why = "unauthorized" };
	struct settlement s = settlement_of(&v, 4, &r);

	(void)state;
	assert_string_equal(s.state, "queued");
	assert_int_equal(s.attempts, 4);
	assert_int_equal(s.not_before_at, NOW);
	v.outcome = OUTCOME_HOLD;
	assert_int_equal(settlement_of(&v, 4, &r).attempts, 4);
	v.outcome = OUTCOME_UNSURE;
	assert_string_equal(settlement_of(&v, 0, &r).state, "unsure");
	v.outcome = OUTCOME_REFUSED;
	assert_string_equal(settlement_of(&v, 0, &r).state, "failed");
	v.outcome = OUTCOME__MAX;
	assert_string_equal(settlement_of(&v, 0, &r).state, "unsure");
}

static void looks_grow_rarer_and_end(void **state)
{
	struct check_verdict v = { .end = CHECK_TOLD, .provider_key = "K", .status = STATUS_SENT };
	instant at = NOW, last = NOW;
	int n = 0;

	(void)state;
	while ((at = check_after(NOW, n, &v, false, at)) != 0) {
		assert_true(at > last);
		last = at;
		assert_true(++n < 20);
	}
	assert_int_equal(last, NOW + DAY_MS);
	/* With webhooks one late look reconciles. */
	assert_int_equal(check_after(NOW, 1, &v, true, NOW + 10000), NOW + 8 * HOUR_MS);
	assert_int_equal(check_after(NOW, 2, &v, true, NOW + 8 * HOUR_MS), 0);
	/* …but not before the key is known. */
	v.provider_key[0] = '\0';
	assert_int_equal(check_after(NOW, 0, &v, true, NOW + 10000), NOW + 30 * SECOND_MS);
	v.status = STATUS_READ;
	assert_int_equal(check_after(NOW, 1, &v, false, NOW + 10000), 0);
	v.end = CHECK_LATER;
	v.delay_ms = 61000;
	assert_int_equal(check_after(NOW, 1, &v, false, NOW + 10000), NOW + 71000);
	assert_int_equal(check_after(NOW, 1, &v, false, NOW + 3 * DAY_MS), 0);
}

static instant at(const struct zone *z, int hour, int minute)
{
	return zone_instant(z, (struct civil){ .day = 20000, .hour = hour, .minute = minute });
}

static void nothing_leaves_outside_the_hours(void **state)
{
	const struct zone *z = zone_find("America/Guayaquil");

	(void)state;
	assert_non_null(z);
	assert_false(window_is_open(z, at(z, 7, 59), 480, 1200));
	assert_true(window_is_open(z, at(z, 8, 0), 480, 1200));
	assert_true(window_is_open(z, at(z, 19, 59), 480, 1200));
	assert_false(window_is_open(z, at(z, 20, 0), 480, 1200));
	/* over midnight, and always */
	assert_true(window_is_open(z, at(z, 23, 0), 1320, 360));
	assert_true(window_is_open(z, at(z, 5, 59), 1320, 360));
	assert_false(window_is_open(z, at(z, 6, 0), 1320, 360));
	assert_true(window_is_open(z, at(z, 3, 0), 480, 480));
	zone_forget();
}

static void the_pause_has_a_little_chance_in_it(void **state)
{
	(void)state;
	assert_int_equal(pause_with_jitter(0, 12345), 0);
	for (uint32_t r = 0; r < 5000; r += 7) {
		int64_t ms = pause_with_jitter(5000, r * 2654435761u);

		assert_true(ms >= 5000 && ms <= 6500);
	}
	assert_int_equal(pause_with_jitter(5000, 1500), 6500);
}

static void a_note_is_three_numbers_or_nothing(void **state)
{
	static const char *const bad[] = {
		"", "1 2", "1 2 x", "a 2 3", "-1 2 3", "1 2 3 4", "99999999999999999999 2 3"
	};
	struct last_seen s, t;
	char text[LAST_SEEN_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		last_seen_parse(&s, bad[i]);
		assert_false(s.is_there);
	}
	s = (struct last_seen){ .is_there = true, .message_id = 7, .attempt_id = INT64_MAX, .at = NOW };
	last_seen_text(text, &s);
	last_seen_parse(&t, text);
	assert_true(t.is_there);
	assert_int_equal(t.message_id, 7);
	assert_int_equal(t.attempt_id, INT64_MAX);
	assert_int_equal(t.at, NOW);
}

static void an_older_database_is_recognised(void **state)
{
	static const struct {
		struct last_seen note, database;
		bool is_restored;
	} rows[] = {
		{ { true, 10, 20, 0 }, { true, 10, 20, 0 }, false },
		{ { true, 10, 20, 0 }, { true, 11, 25, 0 }, false },
		{ { true, 10, 20, 0 }, { true, 9, 20, 0 }, true },
		/* the same messages, but the note knows of tries that the database does not */
		{ { true, 10, 20, 0 }, { true, 10, 15, 0 }, true },
		/* planned anew after being put back: more messages, fewer tries */
		{ { true, 10, 20, 0 }, { true, 30, 15, 0 }, true },
		{ { false, 0, 0, 0 }, { true, 0, 0, 0 }, false },
		{ { false, 0, 0, 0 }, { true, 1, 0, 0 }, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(last_seen_is_restored(&rows[i].note, &rows[i].database),
				 rows[i].is_restored);
}

static void the_owner_is_warned_when_little_is_left(void **state)
{
	struct facts f = { .limits = { 1, 1, LIMIT_UNKNOWN, 50, 5, NOW + HOUR_MS, false } };

	(void)state;
	assert_false(facts_are_low(&f, 10, NOW)); /* exactly 10 % */
	f.limits.daily_remaining = 4;
	assert_true(facts_are_low(&f, 10, NOW));
	assert_false(facts_are_low(&f, 10, NOW + 2 * HOUR_MS)); /* yesterday's count */
	f.limits.daily_limit = LIMIT_UNKNOWN;
	assert_false(facts_are_low(&f, 10, NOW));
}

static void a_count_that_is_used_up_says_until_when(void **state)
{
	struct channel_limits l = { 256, 0, NOW + 30000, LIMIT_UNKNOWN, LIMIT_UNKNOWN, LIMIT_UNKNOWN, false };
	const char *why = "";

	(void)state;
	assert_int_equal(facts_exhausted_until(&l, NOW, &why), NOW + 30000);
	assert_string_equal(why, "rate");
	l.remaining = 1;
	assert_int_equal(facts_exhausted_until(&l, NOW, &why), 0);
	l.daily_remaining = 0;
	assert_int_equal(facts_exhausted_until(&l, NOW, &why), NOW + HOUR_MS);
	assert_string_equal(why, "day_limit");
	l.daily_reset_at = NOW + 3 * HOUR_MS;
	assert_int_equal(facts_exhausted_until(&l, NOW, &why), NOW + 3 * HOUR_MS);
	l.daily_reset_at = NOW + 900 * DAY_MS;
	assert_int_equal(facts_exhausted_until(&l, NOW, &why), NOW + HOUR_MS);
}

static void facts_survive_their_text(void **state)
{
	struct arena *a = arena_new(65536);
	struct facts f = { .limits = { 256, 17, NOW, 50, 4, NOW + 5, false },
			   .last_accepted_at = 9,
			   .last_error = "ño",
			   .plan = "trial",
			   .credits_on = "2026-11-22" },
		     g;
	struct sb sb;

	(void)state;
	sb_init_arena(&sb, a, 4096);
	facts_write(&sb, a, &f);
	facts_read(&g, a, sb_text_of(&sb));
	assert_int_equal(g.limits.remaining, 17);
	assert_int_equal(g.limits.daily_reset_at, NOW + 5);
	assert_string_equal(g.last_error, "ño");
	assert_string_equal(g.credits_on, "2026-11-22");
	facts_read(&g, a, "not json");
	assert_int_equal(g.limits.remaining, LIMIT_UNKNOWN);
	arena_free(a);
}

static void words_are_found_however_people_write_them(void **state)
{
	static const struct {
		const char *text, *words;
		bool says;
	} rows[] = {
		{ "renovar", "renovar|si", true },
		{ "si", "renovar|si", true },
		{ "si, quiero", "renovar|si", true },
		{ "siempre", "renovar|si", false },
		{ "no renovar", "renovar|si", false },
		{ "\xC2\xA1si!", "renovar|si", true },
		{ "*renovar*", "renovar", true },
		{ "", "si", false },
		{ "si", "", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(inbound_says(rows[i].text, rows[i].words), rows[i].says);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sentence_keeps_its_words_however_long_the_reason_is),
		cmocka_unit_test(later_words_only_move_forward),
		cmocka_unit_test(what_was_not_handed_over_comes_again_after_5_30_and_120_minutes),
		cmocka_unit_test(a_rate_limit_waits_as_long_as_it_says),
		cmocka_unit_test(a_channel_that_cannot_send_costs_a_message_no_try),
		cmocka_unit_test(looks_grow_rarer_and_end),
		cmocka_unit_test(nothing_leaves_outside_the_hours),
		cmocka_unit_test(the_pause_has_a_little_chance_in_it),
		cmocka_unit_test(a_note_is_three_numbers_or_nothing),
		cmocka_unit_test(an_older_database_is_recognised),
		cmocka_unit_test(the_owner_is_warned_when_little_is_left),
		cmocka_unit_test(a_count_that_is_used_up_says_until_when),
		cmocka_unit_test(facts_survive_their_text),
		cmocka_unit_test(words_are_found_however_people_write_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
