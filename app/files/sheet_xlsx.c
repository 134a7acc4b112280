/*
** sheet_xlsx.c -- a sheet as an Excel workbook (ECMA-376), by libxlsxwriter in its constant-memory mode.
**
** The library makes the workbook: styles, columns, heading, filter, archive. The rows we write ourselves
** where it would, into its file of rows: its own cell calls (a printf and three allocations a cell) are a
** third of an export's time. The XML is the one that it writes.
**
** Needs:  room in spool/ for about twice the rows as XML while the file is made.
** Never:  writes a formula or a link; names a person or a machine in the document.
** Holds:  (1) text is a text cell, in a column of the format "@", so that it stays text when somebody edits
**         it; (2) what XML cannot carry is written as _xHHHH_ (ECMA-376 part 1, 22.9.2.19), and a text that
**         looks like one is escaped itself; (3) the same rows at the same time give the same bytes; (4) a
**         disk that fills up while the library writes is noticed: it does not look by itself.
*/
#include "files/sheet_inside.h"
#include "files/zip_in.h"

#include "base/mem.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xlsxwriter.h>

#define EXCEL_EPOCH     25569   /* days from 1899-12-30 to 1970-01-01                                 */
#define EXCEL_DAY_MIN   61      /* 1900-03-01: before it Excel counts a leap day that never was      */
#define EXCEL_DAY_MAX   2958465 /* 9999-12-31                                                       */
#define EXCEL_DATE      14      /* built-in formats that follow the reader's own country (18.8.30)     */
#define EXCEL_DATE_TIME 22
#define TITLE_MAX       31 /* letters of a sheet's name                                            */
/* 64 cells of 32,767 control characters, seven bytes each, and their tags */
#define ROW_MAX      (16 << 20)
#define DAY_DECIMALS 11 /* of a day: a millionth of a second */
#define DAY_PARTS    INT64_C(100000000000)
/* musl's own is 1 KiB: a write(2) every second row, a tenth of the time */
#define ROWS_BUFFER (64 * 1024)
#define SHEET_PART  "xl/worksheets/sheet1.xml"

struct xlsx_sheet {
	struct tmpfile_at file;
	lxw_workbook *book;
	lxw_worksheet *page;
	/* by their index in the workbook */
	int heading, text, number[SHEET_SCALE_MAX + 1], money[SHEET_SCALE_MAX + 1], date, instant;
	lxw_format *text_format; /* of the columns, for cells that somebody adds */
	char letters[SHEET_COLUMNS_MAX][4];
	/* the row under way, and its number as text */
	struct sb row;
	int64_t number_row;
	char number_text[32];
	size_t number_len;
	char rows_buffer[ROWS_BUFFER]; /* of page->optimize_tmpfile, until the workbook is closed */
};

static struct xlsx_sheet *own(struct sheet *s)
{
	return s->own;
}

/* What a byte asks for: nothing, an entity, a look at the bytes that follow, an escape. */
enum care { CARE_NONE, CARE_ENTITY, CARE_MANY, CARE_MARK, CARE_CONTROL };

static enum care care_of(unsigned char c)
{
	if (c >= 0x80) return CARE_MANY;
	if (c == '&' || c == '<' || c == '>') return CARE_ENTITY;
	if (c == '_') return CARE_MARK;
	return c < 0x20 && c != '\t' && c != '\n' ? CARE_CONTROL : CARE_NONE;
}

/* "_x0041_" would be read as "A". */
static bool is_mark(const char *p)
{
	return p[1] == 'x' && strspn(p + 2, "0123456789abcdefABCDEF") >= 4 && p[6] == '_';
}

/* U+FFFE and U+FFFF: well-formed, yet no characters of XML. */
static bool is_no_character(const unsigned char *p)
{
	return p[0] == 0xEF && p[1] == 0xBF && p[2] >= 0xBE;
}

/* What stands for the byte or the bytes that XML cannot carry as they are. */
static void put_instead(struct sb *sb, enum care care, unsigned char c)
{
	switch (care) {
	case CARE_ENTITY: sb_text(sb, c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;"); return;
	case CARE_MARK: sb_lit(sb, "_x005F_"); return;
	case CARE_CONTROL: sb_printf(sb, "_x%04X_", (unsigned)c); return;
	case CARE_MANY: sb_lit(sb, "\xef\xbf\xbd"); return;
	case CARE_NONE: return;
	}
}

/* The text as XML carries it; how many UTF-16 units it has. */
static size_t put_xml(struct sb *sb, const char *text)
{
	const char *p = text, *from = text; /* what stands before from is in sb */
	size_t n = 0;

	while (*p != '\0') {
		enum care care = care_of((unsigned char)*p);
		size_t len = 1;

		n++;
		if (care == CARE_NONE || (care == CARE_MARK && !is_mark(p))) {
			p++;
			continue;
		}
		if (care == CARE_MANY) {
			len = text_sequence(p, strnlen(p, 4));
			n += len == 4;
			if (len > 0 && !is_no_character((const unsigned char *)p)) {
				p += len;
				continue;
			}
		}
		sb_bytes(sb, from, (size_t)(p - from));
		put_instead(sb, care, (unsigned char)*p);
		p += len == 0 ? 1 : len;
		from = p;
	}
	sb_bytes(sb, from, (size_t)(p - from));
	return n;
}

/* <c r="B12" s="3" and what follows. */
static struct sb *begin_cell(struct sheet *s, int style)
{
	struct xlsx_sheet *o = own(s);

	if (o->number_row != s->row) {
		o->number_row = s->row;
		o->number_len = sheet_digits(o->number_text, s->row + 1, 0);
	}
	sb_lit(&o->row, "<c r=\"");
	sb_text(&o->row, o->letters[s->at]);
	sb_bytes(&o->row, o->number_text, o->number_len);
	sb_lit(&o->row, "\" s=\"");
	sb_int(&o->row, style);
	return &o->row;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static enum rc put_text(struct sheet *s, const char *text, bool guard)
{
	struct xlsx_sheet *o = own(s);
	struct sb *sb = begin_cell(s, s->row == 0 ? o->heading : o->text);
	struct cx *cx = s->cx;

	(void)guard; /* a text cell is never run */
	if (is_blank(text[0]) || is_blank(text[strlen(text) - 1]))
		sb_lit(sb, "\" t=\"inlineStr\"><is><t xml:space=\"preserve\">");
	else
		sb_lit(sb, "\" t=\"inlineStr\"><is><t>");
	if (put_xml(sb, text) > SHEET_TEXT_MAX)
		return cx_fail(
			cx, RC_TOO_LARGE,
			_("Row %lld, column “%s”: the text is longer than the %d characters an Excel cell"
			  " holds. Download the list as CSV."),
			(long long)s->row + 1, s->columns[s->at].title, SHEET_TEXT_MAX);
	sb_lit(sb, "</t></is></c>");
	return RC_OK;
}

static enum rc put_value(struct sheet *s, int style, int64_t n, int decimals)
{
	struct sb *sb = begin_cell(s, style);
	char text[32];
	size_t len = sheet_digits(text, n, decimals);

	while (decimals > SHEET_SCALE_MAX && (text[len - 1] == '0' || text[len - 1] == '.'))
		if (text[--len] == '.') break;
	sb_lit(sb, "\"><v>");
	sb_bytes(sb, text, len);
	sb_lit(sb, "</v></c>");
	return RC_OK;
}

static enum rc put_number(struct sheet *s, int64_t n, int decimals, bool is_money)
{
	struct xlsx_sheet *o = own(s);

	if (decimals > SHEET_SCALE_MAX) return RC_BUG;
	return put_value(s, is_money ? o->money[decimals] : o->number[decimals], n, decimals);
}

static bool excel_has(int64_t d)
{
	return d >= EXCEL_DAY_MIN && d <= EXCEL_DAY_MAX;
}

static enum rc put_date(struct sheet *s, day d, const char *text)
{
	if (!excel_has((int64_t)d + EXCEL_EPOCH)) return put_text(s, text, false);
	return put_value(s, own(s)->date, (int64_t)d + EXCEL_EPOCH, 0);
}

/* A day and the part of it that is over, to a millionth of a second. */
static enum rc put_instant(struct sheet *s, const struct civil *c)
{
	int64_t serial = (int64_t)c->day + EXCEL_EPOCH, second = c->hour * 3600 + c->minute * 60 + c->second;
	char text[SHEET_INSTANT_SIZE];

	if (excel_has(serial))
		return put_value(s, own(s)->instant,
				 serial * DAY_PARTS + (second * DAY_PARTS + 43200) / 86400, DAY_DECIMALS);
	sheet_instant_text(text, c);
	return put_text(s, text, false);
}

static enum rc put_empty(struct sheet *s)
{
	(void)s;
	return RC_OK;
}

static enum rc put_row(struct sheet *s)
{
	struct xlsx_sheet *o = own(s);
	FILE *to = o->page->optimize_tmpfile;
	enum rc rc = sb_result(&o->row);

	if (rc != RC_OK) return rc;
	if (fprintf(to, "<row r=\"%lld\" spans=\"1:%zu\">", (long long)s->row + 1, s->count) < 0 ||
	    fwrite(sb_text_of(&o->row), 1, o->row.len, to) != o->row.len || fputs("</row>", to) == EOF)
		return sheet_disk_full(s);
	sb_clear(&o->row);
	return RC_OK;
}

/* A full disk cuts the library's own temporary files without a word: the sheet inside the finished archive
** must be at least as long as its rows were. */
static bool is_whole(const struct cx *cx, int fd, int64_t rows_bytes)
{
	struct cx quiet = *cx; /* what it would say is for those who upload */
	off_t len = lseek(fd, 0, SEEK_END);
	struct zip_in *z = NULL;
	void *p = len > 0 ? mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	bool is = false;

	if (p == MAP_FAILED) return false;
	if (zip_in_open(&quiet, &z, (struct bytes){ p, (size_t)len }) == RC_OK)
		is = zip_in_size(z, SHEET_PART) >= rows_bytes;
	zip_in_close(z);
	munmap(p, (size_t)len);
	return is;
}

static enum rc finish(struct sheet *s, int *fd)
{
	struct xlsx_sheet *o = own(s);
	FILE *rows = o->page->optimize_tmpfile;
	lxw_workbook *book = o->book;
	lxw_error e;
	int64_t bytes;

	/* What its own calls would have noted: there are rows, and which. */
	o->page->dim_rowmin = 0;
	o->page->dim_colmin = 0;
	o->page->dim_rowmax = (lxw_row_t)(s->row - 1);
	o->page->dim_colmax = (lxw_col_t)(s->count - 1);
	worksheet_autofilter(o->page, 0, 0, (lxw_row_t)(s->row - 1), (lxw_col_t)(s->count - 1));
	if (fflush(rows) != 0 || ferror(rows)) return sheet_disk_full(s);
	bytes = ftello(rows);
	o->book = NULL;
	e = workbook_close(book); /* frees it in any case */
	if (e == LXW_ERROR_MEMORY_MALLOC_FAILED) return RC_NO_MEMORY;
	if (e != LXW_NO_ERROR || !is_whole(s->cx, o->file.fd, bytes)) return sheet_disk_full(s);
	*fd = o->file.fd;
	o->file.fd = -1;
	return RC_OK;
}

static void drop(struct sheet *s)
{
	struct xlsx_sheet *o = own(s);

	if (o == NULL) return;
	if (o->book != NULL) lxw_workbook_free(o->book);
	tmpfile_discard(&o->file);
	sb_free(&o->row);
	mem_free(o);
	s->own = NULL;
}

static const struct sheet_writer xlsx_writer = {
	.text = put_text,
	.number = put_number,
	.date = put_date,
	.instant = put_instant,
	.empty = put_empty,
	.row = put_row,
	.finish = finish,
	.drop = drop,
};

/* Its index; 0, the default format, when there is no memory. */
static int format_new(struct xlsx_sheet *o, const char *number, int built_in, lxw_format **out)
{
	lxw_format *f = workbook_add_format(o->book);

	if (f == NULL) return 0;
	if (number != NULL) format_set_num_format(f, number);
	if (built_in != 0) format_set_num_format_index(f, (uint8_t)built_in);
	if (number == NULL && built_in == 0) format_set_bold(f);
	if (out != NULL) *out = f;
	return lxw_format_get_xf_index(f);
}

static bool make_formats(struct xlsx_sheet *o)
{
	static const char *const plain[] = { "0", "0.0", "0.00", "0.000", "0.0000" };
	static const char *const grouped[] = { "#,##0", "#,##0.0", "#,##0.00", "#,##0.000", "#,##0.0000" };
	bool is_made;

	o->heading = format_new(o, NULL, 0, NULL);
	o->text = format_new(o, "@", 0, &o->text_format);
	o->date = format_new(o, NULL, EXCEL_DATE, NULL);
	o->instant = format_new(o, NULL, EXCEL_DATE_TIME, NULL);
	is_made = o->heading > 0 && o->text > 0 && o->date > 0 && o->instant > 0;
	for (size_t i = 0; i <= SHEET_SCALE_MAX; i++) {
		o->number[i] = format_new(o, plain[i], 0, NULL);
		o->money[i] = format_new(o, grouped[i], 0, NULL);
		is_made = is_made && o->number[i] > 0 && o->money[i] > 0;
	}
	return is_made;
}

/* Without []:*?/\ and without an apostrophe, which may not stand at either end; never empty. */
static void sheet_name(char out[TITLE_MAX * 4 + 1], const char *title)
{
	size_t len = text_prefix(title, TITLE_MAX), n = 0;

	for (size_t i = 0; i < len; i++)
		if (strchr("[]:*?/\\'", title[i]) == NULL && (unsigned char)title[i] >= 0x20)
			out[n++] = title[i];
	out[n] = '\0';
	if (n == 0) memcpy(out, "1", 2);
}

static void set_columns(struct sheet *s)
{
	/* letters: a name, a note, a count, an amount, a date, a time, a word */
	static const int widths[] = { 24, 40, 10, 14, 12, 18, 8 };
	struct xlsx_sheet *o = own(s);

	for (size_t i = 0; i < s->count; i++) {
		const struct sheet_column *c = &s->columns[i];
		size_t title = text_length(c->title) + 4; /* beside it the filter's button */
		double width = (double)widths[c->type];

		if (title <= 40 && (double)title > width) width = (double)title;
		worksheet_set_column(o->page, (lxw_col_t)i, (lxw_col_t)i, width,
				     c->type <= SHEET_LONG_TEXT ? o->text_format : NULL);
		lxw_col_to_name(o->letters[i], (lxw_col_t)i, LXW_FALSE);
	}
}

enum rc sheet_xlsx_start(struct sheet *s, const char *title)
{
	struct xlsx_sheet *o = mem_zeroed(sizeof(*o));
	char folder[PATH_SIZE], name[TITLE_MAX * 4 + 1];
	lxw_workbook_options options = { .constant_memory = LXW_TRUE, .tmpdir = folder };
	/* Else it is the library's own look at the clock. */
	lxw_doc_properties properties = { .created = (time_t)(cx_now(s->cx) / SECOND_MS) };
	int len = snprintf(folder, sizeof(folder), "%s/spool", s->cx->env->dir);

	s->w = &xlsx_writer;
	s->own = o;
	if (o == NULL) return RC_NO_MEMORY;
	o->file = (struct tmpfile_at)TMPFILE_NONE;
	o->number_row = -1;
	sb_init(&o->row, ROW_MAX);
	if (len < 0 || (size_t)len >= sizeof(folder)) return RC_BAD_INPUT;
	(void)mkdir(folder, 0700); /* as spool_open: it is there, or there is no disk */
	if (tmpfile_open(&o->file, folder) != RC_OK) return sheet_disk_full(s);
	o->book = workbook_new_opt(o->file.path, &options);
	if (o->book == NULL) return RC_NO_MEMORY;
	sheet_name(name, title);
	o->page = workbook_add_worksheet(o->book, name);
	if (o->page == NULL) return sheet_disk_full(s); /* its temporary file */
	(void)setvbuf(o->page->optimize_tmpfile, o->rows_buffer, _IOFBF, sizeof(o->rows_buffer));
	if (!make_formats(o) || workbook_set_properties(o->book, &properties) != LXW_NO_ERROR)
		return RC_NO_MEMORY;
	set_columns(s);
	worksheet_freeze_panes(o->page, 1, 0);
	return RC_OK;
}
