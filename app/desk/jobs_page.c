/*
** jobs_page.c -- the work of the house: what waits, runs, ended, and running it again.
**
** Needs:  work.h for every change.
*/
#include "desk/outbox_pages.h"
#include "desk/work_pages.h"
#include "desk/inner.h"

#include "base/sentence.h"
#include <string.h>

#define RUNS_SHOWN  50         /* tries of one job, newest first                      */
#define LINES_SHOWN 100        /* the last words of a job; its log has the rest       */
#define WORDS_MAX   (8 * 1024) /* choices of a filter: 200 kinds with their titles  */

const struct column jobs_columns[] = {
	{ .name = "kind",
	  .title = N_("Job"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST,
	  .shown = job_kind_shown },
	{ .name = "state",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .choices = JOB_STATES },
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
	  .sql = "CASE WHEN t.progress_total > 0 THEN t.progress_done || char(160) || '/' || char(160) ||"
		 " t.progress_total ELSE '' END" },
	{ .name = "note",
	  .title = N_("Note"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_KEPT },
	{ .name = "error",
	  .title = N_("Error"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_KEPT },
	{ .name = "is_late", .title = N_("Late"), .type = COLUMN_BOOL, .flags = COL_READONLY },
	{ .name = "queue", .title = N_("Queue"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "schedule",
	  .title = N_("Schedule"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY,
	  .sql = "coalesce((SELECT s.name FROM schedule s WHERE s.id = t.schedule_id), '')",
	  .shown = schedule_name_shown },
	{ .name = "due_at", .title = N_("For the due time"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "priority", .title = N_("Priority"), .type = COLUMN_INT, .flags = COL_READONLY },
	{ .name = "created_by",
	  .title = N_("By"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY,
	  .shown = who_shown },
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

/* Every message that comes in is work of its own: thousands of lines that nobody looks for. Kinds and queues
** are those that run here (desk_work_declare); + before a name: the order of the list decides, not that
** column. */
struct filter jobs_filters[] = {
	{ .name = "which",
	  .title = N_("Which work"),
	  .choices = "usual=Without what comes in|all=All of it",
	  .sql = (const char *const[]){ "t.kind <> 'outbox.inbound'", "1", NULL },
	  .def = "usual" },
	{ .name = "state",
	  .title = N_("State"),
	  .choices = "attention=given up or failed|" JOB_STATES,
	  .sql = (const char *const[]){ "+t.state IN ('dead', 'failed')", "t.state = 'queued'",
					"t.state = 'running'", "t.state = 'done'", "t.state = 'failed'",
					"t.state = 'dead'", "t.state = 'cancelled'", NULL } },
	{ .name = "kind", .title = N_("Job"), .sql = (const char *const[]){ "t.kind = :f_kind", NULL } },
	{ .name = "queue",
	  .title = N_("Queue"),
	  .sql = (const char *const[]){ "+t.queue = :f_queue", NULL } },
	{ .name = "late",
	  .title = N_("Late"),
	  .choices = "yes=ran late or was missed|no=on time",
	  .sql = (const char *const[]){ "t.is_late = 1", "t.is_late = 0", NULL } },
	{ .name = NULL },
};

static bool is_named(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = names; *p != '\0'; p += strcspn(p, "|"), p += *p == '|')
		if (strncmp(p, name, len) == 0 && p[len] == '=') return true;
	return false;
}

static void add_word(struct sb *sb, const char *code, const char *title)
{
	if (is_named(sb_text_of(sb), code)) return;
	if (sb->len > 0) sb_char(sb, '|');
	sb_text(sb, code);
	sb_char(sb, '=');
	sb_text(sb, title);
}

/* One predicate for each choice: every name is one of our own tables' rows. */
static void choose(struct filter *f, struct arena *forever, const char *words, const char *column)
{
	size_t n = 1, i = 0;
	const char **sql;

	for (const char *p = words; *p != '\0'; p++)
		n += *p == '|';
	sql = arena_alloc(forever, (n + 1) * sizeof *sql);
	if (sql == NULL || words[0] == '\0') return;
	for (const char *p = words; *p != '\0' && i < n; p += strcspn(p, "|"), p += *p == '|')
		sql[i++] = arena_printf(forever, "%s = '%.*s'", column, (int)strcspn(p, "="), p);
	sql[i] = NULL;
	f->choices = words;
	f->sql = sql;
}

static const struct job_kind *const *declared; /* set once, before the first request */

void desk_work_declare(struct arena *forever, const struct job_kind *const *tables)
{
	struct sb kinds, queues;

	declared = tables;
	sb_init_arena(&kinds, forever, WORDS_MAX);
	sb_init_arena(&queues, forever, WORDS_MAX);
	for (; tables != NULL && *tables != NULL; tables++)
		for (const struct job_kind *k = *tables; k->name != NULL; k++) {
			add_word(&kinds, k->name, k->title != NULL ? k->title : k->name);
			add_word(&queues, k->queue, k->queue);
		}
	for (struct filter *f = jobs_filters; f->name != NULL; f++) {
		if (strcmp(f->name, "kind") == 0) choose(f, forever, sb_text_of(&kinds), "t.kind");
		if (strcmp(f->name, "queue") == 0) choose(f, forever, sb_text_of(&queues), "+t.queue");
	}
}

const char *queue_work(struct cx *cx, const char *queue)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, WORDS_MAX);
	for (const struct job_kind *const *table = declared; table != NULL && *table != NULL; table++)
		for (const struct job_kind *k = *table; k->name != NULL; k++) {
			if (strcmp(k->queue, queue) != 0 || k->title == NULL) continue;
			if (sb.len > 0) sb_lit(&sb, " · ");
			sb_text(&sb, words_get(cx->lang, k->title));
		}
	return sb_text_of(&sb);
}

static void count_into(struct cx *cx, struct value *list, const char *title, const char *href,
		       const char *sql, const char *mark)
{
	struct value *one;
	int64_t n = 0;

	if (db_get_int(cx, &n, sql, NO_PARAMS) != RC_OK) return;
	one = value_add_map(cx->arena, list);
	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "value",
		       n > 999 ? "999+" : arena_printf(cx->arena, "%lld", (long long)n));
	value_set_text(cx->arena, one, "href", href);
	if (n > 0 && mark != NULL) value_set_text(cx->arena, one, "mark", mark);
}

void jobs_list_extra(struct cx *cx, struct value *page)
{
	struct value *cards = value_set_list(cx->arena, page, "cards");

	count_into(cx, cards, _("Running"), "/jobs?state=running",
		   "SELECT count(*) FROM (SELECT 1 FROM job WHERE state = 'running' LIMIT 1000)", NULL);
	count_into(cx, cards, _("Waiting"), "/jobs?state=queued",
		   "SELECT count(*) FROM (SELECT 1 FROM job WHERE state = 'queued' LIMIT 1000)", NULL);
	count_into(cx, cards, _("Given up or failed"), "/jobs?state=attention",
		   "SELECT count(*) FROM (SELECT 1 FROM job WHERE state IN ('dead', 'failed') LIMIT 1000)",
		   "error");
}

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

/* call is NULL when a bulk action is so large that a job does it. */
static enum rc discard_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	const char *reason = call != NULL ? form_text(call, "reason") : NULL;
	const char *who = cx->actor.name != NULL ? cx->actor.name : "";
	enum rc rc = job_discard(
		cx, id,
		reason != NULL && reason[0] != '\0'
			? sentence_keep(cx->arena, cx->lang, _("Discarded by %s: %s"), who, reason)
			: sentence_keep(cx->arena, cx->lang, _("Discarded by %s."), who));

	if (rc == RC_OK) *done = _("Discarded; it stays in the list as cancelled.");
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
	{ .name = "discard",
	  .title = N_("Discard"),
	  .right = "jobs.edit",
	  .confirm = N_("Give this work up for good? It will not be tried again."),
	  .is_bulk = true,
	  .is_dangerous = true,
	  .when = "t.state IN ('failed', 'dead')",
	  .page = "/jobs/:id/discard",
	  .takes = reason_takes,
	  .run = discard_run },
	{ .name = NULL },
};

/* {done, total, text, is_over} of a job: what the bar of web/progress asks for. */
static enum rc progress_of(struct cx *cx, int64_t id, struct value *out)
{
	struct value *row = NULL;
	const char *state, *text;
	enum rc rc = job_show(cx, &row, id);

	if (rc != RC_OK) return rc;
	state = value_text_of(value_get(row, "state"), "");
	text = job_progress_text(cx, row);
	value_set_int(cx->arena, out, "done", value_int_of(value_get(row, "progress_done"), 0));
	value_set_int(cx->arena, out, "total", value_int_of(value_get(row, "progress_total"), 0));
	value_set_text(cx->arena, out, "text",
		       text[0] != '\0' ? text : value_text_of(value_get(row, "note"), ""));
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

/* What made it: its schedule, or who. */
static void show_origin(struct cx *cx, int64_t id, struct value *page)
{
	struct value *row = NULL, *out;
	const char *name;

	if (db_row(cx, &row,
		   "SELECT s.id, s.name FROM job j JOIN schedule s ON s.id = j.schedule_id WHERE j.id = :id",
		   PARAMS(P_INT(":id", id))) != RC_OK)
		return;
	name = value_text_of(value_get(row, "name"), "");
	out = value_map(cx->arena);
	value_set_text(cx->arena, out, "name", schedule_name_shown(cx, name));
	value_set_text(
		cx->arena, out, "href",
		arena_printf(cx->arena, "/schedules/%lld", (long long)value_int_of(value_get(row, "id"), 0)));
	value_set(page, "made_by", out);
}

static void show_lines(struct cx *cx, int64_t id, struct value *page)
{
	struct value *rows = NULL;
	int64_t n = 0;

	if (db_get_int(cx, &n, "SELECT count(*) FROM job_line WHERE job_id = :id",
		       PARAMS(P_INT(":id", id))) != RC_OK ||
	    n == 0)
		return;
	if (db_rows(cx, &rows, LINES_SHOWN,
		    "SELECT at, level, text FROM (SELECT id, at, level, text FROM job_line WHERE job_id = :id "
		    "ORDER BY id DESC LIMIT :max) ORDER BY id",
		    PARAMS(P_INT(":id", id), P_INT(":max", LINES_SHOWN))) != RC_OK)
		return;
	job_words(cx, rows, "text");
	for (struct value *line = rows->first; line != NULL; line = line->next) {
		const char *level = value_text_of(value_get(line, "level"), "");
		char at[RFC3339_SIZE];

		instant_text_local(at, value_int_of(value_get(line, "at"), 0), cx->env->zone);
		value_set_text(cx->arena, line, "at", at);
		value_set_bool(cx->arena, line, "is_warning", strcmp(level, "warning") == 0);
		value_set_bool(cx->arena, line, "is_error", strcmp(level, "error") == 0);
	}
	value_set(page, "lines", rows);
	value_set_bool(cx->arena, page, "has_lines", true);
	value_set_text(cx->arena, page, "log_href", arena_printf(cx->arena, "/jobs/%lld/log", (long long)id));
	if (n > LINES_SHOWN) value_set_int(cx->arena, page, "lines_in_all", n);
}

/* The error stands beside it; here only whether it went well. */
static const char *outcome_words(struct cx *cx, const char *outcome)
{
	if (outcome[0] == '\0') return _("running");
	if (strcmp(outcome, rc_row(RC_OK)->name) == 0) return _("done");
	if (strcmp(outcome, "stopped") == 0 || strcmp(outcome, "interrupted") == 0) return _("interrupted");
	return _("failed");
}

void jobs_show(struct cx *cx, int64_t id, struct value *page)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, page, "runs");

	show_progress(cx, id, page);
	show_origin(cx, id, page);
	show_lines(cx, id, page);

	if (db_rows(cx, &rows, RUNS_SHOWN,
		    "SELECT attempt, started_at, finished_at, outcome, error FROM job_run WHERE job_id = :id"
		    " ORDER BY id DESC LIMIT :max",
		    PARAMS(P_INT(":id", id), P_INT(":max", RUNS_SHOWN))) != RC_OK)
		return;
	job_words(cx, rows, "error");
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
		value_set_text(cx->arena, out, "outcome",
			       outcome_words(cx, value_text_of(value_get(v, "outcome"), "")));
		value_set_text(cx->arena, out, "error", value_text_of(value_get(v, "error"), ""));
	}
	value_set_bool(cx->arena, page, "has_runs", list->count > 0);
}
