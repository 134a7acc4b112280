/*
** settings_history.c -- which setting was changed, by whom, from where and when; of all or of one.
**
** Never:  writes.
** Holds:  newest first; a save is one entry, also when many values were changed with it.
*/
#include "desk/settings.h"
#include "desk/inner.h"

#include <string.h>

#define SHOWN_MAX   50   /* entries of a page */
#define SCANNED_MAX 2000 /* entries looked at for those of one setting: a change a day for five years */

static const char *who(struct cx *cx, const char *actor)
{
	if (strcmp(actor, "command") == 0) return _("command line");
	if (strcmp(actor, "file") == 0) return _("by hand, in the file");
	if (strcmp(actor, "system") == 0) return _("by itself");
	return actor;
}

static const char *value_words(struct cx *cx, const struct setting *row, const struct value *v)
{
	const char *text = value_text_of(v, "");

	if (row == NULL || !row->is_secret) return text;
	if (text[0] == '\0') return _("not set");
	return strcmp(text, "changed") == 0 ? _("changed") : text;
}

static void add_changes(struct cx *cx, const struct value *before, const struct value *after,
			const char *only, struct value *out)
{
	struct value *list = value_set_list(cx->arena, out, "changes");

	for (const struct value *v = after->first; v != NULL; v = v->next) {
		const struct setting *row = settings_find(cx->env->settings, v->key);
		struct value *one;

		if (only[0] != '\0' && strcmp(only, v->key) != 0) continue;
		one = value_add_map(cx->arena, list);
		value_set_text(cx->arena, one, "name", v->key);
		value_set_text(cx->arena, one, "title", row != NULL ? setting_title(cx, row) : v->key);
		value_set_text(cx->arena, one, "before", value_words(cx, row, value_get(before, v->key)));
		value_set_text(cx->arena, one, "after", value_words(cx, row, v));
	}
}

static const struct value *map_of(struct cx *cx, const char *json)
{
	struct value *v = NULL;

	if (json[0] == '\0' || json_parse(cx->arena, &v, NULL, json, strlen(json)) != RC_OK)
		return value_map(cx->arena);
	return v;
}

static void add_entry(struct cx *cx, struct call *call, const struct query *q, const char *only,
		      struct value *list)
{
	const struct value *before = map_of(cx, query_copy(cx, q, 4)),
			   *after = map_of(cx, query_copy(cx, q, 5));
	const char *actor = query_copy(cx, q, 2);
	struct value *out;
	char at[RFC3339_SIZE];

	if (only[0] != '\0' && value_get(after, only) == NULL) return;
	out = value_add_map(cx->arena, list);
	value_set_int(cx->arena, out, "id", query_int(q, 0));
	if (call_shape(call) == SHAPE_JSON)
		instant_text(at, query_int(q, 1));
	else
		instant_text_local(at, query_int(q, 1), cx->env->zone);
	value_set_text(cx->arena, out, "at", at);
	value_set_text(cx->arena, out, "actor", call_shape(call) == SHAPE_JSON ? actor : who(cx, actor));
	value_set_text(cx->arena, out, "address", query_copy(cx, q, 3));
	add_changes(cx, before, after, only, out);
}

/* Entries older than `before` (0: from the newest); *next: where the next page begins, 0 = no more. */
static enum rc read_entries(struct cx *cx, struct call *call, int64_t before, const char *only,
			    struct value *list, int64_t *next)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT id, at, actor, address, coalesce(before_json, ''), coalesce(after_json, '') FROM audit"
		" WHERE table_name = 'setting' AND row_id = 0 AND id < :before ORDER BY id DESC LIMIT :max",
		PARAMS(P_INT(":before", before > 0 ? before : INT64_MAX), P_INT(":max", SCANNED_MAX)));

	*next = 0;
	while (rc == RC_OK && query_next(q)) {
		if (list->count == SHOWN_MAX) {
			*next = value_int_of(value_get(list->last, "id"), 0);
			break;
		}
		add_entry(cx, call, q, only, list);
	}
	return query_end(q, rc);
}

static int64_t number_of(const char *text)
{
	struct value v = { .type = VALUE_TEXT, .text = text, .len = text != NULL ? strlen(text) : 0 };

	return text != NULL ? value_int_of(&v, 0) : 0;
}

enum rc handle_settings_history(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *list;
	const char *only = call_query(call, "name");
	const struct setting *row;
	int64_t next = 0;
	enum rc rc;

	if (only == NULL) only = "";
	row = settings_find(cx->env->settings, only);
	if (only[0] != '\0' && row == NULL) return RC_NOT_FOUND;
	list = value_set_list(cx->arena, page, call_shape(call) == SHAPE_JSON ? "data" : "entries");
	rc = read_entries(cx, call, number_of(call_query(call, "before")), only, list, &next);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_JSON) {
		if (next != 0)
			value_set_text(cx->arena, page, "next",
				       arena_printf(cx->arena, "%lld", (long long)next));
		else
			value_set_null(cx->arena, page, "next");
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	trail_add(cx, page, _("Settings"), "/settings");
	value_set_bool(cx->arena, page, "is_empty", list->count == 0);
	value_set_bool(cx->arena, page, "is_one", row != NULL);
	if (next != 0)
		value_set_text(
			cx->arena, page, "older",
			call_url(cx, call, "before", arena_printf(cx->arena, "%lld", (long long)next)));
	page_answer(cx, call, "desk/settings_history",
		    row != NULL ? arena_printf(cx->arena, _("History: %s"), setting_title(cx, row))
				: _("History of the settings"),
		    page);
	return RC_OK;
}
