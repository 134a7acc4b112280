/*
** rollback.c -- undoes an upgrade: the database from before it takes the place of today's.
**
** An upgrade that changes the database keeps it as recado.db.before-N (db/migrate.c) and the settings as
** recado.ini.before-N. Putting them back goes by the same journal as a restore, so that a cut leaves either
** state whole. The program of before is install.sh's to put back.
**
** Needs:  the folder's lock.
** Never:  removes anything: today's state lies in before-rollback-TIME/ afterwards.
** Holds:  what was written since the upgrade is not in the old database, and the channels start stopped.
*/
#include "ops/backup.h"
#include "files/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEFORE DB_FILE ".before-"

/* The newest schema that lies beside the database; 0 = none. */
static int newest_copy(const char *dir)
{
	DIR *folder = opendir(dir);
	struct dirent *e;
	int newest = 0;

	while (folder != NULL && (e = readdir(folder)) != NULL) {
		const char *digits = e->d_name + strlen(BEFORE);

		if (strncmp(e->d_name, BEFORE, strlen(BEFORE)) == 0 && digits[0] != '\0' &&
		    strspn(digits, "0123456789") == strlen(digits) && strlen(digits) < 6 &&
		    atoi(digits) > newest)
			newest = atoi(digits);
	}
	if (folder != NULL) closedir(folder);
	return newest;
}

static enum rc ask_database(struct cx *cx, const char *path, int64_t *version, int64_t *messages)
{
	struct db *db = NULL, *own = cx->db;
	enum rc rc = db_open_path(&db, path, true);

	cx->db = db;
	if (rc == RC_OK) rc = db_get_int(cx, version, "PRAGMA user_version", NO_PARAMS);
	if (rc == RC_OK && messages != NULL)
		rc = db_get_int(cx, messages, "SELECT coalesce(max(id), 0) FROM message", NO_PARAMS);
	db_close(db);
	cx->db = own;
	return rc;
}

enum rc rollback_schema(struct cx *cx, int64_t *out)
{
	const char *path = arena_printf(cx->arena, "%s/" DB_FILE, cx->env->dir);

	return ask_database(cx, path, out, NULL);
}

enum rc rollback_look(struct cx *cx, struct rollback *out)
{
	const char *dir = cx->env->dir, *config;
	int64_t now = 0, then = 0, sent_now = 0, sent_then = 0;
	int copy = newest_copy(dir);
	struct stat st;
	enum rc rc;

	*out = (struct rollback){ .copy = "", .config_copy = "", .keep = "" };
	if (copy == 0)
		return cx_fail(
			cx, RC_NOT_FOUND,
			_("There is nothing to undo: no upgrade has changed the database in %s. To go back to an older program, put its binary back."),
			dir);
	out->copy = arena_printf(cx->arena, "%s/" BEFORE "%d", dir, copy);
	rc = ask_database(cx, out->copy, &then, &sent_then);
	if (rc == RC_OK) rc = ask_database(cx, arena_printf(cx->arena, "%s/" DB_FILE, dir), &now, &sent_now);
	if (rc != RC_OK || then != copy || stat(out->copy, &st) != 0)
		return cx_fail(cx, rc == RC_OK ? RC_IO : rc,
			       _("The copy %s cannot be read; restore a backup instead."), out->copy);
	if (now <= then)
		return cx_fail(
			cx, RC_NOT_FOUND,
			_("There is nothing to undo: the database is at step %lld already, as before the upgrade."),
			(long long)now);
	out->from = (int)now;
	out->to = (int)then;
	out->at = (instant)st.st_mtime * SECOND_MS;
	out->messages = sent_now > sent_then ? sent_now - sent_then : 0;
	config = arena_printf(cx->arena, "%s/" CONFIG_FILE ".before-%d", dir, copy);
	if (access(config, R_OK) == 0) out->config_copy = config;
	return RC_OK;
}

/* A copy that shares nothing with the original: what is put back will be written to. */
static enum rc copy_to(struct cx *cx, const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	enum rc rc = in >= 0 && out >= 0 ? RC_OK : RC_IO;
	char *buffer = arena_alloc(cx->arena, 65536);
	ssize_t n = 0;

	if (buffer == NULL) rc = RC_NO_MEMORY;
	while (rc == RC_OK && (n = read(in, buffer, 65536)) > 0)
		rc = fd_write_all(out, buffer, (size_t)n);
	if (n < 0 || (rc == RC_OK && fsync(out) != 0)) rc = RC_IO;
	if (in >= 0) close(in);
	if (out >= 0 && close(out) != 0) rc = RC_IO;
	return rc == RC_OK ? rc
			   : cx_fail(cx, rc, _("The file %s could not be written: %s."), to,
				     words_errno(cx->lang, errno));
}

enum rc rollback_do(struct cx *cx, struct rollback *out)
{
	const char *dir = cx->env->dir, *message = "";
	const char *aside = arena_printf(cx->arena, "%s/" RESTORE_ASIDE, dir);
	enum rc rc = rollback_look(cx, out);
	struct gentle g;

	if (rc != RC_OK) return rc;
	gentle_init(&g, &cx->env->is_stopping);
	g.is_hurried = true;
	rc = db_verify_gently(cx, out->copy, true, &message, &g);
	if (rc != RC_OK) return cx_fail(cx, rc, "%s", message);
	remove_tree(aside);
	out->keep = arena_printf(cx->arena, "%s/before-rollback-%lld", dir, (long long)cx_now(cx));
	if (mkdir(aside, 0700) != 0 || mkdir(out->keep, 0700) != 0)
		rc = cx_fail(cx, RC_IO, _("The folder %s could not be made: %s."), aside,
			     words_errno(cx->lang, errno));
	if (rc == RC_OK) rc = copy_to(cx, out->copy, arena_printf(cx->arena, "%s/" DB_FILE, aside));
	if (rc == RC_OK && out->config_copy[0] != '\0')
		rc = copy_to(cx, out->config_copy, arena_printf(cx->arena, "%s/" CONFIG_FILE, aside));
	if (rc == RC_OK) rc = journal_run(dir, strrchr(out->keep, '/') + 1, cx_now(cx), false);
	if (rc != RC_OK && !restore_is_pending(dir)) {
		remove_tree(aside);
		(void)rmdir(out->keep);
	}
	if (rc != RC_OK)
		return cx_fail(cx, rc, _("The database could not be put back in %s: %s."), dir,
			       words_errno(cx->lang, errno));
	log_event(LOG_WARN, "app", "rollback.done", "from=%d to=%d", out->from, out->to);
	return RC_OK;
}
