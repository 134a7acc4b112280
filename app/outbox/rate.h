/*
** rate.h -- how many messages of a channel may leave in an hour, a day, a month. For the room and its tests.
*/
#ifndef RECADO_OUTBOX_RATE_H
#define RECADO_OUTBOX_RATE_H

#include "outbox/channel.h"
#include "outbox/outbox.h"

enum rate_period { RATE_HOUR, RATE_DAY, RATE_MONTH, RATE__MAX };

/* Names of the settings of one channel: "smtp.per_hour"… */
struct rate_names {
	char of[RATE__MAX][32];
};

/* What left in the running hour, day and month of the channel's zone. */
struct rate_used {
	instant from[RATE__MAX], until[RATE__MAX]; /* the period: from <= t < until; from 0 = not read yet */
	int64_t count[RATE__MAX];
};

void rate_name(struct rate_names *out, const char *section);
/* The channel's caps, 0 = none; a setting that the house does not have is none. */
void rate_caps(int64_t caps[RATE__MAX], const struct rate_names *names, const struct settings *s);
/* The same with the plug-in's own: of two the smaller one counts. */
void rate_caps_of(int64_t caps[RATE__MAX], const struct rate_names *names, const struct channel_kind *kind,
		  const struct settings *s);
/* Whose hours, days and months count: the business's, or UTC where the provider counts so. */
const struct zone *rate_zone(const struct channel *c, const struct env *env);
/* Is the count still that of now? */
bool rate_is_current(const struct rate_used *u, instant now);
/* Count anew from the table, for the periods around now. */
enum rc rate_read(struct cx *cx, struct rate_used *out, int64_t account, const struct zone *zone,
		  instant now) MUST_CHECK;
/* Hours of more than a year ago. In a write transaction. */
enum rc rate_forget(struct cx *cx, int64_t account, instant now) MUST_CHECK;
/* n more left: in the caller's write transaction, and in *u if it is read. */
enum rc rate_add(struct cx *cx, struct rate_used *u, int64_t account, const struct zone *zone,
		 int64_t n) MUST_CHECK;
/* At start: those in flight when the program ended may have left. In a write transaction. */
enum rc rate_add_lost(struct cx *cx) MUST_CHECK;
/* How many more may leave now (INT64_MAX: no cap). 0: *why = "hour_cap", "day_cap", "month_cap" and *until
** when the longest of the full periods ends. Pure. */
int64_t rate_room(const struct rate_used *u, const int64_t caps[RATE__MAX], const char **why, instant *until);
/* The word of a period whose cap is reached? */
bool rate_is_why(const char *why);

#endif
