/*
** forecast_file.c -- the rows of a forecast on disk: head, lines, runs; fixed sizes, this machine's own.
**
** Owns:   DIR/spool/forecast, the last large forecast of the house. The head comes first but is written last.
** Holds:  (1) a file is used only if its head, its length and every place in it fit together and it was
**         written by this very version of the program; (2) memory does not grow with the lines.
*/
#include "base/mem.h"
#include "files/files.h"
#include "ops/forecast.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC        "RCDFORE1"
#define KEPT_NAME    "spool/forecast"
#define BUFFER_LINES 4096 /* 64 KiB at a time */

struct forecast_writer {
	int fd;
	size_t count;
	struct forecast_line buffer[BUFFER_LINES];
};

enum rc forecast_write_open(struct forecast_writer **out, const char *dir)
{
	static const struct forecast_head none;
	struct forecast_writer *w = mem_zeroed(sizeof(*w));
	enum rc rc = w != NULL ? spool_open(&w->fd, dir) : RC_NO_MEMORY;

	if (rc == RC_OK) rc = fd_write_all(w->fd, (const char *)&none, sizeof(none));
	if (rc != RC_OK)
		mem_free(w);
	else
		*out = w;
	return rc;
}

static enum rc flush(struct forecast_writer *w)
{
	enum rc rc = fd_write_all(w->fd, (const char *)w->buffer, w->count * sizeof(w->buffer[0]));

	w->count = 0;
	return rc;
}

enum rc forecast_write_line(struct forecast_writer *w, const struct forecast_line *line)
{
	w->buffer[w->count++] = *line;
	return w->count == BUFFER_LINES ? flush(w) : RC_OK;
}

enum rc forecast_write_end(struct forecast_writer *w, enum rc rc, struct forecast_head *head,
			   const struct forecast_run *runs, int *fd)
{
	if (w == NULL) return rc;
	memcpy(head->magic, MAGIC, sizeof(head->magic));
	strncpy(head->version, RECADO_VERSION, sizeof(head->version) - 1);
	if (rc == RC_OK) rc = flush(w);
	if (rc == RC_OK)
		rc = fd_write_all(w->fd, (const char *)runs, (size_t)head->run_count * sizeof(runs[0]));
	if (rc == RC_OK && pwrite(w->fd, head, sizeof(*head), 0) != (ssize_t)sizeof(*head)) rc = RC_IO;
	if (rc == RC_OK) {
		*fd = w->fd;
		w->fd = -1;
	}
	forecast_write_free(w);
	return rc;
}

void forecast_write_free(struct forecast_writer *w)
{
	if (w == NULL) return;
	if (w->fd >= 0) close(w->fd);
	mem_free(w);
}

/* Reading */

static bool runs_fit(const struct forecast *f)
{
	int64_t leaving = 0, skipped = 0;

	for (int32_t i = 0; i < f->head->run_count; i++) {
		const struct forecast_run *r = &f->runs[i];

		if (r->first < 0 || r->leaving < 0 || r->skipped < 0 || r->leaving > f->head->line_count ||
		    r->skipped > f->head->line_count ||
		    r->first > f->head->line_count - r->leaving - r->skipped || r->place < 0 ||
		    r->on < f->head->from_on || r->on >= f->head->from_on + f->head->days)
			return false;
		leaving += r->leaving;
		skipped += r->skipped;
	}
	return leaving == f->head->leaving && skipped == f->head->skipped;
}

bool forecast_check(struct forecast *out, struct bytes b)
{
	const struct forecast_head *head = (const void *)b.p;
	size_t lines, runs;

	if (b.len < sizeof(*head) || memcmp(head->magic, MAGIC, sizeof(head->magic)) != 0) return false;
	if (head->version[sizeof(head->version) - 1] != '\0' || strcmp(head->version, RECADO_VERSION) != 0)
		return false;
	if (head->days < 1 || head->days > FORECAST_DAYS_MAX || head->run_count < 0 ||
	    head->run_count > FORECAST_RUNS_MAX || head->line_count < 0 ||
	    head->line_count > FORECAST_LINES_MAX || head->from_on < 0 || head->from_on > INT32_MAX / 2)
		return false;
	lines = (size_t)head->line_count * sizeof(struct forecast_line);
	runs = (size_t)head->run_count * sizeof(struct forecast_run);
	if (b.len != sizeof(*head) + lines + runs) return false;
	*out = (struct forecast){ .mapped = b,
				  .head = head,
				  .lines = (const void *)(b.p + sizeof(*head)),
				  .runs = (const void *)(b.p + sizeof(*head) + lines) };
	return runs_fit(out);
}

enum rc forecast_map(struct forecast *out, int fd)
{
	struct stat st;
	struct bytes b = { NULL, 0 };

	if (fstat(fd, &st) != 0) return RC_IO;
	if (st.st_size <= 0) return RC_NOT_FOUND;
	b.len = (size_t)st.st_size;
	b.p = mmap(NULL, b.len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (b.p == MAP_FAILED) return RC_IO;
	if (forecast_check(out, b)) return RC_OK;
	munmap((void *)(uintptr_t)b.p, b.len);
	return RC_NOT_FOUND;
}

void forecast_unmap(struct forecast *f)
{
	if (f->mapped.p != NULL) munmap((void *)(uintptr_t)f->mapped.p, f->mapped.len);
	*f = (struct forecast){ .head = NULL };
}

/* The kept one */

/* A nameless file gets its name only where none is: it is copied beside and renamed, which also works where
** the file system cannot link it. */
enum rc forecast_keep(struct cx *cx, int fd)
{
	struct tmpfile_at t = TMPFILE_NONE;
	char buffer[64 * 1024];
	off_t at = 0;
	enum rc rc = tmpfile_open(&t, arena_printf(cx->arena, "%s/spool", cx->env->dir));

	while (rc == RC_OK) {
		ssize_t n = pread(fd, buffer, sizeof(buffer), at);

		if (n == 0) break;
		if (n < 0)
			rc = RC_IO;
		else
			rc = fd_write_all(t.fd, buffer, (size_t)n);
		at += n;
	}
	if (rc == RC_OK) rc = tmpfile_publish(&t, arena_printf(cx->arena, "%s/" KEPT_NAME, cx->env->dir));
	tmpfile_discard(&t);
	return rc;
}

enum rc forecast_kept(struct cx *cx, struct forecast *out)
{
	int fd = open(arena_printf(cx->arena, "%s/" KEPT_NAME, cx->env->dir), O_RDONLY | O_CLOEXEC);
	enum rc rc = fd >= 0 ? forecast_map(out, fd) : RC_NOT_FOUND;

	if (fd >= 0) close(fd);
	return rc;
}
