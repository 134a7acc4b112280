/*
** hooks.h -- the inside of the webhooks: what their files share.
*/
#ifndef RECADO_OUTBOX_HOOKS_H
#define RECADO_OUTBOX_HOOKS_H

#include "outbox/outbox.h"

/* So many in a window of time; any thread. */
struct bucket {
	int64_t window_ms, from_ticks;
	int most, used;
};
bool bucket_take(struct bucket *b);

/* {"success":…,"error":word} */
enum rc hook_say(struct cx *cx, struct call *call, int status, const char *word) MUST_CHECK;
enum rc hook_too_many(struct cx *cx, struct call *call, const char *seconds) MUST_CHECK;
/* Logged; 403, or 429 when there were many: guessing stays slow. */
enum rc hook_refuse(struct cx *cx, struct call *call) MUST_CHECK;
/* The raw body, once for each key; the job is woken. Own transaction. */
enum rc hook_store(struct cx *cx, const char *provider, const char *key, const char *body) MUST_CHECK;

/* hook_sendgrid.c */
#define SENDGRID_BODY_MAX ((size_t)1024 * 1024) /* SendGrid flushes at some 768 kB (contract §3.2) */
enum rc hook_sendgrid(struct cx *cx, struct call *call);
/* What one stored body tells, in slices with transactions of their own; telling it again changes nothing.
** RC_BAD_INPUT: no list of events; RC_TRY_LATER: a message it speaks of is on its way right now. */
enum rc hook_sendgrid_take(struct cx *cx, const char *body, bool *was_of_use) MUST_CHECK;

#endif
