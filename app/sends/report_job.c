/*
** report_job.c -- the work of reports: fetching, looking, loading, passes after a send.
**
** Holds:  what a setting switches off returns at once; who finds another one at the same task comes back a
**         moment later instead of waiting with a worker.
*/
#include "sends/report_inner.h"

#include <string.h>

#define MOMENT_MS (2 * SECOND_MS) /* until a task that another one has is tried again */

static void forget_words(struct cx *cx)
{
	cx->message = "";
	cx->error_code = NULL;
}

/* Somebody else is at what we need: soon over, and no failure of ours. */
static bool is_busy(const struct cx *cx, enum rc rc, enum rc busy, const char *code)
{
	return rc == busy && cx->error_code != NULL && strcmp(cx->error_code, code) == 0;
}

/* Fetch: the schedule, the button */

static enum rc process_run(struct cx *cx, struct job *job)
{
	bool is_by_hand = value_bool_of(value_get(job_args(job), "is_by_hand"), false);
	int64_t moved = 0;
	enum rc rc;

	if (!is_by_hand && !setting_bool(cx->env->settings, "reports.timer")) {
		job_note(cx, job, _("Switched off by the setting reports.timer."));
		return RC_OK;
	}
	rc = reports_process(cx, job, &moved);
	/* Somebody is at it who may have looked before the newest was put down. */
	if (is_busy(cx, rc, RC_CONFLICT, "busy")) {
		forget_words(cx);
		job_later(job, cx_now(cx) + MOMENT_MS);
		return RC_TRY_LATER;
	}
	if (rc == RC_OK) job_note(cx, job, _("Reports asked for or looked at: %lld."), (long long)moved);
	return rc;
}

enum rc report_fetch_soon(struct cx *cx)
{
	struct value *args = value_map(cx->arena);
	int64_t id = 0;
	enum rc rc = tx_begin(cx);

	value_set_bool(cx->arena, args, "is_by_hand", true); /* whatever the timer's setting */
	if (rc == RC_OK) rc = report_job_add(cx, &id, JOB_PROCESS, "process_reports:by_hand", args, 0);
	if (rc == RC_CONFLICT) rc = RC_OK; /* one fetch for all who want it */
	return tx_end(cx, rc);
}

/* Passes that wait for a report go on, now or at a time; that one is not the job which finds out. */

enum rc report_wake_passes(struct cx *cx, instant at)
{
	int64_t waiting = 0, id = 0;
	enum rc rc = db_get_int(
		cx, &waiting,
		"SELECT count(*) FROM bulk_report_pass WHERE done_at IS NULL AND due_at <= :now AND began_at IS NOT NULL",
		PARAMS(P_INT(":now", cx_now(cx))));

	if (rc != RC_OK || waiting == 0) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK) {
		rc = report_job_add(cx, &id, JOB_AFTER_SEND,
				    at == 0 ? "post_report:going_on"
					    : arena_printf(cx->arena, "post_report:again:%lld",
							   (long long)(at / REPORT_RETRY_MS)),
				    NULL, at);
		if (rc == RC_CONFLICT) rc = RC_OK;
	}
	return tx_end(cx, rc);
}

/* One look */

static enum rc next_look(struct cx *cx, const struct report_days *days, instant *at)
{
	return db_get_int(
		cx, at,
		"SELECT coalesce(max(poll_next_at), 0) FROM generated_report WHERE start_on = :start AND end_on = :end"
		" AND state = 'PROCESSING'",
		PARAMS(P_TEXT(":start", days->start_on), P_TEXT(":end", days->end_on)));
}

static enum rc poll_run(struct cx *cx, struct job *job)
{
	const struct value *args = job_args(job);
	struct report_days days = { value_text_of(value_get(args, "start_on"), ""),
				    value_text_of(value_get(args, "end_on"), "") };
	instant at = 0;
	enum rc rc = next_look(cx, &days, &at);

	if (rc == RC_OK && at > cx_now(cx)) { /* the button was here meanwhile */
		job_later(job, at);
		return RC_TRY_LATER;
	}
	if (rc == RC_OK && !report_task_begin(TASK_FETCH)) {
		job_later(job, cx_now(cx) + MOMENT_MS);
		return RC_TRY_LATER;
	}
	if (rc != RC_OK) return rc;
	rc = report_look(cx, &days);
	report_task_end(TASK_FETCH);
	at = 0;
	if (rc == RC_OK) rc = next_look(cx, &days, &at);
	if (rc == RC_OK && at != 0) {
		job_later(job, at);
		return RC_TRY_LATER;
	}
	return rc == RC_OK ? report_wake_passes(cx, 0) : rc;
}

/* Load */

static enum rc load_run(struct cx *cx, struct job *job)
{
	const struct value *args = job_args(job);
	const char *alias = value_text_of(value_get(args, "alias"), ALIAS_DEFAULT);
	int64_t rows = 0;
	enum rc rc = report_load(cx, job, &rows, value_int_of(value_get(args, "report_id"), 0), alias,
				 value_bool_of(value_get(args, "is_again"), false));

	if (rc == RC_TRY_LATER && !job_should_stop(job) && !cx->env->is_stopping) {
		forget_words(cx);
		job_later(job, cx_now(cx) + MOMENT_MS);
		return rc;
	}
	if (rc == RC_OK) job_note(cx, job, _("%lld rows loaded into “%s”."), (long long)rows, alias);
	return rc;
}

/* After a send */

static enum rc after_send_run(struct cx *cx, struct job *job)
{
	const struct value *args = job_args(job);
	int64_t bulk = value_int_of(value_get(args, "bulk_id"), 0), passes = 0;
	/* By hand, and what goes on, works whatever the timer's setting. */
	bool is_timer = value_get(args, "due_at") != NULL;
	enum rc rc;

	if (is_timer && !setting_bool(cx->env->settings, "reports.after_send")) {
		job_note(cx, job, _("Switched off by the setting reports.after_send."));
		return RC_OK;
	}
	rc = reports_after_send(cx, job, bulk, false, &passes);
	if (is_busy(cx, rc, RC_CONFLICT, "busy") || is_busy(cx, rc, RC_TRY_LATER, LOAD_BUSY)) {
		forget_words(cx);
		job_later(job, cx_now(cx) + MOMENT_MS);
		return RC_TRY_LATER;
	}
	if (rc == RC_OK) job_note(cx, job, _("Passes ended: %lld."), (long long)passes);
	return rc;
}

const struct job_kind report_jobs[] = {
	{ .name = JOB_PROCESS,
	  .title = N_("Fetch reports"),
	  .queue = "reports",
	  .attempts_max = 3,
	  .time_limit_s = 1800,
	  .delay_s = 30,
	  .run = process_run },
	{ .name = JOB_POLL,
	  .title = N_("Look whether a report is ready"),
	  .queue = "reports",
	  .attempts_max = 5,
	  .time_limit_s = 900,
	  .delay_s = 15,
	  .run = poll_run },
	{ .name = JOB_LOAD,
	  .title = N_("Load a report"),
	  .queue = "import",
	  .attempts_max = 3,
	  .time_limit_s = 3600,
	  .delay_s = 30,
	  .run = load_run },
	{ .name = JOB_AFTER_SEND,
	  .title = N_("Reports after a send"),
	  .queue = "reports",
	  .attempts_max = 5,
	  .time_limit_s = 3600,
	  .delay_s = 60,
	  .run = after_send_run },
	{ .name = JOB_RETENTION,
	  .title = N_("Forgetting rows and files of old reports"),
	  .queue = "house",
	  .attempts_max = 3,
	  .time_limit_s = 1800,
	  .delay_s = 300,
	  .run = reports_retention },
	{ .name = NULL },
};
