/*
** login_code.c -- the second page of the log-in: the code from the phone, or one from paper.
**
** Needs:  a login_step, which the right password made (session.c); second_factor.c to judge.
** Holds:  (1) until the code is right there is no session, so no right; (2) a new session id is made with it.
*/
#include "web/inside.h"
#include "web/incident.h"
#include <string.h>

static void own_language(struct cx *cx, struct call *call, const struct step *step)
{
	enum lang lang;

	if (request_cookie(call->rq, LANG_COOKIE) == NULL && words_lang(&lang, step->language))
		cx->lang = lang;
}

static void code_page(struct cx *cx, struct call *call, const char *error)
{
	struct value *data = value_map(cx->arena);
	const char *next = form_text(call, "next");

	if (next == NULL) next = call_query(call, "next");
	value_set_text(cx->arena, data, "next", path_safe(next));
	if (error != NULL) value_set_text(cx->arena, data, "error", error);
	answer_page(cx, call, "web/login_code", _("The code from your phone"), data);
}

enum rc login_code_show(struct cx *cx, struct call *call)
{
	struct step step;
	enum rc rc = step_find(cx, call, &step);

	if (rc == RC_NO_LOGIN) {
		answer_redirect(cx, call, "/login");
		return RC_OK;
	}
	if (rc != RC_OK) return rc;
	own_language(cx, call, &step);
	code_page(cx, call, NULL);
	return RC_OK;
}

static enum rc too_late(struct cx *cx, struct call *call)
{
	answer_flash(cx, call, "/login", _("That took too long: log in again."));
	return RC_OK;
}

enum rc login_code_post(struct cx *cx, struct call *call)
{
	struct step step;
	struct attempt t;
	const char *code;
	enum rc rc = same_site(cx, call);

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc == RC_OK) rc = step_find(cx, call, &step);
	if (rc == RC_NO_LOGIN) return too_late(cx, call);
	if (rc != RC_OK) return rc;
	own_language(cx, call, &step);
	code = form_text(call, "code");
	if (code == NULL || code[0] == '\0')
		rc = cx_fail(cx, RC_BAD_INPUT, _("Give the code."));
	else
		rc = second_factor_judge(cx, step.user_id, step.name, code, &t);
	if (rc == RC_TOO_MANY) wait_said(cx, call, t.wait_s);
	if (rc == RC_DENIED) incident_add(INCIDENT_LOGIN);
	if (rc == RC_DENIED)
		(void)cx_fail(cx, rc,
			      _("This code is not right, or was used already. Wait for the next one."));
	if (rc == RC_OK) rc = step_close(cx, call, &step);
	if (rc == RC_NO_LOGIN) return too_late(cx, call); /* a new password or “end all” came in between */
	if (rc == RC_OK) rc = session_open(cx, call, step.user_id);
	if (rc == RC_OK) {
		log_event(LOG_INFO, "security", "login.ok", "user=%lld address=%s factor=1",
			  (long long)step.user_id, call->address);
		answer_redirect(cx, call, path_safe(form_text(call, "next")));
		return RC_OK;
	}
	if (call->wants_json || (rc != RC_BAD_INPUT && rc != RC_DENIED && rc != RC_TOO_MANY)) return rc;
	code_page(cx, call, cx_sentence(cx, rc));
	reply_status(call->rp, rc_row(rc)->http);
	return RC_OK;
}
