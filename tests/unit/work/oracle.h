/*
** oracle.h -- a calendar of its own for the tests of schedules: which instants a rule means, found without
** rule.c and without zone_instant(), by listing every civil day and looking each civil time up in the zone's
** offsets.
**
** Promises nothing about speed. What it owes to the program under test: zone_offset_s(), tested elsewhere.
*/
#ifndef RECADO_TESTS_WORK_ORACLE_H
#define RECADO_TESTS_WORK_ORACLE_H

#include "base/clock.h"

/* A stretch of time during which the clocks of a zone do not change. */
struct stretch {
	instant from, to;
	int64_t offset_ms;
};
struct calendar {
	const struct zone *zone;
	size_t count;
	struct stretch at[64];
};

/* A rule in pieces: what a cron line or an interval says. Lists are bit sets. */
struct wish {
	bool is_interval;
	int every_min, after_min;
	uint64_t minutes;
	uint32_t hours, doms, months, dows;
	bool any_dom, any_dow;
	char text[100]; /* the same as a rule */
};

void calendar_make(struct calendar *c, const struct zone *zone, instant from, instant to);
/* All due instants in (after, until], ascending, without doubles; free() it. */
instant *oracle_times(size_t *count, const struct wish *w, const struct calendar *c, instant after,
		      instant until);
/* A wish made up from a seed: daily, weekly, monthly, lists, ranges, both day fields, intervals. */
void wish_make_up(struct wish *w, uint64_t *seed);
uint64_t dice(uint64_t *seed, uint64_t below);

#endif
