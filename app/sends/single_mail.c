/*
** single_mail.c -- single mails, written by hand; each leaves only when somebody sends it (spec §12).
**
** Owns:   the table single_mail.
** Needs:  a batch with a letter of the outbox: its discipline of sending and unsure is this mail's too.
** Never:  sends one twice: what is on its way, sent or unsure is not offered for sending again.
** Holds:  (1) what a person writes is sent as it stands, braces too: it is no template; (2) a mail that was
**         handed over cannot be changed any more, unless nothing of it was accepted.
*/
#include "base/text.h"
#include "desk/inner.h"
#include "outbox/mime.h"
#include "sends/recipients.h"
#include "sends/senders.h"

#include <string.h>

#define SUBJECT_MAX 255
#define BODY_MAX    100000 /* letters: a mail by hand, or HTML of some other program */
#define TO_MAX      50     /* more than that is a bulk send                           */
#define TO_LETTERS  4000
#define BATCH_KIND  "sends.single"
#define LIFE_MS     (3 * DAY_MS) /* older than that, what was written by hand is no news any more */
#define PRIORITY    2            /* before any bulk send, behind answers */

/* A resend speaks for the message it replaces. */
#define MESSAGES                                                                                \
	" FROM message m WHERE m.batch_id = t.batch_id AND NOT EXISTS (SELECT 1 FROM message x" \
	" WHERE x.replaces_id = m.id)"
#define ACCEPTED "m.state IN ('sent', 'delivered', 'read')"
#define STATE_SQL                                                                                        \
	"CASE WHEN t.batch_id IS NULL THEN 'created' ELSE (SELECT CASE WHEN sum(m.state = 'unsure') > 0" \
	" THEN 'unsure' WHEN sum(m.state IN ('queued', 'sending')) > 0 THEN 'queued' WHEN sum(" ACCEPTED \
	") = count(*) THEN 'sent' WHEN sum(" ACCEPTED ") > 0 THEN 'partly' ELSE 'failed' END" MESSAGES   \
	") END"
/* Never handed over, or nothing of it was accepted for sure. */
#define MAY_LEAVE                                                                                         \
	"NOT EXISTS (SELECT 1 FROM message m WHERE m.batch_id = t.batch_id AND m.state NOT IN ('failed'," \
	" 'cancelled', 'expired', 'skipped'))"

static const struct column columns[] = {
	{ .name = "subject",
	  .title = N_("Subject"),
	  .type = COLUMN_TEXT,
	  .flags = COL_REQUIRED | COL_LIST | COL_SEARCH,
	  .max = SUBJECT_MAX,
	  .aliases = "asunto" },
	{ .name = "to_emails",
	  .title = N_("Recipients"),
	  .type = COLUMN_LONG_TEXT,
	  .flags = COL_REQUIRED | COL_LIST | COL_SEARCH | COL_PRIVATE,
	  .max = TO_LETTERS,
	  .help = N_("Addresses with commas between; each gets a mail of its own."),
	  .aliases = "destinatarios" },
	{ .name = "from_email",
	  .title = N_("Sender's address"),
	  .type = COLUMN_EMAIL,
	  .help = N_("Empty: your usual sender."),
	  .aliases = "remitente" },
	{ .name = "from_name", .title = N_("Sender's name"), .type = COLUMN_TEXT, .max = SENDER_NAME_MAX },
	{ .name = "channel",
	  .title = N_("Way"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_LIST,
	  .choices = ROAD_CHOICES,
	  .help = N_("Empty: the usual road of the settings.") },
	{ .name = "text",
	  .title = N_("Text"),
	  .type = COLUMN_LONG_TEXT,
	  .flags = COL_PRIVATE,
	  .max = BODY_MAX,
	  .help = N_("Text or HTML or both."),
	  .aliases = "texto" },
	{ .name = "html",
	  .title = N_("HTML"),
	  .type = COLUMN_LONG_TEXT,
	  .flags = COL_PRIVATE,
	  .max = BODY_MAX },
	{ .name = "state",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = STATE_SQL,
	  .choices =
		  "created=Not sent yet|queued=On its way|sent=Sent|partly=Partly sent|failed=Failed|unsure=Unsure" },
	{ .name = "failure",
	  .title = N_("What went wrong"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY,
	  .sql = "coalesce((SELECT CASE WHEN m.error <> '' THEN m.error ELSE m.state_why END" MESSAGES
		 " AND m.state IN ('failed', 'unsure') ORDER BY m.id LIMIT 1), '')" },
	{ .name = "sent_at",
	  .title = N_("Handed over"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "created_by", .title = N_("Made by"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "created_at",
	  .title = N_("Created"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "updated_at",
	  .title = N_("Changed"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_HIDDEN },
	{ .name = NULL },
};

static const struct sort sorts[] = {
	{ .name = "created_at", .title = N_("Created"), .sql = "t.created_at", .is_down = true },
	{ .name = NULL },
};

static const struct filter filters[] = {
	{ .name = "period",
	  .title = N_("Period"),
	  .choices = "current_month=Current month|all=All of the time",
	  .sql = (const char *const[]){ "t.created_at >= :month", "1", NULL },
	  .def = "current_month" },
	{ .name = "on",
	  .title = N_("On the day"),
	  .sql = (const char *const[]){ "t.created_at >= :f_on_ms AND t.created_at < :f_on_end_ms", NULL } },
	{ .name = NULL },
};

/* Recipients */

struct list {
	const char *at[TO_MAX];
	size_t count;
};

static bool is_there(const struct list *l, const char *address)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->at[i], address) == 0) return true;
	return false;
}

/* Addresses between commas, semicolons and line ends; twice the same is once. */
static enum rc read_list(struct cx *cx, struct list *out, const char *text)
{
	out->count = 0;
	while (*text != '\0') {
		size_t n = strcspn(text, ",;\r\n");
		const char *typed = text_trim(cx->arena, arena_bytes(cx->arena, text, n)), *address = "",
			   *code;

		text += n + (text[n] != '\0');
		if (typed[0] == '\0') continue;
		code = recipient_check(cx->arena, &address, typed);
		if (code[0] != '\0')
			return cx_fail_field(cx, "to_emails", _("“%s”: %s"), typed,
					     recipients_words(cx->lang, code));
		if (is_there(out, address)) continue;
		if (out->count == TO_MAX)
			return cx_fail_field(cx, "to_emails",
					     _("At most %d recipients; more than that is a bulk send."),
					     TO_MAX);
		out->at[out->count++] = address;
	}
	if (out->count == 0) return cx_fail_field(cx, "to_emails", "%s", _("Write at least one address."));
	return RC_OK;
}

/* Saving */

static const char *text_at(const struct value *values, const char *name)
{
	return value_text_of(value_get(values, name), "");
}

static enum rc check_open(struct cx *cx, int64_t id)
{
	int64_t may = 0;
	enum rc rc = db_get_int(cx, &may, "SELECT " MAY_LEAVE " FROM single_mail t WHERE t.id = :id",
				PARAMS(P_INT(":id", id)));

	if (rc != RC_OK || may != 0) return rc;
	return cx_fail(cx, RC_CONFLICT, "%s",
		       _("This mail was handed over already; it cannot be changed. Write a new one."));
}

/* Address and name as a send would have them (spec §6), taken down when the mail is written. */
static enum rc fill_sender(struct cx *cx, struct value *values)
{
	struct sender_ask ask = { .channel = text_at(values, "channel"), .user_id = cx->actor.user_id };
	struct sender from = { .id = 0 };
	enum rc rc;

	if (text_at(values, "from_email")[0] != '\0') return RC_OK;
	rc = sender_resolve(cx, &from, &ask);
	if (rc != RC_OK) return cx_fail_field(cx, "from_email", "%s", cx_sentence(cx, rc));
	value_set_text(cx->arena, values, "from_email", from.from_email);
	if (text_at(values, "from_name")[0] == '\0')
		value_set_text(cx->arena, values, "from_name", from.from_name);
	return RC_OK;
}

static enum rc before_save(struct cx *cx, int64_t id, struct value *values)
{
	struct list to;
	enum rc rc = id != 0 ? check_open(cx, id) : RC_OK;

	if (rc == RC_OK) rc = read_list(cx, &to, text_at(values, "to_emails"));
	if (rc == RC_OK && text_at(values, "html")[0] == '\0' && text_at(values, "text")[0] == '\0')
		rc = cx_fail_field(cx, "text", "%s", _("Write the HTML or the text."));
	if (rc != RC_OK) return rc;
	if (text_at(values, "channel")[0] == '\0')
		value_set_text(cx->arena, values, "channel",
			       setting_text(cx->env->settings, "sends.channel"));
	if (id == 0)
		value_set_text(cx->arena, values, "created_by", cx->actor.name != NULL ? cx->actor.name : "");
	return fill_sender(cx, values);
}

/* Sending */

/* As it stands: where there are braces, delimiters that nobody types stand before them. */
static const char *literal(struct cx *cx, const char *text)
{
	if (text[0] == '\0') return NULL;
	return strstr(text, "{{") != NULL ? arena_printf(cx->arena, "{{=\x1f\x1f \x1f\x1f=}}%s", text) : text;
}

static enum rc hand_over(struct cx *cx, int64_t id, const struct value *row, const struct list *to)
{
	struct feed feed = { .channel = text_at(row, "channel"),
			     .topic = "service",
			     .table = "single_mail_to",
			     .expires_at = cx_now(cx) + LIFE_MS,
			     .priority = PRIORITY };
	struct letter_new letter = { .from_email = text_at(row, "from_email"),
				     .from_name = text_at(row, "from_name"),
				     .reply_to = "",
				     .provider_template = "",
				     .subject = literal(cx, text_at(row, "subject")),
				     .html = literal(cx, text_at(row, "html")),
				     .text = literal(cx, text_at(row, "text")),
				     .list_name = "" };
	struct feed_row rows[TO_MAX];
	enum rc rc = batch_open(cx, &feed.batch_id,
				&(struct batch_new){ .kind = BATCH_KIND,
						     .title = text_at(row, "subject"),
						     .origin = "manual",
						     .local_on = "" });

	if (rc == RC_OK) rc = letter_add(cx, feed.batch_id, &letter);
	for (size_t i = 0; i < to->count; i++) /* a number of its own for each recipient of each attempt */
		rows[i] = (struct feed_row){ .id = feed.batch_id * (TO_MAX + 1) + (int64_t)i + 1,
					     .address = to->at[i],
					     .variables_json = "{}" };
	if (rc == RC_OK) rc = outbox_feed(cx, &feed, rows, to->count, NULL);
	if (rc == RC_OK) rc = batch_planned(cx, feed.batch_id);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE single_mail SET batch_id = :batch, sent_at = :now, updated_at = :now WHERE id = :id",
			PARAMS(P_INT(":batch", feed.batch_id), P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	return rc == RC_OK ? audit_add(cx, "send", "single_mail", id, NULL, NULL) : rc;
}

static enum rc run_send(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	struct value *row = NULL;
	struct list to;
	int64_t may = 0;
	enum rc rc = tx_begin(cx);

	(void)call;
	if (rc != RC_OK) return rc;
	rc = db_row(
		cx, &row,
		"SELECT t.subject, t.from_email, t.from_name, t.to_emails, t.channel, t.html, t.text, " MAY_LEAVE
		" AS may_leave FROM single_mail t WHERE t.id = :id AND t.archived_at IS NULL",
		PARAMS(P_INT(":id", id)));
	if (rc == RC_OK) may = value_int_of(value_get(row, "may_leave"), 0);
	if (rc == RC_OK && may == 0)
		rc = cx_fail(cx, RC_CONFLICT, "%s",
			     _("This mail was handed over already; it is not sent twice."));
	if (rc == RC_OK) rc = read_list(cx, &to, text_at(row, "to_emails"));
	if (rc == RC_OK) rc = hand_over(cx, id, row, &to);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) *done = _("The mail is on its way; the outbox shows how it goes.");
	return rc;
}

static const struct action actions[] = {
	{ .name = "send",
	  .title = N_("Send the chosen mails"),
	  .right = RIGHT_MAILS,
	  .confirm = N_("Send it now? A mail that left cannot be taken back."),
	  .is_bulk = true,
	  .when = MAY_LEAVE,
	  .run = run_send },
	{ .name = NULL },
};

/* Where its messages are, on its page. */
static void show(struct cx *cx, int64_t id, struct value *page)
{
	const char *batch = "";

	if (db_get_text(
		    cx, &batch,
		    "SELECT b.public_id FROM single_mail t JOIN batch b ON b.id = t.batch_id WHERE t.id = :id",
		    PARAMS(P_INT(":id", id))) == RC_OK)
		value_set_text(cx->arena, page, "batch_href", arena_printf(cx->arena, "/batches/%s", batch));
}

const struct resource single_mail_resources[] = {
	{ .name = "emails",
	  .title = N_("Single mails"),
	  .title_one = N_("Single mail"),
	  .table = "single_mail",
	  .row_name = "t.subject",
	  .columns = columns,
	  .sorts = sorts,
	  .filters = filters,
	  .actions = actions,
	  .where = "t.archived_at IS NULL",
	  .right_view = RIGHT_VIEW,
	  .right_edit = RIGHT_MAILS,
	  .has_public_id = true,
	  .can_create = true,
	  .can_archive = true,
	  .no_import = true,
	  .menu = N_("Single mails"),
	  .menu_order = MENU_SINGLE_MAILS,
	  .empty = N_("No single mails this month. Write one, then send it."),
	  .new_page = "/emails/new",
	  .before_save = before_save,
	  .show = show,
	  .show_template = "sends/single_mail" },
	{ .name = NULL },
};

/* The form of a new one, with the person's own sender in it. */

static const char *error_of(const struct cx *cx, const char *name)
{
	for (size_t i = 0; i < cx->field_count; i++)
		if (strcmp(cx->fields[i].field, name) == 0) return cx->fields[i].message;
	return NULL;
}

static void add_options(struct cx *cx, struct value *one, const char *selected)
{
	static const char *const roads[][2] = { { "doppler", "Doppler Relay" },
						{ "email", N_("E-mail (SMTP)") },
						{ "sendgrid", "SendGrid" } };
	struct value *list = value_set_list(cx->arena, one, "options");

	for (size_t i = 0; i < sizeof(roads) / sizeof(roads[0]); i++) {
		struct value *o = value_add_map(cx->arena, list);

		value_set_text(cx->arena, o, "value", roads[i][0]);
		value_set_text(cx->arena, o, "title", words_get(cx->lang, roads[i][1]));
		value_set_bool(cx->arena, o, "is_selected", strcmp(roads[i][0], selected) == 0);
	}
	value_set_bool(cx->arena, one, "is_select", true);
}

static enum rc form_page(struct cx *cx, struct call *call, const struct value *typed, enum rc failed)
{
	struct value *page = value_map(cx->arena), *list = value_set_list(cx->arena, page, "fields");

	for (const struct column *c = columns; c->name != NULL; c++) {
		struct value *one;

		if ((c->flags & COL_READONLY) != 0) continue;
		one = value_add_map(cx->arena, list);
		value_set_text(cx->arena, one, "name", c->name);
		value_set_text(cx->arena, one, "label", words_get(cx->lang, c->title));
		value_set_text(cx->arena, one, "value", text_at(typed, c->name));
		value_set_text(cx->arena, one, "error", error_of(cx, c->name));
		value_set_text(cx->arena, one, "help", c->help != NULL ? words_get(cx->lang, c->help) : NULL);
		value_set_text(cx->arena, one, "type", c->type == COLUMN_EMAIL ? "email" : "text");
		value_set_bool(cx->arena, one, "is_required", (c->flags & COL_REQUIRED) != 0);
		if (c->type == COLUMN_CHOICE) add_options(cx, one, text_at(typed, c->name));
		if (c->type != COLUMN_LONG_TEXT) continue;
		value_set_bool(cx->arena, one, "is_text_area", true);
		value_set_int(cx->arena, one, "lines", strcmp(c->name, "to_emails") == 0 ? 2 : 8);
	}
	trail_add(cx, page, _("Single mails"), "/emails");
	if (failed != RC_OK)
		value_set_text(cx->arena, page, "failure",
			       cx->message != NULL && cx->message[0] != '\0'
				       ? cx->message
				       : _("Some fields need another look."));
	page_answer(cx, call, "sends/single_mail_new", _("New single mail"), page);
	if (failed != RC_OK) reply_status(call_reply(call), 422);
	return RC_OK;
}

static enum rc handle_form(struct cx *cx, struct call *call)
{
	struct value *typed = value_map(cx->arena);
	const char *road = setting_text(cx->env->settings, "sends.channel"), *before = cx->message;
	struct sender_ask ask = { .channel = road, .user_id = cx->actor.user_id };
	struct sender from = { .id = 0 };

	value_set_text(cx->arena, typed, "channel", road);
	if (sender_resolve(cx, &from, &ask) == RC_OK) {
		value_set_text(cx->arena, typed, "from_email", from.from_email);
		value_set_text(cx->arena, typed, "from_name", from.from_name);
	}
	cx->message = before; /* none is set: the field stays empty, and saving says so */
	return form_page(cx, call, typed, RC_OK);
}

static enum rc handle_save_new(struct cx *cx, struct call *call)
{
	struct value *typed = value_map(cx->arena);
	const char *public_id = "";
	int64_t id = 0;
	enum rc rc = form_read(cx, call);

	for (const struct column *c = columns; rc == RC_OK && c->name != NULL; c++) {
		const char *text = (c->flags & COL_READONLY) == 0 ? form_text(call, c->name) : NULL;

		if (text != NULL) value_set_text(cx->arena, typed, c->name, text);
	}
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = tx_end(cx, desk_save(cx, &single_mail_resources[0], &id, typed));
	if (rc == RC_BAD_INPUT || rc == RC_TOO_LARGE) return form_page(cx, call, typed, rc);
	if (rc == RC_OK)
		rc = db_get_text(cx, &public_id, "SELECT public_id FROM single_mail WHERE id = :id",
				 PARAMS(P_INT(":id", id)));
	if (rc == RC_OK)
		answer_flash(cx, call, arena_printf(cx->arena, "/emails/%s", public_id),
			     _("The mail is kept; it leaves when you send it."));
	return rc;
}

const struct route single_mail_routes[] = {
	{ .method = "GET",
	  .path = "/emails/new",
	  .realm = REALM_STAFF,
	  .right = RIGHT_MAILS,
	  .class = ROUTE_DB,
	  .help = N_("Form for a single mail"),
	  .handle = handle_form,
	  .no_api = true },
	{ .method = "POST",
	  .path = "/emails/new",
	  .realm = REALM_STAFF,
	  .right = RIGHT_MAILS,
	  .class = ROUTE_DB,
	  .has_token = true,
	  .body_max = (size_t)2 * 1024 * 1024,
	  .help = N_("Keep a single mail"),
	  .handle = handle_save_new,
	  .no_api = true },
	{ .method = NULL },
};
