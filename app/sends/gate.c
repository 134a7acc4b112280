/*
** gate.c -- the question before the first mail: does every recipient have what the template asks for?
**
** Needs:  the variables as the import found them (import_json), the template's required names.
** Never:  looks at rows one by one: the import counted how many have a variable empty.
** Holds:  (1) a template that cannot be read lets nothing leave; (2) one missing name lets nothing leave, and
**         all missing ones are named; (3) a missing Mustache value renders as empty text, so an empty cell
**         counts as missing, and so does a column that is not there, unless the operator said that this one
**         may be empty (spec §5).
*/
#include "sends/bulk_inner.h"

#include "sends/recipients.h"
#include <string.h>

static const struct value *parsed(struct cx *cx, const char *json, enum value_type type)
{
	struct value *v = NULL;

	if (json_parse(cx->arena, &v, NULL, json, strlen(json)) != RC_OK || v->type != type) return NULL;
	return v;
}

static bool list_has(const struct value *list, const char *name)
{
	for (const struct value *v = list != NULL ? list->first : NULL; v != NULL; v = v->next)
		if (strcmp(value_text_of(v, ""), name) == 0) return true;
	return false;
}

/* As the template writes it: the import has named what a mapping gives by the variable (spec §4). */
static const struct value *variable_of(const struct value *columns, const char *name)
{
	const struct value *c = columns != NULL && variable_is_reachable(name) ? columns->first : NULL;

	while (c != NULL && strcmp(value_text_of(value_get(c, "name"), ""), name) != 0)
		c = c->next;
	return c;
}

enum rc gate_template(struct cx *cx, struct mail_template *out, const struct bulk *b, bool may_ask)
{
	enum rc rc = mail_template_read(cx, out, b->channel, b->template_id, may_ask);

	if (rc == RC_OK && b->is_own_subject) out->subject = b->subject;
	return rc;
}

enum rc gate_missing(struct cx *cx, struct value **out, const struct bulk *b, const struct mail_template *t)
{
	const struct value *import = parsed(cx, b->import_json, VALUE_MAP);
	const struct value *columns = value_get(import, "columns");
	const struct value *may_be_empty = parsed(cx, b->may_be_empty, VALUE_LIST);
	struct value *required = NULL, *missing = value_list(cx->arena);
	enum rc rc = template_required(cx, &required, t);

	for (const struct value *r = rc == RC_OK ? required->first : NULL; r != NULL; r = r->next) {
		const char *name = value_text_of(r, "");
		const struct value *c = variable_of(columns, name);

		/* What may be empty may be missing: both render as nothing. */
		if (list_has(may_be_empty, name)) continue;
		if (c != NULL && value_int_of(value_get(c, "empty"), 0) == 0) continue;
		if (!list_has(missing, name)) (void)value_add_text(cx->arena, missing, name);
	}
	if (rc == RC_OK) *out = missing;
	return rc;
}
