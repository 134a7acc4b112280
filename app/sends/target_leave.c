/*
** target_leave.c -- rows leave a SQLite file of reports: replaced ones, those of a day, those whose days are
** over, and what they say about a person who asks to be forgotten.
**
** Owns:   the same rows as target_sqlite.c.
** Never:  keeps a transaction open for more than a slice; removes a person's row: how many there were stays.
** Holds:  (1) a load is taken out of sight in one transaction, with its marks, and its rows go afterwards in
**         slices: a cut leaves nothing half visible; (2) a load's number is not given again while rows of it
**         may be there: the newest keeps its line.
*/
#include "sends/target_inner.h"

#include <string.h>

#define SWEEP_ROWS  4000 /* deleted a transaction: some ten milliseconds           */
#define LOADS_ONCE  100  /* taken out of sight in one transaction                  */
#define PERSON_ROWS 500  /* of one person changed in one transaction               */
#define TABLES_MAX  100  /* a file has two of ours and one a kind of other heading */

static enum rc sweep_one(struct cx *cx, int64_t id, const char *table)
{
	int64_t gone = SWEEP_ROWS;
	enum rc rc = RC_OK;

	while (rc == RC_OK && gone > 0 && !cx->env->is_stopping) {
		rc = tx_begin(cx);
		if (rc == RC_OK)
			rc = db_run(
				cx,
				target_sql(
					cx,
					"DELETE FROM \"@_rows\" WHERE id IN (SELECT id FROM \"@_rows\""
					" WHERE id >= :id << 40 AND id < (:id + 1) << 40 ORDER BY id LIMIT :max)",
					table, table),
				PARAMS(P_INT(":id", id), P_INT(":max", SWEEP_ROWS)));
		if (rc == RC_OK) gone = db_changes(cx);
		if (rc == RC_OK && gone == 0)
			rc = db_run(cx, "UPDATE report_generation SET state = 'gone' WHERE id = :id",
				    PARAMS(P_INT(":id", id)));
		rc = tx_end(cx, rc);
	}
	return rc;
}

enum rc target_sweep(struct cx *cx, struct target *t)
{
	struct db *house = cx_swap_db(cx, t->db);
	struct value *list = NULL;
	enum rc rc = RC_OK;

	if (tx_is_open(cx)) { /* a load that ended badly; its failure is told already */
		rc = tx_end(cx, RC_TRY_LATER);
		rc = RC_OK;
	}
	db_staging(t->db, true);
	rc = db_rows(
		cx, &list, 100,
		"SELECT id, table_name FROM report_generation WHERE state IN ('staging', 'dropped') AND alias = :alias",
		PARAMS(P_TEXT(":alias", t->alias)));
	for (const struct value *g = rc == RC_OK ? list->first : NULL; g != NULL && rc == RC_OK;
	     g = g->next) {
		rc = sweep_one(cx, value_int_of(value_get(g, "id"), 0),
			       value_text_of(value_get(g, "table_name"), ""));
		db_copy_log(cx);
	}
	db_staging(t->db, false);
	cx_swap_db(cx, house);
	return rc;
}

static enum rc forget_in(struct cx *cx, struct target *t, const char *on, int64_t *rows)
{
	const struct param all[] = { P_TEXT(":day", on),
				     P_TEXT(":alias", t->alias),
				     { .name = NULL, .type = PARAM_END } };
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_get_int(
			cx, rows,
			"SELECT coalesce(sum(rows), 0) FROM report_generation WHERE state = 'live' AND alias = :alias"
			" AND (:day = '' OR (start_on <= :day AND end_on >= :day))",
			all);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			target_sql(
				cx,
				"DELETE FROM @report_day WHERE generation IN (SELECT id FROM report_generation"
				" WHERE state = 'live' AND alias = :alias AND (:day = '' OR (start_on <= :day AND end_on >= :day)))",
				t->prefix),
			all);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"DELETE FROM report_load WHERE alias = :alias AND (:day = '' OR (start_on <= :day AND end_on >= :day))",
			all);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE report_generation SET state = 'dropped' WHERE state = 'live' AND alias = :alias"
			" AND (:day = '' OR (start_on <= :day AND end_on >= :day))",
			all);
	return tx_end(cx, rc);
}

enum rc target_forget(struct cx *cx, struct target *t, const char *on, int64_t *rows)
{
	struct db *house = cx_swap_db(cx, t->db);
	enum rc rc = forget_in(cx, t, on, rows);

	cx_swap_db(cx, house);
	return rc == RC_OK ? target_sweep(cx, t) : rc;
}

/* Days that are over */

static enum rc expire_once(struct cx *cx, struct target *t, instant before, int64_t *loads, int64_t *rows)
{
	const struct param due[] = { P_TEXT(":alias", t->alias),
				     P_INT(":before", before),
				     P_INT(":max", LOADS_ONCE),
				     { .name = NULL, .type = PARAM_END } };
	struct value *list = NULL;
	enum rc rc = tx_begin(cx);

	*loads = 0;
	if (rc == RC_OK)
		rc = db_rows(cx, &list, LOADS_ONCE,
			     "SELECT id, rows FROM report_generation WHERE state = 'live' AND alias = :alias"
			     " AND ended_at < :before ORDER BY id LIMIT :max",
			     due);
	for (const struct value *g = rc == RC_OK ? list->first : NULL; g != NULL && rc == RC_OK;
	     g = g->next) {
		const struct param one[] = { P_INT(":id", value_int_of(value_get(g, "id"), 0)),
					     { .name = NULL, .type = PARAM_END } };

		rc = db_run(cx, target_sql(cx, "DELETE FROM @report_day WHERE generation = :id", t->prefix),
			    one);
		if (rc == RC_OK)
			rc = db_run(cx, "UPDATE report_generation SET state = 'dropped' WHERE id = :id", one);
		*rows += value_int_of(value_get(g, "rows"), 0);
		++*loads;
	}
	if (rc == RC_OK)
		rc = db_run(cx, "DELETE FROM report_load WHERE alias = :alias AND loaded_at < :before",
			    PARAMS(P_TEXT(":alias", t->alias), P_INT(":before", before)));
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"DELETE FROM report_generation WHERE state = 'gone' AND alias = :alias AND began_at < :before"
			" AND id < (SELECT max(id) FROM report_generation)",
			PARAMS(P_TEXT(":alias", t->alias), P_INT(":before", before)));
	return tx_end(cx, rc);
}

enum rc target_expire(struct cx *cx, struct target *t, instant before, int64_t *rows)
{
	int64_t loads = LOADS_ONCE;
	enum rc rc = RC_OK;

	*rows = 0;
	while (rc == RC_OK && loads == LOADS_ONCE && !cx->env->is_stopping) {
		struct db *house = cx_swap_db(cx, t->db);

		rc = expire_once(cx, t, before, &loads, rows);
		cx_swap_db(cx, house);
		if (rc == RC_OK) rc = target_sweep(cx, t);
	}
	return rc;
}

/* A person */

/* Of a table with rows: how they are found and what is written over them. What the sender wrote of himself
** and how it went stays; whatever else is text may say who it is, the subject too. */
struct forgetting {
	const char *find, *write;
};

static enum rc plan_forgetting(struct cx *cx, struct forgetting *out, const char *table)
{
	struct value *columns = NULL;
	struct sb where, set;
	enum rc rc = db_rows(cx, &columns, LOAD_COLUMNS_MAX * 2,
			     "SELECT name FROM pragma_table_info(:table) WHERE type = 'TEXT' AND name NOT IN"
			     " ('status', 'sender', 'sendername')",
			     PARAMS(P_TEXT(":table", table)));

	sb_init_arena(&where, cx->arena, 128 * 1024);
	sb_init_arena(&set, cx->arena, 256 * 1024);
	*out = (struct forgetting){ .find = NULL };
	for (const struct value *c = rc == RC_OK ? columns->first : NULL; c != NULL; c = c->next) {
		const char *name = value_text_of(value_get(c, "name"), "");

		sb_text(&where, target_sql(cx, "@\"@\" = :address COLLATE NOCASE",
					   c == columns->first ? "" : " OR ", name));
		sb_text(&set,
			target_sql(cx, "@\"@\" = CASE WHEN \"@\" = :address COLLATE NOCASE THEN '***' END",
				   c == columns->first ? "" : ", ", name, name));
	}
	if (rc == RC_OK && columns->first == NULL) return RC_OK;
	if (rc == RC_OK) rc = sb_result(&where);
	if (rc == RC_OK) rc = sb_result(&set);
	if (rc != RC_OK) return rc;
	out->find = target_sql(cx, "SELECT id FROM \"@\" WHERE id > :last AND (@) ORDER BY id LIMIT :max",
			       table, sb_text_of(&where));
	out->write = target_sql(cx, "UPDATE \"@\" SET @ WHERE id = :id", table, sb_text_of(&set));
	return RC_OK;
}

static enum rc forget_in_table(struct cx *cx, const char *table, const char *address, int64_t *rows)
{
	struct forgetting f;
	struct value *ids = NULL;
	int64_t last = 0;
	enum rc rc = plan_forgetting(cx, &f, table);

	while (rc == RC_OK && f.find != NULL) {
		rc = db_rows(cx, &ids, PERSON_ROWS, f.find,
			     PARAMS(P_INT(":last", last), P_TEXT(":address", address),
				    P_INT(":max", PERSON_ROWS)));
		if (rc != RC_OK || ids->first == NULL) break;
		rc = tx_begin(cx);
		for (const struct value *r = ids->first; r != NULL && rc == RC_OK; r = r->next) {
			last = value_int_of(value_get(r, "id"), 0);
			rc = db_run(cx, f.write, PARAMS(P_INT(":id", last), P_TEXT(":address", address)));
		}
		rc = tx_end(cx, rc);
		if (rc == RC_OK) *rows += (int64_t)ids->count;
	}
	return rc;
}

/* Tables by their names, whatever the alias: those of a setting of before are in the same file. */
enum rc target_forget_person(struct cx *cx, struct target *t, const char *address, int64_t *rows)
{
	struct db *house = cx_swap_db(cx, t->db);
	struct value *tables = NULL;
	enum rc rc = db_rows(
		cx, &tables, TABLES_MAX,
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%reports\\_%\\_rows' ESCAPE '\\'",
		NO_PARAMS);

	for (const struct value *v = rc == RC_OK ? tables->first : NULL; v != NULL && rc == RC_OK;
	     v = v->next)
		rc = forget_in_table(cx, value_text_of(value_get(v, "name"), ""), address, rows);
	/* What lay in the log is in the file now, and the log begins anew. */
	if (rc == RC_OK) db_copy_log(cx);
	cx_swap_db(cx, house);
	return rc;
}
