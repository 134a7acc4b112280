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

static enum rc copy_pages(struct db *to, struct db *from, const _Atomic bool *is_stopping)
{
	sqlite3_backup *b = sqlite3_backup_init(to->handle, "main", from->handle, "main");
	int code = SQLITE_OK;

	if (!b) return connect_fail(NULL, to, sqlite3_extended_errcode(to->handle), "backup");
	while (code == SQLITE_OK && !(is_stopping && *is_stopping))
		code = sqlite3_backup_step(b, DB_SNAPSHOT_PAGES);
	sqlite3_backup_finish(b);
	if (code == SQLITE_OK) return RC_TRY_LATER;
	return code == SQLITE_DONE ? RC_OK : connect_fail(NULL, to, code, "backup");
}

static enum rc copy_to(struct db *from, const char *part, const _Atomic bool *is_stopping)
{
	struct db *to = NULL;
	char mode[16];
	int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	enum rc rc = RC_OK;

	if (fd < 0) return RC_IO;
	rc = connect_open(&to, NULL, part, CONNECT_WRITE);
	/* One read transaction around all steps: otherwise every write meanwhile would start the
	** copy over. */
	if (rc == RC_OK) rc = connect_exec(from, "BEGIN; SELECT count(*) FROM sqlite_schema");
	if (rc == RC_OK) {
		rc = copy_pages(to, from, is_stopping);
		sqlite3_exec(from->handle, "ROLLBACK", NULL, NULL, NULL);
	}
	if (rc == RC_OK) {
		to->may_commit = true;
		rc = connect_text(to, mode, sizeof mode, "PRAGMA journal_mode=DELETE");
		if (rc == RC_OK && strcmp(mode, "delete") != 0) rc = RC_IO;
	}
	db_close(to);
	if (rc == RC_OK && fsync(fd) != 0) rc = RC_IO;
	close(fd);
	return rc;
}

enum rc snapshot_copy(struct db *from, const char *to_path, const _Atomic bool *is_stopping)
{
	char part[PATH_SIZE];
	int len = snprintf(part, sizeof part, "%s.part", to_path);
	enum rc rc;

	if (len < 0 || (size_t)len >= sizeof part) return RC_BAD_INPUT;
	unlink(part); /* of a copy that a crash interrupted */
	rc = copy_to(from, part, is_stopping);
	if (rc == RC_OK && rename(part, to_path) != 0) rc = RC_IO;
	if (rc == RC_OK) rc = sync_folder_of(to_path);
	if (rc != RC_OK) unlink(part);
	return rc;
}

enum rc db_snapshot(struct cx *cx, const char *to_path)
{
	struct db *from = NULL;
	enum rc rc;

	if (tx_is_open(cx)) return RC_BUG;
	/* A connection of its own: the caller's cache and time limit are for pages. */
	rc = connect_open(&from, NULL, sqlite3_db_filename(cx->db->handle, "main"), CONNECT_READ);
	if (rc == RC_OK) rc = snapshot_copy(from, to_path, &cx->env->is_stopping);
	db_close(from);
	if (rc == RC_IO)
		return cx_fail(
			cx, rc,
			_("The copy could not be written to %s. Is there room, and may this program write there?"),
			to_path);
	return rc;
}

/* Checking a copy */

static enum rc check_contents(struct cx *cx, struct db *db, const char *path, const char **message)
{
	int64_t id = 0, version = 0;
	char said[LOG_QUOTE_SIZE] = "";
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
	rc = connect_text(db, said, sizeof said, "PRAGMA quick_check(1)");
	if (rc != RC_OK || strcmp(said, "ok") != 0) {
		*message = arena_printf(cx->arena, _("%s is damaged: %s"), path, said[0] ? said : "?");
		return RC_IO;
	}
	return RC_OK;
}

enum rc db_verify(struct cx *cx, const char *path, const char **message)
{
	struct db *db = NULL;
	enum rc rc;

	*message = "";
	if (access(path, F_OK) != 0) {
		*message = arena_printf(cx->arena, _("There is no file %s."), path);
		return RC_NOT_FOUND;
	}
	rc = db_open_path(&db, path, true);
	if (rc == RC_OK)
		rc = check_contents(cx, db, path, message);
	else
		*message = arena_printf(cx->arena, _("%s is not a database of Recado."), path);
	db_close(db);
	return rc;
}
