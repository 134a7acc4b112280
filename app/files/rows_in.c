/*
** rows_in.c -- tells a workbook from delimited text, and hands both out as rows of text.
**
** Needs:  the bytes of the file for as long as it is open; base/csv.h, xlsx_in.h.
** Never:  looks at a name; keeps a row.
** Holds:  (1) what it hands out is valid UTF-8, trimmed, at most ROWS_IN_CELLS_MAX cells; (2) a row in which
**         nothing stands is not handed out; (3) line only grows.
*/
#include "files/xlsx_in.h"

#include "base/csv.h"
#include "base/mem.h"
#include "base/text.h"
#include <string.h>

#define FILE_MAX (INT64_C(1) << 30) /* beyond every upload: zlib counts in 32 bits */

struct rows_in {
	struct xlsx *xlsx; /* NULL: delimited text */
	struct csv csv;
	const char *start; /* of the text */
};

static bool begins_with(struct bytes file, const char *mark, size_t len)
{
	return file.len >= len && memcmp(file.p, mark, len) == 0;
}

static enum rc refuse(struct cx *cx, enum rc rc, const struct csv *csv, size_t row)
{
	if (rc != RC_BAD_INPUT || csv->why == NULL) return rc;
	if (row == 0) return cx_fail(cx, rc, "%s", words_get(cx->lang, csv->why));
	return cx_fail(cx, rc, _("Row %zu: %s"), row, words_get(cx->lang, csv->why));
}

/* Excel keeps a workbook with a password, and every workbook before 2007, in a compound file [MS-CFB]. */
static enum rc open_any(struct cx *cx, struct rows_in *in, struct bytes file)
{
	enum rc rc;

	if (begins_with(file, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8))
		return cx_fail(
			cx, RC_BAD_INPUT,
			_("This workbook is protected by a password, or it is an old .xls file. Open it in"
			  " Excel, take the password off (File, Info, Protect Workbook), save it as .xlsx and"
			  " try again."));
	if (begins_with(file, "PK\x03\x04", 4) || begins_with(file, "PK\x05\x06", 4))
		return xlsx_open(cx, &in->xlsx, file);
	rc = refuse(cx, csv_open(&in->csv, file.p, file.len), &in->csv, 0);
	in->start = in->csv.p;
	return rc;
}

enum rc rows_in_open(struct cx *cx, struct rows_in **out, struct bytes file)
{
	struct rows_in *in;
	enum rc rc;

	if (file.len > FILE_MAX) return RC_TOO_LARGE;
	in = mem_zeroed(sizeof(*in));
	if (in == NULL) return RC_NO_MEMORY;
	rc = open_any(cx, in, file);
	if (rc == RC_OK)
		*out = in;
	else
		rows_in_close(in);
	return rc;
}

static enum rc next_of_csv(struct cx *cx, struct rows_in *in, struct arena *a, struct cells *out)
{
	enum rc rc = csv_next(&in->csv, a);
	const char **cell;

	if (rc != RC_OK) return refuse(cx, rc, &in->csv, in->csv.record + 1);
	cell = arena_array(a, in->csv.count, sizeof(*cell));
	if (cell == NULL) return RC_NO_MEMORY;
	for (size_t i = 0; i < in->csv.count; i++)
		cell[i] = text_trim(a, in->csv.cell[i]);
	if (arena_failed(a)) return RC_NO_MEMORY;
	*out = (struct cells){ .count = in->csv.count, .cell = cell, .line = in->csv.record };
	return RC_OK;
}

enum rc rows_in_next(struct cx *cx, struct rows_in *in, struct arena *a, struct cells *out)
{
	return in->xlsx != NULL ? xlsx_next(cx, in->xlsx, a, out) : next_of_csv(cx, in, a, out);
}

void rows_in_progress(const struct rows_in *in, int64_t *done, int64_t *total)
{
	if (in->xlsx != NULL) {
		xlsx_progress(in->xlsx, done, total);
		return;
	}
	*done = in->csv.p - in->start;
	*total = in->csv.end - in->start;
}

void rows_in_close(struct rows_in *in)
{
	if (in != NULL) xlsx_close(in->xlsx);
	mem_free(in);
}
