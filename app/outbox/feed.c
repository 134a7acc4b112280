/*
** feed.c -- rows of a mailing become queued messages, a slice at a time.
**
** Owns:   of message: rows born from a mailing's rows.
** Needs:  the caller's write transaction, in which its own cursor moves too.
** Never:  asks whether somebody may be written to: the claim does, at the last moment.
** Holds:  (1) an occasion makes one message, however often it is fed; (2) what is fed leaves at any hour: who
**         started the mailing chose it.
*/
#include "outbox/account.h"
#include "outbox/outbox.h"

#include <stdio.h>
#include <string.h>

#define OCCASION_SIZE 96 /* "bulk_recipient:" and 19 digits; a table's name has at most 64 letters */

struct feeding {
	const struct feed *feed;
	const char *contact_kind, *by;
	int64_t account;
	instant now;
};

static enum rc contact_kind_of(struct cx *cx, struct feeding *f)
{
	const struct channel *channel = channel_find(f->feed->channel);
	const struct channel_kind *kind = channel != NULL ? channel_kind_of(channel, cx->env) : NULL;

	if (kind == NULL || strlen(f->feed->table) > OCCASION_SIZE - 24) return RC_BUG;
	f->contact_kind = kind->contact;
	return account_ensure(cx, &f->account, f->feed->channel);
}

static enum rc add_row(struct cx *cx, const struct feeding *f, const struct feed_row *row, bool *is_known)
{
	char public_id[PUBLIC_ID_SIZE], occasion[OCCASION_SIZE];
	bool has_name = row->name != NULL && row->name[0] != '\0';
	int64_t contact = 0;
	enum rc rc = contact_ensure(cx, &contact, f->contact_kind, row->address);

	if (rc != RC_OK) return rc;
	public_id_new(public_id);
	snprintf(occasion, sizeof(occasion), "%s:%lld", f->feed->table, (long long)row->id);
	rc = db_run(
		cx,
		"INSERT INTO message (public_id, batch_id, channel_account_id, contact_id, topic, occasion,"
		" variables_json, to_name, turn, ignores_window, priority, not_before_at, expires_at, created_by,"
		" created_at) VALUES (:public_id, :batch, :account, :contact, :topic, :occasion, :variables, :name, 1, 1,"
		" :priority, :now, :expires, :by, :now) ON CONFLICT (occasion) DO NOTHING",
		PARAMS(P_TEXT(":public_id", public_id), P_INT(":batch", f->feed->batch_id),
		       P_INT(":account", f->account), P_INT(":contact", contact),
		       P_TEXT(":topic", f->feed->topic), P_TEXT(":occasion", occasion),
		       P_TEXT(":variables", row->variables_json),
		       P_TEXT(":name", has_name ? row->name : NULL), P_INT(":priority", f->feed->priority),
		       P_INT(":now", f->now), P_INT(":expires", f->feed->expires_at), P_TEXT(":by", f->by)));
	if (rc == RC_OK) *is_known = db_changes(cx) == 0;
	return rc;
}

enum rc outbox_feed(struct cx *cx, const struct feed *feed, const struct feed_row *rows, size_t count,
		    int64_t *known)
{
	struct feeding f = { .feed = feed,
			     .by = cx->actor.name != NULL ? cx->actor.name : "",
			     .now = cx_now(cx) };
	int64_t n = 0;
	enum rc rc;

	if (count > FEED_ROWS_MAX) return RC_BUG;
	rc = contact_kind_of(cx, &f);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		bool is_known = false;

		rc = add_row(cx, &f, &rows[i], &is_known);
		n += is_known;
	}
	if (rc != RC_OK) return rc;
	if (known != NULL) *known = n;
	if (n < (int64_t)count) tx_wake(cx, WAKE_OUTBOX);
	return RC_OK;
}

enum rc batch_queued(struct cx *cx, int64_t *out, int64_t batch_id)
{
	return db_get_int(
		cx, out,
		"SELECT count(*) FROM message INDEXED BY message_batch_queued WHERE batch_id = :batch AND state = 'queued'",
		PARAMS(P_INT(":batch", batch_id)));
}
