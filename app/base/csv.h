/*
** csv.h -- read delimited text (RFC 4180 and what spreadsheets make of it).
** A pull parser over bytes: no I/O, no globals, bounded.
*/
#ifndef RECADO_BASE_CSV_H
#define RECADO_BASE_CSV_H

#include "base/arena.h"

#define CSV_COLUMNS_MAX 200         /* no customer list is wider; bounds a hostile header */
#define CSV_FIELD_MAX   (64 * 1024) /* longest cell: a note, not a document               */

struct csv {
	const char *p, *end;
	char delimiter;                    /* found by csv_open: , ; TAB or |                          */
	bool is_cp1252;                    /* not valid UTF-8: each cell is converted                   */
	size_t line;                       /* physical line where the last record began, 1-based        */
	size_t record;                     /* records returned so far; the header is 1                  */
	size_t count;                      /* cells of the last record                                  */
	const char *cell[CSV_COLUMNS_MAX]; /* UTF-8, NUL-terminated, in the arena      */
	const char *why;                   /* N_() sentence after RC_BAD_INPUT                          */
	size_t next_line;                  /* physical line at p                                        */
};

/* Look at the bytes (BOM, encoding, delimiter, a first line "sep=;"). They are lent until the last csv_next.
** RC_BAD_INPUT with why: UTF-16, a workbook, nothing but blanks. */
enum rc csv_open(struct csv *csv, const char *p, size_t len) MUST_CHECK;
/* Next record into csv->cell; lines without any text (also ";;;") are skipped. RC_NOT_FOUND at the end,
** RC_BAD_INPUT with why
** (unclosed quote, NUL, too many cells, cell too long). The formula guard (') of our own export is taken off.
** After RC_BAD_INPUT every further call says the same; after RC_NO_MEMORY the arena is full. */
enum rc csv_next(struct csv *csv, struct arena *a) MUST_CHECK;

#endif
