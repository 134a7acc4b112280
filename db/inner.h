/*
** inner.h -- the inside of the room db, shared by its files and their tests only.
**
** Lock order: the write lane first, then SQLite's own file locks. A lane is never taken by a thread
** that already holds one. struct db belongs to one thread; struct store is shared, its counters are
** atomic.
*/
#ifndef RECADO_DB_INNER_H
#define RECADO_DB_INNER_H

#include "base/embed.h"
#include "base/gentle.h"
#include "db/db.h"
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

/* Cached a connection: what a page's handlers ask, at about 5 kB each */
#define DB_STATEMENTS_MAX 40
/* Open at once on one connection: lists in lists go three deep */
#define DB_CURSORS_MAX 16
/* Of one statement: an import row has at most 200 columns (CSV_COLUMNS_MAX) */
#define DB_PARAMS_MAX 256
/* Page cache a connection; the host's own cache does the rest */
#define DB_CACHE_KIB 512
#define DB_BUSY_MS   5000 /* wait for another process's write (a command beside the server) */
/* A hundred writes of the longest allowed kind are before us: something is stuck */
#define DB_LANE_WAIT_MS 10000
/* A longer write transaction is logged with the place that began it */
#define DB_WRITE_MS_MAX 100
/* 4 MB of log: time to copy it into the file */
#define DB_WAL_PAGES_PASSIVE 1000
/* 32 MB: readers kept the log from starting over, ask for it */
#define DB_WAL_PAGES_RESTART 8000
/* The log file is cut back to this when it starts over */
#define DB_WAL_BYTES_KEPT (32 * 1024 * 1024)
/* Free space asked before an upgrade, in tenths of the file: copy + log of changes */
#define DB_UPGRADE_ROOM_X10 22
/* Copied between two looks at the clock: 256 kB, about 1 ms */
#define DB_SNAPSHOT_PAGES 64
/* While a copy is made the log cannot start over. Past this the copy takes no more rests… */
#define DB_SNAPSHOT_WAL_HURRY (INT64_C(64) * 1024 * 1024)
/* …and past this it gives up: a disk filled by the log is worse than a copy an hour later. */
#define DB_SNAPSHOT_WAL_MAX (INT64_C(1024) * 1024 * 1024)

enum tx_kind { TX_NONE, TX_READ, TX_WRITE };

struct statement {
	sqlite3_stmt *stmt;
	uint64_t hash;
	const char *text; /* where the SQL stood that it was made from: a literal is found there again */
	uint64_t last_used;
	bool is_busy;
	bool is_cached; /* false: one of a crowd, finalised after use */
};

struct query {
	struct db *db;
	struct cx *cx;
	struct statement *st; /* NULL: this cursor is free */
	struct statement own; /* when the cache had no room */
	enum rc rc;
	bool is_done;
};

struct db {
	sqlite3 *handle;
	struct store *store; /* NULL: another file (db_open_path) */
	sqlite3_stmt *begin_write, *begin_read, *commit, *rollback;
	struct statement cache[DB_STATEMENTS_MAX];
	uint64_t uses;
	struct query cursors[DB_CURSORS_MAX];
	int cursors_open;
	int64_t limit_ms, deadline; /* deadline in clock_ticks(), of the outermost open statement */
	int64_t busy_since;
	int64_t changes;
	enum tx_kind tx;
	int depth;
	struct gentle *gentle; /* statements of this connection rest by it; NULL = never */
	bool is_doomed;        /* an inner transaction failed, or this one cannot be */
	enum rc doom;
	bool has_lane;
	bool may_commit;  /* only while tx_end or a migration commits */
	bool is_forecast; /* only its own TEMP tables are written: no lane, no wakes (forecast.c) */
	int64_t until;    /* clock_ticks() at which a forecast ends, whatever it does; 0 = never */
	const char *file; /* where the transaction began */
	int line;
	int64_t since;
	unsigned wakes; /* bits of enum wake, for after the COMMIT */
};

/* First come, first served; a waiter that gives up leaves the queue. */
struct lane_waiter {
	struct lane_waiter *next;
	pthread_cond_t turn;
	bool is_turn;
};

struct lane {
	pthread_mutex_t lock;
	bool is_taken;
	struct lane_waiter *first, *last;
};

struct checkpointer;

struct store {
	struct env *env;
	char *dir, *path;
	struct lane lane;
	struct checkpointer *checkpointer; /* NULL: not the holder */
	bool is_replicated;                /* another program copies the log on: nobody of ours may */
	_Atomic int64_t commits, lane_waits, longest_write_ms, checkpoints;
	_Atomic int connections;
	uint64_t device, inode; /* of a file beside recado.db when it was opened */
};

/* store.c */
/* The struct alone: no file is touched. */
enum rc store_new(struct store **out, struct env *env, const char *path) MUST_CHECK;
void store_free(struct store *s); /* NULL is fine */

/* connect.c */
/* CONNECT_LOG copies the log and asks no table: it never reads the schema, which every connection keeps a
** copy of (300 kB). */
enum connect_mode { CONNECT_READ, CONNECT_WRITE, CONNECT_CREATE, CONNECT_FORECAST, CONNECT_LOG };
enum rc connect_open(struct db **out, struct store *s, const char *path, enum connect_mode mode) MUST_CHECK;
/* The rc of a SQLite result; logs what is ours or the disk's fault, and puts the sentence into cx
** (may be NULL). */
enum rc connect_fail(struct cx *cx, struct db *db, int code, const char *sql);
/* Raw questions for set-up code that has no cx. Text goes to buf, cut. */
enum rc connect_exec(struct db *db, const char *sql) MUST_CHECK;
enum rc connect_int(struct db *db, int64_t *out, const char *sql) MUST_CHECK;
enum rc connect_text(struct db *db, char *buf, size_t size, const char *sql) MUST_CHECK;

/* statement.c */
void statements_free(struct db *db);
void statements_reset(struct db *db); /* close every cursor; each one open is logged as a bug */

/* tx.c */
enum rc lane_init(struct lane *l) MUST_CHECK;
void lane_free(struct lane *l);
enum rc lane_take(struct lane *l, int64_t wait_ms, bool *waited) MUST_CHECK; /* RC_TRY_LATER */
void lane_leave(struct lane *l);
void tx_abandon(struct db *db); /* roll back whatever is open */

/* checkpoint.c */
enum rc checkpointer_start(struct store *s) MUST_CHECK;
void checkpointer_stop(struct store *s);
void checkpointer_tell(struct store *s, int wal_pages); /* after each commit */

/* migrate.c */
struct migration {
	int number;
	const char *name; /* "0001_core.sql" */
	const char *sql;
	size_t len;
};
#define MIGRATIONS_MAX 200
/* The embedded ones, sorted, numbered 1, 2, 3 … without a gap; returns their number. RC_BUG if a
** number is missing. */
enum rc migrations_embedded(struct migration out[MIGRATIONS_MAX], size_t *count) MUST_CHECK;
/* Log each step of the list that ran here in another wording. */
void migrations_compare(struct db *db, const struct migration *list, size_t count);
/* Bring the open connection from its version to the last of the list, all or nothing. is_rehearsal:
** everything but the COMMIT. *message: the sentence. */
enum rc migrate(struct db *db, const struct migration *list, size_t count, instant now, enum lang lang,
		struct arena *a, const char **message, bool is_rehearsal) MUST_CHECK;
/* The whole upgrade of a store: room asked, copy kept as recado.db.before-N, rehearsal on the copy,
** then for real. */
enum rc migrate_store(struct store *s, struct db *db, const struct migration *list, size_t count,
		      struct arena *a, const char **message) MUST_CHECK;

/* snapshot.c */
enum rc snapshot_copy(struct db *from, const char *to_path, struct gentle *g) MUST_CHECK;
enum rc sync_folder_of(const char *path) MUST_CHECK;

#endif
