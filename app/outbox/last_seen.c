/*
** last_seen.c -- tells a restored database from one that went on.
**
** A copy from last night knows nothing of what was sent since: as it stands it would send it again. The
** highest ids of message and attempt only grow while the program runs (every try adds an attempt row), so a
** database whose ids are lower than the note's has been put back.
**
** Owns:   the file last_seen of the state folder.
** Never:  stops a channel (engine.c does); is part of a backup.
** Holds:  the note never runs ahead of what is committed.
*/
#include "outbox/last_seen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_ROOM 4200 /* PATH_MAX and the file's name */

static bool read_number(int64_t *out, const char **p)
{
	char *end = NULL;

	while (**p == ' ')
		(*p)++;
	if (**p < '0' || **p > '9') return false;
	errno = 0;
	*out = strtoll(*p, &end, 10);
	*p = end;
	return errno == 0;
}

void last_seen_parse(struct last_seen *out, const char *text)
{
	struct last_seen s = { .is_there = true };

	memset(out, 0, sizeof(*out));
	if (!read_number(&s.message_id, &text) || !read_number(&s.attempt_id, &text) ||
	    !read_number(&s.at, &text))
		return;
	if (*text != '\n' && *text != '\0') return;
	*out = s;
}

void last_seen_text(char out[LAST_SEEN_TEXT_MAX], const struct last_seen *s)
{
	snprintf(out, LAST_SEEN_TEXT_MAX, "%lld %lld %lld\n", (long long)s->message_id,
		 (long long)s->attempt_id, (long long)s->at);
}

void last_seen_read(struct last_seen *out, const char *dir)
{
	char path[PATH_ROOM], text[LAST_SEEN_TEXT_MAX];
	ssize_t n;
	int fd;

	memset(out, 0, sizeof(*out));
	snprintf(path, sizeof(path), "%s/%s", dir, LAST_SEEN_FILE);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0) return;
	text[n] = '\0';
	last_seen_parse(out, text);
}

enum rc last_seen_write(const char *dir, const struct last_seen *s)
{
	char path[PATH_ROOM], aside[PATH_ROOM + 8], text[LAST_SEEN_TEXT_MAX];
	size_t len;
	bool is_fine;
	int fd;

	last_seen_text(text, s);
	len = strlen(text);
	snprintf(path, sizeof(path), "%s/%s", dir, LAST_SEEN_FILE);
	snprintf(aside, sizeof(aside), "%s.new", path);
	fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) return RC_IO;
	is_fine = write(fd, text, len) == (ssize_t)len;
	if (close(fd) != 0) is_fine = false;
	if (!is_fine || rename(aside, path) != 0) {
		(void)unlink(aside);
		return RC_IO;
	}
	return RC_OK;
}

enum rc last_seen_now(struct cx *cx, struct last_seen *out)
{
	struct last_seen s = { .is_there = true, .at = cx_now(cx) };
	enum rc rc = db_get_int(cx, &s.message_id, "SELECT max(id) FROM message", NO_PARAMS);

	if (rc == RC_OK) rc = db_get_int(cx, &s.attempt_id, "SELECT max(id) FROM attempt", NO_PARAMS);
	if (rc == RC_OK) *out = s;
	return rc;
}

bool last_seen_is_restored(const struct last_seen *note, const struct last_seen *database)
{
	if (!note->is_there) return database->message_id > 0;
	return database->message_id < note->message_id || database->attempt_id < note->attempt_id;
}
