/*
** login.c -- the pages before the log-in: log-in, log-out, the first user.
**
** Needs:  session.c, throttle.c, auth.c.
** Holds:  (1) a wrong name and a wrong password look and last the same; (2) the set-up code works once, while
**         there is no user; (3) a post from another site is refused although it needs no session's token.
*/
#include "web/inside.h"
#include "web/incident.h"
#include "base/text.h"
#include <string.h>

/* Before the log-in there is no session and so no token: browsers say where a form was sent from. */
enum rc same_site(struct cx *cx, struct call *call)
{
	const char *site = request_header(call->rq, "Sec-Fetch-Site");
	const char *origin = request_header(call->rq, "Origin"), *host = request_header(call->rq, "Host");

	if (site != NULL && strcmp(site, "cross-site") == 0) goto foreign;
	if (origin != NULL && strcmp(origin, "null") != 0 && host != NULL) {
		const char *at = strstr(origin, "://");

		if (at == NULL || strcmp(host_name(cx->arena, at + 3), host_name(cx->arena, host)) != 0)
			goto foreign;
	}
	return RC_OK;
foreign:
	cx->error_code = "csrf";
	return cx_fail(cx, RC_DENIED, _("The form came from another site."));
}

static bool has_session(struct cx *cx, struct call *call)
{
	const char *message = cx->message;
	bool is = session_find(cx, call) == RC_OK && call->login.session_id != 0;

	cx->message = message;
	return is;
}

void forget_actor(struct cx *cx, struct call *call)
{
	cx->actor = (struct actor){
		.kind = ACTOR_USER, .name = "", .role = "", .rights = "", .address = call->address
	};
}

static struct value *form_page(struct cx *cx, struct call *call, const char *error)
{
	struct value *data = value_map(cx->arena);
	const char *name = form_text(call, "name"), *next = form_text(call, "next");

	if (next == NULL) next = call_query(call, "next");
	value_set_text(cx->arena, data, "name", name != NULL ? name : "");
	value_set_text(cx->arena, data, "next", path_safe(next));
	if (error != NULL) value_set_text(cx->arena, data, "error", error);
	return data;
}

enum rc login_show(struct cx *cx, struct call *call)
{
	const char *code;
	enum rc rc;

	if (has_session(cx, call)) {
		answer_redirect(cx, call, path_safe(call_query(call, "next")));
		return RC_OK;
	}
	forget_actor(cx, call);
	rc = setup_code(cx, &code);
	if (rc != RC_OK) return rc;
	struct value *data = form_page(cx, call, NULL);

	value_set_bool(cx->arena, data, "has_no_users", code[0] != '\0');
	answer_page(cx, call, "web/login", _("Log in"), data);
	return RC_OK;
}

/* The stored hash, or NULL when there is no such user: checked all the same, so that both take as long. */
static enum rc find_user(struct cx *cx, const char *name, int64_t *id, const char **hash)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT id, password_hash FROM user WHERE name_folded = :name AND archived_at IS NULL",
		PARAMS(P_TEXT(":name", text_fold(cx->arena, name))));

	*hash = NULL;
	if (rc == RC_OK && query_next(q)) {
		*id = query_int(q, 0);
		*hash = query_copy(cx, q, 1);
	}
	return query_end(q, rc);
}

void wait_said(struct cx *cx, struct call *call, int64_t wait_s)
{
	reply_header(call->rp, "Retry-After", arena_printf(cx->arena, "%lld", (long long)wait_s));
}

/* RC_PARTLY: parked, others are at it. */
static enum rc check_password(struct cx *cx, struct call *call, int64_t *id)
{
	const char *name = form_text(call, "name"), *password = form_text(call, "password"), *hash;
	char quoted[LOG_QUOTE_SIZE];
	struct attempt t;
	enum rc rc;

	if (name == NULL || name[0] == '\0' || password == NULL || password[0] == '\0')
		return cx_fail(cx, RC_BAD_INPUT, _("Give your name and your password."));
	rc = password_turn(cx, call);
	if (rc != RC_OK) return rc;
	rc = find_user(cx, name, id, &hash);
	if (rc == RC_OK) rc = throttle_begin(cx, &t, "password", name, *id);
	if (rc == RC_TOO_MANY) wait_said(cx, call, t.wait_s);
	if (rc != RC_OK) {
		password_turn_over();
		return rc;
	}
	rc = password_check(hash, password);
	password_turn_over();
	if (rc == RC_OK) return throttle_right(cx, &t);
	if (rc != RC_DENIED) throttle_undo(cx, &t);
	if (rc != RC_DENIED) return rc;
	log_event(LOG_WARN, "security", "login.fail", "name=%s address=%s", log_quote(quoted, name),
		  call->address);
	incident_add(INCIDENT_LOGIN);
	return cx_fail(cx, RC_DENIED, _("The name or the password is wrong."));
}

/* The right password: in, or on to the code. */
static enum rc go_on(struct cx *cx, struct call *call, int64_t id)
{
	const char *next = path_safe(form_text(call, "next"));
	bool has_factor = false;
	enum rc rc = second_factor_has(cx, id, &has_factor);

	if (rc == RC_OK && has_factor) {
		rc = step_open(cx, call, id);
		if (rc == RC_OK)
			answer_redirect(cx, call,
					strcmp(next, "/") == 0
						? "/login/code"
						: arena_printf(cx->arena, "/login/code?next=%s",
							       query_escaped(cx->arena, next)));
		return rc;
	}
	if (rc == RC_OK) rc = session_open(cx, call, id);
	if (rc != RC_OK) return rc;
	log_event(LOG_INFO, "security", "login.ok", "user=%lld address=%s", (long long)id, call->address);
	answer_redirect(cx, call, next);
	return RC_OK;
}

enum rc login_post(struct cx *cx, struct call *call)
{
	int64_t id = 0;
	enum rc rc = same_site(cx, call);

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc != RC_OK) return rc;
	rc = check_password(cx, call, &id);
	if (rc == RC_PARTLY) return RC_OK; /* this runs again when it is our turn */
	if (rc == RC_OK) rc = go_on(cx, call, id);
	if (rc == RC_OK) return rc;
	if (call->wants_json || (rc != RC_BAD_INPUT && rc != RC_DENIED && rc != RC_TOO_MANY)) return rc;
	answer_page(cx, call, "web/login", _("Log in"), form_page(cx, call, cx_sentence(cx, rc)));
	reply_status(call->rp, rc_row(rc)->http);
	return RC_OK;
}

enum rc logout_post(struct cx *cx, struct call *call)
{
	enum rc rc = session_close(cx, call);

	if (rc == RC_OK) {
		log_event(LOG_INFO, "security", "logout", "user=%lld", (long long)cx->actor.user_id);
		reply_header(call->rp, "Clear-Site-Data", "\"cache\"");
		answer_redirect(cx, call, "/login");
	}
	return rc;
}

/* The first user */

static enum rc setup_check(struct cx *cx, struct call *call, const char *given)
{
	const char *code;
	struct attempt t;
	enum rc rc = setup_code(cx, &code);

	if (rc == RC_OK && code[0] == '\0')
		return cx_fail(cx, RC_CONFLICT, _("The first user already exists. Log in."));
	/* First: guesses of others never keep the right code out. */
	if (rc != RC_OK || (given != NULL && same_bytes(given, strlen(given), code, strlen(code)))) return rc;
	rc = throttle_begin(cx, &t, "set-up", "code", 0);
	if (rc == RC_TOO_MANY) wait_said(cx, call, t.wait_s);
	if (rc == RC_OK) {
		log_event(LOG_WARN, "security", "setup.fail", "address=%s", call->address);
		if (given == NULL) throttle_undo(cx, &t);
		rc = cx_fail(cx, RC_DENIED,
			     _("The set-up code is wrong. The right address is printed by “recado serve” and "
			       "“recado check”."));
	}
	return rc;
}

static void setup_page(struct cx *cx, struct call *call, const char *code, const char *error)
{
	struct value *data = form_page(cx, call, error);

	value_set_text(cx->arena, data, "code", code);
	for (size_t i = 0; i < cx->field_count; i++)
		value_set_text(cx->arena, data,
			       strcmp(cx->fields[i].field, "name") == 0 ? "name_error" : "password_error",
			       cx->fields[i].message);
	answer_page(cx, call, "web/setup", _("First user"), data);
}

enum rc setup_show(struct cx *cx, struct call *call)
{
	const char *code = call_query(call, "code");
	enum rc rc;

	forget_actor(cx, call);
	rc = setup_check(cx, call, code);
	if (rc == RC_CONFLICT) {
		answer_redirect(cx, call, "/login");
		return RC_OK;
	}
	if (rc == RC_OK) setup_page(cx, call, code, NULL);
	return rc;
}

enum rc setup_post(struct cx *cx, struct call *call)
{
	const char *name, *password, *again, *code;
	int64_t id = 0;
	enum rc rc = same_site(cx, call);

	forget_actor(cx, call);
	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc != RC_OK) return rc;
	name = form_text(call, "name");
	password = form_text(call, "password");
	again = form_text(call, "password_again");
	code = form_text(call, "code");
	rc = setup_check(cx, call, code);
	if (rc != RC_OK) return rc;
	if (again != NULL && password != NULL && strcmp(again, password) != 0)
		rc = cx_fail_field(cx, "password", _("The two passwords are not the same."));
	if (rc == RC_OK) {
		cx->actor.kind = ACTOR_SYSTEM;
		cx->actor.name = "set-up";
		rc = user_add_first(cx, &id, name != NULL ? name : "", password != NULL ? password : "");
		forget_actor(cx, call);
	}
	if (rc == RC_OK) rc = session_open(cx, call, id);
	if (rc == RC_OK) {
		/* The upper rooms have the first steps of a new house there. */
		answer_flash(cx, call, "/start", arena_printf(cx->arena, _("Welcome, %s."), name));
		return RC_OK;
	}
	if (rc == RC_BAD_INPUT && !call->wants_json) {
		setup_page(cx, call, code, cx->field_count == 0 ? cx_sentence(cx, rc) : NULL);
		reply_status(call->rp, 400);
		return RC_OK;
	}
	return rc;
}
