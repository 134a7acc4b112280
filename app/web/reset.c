/*
** reset.c -- the page behind the link of `recado user reset`: a new password, without the old one.
**
** Owns:   nothing: the link is in password_reset (auth.c).
** Holds:  (1) a link is good once and for RESET_MS; (2) guessing it is counted like a password, but the right
**         one never waits: 130 bits are not guessed; (3) nobody is logged in by it: the second factor, if it
**         is still on, is asked for at the log-in that follows.
*/
#include "web/inside.h"
#include "web/people.h"
#include <string.h>

struct reset {
	const char *code, *name;
	int64_t user_id;
};

static enum rc reset_find(struct cx *cx, struct reset *out, const char *code)
{
	char hash[SHA256_HEX_SIZE];
	struct query *q = NULL;
	bool is_there = false;
	enum rc rc;

	sha256_hex(hash, code, strlen(code));
	rc = db_query(cx, &q,
		      "SELECT u.id, u.name FROM password_reset p JOIN user u ON u.id = p.user_id"
		      " WHERE p.code_sha256 = :hash AND p.expires_at > :now AND u.archived_at IS NULL",
		      PARAMS(P_TEXT(":hash", hash), P_INT(":now", cx_now(cx))));
	if (rc == RC_OK && query_next(q)) {
		is_there = true;
		out->user_id = query_int(q, 0);
		out->name = query_copy(cx, q, 1);
	}
	rc = query_end(q, rc);
	return rc == RC_OK && !is_there ? RC_NOT_FOUND : rc;
}

static enum rc reset_check(struct cx *cx, struct call *call, struct reset *out, const char *code)
{
	struct attempt t;
	enum rc rc;

	out->code = code != NULL ? code : "";
	rc = reset_find(cx, out, out->code); /* first: guesses of others never keep the right link out */
	if (rc != RC_NOT_FOUND) return rc;
	rc = throttle_begin(cx, &t, "reset", "code", 0);
	if (rc == RC_TOO_MANY) wait_said(cx, call, t.wait_s);
	if (rc != RC_OK) return rc;
	if (out->code[0] == '\0') throttle_undo(cx, &t);
	log_event(LOG_WARN, "security", "reset.fail", "address=%s", call->address);
	return cx_fail(
		cx, RC_DENIED,
		_("This link is not good any more: it works once and for half an hour. `recado user reset "
		  "NAME` makes a new one."));
}

static void reset_page(struct cx *cx, struct call *call, const struct reset *r, const char *error)
{
	struct value *data = value_map(cx->arena);

	value_set_text(cx->arena, data, "code", r->code);
	value_set_text(cx->arena, data, "name", r->name);
	if (error != NULL) value_set_text(cx->arena, data, "error", error);
	for (size_t i = 0; i < cx->field_count; i++)
		value_set_text(cx->arena, data, "password_error", cx->fields[i].message);
	answer_page(cx, call, "web/reset", _("New password"), data);
}

enum rc reset_show(struct cx *cx, struct call *call)
{
	struct reset r;
	enum rc rc = reset_check(cx, call, &r, call_query(call, "code"));

	if (rc == RC_OK) reset_page(cx, call, &r, NULL);
	return rc;
}

/* Whoever guesses elsewhere does not slow down the log-in that follows here. */
static enum rc welcome_here(struct cx *cx, int64_t user_id)
{
	enum rc rc = tx_begin(cx);

	return rc == RC_OK ? tx_end(cx, throttle_known(cx, user_id)) : rc;
}

enum rc reset_post(struct cx *cx, struct call *call)
{
	const char *password, *again;
	struct reset r;
	enum rc rc = same_site(cx, call);

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc == RC_OK) rc = reset_check(cx, call, &r, form_text(call, "code"));
	if (rc != RC_OK) return rc;
	password = form_text(call, "password");
	again = form_text(call, "password_again");
	if (again != NULL && password != NULL && strcmp(again, password) != 0)
		rc = cx_fail_field(cx, "password", _("The two passwords are not the same."));
	if (rc == RC_OK) {
		cx->actor.kind = ACTOR_USER; /* the link proves as much as a session of this person */
		cx->actor.user_id = r.user_id;
		cx->actor.name = r.name;
		rc = user_password(cx, r.user_id, password != NULL ? password : "", 0);
		forget_actor(cx, call);
		if (rc == RC_OK) rc = welcome_here(cx, r.user_id);
	}
	if (rc == RC_OK) {
		answer_flash(cx, call, "/login", _("The password was changed: log in with the new one."));
		return RC_OK;
	}
	if (rc == RC_BAD_INPUT && !call->wants_json) {
		reset_page(cx, call, &r, cx->field_count == 0 ? cx_sentence(cx, rc) : NULL);
		reply_status(call->rp, 400);
		return RC_OK;
	}
	return rc;
}
