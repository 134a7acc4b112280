/*
** checkout.c -- charge a customer: what for, how much, how it will be paid. By staff, at the counter or by
** chat.
**
** What comes out is a payment that is awaited (a request with a number), for a new subscription or for the
** renewal of one that is there, and the page that says how to pay it. Nothing is renewed before the money
** came.
**
** Needs:  desk_save for a new subscription; payment_steps.c for the payment.
** Holds:  (1) customer, subscription and service are ones that the actor may see, whatever the form names;
**         (2) one transaction: an error stores nothing; (3) a double click makes one request: the form
**         carries a key, a program its Idempotency-Key.
** Card payments are not taken here: no card provider is connected, and the page says so.
**
** API: POST /api/v1/checkout {client, service | subscription, method, periods, reference}.
*/
#include "base/phone.h"
#include "base/text.h"
#include "renewals/payment_steps.h"
#include "renewals/resources.h"
#include <string.h>

#define CLIENTS_SHOWN  20  /* of a search: more words find fewer */
#define CHOICES_SHOWN  100 /* subscriptions of one customer, services */
#define REFERENCE_MAX  100 /* letters: spec */
#define KEY_MAX        200 /* of an Idempotency-Key */
#define STATUS_CREATED 201
#define STATUS_REFUSED 422 /* a form shown again (RFC 9110 §15.5.21) */

#define SUBSCRIPTION_PREFIX "subscription:"
#define SERVICE_PREFIX      "service:"

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

static const char *given(struct call *call, const char *name)
{
	const char *text = form_text(call, name);

	return text != NULL ? text : "";
}

/* ---- the order ---- */

struct order {
	int64_t client_id, subscription_id, service_id; /* one of the last two is 0 */
	const char *client, *subscription, *service;    /* as the form named them   */
	const char *what; /* the field that names the last two: a form has one for both */
	const char *method, *reference, *key;
	int periods;
};

static enum rc find_row(struct cx *cx, int64_t *id, const char *resource, const char *text, const char *field)
{
	enum rc rc = desk_find(cx, id, desk_resource(resource), text);

	return rc == RC_NOT_FOUND ? cx_fail_field(cx, field, _("There is no such row, or it is not yours."))
				  : rc;
}

/* "what" of the form is "subscription:ID" or "service:ID"; a program names either by its own field. */
static void read_what(struct call *call, struct order *o)
{
	const char *what = given(call, "what");

	o->client = given(call, "client");
	o->subscription = given(call, "subscription");
	o->service = given(call, "service");
	if (strncmp(what, SUBSCRIPTION_PREFIX, strlen(SUBSCRIPTION_PREFIX)) == 0)
		o->subscription = what + strlen(SUBSCRIPTION_PREFIX);
	o->what = form_json(call) == NULL ? "what" : o->service[0] != '\0' ? "service" : "subscription";
	if (strncmp(what, SERVICE_PREFIX, strlen(SERVICE_PREFIX)) == 0)
		o->service = what + strlen(SERVICE_PREFIX);
}

static enum rc find_what(struct cx *cx, struct order *o)
{
	int64_t owner = 0;
	enum rc rc = RC_OK, found = RC_OK;

	if ((o->subscription[0] == '\0') == (o->service[0] == '\0'))
		return cx_fail_field(cx, o->what, _("Choose a subscription to renew, or a service to sell."));
	if (o->subscription[0] != '\0')
		rc = find_row(cx, &o->subscription_id, "subscriptions", o->subscription, o->what);
	else
		rc = find_row(cx, &o->service_id, "services", o->service, o->what);
	if (o->client[0] != '\0')
		found = find_row(cx, &o->client_id, "clients", o->client, "client");
	else if (o->subscription_id == 0)
		found = cx_fail_field(cx, "client", _("This is needed."));
	if (rc == RC_OK) rc = found;
	if (rc != RC_OK || o->subscription_id == 0) return rc;
	rc = db_get_int(cx, &owner, "SELECT client_id FROM subscription WHERE id = :id",
			PARAMS(P_INT(":id", o->subscription_id)));
	if (rc == RC_OK && o->client_id != 0 && owner != o->client_id)
		return cx_fail_field(cx, o->what, _("This subscription is another customer's."));
	o->client_id = owner;
	return rc;
}

static enum rc read_terms(struct cx *cx, struct call *call, struct order *o)
{
	const char *periods = given(call, "periods"), *header = call_header(call, "Idempotency-Key");
	const char *key = header != NULL ? header : given(call, "key");
	int n = 0;
	enum rc rc = RC_OK;

	o->method = given(call, "method");
	o->reference = given(call, "reference");
	if (strcmp(o->method, "card") == 0 || strcmp(o->method, "paypal") == 0)
		rc = cx_fail_field(cx, "method",
				   _("Card payments are switched off here: no card provider is connected."));
	else if (strcmp(o->method, "cash") != 0 && strcmp(o->method, "transfer") != 0 &&
		 strcmp(o->method, "other") != 0)
		rc = cx_fail_field(cx, "method", _("Choose how it will be paid: cash, transfer or other."));
	for (const char *p = periods; *p != '\0' && n <= RENEW_PERIODS_MAX; p++)
		n = *p >= '0' && *p <= '9' ? n * 10 + (*p - '0') : RENEW_PERIODS_MAX + 1;
	o->periods = periods[0] == '\0' ? 1 : n;
	if (o->periods < 1 || o->periods > RENEW_PERIODS_MAX)
		rc = cx_fail_field(cx, "periods", _("Choose between 1 and %d periods."), RENEW_PERIODS_MAX);
	if (text_length(o->reference) > REFERENCE_MAX)
		rc = cx_fail_field(cx, "reference", _("At most %d characters."), REFERENCE_MAX);
	if (strlen(key) > KEY_MAX) rc = cx_fail_field(cx, "key", _("At most %d characters."), KEY_MAX);
	if (key[0] != '\0') o->key = arena_printf(cx->arena, "checkout:%s:%s", cx->actor.name, key);
	return rc;
}

/* ---- writing it, in one transaction ---- */

static enum rc sell(struct cx *cx, struct order *o)
{
	struct value *in = value_map(cx->arena), *service = NULL;
	char text[DATE_SIZE];
	enum rc rc = db_row(cx, &service, "SELECT period FROM service WHERE id = :id",
			    PARAMS(P_INT(":id", o->service_id)));

	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, in, "client_id", o->client);
	value_set_text(cx->arena, in, "service_id", o->service);
	value_set_text(cx->arena, in, "payment_method", o->method);
	day_text(text, period_end(cx, cx_today(cx), text_of(service, "period"),
				  period_days_of(text_of(service, "period")), o->periods));
	value_set_text(cx->arena, in, "ends_on", text);
	rc = desk_save(cx, desk_resource("subscriptions"), &o->subscription_id, in);
	for (size_t i = 0; i < cx->field_count; i++) /* what is wrong with it is wrong with the choice */
		cx->fields[i].field = o->what;
	return rc;
}

static enum rc add_request(struct cx *cx, int64_t *id, const struct order *o, bool is_new)
{
	struct value *row = NULL;
	enum rc rc = db_row(cx, &row, "SELECT price_cents, currency FROM subscription WHERE id = :id",
			    PARAMS(P_INT(":id", o->subscription_id)));

	if (rc == RC_OK && int_of(row, "price_cents") == 0)
		rc = cx_fail_field(cx, o->what,
				   _("It costs nothing: there is nothing to charge. Renew it directly."));
	return rc != RC_OK ? rc
			   : payment_add(cx, id,
					 &(struct payment_new){ .subscription_id = o->subscription_id,
								.amount_cents = int_of(row, "price_cents") *
										o->periods,
								.currency = text_of(row, "currency"),
								.method = o->method,
								.state = "pending",
								.reference = o->reference,
								.renews_periods = is_new ? 0 : o->periods,
								.idempotency_key = o->key });
}

static enum rc write_order(struct cx *cx, int64_t *id, struct order *o)
{
	bool is_new = o->subscription_id == 0;
	enum rc rc = RC_NOT_FOUND;

	if (o->key != NULL)
		rc = db_get_int(cx, id, "SELECT id FROM payment WHERE idempotency_key = :key",
				PARAMS(P_TEXT(":key", o->key)));
	if (rc != RC_NOT_FOUND) return rc; /* the second click finds what the first one made */
	rc = is_new ? sell(cx, o) : RC_OK;
	return rc == RC_OK ? add_request(cx, id, o, is_new) : rc;
}

static enum rc make_order(struct cx *cx, struct call *call, int64_t *id, struct order *o)
{
	enum rc rc, terms;

	read_what(call, o);
	rc = find_what(cx, o);
	if (rc != RC_OK && rc != RC_BAD_INPUT) return rc;
	terms = read_terms(cx, call, o);
	if (rc == RC_OK) rc = terms;
	/* Whoever takes the money renews what was asked for: who asks must be one who may. */
	if (rc == RC_OK && !actor_may(&cx->actor, "subscriptions.edit"))
		rc = cx_fail(cx, RC_DENIED, "%s",
			     o->service_id != 0 ? _("You may not sell subscriptions.")
						: _("You may not renew subscriptions."));
	if (rc == RC_OK) rc = tx_begin(cx);
	return rc == RC_OK ? tx_end(cx, write_order(cx, id, o)) : rc;
}

/* ---- the page ---- */

/* Step one: who. */
static enum rc fill_clients(struct cx *cx, struct call *call, struct value *page)
{
	const char *q = call_query(call, "q"), *phone = "";
	char shown[32];
	struct value *rows = NULL;
	enum rc rc = desk_search(cx, &rows, desk_resource("clients"), q != NULL ? q : "", CLIENTS_SHOWN);

	for (struct value *r = rc == RC_OK ? rows->first : NULL; r != NULL && rc == RC_OK; r = r->next) {
		rc = db_get_text(cx, &phone, "SELECT coalesce(phone, '') FROM client WHERE id = :id",
				 PARAMS(P_INT(":id", int_of(r, "_id"))));
		value_set_text(cx->arena, r, "id", text_of(r, "_pid"));
		value_set_text(cx->arena, r, "name", text_of(r, "_name"));
		shown[0] = '\0';
		if (phone[0] == '+') phone_text(shown, phone);
		value_set_text(cx->arena, r, "phone", shown[0] != '\0' ? shown : phone);
	}
	if (rc != RC_OK) return rc;
	value_set(page, "clients", rows);
	value_set_bool(cx->arena, page, "has_clients", rows->count > 0);
	value_set_bool(cx->arena, page, "picks_client", true);
	value_set_bool(cx->arena, page, "is_cut", rows->count == CLIENTS_SHOWN);
	value_set_text(cx->arena, page, "q", q != NULL ? q : "");
	return RC_OK;
}

static void option_of(struct cx *cx, struct value *field, const char *prefix, const struct value *row,
		      const char *title, const char *chosen)
{
	const char *code = arena_printf(cx->arena, "%s%s", prefix, text_of(row, "id"));

	field_option(cx, field, code, title, strcmp(code, chosen) == 0);
}

static const char *price_of(struct cx *cx, const struct value *row)
{
	return money_shown(cx, int_of(row, "price_cents"), text_of(row, "currency"));
}

/* Step two: what for. */
static enum rc fill_what(struct cx *cx, struct value *page, int64_t client_id, const char *chosen)
{
	struct value *subscriptions = NULL, *services = NULL, *field;
	enum rc rc = db_rows(
		cx, &subscriptions, CHOICES_SHOWN,
		"SELECT s.public_id AS id, v.display_name AS service, s.ends_on, s.price_cents, s.currency FROM subscription s"
		" JOIN service v ON v.id = s.service_id WHERE s.client_id = :id AND s.archived_at IS NULL"
		" AND s.price_cents > 0 ORDER BY s.ends_on DESC LIMIT 100",
		PARAMS(P_INT(":id", client_id)));

	if (rc == RC_OK)
		rc = db_rows(
			cx, &services, CHOICES_SHOWN,
			"SELECT public_id AS id, display_name AS service, price_cents, currency FROM service"
			" WHERE is_active = 1 AND archived_at IS NULL AND price_cents > 0 ORDER BY display_name, id LIMIT 100",
			NO_PARAMS);
	if (rc != RC_OK) return rc;
	if (chosen[0] == '\0' && subscriptions->count > 0)
		chosen = arena_printf(cx->arena, SUBSCRIPTION_PREFIX "%s",
				      text_of(subscriptions->first, "id"));
	field = field_add(cx, page, "what", _("What for"), "");
	value_set_bool(cx->arena, field, "is_select", true);
	value_set_bool(cx->arena, field, "is_required", true);
	for (const struct value *r = subscriptions->first; r != NULL; r = r->next)
		option_of(cx, field, SUBSCRIPTION_PREFIX, r,
			  arena_printf(cx->arena, _("Renew %s · until %s · %s a period"),
				       text_of(r, "service"), day_shown(cx, text_of(r, "ends_on")),
				       price_of(cx, r)),
			  chosen);
	for (const struct value *r = actor_may(&cx->actor, "subscriptions.edit") ? services->first : NULL;
	     r != NULL; r = r->next)
		option_of(cx, field, SERVICE_PREFIX, r,
			  arena_printf(cx->arena, _("New: %s · %s a period"), text_of(r, "service"),
				       price_of(cx, r)),
			  chosen);
	value_set_bool(cx->arena, page, "has_choices", value_get(field, "options") != NULL);
	return RC_OK;
}

static void fill_terms(struct cx *cx, struct call *call, struct value *page)
{
	const char *periods = given(call, "periods"), *method = given(call, "method");
	struct value *field = field_add(cx, page, "periods", _("Periods"), "");

	value_set_bool(cx->arena, field, "is_select", true);
	for (int n = 1; n <= RENEW_PERIODS_MAX; n++) {
		const char *text = arena_printf(cx->arena, "%d", n);

		field_option(cx, field, text, text, strcmp(text, periods) == 0);
	}
	field = field_add(cx, page, "method", _("How it will be paid"), "");
	value_set_bool(cx->arena, field, "is_radio", true);
	field_option(cx, field, "cash", _("Cash"), method[0] == '\0' || strcmp(method, "cash") == 0);
	field_option(cx, field, "transfer", _("Transfer"), strcmp(method, "transfer") == 0);
	field_option(cx, field, "other", _("Other"), strcmp(method, "other") == 0);
	field = field_add(cx, page, "reference", _("Reference"), given(call, "reference"));
	value_set_int(cx->arena, field, "max_length", REFERENCE_MAX);
	value_set_text(cx->arena, field, "help", _("Your own note to find it again; may stay empty."));
}

/* Who the page is about: ?client=, ?subscription=, or what the form named. 0: nobody chosen yet. */
static enum rc chosen_client(struct cx *cx, struct call *call, int64_t *client, const char **what)
{
	const char *subscription = call_query(call, "subscription"), *id = call_query(call, "client");
	int64_t row = 0;
	enum rc rc = RC_OK;

	*what = given(call, "what");
	if (given(call, "client")[0] != '\0') id = given(call, "client");
	if (id != NULL && id[0] != '\0') return desk_find(cx, client, desk_resource("clients"), id);
	if (subscription == NULL || subscription[0] == '\0') return RC_OK;
	rc = desk_find(cx, &row, desk_resource("subscriptions"), subscription);
	if (rc == RC_OK)
		rc = db_get_int(cx, client, "SELECT client_id FROM subscription WHERE id = :id",
				PARAMS(P_INT(":id", row)));
	*what = arena_printf(cx->arena, SUBSCRIPTION_PREFIX "%s", subscription);
	return rc;
}

static enum rc checkout_page(struct cx *cx, struct call *call, enum rc failure)
{
	struct value *page = value_map(cx->arena), *client = NULL;
	char key[PUBLIC_ID_SIZE];
	const char *what = "";
	int64_t id = 0;
	enum rc rc = chosen_client(cx, call, &id, &what);

	if (rc == RC_OK && id == 0) rc = fill_clients(cx, call, page);
	if (rc == RC_OK && id != 0) {
		rc = db_row(
			cx, &client,
			"SELECT public_id AS id, trim(given_names || ' ' || surnames) AS name FROM client WHERE id = :id",
			PARAMS(P_INT(":id", id)));
		if (rc == RC_OK) rc = fill_what(cx, page, id, what);
		if (rc == RC_OK) {
			fill_terms(cx, call, page);
			value_set(page, "client", client);
		}
	}
	if (rc != RC_OK) return rc;
	public_id_new(key);
	value_set_text(cx->arena, page, "key",
		       given(call, "key")[0] != '\0' ? given(call, "key") : arena_text(cx->arena, key));
	value_set_text(cx->arena, page, "title", _("Charge a customer"));
	page_trail(cx, page, _("Payments"), "/payments");
	page_errors(cx, page, failure);
	answer_page(cx, call, "renewals/checkout", text_of(page, "title"), page);
	if (failure != RC_OK) reply_status(call_reply(call), STATUS_REFUSED);
	return RC_OK;
}

enum rc handle_checkout(struct cx *cx, struct call *call)
{
	return call_shape(call) == SHAPE_PAGE ? checkout_page(cx, call, RC_OK) : RC_NOT_FOUND;
}

/* ---- both ---- */

static enum rc answer_request(struct cx *cx, struct call *call, int64_t id)
{
	struct value *out = NULL;
	const char *text = "";
	enum rc rc = db_row(
		cx, &out,
		"SELECT y.public_id, printf('%06d', y.id) AS request, s.public_id AS subscription_id, y.state, y.method,"
		" y.amount_cents, y.currency, y.renews_periods FROM payment y JOIN subscription s ON s.id = y.subscription_id"
		" WHERE y.id = :id",
		PARAMS(P_INT(":id", id)));

	if (rc == RC_OK) rc = payment_text(cx, &text, id, text_of(out, "method"));
	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, out, "instructions", text);
	answer_header(call, "Location",
		      arena_printf(cx->arena, "/api/v1/payments/%s", text_of(out, "public_id")));
	shape_json(cx, out);
	answer_json(cx, call, STATUS_CREATED, out);
	return RC_OK;
}

enum rc handle_checkout_make(struct cx *cx, struct call *call)
{
	struct order o = { .client_id = 0 };
	const char *public_id = "";
	int64_t id = 0;
	enum rc rc = form_read(cx, call);

	if (rc == RC_OK) rc = make_order(cx, call, &id, &o);
	if (call_shape(call) == SHAPE_PAGE && (rc == RC_BAD_INPUT || rc == RC_CONFLICT))
		return checkout_page(cx, call, rc);
	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) return answer_request(cx, call, id);
	rc = db_get_text(cx, &public_id, "SELECT public_id FROM payment WHERE id = :id",
			 PARAMS(P_INT(":id", id)));
	if (rc == RC_OK)
		answer_flash(cx, call, arena_printf(cx->arena, "/payments/%s/instructions", public_id),
			     _("Thank you: the request is registered. This is how it is paid."));
	return rc;
}
