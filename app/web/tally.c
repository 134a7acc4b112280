/*
** tally.c -- counts requests by class, status and how long they took.
**
** Owns:   the counters, one set for the process.
** Never:  takes a lock or memory.
** Holds:  a counter only grows.
*/
#include "web/tally.h"

#include <stdatomic.h>
#include <string.h>

const int tally_bounds_ms[TALLY_BUCKETS - 1] = {
	1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000
};

static struct {
	_Atomic int64_t buckets[TALLY__MAX][TALLY_BUCKETS], sum_ms[TALLY__MAX], status[TALLY__MAX][6];
} counters;

const char *tally_class_name(enum tally_class c)
{
	static const char *const names[TALLY__MAX] = { "page", "api", "file", "hook", "memory" };

	return (unsigned)c < TALLY__MAX ? names[c] : "all";
}

void tally_add(enum tally_class c, int status, int64_t ms)
{
	int b = 0;

	if ((unsigned)c >= TALLY__MAX) return;
	if (ms < 0) ms = 0;
	while (b < TALLY_BUCKETS - 1 && ms > tally_bounds_ms[b])
		b++;
	atomic_fetch_add_explicit(&counters.buckets[c][b], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&counters.sum_ms[c], ms, memory_order_relaxed);
	atomic_fetch_add_explicit(&counters.status[c][status >= 200 && status < 600 ? status / 100 : 5], 1,
				  memory_order_relaxed);
}

void tally_read(struct tally *out)
{
	for (int c = 0; c < TALLY__MAX; c++) {
		for (int b = 0; b < TALLY_BUCKETS; b++)
			out->buckets[c][b] =
				atomic_load_explicit(&counters.buckets[c][b], memory_order_relaxed);
		for (int s = 0; s < 6; s++)
			out->status[c][s] =
				atomic_load_explicit(&counters.status[c][s], memory_order_relaxed);
		out->sum_ms[c] = atomic_load_explicit(&counters.sum_ms[c], memory_order_relaxed);
	}
}

void tally_since(struct tally *out, const struct tally *later, const struct tally *earlier)
{
	for (int c = 0; c < TALLY__MAX; c++) {
		for (int b = 0; b < TALLY_BUCKETS; b++)
			out->buckets[c][b] = later->buckets[c][b] - earlier->buckets[c][b];
		for (int s = 0; s < 6; s++)
			out->status[c][s] = later->status[c][s] - earlier->status[c][s];
		out->sum_ms[c] = later->sum_ms[c] - earlier->sum_ms[c];
	}
}

static int64_t in_bucket(const struct tally *t, enum tally_class c, int b)
{
	int64_t n = 0;

	if (c != TALLY__MAX) return t->buckets[c][b];
	for (int i = 0; i < TALLY__MAX; i++)
		n += t->buckets[i][b];
	return n;
}

int64_t tally_count(const struct tally *t, enum tally_class c)
{
	int64_t n = 0;

	for (int b = 0; b < TALLY_BUCKETS; b++)
		n += in_bucket(t, c, b);
	return n;
}

int64_t tally_percentile(const struct tally *t, enum tally_class c, int percent)
{
	int64_t all = tally_count(t, c), rank = (all * percent + 99) / 100, before = 0;

	if (all == 0) return 0;
	for (int b = 0; b < TALLY_BUCKETS - 1; b++) {
		int64_t n = in_bucket(t, c, b), low = b == 0 ? 0 : tally_bounds_ms[b - 1];

		if (before + n >= rank) return low + (tally_bounds_ms[b] - low) * (rank - before) / n;
		before += n;
	}
	return tally_bounds_ms[TALLY_BUCKETS - 2];
}
