/*
** backup_tables.c -- what backups declare to the rooms: settings, pages, work, commands.
**
** Owns:   the rows below.
*/
#include "ops/ops.h"

const struct setting backup_settings[] = {
	{ .name = "backup.folder",
	  .type = SET_TEXT,
	  .def = "",
	  .title = N_("Folder of the backups"),
	  .section = N_("Backups"),
	  .max = 400,
	  .needs_restart = true,
	  .refuse = backup_folder_refuse,
	  .help = N_(
		  "Where the nightly backups go, on another disk if there is one; empty: backups/ in the state folder.") },
	{ .name = "backup.keep",
	  .type = SET_INT,
	  .def = "14",
	  .title = N_("Backups to keep"),
	  .min = 1,
	  .max = 400,
	  .help = N_("How many nightly backups stay; older ones are removed after a new one is whole.") },
	{ .name = NULL },
};

const struct route backup_routes[] = {
	{ .path = NULL },
};

const struct command backup_commands[] = {
	{ .name = NULL },
};
