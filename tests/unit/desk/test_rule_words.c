/* A schedule's rule in the words of somebody who never heard of cron. */
#include "base/cx.h"
#include "desk/work_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_said(const char *rule, const char *words)
{
	struct env env = { .lang = LANG_EN };
	struct cx cx;

	cx_init(&cx, &env, arena_new(65536), NULL);
	assert_string_equal(rule_shown(&cx, rule), words);
	arena_free(cx.arena);
}

static void a_rule_is_said_in_words(void **state)
{
	(void)state;
	assert_said("30 3 * * *", "every day at 03:30");
	assert_said("0 9 * * 1-5", "Monday to Friday at 09:00");
	assert_said("0 9 * * 0,6", "Saturday, Sunday at 09:00");
	assert_said("15 8 1 * *", "on day 1 of each month at 08:15");
	assert_said("20 * * * *", "every hour at minute 20");
	assert_said("every 5 min", "every 5 min");
	assert_said("every 30 min after 20 min", "every 30 min, the first 20 min after midnight");
}

static void a_rule_without_a_short_sentence_stays_as_written(void **state)
{
	(void)state;
	assert_said("0 9 1 * 1", "0 9 1 * 1"); /* either day is enough: no short sentence says that */
	assert_said("0 9,18 * * *", "0 9,18 * * *");
	assert_said("0 9 * 6 *", "0 9 * 6 *");
	assert_said("*/10 9 * * *", "*/10 9 * * *");
	assert_said("nonsense", "nonsense");
	assert_said("", "");
}

static void assert_picked(const char *rule, int kind, const char *again)
{
	struct arena *a = arena_new(4096);
	struct rule_pick p;

	rule_pick_of(&p, rule);
	assert_int_equal(p.kind, kind);
	if (p.kind != PICK_WRITTEN) assert_string_equal(rule_of_pick(a, &p), again);
	arena_free(a);
}

static void a_rule_that_was_picked_is_the_same_pick_again(void **state)
{
	struct rule_pick p;

	(void)state;
	assert_picked("30 3 * * *", PICK_DAILY, "30 3 * * *");
	assert_picked("05 09 * * *", PICK_DAILY, "5 9 * * *");
	assert_picked("0 9 * * MON-FRI", PICK_WEEKDAYS, "0 9 * * 1-5");
	assert_picked("every 5 min", PICK_EVERY, "every 5 min");
	/* What no pick says stays as it is written. */
	assert_picked("every 30 min after 20 min", PICK_WRITTEN, "");
	assert_picked("0 9 * * 0,6", PICK_WRITTEN, "");
	assert_picked("0 9 1 * *", PICK_WRITTEN, "");
	assert_picked("0 9 * 6 *", PICK_WRITTEN, "");
	assert_picked("0 9,18 * * *", PICK_WRITTEN, "");
	assert_picked("nonsense", PICK_WRITTEN, "");
	/* … and the others begin with its hour. */
	rule_pick_of(&p, "15 8 1 * *");
	assert_int_equal(p.at_min, 8 * 60 + 15);
}

static void seconds_are_said_in_the_largest_whole_unit(void **state)
{
	struct env env = { .lang = LANG_EN };
	struct cx cx;

	(void)state;
	cx_init(&cx, &env, arena_new(65536), NULL);
	assert_string_equal(seconds_shown(&cx, "86400"), "24 h");
	assert_string_equal(seconds_shown(&cx, "5400"), "90 min");
	assert_string_equal(seconds_shown(&cx, "61"), "61 s");
	assert_string_equal(seconds_shown(&cx, "0"), "0 s");
	arena_free(cx.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_is_said_in_words),
		cmocka_unit_test(a_rule_without_a_short_sentence_stays_as_written),
		cmocka_unit_test(a_rule_that_was_picked_is_the_same_pick_again),
		cmocka_unit_test(seconds_are_said_in_the_largest_whole_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
