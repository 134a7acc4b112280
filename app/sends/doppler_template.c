/*
** doppler_template.c -- templates at Doppler Relay: list, one with its body, save, delete (contract §6).
**
** Owns:   nothing.
** Needs:  doppler_ask.
** Holds:  (1) a body travels by its own call only; (2) an id that is none never gets into an address.
*/
#include "sends/doppler_inside.h"

#include "base/text.h"

#include <string.h>

#define BODY_MAX ((size_t)2 * 1024 * 1024) /* 512 KiB of HTML, escaped at worst */

static const char *text_in(struct arena *a, const struct value *v, const char *name)
{
	return arena_text(a, value_text_of(value_get(v, name), ""));
}

/* Where an answer may have the HTML (spec bulk-sends §5); the first that has any. */
const char *doppler_body_of(const struct value *json)
{
	static const char *const nests[] = { NULL, "template", "data", "attributes", "message", "resource" };
	static const char *const names[] = { "html", "htmlContent", "body", "content", "textContent" };

	for (size_t i = 0; i < sizeof(nests) / sizeof(*nests); i++) {
		const struct value *v = nests[i] == NULL ? json : value_get(json, nests[i]);

		for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
			const char *text = value_text_of(value_get(v, names[k]), "");

			if (*text != '\0') return text;
		}
	}
	return NULL;
}

bool doppler_read_template(struct arena *a, struct doppler_template *out, const struct value *v)
{
	const struct value *id = value_get(v, "id");

	memset(out, 0, sizeof(*out));
	out->id = id != NULL && id->type == VALUE_INT ? arena_printf(a, "%lld", (long long)id->integer)
						      : text_in(a, v, "id");
	out->name = text_in(a, v, "name");
	out->subject = text_in(a, v, "subject");
	out->from_email = text_in(a, v, "from_email");
	out->from_name = text_in(a, v, "from_name");
	out->body_type = text_in(a, v, "bodyType");
	return doppler_is_template_id(out->id);
}

struct listing {
	doppler_template_fn *each;
	void *arg;
};

/* One without a usable id is passed over: nothing could be done with it. */
static enum rc one_listed(struct cx *cx, void *arg, const struct value *v)
{
	struct listing *l = arg;
	struct doppler_template t;

	if (!doppler_read_template(cx->arena, &t, v)) return RC_OK;
	return l->each(cx, l->arg, &t);
}

enum rc doppler_templates(struct cx *cx, doppler_template_fn *each, void *arg)
{
	struct listing l = { each, arg };

	return doppler_each(cx, "doppler.templates", "/templates?per_page=200", one_listed, &l);
}

static const char *gone(struct cx *cx)
{
	return _("Doppler Relay has no such template: it may have been deleted there.");
}

static enum rc check_id(struct cx *cx, const char *id)
{
	return id != NULL && doppler_is_template_id(id) ? RC_OK : cx_fail(cx, RC_NOT_FOUND, "%s", gone(cx));
}

static enum rc fetch_body(struct cx *cx, struct doppler_template *t)
{
	struct doppler_reply r = { .json = NULL };
	struct doppler_call call = { .purpose = "doppler.template_body",
				     .method = "GET",
				     .path = arena_join(cx->arena, "/templates/", t->id, "/body", NULL),
				     .is_account = true,
				     .missing = gone(cx) };
	enum rc rc = doppler_ask(cx, &r, &call);

	if (rc == RC_OK) t->body = doppler_body_of(r.json);
	/* Read, and without a word in it: an empty one, so that nobody takes it for unread. */
	if (rc == RC_OK && t->body == NULL && r.json != NULL) t->body = "";
	if (rc == RC_OK && t->body == NULL) {
		cx->error_code = "response_unparseable";
		rc = cx_fail(cx, RC_TRY_LATER, "%s",
			     _("Doppler Relay gave an answer that cannot be read: try again later."));
	}
	return rc;
}

enum rc doppler_template_get(struct cx *cx, struct doppler_template *out, const char *id)
{
	struct doppler_reply r = { .json = NULL };
	struct doppler_call call = { .purpose = "doppler.template", .method = "GET", .is_account = true };
	const struct value *v;
	enum rc rc = check_id(cx, id);

	memset(out, 0, sizeof(*out));
	if (rc != RC_OK) return rc;
	call.missing = gone(cx);
	call.path = arena_join(cx->arena, "/templates/", id, NULL);
	rc = doppler_ask(cx, &r, &call);
	if (rc != RC_OK) return rc;
	v = value_get(r.json, "id") == NULL && value_get(r.json, "template") != NULL
		    ? value_get(r.json, "template")
		    : r.json;
	if (!doppler_read_template(cx->arena, out, v)) out->id = arena_text(cx->arena, id);
	out->body = doppler_body_of(r.json);
	return out->body != NULL ? RC_OK : fetch_body(cx, out);
}

/* Saving */

static void member(struct sb *b, const char *name, const char *text)
{
	sb_text(b, name);
	sb_json(b, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

static enum rc save_fields(struct cx *cx, const char **new_id, const struct doppler_template *t, bool is_new)
{
	struct doppler_reply r = { .json = NULL };
	struct doppler_call call = { .purpose = "doppler.template_save",
				     .method = is_new ? "POST" : "PUT",
				     .path = is_new ? "/templates"
						    : arena_join(cx->arena, "/templates/", t->id, NULL),
				     .is_account = true,
				     .missing = gone(cx) };
	struct sb b;
	enum rc rc;

	sb_init_arena(&b, cx->arena, BODY_MAX);
	if (is_new)
		sb_lit(&b, "{");
	else
		member(&b, "{\"id\":", t->id);
	member(&b, is_new ? "\"name\":" : ",\"name\":", t->name);
	member(&b, ",\"subject\":", t->subject);
	member(&b, ",\"from_name\":", t->from_name);
	member(&b, ",\"from_email\":", t->from_email);
	sb_lit(&b, "}");
	if ((rc = sb_result(&b)) != RC_OK) return rc;
	call.body = (struct bytes){ b.p, b.len };
	rc = doppler_ask(cx, &r, &call);
	if (rc != RC_OK || !is_new) return rc;
	*new_id = doppler_created_id(cx->arena, r.json, &r.http);
	if (doppler_is_template_id(*new_id)) return RC_OK;
	cx->error_code = "response_unparseable";
	return cx_fail(cx, RC_IO, "%s",
		       _("Doppler Relay made the template but did not say its id: look for it in the list."));
}

static enum rc save_body(struct cx *cx, const char *id, const char *html)
{
	struct doppler_reply r = { .json = NULL };
	struct doppler_call call = { .purpose = "doppler.template_body_save",
				     .method = "PUT",
				     .path = arena_join(cx->arena, "/templates/", id, "/body", NULL),
				     .is_account = true,
				     .missing = gone(cx) };
	struct sb b;
	enum rc rc;

	sb_init_arena(&b, cx->arena, BODY_MAX);
	member(&b, "{\"html\":", html);
	sb_lit(&b, "}");
	if ((rc = sb_result(&b)) != RC_OK) return rc;
	call.body = (struct bytes){ b.p, b.len };
	return doppler_ask(cx, &r, &call);
}

enum rc doppler_template_save(struct cx *cx, const char **new_id, const struct doppler_template *t)
{
	bool is_new = t->id == NULL || t->id[0] == '\0';
	enum rc rc = is_new ? RC_OK : check_id(cx, t->id);

	if (!is_new) *new_id = arena_text(cx->arena, t->id);
	if (rc == RC_OK) rc = save_fields(cx, new_id, t, is_new);
	if (rc == RC_OK && t->body != NULL) rc = save_body(cx, *new_id, t->body);
	return rc;
}

enum rc doppler_template_delete(struct cx *cx, const char *id)
{
	struct doppler_reply r = { .json = NULL };
	struct doppler_call call = { .purpose = "doppler.template_delete",
				     .method = "DELETE",
				     .is_account = true };
	const char *message = cx->message;
	enum rc rc = check_id(cx, id);

	if (rc != RC_OK) return rc;
	call.path = arena_join(cx->arena, "/templates/", id, NULL);
	rc = doppler_ask(cx, &r, &call);
	if (rc != RC_NOT_FOUND) return rc;
	cx->message = message; /* gone is gone */
	cx->error_code = NULL;
	return RC_OK;
}
