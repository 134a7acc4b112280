/*
** report_file.c -- the file of a finished report: fetched as a stream, kept in the file store, shared by all
** rows of its days.
**
** Holds:  (1) memory does not grow with the file; (2) rows become READY only when its bytes are on the disk;
**         (3) a file that no row names any more is archived, so that its bytes can go.
*/
#include "files/files.h"
#include "sends/doppler.h"
#include "sends/report_csv.h"
#include "sends/report_inner.h"

#include <string.h>
#include <unistd.h>

/* Records behind the heading; refuses what is no table. */
static enum rc count_rows(struct cx *cx, int fd, int64_t *rows)
{
	struct report_csv csv;
	enum rc rc = report_csv_open(&csv, fd);

	*rows = 0;
	if (rc == RC_OK) rc = report_csv_next(&csv);
	while (rc == RC_OK) {
		rc = report_csv_next(&csv);
		if (rc == RC_OK) (*rows)++;
	}
	if (rc == RC_BAD_INPUT) {
		cx->error_code = csv.buf != NULL && csv.record == 0 ? "report_not_csv" : "report_unreadable";
		rc = cx_fail(cx, rc, "%s", words_get(cx->lang, csv.why));
	}
	report_csv_close(&csv);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc ready(struct cx *cx, const struct report_days *days, int64_t file_id, int64_t rows)
{
	enum rc rc = tx_begin(cx);

	/* What they had before, unless rows of other days share it (they never do). */
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE file SET archived_at = :now WHERE archived_at IS NULL AND id <> :file AND id IN"
			" (SELECT file_id FROM generated_report WHERE start_on = :start AND end_on = :end AND file_id IS NOT NULL)",
			PARAMS(P_INT(":now", cx_now(cx)), P_INT(":file", file_id),
			       P_TEXT(":start", days->start_on), P_TEXT(":end", days->end_on)));
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE generated_report SET state = 'READY', file_id = :file, file_rows = :rows, error = '',"
			" error_detail = '', poll_next_at = NULL, updated_at = :now"
			" WHERE start_on = :start AND end_on = :end AND state = 'PROCESSING'",
			PARAMS(P_REF(":file", file_id), P_INT(":rows", rows), P_INT(":now", cx_now(cx)),
			       P_TEXT(":start", days->start_on), P_TEXT(":end", days->end_on)));
	return tx_end(cx, rc);
}

static enum rc keep(struct cx *cx, const struct report_days *days, int fd, int64_t *file_id)
{
	struct value *row = NULL;
	struct file_new file = { .media_type = "text/csv",
				 .owner_table = "generated_report",
				 .max = REPORT_BYTES_MAX };
	enum rc rc = db_row(cx, &row,
			    "SELECT id, type FROM generated_report WHERE start_on = :start AND end_on = :end"
			    " ORDER BY type <> 'deliveries', id LIMIT 1",
			    PARAMS(P_TEXT(":start", days->start_on), P_TEXT(":end", days->end_on)));

	if (rc != RC_OK) return rc;
	file.owner_id = value_int_of(value_get(row, "id"), 0);
	file.name = report_file_name(cx, value_text_of(value_get(row, "type"), ""), days->start_on,
				     days->end_on, file.owner_id);
	rc = file_store(cx, file_id, fd, &file);
	if (rc == RC_IO) cx->error_code = "disk_failed";
	return rc == RC_IO ? RC_BUG : rc; /* our disk: another look at the provider does not mend it */
}

enum rc report_fetch(struct cx *cx, const struct report_days *days, const char *url)
{
	int64_t size = 0, rows = 0, file_id = 0;
	int fd = -1;
	enum rc rc;

	if (url[0] == '\0') return ready(cx, days, 0, 0); /* processed without a file: no rows */
	rc = spool_open(&fd, cx->env->dir);
	if (rc == RC_OK) rc = doppler_report_download(cx, fd, &size, url, REPORT_BYTES_MAX);
	if (rc == RC_BAD_INPUT && cx->error_code == NULL) cx->error_code = "report_not_csv";
	if (rc == RC_OK) rc = count_rows(cx, fd, &rows);
	if (rc == RC_OK) rc = keep(cx, days, fd, &file_id);
	if (rc == RC_OK) rc = ready(cx, days, file_id, rows);
	if (fd >= 0) close(fd);
	return rc;
}
