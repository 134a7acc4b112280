/*
** session.c -- who asks: sessions by cookie, programs by token, and the proof that a write comes from our
** page.
**
** Owns:   the tables session and login_step; api_token.last_used_at.
** Needs:  a database connection; throttle.c to note from where somebody came.
** Never:  stores or logs a token: only its SHA-256.
** Holds:  (1) a session ends after SESSION_IDLE_MS of silence and SESSION_ABSOLUTE_MS in any case; (2) asking
**         who is there is one indexed query; last_used_at is written at most once a minute, so that pages
**         stay readers; (3) an archived user, a changed role or right, a log-out works at the next request,
**         from whatever process it came: nothing is kept in memory; (4) between password and code there is no
**         session at all, only a login_step of STEP_MS; (5) a token never may more than its user may now.
*/
#include "web/inside.h"
#include "base/text.h"
#include "web/people.h"
#include <string.h>

#define TOUCH_MS  MINUTE_MS /* how stale last_used_at may be                                      */
#define AGENT_MAX 200       /* bytes of a browser's name in the list of sessions                   */

/* Finding */

/* A write of no importance to the answer: its failure leaves no sentence behind. */
static void touch(struct cx *cx, const char *sql, int64_t id)
{
	const char *message = cx->message, *code = cx->error_code;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = tx_end(cx, db_run(cx, sql, PARAMS(P_INT(":id", id), P_INT(":now", cx_now(cx)))));
	if (rc != RC_OK) log_event(LOG_WARN, "security", "session.touch", "code=%s", rc_row(rc)->name);
	cx->message = message;
	cx->error_code = code;
}

static const char *session_cookie(struct call *call)
{
	return request_cookie(call->rq, call->is_https ? SESSION_COOKIE_HTTPS : SESSION_COOKIE);
}

static enum rc find_by_cookie(struct cx *cx, struct call *call, const char *token)
{
	char hash[SHA256_HEX_SIZE];
	struct query *q = NULL;
	instant now = cx_now(cx), used = 0;
	bool is_there = false, has_factor = false;
	enum rc rc;

	sha256_hex(hash, token, strlen(token));
	rc = db_query(
		cx, &q,
		"SELECT s.id, s.csrf, s.last_used_at, s.expires_at, u.id, u.name, u.language, r.rights, r.name,"
		" u.totp_at IS NOT NULL"
		" FROM session s JOIN user u ON u.id = s.user_id JOIN role r ON r.id = u.role_id"
		" WHERE s.token_sha256 = :hash AND u.archived_at IS NULL",
		PARAMS(P_TEXT(":hash", hash)));
	if (rc == RC_OK && query_next(q)) {
		used = query_int(q, 2);
		is_there = now < query_int(q, 3) && now - used < SESSION_IDLE_MS;
	}
	if (is_there) {
		call->login.session_id = query_int(q, 0);
		call->login.csrf = query_copy(cx, q, 1);
		call->login.language = query_copy(cx, q, 6);
		cx->actor.kind = ACTOR_USER;
		cx->actor.user_id = query_int(q, 4);
		cx->actor.name = query_copy(cx, q, 5);
		cx->actor.role = query_copy(cx, q, 8);
		has_factor = query_int(q, 9) != 0;
		call->login.needs_factor = !has_factor && second_factor_is_required(cx);
		/* Until the second factor is set up, nothing else is open (web.c). */
		cx->actor.rights = call->login.needs_factor ? "" : query_copy(cx, q, 7);
	}
	rc = query_end(q, rc);
	if (rc == RC_OK && !is_there) return RC_NO_LOGIN;
	if (rc == RC_OK && now - used > TOUCH_MS)
		touch(cx, "UPDATE session SET last_used_at = :now WHERE id = :id AND last_used_at < :now",
		      call->login.session_id);
	return rc;
}

static enum rc find_by_token(struct cx *cx, const char *token)
{
	char hash[SHA256_HEX_SIZE];
	struct query *q = NULL;
	instant now = cx_now(cx), used = 0;
	bool is_there = false;
	int64_t id = 0;
	enum rc rc;

	sha256_hex(hash, token, strlen(token));
	rc = db_query(
		cx, &q,
		"SELECT t.id, t.name, t.rights, t.last_used_at, t.expires_at, t.user_id, u.id, u.archived_at, r.rights"
		" FROM api_token t LEFT JOIN user u ON u.id = t.user_id LEFT JOIN role r ON r.id = u.role_id"
		" WHERE t.token_sha256 = :hash AND t.archived_at IS NULL",
		PARAMS(P_TEXT(":hash", hash)));
	if (rc == RC_OK && query_next(q))
		is_there = (query_is_null(q, 4) || now < query_int(q, 4)) &&
			   (query_is_null(q, 5) || (!query_is_null(q, 6) && query_is_null(q, 7)));
	if (is_there) {
		id = query_int(q, 0);
		used = query_int(q, 3);
		cx->actor.kind = ACTOR_TOKEN;
		cx->actor.token_id = id;
		cx->actor.user_id = query_int(q, 5);
		cx->actor.name = arena_printf(cx->arena, "token:%s", query_text(q, 1));
		cx->actor.role = "";
		cx->actor.rights = query_is_null(q, 5)
					   ? query_copy(cx, q, 2)
					   : rights_common(cx->arena, query_text(q, 2), query_text(q, 8));
	}
	rc = query_end(q, rc);
	if (rc == RC_OK && !is_there) return cx_fail(cx, RC_NO_LOGIN, _("The token is not valid."));
	if (rc == RC_OK && now - used > TOUCH_MS)
		touch(cx,
		      "UPDATE api_token SET last_used_at = :now WHERE id = :id"
		      " AND (last_used_at IS NULL OR last_used_at < :now)",
		      id);
	return rc;
}

enum rc session_find(struct cx *cx, struct call *call)
{
	const char *header = request_header(call->rq, "Authorization");
	const char *cookie;

	cx->actor = (struct actor){
		.kind = ACTOR_USER, .name = "", .role = "", .rights = "", .address = call->address
	};
	if (header != NULL) {
		if (strncasecmp(header, "Bearer ", 7) != 0)
			return cx_fail(cx, RC_NO_LOGIN,
				       _("Only tokens are accepted: Authorization: Bearer …"));
		header += 7;
		return find_by_token(cx, header + strspn(header, " "));
	}
	cookie = session_cookie(call);
	if (cookie == NULL || cookie[0] == '\0') return RC_NO_LOGIN;
	return find_by_cookie(cx, call, cookie);
}

/* Opening and closing */

static const char *agent_of(struct cx *cx, struct call *call)
{
	const char *agent = request_header(call->rq, "User-Agent");
	size_t len = agent != NULL ? strlen(agent) : 0;

	if (len > AGENT_MAX) len = AGENT_MAX;
	while (len > 0 && agent[len] != '\0' && ((unsigned char)agent[len] & 0xc0) == 0x80)
		len--;
	return len > 0 && text_is_utf8(agent, len) ? arena_bytes(cx->arena, agent, len) : "";
}

static void session_cookie_set(struct call *call, const char *token, int64_t max_age_s)
{
	cookie_set(call, call->is_https ? SESSION_COOKIE_HTTPS : SESSION_COOKIE, token, max_age_s);
}

/* In the history of that person: from where, with what. */
static enum rc login_noted(struct cx *cx, struct call *call, int64_t user_id)
{
	struct actor before = cx->actor;
	struct value *after = value_map(cx->arena);
	enum rc rc = db_get_text(cx, &cx->actor.name, "SELECT name FROM user WHERE id = :id",
				 PARAMS(P_INT(":id", user_id)));

	cx->actor.kind = ACTOR_USER;
	cx->actor.user_id = user_id;
	value_set_text(cx->arena, after, "agent", agent_of(cx, call));
	if (rc == RC_OK) rc = audit_add(cx, "login", "user", user_id, NULL, after);
	cx->actor = before;
	return rc;
}

struct fresh {
	char token[TOKEN_SIZE], csrf[TOKEN_SIZE], hash[SHA256_HEX_SIZE];
};

static struct fresh fresh_id(void)
{
	struct fresh f;

	token_new(f.token);
	token_new(f.csrf);
	sha256_hex(f.hash, f.token, strlen(f.token));
	return f;
}

enum rc session_open(struct cx *cx, struct call *call, int64_t user_id)
{
	struct fresh f = fresh_id();
	instant now = cx_now(cx);
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_run(cx, "DELETE FROM session WHERE expires_at < :now OR last_used_at < :idle",
		    PARAMS(P_INT(":now", now), P_INT(":idle", now - SESSION_IDLE_MS)));
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT INTO session (token_sha256, csrf, user_id, address, agent, created_at, last_used_at,"
			" expires_at) VALUES (:hash, :csrf, :user, :address, :agent, :now, :now, :expires)",
			PARAMS(P_TEXT(":hash", f.hash), P_TEXT(":csrf", f.csrf), P_INT(":user", user_id),
			       P_TEXT(":address", call->address), P_TEXT(":agent", agent_of(cx, call)),
			       P_INT(":now", now), P_INT(":expires", now + SESSION_ABSOLUTE_MS)));
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE user SET last_login_at = :now WHERE id = :id",
			    PARAMS(P_INT(":now", now), P_INT(":id", user_id)));
	if (rc == RC_OK) rc = throttle_known(cx, user_id);
	if (rc == RC_OK) rc = login_noted(cx, call, user_id);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) session_cookie_set(call, f.token, SESSION_ABSOLUTE_MS / SECOND_MS);
	explicit_bzero(&f, sizeof f);
	return rc;
}

enum rc session_renew(struct cx *cx, struct call *call)
{
	struct fresh f = fresh_id();
	enum rc rc = call->login.session_id != 0 ? tx_begin(cx) : RC_NO_LOGIN;

	if (rc != RC_OK) return rc;
	rc = tx_end(cx, db_run(cx, "UPDATE session SET token_sha256 = :hash, csrf = :csrf WHERE id = :id",
			       PARAMS(P_TEXT(":hash", f.hash), P_TEXT(":csrf", f.csrf),
				      P_INT(":id", call->login.session_id))));
	if (rc == RC_OK) {
		session_cookie_set(call, f.token, SESSION_ABSOLUTE_MS / SECOND_MS);
		call->login.csrf = arena_text(cx->arena, f.csrf);
	}
	explicit_bzero(&f, sizeof f);
	return rc;
}

int64_t call_session(const struct call *call)
{
	return call->login.session_id;
}

enum rc sessions_end(struct cx *cx, int64_t user_id, int64_t keep, int64_t *ended)
{
	enum rc rc = db_run(cx, "DELETE FROM session WHERE user_id = :user AND id <> :keep",
			    PARAMS(P_INT(":user", user_id), P_INT(":keep", keep)));

	if (rc == RC_OK && ended != NULL) *ended = db_changes(cx);
	if (rc == RC_OK)
		rc = db_run(cx, "DELETE FROM login_step WHERE user_id = :user",
			    PARAMS(P_INT(":user", user_id)));
	return rc;
}

/* Between password and code */

static const char *step_cookie(const struct call *call)
{
	return call->is_https ? STEP_COOKIE_HTTPS : STEP_COOKIE;
}

enum rc step_open(struct cx *cx, struct call *call, int64_t user_id)
{
	struct fresh f = fresh_id();
	instant now = cx_now(cx);
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_run(cx, "DELETE FROM login_step WHERE expires_at < :now", PARAMS(P_INT(":now", now)));
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT INTO login_step (token_sha256, user_id, expires_at) VALUES (:hash, :user, :until)",
			PARAMS(P_TEXT(":hash", f.hash), P_INT(":user", user_id),
			       P_INT(":until", now + STEP_MS)));
	rc = tx_end(cx, rc);
	if (rc == RC_OK) cookie_set(call, step_cookie(call), f.token, STEP_MS / SECOND_MS);
	explicit_bzero(&f, sizeof f);
	return rc;
}

enum rc step_find(struct cx *cx, struct call *call, struct step *out)
{
	const char *token = request_cookie(call->rq, step_cookie(call));
	struct query *q = NULL;
	bool is_there = false;
	enum rc rc;

	if (token == NULL || token[0] == '\0') return RC_NO_LOGIN;
	sha256_hex(out->hash, token, strlen(token));
	rc = db_query(cx, &q,
		      "SELECT u.id, u.name, u.language FROM login_step s JOIN user u ON u.id = s.user_id"
		      " WHERE s.token_sha256 = :hash AND s.expires_at > :now AND u.archived_at IS NULL",
		      PARAMS(P_TEXT(":hash", out->hash), P_INT(":now", cx_now(cx))));
	if (rc == RC_OK && query_next(q)) {
		is_there = true;
		out->user_id = query_int(q, 0);
		out->name = query_copy(cx, q, 1);
		out->language = query_copy(cx, q, 2);
	}
	rc = query_end(q, rc);
	return rc == RC_OK && !is_there ? RC_NO_LOGIN : rc;
}

enum rc step_close(struct cx *cx, struct call *call, const struct step *step)
{
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_run(cx, "DELETE FROM login_step WHERE token_sha256 = :hash",
		    PARAMS(P_TEXT(":hash", step->hash)));
	if (rc == RC_OK && db_changes(cx) != 1) rc = RC_NO_LOGIN;
	rc = tx_end(cx, rc);
	if (rc == RC_OK) cookie_set(call, step_cookie(call), "", 0);
	return rc;
}

enum rc session_close(struct cx *cx, struct call *call)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = tx_end(cx, db_run(cx, "DELETE FROM session WHERE id = :id",
				       PARAMS(P_INT(":id", call->login.session_id))));
	if (rc == RC_OK) session_cookie_set(call, "", 0);
	return rc;
}

bool csrf_is_good(struct cx *cx, struct call *call)
{
	const char *want = call->login.csrf, *got = request_header(call->rq, "X-CSRF-Token");

	if (got == NULL && form_read(cx, call) == RC_OK) got = form_text(call, "csrf");
	return got != NULL && want[0] != '\0' && same_bytes(got, strlen(got), want, strlen(want));
}
