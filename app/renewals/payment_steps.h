/*
** payment_steps.h -- what may happen to a payment, and what each step does to the period it is for.
**
**   (birth) --> pending | completed
**   pending --> completed | failed | cancelled       completed --> refunded
**   completed | pending --undo of its renewal--> cancelled
**
** A payment is for one period (payment.period_id): the newest one that nothing covers when it is made
** or completed. A further one while that is covered is an extra. A request to renew (renews_periods) is
** for a period that does not exist yet.
**
** Holds:  (1) a number of a receipt is given once, when the money arrives, in the same transaction, and
**         kept whatever follows: 1, 2, 3 … without gaps; (2) the subscription says "paid" of its newest
**         period only; (3) a payment or period row is never deleted.
*/
#ifndef RECADO_RENEWALS_PAYMENT_STEPS_H
#define RECADO_RENEWALS_PAYMENT_STEPS_H

#include "renewals/renewals.h"

#define RENEW_PERIODS_MAX 12 /* a year of months at once; more is a typing mistake */

struct payment_new {
	int64_t subscription_id, amount_cents;
	const char *currency, *method, *state; /* state: pending | completed */
	const char *reference, *notes;         /* NULL counts as ""          */
	int64_t period_id;                     /* what it is for; 0: found as above */
	int renews_periods;                    /* pending only: renew for so many when it is completed */
	const char *idempotency_key;           /* NULL: none. One that is known: RC_CONFLICT */
};
/* A payment row with all that its state brings. In the caller's transaction. */
enum rc payment_add(struct cx *cx, int64_t *id, const struct payment_new *payment) MUST_CHECK;

/* The row's state has just become `to` (or it was born so): the period and the subscription follow. In the
** transaction that wrote it. */
enum rc payment_follow(struct cx *cx, int64_t id, const char *to) MUST_CHECK;
/* The number for the receipt of money that arrives in this transaction. */
enum rc receipt_number_next(struct cx *cx, int64_t *out) MUST_CHECK;
bool payment_may_become(const char *from, const char *to);
bool payment_method_is_known(const char *method); /* cash transfer card paypal other */

struct payment_completed {
	bool is_repeat; /* it was completed before: nothing was done now             */
	bool is_renewed;
	char ends_on[DATE_SIZE]; /* new last day, "" when it was not renewed                */
	int64_t receipt_number;
};
#define RENEW_AS_ASKED (-1) /* what the request says: nothing unless it was made so */
/* The money arrived. periods > 0: the subscription is renewed for so many in the same transaction and the
** payment is for them; a second call renews nothing. RC_CONFLICT when it is neither pending nor completed,
** or when it already pays a renewal and another one is asked for. Own transaction. */
enum rc payment_complete(struct cx *cx, struct payment_completed *out, int64_t id, int periods) MUST_CHECK;
/* May completing this payment renew? Not when it already pays for a renewal. */
bool payment_may_renew(struct cx *cx, int64_t id);

/* The renewal it paid for is undone: pending and completed ones become cancelled, others stay; what had
** arrived counts as given back now. In the caller's transaction. */
enum rc payment_void(struct cx *cx, int64_t id) MUST_CHECK;
/* What the payments know about the newest period, after another one became the newest. In the caller's
** transaction. */
enum rc payment_retell(struct cx *cx, int64_t subscription_id) MUST_CHECK;
/* Point a payment at a period, and the period at it. In the caller's transaction. */
enum rc payment_cover(struct cx *cx, int64_t id, int64_t period_id) MUST_CHECK;
/* The words by which lists find the payments of a customer who is called otherwise now. In the caller's
** transaction, after the subscriptions'. */
enum rc payments_respell(struct cx *cx, int64_t client_id) MUST_CHECK;

#endif
