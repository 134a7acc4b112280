/*
** incident.c -- how often something happened at the door that the owner should hear of when it piles up.
**
** Owns:   the counters, one set for the process.
** Never:  takes a lock; knows who it was.
*/
#include "web/incident.h"

#include <stdatomic.h>

static _Atomic int64_t counts[INCIDENT__MAX];

void incident_add(enum incident what)
{
	if ((unsigned)what < INCIDENT__MAX) atomic_fetch_add_explicit(&counts[what], 1, memory_order_relaxed);
}

int64_t incident_count(enum incident what)
{
	return (unsigned)what < INCIDENT__MAX ? atomic_load_explicit(&counts[what], memory_order_relaxed) : 0;
}
