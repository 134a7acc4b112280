/*
** tally.h -- how many requests were answered and how long they took, by class of route, since the start.
**
** Counting takes a few relaxed atomic additions and no lock. Nothing here knows a path, an address or a
** person.
*/
#ifndef RECADO_WEB_TALLY_H
#define RECADO_WEB_TALLY_H

#include "base/clock.h"

enum tally_class {
	TALLY_PAGE,   /* pages of the panel and their forms          */
	TALLY_API,    /* /api/v1                                     */
	TALLY_FILE,   /* CSV and workbooks                           */
	TALLY_HOOK,   /* what providers tell us                      */
	TALLY_MEMORY, /* assets, /health: answered without a worker  */
	TALLY__MAX
};
const char *tally_class_name(enum tally_class c); /* "page" */

/* Upper bounds in milliseconds of all buckets but the last, which has none. Five seconds is where the owner
** is told
** (spec/stays.md §11), two is the goal of a page. */
#define TALLY_BUCKETS 14
extern const int tally_bounds_ms[TALLY_BUCKETS - 1];

struct tally {
	int64_t buckets[TALLY__MAX][TALLY_BUCKETS];
	int64_t sum_ms[TALLY__MAX];
	int64_t status[TALLY__MAX][6]; /* [2] = 2xx … [5] = 5xx; [0] and [1] stay 0 */
};

void tally_add(enum tally_class c, int status, int64_t ms);
/* All counters as they are now. What is counted meanwhile may be in one and not yet in another. */
void tally_read(struct tally *out);
/* later - earlier, for figures of a span. */
void tally_since(struct tally *out, const struct tally *later, const struct tally *earlier);
int64_t tally_count(const struct tally *t, enum tally_class c); /* TALLY__MAX: of all      */
/* Milliseconds within which so many of a hundred were answered, interpolated within a bucket; past the last
** bound that bound; 0 without any. */
int64_t tally_percentile(const struct tally *t, enum tally_class c, int percent); /* TALLY__MAX: of all */

#endif
