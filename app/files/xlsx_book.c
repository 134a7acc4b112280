/*
** xlsx_book.c -- what a workbook says about itself: its first visible sheet, its date system, which cell
** formats are dates, the texts that cells share.
**
** Holds:  (1) every list has a bound, named in xlsx_in.h; (2) a part that a workbook need not have may be
**         missing; (3) only names inside the archive are followed.
**
** Sources: ECMA-376 part 1, 18.2 (workbook), 18.4 (shared strings), 18.8 (styles), part 2, 6.5
** (relationships).
*/
#include "files/xlsx_in.h"

#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_MAX   100 /* bytes of a relationship's id: "rId12" */
#define ROOM_MIN 4096

struct found_sheet {
	char id[ID_MAX];
};

struct reader {
	struct cx *cx;
	struct xlsx_part part;
	struct xlsx_book *book;
	/* workbook */
	struct found_sheet *sheets; /* the visible ones, in order */
	size_t sheet_count;
	/* relationships: the folder they are told from, and what is looked for */
	const char *folder;
	char book_part[XLSX_TARGET_MAX], styles_part[XLSX_TARGET_MAX], strings_part[XLSX_TARGET_MAX];
	size_t sheet_rank; /* of the sheet found so far: the first visible one wins */
	/* styles */
	struct {
		int id;
		enum xlsx_kind kind;
	} * formats;
	size_t format_count;
	bool in_cell_formats;
	/* shared strings */
	bool in_text;
	int phonetic; /* depth inside rPh: how it is read aloud, not what it says */
};

static bool ends_with(const char *text, const char *tail)
{
	size_t len = strlen(text), n = strlen(tail);

	return len >= n && memcmp(text + len - n, tail, n) == 0;
}

static bool is_true(const char *text)
{
	return text != NULL && (strcmp(text, "1") == 0 || strcmp(text, "true") == 0);
}

/* Parse a whole part. RC_NOT_FOUND: there is none. */
static enum rc parse(struct reader *r, const char *name, struct zip_in *zip,
		     void (*begin)(void *, const char *, const char **), void (*end)(void *, const char *),
		     void (*text)(void *, const char *, int))
{
	bool is_end = false;
	enum rc rc;

	r->part = (struct xlsx_part){ .begin = begin, .end = end, .text = text, .arg = r };
	rc = xlsx_part_open(r->cx, &r->part, zip, name);
	if (rc == RC_OK) rc = xlsx_part_read(&r->part, &is_end);
	xlsx_part_close(&r->part);
	return rc;
}

/* Relationships */

/* "worksheets/sheet1.xml", "/xl/…", "../…" seen from folder "xl/" into a name without leading slash. */
static bool resolve(char out[XLSX_TARGET_MAX], const char *folder, const char *target)
{
	char path[XLSX_TARGET_MAX * 2];
	int len = target[0] == '/' ? snprintf(path, sizeof(path), "%s", target + 1)
				   : snprintf(path, sizeof(path), "%s%s", folder, target);
	size_t at = 0;
	const char *p = path;

	if (len < 0 || (size_t)len >= sizeof(path)) return false;
	while (*p != '\0') {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (at > 0 && out[at - 1] == '/')
				at--;
			while (at > 0 && out[at - 1] != '/')
				at--;
		} else if (n > 0 && !(n == 1 && p[0] == '.')) {
			if (at + n + 2 > XLSX_TARGET_MAX) return false;
			memcpy(out + at, p, n);
			at += n;
			if (p[n] == '/') out[at++] = '/';
		}
		p += n;
		p += *p == '/';
	}
	out[at] = '\0';
	return at > 0;
}

static void begin_relation(void *arg, const char *name, const char **attributes)
{
	struct reader *r = arg;
	const char *id = xlsx_attribute(attributes, "Id"), *type = xlsx_attribute(attributes, "Type"),
		   *target = xlsx_attribute(attributes, "Target");

	if (strcmp(name, "Relationship") != 0 || id == NULL || type == NULL || target == NULL) return;
	if (ends_with(type, "/officeDocument")) (void)resolve(r->book_part, r->folder, target);
	if (ends_with(type, "/styles")) (void)resolve(r->styles_part, r->folder, target);
	if (ends_with(type, "/sharedStrings")) (void)resolve(r->strings_part, r->folder, target);
	if (!ends_with(type, "/worksheet")) return; /* a chart may be a sheet, too */
	for (size_t i = 0; i < r->sheet_rank && i < r->sheet_count; i++)
		if (strcmp(r->sheets[i].id, id) == 0 && resolve(r->book->sheet, r->folder, target))
			r->sheet_rank = i;
}

/* Workbook */

static void begin_book(void *arg, const char *name, const char **attributes)
{
	struct reader *r = arg;
	const char *state = xlsx_attribute(attributes, "state"), *id = xlsx_attribute(attributes, "id");

	if (strcmp(name, "workbookPr") == 0)
		r->book->is_1904 = is_true(xlsx_attribute(attributes, "date1904"));
	if (strcmp(name, "sheet") != 0 || id == NULL || r->sheet_count == XLSX_SHEETS_MAX) return;
	if (state != NULL && strcmp(state, "visible") != 0) return;
	if (strlen(id) < ID_MAX) memcpy(r->sheets[r->sheet_count++].id, id, strlen(id) + 1);
}

/* Styles */

static void begin_style(void *arg, const char *name, const char **attributes)
{
	struct reader *r = arg;
	const char *id = xlsx_attribute(attributes, "numFmtId"), *code;
	int n = id != NULL ? atoi(id) : 0;
	enum xlsx_kind kind;

	if (strcmp(name, "cellXfs") == 0) r->in_cell_formats = true;
	if (strcmp(name, "numFmt") == 0 && r->format_count < XLSX_FORMATS_MAX) {
		code = xlsx_attribute(attributes, "formatCode");
		r->formats[r->format_count].id = n;
		r->formats[r->format_count++].kind = xlsx_kind_of_format(code != NULL ? code : "");
	}
	if (strcmp(name, "xf") != 0 || !r->in_cell_formats || r->book->styles == XLSX_STYLES_MAX) return;
	kind = xlsx_kind_of_id(n);
	for (size_t i = 0; i < r->format_count; i++)
		if (r->formats[i].id == n) kind = r->formats[i].kind;
	r->book->style[r->book->styles++] = (unsigned char)kind;
}

static void end_style(void *arg, const char *name)
{
	struct reader *r = arg;

	if (strcmp(name, "cellXfs") == 0) r->in_cell_formats = false;
}

/* Shared strings */

static bool grow(void **p, size_t *room, size_t wanted, size_t size)
{
	size_t next = *room < ROOM_MIN ? ROOM_MIN : *room;
	void *more;

	if (wanted <= *room) return true;
	while (next < wanted)
		next += next / 2;
	more = mem_realloc(*p, next * size);
	if (more == NULL) return false;
	*p = more;
	*room = next;
	return true;
}

static void too_many_strings(struct reader *r)
{
	struct cx *cx = r->cx;

	xlsx_part_fail(&r->part,
		       cx_fail(cx, RC_TOO_LARGE,
			       _("The workbook holds more text than an import takes. Split it, or save"
				 " the rows as CSV.")));
}

static void begin_string(void *arg, const char *name, const char **attributes)
{
	struct reader *r = arg;
	struct xlsx_strings *s = &r->book->strings;
	void *at = s->at;

	(void)attributes;
	if (strcmp(name, "rPh") == 0) r->phonetic++;
	r->in_text = strcmp(name, "t") == 0 && r->phonetic == 0;
	if (strcmp(name, "si") != 0) return;
	if (s->count == XLSX_STRING_COUNT) {
		too_many_strings(r);
		return;
	}
	if (!grow(&at, &s->at_room, s->count + 1, sizeof(*s->at))) {
		xlsx_part_fail(&r->part, RC_NO_MEMORY);
		return;
	}
	s->at = at;
	s->at[s->count++] = (uint32_t)s->len;
}

static void text_of_string(void *arg, const char *p, int len)
{
	struct reader *r = arg;
	struct xlsx_strings *s = &r->book->strings;
	void *bytes = s->bytes;

	if (!r->in_text || s->count == 0) return;
	if (s->len + (size_t)len + 1 > XLSX_STRINGS_MAX) {
		too_many_strings(r);
		return;
	}
	if (!grow(&bytes, &s->room, s->len + (size_t)len + 1, 1)) {
		xlsx_part_fail(&r->part, RC_NO_MEMORY);
		return;
	}
	s->bytes = bytes;
	memcpy(s->bytes + s->len, p, (size_t)len);
	s->len += (size_t)len;
}

static void end_string(void *arg, const char *name)
{
	struct reader *r = arg;
	struct xlsx_strings *s = &r->book->strings;
	void *bytes = s->bytes;

	if (strcmp(name, "rPh") == 0 && r->phonetic > 0) r->phonetic--;
	if (strcmp(name, "t") == 0) r->in_text = false;
	if (strcmp(name, "si") != 0 || s->count == 0) return;
	if (!grow(&bytes, &s->room, s->len + 1, 1)) {
		xlsx_part_fail(&r->part, RC_NO_MEMORY);
		return;
	}
	s->bytes = bytes;
	s->len = s->at[s->count - 1] +
		 xlsx_unescape(s->bytes + s->at[s->count - 1], s->len - s->at[s->count - 1]);
	s->bytes[s->len++] = '\0';
}

/* All of it */

static enum rc no_workbook(struct cx *cx, struct zip_in *zip)
{
	if (zip_in_has(zip, "xl/workbook.bin"))
		return cx_fail(
			cx, RC_BAD_INPUT,
			_("This is a binary Excel workbook (.xlsb). Save it as .xlsx or CSV and try again."));
	if (zip_in_has(zip, "content.xml"))
		return cx_fail(cx, RC_BAD_INPUT,
			       _("This is an OpenDocument file. Save it as .xlsx or CSV and try again."));
	return cx_fail(cx, RC_BAD_INPUT,
		       _("This is not an Excel workbook. Save the rows as .xlsx or CSV and try again."));
}

/* "xl/workbook.xml" to "xl/" and "xl/_rels/workbook.xml.rels". */
static bool relations_of(const char *part, char folder[XLSX_TARGET_MAX], char rels[XLSX_TARGET_MAX + 16])
{
	const char *slash = strrchr(part, '/');
	int n = slash != NULL ? (int)(slash + 1 - part) : 0;

	snprintf(folder, XLSX_TARGET_MAX, "%.*s", n, part);
	return snprintf(rels, XLSX_TARGET_MAX + 16, "%.*s_rels/%s.rels", n, part, part + n) <
	       XLSX_TARGET_MAX + 16;
}

static enum rc read_all(struct reader *r, struct zip_in *zip)
{
	char folder[XLSX_TARGET_MAX], rels[XLSX_TARGET_MAX + 16];
	struct cx *cx = r->cx;
	enum rc rc;

	r->folder = "";
	rc = parse(r, "_rels/.rels", zip, begin_relation, NULL, NULL);
	if (rc == RC_NOT_FOUND) rc = RC_OK;
	if (rc == RC_OK && r->book_part[0] == '\0')
		snprintf(r->book_part, XLSX_TARGET_MAX, "xl/workbook.xml");
	if (rc == RC_OK)
		rc = ends_with(r->book_part, ".bin") ? RC_NOT_FOUND
						     : parse(r, r->book_part, zip, begin_book, NULL, NULL);
	if (rc == RC_NOT_FOUND) return no_workbook(cx, zip);
	if (rc != RC_OK) return rc;
	r->folder = folder;
	r->sheet_rank = XLSX_SHEETS_MAX;
	rc = relations_of(r->book_part, folder, rels) ? parse(r, rels, zip, begin_relation, NULL, NULL)
						      : RC_NOT_FOUND;
	if (rc == RC_NOT_FOUND) return zip_in_damaged(cx);
	if (rc == RC_OK && r->book->sheet[0] == '\0')
		return cx_fail(cx, RC_BAD_INPUT, _("The workbook has no sheet that can be seen."));
	if (rc == RC_OK && r->styles_part[0] != '\0')
		rc = parse(r, r->styles_part, zip, begin_style, end_style, NULL);
	if (rc == RC_OK || rc == RC_NOT_FOUND)
		rc = r->strings_part[0] != '\0'
			     ? parse(r, r->strings_part, zip, begin_string, end_string, text_of_string)
			     : RC_OK;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc xlsx_book_read(struct cx *cx, struct xlsx_book *out, struct zip_in *zip)
{
	struct reader *r = mem_zeroed(sizeof(*r));
	enum rc rc = RC_NO_MEMORY;

	*out = (struct xlsx_book){ .style = mem_zeroed(XLSX_STYLES_MAX) };
	if (r != NULL) {
		r->cx = cx;
		r->book = out;
		r->sheets = mem_zeroed(XLSX_SHEETS_MAX * sizeof(*r->sheets));
		r->formats = mem_zeroed(XLSX_FORMATS_MAX * sizeof(*r->formats));
		if (out->style != NULL && r->sheets != NULL && r->formats != NULL) rc = read_all(r, zip);
		mem_free(r->sheets);
		mem_free(r->formats);
		mem_free(r);
	}
	if (rc != RC_OK) xlsx_book_free(out);
	return rc;
}

void xlsx_book_free(struct xlsx_book *book)
{
	mem_free(book->style);
	mem_free(book->strings.bytes);
	mem_free(book->strings.at);
	*book = (struct xlsx_book){ .is_1904 = false };
}
