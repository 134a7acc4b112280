/*
** rule.h -- the inside of schedule rules, for rule.c, the scheduler, their tests and the fuzzer.
**
**   "M H DOM MON DOW"          a cron line: * a a-b a,b step/n; months and weekdays also by their
**                              English names; weekday 0 and 7 are Sunday; when both days are
**                              restricted, either of them is enough
**   "every N min"              from midnight on, every N minutes of elapsed time
**   "every N min after M min"  the same, first M minutes after midnight
*/
#ifndef RECADO_WORK_RULE_H
#define RECADO_WORK_RULE_H

#include "base/clock.h"

#define RULE_LENGTH_MAX 200 /* a line that lists every minute by itself has 170 characters */

struct rule {
	bool is_interval;
	int every_min, after_min;
	uint64_t minutes; /* bit 0…59        */
	uint32_t hours;   /* bit 0…23        */
	uint32_t doms;    /* bit 1…31        */
	uint16_t months;  /* bit 1…12        */
	uint8_t dows;     /* bit 0…6, Sunday first */
	bool any_dom, any_dow;
};

/* RC_BAD_INPUT: *why is an N_() sentence. Total, no memory. */
enum rc rule_parse(struct rule *out, const char **why, const char *text) MUST_CHECK;
/* First due instant strictly after `after`. RC_NOT_FOUND: never again (30 February). */
enum rc rule_after(instant *out, const struct rule *rule, const struct zone *zone, instant after) MUST_CHECK;

#endif
