/*
** send_look.c -- may a send go on right now, and if not, what holds it and until when?
**
** Needs:  the channel's state as the outbox keeps it, the kill switches, the send's own setting about unsure
** mails. Never:  changes anything.
** Holds:  a wait of a few seconds is the channel's own business: nobody is told of a pause that ends before
**         it is read.
*/
#include "sends/bulk_inner.h"

#include "outbox/channel.h"

#include <string.h>

#define SHORT_WAIT_MS (5 * SECOND_MS)

static enum rc read_row(struct cx *cx, struct send_look *out, int64_t bulk_id, const char **channel_state,
			bool *has_unsure)
{
	struct query *q = NULL;
	bool has_row = false;
	enum rc rc = db_query(
		cx, &q,
		"SELECT b.status, b.status_why, coalesce(x.state, ''), coalesce(a.state, 'open'),"
		" coalesce(a.state_why, ''), coalesce(a.until_at, 0), EXISTS (SELECT 1 FROM message m"
		" WHERE m.batch_id = b.batch_id AND m.state = 'unsure'), b.paused_until_at, b.status_detail FROM bulk_send b"
		" LEFT JOIN batch x ON x.id = b.batch_id LEFT JOIN channel_account a ON a.name = b.channel"
		" WHERE b.id = :id",
		PARAMS(P_INT(":id", bulk_id)));

	if (rc == RC_OK && query_next(q)) {
		has_row = true;
		*out = (struct send_look){ .status = query_copy(cx, q, 0),
					   .why = query_copy(cx, q, 1),
					   .batch_state = query_copy(cx, q, 2),
					   .detail = query_copy(cx, q, 4),
					   .until = query_int(q, 5),
					   .kept_until = query_int(q, 7),
					   .kept_detail = query_copy(cx, q, 8) };
		*channel_state = query_copy(cx, q, 3);
		*has_unsure = query_int(q, 6) != 0;
	}
	rc = query_end(q, rc);
	return rc == RC_OK && !has_row ? RC_NOT_FOUND : rc;
}

/* A batch that the engine itself paused keeps the word why at what it put back: "" = a person paused it. */
static enum rc read_batch_why(struct cx *cx, struct send_look *out, int64_t bulk_id)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT state_why FROM message INDEXED BY message_batch_queued WHERE batch_id ="
		" (SELECT batch_id FROM bulk_send WHERE id = :id) AND state = 'queued' ORDER BY id LIMIT 1",
		PARAMS(P_INT(":id", bulk_id)));

	if (rc == RC_OK && query_next(q) && channel_code_is_batchs(query_text(q, 0)))
		out->detail = query_copy(cx, q, 0);
	return query_end(q, rc);
}

static bool channel_holds(struct cx *cx, const struct send_look *look, const char *state)
{
	if (strcmp(state, "stopped") == 0) return true;
	if (strcmp(state, "waiting") != 0) return false;
	return look->until == 0 || look->until - cx_now(cx) > SHORT_WAIT_MS;
}

enum rc send_look_read(struct cx *cx, struct send_look *out, int64_t bulk_id)
{
	const struct settings *s = cx->env->settings;
	const char *channel_state = "open";
	bool has_unsure = false, is_halted = false, was_paused_for_it;
	enum rc rc = read_row(cx, out, bulk_id, &channel_state, &has_unsure);

	if (rc == RC_OK) rc = outbox_is_halted(cx, &is_halted, NULL);
	if (rc != RC_OK) return rc;
	/* A batch that the send itself paused is no reason of its own. */
	was_paused_for_it = strcmp(out->status, "paused") == 0 && strcmp(out->why, WHY_BATCH) != 0;
	if (!setting_bool(s, "sends.enabled"))
		out->hold = WHY_SWITCH;
	else if (is_halted)
		out->hold = WHY_HALTED;
	else if (strcmp(out->batch_state, "paused") == 0 && !was_paused_for_it &&
		 strcmp(out->status, "queued") != 0)
		out->hold = WHY_BATCH;
	else if (has_unsure && setting_bool(s, "sends.unsure_blocks"))
		out->hold = WHY_UNSURE;
	else if (channel_holds(cx, out, channel_state))
		out->hold = WHY_CHANNEL;
	else if (strcmp(out->status, "paused") == 0 && strcmp(out->why, WHY_GATEWAY) == 0 &&
		 out->kept_until > cx_now(cx)) {
		out->hold = WHY_GATEWAY;
		out->detail = out->kept_detail;
		out->until = out->kept_until;
		return RC_OK;
	}
	if (out->hold == NULL || strcmp(out->hold, WHY_CHANNEL) != 0) {
		out->detail = "";
		out->until = 0;
	} else if (strcmp(channel_state, "stopped") == 0) {
		out->until = 0;
	}
	if (out->hold != NULL && strcmp(out->hold, WHY_BATCH) == 0) return read_batch_why(cx, out, bulk_id);
	return RC_OK;
}
