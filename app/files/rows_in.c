/*
** rows_in.c -- tells a workbook from delimited text, and hands both out as rows of text.
**
** Needs:  the bytes of the file for as long as it is open; base/csv.h, xlsx.h.
** Never:  looks at a name; keeps a row.
** Holds:  (1) what it hands out is valid UTF-8, trimmed, at most ROWS_IN_CELLS_MAX cells; (2) a row in which
**         nothing stands is not handed out; (3) line only grows.
*/
#include "files/rows_in.h"

#include "base/csv.h"
#include "base/mem.h"
#include "base/text.h"
#include <string.h>

struct rows_in {
	struct csv csv;
	const char *start; /* of the text */
};

static enum rc refuse(struct cx *cx, enum rc rc, const struct csv *csv, size_t row)
{
	if (rc != RC_BAD_INPUT || csv->why == NULL) return rc;
	if (row == 0) return cx_fail(cx, rc, "%s", words_get(cx->lang, csv->why));
	return cx_fail(cx, rc, _("Row %zu: %s"), row, words_get(cx->lang, csv->why));
}

enum rc rows_in_open(struct cx *cx, struct rows_in **out, struct bytes file)
{
	struct rows_in *in = mem_zeroed(sizeof(*in));
	enum rc rc;

	if (in == NULL) return RC_NO_MEMORY;
	rc = refuse(cx, csv_open(&in->csv, file.p, file.len), &in->csv, 0);
	in->start = in->csv.p;
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
	return next_of_csv(cx, in, a, out);
}

void rows_in_progress(const struct rows_in *in, int64_t *done, int64_t *total)
{
	*done = in->csv.p - in->start;
	*total = in->csv.end - in->start;
}

void rows_in_close(struct rows_in *in)
{
	mem_free(in);
}
