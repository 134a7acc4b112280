/*
** watch.c -- the rows of the night watch: its page, its work, its commands.
**
** Owns:   the rows below.
*/
#include "ops/cmd.h"
#include "ops/watch.h"

const struct setting watch_settings[] = {
	{ .name = "keep.work_days",
	  .title = N_("Keep notes of work that is over (days)"),
	  .section = N_("How long things are kept"),
	  .type = SET_INT,
	  .def = "90",
	  .min = 31,
	  .max = 3650,
	  .help = N_(
		  "Days until lines of imports, alerts that are over, runs of the program and the like go.") },
	{ .name = NULL },
};

static enum rc clean_job(struct cx *cx, struct job *job)
{
	return growth_run(cx, job);
}

const struct route watch_routes[] = {
	{ .method = "GET",
	  .path = "/watch",
	  .realm = REALM_STAFF,
	  .right = "watch.view",
	  .class = ROUTE_DB,
	  .menu = N_("Operation"),
	  .menu_order = 88,
	  .no_api = true,
	  .help = N_("How the house is and was, and what takes up room"),
	  .handle = handle_watch },
	{ .path = NULL },
};

const struct job_kind watch_jobs[] = {
	{ .name = GROWTH_JOB,
	  .title = N_("Remove what is kept long enough"),
	  .queue = "house",
	  .attempts_max = 3,
	  .time_limit_s = 1800,
	  .delay_s = 300,
	  .run = clean_job },
	{ .name = NULL },
};

const struct schedule_default watch_schedules[] = {
	{ .name = GROWTH_JOB,
	  .job_kind = GROWTH_JOB,
	  .rule = "10 4 * * *",
	  .late_rule = "run",
	  .late_limit_s = 86400 },
	{ .name = NULL },
};

const struct command watch_commands[] = {
	{ .name = "log level",
	  .usage = "[SUBJECT] [debug|info|warn|error]",
	  .help = N_(
		  "How much is logged, of everything or of one subject; a running server follows at once."),
	  .needs = COMMAND_ANYWHERE,
	  .run = ops_run_log_level },
	{ .name = "tables",
	  .usage = "",
	  .help = N_("How large every table and folder is, and how long what is in it stays."),
	  .needs = COMMAND_STATE,
	  .run = ops_run_tables },
	{ .name = NULL },
};
