/*
** import_read.c -- judges a file, row by row, and leaves what a person decides by: counts, what is wrong, the
** first rows as they will be.
**
** Owns:   the table import_row; counts and verdicts of import.
** Holds:  (1) nothing else is written: each slice's transaction is rolled back; (2) begun again after a stop
**         it judges the whole file anew, from the stored bytes; (3) a file that is wrong as a whole is
**         refused with one sentence and leaves no rows.
*/
#include "desk/import_run.h"

#include "base/mem.h"
#include "base/text.h"
#include "desk/inner.h"
#include <string.h>

#define WRONG_KEPT  200 /* rows with a reason on the page; the error file has all       */
#define SKIP_KEPT   50
#define GOOD_KEPT   10 /* rows shown as they will be                                   */
#define SHOWN_MAX   60 /* letters of a cell on the page                                */
#define SHOWN_CELLS 12
#define FIRST_ROOM  4096 /* verdicts */

struct shown_row {
	struct shown_row *next;
	int64_t line;
	const char *outcome, *reason, *cells_json;
};

struct reading {
	struct import_run run;
	char *verdicts;
	size_t room;
	int64_t counts[IMPORT__MAX], made[IMPORT_COUNTS_MAX];
	struct shown_row *first, **last;
	size_t kept[IMPORT__MAX];
	struct error_file *errors;
	bool rehearses;
};

static enum rc keep_verdict(struct reading *r, enum import_verdict verdict)
{
	size_t n = (size_t)r->run.record;

	if (n > r->room) {
		size_t room = r->room == 0 ? FIRST_ROOM : r->room * 2;
		char *p = mem_realloc(r->verdicts, room);

		if (p == NULL) return RC_NO_MEMORY;
		r->verdicts = p;
		r->room = room;
	}
	r->verdicts[n - 1] = VERDICT_LETTERS[verdict];
	r->counts[verdict]++;
	return RC_OK;
}

static size_t kept_at_most(enum import_verdict verdict)
{
	return verdict == IMPORT_WRONG ? WRONG_KEPT : verdict == IMPORT_SKIP ? SKIP_KEPT : GOOD_KEPT;
}

static void cut_cells(struct cx *cx, const struct cells *cells, struct value *list)
{
	for (size_t i = 0; i < cells->count && i < SHOWN_CELLS; i++) {
		const char *text = cells->cell[i];

		if (text_length(text) > SHOWN_MAX)
			text = arena_printf(cx->arena, "%.*s…", (int)text_prefix(text, SHOWN_MAX), text);
		value_add_text(cx->arena, list, text);
	}
}

/* One of the rows that the page shows. */
static enum rc keep_row(struct reading *r, const struct import_row *row)
{
	struct cx *cx = r->run.cx;
	struct arena *a = r->run.arena;
	struct value *list = value_list(cx->arena);
	struct shown_row *s;
	struct sb sb;

	if (r->kept[row->verdict] >= kept_at_most(row->verdict)) return RC_OK;
	s = arena_alloc(a, sizeof(*s));
	if (s == NULL) return RC_NO_MEMORY;
	r->kept[row->verdict]++;
	if (row->verdict == IMPORT_WRONG || row->verdict == IMPORT_SKIP)
		cut_cells(cx, row->cells, list);
	else
		r->run.importer->show(cx, r->run.own, row, list);
	sb_init_arena(&sb, cx->arena, 1024 * 1024);
	json_write(&sb, list);
	*s = (struct shown_row){ .line = (int64_t)row->cells->line,
				 .outcome = import_outcomes[row->verdict],
				 .reason = arena_text(a, row->why != NULL ? row->why : ""),
				 .cells_json = arena_text(a, sb_text_of(&sb)) };
	*r->last = s;
	r->last = &s->next;
	return sb_result(&sb);
}

static bool is_about_row(enum rc rc)
{
	return rc == RC_BAD_INPUT || rc == RC_CONFLICT || rc == RC_DENIED || rc == RC_NOT_FOUND;
}

static enum rc judge_row(struct reading *r, struct import_row *row)
{
	struct import_run *run = &r->run;
	struct cx *cx = run->cx;
	enum rc rc = run_judge(run, row);

	if (rc == RC_OK && r->rehearses && (row->verdict == IMPORT_NEW || row->verdict == IMPORT_UPDATE)) {
		rc = run->importer->write(cx, run->own, row, IMPORT_REHEARSE, r->made);
		if (is_about_row(rc)) {
			row->verdict = IMPORT_WRONG;
			row->why = import_why(cx, run->resource, rc);
			rc = RC_OK;
		}
	}
	if (rc == RC_OK) rc = keep_verdict(r, row->verdict);
	if (rc == RC_OK) rc = keep_row(r, row);
	if (rc == RC_OK && row->verdict == IMPORT_WRONG) {
		if (r->errors == NULL) rc = error_file_open(cx, &r->errors, run->file, &run->heading);
		if (rc == RC_OK) rc = error_file_add(cx, r->errors, row->cells, row->why);
	}
	return rc;
}

/* Rows for some milliseconds, in a transaction that is rolled back whatever happened. */
static enum rc judge_slice(struct reading *r, bool *is_end)
{
	struct cx *cx = r->run.cx;
	int64_t until = clock_ticks() + IMPORT_JUDGE_MS;
	enum rc rc = tx_begin(cx), ended;

	if (rc != RC_OK) return rc;
	do {
		struct cells cells = { .count = 0 };
		struct import_row row = { .cells = &cells };

		rc = run_next(&r->run, &cells);
		if (rc == RC_NOT_FOUND) {
			*is_end = true;
			rc = RC_OK;
			break;
		}
		if (rc == RC_OK && r->run.record > IMPORT_ROWS_MAX)
			rc = cx_fail(cx, RC_TOO_LARGE,
				     _("Row %zu: the file has more than %d rows; split it."), cells.line,
				     IMPORT_ROWS_MAX);
		if (rc == RC_OK) rc = judge_row(r, &row);
		if (rc == RC_OK && arena_failed(cx->arena)) rc = RC_NO_MEMORY;
	} while (rc == RC_OK && clock_ticks() < until && arena_used(cx->arena) < IMPORT_SLICE_SOME);
	ended = tx_end(cx, RC_CONFLICT); /* any failure rolls back */
	return rc != RC_OK || ended == RC_CONFLICT ? rc : ended;
}

static enum rc judge_all(struct reading *r)
{
	struct cx *cx = r->run.cx;
	bool is_end = false;
	enum rc rc = RC_OK;

	while (rc == RC_OK && !is_end) {
		int64_t done = 0, total = 0;

		run_slice_begin(&r->run);
		rc = judge_slice(r, &is_end);
		run_slice_end(&r->run);
		rows_in_progress(r->run.in, &done, &total);
		if (rc == RC_OK && !is_end) rc = job_progress(cx, r->run.job, done, total);
		if (rc == RC_OK && job_should_stop(r->run.job)) rc = RC_TRY_LATER;
		if (is_end && rc == RC_OK) rc = job_progress(cx, r->run.job, total, total);
	}
	return rc;
}

/* What cannot be hidden is written in one go, so there may not be too much of it. */
static enum rc check_size(struct reading *r)
{
	struct cx *cx = r->run.cx;
	int64_t writes = r->counts[IMPORT_NEW] + r->counts[IMPORT_UPDATE];

	if (r->run.record == 0) return cx_fail(cx, RC_BAD_INPUT, _("The file has a heading but no rows."));
	if (run_tables(&r->run) != NULL || writes <= IMPORT_AT_ONCE_MAX) return RC_OK;
	return cx_fail(cx, RC_TOO_LARGE,
		       _("%s: at most %d new or changed rows at a time; this file has %lld. Split it."),
		       words_get(cx->lang, r->run.resource->title), IMPORT_AT_ONCE_MAX, (long long)writes);
}

/* Which columns were taken, in the order of the file's fields, and which not. */
static const char *columns_json(struct reading *r)
{
	struct cx *cx = r->run.cx;
	struct value *map = value_map(cx->arena), *titles = value_set_list(cx->arena, map, "titles");
	struct sb sb;

	for (size_t i = 0; i < r->run.field_count; i++)
		if (r->run.heading.at[i] >= 0 && !r->run.fields[i].is_ignored && !r->run.fields[i].is_id)
			value_add_text(cx->arena, titles, words_get(cx->lang, r->run.fields[i].title));
	value_set_text(cx->arena, map, "unknown", r->run.heading.unknown);
	value_set_text(cx->arena, map, "ignored", r->run.heading.ignored);
	value_set_bool(cx->arena, map, "clears_empty", r->run.clears_empty); /* as it was sent */
	sb_init_arena(&sb, cx->arena, 64 * 1024);
	json_write(&sb, map);
	return sb_result(&sb) == RC_OK ? sb_text_of(&sb) : "{}";
}

static enum rc keep_shown(struct reading *r)
{
	struct cx *cx = r->run.cx;
	enum rc rc =
		db_run(cx, "DELETE FROM import_row WHERE import_id = :id", PARAMS(P_INT(":id", r->run.id)));

	for (const struct shown_row *s = r->first; s != NULL && rc == RC_OK; s = s->next)
		rc = db_run(cx,
			    "INSERT INTO import_row (import_id, line, outcome, reason, cells_json)"
			    " VALUES (:id, :line, :outcome, :reason, :cells)",
			    PARAMS(P_INT(":id", r->run.id), P_INT(":line", s->line),
				   P_TEXT(":outcome", s->outcome), P_TEXT(":reason", s->reason),
				   P_TEXT(":cells", s->cells_json)));
	return rc;
}

static enum rc finish(struct reading *r)
{
	struct cx *cx = r->run.cx;
	int64_t error_file = 0;
	enum rc rc = RC_OK;

	if (r->errors != NULL) {
		rc = error_file_store(cx, r->errors, &error_file, r->run.id, r->run.file_name);
		r->errors = NULL;
	}
	if (rc != RC_OK) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = keep_shown(r);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE import SET state = 'preview', rows_total = :total, rows_new = :new, rows_update = :update,"
			" rows_same = :same, rows_skipped = :skip, rows_wrong = :wrong, verdicts = :verdicts,"
			" columns_json = :columns, error_file_id = :errors WHERE id = :id AND state = 'reading'",
			PARAMS(P_INT(":total", r->run.record), P_INT(":new", r->counts[IMPORT_NEW]),
			       P_INT(":update", r->counts[IMPORT_UPDATE]),
			       P_INT(":same", r->counts[IMPORT_SAME]), P_INT(":skip", r->counts[IMPORT_SKIP]),
			       P_INT(":wrong", r->counts[IMPORT_WRONG]),
			       P_BLOB(":verdicts", r->verdicts, (size_t)r->run.record),
			       P_TEXT(":columns", columns_json(r)), P_REF(":errors", error_file),
			       P_INT(":id", r->run.id)));
	return tx_end(cx, rc);
}

static enum rc note_failure(struct cx *cx, int64_t import_id)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE import SET state = 'failed', error = :error, finished_at = :now WHERE id = :id"
			" AND state = 'reading'",
			PARAMS(P_TEXT(":error", cx->message), P_INT(":now", cx_now(cx)),
			       P_INT(":id", import_id)));
	return tx_end(cx, rc);
}

enum rc import_read(struct cx *cx, struct job *job, int64_t import_id)
{
	struct reading r = { .last = &r.first };
	enum rc rc = run_open(&r.run, cx, job, import_id);

	if (rc == RC_OK && strcmp(r.run.state, "reading") != 0) {
		run_close(&r.run);
		return RC_OK; /* dropped, or judged before the end was noted */
	}
	if (rc == RC_OK) rc = run_begin(&r.run, 0);
	if (rc == RC_OK) {
		r.rehearses = r.run.importer->rehearses != NULL && r.run.importer->rehearses(r.run.own);
		rc = judge_all(&r);
	}
	if (rc == RC_OK) rc = check_size(&r);
	if (rc == RC_OK) rc = finish(&r);
	if (rc == RC_OK)
		job_say(cx, job, SAY_INFO, _("The file is judged: %lld new, %lld changed, %lld wrong rows."),
			(long long)r.counts[IMPORT_NEW], (long long)r.counts[IMPORT_UPDATE],
			(long long)r.counts[IMPORT_WRONG]);
	error_file_free(r.errors);
	mem_free(r.verdicts);
	if (rc == RC_BAD_INPUT || rc == RC_TOO_LARGE) {
		job_note(cx, job, "%s", cx_sentence_kept(cx, rc));
		job_say(cx, job, SAY_ERROR, "%s", cx_sentence_kept(cx, rc));
		rc = note_failure(cx, import_id); /* the file is wrong, not the job: it is done */
	}
	run_close(&r.run);
	return rc;
}
