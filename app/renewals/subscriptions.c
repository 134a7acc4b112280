/*
** subscriptions.c -- subscriptions as the office shows and takes them.
**
** Owns:   columns, hooks and actions of the resource subscriptions.
** Needs:  renew.c for everything that changes a period; reminder.c for reminders.
** Holds:  (1) a start is never after its end; (2) only an active service is sold; (3) who may not set prices
**         sells at the service's price; (4) moving the end by hand moves the state with it and takes back
**         messages not left yet.
*/
#include "renewals/resources.h"
#include <string.h>

#define BULK_CANCEL_REASON ""        /* many at once share no reason                   */
#define BULK_RENEW_GAP_MS  MINUTE_MS /* the same button pressed twice renews once */

const struct column subscription_columns[] = {
	{ .name = "client_id",
	  .title = N_("Customer"),
	  .type = COLUMN_REF,
	  .ref = "clients",
	  .flags = COL_REQUIRED | COL_LIST | COL_CREATE,
	  .aliases = "client|cliente|cliente_id" },
	/* subscription_before_save writes `search`; COL_SEARCH only puts the box above the list. */
	{ .name = "service_id",
	  .title = N_("Service"),
	  .type = COLUMN_REF,
	  .ref = "services",
	  .flags = COL_REQUIRED | COL_LIST | COL_SEARCH,
	  .aliases = "service|servicio|servicio_id" },
	{ .name = "status",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_LIST | COL_PAGE | COL_READONLY,
	  .sql = "CASE WHEN t.state <> 'active' THEN t.state WHEN t.cancel_at_end = 1 THEN 'ending'"
		 " WHEN t.ends_on = :today THEN 'today' WHEN t.ends_on <= date(:today, '+3 days') THEN 'near'"
		 " WHEN t.ends_on <= date(:today, '+7 days') THEN 'soon' ELSE 'active' END",
	  .choices =
		  "active=Active|soon=Ends soon|near=Ends very soon|today=Ends today|ending=Cancelled at its end|"
		  "expired=Has expired|cancelled=Is cancelled" },
	{ .name = "state",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_API,
	  .choices = "active=Active|expired=Has expired|cancelled=Is cancelled" },
	{ .name = "starts_on",
	  .title = N_("Start"),
	  .type = COLUMN_DATE,
	  .help = N_("Left empty: today."),
	  .aliases = "start_date|fecha_inicio|inicio" },
	{ .name = "ends_on",
	  .title = N_("End"),
	  .type = COLUMN_DATE,
	  .flags = COL_LIST,
	  .help = N_("The last day of service. Left empty: one period after the start."),
	  .aliases = "end_date|fecha_vencimiento|vencimiento|fin" },
	{ .name = "days_left",
	  .title = N_("Days left"),
	  .type = COLUMN_INT,
	  .flags = COL_LIST | COL_READONLY,
	  .sql = "CAST(julianday(t.ends_on) - julianday(:today) AS INTEGER)" },
	{ .name = "currency",
	  .title = N_("Currency"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_HIDDEN },
	{ .name = "price_cents",
	  .title = N_("Price"),
	  .type = COLUMN_CENTS,
	  .flags = COL_LIST,
	  .choices = "currency",
	  .help = N_("Of one period. Left empty: the service's price."),
	  .aliases = "price|precio" },
	{ .name = "payment_status",
	  .title = N_("Payment"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_LIST,
	  .choices = "pending=Pending|paid=Paid",
	  .def = "pending",
	  .aliases = "estado_pago" },
	{ .name = "payment_method",
	  .title = N_("Method"),
	  .type = COLUMN_CHOICE,
	  .choices = PAYMENT_METHODS,
	  .def = "cash",
	  .aliases = "metodo_pago" },
	{ .name = "payment_at",
	  .title = N_("Paid on"),
	  .type = COLUMN_INSTANT,
	  .aliases = "payment_date|fecha_pago" },
	{ .name = "payment_reference",
	  .title = N_("Reference"),
	  .type = COLUMN_TEXT,
	  .max = 100,
	  .help = N_("Number of the transfer or receipt."),
	  .aliases = "referencia" },
	{ .name = "auto_notices",
	  .title = N_("Notices before its end"),
	  .type = COLUMN_BOOL,
	  .def = "1",
	  .aliases = "avisos" },
	{ .name = "notes", .title = N_("Notes"), .type = COLUMN_LONG_TEXT, .max = 2000, .aliases = "notas" },
	{ .name = "period_days", .title = N_("Days of a period"), .type = COLUMN_INT, .flags = COL_READONLY },
	{ .name = "expired_at", .title = N_("Expired on"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "cancelled_at",
	  .title = N_("Cancelled on"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY },
	{ .name = "cancel_at_end",
	  .title = N_("Cancelled at its end"),
	  .type = COLUMN_BOOL,
	  .flags = COL_READONLY | COL_API },
	{ .name = "cancel_reason", .title = N_("Reason"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "last_manual_at",
	  .title = N_("Last reminder by hand"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY },
	{ .name = "created_at", .title = N_("Registered"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "created_by", .title = N_("By"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "updated_at",
	  .title = N_("Changed"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_HIDDEN },
	{ .name = NULL },
};

const struct sort subscription_sorts[] = {
	{ .name = "ends_on", .title = N_("End"), .sql = "t.ends_on" },
	{ .name = "created_at", .title = N_("Registered"), .sql = "t.created_at", .is_down = true },
	{ .name = NULL },
};

/* "+" keeps SQLite on the index of the order: it covers these columns, so a page is found without touching other rows. */
const struct filter subscription_filters[] = {
	{ .name = "state",
	  .title = N_("State"),
	  .choices =
		  "active=Active|today=Ends today|expiring=Ends within 7 days|expired=Has expired|cancelled=Is cancelled",
	  .sql =
		  (const char *const[]){
			  "+t.state = 'active'", "+t.state = 'active' AND +t.ends_on = :today",
			  "+t.state = 'active' AND +t.ends_on >= :today AND +t.ends_on <= date(:today, '+7 days')",
			  "+t.state = 'expired'", "+t.state = 'cancelled'", NULL } },
	{ .name = "payment",
	  .title = N_("Payment"),
	  .choices = "pending=Pending|paid=Paid",
	  .sql = (const char *const[]){ "+t.payment_status = 'pending'", "+t.payment_status = 'paid'",
					NULL } },
	{ .name = "client",
	  .title = N_("Customer"),
	  .ref = "clients",
	  .sql = (const char *const[]){ "+t.client_id = :f_client", NULL } },
	{ .name = "service",
	  .title = N_("Service"),
	  .ref = "services",
	  .sql = (const char *const[]){ "+t.service_id = :f_service", NULL } },
	{ .name = "ends_from",
	  .title = N_("Ends from"),
	  .sql = (const char *const[]){ "+t.ends_on >= :f_ends_from", NULL } },
	{ .name = "ends_to",
	  .title = N_("Ends until"),
	  .sql = (const char *const[]){ "+t.ends_on <= :f_ends_to", NULL } },
	{ .name = "cancelled_from",
	  .title = N_("Cancelled from"),
	  .sql =
		  (const char *const[]){
			  "+t.id IN (SELECT x.id FROM subscription x INDEXED BY subscription_cancelled"
			  " WHERE x.cancelled_at >= :f_cancelled_from_ms)",
			  NULL } },
	{ .name = NULL },
};

/* Saving */

static const char *text_value(const struct value *values, const char *name)
{
	return value_text_of(value_get(values, name), "");
}

/* What is sold, and for how much. */
static enum rc take_service(struct cx *cx, const struct value *was, struct value *values, const char **period)
{
	int64_t id = value_int_of(value_get(values, "service_id"), 0);
	int64_t was_id = value_int_of(value_get(was, "service_id"), 0);
	const struct value *price = value_get(values, "price_cents");
	bool is_empty =
		price == NULL || price->type != VALUE_INT || value_get(values, "_empty_price_cents") != NULL;
	int64_t base, given;
	struct value *service = NULL;
	enum rc rc = db_row(cx, &service,
			    "SELECT price_cents, currency, period, is_active FROM service WHERE id = :id",
			    PARAMS(P_INT(":id", id)));

	if (rc != RC_OK) return rc;
	*period = arena_text(cx->arena, text_value(service, "period"));
	if (id != was_id && value_int_of(value_get(service, "is_active"), 0) == 0)
		return cx_fail_field(cx, "service_id", _("This service is not offered any more."));
	base = value_int_of(value_get(was == NULL ? service : was, "price_cents"), 0);
	given = is_empty ? value_int_of(value_get(service, "price_cents"), 0) : price->integer;
	if (given != base && !actor_may(&cx->actor, RIGHT_PRICE))
		return cx_fail_field(cx, "price_cents",
				     _("You sell at the service's price: %s. Leave it so."),
				     money_shown(cx, base, text_value(service, "currency")));
	value_set_int(cx->arena, values, "price_cents", given);
	if (was == NULL)
		value_set_text(cx->arena, values, "currency",
			       arena_text(cx->arena, text_value(service, "currency")));
	if (id != was_id) value_set_int(cx->arena, values, "period_days", period_days_of(*period));
	return RC_OK;
}

const char *subscription_currency(struct cx *cx, const struct value *values)
{
	const char *currency = "";
	int64_t id = value_int_of(value_get(values, "service_id"), 0);

	if (id == 0 || db_get_text(cx, &currency, "SELECT currency FROM service WHERE id = :id",
				   PARAMS(P_INT(":id", id))) != RC_OK)
		return "";
	return currency;
}

static enum rc take_dates(struct cx *cx, struct value *values, const char *period)
{
	char text[DATE_SIZE];
	day start = cx_today(cx), end = 0;

	if (text_value(values, "starts_on")[0] == '\0') {
		day_text(text, start);
		value_set_text(cx->arena, values, "starts_on", text);
	} else if (day_parse(&start, text_value(values, "starts_on")) != RC_OK) {
		return RC_BUG;
	}
	if (text_value(values, "ends_on")[0] == '\0') {
		end = period_end(cx, start, period, period_days_of(period), 1);
		if (period_check(cx, "starts_on", start, end) != RC_OK) return RC_BAD_INPUT;
		day_text(text, end);
		value_set_text(cx->arena, values, "ends_on", text);
	} else if (day_parse(&end, text_value(values, "ends_on")) != RC_OK) {
		return RC_BUG;
	}
	if (start > end) return cx_fail_field(cx, "ends_on", _("The end is before the start."));
	return RC_OK;
}

/* Paid without a date was paid now; not paid has none. */
static void take_payment(struct cx *cx, struct value *values)
{
	const struct value *at = value_get(values, "payment_at");
	bool is_paid = strcmp(text_value(values, "payment_status"), "paid") == 0;

	if (is_paid && (at == NULL || at->type != VALUE_INT))
		value_set_int(cx->arena, values, "payment_at", cx_now(cx));
	if (!is_paid) value_set_null(cx->arena, values, "payment_at");
}

static void follow_end(struct cx *cx, const struct value *was, struct value *values)
{
	const char *end = text_value(values, "ends_on"), *state = text_value(was, "state");
	char today[DATE_SIZE];

	if (strcmp(text_value(was, "ends_on"), end) == 0) return;
	value_set_bool(cx->arena, values, "_end_moved", true);
	if (strcmp(state, "cancelled") == 0) return;
	day_text(today, cx_today(cx));
	if (strcmp(end, today) < 0 && strcmp(state, "active") == 0) {
		value_set_text(cx->arena, values, "state", "expired");
		value_set_int(cx->arena, values, "expired_at", cx_now(cx));
	} else if (strcmp(end, today) >= 0 && strcmp(state, "expired") == 0) {
		value_set_text(cx->arena, values, "state", "active");
		value_set_null(cx->arena, values, "expired_at");
	}
}

enum rc subscription_before_save(struct cx *cx, int64_t id, struct value *values)
{
	struct value *was = NULL;
	const char *period = "monthly", *search = "";
	enum rc rc = RC_OK, dates;

	if (id != 0)
		rc = db_row(cx, &was,
			    "SELECT service_id, price_cents, ends_on, state FROM subscription WHERE id = :id",
			    PARAMS(P_INT(":id", id)));
	if (rc == RC_OK) rc = take_service(cx, was, values, &period);
	if (rc != RC_OK && rc != RC_BAD_INPUT) return rc;
	dates = take_dates(cx, values, period);
	if (rc == RC_OK) rc = dates;
	if (rc != RC_OK) return rc;
	take_payment(cx, values);
	if (was != NULL) follow_end(cx, was, values);
	rc = db_get_text(
		cx, &search,
		"SELECT c.search || ' ' || v.search FROM client c, service v WHERE c.id = :client AND v.id = :service",
		PARAMS(P_INT(":client", value_int_of(value_get(values, "client_id"), 0)),
		       P_INT(":service", value_int_of(value_get(values, "service_id"), 0))));
	value_set_text(cx->arena, values, "search", search);
	return rc;
}

enum rc subscription_after_save(struct cx *cx, int64_t id, bool is_new, const struct value *values)
{
	if (is_new) return subscription_created(cx, id);
	if (value_get(values, "_end_moved") == NULL) return RC_OK;
	return notices_take_back(cx, id, "end_moved");
}

enum rc subscription_before_archive(struct cx *cx, int64_t id)
{
	int64_t is_active = 0;
	enum rc rc = db_get_int(cx, &is_active, "SELECT state = 'active' FROM subscription WHERE id = :id",
				PARAMS(P_INT(":id", id)));

	if (rc != RC_OK || is_active == 0) return rc;
	return cx_fail(cx, RC_CONFLICT, _("This subscription is active. Cancel it first."));
}

/* Actions */

static enum rc run_remind(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	const char *phone = "";
	int days = 0;
	enum rc rc = reminder_send(cx, id, &phone, &days);

	(void)call;
	if (rc == RC_OK) *done = arena_printf(cx->arena, _("The reminder to %s is on its way."), phone);
	return rc;
}

static enum rc run_renew_one(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed out;
	int64_t last = 0;
	day end = 0;
	char shown[DATE_SIZE];
	enum rc rc = tx_begin(cx);

	(void)call;
	if (rc != RC_OK) return rc;
	rc = db_get_int(
		cx, &last,
		"SELECT coalesce(max(created_at), 0) FROM subscription_period WHERE subscription_id = :id AND undone_at IS NULL"
		" AND previous_json <> ''",
		PARAMS(P_INT(":id", id)));
	if (rc == RC_OK && last != 0 && cx_now(cx) - last < BULK_RENEW_GAP_MS)
		rc = cx_fail(cx, RC_CONFLICT,
			     _("It was renewed less than a minute ago; nothing was done now."));
	if (rc == RC_OK) rc = renew_run(cx, &out, id, &o);
	rc = tx_end(cx, rc);
	if (rc != RC_OK) return rc;
	if (day_parse(&end, out.ends_on) != RC_OK) return RC_BUG;
	day_text_local(shown, end);
	*done = arena_printf(cx->arena, _("Renewed until %s."), shown);
	return RC_OK;
}

static enum rc run_cancel_now(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The subscription is cancelled.");
	return subscription_cancel(cx, id, BULK_CANCEL_REASON, false);
}

static enum rc run_undo(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The renewal is undone: dates and payment are as before.");
	return renew_undo(cx, id);
}

const struct action subscription_actions[] = {
	{ .name = "renew",
	  .title = N_("Renew"),
	  .right = "subscriptions.edit",
	  .when = "t.state <> 'cancelled' AND t.cancel_at_end = 0",
	  .page = "/subscriptions/:id/renew" },
	{ .name = "reactivate",
	  .title = N_("Reactivate"),
	  .right = "subscriptions.edit",
	  .when = "t.state = 'cancelled' OR t.cancel_at_end = 1",
	  .page = "/subscriptions/:id/reactivate" },
	{ .name = "remind",
	  .title = N_("Send reminder"),
	  .right = "subscriptions.remind",
	  .confirm = N_("Send the customer a reminder by WhatsApp now?"),
	  .is_bulk = true,
	  .when = "t.state <> 'cancelled' AND c.phone IS NOT NULL AND c.phone_kind <> 'landline'",
	  .run = run_remind },
	{ .name = "renew-one",
	  .title = N_("Renew 1 period"),
	  .right = "subscriptions.edit",
	  .confirm = N_("Renew for one period at the current price, payment pending?"),
	  .is_bulk = true,
	  .when = "t.state <> 'cancelled' AND t.cancel_at_end = 0",
	  .run = run_renew_one },
	{ .name = "mark-paid",
	  .title = N_("Mark as paid"),
	  .right = "payments.edit",
	  .confirm = N_("Note the price as paid, with today's date?"),
	  .is_bulk = true,
	  .when = "t.payment_status = 'pending'",
	  .run = payment_mark_paid },
	{ .name = "cancel",
	  .title = N_("Cancel"),
	  .right = "subscriptions.edit",
	  .is_dangerous = true,
	  .when = "t.state <> 'cancelled'",
	  .page = "/subscriptions/:id/cancel" },
	{ .name = "cancel-now",
	  .title = N_("Cancel now"),
	  .right = "subscriptions.edit",
	  .confirm = N_("Cancel at once, with no more notices?"),
	  .is_bulk = true,
	  .is_dangerous = true,
	  .when = "t.state <> 'cancelled'",
	  .run = run_cancel_now },
	{ .name = "undo-renewal",
	  .title = N_("Undo the renewal"),
	  .right = "subscriptions.undo",
	  .is_dangerous = true,
	  .when = "t.state = 'active' AND t.cancel_at_end = 0 AND EXISTS (SELECT 1 FROM subscription_period x WHERE x.id ="
		  " (SELECT max(y.id) FROM subscription_period y WHERE y.subscription_id = t.id AND y.undone_at IS NULL)"
		  " AND x.previous_json <> '' AND x.ends_on = t.ends_on AND x.created_at > :now - 86400000)",
	  .page = "/subscriptions/:id/undo-renewal",
	  .run = run_undo },
	{ .name = NULL },
};
