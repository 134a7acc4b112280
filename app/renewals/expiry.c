/*
** expiry.c -- moves subscriptions whose last day is past.
**
**   active --ends_on < today--> expired
**   active, cancelled at its end --ends_on < today--> cancelled
**
** Holds: a slice is one transaction of at most EXPIRY_SLICE rows; running it twice changes nothing.
*/
#include "renewals/renewals.h"

#define EXPIRY_SLICE 500 /* a few milliseconds a transaction */

enum rc expiry_run(struct cx *cx, day date, int64_t *count)
{
	char today[DATE_SIZE];
	int64_t changed = EXPIRY_SLICE;
	enum rc rc = RC_OK;

	*count = 0;
	day_text(today, date);
	while (rc == RC_OK && changed == EXPIRY_SLICE) {
		rc = tx_begin(cx);
		if (rc != RC_OK) break;
		rc = db_run(
			cx,
			"UPDATE subscription SET state = CASE cancel_at_end WHEN 1 THEN 'cancelled' ELSE 'expired' END,"
			" expired_at = CASE cancel_at_end WHEN 1 THEN NULL ELSE :now END, updated_at = :now"
			" WHERE id IN (SELECT id FROM subscription INDEXED BY subscription_due WHERE state = 'active'"
			" AND ends_on < :today AND archived_at IS NULL ORDER BY ends_on LIMIT 500)",
			PARAMS(P_INT(":now", cx_now(cx)), P_TEXT(":today", today)));
		changed = rc == RC_OK ? db_changes(cx) : 0;
		rc = tx_end(cx, rc);
		if (rc == RC_OK) *count += changed;
	}
	return rc;
}
