/*
** storage_owner.c -- whose is the folder of the storage? Two machines in one would mix up their backups: the
** newest of "latest" would be the other's, and one's keep rule would remove what the other counts on.
**
** Owns:   the file `machine` of the state folder, with a name made by chance; the object PREFIX/OWNER_NAME of
**         the storage, which says whose the folder is.
** Needs:  link/s3.h.
** Never:  puts the file `machine` into a backup: what is restored elsewhere is another machine.
** Holds:  (1) nothing is sent to or removed from a folder that another machine has claimed; (2) a claim
**         changes hands only when a person says so (`recado storage take`).
*/
#include "files/files.h"
#include "ops/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define OWNER_NAME   "recado-owner.json"
#define MACHINE_FILE "machine"
#define MARK_MAX     2048 /* bytes: three short texts */

struct mark {
	const char *machine, *host, *since; /* arena */
};

static enum rc not_written(struct cx *cx, const char *path)
{
	return cx_fail(cx, RC_IO, _("The file %s could not be written: %s."), path,
		       words_errno(cx->lang, errno));
}

static enum rc not_read(struct cx *cx, const char *path)
{
	return cx_fail(cx, RC_IO, _("The file %s cannot be read: %s."), path, words_errno(cx->lang, errno));
}

/* The name of this machine, made when it is first asked for. */
static enum rc machine_name(struct cx *cx, const char **out)
{
	const char *path = arena_printf(cx->arena, "%s/" MACHINE_FILE, cx->env->dir);
	char text[PUBLIC_ID_SIZE] = "";
	struct tmpfile_at t = TMPFILE_NONE;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum rc rc;

	if (fd >= 0) {
		ssize_t n = read(fd, text, sizeof(text) - 1);
		int failed = errno;

		close(fd);
		errno = failed;
		if (n == (ssize_t)sizeof(text) - 1) {
			*out = arena_text(cx->arena, text);
			return RC_OK;
		}
		if (n < 0) return not_read(cx, path);
	} else if (errno != ENOENT) {
		return not_read(cx, path); /* a new name would lock this machine out of its own folder */
	}                                  /* half a name is as good as none */
	public_id_new(text);
	rc = tmpfile_open(&t, cx->env->dir);
	if (rc == RC_OK) rc = fd_write_all(t.fd, text, strlen(text));
	if (rc == RC_OK) rc = tmpfile_publish(&t, path);
	tmpfile_discard(&t);
	if (rc != RC_OK) return not_written(cx, path);
	*out = arena_text(cx->arena, text);
	return RC_OK;
}

/* RC_NOT_FOUND: nobody's yet. A mark that cannot be read is somebody's. */
static enum rc read_mark(struct cx *cx, const struct s3_target *t, struct mark *out)
{
	char text[MARK_MAX + 1];
	struct value *json = NULL;
	ssize_t n;
	int fd = -1;
	enum rc rc = spool_open(&fd, cx->env->dir);

	if (rc != RC_OK) return not_written(cx, "spool");
	*out = (struct mark){ .machine = "", .host = "?", .since = "?" };
	rc = s3_get(cx, t, storage_key(cx, OWNER_NAME), fd, NULL);
	n = rc == RC_OK ? pread(fd, text, MARK_MAX, 0) : 0;
	close(fd);
	if (rc != RC_OK) return rc;
	if (n < 0) return not_read(cx, "spool");
	if (json_parse(cx->arena, &json, NULL, text, (size_t)n) != RC_OK) return RC_OK;
	out->machine = arena_text(cx->arena, value_text_of(value_get(json, "machine"), ""));
	out->host = arena_text(cx->arena, value_text_of(value_get(json, "host"), "?"));
	out->since = arena_text(cx->arena, value_text_of(value_get(json, "since"), "?"));
	return RC_OK;
}

static enum rc write_mark(struct cx *cx, const struct s3_target *t, const char *machine)
{
	struct value *root = value_map(cx->arena);
	char host[256] = "", since[RFC3339_SIZE];
	struct sb text;
	int fd = -1;
	enum rc rc;

	(void)gethostname(host, sizeof(host) - 1);
	instant_text(since, cx_now(cx));
	value_set_text(cx->arena, root, "machine", machine);
	value_set_text(cx->arena, root, "host", host);
	value_set_text(cx->arena, root, "since", since);
	sb_init_arena(&text, cx->arena, MARK_MAX);
	json_write(&text, root);
	rc = sb_result(&text);
	if (rc == RC_OK) rc = spool_open(&fd, cx->env->dir);
	if (rc == RC_OK) rc = fd_write_all(fd, text.p, text.len);
	if (rc != RC_OK)
		rc = not_written(cx, "spool");
	else
		rc = s3_put(cx, t, storage_key(cx, OWNER_NAME), fd, (int64_t)text.len, NULL);
	if (fd >= 0) close(fd);
	return rc;
}

enum rc storage_owner_look(struct cx *cx, const struct s3_target *t, bool *is_free)
{
	const char *machine = "";
	struct mark mark;
	enum rc rc = machine_name(cx, &machine);

	*is_free = false;
	if (rc == RC_OK) rc = read_mark(cx, t, &mark);
	if (rc == RC_NOT_FOUND) {
		cx->message = "";
		*is_free = true;
		return RC_OK;
	}
	if (rc != RC_OK || strcmp(mark.machine, machine) == 0) return rc;
	return cx_fail(
		cx, RC_CONFLICT,
		_("The folder “%s” of the storage belongs to another machine (%s, since %.10s). Give this one a folder of its own (s3.prefix), or, if that machine is no more, take its folder over: recado storage take."),
		setting_text(cx->env->settings, "s3.prefix"), mark.host, mark.since);
}

enum rc storage_owner_claim(struct cx *cx, const struct s3_target *t)
{
	const char *machine = "";
	bool is_free = false;
	enum rc rc = storage_owner_look(cx, t, &is_free);

	if (rc != RC_OK || !is_free) return rc;
	rc = machine_name(cx, &machine);
	if (rc == RC_OK) rc = write_mark(cx, t, machine);
	/* Another one may have come in between: the last mark is the one that counts. */
	return rc == RC_OK ? storage_owner_look(cx, t, &is_free) : rc;
}

enum rc storage_owner_take(struct cx *cx, const struct s3_target *t)
{
	const char *machine = "";
	enum rc rc = machine_name(cx, &machine);

	if (rc == RC_OK) rc = write_mark(cx, t, machine);
	if (rc == RC_OK) log_event(LOG_WARN, "app", "storage.taken", "bucket=%s", t->bucket);
	return rc;
}
