/*
** sheet.h -- one table on its way to a spreadsheet: delimited text or an Excel workbook, through the same
** calls.
**
** Cells are given from left to right, one call each; the call says what a cell is. Memory does not grow with
** the rows. What cannot be said in a cell (a text beyond Excel's length, too many rows) is refused with a
** sentence, never cut. Both kinds read back through rows_in.h as the same texts.
**
**   rc = sheet_open(cx, &s, SHEET_XLSX, "clients", columns, n);
**   while (rc == RC_OK && …) { sheet_text(s, name); sheet_money(s, cents, "USD"); rc = sheet_row(s); }
**   rc = sheet_close(s, rc, &fd);            -- s may be NULL; fd only when it returns RC_OK
*/
#ifndef RECADO_FILES_SHEET_H
#define RECADO_FILES_SHEET_H

#include "base/cx.h"

#define SHEET_COLUMNS_MAX 64      /* of one table of ours: the widest has 40 columns and an id         */
#define SHEET_TEXT_MAX    32767   /* UTF-16 units of a cell; Excel's own limit (ECMA-376, "limits")     */
#define SHEET_ROWS_MAX    1048575 /* below the heading; Excel has 1,048,576 rows                       */

/* SHEET_CSV_LOCAL is delimited text as a Spanish Excel opens it by double click: ";" and a BOM. */
enum sheet_kind { SHEET_CSV, SHEET_CSV_LOCAL, SHEET_XLSX };
/* How wide a column is and how an empty cell of it behaves when somebody types into it. */
enum sheet_type {
	SHEET_TEXT,
	SHEET_LONG_TEXT,
	SHEET_INT,
	SHEET_MONEY,
	SHEET_DATE,
	SHEET_INSTANT,
	SHEET_TRUTH
};
struct sheet_column {
	const char *title; /* as people read it: an import knows the column by it */
	enum sheet_type type;
};

struct sheet;

/* A file in spool/ with the heading in it. title: of the sheet inside a workbook; what Excel forbids there is
** left out. Texts are lent until sheet_close. */
enum rc sheet_open(struct cx *cx, struct sheet **out, enum sheet_kind kind, const char *title,
		   const struct sheet_column *columns, size_t count) MUST_CHECK;

/* The next cell. Failures are remembered and told by sheet_row. */
void sheet_empty(struct sheet *s);
/* What people or strangers typed. In delimited text the first of = + - @ TAB CR is guarded by an apostrophe,
** which an import takes off again (sb_csv, csv_next); a workbook carries text as text and needs none. */
void sheet_text(struct sheet *s, const char *text);
/* A text that cannot be a formula (an id, a number to dial): never guarded. */
void sheet_code(struct sheet *s, const char *text);
void sheet_int(struct sheet *s, int64_t n);                             /* beyond 2^53 as text              */
void sheet_money(struct sheet *s, int64_t units, const char *currency); /* smallest units: "12.99"        */
void sheet_scaled(struct sheet *s, int64_t n, int decimals); /* n / 10^decimals, decimals 0…4    */
void sheet_date(struct sheet *s, const char *date);          /* YYYY-MM-DD; anything else as text */
void sheet_instant(struct sheet *s, instant at);             /* as the business's clock showed it */
void sheet_truth(struct sheet *s, bool is_true);             /* "Sí", "No"                        */

/* The row is whole: it leaves memory. RC_TOO_LARGE with the sentence, RC_IO. */
enum rc sheet_row(struct sheet *s) MUST_CHECK;
/* Finish when rc is RC_OK: *fd is the file, nameless, the caller's. Else forget everything. */
enum rc sheet_close(struct sheet *s, enum rc rc, int *fd) MUST_CHECK;

const char *sheet_media_type(enum sheet_kind kind);
const char *sheet_suffix(enum sheet_kind kind); /* "csv", "xlsx" */

#endif
