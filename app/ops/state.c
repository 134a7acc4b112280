/*
** state.c -- the state folder: its shape, its lock.
**
** Owns:   the folder's layout (files/ spool/ tmp/ backups/ recado.ini key lock).
** Never:  opens the database; overwrites anything that is there.
** Holds:  (1) folders are 0700 and files 0600: the folder has customers and keys in it; (2) whatever root
**         types, what lies in the folder of another user stays that user's (state_become_owner).
*/
#include "ops/ops.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static enum rc make_folder(struct cx *cx, const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) == 0) return RC_OK;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) return RC_OK;
	return cx_fail(cx, RC_IO, _("The folder %s could not be made: %s."), path,
		       words_errno(cx->lang, errno));
}

/* The parents of path, as far as they are missing. */
static enum rc make_parents(struct cx *cx, const char *path)
{
	char *copy = arena_text(cx->arena, path);
	enum rc rc = RC_OK;

	for (char *slash = strchr(copy + 1, '/'); slash != NULL && rc == RC_OK;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		rc = make_folder(cx, copy);
		*slash = '/';
	}
	return rc;
}

static enum rc write_sample(struct cx *cx, const char *path, const struct setting *const *tables)
{
	struct sb text;
	enum rc rc = RC_OK;
	size_t done = 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST ? RC_OK
				       : cx_fail(cx, RC_IO, _("The file %s could not be written: %s."), path,
						 words_errno(cx->lang, errno));
	sb_init_arena(&text, cx->arena, 256 * 1024);
	settings_sample(&text, tables, cx->lang);
	rc = sb_result(&text);
	while (rc == RC_OK && done < text.len) {
		ssize_t n = write(fd, text.p + done, text.len - done);

		if (n < 0 && errno != EINTR)
			rc = cx_fail(cx, RC_IO, _("The file %s could not be written: %s."), path,
				     words_errno(cx->lang, errno));
		if (n > 0) done += (size_t)n;
	}
	if (rc == RC_OK && fsync(fd) != 0)
		rc = cx_fail(cx, RC_IO, _("The file %s could not be written: %s."), path,
			     words_errno(cx->lang, errno));
	close(fd);
	if (rc != RC_OK) unlink(path);
	return rc;
}

enum rc state_create(struct cx *cx, const char *dir, const struct setting *const *tables)
{
	static const char *const folders[] = { "files", "spool", "tmp", "backups" };
	enum rc rc = make_parents(cx, dir);

	if (rc == RC_OK) rc = make_folder(cx, dir);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && rc == RC_OK; i++)
		rc = make_folder(cx, arena_printf(cx->arena, "%s/%s", dir, folders[i]));
	if (rc == RC_OK) rc = write_sample(cx, arena_printf(cx->arena, "%s/" CONFIG_FILE, dir), tables);
	if (rc == RC_OK) {
		rc = seal_key_create(arena_printf(cx->arena, "%s/key", dir));
		if (rc == RC_CONFLICT)
			rc = RC_OK;
		else if (rc != RC_OK)
			rc = cx_fail(cx, rc, _("The file %s could not be written: %s."), "key",
				     words_errno(cx->lang, errno));
	}
	return rc;
}

enum rc state_lock(int *fd, const char *dir)
{
	char path[4096];
	int lock;

	if ((size_t)snprintf(path, sizeof(path), "%s/lock", dir) >= sizeof(path)) return RC_BAD_INPUT;
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0) return RC_IO;
	if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
		close(lock);
		return errno == EWOULDBLOCK ? RC_CONFLICT : RC_IO;
	}
	*fd = lock;
	return RC_OK;
}

enum rc state_become_owner(struct cx *cx, const char *dir)
{
	struct stat st;
	const struct passwd *owner;
	bool has_groups;

	if (geteuid() != 0 || stat(dir, &st) != 0 || st.st_uid == 0) return RC_OK;
	owner = getpwuid(st.st_uid); /* before any thread */
	has_groups =
		owner != NULL ? initgroups(owner->pw_name, st.st_gid) == 0 : setgroups(1, &st.st_gid) == 0;
	if (!has_groups || setgid(st.st_gid) != 0 || setuid(st.st_uid) != 0)
		return cx_fail(
			cx, RC_DENIED,
			_("%s belongs to another user and this one cannot become that user; run it as: sudo -u '#%u' recado …"),
			dir, (unsigned)st.st_uid);
	/* The kernel hides /proc/self from who changed its user, and control.c reaches deep folders by it. */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return RC_OK;
}
