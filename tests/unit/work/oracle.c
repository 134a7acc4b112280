/* oracle.h says what this is. */
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t dice(uint64_t *seed, uint64_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % below;
}

/* The zone's clocks */

void calendar_make(struct calendar *c, const struct zone *zone, instant from, instant to)
{
	*c = (struct calendar){ .zone = zone, .count = 1 };
	c->at[0] = (struct stretch){ from, to, zone_offset_s(zone, from) * SECOND_MS };
	for (instant t = from; t < to; t += 6 * HOUR_MS) {
		struct stretch *last = &c->at[c->count - 1];
		instant low = t, high = t + 6 * HOUR_MS;

		if (zone_offset_s(zone, high) * SECOND_MS == last->offset_ms) continue;
		while (high - low > 1) {
			instant middle = low + (high - low) / 2;

			if (zone_offset_s(zone, middle) * SECOND_MS == last->offset_ms)
				low = middle;
			else
				high = middle;
		}
		last->to = high;
		if (c->count == sizeof c->at / sizeof *c->at) abort();
		c->at[c->count++] = (struct stretch){ high, to, zone_offset_s(zone, high) * SECOND_MS };
	}
}

/* When the wall shows day and minute for the first time; when it never does, when it first shows more. */
static instant shown_at(const struct calendar *c, int64_t day_number, int minute)
{
	int64_t wall = day_number * DAY_MS + minute * MINUTE_MS;

	for (size_t i = 0; i < c->count; i++) {
		instant t = wall - c->at[i].offset_ms;

		if (t < c->at[i].from) return c->at[i].from; /* the clocks jumped over it */
		if (t < c->at[i].to) return t;
	}
	return INT64_MAX;
}

/* Days */

/* Month and day of the month, counted from 1 March 0000 in 400-year eras. */
static void split(int64_t day_number, int *month, int *dom)
{
	int64_t days = day_number + 719468;
	int64_t era = days / 146097, of_era = days % 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t shifted = (5 * of_year + 2) / 153;

	(void)era;
	*dom = (int)(of_year - (153 * shifted + 2) / 5 + 1);
	*month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
}

static bool is_wished_day(const struct wish *w, int64_t day_number)
{
	int month, dom, weekday = (int)((day_number + 4) % 7); /* 1 January 1970 was a Thursday */
	bool dom_fits, dow_fits;

	split(day_number, &month, &dom);
	dom_fits = w->doms >> dom & 1;
	dow_fits = w->dows >> weekday & 1;
	if (!(w->months >> month & 1)) return false;
	if (w->any_dom && w->any_dow) return true;
	if (w->any_dom) return dow_fits;
	if (w->any_dow) return dom_fits;
	return dom_fits || dow_fits;
}

struct times {
	instant *at;
	size_t count, room;
	instant after, until;
};

static void add(struct times *t, instant at)
{
	if (at <= t->after || at > t->until) return;
	if (t->count > 0 && t->at[t->count - 1] == at) return; /* two that the same gap swallowed */
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 512;
		t->at = realloc(t->at, t->room * sizeof *t->at);
		if (!t->at) abort();
	}
	t->at[t->count++] = at;
}

instant *oracle_times(size_t *count, const struct wish *w, const struct calendar *c, instant after,
		      instant until)
{
	struct times t = { .after = after, .until = until };

	for (int64_t d = after / DAY_MS - 2; d <= until / DAY_MS + 2; d++) {
		if (w->is_interval) {
			instant end = shown_at(c, d + 1, 0);

			for (instant at = shown_at(c, d, 0) + w->after_min * MINUTE_MS; at < end;
			     at += w->every_min * MINUTE_MS)
				add(&t, at);
			continue;
		}
		if (!is_wished_day(w, d)) continue;
		for (int minute = 0; minute < 24 * 60; minute++)
			if ((w->hours >> (minute / 60) & 1) && (w->minutes >> (minute % 60) & 1))
				add(&t, shown_at(c, d, minute));
	}
	*count = t.count;
	return t.at;
}

/* Made-up wishes */

#define EVERY_DOM   UINT32_C(0xfffffffe)
#define EVERY_MONTH UINT32_C(0x1ffe)

static const char *const names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

static int quarter(uint64_t *seed)
{
	return 15 * (int)dice(seed, 4); /* few minutes an hour: the clock of a simulation has fewer stops */
}

static void make_interval(struct wish *w, uint64_t *seed)
{
	static const int lengths[] = { 240, 360, 480, 720, 1020, 1440 };

	w->is_interval = true;
	w->every_min = lengths[dice(seed, 6)];
	w->after_min = dice(seed, 3) ? 15 * (int)dice(seed, 40) : 0;
	if (w->after_min)
		snprintf(w->text, sizeof w->text, "every %d min after %d min", w->every_min, w->after_min);
	else
		snprintf(w->text, sizeof w->text, "every %d min", w->every_min);
}

void wish_make_up(struct wish *w, uint64_t *seed)
{
	int minute = quarter(seed), hour = (int)dice(seed, 24), other = (int)dice(seed, 24);
	int dom = 1 + (int)dice(seed, 31), dow = (int)dice(seed, 7), month = 1 + (int)dice(seed, 12);

	*w = (struct wish){
		.doms = EVERY_DOM, .months = EVERY_MONTH, .dows = 0x7f, .any_dom = true, .any_dow = true
	};
	/* A third falls where clocks change: at midnight and in the small hours. */
	if (dice(seed, 3) == 0) hour = (int)dice(seed, 4);
	w->minutes = UINT64_C(1) << minute;
	w->hours = UINT32_C(1) << hour;
	switch (dice(seed, 10)) {
	case 0: snprintf(w->text, sizeof w->text, "%d %d * * *", minute, hour); break;
	case 1: /* twice in the same hour */
		w->minutes |= UINT64_C(1) << (minute + 30) % 60;
		snprintf(w->text, sizeof w->text, "%d,%d %d * * *", minute, (minute + 30) % 60, hour);
		break;
	case 2: /* twice a day */
		w->hours |= UINT32_C(1) << other;
		snprintf(w->text, sizeof w->text, "%d %d,%d * * *", minute, hour, other);
		break;
	case 3: /* weekly, by name */
		w->dows = 1U << dow;
		w->any_dow = false;
		snprintf(w->text, sizeof w->text, "%d %d * * %s", minute, hour, names[dow]);
		break;
	case 4: /* the working days, by a range */
		w->dows = 0x3e;
		w->any_dow = false;
		snprintf(w->text, sizeof w->text, "%d %d * * 1-5", minute, hour);
		break;
	case 5: /* monthly; some months lack the day */
		w->doms = UINT32_C(1) << dom;
		w->any_dom = false;
		snprintf(w->text, sizeof w->text, "%d %d %d * *", minute, hour, dom);
		break;
	case 6: /* either of both days; Sunday as 7 */
		w->doms = UINT32_C(1) << dom;
		w->dows = 1U << dow;
		w->any_dom = w->any_dow = false;
		snprintf(w->text, sizeof w->text, "%d %d %d * %d", minute, hour, dom, dow ? dow : 7);
		break;
	case 7: /* every sixth hour of one month in two, on Sundays and Wednesdays */
		w->hours = 1U | 1U << 6 | 1U << 12 | 1U << 18;
		w->months = EVERY_MONTH & 0x0aaa;
		w->dows = 0x9;
		w->any_dow = false;
		snprintf(w->text, sizeof w->text, "%d */6 * 1-11/2 sun,wed", minute);
		break;
	case 8: /* once a year */
		w->doms = UINT32_C(1) << dom;
		w->months = 1U << month;
		w->any_dom = false;
		snprintf(w->text, sizeof w->text, "%d %d %d %d *", minute, hour, dom, month);
		if (dom > 28) { /* a day that the month may lack: then another month */
			w->months = 1U << 1;
			snprintf(w->text, sizeof w->text, "%d %d %d jan *", minute, hour, dom);
		}
		break;
	default: make_interval(w, seed);
	}
}
