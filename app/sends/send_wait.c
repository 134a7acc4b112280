/*
** send_wait.c -- the provider cannot be asked about the template right now: the send waits and asks again.
**
** A gateway that is dead says nothing about a send. It waits by itself, longer each time, and only a definite
** answer
** (no such template, the key refused) or a wait that became longer than a send may be late hands it to a
** person.
**
** Owns:   the step sending → paused with the reasons "gateway" and "gateway_late"; of the job's place its
**         begin and count of tries.
** Needs:  a send without a batch: nothing was handed over.
** Holds:  (1) the wait ends at the hour from which on the send would be late (sends.max_late_min), whatever
**         was restarted in between: its begin is in the job's place; (2) a person's pause or cancel in
**         between stands.
*/
#include "sends/bulk_inner.h"

#include <string.h>

/* a restart over there is over then; the client has asked three times */
#define FIRST_WAIT_MS (15 * SECOND_MS)
/* nobody wants to wait longer than that for a gateway that is back */
#define MOST_WAIT_MS (15 * MINUTE_MS)

bool send_wait_is_worth(const struct cx *cx, enum rc rc)
{
	static const char *const words[] = { "connect_failed", "connection_error", "response_unparseable",
					     "doppler_http_408", "doppler_http_429" };
	const char *code = cx->error_code != NULL ? cx->error_code : "";

	if (rc != RC_TRY_LATER && rc != RC_IO) return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i], code) == 0) return true;
	return strncmp(code, "doppler_http_5", 14) == 0;
}

int64_t send_wait_ms(int64_t tries)
{
	int64_t ms = FIRST_WAIT_MS;

	while (--tries > 0 && ms < MOST_WAIT_MS)
		ms *= 2;
	return ms < MOST_WAIT_MS ? ms : MOST_WAIT_MS;
}

/* A timed send counts from its hour, unless it was late already when somebody started it. */
static instant wait_begin(struct cx *cx, const struct bulk *b, int64_t most)
{
	instant now = cx_now(cx);

	return b->scheduled_at != 0 && b->scheduled_at <= now && now - b->scheduled_at < most
		       ? b->scheduled_at
		       : now;
}

static enum rc keep_place(struct cx *cx, struct job *job, instant since, int64_t tries)
{
	struct value *place = value_map(cx->arena);

	value_set_int(cx->arena, place, "gateway_since", since);
	value_set_int(cx->arena, place, "gateway_tries", tries);
	return job_save_place(cx, job, place);
}

/* It waits already: the same pause, a later end. RC_CONFLICT: it is another's by now. */
static enum rc wait_on(struct cx *cx, const struct bulk *b, const struct bulk_edge *e)
{
	enum rc rc = db_run(
		cx,
		"UPDATE bulk_send SET status_why = :why, status_detail = :detail, paused_until_at = :until, updated_at = :now"
		" WHERE id = :id AND status = 'paused' AND status_why = '" WHY_GATEWAY "'",
		PARAMS(P_TEXT(":why", e->why), P_TEXT(":detail", e->detail), P_REF(":until", e->until),
		       P_INT(":now", cx_now(cx)), P_INT(":id", b->id)));

	return rc == RC_OK && db_changes(cx) != 1 ? RC_CONFLICT : rc;
}

static enum rc tell_late(struct cx *cx, const struct bulk *b)
{
	return alert_raise(
		cx, arena_printf(cx->arena, BULK_STUCK_ALERT, (long long)b->id), "urgent",
		N_("Bulk send %s could not start: its template could not be read for too long. Look at it, then resume it."),
		arena_printf(cx->arena, "%lld", (long long)b->id),
		arena_printf(cx->arena, "/sends/%s", b->public_id));
}

enum rc send_wait_for_gateway(struct cx *cx, struct job *job, const struct bulk *b, const char *why)
{
	int64_t most = setting_int(cx->env->settings, "sends.max_late_min") * MINUTE_MS;
	int64_t tries = value_int_of(value_get(job_place(job), "gateway_tries"), 0) + 1;
	instant since = value_int_of(value_get(job_place(job), "gateway_since"), 0), now = cx_now(cx);
	struct bulk_edge e = { .from = "sending", .to = "paused", .why = WHY_GATEWAY, .detail = why };
	enum rc rc;

	if (since == 0) since = wait_begin(cx, b, most);
	if (now - since >= most) {
		e.why = WHY_GATEWAY_LATE;
	} else {
		e.until = now + send_wait_ms(tries);
		if (e.until > since + most) e.until = since + most;
	}
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = send_is_unbegun(cx, b->id);
	if (rc == RC_OK) rc = bulk_is(b, "paused") ? wait_on(cx, b, &e) : bulk_move(cx, b->id, &e);
	if (rc == RC_OK) rc = keep_place(cx, job, e.until != 0 ? since : 0, e.until != 0 ? tries : 0);
	if (rc == RC_OK && e.until == 0) rc = tell_late(cx, b);
	rc = tx_end(cx, rc);
	if (rc == RC_OK)
		log_event(LOG_WARN, "app", "bulk.gateway", "id=%lld tries=%lld wait_s=%lld", (long long)b->id,
			  (long long)tries, (long long)(e.until != 0 ? (e.until - now) / SECOND_MS : -1));
	return rc == RC_CONFLICT ? RC_OK : rc; /* a person was quicker, or other work of the send */
}
