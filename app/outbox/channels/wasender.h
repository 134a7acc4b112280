/*
** wasender.h -- the inside of the WaSender channel, for its files, the hooks and the tests.
*/
#ifndef RECADO_OUTBOX_CHANNELS_WASENDER_H
#define RECADO_OUTBOX_CHANNELS_WASENDER_H

#include "outbox/channel.h"

void wasender_read_send(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now);
void wasender_read_check(struct check_verdict *out, struct arena *a, const struct http_answer *answer);
void wasender_read_session(struct session_verdict *out, struct arena *a, const struct http_answer *answer);

/* Number of a delivery status (integer or text of digits); anything else is STATUS_UNKNOWN. */
enum message_status wasender_status(const struct value *status);
/* The static word of a session state, case-insensitive; "unknown" for others. */
const char *wasender_session(const char *word);
/* Base address without trailing "/" and "/api". Offline: the stand-in's unless the setting is loopback itself; "" if there is none. */
void wasender_base(char out[CHANNEL_URL_SIZE], const char *setting, bool is_offline, const char *standin);

/* Events (wasender_event.c) */

enum wasender_event_kind {
	EVENT_IGNORED, /* own, group, newsletter, status, without text, or of no interest */
	EVENT_MESSAGE, /* somebody wrote                                                  */
	EVENT_STATUS,  /* a later word on a message of ours                               */
	EVENT_SESSION
};

/* All text is lent from the parsed body. */
struct wasender_event {
	enum wasender_event_kind kind;
	const char *key_id;      /* "" if none (old flat bodies); else unique for ever          */
	const char *phone;       /* "+593…", "" when only a LID is known; EVENT_STATUS: whom it went to  */
	const char *lid;         /* digits of the internal identity, "" if none                */
	const char *name, *text; /* EVENT_STATUS: what was sent, if the event says so */
	enum message_status status;
	const char *session; /* static word                                             */
	instant at;          /* 0 if not said                                           */
};

/* Everything one webhook body tells, in order. Total. */
enum rc wasender_events(struct arena *a, struct wasender_event **out, size_t *count,
			const struct value *body) MUST_CHECK;
/* Take the session's API key out of a body (sessionId and session_id, at any depth), in place. */
void wasender_redact(struct value *body);
/* Key that tells a repeated delivery: event, key id and status; where there is no key id, a hash of the
** body and the minute. */
const char *wasender_dedupe_key(struct arena *a, const struct value *body, instant now);

#endif
