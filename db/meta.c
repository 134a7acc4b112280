/*
** meta.c -- the house's key/value table and the history of objects.
**
** Owns:   the tables meta and audit.
** Holds:  audit rows are only ever added, in the transaction of the change they tell of.
*/
#include "db/inner.h"

#include "base/text.h"
#include <string.h>

/* One object before or after: the largest has a mail's body in it */
#define AUDIT_JSON_MAX ((size_t)256 * 1024)
/* Bytes of what a change is found by: who, and the first few values */
#define AUDIT_SEARCH_MAX ((size_t)400)

enum rc meta_get(struct cx *cx, const char **out, const char *key)
{
	enum rc rc =
		db_get_text(cx, out, "SELECT value FROM meta WHERE key = :key", PARAMS(P_TEXT(":key", key)));

	if (rc == RC_NOT_FOUND) {
		*out = "";
		rc = RC_OK;
	}
	return rc;
}

enum rc meta_set(struct cx *cx, const char *key, const char *value)
{
	return db_run(cx,
		      "INSERT INTO meta (key, value) VALUES (:key, :value) "
		      "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
		      PARAMS(P_TEXT(":key", key), P_TEXT(":value", value)));
}

static enum rc as_json(struct cx *cx, const char **out, const struct value *v)
{
	struct sb sb;

	*out = NULL;
	if (!v) return RC_OK;
	sb_init_arena(&sb, cx->arena, AUDIT_JSON_MAX);
	json_write(&sb, v);
	*out = sb_text_of(&sb);
	return sb_result(&sb);
}

static const char *door_of(const struct actor *a)
{
	static const char *const usual[] = { [ACTOR_SYSTEM] = "job",
					     [ACTOR_USER] = "page",
					     [ACTOR_TOKEN] = "api",
					     [ACTOR_COMMAND] = "command" };

	return a->door != NULL ? a->door : usual[a->kind];
}

static void add_words(struct sb *sb, const struct value *map)
{
	for (const struct value *v = map != NULL && map->type == VALUE_MAP ? map->first : NULL; v != NULL;
	     v = v->next) {
		size_t len = v->type == VALUE_TEXT ? strlen(v->text) : 0;

		if (len == 0 || sb->len + 1 + len > AUDIT_SEARCH_MAX) continue;
		sb_char(sb, ' ');
		sb_text(sb, v->text);
	}
}

static const char *search_of(struct cx *cx, const struct value *before, const struct value *after)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 4 * AUDIT_SEARCH_MAX);
	sb_text(&sb, cx->actor.name);
	add_words(&sb, after);
	add_words(&sb, before);
	return text_fold(cx->arena, sb_text_of(&sb));
}

enum rc audit_add(struct cx *cx, const char *action, const char *table, int64_t row_id,
		  const struct value *before, const struct value *after)
{
	const char *was = NULL, *is = NULL;
	enum rc rc = as_json(cx, &was, before);

	if (rc == RC_OK) rc = as_json(cx, &is, after);
	if (rc != RC_OK) return rc;
	return db_run(
		cx,
		"INSERT INTO audit (at, actor, user_id, address, action, table_name, row_id, before_json, after_json,"
		" door, search) VALUES (:at, :actor, :user, :address, :action, :table, :row, :before, :after, :door,"
		" :search)",
		PARAMS(P_INT(":at", cx_now(cx)), P_TEXT(":actor", cx->actor.name ? cx->actor.name : ""),
		       P_REF(":user", cx->actor.user_id),
		       P_TEXT(":address", cx->actor.address ? cx->actor.address : ""),
		       P_TEXT(":action", action), P_TEXT(":table", table), P_INT(":row", row_id),
		       P_TEXT(":before", was), P_TEXT(":after", is), P_TEXT(":door", door_of(&cx->actor)),
		       P_TEXT(":search", search_of(cx, before, after))));
}
