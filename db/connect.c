/*
** connect.c -- opens and closes connections, and says what SQLite's result codes mean to us.
**
** Owns:   struct db but for its statements (statement.c) and transactions (tx.c).
** Needs:  the pinned SQLite, THREADSAFE=2: a connection belongs to one thread.
** Never:  writes a row.
** Holds:  (1) every connection has the same settings, set here and nowhere else;
**         (2) a COMMIT that tx_end or a migration did not ask for is turned into a ROLLBACK by the
**             commit hook;
**         (3) no connection can change or delete a row of audit.
*/
#include "base/mem.h"
#include "db/inner.h"

#include <string.h>
#include <time.h>

#define PROGRESS_STEPS 4000 /* of SQLite's machine between two looks at the clock: some 50 µs */

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* SQLite's own log: only what tells of the disk. The rest comes back as a result code and is logged there. */
static void library_log(void *arg, int code, const char *text)
{
	char quoted[LOG_QUOTE_SIZE];

	(void)arg;
	switch (code & 0xff) {
	case SQLITE_IOERR:
	case SQLITE_CORRUPT:
	case SQLITE_FULL:
	case SQLITE_CANTOPEN:
	case SQLITE_NOTADB:
		log_event(LOG_ERROR, "app", "db.library", "code=%d text=%s", code, log_quote(quoted, text));
		break;
	case SQLITE_NOTICE:
		log_event(LOG_INFO, "app", "db.library", "code=%d text=%s", code, log_quote(quoted, text));
		break;
	default: break;
	}
}

static void library_start(void)
{
	sqlite3_config(SQLITE_CONFIG_LOG, library_log, NULL);
	sqlite3_initialize();
}

/* What a result code means */

static enum rc rc_of(int code)
{
	switch (code) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
	case SQLITE_CONSTRAINT_FOREIGNKEY: return RC_CONFLICT;
	default: break;
	}
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE: return RC_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_INTERRUPT: return RC_TRY_LATER;
	case SQLITE_NOMEM: return RC_NO_MEMORY;
	case SQLITE_TOOBIG: return RC_TOO_LARGE;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_PROTOCOL: return RC_IO;
	default: return RC_BUG;
	}
}

enum rc connect_fail(struct cx *cx, struct db *db, int code, const char *sql)
{
	enum rc rc = rc_of(code);
	char why[LOG_QUOTE_SIZE], text[LOG_QUOTE_SIZE];

	if (rc == RC_OK || rc == RC_CONFLICT) return rc;
	if (db->is_forecast) {
		if ((code & 0xff) == SQLITE_READONLY) rc = RC_BUG;
		if (rc == RC_TRY_LATER) return rc; /* its time is up: the caller has the words */
	}
	log_event(rc == RC_TRY_LATER ? LOG_WARN : LOG_ERROR, "app", "db.failed", "code=%d why=%s sql=%s",
		  code, log_quote(why, db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code)),
		  log_quote(text, sql ? sql : ""));
	if (!cx) return rc;
	if ((code & 0xff) == SQLITE_FULL)
		return cx_fail(cx, rc, "%s",
			       _("The disk is full. Nothing was changed; make room and try again."));
	if ((code & 0xff) == SQLITE_INTERRUPT)
		return cx_fail(cx, rc, "%s",
			       _("This took too long and was stopped. Narrow the search or try later."));
	if (rc == RC_TRY_LATER)
		return cx_fail(cx, rc, "%s", _("The database is busy. Try again in a moment."));
	if (rc == RC_IO)
		return cx_fail(
			cx, rc, "%s",
			_("The disk did not answer as it should. Nothing was changed; look at the server's log."));
	return rc;
}

/* Hooks */

/* History is only ever added to, whoever asks: no statement of ours may change or take away a row of it. */
static int on_prepare(void *arg, int code, const char *table, const char *column, const char *db,
		      const char *trigger)
{
	(void)arg;
	(void)column;
	(void)db;
	(void)trigger;
	return (code == SQLITE_UPDATE || code == SQLITE_DELETE) && strcmp(table, "audit") == 0 ? SQLITE_DENY
											       : SQLITE_OK;
}

static int on_commit(void *arg)
{
	struct db *db = arg;

	if (db->may_commit) return 0;
	log_event(LOG_ERROR, "app", "db.bug", "what=\"commit outside tx_end, rolled back\"");
	return 1;
}

static int on_progress(void *arg)
{
	struct db *db = arg;

	if (db->gentle != NULL && !gentle_rest(db->gentle)) return 1;
	return db->deadline != 0 && clock_ticks() > db->deadline;
}

/* Another process writes: wait as long as this connection may, with growing naps. */
static int on_busy(void *arg, int tries)
{
	static const unsigned char naps_ms[] = { 1, 2, 5, 10, 15, 20, 25, 25, 50, 50, 100 };
	struct db *db = arg;
	int64_t limit = db->limit_ms > 0 && db->limit_ms < DB_BUSY_MS ? db->limit_ms : DB_BUSY_MS;
	size_t i = (size_t)tries < sizeof naps_ms ? (size_t)tries : sizeof naps_ms - 1;
	struct timespec nap = { .tv_nsec = naps_ms[i] * 1000000L };

	if (tries == 0) db->busy_since = clock_ticks();
	if (clock_ticks() - db->busy_since >= limit) return 0;
	nanosleep(&nap, NULL);
	return 1;
}

static int on_wal(void *arg, sqlite3 *handle, const char *name, int pages)
{
	struct store *s = arg;

	(void)handle;
	(void)name;
	checkpointer_tell(s, pages);
	return SQLITE_OK;
}

/* Raw questions */

enum rc connect_exec(struct db *db, const char *sql)
{
	int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? RC_OK : connect_fail(NULL, db, sqlite3_extended_errcode(db->handle), sql);
}

static enum rc ask(struct db *db, sqlite3_stmt **stmt, const char *sql)
{
	int code = sqlite3_prepare_v2(db->handle, sql, -1, stmt, NULL);

	if (code == SQLITE_OK) code = sqlite3_step(*stmt);
	if (code == SQLITE_ROW) return RC_OK;
	return code == SQLITE_DONE ? RC_NOT_FOUND : connect_fail(NULL, db, code, sql);
}

enum rc connect_int(struct db *db, int64_t *out, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	enum rc rc = ask(db, &stmt, sql);

	if (rc == RC_OK) *out = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc;
}

enum rc connect_text(struct db *db, char *buf, size_t size, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	enum rc rc = ask(db, &stmt, sql);
	const unsigned char *text = rc == RC_OK ? sqlite3_column_text(stmt, 0) : NULL;
	size_t len = text ? strlen((const char *)text) : 0;

	if (rc == RC_OK && size > 0) {
		if (len >= size) len = size - 1;
		if (len > 0) memcpy(buf, text, len);
		buf[len] = '\0';
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* Opening */

static enum rc configure(struct db *db, enum connect_mode mode)
{
	sqlite3 *h = db->handle;
	enum rc rc;

	sqlite3_extended_result_codes(h, 1);
	sqlite3_db_config(h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(h, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	sqlite3_db_config(h, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(h, SQLITE_DBCONFIG_ENABLE_VIEW, 1, NULL);
	sqlite3_db_config(h, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(h, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	/* Plans may not look at bound values: a "LIMIT :n" is prepared again at each use otherwise. */
	sqlite3_db_config(h, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
	sqlite3_limit(h, SQLITE_LIMIT_ATTACHED, 1);
	sqlite3_busy_handler(h, on_busy, db);
	sqlite3_progress_handler(h, PROGRESS_STEPS, on_progress, db);
	sqlite3_set_authorizer(h, on_prepare, NULL);
	sqlite3_commit_hook(h, on_commit, db);
	sqlite3_wal_autocheckpoint(h, 0);
	/* The last one out copies the log and removes it, unless another program lives on it. */
	if (db->store && db->store->is_replicated)
		sqlite3_db_config(h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (db->store && db->store->checkpointer) sqlite3_wal_hook(h, on_wal, db->store);
	_Static_assert(DB_CACHE_KIB == 512 && DB_WAL_BYTES_KEPT == 33554432,
		       "the pragmas below say the same");
	/* These two read the schema; synchronous is FULL unless said otherwise. */
	rc = mode == CONNECT_LOG ? RC_OK
				 : connect_exec(db, "PRAGMA cache_size=-512; PRAGMA synchronous=FULL");
	if (rc == RC_OK)
		rc = connect_exec(db, "PRAGMA temp_store=FILE;"
				      "PRAGMA mmap_size=0;"
				      "PRAGMA cell_size_check=ON;"
				      "PRAGMA journal_size_limit=33554432");
	/* A first look at the file opens its log: a connection that never looked copies nothing, and says
	** OK. */
	if (rc == RC_OK && mode == CONNECT_LOG) rc = connect_exec(db, "PRAGMA data_version");
	if (rc == RC_OK && mode == CONNECT_READ) rc = connect_exec(db, "PRAGMA query_only=ON");
	if (rc == RC_OK && mode == CONNECT_FORECAST) {
		/* Nothing in TEMP is worth a file of its own for taking it back: it stays in memory. */
		sqlite3_db_config(h, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
		rc = connect_exec(db, "PRAGMA main.cache_size=-8192;"
				      "PRAGMA temp.cache_size=-16384;"
				      "PRAGMA temp.journal_mode=MEMORY");
	}
	return rc;
}

static enum rc prepare_own(struct db *db)
{
	static const char *const texts[] = { "BEGIN IMMEDIATE", "BEGIN", "COMMIT", "ROLLBACK" };
	sqlite3_stmt **const to[] = { &db->begin_write, &db->begin_read, &db->commit, &db->rollback };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		int code =
			sqlite3_prepare_v3(db->handle, texts[i], -1, SQLITE_PREPARE_PERSISTENT, to[i], NULL);

		if (code != SQLITE_OK) return connect_fail(NULL, db, code, texts[i]);
	}
	return RC_OK;
}

enum rc connect_open(struct db **out, struct store *s, const char *path, enum connect_mode mode)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
	struct db *db;
	enum rc rc;
	int code;

	pthread_once(&once, library_start);
	db = mem_zeroed(sizeof *db);
	if (!db) return RC_NO_MEMORY;
	db->store = s;
	db->is_forecast = mode == CONNECT_FORECAST;
	flags |= mode == CONNECT_READ || db->is_forecast ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	if (mode == CONNECT_CREATE) flags |= SQLITE_OPEN_CREATE;
	if (s) atomic_fetch_add(&s->connections, 1);
	code = sqlite3_open_v2(path, &db->handle, flags, NULL);
	rc = code == SQLITE_OK ? configure(db, mode) : connect_fail(NULL, db, code, path);
	if (rc == RC_OK) rc = prepare_own(db);
	if (rc != RC_OK) {
		db_close(db);
		return rc;
	}
	*out = db;
	return RC_OK;
}

enum rc db_open(struct db **out, struct store *s)
{
	return connect_open(out, s, s->path, CONNECT_WRITE);
}

enum rc db_open_path(struct db **out, const char *path, bool read_only)
{
	return connect_open(out, NULL, path, read_only ? CONNECT_READ : CONNECT_CREATE);
}

void db_close(struct db *db)
{
	int code;

	if (!db) return;
	if (db->handle) {
		tx_abandon(db);
		statements_free(db);
		sqlite3_finalize(db->begin_write);
		sqlite3_finalize(db->begin_read);
		sqlite3_finalize(db->commit);
		sqlite3_finalize(db->rollback);
		code = sqlite3_close(db->handle);
		if (code != SQLITE_OK)
			log_event(LOG_ERROR, "app", "db.bug",
				  "what=\"connection still in use at close\" code=%d", code);
	}
	if (db->store) atomic_fetch_sub(&db->store->connections, 1);
	mem_free(db);
}

void db_limit_ms(struct db *db, int64_t ms)
{
	db->limit_ms = ms;
	db->deadline = 0;
}

void db_large_cache(struct db *db, bool is_large)
{
	enum rc rc = connect_exec(db, is_large ? "PRAGMA cache_size=-8192"
					       : "PRAGMA cache_size=-512; PRAGMA shrink_memory");

	if (rc != RC_OK) log_event(LOG_WARN, "app", "db.cache", "large=%d", is_large);
}
