/*
** batch.c -- a set of messages that belong together: opened, planned, paused, cancelled, counted.
**
** Owns:   the table batch; of message: the step queued → cancelled of a whole batch.
** Needs:  a write transaction of the caller, except for batch_set_state, which writes in slices of its own
**         (inside an open transaction they are that one's).
** Never:  sends; knows what a batch is about.
** Holds:  (1) counts are counted, never kept; (2) a state change of a batch is seen by the next claim at
**         once, whatever slices remain: a claim asks the batch of each row.
*/
#include "outbox/ledger.h"

#include <string.h>

enum rc batch_open(struct cx *cx, int64_t *id, const struct batch_new *b)
{
	char public_id[PUBLIC_ID_SIZE];
	enum rc rc;

	public_id_new(public_id);
	rc = db_run(cx,
		    "INSERT INTO batch (public_id, kind, title, origin, local_on, created_by, created_at)"
		    " VALUES (:public_id, :kind, :title, :origin, :local_on, :by, :now)",
		    PARAMS(P_TEXT(":public_id", public_id), P_TEXT(":kind", b->kind),
			   P_TEXT(":title", b->title ? b->title : ""),
			   P_TEXT(":origin", b->origin ? b->origin : ""),
			   P_TEXT(":local_on", b->local_on ? b->local_on : ""),
			   P_TEXT(":by", cx->actor.name ? cx->actor.name : ""), P_INT(":now", cx_now(cx))));
	if (rc == RC_OK) *id = db_last_id(cx);
	return rc;
}

enum rc batch_planned(struct cx *cx, int64_t id)
{
	return db_run(cx, "UPDATE batch SET planned_at = :now WHERE id = :id AND planned_at IS NULL",
		      PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
}

static enum rc note_state(struct cx *cx, int64_t id, const char *from, const char *to)
{
	struct value *before = value_map(cx->arena), *after = value_map(cx->arena);
	enum rc rc = db_run(cx, "UPDATE batch SET state = :to WHERE id = :id AND state = :from",
			    PARAMS(P_TEXT(":to", to), P_INT(":id", id), P_TEXT(":from", from)));

	if (rc == RC_OK && db_changes(cx) != 1) return RC_CONFLICT;
	value_set_text(cx->arena, before, "state", from);
	value_set_text(cx->arena, after, "state", to);
	if (rc == RC_OK) rc = audit_add(cx, to, "batch", id, before, after);
	tx_wake(cx, WAKE_OUTBOX);
	return rc;
}

static enum rc move_state(struct cx *cx, int64_t id, const char *to)
{
	const char *from = "";
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_get_text(cx, &from, "SELECT state FROM batch WHERE id = :id", PARAMS(P_INT(":id", id)));
	if (rc == RC_OK && strcmp(from, "cancelled") == 0 && strcmp(to, "cancelled") != 0)
		rc = cx_fail(cx, RC_CONFLICT, "%s",
			     _("This batch was cancelled; it cannot be opened again."));
	if (rc == RC_OK && strcmp(from, to) != 0) rc = note_state(cx, id, from, to);
	return tx_end(cx, rc);
}

/* One slice in a transaction of its own; *is_end when nothing is left. */
static enum rc slice(struct cx *cx, int64_t id, const char *sql, bool *is_end)
{
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_run(cx, sql, PARAMS(P_INT(":batch", id), P_INT(":slice", LEDGER_SLICE)));
	*is_end = db_changes(cx) < LEDGER_SLICE;
	tx_wake(cx, WAKE_OUTBOX);
	return tx_end(cx, rc);
}

enum rc batch_set_state(struct cx *cx, int64_t id, const char *state)
{
	static const char cancel[] =
		"UPDATE message SET state = 'cancelled', state_why = 'batch' WHERE id IN (SELECT id FROM"
		" message INDEXED BY message_batch_queued WHERE batch_id = :batch AND state = 'queued' LIMIT :slice)";
	static const char open[] =
		"UPDATE message SET turn = 1 WHERE id IN (SELECT id FROM message INDEXED BY message_batch_queued"
		" WHERE batch_id = :batch AND state = 'queued' AND turn = 3 LIMIT :slice)";
	bool is_end = false;
	enum rc rc;

	if (strcmp(state, "open") != 0 && strcmp(state, "paused") != 0 && strcmp(state, "cancelled") != 0)
		return RC_BUG;
	rc = move_state(cx, id, state);
	if (strcmp(state, "paused") == 0) return rc; /* the claim parks its rows as it meets them */
	while (rc == RC_OK && !is_end)
		rc = slice(cx, id, strcmp(state, "open") == 0 ? open : cancel, &is_end);
	return rc;
}

enum rc batch_is_finished(struct cx *cx, bool *out, int64_t id)
{
	int64_t is_finished = 0;
	enum rc rc = db_get_int(
		cx, &is_finished,
		"SELECT planned_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM message m INDEXED BY message_batch_queued"
		" WHERE m.batch_id = b.id AND m.state = 'queued') AND NOT EXISTS (SELECT 1 FROM message m INDEXED BY"
		" message_sending WHERE m.state = 'sending' AND +m.batch_id = b.id) FROM batch b WHERE b.id = :id",
		PARAMS(P_INT(":id", id)));

	if (rc == RC_OK) *out = is_finished != 0;
	return rc;
}

enum rc batch_counts(struct cx *cx, struct value **out, int64_t id)
{
	static const char *const states[] = { "queued", "sending", "sent",      "delivered", "read",
					      "failed", "unsure",  "cancelled", "expired",   "skipped" };
	const size_t n = sizeof(states) / sizeof(*states);
	int64_t count[sizeof(states) / sizeof(*states)] = { 0 }, total = 0;
	struct query *q = NULL;
	enum rc rc =
		db_query(cx, &q, "SELECT state, count(*) FROM message WHERE batch_id = :id GROUP BY state",
			 PARAMS(P_INT(":id", id)));

	while (rc == RC_OK && query_next(q)) {
		total += query_int(q, 1);
		for (size_t i = 0; i < n; i++)
			if (strcmp(states[i], query_text(q, 0)) == 0) count[i] = query_int(q, 1);
	}
	rc = query_end(q, rc);
	if (rc != RC_OK) return rc;
	*out = value_map(cx->arena);
	for (size_t i = 0; i < n; i++)
		value_set_int(cx->arena, *out, states[i], count[i]);
	value_set_int(cx->arena, *out, "total", total);
	return RC_OK;
}
