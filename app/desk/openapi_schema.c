/*
** openapi_schema.c -- columns and facts as JSON Schema, the words in which openapi.json tells what comes and
** goes.
**
** Needs:  the table's own NOT NULL (office_facts): what can be null in an answer is read from there.
** Never:  tells a column that the API does not have.
** Holds:  (1) what row_json writes fits the schema of answers; (2) what the schema of a body allows is what
**         api_input.c lets pass; (3) the same tables give the same bytes.
*/
#include "desk/openapi.h"

#include "base/money.h"
#include <string.h>

#define EMAIL_MAX 254  /* as check.c */
#define URL_MAX   2000 /* as check.c */
#define PHONE_MAX 60   /* a number as people type it, with blanks and brackets */

#define TEXT(map, key, text) value_set_text(cx->arena, (map), (key), (text))
#define INT(map, key, n)     value_set_int(cx->arena, (map), (key), (n))
#define BOOL(map, key, is)   value_set_bool(cx->arena, (map), (key), (is))
#define LIST(map, key)       value_set_list(cx->arena, (map), (key))
#define MAP(map, key)        value_set_map(cx->arena, (map), (key))

struct value *schema_ref(struct cx *cx, const char *name, const char *suffix)
{
	struct value *out = value_map(cx->arena);

	TEXT(out, "$ref", arena_printf(cx->arena, "#/components/schemas/%s%s", name, suffix));
	return out;
}

struct value *schema_of_type(struct cx *cx, const char *type)
{
	struct value *out = value_map(cx->arena);

	TEXT(out, "type", type);
	return out;
}

static void set_type(struct cx *cx, struct value *out, const char *type, bool is_nullable)
{
	struct value *list;

	if (!is_nullable) {
		TEXT(out, "type", type);
		return;
	}
	list = LIST(out, "type");
	value_add_text(cx->arena, list, type);
	value_add_text(cx->arena, list, "null");
}

/* key: "enum", or "examples" for what others write: a later module may know more codes. */
static void set_enum(struct cx *cx, struct value *out, const char *key, const struct choices *choices,
		     bool may_be_empty, bool is_nullable)
{
	struct value *list = LIST(out, key);
	struct value *nothing = value_map(cx->arena);
	bool has_empty = false;

	for (size_t i = 0; i < choices->count; i++) {
		value_add_text(cx->arena, list, choices->at[i].value);
		has_empty = has_empty || choices->at[i].value[0] == '\0';
	}
	if (may_be_empty && !has_empty) value_add_text(cx->arena, list, "");
	if (!is_nullable) return;
	value_set_null(cx->arena, nothing, "null");
	value_append(list, (struct value *)(uintptr_t)value_get(nothing, "null"));
}

/* A text that is of this format unless it is "". */
static void set_format(struct cx *cx, struct value *out, const char *format, bool may_be_empty)
{
	struct value *list;

	if (!may_be_empty) {
		TEXT(out, "format", format);
		return;
	}
	list = LIST(out, "anyOf");
	TEXT(value_add_map(cx->arena, list), "format", format);
	INT(value_add_map(cx->arena, list), "maxLength", 0);
}

static const char *words_of(struct cx *cx, const char *msgid)
{
	return msgid != NULL ? words_get(cx->lang, msgid) : NULL;
}

static void describe(struct cx *cx, struct value *out, const char *title, const char *help)
{
	if (title != NULL) TEXT(out, "title", title);
	if (help != NULL && help[0] != '\0') TEXT(out, "description", help);
}

static bool ref_is_text(const struct office *o, size_t column)
{
	return o->column_ref[column] != NULL && o->column_ref[column]->r->has_public_id;
}

struct value *schema_of_answer(struct cx *cx, const struct office *o, size_t column,
			       const struct table_facts *facts)
{
	const struct column *c = &o->r->columns[column];
	const struct table_column *fact = c->sql == NULL ? facts_find(facts, c->name) : NULL;
	bool is_nullable = fact == NULL || !fact->is_notnull;
	bool may_be_empty = !is_nullable && (c->flags & COL_REQUIRED) == 0;
	struct value *out = value_map(cx->arena);

	switch (c->type) {
	case COLUMN_BOOL: set_type(cx, out, "boolean", is_nullable); break;
	case COLUMN_INT:
	case COLUMN_CENTS: set_type(cx, out, "integer", is_nullable); break;
	case COLUMN_REF: set_type(cx, out, ref_is_text(o, column) ? "string" : "integer", is_nullable); break;
	case COLUMN_INSTANT:
		set_type(cx, out, "string", is_nullable);
		TEXT(out, "format", "date-time");
		break;
	case COLUMN_DATE:
		set_type(cx, out, "string", is_nullable);
		set_format(cx, out, "date", may_be_empty);
		break;
	case COLUMN_CHOICE:
		set_type(cx, out, "string", is_nullable);
		if (o->column_choices[column] != NULL)
			set_enum(cx, out, column_is_writable(c, true) ? "enum" : "examples",
				 o->column_choices[column], may_be_empty, is_nullable);
		break;
	case COLUMN_EMAIL:
		set_type(cx, out, "string", is_nullable);
		set_format(cx, out, "email", may_be_empty);
		break;
	case COLUMN_URL:
		set_type(cx, out, "string", is_nullable);
		set_format(cx, out, "uri", may_be_empty);
		break;
	case COLUMN_TEXT:
	case COLUMN_LONG_TEXT:
	case COLUMN_PHONE: set_type(cx, out, "string", is_nullable); break;
	}
	describe(cx, out, words_of(cx, c->title), words_of(cx, c->help));
	if (o->column_ref[column] != NULL) TEXT(out, "x-ref", o->column_ref[column]->r->name);
	if (!column_is_writable(c, true)) BOOL(out, "readOnly", true);
	return out;
}

static void set_length(struct cx *cx, struct value *out, const struct column *c, int64_t max)
{
	bool is_needed = (c->flags & COL_REQUIRED) != 0;

	INT(out, "maxLength", c->max > 0 ? c->max : max);
	if (is_needed) INT(out, "minLength", c->min > 0 ? c->min : 1);
}

static void set_bounds(struct cx *cx, struct value *out, int64_t min, int64_t max, bool is_bound)
{
	if (is_bound) INT(out, "minimum", min);
	if (is_bound && max != 0) INT(out, "maximum", max);
}

/* Money: a whole number of the smallest unit, or a text as people write it. */
static void set_money(struct cx *cx, struct value *out, int64_t min, int64_t max, bool is_nullable)
{
	struct value *list = LIST(out, "type");

	value_add_text(cx->arena, list, "integer");
	value_add_text(cx->arena, list, "string");
	if (is_nullable) value_add_text(cx->arena, list, "null");
	set_bounds(cx, out, min > 0 ? min : 0, max > 0 ? max : MONEY_MAX, true);
}

static void set_default(struct cx *cx, struct value *out, const struct column *c)
{
	struct value v = { .type = VALUE_TEXT, .text = c->def };

	if (c->def == NULL || c->def[0] == '\0') return;
	v.len = strlen(c->def);
	if (c->type == COLUMN_BOOL)
		BOOL(out, "default", strcmp(c->def, "1") == 0);
	else if (c->type == COLUMN_INT || c->type == COLUMN_CENTS)
		INT(out, "default", value_int_of(&v, 0));
	else
		TEXT(out, "default", c->def);
}

struct value *schema_of_input(struct cx *cx, const struct office *o, size_t column,
			      const struct table_facts *facts, bool is_new)
{
	const struct column *c = &o->r->columns[column];
	bool is_nullable = column_may_be_empty(c, facts, is_new);
	struct value *out = value_map(cx->arena), *list;

	switch (c->type) {
	case COLUMN_TEXT:
		set_type(cx, out, "string", is_nullable);
		set_length(cx, out, c, DESK_TEXT_MAX);
		break;
	case COLUMN_LONG_TEXT:
		set_type(cx, out, "string", is_nullable);
		set_length(cx, out, c, DESK_LONG_TEXT_MAX);
		break;
	case COLUMN_INT:
		set_type(cx, out, "integer", is_nullable);
		set_bounds(cx, out, c->min, c->max, c->min != 0 || c->max != 0);
		break;
	case COLUMN_BOOL: set_type(cx, out, "boolean", is_nullable); break;
	case COLUMN_CENTS: set_money(cx, out, c->min, c->max, is_nullable); break;
	case COLUMN_DATE:
		set_type(cx, out, "string", is_nullable);
		set_format(cx, out, "date", is_nullable);
		break;
	case COLUMN_INSTANT:
		set_type(cx, out, "string", is_nullable);
		set_format(cx, out, "date-time", is_nullable);
		break;
	case COLUMN_CHOICE:
		set_type(cx, out, "string", is_nullable);
		if (o->column_choices[column] != NULL)
			set_enum(cx, out, "enum", o->column_choices[column], is_nullable, is_nullable);
		break;
	case COLUMN_REF:
		list = LIST(out, "type");
		value_add_text(cx->arena, list, "string");
		if (!ref_is_text(o, column)) value_add_text(cx->arena, list, "integer");
		if (is_nullable) value_add_text(cx->arena, list, "null");
		break;
	case COLUMN_EMAIL:
		set_type(cx, out, "string", is_nullable);
		INT(out, "maxLength", EMAIL_MAX);
		set_format(cx, out, "email", is_nullable);
		break;
	case COLUMN_PHONE:
		set_type(cx, out, "string", is_nullable);
		INT(out, "maxLength", PHONE_MAX);
		break;
	case COLUMN_URL:
		set_type(cx, out, "string", is_nullable);
		INT(out, "maxLength", URL_MAX);
		set_format(cx, out, "uri", is_nullable);
		break;
	}
	describe(cx, out, words_of(cx, c->title), words_of(cx, c->help));
	if (o->column_ref[column] != NULL) TEXT(out, "x-ref", o->column_ref[column]->r->name);
	set_default(cx, out, c);
	if ((c->flags & COL_SECRET) != 0) BOOL(out, "writeOnly", true);
	return out;
}

/* Facts */

static void set_fact_choices(struct cx *cx, struct value *out, const char *choices)
{
	struct value *list = LIST(out, "enum");

	while (*choices != '\0') {
		size_t n = strcspn(choices, "|");

		value_add_text(cx->arena, list, arena_bytes(cx->arena, choices, n));
		choices += n;
		choices += *choices == '|';
	}
}

struct value *schema_of_fact(struct cx *cx, const struct fact *f)
{
	static const char *const types[] = {
		[FACT_TEXT] = "string", [FACT_INT] = "integer",    [FACT_BOOL] = "boolean",
		[FACT_DATE] = "string", [FACT_INSTANT] = "string", [FACT_MONEY] = "string",
		[FACT_TEXTS] = "array", [FACT_MAP] = "object",     [FACT_MAPS] = "array",
	};
	struct value *out = value_map(cx->arena);

	if (f->type == FACT_MONEY)
		set_money(cx, out, 0, 0, false);
	else
		TEXT(out, "type", types[f->type]);
	switch (f->type) {
	case FACT_TEXT:
		if (f->max > 0) INT(out, "maxLength", f->max);
		break;
	case FACT_INT: set_bounds(cx, out, f->min, f->max, f->min != 0 || f->max != 0); break;
	case FACT_DATE: TEXT(out, "format", "date"); break;
	case FACT_INSTANT: TEXT(out, "format", "date-time"); break;
	case FACT_TEXTS: {
		struct value *list = LIST(MAP(out, "items"), "type");

		value_add_text(cx->arena, list, "string");
		value_add_text(cx->arena, list, "integer");
		break;
	}
	case FACT_MAPS: TEXT(MAP(out, "items"), "type", "object"); break;
	case FACT_BOOL:
	case FACT_MONEY:
	case FACT_MAP: break;
	}
	if (f->choices != NULL) set_fact_choices(cx, out, f->choices);
	describe(cx, out, NULL, words_of(cx, f->help));
	return out;
}

struct value *schema_of_facts(struct cx *cx, const struct fact *facts, bool is_closed)
{
	struct value *out = schema_of_type(cx, "object"), *all = MAP(out, "properties");
	struct value *needed = value_list(cx->arena);

	for (const struct fact *f = facts; f->name != NULL; f++) {
		value_set(all, f->name, schema_of_fact(cx, f));
		if (f->is_needed) value_add_text(cx->arena, needed, f->name);
	}
	if (needed->count > 0) value_set(out, "required", needed);
	if (is_closed) BOOL(out, "additionalProperties", false);
	return out;
}

/* Resources */

/* "client_name" of "client_id"; NULL for any other column. */
static const char *companion_of(struct cx *cx, const struct column *c)
{
	size_t n = strlen(c->name);

	if (c->type != COLUMN_REF || n <= 3 || strcmp(c->name + n - 3, "_id") != 0) return NULL;
	return arena_printf(cx->arena, "%.*s_name", (int)(n - 3), c->name);
}

static struct value *part_of(struct cx *cx, const struct office *o, const struct table_facts *facts,
			     struct value *needed)
{
	struct value *out = schema_of_type(cx, "object"), *all = MAP(out, "properties"), *one;
	bool has_money = false;

	TEXT(out, "title", words_get(cx->lang, o->r->title_one));
	one = schema_of_type(cx, o->r->has_public_id ? "string" : "integer");
	BOOL(one, "readOnly", true);
	value_set(all, "id", one);
	one = schema_of_type(cx, "string");
	TEXT(one, "description", _("How the row is called."));
	BOOL(one, "readOnly", true);
	value_set(all, "title", one);
	for (size_t i = 0; i < o->columns; i++) {
		const struct column *c = &o->r->columns[i];
		const char *companion = companion_of(cx, c);

		if (!column_is_in(c, SELECT_API)) continue;
		value_set(all, c->name, schema_of_answer(cx, o, i, facts));
		value_add_text(cx->arena, needed, c->name);
		has_money = has_money || c->type == COLUMN_CENTS;
		if (companion == NULL) continue;
		one = value_map(cx->arena);
		set_type(cx, one, "string", true);
		BOOL(one, "readOnly", true);
		value_set(all, companion, one);
	}
	if (has_money && value_get(all, "currency") == NULL) {
		one = schema_of_type(cx, "string");
		TEXT(one, "description", _("Of the amounts of this row: three letters, ISO 4217."));
		BOOL(one, "readOnly", true);
		value_set(all, "currency", one);
	}
	one = schema_of_type(cx, "string");
	TEXT(one, "format", "date-time");
	BOOL(one, "readOnly", true);
	value_set(all, "archived_at", one);
	BOOL(out, "additionalProperties", false);
	return out;
}

static struct value *body_of(struct cx *cx, const struct office *o, const struct table_facts *facts,
			     bool is_new)
{
	struct value *out = schema_of_type(cx, "object"), *all = MAP(out, "properties");
	struct value *needed = value_list(cx->arena);

	for (size_t i = 0; i < o->columns; i++) {
		const struct column *c = &o->r->columns[i];

		if (!column_is_writable(c, is_new)) continue;
		value_set(all, c->name, schema_of_input(cx, o, i, facts, is_new));
		if ((c->flags & COL_REQUIRED) != 0 && (c->def == NULL || c->def[0] == '\0'))
			value_add_text(cx->arena, needed, c->name);
	}
	if (is_new && needed->count > 0) value_set(out, "required", needed);
	BOOL(out, "additionalProperties", false);
	return out;
}

static struct value *list_of(struct cx *cx, const char *name)
{
	struct value *out = schema_of_type(cx, "object"), *all = MAP(out, "properties"), *one, *needed;
	static const char *const cursors[] = { "next", "previous" };

	one = schema_of_type(cx, "array");
	value_set(one, "items", schema_ref(cx, name, "_part"));
	value_set(all, "data", one);
	for (size_t i = 0; i < 2; i++) {
		one = value_map(cx->arena);
		set_type(cx, one, "string", true);
		TEXT(one, "description",
		     _("Send it as “cursor” to read on; null when there is nothing more."));
		value_set(all, cursors[i], one);
	}
	one = schema_of_type(cx, "integer");
	TEXT(one, "description", _("Only when count=1 asks for it."));
	value_set(all, "count", one);
	one = schema_of_type(cx, "boolean");
	TEXT(one, "description", _("The count is an estimate: there are many rows."));
	value_set(all, "count_is_estimate", one);
	needed = LIST(out, "required");
	value_add_text(cx->arena, needed, "data");
	value_add_text(cx->arena, needed, "next");
	value_add_text(cx->arena, needed, "previous");
	return out;
}

enum rc schemas_of_office(struct cx *cx, const struct office *o, struct value *schemas)
{
	const struct table_facts *facts = NULL;
	const struct resource *r = o->r;
	struct value *whole = value_map(cx->arena), *needed = value_list(cx->arena), *all;
	enum rc rc = office_facts(cx, o, &facts);

	if (rc != RC_OK) return rc;
	value_add_text(cx->arena, needed, "id");
	value_add_text(cx->arena, needed, "title");
	value_set(schemas, arena_printf(cx->arena, "%s_part", r->name), part_of(cx, o, facts, needed));
	all = LIST(whole, "allOf");
	value_append(all, schema_ref(cx, r->name, "_part"));
	value_set(value_add_map(cx->arena, all), "required", needed);
	value_set(schemas, r->name, whole);
	value_set(schemas, arena_printf(cx->arena, "%s_list", r->name), list_of(cx, r->name));
	if (r->right_edit == NULL) return RC_OK;
	if (r->can_create)
		value_set(schemas, arena_printf(cx->arena, "%s_new", r->name), body_of(cx, o, facts, true));
	value_set(schemas, arena_printf(cx->arena, "%s_change", r->name), body_of(cx, o, facts, false));
	return RC_OK;
}
