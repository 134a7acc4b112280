/*
** test_payments.c -- what may happen to a payment, and what the period it is for makes of it: every state
** against every step, receipts without gaps, renewals paid once, undoing, messages that leave once.
*/
#include "shop.h"
#include "desk/inner.h"
#include "renewals/payment_steps.h"
#include "renewals/resources.h"

#define NINE "2025-09-08T09:00:00-05:00"

static void act(struct shop *shop, int64_t user_id, const char *rights)
{
	shop->s.cx.actor = (struct actor){ .kind = ACTOR_USER,
					   .user_id = user_id,
					   .name = "somebody",
					   .role = "",
					   .rights = rights,
					   .address = "" };
}

static void calm(struct shop *shop)
{
	shop->s.cx.message = "";
	shop->s.cx.field_count = 0;
}

static void office_open(struct shop *shop)
{
	const struct resource *const resources[] = { renewals_resources, desk_resources, NULL };

	shop_open(shop, NINE);
	assert_int_equal(desk_setup(resources, NULL, shop->s.forever), RC_OK);
	assert_int_equal(payment_texts_start(&shop->s.cx), RC_OK);
	act(shop, 0, "*");
}

/* A subscription with its first period, as people make it. */
static int64_t sell(struct shop *shop, const char *phone, const char *ends_on)
{
	struct cx *cx = &shop->s.cx;
	int64_t id = shop_subscription(shop, phone, ends_on);

	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(tx_end(cx, subscription_created(cx, id)), RC_OK);
	return id;
}

static enum rc add(struct shop *shop, int64_t *id, const struct payment_new *p)
{
	struct cx *cx = &shop->s.cx;
	enum rc rc = tx_begin(cx);

	calm(shop);
	return rc == RC_OK ? tx_end(cx, payment_add(cx, id, p)) : rc;
}

static int64_t expect(struct shop *shop, int64_t subscription_id, const char *state)
{
	int64_t id = 0;

	assert_int_equal(add(shop, &id,
			     &(struct payment_new){ .subscription_id = subscription_id,
						    .amount_cents = 1299,
						    .currency = "USD",
						    .method = "cash",
						    .state = state }),
			 RC_OK);
	return id;
}

static const struct action *action(const char *name)
{
	const struct action *a = payment_actions;

	while (a->name != NULL && strcmp(a->name, name) != 0)
		a++;
	assert_non_null(a->name);
	return a;
}

static enum rc press(struct shop *shop, const char *name, int64_t id)
{
	const char *done = "";

	calm(shop);
	return action(name)->run(&shop->s.cx, id, NULL, &done);
}

static const char *status(struct shop *shop)
{
	return shop_text(shop, "SELECT payment_status FROM subscription ORDER BY id DESC LIMIT 1");
}

/* ---- steps ---- */

static void every_state_takes_only_the_steps_that_are_drawn(void **state)
{
	static const char *const states[] = { "pending", "completed", "failed", "refunded", "cancelled" };
	static const struct {
		const char *action, *to;
	} steps[] = { { "complete", "completed" },
		      { "fail", "failed" },
		      { "cancel", "cancelled" },
		      { "refund", "refunded" } };
	struct shop shop;
	int64_t subscription;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	for (size_t from = 0; from < sizeof(states) / sizeof(states[0]); from++)
		for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
			int64_t id = expect(&shop, subscription, "pending");
			bool may = payment_may_become(states[from], steps[k].to), is_same;
			enum rc rc;
			const char *now;

			/* The drawn way there; only completed → refunded takes two steps. */
			if (strcmp(states[from], "completed") == 0 || strcmp(states[from], "refunded") == 0)
				assert_int_equal(press(&shop, "complete", id), RC_OK);
			if (strcmp(states[from], "refunded") == 0)
				assert_int_equal(press(&shop, "refund", id), RC_OK);
			if (strcmp(states[from], "failed") == 0)
				assert_int_equal(press(&shop, "fail", id), RC_OK);
			if (strcmp(states[from], "cancelled") == 0)
				assert_int_equal(press(&shop, "cancel", id), RC_OK);
			is_same = strcmp(states[from], "completed") == 0 &&
				  strcmp(steps[k].to, "completed") == 0;
			rc = press(&shop, steps[k].action, id);
			assert_int_equal(db_get_text(&shop.s.cx, &now,
						     "SELECT state FROM payment WHERE id = :id",
						     PARAMS(P_INT(":id", id))),
					 RC_OK);
			/* Completing what is completed is told, not refused: somebody clicked twice. */
			assert_int_equal(rc, may || is_same ? RC_OK : RC_CONFLICT);
			assert_string_equal(now, may ? steps[k].to : states[from]);
			cx_reset(&shop.s.cx);
			act(&shop, 0, "*");
		}
	shop_close(&shop);
}

static void receipts_count_one_two_three_whatever_happens_between(void **state)
{
	struct shop shop;
	int64_t subscription, waiting, first, second;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	waiting = expect(&shop, subscription, "pending");
	first = expect(&shop, subscription, "completed");
	assert_int_equal(press(&shop, "cancel", expect(&shop, subscription, "pending")), RC_OK);
	assert_int_equal(press(&shop, "refund", first), RC_OK);
	second = expect(&shop, subscription, "completed");
	/* a transaction that fails gives its number back */
	assert_int_equal(tx_begin(&shop.s.cx), RC_OK);
	assert_int_equal(payment_add(&shop.s.cx, &first,
				     &(struct payment_new){ .subscription_id = subscription,
							    .amount_cents = 1,
							    .currency = "USD",
							    .method = "cash",
							    .state = "completed" }),
			 RC_OK);
	assert_int_equal(tx_end(&shop.s.cx, RC_TRY_LATER), RC_TRY_LATER);
	assert_int_equal(press(&shop, "complete", waiting), RC_OK);
	assert_int_equal(press(&shop, "complete", waiting), RC_OK); /* twice: no second number */
	(void)second;
	assert_string_equal(
		shop_text(&shop,
			  "SELECT group_concat(receipt_number || state) FROM (SELECT * FROM payment WHERE"
			  " receipt_number IS NOT NULL ORDER BY receipt_number)"),
		"1refunded,2completed,3completed");
	shop_close(&shop);
}

static void a_receipt_number_comes_by_every_door(void **state)
{
	struct shop shop;
	struct value *input;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;
	const char *said = "";
	int64_t subscription, id = 0;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	input = value_map(shop.s.cx.arena);
	value_set_int(shop.s.cx.arena, input, "subscription_id", subscription);
	assert_int_equal(tx_begin(&shop.s.cx), RC_OK);
	assert_int_equal(tx_end(&shop.s.cx, desk_save(&shop.s.cx, desk_resource("payments"), &id, input)),
			 RC_OK);
	o.payment_method = "transfer";
	assert_int_equal(renew_run(&shop.s.cx, &done, subscription, &o), RC_OK);
	subscription = sell(&shop, "+593990000002", "2025-09-20");
	assert_int_equal(payment_mark_paid(&shop.s.cx, subscription, NULL, &said), RC_OK);
	assert_int_equal(
		state_int(&shop.s, "SELECT count(*) FROM payment WHERE receipt_number BETWEEN 1 AND 3"), 3);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM payment WHERE search <> ''"), 3);
	shop_close(&shop);
}

/* ---- what it is for ---- */

static void a_payment_is_for_the_newest_period_nobody_paid(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;
	int64_t subscription, old, extra;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	old = expect(&shop, subscription, "pending"); /* for the first period */
	assert_int_equal(renew_run(&shop.s.cx, &done, subscription, &o), RC_OK);
	assert_int_equal(press(&shop, "complete", old), RC_OK);
	assert_string_equal(status(&shop), "pending"); /* the renewed one is not paid by it */
	(void)expect(&shop, subscription, "completed");
	assert_string_equal(status(&shop), "paid");
	extra = expect(&shop, subscription, "completed"); /* all is covered: a part too much */
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM payment WHERE period_id IS NULL"), 1);
	assert_int_equal(press(&shop, "refund", extra), RC_OK);
	assert_string_equal(status(&shop), "paid"); /* giving the extra back leaves it paid */
	assert_int_equal(press(&shop, "refund", old), RC_OK);
	assert_string_equal(status(&shop), "paid"); /* an older period's money says nothing about this one */
	assert_int_equal(
		state_int(
			&shop.s,
			"SELECT count(*) FROM subscription_period p JOIN payment y ON y.id = p.payment_id WHERE y.period_id = p.id"),
		2);
	shop_close(&shop);
}

static void giving_back_reopens_the_period_and_the_next_payment_closes_it(void **state)
{
	struct shop shop;
	int64_t subscription, id;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	id = expect(&shop, subscription, "completed");
	assert_int_equal(press(&shop, "refund", id), RC_OK);
	assert_string_equal(status(&shop), "pending");
	assert_int_equal(state_int(&shop.s, "SELECT refunded_at IS NOT NULL FROM payment"), 1);
	assert_int_equal(state_int(&shop.s, "SELECT payment_at IS NULL FROM subscription"), 1);
	(void)expect(&shop, subscription, "completed");
	assert_string_equal(status(&shop), "paid");
	/* the refunded one still knows what it was for */
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM payment WHERE period_id = 1"), 2);
	shop_close(&shop);
}

static void the_first_day_of_payment_stays_when_more_comes_in(void **state)
{
	struct shop shop;
	int64_t subscription, at;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	(void)expect(&shop, subscription, "completed");
	at = state_int(&shop.s, "SELECT payment_at FROM subscription");
	clock_shift(shop.s.env.clock, DAY_MS);
	(void)expect(&shop, subscription, "completed");
	assert_int_equal(state_int(&shop.s, "SELECT payment_at FROM subscription"), at);
	shop_close(&shop);
}

/* ---- completing renews, once ---- */

static void completing_a_request_renews_once_however_often_it_is_pressed(void **state)
{
	struct shop shop;
	struct payment_completed out;
	int64_t subscription, id = 0;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	assert_int_equal(add(&shop, &id,
			     &(struct payment_new){ .subscription_id = subscription,
						    .amount_cents = 2598,
						    .currency = "USD",
						    .method = "transfer",
						    .state = "pending",
						    .renews_periods = 2 }),
			 RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT ends_on FROM subscription"), "2025-09-20"); /* not yet */
	assert_int_equal(payment_complete(&shop.s.cx, &out, id, RENEW_AS_ASKED), RC_OK);
	assert_true(out.is_renewed);
	assert_string_equal(out.ends_on, "2025-11-19");
	assert_int_equal(out.receipt_number, 1);
	for (int periods = -1; periods < 3; periods++) {
		assert_int_equal(payment_complete(&shop.s.cx, &out, id, periods), RC_OK);
		assert_true(out.is_repeat);
	}
	assert_string_equal(shop_text(&shop, "SELECT ends_on FROM subscription"), "2025-11-19");
	assert_string_equal(status(&shop), "paid");
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM subscription_period"), 2);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM payment"), 1);
	assert_int_equal(
		state_int(
			&shop.s,
			"SELECT count(*) FROM subscription_period p JOIN payment y ON y.id = p.payment_id AND y.period_id = p.id"
			" WHERE p.ends_on = '2025-11-19'"),
		1);
	shop_close(&shop);
}

static void a_request_completed_without_renewing_pays_what_runs_now(void **state)
{
	struct shop shop;
	struct payment_completed out;
	int64_t subscription, id = 0;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	assert_int_equal(add(&shop, &id,
			     &(struct payment_new){ .subscription_id = subscription,
						    .amount_cents = 1299,
						    .currency = "USD",
						    .method = "cash",
						    .state = "pending",
						    .renews_periods = 1 }),
			 RC_OK);
	assert_int_equal(state_int(&shop.s, "SELECT period_id IS NULL FROM payment"), 1);
	assert_int_equal(payment_complete(&shop.s.cx, &out, id, 0), RC_OK);
	assert_false(out.is_renewed);
	assert_string_equal(status(&shop), "paid");
	assert_int_equal(state_int(&shop.s, "SELECT period_id FROM payment"), 1);
	assert_string_equal(shop_text(&shop, "SELECT ends_on FROM subscription"), "2025-09-20");
	shop_close(&shop);
}

static void what_pays_a_renewal_already_renews_no_second_time(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct payment_completed out;
	struct renewed done;
	int64_t subscription;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	o.payment_method = "cash";
	o.payment_is_pending = true;
	assert_int_equal(renew_run(&shop.s.cx, &done, subscription, &o), RC_OK);
	assert_false(payment_may_renew(&shop.s.cx, 1));
	assert_int_equal(payment_complete(&shop.s.cx, &out, 1, 1), RC_CONFLICT);
	assert_string_equal(shop_text(&shop, "SELECT state FROM payment"), "pending"); /* nothing of it */
	calm(&shop);
	assert_int_equal(payment_complete(&shop.s.cx, &out, 1, RENEW_PERIODS_MAX + 1), RC_BAD_INPUT);
	calm(&shop);
	assert_int_equal(payment_complete(&shop.s.cx, &out, 1, 0), RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT ends_on || payment_status FROM subscription"),
			    "2025-10-20paid");
	shop_close(&shop);
}

static void one_click_too_many_makes_one_request(void **state)
{
	struct shop shop;
	struct payment_new p = { .amount_cents = 100,
				 .currency = "USD",
				 .method = "cash",
				 .state = "pending",
				 .idempotency_key = "checkout:ana:1" };
	int64_t id = 0;

	(void)state;
	office_open(&shop);
	p.subscription_id = sell(&shop, "+593990000001", "2025-09-20");
	assert_int_equal(add(&shop, &id, &p), RC_OK);
	assert_int_equal(add(&shop, &id, &p), RC_CONFLICT);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM payment"), 1);
	shop_close(&shop);
}

static void marking_as_paid_leaves_a_request_to_renew_alone(void **state)
{
	struct shop shop;
	const char *done = "";
	int64_t subscription, id = 0;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	assert_int_equal(add(&shop, &id,
			     &(struct payment_new){ .subscription_id = subscription,
						    .amount_cents = 1299,
						    .currency = "USD",
						    .method = "cash",
						    .state = "pending",
						    .renews_periods = 1 }),
			 RC_OK);
	assert_int_equal(payment_mark_paid(&shop.s.cx, subscription, NULL, &done), RC_OK);
	assert_string_equal(status(&shop), "paid");
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM payment WHERE state = 'pending'"), 1);
	assert_int_equal(payment_mark_paid(&shop.s.cx, subscription, NULL, &done), RC_CONFLICT);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM payment"), 2);
	shop_close(&shop);
}

/* ---- undoing ---- */

static void undoing_cancels_the_payment_and_its_receipt_keeps_the_number(void **state)
{
	struct shop shop;
	struct payment_completed out;
	int64_t subscription, id = 0;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	(void)expect(&shop, subscription, "completed");
	assert_int_equal(add(&shop, &id,
			     &(struct payment_new){ .subscription_id = subscription,
						    .amount_cents = 1299,
						    .currency = "USD",
						    .method = "cash",
						    .state = "pending",
						    .renews_periods = 1 }),
			 RC_OK);
	assert_int_equal(payment_complete(&shop.s.cx, &out, id, RENEW_AS_ASKED), RC_OK);
	assert_int_equal(renew_undo(&shop.s.cx, subscription), RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT ends_on || payment_status FROM subscription"),
			    "2025-09-20paid");
	assert_string_equal(
		shop_text(
			&shop,
			"SELECT state || receipt_number || (refunded_at IS NOT NULL) FROM payment ORDER BY id DESC LIMIT 1"),
		"cancelled21");
	assert_int_equal(
		state_int(&shop.s, "SELECT count(*) FROM subscription_period WHERE undone_at IS NOT NULL"),
		1);
	shop_close(&shop);
}

static void a_renewal_given_back_already_stays_given_back(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;
	int64_t subscription;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	o.payment_method = "cash";
	assert_int_equal(renew_run(&shop.s.cx, &done, subscription, &o), RC_OK);
	assert_int_equal(press(&shop, "refund", 1), RC_OK);
	assert_int_equal(renew_undo(&shop.s.cx, subscription), RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT state FROM payment"), "refunded");
	shop_close(&shop);
}

static void what_was_changed_after_the_renewal_is_not_overwritten(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;
	int64_t subscription;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	assert_int_equal(renew_run(&shop.s.cx, &done, subscription, &o), RC_OK);
	assert_int_equal(subscription_cancel(&shop.s.cx, subscription, "moves", true), RC_OK);
	assert_int_equal(renew_undo(&shop.s.cx, subscription), RC_CONFLICT);
	assert_string_not_equal(shop.s.cx.message, "");
	assert_int_equal(
		state_run(&shop.s, "UPDATE subscription SET cancel_at_end = 0, ends_on = '2025-12-31'"),
		RC_OK);
	calm(&shop);
	assert_int_equal(renew_undo(&shop.s.cx, subscription), RC_CONFLICT);
	assert_string_equal(shop_text(&shop, "SELECT ends_on FROM subscription"), "2025-12-31");
	assert_int_equal(
		state_int(&shop.s, "SELECT count(*) FROM subscription_period WHERE undone_at IS NOT NULL"),
		0);
	shop_close(&shop);
}

static void money_for_the_old_period_that_came_meanwhile_counts_after_undoing(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;
	int64_t subscription, old;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	old = expect(&shop, subscription, "pending");
	assert_int_equal(renew_run(&shop.s.cx, &done, subscription, &o), RC_OK);
	assert_int_equal(press(&shop, "complete", old), RC_OK);
	assert_int_equal(renew_undo(&shop.s.cx, subscription), RC_OK);
	assert_string_equal(status(&shop), "paid");
	shop_close(&shop);
}

/* ---- messages ---- */

static void how_to_pay_is_sent_once_and_again_only_when_it_did_not_go(void **state)
{
	struct shop shop;
	int64_t id;

	(void)state;
	office_open(&shop);
	shop_set(&shop, "renewals.payment_cash_text", "Av. Amazonas 123\\nLunes a viernes, 9:00 a 18:00");
	id = expect(&shop, sell(&shop, "+593990000001", "2025-09-20"), "pending");
	assert_int_equal(press(&shop, "send-instructions", id), RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT occasion || ' ' || topic FROM message"),
			    "payment:1:instructions service");
	assert_non_null(strstr(shop_text(&shop, "SELECT variables_json FROM message"),
			       "Av. Amazonas 123\\nLunes a viernes, 9:00 a 18:00"));
	assert_int_equal(press(&shop, "send-instructions", id), RC_CONFLICT);
	assert_int_equal(state_run(&shop.s, "UPDATE message SET state = 'unsure'"), RC_OK);
	assert_int_equal(press(&shop, "send-instructions", id), RC_CONFLICT); /* it may have arrived */
	assert_int_equal(state_run(&shop.s, "UPDATE message SET state = 'failed'"), RC_OK);
	assert_int_equal(press(&shop, "send-instructions", id), RC_OK);
	assert_int_equal(press(&shop, "send-instructions", id), RC_CONFLICT);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM message"), 2);
	assert_int_equal(state_int(&shop.s, "SELECT replaces_id FROM message ORDER BY id DESC LIMIT 1"), 1);
	assert_int_equal(press(&shop, "send-receipt", id), RC_CONFLICT); /* no money, no receipt */
	assert_int_equal(press(&shop, "complete", id), RC_OK);
	assert_int_equal(press(&shop, "send-receipt", id), RC_OK);
	assert_int_equal(press(&shop, "send-instructions", id), RC_CONFLICT); /* paid: nothing to pay */
	shop_close(&shop);
}

static void who_cannot_or_will_not_be_written_to_gets_no_message(void **state)
{
	struct shop shop;
	int64_t id, contact = 0;

	(void)state;
	office_open(&shop);
	id = expect(&shop, sell(&shop, NULL, "2025-09-20"), "pending");
	assert_int_equal(press(&shop, "send-instructions", id), RC_BAD_INPUT);
	id = expect(&shop, sell(&shop, "+593990000001", "2025-09-20"), "pending");
	assert_int_equal(tx_begin(&shop.s.cx), RC_OK);
	assert_int_equal(contact_ensure(&shop.s.cx, &contact, "phone", "+593990000001"), RC_OK);
	assert_int_equal(tx_end(&shop.s.cx, contact_opt_out(&shop.s.cx, contact, "service", "panel", true)),
			 RC_OK);
	assert_int_equal(press(&shop, "send-instructions", id), RC_BAD_INPUT);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM message"), 0);
	shop_close(&shop);
}

static void the_text_says_number_amount_and_account(void **state)
{
	struct shop shop;
	const char *text = "";
	int64_t id;

	(void)state;
	office_open(&shop);
	shop_set(&shop, "renewals.payment_transfer_text", "Banco del Sur\\nAhorros 123-456");
	id = expect(&shop, sell(&shop, "+593990000001", "2025-09-20"), "completed");
	assert_int_equal(payment_text(&shop.s.cx, &text, id, "transfer"), RC_OK);
	assert_non_null(strstr(text, "Banco del Sur\nAhorros 123-456\n"));
	assert_non_null(strstr(text, "*$12.99*"));
	assert_non_null(strstr(text, "*000001*"));
	assert_int_equal(payment_text(&shop.s.cx, &text, id, "receipt"), RC_OK);
	assert_non_null(strstr(text, "Recibo *000001*"));
	assert_non_null(strstr(text, "Pagado hasta el: 20/09/2025"));
	shop_close(&shop);
}

/* ---- money by day ---- */

static const char *line(const struct value *rows, size_t n, struct cx *cx)
{
	const struct value *r = rows->first;

	while (n-- > 0 && r != NULL)
		r = r->next;
	if (r == NULL) return "";
	return arena_printf(cx->arena, "%s %s %s %lld %lld %lld", value_text_of(value_get(r, "paid_on"), ""),
			    value_text_of(value_get(r, "method"), ""),
			    value_text_of(value_get(r, "currency"), ""),
			    (long long)value_int_of(value_get(r, "received_cents"), 0),
			    (long long)value_int_of(value_get(r, "refunded_cents"), 0),
			    (long long)value_int_of(value_get(r, "total_cents"), 0));
}

static void a_day_that_is_over_does_not_change_and_currencies_are_never_added(void **state)
{
	struct shop shop;
	struct cx *cx = &shop.s.cx;
	struct value *rows = NULL;
	int64_t subscription, id, other = 0;

	(void)state;
	office_open(&shop);
	subscription = sell(&shop, "+593990000001", "2025-09-20");
	id = expect(&shop, subscription, "completed");
	(void)expect(&shop, subscription, "completed");
	(void)expect(&shop, subscription, "pending");
	assert_int_equal(add(&shop, &other,
			     &(struct payment_new){ .subscription_id = subscription,
						    .amount_cents = 5000,
						    .currency = "PYG",
						    .method = "cash",
						    .state = "completed" }),
			 RC_OK);
	shop_walk_to(&shop, "2025-09-09T23:30:00-05:00"); /* the 10th by universal time */
	assert_int_equal(press(&shop, "refund", id), RC_OK);
	assert_int_equal(daily_money(cx, &rows, cx_today(cx) - 5, cx_today(cx)), RC_OK);
	assert_int_equal(rows->count, 3);
	assert_string_equal(line(rows, 0, cx), "2025-09-09 cash USD 0 1299 -1299");
	assert_string_equal(line(rows, 1, cx), "2025-09-08 cash PYG 5000 0 5000");
	assert_string_equal(line(rows, 2, cx), "2025-09-08 cash USD 2598 0 2598");
	act(&shop, 7, "payments.view"); /* a seller without customers */
	assert_int_equal(daily_money(cx, &rows, cx_today(cx) - 5, cx_today(cx)), RC_OK);
	assert_int_equal(rows->count, 0);
	shop_close(&shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_takes_only_the_steps_that_are_drawn),
		cmocka_unit_test(receipts_count_one_two_three_whatever_happens_between),
		cmocka_unit_test(a_receipt_number_comes_by_every_door),
		cmocka_unit_test(a_payment_is_for_the_newest_period_nobody_paid),
		cmocka_unit_test(giving_back_reopens_the_period_and_the_next_payment_closes_it),
		cmocka_unit_test(the_first_day_of_payment_stays_when_more_comes_in),
		cmocka_unit_test(completing_a_request_renews_once_however_often_it_is_pressed),
		cmocka_unit_test(a_request_completed_without_renewing_pays_what_runs_now),
		cmocka_unit_test(what_pays_a_renewal_already_renews_no_second_time),
		cmocka_unit_test(one_click_too_many_makes_one_request),
		cmocka_unit_test(marking_as_paid_leaves_a_request_to_renew_alone),
		cmocka_unit_test(undoing_cancels_the_payment_and_its_receipt_keeps_the_number),
		cmocka_unit_test(a_renewal_given_back_already_stays_given_back),
		cmocka_unit_test(what_was_changed_after_the_renewal_is_not_overwritten),
		cmocka_unit_test(money_for_the_old_period_that_came_meanwhile_counts_after_undoing),
		cmocka_unit_test(how_to_pay_is_sent_once_and_again_only_when_it_did_not_go),
		cmocka_unit_test(who_cannot_or_will_not_be_written_to_gets_no_message),
		cmocka_unit_test(the_text_says_number_amount_and_account),
		cmocka_unit_test(a_day_that_is_over_does_not_change_and_currencies_are_never_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
