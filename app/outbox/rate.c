/*
** rate.c -- how many messages of a channel may leave in an hour, a day, a month.
**
** Counted is what was handed over: accepted, or not known for certain. One row an hour and channel, written
** in the transaction that settles, so that a count survives any end of the program; a month is at most 745
** rows, read once an hour.
**
** Owns:   the table channel_hour.
** Never:  decides about a message: round.c claims no more than there is room for.
** Holds:  (1) an hour's row is written in the transaction of what it counts; (2) periods are those of the
**         business's zone, or of UTC where the channel says so.
*/
#include "outbox/rate.h"

#include <stdio.h>
#include <string.h>

#define KEEP_MS (400 * DAY_MS) /* a year and a month: what a chart of a year compares */

static const char *const keys[RATE__MAX] = { "per_hour", "per_day", "per_month" };
static const char *const whys[RATE__MAX] = { "hour_cap", "day_cap", "month_cap" };

void rate_name(struct rate_names *out, const char *section)
{
	for (int i = 0; i < RATE__MAX; i++)
		snprintf(out->of[i], sizeof(out->of[i]), "%s.%s", section, keys[i]);
}

void rate_caps(int64_t caps[RATE__MAX], const struct rate_names *names, const struct settings *s)
{
	for (int i = 0; i < RATE__MAX; i++)
		caps[i] = settings_find(s, names->of[i]) != NULL ? setting_int(s, names->of[i]) : 0;
}

void rate_caps_of(int64_t caps[RATE__MAX], const struct rate_names *names, const struct channel_kind *kind,
		  const struct settings *s)
{
	int64_t own[RATE__MAX] = { 0 };

	rate_caps(caps, names, s);
	if (kind == NULL || kind->caps == NULL) return;
	kind->caps(own, s);
	for (int i = 0; i < RATE__MAX; i++)
		if (own[i] > 0 && (caps[i] <= 0 || own[i] < caps[i])) caps[i] = own[i];
}

const struct zone *rate_zone(const struct channel *c, const struct env *env)
{
	const struct zone *utc = c != NULL && c->has_utc_periods ? zone_find("UTC") : NULL;

	return utc != NULL ? utc : env->zone;
}

/* The hour on those clocks: where a zone is half an hour off, its hours are, too. */
static instant hour_of(const struct zone *zone, instant at)
{
	struct civil c = zone_civil(zone, at);

	return at - c.minute * MINUTE_MS - c.second * SECOND_MS - c.ms;
}

static void set_periods(struct rate_used *u, const struct zone *zone, instant now)
{
	day today = zone_day(zone, now), first;
	int year, month, dom;

	day_split(today, &year, &month, &dom);
	first = today - (dom - 1);
	u->from[RATE_HOUR] = hour_of(zone, now);
	u->until[RATE_HOUR] = u->from[RATE_HOUR] + HOUR_MS;
	u->from[RATE_DAY] = zone_midnight(zone, today);
	u->until[RATE_DAY] = zone_midnight(zone, today + 1);
	u->from[RATE_MONTH] = zone_midnight(zone, first);
	u->until[RATE_MONTH] = zone_midnight(zone, day_add_months(first, 1));
}

bool rate_is_current(const struct rate_used *u, instant now)
{
	return u->from[RATE_HOUR] != 0 && now >= u->from[RATE_HOUR] && now < u->until[RATE_HOUR];
}

enum rc rate_read(struct cx *cx, struct rate_used *out, int64_t account, const struct zone *zone, instant now)
{
	struct rate_used u;
	enum rc rc = RC_OK;

	memset(&u, 0, sizeof(u));
	set_periods(&u, zone, now);
	for (int i = 0; rc == RC_OK && i < RATE__MAX; i++)
		rc = db_get_int(
			cx, &u.count[i],
			"SELECT coalesce(sum(sent), 0) FROM channel_hour WHERE channel_account_id = :account"
			" AND hour_at >= :from AND hour_at < :until",
			PARAMS(P_INT(":account", account), P_INT(":from", u.from[i]),
			       P_INT(":until", u.until[i])));
	if (rc == RC_OK) *out = u;
	return rc;
}

enum rc rate_forget(struct cx *cx, int64_t account, instant now)
{
	return db_run(cx,
		      "DELETE FROM channel_hour WHERE channel_account_id = :account AND hour_at < :before",
		      PARAMS(P_INT(":account", account), P_INT(":before", now - KEEP_MS)));
}

enum rc rate_add(struct cx *cx, struct rate_used *u, int64_t account, const struct zone *zone, int64_t n)
{
	instant hour = hour_of(zone, cx_now(cx));
	enum rc rc = db_run(
		cx,
		"INSERT INTO channel_hour (channel_account_id, hour_at, sent) VALUES (:account, :hour, :n)"
		" ON CONFLICT (channel_account_id, hour_at) DO UPDATE SET sent = sent + excluded.sent",
		PARAMS(P_INT(":account", account), P_INT(":hour", hour), P_INT(":n", n)));

	for (int i = 0; i < RATE__MAX; i++)
		u->count[i] += n;
	return rc;
}

enum rc rate_add_lost(struct cx *cx)
{
	const struct channel *c;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && (c = channel_at(i)) != NULL; i++)
		rc = db_run(
			cx,
			"INSERT INTO channel_hour (channel_account_id, hour_at, sent) SELECT channel_account_id, :hour, count(*)"
			" FROM message WHERE state = 'sending' AND channel_account_id IN (SELECT id FROM channel_account"
			" WHERE name = :channel) GROUP BY channel_account_id"
			" ON CONFLICT (channel_account_id, hour_at) DO UPDATE SET sent = sent + excluded.sent",
			PARAMS(P_TEXT(":channel", c->name),
			       P_INT(":hour", hour_of(rate_zone(c, cx->env), cx_now(cx)))));
	return rc;
}

int64_t rate_room(const struct rate_used *u, const int64_t caps[RATE__MAX], const char **why, instant *until)
{
	int64_t room = INT64_MAX;

	for (int i = 0; i < RATE__MAX; i++) {
		int64_t left = caps[i] - u->count[i];

		if (caps[i] <= 0) continue;
		if (left < room) room = left > 0 ? left : 0;
		if (left > 0) continue;
		*why = whys[i];
		*until = u->until[i];
	}
	return room;
}

bool rate_is_why(const char *why)
{
	for (int i = 0; i < RATE__MAX; i++)
		if (strcmp(why, whys[i]) == 0) return true;
	return false;
}
