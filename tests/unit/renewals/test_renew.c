/*
** test_renew.c -- renewing moves dates, money and history together; undoing puts them back.
*/
#include "shop.h"

#define NINE "2025-09-08T09:00:00-05:00"

static void renewing_before_the_end_adds_the_bought_time(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;
	int64_t id;

	(void)state;
	shop_open(&shop, NINE);
	id = shop_subscription(&shop, "+593990000004", "2025-09-08");
	assert_int_equal(renew_run(&shop.s.cx, &done, id, &o), RC_OK);
	assert_string_equal(done.ends_on, "2025-10-08");
	assert_string_equal(shop_text(&shop, "SELECT ends_on FROM subscription"), "2025-10-08");
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM subscription_period"), 1);
	assert_int_equal(
		state_int(&shop.s, "SELECT count(*) FROM notice WHERE type = 'renewal_confirmation'"), 1);
	shop_close(&shop);
}

static void renewing_after_the_end_starts_anew_today(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;
	int64_t id;

	(void)state;
	shop_open(&shop, NINE);
	id = shop_subscription(&shop, "+593990000005", "2025-09-07");
	shop_run(&shop);
	assert_string_equal(shop_text(&shop, "SELECT state FROM subscription"), "expired");
	assert_int_equal(renew_run(&shop.s.cx, &done, id, &o), RC_OK);
	assert_string_equal(done.starts_on, "2025-09-08");
	assert_string_equal(done.ends_on, "2025-10-08");
	assert_string_equal(shop_text(&shop, "SELECT state FROM subscription"), "active");
	shop_close(&shop);
}

static void nothing_is_renewed_beyond_the_last_year_of_the_calendar(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;
	int64_t id;

	(void)state;
	shop_open(&shop, NINE);
	id = shop_subscription(&shop, "+593990000004", "2199-12-01");
	assert_int_equal(renew_run(&shop.s.cx, &done, id, &o), RC_OK);
	assert_string_equal(done.ends_on, "2199-12-31");
	assert_int_equal(renew_run(&shop.s.cx, &done, id, &o), RC_BAD_INPUT);
	assert_string_equal(shop.s.cx.fields[0].field, "periods");
	assert_string_equal(shop_text(&shop, "SELECT ends_on FROM subscription"), "2199-12-31");
	assert_int_equal(renew_preview(&shop.s.cx, &done, id, 1), RC_BAD_INPUT);
	shop_close(&shop);
}

static void a_double_click_renews_once(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;
	int64_t id, other;

	(void)state;
	shop_open(&shop, NINE);
	id = shop_subscription(&shop, "+593990000004", "2025-09-08");
	other = shop_subscription(&shop, "+593990000005", "2025-09-08");
	o.idempotency_key = "click-1";
	o.payment_method = "cash";
	assert_int_equal(renew_run(&shop.s.cx, &done, id, &o), RC_OK);
	assert_false(done.is_repeat);
	assert_int_equal(renew_run(&shop.s.cx, &done, id, &o), RC_OK);
	assert_true(done.is_repeat);
	assert_string_equal(done.ends_on, "2025-10-08");
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM payment"), 1);
	assert_int_equal(renew_run(&shop.s.cx, &done, other, &o), RC_CONFLICT);
	shop_close(&shop);
}

static void undoing_within_a_day_puts_everything_back(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;
	int64_t id;

	(void)state;
	shop_open(&shop, NINE);
	id = shop_subscription(&shop, "+593990000004", "2025-09-08");
	o.payment_method = "transfer";
	o.price_cents = 1500;
	assert_int_equal(renew_run(&shop.s.cx, &done, id, &o), RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT payment_status FROM subscription"), "paid");
	assert_int_equal(renew_undo(&shop.s.cx, id), RC_OK);
	assert_string_equal(
		shop_text(&shop, "SELECT ends_on || payment_status || price_cents FROM subscription"),
		"2025-09-08pending1299");
	assert_string_equal(shop_text(&shop, "SELECT state FROM payment"), "cancelled");
	assert_string_equal(shop_text(&shop, "SELECT state FROM message"), "cancelled");
	assert_int_equal(renew_undo(&shop.s.cx, id), RC_CONFLICT);
	shop_close(&shop);
}

static void undoing_after_a_day_is_refused_with_a_sentence(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;
	int64_t id;

	(void)state;
	shop_open(&shop, NINE);
	id = shop_subscription(&shop, "+593990000004", "2025-09-08");
	assert_int_equal(renew_run(&shop.s.cx, &done, id, &o), RC_OK);
	clock_shift(shop.s.env.clock, UNDO_WITHIN_MS - MINUTE_MS);
	assert_int_equal(renew_undo(&shop.s.cx, id),
			 RC_OK); /* a minute before the edge: the test's clock walks on */
	assert_int_equal(renew_run(&shop.s.cx, &done, id, &o), RC_OK);
	clock_shift(shop.s.env.clock, UNDO_WITHIN_MS + SECOND_MS);
	assert_int_equal(renew_undo(&shop.s.cx, id), RC_CONFLICT);
	assert_string_not_equal(shop.s.cx.message, "");
	shop_close(&shop);
}

static void a_year_of_periods_is_the_most(void **state)
{
	struct shop shop;
	struct renewed done;
	int64_t id;

	(void)state;
	shop_open(&shop, NINE);
	id = shop_subscription(&shop, "+593990000004", "2025-09-08");
	assert_int_equal(renew_preview(&shop.s.cx, &done, id, 12), RC_OK);
	assert_string_equal(done.ends_on, "2026-09-03");
	assert_int_equal(renew_preview(&shop.s.cx, &done, id, 13), RC_BAD_INPUT);
	assert_int_equal(renew_preview(&shop.s.cx, &done, id, 0), RC_BAD_INPUT);
	shop_close(&shop);
}

static void calendar_months_are_clamped_to_the_months_end(void **state)
{
	struct shop shop;
	day start = 0, feb = 0;

	(void)state;
	shop_open(&shop, NINE);
	shop_set(&shop, "renewals.period_mode", "calendar");
	assert_int_equal(day_parse(&start, "2026-01-31"), RC_OK);
	assert_int_equal(day_parse(&feb, "2026-02-28"), RC_OK);
	assert_int_equal(period_end(&shop.s.cx, start, "monthly", 30, 1), feb);
	shop_set(&shop, "renewals.period_mode", "days");
	assert_int_equal(period_end(&shop.s.cx, start, "semiannual", period_days_of("semiannual"), 1),
			 start + 180);
	shop_close(&shop);
}

static void a_notice_that_still_waits_is_taken_back_when_the_customer_renews(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;
	int64_t id;

	(void)state;
	shop_open(&shop, NINE);
	id = shop_subscription(&shop, "+593990000004", "2025-09-08");
	shop_run(&shop);
	assert_int_equal(renew_run(&shop.s.cx, &done, id, &o), RC_OK);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM message WHERE state = 'cancelled'"), 1);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM message WHERE state = 'queued'"),
			 1); /* the confirmation */
	shop_close(&shop);
}

static void cancelling_at_the_end_keeps_it_until_then(void **state)
{
	struct shop shop;
	int64_t id;

	(void)state;
	shop_open(&shop, NINE);
	id = shop_subscription(&shop, "+593990000004", "2025-09-09");
	assert_int_equal(subscription_cancel(&shop.s.cx, id, "moves away", true), RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT state FROM subscription"), "active");
	assert_int_equal(shop_run(&shop).stages[1].found, 0); /* no more notices */
	shop_walk_to(&shop, "2025-09-10T09:00:00-05:00");
	shop_run(&shop);
	assert_string_equal(shop_text(&shop, "SELECT state FROM subscription"), "cancelled");
	shop_close(&shop);
}

/* "active 2025-09-20 pending" of the only subscription, and what undoing would need. */
static const char *standing(struct shop *shop)
{
	return shop_text(
		shop,
		"SELECT state || CASE cancel_at_end WHEN 1 THEN ' ending ' ELSE ' ' END || ends_on FROM subscription");
}

static void put(struct shop *shop, int64_t id, const char *how)
{
	if (strcmp(how, "expired") == 0) /* it ended yesterday */
		assert_int_equal(
			state_run(
				&shop->s,
				"UPDATE subscription SET state = 'expired', ends_on = '2025-09-07', expired_at = 1"),
			RC_OK);
	if (strcmp(how, "cancelled") == 0)
		assert_int_equal(subscription_cancel(&shop->s.cx, id, "", false), RC_OK);
	if (strcmp(how, "ending") == 0)
		assert_int_equal(subscription_cancel(&shop->s.cx, id, "", true), RC_OK);
	if (strcmp(how, "renewed") == 0) {
		struct renew_options o = RENEW_DEFAULTS;
		struct renewed done;

		assert_int_equal(renew_run(&shop->s.cx, &done, id, &o), RC_OK);
	}
}

static enum rc take(struct shop *shop, int64_t id, const char *action)
{
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;

	if (strcmp(action, "renew") == 0) return renew_run(&shop->s.cx, &done, id, &o);
	if (strcmp(action, "undo") == 0) return renew_undo(&shop->s.cx, id);
	return subscription_cancel(&shop->s.cx, id, "", strcmp(action, "cancel at end") == 0);
}

static void every_state_takes_the_actions_that_fit_it(void **state)
{
	static const struct {
		const char *from, *action;
		enum rc rc;
		const char *to;
	} table[] = {
		{ "active", "renew", RC_OK, "active 2025-10-20" },
		{ "active", "cancel", RC_OK, "cancelled 2025-09-20" },
		{ "active", "cancel at end", RC_OK, "active ending 2025-09-20" },
		{ "active", "undo", RC_CONFLICT, "active 2025-09-20" },
		{ "renewed", "renew", RC_OK, "active 2025-11-19" },
		{ "renewed", "undo", RC_OK, "active 2025-09-20" },
		{ "expired", "renew", RC_OK, "active 2025-10-08" },
		{ "expired", "cancel", RC_OK, "cancelled 2025-09-07" },
		{ "expired", "cancel at end", RC_OK, "cancelled 2025-09-07" },
		{ "expired", "undo", RC_CONFLICT, "expired 2025-09-07" },
		{ "cancelled", "renew", RC_OK, "active 2025-10-20" },
		{ "cancelled", "cancel", RC_CONFLICT, "cancelled 2025-09-20" },
		{ "cancelled", "cancel at end", RC_CONFLICT, "cancelled 2025-09-20" },
		{ "cancelled", "undo", RC_CONFLICT, "cancelled 2025-09-20" },
		{ "ending", "renew", RC_OK, "active 2025-10-20" },
		{ "ending", "cancel", RC_OK, "cancelled 2025-09-20" },
		{ "ending", "cancel at end", RC_CONFLICT, "active ending 2025-09-20" },
		{ "ending", "undo", RC_CONFLICT, "active ending 2025-09-20" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct shop shop;
		int64_t id;

		shop_open(&shop, NINE);
		id = shop_subscription(&shop, "+593990000004", "2025-09-20");
		put(&shop, id, table[i].from);
		if (take(&shop, id, table[i].action) != table[i].rc ||
		    strcmp(standing(&shop), table[i].to) != 0)
			fail_msg("%s, %s: %s", table[i].from, table[i].action, standing(&shop));
		/* a stamp of the cancellation stands exactly where there is one */
		assert_int_equal(
			state_int(
				&shop.s,
				"SELECT (cancelled_at IS NOT NULL) = (state = 'cancelled' OR cancel_at_end) FROM subscription"),
			1);
		if (table[i].rc != RC_OK) assert_string_not_equal(shop.s.cx.message, "");
		shop_close(&shop);
	}
}

static void what_costs_nothing_is_paid_when_it_is_renewed(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;
	int64_t id;

	(void)state;
	shop_open(&shop, NINE);
	id = shop_subscription(&shop, "+593990000004", "2025-09-20");
	o.price_cents = 0;
	o.payment_method = "cash";
	assert_int_equal(renew_run(&shop.s.cx, &done, id, &o), RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT payment_status FROM subscription"), "paid");
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM payment"), 0);
	shop_close(&shop);
}

static void reminders_by_hand_are_ten_minutes_apart(void **state)
{
	struct shop shop;
	const char *phone;
	int64_t id;
	int days;

	(void)state;
	shop_open(&shop, NINE);
	id = shop_subscription(&shop, "+593990000004", "2025-09-05");
	assert_int_equal(reminder_send(&shop.s.cx, id, &phone, &days), RC_OK);
	assert_int_equal(days, -3);
	assert_int_equal(reminder_send(&shop.s.cx, id, &phone, &days), RC_TOO_MANY);
	clock_shift(shop.s.env.clock, 10 * MINUTE_MS);
	assert_int_equal(reminder_send(&shop.s.cx, id, &phone, &days), RC_OK);
	shop_close(&shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renewing_before_the_end_adds_the_bought_time),
		cmocka_unit_test(renewing_after_the_end_starts_anew_today),
		cmocka_unit_test(nothing_is_renewed_beyond_the_last_year_of_the_calendar),
		cmocka_unit_test(a_double_click_renews_once),
		cmocka_unit_test(undoing_within_a_day_puts_everything_back),
		cmocka_unit_test(undoing_after_a_day_is_refused_with_a_sentence),
		cmocka_unit_test(a_year_of_periods_is_the_most),
		cmocka_unit_test(calendar_months_are_clamped_to_the_months_end),
		cmocka_unit_test(a_notice_that_still_waits_is_taken_back_when_the_customer_renews),
		cmocka_unit_test(cancelling_at_the_end_keeps_it_until_then),
		cmocka_unit_test(every_state_takes_the_actions_that_fit_it),
		cmocka_unit_test(what_costs_nothing_is_paid_when_it_is_renewed),
		cmocka_unit_test(reminders_by_hand_are_ten_minutes_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
