/*
** unpack.c -- an archive taken apart aside and compared with what it says of itself.
**
** Owns:   the folder it is told to make.
** Needs:  archive.h for the bytes, manifest.h for what must be there, db.h for what a database holds.
** Never:  touches anything outside that folder; follows a name that tar.h does not accept.
** Holds:  (1) it ends well only if every byte, row and file is what the manifest says; (2) what is unpacked
**         is never more than the head announced, and never more than there is room for; (3) after a failure
**         the folder is gone.
*/
#include "ops/archive.h"
#include "ops/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SPARE_BYTES    (INT64_C(4) * 1024 * 1024)       /* room for what the manifest and file systems add */
#define CONFIG_MAX     ((int64_t)4 * SETTINGS_FILE_MAX) /* with the marks of what was left out */
#define KEY_BYTES      32
#define PART_UNPACKED  50 /* percent of the work: the rest are integrity and content */
#define PART_INTEGRITY 75

struct unpack {
	struct cx *cx;
	const struct unpack_order *o;
	struct unpacked *out;
	struct archive_in *in;
	struct sha256_stream *files_sum;
	struct backup_files files; /* as unpacked */
	struct backup_member seen[MEMBERS_MAX];
	size_t seen_count;
	int64_t budget; /* bytes that may still be unpacked */
	char last_file[SHA256_HEX_SIZE];
	char *manifest_text;
	char manifest_sum[SHA256_HEX_SIZE];
	bool is_over; /* the manifest's sum was the last member */
};

int64_t room_at(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 ? (int64_t)fs.f_bavail * (int64_t)fs.f_frsize : -1;
}

static void remove_inside(int folder)
{
	DIR *dir = fdopendir(folder);
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		int below;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
		if (unlinkat(dirfd(dir), e->d_name, 0) == 0) continue;
		below = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0) continue;
		remove_inside(below);
		(void)unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
	}
	if (dir != NULL)
		closedir(dir);
	else
		close(folder);
}

void remove_tree(const char *path)
{
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (folder < 0) return;
	remove_inside(folder);
	(void)rmdir(path);
}

static void tell(const struct unpack *u, int percent)
{
	if (u->o->listener.tell != NULL) u->o->listener.tell(u->o->listener.arg, percent);
}

static enum rc damaged(const struct unpack *u, const char *why)
{
	struct cx *cx = u->cx;

	return cx_fail(cx, RC_BAD_INPUT, _("%s is damaged: %s. Nothing was changed; take another backup."),
		       u->o->path, why);
}

static enum rc foreign(const struct unpack *u)
{
	struct cx *cx = u->cx;

	return cx_fail(cx, RC_BAD_INPUT, _("%s is not a backup of Recado."), u->o->path);
}

static enum rc newer(const struct unpack *u, const char *version)
{
	struct cx *cx = u->cx;

	return cx_fail(cx, RC_CONFLICT,
		       _("%s was made by a newer version of Recado (%s). Install that version first."),
		       u->o->path, version);
}

/* The sentence for what archive_…() gave. */
static enum rc explain(const struct unpack *u, enum rc rc, const char *member)
{
	struct cx *cx = u->cx;

	if (rc == RC_BAD_INPUT) return damaged(u, words_get(cx->lang, archive_why(u->in)));
	if (rc == RC_IO && archive_target_failed(u->in))
		return cx_fail(cx, rc, _("%s could not be unpacked in %s (%s): is the disk full?"), member,
			       u->o->aside, words_errno(cx->lang, errno));
	if (rc == RC_IO)
		return cx_fail(cx, rc, _("The file %s cannot be read: %s."), u->o->path,
			       words_errno(cx->lang, errno));
	return rc;
}

/* Members */

static enum rc open_target(struct unpack *u, int *fd, const char *name)
{
	struct cx *cx = u->cx;
	char *path = arena_printf(cx->arena, "%s/%s", u->o->aside, name);

	for (char *slash = strchr(path + strlen(u->o->aside) + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return cx_fail(cx, RC_IO, _("The folder %s could not be made: %s."), path,
				       words_errno(cx->lang, errno));
		*slash = '/';
	}
	*fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd >= 0) return RC_OK;
	if (errno == EEXIST) return damaged(u, _("a part of it is there twice"));
	return cx_fail(cx, RC_IO, _("The file %s could not be written: %s."), path,
		       words_errno(cx->lang, errno));
}

static enum rc take_to_disk(struct unpack *u, const struct tar_entry *e, char sum[SHA256_HEX_SIZE])
{
	struct cx *cx = u->cx;
	int fd = -1;
	enum rc rc = open_target(u, &fd, e->name);

	if (rc != RC_OK) return rc;
	rc = explain(u, archive_take(u->in, fd, sum), e->name);
	if (rc == RC_OK && fsync(fd) != 0)
		rc = cx_fail(cx, RC_IO, _("%s could not be unpacked in %s (%s): is the disk full?"), e->name,
			     u->o->aside, words_errno(cx->lang, errno));
	gentle_forget(fd, 0, 0);
	if (close(fd) != 0 && rc == RC_OK)
		rc = cx_fail(cx, RC_IO, _("%s could not be unpacked in %s (%s): is the disk full?"), e->name,
			     u->o->aside, words_errno(cx->lang, errno));
	return rc;
}

static bool is_hex(const char *p, size_t len)
{
	return strlen(p) == len && strspn(p, "0123456789abcdef") == len;
}

/* files/aa/SHA256: the content is its name. */
static enum rc take_file(struct unpack *u, const struct tar_entry *e)
{
	struct cx *cx = u->cx;
	const char *name = e->name + strlen("files/");
	char sum[SHA256_HEX_SIZE];
	enum rc rc;

	if (strlen(name) != SHA256_HEX_SIZE + 2 || name[2] != '/' || !is_hex(name + 3, SHA256_HEX_SIZE - 1) ||
	    memcmp(name, name + 3, 2) != 0)
		return foreign(u);
	/* In order, so that none is there twice. */
	if (strcmp(u->last_file, name + 3) >= 0) return damaged(u, _("a part of it is there twice"));
	memcpy(u->last_file, name + 3, SHA256_HEX_SIZE);
	rc = u->o->with_files ? take_to_disk(u, e, sum) : explain(u, archive_take(u->in, -1, sum), e->name);
	if (rc == RC_OK && strcmp(sum, u->last_file) != 0) rc = damaged(u, _("a stored file was changed"));
	if (rc != RC_OK) return rc;
	u->files.count++;
	u->files.bytes += e->size;
	sha256_add(u->files_sum, sum, SHA256_HEX_SIZE - 1);
	sha256_add(u->files_sum, "\n", 1);
	return RC_OK;
}

static enum rc take_head(struct unpack *u)
{
	struct cx *cx = u->cx;
	char sum[SHA256_HEX_SIZE], *text = NULL;
	enum rc rc = explain(u, archive_take_text(u->in, cx->arena, &text, HEAD_TEXT_MAX, sum), MEMBER_HEAD);
	int64_t room = room_at(u->o->aside);

	if (rc != RC_OK) return rc;
	rc = head_parse(cx->arena, &u->out->head, text, strlen(text));
	if (rc == RC_BAD_INPUT) return foreign(u);
	if (rc != RC_OK) return rc;
	if (u->out->head.format > BACKUP_FORMAT || u->out->head.schema > db_version_known())
		return newer(u, u->out->head.version);
	memcpy(u->seen[u->seen_count - 1].sum, sum, sizeof(sum));
	if (room >= 0 && u->out->head.total > room - SPARE_BYTES)
		return cx_fail(
			cx, RC_IO,
			_("Unpacking %s takes %lld MB in %s, and %lld MB are free. Make room and try again."),
			u->o->path, (long long)(u->out->head.total / 1000000 + 1), u->o->aside,
			(long long)(room / 1000000));
	u->budget = u->out->head.total + SPARE_BYTES;
	return RC_OK;
}

static enum rc take_manifest(struct unpack *u)
{
	struct cx *cx = u->cx;
	enum rc rc = explain(
		u, archive_take_text(u->in, cx->arena, &u->manifest_text, MANIFEST_TEXT_MAX, u->manifest_sum),
		MEMBER_MANIFEST);

	if (rc == RC_OK) {
		rc = manifest_parse(cx->arena, &u->out->manifest, u->manifest_text, strlen(u->manifest_text));
		if (rc == RC_BAD_INPUT) rc = damaged(u, _("what it says of itself cannot be read"));
	}
	return rc;
}

static enum rc take_sum(struct unpack *u)
{
	struct cx *cx = u->cx;
	char unused[SHA256_HEX_SIZE], *text = NULL;
	enum rc rc = explain(u, archive_take_text(u->in, cx->arena, &text, SHA256_HEX_SIZE - 1, unused),
			     MEMBER_SUM);

	if (rc != RC_OK) return rc;
	if (u->manifest_text == NULL || strcmp(text, u->manifest_sum) != 0)
		return damaged(u, _("what it says of itself was changed"));
	u->is_over = true;
	return RC_OK;
}

static const struct {
	const char *name;
	int64_t max; /* 0: as far as there is room */
} known[] = {
	{ MEMBER_HEAD, (int64_t)HEAD_TEXT_MAX },
	{ DB_FILE, 0 },
	{ MEMBER_REPORTS, 0 },
	{ CONFIG_FILE, CONFIG_MAX },
	{ MEMBER_KEY, KEY_BYTES },
};

static enum rc take_member(struct unpack *u, const struct tar_entry *e)
{
	struct cx *cx = u->cx;
	struct unpacked *out = u->out;
	bool is_first = u->seen_count == 0, is_head = strcmp(e->name, MEMBER_HEAD) == 0;
	size_t i = 0;
	enum rc rc;

	if (is_first && !is_head && strcmp(e->name, DB_FILE) != 0) return foreign(u);
	if (u->is_over) return damaged(u, _("there is something behind its end"));
	if (e->size > u->budget) return damaged(u, _("it holds more than it says"));
	u->budget -= e->size;
	if (strncmp(e->name, "files/", 6) == 0) return take_file(u, e);
	if (strcmp(e->name, MEMBER_MANIFEST) == 0) return take_manifest(u);
	if (strcmp(e->name, MEMBER_SUM) == 0) return take_sum(u);
	while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i].name, e->name) != 0)
		i++;
	if (i == sizeof(known) / sizeof(known[0]) || (known[i].max > 0 && e->size > known[i].max))
		return foreign(u);
	for (size_t k = 0; k < u->seen_count; k++)
		if (strcmp(u->seen[k].name, e->name) == 0)
			return damaged(u, _("a part of it is there twice"));
	u->seen[u->seen_count] = (struct backup_member){ .name = known[i].name, .size = e->size };
	u->seen_count++;
	if (is_head) return is_first ? take_head(u) : damaged(u, _("its parts are in another order"));
	rc = take_to_disk(u, e, u->seen[u->seen_count - 1].sum);
	if (rc == RC_OK && strcmp(e->name, CONFIG_FILE) == 0) out->has_config = true;
	if (rc == RC_OK && strcmp(e->name, MEMBER_KEY) == 0) out->has_key = true;
	if (rc == RC_OK && strcmp(e->name, MEMBER_REPORTS) == 0) out->has_reports = true;
	return rc;
}

static enum rc take_all(struct unpack *u)
{
	struct cx *cx = u->cx;
	struct tar_entry e;
	enum rc rc;

	while ((rc = archive_next(u->in, &e)) == RC_OK) {
		rc = take_member(u, &e);
		if (rc != RC_OK) return rc;
		if (u->out->size > 0)
			tell(u, (int)(archive_bytes_read(u->in) * PART_UNPACKED / u->out->size));
	}
	if (rc == RC_BAD_INPUT && u->seen_count == 0) return foreign(u);
	if (rc != RC_NOT_FOUND) return explain(u, rc, "");
	if (u->seen_count == 0) return foreign(u);
	if (u->out->head.format > 0 && !u->is_over)
		return damaged(u, _("it ends too early: part of it is missing"));
	return RC_OK;
}

/* Comparing */

static enum rc compare_members(struct unpack *u)
{
	struct cx *cx = u->cx;
	const struct manifest *m = &u->out->manifest;

	if (m->count != u->seen_count) return damaged(u, _("a part of it is missing"));
	for (size_t i = 0; i < m->count; i++) {
		const struct backup_member *said = manifest_member(m, u->seen[i].name);

		if (said == NULL || said->size != u->seen[i].size || strcmp(said->sum, u->seen[i].sum) != 0)
			return damaged(u,
				       arena_printf(cx->arena, _("%s in it was changed"), u->seen[i].name));
	}
	if (m->files.count != u->files.count || m->files.bytes != u->files.bytes ||
	    strcmp(m->files.sum, u->files.sum) != 0)
		return damaged(u, _("a stored file is missing"));
	return RC_OK;
}

/* Is the file known to have been lost before the backup? */
static bool is_lost(const struct value *lost, const char *sum)
{
	for (const struct value *v = lost != NULL ? lost->first : NULL; v != NULL; v = v->next)
		if (strcmp(value_text_of(v, ""), sum) == 0) return true;
	return false;
}

/* The files that the database names are the ones in the archive. More lost ones than are listed: then the
** counts alone can tell. */
static enum rc compare_rows(struct unpack *u, const char *database)
{
	struct cx *cx = u->cx;
	const struct manifest *m = &u->out->manifest;
	struct db *copy = NULL, *own = cx->db;
	struct sha256_stream *sum = sha256_open();
	char named[SHA256_HEX_SIZE];
	struct query *q = NULL;
	int64_t count = 0, lost = 0;
	enum rc rc = sum != NULL ? db_open_path(&copy, database, true) : RC_NO_MEMORY;

	cx->db = copy;
	if (rc == RC_OK)
		rc = db_query(cx, &q,
			      "SELECT DISTINCT sha256 FROM file WHERE archived_at IS NULL ORDER BY sha256",
			      NO_PARAMS);
	while (rc == RC_OK && query_next(q)) {
		if (is_lost(m->lost, query_text(q, 0))) {
			lost++;
			continue;
		}
		sha256_add(sum, query_text(q, 0), strlen(query_text(q, 0)));
		sha256_add(sum, "\n", 1);
		count++;
	}
	rc = query_end(q, rc);
	db_close(copy);
	cx->db = own;
	if (sum != NULL) sha256_close(sum, named);
	if (rc != RC_OK) return rc;
	if (m->files.lost > LOST_MAX) return count + lost == u->files.count + m->files.lost ? RC_OK : RC_BUG;
	return count == u->files.count && strcmp(named, u->files.sum) == 0
		       ? RC_OK
		       : damaged(u, _("a stored file is missing"));
}

static enum rc compare_database(struct unpack *u, const char *name, const struct db_content *said)
{
	struct cx *cx = u->cx;
	const char *path = arena_printf(cx->arena, "%s/%s", u->o->aside, name), *message = "", *why = "";
	bool is_ours = strcmp(name, DB_FILE) == 0;
	struct db_content is;
	enum rc rc = db_verify_gently(cx, path, is_ours, &message, u->o->gentle);

	tell(u, PART_INTEGRITY);
	if (rc == RC_CONFLICT) return cx_fail(cx, rc, "%s", message);
	if (rc == RC_TRY_LATER) return rc;
	if (rc == RC_BAD_INPUT && u->out->head.format == 0) return foreign(u);
	if (rc != RC_OK) return damaged(u, _("its database is not sound"));
	if (said->count == 0) return RC_OK; /* of the first version: nothing to compare with */
	rc = db_content(cx, &is, path, u->o->gentle);
	if (rc != RC_OK) return rc == RC_TRY_LATER ? rc : damaged(u, _("its database is not sound"));
	return content_is_same(cx->arena, said, &is, cx->lang, &why) ? RC_OK : damaged(u, why);
}

static enum rc compare(struct unpack *u)
{
	struct cx *cx = u->cx;
	const struct manifest *m = &u->out->manifest;
	const char *database = arena_printf(cx->arena, "%s/" DB_FILE, u->o->aside);
	enum rc rc = RC_OK;

	if (u->out->head.format > 0) rc = compare_members(u);
	if (rc == RC_OK && access(database, F_OK) != 0) rc = damaged(u, _("a part of it is missing"));
	if (rc == RC_OK) rc = compare_database(u, DB_FILE, &m->database);
	if (rc == RC_OK && u->out->has_reports) rc = compare_database(u, MEMBER_REPORTS, &m->reports);
	if (rc == RC_OK) rc = compare_rows(u, database);
	return rc;
}

/* All of it */

static enum rc open_archive(struct unpack *u, int *fd)
{
	struct cx *cx = u->cx;
	const char *why = "";
	struct stat st;
	int64_t room;
	enum rc rc;

	*fd = open(u->o->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	/* Typed with sudo, it is still the owner of the state who reads (state_become_owner). */
	if (*fd < 0 && errno == EACCES)
		return cx_fail(
			cx, RC_BAD_INPUT,
			_("The file %s cannot be read by the owner of the state folder (user %u). Copy it to a place where that user may read it, such as /var/tmp."),
			u->o->path, (unsigned)geteuid());
	if (*fd < 0 || fstat(*fd, &st) != 0)
		return cx_fail(cx, RC_BAD_INPUT, _("The file %s cannot be read: %s."), u->o->path,
			       words_errno(cx->lang, errno));
	if (!S_ISREG(st.st_mode)) return foreign(u);
	u->out->size = (int64_t)st.st_size;
	room = room_at(cx->env->dir);
	u->budget = room >= 0 ? room - SPARE_BYTES : INT64_MAX / 2; /* until the head says how much comes */
	rc = archive_open(&u->in, *fd, u->o->passphrase, u->o->gentle, &why);
	if (rc == RC_DENIED)
		return cx_fail(
			cx, rc,
			u->o->passphrase == NULL || u->o->passphrase[0] == '\0'
				? _("%s is sealed by a passphrase; give it with --passphrase-file FILE.")
				: _("The passphrase does not open %s: give the one of the day it was made with --passphrase-file FILE. If it is that one, the first bytes of the backup were changed."),
			u->o->path);
	if (rc == RC_BAD_INPUT) return damaged(u, words_get(cx->lang, why));
	if (rc == RC_IO)
		return cx_fail(cx, rc, _("The file %s cannot be read: %s."), u->o->path,
			       words_errno(cx->lang, errno));
	return rc;
}

enum rc backup_unpack(struct cx *cx, struct unpacked *out, const struct unpack_order *order)
{
	struct unpack *u = arena_alloc(cx->arena, sizeof(*u));
	int fd = -1;
	enum rc rc;

	if (u == NULL) return RC_NO_MEMORY;
	*u = (struct unpack){ .cx = cx, .o = order, .out = out, .files_sum = sha256_open() };
	*out = (struct unpacked){ .size = 0 };
	if (u->files_sum == NULL) return RC_NO_MEMORY;
	rc = open_archive(u, &fd);
	if (rc == RC_OK && mkdir(order->aside, 0700) != 0)
		rc = cx_fail(cx, RC_IO, _("The folder %s could not be made: %s."), order->aside,
			     words_errno(cx->lang, errno));
	else if (rc == RC_OK) {
		rc = take_all(u);
		sha256_close(u->files_sum, u->files.sum);
		u->files_sum = NULL;
		if (rc == RC_OK) rc = compare(u);
		if (rc != RC_OK) remove_tree(order->aside);
	}
	if (u->files_sum != NULL) sha256_close(u->files_sum, u->files.sum);
	archive_close(u->in);
	if (fd >= 0) close(fd);
	return rc;
}
