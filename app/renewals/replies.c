/*
** replies.c -- the words of this module in what customers write: RENOVAR and SI.
**
** Holds: an answer never renews anything by itself; it leaves a request for the owner, once per inbound
** message, and only within REPLY_WITHIN_MS of a notice. Anything else is not ours and goes to the inbox.
*/
#include "renewals/renewals.h"

#define REPLY_WITHIN_MS (10 * DAY_MS) /* spec §9: later a "si" answers something else */

static enum rc handle_renew(struct cx *cx, int64_t contact_id, int64_t inbound_message_id, const char *text,
			    const char **ack)
{
	struct query *q = NULL;
	char public_id[PUBLIC_ID_SIZE];
	int64_t client = 0, subscription = 0;
	bool is_ours;
	const char *answer = setting_text(cx->env->settings, "renewals.request_acknowledgement");
	enum rc rc = db_query(
		cx, &q,
		"SELECT n.client_id, n.subscription_id FROM message m JOIN notice n ON n.message_id = m.id"
		" WHERE m.contact_id = :contact AND m.created_at >= :since AND n.type = 'expiration_warning'"
		" AND m.state IN ('sent', 'delivered', 'read', 'unsure') ORDER BY m.id DESC LIMIT 1",
		PARAMS(P_INT(":contact", contact_id), P_INT(":since", cx_now(cx) - REPLY_WITHIN_MS)));

	(void)text;
	is_ours = rc == RC_OK && query_next(q);
	if (is_ours) {
		client = query_int(q, 0);
		subscription = query_int(q, 1);
	}
	rc = query_end(q, rc);
	if (rc != RC_OK || !is_ours) return rc != RC_OK ? rc : RC_NOT_FOUND;
	public_id_new(public_id);
	rc = db_run(
		cx,
		"INSERT INTO renewal_request (public_id, contact_id, client_id, subscription_id, inbound_message_id, created_at)"
		" VALUES (:public_id, :contact, :client, :subscription, :inbound, :now) ON CONFLICT DO NOTHING",
		PARAMS(P_TEXT(":public_id", public_id), P_INT(":contact", contact_id),
		       P_INT(":client", client), P_INT(":subscription", subscription),
		       P_INT(":inbound", inbound_message_id), P_INT(":now", cx_now(cx))));
	if (rc == RC_OK) *ack = answer[0] != '\0' ? answer : NULL;
	return rc;
}

const struct reply_word renewals_replies[] = {
	{ .words = "renovar|si", .handle = handle_renew },
	{ .words = NULL },
};
