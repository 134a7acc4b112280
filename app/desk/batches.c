/*
** batches.c -- the batches of messages: their counts, and pausing, going on, cancelling.
**
** Needs:  outbox.h for every change.
** Holds:  how fast it goes is what left in the last minutes, not what a setting promises.
*/
#include "desk/outbox_pages.h"

#include <string.h>

#define RATE_OVER_MS (15 * MINUTE_MS) /* what left in this time tells how fast it goes */

/* Counting a large batch for each row of a list would cost more than the list: it stops early. */
#define COUNT_UP_TO(state)                                                                             \
	"(SELECT count(*) FROM (SELECT 1 FROM message m WHERE m.batch_id = t.id AND m.state = '" state \
	"' LIMIT 10001))"

const struct column batches_columns[] = {
	{ .name = "title", .title = N_("Title"), .type = COLUMN_TEXT, .flags = COL_READONLY | COL_WORDS },
	{ .name = "created_at",
	  .title = N_("Made"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "kind",
	  .title = N_("Kind"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .choices =
		  "renewals.notices=Renewal notices|desk.replies=Replies|outbox.answers=Automatic answers|"
		  "house.alerts=Alerts|sends.bulk=Bulk send|sends.single=Single mail|renewals.single=To one person|house.test=Test message" },
	{ .name = "local_on", .title = N_("Day"), .type = COLUMN_DATE, .flags = COL_READONLY | COL_LIST },
	{ .name = "state",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .choices = "open=open|paused=paused|cancelled=cancelled" },
	{ .name = "origin",
	  .title = N_("Origin"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY,
	  .choices =
		  "auto=Automatic|manual=By hand|cron=External call|catchup=Catching up|command=Command line|inbox=Inbox" },
	{ .name = "queued",
	  .title = N_("pending"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = COUNT_UP_TO("queued") },
	{ .name = "failed",
	  .title = N_("failed"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = COUNT_UP_TO("failed") },
	{ .name = "unsure",
	  .title = N_("unsure"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = COUNT_UP_TO("unsure") },
	{ .name = "total",
	  .title = N_("Messages"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "(SELECT count(*) FROM (SELECT 1 FROM message m WHERE m.batch_id = t.id LIMIT 10001))" },
	{ .name = "created_by",
	  .title = N_("By"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY,
	  .shown = who_shown },
	{ .name = "planned_at", .title = N_("Planned"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = NULL },
};

const struct sort batches_sorts[] = {
	{ .name = "id", .title = N_("Newest"), .sql = "t.id", .is_down = true },
	{ .name = NULL },
};

static enum rc set_state(struct cx *cx, int64_t id, const char *state, const char *sentence,
			 const char **done)
{
	enum rc rc = batch_set_state(cx, id, state);

	if (rc == RC_OK) *done = sentence;
	return rc;
}

static enum rc pause_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	return set_state(cx, id, "paused",
			 _("The batch is paused: what is on its way arrives, the rest waits."), done);
}

static enum rc continue_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	return set_state(cx, id, "open", _("The batch goes on."), done);
}

static enum rc cancel_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	return set_state(cx, id, "cancelled", _("The batch was cancelled: what had not left will not leave."),
			 done);
}

const struct action batches_actions[] = {
	{ .name = "pause",
	  .title = N_("Pause"),
	  .right = "outbox.edit",
	  .when = "t.state = 'open'",
	  .run = pause_run },
	{ .name = "continue",
	  .title = N_("Continue"),
	  .right = "outbox.edit",
	  .when = "t.state = 'paused'",
	  .run = continue_run },
	{ .name = "cancel",
	  .title = N_("Cancel"),
	  .right = "outbox.edit",
	  .confirm = N_("Cancel everything of this batch that has not left yet? It cannot be opened again."),
	  .is_dangerous = true,
	  .when = "t.state <> 'cancelled'",
	  .run = cancel_run },
	{ .name = NULL },
};

static const char *const states[] = { "queued", "sending", "sent",    "delivered", "read",
				      "failed", "unsure",  "expired", "cancelled", "skipped" };

/* How fast it goes and when it will be over; or what its first message waits for. */
static enum rc fill_pace(struct cx *cx, int64_t id, int64_t waiting, struct value *page)
{
	struct value *row = NULL;
	struct message_row m;
	struct waiting w;
	instant now = cx_now(cx);
	int64_t left, span, first = 0;
	enum rc rc = db_row(
		cx, &row,
		"SELECT count(*) AS n, min(sent_at) AS first FROM message WHERE batch_id = :id AND sent_at >= :since",
		PARAMS(P_INT(":id", id), P_INT(":since", now - RATE_OVER_MS)));

	if (rc == RC_OK)
		rc = db_get_int(
			cx, &first,
			"SELECT min(id) FROM message INDEXED BY message_batch_queued WHERE batch_id = :id AND state = 'queued'",
			PARAMS(P_INT(":id", id)));
	if (rc == RC_OK) rc = message_read(cx, &m, first);
	if (rc == RC_OK) rc = message_waits(cx, &w, &m);
	if (rc != RC_OK) return rc;
	if (strcmp(w.rule, "in_line") != 0) {
		value_set_text(cx->arena, page, "waits", w.words);
		return RC_OK;
	}
	left = value_int_of(value_get(row, "n"), 0);
	span = now - value_int_of(value_get(row, "first"), now);
	if (left < 2 || span <= 0) return RC_OK; /* one message is no speed */
	value_set_text(cx->arena, page, "rate",
		       arena_printf(cx->arena, _("%lld a minute"), (long long)(left * MINUTE_MS / span)));
	value_set_text(cx->arena, page, "finish", instant_minutes(cx, now + waiting * span / left));
	return RC_OK;
}

static void fill_progress(struct cx *cx, int64_t id, const struct value *counts, struct value *page)
{
	int64_t total = value_int_of(value_get(counts, "total"), 0);
	int64_t waiting = value_int_of(value_get(counts, "queued"), 0);
	int64_t open = waiting + value_int_of(value_get(counts, "sending"), 0);

	value_set_int(cx->arena, page, "done_percent", total > 0 ? (total - open) * 100 / total : 0);
	value_set_text(
		cx->arena, page, "done",
		arena_printf(cx->arena, _("%lld of %lld"), (long long)(total - open), (long long)total));
	if (waiting > 0 && fill_pace(cx, id, waiting, page) != RC_OK)
		cx->message = ""; /* the counts stand without it */
}

void batches_show(struct cx *cx, int64_t id, struct value *page)
{
	struct value *counts = NULL, *list = value_set_list(cx->arena, page, "counts");
	int64_t total;

	if (batch_counts(cx, &counts, id) != RC_OK) return;
	fill_progress(cx, id, counts, page);
	total = value_int_of(value_get(counts, "total"), 0);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		int64_t n = value_int_of(value_get(counts, states[i]), 0);
		struct value *out;

		if (n == 0) continue;
		out = value_add_map(cx->arena, list);
		value_set_text(cx->arena, out, "mark", mark_of(states[i]));
		value_set_text(cx->arena, out, "title", message_state_words(cx, states[i], false));
		value_set_text(cx->arena, out, "count", arena_printf(cx->arena, "%lld", (long long)n));
		value_set_int(cx->arena, out, "percent", total > 0 ? n * 100 / total : 0);
		value_set_text(cx->arena, out, "href",
			       arena_printf(cx->arena, "/outbox?batch=%s&state=%s",
					    value_text_of(value_get(page, "id"), ""), states[i]));
	}
	value_set_text(cx->arena, page, "total", arena_printf(cx->arena, "%lld", (long long)total));
}
