/*
** book.h -- small workbooks made in memory for the tests of reading and writing sheets.
*/
#ifndef RECADO_TESTS_BOOK_H
#define RECADO_TESTS_BOOK_H

#include "state.h"
#include "files/rows_in.h"

struct part_of_book {
	const char *name, *xml;
	bool is_deflated;
};
/* A ZIP archive of the parts (ended by one without name), in cx's arena. */
struct bytes book_of(struct state *s, const struct part_of_book *parts);
/* A workbook with one sheet whose sheetData holds rows; styles and shared strings may be NULL. */
struct bytes book_with(struct state *s, const char *rows, const char *styles, const char *strings);
/* "1:a|b\n3:c\n", or what was read and "!code sentence". In cx's arena. */
const char *rows_of_file(struct state *s, struct bytes file);

#endif
