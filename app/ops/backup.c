/*
** backup.c -- one archive of the state, and putting it back.
**
** Owns:   the names recado-*.tar of the backup folder (DIR/backups/, or the setting's).
** Holds:  (1) the database in an archive is a consistent snapshot, verified before the
**         archive gets its name; (2) the key and last_seen are never in it: a copy that
**         leaks must not open the secrets, and an older copy must be known as older;
**         (3) restoring swaps only after everything was unpacked and verified, and what
**         was there stays beside it.
*/
#include "files/files.h"
#include "ops/ops.h"
#include "ops/tar.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum rc add_path(struct cx *cx, int archive, const char *path, const char *name)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum rc rc = RC_IO;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		rc = tar_add(archive, name, fd, st.st_size, (instant)st.st_mtime * SECOND_MS);
	if (rc != RC_OK) rc = cx_fail(cx, rc, _("The backup could not take %s: %s."), name, strerror(errno));
	if (fd >= 0) close(fd);
	return rc;
}

/* The stored files, straight from the table: what no row names is not part of the backup. */
static enum rc add_files(struct cx *cx, int archive, const char *database)
{
	struct db *copy = NULL, *own = cx->db;
	struct query *q = NULL;
	enum rc rc = db_open_path(&copy, database, true);

	if (rc != RC_OK) return rc;
	cx->db = copy;
	rc = db_query(cx, &q, "SELECT DISTINCT sha256 FROM file WHERE archived_at IS NULL ORDER BY sha256",
		      NO_PARAMS);
	while (rc == RC_OK && query_next(q)) {
		const char *sum = query_text(q, 0);
		char name[TAR_NAME_MAX + 1];

		snprintf(name, sizeof(name), "files/%.2s/%s", sum, sum);
		rc = add_path(cx, archive, arena_printf(cx->arena, "%s/%s", cx->env->dir, name), name);
	}
	rc = query_end(q, rc);
	db_close(copy);
	cx->db = own;
	return rc;
}

const char *backup_folder(struct cx *cx)
{
	const char *set = setting_text(cx->env->settings, "backup.folder");

	return set[0] != '\0' ? set : arena_printf(cx->arena, "%s/backups", cx->env->dir);
}

static const char *default_path(struct cx *cx)
{
	char stamp[RFC3339_SIZE];
	char *c = stamp;

	instant_text(stamp, cx_now(cx));
	for (; *c != '\0'; c++)
		if (*c == ':' || *c == '.') *c = '-';
	return arena_printf(cx->arena, "%s/recado-%s.tar", backup_folder(cx), stamp);
}

enum rc backup_write(struct cx *cx, const char *path, const char **path_out)
{
	const char *snapshot = arena_printf(cx->arena, "%s/tmp/backup-%ld.db", cx->env->dir, (long)getpid());
	struct tmpfile_at archive = TMPFILE_NONE;
	const char *message = "";
	char *folder;
	enum rc rc = RC_OK;

	if (path == NULL || path[0] == '\0') path = default_path(cx);
	folder = arena_text(cx->arena, path);
	if (strrchr(folder, '/') != NULL)
		strrchr(folder, '/')[folder[0] == '/' && strrchr(folder, '/') == folder ? 1 : 0] = '\0';
	else
		folder = arena_text(cx->arena, ".");
	rc = db_snapshot(cx, snapshot);
	if (rc == RC_OK) {
		rc = db_verify(cx, snapshot, &message);
		if (rc != RC_OK) rc = cx_fail(cx, rc, "%s", message);
	}
	if (rc == RC_OK) {
		rc = tmpfile_open(&archive, folder);
		if (rc != RC_OK)
			rc = cx_fail(cx, rc, _("The file %s could not be written: %s."), path,
				     strerror(errno));
	}
	if (rc == RC_OK) rc = add_path(cx, archive.fd, snapshot, DB_FILE);
	if (rc == RC_OK && access(cx->env->config_path, R_OK) == 0)
		rc = add_path(cx, archive.fd, cx->env->config_path, CONFIG_FILE);
	if (rc == RC_OK) rc = add_files(cx, archive.fd, snapshot);
	if (rc == RC_OK) rc = tar_end(archive.fd);
	if (rc == RC_OK) rc = tmpfile_publish(&archive, path);
	tmpfile_discard(&archive);
	(void)unlink(snapshot);
	if (rc == RC_OK) {
		*path_out = path;
		log_event(LOG_INFO, "app", "backup.written", "path=%s",
			  log_quote((char[LOG_QUOTE_SIZE]){ 0 }, path));
	} else
		rc = cx_fail(cx, rc, _("The backup was not made; see the log."));
	return rc;
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(*(char *const *)b, *(char *const *)a);
}

/* recado-2026-11-22T08-00-00-000Z.tar and nothing else: in a folder of the owner's there may be other things
** whose names begin with recado-, and old archives are removed by their names. */
static bool is_ours(const char *name)
{
	static const char shape[] = "recado-dddd-dd-ddTdd-dd-dd";
	size_t i;

	for (i = 0; shape[i] != '\0'; i++)
		if (shape[i] == 'd' && i > 6 ? name[i] < '0' || name[i] > '9' : name[i] != shape[i])
			return false;
	name += i + strspn(name + i, "-0123456789Z");
	return strcmp(name, ".tar") == 0;
}

/* Names of our archives in a folder, newest first (the names sort by time). */
static size_t list_backups(struct arena *a, const char *path, char **names, size_t max)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	size_t n = 0;

	while (folder != NULL && n < max && (entry = readdir(folder)) != NULL)
		if (is_ours(entry->d_name)) names[n++] = arena_printf(a, "%s/%s", path, entry->d_name);
	if (folder != NULL) closedir(folder);
	qsort(names, n, sizeof(names[0]), newest_first);
	return n;
}

#define BACKUPS_LISTED 1000 /* more archives than this in the folder were put there by hand */

instant backup_newest(const char *folder)
{
	struct arena *a = arena_new(1024 * 1024);
	char **names = a != NULL ? arena_array(a, BACKUPS_LISTED, sizeof(*names)) : NULL;
	struct stat st;
	instant at = 0;

	if (names != NULL && list_backups(a, folder, names, BACKUPS_LISTED) > 0 && stat(names[0], &st) == 0)
		at = (instant)st.st_mtime * SECOND_MS;
	arena_free(a);
	return at;
}

static enum rc backup_job(struct cx *cx, struct job *job)
{
	char **names = arena_array(cx->arena, BACKUPS_LISTED, sizeof(*names));
	const char *path = "";
	enum rc rc = names != NULL ? backup_write(cx, NULL, &path) : RC_NO_MEMORY;
	size_t count;

	if (rc != RC_OK) return rc;
	job_note(job, path);
	count = list_backups(cx->arena, backup_folder(cx), names, BACKUPS_LISTED);
	for (size_t i = (size_t)setting_int(cx->env->settings, "backup.keep"); i < count; i++)
		(void)unlink(names[i]);
	return RC_OK;
}

static enum rc sweep_job(struct cx *cx, struct job *job)
{
	(void)job;
	return files_sweep(cx);
}

const struct job_kind ops_jobs[] = {
	{ .name = "ops.backup",
	  .title = N_("Nightly backup"),
	  .queue = "ops",
	  .attempts_max = 3,
	  .time_limit_s = 3600,
	  .delay_s = 300,
	  .run = backup_job },
	{ .name = "ops.sweep",
	  .title = N_("Remove files nobody needs"),
	  .queue = "ops",
	  .attempts_max = 1,
	  .time_limit_s = 600,
	  .delay_s = 60,
	  .run = sweep_job },
	{ .name = NULL },
};

const struct schedule_default ops_schedules[] = {
	{ .name = "ops.backup",
	  .job_kind = "ops.backup",
	  .rule = "30 3 * * *",
	  .late_rule = "run",
	  .late_limit_s = 86400 },
	{ .name = "ops.sweep",
	  .job_kind = "ops.sweep",
	  .rule = "10 4 * * *",
	  .late_rule = "skip",
	  .late_limit_s = 3600 },
	{ .name = NULL },
};

/* Restore */

static enum rc unpack_entry(struct cx *cx, int archive, const struct tar_entry *entry, const char *aside)
{
	char *path = arena_printf(cx->arena, "%s/%s", aside, entry->name);
	enum rc rc = RC_OK;
	int fd;

	for (char *slash = strchr(path + strlen(aside) + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST) rc = RC_IO;
		*slash = '/';
	}
	fd = rc == RC_OK ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return cx_fail(cx, RC_IO, _("The file %s could not be written: %s."), path, strerror(errno));
	rc = tar_copy(archive, entry->size, fd);
	if (rc == RC_OK && fsync(fd) != 0) rc = RC_IO;
	if (close(fd) != 0) rc = RC_IO;
	return rc == RC_OK ? rc
			   : cx_fail(cx, rc, _("The archive ends early or the disk is full, at %s."),
				     entry->name);
}

static enum rc unpack(struct cx *cx, const char *path, const char *aside)
{
	int archive = open(path, O_RDONLY | O_CLOEXEC);
	struct tar_entry entry;
	enum rc rc = RC_OK;

	if (archive < 0)
		return cx_fail(cx, RC_BAD_INPUT, _("The file %s cannot be read: %s."), path, strerror(errno));
	if (mkdir(aside, 0700) != 0)
		rc = cx_fail(cx, RC_IO, _("The folder %s could not be made: %s."), aside, strerror(errno));
	while (rc == RC_OK) {
		rc = tar_next(archive, &entry);
		if (rc == RC_NOT_FOUND) {
			rc = RC_OK;
			break;
		}
		if (rc != RC_OK)
			rc = cx_fail(cx, rc, _("%s is not a backup of Recado."), path);
		else
			rc = unpack_entry(cx, archive, &entry, aside);
	}
	close(archive);
	return rc;
}

/* Move one name of the state folder to keep/ (if it is there) and the unpacked one in its place (if it is
** there). */
static enum rc swap(struct cx *cx, const char *dir, const char *keep, const char *aside, const char *name,
		    bool must_come)
{
	const char *here = arena_printf(cx->arena, "%s/%s", dir, name);
	const char *old = arena_printf(cx->arena, "%s/%s", keep, name);
	const char *fresh = arena_printf(cx->arena, "%s/%s", aside, name);
	bool comes = access(fresh, F_OK) == 0;

	if ((comes || must_come) && rename(here, old) != 0 && errno != ENOENT)
		return cx_fail(cx, RC_IO, _("The file %s could not be written: %s."), old, strerror(errno));
	if (comes && rename(fresh, here) != 0)
		return cx_fail(cx, RC_IO, _("The file %s could not be written: %s."), here, strerror(errno));
	return RC_OK;
}

enum rc backup_restore(struct cx *cx, const char *dir, const char *path)
{
	const char *aside = arena_printf(cx->arena, "%s/tmp/restore-%ld", dir, (long)getpid());
	const char *keep =
		arena_printf(cx->arena, "%s/before-restore-%lld", dir, (long long)cx_now(cx) / SECOND_MS);
	const char *database = arena_printf(cx->arena, "%s/" DB_FILE, aside);
	const char *message = "";
	enum rc rc = unpack(cx, path, aside);

	if (rc == RC_OK) {
		rc = db_verify(cx, database, &message);
		if (rc != RC_OK) rc = cx_fail(cx, rc == RC_NOT_FOUND ? RC_BAD_INPUT : rc, "%s", message);
	}
	if (rc == RC_OK && mkdir(keep, 0700) != 0)
		rc = cx_fail(cx, RC_IO, _("The folder %s could not be made: %s."), keep, strerror(errno));
	/* The write-ahead log belongs to the old database: it must go with it, or SQLite would replay it
	** onto the new one. */
	if (rc == RC_OK) rc = swap(cx, dir, keep, aside, DB_FILE "-wal", true);
	if (rc == RC_OK) rc = swap(cx, dir, keep, aside, DB_FILE "-shm", true);
	if (rc == RC_OK) rc = swap(cx, dir, keep, aside, DB_FILE, true);
	if (rc == RC_OK) rc = swap(cx, dir, keep, aside, "files", false);
	if (rc == RC_OK)
		log_event(LOG_WARN, "app", "backup.restored", "from=%s",
			  log_quote((char[LOG_QUOTE_SIZE]){ 0 }, path));
	(void)mkdir(arena_printf(cx->arena, "%s/files", dir), 0700);
	return rc;
}
