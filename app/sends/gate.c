/*
** gate.c -- the question before the first mail: does every recipient have what the template asks for?
**
** Needs:  the columns as the import found them (import_json), the template's required names.
** Never:  looks at rows one by one: the import counted how many have a column empty.
** Holds:  (1) a template that cannot be read lets nothing leave; (2) one missing name lets nothing leave, and
**         all missing ones are named; (3) a missing Mustache value renders as empty text, so an empty cell
**         counts as missing unless the operator said that this one may be empty (spec §5).
*/
#include "sends/bulk_inner.h"

#include "base/text.h"
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

/* A mapping finds its column whatever the case of its letters, a variable only as it is written (spec §4). */
static const struct value *column_of(struct cx *cx, const struct value *columns, const char *name, bool folds)
{
	const char *wanted = folds ? text_fold(cx->arena, name) : name;

	for (const struct value *c = columns != NULL ? columns->first : NULL; c != NULL; c = c->next) {
		const char *have = value_text_of(value_get(c, "name"), "");

		if (strcmp(folds ? text_fold(cx->arena, have) : have, wanted) == 0) return c;
	}
	return NULL;
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
	const struct value *mapping = parsed(cx, b->variables_json, VALUE_MAP);
	const struct value *may_be_empty = parsed(cx, b->may_be_empty, VALUE_LIST);
	struct value *required = NULL, *missing = value_list(cx->arena);
	bool is_mapped = mapping != NULL && mapping->first != NULL;
	enum rc rc = template_required(cx, &required, t);

	for (const struct value *r = rc == RC_OK ? required->first : NULL; r != NULL; r = r->next) {
		const char *name = value_text_of(r, "");
		const char *column = is_mapped ? value_text_of(value_get(mapping, name), NULL) : name;
		const struct value *c = column != NULL ? column_of(cx, columns, column, is_mapped) : NULL;

		if (c != NULL &&
		    (value_int_of(value_get(c, "empty"), 0) == 0 || list_has(may_be_empty, name)))
			continue;
		if (!list_has(missing, name)) (void)value_add_text(cx->arena, missing, name);
	}
	if (rc == RC_OK) *out = missing;
	return rc;
}
