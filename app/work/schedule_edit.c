/*
** schedule_edit.c -- what a person does with a schedule: run now, pause, resume, put back, answer.
**
** Owns:   paused_… of the table schedule, with the panel's form.
** Holds:  (1) every change is in the history with who and why; (2) running now takes nothing from what is
** due.
*/
#include "work/schedule.h"

enum rc schedule_find(struct cx *cx, int64_t *id, const char *name)
{
	enum rc rc = db_get_int(cx, id, "SELECT id FROM schedule WHERE name = :name",
				PARAMS(P_TEXT(":name", name)));

	return rc == RC_NOT_FOUND ? cx_fail(cx, rc, _("There is no schedule “%s”."), name) : rc;
}

static enum rc read_one(struct cx *cx, struct schedule_row *out, int64_t id)
{
	struct schedule_rows rows;
	enum rc rc = schedule_read(cx, &rows, 1, SCHEDULE_COLUMNS " FROM schedule WHERE id = :id",
				   PARAMS(P_INT(":id", id)));

	if (rc == RC_OK && rows.count == 0) rc = RC_NOT_FOUND;
	if (rc == RC_OK) *out = rows.at[0];
	return rc;
}

enum rc schedule_times(struct cx *cx, int64_t id, instant *out, size_t max, size_t *count)
{
	struct schedule_row row;
	const char *why = "";
	instant at = cx_now(cx);
	enum rc rc = read_one(cx, &row, id);

	*count = 0;
	while (rc == RC_OK && *count < max && rule_next(&at, &why, row.rule, row.zone, at) == RC_OK)
		out[(*count)++] = at;
	return rc;
}

enum rc schedule_run_now(struct cx *cx, int64_t *job_id, int64_t id)
{
	struct schedule_row row;
	struct job_origin origin = { .state = "queued", .note = "", .schedule_id = id };
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = read_one(cx, &row, id);
	if (rc == RC_OK) {
		struct job_new job = { .kind = row.kind,
				       .slot = schedule_slot(cx, row.name),
				       .args = schedule_args(cx, row.zone, cx_now(cx)) };

		rc = work_insert(cx, job_id, &job, &origin);
	}
	if (rc == RC_CONFLICT) rc = cx_fail(cx, rc, "%s", _("The same work is already waiting or running."));
	if (rc == RC_OK) rc = audit_add(cx, "run_now", "schedule", id, NULL, NULL);
	return tx_end(cx, rc);
}

static enum rc note_switch(struct cx *cx, const char *action, int64_t id, bool was, const char *why)
{
	struct value *before = value_map(cx->arena), *after = value_map(cx->arena);

	value_set_int(cx->arena, before, "is_enabled", was);
	value_set_int(cx->arena, after, "is_enabled", !was);
	if (why[0] != '\0') value_set_text(cx->arena, after, "paused_why", why);
	return audit_add(cx, action, "schedule", id, before, after);
}

enum rc schedule_pause(struct cx *cx, int64_t id, const char *why)
{
	char reason[NOTE_SIZE];
	enum rc rc = tx_begin(cx);

	work_cut(reason, why);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE schedule SET is_enabled = 0, planned_as = '', paused_at = :now, paused_by = :by, paused_why = "
			":why, updated_at = :now WHERE id = :id AND is_enabled = 1",
			PARAMS(P_INT(":now", cx_now(cx)), P_TEXT(":by", cx->actor.name ? cx->actor.name : ""),
			       P_TEXT(":why", reason), P_INT(":id", id)));
	if (rc == RC_OK && db_changes(cx) != 1)
		rc = cx_fail(cx, RC_CONFLICT, "%s", _("This schedule is paused already."));
	if (rc == RC_OK) rc = note_switch(cx, "pause", id, true, reason);
	if (rc == RC_OK) tx_wake(cx, WAKE_WORK);
	return tx_end(cx, rc);
}

/* Times that were served while the clock was ahead do not hold it up any more: a person says that it counts
** from now on. */
enum rc schedule_resume(struct cx *cx, int64_t id)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE schedule SET is_enabled = 1, planned_as = '', paused_at = NULL, paused_by = '', paused_why = '', "
			"served_to_at = min(served_to_at, :now), updated_at = :now WHERE id = :id AND is_enabled = 0",
			PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	if (rc == RC_OK && db_changes(cx) != 1)
		rc = cx_fail(cx, RC_CONFLICT, "%s", _("This schedule is not paused."));
	if (rc == RC_OK) rc = note_switch(cx, "resume", id, false, "");
	if (rc == RC_OK) tx_wake(cx, WAKE_WORK);
	return tx_end(cx, rc);
}

static enum rc rule_facts(struct cx *cx, struct value **out, int64_t id)
{
	return db_row(cx, out, "SELECT rule, late_rule, late_limit_s FROM schedule WHERE id = :id",
		      PARAMS(P_INT(":id", id)));
}

enum rc schedule_reset(struct cx *cx, int64_t id)
{
	struct value *before = NULL, *after = NULL;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = rule_facts(cx, &before, id);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE schedule SET rule = default_rule, late_rule = default_late_rule, late_limit_s = "
			"default_late_limit_s, updated_at = :now WHERE id = :id AND default_rule <> '' AND "
			"(rule <> default_rule OR late_rule <> default_late_rule OR late_limit_s <> default_late_limit_s)",
			PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	if (rc == RC_OK && db_changes(cx) != 1)
		rc = cx_fail(cx, RC_CONFLICT, "%s", _("This schedule is as the program has it."));
	if (rc == RC_OK) rc = rule_facts(cx, &after, id);
	if (rc == RC_OK) rc = audit_add(cx, "put_default", "schedule", id, before, after);
	if (rc == RC_OK) tx_wake(cx, WAKE_WORK);
	return tx_end(cx, rc);
}

/* Missed times that ask */

#define ASKED_WHERE                                                                                \
	" FROM job j JOIN schedule s ON s.id = j.schedule_id WHERE j.is_asked = 1 AND j.due_at + " \
	"s.late_limit_s * 1000 >= :now"

enum rc schedule_asked(struct cx *cx, int64_t *job_id, instant *due, int64_t id)
{
	struct query *q = NULL;
	bool is_found;
	enum rc rc = db_query(cx, &q,
			      "SELECT j.id, j.due_at" ASKED_WHERE
			      " AND j.schedule_id = :id ORDER BY j.id DESC LIMIT 1",
			      PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));

	is_found = rc == RC_OK && query_next(q);
	if (is_found) {
		*job_id = query_int(q, 0);
		*due = query_int(q, 1);
	}
	rc = query_end(q, rc);
	return rc == RC_OK && !is_found ? RC_NOT_FOUND : rc;
}

enum rc schedules_asked(struct cx *cx, int64_t *count)
{
	return db_get_int(cx, count, "SELECT count(*)" ASKED_WHERE, PARAMS(P_INT(":now", cx_now(cx))));
}
