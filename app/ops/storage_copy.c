/*
** storage_copy.c -- a second copy of every proved backup, on somebody else's disk.
**
** Owns:   the columns remote, remote_at, remote_error of table backup; the key storage.upload of meta: the
**         upload in parts that is under way, as three lines: endpoint and bucket, key, id. One at a time: the
**         job is its slot's only one.
** Needs:  the table's rows as backup.c writes them: state, name.
** Never:  copies what was not proved, or what a person wrote to another place (`recado backup --to`); removes
**         a copy because its file here is gone: a disk that died or was not mounted tonight would take the
**         last copies with it; touches a folder of the storage that is another machine's (storage_owner.c).
** Holds:  (1) the row says remote only after the storage took the last byte and tells the same size; (2) of
**         the copies elsewhere stays what the keep rule, asked about them alone, keeps, and never less than
**         its defaults; (3) a file that cannot be read keeps no other one from being copied; (4) an upload
**         that a kill cut short is aborted by the next run, before anything else is sent.
*/
#include "ops/backup.h"
#include "ops/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UPLOAD_KEY "storage.upload"
#define BATCH      100  /* rows of one run; the next run takes the rest */
#define COPIES_MAX 2000 /* copies that the keep rule looks at           */
/* The keep rule's defaults (backup_tables.c): who keeps fewer here, for want of room, keeps these there. */
#define LEAST_DAILY   7
#define LEAST_WEEKLY  4
#define LEAST_MONTHLY 12

struct copy {
	int64_t id;
	const char *name, *remote;
	instant at;
	const char *folder;
	bool is_gone; /* here */
};

struct watched {
	struct cx *cx;
	struct job *job;
	const struct s3_target *target;
};

static bool go_on(void *arg, int64_t done, int64_t total)
{
	struct watched *w = arg;

	if (w->job == NULL) return true;
	(void)!job_progress(w->cx, w->job, done, total);
	return !job_should_stop(w->job);
}

/* An upload that a kill cut short */

static const char *place_of(struct cx *cx, const struct s3_target *t)
{
	return arena_printf(cx->arena, "%s %s", t->endpoint, t->bucket);
}

/* What is ours there begins so, whatever else lies in a bucket without a prefix. */
static const char *our_copies(struct cx *cx)
{
	return storage_key(cx, "backups/");
}

static enum rc remember_upload(struct cx *cx, const char *text)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = meta_set(cx, UPLOAD_KEY, text);
	return tx_end(cx, rc);
}

/* Of s3.h: upload_id "" = it is over. */
static enum rc remember(void *arg, const char *key, const char *upload_id)
{
	struct watched *w = arg;

	return remember_upload(w->cx, upload_id[0] == '\0'
					      ? ""
					      : arena_printf(w->cx->arena, "%s\n%s\n%s",
							     place_of(w->cx, w->target), key, upload_id));
}

static enum rc abort_left(struct cx *cx, const struct s3_target *t)
{
	const char *kept = "", *ours = our_copies(cx);
	char *place, *key, *id;
	enum rc rc = meta_get(cx, &kept, UPLOAD_KEY);

	if (rc != RC_OK || kept[0] == '\0') return rc;
	place = arena_text(cx->arena, kept);
	key = strchr(place, '\n');
	id = key != NULL ? strchr(key + 1, '\n') : NULL;
	if (id != NULL) {
		*key++ = *id++ = '\0';
		/* Where the settings do not lead any more nobody can clean up: storages do it after a
		** month. */
		if (strcmp(place, place_of(cx, t)) == 0 && strncmp(key, ours, strlen(ours)) == 0)
			rc = s3_abort(cx, t, key, id);
		log_event(LOG_WARN, "app", "storage.upload_cut", "rc=%s", rc_row(rc)->name);
	}
	if (rc == RC_DENIED) { /* it may not abort: asked again next time, and no reason to copy nothing */
		cx->message = "";
		return RC_OK;
	}
	return rc == RC_OK ? remember_upload(cx, "") : rc;
}

/* Rows */

static enum rc read_rows(struct cx *cx, struct copy rows[BATCH], size_t *count, const char *sql)
{
	struct query *q = NULL;
	size_t n = 0;
	enum rc rc =
		db_query(cx, &q, sql, PARAMS(P_INT(":max", BATCH), P_TEXT(":folder", backup_folder(cx))));

	while (rc == RC_OK && n < BATCH && query_next(q))
		rows[n++] = (struct copy){ query_int(q, 0), query_copy(cx, q, 1), query_copy(cx, q, 2),
					   query_int(q, 3), query_copy(cx, q, 4), false };
	*count = n;
	return query_end(q, rc);
}

static enum rc note(struct cx *cx, int64_t id, const char *remote, const char *error)
{
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_run(cx,
		    "UPDATE backup SET remote = CASE WHEN :error = '' THEN :remote ELSE remote END,"
		    " remote_at = CASE WHEN :error = '' AND :remote <> '' THEN :now ELSE remote_at END,"
		    " remote_error = :error WHERE id = :id",
		    PARAMS(P_TEXT(":remote", remote), P_TEXT(":error", error), P_INT(":now", cx_now(cx)),
			   P_INT(":id", id)));
	return tx_end(cx, rc);
}

/* RC_NOT_FOUND: the file cannot be read. */
static enum rc put(struct cx *cx, struct job *job, const struct s3_target *t, const struct copy *c,
		   const char *key)
{
	const char *path = arena_printf(cx->arena, "%s/%s", c->folder, c->name);
	struct watched watched = { cx, job, t };
	int64_t there = -1;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	enum rc rc = RC_OK;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)cx_fail(cx, RC_NOT_FOUND, _("The file %s cannot be read: %s."), path,
			      words_errno(cx->lang, errno));
		if (fd >= 0) close(fd);
		return RC_NOT_FOUND;
	}
	rc = s3_put(cx, t, key, fd, st.st_size, &(struct s3_watcher){ go_on, remember, &watched });
	if (rc == RC_OK) rc = s3_size(cx, t, key, &there);
	if (rc == RC_OK && there != st.st_size)
		rc = cx_fail(cx, RC_IO, _("The storage says that %s has another size than here."), c->name);
	close(fd);
	return rc == RC_NOT_FOUND ? RC_IO : rc; /* the storage's, not the file's */
}

static enum rc copy_one(struct cx *cx, struct job *job, const struct s3_target *t, const struct copy *c)
{
	const char *key = storage_backup_key(cx, c->name, c->at), *said;
	enum rc rc = put(cx, job, t, c, key), noted;

	said = cx->message;
	noted = note(cx, c->id, key, rc == RC_OK ? "" : cx_sentence(cx, rc));
	cx->message = said;
	if (rc == RC_OK) log_event(LOG_INFO, "app", "backup.copied", "backup=%lld", (long long)c->id);
	return rc == RC_OK ? noted : rc;
}

/* Copies whose backup is gone here, and which the keep rule would not keep there either. Only those in the
** folder of now: a database that came from another machine knows of copies that are that one's. */
static enum rc read_old_copies(struct cx *cx, struct copy rows[BATCH], size_t *count)
{
	const struct settings *s = cx->env->settings;
	struct keep_rule rule = { .daily = (int)setting_int(s, "backup.daily"),
				  .weekly = (int)setting_int(s, "backup.weekly"),
				  .monthly = (int)setting_int(s, "backup.monthly"),
				  .days = (int)setting_int(s, "backup.keep_days") };
	struct copy *list = arena_array(cx->arena, COPIES_MAX, sizeof(*list));
	struct keep_item *items = arena_array(cx->arena, COPIES_MAX, sizeof(*items));
	struct query *q = NULL;
	size_t n = 0;
	enum rc rc = list != NULL && items != NULL ? RC_OK : RC_NO_MEMORY;

	if (rule.daily < LEAST_DAILY) rule.daily = LEAST_DAILY;
	if (rule.weekly < LEAST_WEEKLY) rule.weekly = LEAST_WEEKLY;
	if (rule.monthly < LEAST_MONTHLY) rule.monthly = LEAST_MONTHLY;
	if (rc == RC_OK)
		rc = db_query(cx, &q,
			      "SELECT id, remote, started_at, state FROM backup INDEXED BY backup_started"
			      " WHERE remote <> '' AND substr(remote, 1, length(:ours)) = :ours"
			      " ORDER BY started_at DESC, id DESC LIMIT :max",
			      PARAMS(P_TEXT(":ours", our_copies(cx)), P_INT(":max", COPIES_MAX)));
	while (rc == RC_OK && query_next(q)) {
		list[n] = (struct copy){ .id = query_int(q, 0),
					 .remote = query_copy(cx, q, 1),
					 .at = query_int(q, 2),
					 .is_gone = strcmp(query_text(q, 3), "removed") == 0 };
		items[n] = (struct keep_item){ .at = list[n].at, .is_proved = true };
		n++;
	}
	rc = query_end(q, rc);
	*count = 0;
	if (rc != RC_OK) return rc;
	backup_choose(items, n, &rule, cx->env->zone, cx_now(cx));
	while (n-- > 0 && *count < BATCH) /* oldest first */
		if (list[n].is_gone && !items[n].is_kept) rows[(*count)++] = list[n];
	return RC_OK;
}

/* The newest copy that is missing says why: the alert looks there. */
static enum rc may_touch(struct cx *cx, const struct s3_target *t, const struct copy *newest)
{
	enum rc rc = storage_owner_claim(cx, t);
	const char *said = cx->message;

	if (rc != RC_CONFLICT || newest == NULL) return rc;
	(void)!note(cx, newest->id, "", cx_sentence(cx, rc));
	cx->message = said;
	return rc;
}

enum rc storage_copy_run(struct cx *cx, struct job *job)
{
	struct copy fresh[BATCH], old[BATCH];
	struct s3_target t;
	const char *cut = "";
	size_t fresh_count = 0, old_count = 0, copied = 0;
	enum rc rc;

	if (!storage_is_set(cx->env)) return RC_OK;
	rc = storage_target(cx, &t);
	if (rc == RC_OK) rc = meta_get(cx, &cut, UPLOAD_KEY);
	if (rc == RC_OK)
		rc = read_rows(
			cx, fresh, &fresh_count,
			"SELECT id, name, remote, started_at, folder FROM backup WHERE state = 'proved' AND remote = ''"
			" AND folder = :folder ORDER BY id DESC LIMIT :max");
	if (rc == RC_OK) rc = read_old_copies(cx, old, &old_count);
	if (rc != RC_OK || (cut[0] == '\0' && fresh_count + old_count == 0)) return rc;
	rc = may_touch(cx, &t, fresh_count > 0 ? &fresh[0] : NULL);
	if (rc == RC_OK) rc = abort_left(cx, &t);
	for (size_t i = 0; i < fresh_count && rc == RC_OK; i++) {
		rc = copy_one(cx, job, &t, &fresh[i]);
		if (rc == RC_OK) copied++;
		if (rc == RC_NOT_FOUND) rc = RC_OK; /* its row says so; the others have theirs still */
	}
	for (size_t i = 0; i < old_count && rc == RC_OK; i++) {
		rc = s3_delete(cx, &t, old[i].remote);
		if (rc == RC_OK) rc = note(cx, old[i].id, "", "");
	}
	if (rc == RC_OK && job != NULL && copied > 0) job_note(cx, job, _("Copied: %zu."), copied);
	return rc;
}
