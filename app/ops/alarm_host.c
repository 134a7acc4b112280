/*
** alarm_host.c -- what the machine and the counters of this process say, over the last minutes.
**
** Owns:   the ring of samples, one a minute; it lives as long as the process.
** Needs:  the counters of web/tally.h and web/incident.h, which only grow; /proc, where it can be read.
** Never:  fails: what cannot be asked is -1.
** Holds:  only alarms.c's look calls alarm_measure(), under its lock.
*/
#include "ops/alarm.h"
#include "web/incident.h"
#include "web/tally.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SAMPLE_MS     MINUTE_MS
#define SAMPLES       20 /* the longest window, a quarter of an hour, at one a minute, and to spare */
#define HOURS         24
#define SLOW_WINDOW   (5 * MINUTE_MS)
#define BUSY_WINDOW   (5 * MINUTE_MS)
#define LOGIN_WINDOW  (10 * MINUTE_MS)
#define FAIL_WINDOW   (15 * MINUTE_MS)
#define PROC_TEXT_MAX 8192 /* meminfo has 1.5 kB, the first line of stat 100 bytes */

struct sample {
	int64_t ticks;
	int64_t failures, logins;
	int64_t busy, all; /* of the processors; all 0 = unknown */
	struct tally tally;
};

static struct {
	struct sample of[SAMPLES];
	size_t count; /* ever taken */
	int64_t hour_ticks, hour_blocked[HOURS], blocked_seen;
	size_t hour;
} ring;

static const char *machine = "";
static int64_t (*count_ticks)(void) = clock_ticks;

void alarm_machine(const char *root, int64_t (*ticks)(void))
{
	machine = root;
	count_ticks = ticks;
}

int64_t alarm_ticks(void)
{
	return count_ticks();
}

void alarm_measure_reset(void)
{
	memset(&ring, 0, sizeof(ring));
}

/* Small files */

static bool read_text(char out[PROC_TEXT_MAX], const char *path)
{
	char whole[2 * PROC_TEXT_MAX];
	ssize_t n;
	int fd;

	snprintf(whole, sizeof(whole), "%s%s", machine, path);
	fd = open(whole, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return false;
	n = read(fd, out, PROC_TEXT_MAX - 1);
	close(fd);
	if (n <= 0) return false;
	out[n] = '\0';
	return true;
}

static int64_t number_after(const char *text, const char *name)
{
	const char *p = strstr(text, name);

	return p == NULL ? -1 : strtoll(p + strlen(name), NULL, 10);
}

int64_t alarm_memory_of(const char *meminfo)
{
	int64_t all = number_after(meminfo, "MemTotal:"), left = number_after(meminfo, "MemAvailable:");

	if (all <= 0 || left < 0 || left > all) return -1;
	return (all - left) * 100 / all;
}

/* cpu user nice system idle iowait irq softirq steal …: waiting for a disk is not being busy. */
bool alarm_processor_of(const char *stat, int64_t *busy, int64_t *all)
{
	int64_t sum = 0, idle = 0;
	int i = 0;

	if (strncmp(stat, "cpu ", 4) != 0) return false;
	for (const char *p = stat + 4; i < 8; i++) {
		char *end = NULL;
		int64_t n = strtoll(p, &end, 10);

		if (end == p || n < 0 || n > INT64_MAX / 16) break;
		sum += n;
		if (i == 3 || i == 4) idle += n;
		p = end;
	}
	if (i < 4) return false;
	*busy = sum - idle;
	*all = sum;
	return true;
}

/* The unit may allow less than the machine has (cgroup v2). */
static int64_t group_percent(void)
{
	char text[PROC_TEXT_MAX], path[PROC_TEXT_MAX + 64];
	int64_t max, now;
	char *end;

	if (!read_text(text, "/proc/self/cgroup") || strncmp(text, "0::/", 4) != 0) return -1;
	if ((end = strchr(text, '\n')) != NULL) *end = '\0';
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max", text + 3);
	if (!read_text(text, path) || (max = strtoll(text, NULL, 10)) <= 0) return -1;
	path[strlen(path) - 3] = '\0';
	snprintf(path + strlen(path), 16, "current");
	if (!read_text(text, path) || (now = strtoll(text, NULL, 10)) <= 0) return -1;
	return now >= max ? 100 : now * 100 / max;
}

static int64_t memory_percent(void)
{
	char text[PROC_TEXT_MAX];
	int64_t of_machine = read_text(text, "/proc/meminfo") ? alarm_memory_of(text) : -1;
	int64_t of_group = group_percent();

	return of_group > of_machine ? of_group : of_machine;
}

static int64_t own_bytes(void)
{
	char text[PROC_TEXT_MAX];
	int64_t pages;
	char *p = NULL;

	if (!read_text(text, "/proc/self/statm")) return -1;
	(void)strtoll(text, &p, 10);
	pages = strtoll(p, NULL, 10);
	return pages * sysconf(_SC_PAGESIZE);
}

bool alarm_disk_of(const char *path, int64_t *percent, int64_t *free_bytes)
{
	struct statvfs fs;
	uint64_t usable;

	if (statvfs(path, &fs) != 0 || fs.f_blocks == 0) return false;
	/* As df counts: what only root may use is not there. */
	usable = fs.f_blocks - fs.f_bfree + fs.f_bavail;
	*percent = usable == 0 ? 100 : (int64_t)((fs.f_blocks - fs.f_bfree) * 100 / usable);
	*free_bytes = (int64_t)(fs.f_bavail * fs.f_frsize);
	return true;
}

/* Samples */

static void take(struct sample *s)
{
	char text[PROC_TEXT_MAX];

	*s = (struct sample){ .ticks = alarm_ticks(),
			      .failures = incident_count(INCIDENT_FAILURE),
			      .logins = incident_count(INCIDENT_LOGIN) };
	tally_read(&s->tally);
	if (read_text(text, "/proc/stat")) (void)alarm_processor_of(text, &s->busy, &s->all);
}

/* The youngest sample that is at least so old, else the oldest there is; there is one. */
static const struct sample *before(const struct sample *now, int64_t ms)
{
	const struct sample *found = &ring.of[0];
	size_t n = ring.count < SAMPLES ? ring.count : SAMPLES;

	for (size_t i = 1; i <= n; i++) {
		found = &ring.of[(ring.count - i) % SAMPLES];
		if (now->ticks - found->ticks >= ms) break;
	}
	return found;
}

static int64_t blocked_within_a_day(const struct sample *now)
{
	int64_t all = incident_count(INCIDENT_BLOCKED), sum = 0;

	while (ring.hour_ticks != 0 && now->ticks - ring.hour_ticks >= HOUR_MS) {
		ring.hour_ticks += HOUR_MS;
		ring.hour = (ring.hour + 1) % HOURS;
		ring.hour_blocked[ring.hour] = 0;
	}
	if (ring.hour_ticks == 0) ring.hour_ticks = now->ticks;
	ring.hour_blocked[ring.hour] += all - ring.blocked_seen;
	ring.blocked_seen = all;
	for (size_t i = 0; i < HOURS; i++)
		sum += ring.hour_blocked[i];
	return sum;
}

/* Files are slow by size, not by trouble. */
static void count_slow(struct cx *cx, struct alarm_window *w, const struct tally *t)
{
	static const enum tally_class classes[] = { TALLY_PAGE, TALLY_API, TALLY_HOOK };
	int64_t limit = setting_int(cx->env->settings, "alerts.slow_ms");

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		int64_t p95 = tally_percentile(t, classes[i], 95);

		if (p95 > w->slow_ms) w->slow_ms = p95;
		w->requests += tally_count(t, classes[i]);
		for (int b = 0; b < TALLY_BUCKETS; b++)
			/* The bucket begins where the one below it ends. */
			if (b > 0 && tally_bounds_ms[b - 1] >= limit) w->slow += t->buckets[classes[i]][b];
	}
}

/* Counters begin with the process: before the first look everything is news. */
static void begin(const struct sample *now)
{
	ring.of[0] = (struct sample){ .ticks = now->ticks, .busy = now->busy, .all = now->all };
	ring.count = 1;
}

void alarm_measure(struct cx *cx, struct alarm_host *host, struct alarm_window *w)
{
	struct sample now;
	const struct sample *old;
	struct tally since;

	take(&now);
	if (ring.count == 0) begin(&now);
	*host = (struct alarm_host){ .memory_percent = memory_percent(),
				     .processor_percent = -1,
				     .disk_percent = -1,
				     .disk_free_bytes = -1,
				     .own_bytes = own_bytes() };
	*w = (struct alarm_window){ .blocked_day = blocked_within_a_day(&now),
				    .failures = now.failures - before(&now, FAIL_WINDOW)->failures,
				    .logins = now.logins - before(&now, LOGIN_WINDOW)->logins };
	(void)alarm_disk_of(cx->env->dir, &host->disk_percent, &host->disk_free_bytes);
	tally_since(&since, &now.tally, &before(&now, SLOW_WINDOW)->tally);
	count_slow(cx, w, &since);
	old = before(&now, BUSY_WINDOW);
	if (now.ticks - old->ticks >= BUSY_WINDOW && old->all > 0 && now.all > old->all)
		host->processor_percent = (now.busy - old->busy) * 100 / (now.all - old->all);
	if (now.ticks - ring.of[(ring.count - 1) % SAMPLES].ticks >= SAMPLE_MS)
		ring.of[ring.count++ % SAMPLES] = now;
}
