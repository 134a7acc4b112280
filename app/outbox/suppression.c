/*
** suppression.c -- who gets no mailings: unsubscribed, complained, put there by hand, or a dead address.
**
** Owns:   the table suppression, a list for people that follows what counts: contact.dead_reason and opt_out.
** Needs:  the caller's write transaction, except for the two that only ask.
** Never:  decides about a queued message: the claim asks contact and opt_out itself.
** Holds:  (1) letters' case makes no other address: who left as Ana@ is not written to as ana@; (2) a contact
**         has at most one active row, by UNIQUE; who is written to again keeps the old one, as history.
*/
#include "outbox/suppression.h"
#include "base/text.h"

#include <string.h>

#define ADDRESS_MAX 512 /* bytes: no e-mail contact is longer */

/* Asking */

static void lower(char out[ADDRESS_MAX], const char *address)
{
	size_t n = 0;

	for (; address[n] != '\0' && n + 1 < ADDRESS_MAX; n++)
		out[n] = (char)(address[n] >= 'A' && address[n] <= 'Z' ? address[n] + ('a' - 'A')
								       : address[n]);
	out[n] = '\0';
}

enum rc suppressed_each(struct cx *cx, const char *topic, suppressed_fn *fn, void *arg)
{
	char address[ADDRESS_MAX];
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT c.address FROM contact c INDEXED BY contact_dead"
		" WHERE c.dead_reason <> '' AND c.kind = 'email'"
		" UNION ALL SELECT c.address FROM opt_out o CROSS JOIN contact c ON c.id = o.contact_id"
		" WHERE o.topic = :topic AND c.kind = 'email'",
		PARAMS(P_TEXT(":topic", topic)));

	while (rc == RC_OK && query_next(q)) {
		lower(address, query_text(q, 0));
		rc = fn(arg, address);
	}
	return query_end(q, rc);
}

struct sought {
	const char *address;
	bool is_there;
};

static enum rc compare(void *arg, const char *address)
{
	struct sought *s = arg;

	if (strcmp(address, s->address) == 0) s->is_there = true;
	return RC_OK;
}

enum rc address_is_suppressed(struct cx *cx, bool *out, const char *address, const char *topic)
{
	struct sought s = { .address = text_lower_ascii(cx->arena, address) };
	enum rc rc = suppressed_each(cx, topic, compare, &s);

	if (rc == RC_OK) *out = s.is_there;
	return rc;
}

/* The list */

const char *suppression_reason(const char *origin, bool is_out)
{
	if (!is_out) return "bounce";
	if (strcmp(origin, ORIGIN_SPAM) == 0) return "spam";
	return strcmp(origin, ORIGIN_PANEL) == 0 ? "hand" : "unsubscribed";
}

/* What counts, of one contact. */
struct standing {
	bool is_mail, is_out, is_dead;
	const char *address, *origin;
	instant since;
};

static enum rc standing_of(struct cx *cx, struct standing *out, int64_t contact_id)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT c.kind = 'email', c.address, c.dead_reason, coalesce(c.dead_at, c.created_at), o.origin,"
		" o.created_at FROM contact c"
		" LEFT JOIN opt_out o ON o.contact_id = c.id AND o.topic = 'campaign' WHERE c.id = :id",
		PARAMS(P_INT(":id", contact_id)));

	*out = (struct standing){ .address = "", .origin = "" };
	if (rc == RC_OK && query_next(q)) {
		out->is_mail = query_int(q, 0) != 0;
		out->address = query_copy(cx, q, 1);
		out->is_dead = query_text(q, 2)[0] != '\0';
		out->is_out = !query_is_null(q, 4);
		out->origin = query_copy(cx, q, out->is_out ? 4 : 2);
		out->since = query_int(q, out->is_out ? 5 : 3);
	}
	return query_end(q, rc);
}

enum rc suppression_follow(struct cx *cx, int64_t contact_id)
{
	char public_id[PUBLIC_ID_SIZE];
	struct standing s;
	enum rc rc = standing_of(cx, &s, contact_id);

	if (rc != RC_OK || !s.is_mail) return rc;
	if (!s.is_out && !s.is_dead)
		return db_run(cx,
			      "UPDATE suppression SET is_active = 0, lifted_at = :now, updated_at = :now"
			      " WHERE contact_id = :contact AND is_active = 1",
			      PARAMS(P_INT(":now", cx_now(cx)), P_INT(":contact", contact_id)));
	public_id_new(public_id);
	return db_run(
		cx,
		"INSERT INTO suppression (public_id, contact_id, address, reason, origin, created_at, updated_at, search)"
		" VALUES (:public_id, :contact, :address, :reason, :origin, :since, :now, :search)"
		" ON CONFLICT (contact_id) WHERE is_active = 1 DO UPDATE SET reason = excluded.reason,"
		" origin = excluded.origin, updated_at = excluded.updated_at"
		" WHERE reason <> excluded.reason OR origin <> excluded.origin",
		PARAMS(P_TEXT(":public_id", public_id), P_INT(":contact", contact_id),
		       P_TEXT(":address", s.address),
		       P_TEXT(":reason", suppression_reason(s.origin, s.is_out)), P_TEXT(":origin", s.origin),
		       P_INT(":since", s.since), P_INT(":now", cx_now(cx)),
		       P_TEXT(":search", text_fold(cx->arena, s.address))));
}

enum rc contact_is_dead(struct cx *cx, int64_t contact_id, const char *why)
{
	enum rc rc = contact_keeper(cx, &contact_id, true);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE contact SET dead_reason = :why, dead_at = :now WHERE id = :id AND dead_reason = ''",
			PARAMS(P_TEXT(":why", why), P_INT(":now", cx_now(cx)), P_INT(":id", contact_id)));
	return rc == RC_OK && db_changes(cx) == 1 ? suppression_follow(cx, contact_id) : rc;
}

enum rc suppression_lift(struct cx *cx, int64_t contact_id)
{
	enum rc rc = contact_opt_out(cx, contact_id, "campaign", ORIGIN_PANEL, false);

	return rc == RC_OK ? contact_revive(cx, contact_id) : rc;
}
