/*
** message.c -- a message enters the ledger, is taken back, or is decided by a person.
**
** Owns:   the rows of message as they are born; the steps queued → cancelled and unsure → sent | failed of a
** person. Needs:  the caller's write transaction.
** Never:  sends; asks whether a contact may be written to: the claim does, at the last moment.
** Holds:  (1) one message per occasion; (2) a resend is a new row that names the one it replaces; (3) the
**         engine is woken by the COMMIT, never before.
*/
#include "outbox/account.h"
#include "outbox/ledger.h"

#include <string.h>

#define VARIABLES_MAX ((size_t)64 * 1024) /* names, dates and prices of one message: a page at most */

static enum rc variables_text(struct cx *cx, const char **out, const struct value *variables)
{
	struct sb sb;

	*out = NULL;
	if (variables == NULL) return RC_OK;
	sb_init_arena(&sb, cx->arena, VARIABLES_MAX);
	json_write(&sb, variables);
	*out = sb_text_of(&sb);
	return sb_result(&sb);
}

static enum rc add_files(struct cx *cx, int64_t id, const struct message_new *m)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->file_count && rc == RC_OK; i++)
		rc = db_run(
			cx,
			"INSERT INTO message_file (message_id, position, file_id) VALUES (:id, :position, :file)",
			PARAMS(P_INT(":id", id), P_INT(":position", (int64_t)i),
			       P_INT(":file", m->files[i])));
	return rc;
}

static enum rc insert(struct cx *cx, int64_t *id, const struct message_new *m, int64_t account,
		      const char *variables)
{
	char public_id[PUBLIC_ID_SIZE];
	instant now = cx_now(cx), not_before = m->not_before_at > 0 ? m->not_before_at : now;
	enum rc rc;

	public_id_new(public_id);
	rc = db_run(
		cx,
		"INSERT INTO message (public_id, batch_id, channel_account_id, contact_id, topic, occasion,"
		" template_version_id, variables_json, body, subject, html, to_name, turn, ignores_window, priority, not_before_at,"
		" expires_at, replaces_id, created_by, created_at) VALUES (:public_id, :batch, :account, :contact, :topic,"
		" :occasion, :version, :variables, :body, :subject, :html, :to_name, :turn, :ignores, :priority, :not_before,"
		" :expires, :replaces, :by, :now)"
		" ON CONFLICT (occasion) DO NOTHING",
		PARAMS(P_TEXT(":public_id", public_id), P_INT(":batch", m->batch_id),
		       P_INT(":account", account), P_INT(":contact", m->contact_id),
		       P_TEXT(":topic", m->topic), P_TEXT(":occasion", m->occasion),
		       P_REF(":version", m->template_version_id), P_TEXT(":variables", variables),
		       P_TEXT(":body", m->text), P_TEXT(":subject", m->subject), P_TEXT(":html", m->html),
		       P_TEXT(":to_name", m->to_name),
		       P_INT(":turn", not_before > now ? TURN_WAITING : TURN_READY),
		       P_INT(":ignores", m->ignores_window), P_INT(":priority", m->priority),
		       P_INT(":not_before", not_before), P_INT(":expires", m->expires_at),
		       P_REF(":replaces", m->replaces_id),
		       P_TEXT(":by", cx->actor.name ? cx->actor.name : ""), P_INT(":now", now)));
	if (rc != RC_OK) return rc;
	if (db_changes(cx) == 1) {
		*id = db_last_id(cx);
		tx_wake(cx, WAKE_OUTBOX);
		return add_files(cx, *id, m);
	}
	rc = db_get_int(cx, id, "SELECT id FROM message WHERE occasion = :occasion",
			PARAMS(P_TEXT(":occasion", m->occasion)));
	return rc == RC_OK ? RC_CONFLICT : rc;
}

enum rc outbox_add(struct cx *cx, int64_t *id, const struct message_new *m)
{
	const char *variables = NULL;
	int64_t account = 0;
	enum rc rc;

	if (m->text == NULL && m->template_version_id == 0) return RC_BUG;
	if (m->file_count > MESSAGE_FILES_MAX) return RC_BUG;
	rc = account_ensure(cx, &account, m->channel);
	if (rc == RC_OK) rc = variables_text(cx, &variables, m->variables);
	return rc == RC_OK ? insert(cx, id, m, account, variables) : rc;
}

enum rc outbox_cancel(struct cx *cx, int64_t id, const char *why)
{
	enum rc rc = db_run(
		cx,
		"UPDATE message SET state = 'cancelled', state_why = :why WHERE id = :id AND state = 'queued'",
		PARAMS(P_TEXT(":why", why), P_INT(":id", id)));

	if (rc == RC_OK && db_changes(cx) != 1)
		return cx_fail(cx, RC_CONFLICT, "%s",
			       _("Only a message that has not left yet can be cancelled."));
	if (rc == RC_OK && cx->actor.kind != ACTOR_SYSTEM)
		rc = attempt_add(cx, id, "person", 0, "cancelled", why);
	return rc;
}

/* A person decides an unsure one */

static enum rc leave_unsure(struct cx *cx, int64_t id, bool arrived)
{
	instant now = cx_now(cx);
	enum rc rc = db_run(
		cx,
		"UPDATE message SET state = :state, state_why = :why, sent_at = CASE WHEN :arrived THEN"
		" coalesce(claimed_at, :now) ELSE sent_at END, failed_at = CASE WHEN :arrived THEN failed_at ELSE"
		" :now END WHERE id = :id AND state = 'unsure'",
		PARAMS(P_TEXT(":state", arrived ? "sent" : "failed"),
		       P_TEXT(":why", arrived ? "person" : "replaced"), P_INT(":arrived", arrived),
		       P_INT(":now", now), P_INT(":id", id)));

	if (rc == RC_OK && db_changes(cx) != 1)
		return cx_fail(cx, RC_CONFLICT, "%s", _("This message is not unsure any more."));
	return rc == RC_OK ? attempt_add(cx, id, "person", 0, arrived ? "sent" : "replaced", "") : rc;
}

/* A copy of the row that leaves again: it may take another day, since somebody asked for it just now. */
static enum rc add_again(struct cx *cx, int64_t id)
{
	char public_id[PUBLIC_ID_SIZE];
	instant now = cx_now(cx);
	enum rc rc;

	public_id_new(public_id);
	tx_wake(cx, WAKE_OUTBOX);
	rc = db_run(
		cx,
		"INSERT INTO message (public_id, batch_id, channel_account_id, contact_id, topic, occasion,"
		" template_version_id, variables_json, body, subject, html, to_name, turn, ignores_window, priority,"
		" not_before_at, expires_at, replaces_id, created_by, created_at) SELECT :public_id, batch_id, channel_account_id,"
		" contact_id, topic, occasion || ':again', template_version_id, variables_json, body, subject, html, to_name, 1,"
		" ignores_window, priority,"
		" :now, max(expires_at, :until), id, :by, :now FROM message WHERE id = :id",
		PARAMS(P_TEXT(":public_id", public_id), P_INT(":now", now), P_INT(":until", now + DAY_MS),
		       P_TEXT(":by", cx->actor.name ? cx->actor.name : ""), P_INT(":id", id)));
	if (rc != RC_OK) return rc;
	return db_run(
		cx,
		"INSERT INTO message_file (message_id, position, file_id) SELECT :again, position, file_id"
		" FROM message_file WHERE message_id = :id",
		PARAMS(P_INT(":again", db_last_id(cx)), P_INT(":id", id)));
}

/* What is sent again leaves with its batch: of a cancelled one nothing would. */
static enum rc check_open(struct cx *cx, int64_t id)
{
	const char *state = "";
	enum rc rc = db_get_text(
		cx, &state,
		"SELECT b.state FROM message m JOIN batch b ON b.id = m.batch_id WHERE m.id = :id",
		PARAMS(P_INT(":id", id)));

	if (rc != RC_OK || strcmp(state, "cancelled") != 0) return rc;
	return cx_fail(
		cx, RC_CONFLICT, "%s",
		_("Its batch was cancelled, so it cannot be sent again: say that it arrived, or leave it."));
}

enum rc outbox_decide(struct cx *cx, int64_t id, bool arrived)
{
	struct value *after = value_map(cx->arena);
	int64_t left = 0;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	if (!arrived) rc = check_open(cx, id);
	if (rc == RC_OK) rc = leave_unsure(cx, id, arrived);
	if (rc == RC_OK && !arrived) rc = add_again(cx, id);
	value_set_text(cx->arena, after, "decision", arrived ? "arrived" : "again");
	if (rc == RC_OK) rc = audit_add(cx, "decide", "message", id, NULL, after);
	if (rc == RC_OK)
		rc = db_get_int(
			cx, &left,
			"SELECT EXISTS (SELECT 1 FROM message INDEXED BY message_unusual WHERE state = 'unsure')",
			NO_PARAMS);
	if (rc == RC_OK && left == 0) rc = alert_resolve(cx, "outbox.unsure");
	return tx_end(cx, rc);
}
