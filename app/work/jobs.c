/*
** jobs.c -- the rows of job as others see them: added, cancelled, run again, shown.
**
** Owns:   the table job, with claim.c.
** Never:  runs anything.
** Holds:  (1) a key exists once, for ever;
**         (2) a slot is queued or running once;
**         (3) a running job is only asked to stop, its own function decides where.
*/
#include "work/inner.h"

#include <string.h>

enum rc work_json(struct cx *cx, const char **out, const struct value *v, size_t max)
{
	struct sb sb;

	*out = "{}";
	if (!v) return RC_OK;
	sb_init_arena(&sb, cx->arena, max);
	json_write(&sb, v);
	*out = sb_text_of(&sb);
	return sb_result(&sb);
}

static enum rc find_twin(struct cx *cx, int64_t *id, const struct job_new *job)
{
	enum rc rc = RC_NOT_FOUND;

	if (job->key)
		rc = db_get_int(cx, id, "SELECT id FROM job WHERE key = :key",
				PARAMS(P_TEXT(":key", job->key)));
	if (rc == RC_NOT_FOUND && job->slot)
		rc = db_get_int(cx, id,
				"SELECT id FROM job WHERE slot = :slot AND state IN ('queued', 'running')",
				PARAMS(P_TEXT(":slot", job->slot)));
	if (rc == RC_OK) return RC_CONFLICT;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc work_insert(struct cx *cx, int64_t *id, const struct job_new *job, const struct job_origin *origin)
{
	char queue[QUEUE_NAME_SIZE];
	const char *args = "{}";
	instant now = cx_now(cx);
	enum rc rc = work_queue_of(queue, job->kind);

	if (rc == RC_OK) rc = find_twin(cx, id, job);
	if (rc == RC_OK) rc = work_json(cx, &args, job->args, ARGS_JSON_MAX);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT INTO job (kind, key, slot, args_json, queue, priority, state, is_late, run_at, note, "
			"created_by, created_at, finished_at, schedule_id, due_at, is_asked) VALUES (:kind, :key, "
			":slot, :args, :queue, :priority, :state, :late, :run_at, :note, :by, :now, :finished, "
			":schedule, :due, :asked)",
			PARAMS(P_TEXT(":kind", job->kind), P_TEXT(":key", job->key),
			       P_TEXT(":slot", job->slot), P_TEXT(":args", args), P_TEXT(":queue", queue),
			       P_INT(":priority", job->priority), P_TEXT(":state", origin->state),
			       P_INT(":late", job->is_late),
			       P_INT(":run_at", job->run_at != 0 ? job->run_at : now),
			       P_TEXT(":note", origin->note),
			       P_TEXT(":by", cx->actor.name ? cx->actor.name : ""), P_INT(":now", now),
			       P_REF(":finished", strcmp(origin->state, "queued") == 0 ? 0 : now),
			       P_REF(":schedule", origin->schedule_id), P_REF(":due", origin->due_at),
			       P_INT(":asked", origin->is_asked)));
	if (rc == RC_OK) {
		*id = db_last_id(cx);
		tx_wake(cx, WAKE_WORK);
	}
	return rc;
}

enum rc job_add(struct cx *cx, int64_t *id, const struct job_new *job)
{
	return work_insert(cx, id, job, &(struct job_origin){ .state = "queued", .note = "" });
}

static enum rc state_of(struct cx *cx, const char **state, int64_t id)
{
	enum rc rc = db_get_text(cx, state, "SELECT state FROM job WHERE id = :id", PARAMS(P_INT(":id", id)));

	if (rc == RC_NOT_FOUND) return cx_fail(cx, rc, _("There is no job %lld."), (long long)id);
	return rc;
}

static enum rc cancel(struct cx *cx, int64_t id)
{
	const char *state = "";
	enum rc rc = db_run(
		cx,
		"UPDATE job SET state = 'cancelled', finished_at = :now WHERE id = :id AND state = 'queued'",
		PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));

	if (rc != RC_OK || db_changes(cx) == 1) return rc;
	rc = state_of(cx, &state, id);
	if (rc != RC_OK) return rc;
	if (work_ask_to_stop(id)) return RC_OK;
	return cx_fail(cx, RC_CONFLICT, _("Job %lld is not waiting any more."), (long long)id);
}

enum rc job_cancel(struct cx *cx, int64_t id)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = cancel(cx, id);
	return tx_end(cx, rc);
}

enum rc job_hasten(struct cx *cx, const char *slot)
{
	enum rc rc = db_run(cx,
			    "UPDATE job SET run_at = :now WHERE slot = :slot AND state = 'queued'"
			    " AND run_at > :now",
			    PARAMS(P_INT(":now", cx_now(cx)), P_TEXT(":slot", slot)));

	if (rc == RC_OK && db_changes(cx) > 0) tx_wake(cx, WAKE_WORK);
	return rc;
}

enum rc job_discard(struct cx *cx, int64_t id, const char *why)
{
	const char *state = "";
	char note[KEPT_SIZE];
	enum rc rc = tx_begin(cx);

	work_keep(cx, note, why);
	if (rc == RC_OK) rc = state_of(cx, &state, id);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE job SET state = 'cancelled', note = :note, is_asked = 0, finished_at = :now "
			"WHERE id = :id AND state IN ('dead', 'failed')",
			PARAMS(P_TEXT(":note", note), P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	if (rc == RC_OK && db_changes(cx) != 1)
		rc = cx_fail(cx, RC_CONFLICT, _("Job %lld is not one that was given up."), (long long)id);
	return tx_end(cx, rc);
}

enum rc job_answer_no(struct cx *cx, int64_t id, const char *why)
{
	char note[KEPT_SIZE];
	enum rc rc = tx_begin(cx);

	work_keep(cx, note, why);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE job SET is_asked = 0, note = :note, finished_at = max(:now, finished_at + 1) "
			"WHERE id = :id AND is_asked = 1 AND state = 'cancelled'",
			PARAMS(P_TEXT(":note", note), P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	if (rc == RC_OK && db_changes(cx) != 1)
		rc = cx_fail(cx, RC_CONFLICT, _("Nobody is asked about job %lld any more."), (long long)id);
	return tx_end(cx, rc);
}

/* What failed goes on from its saved place; what was done begins anew. */
static enum rc run_again(struct cx *cx, int64_t id)
{
	const char *state = "";
	enum rc rc = state_of(cx, &state, id);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE job SET state = 'queued', attempts = 0, run_at = :now, error = '', note = '', "
			"finished_at = NULL, is_asked = 0, "
			"place_json = CASE state WHEN 'done' THEN '{}' ELSE place_json END, "
			"progress_done = CASE state WHEN 'done' THEN 0 ELSE progress_done END "
			"WHERE id = :id AND state IN ('dead', 'failed', 'done', 'cancelled')",
			PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	if (rc == RC_CONFLICT)
		return cx_fail(cx, rc, "%s", _("The same work is already waiting or running."));
	if (rc == RC_OK && db_changes(cx) != 1)
		return cx_fail(cx, RC_CONFLICT, _("Job %lld is already waiting or running."), (long long)id);
	if (rc == RC_OK) tx_wake(cx, WAKE_WORK);
	return rc;
}

enum rc job_run_again(struct cx *cx, int64_t id)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = run_again(cx, id);
	return tx_end(cx, rc);
}

enum rc job_show(struct cx *cx, struct value **out, int64_t id)
{
	enum rc rc = db_row(
		cx, out,
		"SELECT id, kind, queue, state, is_late, run_at, attempts, progress_done, progress_total, "
		"progress_from, progress_since_at, note, error, args_json, result_json, schedule_id, due_at, "
		"is_asked, created_by, created_at, heartbeat_at, finished_at "
		"FROM job WHERE id = :id",
		PARAMS(P_INT(":id", id)));

	if (rc == RC_NOT_FOUND) return cx_fail(cx, rc, _("There is no job %lld."), (long long)id);
	if (rc != RC_OK) return rc;
	job_words(cx, *out, "note");
	job_words(cx, *out, "error");
	return RC_OK;
}
