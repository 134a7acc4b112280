/*
** evidence.c -- an unsure message that the provider itself speaks of was sent.
**
** The line was cut before the answer, but the gateway reports by webhook what left the phone: the same text
** to the same number, soon after. That is proof, and nobody has to decide.
**
** Owns:   the step unsure -> sent by evidence, and of what a person had sent again meanwhile queued -> sent.
** Needs:  the caller's write transaction.
** Never:  takes silence for proof that something did not leave.
** Holds:  one report settles at most one message, the oldest that fits.
*/
#include "outbox/ledger.h"

#include <string.h>

#define CANDIDATES_MAX     8      /* unsure ones of one person: a kill leaves at most one each        */
#define EVIDENCE_WITHIN_MS DAY_MS /* the provider reports within seconds; a day bridges its outages    */

struct candidate {
	int64_t id, version_id;
	const char *text, *variables_json;
};

static enum rc read_unsure(struct cx *cx, int64_t account, const char *address, struct candidate *out,
			   int *count)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT m.id, m.template_version_id, m.body, m.variables_json FROM contact c"
		" CROSS JOIN message m INDEXED BY message_contact ON m.contact_id = c.id"
		" WHERE c.kind = 'phone' AND c.address = :address AND m.channel_account_id = :account"
		" AND m.state = 'unsure' AND m.claimed_at > :since ORDER BY m.id LIMIT :max",
		PARAMS(P_TEXT(":address", address), P_INT(":account", account),
		       P_INT(":since", cx_now(cx) - EVIDENCE_WITHIN_MS), P_INT(":max", CANDIDATES_MAX)));

	*count = 0;
	while (rc == RC_OK && *count < CANDIDATES_MAX && query_next(q))
		out[(*count)++] = (struct candidate){ .id = query_int(q, 0),
						      .version_id = query_int(q, 1),
						      .text = query_copy(cx, q, 2),
						      .variables_json = query_copy(cx, q, 3) };
	return query_end(q, rc);
}

/* What left: as it is, or rendered again from its immutable version. */
static bool says(struct cx *cx, const struct candidate *k, const char *text)
{
	struct value *variables = NULL;
	const char *mine = k->text;

	if (k->version_id != 0 &&
	    (json_parse(cx->arena, &variables, NULL, k->variables_json, strlen(k->variables_json)) != RC_OK ||
	     template_render_version(cx, &mine, k->version_id, variables) != RC_OK)) {
		cx->message = ""; /* not provable is no failure */
		return false;
	}
	return strcmp(mine, text) == 0;
}

enum rc ledger_prove(struct cx *cx, int64_t id, const char *key, const char *detail)
{
	int64_t left = 0;
	enum rc rc = db_run(
		cx,
		"UPDATE message SET state = 'sent', state_why = 'evidence', sent_at = coalesce(claimed_at, :now),"
		" provider_key = coalesce(:key, provider_key) WHERE id = :id AND (state = 'unsure'"
		" OR (state = 'queued' AND replaces_id IS NOT NULL))",
		PARAMS(P_TEXT(":key", key), P_INT(":now", cx_now(cx)), P_INT(":id", id)));

	if (rc != RC_OK || db_changes(cx) != 1) return rc;
	rc = attempt_add(cx, id, "event", 0, "sent", detail);
	if (rc == RC_OK)
		rc = db_get_int(
			cx, &left,
			"SELECT EXISTS (SELECT 1 FROM message INDEXED BY message_unusual WHERE state = 'unsure')",
			NO_PARAMS);
	return rc == RC_OK && left == 0 ? alert_resolve(cx, "outbox.unsure") : rc;
}

enum rc ledger_evidence(struct cx *cx, int64_t account, const char *address, const char *text,
			const char *key, bool *changed)
{
	struct candidate found[CANDIDATES_MAX];
	int count = 0;
	enum rc rc = read_unsure(cx, account, address, found, &count);

	*changed = false;
	for (int i = 0; rc == RC_OK && i < count; i++) {
		if (!says(cx, &found[i], text)) continue;
		*changed = true;
		return ledger_prove(cx, found[i].id, key, "the gateway told of it by itself");
	}
	return rc;
}
