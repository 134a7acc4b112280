/*
** cmd_config.c -- `recado config list|get|set|reset`: settings for the shell.
**
** Needs:  settings_save() of desk: the checks, the file and the history are those of the panel.
** Never:  prints a secret.
*/
#include "base/text.h"
#include "desk/settings.h"
#include "ops/cmd.h"
#include <string.h>

#define NO_OPTIONS  ((const char *const[]){ NULL })
#define CHANGES_MAX 100 /* of one call: more words than a line of a shell has */

static struct value *setting_value(struct cx *cx, const struct setting *row)
{
	const struct settings *s = cx->env->settings;
	struct value *v = value_map(cx->arena);

	value_set_text(cx->arena, v, "name", row->name);
	value_set_text(cx->arena, v, "value", settings_shown(s, row->name));
	value_set_text(cx->arena, v, "origin", settings_origin(s, row->name));
	value_set_text(cx->arena, v, "help", _(row->help));
	return v;
}

static const struct setting *find_setting(const struct settings *s, const char *name)
{
	for (size_t i = 0; settings_row(s, i) != NULL; i++)
		if (strcmp(settings_row(s, i)->name, name) == 0) return settings_row(s, i);
	return NULL;
}

static enum rc unknown_setting(struct cx *cx, const char *name)
{
	const struct settings *s = cx->env->settings;
	const char **names, *near = NULL;
	size_t n = 0;

	while (settings_row(s, n) != NULL)
		n++;
	names = arena_array(cx->arena, n + 1, sizeof(*names));
	for (size_t i = 0; names != NULL && i < n; i++)
		names[i] = settings_row(s, i)->name;
	if (names != NULL) near = text_nearest(name, names);
	if (near != NULL)
		return cx_fail(cx, RC_BAD_INPUT, _("There is no setting “%s”. Did you mean “%s”?"), name,
			       near);
	return cx_fail(cx, RC_BAD_INPUT, _("There is no setting “%s”; `recado config list` shows them all."),
		       name);
}

enum rc ops_run_config_list(struct cx *cx, struct command_call *call)
{
	const struct settings *s = cx->env->settings;
	struct value *list = value_list(cx->arena);

	for (size_t i = 0; settings_row(s, i) != NULL; i++) {
		const char *name = settings_row(s, i)->name;

		if (call->is_json)
			value_append(list, setting_value(cx, settings_row(s, i)));
		else
			fprintf(call->out, "%s = %s  (%s)\n", name, settings_shown(s, name),
				settings_origin(s, name));
	}
	if (call->is_json) command_print(cx, call, list);
	return RC_OK;
}

enum rc ops_run_config_get(struct cx *cx, struct command_call *call)
{
	const char *name = command_word(call, 0, NO_OPTIONS);
	const struct setting *row = name != NULL ? find_setting(cx->env->settings, name) : NULL;

	if (row == NULL) return unknown_setting(cx, name != NULL ? name : "");
	if (call->is_json)
		command_print(cx, call, setting_value(cx, row));
	else
		fprintf(call->out, "%s\n", settings_shown(cx->env->settings, name));
	return RC_OK;
}

/* Changes that name no setting are told with the nearest name, before anything else is looked at. */
static enum rc check_names(struct cx *cx, const struct setting_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (find_setting(cx->env->settings, changes[i].name) == NULL)
			return unknown_setting(cx, changes[i].name);
	return RC_OK;
}

/* One wrong value is one sentence; several stand below each other, by name. */
static enum rc tell(struct cx *cx, enum rc rc)
{
	if (rc != RC_BAD_INPUT || cx->field_count != 1) return rc;
	rc = cx_fail(cx, rc, "%s: %s", cx->fields[0].field, cx->fields[0].message);
	cx->field_count = 0;
	return rc;
}

static enum rc save(struct cx *cx, struct command_call *call, struct setting_change *changes, size_t count)
{
	const struct settings *s = cx->env->settings;
	struct value *list = value_list(cx->arena);
	size_t saved = 0;
	enum rc rc = check_names(cx, changes, count);

	if (rc == RC_OK)
		rc = tell(cx,
			  settings_save(cx, &(struct settings_order){ .changes = changes, .count = count },
					&saved));
	if (rc != RC_OK) return rc;
	for (size_t i = 0; i < count; i++)
		value_append(list, setting_value(cx, find_setting(s, changes[i].name)));
	if (call->is_json) {
		command_print(cx, call, list);
		return RC_OK;
	}
	if (saved == 0) fprintf(call->out, "%s\n", _("Nothing was changed: everything was so already."));
	for (size_t i = 0; i < saved; i++) {
		const char *name = changes[i].name;

		if (settings_waits(s, name))
			fprintf(call->out,
				_("Written: %s. It takes effect at the next start: systemctl restart recado\n"),
				name);
		else if (cx->env->is_holder)
			fprintf(call->out, _("Written: %s. The running server has it already.\n"), name);
		else
			fprintf(call->out, _("Written: %s.\n"), name);
	}
	return RC_OK;
}

enum rc ops_run_config_set(struct cx *cx, struct command_call *call)
{
	struct setting_change changes[CHANGES_MAX];
	size_t n = 0;
	enum rc rc = command_check(cx, call, NO_OPTIONS, NO_OPTIONS);

	for (const char *name; n < CHANGES_MAX && (name = command_word(call, 2 * n, NO_OPTIONS)) != NULL;
	     n++) {
		changes[n] = (struct setting_change){ .name = name,
						      .value = command_word(call, 2 * n + 1, NO_OPTIONS) };
		if (changes[n].value == NULL) break;
	}
	if (rc == RC_OK && (n == 0 || command_word(call, 2 * n, NO_OPTIONS) != NULL))
		rc = cx_fail(cx, RC_BAD_INPUT, _("Usage: recado config set NAME VALUE"));
	return rc == RC_OK ? save(cx, call, changes, n) : rc;
}

enum rc ops_run_config_reset(struct cx *cx, struct command_call *call)
{
	struct setting_change changes[CHANGES_MAX];
	size_t n = 0;
	enum rc rc = command_check(cx, call, NO_OPTIONS, NO_OPTIONS);

	for (const char *name; n < CHANGES_MAX && (name = command_word(call, n, NO_OPTIONS)) != NULL; n++)
		changes[n] = (struct setting_change){ .name = name };
	if (rc == RC_OK && n == 0) rc = cx_fail(cx, RC_BAD_INPUT, _("Usage: recado config reset NAME"));
	return rc == RC_OK ? save(cx, call, changes, n) : rc;
}
