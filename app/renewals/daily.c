/*
** daily.c -- the money of each day by method: what arrived, what was given back, what stays.
**
** Needs:  desk.h for the same rows as JSON, CSV and workbook.
** Never:  counts what is only awaited.
** Holds:  (1) a day is the business's; (2) a payment counts on the day its money arrived (it has a receipt),
**         and is taken off on the day it was given back, be it refunded or undone: a day that is over does
**         not change; (3) currencies are never added: one line a currency, also in the totals; (4) a person
**         sees the money of the customers that person may see.
*/
#include "renewals/resources.h"
#include <string.h>

#define DAYS_SHOWN 30    /* when no dates are given                      */
#define DAYS_MAX   366   /* a year and its leap day: what one page shows */
#define LINES_MAX  10000 /* days × methods × currencies of a year, twice */

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

#define SEEN "(:all OR subscription_id IN (SELECT id FROM subscription WHERE client_id IN " OWN_CLIENTS "))"

/* Within one day everything of a method and currency is one line. */
static const char day_sql[] =
	"SELECT method, currency, sum(count) AS count, sum(received) AS received_cents, sum(refunded) AS refunded_cents,"
	" sum(received) - sum(refunded) AS total_cents FROM ("
	" SELECT method, currency, 1 AS count, amount_cents AS received, 0 AS refunded FROM payment INDEXED BY payment_list"
	" WHERE paid_at >= :from AND paid_at < :to AND receipt_number IS NOT NULL AND archived_at IS NULL AND " SEEN
	" UNION ALL SELECT method, currency, 0, 0, amount_cents FROM payment INDEXED BY payment_refunded"
	" WHERE refunded_at >= :from AND refunded_at < :to AND archived_at IS NULL AND " SEEN
	") GROUP BY method, currency ORDER BY currency, method";

static const char *method_words(struct cx *cx, const char *code)
{
	static const char *const words[][2] = { { "cash", N_("Cash") },
						{ "transfer", N_("Transfer") },
						{ "card", N_("Card") },
						{ "paypal", N_("PayPal") },
						{ "other", N_("Other") } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], code) == 0) return words_get(cx->lang, words[i][1]);
	return code;
}

static enum rc add_day(struct cx *cx, struct value *out, day d)
{
	struct value *rows = NULL;
	char date[DATE_SIZE];
	enum rc rc = db_rows(cx, &rows, LINES_MAX, day_sql,
			     PARAMS(P_INT(":from", zone_midnight(cx->env->zone, d)),
				    P_INT(":to", zone_midnight(cx->env->zone, d + 1)),
				    P_INT(":all", actor_may(&cx->actor, RIGHT_ALL)),
				    P_INT(":actor", cx->actor.user_id)));

	day_text(date, d);
	for (struct value *r = rc == RC_OK ? rows->first : NULL, *next; r != NULL && out->count < LINES_MAX;
	     r = next) {
		next = r->next;
		r->next = NULL;
		value_set_text(cx->arena, r, "paid_on", date);
		value_append(out, r);
	}
	return rc;
}

enum rc daily_money(struct cx *cx, struct value **out, day from, day to)
{
	enum rc rc = RC_OK;

	*out = value_list(cx->arena);
	for (day d = to; d >= from && rc == RC_OK; d--) /* newest first */
		rc = add_day(cx, *out, d);
	return rc;
}

static struct value *total_of(struct cx *cx, struct value *totals, const struct value *r, bool by_method)
{
	struct value *made;

	for (struct value *t = totals->first; t != NULL; t = t->next)
		if (strcmp(text_of(t, "currency"), text_of(r, "currency")) == 0 &&
		    (!by_method || strcmp(text_of(t, "method"), text_of(r, "method")) == 0))
			return t;
	made = value_add_map(cx->arena, totals);
	value_set_text(cx->arena, made, "method", by_method ? text_of(r, "method") : "");
	value_set_text(cx->arena, made, "currency", text_of(r, "currency"));
	return made;
}

static void add_up(struct cx *cx, struct value *totals, const struct value *rows, bool by_method)
{
	static const char *const sums[] = { "count", "received_cents", "refunded_cents", "total_cents" };

	for (const struct value *r = rows->first; r != NULL; r = r->next) {
		struct value *t = total_of(cx, totals, r, by_method);

		for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
			value_set_int(cx->arena, t, sums[i], int_of(t, sums[i]) + int_of(r, sums[i]));
	}
}

static enum rc read_day(struct cx *cx, struct call *call, const char *name, day *out)
{
	const char *text = call_query(call, name);

	if (text == NULL || text[0] == '\0' || day_parse_any(out, text) == RC_OK) return RC_OK;
	return cx_fail_field(cx, name, _("“%s” is not a date; write it like 22/11/2026."), text);
}

static enum rc read_range(struct cx *cx, struct call *call, day *from, day *to)
{
	enum rc rc;

	*to = cx_today(cx);
	rc = read_day(cx, call, "to", to);
	*from = *to - DAYS_SHOWN + 1;
	if (rc == RC_OK) rc = read_day(cx, call, "from", from);
	if (rc != RC_OK) return rc;
	if (*from > *to) return cx_fail_field(cx, "from", _("The first day is after the last one."));
	if (*to - *from >= DAYS_MAX)
		return cx_fail_field(cx, "from", _("At most %d days at once."), DAYS_MAX);
	return RC_OK;
}

static void name_methods(struct cx *cx, struct value *rows)
{
	shape_page(cx, rows);
	for (struct value *r = rows->first; r != NULL; r = r->next) {
		value_set_text(cx->arena, r, "method_shown", method_words(cx, text_of(r, "method")));
		value_set_bool(cx->arena, r, "has_refunds", int_of(r, "refunded_cents") != 0);
	}
}

static void fill_page(struct cx *cx, struct value *page, struct value *rows, day from, day to)
{
	struct value *methods = value_set_list(cx->arena, page, "methods"),
		     *totals = value_set_list(cx->arena, page, "totals");
	char date[DATE_SIZE];

	add_up(cx, methods, rows, true);
	add_up(cx, totals, rows, false);
	for (const struct value *t = totals->first; t != NULL; t = t->next)
		card_add(cx, page, arena_printf(cx->arena, "%s (%s)", _("Stays"), text_of(t, "currency")),
			 money_shown(cx, int_of(t, "total_cents"), text_of(t, "currency")), NULL);
	for (const struct value *t = methods->first; t != NULL; t = t->next)
		card_add(cx, page, method_words(cx, text_of(t, "method")),
			 money_shown(cx, int_of(t, "total_cents"), text_of(t, "currency")), NULL);
	name_methods(cx, rows);
	name_methods(cx, methods);
	name_methods(cx, totals);
	value_set(page, "rows", rows);
	value_set_bool(cx->arena, page, "has_rows", rows->count > 0);
	day_text(date, from);
	value_set_text(cx->arena, page, "from", date);
	day_text(date, to);
	value_set_text(cx->arena, page, "to", date);
	value_set_text(
		cx->arena, page, "csv",
		arena_printf(cx->arena, "/renewals/daily.csv?from=%s&to=%s", text_of(page, "from"), date));
	value_set_text(
		cx->arena, page, "xlsx",
		arena_printf(cx->arena, "/renewals/daily.xlsx?from=%s&to=%s", text_of(page, "from"), date));
}

/* The files end with a line a currency. */
static void add_totals(struct cx *cx, struct value *rows)
{
	struct value *totals = value_list(cx->arena);

	add_up(cx, totals, rows, false);
	for (struct value *t = totals->first, *next; t != NULL; t = next) {
		next = t->next;
		t->next = NULL;
		value_set_text(cx->arena, t, "method", _("Total"));
		value_append(rows, t);
	}
}

enum rc handle_daily(struct cx *cx, struct call *call)
{
	static const struct answer_column columns[] = { { "paid_on", N_("Date") },
							{ "method", N_("Method") },
							{ "currency", N_("Currency") },
							{ "count", N_("Payments") },
							{ "received_cents", N_("Received") },
							{ "refunded_cents", N_("Given back") },
							{ "total_cents", N_("Stays") },
							{ NULL, NULL } };
	struct value *page = value_map(cx->arena), *rows = NULL;
	day from = 0, to = 0;
	enum rc asked = read_range(cx, call, &from, &to), rc = asked;

	/* A page says so above the usual days, where the dates are mended. */
	if (asked == RC_BAD_INPUT && call_shape(call) == SHAPE_PAGE) {
		value_set_text(cx->arena, page, "failure", cx->fields[0].message);
		to = cx_today(cx);
		from = to - DAYS_SHOWN + 1;
		rc = RC_OK;
	}
	if (rc == RC_OK) rc = daily_money(cx, &rows, from, to);
	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) {
		if (call_shape(call) != SHAPE_JSON) add_totals(cx, rows); /* a program adds up itself */
		return answer_rows(cx, call, "daily", columns, rows);
	}
	fill_page(cx, page, rows, from, to);
	page_trail(cx, page, _("Payments"), "/payments");
	value_set_text(cx->arena, page, "title", _("Money by day"));
	answer_page(cx, call, "renewals/daily", text_of(page, "title"), page);
	if (asked != RC_OK) reply_status(call_reply(call), rc_row(asked)->http);
	return RC_OK;
}
