/*
** test_statistics.c -- what the notices did and what came of them, counted by the business's days; and that
** no figure reads a whole table where an index would do.
*/
#include "shop.h"
#include "renewals/panel.h"

#define NINE "2025-09-08T09:00:00-05:00"

static void office_open(struct shop *shop)
{
	const struct resource *const resources[] = { renewals_resources, desk_resources, NULL };

	shop_open(shop, NINE);
	assert_int_equal(desk_setup(resources, NULL, shop->s.forever), RC_OK);
}

static instant at(const char *when)
{
	instant i = 0;

	assert_int_equal(instant_parse(&i, when), RC_OK);
	return i;
}

static void run(struct shop *shop, const char *sql)
{
	assert_int_equal(state_run(&shop->s, sql), RC_OK);
}

/* Each time as somebody else: what took long is kept for who asked (desk_kept), and a test asks again at
** once. */
static struct value *figures(struct shop *shop, const char *from, const char *to)
{
	static int asked;
	struct value *data = NULL;
	day first = 0, last = 0;

	shop->s.cx.actor.name = arena_printf(shop->s.cx.arena, "asker %d", ++asked);
	assert_int_equal(day_parse(&first, from), RC_OK);
	assert_int_equal(day_parse(&last, to), RC_OK);
	assert_int_equal(statistics_read(&shop->s.cx, &data, first, last), RC_OK);
	return data;
}

/* Every notice of the day left, and its messages are in that state. */
static void all_became(struct shop *shop, const char *state)
{
	struct cx *cx = &shop->s.cx;

	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(db_run(cx,
				"UPDATE message SET state = :state, sent_at = :now WHERE state = 'queued'",
				PARAMS(P_TEXT(":state", state), P_INT(":now", cx_now(cx)))),
			 RC_OK);
	assert_int_equal(tx_end(cx, RC_OK), RC_OK);
}

static void each_day_counts_its_notices_by_stage_and_by_what_became_of_them(void **state)
{
	struct shop shop;
	struct value *data;
	const struct value *one;

	(void)state;
	office_open(&shop);
	shop_subscription(&shop, "+593990000001", "2025-09-08");
	shop_subscription(&shop, "+593990000002", "2025-09-11");
	shop_subscription(&shop, "+593990000003", "2025-09-15");
	shop_subscription(&shop, NULL, "2025-09-08");
	(void)shop_run(&shop);
	all_became(&shop, "read");
	run(&shop,
	    "UPDATE message SET state = 'failed', error = 'Broken' WHERE id = (SELECT max(id) FROM message)");
	data = figures(&shop, "2025-08-10", "2025-09-08");
	assert_int_equal(value_get(data, "days")->count, 1);
	one = value_get(data, "days")->first;
	assert_string_equal(text_in(one, "local_on"), "2025-09-08");
	assert_int_equal(int_in(one, "found"), 4);
	assert_int_equal(int_in(one, "sent"), 2);
	assert_int_equal(int_in(one, "delivered"), 2);
	assert_int_equal(int_in(one, "read"), 2);
	assert_int_equal(int_in(one, "failed"), 1);
	assert_int_equal(int_in(one, "skipped"), 1);
	assert_int_equal(int_in(one, "stage_7"), 1);
	assert_int_equal(int_in(one, "stage_3"), 1);
	assert_int_equal(int_in(one, "stage_1"), 0);
	assert_int_equal(int_in(one, "stage_0"), 2);
	assert_int_equal(int_in(one, "success_percent"), 50);
	assert_int_equal(int_in(value_get(data, "sums"), "found"), 4);
	assert_int_equal(int_in(value_get(data, "sums"), "stage_0"), 2);
	assert_string_equal(text_in(value_get(data, "errors")->first, "error"), "Broken");
	assert_int_equal(int_in(value_get(data, "kpi"), "without_phone"), 1);
	shop_close(&shop);
}

static void a_confirmation_is_no_notice_of_the_day(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed out;
	int64_t id, confirmations = 0;

	(void)state;
	office_open(&shop);
	id = shop_subscription(&shop, "+593990000001", "2025-09-20");
	assert_int_equal(renew_run(&shop.s.cx, &out, id, &o), RC_OK);
	assert_int_equal(db_get_int(&shop.s.cx, &confirmations,
				    "SELECT count(*) FROM notice WHERE type = 'renewal_confirmation'",
				    NO_PARAMS),
			 RC_OK);
	assert_int_equal(confirmations, 1);
	assert_int_equal(int_in(value_get(figures(&shop, "2025-09-08", "2025-09-08"), "sums"), "found"), 0);
	shop_close(&shop);
}

static void a_renewal_within_a_week_counts_for_the_notice_and_one_day_later_does_not(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed out;
	int64_t early, late;
	struct value *data;

	(void)state;
	office_open(&shop);
	o.confirms = false;
	early = shop_subscription(&shop, "+593990000001", "2025-09-15");
	late = shop_subscription(&shop, "+593990000002", "2025-09-15");
	(void)shop_run(&shop);
	all_became(&shop, "sent");
	shop_walk_to(&shop, "2025-09-15T08:59:59-05:00"); /* the last second of the week, and the last day */
	assert_int_equal(renew_run(&shop.s.cx, &out, early, &o), RC_OK);
	shop_walk_to(&shop, "2025-09-15T09:01:00-05:00");
	assert_int_equal(renew_run(&shop.s.cx, &out, late, &o), RC_OK);
	data = figures(&shop, "2025-09-01", "2025-09-30");
	assert_int_equal(value_get(data, "stages")->count, 1);
	assert_int_equal(int_in(value_get(data, "stages")->first, "stage"), 7);
	assert_int_equal(int_in(value_get(data, "stages")->first, "sent"), 2);
	assert_int_equal(int_in(value_get(data, "stages")->first, "renewed"), 1);
	assert_int_equal(int_in(value_get(data, "stages")->first, "percent"), 50);
	assert_string_equal(text_in(value_get(data, "months")->first, "month"), "2025-09");
	assert_int_equal(int_in(value_get(value_get(data, "months")->first, "stages")->first, "renewed"), 1);
	assert_int_equal(int_in(value_get(data, "kpi"), "renewals"), 2);
	assert_int_equal(int_in(value_get(data, "kpi"), "renewals_last_day"), 2);
	shop_close(&shop);
}

static void an_undone_renewal_counts_for_nothing(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed out;
	int64_t id;
	struct value *data;

	(void)state;
	office_open(&shop);
	o.confirms = false;
	id = shop_subscription(&shop, "+593990000001", "2025-09-08");
	(void)shop_run(&shop);
	all_became(&shop, "sent");
	assert_int_equal(renew_run(&shop.s.cx, &out, id, &o), RC_OK);
	data = figures(&shop, "2025-09-08", "2025-09-08");
	assert_int_equal(int_in(value_get(data, "stages")->first, "percent"), 100);
	assert_int_equal(int_in(value_get(data, "kpi"), "renewals_last_day"), 1);
	assert_int_equal(renew_undo(&shop.s.cx, id), RC_OK);
	data = figures(&shop, "2025-09-08", "2025-09-08");
	assert_int_equal(int_in(value_get(data, "stages")->first, "percent"), 0);
	assert_int_equal(int_in(value_get(data, "kpi"), "renewals"), 0);
	shop_close(&shop);
}

static void renewed_after_the_end_is_not_renewed_on_the_last_day(void **state)
{
	struct shop shop;
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed out;
	int64_t id;

	(void)state;
	office_open(&shop);
	o.confirms = false;
	id = shop_subscription(&shop, "+593990000001", "2025-09-07"); /* ended yesterday: begins anew today */
	assert_int_equal(renew_run(&shop.s.cx, &out, id, &o), RC_OK);
	assert_int_equal(int_in(value_get(figures(&shop, "2025-09-08", "2025-09-08"), "kpi"), "renewals"), 1);
	assert_int_equal(
		int_in(value_get(figures(&shop, "2025-09-08", "2025-09-08"), "kpi"), "renewals_last_day"), 0);
	shop_close(&shop);
}

static void write_in(struct shop *shop, int n, const char *phone, const char *when)
{
	struct cx *cx = &shop->s.cx;

	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(db_run(cx,
				"INSERT INTO inbound_message (contact_id, provider_id, body, received_at)"
				" SELECT id, :key, 'hola', :at FROM contact WHERE address = :phone",
				PARAMS(P_TEXT(":key", arena_printf(cx->arena, "k%d", n)),
				       P_INT(":at", at(when)), P_TEXT(":phone", phone))),
			 RC_OK);
	assert_int_equal(db_changes(cx), 1);
	assert_int_equal(tx_end(cx, RC_OK), RC_OK);
}

static void an_answer_within_a_day_counts_once_and_its_hour_is_the_businesss(void **state)
{
	struct shop shop;
	struct value *data;
	const struct value *kpi, *hour;

	(void)state;
	office_open(&shop);
	shop_subscription(&shop, "+593990000001", "2025-09-08");
	shop_subscription(&shop, "+593990000002", "2025-09-08");
	(void)shop_run(&shop);
	all_became(&shop, "sent");
	write_in(&shop, 1, "+593990000001", "2025-09-08T09:30:30-05:00");
	write_in(&shop, 2, "+593990000001", "2025-09-08T21:15:00-05:00"); /* next day in UTC */
	write_in(&shop, 3, "+593990000002", "2025-09-09T09:30:00-05:00"); /* a day and a half hour later */
	data = figures(&shop, "2025-09-08", "2025-09-08");
	kpi = value_get(data, "kpi");
	assert_int_equal(int_in(kpi, "answered"), 1);
	assert_int_equal(int_in(kpi, "answer_percent"), 50);
	assert_int_equal(int_in(kpi, "answer_minutes"), 30);
	hour = value_get(data, "hours")->first; /* 8 September 2025 was a Monday */
	for (int i = 0; i < 24; i++, hour = hour->next)
		assert_int_equal(int_in(hour, "n"), i == 9 || i == 21);
	shop_close(&shop);
}

static void a_range_has_its_limits(void **state)
{
	struct shop shop;
	struct value *data = NULL;
	day today;

	(void)state;
	office_open(&shop);
	today = cx_today(&shop.s.cx);
	assert_int_equal(statistics_read(&shop.s.cx, &data, today - (STATS_DAYS_MAX - 1), today), RC_OK);
	assert_int_equal(statistics_read(&shop.s.cx, &data, today - STATS_DAYS_MAX, today), RC_BAD_INPUT);
	assert_int_equal(statistics_read(&shop.s.cx, &data, today, today - 1), RC_BAD_INPUT);
	shop_close(&shop);
}

static void percentages_are_rounded_and_nothing_of_nothing_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(percent_of(0, 0), 0);
	assert_int_equal(percent_of(1, 3), 33);
	assert_int_equal(percent_of(2, 3), 67);
	assert_int_equal(percent_of(7, 7), 100);
}

static const struct value *figure(const struct value *card, const char *href_begin)
{
	for (const struct value *f = value_get(card, "figures")->first; f != NULL; f = f->next)
		if (strncmp(text_in(f, "href"), href_begin, strlen(href_begin)) == 0) return f;
	return NULL;
}

static void amounts_of_two_currencies_stand_beside_each_other(void **state)
{
	struct shop shop;
	struct value *card;

	(void)state;
	office_open(&shop);
	shop_subscription(&shop, "+593990000001", "2025-09-20");
	shop_subscription(&shop, "+593990000002", "2025-09-20");
	run(&shop,
	    "UPDATE subscription SET currency = 'PYG', price_cents = 50000, period_days = 60 WHERE id = 2");
	card = value_map(shop.s.cx.arena);
	panel_business(&shop.s.cx, card);
	assert_int_equal(int_in(card, "active"), 2);
	assert_int_equal(int_in(card, "monthly_income_cents"), 1299); /* the house's own alone */
	assert_non_null(
		strstr(text_in(figure(card, "/subscriptions?state=active&payment=pending"), "value"), " + "));
	/* sixty days' price is two months' */
	for (const struct value *f = value_get(card, "figures")->first; f != NULL; f = f->next)
		if (strcmp(text_in(f, "title"), "Income a month") == 0)
			assert_non_null(strstr(text_in(f, "value"), "25"));
	shop_close(&shop);
}

static void a_seller_sees_figures_of_the_own_customers_only(void **state)
{
	struct shop shop;
	struct value *card, *data = NULL;

	(void)state;
	office_open(&shop);
	run(&shop, "INSERT INTO role (id, name, title) VALUES (1, 'r', 'R')");
	run(&shop,
	    "INSERT INTO user (id, public_id, name, name_folded, role_id, password_hash, created_at, updated_at, search)"
	    " VALUES (7, 'u7', 'ana', 'ana', 1, '', 0, 0, 'ana')");
	shop_subscription(&shop, "+593990000001", "2025-09-08");
	shop_subscription(&shop, "+593990000002", "2025-09-08");
	shop_subscription(&shop, NULL, "2025-09-08");
	run(&shop, "UPDATE client SET owner_id = 7 WHERE id = 1");
	(void)shop_run(&shop);
	shop.s.cx.actor = (struct actor){ .kind = ACTOR_USER,
					  .user_id = 7,
					  .name = "ana",
					  .role = "",
					  .rights = "clients.view subscriptions.view notices.view",
					  .address = "" };
	card = value_map(shop.s.cx.arena);
	panel_business(&shop.s.cx, card);
	assert_int_equal(int_in(card, "customers"), 1);
	assert_int_equal(int_in(card, "active"), 1);
	card = value_map(shop.s.cx.arena);
	panel_attention(&shop.s.cx, card);
	assert_int_equal(int_in(card, "no_phone"), 0);
	assert_null(value_get(card, "unread")); /* not without the right to the inbox */
	card = value_map(shop.s.cx.arena);
	panel_tables(&shop.s.cx, card);
	assert_int_equal(int_in(value_get(card, "tables")->first, "total"), 1);
	card = value_map(shop.s.cx.arena);
	year_fill(&shop.s.cx, card);
	assert_int_equal(value_get(card, "months")->count, 12);
	assert_int_equal(statistics_read(&shop.s.cx, &data, cx_today(&shop.s.cx), cx_today(&shop.s.cx)),
			 RC_OK);
	assert_int_equal(int_in(value_get(data, "sums"), "found"), 1);
	shop_close(&shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_day_counts_its_notices_by_stage_and_by_what_became_of_them),
		cmocka_unit_test(a_confirmation_is_no_notice_of_the_day),
		cmocka_unit_test(a_renewal_within_a_week_counts_for_the_notice_and_one_day_later_does_not),
		cmocka_unit_test(an_undone_renewal_counts_for_nothing),
		cmocka_unit_test(renewed_after_the_end_is_not_renewed_on_the_last_day),
		cmocka_unit_test(an_answer_within_a_day_counts_once_and_its_hour_is_the_businesss),
		cmocka_unit_test(a_range_has_its_limits),
		cmocka_unit_test(percentages_are_rounded_and_nothing_of_nothing_is_nothing),
		cmocka_unit_test(amounts_of_two_currencies_stand_beside_each_other),
		cmocka_unit_test(a_seller_sees_figures_of_the_own_customers_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
