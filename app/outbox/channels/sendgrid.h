/*
** sendgrid.h -- the inside of the SendGrid channel, for its files, the hook and the tests (contracts/email.md
** §3).
*/
#ifndef RECADO_OUTBOX_CHANNELS_SENDGRID_H
#define RECADO_OUTBOX_CHANNELS_SENDGRID_H

#include "outbox/channel.h"

/* Our key among a message's custom_args: its public id comes back at the top of each event. */
#define SENDGRID_ARG "m"

/* What POST /v3/mail/send was answered (§3.1's table). */
void sendgrid_read_send(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now);
/* The first message of an error body, or the words of whatever else it is. Arena. */
const char *sendgrid_words(struct arena *a, const struct http_answer *answer);

/* Events (sendgrid_event.c) */

enum sendgrid_event_kind {
	SENDGRID_IGNORED,  /* open, click, and what is not known                           */
	SENDGRID_ACCEPTED, /* processed, deferred: it has the message                      */
	SENDGRID_DELIVERED,
	SENDGRID_BOUNCED,  /* hard: the address is dead                                    */
	SENDGRID_BLOCKED,  /* soft: this message did not arrive, the address may be fine    */
	SENDGRID_DROPPED,  /* not even tried                                              */
	SENDGRID_SPAM,     /* the person complained                                        */
	SENDGRID_LEFT,     /* unsubscribed                                                 */
	SENDGRID_CAME_BACK /* group_resubscribe                                            */
};

/* All text is lent from the parsed body, or is "". */
struct sendgrid_event {
	enum sendgrid_event_kind kind;
	const char *id;      /* sg_event_id: unique for ever                                */
	const char *message; /* public id of ours (SENDGRID_ARG)                            */
	const char *email, *reason;
	instant at; /* 0 if not said                                                */
};

#define SENDGRID_EVENTS_MAX 10000 /* of one call: "from one to thousands" (§3.2) */

/* Everything one webhook body tells, in order. Total: what is no object in the list is ignored. RC_BAD_INPUT:
** it is no list, or a longer one. */
enum rc sendgrid_events(struct arena *a, struct sendgrid_event **out, size_t *count,
			const struct value *body) MUST_CHECK;

#endif
