/*
** test_limit.c -- how often a program may ask, on a clock that stands still until it is moved.
*/
#include "web/limit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000)

static struct limit *limit;
static struct limit_left left;

static int setup(void **state)
{
	(void)state;
	limit = limit_new();
	return limit != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	limit_free(limit);
	return 0;
}

static bool take(const char *who, int64_t per_minute, int64_t burst, int64_t now)
{
	return limit_take(limit, who, (struct limit_rate){ per_minute, burst }, now, &left);
}

static void a_program_may_spend_its_bucket_at_once_and_no_call_more(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++) {
		assert_true(take("token:1", 60, 30, 5 * SECOND));
		assert_int_equal(left.remaining, 29 - i);
		assert_int_equal(left.reset_s, i + 1);
		assert_int_equal(left.retry_s, 0);
	}
	assert_false(take("token:1", 60, 30, 5 * SECOND));
	assert_int_equal(left.remaining, 0);
	assert_int_equal(left.retry_s, 1);
	assert_int_equal(left.reset_s, 30);
}

static void a_refused_call_costs_nothing_and_the_wait_it_names_is_enough(void **state)
{
	(void)state;
	assert_true(take("token:1", 6, 1, SECOND));
	for (int i = 0; i < 1000; i++) {
		assert_false(take("token:1", 6, 1, SECOND + i));
		assert_int_equal(left.retry_s, 10);
	}
	assert_false(take("token:1", 6, 1, 11 * SECOND - 1));
	assert_true(take("token:1", 6, 1, 11 * SECOND));
	assert_false(take("token:1", 6, 1, 11 * SECOND));
}

static void a_bucket_fills_again_but_never_over_its_brim(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(take("user:1", 600, 10, 0));
	assert_false(take("user:1", 600, 10, 0));
	for (int i = 0; i < 5; i++)
		assert_true(take("user:1", 600, 10, SECOND / 2)); /* half a second: five */
	assert_false(take("user:1", 600, 10, SECOND / 2));
	for (int i = 0; i < 10; i++)
		assert_true(take("user:1", 600, 10, 3600 * SECOND));
	assert_false(take("user:1", 600, 10, 3600 * SECOND));
}

static void everybody_has_a_bucket_of_his_own(void **state)
{
	(void)state;
	assert_true(take("token:1", 1, 1, 0));
	assert_false(take("token:1", 1, 1, 0));
	assert_true(take("token:2", 1, 1, 0));
	assert_true(take("user:1", 1, 1, 0));
	assert_true(take("address:10.0.0.1", 1, 1, 0));
}

static void nothing_is_limited_by_a_limit_of_zero(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_true(take("token:1", 0, 1, 0));
	assert_int_equal(left.retry_s, 0);
}

static void the_largest_settings_do_not_overflow(void **state)
{
	(void)state;
	assert_true(take("token:1", 1000000, 1000000, INT64_MAX / 4));
	assert_int_equal(left.remaining, 999999);
	assert_true(take("token:2", 1, 1000000, INT64_MAX / 4));
	assert_int_equal(left.remaining, 999999);
}

/* A flood of made-up askers: the table stays as large as it is, and one who empties his bucket is still
** refused right afterwards. */
static void a_flood_of_strangers_takes_no_memory_and_frees_nobody(void **state)
{
	char who[32];
	int refused = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		snprintf(who, sizeof who, "address:%d", i);
		assert_true(take(who, 60, 5, i));
		if (i % 1000 != 0) continue;
		while (take("token:busy", 60, 5, i))
			continue;
		refused++;
		assert_true(left.retry_s > 0);
	}
	assert_int_equal(refused, 200);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_program_may_spend_its_bucket_at_once_and_no_call_more),
		T(a_refused_call_costs_nothing_and_the_wait_it_names_is_enough),
		T(a_bucket_fills_again_but_never_over_its_brim),
		T(everybody_has_a_bucket_of_his_own),
		T(nothing_is_limited_by_a_limit_of_zero),
		T(the_largest_settings_do_not_overflow),
		T(a_flood_of_strangers_takes_no_memory_and_frees_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
