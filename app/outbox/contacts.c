/*
** contacts.c -- who may be written to: addresses, opt-outs, dead ones. The only truth about it, for all
** modules.
**
** Owns:   the tables contact (but for dead_reason, which the ledger also writes) and opt_out.
** Needs:  the caller's write transaction, except for contact_find.
** Never:  decides what is sent; normalises an address: the caller hands E.164, a mail address, a chat id.
** Holds:  a mailing writes to the letters somebody typed, so Jefa@x.com and jefa@x.com may be two contacts;
**         what is known of the mailbox (opted out, dead) is kept at the one in lower case, and holds for all
**         of them.
*/
#include "outbox/suppression.h"
#include "base/text.h"

#include <string.h>

enum rc contact_find(struct cx *cx, int64_t *id, const char *kind, const char *address)
{
	return db_get_int(cx, id, "SELECT id FROM contact WHERE kind = :kind AND address = :address",
			  PARAMS(P_TEXT(":kind", kind), P_TEXT(":address", address)));
}

enum rc contact_ensure(struct cx *cx, int64_t *id, const char *kind, const char *address)
{
	char public_id[PUBLIC_ID_SIZE];
	enum rc rc = contact_find(cx, id, kind, address);

	if (rc != RC_NOT_FOUND) return rc;
	public_id_new(public_id);
	rc = db_run(
		cx,
		"INSERT INTO contact (kind, address, public_id, created_at) VALUES (:kind, :address, :public_id, :now)",
		PARAMS(P_TEXT(":kind", kind), P_TEXT(":address", address), P_TEXT(":public_id", public_id),
		       P_INT(":now", cx_now(cx))));
	if (rc == RC_OK) *id = db_last_id(cx);
	return rc;
}

enum rc contact_keeper(struct cx *cx, int64_t *id, bool makes)
{
	const char *address = NULL, *lower;
	enum rc rc = db_get_text(cx, &address,
				 "SELECT address FROM contact WHERE id = :id AND kind = 'email'"
				 " AND address <> lower(address)",
				 PARAMS(P_INT(":id", *id)));

	if (rc == RC_NOT_FOUND) return RC_OK;
	if (rc != RC_OK) return rc;
	lower = text_lower_ascii(cx->arena, address);
	if (makes) return contact_ensure(cx, id, "email", lower);
	rc = contact_find(cx, id, "email", lower);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc contact_opt_out(struct cx *cx, int64_t contact_id, const char *topic, const char *origin, bool out)
{
	enum rc rc = contact_keeper(cx, &contact_id, true);

	if (rc != RC_OK) return rc;
	if (out)
		rc = db_run(
			cx,
			"INSERT INTO opt_out (contact_id, topic, origin, created_at) VALUES (:contact, :topic, :origin, :now)"
			" ON CONFLICT (contact_id, topic) DO NOTHING",
			PARAMS(P_INT(":contact", contact_id), P_TEXT(":topic", topic),
			       P_TEXT(":origin", origin), P_INT(":now", cx_now(cx))));
	else
		rc = db_run(cx, "DELETE FROM opt_out WHERE contact_id = :contact AND topic = :topic",
			    PARAMS(P_INT(":contact", contact_id), P_TEXT(":topic", topic)));
	if (rc == RC_OK && db_changes(cx) == 1) {
		struct value *after = value_map(cx->arena);

		value_set_text(cx->arena, after, "topic", topic);
		value_set_text(cx->arena, after, "origin", origin);
		rc = audit_add(cx, out ? "opt_out" : "opt_in", "contact", contact_id, NULL, after);
		if (rc == RC_OK && strcmp(topic, "campaign") == 0) rc = suppression_follow(cx, contact_id);
	}
	return rc;
}

enum rc contact_revive(struct cx *cx, int64_t contact_id)
{
	enum rc rc = contact_keeper(cx, &contact_id, true);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE contact SET dead_reason = '', dead_at = NULL WHERE id = :id AND dead_reason <> ''",
			PARAMS(P_INT(":id", contact_id)));
	return rc == RC_OK && db_changes(cx) == 1 ? suppression_follow(cx, contact_id) : rc;
}
