/*
** reminder.c -- a reminder that a person sends by hand, from the subscription's page or the API.
**
** Holds: two reminders of a subscription are at least REMINDER_GAP_MS apart; the text says the true number of
** days, also when the last day is past.
*/
#include "renewals/renewals.h"

#define REMINDER_GAP_MS (10 * MINUTE_MS) /* spec §5.5: a double click is not two messages */

static enum rc write_reminder(struct cx *cx, int64_t id, const char **phone, int *days_left)
{
	struct value *row = NULL;
	const char *skip = "";
	int64_t notice, message, last;
	int64_t stages[STAGES_MAX];
	size_t count = plan_stages_default(cx, stages);
	struct notice_new add = { .subscription_id = id,
				  .type = "expiration_warning",
				  .topic = "notice",
				  .title = N_("Reminder by hand") };
	bool is_stage = false;
	day end = 0;
	enum rc rc = db_row(
		cx, &row,
		"SELECT s.ends_on, s.last_manual_at, coalesce(c.phone, '') AS phone FROM subscription s"
		" JOIN client c ON c.id = s.client_id WHERE s.id = :id AND s.archived_at IS NULL",
		PARAMS(P_INT(":id", id)));

	if (rc == RC_OK) rc = day_parse(&end, value_text_of(value_get(row, "ends_on"), ""));
	if (rc != RC_OK)
		return rc == RC_NOT_FOUND ? cx_fail(cx, rc, _("This subscription does not exist.")) : rc;
	*phone = value_text_of(value_get(row, "phone"), "");
	if ((*phone)[0] == '\0')
		return cx_fail(cx, RC_BAD_INPUT, _("The customer has no phone number on record."));
	last = value_int_of(value_get(row, "last_manual_at"), 0);
	if (last != 0 && cx_now(cx) - last < REMINDER_GAP_MS)
		return cx_fail(cx, RC_TOO_MANY,
			       _("A reminder left less than 10 minutes ago; wait a little."));
	add.days_left = *days_left = (int)(end - cx_today(cx));
	for (size_t i = 0; i < count; i++)
		is_stage = is_stage || stages[i] == add.days_left;
	rc = texts_version_for(cx, &add.template_version_id, add.days_left, is_stage);
	if (rc == RC_OK) rc = notice_add_manual(cx, &notice, &message, &skip, &add);
	if (rc == RC_OK && message == 0)
		return cx_fail(cx, RC_BAD_INPUT, _("The reminder was not sent: %s."), skip);
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE subscription SET last_manual_at = :now WHERE id = :id",
			    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	return rc;
}

enum rc reminder_send(struct cx *cx, int64_t subscription_id, const char **phone, int *days_left)
{
	enum rc rc = tx_begin(cx);

	return rc == RC_OK ? tx_end(cx, write_reminder(cx, subscription_id, phone, days_left)) : rc;
}
