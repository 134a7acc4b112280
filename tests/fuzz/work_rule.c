/*
** work_rule.c -- fuzz entry of the schedule rules: any text, any instant, a few zones.
**
** Checks: the parser is total; a due time is later than what it was asked after, whole to the
** minute of its zone, and asking again from just before it gives the same one.
*/
#include "work/rule.h"
#include "work/work.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const zones[] = { "America/Guayaquil", "America/New_York", "Pacific/Apia",
					     "Europe/Dublin" };
	const char *why = NULL;
	const struct zone *zone;
	instant after, at, again;
	char text[300];
	size_t len;

	if (n < 9) return 0;
	zone = zone_find(zones[p[0] % 4]);
	memcpy(&after, p + 1, sizeof after);
	len = n - 9 < sizeof text - 1 ? n - 9 : sizeof text - 1;
	memcpy(text, p + 9, len);
	text[len] = '\0';
	if (rule_next(&at, &why, text, zone, after) != RC_OK) {
		if (!why) abort();
		return 0;
	}
	if (at <= after || rule_next(&again, &why, text, zone, at - 1) != RC_OK || again != at) abort();
	return 0;
}
