/*
** audit.c -- the whole history as a list: who did what to what, from where.
**
** Owns:   the resource audit, which reads the table audit.
** Needs:  changes.c for the words; db/meta.c adds the rows.
** Never:  writes. There is no right to change an entry, for nobody: the connection itself refuses to.
** Holds:  an entry tells the name of its object as it is now, and links to it when who reads may see it.
*/
#include "desk/changes.h"

#include <string.h>

#define FIELDS_TOLD 4 /* titles of changed fields that a line of the list names */

const struct column audit_columns[] = {
	{ .name = "at", .title = N_("When"), .type = COLUMN_INSTANT, .flags = COL_READONLY | COL_LIST },
	{ .name = "actor",
	  .title = N_("Who"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST,
	  .shown = change_actor },
	{ .name = "action",
	  .title = N_("Did what"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST,
	  .shown = change_action },
	{ .name = "table_name",
	  .title = N_("To what"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST,
	  .shown = change_table },
	{ .name = "object",
	  .title = N_("Object"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_LINK,
	  .sql = "CASE t.row_id WHEN 0 THEN '' ELSE CAST(t.row_id AS TEXT) END" },
	{ .name = "row_id",
	  .title = N_("Number of the object"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_API },
	{ .name = "fields",
	  .title = N_("Fields"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_PAGE,
	  .sql = "''" },
	{ .name = "door",
	  .title = N_("Through"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST,
	  .shown = change_door },
	{ .name = "address", .title = N_("Address"), .type = COLUMN_TEXT, .flags = COL_READONLY | COL_LIST },
	{ .name = "before",
	  .title = N_("Before"),
	  .type = COLUMN_LONG_TEXT,
	  .flags = COL_READONLY,
	  .sql = "coalesce(t.before_json, '')" },
	{ .name = "after",
	  .title = N_("After"),
	  .type = COLUMN_LONG_TEXT,
	  .flags = COL_READONLY,
	  .sql = "coalesce(t.after_json, '')" },
	/* Found by: filled when the entry is added. */
	{ .name = "search",
	  .title = "",
	  .type = COLUMN_TEXT,
	  .flags = COL_HIDDEN | COL_READONLY | COL_SEARCH },
	{ .name = NULL },
};

const struct sort audit_sorts[] = {
	{ .name = "at", .title = N_("Newest"), .sql = "t.at", .is_down = true },
	{ .name = NULL },
};

/* Choices are put together when all resources are known (audit_declare). */
struct filter audit_filters[] = {
	{ .name = "table",
	  .title = N_("To what"),
	  .sql = (const char *const[]){ "+t.table_name = :f_table", NULL } },
	{ .name = "action",
	  .title = N_("Did what"),
	  .sql = (const char *const[]){ "+t.action = :f_action", NULL } },
	{ .name = "who",
	  .title = N_("Who"),
	  .ref = "users",
	  .sql = (const char *const[]){ "+t.user_id = :f_who", NULL } },
	{ .name = "from", .title = N_("From"), .sql = (const char *const[]){ "t.at >= :f_from_ms", NULL } },
	{ .name = "to", .title = N_("Until"), .sql = (const char *const[]){ "t.at < :f_to_end_ms", NULL } },
	{ .name = "object",
	  .title = N_("Number of the object"),
	  .sql = (const char *const[]){ "+t.row_id = CAST(:f_object AS INTEGER)", NULL } },
	{ .name = NULL },
};

void audit_declare(struct arena *forever, const struct resource *const *resources)
{
	audit_filters[0].choices = change_tables_choices(forever, resources);
	audit_filters[1].choices = change_actions_choices(forever);
}

/* "update client" → "changed · Customer" */
const char *audit_name_shown(struct cx *cx, const char *stored)
{
	const char *blank = strchr(stored, ' ');

	if (blank == NULL) return change_action(cx, stored);
	return arena_printf(cx->arena, "%s · %s",
			    change_action(cx, arena_bytes(cx->arena, stored, (size_t)(blank - stored))),
			    change_table(cx, blank + 1));
}

/* The object's name as it is now and, for who may see it, its address. */
static bool object_of(struct cx *cx, const char *table, int64_t id, const char **name, const char **href)
{
	const struct office *o = office_of_table(table);
	const char *before = cx->message;
	struct value *row = NULL;

	*href = NULL;
	if (o == NULL || id == 0) return false;
	if (row_of(cx, o, id, SELECT_NAME, true, &row) != RC_OK) {
		cx->message = before;
		return false;
	}
	*name = row_name(cx, o, row);
	if (o->r->right_view != NULL && actor_may(&cx->actor, o->r->right_view)) *href = row_path(cx, o, row);
	return true;
}

static const char *fields_of(struct cx *cx, const char *table, const struct value *row)
{
	const struct office *o = office_of_table(table);
	const char *json = value_text_of(value_get(row, "after_json"), "");
	struct value *after = NULL;
	struct sb sb;
	size_t n = 0;

	if (json[0] == '\0' || json_parse(cx->arena, &after, NULL, json, strlen(json)) != RC_OK) return "";
	sb_init_arena(&sb, cx->arena, 4096);
	for (const struct value *v = after->first; after->type == VALUE_MAP && v != NULL; v = v->next) {
		const char *title = o == NULL ? v->key : NULL;

		for (size_t i = 0; o != NULL && i < o->columns; i++)
			if (strcmp(o->r->columns[i].name, v->key) == 0 &&
			    (o->r->columns[i].flags & (COL_HIDDEN | COL_SECRET)) == 0)
				title = words_get(cx->lang, o->r->columns[i].title);
		if (title == NULL) continue;
		if (n++ == FIELDS_TOLD) {
			sb_lit(&sb, "…");
			break;
		}
		if (sb.len > 0) sb_lit(&sb, ", ");
		sb_text(&sb, title);
	}
	return sb_text_of(&sb);
}

static enum rc entry_of(struct cx *cx, int64_t id, struct value **out)
{
	return db_row(
		cx, out,
		"SELECT id, at, actor, address, action, door, table_name, row_id, before_json, after_json"
		" FROM audit WHERE id = :id",
		PARAMS(P_INT(":id", id)));
}

void audit_rows_read(struct cx *cx, struct value *rows)
{
	for (struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *entry = NULL;
		const char *name = NULL, *href = NULL, *table;

		if (entry_of(cx, value_int_of(value_get(v, "_id"), 0), &entry) != RC_OK) continue;
		table = value_text_of(value_get(entry, "table_name"), "");
		if (value_get(v, "fields") != NULL)
			value_set_text(cx->arena, v, "fields", fields_of(cx, table, entry));
		if (value_get(v, "object") == NULL ||
		    !object_of(cx, table, value_int_of(value_get(entry, "row_id"), 0), &name, &href))
			continue;
		value_set_text(cx->arena, v, "object", name);
		if (href != NULL) value_set_text(cx->arena, v, "object__href", href);
	}
}

void audit_show(struct cx *cx, int64_t id, struct value *page)
{
	struct value *entry = NULL, *list = value_set_list(cx->arena, page, "entries"), *out;
	const char *table, *name = NULL, *href = NULL;

	if (entry_of(cx, id, &entry) != RC_OK) return;
	table = value_text_of(value_get(entry, "table_name"), "");
	out = value_add_map(cx->arena, list);
	change_head(cx, office_of_table(table), entry, false, out);
	change_fill(cx, office_of_table(table), entry, out);
	value_set_text(cx->arena, page, "table_title", change_table(cx, table));
	if (object_of(cx, table, value_int_of(value_get(entry, "row_id"), 0), &name, &href)) {
		value_set_text(cx->arena, page, "object", name);
		if (href != NULL) {
			value_set_text(cx->arena, page, "object_href", href);
			value_set_text(cx->arena, page, "object_history",
				       arena_printf(cx->arena, "%s/history", href));
		}
	}
}
