/*
** statistics.h -- figures of the notices over a range of days, and what the panel counts.
**
** Holds: every figure counts rows that a list shows, by the same condition, so that its link leads to exactly
** those rows; who does not see everybody's customers gets the figures of the own ones.
*/
#ifndef RECADO_RENEWALS_STATISTICS_H
#define RECADO_RENEWALS_STATISTICS_H

#include "renewals/resources.h"

#define STATS_DAYS_MAX 400          /* a year and a bit of days at once                              */
#define CONVERT_MS     (7 * DAY_MS) /* a renewal within that time counts for the notice (spec §12)     */
#define ANSWER_MS      DAY_MS       /* an answer within that time counts for it; the next one is due then */

/* The message whose state a notice has: as the list of notices reads it (resources.c). */
#define NOTICE_MESSAGE \
	"coalesce((SELECT max(x.id) FROM message x WHERE x.replaces_id = n.message_id), n.message_id)"
#define HAS_LEFT "m.state IN ('sent', 'delivered', 'read')"
/* Of a table with client_id (or alias before it): the actor's own; binds :all and :actor. */
#define SEEN_OF(alias) "(:all OR " alias "client_id IN " OWN_CLIENTS ")"
#define P_SEEN(cx)     P_INT(":all", actor_may(&(cx)->actor, RIGHT_ALL)), P_INT(":actor", (cx)->actor.user_id)
#define NOT_PENDING    "generation NOT IN (SELECT id FROM pending_generation)"

/* {days, stages, months, errors, hours, sums, kpi} of from…to, see statistics.c. Own notices only, as the
** actor sees them. RC_BAD_INPUT for a range that is none. */
enum rc statistics_read(struct cx *cx, struct value **out, day from, day to) MUST_CHECK;

/* conversion.c: into data, whose `stages` and `months` count the notices: renewed and percent beside each;
** and into kpi: renewals, renewals_last_day. */
enum rc conversion_fill(struct cx *cx, struct value *data, day from, day to) MUST_CHECK;
/* Rounded to whole percent; 0 of 0 is 0. */
int64_t percent_of(int64_t part, int64_t whole);
/* The row of a list whose column holds n, NULL if none. */
struct value *row_by_int(const struct value *rows, const char *column, int64_t n);

/* Small readers of maps. */
static inline int64_t int_in(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}
static inline const char *text_in(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}
static inline struct value *list_in(const struct value *map, const char *name)
{
	return (struct value *)(uintptr_t)value_get(map, name);
}

#endif
