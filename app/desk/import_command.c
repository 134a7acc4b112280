/*
** import_command.c -- `recado import RESOURCE FILE`: judge a file, and with --commit take it in.
**
** Needs:  to run in the process that runs jobs, or over its socket.
*/
#include "desk/import.h"

#include "desk/inner.h"
#include <string.h>

#define WAIT_MS     (30 * MINUTE_MS) /* the jobs' own time limit                         */
#define WRONG_SHOWN 20               /* rows a terminal shows; the error file has all     */
#define WRONG_JSON  1000

static const char import_sql[] =
	"SELECT id, public_id AS import_id, resource, file_name, state, error, rows_total, rows_new, rows_update,"
	" rows_same, rows_skipped, rows_wrong, made_json FROM import WHERE id = :id";

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

/* Until the import stands still: a commit that goes back is judged again by another job. */
static enum rc wait_for(struct cx *cx, struct command_call *call, int64_t import_id, struct value **import)
{
	enum rc rc;

	for (;;) {
		struct value *job = NULL;
		int64_t job_id = 0;
		const char *state;

		rc = db_get_int(cx, &job_id, "SELECT job_id FROM import WHERE id = :id",
				PARAMS(P_INT(":id", import_id)));
		if (rc == RC_OK) rc = job_wait_shown(cx, &job, job_id, WAIT_MS, call->err);
		if (rc == RC_OK) rc = db_row(cx, import, import_sql, PARAMS(P_INT(":id", import_id)));
		if (rc != RC_OK) return rc;
		state = text_of(*import, "state");
		if (strcmp(state, "reading") != 0 && strcmp(state, "committing") != 0 &&
		    strcmp(state, "undoing") != 0)
			return RC_OK;
	}
}

enum rc import_run_command(struct cx *cx, struct command_call *call, const struct import_new *n, bool commits,
			   bool good_only, struct value **out)
{
	const char *choice = command_option(call, "on-duplicate");
	int64_t import_id = 0, job_id = 0;
	enum rc rc = import_start(cx, &import_id, &job_id, n);

	if (rc == RC_OK) rc = wait_for(cx, call, import_id, out);
	if (rc == RC_OK && strcmp(text_of(*out, "state"), "failed") == 0)
		rc = cx_fail(cx, RC_BAD_INPUT, "%s", text_of(*out, "error"));
	if (rc != RC_OK) return rc;
	if (commits && (good_only || int_of(*out, "rows_wrong") == 0)) {
		rc = import_confirm(cx, import_id, choice != NULL ? choice : "skip", good_only, &job_id);
		if (rc == RC_OK) rc = wait_for(cx, call, import_id, out);
		if (rc == RC_OK && strcmp(text_of(*out, "state"), "done") != 0)
			rc = cx_fail(cx, RC_CONFLICT, "%s", text_of(*out, "error"));
	} else if (rc == RC_OK) {
		rc = import_drop(cx, import_id); /* a look leaves nothing waiting */
	}
	return rc;
}

enum rc import_print_wrong(struct cx *cx, struct command_call *call, const struct value *import)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT line, reason FROM import_row WHERE import_id = :id AND outcome IN ('wrong', 'refused') ORDER BY line"
		" LIMIT :max",
		PARAMS(P_INT(":id", int_of(import, "id")), P_INT(":max", WRONG_SHOWN)));

	while (rc == RC_OK && query_next(q))
		fprintf(call->out, _("Row %lld: %s\n"), (long long)query_int(q, 0), query_text(q, 1));
	return query_end(q, rc);
}

static enum rc print_json(struct cx *cx, struct command_call *call, struct value *import)
{
	struct value *wrong = NULL;
	struct sb sb;
	enum rc rc = db_rows(
		cx, &wrong, WRONG_JSON,
		"SELECT line, reason FROM import_row WHERE import_id = :id AND outcome = 'wrong' ORDER BY line LIMIT 1000",
		PARAMS(P_INT(":id", int_of(import, "id"))));

	if (rc != RC_OK) return rc;
	value_set(import, "wrong", wrong);
	shape_json(cx, import);
	sb_init_arena(&sb, cx->arena, 16 * 1024 * 1024);
	json_write_pretty(&sb, import);
	fprintf(call->out, "%s\n", sb_text_of(&sb));
	return sb_result(&sb);
}

static void print_made(struct cx *cx, struct command_call *call, const struct resource *r,
		       const struct value *import)
{
	const struct importer *importer = import_importer(r, "");
	const char *json = text_of(import, "made_json");
	struct value *counts = NULL;
	size_t i = 0;

	if (json_parse(cx->arena, &counts, NULL, json, strlen(json)) != RC_OK) return;
	for (const struct value *v = counts->first; v != NULL && importer->counts[i] != NULL;
	     v = v->next, i++)
		fprintf(call->out, "%s: %lld. ", words_get(cx->lang, importer->counts[i]),
			(long long)value_int_of(v, 0));
	fputc('\n', call->out);
}

static enum rc print_import(struct cx *cx, struct command_call *call, const struct resource *r,
			    struct value *import)
{
	if (call->is_json) return print_json(cx, call, import);
	fprintf(call->out,
		_("Rows: %lld. New: %lld. There already, different: %lld. The same: %lld. Left out: %lld. Wrong: %lld.\n"),
		(long long)int_of(import, "rows_total"), (long long)int_of(import, "rows_new"),
		(long long)int_of(import, "rows_update"), (long long)int_of(import, "rows_same"),
		(long long)int_of(import, "rows_skipped"), (long long)int_of(import, "rows_wrong"));
	if (strcmp(text_of(import, "state"), "done") == 0) print_made(cx, call, r, import);
	return import_print_wrong(cx, call, import);
}

static enum rc find_resource(struct cx *cx, const char *name, const struct resource **out)
{
	const char *known = "";

	*out = desk_resource(name);
	if (*out != NULL && import_is_offered(cx, *out)) return RC_OK;
	for (size_t i = 0; desk_resource_at(i) != NULL; i++)
		if (import_is_offered(cx, desk_resource_at(i)))
			known = arena_printf(cx->arena, "%s%s%s", known, known[0] != '\0' ? ", " : "",
					     desk_resource_at(i)->name);
	return cx_fail(cx, RC_BAD_INPUT, _("“%s” cannot be imported; these can: %s."), name, known);
}

static enum rc run_import(struct cx *cx, struct command_call *call)
{
	const char *const with_value[] = { "on-duplicate", "empty", NULL }, *const flags[] = { "commit",
											       "good-only",
											       NULL };
	const char *name = command_word(call, 0, with_value), *file = command_word(call, 1, with_value),
		   *slash;
	bool commits = command_flag(call, "commit");
	struct import_new n = { .importer = "", .fd = fileno(call->in) };
	struct value *import = NULL;
	enum rc rc = command_check(cx, call, flags, with_value);

	if (rc == RC_OK && (name == NULL || file == NULL))
		rc = cx_fail(
			cx, RC_BAD_INPUT,
			_("Usage: recado import RESOURCE FILE [--commit] [--on-duplicate skip|update] [--empty leave|clear] [--good-only]"));
	if (rc == RC_OK) rc = find_resource(cx, name, &n.resource);
	if (rc == RC_OK) rc = import_empty_cells(cx, &n.clears_empty, command_option(call, "empty"));
	if (rc != RC_OK) return rc;
	slash = strrchr(file, '/');
	n.file_name = slash != NULL ? slash + 1 : file;
	rc = import_run_command(cx, call, &n, commits, command_flag(call, "good-only"), &import);
	if (rc == RC_OK) rc = print_import(cx, call, n.resource, import);
	if (rc != RC_OK) return rc;
	if (!call->is_json && strcmp(text_of(import, "state"), "done") != 0)
		fprintf(call->out, "%s\n",
			commits ? _("Nothing was written: mend the wrong rows, or say --good-only to leave them out.")
				: _("Nothing was written; say --commit to take it in."));
	if (int_of(import, "rows_wrong") > 0)
		rc = cx_fail(cx, strcmp(text_of(import, "state"), "done") == 0 ? RC_PARTLY : RC_BAD_INPUT,
			     _("Some rows are wrong; they are named above."));
	return rc;
}

const struct command import_commands[] = {
	{ .name = "import",
	  .usage =
		  "RESOURCE FILE [--commit] [--on-duplicate skip|update] [--empty leave|clear] [--good-only]",
	  .help = N_("Look at a CSV or XLSX file of clients, services…; --commit takes it in."),
	  .needs = COMMAND_HOLDER,
	  .reads_file = true,
	  .file_word = 1,
	  .run = run_import },
	{ .name = NULL },
};
