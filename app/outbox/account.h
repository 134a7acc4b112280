/*
** account.h -- channel_account: who sends, in which state it is and why. For the room's own files and tests.
**
**   open <--word of the provider, time-- waiting        open, waiting --refused key, no credit, 404-->
**   stopped open <------- a person (channel_open), or a key that was changed ----------------------------
**   stopped
*/
#ifndef RECADO_OUTBOX_ACCOUNT_H
#define RECADO_OUTBOX_ACCOUNT_H

#include "outbox/channel.h"
#include "outbox/outbox.h"

#define CHANNEL_WHATSAPP "whatsapp"

enum account_state { ACCOUNT_OPEN, ACCOUNT_WAITING, ACCOUNT_STOPPED };

struct account {
	int64_t id;
	enum account_state state;
	const char *kind, *name, *why, *detail, *session, *facts_json; /* arena */
	instant until_at, state_at, session_at;
};

/* The account of a channel name, made if missing (kind: the configured gateway). In a write transaction. */
enum rc account_ensure(struct cx *cx, int64_t *id, const char *name) MUST_CHECK;
enum rc account_read(struct cx *cx, struct account *out, int64_t id) MUST_CHECK;
enum rc account_find(struct cx *cx, struct account *out, const char *name) MUST_CHECK; /* RC_NOT_FOUND */

/* All in a write transaction. Waiting never takes over from stopped. */
enum rc account_wait(struct cx *cx, const struct account *a, const char *why, const char *detail,
		     instant until) MUST_CHECK;
enum rc account_stop(struct cx *cx, const struct account *a, const char *why,
		     const char *detail) MUST_CHECK;                     /* raises the alert */
enum rc account_open(struct cx *cx, const struct account *a) MUST_CHECK; /* resolves it     */
/* The provider said in which state its session is: holds or releases the channel, raises or resolves alerts.
 */
enum rc account_session(struct cx *cx, const struct account *a, const char *session) MUST_CHECK;
/* Waiting for a word of the provider about its session, not for a time. */
bool account_is_held_by_session(const struct account *a);
/* Sentence for a reason word; N_() text, "" if there is none. */
const char *account_why_msgid(const char *why);

#endif
