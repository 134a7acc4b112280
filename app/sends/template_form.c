/*
** template_form.c -- templates are written, changed, tried and deleted: the panel's here, the provider's by a
** job.
**
** Owns:   the rows of mail_template.
** Needs:  letters of the outbox for the test mail; template_job.c for the provider.
** Holds:  (1) what is kept is Mustache that was read without a mistake; (2) nothing typed is lost when
**         something is wrong; (3) a template that somebody else saved meanwhile is not written over.
*/
#include "sends/template_inner.h"
#include "base/text.h"
#include "desk/inner.h"
#include "outbox/mime.h"
#include "sends/doppler.h"
#include "sends/senders.h"

#include <string.h>

#define TEST_BATCH   "sends.template_test"
#define TEST_LIFE_MS DAY_MS /* who waits for a test longer than a day makes another one */

struct typed {
	const char *id; /* "" = new */
	bool is_panel;
	const char *name, *subject, *from_email, *from_name, *html, *text, *seen;
};

static const char *form_or(struct call *call, const char *name)
{
	const char *text = form_text(call, name);

	return text != NULL ? text : "";
}

static void read_typed(struct call *call, struct typed *out)
{
	*out = (struct typed){
		.id = call_param(call, "id"),
		.is_panel = strcmp(form_or(call, "source"), TEMPLATE_DOPPLER) != 0,
		.name = form_or(call, "name"),
		.subject = form_or(call, "subject"),
		.from_email = form_or(call, "from_email"),
		.from_name = form_or(call, "from_name"),
		.html = form_or(call, "html"),
		.text = form_or(call, "text"),
		.seen = form_or(call, "_seen"),
	};
}

static struct mail_template template_of(const struct typed *f)
{
	return (struct mail_template){
		.channel = f->is_panel ? "email" : TEMPLATE_DOPPLER,
		.id = f->id,
		.name = f->name,
		.subject = f->subject,
		.html = f->html,
		.text = f->is_panel ? f->text : "",
		.from_email = f->from_email,
		.from_name = f->from_name,
		.body_type = "",
		.source = "panel",
		.has_body = true,
	};
}

/* Checks */

static enum rc check_line(struct cx *cx, const char *field, const char *text, bool is_needed)
{
	if (is_needed && text[0] == '\0') return cx_fail_field(cx, field, "%s", _("This is needed."));
	if (text_length(text) > TEMPLATE_FIELD_MAX)
		return cx_fail_field(cx, field, _("At most %d characters."), TEMPLATE_FIELD_MAX);
	return RC_OK;
}

static enum rc worse(enum rc a, enum rc b)
{
	return a != RC_OK ? a : b;
}

/* All that is wrong at once, each with its field; what only the whole shows as the sentence. */
static enum rc check(struct cx *cx, const struct typed *f)
{
	struct mail_template t = template_of(f);
	char address[MAIL_ADDRESS_SIZE];
	const char *why = "";
	struct value *list = NULL;
	enum rc rc = check_line(cx, "name", f->name, true);

	rc = worse(rc, check_line(cx, "subject", f->subject, true));
	rc = worse(rc, check_line(cx, "from_name", f->from_name, false));
	if (f->from_email[0] != '\0' && mime_address(address, f->from_email, &why) != RC_OK)
		rc = cx_fail_field(cx, "from_email", "%s", words_get(cx->lang, why));
	if (f->html[0] == '\0' && (!f->is_panel || f->text[0] == '\0'))
		rc = cx_fail_field(cx, "html", "%s",
				   f->is_panel ? _("Write the HTML or the text.") : _("Write the HTML."));
	if (strlen(f->html) > TEMPLATE_HTML_MAX)
		rc = cx_fail_field(cx, "html", _("At most %d kB."), TEMPLATE_HTML_MAX / 1024);
	if (strlen(f->text) > TEMPLATE_HTML_MAX)
		rc = cx_fail_field(cx, "text", _("At most %d kB."), TEMPLATE_HTML_MAX / 1024);
	return rc != RC_OK ? rc : template_variables(cx, &list, &t);
}

/* The form */

static const char *error_of(const struct cx *cx, const char *field)
{
	for (size_t i = 0; i < cx->field_count; i++)
		if (strcmp(cx->fields[i].field, field) == 0) return cx->fields[i].message;
	return NULL;
}

static struct value *field(struct cx *cx, struct value *list, const char *name, const char *label,
			   const char *text, const char *help)
{
	struct value *one = value_add_map(cx->arena, list);

	value_set_text(cx->arena, one, "name", name);
	value_set_text(cx->arena, one, "label", label);
	value_set_text(cx->arena, one, "value", text);
	value_set_text(cx->arena, one, "error", error_of(cx, name));
	value_set_text(cx->arena, one, "help", help);
	value_set_null(cx->arena, one, "type");
	return one;
}

static void add_fields(struct cx *cx, struct value *page, const struct typed *f)
{
	struct value *list = value_set_list(cx->arena, page, "fields"), *one;

	one = field(cx, list, "name", _("Name"), f->name, NULL);
	value_set_bool(cx->arena, one, "is_required", true);
	one = field(cx, list, "subject", _("Subject"), f->subject, _("Variables work here too: {{nombre}}."));
	value_set_bool(cx->arena, one, "is_required", true);
	one = field(cx, list, "from_email", _("Sender's address"), f->from_email,
		    _("May stay empty: a send says who it is from."));
	value_set_text(cx->arena, one, "type", "email");
	(void)field(cx, list, "from_name", _("Sender's name"), f->from_name, NULL);
	one = field(
		cx, list, "html", "HTML", f->html,
		f->is_panel
			? _("{{name}} is the column of the file with exactly that name; {{email}} the recipient's address; {{baja}} the address to unsubscribe.")
			: _("{{name}} is the column of the file with exactly that name; {{email}} the recipient's address."));
	value_set_bool(cx->arena, one, "is_text_area", true);
	value_set_int(cx->arena, one, "lines", 16);
	if (!f->is_panel) return;
	one = field(cx, list, "text", _("Text"), f->text,
		    _("For readers without HTML; left empty, it is made of the HTML."));
	value_set_bool(cx->arena, one, "is_text_area", true);
	value_set_int(cx->arena, one, "lines", 6);
}

static enum rc form_page(struct cx *cx, struct call *call, const struct typed *f, const char *body_type,
			 enum rc failed)
{
	struct value *page = value_map(cx->arena);
	bool is_new = f->id[0] == '\0';

	trail_add(cx, page, _("Mail templates"), "/templates");
	add_fields(cx, page, f);
	if (failed != RC_OK)
		value_set_text(cx->arena, page, "failure",
			       cx->message != NULL && cx->message[0] != '\0'
				       ? cx->message
				       : _("Some fields need another look."));
	value_set_text(cx->arena, page, "form_action",
		       is_new ? "/templates" : arena_printf(cx->arena, "/templates/%s", f->id));
	value_set_text(cx->arena, page, "back",
		       is_new ? "/templates" : arena_printf(cx->arena, "/templates/%s", f->id));
	value_set_text(cx->arena, page, "source", f->is_panel ? "panel" : TEMPLATE_DOPPLER);
	value_set_text(cx->arena, page, "seen", f->seen);
	value_set_bool(cx->arena, page, "is_panel", f->is_panel);
	value_set_bool(cx->arena, page, "is_editor", strcasestr(body_type, "mseditor") != NULL);
	page_answer(
		cx, call, "sends/template_form",
		is_new ? (f->is_panel ? _("New template of the panel") : _("New template at Doppler Relay"))
		       : _("Change a template"),
		page);
	if (failed != RC_OK) reply_status(call_reply(call), 422);
	return RC_OK;
}

enum rc template_handle_new(struct cx *cx, struct call *call)
{
	const char *source = call_query(call, "source");
	struct typed f = { .id = "",
			   .name = "",
			   .subject = "",
			   .from_email = "",
			   .from_name = "",
			   .html = "",
			   .text = "",
			   .seen = "" };

	f.is_panel = source == NULL || strcmp(source, TEMPLATE_DOPPLER) != 0;
	if (!f.is_panel && doppler_is_set(cx) != RC_OK) {
		answer_flash(cx, call, "/templates", cx_sentence(cx, RC_BAD_INPUT));
		return RC_OK;
	}
	return form_page(cx, call, &f, "", RC_OK);
}

/* The panel's own row: its text as typed, not as made. */
static enum rc stored(struct cx *cx, struct typed *out, const struct mail_template *t)
{
	struct value *row = NULL;
	enum rc rc;

	*out = (struct typed){ .id = t->id,
			       .is_panel = strcmp(t->source, "panel") == 0,
			       .name = t->name,
			       .subject = t->subject,
			       .from_email = t->from_email,
			       .from_name = t->from_name,
			       .html = t->html,
			       .text = "",
			       .seen = "" };
	if (!out->is_panel) return RC_OK;
	rc = db_row(cx, &row, "SELECT text, updated_at FROM mail_template WHERE public_id = :id",
		    PARAMS(P_TEXT(":id", t->id)));
	if (rc != RC_OK) return rc;
	out->text = value_text_of(value_get(row, "text"), "");
	out->seen = arena_printf(cx->arena, "%lld", (long long)value_int_of(value_get(row, "updated_at"), 0));
	return RC_OK;
}

enum rc template_handle_edit(struct cx *cx, struct call *call)
{
	struct mail_template t;
	struct typed f;
	enum rc rc = template_of_call(cx, call, &t);

	if (rc == RC_OK) rc = stored(cx, &f, &t);
	if (rc != RC_OK) return rc;
	if (!t.has_body) {
		answer_flash(
			cx, call, arena_printf(cx->arena, "/templates/%s", t.id),
			_("The template's content is not known yet; it can be changed once it was read."));
		return RC_OK;
	}
	return form_page(cx, call, &f, t.body_type, RC_OK);
}

/* What is being written, into the form's frame. */
enum rc template_handle_draft(struct cx *cx, struct call *call)
{
	const char *html = "", *text = "", *subject = "";
	struct mail_template t;
	struct typed f;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	read_typed(call, &f);
	t = template_of(&f);
	rc = template_preview(cx, &html, &text, &subject, &t, NULL);
	if (rc == RC_BUG || rc == RC_NO_MEMORY) return rc;
	template_answer_frame(cx, call, rc, html, text);
	return RC_OK;
}

/* Saving the panel's */

static enum rc write_panel(struct cx *cx, const struct typed *f, const char **public_id)
{
	char made[PUBLIC_ID_SIZE];
	struct value *after = value_map(cx->arena);
	const char *search = text_fold(cx->arena, arena_printf(cx->arena, "%s %s", f->name, f->subject));
	int64_t id = 0, seen = 0;
	bool is_new = f->id[0] == '\0';
	enum rc rc = RC_OK;

	public_id_new(made);
	if (!is_new)
		rc = db_get_int(cx, &id,
				"SELECT id FROM mail_template WHERE public_id = :id AND archived_at IS NULL",
				PARAMS(P_TEXT(":id", f->id)));
	if (rc == RC_OK && !is_new && f->seen[0] != '\0') {
		rc = db_get_int(cx, &seen, "SELECT updated_at FROM mail_template WHERE id = :id",
				PARAMS(P_INT(":id", id)));
		if (rc == RC_OK && strcmp(arena_printf(cx->arena, "%lld", (long long)seen), f->seen) != 0)
			return cx_fail(
				cx, RC_CONFLICT, "%s",
				_("Somebody else saved this meanwhile. Copy what you wrote, load the page again and look."));
	}
	if (rc == RC_OK && is_new)
		rc = db_run(
			cx,
			"INSERT INTO mail_template (public_id, name, subject, html, text, from_email, from_name, created_at,"
			" updated_at, search) VALUES (:pid, :name, :subject, :html, :text, :email, :from, :now, :now, :search)",
			PARAMS(P_TEXT(":pid", made), P_TEXT(":name", f->name), P_TEXT(":subject", f->subject),
			       P_TEXT(":html", f->html), P_TEXT(":text", f->text),
			       P_TEXT(":email", f->from_email), P_TEXT(":from", f->from_name),
			       P_INT(":now", cx_now(cx)), P_TEXT(":search", search)));
	else if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE mail_template SET name = :name, subject = :subject, html = :html, text = :text,"
			" from_email = :email, from_name = :from, updated_at = max(:now, updated_at + 1),"
			" search = :search WHERE id = :id",
			PARAMS(P_TEXT(":name", f->name), P_TEXT(":subject", f->subject),
			       P_TEXT(":html", f->html), P_TEXT(":text", f->text),
			       P_TEXT(":email", f->from_email), P_TEXT(":from", f->from_name),
			       P_INT(":now", cx_now(cx)), P_TEXT(":search", search), P_INT(":id", id)));
	if (rc == RC_CONFLICT) return cx_fail_field(cx, "name", "%s", _("Another template has this name."));
	if (rc != RC_OK) return rc;
	if (is_new) id = db_last_id(cx);
	value_set_text(cx->arena, after, "name", f->name);
	value_set_text(cx->arena, after, "subject", f->subject);
	*public_id = is_new ? arena_text(cx->arena, made) : f->id;
	return audit_add(cx, is_new ? "create" : "edit", "mail_template", id, NULL, after);
}

static enum rc save_panel(struct cx *cx, struct call *call, const struct typed *f)
{
	const char *id = f->id;
	struct value *out;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = tx_end(cx, write_panel(cx, f, &id));
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE) {
		answer_flash(cx, call, arena_printf(cx->arena, "/templates/%s", id),
			     _("The template was saved."));
		return RC_OK;
	}
	out = value_map(cx->arena);
	value_set_text(cx->arena, out, "id", id);
	answer_json(cx, call, f->id[0] == '\0' ? 201 : 200, out);
	return RC_OK;
}

/* The provider's: a job, and the page of how it goes. */

static enum rc answer_work(struct cx *cx, struct call *call, const char *id, int64_t job)
{
	struct value *out;

	if (call_shape(call) == SHAPE_PAGE) {
		answer_redirect(cx, call, arena_printf(cx->arena, "/templates/work/%lld", (long long)job));
		return RC_OK;
	}
	out = value_map(cx->arena);
	if (id[0] != '\0') value_set_text(cx->arena, out, "id", id);
	value_set_int(cx->arena, out, "job", job);
	answer_json(cx, call, 202, out);
	return RC_OK;
}

static enum rc save_provider(struct cx *cx, struct call *call, const struct typed *f)
{
	struct template_draft draft = { .id = f->id,
					.name = f->name,
					.subject = f->subject,
					.from_email = f->from_email,
					.from_name = f->from_name,
					.html = f->html };
	int64_t job = 0;
	enum rc rc = template_save_start(cx, &job, &draft);

	return rc == RC_OK ? answer_work(cx, call, f->id, job) : rc;
}

static enum rc save(struct cx *cx, struct call *call, const struct typed *f, const char *body_type)
{
	enum rc rc = check(cx, f);

	if (rc == RC_OK) rc = f->is_panel ? save_panel(cx, call, f) : save_provider(cx, call, f);
	if (call_shape(call) == SHAPE_PAGE && (rc == RC_BAD_INPUT || rc == RC_TOO_LARGE || rc == RC_CONFLICT))
		return form_page(cx, call, f, body_type, rc);
	return rc;
}

enum rc template_handle_create(struct cx *cx, struct call *call)
{
	struct typed f;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	read_typed(call, &f);
	return save(cx, call, &f, "");
}

enum rc template_handle_save(struct cx *cx, struct call *call)
{
	struct mail_template t;
	struct typed f;
	enum rc rc = form_read(cx, call);

	if (rc == RC_OK) rc = template_of_call(cx, call, &t);
	if (rc != RC_OK) return rc;
	read_typed(call, &f);
	f.is_panel = strcmp(t.source, "panel") == 0;
	return save(cx, call, &f, t.body_type);
}

/* Deleting */

enum rc template_handle_delete_ask(struct cx *cx, struct call *call)
{
	struct mail_template t;
	struct value *page = value_map(cx->arena);
	bool is_panel;
	enum rc rc = template_of_call(cx, call, &t);

	if (rc != RC_OK) return rc;
	is_panel = strcmp(t.source, "panel") == 0;
	trail_add(cx, page, _("Mail templates"), "/templates");
	value_set_text(cx->arena, page, "what", t.name);
	value_set_text(
		cx->arena, page, "question",
		is_panel
			? _("Delete this template? Sends that use it and have not left do not start any more.")
			: _("Delete this template at the provider? It cannot be brought back, and sends that use it fail."));
	value_set_text(cx->arena, page, "yes", _("Delete"));
	value_set_bool(cx->arena, page, "is_dangerous", true);
	value_set_text(cx->arena, page, "form_action", arena_printf(cx->arena, "/templates/%s/delete", t.id));
	value_set_text(cx->arena, page, "back", arena_printf(cx->arena, "/templates/%s", t.id));
	page_answer(cx, call, "desk/confirm", _("Delete a template?"), page);
	return RC_OK;
}

static enum rc archive_panel(struct cx *cx, const char *public_id)
{
	int64_t id = 0;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_get_int(cx, &id, "SELECT id FROM mail_template WHERE public_id = :id AND archived_at IS NULL",
			PARAMS(P_TEXT(":id", public_id)));
	if (rc == RC_OK)
		rc = db_run(cx,
			    "UPDATE mail_template SET archived_at = :now, updated_at = :now WHERE id = :id",
			    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	if (rc == RC_OK) rc = audit_add(cx, "archive", "mail_template", id, NULL, NULL);
	return tx_end(cx, rc);
}

enum rc template_handle_delete(struct cx *cx, struct call *call)
{
	struct mail_template t;
	struct value *out;
	int64_t job = 0;
	enum rc rc = template_of_call(cx, call, &t);

	if (rc != RC_OK) return rc;
	if (strcmp(t.source, "panel") != 0) {
		rc = template_delete_start(cx, &job, t.id);
		return rc == RC_OK ? answer_work(cx, call, t.id, job) : rc;
	}
	rc = archive_panel(cx, t.id);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE) {
		answer_flash(cx, call, "/templates", _("The template was deleted."));
		return RC_OK;
	}
	out = value_map(cx->arena);
	value_set_text(cx->arena, out, "id", t.id);
	answer_json(cx, call, 200, out);
	return RC_OK;
}

/* The test mail */

/* Which of our own roads: the usual one of sends, else plain mail. */
static const char *own_road(const struct cx *cx)
{
	const char *road = setting_text(cx->env->settings, "sends.channel");

	return strcmp(road, TEMPLATE_DOPPLER) == 0 ? "email" : road;
}

/* One number for one press of one form with these words in it; 0: the caller has no id for that. */
static int64_t press_of(struct cx *cx, const char *request_id, const char *template_id, const char *to)
{
	const char *all = arena_printf(cx->arena, "%lld\n%s\n%s\n%s", (long long)cx->actor.user_id,
				       request_id, template_id, to);
	unsigned char hash[SHA256_SIZE];
	uint64_t n = 0;

	if (request_id[0] == '\0') return 0;
	sha256(hash, all, strlen(all));
	for (int i = 0; i < 8; i++)
		n = n << 8 | hash[i];
	return (int64_t)(n & INT64_MAX);
}

/* RC_CONFLICT: this press is a mail already. */
static enum rc add_test(struct cx *cx, const struct mail_template *t, const char *road,
			const struct sender *from, const char *to, int64_t press)
{
	int64_t known = 0;
	struct value *variables = NULL;
	struct feed feed = { .channel = road,
			     .topic = "service",
			     .table = "template_test",
			     .expires_at = cx_now(cx) + TEST_LIFE_MS,
			     .priority = 1 };
	struct letter_new letter = { .from_email = from->from_email,
				     .from_name = from->from_name,
				     .reply_to = from->reply_to,
				     .provider_template = "",
				     .subject = t->subject,
				     .html = t->html[0] != '\0' ? t->html : NULL,
				     .text = t->text[0] != '\0' ? t->text : NULL,
				     .list_name = "" };
	struct feed_row row = { .address = to };
	struct sb json;
	enum rc rc = template_made_up(cx, &variables, t);

	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, variables, "email", to);
	value_set_text(cx->arena, variables, "baja", "#"); /* nobody unsubscribes by trying a template */
	sb_init_arena(&json, cx->arena, (size_t)1024 * 1024);
	json_write(&json, variables);
	rc = sb_result(&json);
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	row.variables_json = sb_text_of(&json);
	rc = batch_open(cx, &feed.batch_id,
			&(struct batch_new){
				.kind = TEST_BATCH, .title = t->name, .origin = "manual", .local_on = "" });
	if (rc == RC_OK) rc = letter_add(cx, feed.batch_id, &letter);
	row.id = press != 0 ? press : feed.batch_id; /* one a batch */
	if (rc == RC_OK) rc = outbox_feed(cx, &feed, &row, 1, &known);
	if (rc == RC_OK && known > 0) rc = RC_CONFLICT;
	if (rc == RC_OK) rc = batch_planned(cx, feed.batch_id);
	return tx_end(cx, rc);
}

enum rc template_handle_test(struct cx *cx, struct call *call)
{
	char address[MAIL_ADDRESS_SIZE];
	struct sender_ask ask = { .user_id = cx->actor.user_id };
	struct sender from = { .id = 0 };
	struct mail_template t;
	const char *to, *why = "";
	enum rc rc = form_read(cx, call);

	if (rc == RC_OK) rc = template_of_call(cx, call, &t);
	if (rc != RC_OK) return rc;
	if (strcmp(t.source, "panel") != 0)
		return cx_fail(cx, RC_BAD_INPUT, "%s",
			       _("A template of the provider is tried there, or by a send to yourself."));
	to = form_or(call, "to");
	if (mime_address(address, to, &why) != RC_OK)
		return cx_fail_field(cx, "to", "%s", words_get(cx->lang, why));
	ask.channel = own_road(cx);
	ask.from_email = t.from_email;
	ask.from_name = t.from_name;
	rc = sender_resolve(cx, &from, &ask);
	if (rc == RC_OK)
		rc = add_test(cx, &t, ask.channel, &from, address,
			      press_of(cx, form_or(call, "request_id"), t.id, address));
	if (rc == RC_CONFLICT) rc = RC_OK; /* pressed twice: it is on its way once */
	if (rc == RC_OK)
		answer_flash(cx, call, arena_printf(cx->arena, "/templates/%s", t.id),
			     _("The test mail is on its way; the outbox shows how it goes."));
	return rc;
}
