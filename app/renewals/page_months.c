/*
** page_months.c -- a year of the business: what came in and who came, month by month.
**
** Owns:   the figures of the last twelve months, and their pictures on /panel and /renewals/months.
** Holds:  (1) a month is the business's, whatever zone the server is in; (2) amounts of different currencies
**         never share a picture or a sum; (3) every picture has its table.
*/
#include "renewals/panel.h"
#include "web/chart.h"
#include <string.h>

#define MONTHS_SHOWN   12
#define CURRENCIES_MAX 4 /* that one business takes; each has a picture of its own */

static day month_first(day any, int months_back)
{
	int year, month, dom;
	day first = any;

	day_split(any, &year, &month, &dom);
	month -= months_back;
	for (; month < 1; month += 12)
		year--;
	return day_make(&first, year, month, 1) ? first : any;
}

static const char sold_sql[] =
	"SELECT count(*) FROM subscription INDEXED BY subscription_created WHERE archived_at IS NULL"
	" AND created_at >= :from AND created_at < :to AND " NOT_PENDING " AND " SEEN_OF("");

static const char renewed_sql[] =
	"SELECT count(*) FROM subscription_period p INDEXED BY subscription_period_renewed WHERE p.created_at >= :from"
	" AND p.created_at < :to AND p.previous_json <> '' AND p.undone_at IS NULL AND (:all OR p.subscription_id IN"
	" (SELECT id FROM subscription WHERE client_id IN " OWN_CLIENTS "))";

/* What stayed: a payment given back later leaves its month, as it leaves the list that the figure leads to.
** The book in which a day that is over never changes is daily.c. */
static const char received_sql[] =
	"SELECT currency, count(*) AS payments, sum(amount_cents) AS received_cents FROM payment INDEXED BY payment_sums"
	" WHERE archived_at IS NULL AND paid_at >= :from AND paid_at < :to AND state = 'completed' AND (:all OR subscription_id IN"
	" (SELECT id FROM subscription WHERE client_id IN " OWN_CLIENTS
	")) GROUP BY currency ORDER BY currency";

static void name_month(struct cx *cx, struct value *row, day first)
{
	char date[DATE_SIZE];
	int year, month, dom;

	day_split(first, &year, &month, &dom);
	value_set_text(cx->arena, row, "month", arena_printf(cx->arena, "%04d-%02d", year, month));
	value_set_text(cx->arena, row, "month_shown", chart_month_title(cx, first));
	value_set_text(cx->arena, row, "month_short",
		       arena_printf(cx->arena, "%02d/%02d", month, year % 100));
	day_text(date, first);
	value_set_text(cx->arena, row, "first_on", date);
	day_text(date, day_add_months(first, 1) - 1);
	value_set_text(cx->arena, row, "last_on", date);
}

static enum rc fill_month(struct cx *cx, struct value *row, day first)
{
	instant from = zone_midnight(cx->env->zone, first),
		to = zone_midnight(cx->env->zone, day_add_months(first, 1));
	const char *house = setting_text(cx->env->settings, "business.currency");
	struct value *amounts = value_list(cx->arena);
	int64_t sold = 0, renewed = 0, received = 0;
	enum rc rc =
		db_get_int(cx, &sold, sold_sql, PARAMS(P_INT(":from", from), P_INT(":to", to), P_SEEN(cx)));

	if (rc == RC_OK)
		rc = db_get_int(cx, &renewed, renewed_sql,
				PARAMS(P_INT(":from", from), P_INT(":to", to), P_SEEN(cx)));
	if (rc == RC_OK && actor_may(&cx->actor, "payments.view"))
		rc = db_rows(cx, &amounts, CURRENCIES_MAX, received_sql,
			     PARAMS(P_INT(":from", from), P_INT(":to", to), P_SEEN(cx)));
	if (rc != RC_OK) return rc;
	for (const struct value *a = amounts->first; a != NULL; a = a->next)
		if (strcmp(text_in(a, "currency"), house) == 0) received = int_in(a, "received_cents");
	name_month(cx, row, first);
	value_set_int(cx->arena, row, "new_subscriptions", sold);
	value_set_int(cx->arena, row, "renewals", renewed);
	value_set_int(cx->arena, row, "received_cents", received);
	value_set_text(cx->arena, row, "currency", house);
	value_set(row, "amounts", amounts);
	return RC_OK;
}

static bool is_listed(const struct value *list, const char *currency)
{
	for (const struct value *c = list->first; c != NULL; c = c->next)
		if (strcmp(text_in(c, "currency"), currency) == 0) return true;
	return false;
}

static void add_currency(struct cx *cx, struct value *list, const char *currency)
{
	if (is_listed(list, currency) || list->count == CURRENCIES_MAX) return;
	value_set_text(cx->arena, value_add_map(cx->arena, list), "currency", currency);
}

void year_fill(struct cx *cx, struct value *out)
{
	struct value *months = value_set_list(cx->arena, out, "months"),
		     *currencies = value_set_list(cx->arena, out, "currencies");
	enum rc rc = RC_OK;

	for (int back = MONTHS_SHOWN - 1; back >= 0 && rc == RC_OK; back--)
		rc = fill_month(cx, value_add_map(cx->arena, months), month_first(cx_today(cx), back));
	/* the house's own first */
	add_currency(cx, currencies, setting_text(cx->env->settings, "business.currency"));
	for (const struct value *m = months->first; m != NULL && rc == RC_OK; m = m->next)
		for (const struct value *a = value_get(m, "amounts")->first; a != NULL; a = a->next)
			add_currency(cx, currencies, text_in(a, "currency"));
	value_set_bool(cx->arena, out, "is_whole", rc == RC_OK);
}

/* The pictures */

struct year {
	size_t count;
	const char *labels[MONTHS_SHOWN], *shorts[MONTHS_SHOWN], *hrefs[MONTHS_SHOWN];
	int64_t values[2][MONTHS_SHOWN];
};

static void read_names(struct cx *cx, struct year *y, const struct value *months)
{
	*y = (struct year){ .count = 0 };
	for (const struct value *m = months->first; m != NULL && y->count < MONTHS_SHOWN; m = m->next) {
		y->labels[y->count] = text_in(m, "month_shown");
		y->shorts[y->count] = text_in(m, "month_short");
		y->hrefs[y->count] =
			arena_printf(cx->arena, "/payments?state=completed&paid_from=%s&paid_to=%s",
				     text_in(m, "first_on"), text_in(m, "last_on"));
		y->values[0][y->count] = int_in(m, "new_subscriptions");
		y->values[1][y->count++] = int_in(m, "renewals");
	}
}

static struct value *money_chart(struct cx *cx, struct year *y, const struct value *months,
				 const char *currency)
{
	struct chart c = { .id = arena_printf(cx->arena, "received-%s", currency),
			   .title = arena_printf(cx->arena, _("Received by month, in %s"), currency),
			   .column = _("Month"),
			   .empty = _("No payments in these months."),
			   .points = y->count,
			   .series = 1,
			   .labels = y->labels,
			   .shorts = y->shorts,
			   .hrefs = y->hrefs,
			   .currency = currency };
	size_t i = 0;

	for (const struct value *m = months->first; m != NULL && i < y->count; m = m->next, i++) {
		y->values[0][i] = 0;
		for (const struct value *a = value_get(m, "amounts")->first; a != NULL; a = a->next)
			if (strcmp(text_in(a, "currency"), currency) == 0)
				y->values[0][i] = int_in(a, "received_cents");
	}
	c.of[0] = (struct chart_series){ .title = _("Received"), .values = y->values[0] };
	return chart_bars(cx, &c);
}

void year_charts(struct cx *cx, struct value *page, const struct value *year)
{
	const struct value *months = value_get(year, "months");
	struct value *money = value_set_list(cx->arena, page, "charts_money");
	struct chart c = { .id = "sold",
			   .title = _("New subscriptions and renewals by month"),
			   .column = _("Month"),
			   .series = 2 };
	struct year y;

	read_names(cx, &y, months);
	c.points = y.count;
	c.labels = y.labels;
	c.shorts = y.shorts;
	c.of[0] = (struct chart_series){ .title = _("New subscriptions"), .values = y.values[0] };
	c.of[1] = (struct chart_series){ .title = _("Renewals"), .values = y.values[1] };
	value_set(page, "chart_sold", chart_line(cx, &c));
	if (!actor_may(&cx->actor, "payments.view")) return;
	for (const struct value *k = value_get(year, "currencies")->first; k != NULL; k = k->next)
		value_append(money, money_chart(cx, &y, months, text_in(k, "currency")));
}

/* The page */

static const struct answer_column columns[] = {
	{ "month", N_("Month") },
	{ "received_cents", N_("Received") },
	{ "new_subscriptions", N_("New subscriptions") },
	{ "renewals", N_("Renewals") },
	{ NULL, NULL },
};

enum rc handle_months(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *year = value_map(cx->arena), *months;

	desk_kept(cx, year, "renewals_year", year_fill);
	if (!value_bool_of(value_get(year, "is_whole"), false))
		return cx_fail(cx, RC_TRY_LATER, _("Counting the months takes too long just now."));
	months = list_in(year, "months");
	if (call_shape(call) == SHAPE_JSON) {
		answer_json(cx, call, 200, year);
		return RC_OK;
	}
	if (call_shape(call) != SHAPE_PAGE) return answer_rows(cx, call, "months", columns, months);
	year_charts(cx, page, year);
	shape_page(cx, months);
	value_set(page, "months", months);
	value_set_bool(cx->arena, page, "has_money", actor_may(&cx->actor, "payments.view"));
	value_set_text(cx->arena, page, "currency", setting_text(cx->env->settings, "business.currency"));
	value_set_text(cx->arena, page, "title", _("Month by month"));
	answer_page(cx, call, "renewals/months", text_in(page, "title"), page);
	return RC_OK;
}
