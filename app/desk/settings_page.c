/*
** settings_page.c -- all settings at one glance, to be searched; and one section as a form.
**
** Needs:  settings_save.c for every change, settings_form.c for the fields.
** Never:  shows a secret; writes a setting itself.
** Holds:  (1) what was typed stays in the form until it is saved; (2) a save that is refused changes nothing
**         and says so at every wrong field.
*/
#include "desk/settings.h"
#include "base/text.h"
#include "desk/inner.h"

#include <string.h>

#define RESTART_COMMAND "sudo systemctl restart recado"
#define REFUSED         422

static bool may_edit(const struct cx *cx)
{
	return actor_may(&cx->actor, "settings.edit");
}

/* The file is not what is in force; some of it waits for the next start. */
static void fill_state(struct cx *cx, struct value *page)
{
	const struct settings *s = cx->env->settings;
	const struct setting *row;
	struct value *list = value_set_list(cx->arena, page, "waiting");

	for (size_t i = 0; (row = settings_row(s, i)) != NULL; i++)
		if (settings_waits(s, row->name))
			value_set_text(cx->arena, value_add_map(cx->arena, list), "label",
				       setting_title(cx, row));
	value_set_bool(cx->arena, page, "has_waiting", list->count > 0);
	value_set_text(cx->arena, page, "restart", RESTART_COMMAND);
	value_set_text(cx->arena, page, "file", cx->env->config_path);
	value_set_bool(cx->arena, page, "is_stale", settings_are_stale(s));
	value_set_bool(cx->arena, page, "may_edit", may_edit(cx));
}

/* Overview */

/* Every word of q is somewhere in name, title, help, section or value, accents aside. */
static bool fits(struct cx *cx, const struct setting *row, const char *section, const char *q)
{
	const char *hay =
		text_fold(cx->arena, arena_printf(cx->arena, "%s %s %s %s %s", row->name,
						  setting_title(cx, row), words_get(cx->lang, row->help),
						  section, settings_shown(cx->env->settings, row->name)));
	char *word = text_fold(cx->arena, q);

	while (*word != '\0') {
		size_t len = strcspn(word, " ");
		char end = word[len];

		word[len] = '\0';
		if (strstr(hay, word) == NULL) return false;
		word += len + (end != '\0');
	}
	return true;
}

static const char *value_words(struct cx *cx, const struct setting *row)
{
	const char *shown = settings_shown(cx->env->settings, row->name);

	if (row->type != SET_BOOL) return shown;
	return strcmp(shown, "yes") == 0 ? _("Yes") : strcmp(shown, "no") == 0 ? _("No") : shown;
}

static void add_row(struct cx *cx, const struct setting *row, const char *section, struct value *rows)
{
	struct value *out = value_add_map(cx->arena, rows);

	setting_field(cx, NULL, row, out);
	value_set_text(cx->arena, out, "text", value_words(cx, row));
	value_set_text(cx->arena, out, "href",
		       arena_printf(cx->arena, "/settings/%s#f-%s", section, row->name));
}

enum rc handle_settings(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *sections = value_set_list(cx->arena, page, "sections"),
		     *rows = NULL;
	const char *section = "", *title = "", *q = call_query(call, "q");
	const struct setting *row;
	bool is_empty = true;

	if (call_shape(call) == SHAPE_JSON) return handle_settings_api(cx, call);
	if (q == NULL) q = "";
	for (size_t i = 0; (row = settings_row(cx->env->settings, i)) != NULL; i++) {
		const char *own = arena_bytes(cx->arena, row->name, strcspn(row->name, "."));

		if (!setting_is_in(row, section)) title = setting_section_title(cx, own);
		if (!fits(cx, row, title, q)) continue;
		if (rows == NULL || strcmp(own, section) != 0) {
			struct value *group = value_add_map(cx->arena, sections);

			value_set_text(cx->arena, group, "name", title);
			value_set_text(cx->arena, group, "id", own);
			value_set_text(cx->arena, group, "href",
				       arena_printf(cx->arena, "/settings/%s", own));
			rows = value_set_list(cx->arena, group, "rows");
		}
		section = own;
		is_empty = false;
		add_row(cx, row, own, rows);
	}
	value_set_text(cx->arena, page, "q", q);
	value_set_bool(cx->arena, page, "is_searched", q[0] != '\0');
	value_set_bool(cx->arena, page, "is_empty", is_empty);
	fill_state(cx, page);
	page_answer(cx, call, "desk/settings", _("Settings"), page);
	return RC_OK;
}

/* One section */

static bool has_section(const struct cx *cx, const char *section)
{
	const struct setting *row;

	for (size_t i = 0; section[0] != '\0' && (row = settings_row(cx->env->settings, i)) != NULL; i++)
		if (setting_is_in(row, section)) return true;
	return false;
}

static void add_errors(struct cx *cx, const char *section, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "errors");

	for (size_t i = 0; i < cx->field_count; i++) {
		const struct setting *row = settings_find(cx->env->settings, cx->fields[i].field);
		struct value *e = value_add_map(cx->arena, list);
		bool is_here = row != NULL && setting_is_in(row, section);

		value_set_text(cx->arena, e, "name", cx->fields[i].field);
		value_set_text(cx->arena, e, "label", is_here ? setting_title(cx, row) : cx->fields[i].field);
		value_set_text(cx->arena, e, "message", cx->fields[i].message);
	}
}

static void section_page(struct cx *cx, struct call *call, const char *section, enum rc failed)
{
	struct value *page = value_map(cx->arena), *fields = value_set_list(cx->arena, page, "fields");
	bool is_post = strcmp(call_method(call), "POST") == 0;
	char seen[SETTINGS_SEEN_SIZE];
	const struct setting *row;
	bool has_zone = false;

	for (size_t i = 0; (row = settings_row(cx->env->settings, i)) != NULL; i++) {
		if (!setting_is_in(row, section)) continue;
		setting_field(cx, is_post ? call : NULL, row, value_add_map(cx->arena, fields));
		has_zone = has_zone || row->type == SET_ZONE;
	}
	if (has_zone) settings_zones(cx, page);
	settings_seen(cx->env->settings, seen);
	value_set_text(cx->arena, page, "seen", seen);
	value_set_text(cx->arena, page, "id", section);
	fill_state(cx, page);
	trail_add(cx, page, _("Settings"), "/settings");
	if (failed != RC_OK) {
		if (failed != RC_BAD_INPUT || cx->field_count == 0)
			value_set_text(cx->arena, page, "form_error", cx_sentence(cx, failed));
		add_errors(cx, section, page);
	}
	page_answer(cx, call, "desk/settings_section", setting_section_title(cx, section), page);
	if (failed != RC_OK)
		reply_status(call_reply(call), failed == RC_BAD_INPUT ? REFUSED : rc_row(failed)->http);
}

enum rc handle_settings_section(struct cx *cx, struct call *call)
{
	const char *section = call_param(call, "section");

	if (!has_section(cx, section)) return RC_NOT_FOUND;
	section_page(cx, call, section, RC_OK);
	return RC_OK;
}

static const char *done_words(struct cx *cx, size_t saved)
{
	if (saved == 0) return _("Nothing was changed: everything was so already.");
	return arena_printf(cx->arena,
			    words_plural(cx->lang, (int64_t)saved, N_("Saved: %zu setting changed."),
					 N_("Saved: %zu settings changed.")),
			    saved);
}

enum rc handle_settings_save(struct cx *cx, struct call *call)
{
	struct setting_change *changes = arena_array(cx->arena, SETTINGS_SAVE_MAX, sizeof *changes);
	const char *section = call_param(call, "section");
	struct settings_order order = { .changes = changes, .call = call };
	size_t saved = 0;
	enum rc rc;

	if (changes == NULL) return RC_NO_MEMORY;
	if (!has_section(cx, section)) return RC_NOT_FOUND;
	rc = settings_read_form(cx, call, section, changes, &order.count);
	if (rc != RC_OK) return rc;
	order.seen = form_text(call, "seen");
	order.is_sure = form_text(call, "is_sure") != NULL;
	rc = settings_save(cx, &order, &saved);
	if (rc == RC_OK) {
		answer_flash(cx, call, arena_printf(cx->arena, "/settings/%s", section),
			     done_words(cx, saved));
		return RC_OK;
	}
	if (rc == RC_NO_MEMORY || rc == RC_BUG) return rc;
	section_page(cx, call, section, rc);
	return RC_OK;
}

enum rc handle_settings_reread(struct cx *cx, struct call *call)
{
	enum rc rc = settings_read_again(cx);

	if (rc == RC_BAD_INPUT)
		answer_flash(
			cx, call, "/settings",
			arena_printf(cx->arena, _("The file was not taken over: %s"), cx_sentence(cx, rc)));
	else if (rc == RC_OK)
		answer_flash(cx, call, "/settings", _("The file was read again and is in force."));
	return rc == RC_BAD_INPUT ? RC_OK : rc;
}

/* The rows */

const struct right desk_settings_rights[] = {
	{ "settings.view", N_("See the settings in force"), "owner" },
	{ "settings.edit", N_("Change the settings"), "owner" },
	{ .name = NULL },
};

#define STAFF_DB .realm = REALM_STAFF, .class = ROUTE_DB

const struct route desk_settings_routes[] = {
	{ .method = "GET",
	  .path = "/settings",
	  STAFF_DB,
	  .right = "settings.view",
	  .menu = N_("Settings"),
	  .help = N_("The settings in force"),
	  .handle = handle_settings },
	{ .method = "PATCH",
	  .path = "/settings",
	  STAFF_DB,
	  .right = "settings.edit",
	  .has_token = true,
	  .is_idempotent = true,
	  .help = N_("Change settings: a map of names and values"),
	  .handle = handle_settings_patch },
	{ .method = "GET",
	  .path = "/settings/history",
	  STAFF_DB,
	  .right = "settings.view",
	  .help = N_("Who changed which setting, and when"),
	  .handle = handle_settings_history },
	{ .method = "POST",
	  .path = "/settings/read",
	  STAFF_DB,
	  .right = "settings.edit",
	  .has_token = true,
	  .help = N_("Read the settings file again"),
	  .handle = handle_settings_reread },
	{ .method = "GET",
	  .path = "/settings/:section",
	  STAFF_DB,
	  .right = "settings.edit",
	  .no_api = true,
	  .help = N_("One section of the settings, to be changed"),
	  .handle = handle_settings_section },
	{ .method = "POST",
	  .path = "/settings/:section",
	  STAFF_DB,
	  .right = "settings.edit",
	  .has_token = true,
	  .no_api = true,
	  .help = N_("Save one section of the settings"),
	  .handle = handle_settings_save },
	{ .method = NULL },
};
