/*
** forecast.c -- what would leave in the coming days, as the real planners would have it.
**
** Owns:   the rows below.
*/
#include "ops/ops.h"

const struct route forecast_routes[] = {
	{ .path = NULL },
};

const struct command forecast_commands[] = {
	{ .name = NULL },
};
