/*
** guide.c -- the administrator's guide and the rescue page.
**
** Owns:   the rows below.
*/
#include "ops/cmd.h"

const struct route guide_routes[] = {
	{ .path = NULL },
};

const struct command guide_commands[] = {
	{ .name = "sandbox",
	  .usage = "",
	  .help = N_("Shut a process in as the server is, and try to get out of it."),
	  .needs = COMMAND_SETTINGS,
	  .run = ops_run_sandbox },
	{ .name = NULL },
};
