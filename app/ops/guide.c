/*
** guide.c -- the administrator's guide and the rescue page.
**
** Owns:   the rows below.
*/
#include "ops/ops.h"

const struct route guide_routes[] = {
	{ .path = NULL },
};

const struct command guide_commands[] = {
	{ .name = NULL },
};
