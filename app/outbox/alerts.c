/*
** alerts.c -- what the owner must know: raised once while open, resolved by whoever raised it.
**
** Owns:   the table alert (but who was told: ops/alarm_tell.c); of message: the step unsure → failed of our
** own notices.
** Needs:  the caller's write transaction for raising and resolving.
** Never:  formats a text of the database with printf: the one %s is replaced by hand.
** Holds:  at most one open alert per key, by UNIQUE.
*/
#include "outbox/alert.h"
#include "base/text.h"

#include <string.h>

#define ALERTS_SHOWN 50 /* of the banner; more than a handful means something else is wrong */
#define SENTENCE_MAX 1000
#define SUBJECT_MAX  600 /* a provider's error may be a page */

/* Who tells of alerts looks at once, not at its next turn. */
static void changed(struct cx *cx)
{
	tx_wake(cx, WAKE_HEALTH);
}

static enum rc insert(struct cx *cx, const struct alert_new *n)
{
	return db_run(
		cx,
		"INSERT INTO alert (key, severity, msgid, subject, link, remedy, is_test, created_at, resolved_at)"
		" VALUES (:key, :severity, :msgid, :subject, :link, :remedy, :test, :now, :resolved)"
		" ON CONFLICT (key) WHERE resolved_at IS NULL DO NOTHING",
		PARAMS(P_TEXT(":key", n->key), P_TEXT(":severity", n->severity), P_TEXT(":msgid", n->msgid),
		       P_TEXT(":subject", n->subject), P_TEXT(":link", n->link),
		       P_TEXT(":remedy", n->remedy != NULL ? n->remedy : ""), P_INT(":test", n->is_test),
		       P_INT(":now", cx_now(cx)), P_REF(":resolved", n->is_test ? cx_now(cx) : 0)));
}

enum rc alert_add(struct cx *cx, int64_t *id, const struct alert_new *n)
{
	enum rc rc = insert(cx, n);

	if (rc != RC_OK) return rc;
	if (db_changes(cx) == 1) {
		*id = db_last_id(cx);
		log_event(strcmp(n->severity, "info") == 0 ? LOG_INFO : LOG_WARN, "outbox", "alert.raise",
			  "key=%s severity=%s test=%d", n->key, n->severity, n->is_test);
		changed(cx);
		return RC_OK;
	}
	return db_get_int(cx, id, "SELECT id FROM alert WHERE key = :key AND resolved_at IS NULL",
			  PARAMS(P_TEXT(":key", n->key)));
}

enum rc alert_raise(struct cx *cx, const char *key, const char *severity, const char *msgid,
		    const char *subject, const char *link)
{
	const struct alert_new n = {
		.key = key, .severity = severity, .msgid = msgid, .subject = subject, .link = link
	};
	int64_t id = 0;

	return alert_add(cx, &id, &n);
}

enum rc alert_resolve(struct cx *cx, const char *key)
{
	enum rc rc =
		db_run(cx, "UPDATE alert SET resolved_at = :now WHERE key = :key AND resolved_at IS NULL",
		       PARAMS(P_INT(":now", cx_now(cx)), P_TEXT(":key", key)));

	if (rc == RC_OK && db_changes(cx) > 0) {
		log_event(LOG_INFO, "outbox", "alert.resolve", "key=%s", key);
		changed(cx);
	}
	return rc;
}

enum rc alert_retell(struct cx *cx, const char *key, const char *subject)
{
	return db_run(cx,
		      "UPDATE alert SET subject = :subject WHERE key = :key AND resolved_at IS NULL"
		      " AND subject <> :subject",
		      PARAMS(P_TEXT(":key", key), P_TEXT(":subject", subject)));
}

enum rc alert_settle_unsure(struct cx *cx, int64_t *count)
{
	int64_t left = 0;
	enum rc rc;

	*count = 0;
	/* Evidence first: an attempt row tells why, then the state leaves "unsure". */
	rc = db_run(
		cx,
		"INSERT INTO attempt (message_id, at, kind, outcome, detail) SELECT m.id, :now, 'start',"
		" 'notice_unsure', '' FROM message m INDEXED BY message_unusual JOIN batch b ON b.id = m.batch_id"
		" WHERE m.state = 'unsure' AND b.kind = :batch",
		PARAMS(P_INT(":now", cx_now(cx)), P_TEXT(":batch", ALERT_BATCH)));
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE message INDEXED BY message_unusual SET state = 'failed', state_why = 'notice_unsure', failed_at = :now"
			" WHERE state = 'unsure' AND batch_id IN (SELECT id FROM batch WHERE kind = :batch)",
			PARAMS(P_INT(":now", cx_now(cx)), P_TEXT(":batch", ALERT_BATCH)));
	if (rc == RC_OK) *count = db_changes(cx);
	if (rc == RC_OK)
		rc = db_get_int(
			cx, &left,
			"SELECT EXISTS (SELECT 1 FROM message INDEXED BY message_unusual WHERE state = 'unsure')",
			NO_PARAMS);
	return rc == RC_OK && left == 0 ? alert_resolve(cx, "outbox.unsure") : rc;
}

const char *alert_sentence(struct arena *a, enum lang lang, const char *msgid, const char *subject)
{
	const char *text = words_get(lang, msgid);
	const char *place = strstr(text, "%s");
	struct sb sb;
	size_t n;

	if (place == NULL) return arena_text(a, text);
	n = text_prefix(subject, SUBJECT_MAX);
	sb_init_arena(&sb, a, SENTENCE_MAX + SUBJECT_MAX);
	sb_bytes(&sb, text, (size_t)(place - text));
	sb_bytes(&sb, subject, n);
	if (subject[n] != '\0') sb_lit(&sb, "…");
	sb_text(&sb, place + 2);
	return sb_text_of(&sb);
}

enum rc alerts_open(struct cx *cx, struct value **out)
{
	struct query *q = NULL;
	struct value *list = value_list(cx->arena);
	enum rc rc = db_query(
		cx, &q,
		"SELECT key, severity, msgid, subject, link, created_at FROM alert WHERE resolved_at IS NULL"
		" ORDER BY CASE severity WHEN 'urgent' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, id LIMIT :max",
		PARAMS(P_INT(":max", ALERTS_SHOWN)));

	while (rc == RC_OK && query_next(q)) {
		struct value *row = value_add_map(cx->arena, list);

		value_set_text(cx->arena, row, "key", query_text(q, 0));
		value_set_text(cx->arena, row, "severity", query_text(q, 1));
		value_set_text(cx->arena, row, "text",
			       alert_sentence(cx->arena, cx->lang, query_text(q, 2), query_text(q, 3)));
		value_set_text(cx->arena, row, "link", query_text(q, 4));
		value_set_int(cx->arena, row, "at", query_int(q, 5));
	}
	rc = query_end(q, rc);
	if (rc == RC_OK) *out = list;
	return rc;
}
