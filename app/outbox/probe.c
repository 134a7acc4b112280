/*
** probe.c -- one harmless call to a provider, now, because a person pressed "test".
**
** Needs:  the plug-in's own test, else its session; link_call.
** Never:  sends a message.
** Holds:  the call is made outside any transaction.
*/
#include "outbox/account.h"

#include <string.h>

struct probe {
	struct account account; /* as it is, or as it will be made */
	const struct channel_kind *kind;
	struct channel_config cf;
	struct channel_request *rq;
};

static const char *why_text(struct cx *cx, const struct probe *p, enum account_state state, const char *why)
{
	struct account a = p->account;

	a.state = state;
	a.why = why;
	a.detail = "";
	return account_why(cx, &a);
}

static enum rc note_session(struct cx *cx, const char *channel, const char *session)
{
	struct account acc;
	int64_t id = 0;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = account_ensure(cx, &id, channel);
	if (rc == RC_OK) rc = account_read(cx, &acc, id);
	if (rc == RC_OK) rc = account_session(cx, &acc, session);
	return tx_end(cx, rc);
}

static enum rc told(struct cx *cx, const struct probe *p, const struct session_verdict *v,
		    const char **sentence)
{
	enum rc rc = note_session(cx, p->account.name, v->session);

	*sentence = session_is_open(v->session) ? _("The gateway answers and the phone is connected.")
						: why_text(cx, p, ACCOUNT_WAITING, v->session);
	if (rc == RC_OK && !session_is_open(v->session)) rc = cx_fail(cx, RC_TRY_LATER, "%s", *sentence);
	return rc;
}

static enum rc read_session(struct cx *cx, const struct probe *p, const struct http_answer *answer,
			    const char **sentence)
{
	struct session_verdict v;

	p->kind->read_session(&v, cx->arena, answer);
	if (v.end == SESSION_TOLD) return told(cx, p, &v, sentence);
	if (v.end == SESSION_DENIED) {
		*sentence = why_text(cx, p, ACCOUNT_STOPPED, "unauthorized");
		return cx_fail(cx, RC_DENIED, "%s", *sentence);
	}
	*sentence = v.http == 0 ? arena_printf(cx->arena, _("The gateway cannot be reached: %s"), v.detail)
				: arena_printf(cx->arena,
					       _("The gateway answered %d without saying how the phone is."),
					       v.http);
	return cx_fail(cx, RC_TRY_LATER, "%s", *sentence);
}

static enum rc ask(struct cx *cx, const struct probe *p, const char **sentence)
{
	struct http_answer answer;
	bool is_session = p->kind->build_test == NULL;
	enum rc rc = RC_OK;

	if (is_session)
		p->kind->build_session(p->rq, &p->cf);
	else
		rc = p->kind->build_test(p->rq, &p->cf);
	if (rc == RC_OK) rc = link_call(cx, &answer, &p->rq->http);
	if (rc == RC_OK && answer.body.p != NULL)
		channel_request_mask(p->rq, (char *)(uintptr_t)answer.body.p); /* in the arena, ours */
	if (rc == RC_OK)
		rc = is_session ? read_session(cx, p, &answer, sentence)
				: p->kind->read_test(cx, sentence, &answer);
	if (rc != RC_OK && cx->message[0] == '\0' && *sentence[0] != '\0')
		return cx_fail(cx, rc, "%s", *sentence);
	return rc;
}

enum rc channel_test(struct cx *cx, const char *channel, const char **sentence)
{
	const struct channel *c = channel_find(channel);
	struct probe p;
	const char *why = NULL;
	enum rc rc;

	*sentence = "";
	memset(&p, 0, sizeof(p));
	p.kind = c != NULL ? channel_kind_of(c, cx->env) : NULL;
	if (p.kind == NULL) return cx_fail(cx, RC_NOT_FOUND, _("There is no channel “%s”."), channel);
	p.account = account_unmade(c, cx->env);
	p.kind->configure(&p.cf, &why, cx->env);
	if (why != NULL) {
		*sentence = why_text(cx, &p, ACCOUNT_STOPPED, why);
		return cx_fail(cx, RC_BAD_INPUT, "%s", *sentence);
	}
	if (p.kind->build_test == NULL && p.kind->build_session == NULL) {
		*sentence = arena_printf(cx->arena,
					 _("%s has no test that sends nothing: send a message to try it."),
					 account_title(&p.account, cx->lang));
		return cx_fail(cx, RC_BAD_INPUT, "%s", *sentence);
	}
	p.rq = arena_alloc(cx->arena, sizeof(*p.rq));
	if (p.rq == NULL) return RC_NO_MEMORY;
	rc = ask(cx, &p, sentence);
	sb_free(&p.rq->body);
	return rc;
}
