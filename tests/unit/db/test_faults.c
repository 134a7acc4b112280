/* The room db when memory, the disk or its sync fails at the n-th call, for every n. All or nothing,
** and what was committed stays. */
#include "state.h"
#include "db/inner.h"
#include "db/faults.h"

#define FAULTS_MOST \
	5000 /* far more than a small transaction has of anything: the loop below must end by itself */

/* Two rows that belong together, through the whole path: cached statements, JSON, commit. */
static enum rc write_pair(struct cx *cx, long n)
{
	char one[32], two[32];
	struct value *rows = NULL;
	enum rc rc = tx_begin(cx);

	snprintf(one, sizeof one, "%ld.a", n);
	snprintf(two, sizeof two, "%ld.b", n);
	if (rc == RC_OK) rc = meta_set(cx, one, "x");
	if (rc == RC_OK)
		rc = db_rows(cx, &rows, 10, "SELECT key, value FROM meta ORDER BY key LIMIT 3", NO_PARAMS);
	if (rc == RC_OK) rc = audit_add(cx, "edit", "meta", n, rows, NULL);
	if (rc == RC_OK) rc = meta_set(cx, two, "x");
	return tx_end(cx, rc);
}

/* The failing call may be an fsync of the commit itself: then nobody can know, but never half of it. */
static void check_pairs(struct state *s, long n, enum rc said)
{
	char sql[128];
	int64_t rows;

	snprintf(sql, sizeof sql, "SELECT count(*) FROM meta WHERE key IN ('%ld.a', '%ld.b')", n, n);
	rows = state_int(s, sql);
	if (said == RC_OK)
		assert_int_equal(rows, 2);
	else
		assert_true(rows == 0 || rows == 2);
	if (said == RC_NO_MEMORY) assert_int_equal(rows, 0);
}

static long try_all(enum fault what, bool is_lasting)
{
	struct state s;
	long n;

	state_open(&s, 0);
	for (n = 1; n < FAULTS_MOST; n++) {
		bool was_hit;
		enum rc rc;

		fault_at(what, n, is_lasting);
		rc = write_pair(&s.cx, n);
		was_hit = fault_fired();
		fault_at(FAULT_NONE, 0, false);
		assert_false(tx_is_open(&s.cx));
		if (rc != RC_OK) assert_true(rc == RC_NO_MEMORY || rc == RC_IO);
		check_pairs(&s, n, rc);
		/* What is on the disk is the same as what this process believes. */
		state_shut(&s);
		assert_int_equal(state_try_open(&s, true), RC_OK);
		check_pairs(&s, n, rc);
		cx_reset(&s.cx);
		if (!was_hit) {
			assert_int_equal(rc, RC_OK);
			break;
		}
	}
	assert_true(n < FAULTS_MOST);
	assert_true(n > 1);
	assert_int_equal(
		state_int(&s, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
		0);
	state_close(&s);
	return n;
}

static void memory_that_runs_out_anywhere_leaves_all_or_nothing(void **arg)
{
	(void)arg;
	assert_true(try_all(FAULT_MEMORY, false) > 20);
	(void)try_all(FAULT_MEMORY, true);
}

static void a_disk_that_is_full_anywhere_leaves_all_or_nothing(void **arg)
{
	(void)arg;
	(void)try_all(FAULT_WRITE, false);
	(void)try_all(FAULT_WRITE, true);
}

static void a_disk_that_does_not_sync_leaves_all_or_nothing(void **arg)
{
	(void)arg;
	(void)try_all(FAULT_SYNC, false);
	(void)try_all(FAULT_SYNC, true);
}

/* An upgrade on a disk that fills up half-way. */
static void an_upgrade_on_a_full_disk_changes_nothing(void **arg)
{
	struct state s;
	struct migration list[MIGRATIONS_MAX];
	const char *message = "";
	size_t count = 0;
	long n;

	(void)arg;
	assert_int_equal(migrations_embedded(list, &count), RC_OK);
	list[count] = (struct migration){ .number = (int)count + 1,
					  .name = "9000_more.sql",
					  .sql = "CREATE TABLE more (id INTEGER PRIMARY KEY, x TEXT) STRICT;"
						 "INSERT INTO more (x) VALUES (hex(zeroblob(20000)));" };
	for (n = 1; n < FAULTS_MOST; n += 7) {
		int64_t version;
		enum rc rc;

		state_open(&s, 0);
		fault_at(FAULT_WRITE, n, true);
		rc = migrate_store(s.env.store, s.cx.db, list, count + 1, s.arena, &message);
		fault_at(FAULT_NONE, 0, false);
		version = state_int(&s, "PRAGMA user_version");
		assert_int_equal(version, rc == RC_OK ? (int64_t)count + 1 : (int64_t)count);
		assert_int_equal(state_int(&s, "SELECT count(*) FROM sqlite_schema WHERE name = 'more'"),
				 rc == RC_OK);
		assert_int_equal(state_int(&s, "PRAGMA foreign_keys"), 1);
		state_close(&s);
		if (!fault_fired() && rc == RC_OK) break;
	}
	assert_true(n < FAULTS_MOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_that_runs_out_anywhere_leaves_all_or_nothing),
		cmocka_unit_test(a_disk_that_is_full_anywhere_leaves_all_or_nothing),
		cmocka_unit_test(a_disk_that_does_not_sync_leaves_all_or_nothing),
		cmocka_unit_test(an_upgrade_on_a_full_disk_changes_nothing),
	};

	faults_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
