/*
** template_preview.c -- a mail as it would arrive, with the variables of one row; what is missing is marked.
**
** Needs:  the house's own Mustache, with the rules of the road: {{x}} escaped in HTML, letter case exact.
** Never:  makes HTML safe to stand in a page of ours: it goes into a sandboxed frame only (answer_frame()).
** Holds:  (1) a missing name is replaced by a sign that is found again after rendering, so that nothing a row
**         says is taken for a mark; (2) inside a tag a mark would break the page: there the name alone
**         stands.
*/
#include "sends/template_inner.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define PREVIEW_MAX ((size_t)2 * 1024 * 1024) /* 256 KiB of template with the longest rows */

/* Around the number of a missing name: two letters of the private use area, which no keyboard has. */
#define SIGN_BEGIN "\xEE\x80\x80"
#define SIGN_END   "\xEE\x80\x81"
#define SIGN_LEN   3
#define DIGITS     5 /* of TEMPLATE_NAMES_MAX, and room */

/* Variables */

/* A copy to add to: the caller's is only lent. NULL: no memory, or deeper than JSON may be. */
static struct value *copied(struct arena *a, const struct value *v)
{
	struct value *out = NULL;
	struct sb sb;

	if (v == NULL || v->type != VALUE_MAP) return value_map(a);
	sb_init(&sb, PREVIEW_MAX);
	json_write(&sb, v);
	if (sb_result(&sb) != RC_OK || json_parse(a, &out, NULL, sb.p, sb.len) != RC_OK) out = NULL;
	sb_free(&sb);
	return out;
}

/* text at "a.b.c", with the maps in between; what stands there already stays. */
static void put_at(struct arena *a, struct value *map, const char *path, const char *text)
{
	const char *dot;

	while ((dot = strchr(path, '.')) != NULL) {
		char *part = arena_bytes(a, path, (size_t)(dot - path));
		struct value *next = (struct value *)(uintptr_t)value_get(map, part);

		if (next == NULL) next = value_set_map(a, map, part);
		if (next->type != VALUE_MAP) return;
		map = next;
		path = dot + 1;
	}
	if (value_get(map, path) == NULL) value_set_text(a, map, arena_text(a, path), text);
}

/* The row's variables as they would be sent, and a sign at each name they do not have. */
static struct value *context_of(struct cx *cx, const struct mail_template *t, const struct value *variables,
				const struct template_names *names)
{
	struct value *out = copied(cx->arena, variables);

	if (out == NULL) return NULL;
	/* The house's own link: where it leads is known when the mail is made. */
	if (template_is_given(t, "baja")) put_at(cx->arena, out, "baja", "#");
	for (size_t i = 0; i < names->count; i++) {
		const struct template_name *n = &names->at[i];

		if (!n->is_section && value_path(out, n->name) == NULL)
			put_at(cx->arena, out, n->name,
			       arena_printf(cx->arena, SIGN_BEGIN "%zu" SIGN_END, i));
	}
	return out;
}

/* Marks */

/* The name whose sign begins at p; *len: of the sign. NULL: none does. */
static const char *sign_at(const char *p, const struct template_names *names, size_t *len)
{
	size_t i = 0, n = SIGN_LEN;

	if (strncmp(p, SIGN_BEGIN, SIGN_LEN) != 0) return NULL;
	for (; p[n] >= '0' && p[n] <= '9' && n < SIGN_LEN + DIGITS; n++)
		i = i * 10 + (size_t)(p[n] - '0');
	if (n == SIGN_LEN || strncmp(p + n, SIGN_END, SIGN_LEN) != 0 || i >= names->count) return NULL;
	*len = n + SIGN_LEN;
	return names->at[i].name;
}

struct place {
	bool is_in_tag;
	char quote; /* of an attribute's value, 0 = outside */
};

static void step(struct place *at, const char *p)
{
	if (!at->is_in_tag) {
		if (*p == '<' &&
		    ((p[1] >= 'a' && p[1] <= 'z') || (p[1] >= 'A' && p[1] <= 'Z') || p[1] == '/'))
			*at = (struct place){ .is_in_tag = true };
	} else if (at->quote != 0) {
		if (*p == at->quote) at->quote = 0;
	} else if (*p == '"' || *p == '\'') {
		at->quote = *p;
	} else if (*p == '>') {
		at->is_in_tag = false;
	}
}

static void mark_html(struct sb *out, const char *html, const struct template_names *names)
{
	struct place at = { .is_in_tag = false };

	for (const char *p = html; *p != '\0';) {
		size_t len = 0;
		const char *name = sign_at(p, names, &len);

		if (name == NULL) {
			step(&at, p);
			sb_char(out, *p++);
			continue;
		}
		if (!at.is_in_tag)
			sb_lit(out, "<mark style=\"background:#b3261e;color:#fff;padding:0 3px\">");
		sb_html(out, name, strlen(name));
		if (!at.is_in_tag) sb_lit(out, "</mark>");
		p += len;
	}
}

static void mark_text(struct sb *out, const char *text, const struct template_names *names)
{
	for (const char *p = text; *p != '\0';) {
		size_t len = 0;
		const char *name = sign_at(p, names, &len);

		if (name == NULL) {
			sb_char(out, *p++);
			continue;
		}
		sb_lit(out, "{{");
		sb_text(out, name);
		sb_lit(out, "}}");
		p += len;
	}
}

/* Parts */

struct preview {
	const struct mail_template *t;
	const struct template_names *names;
	const struct value *context;
};

static enum rc part_of(struct cx *cx, const char **out, const char *part, const char *source,
		       enum template_mode mode, const struct preview *p)
{
	struct template *compiled = NULL;
	struct sb raw, marked;
	enum rc rc;

	*out = "";
	if (source == NULL || source[0] == '\0') return RC_OK;
	sb_init(&raw, PREVIEW_MAX);
	sb_init(&marked, PREVIEW_MAX);
	rc = template_compile_part(cx, &compiled, part, source, mode, p->t);
	if (rc == RC_OK) {
		template_render(&raw, compiled, p->context);
		rc = sb_result(&raw);
	}
	if (rc == RC_OK) {
		if (mode == TEMPLATE_HTML)
			mark_html(&marked, sb_text_of(&raw), p->names);
		else
			mark_text(&marked, sb_text_of(&raw), p->names);
		rc = sb_result(&marked);
	}
	if (rc == RC_TOO_LARGE) rc = cx_fail(cx, rc, "%s", _("The mail would be too large to show."));
	if (rc == RC_OK) *out = arena_text(cx->arena, sb_text_of(&marked));
	template_free(compiled);
	sb_free(&raw);
	sb_free(&marked);
	return rc;
}

enum rc template_preview(struct cx *cx, const char **html, const char **text, const char **subject,
			 const struct mail_template *t, const struct value *variables)
{
	struct template_names names = { .count = 0 };
	struct preview p = { .t = t, .names = &names };
	enum rc rc = template_names_of(cx, &names, t);

	if (rc != RC_OK) return rc;
	p.context = context_of(cx, t, variables, &names);
	if (p.context == NULL) return RC_NO_MEMORY;
	rc = part_of(cx, html, N_("HTML"), t->html, TEMPLATE_HTML, &p);
	if (rc == RC_OK) rc = part_of(cx, text, N_("Text"), t->text, TEMPLATE_TEXT, &p);
	if (rc == RC_OK) rc = part_of(cx, subject, N_("Subject"), t->subject, TEMPLATE_SUBJECT, &p);
	return rc;
}

enum rc template_made_up(struct cx *cx, struct value **out, const struct mail_template *t)
{
	struct template_names names = { .count = 0 };
	struct value *made = value_map(cx->arena);
	enum rc rc = template_names_of(cx, &names, t);

	for (size_t i = 0; rc == RC_OK && i < names.count; i++)
		if (!names.at[i].is_section)
			put_at(cx->arena, made, names.at[i].name,
			       arena_printf(cx->arena, "«%s»", names.at[i].name));
	if (rc == RC_OK) *out = made;
	return rc;
}
