/*
** alerts.c -- what the owner must know: raised once while open, resolved by whoever raised it.
**
** Owns:   the table alert.
** Needs:  the caller's write transaction for raising and resolving.
** Never:  formats a text of the database with printf: the one %s is replaced by hand.
** Holds:  at most one open alert per key, by UNIQUE.
*/
#include "outbox/outbox.h"

#include <string.h>

#define ALERTS_SHOWN 50 /* of the banner; more than a handful means something else is wrong */
#define SENTENCE_MAX 1000

enum rc alert_raise(struct cx *cx, const char *key, const char *severity, const char *msgid,
		    const char *subject, const char *link)
{
	enum rc rc =
		db_run(cx,
		       "INSERT INTO alert (key, severity, msgid, subject, link, created_at)"
		       " VALUES (:key, :severity, :msgid, :subject, :link, :now)"
		       " ON CONFLICT (key) WHERE resolved_at IS NULL DO NOTHING",
		       PARAMS(P_TEXT(":key", key), P_TEXT(":severity", severity), P_TEXT(":msgid", msgid),
			      P_TEXT(":subject", subject), P_TEXT(":link", link), P_INT(":now", cx_now(cx))));

	if (rc == RC_OK && db_changes(cx) == 1)
		log_event(strcmp(severity, "info") == 0 ? LOG_INFO : LOG_WARN, "outbox", "alert.raise",
			  "key=%s severity=%s", key, severity);
	return rc;
}

enum rc alert_resolve(struct cx *cx, const char *key)
{
	return db_run(cx, "UPDATE alert SET resolved_at = :now WHERE key = :key AND resolved_at IS NULL",
		      PARAMS(P_INT(":now", cx_now(cx)), P_TEXT(":key", key)));
}

static const char *sentence(struct cx *cx, const char *msgid, const char *subject)
{
	const char *text = words_get(cx->lang, msgid);
	const char *place = strstr(text, "%s");
	struct sb sb;

	if (place == NULL) return arena_text(cx->arena, text);
	sb_init_arena(&sb, cx->arena, SENTENCE_MAX);
	sb_bytes(&sb, text, (size_t)(place - text));
	sb_text(&sb, subject);
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
		value_set_text(cx->arena, row, "text", sentence(cx, query_text(q, 2), query_text(q, 3)));
		value_set_text(cx->arena, row, "link", query_text(q, 4));
		value_set_int(cx->arena, row, "at", query_int(q, 5));
	}
	rc = query_end(q, rc);
	if (rc == RC_OK) *out = list;
	return rc;
}
