/*
** db.h -- the only door to SQLite.
**
** A store is one database file of the state folder with its write lane and
** checkpointer; a db is one connection, owned by one thread. SQL is literal text
** with named parameters (:name). Statements are cached per connection.
**
** Holds: (1) every write happens between tx_begin and tx_end, checked by a
** commit hook and sqlite3_stmt_readonly; (2) a write transaction holds the lane
** and lasts <= 100 ms (longer: logged with file and line); (3) at the end of a
** cx no transaction is open (db_at_rest logs a bug and rolls back).
*/
#ifndef RECADO_DB_DB_H
#define RECADO_DB_DB_H

#include "base/cx.h"
#include "base/gentle.h"
#include "base/value.h"

struct store;
struct db;
struct query;

#define DB_FILE           "recado.db"
#define DB_APPLICATION_ID 0x52434144 /* "RCAD" */

/*
** Open (or create) DIR/recado.db, run migrations (embedded, numbered, forward only) after a rehearsal
** on a snapshot when the file is not new, refuse a newer database. is_holder: this process may migrate
** and runs the checkpointer. Otherwise an older schema is RC_CONFLICT with the sentence "start the
** server once". *message (arena): the sentence. The copy of an upgrade stays as DIR/recado.db.before-N
** until the next one.
*/
enum rc store_open(struct store **out, struct env *env, struct arena *a, const char **message,
		   bool is_holder) MUST_CHECK;
/* All connections must be closed; last checkpoint; NULL is fine. */
void store_close(struct store *s);
const char *store_path(const struct store *s);

/*
** A file beside recado.db with a lane of its own (reports.db): made if it is not there, brought from its
** user_version to `count` by `steps` (each one or more statements), all in one transaction. It has no
** checkpointer: who writes much calls db_copy_log() now and then, and the last connection that closes copies
** the rest. RC_CONFLICT, RC_IO with *message (arena): damaged, not a database of this kind, newer, not to be
** made. id: its application_id.
*/
struct side_file {
	const char *path; /* lent for the call */
	int32_t id;
	const char *const *steps;
	size_t count;
};
enum rc store_open_side(struct store **out, struct env *env, struct arena *a, const char **message,
			const struct side_file *side) MUST_CHECK;
/* Is it still the file that was opened? false: removed, or another one lies there. */
bool store_is_in_place(const struct store *s);
/* Copy the log of cx's own file into the file, as far as readers let; outside a transaction. Not of
** recado.db: its checkpointer does that. */
void db_copy_log(struct cx *cx);
/* Bytes of a load's slices: a commit in between need not reach the disk, since the one that makes the rows
** visible (after db_staging(db, false)) does, and everything before it. Larger page cache meanwhile. */
void db_staging(struct db *db, bool is_on);

/* To read and write; for one thread. */
enum rc db_open(struct db **out, struct store *s) MUST_CHECK;
/* Another file, outside any store: backups, restore checks. */
enum rc db_open_path(struct db **out, const char *path, bool read_only) MUST_CHECK;
void db_close(struct db *db); /* NULL is fine */

/* Parameters */

enum param_type { PARAM_END, PARAM_INT, PARAM_TEXT, PARAM_SPAN, PARAM_BLOB, PARAM_NULL };
struct param {
	/* ":id"; a parameter the SQL does not have, or one left unbound, is our bug (RC_BUG). */
	const char *name;
	enum param_type type;
	int64_t integer;
	const char *text; /* PARAM_TEXT: NULL binds NULL */
	size_t len;
};
#define P_INT(n, v)                                            \
	{                                                      \
		.name = (n), .type = PARAM_INT, .integer = (v) \
	}
#define P_TEXT(n, v)                                         \
	{                                                    \
		.name = (n), .type = PARAM_TEXT, .text = (v) \
	}
/* Text of known length, without NUL; p_ NULL binds NULL. */
#define P_SPAN(n, p_, l_)                                                  \
	{                                                                  \
		.name = (n), .type = PARAM_SPAN, .text = (p_), .len = (l_) \
	}
#define P_BLOB(n, p_, l_)                                                  \
	{                                                                  \
		.name = (n), .type = PARAM_BLOB, .text = (p_), .len = (l_) \
	}
#define P_NULL(n)                               \
	{                                       \
		.name = (n), .type = PARAM_NULL \
	}
/* 0 stands for NULL: optional references and instants. */
#define P_REF(n, v)                                                                    \
	{                                                                              \
		.name = (n), .type = (v) != 0 ? PARAM_INT : PARAM_NULL, .integer = (v) \
	}
#define PARAMS(...) ((const struct param[]){ __VA_ARGS__, { .name = NULL, .type = PARAM_END } })
#define NO_PARAMS   NULL

/* One statement */

/* Run a statement that returns no rows. A UNIQUE or FOREIGN KEY violation is RC_CONFLICT, a busy file
** RC_TRY_LATER, any other constraint RC_BUG. A write needs tx_begin. Text is lent until it returns. */
enum rc db_run(struct cx *cx, const char *sql, const struct param *params) MUST_CHECK;
int64_t db_changes(const struct cx *cx); /* rows the last db_run changed        */
int64_t db_last_id(const struct cx *cx); /* rowid of the last INSERT            */

/* First column of the first row; RC_NOT_FOUND without a row. A NULL gives 0 or "". */
enum rc db_get_int(struct cx *cx, int64_t *out, const char *sql, const struct param *params) MUST_CHECK;
enum rc db_get_text(struct cx *cx, const char **out, const char *sql, const struct param *params) MUST_CHECK;

/* Walk rows:
**   rc = db_query(cx, &q, SQL, PARAMS(...));
**   while (rc == RC_OK && query_next(q)) ...;
**   rc = query_end(q, rc);            -- first failure of the three, q may be NULL
** sql text may be built in the arena by desk from declared names only. Parameters are copied. No
** write transaction may begin while a cursor is open (collect ids first): it would fail whenever
** somebody else wrote meanwhile. */
enum rc db_query(struct cx *cx, struct query **out, const char *sql, const struct param *params) MUST_CHECK;
bool query_next(struct query *q);
enum rc query_end(struct query *q, enum rc rc) MUST_CHECK;
int query_count(const struct query *q);               /* columns                                    */
const char *query_name(const struct query *q, int i); /* of column i                                */
bool query_is_null(const struct query *q, int i);
int64_t query_int(const struct query *q, int i);      /* NULL: 0                                    */
const char *query_text(const struct query *q, int i); /* lent until the next step; NULL column: ""  */
struct bytes query_bytes(const struct query *q, int i);
char *query_copy(struct cx *cx, const struct query *q, int i); /* in the arena                      */

/* All rows (at most max; more is cut) as a list of maps keyed by column name: integers, reals, text, null. */
enum rc db_rows(struct cx *cx, struct value **out, size_t max, const char *sql,
		const struct param *params) MUST_CHECK;
/* First row as a map; RC_NOT_FOUND without one. */
enum rc db_row(struct cx *cx, struct value **out, const char *sql, const struct param *params) MUST_CHECK;

/* Statement time limit of this connection, e.g. 2000 for a page (progress handler); 0 = none. Past it:
** RC_TRY_LATER; a write so stopped rolls its whole transaction back. */
void db_limit_ms(struct db *db, int64_t ms);
/* For loads of many rows into many indexes: 8 MiB of page cache instead of 512 KiB, until it is taken back.
** No transaction may be open. */
void db_large_cache(struct db *db, bool is_large);
/* At the end of a cx: a transaction or cursor still open is a bug; logged, rolled back. */
void db_at_rest(struct cx *cx);

/* Transactions */

/* Write: takes the fair write lane, then BEGIN IMMEDIATE. Inner begins only count; an inner failure
** dooms the whole. tx_end is called in any case, also after a tx_begin that failed. */
#define tx_begin(cx) tx_begin_at((cx), __FILE__, __LINE__)
enum rc tx_begin_at(struct cx *cx, const char *file, int line) MUST_CHECK;
/* COMMIT if rc is RC_OK and the cx's arena is sound, else ROLLBACK. Returns rc or the commit's failure. */
enum rc tx_end(struct cx *cx, enum rc rc) MUST_CHECK;
bool tx_is_open(const struct cx *cx);
/* A read transaction: one consistent view over several questions. */
enum rc tx_read(struct cx *cx) MUST_CHECK;
/* Does another writer of this process wait while this write transaction is open? Who writes in slices ends
** his early then. */
bool tx_is_wanted(const struct cx *cx);
/* To be woken after COMMIT (kept until then; dropped on ROLLBACK). Without a transaction: at once. */
void tx_wake(struct cx *cx, enum wake who);

/* Forecasts */

/*
** A forecast (forecast.c): a connection on the live file that cannot write it, for planners that must. Each
** table they write has a stand-in in TEMP; a write to any other one is RC_BUG, logged with its name. Works in
** one tx_begin … tx_end of its own, which sees one moment, takes no lane and wakes nobody; ended with a
** failure or closed, it leaves nothing.
*/
struct stand_in {
	const char *table;
	const char *const *indexes; /* beside the UNIQUE ones, those that SQL names; NULL = none */
	/* "INSERT INTO temp.x SELECT … FROM main.x WHERE …": the rows that can still matter; NULL = empty. */
	const char *fill;
};
enum rc db_open_forecast(struct db **out, struct store *s) MUST_CHECK;
/* Inside its transaction: the table, its rows, then its indexes; made already: emptied and filled anew. */
enum rc db_stand_in(struct cx *cx, const struct stand_in *s, const struct param *params) MUST_CHECK;
/* From now on at most so long: then every statement is RC_TRY_LATER without a sentence. 0 = for ever. */
void db_forecast_limit(struct db *db, int64_t ms);

/* Whole files */

/* A consistent copy through SQLite's backup interface, in steps that never hold the lane; one single
** file, synced, renamed into place. RC_TRY_LATER when we are stopping. */
enum rc db_snapshot(struct cx *cx, const char *to_path) MUST_CHECK;
/* The same of another database file, at the caller's pace. */
enum rc db_snapshot_of(struct cx *cx, const char *from_path, const char *to_path,
		       struct gentle *g) MUST_CHECK;
/* application_id, schema version known, integrity_check. *message: the sentence. */
enum rc db_verify(struct cx *cx, const char *path, const char **message) MUST_CHECK;
/* The same at the caller's pace. is_ours false: any SQLite database (reports.db), integrity only.
** RC_TRY_LATER when g stopped it. */
enum rc db_verify_gently(struct cx *cx, const char *path, bool is_ours, const char **message,
			 struct gentle *g) MUST_CHECK;

/* What a database holds, whatever its pages look like (content.c defines the sum). */
struct db_table_sum {
	const char *name;
	int64_t rows;
	char sum[SHA256_HEX_SIZE];
};
struct db_content {
	struct db_table_sum *tables; /* by name, arena */
	size_t count;
	int64_t rows;
	int64_t schema;            /* user_version */
	char sum[SHA256_HEX_SIZE]; /* over all tables */
};
/* Read every row of a file that nobody writes. RC_TRY_LATER when g stopped it. */
enum rc db_content(struct cx *cx, struct db_content *out, const char *path, struct gentle *g) MUST_CHECK;
/* Highest migration this binary has, and that of the open store. */
int db_version_known(void);
int db_version_of(struct cx *cx);

/* The checkpointer's and sizes' figures for /metrics and /health. */
struct store_figures {
	int64_t wal_bytes, file_bytes, commits, lane_waits, longest_write_ms, checkpoints;
};
void store_figures(const struct store *s, struct store_figures *out);

/* Key/value of the house (table meta): setup code, last_seen facts. */
enum rc meta_get(struct cx *cx, const char **out, const char *key) MUST_CHECK;  /* "" when absent */
enum rc meta_set(struct cx *cx, const char *key, const char *value) MUST_CHECK; /* inside a transaction */

/* History of an object: inside the same transaction as the change. before/after may be NULL. */
enum rc audit_add(struct cx *cx, const char *action, const char *table, int64_t row_id,
		  const struct value *before, const struct value *after) MUST_CHECK;

#endif
