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

/* Reasons of a stop that only a person ends. */
#define WHY_RESTORED "restored"
#define WHY_PERSON   "person"
/* In meta: how far the database had come when it was found to be put back; "" once everything is released. */
#define META_RESTORED "outbox.restored"

/* The account of a channel name, made if missing: open, or held if the house is restored. RC_BUG: no such
** channel. In a write transaction. */
enum rc account_ensure(struct cx *cx, int64_t *id, const char *name) MUST_CHECK;
enum rc account_read(struct cx *cx, struct account *out, int64_t id) MUST_CHECK;
enum rc account_find(struct cx *cx, struct account *out, const char *name) MUST_CHECK; /* RC_NOT_FOUND */

/* The account of a channel that has none yet, as it will be made: id 0. */
struct account account_unmade(const struct channel *c, const struct env *env);
/* Do the settings say where to and who it is? */
bool account_is_configured(const struct account *a, const struct env *env);

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
/* Why it waits or is stopped, in the words of its plug-in or of the house; "" if it is open. */
const char *account_why(struct cx *cx, const struct account *a);
const char *account_title(const struct account *a, enum lang lang);
/* "channel.stopped" of WhatsApp, "channel.stopped:email" of another. */
const char *account_alert_key(struct arena *arena, const char *key, const char *channel);

#endif
