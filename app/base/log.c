/*
** log.c -- what happened, one line each, without ever holding up who says it.
**
** Owns:   the queue, the writer thread, the log files.
** Needs:  the real time: lines carry the machine's hour also when a test runs under another clock.
** Never:  blocks on the disk or a slow journal in the caller's thread once started; takes memory.
** Holds:  (1) a line is whole or dropped, and drops are counted in a line of their own; (2) no line leaves
**         before log_mask() saw it; (3) a line has no control, line-breaking or direction-changing character
**         and is valid UTF-8; (4) lines of one thread keep their order; (5) after log_stop() every queued
**         line was handed to the system.
** Lock:   `lock` guards queue and state; it is held for copying only, never while writing.
*/
#include "base/log.h"
#include "base/log_file.h"
#include "base/log_mask.h"
#include "base/text.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024 /* one event, not a document; longer ones end in "…"                         */
#define QUEUE_BYTES    (128 * 1024) /* some 1,000 lines: a second of the busiest send while the disk thinks */
#define PATH_ROOM      4096         /* PATH_MAX of Linux */

static const char *const subjects[] = { "app",      "jobs",     "outbox", "calendars",
					"payments", "security", "access", "errors" };
#define SUBJECTS       (sizeof(subjects) / sizeof(*subjects))
#define SUBJECT_ERRORS (SUBJECTS - 1) /* errors.log also gets every line of level error */
_Static_assert(SUBJECTS == LOG_SUBJECTS, "a bit a subject in struct head");

static const char *const levels[] = { "debug", "info", "warn", "error" };
static _Thread_local char context[LOG_CONTEXT_SIZE];

struct head { /* before each line in the queue */
	uint16_t len;
	uint8_t subjects; /* a bit each: the files it goes to */
};

/* Apart, because what begins as zeros takes no room in the binary. */
static char the_queue[QUEUE_BYTES];
static char the_batch[QUEUE_BYTES]; /* the writer's own copy */

static struct {
	pthread_mutex_t lock; /* of the_queue, too */
	pthread_cond_t filled;
	pthread_t thread;
	bool is_running, is_stopping; /* under lock */
	size_t used;
	unsigned long dropped;
	char dir[PATH_ROOM]; /* "" = no files         */
	struct log_file files[SUBJECTS];
	_Atomic(const struct zone *) zone;
	_Atomic int least[SUBJECTS];
	_Atomic int quiet; /* nothing below this at all */
	_Atomic bool is_json, wants_reopen;
} the_log = { .lock = PTHREAD_MUTEX_INITIALIZER,
	      .filled = PTHREAD_COND_INITIALIZER,
	      .least = { LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO } };

/* One line */

/* The bytes of the character at p that may go into a line; 0: replace one byte. */
static size_t harmless(const unsigned char *p, size_t len)
{
	size_t n;

	if (*p < 0x80) return *p >= 0x20 && *p != 0x7f;
	n = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
	if (n > len || !text_is_utf8((const char *)p, n)) return 0;
	if (p[0] == 0xc2 && p[1] < 0xa0) /* C1 controls */
		return 0;
	/* U+2028…202E and U+2066…2069: line breaks and changes of direction make a line look like another
	** one. */
	if (p[0] == 0xe2 && ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
			     (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
		return 0;
	return n;
}

static void replace_controls(char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t n = harmless((const unsigned char *)text + i, len - i);

		if (n == 0)
			text[i++] = '?';
		else
			i += n;
	}
}

const char *log_quote(char buf[LOG_QUOTE_SIZE], const char *text)
{
	static const char more[] = "\xe2\x80\xa6"; /* … */
	const size_t room = LOG_QUOTE_SIZE - sizeof(more) - 1;
	size_t len = text ? strlen(text) : 0, i = 0, o = 0;

	buf[o++] = '"';
	while (i < len) {
		size_t n = harmless((const unsigned char *)text + i, len - i);
		char two[2] = { '\\', text[i] };
		const char *p = text + i;
		size_t put = n;

		if (*p == '"' || *p == '\\' || *p == '\n' || *p == '\t' || *p == '\r') {
			two[1] = *p == '\n' ? 'n' : *p == '\t' ? 't' : *p == '\r' ? 'r' : *p;
			p = two;
			put = 2;
		} else if (n == 0) {
			p = "?";
			put = 1;
		}
		if (o + put > room) {
			memcpy(buf + o, more, sizeof(more) - 1);
			o += sizeof(more) - 1;
			break;
		}
		memcpy(buf + o, p, put);
		o += put;
		i += n == 0 ? 1 : n;
	}
	buf[o++] = '"';
	buf[o] = '\0';
	return buf;
}

static size_t append(char *line, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);
static size_t vappend(char *line, size_t at, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

/* Both return the new length; a full line keeps its last bytes for the mark and the line feed. */
static size_t vappend(char *line, size_t at, const char *fmt, va_list ap)
{
	const size_t room = LINE_MAX_BYTES - 4;
	int n = vsnprintf(line + at, room - at, fmt, ap);

	if (n < 0) return at;
	if ((size_t)n < room - at) return at + (size_t)n;
	memcpy(line + room - 1, "\xe2\x80\xa6", 3);
	return room + 2;
}

static size_t append(char *line, size_t at, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = vappend(line, at, fmt, ap);
	va_end(ap);
	return n;
}

static instant now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (instant)ts.tv_sec * SECOND_MS + ts.tv_nsec / 1000000;
}

/* Time, level, subject and event of a line. */
static size_t begin_line(char *line, enum log_level level, const char *subject, const char *event)
{
	char at[RFC3339_SIZE];

	instant_text_zone(at, now(), atomic_load(&the_log.zone));
	return append(line, 0, "%s %s %s %.80s", at, levels[level], subject, event);
}

/* Writing */

static void write_stderr(const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, p, len);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return; /* nobody listens: there is no place left to complain */
		p += n;
		len -= (size_t)n;
	}
}

static void write_file(size_t subject, const char *p, size_t len)
{
	char line[LINE_MAX_BYTES];
	size_t n;
	struct log_file *f = &the_log.files[subject];
	bool is_fine = log_file_write(f, the_log.dir, subjects[subject], p, len);

	if (!is_fine && !f->is_broken) {
		n = begin_line(line, LOG_ERROR, "app", "log.file");
		n = append(line, n, " subject=%s errno=%d", subjects[subject], errno);
		line[n++] = '\n';
		write_stderr(line, n);
	}
	f->is_broken = !is_fine;
}

static void write_batch(const char *batch, size_t len, unsigned long dropped)
{
	char line[LINE_MAX_BYTES];
	struct head h;
	size_t i, n;

	if (atomic_exchange(&the_log.wants_reopen, false))
		for (i = 0; i < SUBJECTS; i++)
			log_file_close(&the_log.files[i]);
	for (i = 0; i < len; i += h.len) {
		memcpy(&h, batch + i, sizeof(h));
		i += sizeof(h);
		write_stderr(batch + i, h.len);
		for (n = 0; the_log.dir[0] && n < SUBJECTS; n++)
			if (h.subjects & 1u << n) write_file(n, batch + i, h.len);
	}
	if (dropped > 0) {
		n = begin_line(line, LOG_WARN, "app", "log.dropped");
		n = append(line, n, " lines=%lu", dropped);
		line[n++] = '\n';
		write_stderr(line, n);
		if (the_log.dir[0]) write_file(0, line, n);
	}
}

static void *writer(void *arg)
{
	unsigned long dropped;
	bool is_last = false;
	size_t len;

	(void)arg;
	while (!is_last) {
		pthread_mutex_lock(&the_log.lock);
		while (the_log.used == 0 && the_log.dropped == 0 && !the_log.is_stopping)
			pthread_cond_wait(&the_log.filled, &the_log.lock);
		len = the_log.used;
		memcpy(the_batch, the_queue, len);
		dropped = the_log.dropped;
		the_log.used = 0;
		the_log.dropped = 0;
		is_last = the_log.is_stopping;
		pthread_mutex_unlock(&the_log.lock);
		write_batch(the_batch, len, dropped);
	}
	return NULL;
}

/* Of one word of a subject; SUBJECTS: no such. */
static size_t subject_index(const char *subject, size_t len)
{
	size_t i;

	for (i = 0; i < SUBJECTS; i++)
		if (strlen(subjects[i]) == len && memcmp(subjects[i], subject, len) == 0) return i;
	return SUBJECTS;
}

/* "calendars+jobs": a bit each; *first gives name and level. What nobody knows is the program's own business. */
static uint8_t subjects_of(size_t *first, const char *subject)
{
	unsigned bits = 0;

	*first = SUBJECTS;
	while (*subject) {
		size_t len = strcspn(subject, "+"), i = subject_index(subject, len);

		if (i < SUBJECTS) bits |= 1u << i;
		if (*first == SUBJECTS) *first = i;
		subject += len + (subject[len] == '+');
	}
	if (*first == SUBJECTS) *first = 0;
	return (uint8_t)(bits | 1u << *first);
}

/* Does the line already say what the thread's context would? "request=" is enough. */
static bool says_already(const char *line)
{
	size_t key = strcspn(context, "=");
	char word[LOG_CONTEXT_SIZE + 2];

	snprintf(word, sizeof(word), " %.*s=", (int)key, context);
	return strstr(line, word) != NULL;
}

/* The line as it leaves: masked, clean, and as JSON if asked for. Returns its length with the line end. */
static size_t finish_line(char out[LINE_MAX_BYTES], char *line, size_t n)
{
	n = log_mask(line, n);
	replace_controls(line, n);
	if (atomic_load(&the_log.is_json))
		n = log_json(out, LINE_MAX_BYTES - 1, line, n);
	else
		memcpy(out, line, n);
	out[n++] = '\n';
	return n;
}

void log_event(enum log_level level, const char *subject, const char *event, const char *fmt, ...)
{
	struct head h = { .len = 0 };
	char line[LINE_MAX_BYTES], out[LINE_MAX_BYTES];
	bool is_queued;
	va_list ap;
	size_t n, first;

	h.subjects = subjects_of(&first, subject);
	if ((unsigned)level > LOG_ERROR || (int)level < atomic_load(&the_log.least[first]) ||
	    (int)level < atomic_load(&the_log.quiet))
		return;
	if (level == LOG_ERROR) h.subjects |= 1u << SUBJECT_ERRORS;
	n = begin_line(line, level, subjects[first], event);
	if (fmt && *fmt) {
		line[n++] = ' ';
		va_start(ap, fmt);
		n = vappend(line, n, fmt, ap);
		va_end(ap);
	}
	line[n] = '\0';
	if (context[0] && n + sizeof(context) + 4 < sizeof(line) && !says_already(line))
		n = append(line, n, " %s", context);
	n = finish_line(out, line, n);
	h.len = (uint16_t)n;

	pthread_mutex_lock(&the_log.lock);
	is_queued = the_log.is_running;
	if (is_queued && the_log.used + sizeof(h) + n <= QUEUE_BYTES) {
		memcpy(the_queue + the_log.used, &h, sizeof(h));
		memcpy(the_queue + the_log.used + sizeof(h), out, n);
		the_log.used += sizeof(h) + n;
		pthread_cond_signal(&the_log.filled);
	} else if (is_queued) {
		the_log.dropped++;
	}
	pthread_mutex_unlock(&the_log.lock);
	if (!is_queued) write_stderr(out, n);
}

/* While running */

const char *log_subject_at(size_t i)
{
	return i < SUBJECTS ? subjects[i] : NULL;
}

bool log_level_parse(enum log_level *out, const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		if (strcmp(levels[i], text) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	return false;
}

void log_level_set(const char *subject, enum log_level least)
{
	size_t i;

	for (i = 0; i < SUBJECTS; i++)
		if (subject == NULL || strcmp(subjects[i], subject) == 0)
			atomic_store(&the_log.least[i], (int)least);
}

void log_quiet(enum log_level least)
{
	atomic_store(&the_log.quiet, (int)least);
}

void log_json_set(bool is_json)
{
	atomic_store(&the_log.is_json, is_json);
}

void log_reopen(void)
{
	atomic_store(&the_log.wants_reopen, true);
}

void log_context(const char *fields)
{
	snprintf(context, sizeof(context), "%s", fields);
}

/* Start and stop */

/* Test builds may make a file's end come sooner, so that a test need not write ten megabytes. */
static int64_t file_bytes(void)
{
#ifdef RECADO_TEST
	const char *said = getenv("RECADO_LOG_BYTES");

	if (said != NULL && atoll(said) > 0) return atoll(said);
#endif
	return LOG_FILE_BYTES;
}

enum rc log_start(const struct zone *zone, enum log_level least, const char *dir)
{
	sigset_t all, old;
	enum rc rc = RC_OK;
	size_t i;

	if (dir && strlen(dir) >= sizeof(the_log.dir) - 32) return RC_TOO_LARGE;
	pthread_mutex_lock(&the_log.lock);
	if (the_log.is_running) {
		rc = RC_CONFLICT;
		goto out;
	}
	snprintf(the_log.dir, sizeof(the_log.dir), "%s", dir ? dir : "");
	for (i = 0; i < SUBJECTS; i++) {
		the_log.files[i] = (struct log_file)LOG_FILE_NONE;
		the_log.files[i].max = file_bytes();
	}
	the_log.is_stopping = false;
	sigfillset(&all); /* signals are for the main thread */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&the_log.thread, NULL, writer, NULL) != 0) rc = RC_IO;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == RC_OK) {
		the_log.is_running = true;
		atomic_store(&the_log.zone, zone);
		log_level_set(NULL, least);
	}
out:
	pthread_mutex_unlock(&the_log.lock);
	return rc;
}

void log_stop(void)
{
	size_t i;

	pthread_mutex_lock(&the_log.lock);
	if (!the_log.is_running || the_log.is_stopping) {
		pthread_mutex_unlock(&the_log.lock);
		return;
	}
	the_log.is_stopping = true;
	the_log.is_running = false; /* from here on lines go straight to stderr */
	pthread_cond_signal(&the_log.filled);
	pthread_mutex_unlock(&the_log.lock);
	pthread_join(the_log.thread, NULL);
	for (i = 0; i < SUBJECTS; i++)
		log_file_close(&the_log.files[i]);
}
