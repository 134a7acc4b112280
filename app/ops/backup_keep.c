/*
** backup_keep.c -- which backups stay: by day, week and month of the business, never the last good one.
**
** Owns:   nothing. Pure.
** Holds:  (1) the newest proved one stays; (2) what is younger than the rule's days stays; (3) a gap costs
**         nothing: days, weeks and months without a backup do not count.
*/
#include "ops/backup.h"

#define WEEKDAY_OF_DAY_0 4 /* 1970-01-01 was a Thursday; weeks begin on Monday */

static int64_t day_number(day d)
{
	return d;
}

static int64_t week_number(day d)
{
	int64_t from_monday = (int64_t)d + WEEKDAY_OF_DAY_0 - 1;

	return from_monday >= 0 ? from_monday / 7 : (from_monday - 6) / 7;
}

static int64_t month_number(day d)
{
	int year, month, dom;

	day_split(d, &year, &month, &dom);
	return (int64_t)year * 12 + month - 1;
}

/* One of each of the newest `places` stretches of time stays. Items of a stretch stand together: newest
** first. */
static void choose(struct keep_item *items, size_t count, int places, const struct zone *zone,
		   int64_t (*number)(day d))
{
	size_t i = 0;

	while (i < count && places > 0) {
		int64_t stretch = number(zone_day(zone, items[i].at));
		size_t chosen = i;

		for (; i < count && number(zone_day(zone, items[i].at)) == stretch; i++)
			if (items[i].is_proved && !items[chosen].is_proved) chosen = i;
		items[chosen].is_kept = true;
		places--;
	}
}

void backup_choose(struct keep_item *items, size_t count, const struct keep_rule *rule,
		   const struct zone *zone, instant now)
{
	bool has_proved = false;

	for (size_t i = 0; i < count; i++) {
		/* Of the future: the clock was wrong once, or is now. Nobody knows which, so it stays. */
		items[i].is_kept = now - items[i].at < (int64_t)rule->days * DAY_MS || items[i].at > now;
		if (items[i].is_proved && !has_proved) items[i].is_kept = has_proved = true;
	}
	choose(items, count, rule->daily, zone, day_number);
	choose(items, count, rule->weekly, zone, week_number);
	choose(items, count, rule->monthly, zone, month_number);
}
