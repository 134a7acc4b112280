/*
** test_backup_keep.c -- which backups stay: seven days, four weeks, twelve months, and never the last good
** one.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ops/backup.h"
#include <stdlib.h>
#include <string.h>

#define MANY 3000

static const struct keep_rule usual = { .daily = 7, .weekly = 4, .monthly = 12 };
static struct keep_item items[MANY];

static instant at(const char *text)
{
	instant out = 0;

	assert_int_equal(instant_parse(&out, text), RC_OK);
	return out;
}

static size_t kept(size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += items[i].is_kept;
	return n;
}

/* One a night at 03:30 of Guayaquil, newest first. */
static void nights(size_t count, const char *newest)
{
	for (size_t i = 0; i < count; i++)
		items[i] = (struct keep_item){ .at = at(newest) - (instant)i * DAY_MS, .is_proved = true };
}

static void after_years_of_nights_seven_days_four_weeks_and_twelve_months_stay(void **state)
{
	const struct zone *zone = zone_find("America/Guayaquil");
	instant now = at("2026-11-22T04:00:00-05:00");
	char days[32][DATE_SIZE];
	size_t n = 0;
	/* 22 November 2026 is a Sunday: its week began on the 16th, the one before ends on the 15th. */
	static const char *const expected[] = {
		"2026-11-22", "2026-11-21", "2026-11-20", "2026-11-19", "2026-11-18", "2026-11-17",
		"2026-11-16", "2026-11-15", "2026-11-08", "2026-11-01", "2026-10-31", "2026-09-30",
		"2026-08-31", "2026-07-31", "2026-06-30", "2026-05-31", "2026-04-30", "2026-03-31",
		"2026-02-28", "2026-01-31", "2025-12-31",
	};

	(void)state;
	nights(1000, "2026-11-22T03:30:00-05:00");
	backup_choose(items, 1000, &usual, zone, now);
	for (size_t i = 0; i < 1000; i++)
		if (items[i].is_kept) day_text(days[n++], zone_day(zone, items[i].at));
	assert_int_equal(n, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < n; i++)
		assert_string_equal(days[i], expected[i]);
}

/* What a rule of the days gone by kept must still be enough for the rule of today: night after night. */
static void night_after_night_for_three_years_a_backup_of_each_month_survives(void **state)
{
	const struct zone *zone = zone_find("America/Santiago"); /* changes its clock twice a year */
	static struct keep_item now_there[MANY];
	instant first = at("2024-01-01T03:30:00-03:00");
	size_t count = 0;

	(void)state;
	for (int night = 0; night < 1100; night++) {
		size_t left = 0;

		memmove(items + 1, items, count * sizeof(items[0]));
		items[0] = (struct keep_item){ .at = first + night * DAY_MS, .is_proved = night % 5 != 0 };
		count++;
		backup_choose(items, count, &usual, zone, items[0].at + HOUR_MS);
		for (size_t i = 0; i < count; i++)
			if (items[i].is_kept) now_there[left++] = items[i];
		memcpy(items, now_there, left * sizeof(items[0]));
		count = left;
		assert_true(count <= 7 + 4 + 12 + 1);
		if (night > 380) { /* of the month eleven months back there is still one */
			bool has_old = false;

			for (size_t i = 0; i < count; i++)
				has_old |= items[0].at - items[i].at > 300 * DAY_MS;
			assert_true(has_old);
			assert_true(count >= 7 + 2 + 9); /* the others stand for two of them */
		}
	}
}

static void a_gap_of_months_costs_no_backup(void **state)
{
	const struct zone *zone = zone_find("America/Guayaquil");

	(void)state;
	nights(7, "2026-03-01T03:30:00-05:00");
	backup_choose(items, 7, &usual, zone, at("2026-11-22T04:00:00-05:00"));
	assert_int_equal(kept(7), 7);
	nights(30, "2026-03-01T03:30:00-05:00");
	items[0].at = at("2026-11-22T03:30:00-05:00"); /* the first after the gap */
	backup_choose(items, 30, &usual, zone, at("2026-11-22T04:00:00-05:00"));
	assert_true(items[0].is_kept && items[1].is_kept && items[6].is_kept);
	assert_true(kept(30) >= 9);
}

static void the_only_proved_backup_stays_whatever_came_after_it(void **state)
{
	const struct zone *zone = zone_find("America/Guayaquil");

	(void)state;
	nights(400, "2026-11-22T03:30:00-05:00");
	for (size_t i = 0; i < 400; i++)
		items[i].is_proved = i == 123;
	backup_choose(items, 400, &usual, zone, at("2026-11-22T04:00:00-05:00"));
	assert_true(items[123].is_kept);
	backup_choose(items, 400, &(struct keep_rule){ .daily = 1 }, zone, at("2026-11-22T04:00:00-05:00"));
	assert_int_equal(kept(400), 2); /* the newest day's, and the proved one */
}

static void of_a_day_with_several_the_newest_proved_one_stays(void **state)
{
	const struct zone *zone = zone_find("America/Guayaquil");

	(void)state;
	for (size_t i = 0; i < 5; i++)
		items[i] = (struct keep_item){ .at = at("2026-11-20T20:00:00-05:00") - (instant)i * HOUR_MS,
					       .is_proved = i >= 2 };
	backup_choose(items, 5, &usual, zone, at("2026-11-22T04:00:00-05:00"));
	assert_int_equal(kept(5), 1);
	assert_true(items[2].is_kept);
}

static void days_are_the_businesss_and_not_greenwichs(void **state)
{
	/* 19:30 and 20:30 of one day in Guayaquil are two days in UTC. */
	(void)state;
	items[0] = (struct keep_item){ .at = at("2026-11-21T01:30:00Z"), .is_proved = true };
	items[1] = (struct keep_item){ .at = at("2026-11-21T00:30:00Z"), .is_proved = true };
	items[2] = (struct keep_item){ .at = at("2026-11-20T23:30:00Z"), .is_proved = true };
	backup_choose(items, 3, &usual, zone_find("America/Guayaquil"), at("2026-11-22T04:00:00-05:00"));
	assert_int_equal(kept(3), 1);
	backup_choose(items, 3, &usual, zone_find("UTC"), at("2026-11-22T04:00:00-05:00"));
	assert_int_equal(kept(3), 2);
}

static void nothing_younger_than_the_days_goes_and_one_moment_older_does(void **state)
{
	const struct zone *zone = zone_find("America/Guayaquil");
	struct keep_rule rule = { .daily = 1, .days = 30 };
	instant now = at("2026-11-22T12:00:00-05:00");

	(void)state;
	for (size_t i = 0; i < 40; i++)
		items[i] = (struct keep_item){ .at = now - (instant)i * DAY_MS + 1, .is_proved = true };
	items[0].at = now;
	backup_choose(items, 40, &rule, zone, now);
	assert_int_equal(kept(40), 31); /* 30 days less a millisecond is younger */
	assert_true(items[30].is_kept && !items[31].is_kept);
	items[30].at = now - 30 * DAY_MS;
	backup_choose(items, 40, &rule, zone, now);
	assert_false(items[30].is_kept);
}

static void a_backup_of_the_future_stays(void **state)
{
	(void)state;
	nights(3, "2030-01-01T03:30:00-05:00");
	backup_choose(items, 3, &(struct keep_rule){ .daily = 1 }, zone_find("America/Guayaquil"),
		      at("2026-11-22T04:00:00-05:00"));
	assert_int_equal(kept(3), 3);
}

static void only_names_of_our_form_are_ours(void **state)
{
	static const char *const ours[] = { "recado-2026-11-22T08-30-00-000Z.tar.gz",
					    "recado-2026-11-22T08-30-00-000Z.tar.gz.sealed",
					    "recado-2026-11-22T08-30-00-000Z.tar" };
	static const char *const not_ours[] = { "recado-2026-11-22T08-30-00-000Z.tar.gz.damaged",
						"recado-2026-11-22T08-30-00-000Z",
						"recado-2026-11-22T08-30-00-00Z.tar.gz",
						"my-recado-2026-11-22T08-30-00-000Z.tar.gz",
						"recado-2026-11-22T08-30-00-000Z.tar.gz2",
						"recado-dddd-dd-ddTdd-dd-dd-dddZ.tar.gz",
						"recado-photos.tar.gz",
						"" };

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		assert_true(backup_name_is_ours(ours[i]));
		assert_int_equal(backup_name_instant(ours[i]), at("2026-11-22T08:30:00.000Z"));
	}
	for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++)
		assert_false(backup_name_is_ours(not_ours[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_years_of_nights_seven_days_four_weeks_and_twelve_months_stay),
		cmocka_unit_test(night_after_night_for_three_years_a_backup_of_each_month_survives),
		cmocka_unit_test(a_gap_of_months_costs_no_backup),
		cmocka_unit_test(the_only_proved_backup_stays_whatever_came_after_it),
		cmocka_unit_test(of_a_day_with_several_the_newest_proved_one_stays),
		cmocka_unit_test(days_are_the_businesss_and_not_greenwichs),
		cmocka_unit_test(nothing_younger_than_the_days_goes_and_one_moment_older_does),
		cmocka_unit_test(a_backup_of_the_future_stays),
		cmocka_unit_test(only_names_of_our_form_are_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
