/*
** engine.h -- the inside of the running outbox, shared by engine.c (threads, life) and round.c (one turn of
** the ledger).
*/
#ifndef RECADO_OUTBOX_ENGINE_H
#define RECADO_OUTBOX_ENGINE_H

#include "outbox/facts.h"
#include "outbox/ledger.h"
#include "outbox/render.h"
#include "outbox/wire.h"

#include <pthread.h>
#include <stdatomic.h>

#define OUTBOX_UNSURE_MSGID \
	N_("It is not certain whether some messages arrived. Look at them and decide each one.")

#define LOOKS_MAX 2 /* delivery look-ups in flight: they never hinder sending */

enum flight { FLIGHT_FREE, FLIGHT_OPEN, FLIGHT_DONE };

/* Each starts with its call, so that what the wire hands back can be told apart by its read(). */
struct slot {
	struct wire_call call;
	struct outbox *owner;
	enum flight flight;
	struct channel_request rq;
	struct claimed m; /* its texts belong to the round that claimed it */
	struct verdict v;
};

struct look {
	struct wire_call call;
	struct outbox *owner;
	enum flight flight;
	struct channel_request rq;
	struct due_check due;
	struct check_verdict v;
};

struct session_poll {
	struct wire_call call;
	struct outbox *owner;
	enum flight flight;
	struct channel_request rq;
	struct session_verdict v;
	int64_t asked_ticks; /* 0 = never */
};

struct outbox {
	struct env *env;
	struct db *db;
	struct arena *arena;
	struct cx cx;
	struct wire *wire;
	struct render_cache *templates;
	const struct channel_kind *kind;
	pthread_t thread;
	bool is_running;
	atomic_bool is_stopping;
	_Atomic int64_t heartbeat_ticks;

	int64_t account_id;
	struct slot slots[SLOTS_MAX];
	struct look looks[LOOKS_MAX];
	struct session_poll session;
	struct facts facts;
	bool are_facts_new;
	int64_t behind;  /* rows parked behind another to the same contact, about       */
	int unreachable; /* calls in a row that reached nobody                        */
	/* in clock_ticks() */
	int64_t pace_ticks; /* the next message may leave then                           */
	int64_t look_ticks; /* the next look-up                                          */
	int64_t facts_ticks, sweep_ticks, expire_ticks, note_ticks; /* when each was done last      */
	int64_t wake_ms; /* how long the engine may sleep, as the last round found     */
};

/* One turn: settle what came back, claim and start what may leave. Own transaction; on failure nothing in
** memory changed and the same turn is tried again. */
enum rc round_turn(struct outbox *o) MUST_CHECK;
/* Put calls that the wire handed back into their places. */
void round_collect(struct outbox *o, struct wire_call *finished);
int round_open_count(const struct outbox *o); /* messages in flight or not settled yet */

#endif
