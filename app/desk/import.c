/*
** import.c -- an import's life: sent, confirmed, dropped, gone on with; its jobs.
**
** Owns:   the table import, with import_read.c and import_commit.c.
** Holds:  (1) a state is left by one conditional UPDATE, so two people cannot decide twice; (2) one import is
**         taken in at a time: two files with the same rows must see each other.
*/
#include "desk/import.h"

#include "desk/import_run.h"
#include "desk/inner.h"
#include <string.h>

#define READ_JOB   "desk.import.read"
#define COMMIT_JOB "desk.import.commit"
#define HEAD_BYTES (64 * 1024) /* of a file: the longest heading there is stands in it */

const struct importer *import_importer(const struct resource *r, const char *name)
{
	if (name == NULL || name[0] == '\0') return &import_by_columns;
	return r->importer != NULL && strcmp(r->importer->name, name) == 0 ? r->importer : NULL;
}

bool import_is_offered(const struct cx *cx, const struct resource *r)
{
	return r->can_create && !r->no_import && office_may_edit(cx, r);
}

/* Of a text only the beginning, up to a line's end: opening it reads every byte that it is given. A workbook
** has its table of contents at the end. */
static struct bytes head_of(struct bytes file)
{
	const char *end;

	if (file.len <= HEAD_BYTES || memcmp(file.p, "PK", 2) == 0) return file;
	end = memrchr(file.p, '\n', HEAD_BYTES);
	return end != NULL ? (struct bytes){ file.p, (size_t)(end - file.p) + 1 } : file;
}

/* Column by column, or the resource's own importer when the heading is one of its. */
static enum rc choose_importer(struct cx *cx, int64_t file_id, const struct import_new *n, const char **name)
{
	const struct importer *own = n->resource->importer;
	struct bytes file = { NULL, 0 };
	struct rows_in *in = NULL;
	struct cells heading;
	enum rc rc;

	*name = n->importer != NULL ? n->importer : "";
	if (n->importer != NULL || own == NULL || own->recognises == NULL) return RC_OK;
	rc = file_map(cx, &file, file_id);
	if (rc == RC_OK && file.len > 0 && rows_in_open(cx, &in, head_of(file)) == RC_OK) {
		if (rows_in_next(cx, in, cx->arena, &heading) == RC_OK && own->recognises(cx, &heading))
			*name = own->name;
		rows_in_close(in);
	}
	if (rc == RC_OK) file_unmap(file);
	cx->message = ""; /* what is wrong with the file the job tells */
	cx->error_code = NULL;
	return rc;
}

static enum rc add_job(struct cx *cx, int64_t *job_id, int64_t import_id, const char *kind, const char *slot)
{
	struct value *args = value_map(cx->arena);
	enum rc rc;

	value_set_int(cx->arena, args, "import_id", import_id);
	rc = job_add(cx, job_id, &(struct job_new){ .kind = kind, .slot = slot, .args = args });
	if (rc == RC_CONFLICT)
		return cx_fail(cx, rc, _("Another import is being taken in; wait for it to end."));
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE import SET job_id = :job WHERE id = :id",
			    PARAMS(P_INT(":job", *job_id), P_INT(":id", import_id)));
	return rc;
}

static enum rc add_import(struct cx *cx, int64_t *import_id, int64_t *job_id, int64_t file_id,
			  const struct import_new *n, const char *importer)
{
	char public_id[PUBLIC_ID_SIZE];
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	public_id_new(public_id);
	rc = db_run(
		cx,
		"INSERT INTO import (public_id, resource, importer, file_id, file_name, state, rights, lang, address,"
		" created_by, user_id, created_at, columns_json) VALUES (:public_id, :resource, :importer, :file, :name,"
		" 'reading', :rights, :lang, :address, :by, :user, :now, :columns)",
		PARAMS(P_TEXT(":public_id", public_id), P_TEXT(":resource", n->resource->name),
		       P_TEXT(":importer", importer), P_INT(":file", file_id), P_TEXT(":name", n->file_name),
		       P_TEXT(":rights", cx->actor.rights), P_TEXT(":lang", words_code(cx->lang)),
		       P_TEXT(":address", cx->actor.address), P_TEXT(":by", cx->actor.name),
		       P_REF(":user", cx->actor.user_id), P_INT(":now", cx_now(cx)),
		       P_TEXT(":columns", n->clears_empty ? "{\"clears_empty\":true}" : "{}")));
	*import_id = rc == RC_OK ? db_last_id(cx) : 0;
	if (rc == RC_OK) rc = add_job(cx, job_id, *import_id, READ_JOB, NULL);
	return tx_end(cx, rc);
}

enum rc import_empty_cells(struct cx *cx, bool *clears, const char *word)
{
	*clears = word != NULL && strcmp(word, "clear") == 0;
	if (*clears || word == NULL || word[0] == '\0' || strcmp(word, "leave") == 0) return RC_OK;
	return cx_fail_field(cx, "empty_cells", _("For empty cells choose leave or clear."));
}

enum rc import_start(struct cx *cx, int64_t *import_id, int64_t *job_id, const struct import_new *n)
{
	const char *importer = "";
	int64_t file_id = 0;
	enum rc rc = file_store(cx, &file_id, n->fd,
				&(struct file_new){ .name = n->file_name,
						    .media_type = "application/octet-stream",
						    .owner_table = "import",
						    .max = UPLOAD_MAX });

	if (rc == RC_TOO_LARGE)
		return cx_fail(cx, rc, _("The file is larger than %d MB; split it."),
			       UPLOAD_MAX / (1024 * 1024));
	if (rc == RC_OK) rc = choose_importer(cx, file_id, n, &importer);
	if (rc == RC_OK && n->clears_empty && importer[0] != '\0')
		return cx_fail_field(
			cx, "empty_cells",
			_("This file is read as “%s”, where an empty cell never clears anything. Send it with empty cells left as they are."),
			words_get(cx->lang, n->resource->importer->title));
	return rc == RC_OK ? add_import(cx, import_id, job_id, file_id, n, importer) : rc;
}

enum rc import_read_again(struct cx *cx, int64_t import_id)
{
	int64_t job_id = 0;
	enum rc rc = db_run(cx, "UPDATE import SET state = 'reading' WHERE id = :id",
			    PARAMS(P_INT(":id", import_id)));

	return rc == RC_OK ? add_job(cx, &job_id, import_id, READ_JOB, NULL) : rc;
}

static enum rc not_waiting(struct cx *cx)
{
	return cx_fail(cx, RC_CONFLICT, _("This import is not waiting for a decision any more."));
}

enum rc import_confirm(struct cx *cx, int64_t import_id, const char *on_duplicate, bool good_only,
		       int64_t *job_id)
{
	enum rc rc;

	if (strcmp(on_duplicate, "skip") != 0 && strcmp(on_duplicate, "update") != 0)
		return cx_fail_field(cx, "on_duplicate",
				     _("For rows that are there already choose skip or update."));
	rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = db_run(
		cx,
		"UPDATE import SET state = 'committing', on_duplicate = :choice, error = '' WHERE id = :id"
		" AND state = 'preview' AND (rows_wrong = 0 OR :good)",
		PARAMS(P_TEXT(":choice", on_duplicate), P_INT(":good", good_only ? 1 : 0),
		       P_INT(":id", import_id)));
	if (rc == RC_OK && db_changes(cx) == 0) {
		int64_t wrong = 0;

		rc = db_get_int(cx, &wrong,
				"SELECT rows_wrong FROM import WHERE id = :id AND state = 'preview'",
				PARAMS(P_INT(":id", import_id)));
		if (rc == RC_OK && wrong > 0)
			rc = cx_fail_field(
				cx, "good_only",
				_("Some rows are wrong. Say that they are to be left out, or mend the file."));
		else if (rc == RC_OK || rc == RC_NOT_FOUND)
			rc = not_waiting(cx);
	}
	if (rc == RC_OK) rc = add_job(cx, job_id, import_id, COMMIT_JOB, COMMIT_JOB);
	return tx_end(cx, rc);
}

/* State of the import and of its job. */
static enum rc look(struct cx *cx, int64_t import_id, struct value **row)
{
	enum rc rc = db_row(
		cx, row,
		"SELECT i.state, i.job_id, coalesce(i.flipped_at, 0) AS flipped_at, coalesce(j.state, '') AS job_state"
		" FROM import i LEFT JOIN job j ON j.id = i.job_id WHERE i.id = :id",
		PARAMS(P_INT(":id", import_id)));

	return rc == RC_NOT_FOUND ? cx_fail(cx, rc, _("This import does not exist.")) : rc;
}

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static bool job_is_over(const struct value *row)
{
	const char *state = text_of(row, "job_state");

	return strcmp(state, "queued") != 0 && strcmp(state, "running") != 0;
}

static enum rc drop(struct cx *cx, int64_t import_id, const struct value *row)
{
	const char *state = text_of(row, "state");
	int64_t job = value_int_of(value_get(row, "job_id"), 0);
	enum rc rc = RC_OK;

	if (strcmp(state, "preview") == 0 || strcmp(state, "reading") == 0) {
		if (!job_is_over(row)) rc = job_cancel(cx, job);
		if (rc == RC_OK)
			rc = db_run(
				cx,
				"UPDATE import SET state = 'dropped', error = '', finished_at = :now WHERE id = :id",
				PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", import_id)));
		return rc;
	}
	/* What a commit has hidden so far has to go: its own job does that. */
	if (strcmp(state, "committing") == 0 && job_is_over(row) &&
	    value_int_of(value_get(row, "flipped_at"), 0) == 0) {
		rc = db_run(cx, "UPDATE import SET state = 'undoing', error = '' WHERE id = :id",
			    PARAMS(P_INT(":id", import_id)));
		return rc == RC_OK ? job_run_again(cx, job) : rc;
	}
	return not_waiting(cx);
}

enum rc import_drop(struct cx *cx, int64_t import_id)
{
	struct value *row = NULL;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = look(cx, import_id, &row);
	if (rc == RC_OK) rc = drop(cx, import_id, row);
	return tx_end(cx, rc);
}

enum rc import_again(struct cx *cx, int64_t import_id)
{
	struct value *row = NULL;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = look(cx, import_id, &row);
	if (rc == RC_OK) {
		const char *state = text_of(row, "state");
		bool works = strcmp(state, "reading") == 0 || strcmp(state, "committing") == 0 ||
			     strcmp(state, "undoing") == 0;

		rc = works && job_is_over(row) ? job_run_again(cx, value_int_of(value_get(row, "job_id"), 0))
					       : not_waiting(cx);
	}
	return tx_end(cx, rc);
}

/* Jobs */

static int64_t import_of(const struct job *job)
{
	return value_int_of(value_get(job_args(job), "import_id"), 0);
}

static enum rc read_job(struct cx *cx, struct job *job)
{
	return import_read(cx, job, import_of(job));
}

static enum rc commit_job(struct cx *cx, struct job *job)
{
	return import_commit(cx, job, import_of(job));
}

const struct job_kind import_jobs[] = {
	{ .name = READ_JOB,
	  .title = N_("Read a file to import"),
	  .queue = "import",
	  .attempts_max = 5,
	  .time_limit_s = 1800,
	  .delay_s = 5,
	  .run = read_job },
	{ .name = COMMIT_JOB,
	  .title = N_("Take a file in"),
	  .queue = "import",
	  .attempts_max = 20,
	  .time_limit_s = 1800,
	  .delay_s = 5,
	  .run = commit_job },
	{ .name = NULL },
};
