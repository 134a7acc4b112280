/*
** list.c -- the list of a resource: page, JSON or file of the same rows.
**
** Never:  counts the table (only on request, up to DESK_COUNT_MAX).
** Holds:  (1) the three shapes have the same rows, filters and order; (2) every link of the page keeps
**         search, filters and sort; (3) only a page of rows is ever in memory.
*/
#include "desk/export.h"

#include "base/text.h"
#include <string.h>

static const char *get_query(void *arg, const char *name)
{
	return call_query(arg, name);
}

static const struct office_arg *arg_of(const struct call *call)
{
	return call_arg(call);
}

/* JSON */

/* A misspelt filter would quietly answer everything, so a program is told. */
static enum rc check_names(struct cx *cx, const struct office *o, struct call *call)
{
	static const char *const own[] = { "q", "sort", "dir", "cursor", "limit", "count", "lang" };
	const char *known[DESK_FILTERS_MAX + 8] = { NULL };
	const char *p = request_query_raw(call_request(call));
	size_t n = 0;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		known[n++] = own[i];
	for (size_t i = 0; i < o->filters; i++)
		known[n++] = o->r->filters[i].name;
	while (*p != '\0') {
		size_t part = strcspn(p, "&"), len = strcspn(p, "=&");
		char *name = arena_bytes(cx->arena, p, len);
		bool is_known = len == 0;
		const char *near;

		for (size_t i = 0; i < n && !is_known; i++)
			is_known = strcmp(known[i], name) == 0;
		near = is_known ? NULL : text_nearest(name, known);
		if (!is_known) {
			cx->error_code = "unknown_parameter";
			(void)(near != NULL ? cx_fail_field(cx, name,
							    _("“%s” is not known here; did you mean “%s”?"),
							    name, near)
					    : cx_fail_field(cx, name, _("“%s” is not known here."), name));
			return cx_fail(cx, RC_BAD_INPUT, "%s", cx->fields[0].message);
		}
		p += part;
		p += *p == '&';
	}
	return RC_OK;
}

static void set_cursor(struct cx *cx, struct value *out, const char *key, const char *cursor)
{
	if (cursor != NULL)
		value_set_text(cx->arena, out, key, cursor);
	else
		value_set_null(cx->arena, out, key);
}

static enum rc list_json(struct cx *cx, struct call *call, const struct office *o)
{
	struct value *out = value_map(cx->arena), *data = value_set_list(cx->arena, out, "data");
	struct ask ask;
	struct rows rows;
	const char *count = call_query(call, "count");
	int64_t n = 0;
	enum rc rc = check_names(cx, o, call);

	if (rc == RC_OK) rc = ask_read(cx, &ask, o, get_query, call, DESK_API_ROWS, DESK_API_ROWS_MAX);
	if (rc == RC_OK) rc = rows_of(cx, &ask, SELECT_API, &rows);
	if (rc == RC_OK && count != NULL && count[0] != '\0') {
		rc = rows_count(cx, &ask, &n);
		if (rc == RC_OK) value_set_int(cx->arena, out, "count", n);
		if (rc == RC_OK) value_set_bool(cx->arena, out, "count_is_limit", n >= DESK_COUNT_MAX);
	}
	if (rc != RC_OK) return rc;
	for (const struct value *v = rows.list->first; v != NULL; v = v->next)
		value_append(data, row_json(cx, o, v));
	set_cursor(cx, out, "next", rows.next);
	set_cursor(cx, out, "previous", rows.previous);
	answer_json(cx, call, 200, out);
	return RC_OK;
}

/* Page */

static void fill_columns(struct cx *cx, const struct ask *ask, const char *path, struct value *page)
{
	const struct office *o = ask->o;
	struct value *columns = value_set_list(cx->arena, page, "columns");

	for (size_t i = 0; i < o->columns; i++) {
		const struct column *c = &o->r->columns[i];
		struct value *out;

		if (!column_is_in(c, SELECT_LIST)) continue;
		out = value_add_map(cx->arena, columns);
		value_set_text(cx->arena, out, "title", words_get(cx->lang, c->title));
		if (c->type == COLUMN_INT || c->type == COLUMN_CENTS)
			value_set_bool(cx->arena, out, "is_number", true);
		for (const struct sort *s = o->r->sorts; s->name != NULL; s++) {
			bool is_this = s == ask->sort;

			if (strcmp(s->name, c->name) != 0) continue;
			value_set_text(
				cx->arena, out, "href",
				ask_address(cx, ask, path, s, is_this ? !ask->is_down : s->is_down, NULL));
			value_set_bool(cx->arena, out, "is_up", is_this && !ask->is_down);
			value_set_bool(cx->arena, out, "is_down", is_this && ask->is_down);
		}
	}
}

/* Every sort with its two directions, for a phone that shows no column heads. */
static void fill_sorts(struct cx *cx, const struct ask *ask, const char *path, struct value *page)
{
	struct value *sorts = value_set_list(cx->arena, page, "sorts");

	for (const struct sort *s = ask->o->r->sorts; s->name != NULL; s++) {
		struct value *out = value_add_map(cx->arena, sorts);
		bool is_this = s == ask->sort;

		value_set_text(cx->arena, out, "title", words_get(cx->lang, s->title));
		value_set_text(cx->arena, out, "href",
			       ask_address(cx, ask, path, s, is_this ? !ask->is_down : s->is_down, NULL));
		value_set_bool(cx->arena, out, "is_current", is_this);
		value_set_bool(cx->arena, out, "is_down", is_this && ask->is_down);
	}
	value_set_bool(cx->arena, page, "has_sorts", ask->o->sorts > 1);
}

static void fill_choices(struct cx *cx, const struct choices *choices, const char *current, struct value *out)
{
	struct value *list = value_set_list(cx->arena, out, "choices");

	for (size_t k = 0; k < choices->count; k++) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "value", choices->at[k].value);
		value_set_text(cx->arena, one, "title", words_get(cx->lang, choices->at[k].title));
		value_set_bool(cx->arena, one, "is_selected",
			       current != NULL && strcmp(current, choices->at[k].value) == 0);
	}
}

static void fill_filters(struct cx *cx, const struct ask *ask, struct value *page)
{
	const struct office *o = ask->o;
	struct value *filters = value_set_list(cx->arena, page, "filters");
	bool has_any = ask->q[0] != '\0';

	for (size_t i = 0; i < o->filters; i++) {
		struct value *out = value_add_map(cx->arena, filters);

		value_set_text(cx->arena, out, "name", o->r->filters[i].name);
		value_set_text(cx->arena, out, "title", words_get(cx->lang, o->r->filters[i].title));
		value_set_text(cx->arena, out, "value",
			       ask->filter_shown[i] != NULL ? ask->filter_shown[i] : "");
		value_set_bool(cx->arena, out, "is_choice", o->filter_choices[i] != NULL);
		value_set_text(cx->arena, out, "type",
			       filter_wants_date(&o->r->filters[i]) ? "date" : "text");
		if (o->filter_choices[i] != NULL) fill_choices(cx, o->filter_choices[i], ask->filter[i], out);
		if (ask->filter[i] != NULL) has_any = true;
	}
	value_set_bool(cx->arena, page, "has_tools", o->filters > 0 || o->has_search);
	value_set_bool(cx->arena, page, "has_search", o->has_search);
	value_set_bool(cx->arena, page, "is_filtered", has_any);
	value_set_text(cx->arena, page, "q", ask->q);
	value_set_text(cx->arena, page, "sort_name", ask->sort == &o->r->sorts[0] ? "" : ask->sort->name);
	value_set_text(cx->arena, page, "sort_dir",
		       ask->is_down == ask->sort->is_down ? ""
		       : ask->is_down                     ? "down"
							  : "up");
}

static void fill_rows(struct cx *cx, const struct office *o, const struct rows *rows, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "rows");
	const char *titles[DESK_COLUMNS_MAX];

	for (size_t i = 0; i < o->columns; i++)
		titles[i] = words_get(cx->lang, o->r->columns[i].title);
	for (const struct value *row = rows->list->first; row != NULL; row = row->next) {
		struct value *out = value_add_map(cx->arena, list), *cells;
		bool is_first = true;

		value_set_text(cx->arena, out, "id", row_public_id(cx, o, row));
		value_set_text(cx->arena, out, "name", row_name(cx, o, row));
		/* What most cells lack is found here, one step out, not at the end of the page. */
		value_set_null(cx->arena, out, "href");
		value_set_null(cx->arena, out, "mark");
		value_set_null(cx->arena, out, "is_number");
		value_set_null(cx->arena, out, "is_short");
		cells = value_set_list(cx->arena, out, "cells");
		for (size_t i = 0; i < o->columns; i++) {
			struct value *cell;

			if (!column_is_in(&o->r->columns[i], SELECT_LIST)) continue;
			cell = value_add_map(cx->arena, cells);
			cell_fill(cx, o, i, row, cell);
			value_set_text(cx->arena, cell, "title", titles[i]);
			if (is_first) value_set_text(cx->arena, cell, "href", row_path(cx, o, row));
			is_first = false;
		}
	}
	value_set_bool(cx->arena, page, "is_empty", rows->list->count == 0);
}

static void fill_bulk(struct cx *cx, const struct office *o, struct value *page)
{
	struct value *actions = value_set_list(cx->arena, page, "bulk");

	for (size_t i = 0; i < o->actions; i++) {
		const struct action *a = &o->r->actions[i];
		const char *right = a->right != NULL ? a->right : o->r->right_edit;
		struct value *out;

		if (!a->is_bulk || a->run == NULL || right == NULL || !actor_may(&cx->actor, right)) continue;
		out = value_add_map(cx->arena, actions);
		value_set_text(cx->arena, out, "title", words_get(cx->lang, a->title));
		value_set_text(cx->arena, out, "href",
			       arena_printf(cx->arena, "/%s/actions/%s", o->r->name, a->name));
		value_set_bool(cx->arena, out, "is_dangerous", a->is_dangerous);
	}
	value_set_bool(cx->arena, page, "has_bulk", actions->count > 0);
}

static enum rc fill_count(struct cx *cx, struct call *call, const struct ask *ask, const struct rows *rows,
			  struct value *page)
{
	const char *wanted = call_query(call, "count");
	int64_t n = (int64_t)rows->list->count;
	enum rc rc;

	if (rows->next == NULL && rows->previous == NULL) { /* all of them stand here */
		value_set_text(cx->arena, page, "count", arena_printf(cx->arena, "%lld", (long long)n));
		return RC_OK;
	}
	value_set_text(cx->arena, page, "count_href", call_url(cx, call, "count", "1"));
	if (wanted == NULL || wanted[0] == '\0') return RC_OK;
	rc = rows_count(cx, ask, &n);
	if (rc == RC_OK && n >= DESK_COUNT_MAX)
		value_set_text(cx->arena, page, "count",
			       arena_printf(cx->arena, _("more than %d"), DESK_COUNT_MAX - 1));
	else if (rc == RC_OK)
		value_set_text(cx->arena, page, "count", arena_printf(cx->arena, "%lld", (long long)n));
	return rc;
}

static void fill_pager(struct cx *cx, const struct ask *ask, const char *path, const struct rows *rows,
		       struct value *page)
{
	if (rows->next != NULL)
		value_set_text(cx->arena, page, "next",
			       ask_address(cx, ask, path, ask->sort, ask->is_down, rows->next));
	if (rows->previous != NULL)
		value_set_text(cx->arena, page, "previous",
			       ask_address(cx, ask, path, ask->sort, ask->is_down, rows->previous));
	value_set_bool(cx->arena, page, "has_pager", rows->next != NULL || rows->previous != NULL);
}

static void fill_doors(struct cx *cx, const struct ask *ask, struct value *page)
{
	const struct resource *r = ask->o->r;
	const char *csv = ask_address(cx, ask, arena_printf(cx->arena, "/%s.csv", r->name), ask->sort,
				      ask->is_down, NULL);

	value_set_text(cx->arena, page, "csv", csv);
	value_set_text(cx->arena, page, "xlsx",
		       ask_address(cx, ask, arena_printf(cx->arena, "/%s.xlsx", r->name), ask->sort,
				   ask->is_down, NULL));
	value_set_text(cx->arena, page, "csv_excel",
		       arena_printf(cx->arena, "%s%cseparator=semicolon", csv,
				    strchr(csv, '?') != NULL ? '&' : '?'));
	if (r->can_create && office_may_edit(cx, r))
		value_set_text(cx->arena, page, "new",
			       r->new_page != NULL ? r->new_page
						   : arena_printf(cx->arena, "/%s/new", r->name));
}

/* What was asked cannot be: the sentence stands over an empty list, with the search box to mend it. */
static void ask_refused(struct cx *cx, struct call *call, const struct office *o, struct ask *ask,
			struct rows *rows, struct value *page)
{
	const char *q = call_query(call, "q");

	*ask = (struct ask){ .o = o, .sort = &o->r->sorts[0], .is_down = o->r->sorts[0].is_down };
	ask->q = q != NULL && text_length(q) <= DESK_SEARCH_MAX ? q : "";
	*rows = (struct rows){ .list = value_list(cx->arena) };
	value_set_text(cx->arena, page, "failure", cx_sentence(cx, RC_BAD_INPUT));
}

static enum rc list_page(struct cx *cx, struct call *call, const struct office *o)
{
	const struct resource *r = o->r;
	const char *path = arena_printf(cx->arena, "/%s", r->name), *title = words_get(cx->lang, r->title);
	struct value *page = value_map(cx->arena);
	struct ask ask;
	struct rows rows;
	enum rc asked = ask_read(cx, &ask, o, get_query, call, DESK_PAGE_ROWS, DESK_PAGE_ROWS), rc;

	if (asked == RC_BAD_INPUT) ask_refused(cx, call, o, &ask, &rows, page);
	rc = asked == RC_OK ? rows_of(cx, &ask, SELECT_LIST, &rows) : asked == RC_BAD_INPUT ? RC_OK : asked;
	if (rc == RC_OK) rc = fill_count(cx, call, &ask, &rows, page);
	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, page, "resource", r->name);
	value_set_text(cx->arena, page, "list_path", path);
	value_set_text(cx->arena, page, "title_one", words_get(cx->lang, r->title_one));
	value_set_text(cx->arena, page, "empty", words_get(cx->lang, r->empty));
	fill_columns(cx, &ask, path, page);
	fill_sorts(cx, &ask, path, page);
	fill_filters(cx, &ask, page);
	if (asked != RC_OK) value_set_bool(cx->arena, page, "is_filtered", true);
	fill_bulk(cx, o, page);
	fill_rows(cx, o, &rows, page);
	fill_pager(cx, &ask, path, &rows, page);
	fill_doors(cx, &ask, page);
	if (r->list_extra != NULL) desk_kept(cx, page, r->name, r->list_extra);
	page_answer(cx, call, r->list_template != NULL ? r->list_template : "desk/list", title, page);
	if (asked != RC_OK) reply_status(call_reply(call), rc_row(asked)->http);
	return RC_OK;
}

enum rc handle_list(struct cx *cx, struct call *call)
{
	const struct office *o = arg_of(call)->office;

	switch (call_shape(call)) {
	case SHAPE_PAGE: return list_page(cx, call, o);
	case SHAPE_JSON: return list_json(cx, call, o);
	case SHAPE_CSV:
	case SHAPE_XLSX: return list_download(cx, call, o, call_shape(call));
	}
	return RC_NOT_FOUND;
}
