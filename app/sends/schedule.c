/*
** schedule.c -- timed sends that are due, and sends that wait for something that is over.
**
** Needs:  bulk_state.c: taking is one CAS that also makes the job (spec §10), so the scheduler, an operator
**         and a second tick can never both win.
** Never:  sends what is later than sends.max_late_min without a person's word.
** Holds:  (1) oldest first, at most DUE_MAX a look; (2) a send that cannot start says why and does not keep
** the others;
**         (3) a send whose work is gone is paused and says so: nobody finds it "under way" for days.
*/
#include "sends/bulk_inner.h"

#include <string.h>

#define DUE_MAX 50 /* spec §10                                                                      */
/* Half of what it is given: or rows would be written anew at each look. */
#define SOON_MS  (INT64_C(180) * DAY_MS)
#define KEPT_MS  (INT64_C(365) * DAY_MS)
#define HELD_MAX 200 /* sends on hold that are looked at: more than anybody has                        */

/* Too late: it waits for a person, who is told. */
static enum rc hold_late(struct cx *cx, int64_t id, const char *public_id)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE bulk_send SET status_why = 'late', updated_at = :now WHERE id = :id AND status = 'pending'"
			" AND status_why = ''",
			PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	if (rc == RC_OK && db_changes(cx) == 1)
		rc = alert_raise(
			cx, arena_printf(cx->arena, BULK_LATE_ALERT, (long long)id), "warning",
			N_("Bulk send %s is too late to leave by itself. Start it, or give it another hour."),
			arena_printf(cx->arena, "%lld", (long long)id),
			arena_printf(cx->arena, "/sends/%s", public_id));
	return tx_end(cx, rc);
}

/* One that cannot start (no sender, no key) is told and left to a person: it would come up at every look. */
static enum rc hold_unable(struct cx *cx, int64_t id, enum rc why)
{
	const char *sentence = cx_sentence_kept(cx, why);
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE bulk_send SET status_why = 'not_started', status_detail = :detail, updated_at = :now"
			" WHERE id = :id AND status = 'pending' AND status_why = ''",
			PARAMS(P_TEXT(":detail", sentence), P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	return tx_end(cx, rc);
}

static enum rc take_due(struct cx *cx, const struct value *row, int64_t *count)
{
	int64_t id = value_int_of(value_get(row, "id"), 0),
		at = value_int_of(value_get(row, "scheduled_at"), 0);
	int64_t most = setting_int(cx->env->settings, "sends.max_late_min") * MINUTE_MS;
	enum rc rc;

	if (cx_now(cx) - at > most) return hold_late(cx, id, value_text_of(value_get(row, "public_id"), ""));
	cx->keeps_sentence = true;
	rc = bulk_enqueue(cx, id);
	if (rc == RC_OK) ++*count;
	if (rc == RC_BAD_INPUT || rc == RC_NOT_FOUND) rc = hold_unable(cx, id, rc);
	/* somebody else was quicker */
	if (rc == RC_CONFLICT) rc = RC_OK;
	cx->message = "";
	cx->error_code = NULL;
	cx->field_count = 0;
	return rc;
}

/* Imports that still run come next time. */
static enum rc start_due(struct cx *cx, int64_t *count)
{
	struct value *rows = NULL;
	enum rc rc = db_rows(
		cx, &rows, DUE_MAX,
		"SELECT id, public_id, scheduled_at FROM bulk_send WHERE scheduled_at IS NOT NULL AND status = 'pending'"
		" AND status_why = '' AND scheduled_at <= :now AND +import_status IN ('ready', 'ready_with_errors')"
		" AND archived_at IS NULL ORDER BY scheduled_at, id LIMIT :max",
		PARAMS(P_INT(":now", cx_now(cx)), P_INT(":max", DUE_MAX)));

	for (const struct value *r = rc == RC_OK ? rows->first : NULL; r != NULL && rc == RC_OK; r = r->next)
		rc = take_due(cx, r, count);
	return rc;
}

static bool is_kept(struct cx *cx, int64_t id)
{
	int64_t job = 0;

	return db_get_int(
		       cx, &job,
		       "SELECT id FROM job WHERE slot IN (:send, :next) AND state IN ('queued', 'running') LIMIT 1",
		       PARAMS(P_TEXT(":send", bulk_slot(cx, "send", id)),
			      P_TEXT(":next", bulk_slot(cx, "next", id)))) != RC_NOT_FOUND;
}

/* Its work was given up, or cancelled: it is paused, and a person is told. */
static enum rc hold_orphan(struct cx *cx, int64_t id, const char *public_id)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = bulk_pause(cx, id, WHY_NO_JOB);
	if (rc == RC_OK)
		rc = alert_raise(
			cx, arena_printf(cx->arena, BULK_STUCK_ALERT, (long long)id), "urgent",
			N_("Bulk send %s stands still: its work was given up. Look at it, then resume it."),
			arena_printf(cx->arena, "%lld", (long long)id),
			arena_printf(cx->arena, "/sends/%s", public_id));
	return tx_end(cx, rc);
}

/* Rows of an older version had 40 days to leave: a send on hold keeps its rows (send_feed.c). */
static enum rc keep_rows(struct cx *cx, int64_t batch)
{
	int64_t soon = cx_now(cx) + SOON_MS, one = 0;
	enum rc rc;

	if (batch == 0) return RC_OK;
	rc = db_get_int(
		cx, &one,
		"SELECT 1 FROM message INDEXED BY message_batch_queued WHERE batch_id = :batch AND state = 'queued'"
		" AND expires_at < :soon LIMIT 1",
		PARAMS(P_INT(":batch", batch), P_INT(":soon", soon)));
	if (rc != RC_OK) return rc == RC_NOT_FOUND ? RC_OK : rc;
	rc = tx_begin(cx);
	if (rc == RC_OK) /* at most what is fed at once */
		rc = db_run(
			cx,
			"UPDATE message SET expires_at = :until WHERE id IN (SELECT id FROM message INDEXED BY message_batch_queued"
			" WHERE batch_id = :batch AND state = 'queued' AND expires_at < :soon)",
			PARAMS(P_INT(":batch", batch), P_INT(":soon", soon),
			       P_INT(":until", cx_now(cx) + KEPT_MS)));
	return tx_end(cx, rc);
}

/* What held it is over: its work, which waits for its hour, is called. Work that is gone is told. */
static enum rc look_at(struct cx *cx, const struct value *row)
{
	int64_t id = value_int_of(value_get(row, "id"), 0);
	bool is_paused = strcmp(value_text_of(value_get(row, "status"), ""), "paused") == 0;
	struct send_look l;
	enum rc rc = send_look_read(cx, &l, id);

	if (rc == RC_OK && is_paused) rc = keep_rows(cx, value_int_of(value_get(row, "batch_id"), 0));
	if (rc != RC_OK) return rc;
	if (is_paused && (!bulk_pause_is_own(l.why) || l.hold != NULL)) return RC_OK;
	/* It asks by itself: at most its hour is called. */
	if (is_paused && strcmp(l.why, WHY_GATEWAY) == 0 && is_kept(cx, id)) {
		rc = tx_begin(cx);
		if (rc == RC_OK) rc = job_hasten(cx, bulk_slot(cx, "send", id));
		return tx_end(cx, rc);
	}
	if (!is_paused && is_kept(cx, id)) return RC_OK;
	rc = is_paused ? tx_begin(cx) : hold_orphan(cx, id, value_text_of(value_get(row, "public_id"), ""));
	if (is_paused) {
		if (rc == RC_OK) rc = bulk_job_wanted(cx, id);
		rc = tx_end(cx, rc);
	}
	cx->message = "";
	cx->error_code = NULL;
	return rc == RC_CONFLICT ? RC_OK : rc;
}

static enum rc wake_held(struct cx *cx)
{
	struct value *rows = NULL;
	enum rc rc = db_rows(
		cx, &rows, HELD_MAX,
		"SELECT id, public_id, status, batch_id FROM bulk_send WHERE status IN ('paused', 'sending', 'queued')"
		" ORDER BY id LIMIT :max",
		PARAMS(P_INT(":max", HELD_MAX)));

	for (const struct value *r = rc == RC_OK ? rows->first : NULL; r != NULL && rc == RC_OK; r = r->next)
		rc = look_at(cx, r);
	return rc;
}

enum rc bulk_process_due(struct cx *cx, int64_t *count)
{
	enum rc rc;

	*count = 0;
	rc = start_due(cx, count);
	return rc == RC_OK ? wake_held(cx) : rc;
}

enum rc schedule_run(struct cx *cx, struct job *job)
{
	int64_t count = 0;
	enum rc rc = RC_OK;

	if (setting_bool(cx->env->settings, "sends.scheduler"))
		rc = bulk_process_due(cx, &count);
	else
		rc = wake_held(cx);
	if (rc == RC_OK && count > 0) job_note(cx, job, _("Timed sends started: %lld."), (long long)count);
	return rc;
}
