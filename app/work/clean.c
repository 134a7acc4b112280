/*
** clean.c -- forgets finished work when its days are over.
**
** Owns:   served_to_at of the table schedule; deletes rows of job, and with them job_run and job_line.
** Never:  touches what waits, runs, or was given up and nobody decided about yet.
** Holds:  (1) before the row of a due time goes, its schedule's served_to_at is at least that time, in the
**             same transaction: the time cannot come again although its key is gone;
**         (2) a row that another table still speaks of stays.
*/
#include "work/inner.h"

#include <string.h>

#define JOBS_A_SLICE  50   /* of one transaction */
#define LINES_A_SLICE 2000 /* likewise           */

static enum rc forget_lines(struct cx *cx, int64_t id)
{
	enum rc rc = RC_OK;
	int64_t gone = LINES_A_SLICE;

	while (rc == RC_OK && gone == LINES_A_SLICE) {
		rc = tx_begin(cx);
		if (rc == RC_OK)
			rc = db_run(
				cx,
				"DELETE FROM job_line WHERE id IN (SELECT id FROM job_line WHERE job_id = :id "
				"ORDER BY id LIMIT :max)",
				PARAMS(P_INT(":id", id), P_INT(":max", LINES_A_SLICE)));
		gone = rc == RC_OK ? db_changes(cx) : 0;
		rc = tx_end(cx, rc);
	}
	return rc;
}

/* RC_CONFLICT: something still speaks of it. */
static enum rc forget_job(struct cx *cx, int64_t id)
{
	enum rc rc = db_run(
		cx,
		"UPDATE schedule SET served_to_at = max(served_to_at, (SELECT due_at FROM job WHERE id = "
		":id)) WHERE id = (SELECT schedule_id FROM job WHERE id = :id AND due_at IS NOT NULL)",
		PARAMS(P_INT(":id", id)));

	if (rc == RC_OK)
		rc = db_run(cx, "DELETE FROM job WHERE id = :id AND state IN ('done', 'cancelled')",
			    PARAMS(P_INT(":id", id)));
	return rc;
}

static enum rc forget_slice(struct cx *cx, const int64_t *ids, size_t n, int64_t *gone)
{
	enum rc rc = tx_begin(cx);

	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = forget_job(cx, ids[i]);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) *gone += (int64_t)n;
	if (rc != RC_CONFLICT || n == 1) return rc == RC_CONFLICT ? RC_OK : rc;
	rc = RC_OK; /* one of them stays: all one by one */
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = forget_slice(cx, &ids[i], 1, gone);
	return rc;
}

static enum rc forget_state(struct cx *cx, struct job *job, const char *state, instant before, int64_t *gone)
{
	int64_t ids[JOBS_A_SLICE], after = 0;
	size_t n = JOBS_A_SLICE;
	enum rc rc = RC_OK;

	while (rc == RC_OK && n == JOBS_A_SLICE) {
		struct query *q = NULL;

		if (job && job_should_stop(job)) return RC_TRY_LATER;
		n = 0;
		rc = db_query(cx, &q,
			      "SELECT id FROM job WHERE state = :state AND id > :after AND "
			      "coalesce(finished_at, created_at) < :before ORDER BY id LIMIT :max",
			      PARAMS(P_TEXT(":state", state), P_INT(":after", after),
				     P_INT(":before", before), P_INT(":max", JOBS_A_SLICE)));
		while (rc == RC_OK && n < JOBS_A_SLICE && query_next(q))
			ids[n++] = after = query_int(q, 0);
		rc = query_end(q, rc);
		for (size_t i = 0; i < n && rc == RC_OK; i++)
			rc = forget_lines(cx, ids[i]);
		if (rc == RC_OK && n > 0) rc = forget_slice(cx, ids, n, gone);
	}
	return rc;
}

static enum rc clean(struct cx *cx, struct job *job, instant before, int64_t *gone)
{
	enum rc rc;

	*gone = 0;
	rc = forget_state(cx, job, "done", before, gone);
	return rc == RC_OK ? forget_state(cx, job, "cancelled", before, gone) : rc;
}

enum rc work_clean(struct cx *cx, instant before, int64_t *gone)
{
	return clean(cx, NULL, before, gone);
}

static enum rc run_clean(struct cx *cx, struct job *job)
{
	int64_t gone = 0, days = setting_int(cx->env->settings, "work.keep_days");
	enum rc rc = clean(cx, job, cx_now(cx) - days * DAY_MS, &gone);

	job_note(cx, job, _("Finished work forgotten: %lld."), (long long)gone);
	return rc;
}

const struct job_kind work_jobs[] = {
	{ .name = "work.clean",
	  .title = N_("Forget old work"),
	  .queue = "house",
	  .attempts_max = 3,
	  .time_limit_s = 1800,
	  .delay_s = 300,
	  .run = run_clean },
	{ .name = NULL },
};

const struct schedule_default work_schedules[] = {
	{ .name = "work.clean",
	  .job_kind = "work.clean",
	  .rule = "55 3 * * *",
	  .late_rule = "run",
	  .late_limit_s = 86400 },
	{ .name = NULL },
};
