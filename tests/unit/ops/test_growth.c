/*
** test_growth.c -- what grows and is cleaned: nobody waits for it.
*/
#include "../state.h"

#include "ops/watch.h"

#define PLAN_IDS 512 /* ids of a plan's lines: small numbers */

/* Does the plan go through a whole table once more for each row of another? */
static bool looks_through_for_each_row(struct cx *cx, const char *sql)
{
	bool is_each[PLAN_IDS] = { false }, is_found = false;
	struct query *q = NULL;

	sql = arena_printf(cx->arena, "EXPLAIN QUERY PLAN %s", sql);
	assert_int_equal(strstr(sql, ":before") != NULL ? db_query(cx, &q, sql, PARAMS(P_INT(":before", 1)))
							: db_query(cx, &q, sql, NO_PARAMS),
			 RC_OK);
	while (query_next(q)) {
		int64_t id = query_int(q, 0), parent = query_int(q, 1);
		const char *what = query_text(q, 3);

		assert_in_range(id, 0, PLAN_IDS - 1);
		is_each[id] = is_each[parent] || strstr(what, "CORRELATED") != NULL;
		if (is_each[parent] && strncmp(what, "SCAN", 4) == 0) is_found = true;
	}
	assert_int_equal(query_end(q, RC_OK), RC_OK);
	return is_found;
}

static void cleaning_never_goes_through_a_table_for_each_row_of_another(void **unused)
{
	struct state s;
	int looked = 0;

	(void)unused;
	state_open(&s, 0);
	for (const struct growth_table *t = growth_tables; t->name != NULL; t++) {
		const char *sql;

		if (t->keys == NULL) continue;
		sql = arena_printf(s.arena, "SELECT %s FROM %s WHERE %s", t->keys, t->name, t->old);
		if (looks_through_for_each_row(&s.cx, sql)) fail_msg("%s: %s", t->name, t->old);
		looked++;
	}
	assert_in_range(looked, 5, 1000);
	assert_true(looks_through_for_each_row(
		&s.cx,
		"SELECT id FROM file WHERE NOT EXISTS (SELECT 1 FROM import i WHERE file.id IN (i.file_id, i.id + 1))"));
	state_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cleaning_never_goes_through_a_table_for_each_row_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
