/*
** outbox_page.c -- what leaves for people, as a list, and what a person may decide about one message.
**
** Needs:  outbox.h for every decision.
** Never:  writes the table message itself.
** Holds:  (1) `state` is the ledger's own word for programs; people read it translated, a late failure as
** such;
**         (2) no filter needs an index of its own: one more would cost every message that leaves. What has
**         none is looked for in the order of the ids, from the newest, until the page is full.
*/
#include "desk/outbox_pages.h"

#include "base/phone.h"
#include "base/text.h"
#include <string.h>

#define WHO_MAX     2     /* one is found, two are too many                                    */
#define COUNT_UP_TO 10000 /* of a state: more is "10000+"                                      */

/* An occasion is called after the table of its fact: "notice:123". */
static const char *occasion_shown(struct cx *cx, const char *occasion)
{
	static const char *const kinds[][2] = {
		{ "notice:", N_("Notice to a customer") }, { "reply:", N_("Answer of a person") },
		{ "auto:", N_("Automatic answer") },       { "alert:", N_("Alert to the owner") },
		{ "payment:", N_("About a payment") },     { "bulk_recipient:", N_("Mail of a bulk send") },
		{ "single_mail_to:", N_("Single mail") },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(occasion, kinds[i][0], strlen(kinds[i][0])) == 0)
			return words_get(cx->lang, kinds[i][1]);
	return occasion;
}

const struct column outbox_columns[] = {
	{ .name = "created_at",
	  .title = N_("Made"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "address",
	  .title = N_("To"),
	  .type = COLUMN_PHONE,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "c.address" },
	{ .name = "state", .title = N_("State"), .type = COLUMN_TEXT, .flags = COL_READONLY | COL_API },
	{ .name = "state_shown",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST | COL_PAGE,
	  .sql = "CASE WHEN t.state = 'failed' AND t.is_late_failure = 1 THEN 'failed_late' ELSE t.state END",
	  .choices =
		  "queued=pending|sending=sending|sent=sent|delivered=delivered|read=read|failed=failed|"
		  "failed_late=failed afterwards|unsure=unsure|expired=expired|cancelled=cancelled|skipped=skipped" },
	{ .name = "topic",
	  .title = N_("Topic"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .choices = "notice=Notice|campaign=Campaign|service=Service" },
	{ .name = "occasion",
	  .title = N_("Occasion"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY,
	  .shown = occasion_shown },
	{ .name = "batch_id",
	  .title = N_("Batch"),
	  .type = COLUMN_REF,
	  .ref = "batches",
	  .flags = COL_READONLY },
	{ .name = "channel",
	  .title = N_("Channel"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST,
	  .shown = channel_words,
	  .sql = "a.name" },
	{ .name = "subject", .title = N_("Subject"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "state_why",
	  .title = N_("Reason"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST,
	  .shown = message_why_shown },
	{ .name = "error", .title = N_("Error"), .type = COLUMN_TEXT, .flags = COL_READONLY | COL_WORDS },
	{ .name = "is_late_failure",
	  .title = N_("failed afterwards"),
	  .type = COLUMN_BOOL,
	  .flags = COL_READONLY | COL_API },
	{ .name = "attempts", .title = N_("Attempts"), .type = COLUMN_INT, .flags = COL_READONLY },
	{ .name = "retry_count",
	  .title = N_("Retries"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_API,
	  .sql = "max(t.attempts - 1, 0)" },
	{ .name = "not_before_at", .title = N_("Not before"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "expires_at", .title = N_("Expires"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "sent_at",
	  .title = N_("Sent at"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "delivered_at",
	  .title = N_("Delivered at"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY },
	{ .name = "read_at", .title = N_("Read at"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "failed_at", .title = N_("Failed at"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "provider_id",
	  .title = N_("Provider's number"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY },
	{ .name = "replaces_id",
	  .title = N_("Replaces"),
	  .type = COLUMN_REF,
	  .ref = "outbox",
	  .flags = COL_READONLY },
	{ .name = "created_by", .title = N_("By"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = NULL },
};

const struct sort outbox_sorts[] = {
	{ .name = "id", .title = N_("Newest"), .sql = "t.id", .is_down = true },
	{ .name = NULL },
};

/* Whom the words mean: the contact's own id, an address, or a name in one of the house's lists. */
static enum rc who_read(struct cx *cx, const char *typed, const char **value, const char **shown)
{
	struct value *found = NULL, *row = NULL;
	const char *address;
	enum rc rc = db_row(cx, &row, "SELECT public_id, address FROM contact WHERE public_id = :id",
			    PARAMS(P_TEXT(":id", typed)));

	if (rc == RC_NOT_FOUND) {
		rc = why_search(cx, &found, typed, WHO_MAX);
		if (rc != RC_OK) return rc;
		if (found->count != 1) return found->count == 0 ? RC_NOT_FOUND : RC_CONFLICT;
		address = value_text_of(value_get(found->first, "address"), "");
		rc = db_row(
			cx, &row,
			"SELECT public_id, address FROM contact WHERE kind IN ('phone', 'email', 'chat') AND address = :address"
			" LIMIT 1",
			PARAMS(P_TEXT(":address", address)));
	}
	if (rc != RC_OK) return rc;
	address = value_text_of(value_get(row, "address"), "");
	*value = value_text_of(value_get(row, "public_id"), "");
	*shown = office_contact_name(cx, address);
	if ((*shown)[0] == '\0') *shown = address_words(cx, address);
	return RC_OK;
}

#define OF_CHANNEL(name) \
	"+t.channel_account_id = (SELECT x.id FROM channel_account x WHERE x.name = '" name "')"
#define OF_KIND(name) "+t.occasion >= '" name ":' AND +t.occasion < '" name ";'"
#define OF_WHY(code)  "+t.state_why = '" code "'"

/* "+t.…" keeps SQLite on the row ids where no index has both the filter and the order. */
const struct filter outbox_filters[] = {
	{ .name = "state",
	  .title = N_("State"),
	  .choices =
		  "queued=pending|sending=sending|sent=sent|delivered=delivered|read=read|failed=failed|unsure=unsure|"
		  "expired=expired|cancelled=cancelled|skipped=skipped",
	  .sql = (const char *const[]){ "t.state = 'queued'", "t.state = 'sending'", "t.state = 'sent'",
					"t.state = 'delivered'", "t.state = 'read'", "t.state = 'failed'",
					"t.state = 'unsure'", "t.state = 'expired'", "t.state = 'cancelled'",
					"t.state = 'skipped'", NULL } },
	{ .name = "batch",
	  .title = N_("Batch"),
	  .ref = "batches",
	  /* A batch's messages lie close together: only the ids between its first and last are read. */
	  .sql = (const char *const[]){ "+t.batch_id = :f_batch AND t.id BETWEEN"
					" (SELECT min(x.id) FROM message x WHERE x.batch_id = :f_batch) AND"
					" (SELECT max(x.id) FROM message x WHERE x.batch_id = :f_batch)",
					NULL } },
	{ .name = "who",
	  .title = N_("Who (name, number or e-mail)"),
	  .read = who_read,
	  .sql =
		  (const char *const[]){
			  "t.contact_id = (SELECT x.id FROM contact x WHERE x.public_id = :f_who)", NULL } },
	{ .name = "address",
	  .title = N_("Number"),
	  .sql =
		  (const char *const[]){
			  "t.contact_id = (SELECT x.id FROM contact x WHERE x.kind IN ('phone', 'email', 'chat') AND"
			  " x.address = :f_address LIMIT 1)",
			  NULL } },
	{ .name = "channel",
	  .title = N_("Channel"),
	  .choices = "whatsapp=WhatsApp|email=E-mail|doppler=Doppler Relay|sendgrid=SendGrid|slack=Slack|"
		     "discord=Discord|telegram=Telegram",
	  .sql = (const char *const[]){ OF_CHANNEL("whatsapp"), OF_CHANNEL("email"), OF_CHANNEL("doppler"),
					OF_CHANNEL("sendgrid"), OF_CHANNEL("slack"), OF_CHANNEL("discord"),
					OF_CHANNEL("telegram"), NULL } },
	{ .name = "topic",
	  .title = N_("Topic"),
	  .choices = "notice=Notice|campaign=Campaign|service=Service",
	  .sql = (const char *const[]){ "+t.topic = 'notice'", "+t.topic = 'campaign'",
					"+t.topic = 'service'", NULL } },
	{ .name = "occasion",
	  .title = N_("Occasion"),
	  .choices =
		  "notice=Notice to a customer|reply=Answer of a person|auto=Automatic answer|alert=Alert to the owner|"
		  "payment=About a payment|bulk_recipient=Mail of a bulk send|single_mail_to=Single mail",
	  .sql = (const char *const[]){ OF_KIND("notice"), OF_KIND("reply"), OF_KIND("auto"),
					OF_KIND("alert"), OF_KIND("payment"), OF_KIND("bulk_recipient"),
					OF_KIND("single_mail_to"), NULL } },
	{ .name = "reason",
	  .title = N_("Reason"),
	  .choices =
		  "no_whatsapp=no WhatsApp|refused=refused|unreachable=not reachable|rate=asked to wait|"
		  "cut=line broken|timeout=no answer in time|server_error=error of the provider|odd_answer=odd answer|"
		  "stopped=Recado was stopped|opt_out=wants no messages|dead_contact=dead address|batch=batch cancelled|"
		  "person=by a person|renewed=renewed before|late=failed afterwards|replaced=sent again",
	  .sql = (const char *const[]){ OF_WHY("no_whatsapp"), OF_WHY("refused"), OF_WHY("unreachable"),
					OF_WHY("rate"), OF_WHY("cut"), OF_WHY("timeout"),
					OF_WHY("server_error"), OF_WHY("odd_answer"), OF_WHY("stopped"),
					OF_WHY("opt_out"), OF_WHY("dead_contact"), OF_WHY("batch"),
					OF_WHY("person"), OF_WHY("renewed"), OF_WHY("late"),
					OF_WHY("replaced"), NULL } },
	/* Ids follow the time of making but for a corrected clock: a day of slack, then exactly. */
	{ .name = "from",
	  .title = N_("From"),
	  .sql =
		  (const char *const[]){
			  "+t.created_at >= :f_from_ms AND t.id >= coalesce((SELECT x.id FROM message x WHERE"
			  " x.created_at >= :f_from_ms - 86400000 ORDER BY x.created_at, x.id LIMIT 1),"
			  " 9223372036854775807)",
			  NULL } },
	{ .name = "to",
	  .title = N_("Until"),
	  .sql =
		  (const char *const[]){
			  "+t.created_at < :f_to_end_ms AND t.id <= coalesce((SELECT x.id FROM message x WHERE"
			  " x.created_at < :f_to_end_ms + 86400000 ORDER BY x.created_at DESC, x.id DESC LIMIT 1),"
			  " 0)",
			  NULL } },
	{ .name = NULL },
};

/* Decisions */

static enum rc cancel_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = tx_begin(cx);

	(void)call;
	if (rc != RC_OK) return rc;
	rc = outbox_cancel(cx, id, "person");
	if (rc == RC_OK) rc = audit_add(cx, "cancel", "message", id, NULL, NULL);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) *done = _("The message was cancelled.");
	return rc;
}

static enum rc decide(struct cx *cx, int64_t id, bool arrived)
{
	enum rc rc = tx_begin(cx);

	return rc == RC_OK ? tx_end(cx, outbox_decide(cx, id, arrived)) : rc;
}

static enum rc arrived_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = decide(cx, id, true);

	(void)call;
	if (rc == RC_OK) *done = _("Noted as arrived.");
	return rc;
}

static enum rc again_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = decide(cx, id, false);

	(void)call;
	if (rc == RC_OK) *done = _("It will be sent again, as a new message.");
	return rc;
}

const struct action outbox_actions[] = {
	{ .name = "cancel",
	  .title = N_("Cancel"),
	  .right = "outbox.edit",
	  .confirm = N_("Cancel this message? It will not be sent."),
	  .is_bulk = true,
	  .is_dangerous = true,
	  .when = "t.state = 'queued'",
	  .run = cancel_run },
	{ .name = "arrived",
	  .title = N_("It arrived"),
	  .right = "outbox.edit",
	  .confirm = N_("Did you see on the phone that it arrived? It is then noted as sent."),
	  .is_bulk = true,
	  .when = "t.state = 'unsure'",
	  .run = arrived_run },
	{ .name = "again",
	  .title = N_("Send again"),
	  .right = "outbox.edit",
	  .confirm = N_("Send it again? If the first one did arrive, the person gets it twice."),
	  .is_bulk = true,
	  .is_dangerous = true,
	  .when = "t.state = 'unsure'",
	  .run = again_run },
	{ .name = NULL },
};

/* Above the list: how many are in each state, with the list of exactly these. The usual end (sent, delivered,
** read) is in no index: of those today's are counted. */

static void add_count(struct cx *cx, struct value *cards, const char *state, int64_t n, const char *title,
		      const char *href)
{
	struct value *card = value_add_map(cx->arena, cards);

	value_set_text(cx->arena, card, "title", title);
	value_set_text(cx->arena, card, "value",
		       n > COUNT_UP_TO ? arena_printf(cx->arena, "%d+", COUNT_UP_TO)
				       : arena_printf(cx->arena, "%lld", (long long)n));
	value_set_text(cx->arena, card, "href", href);
	if (n > 0 && (strcmp(state, "unsure") == 0 || strcmp(state, "failed") == 0))
		value_set_text(cx->arena, card, "mark", mark_of(state));
}

void outbox_counts(struct cx *cx, struct value *page)
{
	static const struct {
		const char *state, *sql;
	} kinds[] = {
#define COUNTED(state) \
	{ state, "SELECT count(*) FROM (SELECT 1 FROM message WHERE state = '" state "' LIMIT 10001)" }
		COUNTED("queued"),    COUNTED("unsure"),  COUNTED("failed"),
		COUNTED("cancelled"), COUNTED("expired"), COUNTED("skipped"),
	};
	static const char *const usual[] = { "sent", "delivered", "read" };
	struct value *cards, *rows = NULL;
	char today[DATE_SIZE];
	int64_t n = 0;

	if (!actor_may(&cx->actor, "outbox.all")) return; /* counting the own ones would read them all */
	cards = value_set_list(cx->arena, page, "cards");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (db_get_int(cx, &n, kinds[i].sql, NO_PARAMS) == RC_OK && (n > 0 || i < 3))
			add_count(cx, cards, kinds[i].state, n,
				  message_state_words(cx, kinds[i].state, false),
				  strcmp(kinds[i].state, "unsure") == 0
					  ? "/unsure"
					  : arena_printf(cx->arena, "/outbox?state=%s", kinds[i].state));
	day_text(today, cx_today(cx));
	if (db_rows(cx, &rows, 12,
		    "SELECT state, count(*) AS n FROM (SELECT state FROM message INDEXED BY message_created"
		    " WHERE created_at >= :midnight LIMIT 10001) GROUP BY state",
		    PARAMS(P_INT(":midnight", zone_midnight(cx->env->zone, cx_today(cx))))) != RC_OK)
		return;
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		for (const struct value *v = rows->first; v != NULL; v = v->next)
			if (strcmp(value_text_of(value_get(v, "state"), ""), usual[i]) == 0)
				add_count(
					cx, cards, usual[i], value_int_of(value_get(v, "n"), 0),
					arena_printf(cx->arena, _("%s today"),
						     message_state_words(cx, usual[i], false)),
					arena_printf(cx->arena, "/outbox?state=%s&from=%s", usual[i], today));
}
