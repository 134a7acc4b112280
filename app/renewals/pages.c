/*
** pages.c -- the module's pages beyond the lists.
*/
#include "renewals/resources.h"

const struct route renewals_pages_routes[] = {
	{ .method = NULL },
};
