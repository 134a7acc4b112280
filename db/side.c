/*
** side.c -- a database file beside recado.db: made, recognised, brought up to date by its owner's steps.
**
** Owns:   user_version and application_id of such a file.
** Never:  has a thread; a house that loads no report has nothing of this open.
** Holds:  (1) the file is readable by its owner only; (2) all pending steps are one transaction; (3) a file
**         that is not of this kind, newer or damaged is refused with its sentence and left as it is.
*/
#include "db/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *say(const struct store *s, struct arena *a, const char *msgid)
{
	return arena_printf(a, "%s: %s", s->path, words_get(s->env->lang, msgid));
}

static enum rc make_file(struct store *s, struct arena *a, const char **message)
{
	int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0) {
		struct stat st;

		if (fstat(fd, &st) == 0) {
			s->device = (uint64_t)st.st_dev;
			s->inode = (uint64_t)st.st_ino;
		}
		close(fd);
		return RC_OK;
	}
	*message = arena_printf(a, words_get(s->env->lang, N_("The database cannot be made in %s: %s")),
				s->path, words_errno(s->env->lang, errno));
	return RC_IO;
}

static enum rc recognise(struct store *s, struct db *db, const struct side_file *side, struct arena *a,
			 const char **message, int64_t *version)
{
	int64_t id = 0, tables = 0;
	enum rc rc = connect_int(db, &id, "PRAGMA application_id");

	if (rc == RC_OK) rc = connect_int(db, version, "PRAGMA user_version");
	if (rc == RC_OK) rc = connect_int(db, &tables, "SELECT count(*) FROM sqlite_schema");
	if (rc != RC_OK) return rc;
	if (id != side->id && (id != 0 || *version != 0 || tables != 0)) {
		*message = say(s, a,
			       N_("this is another program's database. Move it away or name another file."));
		return RC_CONFLICT;
	}
	if (*version > (int64_t)side->count) {
		*message = say(
			s, a,
			N_("this file was written by a newer version of Recado. Install that version first."));
		return RC_CONFLICT;
	}
	return RC_OK;
}

static enum rc take_steps(struct db *db, const struct side_file *side, int64_t version)
{
	char mark[96];
	enum rc rc = connect_exec(db, "BEGIN IMMEDIATE"), back;

	for (size_t i = (size_t)version; rc == RC_OK && i < side->count; i++)
		rc = connect_exec(db, side->steps[i]);
	snprintf(mark, sizeof mark, "PRAGMA application_id=%ld; PRAGMA user_version=%zu", (long)side->id,
		 side->count);
	if (rc == RC_OK) rc = connect_exec(db, mark);
	db->may_commit = rc == RC_OK;
	if (rc == RC_OK) rc = connect_exec(db, "COMMIT");
	db->may_commit = false;
	if (sqlite3_get_autocommit(db->handle)) return rc;
	back = connect_exec(db, "ROLLBACK");
	return rc != RC_OK ? rc : back;
}

static enum rc prepare(struct store *s, struct db *db, const struct side_file *side, struct arena *a,
		       const char **message)
{
	int64_t version = 0;
	char mode[16] = "";
	enum rc rc = recognise(s, db, side, a, message, &version);

	if (rc != RC_OK) return rc;
	db->may_commit = true;
	rc = connect_text(db, mode, sizeof mode, "PRAGMA journal_mode=WAL");
	db->may_commit = false;
	if (rc == RC_OK && strcmp(mode, "wal") != 0) {
		*message = arena_printf(
			a,
			words_get(s->env->lang, N_("%s lies on a disk that does not suit a database (network "
						   "folders do not). Move the state folder.")),
			s->path);
		return RC_IO;
	}
	if (rc == RC_OK && version < (int64_t)side->count) rc = take_steps(db, side, version);
	return rc;
}

enum rc store_open_side(struct store **out, struct env *env, struct arena *a, const char **message,
			const struct side_file *side)
{
	struct store *s = NULL;
	struct db *db = NULL;
	enum rc rc;

	*message = "";
	rc = store_new(&s, env, side->path);
	if (rc != RC_OK) return rc;
	rc = make_file(s, a, message);
	if (rc == RC_OK) rc = connect_open(&db, s, s->path, CONNECT_WRITE);
	if (rc == RC_OK) rc = prepare(s, db, side, a, message);
	db_close(db);
	if (rc == RC_OK) {
		*out = s;
		return RC_OK;
	}
	if ((*message)[0] == '\0')
		*message = rc == RC_IO
				   ? arena_printf(a,
						  words_get(env->lang,
							    N_("%s cannot be read: it is damaged or not a "
							       "database. Restore a backup.")),
						  s->path)
				   : arena_printf(a,
						  words_get(env->lang,
							    N_("The database %s cannot be opened now.")),
						  s->path);
	store_free(s);
	return rc;
}

bool store_is_in_place(const struct store *s)
{
	struct stat st;

	return stat(s->path, &st) == 0 && (uint64_t)st.st_dev == s->device && (uint64_t)st.st_ino == s->inode;
}

void db_copy_log(struct cx *cx)
{
	int code;

	if (!cx->db || cx->db->tx != TX_NONE || !cx->db->store || cx->db->store->checkpointer) return;
	code = sqlite3_wal_checkpoint_v2(cx->db->handle, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (code != SQLITE_OK && code != SQLITE_BUSY) (void)connect_fail(NULL, cx->db, code, "checkpoint");
	if (code == SQLITE_OK) atomic_fetch_add(&cx->db->store->checkpoints, 1);
}

void db_staging(struct db *db, bool is_on)
{
	enum rc rc = connect_exec(db, is_on ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL");

	if (rc != RC_OK) log_event(LOG_WARN, "app", "db.staging", "on=%d", is_on);
	db_large_cache(db, is_on);
}
