/*
** templates.c -- the texts that people edit: versions, checks, rendering.
**
** Owns:   the tables template and template_version; the cache of compiled versions.
** Needs:  base/template.h for the language of the texts.
** Never:  changes a version: an edit is a new row.
** Holds:  (1) what is stored was compiled once without an error; (2) a text that a user edited is never
**         replaced by a new default; (3) a compiled version never goes stale, because versions do not change.
*/
#include "outbox/render.h"
#include "base/mem.h"
#include "base/template.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Code points a person may save: names and dates still fit into a message of 4096 */
#define BODY_CHARS_MAX 4000

static enum template_mode mode_of(const char *text)
{
	return strcmp(text, "html") == 0      ? TEMPLATE_HTML
	       : strcmp(text, "subject") == 0 ? TEMPLATE_SUBJECT
					      : TEMPLATE_TEXT;
}

/* Saving */

static enum rc add_version(struct cx *cx, int64_t template_id, const char *body, bool is_edited)
{
	enum rc rc = db_run(cx,
			    "INSERT INTO template_version (template_id, body, created_by, created_at)"
			    " VALUES (:template, :body, :by, :now)",
			    PARAMS(P_INT(":template", template_id), P_TEXT(":body", body),
				   P_TEXT(":by", cx->actor.name ? cx->actor.name : ""),
				   P_INT(":now", cx_now(cx))));

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE template SET version_id = :version, is_edited = :edited, updated_at = :now WHERE id = :id",
			PARAMS(P_INT(":version", db_last_id(cx)), P_INT(":edited", is_edited),
			       P_INT(":now", cx_now(cx)), P_INT(":id", template_id)));
	return rc;
}

static enum rc ensure_one(struct cx *cx, const char *module, const struct template_default *d)
{
	struct query *q = NULL;
	int64_t id = 0;
	bool is_same = false, is_edited = false;
	enum rc rc = db_query(
		cx, &q,
		"SELECT t.id, t.is_edited, v.body = :body FROM template t LEFT JOIN template_version v"
		" ON v.id = t.version_id WHERE t.name = :name",
		PARAMS(P_TEXT(":body", d->body), P_TEXT(":name", d->name)));

	if (rc == RC_OK && query_next(q)) {
		id = query_int(q, 0);
		is_edited = query_int(q, 1) != 0;
		is_same = query_int(q, 2) != 0;
	}
	rc = query_end(q, rc);
	if (rc != RC_OK || is_edited || is_same) return rc;
	if (id == 0) {
		rc = db_run(cx,
			    "INSERT INTO template (name, module, title, mode, updated_at)"
			    " VALUES (:name, :module, :title, 'text', :now)",
			    PARAMS(P_TEXT(":name", d->name), P_TEXT(":module", module),
				   P_TEXT(":title", d->title), P_INT(":now", cx_now(cx))));
		if (rc == RC_OK) id = db_last_id(cx);
	}
	return rc == RC_OK ? add_version(cx, id, d->body, false) : rc;
}

enum rc templates_ensure(struct cx *cx, const char *module, const struct template_default *defaults)
{
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	for (; rc == RC_OK && defaults->name != NULL; defaults++)
		rc = ensure_one(cx, module, defaults);
	return tx_end(cx, rc);
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_known(const char *name, size_t len, const char *const *known)
{
	for (; known != NULL && *known != NULL; known++)
		if (strncmp(*known, name, len) == 0 && (*known)[len] == '\0') return true;
	return false;
}

static enum rc unknown_name(struct cx *cx, const char *name, const char *const *known)
{
	const char *near = known != NULL ? text_nearest(name, known) : NULL;

	if (near != NULL)
		return cx_fail(cx, RC_BAD_INPUT, _("There is no variable \"%s\". Did you mean {{%s}}?"), name,
			       near);
	return cx_fail(cx, RC_BAD_INPUT, _("There is no variable \"%s\"."), name);
}

/* People write {cliente}: what is a known name becomes {{cliente}}, another name is an error, other braces
** stay. */
static enum rc double_braces(struct cx *cx, const char **out, const char *body, const char *const *known)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, strlen(body) * 2 + 1);
	for (const char *p = body; *p != '\0';) {
		size_t n = 0;

		if (p[0] == '{' && p[1] == '{') {
			const char *end = strstr(p, "}}");

			n = end != NULL ? (size_t)(end - p) + 2 : strlen(p);
			sb_bytes(&sb, p, n);
			p += n;
			continue;
		}
		if (*p == '{') {
			while (is_name_char(p[1 + n]))
				n++;
		}
		if (n > 0 && p[1 + n] == '}') {
			if (!is_known(p + 1, n, known))
				return unknown_name(cx, arena_bytes(cx->arena, p + 1, n), known);
			sb_lit(&sb, "{{");
			sb_bytes(&sb, p + 1, n);
			sb_lit(&sb, "}}");
			p += n + 2;
			continue;
		}
		sb_char(&sb, *p++);
	}
	*out = sb_text_of(&sb);
	return sb_result(&sb);
}

static enum rc refused(struct cx *cx, const struct template_error *err)
{
	const char *words = words_about(cx->arena, words_get(cx->lang, err->msgid), err->subject);

	if (err->suggestion != NULL)
		return cx_fail(cx, RC_BAD_INPUT, _("Line %zu: %s Did you mean {{%s}}?"), err->line, words,
			       err->suggestion);
	return cx_fail(cx, RC_BAD_INPUT, _("Line %zu: %s"), err->line, words);
}

static enum rc compile(struct cx *cx, struct template **out, const char *body, enum template_mode mode,
		       const char *const *known)
{
	struct template_options o = { .mode = mode, .is_users = true, .known = known };
	struct template_error err = { .msgid = "" };
	enum rc rc = template_compile(out, &err, body, &o);

	return rc == RC_BAD_INPUT ? refused(cx, &err) : rc;
}

enum rc template_save(struct cx *cx, const char *name, const char *body, const char *const *known)
{
	struct template *t = NULL;
	const char *text = NULL, *mode = NULL;
	int64_t id = 0;
	enum rc rc;

	if (*body == '\0') return cx_fail(cx, RC_BAD_INPUT, "%s", _("Write a text."));
	if (text_length(body) > BODY_CHARS_MAX)
		return cx_fail(cx, RC_TOO_LARGE, _("The text may have at most %d characters."),
			       BODY_CHARS_MAX);
	rc = double_braces(cx, &text, body, known);
	if (rc == RC_OK)
		rc = db_get_int(cx, &id, "SELECT id FROM template WHERE name = :name",
				PARAMS(P_TEXT(":name", name)));
	if (rc == RC_OK)
		rc = db_get_text(cx, &mode, "SELECT mode FROM template WHERE id = :id",
				 PARAMS(P_INT(":id", id)));
	if (rc == RC_OK) rc = compile(cx, &t, text, mode_of(mode), known);
	template_free(t);
	if (rc == RC_OK && (rc = tx_begin(cx)) == RC_OK) {
		rc = add_version(cx, id, text, true);
		if (rc == RC_OK) rc = audit_add(cx, "edit", "template", id, NULL, NULL);
		rc = tx_end(cx, rc);
	}
	return rc;
}

enum rc template_current(struct cx *cx, int64_t *version_id, const char **body, const char *name)
{
	struct query *q = NULL;
	int64_t id = 0;
	enum rc rc =
		db_query(cx, &q,
			 "SELECT v.id, v.body FROM template t JOIN template_version v ON v.id = t.version_id"
			 " WHERE t.name = :name",
			 PARAMS(P_TEXT(":name", name)));

	if (rc == RC_OK && query_next(q)) {
		id = query_int(q, 0);
		if (body != NULL) *body = query_copy(cx, q, 1);
	}
	rc = query_end(q, rc);
	if (rc == RC_OK && id == 0) rc = RC_NOT_FOUND;
	if (rc == RC_OK) *version_id = id;
	return rc;
}

/* Rendering */

static enum rc compile_version(struct cx *cx, struct template **out, int64_t version_id)
{
	struct query *q = NULL;
	const char *body = NULL, *mode = "text";
	enum rc rc = db_query(
		cx, &q,
		"SELECT v.body, t.mode FROM template_version v JOIN template t ON t.id = v.template_id"
		" WHERE v.id = :id",
		PARAMS(P_INT(":id", version_id)));

	if (rc == RC_OK && query_next(q)) {
		body = query_copy(cx, q, 0);
		mode = query_copy(cx, q, 1);
	}
	rc = query_end(q, rc);
	if (rc == RC_OK && body == NULL) rc = RC_NOT_FOUND;
	/* Names were checked when it was saved; here they may be anything. */
	return rc == RC_OK ? compile(cx, out, body, mode_of(mode), NULL) : rc;
}

static enum rc render(struct cx *cx, const char **out, const struct template *t,
		      const struct value *variables)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, RENDERED_MAX);
	template_render(&sb, t, variables != NULL ? variables : value_map(cx->arena));
	*out = sb_text_of(&sb);
	return sb_result(&sb);
}

enum rc template_render_version(struct cx *cx, const char **out, int64_t version_id,
				const struct value *variables)
{
	struct template *t = NULL;
	enum rc rc = compile_version(cx, &t, version_id);

	if (rc == RC_OK) rc = render(cx, out, t, variables);
	template_free(t);
	return rc;
}

enum rc template_render_body(struct cx *cx, const char **out, const char *body, const char *const *known,
			     const struct value *variables)
{
	struct template *t = NULL;
	const char *text = NULL;
	enum rc rc = double_braces(cx, &text, body, known);

	if (rc == RC_OK) rc = compile(cx, &t, text, TEMPLATE_TEXT, known);
	if (rc == RC_OK) rc = render(cx, out, t, variables);
	template_free(t);
	return rc;
}

struct render_cache {
	struct {
		int64_t version_id; /* 0 = free */
		uint64_t used;
		struct template *compiled;
	} kept[RENDER_KEPT];
	uint64_t uses;
};

struct render_cache *render_cache_new(void)
{
	return mem_zeroed(sizeof(struct render_cache));
}

void render_cache_free(struct render_cache *c)
{
	if (c == NULL) return;
	for (size_t i = 0; i < RENDER_KEPT; i++)
		template_free(c->kept[i].compiled);
	mem_free(c);
}

static enum rc compiled(struct cx *cx, struct render_cache *c, const struct template **out,
			int64_t version_id)
{
	struct template *t = NULL;
	size_t oldest = 0;
	enum rc rc;

	for (size_t i = 0; i < RENDER_KEPT; i++) {
		if (c->kept[i].version_id == version_id) {
			c->kept[i].used = ++c->uses;
			*out = c->kept[i].compiled;
			return RC_OK;
		}
		if (c->kept[i].used < c->kept[oldest].used) oldest = i;
	}
	rc = compile_version(cx, &t, version_id);
	if (rc != RC_OK) return rc;
	template_free(c->kept[oldest].compiled);
	c->kept[oldest].version_id = version_id;
	c->kept[oldest].used = ++c->uses;
	*out = c->kept[oldest].compiled = t;
	return RC_OK;
}

enum rc render_cached(struct cx *cx, struct render_cache *c, const char **out, int64_t version_id,
		      const char *variables_json)
{
	const struct template *t = NULL;
	struct value *variables = NULL;
	enum rc rc = compiled(cx, c, &t, version_id);

	if (rc == RC_OK && variables_json != NULL)
		rc = json_parse(cx->arena, &variables, NULL, variables_json, strlen(variables_json));
	return rc == RC_OK ? render(cx, out, t, variables) : rc;
}
