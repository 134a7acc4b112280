/*
** round.c -- one turn of the ledger: settle what came back, look after the channel, claim what may leave,
** start it.
**
**   collect ─► [ settle ─ channel's state ─ expire, promote ─ claim ─ looks ─ facts ] one transaction ─►
**   start the calls
**
** Owns:   when something leaves: slots, pauses, quiet hours, the session's and the deliveries' polls.
** Needs:  ledger.h for the rows, account.h for the channel, wire.h for the calls.
** Never:  waits for the network; changes memory before the COMMIT that it follows from.
** Holds:  (1) a call is started only for a row whose claim is committed; (2) a slot is free again only when
**         its row's settlement is committed; (3) with a pause exactly one message is in flight (contract
**         sheet §5), without one as many as there are slots; (4) only an open channel whose session was asked
**         for sends.
*/
#include "outbox/engine.h"
#include "outbox/inbound.h"
#include "outbox/window.h"

#include <stdio.h>
#include <string.h>

/* spec renewals §7: while something waits */
#define SESSION_EVERY_MS   (5 * MINUTE_MS)
#define SESSION_TIMEOUT_MS 10000 /* nobody needs an old answer about now                          */
#define FACTS_EVERY_MS     1000  /* the card is not worth a page of the log for each message      */
#define EXPIRE_EVERY_MS    1000
#define SWEEP_EVERY_MS     5000
/* the limit of this call is not documented; others have 60 a minute */
#define LOOK_PACED_MS         1000
#define LOOK_UNPACED_MS       20
#define UNREACHABLE_DOUBLINGS 4    /* 30 s, 1, 2, 4, then 8 minutes    */
#define SLEEP_MS              5000 /* nothing known to come                                                */

/* What one turn decided; becomes memory after its COMMIT. */
struct round {
	instant now;
	int64_t ticks;
	struct account account;
	struct channel_config cf;
	struct settle_rules rules;
	struct claim claim;
	struct claimed claimed[SLOTS_MAX];
	struct due_check looks[LOOKS_MAX];
	int look_count, slot_max, flying, settled;
	int64_t pause_ms, released;
	int slots[SLOTS_MAX];
	int64_t busy[SLOTS_MAX];
	struct facts facts;
	int unreachable;
	bool is_configured, is_waiting, asks_session, told_session, wrote_facts, is_swept, has_expired;
	instant next_at; /* earliest known instant at which something becomes due, 0 = none */
};

/* Collecting */

static void read_slot(struct wire_call *call, struct arena *a, const struct http_answer *answer)
{
	struct slot *s = (struct slot *)call;

	s->owner->kind->read_send(&s->v, a, answer, clock_now(s->owner->env->clock));
}

static void read_look(struct wire_call *call, struct arena *a, const struct http_answer *answer)
{
	struct look *l = (struct look *)call;

	l->owner->kind->read_check(&l->v, a, answer);
}

static void read_session(struct wire_call *call, struct arena *a, const struct http_answer *answer)
{
	struct session_poll *p = (struct session_poll *)call;

	p->owner->kind->read_session(&p->v, a, answer);
}

void round_collect(struct outbox *o, struct wire_call *finished)
{
	(void)o;
	for (; finished != NULL; finished = finished->next) {
		if (finished->read == read_slot)
			((struct slot *)finished)->flight = FLIGHT_DONE;
		else if (finished->read == read_look)
			((struct look *)finished)->flight = FLIGHT_DONE;
		else
			((struct session_poll *)finished)->flight = FLIGHT_DONE;
	}
}

int round_open_count(const struct outbox *o)
{
	int n = 0;

	for (size_t i = 0; i < SLOTS_MAX; i++)
		if (o->slots[i].flight != FLIGHT_FREE) n++;
	return n;
}

/* Settling */

static void read_rules(const struct outbox *o, struct round *t)
{
	const struct settings *s = o->env->settings;
	int64_t minutes[RETRY_DELAYS_MAX];

	t->rules.now = t->now;
	t->rules.retry_max = (int)setting_int(s, "outbox.retry_max");
	t->rules.check_ms = setting_int(s, "whatsapp.check_after_s") * SECOND_MS;
	t->rules.delay_count = setting_ints(s, "outbox.retry_minutes", minutes, RETRY_DELAYS_MAX);
	for (size_t i = 0; i < t->rules.delay_count; i++)
		t->rules.delays_ms[i] = minutes[i] * MINUTE_MS;
	t->pause_ms = setting_int(s, "whatsapp.pause_s") * SECOND_MS;
	t->slot_max = (int)setting_int(s, "outbox.slots");
	if (t->slot_max > SLOTS_MAX) t->slot_max = SLOTS_MAX;
	t->claim.is_window_open = window_is_open(o->env->zone, t->now, setting_int(s, "outbox.window_from"),
						 setting_int(s, "outbox.window_to"));
}

/* What one verdict says about the whole channel. */
static enum rc heed(struct cx *cx, const struct outbox *o, struct round *t, const struct verdict *v)
{
	const char *why = "";
	instant until = 0;

	if (v->outcome == OUTCOME_STOP) {
		if (strcmp(v->why, "unauthorized") == 0) key_mark(t->facts.refused_key, t->cf.key);
		return account_stop(cx, &t->account, v->why, v->detail);
	}
	if (v->hold_ms > 0) {
		int64_t ms = v->hold_ms;

		if (strcmp(v->why, "unreachable") == 0) {
			/* Doubled once a round, however many calls found nobody. */
			ms <<= o->unreachable;
			t->unreachable = o->unreachable < UNREACHABLE_DOUBLINGS ? o->unreachable + 1
										: UNREACHABLE_DOUBLINGS;
		}
		return account_wait(cx, &t->account, v->why, v->detail, t->now + ms);
	}
	/* A count that is used up for no longer than the pause needs no waiting of its own. */
	until = facts_exhausted_until(&v->limits, t->now, &why);
	if (until > t->now + t->pause_ms) return account_wait(cx, &t->account, why, "", until);
	return RC_OK;
}

static enum rc settle_slot(struct cx *cx, struct outbox *o, struct round *t, struct slot *s)
{
	enum account_state before = t->account.state;
	enum rc rc = ledger_settle(cx, &s->m, &s->v, &t->rules);

	t->settled++;
	if (s->v.http != 0) t->unreachable = 0;
	facts_learn(&t->facts, &s->v, t->now);
	o->are_facts_new = true;
	if (rc == RC_OK && s->v.outcome == OUTCOME_UNSURE)
		rc = alert_raise(cx, "outbox.unsure", "warning", OUTBOX_UNSURE_MSGID, "", "/outbox");
	if (rc == RC_OK) rc = heed(cx, o, t, &s->v);
	/* A stop must not be turned into a wait by the next answer of the same round. */
	if (rc == RC_OK && (s->v.outcome != OUTCOME_SENT || before != ACCOUNT_OPEN))
		rc = account_read(cx, &t->account, o->account_id);
	if (rc == RC_OK && o->behind > 0) {
		int64_t n = 0;

		rc = ledger_release(cx, o->account_id, s->m.contact_id, &n);
		t->released += n;
	}
	return rc;
}

/* Webhooks tell the rest only if they come: a secret alone proves nothing about the far side's set-up. */
static enum rc settle_look(struct cx *cx, const struct look *l, instant now)
{
	int64_t last = 0;
	enum rc rc =
		db_get_int(cx, &last, "SELECT received_at FROM inbound ORDER BY id DESC LIMIT 1", NO_PARAMS);

	if (rc != RC_OK && rc != RC_NOT_FOUND) return rc;
	return ledger_checked(cx, l->due.id, &l->v,
			      check_after(l->due.sent_at, l->due.checks, &l->v, last > now - DAY_MS, now));
}

static enum rc settle_all(struct cx *cx, struct outbox *o, struct round *t)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < SLOTS_MAX; i++)
		if (o->slots[i].flight == FLIGHT_DONE) rc = settle_slot(cx, o, t, &o->slots[i]);
	for (size_t i = 0; rc == RC_OK && i < LOOKS_MAX; i++)
		if (o->looks[i].flight == FLIGHT_DONE) rc = settle_look(cx, &o->looks[i], t->now);
	return rc;
}

/* The channel's state */

static enum rc heed_session(struct cx *cx, struct outbox *o, struct round *t)
{
	const struct session_verdict *v = &o->session.v;

	if (o->session.flight != FLIGHT_DONE) return RC_OK;
	t->told_session = true;
	if (t->account.state == ACCOUNT_STOPPED) return RC_OK;
	if (v->end == SESSION_TOLD) return account_session(cx, &t->account, v->session);
	if (v->end == SESSION_DENIED) {
		key_mark(t->facts.refused_key, t->cf.key);
		o->are_facts_new = true;
		return account_stop(cx, &t->account, "unauthorized", v->detail);
	}
	/* No answer: what is held stays held, what is open goes on, since each send says by itself how it
	** went. */
	if (account_is_held_by_session(&t->account))
		return account_wait(cx, &t->account, t->account.why, v->detail,
				    t->now + SESSION_EVERY_MS / 5);
	return RC_OK;
}

/* Was the reason of a stop mended in the settings? */
static bool is_mended(const struct round *t)
{
	char mark[REFUSED_KEY_SIZE];

	if (!t->is_configured) return false;
	if (strcmp(t->account.why, "no_key") == 0 || strcmp(t->account.why, "no_base") == 0) return true;
	if (strcmp(t->account.why, "unauthorized") != 0 || t->facts.refused_key[0] == '\0') return false;
	key_mark(mark, t->cf.key);
	return strcmp(mark, t->facts.refused_key) != 0;
}

static enum rc revise_state(struct cx *cx, struct outbox *o, struct round *t, const char *config_why)
{
	struct account *a = &t->account;
	enum rc rc = RC_OK;

	if (a->state == ACCOUNT_STOPPED && is_mended(t))
		rc = account_open(cx, a);
	else if (a->state != ACCOUNT_STOPPED && !t->is_configured)
		rc = account_stop(cx, a, config_why, "");
	else if (a->state == ACCOUNT_WAITING && !account_is_held_by_session(a) && a->until_at <= t->now)
		rc = account_open(cx, a);
	else
		return RC_OK;
	return rc == RC_OK ? account_read(cx, a, o->account_id) : rc;
}

static void soon(struct round *t, instant at)
{
	if (at > 0 && (t->next_at == 0 || at < t->next_at)) t->next_at = at;
}

/* Ask for the session before a run, every five minutes while something waits, and while the channel is
** held for it. */
static void decide_session(const struct outbox *o, struct round *t)
{
	int64_t since = o->session.asked_ticks == 0 ? SESSION_EVERY_MS : t->ticks - o->session.asked_ticks;
	bool is_held = account_is_held_by_session(&t->account);

	if (!t->is_configured || t->account.state == ACCOUNT_STOPPED || o->session.flight == FLIGHT_OPEN)
		return;
	if (atomic_load(&o->is_stopping)) return;
	if (t->is_waiting) {
		t->asks_session = is_held ? t->account.until_at <= t->now : since >= SESSION_EVERY_MS;
		if (is_held) soon(t, t->account.until_at);
	} else if (is_held) {
		t->asks_session = since >= SESSION_EVERY_MS;
	}
}

/* Claiming */

static bool may_send(const struct outbox *o, const struct round *t)
{
	bool is_asking = t->asks_session || o->session.flight == FLIGHT_OPEN;

	if (atomic_load(&o->is_stopping) || !t->is_configured || t->account.state != ACCOUNT_OPEN)
		return false;
	if (is_asking && t->flying == 0) return false; /* the first of a run waits for the word */
	if (t->pause_ms > 0) return t->flying == 0 && t->settled == 0 && t->ticks >= o->pace_ticks;
	return true;
}

static void find_slots(const struct outbox *o, struct round *t)
{
	struct claim *c = &t->claim;
	int most = t->pause_ms > 0 ? 1 : t->slot_max;

	c->slots = t->slots;
	c->busy = t->busy;
	c->out = t->claimed;
	for (int i = 0; i < SLOTS_MAX; i++) {
		if (o->slots[i].flight == FLIGHT_OPEN) {
			t->busy[c->busy_count++] = o->slots[i].m.contact_id;
		} else if (i < t->slot_max && c->slot_count < most) {
			t->slots[c->slot_count++] = i;
		}
	}
	t->flying = c->busy_count;
}

static enum rc claim(struct cx *cx, struct outbox *o, struct round *t)
{
	struct claim *c = &t->claim;

	c->account = o->account_id;
	c->now = t->now;
	c->contact_kind = o->kind->contact;
	if (!may_send(o, t)) {
		c->slot_count = 0;
		return RC_OK;
	}
	return c->slot_count > 0 ? ledger_claim(cx, c) : RC_OK;
}

static enum rc tend_queue(struct cx *cx, struct outbox *o, struct round *t)
{
	instant next = 0;
	int64_t n = 0;
	enum rc rc = RC_OK;

	if (t->ticks - o->expire_ticks >= EXPIRE_EVERY_MS) {
		t->has_expired = true;
		rc = ledger_expire(cx, t->now, &n);
		if (n == LEDGER_SLICE) soon(t, t->now + 1);
	}
	if (rc == RC_OK) rc = ledger_promote(cx, o->account_id, t->now, &next);
	soon(t, next);
	if (rc == RC_OK && t->ticks - o->sweep_ticks >= SWEEP_EVERY_MS) {
		bool has_inbound = false;

		t->is_swept = true;
		/* The one let go may have been cancelled or expired: nobody stays behind for ever. */
		if (o->behind > 0) rc = ledger_release(cx, o->account_id, 0, &n);
		if (rc == RC_OK && o->behind > 0)
			t->released = n < LEDGER_SLICE ? o->behind : t->released + n;
		if (rc == RC_OK) rc = inbound_is_waiting(cx, &has_inbound);
		if (rc == RC_OK && has_inbound) rc = inbound_wake(cx);
	}
	if (rc == RC_OK) rc = ledger_is_waiting(cx, &t->is_waiting, o->account_id, t->claim.is_window_open);
	return rc;
}

static bool may_look(const struct round *t)
{
	const struct account *a = &t->account;

	if (!t->is_configured) return false;
	return a->state == ACCOUNT_OPEN || (a->state == ACCOUNT_WAITING && strcmp(a->why, "day_limit") == 0);
}

static enum rc choose_looks(struct cx *cx, struct outbox *o, struct round *t)
{
	int room = 0;
	instant next = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < LOOKS_MAX; i++)
		if (o->looks[i].flight != FLIGHT_OPEN) room++;
	if (!may_look(t) || atomic_load(&o->is_stopping)) return RC_OK;
	if (room > 0 && t->ticks >= o->look_ticks)
		rc = ledger_checks(cx, o->account_id, t->now, t->looks, t->pause_ms > 0 ? 1 : room,
				   &t->look_count);
	if (rc == RC_OK) rc = ledger_next_check(cx, o->account_id, &next);
	if (next > 0 && next < t->now + (o->look_ticks - t->ticks))
		next = t->now + (o->look_ticks - t->ticks);
	if (next > 0 && room > t->look_count) soon(t, next);
	return rc;
}

/* Facts */

static enum rc tell_credits(struct cx *cx, struct outbox *o, struct round *t)
{
	char today[DATE_SIZE], left[24];

	if (!facts_are_low(&t->facts, setting_int(o->env->settings, "whatsapp.alert_left_percent"), t->now)) {
		if (t->facts.credits_on[0] == '\0' || t->facts.limits.daily_limit == LIMIT_UNKNOWN)
			return RC_OK;
		t->facts.credits_on[0] = '\0';
		return alert_resolve(cx, "channel.credits");
	}
	day_text(today, cx_today(cx));
	if (strcmp(today, t->facts.credits_on) == 0) return RC_OK; /* once a day */
	memcpy(t->facts.credits_on, today, sizeof(today));
	snprintf(left, sizeof(left), "%lld", (long long)t->facts.limits.daily_remaining);
	if (alert_resolve(cx, "channel.credits") != RC_OK) return RC_IO;
	return alert_raise(cx, "channel.credits", "warning",
			   N_("The gateway has only %s messages left for today."), left, "/");
}

static enum rc keep_facts(struct cx *cx, struct outbox *o, struct round *t)
{
	struct sb sb;
	enum rc rc;

	if (!o->are_facts_new ||
	    (t->ticks - o->facts_ticks < FACTS_EVERY_MS && t->account.state == ACCOUNT_OPEN)) {
		if (o->are_facts_new) soon(t, t->now + FACTS_EVERY_MS);
		return RC_OK;
	}
	t->wrote_facts = true;
	rc = tell_credits(cx, o, t);
	if (rc != RC_OK) return rc;
	sb_init_arena(&sb, cx->arena, 4096);
	facts_write(&sb, cx->arena, &t->facts);
	if ((rc = sb_result(&sb)) != RC_OK) return rc;
	return db_run(cx, "UPDATE channel_account SET facts_json = :facts WHERE id = :id",
		      PARAMS(P_TEXT(":facts", sb_text_of(&sb)), P_INT(":id", o->account_id)));
}

static enum rc write_turn(struct cx *cx, struct outbox *o, struct round *t)
{
	const char *why = NULL;
	enum rc rc = account_read(cx, &t->account, o->account_id);

	o->kind->configure(&t->cf, &why, o->env);
	t->is_configured = why == NULL;
	if (rc == RC_OK) rc = settle_all(cx, o, t);
	if (rc == RC_OK) rc = heed_session(cx, o, t);
	if (rc == RC_OK) rc = account_read(cx, &t->account, o->account_id);
	if (rc == RC_OK) rc = revise_state(cx, o, t, why);
	if (rc == RC_OK) rc = tend_queue(cx, o, t);
	find_slots(o, t);
	if (rc == RC_OK) decide_session(o, t);
	if (rc == RC_OK) rc = claim(cx, o, t);
	if (rc == RC_OK) rc = choose_looks(cx, o, t);
	if (rc == RC_OK) rc = keep_facts(cx, o, t);
	if (t->account.state == ACCOUNT_WAITING && !account_is_held_by_session(&t->account))
		soon(t, t->account.until_at);
	return rc;
}

/* After the COMMIT */

static void log_settled(const struct slot *s, bool is_paced)
{
	bool is_sent = s->v.outcome == OUTCOME_SENT;
	char detail[LOG_QUOTE_SIZE];

	/* At full speed a line for each message would cost more than the message. */
	log_event(is_sent ? (is_paced ? LOG_INFO : LOG_DEBUG) : LOG_WARN, "outbox", "message.settled",
		  "message=%lld outcome=%s why=%s http=%d detail=%s", (long long)s->m.id,
		  outcome_name(s->v.outcome), s->v.why, s->v.http, log_quote(detail, s->v.detail));
}

static void free_settled(struct outbox *o, struct round *t)
{
	uint32_t random = 0;
	bool is_any = false;

	for (size_t i = 0; i < SLOTS_MAX; i++) {
		if (o->slots[i].flight != FLIGHT_DONE) continue;
		log_settled(&o->slots[i], t->pause_ms > 0);
		o->slots[i].flight = FLIGHT_FREE;
		is_any = true;
	}
	for (size_t i = 0; i < LOOKS_MAX; i++)
		if (o->looks[i].flight == FLIGHT_DONE) o->looks[i].flight = FLIGHT_FREE;
	if (t->told_session) o->session.flight = FLIGHT_FREE;
	if (!is_any || t->pause_ms == 0) return;
	/* After a failure too (spec renewals §5.4). */
	random_bytes(&random, sizeof(random));
	o->pace_ticks = t->ticks + pause_with_jitter(t->pause_ms, random);
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

/* Nothing was handed over yet, so what fails here is known for sure. */
static bool prepare(struct outbox *o, struct round *t, struct slot *s, const struct claimed *m)
{
	struct cx *cx = &o->cx;
	const char *text = m->text;
	enum rc rc = RC_OK;

	cx->message = ""; /* of the one before */
	s->m = *m;
	s->flight = FLIGHT_OPEN;
	if (m->template_version_id != 0)
		rc = render_cached(cx, o->templates, &text, m->template_version_id, m->variables_json);
	if (rc == RC_OK && (text == NULL || *text == '\0'))
		put_verdict(s, OUTCOME_REFUSED, "empty", _("The text is empty."));
	else if (rc == RC_OK)
		rc = o->kind->build_send(
			&s->rq, &t->cf,
			&(struct outgoing){
				.to = m->address, .text = text, .at = t->now, .zone = o->env->zone });
	if (rc == RC_TOO_LARGE)
		put_verdict(s, OUTCOME_REFUSED, "too_long", _("The text is longer than the gateway takes."));
	else if (rc == RC_BAD_INPUT || rc == RC_NOT_FOUND)
		put_verdict(s, OUTCOME_REFUSED, "template", cx_sentence(cx, rc));
	else if (rc != RC_OK)
		put_verdict(s, OUTCOME_NOT_YET, "not_prepared", cx_sentence(cx, rc));
	s->m.address = s->m.text = s->m.variables_json = NULL;
	s->call.request = s->rq.http;
	s->call.read = read_slot;
	return s->flight == FLIGHT_OPEN;
}

static void start_calls(struct outbox *o, struct round *t)
{
	struct wire_call *first = NULL, **end = &first;

	for (int i = 0; i < t->claim.count; i++) {
		struct slot *s = &o->slots[t->claimed[i].slot];

		if (!prepare(o, t, s, &t->claimed[i])) {
			o->wake_ms = 0; /* settle it in the next turn */
			continue;
		}
		*end = &s->call;
		end = &s->call.next;
	}
	for (int i = 0, n = 0; i < LOOKS_MAX && n < t->look_count; i++) {
		struct look *l = &o->looks[i];

		if (l->flight != FLIGHT_FREE) continue;
		l->due = t->looks[n++];
		o->kind->build_check(&l->rq, &t->cf, l->due.provider_id);
		l->due.provider_id = NULL;
		l->call.request = l->rq.http;
		l->call.read = read_look;
		l->flight = FLIGHT_OPEN;
		*end = &l->call;
		end = &l->call.next;
	}
	if (t->asks_session) {
		struct session_poll *p = &o->session;

		o->kind->build_session(&p->rq, &t->cf);
		if (p->rq.http.total_ms > SESSION_TIMEOUT_MS) p->rq.http.total_ms = SESSION_TIMEOUT_MS;
		p->call.request = p->rq.http;
		p->call.read = read_session;
		p->flight = FLIGHT_OPEN;
		p->asked_ticks = t->ticks > 0 ? t->ticks : 1;
		*end = &p->call;
		end = &p->call.next;
	}
	*end = NULL;
	wire_put(o->wire, first);
}

static void decide_sleep(struct outbox *o, const struct round *t)
{
	bool has_room = t->claim.slot_count > t->claim.count;
	int64_t ms = SLEEP_MS;

	if (t->next_at > 0 && t->next_at - t->now < ms) ms = t->next_at - t->now;
	if (t->pause_ms > 0 && t->is_waiting && t->account.state == ACCOUNT_OPEN &&
	    o->pace_ticks > t->ticks && o->pace_ticks - t->ticks < ms)
		ms = o->pace_ticks - t->ticks;
	if (has_room && t->claim.is_more && t->claim.slot_count > 0) ms = 0;
	o->wake_ms = ms < 1 && !(has_room && t->claim.is_more) ? 1 : ms;
}

static void take_over(struct outbox *o, struct round *t)
{
	free_settled(o, t);
	o->facts = t->facts;
	o->unreachable = t->unreachable;
	o->behind += t->claim.behind - t->released;
	if (o->behind < 0) o->behind = 0;
	if (t->wrote_facts) {
		o->are_facts_new = false;
		o->facts_ticks = t->ticks;
	}
	if (t->is_swept) o->sweep_ticks = t->ticks;
	if (t->has_expired) o->expire_ticks = t->ticks;
	if (t->look_count > 0) o->look_ticks = t->ticks + (t->pause_ms > 0 ? LOOK_PACED_MS : LOOK_UNPACED_MS);
	decide_sleep(o, t);
	start_calls(o, t);
}

enum rc round_turn(struct outbox *o)
{
	struct cx *cx = &o->cx;
	struct round t = {
		.now = cx_now(cx), .ticks = clock_ticks(), .facts = o->facts, .unreachable = o->unreachable
	};
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	read_rules(o, &t);
	rc = write_turn(cx, o, &t);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) take_over(o, &t);
	return rc;
}
