/*
** inbound.h -- what came in and waits to be read. For the room's own files and tests.
*/
#ifndef RECADO_OUTBOX_INBOUND_H
#define RECADO_OUTBOX_INBOUND_H

#include "outbox/outbox.h"
#include "work/work.h"

#define INBOUND_JOB "outbox.inbound"

/* The modules' words (NULL-terminated list of arrays, each ended by a row without words); before the jobs
** run. */
void inbound_set_replies(const struct reply_word *const *replies);
/* See that the job runs; in a write transaction. A job already waiting or running is fine. */
enum rc inbound_wake(struct cx *cx) MUST_CHECK;
/* Is anything waiting? */
enum rc inbound_is_waiting(struct cx *cx, bool *out) MUST_CHECK;
/* Did WaSender, the only one whose messages are looked at later, tell us anything after that? What a mail
** provider tells proves nothing about its webhooks. */
enum rc inbound_tells(struct cx *cx, bool *out, instant after) MUST_CHECK;
enum rc inbound_run(struct cx *cx, struct job *job) MUST_CHECK;
/* Does a folded text say one of the words ("renovar|si"): it is it, or begins with it? Pure. */
bool inbound_says(const char *folded, const char *words);
/* One automatic answer; leaves at any hour. In a write transaction. RC_OK also when the occasion was there
** already. */
enum rc inbound_answer(struct cx *cx, int64_t contact_id, const char *occasion, const char *text) MUST_CHECK;

#endif
