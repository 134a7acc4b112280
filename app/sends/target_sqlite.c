/*
** target_sqlite.c -- loads rows into a SQLite file: reports.db, or a second one by its path. How they leave
** it again is in target_leave.c.
**
** Owns:   rows, marks and loads of such a file.
** Never:  keeps a transaction open longer than SLICE_MS; looks at recado.db.
** Holds:  (1) rows are staged under a new generation that no view shows; the flip is one transaction with the
**         marks of report_load, so a cut leaves what was there before; (2) a day has at most one visible load
**         an alias; (3) what is staged without a flip, or replaced, goes with the next sweep.
*/
#include "sends/target_inner.h"

#include <string.h>

#define SLICE_MS   50  /* of a write transaction: half of what one may last, since the COMMIT comes on top */
#define SLICE_ROWS 128 /* between two looks at the clock: about a quarter of a millisecond */
/* of rows between two copies of the log: it stays in the page cache */
#define LOG_BYTES         (16 * 1024 * 1024)
#define LINES_BITS        31
#define DAYS_BITS         9
#define FIRST_ID(g)       ((g) << (LINES_BITS + DAYS_BITS))
#define ID_OF(g, d, line) (FIRST_ID(g) | ((int64_t)(d) << LINES_BITS) | (line))
#define LINES_MAX         ((INT64_C(1) << LINES_BITS) - 1)
_Static_assert(REPORT_DAYS_MAX < 1 << DAYS_BITS, "a day of a report must fit into a row's number");

const char *target_sql(struct cx *cx, const char *text, ...)
{
	struct sb sb;
	va_list ap;

	sb_init_arena(&sb, cx->arena, 64 * 1024);
	va_start(ap, text);
	for (; *text != '\0'; text++) {
		if (*text == '@')
			sb_text(&sb, va_arg(ap, const char *));
		else
			sb_char(&sb, *text);
	}
	va_end(ap);
	return sb_text_of(&sb);
}

static enum rc open_target(struct cx *cx, struct target *t)
{
	struct side_file side = reports_side;
	const char *why = "";
	enum rc rc;

	if (t->path[0] == '\0') return reports_db_open(cx, &t->db);
	side.path = t->path;
	rc = store_open_side(&t->store, cx->env, cx->arena, &why, &side);
	if (rc == RC_OK) return db_open(&t->db, t->store);
	cx->error_code = "target_unreachable";
	return cx_fail(cx, rc == RC_CONFLICT ? rc : RC_IO, "%s", why);
}

static void close_target(struct target *t)
{
	db_close(t->db);
	store_close(t->store);
}

static enum rc loaded(struct cx *cx, struct target *t, struct value **out, int64_t report_id,
		      const char *public_id)
{
	struct db *house = cx_swap_db(cx, t->db);
	enum rc rc = db_row(
		cx, out,
		"SELECT loaded_at, rows_inserted, file_id, generation, table_name, loaded_by FROM report_load"
		" WHERE report_id = :id AND alias = :alias AND public_id = :public",
		PARAMS(P_INT(":id", report_id), P_TEXT(":alias", t->alias), P_TEXT(":public", public_id)));

	cx_swap_db(cx, house);
	return rc;
}

/* Tables of files with other headings */

static const char *column_type(enum load_type kind)
{
	if (kind == LOAD_INTEGER || kind == LOAD_BOOL) return "INTEGER";
	return kind == LOAD_REAL ? "REAL" : "TEXT";
}

/* What the table has already decides: a cell is cast to that. */
static enum rc settle_columns(struct cx *cx, struct target *t, struct load_plan *plan)
{
	struct value *there = NULL;
	enum rc rc =
		db_rows(cx, &there, LOAD_COLUMNS_MAX * 2, "SELECT name, type FROM pragma_table_info(:table)",
			PARAMS(P_TEXT(":table", t->table)));

	for (size_t i = 0; rc == RC_OK && i < plan->count; i++) {
		const struct value *c = there->first;

		while (c != NULL && strcmp(value_text_of(value_get(c, "name"), ""), plan->name[i]) != 0)
			c = c->next;
		if (c == NULL) {
			rc = db_run(cx,
				    target_sql(cx, "ALTER TABLE \"@\" ADD COLUMN \"@\" @", t->table,
					       plan->name[i], column_type(plan->kind[i])),
				    NO_PARAMS);
		} else if (strcmp(value_text_of(value_get(c, "type"), ""), column_type(plan->kind[i])) != 0) {
			const char *type = value_text_of(value_get(c, "type"), "TEXT");

			plan->kind[i] = strcmp(type, "INTEGER") == 0 ? LOAD_INTEGER
					: strcmp(type, "REAL") == 0  ? LOAD_REAL
								     : LOAD_TEXT;
		}
	}
	return rc;
}

/* The view people read: the visible loads of this table, whatever columns it has by now. */
static enum rc make_view(struct cx *cx, struct target *t, const char *view)
{
	enum rc rc = db_run(cx, target_sql(cx, "DROP VIEW IF EXISTS \"@\"", view), NO_PARAMS);

	if (rc != RC_OK) return rc;
	return db_run(
		cx,
		target_sql(
			cx,
			"CREATE VIEW \"@\" AS SELECT r.*, g.report_id AS generated_report_id, g.ended_at AS created_at"
			" FROM report_generation g CROSS JOIN \"@\" r ON r.id >= g.id << 40 AND r.id < (g.id + 1) << 40"
			" WHERE g.state = 'live' AND g.alias = '@' AND g.table_name = '@'",
			view, t->table, t->alias, view),
		NO_PARAMS);
}

static enum rc make_table(struct cx *cx, struct target *t, struct load_plan *plan, const char *view)
{
	enum rc rc = db_run(
		cx,
		target_sql(cx, "CREATE TABLE IF NOT EXISTS \"@\" (id INTEGER PRIMARY KEY) STRICT", t->table),
		NO_PARAMS);

	if (rc == RC_OK) rc = settle_columns(cx, t, plan);
	if (rc == RC_OK) rc = make_view(cx, t, view);
	return rc;
}

static const char *insert_of(struct cx *cx, struct target *t, struct load_plan *plan)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 64 * 1024);
	if (plan->is_summary) {
		sb_text(&sb,
			target_sql(
				cx,
				"INSERT INTO @ (id, subject, sender, sendername, email, status, date_at, offset_min, opens, clicks, extra)"
				" VALUES (:id, :a, :b, :c, :d, :e, :f, :g, :h, :i, :j)",
				t->table));
		return sb_text_of(&sb);
	}
	sb_text(&sb, target_sql(cx, "INSERT INTO \"@\" (id", t->table));
	for (size_t i = 0; i < plan->count; i++)
		sb_printf(&sb, ", \"%s\"", plan->name[i]);
	sb_lit(&sb, ") VALUES (:id");
	for (size_t i = 0; i < plan->count; i++) {
		plan->param[i] = arena_printf(cx->arena, ":c%zu", i);
		sb_printf(&sb, ", %s", plan->param[i]);
	}
	sb_lit(&sb, ")");
	return sb_text_of(&sb);
}

/* Staging */

static enum rc begin_in(struct cx *cx, struct target *t, struct load_plan *plan, const char *view)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK && !plan->is_summary) rc = make_table(cx, t, plan, view);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT INTO report_generation (alias, report_id, public_id, type, table_name, start_on, end_on,"
			" file_id, state, began_at) VALUES (:alias, :report, :public, :type, :table, :start, :end, :file,"
			" 'staging', :now)",
			PARAMS(P_TEXT(":alias", t->alias), P_INT(":report", plan->report_id),
			       P_TEXT(":public", plan->public_id), P_TEXT(":type", plan->type),
			       P_TEXT(":table", view), P_TEXT(":start", plan->start_on),
			       P_TEXT(":end", plan->end_on), P_INT(":file", plan->file_id),
			       P_INT(":now", cx_now(cx))));
	if (rc == RC_OK) t->generation = db_last_id(cx);
	return tx_end(cx, rc);
}

static enum rc begin(struct cx *cx, struct target *t, struct load_plan *plan)
{
	struct db *house = cx_swap_db(cx, t->db);
	const char *view = arena_printf(cx->arena, "%sreports_%s", t->prefix,
					plan->is_summary ? "deliveries" : plan->type);
	enum rc rc;

	/* A file of its own for other headings of the same type: "deliveries" names the summary's. */
	if (!plan->is_summary && strcmp(plan->type, "deliveries") == 0)
		view = arena_printf(cx->arena, "%sreports_deliveries_other", t->prefix);
	t->plan = plan;
	t->table = arena_printf(cx->arena, "%s_rows", view);
	t->line = t->bytes = t->rows = t->bad_dates = 0;
	rc = begin_in(cx, t, plan, view);
	t->insert = insert_of(cx, t, plan);
	db_staging(t->db, true);
	cx_swap_db(cx, house);
	return rc;
}

static enum rc end_slice(struct cx *cx, struct target *t, enum rc rc)
{
	if (!tx_is_open(cx)) return rc;
	rc = tx_end(cx, rc);
	if (rc == RC_OK && t->bytes >= LOG_BYTES) {
		db_copy_log(cx);
		t->bytes = 0;
	}
	return rc;
}

static enum rc put_summary(struct cx *cx, struct target *t, int64_t id, const struct load_row *r)
{
	struct param p[] = {
		P_INT(":id", id),
		P_SPAN(":a", r->subject.p, r->subject.len),
		P_SPAN(":b", r->sender.p, r->sender.len),
		P_SPAN(":c", r->sendername.p, r->sendername.len),
		P_SPAN(":d", r->email.p, r->email.len),
		P_SPAN(":e", r->status.p, r->status.len),
		P_INT(":f", r->date_at),
		P_INT(":g", r->offset_min),
		P_INT(":h", r->opens),
		P_INT(":i", r->clicks),
		P_SPAN(":j", r->extra.p, r->extra.len),
		{ .name = NULL, .type = PARAM_END },
	};

	if (!r->has_date) p[6].type = p[7].type = PARAM_NULL;
	if (!r->has_opens) p[8].type = PARAM_NULL;
	if (!r->has_clicks) p[9].type = PARAM_NULL;
	t->bytes += (int64_t)(r->subject.len + r->sender.len + r->sendername.len + r->email.len +
			      r->status.len + r->extra.len) +
		    32;
	return db_run(cx, t->insert, p);
}

static enum rc put_other(struct cx *cx, struct target *t, int64_t id, const struct load_row *r)
{
	size_t count = t->plan->count;
	struct param p[LOAD_COLUMNS_MAX + 2];

	p[0] = (struct param)P_INT(":id", id);
	for (size_t i = 0; i < count; i++) {
		const struct load_cell *c = &r->cells[i];
		const char *name = t->plan->param[i];

		p[i + 1] = (struct param)P_NULL(name);
		if (c->is == CELL_TEXT) p[i + 1] = (struct param)P_SPAN(name, c->text.p, c->text.len);
		if (c->is == CELL_INT) p[i + 1] = (struct param)P_INT(name, c->integer);
		t->bytes += (int64_t)c->text.len + 8;
	}
	p[count + 1] = (struct param){ .name = NULL, .type = PARAM_END };
	return db_run(cx, t->insert, p);
}

static enum rc put_row(struct cx *cx, struct target *t, const struct load_row *r)
{
	struct db *house = cx_swap_db(cx, t->db);
	int64_t id = ID_OF(t->generation, r->day, t->line + 1);
	enum rc rc = RC_OK;

	if (t->line >= LINES_MAX)
		rc = cx_fail(cx, RC_TOO_LARGE, "%s", _("The report has more lines than can be loaded."));
	if (rc == RC_OK && !tx_is_open(cx)) {
		rc = tx_begin(cx);
		t->slice_at = clock_ticks();
	}
	if (rc == RC_OK) rc = t->plan->is_summary ? put_summary(cx, t, id, r) : put_other(cx, t, id, r);
	if (rc == RC_OK) {
		t->line++;
		t->rows++;
		if (t->plan->is_summary && !r->has_date) t->bad_dates++;
	}
	if (rc != RC_OK || (t->line % SLICE_ROWS == 0 && clock_ticks() - t->slice_at >= SLICE_MS))
		rc = end_slice(cx, t, rc);
	cx_swap_db(cx, house);
	return rc;
}

/* The flip */

static enum rc point_days(struct cx *cx, struct target *t)
{
	day first = 0, last = 0;
	char on[DATE_SIZE];
	enum rc rc = day_parse(&first, t->plan->start_on);

	if (rc == RC_OK) rc = day_parse(&last, t->plan->end_on);
	for (day d = first; rc == RC_OK && d <= last; d++) {
		day_text(on, d);
		rc = db_run(
			cx,
			target_sql(
				cx,
				"INSERT INTO @report_day (report_on, first_id, generation) VALUES (:on, :id, :generation)"
				" ON CONFLICT (report_on) DO UPDATE SET first_id = :id, generation = :generation",
				t->prefix),
			PARAMS(P_TEXT(":on", on), P_INT(":id", ID_OF(t->generation, d - first, 0)),
			       P_INT(":generation", t->generation)));
	}
	return rc;
}

/* Who is not pointed at any more: a summary no day of which is its own, another table's load of these
** days. */
static enum rc drop_older(struct cx *cx, struct target *t)
{
	if (t->plan->is_summary)
		return db_run(
			cx,
			target_sql(
				cx,
				"UPDATE report_generation SET state = 'dropped' WHERE state = 'live' AND alias = :alias"
				" AND table_name = '@reports_deliveries'"
				" AND NOT EXISTS (SELECT 1 FROM @report_day d WHERE d.generation = report_generation.id)",
				t->prefix, t->prefix),
			PARAMS(P_TEXT(":alias", t->alias)));
	return db_run(
		cx,
		"UPDATE report_generation SET state = 'dropped' WHERE state = 'live' AND alias = :alias AND id <> :id"
		" AND table_name = (SELECT table_name FROM report_generation WHERE id = :id)"
		" AND start_on = :start AND end_on = :end",
		PARAMS(P_TEXT(":alias", t->alias), P_INT(":id", t->generation),
		       P_TEXT(":start", t->plan->start_on), P_TEXT(":end", t->plan->end_on)));
}

static enum rc mark_loads(struct cx *cx, struct target *t, const struct load_mark *marks, size_t count)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		struct param p[] = { P_INT(":report", marks[i].report_id),
				     P_TEXT(":alias", t->alias),
				     P_TEXT(":public", marks[i].public_id),
				     P_TEXT(":type", marks[i].type),
				     P_TEXT(":start", t->plan->start_on),
				     P_TEXT(":end", t->plan->end_on),
				     P_INT(":file", t->plan->file_id),
				     P_INT(":generation", t->generation),
				     P_INT(":now", cx_now(cx)),
				     P_INT(":rows", marks[i].rows),
				     P_TEXT(":by", cx->actor.name != NULL ? cx->actor.name : ""),
				     { .name = NULL, .type = PARAM_END } };

		if (marks[i].rows < 0) p[9].type = PARAM_NULL;
		rc = db_run(
			cx,
			"INSERT OR REPLACE INTO report_load (report_id, alias, public_id, type, start_on, end_on, file_id,"
			" generation, loaded_at, rows_inserted, loaded_by, table_name)"
			" VALUES (:report, :alias, :public, :type, :start, :end, :file, :generation, :now, :rows, :by,"
			" (SELECT table_name FROM report_generation WHERE id = :generation))",
			p);
	}
	return rc;
}

static enum rc flip(struct cx *cx, struct target *t, const struct load_mark *marks, size_t count)
{
	struct db *house = cx_swap_db(cx, t->db);
	enum rc rc = end_slice(cx, t, RC_OK);

	db_staging(t->db, false); /* this commit reaches the disk, and all before it */
	if (rc == RC_OK) {
		rc = tx_begin(cx);
		if (rc == RC_OK)
			rc = db_run(
				cx,
				"UPDATE report_generation SET state = 'live', rows = :rows, bad_dates = :bad, ended_at = :now"
				" WHERE id = :id AND state = 'staging'",
				PARAMS(P_INT(":rows", t->rows), P_INT(":bad", t->bad_dates),
				       P_INT(":now", cx_now(cx)), P_INT(":id", t->generation)));
		if (rc == RC_OK && db_changes(cx) != 1) rc = RC_BUG;
		if (rc == RC_OK && t->plan->is_summary) rc = point_days(cx, t);
		if (rc == RC_OK) rc = drop_older(cx, t);
		if (rc == RC_OK) rc = mark_loads(cx, t, marks, count);
		rc = tx_end(cx, rc);
	}
	db_copy_log(cx);
	cx_swap_db(cx, house);
	return rc;
}

const struct target_engine target_sqlite = { .name = "sqlite",
					     .open = open_target,
					     .close = close_target,
					     .loaded = loaded,
					     .begin = begin,
					     .row = put_row,
					     .flip = flip,
					     .sweep = target_sweep,
					     .forget = target_forget,
					     .expire = target_expire,
					     .forget_person = target_forget_person };
