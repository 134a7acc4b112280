/*
** zip_in.h -- the inside of an uploaded workbook's container: parts by name, inflated in bounded pieces.
**
** For xlsx_*.c, sheet_xlsx.c and their tests. The unzip that comes with libxlsxwriter is not used: it reads
** past its buffer when a name has 256 letters, and skips the checksum of a part that ends early.
*/
#ifndef RECADO_FILES_ZIP_IN_H
#define RECADO_FILES_ZIP_IN_H

#include "base/cx.h"

/* Of all parts together, inflated: a workbook that fits an upload has a tenth of it. */
#define ZIP_IN_TOTAL_MAX (INT64_C(512) << 20)
/* From this size on a part may be at most so many times its compressed bytes. Sheets of repeated rows reach
** 60; a bomb lives from 1,000. */
#define ZIP_IN_RATIO_FROM (INT64_C(16) << 20)
#define ZIP_IN_RATIO_MAX  250
#define ZIP_IN_PARTS_MAX  10000 /* sheets, pictures and all: looking for a name stays quick */

struct zip_in;

/* file is lent until zip_in_close. RC_BAD_INPUT with the sentence: not an archive, or a broken one. */
enum rc zip_in_open(struct cx *cx, struct zip_in **out, struct bytes file) MUST_CHECK;
void zip_in_close(struct zip_in *z); /* NULL is fine */
bool zip_in_has(struct zip_in *z, const char *name);
int64_t zip_in_size(struct zip_in *z, const char *name); /* inflated, as the directory says; -1: not there */
/* Begin to read a part; one at a time. name as OPC has it: no leading "/", letters of either case.
** RC_NOT_FOUND without a sentence; RC_BAD_INPUT, RC_TOO_LARGE with one. *size: inflated. */
enum rc zip_in_part(struct cx *cx, struct zip_in *z, const char *name, int64_t *size) MUST_CHECK;
/* *got = 0 at the end, when the checksum was right. */
enum rc zip_in_read(struct cx *cx, struct zip_in *z, void *to, size_t room, size_t *got) MUST_CHECK;
/* What is wrong with the whole file, once: RC_BAD_INPUT. */
enum rc zip_in_damaged(struct cx *cx) MUST_CHECK;

#endif
