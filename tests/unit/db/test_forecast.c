/* db/forecast.c: what is written on a forecast stays there; a forgotten table fails loudly. */
#include "state.h"
#include "base/log.h"
#include "db/inner.h"
#include <sys/eventfd.h>

#define PUT     "INSERT INTO meta (key, value) VALUES (:key, 'x')"
#define COUNT   "SELECT count(*) FROM meta"
#define A_BATCH "INSERT INTO batch (public_id, kind, created_at) VALUES (:id, 'k', 0)"

/* A forecast's own cx beside the house's. */
struct beside {
	struct arena *arena;
	struct cx cx;
};

static void open_beside(struct state *s, struct beside *b)
{
	b->arena = arena_new(STATE_ARENA_MAX);
	cx_init(&b->cx, &s->env, b->arena, NULL);
	assert_int_equal(db_open_forecast(&b->cx.db, s->env.store), RC_OK);
	assert_int_equal(tx_begin(&b->cx), RC_OK);
}

static void close_beside(struct beside *b)
{
	assert_int_equal(tx_end(&b->cx, RC_CONFLICT), RC_CONFLICT);
	db_close(b->cx.db);
	arena_free(b->arena);
}

static void put(struct cx *cx, const char *key)
{
	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(tx_end(cx, db_run(cx, PUT, PARAMS(P_TEXT(":key", key)))), RC_OK);
}

static int64_t count_of(struct cx *cx, const char *sql)
{
	int64_t n = -1;

	assert_int_equal(db_get_int(cx, &n, sql, NO_PARAMS), RC_OK);
	return n;
}

static const struct stand_in meta = { .table = "meta",
				      .fill = "INSERT INTO temp.meta SELECT * FROM main.meta" };

static void what_a_forecast_writes_only_it_can_see(void **arg)
{
	struct state s;
	struct beside b;

	(void)arg;
	state_open(&s, 0);
	put(&s.cx, "before");
	open_beside(&s, &b);
	assert_int_equal(db_stand_in(&b.cx, &meta, NO_PARAMS), RC_OK);
	put(&b.cx, "foretold");
	assert_int_equal(count_of(&b.cx, COUNT), 2);
	assert_int_equal(count_of(&b.cx, "SELECT count(*) FROM main.meta"), 1);
	assert_int_equal(state_int(&s, COUNT), 1);
	/* A share that begins anew is as the first one was. */
	assert_int_equal(db_stand_in(&b.cx, &meta, NO_PARAMS), RC_OK);
	assert_int_equal(count_of(&b.cx, COUNT), 1);
	close_beside(&b);
	assert_int_equal(state_int(&s, COUNT), 1);
	state_close(&s);
}

static void a_forgotten_table_is_our_bug_even_when_nothing_would_change(void **arg)
{
	struct state s;
	struct beside b;

	(void)arg;
	state_open(&s, 0);
	open_beside(&s, &b);
	assert_int_equal(db_run(&b.cx, PUT, PARAMS(P_TEXT(":key", "a"))), RC_BUG);
	assert_int_equal(db_run(&b.cx, "UPDATE subscription SET state = 'expired' WHERE id = 0", NO_PARAMS),
			 RC_BUG);
	assert_int_equal(db_run(&b.cx, "DELETE FROM main.contact", NO_PARAMS), RC_BUG);
	assert_int_equal(db_stand_in(&b.cx, &meta, NO_PARAMS), RC_OK);
	assert_int_equal(db_run(&b.cx, "INSERT INTO main.meta VALUES ('a', 'b')", NO_PARAMS), RC_BUG);
	assert_int_equal(db_run(&b.cx, PUT, PARAMS(P_TEXT(":key", "a"))), RC_OK);
	/* The file itself is a second wall, should the first one ever have a hole. */
	sqlite3_set_authorizer(b.cx.db->handle, NULL, NULL);
	assert_int_equal(db_run(&b.cx, "DELETE FROM main.opt_out", NO_PARAMS), RC_BUG);
	close_beside(&b);
	assert_int_equal(state_int(&s, COUNT), 0);
	state_close(&s);
}

static void nobody_waits_for_a_forecast_and_it_sees_one_moment(void **arg)
{
	struct state s;
	struct beside b;
	struct store_figures before, after;
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t woken = 0;

	(void)arg;
	state_open(&s, 0);
	s.env.wake_fd[WAKE_OUTBOX] = fd;
	put(&s.cx, "one");
	store_figures(s.env.store, &before);
	open_beside(&s, &b);
	assert_int_equal(db_stand_in(&b.cx, &meta, NO_PARAMS), RC_OK);
	tx_wake(&b.cx, WAKE_OUTBOX);
	put(&s.cx, "two"); /* the lane is free although the forecast writes */
	assert_int_equal(count_of(&b.cx, "SELECT count(*) FROM main.meta"), 1);
	assert_int_equal(tx_end(&b.cx, RC_OK), RC_OK);
	tx_wake(&b.cx, WAKE_OUTBOX);
	assert_int_equal(read(fd, &woken, sizeof(woken)), -1);
	store_figures(s.env.store, &after);
	assert_int_equal(after.commits - before.commits, 1);
	assert_int_equal(after.lane_waits, before.lane_waits);
	db_close(b.cx.db);
	arena_free(b.arena);
	s.env.wake_fd[WAKE_OUTBOX] = -1;
	close(fd);
	state_close(&s);
}

/* Every rule of the real table but the uniqueness of public ids. */
static void a_stand_in_has_the_rules_of_its_table(void **arg)
{
	static const char *const named[] = { "batch_kind", NULL }, *const wrong[] = { "no_such_index", NULL };
	struct state s;
	struct beside b;

	(void)arg;
	state_open(&s, 0);
	open_beside(&s, &b);
	assert_int_equal(
		db_stand_in(&b.cx, &(struct stand_in){ .table = "batch", .indexes = named }, NO_PARAMS),
		RC_OK);
	assert_int_equal(db_run(&b.cx, A_BATCH, PARAMS(P_TEXT(":id", "one"))), RC_OK);
	assert_int_equal(db_run(&b.cx, A_BATCH, PARAMS(P_TEXT(":id", "one"))), RC_OK);
	assert_int_equal(count_of(&b.cx, "SELECT count(*) FROM batch INDEXED BY batch_kind WHERE kind = 'k'"),
			 2);
	assert_int_equal(db_run(&b.cx, "UPDATE batch SET state = 'odd'", NO_PARAMS), RC_BUG);
	assert_int_equal(db_stand_in(&b.cx, &(struct stand_in){ .table = "contact" }, NO_PARAMS), RC_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(db_run(&b.cx,
					"INSERT INTO contact (kind, address, public_id, created_at)"
					" VALUES ('phone', '+1', 'p', 0)",
					NO_PARAMS),
				 i == 0 ? RC_OK : RC_CONFLICT);
	assert_int_equal(db_stand_in(&b.cx, &(struct stand_in){ .table = "no_such_table" }, NO_PARAMS),
			 RC_BUG);
	assert_int_equal(
		db_stand_in(&b.cx, &(struct stand_in){ .table = "client", .indexes = wrong }, NO_PARAMS),
		RC_BUG);
	close_beside(&b);
	assert_int_equal(db_stand_in(&s.cx, &meta, NO_PARAMS), RC_BUG); /* not on a connection that writes */
	state_close(&s);
}

/* All tables of the schema can be stood in for: what a later migration writes differently is found here. */
static void every_table_can_have_a_stand_in(void **arg)
{
	struct state s;
	struct beside b;
	struct value *rows = NULL;
	size_t n = 0;

	(void)arg;
	state_open(&s, 0);
	open_beside(&s, &b);
	assert_int_equal(
		db_rows(&b.cx, &rows, 500,
			"SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
			NO_PARAMS),
		RC_OK);
	for (const struct value *r = rows->first; r != NULL; r = r->next, n++) {
		const char *name = value_text_of(value_get(r, "name"), "");

		assert_int_equal(db_stand_in(&b.cx, &(struct stand_in){ .table = name }, NO_PARAMS), RC_OK);
		assert_int_equal(count_of(&b.cx, arena_printf(b.arena, "SELECT count(*) FROM temp.%s", name)),
				 0);
	}
	assert_true(n > 30);
	close_beside(&b);
	state_close(&s);
}

static void its_time_has_an_end(void **arg)
{
	struct state s;
	struct beside b;
	int64_t n = 0;

	(void)arg;
	state_open(&s, 0);
	open_beside(&s, &b);
	db_forecast_limit(b.cx.db, 20);
	assert_int_equal(db_get_int(&b.cx, &n,
				    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
				    " SELECT max(i) FROM n",
				    NO_PARAMS),
			 RC_TRY_LATER);
	assert_string_equal(b.cx.message, "");
	close_beside(&b);
	state_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_forecast_writes_only_it_can_see),
		cmocka_unit_test(a_forgotten_table_is_our_bug_even_when_nothing_would_change),
		cmocka_unit_test(nobody_waits_for_a_forecast_and_it_sees_one_moment),
		cmocka_unit_test(a_stand_in_has_the_rules_of_its_table),
		cmocka_unit_test(every_table_can_have_a_stand_in),
		cmocka_unit_test(its_time_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
