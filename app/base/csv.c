/*
** csv.c -- delimited text, record by record.
**
** Owns:   nothing; cells go to the arena handed in.
** Needs:  text.h for encodings.
** Never:  reads a file; guesses again after csv_open.
** Holds:  (1) every call either moves p forward or ends the reading; (2) a cell is valid
**         UTF-8 without NUL and at most CSV_FIELD_MAX bytes (before an old encoding is
**         converted); (3) line is what an editor shows for the record's first character.
**
** RFC 4180, and what spreadsheets and people make of it: any of CR LF, LF, CR ends a
** record; a quote inside a bare cell is a letter; blanks around a quoted cell are not
** its text; what follows a closing quote is added to the cell, as spreadsheets do.
*/
#include "base/csv.h"
#include "base/text.h"
#include "base/words.h"
#include <string.h>

static const char delimiters[] = ",;\t|"; /* in order of preference when they are equally frequent */

static enum rc refuse(struct csv *csv, const char *why)
{
	csv->why = why;
	return RC_BAD_INPUT;
}

static bool starts_with(const char *p, size_t len, const char *with, size_t with_len)
{
	return len >= with_len && memcmp(p, with, with_len) == 0;
}

/* Well-formed but for NUL bytes, which csv_next refuses with their line. */
static bool is_utf8_but_nul(const char *p, const char *end)
{
	while (p < end) {
		const char *nul = memchr(p, '\0', (size_t)(end - p));
		const char *stop = nul == NULL ? end : nul;

		if (!text_is_utf8(p, (size_t)(stop - p))) return false;
		p = stop + 1;
	}
	return true;
}

/* The most frequent candidate outside quotes in the first line that has any text. */
static char find_delimiter(const char *p, const char *end)
{
	size_t count[sizeof delimiters - 1] = { 0 }, best = 0, i;
	bool is_quoted = false, has_text = false;

	for (; p < end; p++) {
		const char *which = *p == '\0' ? NULL : strchr(delimiters, *p);

		if (*p == '"') is_quoted = !is_quoted;
		if (is_quoted) continue;
		if (*p == '\n' || *p == '\r') {
			if (has_text) break;
			memset(count, 0, sizeof count);
			continue;
		}
		if (which != NULL)
			count[which - delimiters]++;
		else if (*p != ' ')
			has_text = true;
	}
	for (i = 1; i < sizeof delimiters - 1; i++) {
		if (count[i] > count[best]) best = i;
	}
	return delimiters[best];
}

/* Past one line end at p, if there is one. */
static const char *skip_line_end(const char *p, const char *end)
{
	if (p < end && *p == '\r') return p + 1 < end && p[1] == '\n' ? p + 2 : p + 1;
	return p < end && *p == '\n' ? p + 1 : p;
}

/* A first line "sep=;" is a note for spreadsheets, not a record. */
static bool take_sep_line(struct csv *csv)
{
	const char *p = csv->p;
	size_t len = (size_t)(csv->end - p);

	if (len < 5 || strncasecmp(p, "sep=", 4) != 0 || p[4] == '\0' || strchr(delimiters, p[4]) == NULL)
		return false;
	if (len > 5 && p[5] != '\r' && p[5] != '\n') return false;
	csv->delimiter = p[4];
	csv->p = skip_line_end(p + 5, csv->end);
	csv->next_line = 2;
	return true;
}

enum rc csv_open(struct csv *csv, const char *p, size_t len)
{
	static const char bom[] = "\xEF\xBB\xBF";
	size_t i;

	memset(csv, 0, sizeof *csv);
	csv->next_line = 1;
	csv->delimiter = ',';
	csv->p = csv->end = p;
	if (starts_with(p, len, bom, 3)) {
		p += 3;
		len -= 3;
	}
	for (i = 0; i < len && memchr(" \t\r\n", p[i], 4) != NULL;)
		i++;
	if (i == len) return refuse(csv, N_("The file is empty."));
	if (starts_with(p, len, "PK\x03\x04", 4) || starts_with(p, len, "\xD0\xCF\x11\xE0", 4))
		return refuse(csv, N_("This is a spreadsheet file. Save it as CSV and try again."));
	if (starts_with(p, len, "\xFF\xFE", 2) || starts_with(p, len, "\xFE\xFF", 2) ||
	    (len >= 2 && (p[0] == '\0' || p[1] == '\0')))
		return refuse(csv, N_("The file is UTF-16 text. Save it as CSV in UTF-8 and try again."));
	csv->p = p;
	csv->end = p + len;
	csv->is_cp1252 = !is_utf8_but_nul(csv->p, csv->end);
	if (!take_sep_line(csv)) csv->delimiter = find_delimiter(csv->p, csv->end);
	return RC_OK;
}

/* One cell while it is read: pieces of the source, joined only if there is more than one. */
struct cell {
	struct arena *arena;
	char *joined; /* NULL while first and len tell it all */
	const char *first;
	size_t len;
	size_t room;
};

static enum rc cell_add(struct csv *csv, struct cell *cell, const char *p, size_t len)
{
	char *joined;

	if (len == 0) return RC_OK;
	if (cell->len + len > CSV_FIELD_MAX)
		return refuse(csv, N_("A cell is longer than 64 KiB. Is a quotation mark missing?"));
	if (cell->len == 0) {
		cell->first = p;
		cell->len = len;
		return RC_OK;
	}
	if (cell->len + len > cell->room) {
		size_t room = cell->room == 0 ? 2 * (cell->len + len) : 2 * cell->room;

		if (room < cell->len + len) room = cell->len + len;
		joined = arena_grow(cell->arena, cell->joined, cell->room, room);
		if (joined == NULL) return RC_NO_MEMORY;
		if (cell->joined == NULL) memcpy(joined, cell->first, cell->len);
		cell->joined = joined;
		cell->room = room;
	}
	memcpy(cell->joined + cell->len, p, len);
	cell->len += len;
	return RC_OK;
}

/* Our own export puts an apostrophe before what a spreadsheet would run (sb_csv): take off that one. */
static bool is_guarded(const char *p, size_t len)
{
	size_t i = 0;

	while (i < len && p[i] == '\'')
		i++;
	return i > 0 && i < len && memchr("=+-@\t\r", p[i], 6) != NULL;
}

static enum rc cell_finish(struct csv *csv, struct cell *cell)
{
	const char *p = cell->joined != NULL ? cell->joined : cell->first;
	size_t len = cell->len;

	if (len > 0 && memchr(p, '\0', len) != NULL)
		return refuse(csv, N_("This line has a NUL byte: the file is not text, or it is damaged."));
	if (csv->count == CSV_COLUMNS_MAX) return refuse(csv, N_("This line has more than 200 columns."));
	if (is_guarded(p, len)) {
		p++;
		len--;
	}
	/* Fifty megabytes of ";;;" must not fill the arena. */
	if (len == 0) {
		csv->cell[csv->count++] = "";
		return RC_OK;
	}
	csv->cell[csv->count++] =
		csv->is_cp1252 ? text_from_cp1252(cell->arena, p, len) : arena_bytes(cell->arena, p, len);
	return arena_failed(cell->arena) ? RC_NO_MEMORY : RC_OK;
}

static bool is_end_of_cell(const struct csv *csv, const char *p)
{
	return p >= csv->end || *p == csv->delimiter || *p == '\n' || *p == '\r';
}

/* p is behind the opening quote; on success *rest is behind the closing one. */
static enum rc read_quoted(struct csv *csv, struct cell *cell, const char *p, const char **rest)
{
	const char *quote;
	enum rc rc = RC_OK;

	for (; rc == RC_OK; p = quote + 2) {
		quote = memchr(p, '"', (size_t)(csv->end - p));
		if (quote == NULL)
			return refuse(csv, N_("A quotation mark opened in this record is never closed."));
		if (quote + 1 == csv->end || quote[1] != '"') {
			*rest = quote + 1;
			return cell_add(csv, cell, p, (size_t)(quote - p));
		}
		rc = cell_add(csv, cell, p, (size_t)(quote + 1 - p));
	}
	return rc;
}

static enum rc read_cell(struct csv *csv, struct arena *a)
{
	struct cell cell = { .arena = a, .first = "" };
	const char *p = csv->p, *stop;
	enum rc rc;

	while (p < csv->end && *p != csv->delimiter && (*p == ' ' || *p == '\t'))
		p++;
	if (p < csv->end && *p == '"') {
		rc = read_quoted(csv, &cell, p + 1, &p);
		if (rc != RC_OK) return rc;
		for (stop = p; stop < csv->end && *stop != csv->delimiter && (*stop == ' ' || *stop == '\t');)
			stop++;
		if (is_end_of_cell(csv, stop)) p = stop;
	} else {
		p = csv->p;
	}
	for (stop = p; !is_end_of_cell(csv, stop);)
		stop++;
	rc = cell_add(csv, &cell, p, (size_t)(stop - p));
	csv->p = stop;
	return rc == RC_OK ? cell_finish(csv, &cell) : rc;
}

static size_t count_lines(const char *p, const char *end)
{
	size_t lines = 0;

	while (p < end) {
		const char *after = skip_line_end(p, end);

		lines += after > p;
		p = after > p ? after : p + 1;
	}
	return lines;
}

static bool has_text(const struct csv *csv)
{
	size_t i;

	for (i = 0; i < csv->count; i++) {
		if (csv->cell[i][strspn(csv->cell[i], " \t\r\n")] != '\0') return true;
	}
	return false;
}

enum rc csv_next(struct csv *csv, struct arena *a)
{
	if (csv->why != NULL) return RC_BAD_INPUT;
	while (csv->p < csv->end) {
		const char *begin = csv->p;
		enum rc rc = RC_OK;

		csv->count = 0;
		csv->line = csv->next_line;
		for (;;) {
			rc = read_cell(csv, a);
			if (rc != RC_OK) return rc;
			if (csv->p == csv->end || *csv->p != csv->delimiter) break;
			csv->p++;
		}
		csv->p = skip_line_end(csv->p, csv->end);
		csv->next_line += count_lines(begin, csv->p);
		if (has_text(csv)) {
			csv->record++;
			return RC_OK;
		}
	}
	csv->count = 0;
	return RC_NOT_FOUND;
}
