/*
** plans.c -- every statement that the declared lists can ask for, for a test that looks at how each would
** run.
**
** Needs:  query.c for the statements.
** Never:  runs one.
** Holds:  each declared pair of sort and filter choice comes once, with and without search, as first page and
**         as a later one.
*/
#include "desk/inner.h"

#include <string.h>

/* The archived rows: first page and a later one. */
static bool plan_of_archived(struct cx *cx, const struct office *o, size_t *i, struct ask *ask,
			     const char **what)
{
	if (o->where_archived == NULL) return false;
	if (*i >= 2) {
		*i -= 2;
		return false;
	}
	*ask = (struct ask){ .o = o, .sort = &archived_sort, .is_down = true, .q = "", .is_archived = true };
	ask->limit = DESK_PAGE_ROWS;
	if (*i == 1)
		ask->cursor = (struct cursor){ .is_set = true,
					       .is_down = true,
					       .id = 1,
					       .sort = archived_sort.name,
					       .key_is_int = true };
	*what = arena_printf(cx->arena, "%s, archived%s", o->r->name, *i == 1 ? ", later page" : "");
	return true;
}

/*
** Pairs of one resource: each sort × (nothing, or one choice of one filter) × without and with search × first
** page and a later one. i counts through all of them; a resource without search skips that half.
*/
static bool plan_of(struct cx *cx, const struct office *o, size_t *i, struct ask *ask, const char **what)
{
	size_t picks = 1, pick, sort, half;
	bool with_search, with_cursor;

	for (size_t f = 0; f < o->filters; f++)
		picks += o->filter_choices[f] != NULL ? o->filter_choices[f]->count : 1;
	half = o->has_search ? 4 : 2;
	if (*i >= o->sorts * picks * half) {
		*i -= o->sorts * picks * half;
		return plan_of_archived(cx, o, i, ask, what);
	}
	sort = *i / (picks * half);
	pick = *i / half % picks;
	with_cursor = *i % 2 == 1;
	with_search = *i % half >= 2;
	*ask = (struct ask){
		.o = o, .sort = &o->r->sorts[sort], .q = with_search ? "ana" : "", .limit = DESK_PAGE_ROWS
	};
	ask->is_down = ask->sort->is_down;
	if (with_cursor)
		ask->cursor =
			(struct cursor){ .is_set = true, .id = 1, .sort = ask->sort->name, .key_text = "a" };
	*what = arena_printf(cx->arena, "%s by %s%s%s", o->r->name, ask->sort->name,
			     with_search ? ", searched" : "", with_cursor ? ", later page" : "");
	for (size_t f = 0; f < o->filters && pick > 0; f++) {
		size_t n = o->filter_choices[f] != NULL ? o->filter_choices[f]->count : 1;

		if (pick > n) {
			pick -= n;
			continue;
		}
		ask->filter_choice[f] = pick - 1;
		ask->filter[f] =
			o->filter_choices[f] != NULL ? o->filter_choices[f]->at[pick - 1].value : "1";
		ask->filter_id[f] = 1;
		*what = arena_printf(cx->arena, "%s, %s=%s", *what, o->r->filters[f].name, ask->filter[f]);
		break;
	}
	return true;
}

bool plan_at(struct cx *cx, size_t i, const char **what, const char **sql, struct statement_text *s)
{
	struct ask ask;

	for (size_t k = 0; office_at(k) != NULL; k++)
		if (plan_of(cx, office_at(k), &i, &ask, what))
			return rows_statement(cx, &ask, SELECT_LIST, ask.limit, s, sql) == RC_OK;
	return false;
}

/* The text with its parameters written in, for EXPLAIN alone: nothing of this is ever run. */
static const char *written_out(struct cx *cx, const char *sql, const struct statement_text *s)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, DESK_SQL_MAX);
	for (const char *p = statement_name(sql); p != NULL; p = statement_name(sql)) {
		size_t len = 1 + strspn(p + 1, "abcdefghijklmnopqrstuvwxyz0123456789_");
		const struct param *found = NULL;

		sb_bytes(&sb, sql, (size_t)(p - sql));
		for (size_t i = 0; i < s->count; i++)
			if ((strlen(s->param[i].name) == len && memcmp(p, s->param[i].name, len) == 0))
				found = &s->param[i];
		if (found != NULL && found->type == PARAM_INT)
			sb_int(&sb, found->integer);
		else
			sb_lit(&sb, "'a'");
		sql = p + len;
	}
	sb_text(&sb, sql);
	return sb_text_of(&sb);
}

bool desk_plan_at(struct cx *cx, size_t i, const char **what, const char **sql)
{
	struct statement_text s;

	if (!plan_at(cx, i, what, sql, &s)) return false;
	*sql = written_out(cx, *sql, &s);
	return true;
}
