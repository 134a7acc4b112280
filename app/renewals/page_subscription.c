/*
** page_subscription.c -- one subscription as people see it: how it stands, its payments, periods and notices;
** the cards above the list.
**
** Never:  writes.
** Holds:  (1) the badge and the sentence beside it never say the same thing; (2) a card counts what the
**         person may see.
*/
#include "renewals/resources.h"
#include "base/phone.h"
#include "desk/outbox_pages.h"
#include <string.h>

#define SOON_DAYS  7  /* "por vencer"                                   */
#define NEAR_DAYS  3  /* the badge with the number of days (spec §13)   */
#define SHOWN_ROWS 50 /* payments, periods and notices on one page      */

static const char *text_value(const struct value *values, const char *name)
{
	return value_text_of(value_get(values, name), "");
}

static const char *days_shown(struct cx *cx, int64_t days)
{
	if (days == 0) return _("ends today");
	if (days > 0)
		return arena_printf(cx->arena,
				    words_plural(cx->lang, days, N_("%lld day left"), N_("%lld days left")),
				    (long long)days);
	return arena_printf(
		cx->arena, words_plural(cx->lang, -days, N_("ended %lld day ago"), N_("ended %lld days ago")),
		(long long)-days);
}

void subscription_badge(struct cx *cx, struct value *row)
{
	const char *state = text_value(row, "state"), *badge = state, *mark = "ok", *shown;
	int64_t days = value_int_of(value_get(row, "days_left"), 0);

	if (strcmp(state, "cancelled") == 0) {
		shown = _("Is cancelled");
		mark = "quiet";
	} else if (strcmp(state, "expired") == 0 || days < 0) {
		shown = _("Has expired");
		badge = "expired";
		mark = "error";
	} else if (value_int_of(value_get(row, "cancel_at_end"), 0) != 0) {
		shown = _("Cancelled at its end");
		badge = "ending";
		mark = "quiet";
	} else if (days == 0) {
		shown = _("Ends today");
		badge = "today";
		mark = "error";
	} else if (days <= NEAR_DAYS) {
		shown = arena_printf(cx->arena, _("Ends soon (%lld d)"), (long long)days);
		badge = "near";
		mark = "warn";
	} else if (days <= SOON_DAYS) {
		shown = _("Ends soon");
		badge = "soon";
		mark = "warn";
	} else {
		shown = _("Active");
	}
	value_set_text(cx->arena, row, "badge", badge);
	value_set_text(cx->arena, row, "mark", mark);
	value_set_text(cx->arena, row, "state_shown", shown);
	value_set_text(cx->arena, row, "days_shown",
		       strcmp(state, "cancelled") == 0 ? "" : days_shown(cx, days));
	/* Beside the badge: nothing that the badge says already. */
	value_set_text(cx->arena, row, "days_note",
		       strcmp(state, "cancelled") == 0 || strcmp(badge, "today") == 0 ? ""
										      : days_shown(cx, days));
}

static const struct {
	const char *code, *words;
} words[] = {
	{ "cash", N_("Cash") },
	{ "transfer", N_("Transfer") },
	{ "card", N_("Card") },
	{ "paypal", N_("PayPal") },
	{ "other", N_("Other") },
	{ "pending", N_("Pending") },
	{ "completed", N_("Completed") },
	{ "failed", N_("Failed") },
	{ "refunded", N_("Refunded") },
	{ "cancelled", N_("Cancelled") },
	{ "queued", N_("Pending") },
	{ "sending", N_("Sending") },
	{ "sent", N_("Sent") },
	{ "delivered", N_("Delivered") },
	{ "read", N_("Read") },
	{ "unsure", N_("Unsure") },
	{ "expired", N_("Expired") },
	{ "skipped", N_("Skipped") },
	{ "expiration_warning", N_("Notice before the end") },
	{ "renewal_confirmation", N_("Renewal confirmation") },
	{ "payment_reminder", N_("Payment reminder") },
};

static void say_code(struct cx *cx, struct value *row, const char *name, const char *shown)
{
	const char *code = text_value(row, name);

	value_set_text(cx->arena, row, shown, code);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].code, code) == 0)
			value_set_text(cx->arena, row, shown, words_get(cx->lang, words[i].words));
}

void rows_words(struct cx *cx, struct value *rows)
{
	shape_page(cx, rows);
	for (struct value *r = rows->first; r != NULL; r = r->next) {
		int64_t receipt = value_int_of(value_get(r, "receipt_number"), 0);

		say_code(cx, r, "method", "method_shown");
		say_code(cx, r, "state", "state_shown");
		say_code(cx, r, "type", "type_shown");
		value_set_text(cx->arena, r, "receipt",
			       receipt != 0 ? arena_printf(cx->arena, "%06lld", (long long)receipt) : "");
		if (text_value(r, "skip_reason")[0] != '\0')
			value_set_text(cx->arena, r, "error",
				       skip_words(cx->lang, text_value(r, "skip_reason")));
		else if (text_value(r, "error")[0] != '\0')
			value_set_text(cx->arena, r, "error", words_get(cx->lang, text_value(r, "error")));
	}
}

static void show_rows(struct cx *cx, int64_t id, struct value *page, const char *key, const char *has,
		      const char *sql)
{
	struct value *rows = NULL;

	if (db_rows(cx, &rows, SHOWN_ROWS, sql, PARAMS(P_INT(":id", id))) != RC_OK) return;
	rows_words(cx, rows);
	value_set(page, key, rows);
	value_set_bool(cx->arena, page, has, rows->count > 0);
}

static const char *phone_shown(struct cx *cx, const char *e164)
{
	char shown[32];

	if (e164[0] == '\0') return "";
	phone_text(shown, e164);
	return arena_text(cx->arena, shown);
}

static void show_facts(struct cx *cx, int64_t id, struct value *page)
{
	struct value *row = NULL;
	char today[DATE_SIZE];

	day_text(today, cx_today(cx));
	if (db_row(cx, &row,
		   "SELECT s.state, s.cancel_at_end, CAST(julianday(s.ends_on) - julianday(:today) AS INTEGER) AS days_left,"
		   " s.price_cents, s.currency, s.starts_on, s.ends_on, s.payment_status, s.notes, c.public_id AS client,"
		   " trim(c.given_names || ' ' || c.surnames) AS client_name, coalesce(c.phone, '') AS phone,"
		   " v.display_name AS service FROM subscription s JOIN client c ON c.id = s.client_id"
		   " JOIN service v ON v.id = s.service_id WHERE s.id = :id",
		   PARAMS(P_TEXT(":today", today), P_INT(":id", id))) != RC_OK)
		return;
	shape_page(cx, row);
	subscription_badge(cx, row);
	value_set_text(cx->arena, row, "phone", phone_shown(cx, text_value(row, "phone")));
	value_set_text(cx->arena, row, "client_href",
		       arena_printf(cx->arena, "/clients/%s", text_value(row, "client")));
	value_set_text(cx->arena, row, "payment_shown",
		       strcmp(text_value(row, "payment_status"), "paid") == 0 ? _("Paid") : _("Pending"));
	value_set(page, "subscription", row);
}

void subscription_show(struct cx *cx, int64_t id, struct value *page)
{
	static const char *const from_lists[] = { "renew-one", "cancel-now", NULL };
	struct value *rows;

	actions_drop(page, from_lists);
	show_facts(cx, id, page);
	show_rows(
		cx, id, page, "payments", "has_payments",
		"SELECT public_id AS id, paid_at, amount_cents, currency, method, state, reference, receipt_number FROM payment"
		" WHERE subscription_id = :id AND archived_at IS NULL ORDER BY paid_at DESC");
	show_rows(
		cx, id, page, "periods", "has_periods",
		"SELECT p.starts_on, p.ends_on, p.price_cents, p.currency, p.created_by, p.created_at, p.undone_at,"
		" y.public_id AS payment_id, y.state, y.amount_cents FROM subscription_period p"
		" LEFT JOIN payment y ON y.id = p.payment_id WHERE p.subscription_id = :id ORDER BY p.id DESC");
	rows = (struct value *)(uintptr_t)value_get(page, "periods");
	for (struct value *v = rows != NULL ? rows->first : NULL; v != NULL; v = v->next)
		value_set_text(cx->arena, v, "created_by", who_shown(cx, text_value(v, "created_by")));
	show_rows(
		cx, id, page, "notices", "has_notices",
		"SELECT n.public_id AS id, n.created_at, n.type, n.days_left, coalesce(m.state, 'skipped') AS state,"
		" n.skip_reason, coalesce(m.error, '') AS error FROM notice n INDEXED BY notice_subscription"
		" LEFT JOIN message m ON m.id = n.message_id WHERE n.subscription_id = :id ORDER BY n.id DESC");
	if (actor_may(&cx->actor, "payments.edit") && value_get(page, "archived") == NULL)
		value_set_text(
			cx->arena, page, "new_payment",
			arena_printf(cx->arena, "/payments/new?subscription_id=%s", text_value(page, "id")));
	if (value_get(page, "new_payment") != NULL)
		value_set_text(cx->arena, page, "checkout",
			       arena_printf(cx->arena, "/checkout?subscription=%s", text_value(page, "id")));
}

void subscription_list(struct cx *cx, struct value *page)
{
	struct value *row = NULL;
	char today[DATE_SIZE], soon[DATE_SIZE];

	day_text(today, cx_today(cx));
	day_text(soon, cx_today(cx) + SOON_DAYS);
	if (db_row(cx, &row,
		   "SELECT count(*) AS total, coalesce(sum(state = 'active'), 0) AS active,"
		   " coalesce(sum(state = 'active' AND ends_on BETWEEN :today AND :soon), 0) AS soon,"
		   " coalesce(sum(state = 'expired'), 0) AS expired"
		   " FROM subscription INDEXED BY subscription_list WHERE archived_at IS NULL"
		   " AND generation NOT IN (SELECT id FROM pending_generation)"
		   " AND (:all OR client_id IN " OWN_CLIENTS ")",
		   PARAMS(P_TEXT(":today", today), P_TEXT(":soon", soon),
			  P_INT(":all", actor_may(&cx->actor, RIGHT_ALL)),
			  P_INT(":actor", cx->actor.user_id))) != RC_OK)
		return;
	card_add_count(cx, page, _("Subscriptions"), value_int_of(value_get(row, "total"), 0),
		       "/subscriptions");
	card_add_count(cx, page, _("Active subscriptions"), value_int_of(value_get(row, "active"), 0),
		       "/subscriptions?state=active");
	card_add_count(cx, page, _("End within 7 days"), value_int_of(value_get(row, "soon"), 0),
		       "/subscriptions?state=expiring");
	card_add_count(cx, page, _("Expired subscriptions"), value_int_of(value_get(row, "expired"), 0),
		       "/subscriptions?state=expired");
}
