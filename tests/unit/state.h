/*
** state.h -- a state folder with a database for one test, and its cx. Included by tests only.
**
** Every test gets a folder of its own under TMPDIR or /tmp and leaves nothing behind.
*/
#ifndef RECADO_TESTS_STATE_H
#define RECADO_TESTS_STATE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "db/db.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_ARENA_MAX (16 * 1024 * 1024)

struct state {
	char dir[256];
	struct env env;
	struct arena *arena, *forever;
	struct cx cx;
	const char *message;
};

static inline int state_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* The folder and everything but the database. start: the clock's first instant, 0 = the real time. */
static inline void state_make(struct state *s, instant start)
{
	const char *tmp = getenv("TMPDIR");

	memset(s, 0, sizeof *s);
	snprintf(s->dir, sizeof s->dir, "%s/recado-test-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(s->dir));
	s->env.dir = s->dir;
	s->env.clock = clock_new(start);
	s->env.zone = zone_find("America/Guayaquil");
	s->env.lang = LANG_EN;
	s->env.is_holder = true;
	for (int i = 0; i < WAKE__MAX; i++)
		s->env.wake_fd[i] = -1;
	assert_non_null(s->env.clock);
	assert_non_null(s->env.zone);
	s->arena = arena_new(STATE_ARENA_MAX);
	s->forever = arena_new(STATE_ARENA_MAX);
	assert_non_null(s->arena);
	assert_non_null(s->forever);
	cx_init(&s->cx, &s->env, s->arena, NULL);
}

static inline enum rc state_try_open(struct state *s, bool is_holder)
{
	enum rc rc = store_open(&s->env.store, &s->env, s->forever, &s->message, is_holder);

	if (rc == RC_OK) rc = db_open(&s->cx.db, s->env.store);
	return rc;
}

static inline void state_open(struct state *s, instant start)
{
	state_make(s, start);
	assert_int_equal(state_try_open(s, true), RC_OK);
}

/* The database closes; the folder stays. */
static inline void state_shut(struct state *s)
{
	db_close(s->cx.db);
	s->cx.db = NULL;
	store_close(s->env.store);
	s->env.store = NULL;
}

static inline void state_close(struct state *s)
{
	state_shut(s);
	arena_free(s->arena);
	arena_free(s->forever);
	clock_free(s->env.clock);
	assert_int_equal(nftw(s->dir, state_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* What one question says, for the asserts. */
static inline int64_t state_int(struct state *s, const char *sql)
{
	int64_t n = -999;

	assert_int_equal(db_get_int(&s->cx, &n, sql, NO_PARAMS), RC_OK);
	return n;
}

/* One statement in a transaction of its own. */
static inline enum rc state_run(struct state *s, const char *sql)
{
	enum rc rc = tx_begin(&s->cx);

	if (rc == RC_OK) rc = db_run(&s->cx, sql, NO_PARAMS);
	return tx_end(&s->cx, rc);
}

#endif
