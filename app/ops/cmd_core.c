/*
** cmd_core.c -- the core commands: backup, version. Check is in app/check_command.c, those of
** settings are in cmd_config.c, those of people in cmd_people.c.
**
** A command prints its result to call->out and leaves failures to the caller, who shows the
** sentence once.
*/
#include "ops/ops.h"
#include "base/text.h"
#include "ops/cmd.h"
#include <string.h>

#define NO_OPTIONS ((const char *const[]){ NULL })

void command_print(struct cx *cx, struct command_call *call, const struct value *value)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 64 * 1024 * 1024);
	json_write_pretty(&sb, value);
	fprintf(call->out, "%s\n", sb_text_of(&sb));
}

static enum rc run_version(struct cx *cx, struct command_call *call)
{
	return version_print(cx, call->out, call->is_json);
}

const struct command ops_commands[] = {
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
	{ .name = "outbox",
	  .usage = "[--state STATE]",
	  .help = N_("The newest messages and how they stand."),
	  .needs = COMMAND_STATE,
	  .run = ops_run_outbox },
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
