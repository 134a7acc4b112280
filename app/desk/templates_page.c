/*
** templates_page.c -- the texts of messages: listed, edited, tried out with made-up values.
**
** Needs:  outbox.h, which checks, versions and renders them.
** Never:  compiles a template itself.
** Holds:  the preview is made by the same function that writes the real message.
*/
#include "desk/inner.h"

#include <string.h>

#define FAMILIES_MAX  20    /* one a module, and the house's own                        */
#define TEMPLATES_MAX 300   /* five modules of a dozen texts in a few languages          */
#define KNOWN_MAX     60    /* variables of one family                                  */
#define BODY_MAX      20000 /* bytes looked at for names: templates are far shorter      */

static const struct template_family *families[FAMILIES_MAX];
static size_t family_count;

void desk_template_family(const struct template_family *family)
{
	for (size_t i = 0; i < family_count; i++)
		if (families[i] == family) return;
	if (family_count < FAMILIES_MAX) families[family_count++] = family;
}

static const struct template_family *family_of(const char *name)
{
	for (size_t i = 0; i < family_count; i++)
		if (strncmp(name, families[i]->prefix, strlen(families[i]->prefix)) == 0) return families[i];
	return NULL;
}

/* Variables */

static bool has_name(const char *const *known, size_t n, const char *p, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(known[i], p, len) == 0 && known[i][len] == '\0') return true;
	return false;
}

/* Names between {{ and }} of a body, added to known. */
static size_t add_names(struct cx *cx, const char *body, const char **known, size_t n)
{
	const char *p = body;

	while ((p = strstr(p, "{{")) != NULL && p - body < BODY_MAX && n < KNOWN_MAX) {
		size_t len;

		p += 2;
		p += strspn(p, "{#^/& ");
		len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
		if (len > 0 && !has_name(known, n, p, len)) known[n++] = arena_bytes(cx->arena, p, len);
		p += len;
	}
	return n;
}

/* The variables of a template's module: what it told, else those of its built-in texts (version 1 of each).
 */
static enum rc known_of(struct cx *cx, const char *name, const char *module, const char *const **out)
{
	const struct template_family *family = family_of(name);
	const char **known;
	struct query *q = NULL;
	size_t n = 0;
	enum rc rc;

	if (family != NULL) {
		*out = family->known;
		return RC_OK;
	}
	known = arena_array(cx->arena, KNOWN_MAX + 1, sizeof *known);
	if (known == NULL) return RC_NO_MEMORY;
	rc = db_query(
		cx, &q,
		"SELECT v.body FROM template t JOIN template_version v ON v.id = (SELECT min(x.id) FROM template_version x"
		" WHERE x.template_id = t.id) WHERE t.module = :module",
		PARAMS(P_TEXT(":module", module)));
	while (rc == RC_OK && query_next(q))
		n = add_names(cx, query_text(q, 0), known, n);
	rc = query_end(q, rc);
	*out = known;
	return rc;
}

static struct value *sample_of(struct cx *cx, const char *name, const char *const *known)
{
	const struct template_family *family = family_of(name);
	struct value *out = value_map(cx->arena);

	if (family != NULL && family->sample != NULL) {
		/* Which text is shown: "7 days before" is not tried with three. */
		value_set_text(cx->arena, out, "_name", name);
		family->sample(cx, out);
		return out;
	}
	for (; *known != NULL; known++) /* «name»: where it will stand is what the preview can tell */
		value_set_text(cx->arena, out, *known, arena_printf(cx->arena, "«%s»", *known));
	return out;
}

/* List */

/* The text with made-up values: what a person wants to see. The text itself when that does not work. */
static void set_example(struct cx *cx, const struct value *row, struct value *out)
{
	const char *name = value_text_of(value_get(row, "name"), "");
	const char *body = value_text_of(value_get(row, "body"), ""), *shown = body, *before = cx->message;
	const char *const *known = NULL;

	if (known_of(cx, name, value_text_of(value_get(row, "module"), ""), &known) == RC_OK &&
	    template_render_body(cx, &shown, body, known, sample_of(cx, name, known)) != RC_OK)
		shown = body;
	cx->message = before;
	value_set_text(cx->arena, out, "example", shown);
}

enum rc handle_templates(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *rows = NULL, *list;
	enum rc rc = db_rows(
		cx, &rows, TEMPLATES_MAX,
		"SELECT t.name AS name, t.module AS module, t.title AS title, t.is_edited AS is_edited,"
		" t.updated_at AS updated_at, v.body AS body FROM template t JOIN template_version v"
		" ON v.id = t.version_id ORDER BY t.module, t.id LIMIT :max",
		PARAMS(P_INT(":max", TEMPLATES_MAX)));

	if (rc != RC_OK) return rc;
	list = value_set_list(cx->arena, page, call_shape(call) == SHAPE_JSON ? "data" : "templates");
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *out = value_add_map(cx->arena, list);
		const char *name = value_text_of(value_get(v, "name"), "");
		char at[RFC3339_SIZE];

		value_set_text(cx->arena, out, "name", name);
		value_set_text(cx->arena, out, "module", value_text_of(value_get(v, "module"), ""));
		value_set_text(cx->arena, out, "title",
			       words_get(cx->lang, value_text_of(value_get(v, "title"), "")));
		value_set_text(cx->arena, out, "body", value_text_of(value_get(v, "body"), ""));
		if (call_shape(call) == SHAPE_PAGE) set_example(cx, v, out);
		value_set_text(cx->arena, out, "href", arena_printf(cx->arena, "/texts/%s", name));
		value_set_bool(cx->arena, out, "is_edited", value_int_of(value_get(v, "is_edited"), 0) != 0);
		if (call_shape(call) == SHAPE_JSON)
			instant_text(at, value_int_of(value_get(v, "updated_at"), 0));
		else
			instant_text_local(at, value_int_of(value_get(v, "updated_at"), 0), cx->env->zone);
		value_set_text(cx->arena, out, "updated_at", at);
	}
	if (call_shape(call) == SHAPE_JSON) {
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	value_set_bool(cx->arena, page, "is_empty", list->count == 0);
	page_answer(cx, call, "desk/templates", _("Message texts"), page);
	return RC_OK;
}

/* One text */

struct text {
	const char *name, *title, *module, *body;
	const char *const *known;
};

static enum rc text_read(struct cx *cx, struct call *call, struct text *out)
{
	struct value *row = NULL;
	enum rc rc;

	out->name = call_param(call, "name");
	rc = db_row(
		cx, &row,
		"SELECT t.title AS title, t.module AS module, v.body AS body FROM template t JOIN template_version v"
		" ON v.id = t.version_id WHERE t.name = :name",
		PARAMS(P_TEXT(":name", out->name)));
	if (rc != RC_OK) return rc;
	out->title = words_get(cx->lang, value_text_of(value_get(row, "title"), ""));
	out->module = value_text_of(value_get(row, "module"), "");
	out->body = value_text_of(value_get(row, "body"), "");
	return known_of(cx, out->name, out->module, &out->known);
}

/* failed: what saving said. With RC_OK a preview of body is shown. */
static enum rc text_page(struct cx *cx, struct call *call, const struct text *t, const char *body,
			 enum rc failed)
{
	struct value *page = value_map(cx->arena), *list = value_set_list(cx->arena, page, "variables");
	const struct value *sample = sample_of(cx, t->name, t->known);
	const char *preview = "";

	for (const char *const *k = t->known; *k != NULL; k++) {
		struct value *one = value_add_map(cx->arena, list);
		const struct value *v = value_get(sample, *k);

		value_set_text(cx->arena, one, "name", *k);
		value_set_text(cx->arena, one, "tag", arena_printf(cx->arena, "{{%s}}", *k));
		value_set_text(cx->arena, one, "sample", value_text_of(v, ""));
	}
	if (failed == RC_OK) failed = template_render_body(cx, &preview, body, t->known, sample);
	trail_add(cx, page, _("Message texts"), "/texts");
	value_set_text(cx->arena, page, "form_action", arena_printf(cx->arena, "/texts/%s", t->name));
	value_set_text(cx->arena, page, "body", body);
	if (failed == RC_OK)
		value_set_text(cx->arena, page, "preview", preview);
	else
		value_set_text(cx->arena, page, "failure", cx_sentence(cx, failed));
	value_set_bool(cx->arena, page, "may_edit", actor_may(&cx->actor, "templates.edit"));
	page_answer(cx, call, "desk/template", t->title, page);
	if (failed != RC_OK) reply_status(call_reply(call), 422);
	return RC_OK;
}

enum rc handle_template(struct cx *cx, struct call *call)
{
	struct text t;
	struct value *out;
	enum rc rc = text_read(cx, call, &t);

	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE) return text_page(cx, call, &t, t.body, RC_OK);
	out = value_map(cx->arena);
	value_set_text(cx->arena, out, "name", t.name);
	value_set_text(cx->arena, out, "title", t.title);
	value_set_text(cx->arena, out, "body", t.body);
	answer_json(cx, call, 200, out);
	return RC_OK;
}

static enum rc save_or_preview(struct cx *cx, const struct text *t, const char *body, bool is_preview,
			       const char **preview)
{
	if (is_preview)
		return template_render_body(cx, preview, body, t->known, sample_of(cx, t->name, t->known));
	return template_save(cx, t->name, body, t->known);
}

enum rc handle_template_save(struct cx *cx, struct call *call)
{
	struct text t;
	struct value *out;
	const char *body, *preview = "";
	bool is_preview;
	enum rc rc = text_read(cx, call, &t);

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc != RC_OK) return rc;
	body = form_text(call, "body");
	if (body == NULL) body = "";
	is_preview = form_text(call, "preview") != NULL;
	rc = save_or_preview(cx, &t, body, is_preview, &preview);
	if (call_shape(call) == SHAPE_PAGE) {
		if (is_preview || rc == RC_BAD_INPUT || rc == RC_TOO_LARGE)
			return text_page(cx, call, &t, body, rc);
		if (rc == RC_OK)
			answer_flash(cx, call, arena_printf(cx->arena, "/texts/%s", t.name),
				     _("The text was saved; messages from now on use it."));
		return rc;
	}
	if (rc != RC_OK) return rc;
	out = value_map(cx->arena);
	value_set_text(cx->arena, out, "name", t.name);
	if (is_preview) value_set_text(cx->arena, out, "preview", preview);
	answer_json(cx, call, 200, out);
	return RC_OK;
}
