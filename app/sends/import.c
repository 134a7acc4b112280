/*
** import.c -- the recipients enter the database: all of them, or none is seen.
**
**   recipients_import ─ job ─► every row judged, one byte each is kept ─► rows in slices under the next
**   import_version, which nobody reads yet ─► one short transaction: version, counts, bulk_imported()
**
** Owns:   rows of bulk_recipient until they are seen; the columns import_* of bulk_send.
** Needs:  a stored file; recipients_*.c for what it says.
** Never:  changes a row that is seen; writes for longer than a slice.
** Holds:  (1) a cut import leaves rows of a version that nobody reads; the next run removes them and starts
**         from nothing; (2) a file that cannot be leaves no row; (3) what was judged is what is written: both
**         walks read the same immutable bytes.
*/
#include "sends/import_inner.h"
#include "sends/recipients_inner.h"

#include "base/mem.h"
#include "files/files.h"
#include "sends/bulk.h"
#include "sends/mail_template.h"
#include <string.h>
#include <sys/mman.h>

/* of writing rows; the commit takes the rest of the 100 ms a transaction may last */
#define SLICE_MS      35
#define REMOVED_ONCE  5000 /* rows of a cut import, in one transaction */
#define VERDICTS_MORE 4096 /* the array of verdicts grows by at least so much */

struct import {
	struct cx *cx;
	struct job *job;
	int64_t bulk_id, file_id, version; /* the one being written */
	const char *status, *import_status, *channel, *template_id, *variables, *may_be_empty, *dedupe;
	bool sends_suppressed;
	const struct value *required;
	struct bytes file;
	struct arena *heading, *rows;
	struct recipients_file *f;
	struct judge judge;
	unsigned char *verdicts; /* enum row_code, one a row */
	int64_t verdict_count, verdict_room;
};

/* What was read of the mapped file is the system's again: an upload must not count as our memory. */
static void let_go(const struct import *im)
{
	if (im->file.len > 0) (void)madvise((void *)(uintptr_t)im->file.p, im->file.len, MADV_DONTNEED);
}

static enum rc read_bulk(struct import *im)
{
	struct cx *cx = im->cx;
	struct value *row = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT coalesce(file_id, 0) AS file, import_version, status, import_status, variables_json,"
		" may_be_empty, dedupe, sends_suppressed, channel, template_id FROM bulk_send WHERE id = :id",
		PARAMS(P_INT(":id", im->bulk_id)));

	if (rc != RC_OK) return rc;
	im->file_id = value_int_of(value_get(row, "file"), 0);
	im->version = value_int_of(value_get(row, "import_version"), 0) + 1;
	im->status = value_text_of(value_get(row, "status"), "");
	im->import_status = value_text_of(value_get(row, "import_status"), "");
	im->variables = value_text_of(value_get(row, "variables_json"), "");
	im->may_be_empty = value_text_of(value_get(row, "may_be_empty"), "");
	im->channel = value_text_of(value_get(row, "channel"), "");
	im->template_id = value_text_of(value_get(row, "template_id"), "");
	im->dedupe = value_text_of(value_get(row, "dedupe"), "");
	im->sends_suppressed = value_int_of(value_get(row, "sends_suppressed"), 0) != 0;
	return RC_OK;
}

/* Which variables a row must fill. A template that cannot be read now says nothing: the gate before the first
** mail reads it again and refuses the send if it must. */
static enum rc read_template(struct import *im)
{
	struct cx *cx = im->cx;
	const char *message = cx->message, *code = cx->error_code;
	struct mail_template t = { .id = NULL };
	struct value *required = NULL;
	enum rc rc = mail_template_read(cx, &t, im->channel, im->template_id, true);

	if (rc == RC_OK) rc = template_required(cx, &required, &t);
	cx->message = message;
	cx->error_code = code;
	im->required = rc == RC_OK ? required : NULL;
	return rc == RC_NO_MEMORY || rc == RC_BUG ? rc : RC_OK;
}

/* Heading and judge from the beginning of the file. */
static enum rc open_file(struct import *im)
{
	enum rc rc;

	arena_reset(im->heading);
	arena_reset(im->rows);
	im->f = arena_alloc(im->heading, sizeof(*im->f));
	if (im->f == NULL) return RC_NO_MEMORY;
	rc = recipients_open(im->cx, im->f, im->heading, im->file, im->variables);
	if (rc == RC_OK && im->f->email < 0) rc = recipients_refuse(im->cx, "email_column_missing", NULL);
	if (rc == RC_OK) recipients_require(im->f, im->heading, im->required, im->may_be_empty);
	return rc;
}

/* Judging */

static enum rc keep_verdict(struct import *im, enum row_code code)
{
	if (im->verdict_count == im->verdict_room) {
		int64_t room = 2 * im->verdict_room + VERDICTS_MORE;
		unsigned char *more = mem_realloc(im->verdicts, (size_t)room);

		if (more == NULL) return RC_NO_MEMORY;
		im->verdicts = more;
		im->verdict_room = room;
	}
	im->verdicts[im->verdict_count++] = (unsigned char)code;
	return RC_OK;
}

static enum rc judge_some(struct import *im)
{
	enum rc rc = RC_OK;

	for (int i = 0; i < ROWS_AT_ONCE && rc == RC_OK && arena_used(im->rows) < ROW_ARENA_SOME; i++) {
		struct recipient_row row;

		rc = recipients_next(im->cx, im->f, im->rows);
		if (rc == RC_OK) rc = judge_row(&im->judge, im->f, im->rows, &row);
		if (rc == RC_OK) rc = keep_verdict(im, row.code);
	}
	if (rc == RC_OK && arena_failed(im->rows)) rc = RC_NO_MEMORY;
	arena_reset(im->rows);
	return rc;
}

static enum rc judge_all(struct import *im)
{
	enum rc rc = open_file(im);
	int64_t let_go_at = 0;

	while (rc == RC_OK) {
		rc = judge_some(im);
		if (rc == RC_OK && job_should_stop(im->job)) rc = RC_TRY_LATER;
		if (im->f->rows - let_go_at > 32 * ROWS_AT_ONCE) {
			let_go_at = im->f->rows;
			let_go(im);
		}
	}
	if (rc != RC_NOT_FOUND) return rc;
	return im->f->rows == 0 ? recipients_refuse(im->cx, "file_empty", NULL) : RC_OK;
}

/* Writing */

/* RC_CONFLICT: the send was cancelled meanwhile. */
static enum rc is_wanted(struct import *im)
{
	int64_t one;
	enum rc rc = db_get_int(im->cx, &one,
				"SELECT 1 FROM bulk_send WHERE id = :id AND status = 'pending' AND"
				" import_status = 'importing' AND import_version = :version - 1",
				PARAMS(P_INT(":id", im->bulk_id), P_INT(":version", im->version)));

	return rc == RC_NOT_FOUND ? RC_CONFLICT : rc;
}

static enum rc write_row(struct import *im)
{
	enum row_code verdict = (enum row_code)im->verdicts[im->f->rows - 1];
	struct recipient_row row;

	recipients_read_row(im->f, im->rows, &row, &im->judge.payload);
	/* What it says by itself is the same as before, so only what others said can be another code. */
	if (row.code == ROW_VALID) row.code = verdict;
	return db_run(
		im->cx,
		"INSERT INTO bulk_recipient (bulk_id, import_version, row_number, recipient, normalized, name,"
		" payload_json, error_code, error_detail) VALUES (:bulk, :version, :row, :recipient, :normalized,"
		" :name, :payload, :code, :detail)",
		PARAMS(P_INT(":bulk", im->bulk_id), P_INT(":version", im->version),
		       P_INT(":row", im->f->rows), P_TEXT(":recipient", row.typed),
		       P_TEXT(":normalized", row.code == ROW_EMPTY || row.code == ROW_INVALID ||
							     strcmp(row.typed, row.address) == 0
						     ? NULL
						     : row.address),
		       P_TEXT(":name", row.name),
		       P_TEXT(":payload", row.code == ROW_VALID ? sb_text_of(&im->judge.payload) : NULL),
		       P_TEXT(":code", row_code_name(row.code)), P_TEXT(":detail", row.detail)));
}

/* Rows for some milliseconds, one transaction. */
static enum rc write_slice(struct import *im, bool *is_end)
{
	int64_t until;
	enum rc rc = tx_begin(im->cx);

	until = clock_ticks() + SLICE_MS;
	if (rc == RC_OK) rc = is_wanted(im);
	while (rc == RC_OK && !*is_end && clock_ticks() < until) {
		for (int i = 0; i < ROWS_AT_ONCE && rc == RC_OK && arena_used(im->rows) < ROW_ARENA_SOME;
		     i++) {
			rc = recipients_next(im->cx, im->f, im->rows);
			if (rc == RC_OK) rc = im->f->rows <= im->verdict_count ? write_row(im) : RC_BUG;
		}
		*is_end = rc == RC_NOT_FOUND;
		if (*is_end) rc = RC_OK;
		if (rc == RC_OK && arena_failed(im->rows)) rc = RC_NO_MEMORY;
		arena_reset(im->rows);
	}
	return tx_end(im->cx, rc);
}

static enum rc write_all(struct import *im)
{
	bool is_end = false;
	enum rc rc = open_file(im);

	while (rc == RC_OK && !is_end) {
		rc = write_slice(im, &is_end);
		let_go(im);
		if (rc == RC_OK) rc = job_progress(im->cx, im->job, im->f->rows, im->verdict_count);
		if (rc == RC_OK && job_should_stop(im->job)) rc = RC_TRY_LATER;
	}
	return rc;
}

/* The flip */

static const char *told(const struct import *im)
{
	struct arena *a = im->cx->arena;
	struct value *map = value_map(a), *errors;
	struct sb sb;

	judge_tell(&im->judge, im->f, a, map);
	errors = value_set_map(a, map, "errors");
	for (enum row_code code = ROW_VALID + 1; code < ROW__MAX; code++)
		if (im->judge.counts[code] > 0)
			value_set_int(a, errors, row_code_name(code), im->judge.counts[code]);
	sb_init_arena(&sb, a, (size_t)1 << 20);
	json_write(&sb, map);
	return sb_text_of(&sb);
}

static enum rc flip(struct import *im, const char *json)
{
	struct cx *cx = im->cx;
	int64_t valid = im->judge.counts[ROW_VALID], all = im->verdict_count;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE bulk_send SET import_version = :version, import_status = :status, import_error = '',"
			" import_json = :json, imported_rows = :all, valid_rows = :valid, invalid_rows = :all - :valid,"
			" import_finished_at = :now, updated_at = :now WHERE id = :id AND status = 'pending' AND"
			" import_status = 'importing' AND import_version = :version - 1",
			PARAMS(P_INT(":version", im->version),
			       P_TEXT(":status", valid == all ? "ready" : "ready_with_errors"),
			       P_TEXT(":json", json), P_INT(":all", all), P_INT(":valid", valid),
			       P_INT(":now", cx_now(cx)), P_INT(":id", im->bulk_id)));
	if (rc == RC_OK && db_changes(cx) == 0) rc = RC_CONFLICT;
	if (rc == RC_OK) rc = bulk_imported(cx, im->bulk_id);
	return tx_end(cx, rc);
}

/* Cleaning up */

enum rc import_remove_hidden(struct cx *cx, struct job *job, int64_t bulk_id)
{
	int64_t removed = 1;
	enum rc rc = RC_OK;

	while (rc == RC_OK && removed > 0) {
		rc = tx_begin(cx);
		if (rc == RC_OK)
			rc = db_run(
				cx,
				"DELETE FROM bulk_recipient WHERE id IN (SELECT r.id FROM bulk_recipient r"
				" WHERE r.bulk_id = :id AND r.import_version <>"
				" (SELECT import_version FROM bulk_send WHERE id = :id) LIMIT :most)",
				PARAMS(P_INT(":id", bulk_id), P_INT(":most", REMOVED_ONCE)));
		removed = rc == RC_OK ? db_changes(cx) : 0;
		rc = tx_end(cx, rc);
		if (rc == RC_OK && removed > 0 && job != NULL && job_should_stop(job)) rc = RC_TRY_LATER;
	}
	return rc;
}

/* Import and send end with the code; the sentence stays for whoever looks at the send. */
static enum rc note_failure(struct import *im, enum rc why)
{
	struct cx *cx = im->cx;
	const char *code =
		why == RC_BAD_INPUT && cx->error_code != NULL ? cx->error_code : "internal_import_error";
	const char *sentence = why == RC_BAD_INPUT ? cx_sentence_kept(cx, why) : "";
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE bulk_send SET import_status = 'error', import_error = :code,"
			" import_finished_at = :now, updated_at = :now WHERE id = :id AND import_status = 'importing'",
			PARAMS(P_TEXT(":code", code), P_INT(":now", cx_now(cx)), P_INT(":id", im->bulk_id)));
	if (rc == RC_OK) rc = bulk_import_failed(cx, im->bulk_id, code);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE bulk_send SET status_detail = :sentence WHERE id = :id AND status = 'error'",
			PARAMS(P_TEXT(":sentence", sentence), P_INT(":id", im->bulk_id)));
	return tx_end(cx, rc);
}

static void import_close(struct import *im)
{
	judge_close(&im->judge);
	mem_free(im->verdicts);
	arena_free(im->heading);
	arena_free(im->rows);
	if (im->file.p != NULL) file_unmap(im->file);
	db_large_cache(im->cx->db, false);
}

static enum rc import_all(struct import *im)
{
	struct cx *cx = im->cx;
	const char *json = "";
	enum rc rc;

	im->heading = arena_new(ROW_ARENA_MAX);
	im->rows = arena_new(ROW_ARENA_MAX);
	if (im->heading == NULL || im->rows == NULL) return RC_NO_MEMORY;
	rc = import_remove_hidden(cx, im->job, im->bulk_id);
	if (rc == RC_OK) rc = file_map(cx, &im->file, im->file_id);
	if (rc == RC_NOT_FOUND) rc = recipients_refuse(cx, "file_unreadable", NULL);
	if (rc == RC_OK) rc = read_template(im);
	if (rc == RC_OK) rc = judge_open(cx, &im->judge, im->dedupe, !im->sends_suppressed);
	if (rc == RC_OK) rc = judge_all(im);
	if (rc == RC_OK) json = told(im); /* the second walk does not count */
	if (rc == RC_OK) rc = write_all(im);
	if (rc == RC_OK) rc = flip(im, json);
	return rc;
}

/* Run again after a failure: the send waits anew. */
static enum rc begin(struct import *im)
{
	struct cx *cx = im->cx;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(cx,
			    "UPDATE bulk_send SET status = 'pending', status_why = '', status_detail = '',"
			    " import_status = 'importing', import_error = '', updated_at = :now"
			    " WHERE id = :id AND status = 'error' AND import_status = 'error'",
			    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", im->bulk_id)));
	rc = tx_end(cx, rc);
	return rc == RC_OK ? read_bulk(im) : rc;
}

static enum rc import_run(struct cx *cx, struct job *job)
{
	struct import im = { .cx = cx,
			     .job = job,
			     .bulk_id = value_int_of(value_get(job_args(job), "bulk_id"), 0) };
	bool is_last = job_attempt(job) >= IMPORT_ATTEMPTS;
	enum rc rc = begin(&im), noted;

	if (rc != RC_OK) return rc;
	cx->keeps_sentence = true; /* what is wrong with a file is read in any language */
	/* Cancelled meanwhile, or done before the process was cut: nothing is left to do but tidying. */
	if (strcmp(im.import_status, "importing") != 0 || strcmp(im.status, "pending") != 0)
		return import_remove_hidden(cx, job, im.bulk_id);
	db_large_cache(cx->db, true);
	rc = import_all(&im);
	import_close(&im);
	if (rc == RC_OK || rc == RC_CONFLICT) return import_remove_hidden(cx, job, im.bulk_id);
	if (rc_row(rc)->is_retried && (!is_last || job_should_stop(job))) return rc;
	noted = note_failure(&im, rc);
	if (noted == RC_OK) noted = import_remove_hidden(cx, job, im.bulk_id);
	return noted == RC_OK || noted == RC_TRY_LATER ? rc : noted;
}

const struct job_kind recipients_jobs[] = {
	{ .name = IMPORT_JOB,
	  .title = N_("Reading the recipients of a bulk send"),
	  .queue = "import",
	  .attempts_max = IMPORT_ATTEMPTS,
	  .time_limit_s = 1800,
	  .delay_s = 5,
	  .run = import_run },
	{ .name = FORGET_JOB,
	  .title = N_("Forgetting the variables of old bulk sends"),
	  .queue = "house",
	  .attempts_max = 3,
	  .time_limit_s = 1800,
	  .delay_s = 300,
	  .run = recipients_retention },
	{ .name = NULL },
};

static enum rc conflict(struct cx *cx, const char *code)
{
	cx->error_code = code;
	return cx_fail(cx, RC_CONFLICT, "%s", recipients_words(cx->lang, code));
}

enum rc recipients_import(struct cx *cx, int64_t bulk_id)
{
	struct value *args = value_map(cx->arena);
	int64_t job_id = 0;
	enum rc rc;

	value_set_int(cx->arena, args, "bulk_id", bulk_id);
	rc = db_run(
		cx,
		"UPDATE bulk_send SET status = 'pending', import_status = 'importing', import_error = '',"
		" import_started_at = :now, import_finished_at = NULL, updated_at = :now"
		" WHERE id = :id AND (status = 'pending' OR (status = 'error' AND import_status = 'error'))"
		" AND batch_id IS NULL",
		PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", bulk_id)));
	if (rc == RC_OK && db_changes(cx) == 0) return conflict(cx, "import_version_exists");
	if (rc == RC_OK)
		rc = job_add(cx, &job_id,
			     &(struct job_new){
				     .kind = IMPORT_JOB,
				     .slot = arena_printf(cx->arena, IMPORT_JOB ":%lld", (long long)bulk_id),
				     .args = args });
	return rc == RC_CONFLICT ? conflict(cx, "import_already_started") : rc;
}
