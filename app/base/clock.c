/*
** clock.c -- the process's clocks, day arithmetic, and dates and instants as text.
**
** Owns:   struct clock. Zones are in zone.c.
** Needs:  clock_gettime(2) and nothing else: no TZ, no locale, no memory but struct clock.
** Never:  reads the time by itself outside clock_now() and the two clock_ticks.
** Holds:  (1) day_make() and the parsers yield only days of 1900…2199; (2) day_split() and day_make() are
**         inverse over that range; (3) every text writer fills at most its buffer, whatever the number.
*/
#include "base/zone.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define YEAR_FIRST    1900   /* a birthday in an old customer list                              */
#define YEAR_LAST     2199   /* beyond it a date is a typing mistake ("20226")                  */
#define DAYS_PER_ERA  146097 /* 400 Gregorian years                                         */
#define EPOCH_SHIFT   719468 /* days from 0000-03-01 to 1970-01-01                          */
#define MS_PER_SECOND 1000

struct clock {
	_Atomic int64_t offset_ms; /* added to the real time */
	_Atomic int64_t known_ms;  /* last known instant minus the ticks of then; 0 = none */
};

static int64_t real_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * SECOND_MS + ts.tv_nsec / 1000000;
}

int64_t clock_ticks_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

struct clock *clock_new(instant start)
{
	struct clock *c = mem_alloc(sizeof(*c));

	if (c == NULL) return NULL;
	atomic_init(&c->known_ms, 0);
	atomic_init(&c->offset_ms, start == 0 ? 0 : start - real_now());
	return c;
}

void clock_free(struct clock *c)
{
	mem_free(c);
}

instant clock_now(const struct clock *c)
{
	return real_now() + atomic_load(&c->offset_ms);
}

void clock_set_known(struct clock *c, instant known)
{
	atomic_store(&c->known_ms, known == 0 ? 0 : known - clock_ticks());
}

bool clock_is_doubtful(const struct clock *c)
{
	int64_t known = atomic_load(&c->known_ms);

	return known != 0 && clock_now(c) - clock_ticks() - known > CLOCK_LEAP_MS;
}

void clock_shift(struct clock *c, int64_t by_ms)
{
	atomic_fetch_add(&c->offset_ms, by_ms);
}

int64_t clock_ticks(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * SECOND_MS + ts.tv_nsec / 1000000;
}

/* Days */

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
	static const unsigned char days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/*
** The year is counted from March, so that the leap day is its last day and months have the lengths
** 31 30 31 30 31 repeated: (153 m + 2) / 5 is the days before month m of such a year. Any year.
*/
static int64_t days_of(int64_t year, int month, int dom)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + dom - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * DAYS_PER_ERA + doe - EPOCH_SHIFT;
}

void day_split(day d, int *year, int *month, int *dom)
{
	int64_t z = (int64_t)d + EPOCH_SHIFT;
	int64_t era = (z >= 0 ? z : z - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
	int64_t doe = z - era * DAYS_PER_ERA;
	/* Take the leap days out of the day of the era; what is left divides by 365. */
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int64_t m = mp < 10 ? mp + 3 : mp - 9;

	*dom = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)m;
	*year = (int)(yoe + era * 400 + (m <= 2 ? 1 : 0));
}

bool day_make(day *out, int year, int month, int dom)
{
	if (year < YEAR_FIRST || year > YEAR_LAST || month < 1 || month > 12 || dom < 1 ||
	    dom > month_days(year, month))
		return false;
	*out = (day)days_of(year, month, dom);
	return true;
}

day day_add_months(day d, int months)
{
	int year, month, dom, last;
	int64_t index;

	day_split(d, &year, &month, &dom);
	index = (int64_t)year * 12 + (month - 1) + months;
	if (index < (int64_t)YEAR_FIRST * 12) return (day)days_of(YEAR_FIRST, 1, 1);
	if (index > (int64_t)YEAR_LAST * 12 + 11) return (day)days_of(YEAR_LAST, 12, 31);
	year = (int)(index / 12);
	month = (int)(index % 12) + 1;
	last = month_days(year, month);
	return (day)days_of(year, month, dom < last ? dom : last);
}

int day_weekday(day d)
{
	int64_t w = ((int64_t)d + 4) % 7; /* 1970-01-01 was a Thursday */

	return (int)(w < 0 ? w + 7 : w);
}

/* Dates as text */

/* 1 to max decimal digits, at least min; moves *p past them. -1 when there are too few or too many. */
static int take_digits(const char **p, int min, int max)
{
	int n = 0, value = 0;

	while (**p >= '0' && **p <= '9') {
		if (++n > max) return -1;
		value = value * 10 + (**p - '0');
		(*p)++;
	}
	return n < min ? -1 : value;
}

static bool take_char(const char **p, char c)
{
	if (**p != c) return false;
	(*p)++;
	return true;
}

static bool take_date(const char **p, day *out)
{
	int year, month, dom;

	if ((year = take_digits(p, 4, 4)) < 0 || !take_char(p, '-') || (month = take_digits(p, 2, 2)) < 0 ||
	    !take_char(p, '-') || (dom = take_digits(p, 2, 2)) < 0)
		return false;
	return day_make(out, year, month, dom);
}

enum rc day_parse(day *out, const char *text)
{
	const char *p = text;
	day d;

	if (!text || !take_date(&p, &d) || *p != '\0') return RC_BAD_INPUT;
	*out = d;
	return RC_OK;
}

enum rc day_parse_any(day *out, const char *text)
{
	const char *p = text;
	int year, month, dom;
	char between;
	day d;

	if (day_parse(out, text) == RC_OK) return RC_OK;
	if (!text || (dom = take_digits(&p, 1, 2)) < 0 || (*p != '/' && *p != '-')) return RC_BAD_INPUT;
	between = *p++;
	if ((month = take_digits(&p, 1, 2)) < 0 || !take_char(&p, between) ||
	    (year = take_digits(&p, 4, 4)) < 0 || *p != '\0' || !day_make(&d, year, month, dom))
		return RC_BAD_INPUT;
	*out = d;
	return RC_OK;
}

/* Four figures hold the years 1…9999. Anything else is no date and is written as one that no parser takes. */
static void split_for_text(day d, int *year, int *month, int *dom)
{
	day_split(d, year, month, dom);
	if (*year < 1 || *year > 9999) *year = *month = *dom = 0;
}

void day_text(char out[DATE_SIZE], day d)
{
	int year, month, dom;

	split_for_text(d, &year, &month, &dom);
	snprintf(out, DATE_SIZE, "%04u-%02u-%02u", (unsigned)year % 10000, (unsigned)month % 100,
		 (unsigned)dom % 100);
}

void day_text_local(char out[DATE_SIZE], day d)
{
	int year, month, dom;

	split_for_text(d, &year, &month, &dom);
	snprintf(out, DATE_SIZE, "%02u/%02u/%04u", (unsigned)dom % 100, (unsigned)month % 100,
		 (unsigned)year % 10000);
}

/* Instants as text */

/*
** hh:mm[:ss[.fraction]] in milliseconds; more than three figures of a fraction are cut off. -1: no such time.
*/
static int64_t take_time(const char **p)
{
	int hour, minute, second = 0, ms = 0, scale = MS_PER_SECOND / 10;

	if ((hour = take_digits(p, 2, 2)) < 0 || !take_char(p, ':') || (minute = take_digits(p, 2, 2)) < 0)
		return -1;
	if (take_char(p, ':')) {
		if ((second = take_digits(p, 2, 2)) < 0) return -1;
		if (take_char(p, '.')) {
			if (**p < '0' || **p > '9') return -1;
			for (; **p >= '0' && **p <= '9'; (*p)++, scale /= 10)
				ms += (**p - '0') * scale;
		}
	}
	if (hour > 23 || minute > 59 || second > 60) return -1;
	return hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + ms;
}

static bool take_offset(const char **p, int64_t *out)
{
	int sign, hour, minute;

	if (take_char(p, 'Z') || take_char(p, 'z')) {
		*out = 0;
		return true;
	}
	if (**p != '+' && **p != '-') return false;
	sign = *(*p)++ == '-' ? -1 : 1;
	if ((hour = take_digits(p, 2, 2)) < 0 || !take_char(p, ':') || (minute = take_digits(p, 2, 2)) < 0 ||
	    hour > 23 || minute > 59)
		return false;
	*out = sign * (hour * HOUR_MS + minute * MINUTE_MS);
	return true;
}

enum rc instant_parse(instant *out, const char *rfc3339)
{
	const char *p = rfc3339;
	int64_t time_ms, offset_ms;
	bool is_leap_second;
	instant at;
	day d;

	if (!rfc3339 || !take_date(&p, &d) || (*p != 'T' && *p != 't' && *p != ' ')) return RC_BAD_INPUT;
	p++;
	is_leap_second = strlen(p) > 8 && p[5] == ':' && p[6] == '6' && p[7] == '0';
	if ((time_ms = take_time(&p)) < 0 || !take_offset(&p, &offset_ms) || *p != '\0') return RC_BAD_INPUT;
	at = d * DAY_MS + time_ms - offset_ms;
	/*
	** RFC 3339 §5.7: a second 60 exists only at the end of a UTC day; we count it as the next day's
	** first.
	*/
	if (is_leap_second && (at % DAY_MS + DAY_MS) % DAY_MS >= SECOND_MS) return RC_BAD_INPUT;
	*out = at;
	return RC_OK;
}

static void write_civil(char out[RFC3339_SIZE], struct civil c, int offset_s, bool is_utc)
{
	char date[DATE_SIZE];
	unsigned offset_min = (unsigned)(offset_s < 0 ? -offset_s : offset_s) / 60;

	day_text(date, c.day);
	if (is_utc)
		snprintf(out, RFC3339_SIZE, "%.10sT%02u:%02u:%02u.%03uZ", date, (unsigned)c.hour % 100,
			 (unsigned)c.minute % 100, (unsigned)c.second % 100, (unsigned)c.ms % 1000);
	else
		snprintf(out, RFC3339_SIZE, "%.10sT%02u:%02u:%02u.%03u%c%02u:%02u", date,
			 (unsigned)c.hour % 100, (unsigned)c.minute % 100, (unsigned)c.second % 100,
			 (unsigned)c.ms % 1000, offset_s < 0 ? '-' : '+', offset_min / 60 % 100,
			 offset_min % 60);
}

void instant_text(char out[RFC3339_SIZE], instant at)
{
	write_civil(out, civil_at(at, 0), 0, true);
}

/*
** RFC 3339 offsets have whole minutes; before about 1900 zones had seconds too (local mean time). Then the
** instant is written with the offset cut to minutes and the civil time that belongs to it: still the same
** instant.
*/
void instant_text_zone(char out[RFC3339_SIZE], instant at, const struct zone *z)
{
	int offset_s = zone_offset_s(z, at) / 60 * 60;

	write_civil(out, civil_at(at, offset_s), offset_s, false);
}

void instant_text_local(char out[RFC3339_SIZE], instant at, const struct zone *z)
{
	struct civil c = zone_civil(z, at);
	char date[DATE_SIZE];

	day_text_local(date, c.day);
	snprintf(out, RFC3339_SIZE, "%.10s %02u:%02u", date, (unsigned)c.hour % 100,
		 (unsigned)c.minute % 100);
}
