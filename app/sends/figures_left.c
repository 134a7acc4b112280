/*
** figures_left.c -- who asked for no more mailings, or called it spam, after a send: what we were told
** ourselves.
**
** A link to leave names the person, not the mail; SendGrid's events the mail, which the list of who left does
** not keep. So a leaving belongs to the last mailing that the person had got before it, for LEFT_DAYS.
**
** Needs:  suppression, which keeps who left also after he came back.
** Never:  asks a provider; tells who it was.
** Holds:  (1) a leaving counts for one send; (2) what a person at the desk did is nobody's leaving; (3) who
**         got the mail as Ana@ and left as ana@ (outbox/suppression.c) is found too, by reading all contacts,
**         and only when somebody who left has no mail of his own.
*/
#include "sends/figures.h"

#define LEFT_DAYS 30 /* a month later it is the next mailing that somebody leaves */
/* The clock that says when a mail was taken is read before it is written down: a click may seem earlier. */
#define SLACK_MS MINUTE_MS

static enum rc add(struct cx *cx, struct figures_left *out, const char *sql, const struct param *params)
{
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q, sql, params);

	if (rc == RC_OK && query_next(q)) {
		out->spam += query_int(q, 0);
		out->unsubscribed += query_int(q, 1);
	}
	return query_end(q, rc);
}

enum rc figures_left(struct cx *cx, struct figures_left *out, int64_t batch_id, instant from, instant until)
{
	const struct param params[] = { P_INT(":batch", batch_id),
					P_INT(":from", from),
					P_INT(":until", until + LEFT_DAYS * DAY_MS),
					P_INT(":slack", SLACK_MS),
					{ .name = NULL, .type = PARAM_END } };
	int64_t strangers = 0;
	enum rc rc;

	*out = (struct figures_left){ .spam = 0 };
	if (batch_id == 0) return RC_OK;
	rc = add(
		cx, out,
		"SELECT sum(s.reason = 'spam'), sum(s.reason = 'unsubscribed') FROM suppression s CROSS JOIN message m"
		" ON m.id = (SELECT x.id FROM message x WHERE x.contact_id = s.contact_id AND x.topic = 'campaign'"
		" AND x.sent_at <= s.created_at + :slack ORDER BY x.id DESC LIMIT 1)"
		" WHERE s.created_at BETWEEN :from AND :until AND s.reason IN ('spam', 'unsubscribed')"
		" AND m.batch_id = :batch",
		params);
	if (rc == RC_OK)
		rc = db_get_int(
			cx, &strangers,
			"SELECT EXISTS (SELECT 1 FROM suppression s WHERE s.created_at BETWEEN :from AND :until"
			" AND s.reason IN ('spam', 'unsubscribed') AND NOT EXISTS (SELECT 1 FROM message x"
			" WHERE x.contact_id = s.contact_id))",
			PARAMS(P_INT(":from", from), P_INT(":until", until + LEFT_DAYS * DAY_MS)));
	if (rc != RC_OK || strangers == 0) return rc;
	return add(
		cx, out,
		"SELECT sum(s.reason = 'spam'), sum(s.reason = 'unsubscribed') FROM contact c CROSS JOIN contact k"
		" ON k.kind = 'email' AND k.address = lower(c.address) CROSS JOIN suppression s ON s.contact_id = k.id"
		" CROSS JOIN message m ON m.id = (SELECT x.id FROM message x WHERE x.contact_id = c.id AND"
		" x.topic = 'campaign' AND x.sent_at <= s.created_at + :slack ORDER BY x.id DESC LIMIT 1)"
		" WHERE c.kind = 'email' AND c.address <> lower(c.address)"
		" AND s.created_at BETWEEN :from AND :until AND s.reason IN ('spam', 'unsubscribed')"
		" AND m.batch_id = :batch",
		params);
}
