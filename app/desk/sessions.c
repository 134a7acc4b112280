/*
** sessions.c -- where somebody is logged in, and ending it.
**
** Needs:  web/people.h; the table session is read here and ended there.
** Never:  shows an id of a session that would log anybody in: those are stored hashed.
** Holds:  one's own sessions on one's own page; those of others only from the page of that person, by
**         somebody who may do as much.
*/
#include "desk/people.h"

#include <stdlib.h>
#include <string.h>

#define SESSIONS_SHOWN 50 /* more are ended all at once */

enum rc fill_sessions(struct cx *cx, int64_t user_id, int64_t this_one, struct value *page)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, page, "sessions");
	instant now = cx_now(cx);
	enum rc rc = db_rows(
		cx, &rows, SESSIONS_SHOWN,
		"SELECT id, address, agent, created_at, last_used_at FROM session WHERE user_id = :user"
		" AND expires_at > :now AND last_used_at > :idle ORDER BY last_used_at DESC, id DESC",
		PARAMS(P_INT(":user", user_id), P_INT(":now", now), P_INT(":idle", now - SESSION_IDLE_MS)));

	if (rc != RC_OK) return rc;
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, list);
		const char *what = agent_words(cx, value_text_of(value_get(v, "agent"), ""));
		char at[RFC3339_SIZE];

		value_set_int(cx->arena, one, "id", value_int_of(value_get(v, "id"), 0));
		value_set_text(cx->arena, one, "what", what[0] != '\0' ? what : _("Unknown program"));
		value_set_text(cx->arena, one, "address", value_text_of(value_get(v, "address"), ""));
		instant_text_local(at, value_int_of(value_get(v, "created_at"), 0), cx->env->zone);
		value_set_text(cx->arena, one, "started", at);
		instant_text_local(at, value_int_of(value_get(v, "last_used_at"), 0), cx->env->zone);
		value_set_text(cx->arena, one, "used", at);
		value_set_bool(cx->arena, one, "is_this",
			       this_one != 0 && value_int_of(value_get(v, "id"), 0) == this_one);
	}
	value_set_bool(cx->arena, page, "has_sessions", list->count > 0);
	value_set_bool(cx->arena, page, "has_others", list->count > 1);
	return RC_OK;
}

enum rc session_end_audited(struct cx *cx, int64_t user_id, int64_t session_id, int64_t keep, int64_t *ended)
{
	struct value *before = value_map(cx->arena), *row = NULL;
	enum rc rc = tx_begin(cx);

	*ended = 0;
	if (rc != RC_OK) return rc;
	rc = user_reach(cx, user_id);
	if (rc == RC_OK && session_id != 0) {
		rc = db_row(cx, &row, "SELECT address, agent FROM session WHERE id = :id AND user_id = :user",
			    PARAMS(P_INT(":id", session_id), P_INT(":user", user_id)));
		if (rc == RC_OK)
			rc = db_run(cx, "DELETE FROM session WHERE id = :id AND user_id = :user",
				    PARAMS(P_INT(":id", session_id), P_INT(":user", user_id)));
		if (rc == RC_OK) *ended = db_changes(cx);
		value_set_text(cx->arena, before, "address", value_text_of(value_get(row, "address"), ""));
		value_set_text(cx->arena, before, "agent", value_text_of(value_get(row, "agent"), ""));
	} else if (rc == RC_OK) {
		rc = sessions_end(cx, user_id, keep, ended);
	}
	if (rc == RC_NOT_FOUND) rc = RC_OK; /* it ended by itself meanwhile */
	if (rc == RC_OK && *ended > 0) {
		value_set_int(cx->arena, before, "sessions", *ended);
		rc = audit_add(cx, "sessions_end", "user", user_id, before, NULL);
	}
	return tx_end(cx, rc);
}

enum rc handle_my_sessions(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena);
	enum rc rc;

	if (cx->actor.kind != ACTOR_USER || call_shape(call) != SHAPE_PAGE) return RC_NOT_FOUND;
	rc = fill_sessions(cx, cx->actor.user_id, call_session(call), page);
	if (rc != RC_OK) return rc;
	value_set_bool(cx->arena, page, "may_end", true);
	trail_add(cx, page, _("My account"), "/me");
	page_answer(cx, call, "desk/my_sessions", _("Where I am logged in"), page);
	return RC_OK;
}

enum rc handle_my_sessions_end(struct cx *cx, struct call *call)
{
	const char *id;
	int64_t ended = 0;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	if (cx->actor.kind != ACTOR_USER || call_shape(call) != SHAPE_PAGE) return RC_NOT_FOUND;
	id = field_text(call, "session");
	rc = session_end_audited(cx, cx->actor.user_id, strtoll(id, NULL, 10), call_session(call), &ended);
	if (rc != RC_OK) return rc;
	answer_flash(cx, call, "/me/sessions",
		     arena_printf(cx->arena,
				  words_plural(cx->lang, ended, N_("%lld session ended."),
					       N_("%lld sessions ended.")),
				  (long long)ended));
	return RC_OK;
}
