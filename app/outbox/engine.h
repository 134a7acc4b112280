/*
** engine.h -- the inside of the running outbox, shared by engine.c (threads, life), lane.c (one channel's
** places), round.c (one turn of one lane) and launch.c (what follows its COMMIT).
*/
#ifndef RECADO_OUTBOX_ENGINE_H
#define RECADO_OUTBOX_ENGINE_H

#include "outbox/facts.h"
#include "outbox/ledger.h"
#include "outbox/letter.h"
#include "outbox/rate.h"
#include "outbox/render.h"
#include "outbox/wire.h"

#include <pthread.h>
#include <stdatomic.h>

#define OUTBOX_UNSURE_MSGID \
	N_("It is not certain whether some messages arrived. Look at them and decide each one.")

#define LOOKS_MAX 2 /* delivery look-ups of a channel in flight: they never hinder sending      */
#define LANES_MAX 8 /* the house has five channels                                              */

enum flight { FLIGHT_FREE, FLIGHT_OPEN, FLIGHT_DONE };

/* Each starts with its call, so that what the wire hands back can be told apart by its read(). */
struct slot {
	struct wire_call call;
	struct lane *lane;
	enum flight flight;
	int64_t rest_ticks; /* its sender pauses until then (clock_ticks)       */
	struct channel_request rq;
	struct claimed m; /* its texts belong to the round that claimed it */
	struct verdict v;
};

struct look {
	struct wire_call call;
	struct lane *lane;
	enum flight flight;
	struct channel_request rq;
	struct due_check due;
	struct check_verdict v;
};

struct session_poll {
	struct wire_call call;
	struct lane *lane;
	enum flight flight;
	struct channel_request rq;
	struct session_verdict v;
	int64_t asked_ticks; /* 0 = never */
};

/* How many of the last answers said nothing certain. */
#define DOUBTS_LOOKED_AT 50
struct doubts {
	int row;       /* unsure ones without a certain one between them */
	uint64_t past; /* the last fifty, one bit each                  */
	int count;     /* of them, so far                               */
	int64_t batch; /* whose fault the last ones told, and how many first tries did so in a row */
	int batch_row;
};

/* One open channel account. Slots are made when they are first needed, looks and session where the plug-in
** has them: an idle channel costs a few hundred bytes. */
struct lane {
	struct outbox *owner;
	const struct channel *channel;
	const struct channel_kind *kind;
	int64_t account_id;
	struct slot *slots[SLOTS_MAX];
	struct look *looks[LOOKS_MAX];
	struct session_poll *session;
	struct rate_names rates;
	struct rate_used used;
	struct facts facts;
	struct doubts doubts;
	bool are_facts_new;
	bool is_called;  /* the wire handed something of it back                         */
	int64_t behind;  /* rows parked behind another to the same contact, about       */
	int unreachable; /* calls in a row that reached nobody                        */
	int waits;       /* answers in a row that asked for a growing wait (verdict.hold_most_ms) */
	/* in clock_ticks() */
	int64_t due_ticks;  /* its next turn, unless it is called before                        */
	int64_t rest_ticks; /* after a turn that failed: not even when called                    */
	int64_t pace_ticks; /* the next message may leave then                           */
	int64_t look_ticks; /* the next look-up                                          */
	int64_t facts_ticks, sweep_ticks; /* when each was done last      */
};

struct outbox {
	struct env *env;
	struct db *db;
	struct arena *arena;
	struct cx cx;
	struct wire *wire;
	struct render_cache *templates;
	struct letter_cache *letters;
	pthread_t thread;
	bool is_running;
	atomic_bool is_stopping;
	_Atomic int64_t heartbeat_ticks;

	struct lane *lanes[LANES_MAX];
	int lane_count;
	int64_t last_account; /* the highest account looked at: what is above it is new */
	bool is_woken;        /* somebody wrote something that is for the outbox         */
	int64_t house_ticks;  /* when the queue's expiry was done last, for all lanes      */
	int64_t expire_after; /* the batch up to which it was; 0 = the whole queue        */
	int64_t inbound_ticks, note_ticks;
	instant noted_at; /* the clock's hour in the note last_seen; what is before it was put back */
};

/* Lanes (lane.c) */

/* A lane for each account that has none yet. Reads only. */
enum rc lanes_find(struct outbox *o) MUST_CHECK;
void lanes_free(struct outbox *o);
int lane_open_count(const struct lane *l); /* messages in flight or not settled yet */
/* Put calls that the wire handed back into their places. */
void lanes_collect(struct wire_call *finished);
/* The slot, made if it is not there yet; NULL: no memory. */
struct slot *lane_slot(struct lane *l, int i);
/* What reads an answer for each of the three; on the wire's thread. */
void lane_read_slot(struct wire_call *call, struct arena *a, const struct http_answer *answer);
void lane_slot_started(struct wire_call *call); /* a large body goes: the link has it */
void lane_read_look(struct wire_call *call, struct arena *a, const struct http_answer *answer);
void lane_read_session(struct wire_call *call, struct arena *a, const struct http_answer *answer);

/* One turn of a lane: settle what came back, claim and start what may leave. Own transaction; on failure
** nothing in memory changed and the same turn is tried again. Sets due_ticks. */
enum rc round_turn(struct lane *l) MUST_CHECK;

#endif
