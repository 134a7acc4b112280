/*
** undo.c -- takes the last renewal of a subscription back, and says beforehand what that means.
**
** Needs:  payment_steps.c for its payment; renew.c for messages that wait.
** Never:  deletes the period or the payment: both stay and say that they were undone.
** Holds:  (1) only the last renewal, within UNDO_WITHIN_MS, and only while the subscription is as the renewal
**         left it: what somebody changed since is not overwritten; (2) dates, state, price, payment and
**         history change in one transaction; (3) a receipt given for it keeps its number and says cancelled.
*/
#include "renewals/payment_steps.h"
#include "renewals/resources.h"
#include <string.h>

#define PAYMENTS_MAX 20 /* of one period: a handful of part payments */

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

struct undo {
	int64_t period_id;
	const struct value *row; /* the period, and the subscription as it is */
	struct value *was;       /* the subscription before the renewal       */
	/* [{id, public_id, amount_cents, currency, receipt_number}] still standing */
	struct value *payments;
};

static enum rc check_undo(struct cx *cx, const struct undo *u)
{
	if (cx_now(cx) - int_of(u->row, "created_at") > UNDO_WITHIN_MS)
		return cx_fail(cx, RC_CONFLICT,
			       _("A renewal can be undone within 24 hours; this one is older."));
	if (strcmp(text_of(u->row, "ends_on"), text_of(u->row, "now_ends_on")) != 0 ||
	    strcmp(text_of(u->row, "state"), "active") != 0 || int_of(u->row, "cancel_at_end") != 0)
		return cx_fail(
			cx, RC_CONFLICT,
			_("The subscription was changed after this renewal: its end or state is another now. Change it by hand."));
	return RC_OK;
}

static enum rc read_undo(struct cx *cx, struct undo *u, int64_t subscription_id)
{
	struct value *row = NULL;
	const char *json;
	enum rc rc = db_row(
		cx, &row,
		"SELECT p.id, p.previous_json, p.created_at, p.starts_on, p.ends_on, s.ends_on AS now_ends_on, s.state,"
		" s.cancel_at_end, s.currency FROM subscription_period p JOIN subscription s ON s.id = p.subscription_id"
		" WHERE p.subscription_id = :id AND p.undone_at IS NULL ORDER BY p.id DESC LIMIT 1",
		PARAMS(P_INT(":id", subscription_id)));

	json = rc == RC_OK ? text_of(row, "previous_json") : "";
	if (rc == RC_NOT_FOUND || (rc == RC_OK && json[0] == '\0'))
		return cx_fail(cx, RC_CONFLICT, _("There is no renewal to undo."));
	if (rc != RC_OK) return rc;
	u->row = row;
	u->period_id = int_of(row, "id");
	rc = check_undo(cx, u);
	if (rc == RC_OK) rc = json_parse(cx->arena, &u->was, NULL, json, strlen(json));
	if (rc == RC_OK)
		rc = db_rows(
			cx, &u->payments, PAYMENTS_MAX,
			"SELECT id, public_id, amount_cents, currency, receipt_number FROM payment WHERE period_id = :period"
			" AND state IN ('pending', 'completed') ORDER BY id",
			PARAMS(P_INT(":period", u->period_id)));
	return rc;
}

static enum rc put_back(struct cx *cx, int64_t id, const struct value *was)
{
	return db_run(
		cx,
		"UPDATE subscription SET starts_on = :starts_on, ends_on = :ends_on, price_cents = :price, state = :state,"
		" payment_status = :paid, payment_at = :payment_at, expired_at = :expired_at, cancelled_at = :cancelled_at,"
		" cancel_at_end = :at_end, cancel_reason = :reason, updated_at = :now WHERE id = :id",
		PARAMS(P_TEXT(":starts_on", text_of(was, "starts_on")),
		       P_TEXT(":ends_on", text_of(was, "ends_on")),
		       P_INT(":price", int_of(was, "price_cents")), P_TEXT(":state", text_of(was, "state")),
		       P_TEXT(":paid", text_of(was, "payment_status")),
		       P_REF(":payment_at", int_of(was, "payment_at")),
		       P_REF(":expired_at", int_of(was, "expired_at")),
		       P_REF(":cancelled_at", int_of(was, "cancelled_at")),
		       P_INT(":at_end", int_of(was, "cancel_at_end")),
		       P_TEXT(":reason", text_of(was, "cancel_reason")), P_INT(":now", cx_now(cx)),
		       P_INT(":id", id)));
}

static enum rc write_undo(struct cx *cx, int64_t id)
{
	struct undo u = { .period_id = 0 };
	enum rc rc = read_undo(cx, &u, id);

	if (rc != RC_OK) return rc;
	rc = notices_take_back(cx, id, "undone");
	if (rc == RC_OK) rc = put_back(cx, id, u.was);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE subscription_period SET undone_at = :now WHERE id = :id AND undone_at IS NULL",
			PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", u.period_id)));
	for (const struct value *p = u.payments->first; p != NULL && rc == RC_OK; p = p->next)
		rc = payment_void(cx, int_of(p, "id"));
	if (rc == RC_OK) rc = payment_retell(cx, id);
	return rc == RC_OK ? audit_add(cx, "undo_renewal", "subscription", id, NULL, u.was) : rc;
}

enum rc renew_undo(struct cx *cx, int64_t subscription_id)
{
	enum rc rc = tx_begin(cx);

	return rc == RC_OK ? tx_end(cx, write_undo(cx, subscription_id)) : rc;
}

/* ---- the page that asks ---- */

static void say(struct cx *cx, struct value *page, const char *sentence)
{
	struct value *list = (struct value *)(uintptr_t)value_get(page, "consequences");

	if (list == NULL) list = value_set_list(cx->arena, page, "consequences");
	value_set_text(cx->arena, value_add_map(cx->arena, list), "text", sentence);
}

static void say_payments(struct cx *cx, struct value *page, const struct undo *u)
{
	for (const struct value *p = u->payments->first; p != NULL; p = p->next) {
		const char *money = money_shown(cx, int_of(p, "amount_cents"), text_of(p, "currency"));

		if (int_of(p, "receipt_number") != 0)
			say(cx, page,
			    arena_printf(
				    cx->arena,
				    _("The payment of %s is cancelled; its receipt %06lld keeps its number and says so. Give the money back."),
				    money, (long long)int_of(p, "receipt_number")));
		else
			say(cx, page,
			    arena_printf(cx->arena, _("The payment of %s that is awaited is cancelled."),
					 money));
	}
}

static void say_messages(struct cx *cx, struct value *page, int64_t id, instant since)
{
	int64_t waiting = 0, gone = 0;

	if (db_get_int(
		    cx, &waiting,
		    "SELECT count(*) FROM notice n INDEXED BY notice_subscription JOIN message m ON m.id = n.message_id"
		    " WHERE n.subscription_id = :id AND m.state = 'queued'",
		    PARAMS(P_INT(":id", id))) != RC_OK ||
	    db_get_int(
		    cx, &gone,
		    "SELECT count(*) FROM notice n INDEXED BY notice_subscription JOIN message m ON m.id = n.message_id"
		    " WHERE n.subscription_id = :id AND n.type = 'renewal_confirmation' AND n.created_at >= :since"
		    " AND m.state IN ('sending', 'sent', 'delivered', 'read', 'unsure')",
		    PARAMS(P_INT(":id", id), P_INT(":since", since))) != RC_OK)
		return;
	if (waiting > 0) say(cx, page, _("Messages about it that have not left yet are taken back."));
	if (gone > 0)
		say(cx, page,
		    _("The customer has already been told of the renewal: tell the customer that it was undone."));
}

static enum rc undo_page(struct cx *cx, struct call *call, int64_t id)
{
	struct value *page = value_map(cx->arena), *facts = NULL;
	struct undo u = { .period_id = 0 };
	enum rc rc = read_undo(cx, &u, id);

	if (rc == RC_OK) rc = subscription_facts(cx, id, &facts);
	if (rc != RC_OK) return rc;
	subscription_heading(cx, page, facts);
	say(cx, page,
	    arena_printf(cx->arena, _("Its last day is %s again, not %s."),
			 day_shown(cx, text_of(u.was, "ends_on")), day_shown(cx, text_of(u.row, "ends_on"))));
	if (strcmp(text_of(u.was, "state"), "expired") == 0)
		say(cx, page, _("It has expired again."));
	else if (strcmp(text_of(u.was, "state"), "cancelled") == 0 || int_of(u.was, "cancel_at_end") != 0)
		say(cx, page, _("It is cancelled again."));
	if (int_of(u.was, "price_cents") != int_of(facts, "price_cents"))
		say(cx, page,
		    arena_printf(cx->arena, _("Its price is %s again."),
				 money_shown(cx, int_of(u.was, "price_cents"), text_of(u.row, "currency"))));
	say_payments(cx, page, &u);
	say_messages(cx, page, id, int_of(u.row, "created_at"));
	value_set_text(cx->arena, page, "title", _("Undo the renewal"));
	value_set_text(cx->arena, page, "form_action",
		       arena_printf(cx->arena, "%s/undo-renewal", text_of(page, "back")));
	answer_page(cx, call, "renewals/undo", text_of(page, "title"), page);
	return RC_OK;
}

enum rc handle_undo_page(struct cx *cx, struct call *call)
{
	int64_t id = 0;
	enum rc rc = call_subscription(cx, call, &id);

	if (rc == RC_OK && call_shape(call) != SHAPE_PAGE) rc = RC_NOT_FOUND;
	return rc == RC_OK ? undo_page(cx, call, id) : rc;
}
