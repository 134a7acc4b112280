/*
** alert.h -- alerts beyond raising and resolving: what the rules of ops and their pages need.
*/
#ifndef RECADO_OUTBOX_ALERT_H
#define RECADO_OUTBOX_ALERT_H

#include "outbox/outbox.h"

#define ALERT_BATCH "house.alerts" /* batch.kind of what tells the owner about the house */

/* What a sentence says: the one %s of msgid is replaced by hand. Arena. */
const char *alert_sentence(struct arena *a, enum lang lang, const char *msgid, const char *subject);

struct alert_new {
	const char *key, *severity, *msgid, *subject, *link,
		*remedy; /* remedy: command or msgid; NULL = none */
	bool is_test;    /* made up: raised and resolved at once, told as a test */
};
/* As alert_raise; *id is the open row, also when it was open already. In a transaction. */
enum rc alert_add(struct cx *cx, int64_t *id, const struct alert_new *alert) MUST_CHECK;
/* An open alert's figures changed ("91 %"): the text only. In a transaction. */
enum rc alert_retell(struct cx *cx, const char *key, const char *subject) MUST_CHECK;

/*
** What could not be known of our own notices is not a person's business: the alert itself stands in the panel
** and its reminder follows. Unsure notices become failed with the reason "notice_unsure", and when nothing
** else is unsure the alert about it is resolved. In a transaction; *count of them.
*/
enum rc alert_settle_unsure(struct cx *cx, int64_t *count) MUST_CHECK;

#endif
