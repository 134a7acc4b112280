/* work/rule.c: when rules are due, at the edges of calendars and clocks. */
#include "state.h"
#include "work/rule.h"
#include "work/work.h"

/* The first due time after `after`, both as local text with offset; "" when there is none. */
static const char *next(const char *rule, const char *zone_name, const char *after)
{
	static char text[RFC3339_SIZE];
	const struct zone *zone = zone_find(zone_name);
	const char *why = "";
	instant from = 0, at = 0;

	assert_non_null(zone);
	assert_int_equal(instant_parse(&from, after), RC_OK);
	if (rule_next(&at, &why, rule, zone, from) != RC_OK) {
		assert_string_not_equal(why, "");
		return "";
	}
	assert_true(at > from);
	instant_text_zone(text, at, zone);
	text[16] = text[23]; /* "2026-11-22T09:00" and the offset: seconds are always zero here */
	memmove(text + 17, text + 24, strlen(text + 24) + 1);
	return text;
}

#define EC "America/Guayaquil"
#define NY "America/New_York"

static void the_daily_hour_is_the_businesss_hour(void **arg)
{
	(void)arg;
	assert_string_equal(next("0 9 * * *", EC, "2026-11-22T08:59:59.999-05:00"), "2026-11-22T09:00-05:00");
	assert_string_equal(next("0 9 * * *", EC, "2026-11-22T09:00:00-05:00"), "2026-11-23T09:00-05:00");
	assert_string_equal(next("0 9 * * *", EC, "2026-11-22T14:00:00.001Z"), "2026-11-23T09:00-05:00");
	assert_string_equal(next("59 23 * * *", EC, "2026-12-31T23:59:00-05:00"), "2027-01-01T23:59-05:00");
	assert_string_equal(next("0 0 * * *", EC, "2026-12-31T23:59:00-05:00"), "2027-01-01T00:00-05:00");
}

static void weekdays_months_lists_and_steps_are_understood(void **arg)
{
	(void)arg;
	/* 2026-11-22 is a Sunday. */
	assert_string_equal(next("30 8 * * 1-5", EC, "2026-11-22T00:00:00-05:00"), "2026-11-23T08:30-05:00");
	assert_string_equal(next("30 8 * * mon,FRI", EC, "2026-11-23T09:00:00-05:00"),
			    "2026-11-27T08:30-05:00");
	assert_string_equal(next("0 7 * * 7", EC, "2026-11-22T00:00:00-05:00"), "2026-11-22T07:00-05:00");
	assert_string_equal(next("0 7 * * 0", EC, "2026-11-22T00:00:00-05:00"), "2026-11-22T07:00-05:00");
	assert_string_equal(next("0 7 * * 6-7", EC, "2026-11-22T08:00:00-05:00"), "2026-11-28T07:00-05:00");
	assert_string_equal(next("*/15 * * * *", EC, "2026-11-22T10:16:00-05:00"), "2026-11-22T10:30-05:00");
	assert_string_equal(next("5/20 * * * *", EC, "2026-11-22T10:46:00-05:00"), "2026-11-22T11:05-05:00");
	assert_string_equal(next("0 8-18/5 * * *", EC, "2026-11-22T13:00:00-05:00"),
			    "2026-11-22T18:00-05:00");
	assert_string_equal(next("0 6 1 jan,jul *", EC, "2026-11-22T00:00:00-05:00"),
			    "2027-01-01T06:00-05:00");
	assert_string_equal(next("  0\t6  1 * *  ", EC, "2026-11-22T00:00:00-05:00"),
			    "2026-12-01T06:00-05:00");
}

static void two_restricted_days_widen_each_other_as_cron_does(void **arg)
{
	(void)arg;
	assert_string_equal(next("0 6 13 * 5", EC, "2026-11-10T00:00:00-05:00"), "2026-11-13T06:00-05:00");
	assert_string_equal(next("0 6 25 * 1", EC, "2026-11-22T00:00:00-05:00"), "2026-11-23T06:00-05:00");
	assert_string_equal(next("0 6 25 * 1", EC, "2026-11-24T00:00:00-05:00"), "2026-11-25T06:00-05:00");
	assert_string_equal(next("0 6 25 * *", EC, "2026-11-22T00:00:00-05:00"), "2026-11-25T06:00-05:00");
}

static void the_29th_of_february_waits_for_its_year(void **arg)
{
	(void)arg;
	assert_string_equal(next("0 9 29 2 *", EC, "2026-11-22T00:00:00-05:00"), "2028-02-29T09:00-05:00");
	assert_string_equal(next("0 9 29 2 *", EC, "2096-03-01T00:00:00-05:00"), "2104-02-29T09:00-05:00");
	assert_string_equal(next("0 9 31 * *", EC, "2026-11-01T00:00:00-05:00"), "2026-12-31T09:00-05:00");
	assert_string_equal(next("0 9 30 2 *", EC, "2026-11-22T00:00:00-05:00"), "");
	assert_string_equal(next("0 9 31 4,6,9,11 *", EC, "2026-11-22T00:00:00-05:00"), "");
}

static void an_hour_the_clock_skips_is_due_right_after_it_and_once(void **arg)
{
	(void)arg;
	/* New York, 2026-03-08: 02:00 EST becomes 03:00 EDT. */
	assert_string_equal(next("30 2 * * *", NY, "2026-03-08T00:00:00-05:00"), "2026-03-08T03:00-04:00");
	assert_string_equal(next("*/20 2 * * *", NY, "2026-03-08T00:00:00-05:00"), "2026-03-08T03:00-04:00");
	assert_string_equal(next("*/20 2 * * *", NY, "2026-03-08T03:00:00-04:00"), "2026-03-09T02:00-04:00");
	assert_string_equal(next("0 3 * * *", NY, "2026-03-08T00:00:00-05:00"), "2026-03-08T03:00-04:00");
	/* Where the clock skips midnight itself (Santiago, 2026-09-06: 00:00 becomes 01:00). */
	assert_string_equal(next("0 0 * * *", "America/Santiago", "2026-09-05T23:00:00-04:00"),
			    "2026-09-06T01:00-03:00");
	assert_string_equal(next("0 0 * * *", "America/Santiago", "2026-09-06T01:00:00-03:00"),
			    "2026-09-07T00:00-03:00");
	/* A whole day that never was (Apia had no 30 December 2011). */
	assert_string_equal(next("0 9 30 12 *", "Pacific/Apia", "2011-12-29T12:00:00-10:00"),
			    "2011-12-31T00:00+14:00");
}

static void an_hour_the_clock_repeats_is_due_once(void **arg)
{
	(void)arg;
	/* New York, 2026-11-01: 02:00 EDT becomes 01:00 EST. */
	assert_string_equal(next("30 1 * * *", NY, "2026-11-01T00:00:00-04:00"), "2026-11-01T01:30-04:00");
	assert_string_equal(next("30 1 * * *", NY, "2026-11-01T01:30:00-04:00"), "2026-11-02T01:30-05:00");
	assert_string_equal(next("45 1 * * *", NY, "2026-11-01T01:30:00-05:00"), "2026-11-02T01:45-05:00");
	assert_string_equal(next("0 2 * * *", NY, "2026-11-01T01:30:00-04:00"), "2026-11-01T02:00-05:00");
}

static void every_n_minutes_counts_from_midnight_and_through_both_hours(void **arg)
{
	(void)arg;
	assert_string_equal(next("every 5 min after 2 min", EC, "2026-11-22T00:00:00-05:00"),
			    "2026-11-22T00:02-05:00");
	assert_string_equal(next("every 5 min after 2 min", EC, "2026-11-22T10:02:00-05:00"),
			    "2026-11-22T10:07-05:00");
	assert_string_equal(next("every 5 min after 2 min", EC, "2026-11-22T23:57:00-05:00"),
			    "2026-11-23T00:02-05:00");
	assert_string_equal(next("EVERY 7 min", EC, "2026-11-22T23:56:00-05:00"), "2026-11-23T00:00-05:00");
	assert_string_equal(next("every 1440 min after 1439 min", EC, "2026-11-22T00:00:00-05:00"),
			    "2026-11-22T23:59-05:00");
	assert_string_equal(next("every 30 min", NY, "2026-11-01T01:30:00-04:00"), "2026-11-01T01:00-05:00");
	assert_string_equal(next("every 30 min", NY, "2026-03-08T01:30:00-05:00"), "2026-03-08T03:00-04:00");
}

static void what_is_not_a_rule_gets_a_sentence(void **arg)
{
	static const char *const bad[] = {
		"",
		" ",
		"0",
		"0 9",
		"0 9 * *",
		"0 9 * * * *",
		"60 9 * * *",
		"0 24 * * *",
		"0 9 0 * *",
		"0 9 32 * *",
		"0 9 * 13 *",
		"0 9 * 0 *",
		"0 9 * * 8",
		"a 9 * * *",
		"-1 9 * * *",
		"5-1 9 * * *",
		"1,,2 9 * * *",
		"1, 9 * * *",
		"*/0 9 * * *",
		"*/60 9 * * *",
		"*/x 9 * * *",
		"1- 9 * * *",
		"0 9 * foo *",
		"0 9 * * monday",
		"99999 9 * * *",
		"every",
		"every min",
		"every 5",
		"every 5 minutes",
		"every 0 min",
		"every 1441 min",
		"every 5 min after",
		"every 5 min after 1440 min",
		"every 5 min after 2 min x",
		"everyday 9",
		"every -5 min",
		"@daily",
		"0 9 * * *\n",
		"0 9 * * \xc3\xa1",
	};
	struct rule rule;
	char text[RULE_LENGTH_MAX + 2];

	(void)arg;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *why = NULL;

		if (rule_parse(&rule, &why, bad[i]) != RC_BAD_INPUT || !why) fail_msg("took \"%s\"", bad[i]);
	}
	for (int extra = 0; extra < 2; extra++) {
		const char *why = NULL;

		memset(text, ' ', sizeof text);
		memcpy(text, "0 9 * * *", 9);
		text[RULE_LENGTH_MAX + extra] = '\0';
		assert_int_equal(rule_parse(&rule, &why, text), extra == 0 ? RC_OK : RC_BAD_INPUT);
	}
}

static void a_thousand_due_times_are_in_order_whatever_the_zone(void **arg)
{
	static const char *const zones[] = {
		EC, NY, "America/Santiago", "Europe/Madrid", "Australia/Lord_Howe", "UTC"
	};
	static const char *const rules[] = { "*/15 * * * *", "30 1,2,3 * * *", "every 45 min after 10 min",
					     "0 0 * * 0" };

	(void)arg;
	for (size_t z = 0; z < sizeof zones / sizeof *zones; z++)
		for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
			const struct zone *zone = zone_find(zones[z]);
			instant at = INT64_C(1770000000000), then; /* 2026-02-02 */
			const char *why = "";

			for (int i = 0; i < 1000; i++) {
				then = at;
				assert_int_equal(rule_next(&at, &why, rules[r], zone, then), RC_OK);
				assert_true(at > then);
				assert_int_equal(at % MINUTE_MS, 0);
			}
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_daily_hour_is_the_businesss_hour),
		cmocka_unit_test(weekdays_months_lists_and_steps_are_understood),
		cmocka_unit_test(two_restricted_days_widen_each_other_as_cron_does),
		cmocka_unit_test(the_29th_of_february_waits_for_its_year),
		cmocka_unit_test(an_hour_the_clock_skips_is_due_right_after_it_and_once),
		cmocka_unit_test(an_hour_the_clock_repeats_is_due_once),
		cmocka_unit_test(every_n_minutes_counts_from_midnight_and_through_both_hours),
		cmocka_unit_test(what_is_not_a_rule_gets_a_sentence),
		cmocka_unit_test(a_thousand_due_times_are_in_order_whatever_the_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
