/*
** clock.h -- instants, civil dates and zones.
**
** instant: milliseconds since 1970 UTC (columns _at). day: days since 1970-01-01
** (columns _on hold its text YYYY-MM-DD). Zones come from embedded TZif data
** (RFC 8536); the process's TZ is never used. Thread-safe.
*/
#ifndef RECADO_BASE_CLOCK_H
#define RECADO_BASE_CLOCK_H

#include "base/rc.h"

typedef int64_t instant;
typedef int32_t day;

#define SECOND_MS    INT64_C(1000)
#define MINUTE_MS    (60 * SECOND_MS)
#define HOUR_MS      (60 * MINUTE_MS)
#define DAY_MS       (24 * HOUR_MS)
#define DATE_SIZE    11 /* "2026-11-22" and NUL                          */
#define RFC3339_SIZE 32 /* "2026-11-22T09:00:00.000-05:00" and NUL       */

struct clock;
/* The real clock, or one that starts at `start` now and walks on (0: real). Long-lived. */
struct clock *clock_new(instant start);
void clock_free(struct clock *c);
instant clock_now(const struct clock *c);
void clock_shift(struct clock *c, int64_t by_ms); /* tests: jump */
/*
** The last instant that was surely right; 0 = none known, then nothing is doubtful. From then on the clock is
** doubtful while it is further ahead of it, and of the time that passed since, than CLOCK_LEAP_MS: by then
** everything is late, texts are old, subscriptions over. Whoever acts by himself because of the hour asks
** first and waits for the correction, or for a person who says that it is right. Thread-safe.
*/
/* nobody leaves the machine off for longer and then wonders about a question */
#define CLOCK_LEAP_MS (90 * DAY_MS)
void clock_set_known(struct clock *c, instant known);
bool clock_is_doubtful(const struct clock *c);
int64_t clock_ticks(void);    /* monotonic milliseconds, for time limits only */
int64_t clock_ticks_us(void); /* …microseconds, for what a piece of work took */

struct civil {
	day day;
	int hour, minute, second, ms;
};

struct zone;
/* A zone by IANA name ("America/Guayaquil"), cached for the life of the process; NULL if unknown. */
const struct zone *zone_find(const char *name);
const char *zone_name(const struct zone *z);
int zone_offset_s(const struct zone *z, instant at); /* seconds east of UTC at that instant */
struct civil zone_civil(const struct zone *z, instant at);
day zone_day(const struct zone *z, instant at);
/* The instant of a civil time. In a gap: the first instant after it. In a repeated hour: the first one. */
instant zone_instant(const struct zone *z, struct civil c);
instant zone_midnight(const struct zone *z, day d); /* first instant of that day */

enum rc day_parse(day *out, const char *text) MUST_CHECK;     /* YYYY-MM-DD, real dates 1900…2199 only */
enum rc day_parse_any(day *out, const char *text) MUST_CHECK; /* also d/m/yyyy and d-m-yyyy       */
void day_text(char out[DATE_SIZE], day d);                    /* YYYY-MM-DD                          */
void day_text_local(char out[DATE_SIZE], day d);              /* dd/mm/yyyy                          */
void day_split(day d, int *year, int *month, int *dom);
bool day_make(day *out, int year, int month, int dom); /* false: no such date                 */
day day_add_months(day d, int months);                 /* clamped to the month's end          */
int day_weekday(day d);                                /* 0 = Sunday                          */

enum rc instant_parse(instant *out, const char *rfc3339) MUST_CHECK;              /* offset or Z required */
void instant_text(char out[RFC3339_SIZE], instant at);                            /* UTC, Z                 */
void instant_text_zone(char out[RFC3339_SIZE], instant at, const struct zone *z); /* with offset */
void instant_text_local(char out[RFC3339_SIZE], instant at, const struct zone *z); /* dd/mm/yyyy HH:MM */

#endif
