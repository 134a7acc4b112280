/*
** doppler.h -- what Doppler Relay's answers and addresses have in common for its channel (here) and for
** sends/doppler*.c. Source: contracts/doppler-relay.md.
*/
#ifndef RECADO_OUTBOX_CHANNELS_DOPPLER_H
#define RECADO_OUTBOX_CHANNELS_DOPPLER_H

#include "outbox/channel.h"

#define DOPPLER_TEMPLATE_ID_MAX 128 /* contract §10.4 */

/* Where it answers, without a slash at the end: doppler.base_url, offline the stand-in unless the setting is
** this machine; "" when it may not be used (http: to another machine). */
void doppler_origin(char out[CHANNEL_URL_SIZE], const struct env *env);
/* The key; offline any. "" = not set. And the account: 0 = not set, offline 1. */
const char *doppler_key(const struct env *env);
int64_t doppler_account(const struct env *env);
/* [A-Za-z0-9-]{1,128} */
bool doppler_is_template_id(const char *id);

/* "doppler_http_402" of any status; static. */
const char *doppler_http_word(int status);

/* What an answer that is not 2xx says (contract §3): errorCode (-1: none), and one line for people without
** addresses in it: "Validation error: recipients[0].email …". A gateway's page becomes its words. Arena. */
struct doppler_problem {
	int error_code;
	const char *line;
	const struct value *json; /* NULL: not an object */
};
void doppler_problem(struct doppler_problem *out, struct arena *a, const struct http_answer *answer);

/* When the limit of a 402 is over: resetDate, else the end of its period in UTC (hour, day, month), else that
** of the hour; never in the past (contract §10.6). */
instant doppler_reset_at(const struct value *json, instant now);
/* The end of the hour, day or month of UTC in which now lies; other words: of the hour. */
instant doppler_period_end(const char *period, instant now);

/* Id of what a 2xx made: createdResourceId, else the last segment of Location, "" = none (contract §4.1).
** Only what an id is made of; arena. */
const char *doppler_created_id(struct arena *a, const struct value *json, const struct http_answer *answer);

void doppler_read_send(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now);

/* The guard of the quota (spec §9.4): effective limits of hour, day, month. False: it is on and one of them
** is 0, so nothing may leave. All 0: it is off. */
bool doppler_caps(int64_t caps[3], const struct settings *s);

extern const struct channel_reason doppler_reasons[];
extern const struct channel_code doppler_codes[];

#endif
