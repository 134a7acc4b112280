/*
** bulk_create.c -- a bulk send begins: checked, kept with its file, its import started.
**
** Owns:   the rows of bulk_send as they are born, and bulk_send_attachment.
** Needs:  the file stored before, whose owner it becomes; import.c for the recipients.
** Never:  sends: what shall start at once starts when the import has ended (bulk_imported).
** Holds:  (1) one send per client_request_id, by UNIQUE: of twenty calls at once one makes it, the others are
**         told of it; (2) all errors are told at once, each at its field; (3) an hour forces send_now off.
*/
#include "sends/bulk_inner.h"

#include "base/text.h"
#include "sends/attachments.h"
#include "sends/doppler.h"
#include "sends/recipients.h"
#include <string.h>

static const char *text_or(const char *text, const char *otherwise)
{
	return text != NULL && text[0] != '\0' ? text : otherwise;
}

static bool two_digits(const char *p, int *out)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9') return false;
	*out = (p[0] - '0') * 10 + p[1] - '0';
	return true;
}

/* "2026-11-22T09:30", a blank instead of the T, "22/11/2026 09:30": the business's clock. */
static bool local_hour(struct cx *cx, instant *at, const char *text)
{
	struct civil c = { .hour = 0 };
	size_t n = strcspn(text, "T "), len;
	const char *hour = text[n] != '\0' ? text + n + 1 : "";
	char date[16];

	if (n >= sizeof(date)) return false;
	memcpy(date, text, n);
	date[n] = '\0';
	len = strlen(hour);
	if (day_parse_any(&c.day, date) != RC_OK || (len != 5 && len != 8)) return false;
	if (!two_digits(hour, &c.hour) || hour[2] != ':' || !two_digits(hour + 3, &c.minute)) return false;
	if (len == 8 && (hour[5] != ':' || !two_digits(hour + 6, &c.second))) return false;
	if (c.hour > 23 || c.minute > 59 || c.second > 59) return false;
	*at = zone_instant(cx->env->zone, c);
	return true;
}

enum rc bulk_hour_parse(struct cx *cx, instant *at, const char *text)
{
	if (instant_parse(at, text) == RC_OK || local_hour(cx, at, text)) return RC_OK;
	return cx_fail_field(cx, "scheduled_at",
			     _("“%s” is not a date and an hour; write it like 2026-11-22 09:30."), text);
}

/* Checks: each adds what is wrong at its field */

static void check_length(struct cx *cx, const char *field, const char *text, size_t max)
{
	if (text != NULL && text_length(text) > max)
		(void)!cx_fail_field(cx, field, _("At most %d letters."), (int)max);
}

static void check_one_line(struct cx *cx, const char *field, const char *text)
{
	if (text != NULL && strpbrk(text, "\r\n") != NULL)
		(void)!cx_fail_field(cx, field, "%s", _("One line only."));
}

static bool is_road(const char *channel)
{
	return strcmp(channel, "doppler") == 0 || strcmp(channel, "email") == 0 ||
	       strcmp(channel, "sendgrid") == 0;
}

static enum rc check_channel(struct cx *cx, const char *channel)
{
	enum rc rc;

	if (!is_road(channel)) {
		(void)!cx_fail_field(cx, "channel", _("“%s” is not one of the choices."), channel);
		return RC_OK;
	}
	rc = bulk_channel_is_set(cx, channel);
	if (rc != RC_BAD_INPUT) return rc;
	(void)!cx_fail_field(cx, "channel", "%s", cx->message);
	cx->message = "";
	return RC_OK;
}

static bool is_provider_id(const char *id)
{
	size_t len = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && len <= DOPPLER_ID_MAX && id[len] == '\0';
}

/* Of a template the provider keeps only the shape of the id is sure here: asking is the gate's, before the
** first mail. Name and subject are taken from what is known. */
static enum rc check_template(struct cx *cx, const struct bulk_new *n, const char *channel,
			      struct mail_template *t)
{
	const char *message = cx->message, *code = cx->error_code;
	enum rc rc;

	if (n->template_id == NULL || n->template_id[0] == '\0') {
		(void)!cx_fail_field(cx, "template_id", "%s", _("Choose a template."));
		return RC_OK;
	}
	if (strcmp(channel, "doppler") == 0 && !is_provider_id(n->template_id)) {
		(void)!cx_fail_field(
			cx, "template_id", "%s",
			_("This is not the id of a template: letters, figures and hyphens only."));
		return RC_OK;
	}
	if (!is_road(channel)) return RC_OK;
	rc = mail_template_read(cx, t, channel, n->template_id, false);
	if (rc == RC_NOT_FOUND && strcmp(channel, "doppler") != 0)
		(void)!cx_fail_field(cx, "template_id", "%s", cx_sentence(cx, rc));
	if (rc != RC_OK) *t = (struct mail_template){ .name = "", .subject = "" };
	cx->message = message;
	cx->error_code = code;
	return rc == RC_NO_MEMORY || rc == RC_BUG || rc == RC_IO ? rc : RC_OK;
}

static void check_json(struct cx *cx, const char *field, const char *text, enum value_type type)
{
	struct value *v = NULL;

	if (text == NULL || text[0] == '\0') return;
	if (strlen(text) <= BULK_JSON_MAX && json_parse(cx->arena, &v, NULL, text, strlen(text)) == RC_OK &&
	    v->type == type) {
		const struct value *one = v->first;

		while (one != NULL && one->type == VALUE_TEXT)
			one = one->next;
		if (one == NULL) return;
	}
	(void)!cx_fail_field(cx, field, "%s",
			     type == VALUE_MAP
				     ? _("This must be a JSON object of texts: {\"variable\": \"column\"}.")
				     : _("This must be a JSON list of names: [\"variable\"]."));
}

/* Not in the transaction: it may look at files. */
static enum rc check_attachments(struct cx *cx, const struct bulk_new *n)
{
	enum rc rc;

	if (n->attachment_count == 0) return RC_OK;
	if (n->attachment_count > MESSAGE_FILES_MAX) {
		(void)!cx_fail_field(cx, "attachments", _("At most %d attachments."), MESSAGE_FILES_MAX);
		return RC_OK;
	}
	rc = attachments_check(cx, n->attachment_ids, n->attachment_count);
	if (rc != RC_BAD_INPUT && rc != RC_NOT_FOUND && rc != RC_TOO_LARGE) return rc;
	if (cx->message[0] != '\0') (void)!cx_fail_field(cx, "attachments", "%s", cx->message);
	cx->message = "";
	return RC_OK;
}

static enum rc check_sender(struct cx *cx, int64_t sender_id)
{
	int64_t is_active = 0;
	enum rc rc;

	if (sender_id == 0) return RC_OK;
	rc = db_get_int(cx, &is_active, "SELECT is_active FROM sender WHERE id = :id AND archived_at IS NULL",
			PARAMS(P_INT(":id", sender_id)));
	if (rc != RC_OK && rc != RC_NOT_FOUND) return rc;
	if (rc == RC_NOT_FOUND)
		(void)!cx_fail_field(cx, "sender_id", "%s", _("There is no such sender."));
	else if (is_active == 0)
		(void)!cx_fail_field(cx, "sender_id", "%s", _("This sender is not active."));
	return RC_OK;
}

static enum rc check(struct cx *cx, const struct bulk_new *n, const char *channel, struct mail_template *t)
{
	const char *dedupe = text_or(n->dedupe, "exact");
	enum rc rc = check_channel(cx, channel);

	if (rc == RC_OK) rc = check_template(cx, n, channel, t);
	check_length(cx, "client_request_id", n->client_request_id, BULK_REQUEST_MAX);
	check_length(cx, "template_name", n->template_name, BULK_NAME_MAX);
	check_length(cx, "subject", n->subject, BULK_SUBJECT_MAX);
	check_one_line(cx, "subject", n->subject);
	check_json(cx, "variables", n->variables_json, VALUE_MAP);
	check_json(cx, "may_be_empty", n->may_be_empty, VALUE_LIST);
	if (strcmp(dedupe, "all") != 0 && strcmp(dedupe, "exact") != 0 && strcmp(dedupe, "address") != 0)
		(void)!cx_fail_field(cx, "dedupe", _("“%s” is not one of the choices."), dedupe);
	if (n->sends_suppressed && !actor_may(&cx->actor, RIGHT_SUPPRESS))
		(void)!cx_fail_field(cx, "sends_suppressed", "%s",
				     _("You may not send to addresses that are suppressed."));
	if (n->file_id == 0)
		(void)!cx_fail_field(cx, "recipients_file", "%s", _("Choose the file of recipients."));
	(void)!bulk_hour_check(cx, n->scheduled_at);
	if (rc == RC_OK) rc = check_sender(cx, n->sender_id);
	if (rc == RC_OK) rc = check_attachments(cx, n);
	return rc == RC_OK && cx->field_count > 0 ? RC_BAD_INPUT : rc;
}

/* Writing */

static enum rc find_twin(struct cx *cx, int64_t *id, const char *request_id)
{
	if (request_id == NULL || request_id[0] == '\0') return RC_NOT_FOUND;
	return db_get_int(cx, id, "SELECT id FROM bulk_send WHERE client_request_id = :request",
			  PARAMS(P_TEXT(":request", request_id)));
}

static const char *search_of(struct cx *cx, int64_t id, const char *template_id, const char *name,
			     const char *subject)
{
	return text_fold(cx->arena,
			 arena_printf(cx->arena, "%lld %s %s %s", (long long)id, name, subject, template_id));
}

static enum rc add_attachments(struct cx *cx, int64_t id, const struct bulk_new *n)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n->attachment_count && rc == RC_OK; i++)
		rc = db_run(
			cx,
			"INSERT INTO bulk_send_attachment (bulk_id, attachment_id) VALUES (:bulk, :attachment)"
			" ON CONFLICT (bulk_id, attachment_id) DO NOTHING",
			PARAMS(P_INT(":bulk", id), P_INT(":attachment", n->attachment_ids[i])));
	return rc;
}

static enum rc insert(struct cx *cx, int64_t *id, const struct bulk_new *n, const char *channel,
		      const struct mail_template *t)
{
	char public_id[PUBLIC_ID_SIZE];
	bool has_own = n->subject != NULL && n->subject[0] != '\0' && strcmp(n->subject, t->subject) != 0;
	const char *subject = text_or(n->subject, text_or(t->subject, ""));
	const char *name = text_or(n->template_name, text_or(t->name, n->template_id));
	const char *request = text_or(n->client_request_id, NULL);
	bool starts = n->send_now && n->scheduled_at == 0;
	enum rc rc;

	public_id_new(public_id);
	name = arena_bytes(cx->arena, name, text_prefix(name, BULK_NAME_MAX));
	rc = db_run(
		cx,
		"INSERT INTO bulk_send (public_id, client_request_id, channel, template_id, template_name, subject,"
		" is_own_subject, variables_json, may_be_empty, dedupe, sends_suppressed, file_id, sender_id, from_email,"
		" from_name, wants_start, scheduled_at, scheduled_by, created_by, created_by_id, created_at,"
		" updated_at) VALUES (:public_id, :request, :channel, :template, :name, :subject, :own, :variables, :empty,"
		" :dedupe, :suppressed, :file, :sender, :from_email, :from_name, :starts, :scheduled, :by,"
		" :actor, :user, :now, :now)",
		PARAMS(P_TEXT(":public_id", public_id), P_TEXT(":request", request),
		       P_TEXT(":channel", channel), P_TEXT(":template", n->template_id),
		       P_TEXT(":name", name), P_TEXT(":subject", subject), P_INT(":own", has_own),
		       P_TEXT(":variables", text_or(n->variables_json, "{}")),
		       P_TEXT(":empty", text_or(n->may_be_empty, "[]")),
		       P_TEXT(":dedupe", text_or(n->dedupe, "exact")),
		       P_INT(":suppressed", n->sends_suppressed), P_REF(":file", n->file_id),
		       P_REF(":sender", n->sender_id), P_TEXT(":from_email", text_or(n->from_email, "")),
		       P_TEXT(":from_name", text_or(n->from_name, "")), P_INT(":starts", starts),
		       P_REF(":scheduled", n->scheduled_at),
		       P_REF(":by", starts || n->scheduled_at != 0 ? cx->actor.user_id : 0),
		       P_TEXT(":actor", cx->actor.name ? cx->actor.name : ""),
		       P_REF(":user", cx->actor.user_id), P_INT(":now", cx_now(cx))));
	if (rc != RC_OK) return rc;
	*id = db_last_id(cx);
	return db_run(cx, "UPDATE bulk_send SET search = :search WHERE id = :id",
		      PARAMS(P_TEXT(":search", search_of(cx, *id, n->template_id, name, subject)),
			     P_INT(":id", *id)));
}

static enum rc write(struct cx *cx, int64_t *id, bool *is_duplicate, const struct bulk_new *n,
		     const char *channel, const struct mail_template *t)
{
	struct value *after = value_map(cx->arena);
	enum rc rc = find_twin(cx, id, n->client_request_id);

	*is_duplicate = rc == RC_OK;
	if (rc != RC_NOT_FOUND) return rc;
	rc = insert(cx, id, n, channel, t);
	if (rc == RC_OK) rc = add_attachments(cx, *id, n);
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE file SET owner_table = 'bulk_send', owner_id = :id WHERE id = :file",
			    PARAMS(P_INT(":id", *id), P_INT(":file", n->file_id)));
	value_set_text(cx->arena, after, "channel", channel);
	value_set_text(cx->arena, after, "template_id", n->template_id);
	value_set_int(cx->arena, after, "scheduled_at", n->scheduled_at);
	if (rc == RC_OK) rc = audit_add(cx, "create", "bulk_send", *id, NULL, after);
	return rc == RC_OK ? recipients_import(cx, *id) : rc;
}

/* The same call again: what it stored a second time is nobody's. */
static enum rc drop_file(struct cx *cx, int64_t file_id)
{
	enum rc rc;

	if (file_id == 0) return RC_OK;
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE file SET archived_at = :now WHERE id = :id AND archived_at IS NULL AND owner_id = 0",
			PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", file_id)));
	return tx_end(cx, rc);
}

static enum rc take_up(struct cx *cx, int64_t id, const struct bulk_new *n)
{
	struct bulk b;
	enum rc rc = drop_file(cx, n->file_id);

	if (rc == RC_OK) rc = bulk_read(cx, &b, id);
	if (rc != RC_OK || !n->send_now || n->scheduled_at != 0 || !bulk_is(&b, "pending") ||
	    b.scheduled_at != 0)
		return rc;
	rc = bulk_enqueue(cx, id);
	if (rc != RC_CONFLICT) return rc;
	cx->message = ""; /* somebody else was quicker: it is started */
	cx->error_code = NULL;
	return RC_OK;
}

enum rc bulk_create(struct cx *cx, int64_t *id, bool *is_duplicate, const struct bulk_new *n)
{
	const char *channel = text_or(n->channel, setting_text(cx->env->settings, "sends.channel"));
	struct mail_template t = { .name = "", .subject = "" };
	int64_t made = 0;
	enum rc rc = find_twin(cx, &made, n->client_request_id);

	*is_duplicate = rc == RC_OK;
	if (rc == RC_NOT_FOUND) {
		rc = check(cx, n, channel, &t);
		if (rc == RC_OK) {
			rc = tx_begin(cx);
			if (rc == RC_OK) rc = write(cx, &made, is_duplicate, n, channel, &t);
			rc = tx_end(cx, rc);
		}
	}
	if (rc == RC_OK && *is_duplicate) rc = take_up(cx, made, n);
	if (rc == RC_OK) *id = made;
	return rc;
}
