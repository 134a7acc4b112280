/*
** cmd_core.c -- the core commands: people, check, backup, version. Those of settings are in cmd_config.c.
**
** A command prints its result to call->out and leaves failures to the caller, who shows the
** sentence once.
*/
#include "ops/ops.h"
#include "base/text.h"
#include "ops/cmd.h"
#include <string.h>

#define OPTIONS(...)      ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_OPTIONS        ((const char *const[]){ NULL })
#define PASSWORD_LINE_MAX 1024 /* longer than any password a person types */

void command_print(struct cx *cx, struct command_call *call, const struct value *value)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 64 * 1024 * 1024);
	json_write_pretty(&sb, value);
	fprintf(call->out, "%s\n", sb_text_of(&sb));
}

/* People */

static enum rc read_password(struct cx *cx, struct command_call *call, const char **out)
{
	char line[PASSWORD_LINE_MAX];
	size_t len;

	if (!command_flag(call, "password-stdin"))
		return cx_fail(cx, RC_BAD_INPUT,
			       _("Give the password on standard input and say --password-stdin."));
	if (fgets(line, sizeof(line), call->in) == NULL)
		return cx_fail(cx, RC_BAD_INPUT, _("No password came on standard input."));
	len = strcspn(line, "\r\n");
	*out = arena_bytes(cx->arena, line, len);
	explicit_bzero(line, sizeof(line));
	return RC_OK;
}

static enum rc run_user_add(struct cx *cx, struct command_call *call)
{
	const char *const *with_value = OPTIONS("role");
	const char *name = command_word(call, 0, with_value);
	const char *role = command_option(call, "role");
	const char *password = "";
	int64_t id = 0;
	enum rc rc = command_check(cx, call, OPTIONS("password-stdin"), with_value);

	if (rc == RC_OK && (name == NULL || role == NULL || role[0] == '\0'))
		rc = cx_fail(cx, RC_BAD_INPUT,
			     _("Usage: recado user add NAME --role owner|seller|reader --password-stdin"));
	if (rc == RC_OK) rc = read_password(cx, call, &password);
	if (rc == RC_OK) rc = user_add(cx, &id, name, role, password);
	if (rc == RC_OK && call->is_json) {
		struct value *root = value_map(cx->arena);

		value_set_text(cx->arena, root, "name", name);
		value_set_text(cx->arena, root, "role", role);
		command_print(cx, call, root);
	} else if (rc == RC_OK)
		fprintf(call->out, _("User %s can log in (%s).\n"), name, role);
	return rc;
}

static enum rc run_user_reset(struct cx *cx, struct command_call *call)
{
	const char *name = command_word(call, 0, NO_OPTIONS);
	const char *password = "";
	enum rc rc = command_check(cx, call, OPTIONS("password-stdin"), NO_OPTIONS);

	if (rc == RC_OK && name == NULL)
		rc = cx_fail(cx, RC_BAD_INPUT, _("Usage: recado user reset NAME --password-stdin"));
	if (rc == RC_OK) rc = read_password(cx, call, &password);
	if (rc == RC_OK) rc = user_set_password(cx, name, password);
	if (rc == RC_OK)
		fprintf(call->out, _("The password of %s is changed and its sessions are ended.\n"), name);
	return rc;
}

static enum rc run_token_add(struct cx *cx, struct command_call *call)
{
	const char *const *with_value = OPTIONS("rights");
	const char *name = command_word(call, 0, with_value);
	const char *rights = command_option(call, "rights");
	char token[TOKEN_SIZE + 8];
	enum rc rc = command_check(cx, call, NO_OPTIONS, with_value);

	if (rc == RC_OK && (name == NULL || rights == NULL || rights[0] == '\0'))
		rc = cx_fail(
			cx, RC_BAD_INPUT,
			_("Usage: recado token add NAME --rights LIST, for example clients.view,renewals.run"));
	if (rc == RC_OK) rc = token_add(cx, token, name, rights);
	if (rc != RC_OK) return rc;
	if (call->is_json) {
		struct value *root = value_map(cx->arena);

		value_set_text(cx->arena, root, "name", name);
		value_set_text(cx->arena, root, "token", token);
		command_print(cx, call, root);
	} else
		fprintf(call->out, "%s\n", token);
	return RC_OK;
}

/* Check */

static enum rc run_check(struct cx *cx, struct command_call *call)
{
	struct value *rows;
	enum check_state worst;

	health_run(cx, &rows, &worst, false);
	if (call->is_json)
		command_print(cx, call, rows);
	else
		for (const struct value *r = rows->first; r != NULL; r = r->next) {
			const char *state = value_text_of(value_get(r, "state"), "");
			const char *remedy = value_text_of(value_get(r, "remedy"), "");

			fprintf(call->out, "%s %s: %s\n",
				strcmp(state, "ok") == 0       ? "✅"
				: strcmp(state, "failed") == 0 ? "❌"
							       : "⚠️",
				value_text_of(value_get(r, "title"), ""),
				value_text_of(value_get(r, "detail"), ""));
			if (remedy[0] != '\0') fprintf(call->out, "   → %s\n", remedy);
		}
	return worst == CHECK_FAIL ? cx_fail(cx, RC_IO, _("Something needs you; see above.")) : RC_OK;
}

/* Backup and restore */

static enum rc run_backup(struct cx *cx, struct command_call *call)
{
	const char *path = command_word(call, 0, NO_OPTIONS);
	const char *written = "";
	enum rc rc = command_check(cx, call, NO_OPTIONS, NO_OPTIONS);

	if (rc == RC_OK) rc = backup_write(cx, path, &written);
	if (rc != RC_OK) return rc;
	if (call->is_json) {
		struct value *root = value_map(cx->arena);

		value_set_text(cx->arena, root, "path", written);
		command_print(cx, call, root);
	} else
		fprintf(call->out, _("Backup written: %s\n"), written);
	return RC_OK;
}

static enum rc run_version(struct cx *cx, struct command_call *call)
{
	return version_print(cx, call->out, call->is_json);
}

const struct command ops_commands[] = {
	{ .name = "user add",
	  .usage = "NAME --role owner|seller|reader --password-stdin",
	  .help = N_("Add a user of the panel."),
	  .needs = COMMAND_STATE,
	  .run = run_user_add },
	{ .name = "user reset",
	  .usage = "NAME --password-stdin",
	  .help = N_("Give a user a new password."),
	  .needs = COMMAND_STATE,
	  .run = run_user_reset },
	{ .name = "token add",
	  .usage = "NAME --rights LIST",
	  .help = N_("Make an API token; it is printed once."),
	  .needs = COMMAND_STATE,
	  .run = run_token_add },
	{ .name = "config list",
	  .usage = "",
	  .help = N_("All settings with their value and where it comes from."),
	  .needs = COMMAND_SETTINGS,
	  .run = ops_run_config_list },
	{ .name = "config get",
	  .usage = "NAME",
	  .help = N_("One setting."),
	  .needs = COMMAND_SETTINGS,
	  .run = ops_run_config_get },
	{ .name = "config set",
	  .usage = "NAME VALUE [NAME VALUE …]",
	  .help = N_("Write settings into the file, comments kept; a running server takes them over."),
	  .needs = COMMAND_ANYWHERE,
	  .run = ops_run_config_set },
	{ .name = "config reset",
	  .usage = "NAME…",
	  .help = N_("Put settings back to their default."),
	  .needs = COMMAND_ANYWHERE,
	  .run = ops_run_config_reset },
	{ .name = "config import",
	  .usage = "FILE.env [--dry-run]",
	  .help = N_("Take over the settings of an old installation's .env file, and list what fell away."),
	  .needs = COMMAND_ANYWHERE,
	  .reads_file = true,
	  .run = ops_run_config_import },
	{ .name = "jobs",
	  .usage = "",
	  .help = N_("The newest jobs and how they stand."),
	  .needs = COMMAND_STATE,
	  .run = ops_run_jobs },
	{ .name = "outbox",
	  .usage = "[--state STATE]",
	  .help = N_("The newest messages and how they stand."),
	  .needs = COMMAND_STATE,
	  .run = ops_run_outbox },
	{ .name = "check",
	  .usage = "",
	  .help = N_("Check the house and its host; each finding names its remedy."),
	  .needs = COMMAND_STATE,
	  .run = run_check },
	{ .name = "backup",
	  .usage = "[FILE]",
	  .help = N_("Write one archive of database, files and settings."),
	  .needs = COMMAND_STATE,
	  .run = run_backup },
	{ .name = "restore",
	  .usage = "FILE",
	  .help = N_("Put an archive back; the server must be stopped."),
	  .needs = COMMAND_SETTINGS,
	  .run = ops_run_restore },
	{ .name = "routes",
	  .usage = "",
	  .help = N_("Every address of the panel and who may call it."),
	  .needs = COMMAND_STATE,
	  .run = ops_run_routes },
	{ .name = "api describe",
	  .usage = "",
	  .help = N_("The API as an OpenAPI 3.1 document, for tools."),
	  .needs = COMMAND_STATE,
	  .run = ops_run_api_describe },
	{ .name = "version",
	  .usage = "",
	  .help = N_("The version and every part of this binary."),
	  .needs = COMMAND_NOTHING,
	  .run = run_version },
	{ .name = NULL },
};
