/*
** recipients_read.c -- a file of recipients: encoding, delimiter, heading, and its rows one by one.
**
** Owns:   the rules of spec §4 for all that is told once a file.
** Needs:  base/csv.h for the cells; it takes 200 columns and 64 KiB a cell.
** Never:  keeps a row; reads a table.
** Holds:  (1) preview and import read through the same functions, so what one says the other does;
**         (2) variables are in one order (recipients_nest.c), so that a payload is canonical.
*/
#include "sends/recipients_inner.h"

#include "base/text.h"
#include <string.h>

static const char *const email_names[] = { "email", "correo",        "e-mail",
					   "mail",  "email_address", "correo_electronico",
					   NULL };

/* Comparing names */

/* Two-byte letters that have a small form, as case folding of Unicode has it: Latin, Greek, Cyrillic. */
static uint32_t small_of(uint32_t c)
{
	if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9 && c != 0x3A2) ||
	    (c >= 0x410 && c <= 0x42F))
		return c + 0x20;
	if (c >= 0x400 && c <= 0x40F) return c + 0x50;
	if (c == 0x178) return 0xFF;
	if ((c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) || (c >= 0x14A && c <= 0x177))
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) return c + (c & 1);
	return c;
}

/* Case-folded; what is trimmed and composed comes in. Marks stay: Año is not Ano. */
static char *fold_name(struct arena *a, const char *name)
{
	char *folded = text_lower_ascii(a, name);

	for (char *p = folded; *p != '\0'; p++) {
		unsigned char lead = (unsigned char)p[0], next = (unsigned char)p[1];

		if (lead >= 0xC3 && lead <= 0xD0 && (next & 0xC0) == 0x80) {
			uint32_t c = small_of((uint32_t)(lead & 0x1F) << 6 | (next & 0x3F));

			*p++ = (char)(0xC0 | c >> 6);
			*p = (char)(0x80 | (c & 0x3F));
		}
	}
	return folded;
}

/* Nearly every cell is plain: letters of ASCII, no blank at its ends. One look at each byte tells. */
const char *recipients_clean(struct arena *a, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned char all = 0;

	if (*p == '\0') return text;
	for (; *p != '\0'; p++)
		all |= *p;
	if (all < 0x80 && (unsigned char)text[0] > ' ' && p[-1] > ' ') return text;
	text = text_trim(a, text);
	return all < 0x80 ? text : text_nfc(a, text);
}

const char *recipients_cell(const struct recipients_file *f, struct arena *a, size_t column)
{
	return column < f->csv.count ? recipients_clean(a, f->csv.cell[column]) : "";
}

/* Opening */

/* Why csv_open would not: it tells apart what we have codes for only by its sentences. */
static const char *code_of_refusal(struct bytes file)
{
	size_t i = file.len >= 3 && memcmp(file.p, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

	while (i < file.len && memchr(" \t\r\n", file.p[i], 4) != NULL)
		i++;
	if (i == file.len) return "file_empty";
	return file.p[0] == 'P' || file.p[0] == '\xD0' ? "file_unreadable" : "encoding_invalid";
}

/* The five bytes that Windows-1252 does not have: then it was not that either. */
static bool is_cp1252(const char *p, const char *end)
{
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == 0x81 || c == 0x8D || c == 0x8F || c == 0x90 || c == 0x9D) return false;
	}
	return true;
}

static enum rc unreadable(struct cx *cx, const struct csv *csv)
{
	cx->error_code = "file_unreadable";
	return cx_fail(cx, RC_BAD_INPUT, _("Line %zu of the file: %s"), csv->line,
		       words_get(cx->lang, csv->why));
}

static int find_header(const struct csv *csv, struct arena *a, const char *const *names)
{
	for (; *names != NULL; names++)
		for (size_t i = 0; i < csv->count; i++)
			if (strcmp(fold_name(a, recipients_clean(a, csv->cell[i])), *names) == 0)
				return (int)i;
	return -1;
}

static int find_email(const struct csv *csv, struct arena *a)
{
	for (size_t i = 0; i < csv->count; i++) {
		const char *folded = fold_name(a, recipients_clean(a, csv->cell[i]));

		for (const char *const *name = email_names; *name != NULL; name++)
			if (strcmp(folded, *name) == 0) return (int)i;
	}
	return -1;
}

/* Read the heading with each delimiter: the one that shows an e-mail column, else the one with most
** columns. */
static enum rc read_heading(struct cx *cx, struct recipients_file *f, struct arena *a)
{
	static const char candidates[] = ";,\t";
	struct csv *try = arena_alloc(a, sizeof(*try)), *best = arena_alloc(a, sizeof(*best));
	bool is_told = f->csv.next_line > 1; /* by a first line sep=; */
	size_t i = 0;
	enum rc rc = RC_OK;

	if (try == NULL || best == NULL) return RC_NO_MEMORY;
	for (; rc == RC_OK && candidates[i] != '\0'; i++) {
		bool has_email, best_has = best->count > 0 && find_email(best, a) >= 0;

		*try = f->csv;
		if (!is_told) try->delimiter = candidates[i];
		rc = csv_next(try, a);
		if (rc == RC_BAD_INPUT) return unreadable(cx, try);
		if (rc != RC_OK) break;
		has_email = find_email(try, a) >= 0;
		if (best->count == 0 || has_email > best_has ||
		    (has_email == best_has && try->count > best->count))
			*best = *try;
	}
	if (rc == RC_NOT_FOUND) return recipients_refuse(cx, "file_empty", NULL);
	f->csv = *best;
	return rc;
}

/* Names of the columns. One without a name is no column: what stands in it is not used. */
static enum rc keep_heading(struct cx *cx, struct recipients_file *f, struct arena *a)
{
	const char *folded[CSV_COLUMNS_MAX];
	bool has_address = false;

	f->header_count = f->csv.count;
	for (size_t i = 0; i < f->header_count; i++) {
		f->header[i] = arena_text(a, recipients_clean(a, f->csv.cell[i]));
		folded[i] = fold_name(a, f->header[i]);
		has_address = has_address || strchr(f->header[i], '@') != NULL;
		if (text_length(f->header[i]) > HEADER_MAX)
			return recipients_refuse(cx, "header_missing", NULL);
		for (size_t k = 0; k < i && *folded[i] != '\0'; k++)
			if (strcmp(folded[i], folded[k]) == 0)
				return recipients_refuse(cx, "duplicate_header", f->header[i]);
	}
	f->email = find_email(&f->csv, a);
	if (f->email < 0 && has_address) return recipients_refuse(cx, "header_missing", NULL);
	f->name = find_header(&f->csv, a, (const char *const[]){ "nombres", "name", NULL });
	return RC_OK;
}

/* Variables */

static enum rc add_variable(struct cx *cx, struct recipients_file *f, struct arena *a, const char *key,
			    size_t column)
{
	if (f->variable_count == CSV_COLUMNS_MAX) return recipients_refuse(cx, "variables_invalid", NULL);
	f->variables[f->variable_count++] =
		(struct variable){ .key = key, .column = column, .folded = fold_name(a, key) };
	return RC_OK;
}

static enum rc map_variable(struct cx *cx, struct recipients_file *f, struct arena *a,
			    const struct value *pair)
{
	const char *key = arena_text(a, recipients_clean(a, pair->key)), *folded = fold_name(a, key), *column;

	if (strncmp(key, "__", 2) == 0) return RC_OK;
	if (pair->type != VALUE_TEXT || *key == '\0' || text_length(key) > HEADER_MAX)
		return recipients_refuse(cx, "variables_invalid", NULL);
	for (size_t i = 0; i < f->variable_count; i++)
		if (strcmp(f->variables[i].folded, folded) == 0)
			return recipients_refuse(cx, "duplicate_variable_mapping_key", key);
	column = fold_name(a, recipients_clean(a, pair->text));
	for (size_t i = 0; i < f->header_count && *column != '\0'; i++)
		if (strcmp(fold_name(a, f->header[i]), column) == 0) return add_variable(cx, f, a, key, i);
	return recipients_refuse(cx, "variable_column_missing",
				 arena_text(a, recipients_clean(a, pair->text)));
}

static enum rc find_variables(struct cx *cx, struct recipients_file *f, struct arena *a, const char *json)
{
	struct value *map = NULL;
	size_t at;
	enum rc rc = RC_OK;

	if (json != NULL && *json != '\0') {
		rc = json_parse(a, &map, &at, json, strlen(json));
		if (rc == RC_BAD_INPUT || (rc == RC_OK && map->type != VALUE_MAP))
			return recipients_refuse(cx, "variables_invalid", NULL);
	}
	for (const struct value *v = map != NULL ? map->first : NULL; v != NULL && rc == RC_OK; v = v->next)
		rc = map_variable(cx, f, a, v);
	if (f->variable_count == 0)
		for (size_t i = 0; i < f->header_count && rc == RC_OK; i++)
			if ((int)i != f->email && *f->header[i] != '\0' &&
			    strncmp(f->header[i], "__", 2) != 0)
				rc = add_variable(cx, f, a, f->header[i], i);
	return rc == RC_OK ? variables_nest(cx, f, a) : rc;
}

enum rc recipients_open(struct cx *cx, struct recipients_file *f, struct arena *a, struct bytes file,
			const char *variables_json)
{
	enum rc rc;

	memset(f, 0, sizeof(*f));
	f->email = f->name = -1;
	if (file.len > RECIPIENTS_BYTES_MAX) return recipients_refuse(cx, "file_too_large", NULL);
	if (csv_open(&f->csv, file.p, file.len) != RC_OK)
		return recipients_refuse(cx, code_of_refusal(file), NULL);
	f->encoding = f->csv.is_cp1252                                          ? "cp1252"
		      : file.len >= 3 && memcmp(file.p, "\xEF\xBB\xBF", 3) == 0 ? "utf-8-sig"
										: "utf-8";
	if (f->csv.is_cp1252 && !is_cp1252(f->csv.p, f->csv.end))
		return recipients_refuse(cx, "encoding_invalid", NULL);
	rc = read_heading(cx, f, a);
	if (rc == RC_OK) rc = keep_heading(cx, f, a);
	if (rc == RC_OK) rc = find_variables(cx, f, a, variables_json);
	return rc == RC_OK && arena_failed(a) ? RC_NO_MEMORY : rc;
}

void recipients_require(struct recipients_file *f, struct arena *a, const struct value *required,
			const char *may_be_empty)
{
	struct value *may = NULL;

	if (may_be_empty == NULL || json_parse(a, &may, NULL, may_be_empty, strlen(may_be_empty)) != RC_OK)
		may = NULL;
	for (const struct value *name = required != NULL ? required->first : NULL; name != NULL;
	     name = name->next)
		for (size_t i = 0; i < f->variable_count; i++)
			if (strcmp(f->variables[i].key, value_text_of(name, "")) == 0)
				f->variables[i].is_required = true;
	for (const struct value *name = may != NULL ? may->first : NULL; name != NULL; name = name->next)
		for (size_t i = 0; i < f->variable_count; i++)
			if (strcmp(f->variables[i].key, value_text_of(name, "")) == 0)
				f->variables[i].is_required = false;
}

/* Rows */

enum rc recipients_next(struct cx *cx, struct recipients_file *f, struct arena *a)
{
	enum rc rc = csv_next(&f->csv, a);

	if (rc == RC_BAD_INPUT) return unreadable(cx, &f->csv);
	if (rc != RC_OK) return rc;
	if (f->rows == RECIPIENTS_ROWS_MAX) return recipients_refuse(cx, "row_limit_exceeded", NULL);
	f->rows++;
	return RC_OK;
}

static const char *cut(struct arena *a, const char *text, size_t letters, size_t bytes)
{
	size_t len = strlen(text), keep = len <= letters ? len : text_prefix(text, letters);

	while (keep > bytes || (keep < len && ((unsigned char)text[keep] & 0xC0) == 0x80))
		keep--;
	return keep == len ? text : arena_bytes(a, text, keep);
}

static void add_payload(struct recipients_file *f, struct arena *a, struct recipient_row *row,
			struct sb *payload)
{
	sb_clear(payload);
	sb_char(payload, '{');
	for (size_t i = 0; i < f->variable_count; i++) {
		struct variable *v = &f->variables[i];
		const char *text = recipients_cell(f, a, v->column);

		v->is_blank = *text == '\0';
		if (*text == '\0' && v->is_required) {
			row->code = ROW_VALUE_MISSING;
			row->detail = v->key;
			return;
		}
		/* before the first there is no comma */
		sb_bytes(payload, v->json.p + (i == 0), v->json.len - (i == 0));
		sb_json(payload, text, strlen(text));
	}
	for (size_t i = 0; i <= f->open; i++)
		sb_char(payload, '}');
	if (sb_result(payload) == RC_TOO_LARGE) row->code = ROW_STRUCTURE;
}

void recipients_read_row(struct recipients_file *f, struct arena *a, struct recipient_row *row,
			 struct sb *payload)
{
	const char *typed = f->email >= 0 && (size_t)f->email < f->csv.count ? f->csv.cell[f->email] : "";
	const char *code = recipient_check(a, &row->address, typed);

	row->detail = "";
	row->typed = cut(a, typed, RECIPIENT_KEPT_MAX, RECIPIENT_KEPT_MAX);
	row->name = f->name >= 0
			    ? cut(a, recipients_cell(f, a, (size_t)f->name), NAME_KEPT_MAX, 4 * NAME_KEPT_MAX)
			    : "";
	row->code = f->csv.count > f->header_count         ? ROW_STRUCTURE
		    : *code == '\0'                        ? ROW_VALID
		    : strcmp(code, "recipient_empty") == 0 ? ROW_EMPTY
							   : ROW_INVALID;
	if (row->code == ROW_STRUCTURE)
		row->detail = arena_printf(a, "%zu/%zu", f->csv.count, f->header_count);
	if (row->code == ROW_VALID) add_payload(f, a, row, payload);
}
