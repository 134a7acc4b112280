/*
** template.h -- Mustache without lambdas, for panel pages and for messages.
**
** Follows the public Mustache specification (interpolation, sections, inverted,
** comments, delimiters, partials). The escape mode belongs to the compiled
** template. Compiled templates are immutable and may be used by many threads.
*/
#ifndef RECADO_BASE_TEMPLATE_H
#define RECADO_BASE_TEMPLATE_H

#include "base/value.h"

enum template_mode {
	TEMPLATE_HTML,    /* {{x}} escaped, {{{x}}} and {{&x}} raw: our own pages       */
	TEMPLATE_TEXT,    /* nothing escaped: WhatsApp, plain mail                      */
	TEMPLATE_SUBJECT, /* as text, CR and LF dropped                                 */
	TEMPLATE_URL      /* percent-encoded                                            */
};

struct template;

/* A partial's source by name, or NULL (then it renders as nothing, as the specification says). */
typedef const char *template_partial_fn(void *arg, const char *name);

struct template_options {
	enum template_mode mode;
	bool is_users; /* written by a user: {{{x}}} means {{x}}; unknown names are errors (see known)   */
	const char *const *known; /* NULL-terminated names allowed, when is_users                   */
	template_partial_fn *partial;
	void *partial_arg;
	/* Translate: {{#_}}text{{/_}} is replaced by translate(arg, text) when the template is compiled. text
	 *is plain
	 ** (no tags, no entities), blanks around it are dropped; what comes back is escaped as the mode says.
	 */
	const char *(*translate)(void *arg, const char *msgid);
	void *translate_arg;
};

/* Where and why a template was refused. */
struct template_error {
	size_t line;            /* 1-based                                                       */
	const char *msgid;      /* N_() sentence with one %s for subject                          */
	char subject[64];       /* the tag or variable                                            */
	const char *suggestion; /* nearest known name (lent from known), or NULL                  */
};

/* Compile text (any UTF-8, at most 256 KiB, nesting 32). RC_BAD_INPUT fills *err. New: template_free it. */
enum rc template_compile(struct template **out, struct template_error *err, const char *text,
			 const struct template_options *options) MUST_CHECK;
void template_free(struct template *t); /* NULL is fine */

/* What it asks for, in its order: {{x}} (is_section false) and the names of sections, as they are written
** ("client.name"); depth: in how many sections the tag stands. The item itself ({{.}}) is not told. */
typedef void template_name_fn(void *arg, const char *name, bool is_section, int depth); /* name: lent */
void template_names(const struct template *t, template_name_fn *each, void *arg);

/* Append the rendering to sb. Names that are not there give nothing; a real is shown without needless digits.
** Partial recursion (32) and the whole work are bounded: RC_TOO_LARGE. Failure shows in sb_result(). */
void template_render(struct sb *sb, const struct template *t, const struct value *context);

#endif
