/*
** export.h -- the rows of a list as a file, for the files of desk that hand them out, and their tests.
*/
#ifndef RECADO_DESK_EXPORT_H
#define RECADO_DESK_EXPORT_H

#include "desk/inner.h"
#include "files/sheet.h"

/* All rows of an ask without cursor, in its order, as a nameless file: *fd is the caller's. RC_TOO_LARGE
** past ask->limit. */
enum rc export_rows(struct cx *cx, const struct ask *ask, enum sheet_kind kind, int *fd) MUST_CHECK;
/* The file of the list that call asks for (SHAPE_CSV, ?separator=semicolon; SHAPE_XLSX) as an answer. */
enum rc list_download(struct cx *cx, struct call *call, const struct office *o, enum shape shape) MUST_CHECK;
/* "clients-2026-11-22.xlsx" of today; answers with fd, which it closes. */
void answer_sheet(struct cx *cx, struct call *call, int fd, enum sheet_kind kind, const char *name);
/* SHEET_CSV, SHEET_CSV_LOCAL (?separator=semicolon) or SHEET_XLSX. */
enum sheet_kind call_sheet(struct call *call);

#endif
