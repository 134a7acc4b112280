/*
** test_plan.c -- who is told today, who is left out and why, and that nobody is told twice.
*/
#include "shop.h"

#define NINE "2025-09-08T09:00:00-05:00"

static int64_t count(struct shop *shop, const char *sql)
{
	return state_int(&shop->s, sql);
}

static void the_acceptance_day_of_the_specification_is_planned_as_it_says(void **state)
{
	struct shop shop;
	struct plan_result r;

	(void)state;
	shop_open(&shop, NINE);
	shop_subscription(&shop, "+593990000001", "2025-09-15");
	shop_subscription(&shop, "+593990000002", "2025-09-11");
	shop_subscription(&shop, "+593990000003", "2025-09-09");
	shop_subscription(&shop, "+593990000004", "2025-09-08");
	shop_subscription(&shop, "+593990000005", "2025-09-07");
	shop_subscription(&shop, "+593990000006", "2025-09-12");
	shop_subscription(&shop, NULL, "2025-09-08");
	shop_subscription(&shop, "+593990000008", "2025-09-11");
	shop_subscription(&shop, "+593990000009", "2025-09-15");
	assert_int_equal(
		state_run(&shop.s, "UPDATE subscription SET state = 'cancelled' WHERE public_id = 'u8'"),
		RC_OK);
	assert_int_equal(state_run(&shop.s, "UPDATE client SET is_active = 0 WHERE public_id = 'c9'"), RC_OK);
	r = shop_run(&shop);
	assert_int_equal(r.stage_count, 4);
	for (size_t i = 0; i < r.stage_count; i++) {
		static const struct plan_stage expected[] = {
			{ .days = 0, .found = 2, .planned = 1, .skipped = 1 },
			{ .days = 1, .found = 1, .planned = 1 },
			{ .days = 3, .found = 1, .planned = 1 },
			{ .days = 7, .found = 1, .planned = 1 }
		};

		assert_int_equal(r.stages[i].days, expected[i].days);
		assert_int_equal(r.stages[i].found, expected[i].found);
		assert_int_equal(r.stages[i].planned, expected[i].planned);
		assert_int_equal(r.stages[i].skipped, expected[i].skipped);
	}
	assert_int_equal(count(&shop, "SELECT count(*) FROM message"), 4);
	assert_string_equal(shop_text(&shop, "SELECT skip_reason FROM notice WHERE message_id IS NULL"),
			    "no_phone");
	assert_string_equal(shop_text(&shop, "SELECT state FROM subscription WHERE public_id = 'u5'"),
			    "expired");
	r = shop_run(&shop);
	assert_int_equal(
		r.stages[0].planned + r.stages[1].planned + r.stages[2].planned + r.stages[3].planned, 0);
	assert_int_equal(count(&shop, "SELECT count(*) FROM message"), 4);
	shop_close(&shop);
}

static void somebody_who_was_left_out_is_told_once_the_reason_is_gone(void **state)
{
	struct shop shop;
	struct plan_result r;

	(void)state;
	shop_open(&shop, NINE);
	shop_subscription(&shop, NULL, "2025-09-08");
	r = shop_run(&shop);
	assert_int_equal(r.stages[0].skipped, 1);
	assert_int_equal(state_run(&shop.s, "UPDATE client SET phone = '+593990000001'"), RC_OK);
	r = shop_run(&shop);
	assert_int_equal(r.stages[0].planned, 1);
	assert_int_equal(count(&shop, "SELECT count(*) FROM notice"), 1);
	assert_int_equal(
		count(&shop, "SELECT count(*) FROM notice WHERE skip_reason = '' AND message_id IS NOT NULL"),
		1);
	shop_close(&shop);
}

static void who_asked_for_no_notices_gets_none(void **state)
{
	struct shop shop;
	int64_t contact = 0;

	(void)state;
	shop_open(&shop, NINE);
	shop_subscription(&shop, "+593990000001", "2025-09-08");
	assert_int_equal(tx_begin(&shop.s.cx), RC_OK);
	assert_int_equal(contact_ensure(&shop.s.cx, &contact, "phone", "+593990000001"), RC_OK);
	assert_int_equal(contact_opt_out(&shop.s.cx, contact, "notice", "test", true), RC_OK);
	assert_int_equal(tx_end(&shop.s.cx, RC_OK), RC_OK);
	assert_int_equal(shop_run(&shop).stages[0].skipped, 1);
	assert_string_equal(shop_text(&shop, "SELECT skip_reason FROM notice"), "opt_out");
	shop_close(&shop);
}

static void moving_the_end_date_opens_a_new_cycle(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, NINE);
	shop_subscription(&shop, "+593990000001", "2025-09-09");
	assert_int_equal(shop_run(&shop).stages[1].planned, 1);
	assert_int_equal(state_run(&shop.s, "UPDATE subscription SET ends_on = '2025-09-16'"), RC_OK);
	shop_walk_to(&shop, "2025-09-09T09:00:00-05:00");
	assert_int_equal(shop_run(&shop).stages[3].planned, 1);
	assert_int_equal(count(&shop, "SELECT count(*) FROM message"), 2);
	shop_close(&shop);
}

static void one_subscription_never_gets_two_automatic_notices_on_a_day(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, NINE);
	shop_subscription(&shop, "+593990000001", "2025-09-09");
	assert_int_equal(shop_run(&shop).stages[1].planned, 1);
	assert_int_equal(state_run(&shop.s, "UPDATE subscription SET ends_on = '2025-09-11'"), RC_OK);
	assert_int_equal(shop_run(&shop).stages[2].planned, 0);
	assert_int_equal(count(&shop, "SELECT count(*) FROM message"), 1);
	shop_close(&shop);
}

static void days_without_a_run_are_made_up_for_once_with_the_true_number(void **state)
{
	struct shop shop;
	struct plan_result r;

	(void)state;
	shop_open(&shop, NINE);
	shop_run(&shop); /* 8 September; then the machine is off until the 11th */
	shop_subscription(&shop, "+593990000001", "2025-09-13"); /* was due for stage 3 on the 10th: missed */
	shop_subscription(&shop, "+593990000002", "2025-09-16"); /* was due for stage 7 on the 9th: missed  */
	shop_subscription(&shop, "+593990000003", "2025-09-17"); /* stage 7 on the 10th: missed             */
	shop_subscription(&shop, "+593990000004", "2025-09-14"); /* today's own stage 3                     */
	shop_walk_to(&shop, "2025-09-11T09:00:00-05:00");
	r = shop_run(&shop);
	assert_int_equal(r.caught_up, 3);
	assert_int_equal(r.stages[2].planned, 1);
	assert_int_equal(count(&shop, "SELECT count(*) FROM notice WHERE origin = 'catchup'"), 3);
	assert_int_equal(count(&shop, "SELECT stage FROM notice WHERE subscription_id = 1"), 3);
	assert_int_equal(count(&shop, "SELECT days_left FROM notice WHERE subscription_id = 1"), 2);
	assert_int_equal(count(&shop, "SELECT stage FROM notice WHERE subscription_id = 2"), 7);
	assert_int_equal(count(&shop, "SELECT days_left FROM notice WHERE subscription_id = 2"), 5);
	assert_int_equal(shop_run(&shop).caught_up, 0);
	shop_close(&shop);
}

static void nobody_is_owed_a_notice_of_a_day_before_they_came(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, NINE);
	shop_run(&shop);
	shop_walk_to(&shop, "2025-09-11T09:00:00-05:00");
	shop_subscription(&shop, "+593990000001", "2025-09-13");
	assert_int_equal(state_run(&shop.s, "UPDATE subscription SET created_at = 1757599000000"),
			 RC_OK); /* the 11th */
	assert_int_equal(shop_run(&shop).caught_up, 0);
	shop_close(&shop);
}

static void a_dry_run_counts_and_writes_nothing(void **state)
{
	struct shop shop;
	struct plan_options o = { .origin = "auto", .batch_origin = "command", .is_dry = true };
	struct plan_result r;

	(void)state;
	shop_open(&shop, NINE);
	shop_subscription(&shop, "+593990000001", "2025-09-08");
	shop_subscription(&shop, "+593990000002", "2025-09-07");
	o.date = cx_today(&shop.s.cx);
	o.stage_count = plan_stages_default(&shop.s.cx, o.stages);
	assert_int_equal(plan_run(&shop.s.cx, NULL, &o, &r), RC_OK);
	assert_int_equal(r.stages[0].planned, 1);
	assert_int_equal(r.listed->count, 1);
	assert_int_equal(count(&shop, "SELECT count(*) FROM notice"), 0);
	assert_int_equal(count(&shop, "SELECT count(*) FROM batch"), 0);
	assert_string_equal(shop_text(&shop, "SELECT state FROM subscription WHERE public_id = 'u2'"),
			    "active");
	shop_close(&shop);
}

static void what_an_import_still_hides_is_not_told(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, NINE);
	shop_subscription(&shop, "+593990000001", "2025-09-08");
	assert_int_equal(state_run(&shop.s, "UPDATE subscription SET generation = 5"), RC_OK);
	assert_int_equal(state_run(&shop.s, "INSERT INTO pending_generation VALUES (5, 'import', 0)"), RC_OK);
	assert_int_equal(shop_run(&shop).stages[0].found, 0);
	assert_int_equal(state_run(&shop.s, "DELETE FROM pending_generation"), RC_OK);
	assert_int_equal(shop_run(&shop).stages[0].planned, 1);
	shop_close(&shop);
}

static void more_than_one_slice_is_planned_whole(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, NINE);
	for (int i = 0; i < 205; i++) {
		char phone[32];

		snprintf(phone, sizeof(phone), "+5939910%05d", i);
		shop_subscription(&shop, phone, "2025-09-08");
	}
	assert_int_equal(shop_run(&shop).stages[0].planned, 205);
	assert_int_equal(count(&shop, "SELECT count(DISTINCT contact_id) FROM message"), 205);
	shop_close(&shop);
}

static void the_stages_of_the_settings_come_urgent_first(void **state)
{
	struct shop shop;
	int64_t stages[STAGES_MAX];

	(void)state;
	shop_open(&shop, NINE);
	shop_set(&shop, "renewals.stages", "7,0,15,1");
	assert_int_equal(plan_stages_default(&shop.s.cx, stages), 4);
	assert_int_equal(stages[0], 0);
	assert_int_equal(stages[1], 1);
	assert_int_equal(stages[3], 15);
	shop_close(&shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_acceptance_day_of_the_specification_is_planned_as_it_says),
		cmocka_unit_test(somebody_who_was_left_out_is_told_once_the_reason_is_gone),
		cmocka_unit_test(who_asked_for_no_notices_gets_none),
		cmocka_unit_test(moving_the_end_date_opens_a_new_cycle),
		cmocka_unit_test(one_subscription_never_gets_two_automatic_notices_on_a_day),
		cmocka_unit_test(days_without_a_run_are_made_up_for_once_with_the_true_number),
		cmocka_unit_test(nobody_is_owed_a_notice_of_a_day_before_they_came),
		cmocka_unit_test(a_dry_run_counts_and_writes_nothing),
		cmocka_unit_test(what_an_import_still_hides_is_not_told),
		cmocka_unit_test(more_than_one_slice_is_planned_whole),
		cmocka_unit_test(the_stages_of_the_settings_come_urgent_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
