/*
** payments.c -- money received by hand, as the office shows and takes it.
**
** Owns:   columns, hooks and actions of the resource payments.
** Needs:  payment_steps.c, which says what each step does.
** Never:  moves money, or the end of a subscription (renew.c does, when asked to).
** Holds:  (1) only the steps that payment_steps.h draws are taken; (2) what is settled keeps its amount,
**         method and date; (3) who may see a payment's customer may see it, by every door.
*/
#include "renewals/payment_steps.h"
#include "renewals/resources.h"
#include "base/text.h"
#include <string.h>

const struct column payment_columns[] = {
	{ .name = "request",
	  .title = N_("Request"),
	  .type = COLUMN_TEXT,
	  .flags = COL_LIST | COL_READONLY,
	  .sql = "printf('%06d', t.id)" },
	{ .name = "receipt",
	  .title = N_("Receipt"),
	  .type = COLUMN_TEXT,
	  .flags = COL_LIST | COL_READONLY,
	  .sql = "CASE WHEN t.receipt_number IS NULL THEN '' ELSE printf('%06d', t.receipt_number) END" },
	{ .name = "paid_at",
	  .title = N_("Date"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_LIST,
	  .help = N_("Left empty: now."),
	  .aliases = "payment_date|fecha" },
	{ .name = "client_id",
	  .title = N_("Customer"),
	  .type = COLUMN_REF,
	  .ref = "clients",
	  .flags = COL_LIST | COL_READONLY,
	  .sql = "s.client_id" },
	{ .name = "subscription_id",
	  .title = N_("Subscription"),
	  .type = COLUMN_REF,
	  .ref = "subscriptions",
	  .flags = COL_REQUIRED | COL_CREATE,
	  .aliases = "subscription|suscripcion" },
	{ .name = "service",
	  .title = N_("Service"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY,
	  .sql = "v.display_name" },
	{ .name = "currency",
	  .title = N_("Currency"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_HIDDEN },
	{ .name = "amount_cents",
	  .title = N_("Amount"),
	  .type = COLUMN_CENTS,
	  .flags = COL_LIST,
	  .min = 1,
	  .choices = "currency",
	  .help = N_("Left empty: the subscription's price."),
	  .aliases = "amount|monto" },
	{ .name = "method",
	  .title = N_("Method"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_REQUIRED | COL_LIST,
	  .choices = PAYMENT_METHODS,
	  .def = "cash",
	  .aliases = "payment_method|metodo|metodo_pago" },
	{ .name = "state",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_REQUIRED | COL_LIST,
	  .choices =
		  "completed=Completed|pending=Pending|failed=Failed|refunded=Refunded|cancelled=Cancelled",
	  .def = "completed",
	  .aliases = "payment_status|estado" },
	{ .name = "reference",
	  .title = N_("Reference"),
	  .type = COLUMN_TEXT,
	  .flags = COL_LIST | COL_SEARCH,
	  .max = 100,
	  .help = N_("Number of the transfer or receipt."),
	  .aliases = "referencia" },
	{ .name = "covers_from",
	  .title = N_("Pays from"),
	  .type = COLUMN_DATE,
	  .flags = COL_READONLY,
	  .sql = "(SELECT x.starts_on FROM subscription_period x WHERE x.id = t.period_id)" },
	{ .name = "covers_until",
	  .title = N_("Pays until"),
	  .type = COLUMN_DATE,
	  .flags = COL_READONLY,
	  .sql = "(SELECT x.ends_on FROM subscription_period x WHERE x.id = t.period_id)" },
	{ .name = "renews_periods",
	  .title = N_("Periods it renews once paid"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY },
	{ .name = "refunded_at",
	  .title = N_("Given back on"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY },
	{ .name = "notes", .title = N_("Notes"), .type = COLUMN_LONG_TEXT, .max = 2000, .aliases = "notas" },
	{ .name = "created_by", .title = N_("By"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "created_at", .title = N_("Registered"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "updated_at",
	  .title = N_("Changed"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_HIDDEN },
	{ .name = NULL },
};

const struct sort payment_sorts[] = {
	{ .name = "paid_at", .title = N_("Date"), .sql = "t.paid_at", .is_down = true },
	{ .name = NULL },
};

const struct filter payment_filters[] = {
	{ .name = "state",
	  .title = N_("State"),
	  .choices =
		  "completed=Completed|pending=Pending|failed=Failed|refunded=Refunded|cancelled=Cancelled",
	  .sql = (const char *const[]){ "t.state = 'completed'", "t.state = 'pending'", "t.state = 'failed'",
					"t.state = 'refunded'", "t.state = 'cancelled'", NULL } },
	{ .name = "method",
	  .title = N_("Method"),
	  .choices = PAYMENT_METHODS,
	  .sql = (const char *const[]){ "t.method = 'cash'", "t.method = 'transfer'", "t.method = 'card'",
					"t.method = 'paypal'", "t.method = 'other'", NULL } },
	{ .name = "paid_from",
	  .title = N_("From"),
	  .sql = (const char *const[]){ "t.paid_at >= :f_paid_from_ms", NULL } },
	{ .name = "paid_to",
	  .title = N_("Until"),
	  .sql = (const char *const[]){ "t.paid_at < :f_paid_to_end_ms", NULL } },
	{ .name = "client",
	  .title = N_("Customer"),
	  .ref = "clients",
	  .sql =
		  (const char *const[]){
			  "+t.subscription_id IN (SELECT x.id FROM subscription x WHERE x.client_id = :f_client)",
			  NULL } },
	{ .name = "service",
	  .title = N_("Service"),
	  .ref = "services",
	  .sql =
		  (const char *const[]){
			  "+t.subscription_id IN (SELECT x.id FROM subscription x WHERE x.service_id = :f_service)",
			  NULL } },
	{ .name = "subscription",
	  .title = N_("Subscription"),
	  .ref = "subscriptions",
	  .sql = (const char *const[]){ "+t.subscription_id = :f_subscription", NULL } },
	{ .name = NULL },
};

/* Saving */

static const char *text_value(const struct value *values, const char *name)
{
	return value_text_of(value_get(values, name), "");
}

static int64_t int_value(const struct value *values, const char *name)
{
	return value_int_of(value_get(values, name), 0);
}

static enum rc check_step(struct cx *cx, const struct value *was, struct value *values)
{
	const char *from = text_value(was, "state"), *to = text_value(values, "state");
	bool is_kept = int_value(was, "amount_cents") == int_value(values, "amount_cents") &&
		       int_value(was, "paid_at") == int_value(values, "paid_at") &&
		       strcmp(text_value(was, "method"), text_value(values, "method")) == 0;

	if (strcmp(from, to) != 0 && !payment_may_become(from, to))
		return cx_fail_field(cx, "state", _("A payment in this state cannot take that step."));
	/* Saving alone would take the money and renew nothing. */
	if (strcmp(to, "completed") == 0 && strcmp(from, to) != 0 && int_value(was, "renews_periods") > 0)
		return cx_fail_field(
			cx, "state",
			_("This payment renews the subscription: use “Complete”, which does both."));
	if (strcmp(to, "refunded") == 0 && strcmp(from, to) != 0 && !actor_may(&cx->actor, "payments.refund"))
		return cx_fail_field(cx, "state", _("You may not refund payments."));
	if (strcmp(from, "pending") != 0 && !is_kept)
		return cx_fail_field(cx, "amount_cents",
				     _("Amount, method and date of a settled payment stay as they are."));
	value_set_text(cx->arena, values, "_was", arena_text(cx->arena, from));
	return RC_OK;
}

static enum rc take_amount(struct cx *cx, int64_t id, const struct value *sold, struct value *values)
{
	if (id == 0 && int_value(values, "amount_cents") == 0)
		value_set_int(cx->arena, values, "amount_cents", int_value(sold, "price_cents"));
	if (int_value(values, "amount_cents") <= 0)
		return cx_fail_field(cx, "amount_cents", _("This is needed."));
	if (id == 0)
		value_set_text(cx->arena, values, "currency",
			       arena_text(cx->arena, text_value(sold, "currency")));
	if (int_value(values, "paid_at") == 0) value_set_int(cx->arena, values, "paid_at", cx_now(cx));
	return RC_OK;
}

const char *payment_currency(struct cx *cx, const struct value *values)
{
	const char *currency = "";
	int64_t id = int_value(values, "subscription_id");

	if (id == 0 || db_get_text(cx, &currency, "SELECT currency FROM subscription WHERE id = :id",
				   PARAMS(P_INT(":id", id))) != RC_OK)
		return "";
	return currency;
}

/* Money that arrives with this save gets the next receipt; money given back, the hour. */
static enum rc take_stamps(struct cx *cx, const struct value *was, struct value *values)
{
	const char *from = text_value(was, "state"), *to = text_value(values, "state");
	int64_t number = 0;
	enum rc rc = RC_OK;

	if (strcmp(from, to) == 0) return RC_OK;
	if (strcmp(to, "refunded") == 0) value_set_int(cx->arena, values, "refunded_at", cx_now(cx));
	if (strcmp(to, "completed") != 0) return RC_OK;
	rc = receipt_number_next(cx, &number);
	if (rc == RC_OK) value_set_int(cx->arena, values, "receipt_number", number);
	return rc;
}

enum rc payment_before_save(struct cx *cx, int64_t id, struct value *values)
{
	struct value *was = NULL, *sold = NULL;
	enum rc rc =
		db_row(cx, &sold, "SELECT price_cents, currency, search FROM subscription WHERE id = :id",
		       PARAMS(P_INT(":id", int_value(values, "subscription_id"))));

	if (rc == RC_OK && id != 0)
		rc = db_row(
			cx, &was,
			"SELECT state, amount_cents, paid_at, method, renews_periods FROM payment WHERE id = :id",
			PARAMS(P_INT(":id", id)));
	if (rc == RC_OK) rc = take_amount(cx, id, sold, values);
	if (rc != RC_OK) return rc;
	if (id != 0)
		rc = check_step(cx, was, values);
	else if (strcmp(text_value(values, "state"), "pending") != 0 &&
		 strcmp(text_value(values, "state"), "completed") != 0)
		rc = cx_fail_field(cx, "state", _("A new payment is completed or pending."));
	if (rc == RC_OK) rc = take_stamps(cx, was, values);
	value_set_text(cx->arena, values, "search",
		       arena_printf(cx->arena, "%s %s", text_value(sold, "search"),
				    text_fold(cx->arena, text_value(values, "reference"))));
	return rc;
}

enum rc payment_after_save(struct cx *cx, int64_t id, bool is_new, const struct value *values)
{
	const char *state = text_value(values, "state");
	bool is_step = is_new || strcmp(text_value(values, "_was"), state) != 0;

	return is_step ? payment_follow(cx, id, state) : RC_OK;
}

/* Actions */

static enum rc take_step(struct cx *cx, int64_t id, const char *state)
{
	struct value *input = value_map(cx->arena);
	const char *from = "";
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_get_text(cx, &from, "SELECT state FROM payment WHERE id = :id", PARAMS(P_INT(":id", id)));
	if (rc == RC_OK && !payment_may_become(from, state))
		rc = cx_fail(cx, RC_CONFLICT, _("A payment in this state cannot take that step."));
	value_set_text(cx->arena, input, "state", state);
	if (rc == RC_OK) rc = desk_save(cx, desk_resource("payments"), &id, input);
	return tx_end(cx, rc);
}

/* What the person chose: on the page a box, in a body "renew" and "periods"; said nothing, as the request says. */
static int periods_chosen(struct call *call)
{
	const char *renew = call != NULL ? form_text(call, "renew") : NULL;
	const char *periods = call != NULL ? form_text(call, "periods") : NULL;
	bool was_asked = call != NULL && form_text(call, "asked") != NULL;
	int n = 0;

	if (renew == NULL && periods != NULL && !was_asked) renew = "1";
	if (renew == NULL) return was_asked ? 0 : RENEW_AS_ASKED;
	if (strcmp(renew, "1") != 0) return 0;
	if (periods == NULL || periods[0] == '\0') return 1;
	for (const char *p = periods; *p != '\0'; p++) {
		if (*p < '0' || *p > '9' || n > RENEW_PERIODS_MAX) return RENEW_PERIODS_MAX + 1;
		n = n * 10 + (*p - '0');
	}
	return n == 0 ? RENEW_PERIODS_MAX + 1 : n; /* refused with the bounds */
}

static enum rc run_complete(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	struct payment_completed out;
	int periods = periods_chosen(call);
	enum rc rc;

	if (periods > 0 && !actor_may(&cx->actor, "subscriptions.edit"))
		return cx_fail(cx, RC_DENIED, _("You may not renew subscriptions."));
	rc = payment_complete(cx, &out, id, periods);
	if (rc != RC_OK) return rc;
	if (out.is_repeat)
		*done = _("This payment was completed before; nothing was done now.");
	else if (out.is_renewed)
		*done = arena_printf(cx->arena,
				     _("The payment is completed with receipt %06lld; renewed until %s."),
				     (long long)out.receipt_number, day_shown(cx, out.ends_on));
	else
		*done = arena_printf(cx->arena, _("The payment is completed with receipt %06lld."),
				     (long long)out.receipt_number);
	return RC_OK;
}

static enum rc run_fail(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("Noted: the money did not arrive.");
	return take_step(cx, id, "failed");
}

static enum rc run_refund(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("Noted as refunded; the period it paid for is unpaid again.");
	return take_step(cx, id, "refunded");
}

static enum rc run_cancel(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The payment is cancelled.");
	return take_step(cx, id, "cancelled");
}

#define CAN_BE_WRITTEN_TO " AND c.phone IS NOT NULL AND c.phone_kind <> 'landline'"

const struct action payment_actions[] = {
	{ .name = "complete",
	  .title = N_("Complete"),
	  .right = "payments.edit",
	  .confirm = N_("Has the money arrived? What was asked for as a renewal is renewed with it."),
	  .is_bulk = true,
	  .when = "t.state = 'pending'",
	  .page = "/payments/:id/complete",
	  .run = run_complete },
	{ .name = "instructions",
	  .title = N_("How to pay"),
	  .right = "payments.view",
	  .when = "t.state = 'pending'",
	  .page = "/payments/:id/instructions" },
	{ .name = "send-instructions",
	  .title = N_("Send how to pay"),
	  .right = "payments.edit",
	  .confirm = N_("Send the customer by WhatsApp how to pay this?"),
	  .is_bulk = true,
	  .when = "t.state = 'pending'" CAN_BE_WRITTEN_TO,
	  .run = run_send_instructions },
	{ .name = "receipt",
	  .title = N_("Receipt"),
	  .right = "payments.view",
	  .when = "t.receipt_number IS NOT NULL",
	  .page = "/payments/:id/receipt" },
	{ .name = "send-receipt",
	  .title = N_("Send the receipt"),
	  .right = "payments.edit",
	  .confirm = N_("Send the customer the receipt by WhatsApp?"),
	  .is_bulk = true,
	  .when = "t.state = 'completed'" CAN_BE_WRITTEN_TO,
	  .run = run_send_receipt },
	{ .name = "fail",
	  .title = N_("Did not arrive"),
	  .right = "payments.edit",
	  .confirm = N_("Note that this money did not arrive? It is not expected any more."),
	  .is_bulk = true,
	  .is_dangerous = true,
	  .when = "t.state = 'pending'",
	  .run = run_fail },
	{ .name = "cancel",
	  .title = N_("Cancel"),
	  .right = "payments.edit",
	  .confirm = N_("Cancel this payment? It is not expected any more."),
	  .is_bulk = true,
	  .is_dangerous = true,
	  .when = "t.state = 'pending'",
	  .run = run_cancel },
	{ .name = "refund",
	  .title = N_("Refund"),
	  .right = "payments.refund",
	  .confirm = N_(
		  "Note this payment as given back? The period it paid for is unpaid again; its last day stays."),
	  .is_dangerous = true,
	  .when = "t.state = 'completed'",
	  .run = run_refund },
	{ .name = NULL },
};

/* A subscription marked as paid */

static enum rc add_completed(struct cx *cx, int64_t subscription_id)
{
	struct value *row = NULL;
	int64_t id = 0;
	enum rc rc = db_row(cx, &row,
			    "SELECT price_cents, currency, payment_method FROM subscription WHERE id = :id",
			    PARAMS(P_INT(":id", subscription_id)));

	if (rc != RC_OK) return rc;
	if (int_value(row, "price_cents") == 0) /* what costs nothing needs no receipt */
		return db_run(
			cx,
			"UPDATE subscription SET payment_status = 'paid', payment_at = coalesce(payment_at, :now), updated_at = :now"
			" WHERE id = :id",
			PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", subscription_id)));
	return payment_add(cx, &id,
			   &(struct payment_new){ .subscription_id = subscription_id,
						  .amount_cents = int_value(row, "price_cents"),
						  .currency = text_value(row, "currency"),
						  .method = text_value(row, "payment_method"),
						  .state = "completed" });
}

static enum rc write_paid(struct cx *cx, int64_t subscription_id)
{
	struct payment_completed out;
	struct value *row = NULL, *pending = NULL;
	enum rc rc = db_row(cx, &row, "SELECT payment_status FROM subscription WHERE id = :id",
			    PARAMS(P_INT(":id", subscription_id)));

	if (rc == RC_OK && strcmp(text_value(row, "payment_status"), "paid") == 0)
		return cx_fail(cx, RC_CONFLICT, _("It is paid already."));
	if (rc == RC_OK)
		rc = db_rows(
			/* the newest: older ones belong to other periods; not a request to renew */
			cx, &pending, 1,
			"SELECT id FROM payment WHERE subscription_id = :id AND state = 'pending' AND renews_periods = 0"
			" AND archived_at IS NULL ORDER BY paid_at DESC LIMIT 1",
			PARAMS(P_INT(":id", subscription_id)));
	if (rc != RC_OK) return rc;
	if (pending->count == 0) return add_completed(cx, subscription_id);
	return payment_complete(cx, &out, int_value(pending->first, "id"), 0);
}

enum rc payment_mark_paid(struct cx *cx, int64_t subscription_id, struct call *call, const char **done)
{
	enum rc rc = tx_begin(cx);

	(void)call;
	*done = _("Noted as paid.");
	return rc == RC_OK ? tx_end(cx, write_paid(cx, subscription_id)) : rc;
}

/* Above the list: what came in today, by method */

static const char today_sql[] =
	"SELECT method, currency, sum(amount_cents) AS sum_cents FROM payment INDEXED BY payment_list"
	" WHERE paid_at >= :from AND paid_at < :to AND state = 'completed' AND archived_at IS NULL AND (:all OR subscription_id IN"
	" (SELECT id FROM subscription WHERE client_id IN " OWN_CLIENTS ")) GROUP BY method, currency";

void payment_list(struct cx *cx, struct value *page)
{
	static const struct {
		const char *code, *title;
	} methods[] = {
		{ "cash", N_("Today in cash") },    { "transfer", N_("Today by transfer") },
		{ "card", N_("Today by card") },    { "paypal", N_("Today by PayPal") },
		{ "other", N_("Today otherwise") },
	};
	struct value *rows = NULL;

	if (db_rows(cx, &rows, 20, today_sql,
		    PARAMS(P_INT(":from", zone_midnight(cx->env->zone, cx_today(cx))),
			   P_INT(":to", zone_midnight(cx->env->zone, cx_today(cx) + 1)),
			   P_INT(":all", actor_may(&cx->actor, RIGHT_ALL)),
			   P_INT(":actor", cx->actor.user_id))) != RC_OK)
		return;
	if (rows->count == 0)
		card_add(cx, page, _("Received today"), money_shown(cx, 0, ""), "/renewals/daily");
	for (const struct value *r = rows->first; r != NULL; r = r->next)
		for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
			if (strcmp(methods[i].code, text_value(r, "method")) == 0)
				card_add(
					cx, page, words_get(cx->lang, methods[i].title),
					money_shown(cx, int_value(r, "sum_cents"), text_value(r, "currency")),
					"/renewals/daily");
}
