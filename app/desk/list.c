/*
** list.c -- the list of a resource: page, JSON or file of the same rows.
**
** Needs:  tools.c for what stands around the rows of a page.
** Never:  counts for long (count.c says what it costs).
** Holds:  (1) the shapes have the same rows, filters, columns and order; (2) every link of the page keeps
**         search, filters, columns and sort; (3) only a page of rows is ever in memory; (4) a button for many
**         rows is offered when one of the shown rows, or one that is not shown, may be meant.
*/
#include "desk/export.h"

#include "base/text.h"
#include <stdio.h>
#include <string.h>

/* A value of the address; chosen columns come as one list or as one parameter each, from check boxes. */
struct asked {
	struct cx *cx;
	struct call *call;
};

static const char *columns_asked(const struct asked *asked)
{
	static const char name[] = "columns=";
	const char *p = request_query_raw(call_request(asked->call));
	struct sb sb;

	sb_init_arena(&sb, asked->cx->arena, DESK_SQL_MAX);
	while (*p != '\0') {
		size_t part = strcspn(p, "&");
		char *text = NULL;

		if (part >= sizeof(name) && strncmp(p, name, sizeof(name) - 1) == 0 &&
		    text_url_decode(asked->cx->arena, &text, p + sizeof(name) - 1, part - (sizeof(name) - 1),
				    true) == RC_OK) {
			if (sb.len > 0) sb_char(&sb, ',');
			sb_text(&sb, text);
		}
		p += part;
		p += *p == '&';
	}
	return sb_text_of(&sb);
}

static const char *get_query(void *arg, const char *name)
{
	const struct asked *asked = arg;

	if (strcmp(name, "columns") == 0)
		return call_query(asked->call, name) != NULL ? columns_asked(asked) : NULL;
	return call_query(asked->call, name);
}

enum rc ask_from_call(struct cx *cx, struct call *call, struct ask *out, const struct office *o,
		      int64_t limit_default, int64_t limit_max)
{
	struct asked asked = { .cx = cx, .call = call };

	return ask_read(cx, out, o, get_query, &asked, limit_default, limit_max);
}

static const struct office_arg *arg_of(const struct call *call)
{
	return call_arg(call);
}

/* JSON */

/* A misspelt filter would quietly answer everything, so a program is told. */
static enum rc check_names(struct cx *cx, const struct office *o, struct call *call)
{
	static const char *const own[] = {
		"q", "sort", "dir", "cursor", "limit", "count", "lang", "columns"
	};
	const char *known[DESK_FILTERS_MAX + 10] = { NULL };
	const char *p = request_query_raw(call_request(call));
	size_t n = 0;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		known[n++] = own[i];
	for (size_t i = 0; i < o->filters; i++)
		known[n++] = o->r->filters[i].name;
	if (o->where_archived != NULL) known[n++] = "archived";
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
	struct list_count total;
	const char *count = call_query(call, "count");
	enum rc rc = check_names(cx, o, call);

	if (rc == RC_OK) rc = ask_from_call(cx, call, &ask, o, DESK_API_ROWS, DESK_API_ROWS_MAX);
	if (rc == RC_OK) ask_drop_defaults(&ask);
	if (rc == RC_OK) rc = rows_of(cx, &ask, SELECT_API, &rows);
	if (rc == RC_OK && count != NULL && count[0] != '\0') {
		rc = rows_total(cx, &ask, DESK_COUNT_ASKED_MS, &total);
		if (rc == RC_OK) value_set_int(cx->arena, out, "count", total.n);
		if (rc == RC_OK) value_set_bool(cx->arena, out, "count_is_estimate", total.is_estimate);
	}
	if (rc != RC_OK) return rc;
	if (o->r->rows_read != NULL) o->r->rows_read(cx, rows.list);
	for (const struct value *v = rows.list->first; v != NULL; v = v->next)
		value_append(data, row_json_of(cx, &ask, v));
	set_cursor(cx, out, "next", rows.next);
	set_cursor(cx, out, "previous", rows.previous);
	answer_json(cx, call, 200, out);
	return RC_OK;
}

/* Page */

/* May this person change a row with the form? */
static bool has_form(const struct cx *cx, const struct ask *ask)
{
	const struct resource *r = ask->o->r;

	if (ask->is_archived || !office_may_edit(cx, r)) return false;
	if (r->edit_page != NULL) return strstr(r->edit_page, ":id/edit") != NULL;
	for (size_t i = 0; i < ask->o->columns; i++)
		if (r->columns[i].sql == NULL && (r->columns[i].flags & (COL_READONLY | COL_CREATE)) == 0)
			return true;
	return false;
}

static void fill_row(struct cx *cx, const struct office *o, const size_t *shown, size_t n,
		     const struct value *row, const char *const *titles, bool is_editable, struct value *out)
{
	const char *path = row_path(cx, o, row);
	struct value *cells;

	value_set_lent(cx->arena, out, "id", row_public_id(cx, o, row));
	value_set_lent(cx->arena, out, "name", row_name(cx, o, row));
	/* What most cells lack is found here, one step out, not at the end of the page. */
	value_set_null(cx->arena, out, "href");
	value_set_null(cx->arena, out, "mark");
	value_set_null(cx->arena, out, "is_number");
	value_set_null(cx->arena, out, "is_short");
	value_set_null(cx->arena, out, "is_words");
	if (is_editable)
		value_set_lent(cx->arena, out, "row_edit", arena_join(cx->arena, path, "/edit", NULL));
	cells = value_set_list(cx->arena, out, "cells");
	for (size_t i = 0; i < n; i++) {
		struct value *cell = value_add_map(cx->arena, cells);

		cell_fill(cx, o, shown[i], row, cell);
		value_set_lent(cx->arena, cell, "title", titles[i]);
		if (i == 0) value_set_lent(cx->arena, cell, "href", path);
	}
}

static void fill_rows(struct cx *cx, const struct ask *ask, const struct rows *rows, struct value *page)
{
	const struct office *o = ask->o;
	struct value *list = value_set_list(cx->arena, page, "rows");
	const char *titles[DESK_COLUMNS_MAX];
	bool is_editable = has_form(cx, ask);
	size_t shown[DESK_COLUMNS_MAX], n = ask_columns(ask, SELECT_LIST, shown);

	for (size_t i = 0; i < n; i++)
		titles[i] = words_get(cx->lang, o->r->columns[shown[i]].title);
	if (o->r->rows_read != NULL) o->r->rows_read(cx, rows->list);
	for (const struct value *row = rows->list->first; row != NULL; row = row->next)
		fill_row(cx, o, shown, n, row, titles, is_editable, value_add_map(cx->arena, list));
	value_set_bool(cx->arena, page, "is_editable", is_editable);
	value_set_bool(cx->arena, page, "is_empty", rows->list->count == 0);
}

static bool has_more_rows(const struct rows *rows)
{
	return rows->next != NULL || rows->previous != NULL;
}

/* Is the action offered for one of the shown rows? */
static bool is_offered(const struct office *o, size_t action, const struct rows *rows)
{
	char key[24];

	if (o->r->actions[action].when == NULL) return true;
	snprintf(key, sizeof(key), "_a%zu", action);
	for (const struct value *row = rows->list->first; row != NULL; row = row->next)
		if (value_int_of(value_get(row, key), 0) != 0) return true;
	return false;
}

/* For which rows actions are offered; asked only where it decides about a button: looking it up for each row
** of a long list would take half as long as the rows themselves. */
static enum rc offers_of(struct cx *cx, const struct ask *ask, const struct rows *rows, struct rows *out)
{
	const struct office *o = ask->o;
	bool is_wanted = false;

	*out = (struct rows){ .list = rows->list };
	for (size_t i = 0; i < o->actions; i++)
		is_wanted = is_wanted || (o->r->actions[i].is_bulk && o->r->actions[i].when != NULL);
	if (!is_wanted || rows->list->count == 0 || ask->is_archived || has_more_rows(rows)) return RC_OK;
	return rows_of(cx, ask, SELECT_OFFERS, out);
}

static void add_bulk(struct cx *cx, const struct office *o, const struct action *a, struct value *list)
{
	const char *right = a->right != NULL ? a->right : o->r->right_edit;
	struct value *out;

	if (right == NULL || !actor_may(&cx->actor, right)) return;
	out = value_add_map(cx->arena, list);
	value_set_text(cx->arena, out, "title", words_get(cx->lang, a->title));
	value_set_text(cx->arena, out, "href",
		       arena_printf(cx->arena, "/%s/actions/%s", o->r->name, a->name));
	value_set_bool(cx->arena, out, "is_dangerous", a->is_dangerous);
}

static enum rc fill_bulk(struct cx *cx, const struct ask *ask, const struct rows *rows,
			 const struct list_count *count, struct value *page)
{
	const struct office *o = ask->o;
	struct value *actions = value_set_list(cx->arena, page, "bulk");
	bool has_more = has_more_rows(rows);
	struct rows offers;
	enum rc rc = offers_of(cx, ask, rows, &offers);

	if (rc != RC_OK) return rc;

	for (size_t i = 0; i < o->actions && !ask->is_archived; i++) {
		const struct action *a = &o->r->actions[i];

		if (a->is_bulk && a->run != NULL && (has_more || is_offered(o, i, &offers)))
			add_bulk(cx, o, a, actions);
	}
	if (o->r->can_archive && !ask->is_archived)
		add_bulk(cx, o, &archive_action, actions);
	else if (o->r->can_archive && !o->r->stays_archived)
		add_bulk(cx, o, &restore_action, actions);
	value_set_bool(cx->arena, page, "has_bulk", actions->count > 0 && rows->list->count > 0);
	if (actions->count == 0) return RC_OK;
	value_set_text(cx->arena, page, "list_query", ask_query(cx, ask));
	if (has_more)
		value_set_text(cx->arena, page, "all_of_them",
			       count->is_known
				       ? arena_printf(cx->arena,
						      _("All %s of this list, not only the ticked ones"),
						      count_text(cx, count))
				       : _("All of this list, not only the ticked ones"));
	return RC_OK;
}

static enum rc fill_count(struct cx *cx, struct call *call, const struct ask *ask, const struct rows *rows,
			  struct list_count *count, struct value *page)
{
	const char *wanted = call_query(call, "count");
	bool is_asked = wanted != NULL && wanted[0] != '\0';
	enum rc rc = RC_OK;

	*count = (struct list_count){ .n = (int64_t)rows->list->count, .is_known = true };
	if (has_more_rows(rows)) /* else all of them stand here */
		rc = rows_total(cx, ask, is_asked ? DESK_COUNT_ASKED_MS : DESK_COUNT_MS, count);
	if (rc == RC_OK && count->is_known)
		value_set_text(cx->arena, page, "count", count_text(cx, count));
	else if (rc == RC_OK)
		value_set_text(cx->arena, page, "count_href", call_url(cx, call, "count", "1"));
	return rc;
}

static void fill_pager(struct cx *cx, const struct ask *ask, const struct rows *rows, struct value *page)
{
	const char *path = arena_printf(cx->arena, "/%s", ask->o->r->name);

	if (rows->next != NULL)
		value_set_text(cx->arena, page, "next",
			       ask_address(cx, ask, path, ask->sort, ask->is_down, rows->next));
	if (rows->previous != NULL)
		value_set_text(cx->arena, page, "previous",
			       ask_address(cx, ask, path, ask->sort, ask->is_down, rows->previous));
	value_set_bool(cx->arena, page, "has_pager", has_more_rows(rows));
}

/* What was asked cannot be: the sentence stands over an empty list, with everything that could be read to
** mend it. */
static void ask_refused(struct cx *cx, struct ask *ask, struct rows *rows, struct value *page)
{
	ask->cursor = (struct cursor){ .is_set = false };
	*rows = (struct rows){ .list = value_list(cx->arena) };
	value_set_text(cx->arena, page, "failure", cx_sentence(cx, RC_BAD_INPUT));
}

static enum rc list_page(struct cx *cx, struct call *call, const struct office *o)
{
	const struct resource *r = o->r;
	struct value *page = value_map(cx->arena);
	struct list_count count;
	struct ask ask;
	struct rows rows;
	enum rc asked = ask_from_call(cx, call, &ask, o, DESK_PAGE_ROWS, DESK_PAGE_ROWS), rc;

	if (asked == RC_BAD_INPUT) ask_refused(cx, &ask, &rows, page);
	rc = asked == RC_OK ? rows_of(cx, &ask, SELECT_LIST, &rows) : asked == RC_BAD_INPUT ? RC_OK : asked;
	if (rc == RC_OK) rc = fill_count(cx, call, &ask, &rows, &count, page);
	if (rc != RC_OK) return rc;
	tools_fill(cx, call, &ask, page);
	if (asked != RC_OK) value_set_bool(cx->arena, page, "is_filtered", true);
	rc = fill_bulk(cx, &ask, &rows, &count, page);
	if (rc != RC_OK) return rc;
	fill_rows(cx, &ask, &rows, page);
	fill_pager(cx, &ask, &rows, page);
	if (r->list_extra != NULL) desk_kept(cx, page, r->name, r->list_extra);
	page_answer(cx, call, r->list_template != NULL ? r->list_template : "desk/list",
		    words_get(cx->lang, r->title), page);
	if (asked != RC_OK) reply_status(call_reply(call), rc_row(asked)->http);
	return RC_OK;
}

/* One view of the data for all that stands on the page; opening it once is quicker too. */
static enum rc list_page_read(struct cx *cx, struct call *call, const struct office *o)
{
	enum rc rc = tx_read(cx);

	return rc == RC_OK ? tx_end(cx, list_page(cx, call, o)) : rc;
}

enum rc handle_list(struct cx *cx, struct call *call)
{
	const struct office *o = arg_of(call)->office;

	switch (call_shape(call)) {
	case SHAPE_PAGE: return list_page_read(cx, call, o);
	case SHAPE_JSON: return list_json(cx, call, o);
	case SHAPE_CSV:
	case SHAPE_XLSX: return list_download(cx, call, o, call_shape(call));
	}
	return RC_NOT_FOUND;
}
