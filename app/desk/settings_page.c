/*
** settings_page.c -- the settings in force: value, where it comes from, what it means. Read only.
**
** Never:  shows a secret (settings_shown masks it).
*/
#include "desk/inner.h"

#include <string.h>

static const char *origin_words(struct cx *cx, const char *origin)
{
	return strcmp(origin, "default") == 0 ? _("default") : origin;
}

enum rc handle_settings(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *sections = value_set_list(cx->arena, page, "sections"),
		     *rows = NULL;
	const struct settings *s = cx->env->settings;
	const char *section = "";

	for (size_t i = 0; settings_row(s, i) != NULL; i++) {
		const struct setting *row = settings_row(s, i);
		size_t len = strcspn(row->name, ".");
		const char *value = settings_shown(s, row->name), *origin = settings_origin(s, row->name);
		struct value *out;

		if (strlen(section) != len || memcmp(section, row->name, len) != 0) {
			struct value *group = value_add_map(cx->arena, sections);

			section = arena_bytes(cx->arena, row->name, len);
			value_set_text(cx->arena, group, "name", section);
			rows = value_set_list(cx->arena, group, "rows");
		}
		out = value_add_map(cx->arena, rows);
		value_set_text(cx->arena, out, "name", row->name);
		value_set_text(cx->arena, out, "value", value);
		value_set_text(cx->arena, out, "origin", origin_words(cx, origin));
		value_set_bool(cx->arena, out, "is_default", strcmp(origin, "default") == 0);
		value_set_text(cx->arena, out, "help", words_get(cx->lang, row->help));
	}
	if (call_shape(call) == SHAPE_JSON) {
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	value_set_text(cx->arena, page, "file", cx->env->config_path);
	page_answer(cx, call, "desk/settings", _("Settings"), page);
	return RC_OK;
}
