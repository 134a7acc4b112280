/*
** forecast.c -- a connection on which what is planned to be written can be written, and nothing is.
**
** The live file is opened read-only; the tables that planners write have stand-ins in the connection's own
** TEMP schema. SQLite looks a name up in TEMP first, so the planners' literal SQL, reads and writes alike,
** meets the stand-ins without a word of it changed; every other table is read where it is.
**
** Owns:   nothing that outlives the connection: SQLite's temporary files (DIR/tmp) go with it.
** Needs:  a store that is open; the caller says which rows of a table can still matter and fills them in.
** Never:  takes the write lane, waits for a writer or lets one wait; wakes a thread; leaves a byte in the
**         database.
** Holds:  (1) a stand-in has the columns, defaults, CHECKs and UNIQUE rules of the real table, because it is
**             made from the text that the schema keeps of it; other indexes only if they are named. Only that
**             public ids differ is not checked again: they are 130 random bits, and half the time went there;
**         (2) a write to a table without a stand-in is RC_BUG with the table's name in the log, when the
**             statement is prepared, so it fails on an empty house too; the read-only file is a second wall;
**         (3) the whole forecast is one transaction, so it sees one moment of the house, and it ends by
**             db_forecast_limit at the latest: a reader that stays keeps the log from starting over;
**         (4) foreign keys are not followed: what they lead to may be a row that was left out.
*/
#include "db/inner.h"

#include <string.h>

#define CREATE_TABLE  "CREATE TABLE "
#define CREATE_UNIQUE "CREATE UNIQUE INDEX "
#define CREATE_INDEX  "CREATE INDEX "
#define INDEXES_MAX   40 /* of one table: message has 23                            */

static int on_prepare(void *arg, int code, const char *table, const char *column, const char *schema,
		      const char *trigger)
{
	(void)arg;
	(void)column;
	(void)trigger;
	if (code != SQLITE_INSERT && code != SQLITE_UPDATE && code != SQLITE_DELETE) return SQLITE_OK;
	if (schema && strcmp(schema, "temp") == 0) return SQLITE_OK;
	log_event(LOG_ERROR, "app", "db.bug", "what=\"a forecast writes a table without stand-in\" table=%s",
		  table ? table : "-");
	return SQLITE_DENY;
}

enum rc db_open_forecast(struct db **out, struct store *s)
{
	struct db *db = NULL;
	enum rc rc = connect_open(&db, s, s->path, CONNECT_FORECAST);

	if (rc != RC_OK) return rc;
	sqlite3_set_authorizer(db->handle, on_prepare, NULL);
	*out = db;
	return RC_OK;
}

void db_forecast_limit(struct db *db, int64_t ms)
{
	db->until = ms > 0 ? clock_ticks() + ms : 0;
}

/* Stand-ins */

static bool is_named(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (strcmp(*names, name) == 0) return true;
	return false;
}

/* The schema's own text with the name moved into TEMP. */
static enum rc make_in_temp(struct cx *cx, const char *verb, const char *sql)
{
	size_t len = strlen(verb);

	if (strncmp(sql, verb, len) != 0) return RC_BUG;
	return connect_exec(cx->db, arena_printf(cx->arena, "%stemp.%s", verb, sql + len));
}

/* "public_id TEXT NOT NULL UNIQUE," without its last word. */
static const char *without_public_unique(struct cx *cx, const char *sql)
{
	char *text = arena_text(cx->arena, sql), *at = strstr(text, "public_id "), *unique;
	char *end = at ? strpbrk(at, ",)") : NULL;

	unique = at ? strstr(at, " UNIQUE") : NULL;
	if (unique && end && unique < end) memset(unique, ' ', strlen(" UNIQUE"));
	return text;
}

static enum rc make_table(struct cx *cx, const char *table)
{
	const char *sql = "";
	enum rc rc = db_get_text(cx, &sql,
				 "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = :name",
				 PARAMS(P_TEXT(":name", table)));

	return rc == RC_OK ? make_in_temp(cx, CREATE_TABLE, without_public_unique(cx, sql)) : rc;
}

static enum rc find_made(struct cx *cx, int64_t *is_made, const char *table)
{
	return db_get_int(cx, is_made,
			  "SELECT count(*) FROM temp.sqlite_schema WHERE type = 'table' AND name = :name",
			  PARAMS(P_TEXT(":name", table)));
}

/* After the rows: filling an index at once is quicker than row by row. */
static enum rc make_indexes(struct cx *cx, const struct stand_in *s)
{
	const char *sql[INDEXES_MAX];
	struct query *q = NULL;
	size_t count = 0, named = 0, wanted = 0;
	enum rc rc =
		db_query(cx, &q,
			 "SELECT name, sql FROM main.sqlite_schema WHERE type = 'index' AND tbl_name = :name"
			 " AND sql IS NOT NULL ORDER BY name",
			 PARAMS(P_TEXT(":name", s->table)));

	while (rc == RC_OK && query_next(q)) {
		const char *text = query_text(q, 1);
		bool is_wanted = is_named(s->indexes, query_text(q, 0));

		named += is_wanted;
		if (!is_wanted && strncmp(text, CREATE_UNIQUE, strlen(CREATE_UNIQUE)) != 0) continue;
		if (count == INDEXES_MAX) rc = RC_BUG;
		if (rc == RC_OK) sql[count++] = query_copy(cx, q, 1);
	}
	rc = query_end(q, rc);
	while (s->indexes && s->indexes[wanted])
		wanted++;
	if (rc == RC_OK && named != wanted) rc = RC_BUG;
	for (size_t i = 0; i < count && rc == RC_OK; i++)
		rc = make_in_temp(cx,
				  strncmp(sql[i], CREATE_UNIQUE, strlen(CREATE_UNIQUE)) == 0 ? CREATE_UNIQUE
											     : CREATE_INDEX,
				  sql[i]);
	return rc;
}

enum rc db_stand_in(struct cx *cx, const struct stand_in *s, const struct param *params)
{
	int64_t is_made = 0;
	enum rc rc;

	if (!cx->db || !cx->db->is_forecast || cx->db->tx != TX_WRITE) return RC_BUG;
	rc = find_made(cx, &is_made, s->table);
	if (rc == RC_OK && is_made)
		rc = connect_exec(cx->db, arena_join(cx->arena, "DELETE FROM temp.", s->table, NULL));
	else if (rc == RC_OK)
		rc = make_table(cx, s->table);
	if (rc == RC_OK && s->fill) rc = db_run(cx, s->fill, params);
	if (rc == RC_OK && !is_made) rc = make_indexes(cx, s);
	if (rc == RC_NOT_FOUND || rc == RC_BUG) {
		log_event(LOG_ERROR, "app", "db.bug", "what=\"no stand-in can be made\" table=%s", s->table);
		rc = RC_BUG;
	}
	return rc;
}
