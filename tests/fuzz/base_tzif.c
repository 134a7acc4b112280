/*
** base_tzif.c -- any bytes as a zone file, and any bytes as a TZ footer: refused or answered, never harmful.
*/
#include "base/zone.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const instant at[] = {
		INT64_MIN, -INT64_C(4000000000000), 0, INT64_C(1795356000000), INT64_C(7000000000000),
		INT64_MAX
	};
	struct zone_rule rule;
	struct zone *z = NULL;
	size_t i;

	if (zone_parse(&z, "Fuzz/Fuzz", p, n) == RC_OK) {
		for (i = 0; i < sizeof(at) / sizeof(*at); i++) {
			struct civil c = zone_civil(z, at[i]);
			instant back = zone_instant(z, c);

			/* The first instant that shows this civil time is never after one that does. */
			if (i > 0 && i < sizeof(at) / sizeof(*at) - 1 && back > at[i]) abort();
		}
		zone_free(z);
	}
	if (zone_rule_parse(&rule, (const char *)p, n) == RC_OK) {
		for (i = 0; i < sizeof(at) / sizeof(*at); i++) {
			int64_t next_s;
			int32_t offset_s = zone_rule_offset(&rule, at[i] / SECOND_MS, &next_s);

			if (offset_s < -26 * 3600 || offset_s > 26 * 3600 || next_s <= at[i] / SECOND_MS)
				abort();
		}
	}
	return 0;
}
