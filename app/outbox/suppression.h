/*
** suppression.h -- the list of who gets no mailings, for the files that change it.
*/
#ifndef RECADO_OUTBOX_SUPPRESSION_H
#define RECADO_OUTBOX_SUPPRESSION_H

#include "outbox/outbox.h"

/* Who took an address out of campaigns (opt_out.origin), where it matters. */
#define ORIGIN_LINK     "unsubscribe" /* the person, by the link in a mail           */
#define ORIGIN_SPAM     "spam"        /* the person complained at the mail provider   */
#define ORIGIN_SENDGRID "sendgrid"    /* the person, by SendGrid's own link           */
#define ORIGIN_PANEL    "panel"       /* somebody here                               */

/* Why it is on the list: bounce, spam, unsubscribed, hand. is_out: origin is an opt-out's, else a dead address. */
const char *suppression_reason(const char *origin, bool is_out);
/* The list says again what contact and opt_out say of this contact. In the transaction that changed them. */
enum rc suppression_follow(struct cx *cx, int64_t contact_id) MUST_CHECK;
/* Nothing arrives there any more: why is a word for contact.dead_reason. The first one stays. */
enum rc contact_is_dead(struct cx *cx, int64_t contact_id, const char *why) MUST_CHECK;
/* Written to again: not opted out of campaigns, not dead. */
enum rc suppression_lift(struct cx *cx, int64_t contact_id) MUST_CHECK;

/* Is this the last part of a link that unsubscribe_url() made, whoever's? Asks no database. */
bool unsubscribe_is_ours(const struct cx *cx, const char *link);

#endif
