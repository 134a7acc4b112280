/*
** export.c -- the rows of a list as a table for spreadsheets, written at full speed into a file.
**
** Needs:  an ask without cursor; files/sheet.h, which knows how each kind of file says a cell.
** Never:  waits for the one who downloads: the read ends before the first byte leaves.
** Holds:  (1) one statement, so the file is one moment's truth; (2) memory does not grow with the rows; (3)
**         CSV and workbook have the same cells: amounts as plain decimals, dates as dates, instants as the
**         business's clock showed them, choices and truths in the reader's words; (4) text columns, and only
**         they, go through sheet_text: what a spreadsheet would run as a formula is guarded there, so the
**         apostrophe that an import takes off stands before = + - @ TAB CR and nothing else; (5) what is too
**         long for a spreadsheet is refused, not cut.
*/
#include "desk/export.h"

#include <string.h>
#include <unistd.h>

#define EXPORT_WORDS_MAX (1024 * 1024) /* what one row's own words take: a few hundred bytes a column */

static enum sheet_type sheet_type_of(enum column_type type)
{
	switch (type) {
	case COLUMN_LONG_TEXT: return SHEET_LONG_TEXT;
	case COLUMN_INT: return SHEET_INT;
	case COLUMN_BOOL: return SHEET_TRUTH;
	case COLUMN_DATE: return SHEET_DATE;
	case COLUMN_INSTANT: return SHEET_INSTANT;
	case COLUMN_CENTS: return SHEET_MONEY;
	case COLUMN_TEXT:
	case COLUMN_CHOICE:
	case COLUMN_REF:
	case COLUMN_EMAIL:
	case COLUMN_PHONE:
	case COLUMN_URL: break;
	}
	return SHEET_TEXT;
}

/* An import knows the columns again by these titles, and a row by its id. */
static size_t make_columns(struct cx *cx, const struct ask *ask, struct sheet_column *out)
{
	const struct office *o = ask->o;
	size_t shown[DESK_COLUMNS_MAX], count = ask_columns(ask, SELECT_CSV, shown), n = 0;

	out[n++] = (struct sheet_column){ "id", o->r->has_public_id ? SHEET_TEXT : SHEET_INT };
	for (size_t i = 0; i < count; i++) {
		const struct column *c = &o->r->columns[shown[i]];

		out[n++] = (struct sheet_column){ words_get(cx->lang, c->title), sheet_type_of(c->type) };
	}
	return n;
}

/* What a row's cell is made from, found once: the places in the result, and the words that repeat. */
struct source {
	const struct column *column;
	int at, name, currency;
	const struct choices *choices;
	const char *words[DESK_CHOICES_MAX]; /* of the choices, in the reader's language */
	bool is_words;
};
struct walk {
	struct cx *cx;
	struct sheet *sheet;
	struct cx word_cx;    /* the reader's, on memory that each row gives back */
	const char *currency; /* the house's */
	int id;
	bool id_is_text;
	size_t count;
	struct source source[DESK_COLUMNS_MAX];
};

static int place_of(const struct query *q, const char *name, const char *tail)
{
	size_t len = strlen(name);

	for (int i = 0; i < query_count(q); i++) {
		const char *have = query_name(q, i);

		if (strncmp(have, name, len) == 0 && strcmp(have + len, tail) == 0) return i;
	}
	return -1;
}

static void find_source(struct cx *cx, const struct office *o, const struct query *q, size_t i,
			struct source *out)
{
	const struct column *c = &o->r->columns[i];

	*out = (struct source){
		.column = c,
		.at = place_of(q, c->name, ""),
		.name = place_of(q, c->name, "__name"),
		.currency = place_of(q, c->name, "__cur"),
		.choices = o->column_choices[i],
		.is_words = c->type == COLUMN_REF
				    ? o->column_ref[i] != NULL && o->column_ref[i]->r->names_are_words
				    : (c->flags & COL_WORDS) != 0,
	};
	for (size_t k = 0; out->choices != NULL && k < out->choices->count; k++)
		out->words[k] = words_get(cx->lang, out->choices->at[k].title);
}

static void find_sources(const struct ask *ask, const struct query *q, struct walk *w)
{
	const struct office *o = ask->o;
	size_t shown[DESK_COLUMNS_MAX];

	w->currency = setting_text(w->cx->env->settings, "business.currency");
	w->id = place_of(q, o->r->has_public_id ? "_pid" : "_id", "");
	w->id_is_text = o->r->has_public_id;
	w->count = ask_columns(ask, SELECT_CSV, shown);
	for (size_t i = 0; i < w->count; i++)
		find_source(w->cx, o, q, shown[i], &w->source[i]);
}

static void put_choice(struct walk *w, const struct source *s, const char *value)
{
	for (size_t k = 0; s->choices != NULL && k < s->choices->count; k++) {
		if (strcmp(s->choices->at[k].value, value) != 0) continue;
		sheet_text(w->sheet, s->words[k]);
		return;
	}
	sheet_text(w->sheet, value);
}

/* "+593…" of digits is a number to a spreadsheet, not a formula: it stays as it is dialled. */
static void put_phone(struct walk *w, const char *text)
{
	if (text[0] == '+' && text[1 + strspn(text + 1, "0123456789")] == '\0')
		sheet_code(w->sheet, text);
	else
		sheet_text(w->sheet, text);
}

static void put_cell(struct walk *w, const struct query *q, const struct source *s)
{
	if (s->at < 0 || query_is_null(q, s->at)) {
		sheet_empty(w->sheet);
		return;
	}
	switch (s->column->type) {
	case COLUMN_INT: sheet_int(w->sheet, query_int(q, s->at)); return;
	case COLUMN_BOOL: sheet_truth(w->sheet, query_int(q, s->at) != 0); return;
	case COLUMN_DATE: sheet_date(w->sheet, query_text(q, s->at)); return;
	case COLUMN_INSTANT: sheet_instant(w->sheet, query_int(q, s->at)); return;
	case COLUMN_CENTS: {
		const char *currency = s->currency >= 0 ? query_text(q, s->currency) : "";

		sheet_money(w->sheet, query_int(q, s->at), currency[0] != '\0' ? currency : w->currency);
		return;
	}
	case COLUMN_CHOICE: put_choice(w, s, query_text(q, s->at)); return;
	case COLUMN_PHONE: put_phone(w, query_text(q, s->at)); return;
	case COLUMN_REF:
	case COLUMN_TEXT:
	case COLUMN_LONG_TEXT:
	case COLUMN_EMAIL:
	case COLUMN_URL: break;
	}
	{
		const char *text =
			query_text(q, s->column->type == COLUMN_REF && s->name >= 0 ? s->name : s->at);

		if ((s->column->flags & COL_KEPT) != 0) text = job_text(&w->word_cx, text);
		if (s->column->shown != NULL) text = s->column->shown(&w->word_cx, text);
		sheet_text(w->sheet, s->is_words ? words_get(w->cx->lang, text) : text);
	}
}

static enum rc put_rows(struct walk *w, const struct ask *ask, struct query *q)
{
	struct cx *cx = w->cx;
	enum rc rc = RC_OK;

	find_sources(ask, q, w);
	for (int64_t n = 0; rc == RC_OK && query_next(q); n++) {
		if (n == ask->limit)
			return cx_fail(cx, RC_TOO_LARGE,
				       _("More than %lld rows: narrow the list with a filter."),
				       (long long)ask->limit);
		if (w->id_is_text)
			sheet_code(w->sheet, query_text(q, w->id));
		else
			sheet_int(w->sheet, query_int(q, w->id));
		for (size_t i = 0; i < w->count; i++)
			put_cell(w, q, &w->source[i]);
		arena_reset(w->word_cx.arena);
		rc = sheet_row(w->sheet);
	}
	return rc;
}

enum rc export_rows(struct cx *cx, const struct ask *ask, enum sheet_kind kind, int *fd)
{
	struct walk *w = arena_alloc(cx->arena, sizeof(*w));
	struct sheet_column columns[DESK_COLUMNS_MAX + 1];
	struct statement_text s;
	struct query *q = NULL;
	const char *sql = "";
	size_t count = make_columns(cx, ask, columns);
	enum rc rc = rows_statement(cx, ask, SELECT_CSV, ask->limit + 1, &s, &sql);

	if (w == NULL) return RC_NO_MEMORY;
	w->cx = cx;
	w->word_cx = *cx;
	w->word_cx.arena = arena_new(EXPORT_WORDS_MAX);
	if (w->word_cx.arena == NULL) rc = RC_NO_MEMORY;
	if (rc == RC_OK)
		rc = sheet_open(cx, &w->sheet, kind, words_get(cx->lang, ask->o->r->title), columns, count);
	db_limit_ms(cx->db, DESK_EXPORT_MS);
	if (rc == RC_OK) rc = db_query(cx, &q, sql, s.param);
	if (rc == RC_OK) rc = put_rows(w, ask, q);
	rc = query_end(q, rc);
	db_limit_ms(cx->db, DESK_PAGE_MS);
	arena_free(w->word_cx.arena);
	return sheet_close(w->sheet, rc, fd);
}

enum sheet_kind call_sheet(struct call *call)
{
	const char *separator = call_query(call, "separator");

	if (call_shape(call) == SHAPE_XLSX) return SHEET_XLSX;
	return separator != NULL && strcmp(separator, "semicolon") == 0 ? SHEET_CSV_LOCAL : SHEET_CSV;
}

void answer_sheet(struct cx *cx, struct call *call, int fd, enum sheet_kind kind, const char *name)
{
	char today[DATE_SIZE];

	day_text(today, cx_today(cx));
	answer_download(cx, call, fd, sheet_media_type(kind),
			arena_printf(cx->arena, "%s-%s.%s", name, today, sheet_suffix(kind)));
}

enum rc list_download(struct cx *cx, struct call *call, const struct office *o, enum shape shape)
{
	enum sheet_kind kind = shape == SHAPE_XLSX ? SHEET_XLSX : call_sheet(call);
	struct ask ask;
	int fd = -1;
	enum rc rc = ask_from_call(cx, call, &ask, o, DESK_EXPORT_ROWS_MAX, DESK_EXPORT_ROWS_MAX);

	if (rc != RC_OK) return rc;
	ask.cursor.is_set = false;
	rc = export_rows(cx, &ask, kind, &fd);
	if (rc == RC_OK) answer_sheet(cx, call, fd, kind, o->r->name);
	return rc;
}
