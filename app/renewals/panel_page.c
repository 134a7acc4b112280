/*
** panel_page.c -- /panel: the owner's figures, the calendar of what ends, a year in pictures, short tables.
**
** Holds:  (1) whoever may see subscriptions sees the page, with the figures of the own customers and the
**         parts that one's rights allow; (2) it only reads; (3) every number leads to the list of exactly its
**         rows.
*/
#include "renewals/panel.h"
#include "web/chart.h"
#include <stdio.h>
#include <string.h>

#define FIRST_YEAR 2000
#define LAST_YEAR  2199

/* The calendar: what is to come is active, what is past has expired without renewal. */

static const char calendar_sql[] =
	"SELECT ends_on, count(*) FROM subscription INDEXED BY subscription_due WHERE state = :state"
	" AND ends_on BETWEEN :from AND :to AND archived_at IS NULL AND " NOT_PENDING
	" AND " SEEN_OF("") " GROUP BY ends_on";

struct sheet {
	day first, last;
	int64_t counts[31];
	const char *hrefs[31];
};

static enum rc count_days(struct cx *cx, struct sheet *s, struct value *days, const char *state, day from,
			  day to)
{
	char first[DATE_SIZE], last[DATE_SIZE];
	struct value *one;
	struct query *q = NULL;
	enum rc rc;

	if (from > to) return RC_OK;
	day_text(first, from);
	day_text(last, to);
	rc = db_query(
		cx, &q, calendar_sql,
		PARAMS(P_TEXT(":state", state), P_TEXT(":from", first), P_TEXT(":to", last), P_SEEN(cx)));
	while (rc == RC_OK && query_next(q)) {
		const char *on = query_copy(cx, q, 0);
		day d = 0;

		if (day_parse(&d, on) != RC_OK || d < s->first || d > s->last) continue;
		s->counts[d - s->first] = query_int(q, 1);
		s->hrefs[d - s->first] = arena_printf(
			cx->arena, "/subscriptions?state=%s&ends_from=%s&ends_to=%s", state, on, on);
		one = value_add_map(cx->arena, days);
		value_set_text(cx->arena, one, "ends_on", on);
		value_set_int(cx->arena, one, "count", s->counts[d - s->first]);
		value_set_text(cx->arena, one, "href", s->hrefs[d - s->first]);
	}
	return query_end(q, rc);
}

static const char *month_href(struct cx *cx, day first)
{
	int year, month, dom;

	day_split(first, &year, &month, &dom);
	return arena_printf(cx->arena, "/panel?month=%04d-%02d#calendar", year, month);
}

/* "2026-11" of the address; this month if there is none or it is no month. */
static day month_asked(struct cx *cx, struct call *call)
{
	const char *text = call_query(call, "month");
	int year = 0, month = 0;
	day first = 0;

	if (text != NULL && sscanf(text, "%4d-%2d", &year, &month) == 2 && year >= FIRST_YEAR &&
	    year <= LAST_YEAR && day_make(&first, year, month, 1))
		return first;
	return zone_day(cx->env->zone, month_began(cx));
}

static enum rc fill_calendar(struct cx *cx, struct value *page, day first)
{
	day today = cx_today(cx), next = day_add_months(first, 1);
	struct sheet s = { .first = first, .last = next - 1 };
	struct chart_month m = {
		.id = "ends",
		.title = arena_printf(cx->arena, _("What ends in %s"), chart_month_title(cx, first)),
		.text = _("From today on the active ones; before, those that expired and were not renewed."),
		.column = _("Subscriptions"),
		.first = first,
		.today = today,
		.counts = s.counts,
		.hrefs = s.hrefs
	};
	struct value *days = value_set_list(cx->arena, page, "days");
	enum rc rc = count_days(cx, &s, days, "expired", s.first, s.last < today ? s.last : today - 1);

	if (rc == RC_OK) rc = count_days(cx, &s, days, "active", s.first > today ? s.first : today, s.last);
	if (rc != RC_OK) return rc;
	value_set(page, "chart_month", chart_calendar(cx, &m));
	value_set_text(cx->arena, page, "calendar_title", m.title);
	value_set_text(cx->arena, page, "calendar_text", m.text);
	value_set_text(cx->arena, page, "month_before", month_href(cx, day_add_months(first, -1)));
	value_set_text(cx->arena, page, "month_after", month_href(cx, next));
	return RC_OK;
}

/* The page */

static void fill_figures(struct cx *cx, struct value *page)
{
	static const struct {
		const char *key, *kept, *title;
		figure_fill_fn *fill;
	} cards[] = {
		{ "business", "renewals_business", N_("Subscriptions"), panel_business },
		{ "month", "renewals_month", N_("This month"), panel_month },
		{ "attention", "renewals_attention", N_("Needs attention"), panel_attention },
	};
	struct value *list = value_set_list(cx->arena, page, "cards");

	for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++) {
		struct value *card = value_add_map(cx->arena, list);

		desk_kept(cx, card, cards[i].kept, cards[i].fill);
		value_set_text(cx->arena, card, "name", cards[i].key);
		value_set_text(cx->arena, card, "title", words_get(cx->lang, cards[i].title));
	}
	if (actor_may(&cx->actor, "notices.view")) {
		struct value *notices = value_set_map(cx->arena, page, "notices");

		desk_kept(cx, notices, "renewals_notices", panel_notices);
		value_set_text(cx->arena, notices, "title", _("Today's notices"));
	}
}

/* For programs: the figures without the places of the pictures. */
static void answer_data(struct cx *cx, struct call *call, const struct value *page, const struct value *year)
{
	static const char *const parts[] = { "cards", "notices", "tables", "days" };
	enum { PARTS = sizeof(parts) / sizeof(parts[0]) };
	struct value *out = value_map(cx->arena), *found[PARTS];

	for (size_t i = 0; i < PARTS; i++)
		found[i] = list_in(page, parts[i]);
	for (size_t i = 0; i < PARTS; i++)
		value_set(out, parts[i], found[i]);
	value_set(out, "months", list_in(year, "months"));
	answer_json(cx, call, 200, out);
}

enum rc handle_panel(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *year = value_map(cx->arena),
		     *tables = value_map(cx->arena);
	enum rc rc = fill_calendar(cx, page, month_asked(cx, call));

	if (rc != RC_OK) return rc;
	fill_figures(cx, page);
	desk_kept(cx, tables, "renewals_tables", panel_tables);
	value_set(page, "tables", list_in(tables, "tables"));
	desk_kept(cx, year, "renewals_year", year_fill);
	cx->message = ""; /* what a part could not find out is not the page's failure */
	if (call_shape(call) == SHAPE_JSON) {
		answer_data(cx, call, page, year);
		return RC_OK;
	}
	if (call_shape(call) != SHAPE_PAGE) return RC_NOT_FOUND;
	if (value_bool_of(value_get(year, "is_whole"), false)) year_charts(cx, page, year);
	value_set_bool(cx->arena, page, "may_runs", actor_may(&cx->actor, "renewals.runs"));
	value_set_text(cx->arena, page, "title", _("Dashboard"));
	answer_page(cx, call, "renewals/panel", text_in(page, "title"), page);
	return RC_OK;
}

/* The old systems' customers' dashboard. */
enum rc handle_dashboard(struct cx *cx, struct call *call)
{
	answer_redirect(cx, call, "/panel");
	return RC_OK;
}
