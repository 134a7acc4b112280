/*
** alarm_clock.c -- is the clock right? Against the last instant that was surely so.
**
** Owns:   the key alarms.clock of meta: that instant, written at most every ten minutes.
** Needs:  work_clock_state() for jumps that the scheduler noticed.
** Never:  corrects the clock. While it is doubtful (clock.h) scheduler, workers and the channels to people
**         wait by themselves; when it was put back the scheduler plans anew.
** Holds:  (1) an instant that cannot be right is never kept as known; (2) what was corrected is over at the
** next look;
**         (3) a clock that is behind stays an alert until it has caught up or a person says that it is right.
*/
#include "ops/alarm.h"

#include <stdio.h>
#include <stdlib.h>

#define KNOWN_KEY      "alarms.clock"
#define KNOWN_EVERY_MS (10 * MINUTE_MS)
/* above KNOWN_EVERY_MS and what a time server corrects at a start */
#define BEHIND_LEAST_MS (15 * MINUTE_MS)
#define FIRST_DAY       20454         /* 2026-01-01: before this program was written */
#define JUMP_TOLD_MS    (6 * HOUR_MS) /* a jump that was corrected or is right is of no interest later */
#define JUMP_LEAST_MS   (15 * MINUTE_MS)

enum alarm_clock alarm_clock_of(instant now, instant last_known)
{
	if (now < (instant)FIRST_DAY * DAY_MS) return ALARM_CLOCK_BEHIND;
	if (last_known == 0) return ALARM_CLOCK_FINE;
	if (now < last_known - BEHIND_LEAST_MS) return ALARM_CLOCK_BEHIND;
	return now - last_known > CLOCK_LEAP_MS ? ALARM_CLOCK_AHEAD : ALARM_CLOCK_FINE;
}

static enum rc known_read(struct cx *cx, instant *out)
{
	const char *text = "";
	enum rc rc = meta_get(cx, &text, KNOWN_KEY);

	*out = rc == RC_OK ? strtoll(text, NULL, 10) : 0;
	return rc;
}

static enum rc known_write(struct cx *cx, instant at)
{
	char text[32];
	enum rc rc = tx_begin(cx);

	snprintf(text, sizeof(text), "%lld", (long long)at);
	if (rc == RC_OK) rc = meta_set(cx, KNOWN_KEY, text);
	return tx_end(cx, rc);
}

enum rc alarm_clock_accept(struct cx *cx)
{
	enum rc rc = known_write(cx, cx_now(cx));

	if (rc != RC_OK) return rc;
	clock_set_known(cx->env->clock, cx_now(cx));
	env_wake(cx->env, WAKE_WORK);
	env_wake(cx->env, WAKE_OUTBOX);
	return RC_OK;
}

enum rc alarm_clock_start(struct cx *cx)
{
	instant known = 0;
	enum rc rc = known_read(cx, &known);

	if (rc == RC_OK) clock_set_known(cx->env->clock, known);
	if (rc == RC_OK && clock_is_doubtful(cx->env->clock))
		log_event(LOG_ERROR, "errors", "clock.doubtful", "known=%lld now=%lld", (long long)known,
			  (long long)cx_now(cx));
	return rc;
}

enum rc alarm_look_clock(struct cx *cx, struct alarm_look *l)
{
	struct work_clock state = { 0 };
	instant now = cx_now(cx), known = 0;
	char at[RFC3339_SIZE];
	enum rc rc = known_read(cx, &known);
	enum alarm_clock is;

	if (rc == RC_OK) rc = work_clock_state(cx, &state);
	if (rc != RC_OK) return rc;
	is = alarm_clock_of(now, known);
	/* Put back while we ran: the scheduler saw it, whatever was known. */
	if (is == ALARM_CLOCK_FINE && state.jump_ms <= -JUMP_LEAST_MS && now - state.jump_at < JUMP_TOLD_MS &&
	    now >= state.jump_at && now < state.jump_at - state.jump_ms)
		is = ALARM_CLOCK_JUMPED;
	instant_text_local(at, known, cx->env->zone);
	if (is == ALARM_CLOCK_BEHIND)
		alarm_found(
			l, "", "urgent",
			N_("The clock of this machine is behind: it was already %s. Notices do not leave on their day."),
			at);
	else if (is == ALARM_CLOCK_AHEAD)
		alarm_found(
			l, "", "urgent",
			N_("The clock of this machine is far ahead of the last time it was right, %s. Nothing runs or leaves by itself until it is corrected or you say that it is right."),
			at);
	else if (is == ALARM_CLOCK_JUMPED)
		alarm_found(l, "", "warning",
			    N_("The clock of this machine was put back. Look whether it is right now."), "");
	if (is == ALARM_CLOCK_FINE) clock_set_known(cx->env->clock, now);
	if (is == ALARM_CLOCK_FINE && (now - known >= KNOWN_EVERY_MS || now < known))
		rc = known_write(cx, now);
	return rc;
}
