/*
** backup_pages.c -- the page of the backups.
*/
#include "ops/backup.h"

const struct route backup_routes[] = {
	{ .path = NULL },
};
