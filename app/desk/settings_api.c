/*
** settings_api.c -- settings for programs: GET /api/v1/settings, PATCH with a map of names and values.
**
** Needs:  settings_save.c: the same checks, history and refusals as the page has.
** Holds:  a secret's value never leaves; that it is set, and since when, does.
*/
#include "desk/settings.h"
#include "desk/inner.h"

#include <string.h>

static const char *type_name(enum setting_type type)
{
	static const char *const names[] = {
		[SET_TEXT] = "text", [SET_INT] = "int",   [SET_BOOL] = "bool", [SET_ONE] = "choice",
		[SET_HHMM] = "time", [SET_ZONE] = "zone", [SET_URL] = "url",   [SET_LIST_INT] = "ints",
	};

	return names[type];
}

static void add_choices(struct cx *cx, const struct setting *row, struct value *out)
{
	struct value *list = value_set_list(cx->arena, out, "choices");

	for (const char *c = row->choices; *c != '\0';) {
		size_t len = strcspn(c, "|");

		value_add_text(cx->arena, list, arena_bytes(cx->arena, c, len));
		c += len + (c[len] == '|');
	}
}

static void add_secret(struct cx *cx, const struct setting *row, struct value *out)
{
	instant at = settings_secret_at(cx, row);

	value_set_bool(cx->arena, out, "is_set", setting_text(cx->env->settings, row->name)[0] != '\0');
	if (at != 0)
		value_set_int(cx->arena, out, "changed_at", at);
	else
		value_set_null(cx->arena, out, "changed_at");
}

static void add_row(struct cx *cx, const struct setting *row, struct value *list)
{
	const struct settings *s = cx->env->settings;
	struct value *out = value_add_map(cx->arena, list);

	value_set_text(cx->arena, out, "name", row->name);
	value_set_text(cx->arena, out, "title", setting_title(cx, row));
	value_set_text(cx->arena, out, "section", arena_bytes(cx->arena, row->name, strcspn(row->name, ".")));
	value_set_text(cx->arena, out, "type", type_name(row->type));
	value_set_text(cx->arena, out, "value", settings_shown(s, row->name));
	value_set_text(cx->arena, out, "default", row->def);
	value_set_text(cx->arena, out, "origin", settings_origin(s, row->name));
	value_set_bool(cx->arena, out, "is_secret", row->is_secret);
	if (row->is_secret) add_secret(cx, row, out);
	if (row->min != 0 || row->max != 0) {
		value_set_int(cx->arena, out, "min", row->min);
		value_set_int(cx->arena, out, "max", row->max);
	}
	if (row->choices != NULL && row->type == SET_ONE) add_choices(cx, row, out);
	value_set_bool(cx->arena, out, "needs_restart", row->needs_restart);
	value_set_bool(cx->arena, out, "is_waiting", settings_waits(s, row->name));
	value_set_text(cx->arena, out, "help", words_get(cx->lang, row->help));
}

static void answer_all(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *list = value_set_list(cx->arena, page, "data");
	const struct setting *row;
	char seen[SETTINGS_SEEN_SIZE];

	for (size_t i = 0; (row = settings_row(cx->env->settings, i)) != NULL; i++)
		add_row(cx, row, list);
	settings_seen(cx->env->settings, seen);
	answer_header(call, "ETag", arena_printf(cx->arena, "\"%s\"", seen));
	shape_json(cx, page);
	answer_json(cx, call, 200, page);
}

enum rc handle_settings_api(struct cx *cx, struct call *call)
{
	answer_all(cx, call);
	return RC_OK;
}

/* The mark of If-Match, without its quotes; NULL: none was sent. */
static const char *wanted_mark(struct cx *cx, struct call *call)
{
	const char *header = call_header(call, "If-Match");
	size_t len;

	if (header == NULL || strcmp(header, "*") == 0) return NULL;
	header += strspn(header, "\"W/ ");
	len = strcspn(header, "\"");
	return arena_bytes(cx->arena, header, len);
}

enum rc handle_settings_patch(struct cx *cx, struct call *call)
{
	struct setting_change *changes = arena_array(cx->arena, SETTINGS_SAVE_MAX, sizeof *changes);
	struct settings_order order = { .changes = changes, .call = call };
	enum rc rc;

	if (changes == NULL) return RC_NO_MEMORY;
	rc = settings_read_json(cx, call, changes, &order.count, &order.is_sure);
	order.seen = wanted_mark(cx, call);
	if (rc == RC_OK) rc = settings_save(cx, &order, NULL);
	if (rc == RC_OK) answer_all(cx, call);
	return rc;
}
