/*
** import_commit.c -- writes what the preview announced: all of it or nothing, without holding up the panel.
**
**   hidden rows, slice by slice ─► flip: one short transaction ─► history, many changes ─► done
**        '── a row that would fail now ─► undoing: hidden rows go ─► judged anew
**
** New rows are written under a generation that no list shows; the flip makes them visible. Changes of rows
** that were there already cannot be hidden: up to IMPORT_AT_ONCE_MAX are part of the flip's transaction, more
** of them are tried out beforehand and follow it in slices; the job goes on with them until they are done,
** and a row that somebody changed in those seconds so that it cannot be is told on the import's page.
** Without generation everything is one transaction.
**
** Holds:  (1) before the flip nobody sees a row of this import; (2) the place is saved with each slice, so a
**         stop loses at most the slice and repeats nothing; (3) every row is judged again by what is true
**         now; its verdict must be the announced one.
*/
#include "desk/import_run.h"

#include "base/mem.h"
#include "desk/inner.h"
#include <string.h>

#define HISTORY_ROWS 2000 /* of one statement: about 20 ms */

struct commit {
	struct import_run run;
	char *verdicts;
	size_t verdict_count;
	int64_t generation, record, audit_id, table_id; /* the place */
	const char *phase;
	int64_t made[IMPORT_COUNTS_MAX], refused, table;
	int64_t progress_base, progress_total;
	/* Rows that are changed within the flip, in file order. */
	struct cells *at_once;
	char *at_once_verdicts;
	size_t at_once_count;
};

static bool is_about_row(enum rc rc)
{
	return rc == RC_BAD_INPUT || rc == RC_CONFLICT || rc == RC_DENIED || rc == RC_NOT_FOUND;
}

static enum import_verdict announced(const struct commit *c, int64_t record)
{
	const char *p = record > 0 && (size_t)record <= c->verdict_count
				? strchr(VERDICT_LETTERS, c->verdicts[record - 1])
				: NULL;

	return p != NULL && *p != '\0' ? (enum import_verdict)(p - VERDICT_LETTERS) : IMPORT_WRONG;
}

static bool has_many_changes(const struct commit *c)
{
	return c->run.updates && c->run.rows_update > IMPORT_AT_ONCE_MAX;
}

/* The place */

static enum rc save_place(struct commit *c, const char *phase)
{
	struct cx *cx = c->run.cx;
	struct value *place = value_map(cx->arena), *made = value_set_list(cx->arena, place, "made");

	c->phase = phase;
	value_set_text(cx->arena, place, "phase", phase);
	value_set_int(cx->arena, place, "generation", c->generation);
	value_set_int(cx->arena, place, "record", c->record);
	value_set_int(cx->arena, place, "refused", c->refused);
	value_set_int(cx->arena, place, "audit", c->audit_id);
	value_set_int(cx->arena, place, "table", c->table);
	value_set_int(cx->arena, place, "row", c->table_id);
	for (size_t i = 0; i < IMPORT_COUNTS_MAX; i++)
		value_set_int(cx->arena, value_add_map(cx->arena, made), "n", c->made[i]);
	return job_save_place(cx, c->run.job, place);
}

static void read_place(struct commit *c)
{
	const struct value *place = job_place(c->run.job), *made = value_get(place, "made");
	size_t i = 0;

	c->phase = arena_text(c->run.arena, value_text_of(value_get(place, "phase"), ""));
	c->generation = value_int_of(value_get(place, "generation"), 0);
	c->record = value_int_of(value_get(place, "record"), 0);
	c->refused = value_int_of(value_get(place, "refused"), 0);
	c->audit_id = value_int_of(value_get(place, "audit"), 0);
	c->table = value_int_of(value_get(place, "table"), 0);
	c->table_id = value_int_of(value_get(place, "row"), 0);
	for (const struct value *v = made != NULL ? made->first : NULL; v != NULL && i < IMPORT_COUNTS_MAX;
	     v = v->next)
		c->made[i++] = value_int_of(value_get(v, "n"), 0);
}

static enum rc read_verdicts(struct commit *c)
{
	struct cx *cx = c->run.cx;
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q, "SELECT verdicts FROM import WHERE id = :id",
			      PARAMS(P_INT(":id", c->run.id)));

	if (rc == RC_OK && query_next(q)) {
		struct bytes b = query_bytes(q, 0);

		c->verdicts = mem_alloc(b.len);
		if (c->verdicts == NULL)
			rc = RC_NO_MEMORY;
		else
			memcpy(c->verdicts, b.p, c->verdict_count = b.len);
	}
	return query_end(q, rc);
}

/* One row */

static enum rc not_as_announced(struct cx *cx, const struct import_row *row, const char *why)
{
	return cx_fail(cx, RC_CONFLICT, _("Row %zu: %s. Nothing was written; look at it again."),
		       row->cells->line, why);
}

/* Judge the row by what is true now and write it. RC_CONFLICT with the sentence when it cannot be as
** announced. */
static enum rc write_row(struct commit *c, const struct cells *cells, enum import_verdict was,
			 enum import_step step)
{
	struct import_run *r = &c->run;
	struct cx *cx = r->cx;
	struct import_row row = { .cells = cells };
	enum rc rc = run_judge(r, &row);

	if (rc != RC_OK) return rc;
	if (row.verdict == IMPORT_WRONG) return not_as_announced(cx, &row, row.why);
	/* somebody else did just this */
	if (row.verdict == IMPORT_SAME && was == IMPORT_UPDATE) return RC_OK;
	if (row.verdict != was)
		return not_as_announced(cx, &row,
					was == IMPORT_NEW ? _("it is there already by now")
							  : _("what it would change is not there any more"));
	rc = r->importer->write(cx, r->own, &row, step, c->made);
	return is_about_row(rc) ? not_as_announced(cx, &row, import_why(cx, r->resource, rc)) : rc;
}

/* Walking */

/* What a walk does with the rows of the announced verdicts. */
struct walk {
	bool does[IMPORT__MAX];
	enum import_step step;
	bool is_kept;  /* committed and its place saved; else rolled back */
	bool forgives; /* a row that cannot be is told, the others go on */
	const char *phase;
};

static enum rc note_refused(struct commit *c, const struct cells *cells)
{
	struct cx *cx = c->run.cx;
	const char *why = cx->message;

	c->refused++;
	cx->message = "";
	return db_run(
		cx,
		"INSERT INTO import_row (import_id, line, outcome, reason) VALUES (:id, :line, 'refused', :why)"
		" ON CONFLICT DO UPDATE SET outcome = 'refused', reason = excluded.reason",
		PARAMS(P_INT(":id", c->run.id), P_INT(":line", (int64_t)cells->line), P_TEXT(":why", why)));
}

/* Rows for some milliseconds in one transaction. */
static enum rc walk_slice(struct commit *c, const struct walk *w, bool *is_end)
{
	struct import_run *r = &c->run;
	struct cx *cx = r->cx;
	int64_t until = clock_ticks() + IMPORT_WRITE_MS, made[IMPORT_COUNTS_MAX], refused = c->refused;
	enum rc rc = tx_begin(cx), ended;

	if (rc != RC_OK) return rc;
	memcpy(made, c->made, sizeof(made));
	do {
		struct cells cells = { .count = 0 };
		enum import_verdict was;

		rc = run_next(r, &cells);
		if (rc == RC_NOT_FOUND) {
			*is_end = true;
			rc = RC_OK;
			break;
		}
		was = announced(c, r->record);
		if (rc == RC_OK && w->does[was]) rc = write_row(c, &cells, was, w->step);
		if (rc == RC_CONFLICT && w->forgives) rc = note_refused(c, &cells);
		if (rc == RC_OK && arena_failed(cx->arena)) rc = RC_NO_MEMORY;
	} while (rc == RC_OK && clock_ticks() < until && arena_used(cx->arena) < IMPORT_SLICE_SOME);
	if (w->is_kept) {
		if (rc == RC_OK) c->record = r->record;
		if (rc == RC_OK) rc = save_place(c, w->phase);
		rc = tx_end(cx, rc);
	} else {
		ended = tx_end(cx, RC_TRY_LATER); /* any failure rolls back */
		if (rc == RC_OK && ended != RC_TRY_LATER) rc = ended;
	}
	if (rc != RC_OK || !w->is_kept) {
		memcpy(c->made, made, sizeof(made));
		c->refused = refused;
	}
	return rc;
}

/* Read past the rows that an earlier run wrote. */
static enum rc skip_written(struct commit *c, int64_t until)
{
	struct import_run *r = &c->run;
	enum rc rc = RC_OK;

	while (rc == RC_OK && r->record < until) {
		run_slice_begin(r);
		for (int i = 0; i < 500 && rc == RC_OK && r->record < until; i++) {
			struct cells cells = { .count = 0 };

			rc = run_next(r, &cells);
		}
		run_slice_end(r);
	}
	return rc;
}

static enum rc walk_file(struct commit *c, const struct walk *w)
{
	struct import_run *r = &c->run;
	int64_t from = w->is_kept ? c->record : 0;
	bool is_end = false;
	enum rc rc = run_begin(r, c->generation);

	if (rc == RC_OK && from > 0) rc = skip_written(c, from);
	while (rc == RC_OK && !is_end) {
		run_slice_begin(r);
		rc = walk_slice(c, w, &is_end);
		run_slice_end(r);
		if (rc == RC_OK)
			rc = job_progress(r->cx, r->job, c->progress_base + r->record, c->progress_total);
		if (rc == RC_OK && job_should_stop(r->job)) rc = RC_TRY_LATER;
	}
	c->progress_base += r->rows_total;
	return rc;
}

/* Rows of the file that one transaction writes: kept beforehand, so that it does nothing else. */
static enum rc collect(struct commit *c, bool with_new)
{
	struct import_run *r = &c->run;
	size_t max = (size_t)(c->run.rows_new + c->run.rows_update);
	enum rc rc = run_begin(r, c->generation);

	if (max > 2 * IMPORT_AT_ONCE_MAX) max = 2 * IMPORT_AT_ONCE_MAX;
	c->at_once = arena_array(r->arena, max + 1, sizeof(*c->at_once));
	c->at_once_verdicts = arena_alloc(r->arena, max + 1);
	if (rc == RC_OK && (c->at_once == NULL || c->at_once_verdicts == NULL)) rc = RC_NO_MEMORY;
	while (rc == RC_OK) {
		struct cells cells = { .count = 0 };
		enum import_verdict was;
		const char **copy;

		run_slice_begin(r);
		rc = run_next(r, &cells);
		was = announced(c, r->record);
		r->cx->arena = r->outer;
		if (rc != RC_OK || !(was == IMPORT_NEW ? with_new : was == IMPORT_UPDATE && r->updates))
			continue;
		copy = arena_array(r->arena, cells.count + 1, sizeof(*copy));
		if (copy == NULL || c->at_once_count == max) {
			rc = copy == NULL ? RC_NO_MEMORY : RC_BUG;
			continue;
		}
		for (size_t i = 0; i < cells.count; i++)
			copy[i] = arena_text(r->arena, cells.cell[i]);
		c->at_once[c->at_once_count] =
			(struct cells){ .count = cells.count, .cell = copy, .line = cells.line };
		c->at_once_verdicts[c->at_once_count++] = (char)was;
	}
	if (rc == RC_NO_MEMORY)
		rc = cx_fail(r->cx, RC_TOO_LARGE,
			     words_get(r->cx->lang,
				       N_("The rows are too long to be written at once; split the file.")));
	return rc == RC_NOT_FOUND ? (arena_failed(r->arena) ? RC_NO_MEMORY : RC_OK) : rc;
}

static enum rc write_collected(struct commit *c)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < c->at_once_count && rc == RC_OK; i++) {
		enum import_verdict was = (enum import_verdict)c->at_once_verdicts[i];

		rc = write_row(c, &c->at_once[i], was, was == IMPORT_NEW ? IMPORT_MAKE : IMPORT_CHANGE);
	}
	return rc;
}

/* Steps */

static enum rc open_generation(struct commit *c)
{
	struct cx *cx = c->run.cx;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	c->generation = c->run.id; /* never comes again */
	rc = db_run(cx,
		    "INSERT INTO pending_generation (id, owner, created_at) VALUES (:id, 'import', :now)"
		    " ON CONFLICT DO NOTHING",
		    PARAMS(P_INT(":id", c->generation), P_INT(":now", cx_now(cx))));
	if (rc == RC_OK) rc = save_place(c, "hidden");
	return tx_end(cx, rc);
}

static const char *made_json(struct commit *c)
{
	return arena_printf(c->run.cx->arena, "[%lld,%lld,%lld]", (long long)c->made[0],
			    (long long)c->made[1], (long long)c->made[2]);
}

/* The import's own line in the history; the rows' lines are made after its pattern. */
static enum rc note_import(struct commit *c)
{
	struct cx *cx = c->run.cx;
	struct value *after = value_map(cx->arena);
	enum rc rc;

	value_set_text(cx->arena, after, "import", c->run.public_id);
	value_set_text(cx->arena, after, "file", c->run.file_name);
	for (size_t i = 0; i < IMPORT_COUNTS_MAX && c->run.importer->counts[i] != NULL; i++)
		value_set_int(cx->arena, after, words_get(cx->lang, c->run.importer->counts[i]), c->made[i]);
	rc = audit_add(cx, "import", "import", c->run.id, NULL, after);
	if (rc == RC_OK) c->audit_id = db_last_id(cx);
	return rc;
}

static enum rc note_made(struct commit *c, bool is_done)
{
	struct cx *cx = c->run.cx;

	return db_run(
		cx,
		"UPDATE import SET state = CASE WHEN :done THEN 'done' ELSE state END, made_json = :made, error = '',"
		" flipped_at = coalesce(flipped_at, :now), finished_at = CASE WHEN :done THEN :now END WHERE id = :id",
		PARAMS(P_INT(":done", is_done ? 1 : 0), P_TEXT(":made", made_json(c)),
		       P_INT(":now", cx_now(cx)), P_INT(":id", c->run.id)));
}

/* The moment it becomes true: one row goes, and every list sees what was written. */
static enum rc flip(struct commit *c)
{
	struct import_run *r = &c->run;
	struct cx *cx = r->cx;
	int64_t made[IMPORT_COUNTS_MAX];
	enum rc rc;

	memcpy(made, c->made, sizeof(made));
	run_slice_begin(r);
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = write_collected(c);
	if (rc == RC_OK)
		rc = db_run(cx, "DELETE FROM pending_generation WHERE id = :id",
			    PARAMS(P_INT(":id", c->generation)));
	if (rc == RC_OK) rc = note_made(c, false);
	if (rc == RC_OK) rc = note_import(c);
	c->record = 0;
	if (rc == RC_OK) rc = save_place(c, "history");
	rc = tx_end(cx, rc);
	run_slice_end(r);
	if (rc != RC_OK) memcpy(c->made, made, sizeof(made));
	return rc;
}

/* Everything in one transaction, for what cannot be hidden. */
static enum rc write_at_once(struct commit *c)
{
	struct import_run *r = &c->run;
	struct cx *cx = r->cx;
	enum rc rc = collect(c, true);

	if (rc != RC_OK) return rc;
	run_slice_begin(r);
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = write_collected(c);
	if (rc == RC_OK) rc = note_made(c, true);
	if (rc == RC_OK) rc = note_import(c);
	rc = tx_end(cx, rc);
	run_slice_end(r);
	return rc;
}

/* A line of history for each row that came to light, after the pattern of the import's own. */
static enum rc history_slice(struct commit *c, const char *table, int64_t *count)
{
	struct cx *cx = c->run.cx;
	struct value *after = value_map(cx->arena);
	const char *sql = run_sql(
		cx,
		"INSERT INTO audit (at, actor, user_id, address, action, table_name, row_id, after_json, door, search)"
		" SELECT a.at, a.actor, a.user_id, a.address, 'import', :table, t.id, :after, a.door, a.search"
		" FROM (SELECT id FROM ",
		table,
		" WHERE generation = :generation AND id > :row ORDER BY id LIMIT :rows) t, audit a WHERE a.id = :audit");
	struct sb sb;
	enum rc rc;

	value_set_text(cx->arena, after, "import", c->run.public_id);
	sb_init_arena(&sb, cx->arena, 64 * 1024);
	json_write(&sb, after);
	rc = db_run(cx, sql,
		    PARAMS(P_TEXT(":table", table), P_TEXT(":after", sb_text_of(&sb)),
			   P_INT(":generation", c->generation), P_INT(":row", c->table_id),
			   P_INT(":audit", c->audit_id), P_INT(":rows", HISTORY_ROWS)));
	*count = rc == RC_OK ? db_changes(cx) : 0;
	if (rc == RC_OK && *count > 0)
		rc = db_get_int(cx, &c->table_id, "SELECT row_id FROM audit WHERE id = :id",
				PARAMS(P_INT(":id", db_last_id(cx))));
	return rc;
}

static enum rc write_history(struct commit *c)
{
	struct import_run *r = &c->run;
	struct cx *cx = r->cx;
	const char *const *tables = run_tables(r);
	size_t n = 0;
	enum rc rc = RC_OK;

	while (tables[n] != NULL)
		n++;
	while (rc == RC_OK && (size_t)c->table < n) {
		int64_t count = 0;

		run_slice_begin(r);
		rc = tx_begin(cx);
		if (rc == RC_OK) rc = history_slice(c, tables[c->table], &count);
		if (rc == RC_OK && count == 0) {
			c->table++;
			c->table_id = 0;
		}
		if (rc == RC_OK) rc = save_place(c, "history");
		rc = tx_end(cx, rc);
		run_slice_end(r);
		if (rc == RC_OK && job_should_stop(r->job)) rc = RC_TRY_LATER;
	}
	return rc;
}

/* What only follows from the flip, by the importer. */
static enum rc settle(struct commit *c)
{
	struct import_run *r = &c->run;
	struct cx *cx = r->cx;
	bool is_end = r->importer->settle == NULL;
	enum rc rc = RC_OK;

	while (rc == RC_OK && !is_end) {
		run_slice_begin(r);
		rc = tx_begin(cx);
		if (rc == RC_OK) rc = r->importer->settle(cx, c->generation, &c->table_id, &is_end);
		if (rc == RC_OK) rc = save_place(c, "settle");
		rc = tx_end(cx, rc);
		run_slice_end(r);
		if (rc == RC_OK && job_should_stop(r->job)) rc = RC_TRY_LATER;
	}
	return rc;
}

static enum rc finish(struct commit *c)
{
	struct cx *cx = c->run.cx;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = note_made(c, true);
	return tx_end(cx, rc);
}

static enum rc begin_phase(struct commit *c, const char *phase)
{
	struct cx *cx = c->run.cx;
	enum rc rc = tx_begin(cx);

	c->record = c->table_id = 0;
	if (rc == RC_OK) rc = save_place(c, phase);
	return tx_end(cx, rc);
}

/* Before the flip: everything may still be taken back. */
static enum rc write_hidden(struct commit *c)
{
	struct walk trial = { .does = { [IMPORT_UPDATE] = true }, .step = IMPORT_REHEARSE };
	struct walk hidden = {
		.does = { [IMPORT_NEW] = true }, .step = IMPORT_MAKE, .is_kept = true, .phase = "hidden"
	};
	enum rc rc = RC_OK;

	hidden.does[IMPORT_UPDATE] = c->run.importer->makes_for_known;
	if (c->phase[0] == '\0') rc = open_generation(c);
	if (rc == RC_OK && has_many_changes(c)) rc = walk_file(c, &trial);
	if (rc == RC_OK) rc = walk_file(c, &hidden);
	if (rc == RC_OK && c->run.updates && c->run.rows_update > 0 && !has_many_changes(c))
		rc = collect(c, false);
	return rc == RC_OK ? flip(c) : rc;
}

static enum rc write_all(struct commit *c)
{
	struct walk changes = { .does = { [IMPORT_UPDATE] = true },
				.step = IMPORT_CHANGE,
				.is_kept = true,
				.forgives = true,
				.phase = "changes" };
	enum rc rc = RC_OK;

	c->progress_total = c->run.rows_total * (has_many_changes(c) ? 3 : 1);
	if (run_tables(&c->run) == NULL) return write_at_once(c);
	if (c->phase[0] == '\0' || strcmp(c->phase, "hidden") == 0) rc = write_hidden(c);
	if (rc == RC_OK && strcmp(c->phase, "history") == 0) {
		rc = write_history(c);
		if (rc == RC_OK) rc = begin_phase(c, "settle");
	}
	if (rc == RC_OK && strcmp(c->phase, "settle") == 0) {
		rc = settle(c);
		if (rc == RC_OK) rc = begin_phase(c, "changes");
	}
	if (rc == RC_OK && has_many_changes(c)) {
		c->progress_base = 2 * c->run.rows_total;
		rc = walk_file(c, &changes);
	}
	return rc == RC_OK ? finish(c) : rc;
}

/* Going back */

static enum rc begin_undo(struct commit *c, const char *why)
{
	struct cx *cx = c->run.cx;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE import SET state = 'undoing', error = :why WHERE id = :id",
			    PARAMS(P_TEXT(":why", why), P_INT(":id", c->run.id)));
	if (rc == RC_OK) rc = save_place(c, "undo");
	return tx_end(cx, rc);
}

/* Take back what is hidden; then it is judged anew, or, when a person dropped it, over. */
static enum rc undo(struct commit *c, bool is_dropped)
{
	struct cx *cx = c->run.cx;
	enum rc rc = c->generation != 0 ? import_undo(&c->run, c->generation) : RC_OK;

	if (rc != RC_OK) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = db_run(cx, "DELETE FROM pending_generation WHERE id = :id",
			    PARAMS(P_INT(":id", c->generation)));
	if (rc == RC_OK && is_dropped)
		rc = db_run(cx, "UPDATE import SET state = 'dropped', finished_at = :now WHERE id = :id",
			    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", c->run.id)));
	else if (rc == RC_OK)
		rc = import_read_again(cx, c->run.id);
	return tx_end(cx, rc);
}

enum rc import_commit(struct cx *cx, struct job *job, int64_t import_id)
{
	struct commit c = { .generation = 0 };
	enum rc rc = run_open(&c.run, cx, job, import_id);
	bool is_before_flip;

	if (rc == RC_OK) read_place(&c);
	db_large_cache(cx->db, true);
	if (rc == RC_OK && strcmp(c.run.state, "committing") == 0) {
		rc = read_verdicts(&c);
		if (rc == RC_OK) rc = write_all(&c);
		if (rc == RC_OK) job_say(cx, job, SAY_INFO, _("The file is taken in."));
		is_before_flip = c.phase[0] == '\0' || strcmp(c.phase, "hidden") == 0;
		if ((is_about_row(rc) || rc == RC_TOO_LARGE) && is_before_flip) {
			job_note(cx, job, "%s", cx_sentence_kept(cx, rc));
			job_say(cx, job, SAY_ERROR, "%s", cx_sentence_kept(cx, rc));
			rc = begin_undo(&c, cx->message);
			cx->message = "";
			if (rc == RC_OK) rc = undo(&c, false);
		}
	} else if (rc == RC_OK && strcmp(c.run.state, "undoing") == 0) {
		rc = undo(&c, c.run.error[0] == '\0');
	}
	if (rc == RC_OK && c.progress_total > 0)
		rc = job_progress(cx, job, c.progress_total, c.progress_total);
	db_large_cache(cx->db, false);
	mem_free(c.verdicts);
	run_close(&c.run);
	return rc;
}
