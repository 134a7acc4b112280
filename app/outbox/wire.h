/*
** wire.h -- the thread that holds the outbox's link: takes calls, hands back finished ones.
**
** Network and ledger run beside each other: while one round is being committed and synced, the other slots'
** answers arrive. A call belongs to the wire from wire_put() until wire_take() gives it back.
*/
#ifndef RECADO_OUTBOX_WIRE_H
#define RECADO_OUTBOX_WIRE_H

#include "link/http.h"

struct wire;

struct wire_call {
	struct http_request request; /* what it points to must stay until the call is back            */
	/* On the wire's thread, answer lent: put what is needed into the struct that embeds this call. */
	void (*read)(struct wire_call *call, struct arena *a, const struct http_answer *answer);
	/* On the wire's thread, once the link has its own copy of the request; NULL: nothing to do. */
	void (*started)(struct wire_call *call);
	struct wire_call *next;
	struct wire *wire; /* the wire's own */
};

/* At most connections calls run at a time. */
enum rc wire_start(struct wire **out, struct env *env, int connections) MUST_CHECK;
void wire_put(struct wire *w, struct wire_call *list); /* linked by next; any thread */
struct wire_call *wire_take(struct wire *w); /* all finished ones, in order of arrival; NULL: none */
int wire_fd(const struct wire *w); /* an eventfd, readable when something finished; the taker reads it */
/* We are about to stop: what can be ended with a known outcome comes back soon (link_hurry). Any thread. */
void wire_hurry(struct wire *w);
/* Drops what still runs: those calls never come back. NULL is fine. */
void wire_stop(struct wire *w);

#endif
