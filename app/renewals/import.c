/*
** import.c -- an import's life: started, judged, confirmed or dropped; its jobs and its command.
*/
#include "renewals/import.h"
#include "files/files.h"
#include <string.h>
#include <unistd.h>

#define WAIT_MS     (30 * MINUTE_MS) /* the jobs' own time limit                         */
#define WRONG_SHOWN 20               /* lines a terminal shows; the error file has all    */

static enum rc add_import(struct cx *cx, int64_t *import_id, int64_t *job_id, int64_t file_id,
			  const char *file_name)
{
	struct value *args = value_map(cx->arena);
	char public_id[PUBLIC_ID_SIZE];
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	public_id_new(public_id);
	rc = db_run(
		cx,
		"INSERT INTO import (public_id, file_id, file_name, state, created_by, user_id, created_at)"
		" VALUES (:public_id, :file, :name, 'reading', :by, :user, :now)",
		PARAMS(P_TEXT(":public_id", public_id), P_INT(":file", file_id), P_TEXT(":name", file_name),
		       P_TEXT(":by", cx->actor.name), P_REF(":user", cx->actor.user_id),
		       P_INT(":now", cx_now(cx))));
	*import_id = rc == RC_OK ? db_last_id(cx) : 0;
	value_set_int(cx->arena, args, "import_id", *import_id);
	value_set_text(cx->arena, args, "lang", words_code(cx->lang));
	value_set_text(cx->arena, args, "rights", cx->actor.rights);
	if (rc == RC_OK)
		rc = job_add(cx, job_id, &(struct job_new){ .kind = "renewals.import.read", .args = args });
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE import SET job_id = :job WHERE id = :id",
			    PARAMS(P_INT(":job", *job_id), P_INT(":id", *import_id)));
	return tx_end(cx, rc);
}

enum rc import_start(struct cx *cx, int64_t *import_id, int64_t *job_id, int fd, const char *file_name)
{
	int64_t file_id = 0;
	enum rc rc = file_store(cx, &file_id, fd,
				&(struct file_new){ .name = file_name,
						    .media_type = "text/csv",
						    .owner_table = "import",
						    .max = UPLOAD_MAX });

	if (rc == RC_TOO_LARGE)
		return cx_fail(cx, rc, _("The file is larger than %d MB; split it."),
			       UPLOAD_MAX / (1024 * 1024));
	return rc == RC_OK ? add_import(cx, import_id, job_id, file_id, file_name) : rc;
}

enum rc import_confirm(struct cx *cx, int64_t import_id, const char *on_duplicate, int64_t *job_id)
{
	struct value *args = value_map(cx->arena);
	enum rc rc;

	if (strcmp(on_duplicate, "skip") != 0 && strcmp(on_duplicate, "update") != 0)
		return cx_fail(cx, RC_BAD_INPUT,
			       _("For customers that are there already choose skip or update."));
	rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = db_run(
		cx,
		"UPDATE import SET state = 'committing', on_duplicate = :choice WHERE id = :id AND state = 'preview'",
		PARAMS(P_TEXT(":choice", on_duplicate), P_INT(":id", import_id)));
	if (rc == RC_OK && db_changes(cx) == 0)
		rc = cx_fail(cx, RC_CONFLICT, _("This import is not waiting for a decision any more."));
	value_set_int(cx->arena, args, "import_id", import_id);
	value_set_text(cx->arena, args, "lang", words_code(cx->lang));
	/* One commit at a time: two files with the same customers must see each other. */
	if (rc == RC_OK) {
		rc = job_add(cx, job_id,
			     &(struct job_new){ .kind = "renewals.import.commit",
						.slot = "renewals.import.commit",
						.args = args });
		if (rc == RC_CONFLICT)
			rc = cx_fail(cx, rc, _("Another import is being taken in; wait for it to end."));
	}
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE import SET job_id = :job WHERE id = :id",
			    PARAMS(P_INT(":job", *job_id), P_INT(":id", import_id)));
	return tx_end(cx, rc);
}

enum rc import_drop(struct cx *cx, int64_t import_id)
{
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_run(
		cx,
		"UPDATE import SET state = 'dropped', finished_at = :now WHERE id = :id AND state = 'preview'",
		PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", import_id)));
	if (rc == RC_OK && db_changes(cx) == 0)
		rc = cx_fail(cx, RC_CONFLICT, _("This import is not waiting for a decision any more."));
	return tx_end(cx, rc);
}

/* Jobs */

static void speak_as_asked(struct cx *cx, const struct value *args)
{
	(void)words_lang(&cx->lang, value_text_of(value_get(args, "lang"), ""));
}

static enum rc note_failure(struct cx *cx, int64_t import_id)
{
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_run(
		cx, "UPDATE import SET state = 'failed', error = :error, finished_at = :now WHERE id = :id",
		PARAMS(P_TEXT(":error", cx->message), P_INT(":now", cx_now(cx)), P_INT(":id", import_id)));
	return tx_end(cx, rc);
}

static enum rc read_job(struct cx *cx, struct job *job)
{
	int64_t import_id = value_int_of(value_get(job_args(job), "import_id"), 0), owner = 0;
	const char *rights = value_text_of(value_get(job_args(job), "rights"), "*");
	enum rc rc, noted;

	speak_as_asked(cx, job_args(job));
	/* Judged with the eyes of who sent the file: a seller's file must not find other sellers' customers.
	 */
	rc = db_get_int(cx, &owner, "SELECT coalesce(user_id, 0) FROM import WHERE id = :id",
			PARAMS(P_INT(":id", import_id)));
	if (rc != RC_OK) return rc;
	cx->actor.user_id = owner;
	cx->actor.rights = rights;
	rc = import_read(cx, job, import_id);
	if (rc != RC_BAD_INPUT && rc != RC_TOO_LARGE) return rc;
	noted = note_failure(cx, import_id);
	job_note(job, cx->message);
	return noted; /* the file is wrong, not the job: it is done */
}

static enum rc commit_job(struct cx *cx, struct job *job)
{
	speak_as_asked(cx, job_args(job));
	return import_commit(cx, job, value_int_of(value_get(job_args(job), "import_id"), 0));
}

const struct job_kind renewals_import_jobs[] = {
	{ .name = "renewals.import.read",
	  .title = N_("Read a customer file"),
	  .queue = "import",
	  .attempts_max = 5,
	  .time_limit_s = 1800,
	  .delay_s = 5,
	  .run = read_job },
	{ .name = "renewals.import.commit",
	  .title = N_("Take a customer file in"),
	  .queue = "import",
	  .attempts_max = 20,
	  .time_limit_s = 1800,
	  .delay_s = 5,
	  .run = commit_job },
	{ .name = NULL },
};

/* The command */

static enum rc wait_for(struct cx *cx, int64_t job_id, int64_t import_id, struct value **import)
{
	struct value *job = NULL;
	enum rc rc = job_wait(cx, &job, job_id, WAIT_MS);

	if (rc != RC_OK) return rc;
	return db_row(
		cx, import,
		"SELECT public_id, file_name, state, error, rows_total, rows_new, rows_known, rows_skipped,"
		" rows_wrong, clients_new, subscriptions_new FROM import WHERE id = :id",
		PARAMS(P_INT(":id", import_id)));
}

static int64_t count_of(const struct value *import, const char *name)
{
	return value_int_of(value_get(import, name), 0);
}

static enum rc print_wrong(struct cx *cx, struct command_call *call, int64_t import_id)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT line, reason FROM import_row WHERE import_id = :id AND outcome = 'wrong' ORDER BY line LIMIT :max",
		PARAMS(P_INT(":id", import_id), P_INT(":max", WRONG_SHOWN)));

	while (rc == RC_OK && query_next(q))
		fprintf(call->out, _("Row %lld: %s\n"), (long long)query_int(q, 0), query_text(q, 1));
	return query_end(q, rc);
}

static enum rc print_import(struct cx *cx, struct command_call *call, int64_t import_id, struct value *import)
{
	struct sb sb;

	if (call->is_json) {
		struct value *wrong = NULL;
		enum rc rc = db_rows(
			cx, &wrong, 1000,
			"SELECT line, reason FROM import_row WHERE import_id = :id AND outcome = 'wrong' ORDER BY line LIMIT 1000",
			PARAMS(P_INT(":id", import_id)));

		if (rc != RC_OK) return rc;
		value_set(import, "wrong", wrong);
		sb_init_arena(&sb, cx->arena, 16 * 1024 * 1024);
		json_write_pretty(&sb, import);
		fprintf(call->out, "%s\n", sb_text_of(&sb));
		return sb_result(&sb);
	}
	fprintf(call->out,
		_("Rows: %lld. New customers: %lld. Already there: %lld. Duplicates: %lld. Wrong: %lld.\n"),
		(long long)count_of(import, "rows_total"), (long long)count_of(import, "rows_new"),
		(long long)count_of(import, "rows_known"), (long long)count_of(import, "rows_skipped"),
		(long long)count_of(import, "rows_wrong"));
	return print_wrong(cx, call, import_id);
}

enum rc import_command(struct cx *cx, struct command_call *call)
{
	const char *const with_value[] = { "on-duplicate", NULL }, *const flags[] = { "commit", NULL };
	const char *name = command_word(call, 0, with_value), *choice = command_option(call, "on-duplicate"),
		   *slash;
	struct value *import = NULL;
	int64_t import_id = 0, job_id = 0;
	bool commits = command_flag(call, "commit");
	enum rc rc = command_check(cx, call, flags, with_value);

	if (rc == RC_OK && name == NULL)
		rc = cx_fail(cx, RC_BAD_INPUT,
			     _("Usage: recado renewals import FILE [--commit] [--on-duplicate skip|update]"));
	if (rc != RC_OK) return rc;
	slash = strrchr(name, '/');
	rc = import_start(cx, &import_id, &job_id, fileno(call->in), slash != NULL ? slash + 1 : name);
	if (rc == RC_OK) rc = wait_for(cx, job_id, import_id, &import);
	if (rc == RC_OK && strcmp(value_text_of(value_get(import, "state"), ""), "failed") == 0)
		rc = cx_fail(cx, RC_BAD_INPUT, "%s", value_text_of(value_get(import, "error"), ""));
	if (rc == RC_OK && commits) {
		rc = import_confirm(cx, import_id, choice != NULL ? choice : "skip", &job_id);
		if (rc == RC_OK) rc = wait_for(cx, job_id, import_id, &import);
	}
	if (rc == RC_OK) rc = print_import(cx, call, import_id, import);
	if (rc == RC_OK && !call->is_json && commits)
		fprintf(call->out, _("Taken in: %lld customers, %lld subscriptions.\n"),
			(long long)count_of(import, "clients_new"),
			(long long)count_of(import, "subscriptions_new"));
	else if (rc == RC_OK && !call->is_json)
		fprintf(call->out, "%s\n", _("Nothing was written; say --commit to take it in."));
	if (rc == RC_OK && !commits) rc = import_drop(cx, import_id); /* a look leaves nothing waiting */
	if (rc == RC_OK && count_of(import, "rows_wrong") > 0)
		rc = cx_fail(cx, commits ? RC_PARTLY : RC_BAD_INPUT,
			     _("Some rows are wrong; they are named above."));
	return rc;
}
