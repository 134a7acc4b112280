/*
** rule.c -- reads schedule rules and computes when they are due.
**
** Owns:   nothing; no memory, no clock, no database.
** Needs:  the zone handed in.
** Holds:  (1) a due time depends on rule, zone and civil date only, never on when it was asked or on
**             the run before;
**         (2) what falls into a gap of the clock is due at the first instant after it, several of
**             them once;
**         (3) a time that a day has twice is due the first time (an interval goes on through both
**             hours);
**         (4) what comes out is later than `after`.
*/
#include "work/rule.h"
#include "base/words.h"
#include "work/work.h"

#include <string.h>
#include <strings.h>

#define DAY_MINUTES  1440
#define INSTANT_MOST INT64_C(8000000000000) /* the year 2223: beyond it nobody plans, and sums stay small */
/* 29 February comes again after at most eight years (1896, 1904; 2096, 2104) */
#define DAYS_LOOKED (8 * 366 + 2)

static const char *const month_names[] = { "jan", "feb", "mar", "apr", "may", "jun",
					   "jul", "aug", "sep", "oct", "nov", "dec" };
static const char *const day_names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

struct field {
	int min, max;
	const char *const *names; /* of min, min + 1 …; NULL: figures only */
	int name_count;
};

static const struct field fields[5] = {
	{ 0, 59, NULL, 0 },         { 0, 23, NULL, 0 },     { 1, 31, NULL, 0 },
	{ 1, 12, month_names, 12 }, { 0, 7, day_names, 7 },
};

static const char *const not_a_rule =
	N_("A rule is a cron line (minute, hour, day, month, weekday) or “every N min after M min”.");
static const char *const out_of_bounds = N_(
	"A number of the rule is out of bounds: minute 0–59, hour 0–23, day 1–31, month 1–12, weekday 0–7.");
static const char *const not_minutes = N_("“every N min after M min”: N is 1 to 1440, M is 0 to 1439.");
static const char *const never = N_("No date ever fits this rule.");

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(const char **p)
{
	while (is_blank(**p))
		(*p)++;
}

/* Up to four figures; -1 when there are none or more. */
static int take_number(const char **p)
{
	int n = 0, digits = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++) {
		if (++digits > 4) return -1;
		n = n * 10 + (**p - '0');
	}
	return digits > 0 ? n : -1;
}

/* Cron */

static int take_value(const char **p, const struct field *f)
{
	for (int i = 0; i < f->name_count; i++)
		if (strncasecmp(*p, f->names[i], 3) == 0) {
			*p += 3;
			return f->min + i;
		}
	return take_number(p);
}

/* One item of a list: "*", a, a-b, each with /step. Sets bits from f->min to f->max. */
static const char *take_item(const char **p, const struct field *f, uint64_t *bits)
{
	int from, to, step = 1;
	bool is_single = false;

	if (**p == '*') {
		(*p)++;
		from = f->min;
		to = f->max == 7 ? 6 : f->max;
	} else {
		from = to = take_value(p, f);
		is_single = true;
		if (from >= 0 && **p == '-') {
			(*p)++;
			to = take_value(p, f);
			is_single = false;
		}
		if (from < 0 || to < 0) return not_a_rule;
	}
	if (**p == '/') {
		(*p)++;
		step = take_number(p);
		if (step < 0) return not_a_rule;
		if (is_single) to = f->max;
	}
	if (from < f->min || to > f->max || from > to || step < 1 || step > f->max) return out_of_bounds;
	for (int i = from; i <= to; i += step)
		*bits |= UINT64_C(1) << i;
	return NULL;
}

static const char *take_field(const char **p, const struct field *f, uint64_t *bits)
{
	const char *why;

	*bits = 0;
	for (;;) {
		why = take_item(p, f, bits);
		if (why) return why;
		if (**p != ',') break;
		(*p)++;
	}
	return **p == '\0' || is_blank(**p) ? NULL : not_a_rule;
}

static const char *parse_cron(struct rule *r, const char *p)
{
	uint64_t bits[5];
	const char *why;

	for (int i = 0; i < 5; i++) {
		skip_blanks(&p);
		if (i == 2) r->any_dom = *p == '*';
		if (i == 4) r->any_dow = *p == '*';
		why = take_field(&p, &fields[i], &bits[i]);
		if (why) return why;
	}
	skip_blanks(&p);
	if (*p != '\0') return not_a_rule;
	r->minutes = bits[0];
	r->hours = (uint32_t)bits[1];
	r->doms = (uint32_t)bits[2];
	r->months = (uint16_t)bits[3];
	r->dows = (uint8_t)((bits[4] & 0x7f) | (bits[4] >> 7)); /* 7 is Sunday too */
	return NULL;
}

/* Every N min */

static bool take_word(const char **p, const char *word)
{
	size_t len = strlen(word);

	skip_blanks(p);
	if (strncasecmp(*p, word, len) != 0 || ((*p)[len] != '\0' && !is_blank((*p)[len]))) return false;
	*p += len;
	return true;
}

static const char *parse_interval(struct rule *r, const char *p)
{
	r->is_interval = true;
	skip_blanks(&p);
	r->every_min = take_number(&p);
	if (!take_word(&p, "min")) return not_a_rule;
	r->after_min = 0;
	if (take_word(&p, "after")) {
		skip_blanks(&p);
		r->after_min = take_number(&p);
		if (!take_word(&p, "min")) return not_a_rule;
	}
	skip_blanks(&p);
	if (*p != '\0') return not_a_rule;
	if (r->every_min < 1 || r->every_min > DAY_MINUTES || r->after_min < 0 || r->after_min >= DAY_MINUTES)
		return not_minutes;
	return NULL;
}

enum rc rule_parse(struct rule *out, const char **why, const char *text)
{
	struct rule r = { .is_interval = false };
	const char *p = text;

	if (!text || strnlen(text, RULE_LENGTH_MAX + 1) > RULE_LENGTH_MAX) {
		*why = not_a_rule;
		return RC_BAD_INPUT;
	}
	*why = take_word(&p, "every") ? parse_interval(&r, p) : parse_cron(&r, p);
	if (*why) return RC_BAD_INPUT;
	*out = r;
	return RC_OK;
}

/* When */

static bool is_due_day(const struct rule *r, day d)
{
	int year, month, dom;
	bool by_dom, by_dow;

	day_split(d, &year, &month, &dom);
	if (!(r->months & (1U << month))) return false;
	by_dom = (r->doms & (UINT32_C(1) << dom)) != 0;
	by_dow = (r->dows & (1U << day_weekday(d))) != 0;
	/* cron's own rule: two restricted fields widen each other, an unrestricted one does not count. */
	return r->any_dom || r->any_dow ? by_dom && by_dow : by_dom || by_dow;
}

static instant instant_of(const struct zone *zone, day d, int hour, int minute)
{
	return zone_instant(zone, (struct civil){ .day = d, .hour = hour, .minute = minute });
}

/* Later on the wall's clock is never earlier in time: a day or an hour whose last minute is past is past. */
static bool cron_of_day(instant *out, const struct rule *r, const struct zone *zone, day d, instant after)
{
	if (instant_of(zone, d, 23, 59) <= after) return false;
	for (int hour = 0; hour < 24; hour++) {
		if (!(r->hours & (UINT32_C(1) << hour)) || instant_of(zone, d, hour, 59) <= after) continue;
		for (int minute = 0; minute < 60; minute++) {
			instant at;

			if (!(r->minutes & (UINT64_C(1) << minute))) continue;
			at = instant_of(zone, d, hour, minute);
			if (at > after) {
				*out = at;
				return true;
			}
		}
	}
	return false;
}

static bool interval_of_day(instant *out, const struct rule *r, const struct zone *zone, day d, instant after)
{
	instant first = zone_midnight(zone, d) + r->after_min * MINUTE_MS, end = zone_midnight(zone, d + 1);
	int64_t step = r->every_min * MINUTE_MS;
	instant at = after < first ? first : first + ((after - first) / step + 1) * step;

	if (at >= end) return false;
	*out = at;
	return true;
}

enum rc rule_after(instant *out, const struct rule *rule, const struct zone *zone, instant after)
{
	instant at = 0;
	day today;

	if (after > INSTANT_MOST || after < -INSTANT_MOST) return RC_NOT_FOUND;
	today = zone_day(zone, after);
	/* From yesterday on: what a gap at midnight swallowed is due today. */
	for (day d = today - 1; d < today + DAYS_LOOKED; d++) {
		bool is_due = rule->is_interval
				      ? interval_of_day(&at, rule, zone, d, after)
				      : is_due_day(rule, d) && cron_of_day(&at, rule, zone, d, after);

		if (!is_due) continue;
		if (at > INSTANT_MOST) break;
		*out = at;
		return RC_OK;
	}
	return RC_NOT_FOUND;
}

enum rc rule_next(instant *out, const char **why, const char *rule, const struct zone *zone, instant after)
{
	struct rule r;
	enum rc rc = rule_parse(&r, why, rule);

	if (rc != RC_OK) return rc;
	if (rule_after(out, &r, zone, after) != RC_OK) {
		*why = never;
		return RC_BAD_INPUT;
	}
	return RC_OK;
}
