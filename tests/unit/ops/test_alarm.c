/*
** test_alarm.c -- what the machine's own texts say, when the clock cannot be right, and the table of rules.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ops/alarm.h"
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define NOW      INT64_C(1790000000000)

static void a_clock_is_wrong_when_it_is_behind_or_far_ahead_of_what_was_known(void **state)
{
	static const struct {
		instant now, known;
		enum alarm_clock is;
	} rows[] = {
		{ NOW, 0, ALARM_CLOCK_FINE },
		{ NOW, NOW, ALARM_CLOCK_FINE },
		{ NOW - 15 * MINUTE_MS, NOW, ALARM_CLOCK_FINE },
		{ NOW - 15 * MINUTE_MS - 1, NOW, ALARM_CLOCK_BEHIND },
		{ 0, 0, ALARM_CLOCK_BEHIND }, /* a machine without a battery wakes in 1970 */
		{ NOW + CLOCK_LEAP_MS, NOW, ALARM_CLOCK_FINE },
		{ NOW + CLOCK_LEAP_MS + 1, NOW, ALARM_CLOCK_AHEAD },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(alarm_clock_of(rows[i].now, rows[i].known), rows[i].is);
}

static void a_clock_that_leaps_is_doubtful_until_it_is_put_back_or_believed(void **state)
{
	struct clock *c = clock_new(NOW);

	(void)state;
	clock_shift(c, 5 * 365 * DAY_MS);
	assert_false(clock_is_doubtful(c)); /* nothing is known yet */
	clock_shift(c, -5 * 365 * DAY_MS);
	clock_set_known(c, clock_now(c));
	clock_shift(c, CLOCK_LEAP_MS - MINUTE_MS);
	assert_false(clock_is_doubtful(c));
	clock_shift(c, 2 * MINUTE_MS);
	assert_true(clock_is_doubtful(c));
	clock_shift(c, -CLOCK_LEAP_MS);
	assert_false(clock_is_doubtful(c));
	clock_shift(c, 5 * 365 * DAY_MS);
	assert_true(clock_is_doubtful(c));
	clock_set_known(c, clock_now(c));
	assert_false(clock_is_doubtful(c));
	clock_free(c);
}

static void memory_is_read_from_the_systems_text_or_not_at_all(void **state)
{
	(void)state;
	assert_int_equal(alarm_memory_of("MemTotal:  1000 kB\nMemFree: 10 kB\nMemAvailable:   200 kB\n"), 80);
	assert_int_equal(alarm_memory_of("MemTotal: 1000 kB\nMemAvailable: 0 kB\n"), 100);
	assert_int_equal(alarm_memory_of("MemTotal: 1000 kB\n"), -1);
	assert_int_equal(alarm_memory_of("MemTotal: 0 kB\nMemAvailable: 0 kB\n"), -1);
	assert_int_equal(alarm_memory_of("MemTotal: 10 kB\nMemAvailable: 11 kB\n"), -1);
	assert_int_equal(alarm_memory_of(""), -1);
}

static void waiting_for_a_disk_is_not_being_busy(void **state)
{
	int64_t busy = 0, all = 0;

	(void)state;
	assert_true(alarm_processor_of("cpu  10 0 20 60 10 0 0 0 0 0\ncpu0 1 2 3 4\n", &busy, &all));
	assert_true(busy == 30 && all == 100);
	assert_true(alarm_processor_of("cpu 1 2 3 4", &busy, &all));
	assert_false(alarm_processor_of("cpu 1 2 3", &busy, &all));
	assert_false(alarm_processor_of("cpu0 1 2 3 4", &busy, &all));
	assert_false(alarm_processor_of("cpu 1 -2 3 4", &busy, &all));
	assert_false(alarm_processor_of("", &busy, &all));
}

static void the_addresses_of_a_road_are_mail_addresses_and_at_most_ten(void **state)
{
	static const struct {
		const char *text;
		bool is_fine;
	} rows[] = {
		{ "", true },
		{ "ana@example.com", true },
		{ " Ana@Example.com ; bea@example.org,  eva@example.net ", true },
		{ "ana", false },
		{ "ana@", false },
		{ "@example.com", false },
		{ "ana@example", false },
		{ "ana@@example.com", false },
		{ "ana@.example.com", false },
		{ "ana@example.com.", false },
		{ "Ana <ana@example.com>", false },
		{ "a@x.y b@x.y c@x.y d@x.y e@x.y f@x.y g@x.y h@x.y i@x.y j@x.y", true },
		{ "a@x.y b@x.y c@x.y d@x.y e@x.y f@x.y g@x.y h@x.y i@x.y j@x.y k@x.y", false },
	};
	struct arena *a = arena_new(64 * 1024);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if ((alarm_email_refuse(rows[i].text, a, LANG_EN) == NULL) != rows[i].is_fine)
			fail_msg("%s", rows[i].text);
	arena_free(a);
}

static void what_can_be_tried_is_what_there_is(void **state)
{
	const struct route *route = alarm_routes;
	struct arena *a = arena_new(64 * 1024);
	const char *names = "";

	(void)state;
	while (strcmp(route->path, "/alerts/try") != 0)
		route++;
	for (const struct alarm_rule *r = alarm_rules; r->name != NULL; r++)
		names = arena_printf(a, "%s%s%s", names, *names != '\0' ? "|" : "", r->name);
	assert_string_equal(route->takes[0].choices, names);
	arena_free(a);
}

static void every_rule_says_what_it_is_when_it_comes_and_what_to_do(void **state)
{
	(void)state;
	for (const struct alarm_rule *r = alarm_rules; r->name != NULL; r++) {
		const char *place = strchr(r->sample, '%');

		assert_true(r->title[0] != '\0' && r->about[0] != '\0' && r->remedy[0] != '\0');
		assert_true(r->link[0] == '/');
		/* What the panel can do is not sent to the command line. */
		assert_false(alarm_remedy_is_command(r->remedy) && strncmp(r->remedy, "recado ", 7) == 0);
		assert_true(strcmp(r->severity, "warning") == 0 || strcmp(r->severity, "urgent") == 0);
		/* At most one %s, and something for it. */
		if (place != NULL) assert_true(place[1] == 's' && strchr(place + 1, '%') == NULL);
		assert_ptr_equal(alarm_rule_of(r->name), r);
		for (const struct alarm_rule *other = r + 1; other->name != NULL; other++)
			assert_string_not_equal(r->name, other->name);
		if (r->setting != NULL && strncmp(r->setting, "alerts.", 7) == 0) {
			const struct setting *s = alarm_settings;

			while (s->name != NULL && strcmp(s->name, r->setting) != 0)
				s++;
			assert_non_null(s->name);
		}
	}
	assert_ptr_equal(alarm_rule_of("channel.stopped:slack"), alarm_rule_of("channel.stopped"));
	assert_null(alarm_rule_of("channel"));
	assert_null(alarm_rule_of("disk.low2"));
	assert_null(alarm_rule_of(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clock_is_wrong_when_it_is_behind_or_far_ahead_of_what_was_known),
		cmocka_unit_test(a_clock_that_leaps_is_doubtful_until_it_is_put_back_or_believed),
		cmocka_unit_test(memory_is_read_from_the_systems_text_or_not_at_all),
		cmocka_unit_test(waiting_for_a_disk_is_not_being_busy),
		cmocka_unit_test(the_addresses_of_a_road_are_mail_addresses_and_at_most_ten),
		cmocka_unit_test(what_can_be_tried_is_what_there_is),
		cmocka_unit_test(every_rule_says_what_it_is_when_it_comes_and_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
