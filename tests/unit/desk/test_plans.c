/* desk/query.c: no list reads a whole table or sorts it: asked of SQLite for every declared pair. */
#include "office.h"
#include "plan.h"

static void every_declared_filter_and_sort_reads_an_index(void **unused)
{
	struct shop s;

	(void)unused;
	shop_open(&s);
	/* people: 2 sorts × (1 + 2 + 1) × search × later page = 32; pets 2 × 2 × 4 = 16; and the house's own.
	 */
	assert_true(plan_walk(&s.state.cx) > 48);
	shop_as(&s, "seller", 7); /* with the row rule in it */
	assert_true(plan_walk(&s.state.cx) > 48);
	shop_close(&s);
}

static void a_sort_without_an_index_would_be_found_out(void **unused)
{
	struct shop s;
	struct statement_text st;
	struct query *q = NULL;
	const char *what = "", *sql = "";
	bool is_found = false;

	(void)unused;
	shop_open(&s);
	assert_int_equal(state_run(&s.state, "DROP INDEX person_list"), RC_OK);
	assert_int_equal(state_run(&s.state, "DROP INDEX person_size"), RC_OK);
	assert_true(plan_at(&s.state.cx, 0, &what, &sql, &st));
	assert_int_equal(
		db_query(&s.state.cx, &q, arena_printf(s.forever, "EXPLAIN QUERY PLAN %s", sql), st.param),
		RC_OK);
	while (query_next(q))
		is_found = is_found || plan_fault(query_text(q, 3)) != NULL;
	assert_int_equal(query_end(q, RC_OK), RC_OK);
	assert_true(is_found);
	shop_close(&s);
}

static void the_same_question_is_the_same_statement(void **unused)
{
	struct shop s;
	struct statement_text st;
	const char *what = "", *a = "", *b = "";

	(void)unused;
	shop_open(&s);
	for (size_t i = 0; plan_at(&s.state.cx, i, &what, &a, &st); i++) {
		assert_true(plan_at(&s.state.cx, i, &what, &b, &st));
		assert_string_equal(a, b);
	}
	assert_true(desk_plan_at(&s.state.cx, 0, &what, &b));
	shop_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_declared_filter_and_sort_reads_an_index),
		cmocka_unit_test(a_sort_without_an_index_would_be_found_out),
		cmocka_unit_test(the_same_question_is_the_same_statement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
