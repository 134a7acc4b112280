/*
** tx.c -- transactions, and the lane in which this process's writers queue.
**
** Owns:   struct lane; the transaction part of struct db.
** Needs:  SQLite's BEGIN IMMEDIATE for writers of other processes (connect.c waits for them).
** Never:  lets a read transaction grow into a write one: that fails at random when somebody else
**         wrote meanwhile.
** Holds:  (1) a connection with a write transaction owns the lane, from BEGIN to COMMIT or ROLLBACK;
**         (2) writers get the lane in the order they asked;
**         (3) after a failed inner transaction the outer one cannot commit;
**         (4) wakes leave after the COMMIT that made the work, never before, never after a ROLLBACK.
*/
#include "db/inner.h"

#include <time.h>

static enum rc bug(const struct db *db, const char *what, const char *file, int line)
{
	char quoted[LOG_QUOTE_SIZE];

	log_event(LOG_ERROR, "app", "db.bug", "what=%s at=%s:%d begun=%s:%d", log_quote(quoted, what), file,
		  line, db && db->file ? db->file : "-", db ? db->line : 0);
	return RC_BUG;
}

/* The lane */

enum rc lane_init(struct lane *l)
{
	*l = (struct lane){ .is_taken = false };
	return pthread_mutex_init(&l->lock, NULL) == 0 ? RC_OK : RC_NO_MEMORY;
}

void lane_free(struct lane *l)
{
	pthread_mutex_destroy(&l->lock);
}

static enum rc cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	int failed;

	if (pthread_condattr_init(&attr) != 0) return RC_NO_MEMORY;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	failed = pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return failed ? RC_NO_MEMORY : RC_OK;
}

static void give_up(struct lane *l, struct lane_waiter *me)
{
	struct lane_waiter **at = &l->first, *before = NULL;

	while (*at != me) {
		before = *at;
		at = &before->next;
	}
	*at = me->next;
	if (l->last == me) l->last = before;
}

enum rc lane_take(struct lane *l, int64_t wait_ms, bool *waited)
{
	struct lane_waiter me = { .is_turn = false };
	struct timespec until;
	enum rc rc = RC_OK;

	pthread_mutex_lock(&l->lock);
	*waited = l->is_taken;
	if (!l->is_taken) {
		l->is_taken = true;
		goto out;
	}
	rc = cond_init(&me.turn);
	if (rc != RC_OK) goto out;
	if (l->last)
		l->last->next = &me;
	else
		l->first = &me;
	l->last = &me;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(wait_ms % SECOND_MS) * 1000000L;
	until.tv_sec += (time_t)(wait_ms / SECOND_MS) + until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	while (!me.is_turn)
		if (pthread_cond_timedwait(&me.turn, &l->lock, &until) != 0) break;
	if (!me.is_turn) {
		give_up(l, &me);
		rc = RC_TRY_LATER;
	}
	pthread_cond_destroy(&me.turn);
out:
	pthread_mutex_unlock(&l->lock);
	return rc;
}

void lane_leave(struct lane *l)
{
	struct lane_waiter *next;

	pthread_mutex_lock(&l->lock);
	next = l->first;
	l->is_taken = next != NULL;
	if (next) {
		l->first = next->next;
		if (!l->first) l->last = NULL;
		next->is_turn = true;
		pthread_cond_signal(&next->turn);
	}
	pthread_mutex_unlock(&l->lock);
}

/* Begin and end */

static int step(sqlite3_stmt *stmt)
{
	int code = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	return code;
}

static void leave_lane(struct db *db)
{
	int64_t ms;

	if (!db->has_lane) return;
	db->has_lane = false;
	lane_leave(&db->store->lane);
	ms = clock_ticks() - db->since;
	if (ms > DB_WRITE_MS_MAX)
		log_event(LOG_WARN, "app", "db.long_write", "ms=%lld at=%s:%d", (long long)ms, db->file,
			  db->line);
	for (int64_t most = atomic_load(&db->store->longest_write_ms); ms > most;)
		if (atomic_compare_exchange_weak(&db->store->longest_write_ms, &most, ms)) break;
}

static enum rc enter_lane(struct cx *cx, struct db *db)
{
	bool waited = false;
	enum rc rc;

	if (!db->store || db->is_forecast) return RC_OK;
	rc = lane_take(&db->store->lane, DB_LANE_WAIT_MS, &waited);
	if (waited) atomic_fetch_add(&db->store->lane_waits, 1);
	db->has_lane = rc == RC_OK;
	if (rc == RC_TRY_LATER) {
		log_event(LOG_ERROR, "app", "db.lane_stuck", "waited_ms=%d", DB_LANE_WAIT_MS);
		return cx_fail(cx, rc, "%s", _("The database is busy. Try again in a moment."));
	}
	return rc;
}

static void remember(struct db *db, enum tx_kind kind, const char *file, int line)
{
	db->tx = kind;
	db->depth = 1;
	db->is_doomed = false;
	db->doom = RC_OK;
	db->file = file;
	db->line = line;
	db->wakes = 0;
}

static void forget(struct db *db)
{
	db->tx = TX_NONE;
	db->depth = 0;
	db->is_doomed = false;
	db->wakes = 0;
}

enum rc tx_begin_at(struct cx *cx, const char *file, int line)
{
	struct db *db = cx->db;
	enum rc rc;
	int code;

	if (!db) return bug(NULL, "no connection", file, line);
	if (db->tx == TX_READ) {
		db->is_doomed = true;
		db->doom = RC_BUG;
		return bug(db, "a write transaction inside a read transaction", file, line);
	}
	if (db->tx == TX_WRITE) {
		db->depth++;
		return RC_OK;
	}
	if (db->cursors_open > 0) return bug(db, "a write transaction while a cursor is open", file, line);
	rc = enter_lane(cx, db);
	if (rc != RC_OK) return rc;
	remember(db, TX_WRITE, file, line);
	db->deadline = 0;
	db->since = clock_ticks();
	code = step(db->is_forecast ? db->begin_read : db->begin_write);
	if (code != SQLITE_DONE) {
		rc = connect_fail(cx, db, code, "BEGIN IMMEDIATE");
		leave_lane(db);
		forget(db);
	} else {
		db->since = clock_ticks(); /* waiting for another process is not our doing */
	}
	return rc;
}

enum rc tx_read(struct cx *cx)
{
	struct db *db = cx->db;
	int code;

	if (!db) return bug(NULL, "no connection", "tx_read", 0);
	if (db->depth > 0) {
		db->depth++;
		return RC_OK;
	}
	code = step(db->begin_read);
	if (code != SQLITE_DONE) return connect_fail(cx, db, code, "BEGIN");
	remember(db, TX_READ, "tx_read", 0);
	return RC_OK;
}

static enum rc commit(struct cx *cx, struct db *db)
{
	int code;

	if (arena_failed(cx->arena))
		return cx_fail(cx, RC_NO_MEMORY, "%s",
			       _("There was not enough memory for this. Nothing was changed."));
	/* A full disk or an interrupted write makes SQLite roll back by itself; nothing is left to commit. */
	if (sqlite3_get_autocommit(db->handle))
		return cx_fail(
			cx, RC_IO, "%s",
			_("The disk did not answer as it should. Nothing was changed; look at the server's log."));
	db->may_commit = true;
	db->deadline = 0;
	code = step(db->commit);
	db->may_commit = false;
	return code == SQLITE_DONE ? RC_OK : connect_fail(cx, db, code, "COMMIT");
}

static void roll_back(struct db *db)
{
	if (!sqlite3_get_autocommit(db->handle)) step(db->rollback);
}

enum rc tx_end(struct cx *cx, enum rc rc)
{
	struct db *db = cx->db;
	unsigned wakes;
	bool is_write;

	if (!db || db->depth == 0) return rc != RC_OK ? rc : bug(db, "tx_end without tx_begin", "tx_end", 0);
	if (db->depth > 1) {
		db->depth--;
		if (rc != RC_OK && !db->is_doomed) {
			db->is_doomed = true;
			db->doom = rc;
		}
		return rc;
	}
	is_write = db->tx == TX_WRITE;
	if (rc == RC_OK && db->is_doomed) rc = db->doom;
	if (rc == RC_OK && is_write) rc = commit(cx, db);
	roll_back(db); /* nothing to do after a COMMIT; a read transaction ends so too */
	wakes = rc == RC_OK ? db->wakes : 0;
	is_write = is_write && !db->is_forecast;
	if (is_write && rc == RC_OK && db->store) atomic_fetch_add(&db->store->commits, 1);
	leave_lane(db);
	forget(db);
	for (enum wake who = 0; who < WAKE__MAX; who++)
		if (wakes & (1U << who)) env_wake(cx->env, who);
	return rc;
}

bool tx_is_open(const struct cx *cx)
{
	return cx->db && cx->db->depth > 0;
}

bool tx_is_wanted(const struct cx *cx)
{
	const struct db *db = cx->db;
	bool is_wanted;

	if (!db || !db->has_lane) return false;
	pthread_mutex_lock(&db->store->lane.lock);
	is_wanted = db->store->lane.first != NULL;
	pthread_mutex_unlock(&db->store->lane.lock);
	return is_wanted;
}

void tx_wake(struct cx *cx, enum wake who)
{
	if (cx->db && cx->db->is_forecast) return; /* nothing happened */
	if (cx->db && cx->db->tx == TX_WRITE)
		cx->db->wakes |= 1U << who;
	else
		env_wake(cx->env, who);
}

/* Leaving things in order */

void tx_abandon(struct db *db)
{
	statements_reset(db);
	if (db->depth > 0) (void)bug(db, "a transaction left open, rolled back", "db_at_rest", 0);
	roll_back(db);
	leave_lane(db);
	forget(db);
}

void db_at_rest(struct cx *cx)
{
	if (cx->db &&
	    (cx->db->depth > 0 || cx->db->cursors_open > 0 || !sqlite3_get_autocommit(cx->db->handle)))
		tx_abandon(cx->db);
}
