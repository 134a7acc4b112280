/*
** retention.c -- forgets what people wrote and were written, when the owner's days for it are over.
**
** Owns:   the emptying of bodies, variables, attachments, evidence and raw events; the marks outbox.kept_* in
** meta. Needs:  nothing but the tables.
** Never:  deletes a message or attempt: counts, states and dates stay; touches a message that may still leave
** or be decided. Holds:  each row is looked at once: a mark in meta says how far the last run came.
*/
#include "outbox/retention.h"

#include <stdio.h>
#include <stdlib.h>

#define SLICE 500 /* ids looked at in one transaction: some 20 ms */

struct place {
	const char *mark;  /* key in meta: highest id done            */
	const char *until; /* highest id that is old enough           */
	const char *empty; /* for :from < id <= :to                   */
	const char *days;  /* the setting                             */
};

#define OLD_MESSAGE                                                                                         \
	"SELECT max(id) FROM (SELECT id FROM message INDEXED BY message_created WHERE created_at < :before" \
	" ORDER BY created_at DESC, id DESC LIMIT 1)"

static const struct place places[] = {
	{ .mark = "outbox.kept_message",
	  .until = OLD_MESSAGE,
	  .empty =
		  "UPDATE message SET body = NULL, variables_json = NULL, subject = NULL, html = NULL, to_name = NULL"
		  " WHERE id > :from AND id <= :to AND state NOT IN ('queued', 'sending', 'unsure')"
		  " AND (body IS NOT NULL OR variables_json IS NOT NULL OR subject IS NOT NULL OR html IS NOT NULL"
		  " OR to_name IS NOT NULL)",
	  .days = "outbox.keep_days" },
	{ .mark = "outbox.kept_attempt",
	  .until = OLD_MESSAGE,
	  .empty =
		  "UPDATE attempt SET detail = '' WHERE message_id > :from AND message_id <= :to AND detail <> ''"
		  " AND (SELECT state FROM message WHERE id = message_id) NOT IN ('queued', 'sending', 'unsure')",
	  .days = "outbox.keep_days" },
	{ .mark = "outbox.kept_file",
	  .until = OLD_MESSAGE,
	  .empty =
		  "DELETE FROM message_file WHERE message_id > :from AND message_id <= :to"
		  " AND (SELECT state FROM message WHERE id = message_id) NOT IN ('queued', 'sending', 'unsure')",
	  .days = "outbox.keep_days" },
	{ .mark = "outbox.kept_letter",
	  .until = "SELECT coalesce((SELECT min(id) - 1 FROM inbound_message WHERE received_at >= :before),"
		   " (SELECT max(id) FROM inbound_message))",
	  .empty =
		  "UPDATE inbound_message SET body = '', name = '' WHERE id > :from AND id <= :to AND body <> ''",
	  .days = "outbox.keep_days" },
	{ .mark = "outbox.kept_event",
	  .until =
		  "SELECT coalesce((SELECT min(id) - 1 FROM inbound WHERE received_at >= :before), (SELECT max(id) FROM inbound))",
	  .empty =
		  "UPDATE inbound SET body = '' WHERE id > :from AND id <= :to AND state <> 'new' AND body <> ''",
	  .days = "outbox.keep_raw_days" },
};

static enum rc empty_slice(struct cx *cx, const struct place *p, int64_t from, int64_t to)
{
	char mark[24];
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	snprintf(mark, sizeof(mark), "%lld", (long long)to);
	rc = db_run(cx, p->empty, PARAMS(P_INT(":from", from), P_INT(":to", to)));
	if (rc == RC_OK) rc = meta_set(cx, p->mark, mark);
	return tx_end(cx, rc);
}

static enum rc empty_place(struct cx *cx, struct job *job, const struct place *p)
{
	int64_t days = setting_int(cx->env->settings, p->days), until = 0, from;
	const char *mark = "";
	enum rc rc = meta_get(cx, &mark, p->mark);

	if (rc == RC_OK)
		rc = db_get_int(cx, &until, p->until, PARAMS(P_INT(":before", cx_now(cx) - days * DAY_MS)));
	from = strtoll(mark, NULL, 10);
	while (rc == RC_OK && from < until) {
		int64_t to = until - from > SLICE ? from + SLICE : until;

		if (job != NULL && job_should_stop(job)) return RC_TRY_LATER;
		rc = empty_slice(cx, p, from, to);
		from = to;
	}
	return rc;
}

enum rc retention_run(struct cx *cx, struct job *job)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < sizeof(places) / sizeof(*places); i++)
		rc = empty_place(cx, job, &places[i]);
	return rc;
}
