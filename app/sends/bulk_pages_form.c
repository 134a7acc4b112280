/*
** bulk_pages_form.c -- the form of a new send: shown, read, and shown again with what is wrong.
**
** Needs:  mail_template.h for the choices of a road; the rows of sender and mail_attachment.
** Never:  asks the provider: the list of templates is what is kept of it.
** Holds:  (1) nothing that was typed is lost when something is wrong; a file that came with a preview is kept
**         and need not be sent again; (2) a kept file is only taken from the person who sent it.
*/
#include "sends/bulk_pages.h"
#include "base/text.h"
#include "files/files.h"
#include "sends/template_inner.h"
#include <string.h>

#define STATUS_REFUSED 422
#define SENDERS_SHOWN  200
#define ATTACHED_SHOWN 200 /* to choose from; the newest ones */
#define ATTACHED_MAX   10  /* of one mail: MESSAGE_FILES_MAX */
#define NAMES_MAX      8000
#define LIST_LOOK_MS   4000 /* so long the first form of all waits for the provider's templates */
#define REQUEST_ID_MAX 64

/* Reading */

static const char *form_or(struct call *call, const char *name, const char *otherwise)
{
	const char *text = form_text(call, name);

	return text != NULL ? text : otherwise;
}

static bool is_yes(const char *text)
{
	static const char *const words[] = { "1", "true", "yes", "on", NULL };

	for (size_t i = 0; text != NULL && words[i] != NULL; i++)
		if (strcmp(words[i], text) == 0) return true;
	return false;
}

static enum rc read_when(struct cx *cx, struct call *call, instant *out)
{
	const char *text = form_or(call, "scheduled_at", "");

	*out = 0;
	return text[0] != '\0' ? bulk_hour_parse(cx, out, text) : RC_OK;
}

static enum rc read_sender(struct cx *cx, struct call *call, int64_t *out)
{
	const char *text = form_or(call, "sender_id", "");
	enum rc rc;

	*out = 0;
	if (text[0] == '\0' || strcmp(text, "0") == 0) return RC_OK;
	rc = db_get_int(
		cx, out,
		"SELECT id FROM sender WHERE public_id = :id AND archived_at IS NULL AND is_active = 1",
		PARAMS(P_TEXT(":id", text)));
	return rc == RC_NOT_FOUND
		       ? cx_fail_field(cx, "sender_id", _("There is no such sender, or it is not active."))
		       : rc;
}

static enum rc read_attachments(struct cx *cx, struct call *call, struct bulk_new *out)
{
	size_t n = form_count(call, "attachments"), count = 0;
	int64_t *ids;

	if (n > ATTACHED_MAX)
		return cx_fail_field(cx, "attachments", _("At most %d attachments go with a send."),
				     ATTACHED_MAX);
	ids = arena_array(cx->arena, n + 1, sizeof(*ids));
	if (ids == NULL) return RC_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		const char *text = form_text_at(call, "attachments", i);
		enum rc rc;

		if (text == NULL || text[0] == '\0') continue;
		rc = db_get_int(
			cx, &ids[count],
			"SELECT id FROM mail_attachment WHERE public_id = :id AND archived_at IS NULL",
			PARAMS(P_TEXT(":id", text)));
		if (rc == RC_NOT_FOUND)
			return cx_fail_field(cx, "attachments", _("There is no such attachment any more."));
		if (rc != RC_OK) return rc;
		count++;
	}
	out->attachment_ids = ids;
	out->attachment_count = count;
	return RC_OK;
}

/* "nombre, ciudad" as people type it becomes a list; a list stays one. */
static enum rc read_names(struct cx *cx, struct call *call, const char **out)
{
	const char *text = form_or(call, "may_be_empty", "");
	struct value *list = NULL;
	struct sb sb;

	*out = "";
	if (text[0] == '\0') return RC_OK;
	if (text[0] == '[') {
		if (json_parse(cx->arena, &list, NULL, text, strlen(text)) != RC_OK ||
		    list->type != VALUE_LIST)
			return cx_fail_field(cx, "may_be_empty",
					     _("Write the names with commas between them."));
	} else {
		list = value_list(cx->arena);
		for (const char *p = text; *p != '\0';) {
			size_t n = strcspn(p, ",;\n");
			const char *name = text_trim(cx->arena, arena_bytes(cx->arena, p, n));

			if (name[0] != '\0') value_add_text(cx->arena, list, name);
			p += n;
			p += *p != '\0';
		}
	}
	sb_init_arena(&sb, cx->arena, NAMES_MAX);
	json_write(&sb, list);
	if (sb_result(&sb) != RC_OK) return cx_fail_field(cx, "may_be_empty", _("That is too long."));
	*out = sb_text_of(&sb);
	return RC_OK;
}

/* Lines "variable = column", or a JSON object as programs send it. */
static enum rc read_variables(struct cx *cx, struct call *call, const char **out)
{
	const char *text = form_or(call, "variables", "");
	struct value *map = NULL;
	struct sb sb;

	*out = "";
	if (text[0] == '\0') return RC_OK;
	if (text[0] == '{') {
		if (json_parse(cx->arena, &map, NULL, text, strlen(text)) != RC_OK || map->type != VALUE_MAP)
			return cx_fail_field(cx, "variables", _("This is not a JSON object."));
	} else {
		map = value_map(cx->arena);
		for (const char *p = text; *p != '\0';) {
			size_t n = strcspn(p, "\n"), eq;
			const char *line = text_trim(cx->arena, arena_bytes(cx->arena, p, n));

			p += n;
			p += *p != '\0';
			if (line[0] == '\0') continue;
			eq = strcspn(line, "=");
			if (line[eq] == '\0' || eq == 0)
				return cx_fail_field(
					cx, "variables",
					_("Write one line for each variable: variable = column of the file."));
			value_set_text(cx->arena, map, text_trim(cx->arena, arena_bytes(cx->arena, line, eq)),
				       text_trim(cx->arena, line + eq + 1));
		}
	}
	sb_init_arena(&sb, cx->arena, NAMES_MAX);
	json_write(&sb, map);
	if (sb_result(&sb) != RC_OK) return cx_fail_field(cx, "variables", _("That is too long."));
	*out = sb_text_of(&sb);
	return RC_OK;
}

/* The upload, stored; or what a preview of the same person kept. */
static enum rc read_file(struct cx *cx, struct call *call, int64_t *out)
{
	const char *kept = form_or(call, "kept_file", "");
	struct upload up;
	enum rc rc;

	*out = 0;
	if (form_upload(call, "recipients_file", &up)) {
		if (up.bytes.len > RECIPIENTS_BYTES_MAX)
			return cx_fail_field(cx, "recipients_file", "%s",
					     recipients_words(cx->lang, "file_too_large"));
		if (up.bytes.len == 0)
			return cx_fail_field(cx, "recipients_file", "%s",
					     recipients_words(cx->lang, "file_empty"));
		if (up.fd < 0) return cx_fail(cx, RC_IO, _("There is no room to keep the file now."));
		return file_store(cx, out, up.fd,
				  &(struct file_new){ .name = up.name,
						      .media_type = "text/csv",
						      .owner_table = BULK_KEPT_OWNER,
						      .owner_id = cx->actor.user_id,
						      .max = RECIPIENTS_BYTES_MAX });
	}
	if (kept[0] == '\0') return cx_fail_field(cx, "recipients_file", _("Choose the file of recipients."));
	rc = db_get_int(
		cx, out,
		/* A send that this very form made a moment ago owns it by now: pressed twice. */
		"SELECT id FROM file WHERE public_id = :id AND archived_at IS NULL AND (owner_table = 'bulk_send'"
		" AND created_by = :who OR owner_table = :owner AND owner_id = :user)",
		PARAMS(P_TEXT(":id", kept), P_TEXT(":who", cx->actor.name), P_TEXT(":owner", BULK_KEPT_OWNER),
		       P_INT(":user", cx->actor.user_id)));
	return rc == RC_NOT_FOUND ? cx_fail_field(cx, "recipients_file", _("Choose the file again, please."))
				  : rc;
}

static bool is_road(const char *channel)
{
	return strcmp(channel, "doppler") == 0 || strcmp(channel, "email") == 0 ||
	       strcmp(channel, "sendgrid") == 0;
}

static const char *road_of(struct cx *cx, struct call *call)
{
	const char *channel = form_or(call, "channel", "");

	return is_road(channel) ? channel : setting_text(cx->env->settings, "sends.channel");
}

const char *bulk_form_template(struct call *call)
{
	const char *typed = form_or(call, "template_id_typed", "");

	return typed[0] != '\0' ? typed : form_or(call, "template_id", "");
}

/* What is known of the template goes along: its name for lists, and that the subject is just its own. */
static void read_template(struct cx *cx, struct bulk_new *out)
{
	struct mail_template t;

	if (out->template_id[0] == '\0' ||
	    mail_template_read(cx, &t, out->channel, out->template_id, false) != RC_OK) {
		cx->message = "";
		cx->error_code = NULL;
		return;
	}
	if (out->template_name[0] == '\0') out->template_name = t.name;
	if (strcmp(out->subject, t.subject) == 0) out->subject = "";
}

enum rc bulk_form_read(struct cx *cx, struct call *call, struct bulk_new *out)
{
	const char *dedupe, *request_id, *given_road;
	enum rc rc = form_read(cx, call), all = RC_OK;

	*out = (struct bulk_new){ .template_id = "" };
	if (rc != RC_OK) return rc;
	given_road = form_or(call, "channel", "");
	request_id = form_or(call, "client_request_id", "");
	dedupe = form_or(call, "dedupe", "exact");
	out->client_request_id = request_id[0] != '\0' ? request_id : NULL;
	out->channel = road_of(cx, call);
	out->template_id = bulk_form_template(call);
	out->template_name = form_or(call, "template_name", "");
	out->subject = form_or(call, "subject", "");
	read_template(cx, out);
	out->dedupe = dedupe;
	out->sends_suppressed = is_yes(form_text(call, "sends_suppressed"));
	out->send_now = is_yes(form_text(call, "send_now"));
	if (given_road[0] != '\0' && !is_road(given_road))
		all = cx_fail_field(cx, "channel", _("Choose one of the ways of the list."));
	if (out->template_id[0] == '\0')
		all = cx_fail_field(cx, "template_id", _("Choose a template, or write its id."));
	else if (strlen(out->template_id) > 128)
		all = cx_fail_field(cx, "template_id", _("That is too long."));
	if (text_length(out->subject) > 255 || strpbrk(out->subject, "\r\n") != NULL)
		all = cx_fail_field(cx, "subject", _("One line of at most 255 letters."));
	if (strlen(request_id) > REQUEST_ID_MAX)
		all = cx_fail_field(cx, "client_request_id", _("That is too long."));
	if (strcmp(dedupe, "all") != 0 && strcmp(dedupe, "exact") != 0 && strcmp(dedupe, "address") != 0)
		all = cx_fail_field(cx, "dedupe", _("Choose one of the ways of the list."));
	if (out->sends_suppressed && !actor_may(&cx->actor, RIGHT_SUPPRESS))
		all = cx_fail_field(cx, "sends_suppressed",
				    _("You may not send to addresses that asked for no more."));
	for (size_t i = 0; i < 6; i++) {
		rc = i == 0   ? read_when(cx, call, &out->scheduled_at)
		     : i == 1 ? read_sender(cx, call, &out->sender_id)
		     : i == 2 ? read_attachments(cx, call, out)
		     : i == 3 ? read_names(cx, call, &out->may_be_empty)
		     : i == 4 ? read_variables(cx, call, &out->variables_json)
			      : read_file(cx, call, &out->file_id);
		if (rc == RC_BAD_INPUT)
			all = rc;
		else if (rc != RC_OK)
			return rc;
	}
	if (out->scheduled_at != 0 && out->scheduled_at < cx_now(cx) - MINUTE_MS)
		all = cx_fail_field(cx, "scheduled_at",
				    _("That hour is over. Choose a later one, or leave it empty."));
	if (out->scheduled_at != 0) out->send_now = false;
	return all;
}

/* Showing */

static const char *error_at(const struct cx *cx, const char *name)
{
	for (size_t i = 0; i < cx->field_count; i++)
		if (strcmp(cx->fields[i].field, name) == 0) return cx->fields[i].message;
	return NULL;
}

static struct value *field(struct cx *cx, struct value *page, const char *list, const char *name,
			   const char *label, const char *text)
{
	struct value *fields = (struct value *)(uintptr_t)value_get(page, list), *one;

	if (fields == NULL) fields = value_set_list(cx->arena, page, list);
	one = value_add_map(cx->arena, fields);
	value_set_text(cx->arena, one, "name", name);
	value_set_text(cx->arena, one, "label", label);
	value_set_text(cx->arena, one, "value", text);
	value_set_text(cx->arena, one, "error", error_at(cx, name));
	value_set_null(cx->arena, one, "help");
	value_set_null(cx->arena, one, "type");
	return one;
}

static struct value *option(struct cx *cx, struct value *one, const char *value, const char *title,
			    bool is_selected)
{
	struct value *list = (struct value *)(uintptr_t)value_get(one, "options"), *o;

	if (list == NULL) list = value_set_list(cx->arena, one, "options");
	value_set_bool(cx->arena, one, "is_select", true);
	o = value_add_map(cx->arena, list);
	value_set_text(cx->arena, o, "value", value);
	value_set_text(cx->arena, o, "title", title);
	value_set_bool(cx->arena, o, "is_selected", is_selected);
	return o;
}

static void add_templates(struct cx *cx, struct call *call, struct value *page, const char *channel)
{
	struct value *choices = NULL, *one = NULL;
	const char *why = NULL, *chosen = form_or(call, "template_id", "");
	bool is_stale = false;
	enum rc rc = mail_template_choices(cx, &choices, channel, &is_stale, &why);

	if (chosen[0] == '\0' && call_query(call, "template") != NULL) chosen = call_query(call, "template");
	if (rc == RC_OK && choices->count > 0) {
		one = field(cx, page, "first", "template_id", _("Mail template"), "");
		value_set_text(cx->arena, one, "fills", "subject");
		option(cx, one, "", "—", chosen[0] == '\0');
		for (const struct value *v = choices->first; v != NULL; v = v->next)
			value_set_text(cx->arena,
				       option(cx, one, text_at(v, "id"), text_at(v, "label"),
					      strcmp(text_at(v, "id"), chosen) == 0),
				       "fill", text_at(v, "subject"));
	}
	if (one == NULL || (why != NULL && why[0] != '\0') || strcmp(channel, "doppler") == 0) {
		/* The list may be cut at 200, or the provider away: the id can be written. */
		struct value *typed =
			field(cx, page, "first", one == NULL ? "template_id" : "template_id_typed",
			      one == NULL ? _("Id of the template") : _("… or its id by hand"),
			      one == NULL ? chosen : form_or(call, "template_id_typed", ""));

		value_set_text(cx->arena, typed, "autocomplete", "off");
		value_set_int(cx->arena, typed, "max_length", 128);
		if (one == NULL && is_stale && (why == NULL || why[0] == '\0'))
			value_set_text(
				cx->arena, typed, "help",
				_("The provider's list is on its way: open this page again in a moment, or write the id."));
	}
	value_set_text(cx->arena, page, "templates_why", why);
	value_set_bool(cx->arena, page, "templates_stale", is_stale);
	cx->message = "";
}

static void add_senders(struct cx *cx, struct call *call, struct value *page)
{
	struct value *one = field(cx, page, "first", "sender_id", _("Sender"), ""), *rows = NULL;
	const char *chosen = form_or(call, "sender_id", ""), *usual;
	const char *from = setting_text(cx->env->settings, "doppler.from_email");

	usual = from[0] != '\0' ? arena_printf(cx->arena, _("Usual address (%s)"), from) : _("Usual address");
	option(cx, one, "", usual, chosen[0] == '\0');
	if (db_rows(cx, &rows, SENDERS_SHOWN,
		    "SELECT public_id, from_email, from_name FROM sender WHERE is_active = 1 AND archived_at IS NULL"
		    " ORDER BY from_email, id LIMIT 200",
		    NO_PARAMS) != RC_OK)
		return;
	for (const struct value *v = rows->first; v != NULL; v = v->next)
		option(cx, one, text_at(v, "public_id"),
		       text_at(v, "from_name")[0] != '\0'
			       ? arena_printf(cx->arena, "%s <%s>", text_at(v, "from_name"),
					      text_at(v, "from_email"))
			       : text_at(v, "from_email"),
		       strcmp(text_at(v, "public_id"), chosen) == 0);
}

static bool is_attached(struct call *call, const char *id)
{
	for (size_t i = 0; i < form_count(call, "attachments"); i++)
		if (strcmp(form_text_at(call, "attachments", i), id) == 0) return true;
	return false;
}

static void add_attachment_choices(struct cx *cx, struct call *call, struct value *page)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, page, "attachments");

	if (db_rows(cx, &rows, ATTACHED_SHOWN,
		    "SELECT public_id, name, size_bytes FROM mail_attachment WHERE archived_at IS NULL"
		    " ORDER BY created_at DESC, id DESC LIMIT 200",
		    NO_PARAMS) != RC_OK)
		return;
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "value", text_at(v, "public_id"));
		value_set_text(cx->arena, one, "title",
			       arena_printf(cx->arena, "%s (%s kB)", text_at(v, "name"),
					    bulk_number(cx, (int_at(v, "size_bytes") + 1023) / 1024)));
		value_set_bool(cx->arena, one, "is_checked", is_attached(call, text_at(v, "public_id")));
	}
	value_set_bool(cx->arena, page, "has_attachments", list->count > 0);
	value_set_text(cx->arena, page, "attachments_error", error_at(cx, "attachments"));
}

static void add_choices(struct cx *cx, struct call *call, struct value *page)
{
	static const char *const kinds[][2] = {
		{ "exact", N_("Leave out exact repetitions (same address, same data)") },
		{ "all", N_("Keep all of them: each line is a mail") },
		{ "address", N_("One mail for each address: the first line counts") },
	};
	const char *chosen = form_or(call, "dedupe", "exact");
	struct value *one = field(cx, page, "second", "dedupe", _("Repeated rows"), "");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		option(cx, one, kinds[i][0], words_get(cx->lang, kinds[i][1]),
		       strcmp(kinds[i][0], chosen) == 0);
	one = field(cx, page, "second", "may_be_empty", _("Variables that may be empty"),
		    form_or(call, "may_be_empty", ""));
	value_set_text(
		cx->arena, one, "help",
		_("Names with commas between them. A row that lacks any other one stops the whole send."));
	one = field(cx, page, "second", "variables", _("Variables from other columns"),
		    form_or(call, "variables", ""));
	value_set_bool(cx->arena, one, "is_text_area", true);
	value_set_int(cx->arena, one, "lines", 3);
	value_set_text(
		cx->arena, one, "help",
		_("One line each: variable = column of the file. Left empty: every column is a variable of its name."));
	if (!actor_may(&cx->actor, RIGHT_SUPPRESS)) return;
	one = field(cx, page, "second", "sends_suppressed", _("Also to addresses that asked for no more"),
		    "");
	value_set_bool(cx->arena, one, "is_check", true);
	value_set_bool(cx->arena, one, "is_checked", is_yes(form_text(call, "sends_suppressed")));
	value_set_text(
		cx->arena, one, "help",
		_("For what the law or a contract asks you to tell them. Where nothing arrives any more, nothing is sent."));
}

static void add_when(struct cx *cx, struct call *call, struct value *page, bool was_sent)
{
	struct value *one = field(cx, page, "third", "scheduled_at", _("Time the send"),
				  form_or(call, "scheduled_at", ""));

	value_set_text(cx->arena, one, "type", "datetime-local");
	value_set_text(cx->arena, one, "turns_off", "send_now");
	value_set_text(cx->arena, one, "help",
		       arena_printf(cx->arena,
				    _("Date and hour of %s. With one, the send starts then and not now."),
				    zone_name(cx->env->zone)));
	one = field(cx, page, "third", "send_now", _("Queue the send at once"), "");
	value_set_bool(cx->arena, one, "is_check", true);
	value_set_bool(cx->arena, one, "is_checked", !was_sent || is_yes(form_text(call, "send_now")));
	value_set_text(cx->arena, one, "help",
		       _("Without it the send is kept and waits for “Queue the send” on its page."));
}

/* What a preview kept, told by name. */
static void add_kept(struct cx *cx, struct call *call, struct value *page)
{
	const char *kept = text_at(page, "kept_file"), *name = "";

	/* what was refused is not kept, nor the one before it */
	if (error_at(cx, "recipients_file") != NULL) {
		value_set_null(cx->arena, page, "kept_file");
		return;
	}
	if (kept[0] == '\0') kept = form_or(call, "kept_file", "");
	if (kept[0] == '\0' ||
	    db_get_text(
		    cx, &name,
		    "SELECT name FROM file WHERE public_id = :id AND owner_table = :owner AND owner_id = :user",
		    PARAMS(P_TEXT(":id", kept), P_TEXT(":owner", BULK_KEPT_OWNER),
			   P_INT(":user", cx->actor.user_id))) != RC_OK)
		return;
	value_set_text(cx->arena, page, "kept_file", kept);
	value_set_text(cx->arena, page, "kept_name", name);
}

static const char *new_request_id(struct cx *cx)
{
	char id[PUBLIC_ID_SIZE];

	public_id_new(id);
	return arena_text(cx->arena, id);
}

void bulk_form_fill(struct cx *cx, struct call *call, struct value *page, bool was_sent)
{
	const char *asked = call_query(call, "channel"), *request_id;
	const char *channel = !was_sent && asked != NULL && is_road(asked) ? asked : road_of(cx, call);
	struct value *one, *roads = value_set_list(cx->arena, page, "roads");
	static const char *const names[] = { "doppler", "email", "sendgrid" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		one = value_add_map(cx->arena, roads);
		value_set_text(cx->arena, one, "value", names[i]);
		value_set_text(cx->arena, one, "title", bulk_road(cx, names[i]));
		value_set_bool(cx->arena, one, "is_selected", strcmp(names[i], channel) == 0);
	}
	value_set_text(cx->arena, page, "channel", channel);
	value_set_text(cx->arena, page, "channel_title", bulk_road(cx, channel));
	request_id = form_or(call, "client_request_id", "");
	value_set_text(cx->arena, page, "request_id",
		       request_id[0] != '\0' ? request_id : new_request_id(cx));
	add_templates(cx, call, page, channel);
	add_senders(cx, call, page);
	one = field(cx, page, "first", "subject", _("Subject"), form_or(call, "subject", ""));
	value_set_int(cx->arena, one, "max_length", 255);
	value_set_text(cx->arena, one, "help", _("Left empty: the template's subject."));
	value_set_text(cx->arena, page, "file_error", error_at(cx, "recipients_file"));
	add_kept(cx, call, page);
	add_choices(cx, call, page);
	add_attachment_choices(cx, call, page);
	add_when(cx, call, page, was_sent);
	if (actor_may(&cx->actor, "settings.edit") || actor_may(&cx->actor, RIGHT_TEMPLATES))
		value_set_bool(cx->arena, page, "may_templates", true);
}

enum rc bulk_form_answer(struct cx *cx, struct call *call, struct value *page, enum rc rc)
{
	if (rc != RC_OK) {
		const char *message = cx->message;

		value_set_text(cx->arena, page, "form_error",
			       message[0] == '\0' && cx->field_count > 0
				       ? words_plural(cx->lang, (int64_t)cx->field_count,
						      N_("One field needs your attention."),
						      N_("Some fields need your attention."))
				       : cx_sentence(cx, rc));
	}
	bulk_trail(cx, page, 0, "");
	value_set_text(cx->arena, page, "heading", _("New bulk send"));
	answer_page(cx, call, "sends/bulk_new", _("New bulk send"), page);
	if (rc != RC_OK) reply_status(call_reply(call), STATUS_REFUSED);
	return RC_OK;
}

/* Nothing of the provider's list is known yet, and it is being read: a moment's patience shows it. */
static bool is_list_coming(struct cx *cx, const struct value *page)
{
	struct template_list list;

	return strcmp(text_at(page, "channel"), "doppler") == 0 &&
	       text_at(page, "templates_why")[0] == '\0' &&
	       value_bool_of(value_get(page, "templates_stale"), false) &&
	       template_list_read(cx, &list) == RC_OK && list.listed_at == 0;
}

enum rc handle_send_new(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena);

	bulk_form_fill(cx, call, page, false);
	if (is_list_coming(cx, page) && template_waited_ms(call) < LIST_LOOK_MS) {
		answer_later(call, TEMPLATE_PARK_MS);
		return RC_OK;
	}
	return bulk_form_answer(cx, call, page, RC_OK);
}

enum rc bulk_form_again(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena);
	const char *message = cx->message, *kept = "";
	struct upload up;

	/* The file was stored a moment ago: nobody has to choose it twice. */
	if (form_upload(call, "recipients_file", &up) && error_at(cx, "recipients_file") == NULL &&
	    db_get_text(
		    cx, &kept,
		    "SELECT public_id FROM file WHERE owner_table = :owner AND owner_id = :user AND archived_at IS NULL"
		    " ORDER BY id DESC LIMIT 1",
		    PARAMS(P_TEXT(":owner", BULK_KEPT_OWNER), P_INT(":user", cx->actor.user_id))) == RC_OK)
		value_set_text(cx->arena, page, "kept_file", kept);
	bulk_form_fill(cx, call, page, true);
	cx->message = message;
	return bulk_form_answer(cx, call, page, RC_BAD_INPUT);
}
