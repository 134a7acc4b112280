/*
** watch.c -- availability, sizes of what grows, and levels of the log: the figures of the night watch.
**
** Owns:   the rows below.
*/
#include "ops/ops.h"

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
	{ .name = NULL },
};
