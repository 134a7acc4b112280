/*
** page_payment.c -- the pages of one payment: complete it, how to pay it, its receipt.
**
** Needs:  payment_steps.c for what completing does; payment_texts.c for the texts.
** Never:  writes: the actions of payments.c do.
** Holds:  (1) the new last day of a renewal stands on the page before anybody confirms; (2) a receipt that is
**         given back or cancelled says so wherever it is shown; (3) the text to copy is the text that is
**         sent.
*/
#include "renewals/payment_steps.h"
#include "renewals/resources.h"
#include "base/text.h"
#include <string.h>

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

static const char *method_shown(struct cx *cx, const char *code)
{
	struct value *field = value_map(cx->arena);

	field_methods(cx, field, code, NULL);
	for (const struct value *o = value_get(field, "options")->first; o != NULL; o = o->next)
		if (value_bool_of(value_get(o, "is_selected"), false)) return text_of(o, "title");
	return code;
}

/* The payment that :id names, its customer and service, shaped for a page, with heading and trail. */
static enum rc read_page(struct cx *cx, struct call *call, int64_t *id, struct value **out)
{
	static const char sql[] =
		"SELECT printf('%06d', y.id) AS number, y.public_id AS id, y.paid_at, y.amount_cents, y.currency, y.method,"
		" y.state, y.reference, y.notes, y.receipt_number, y.refunded_at, y.renews_periods, y.created_by, y.created_at,"
		" s.public_id AS subscription, c.public_id AS client_id,"
		" trim(c.given_names || ' ' || c.surnames) AS client, coalesce(c.phone, '') AS phone, v.display_name AS service,"
		" p.starts_on AS covers_from_on, p.ends_on AS covers_until_on"
		" FROM payment y JOIN subscription s ON s.id = y.subscription_id JOIN client c ON c.id = s.client_id"
		" JOIN service v ON v.id = s.service_id LEFT JOIN subscription_period p ON p.id = y.period_id WHERE y.id = :id";
	struct value *page = NULL;
	enum rc rc = desk_find(cx, id, desk_resource("payments"), call_param(call, "id"));

	if (rc == RC_OK) rc = db_row(cx, &page, sql, PARAMS(P_INT(":id", *id)));
	if (rc != RC_OK) return rc;
	shape_page(cx, page);
	value_set_text(cx->arena, page, "method_shown", method_shown(cx, text_of(page, "method")));
	value_set_text(cx->arena, page, "back", arena_printf(cx->arena, "/payments/%s", text_of(page, "id")));
	value_set_bool(cx->arena, page, "is_pending", strcmp(text_of(page, "state"), "pending") == 0);
	value_set_bool(cx->arena, page, "is_completed", strcmp(text_of(page, "state"), "completed") == 0);
	value_set_bool(cx->arena, page, "is_refunded", strcmp(text_of(page, "state"), "refunded") == 0);
	value_set_bool(cx->arena, page, "is_cancelled", strcmp(text_of(page, "state"), "cancelled") == 0);
	page_trail(cx, page, _("Payments"), "/payments");
	page_trail(cx, page,
		   arena_printf(cx->arena, "%s · %s", text_of(page, "number"), text_of(page, "client")),
		   text_of(page, "back"));
	*out = page;
	return RC_OK;
}

/* ---- complete ---- */

static enum rc fill_renewal(struct cx *cx, struct value *page, int64_t subscription)
{
	int64_t asked = int_of(page, "renews_periods");
	struct value *box = field_add(cx, page, "renew", _("Renew the subscription with it"), "1"), *field;
	enum rc rc = RC_OK;

	value_set_bool(cx->arena, box, "is_check", true);
	value_set_bool(cx->arena, box, "is_checked", asked > 0);
	value_set_text(cx->arena, box, "help",
		       _("Left empty: the payment is for the period that runs now, and the last day stays."));
	field = field_add(cx, page, "periods", _("Periods"), "");
	value_set_bool(cx->arena, field, "is_select", true);
	for (int n = 1; n <= RENEW_PERIODS_MAX && rc == RC_OK; n++) {
		struct renewed r;

		rc = renew_preview(cx, &r, subscription, n);
		if (rc != RC_OK) break;
		field_option(cx, field, arena_printf(cx->arena, "%d", n),
			     arena_printf(cx->arena,
					  words_plural(cx->lang, n, N_("%d period: until %s"),
						       N_("%d periods: until %s")),
					  n, day_shown(cx, r.ends_on)),
			     n == (asked > 0 ? asked : 1));
	}
	return rc;
}

/* Who may not choose completes as it was asked for, and reads what that is. An archived subscription is not
** renewed any more, but its money may still arrive. */
static enum rc fill_choice(struct cx *cx, struct value *page, int64_t id)
{
	bool may_choose = payment_may_renew(cx, id) && actor_may(&cx->actor, "subscriptions.edit");
	int64_t periods = int_of(page, "renews_periods"), subscription = 0, is_archived = 0;
	struct renewed r;
	enum rc rc = db_get_int(cx, &subscription, "SELECT subscription_id FROM payment WHERE id = :id",
				PARAMS(P_INT(":id", id)));

	if (rc == RC_OK)
		rc = db_get_int(cx, &is_archived,
				"SELECT archived_at IS NOT NULL FROM subscription WHERE id = :id",
				PARAMS(P_INT(":id", subscription)));
	value_set_bool(cx->arena, page, "was_asked", may_choose || is_archived != 0);
	if (rc != RC_OK || is_archived != 0) return rc;
	if (may_choose) return fill_renewal(cx, page, subscription);
	if (periods == 0) return RC_OK;
	rc = renew_preview(cx, &r, subscription, (int)periods);
	if (rc == RC_OK)
		value_set_text(cx->arena, page, "renews",
			       arena_printf(cx->arena,
					    _("It renews the subscription, as was asked for: until %s."),
					    day_shown(cx, r.ends_on)));
	return rc;
}

enum rc handle_complete_page(struct cx *cx, struct call *call)
{
	struct value *page = NULL;
	int64_t id = 0;
	enum rc rc = read_page(cx, call, &id, &page);

	if (rc == RC_OK && call_shape(call) != SHAPE_PAGE) rc = RC_NOT_FOUND;
	if (rc != RC_OK) return rc;
	if (!value_bool_of(value_get(page, "is_pending"), false)) {
		answer_redirect(cx, call, text_of(page, "back"));
		return RC_OK;
	}
	rc = fill_choice(cx, page, id);
	value_set_bool(cx->arena, page, "has_fields", value_get(page, "fields") != NULL);
	value_set_text(cx->arena, page, "title", _("Complete the payment"));
	value_set_text(cx->arena, page, "form_action",
		       arena_printf(cx->arena, "%s/complete", text_of(page, "back")));
	if (rc == RC_OK) answer_page(cx, call, "renewals/payment_complete", text_of(page, "title"), page);
	return rc;
}

/* ---- how to pay ---- */

static void fill_message(struct cx *cx, struct value *page, int64_t id, const char *which, const char *action)
{
	struct value *sent = NULL;

	if (payment_message(cx, &sent, id, which) != RC_OK) return;
	if (sent != NULL) {
		shape_page(cx, sent);
		value_set(page, "sent", sent);
	}
	if (!actor_may(&cx->actor, "payments.edit") || text_of(page, "phone")[0] == '\0') return;
	if (sent == NULL || value_bool_of(value_get(sent, "may_again"), false))
		value_set_text(cx->arena, page, "send_action",
			       arena_printf(cx->arena, "%s/%s", text_of(page, "back"), action));
}

/* On paper nobody reads WhatsApp's marks for bold. */
static const char *without_stars(struct cx *cx, const char *text)
{
	char *out = arena_text(cx->arena, text), *to = out;

	for (const char *p = text; *p != '\0'; p++)
		if (*p != '*') *to++ = *p;
	*to = '\0';
	return out;
}

/* A setting without which the text says less than it should, or "". */
static const char *missing_setting(struct cx *cx, const char *method)
{
	const char *name = strcmp(method, "cash") == 0       ? "renewals.payment_cash_text"
			   : strcmp(method, "transfer") == 0 ? "renewals.payment_transfer_text"
							     : "";

	return name[0] != '\0' && setting_text(cx->env->settings, name)[0] == '\0' ? name : "";
}

enum rc handle_instructions(struct cx *cx, struct call *call)
{
	struct value *page = NULL;
	const char *text = "", *missing;
	int64_t id = 0;
	enum rc rc = read_page(cx, call, &id, &page);

	if (rc == RC_OK) rc = payment_text(cx, &text, id, text_of(page, "method"));
	if (rc != RC_OK) return rc;
	missing = missing_setting(cx, text_of(page, "method"));
	value_set_text(cx->arena, page, "text", text);
	value_set_text(cx->arena, page, "plain", without_stars(cx, text));
	if (missing[0] != '\0') {
		value_set_text(cx->arena, page, "missing", missing);
		value_set_bool(cx->arena, page, "misses_cash", strcmp(text_of(page, "method"), "cash") == 0);
	}
	if (value_bool_of(value_get(page, "is_pending"), false)) {
		fill_message(cx, page, id, "instructions", "send-instructions");
		if (actor_may(&cx->actor, "payments.edit"))
			value_set_text(cx->arena, page, "complete",
				       arena_printf(cx->arena, "%s/complete", text_of(page, "back")));
	}
	value_set_text(cx->arena, page, "business", setting_text(cx->env->settings, "business.name"));
	value_set_text(cx->arena, page, "business_phone", business_phone(cx));
	value_set_text(cx->arena, page, "title",
		       arena_printf(cx->arena, _("Request %s: how to pay"), text_of(page, "number")));
	answer_page(cx, call, "renewals/instructions", text_of(page, "title"), page);
	return RC_OK;
}

/* ---- receipt ---- */

enum rc handle_receipt(struct cx *cx, struct call *call)
{
	struct value *page = NULL;
	const char *text = "";
	int64_t id = 0, number;
	enum rc rc = read_page(cx, call, &id, &page);

	if (rc != RC_OK) return rc;
	number = int_of(page, "receipt_number");
	value_set_bool(cx->arena, page, "has_number", number != 0);
	value_set_text(cx->arena, page, "receipt",
		       number != 0 ? arena_printf(cx->arena, "%06lld", (long long)number) : "");
	value_set_bool(cx->arena, page, "is_valid", value_bool_of(value_get(page, "is_completed"), false));
	if (number != 0) {
		rc = payment_text(cx, &text, id, "receipt");
		if (rc != RC_OK) return rc;
		value_set_text(cx->arena, page, "text", text);
	}
	if (value_bool_of(value_get(page, "is_completed"), false))
		fill_message(cx, page, id, "receipt", "send-receipt");
	value_set_text(cx->arena, page, "business", setting_text(cx->env->settings, "business.name"));
	value_set_text(cx->arena, page, "business_phone", business_phone(cx));
	value_set_text(cx->arena, page, "title",
		       number != 0 ? arena_printf(cx->arena, _("Receipt %s"), text_of(page, "receipt"))
				   : _("No receipt yet"));
	answer_page(cx, call, "renewals/receipt", text_of(page, "title"), page);
	return RC_OK;
}
