/*
** export_rows.c -- a module's own table (a report, the numbers behind a chart) as JSON, CSV or workbook.
**
** Never:  asks the database.
** Holds:  (1) the three have the same columns in the same order; (2) a column's suffix is its type, as
**         everywhere (design: the suffix is the type).
*/
#include "desk/export.h"

#include <string.h>
#include <unistd.h>

enum kind { KIND_PLAIN, KIND_INSTANT, KIND_DATE, KIND_MONEY, KIND_TRUTH, KIND_PERCENT, KIND_HUNDREDTHS };

static bool ends_with(const char *name, const char *tail)
{
	size_t len = strlen(name), n = strlen(tail);

	return len > n && memcmp(name + len - n, tail, n) == 0;
}

static enum kind kind_of(const char *name)
{
	if (ends_with(name, "_at")) return KIND_INSTANT;
	if (ends_with(name, "_on")) return KIND_DATE;
	if (ends_with(name, "_cents")) return KIND_MONEY;
	if (ends_with(name, "_bp")) return KIND_PERCENT;
	if (ends_with(name, "_x100")) return KIND_HUNDREDTHS;
	return strncmp(name, "is_", 3) == 0 || strncmp(name, "has_", 4) == 0 ? KIND_TRUTH : KIND_PLAIN;
}

/* A number or a text: what the first row that has one says. */
static enum sheet_type type_of(const char *name, const struct value *rows)
{
	switch (kind_of(name)) {
	case KIND_INSTANT: return SHEET_INSTANT;
	case KIND_DATE: return SHEET_DATE;
	case KIND_MONEY: return SHEET_MONEY;
	case KIND_TRUTH: return SHEET_TRUTH;
	case KIND_PERCENT:
	case KIND_HUNDREDTHS: return SHEET_INT;
	case KIND_PLAIN: break;
	}
	for (const struct value *r = rows->first; r != NULL; r = r->next) {
		const struct value *v = value_get(r, name);

		if (v != NULL && v->type != VALUE_NULL) return v->type == VALUE_INT ? SHEET_INT : SHEET_TEXT;
	}
	return SHEET_TEXT;
}

/* price_cents: price_currency, else currency, else the house's. */
static const char *currency_of(struct cx *cx, const struct value *row, const char *name)
{
	const char *stem = arena_bytes(cx->arena, name, strlen(name) - strlen("_cents"));
	const char *own = value_text_of(value_get(row, arena_printf(cx->arena, "%s_currency", stem)), "");

	if (own[0] == '\0') own = value_text_of(value_get(row, "currency"), "");
	return own[0] != '\0' ? own : setting_text(cx->env->settings, "business.currency");
}

static void put(struct cx *cx, struct sheet *s, const struct value *row, const char *name)
{
	const struct value *v = value_get(row, name);

	if (v == NULL || v->type == VALUE_NULL) {
		sheet_empty(s);
		return;
	}
	if (v->type == VALUE_BOOL) {
		sheet_truth(s, v->boolean);
		return;
	}
	if (v->type == VALUE_TEXT) {
		if (kind_of(name) == KIND_DATE)
			sheet_date(s, v->text);
		else
			sheet_text(s, v->text);
		return;
	}
	if (v->type != VALUE_INT) {
		sheet_text(s, v->type == VALUE_REAL ? arena_printf(cx->arena, "%.10g", v->real) : "");
		return;
	}
	switch (kind_of(name)) {
	case KIND_INSTANT: sheet_instant(s, v->integer); return;
	case KIND_MONEY: sheet_money(s, v->integer, currency_of(cx, row, name)); return;
	case KIND_TRUTH: sheet_truth(s, v->integer != 0); return;
	case KIND_PERCENT:
	case KIND_HUNDREDTHS: sheet_scaled(s, v->integer, 2); return;
	case KIND_DATE:
	case KIND_PLAIN: break;
	}
	sheet_int(s, v->integer);
}

/* Only the declared columns, and the currency beside an amount. */
static void answer_as_json(struct cx *cx, struct call *call, const struct answer_column *columns,
			   const struct value *rows)
{
	struct value *out = value_map(cx->arena), *data = value_set_list(cx->arena, out, "data");

	for (const struct value *r = rows->first; r != NULL; r = r->next) {
		struct value *row = value_add_map(cx->arena, data);

		for (const struct answer_column *c = columns; c->name != NULL; c++) {
			const struct value *v = value_get(r, c->name);

			if (v == NULL || v->type == VALUE_NULL)
				value_set_null(cx->arena, row, c->name);
			else if (v->type == VALUE_INT)
				value_set_int(cx->arena, row, c->name, v->integer);
			else if (v->type == VALUE_BOOL)
				value_set_bool(cx->arena, row, c->name, v->boolean);
			else if (v->type == VALUE_REAL)
				value_set_text(cx->arena, row, c->name,
					       arena_printf(cx->arena, "%.10g", v->real));
			else
				value_set_text(cx->arena, row, c->name, value_text_of(v, ""));
			if (kind_of(c->name) == KIND_MONEY && value_get(row, "currency") == NULL)
				value_set_text(cx->arena, row, "currency", currency_of(cx, r, c->name));
		}
	}
	shape_json(cx, data);
	answer_json(cx, call, 200, out);
}

enum rc answer_rows(struct cx *cx, struct call *call, const char *name, const struct answer_column *columns,
		    const struct value *rows)
{
	struct sheet_column head[SHEET_COLUMNS_MAX];
	struct sheet *s = NULL;
	size_t count = 0;
	int fd = -1;
	enum rc rc;

	if (call_shape(call) == SHAPE_PAGE) return RC_BUG;
	if (call_shape(call) == SHAPE_JSON) {
		answer_as_json(cx, call, columns, rows);
		return RC_OK;
	}
	for (const struct answer_column *c = columns; c->name != NULL; c++) {
		if (count == SHEET_COLUMNS_MAX) return RC_BUG;
		head[count++] =
			(struct sheet_column){ words_get(cx->lang, c->title), type_of(c->name, rows) };
	}
	rc = sheet_open(cx, &s, call_sheet(call), name, head, count);
	for (const struct value *r = rows->first; r != NULL && rc == RC_OK; r = r->next) {
		for (const struct answer_column *c = columns; c->name != NULL; c++)
			put(cx, s, r, c->name);
		rc = sheet_row(s);
	}
	rc = sheet_close(s, rc, &fd);
	if (rc == RC_OK) answer_sheet(cx, call, fd, call_sheet(call), name);
	return rc;
}
