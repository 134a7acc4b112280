/*
** watch_page.c -- /watch: how the house is and was, and how large it grew; the card "Sleep well" of the home
** page.
**
** Needs:  health_run() for the findings, uptime.c, samples.c, growth.c for the figures.
** Never:  calls anybody outside; runs a check that takes longer than a page may.
** Holds:  it only reads.
*/
#include "ops/check.h"
#include "ops/watch.h"
#include "web/chart.h"
#include <string.h>

#define POINTS_MAX 400

/* One span to look at: rows of a step, several of them to a point. */
static const struct span {
	const char *name, *title, *step;
	int64_t long_ms, point_ms;
} spans[] = {
	{ "24h", N_("24 hours"), "minute", DAY_MS, 15 * MINUTE_MS },
	{ "7d", N_("7 days"), "hour", 7 * DAY_MS, 2 * HOUR_MS },
	{ "30d", N_("30 days"), "hour", 30 * DAY_MS, 8 * HOUR_MS },
	{ "12m", N_("12 months"), "day", 365 * DAY_MS, DAY_MS },
};

static const struct span *span_asked(struct call *call)
{
	const char *asked = call_query(call, "span");

	for (size_t i = 1; asked != NULL && i < sizeof(spans) / sizeof(*spans); i++)
		if (strcmp(spans[i].name, asked) == 0) return &spans[i];
	return &spans[0];
}

static const char *when(struct cx *cx, instant at)
{
	char text[RFC3339_SIZE];

	instant_text_local(text, at, cx->env->zone);
	return arena_text(cx->arena, text);
}

/* "12 s", "3 min", "2 h 05 min", "3 d 4 h" */
static const char *long_shown(struct cx *cx, int64_t ms)
{
	int64_t s = (ms + SECOND_MS / 2) / SECOND_MS;

	if (s >= 60) s = (s + 30) / 60 * 60; /* beside hours nobody looks at half a minute */
	if (s < 60) return arena_printf(cx->arena, "%lld s", (long long)s);
	if (s < 3600) return arena_printf(cx->arena, "%lld min", (long long)(s / 60));
	if (s < 86400)
		return arena_printf(cx->arena, "%lld h %02lld min", (long long)(s / 3600),
				    (long long)(s / 60 % 60));
	return arena_printf(cx->arena, "%lld d %lld h", (long long)(s / 86400), (long long)(s / 3600 % 24));
}

static const char *bytes_shown(struct cx *cx, int64_t n)
{
	if (n < 1000000) return arena_printf(cx->arena, "%lld kB", (long long)((n + 999) / 1000));
	return arena_printf(cx->arena, "%lld%c%lld MB", (long long)(n / 1000000),
			    cx->lang == LANG_ES ? ',' : '.', (long long)(n / 100000 % 10));
}

static void add_figure(struct cx *cx, struct value *list, const char *title, const char *text,
		       const char *mark, const char *note, const char *href)
{
	struct value *f = value_add_map(cx->arena, list);

	value_set_text(cx->arena, f, "title", title);
	value_set_text(cx->arena, f, "value", text);
	if (mark != NULL) value_set_text(cx->arena, f, "mark", mark);
	if (note != NULL) value_set_text(cx->arena, f, "note", note);
	if (href != NULL) value_set_text(cx->arena, f, "href", href);
}

/* A cell of web/table */
static void add_cell(struct cx *cx, struct value *row, const char *label, const char *text, const char *mark,
		     bool is_number)
{
	struct value *cells = (struct value *)(uintptr_t)value_get(row, "cells"), *cell;

	if (cells == NULL) cells = value_set_list(cx->arena, row, "cells");
	cell = value_add_map(cx->arena, cells);
	value_set_text(cx->arena, cell, "label", label);
	value_set_text(cx->arena, cell, "text", text);
	if (mark != NULL) value_set_text(cx->arena, cell, "mark", mark);
	value_set_bool(cx->arena, cell, "is_number", is_number);
}

static struct value *new_table(struct cx *cx, struct value *page, const char *name, const char *caption,
			       const char *const *columns, unsigned numbers)
{
	struct value *table = value_set_map(cx->arena, page, name), *list;

	value_set_text(cx->arena, table, "caption", caption);
	list = value_set_list(cx->arena, table, "columns");
	for (size_t i = 0; columns[i] != NULL; i++) {
		struct value *c = value_add_map(cx->arena, list);

		value_set_text(cx->arena, c, "title", columns[i]);
		value_set_bool(cx->arena, c, "is_number", (numbers & 1u << i) != 0);
	}
	value_set_list(cx->arena, table, "rows");
	return table;
}

static struct value *new_row(struct cx *cx, struct value *table)
{
	return value_add_map(cx->arena, (struct value *)(uintptr_t)value_get(table, "rows"));
}

/* The findings */

static void fill_checks(struct cx *cx, struct value *page)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, page, "checks");
	struct check_totals totals;

	health_run(cx, &rows, &totals, CHECKS_PAGE);
	for (const struct value *r = rows->first; r != NULL; r = r->next) {
		const char *state = value_text_of(value_get(r, "state"), "");
		struct value *out = value_add_map(cx->arena, list);

		value_set_text(cx->arena, out, "title", value_text_of(value_get(r, "title"), ""));
		value_set_text(cx->arena, out, "detail", value_text_of(value_get(r, "detail"), ""));
		value_set_text(cx->arena, out, "remedy", value_text_of(value_get(r, "remedy"), ""));
		value_set_text(cx->arena, out, "mark",
			       strcmp(state, "failed") == 0    ? "error"
			       : strcmp(state, "warning") == 0 ? "warn"
			       : strcmp(state, "info") == 0    ? "quiet"
							       : "ok");
		value_set_text(cx->arena, out, "word",
			       strcmp(state, "failed") == 0    ? _("failed")
			       : strcmp(state, "warning") == 0 ? _("Look at it")
			       : strcmp(state, "info") == 0    ? _("For your information")
							       : _("well"));
	}
}

/* Availability */

static void fill_gaps(struct cx *cx, struct value *page, const struct uptime *u)
{
	const char *const columns[] = { _("From"), _("Until"), _("How long"), _("Why"), NULL };
	struct value *table = new_table(cx, page, "gaps", _("When it was not there"), columns, 1u << 2);

	for (size_t i = 0; i < u->gap_count; i++) {
		const struct uptime_gap *g = &u->gaps[i];
		struct value *row = new_row(cx, table);

		add_cell(cx, row, columns[0], when(cx, g->from), NULL, false);
		add_cell(cx, row, columns[1], when(cx, g->to), NULL, false);
		add_cell(cx, row, columns[2], long_shown(cx, g->to - g->from), NULL, true);
		add_cell(cx, row, columns[3], g->is_planned ? _("stopped by somebody") : _("ended by itself"),
			 g->is_planned ? "quiet" : "warn", false);
	}
	value_set_bool(cx->arena, table, "is_empty", u->gap_count == 0);
	value_set_text(cx->arena, table, "empty", _("It was always there."));
}

static const char *since_note(struct cx *cx, const struct uptime *u)
{
	return u->is_young ? arena_printf(cx->arena, _("since %s"), when(cx, u->since))
			   : _("of the last 30 days");
}

/* The last span in pictures */

struct points {
	size_t count;
	int64_t requests[POINTS_MAX], failures[POINTS_MAX], slow_ms[POINTS_MAX], messages[POINTS_MAX],
		memory[POINTS_MAX];
	const char *labels[POINTS_MAX], *shorts[POINTS_MAX];
};

static void label_points(struct cx *cx, struct points *p, const struct span *span, instant from)
{
	for (size_t i = 0; i < p->count; i++) {
		const char *at = when(cx, from + (int64_t)i * span->point_ms); /* dd/mm/yyyy HH:MM */

		p->labels[i] = span->point_ms >= DAY_MS ? arena_bytes(cx->arena, at, 10) : at;
		p->shorts[i] = span->long_ms <= DAY_MS ? arena_text(cx->arena, at + 11)
						       : arena_bytes(cx->arena, at, 5);
	}
}

static enum rc read_points(struct cx *cx, struct points *p, const struct span *span, instant from, instant to)
{
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q,
			      "SELECT at, requests, failures, slow_ms, messages, memory_bytes FROM sample"
			      " WHERE step = :step AND at >= :from AND at < :to",
			      PARAMS(P_TEXT(":step", span->step), P_INT(":from", from), P_INT(":to", to)));

	while (rc == RC_OK && query_next(q)) {
		size_t i = (size_t)((query_int(q, 0) - from) / span->point_ms);

		if (i >= p->count) continue;
		p->requests[i] += query_int(q, 1);
		p->failures[i] += query_int(q, 2);
		if (query_int(q, 3) > p->slow_ms[i]) p->slow_ms[i] = query_int(q, 3);
		p->messages[i] += query_int(q, 4);
		if (query_int(q, 5) / 1000000 > p->memory[i]) p->memory[i] = query_int(q, 5) / 1000000;
	}
	return query_end(q, rc);
}

static void add_chart(struct cx *cx, struct value *page, const struct points *p, const char *id,
		      const char *title, const char *text, const int64_t *values, const char *series,
		      const int64_t *more, const char *more_series)
{
	struct chart c = { .id = id,
			   .title = title,
			   .text = text,
			   .column = _("When"),
			   .empty = _("Nothing yet."),
			   .points = p->count,
			   .series = more != NULL ? 2 : 1,
			   .labels = p->labels,
			   .shorts = p->shorts };

	c.of[0] = (struct chart_series){ .title = series, .values = values };
	if (more != NULL) c.of[1] = (struct chart_series){ .title = more_series, .values = more, .color = 4 };
	value_set(page, id,
		  more != NULL || strcmp(id, "messages") == 0 ? chart_bars(cx, &c) : chart_line(cx, &c));
}

static enum rc fill_charts(struct cx *cx, struct value *page, const struct span *span)
{
	struct points *p = arena_array(cx->arena, 1, sizeof(*p));
	instant now = cx_now(cx), to = now - now % span->point_ms + span->point_ms, from = to - span->long_ms;
	enum rc rc;

	if (p == NULL) return RC_NO_MEMORY;
	if (span->point_ms == DAY_MS) { /* days of the business's zone */
		to = zone_midnight(cx->env->zone, cx_today(cx) + 1);
		from = to - span->long_ms;
	}
	p->count = (size_t)(span->long_ms / span->point_ms);
	label_points(cx, p, span, from);
	rc = read_points(cx, p, span, from, to);
	if (rc != RC_OK) return rc;
	add_chart(cx, page, p, "requests", _("Requests"), _("What was asked of the panel and the API."),
		  p->requests, _("Answered"), p->failures, _("Failed on our side"));
	add_chart(cx, page, p, "slow", _("Response time (ms)"),
		  _("95 of 100 answers came within so many milliseconds."), p->slow_ms, _("Milliseconds"),
		  NULL, NULL);
	add_chart(cx, page, p, "messages", _("Messages that left"), "", p->messages, _("Messages"), NULL,
		  NULL);
	add_chart(cx, page, p, "memory", _("Memory (MB)"), _("The most it used, in megabytes."), p->memory,
		  _("Megabytes"), NULL, NULL);
	return RC_OK;
}

static void fill_spans(struct cx *cx, struct value *page, const struct span *span)
{
	struct value *list = value_set_list(cx->arena, page, "spans");

	for (size_t i = 0; i < sizeof(spans) / sizeof(*spans); i++) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "span_title", _(spans[i].title));
		value_set_text(cx->arena, one, "span_href",
			       arena_printf(cx->arena, "/watch?span=%s#pictures", spans[i].name));
		value_set_bool(cx->arena, one, "is_current", &spans[i] == span);
	}
}

/* What grows */

/* Counting may take a while in a large house: kept then (desk_kept). */
static void fill_rows(struct cx *cx, struct value *out)
{
	struct value *rows = NULL;

	if (growth_tables_read(cx, &rows, false) == RC_OK) value_set(out, "rows", rows);
}

static void fill_growth(struct cx *cx, struct value *page)
{
	const char *const columns[] = { _("What"),           _("Rows"), _("Size"), _("How long it stays"),
					_("Goes next time"), NULL };
	const char *const files[] = { _("What"), _("Files"), _("Size"), _("How long it stays"), NULL };
	struct value *table =
		new_table(cx, page, "tables", _("Tables"), columns, 1u << 1 | 1u << 2 | 1u << 4);
	struct value *below = new_table(cx, page, "folders", _("Folders"), files, 1u << 1 | 1u << 2),
		     *rows = NULL, *kept = value_map(cx->arena);
	const struct value *counted;

	desk_kept(cx, kept, "watch_growth", fill_rows);
	counted = value_get(kept, "rows");
	for (const struct value *v = counted != NULL ? counted->first : NULL; v != NULL; v = v->next) {
		struct value *row = new_row(cx, table);
		int64_t waiting = value_int_of(value_get(v, "waiting"), 0);

		add_cell(cx, row, columns[0], value_text_of(value_get(v, "title"), ""), NULL, false);
		add_cell(cx, row, columns[1], chart_count(cx, value_int_of(value_get(v, "rows"), 0)), NULL,
			 true);
		add_cell(cx, row, columns[2], bytes_shown(cx, value_int_of(value_get(v, "bytes"), 0)), NULL,
			 true);
		add_cell(cx, row, columns[3], value_text_of(value_get(v, "rule"), ""), NULL, false);
		add_cell(cx, row, columns[4], waiting > 0 ? chart_count(cx, waiting) : "", NULL, true);
	}
	growth_folders_read(cx, &rows);
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *row = new_row(cx, below);

		add_cell(cx, row, files[0], value_text_of(value_get(v, "title"), ""), NULL, false);
		add_cell(cx, row, files[1], chart_count(cx, value_int_of(value_get(v, "files"), 0)), NULL,
			 true);
		add_cell(cx, row, files[2], bytes_shown(cx, value_int_of(value_get(v, "bytes"), 0)), NULL,
			 true);
		add_cell(cx, row, files[3], value_text_of(value_get(v, "rule"), ""), NULL, false);
	}
}

/* What a night's sleep hangs on */

static int64_t count_of(struct cx *cx, const char *sql)
{
	int64_t n = 0;

	return db_get_int(cx, &n, sql, NO_PARAMS) == RC_OK ? n : 0;
}

static instant last_proof(struct cx *cx)
{
	instant at = 0;

	return db_get_int(cx, &at, "SELECT coalesce(max(proved_at), 0) FROM backup", NO_PARAMS) == RC_OK ? at
													 : 0;
}

static void add_sleep(struct cx *cx, struct value *list)
{
	int64_t unsure = count_of(
		cx, "SELECT count(*) FROM message INDEXED BY message_unusual WHERE state = 'unsure'");
	int64_t dead = count_of(cx, "SELECT count(*) FROM job WHERE state = 'dead'");
	int64_t stopped = count_of(
		cx, "SELECT count(*) FROM channel_account WHERE state = 'stopped' AND archived_at IS NULL");
	instant proof = last_proof(cx);
	struct uptime u;

	if (uptime_read(cx, &u, health_run_id(), UPTIME_DAYS) == RC_OK)
		add_figure(cx, list, _("Availability"), uptime_shown(cx, &u),
			   uptime_ppm(&u) < 999000 ? "warn" : NULL, since_note(cx, &u),
			   "/watch#availability");
	add_figure(cx, list, _("Last backup proved"),
		   proof == 0 ? "—" : arena_bytes(cx->arena, when(cx, proof), 10),
		   proof == 0 || cx_now(cx) - proof > 2 * DAY_MS ? "warn" : NULL, NULL, NULL);
	add_figure(cx, list, _("Messages not certain"), chart_count(cx, unsure), unsure > 0 ? "warn" : NULL,
		   NULL, "/outbox?state=unsure");
	add_figure(cx, list, _("Work given up"), chart_count(cx, dead), dead > 0 ? "error" : NULL, NULL,
		   "/jobs?state=dead");
	add_figure(cx, list, _("Channels stopped"), chart_count(cx, stopped), stopped > 0 ? "error" : NULL,
		   NULL, NULL);
}

static void fill_card(struct cx *cx, struct value *card)
{
	add_sleep(cx, value_set_list(cx->arena, card, "figures"));
}

const struct figure watch_figures[] = {
	{ .name = "sleep",
	  .title = N_("Sleep well"),
	  .right = "watch.view",
	  .template = "ops/card_sleep",
	  .fill = fill_card },
	{ .name = NULL },
};

enum rc handle_watch(struct cx *cx, struct call *call)
{
	const struct span *span = span_asked(call);
	struct value *page = value_map(cx->arena);
	struct uptime u;
	enum rc rc = uptime_read(cx, &u, health_run_id(), UPTIME_DAYS);

	if (rc != RC_OK) return rc;
	add_sleep(cx, value_set_list(cx->arena, page, "figures"));
	fill_checks(cx, page);
	value_set_text(
		cx->arena, page, "availability",
		arena_printf(cx->arena,
			     _("It was there %s of the time, %s; not there for %s in all, %s of it planned."),
			     uptime_shown(cx, &u), since_note(cx, &u), long_shown(cx, u.down_ms),
			     long_shown(cx, u.planned_ms)));
	fill_gaps(cx, page, &u);
	fill_spans(cx, page, span);
	rc = fill_charts(cx, page, span);
	if (rc == RC_OK) fill_growth(cx, page);
	if (rc == RC_OK) answer_page(cx, call, "ops/watch", _("Operation"), page);
	return rc;
}
