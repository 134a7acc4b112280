/*
** backup_rows.c -- the folder of backups and the rows that tell of it.
**
** Owns:   the table backup (backup.c adds the row of what it makes); names of our form in the folder.
** Never:  removes a file whose name has not exactly our form: in a folder of the owner's there may be other
**         things whose names begin with recado-.
** Holds:  a file goes before its row says removed: a crash between the two leaves a row that backup_tidy()
**         mends.
*/
#include "ops/backup.h"
#include "files/files.h"
#include "ops/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LISTED_MAX 2000  /* more archives than this in the folder were put there by hand */
#define LEFTOVER_S 86400 /* no archive takes a day to write or to prove                 */
#define DAMAGED    ".damaged"

const char *backup_folder(struct cx *cx)
{
	const char *set = setting_text(cx->env->settings, "backup.folder");

	return set[0] != '\0' ? set : arena_printf(cx->arena, "%s/backups", cx->env->dir);
}

/* Names */

static const char shape[] = "recado-dddd-dd-ddTdd-dd-dd-dddZ";

bool backup_name_is_ours(const char *name)
{
	static const char *const ends[] = { ".tar.gz", ".tar.gz.sealed", ".tar" };
	size_t i;

	for (i = 0; shape[i] != '\0'; i++)
		if (i > 6 && shape[i] == 'd' ? name[i] < '0' || name[i] > '9' : name[i] != shape[i])
			return false;
	for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++)
		if (strcmp(name + i, ends[k]) == 0) return true;
	return false;
}

const char *backup_name_new(struct cx *cx, bool is_sealed)
{
	char stamp[RFC3339_SIZE];

	instant_text(stamp, cx_now(cx));
	for (char *c = stamp; *c != '\0'; c++)
		if (*c == ':' || *c == '.') *c = '-';
	return arena_printf(cx->arena, "recado-%s.tar.gz%s", stamp, is_sealed ? ".sealed" : "");
}

instant backup_name_instant(const char *name)
{
	char stamp[RFC3339_SIZE];
	instant at = 0;

	if (!backup_name_is_ours(name)) return 0;
	snprintf(stamp, sizeof(stamp), "%.24s", name + strlen("recado-"));
	stamp[13] = stamp[16] = ':';
	stamp[19] = '.';
	return instant_parse(&at, stamp) == RC_OK ? at : 0;
}

/* Names of our archives in a folder, newest first (the names sort by time). */
static int newest_first(const void *a, const void *b)
{
	return strcmp(*(const char *const *)b, *(const char *const *)a);
}

static size_t list_folder(struct arena *a, const char *path, const char **names)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	size_t n = 0;

	while (folder != NULL && n < LISTED_MAX && (entry = readdir(folder)) != NULL)
		if (backup_name_is_ours(entry->d_name)) names[n++] = arena_text(a, entry->d_name);
	if (folder != NULL) closedir(folder);
	qsort((void *)names, n, sizeof(names[0]), newest_first);
	return n;
}

instant backup_newest(const char *folder)
{
	struct arena *a = arena_new(1024 * 1024);
	const char **names = a != NULL ? arena_array(a, LISTED_MAX, sizeof(*names)) : NULL;
	instant at = 0;

	if (names != NULL && list_folder(a, folder, names) > 0) at = backup_name_instant(names[0]);
	arena_free(a);
	return at;
}

/* Rows */

enum rc backup_last(struct cx *cx, struct backup_last *out)
{
	struct value *row = NULL;
	enum rc rc = db_row(cx, &row,
			    "SELECT state, error, started_at FROM backup WHERE state <> 'removed'"
			    " ORDER BY started_at DESC, id DESC LIMIT 1",
			    NO_PARAMS);

	*out = (struct backup_last){ .error = "" };
	if (rc == RC_OK) {
		out->is_there = true;
		out->is_failed = strcmp(value_text_of(value_get(row, "state"), ""), "failed") == 0;
		out->at = value_int_of(value_get(row, "started_at"), 0);
		out->error = value_text_of(value_get(row, "error"), "");
	}
	if (rc != RC_OK && rc != RC_NOT_FOUND) return rc;
	return db_get_int(cx, &out->proved_at, "SELECT max(proved_at) FROM backup WHERE state = 'proved'",
			  NO_PARAMS);
}

static enum rc has_row(struct cx *cx, bool *out, const char *folder, const char *name)
{
	int64_t one = 0;
	enum rc rc = db_get_int(
		cx, &one,
		"SELECT 1 FROM backup WHERE name = :name AND folder = :folder AND state <> 'removed' LIMIT 1",
		PARAMS(P_TEXT(":name", name), P_TEXT(":folder", folder)));

	*out = rc == RC_OK;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc add_found(struct cx *cx, const char *folder, const char *name)
{
	char public_id[PUBLIC_ID_SIZE];
	struct stat st;
	int fd = open(arena_printf(cx->arena, "%s/%s", folder, name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool is_sealed = fd >= 0 && archive_is_sealed(fd);
	instant at = backup_name_instant(name);
	bool is_file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	enum rc rc;

	if (fd >= 0) close(fd);
	if (!is_file) return RC_OK;
	public_id_new(public_id);
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT INTO backup (public_id, name, folder, origin, state, size, is_sealed, started_at,"
			" finished_at, search) VALUES (:public_id, :name, :folder, 'found', 'made', :size, :sealed,"
			" :at, :at, :name)",
			PARAMS(P_TEXT(":public_id", public_id), P_TEXT(":name", name),
			       P_TEXT(":folder", folder), P_INT(":size", (int64_t)st.st_size),
			       P_INT(":sealed", is_sealed), P_INT(":at", at)));
	return tx_end(cx, rc);
}

enum rc backup_adopt(struct cx *cx)
{
	const char **names = arena_array(cx->arena, LISTED_MAX, sizeof(*names));
	const char *folder = backup_folder(cx);
	size_t count = names != NULL ? list_folder(cx->arena, folder, names) : 0;
	enum rc rc = names != NULL ? RC_OK : RC_NO_MEMORY;

	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		bool is_known = false;

		rc = has_row(cx, &is_known, folder, names[i]);
		if (rc == RC_OK && !is_known) rc = add_found(cx, folder, names[i]);
	}
	return rc;
}

enum rc backup_note_proof(struct cx *cx, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	const char *folder = slash != NULL ? arena_printf(cx->arena, "%.*s", (int)(slash - path), path) : ".";
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE backup SET state = 'proved', proved_at = :now, error = ''"
			" WHERE name = :name AND folder = :folder AND state IN ('made', 'proved')",
			PARAMS(P_INT(":now", cx_now(cx)), P_TEXT(":name", name), P_TEXT(":folder", folder)));
	return tx_end(cx, rc);
}

const char *backup_state_word(struct cx *cx, const char *state)
{
	static const struct {
		const char *state, *word;
	} words[] = { { "made", N_("not proved") },
		      { "proved", N_("proved") },
		      { "failed", N_("failed") },
		      { "removed", N_("removed") } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].state, state) == 0) return words_get(cx->lang, words[i].word);
	return state;
}

/* Tidying */

static enum rc set_removed(struct cx *cx, int64_t id)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE backup SET state = 'removed' WHERE id = :id",
			    PARAMS(P_INT(":id", id)));
	return tx_end(cx, rc);
}

struct candidate {
	int64_t id;
	const char *name;
	bool is_gone;
};

/* What the keep rule decides on: rows of archives in the folder of now, newest first. */
static enum rc read_candidates(struct cx *cx, struct candidate *list, struct keep_item *items, size_t *count)
{
	const char *folder = backup_folder(cx);
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q,
			      "SELECT id, name, state, started_at FROM backup INDEXED BY backup_started"
			      " WHERE state IN ('made', 'proved') AND folder = :folder"
			      " ORDER BY started_at DESC, id DESC LIMIT :max",
			      PARAMS(P_TEXT(":folder", folder), P_INT(":max", LISTED_MAX)));

	*count = 0;
	while (rc == RC_OK && query_next(q)) {
		const char *name = query_text(q, 1);
		struct stat st;

		if (!backup_name_is_ours(name)) continue;
		list[*count] = (struct candidate){ .id = query_int(q, 0), .name = query_copy(cx, q, 1) };
		items[*count] = (struct keep_item){ .at = query_int(q, 3),
						    .is_proved = strcmp(query_text(q, 2), "proved") == 0 };
		/* A folder that is not there tonight (a disk not mounted) is not one whose files are gone. */
		list[*count].is_gone = stat(folder, &st) == 0 &&
				       lstat(arena_printf(cx->arena, "%s/%s", folder, name), &st) != 0 &&
				       errno == ENOENT;
		if (list[*count].is_gone) items[*count].is_proved = false;
		(*count)++;
	}
	return query_end(q, rc);
}

static bool is_old(const char *path)
{
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now); /* as the host stamps files, which a frozen clock does not */
	return lstat(path, &st) == 0 && now.tv_sec - st.st_mtim.tv_sec > LEFTOVER_S;
}

/* A process that is no more, or one that had our number before us: in a container each one has the first. */
static bool is_over(const char *path, long pid)
{
	return pid == (long)getpid() ? is_old(path) : kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* tmp/backup-PID…, tmp/prove-PID-… of processes that are no more. */
static void remove_copies(struct cx *cx)
{
	const char *tmp = arena_printf(cx->arena, "%s/tmp", cx->env->dir);
	DIR *dir = opendir(tmp);
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		bool is_copy = strncmp(e->d_name, "backup-", 7) == 0,
		     is_proof = strncmp(e->d_name, "prove-", 6) == 0;
		long pid = is_copy || is_proof ? strtol(strchr(e->d_name, '-') + 1, NULL, 10) : 0;
		const char *path = arena_printf(cx->arena, "%s/%s", tmp, e->d_name);

		if (pid <= 0 || !is_over(path, pid)) continue;
		if (is_copy)
			(void)unlinkat(dirfd(dir), e->d_name, 0);
		else
			remove_tree(path);
	}
	if (dir != NULL) closedir(dir);
}

/* "….damaged": of our form but for that end. */
static bool is_damaged_name(const char *name)
{
	char whole[sizeof(shape) + 32];
	size_t len = strlen(name), end = strlen(DAMAGED);

	if (len <= end || len - end >= sizeof(whole) || strcmp(name + len - end, DAMAGED) != 0) return false;
	snprintf(whole, sizeof(whole), "%.*s", (int)(len - end), name);
	return backup_name_is_ours(whole);
}

/* In the folder of the archives: what was never whole, once it is a day old; of those that did not prove all
** but the newest, which is enough to look into: a bad disk would fill itself with one a night. */
static void remove_unfit(struct cx *cx)
{
	const char *folder = backup_folder(cx), *newest = "";
	DIR *dir = opendir(folder);
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		if (strncmp(e->d_name, TMPFILE_PREFIX, strlen(TMPFILE_PREFIX)) == 0 &&
		    is_old(arena_printf(cx->arena, "%s/%s", folder, e->d_name)))
			(void)unlinkat(dirfd(dir), e->d_name, 0);
		if (!is_damaged_name(e->d_name)) continue;
		if (newest[0] == '\0' || strcmp(e->d_name, newest) > 0) {
			if (newest[0] != '\0') (void)unlinkat(dirfd(dir), newest, 0);
			newest = arena_text(cx->arena, e->d_name);
		} else
			(void)unlinkat(dirfd(dir), e->d_name, 0);
	}
	if (dir != NULL) closedir(dir);
}

enum rc backup_tidy(struct cx *cx)
{
	const struct settings *s = cx->env->settings;
	struct keep_rule rule = { .daily = (int)setting_int(s, "backup.daily"),
				  .weekly = (int)setting_int(s, "backup.weekly"),
				  .monthly = (int)setting_int(s, "backup.monthly"),
				  .days = (int)setting_int(s, "backup.keep_days") };
	struct candidate *list = arena_array(cx->arena, LISTED_MAX, sizeof(*list));
	struct keep_item *items = arena_array(cx->arena, LISTED_MAX, sizeof(*items));
	const char *folder = backup_folder(cx);
	size_t count = 0, kept = 0, removed = 0;
	enum rc rc = list != NULL && items != NULL ? backup_adopt(cx) : RC_NO_MEMORY;

	remove_copies(cx);
	remove_unfit(cx);
	if (rc == RC_OK) rc = read_candidates(cx, list, items, &count);
	/* What is gone takes no place. */
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		if (list[i].is_gone)
			rc = set_removed(cx, list[i].id);
		else {
			list[kept] = list[i];
			items[kept++] = items[i];
		}
	}
	if (rc != RC_OK) return rc;
	backup_choose(items, kept, &rule, cx->env->zone, cx_now(cx));
	for (size_t i = 0; i < kept && rc == RC_OK; i++) {
		const char *path = arena_printf(cx->arena, "%s/%s", folder, list[i].name);

		if (items[i].is_kept || (unlink(path) != 0 && errno != ENOENT)) continue;
		rc = set_removed(cx, list[i].id);
		removed++;
	}
	if (removed > 0)
		log_event(LOG_INFO, "app", "backup.tidied", "removed=%zu kept=%zu", removed, kept - removed);
	return rc == RC_OK ? kept_aside_tidy(cx) : rc;
}
