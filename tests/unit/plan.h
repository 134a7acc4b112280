/*
** plan.h -- asks SQLite how it would read every list that desk makes from the tables of resources: no
** list may read a whole table or sort it. Included by tests of desk and of the modules, after state.h.
*/
#ifndef RECADO_TESTS_PLAN_H
#define RECADO_TESTS_PLAN_H

#include "desk/desk.h"

/* What a line of a plan says against it, NULL if nothing: a table read through, or rows sorted after
** reading. */
static inline const char *plan_fault(const char *line)
{
	const char *scan = strstr(line, "SCAN ");

	if (strstr(line, "TEMP B-TREE") != NULL) return "sorts";
	if (scan == NULL || strstr(line, "USING") != NULL) return NULL;
	/* A page's own ids (p), its rows (o) and a bounded count (subquery) are read from first to last. */
	if (strcmp(scan, "SCAN p") == 0 || strcmp(scan, "SCAN o") == 0 ||
	    strcmp(scan, "SCAN CONSTANT ROW") == 0 || strncmp(scan, "SCAN (subquery", 14) == 0)
		return NULL;
	return "reads the whole table";
}

/* By row id is the order in which the table lies: read from an end, stopped by the page's limit. */
static inline bool plan_is_by_id(const char *sql)
{
	return strstr(sql, " ORDER BY t.id") != NULL;
}

static inline void plan_check(struct cx *cx, const char *what, const char *sql)
{
	struct query *q = NULL;
	size_t lines = 0;
	enum rc rc = db_query(cx, &q, arena_printf(cx->arena, "EXPLAIN QUERY PLAN %s", sql), NO_PARAMS);

	while (rc == RC_OK && query_next(q)) {
		const char *line = query_text(q, 3), *fault = plan_fault(line);

		lines++;
		if (fault != NULL && plan_is_by_id(sql) && strcmp(line, "SCAN t") == 0) fault = NULL;
		if (fault != NULL) fail_msg("%s %s: %s\n%s", what, fault, line, sql);
	}
	assert_int_equal(query_end(q, rc), RC_OK);
	assert_true(lines > 0);
}

/* Every pair of every resource that desk_setup() was given, for the actor of cx. Returns how many. */
static inline size_t plan_walk(struct cx *cx)
{
	const char *what = "", *sql = "";
	size_t n = 0;

	for (; desk_plan_at(cx, n, &what, &sql); n++) {
		struct actor actor = cx->actor;

		plan_check(cx, what, sql);
		cx_reset(cx);
		cx->actor = actor;
	}
	return n;
}

#endif
