/*
** backup_folder.c -- may backups go there? Asked when somebody sets backup.folder, not at a start: a disk
** that is absent tonight must not stop the house, only the backup, which says so.
**
** Never:  makes the folder or writes into it.
*/
#include "ops/ops.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

const char *backup_folder_refuse(const char *value, struct arena *a, enum lang lang)
{
	struct stat st;

	if (value[0] == '\0') return NULL;
	if (value[0] != '/') return words_get(lang, N_("should be a full path such as /mnt/disk/recado"));
	if (stat(value, &st) != 0)
		return arena_printf(a, words_get(lang, N_("is not there: make it first (mkdir -p %s)")),
				    value);
	if (!S_ISDIR(st.st_mode)) return words_get(lang, N_("is a file, not a folder"));
	if (access(value, W_OK | X_OK) == 0) return NULL;
	if (errno == EROFS)
		return arena_printf(
			a,
			words_get(lang, N_("is read-only here: mount it to be written to, or allow it to the "
					   "service (systemctl edit recado, ReadWritePaths=%s)")),
			value);
	return arena_printf(a, words_get(lang, N_("may not be written by this user; as root: chown %u %s")),
			    (unsigned)geteuid(), value);
}
