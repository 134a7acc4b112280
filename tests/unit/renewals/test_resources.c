/*
** test_resources.c -- what the office lets people do with customers, services, subscriptions, payments and
** notices.
*/
#include "shop.h"
#include "desk/inner.h"
#include "renewals/resources.h"

#define NINE "2025-09-08T09:00:00-05:00"
#define SELLER \
	"clients.view clients.edit subscriptions.view subscriptions.edit payments.view payments.edit services.view notices.view"

static void act(struct shop *shop, int64_t user_id, const char *rights)
{
	shop->s.cx.actor = (struct actor){ .kind = ACTOR_USER,
					   .user_id = user_id,
					   .name = "somebody",
					   .role = "",
					   .rights = rights,
					   .address = "" };
	shop->s.cx.message = "";
	shop->s.cx.field_count = 0;
}

static void office_open(struct shop *shop)
{
	const struct resource *const resources[] = { renewals_resources, desk_resources, NULL };

	shop_open(shop, NINE);
	assert_int_equal(desk_setup(resources, NULL, shop->s.forever), RC_OK);
	assert_int_equal(state_run(&shop->s, "INSERT INTO role (id, name, title) VALUES (1, 'r', 'R')"),
			 RC_OK);
	assert_int_equal(
		state_run(
			&shop->s,
			"INSERT INTO user (id, public_id, name, name_folded, role_id, password_hash, created_at,"
			" updated_at, search) VALUES (1, 'u1', 'owner', 'owner', 1, '', 0, 0, 'owner'),"
			" (7, 'u7', 'ana', 'ana', 1, '', 0, 0, 'ana'), (8, 'u8', 'beto', 'beto', 1, '', 0, 0, 'beto')"),
		RC_OK);
	assert_int_equal(
		state_run(&shop->s, "UPDATE service SET name_folded = 'netflix', search = 'netflix'"), RC_OK);
	act(shop, 1, "*");
}

struct pair {
	const char *name, *value;
};

static enum rc save(struct shop *shop, const char *resource, int64_t *id, const struct pair *pairs)
{
	struct cx *cx = &shop->s.cx;
	struct value *input = value_map(cx->arena);
	enum rc rc;

	cx->message = "";
	cx->field_count = 0;
	for (; pairs->name != NULL; pairs++)
		value_set_text(cx->arena, input, pairs->name, pairs->value);
	rc = tx_begin(cx);
	return rc == RC_OK ? tx_end(cx, desk_save(cx, desk_resource(resource), id, input)) : rc;
}
#define SAVE(shop, resource, id, ...) \
	save(shop, resource, id, (const struct pair[]){ __VA_ARGS__, { NULL, NULL } })

static const char *field_error(struct shop *shop, const char *field)
{
	for (size_t i = 0; i < shop->s.cx.field_count; i++)
		if (strcmp(shop->s.cx.fields[i].field, field) == 0) return shop->s.cx.fields[i].message;
	return "";
}

/* A row as a reference names it. */
static const char *id_text(struct shop *shop, int64_t id)
{
	return arena_printf(shop->s.cx.arena, "%lld", (long long)id);
}

/* ---- lists ---- */

/* A step of a plan that reads a whole table or sorts what it read. */
static bool is_slow(const char *step, const char *sql)
{
	if (strstr(step, "USE TEMP B-TREE") != NULL) return true;
	/* the rows as they lie */
	if (strcmp(step, "SCAN t") == 0 && strstr(sql, "ORDER BY t.id") != NULL) return false;
	return strncmp(step, "SCAN ", 5) == 0 && step[5] != '(' && strstr(step, " USING ") == NULL &&
	       strncmp(step, "SCAN p", 6) != 0 && strncmp(step, "SCAN o", 6) != 0 &&
	       strstr(step, "CONSTANT ROW") == NULL;
}

static size_t walk_plans(struct shop *shop)
{
	struct cx *cx = &shop->s.cx;
	struct statement_text st;
	const char *what = "", *sql = "";
	size_t n = 0;

	for (; plan_at(cx, n, &what, &sql, &st); n++) {
		struct query *q = NULL;

		assert_int_equal(
			db_query(cx, &q, arena_printf(cx->arena, "EXPLAIN QUERY PLAN %s", sql), st.param),
			RC_OK);
		while (query_next(q))
			if (is_slow(query_text(q, 3), sql) &&
			    strstr(query_text(q, 3), "service_category") == NULL)
				fail_msg("%s: %s", what, query_text(q, 3));
		assert_int_equal(query_end(q, RC_OK), RC_OK);
		arena_reset(cx->arena);
	}
	return n;
}

static void every_list_is_served_by_an_index(void **state)
{
	struct shop shop;

	(void)state;
	office_open(&shop);
	assert_true(walk_plans(&shop) > 200);
	act(&shop, 7, SELLER); /* with the row rules in them */
	assert_true(walk_plans(&shop) > 200);
	shop_close(&shop);
}

/* ---- customers ---- */

static void customers_stand_by_surname_and_are_found_without_accents(void **state)
{
	struct shop shop;
	int64_t id = 0;

	(void)state;
	office_open(&shop);
	assert_int_equal(SAVE(&shop, "clients", &id, { "nombres", "Zoila" }, { "apellidos", "Ñaupari Ávila" },
			      { "telefono", "099 123 4567" }, { "correo", "Z@Example.com" }),
			 RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT sort_name FROM client"), "naupari avila zoila");
	assert_string_equal(shop_text(&shop, "SELECT search FROM client"),
			    "zoila naupari avila +593991234567 z@example.com");
	assert_string_equal(
		shop_text(&shop, "SELECT phone || ' ' || phone_original || ' ' || phone_kind FROM client"),
		"+593991234567 099 123 4567 mobile");
	shop_close(&shop);
}

static void a_subscription_is_found_by_its_customers_new_name(void **state)
{
	struct shop shop;
	int64_t id = 0, subscription = 0;

	(void)state;
	office_open(&shop);
	assert_int_equal(SAVE(&shop, "clients", &id, { "given_names", "Ana" }), RC_OK);
	assert_int_equal(SAVE(&shop, "subscriptions", &subscription, { "client", id_text(&shop, id) },
			      { "service", "netflix" }),
			 RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT search FROM subscription"), "ana netflix");
	assert_int_equal(SAVE(&shop, "clients", &id, { "given_names", "Luz" }), RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT search FROM subscription"), "luz netflix");
	shop_close(&shop);
}

static void two_customers_with_one_number_are_told_not_refused(void **state)
{
	struct shop shop;
	int64_t first = 0, second = 0, others = 0;

	(void)state;
	office_open(&shop);
	act(&shop, 7, SELLER);
	assert_int_equal(SAVE(&shop, "clients", &first, { "given_names", "Ana" }, { "phone", "0991234567" }),
			 RC_OK);
	act(&shop, 1, "*");
	assert_int_equal(
		SAVE(&shop, "clients", &second, { "given_names", "Luz" }, { "phone", "+593991234567" }),
		RC_OK);
	assert_string_equal(client_same_phone(&shop.s.cx, second, &others), "Ana");
	assert_int_equal(others, 1);
	act(&shop, 8, SELLER); /* somebody else's customer: counted, not named */
	assert_string_equal(client_same_phone(&shop.s.cx, second, &others), "");
	assert_int_equal(others, 1);
	shop_close(&shop);
}

static void a_customer_or_service_with_an_active_subscription_is_not_archived(void **state)
{
	struct shop shop;
	int64_t id;

	(void)state;
	office_open(&shop);
	id = shop_subscription(&shop, "+593990000001", "2025-09-20");
	assert_int_equal(row_archive(&shop.s.cx, office_find("clients"), 1), RC_CONFLICT);
	assert_int_equal(row_archive(&shop.s.cx, office_find("services"), shop.service), RC_CONFLICT);
	assert_int_equal(row_archive(&shop.s.cx, office_find("subscriptions"), id), RC_CONFLICT);
	assert_int_equal(subscription_cancel(&shop.s.cx, id, "", false), RC_OK);
	assert_int_equal(row_archive(&shop.s.cx, office_find("subscriptions"), id), RC_OK);
	assert_int_equal(row_archive(&shop.s.cx, office_find("services"), shop.service), RC_OK);
	assert_int_equal(row_archive(&shop.s.cx, office_find("clients"), 1), RC_OK);
	shop_close(&shop);
}

/* ---- ownership ---- */

static void a_seller_sees_and_touches_only_his_own(void **state)
{
	struct shop shop;
	int64_t mine = 0, theirs = 0, id = 0, found = 0;
	const char *theirs_id;

	(void)state;
	office_open(&shop);
	act(&shop, 8, SELLER);
	assert_int_equal(SAVE(&shop, "clients", &theirs, { "given_names", "Beto's" }), RC_OK);
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "client", id_text(&shop, theirs) },
			      { "service", "netflix" }),
			 RC_OK);
	act(&shop, 7, SELLER);
	assert_int_equal(SAVE(&shop, "clients", &mine, { "given_names", "Ana's" }), RC_OK);
	assert_int_equal(state_int(&shop.s, "SELECT owner_id FROM client WHERE given_names = 'Ana''s'"), 7);
	theirs_id = id_text(&shop, theirs);
	assert_int_equal(desk_find(&shop.s.cx, &found, desk_resource("clients"), theirs_id), RC_NOT_FOUND);
	assert_int_equal(desk_find(&shop.s.cx, &found, desk_resource("subscriptions"), id_text(&shop, id)),
			 RC_NOT_FOUND);
	assert_int_equal(SAVE(&shop, "clients", &theirs, { "given_names", "Stolen" }), RC_NOT_FOUND);
	id = 0;
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "client", theirs_id }, { "service", "netflix" }),
			 RC_BAD_INPUT);
	assert_string_not_equal(field_error(&shop, "client_id"), "");
	/* nor give one away */
	assert_int_equal(SAVE(&shop, "clients", &mine, { "owner", "beto" }), RC_BAD_INPUT);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM subscription"), 1);
	act(&shop, 1, "*");
	/* the owner may hand over */
	assert_int_equal(SAVE(&shop, "clients", &mine, { "owner", "beto" }), RC_OK);
	shop_close(&shop);
}

static void a_seller_sells_at_the_services_price(void **state)
{
	struct shop shop;
	int64_t client = 0, id = 0;
	const char *who;

	(void)state;
	office_open(&shop);
	act(&shop, 7, SELLER);
	assert_int_equal(SAVE(&shop, "clients", &client, { "given_names", "Ana" }), RC_OK);
	who = id_text(&shop, client);
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "client", who }, { "service", "netflix" },
			      { "price", "5" }),
			 RC_BAD_INPUT);
	assert_string_not_equal(field_error(&shop, "price_cents"), "");
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "client", who }, { "service", "netflix" }),
			 RC_OK);
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "price", "12.98" }), RC_BAD_INPUT);
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "price", "12.99" }, { "notes", "x" }), RC_OK);
	act(&shop, 1, "*");
	/* a gift of the owner */
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "price", "0" }), RC_OK);
	assert_int_equal(state_int(&shop.s, "SELECT price_cents FROM subscription"), 0);
	shop_close(&shop);
}

static void a_price_that_is_cleared_is_the_services_again(void **state)
{
	struct shop shop;
	int64_t client = 0, id = 0;

	(void)state;
	office_open(&shop);
	assert_int_equal(SAVE(&shop, "clients", &client, { "given_names", "Ana" }), RC_OK);
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "client", id_text(&shop, client) },
			      { "service", "netflix" }, { "price", "5" }),
			 RC_OK);
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "price", "" }), RC_OK);
	assert_int_equal(state_int(&shop.s, "SELECT price_cents FROM subscription"), 1299);
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "price", "0" }), RC_OK); /* a gift is meant */
	assert_int_equal(state_int(&shop.s, "SELECT price_cents FROM subscription"), 0);
	shop_close(&shop);
}

/* ---- subscriptions ---- */

static void left_empty_it_runs_one_period_from_today_at_the_base_price(void **state)
{
	struct shop shop;
	int64_t client = 0, id = 0;

	(void)state;
	office_open(&shop);
	assert_int_equal(state_run(&shop.s, "UPDATE service SET period = 'semiannual'"), RC_OK);
	assert_int_equal(SAVE(&shop, "clients", &client, { "given_names", "Ana" }), RC_OK);
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "client", "ana" }, { "servicio", "NETFLIX" }),
			 RC_OK);
	assert_string_equal(
		shop_text(&shop,
			  "SELECT starts_on || ' ' || ends_on || ' ' || price_cents || ' ' || currency ||"
			  " ' ' || period_days || ' ' || state || ' ' || payment_status FROM subscription"),
		"2025-09-08 2026-03-07 1299 USD 180 active pending");
	assert_int_equal(
		state_int(&shop.s, "SELECT count(*) FROM subscription_period WHERE ends_on = '2026-03-07'"),
		1);
	shop_set(&shop, "renewals.period_mode", "calendar");
	id = 0;
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "client", "ana" }, { "service", "netflix" }),
			 RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT max(ends_on) FROM subscription"), "2026-03-08");
	shop_close(&shop);
}

static void dates_that_do_not_fit_and_services_not_sold_are_refused(void **state)
{
	struct shop shop;
	int64_t client = 0, id = 0;

	(void)state;
	office_open(&shop);
	assert_int_equal(SAVE(&shop, "clients", &client, { "given_names", "Ana" }), RC_OK);
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "client", "ana" }, { "service", "netflix" },
			      { "starts_on", "2025-09-08" }, { "ends_on", "2025-09-07" }),
			 RC_BAD_INPUT);
	assert_string_not_equal(field_error(&shop, "ends_on"), "");
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "client", "ana" }, { "service", "netflix" },
			      { "starts_on", "2025-09-08" }, { "ends_on", "2025-09-08" }),
			 RC_OK); /* one day is a subscription */
	assert_int_equal(state_run(&shop.s, "UPDATE service SET is_active = 0"), RC_OK);
	/* the one sold stays */
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "notes", "still his" }), RC_OK);
	id = 0;
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "client", "ana" }, { "service", "netflix" }),
			 RC_BAD_INPUT);
	assert_string_not_equal(field_error(&shop, "service_id"), "");
	shop_close(&shop);
}

static void an_old_customers_past_subscription_is_expired_from_the_start(void **state)
{
	struct shop shop;
	int64_t client = 0, id = 0;

	(void)state;
	office_open(&shop);
	assert_int_equal(SAVE(&shop, "clients", &client, { "given_names", "Ana" }), RC_OK);
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "client", "ana" }, { "service", "netflix" },
			      { "starts_on", "2025-08-01" }, { "ends_on", "2025-09-07" }),
			 RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT state FROM subscription"), "expired");
	shop_close(&shop);
}

static void moving_the_end_by_hand_takes_back_the_notice_that_waits(void **state)
{
	struct shop shop;
	int64_t id;

	(void)state;
	office_open(&shop);
	id = shop_subscription(&shop, "+593990000001", "2025-09-08");
	shop_run(&shop);
	assert_string_equal(shop_text(&shop, "SELECT state FROM message"), "queued");
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "ends_on", "2025-10-01" }), RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT state || ' ' || state_why FROM message"),
			    "cancelled end_moved");
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "ends_on", "2025-09-01" }), RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT state FROM subscription"), "expired");
	assert_int_equal(SAVE(&shop, "subscriptions", &id, { "ends_on", "2025-09-08" }), RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT state FROM subscription"), "active");
	shop_close(&shop);
}

/* ---- payments ---- */

static void money_that_arrives_pays_and_money_given_back_reopens(void **state)
{
	struct shop shop;
	int64_t subscription, id = 0;
	const char *sold;

	(void)state;
	office_open(&shop);
	subscription = shop_subscription(&shop, "+593990000001", "2025-09-20");
	sold = id_text(&shop, subscription);
	assert_int_equal(SAVE(&shop, "payments", &id, { "subscription", sold }, { "estado", "pending" }),
			 RC_OK);
	assert_int_equal(state_int(&shop.s, "SELECT amount_cents FROM payment"), 1299); /* the price */
	assert_string_equal(shop_text(&shop, "SELECT payment_status FROM subscription"), "pending");
	assert_int_equal(SAVE(&shop, "payments", &id, { "state", "completed" }), RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT payment_status FROM subscription"), "paid");
	assert_int_equal(SAVE(&shop, "payments", &id, { "amount", "1" }), RC_BAD_INPUT); /* settled stays */
	assert_int_equal(SAVE(&shop, "payments", &id, { "state", "pending" }), RC_BAD_INPUT);
	assert_int_equal(SAVE(&shop, "payments", &id, { "reference", "T-1" }), RC_OK);
	act(&shop, 1, "clients.all payments.edit");
	/* not everybody */
	assert_int_equal(SAVE(&shop, "payments", &id, { "state", "refunded" }), RC_BAD_INPUT);
	act(&shop, 1, "*");
	assert_int_equal(SAVE(&shop, "payments", &id, { "state", "refunded" }), RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT payment_status FROM subscription"), "pending");
	assert_int_equal(SAVE(&shop, "payments", &id, { "state", "completed" }), RC_BAD_INPUT); /* final */
	id = 0;
	assert_int_equal(SAVE(&shop, "payments", &id, { "subscription", sold }, { "amount", "0" }),
			 RC_BAD_INPUT);
	assert_int_equal(SAVE(&shop, "payments", &id, { "subscription", sold }, { "state", "refunded" }),
			 RC_BAD_INPUT);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM payment"), 1);
	shop_close(&shop);
}

static void marked_as_paid_the_waiting_payment_is_completed_or_one_is_made(void **state)
{
	struct shop shop;
	int64_t first, second, id = 0;
	const char *done = "";

	(void)state;
	office_open(&shop);
	first = shop_subscription(&shop, "+593990000001", "2025-09-20");
	second = shop_subscription(&shop, "+593990000002", "2025-09-20");
	assert_int_equal(SAVE(&shop, "payments", &id, { "subscription", id_text(&shop, first) },
			      { "amount", "5" }, { "state", "pending" }),
			 RC_OK);
	assert_int_equal(payment_mark_paid(&shop.s.cx, first, NULL, &done), RC_OK);
	assert_int_equal(payment_mark_paid(&shop.s.cx, second, NULL, &done), RC_OK);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM payment WHERE state = 'completed'"), 2);
	assert_int_equal(state_int(&shop.s, "SELECT sum(amount_cents) FROM payment"), 500 + 1299);
	assert_int_equal(
		state_int(&shop.s, "SELECT count(*) FROM subscription WHERE payment_status = 'paid'"), 2);
	shop_close(&shop);
}

static void a_payment_is_found_by_its_customers_new_name(void **state)
{
	struct shop shop;
	int64_t client = 0, sold = 0, id = 0;

	(void)state;
	office_open(&shop);
	assert_int_equal(SAVE(&shop, "clients", &client, { "given_names", "Ana" }), RC_OK);
	assert_int_equal(SAVE(&shop, "subscriptions", &sold, { "client", "ana" }, { "service", "netflix" }),
			 RC_OK);
	assert_int_equal(SAVE(&shop, "payments", &id, { "subscription", id_text(&shop, sold) },
			      { "reference", "TR Ñ-7" }),
			 RC_OK);
	assert_int_equal(SAVE(&shop, "clients", &client, { "given_names", "Luz" }), RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT search FROM payment"), "luz netflix tr n-7");
	shop_close(&shop);
}

static void what_a_customer_paid_is_counted_currency_by_currency(void **state)
{
	struct shop shop;
	struct value *page, *row = NULL;
	int64_t sold, id = 0;

	(void)state;
	office_open(&shop);
	sold = shop_subscription(&shop, "+593990000001", "2025-09-20");
	assert_int_equal(SAVE(&shop, "payments", &id, { "subscription", id_text(&shop, sold) }), RC_OK);
	assert_int_equal(state_run(&shop.s, "UPDATE subscription SET currency = 'PYG'"), RC_OK);
	id = 0;
	assert_int_equal(
		SAVE(&shop, "payments", &id, { "subscription", id_text(&shop, sold) }, { "amount", "5000" }),
		RC_OK);
	page = value_map(shop.s.cx.arena);
	client_show(&shop.s.cx, 1, page);
	assert_non_null(strstr(value_text_of(value_path(page, "cards.3.value"), ""), "5,000"));
	assert_string_equal(value_text_of(value_path(page, "cards.4.value"), ""), "$12.99");
	assert_int_equal(row_of(&shop.s.cx, office_find("clients"), 1, SELECT_API, false, &row), RC_OK);
	assert_int_equal(value_int_of(value_get(row, "total_paid_cents"), 0),
			 5000); /* guaraníes have no cents */
	assert_string_equal(value_text_of(value_get(row, "paid_currency"), ""), "PYG");
	shop_close(&shop);
}

static void on_the_last_day_it_is_said_once(void **state)
{
	struct shop shop;
	struct value *page;

	(void)state;
	office_open(&shop);
	page = value_map(shop.s.cx.arena);
	subscription_show(&shop.s.cx, shop_subscription(&shop, "+593990000001", "2025-09-08"), page);
	assert_string_equal(value_text_of(value_path(page, "subscription.state_shown"), ""), "Ends today");
	assert_string_equal(value_text_of(value_path(page, "subscription.days_note"), "?"), "");
	page = value_map(shop.s.cx.arena);
	subscription_show(&shop.s.cx, shop_subscription(&shop, "+593990000002", "2025-09-11"), page);
	assert_string_equal(value_text_of(value_path(page, "subscription.state_shown"), ""),
			    "Ends soon (3 d)");
	assert_string_equal(value_text_of(value_path(page, "subscription.days_note"), "?"), "3 days left");
	shop_close(&shop);
}

static const struct action *action_of(const struct action *a, const char *name)
{
	while (a->name != NULL && strcmp(a->name, name) != 0)
		a++;
	assert_non_null(a->name);
	return a;
}

static void the_button_for_one_period_renews_once_a_minute(void **state)
{
	struct shop shop;
	const char *done = "";
	int64_t id;

	(void)state;
	office_open(&shop);
	id = shop_subscription(&shop, "+593990000001", "2025-09-20");
	assert_int_equal(action_of(subscription_actions, "renew-one")->run(&shop.s.cx, id, NULL, &done),
			 RC_OK);
	assert_int_equal(action_of(subscription_actions, "renew-one")->run(&shop.s.cx, id, NULL, &done),
			 RC_CONFLICT);
	assert_string_equal(shop_text(&shop, "SELECT ends_on FROM subscription"), "2025-10-20");
	clock_shift(shop.s.env.clock, MINUTE_MS);
	assert_int_equal(action_of(subscription_actions, "renew-one")->run(&shop.s.cx, id, NULL, &done),
			 RC_OK);
	assert_string_equal(shop_text(&shop, "SELECT ends_on FROM subscription"), "2025-11-19");
	shop_close(&shop);
}

static void categories_change_places_one_by_one(void **state)
{
	static const char order[] =
		"SELECT group_concat(name, ' ') FROM (SELECT name FROM service_category ORDER BY position, id)";
	struct shop shop;
	const char *done = "";
	int64_t id = 0;

	(void)state;
	office_open(&shop);
	assert_int_equal(SAVE(&shop, "service-categories", &id, { "name", "Cine" }), RC_OK);
	id = 0;
	assert_int_equal(SAVE(&shop, "service-categories", &id, { "name", "Deportes" }), RC_OK);
	id = 0;
	assert_int_equal(SAVE(&shop, "service-categories", &id, { "name", "Música" }), RC_OK);
	assert_int_equal(action_of(category_actions, "up")->run(&shop.s.cx, id, NULL, &done), RC_OK);
	assert_string_equal(shop_text(&shop, order), "Cine Música Deportes");
	assert_int_equal(action_of(category_actions, "down")->run(&shop.s.cx, 1, NULL, &done), RC_OK);
	assert_string_equal(shop_text(&shop, order), "Música Cine Deportes");
	assert_int_equal(action_of(category_actions, "up")->run(&shop.s.cx, id, NULL, &done), RC_CONFLICT);
	assert_string_equal(shop_text(&shop, order), "Música Cine Deportes");
	shop_close(&shop);
}

/* ---- notices ---- */

static void a_failed_notice_goes_again_once_as_a_new_message(void **state)
{
	struct shop shop;
	const char *done = "";

	(void)state;
	office_open(&shop);
	shop_subscription(&shop, "+593990000001", "2025-09-08");
	shop_run(&shop);
	/* it has not failed */
	assert_int_equal(notice_actions[0].run(&shop.s.cx, 1, NULL, &done), RC_CONFLICT);
	assert_int_equal(state_run(&shop.s, "UPDATE message SET state = 'failed'"), RC_OK);
	assert_int_equal(notice_actions[0].run(&shop.s.cx, 1, NULL, &done), RC_OK);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM message"), 2);
	assert_int_equal(state_int(&shop.s,
				   "SELECT count(*) FROM notice n JOIN message m ON m.id = n.message_id"
				   " WHERE m.state = 'queued' AND m.replaces_id IS NOT NULL"),
			 1);
	assert_int_equal(notice_actions[0].run(&shop.s.cx, 1, NULL, &done), RC_CONFLICT);
	shop_close(&shop);
}

/* ---- demo ---- */

static void the_made_up_customers_have_every_stage_due_and_come_once(void **state)
{
	struct shop shop;
	struct plan_result result;
	int64_t clients;

	(void)state;
	office_open(&shop);
	assert_int_equal(state_run(&shop.s, "DELETE FROM service"), RC_OK);
	assert_int_equal(renewals_demo(&shop.s.cx), RC_OK);
	clients = state_int(&shop.s, "SELECT count(*) FROM client");
	assert_true(clients >= 40);
	assert_int_equal(renewals_demo(&shop.s.cx), RC_OK);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM client"), clients);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM service"), 5);
	assert_int_equal(state_int(&shop.s, "SELECT price_cents FROM service WHERE name = 'netflix'"), 1299);
	result = shop_run(&shop);
	assert_int_equal(result.stage_count, 4);
	for (size_t i = 0; i < result.stage_count; i++)
		assert_true(result.stages[i].planned >= 3);
	shop_close(&shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_list_is_served_by_an_index),
		cmocka_unit_test(customers_stand_by_surname_and_are_found_without_accents),
		cmocka_unit_test(a_subscription_is_found_by_its_customers_new_name),
		cmocka_unit_test(two_customers_with_one_number_are_told_not_refused),
		cmocka_unit_test(a_customer_or_service_with_an_active_subscription_is_not_archived),
		cmocka_unit_test(a_seller_sees_and_touches_only_his_own),
		cmocka_unit_test(a_seller_sells_at_the_services_price),
		cmocka_unit_test(a_price_that_is_cleared_is_the_services_again),
		cmocka_unit_test(a_payment_is_found_by_its_customers_new_name),
		cmocka_unit_test(what_a_customer_paid_is_counted_currency_by_currency),
		cmocka_unit_test(on_the_last_day_it_is_said_once),
		cmocka_unit_test(the_button_for_one_period_renews_once_a_minute),
		cmocka_unit_test(categories_change_places_one_by_one),
		cmocka_unit_test(left_empty_it_runs_one_period_from_today_at_the_base_price),
		cmocka_unit_test(dates_that_do_not_fit_and_services_not_sold_are_refused),
		cmocka_unit_test(an_old_customers_past_subscription_is_expired_from_the_start),
		cmocka_unit_test(moving_the_end_by_hand_takes_back_the_notice_that_waits),
		cmocka_unit_test(money_that_arrives_pays_and_money_given_back_reopens),
		cmocka_unit_test(marked_as_paid_the_waiting_payment_is_completed_or_one_is_made),
		cmocka_unit_test(a_failed_notice_goes_again_once_as_a_new_message),
		cmocka_unit_test(the_made_up_customers_have_every_stage_due_and_come_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
