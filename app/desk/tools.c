/*
** tools.c -- what stands around a list: search, filters with their marks, columns to choose, orders, files
** and the doors to something new.
**
** Never:  reads rows of the list itself; decides which rows are meant (ask.c does).
** Holds:  (1) every link and form keeps what else was asked: search, filters, order and columns; (2) without
**         script everything works, with one button more; (3) a filter by something is a list to choose from
**         when there are few, else a line for a part of its name; (4) nobody chooses among rows of a table
**         that he may not see.
*/
#include "desk/inner.h"

#include "base/text.h"
#include <string.h>

static const char *path_of(struct cx *cx, const struct ask *ask)
{
	return arena_printf(cx->arena, "/%s", ask->o->r->name);
}

static const char *address_of(struct cx *cx, const struct ask *ask)
{
	return ask_address(cx, ask, path_of(cx, ask), ask->sort, ask->is_down, NULL);
}

const char *ask_query(struct cx *cx, const struct ask *ask)
{
	const char *address = ask_address(cx, ask, "", ask->sort, ask->is_down, NULL);

	return address[0] == '?' ? address + 1 : address;
}

/* Heads and orders */

static const char *sorted_by(struct cx *cx, const struct ask *ask, const struct sort *s)
{
	return ask_address(cx, ask, path_of(cx, ask), s, s == ask->sort ? !ask->is_down : s->is_down, NULL);
}

static void fill_columns(struct cx *cx, const struct ask *ask, struct value *page)
{
	const struct office *o = ask->o;
	struct value *columns = value_set_list(cx->arena, page, "columns");
	size_t shown[DESK_COLUMNS_MAX], n = ask_columns(ask, SELECT_LIST, shown);

	for (size_t i = 0; i < n; i++) {
		const struct column *c = &o->r->columns[shown[i]];
		struct value *out = value_add_map(cx->arena, columns);

		value_set_text(cx->arena, out, "title", words_get(cx->lang, c->title));
		if (c->type == COLUMN_INT || c->type == COLUMN_CENTS)
			value_set_bool(cx->arena, out, "is_number", true);
		for (const struct sort *s = o->r->sorts; s->name != NULL && !ask->is_archived; s++) {
			bool is_this = s == ask->sort;

			if (strcmp(s->name, c->name) != 0) continue;
			value_set_text(cx->arena, out, "href", sorted_by(cx, ask, s));
			value_set_bool(cx->arena, out, "is_up", is_this && !ask->is_down);
			value_set_bool(cx->arena, out, "is_down", is_this && ask->is_down);
		}
	}
}

/* Every order with its two directions, for a phone that shows no column heads. */
static void fill_sorts(struct cx *cx, const struct ask *ask, struct value *page)
{
	struct value *sorts = value_set_list(cx->arena, page, "sorts");

	value_set_bool(cx->arena, page, "has_sorts", ask->o->sorts > 1 && !ask->is_archived);
	if (ask->o->sorts < 2 || ask->is_archived) return;
	for (const struct sort *s = ask->o->r->sorts; s->name != NULL; s++) {
		struct value *out = value_add_map(cx->arena, sorts);
		bool is_this = s == ask->sort;

		value_set_text(cx->arena, out, "title", words_get(cx->lang, s->title));
		value_set_text(cx->arena, out, "href", sorted_by(cx, ask, s));
		value_set_bool(cx->arena, out, "is_current", is_this);
		value_set_bool(cx->arena, out, "is_down", is_this && ask->is_down);
	}
}

/* What a form carries on besides its own fields */

static void carry(struct cx *cx, struct value *list, const char *name, const char *value)
{
	struct value *one;

	if (value == NULL || value[0] == '\0') return;
	one = value_add_map(cx->arena, list);
	value_set_text(cx->arena, one, "name", name);
	value_set_text(cx->arena, one, "value", value);
}

static void carry_order(struct cx *cx, const struct ask *ask, struct value *list)
{
	if (ask->is_archived) return;
	if (ask->sort != &ask->o->r->sorts[0]) carry(cx, list, "sort", ask->sort->name);
	if (ask->is_down != ask->sort->is_down) carry(cx, list, "dir", ask->is_down ? "down" : "up");
}

/* Columns to choose */

static bool is_chosen(const struct ask *ask, size_t column)
{
	return ask_shows(ask, column, SELECT_LIST);
}

static void add_choosable(struct cx *cx, const struct ask *ask, size_t i, struct value *list)
{
	const struct column *c = &ask->o->r->columns[i];
	struct value *one = value_add_map(cx->arena, list);

	value_set_text(cx->arena, one, "name", c->name);
	value_set_text(cx->arena, one, "title", words_get(cx->lang, c->title));
	value_set_bool(cx->arena, one, "is_chosen", is_chosen(ask, i));
}

static void fill_chooser(struct cx *cx, const struct ask *ask, struct value *page)
{
	const struct office *o = ask->o;
	struct value *list = value_set_list(cx->arena, page, "choosable");
	struct value *kept = value_set_list(cx->arena, page, "kept");
	size_t shown[DESK_COLUMNS_MAX], n = ask_columns(ask, SELECT_LIST, shown);

	for (size_t i = 0; i < n; i++) /* the chosen ones in their order */
		add_choosable(cx, ask, shown[i], list);
	for (size_t i = 0; i < o->columns; i++)
		if (column_is_in(&o->r->columns[i], SELECT_SHOW) && !is_chosen(ask, i))
			add_choosable(cx, ask, i, list);
	value_set_bool(cx->arena, page, "has_chooser", list->count > n || ask->columns > 0);
	carry(cx, kept, "q", ask->q);
	for (size_t i = 0; i < o->filters; i++)
		if (!ask->filter_is_default[i]) carry(cx, kept, o->r->filters[i].name, ask->filter[i]);
	if (ask->is_archived) carry(cx, kept, "archived", "1");
	carry_order(cx, ask, kept);
	if (ask->columns > 0) {
		struct ask usual = *ask;

		usual.columns = 0;
		value_set_text(cx->arena, page, "usual_columns", address_of(cx, &usual));
	}
}

/* Filters */

static void fill_choices(struct cx *cx, const struct choices *choices, const char *current, struct value *out)
{
	struct value *list = value_set_list(cx->arena, out, "choices");

	for (size_t k = 0; k < choices->count; k++) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "value", choices->at[k].value);
		value_set_text(cx->arena, one, "title", words_get(cx->lang, choices->at[k].title));
		if (current != NULL && strcmp(current, choices->at[k].value) == 0)
			value_set_bool(cx->arena, one, "is_selected", true);
	}
	value_set_bool(cx->arena, out, "is_choice", true);
}

static const char *get_nothing(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

/* Few rows are chosen from a list; false when there are too many, or none. */
static bool fill_ref_choices(struct cx *cx, const struct office *ref, const char *current, struct value *out)
{
	const char *before = cx->message;
	struct ask ask;
	struct rows rows;
	struct value *list;
	int64_t n = 0;
	bool is_there = current == NULL;

	if (ask_read(cx, &ask, ref, get_nothing, NULL, DESK_REF_OPTIONS_MAX, DESK_REF_OPTIONS_MAX) != RC_OK ||
	    rows_count_to(cx, &ask, DESK_REF_OPTIONS_MAX + 1, &n) != RC_OK || n > DESK_REF_OPTIONS_MAX ||
	    rows_of(cx, &ask, SELECT_NAME, &rows) != RC_OK) {
		cx->message = before;
		return false;
	}
	for (const struct value *row = rows.list->first; row != NULL && !is_there; row = row->next)
		is_there = strcmp(row_public_id(cx, ref, row), current) == 0;
	if (!is_there) return false; /* one that was archived since: its name stands in the line */
	list = value_set_list(cx->arena, out, "choices");
	for (const struct value *row = rows.list->first; row != NULL; row = row->next) {
		struct value *one = value_add_map(cx->arena, list);
		const char *id = row_public_id(cx, ref, row);

		value_set_text(cx->arena, one, "value", id);
		value_set_text(cx->arena, one, "title", row_name(cx, ref, row));
		if (current != NULL && strcmp(current, id) == 0)
			value_set_bool(cx->arena, one, "is_selected", true);
	}
	value_set_bool(cx->arena, out, "is_choice", true);
	return true;
}

/* What was typed for a reference that fits several rows: links to pick one. */
static void fill_matches(struct cx *cx, struct call *call, const struct office *ref, const char *name,
			 const char *typed, struct value *out)
{
	struct value *list, *rows = NULL;

	if (ref_matches(cx, ref, typed, DESK_MATCHES_MAX, &rows) != RC_OK || rows->count == 0) return;
	list = value_set_list(cx->arena, out, "matches");
	for (const struct value *row = rows->first; row != NULL; row = row->next) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "title", row_name(cx, ref, row));
		value_set_text(cx->arena, one, "href", call_url(cx, call, name, row_public_id(cx, ref, row)));
	}
	value_set_bool(cx->arena, out, "has_matches", true);
}

static void fill_filter(struct cx *cx, struct call *call, const struct ask *ask, size_t i, struct value *out)
{
	const struct office *o = ask->o, *ref = o->filter_ref[i];
	const struct filter *f = &o->r->filters[i];
	const char *typed = ask->filter[i] == NULL ? call_query(call, f->name) : NULL;

	value_set_text(cx->arena, out, "name", f->name);
	value_set_text(cx->arena, out, "title", words_get(cx->lang, f->title));
	value_set_bool(cx->arena, out, "has_all", f->def == NULL);
	value_set_null(cx->arena, out, "is_choice");
	value_set_null(cx->arena, out, "has_matches");
	if (o->filter_choices[i] != NULL) {
		fill_choices(cx, o->filter_choices[i], ask->filter[i], out);
		return;
	}
	value_set_null(cx->arena, out, "has_list");
	if (ref != NULL) {
		if ((typed == NULL || typed[0] == '\0') && fill_ref_choices(cx, ref, ask->filter[i], out))
			return;
		value_set_bool(cx->arena, out, "has_list", true);
		if (typed != NULL && typed[0] != '\0') fill_matches(cx, call, ref, f->name, typed, out);
	}
	if (typed == NULL) typed = ask->filter_shown[i] != NULL ? ask->filter_shown[i] : "";
	value_set_text(cx->arena, out, "value", typed);
	value_set_text(cx->arena, out, "type", filter_wants_date(f) ? "date" : "text");
}

static void fill_archived(struct cx *cx, const struct ask *ask, struct value *filters)
{
	struct value *out = value_add_map(cx->arena, filters), *list, *one;

	value_set_text(cx->arena, out, "name", "archived");
	value_set_text(cx->arena, out, "title", _("Archived ones"));
	value_set_bool(cx->arena, out, "is_choice", true);
	value_set_null(cx->arena, out, "has_matches");
	list = value_set_list(cx->arena, out, "choices");
	for (int k = 0; k < 2; k++) {
		one = value_add_map(cx->arena, list);
		value_set_text(cx->arena, one, "value", k == 0 ? "" : "1");
		value_set_text(cx->arena, one, "title", k == 0 ? _("Not these") : _("Only these"));
		if (k == 1 && ask->is_archived) value_set_bool(cx->arena, one, "is_selected", true);
	}
}

/* A phone shows the filters folded: its browser says "Mobi"; a narrow window is folded by the script. */
static bool is_phone(const struct call *call)
{
	const char *agent = call_header(call, "User-Agent");

	return agent != NULL && strstr(agent, "Mobi") != NULL;
}

static void fill_filters(struct cx *cx, struct call *call, const struct ask *ask, struct value *page)
{
	const struct office *o = ask->o;
	struct value *filters = value_set_list(cx->arena, page, "filters");
	struct value *carried = value_set_list(cx->arena, page, "carried");

	for (size_t i = 0; i < o->filters; i++)
		if (o->filter_ref[i] == NULL || office_may_see(cx, o->filter_ref[i]->r))
			fill_filter(cx, call, ask, i, value_add_map(cx->arena, filters));
	if (o->where_archived != NULL && office_may_edit(cx, o->r)) fill_archived(cx, ask, filters);
	value_set_bool(cx->arena, page, "has_tools", filters->count > 0 || o->has_search);
	value_set_bool(cx->arena, page, "has_filters", filters->count > 0);
	value_set_bool(cx->arena, page, "filters_open", !is_phone(call));
	value_set_bool(cx->arena, page, "has_search", o->has_search);
	value_set_text(cx->arena, page, "q", ask->q);
	if (ask->columns > 0) {
		struct ask only = { .o = o, .q = "", .sort = &o->r->sorts[0], .columns = ask->columns };

		only.is_down = only.sort->is_down;
		memcpy(only.column, ask->column, sizeof(only.column));
		carry(cx, carried, "columns", ask_query(cx, &only) + strlen("columns="));
		value_set_text(cx->arena, page, "show_all", address_of(cx, &only));
	} else {
		value_set_text(cx->arena, page, "show_all", path_of(cx, ask));
	}
	carry_order(cx, ask, carried);
}

/* Marks: what is filtered by, each with a way to take it off */

static const char *filter_words(struct cx *cx, const struct ask *ask, size_t i)
{
	const struct office *o = ask->o;
	char local[DATE_SIZE];
	day d;

	if (o->filter_choices[i] != NULL)
		return words_get(cx->lang, o->filter_choices[i]->at[ask->filter_choice[i]].title);
	if (filter_wants_date(&o->r->filters[i]) && day_parse(&d, ask->filter[i]) == RC_OK) {
		day_text_local(local, d);
		return arena_text(cx->arena, local);
	}
	return ask->filter_shown[i];
}

static void add_mark(struct cx *cx, struct value *list, const char *title, const char *text,
		     const struct ask *without)
{
	struct value *one = value_add_map(cx->arena, list);

	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "text", text);
	value_set_text(cx->arena, one, "href", address_of(cx, without));
}

static void fill_marks(struct cx *cx, const struct ask *ask, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "marks");
	struct ask without;

	value_set_bool(cx->arena, page, "is_filtered", ask_is_filtered(ask));
	if (!ask_is_filtered(ask)) return;
	if (ask->q[0] != '\0') {
		without = *ask;
		without.q = "";
		add_mark(cx, list, _("Search"), ask->q, &without);
	}
	for (size_t i = 0; i < ask->o->filters; i++) {
		if (ask->filter[i] == NULL || ask->filter_is_default[i]) continue;
		without = *ask;
		without.filter[i] = NULL;
		add_mark(cx, list, words_get(cx->lang, ask->o->r->filters[i].title), filter_words(cx, ask, i),
			 &without);
	}
	if (ask->is_archived) {
		without = *ask;
		without.is_archived = false;
		without.sort = &ask->o->r->sorts[0];
		without.is_down = without.sort->is_down;
		add_mark(cx, list, _("Archived ones"), _("Only these"), &without);
	}
	value_set_bool(cx->arena, page, "has_marks", list->count > 0);
	value_set_int(cx->arena, page, "active", (int64_t)list->count - (ask->q[0] != '\0' ? 1 : 0));
}

/* Files, and something new */

static void fill_doors(struct cx *cx, const struct ask *ask, struct value *page)
{
	const struct resource *r = ask->o->r;

	value_set_text(cx->arena, page, "csv",
		       ask_address(cx, ask, arena_printf(cx->arena, "/%s.csv", r->name), ask->sort,
				   ask->is_down, NULL));
	value_set_text(cx->arena, page, "xlsx",
		       ask_address(cx, ask, arena_printf(cx->arena, "/%s.xlsx", r->name), ask->sort,
				   ask->is_down, NULL));
	if (r->can_create && !r->no_import && office_may_edit(cx, r))
		value_set_text(cx->arena, page, "import", arena_printf(cx->arena, "/%s/import", r->name));
	if (r->can_create && office_may_edit(cx, r))
		value_set_text(cx->arena, page, "new",
			       r->new_page != NULL ? r->new_page
						   : arena_printf(cx->arena, "/%s/new", r->name));
}

void tools_fill(struct cx *cx, struct call *call, const struct ask *ask, struct value *page)
{
	const struct resource *r = ask->o->r;

	value_set_text(cx->arena, page, "resource", r->name);
	value_set_text(cx->arena, page, "list_path", path_of(cx, ask));
	value_set_text(cx->arena, page, "title_one", words_get(cx->lang, r->title_one));
	value_set_text(cx->arena, page, "empty", words_get(cx->lang, r->empty));
	fill_columns(cx, ask, page);
	fill_sorts(cx, ask, page);
	fill_chooser(cx, ask, page);
	fill_filters(cx, call, ask, page);
	fill_marks(cx, ask, page);
	fill_doors(cx, ask, page);
}
