/*
** launch.c -- what follows the COMMIT of a lane's turn: slots become free, calls are put together and start.
**
** Owns:   memory of the lane: what a turn decided becomes true here.
** Needs:  round.h; render.h for the texts; the plug-in for the request.
** Never:  touches the database, but for templates that are read once.
** Holds:  (1) a call is started only for a row whose claim is committed; (2) what cannot be put together is a
**         known outcome: nothing was handed over.
*/
#include "outbox/round.h"
#include "outbox/window.h"

#include <stdio.h>
#include <string.h>

#define SESSION_TIMEOUT_MS 10000 /* nobody needs an old answer about now                          */
/* the limit of this call is not documented; others have 60 a minute */
#define LOOK_PACED_MS   1000
#define LOOK_UNPACED_MS 20
#define SLEEP_MS        5000 /* nothing known to come                                                */

static void log_settled(const struct slot *s, bool is_paced)
{
	bool is_sent = s->v.outcome == OUTCOME_SENT;
	char detail[LOG_QUOTE_SIZE];

	/* At full speed a line for each message would cost more than the message. */
	log_event(
		is_sent ? (is_paced ? LOG_INFO : LOG_DEBUG) : LOG_WARN, "outbox", "message.settled",
		"message=%lld batch=%lld attempt=%d domain=%s channel=%s outcome=%s why=%s http=%d detail=%s",
		(long long)s->m.id, (long long)s->m.batch_id, s->m.attempts + 1,
		s->m.domain[0] != '\0' ? s->m.domain : "-", s->lane->channel->name,
		outcome_name(s->v.outcome), s->v.why, s->v.http, log_quote(detail, s->v.detail));
}

static void free_settled(struct lane *l, const struct round *t)
{
	uint32_t random = 0;
	bool is_any = false;

	for (size_t i = 0; i < SLOTS_MAX; i++) {
		struct slot *s = l->slots[i];

		if (s == NULL || s->flight != FLIGHT_DONE) continue;
		log_settled(s, t->pause_ms > 0);
		s->flight = FLIGHT_FREE;
		s->rest_ticks = s->m.has_letter ? t->ticks + t->pace_ms : 0;
		channel_request_rest(&s->rq);
		is_any = true;
	}
	for (size_t i = 0; i < LOOKS_MAX; i++)
		if (l->looks[i] != NULL && l->looks[i]->flight == FLIGHT_DONE)
			l->looks[i]->flight = FLIGHT_FREE;
	if (t->told_session) l->session->flight = FLIGHT_FREE;
	if (!is_any || t->pause_ms == 0) return;
	/* After a failure too (spec renewals §5.4). */
	random_bytes(&random, sizeof(random));
	l->pace_ticks = t->ticks + pause_with_jitter(t->pause_ms, random);
}

static void put_verdict(struct slot *s, enum outcome outcome, const char *why, const char *detail)
{
	memset(&s->v, 0, sizeof(s->v));
	s->v.limits = (struct channel_limits){ LIMIT_UNKNOWN, LIMIT_UNKNOWN, LIMIT_UNKNOWN, LIMIT_UNKNOWN,
					       LIMIT_UNKNOWN, LIMIT_UNKNOWN, false };
	s->v.outcome = outcome;
	s->v.why = why;
	snprintf(s->v.detail, sizeof(s->v.detail), "%s", detail);
	s->flight = FLIGHT_DONE;
}

/* What the letter of its batch says to this person. */
static enum rc fill_from_letter(struct lane *l, const struct round *t, const struct claimed *m,
				struct outgoing *o)
{
	struct cx *cx = &l->owner->cx;
	struct letter_kept *k = NULL;
	enum rc rc = letter_of(cx, l->owner->letters, &k, m->batch_id);

	if (rc != RC_OK) return rc;
	if (k == NULL) return RC_BUG; /* it was there when the message was claimed */
	if (k->is_file_gone || k->is_file_away) return k->is_file_gone ? RC_CONFLICT : RC_IO;
	rc = letter_prepare(k, l->kind, &t->cf);
	if (rc != RC_OK) return rc;
	if (k->letter.has_unsubscribe) {
		const char *url = unsubscribe_url(cx, m->contact_id, m->contact_public_id);

		if (url[0] != '\0') o->unsubscribe_url = url;
	}
	o->files = k->letter.files;
	o->file_count = k->letter.file_count;
	return letter_render(l->owner->letters, k, o);
}

/* RC_CONFLICT: a file that should go along is no more; RC_IO: it is not there now. */
static enum rc fill(struct lane *l, const struct round *t, const struct claimed *m, struct outgoing *o)
{
	*o = (struct outgoing){ .to = m->address,
				.text = m->text,
				.subject = m->subject,
				.html = m->html,
				.public_id = m->public_id,
				.at = m->created_at != 0 ? m->created_at : t->now,
				.zone = l->owner->env->zone,
				.files = m->files,
				.file_count = m->file_count,
				.to_name = m->to_name,
				.variables_json = m->variables_json };
	if (m->is_file_gone || m->is_file_away) return m->is_file_gone ? RC_CONFLICT : RC_IO;
	if (m->has_letter) return fill_from_letter(l, t, m, o);
	if (m->template_version_id == 0) return RC_OK;
	return render_cached(&l->owner->cx, l->owner->templates, &o->text, m->template_version_id,
			     m->variables_json);
}

/* Does it say anything? What the provider renders is the provider's to say. */
static bool is_blank(const struct outgoing *o)
{
	if (o->letter != NULL && (o->letter->provider_template[0] != '\0' || o->html != NULL)) return false;
	return o->text == NULL || o->text[0] == '\0';
}

static void refuse(struct cx *cx, struct slot *s, enum rc rc, const char *wrong)
{
	const char *refusal = s->rq.refusal;

	if (rc == RC_CONFLICT)
		put_verdict(s, OUTCOME_REFUSED, "file_gone",
			    _("A file that should go along is not there any more."));
	else if (rc == RC_IO)
		put_verdict(s, OUTCOME_NOT_YET, "file_away",
			    _("A file that should go along cannot be read now."));
	else if (rc == RC_TOO_LARGE)
		put_verdict(s, OUTCOME_REFUSED, "too_long",
			    refusal != NULL ? words_get(cx->lang, refusal)
					    : _("The text is longer than the gateway takes."));
	else if (rc == RC_BAD_INPUT || rc == RC_NOT_FOUND)
		put_verdict(s, OUTCOME_REFUSED, wrong,
			    refusal != NULL ? words_get(cx->lang, refusal) : cx_sentence(cx, rc));
	else
		put_verdict(s, OUTCOME_NOT_YET, "not_prepared", cx_sentence(cx, rc));
}

/* Nothing was handed over yet, so what fails here is known for sure. */
static bool prepare(struct lane *l, const struct round *t, struct slot *s, const struct claimed *m)
{
	struct cx *cx = &l->owner->cx;
	struct outgoing o;
	enum rc rc;

	cx->message = ""; /* of the one before */
	s->m = *m;
	s->flight = FLIGHT_OPEN;
	s->rq.refusal = NULL;
	rc = fill(l, t, m, &o);
	if (rc != RC_OK) {
		refuse(cx, s, rc, "template");
	} else if (is_blank(&o)) {
		put_verdict(s, OUTCOME_REFUSED, "empty", _("The text is empty."));
	} else {
		rc = l->kind->build_send(&s->rq, &t->cf, &o);
		/* Disk trouble of the request itself says nothing of an attachment. */
		if (rc != RC_OK)
			refuse(cx, s, rc == RC_CONFLICT || rc == RC_IO ? RC_TRY_LATER : rc, "not_sendable");
	}
	claimed_forget(&s->m);
	s->call.request = s->rq.http;
	s->call.read = lane_read_slot;
	s->call.started = lane_slot_started;
	return s->flight == FLIGHT_OPEN;
}

struct calls {
	struct wire_call *first, **end;
};

static void calls_add(struct calls *c, struct wire_call *call)
{
	*c->end = call;
	c->end = &call->next;
}

static void start_look(struct lane *l, const struct round *t, struct look *k, const struct due_check *due,
		       struct calls *calls)
{
	k->due = *due;
	l->kind->build_check(&k->rq, &t->cf, k->due.provider_id);
	k->due.provider_id = NULL;
	k->call.request = k->rq.http;
	k->call.read = lane_read_look;
	k->flight = FLIGHT_OPEN;
	calls_add(calls, &k->call);
}

static void start_session(struct lane *l, const struct round *t, struct calls *calls)
{
	struct session_poll *p = l->session;

	l->kind->build_session(&p->rq, &t->cf);
	if (p->rq.http.total_ms > SESSION_TIMEOUT_MS) p->rq.http.total_ms = SESSION_TIMEOUT_MS;
	p->call.request = p->rq.http;
	p->call.read = lane_read_session;
	p->flight = FLIGHT_OPEN;
	p->asked_ticks = t->ticks > 0 ? t->ticks : 1;
	calls_add(calls, &p->call);
}

static void start_calls(struct lane *l, const struct round *t)
{
	struct calls calls = { .first = NULL };

	calls.end = &calls.first;
	for (int i = 0; i < t->claim.count; i++) {
		struct slot *s = l->slots[t->claimed[i].slot];

		if (prepare(l, t, s, &t->claimed[i]))
			calls_add(&calls, &s->call);
		else
			l->due_ticks = t->ticks; /* settle it in the next turn */
	}
	for (int i = 0, n = 0; i < LOOKS_MAX && n < t->look_count; i++)
		if (l->looks[i]->flight == FLIGHT_FREE) start_look(l, t, l->looks[i], &t->looks[n++], &calls);
	if (t->asks_session) start_session(l, t, &calls);
	*calls.end = NULL;
	wire_put(l->owner->wire, calls.first);
}

static void decide_sleep(struct lane *l, const struct round *t)
{
	bool is_more = t->claim.slot_count > t->claim.count && t->claim.is_more;
	int64_t ms = SLEEP_MS;

	if (t->next_at > 0 && t->next_at - t->now < ms) ms = t->next_at - t->now;
	if (t->pause_ms > 0 && t->is_waiting && t->account.state == ACCOUNT_OPEN &&
	    l->pace_ticks > t->ticks && l->pace_ticks - t->ticks < ms)
		ms = l->pace_ticks - t->ticks;
	if (is_more) ms = 0;
	l->due_ticks = t->ticks + (ms < 1 && !is_more ? 1 : ms);
}

void round_launch(struct lane *l, struct round *t)
{
	free_settled(l, t);
	l->facts = t->facts;
	l->used = t->used;
	l->doubts = t->doubts;
	l->unreachable = t->unreachable;
	l->waits = t->waits;
	l->behind += t->claim.behind - t->released;
	if (l->behind < 0) l->behind = 0;
	if (t->wrote_facts) {
		l->are_facts_new = false;
		l->facts_ticks = t->ticks;
	}
	if (t->is_swept) l->sweep_ticks = t->ticks;
	if (t->has_tended) {
		l->owner->house_ticks = t->ticks;
		l->owner->expire_after = t->expire_after;
	}
	if (t->has_looked_in) l->owner->inbound_ticks = t->ticks;
	if (t->look_count > 0) l->look_ticks = t->ticks + (t->pause_ms > 0 ? LOOK_PACED_MS : LOOK_UNPACED_MS);
	decide_sleep(l, t);
	start_calls(l, t);
}
