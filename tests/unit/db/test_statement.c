/* db/statement.c, db/connect.c: questions, cursors, the cache, what errors mean. */
#include "state.h"
#include "db/inner.h"

#define PUT "INSERT INTO meta (key, value) VALUES (:key, :value)"

static enum rc put(struct state *s, const char *key, const char *value)
{
	enum rc rc = tx_begin(&s->cx);

	if (rc == RC_OK) rc = db_run(&s->cx, PUT, PARAMS(P_TEXT(":key", key), P_TEXT(":value", value)));
	return tx_end(&s->cx, rc);
}

static int cached(const struct db *db)
{
	int n = 0;

	for (size_t i = 0; i < DB_STATEMENTS_MAX; i++)
		n += db->cache[i].stmt != NULL;
	return n;
}

static void what_was_written_is_read_back_with_its_types(void **arg)
{
	struct state s;
	struct value *rows = NULL, *row = NULL;
	const char *text = NULL;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(put(&s, "a", "uno"), RC_OK);
	assert_int_equal(db_changes(&s.cx), 1);
	assert_int_equal(put(&s, "b", ""), RC_OK);
	assert_int_equal(
		db_rows(&s.cx, &rows, 10,
			"SELECT key AS name, length(value) AS n, NULL AS empty FROM meta ORDER BY key",
			NO_PARAMS),
		RC_OK);
	assert_int_equal(rows->count, 2);
	assert_string_equal(value_text_of(value_get(rows->first, "name"), "?"), "a");
	assert_int_equal(value_int_of(value_get(rows->first, "n"), -1), 3);
	assert_int_equal(value_get(rows->first, "empty")->type, VALUE_NULL);
	assert_int_equal(db_rows(&s.cx, &rows, 1, "SELECT key FROM meta ORDER BY key", NO_PARAMS), RC_OK);
	assert_int_equal(rows->count, 1);
	assert_int_equal(
		db_row(&s.cx, &row, "SELECT value FROM meta WHERE key = :k", PARAMS(P_TEXT(":k", "b"))),
		RC_OK);
	assert_string_equal(value_text_of(value_get(row, "value"), "?"), "");
	assert_int_equal(db_get_text(&s.cx, &text, "SELECT NULL", NO_PARAMS), RC_OK);
	assert_string_equal(text, "");
	state_close(&s);
}

static void a_question_without_an_answer_says_not_found(void **arg)
{
	struct state s;
	int64_t n = 7;
	const char *text = "before";
	struct value *row = NULL, *rows = NULL;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(db_get_int(&s.cx, &n, "SELECT 1 FROM meta", NO_PARAMS), RC_NOT_FOUND);
	assert_int_equal(n, 7);
	assert_int_equal(db_get_text(&s.cx, &text, "SELECT key FROM meta", NO_PARAMS), RC_NOT_FOUND);
	assert_string_equal(text, "before");
	assert_int_equal(db_row(&s.cx, &row, "SELECT key FROM meta", NO_PARAMS), RC_NOT_FOUND);
	assert_int_equal(db_rows(&s.cx, &rows, 5, "SELECT key FROM meta", NO_PARAMS), RC_OK);
	assert_int_equal(rows->count, 0);
	state_close(&s);
}

static void the_same_question_is_compiled_once(void **arg)
{
	struct state s;
	char other[] = "SELECT count(*) FROM meta";
	sqlite3_stmt *first;
	int before;

	(void)arg;
	state_open(&s, 0);
	before = cached(s.cx.db);
	(void)state_int(&s, "SELECT count(*) FROM meta");
	assert_int_equal(cached(s.cx.db), before + 1);
	first = s.cx.db->cache[before].stmt;
	for (int i = 0; i < 100; i++)
		(void)state_int(&s, other); /* the same words at another address */
	assert_int_equal(cached(s.cx.db), before + 1);
	assert_ptr_equal(s.cx.db->cache[before].stmt, first);
	state_close(&s);
}

static void more_questions_than_the_cache_holds_still_get_answers(void **arg)
{
	struct state s;
	char sql[64];

	(void)arg;
	state_open(&s, 0);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < DB_STATEMENTS_MAX + 5; i++) {
			snprintf(sql, sizeof sql, "SELECT %d", i);
			assert_int_equal(state_int(&s, sql), i);
		}
	assert_int_equal(cached(s.cx.db), DB_STATEMENTS_MAX);
	state_close(&s);
}

static void a_question_may_be_asked_again_while_its_answer_is_being_read(void **arg)
{
	struct state s;
	struct query *outer = NULL, *inner = NULL;
	int pairs = 0;
	enum rc rc;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(put(&s, "a", "1"), RC_OK);
	assert_int_equal(put(&s, "b", "2"), RC_OK);
	rc = db_query(&s.cx, &outer, "SELECT key FROM meta ORDER BY key", NO_PARAMS);
	while (rc == RC_OK && query_next(outer)) {
		rc = db_query(&s.cx, &inner, "SELECT key FROM meta ORDER BY key", NO_PARAMS);
		while (rc == RC_OK && query_next(inner))
			pairs++;
		rc = query_end(inner, rc);
	}
	assert_int_equal(query_end(outer, rc), RC_OK);
	assert_int_equal(pairs, 4);
	state_close(&s);
}

static void lists_within_lists_end_at_the_named_depth(void **arg)
{
	struct state s;
	struct query *q[DB_CURSORS_MAX + 1] = { NULL };

	(void)arg;
	state_open(&s, 0);
	for (int i = 0; i < DB_CURSORS_MAX; i++)
		assert_int_equal(db_query(&s.cx, &q[i], "SELECT 1", NO_PARAMS), RC_OK);
	assert_int_equal(db_query(&s.cx, &q[DB_CURSORS_MAX], "SELECT 1", NO_PARAMS), RC_BUG);
	for (int i = 0; i <= DB_CURSORS_MAX; i++)
		assert_int_equal(query_end(q[i], RC_OK), RC_OK);
	assert_int_equal(state_int(&s, "SELECT 1"), 1);
	state_close(&s);
}

static void the_words_of_a_question_may_vanish_while_its_rows_are_read(void **arg)
{
	struct state s;
	struct query *q = NULL;
	char key[8] = "a";
	enum rc rc;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(put(&s, "a", "1"), RC_OK);
	rc = db_query(&s.cx, &q, "SELECT :key FROM meta", PARAMS(P_TEXT(":key", key)));
	assert_int_equal(rc, RC_OK);
	snprintf(key, sizeof key, "zzz");
	assert_true(query_next(q));
	assert_string_equal(query_text(q, 0), "a");
	assert_int_equal(query_end(q, RC_OK), RC_OK);
	state_close(&s);
}

static void a_forgotten_or_unknown_parameter_is_our_bug(void **arg)
{
	struct state s;
	int64_t n = 0;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(db_get_int(&s.cx, &n, "SELECT :a + :b", PARAMS(P_INT(":a", 1))), RC_BUG);
	assert_int_equal(db_get_int(&s.cx, &n, "SELECT :a", NO_PARAMS), RC_BUG);
	assert_int_equal(db_get_int(&s.cx, &n, "SELECT :a", PARAMS(P_INT(":a", 1), P_INT(":x", 1))), RC_BUG);
	assert_int_equal(db_get_int(&s.cx, &n, "SELECT :a", PARAMS(P_INT(":a", 1), P_INT(":a", 2))), RC_BUG);
	assert_int_equal(db_get_int(&s.cx, &n, "SELECT :a + :a", PARAMS(P_INT(":a", 2))), RC_OK);
	assert_int_equal(n, 4);
	/* A value of an earlier use never comes back. */
	assert_int_equal(db_get_int(&s.cx, &n, "SELECT :a IS NULL", PARAMS(P_INT(":a", 2))), RC_OK);
	assert_int_equal(db_get_int(&s.cx, &n, "SELECT :a IS NULL", PARAMS(P_NULL(":a"))), RC_OK);
	assert_int_equal(n, 1);
	state_close(&s);
}

static void a_wide_row_has_its_parameters_up_to_the_limit(void **arg)
{
	static struct param params[DB_PARAMS_MAX + 2];
	static char names[DB_PARAMS_MAX + 1][16];
	struct state s;
	int64_t sum = 0;

	(void)arg;
	state_open(&s, 0);
	for (int extra = 0; extra < 2; extra++) {
		int count = DB_PARAMS_MAX + extra;
		struct sb sql;

		sb_init(&sql, 64 * 1024);
		sb_lit(&sql, "SELECT 0");
		for (int i = 0; i < count; i++) {
			snprintf(names[i], sizeof names[i], ":p%d", i);
			params[i] = (struct param)P_INT(names[i], 1);
			sb_printf(&sql, " + %s", names[i]);
		}
		params[count] = (struct param){ .name = NULL };
		assert_int_equal(db_get_int(&s.cx, &sum, sb_text_of(&sql), params),
				 extra == 0 ? RC_OK : RC_BUG);
		sb_free(&sql);
	}
	assert_int_equal(sum, DB_PARAMS_MAX);
	state_close(&s);
}

static void a_second_statement_behind_a_semicolon_never_runs(void **arg)
{
	struct state s;
	int64_t n = 0;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(db_get_int(&s.cx, &n, "SELECT 1; DELETE FROM meta", NO_PARAMS), RC_BUG);
	assert_int_equal(db_get_int(&s.cx, &n, "", NO_PARAMS), RC_BUG);
	assert_int_equal(db_get_int(&s.cx, &n, "SELECT nonsense", NO_PARAMS), RC_BUG);
	state_close(&s);
}

static void a_name_taken_is_a_conflict_and_so_is_a_missing_parent(void **arg)
{
	struct state s;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(put(&s, "a", "1"), RC_OK);
	assert_int_equal(put(&s, "a", "2"), RC_CONFLICT);
	assert_int_equal(
		state_run(&s, "INSERT INTO login_address (user_id, address, last_at) VALUES (99, 'x', 0)"),
		RC_CONFLICT);
	/* Anything else that the schema refuses is a fault of ours. */
	assert_int_equal(state_run(&s, "INSERT INTO role (name, title, is_builtin) VALUES ('r', 'R', 7)"),
			 RC_BUG);
	assert_int_equal(state_run(&s, "INSERT INTO role (name, title) VALUES ('r', NULL)"), RC_BUG);
	assert_int_equal(
		state_run(&s, "INSERT INTO role (name, title, is_builtin) VALUES ('r', 'R', 'text')"),
		RC_BUG);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM role"), 0);
	state_close(&s);
}

static void a_write_outside_a_transaction_is_refused(void **arg)
{
	struct state s;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(db_run(&s.cx, "DELETE FROM meta", NO_PARAMS), RC_BUG);
	assert_int_equal(tx_read(&s.cx), RC_OK);
	assert_int_equal(db_run(&s.cx, "DELETE FROM meta", NO_PARAMS), RC_BUG);
	assert_int_equal(tx_end(&s.cx, RC_OK), RC_OK);
	assert_int_equal(db_run(&s.cx, "SELECT 1", NO_PARAMS), RC_BUG);
	state_close(&s);
}

static void a_commit_that_goes_around_the_door_is_rolled_back(void **arg)
{
	struct state s;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(tx_begin(&s.cx), RC_OK);
	assert_int_equal(db_run(&s.cx, PUT, PARAMS(P_TEXT(":key", "k"), P_TEXT(":value", "v"))), RC_OK);
	assert_int_not_equal(db_run(&s.cx, "COMMIT", NO_PARAMS), RC_OK);
	assert_int_equal(tx_end(&s.cx, RC_OK), RC_IO);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM meta"), 0);
	state_close(&s);
}

static void an_endless_question_of_a_page_is_stopped_with_a_sentence(void **arg)
{
	struct state s;
	int64_t n = 0;

	(void)arg;
	state_open(&s, 0);
	db_limit_ms(s.cx.db, 20);
	assert_int_equal(
		db_get_int(
			&s.cx, &n,
			"WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT max(i) FROM c",
			NO_PARAMS),
		RC_TRY_LATER);
	assert_string_not_equal(s.cx.message, "");
	db_limit_ms(s.cx.db, 0);
	assert_int_equal(
		db_get_int(
			&s.cx, &n,
			"WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 200000) "
			"SELECT max(i) FROM c",
			NO_PARAMS),
		RC_OK);
	assert_int_equal(n, 200000);
	state_close(&s);
}

static void rows_that_do_not_fit_into_memory_are_an_error_not_a_short_list(void **arg)
{
	struct state s;
	struct arena *small = arena_new(64 * 1024), *kept;
	struct value *rows = NULL;

	(void)arg;
	state_open(&s, 0);
	kept = s.cx.arena;
	s.cx.arena = small;
	assert_int_equal(
		db_rows(&s.cx, &rows, 100000,
			"WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 100000) "
			"SELECT i FROM c",
			NO_PARAMS),
		RC_NO_MEMORY);
	assert_null(rows);
	s.cx.arena = kept;
	arena_free(small);
	state_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read_back_with_its_types),
		cmocka_unit_test(a_question_without_an_answer_says_not_found),
		cmocka_unit_test(the_same_question_is_compiled_once),
		cmocka_unit_test(more_questions_than_the_cache_holds_still_get_answers),
		cmocka_unit_test(a_question_may_be_asked_again_while_its_answer_is_being_read),
		cmocka_unit_test(lists_within_lists_end_at_the_named_depth),
		cmocka_unit_test(the_words_of_a_question_may_vanish_while_its_rows_are_read),
		cmocka_unit_test(a_forgotten_or_unknown_parameter_is_our_bug),
		cmocka_unit_test(a_wide_row_has_its_parameters_up_to_the_limit),
		cmocka_unit_test(a_second_statement_behind_a_semicolon_never_runs),
		cmocka_unit_test(a_name_taken_is_a_conflict_and_so_is_a_missing_parent),
		cmocka_unit_test(a_write_outside_a_transaction_is_refused),
		cmocka_unit_test(a_commit_that_goes_around_the_door_is_rolled_back),
		cmocka_unit_test(an_endless_question_of_a_page_is_stopped_with_a_sentence),
		cmocka_unit_test(rows_that_do_not_fit_into_memory_are_an_error_not_a_short_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
