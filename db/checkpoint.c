/*
** checkpoint.c -- copies the write-ahead log into the database file, in a thread of its own.
**
** A commit that has to do this itself makes somebody wait for a tenth of a second; here nobody
** waits.
**
** Owns:   one thread, one connection.
** Needs:  checkpointer_tell() after each commit (the WAL hook of every connection calls it).
** Never:  waits for a reader; keeps the write lane longer than SQLite needs to notice that nobody
**         reads.
** Holds:  (1) an idle process wakes at most once after its last commit, DB_REST_S later;
**         (2) when the log is past DB_WAL_PAGES_RESTART and nobody reads, it starts over at its
**             beginning;
**         (3) while a replication program is set (database.replication) nothing is copied: it does
**             so itself, and a restart of the log behind its back costs it a whole new copy
**             (contract sheet litestream §2).
*/
#include "base/mem.h"
#include "db/inner.h"

#include <errno.h>
#include <time.h>

/* After the last commit the rest of the log is copied too: a copy of the file alone is then whole */
#define DB_REST_S 30

struct checkpointer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news;
	int wal_pages; /* as the last commit left it     */
	bool is_dirty; /* a commit since the last copying */
	bool is_stopping;
	struct store *store;
	struct db *db;
};

void checkpointer_tell(struct store *s, int wal_pages)
{
	struct checkpointer *c = s->checkpointer;
	bool is_first;

	pthread_mutex_lock(&c->lock);
	is_first = !c->is_dirty;
	c->is_dirty = true;
	c->wal_pages = wal_pages;
	if (is_first || wal_pages >= DB_WAL_PAGES_PASSIVE) pthread_cond_signal(&c->news);
	pthread_mutex_unlock(&c->lock);
}

/* One round. *in_log: pages in the log since it last began (kept when nothing could be done).
** Returns whether all of them are copied. */
static bool copy_log(struct checkpointer *c, int *in_log)
{
	int pages = 0, copied = 0, code;
	bool waited = false;

	if (c->store->is_replicated) return true;
	code = sqlite3_wal_checkpoint_v2(c->db->handle, "main", SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
	if (code != SQLITE_OK) {
		if (code != SQLITE_BUSY) (void)connect_fail(NULL, c->db, code, "checkpoint");
		return false;
	}
	atomic_fetch_add(&c->store->checkpoints, 1);
	*in_log = pages;
	if (copied < pages) return false; /* somebody still reads what was before */
	/* All is copied, so this only moves the log's beginning; with a reader in the log it gives
	** up at once. */
	if (pages >= DB_WAL_PAGES_RESTART && lane_take(&c->store->lane, SECOND_MS, &waited) == RC_OK) {
		sqlite3_wal_checkpoint_v2(c->db->handle, "main", SQLITE_CHECKPOINT_RESTART, NULL, NULL);
		lane_leave(&c->store->lane);
	}
	return true;
}

/* Enough new pages since the last round? A smaller number than then: the log began anew. */
static bool is_much(const struct checkpointer *c, int seen)
{
	int pages = c->wal_pages < seen ? c->wal_pages : c->wal_pages - seen;

	return pages >= DB_WAL_PAGES_PASSIVE;
}

static void *run(void *arg)
{
	struct checkpointer *c = arg;
	struct timespec until;
	int seen = 0;
	bool is_whole;

	pthread_mutex_lock(&c->lock);
	while (!c->is_stopping) {
		if (!c->is_dirty) {
			pthread_cond_wait(&c->news, &c->lock);
			continue;
		}
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += DB_REST_S;
		while (!c->is_stopping && !is_much(c, seen))
			if (pthread_cond_timedwait(&c->news, &c->lock, &until) == ETIMEDOUT) break;
		if (c->is_stopping) break;
		c->is_dirty = false;
		seen = c->wal_pages;
		pthread_mutex_unlock(&c->lock);
		is_whole = copy_log(c, &seen);
		pthread_mutex_lock(&c->lock);
		if (!c->is_dirty) c->wal_pages = seen; /* no commit of ours meanwhile */
		if (!is_whole) c->is_dirty = true; /* once more after the rest, or when there is much again */
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

enum rc checkpointer_start(struct store *s)
{
	struct checkpointer *c = mem_zeroed(sizeof *c);
	pthread_condattr_t attr;
	enum rc rc;

	if (!c) return RC_NO_MEMORY;
	c->store = s;
	rc = connect_open(&c->db, s, s->path, CONNECT_LOG);
	if (rc != RC_OK) {
		mem_free(c);
		return rc;
	}
	sqlite3_busy_handler(c->db->handle, NULL, NULL);
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->news, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&c->thread, NULL, run, c) != 0) {
		db_close(c->db);
		pthread_cond_destroy(&c->news);
		pthread_mutex_destroy(&c->lock);
		mem_free(c);
		return RC_NO_MEMORY;
	}
	s->checkpointer = c;
	return RC_OK;
}

void checkpointer_stop(struct store *s)
{
	struct checkpointer *c = s->checkpointer;

	if (!c) return;
	pthread_mutex_lock(&c->lock);
	c->is_stopping = true;
	pthread_cond_signal(&c->news);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	db_close(c->db);
	pthread_cond_destroy(&c->news);
	pthread_mutex_destroy(&c->lock);
	s->checkpointer = NULL;
	mem_free(c);
}
