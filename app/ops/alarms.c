/*
** alarms.c -- what the owner must be told: the rules, and telling each of them once.
**
** Owns:   the rows below.
*/
#include "ops/ops.h"

const struct setting alarm_settings[] = {
	{ .name = NULL },
};

const struct route alarm_routes[] = {
	{ .path = NULL },
};

const struct job_kind alarm_jobs[] = {
	{ .name = NULL },
};

const struct schedule_default alarm_schedules[] = {
	{ .name = NULL },
};

const struct command alarm_commands[] = {
	{ .name = NULL },
};
