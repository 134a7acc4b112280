/*
** cmd_log.c -- `recado log level`: how much is logged, of all or of one subject, while the server runs.
**
** Needs:  settings_save() of desk: the level is a setting, so that it is the same after the next start.
*/
#include "base/log.h"
#include "desk/settings.h"
#include "ops/cmd.h"
#include <string.h>

#define NO_OPTIONS ((const char *const[]){ NULL })

const char *log_levels_refuse(const char *value, struct arena *a, enum lang lang)
{
	const char *wrong = NULL;
	size_t len = 0;

	if (env_log_levels(value, false, &wrong, &len)) return NULL;
	return arena_printf(
		a,
		words_get(lang,
			  N_("has “%.*s”: write subject=level, separated by commas, as in outbox=debug")),
		(int)len, wrong);
}

static bool is_subject(const char *word)
{
	for (size_t i = 0; log_subject_at(i) != NULL; i++)
		if (strcmp(log_subject_at(i), word) == 0) return true;
	return false;
}

/* What log.levels says of a subject, "" for nothing. */
static const char *own_level(struct cx *cx, const char *subject)
{
	const char *p = setting_text(cx->env->settings, "log.levels");
	size_t len = strlen(subject);

	for (p += strspn(p, ", "); *p != '\0'; p += strspn(p, ", ")) {
		size_t n = strcspn(p, ", ");

		if (n > len + 1 && strncmp(p, subject, len) == 0 && p[len] == '=')
			return arena_bytes(cx->arena, p + len + 1, n - len - 1);
		p += n;
	}
	return "";
}

static void print_levels(struct cx *cx, struct command_call *call)
{
	const char *all = setting_text(cx->env->settings, "log.level");
	struct value *root = value_map(cx->arena);

	for (size_t i = 0; log_subject_at(i) != NULL; i++) {
		const char *subject = log_subject_at(i), *own = own_level(cx, subject);

		value_set_text(cx->arena, root, subject, own[0] != '\0' ? own : all);
		if (!call->is_json) fprintf(call->out, "%-10s %s\n", subject, own[0] != '\0' ? own : all);
	}
	if (call->is_json) command_print(cx, call, root);
}

/* log.levels with this subject's pair replaced; the level of all drops what single ones said. */
static const char *levels_with(struct cx *cx, const char *subject, const char *level)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 1024);
	for (size_t i = 0; log_subject_at(i) != NULL; i++) {
		const char *one = log_subject_at(i),
			   *own = strcmp(one, subject) == 0 ? level : own_level(cx, one);

		if (own[0] != '\0') sb_printf(&sb, "%s%s=%s", sb.len > 0 ? ", " : "", one, own);
	}
	return sb_text_of(&sb);
}

enum rc ops_run_log_level(struct cx *cx, struct command_call *call)
{
	const char *first = command_word(call, 0, NO_OPTIONS), *second = command_word(call, 1, NO_OPTIONS);
	const char *level = second != NULL ? second : first;
	struct setting_change changes[2];
	enum log_level parsed;
	size_t saved = 0;
	enum rc rc = command_check(cx, call, NO_OPTIONS, NO_OPTIONS);

	if (rc != RC_OK) return rc;
	if (second != NULL && !is_subject(first))
		return cx_fail(
			cx, RC_BAD_INPUT,
			_("The log has no subject “%s”; they are app jobs outbox calendars payments security access errors."),
			first);
	if (level != NULL && !log_level_parse(&parsed, level))
		return cx_fail(cx, RC_BAD_INPUT, _("“%s” is not a level; write debug, info, warn or error."),
			       level);
	if (level != NULL) {
		changes[0] = (struct setting_change){ .name = "log.levels",
						      .value = second != NULL ? levels_with(cx, first, level)
									      : "" };
		changes[1] = (struct setting_change){ .name = "log.level", .value = level };
		rc = settings_save(
			cx, &(struct settings_order){ .changes = changes, .count = second != NULL ? 1 : 2 },
			&saved);
	}
	if (rc == RC_OK) print_levels(cx, call);
	return rc;
}
