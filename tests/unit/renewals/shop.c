/*
** shop.c -- a small shop for the tests of renewals.
*/
#include "shop.h"

static const struct setting business[] = {
	{ .name = "business.name", .type = SET_TEXT, .def = "Cine en Casa" },
	{ .name = "business.phone", .type = SET_TEXT, .def = "" },
	{ .name = "business.currency", .type = SET_ONE, .def = "USD", .choices = "USD" },
	{ .name = "business.region", .type = SET_ONE, .def = "EC", .choices = "EC|CO" },
	{ .name = NULL },
};

void shop_set(struct shop *shop, const char *name, const char *value)
{
	assert_int_equal(settings_override(shop->s.env.settings, name, value), RC_OK);
}

static instant at(const char *now)
{
	instant i = 0;

	assert_int_equal(instant_parse(&i, now), RC_OK);
	return i;
}

void shop_walk_to(struct shop *shop, const char *now)
{
	clock_shift(shop->s.env.clock, at(now) - clock_now(shop->s.env.clock));
}

void shop_open(struct shop *shop, const char *now)
{
	const struct setting *const tables[] = { business, outbox_settings, renewals.settings, NULL };
	const char *why = "";

	memset(shop, 0, sizeof(*shop));
	state_open(&shop->s, at(now));
	assert_int_equal(settings_load(&shop->s.env.settings, tables, NULL, shop->s.forever, LANG_EN, &why),
			 RC_OK);
	assert_int_equal(texts_ensure(&shop->s.cx), RC_OK);
	assert_int_equal(
		state_run(&shop->s,
			  "INSERT INTO service (public_id, name, display_name, price_cents, currency,"
			  " created_at, updated_at) VALUES ('s1', 'netflix', 'Netflix', 1299, 'USD', 0, 0)"),
		RC_OK);
	shop->service = db_last_id(&shop->s.cx);
}

void shop_close(struct shop *shop)
{
	settings_free(shop->s.env.settings);
	state_close(&shop->s);
}

int64_t shop_subscription(struct shop *shop, const char *phone, const char *ends_on)
{
	struct cx *cx = &shop->s.cx;
	int n = ++shop->customers;
	int64_t client, id;
	day end = 0;
	char starts_on[DATE_SIZE];

	assert_int_equal(day_parse(&end, ends_on), RC_OK);
	day_text(starts_on, end - 30);
	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(
		db_run(cx,
		       "INSERT INTO client (public_id, given_names, phone, phone_kind, created_at, updated_at)"
		       " VALUES (:id, :name, :phone, 'mobile', 0, 0)",
		       PARAMS(P_TEXT(":id", arena_printf(cx->arena, "c%d", n)),
			      P_TEXT(":name", arena_printf(cx->arena, "Customer %d", n)),
			      P_TEXT(":phone", phone))),
		RC_OK);
	client = db_last_id(cx);
	assert_int_equal(
		db_run(cx,
		       "INSERT INTO subscription (public_id, client_id, service_id, price_cents, currency, starts_on,"
		       " ends_on, created_at, updated_at) VALUES (:id, :client, :service, 1299, 'USD', :starts_on,"
		       " :ends_on, 0, 0)",
		       PARAMS(P_TEXT(":id", arena_printf(cx->arena, "u%d", n)), P_INT(":client", client),
			      P_INT(":service", shop->service), P_TEXT(":starts_on", starts_on),
			      P_TEXT(":ends_on", ends_on))),
		RC_OK);
	id = db_last_id(cx);
	assert_int_equal(tx_end(cx, RC_OK), RC_OK);
	return id;
}

struct plan_result shop_run(struct shop *shop)
{
	struct plan_options o = {
		.date = cx_today(&shop->s.cx), .origin = "auto", .batch_origin = "auto", .is_whole = true
	};
	struct plan_result result;

	o.stage_count = plan_stages_default(&shop->s.cx, o.stages);
	assert_int_equal(plan_run(&shop->s.cx, NULL, &o, &result), RC_OK);
	return result;
}

const char *shop_text(struct shop *shop, const char *sql)
{
	const char *text = "";

	assert_int_equal(db_get_text(&shop->s.cx, &text, sql, NO_PARAMS), RC_OK);
	return text;
}
