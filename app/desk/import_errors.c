/*
** import_errors.c -- the wrong rows of a file as they came, each with its reason in a last column: mend it
** there and send the same file again.
**
** Holds:  (1) a workbook is answered with a workbook, text with text; (2) memory is one row.
*/
#include "desk/import_run.h"

#include "base/csv.h"
#include "base/mem.h"
#include "base/text.h"
#include "files/sheet.h"
#include <string.h>
#include <unistd.h>

#define FILE_MAX_ALL (256 * 1024 * 1024) /* the file once more, with a reason a row */
#define TITLE_MAX    200                 /* letters of a heading: Excel refuses what is very long */

struct error_file {
	struct sheet *sheet;
	enum sheet_kind kind;
	size_t columns;
};

static enum sheet_kind kind_of(struct bytes source)
{
	struct csv csv;

	if (source.len >= 4 && memcmp(source.p, "PK\x03\x04", 4) == 0) return SHEET_XLSX;
	return csv_open(&csv, source.p, source.len) == RC_OK && csv.delimiter == ';' ? SHEET_CSV_LOCAL
										     : SHEET_CSV;
}

enum rc error_file_open(struct cx *cx, struct error_file **out, struct bytes source,
			const struct import_heading *heading)
{
	struct error_file *e = mem_zeroed(sizeof(*e));
	struct sheet_column columns[SHEET_COLUMNS_MAX];
	enum rc rc;

	if (e == NULL) return RC_NO_MEMORY;
	e->kind = kind_of(source);
	e->columns = heading->count < SHEET_COLUMNS_MAX ? heading->count : SHEET_COLUMNS_MAX - 1;
	for (size_t i = 0; i < e->columns; i++)
		columns[i] =
			(struct sheet_column){ .title = arena_bytes(cx->arena, heading->cell[i],
								    text_prefix(heading->cell[i], TITLE_MAX)),
					       .type = SHEET_TEXT };
	columns[e->columns] = (struct sheet_column){ .title = _("What is wrong"), .type = SHEET_LONG_TEXT };
	rc = sheet_open(cx, &e->sheet, e->kind, _("What is wrong"), columns, e->columns + 1);
	if (rc == RC_OK)
		*out = e;
	else
		error_file_free(e);
	return rc;
}

/* What Excel cannot hold in a cell is cut here: the row is wrong anyway, and the rest must be readable. */
static const char *fitting(struct cx *cx, const char *text)
{
	size_t len = text_prefix(text, SHEET_TEXT_MAX / 2);

	return text[len] == '\0' ? text : arena_bytes(cx->arena, text, len);
}

enum rc error_file_add(struct cx *cx, struct error_file *e, const struct cells *cells, const char *why)
{
	for (size_t i = 0; i < e->columns; i++)
		if (i < cells->count && cells->cell[i][0] != '\0')
			sheet_text(e->sheet, fitting(cx, cells->cell[i]));
		else
			sheet_empty(e->sheet);
	sheet_text(e->sheet, why);
	return sheet_row(e->sheet);
}

enum rc error_file_store(struct cx *cx, struct error_file *e, int64_t *file_id, int64_t import_id,
			 const char *file_name)
{
	const char *dot = strrchr(file_name, '.');
	int len = dot != NULL ? (int)(dot - file_name) : (int)strlen(file_name), fd = -1;
	enum rc rc = sheet_close(e->sheet, RC_OK, &fd);

	e->sheet = NULL;
	if (rc == RC_OK)
		rc = file_store(
			cx, file_id, fd,
			&(struct file_new){ .name = arena_printf(cx->arena, "%.*s-%s.%s", len, file_name,
								 _("errors"), sheet_suffix(e->kind)),
					    .media_type = sheet_media_type(e->kind),
					    .owner_table = "import",
					    .owner_id = import_id,
					    .max = FILE_MAX_ALL });
	if (fd >= 0) close(fd);
	error_file_free(e);
	return rc;
}

void error_file_free(struct error_file *e)
{
	int fd = -1;

	if (e == NULL) return;
	if (e->sheet != NULL && sheet_close(e->sheet, RC_TRY_LATER, &fd) == RC_OK) close(fd);
	mem_free(e);
}
