/*
** jobs_page.c -- the work of the house: what waits, runs, ended, and running it again.
**
** Needs:  work.h for every change.
*/
#include "desk/inner.h"

#include <string.h>

#define RUNS_SHOWN 50 /* tries of one job, newest first */

const struct column jobs_columns[] = {
	{ .name = "kind",
	  .title = N_("Work"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST,
	  .shown = job_kind_shown },
	{ .name = "state",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .choices =
		  "queued=waiting|running=running|done=done|failed=failed|dead=given up|cancelled=cancelled" },
	{ .name = "run_at", .title = N_("Due"), .type = COLUMN_INSTANT, .flags = COL_READONLY | COL_LIST },
	{ .name = "attempts", .title = N_("Attempts"), .type = COLUMN_INT, .flags = COL_READONLY },
	{ .name = "progress_done",
	  .title = N_("Done so far"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_API },
	{ .name = "progress_total", .title = N_("Of"), .type = COLUMN_INT, .flags = COL_READONLY | COL_API },
	{ .name = "progress",
	  .title = N_("Progress"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_PAGE,
	  .sql = "CASE WHEN t.progress_total > 0 THEN t.progress_done || ' / ' || t.progress_total"
		 " ELSE '' END" },
	{ .name = "note", .title = N_("Note"), .type = COLUMN_TEXT, .flags = COL_READONLY | COL_LIST },
	{ .name = "error",
	  .title = N_("Error"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_WORDS },
	{ .name = "is_late", .title = N_("Late"), .type = COLUMN_BOOL, .flags = COL_READONLY },
	{ .name = "queue", .title = N_("Queue"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "priority", .title = N_("Priority"), .type = COLUMN_INT, .flags = COL_READONLY },
	{ .name = "created_by", .title = N_("By"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "created_at", .title = N_("Made"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "heartbeat_at",
	  .title = N_("Last sign of life"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY },
	{ .name = "finished_at",
	  .title = N_("Ended"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = NULL },
};

const struct sort jobs_sorts[] = {
	{ .name = "id", .title = N_("Newest"), .sql = "t.id", .is_down = true },
	{ .name = NULL },
};

const char *job_kind_shown(struct cx *cx, const char *stored)
{
	return words_get(cx->lang, work_kind_title(stored));
}

/* Every message that comes in is work of its own: thousands of lines that nobody looks for. The words are
** those of the index job_shown. */
const struct filter jobs_filters[] = {
	{ .name = "which",
	  .title = N_("Which work"),
	  .choices = "usual=Without what comes in|all=All of it",
	  .sql = (const char *const[]){ "t.kind <> 'outbox.inbound'", "1", NULL },
	  .def = "usual" },
	{ .name = "state",
	  .title = N_("State"),
	  .choices =
		  "queued=waiting|running=running|done=done|failed=failed|dead=given up|cancelled=cancelled",
	  .sql = (const char *const[]){ "t.state = 'queued'", "t.state = 'running'", "t.state = 'done'",
					"t.state = 'failed'", "t.state = 'dead'", "t.state = 'cancelled'",
					NULL } },
	{ .name = NULL },
};

static enum rc cancel_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = tx_begin(cx);

	(void)call;
	if (rc != RC_OK) return rc;
	rc = tx_end(cx, job_cancel(cx, id));
	if (rc == RC_OK) *done = _("Cancelled; if it was running it stops at its next safe place.");
	return rc;
}

static enum rc again_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = tx_begin(cx);

	(void)call;
	if (rc != RC_OK) return rc;
	rc = tx_end(cx, job_run_again(cx, id));
	if (rc == RC_OK) *done = _("It runs again.");
	return rc;
}

const struct action jobs_actions[] = {
	{ .name = "cancel",
	  .title = N_("Cancel"),
	  .right = "jobs.edit",
	  .confirm = N_("Cancel this work?"),
	  .is_bulk = true,
	  .is_dangerous = true,
	  .when = "t.state IN ('queued', 'running')",
	  .run = cancel_run },
	{ .name = "again",
	  .title = N_("Run again"),
	  .right = "jobs.edit",
	  .is_bulk = true,
	  .when = "t.state IN ('failed', 'dead', 'cancelled', 'done')",
	  .run = again_run },
	{ .name = NULL },
};

/* {done, total, text, is_over} of a job: what the bar of web/progress asks for. */
static enum rc progress_of(struct cx *cx, int64_t id, struct value *out)
{
	struct value *row = NULL;
	const char *state;
	int64_t done, total;
	enum rc rc =
		db_row(cx, &row, "SELECT state, progress_done, progress_total, note FROM job WHERE id = :id",
		       PARAMS(P_INT(":id", id)));

	if (rc != RC_OK) return rc;
	state = value_text_of(value_get(row, "state"), "");
	done = value_int_of(value_get(row, "progress_done"), 0);
	total = value_int_of(value_get(row, "progress_total"), 0);
	value_set_int(cx->arena, out, "done", done);
	value_set_int(cx->arena, out, "total", total);
	value_set_text(cx->arena, out, "text",
		       total > 0
			       ? arena_printf(cx->arena, _("%lld of %lld"), (long long)done, (long long)total)
			       : value_text_of(value_get(row, "note"), ""));
	value_set_bool(cx->arena, out, "is_over",
		       strcmp(state, "queued") != 0 && strcmp(state, "running") != 0);
	return RC_OK;
}

enum rc handle_job_progress(struct cx *cx, struct call *call)
{
	struct value *out = value_map(cx->arena);
	int64_t id = 0;
	enum rc rc = desk_find(cx, &id, desk_resource("jobs"), call_param(call, "id"));

	if (rc == RC_OK) rc = progress_of(cx, id, out);
	if (rc == RC_OK) answer_json(cx, call, 200, out);
	return rc;
}

static void show_progress(struct cx *cx, int64_t id, struct value *page)
{
	struct value *bar = value_map(cx->arena);

	if (progress_of(cx, id, bar) != RC_OK || value_bool_of(value_get(bar, "is_over"), true)) return;
	value_set_text(cx->arena, bar, "poll", arena_printf(cx->arena, "/jobs/%lld/progress", (long long)id));
	value_set(page, "progress", bar);
}

void jobs_show(struct cx *cx, int64_t id, struct value *page)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, page, "runs");

	show_progress(cx, id, page);

	if (db_rows(cx, &rows, RUNS_SHOWN,
		    "SELECT attempt, started_at, finished_at, outcome, error FROM job_run WHERE job_id = :id"
		    " ORDER BY id DESC LIMIT :max",
		    PARAMS(P_INT(":id", id), P_INT(":max", RUNS_SHOWN))) != RC_OK)
		return;
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *out = value_add_map(cx->arena, list);
		int64_t end = value_int_of(value_get(v, "finished_at"), 0);
		char at[RFC3339_SIZE];

		value_set_int(cx->arena, out, "attempt", value_int_of(value_get(v, "attempt"), 0));
		instant_text_local(at, value_int_of(value_get(v, "started_at"), 0), cx->env->zone);
		value_set_text(cx->arena, out, "started", at);
		if (end != 0) {
			instant_text_local(at, end, cx->env->zone);
			value_set_text(cx->arena, out, "finished", at);
		}
		value_set_text(cx->arena, out, "outcome", value_text_of(value_get(v, "outcome"), ""));
		value_set_text(cx->arena, out, "error", value_text_of(value_get(v, "error"), ""));
	}
	value_set_bool(cx->arena, page, "has_runs", list->count > 0);
}
