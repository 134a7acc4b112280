/*
** shape.c -- raw rows into what people read (page, CSV) and what programs read (JSON), by the declared
** types.
**
** Never:  asks the database.
** Holds:  (1) JSON: instants RFC 3339 UTC, dates YYYY-MM-DD, money in smallest units beside its
**         currency, references by public id, choices by their code; (2) pages: the business's hour,
**         day/month/year, money with its symbol, choices by their words; (3) an empty value is "" for
**         people and null for programs.
*/
#include "desk/inner.h"

#include "base/money.h"
#include "desk/changes.h"
#include "base/phone.h"
#include <stdio.h>
#include <string.h>

#define CELL_WORDS 40 /* bytes from which a cell is a sentence: its column must not become a thread */

static const struct value *beside(struct cx *cx, const struct value *row, const char *name, const char *what)
{
	char key[96];

	(void)cx;
	snprintf(key, sizeof(key), "%s__%s", name, what);
	return value_get(row, key);
}

const char *row_public_id(struct cx *cx, const struct office *o, const struct value *row)
{
	if (o->r->has_public_id) return value_text_of(value_get(row, "_pid"), "");
	return arena_printf(cx->arena, "%lld", (long long)value_int_of(value_get(row, "_id"), 0));
}

const char *row_name(struct cx *cx, const struct office *o, const struct value *row)
{
	const char *name = value_text_of(value_get(row, "_name"), "");

	if (o->r->name_shown != NULL) return o->r->name_shown(cx, name);
	return o->r->names_are_words ? words_get(cx->lang, name) : name;
}

const char *row_path(struct cx *cx, const struct office *o, const struct value *row)
{
	return arena_join(cx->arena, "/", o->r->name, "/", row_public_id(cx, o, row), NULL);
}

const char *office_currency(struct cx *cx, const struct office *o, const struct column *c,
			    const struct value *row)
{
	const char *own = c->choices != NULL ? value_text_of(beside(cx, row, c->name, "cur"), "") : "";

	(void)o;
	return own[0] != '\0' ? own : setting_text(cx->env->settings, "business.currency");
}

static const char *instant_shown(struct cx *cx, instant at)
{
	char text[RFC3339_SIZE];

	instant_text_local(text, at, cx->env->zone);
	return arena_text(cx->arena, text);
}

static const char *date_shown(struct cx *cx, const char *text)
{
	char local[DATE_SIZE];
	day d;

	if (day_parse(&d, text) != RC_OK) return text;
	day_text_local(local, d);
	return arena_text(cx->arena, local);
}

static const char *as_text(struct cx *cx, const struct value *v)
{
	if (v == NULL) return "";
	if (v->type == VALUE_INT) return arena_printf(cx->arena, "%lld", (long long)v->integer);
	if (v->type == VALUE_REAL) return arena_printf(cx->arena, "%.10g", v->real);
	return value_text_of(v, "");
}

const char *cell_text(struct cx *cx, const struct office *o, size_t column, const struct value *row)
{
	const struct column *c = &o->r->columns[column];
	const struct value *v = value_get(row, c->name);
	char buf[MONEY_SIZE];

	if (v == NULL || v->type == VALUE_NULL) return "";
	switch (c->type) {
	case COLUMN_BOOL: return value_int_of(v, 0) != 0 ? _("Yes") : _("No");
	case COLUMN_DATE: return date_shown(cx, value_text_of(v, ""));
	case COLUMN_INSTANT:
		return v->type == VALUE_INT ? instant_shown(cx, v->integer) : value_text_of(v, "");
	case COLUMN_CENTS:
		money_text(buf, value_int_of(v, 0), office_currency(cx, o, c, row), cx->lang);
		return arena_text(cx->arena, buf);
	case COLUMN_CHOICE: {
		const struct choice *choice = choice_find(o->column_choices[column], as_text(cx, v));

		return choice != NULL ? words_get(cx->lang, choice->title) : as_text(cx, v);
	}
	case COLUMN_REF: {
		const struct office *ref = o->column_ref[column];
		const char *name = value_text_of(beside(cx, row, c->name, "name"), as_text(cx, v));

		return ref != NULL && ref->r->names_are_words ? words_get(cx->lang, name) : name;
	}
	case COLUMN_PHONE: {
		char shown[32];
		const char *text = value_text_of(v, "");

		if (text[0] != '+') return text;
		phone_text(shown, text);
		return arena_text(cx->arena, shown);
	}
	case COLUMN_TEXT:
		if ((c->flags & COL_WORDS) != 0) return words_get(cx->lang, as_text(cx, v));
		if ((c->flags & COL_KEPT) != 0) return job_text(cx, as_text(cx, v));
		if (c->shown != NULL) return c->shown(cx, as_text(cx, v));
		/* Kept beside rows everywhere: a user's name, or the code of who is none. */
		if (strcmp(c->name, "created_by") == 0) return change_actor(cx, as_text(cx, v));
		break;
	case COLUMN_LONG_TEXT:
	case COLUMN_INT:
	case COLUMN_EMAIL:
	case COLUMN_URL: break;
	}
	return c->shown != NULL ? c->shown(cx, as_text(cx, v)) : as_text(cx, v);
}

static const char *cell_link(struct cx *cx, const struct office *o, size_t column, const struct value *row,
			     const char *text)
{
	const struct column *c = &o->r->columns[column];
	const struct office *ref = o->column_ref[column];

	if (text[0] == '\0') return NULL;
	switch (c->type) {
	case COLUMN_REF:
		if (ref == NULL || !office_may_see(cx, ref->r)) return NULL;
		if (ref->r->has_public_id) {
			const char *pid = value_text_of(beside(cx, row, c->name, "pid"), "");

			return pid[0] != '\0' ? arena_join(cx->arena, "/", ref->r->name, "/", pid, NULL)
					      : NULL;
		}
		return arena_printf(cx->arena, "/%s/%lld", ref->r->name,
				    (long long)value_int_of(value_get(row, c->name), 0));
	case COLUMN_TEXT:
		return (c->flags & COL_LINK) != 0 ? value_text_of(beside(cx, row, c->name, "href"), NULL)
						  : NULL;
	case COLUMN_EMAIL: return arena_join(cx->arena, "mailto:", text, NULL);
	case COLUMN_PHONE:
		return arena_join(cx->arena, "tel:", value_text_of(value_get(row, c->name), ""), NULL);
	case COLUMN_URL:
		/* Only what a browser may follow without harm: never javascript: or data:. */
		return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0 ? text : NULL;
	default: return NULL;
	}
}

/* The house's states and those of every module speak the same few words. */
const char *mark_of(const char *state)
{
	static const struct {
		const char *state, *mark;
	} marks[] = {
		{ "active", "ok" },    { "archived", "quiet" },    { "cancelled", "quiet" },
		{ "completed", "ok" }, { "connected", "ok" },      { "dead", "error" },
		{ "delivered", "ok" }, { "dismissed", "quiet" },   { "done", "ok" },
		{ "ending", "quiet" }, { "expired", "warn" },      { "expiring", "warn" },
		{ "failed", "error" }, { "failed_late", "error" }, { "inactive", "quiet" },
		{ "near", "warn" },    { "open", "ok" },           { "paid", "ok" },
		{ "paused", "warn" },  { "pending", "warn" },      { "queued", "info" },
		{ "read", "ok" },      { "refunded", "quiet" },    { "running", "info" },
		{ "sending", "info" }, { "sent", "ok" },           { "skipped", "quiet" },
		{ "soon", "info" },    { "stopped", "error" },     { "today", "error" },
		{ "unsure", "warn" },  { "waiting", "warn" },      { "error", "error" },
		{ "ready", "ok" },     { "scheduled", "info" },    { "importing", "info" },
		{ "PENDING", "info" }, { "PROCESSING", "info" },   { "READY", "ok" },
		{ "ERROR", "error" },
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strcmp(marks[i].state, state) == 0) return marks[i].mark;
	return NULL;
}

void cell_fill(struct cx *cx, const struct office *o, size_t column, const struct value *row,
	       struct value *cell)
{
	const struct column *c = &o->r->columns[column];
	const char *text = cell_text(cx, o, column, row), *href = cell_link(cx, o, column, row, text);

	/* Both stand in the row, in the arena or in a table of the program. */
	value_set_lent(cx->arena, cell, "text", text);
	if (href != NULL) value_set_lent(cx->arena, cell, "href", href);
	if (c->type == COLUMN_CHOICE && text[0] != '\0') {
		const char *mark = mark_of(as_text(cx, value_get(row, c->name)));

		if (mark != NULL) value_set_lent(cx->arena, cell, "mark", mark);
	}
	if (c->type == COLUMN_DATE || c->type == COLUMN_INSTANT || c->type == COLUMN_PHONE)
		value_set_bool(cx->arena, cell, "is_short", true);
	if (c->type == COLUMN_INT || c->type == COLUMN_CENTS)
		value_set_bool(cx->arena, cell, "is_number", true);
	else if (strlen(text) > CELL_WORDS)
		value_set_bool(cx->arena, cell, "is_words", true);
	if (c->type == COLUMN_LONG_TEXT) value_set_bool(cx->arena, cell, "is_long", true);
}

/* Programs */

static void json_cell(struct cx *cx, const struct office *o, size_t column, const struct value *row,
		      struct value *out)
{
	const struct column *c = &o->r->columns[column];
	const struct value *v = value_get(row, c->name);
	char text[RFC3339_SIZE];
	size_t n;

	if (v == NULL || v->type == VALUE_NULL) {
		value_set_null(cx->arena, out, c->name);
		return;
	}
	switch (c->type) {
	case COLUMN_BOOL: value_set_bool(cx->arena, out, c->name, value_int_of(v, 0) != 0); return;
	case COLUMN_INSTANT:
		instant_text(text, value_int_of(v, 0));
		value_set_text(cx->arena, out, c->name, text);
		return;
	case COLUMN_CENTS:
		value_set_int(cx->arena, out, c->name, value_int_of(v, 0));
		n = strlen(c->name);
		/* price_cents has its currency beside it; two amounts of one row share it. */
		if (value_get(out, "currency") == NULL && n > 0)
			value_set_text(cx->arena, out, "currency", office_currency(cx, o, c, row));
		return;
	case COLUMN_REF:
		if (o->column_ref[column] != NULL && o->column_ref[column]->r->has_public_id)
			value_set_text(cx->arena, out, c->name,
				       value_text_of(beside(cx, row, c->name, "pid"), NULL));
		else
			value_set_int(cx->arena, out, c->name, value_int_of(v, 0));
		n = strlen(c->name);
		if (n > 3 && strcmp(c->name + n - 3, "_id") == 0)
			value_set_text(cx->arena, out,
				       arena_printf(cx->arena, "%.*s_name", (int)(n - 3), c->name),
				       value_text_of(beside(cx, row, c->name, "name"), NULL));
		return;
	case COLUMN_INT: value_set_int(cx->arena, out, c->name, value_int_of(v, 0)); return;
	default:
		value_set_text(cx->arena, out, c->name,
			       (c->flags & COL_KEPT) != 0 ? job_text(cx, as_text(cx, v)) : as_text(cx, v));
		return;
	}
}

static struct value *json_of(struct cx *cx, const struct office *o, const struct ask *ask,
			     const struct value *row)
{
	struct value *out = value_map(cx->arena);
	const struct value *archived = value_get(row, "_archived");
	char text[RFC3339_SIZE];

	if (o->r->has_public_id)
		value_set_text(cx->arena, out, "id", value_text_of(value_get(row, "_pid"), ""));
	else
		value_set_int(cx->arena, out, "id", value_int_of(value_get(row, "_id"), 0));
	value_set_text(cx->arena, out, "title", as_text(cx, value_get(row, "_name")));
	for (size_t i = 0; i < o->columns; i++)
		if (ask != NULL ? ask_shows(ask, i, SELECT_API) : column_is_in(&o->r->columns[i], SELECT_API))
			json_cell(cx, o, i, row, out);
	if (archived != NULL && archived->type == VALUE_INT) {
		instant_text(text, archived->integer);
		value_set_text(cx->arena, out, "archived_at", text);
	}
	return out;
}

struct value *row_json(struct cx *cx, const struct office *o, const struct value *row)
{
	return json_of(cx, o, NULL, row);
}

struct value *row_json_of(struct cx *cx, const struct ask *ask, const struct value *row)
{
	return json_of(cx, ask->o, ask, row);
}
