/*
** store.c -- keeps bytes under their SHA-256 and remembers in the table file whose they are.
**
** Owns:   DIR/files/aa/sha256 (aa: the first two figures); the table file.
** Needs:  room on the file system of DIR/files, which may be another disk than the database's.
** Never:  changes bytes once they have their name; trusts an original name as a path.
** Holds:  (1) a committed row has its bytes on the disk: they are synced before the row is written,
**             and looked for again inside its transaction, because files_sweep() removes what no row
**             names;
**         (2) equal bytes are kept once.
*/
#include "files/inner.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_SIZE 65536 /* a read and write at a time */

enum rc store_path_of(char out[PATH_SIZE], const char *dir, const char *sum)
{
	int len;

	if (strlen(sum) != SHA256_HEX_SIZE - 1 || strspn(sum, "0123456789abcdef") != SHA256_HEX_SIZE - 1)
		return RC_BUG;
	len = snprintf(out, PATH_SIZE, "%s/files/%.2s/%s", dir, sum, sum);
	return len < 0 || len >= PATH_SIZE ? RC_BAD_INPUT : RC_OK;
}

static enum rc disk_said_no(struct cx *cx, int error)
{
	log_event(LOG_ERROR, "app", "file.failed", "errno=%d", error);
	if (error == ENOSPC || error == EDQUOT)
		return cx_fail(cx, RC_IO, "%s",
			       _("The disk is full. The file was not kept; make room and try again."));
	return cx_fail(cx, RC_IO, "%s", _("The file could not be kept. Look at the server's log."));
}

/* Copying in */

struct copy {
	struct tmpfile_at tmp;
	char sum[SHA256_HEX_SIZE];
	int64_t size;
};

static enum rc copy_bytes(struct cx *cx, struct copy *c, struct sha256_stream *sum, int from, size_t max)
{
	char *buf = arena_alloc(cx->arena, COPY_SIZE);
	ssize_t n;

	if (!buf) return RC_NO_MEMORY;
	while ((n = pread(from, buf, COPY_SIZE, (off_t)c->size)) != 0) {
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return disk_said_no(cx, errno);
		if ((size_t)c->size + (size_t)n > max)
			return cx_fail(cx, RC_TOO_LARGE, _("The file is larger than %lld MB."),
				       (long long)((max + 1024 * 1024 - 1) / (1024 * 1024)));
		sha256_add(sum, buf, (size_t)n);
		if (fd_write_all(c->tmp.fd, buf, (size_t)n) != RC_OK) return disk_said_no(cx, errno);
		c->size += n;
	}
	return RC_OK;
}

static enum rc copy_in(struct cx *cx, struct copy *c, int from, size_t max)
{
	const char *folder = arena_printf(cx->arena, "%s/files", cx->env->dir);
	struct sha256_stream *sum;
	enum rc rc;

	if (mkdir(folder, 0700) != 0 && errno != EEXIST) return disk_said_no(cx, errno);
	rc = tmpfile_open(&c->tmp, folder);
	if (rc != RC_OK) return disk_said_no(cx, errno);
	sum = sha256_open();
	if (!sum) return RC_NO_MEMORY;
	rc = copy_bytes(cx, c, sum, from, max);
	sha256_close(sum, c->sum);
	return rc;
}

/* The bytes get their name, unless it is there already: then they are there, too, and count as new
** for the sweep. */
static enum rc publish(struct cx *cx, struct copy *c)
{
	char path[PATH_SIZE], folder[PATH_SIZE];
	struct stat st;
	enum rc rc = store_path_of(path, cx->env->dir, c->sum);

	if (rc != RC_OK) return rc;
	if (stat(path, &st) == 0 && st.st_size == c->size && utimensat(AT_FDCWD, path, NULL, 0) == 0)
		return RC_OK;
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
	if (mkdir(folder, 0700) == 0)
		rc = folder_sync(folder);
	else if (errno != EEXIST)
		rc = RC_IO;
	if (rc == RC_OK && fchmod(c->tmp.fd, 0400) != 0) rc = RC_IO;
	if (rc == RC_OK) rc = tmpfile_publish(&c->tmp, path);
	return rc == RC_OK ? rc : disk_said_no(cx, errno);
}

/* The row */

/* The last part of whatever path a browser sent, without control characters; never empty. */
static const char *plain_name(struct cx *cx, const char *name)
{
	const char *last = name ? name : "";
	char *copy;
	size_t n = 0;

	for (const char *p = last; *p; p++)
		if (*p == '/' || *p == '\\') last = p + 1;
	if (!text_is_utf8(last, strlen(last))) last = "";
	copy = arena_bytes(cx->arena, last, text_prefix(last, FILE_NAME_MAX));
	for (const char *p = copy; *p; p++)
		if (!iscntrl((unsigned char)*p)) copy[n++] = *p;
	if (n > 0) copy[n] = '\0';
	return n == 0 || strcmp(copy, ".") == 0 || strcmp(copy, "..") == 0 ? "file" : copy;
}

static enum rc insert_row(struct cx *cx, int64_t *id, const struct copy *c, const struct file_new *file)
{
	char public_id[PUBLIC_ID_SIZE], path[PATH_SIZE];
	enum rc rc = store_path_of(path, cx->env->dir, c->sum);

	if (rc != RC_OK) return rc;
	public_id_new(public_id);
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT INTO file (public_id, sha256, name, size, media_type, owner_table, owner_id, created_by, "
			"created_at) VALUES (:public_id, :sum, :name, :size, :type, :owner, :owner_id, :by, :now)",
			PARAMS(P_TEXT(":public_id", public_id), P_TEXT(":sum", c->sum),
			       P_TEXT(":name", plain_name(cx, file->name)), P_INT(":size", c->size),
			       P_TEXT(":type",
				      file->media_type ? file->media_type : "application/octet-stream"),
			       P_TEXT(":owner", file->owner_table ? file->owner_table : ""),
			       P_INT(":owner_id", file->owner_id),
			       P_TEXT(":by", cx->actor.name ? cx->actor.name : ""),
			       P_INT(":now", cx_now(cx))));
	if (rc == RC_OK && access(path, F_OK) != 0) rc = RC_TRY_LATER; /* swept between publishing and now */
	if (rc == RC_OK) *id = db_last_id(cx);
	return tx_end(cx, rc);
}

enum rc file_store(struct cx *cx, int64_t *id, int fd, const struct file_new *file)
{
	enum rc rc = RC_TRY_LATER;

	if (tx_is_open(cx)) return RC_BUG; /* a disk's sync does not belong into a transaction */
	/* Twice at most: the second time the bytes are new and the sweep leaves them alone. */
	for (int i = 0; i < 2 && rc == RC_TRY_LATER; i++) {
		struct copy c = { .tmp = TMPFILE_NONE };

		rc = copy_in(cx, &c, fd, file->max);
		if (rc == RC_OK) rc = publish(cx, &c);
		if (rc == RC_OK) rc = insert_row(cx, id, &c, file);
		tmpfile_discard(&c.tmp);
	}
	return rc;
}

/* Reading */

enum rc file_open(struct cx *cx, int *fd, int64_t *size, int64_t id)
{
	struct query *q = NULL;
	char path[PATH_SIZE];
	struct stat st;
	int64_t want = 0;
	int opened;
	bool has_row;
	enum rc rc = db_query(cx, &q, "SELECT sha256, size FROM file WHERE id = :id AND archived_at IS NULL",
			      PARAMS(P_INT(":id", id)));

	has_row = rc == RC_OK && query_next(q);
	if (has_row) {
		rc = store_path_of(path, cx->env->dir, query_text(q, 0));
		want = query_int(q, 1);
	}
	rc = query_end(q, rc);
	if (rc == RC_OK && !has_row)
		return cx_fail(cx, RC_NOT_FOUND, "%s", _("The file is not there any more."));
	if (rc != RC_OK) return rc;
	opened = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (opened < 0 || fstat(opened, &st) != 0 || st.st_size != want) {
		log_event(LOG_ERROR, "app", "file.lost", "id=%lld errno=%d", (long long)id,
			  opened < 0 ? errno : 0);
		if (opened >= 0) close(opened);
		return cx_fail(
			cx, RC_IO, "%s",
			_("The bytes of the file are missing on the disk. Is the disk mounted? Else restore a backup."));
	}
	*fd = opened;
	*size = want;
	return RC_OK;
}

enum rc file_path(struct cx *cx, const char **out, int64_t id)
{
	const char *sum = "";
	char path[PATH_SIZE];
	enum rc rc = db_get_text(cx, &sum, "SELECT sha256 FROM file WHERE id = :id AND archived_at IS NULL",
				 PARAMS(P_INT(":id", id)));

	if (rc == RC_OK) rc = store_path_of(path, cx->env->dir, sum);
	if (rc != RC_OK) return rc;
	if (access(path, R_OK) != 0) return RC_IO;
	*out = arena_text(cx->arena, path);
	return RC_OK;
}

enum rc file_map(struct cx *cx, struct bytes *out, int64_t id)
{
	int64_t size = 0;
	int fd = -1;
	void *p = NULL;
	enum rc rc = file_open(cx, &fd, &size, id);

	if (rc != RC_OK) return rc;
	if (size > 0) p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED) return RC_NO_MEMORY;
	*out = (struct bytes){ .p = p ? p : "", .len = (size_t)size };
	return RC_OK;
}

void file_unmap(struct bytes mapped)
{
	if (mapped.len > 0) munmap((void *)(uintptr_t)mapped.p, mapped.len);
}
