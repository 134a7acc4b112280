/*
** form.c -- the fields of a form: what stands there, what was typed, what was wrong with it.
**
** Never:  decides whether a value is right (check.c does).
** Holds:  (1) after a refused form every field shows what was typed, not what is stored; (2) a
**         reference with few rows is a list to choose from, one with many is a line to write a name in;
**         (3) a secret is never shown.
*/
#include "desk/inner.h"

#include "base/money.h"
#include <string.h>

static const char *error_of(const struct cx *cx, const char *field)
{
	for (size_t i = 0; i < cx->field_count; i++)
		if (strcmp(cx->fields[i].field, field) == 0) return cx->fields[i].message;
	return NULL;
}

/* The last of the name: a check box comes after a hidden 0 of the same name. */
static const char *typed_text(struct call *call, const char *name)
{
	size_t n = call != NULL ? form_count(call, name) : 0;

	return n > 0 ? form_text_at(call, name, n - 1) : NULL;
}

/* "2026-11-22T09:00" of the business's clock, as an input of type datetime-local wants it. */
static const char *instant_field(struct cx *cx, instant at)
{
	struct civil c = zone_civil(cx->env->zone, at);
	char date[DATE_SIZE];

	day_text(date, c.day);
	return arena_printf(cx->arena, "%sT%02d:%02d", date, c.hour, c.minute);
}

static const char *stored_text(struct cx *cx, const struct office *o, size_t i, const struct value *stored)
{
	const struct column *c = &o->r->columns[i];
	const struct value *v = value_get(stored, c->name);
	char money[MONEY_SIZE];

	if (v == NULL || v->type == VALUE_NULL) return "";
	switch (c->type) {
	case COLUMN_INSTANT: return instant_field(cx, value_int_of(v, 0));
	case COLUMN_CENTS: {
		const char *currency =
			c->choices != NULL ? value_text_of(value_get(stored, c->choices), "") : "";

		if (currency[0] == '\0') currency = setting_text(cx->env->settings, "business.currency");
		money_plain(money, value_int_of(v, 0), currency);
		return arena_text(cx->arena, money);
	}
	default: break;
	}
	if (v->type == VALUE_INT) return arena_printf(cx->arena, "%lld", (long long)v->integer);
	return value_text_of(v, "");
}

static void fill_options(struct cx *cx, const struct choices *choices, const char *current, bool may_be_empty,
			 struct value *out)
{
	struct value *list = value_set_list(cx->arena, out, "options");

	value_set_bool(cx->arena, out, "is_select", true);
	value_set_bool(cx->arena, out, "has_blank", may_be_empty || current[0] == '\0');
	for (size_t i = 0; i < choices->count; i++) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "value", choices->at[i].value);
		value_set_text(cx->arena, one, "title", words_get(cx->lang, choices->at[i].title));
		value_set_bool(cx->arena, one, "is_selected", strcmp(choices->at[i].value, current) == 0);
	}
}

/* References */

static const char *get_nothing(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

/* Name and public id of the row a reference stands for: a stored id, or what an address or a form named. */
static bool ref_row(struct cx *cx, const struct office *ref, const char *text, const char **pid,
		    const char **name)
{
	struct value *row = NULL;
	int64_t id = 0;

	if (text[0] == '\0' || office_row_id(cx, &id, ref, text, true) != RC_OK) return false;
	if (row_of(cx, ref, id, SELECT_NAME, true, &row) != RC_OK) return false;
	*pid = row_public_id(cx, ref, row);
	*name = value_text_of(value_get(row, "_name"), "");
	return true;
}

static void fill_ref(struct cx *cx, const struct office *o, size_t i, const char *current, struct value *out)
{
	const struct office *ref = o->column_ref[i];
	const char *pid = "", *name = current;
	struct ask ask;
	struct rows rows;
	struct value *list;
	bool has_row;

	if (ref == NULL) return;
	has_row = ref_row(cx, ref, current, &pid, &name);
	value_set_text(cx->arena, out, "value", name);
	value_set_bool(cx->arena, out, "is_ref", true);
	if (!office_may_see(cx, ref->r)) return; /* who may not open that list gets no copy of it here */
	if (ask_read(cx, &ask, ref, get_nothing, NULL, DESK_REF_OPTIONS_MAX, DESK_REF_OPTIONS_MAX) != RC_OK ||
	    rows_of(cx, &ask, SELECT_NAME, &rows) != RC_OK)
		return;
	if (rows.next != NULL &&
	    ref->has_search) { /* too many to choose from: a part of the name is enough */
		value_set_text(cx->arena, out, "ref_path", arena_printf(cx->arena, "/%s", ref->r->name));
		return;
	}
	list = value_set_list(cx->arena, out, "options");
	value_set_bool(cx->arena, out, "is_select", true);
	value_set_bool(cx->arena, out, "has_blank", !has_row || (o->r->columns[i].flags & COL_REQUIRED) == 0);
	for (const struct value *row = rows.list->first; row != NULL; row = row->next) {
		struct value *one = value_add_map(cx->arena, list);
		const char *row_pid = row_public_id(cx, ref, row);
		bool is_this = has_row && strcmp(row_pid, pid) == 0;

		value_set_text(cx->arena, one, "value", row_pid);
		value_set_text(cx->arena, one, "title", value_text_of(value_get(row, "_name"), ""));
		value_set_bool(cx->arena, one, "is_selected", is_this);
		if (is_this) has_row = false;
	}
	if (has_row) { /* archived since: it stays choosable where it stands */
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "value", pid);
		value_set_text(cx->arena, one, "title", name);
		value_set_bool(cx->arena, one, "is_selected", true);
	}
}

/* Fields */

static const char *input_type(enum column_type type)
{
	switch (type) {
	case COLUMN_DATE: return "date";
	case COLUMN_INSTANT: return "datetime-local";
	case COLUMN_EMAIL: return "email";
	case COLUMN_PHONE: return "tel";
	case COLUMN_URL: return "url";
	case COLUMN_INT: return "number";
	default: return "text";
	}
}

static const char *input_mode(enum column_type type)
{
	switch (type) {
	case COLUMN_CENTS: return "decimal";
	case COLUMN_INT: return "numeric";
	default: return NULL;
	}
}

static void fill_field(struct cx *cx, const struct office *o, size_t i, const char *text, struct value *out)
{
	const struct column *c = &o->r->columns[i];
	const char *error = error_of(cx, c->name);

	value_set_text(cx->arena, out, "name", c->name);
	value_set_text(cx->arena, out, "title", words_get(cx->lang, c->title));
	value_set_text(cx->arena, out, "value", (c->flags & COL_SECRET) != 0 ? "" : text);
	value_set_bool(cx->arena, out, "is_required", (c->flags & COL_REQUIRED) != 0);
	if (c->help != NULL) value_set_text(cx->arena, out, "help", words_get(cx->lang, c->help));
	if (error != NULL) value_set_text(cx->arena, out, "error", error);
	if (c->type == COLUMN_LONG_TEXT) {
		value_set_bool(cx->arena, out, "is_long", true);
	} else if (c->type == COLUMN_BOOL) {
		value_set_bool(cx->arena, out, "is_bool", true);
		value_set_bool(cx->arena, out, "is_checked",
			       strcmp(text, "1") == 0 || strcmp(text, "true") == 0);
	} else if (c->type == COLUMN_CHOICE && o->column_choices[i] != NULL) {
		fill_options(cx, o->column_choices[i], text, (c->flags & COL_REQUIRED) == 0, out);
	} else if (c->type == COLUMN_REF) {
		fill_ref(cx, o, i, text, out);
	} else {
		value_set_text(cx->arena, out, "type", input_type(c->type));
		if (input_mode(c->type) != NULL) value_set_text(cx->arena, out, "mode", input_mode(c->type));
		if (c->type == COLUMN_TEXT)
			value_set_int(cx->arena, out, "max", c->max > 0 ? c->max : DESK_TEXT_MAX);
	}
	value_set_bool(cx->arena, out, "is_line",
		       value_get(out, "is_select") == NULL && c->type != COLUMN_LONG_TEXT &&
			       c->type != COLUMN_BOOL);
	if (c->type == COLUMN_REF && value_get(out, "is_select") == NULL)
		value_set_text(cx->arena, out, "type", "text");
}

void form_fill(struct cx *cx, const struct office *o, const struct value *stored, struct call *call,
	       bool is_new, struct value *page)
{
	struct value *fields = value_set_list(cx->arena, page, "fields");
	struct value *errors = value_set_list(cx->arena, page, "errors");
	bool was_sent = strcmp(call_method(call), "GET") != 0;

	for (size_t i = 0; i < o->columns; i++) {
		const struct column *c = &o->r->columns[i];
		const char *text = NULL;

		if (c->sql != NULL || (c->flags & (COL_READONLY | COL_HIDDEN | COL_API)) != 0) continue;
		if ((c->flags & COL_CREATE) != 0 && !is_new) continue;
		if (was_sent) text = typed_text(call, c->name);
		if (text == NULL && !was_sent && is_new)
			text = call_query(call, c->name); /* /subscriptions/new?client_id=… */
		if (text == NULL && stored != NULL) text = stored_text(cx, o, i, stored);
		if (text == NULL) text = c->def != NULL ? c->def : "";
		fill_field(cx, o, i, text, value_add_map(cx->arena, fields));
	}
	for (size_t i = 0; i < cx->field_count; i++) {
		struct value *one = value_add_map(cx->arena, errors);
		const char *title = cx->fields[i].field;

		for (size_t k = 0; k < o->columns; k++)
			if (strcmp(o->r->columns[k].name, title) == 0) {
				title = words_get(cx->lang, o->r->columns[k].title);
				break;
			}
		value_set_text(cx->arena, one, "field", cx->fields[i].field);
		value_set_text(cx->arena, one, "title", title);
		value_set_text(cx->arena, one, "message", cx->fields[i].message);
	}
	if (was_sent) value_set_text(cx->arena, page, "failure", cx_sentence(cx, RC_BAD_INPUT));
	value_set_bool(cx->arena, page, "has_errors", errors->count > 0);
}
