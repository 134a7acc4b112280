/*
** payment_steps.c -- the one place that moves a payment from state to state, and its period with it.
**
** Needs:  a write transaction of the caller, unless the header says otherwise; renew.c to renew.
** Never:  asks for rights: the doors (payments.c, checkout.c, commands.c) do.
** Holds:  what payment_steps.h promises.
*/
#include "renewals/payment_steps.h"
#include "base/text.h"
#include <string.h>

#define RESPELLED_MAX 1000 /* far more than one customer pays in a lifetime; a rename may not run for ever */

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

bool payment_may_become(const char *from, const char *to)
{
	static const char *const steps[][2] = { { "pending", "completed" },
						{ "pending", "failed" },
						{ "pending", "cancelled" },
						{ "completed", "refunded" } };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (strcmp(steps[i][0], from) == 0 && strcmp(steps[i][1], to) == 0) return true;
	return false;
}

bool payment_method_is_known(const char *method)
{
	static const char *const methods[] = { "cash", "transfer", "card", "paypal", "other" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(methods[i], method) == 0) return true;
	return false;
}

enum rc receipt_number_next(struct cx *cx, int64_t *out)
{
	return db_get_int(
		cx, out,
		"SELECT coalesce(max(receipt_number), 0) + 1 FROM payment WHERE receipt_number IS NOT NULL",
		NO_PARAMS);
}

/* What the payment is for */

enum rc payment_cover(struct cx *cx, int64_t id, int64_t period_id)
{
	enum rc rc = db_run(cx, "UPDATE payment SET period_id = :period WHERE id = :id",
			    PARAMS(P_INT(":period", period_id), P_INT(":id", id)));

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE subscription_period SET payment_id = NULL WHERE payment_id = :id AND id <> :period",
			PARAMS(P_INT(":id", id), P_INT(":period", period_id)));
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE subscription_period SET payment_id = :id WHERE id = :period",
			    PARAMS(P_INT(":id", id), P_INT(":period", period_id)));
	return rc;
}

struct newest {
	int64_t period_id; /* 0: the subscription has none                  */
	bool is_covered;   /* by a payment that came or is still awaited    */
	bool is_paid;      /* by one that came                              */
	bool is_given_back;
};

static enum rc newest_period(struct cx *cx, struct newest *out, int64_t subscription_id)
{
	struct value *row = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT p.id, coalesce(x.state, '') AS state FROM subscription_period p LEFT JOIN payment x ON x.id = p.payment_id"
		" WHERE p.subscription_id = :id AND p.undone_at IS NULL ORDER BY p.id DESC LIMIT 1",
		PARAMS(P_INT(":id", subscription_id)));

	*out = (struct newest){ .period_id = 0 };
	if (rc == RC_NOT_FOUND) return RC_OK;
	if (rc != RC_OK) return rc;
	out->period_id = int_of(row, "id");
	out->is_paid = strcmp(text_of(row, "state"), "completed") == 0;
	out->is_given_back = strcmp(text_of(row, "state"), "refunded") == 0;
	out->is_covered = out->is_paid || strcmp(text_of(row, "state"), "pending") == 0;
	return RC_OK;
}

/* What the subscription says about its newest period. A date that is there stays (spec §11). */
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

enum rc payment_follow(struct cx *cx, int64_t id, const char *to)
{
	struct value *row = NULL;
	struct newest newest;
	int64_t subscription, period;
	bool is_completed = strcmp(to, "completed") == 0;
	enum rc rc = db_row(
		cx, &row,
		"SELECT subscription_id, period_id, paid_at, renews_periods FROM payment WHERE id = :id",
		PARAMS(P_INT(":id", id)));

	if (rc != RC_OK) return rc;
	subscription = int_of(row, "subscription_id");
	period = int_of(row, "period_id");
	rc = newest_period(cx, &newest, subscription);
	if (rc != RC_OK) return rc;
	if (period == 0 && newest.period_id != 0 && !newest.is_covered &&
	    (is_completed || (strcmp(to, "pending") == 0 && int_of(row, "renews_periods") == 0))) {
		period = newest.period_id;
		rc = payment_cover(cx, id, period);
	}
	/* An older period's payment says nothing about the one that runs now. */
	if (rc != RC_OK || (period != 0 && period != newest.period_id)) return rc;
	if (is_completed) return tell_subscription(cx, subscription, true, int_of(row, "paid_at"));
	/* Given back; an extra one given back leaves the period as paid as it was. */
	if (strcmp(to, "refunded") == 0 && (period != 0 || !newest.is_paid))
		return tell_subscription(cx, subscription, false, 0);
	return RC_OK;
}

enum rc payment_retell(struct cx *cx, int64_t subscription_id)
{
	struct newest newest;
	enum rc rc = newest_period(cx, &newest, subscription_id);

	if (rc != RC_OK || (!newest.is_paid && !newest.is_given_back)) return rc;
	return tell_subscription(cx, subscription_id, newest.is_paid, cx_now(cx));
}

/* Birth */

static enum rc insert(struct cx *cx, int64_t *id, const struct payment_new *p, int64_t receipt)
{
	char public_id[PUBLIC_ID_SIZE];
	const char *search = "", *reference = p->reference != NULL ? p->reference : "";
	enum rc rc = db_get_text(cx, &search, "SELECT search FROM subscription WHERE id = :id",
				 PARAMS(P_INT(":id", p->subscription_id)));

	public_id_new(public_id);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT INTO payment (public_id, subscription_id, amount_cents, currency, method, state, paid_at, reference, notes,"
			" receipt_number, period_id, renews_periods, idempotency_key, created_by, created_at, updated_at, search)"
			" VALUES (:public_id, :subscription, :amount, :currency, :method, :state, :now, :reference, :notes, :receipt,"
			" :period, :renews, :key, :by, :now, :now, :search)",
			PARAMS(P_TEXT(":public_id", public_id), P_INT(":subscription", p->subscription_id),
			       P_INT(":amount", p->amount_cents), P_TEXT(":currency", p->currency),
			       P_TEXT(":method", p->method), P_TEXT(":state", p->state),
			       P_INT(":now", cx_now(cx)), P_TEXT(":reference", reference),
			       P_TEXT(":notes", p->notes != NULL ? p->notes : ""), P_REF(":receipt", receipt),
			       P_REF(":period", p->period_id), P_INT(":renews", p->renews_periods),
			       P_TEXT(":key", p->idempotency_key), P_TEXT(":by", cx->actor.name),
			       P_TEXT(":search", arena_printf(cx->arena, "%s %s", search,
							      text_fold(cx->arena, reference)))));
	if (rc == RC_OK) *id = db_last_id(cx);
	return rc;
}

enum rc payment_add(struct cx *cx, int64_t *id, const struct payment_new *payment)
{
	struct value *after = value_map(cx->arena);
	int64_t receipt = 0;
	bool is_completed = strcmp(payment->state, "completed") == 0;
	enum rc rc = is_completed ? receipt_number_next(cx, &receipt) : RC_OK;

	if (rc == RC_OK) rc = insert(cx, id, payment, receipt);
	if (rc == RC_OK) rc = payment_follow(cx, *id, payment->state);
	value_set_int(cx->arena, after, "amount_cents", payment->amount_cents);
	value_set_text(cx->arena, after, "method", payment->method);
	value_set_text(cx->arena, after, "state", payment->state);
	return rc == RC_OK ? audit_add(cx, "create", "payment", *id, NULL, after) : rc;
}

/* Completing, with a renewal if chosen */

bool payment_may_renew(struct cx *cx, int64_t id)
{
	int64_t is_of_renewal = 0;

	return db_get_int(
		       cx, &is_of_renewal,
		       "SELECT count(*) FROM payment y JOIN subscription_period p ON p.id = y.period_id WHERE y.id = :id"
		       " AND p.previous_json <> ''",
		       PARAMS(P_INT(":id", id))) == RC_OK &&
	       is_of_renewal == 0;
}

static enum rc write_completed(struct cx *cx, int64_t id, int64_t receipt)
{
	struct value *before = value_map(cx->arena), *after = value_map(cx->arena);
	enum rc rc = db_run(
		cx,
		"UPDATE payment SET state = 'completed', paid_at = :now, receipt_number = :receipt, updated_at = :now"
		" WHERE id = :id AND state = 'pending'",
		PARAMS(P_INT(":now", cx_now(cx)), P_INT(":receipt", receipt), P_INT(":id", id)));

	if (rc == RC_OK && db_changes(cx) != 1) return RC_BUG; /* read under the same lane a moment ago */
	value_set_text(cx->arena, before, "state", "pending");
	value_set_text(cx->arena, after, "state", "completed");
	value_set_int(cx->arena, after, "receipt_number", receipt);
	return rc == RC_OK ? audit_add(cx, "update", "payment", id, before, after) : rc;
}

static enum rc renew_with(struct cx *cx, struct payment_completed *out, int64_t id, int64_t subscription_id,
			  int periods)
{
	struct renew_options o = RENEW_DEFAULTS;
	struct renewed done;
	enum rc rc;

	o.periods = periods;
	o.payment_id = id;
	o.idempotency_key = arena_printf(cx->arena, "payment:%lld", (long long)id);
	rc = renew_run(cx, &done, subscription_id, &o);
	if (rc != RC_OK) return rc;
	out->is_renewed = true;
	memcpy(out->ends_on, done.ends_on, sizeof(out->ends_on));
	return RC_OK;
}

static enum rc complete(struct cx *cx, struct payment_completed *out, int64_t id, int periods)
{
	struct value *row = NULL;
	const char *state;
	enum rc rc = db_row(
		cx, &row,
		"SELECT state, subscription_id, renews_periods, receipt_number FROM payment WHERE id = :id",
		PARAMS(P_INT(":id", id)));

	if (rc != RC_OK) return rc;
	state = text_of(row, "state");
	out->receipt_number = int_of(row, "receipt_number");
	out->is_repeat = strcmp(state, "completed") == 0;
	if (out->is_repeat) return RC_OK;
	if (!payment_may_become(state, "completed"))
		return cx_fail(cx, RC_CONFLICT, _("A payment in this state cannot take that step."));
	if (periods == RENEW_AS_ASKED) periods = (int)int_of(row, "renews_periods");
	if (periods < 0 || periods > RENEW_PERIODS_MAX)
		return cx_fail_field(cx, "periods", _("Choose between 1 and %d periods."), RENEW_PERIODS_MAX);
	if (periods > 0 && !payment_may_renew(cx, id))
		return cx_fail(cx, RC_CONFLICT,
			       _("This payment is for a renewal already; complete it without another."));
	rc = receipt_number_next(cx, &out->receipt_number);
	if (rc == RC_OK) rc = write_completed(cx, id, out->receipt_number);
	if (rc != RC_OK) return rc;
	if (periods > 0) return renew_with(cx, out, id, int_of(row, "subscription_id"), periods);
	return payment_follow(cx, id, "completed");
}

enum rc payment_complete(struct cx *cx, struct payment_completed *out, int64_t id, int periods)
{
	struct payment_completed done = { .is_repeat = false };
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = tx_end(cx, complete(cx, &done, id, periods));
	if (rc == RC_OK) *out = done;
	return rc;
}

enum rc payment_void(struct cx *cx, int64_t id)
{
	struct value *row = NULL, *after = value_map(cx->arena);
	enum rc rc = db_row(cx, &row,
			    "SELECT state FROM payment WHERE id = :id AND state IN ('pending', 'completed')",
			    PARAMS(P_INT(":id", id)));

	if (rc == RC_NOT_FOUND) return RC_OK; /* given back, failed or cancelled before */
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE payment SET refunded_at = CASE state WHEN 'completed' THEN :now END, state = 'cancelled',"
			" updated_at = :now WHERE id = :id",
			PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	value_set_text(cx->arena, after, "state", "cancelled");
	return rc == RC_OK ? audit_add(cx, "update", "payment", id, row, after) : rc;
}

/* Names of customers change */

enum rc payments_respell(struct cx *cx, int64_t client_id)
{
	struct value *rows = NULL;
	enum rc rc = db_rows(
		cx, &rows, RESPELLED_MAX,
		"SELECT y.id, y.reference, s.search FROM subscription s INDEXED BY subscription_client"
		" JOIN payment y ON y.subscription_id = s.id WHERE s.client_id = :id ORDER BY y.id DESC LIMIT 1000",
		PARAMS(P_INT(":id", client_id)));

	for (const struct value *r = rc == RC_OK ? rows->first : NULL; r != NULL && rc == RC_OK; r = r->next)
		rc = db_run(
			cx, "UPDATE payment SET search = :search WHERE id = :id",
			PARAMS(P_TEXT(":search", arena_printf(cx->arena, "%s %s", text_of(r, "search"),
							      text_fold(cx->arena, text_of(r, "reference")))),
			       P_INT(":id", int_of(r, "id"))));
	return rc;
}
