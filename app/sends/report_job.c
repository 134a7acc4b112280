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

/* Fetch: the schedule, the button */

static enum rc process_run(struct cx *cx, struct job *job)
{
	bool is_by_hand = value_bool_of(value_get(job_args(job), "is_by_hand"), false);
	int64_t moved = 0;
	enum rc rc;

	if (!is_by_hand && !setting_bool(cx->env->settings, "reports.timer")) {
		job_note(job, _("Switched off by the setting reports.timer."));
		return RC_OK;
	}
	rc = reports_process(cx, job, &moved);
	if (rc == RC_CONFLICT) { /* somebody is at it: nothing is left out */
		job_note(job, cx_sentence(cx, rc));
		return RC_OK;
	}
	if (rc == RC_OK)
		job_note(job, arena_printf(cx->arena, _("Reports asked for or looked at: %lld."),
					   (long long)moved));
	return rc;
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
	if (rc == RC_OK)
		job_note(job,
			 arena_printf(cx->arena, _("%lld rows loaded into “%s”."), (long long)rows, alias));
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
		job_note(job, _("Switched off by the setting reports.after_send."));
		return RC_OK;
	}
	rc = reports_after_send(cx, job, bulk, false, &passes);
	if (rc == RC_CONFLICT && cx->error_code != NULL && strcmp(cx->error_code, "busy") == 0) {
		forget_words(cx);
		job_later(job, cx_now(cx) + MOMENT_MS);
		return RC_TRY_LATER;
	}
	if (rc == RC_OK) job_note(job, arena_printf(cx->arena, _("Passes ended: %lld."), (long long)passes));
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
	{ .name = NULL },
};
