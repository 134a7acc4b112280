/*
** restore_journal.c -- a new state in place of the old one, whole, whenever the process dies.
**
** What is to come lies in DIR/restore.new; the file DIR/restore.intent says that it is complete and proved,
** and which names change places. The steps, each of which may be the last:
**
**   1  no intent                the old state is in force; restore.new is rubbish and is removed at the next
**   start 2  intent written, synced   from here on the new state is in force, and whoever holds the lock
**   finishes: 3  each dropped name        DIR/NAME goes to DIR/keep/NAME
**   4  each taken name          DIR/NAME is linked as DIR/keep/NAME, then restore.new/NAME takes its name
**   5  last_seen is raised      so that the channels start stopped
**   6  intent removed           restore.new is removed
**
** Owns:   restore.new, restore.intent, and the right to rename the names of the list below.
** Needs:  the folder's lock.
** Holds:  (1) before step 2 nothing of the old state was touched; (2) steps 3 to 6 may be done twice: a name
**         whose new file is no longer in restore.new was taken, one that lies in keep was dropped; (3) the
**         settings file is there at every moment; (4) no database is opened while the intent is there
**         (house.c asks restore_is_pending), so that no log of the old one comes beside the new one.
*/
#include "ops/backup.h"
#include "outbox/last_seen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_ROOM  4200
#define FIRST_LINE "recado-restore 1"

/* In the order in which they change places: first what belongs to the old database only. */
static const char *const names[] = { DB_FILE "-wal",        DB_FILE "-shm",
				     DB_FILE "-journal",    MEMBER_REPORTS "-wal",
				     MEMBER_REPORTS "-shm", MEMBER_REPORTS "-journal",
				     MEMBER_REPORTS,        MEMBER_KEY,
				     CONFIG_FILE,           DB_FILE };
#define NAMES (sizeof(names) / sizeof(names[0]))

/* The text */

void journal_text(char out[JOURNAL_TEXT_MAX], const struct journal *j)
{
	size_t at = (size_t)snprintf(out, JOURNAL_TEXT_MAX, FIRST_LINE "\nkeep %s\nat %lld\n", j->keep,
				     (long long)j->at);

	for (size_t i = 0; i < NAMES; i++)
		if (((j->takes | j->drops) >> i & 1) != 0 && at < JOURNAL_TEXT_MAX)
			at += (size_t)snprintf(out + at, JOURNAL_TEXT_MAX - at, "%s %s\n",
					       (j->takes >> i & 1) != 0 ? "take" : "drop", names[i]);
	if (at < JOURNAL_TEXT_MAX) snprintf(out + at, JOURNAL_TEXT_MAX - at, "end\n");
}

/* A folder of DIR, as we name them: before-restore-1763800000. */
static bool is_keep_name(const char *name)
{
	const char *digits = strrchr(name, '-');

	return (strncmp(name, "before-restore-", 15) == 0 || strncmp(name, "before-rollback-", 16) == 0) &&
	       digits[1] != '\0' && strspn(digits + 1, "0123456789") == strlen(digits + 1);
}

instant restore_keep_instant(const char *name)
{
	return is_keep_name(name) && strlen(name) < 40 ? strtoll(strrchr(name, '-') + 1, NULL, 10) : 0;
}

static bool take_line(struct journal *j, const char *line)
{
	unsigned *bits = strncmp(line, "take ", 5) == 0   ? &j->takes
			 : strncmp(line, "drop ", 5) == 0 ? &j->drops
							  : NULL;

	for (size_t i = 0; bits != NULL && i < NAMES; i++)
		if (strcmp(line + 5, names[i]) == 0 && ((j->takes | j->drops) >> i & 1) == 0) {
			*bits |= 1u << i;
			return true;
		}
	return false;
}

bool journal_parse(struct journal *out, const char *text, size_t len)
{
	struct journal j = { .keep = "" };
	char line[128];
	int number = 0;

	while (len > 0) {
		const char *feed = memchr(text, '\n', len);
		size_t n = feed != NULL ? (size_t)(feed - text) : len;
		char *end = NULL;

		if (feed == NULL || n >= sizeof(line) || memchr(text, '\0', n) != NULL) return false;
		memcpy(line, text, n);
		line[n] = '\0';
		text += n + 1;
		len -= n + 1;
		number++;
		if (number == 1) {
			if (strcmp(line, FIRST_LINE) != 0) return false;
		} else if (number == 2) {
			if (strncmp(line, "keep ", 5) != 0 || n - 5 >= sizeof(j.keep) ||
			    !is_keep_name(line + 5))
				return false;
			memcpy(j.keep, line + 5, n - 4);
		} else if (number == 3) {
			if (strncmp(line, "at ", 3) != 0 || line[3] < '0' || line[3] > '9') return false;
			errno = 0;
			j.at = strtoll(line + 3, &end, 10);
			if (errno != 0 || *end != '\0') return false;
		} else if (strcmp(line, "end") == 0) {
			if (len > 0) return false;
			*out = j;
			return true;
		} else if (!take_line(&j, line))
			return false;
	}
	return false;
}

/* Files */

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static enum rc sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum rc rc = fd >= 0 && fsync(fd) == 0 ? RC_OK : RC_IO;

	if (fd >= 0) close(fd);
	return rc;
}

static enum rc write_intent(const char *dir, const struct journal *j)
{
	char path[PATH_ROOM], aside[PATH_ROOM + 8], text[JOURNAL_TEXT_MAX];
	bool is_fine;
	int fd;

	journal_text(text, j);
	snprintf(path, sizeof(path), "%s/" RESTORE_INTENT, dir);
	snprintf(aside, sizeof(aside), "%s.new", path);
	fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) return RC_IO;
	is_fine = write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fsync(fd) == 0;
	if (close(fd) != 0) is_fine = false;
	if (!is_fine || rename(aside, path) != 0) {
		(void)unlink(aside);
		return RC_IO;
	}
	return sync_dir(dir);
}

static enum rc read_intent(const char *dir, struct journal *j)
{
	char path[PATH_ROOM], text[JOURNAL_TEXT_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/" RESTORE_INTENT, dir);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) return errno == ENOENT ? RC_NOT_FOUND : RC_IO;
	n = read(fd, text, sizeof(text));
	close(fd);
	return n > 0 && journal_parse(j, text, (size_t)n) ? RC_OK : RC_BAD_INPUT;
}

/* Steps 3 and 4 for one name. */
static enum rc change_place(const char *dir, const struct journal *j, size_t i)
{
	char here[PATH_ROOM], kept[PATH_ROOM], fresh[PATH_ROOM];
	bool is_kept;

	snprintf(here, sizeof(here), "%s/%s", dir, names[i]);
	snprintf(kept, sizeof(kept), "%s/%s/%s", dir, j->keep, names[i]);
	snprintf(fresh, sizeof(fresh), "%s/" RESTORE_ASIDE "/%s", dir, names[i]);
	is_kept = is_there(kept);
	if ((j->drops >> i & 1) != 0)
		return !is_kept && is_there(here) && rename(here, kept) != 0 ? RC_IO : RC_OK;
	if (!is_there(fresh)) return RC_OK;
	/* A link, so that the name is there at every moment; where there are no links, a moment without. */
	if (!is_kept && is_there(here) && link(here, kept) != 0 && rename(here, kept) != 0) return RC_IO;
	return rename(fresh, here) == 0 ? RC_OK : RC_IO;
}

static enum rc raise_note(const char *dir, instant at)
{
	struct last_seen note;

	last_seen_read(&note, dir);
	if (!note.is_there) note.at = at;
	note.message_id = INT64_MAX;
	return last_seen_write(dir, &note);
}

static enum rc finish(const char *dir, const struct journal *j)
{
	char path[PATH_ROOM];
	enum rc rc = RC_OK;

	for (size_t i = 0; i < NAMES && rc == RC_OK; i++)
		if (((j->takes | j->drops) >> i & 1) != 0) rc = change_place(dir, j, i);
	snprintf(path, sizeof(path), "%s/%s", dir, j->keep);
	if (rc == RC_OK) rc = sync_dir(path);
	if (rc == RC_OK) rc = sync_dir(dir);
	if (rc == RC_OK) rc = raise_note(dir, j->at);
	snprintf(path, sizeof(path), "%s/" RESTORE_INTENT, dir);
	if (rc == RC_OK && unlink(path) != 0) rc = RC_IO;
	if (rc == RC_OK) rc = sync_dir(dir);
	snprintf(path, sizeof(path), "%s/" RESTORE_ASIDE, dir);
	if (rc == RC_OK) remove_tree(path);
	return rc;
}

enum rc journal_run(const char *dir, const char *keep, instant now, bool drop_reports)
{
	struct journal j = { .at = now };
	char path[PATH_ROOM];
	enum rc rc;

	snprintf(j.keep, sizeof(j.keep), "%s", keep);
	for (size_t i = 0; i < NAMES; i++) {
		bool is_log = strchr(names[i], '-') != NULL,
		     is_reports = strcmp(names[i], MEMBER_REPORTS) == 0;

		snprintf(path, sizeof(path), "%s/" RESTORE_ASIDE "/%s", dir, names[i]);
		if (is_there(path))
			j.takes |= 1u << i;
		else if (is_reports ? drop_reports
				    : is_log && (drop_reports ||
						 strncmp(names[i], DB_FILE, strlen(DB_FILE)) == 0))
			j.drops |= 1u << i;
	}
	snprintf(path, sizeof(path), "%s/" RESTORE_ASIDE, dir);
	rc = sync_dir(path);
	if (rc == RC_OK) rc = write_intent(dir, &j);
	if (rc == RC_OK) rc = finish(dir, &j);
	return rc;
}

/* At a start */

bool restore_is_pending(const char *dir)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/" RESTORE_INTENT, dir);
	return is_there(path);
}

enum rc restore_settle(const char *dir)
{
	struct journal j;
	char path[PATH_ROOM];
	int lock = -1;
	enum rc rc;

	snprintf(path, sizeof(path), "%s/" RESTORE_ASIDE, dir);
	if (!restore_is_pending(dir) && !is_there(path)) return RC_OK;
	rc = state_lock(&lock, dir);
	if (rc != RC_OK) return RC_OK; /* somebody restores right now, or it is not our folder */
	rc = read_intent(dir, &j);
	if (rc == RC_NOT_FOUND) {
		remove_tree(path);
		snprintf(path, sizeof(path), "%s/" RESTORE_INTENT ".new", dir);
		(void)unlink(path);
		rc = RC_OK;
	} else if (rc == RC_OK) {
		rc = finish(dir, &j);
		log_event(rc == RC_OK ? LOG_WARN : LOG_ERROR, "app", "restore.finished", "rc=%s",
			  rc_row(rc)->name);
	}
	close(lock);
	return rc;
}
