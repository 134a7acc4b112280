/*
** load.c -- a report's file becomes typed rows of an alias: all of them, or none.
**
** Needs:  a READY report; target.h for where the rows go.
** Never:  keeps the file or its rows in memory; keeps a sample of what it saw.
** Holds:  (1) one load at a time; (2) a report that an alias has already is refused unless asked for again;
**         (3) a load of one of the day's seven marks all that share its file; (4) a cut anywhere leaves what
**         was visible before, and a later load doubles nothing (target_sqlite.c has the reasons).
*/
#include "sends/report_csv.h"
#include "files/files.h"
#include "sends/report_inner.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#define STEP_ROWS 1024             /* between two looks at "must we stop" and the bar */
#define EXTRA_MAX (256 * 1024)     /* unknown columns of one row as JSON; a record has half of that */
#define OFFSET_MS (15 * MINUTE_MS) /* clocks change at quarters of an hour */

enum { SUBJECT, SENDER, SENDERNAME, EMAIL, STATUS, DATE, OPENS, CLICKS, SUMMARY_COLUMNS };
static const char *const summary[SUMMARY_COLUMNS] = { "Subject", "Sender", "SenderName", "Email",
						      "Status",  "Date",   "Opens",      "Clicks" };

struct loading {
	struct cx *cx;
	struct job *job;
	struct target *target;
	struct report_csv csv;
	struct load_plan plan;
	const struct zone *zone; /* NULL: the dates are UTC */
	day first, last;
	int64_t offset_slot, offset_min;
	size_t place[SUMMARY_COLUMNS]; /* column of the file */
	const char *heading[LOAD_COLUMNS_MAX];
	size_t headings;
	bool is_known[LOAD_COLUMNS_MAX];
	bool has_extra;
	struct sb extra;
	struct load_cell cells[LOAD_COLUMNS_MAX];
	char times[LOAD_COLUMNS_MAX][24];
	int64_t sent, bounced, opened, clicked, size;
};

static bool same(struct bytes cell, const char *word)
{
	return strlen(word) == cell.len && strncasecmp(word, cell.p, cell.len) == 0;
}

/* What the file is */

static enum rc read_heading(struct loading *l)
{
	struct cx *cx = l->cx;
	struct bytes kept[LOAD_COLUMNS_MAX];
	size_t found = 0;
	enum rc rc = report_csv_next(&l->csv);

	if (rc != RC_OK) return rc;
	for (size_t i = 0; i < SUMMARY_COLUMNS; i++)
		for (size_t c = 0; c < l->csv.count; c++) {
			if (!same(l->csv.cell[c], summary[i])) continue;
			l->place[i] = c;
			l->is_known[c] = true;
			found++;
			break;
		}
	l->headings = l->csv.count;
	l->plan.is_summary = found == SUMMARY_COLUMNS;
	l->has_extra = l->headings > found;
	for (size_t c = 0; c < l->headings; c++) {
		l->heading[c] = arena_bytes(cx->arena, l->csv.cell[c].p, l->csv.cell[c].len);
		kept[c] = (struct bytes){ l->heading[c], strlen(l->heading[c]) };
	}
	l->plan.count = l->plan.is_summary ? 0 : l->headings;
	if (!l->plan.is_summary) report_columns(cx->arena, l->plan.name, kept, l->headings);
	return RC_OK;
}

/* Types of a file that is no summary, from its first rows; then the file begins anew behind its heading. */
static enum rc guess_types(struct loading *l, int fd)
{
	struct column_guess guess[LOAD_COLUMNS_MAX] = { { .seen = 0 } };
	enum rc rc = RC_OK;

	for (int i = 0; rc == RC_OK && i < REPORT_SAMPLE; i++) {
		rc = report_csv_next(&l->csv);
		for (size_t c = 0; rc == RC_OK && c < l->csv.count && c < l->plan.count; c++)
			column_guess(&guess[c], l->csv.cell[c]);
	}
	if (rc != RC_OK && rc != RC_NOT_FOUND) return rc;
	for (size_t c = 0; c < l->plan.count; c++)
		l->plan.kind[c] = column_guessed(&guess[c]);
	report_csv_close(&l->csv);
	rc = report_csv_open(&l->csv, fd);
	return rc == RC_OK ? report_csv_next(&l->csv) : rc;
}

/* Rows */

static struct bytes cell_at(const struct loading *l, size_t column)
{
	return column < l->csv.count ? l->csv.cell[column] : (struct bytes){ NULL, 0 };
}

static struct bytes text_at(const struct loading *l, size_t column)
{
	struct bytes cell = cell_at(l, column);

	return cell.len > 0 ? cell : (struct bytes){ NULL, 0 };
}

static int64_t offset_at(struct loading *l, instant at)
{
	int64_t slot = at / OFFSET_MS;

	if (slot != l->offset_slot) {
		l->offset_slot = slot;
		l->offset_min = zone_offset_s(l->cx->env->zone, at) / 60;
	}
	return l->offset_min;
}

static void add_extra(struct loading *l, struct load_row *row)
{
	bool is_first = true;

	sb_clear(&l->extra);
	for (size_t c = 0; c < l->headings && c < l->csv.count; c++) {
		if (l->is_known[c] || l->csv.cell[c].len == 0) continue;
		if (is_first)
			sb_lit(&l->extra, "{");
		else
			sb_lit(&l->extra, ",");
		is_first = false;
		sb_json(&l->extra, l->heading[c], strlen(l->heading[c]));
		sb_lit(&l->extra, ":");
		sb_json(&l->extra, l->csv.cell[c].p, l->csv.cell[c].len);
	}
	if (is_first) return;
	sb_lit(&l->extra, "}");
	if (sb_result(&l->extra) == RC_OK) row->extra = (struct bytes){ l->extra.p, l->extra.len };
}

static void count_row(struct loading *l, const struct load_row *row)
{
	if (same(row->status, "sent")) l->sent++;
	if (same(row->status, "rejected") || same(row->status, "invalid")) l->bounced++;
	if (row->has_opens && row->opens > 0) l->opened++;
	if (row->has_clicks && row->clicks > 0) l->clicked++;
}

static enum rc put_summary(struct loading *l)
{
	struct load_row row = { .subject = text_at(l, l->place[SUBJECT]),
				.sender = text_at(l, l->place[SENDER]),
				.sendername = text_at(l, l->place[SENDERNAME]),
				.email = text_at(l, l->place[EMAIL]),
				.status = text_at(l, l->place[STATUS]),
				.extra = { NULL, 0 } };

	row.has_date = cell_time(&row.date_at, cell_at(l, l->place[DATE]), l->zone);
	row.has_opens = cell_integer(&row.opens, cell_at(l, l->place[OPENS]));
	row.has_clicks = cell_integer(&row.clicks, cell_at(l, l->place[CLICKS]));
	if (row.has_date) {
		day on;

		row.offset_min = offset_at(l, row.date_at);
		on = (day)((row.date_at + row.offset_min * MINUTE_MS) / DAY_MS);
		on = on < l->first ? l->first : on > l->last ? l->last : on;
		row.day = on - l->first;
	}
	if (l->has_extra) add_extra(l, &row);
	count_row(l, &row);
	return l->target->engine->row(l->cx, l->target, &row);
}

static void cast_time(struct loading *l, size_t c, struct load_cell *out)
{
	char text[RFC3339_SIZE];
	instant at = 0;

	if (!cell_time(&at, cell_at(l, c), l->zone)) return;
	instant_text(text, at); /* "2026-11-20T10:00:00.000Z" */
	memcpy(l->times[c], text, 19);
	l->times[c][10] = ' ';
	l->times[c][19] = '\0';
	*out = (struct load_cell){ .is = CELL_TEXT, .text = { l->times[c], 19 } };
}

static enum rc put_other(struct loading *l)
{
	struct load_row row = { .cells = l->cells };

	for (size_t c = 0; c < l->plan.count; c++) {
		struct bytes cell = cell_at(l, c);
		struct load_cell *out = &l->cells[c];
		int64_t n = 0;

		*out = (struct load_cell){ .is = CELL_NULL };
		if (cell_is_null(cell)) continue;
		switch (l->plan.kind[c]) {
		case LOAD_INTEGER:
		case LOAD_BOOL:
			if (cell_integer(&n, cell) || cell_bool(&n, cell))
				*out = (struct load_cell){ .is = CELL_INT, .integer = n };
			break;
		case LOAD_REAL:
			if (cell_is_real(cell)) *out = (struct load_cell){ .is = CELL_TEXT, .text = cell };
			break;
		case LOAD_TIME: cast_time(l, c, out); break;
		case LOAD_TEXT:
		case LOAD_EMAIL: *out = (struct load_cell){ .is = CELL_TEXT, .text = cell }; break;
		}
	}
	return l->target->engine->row(l->cx, l->target, &row);
}

static enum rc look_around(struct loading *l)
{
	struct cx *cx = l->cx;

	if (cx->env->is_stopping || (l->job != NULL && job_should_stop(l->job)))
		return cx_fail(cx, RC_TRY_LATER, "%s", _("The load was stopped; nothing of it is kept."));
	return l->job == NULL ? RC_OK : job_progress(cx, l->job, l->csv.read, l->size);
}

static enum rc put_rows(struct loading *l)
{
	struct cx *cx = l->cx;
	enum rc rc = RC_OK;

	while (rc == RC_OK) {
		rc = report_csv_next(&l->csv);
		if (rc == RC_NOT_FOUND) return RC_OK;
		if (rc == RC_OK) rc = l->plan.is_summary ? put_summary(l) : put_other(l);
		if (rc == RC_OK && l->csv.record % STEP_ROWS == 0) rc = look_around(l);
	}
	if (rc == RC_BAD_INPUT) {
		cx->error_code = "report_unreadable";
		return cx_fail(cx, rc, _("Line %lld: %s"), (long long)l->csv.record + 1,
			       words_get(cx->lang, l->csv.why));
	}
	return rc;
}

/* One file */

static int64_t rows_of_type(const struct loading *l, const char *type)
{
	if (!l->plan.is_summary || strcmp(type, "deliveries") == 0) return l->target->rows;
	if (strcmp(type, "sent") == 0) return l->sent;
	if (strcmp(type, "bounces") == 0) return l->bounced;
	if (strcmp(type, "opens") == 0) return l->opened;
	if (strcmp(type, "clicks") == 0) return l->clicked;
	return -1; /* the file does not say who complained or left */
}

static enum rc stage(struct loading *l, int fd)
{
	struct cx *cx = l->cx;
	enum rc rc = fd < 0 ? RC_NOT_FOUND : report_csv_open(&l->csv, fd);

	if (rc == RC_OK) rc = read_heading(l);
	if (rc == RC_NOT_FOUND) { /* a day without a file, or an empty one: no rows */
		l->plan.is_summary = true;
		return l->target->engine->begin(cx, l->target, &l->plan);
	}
	if (rc == RC_OK && !l->plan.is_summary) rc = guess_types(l, fd);
	if (rc == RC_BAD_INPUT) {
		cx->error_code = "report_unreadable";
		return cx_fail(cx, rc, "%s", words_get(cx->lang, l->csv.why));
	}
	if (rc == RC_OK) rc = l->target->engine->begin(cx, l->target, &l->plan);
	return rc == RC_OK ? put_rows(l) : rc;
}

static enum rc marks_of(struct loading *l, struct value *shared, struct load_mark *marks, size_t *count)
{
	*count = 0;
	for (const struct value *r = shared->first; r != NULL && *count < REPORT_TYPES_MAX; r = r->next) {
		const char *type = value_text_of(value_get(r, "type"), "");

		marks[(*count)++] =
			(struct load_mark){ .report_id = value_int_of(value_get(r, "id"), 0),
					    .public_id = value_text_of(value_get(r, "public_id"), ""),
					    .type = type,
					    .rows = rows_of_type(l, type) };
	}
	return RC_OK;
}

static enum rc load_file(struct loading *l, struct value *shared, int fd)
{
	struct load_mark marks[REPORT_TYPES_MAX];
	size_t count = 0;
	enum rc rc = l->target->engine->sweep(l->cx, l->target), swept;

	if (rc == RC_OK) rc = stage(l, fd);
	if (rc == RC_OK) rc = marks_of(l, shared, marks, &count);
	if (rc == RC_OK) rc = l->target->engine->flip(l->cx, l->target, marks, count);
	report_csv_close(&l->csv);
	sb_free(&l->extra);
	/* What was replaced, or staged in vain, goes; what is visible does not depend on it. */
	swept = l->target->engine->sweep(l->cx, l->target);
	if (swept != RC_OK) log_event(LOG_WARN, "app", "report.sweep", "rc=%s", rc_row(swept)->name);
	return rc;
}

static enum rc prepare(struct loading *l, const struct value *report, struct value **shared)
{
	struct cx *cx = l->cx;
	const char *start = value_text_of(value_get(report, "start_on"), ""),
		   *end = value_text_of(value_get(report, "end_on"), ""),
		   *zone = setting_text(cx->env->settings, "reports.csv_zone");
	/* The rows carry the deliveries' id; without such a row that of the first one of these days. */
	enum rc rc = db_rows(
		cx, shared, REPORT_TYPES_MAX,
		"SELECT id, public_id, type FROM generated_report WHERE start_on = :start AND end_on = :end"
		" AND state = 'READY' AND coalesce(file_id, 0) = :file GROUP BY type HAVING id = max(id)"
		" ORDER BY type <> 'deliveries', id",
		PARAMS(P_TEXT(":start", start), P_TEXT(":end", end),
		       P_INT(":file", value_int_of(value_get(report, "file_id"), 0))));

	if (rc == RC_OK && (*shared)->first == NULL) rc = RC_NOT_FOUND;
	if (rc == RC_OK) rc = day_parse(&l->first, start);
	if (rc == RC_OK) rc = day_parse(&l->last, end);
	if (rc != RC_OK) return rc;
	l->zone = strcmp(zone, "UTC") == 0 ? NULL : zone_find(zone);
	l->offset_slot = INT64_MIN;
	l->plan = (struct load_plan){
		.report_id = value_int_of(value_get((*shared)->first, "id"), 0),
		.public_id = value_text_of(value_get((*shared)->first, "public_id"), ""),
		.type = value_text_of(value_get(report, "type"), "deliveries"),
		.start_on = start,
		.end_on = end,
		.file_id = value_int_of(value_get(report, "file_id"), 0),
	};
	sb_init(&l->extra, EXTRA_MAX);
	return RC_OK;
}

/* Is it there already? A job that was cut behind its flip finds its own load: done, not refused. */
static enum rc refuse_double(struct cx *cx, struct job *job, struct target *t, const struct value *report,
			     bool is_again, bool *is_done, int64_t *rows)
{
	struct value *there = NULL;
	int64_t id = value_int_of(value_get(report, "id"), 0);
	enum rc rc = t->engine->loaded(cx, t, &there, id, value_text_of(value_get(report, "public_id"), ""));

	*is_done = false;
	if (rc == RC_NOT_FOUND) return RC_OK;
	if (rc != RC_OK || is_again) return rc;
	*rows = value_int_of(value_get(there, "rows_inserted"), 0);
	*is_done = true;
	rc = report_note_loads(cx, value_text_of(value_get(report, "start_on"), ""),
			       value_text_of(value_get(report, "end_on"), ""), t->alias, t);
	if (rc != RC_OK || (job != NULL && job_attempt(job) > 1)) return rc;
	cx->error_code = "already_loaded";
	return cx_fail(cx, RC_CONFLICT,
		       _("Report %lld is loaded in “%s” already. Press “Load again” to replace its rows."),
		       (long long)id, t->alias);
}

static enum rc load_into(struct cx *cx, struct job *job, int64_t *rows, const struct value *report,
			 struct target *t, bool is_again)
{
	struct loading *l = arena_alloc(cx->arena, sizeof(*l));
	int64_t file = value_int_of(value_get(report, "file_id"), 0), began = clock_ticks();
	struct value *shared = NULL;
	bool is_done = false;
	int fd = -1;
	enum rc rc = l != NULL ? refuse_double(cx, job, t, report, is_again, &is_done, rows) : RC_NO_MEMORY;

	if (rc != RC_OK || is_done) return rc;
	*l = (struct loading){ .cx = cx, .job = job, .target = t };
	l->csv.fd = -1;
	rc = prepare(l, report, &shared);
	if (rc == RC_OK && file != 0) rc = file_open(cx, &fd, &l->size, file);
	if (rc == RC_IO || rc == RC_NOT_FOUND) {
		cx->error_code = "report_file_missing";
		rc = cx_fail(cx, RC_NOT_FOUND,
			     _("The file of report %lld is not there any more; ask for the report again."),
			     (long long)value_int_of(value_get(report, "id"), 0));
	}
	if (rc == RC_OK) rc = load_file(l, shared, fd);
	if (fd >= 0) close(fd);
	if (rc == RC_OK) {
		*rows = t->rows;
		log_event(LOG_INFO, "app", "report.load",
			  "report=%lld alias=%s rows=%lld bad_dates=%lld ms=%lld",
			  (long long)l->plan.report_id, t->alias, (long long)t->rows, (long long)t->bad_dates,
			  (long long)(clock_ticks() - began));
		rc = report_note_loads(cx, l->plan.start_on, l->plan.end_on, t->alias, t);
	}
	return rc;
}

enum rc report_load(struct cx *cx, struct job *job, int64_t *rows, int64_t report_id, const char *alias,
		    bool is_again)
{
	struct value *report = NULL;
	struct target t = { .engine = NULL };
	enum rc rc =
		db_row(cx, &report,
		       "SELECT id, public_id, type, start_on, end_on, state, file_id FROM generated_report"
		       " WHERE id = :id",
		       PARAMS(P_INT(":id", report_id)));

	if (rc == RC_NOT_FOUND) return cx_fail(cx, rc, _("There is no report %lld."), (long long)report_id);
	if (rc != RC_OK) return rc;
	if (strcmp(value_text_of(value_get(report, "state"), ""), "READY") != 0) {
		cx->error_code = "not_ready";
		return cx_fail(cx, RC_CONFLICT,
			       _("Report %lld is not ready yet; only a ready one can be loaded."),
			       (long long)report_id);
	}
	if (!report_task_begin(TASK_LOAD)) {
		cx->error_code = LOAD_BUSY;
		return cx_fail(cx, RC_TRY_LATER, "%s",
			       _("Another report is being loaded. Try again in a moment."));
	}
	rc = target_open(cx, &t, alias);
	if (rc == RC_OK) rc = load_into(cx, job, rows, report, &t, is_again);
	target_close(&t);
	report_task_end(TASK_LOAD);
	return rc;
}
