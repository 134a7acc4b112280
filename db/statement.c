/*
** statement.c -- literal SQL with named parameters in, rows out; statements are cached per
** connection.
**
** Owns:   the statement cache and the cursors of a struct db.
** Never:  opens or ends a transaction; builds SQL.
** Holds:  (1) a statement that writes runs only inside tx_begin … tx_end;
**         (2) every parameter of the SQL is bound and every one handed in exists there;
**         (3) a statement is used by one cursor at a time: the same SQL asked again meanwhile gets a
**             second instance;
**         (4) after its use a statement holds no lock and no bound value.
*/
#include "db/inner.h"

#include <string.h>

static enum rc bug(const char *what, const char *sql)
{
	char text[LOG_QUOTE_SIZE];

	log_event(LOG_ERROR, "app", "db.bug", "what=\"%s\" sql=%s", what, log_quote(text, sql));
	return RC_BUG;
}

/* FNV-1a's steps, eight bytes at a time: a statement has hundreds of letters and is looked up at each use. Two
** texts with the same hash are told apart by strcmp. */
static uint64_t hash_of(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037), word = 0;
	size_t len = strlen(text), i = 0;

	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, text + i, sizeof(word));
		h = (h ^ word) * UINT64_C(1099511628211);
		h ^= h >> 29; /* the product only moves bits up */
	}
	for (; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
	return h;
}

/* The cache */

/* The place for a new statement: a free one, else the one unused for longest; NULL when all are busy. */
static struct statement *place_for(struct db *db)
{
	struct statement *best = NULL;

	for (size_t i = 0; i < DB_STATEMENTS_MAX; i++) {
		struct statement *st = &db->cache[i];

		if (!st->stmt) return st;
		if (!st->is_busy && (!best || st->last_used < best->last_used)) best = st;
	}
	return best;
}

static enum rc statement_take(struct cx *cx, struct statement **out, struct statement *spare, const char *sql)
{
	struct db *db = cx->db;
	uint64_t hash = hash_of(sql);
	struct statement *st = NULL;
	sqlite3_stmt *stmt = NULL;
	const char *tail = NULL;
	int code;

	for (size_t i = 0; i < DB_STATEMENTS_MAX; i++) {
		st = &db->cache[i];
		if (st->stmt && st->hash == hash && !st->is_busy &&
		    (st->text == sql || strcmp(sqlite3_sql(st->stmt), sql) == 0))
			goto found;
	}
	code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, &tail);
	if (code != SQLITE_OK) return connect_fail(cx, db, code, sql);
	if (!stmt || *tail != '\0') {
		sqlite3_finalize(stmt);
		return bug("not exactly one statement", sql);
	}
	st = place_for(db);
	if (st) {
		sqlite3_finalize(st->stmt);
		st->is_cached = true;
	} else {
		st = spare;
		st->is_cached = false;
	}
	st->stmt = stmt;
	st->hash = hash;
	st->text = sql;
found:
	st->is_busy = true;
	st->last_used = ++db->uses;
	*out = st;
	return RC_OK;
}

static void statement_leave(struct statement *st)
{
	sqlite3_reset(st->stmt);
	sqlite3_clear_bindings(st->stmt);
	st->is_busy = false;
	if (!st->is_cached) {
		sqlite3_finalize(st->stmt);
		st->stmt = NULL;
	}
}

void statements_free(struct db *db)
{
	statements_reset(db);
	for (size_t i = 0; i < DB_STATEMENTS_MAX; i++) {
		sqlite3_finalize(db->cache[i].stmt);
		db->cache[i].stmt = NULL;
	}
}

/* Parameters */

static int bind_one(sqlite3_stmt *stmt, int i, const struct param *p, sqlite3_destructor_type keep)
{
	switch (p->type) {
	case PARAM_INT: return sqlite3_bind_int64(stmt, i, p->integer);
	case PARAM_TEXT:
		if (!p->text) return sqlite3_bind_null(stmt, i);
		return sqlite3_bind_text64(stmt, i, p->text, strlen(p->text), keep, SQLITE_UTF8);
	case PARAM_SPAN:
		if (!p->text) return sqlite3_bind_null(stmt, i);
		return sqlite3_bind_text64(stmt, i, p->text, p->len, keep, SQLITE_UTF8);
	case PARAM_BLOB: return sqlite3_bind_blob64(stmt, i, p->text, p->len, keep);
	case PARAM_END:
	case PARAM_NULL: break;
	}
	return sqlite3_bind_null(stmt, i);
}

static enum rc bind_all(struct cx *cx, struct statement *st, const char *sql, const struct param *params,
			sqlite3_destructor_type keep)
{
	int want = sqlite3_bind_parameter_count(st->stmt), have = 0;
	bool is_bound[DB_PARAMS_MAX + 1] = { false };

	if (want > DB_PARAMS_MAX) return bug("too many parameters", sql);
	for (const struct param *p = params; p && p->name; p++) {
		const char *next =
			sqlite3_bind_parameter_name(st->stmt, have + 1); /* mostly given in order */
		int i = next && strcmp(next, p->name) == 0 ? have + 1
							   : sqlite3_bind_parameter_index(st->stmt, p->name);
		int code;

		if (i == 0) return bug("a parameter that the statement does not have", sql);
		if (is_bound[i]) return bug("a parameter given twice", sql);
		is_bound[i] = true;
		have++;
		code = bind_one(st->stmt, i, p, keep);
		if (code != SQLITE_OK) return connect_fail(cx, cx->db, code, sql);
	}
	return have == want ? RC_OK : bug("a parameter left out", sql);
}

/* Cursors */

static struct query *cursor_take(struct db *db)
{
	for (size_t i = 0; i < DB_CURSORS_MAX; i++)
		if (!db->cursors[i].st) return &db->cursors[i];
	return NULL;
}

static enum rc open_query(struct cx *cx, struct query **out, const char *sql, const struct param *params,
			  sqlite3_destructor_type keep)
{
	struct db *db = cx->db;
	struct query *q;
	enum rc rc;

	if (!db) return bug("no connection", sql);
	q = cursor_take(db);
	if (!q) return bug("too many cursors open", sql);
	q->db = db;
	q->cx = cx;
	q->rc = RC_OK;
	q->is_done = false;
	rc = statement_take(cx, &q->st, &q->own, sql);
	if (rc != RC_OK) {
		q->st = NULL;
		return rc;
	}
	if (!sqlite3_stmt_readonly(q->st->stmt) && (db->tx != TX_WRITE || sqlite3_get_autocommit(db->handle)))
		rc = bug("a write outside a write transaction", sql);
	if (rc == RC_OK) rc = bind_all(cx, q->st, sql, params, keep);
	if (rc != RC_OK) {
		statement_leave(q->st);
		q->st = NULL;
		return rc;
	}
	if (db->cursors_open++ == 0)
		db->deadline = db->limit_ms > 0 ? clock_ticks() + db->limit_ms : db->until;
	*out = q;
	return RC_OK;
}

enum rc db_query(struct cx *cx, struct query **out, const char *sql, const struct param *params)
{
	*out = NULL;
	/* The caller's text may be gone before the last row is read, so it is copied. */
	return open_query(cx, out, sql, params, SQLITE_TRANSIENT);
}

bool query_next(struct query *q)
{
	int code;

	if (!q || q->is_done) return false;
	code = sqlite3_step(q->st->stmt);
	if (code == SQLITE_ROW) return true;
	q->is_done = true;
	if (code != SQLITE_DONE) q->rc = connect_fail(q->cx, q->db, code, sqlite3_sql(q->st->stmt));
	return false;
}

static void close_query(struct query *q)
{
	statement_leave(q->st);
	q->st = NULL;
	q->db->cursors_open--;
}

enum rc query_end(struct query *q, enum rc rc)
{
	if (!q) return rc;
	if (rc == RC_OK) rc = q->rc;
	close_query(q);
	return rc;
}

void statements_reset(struct db *db)
{
	for (size_t i = 0; i < DB_CURSORS_MAX; i++)
		if (db->cursors[i].st) {
			(void)bug("a cursor left open", sqlite3_sql(db->cursors[i].st->stmt));
			close_query(&db->cursors[i]);
		}
}

int query_count(const struct query *q)
{
	return sqlite3_column_count(q->st->stmt);
}

const char *query_name(const struct query *q, int i)
{
	const char *name = sqlite3_column_name(q->st->stmt, i);

	return name ? name : "";
}

bool query_is_null(const struct query *q, int i)
{
	return sqlite3_column_type(q->st->stmt, i) == SQLITE_NULL;
}

int64_t query_int(const struct query *q, int i)
{
	return sqlite3_column_int64(q->st->stmt, i);
}

/* SQLite gives NULL both for a NULL column and when it found no memory; only the latter must not
** pass for "". */
const char *query_text(const struct query *q, int i)
{
	const char *text = (const char *)sqlite3_column_text(q->st->stmt, i);

	if (!text && sqlite3_errcode(q->db->handle) == SQLITE_NOMEM)
		((struct query *)(uintptr_t)q)->rc = RC_NO_MEMORY;
	return text ? text : "";
}

struct bytes query_bytes(const struct query *q, int i)
{
	struct bytes b = { .p = sqlite3_column_blob(q->st->stmt, i) };

	b.len = b.p ? (size_t)sqlite3_column_bytes(q->st->stmt, i) : 0;
	if (!b.p) b.p = "";
	return b;
}

char *query_copy(struct cx *cx, const struct query *q, int i)
{
	const char *text = query_text(q, i);

	return arena_text(cx->arena, text);
}

/* Shapes */

enum rc db_run(struct cx *cx, const char *sql, const struct param *params)
{
	struct query *q = NULL;
	enum rc rc = open_query(cx, &q, sql, params, SQLITE_STATIC);

	if (rc != RC_OK) return rc;
	if (query_next(q)) rc = bug("rows where none are expected", sql);
	rc = query_end(q, rc);
	cx->db->changes = rc == RC_OK ? sqlite3_changes64(cx->db->handle) : 0;
	return rc;
}

int64_t db_changes(const struct cx *cx)
{
	return cx->db->changes;
}

int64_t db_last_id(const struct cx *cx)
{
	return sqlite3_last_insert_rowid(cx->db->handle);
}

enum rc db_get_int(struct cx *cx, int64_t *out, const char *sql, const struct param *params)
{
	struct query *q = NULL;
	enum rc rc = open_query(cx, &q, sql, params, SQLITE_STATIC);
	int64_t found = 0;
	bool has_row = false;

	if (rc == RC_OK && query_next(q)) {
		found = query_int(q, 0);
		has_row = true;
	}
	rc = query_end(q, rc);
	if (rc == RC_OK && !has_row) return RC_NOT_FOUND;
	if (rc == RC_OK) *out = found;
	return rc;
}

enum rc db_get_text(struct cx *cx, const char **out, const char *sql, const struct param *params)
{
	struct query *q = NULL;
	enum rc rc = open_query(cx, &q, sql, params, SQLITE_STATIC);
	const char *found = NULL;

	if (rc == RC_OK && query_next(q)) found = query_copy(cx, q, 0);
	rc = query_end(q, rc);
	if (rc == RC_OK && !found) return RC_NOT_FOUND;
	if (rc == RC_OK) *out = found;
	return rc;
}

static void add_cell(struct arena *a, struct value *map, const char *key, sqlite3_stmt *stmt, int i)
{
	struct value *real;

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER: value_set_int(a, map, key, sqlite3_column_int64(stmt, i)); return;
	case SQLITE_NULL: value_set_null(a, map, key); return;
	case SQLITE_FLOAT:
		real = arena_alloc(a, sizeof *real);
		if (!real) return;
		real->type = VALUE_REAL;
		real->real = sqlite3_column_double(stmt, i);
		value_set(map, key, real);
		return;
	default: break;
	}
	value_set_text(a, map, key, (const char *)sqlite3_column_text(stmt, i));
}

/* Column names live as long as the statement, maps as long as the arena: one copy for all rows. */
static const char **names_of(struct cx *cx, const struct query *q, int count)
{
	const char **names = arena_array(cx->arena, (size_t)count, sizeof *names);

	for (int i = 0; names && i < count; i++)
		names[i] = arena_text(cx->arena, query_name(q, i));
	return names;
}

static enum rc collect(struct cx *cx, struct value **out, bool is_list, size_t max, const char *sql,
		       const struct param *params)
{
	struct query *q = NULL;
	struct value *list = is_list ? value_list(cx->arena) : NULL, *map = NULL;
	enum rc rc = open_query(cx, &q, sql, params, SQLITE_STATIC);
	int count = rc == RC_OK ? query_count(q) : 0;
	const char **names = rc == RC_OK ? names_of(cx, q, count) : NULL;

	if (rc == RC_OK && !names) rc = RC_NO_MEMORY;
	for (size_t n = 0; rc == RC_OK && n < max && query_next(q); n++) {
		map = is_list ? value_add_map(cx->arena, list) : value_map(cx->arena);
		for (int i = 0; i < count; i++)
			add_cell(cx->arena, map, names[i], q->st->stmt, i);
		if (arena_failed(cx->arena)) rc = RC_NO_MEMORY;
	}
	rc = query_end(q, rc);
	if (rc == RC_OK && !is_list && !map) return RC_NOT_FOUND;
	if (rc == RC_OK) *out = is_list ? list : map;
	return rc;
}

enum rc db_rows(struct cx *cx, struct value **out, size_t max, const char *sql, const struct param *params)
{
	return collect(cx, out, true, max, sql, params);
}

enum rc db_row(struct cx *cx, struct value **out, const char *sql, const struct param *params)
{
	return collect(cx, out, false, 1, sql, params);
}
