/*
** template_pages.c -- one template with its preview, row by row of a send; the routes of /templates.
**
** Needs:  template_list.c, template_form.c for the other pages; jobs for whatever asks the provider.
** Never:  waits for the network: who must know parks until the job has ended, or sees what is kept.
** Holds:  a mail's HTML is shown in a frame only (answer_frame()), never inside a page of ours.
*/
#include "sends/template_inner.h"
#include "base/text.h"
#include "desk/inner.h"
#include "sends/doppler.h"

#include <stdio.h>
#include <string.h>

#define EDIT_BODY ((size_t)2 * 1024 * 1024) /* HTML and text of 256 KiB each, percent-encoded at worst */

static const char *text_at(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

/* One of them */

enum rc template_of_call(struct cx *cx, struct call *call, struct mail_template *out)
{
	const char *id = call_param(call, "id");
	int64_t is_panel = 0;
	enum rc rc = db_get_int(
		cx, &is_panel,
		"SELECT EXISTS (SELECT 1 FROM mail_template WHERE public_id = :id AND archived_at IS NULL)",
		PARAMS(P_TEXT(":id", id)));

	if (rc != RC_OK) return rc;
	return mail_template_read(cx, out, is_panel ? "email" : TEMPLATE_DOPPLER, id, false);
}

bool template_has_unsubscribe(struct cx *cx, const struct mail_template *t)
{
	struct template_names names = { .count = 0 };
	const char *before = cx->message;

	if (template_names_of(cx, &names, t) != RC_OK) cx->message = before;
	for (size_t i = 0; i < names.count; i++)
		if (strcmp(names.at[i].name, "baja") == 0) return true;
	return false;
}

enum rc template_look_again(struct cx *cx, struct call *call, const struct mail_template *t, bool *waits)
{
	int64_t body_at = 0, job = 0;
	struct template_work work;
	const char *before = cx->message;
	enum rc rc;

	*waits = false;
	if (strcmp(t->channel, TEMPLATE_DOPPLER) != 0) return RC_OK;
	if (call_is_again(call)) {
		rc = template_newest_job(cx, &job, arena_printf(cx->arena, "sends.template:%s", t->id));
		if (rc == RC_OK) rc = template_work_read(cx, &work, job);
		if (rc == RC_NOT_FOUND)
			rc = RC_OK;
		else if (rc == RC_OK)
			*waits = !work.is_over && template_waited_ms(call) < TEMPLATE_LOOK_MS;
		return rc;
	}
	rc = db_get_int(
		cx, &body_at,
		"SELECT body_at FROM provider_template WHERE channel = 'doppler' AND provider_id = :id",
		PARAMS(P_TEXT(":id", t->id)));
	if (rc != RC_OK || (t->has_body && cx_now(cx) - body_at < TEMPLATE_FRESH_MS)) return rc;
	rc = template_fetch_start(cx, &job, t->id);
	if (rc == RC_OK || rc == RC_CONFLICT) *waits = !t->has_body;
	if (rc == RC_CONFLICT || rc == RC_BAD_INPUT || rc == RC_TRY_LATER) rc = RC_OK;
	cx->message = before; /* what is kept will do */
	return rc;
}

/* A row of a send */

struct row {
	const char *send; /* public id */
	int64_t number, previous, next;
	const char *recipient;
	struct value *variables;
};

static int64_t query_number(struct call *call, const char *name)
{
	const char *text = call_query(call, name);
	struct value given = { .type = VALUE_TEXT, .text = text, .len = text != NULL ? strlen(text) : 0 };

	return text != NULL ? value_int_of(&given, 0) : 0;
}

/* The row asked for, or the first that may be sent. RC_NOT_FOUND: the send has none. */
static enum rc read_row(struct cx *cx, struct call *call, struct row *out)
{
	const char *send = call_query(call, "send");
	int64_t wanted = query_number(call, "row");
	struct value *row = NULL;
	const char *json;
	enum rc rc;

	*out = (struct row){ .send = send };
	if (send == NULL || send[0] == '\0') return RC_OK;
	rc = db_row(
		cx, &row,
		"SELECT r.row_number, r.recipient, coalesce(r.normalized, r.recipient) AS address, r.payload_json,"
		" (SELECT max(p.row_number) FROM bulk_recipient p WHERE p.bulk_id = r.bulk_id AND p.import_version ="
		" r.import_version AND p.row_number < r.row_number AND p.error_code = '') AS previous,"
		" (SELECT min(n.row_number) FROM bulk_recipient n WHERE n.bulk_id = r.bulk_id AND n.import_version ="
		" r.import_version AND n.row_number > r.row_number AND n.error_code = '') AS next"
		" FROM bulk_send b JOIN bulk_recipient r ON r.bulk_id = b.id AND r.import_version = b.import_version"
		" WHERE b.public_id = :send AND b.archived_at IS NULL AND r.row_number >= :row AND r.error_code = ''"
		" ORDER BY r.row_number LIMIT 1",
		PARAMS(P_TEXT(":send", send), P_INT(":row", wanted)));
	if (rc == RC_NOT_FOUND)
		return cx_fail(cx, rc, "%s", _("This send has no such row, or none that can be sent."));
	if (rc != RC_OK) return rc;
	out->number = value_int_of(value_get(row, "row_number"), 0);
	out->previous = value_int_of(value_get(row, "previous"), 0);
	out->next = value_int_of(value_get(row, "next"), 0);
	out->recipient = text_at(row, "recipient");
	json = text_at(row, "payload_json");
	if (json_parse(cx->arena, &out->variables, NULL, json, strlen(json)) != RC_OK ||
	    out->variables->type != VALUE_MAP)
		out->variables = value_map(cx->arena);
	if (value_get(out->variables, "email") == NULL)
		value_set_text(cx->arena, out->variables, "email", text_at(row, "address"));
	return RC_OK;
}

/* Showing */

void template_answer_frame(struct cx *cx, struct call *call, enum rc rc, const char *html, const char *text)
{
	struct sb page;

	if (rc == RC_OK && html[0] != '\0') {
		answer_frame(cx, call, html);
		return;
	}
	if (rc != RC_OK)
		text = cx_sentence(cx, rc);
	else if (text[0] == '\0')
		text = _("There is nothing to show.");
	sb_init_arena(&page, cx->arena, (size_t)4 * 1024 * 1024);
	/* Nothing that needs a style of its own: this is our page, not somebody's mail. */
	sb_lit(&page, "<!doctype html><meta charset=\"utf-8\"><p>");
	for (;;) {
		size_t line = strcspn(text, "\n");

		sb_html(&page, text, line);
		if (text[line] == '\0') break;
		sb_lit(&page, "<br>");
		text += line + 1;
	}
	sb_lit(&page, "</p>");
	answer_frame(cx, call, sb_text_of(&page));
}

static enum rc handle_sample(struct cx *cx, struct call *call)
{
	struct mail_template t;
	struct row row = { .send = NULL };
	const char *html = "", *text = "", *subject = "";
	enum rc rc = template_of_call(cx, call, &t);

	if (rc == RC_OK) rc = read_row(cx, call, &row);
	if (rc == RC_OK) rc = template_preview(cx, &html, &text, &subject, &t, row.variables);
	if (rc == RC_BUG || rc == RC_NO_MEMORY || rc == RC_IO) return rc;
	template_answer_frame(cx, call, rc, html, text);
	return RC_OK;
}

/* Names that the row does not have, to be told beside the preview. */
static void add_variables(struct cx *cx, struct value *page, const struct value *list, const struct row *row)
{
	struct value *out = value_set_list(cx->arena, page, "variables"),
		     *missing = value_set_list(cx->arena, page, "missing");

	for (const struct value *v = list->first; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, out);
		const char *name = text_at(v, "name");
		bool is_optional = value_bool_of(value_get(v, "is_optional"), false);
		const struct value *has = row->variables != NULL ? value_path(row->variables, name) : NULL;

		if (has == NULL && row->variables != NULL) has = value_get(row->variables, name);
		value_set_text(cx->arena, one, "name", name);
		value_set_bool(cx->arena, one, "is_optional", is_optional);
		value_set_bool(cx->arena, one, "is_in_subject",
			       value_bool_of(value_get(v, "is_in_subject"), false));
		value_set_text(cx->arena, one, "sample", value_text_of(has, ""));
		if (row->variables != NULL && !is_optional && value_text_of(has, "")[0] == '\0')
			value_add_text(cx->arena, missing, name);
	}
	value_set_bool(cx->arena, page, "has_variables", out->count > 0);
	value_set_bool(cx->arena, page, "has_missing", missing->count > 0);
}

static void add_row(struct cx *cx, struct value *page, const struct mail_template *t, const struct row *row)
{
	const char *base = arena_printf(cx->arena, "/templates/%s", t->id);

	value_set_text(cx->arena, page, "sample", arena_printf(cx->arena, "%s/sample", base));
	if (row->variables == NULL) return;
	value_set_text(cx->arena, page, "sample",
		       arena_printf(cx->arena, "%s/sample?send=%s&row=%lld", base, row->send,
				    (long long)row->number));
	value_set_bool(cx->arena, page, "has_row", true);
	value_set_int(cx->arena, page, "row", row->number);
	value_set_text(cx->arena, page, "recipient", row->recipient);
	value_set_text(cx->arena, page, "send_href", arena_printf(cx->arena, "/sends/%s", row->send));
	if (row->previous != 0)
		value_set_text(cx->arena, page, "previous",
			       arena_printf(cx->arena, "%s?send=%s&row=%lld", base, row->send,
					    (long long)row->previous));
	if (row->next != 0)
		value_set_text(cx->arena, page, "next",
			       arena_printf(cx->arena, "%s?send=%s&row=%lld", base, row->send,
					    (long long)row->next));
}

struct shown {
	struct mail_template t;
	struct row row;
	struct value *variables;
	const char *html, *text, *subject;
	enum rc failed; /* of reading it: cx has the sentence */
};

/* Of an unreadable template the page still shows what it is. RC_TRY_LATER with parked set: called again. */
static enum rc read_shown(struct cx *cx, struct call *call, struct shown *s, bool *parked)
{
	enum rc rc = template_of_call(cx, call, &s->t);

	*parked = false;
	if (rc == RC_OK) rc = template_look_again(cx, call, &s->t, parked);
	if (rc != RC_OK || *parked) return rc;
	rc = read_row(cx, call, &s->row);
	if (rc != RC_OK) return rc;
	s->html = s->text = s->subject = "";
	s->variables = value_list(cx->arena);
	s->failed = template_variables(cx, &s->variables, &s->t);
	if (s->failed == RC_OK)
		s->failed = template_preview(cx, &s->html, &s->text, &s->subject, &s->t, s->row.variables);
	return s->failed == RC_BUG || s->failed == RC_NO_MEMORY ? s->failed : RC_OK;
}

static enum rc one_json(struct cx *cx, struct call *call, struct shown *s)
{
	struct value *out = value_map(cx->arena);
	bool is_panel = strcmp(s->t.source, "panel") == 0;

	if (s->failed != RC_OK) cx->message = "";
	value_set_text(cx->arena, out, "id", s->t.id);
	value_set_text(cx->arena, out, "name", s->t.name);
	value_set_text(cx->arena, out, "source", is_panel ? "panel" : "doppler");
	value_set_text(cx->arena, out, "subject", s->t.subject);
	value_set_text(cx->arena, out, "from_email", s->t.from_email);
	value_set_text(cx->arena, out, "from_name", s->t.from_name);
	value_set_text(cx->arena, out, "html", s->t.html);
	value_set_text(cx->arena, out, "text", s->t.text);
	value_set_text(cx->arena, out, "body_type", s->t.body_type);
	value_set(out, "variables", s->variables);
	answer_json(cx, call, 200, out);
	return RC_OK;
}

static enum rc show_page(struct cx *cx, struct call *call, struct shown *s)
{
	struct value *page = value_map(cx->arena);
	const struct mail_template *t = &s->t;
	bool is_panel = strcmp(t->source, "panel") == 0;
	char press[PUBLIC_ID_SIZE];
	const char *own = "";

	if (s->failed != RC_OK) {
		value_set_text(cx->arena, page, "failure", cx_sentence(cx, s->failed));
		cx->message = "";
	}
	trail_add(cx, page, _("Mail templates"), "/templates");
	value_set_text(cx->arena, page, "id", t->id);
	value_set_text(cx->arena, page, "kind", is_panel ? _("Of the panel") : "Doppler Relay");
	value_set_text(cx->arena, page, "subject", s->failed == RC_OK ? s->subject : t->subject);
	value_set_text(cx->arena, page, "sender",
		       t->from_name[0] != '\0'
			       ? arena_printf(cx->arena, "%s <%s>", t->from_name, t->from_email)
			       : t->from_email);
	value_set_text(cx->arena, page, "text", s->text);
	value_set_bool(cx->arena, page, "is_panel", is_panel);
	value_set_bool(cx->arena, page, "has_body", t->has_body && s->failed == RC_OK);
	value_set_bool(cx->arena, page, "is_unread", !t->has_body);
	value_set_bool(cx->arena, page, "lacks_unsubscribe",
		       is_panel && s->failed == RC_OK && !template_has_unsubscribe(cx, t));
	value_set_bool(cx->arena, page, "is_editor", strcasestr(t->body_type, "mseditor") != NULL);
	value_set_bool(cx->arena, page, "may_edit", actor_may(&cx->actor, RIGHT_TEMPLATES));
	value_set_bool(cx->arena, page, "may_send", actor_may(&cx->actor, RIGHT_EDIT));
	value_set_text(cx->arena, page, "road", is_panel ? "email" : TEMPLATE_DOPPLER);
	if (is_panel && cx->actor.user_id != 0 &&
	    db_get_text(cx, &own, "SELECT coalesce(email, '') FROM user WHERE id = :id",
			PARAMS(P_INT(":id", cx->actor.user_id))) == RC_OK)
		value_set_text(cx->arena, page, "own_address", own);
	public_id_new(press);
	value_set_text(cx->arena, page, "request_id", press);
	add_variables(cx, page, s->variables, &s->row);
	add_row(cx, page, t, &s->row);
	page_answer(cx, call, "sends/template", t->name[0] != '\0' ? t->name : t->id, page);
	return RC_OK;
}

/* The mail as the row makes it (spec §18). */
static enum rc handle_preview(struct cx *cx, struct call *call)
{
	struct shown s;
	struct value *out = value_map(cx->arena), *list;
	bool parked = false;
	enum rc rc = read_shown(cx, call, &s, &parked);

	if (rc != RC_OK) return rc;
	if (parked) {
		answer_later(call, TEMPLATE_PARK_MS);
		return RC_OK;
	}
	if (call_shape(call) == SHAPE_PAGE) return show_page(cx, call, &s);
	if (s.failed != RC_OK) return s.failed;
	/* What was read while the caller waited is as good as asked by itself. */
	value_set_text(cx->arena, out, "source",
		       call_is_again(call) && strcmp(s.t.source, "cache") == 0 ? "api" : s.t.source);
	value_set_text(cx->arena, out, "subject", s.subject);
	value_set_text(cx->arena, out, "html", s.html);
	value_set_text(cx->arena, out, "text", s.text);
	list = value_map(cx->arena);
	add_variables(cx, list, s.variables, &s.row);
	value_set(out, "missing", (struct value *)(uintptr_t)value_get(list, "missing"));
	answer_json(cx, call, 200, out);
	return RC_OK;
}

static enum rc handle_one(struct cx *cx, struct call *call)
{
	struct shown s;
	bool parked = false;
	enum rc rc = read_shown(cx, call, &s, &parked);

	if (rc != RC_OK) return rc;
	if (parked) {
		answer_later(call, TEMPLATE_PARK_MS);
		return RC_OK;
	}
	return call_shape(call) == SHAPE_PAGE ? show_page(cx, call, &s) : one_json(cx, call, &s);
}

/* How a save or a deletion at the provider goes; when it is over, where its template is. */
static enum rc handle_work(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena);
	struct template_work work;
	const char *job = call_param(call, "job");
	struct value given = { .type = VALUE_TEXT, .text = job, .len = strlen(job) };
	enum rc rc = template_work_read(cx, &work, value_int_of(&given, 0));

	if (rc != RC_OK) return rc;
	if (!work.is_over && template_waited_ms(call) < TEMPLATE_LOOK_MS) {
		answer_later(call, TEMPLATE_PARK_MS);
		return RC_OK;
	}
	if (work.is_over && work.is_well) {
		answer_flash(cx, call,
			     work.id[0] != '\0' ? arena_printf(cx->arena, "/templates/%s", work.id)
						: "/templates",
			     work.sentence);
		return RC_OK;
	}
	trail_add(cx, page, _("Mail templates"), "/templates");
	value_set_bool(cx->arena, page, "is_over", work.is_over);
	value_set_text(cx->arena, page, "sentence", work.sentence);
	if (!work.is_over) answer_header(call, "Refresh", "2");
	page_answer(cx, call, "sends/template_work", _("At the provider"), page);
	return RC_OK;
}

static const struct fact list_takes[] = {
	{ .name = "q", .type = FACT_TEXT, .max = 100, .help = N_("Words of name, subject or id.") },
	{ .name = "source", .type = FACT_TEXT, .choices = "doppler|panel" },
	{ .name = "refresh", .type = FACT_TEXT, .choices = "1", .help = N_("Ask the provider now.") },
	{ .name = "limit",
	  .type = FACT_INT,
	  .min = 1,
	  .max = TEMPLATE_LIST_MAX,
	  .help = N_("Not needed: all are given.") },
	{ .name = NULL },
};
static const struct fact list_gives[] = {
	{ .name = "data", .type = FACT_MAPS, .is_needed = true },
	{ .name = "is_stale",
	  .type = FACT_BOOL,
	  .is_needed = true,
	  .help = N_("The provider's list is older than 5 minutes.") },
	{ .name = "why", .type = FACT_TEXT, .help = N_("Why the provider's list could not be read.") },
	{ .name = "listed_at", .type = FACT_INSTANT },
	{ .name = NULL },
};
static const struct fact row_takes[] = {
	{ .name = "send",
	  .type = FACT_TEXT,
	  .max = 60,
	  .help = N_("A send: with the variables of its rows.") },
	{ .name = "row", .type = FACT_INT, .min = 1, .max = 250000, .help = N_("Which row of it.") },
	{ .name = NULL },
};
static const struct fact one_gives[] = {
	{ .name = "id", .type = FACT_TEXT, .is_needed = true },
	{ .name = "name", .type = FACT_TEXT, .is_needed = true },
	{ .name = "source", .type = FACT_TEXT, .is_needed = true, .choices = "doppler|panel" },
	{ .name = "subject", .type = FACT_TEXT, .is_needed = true },
	{ .name = "from_email", .type = FACT_TEXT, .is_needed = true },
	{ .name = "from_name", .type = FACT_TEXT, .is_needed = true },
	{ .name = "html", .type = FACT_TEXT, .is_needed = true },
	{ .name = "text", .type = FACT_TEXT, .is_needed = true },
	{ .name = "body_type", .type = FACT_TEXT, .is_needed = true },
	{ .name = "variables", .type = FACT_MAPS, .is_needed = true },
	{ .name = NULL },
};
static const struct fact preview_gives[] = {
	{ .name = "source", .type = FACT_TEXT, .is_needed = true, .choices = "api|cache|empty|panel" },
	{ .name = "subject", .type = FACT_TEXT, .is_needed = true },
	{ .name = "html", .type = FACT_TEXT, .is_needed = true },
	{ .name = "text", .type = FACT_TEXT, .is_needed = true },
	{ .name = "missing",
	  .type = FACT_TEXTS,
	  .is_needed = true,
	  .help = N_("Variables that the row does not have.") },
	{ .name = NULL },
};
static const struct fact save_takes[] = {
	{ .name = "source",
	  .type = FACT_TEXT,
	  .choices = "doppler|panel",
	  .help = N_("Where a new one is kept; usually panel.") },
	{ .name = "name", .type = FACT_TEXT, .is_needed = true, .max = TEMPLATE_FIELD_MAX },
	{ .name = "subject", .type = FACT_TEXT, .is_needed = true, .max = TEMPLATE_FIELD_MAX },
	{ .name = "from_email", .type = FACT_TEXT, .max = TEMPLATE_FIELD_MAX },
	{ .name = "from_name", .type = FACT_TEXT, .max = TEMPLATE_FIELD_MAX },
	{ .name = "html", .type = FACT_TEXT },
	{ .name = "text", .type = FACT_TEXT },
	{ .name = NULL },
};
static const struct fact done_gives[] = {
	{ .name = "id",
	  .type = FACT_TEXT,
	  .help = N_("Of the template; of a new one at the provider it is told by its work.") },
	{ .name = "job", .type = FACT_INT, .help = N_("The work that does it at the provider.") },
	{ .name = NULL },
};
static const struct fact nothing[] = { { .name = NULL } };
static const struct fact test_takes[] = {
	{ .name = "to",
	  .type = FACT_TEXT,
	  .is_needed = true,
	  .max = 254,
	  .help = N_("An address of your own.") },
	{ .name = "request_id",
	  .type = FACT_TEXT,
	  .max = 64,
	  .help = N_("Your own name for this request: the same one again makes no second mail.") },
	{ .name = NULL },
};
static const struct fact test_gives[] = {
	{ .name = "message", .type = FACT_TEXT, .is_needed = true },
	{ .name = "path", .type = FACT_TEXT, .is_needed = true },
	{ .name = NULL },
};

#define ROW(m, p, r, h, help_, in, out)                                                           \
	{                                                                                         \
		.method = m, .path = p, .realm = REALM_STAFF, .right = r, .class = ROUTE_DB,      \
		.has_token = m[0] != 'G', .body_max = m[0] != 'G' ? EDIT_BODY : 0, .help = help_, \
		.handle = h, .takes = in, .gives = out                                            \
	}
#define PEOPLE(m, p, r, h, help_)                                                                 \
	{                                                                                         \
		.method = m, .path = p, .realm = REALM_STAFF, .right = r, .class = ROUTE_DB,      \
		.has_token = m[0] != 'G', .body_max = m[0] != 'G' ? EDIT_BODY : 0, .help = help_, \
		.handle = h, .no_api = true                                                       \
	}

const struct route template_routes[] = {
	{ .method = "GET",
	  .path = "/templates",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_DB,
	  .menu = N_("Mail templates"),
	  .menu_order = MENU_MAIL_TEMPLATES,
	  .help = N_("The provider's templates and the panel's"),
	  .handle = template_handle_list,
	  .takes = list_takes,
	  .gives = list_gives },
	PEOPLE("GET", "/templates/new", RIGHT_TEMPLATES, template_handle_new, N_("Form for a new template")),
	ROW("POST", "/templates", RIGHT_TEMPLATES, template_handle_create, N_("Make a template"), save_takes,
	    done_gives),
	PEOPLE("POST", "/templates/sample", RIGHT_TEMPLATES, template_handle_draft,
	       N_("What is being written, as a mail, for a frame")),
	PEOPLE("GET", "/templates/work/:job", RIGHT_TEMPLATES, handle_work,
	       N_("How saving at the provider goes")),
	ROW("GET", "/templates/:id", RIGHT_VIEW, handle_one, N_("One template, with preview"), row_takes,
	    one_gives),
	ROW("GET", "/templates/:id/preview", RIGHT_VIEW, handle_preview, N_("The mail as a row makes it"),
	    row_takes, preview_gives),
	PEOPLE("GET", "/templates/:id/sample", RIGHT_VIEW, handle_sample, N_("The mail itself, for a frame")),
	PEOPLE("GET", "/templates/:id/edit", RIGHT_TEMPLATES, template_handle_edit,
	       N_("Form to change a template")),
	ROW("POST", "/templates/:id", RIGHT_TEMPLATES, template_handle_save, N_("Change a template"),
	    save_takes, done_gives),
	PEOPLE("GET", "/templates/:id/delete", RIGHT_TEMPLATES, template_handle_delete_ask,
	       N_("Delete a template?")),
	ROW("POST", "/templates/:id/delete", RIGHT_TEMPLATES, template_handle_delete, N_("Delete a template"),
	    nothing, done_gives),
	ROW("POST", "/templates/:id/test", RIGHT_TEMPLATES, template_handle_test,
	    N_("Send a test mail to oneself"), test_takes, test_gives),
	{ .method = NULL },
};
