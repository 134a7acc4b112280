/* db/side.c: a database file beside recado.db. */
#include "state.h"
#include "db/inner.h"
#include <fcntl.h>

#define ID 0x52435250

static const char *const steps[] = {
	"CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT; INSERT INTO a VALUES (1)",
	"CREATE TABLE b (id INTEGER PRIMARY KEY) STRICT", "CREATE TABLE broken ("
};
static struct state s;
static char path[300];

static enum rc try_open(struct store **out, size_t count, int32_t id)
{
	struct side_file side = { .path = path, .id = id, .steps = steps, .count = count };

	*out = NULL;
	return store_open_side(out, &s.env, s.arena, &s.message, &side);
}

static int64_t number(struct store *store, const char *sql)
{
	struct db *db = NULL;
	int64_t n = -1;

	assert_int_equal(db_open(&db, store), RC_OK);
	if (connect_int(db, &n, sql) != RC_OK) n = -1;
	db_close(db);
	return n;
}

static void house_open(void)
{
	state_open(&s, 0);
	snprintf(path, sizeof path, "%s/side.db", s.dir);
}

static void a_file_is_made_and_brought_up_to_date_by_its_steps(void **unused)
{
	struct store *store;
	struct stat st;

	(void)unused;
	house_open();
	assert_int_equal(try_open(&store, 1, ID), RC_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(number(store, "PRAGMA application_id"), ID);
	assert_int_equal(number(store, "PRAGMA user_version"), 1);
	store_close(store);
	assert_int_equal(try_open(&store, 2, ID), RC_OK);
	assert_int_equal(number(store, "PRAGMA user_version"), 2);
	assert_int_equal(number(store, "SELECT (SELECT count(*) FROM a) * 10 + (SELECT count(*) FROM b)"),
			 10);
	store_close(store);
	state_close(&s);
}

static void steps_are_taken_all_or_none(void **unused)
{
	struct store *store;

	(void)unused;
	house_open();
	assert_int_not_equal(try_open(&store, 3, ID), RC_OK);
	assert_null(store);
	assert_int_equal(try_open(&store, 1, ID), RC_OK);
	assert_int_equal(number(store, "SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), 0);
	store_close(store);
	state_close(&s);
}

static void what_is_not_ours_or_newer_or_damaged_is_left_as_it_is(void **unused)
{
	struct store *store;
	struct stat before, after;
	int fd;

	(void)unused;
	house_open();
	assert_int_equal(try_open(&store, 2, ID), RC_OK);
	store_close(store);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(try_open(&store, 1, ID), RC_CONFLICT);
	assert_non_null(strstr(s.message, "newer"));
	assert_int_equal(try_open(&store, 2, ID + 1), RC_CONFLICT);
	assert_non_null(strstr(s.message, "another program"));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "no database at all", 18, 0), 18);
	close(fd);
	assert_int_equal(try_open(&store, 2, ID), RC_IO);
	assert_non_null(strstr(s.message, "damaged"));
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	/* Nor through a link that somebody laid. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(try_open(&store, 2, ID), RC_IO);
	state_close(&s);
}

static void a_file_that_was_replaced_is_noticed(void **unused)
{
	struct store *store;
	int fd;

	(void)unused;
	house_open();
	assert_int_equal(try_open(&store, 1, ID), RC_OK);
	assert_true(store_is_in_place(store));
	assert_int_equal(rename(path, arena_printf(s.arena, "%s.old", path)), 0);
	assert_false(store_is_in_place(store));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_false(store_is_in_place(store));
	store_close(store);
	state_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_made_and_brought_up_to_date_by_its_steps),
		cmocka_unit_test(steps_are_taken_all_or_none),
		cmocka_unit_test(what_is_not_ours_or_newer_or_damaged_is_left_as_it_is),
		cmocka_unit_test(a_file_that_was_replaced_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
