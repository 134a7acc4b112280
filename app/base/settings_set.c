/*
** settings_set.c -- changes of the INI file: checked, written aside, synced, renamed.
**
** Owns:   the file while it is rewritten, FILE.new beside it, and a lock on their folder.
** Needs:  settings.c for the rows, settings_draft.c to check what it is about to write.
** Never:  writes into the file itself; touches a line it was not asked about.
** Holds:  (1) at every moment the file is the old or the new one, whole; (2) owner, group and mode stay;
**         (3) what is published would load, with just the values that were asked for; (4) what a kill left
**         beside the file is gone after the next start (settings_sweep).
*/
#include "base/settings_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char blanks[] = " \t\v\f\r"; /* what inih skips inside a line */

/* Steps that may fail */

#ifdef RECADO_FAULTS
static long fail_after;
static bool has_failed;

void settings_fail(long n)
{
	fail_after = n;
	has_failed = false;
}

bool settings_fail_fired(void)
{
	return has_failed;
}

/* Is it this step's turn to fail? A full disk is the usual reason. */
static bool fails(void)
{
	if (fail_after == 0 || --fail_after > 0) return false;
	has_failed = true;
	errno = ENOSPC;
	return true;
}
#else
#define fails() false
#endif

/* Publishing */

static enum rc write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = fails() ? -1 : write(fd, p, len);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return RC_IO;
		p += n;
		len -= (size_t)n;
	}
	return RC_OK;
}

/* Owner and mode of the old file; a new one belongs to whoever owns the folder, for the server must read it.
 */
static enum rc keep_owner(int fd, int folder, const char *path)
{
	struct stat now, old;
	mode_t mode = 0600;

	if (fstat(fd, &now) != 0) return RC_IO;
	if (stat(path, &old) == 0)
		mode = old.st_mode & 07777;
	else if (fstat(folder, &old) != 0 || geteuid() != 0)
		old = now;
	if ((old.st_uid != now.st_uid || old.st_gid != now.st_gid) &&
	    (fails() || fchown(fd, old.st_uid, old.st_gid) != 0))
		return RC_DENIED;
	return !fails() && fchmod(fd, mode) == 0 ? RC_OK : RC_IO;
}

static enum rc publish(int folder, const char *path, const char *text, size_t len, struct arena *a)
{
	const char *aside = arena_printf(a, "%s.new", path);
	enum rc rc;
	int fd, why;

	if (arena_failed(a)) return RC_NO_MEMORY;
	unlink(aside); /* of an attempt that a power cut ended; the folder's lock is ours */
	if (fails() || (fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		return errno == EACCES || errno == EPERM || errno == EROFS ? RC_DENIED : RC_IO;
	rc = keep_owner(fd, folder, path);
	if (rc == RC_OK) rc = write_all(fd, text, len);
	if (rc == RC_OK && (fails() || fsync(fd) != 0)) rc = RC_IO;
	why = errno;
	if (close(fd) != 0 && rc == RC_OK) {
		rc = RC_IO;
		why = errno;
	}
	errno = why;
	if (rc == RC_OK && (fails() || rename(aside, path) != 0)) rc = RC_IO;
	if (rc != RC_OK) {
		why = errno;
		unlink(aside);
		errno = why;
	} else if (fails() || fsync(folder) != 0) {
		rc = RC_IO;
		errno = EIO; /* the new file is there, but a power cut may still bring the old one back */
	}
	return rc;
}

void settings_sweep(const char *path, struct arena *a)
{
	char real[PATH_MAX];
	const char *target = realpath(path, real) ? real : path;
	const char *aside = arena_printf(a, "%s.new", target);
	int folder;

	if (access(aside, F_OK) != 0) return;
	if ((folder = open(settings_folder(target, a), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) return;
	if (flock(folder, LOCK_EX | LOCK_NB) == 0) unlink(aside);
	close(folder);
}

/* Setting */

/* The value as it will stand in the file, or why not. */
static enum rc check_one(const struct settings *s, struct setting_change *c, struct arena *a, enum lang lang)
{
	const struct setting *row = settings_find(s, c->name);
	const char *path = settings_path(s);
	struct setting_value v;
	size_t skip, len;
	enum rc rc;

	c->why = NULL;
	if (!row) {
		c->why = words_get(lang, N_("is no setting"));
		return RC_BAD_INPUT;
	}
	if (!c->value) return RC_OK;
	skip = strspn(c->value, blanks); /* as the reader does */
	for (len = strlen(c->value); len > skip && strchr(blanks, c->value[len - 1]);)
		len--;
	c->value = arena_bytes(a, c->value + skip, len - skip);
	rc = setting_read(&v, row, c->value, path ? settings_folder(path, a) : ".", a, lang, &c->why);
	if (rc == RC_OK && row->refuse && (c->why = row->refuse(v.text, a, lang))) rc = RC_BAD_INPUT;
	return rc;
}

enum rc settings_check(const struct settings *s, struct setting_change *changes, size_t count,
		       struct arena *a, enum lang lang)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < count; i++) {
		enum rc one = check_one(s, &changes[i], a, lang);

		if (one != RC_OK && (rc == RC_OK || one != RC_BAD_INPUT)) rc = one;
	}
	return arena_failed(a) ? RC_NO_MEMORY : rc;
}

/* The sentence of the first wrong one. */
static const char *first_wrong(const struct settings *s, const struct setting_change *changes, size_t count,
			       struct arena *a, enum lang lang)
{
	size_t rows;
	const struct setting *const *all = settings_all(s, &rows);

	for (size_t i = 0; i < count; i++) {
		if (!changes[i].why) continue;
		if (!settings_find(s, changes[i].name))
			return settings_unknown(all, rows, changes[i].name, a, lang);
		return arena_printf(a, words_get(lang, N_("“%s” %s.")), changes[i].name, changes[i].why);
	}
	return "";
}

/* What the draft of the new text says of each changed row is what was asked for. */
static bool says_so(const struct draft_value *draft, const struct setting *const *rows, size_t count,
		    const struct setting_change *changes, size_t changed)
{
	for (size_t c = 0; c < changed; c++)
		for (size_t i = 0; i < count; i++)
			if (strcmp(rows[i]->name, changes[c].name) == 0 &&
			    (changes[c].value
				     ? draft[i].line == 0 || strcmp(draft[i].value.raw, changes[c].value) != 0
				     : draft[i].line != 0))
				return false;
	return true;
}

static enum rc rewrite(const struct settings *s, int folder, const char *path,
		       const struct setting_change *changes, size_t changed, const char *seen,
		       struct arena *a, enum lang lang, const char **why)
{
	size_t len = 0, edited_len, count;
	const struct setting *const *rows = settings_all(s, &count);
	struct draft_value *draft = arena_array(a, count, sizeof(*draft));
	char *text = "", mark[SETTINGS_SEEN_SIZE] = "";
	const char *edited;
	enum rc rc = settings_read_file(path, SETTINGS_FILE_MAX, &text, &len, a);

	if (!draft) return RC_NO_MEMORY;
	if (rc != RC_OK && rc != RC_NOT_FOUND) return rc;
	if (rc == RC_OK) settings_mark(mark, text, len);
	if (seen && strcmp(seen, mark) != 0) {
		*why = arena_printf(a,
				    words_get(lang, N_("%s was changed meanwhile, by hand or by somebody "
						       "else. Nothing was saved: look again, then save.")),
				    settings_path(s));
		return RC_CONFLICT;
	}
	edited = text;
	edited_len = len;
	rc = RC_OK;
	for (size_t i = 0; i < changed && rc == RC_OK; i++)
		rc = settings_edit(&edited, &edited_len, edited, edited_len, changes[i].name,
				   changes[i].value, a);
	/* A file that does not load stays as the person left it: they are told what is wrong with it. */
	if (rc == RC_OK)
		rc = settings_check_text(draft, rows, count, settings_path(s), edited, edited_len, a, lang,
					 why);
	if (rc == RC_OK && !says_so(draft, rows, count, changes, changed)) rc = RC_BUG;
	if (rc == RC_OK && (edited_len != len || memcmp(edited, text, len) != 0))
		rc = publish(folder, path, edited, edited_len, a);
	return rc;
}

/* Why the file could not be written, and the command that mends it. */
static const char *unwritable(const char *path, int error, struct arena *a, enum lang lang)
{
	const char *folder = settings_folder(path, a);

	if (error == ENOSPC || error == EDQUOT)
		return arena_printf(a,
				    words_get(lang, N_("%s cannot be written: the disk is full. Nothing was "
						       "changed. Make room (df -h %s), then save again.")),
				    path, folder);
	if (error == EROFS)
		return arena_printf(
			a,
			words_get(lang, N_("%s cannot be written: the folder is read-only. Mount it to be "
					   "written to (mount -o remount,rw …), or allow it to the service: "
					   "systemctl edit recado, ReadWritePaths=%s")),
			path, folder);
	if (error == EACCES || error == EPERM)
		return arena_printf(
			a,
			words_get(lang,
				  N_("%s cannot be written: this user may not. As root: chown %u %s %s")),
			path, (unsigned)geteuid(), folder, path);
	return arena_printf(a,
			    words_get(lang, N_("%s cannot be written. Check the folder's owner, its rights "
					       "and the free space.")),
			    path);
}

void settings_seen(const struct settings *s, char out[SETTINGS_SEEN_SIZE])
{
	struct arena *a = arena_new(SETTINGS_FILE_MAX + 4096);
	const char *path = settings_path(s);
	char *text;
	size_t len;

	out[0] = '\0';
	if (a && path && settings_read_file(path, SETTINGS_FILE_MAX, &text, &len, a) == RC_OK)
		settings_mark(out, text, len);
	arena_free(a);
}

enum rc settings_set_many(const struct settings *s, struct setting_change *changes, size_t count,
			  const char *seen, struct arena *a, enum lang lang, const char **why)
{
	char real[PATH_MAX];
	const char *path;
	int folder, error = 0;
	enum rc rc;

	*why = "";
	if ((rc = settings_check(s, changes, count, a, lang)) != RC_OK) {
		*why = first_wrong(s, changes, count, a, lang);
		return rc;
	}
	if (!settings_path(s)) {
		*why = words_get(lang, N_("there is no settings file to write to."));
		return RC_NOT_FOUND;
	}
	/* Through a link the file it points to is rewritten, and the link stays. */
	path = realpath(settings_path(s), real) ? real : settings_path(s);
	if ((folder = open(settings_folder(path, a), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		error = errno;
		rc = RC_IO;
	} else {
		/* The panel and the command line may both be at it. */
		rc = flock(folder, LOCK_EX) == 0
			     ? rewrite(s, folder, path, changes, count, seen, a, lang, why)
			     : RC_IO;
		error = errno;
		close(folder);
	}
	if (rc != RC_OK && !**why) *why = unwritable(settings_path(s), rc == RC_BUG ? 0 : error, a, lang);
	return rc;
}

enum rc settings_set(const struct settings *s, const char *name, const char *value, struct arena *a,
		     enum lang lang, const char **why)
{
	return settings_set_many(s, &(struct setting_change){ .name = name, .value = value }, 1, NULL, a,
				 lang, why);
}
