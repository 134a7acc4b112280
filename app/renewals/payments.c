/*
** payments.c -- money received by hand, as the office shows and takes it.
**
**   pending --> completed | failed | cancelled        completed --> refunded
**
** Owns:   columns, hooks and actions of the resource payments.
** Never:  moves money, or the end of a subscription (renew.c does, when asked to).
** Holds:  (1) only the drawn steps are taken; (2) completing marks the subscription paid, refunding opens it
**         again; (3) what is completed keeps its amount, method and date.
*/
#include "renewals/resources.h"
#include "base/text.h"
#include <string.h>

const struct column payment_columns[] = {
	{ .name = "receipt",
	  .title = N_("Receipt"),
	  .type = COLUMN_TEXT,
	  .flags = COL_LIST | COL_READONLY,
	  .sql = "printf('%06d', t.id)" },
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

static bool may_become(const char *from, const char *to)
{
	static const char *const steps[][2] = { { "pending", "completed" },
						{ "pending", "failed" },
						{ "pending", "cancelled" },
						{ "completed", "refunded" } };

	if (strcmp(from, to) == 0) return true;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (strcmp(steps[i][0], from) == 0 && strcmp(steps[i][1], to) == 0) return true;
	return false;
}

static enum rc check_step(struct cx *cx, const struct value *was, struct value *values)
{
	const char *from = text_value(was, "state"), *to = text_value(values, "state");
	bool is_kept = int_value(was, "amount_cents") == int_value(values, "amount_cents") &&
		       int_value(was, "paid_at") == int_value(values, "paid_at") &&
		       strcmp(text_value(was, "method"), text_value(values, "method")) == 0;

	if (!may_become(from, to))
		return cx_fail_field(cx, "state", _("A payment in this state cannot take that step."));
	if (strcmp(to, "refunded") == 0 && strcmp(from, to) != 0 && !actor_may(&cx->actor, "payments.refund"))
		return cx_fail_field(cx, "state", _("You may not refund payments."));
	if (strcmp(from, "pending") != 0 && !is_kept)
		return cx_fail_field(cx, "amount_cents",
				     _("Amount, method and date of a settled payment stay as they are."));
	value_set_text(cx->arena, values, "_was", arena_text(cx->arena, from));
	return RC_OK;
}

enum rc payment_before_save(struct cx *cx, int64_t id, struct value *values)
{
	struct value *was = NULL, *sold = NULL;
	enum rc rc =
		db_row(cx, &sold, "SELECT price_cents, currency, search FROM subscription WHERE id = :id",
		       PARAMS(P_INT(":id", int_value(values, "subscription_id"))));

	if (rc == RC_OK && id != 0)
		rc = db_row(cx, &was,
			    "SELECT state, amount_cents, paid_at, method FROM payment WHERE id = :id",
			    PARAMS(P_INT(":id", id)));
	if (rc != RC_OK) return rc;
	if (id == 0 && int_value(values, "amount_cents") == 0)
		value_set_int(cx->arena, values, "amount_cents", int_value(sold, "price_cents"));
	if (int_value(values, "amount_cents") <= 0)
		return cx_fail_field(cx, "amount_cents", _("This is needed."));
	if (int_value(values, "paid_at") == 0) value_set_int(cx->arena, values, "paid_at", cx_now(cx));
	if (id == 0) {
		if (strcmp(text_value(values, "state"), "pending") != 0 &&
		    strcmp(text_value(values, "state"), "completed") != 0)
			return cx_fail_field(cx, "state", _("A new payment is completed or pending."));
		value_set_text(cx->arena, values, "currency",
			       arena_text(cx->arena, text_value(sold, "currency")));
	} else {
		rc = check_step(cx, was, values);
	}
	value_set_text(cx->arena, values, "search",
		       arena_printf(cx->arena, "%s %s", text_value(sold, "search"),
				    text_fold(cx->arena, text_value(values, "reference"))));
	return rc;
}

/* What the subscription says about its payment, after a payment took a step. */
static enum rc tell_subscription(struct cx *cx, int64_t subscription_id, bool is_paid, instant at)
{
	return db_run(
		cx,
		"UPDATE subscription SET payment_status = CASE :paid WHEN 1 THEN 'paid' ELSE 'pending' END,"
		" payment_at = CASE :paid WHEN 1 THEN coalesce(payment_at, :at) ELSE NULL END, updated_at = :now"
		" WHERE id = :id",
		PARAMS(P_INT(":paid", is_paid), P_INT(":at", at), P_INT(":now", cx_now(cx)),
		       P_INT(":id", subscription_id)));
}

enum rc payment_after_save(struct cx *cx, int64_t id, bool is_new, const struct value *values)
{
	const char *state = text_value(values, "state");
	bool is_step = is_new || strcmp(text_value(values, "_was"), state) != 0;

	(void)id;
	if (!is_step) return RC_OK;
	if (strcmp(state, "completed") == 0)
		return tell_subscription(cx, int_value(values, "subscription_id"), true,
					 int_value(values, "paid_at"));
	if (strcmp(state, "refunded") == 0)
		return tell_subscription(cx, int_value(values, "subscription_id"), false, 0);
	return RC_OK;
}

/* Actions */

static enum rc take_step(struct cx *cx, int64_t id, const char *state)
{
	struct value *input = value_map(cx->arena);
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, input, "state", state);
	if (strcmp(state, "completed") == 0) value_set_text(cx->arena, input, "paid_at", "");
	rc = desk_save(cx, desk_resource("payments"), &id, input);
	if (rc == RC_BAD_INPUT && cx->field_count > 0) cx->message = cx->fields[0].message;
	return tx_end(cx, rc);
}

static enum rc run_complete(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The payment is completed; the subscription is paid.");
	return take_step(cx, id, "completed");
}

static enum rc run_refund(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("Noted as refunded; the subscription is unpaid again.");
	return take_step(cx, id, "refunded");
}

static enum rc run_cancel(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The payment is cancelled.");
	return take_step(cx, id, "cancelled");
}

const struct action payment_actions[] = {
	{ .name = "receipt",
	  .title = N_("Receipt"),
	  .right = "payments.view",
	  .page = "/payments/:id/receipt" },
	{ .name = "complete",
	  .title = N_("Complete"),
	  .right = "payments.edit",
	  .confirm = N_("Has the money arrived?"),
	  .is_bulk = true,
	  .when = "t.state = 'pending'",
	  .run = run_complete },
	{ .name = "refund",
	  .title = N_("Refund"),
	  .right = "payments.refund",
	  .confirm = N_("Note this payment as given back? The subscription is unpaid again."),
	  .is_dangerous = true,
	  .when = "t.state = 'completed'",
	  .run = run_refund },
	{ .name = "cancel",
	  .title = N_("Cancel"),
	  .right = "payments.edit",
	  .confirm = N_("Cancel this payment?"),
	  .is_dangerous = true,
	  .when = "t.state = 'pending'",
	  .run = run_cancel },
	{ .name = NULL },
};

/* A subscription marked as paid */

static enum rc add_completed(struct cx *cx, int64_t subscription_id)
{
	struct value *row = NULL, *input = value_map(cx->arena);
	int64_t id = 0;
	enum rc rc = db_row(cx, &row, "SELECT price_cents, payment_method FROM subscription WHERE id = :id",
			    PARAMS(P_INT(":id", subscription_id)));

	if (rc != RC_OK) return rc;
	if (int_value(row, "price_cents") == 0)
		return tell_subscription(cx, subscription_id, true, cx_now(cx));
	value_set_text(cx->arena, input, "subscription_id",
		       arena_printf(cx->arena, "%lld", (long long)subscription_id));
	value_set_text(cx->arena, input, "method", text_value(row, "payment_method"));
	return desk_save(cx, desk_resource("payments"), &id, input);
}

static enum rc write_paid(struct cx *cx, int64_t subscription_id)
{
	struct value *pending = NULL;
	enum rc rc = db_rows(
		cx, &pending, 1, /* the newest: older ones belong to other periods */
		"SELECT id FROM payment WHERE subscription_id = :id AND state = 'pending' AND archived_at IS NULL"
		" ORDER BY paid_at DESC LIMIT 1",
		PARAMS(P_INT(":id", subscription_id)));

	if (rc != RC_OK) return rc;
	if (pending->count == 0) return add_completed(cx, subscription_id);
	return take_step(cx, int_value(pending->first, "id"), "completed");
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
	" WHERE paid_at >= :from AND state = 'completed' AND archived_at IS NULL AND (:all OR subscription_id IN"
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
			   P_INT(":all", actor_may(&cx->actor, RIGHT_ALL)),
			   P_INT(":actor", cx->actor.user_id))) != RC_OK)
		return;
	if (rows->count == 0) card_add(cx, page, _("Received today"), money_shown(cx, 0, ""), NULL);
	for (const struct value *r = rows->first; r != NULL; r = r->next)
		for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
			if (strcmp(methods[i].code, text_value(r, "method")) == 0)
				card_add(
					cx, page, words_get(cx->lang, methods[i].title),
					money_shown(cx, int_value(r, "sum_cents"), text_value(r, "currency")),
					NULL);
}
