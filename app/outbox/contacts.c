/*
** contacts.c -- who may be written to: addresses, opt-outs, dead ones. The only truth about it, for all
** modules.
**
** Owns:   the tables contact (but for dead_reason, which the ledger also writes) and opt_out.
** Needs:  the caller's write transaction, except for contact_find.
** Never:  decides what is sent; normalises an address: the caller hands E.164, a lower-case mail address, a
** chat id.
*/
#include "outbox/suppression.h"

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

enum rc contact_opt_out(struct cx *cx, int64_t contact_id, const char *topic, const char *origin, bool out)
{
	enum rc rc;

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
	enum rc rc = db_run(
		cx,
		"UPDATE contact SET dead_reason = '', dead_at = NULL WHERE id = :id AND dead_reason <> ''",
		PARAMS(P_INT(":id", contact_id)));

	return rc == RC_OK && db_changes(cx) == 1 ? suppression_follow(cx, contact_id) : rc;
}
