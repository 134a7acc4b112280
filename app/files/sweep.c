/*
** sweep.c -- removes bytes that no row names any more, and temporary files left behind.
**
** Owns:   the right to delete in files/, spool/ and tmp/.
** Never:  touches a name it does not know the form of in files/; follows a link.
** Holds:  (1) bytes go only inside a write transaction in which no live row names them, so that
**             file_store() cannot commit a row for them meanwhile;
**         (2) what is younger than FILE_KEPT_MS or LEFTOVER_MS stays.
*/
#include "files/inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct sweep {
	struct cx *cx;
	int64_t removed, bytes;
};

/* File times are the host's: compared with the host's clock, which a frozen clock is not. */
static int64_t age_ms(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((int64_t)now.tv_sec - (int64_t)st->st_mtim.tv_sec) * SECOND_MS;
}

static enum rc is_named(struct cx *cx, bool *out, const char *sum)
{
	int64_t one = 0;
	enum rc rc =
		db_get_int(cx, &one, "SELECT 1 FROM file WHERE sha256 = :sum AND archived_at IS NULL LIMIT 1",
			   PARAMS(P_TEXT(":sum", sum)));

	*out = rc == RC_OK;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc remove_bytes(struct sweep *s, int folder, const char *sum, int64_t size)
{
	bool named = true;
	enum rc rc = tx_begin(s->cx);

	if (rc == RC_OK) rc = is_named(s->cx, &named, sum);
	if (rc == RC_OK && !named && unlinkat(folder, sum, 0) == 0) {
		s->removed++;
		s->bytes += size;
	}
	return tx_end(s->cx, rc);
}

static enum rc look_at(struct sweep *s, int folder, const char *name)
{
	struct stat st;
	bool named = true;
	enum rc rc;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) return RC_OK;
	if (strncmp(name, TMPFILE_PREFIX, strlen(TMPFILE_PREFIX)) == 0) {
		if (age_ms(&st) > LEFTOVER_MS && unlinkat(folder, name, 0) == 0) s->removed++;
		return RC_OK;
	}
	if (strspn(name, "0123456789abcdef") != SHA256_HEX_SIZE - 1 || name[SHA256_HEX_SIZE - 1] != '\0' ||
	    age_ms(&st) <= FILE_KEPT_MS)
		return RC_OK;
	rc = is_named(s->cx, &named, name);
	return rc == RC_OK && !named ? remove_bytes(s, folder, name, (int64_t)st.st_size) : rc;
}

static enum rc sweep_folder(struct sweep *s, const char *path, bool with_below)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	enum rc rc = RC_OK;

	if (!dir) return errno == ENOENT ? RC_OK : RC_IO;
	while (rc == RC_OK && !s->cx->env->is_stopping && (e = readdir(dir)) != NULL) {
		char below[PATH_SIZE];

		if (with_below && strlen(e->d_name) == 2 && strspn(e->d_name, "0123456789abcdef") == 2 &&
		    snprintf(below, sizeof below, "%s/%s", path, e->d_name) < (int)sizeof below)
			rc = sweep_folder(s, below, false);
		else
			rc = look_at(s, dirfd(dir), e->d_name);
	}
	closedir(dir);
	return rc;
}

/* spool/ and tmp/: whatever is a day old, whoever made it. */
static void sweep_leftovers(struct sweep *s, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	struct stat st;

	while (dir && (e = readdir(dir)) != NULL)
		if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		    age_ms(&st) > LEFTOVER_MS && unlinkat(dirfd(dir), e->d_name, 0) == 0)
			s->removed++;
	if (dir) closedir(dir);
}

enum rc files_sweep(struct cx *cx)
{
	struct sweep s = { .cx = cx };
	enum rc rc;

	if (tx_is_open(cx)) return RC_BUG;
	rc = sweep_folder(&s, arena_printf(cx->arena, "%s/files", cx->env->dir), true);
	sweep_leftovers(&s, arena_printf(cx->arena, "%s/spool", cx->env->dir));
	sweep_leftovers(&s, arena_printf(cx->arena, "%s/tmp", cx->env->dir));
	log_event(LOG_INFO, "app", "files.swept", "removed=%lld bytes=%lld", (long long)s.removed,
		  (long long)s.bytes);
	if (rc == RC_OK && cx->env->is_stopping) return RC_TRY_LATER;
	return rc;
}
