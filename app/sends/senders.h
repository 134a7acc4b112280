/*
** senders.h -- who a mail is from (spec §6).
*/
#ifndef RECADO_SENDS_SENDERS_H
#define RECADO_SENDS_SENDERS_H

#include "sends/sends.h"

#define SENDER_NAME_MAX 255 /* spec §2.1 */

struct sender_ask {
	const char *channel; /* doppler, email or sendgrid                                     */
	int64_t sender_id;   /* the one chosen for the send; 0 = none                          */
	int64_t user_id;     /* who acts; 0 = nobody (background)                              */
	const char *from_email, *from_name; /* told with the request: count only together; NULL = none */
};
struct sender {
	int64_t id;                                    /* 0: not of table sender                     */
	const char *from_email, *from_name, *reply_to; /* arena; name and reply_to "" = none          */
	const char *source; /* "request", "chosen", "user", "account", "settings" */
};
/*
** Spec §6: the request's own, the chosen one, the acting user's active one or the user's own mail and name,
** else the settings' (email: smtp.from; doppler: doppler.from_email; sendgrid: the same two in this order).
** Values to keep with the send. RC_BAD_INPUT with the sentence: the chosen one is not active, not a mail
** address, or there is none at all; RC_NOT_FOUND: no such sender.
*/
enum rc sender_resolve(struct cx *cx, struct sender *out, const struct sender_ask *ask) MUST_CHECK;
/* The settings' alone, for lists of choices ("correo predeterminado"); RC_NOT_FOUND with the sentence: not set. */
enum rc sender_default(struct cx *cx, struct sender *out, const char *channel) MUST_CHECK;
/* Row of a public id; "" or NULL: 0. RC_NOT_FOUND with the sentence. */
enum rc sender_find(struct cx *cx, int64_t *id, const char *public_id) MUST_CHECK;
/* Save one's own (spec §18, /relay/user/email-config/): the user's active sender, made when there is none;
** *id of it. Field errors in cx. Own transaction. */
enum rc sender_save_own(struct cx *cx, int64_t *id, int64_t user_id, const char *from_email,
			const char *from_name) MUST_CHECK;

#endif
