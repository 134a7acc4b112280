/*
** renew.c -- renewing and cancelling: every change of a subscription's dates after its birth.
**
**   active    --renew--> active,  ends_on + periods
**   expired   --renew--> active,  starts today
**   cancelled --renew--> active,  as one of the two above by ends_on; the cancellation is cleared
**
** Undoing is undo.c's.
** Owns:   the table subscription_period.
** Holds:  (1) dates, period row, payment and history change in one transaction; (2) an idempotency key
**         renews once; (3) a new period is unpaid until a payment for it is completed.
*/
#include "renewals/payment_steps.h"
#include <string.h>

/* Notices of one subscription that could still wait: stages and reminders of a day */
#define WAITING_MAX 64

struct subscription_row {
	day starts_on, ends_on;
	int64_t price_cents, period_days, client_id;
	const char *state, *currency, *service_period;
	struct value *as_it_was;
};

static const struct {
	const char *name;
	int days, months;
} service_periods[] = {
	{ "monthly", 30, 1 },
	{ "quarterly", 90, 3 },
	{ "semiannual", 180, 6 },
	{ "annual", 365, 12 },
};

int period_days_of(const char *service_period)
{
	for (size_t i = 0; i < sizeof(service_periods) / sizeof(service_periods[0]); i++)
		if (strcmp(service_periods[i].name, service_period) == 0) return service_periods[i].days;
	return service_periods[0].days;
}

day period_end(struct cx *cx, day start, const char *service_period, int64_t period_days, int periods)
{
	bool is_calendar = strcmp(setting_text(cx->env->settings, "renewals.period_mode"), "calendar") == 0;

	for (size_t i = 0; is_calendar && i < sizeof(service_periods) / sizeof(service_periods[0]); i++)
		if (strcmp(service_periods[i].name, service_period) == 0)
			return day_add_months(start, service_periods[i].months * periods);
	return start + (day)(period_days * periods);
}

static enum rc read_subscription(struct cx *cx, struct subscription_row *out, int64_t id)
{
	enum rc rc = db_row(
		cx, &out->as_it_was,
		"SELECT s.starts_on, s.ends_on, s.price_cents, s.currency, s.state, s.payment_status, s.payment_at,"
		" s.period_days, s.expired_at, s.cancelled_at, s.cancel_at_end, s.cancel_reason, s.client_id,"
		" v.period AS service_period"
		" FROM subscription s JOIN service v ON v.id = s.service_id WHERE s.id = :id AND s.archived_at IS NULL",
		PARAMS(P_INT(":id", id)));

	if (rc != RC_OK)
		return rc == RC_NOT_FOUND ? cx_fail(cx, rc, _("This subscription does not exist.")) : rc;
	if (day_parse(&out->starts_on, value_text_of(value_get(out->as_it_was, "starts_on"), "")) != RC_OK ||
	    day_parse(&out->ends_on, value_text_of(value_get(out->as_it_was, "ends_on"), "")) != RC_OK)
		return RC_BUG;
	out->price_cents = value_int_of(value_get(out->as_it_was, "price_cents"), 0);
	out->period_days = value_int_of(value_get(out->as_it_was, "period_days"), 30);
	out->client_id = value_int_of(value_get(out->as_it_was, "client_id"), 0);
	out->state = value_text_of(value_get(out->as_it_was, "state"), "");
	out->currency = value_text_of(value_get(out->as_it_was, "currency"), "");
	out->service_period = value_text_of(value_get(out->as_it_was, "service_period"), "");
	return RC_OK;
}

static enum rc check_periods(struct cx *cx, int periods)
{
	if (periods >= 1 && periods <= RENEW_PERIODS_MAX) return RC_OK;
	return cx_fail_field(cx, "periods", _("Choose between 1 and %d periods."), RENEW_PERIODS_MAX);
}

enum rc period_check(struct cx *cx, const char *field, day start, day end)
{
	char text[DATE_SIZE];
	day again;

	day_text(text, end);
	if (end > start && day_parse(&again, text) == RC_OK) return RC_OK;
	return cx_fail_field(cx, field, _("It would end in a year that no calendar here has; choose less."));
}

static enum rc new_dates(struct cx *cx, const struct subscription_row *row, int periods, day *start, day *end)
{
	day today = cx_today(cx);

	/* Past its end it starts anew today; else the bought time is added to the time that is left. */
	if (row->ends_on < today) {
		*start = today;
		*end = period_end(cx, today, row->service_period, row->period_days, periods);
	} else {
		*start = row->ends_on;
		*end = period_end(cx, row->ends_on, row->service_period, row->period_days, periods);
	}
	return period_check(cx, "periods", *start, *end);
}

enum rc renew_preview(struct cx *cx, struct renewed *out, int64_t subscription_id, int periods)
{
	struct subscription_row row;
	day start, end;
	enum rc rc = check_periods(cx, periods);

	if (rc == RC_OK) rc = read_subscription(cx, &row, subscription_id);
	if (rc == RC_OK) rc = new_dates(cx, &row, periods, &start, &end);
	if (rc != RC_OK) return rc;
	*out = (struct renewed){ .is_repeat = false };
	day_text(out->starts_on, start);
	day_text(out->ends_on, end);
	return RC_OK;
}

static enum rc find_repeat(struct cx *cx, struct renewed *out, int64_t subscription_id, const char *key,
			   bool *is_repeat)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT starts_on, ends_on, subscription_id FROM subscription_period WHERE idempotency_key = :key",
		PARAMS(P_TEXT(":key", key)));

	*is_repeat = rc == RC_OK && query_next(q);
	if (*is_repeat && query_int(q, 2) != subscription_id)
		rc = cx_fail(cx, RC_CONFLICT, _("This Idempotency-Key was used for another subscription."));
	else if (*is_repeat) {
		snprintf(out->starts_on, sizeof(out->starts_on), "%s", query_text(q, 0));
		snprintf(out->ends_on, sizeof(out->ends_on), "%s", query_text(q, 1));
		out->is_repeat = true;
	}
	return query_end(q, rc);
}

static enum rc add_period(struct cx *cx, int64_t *id, int64_t subscription_id, const struct renewed *dates,
			  const struct subscription_row *row, int64_t price, const char *key)
{
	struct sb before;
	enum rc rc;

	sb_init_arena(&before, cx->arena, 64 * 1024);
	json_write(&before, row->as_it_was);
	if (sb_result(&before) != RC_OK) return sb_result(&before);
	rc = db_run(
		cx,
		"INSERT INTO subscription_period (subscription_id, starts_on, ends_on, price_cents, currency, previous_json,"
		" idempotency_key, created_by, created_at) VALUES (:subscription, :starts_on, :ends_on, :price, :currency,"
		" :before, :key, :by, :now)",
		PARAMS(P_INT(":subscription", subscription_id), P_TEXT(":starts_on", dates->starts_on),
		       P_TEXT(":ends_on", dates->ends_on), P_INT(":price", price),
		       P_TEXT(":currency", row->currency), P_TEXT(":before", sb_text_of(&before)),
		       P_TEXT(":key", key), P_TEXT(":by", cx->actor.name), P_INT(":now", cx_now(cx))));
	if (rc == RC_OK) *id = db_last_id(cx);
	return rc;
}

/* The payment of the new period: one that is there already, or a new row, or none. */
static enum rc add_payment(struct cx *cx, int64_t subscription_id, int64_t period_id,
			   const struct subscription_row *row, const struct renew_options *o, int64_t price)
{
	int64_t amount = o->payment_cents >= 0 ? o->payment_cents : price * o->periods, id = o->payment_id;
	bool is_new = id == 0 && o->payment_method != NULL && o->payment_method[0] != '\0' && amount > 0;
	enum rc rc = RC_OK;

	if (is_new)
		rc = payment_add(
			cx, &id,
			&(struct payment_new){ .subscription_id = subscription_id,
					       .amount_cents = amount,
					       .currency = row->currency,
					       .method = o->payment_method,
					       .state = o->payment_is_pending ? "pending" : "completed",
					       .reference = o->payment_reference,
					       .period_id = period_id });
	if (rc == RC_OK && id != 0) rc = payment_cover(cx, id, period_id);
	return rc == RC_OK && o->payment_id != 0 ? payment_follow(cx, id, "completed") : rc;
}

static enum rc confirm(struct cx *cx, int64_t subscription_id, const struct renewed *dates)
{
	const char *body, *skip = "";
	int64_t notice, message;
	day end = 0;
	struct notice_new row = { .subscription_id = subscription_id,
				  .type = "renewal_confirmation",
				  .topic = "notice",
				  .title = N_("Renewal confirmation") };
	enum rc rc = template_current(cx, &row.template_version_id, &body, "renewals.confirmation");

	if (rc == RC_OK) rc = day_parse(&end, dates->ends_on);
	row.days_left = (int)(end - cx_today(cx));
	return rc == RC_OK ? notice_add_manual(cx, &notice, &message, &skip, &row) : rc;
}

/* A message of the old cycle that has not left yet would say what is no longer true. */
enum rc notices_take_back(struct cx *cx, int64_t subscription_id, const char *why)
{
	struct query *q = NULL;
	int64_t ids[WAITING_MAX];
	size_t count = 0;
	enum rc rc = db_query(
		cx, &q,
		"SELECT m.id FROM notice n JOIN message m ON m.id = n.message_id WHERE n.subscription_id = :id"
		" AND m.state = 'queued' LIMIT 64",
		PARAMS(P_INT(":id", subscription_id)));

	while (rc == RC_OK && count < WAITING_MAX && query_next(q))
		ids[count++] = query_int(q, 0);
	rc = query_end(q, rc);
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		rc = outbox_cancel(cx, ids[i], why);
		if (rc == RC_CONFLICT) rc = RC_OK; /* it left a moment ago */
	}
	return rc;
}

/* The new period is unpaid until its payment says otherwise; what costs nothing is paid. */
static enum rc move_dates(struct cx *cx, int64_t id, const struct renewed *dates, int64_t price)
{
	char today[DATE_SIZE];

	day_text(today, cx_today(cx));
	return db_run(
		cx,
		"UPDATE subscription SET starts_on = CASE WHEN ends_on < :today THEN :starts_on ELSE starts_on END,"
		" ends_on = :ends_on, price_cents = :price, state = 'active', payment_status = CASE :price WHEN 0 THEN 'paid'"
		" ELSE 'pending' END, payment_at = CASE :price WHEN 0 THEN :now ELSE NULL END, expired_at = NULL, cancelled_at = NULL, cancel_at_end = 0, cancel_reason = '', updated_at = :now"
		" WHERE id = :id",
		PARAMS(P_TEXT(":today", today), P_TEXT(":starts_on", dates->starts_on),
		       P_TEXT(":ends_on", dates->ends_on), P_INT(":price", price), P_INT(":now", cx_now(cx)),
		       P_INT(":id", id)));
}

static enum rc write_renewal(struct cx *cx, struct renewed *out, int64_t id, const struct renew_options *o)
{
	struct subscription_row row;
	struct value *after = value_map(cx->arena);
	int64_t period_id = 0, price;
	day start, end;
	enum rc rc = read_subscription(cx, &row, id);

	if (rc == RC_OK) rc = new_dates(cx, &row, o->periods, &start, &end);
	if (rc != RC_OK) return rc;
	price = o->price_cents >= 0 ? o->price_cents : row.price_cents;
	day_text(out->starts_on, start);
	day_text(out->ends_on, end);
	rc = notices_take_back(cx, id, "renewed");
	if (rc == RC_OK) rc = move_dates(cx, id, out, price);
	if (rc == RC_OK) rc = add_period(cx, &period_id, id, out, &row, price, o->idempotency_key);
	if (rc == RC_OK) rc = add_payment(cx, id, period_id, &row, o, price);
	value_set_text(cx->arena, after, "starts_on", out->starts_on);
	value_set_text(cx->arena, after, "ends_on", out->ends_on);
	value_set_text(cx->arena, after, "state", "active");
	value_set_int(cx->arena, after, "price_cents", price);
	if (rc == RC_OK) rc = audit_add(cx, "renew", "subscription", id, row.as_it_was, after);
	if (rc == RC_OK && o->confirms && setting_bool(cx->env->settings, "renewals.confirmation"))
		rc = confirm(cx, id, out);
	return rc;
}

enum rc renew_run(struct cx *cx, struct renewed *out, int64_t subscription_id,
		  const struct renew_options *options)
{
	struct renewed done = { .is_repeat = false };
	bool is_repeat = false;
	enum rc rc = check_periods(cx, options->periods);

	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	if (options->idempotency_key != NULL)
		rc = find_repeat(cx, &done, subscription_id, options->idempotency_key, &is_repeat);
	if (rc == RC_OK && !is_repeat) rc = write_renewal(cx, &done, subscription_id, options);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) *out = done;
	return rc;
}

/* Cancel */

static enum rc write_cancel(struct cx *cx, int64_t id, const char *reason, bool at_end)
{
	struct subscription_row row;
	struct value *after = value_map(cx->arena);
	enum rc rc = read_subscription(cx, &row, id);

	if (rc != RC_OK) return rc;
	if (strcmp(row.state, "cancelled") == 0)
		return cx_fail(cx, RC_CONFLICT, _("This subscription is already cancelled."));
	at_end = at_end && strcmp(row.state, "active") == 0; /* what has expired has no end to wait for */
	if (at_end && value_int_of(value_get(row.as_it_was, "cancel_at_end"), 0) != 0)
		return cx_fail(cx, RC_CONFLICT, _("This subscription already ends on its last day."));
	rc = db_run(
		cx,
		"UPDATE subscription SET state = CASE :at_end WHEN 1 THEN state ELSE 'cancelled' END, cancel_at_end = :at_end,"
		" cancelled_at = :now, cancel_reason = :reason, updated_at = :now WHERE id = :id",
		PARAMS(P_INT(":at_end", at_end), P_INT(":now", cx_now(cx)), P_TEXT(":reason", reason),
		       P_INT(":id", id)));
	if (rc == RC_OK) rc = notices_take_back(cx, id, "cancelled");
	value_set_text(cx->arena, after, "state", at_end ? row.state : "cancelled");
	value_set_bool(cx->arena, after, "cancel_at_end", at_end);
	value_set_text(cx->arena, after, "cancel_reason", reason);
	return rc == RC_OK ? audit_add(cx, "cancel", "subscription", id, row.as_it_was, after) : rc;
}

enum rc subscription_cancel(struct cx *cx, int64_t subscription_id, const char *reason, bool at_end)
{
	enum rc rc = tx_begin(cx);

	return rc == RC_OK ? tx_end(cx, write_cancel(cx, subscription_id, reason, at_end)) : rc;
}

/* Birth */

enum rc subscription_created(struct cx *cx, int64_t subscription_id)
{
	char today[DATE_SIZE];
	enum rc rc;

	day_text(today, cx_today(cx));
	rc = db_run(
		cx,
		"INSERT INTO subscription_period (subscription_id, starts_on, ends_on, price_cents, currency, created_by, created_at)"
		" SELECT id, starts_on, ends_on, price_cents, currency, :by, :now FROM subscription WHERE id = :id",
		PARAMS(P_TEXT(":by", cx->actor.name), P_INT(":now", cx_now(cx)),
		       P_INT(":id", subscription_id)));
	/* Entered with a past date (an import of old customers): it is expired from the start. */
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE subscription SET state = 'expired', expired_at = :now WHERE id = :id AND state = 'active'"
			" AND ends_on < :today",
			PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", subscription_id),
			       P_TEXT(":today", today)));
	return rc;
}
