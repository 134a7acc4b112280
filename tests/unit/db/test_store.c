/* db/store.c, db/migrate.c, db/snapshot.c, db/checkpoint.c, db/meta.c: the file as a whole. */
#include "state.h"
#include "db/inner.h"
#include <dirent.h>
#include <fcntl.h>

static const struct migration first = {
	.number = 1,
	.name = "0001_first.sql",
	.sql = "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;"
	       "CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES parent (id) "
	       "ON DELETE CASCADE) STRICT;"
	       "INSERT INTO parent VALUES (1, 'a'), (2, 'b');"
	       "INSERT INTO child VALUES (1, 1), (2, 1), (3, 2);",
};

/* A database file of its own, brought to `first`. */
static struct db *small_db(struct state *s, char path[300])
{
	struct db *db = NULL;

	snprintf(path, 300, "%s/small.db", s->dir);
	assert_int_equal(db_open_path(&db, path, false), RC_OK);
	assert_int_equal(migrate(db, &first, 1, 1000, LANG_EN, s->arena, &s->message, false), RC_OK);
	return db;
}

static enum rc second_step(struct state *s, struct db *db, const char *sql, bool is_rehearsal)
{
	struct migration list[2] = { first, { .number = 2, .name = "0002_second.sql" } };

	list[1].sql = sql;
	list[1].len = strlen(sql);
	s->message = "";
	return migrate(db, list, 2, 2000, LANG_EN, s->arena, &s->message, is_rehearsal);
}

static int64_t number(struct db *db, const char *sql)
{
	int64_t n = -999;

	assert_int_equal(connect_int(db, &n, sql), RC_OK);
	return n;
}

static void a_new_folder_gets_a_database_of_its_own(void **arg)
{
	struct state s;
	struct stat st;
	char path[300], mode[16];

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(db_version_of(&s.cx), db_version_known());
	assert_true(db_version_known() >= 2);
	assert_int_equal(state_int(&s, "PRAGMA application_id"), DB_APPLICATION_ID);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM schema_migration"), db_version_known());
	assert_int_equal(state_int(&s, "PRAGMA foreign_keys"), 1);
	assert_int_equal(state_int(&s, "PRAGMA synchronous"), 2);
	assert_int_equal(state_int(&s, "PRAGMA trusted_schema"), 0);
	assert_int_equal(state_int(&s, "PRAGMA temp_store"), 1);
	assert_int_equal(connect_text(s.cx.db, mode, sizeof mode, "PRAGMA journal_mode"), RC_OK);
	assert_string_equal(mode, "wal");
	snprintf(path, sizeof path, "%s/recado.db", s.dir);
	assert_string_equal(store_path(s.env.store), path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	state_close(&s);
}

static void the_second_start_changes_nothing(void **arg)
{
	struct state s;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(state_run(&s, "INSERT INTO meta (key, value) VALUES ('a', 'b')"), RC_OK);
	state_shut(&s);
	assert_int_equal(state_try_open(&s, true), RC_OK);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM meta"), 1);
	state_close(&s);
}

static void only_the_server_makes_a_database(void **arg)
{
	struct state s;

	(void)arg;
	state_make(&s, 0);
	assert_int_equal(state_try_open(&s, false), RC_CONFLICT);
	assert_non_null(strstr(s.message, "Start the server once"));
	state_close(&s);
}

static void a_database_of_a_newer_version_is_refused_with_a_sentence(void **arg)
{
	struct state s;

	(void)arg;
	state_open(&s, 0);
	s.cx.db->may_commit = true;
	assert_int_equal(connect_exec(s.cx.db, "PRAGMA user_version = 9999"), RC_OK);
	state_shut(&s);
	assert_int_equal(state_try_open(&s, true), RC_CONFLICT);
	assert_non_null(strstr(s.message, "newer version"));
	assert_non_null(strstr(s.message, "9999"));
	state_close(&s);
}

static void a_file_of_something_else_is_never_touched(void **arg)
{
	struct state s;
	char path[300];
	struct db *db = NULL;
	int fd;

	(void)arg;
	state_make(&s, 0);
	snprintf(path, sizeof path, "%s/recado.db", s.dir);
	assert_int_equal(db_open_path(&db, path, false), RC_OK);
	db->may_commit = true;
	assert_int_equal(connect_exec(db, "CREATE TABLE theirs (x)"), RC_OK);
	db_close(db);
	assert_int_equal(state_try_open(&s, true), RC_CONFLICT);
	assert_non_null(strstr(s.message, "is not a database of Recado"));
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(write(fd, "this is a letter, not a database\n", 33), 33);
	close(fd);
	assert_int_equal(state_try_open(&s, true), RC_IO);
	assert_non_null(strstr(s.message, "damaged"));
	state_close(&s);
}

static void an_older_database_is_copied_rehearsed_and_brought_up_to_date(void **arg)
{
	struct state s;
	struct migration list[MIGRATIONS_MAX];
	size_t count = 0;
	char copy[300], stale[300];
	const char *message = "";
	struct db *db = NULL;
	int fd;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(migrations_embedded(list, &count), RC_OK);
	list[count] = (struct migration){ .number = (int)count + 1,
					  .name = "9000_more.sql",
					  .sql = "CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT;" };
	snprintf(stale, sizeof stale, "%s/recado.db.before-0", s.dir);
	fd = open(stale, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(migrate_store(s.env.store, s.cx.db, list, count + 1, s.arena, &message), RC_OK);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM more"), 0);
	assert_int_equal(state_int(&s, "PRAGMA user_version"), (int64_t)count + 1);
	assert_int_equal(state_int(&s, "PRAGMA foreign_keys"), 1);
	assert_int_equal(access(stale, F_OK), -1);
	snprintf(copy, sizeof copy, "%s/recado.db.before-%zu", s.dir, count);
	assert_int_equal(db_verify(&s.cx, copy, &message), RC_OK);
	assert_int_equal(db_open_path(&db, copy, true), RC_OK);
	assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'more'"), 0);
	db_close(db);
	/* The store as a whole is now newer than this binary. */
	state_shut(&s);
	assert_int_equal(state_try_open(&s, true), RC_CONFLICT);
	state_close(&s);
}

static void a_step_that_fails_on_the_copy_never_reaches_the_database(void **arg)
{
	struct state s;
	struct migration list[MIGRATIONS_MAX];
	size_t count = 0;
	const char *message = "";

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(migrations_embedded(list, &count), RC_OK);
	list[count] = (struct migration){ .number = (int)count + 1,
					  .name = "9000_bad.sql",
					  .sql = "CREATE TABEL x;" };
	assert_int_equal(migrate_store(s.env.store, s.cx.db, list, count + 1, s.arena, &message), RC_BUG);
	assert_non_null(strstr(message, "9000_bad.sql"));
	assert_non_null(strstr(message, "Nothing was changed"));
	assert_int_equal(state_int(&s, "PRAGMA user_version"), (int64_t)count);
	state_close(&s);
}

static void a_parent_may_be_rebuilt_without_losing_its_children(void **arg)
{
	struct state s;
	char path[300];
	struct db *db;

	(void)arg;
	state_make(&s, 0);
	db = small_db(&s, path);
	assert_int_equal(
		second_step(
			&s, db,
			"CREATE TABLE parent_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL, note TEXT) STRICT;"
			"INSERT INTO parent_new SELECT id, name, NULL FROM parent;"
			"DROP TABLE parent; ALTER TABLE parent_new RENAME TO parent;",
			false),
		RC_OK);
	assert_int_equal(number(db, "SELECT count(*) FROM child"), 3);
	assert_int_equal(number(db, "PRAGMA user_version"), 2);
	db_close(db);
	state_close(&s);
}

static void a_step_that_leaves_children_without_parents_is_refused(void **arg)
{
	struct state s;
	char path[300];
	struct db *db;

	(void)arg;
	state_make(&s, 0);
	db = small_db(&s, path);
	assert_int_equal(second_step(&s, db, "DELETE FROM parent WHERE id = 2;", false), RC_BUG);
	assert_non_null(strstr(s.message, "child points nowhere"));
	assert_int_equal(number(db, "SELECT count(*) FROM parent"), 2);
	assert_int_equal(number(db, "PRAGMA foreign_keys"), 1);
	db_close(db);
	state_close(&s);
}

static void a_step_that_empties_a_table_it_does_not_name_is_refused(void **arg)
{
	struct state s;
	char path[300];
	struct db *db;

	(void)arg;
	state_make(&s, 0);
	db = small_db(&s, path);
	/* A comment or a text is no naming. The blank in this name keeps every word of the step
	** from being it. */
	assert_int_equal(
		second_step(
			&s, db,
			"CREATE TABLE \"odd name\" (x INTEGER) STRICT; INSERT INTO \"odd name\" VALUES (1);",
			false),
		RC_OK);
	db->may_commit = true;
	assert_int_equal(
		connect_exec(db, "PRAGMA user_version = 1; DELETE FROM schema_migration WHERE number = 2"),
		RC_OK);
	db->may_commit = false;
	assert_int_equal(
		second_step(&s, db,
			    "-- \"odd name\"\nSELECT 'odd name'; /* odd name */ DELETE FROM \"odd name\";",
			    false),
		RC_BUG);
	assert_non_null(strstr(s.message, "rows of odd name: 1 -> 0"));
	assert_int_equal(number(db, "SELECT count(*) FROM \"odd name\""), 1);
	assert_int_equal(
		second_step(&s, db, "-- child\nSELECT 'child'; /* child */ DELETE FROM child;", true), RC_OK);
	assert_int_equal(second_step(&s, db, "DROP TABLE \"odd name\";", true), RC_BUG);
	db_close(db);
	state_close(&s);
}

static void a_step_that_commits_by_itself_is_refused(void **arg)
{
	struct state s;
	char path[300];
	struct db *db;

	(void)arg;
	state_make(&s, 0);
	db = small_db(&s, path);
	assert_int_equal(
		second_step(&s, db, "CREATE TABLE kept (id INTEGER PRIMARY KEY) STRICT; COMMIT;", false),
		RC_BUG);
	assert_int_equal(
		second_step(&s, db, "CREATE TABLE kept (id INTEGER PRIMARY KEY) STRICT; ROLLBACK;", false),
		RC_BUG);
	assert_non_null(strstr(s.message, "it ended the transaction"));
	assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'kept'"), 0);
	assert_int_equal(number(db, "PRAGMA user_version"), 1);
	db_close(db);
	state_close(&s);
}

static void a_rehearsal_leaves_no_trace(void **arg)
{
	struct state s;
	char path[300];
	struct db *db;

	(void)arg;
	state_make(&s, 0);
	db = small_db(&s, path);
	assert_int_equal(second_step(&s, db, "CREATE TABLE kept (id INTEGER PRIMARY KEY) STRICT;", true),
			 RC_OK);
	assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'kept'"), 0);
	assert_int_equal(number(db, "PRAGMA user_version"), 1);
	db_close(db);
	state_close(&s);
}

static void a_copy_made_while_somebody_writes_is_one_moment(void **arg)
{
	struct state s;
	struct cx writer;
	char path[300];
	struct db *db = NULL;
	const char *message = "";

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(state_run(&s, "INSERT INTO meta (key, value) VALUES ('a', 'b')"), RC_OK);
	writer = s.cx;
	assert_int_equal(db_open(&writer.db, s.env.store), RC_OK);
	assert_int_equal(tx_begin(&writer), RC_OK);
	assert_int_equal(db_run(&writer, "INSERT INTO meta (key, value) VALUES ('half', 'x')", NO_PARAMS),
			 RC_OK);
	snprintf(path, sizeof path, "%s/copy.db", s.dir);
	assert_int_equal(db_snapshot(&s.cx, path), RC_OK);
	assert_int_equal(tx_end(&writer, RC_OK), RC_OK);
	db_close(writer.db);
	assert_int_equal(db_verify(&s.cx, path, &message), RC_OK);
	assert_int_equal(db_open_path(&db, path, true), RC_OK);
	assert_int_equal(number(db, "SELECT count(*) FROM meta"), 1);
	assert_int_not_equal(connect_exec(db, "DELETE FROM meta"), RC_OK);
	db_close(db);
	snprintf(path, sizeof path, "%s/copy.db-wal", s.dir);
	assert_int_equal(access(path, F_OK), -1);
	/* A folder that is not there: a sentence, and no leftovers. */
	snprintf(path, sizeof path, "%s/none/copy.db", s.dir);
	assert_int_equal(db_snapshot(&s.cx, path), RC_IO);
	assert_non_null(strstr(s.cx.message, path));
	state_close(&s);
}

static void a_bad_copy_is_found_out(void **arg)
{
	struct state s;
	char path[300];
	const char *message = "";
	char junk[64];
	struct db *db;
	int fd;

	(void)arg;
	state_open(&s, 0);
	snprintf(path, sizeof path, "%s/none.db", s.dir);
	assert_int_equal(db_verify(&s.cx, path, &message), RC_NOT_FOUND);
	db = small_db(&s, path);
	assert_int_equal(connect_exec(db, "PRAGMA foreign_keys=ON"), RC_OK);
	db->may_commit = true;
	assert_int_equal(connect_exec(db, "PRAGMA application_id = 5"), RC_OK);
	db_close(db);
	assert_int_equal(db_verify(&s.cx, path, &message), RC_BAD_INPUT);
	snprintf(path, sizeof path, "%s/copy.db", s.dir);
	assert_int_equal(db_snapshot(&s.cx, path), RC_OK);
	memset(junk, 'x', sizeof junk);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	for (off_t at = 4096; at < 4096 * 12; at += 512)
		assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
	close(fd);
	assert_int_not_equal(db_verify(&s.cx, path, &message), RC_OK);
	assert_string_not_equal(message, "");
	state_close(&s);
}

static void the_log_is_copied_into_the_file_without_a_writer_doing_it(void **arg)
{
	struct state s;
	struct store_figures figures = { 0 };
	enum rc rc = RC_OK;

	(void)arg;
	state_open(&s, 0);
	/* Some 5,000 pages: past the bound for copying several times. */
	for (int i = 0; i < 20 && rc == RC_OK; i++) {
		rc = tx_begin(&s.cx);
		if (rc == RC_OK)
			rc = db_run(&s.cx, "INSERT INTO meta (key, value) VALUES (:i, hex(zeroblob(500000)))",
				    PARAMS(P_INT(":i", i)));
		rc = tx_end(&s.cx, rc);
	}
	assert_int_equal(rc, RC_OK);
	for (int i = 0; i < 2000 && figures.checkpoints == 0; i++) {
		store_figures(s.env.store, &figures);
		usleep(5000);
	}
	assert_true(figures.checkpoints > 0);
	assert_true(figures.file_bytes > 1000000);
	state_shut(&s);
	assert_int_equal(state_try_open(&s, true), RC_OK);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM meta"), 20);
	state_close(&s);
}

static enum rc fill(struct state *s, int from, int to)
{
	enum rc rc = RC_OK;

	for (int i = from; i < to && rc == RC_OK; i++) {
		rc = tx_begin(&s->cx);
		if (rc == RC_OK)
			rc = db_run(&s->cx,
				    "INSERT INTO meta (key, value) VALUES (:i, hex(zeroblob(500000)))",
				    PARAMS(P_INT(":i", i)));
		rc = tx_end(&s->cx, rc);
	}
	return rc;
}

static void a_reader_that_stays_does_not_stop_writers_and_the_log_shrinks_after_it(void **arg)
{
	struct state s;
	struct cx reader;
	struct store_figures figures = { 0 };
	int64_t n = 0;

	(void)arg;
	state_open(&s, 0);
	reader = s.cx;
	assert_int_equal(db_open(&reader.db, s.env.store), RC_OK);
	assert_int_equal(tx_read(&reader), RC_OK);
	assert_int_equal(db_get_int(&reader, &n, "SELECT count(*) FROM meta", NO_PARAMS), RC_OK);
	assert_int_equal(fill(&s, 0, 40), RC_OK); /* 40 MB: past DB_WAL_PAGES_RESTART */
	assert_int_equal(db_get_int(&reader, &n, "SELECT count(*) FROM meta", NO_PARAMS), RC_OK);
	assert_int_equal(n, 0);
	store_figures(s.env.store, &figures);
	assert_true(figures.wal_bytes > DB_WAL_BYTES_KEPT);
	assert_int_equal(tx_end(&reader, RC_OK), RC_OK);
	/* The next commits find nobody in the way: the log begins anew and is cut back. */
	for (int i = 40; i < 2000 && figures.wal_bytes > DB_WAL_BYTES_KEPT; i++) {
		assert_int_equal(fill(&s, i, i + 1), RC_OK);
		usleep(2000);
		store_figures(s.env.store, &figures);
	}
	assert_true(figures.wal_bytes <= DB_WAL_BYTES_KEPT);
	db_close(reader.db);
	state_close(&s);
}

static void the_house_remembers_a_word_and_history_keeps_who_did_what(void **arg)
{
	struct state s;
	const char *text = NULL;
	struct value *before, *row = NULL;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(meta_get(&s.cx, &text, "setup"), RC_OK);
	assert_string_equal(text, "");
	assert_int_equal(meta_set(&s.cx, "setup", "x"), RC_BUG); /* outside a transaction */
	assert_int_equal(tx_begin(&s.cx), RC_OK);
	assert_int_equal(meta_set(&s.cx, "setup", "x"), RC_OK);
	assert_int_equal(meta_set(&s.cx, "setup", "y"), RC_OK);
	before = value_map(s.arena);
	value_set_text(s.arena, before, "name", "María");
	assert_int_equal(audit_add(&s.cx, "edit", "client", 7, before, NULL), RC_OK);
	assert_int_equal(tx_end(&s.cx, RC_OK), RC_OK);
	assert_int_equal(meta_get(&s.cx, &text, "setup"), RC_OK);
	assert_string_equal(text, "y");
	assert_int_equal(db_row(&s.cx, &row, "SELECT * FROM audit", NO_PARAMS), RC_OK);
	assert_string_equal(value_text_of(value_get(row, "actor"), ""), "system");
	assert_string_equal(value_text_of(value_get(row, "before_json"), ""), "{\"name\":\"María\"}");
	assert_int_equal(value_get(row, "after_json")->type, VALUE_NULL);
	assert_int_equal(value_int_of(value_get(row, "row_id"), 0), 7);
	state_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_folder_gets_a_database_of_its_own),
		cmocka_unit_test(the_second_start_changes_nothing),
		cmocka_unit_test(only_the_server_makes_a_database),
		cmocka_unit_test(a_database_of_a_newer_version_is_refused_with_a_sentence),
		cmocka_unit_test(a_file_of_something_else_is_never_touched),
		cmocka_unit_test(an_older_database_is_copied_rehearsed_and_brought_up_to_date),
		cmocka_unit_test(a_step_that_fails_on_the_copy_never_reaches_the_database),
		cmocka_unit_test(a_parent_may_be_rebuilt_without_losing_its_children),
		cmocka_unit_test(a_step_that_empties_a_table_it_does_not_name_is_refused),
		cmocka_unit_test(a_step_that_leaves_children_without_parents_is_refused),
		cmocka_unit_test(a_step_that_commits_by_itself_is_refused),
		cmocka_unit_test(a_rehearsal_leaves_no_trace),
		cmocka_unit_test(a_copy_made_while_somebody_writes_is_one_moment),
		cmocka_unit_test(a_bad_copy_is_found_out),
		cmocka_unit_test(the_log_is_copied_into_the_file_without_a_writer_doing_it),
		cmocka_unit_test(a_reader_that_stays_does_not_stop_writers_and_the_log_shrinks_after_it),
		cmocka_unit_test(the_house_remembers_a_word_and_history_keeps_who_did_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
