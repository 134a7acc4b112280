/*
** lane.c -- the places of one channel in the running outbox: its slots, its looks, its session poll.
**
** Owns:   the memory of lanes; what is done with an answer on the wire's thread.
** Needs:  channels.c for which plug-in serves an account.
** Never:  writes the database; decides what leaves.
** Holds:  (1) a place given to the wire stays where it is until it comes back; (2) an account whose plug-in
**         this program does not have gets no lane, and is not asked for again before the next start.
*/
#include "outbox/engine.h"
#include "base/mem.h"

#include <string.h>

/* Reading answers */

void lane_read_slot(struct wire_call *call, struct arena *a, const struct http_answer *answer)
{
	struct slot *s = (struct slot *)call;

	s->lane->kind->read_send(&s->v, a, answer, clock_now(s->lane->owner->env->clock));
	channel_request_mask(&s->rq, s->v.detail);
}

void lane_slot_started(struct wire_call *call)
{
	struct slot *s = (struct slot *)call;

	channel_request_rest(&s->rq);
}

void lane_read_look(struct wire_call *call, struct arena *a, const struct http_answer *answer)
{
	struct look *l = (struct look *)call;

	l->lane->kind->read_check(&l->v, a, answer);
}

void lane_read_session(struct wire_call *call, struct arena *a, const struct http_answer *answer)
{
	struct session_poll *p = (struct session_poll *)call;

	p->lane->kind->read_session(&p->v, a, answer);
}

void lanes_collect(struct wire_call *finished)
{
	for (; finished != NULL; finished = finished->next) {
		if (finished->read == lane_read_slot) {
			((struct slot *)finished)->flight = FLIGHT_DONE;
			((struct slot *)finished)->lane->is_called = true;
		} else if (finished->read == lane_read_look) {
			((struct look *)finished)->flight = FLIGHT_DONE;
			((struct look *)finished)->lane->is_called = true;
		} else {
			((struct session_poll *)finished)->flight = FLIGHT_DONE;
			((struct session_poll *)finished)->lane->is_called = true;
		}
	}
}

int lane_open_count(const struct lane *l)
{
	int n = 0;

	for (size_t i = 0; i < SLOTS_MAX; i++)
		if (l->slots[i] != NULL && l->slots[i]->flight != FLIGHT_FREE) n++;
	return n;
}

/* Life */

struct slot *lane_slot(struct lane *l, int i)
{
	if (l->slots[i] == NULL && (l->slots[i] = mem_zeroed(sizeof(struct slot))) != NULL)
		l->slots[i]->lane = l;
	return l->slots[i];
}

static void lane_free(struct lane *l)
{
	if (l == NULL) return;
	for (size_t i = 0; i < SLOTS_MAX; i++) {
		if (l->slots[i] != NULL) channel_request_rest(&l->slots[i]->rq);
		if (l->slots[i] != NULL) sb_free(&l->slots[i]->rq.body);
		mem_free(l->slots[i]);
	}
	for (size_t i = 0; i < LOOKS_MAX; i++)
		mem_free(l->looks[i]);
	mem_free(l->session);
	mem_free(l);
}

void lanes_free(struct outbox *o)
{
	for (int i = 0; i < o->lane_count; i++)
		lane_free(o->lanes[i]);
	o->lane_count = 0;
}

static struct lane *lane_new(struct outbox *o, const struct account *a, const struct channel *channel,
			     const struct channel_kind *kind)
{
	struct lane *l = mem_zeroed(sizeof(*l));
	bool is_made = l != NULL;

	if (l == NULL) return NULL;
	l->owner = o;
	l->channel = channel;
	l->kind = kind;
	l->account_id = a->id;
	facts_read(&l->facts, o->cx.arena, a->facts_json);
	rate_name(&l->rates, channel->settings);
	for (size_t i = 0; is_made && kind->build_check != NULL && i < LOOKS_MAX; i++) {
		l->looks[i] = mem_zeroed(sizeof(struct look));
		is_made = l->looks[i] != NULL;
		if (is_made) l->looks[i]->lane = l;
	}
	if (is_made && kind->build_session != NULL) {
		l->session = mem_zeroed(sizeof(struct session_poll));
		is_made = l->session != NULL;
		if (is_made) l->session->lane = l;
	}
	if (is_made) return l;
	lane_free(l);
	return NULL;
}

static enum rc add_lane(struct outbox *o, int64_t account)
{
	struct account a;
	const struct channel *channel;
	const struct channel_kind *kind;
	struct lane *l;
	enum rc rc = account_read(&o->cx, &a, account);

	if (rc != RC_OK) return rc;
	channel = channel_find(a.name);
	kind = channel_kind_find(a.kind);
	if (channel == NULL || kind == NULL || o->lane_count == LANES_MAX) {
		log_event(LOG_WARN, "outbox", "lane.none", "channel=%s kind=%s", a.name, a.kind);
		return RC_OK;
	}
	l = lane_new(o, &a, channel, kind);
	if (l == NULL) return RC_NO_MEMORY;
	o->lanes[o->lane_count++] = l;
	return RC_OK;
}

enum rc lanes_find(struct outbox *o)
{
	enum rc rc;

	for (;;) {
		int64_t next = 0;

		rc = db_get_int(
			&o->cx, &next,
			"SELECT coalesce(min(id), 0) FROM channel_account WHERE id > :last AND archived_at IS NULL",
			PARAMS(P_INT(":last", o->last_account)));
		if (rc != RC_OK || next == 0) return rc;
		rc = add_lane(o, next);
		if (rc != RC_OK) return rc;
		o->last_account = next;
	}
}
