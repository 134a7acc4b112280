/*
** bulk_counts.c -- how many recipients of a send are in which state.
**
** Owns:   bulk_send.result_json: counters only, never an address (spec §2.3).
** Needs:  the ledger's indexes of those states that few messages are in; the usual end is what remains.
** Holds:  (1) counted, never added up: a cut changes nothing; (2) a row that was sent again counts once, as
**         the message that speaks for it; (3) it costs some milliseconds however large the send was, but for
**         a road that tells of deliveries later: there the batch is read.
*/
#include "sends/bulk_inner.h"

#include <string.h>

struct tally {
	int64_t fed, queued, sending, failed, failed_late, unsure, cancelled, skipped, expired, replaced,
		delivered, read;
};

static enum rc count(struct cx *cx, int64_t *out, const char *sql, int64_t batch_id)
{
	return db_get_int(cx, out, sql, PARAMS(P_INT(":batch", batch_id)));
}

static enum rc count_states(struct cx *cx, struct tally *n, int64_t batch)
{
	enum rc rc = batch_queued(cx, &n->queued, batch);

	if (rc == RC_OK)
		rc = count(cx, &n->sending,
			   "SELECT count(*) FROM message WHERE state = 'sending' AND +batch_id = :batch",
			   batch);
	if (rc == RC_OK)
		rc = count(cx, &n->failed,
			   "SELECT count(*) FROM message WHERE batch_id = :batch AND state = 'failed'",
			   batch);
	if (rc == RC_OK && n->failed > 0)
		rc = count(
			cx, &n->failed_late,
			"SELECT count(*) FROM message WHERE batch_id = :batch AND state = 'failed' AND is_late_failure = 1",
			batch);
	if (rc == RC_OK)
		rc = count(cx, &n->unsure,
			   "SELECT count(*) FROM message WHERE batch_id = :batch AND state = 'unsure'",
			   batch);
	if (rc == RC_OK)
		rc = count(cx, &n->cancelled,
			   "SELECT count(*) FROM message WHERE state = 'cancelled' AND +batch_id = :batch",
			   batch);
	if (rc == RC_OK)
		rc = count(cx, &n->skipped,
			   "SELECT count(*) FROM message WHERE state = 'skipped' AND +batch_id = :batch",
			   batch);
	if (rc == RC_OK)
		rc = count(cx, &n->expired,
			   "SELECT count(*) FROM message WHERE state = 'expired' AND +batch_id = :batch",
			   batch);
	if (rc == RC_OK)
		rc = count(cx, &n->replaced,
			   "SELECT count(*) FROM message WHERE replaces_id > 0 AND +batch_id = :batch",
			   batch);
	return rc;
}

static enum rc count_told(struct cx *cx, struct tally *n, int64_t batch)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT sum(state = 'delivered'), sum(state = 'read') FROM message WHERE batch_id = :batch",
		PARAMS(P_INT(":batch", batch)));

	if (rc == RC_OK && query_next(q)) {
		n->delivered = query_int(q, 0);
		n->read = query_int(q, 1);
	}
	return query_end(q, rc);
}

static struct value *as_map(struct cx *cx, const struct bulk *b, const struct tally *n)
{
	struct value *map = value_map(cx->arena);
	int64_t failed = n->failed - n->replaced, rows = n->fed - n->replaced;
	int64_t sent = rows - n->queued - n->sending - failed - n->unsure - n->cancelled - n->skipped -
		       n->expired - n->delivered - n->read;
	const struct {
		const char *name;
		int64_t n;
	} rows_of[] = {
		{ "total", b->valid_rows + b->invalid_rows },
		{ "eligible", b->valid_rows },
		{ "invalid", b->invalid_rows },
		{ "not_fed", b->valid_rows > rows ? b->valid_rows - rows : 0 },
		{ "queued", n->queued },
		{ "sending", n->sending },
		{ "sent", sent > 0 ? sent : 0 },
		{ "delivered", n->delivered },
		{ "read", n->read },
		{ "failed", failed > 0 ? failed : 0 },
		{ "failed_late", n->failed_late },
		{ "unsure", n->unsure },
		{ "cancelled", n->cancelled },
		{ "skipped", n->skipped },
		{ "expired", n->expired },
	};

	for (size_t i = 0; i < sizeof(rows_of) / sizeof(*rows_of); i++)
		value_set_int(cx->arena, map, rows_of[i].name, rows_of[i].n);
	return map;
}

/* What is not counted here (the provider's limits before the send) stays. */
enum rc bulk_result_keep(struct cx *cx, const struct bulk *b, struct value *counts)
{
	struct value *old = NULL;
	const char *json = "";
	struct sb sb;
	/* Read where it is written: limits and counts are kept by two pieces of work. */
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_get_text(cx, &json, "SELECT result_json FROM bulk_send WHERE id = :id",
				 PARAMS(P_INT(":id", b->id)));
	if (rc != RC_OK) return tx_end(cx, rc);
	if (json_parse(cx->arena, &old, NULL, json, strlen(json)) != RC_OK || old->type != VALUE_MAP)
		old = value_map(cx->arena);
	for (struct value *v = old->first, *next; v != NULL; v = next) {
		next = v->next;
		if (value_get(counts, v->key) != NULL || strcmp(v->key, "counted_at") == 0) continue;
		v->next = NULL;
		value_set(counts, v->key, v);
	}
	value_set_int(cx->arena, counts, "counted_at", cx_now(cx));
	sb_init_arena(&sb, cx->arena, BULK_JSON_MAX);
	json_write(&sb, counts);
	rc = sb_result(&sb);
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE bulk_send SET result_json = :result WHERE id = :id",
			    PARAMS(P_TEXT(":result", sb_text_of(&sb)), P_INT(":id", b->id)));
	return tx_end(cx, rc);
}

enum rc bulk_count(struct cx *cx, struct value **out, const struct bulk *b, int64_t fed)
{
	struct tally n = { .fed = fed };
	enum rc rc = RC_OK;

	if (b->batch_id != 0) {
		if (fed < 0)
			rc = count(cx, &n.fed, "SELECT count(*) FROM message WHERE batch_id = :batch",
				   b->batch_id);
		if (rc == RC_OK) rc = count_states(cx, &n, b->batch_id);
		/* Only this one's webhooks tell what became of a mail. */
		if (rc == RC_OK && strcmp(b->channel, "sendgrid") == 0) rc = count_told(cx, &n, b->batch_id);
	} else {
		n.fed = 0;
	}
	if (rc == RC_OK) *out = as_map(cx, b, &n);
	return rc;
}

enum rc bulk_counts(struct cx *cx, struct value **out, int64_t id, bool keeps)
{
	struct bulk b;
	enum rc rc = bulk_read(cx, &b, id);

	if (rc == RC_OK) rc = bulk_count(cx, out, &b, -1);
	return rc == RC_OK && keeps ? bulk_result_keep(cx, &b, *out) : rc;
}
