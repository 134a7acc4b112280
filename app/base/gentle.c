/*
** gentle.c -- rests, and written bytes that leave for the disk at once.
**
** Owns:   nothing; the pace of a piece of work is in the caller's struct.
** Holds:  (1) at most PIECE bytes of a gently written file are dirty; (2) work rests as long as it works.
*/
#include "base/gentle.h"
#include "base/clock.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

#define WORK_US 2000          /* then others get the processor; a page's answer is 1 ms */
#define PIECE   (1024 * 1024) /* a slow disk writes that in some 10 ms */

void gentle_init(struct gentle *g, const _Atomic bool *is_stopping)
{
	memset(g, 0, sizeof(*g));
	g->is_stopping = is_stopping;
	g->since_us = clock_ticks_us();
}

bool gentle_rest(struct gentle *g)
{
	int64_t now = clock_ticks_us(), worked = now - g->since_us;

	if ((g->is_stopping != NULL && *g->is_stopping) || (g->is_over != NULL && g->is_over(g->arg)))
		return false;
	if (worked < WORK_US) return true;
	if (!g->is_hurried) {
		/* A single slow read counts as waiting, not as work. */
		int64_t rest_us = worked < 2 * WORK_US ? worked : 2 * WORK_US;
		struct timespec nap = { .tv_nsec = (long)rest_us * 1000 };

		nanosleep(&nap, NULL);
	}
	g->since_us = clock_ticks_us();
	return true;
}

void gentle_forget(int fd, int64_t from, int64_t len)
{
	(void)posix_fadvise(fd, (off_t)from, (off_t)len, POSIX_FADV_DONTNEED);
}

void gentle_wrote(struct gentle *g, int fd, int64_t len)
{
	g->written += len;
	if (g->written < PIECE) return;
	(void)sync_file_range(fd, g->from, g->written,
			      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
				      SYNC_FILE_RANGE_WAIT_AFTER);
	gentle_forget(fd, g->from, g->written);
	g->from += g->written;
	g->written = 0;
}

void gentle_file(struct gentle *g)
{
	g->from = g->written = 0;
}
