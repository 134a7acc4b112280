/*
** test_clock.c -- days and dates as people and machines write them.
*/
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static day at_day(int year, int month, int dom)
{
	day d = 0;

	assert_true(day_make(&d, year, month, dom));
	return d;
}

static void every_day_of_three_centuries_follows_the_one_before(void **state)
{
	static const int usual[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	day expected = -25567; /* 1900-01-01, by the Julian day numbers 2415020.5 and 2440587.5 */
	int weekday = 1;       /* a Monday */
	int y, m, d, back_y, back_m, back_d;

	(void)state;
	for (y = 1900; y <= 2199; y++)
		for (m = 1; m <= 12; m++) {
			int last = usual[m - 1] + (m == 2 && ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0));

			for (d = 1; d <= last; d++, expected++, weekday = (weekday + 1) % 7) {
				assert_int_equal(at_day(y, m, d), expected);
				day_split(expected, &back_y, &back_m, &back_d);
				assert_true(back_y == y && back_m == m && back_d == d);
				assert_int_equal(day_weekday(expected), weekday);
			}
		}
	assert_int_equal(at_day(1970, 1, 1), 0);
	assert_int_equal(at_day(2000, 3, 1), 11017);
}

static void a_date_that_does_not_exist_is_refused(void **state)
{
	static const char *const wrong[] = { "",
					     "2026-02-29",
					     "1900-02-29",
					     "2026-13-01",
					     "2026-00-10",
					     "2026-01-00",
					     "2026-04-31",
					     "1899-12-31",
					     "2200-01-01",
					     "2026-1-01",
					     "2026-01-1",
					     "26-01-01",
					     " 2026-01-01",
					     "2026-01-01 ",
					     "2026/01/01",
					     "2026-01-01T",
					     "20260101",
					     "2026-01-011",
					     "-026-01-01",
					     "01/01/2026" };
	day d = 77;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(day_parse(&d, wrong[i]), RC_BAD_INPUT);
	assert_int_equal(day_parse(&d, NULL), RC_BAD_INPUT);
	assert_int_equal(d, 77);
	assert_int_equal(day_parse(&d, "1900-01-01"), RC_OK);
	assert_int_equal(day_parse(&d, "2199-12-31"), RC_OK);
	assert_int_equal(day_parse(&d, "2000-02-29"), RC_OK);
	assert_int_equal(d, 11016);
}

static void a_date_is_read_the_way_a_customer_list_has_it(void **state)
{
	static const char *const same[] = { "2026-02-03", "3/2/2026", "03/02/2026", "3-2-2026", "03-2-2026" };
	static const char *const wrong[] = { "31/02/2026", "3/2-2026",   "3/2/26",    "3.2.2026", "2/30/2026",
					     "/2/2026",    "003/2/2026", "3/2/2026x", "3//2026",  "" };
	day d = 0, want = at_day(2026, 2, 3);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(same) / sizeof(*same); i++) {
		d = 0;
		assert_int_equal(day_parse_any(&d, same[i]), RC_OK);
		assert_int_equal(d, want);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(day_parse_any(&d, wrong[i]), RC_BAD_INPUT);
	assert_int_equal(day_parse_any(&d, NULL), RC_BAD_INPUT);
	assert_int_equal(d, want);
}

static void a_month_more_ends_on_the_months_last_day_if_it_is_shorter(void **state)
{
	(void)state;
	assert_int_equal(day_add_months(at_day(2026, 1, 31), 1), at_day(2026, 2, 28));
	assert_int_equal(day_add_months(at_day(2028, 1, 31), 1), at_day(2028, 2, 29));
	assert_int_equal(day_add_months(at_day(2026, 12, 15), 1), at_day(2027, 1, 15));
	assert_int_equal(day_add_months(at_day(2026, 3, 31), -1), at_day(2026, 2, 28));
	assert_int_equal(day_add_months(at_day(2028, 2, 29), 12), at_day(2029, 2, 28));
	assert_int_equal(day_add_months(at_day(2026, 1, 1), -13), at_day(2024, 12, 1));
	assert_int_equal(day_add_months(at_day(2026, 5, 31), 0), at_day(2026, 5, 31));
	assert_int_equal(day_add_months(at_day(2199, 12, 31), 1), at_day(2199, 12, 31));
	assert_int_equal(day_add_months(at_day(1900, 1, 1), INT32_MIN), at_day(1900, 1, 1));
	assert_int_equal(day_add_months(INT32_MAX, INT32_MAX), at_day(2199, 12, 31));
}

static void dates_are_written_for_machines_and_for_people(void **state)
{
	char text[DATE_SIZE];

	(void)state;
	day_text(text, at_day(2026, 2, 3));
	assert_string_equal(text, "2026-02-03");
	day_text_local(text, at_day(2026, 2, 3));
	assert_string_equal(text, "03/02/2026");
	day_text(text, INT32_MAX); /* no date: still inside the buffer, and nothing reads it back */
	assert_string_equal(text, "0000-00-00");
	day_text_local(text, INT32_MIN);
	assert_string_equal(text, "00/00/0000");
}

static void an_instant_needs_its_offset(void **state)
{
	static const char *const same[] = { "2026-11-22T14:00:00Z", "2026-11-22T09:00:00-05:00",
					    "2026-11-22t14:00:00.000z", "2026-11-22 14:00:00.0009Z",
					    "2026-11-22T14:00Z" };
	static const char *const wrong[] = { "2026-11-22T14:00:00",
					     "2026-11-22",
					     "2026-11-22T24:00:00Z",
					     "2026-11-22T14:60:00Z",
					     "2026-11-22T14:00:61Z",
					     "2026-11-22T14:00:60Z",
					     "2026-11-22T14:00:00.Z",
					     "2026-11-22T14:00:00+0500",
					     "2026-11-22T14:00:00+24:00",
					     "2026-11-22T14:00:00Zx",
					     "2026-02-30T14:00:00Z",
					     "2026-11-22X14:00:00Z",
					     "2026-11-22T4:00:00Z",
					     "2026-11-22T14:00:00-05",
					     "2026-11-22T14:00:00\xe2\x88\x92"
					     "05:00",
					     "" };
	instant at = 5;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(same) / sizeof(*same); i++) {
		at = 0;
		assert_int_equal(instant_parse(&at, same[i]), RC_OK);
		assert_int_equal(at, INT64_C(1795356000000));
	}
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(instant_parse(&at, wrong[i]), RC_BAD_INPUT);
	assert_int_equal(instant_parse(&at, NULL), RC_BAD_INPUT);
	assert_int_equal(at, INT64_C(1795356000000));
	assert_int_equal(instant_parse(&at, "1990-12-31T15:59:60-08:00"), RC_OK); /* RFC 3339 §5.8 */
	assert_int_equal(at, INT64_C(662688000000));
}

static void an_instant_is_written_so_that_it_reads_back(void **state)
{
	const struct zone *quito = zone_find("America/Guayaquil");
	char text[RFC3339_SIZE];
	instant at = INT64_C(1795356000123), back = 0;

	(void)state;
	assert_non_null(quito);
	instant_text(text, at);
	assert_string_equal(text, "2026-11-22T14:00:00.123Z");
	instant_text_zone(text, at, quito);
	assert_string_equal(text, "2026-11-22T09:00:00.123-05:00");
	assert_int_equal(instant_parse(&back, text), RC_OK);
	assert_int_equal(back, at);
	instant_text_local(text, at, quito);
	assert_string_equal(text, "22/11/2026 09:00");
	instant_text(text, -1);
	assert_string_equal(text, "1969-12-31T23:59:59.999Z");
	instant_text_zone(text, INT64_C(-2208988800000), quito); /* 1900: local mean time, -05:14:00 */
	assert_string_equal(text, "1899-12-31T18:46:00.000-05:14");
	instant_text(text, INT64_MAX);
	assert_string_equal(text, "0000-00-00T00:00:00.000Z");
	instant_text_zone(text, INT64_MIN, quito);
	assert_int_equal(strlen(text), strlen("0000-00-00T00:00:00.000-05:00"));
}

static void a_clock_started_at_an_instant_walks_on_from_it(void **state)
{
	struct clock *real = clock_new(0), *set = clock_new(INT64_C(1000000000000));
	instant first, shifted;
	int64_t ticks = clock_ticks();

	(void)state;
	assert_non_null(real);
	assert_non_null(set);
	first = clock_now(set);
	assert_true(first >= INT64_C(1000000000000) && first < INT64_C(1000000000000) + HOUR_MS);
	assert_true(clock_now(real) > INT64_C(1700000000000));
	clock_shift(set, 3 * DAY_MS);
	shifted = clock_now(set);
	assert_true(shifted >= first + 3 * DAY_MS && shifted < first + 3 * DAY_MS + HOUR_MS);
	clock_shift(set, -4 * DAY_MS);
	assert_true(clock_now(set) < first);
	assert_true(clock_ticks() >= ticks);
	clock_free(set);
	clock_free(real);
	clock_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_of_three_centuries_follows_the_one_before),
		cmocka_unit_test(a_date_that_does_not_exist_is_refused),
		cmocka_unit_test(a_date_is_read_the_way_a_customer_list_has_it),
		cmocka_unit_test(a_month_more_ends_on_the_months_last_day_if_it_is_shorter),
		cmocka_unit_test(dates_are_written_for_machines_and_for_people),
		cmocka_unit_test(an_instant_needs_its_offset),
		cmocka_unit_test(an_instant_is_written_so_that_it_reads_back),
		cmocka_unit_test(a_clock_started_at_an_instant_walks_on_from_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
