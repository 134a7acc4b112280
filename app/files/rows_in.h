/*
** rows_in.h -- rows of text cells out of a spreadsheet that somebody uploaded, CSV and XLSX alike.
**
** What kind it is the first bytes say, never the name. Of an XLSX the first visible sheet is read, as a
** stream: memory does not grow with the file, whatever the file claims about itself.
**
** A cell reads as people would type it: a number in its shortest form ("12.99"), a date as "2026-11-22", a
** date with a time as "2026-11-22 09:00:00", a truth as "1" or "0", a formula as the value it had when the
** file was saved (without one the row is refused). A cell that is not there is "". The apostrophe with which
** our own CSV guards a text (sheet.h) is off; a workbook's texts are as they stand.
*/
#ifndef RECADO_FILES_ROWS_IN_H
#define RECADO_FILES_ROWS_IN_H

#include "base/cx.h"
#include "base/sb.h"

#define ROWS_IN_CELLS_MAX 256 /* of one row: more columns than any table of ours, twice over              */

struct rows_in;

struct cells {
	/* as many as the row has; the heading decides how many are wanted */
	size_t count;
	/* valid UTF-8 without NUL, trimmed; in the arena of rows_in_next() */
	const char *const *cell;
	/* as the spreadsheet numbers it, the heading's is 1 (CSV: records count) */
	size_t line;
};

/* Look at the bytes (lent until rows_in_close) and find the first sheet. RC_BAD_INPUT, RC_TOO_LARGE with the
** sentence in cx: empty, neither CSV nor XLSX, encrypted, damaged, blown up. */
enum rc rows_in_open(struct cx *cx, struct rows_in **out, struct bytes file) MUST_CHECK;
/* The next row that has anything in it. RC_NOT_FOUND at the end; RC_BAD_INPUT and RC_TOO_LARGE with the
** sentence, which names the row. */
enum rc rows_in_next(struct cx *cx, struct rows_in *in, struct arena *a, struct cells *out) MUST_CHECK;
/* How much is read, of how much: for a progress bar. */
void rows_in_progress(const struct rows_in *in, int64_t *done, int64_t *total);
void rows_in_close(struct rows_in *in); /* NULL is fine */

#endif
