/*
** restored.c -- the database was put back from a copy: no send goes on by itself.
**
** A copy from last night knows nothing of the mails that left since. Its sends would go on where they stood
** then, as soon as somebody opens the channel for anything else, and hundreds would get the same mail again.
** So each is held by itself, says so, and goes on only when a person who looked at it says so.
**
** Owns:   the step of bulk_send to paused, or held before its start, with the reason "restored".
** Needs:  the outbox, which has compared the database's age and stopped the channels (outbox/account.h);
**         nothing that acts runs yet.
** Never:  touches a send whose channel was opened since.
** Holds:  doing it at each start while the channel is held changes nothing more.
*/
#include "sends/bulk_inner.h"

#include "outbox/account.h"

#define HELD_ONCE 50 /* sends in one transaction; more than a house has under way */

/* Its channel is held since then, or would be if it were made now. */
#define IS_HELD                                                                                                    \
	"coalesce((SELECT a.state_why FROM channel_account a WHERE a.name = b.channel AND a.archived_at IS NULL)," \
	" '" WHY_RESTORED "') = '" WHY_RESTORED "'"

static enum rc tell(struct cx *cx, const char *key, int64_t id, const char *public_id)
{
	return alert_raise(
		cx, key, "urgent",
		N_("Bulk send %s waits since a copy was put back: what left after the copy would leave again. Look at it."),
		arena_printf(cx->arena, "%lld", (long long)id),
		arena_printf(cx->arena, "/sends/%s", public_id));
}

static enum rc hold_one(struct cx *cx, const struct value *row, const char *since)
{
	int64_t id = value_int_of(value_get(row, "id"), 0),
		batch = value_int_of(value_get(row, "batch_id"), 0);
	const char *status = value_text_of(value_get(row, "status"), "");
	bool is_pending = __builtin_strcmp(status, "pending") == 0;
	struct value *after = value_map(cx->arena);
	enum rc rc = db_run(
		cx,
		"UPDATE bulk_send SET status = CASE WHEN status = 'pending' THEN status ELSE 'paused' END, wants_start = 0,"
		" status_why = '" WHY_RESTORED
		"', status_detail = :since, paused_until_at = NULL, updated_at = :now"
		" WHERE id = :id AND status = :from",
		PARAMS(P_TEXT(":since", since), P_INT(":now", cx_now(cx)), P_INT(":id", id),
		       P_TEXT(":from", status)));

	if (rc == RC_OK && batch != 0) rc = batch_set_state(cx, batch, "paused");
	value_set_text(cx->arena, after, "status_why", WHY_RESTORED);
	if (rc == RC_OK) rc = audit_add(cx, "hold", "bulk_send", id, NULL, after);
	log_event(LOG_WARN, "app", "bulk.restored", "id=%lld from=%s", (long long)id, status);
	if (rc != RC_OK) return rc;
	return tell(cx,
		    is_pending ? arena_printf(cx->arena, BULK_LATE_ALERT, (long long)id)
			       : arena_printf(cx->arena, BULK_STUCK_ALERT, (long long)id),
		    id, value_text_of(value_get(row, "public_id"), ""));
}

/* What would leave without anybody's word: under way, timed, or to start once its recipients are read; and
** what is paused, since its page must say more than that. */
static enum rc hold_some(struct cx *cx, const char *since, size_t *count)
{
	struct value *rows = NULL;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_rows(
			cx, &rows, HELD_ONCE,
			"SELECT b.id, b.public_id, b.status, CASE WHEN x.state = 'cancelled' THEN 0 ELSE b.batch_id END AS batch_id"
			" FROM bulk_send b LEFT JOIN batch x ON x.id = b.batch_id WHERE (b.status IN ('queued', 'sending')"
			" OR (b.status = 'paused' AND b.status_why <> '" WHY_RESTORED
			"') OR (b.status = 'pending' AND (b.wants_start = 1"
			" OR (b.scheduled_at IS NOT NULL AND b.status_why = '')))) AND " IS_HELD
			" ORDER BY b.id LIMIT :max",
			PARAMS(P_INT(":max", HELD_ONCE)));
	*count = rc == RC_OK ? rows->count : 0;
	for (const struct value *r = rc == RC_OK ? rows->first : NULL; r != NULL && rc == RC_OK; r = r->next)
		rc = hold_one(cx, r, since);
	return tx_end(cx, rc);
}

enum rc sends_before_work(struct cx *cx)
{
	const char *since = "";
	size_t count = HELD_ONCE;
	enum rc rc = meta_get(cx, &since, META_RESTORED);

	while (rc == RC_OK && since[0] != '\0' && count == HELD_ONCE)
		rc = hold_some(cx, since, &count);
	return rc;
}
