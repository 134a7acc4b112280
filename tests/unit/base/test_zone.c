/*
** test_zone.c -- what the clock on the wall shows, and when.
*/
#include "base/embed.h"
#include "base/zone.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const struct zone *zone(const char *name)
{
	const struct zone *z = zone_find(name);

	assert_non_null(z);
	return z;
}

static instant utc(const char *text)
{
	instant at = 0;

	assert_int_equal(instant_parse(&at, text), RC_OK);
	return at;
}

static struct civil civil(const char *date, int hour, int minute)
{
	struct civil c = { .hour = hour, .minute = minute };

	assert_int_equal(day_parse(&c.day, date), RC_OK);
	return c;
}

static void assert_shows(const char *name, const char *at, const char *wanted)
{
	char text[RFC3339_SIZE];

	instant_text_zone(text, utc(at), zone(name));
	assert_string_equal(text, wanted);
}

static void the_same_instant_is_another_hour_elsewhere(void **state)
{
	(void)state;
	assert_shows("America/Guayaquil", "2026-11-22T14:00:00Z", "2026-11-22T09:00:00.000-05:00");
	assert_shows("UTC", "2026-11-22T14:00:00Z", "2026-11-22T14:00:00.000+00:00");
	assert_shows("Asia/Kathmandu", "2026-11-22T20:00:00Z", "2026-11-23T01:45:00.000+05:45");
	assert_shows("Europe/Dublin", "2026-07-01T12:00:00Z", "2026-07-01T13:00:00.000+01:00");
	assert_shows("Pacific/Galapagos", "2026-01-01T03:00:00Z", "2025-12-31T21:00:00.000-06:00");
	assert_shows("America/New_York", "1918-07-01T12:00:00Z", "1918-07-01T08:00:00.000-04:00");
}

static void clocks_change_as_the_rule_says_long_after_the_last_listed_change(void **state)
{
	(void)state;
	assert_shows("America/New_York", "2150-03-08T06:59:59Z", "2150-03-08T01:59:59.000-05:00");
	assert_shows("America/New_York", "2150-03-08T07:00:00Z", "2150-03-08T03:00:00.000-04:00");
	assert_shows("America/New_York", "2150-11-01T05:59:59Z", "2150-11-01T01:59:59.000-04:00");
	assert_shows("America/New_York", "2150-11-01T06:00:00Z", "2150-11-01T01:00:00.000-05:00");
	assert_shows("America/Santiago", "2100-01-01T00:00:00Z", "2099-12-31T21:00:00.000-03:00");
	assert_shows("America/Santiago", "2100-07-01T00:00:00Z", "2100-06-30T20:00:00.000-04:00");
	assert_shows("America/Bogota", "2199-12-31T12:00:00Z", "2199-12-31T07:00:00.000-05:00");
}

static void a_time_in_a_gap_is_the_first_instant_after_it(void **state)
{
	const struct zone *york = zone("America/New_York"), *santiago = zone("America/Santiago");

	(void)state;
	assert_int_equal(zone_instant(york, civil("2026-03-08", 2, 30)), utc("2026-03-08T07:00:00Z"));
	assert_int_equal(zone_instant(york, civil("2026-03-08", 1, 59)), utc("2026-03-08T06:59:00Z"));
	assert_int_equal(zone_instant(york, civil("2026-03-08", 3, 0)), utc("2026-03-08T07:00:00Z"));
	assert_int_equal(zone_instant(york, civil("2150-03-08", 2, 30)), utc("2150-03-08T07:00:00Z"));
	/* Clocks jump at midnight: the day begins at one o'clock. */
	assert_int_equal(zone_midnight(santiago, civil("2026-09-06", 0, 0).day), utc("2026-09-06T04:00:00Z"));
	assert_int_equal(zone_civil(santiago, utc("2026-09-06T04:00:00Z")).hour, 1);
	/* A whole day that never was. */
	assert_int_equal(zone_instant(zone("Pacific/Apia"), civil("2011-12-30", 12, 0)),
			 utc("2011-12-30T10:00:00Z"));
}

static void a_repeated_hour_counts_the_first_time(void **state)
{
	const struct zone *york = zone("America/New_York");

	(void)state;
	assert_int_equal(zone_instant(york, civil("2026-11-01", 1, 30)), utc("2026-11-01T05:30:00Z"));
	assert_int_equal(zone_instant(york, civil("2026-11-01", 2, 0)), utc("2026-11-01T07:00:00Z"));
	assert_int_equal(zone_instant(york, civil("2150-11-01", 1, 0)), utc("2150-11-01T05:00:00Z"));
	/* Clocks go back at midnight to 23:00: the new day begins only an hour later. */
	assert_int_equal(zone_midnight(zone("America/Santiago"), civil("2026-04-05", 0, 0).day),
			 utc("2026-04-05T04:00:00Z"));
}

static void an_unknown_zone_is_none(void **state)
{
	static const char *const wrong[] = {
		"",
		"Quito",
		"america/guayaquil",
		"../etc/passwd",
		"America",
		"America/",
		"/America/Guayaquil",
		"America/Guayaquil/with/a/name/that/is/longer/than/any/real/one/has/been"
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_null(zone_find(wrong[i]));
	assert_null(zone_find(NULL));
	assert_string_equal(zone_name(zone("America/Guayaquil")), "America/Guayaquil");
	assert_string_equal(zone_name(NULL), "UTC");
	assert_int_equal(zone_offset_s(NULL, 0), 0);
}

/* Every zone there is: a civil time found again is the same time, and never a later one than could be. */
static void every_zone_leads_back_from_the_civil_time_to_the_instant(void **state)
{
	size_t i, zones = 0;

	(void)state;
	for (i = embed_first("zone/"); i < embed_count() && strncmp(embed_at(i)->name, "zone/", 5) == 0;
	     i++) {
		const struct zone *z = zone(embed_at(i)->name + 5);
		instant at, before = INT64_MIN;

		zones++;
		for (at = utc("1901-01-01T00:00:00Z"); at < utc("2199-01-01T00:00:00Z");
		     at += 37 * DAY_MS + 7919123) {
			struct civil c = zone_civil(z, at);
			instant back = zone_instant(z, c);

			assert_true(back <= at && at - back <= DAY_MS);
			if (back != at) { /* a repeated hour: both show the same */
				struct civil again = zone_civil(z, back);

				assert_memory_equal(&again, &c, sizeof(c));
			}
			assert_true(back > before);
			before = back;
			assert_int_equal(c.day, zone_day(z, at));
			back = zone_midnight(z, c.day);
			assert_true(back <= at && zone_day(z, back) >= c.day &&
				    zone_day(z, back - 1) < c.day);
		}
	}
	assert_true(zones > 300);
}

static void instants_at_the_ends_of_time_do_no_harm(void **state)
{
	const struct zone *york = zone("America/New_York");
	struct civil c = { .day = INT32_MAX, .hour = 23 };

	(void)state;
	zone_civil(york, INT64_MAX);
	zone_civil(york, INT64_MIN);
	assert_int_equal(zone_civil(NULL, INT64_MAX).hour, 0);
	zone_instant(york, c);
	c.day = INT32_MIN;
	assert_true(zone_instant(york, c) < 0);
	assert_int_equal(zone_offset_s(york, INT64_MIN) / 3600, -4); /* local mean time, -04:56:02 */
}

static void assert_rule(const char *text, const char *at, int32_t offset_s)
{
	struct zone_rule r;

	assert_int_equal(zone_rule_parse(&r, text, strlen(text)), RC_OK);
	assert_int_equal(zone_rule_offset(&r, utc(at) / SECOND_MS, NULL), offset_s);
}

static void rules_of_all_three_kinds_are_understood(void **state)
{
	static const char *const wrong[] = { "",
					     "E5",
					     "EST",
					     "EST5EDT",
					     "EST25",
					     "<-03>3x",
					     "<-033",
					     "EST5EDT,M3.2.0",
					     "EST5EDT,M13.2.0,M11.1.0",
					     "EST5EDT,M3.6.0,M11.1.0",
					     "EST5EDT,M3.2.7,M11.1.0",
					     "EST5EDT,J0,J300",
					     "EST5EDT,J366,J300",
					     "EST5EDT,366,300",
					     "EST5EDT,M3.2.0/168,M11.1.0",
					     "EST5:60",
					     "EST5:",
					     "EST5EDT,M3.2.0,M11.1.0,",
					     "EST5EDT,99999999999999999999,1" };
	struct zone_rule r;
	size_t i;

	(void)state;
	assert_rule("<-03>3", "2026-01-01T00:00:00Z", -10800);
	assert_rule("<+0545>-5:45", "2026-01-01T00:00:00Z", 20700);
	assert_rule("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01T00:00:00Z", 3600);
	assert_rule("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-12-01T00:00:00Z", 0);
	assert_rule("AAA0BBB,J60,J300/0", "2028-03-01T01:59:59Z", 0); /* J60 is March 1, leap year or not */
	assert_rule("AAA0BBB,J60,J300/0", "2028-03-01T02:00:00Z", 3600);
	assert_rule("AAA0BBB,59/0,300", "2028-02-29T00:00:00Z", 3600); /* 59 is February 29 then */
	assert_rule("AAA0BBB,59/0,300", "2027-02-28T23:59:59Z", 0);
	assert_rule("XXX3EDT4,0/0,J365/23", "2026-01-01T03:00:00Z",
		    -14400); /* RFC 8536 §3.3.1: summer all year */
	assert_rule("XXX3EDT4,0/0,J365/23", "2026-12-31T23:59:59Z", -14400);
	assert_rule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z",
		    -7200); /* Nuuk, the evening before */
	assert_rule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600);
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(zone_rule_parse(&r, wrong[i], strlen(wrong[i])), RC_BAD_INPUT);
}

static void a_damaged_zone_file_is_refused_at_any_length(void **state)
{
	const struct embedded *file = embed_find("zone/America/Santiago");
	struct zone *z = NULL;
	unsigned char bytes[8192];
	size_t i;

	(void)state;
	assert_non_null(file);
	assert_true(file->len < sizeof(bytes));
	for (i = 0; i < file->len; i++)
		assert_int_equal(zone_parse(&z, "x", file->data, i), RC_BAD_INPUT);
	assert_null(z);
	for (i = 0; i < file->len; i++) { /* any one byte changed: refused or read, never harmful */
		memcpy(bytes, file->data, file->len);
		bytes[i] ^= 0xff;
		if (zone_parse(&z, "x", bytes, file->len) == RC_OK) {
			zone_offset_s(z, 0);
			zone_instant(z, (struct civil){ .day = 20000 });
			zone_free(z);
			z = NULL;
		}
	}
}

static void *find_them_all(void *arg)
{
	size_t i, *found = arg;

	for (i = embed_first("zone/"); i < embed_count() && strncmp(embed_at(i)->name, "zone/", 5) == 0; i++)
		if (zone_find(embed_at(i)->name + 5) && zone_find("America/Guayaquil")) ++*found;
	return NULL;
}

static void threads_that_ask_at_once_get_the_same_zones(void **state)
{
	pthread_t threads[4];
	size_t found[4] = { 0 }, i;

	(void)state;
	zone_forget();
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, find_them_all, &found[i]), 0);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (i = 1; i < 4; i++)
		assert_int_equal(found[i], found[0]);
	assert_true(found[0] > 300);
	assert_ptr_equal(zone("Europe/Madrid"), zone("Europe/Madrid"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_instant_is_another_hour_elsewhere),
		cmocka_unit_test(clocks_change_as_the_rule_says_long_after_the_last_listed_change),
		cmocka_unit_test(a_time_in_a_gap_is_the_first_instant_after_it),
		cmocka_unit_test(a_repeated_hour_counts_the_first_time),
		cmocka_unit_test(an_unknown_zone_is_none),
		cmocka_unit_test(every_zone_leads_back_from_the_civil_time_to_the_instant),
		cmocka_unit_test(instants_at_the_ends_of_time_do_no_harm),
		cmocka_unit_test(rules_of_all_three_kinds_are_understood),
		cmocka_unit_test(a_damaged_zone_file_is_refused_at_any_length),
		cmocka_unit_test(threads_that_ask_at_once_get_the_same_zones),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	zone_forget();
	return failed;
}
