/*
** xlsx_rows.c -- the rows of a workbook's first visible sheet, one at a time.
**
** Needs:  xlsx_book.c's findings; the parser, stopped behind each row that has anything in it.
** Holds:  (1) memory stays at one row, whatever the sheet claims; (2) cells and rows that are only formatted
**         cost no memory and are not handed out; (3) rows come in rising order, cells at their own column.
**
** Source: ECMA-376 part 1, 18.3 (worksheets).
*/
#include "files/xlsx_in.h"

#include "base/mem.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>

#define ROW_MAX        1048576 /* Excel's last row */
#define COLUMN_FIGURES 3       /* letters of the last column, "XFD" */

enum cell_type { CELL_NUMBER, CELL_SHARED, CELL_TEXT, CELL_BOOL, CELL_ERROR, CELL_DATE };

struct xlsx {
	struct zip_in *zip;
	struct xlsx_book book;
	struct xlsx_part part;
	/* of the call to xlsx_next under way */
	struct cx *cx;
	struct arena *arena;
	/* the row */
	size_t line, columns; /* columns: one past the last that has anything in it */
	const char *cell[ROWS_IN_CELLS_MAX];
	bool in_rows, has_row;
	/* the cell */
	bool in_cell, in_value, has_formula;
	enum cell_type type;
	size_t column, style;
	int phonetic;
	struct sb text;
};

static void fail(struct xlsx *x, enum rc rc)
{
	xlsx_part_fail(&x->part, rc);
}

/* "AB12" to column 27; SIZE_MAX: it says no column. */
static size_t column_of(const char *ref)
{
	size_t n = 0, i = 0;

	for (; i <= COLUMN_FIGURES && ref[i] >= 'A' && ref[i] <= 'Z'; i++)
		n = n * 26 + (size_t)(ref[i] - 'A') + 1;
	return i > 0 && i <= COLUMN_FIGURES ? n - 1 : SIZE_MAX;
}

static enum cell_type type_of(const char *t)
{
	static const struct {
		const char *name;
		enum cell_type type;
	} types[] = { { "s", CELL_SHARED }, { "str", CELL_TEXT }, { "inlineStr", CELL_TEXT },
		      { "b", CELL_BOOL },   { "e", CELL_ERROR },  { "d", CELL_DATE } };

	for (size_t i = 0; t != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, t) == 0) return types[i].type;
	return CELL_NUMBER;
}

static void begin_row(struct xlsx *x, const char **attributes)
{
	const char *r = xlsx_attribute(attributes, "r");
	size_t line = r != NULL ? (size_t)strtoul(r, NULL, 10) : x->line + 1;

	if (line <= x->line || line > ROW_MAX) {
		fail(x, zip_in_damaged(x->cx));
		return;
	}
	x->line = line;
	x->columns = 0;
	x->column = SIZE_MAX; /* before the first */
}

static void begin_cell(struct xlsx *x, const char **attributes)
{
	const char *r = xlsx_attribute(attributes, "r"), *s = xlsx_attribute(attributes, "s");
	size_t column = r != NULL ? column_of(r) : x->column + 1;

	if (column == SIZE_MAX || (x->column != SIZE_MAX && column <= x->column)) {
		fail(x, zip_in_damaged(x->cx));
		return;
	}
	x->column = column;
	x->style = s != NULL ? (size_t)strtoul(s, NULL, 10) : 0;
	x->type = type_of(xlsx_attribute(attributes, "t"));
	x->in_cell = true;
	x->has_formula = false;
	x->phonetic = 0;
	sb_clear(&x->text);
}

static void on_begin(void *arg, const char *name, const char **attributes)
{
	struct xlsx *x = arg;

	if (strcmp(name, "sheetData") == 0) {
		x->in_rows = true;
	} else if (!x->in_rows) {
		return;
	} else if (!x->in_cell && strcmp(name, "row") == 0) {
		begin_row(x, attributes);
	} else if (!x->in_cell && strcmp(name, "c") == 0 && x->line > 0) {
		begin_cell(x, attributes);
	} else if (x->in_cell) {
		if (strcmp(name, "rPh") == 0) x->phonetic++;
		if (strcmp(name, "f") == 0) x->has_formula = true;
		x->in_value = strcmp(name, "v") == 0 || (strcmp(name, "t") == 0 && x->phonetic == 0);
	}
}

static void on_text(void *arg, const char *p, int len)
{
	struct xlsx *x = arg;
	struct cx *cx = x->cx;

	if (!x->in_cell || !x->in_value) return;
	sb_bytes(&x->text, p, (size_t)len);
	if (sb_result(&x->text) == RC_NO_MEMORY) fail(x, RC_NO_MEMORY);
	if (sb_result(&x->text) == RC_TOO_LARGE)
		fail(x, cx_fail(cx, RC_TOO_LARGE,
				_("Row %zu: a cell is longer than Excel's 32,767 characters."), x->line));
}

static const char *shared_text(struct xlsx *x, const char *raw)
{
	const struct xlsx_strings *s = &x->book.strings;
	char *end = NULL;
	unsigned long i = strtoul(raw, &end, 10);

	if (end == raw || i >= s->count) {
		fail(x, zip_in_damaged(x->cx));
		return "";
	}
	if (strlen(s->bytes + s->at[i]) > XLSX_CELL_MAX) {
		struct cx *cx = x->cx;

		fail(x, cx_fail(cx, RC_TOO_LARGE,
				_("Row %zu: a cell is longer than Excel's 32,767 characters."), x->line));
	}
	return s->bytes + s->at[i];
}

/* "2026-11-22T09:00:00.000Z" as the others read. */
static const char *iso_text(struct xlsx *x, const char *raw)
{
	char *text = arena_text(x->arena, raw), *t = strchr(text, 'T');

	if (t == NULL) return text;
	*t = ' ';
	t[1 + strspn(t + 1, "0123456789:")] = '\0';
	return text;
}

/* What the cell says, trimmed; "" = nothing. Lent or in the arena. */
static const char *cell_text(struct xlsx *x)
{
	const char *raw = sb_text_of(&x->text);
	char number[XLSX_VALUE_SIZE];

	switch (x->type) {
	case CELL_SHARED: return raw[0] != '\0' ? text_trim(x->arena, shared_text(x, raw)) : "";
	case CELL_TEXT:
		if (raw[0] != '\0') {
			x->text.len = xlsx_unescape(x->text.p, x->text.len);
			x->text.p[x->text.len] = '\0';
		}
		return text_trim(x->arena, sb_text_of(&x->text));
	case CELL_DATE: return iso_text(x, raw);
	case CELL_BOOL:
	case CELL_ERROR: return text_trim(x->arena, raw);
	case CELL_NUMBER: break;
	}
	if (raw[0] == '\0') return "";
	xlsx_number_text(number, raw,
			 x->style < x->book.styles ? (enum xlsx_kind)x->book.style[x->style] : XLSX_NUMBER,
			 x->book.is_1904);
	return arena_text(x->arena, number);
}

static void end_cell(struct xlsx *x)
{
	struct cx *cx = x->cx;
	const char *text;

	x->in_cell = x->in_value = false;
	if (x->text.len == 0) {
		/* A program that writes formulas without computing them leaves the value out. */
		if (x->has_formula && x->type != CELL_TEXT)
			fail(x,
			     cx_fail(cx, RC_BAD_INPUT,
				     _("Row %zu: a formula has no saved value. Open the file in Excel, save it"
				       " and try again."),
				     x->line));
		return;
	}
	text = cell_text(x);
	if (text[0] == '\0') return;
	if (x->column >= ROWS_IN_CELLS_MAX) {
		fail(x, cx_fail(cx, RC_TOO_LARGE, _("Row %zu has more than %d columns."), x->line,
				ROWS_IN_CELLS_MAX));
		return;
	}
	while (x->columns < x->column)
		x->cell[x->columns++] = "";
	x->cell[x->columns++] = text;
}

static void on_end(void *arg, const char *name)
{
	struct xlsx *x = arg;

	if (strcmp(name, "sheetData") == 0) x->in_rows = false;
	if (!x->in_rows) return;
	if (x->in_cell) {
		if (strcmp(name, "rPh") == 0 && x->phonetic > 0) x->phonetic--;
		if (strcmp(name, "c") == 0)
			end_cell(x);
		else if (strcmp(name, "v") == 0 || strcmp(name, "t") == 0)
			x->in_value = false;
	} else if (strcmp(name, "row") == 0 && x->columns > 0) {
		x->has_row = true;
		xlsx_part_pause(&x->part);
	}
}

enum rc xlsx_open(struct cx *cx, struct xlsx **out, struct bytes file)
{
	struct xlsx *x = mem_zeroed(sizeof(*x));
	enum rc rc;

	if (x == NULL) return RC_NO_MEMORY;
	sb_init(&x->text, XLSX_CELL_MAX);
	rc = zip_in_open(cx, &x->zip, file);
	if (rc == RC_OK) rc = xlsx_book_read(cx, &x->book, x->zip);
	if (rc == RC_OK) {
		x->part = (struct xlsx_part){ .begin = on_begin, .end = on_end, .text = on_text, .arg = x };
		rc = xlsx_part_open(cx, &x->part, x->zip, x->book.sheet);
		if (rc == RC_NOT_FOUND) rc = zip_in_damaged(cx);
	}
	if (rc == RC_OK)
		*out = x;
	else
		xlsx_close(x);
	return rc;
}

enum rc xlsx_next(struct cx *cx, struct xlsx *x, struct arena *a, struct cells *out)
{
	const char **cell;
	bool is_end = false;
	enum rc rc;

	x->cx = x->part.cx = cx;
	x->arena = a;
	x->has_row = false;
	rc = xlsx_part_read(&x->part, &is_end);
	if (rc != RC_OK) return rc;
	if (!x->has_row) return is_end ? RC_NOT_FOUND : RC_BUG;
	cell = arena_array(a, x->columns, sizeof(*cell));
	if (cell == NULL || arena_failed(a)) return RC_NO_MEMORY;
	memcpy(cell, x->cell, x->columns * sizeof(*cell));
	*out = (struct cells){ .count = x->columns, .cell = cell, .line = x->line };
	return RC_OK;
}

void xlsx_progress(const struct xlsx *x, int64_t *done, int64_t *total)
{
	*done = x->part.fed;
	*total = x->part.size;
}

void xlsx_close(struct xlsx *x)
{
	if (x == NULL) return;
	xlsx_part_close(&x->part);
	xlsx_book_free(&x->book);
	zip_in_close(x->zip);
	sb_free(&x->text);
	mem_free(x);
}
