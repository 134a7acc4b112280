/*
** zone.h -- the inside of zones, for zone.c, clock.c, their tests and the fuzzer. Others use clock.h.
*/
#ifndef RECADO_BASE_ZONE_H
#define RECADO_BASE_ZONE_H

#include "base/clock.h"

/* The longest IANA name has 32 characters ("America/Argentina/ComodRivadavia") */
#define ZONE_NAME_MAX 64

/* Read TZif bytes (RFC 8536, version 2 or later; leap seconds refused) into a new zone: zone_free it. */
enum rc zone_parse(struct zone **out, const char *name, const void *data, size_t len) MUST_CHECK;
void zone_free(struct zone *z); /* NULL is fine; never for one from zone_find() */

/* The civil time that a clock with this offset shows. Total: an instant beyond all calendars is clamped. */
struct civil civil_at(instant at, int offset_s);

/* End of a test process: free what zone_find() cached. No zone may be in use. */
void zone_forget(void);

/* The part of a TZ string that says when clocks change (RFC 8536 §3.3, POSIX TZ with hours to ±167). */
struct zone_change {
	enum { CHANGE_MONTH, CHANGE_JULIAN, CHANGE_DAY } kind; /* Mm.w.d, Jn, n */
	int month, week, weekday, day;
	int32_t time_s; /* civil seconds after that day's midnight, may be negative */
};

struct zone_rule {
	int32_t offset_s[2]; /* standard, summer: seconds east of UTC       */
	bool has_summer;
	struct zone_change change[2]; /* to summer, back to standard */
};

enum rc zone_rule_parse(struct zone_rule *out, const char *p, size_t len) MUST_CHECK;
/* Offset at a second since 1970, and the next second after it when the offset changes (INT64_MAX: never). */
int32_t zone_rule_offset(const struct zone_rule *r, int64_t at_s, int64_t *next_s);

#endif
