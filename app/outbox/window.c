/*
** window.c -- quiet hours and pauses: pure reckoning.
**
** Never:  reads a setting or a clock; both are handed in.
*/
#include "outbox/window.h"

#define JITTER_TENTHS 3 /* contract sheet §5: 6 s plus 0 to 3 s */

bool window_is_open(const struct zone *zone, instant now, int64_t from, int64_t to)
{
	struct civil c = zone_civil(zone, now);
	int64_t minute = c.hour * 60 + c.minute;

	if (from == to) return true;
	if (from < to) return minute >= from && minute < to;
	return minute >= from || minute < to;
}

int64_t pause_with_jitter(int64_t pause_ms, uint32_t random)
{
	int64_t most = pause_ms * JITTER_TENTHS / 10;

	if (pause_ms <= 0) return 0;
	return pause_ms + (most > 0 ? (int64_t)(random % (uint32_t)(most + 1)) : 0);
}
