/*
** report_poll.c -- what was asked for is asked of the provider and looked at until it is there.
**
**   PENDING ─ask─► PROCESSING ─look─► READY            a look is a job, due at poll_next_at: nobody waits for
**   it
**                      │ not yet, no network, 5xx, 429: again later, until the deadline
**                      └─ deadline, refused, not a report ─► ERROR
**
** Needs:  doppler.h; TASK_FETCH, so that timer, button, command and poll never do the same twice.
** Never:  has a transaction open while the provider is asked.
** Holds:  (1) all rows of the same days change together; (2) who asks has written so before the call, and a
**         request whose answer was lost is asked again: a second report costs nothing, a missing one does.
*/
#include "sends/doppler.h"
#include "sends/report_inner.h"

#include <string.h>

#define GROUPS_MAX 200 /* days looked at in one go: more than half a year of sends */

static int64_t int_at(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

static const char *text_at(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static int64_t seconds(struct cx *cx, const char *setting)
{
	return setting_int(cx->env->settings, setting) * SECOND_MS;
}

/* Local midnight to local midnight behind the last day, not beyond now. */
static enum rc window_of(struct cx *cx, const struct report_days *days, instant *from, instant *until)
{
	day first = 0, last = 0;
	enum rc rc = day_parse(&first, days->start_on);

	if (rc == RC_OK) rc = day_parse(&last, days->end_on);
	if (rc != RC_OK) return rc;
	*from = zone_midnight(cx->env->zone, first);
	*until = zone_midnight(cx->env->zone, last + 1);
	if (*until > cx_now(cx)) *until = cx_now(cx);
	return RC_OK;
}

static enum rc add_poll_job(struct cx *cx, const struct report_days *days, instant at)
{
	struct value *args = value_map(cx->arena);
	int64_t job = 0;
	enum rc rc;

	value_set_text(cx->arena, args, "start_on", days->start_on);
	value_set_text(cx->arena, args, "end_on", days->end_on);
	rc = report_job_add(cx, &job, JOB_POLL,
			    arena_printf(cx->arena, "report:%s:%s", days->start_on, days->end_on), args, at);
	return rc == RC_CONFLICT ? RC_OK : rc;
}

/* Asking */

/* Of days that are due; those of them that failed before come along: all have one state. */
static enum rc claim(struct cx *cx, const struct report_days *days, bool *is_mine)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE generated_report SET state = 'PROCESSING', request_id = '', error = '', error_detail = '',"
			" asked_at = :now, attempts = attempts + 1, poll_next_at = NULL, poll_delay_s = 0,"
			" poll_deadline_at = :deadline, updated_at = :now WHERE start_on = :start AND end_on = :end"
			" AND (state IN ('PENDING', 'ERROR') OR (state = 'PROCESSING' AND request_id = ''))",
			PARAMS(P_INT(":now", cx_now(cx)),
			       P_INT(":deadline", cx_now(cx) + seconds(cx, "reports.poll_total_s")),
			       P_TEXT(":start", days->start_on), P_TEXT(":end", days->end_on)));
	if (rc == RC_OK) *is_mine = db_changes(cx) > 0;
	return tx_end(cx, rc);
}

static enum rc asked(struct cx *cx, const struct report_days *days, const char *request_id)
{
	int64_t first = setting_int(cx->env->settings, "reports.poll_first_s");
	instant at = cx_now(cx) + first * SECOND_MS;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE generated_report SET request_id = :id, poll_delay_s = :delay, poll_next_at = :at,"
			" search = public_id || ' ' || lower(:id) WHERE start_on = :start AND end_on = :end AND state = 'PROCESSING'",
			PARAMS(P_TEXT(":id", request_id), P_INT(":delay", first), P_INT(":at", at),
			       P_TEXT(":start", days->start_on), P_TEXT(":end", days->end_on)));
	if (rc == RC_OK) rc = add_poll_job(cx, days, at);
	return tx_end(cx, rc);
}

static void forget_failure(struct cx *cx)
{
	cx->message = "";
	cx->error_code = NULL;
}

static const char *code_of(const struct cx *cx, const char *otherwise)
{
	return cx->error_code != NULL ? cx->error_code : otherwise;
}

enum rc report_ask(struct cx *cx, const struct report_days *days)
{
	const char *request_id = "", *sentence = "", *code;
	instant from = 0, until = 0;
	bool is_mine = false;
	enum rc rc = window_of(cx, days, &from, &until), saved;

	if (rc == RC_OK) rc = claim(cx, days, &is_mine);
	if (rc != RC_OK || !is_mine) return rc;
	cx->keeps_sentence = true; /* what went wrong is read in any language */
	rc = doppler_is_set(cx);
	if (rc == RC_OK) rc = doppler_report_request(cx, &request_id, from, until);
	if (rc == RC_OK && request_id[0] == '\0') rc = RC_IO;
	log_event(LOG_INFO, "app", "report.ask", "start=%s end=%s rc=%s", days->start_on, days->end_on,
		  rc_row(rc)->name);
	if (rc == RC_OK) return asked(cx, days, arena_text(cx->arena, request_id));
	code = arena_text(cx->arena, code_of(cx, rc == RC_IO ? "no_answer" : rc_row(rc)->name));
	sentence = arena_text(cx->arena, cx_sentence_kept(cx, rc));
	saved = report_is_error(cx, days, code, sentence);
	/* The row tells how it went; the next days' reports have nothing to do with it. */
	forget_failure(cx);
	/* No look follows that would wake who waits for it, and the schedule may be off. */
	return saved == RC_OK ? report_wake_passes(cx, cx_now(cx) + REPORT_RETRY_MS) : saved;
}

/* Looking */

static enum rc later(struct cx *cx, const struct report_days *days, const struct value *row)
{
	int64_t most = setting_int(cx->env->settings, "reports.poll_most_s"),
		delay = int_at(row, "poll_delay_s") * 2;
	instant now = cx_now(cx);
	enum rc rc;

	if (delay < 1) delay = 1;
	if (delay > most) delay = most;
	if (now >= int_at(row, "poll_deadline_at")) return report_is_error(cx, days, "timeout", "");
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE generated_report SET poll_delay_s = :delay, poll_next_at = :at WHERE start_on = :start"
			" AND end_on = :end AND state = 'PROCESSING'",
			PARAMS(P_INT(":delay", delay), P_INT(":at", now + delay * SECOND_MS),
			       P_TEXT(":start", days->start_on), P_TEXT(":end", days->end_on)));
	if (rc == RC_OK) rc = add_poll_job(cx, days, now + delay * SECOND_MS);
	return tx_end(cx, rc);
}

static bool is_worth_another_look(enum rc rc)
{
	return rc == RC_TRY_LATER || rc == RC_TOO_MANY || rc == RC_IO;
}

enum rc report_look(struct cx *cx, const struct report_days *days)
{
	const char *url = "", *code;
	struct value *row = NULL;
	bool is_done = false;
	enum rc rc = db_row(
		cx, &row,
		"SELECT request_id, poll_delay_s, poll_deadline_at FROM generated_report WHERE start_on = :start"
		" AND end_on = :end AND state = 'PROCESSING' AND request_id <> '' LIMIT 1",
		PARAMS(P_TEXT(":start", days->start_on), P_TEXT(":end", days->end_on)));

	if (rc == RC_NOT_FOUND) return RC_OK; /* somebody was faster */
	if (rc != RC_OK) return rc;
	cx->keeps_sentence = true;
	rc = doppler_report_poll(cx, &is_done, &url, text_at(row, "request_id"));
	if (rc == RC_OK && is_done) rc = report_fetch(cx, days, url);
	log_event(LOG_INFO, "app", "report.look", "start=%s end=%s rc=%s done=%d", days->start_on,
		  days->end_on, rc_row(rc)->name, is_done);
	if (rc == RC_OK || is_worth_another_look(rc)) {
		forget_failure(cx);
		return rc == RC_OK && is_done ? RC_OK : later(cx, days, row);
	}
	code = rc == RC_NOT_FOUND   ? "report_gone"
	       : rc == RC_TOO_LARGE ? "report_too_large"
				    : rc_row(rc)->name;
	code = arena_text(cx->arena, code_of(cx, code));
	rc = report_is_error(cx, days, code, arena_text(cx->arena, cx_sentence_kept(cx, rc)));
	forget_failure(cx);
	return rc;
}

/* Everything that is due */

static enum rc due_groups(struct cx *cx, struct value **out)
{
	return db_rows(
		cx, out, GROUPS_MAX,
		"SELECT start_on, end_on, max(state = 'PENDING' OR request_id = '') AS is_new FROM generated_report"
		" WHERE state = 'PENDING' OR (state = 'PROCESSING' AND (request_id = '' OR poll_next_at <= :now))"
		" GROUP BY start_on, end_on ORDER BY min(id)",
		PARAMS(P_INT(":now", cx_now(cx))));
}

static enum rc process_all(struct cx *cx, struct job *job, int64_t *moved)
{
	struct value *groups = NULL;
	enum rc rc = due_groups(cx, &groups);

	for (const struct value *g = rc == RC_OK ? groups->first : NULL; g != NULL && rc == RC_OK;
	     g = g->next) {
		struct report_days days = { text_at(g, "start_on"), text_at(g, "end_on") };

		if (cx->env->is_stopping || (job != NULL && job_should_stop(job))) return RC_TRY_LATER;
		rc = int_at(g, "is_new") != 0 ? report_ask(cx, &days) : report_look(cx, &days);
		if (rc == RC_OK) (*moved)++;
	}
	return rc;
}

enum rc reports_process(struct cx *cx, struct job *job, int64_t *moved)
{
	enum rc rc;

	*moved = 0;
	if (!report_task_begin(TASK_FETCH)) {
		cx->error_code = "busy";
		return cx_fail(cx, RC_CONFLICT, "%s",
			       _("Reports are being fetched right now; nothing to do."));
	}
	rc = process_all(cx, job, moved);
	report_task_end(TASK_FETCH);
	return rc;
}
