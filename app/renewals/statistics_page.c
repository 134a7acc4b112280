/*
** statistics_page.c -- the page of statistics: notices per day, what came of them, when people write.
**
** Needs:  statistics.c for the figures; app/web/chart.h for the pictures.
** Holds:  (1) the same figures as page, JSON, CSV and XLSX; (2) a day's number leads to the list of exactly
**         its notices.
*/
#include "renewals/statistics.h"
#include "renewals/panel.h"
#include "web/chart.h"
#include <string.h>

#define DAYS_SHOWN 30 /* unless asked otherwise */

static enum rc read_day(struct cx *cx, day *out, const char *text)
{
	if (text == NULL || text[0] == '\0' || day_parse_any(out, text) == RC_OK) return RC_OK;
	return cx_fail(cx, RC_BAD_INPUT, _("“%s” is not a date; write it like 22/11/2026."), text);
}

static enum rc read_range(struct cx *cx, struct call *call, day *from, day *to)
{
	enum rc rc;

	*to = cx_today(cx);
	rc = read_day(cx, to, call_query(call, "to"));
	*from = *to - (DAYS_SHOWN - 1);
	return rc == RC_OK ? read_day(cx, from, call_query(call, "from")) : rc;
}

/* Words */

static const char *percent_shown(struct cx *cx, int64_t percent)
{
	return arena_printf(cx->arena, "%lld %%", (long long)percent);
}

/* "45 min", "3 h 20 min". */
static const char *minutes_shown(struct cx *cx, int64_t minutes)
{
	if (minutes < 60) return arena_printf(cx->arena, "%lld min", (long long)minutes);
	return arena_printf(cx->arena, "%lld h %02lld min", (long long)(minutes / 60),
			    (long long)(minutes % 60));
}

static const char *notices_href(struct cx *cx, const char *more, const char *from, const char *to)
{
	return arena_printf(cx->arena, "/notices?%stype=expiration_warning&from=%s&to=%s", more, from, to);
}

/* The figures above */

static void fill_figures(struct cx *cx, struct value *page, const struct value *data, const char *from,
			 const char *to)
{
	const struct value *sums = value_get(data, "sums"), *kpi = value_get(data, "kpi");
	const struct value *last_day = row_by_int(value_get(data, "stages"), "stage", 0);
	int64_t renewed = int_in(kpi, "renewals"), answered = int_in(kpi, "answered");

	figure_count(cx, page, "found", _("Notices found"), int_in(sums, "found"),
		     notices_href(cx, "", from, to), NULL);
	figure_text(cx, page, _("Success rate"), percent_shown(cx, int_in(sums, "success_percent")), NULL,
		    NULL);
	figure_count(cx, page, "failed", _("Failures"), int_in(sums, "failed"),
		     notices_href(cx, "state=failed&", from, to),
		     int_in(sums, "failed") > 0 ? "error" : NULL);
	figure_count(cx, page, "last_day", _("Notices of the last day"), int_in(last_day, "found"),
		     notices_href(cx, "stage=0&", from, to), NULL);
	figure_text(cx, page, _("Answered within a day"),
		    arena_printf(cx->arena, "%s (%s)", chart_count(cx, answered),
				 percent_shown(cx, int_in(kpi, "answer_percent"))),
		    NULL, NULL);
	figure_text(cx, page, _("Usual time to an answer"),
		    answered > 0 ? minutes_shown(cx, int_in(kpi, "answer_minutes")) : "—", NULL, NULL);
	figure_count(cx, page, "renewals", _("Renewals"), renewed, NULL, NULL);
	figure_text(cx, page, _("Renewed on the last day"),
		    arena_printf(cx->arena, "%s (%s)", chart_count(cx, int_in(kpi, "renewals_last_day")),
				 percent_shown(cx, percent_of(int_in(kpi, "renewals_last_day"), renewed))),
		    NULL, NULL);
	if (actor_may(&cx->actor, "clients.view"))
		figure_count(cx, page, "without_phone", _("Customers without a WhatsApp number"),
			     int_in(kpi, "without_phone"), "/clients?state=active&phone=unreachable",
			     int_in(kpi, "without_phone") > 0 ? "warn" : NULL);
}

/* The picture of the days: every day of the range, those without notices too */

static const struct value *row_of_day(const struct value *days, const char *date)
{
	for (const struct value *r = days->first; r != NULL; r = r->next)
		if (strcmp(text_in(r, "local_on"), date) == 0) return r;
	return NULL;
}

struct days_drawn {
	size_t count;
	const char *labels[STATS_DAYS_MAX], *shorts[STATS_DAYS_MAX], *hrefs[STATS_DAYS_MAX];
	int64_t sent[STATS_DAYS_MAX], waiting[STATS_DAYS_MAX], skipped[STATS_DAYS_MAX], bad[STATS_DAYS_MAX];
};

static void fill_days_chart(struct cx *cx, struct value *page, const struct value *data, day from, day to)
{
	struct days_drawn *d = arena_alloc(cx->arena, sizeof(*d));
	struct chart c = { .id = "per-day",
			   .title = _("Notices per day"),
			   .text = _("What became of the notices of each day."),
			   .column = _("Date"),
			   .series = 4 };

	if (d == NULL) return;
	d->count = 0;
	for (day at = from; at <= to && d->count < STATS_DAYS_MAX; at++, d->count++) {
		const struct value *row;
		char date[DATE_SIZE];

		day_text(date, at);
		row = row_of_day(value_get(data, "days"), date);
		d->labels[d->count] = day_shown(cx, date);
		d->shorts[d->count] = arena_printf(cx->arena, "%.5s", d->labels[d->count]);
		d->hrefs[d->count] = row != NULL ? notices_href(cx, "", date, date) : NULL;
		d->sent[d->count] = int_in(row, "sent");
		d->waiting[d->count] = int_in(row, "waiting");
		d->skipped[d->count] = int_in(row, "skipped");
		d->bad[d->count] = int_in(row, "failed") + int_in(row, "unsure");
	}
	c.points = d->count;
	c.labels = d->labels;
	c.shorts = d->shorts;
	c.hrefs = d->hrefs;
	c.of[0] = (struct chart_series){ .title = _("Sent off"), .values = d->sent };
	c.of[1] = (struct chart_series){ .title = _("Still waiting"), .values = d->waiting, .color = 3 };
	c.of[2] = (struct chart_series){ .title = _("Left out"), .values = d->skipped, .color = 2 };
	c.of[3] = (struct chart_series){ .title = _("Failed or uncertain"), .values = d->bad, .color = 4 };
	value_set(page, "chart_days", chart_bars(cx, &c));
}

/* What came of them, by stage, and by month and stage */

static void shape_stages(struct cx *cx, const struct value *stages, const char *from, const char *to)
{
	for (struct value *s = stages->first; s != NULL; s = s->next) {
		value_set_text(cx->arena, s, "stage_shown", stage_title(cx, int_in(s, "stage")));
		value_set_text(cx->arena, s, "stage_href",
			       stage_filter(cx, int_in(s, "stage"))[0] != '\0'
				       ? notices_href(cx, stage_filter(cx, int_in(s, "stage")), from, to)
				       : NULL);
	}
}

static const char *month_shown(struct cx *cx, const char *month)
{
	day first = 0;

	return day_parse(&first, arena_printf(cx->arena, "%s-01", month)) == RC_OK
		       ? chart_month_title(cx, first)
		       : month;
}

#define MONTHS_DRAWN 15 /* that STATS_DAYS_MAX days touch */

/* One bar a stage in each month: of a hundred notices, how many were followed by a renewal. */
static void fill_conversion_chart(struct cx *cx, struct value *page, const struct value *data)
{
	static const int64_t drawn[CHART_SERIES_MAX] = { 7, 3, 1, 0 };
	const struct value *months = value_get(data, "months");
	const char *labels[MONTHS_DRAWN];
	int64_t values[CHART_SERIES_MAX][MONTHS_DRAWN];
	struct chart c = { .id = "conversion",
			   .title = _("Renewed within 7 days of a notice, in percent"),
			   .text = _("Of a hundred notices that left, by month and days before the end."),
			   .column = _("Month"),
			   .empty = _("No renewal followed these notices yet."),
			   .series = CHART_SERIES_MAX,
			   .labels = labels,
			   .is_grouped = true };
	size_t at = months->count < MONTHS_DRAWN ? months->count : MONTHS_DRAWN;

	c.points = at;
	for (size_t s = 0; s < CHART_SERIES_MAX; s++)
		c.of[s] = (struct chart_series){ .title = stage_title(cx, drawn[s]),
						 .values = values[s],
						 .color = s == 3 ? 4 : 0 };
	/* newest first in the data, oldest first in the picture */
	for (const struct value *m = months->first; m != NULL && at > 0; m = m->next) {
		labels[--at] = month_shown(cx, text_in(m, "month"));
		for (size_t s = 0; s < CHART_SERIES_MAX; s++)
			values[s][at] =
				int_in(row_by_int(value_get(m, "stages"), "stage", drawn[s]), "percent");
	}
	value_set(page, "chart_conversion", chart_bars(cx, &c));
}

static void fill_heat(struct cx *cx, struct value *page, const struct value *data)
{
	struct chart_week w = { .id = "hours",
				.title = _("When customers write"),
				.text = _("Messages received, by weekday and hour of the business's zone."),
				.empty = _("Nobody wrote in these days.") };
	int i = 0;

	for (const struct value *h = value_get(data, "hours")->first; h != NULL && i < 7 * 24;
	     h = h->next, i++)
		w.counts[i / 24][i % 24] = int_in(h, "n");
	value_set(page, "chart_hours", chart_heat(cx, &w));
}

/* The page */

static void fill_ranges(struct cx *cx, struct value *page, day from, day to)
{
	static const int days[] = { 7, 30, 90 };
	struct value *list = value_set_list(cx->arena, page, "ranges");

	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		struct value *one = value_add_map(cx->arena, list);
		char first[DATE_SIZE];

		day_text(first, cx_today(cx) - (days[i] - 1));
		value_set_text(cx->arena, one, "range_shown", arena_printf(cx->arena, _("%d days"), days[i]));
		value_set_text(cx->arena, one, "range_href",
			       arena_printf(cx->arena, "/renewals/stats?from=%s", first));
		value_set_bool(cx->arena, one, "is_current", to == cx_today(cx) && to - from + 1 == days[i]);
	}
}

static void shape_days(struct cx *cx, struct value *page, struct value *days)
{
	for (struct value *d = days->first; d != NULL; d = d->next)
		value_set_text(cx->arena, d, "day_href",
			       notices_href(cx, "", text_in(d, "local_on"), text_in(d, "local_on")));
	shape_page(cx, days);
	value_set(page, "days", days);
	value_set_bool(cx->arena, page, "has_days", days->count > 0);
}

static void fill_page(struct cx *cx, struct value *page, struct value *data, day from, day to)
{
	/* taken out of data only when all of it was read: what moves takes its place in the chain along */
	struct value *errors = list_in(data, "errors"), *stages = list_in(data, "stages"),
		     *days = list_in(data, "days"), *sums = list_in(data, "sums");
	char first[DATE_SIZE], last[DATE_SIZE];
	const char *range;

	day_text(first, from);
	day_text(last, to);
	range = arena_printf(cx->arena, "from=%s&to=%s", first, last);
	fill_ranges(cx, page, from, to);
	fill_figures(cx, page, data, first, last);
	fill_days_chart(cx, page, data, from, to);
	fill_conversion_chart(cx, page, data);
	fill_heat(cx, page, data);
	shape_stages(cx, stages, first, last);
	shape_days(cx, page, days);
	value_set(page, "sums", sums);
	value_set(page, "stages", stages);
	value_set_bool(cx->arena, page, "has_stages", stages->count > 0);
	value_set(page, "errors_seen", errors);
	value_set_bool(cx->arena, page, "has_errors_seen", errors->count > 0);
	value_set_text(cx->arena, page, "failed_href", notices_href(cx, "state=failed&", first, last));
	value_set_text(cx->arena, page, "from", first);
	value_set_text(cx->arena, page, "to", last);
	value_set_text(cx->arena, page, "csv", arena_printf(cx->arena, "/renewals/stats.csv?%s", range));
	value_set_text(cx->arena, page, "xlsx", arena_printf(cx->arena, "/renewals/stats.xlsx?%s", range));
	value_set_bool(cx->arena, page, "may_panel", actor_may(&cx->actor, "subscriptions.view"));
	value_set_text(cx->arena, page, "title", _("Statistics"));
}

static void answer_data(struct cx *cx, struct call *call, struct value *data)
{
	static const char *const parts[][2] = { { "days", "data" },     { "sums", "sums" },
						{ "stages", "stages" }, { "months", "months" },
						{ "errors", "errors" }, { "kpi", "kpi" } };
	enum { PARTS = sizeof(parts) / sizeof(parts[0]) };
	struct value *out = value_map(cx->arena), *found[PARTS];

	for (size_t i = 0; i < PARTS; i++)
		found[i] = list_in(data, parts[i][0]);
	for (size_t i = 0; i < PARTS; i++)
		value_set(out, parts[i][1], found[i]);
	answer_json(cx, call, 200, out);
}

static const struct answer_column columns[] = {
	{ "local_on", N_("Date") },
	{ "found", N_("Found") },
	{ "sent", N_("Sent off") },
	{ "delivered", N_("Arrived") },
	{ "read", N_("Seen") },
	{ "failed", N_("Failures") },
	{ "unsure", N_("Uncertain") },
	{ "skipped", N_("Left out") },
	{ "waiting", N_("Still waiting") },
	{ "stage_7", N_("7 days") },
	{ "stage_3", N_("3 days") },
	{ "stage_1", N_("1 day") },
	{ "stage_0", N_("Last day") },
	{ "success_percent", N_("% success") },
	{ NULL, NULL },
};

enum rc handle_stats(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *data = NULL;
	day from = 0, to = 0;
	enum rc rc = read_range(cx, call, &from, &to);

	if (rc == RC_OK) rc = statistics_read(cx, &data, from, to);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_JSON) {
		answer_data(cx, call, data);
		return RC_OK;
	}
	if (call_shape(call) != SHAPE_PAGE)
		return answer_rows(cx, call, "statistics", columns, list_in(data, "days"));
	fill_page(cx, page, data, from, to);
	answer_page(cx, call, "renewals/stats", text_in(page, "title"), page);
	return RC_OK;
}
