/*
** page_months.c -- a year of the business: what came in and who came, month by month; the services sold most.
**
** Holds:  (1) a month is the business's, whatever zone the server is in; (2) sums are of the house's currency
** only;
**         (3) every picture has its table.
*/
#include "renewals/resources.h"
#include <string.h>

#define MONTHS_SHOWN   12
#define SERVICES_SHOWN 5
#define CHART_WIDTH    720
#define CHART_HEIGHT   160
#define CHART_FOOT     20 /* room for the names of the months */

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

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

/* One month into row: new subscriptions, and payments in the house's currency. */
static enum rc fill_month(struct cx *cx, struct value *row, day first)
{
	day next = day_add_months(first, 1);
	instant from = zone_midnight(cx->env->zone, first), to = zone_midnight(cx->env->zone, next);
	int64_t sold = 0, received = 0, renewed = 0;
	int year, month, dom;
	enum rc rc = db_get_int(
		cx, &sold,
		"SELECT count(*) FROM subscription INDEXED BY subscription_created WHERE archived_at IS NULL"
		" AND created_at >= :from AND created_at < :to"
		" AND generation NOT IN (SELECT id FROM pending_generation)",
		PARAMS(P_INT(":from", from), P_INT(":to", to)));

	if (rc == RC_OK)
		rc = db_get_int(
			cx, &renewed,
			"SELECT count(*) FROM subscription_period INDEXED BY subscription_period_created"
			" WHERE created_at >= :from AND created_at < :to AND previous_json <> '' AND undone_at IS NULL",
			PARAMS(P_INT(":from", from), P_INT(":to", to)));
	if (rc == RC_OK)
		rc = db_get_int(
			cx, &received,
			"SELECT coalesce(sum(amount_cents), 0) FROM payment INDEXED BY payment_list WHERE archived_at IS NULL"
			" AND paid_at >= :from AND paid_at < :to AND state = 'completed' AND currency = :currency",
			PARAMS(P_INT(":from", from), P_INT(":to", to),
			       P_TEXT(":currency", setting_text(cx->env->settings, "business.currency"))));
	if (rc != RC_OK) return rc;
	day_split(first, &year, &month, &dom);
	value_set_text(cx->arena, row, "month", arena_printf(cx->arena, "%04d-%02d", year, month));
	value_set_text(cx->arena, row, "month_shown", arena_printf(cx->arena, "%02d/%04d", month, year));
	value_set_text(cx->arena, row, "month_short",
		       arena_printf(cx->arena, "%02d/%02d", month, year % 100));
	value_set_int(cx->arena, row, "new_subscriptions", sold);
	value_set_int(cx->arena, row, "renewals", renewed);
	value_set_int(cx->arena, row, "received_cents", received);
	value_set_text(cx->arena, row, "received", money_shown(cx, received, ""));
	return RC_OK;
}

/* The bars of one column, as integers for the picture. */
static void fill_bars(struct cx *cx, struct value *page, const char *key, const struct value *months,
		      const char *column)
{
	struct value *bars = value_set_list(cx->arena, page, key);
	int64_t top = 1, step = CHART_WIDTH / MONTHS_SHOWN, height = CHART_HEIGHT - CHART_FOOT, x = 0;

	for (const struct value *m = months->first; m != NULL; m = m->next)
		if (int_of(m, column) > top) top = int_of(m, column);
	for (const struct value *m = months->first; m != NULL; m = m->next, x += step) {
		struct value *bar = value_add_map(cx->arena, bars);
		int64_t tall = int_of(m, column) * (height - 16) / top;

		value_set_int(cx->arena, bar, "x", x + 4);
		value_set_int(cx->arena, bar, "middle", x + step / 2);
		value_set_int(cx->arena, bar, "width", step - 8);
		value_set_int(cx->arena, bar, "y", height - tall);
		value_set_int(cx->arena, bar, "value_y", height - tall - 4);
		value_set_int(cx->arena, bar, "height", tall);
		value_set_text(cx->arena, bar, "label", value_text_of(value_get(m, "month_short"), ""));
		value_set_text(cx->arena, bar, "text",
			       strcmp(column, "received_cents") == 0
				       ? value_text_of(value_get(m, "received"), "")
				       : arena_printf(cx->arena, "%lld", (long long)int_of(m, column)));
		value_set_bool(cx->arena, bar, "is_some", tall > 0);
	}
}

enum rc handle_months(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *months = value_set_list(cx->arena, page, "months"),
		     *top = NULL;
	day today = cx_today(cx);
	enum rc rc = RC_OK;

	for (int back = MONTHS_SHOWN - 1; back >= 0 && rc == RC_OK; back--)
		rc = fill_month(cx, value_add_map(cx->arena, months), month_first(today, back));
	if (rc == RC_OK)
		rc = db_rows(
			cx, &top, SERVICES_SHOWN,
			"SELECT v.public_id AS id, v.display_name AS name, count(*) AS active FROM subscription s"
			" JOIN service v ON v.id = s.service_id WHERE s.state = 'active' AND s.archived_at IS NULL"
			" AND s.generation NOT IN (SELECT id FROM pending_generation)"
			" GROUP BY v.id ORDER BY active DESC, v.display_name LIMIT 5",
			NO_PARAMS);
	if (rc != RC_OK) return rc;
	value_set(page, "services", top);
	value_set_bool(cx->arena, page, "has_services", top->count > 0);
	value_set_text(cx->arena, page, "currency", setting_text(cx->env->settings, "business.currency"));
	if (call_shape(call) == SHAPE_JSON) {
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	fill_bars(cx, page, "money_bars", months, "received_cents");
	fill_bars(cx, page, "sold_bars", months, "new_subscriptions");
	value_set_int(cx->arena, page, "chart_width", CHART_WIDTH);
	value_set_int(cx->arena, page, "chart_height", CHART_HEIGHT);
	value_set_int(cx->arena, page, "axis_y", CHART_HEIGHT - CHART_FOOT);
	value_set_int(cx->arena, page, "label_y", CHART_HEIGHT - 4);
	value_set_text(cx->arena, page, "title", _("Month by month"));
	answer_page(cx, call, "renewals/months", _("Month by month"), page);
	return RC_OK;
}
