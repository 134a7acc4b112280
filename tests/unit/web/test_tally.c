/*
** test_tally.c -- how long answers took, in few numbers.
*/
#include "web/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void the_median_and_the_slowest_are_found_again(void **state)
{
	struct tally before, after, span;

	(void)state;
	tally_read(&before);
	assert_int_equal(tally_percentile(&before, TALLY_PAGE, 95), 0);
	for (int i = 0; i < 90; i++)
		tally_add(TALLY_PAGE, 200, 8);
	for (int i = 0; i < 10; i++)
		tally_add(TALLY_PAGE, 503, 1500);
	tally_add(TALLY_API, 404, 60000);
	tally_read(&after);
	tally_since(&span, &after, &before);
	assert_int_equal(tally_count(&span, TALLY_PAGE), 100);
	assert_int_equal(tally_count(&span, TALLY__MAX), 101);
	assert_in_range(tally_percentile(&span, TALLY_PAGE, 50), 6, 10);
	assert_int_equal(tally_percentile(&span, TALLY_PAGE, 90), 10);
	assert_in_range(tally_percentile(&span, TALLY_PAGE, 95), 1001, 2000);
	assert_int_equal(tally_percentile(&span, TALLY_API, 50), 10000);
	assert_int_equal(span.status[TALLY_PAGE][5], 10);
	assert_int_equal(span.status[TALLY_API][4], 1);
	assert_int_equal(span.sum_ms[TALLY_PAGE], 90 * 8 + 10 * 1500);
}

static void a_bound_belongs_to_the_bucket_below_it(void **state)
{
	struct tally before, after, span;

	(void)state;
	tally_read(&before);
	for (int b = 0; b < TALLY_BUCKETS - 1; b++) {
		tally_add(TALLY_HOOK, 200, tally_bounds_ms[b]);
		tally_add(TALLY_HOOK, 200, tally_bounds_ms[b] + 1);
	}
	tally_add(TALLY_HOOK, 999, -5); /* a status nobody knows, a clock that went back */
	tally_read(&after);
	tally_since(&span, &after, &before);
	assert_int_equal(span.buckets[TALLY_HOOK][0], 2);
	assert_int_equal(span.buckets[TALLY_HOOK][1], 2);
	assert_int_equal(span.buckets[TALLY_HOOK][TALLY_BUCKETS - 1], 1);
	assert_int_equal(span.status[TALLY_HOOK][5], 1);
	tally_add(TALLY__MAX, 200, 1); /* no such class: not counted anywhere */
	tally_read(&before);
	assert_int_equal(tally_count(&before, TALLY__MAX), tally_count(&after, TALLY__MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_median_and_the_slowest_are_found_again),
		cmocka_unit_test(a_bound_belongs_to_the_bucket_below_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
