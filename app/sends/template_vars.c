/*
** template_vars.c -- which variables a mail template needs (spec §5).
**
** Needs:  the house's own reading of Mustache (base/template.h): the same that renders.
** Never:  asks database or network.
** Holds:  (1) a name counts exactly as written, letter case too; (2) what stands only in sections, and the
**         sections' own names, may be missing; (3) the recipient's address and, on our own roads, the link to
**         unsubscribe are never asked of a file.
*/
#include "sends/template_inner.h"

#include <stdio.h>
#include <string.h>

/* A template without a road is one of ours. */
static bool is_providers(const struct mail_template *t)
{
	return t->channel != NULL && strcmp(t->channel, TEMPLATE_DOPPLER) == 0;
}

bool template_is_given(const struct mail_template *t, const char *name)
{
	if (strcmp(name, "email") == 0) return true;
	return !is_providers(t) && strcmp(name, "baja") == 0;
}

enum rc template_compile_part(struct cx *cx, struct template **out, const char *part, const char *text,
			      enum template_mode mode, const struct mail_template *t)
{
	struct template_options o = { .mode = mode, .is_users = !is_providers(t) };
	struct template_error err = { .msgid = "" };
	enum rc rc = template_compile(out, &err, text, &o);

	if (rc != RC_BAD_INPUT) return rc;
	return cx_fail(cx, rc, _("%s, line %zu: %s"), words_get(cx->lang, part), err.line,
		       words_about(cx->arena, words_get(cx->lang, err.msgid), err.subject));
}

struct collect {
	struct cx *cx;
	struct template_names *names;
	bool is_subject, is_full;
};

static void collect(void *arg, const char *name, bool is_section, int depth)
{
	struct collect *c = arg;
	struct template_name *n = NULL;

	for (size_t i = 0; i < c->names->count && n == NULL; i++)
		if (strcmp(c->names->at[i].name, name) == 0) n = &c->names->at[i];
	if (n == NULL && c->names->count == TEMPLATE_NAMES_MAX) {
		c->is_full = true;
		return;
	}
	if (n == NULL) {
		n = &c->names->at[c->names->count++];
		*n = (struct template_name){ .name = arena_text(c->cx->arena, name) };
	}
	n->is_section |= is_section;
	n->is_value |= !is_section;
	n->is_needed |= !is_section && depth == 0;
	n->is_in_subject |= c->is_subject;
}

static enum rc collect_part(struct cx *cx, struct collect *c, const char *part, const char *text,
			    enum template_mode mode, const struct mail_template *t)
{
	struct template *compiled = NULL;
	enum rc rc;

	if (text == NULL || text[0] == '\0') return RC_OK;
	rc = template_compile_part(cx, &compiled, part, text, mode, t);
	if (rc == RC_OK) template_names(compiled, collect, c);
	template_free(compiled);
	if (rc == RC_OK && c->is_full)
		rc = cx_fail(cx, RC_TOO_LARGE, _("The template has more than %d variables."),
			     TEMPLATE_NAMES_MAX);
	return rc;
}

enum rc template_names_of(struct cx *cx, struct template_names *out, const struct mail_template *t)
{
	struct template_names names = { .at = arena_array(cx->arena, TEMPLATE_NAMES_MAX, sizeof *names.at) };
	struct collect c = { .cx = cx, .names = &names, .is_subject = true };
	enum rc rc;

	if (names.at == NULL) return RC_NO_MEMORY;
	rc = collect_part(cx, &c, N_("Subject"), t->subject, TEMPLATE_SUBJECT, t);
	c.is_subject = false;
	if (rc == RC_OK) rc = collect_part(cx, &c, N_("HTML"), t->html, TEMPLATE_HTML, t);
	if (rc == RC_OK) rc = collect_part(cx, &c, N_("Text"), t->text, TEMPLATE_TEXT, t);
	if (rc == RC_OK && arena_failed(cx->arena)) rc = RC_NO_MEMORY;
	if (rc == RC_OK) *out = names;
	return rc;
}

enum rc template_variables(struct cx *cx, struct value **out, const struct mail_template *t)
{
	struct template_names names = { .count = 0 };
	struct value *list = value_list(cx->arena);
	enum rc rc = template_names_of(cx, &names, t);

	for (size_t i = 0; rc == RC_OK && i < names.count; i++) {
		const struct template_name *n = &names.at[i];
		struct value *one;

		if (template_is_given(t, n->name)) continue;
		one = value_add_map(cx->arena, list);
		value_set_text(cx->arena, one, "name", n->name);
		value_set_bool(cx->arena, one, "is_optional", !n->is_needed);
		value_set_bool(cx->arena, one, "is_in_subject", n->is_in_subject);
	}
	if (rc == RC_OK) *out = list;
	return rc;
}

enum rc template_required(struct cx *cx, struct value **out, const struct mail_template *t)
{
	struct template_names names = { .count = 0 };
	struct value *list = value_list(cx->arena);
	enum rc rc = template_names_of(cx, &names, t);

	for (size_t i = 0; rc == RC_OK && i < names.count; i++)
		if (names.at[i].is_needed && !template_is_given(t, names.at[i].name))
			value_add_text(cx->arena, list, names.at[i].name);
	if (rc == RC_OK) *out = list;
	return rc;
}

bool template_uses_email(struct cx *cx, const struct mail_template *t)
{
	struct template_names names = { .count = 0 };
	const char *before = cx->message;

	if (template_names_of(cx, &names, t) != RC_OK) {
		cx->message = before; /* who must know says it: template_variables() */
		return false;
	}
	for (size_t i = 0; i < names.count; i++)
		if (strcmp(names.at[i].name, "email") == 0) return true;
	return false;
}
