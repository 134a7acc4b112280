/*
** round.h -- what one turn of a lane decided: between round.c, which decides, and launch.c, which does it
** after the COMMIT.
*/
#ifndef RECADO_OUTBOX_ROUND_H
#define RECADO_OUTBOX_ROUND_H

#include "outbox/engine.h"

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
	int64_t pause_ms, pace_ms, released, handed_over;
	int slots[SLOTS_MAX];
	int64_t busy[SLOTS_MAX];
	int64_t caps[RATE__MAX];
	int64_t expire_after; /* the house's: batches up to this one were looked at for expiry */
	struct rate_used used;
	struct facts facts;
	struct doubts doubts;
	int unreachable, waits;
	bool is_stale; /* account says no more what its row does */
	bool is_configured, is_halted, is_waiting, has_queued, asks_session, told_session, wrote_facts,
		is_swept;
	bool has_tended, has_looked_in; /* the house's: expiry, what came in                            */
	instant next_at;                /* earliest known instant at which something becomes due, 0 = none */
};

/* The turn became durable: free the settled slots, start what was claimed, and say when the next turn is
** due. */
void round_launch(struct lane *l, struct round *t);

#endif
