/*
** zone_rule.c -- the footer of a zone file: when clocks change in all years to come.
**
** Owns:   struct zone_rule, a value.
** Needs:  nothing. Grammar: RFC 8536 §3.3 and POSIX TZ, e.g. "<-03>3", "EST5EDT,M3.2.0,M11.1.0".
** Never:  allocates or reads past len.
** Holds:  (1) a parsed rule has offsets within ±26 h and changes within ±167 h of a real day;
**         (2) zone_rule_offset() is total over all of int64_t.
*/
#include "base/zone.h"

#include <string.h>

#define TIME_HOURS_MAX   167                /* RFC 8536 §3.3.1                                      */
#define OFFSET_HOURS_MAX 24                 /* POSIX                                                */
#define CHANGE_TIME      7200               /* 02:00:00, when no time is given (POSIX)              */
#define RULE_DAYS        INT64_C(100000000) /* the calendar we walk: ± 270,000 years fits int32_t days */

struct reader {
	const char *p, *end;
};

static bool eat(struct reader *r, char c)
{
	if (r->p == r->end || *r->p != c) return false;
	r->p++;
	return true;
}

/* A number of at most max; false when there is none or it is larger. */
static bool eat_number(struct reader *r, int max, int *out)
{
	const char *start = r->p;
	int n = 0;

	for (; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++) {
		n = n * 10 + (*r->p - '0');
		if (n > max) return false;
	}
	*out = n;
	return r->p > start;
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool eat_name(struct reader *r)
{
	const char *start;

	if (eat(r, '<')) {
		for (start = r->p; r->p < r->end && *r->p != '>'; r->p++)
			if (!is_letter(*r->p) && !(*r->p >= '0' && *r->p <= '9') && *r->p != '+' &&
			    *r->p != '-')
				return false;
		return r->p - start >= 3 && eat(r, '>');
	}
	for (start = r->p; r->p < r->end && is_letter(*r->p); r->p++) {
	}
	return r->p - start >= 3;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool eat_time(struct reader *r, int hours_max, int32_t *out)
{
	int hour, minute = 0, second = 0;
	bool is_negative = eat(r, '-');

	if (!is_negative) eat(r, '+');
	if (!eat_number(r, hours_max, &hour)) return false;
	if (eat(r, ':')) {
		if (!eat_number(r, 59, &minute)) return false;
		if (eat(r, ':') && !eat_number(r, 59, &second)) return false;
	}
	*out = hour * 3600 + minute * 60 + second;
	if (is_negative) *out = -*out;
	return true;
}

static bool eat_change(struct reader *r, struct zone_change *c)
{
	*c = (struct zone_change){ .time_s = CHANGE_TIME };
	if (eat(r, 'M')) {
		c->kind = CHANGE_MONTH;
		if (!eat_number(r, 12, &c->month) || c->month < 1 || !eat(r, '.') ||
		    !eat_number(r, 5, &c->week) || c->week < 1 || !eat(r, '.') ||
		    !eat_number(r, 6, &c->weekday))
			return false;
	} else if (eat(r, 'J')) {
		c->kind = CHANGE_JULIAN;
		if (!eat_number(r, 365, &c->day) || c->day < 1) return false;
	} else {
		c->kind = CHANGE_DAY;
		if (!eat_number(r, 365, &c->day)) return false;
	}
	return !eat(r, '/') || eat_time(r, TIME_HOURS_MAX, &c->time_s);
}

enum rc zone_rule_parse(struct zone_rule *out, const char *p, size_t len)
{
	struct reader r = { p, p + len };
	struct zone_rule rule = { .has_summer = false };

	if (!eat_name(&r) || !eat_time(&r, OFFSET_HOURS_MAX, &rule.offset_s[0])) return RC_BAD_INPUT;
	rule.offset_s[0] = -rule.offset_s[0]; /* POSIX counts west */
	if (r.p < r.end) {
		rule.has_summer = true;
		if (!eat_name(&r)) return RC_BAD_INPUT;
		rule.offset_s[1] = rule.offset_s[0] + 3600;
		if (r.p < r.end && *r.p != ',') {
			if (!eat_time(&r, OFFSET_HOURS_MAX, &rule.offset_s[1])) return RC_BAD_INPUT;
			rule.offset_s[1] = -rule.offset_s[1];
		}
		if (!eat(&r, ',') || !eat_change(&r, &rule.change[0]) || !eat(&r, ',') ||
		    !eat_change(&r, &rule.change[1]))
			return RC_BAD_INPUT;
	}
	if (r.p != r.end) return RC_BAD_INPUT;
	*out = rule;
	return RC_OK;
}

/* Reckoning */

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to January 1 of any year. */
static int64_t new_year(int64_t year)
{
	int64_t y = year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 - 719162;
}

static int64_t change_day(const struct zone_change *c, int64_t year)
{
	static const int before[2][13] = { { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 },
					   { 0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366 } };
	int64_t first = new_year(year), d;
	bool leap = is_leap(year);
	int weekday;

	if (c->kind == CHANGE_JULIAN) /* 1…365, February 29 is never counted */
		return first + c->day - 1 + (leap && c->day >= 60 ? 1 : 0);
	if (c->kind == CHANGE_DAY) return first + c->day;
	d = first + before[leap][c->month - 1];
	weekday = day_weekday((day)d);
	d += (c->weekday - weekday + 7) % 7 + (c->week - 1) * 7;
	while (d >= first + before[leap][c->month]) /* week 5 is the last one */
		d -= 7;
	return d;
}

int32_t zone_rule_offset(const struct zone_rule *r, int64_t at_s, int64_t *next_s)
{
	int year, month, dom, i, k;
	int64_t days = at_s / 86400, best = INT64_MIN, next = INT64_MAX;
	int32_t offset = r->offset_s[0];

	if (r->has_summer && days > -RULE_DAYS && days < RULE_DAYS) {
		day_split((day)days, &year, &month, &dom);
		/*
		** The years beside it too: in UTC, or with odd times of change, an event may lie in the next
		** year.
		*/
		for (i = year - 1; i <= year + 1; i++)
			for (k = 0; k < 2; k++) {
				int64_t when = change_day(&r->change[k], i) * 86400 + r->change[k].time_s -
					       r->offset_s[k];

				if (when > at_s && when < next) next = when;
				/*
				** Summer all year is written as an end that falls on the next start: then the
				** start, met later in this loop, counts.
				*/
				if (when <= at_s && when >= best) {
					best = when;
					offset = r->offset_s[1 - k];
				}
			}
	}
	if (next_s) *next_s = next;
	return offset;
}
