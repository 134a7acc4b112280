/*
** import_undo.c -- takes the hidden rows of an import away, and what hooks hung on them.
**
** Never:  touches a row that anybody could have seen: the generation is still hidden.
** Holds:  (1) what refers to a row goes before it, found by the foreign keys of the schema; (2) a slice is a
**         transaction of some milliseconds; stopped anywhere, the next run goes on.
*/
#include "desk/import_run.h"

#include "desk/inner.h"

#define ROWS_A_LOOK 200 /* ids read at once: the LIMIT of the questions below */
#define DEPTH_MAX   8   /* of references: customer, subscription, payment, period */
#define KEYS_MAX    16  /* tables that refer to one */

/* Ids that one question gives, at most ROWS_A_LOOK. */
static enum rc ids_of(struct cx *cx, const char *sql, const struct param *params, int64_t *ids, size_t *count)
{
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q, sql, params);

	*count = 0;
	while (rc == RC_OK && *count < ROWS_A_LOOK && query_next(q))
		ids[(*count)++] = query_int(q, 0);
	return query_end(q, rc);
}

static enum rc forget_row(struct cx *cx, const char *table, int64_t id, int depth);

static enum rc forget_children(struct cx *cx, const char *table, const char *column, int64_t id, int depth)
{
	const char *sql =
		run_sql(cx, run_sql(cx, "SELECT rowid FROM ", table, " WHERE "), column, " = :id LIMIT 200");
	int64_t *ids = arena_array(cx->arena, ROWS_A_LOOK, sizeof(*ids));
	size_t count = ROWS_A_LOOK;
	enum rc rc = ids != NULL ? RC_OK : RC_NO_MEMORY;

	while (rc == RC_OK && count == ROWS_A_LOOK) {
		rc = ids_of(cx, sql, PARAMS(P_INT(":id", id)), ids, &count);
		for (size_t i = 0; i < count && rc == RC_OK; i++)
			rc = forget_row(cx, table, ids[i], depth + 1);
	}
	return rc;
}

static enum rc forget_row(struct cx *cx, const char *table, int64_t id, int depth)
{
	struct value *keys = NULL;
	enum rc rc;

	if (depth > DEPTH_MAX) return RC_BUG;
	rc = db_rows(
		cx, &keys, KEYS_MAX,
		"SELECT m.name AS child, f.\"from\" AS part FROM sqlite_schema m, pragma_foreign_key_list(m.name) f"
		" WHERE m.type = 'table' AND f.\"table\" = :table",
		PARAMS(P_TEXT(":table", table)));
	for (const struct value *k = rc == RC_OK ? keys->first : NULL; k != NULL && rc == RC_OK; k = k->next)
		rc = forget_children(cx, value_text_of(value_get(k, "child"), ""),
				     value_text_of(value_get(k, "part"), ""), id, depth);
	if (rc == RC_OK)
		rc = db_run(cx, run_sql(cx, "DELETE FROM ", table, " WHERE rowid = :id"),
			    PARAMS(P_INT(":id", id)));
	return rc;
}

/* Rows of one table for some milliseconds. */
static enum rc undo_slice(struct import_run *r, const char *table, int64_t generation, bool *is_end)
{
	struct cx *cx = r->cx;
	const char *sql = run_sql(cx, "SELECT id FROM ", table, " WHERE generation = :generation LIMIT 200");
	int64_t *ids = arena_array(cx->arena, ROWS_A_LOOK, sizeof(*ids)),
		until = clock_ticks() + IMPORT_WRITE_MS;
	size_t count = 0;
	enum rc rc = ids != NULL ? tx_begin(cx) : RC_NO_MEMORY;

	if (rc != RC_OK) return rc;
	rc = ids_of(cx, sql, PARAMS(P_INT(":generation", generation)), ids, &count);
	*is_end = count == 0;
	for (size_t i = 0; i < count && rc == RC_OK && clock_ticks() < until; i++)
		rc = forget_row(cx, table, ids[i], 0);
	return tx_end(cx, rc);
}

static enum rc undo_table(struct import_run *r, const char *table, int64_t generation)
{
	bool is_end = false;
	enum rc rc = RC_OK;

	while (rc == RC_OK && !is_end) {
		run_slice_begin(r);
		rc = undo_slice(r, table, generation, &is_end);
		run_slice_end(r);
		if (rc == RC_OK && job_should_stop(r->job)) rc = RC_TRY_LATER;
	}
	return rc;
}

enum rc import_undo(struct import_run *r, int64_t generation)
{
	const char *const *tables = run_tables(r);
	size_t n = 0;
	enum rc rc = RC_OK;

	while (tables != NULL && tables[n] != NULL)
		n++;
	while (n-- > 0 && rc == RC_OK) /* children first */
		rc = undo_table(r, tables[n], generation);
	return rc;
}
