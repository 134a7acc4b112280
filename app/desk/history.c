/*
** history.c -- who changed what of one object, and when.
**
** Never:  writes; shows what a column hides.
** Holds:  values appear as they were stored, by their column's title and type; what no column knows
**         appears by name.
*/
#include "desk/inner.h"

#include <string.h>

static const char *action_words(struct cx *cx, const char *action)
{
	if (strcmp(action, "create") == 0) return _("created");
	if (strcmp(action, "update") == 0) return _("changed");
	if (strcmp(action, "archive") == 0) return _("archived");
	return action;
}

/* A stored value as people read it. References and codes of long ago may be gone: then what was stored. */
static const char *value_shown(struct cx *cx, const struct office *o, const char *name, const struct value *v)
{
	struct value *row;

	if (v == NULL || v->type == VALUE_NULL) return "";
	for (size_t i = 0; i < o->columns; i++) {
		const struct column *c = &o->r->columns[i];

		if (strcmp(c->name, name) != 0) continue;
		if (c->type == COLUMN_REF && o->column_ref[i] != NULL && v->type == VALUE_INT) {
			if (row_of(cx, o->column_ref[i], v->integer, SELECT_NAME, true, &row) == RC_OK)
				return row_name(cx, o->column_ref[i], row);
			return arena_printf(cx->arena, "%lld", (long long)v->integer);
		}
		row = value_map(cx->arena);
		if (v->type == VALUE_INT)
			value_set_int(cx->arena, row, c->name, v->integer);
		else
			value_set_text(cx->arena, row, c->name, value_text_of(v, ""));
		return cell_text(cx, o, i, row);
	}
	return v->type == VALUE_INT ? arena_printf(cx->arena, "%lld", (long long)v->integer)
				    : value_text_of(v, "");
}

static bool is_hidden(const struct office *o, const char *name)
{
	for (size_t i = 0; i < o->columns; i++)
		if (strcmp(o->r->columns[i].name, name) == 0)
			return (o->r->columns[i].flags & (COL_SECRET | COL_HIDDEN)) != 0;
	return false;
}

static const char *title_of(struct cx *cx, const struct office *o, const char *name)
{
	for (size_t i = 0; i < o->columns; i++)
		if (strcmp(o->r->columns[i].name, name) == 0)
			return words_get(cx->lang, o->r->columns[i].title);
	return name;
}

static const struct value *parse(struct cx *cx, const char *json)
{
	struct value *v = NULL;

	if (json[0] == '\0' || json_parse(cx->arena, &v, NULL, json, strlen(json)) != RC_OK) return NULL;
	return v;
}

static void fill_changes(struct cx *cx, const struct office *o, const struct value *entry, struct value *out)
{
	const struct value *before = parse(cx, value_text_of(value_get(entry, "before_json"), ""));
	const struct value *after = parse(cx, value_text_of(value_get(entry, "after_json"), ""));
	struct value *list = value_set_list(cx->arena, out, "changes");

	for (const struct value *v = after != NULL && after->type == VALUE_MAP ? after->first : NULL;
	     v != NULL; v = v->next) {
		struct value *one;

		if (is_hidden(o, v->key)) continue;
		one = value_add_map(cx->arena, list);
		value_set_text(cx->arena, one, "name", v->key);
		value_set_text(cx->arena, one, "title", title_of(cx, o, v->key));
		value_set_text(cx->arena, one, "before",
			       value_shown(cx, o, v->key, value_get(before, v->key)));
		value_set_text(cx->arena, one, "after", value_shown(cx, o, v->key, v));
	}
	value_set_bool(cx->arena, out, "has_changes", list->count > 0);
}

enum rc handle_history(struct cx *cx, struct call *call)
{
	const struct office *o;
	struct value *page = value_map(cx->arena), *entries = NULL, *row = NULL, *list;
	int64_t id = 0;
	enum rc rc = call_row(cx, call, &o, &id, true);

	if (rc == RC_OK) rc = row_of(cx, o, id, SELECT_NAME, true, &row);
	if (rc == RC_OK)
		rc = db_rows(cx, &entries, DESK_HISTORY_ROWS,
			     "SELECT at, actor, address, action, before_json, after_json FROM audit"
			     " WHERE table_name = :table AND row_id = :id ORDER BY id DESC LIMIT :limit",
			     PARAMS(P_TEXT(":table", o->r->table), P_INT(":id", id),
				    P_INT(":limit", DESK_HISTORY_ROWS)));
	if (rc != RC_OK) return rc;
	list = value_set_list(cx->arena, page, call_shape(call) == SHAPE_JSON ? "data" : "entries");
	for (const struct value *e = entries->first; e != NULL; e = e->next) {
		struct value *out = value_add_map(cx->arena, list);
		const char *action = value_text_of(value_get(e, "action"), "");
		char at[RFC3339_SIZE];

		if (call_shape(call) == SHAPE_JSON)
			instant_text(at, value_int_of(value_get(e, "at"), 0));
		else
			instant_text_local(at, value_int_of(value_get(e, "at"), 0), cx->env->zone);
		value_set_text(cx->arena, out, "at", at);
		value_set_text(cx->arena, out, "actor", value_text_of(value_get(e, "actor"), ""));
		value_set_text(cx->arena, out, "action",
			       call_shape(call) == SHAPE_JSON ? action : action_words(cx, action));
		fill_changes(cx, o, e, out);
	}
	if (call_shape(call) == SHAPE_JSON) {
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	trail_add(cx, page, words_get(cx->lang, o->r->title), arena_printf(cx->arena, "/%s", o->r->name));
	trail_add(cx, page, row_name(cx, o, row), row_path(cx, o, row));
	value_set_bool(cx->arena, page, "is_empty", list->count == 0);
	page_answer(cx, call, "desk/history", _("History"), page);
	return RC_OK;
}
