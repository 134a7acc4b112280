/*
** gate.h -- before any page: names under which the panel may be called, and a fair share for each address.
*/
#ifndef RECADO_WEB_GATE_H
#define RECADO_WEB_GATE_H

#include "base/cx.h"

#define OWN_REQUESTS 64 /* in flight from one address (not loopback): the rest of the queue is for others */

struct gate;

struct gate *gate_new(struct env *env); /* NULL: no memory */
void gate_free(struct gate *g);         /* NULL is fine    */

/* The sentence (msgid, or translated in a) when this Host header is not ours; NULL when it is. Settings that
** were read again count at once. On the wire thread only. */
const char *gate_host_refusal(struct gate *g, struct arena *a, const char *host);

/* Would a call under this Host header come in with these web.listen, web.public_url and web.hosts? */
bool gate_has_host(struct arena *a, const char *const from[3], const char *host);

/* One more request of this address; false when it has its share. Any thread. */
bool gate_enter(struct gate *g, const char *address);
void gate_leave(struct gate *g, const char *address); /* once for each that entered */

#endif
