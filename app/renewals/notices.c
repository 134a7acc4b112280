/*
** notices.c -- the log of notices and the customers' requests to renew, as the office shows them.
**
** Owns:   columns, filters and actions of the resources notices and renewal-requests.
** Needs:  the outbox for a notice sent again.
** Never:  changes or deletes a fact row, but for the message it points to.
** Holds:  (1) state, tries, error and times are the message's, read where they are kept; (2) a failed notice
**         sent again is a new message that replaces the failed one, once.
*/
#include "renewals/statistics.h"
#include <string.h>

#define MESSAGE_STATE "coalesce(m.state, 'skipped')"
#define STAGE(n)      "t.stage = " #n " AND t.type = 'expiration_warning'"

const struct column notice_columns[] = {
	{ .name = "created_at",
	  .title = N_("Planned"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_LIST | COL_READONLY },
	{ .name = "client_id",
	  .title = N_("Customer"),
	  .type = COLUMN_REF,
	  .ref = "clients",
	  .flags = COL_LIST | COL_READONLY },
	{ .name = "subscription_id",
	  .title = N_("Subscription"),
	  .type = COLUMN_REF,
	  .ref = "subscriptions",
	  .flags = COL_READONLY },
	{ .name = "service",
	  .title = N_("Service"),
	  .type = COLUMN_TEXT,
	  .flags = COL_LIST | COL_READONLY,
	  .sql = "v.display_name" },
	{ .name = "type",
	  .title = N_("Kind"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY,
	  .choices = "expiration_warning=Notice before the end|renewal_confirmation=Renewal confirmation|"
		     "payment_reminder=Payment reminder" },
	/* Of warnings of an end: a confirmation or a reminder to pay is not so many days before anything. */
	{ .name = "stage",
	  .title = N_("Days before"),
	  .type = COLUMN_INT,
	  .flags = COL_LIST | COL_READONLY,
	  .sql = "CASE t.type WHEN 'expiration_warning' THEN t.stage END" },
	{ .name = "days_left",
	  .title = N_("Days left when planned"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY },
	{ .name = "cycle_ends_on",
	  .title = N_("About the end on"),
	  .type = COLUMN_DATE,
	  .flags = COL_READONLY },
	{ .name = "status",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_LIST | COL_PAGE | COL_READONLY,
	  .sql = "CASE WHEN m.state = 'failed' AND m.is_late_failure = 1 THEN 'failed_late' ELSE " MESSAGE_STATE
		 " END",
	  .choices = MESSAGE_STATES "|failed_late=Failed afterwards" },
	{ .name = "state",
	  .title = N_("State"),
	  .type = COLUMN_TEXT,
	  .flags = COL_API | COL_READONLY,
	  .sql = MESSAGE_STATE },
	{ .name = "skip_reason",
	  .title = N_("Reason"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_LIST | COL_READONLY,
	  .sql = "CASE WHEN t.message_id IS NULL THEN t.skip_reason WHEN m.state IN ('skipped', 'cancelled', 'expired')"
		 " THEN m.state_why ELSE '' END",
	  .choices =
		  "no_phone=no phone|bad_phone=the number is not valid for WhatsApp|landline=the number is a landline|"
		  "opt_out=asked for no notices|no_whatsapp=the number has no WhatsApp|"
		  "notices_off=notices are off for this subscription|dead=the number does not receive messages|"
		  "renewed=renewed before it left|cancelled=cancelled before it left|undone=the renewal was undone|"
		  "end_moved=its end was moved|batch=the run was cancelled|person=cancelled by a person" },
	{ .name = "error",
	  .title = N_("Error"),
	  .type = COLUMN_TEXT,
	  .flags = COL_LIST | COL_READONLY | COL_WORDS,
	  .sql = "coalesce(m.error, '')" },
	{ .name = "address",
	  .title = N_("Number"),
	  .type = COLUMN_PHONE,
	  .flags = COL_READONLY,
	  .sql = "coalesce(k.address, c.phone, '')" },
	{ .name = "local_on", .title = N_("Day"), .type = COLUMN_DATE, .flags = COL_READONLY },
	{ .name = "origin",
	  .title = N_("Origin"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY,
	  .choices = "auto=Automatic|manual=By hand|cron=External call|catchup=Catching up" },
	{ .name = "batch_id",
	  .title = N_("Run"),
	  .type = COLUMN_REF,
	  .ref = "batches",
	  .flags = COL_READONLY },
	{ .name = "message_id",
	  .title = N_("Message"),
	  .type = COLUMN_REF,
	  .ref = "outbox",
	  .flags = COL_READONLY,
	  .sql = "m.id" },
	{ .name = "retry_count",
	  .title = N_("Retries"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY,
	  .sql = "max(coalesce(m.attempts, 0) - 1, 0)" },
	{ .name = "sent_at",
	  .title = N_("Sent"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY,
	  .sql = "m.sent_at" },
	{ .name = "delivered_at",
	  .title = N_("Delivered"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY,
	  .sql = "m.delivered_at" },
	{ .name = "read_at",
	  .title = N_("Read"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY,
	  .sql = "m.read_at" },
	{ .name = "failed_at",
	  .title = N_("Failed"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY,
	  .sql = "m.failed_at" },
	{ .name = "is_late_failure",
	  .title = N_("Failed afterwards"),
	  .type = COLUMN_BOOL,
	  .flags = COL_READONLY | COL_API,
	  .sql = "coalesce(m.is_late_failure, 0)" },
	/* plan.c and notice.c write `search`; COL_SEARCH only puts the box above the list. */
	{ .name = "created_by", .title = N_("By"), .type = COLUMN_TEXT, .flags = COL_READONLY | COL_SEARCH },
	{ .name = NULL },
};

const struct sort notice_sorts[] = {
	{ .name = "created_at", .title = N_("Newest"), .sql = "t.created_at", .is_down = true },
	{ .name = NULL },
};

const struct filter notice_filters[] = {
	{ .name = "state",
	  .title = N_("State"),
	  .choices = MESSAGE_STATES,
	  .sql = (const char *const[]){ "m.state = 'queued'", "m.state = 'sending'", "m.state = 'sent'",
					"m.state = 'delivered'", "m.state = 'read'", "m.state = 'failed'",
					"m.state = 'unsure'", "m.state = 'expired'", "m.state = 'cancelled'",
					MESSAGE_STATE " = 'skipped'", NULL } },
	{ .name = "stage",
	  .title = N_("Days before"),
	  .choices =
		  "0=Last day|1=1 day|2=2 days|3=3 days|5=5 days|7=7 days|10=10 days|14=14 days|15=15 days|30=30 days",
	  .sql = (const char *const[]){ STAGE(0), STAGE(1), STAGE(2), STAGE(3), STAGE(5), STAGE(7), STAGE(10),
					STAGE(14), STAGE(15), STAGE(30), NULL } },
	{ .name = "type",
	  .title = N_("Kind"),
	  .choices = "expiration_warning=Notice before the end|renewal_confirmation=Renewal confirmation|"
		     "payment_reminder=Payment reminder",
	  .sql = (const char *const[]){ "t.type = 'expiration_warning'", "t.type = 'renewal_confirmation'",
					"t.type = 'payment_reminder'", NULL } },
	{ .name = "origin",
	  .title = N_("Origin"),
	  .choices = "auto=Automatic|manual=By hand|cron=External call|catchup=Catching up",
	  .sql = (const char *const[]){ "t.origin = 'auto'", "t.origin = 'manual'", "t.origin = 'cron'",
					"t.origin = 'catchup'", NULL } },
	{ .name = "service",
	  .title = N_("Service"),
	  .ref = "services",
	  .sql = (const char *const[]){ "+s.service_id = :f_service", NULL } },
	{ .name = "client",
	  .title = N_("Customer"),
	  .ref = "clients",
	  .sql = (const char *const[]){ "+t.client_id = :f_client", NULL } },
	{ .name = "subscription",
	  .title = N_("Subscription"),
	  .ref = "subscriptions",
	  .sql = (const char *const[]){ "+t.subscription_id = :f_subscription", NULL } },
	{ .name = "from",
	  .title = N_("From"),
	  .sql = (const char *const[]){ "+t.local_on >= :f_from", NULL } },
	{ .name = "to", .title = N_("Until"), .sql = (const char *const[]){ "+t.local_on <= :f_to", NULL } },
	{ .name = NULL },
};

/* Sending a failed one again */

static enum rc write_again(struct cx *cx, int64_t id)
{
	struct value *row = NULL;
	const char *occasion = "";
	int64_t message = 0, failed;
	enum rc rc = db_row(
		cx, &row,
		"SELECT m.id, m.batch_id, m.contact_id, m.topic, m.template_version_id, m.variables_json, m.body,"
		" a.name AS channel FROM notice n JOIN message m ON m.id = n.message_id"
		" JOIN channel_account a ON a.id = m.channel_account_id WHERE n.id = :id AND m.state = 'failed'"
		" AND NOT EXISTS (SELECT 1 FROM message x WHERE x.replaces_id = m.id)",
		PARAMS(P_INT(":id", id)));
	struct value *variables = NULL;
	const char *json;

	if (rc == RC_NOT_FOUND)
		return cx_fail(cx, RC_CONFLICT, _("Only a failed notice can be sent again, once."));
	if (rc != RC_OK) return rc;
	failed = value_int_of(value_get(row, "id"), 0);
	json = value_text_of(value_get(row, "variables_json"), "{}");
	rc = json_parse(cx->arena, &variables, NULL, json, strlen(json));
	occasion = arena_printf(cx->arena, "notice:%lld:after:%lld", (long long)id, (long long)failed);
	/* Who asks for it again believes in the number: it gets another chance. */
	if (rc == RC_OK) rc = contact_revive(cx, value_int_of(value_get(row, "contact_id"), 0));
	if (rc == RC_OK)
		rc = outbox_add(
			cx, &message,
			&(struct message_new){
				.batch_id = value_int_of(value_get(row, "batch_id"), 0),
				.channel = value_text_of(value_get(row, "channel"), "whatsapp"),
				.contact_id = value_int_of(value_get(row, "contact_id"), 0),
				.topic = value_text_of(value_get(row, "topic"), "notice"),
				.occasion = occasion,
				.template_version_id = value_int_of(value_get(row, "template_version_id"), 0),
				.variables = variables,
				.text = value_text_of(value_get(row, "body"), NULL),
				.expires_at = zone_midnight(cx->env->zone, cx_today(cx) + 1),
				.priority = 2,
				.replaces_id = failed });
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE notice SET message_id = :message WHERE id = :id",
			    PARAMS(P_INT(":message", message), P_INT(":id", id)));
	return rc == RC_OK ? audit_add(cx, "retry", "notice", id, NULL, NULL) : rc;
}

static enum rc run_again(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = tx_begin(cx);

	(void)call;
	*done = _("The notice is sent again, as a new message.");
	return rc == RC_OK ? tx_end(cx, write_again(cx, id)) : rc;
}

const struct action notice_actions[] = {
	{ .name = "retry",
	  .title = N_("Send again"),
	  .right = "notices.retry",
	  .confirm = N_("Send this notice again? What failed stays in the log."),
	  .is_bulk = true,
	  .when = "m.state = 'failed' AND m.id = t.message_id",
	  .run = run_again },
	{ .name = NULL },
};

/* Above the list: the warnings of today, each number with the list of exactly these. */

void notice_list(struct cx *cx, struct value *page)
{
	struct value *row = NULL;
	char today[DATE_SIZE];
	const char *list;

	day_text(today, cx_today(cx));
	list = arena_printf(cx->arena, "/notices?type=expiration_warning&from=%s&to=%s", today, today);
	if (db_row(cx, &row,
		   "SELECT count(*) AS total, coalesce(sum(" HAS_LEFT "), 0) AS sent,"
		   " coalesce(sum(m.state = 'failed'), 0) AS failed, coalesce(sum(m.state = 'unsure'), 0) AS unsure"
		   " FROM notice n INDEXED BY notice_day LEFT JOIN message m ON m.id = " NOTICE_MESSAGE
		   " WHERE n.local_on = :today AND n.type = 'expiration_warning' AND " SEEN_OF("n."),
		   PARAMS(P_TEXT(":today", today), P_SEEN(cx))) != RC_OK)
		return;
	card_add_count(cx, page, _("Found today"), int_in(row, "total"), list);
	card_add_count(cx, page, _("Sent off"), int_in(row, "sent"), NULL);
	card_add_count(cx, page, _("Failures"), int_in(row, "failed"),
		       arena_printf(cx->arena, "%s&state=failed", list));
	card_add_count(cx, page, _("Uncertain"), int_in(row, "unsure"),
		       arena_printf(cx->arena, "%s&state=unsure", list));
}

/* Requests */

const struct column request_columns[] = {
	{ .name = "created_at",
	  .title = N_("Received"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_LIST | COL_READONLY },
	{ .name = "client_id",
	  .title = N_("Customer"),
	  .type = COLUMN_REF,
	  .ref = "clients",
	  .flags = COL_LIST | COL_READONLY },
	{ .name = "subscription_id",
	  .title = N_("Subscription"),
	  .type = COLUMN_REF,
	  .ref = "subscriptions",
	  .flags = COL_LIST | COL_READONLY },
	{ .name = "body",
	  .title = N_("Message"),
	  .type = COLUMN_TEXT,
	  .flags = COL_LIST | COL_READONLY,
	  .sql = "coalesce(i.body, '')" },
	{ .name = "address",
	  .title = N_("Number"),
	  .type = COLUMN_PHONE,
	  .flags = COL_READONLY,
	  .sql = "k.address" },
	{ .name = "state",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_LIST | COL_READONLY,
	  .choices = "open=Not dealt with|done=Done|dismissed=Dismissed" },
	{ .name = "closed_at", .title = N_("Closed"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "closed_by", .title = N_("By"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = NULL },
};

const struct sort request_sorts[] = {
	{ .name = "created_at", .title = N_("Received"), .sql = "t.id", .is_down = true },
	{ .name = NULL },
};

const struct filter request_filters[] = {
	{ .name = "state",
	  .title = N_("State"),
	  .choices = "open=Not dealt with|done=Done|dismissed=Dismissed",
	  .sql = (const char *const[]){ "t.state = 'open'", "t.state = 'done'", "t.state = 'dismissed'",
					NULL } },
	{ .name = NULL },
};

static enum rc close_request(struct cx *cx, int64_t id, const char *state)
{
	struct value *after = value_map(cx->arena);
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, after, "state", state);
	rc = db_run(
		cx,
		"UPDATE renewal_request SET state = :state, closed_at = :now, closed_by = :by WHERE id = :id AND state = 'open'",
		PARAMS(P_TEXT(":state", state), P_INT(":now", cx_now(cx)), P_TEXT(":by", cx->actor.name),
		       P_INT(":id", id)));
	if (rc == RC_OK) rc = audit_add(cx, "update", "renewal_request", id, NULL, after);
	return tx_end(cx, rc);
}

static enum rc run_done(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The request is done.");
	return close_request(cx, id, "done");
}

static enum rc run_dismiss(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The request is put aside.");
	return close_request(cx, id, "dismissed");
}

const struct action request_actions[] = {
	{ .name = "renew",
	  .title = N_("Renew"),
	  .right = "subscriptions.edit",
	  .when = "t.state = 'open' AND t.subscription_id IS NOT NULL",
	  .page = "/renewal-requests/:id/renew" },
	{ .name = "done",
	  .title = N_("Done"),
	  .right = "subscriptions.edit",
	  .is_bulk = true,
	  .when = "t.state = 'open'",
	  .run = run_done },
	{ .name = "dismiss",
	  .title = N_("Put aside"),
	  .right = "subscriptions.edit",
	  .is_bulk = true,
	  .when = "t.state = 'open'",
	  .run = run_dismiss },
	{ .name = NULL },
};
