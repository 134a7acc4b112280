/*
** outbox_page.c -- what leaves for people, as a list, and what a person may decide about one message.
**
** Needs:  outbox.h for every decision.
** Never:  writes the table message itself.
** Holds:  `state` is the ledger's own word for programs; people read it translated, a late failure as
**         such.
*/
#include "desk/inner.h"

#include <string.h>

const struct column outbox_columns[] = {
	{ .name = "created_at",
	  .title = N_("Made"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "address",
	  .title = N_("To"),
	  .type = COLUMN_PHONE,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "c.address" },
	{ .name = "state", .title = N_("State"), .type = COLUMN_TEXT, .flags = COL_READONLY | COL_API },
	{ .name = "state_shown",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST | COL_PAGE,
	  .sql = "CASE WHEN t.state = 'failed' AND t.is_late_failure = 1 THEN 'failed_late' ELSE t.state END",
	  .choices =
		  "queued=pending|sending=sending|sent=sent|delivered=delivered|read=read|failed=failed|"
		  "failed_late=failed afterwards|unsure=unsure|expired=expired|cancelled=cancelled|skipped=skipped" },
	{ .name = "topic",
	  .title = N_("Topic"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .choices = "notice=Notice|campaign=Campaign|service=Service" },
	{ .name = "occasion", .title = N_("Occasion"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "batch_id",
	  .title = N_("Batch"),
	  .type = COLUMN_REF,
	  .ref = "batches",
	  .flags = COL_READONLY },
	{ .name = "channel",
	  .title = N_("Channel"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY,
	  .sql = "a.name" },
	{ .name = "state_why", .title = N_("Reason"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "error",
	  .title = N_("Error"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_WORDS },
	{ .name = "is_late_failure",
	  .title = N_("failed afterwards"),
	  .type = COLUMN_BOOL,
	  .flags = COL_READONLY | COL_API },
	{ .name = "attempts", .title = N_("Attempts"), .type = COLUMN_INT, .flags = COL_READONLY | COL_LIST },
	{ .name = "retry_count",
	  .title = N_("Retries"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_API,
	  .sql = "max(t.attempts - 1, 0)" },
	{ .name = "not_before_at", .title = N_("Not before"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "expires_at", .title = N_("Expires"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "sent_at",
	  .title = N_("Sent at"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "delivered_at",
	  .title = N_("Delivered at"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY },
	{ .name = "read_at", .title = N_("Read at"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "failed_at", .title = N_("Failed at"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "provider_id",
	  .title = N_("Provider's number"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY },
	{ .name = "replaces_id",
	  .title = N_("Replaces"),
	  .type = COLUMN_REF,
	  .ref = "outbox",
	  .flags = COL_READONLY },
	{ .name = "created_by", .title = N_("By"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = NULL },
};

const struct sort outbox_sorts[] = {
	{ .name = "id", .title = N_("Newest"), .sql = "t.id", .is_down = true },
	{ .name = NULL },
};

/* "+t.…" keeps SQLite on the row ids where no index has both the filter and the order. */
const struct filter outbox_filters[] = {
	{ .name = "state",
	  .title = N_("State"),
	  .choices =
		  "queued=pending|sending=sending|sent=sent|delivered=delivered|read=read|failed=failed|unsure=unsure|"
		  "expired=expired|cancelled=cancelled|skipped=skipped",
	  .sql = (const char *const[]){ "t.state = 'queued'", "t.state = 'sending'", "t.state = 'sent'",
					"t.state = 'delivered'", "t.state = 'read'", "t.state = 'failed'",
					"t.state = 'unsure'", "t.state = 'expired'", "t.state = 'cancelled'",
					"t.state = 'skipped'", NULL } },
	{ .name = "batch",
	  .title = N_("Batch"),
	  .ref = "batches",
	  /* A batch's messages lie close together: only the ids between its first and last are read. */
	  .sql = (const char *const[]){ "+t.batch_id = :f_batch AND t.id BETWEEN"
					" (SELECT min(x.id) FROM message x WHERE x.batch_id = :f_batch) AND"
					" (SELECT max(x.id) FROM message x WHERE x.batch_id = :f_batch)",
					NULL } },
	{ .name = "address",
	  .title = N_("Number"),
	  .sql =
		  (const char *const[]){
			  "t.contact_id = (SELECT x.id FROM contact x WHERE x.kind = 'phone' AND x.address = :f_address)",
			  NULL } },
	{ .name = NULL },
};

/* Decisions */

static enum rc cancel_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = tx_begin(cx);

	(void)call;
	if (rc != RC_OK) return rc;
	rc = tx_end(cx, outbox_cancel(cx, id, "person"));
	if (rc == RC_OK) *done = _("The message was cancelled.");
	return rc;
}

static enum rc decide(struct cx *cx, int64_t id, bool arrived)
{
	enum rc rc = tx_begin(cx);

	return rc == RC_OK ? tx_end(cx, outbox_decide(cx, id, arrived)) : rc;
}

static enum rc arrived_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = decide(cx, id, true);

	(void)call;
	if (rc == RC_OK) *done = _("Noted as arrived.");
	return rc;
}

static enum rc again_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = decide(cx, id, false);

	(void)call;
	if (rc == RC_OK) *done = _("It will be sent again, as a new message.");
	return rc;
}

const struct action outbox_actions[] = {
	{ .name = "cancel",
	  .title = N_("Cancel"),
	  .right = "outbox.edit",
	  .confirm = N_("Cancel this message? It will not be sent."),
	  .is_bulk = true,
	  .is_dangerous = true,
	  .when = "t.state = 'queued'",
	  .run = cancel_run },
	{ .name = "arrived",
	  .title = N_("It arrived"),
	  .right = "outbox.edit",
	  .confirm = N_("Did you see on the phone that it arrived? It is then noted as sent."),
	  .is_bulk = true,
	  .when = "t.state = 'unsure'",
	  .run = arrived_run },
	{ .name = "again",
	  .title = N_("Send again"),
	  .right = "outbox.edit",
	  .confirm = N_("Send it again? If the first one did arrive, the person gets it twice."),
	  .is_bulk = true,
	  .is_dangerous = true,
	  .when = "t.state = 'unsure'",
	  .run = again_run },
	{ .name = NULL },
};
