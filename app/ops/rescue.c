/*
** rescue.c -- `recado rescue disk`: room on a disk so full that not even the database can be opened.
**
** Owns:   what may go: leftovers of interrupted work, old copies of the log.
** Needs:  the state folder's name only: no database, no key.
** Never:  touches the database, the stored files, the settings, a whole backup or what a restore kept.
** Holds:  a file younger than REST_MS stays: somebody may be writing it; of tmp/ and spool/ of a running
**         server only what is a day old goes, since a large backup is proved there for as long as it takes.
*/
#include "files/files.h"
#include "ops/cmd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define REST_MS (10 * MINUTE_MS) /* an upload, an export or a step of a backup is done or dead by then */
#define MB      (1024 * 1024)

struct sweep {
	struct cx *cx;
	instant before;
	int64_t files, bytes;
};

static bool ends_with(const char *name, const char *end)
{
	size_t a = strlen(name), b = strlen(end);

	return a > b && strcmp(name + a - b, end) == 0;
}

static bool any_name(const char *name)
{
	(void)name;
	return true;
}

static bool is_half_made(const char *name)
{
	return ends_with(name, ".part") || strncmp(name, TMPFILE_PREFIX, strlen(TMPFILE_PREFIX)) == 0;
}

/* app.log.1 … app.log.5: the one being written has no number. */
static bool is_old_log(const char *name)
{
	const char *at = strstr(name, ".log.");

	return at != NULL && at[5] != '\0' && strspn(at + 5, "0123456789") == strlen(at + 5);
}

static void sweep_folder(struct sweep *s, const char *path, bool (*goes)(const char *name), int depth)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		const char *one = arena_printf(s->cx->arena, "%s/%s", path, entry->d_name);
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
		if (lstat(one, &st) != 0 || (instant)st.st_mtime * SECOND_MS >= s->before) continue;
		if (S_ISDIR(st.st_mode) && depth > 0) {
			sweep_folder(s, one, goes, depth - 1);
			(void)rmdir(one);
		} else if (S_ISREG(st.st_mode) && goes(entry->d_name) && unlink(one) == 0) {
			s->files++;
			s->bytes += st.st_blocks * 512; /* st_blocks counts in 512 (POSIX) */
		}
	}
	if (folder != NULL) closedir(folder);
}

enum rc ops_run_rescue_disk(struct cx *cx, struct command_call *call)
{
	static const char *const none[] = { NULL };
	struct sweep s = { .cx = cx, .before = cx_now(cx) - REST_MS };
	struct statvfs fs;
	int lock = -1;
	enum rc rc = command_check(cx, call, none, none);

	if (rc != RC_OK) return rc;
	/* Held for the moment of tidying, so that nobody starts in between; a disk without room still
	** locks. */
	if (state_lock(&lock, cx->env->dir) == RC_CONFLICT) s.before = cx_now(cx) - DAY_MS;
	sweep_folder(&s, arena_printf(cx->arena, "%s/tmp", cx->env->dir), any_name, 4);
	sweep_folder(&s, arena_printf(cx->arena, "%s/spool", cx->env->dir), any_name, 0);
	if (lock >= 0) close(lock);
	s.before = cx_now(cx) - REST_MS;
	sweep_folder(&s, arena_printf(cx->arena, "%s/log", cx->env->dir), is_old_log, 0);
	sweep_folder(&s, arena_printf(cx->arena, "%s/files", cx->env->dir), is_half_made, 0);
	sweep_folder(&s, cx->env->dir, is_half_made, 0);
	sweep_folder(&s, backup_folder(cx), is_half_made, 0);
	if (call->is_json) {
		struct value *root = value_map(cx->arena);

		value_set_int(cx->arena, root, "files", s.files);
		value_set_int(cx->arena, root, "bytes", s.bytes);
		if (statvfs(cx->env->dir, &fs) == 0)
			value_set_int(cx->arena, root, "free_bytes",
				      (int64_t)fs.f_bavail * (int64_t)fs.f_frsize);
		command_print(cx, call, root);
		return RC_OK;
	}
	fprintf(call->out, _("Removed: %lld files, %lld MB.\n"), (long long)s.files,
		(long long)(s.bytes / MB));
	if (statvfs(cx->env->dir, &fs) == 0)
		fprintf(call->out, _("Free now: %lld MB.\n"),
			(long long)((int64_t)fs.f_bavail * (int64_t)fs.f_frsize / MB));
	return RC_OK;
}
