/*
** history.c -- who changed what of one object, and when.
**
** Needs:  changes.c for the words.
** Never:  writes.
** Holds:  newest first, paged by the entry's own number: nothing is skipped or shown twice while somebody
**         else changes the object.
*/
#include "desk/changes.h"

#include <string.h>

static int64_t query_number(struct call *call, const char *name)
{
	const char *text = call_query(call, name);
	struct value v = { .type = VALUE_TEXT, .text = text, .len = text != NULL ? strlen(text) : 0 };

	return text != NULL ? value_int_of(&v, 0) : 0;
}

static enum rc entries_of(struct cx *cx, const struct office *o, int64_t id, int64_t before, int64_t max,
			  struct value **out)
{
	return db_rows(
		cx, out, (size_t)max,
		"SELECT id, at, actor, address, action, door, before_json, after_json FROM audit"
		" WHERE table_name = :table AND row_id = :id AND id < :before ORDER BY id DESC LIMIT :limit",
		PARAMS(P_TEXT(":table", o->r->table), P_INT(":id", id),
		       P_INT(":before", before > 0 ? before : INT64_MAX), P_INT(":limit", max)));
}

void history_last(struct cx *cx, const struct office *o, int64_t id, struct value *page)
{
	struct value *rows = NULL, *out;

	if (entries_of(cx, o, id, 0, 1, &rows) != RC_OK || rows->count == 0) return;
	out = value_set_map(cx->arena, page, "last_change");
	change_head(cx, o, rows->first, false, out);
}

enum rc handle_history(struct cx *cx, struct call *call)
{
	bool as_json = call_shape(call) == SHAPE_JSON;
	const struct office *o;
	struct value *page = value_map(cx->arena), *entries = NULL, *row = NULL, *list;
	const char *next = NULL, *path;
	int64_t id = 0;
	enum rc rc = call_row(cx, call, &o, &id, true);

	if (rc == RC_OK) rc = row_of(cx, o, id, SELECT_NAME, true, &row);
	if (rc == RC_OK)
		rc = entries_of(cx, o, id, query_number(call, "before"), DESK_HISTORY_ROWS + 1, &entries);
	if (rc != RC_OK) return rc;
	path = row_path(cx, o, row);
	list = value_set_list(cx->arena, page, as_json ? "data" : "entries");
	for (const struct value *e = entries->first; e != NULL && list->count < DESK_HISTORY_ROWS;
	     e = e->next) {
		struct value *out = value_add_map(cx->arena, list);

		change_head(cx, o, e, as_json, out);
		change_fill(cx, o, e, out);
		if (list->count == DESK_HISTORY_ROWS && e->next != NULL)
			next = arena_printf(cx->arena, "%s/history?before=%lld", path,
					    (long long)value_int_of(value_get(e, "id"), 0));
	}
	if (as_json) {
		value_set_text(cx->arena, page, "next",
			       next != NULL ? arena_printf(cx->arena, "/api/v1%s", next) : NULL);
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	if (next != NULL) value_set_text(cx->arena, page, "next", next);
	trail_add(cx, page, words_get(cx->lang, o->r->title), arena_printf(cx->arena, "/%s", o->r->name));
	trail_add(cx, page, row_name(cx, o, row), path);
	value_set_bool(cx->arena, page, "is_empty", list->count == 0);
	page_answer(cx, call, "desk/history", _("History"), page);
	return RC_OK;
}
