/*
** round.c -- one turn of a lane: settle what came back, look after the channel, claim what may leave.
**
**   settle ─ channel's state ─ expire, promote ─ claim ─ looks ─ facts: one transaction ─► launch.c starts
**   the calls
**
** Owns:   when something leaves: slots, pauses, caps, quiet hours, the session's and the deliveries' polls.
** Needs:  ledger.h for the rows, account.h for the channel, rate.h for its caps.
** Never:  waits for the network; changes memory before the COMMIT that it follows from.
** Holds:  (1) a slot is free again only when its row's settlement is committed; (2) with a pause exactly one
**         message is in flight (contract sheet §5), without one as many as there are slots; (3) only an open
**         channel whose session was asked for sends; while everything is stopped, or the clock is doubtful,
**         only what tells the owner about the house; (4) what left and what is in flight is never more than a
**         cap allows.
*/
#include "outbox/inbound.h"
#include "outbox/round.h"
#include "outbox/window.h"

#include <stdio.h>
#include <string.h>

/* spec renewals §7: while something waits */
#define SESSION_EVERY_MS  (5 * MINUTE_MS)
#define FACTS_EVERY_MS    1000 /* the card is not worth a page of the log for each message      */
#define HOUSE_EVERY_MS    1000
#define SWEEP_EVERY_MS    5000
#define FILES_AT_ONCE_MAX (4 * 1024 * 1024) /* bytes of files that leave side by side                   */
/* of a mailing's mails: three that are no accident; all of them are tried again */
#define BATCH_ROW_MAX         3
#define UNREACHABLE_DOUBLINGS 4 /* 30 s, 1, 2, 4, then 8 minutes    */

/* Settling */

static void read_delays(const struct lane *l, struct settle_rules *r)
{
	const struct settings *s = l->owner->env->settings;
	int64_t minutes[RETRY_DELAYS_MAX];

	r->retry_max = l->kind->retry_max > 0 ? l->kind->retry_max : (int)setting_int(s, "outbox.retry_max");
	if (l->kind->retry_minutes != NULL)
		for (const int *m = l->kind->retry_minutes; *m > 0 && r->delay_count < RETRY_DELAYS_MAX; m++)
			minutes[r->delay_count++] = *m;
	else
		r->delay_count = setting_ints(s, "outbox.retry_minutes", minutes, RETRY_DELAYS_MAX);
	for (size_t i = 0; i < r->delay_count; i++)
		r->delays_ms[i] = minutes[i] * MINUTE_MS;
}

/* Settings of a module that may not be there. */
static int64_t other_setting(const struct settings *s, const char *name, int64_t otherwise)
{
	return name != NULL && settings_find(s, name) != NULL ? setting_int(s, name) : otherwise;
}

static void read_rules(const struct lane *l, struct round *t)
{
	const struct env *env = l->owner->env;
	const struct settings *s = env->settings;
	const struct channel *c = l->channel;

	t->rules.now = t->now;
	read_delays(l, &t->rules);
	if (l->kind->build_check != NULL)
		t->rules.check_ms = setting_int(s, "whatsapp.check_after_s") * SECOND_MS;
	t->pause_ms = c->pause_ms >= 0 ? c->pause_ms : setting_int(s, "whatsapp.pause_s") * SECOND_MS;
	t->pace_ms = other_setting(s, c->pace_setting, 0);
	t->slot_max = c->slots > 0 ? c->slots : (int)setting_int(s, "outbox.slots");
	if (c->slots == 0) t->slot_max = (int)other_setting(s, c->slots_setting, t->slot_max);
	if (t->slot_max > SLOTS_MAX) t->slot_max = SLOTS_MAX;
	rate_caps_of(t->caps, &l->rates, l->kind, s);
	t->claim.is_window_open =
		!c->is_for_people || window_is_open(env->zone, t->now, setting_int(s, "outbox.window_from"),
						    setting_int(s, "outbox.window_to"));
	if (c->is_for_people) t->claim.per_person = setting_int(s, "outbox.per_person_day");
	if (t->claim.per_person > 0) {
		t->claim.day_at = zone_midnight(env->zone, zone_day(env->zone, t->now));
		t->claim.next_day_at = zone_midnight(env->zone, zone_day(env->zone, t->now) + 1);
	}
}

static enum rc read_again(struct cx *cx, const struct lane *l, struct round *t)
{
	t->is_stale = false;
	return account_read(cx, &t->account, l->account_id);
}

/* With which settings the provider stopped the channel. */
static void mark_config(char out[CONFIG_MARK_SIZE], struct arena *arena, const struct lane *l)
{
	config_mark(out, arena, l->owner->env->settings, l->channel->settings);
}

/* What a person or a restore stopped is neither the settings' nor the provider's to open. */
static bool is_stopped_by_hand(const struct account *a)
{
	return a->state == ACCOUNT_STOPPED &&
	       (strcmp(a->why, WHY_PERSON) == 0 || strcmp(a->why, WHY_RESTORED) == 0);
}

/* Longer with each in a row, and after so many of them a person looks. *is_over: that is now. An answer to a
** call that left before the wait began says nothing new: a volley of sixteen counts once. */
static int64_t growing_wait(const struct lane *l, struct round *t, const struct verdict *v, bool *is_over)
{
	bool is_late = t->account.state == ACCOUNT_WAITING && t->account.until_at > t->now;
	int64_t ms = v->hold_ms;

	if (!is_late) t->waits = l->waits + 1;
	for (int i = 1; i < t->waits && ms < v->hold_most_ms; i++)
		ms *= 2;
	*is_over = !is_late && v->hold_rows > 0 && t->waits >= v->hold_rows;
	return ms < v->hold_most_ms ? ms : v->hold_most_ms;
}

static enum rc stop(struct cx *cx, const struct lane *l, struct round *t, const struct verdict *v)
{
	mark_config(t->facts.refused, cx->arena, l);
	if (is_stopped_by_hand(&t->account)) return RC_OK; /* and stays so, for that reason */
	t->is_stale = true;
	return account_stop(cx, &t->account, v->why, v->detail);
}

/* What one verdict says about the whole channel. */
static enum rc heed(struct cx *cx, const struct lane *l, struct round *t, const struct verdict *v)
{
	const char *why = "";
	instant until = 0;

	if (v->outcome == OUTCOME_STOP) return stop(cx, l, t, v);
	if (v->hold_ms > 0) {
		int64_t ms = v->hold_ms;
		bool is_over = false;

		if (v->hold_most_ms > 0) ms = growing_wait(l, t, v, &is_over);
		if (is_over) {
			t->waits = 0;
			return stop(cx, l, t, v);
		}
		if (strcmp(v->why, "unreachable") == 0) {
			/* Doubled once a round, however many calls found nobody. */
			ms <<= l->unreachable;
			t->unreachable = l->unreachable < UNREACHABLE_DOUBLINGS ? l->unreachable + 1
										: UNREACHABLE_DOUBLINGS;
		}
		t->is_stale = true;
		return account_wait(cx, &t->account, v->why, v->detail, t->now + ms);
	}
	/* A count that is used up for no longer than the pause needs no waiting of its own. */
	until = facts_exhausted_until(&v->limits, t->now, &why);
	if (until <= t->now + t->pause_ms) return RC_OK;
	t->is_stale = true;
	return account_wait(cx, &t->account, why, "", until);
}

static void doubt(struct doubts *d, const struct verdict *v)
{
	bool is_unsure = v->outcome == OUTCOME_UNSURE;

	/* What was provably not taken says nothing of what is. */
	if (!is_unsure && v->outcome != OUTCOME_SENT && v->outcome != OUTCOME_REFUSED) return;
	d->row = is_unsure ? d->row + 1 : 0;
	d->past = (d->past << 1 | is_unsure) & ((UINT64_C(1) << DOUBTS_LOOKED_AT) - 1);
	if (d->count < DOUBTS_LOOKED_AT) d->count++;
}

/* Its template is gone: each further message would be answered alike. A message's second try tells nothing
** new, so that one odd message does not stop the others. */
static enum rc heed_batch(struct cx *cx, struct doubts *d, const struct claimed *m, const struct verdict *v)
{
	enum rc rc;

	if (!v->is_batchs) {
		if (v->outcome == OUTCOME_SENT && m->batch_id == d->batch) d->batch_row = 0;
		return RC_OK;
	}
	if (m->batch_id != d->batch) {
		d->batch = m->batch_id;
		d->batch_row = 0;
	}
	if (m->attempts > 0 || ++d->batch_row < BATCH_ROW_MAX) return RC_OK;
	d->batch_row = 0;
	log_event(LOG_WARN, "outbox", "batch.pause", "batch=%lld why=%s", (long long)m->batch_id, v->why);
	rc = batch_set_state(cx, m->batch_id, "paused");
	return rc == RC_CONFLICT ? RC_OK : rc;
}

/* Answer after answer says nothing certain: each further one could be a mail twice or never. */
static enum rc heed_doubts(struct cx *cx, const struct lane *l, struct round *t)
{
	int max = l->channel->unsure_row_max;
	bool is_half = t->doubts.count == DOUBTS_LOOKED_AT &&
		       __builtin_popcountll(t->doubts.past) >= DOUBTS_LOOKED_AT / 2;

	if (t->account.state != ACCOUNT_STOPPED && (max <= 0 || (t->doubts.row < max && !is_half)))
		return RC_OK;
	memset(&t->doubts, 0, sizeof(t->doubts));
	if (t->account.state == ACCOUNT_STOPPED) return RC_OK;
	t->is_stale = true;
	t->facts.refused[0] = '\0'; /* no setting mends it */
	return account_stop(cx, &t->account, "unsure_row", "");
}

static enum rc settle_slot(struct cx *cx, struct lane *l, struct round *t, struct slot *s)
{
	enum rc rc = ledger_settle(cx, &s->m, &s->v, &t->rules);

	t->settled++;
	if (s->v.outcome == OUTCOME_SENT || s->v.outcome == OUTCOME_UNSURE) t->handed_over++;
	if (s->v.http != 0) t->unreachable = 0;
	if (s->v.hold_most_ms == 0) t->waits = 0;
	doubt(&t->doubts, &s->v);
	facts_learn(&t->facts, &s->v, t->now);
	l->are_facts_new = true;
	if (rc == RC_OK && s->v.outcome == OUTCOME_UNSURE)
		rc = alert_raise(cx, "outbox.unsure", "warning", OUTBOX_UNSURE_MSGID, "", "/unsure");
	if (rc == RC_OK) rc = heed_batch(cx, &t->doubts, &s->m, &s->v);
	if (rc == RC_OK) rc = heed(cx, l, t, &s->v);
	/* A stop must not be turned into a wait by the next answer of the same round. */
	if (rc == RC_OK && t->is_stale) rc = read_again(cx, l, t);
	if (rc == RC_OK && l->behind > 0) {
		int64_t n = 0;

		rc = ledger_release(cx, l->account_id, s->m.contact_id, &n);
		t->released += n;
	}
	return rc;
}

/* Webhooks tell the rest only if they come: a secret alone proves nothing about the far side's set-up. */
static enum rc settle_look(struct cx *cx, const struct look *l, instant now)
{
	bool is_told = false;
	enum rc rc = inbound_tells(cx, &is_told, now - DAY_MS);

	if (rc != RC_OK) return rc;
	return ledger_checked(cx, l->due.id, &l->v,
			      check_after(l->due.sent_at, l->due.checks, &l->v, is_told, now));
}

static enum rc settle_all(struct cx *cx, struct lane *l, struct round *t)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < SLOTS_MAX; i++)
		if (l->slots[i] != NULL && l->slots[i]->flight == FLIGHT_DONE)
			rc = settle_slot(cx, l, t, l->slots[i]);
	for (size_t i = 0; rc == RC_OK && i < LOOKS_MAX; i++)
		if (l->looks[i] != NULL && l->looks[i]->flight == FLIGHT_DONE)
			rc = settle_look(cx, l->looks[i], t->now);
	if (rc == RC_OK && t->settled > 0) rc = heed_doubts(cx, l, t);
	if (rc != RC_OK || t->handed_over == 0) return rc;
	return rate_add(cx, &t->used, l->account_id, rate_zone(l->channel, cx->env), t->handed_over);
}

/* The channel's state */

static enum rc heed_session(struct cx *cx, struct lane *l, struct round *t)
{
	const struct session_verdict *v;

	if (l->session == NULL || l->session->flight != FLIGHT_DONE) return RC_OK;
	v = &l->session->v;
	t->told_session = t->is_stale = true;
	if (t->account.state == ACCOUNT_STOPPED) return RC_OK;
	if (v->end == SESSION_TOLD) return account_session(cx, &t->account, v->session);
	if (v->end == SESSION_DENIED) {
		mark_config(t->facts.refused, cx->arena, l);
		l->are_facts_new = true;
		return account_stop(cx, &t->account, "unauthorized", v->detail);
	}
	/* No answer: what is held stays held, what is open goes on, since each send says by itself how it
	** went. */
	if (account_is_held_by_session(&t->account))
		return account_wait(cx, &t->account, t->account.why, v->detail,
				    t->now + SESSION_EVERY_MS / 5);
	return RC_OK;
}

/* Stopped for want of a setting (configure's words begin so). */
static bool is_unconfigured(const struct account *a)
{
	return a->state == ACCOUNT_STOPPED && strncmp(a->why, "no_", 3) == 0;
}

/* Was the reason of a stop mended in the settings? */
static bool is_mended(struct arena *arena, const struct lane *l, const struct round *t)
{
	char mark[CONFIG_MARK_SIZE];

	if (!t->is_configured) return false;
	if (is_unconfigured(&t->account)) return true;
	if (is_stopped_by_hand(&t->account) || t->facts.refused[0] == '\0') return false;
	mark_config(mark, arena, l);
	return strcmp(mark, t->facts.refused) != 0;
}

/*
** A channel that nobody has set up is no trouble while nothing waits for it: only then it is stopped and told
** of. WhatsApp is what the house is for: it says so at once.
*/
static bool is_missed(const struct lane *l, const struct round *t)
{
	return l->channel->is_main || t->has_queued;
}

static enum rc revise_state(struct cx *cx, struct lane *l, struct round *t, const char *config_why)
{
	const struct account *a = &t->account;
	const char *why = "";
	instant until = 0;
	bool is_full = rate_room(&t->used, t->caps, &why, &until) == 0;
	enum rc rc = RC_OK;

	if (a->state == ACCOUNT_STOPPED && is_mended(cx->arena, l, t))
		rc = account_open(cx, a);
	else if (is_unconfigured(a) && !is_missed(l, t))
		rc = account_open(cx, a);
	else if (a->state != ACCOUNT_STOPPED && !t->is_configured && is_missed(l, t))
		rc = account_stop(cx, a, config_why, "");
	else if (a->state == ACCOUNT_WAITING && rate_is_why(a->why) && !is_full)
		rc = account_open(cx, a);
	else if (a->state == ACCOUNT_WAITING && !account_is_held_by_session(a) && a->until_at <= t->now)
		rc = account_open(cx, a);
	else if (a->state == ACCOUNT_OPEN && is_full && t->is_waiting)
		rc = account_wait(cx, a, why, "", until);
	else
		return RC_OK;
	return rc == RC_OK ? read_again(cx, l, t) : rc;
}

static void soon(struct round *t, instant at)
{
	if (at > 0 && (t->next_at == 0 || at < t->next_at)) t->next_at = at;
}

/* Ask for the session before a run, every five minutes while something waits, and while the channel is
** held for it. */
static void decide_session(const struct lane *l, struct round *t)
{
	bool is_held = account_is_held_by_session(&t->account);
	int64_t since;

	if (l->session == NULL || l->session->flight == FLIGHT_OPEN) return;
	if (!t->is_configured || t->is_halted || t->account.state == ACCOUNT_STOPPED) return;
	if (atomic_load(&l->owner->is_stopping)) return;
	since = l->session->asked_ticks == 0 ? SESSION_EVERY_MS : t->ticks - l->session->asked_ticks;
	if (t->is_waiting) {
		t->asks_session = is_held ? t->account.until_at <= t->now : since >= SESSION_EVERY_MS;
		if (is_held) soon(t, t->account.until_at);
	} else if (is_held) {
		t->asks_session = since >= SESSION_EVERY_MS;
	}
}

/* Claiming */

/* By a clock that is far ahead everything is late and over: what people get waits. */
static bool waits_for_clock(const struct lane *l)
{
	return l->channel->is_for_people && clock_is_doubtful(l->owner->env->clock);
}

static bool may_send(const struct lane *l, const struct round *t)
{
	bool is_asking = t->asks_session || (l->session != NULL && l->session->flight == FLIGHT_OPEN);

	if (atomic_load(&l->owner->is_stopping) || !t->is_configured) return false;
	if (t->account.state != ACCOUNT_OPEN || !t->is_waiting) return false;
	if (is_asking && t->flying == 0) return false; /* the first of a run waits for the word */
	if (t->pause_ms > 0) return t->flying == 0 && t->settled == 0 && t->ticks >= l->pace_ticks;
	return true;
}

static void find_busy(const struct lane *l, struct round *t)
{
	struct claim *c = &t->claim;

	c->slots = t->slots;
	c->busy = t->busy;
	c->out = t->claimed;
	for (int i = 0; i < SLOTS_MAX; i++)
		if (l->slots[i] != NULL && l->slots[i]->flight == FLIGHT_OPEN)
			t->busy[c->busy_count++] = l->slots[i]->m.contact_id;
	t->flying = c->busy_count;
}

/*
** A channel of few places has more while a mailing waits, if its setting says so. They serve whoever is next:
** what is urgent comes first in any of them.
*/
static enum rc widen(struct cx *cx, const struct lane *l, struct round *t)
{
	const struct channel *c = l->channel;
	int64_t more = other_setting(l->owner->env->settings, c->slots_setting, 0);
	bool has_mailing = false;
	enum rc rc;

	if (more <= t->slot_max) return RC_OK;
	rc = ledger_has_mailing(cx, &has_mailing, l->account_id);
	if (rc == RC_OK && has_mailing) t->slot_max = more < SLOTS_MAX ? (int)more : SLOTS_MAX;
	return rc;
}

/* As many free slots as may leave now: one with a pause, never beyond what the caps leave over. */
static void find_slots(struct lane *l, struct round *t)
{
	struct claim *c = &t->claim;
	const char *why;
	instant until;
	int64_t most = rate_room(&t->used, t->caps, &why, &until);

	if (most != INT64_MAX) most -= t->flying;
	if (t->pause_ms > 0 && most > 1) most = 1;
	for (int i = 0; i < t->slot_max && c->slot_count < most; i++) {
		struct slot *s = lane_slot(l, i);

		if (s == NULL || s->flight == FLIGHT_OPEN) continue;
		if (s->rest_ticks > t->ticks)
			soon(t, t->now + (s->rest_ticks - t->ticks));
		else if (s->flight == FLIGHT_DONE && s->m.has_letter && t->pace_ms > 0)
			soon(t, t->now + t->pace_ms); /* its pause begins with this turn */
		else
			t->slots[c->slot_count++] = i;
	}
}

/* One that cannot be read is launch.c's to tell: it stays that one message's trouble. */
static enum rc read_letter(struct cx *cx, const struct lane *l, struct claimed *m)
{
	struct letter_kept *k = NULL;
	enum rc rc = letter_of(cx, l->owner->letters, &k, m->batch_id);

	m->has_letter = rc == RC_BAD_INPUT || k != NULL;
	if (k != NULL) m->file_bytes = k->file_bytes;
	return rc == RC_BAD_INPUT ? RC_OK : rc;
}

/*
** A large mail takes the line and the disk for itself: from the first one on that would be too much beside
** the others, all stay in the queue until a place is free.
*/
static enum rc read_parts(struct cx *cx, const struct lane *l, struct round *t)
{
	struct claim *c = &t->claim;
	int64_t bytes = 0;
	int kept = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < SLOTS_MAX; i++)
		if (l->slots[i] != NULL && l->slots[i]->flight == FLIGHT_OPEN)
			bytes += l->slots[i]->m.file_bytes;
	for (; rc == RC_OK && kept < c->count; kept++) {
		rc = read_letter(cx, l, &t->claimed[kept]);
		if (rc == RC_OK && !t->claimed[kept].has_letter) rc = ledger_files(cx, &t->claimed[kept]);
		bytes += t->claimed[kept].file_bytes;
		if (bytes > FILES_AT_ONCE_MAX && kept + t->flying > 0) break;
	}
	for (int i = kept; rc == RC_OK && i < c->count; i++)
		rc = ledger_put_back(cx, &t->claimed[i]);
	if (kept < c->count) c->is_more = false; /* an answer frees the place, not another look */
	c->count = kept;
	return rc;
}

static enum rc claim(struct cx *cx, struct lane *l, struct round *t)
{
	struct claim *c = &t->claim;
	enum rc rc;

	c->account = l->account_id;
	c->now = t->now;
	c->contact_kind = l->kind->contact;
	/* The owner must hear that nothing leaves: alerts to the addresses of his settings pass. */
	c->is_own_only = t->is_halted || waits_for_clock(l);
	if (!may_send(l, t)) return RC_OK;
	rc = widen(cx, l, t);
	if (rc != RC_OK) return rc;
	find_slots(l, t);
	if (c->slot_count == 0) return RC_OK;
	rc = ledger_claim(cx, c);
	/* No text to a phone has files. */
	return rc == RC_OK && strcmp(c->contact_kind, "phone") != 0 ? read_parts(cx, l, t) : rc;
}

/* What is the same for all channels: whichever lane comes first sees to it. */
static enum rc tend_house(struct cx *cx, const struct lane *l, struct round *t)
{
	enum rc rc = RC_OK;
	int64_t n = 0;

	if (t->ticks - l->owner->house_ticks >= HOUSE_EVERY_MS) {
		t->has_tended = true;
		if (!clock_is_doubtful(cx->env->clock)) rc = ledger_expire(cx, t->now, &t->expire_after, &n);
		if (n == LEDGER_SLICE || t->expire_after != 0) soon(t, t->now + HOUSE_EVERY_MS);
	}
	if (rc == RC_OK && t->ticks - l->owner->inbound_ticks >= SWEEP_EVERY_MS) {
		bool has_inbound = false;

		t->has_looked_in = true;
		rc = inbound_is_waiting(cx, &has_inbound);
		if (rc == RC_OK && has_inbound) rc = inbound_wake(cx);
	}
	return rc;
}

static enum rc tend_queue(struct cx *cx, const struct lane *l, struct round *t)
{
	instant next = 0;
	int64_t n = 0;
	/* By a wrong clock everything would be due, and leave too early once it is right: an alert that was
	** refused at its first try waits with the rest. */
	enum rc rc = waits_for_clock(l) ? RC_OK : ledger_promote(cx, l->account_id, t->now, &next);

	soon(t, next);
	if (rc == RC_OK && t->ticks - l->sweep_ticks >= SWEEP_EVERY_MS) {
		t->is_swept = true;
		/* The one let go may have been cancelled or expired: nobody stays behind for ever. */
		if (l->behind > 0) rc = ledger_release(cx, l->account_id, 0, &n);
		if (rc == RC_OK && l->behind > 0)
			t->released = n < LEDGER_SLICE ? l->behind : t->released + n;
	}
	if (rc == RC_OK) rc = ledger_is_waiting(cx, &t->is_waiting, l->account_id, t->claim.is_window_open);
	t->has_queued = t->is_waiting || next > 0;
	if (rc == RC_OK && !t->has_queued && !t->is_configured)
		rc = ledger_is_waiting(cx, &t->has_queued, l->account_id, true);
	return rc;
}

/* The count of the running hour, day and month; read once an hour, then kept. */
static enum rc read_rate(struct cx *cx, const struct lane *l, struct round *t)
{
	enum rc rc;

	if (rate_is_current(&t->used, t->now)) return RC_OK;
	rc = rate_read(cx, &t->used, l->account_id, rate_zone(l->channel, cx->env), t->now);
	return rc == RC_OK ? rate_forget(cx, l->account_id, t->now) : rc;
}

static bool may_look(const struct lane *l, const struct round *t)
{
	const struct account *a = &t->account;

	if (l->kind->build_check == NULL || !t->is_configured || atomic_load(&l->owner->is_stopping))
		return false;
	return a->state == ACCOUNT_OPEN ||
	       (a->state == ACCOUNT_WAITING && (strcmp(a->why, "day_limit") == 0 || rate_is_why(a->why)));
}

static enum rc choose_looks(struct cx *cx, const struct lane *l, struct round *t)
{
	int room = 0;
	instant next = 0;
	enum rc rc = RC_OK;

	if (!may_look(l, t)) return RC_OK;
	for (size_t i = 0; i < LOOKS_MAX; i++)
		if (l->looks[i]->flight != FLIGHT_OPEN) room++;
	if (room > 0 && t->ticks >= l->look_ticks)
		rc = ledger_checks(cx, l->account_id, t->now, t->looks, t->pause_ms > 0 ? 1 : room,
				   &t->look_count);
	if (rc == RC_OK) rc = ledger_next_check(cx, l->account_id, &next);
	if (next > 0 && next < t->now + (l->look_ticks - t->ticks))
		next = t->now + (l->look_ticks - t->ticks);
	if (next > 0 && room > t->look_count) soon(t, next);
	return rc;
}

/* Facts */

static enum rc tell_credits(struct cx *cx, const struct lane *l, struct round *t)
{
	char today[DATE_SIZE], left[24];
	const char *key;

	if (t->facts.limits.daily_limit == LIMIT_UNKNOWN && t->facts.credits_on[0] == '\0') return RC_OK;
	key = account_alert_key(cx->arena, "channel.credits", l->channel->name);
	if (!facts_are_low(&t->facts, setting_int(l->owner->env->settings, "whatsapp.alert_left_percent"),
			   t->now)) {
		if (t->facts.credits_on[0] == '\0' || t->facts.limits.daily_limit == LIMIT_UNKNOWN)
			return RC_OK;
		t->facts.credits_on[0] = '\0';
		return alert_resolve(cx, key);
	}
	day_text(today, cx_today(cx));
	if (strcmp(today, t->facts.credits_on) == 0) return RC_OK; /* once a day */
	memcpy(t->facts.credits_on, today, sizeof(today));
	snprintf(left, sizeof(left), "%lld", (long long)t->facts.limits.daily_remaining);
	if (alert_resolve(cx, key) != RC_OK) return RC_IO;
	return alert_raise(cx, key, "warning", N_("The gateway has only %s messages left for today."), left,
			   "/");
}

static enum rc keep_facts(struct cx *cx, struct lane *l, struct round *t)
{
	struct sb sb;
	enum rc rc;

	if (!l->are_facts_new ||
	    (t->ticks - l->facts_ticks < FACTS_EVERY_MS && t->account.state == ACCOUNT_OPEN)) {
		if (l->are_facts_new) soon(t, t->now + FACTS_EVERY_MS);
		return RC_OK;
	}
	t->wrote_facts = true;
	rc = tell_credits(cx, l, t);
	if (rc != RC_OK) return rc;
	sb_init_arena(&sb, cx->arena, 4096);
	facts_write(&sb, cx->arena, &t->facts);
	if ((rc = sb_result(&sb)) != RC_OK) return rc;
	return db_run(cx, "UPDATE channel_account SET facts_json = :facts WHERE id = :id",
		      PARAMS(P_TEXT(":facts", sb_text_of(&sb)), P_INT(":id", l->account_id)));
}

static enum rc write_turn(struct cx *cx, struct lane *l, struct round *t)
{
	const char *why = NULL;
	enum rc rc = read_again(cx, l, t);

	l->kind->configure(&t->cf, &why, l->owner->env);
	t->is_configured = why == NULL;
	if (rc == RC_OK) rc = outbox_is_halted(cx, &t->is_halted, NULL);
	if (rc == RC_OK) rc = read_rate(cx, l, t);
	if (rc == RC_OK) rc = settle_all(cx, l, t);
	if (rc == RC_OK) rc = heed_session(cx, l, t);
	if (rc == RC_OK && t->is_stale) rc = read_again(cx, l, t);
	if (rc == RC_OK) rc = tend_house(cx, l, t);
	if (rc == RC_OK) rc = tend_queue(cx, l, t);
	if (rc == RC_OK) rc = revise_state(cx, l, t, why);
	find_busy(l, t);
	if (rc == RC_OK) decide_session(l, t);
	if (rc == RC_OK) rc = claim(cx, l, t);
	if (rc == RC_OK) rc = choose_looks(cx, l, t);
	if (rc == RC_OK) rc = keep_facts(cx, l, t);
	if (t->account.state == ACCOUNT_WAITING && !account_is_held_by_session(&t->account))
		soon(t, t->account.until_at);
	return rc;
}

enum rc round_turn(struct lane *l)
{
	struct cx *cx = &l->owner->cx;
	struct round t = { .now = cx_now(cx),
			   .ticks = clock_ticks(),
			   .facts = l->facts,
			   .expire_after = l->owner->expire_after,
			   .used = l->used,
			   .doubts = l->doubts,
			   .unreachable = l->unreachable,
			   .waits = l->waits };
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	read_rules(l, &t);
	rc = write_turn(cx, l, &t);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) round_launch(l, &t);
	return rc;
}
