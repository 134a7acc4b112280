/*
** xlsx_in.h -- the inside of reading a workbook (ECMA-376), for xlsx_*.c, rows_in.c and their tests.
**
** xlsx_part.c pumps one part through the XML parser, xlsx_book.c reads what the workbook says of itself,
** xlsx_rows.c the cells of its first visible sheet, xlsx_value.c what a cell's number means.
*/
#ifndef RECADO_FILES_XLSX_IN_H
#define RECADO_FILES_XLSX_IN_H

#include "files/rows_in.h"
#include "files/zip_in.h"
#include <expat.h>

#define XLSX_CHUNK        (32 * 1024)   /* inflated at a time */
#define XLSX_TOKEN_MAX    (1024 * 1024) /* one tag, comment or instruction: the parser keeps it whole */
#define XLSX_DEPTH_MAX    64            /* a sheet has 6 levels, a style 8 */
#define XLSX_CELL_MAX     (96 * 1024)   /* bytes of a cell: Excel's 32,767 units, three bytes each */
#define XLSX_STRINGS_MAX  (64 << 20)    /* bytes of all shared strings: more than an upload can mean */
#define XLSX_STRING_COUNT 4000000       /* shared strings: a million rows of four different texts */
#define XLSX_STYLES_MAX   65536         /* cell formats; Excel's own limit is 65,490 */
#define XLSX_FORMATS_MAX  4096          /* number formats; Excel allows a few hundred */
#define XLSX_SHEETS_MAX   256           /* looked through for the first visible one */
#define XLSX_TARGET_MAX   200           /* bytes of a part's name */

/* What a number in a cell of this format is. */
enum xlsx_kind { XLSX_NUMBER, XLSX_DATE, XLSX_DATE_TIME, XLSX_TIME };

/* One part on its way through the parser. */
struct xlsx_part {
	struct cx *cx;
	struct zip_in *zip;
	XML_Parser parser;
	int64_t size, fed;
	int depth;
	bool is_last; /* everything was fed */
	enum rc rc;   /* what a handler or the parts below it found wrong */
	/* The reader's: local names without prefix. Text comes in pieces. NULL = not asked. */
	void (*begin)(void *arg, const char *name, const char **attributes);
	void (*end)(void *arg, const char *name);
	void (*text)(void *arg, const char *p, int len);
	void *arg;
};

/* RC_NOT_FOUND: there is no such part. */
enum rc xlsx_part_open(struct cx *cx, struct xlsx_part *part, struct zip_in *zip,
		       const char *name) MUST_CHECK;
void xlsx_part_close(struct xlsx_part *part);
/* Read on: to the end of the part (*is_end) or to where a handler called xlsx_part_pause. */
enum rc xlsx_part_read(struct xlsx_part *part, bool *is_end) MUST_CHECK;
void xlsx_part_pause(struct xlsx_part *part);
/* A handler found it wrong; the first failure stays. */
void xlsx_part_fail(struct xlsx_part *part, enum rc rc);
/* NULL if absent. The prefix of the name in the file does not matter. */
const char *xlsx_attribute(const char **attributes, const char *name);

struct xlsx_strings {
	char *bytes; /* NUL-terminated texts, one after the other */
	size_t len, room;
	uint32_t *at;
	size_t count, at_room;
};

struct xlsx_book {
	char sheet[XLSX_TARGET_MAX]; /* name of the part */
	bool is_1904;
	unsigned char *style; /* enum xlsx_kind by cell format */
	size_t styles;
	struct xlsx_strings strings;
};

enum rc xlsx_book_read(struct cx *cx, struct xlsx_book *out, struct zip_in *zip) MUST_CHECK;
void xlsx_book_free(struct xlsx_book *book);

struct xlsx;
enum rc xlsx_open(struct cx *cx, struct xlsx **out, struct bytes file) MUST_CHECK;
enum rc xlsx_next(struct cx *cx, struct xlsx *x, struct arena *a, struct cells *out) MUST_CHECK;
void xlsx_progress(const struct xlsx *x, int64_t *done, int64_t *total);
void xlsx_close(struct xlsx *x);

/* xlsx_value.c: total, no I/O. */
#define XLSX_VALUE_SIZE 64
enum xlsx_kind xlsx_kind_of_id(int id);               /* built-in number formats (18.8.30) */
enum xlsx_kind xlsx_kind_of_format(const char *code); /* "dd/mm/yyyy hh:mm" (18.8.31) */
/* The text of a cell's number as people would type it; what is no number stays as it is, cut to out. */
void xlsx_number_text(char out[XLSX_VALUE_SIZE], const char *raw, enum xlsx_kind kind, bool is_1904);
/* "_x000D_" back into its character (22.9.2.19), in place; NUL falls away. Returns the new length. */
size_t xlsx_unescape(char *p, size_t len);

#endif
