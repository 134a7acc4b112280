/*
** report_csv.h -- the file of a report, record by record, in bounded memory whatever its size; and what its
** cells mean. For load.c, its tests and the fuzzer.
*/
#ifndef RECADO_SENDS_REPORT_CSV_H
#define RECADO_SENDS_REPORT_CSV_H

#include "sends/target.h"

#define REPORT_BUFFER     (512 * 1024) /* read at a time                                          */
#define REPORT_RECORD_MAX (128 * 1024) /* bytes of one record: the longest subject, a thousand times */

struct report_csv {
	int fd; /* -1: all there is lies in buf */
	char *buf, *wide;
	size_t cap, len, at;
	bool is_end, is_cp1252, is_wrong;
	char delimiter;
	int64_t read;   /* bytes taken from fd                                        */
	int64_t record; /* returned so far; the heading is 1                          */
	size_t count;
	struct bytes cell[LOAD_COLUMNS_MAX]; /* UTF-8, trimmed, lent until the next record     */
	const char *why;                     /* N_() sentence after RC_BAD_INPUT               */
};

/* The heading is the first record; encoding (UTF-8 with or without BOM, else cp1252) and delimiter (, ; TAB)
** are found first. fd is read from its start and stays the caller's. RC_BAD_INPUT with why: HTML, binary. An
** empty file is RC_NOT_FOUND. */
enum rc report_csv_open(struct report_csv *r, int fd) MUST_CHECK;
/* The same over bytes (copied). */
enum rc report_csv_open_bytes(struct report_csv *r, struct bytes file) MUST_CHECK;
/* RC_NOT_FOUND at the end; RC_BAD_INPUT with why. Blank lines are skipped. */
enum rc report_csv_next(struct report_csv *r) MUST_CHECK;
void report_csv_close(struct report_csv *r);

/* Heading → column: accents off, lower case, what is neither letter nor figure "_", "c_" before a figure; ""
** → "c_". Arena. */
const char *report_column(struct arena *a, struct bytes heading);
/* Names of all headings, no two alike, none that the table needs itself. */
void report_columns(struct arena *a, const char **out, const struct bytes *headings, size_t count);

/* What a column holds, from cells of it; see and then ask. Nothing of the cells is kept. */
#define REPORT_SAMPLE 200 /* rows looked at */
struct column_guess {
	bool not_email, not_integer, not_real, not_bool, not_time;
	int64_t seen;
};
void column_guess(struct column_guess *g, struct bytes cell);
enum load_type column_guessed(const struct column_guess *g);

bool cell_is_null(struct bytes cell); /* "" null none n/a na - – */
bool cell_integer(int64_t *out, struct bytes cell);
bool cell_bool(int64_t *out, struct bytes cell);
bool cell_is_real(struct bytes cell);
bool cell_is_email(struct bytes cell);
/* "2026-11-20 10:00:00", T, fractions, Z, ±hh:mm, a date alone; without an offset in zone. */
bool cell_time(instant *out, struct bytes cell, const struct zone *zone);

#endif
