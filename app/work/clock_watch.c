/*
** clock_watch.c -- notices that the clock was put forward or back while nobody was looking.
**
** Owns:   the key work.clock_jump of meta: "WHEN BY", milliseconds.
** Never:  corrects anything itself; schedule.c checks all plans when the clock went back.
** Holds:  a jump is written down once, when it is noticed. A machine that slept has jumped forward.
*/
#include "work/inner.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY          "work.clock_jump"
#define BEHIND_LEAST HOUR_MS /* the newest job may be of a minute that a small correction took back */

static enum rc note_jump(struct cx *cx, instant now, int64_t by)
{
	char text[64];
	enum rc rc = tx_begin(cx);

	snprintf(text, sizeof text, "%lld %lld", (long long)now, (long long)by);
	if (rc == RC_OK) rc = meta_set(cx, KEY, text);
	log_event(LOG_WARN, "jobs", "clock.jump", "by_s=%lld", (long long)(by / SECOND_MS));
	return tx_end(cx, rc);
}

enum rc clock_watch(struct cx *cx, struct work *w)
{
	instant now = cx_now(cx);
	int64_t ticks = clock_ticks(), by = 0;

	if (w->clock_at == 0) /* what it was while we were off, nobody knows */
		w->must_check = true;
	else
		by = (now - w->clock_at) - (ticks - w->clock_ticks);
	if (now < w->clock_at) w->must_check = true;
	w->clock_at = now;
	w->clock_ticks = ticks;
	return by >= CLOCK_JUMP_MS || by <= -CLOCK_JUMP_MS ? note_jump(cx, now, by) : RC_OK;
}

enum rc work_clock_state(struct cx *cx, struct work_clock *out)
{
	const char *text = "";
	char *end = NULL;
	int64_t newest = 0;
	enum rc rc = meta_get(cx, &text, KEY);

	*out = (struct work_clock){ 0 };
	if (rc != RC_OK) return rc;
	if (text[0] != '\0') {
		out->jump_at = strtoll(text, &end, 10);
		out->jump_ms = strtoll(end, NULL, 10);
	}
	rc = db_get_int(cx, &newest,
			"SELECT coalesce((SELECT created_at FROM job ORDER BY id DESC LIMIT 1), 0)",
			NO_PARAMS);
	if (rc == RC_OK && newest - cx_now(cx) > BEHIND_LEAST) out->behind_ms = newest - cx_now(cx);
	return rc;
}
