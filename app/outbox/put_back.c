/*
** put_back.c -- the clock was ahead and is right again: what waits for an hour of then may go on.
**
** A try that failed while the clock was fifty days ahead comes again fifty days and five minutes later. Only
** such hours are given up: what somebody planned for a later day stays planned.
**
** Owns:   the step to "now" of channel_account.until_at, message.not_before_at and next_check_at.
** Needs:  engine.c, which notices; the claim, which judges everything anew.
** Never:  moves an expiry; touches a message that was not tried or capped.
** Holds:  (1) slices: no long transaction, whatever waits; (2) doing it twice changes nothing.
*/
#include "outbox/ledger.h"

#define CHECK_LATEST_MS (2 * DAY_MS) /* no look at a delivery is planned further ahead */

static enum rc release_channels(struct cx *cx, instant now)
{
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_run(cx,
		    "UPDATE channel_account SET until_at = :now WHERE state = 'waiting' AND until_at > :now",
		    PARAMS(P_INT(":now", now)));
	return tx_end(cx, rc);
}

/* What waits for an hour after `after`, slice by slice. */
static enum rc in_slices(struct cx *cx, int64_t account, instant now, instant after, const char *sql)
{
	int64_t moved = LEDGER_SLICE;
	enum rc rc = RC_OK;

	while (rc == RC_OK && moved == LEDGER_SLICE) {
		rc = tx_begin(cx);
		if (rc != RC_OK) return rc;
		rc = db_run(cx, sql,
			    PARAMS(P_INT(":account", account), P_INT(":now", now), P_INT(":after", after),
				   P_INT(":slice", LEDGER_SLICE)));
		moved = db_changes(cx);
		rc = tx_end(cx, rc);
	}
	return rc;
}

enum rc ledger_put_back_to(struct cx *cx, instant now)
{
	static const char tries[] =
		"UPDATE message SET turn = 1, not_before_at = :now WHERE id IN (SELECT id FROM message INDEXED BY"
		" message_waiting WHERE channel_account_id = :account AND state = 'queued' AND turn = 0 AND not_before_at > :after"
		" AND (claimed_at > :now OR state_why = 'person_cap') LIMIT :slice)";
	static const char looks[] =
		"UPDATE message SET next_check_at = :now WHERE id IN (SELECT id FROM message INDEXED BY message_check"
		" WHERE channel_account_id = :account AND next_check_at IS NOT NULL AND next_check_at > :after LIMIT :slice)";
	int64_t account = 0;
	enum rc rc = release_channels(cx, now);

	while (rc == RC_OK) {
		rc = db_get_int(cx, &account,
				"SELECT coalesce(min(id), 0) FROM channel_account WHERE id > :id",
				PARAMS(P_INT(":id", account)));
		if (rc != RC_OK || account == 0) return rc;
		rc = in_slices(cx, account, now, now, tries);
		if (rc == RC_OK) rc = in_slices(cx, account, now, now + CHECK_LATEST_MS, looks);
	}
	return rc;
}
