/*
** settings_form.c -- a setting as a field of a form, and a posted form or JSON body as changes.
**
** Needs:  web/field, the partial that draws a field.
** Never:  shows a secret, or makes a field of what is set from outside.
** Holds:  (1) a field that was not sent changes nothing; (2) an empty secret keeps the old one, only its box
**         clears it; (3) what stands elsewhere (file:, env:) is replaced only by a value that somebody types.
*/
#include "desk/settings.h"
#include "base/embed.h"
#include "desk/inner.h"

#include <string.h>

#define CLEAR          "clear:"   /* box of a secret: forget it                */
#define DEFAULT        "default:" /* box of a setting of the file: its default */
#define CHOICES_MAX    60
#define LINE_MAX_CHARS 320 /* the longest mail address still is one line */

static const char *error_of(const struct cx *cx, const char *name)
{
	for (size_t i = 0; i < cx->field_count; i++)
		if (strcmp(cx->fields[i].field, name) == 0) return cx->fields[i].message;
	return NULL;
}

static void add_option(struct cx *cx, struct value *list, const char *value, const char *title,
		       const char *chosen)
{
	struct value *o = value_add_map(cx->arena, list);

	value_set_text(cx->arena, o, "value", value);
	value_set_text(cx->arena, o, "title", title);
	value_set_bool(cx->arena, o, "is_selected", strcmp(value, chosen) == 0);
}

/* How grave an alert is, as the page of alerts says it; other choices are words of the file. */
static const char *choice_title(struct cx *cx, const struct setting *row, const char *word)
{
	const char *title = NULL;

	if (row->choices == NULL || strstr(row->choices, "urgent") == NULL) return word;
	if (strcmp(word, "urgent") == 0) title = N_("Urgent");
	if (strcmp(word, "warning") == 0) title = N_("Warning");
	if (strcmp(word, "info") == 0 || strcmp(word, "notice") == 0) title = N_("Notice");
	return title == NULL ? word : arena_printf(cx->arena, "%s (%s)", words_get(cx->lang, title), word);
}

static void add_choices(struct cx *cx, const struct setting *row, const char *chosen, struct value *out)
{
	struct value *list = value_set_list(cx->arena, out, "options");
	const char *c = row->choices != NULL ? row->choices : "";

	value_set_bool(cx->arena, out, "is_select", true);
	for (size_t n = 0; *c != '\0' && n < CHOICES_MAX; n++) {
		size_t len = strcspn(c, "|");
		const char *word = arena_bytes(cx->arena, c, len);

		add_option(cx, list, word, choice_title(cx, row, word), chosen);
		c += len + (c[len] == '|');
	}
}

static void add_number(struct cx *cx, const struct setting *row, struct value *out)
{
	value_set_text(cx->arena, out, "type", "number");
	value_set_text(cx->arena, out, "input_mode", "numeric");
	if (row->min == 0 && row->max == 0) return;
	value_set_text(cx->arena, out, "min", arena_printf(cx->arena, "%lld", (long long)row->min));
	value_set_text(cx->arena, out, "max", arena_printf(cx->arena, "%lld", (long long)row->max));
}

/* The control by the row's type. value: as the file would have it. */
static void add_control(struct cx *cx, const struct setting *row, const char *value, struct value *out)
{
	struct value *list;
	bool is_yes = setting_bool(cx->env->settings, row->name);

	switch (row->type) {
	case SET_INT: add_number(cx, row, out); break;
	case SET_BOOL:
		if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) value = is_yes ? "yes" : "no";
		value_set_bool(cx->arena, out, "is_select", true);
		list = value_set_list(cx->arena, out, "options");
		add_option(cx, list, "yes", _("Yes"), value);
		add_option(cx, list, "no", _("No"), value);
		break;
	case SET_ONE: add_choices(cx, row, value, out); break;
	case SET_HHMM: value_set_text(cx->arena, out, "type", "time"); break;
	case SET_ZONE: value_set_text(cx->arena, out, "list_id", "zones"); break;
	case SET_URL:
		value_set_text(cx->arena, out, "type", "url");
		value_set_text(cx->arena, out, "input_mode", "url");
		break;
	case SET_LIST_INT: value_set_text(cx->arena, out, "placeholder", "7,3,1,0"); break;
	case SET_TEXT:
		if (row->max == 0 || row->max > LINE_MAX_CHARS) {
			value_set_bool(cx->arena, out, "is_text_area", !row->is_secret);
			value_set_int(cx->arena, out, "lines", 2);
		}
		if (row->max > 0)
			value_set_text(cx->arena, out, "max_length",
				       arena_printf(cx->arena, "%lld", (long long)row->max));
		break;
	}
}

/* "set, 12 days old", "not set", … */
static const char *secret_words(struct cx *cx, const struct setting *row)
{
	instant at = settings_secret_at(cx, row);
	int64_t days;

	if (setting_text(cx->env->settings, row->name)[0] == '\0') return _("Not set.");
	if (at == 0) return _("Set; since when is not known.");
	days = cx_today(cx) - zone_day(cx->env->zone, at);
	if (days <= 0) return _("Set today.");
	return arena_printf(cx->arena,
			    words_plural(cx->lang, days, N_("Set, %lld day old."), N_("Set, %lld days old.")),
			    (long long)days);
}

static void add_secret(struct cx *cx, const struct setting *row, struct value *out)
{
	const char *shown = settings_shown(cx->env->settings, row->name);
	bool is_elsewhere = strncmp(shown, "file:", 5) == 0 || strncmp(shown, "env:", 4) == 0;

	value_set_bool(cx->arena, out, "is_secret", true);
	value_set_text(cx->arena, out, "type", "password");
	value_set_text(cx->arena, out, "autocomplete", "new-password");
	value_set_text(cx->arena, out, "value", "");
	value_set_text(cx->arena, out, "state", secret_words(cx, row));
	value_set_bool(cx->arena, out, "can_clear", shown[0] != '\0');
	if (!is_elsewhere) return;
	value_set_bool(cx->arena, out, "is_elsewhere", true);
	value_set_text(cx->arena, out, "where", shown);
}

static const char *origin_words(struct cx *cx, const char *origin)
{
	if (strcmp(origin, "default") == 0) return _("default");
	if (strcmp(origin, "override") == 0) return _("given at the start");
	if (strcmp(origin, "env") == 0) return _("environment");
	if (strncmp(origin, "file:", 5) == 0) return arena_printf(cx->arena, _("line %s"), origin + 5);
	return origin;
}

void setting_field(struct cx *cx, struct call *call, const struct setting *row, struct value *out)
{
	const struct settings *s = cx->env->settings;
	const char *shown = settings_shown(s, row->name), *origin = settings_origin(s, row->name);
	const char *typed = call != NULL ? form_text(call, row->name) : NULL,
		   *error = error_of(cx, row->name);
	const char *def = row->def != NULL ? row->def : "";
	bool is_file = strncmp(origin, "file:", 5) == 0;

	value_set_text(cx->arena, out, "name", row->name);
	value_set_text(cx->arena, out, "label", setting_title(cx, row));
	value_set_text(cx->arena, out, "shown", shown);
	value_set_text(cx->arena, out, "origin", origin_words(cx, origin));
	value_set_bool(cx->arena, out, "is_default", strcmp(origin, "default") == 0);
	value_set_bool(cx->arena, out, "is_fixed", strcmp(origin, "override") == 0);
	value_set_text(cx->arena, out, "help", words_get(cx->lang, row->help));
	value_set_text(cx->arena, out, "value", typed != NULL ? typed : shown);
	if (error != NULL) value_set_text(cx->arena, out, "error", error);
	add_control(cx, row, typed != NULL ? typed : shown, out);
	if (row->is_secret) add_secret(cx, row, out);
	value_set_text(cx->arena, out, "def",
		       row->type == SET_BOOL ? (strcmp(def, "yes") == 0 ? _("Yes") : _("No")) : def);
	value_set_bool(cx->arena, out, "has_def", def[0] != '\0');
	value_set_bool(cx->arena, out, "can_reset", is_file && !row->is_secret);
	value_set_bool(cx->arena, out, "waits", settings_waits(s, row->name));
	value_set_bool(cx->arena, out, "needs_restart", row->needs_restart);
	value_set_bool(cx->arena, out, "asks_sure", error != NULL && strcmp(row->name, "mode.offline") == 0);
}

/* Reading */

static enum rc add_change(struct cx *cx, struct setting_change *changes, size_t *count, const char *name,
			  const char *value)
{
	if (*count == SETTINGS_SAVE_MAX)
		return cx_fail(cx, RC_TOO_LARGE, _("That is too many settings at once."));
	changes[(*count)++] = (struct setting_change){ .name = name, .value = value };
	return RC_OK;
}

static bool is_ticked(struct cx *cx, struct call *call, const char *prefix, const char *name)
{
	return form_text(call, arena_printf(cx->arena, "%s%s", prefix, name)) != NULL;
}

enum rc settings_read_form(struct cx *cx, struct call *call, const char *section,
			   struct setting_change changes[SETTINGS_SAVE_MAX], size_t *count)
{
	const struct setting *row;
	enum rc rc = form_read(cx, call);

	*count = 0;
	for (size_t i = 0; rc == RC_OK && (row = settings_row(cx->env->settings, i)) != NULL; i++) {
		const char *typed = form_text(call, row->name);

		if (section[0] != '\0' && !setting_is_in(row, section)) continue;
		if (is_ticked(cx, call, row->is_secret ? CLEAR : DEFAULT, row->name))
			rc = add_change(cx, changes, count, row->name, NULL);
		else if (typed != NULL && !(row->is_secret && typed[0] == '\0'))
			rc = add_change(cx, changes, count, row->name, typed);
	}
	return rc;
}

/* A list of numbers as the file has it: "7,3,1,0". */
static const char *joined(struct cx *cx, const struct value *list)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 4096);
	for (const struct value *v = list->first; v != NULL; v = v->next) {
		if (v != list->first) sb_char(&sb, ',');
		if (v->type == VALUE_INT)
			sb_int(&sb, v->integer);
		else
			sb_text(&sb, value_text_of(v, "?"));
	}
	return sb_text_of(&sb);
}

/* As the file has it; NULL: the default. */
static enum rc json_text(struct cx *cx, const struct value *v, const char **out)
{
	switch (v->type) {
	case VALUE_NULL: *out = NULL; return RC_OK;
	case VALUE_TEXT: *out = v->text; return RC_OK;
	case VALUE_BOOL: *out = v->boolean ? "yes" : "no"; return RC_OK;
	case VALUE_INT: *out = arena_printf(cx->arena, "%lld", (long long)v->integer); return RC_OK;
	case VALUE_LIST: *out = joined(cx, v); return RC_OK;
	default: return cx_fail_field(cx, v->key, _("A text, a number, true, false or null."));
	}
}

enum rc settings_read_json(struct cx *cx, struct call *call, struct setting_change changes[SETTINGS_SAVE_MAX],
			   size_t *count, bool *is_sure)
{
	const struct value *json = form_json(call);
	enum rc rc = form_read(cx, call), one;

	*count = 0;
	*is_sure = false;
	if (rc == RC_OK && (json == NULL || json->type != VALUE_MAP))
		return cx_fail(cx, RC_BAD_INPUT, _("Send a JSON object of names and values."));
	for (const struct value *v = json != NULL ? json->first : NULL; v != NULL && rc != RC_TOO_LARGE;
	     v = v->next) {
		const char *value = NULL;

		if (strcmp(v->key, "is_sure") == 0) {
			*is_sure = value_bool_of(v, false);
			continue;
		}
		one = json_text(cx, v, &value);
		if (one == RC_OK) one = add_change(cx, changes, count, v->key, value);
		if (one != RC_OK) rc = one;
	}
	return rc;
}

/* Zones */

static const struct {
	const char *region, *zone;
} likely[] = {
	{ "EC", "America/Guayaquil" },
	{ "EC", "Pacific/Galapagos" },
	{ "CO", "America/Bogota" },
};

static void add_zone(struct cx *cx, struct value *list, const char *name, const char *chosen)
{
	struct value *z = value_add_map(cx->arena, list);

	value_set_text(cx->arena, z, "value", name);
	value_set_bool(cx->arena, z, "is_selected", strcmp(name, chosen) == 0);
}

void settings_zones(struct cx *cx, struct value *page)
{
	const char *region = setting_text(cx->env->settings, "business.region");
	const char *chosen = setting_text(cx->env->settings, "business.zone");
	struct value *near = value_set_list(cx->arena, page, "zones_near");
	struct value *all = value_set_list(cx->arena, page, "zones");

	for (size_t i = 0; i < sizeof likely / sizeof *likely; i++)
		if (strcmp(likely[i].region, region) == 0) add_zone(cx, near, likely[i].zone, chosen);
	for (size_t i = 0; i < sizeof likely / sizeof *likely; i++)
		if (strcmp(likely[i].region, region) != 0) add_zone(cx, near, likely[i].zone, chosen);
	for (size_t i = embed_first("zone/"); i < embed_count(); i++) {
		const char *name = embed_at(i)->name;

		if (strncmp(name, "zone/", 5) != 0) break;
		if (strchr(name + 5, '/') != NULL) add_zone(cx, all, name + 5, chosen);
	}
}
