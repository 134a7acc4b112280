/*
** later.c -- what a provider says about a message after it took it: delivered, read, or failed after all.
**
**   sent --3--> delivered --4,5--> read          sent --0--> failed (late) --3--> delivered, --4,5--> read
**
** Owns:   the transitions above; the dates of the next look.
** Needs:  the caller's write transaction.
** Never:  moves a row backwards, or one that was not accepted.
** Holds:  (1) forward only; (2) delivered or read after a late failure win; (3) a look is repeatable: the
**         date of the next one is written before it is asked.
*/
#include "outbox/ledger.h"

#include <string.h>

/* A message not delivered by then has been given up by the provider */
#define CHECK_AGE_MAX_MS (2 * DAY_MS)
#define LOST_CHECK_MS    (10 * MINUTE_MS) /* an answer that never came back is asked for again then */

const char *message_after(const char *state, bool is_late_failure, enum message_status status)
{
	bool is_sent = strcmp(state, "sent") == 0, is_delivered = strcmp(state, "delivered") == 0;
	bool is_late = strcmp(state, "failed") == 0 && is_late_failure;

	switch (status) {
	case STATUS_ERROR: return is_sent ? "failed" : NULL;
	case STATUS_DELIVERED: return is_sent || is_late ? "delivered" : NULL;
	case STATUS_READ:
	case STATUS_PLAYED: return is_sent || is_late || is_delivered ? "read" : NULL;
	case STATUS_UNKNOWN:
	case STATUS_PENDING:
	case STATUS_SENT:
	default: return NULL;
	}
}

static enum rc move(struct cx *cx, int64_t id, const char *from, const char *to)
{
	bool is_failed = strcmp(to, "failed") == 0, is_read = strcmp(to, "read") == 0;
	instant now = cx_now(cx);

	return db_run(
		cx,
		"UPDATE message SET state = :to, state_why = :why, is_late_failure = :late,"
		" failed_at = CASE WHEN :late THEN :now ELSE failed_at END,"
		" delivered_at = CASE WHEN :late THEN delivered_at ELSE coalesce(delivered_at, :now) END,"
		" read_at = CASE WHEN :read THEN :now ELSE read_at END,"
		" next_check_at = CASE WHEN :read THEN NULL ELSE next_check_at END"
		" WHERE id = :id AND state = :from",
		PARAMS(P_TEXT(":to", to), P_TEXT(":why", is_failed ? "late" : ""), P_INT(":late", is_failed),
		       P_INT(":now", now), P_INT(":read", is_read), P_INT(":id", id), P_TEXT(":from", from)));
}

enum rc ledger_word(struct cx *cx, int64_t id, enum message_status status, const char *kind, bool *changed)
{
	struct query *q = NULL;
	const char *state = "", *to;
	bool is_late = false;
	enum rc rc = db_query(cx, &q, "SELECT state, is_late_failure FROM message WHERE id = :id",
			      PARAMS(P_INT(":id", id)));

	if (changed != NULL) *changed = false;
	if (rc == RC_OK && query_next(q)) {
		state = query_copy(cx, q, 0);
		is_late = query_int(q, 1) != 0;
	}
	rc = query_end(q, rc);
	if (rc != RC_OK || (to = message_after(state, is_late, status)) == NULL) return rc;
	rc = move(cx, id, state, to);
	if (rc == RC_OK) rc = attempt_add(cx, id, kind, 0, to, "");
	if (rc == RC_OK && changed != NULL) *changed = true;
	return rc;
}

enum rc ledger_find_key(struct cx *cx, int64_t *id, int64_t account, const char *key)
{
	return db_get_int(cx, id,
			  "SELECT id FROM message WHERE provider_key = :key AND channel_account_id = :account"
			  " ORDER BY id DESC LIMIT 1",
			  PARAMS(P_TEXT(":key", key), P_INT(":account", account)));
}

/* Looks */

enum rc ledger_checks(struct cx *cx, int64_t account, instant now, struct due_check *out, int max, int *count)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT id, provider_id, sent_at, checks FROM message INDEXED BY message_check"
		" WHERE channel_account_id = :account AND next_check_at <= :now AND next_check_at IS NOT NULL"
		" ORDER BY next_check_at LIMIT :max",
		PARAMS(P_INT(":account", account), P_INT(":now", now), P_INT(":max", max)));

	*count = 0;
	while (rc == RC_OK && *count < max && query_next(q))
		out[(*count)++] = (struct due_check){ .id = query_int(q, 0),
						      .provider_id = query_copy(cx, q, 1),
						      .sent_at = query_int(q, 2),
						      .checks = (int)query_int(q, 3) };
	rc = query_end(q, rc);
	for (int i = 0; rc == RC_OK && i < *count; i++)
		rc = db_run(cx,
			    "UPDATE message SET next_check_at = :next, checks = checks + 1 WHERE id = :id",
			    PARAMS(P_INT(":next", now + LOST_CHECK_MS), P_INT(":id", out[i].id)));
	return rc;
}

enum rc ledger_next_check(struct cx *cx, int64_t account, instant *next)
{
	return db_get_int(cx, next,
			  "SELECT min(next_check_at) FROM message INDEXED BY message_check"
			  " WHERE channel_account_id = :account AND next_check_at IS NOT NULL",
			  PARAMS(P_INT(":account", account)));
}

enum rc ledger_checked(struct cx *cx, int64_t id, const struct check_verdict *v, instant next_at)
{
	enum rc rc = db_run(
		cx,
		"UPDATE message SET provider_key = coalesce(provider_key, :key), next_check_at = :next WHERE id = :id",
		PARAMS(P_TEXT(":key", v->provider_key[0] != '\0' ? v->provider_key : NULL),
		       P_REF(":next", next_at), P_INT(":id", id)));

	return rc == RC_OK && v->end == CHECK_TOLD ? ledger_word(cx, id, v->status, "check", NULL) : rc;
}

instant check_after(instant sent_at, int checks, const struct check_verdict *v, bool is_told, instant now)
{
	/* Since sending: most phones answer within a minute, a phone that was off within a day. */
	static const int64_t ladder[] = { 30 * SECOND_MS, 2 * MINUTE_MS, 10 * MINUTE_MS, HOUR_MS,
					  3 * HOUR_MS,    8 * HOUR_MS,   DAY_MS };
	const size_t steps = sizeof(ladder) / sizeof(*ladder);
	instant at;

	if (sent_at > now) sent_at = now; /* by a clock that was ahead */
	if (now - sent_at > CHECK_AGE_MAX_MS) return 0;
	if (v->end == CHECK_LATER && v->delay_ms > 0) return now + v->delay_ms;
	if (v->end == CHECK_TOLD && (v->status == STATUS_READ || v->status == STATUS_PLAYED)) return 0;
	/* The webhook tells the rest; it is not retried by the provider, so one look at the end reconciles.
	 */
	if (is_told && v->end == CHECK_TOLD && v->provider_key[0] != '\0')
		return now - sent_at < 8 * HOUR_MS ? sent_at + 8 * HOUR_MS : 0;
	for (size_t i = checks < 0 ? 0 : (size_t)checks; i < steps; i++) {
		at = sent_at + ladder[i];
		if (at > now) return at;
	}
	return 0;
}
