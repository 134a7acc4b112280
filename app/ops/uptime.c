/*
** uptime.c -- how long the house was there, from one row per run of the process.
**
**   start --row--> running --heartbeat each minute--> … --stop--> stopped_at, reason
**                                                      '--crash, power cut--> only the last heartbeat
**
** Owns:   the table process_run.
** Holds:  (1) a crash counts from its last heartbeat, so never shorter than it was; (2) every moment between
**         two runs counts as down, planned stops too, which are also told apart; (3) a clock that went back
**         never makes a gap.
*/
#include "ops/watch.h"
#include <string.h>

enum rc uptime_begin(struct cx *cx, int64_t *run_id)
{
	enum rc rc = tx_begin(cx);

	*run_id = 0;
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT INTO process_run (version, started_at, heartbeat_at) VALUES (:version, :now, :now)",
			PARAMS(P_TEXT(":version", RECADO_VERSION), P_INT(":now", cx_now(cx))));
	if (rc == RC_OK) *run_id = db_last_id(cx);
	rc = tx_end(cx, rc);
	if (rc != RC_OK) *run_id = 0;
	return rc;
}

enum rc uptime_beat(struct cx *cx, int64_t run_id)
{
	return db_run(cx, "UPDATE process_run SET heartbeat_at = :now WHERE id = :id",
		      PARAMS(P_INT(":id", run_id), P_INT(":now", cx_now(cx))));
}

enum rc uptime_end(struct cx *cx, int64_t run_id, const char *reason)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE process_run SET heartbeat_at = :now, stopped_at = :now, stop_reason = :reason WHERE id = :id",
			PARAMS(P_INT(":id", run_id), P_INT(":now", cx_now(cx)), P_TEXT(":reason", reason)));
	return tx_end(cx, rc);
}

/* One gap, cut to what is counted. The newest ones are kept. */
static void add_gap(struct uptime *u, instant from, instant to, bool is_planned, bool is_open)
{
	if (from < u->since) from = u->since;
	if (to <= from) return;
	u->down_ms += to - from;
	if (is_planned) u->planned_ms += to - from;
	u->gaps_all++;
	if (u->gap_count == UPTIME_GAPS_MAX)
		memmove(&u->gaps[0], &u->gaps[1], sizeof(u->gaps[0]) * (UPTIME_GAPS_MAX - 1));
	else
		u->gap_count++;
	u->gaps[u->gap_count - 1] =
		(struct uptime_gap){ .from = from, .to = to, .is_planned = is_planned, .is_open = is_open };
}

static void newest_first(struct uptime *u)
{
	for (size_t i = 0; i < u->gap_count / 2; i++) {
		struct uptime_gap one = u->gaps[i];

		u->gaps[i] = u->gaps[u->gap_count - 1 - i];
		u->gaps[u->gap_count - 1 - i] = one;
	}
}

enum rc uptime_read(struct cx *cx, struct uptime *out, int64_t running, int days)
{
	instant now = cx_now(cx), from = now - days * DAY_MS, first = 0, end = 0;
	bool is_first = true, was_planned = false, is_up = false;
	struct query *q = NULL;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	rc = db_get_int(cx, &first, "SELECT min(started_at) FROM process_run", NO_PARAMS);
	if (rc != RC_OK) return rc;
	out->is_young = first == 0 || first > from;
	out->since = first > now || first == 0 ? now : first > from ? first : from;
	out->span_ms = now - out->since;
	/* From the last run that began before the span: it may have ended in it. */
	rc = db_query(
		cx, &q,
		"SELECT id, started_at, heartbeat_at, stopped_at FROM process_run WHERE started_at >= coalesce("
		"(SELECT max(started_at) FROM process_run WHERE started_at <= :from), 0) ORDER BY id",
		PARAMS(P_INT(":from", out->since)));
	while (rc == RC_OK && query_next(q)) {
		instant start = query_int(q, 1), beat = query_int(q, 2), stop = query_int(q, 3);

		if (!is_first && start <= now) add_gap(out, end, start, was_planned, false);
		is_first = false;
		was_planned = !query_is_null(q, 3);
		end = was_planned ? stop : beat;
		is_up = !was_planned && (query_int(q, 0) == running || now - end < UPTIME_SILENT_MS);
	}
	rc = query_end(q, rc);
	if (rc == RC_OK && !is_first && !is_up) add_gap(out, end, now, was_planned, true);
	newest_first(out);
	return rc;
}

int64_t uptime_ppm(const struct uptime *u)
{
	int64_t up = u->span_ms - u->down_ms;

	if (u->span_ms < SECOND_MS) return 1000000;
	/* 30 days in ms times a million fits 63 bits 3,500 times */
	return up <= 0 ? 0 : up * 1000000 / u->span_ms;
}

/* Cut, not rounded: 99.999 % is not 100 %. */
const char *uptime_shown(struct cx *cx, const struct uptime *u)
{
	int64_t ppm = uptime_ppm(u);

	if (ppm == 1000000) return "100 %";
	return arena_printf(cx->arena, "%lld%c%02lld %%", (long long)(ppm / 10000),
			    cx->lang == LANG_ES ? ',' : '.', (long long)(ppm / 100 % 100));
}
