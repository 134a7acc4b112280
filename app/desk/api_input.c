/*
** api_input.c -- a JSON body against the columns of a resource, before any value is looked at.
**
** Needs:  for a change, the row as the API would answer it now.
** Never:  judges a value that has the right type; check.c does, for forms and imports too.
** Holds:  (1) a name that no column has is told, with the nearest one; (2) what may not be set is accepted
**         only as it stands, so that an answer can be sent back whole, and never silently ignored; (3) every
**         wrong field is told at once.
*/
#include "desk/openapi.h"

#include "base/text.h"
#include <string.h>

static bool is_alias(const char *aliases, const char *name)
{
	size_t len = strlen(name);

	while (aliases != NULL && *aliases != '\0') {
		size_t n = strcspn(aliases, "|");

		if (n == len && memcmp(aliases, name, n) == 0) return true;
		aliases += n;
		aliases += *aliases == '|';
	}
	return false;
}

bool column_is_writable(const struct column *c, bool is_new)
{
	return c->sql == NULL && (c->flags & COL_READONLY) == 0 && ((c->flags & COL_CREATE) == 0 || is_new);
}

bool column_may_be_empty(const struct column *c, const struct table_facts *facts, bool is_new)
{
	const struct table_column *fact = facts_find(facts, c->name);

	if ((c->flags & COL_REQUIRED) != 0) return false;
	if (fact == NULL || !fact->is_notnull || is_new) return true;
	switch (c->type) {
	case COLUMN_INT:
	case COLUMN_BOOL:
	case COLUMN_CENTS:
	case COLUMN_REF:
	case COLUMN_INSTANT:
	case COLUMN_DATE: return false;
	case COLUMN_CHOICE: return c->def == NULL || c->def[0] == '\0';
	default: return true;
	}
}

/* "client_name", which the API answers beside "client_id". */
static bool is_companion(const struct column *c, const char *name)
{
	size_t base = strlen(c->name);

	return c->type == COLUMN_REF && base > 3 && strlen(name) == base + 2 &&
	       memcmp(name, c->name, base - 2) == 0 && strcmp(name + base - 2, "name") == 0;
}

static bool is_ours(const struct office *o, const char *name)
{
	static const char *const names[] = { "id", "title", "currency", "archived_at" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], name) == 0) return true;
	for (size_t i = 0; i < o->columns; i++)
		if (is_companion(&o->r->columns[i], name)) return true;
	return false;
}

static const struct column *column_of(const struct office *o, const char *name)
{
	for (size_t i = 0; i < o->columns; i++)
		if (strcmp(o->r->columns[i].name, name) == 0 || is_alias(o->r->columns[i].aliases, name))
			return &o->r->columns[i];
	return NULL;
}

static bool is_null(const struct value *v)
{
	return v == NULL || v->type == VALUE_NULL;
}

static bool is_same(const struct value *a, const struct value *b)
{
	if (is_null(a) || is_null(b)) return is_null(a) && is_null(b);
	if (a->type != b->type) return false;
	switch (a->type) {
	case VALUE_BOOL: return a->boolean == b->boolean;
	case VALUE_INT: return a->integer == b->integer;
	case VALUE_TEXT: return strcmp(a->text, b->text) == 0;
	default: return false;
	}
}

/* What is answered but not set. answered NULL: a new row has nothing yet. */
static void check_kept(struct cx *cx, const struct value *v, const struct value *answered)
{
	const char *house = setting_text(cx->env->settings, "business.currency");

	if (answered != NULL ? is_same(v, value_get(answered, v->key)) : is_null(v)) return;
	if (strcmp(v->key, "currency") == 0 && is_null(value_get(answered, "currency")) &&
	    strcmp(value_text_of(v, ""), house) == 0)
		return;
	if (answered != NULL)
		(void)cx_fail_field(cx, v->key, _("This cannot be changed."));
	else
		(void)cx_fail_field(cx, v->key, _("This is not for you to set: leave it out."));
}

static bool is_empty(const struct value *v)
{
	return v->type == VALUE_NULL ||
	       (v->type == VALUE_TEXT && v->text[strspn(v->text, " \t\r\n")] == '\0');
}

static void check_type(struct cx *cx, const struct office *o, const struct column *c, const struct value *v)
{
	const struct office *ref = o->column_ref[c - o->r->columns];

	if (v->type == VALUE_LIST || v->type == VALUE_MAP) {
		(void)cx_fail_field(cx, v->key, _("One value is wanted here, not a list."));
		return;
	}
	switch (c->type) {
	case COLUMN_INT:
		if (v->type == VALUE_INT) return;
		(void)cx_fail_field(cx, v->key, _("A whole number is wanted here, without quotes."));
		return;
	case COLUMN_BOOL:
		if (v->type == VALUE_BOOL) return;
		(void)cx_fail_field(cx, v->key, _("true or false is wanted here, without quotes."));
		return;
	case COLUMN_CENTS:
		if (v->type == VALUE_BOOL)
			(void)cx_fail_field(cx, v->key,
					    _("Send money in its smallest unit, or as text like \"12.99\"."));
		return;
	case COLUMN_REF:
		if (v->type == VALUE_TEXT ||
		    (v->type == VALUE_INT && (ref == NULL || !ref->r->has_public_id)))
			return;
		(void)cx_fail_field(cx, v->key, _("The id of a row is wanted here."));
		return;
	default:
		if (v->type == VALUE_TEXT) return;
		(void)cx_fail_field(cx, v->key, _("A text is wanted here, in quotes."));
	}
}

static void check_unknown(struct cx *cx, const struct office *o, const char *name)
{
	const char *known[DESK_COLUMNS_MAX + 1] = { NULL };
	const char *near;
	size_t n = 0;

	for (size_t i = 0; i < o->columns; i++)
		if (column_is_writable(&o->r->columns[i], true)) known[n++] = o->r->columns[i].name;
	near = text_nearest(name, known);
	if (near != NULL)
		(void)cx_fail_field(cx, name, _("There is no such field; did you mean “%s”?"), near);
	else
		(void)cx_fail_field(cx, name, _("There is no such field."));
	cx->error_code = "unknown_field";
}

static bool has_error(const struct cx *cx, const char *field)
{
	for (size_t i = 0; i < cx->field_count; i++)
		if (strcmp(cx->fields[i].field, field) == 0) return true;
	return false;
}

/* Something is wrong already, so saving will not get to look: the other fields are looked at here. */
static void check_rest(struct cx *cx, const struct office *o, const struct value *json, bool is_new)
{
	const char *house = setting_text(cx->env->settings, "business.currency");

	for (size_t i = 0; i < o->columns; i++) {
		const struct column *c = &o->r->columns[i];
		const struct value *v = value_get(json, c->name);
		struct value *checked = NULL;

		if (!column_is_writable(c, is_new) || v == NULL || has_error(cx, c->name)) continue;
		if (input_check(cx, o, i, v, NULL, house, &checked) != RC_OK) continue; /* it said so */
	}
}

enum rc api_input_check(struct cx *cx, const struct office *o, const struct value *json,
			const struct value *answered)
{
	const struct table_facts *facts = NULL;
	enum rc rc = office_facts(cx, o, &facts);

	if (rc != RC_OK) return rc;
	if (json->type != VALUE_MAP) return cx_fail(cx, RC_BAD_INPUT, _("The body must be a JSON object."));
	for (const struct value *v = json->first; v != NULL; v = v->next) {
		const struct column *c = column_of(o, v->key);

		if (c != NULL && column_is_writable(c, answered == NULL)) {
			size_t before = cx->field_count;

			if (v->type != VALUE_NULL) check_type(cx, o, c, v);
			if (cx->field_count == before && is_empty(v) &&
			    !column_may_be_empty(c, facts, answered == NULL))
				(void)cx_fail_field(cx, v->key, _("This is needed."));
		} else if ((c != NULL && (c->flags & (COL_HIDDEN | COL_SECRET)) == 0) || is_ours(o, v->key))
			check_kept(cx, v, answered);
		else
			check_unknown(cx, o, v->key);
	}
	if (cx->field_count == 0) return RC_OK;
	check_rest(cx, o, json, answered == NULL);
	return cx_fail(cx, RC_BAD_INPUT, "%s", cx->fields[0].message);
}
