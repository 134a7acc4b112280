/*
** watch.c -- the rows of the night watch: its page, its work, its commands.
**
** Owns:   the rows below.
*/
#include "ops/cmd.h"
#include "ops/watch.h"

const struct route watch_routes[] = {
	{ .path = NULL },
};

const struct job_kind watch_jobs[] = {
	{ .name = NULL },
};

const struct schedule_default watch_schedules[] = {
	{ .name = NULL },
};

const struct command watch_commands[] = {
	{ .name = "log level",
	  .usage = "[SUBJECT] [debug|info|warn|error]",
	  .help = N_(
		  "How much is logged, of everything or of one subject; a running server follows at once."),
	  .needs = COMMAND_ANYWHERE,
	  .run = ops_run_log_level },
	{ .name = NULL },
};
