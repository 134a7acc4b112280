/*
** forecast_page.c -- the forecast in the panel: figures, a calendar, the list with its filters; and the same
** as JSON, CSV and workbook.
**
** Holds:  (1) what fits in a click is counted anew each time, so a renewal or an edited text is in the very
**         next look; what does not is shown as of when it was counted, with a button to count again; (2)
**         looking never starts anything: counting by a job is a POST.
*/
#include "base/phone.h"
#include "base/text.h"
#include "desk/export.h"
#include "ops/forecast.h"
#include "web/chart.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_SHOWN 50   /* on a page, as lists have                                */
#define LIMIT       200  /* of a call, unless it asks otherwise …                   */
#define LIMIT_MAX   1000 /* … and at most: each line asks the database once         */
#define PAGE_MAX    100000
#define FOLDED_MAX  100 /* as a list's search box takes                            */

/* One question and what was found for it. */
struct asked {
	int days;
	struct forecast_filter filter;
	const char *on, *kind, *what, *planner, *q;
	bool wants_text;
	struct forecast forecast; /* head NULL: none was counted yet */
	bool is_kept;             /* as of an earlier moment         */
	struct value *job;        /* that counts now; NULL = none    */
	struct forecast_view *view;
};

static const char *query_of(struct call *call, const char *name)
{
	const char *text = call_query(call, name);

	return text != NULL ? text : "";
}

static bool is_kind(const char *code)
{
	const struct planner *p;

	for (size_t i = 0; (p = forecast_planner(i)) != NULL; i++)
		for (const struct planner_word *w = p->kinds; w->code != NULL; w++)
			if (strcmp(w->code, code) == 0) return true;
	return false;
}

static enum rc bad_choice(struct cx *cx, const char *field, const char *value)
{
	return cx_fail_field(cx, field, _("“%s” is not one of the choices."), value);
}

static enum rc read_question(struct cx *cx, struct call *call, struct asked *a)
{
	struct forecast_filter *f = &a->filter;
	const char *before = query_of(call, "before");
	char *end = NULL;
	day on = 0;
	enum rc rc = forecast_days(cx, &a->days, call_query(call, "days"));

	*f = (struct forecast_filter){ .from = cx_today(cx), .days = -1, .words = "" };
	f->until = f->from + a->days - 1;
	a->on = query_of(call, "on");
	a->kind = query_of(call, "kind");
	a->what = query_of(call, "what");
	a->planner = query_of(call, "module");
	a->q = query_of(call, "q");
	a->wants_text = strcmp(query_of(call, "text"), "1") == 0;
	if (a->on[0] != '\0' && day_parse_any(&on, a->on) != RC_OK)
		rc = cx_fail_field(cx, "on", _("“%s” is not a date; write it like 22/11/2026."), a->on);
	else if (a->on[0] != '\0')
		f->from = f->until = on;
	if (a->kind[0] != '\0' && !is_kind(a->kind)) rc = bad_choice(cx, "kind", a->kind);
	f->kind = a->kind[0] != '\0' ? a->kind : NULL;
	if (a->what[0] != '\0' && strcmp(a->what, "leaving") != 0 && strcmp(a->what, "skipped") != 0)
		rc = bad_choice(cx, "what", a->what);
	f->what = a->what[0] == '\0' ? 0 : a->what[0] == 'l' ? 1 : 2;
	f->planner = a->planner[0] != '\0' ? strcmp(a->planner, "waiting") == 0 ? "" : a->planner : NULL;
	if (before[0] != '\0') {
		long n = strtol(before, &end, 10);

		if (*end != '\0' || n < 0 || n > 366)
			rc = bad_choice(cx, "before", before);
		else
			f->days = (int)n;
	}
	if (text_length(a->q) > FOLDED_MAX)
		rc = cx_fail_field(cx, "q", _("At most %d letters."), FOLDED_MAX);
	else
		f->words = text_fold(cx->arena, a->q);
	return rc;
}

static enum rc find_job(struct cx *cx, struct asked *a)
{
	enum rc rc = db_row(cx, &a->job,
			    "SELECT id, state, progress_done AS done, progress_total AS total FROM job"
			    " WHERE slot = 'forecast' AND state IN ('queued', 'running')",
			    NO_PARAMS);

	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* The kept one serves when it was worth keeping and covers the days asked for. */
static bool serves(const struct asked *a)
{
	const struct forecast_head *h = a->forecast.head;

	return h->took_ms > FORECAST_AT_ONCE_MS && h->from_on + h->days >= a->filter.from &&
	       h->days >= a->days;
}

static enum rc find_forecast(struct cx *cx, struct asked *a)
{
	int fd = -1;
	enum rc rc = forecast_kept(cx, &a->forecast);

	if (rc == RC_OK && serves(a)) {
		a->is_kept = true;
		return find_job(cx, a);
	}
	if (rc == RC_OK) forecast_unmap(&a->forecast);
	rc = forecast_count(cx, NULL, a->days, FORECAST_AT_ONCE_MS, &fd);
	if (rc == RC_TRY_LATER) return find_job(cx, a);
	if (rc == RC_OK) rc = forecast_map(&a->forecast, fd);
	if (fd >= 0) close(fd);
	return rc;
}

/* The frame of every shape */

static enum rc answer_json_shape(struct cx *cx, struct call *call, struct asked *a)
{
	struct value *out = value_map(cx->arena), *notes = NULL, *data;
	const char *limit = query_of(call, "limit"), *cursor = query_of(call, "cursor");
	int64_t max = limit[0] != '\0' ? atoll(limit) : LIMIT, place = cursor[0] != '\0' ? atoll(cursor) : 0,
		last;
	const struct forecast_run *run;
	const struct forecast_line *line;
	enum rc rc = RC_OK;

	value_set_bool(cx->arena, out, "is_counting", a->job != NULL);
	value_set_bool(cx->arena, out, "is_counted", a->forecast.head != NULL);
	data = value_set_list(cx->arena, out, "data");
	value_set_null(cx->arena, out, "next");
	if (max < 1 || max > LIMIT_MAX) return cx_fail_field(cx, "limit", _("From 1 to %d."), LIMIT_MAX);
	if (place < 0) place = 0;
	if (a->forecast.head != NULL) {
		rc = forecast_rows(cx, data, a->view, &place, (size_t)max, a->wants_text, false);
		last = place;
		if (rc == RC_OK && forecast_next(a->view, &last, &run, &line))
			value_set_text(cx->arena, out, "next",
				       arena_printf(cx->arena, "%lld", (long long)place));
		forecast_frame(cx, out, &a->forecast, a->view);
		if (rc == RC_OK) rc = forecast_notes(cx, &notes, &a->forecast);
		if (rc == RC_OK) value_set(out, "notes", notes);
	}
	if (rc != RC_OK) return rc;
	shape_json(cx, out);
	answer_json(cx, call, a->forecast.head != NULL ? 200 : 202, out);
	return RC_OK;
}

static enum rc answer_file(struct cx *cx, struct call *call, struct asked *a)
{
	enum sheet_kind kind = call_sheet(call);
	int fd = -1;
	enum rc rc;

	if (a->forecast.head == NULL)
		return cx_fail(cx, RC_TRY_LATER,
			       _("This forecast is not counted yet: open its page and count it."));
	db_limit_ms(cx->db, 0);
	rc = forecast_sheet(cx, &fd, a->view, kind, a->wants_text);
	if (rc == RC_OK) answer_sheet(cx, call, fd, kind, "forecast");
	return rc;
}

/* The page */

static void figure(struct cx *cx, struct value *page, const char *title, int64_t n, const char *href)
{
	struct value *list = (struct value *)(uintptr_t)value_get(page, "cards");
	struct value *card =
		value_add_map(cx->arena, list != NULL ? list : value_set_list(cx->arena, page, "cards"));

	value_set_text(cx->arena, card, "title", title);
	value_set_text(cx->arena, card, "value", chart_count(cx, n));
	if (href != NULL) value_set_text(cx->arena, card, "href", href);
}

static void fill_calendar(struct cx *cx, struct call *call, struct value *page, const struct asked *a)
{
	const struct forecast_head *h = a->forecast.head;
	const struct forecast_count_of *days = forecast_by_day(a->view);
	struct value *months = value_set_list(cx->arena, page, "months");
	day last = h->from_on + h->days - 1;
	int year, month, dom;

	for (day at = h->from_on; at <= last;) {
		int64_t counts[31] = { 0 };
		const char *hrefs[31] = { NULL };
		struct value *sheet;
		day first = at;
		char date[DATE_SIZE], id[16];

		day_split(at, &year, &month, &dom);
		snprintf(id, sizeof(id), "m%04d%02d", year, month);
		for (int m = month; m == month && at <= last; at++, day_split(at, &year, &m, &dom)) {
			const struct forecast_count_of *n = &days[at - h->from_on];
			int y, mm;

			day_split(at, &y, &mm, &dom);
			counts[dom - 1] = n->leaving;
			if (n->leaving + n->skipped == 0) continue;
			day_text(date, at);
			hrefs[dom - 1] = call_url(cx, call, "on", date);
		}
		sheet = value_add_map(cx->arena, months);
		value_set_text(cx->arena, sheet, "heading", chart_month_title(cx, first));
		value_set(sheet, "month",
			  chart_calendar(cx, &(struct chart_month){ .id = arena_text(cx->arena, id),
								    .title = _("Messages by day"),
								    .text = "",
								    .column = _("Leave"),
								    .first = first,
								    .today = cx_today(cx),
								    .counts = counts,
								    .hrefs = hrefs }));
	}
}

static void fill_days(struct cx *cx, struct call *call, struct value *page, const struct asked *a)
{
	const struct forecast_head *h = a->forecast.head;
	const struct forecast_count_of *days = forecast_by_day(a->view);
	struct value *list = value_set_list(cx->arena, page, "by_day");
	int64_t with = 0;

	for (int32_t i = 0; i < h->days; i++) {
		struct value *row;
		char date[DATE_SIZE];

		if (days[i].leaving + days[i].skipped == 0) continue;
		with++;
		row = value_add_map(cx->arena, list);
		day_text(date, h->from_on + i);
		value_set_text(cx->arena, row, "planned_on", date);
		value_set_text(cx->arena, row, "weekday",
			       chart_weekday(cx->lang, (day_weekday(h->from_on + i) + 6) % 7));
		value_set_text(cx->arena, row, "leaving", chart_count(cx, days[i].leaving));
		value_set_text(cx->arena, row, "skipped", chart_count(cx, days[i].skipped));
		value_set_text(cx->arena, row, "href", call_url(cx, call, "on", date));
	}
	shape_page(cx, list);
	figure(cx, page, _("Leave"), forecast_total(a->view).leaving, NULL);
	figure(cx, page, _("Left out"), forecast_total(a->view).skipped,
	       call_url(cx, call, "what", "skipped"));
	figure(cx, page, _("Days with messages"), with, NULL);
}

static enum rc fill_lines(struct cx *cx, struct call *call, struct value *page, struct asked *a)
{
	struct value *rows = value_set_list(cx->arena, page, "rows");
	struct forecast_count_of total = forecast_total(a->view);
	const struct forecast_run *run;
	const struct forecast_line *line;
	int64_t all = total.leaving + total.skipped, number = atoll(query_of(call, "page")), place = 0;
	enum rc rc;

	if (number < 1 || number > PAGE_MAX || (number - 1) * LINES_SHOWN >= all) number = 1;
	for (int64_t i = 0; i < (number - 1) * LINES_SHOWN; i++)
		if (!forecast_next(a->view, &place, &run, &line)) break;
	rc = forecast_rows(cx, rows, a->view, &place, LINES_SHOWN, a->wants_text,
			   !actor_may(&cx->actor, "clients.view"));
	shape_page(cx, rows);
	for (struct value *row = rows->first; row != NULL; row = row->next) {
		const char *e164 = value_text_of(value_get(row, "address"), "");
		char shown[32];

		if (e164[0] != '+') continue;
		phone_text(shown, e164);
		value_set_text(cx->arena, row, "address", shown);
	}
	value_set_bool(cx->arena, page, "has_rows", all > 0);
	if (number > 1)
		value_set_text(
			cx->arena, page, "previous",
			call_url(cx, call, "page", arena_printf(cx->arena, "%lld", (long long)number - 1)));
	if (number * LINES_SHOWN < all)
		value_set_text(
			cx->arena, page, "next",
			call_url(cx, call, "page", arena_printf(cx->arena, "%lld", (long long)number + 1)));
	if (all > 0)
		value_set_text(
			cx->arena, page, "shown",
			arena_printf(cx->arena, _("%s–%s of %s"),
				     chart_count(cx, (number - 1) * LINES_SHOWN + 1),
				     chart_count(cx, number * LINES_SHOWN < all ? number * LINES_SHOWN : all),
				     chart_count(cx, all)));
	return rc;
}

static void choice(struct cx *cx, struct value *list, const char *value, const char *title, const char *now)
{
	struct value *c = value_add_map(cx->arena, list);

	value_set_text(cx->arena, c, "value", value);
	value_set_text(cx->arena, c, "title", title);
	value_set_bool(cx->arena, c, "is_selected", strcmp(value, now) == 0);
}

static void fill_filters(struct cx *cx, struct value *page, const struct asked *a)
{
	struct value *kinds = value_set_list(cx->arena, page, "kinds"),
		     *modules = value_set_list(cx->arena, page, "modules"),
		     *whats = value_set_list(cx->arena, page, "whats");
	const struct planner *p;
	char date[DATE_SIZE] = "";

	for (size_t i = 0; (p = forecast_planner(i)) != NULL; i++) {
		choice(cx, modules, p->name[0] != '\0' ? p->name : "waiting", words_get(cx->lang, p->title),
		       a->planner);
		for (const struct planner_word *w = p->kinds; w->code != NULL; w++)
			choice(cx, kinds, w->code, words_get(cx->lang, w->words), a->kind);
	}
	choice(cx, whats, "leaving", _("Leaves"), a->what);
	choice(cx, whats, "skipped", _("Left out"), a->what);
	value_set_int(cx->arena, page, "days_asked", a->days);
	value_set_int(cx->arena, page, "days_max", FORECAST_DAYS_MAX);
	if (a->on[0] != '\0') day_text(date, a->filter.from);
	value_set_text(cx->arena, page, "on", arena_text(cx->arena, date));
	value_set_text(cx->arena, page, "q", a->q);
	value_set_bool(cx->arena, page, "wants_text", a->wants_text);
	if (a->filter.days >= 0) value_set_int(cx->arena, page, "before", a->filter.days);
}

static void fill_state(struct cx *cx, struct value *page, const struct asked *a)
{
	char at[RFC3339_SIZE];

	value_set_bool(cx->arena, page, "has_forecast", a->forecast.head != NULL);
	value_set_bool(cx->arena, page, "may_count",
		       a->job == NULL && (a->is_kept || a->forecast.head == NULL));
	if (a->forecast.head != NULL) {
		instant_text_local(at, a->forecast.head->as_of_at, cx->env->zone);
		value_set_text(cx->arena, page, "as_of", arena_text(cx->arena, at));
	}
	if (a->job != NULL) {
		struct value *job = value_set_map(cx->arena, page, "job");
		int64_t done = value_int_of(value_get(a->job, "done"), 0),
			total = value_int_of(value_get(a->job, "total"), 0);

		value_set_int(cx->arena, job, "done", done);
		value_set_int(cx->arena, job, "total", total);
		value_set_text(cx->arena, job, "text",
			       arena_printf(cx->arena, _("Counting: %lld %%"),
					    (long long)(total > 0 ? done * 100 / total : 0)));
		if (actor_may(&cx->actor, "jobs.view"))
			value_set_text(cx->arena, job, "poll",
				       arena_printf(cx->arena, "/jobs/%lld/progress",
						    (long long)value_int_of(value_get(a->job, "id"), 0)));
	}
}

/* This address as a file, with its filters. */
static const char *file_url(struct cx *cx, struct call *call, const char *suffix)
{
	const char *here = call_url(cx, call, "page", NULL), *query = strchr(here, '?');

	return arena_join(cx->arena, "/forecast.", suffix, query != NULL ? query : "", NULL);
}

static enum rc answer_people(struct cx *cx, struct call *call, struct asked *a, enum rc asked)
{
	struct value *page = value_map(cx->arena), *notes = NULL;
	enum rc rc = RC_OK;

	if (asked != RC_OK) value_set_text(cx->arena, page, "failure", cx->fields[0].message);
	fill_filters(cx, page, a);
	fill_state(cx, page, a);
	if (a->forecast.head != NULL) {
		rc = forecast_notes(cx, &notes, &a->forecast);
		if (rc == RC_OK) value_set(page, "notes", notes);
		fill_days(cx, call, page, a);
		fill_calendar(cx, call, page, a);
		if (rc == RC_OK) rc = fill_lines(cx, call, page, a);
	}
	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, page, "csv", file_url(cx, call, "csv"));
	value_set_text(cx->arena, page, "xlsx", file_url(cx, call, "xlsx"));
	value_set_text(cx->arena, page, "title", _("Forecast"));
	answer_page(cx, call, "ops/forecast", _("Forecast"), page);
	if (asked != RC_OK) reply_status(call_reply(call), rc_row(asked)->http);
	return RC_OK;
}

static enum rc answer(struct cx *cx, struct call *call, struct asked *a, enum rc asked)
{
	enum rc rc = RC_OK;

	if (a->forecast.head != NULL) rc = forecast_view(cx, &a->view, &a->forecast, &a->filter);
	if (rc == RC_NOT_FOUND) { /* counted with other modules than are on now */
		forecast_unmap(&a->forecast);
		rc = RC_OK;
	}
	if (rc != RC_OK) return rc;
	switch (call_shape(call)) {
	case SHAPE_JSON: return answer_json_shape(cx, call, a);
	case SHAPE_CSV:
	case SHAPE_XLSX: return answer_file(cx, call, a);
	case SHAPE_PAGE: break;
	}
	return answer_people(cx, call, a, asked);
}

enum rc handle_forecast(struct cx *cx, struct call *call)
{
	struct asked a = { .days = FORECAST_DAYS };
	enum rc asked = read_question(cx, call, &a), rc;

	if (asked != RC_OK && call_shape(call) != SHAPE_PAGE) return asked;
	/* A page says what is wrong above the usual forecast. */
	if (asked != RC_OK)
		a = (struct asked){ .days = FORECAST_DAYS,
				    .filter = { .from = cx_today(cx), .days = -1, .words = "" },
				    .on = "",
				    .kind = "",
				    .what = "",
				    .planner = "",
				    .q = "" };
	rc = find_forecast(cx, &a);
	if (rc == RC_OK) rc = answer(cx, call, &a, asked);
	forecast_unmap(&a.forecast);
	return rc;
}

enum rc handle_forecast_count(struct cx *cx, struct call *call)
{
	struct value *args = value_map(cx->arena);
	int days = 0;
	int64_t id = 0;
	enum rc rc = form_read(cx, call), added;

	if (rc == RC_OK) rc = forecast_days(cx, &days, form_text(call, "days"));
	if (rc != RC_OK) return rc;
	value_set_int(cx->arena, args, "days", days);
	rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	added = job_add(cx, &id,
			&(struct job_new){ .kind = "forecast.count", .slot = "forecast", .args = args });
	rc = tx_end(cx, added == RC_CONFLICT ? RC_OK : added);
	if (rc != RC_OK) return rc;
	answer_flash(cx, call, arena_printf(cx->arena, "/forecast?days=%d", days),
		     _("The forecast is being counted."));
	return RC_OK;
}
