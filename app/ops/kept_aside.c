/*
** kept_aside.c -- what a restore or a rollback put aside: how large it is, and when it goes.
**
** Owns:   the right to remove the folders before-restore-TIME and before-rollback-TIME of the state folder.
** Needs:  restore_keep_instant() for what is such a name.
** Never:  removes one while a restore is pending (it may be the one that is being filled), or by a clock that
**         is doubtful; follows a link.
** Holds:  one goes only when KEEP_DAYS passed since and a backup that was made after it was proved: until
**         then it may be all there is of the state before.
*/
#include "ops/backup.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP_DAYS 30 /* a month's end has passed by then: what is missing in the restored state was missed */
#define DEPTH     4  /* files/aa/NAME below it */

/* Bytes that go with it: a stored file that is still linked elsewhere costs nothing. */
static int64_t bytes_in(int dir, int depth)
{
	DIR *d = fdopendir(dir);
	struct dirent *e;
	struct stat st;
	int64_t bytes = 0;

	if (d == NULL) {
		close(dir);
		return 0;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISREG(st.st_mode) && st.st_nlink == 1) bytes += (int64_t)st.st_size;
		if (S_ISDIR(st.st_mode) && depth > 1) {
			int below =
				openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			if (below >= 0) bytes += bytes_in(below, depth - 1);
		}
	}
	closedir(d);
	return bytes;
}

void kept_aside_look(struct cx *cx, struct kept_aside *out)
{
	DIR *dir = opendir(cx->env->dir);
	struct dirent *e;

	*out = (struct kept_aside){ .days = KEEP_DAYS };
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		int fd = restore_keep_instant(e->d_name) == 0
				 ? -1
				 : openat(dirfd(dir), e->d_name,
					  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0) continue;
		out->count++;
		out->bytes += bytes_in(fd, DEPTH);
	}
	if (dir != NULL) closedir(dir);
}

enum rc kept_aside_tidy(struct cx *cx)
{
	DIR *dir = NULL;
	struct dirent *e;
	instant proved = 0;
	enum rc rc;

	if (restore_is_pending(cx->env->dir) || clock_is_doubtful(cx->env->clock)) return RC_OK;
	rc = db_get_int(
		cx, &proved,
		"SELECT coalesce(max(started_at), 0) FROM backup WHERE state = 'proved' AND folder = :folder",
		PARAMS(P_TEXT(":folder", backup_folder(cx))));
	if (rc == RC_OK) dir = opendir(cx->env->dir);
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		instant at = restore_keep_instant(e->d_name);

		if (at == 0 || at >= proved || cx_now(cx) - at < KEEP_DAYS * DAY_MS) continue;
		remove_tree(arena_printf(cx->arena, "%s/%s", cx->env->dir, e->d_name));
		log_event(LOG_INFO, "app", "restore.forgotten", "folder=%s", e->d_name);
	}
	if (dir != NULL) closedir(dir);
	return rc;
}
