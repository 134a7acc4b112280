/*
** snapshot.c -- a consistent copy of the database while it is in use, and the check of such a copy.
**
** Owns:   nothing.
** Never:  takes the write lane, or holds up a writer: the copy reads one moment of the log (WAL).
** Holds:  (1) the file at the target is whole or absent: it is made beside it, synced, renamed, the
**             folder synced;
**         (2) the copy is one single file, no log beside it.
*/
#include "base/mem.h"
#include "db/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096 /* PATH_MAX of Linux */

enum rc sync_folder_of(const char *path)
{
	char folder[PATH_SIZE];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int fd, failed;

	if (len >= sizeof folder) return RC_BAD_INPUT;
	if (len > 0) memcpy(folder, path, len);
	folder[len] = '\0';
	fd = open(len > 0 ? folder : slash ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return RC_IO;
	failed = fsync(fd);
	close(fd);
	return failed ? RC_IO : RC_OK;
}

static int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* As far as may be without the log growing beyond all measure. */
static bool log_allows(struct gentle *g, const char *wal)
{
	int64_t size = size_of(wal);

	if (size > DB_SNAPSHOT_WAL_HURRY) g->is_hurried = true;
	if (size <= DB_SNAPSHOT_WAL_MAX) return true;
	log_event(LOG_WARN, "app", "db.snapshot", "what=\"given up, the log grew too much\" wal_bytes=%lld",
		  (long long)size);
	return false;
}

static enum rc copy_pages(struct db *to, struct db *from, int fd, struct gentle *g)
{
	const char *wal = sqlite3_filename_wal(sqlite3_db_filename(from->handle, "main"));
	sqlite3_backup *b = sqlite3_backup_init(to->handle, "main", from->handle, "main");
	int64_t page = 0, done = 0;
	bool was_hurried = g->is_hurried;
	int code = SQLITE_OK;
	enum rc rc = RC_OK;

	if (!b) return connect_fail(NULL, to, sqlite3_extended_errcode(to->handle), "backup");
	rc = connect_int(from, &page, "PRAGMA page_size");
	gentle_file(g);
	while (rc == RC_OK && code == SQLITE_OK) {
		int64_t now;

		if (!gentle_rest(g) || !log_allows(g, wal)) {
			rc = RC_TRY_LATER;
			break;
		}
		code = sqlite3_backup_step(b, DB_SNAPSHOT_PAGES);
		now = sqlite3_backup_pagecount(b) - sqlite3_backup_remaining(b);
		if (now > done) gentle_wrote(g, fd, (now - done) * page);
		done = now;
	}
	sqlite3_backup_finish(b);
	g->is_hurried = was_hurried;
	if (rc != RC_OK) return rc;
	return code == SQLITE_DONE ? RC_OK : connect_fail(NULL, to, code, "backup");
}

static enum rc copy_to(struct db *from, const char *part, struct gentle *g)
{
	struct db *to = NULL;
	char mode[16];
	int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	enum rc rc = RC_OK;

	if (fd < 0) return RC_IO;
	rc = connect_open(&to, NULL, part, CONNECT_WRITE);
	/* Synced here, piece by piece: one sync of the whole at the end would hold up every commit. */
	if (rc == RC_OK) rc = connect_exec(to, "PRAGMA synchronous=OFF");
	/* One read transaction around all steps: otherwise every write meanwhile would start the
	** copy over. */
	if (rc == RC_OK) rc = connect_exec(from, "BEGIN; SELECT count(*) FROM sqlite_schema");
	if (rc == RC_OK) {
		rc = copy_pages(to, from, fd, g);
		sqlite3_exec(from->handle, "ROLLBACK", NULL, NULL, NULL);
	}
	if (rc == RC_OK) {
		to->may_commit = true;
		rc = connect_text(to, mode, sizeof mode, "PRAGMA journal_mode=DELETE");
		if (rc == RC_OK && strcmp(mode, "delete") != 0) rc = RC_IO;
	}
	db_close(to);
	if (rc == RC_OK && fsync(fd) != 0) rc = RC_IO;
	gentle_forget(fd, 0, 0);
	close(fd);
	return rc;
}

enum rc snapshot_copy(struct db *from, const char *to_path, struct gentle *g)
{
	char part[PATH_SIZE], journal[PATH_SIZE + 16];
	int len = snprintf(part, sizeof part, "%s.part", to_path);
	enum rc rc;

	if (len < 0 || (size_t)len >= sizeof part) return RC_BAD_INPUT;
	snprintf(journal, sizeof journal, "%s-journal", part);
	unlink(part); /* of a copy that a crash interrupted */
	unlink(journal);
	rc = copy_to(from, part, g);
	if (rc == RC_OK && rename(part, to_path) != 0) rc = RC_IO;
	if (rc == RC_OK) rc = sync_folder_of(to_path);
	if (rc != RC_OK) unlink(part);
	unlink(journal);
	return rc;
}

enum rc db_snapshot_of(struct cx *cx, const char *from_path, const char *to_path, struct gentle *g)
{
	struct db *from = NULL;
	enum rc rc;

	if (tx_is_open(cx)) return RC_BUG;
	/* A connection of its own: the caller's cache and time limit are for pages. */
	rc = connect_open(&from, NULL, from_path, CONNECT_READ);
	if (rc == RC_OK) rc = snapshot_copy(from, to_path, g);
	db_close(from);
	if (rc == RC_IO)
		return cx_fail(
			cx, rc,
			_("The copy could not be written to %s. Is there room, and may this program write there?"),
			to_path);
	return rc;
}

enum rc db_snapshot(struct cx *cx, const char *to_path)
{
	struct gentle g;

	gentle_init(&g, &cx->env->is_stopping);
	return db_snapshot_of(cx, sqlite3_db_filename(cx->db->handle, "main"), to_path, &g);
}

/* Checking a copy */

static enum rc check_house(struct cx *cx, struct db *db, const char *path, const char **message)
{
	int64_t id = 0, version = 0;
	enum rc rc = connect_int(db, &id, "PRAGMA application_id");

	if (rc == RC_OK) rc = connect_int(db, &version, "PRAGMA user_version");
	if (rc != RC_OK || id != DB_APPLICATION_ID || version < 1) {
		*message = arena_printf(cx->arena, _("%s is not a database of Recado."), path);
		return RC_BAD_INPUT;
	}
	if (version > db_version_known()) {
		*message = arena_printf(
			cx->arena,
			_("%s was written by a newer version of Recado (step %lld, this one knows %d). "
			  "Install that version first."),
			path, (long long)version, db_version_known());
		return RC_CONFLICT;
	}
	return RC_OK;
}

/* The whole check: that each index has what its table has is worth the minute, a copy is proved at night. */
static enum rc check_pages(struct cx *cx, struct db *db, const char *path, const char **message)
{
	char said[LOG_QUOTE_SIZE] = "";
	enum rc rc = connect_text(db, said, sizeof said, "PRAGMA integrity_check(1)");

	if (rc == RC_TRY_LATER) return rc;
	if (rc != RC_OK || strcmp(said, "ok") != 0) {
		*message = arena_printf(cx->arena, _("%s is damaged: %s"), path, said[0] ? said : "?");
		return RC_IO;
	}
	return RC_OK;
}

enum rc db_verify_gently(struct cx *cx, const char *path, bool is_ours, const char **message,
			 struct gentle *g)
{
	struct db *db = NULL;
	enum rc rc;

	*message = "";
	if (access(path, F_OK) != 0) {
		*message = arena_printf(cx->arena, _("There is no file %s."), path);
		return RC_NOT_FOUND;
	}
	rc = db_open_path(&db, path, true);
	if (rc == RC_OK && is_ours)
		rc = check_house(cx, db, path, message);
	else if (rc != RC_OK)
		*message = arena_printf(cx->arena, _("%s is not a database of Recado."), path);
	if (rc == RC_OK) {
		db->gentle = g;
		rc = check_pages(cx, db, path, message);
	}
	db_close(db);
	return rc;
}

enum rc db_verify(struct cx *cx, const char *path, const char **message)
{
	return db_verify_gently(cx, path, true, message, NULL);
}
