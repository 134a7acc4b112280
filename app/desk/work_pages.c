/*
** work_pages.c -- what stands around jobs and schedules: queues, a job's log, the questions before pausing a
** schedule and discarding a job, the card of the home page.
**
** Needs:  work.h for every figure and change.
** Holds:  what waits for a person's decision (given up, failed, asked about) is counted on the home page and
**         in the menu.
*/
#include "desk/work_pages.h"
#include "desk/inner.h"

#include <string.h>

#define GIVEN_UP_MAX 100 /* more is "99+" in the menu */

const char *job_state_title(const char *state)
{
	static const char *const titles[][2] = {
		{ "queued", N_("waiting") }, { "running", N_("running") }, { "done", N_("done") },
		{ "failed", N_("failed") },  { "dead", N_("given up") },   { "cancelled", N_("cancelled") },
	};

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (strcmp(titles[i][0], state) == 0) return titles[i][1];
	return state;
}

int64_t work_given_up(struct cx *cx)
{
	int64_t n = 0;

	if (!actor_may(&cx->actor, "jobs.view")) return 0;
	if (db_get_int(
		    cx, &n,
		    "SELECT count(*) FROM (SELECT 1 FROM job WHERE state IN ('dead', 'failed') LIMIT :max)",
		    PARAMS(P_INT(":max", GIVEN_UP_MAX))) != RC_OK)
		return 0;
	return n;
}

/* Queues */

static const struct answer_column queue_columns[] = {
	{ "queue", N_("Queue") },
	{ "limit", N_("Limit") },
	{ "limit_usual", N_("Usual limit") },
	{ "running", N_("Running") },
	{ "waiting", N_("Waiting") },
	{ "oldest_due_at", N_("Oldest due") },
	{ .name = NULL },
};

static enum rc queue_rows(struct cx *cx, struct value *rows)
{
	struct queue_figures figures[QUEUES_SHOWN_MAX];
	size_t count = 0;
	enum rc rc = queues_show(cx, figures, &count);

	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		struct value *row = value_add_map(cx->arena, rows);

		value_set_text(cx->arena, row, "queue", figures[i].name);
		value_set_int(cx->arena, row, "limit", figures[i].limit);
		value_set_int(cx->arena, row, "limit_usual", figures[i].usual);
		value_set_int(cx->arena, row, "running", figures[i].running);
		value_set_int(cx->arena, row, "waiting", figures[i].waiting);
		if (figures[i].oldest_due_at != 0)
			value_set_int(cx->arena, row, "oldest_due_at", figures[i].oldest_due_at);
		else
			value_set_null(cx->arena, row, "oldest_due_at");
	}
	return rc;
}

static enum rc handle_queues(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *rows = value_set_list(cx->arena, page, "rows");
	enum rc rc = queue_rows(cx, rows);

	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) return answer_rows(cx, call, "queues", queue_columns, rows);
	for (struct value *row = rows->first; row != NULL; row = row->next) {
		const char *name = value_text_of(value_get(row, "queue"), "");

		value_set_text(cx->arena, row, "work", queue_work(cx, name));
		value_set_bool(cx->arena, row, "is_set",
			       value_int_of(value_get(row, "limit"), 0) !=
				       value_int_of(value_get(row, "limit_usual"), 0));
		value_set_text(cx->arena, row, "running_href",
			       arena_printf(cx->arena, "/jobs?which=all&queue=%s&state=running", name));
		value_set_text(cx->arena, row, "waiting_href",
			       arena_printf(cx->arena, "/jobs?which=all&queue=%s&state=queued", name));
	}
	shape_page(cx, rows);
	value_set_bool(cx->arena, page, "may_set", actor_may(&cx->actor, "settings.edit"));
	page_answer(cx, call, "desk/queues", _("Queues"), page);
	return RC_OK;
}

/* A job's log */

static const struct answer_column log_columns[] = {
	{ "said_at", N_("When") },
	{ "level", N_("Level") },
	{ "text", N_("What it said") },
	{ .name = NULL },
};

static enum rc handle_job_log(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *rows = NULL;
	const struct office *o = office_find("jobs");
	struct value *row = NULL;
	const char *name;
	int64_t id = 0;
	enum rc rc = desk_find(cx, &id, desk_resource("jobs"), call_param(call, "id"));

	if (rc == RC_OK)
		rc = db_rows(cx, &rows, JOB_LINES_MAX,
			     "SELECT at AS said_at, level, text FROM job_line WHERE job_id = :id ORDER BY id",
			     PARAMS(P_INT(":id", id)));
	if (rc == RC_OK) rc = row_of(cx, o, id, SELECT_NAME, true, &row);
	if (rc != RC_OK) return rc;
	job_words(cx, rows, "text");
	if (call_shape(call) != SHAPE_PAGE)
		return answer_rows(cx, call, arena_printf(cx->arena, "job-%lld", (long long)id), log_columns,
				   rows);
	for (struct value *line = rows->first; line != NULL; line = line->next) {
		char at[RFC3339_SIZE];
		const char *level = value_text_of(value_get(line, "level"), "");

		instant_text_local(at, value_int_of(value_get(line, "said_at"), 0), cx->env->zone);
		value_set_text(cx->arena, line, "at", at);
		value_set_bool(cx->arena, line, "is_warning", strcmp(level, "warning") == 0);
		value_set_bool(cx->arena, line, "is_error", strcmp(level, "error") == 0);
	}
	name = row_name(cx, o, row);
	trail_add(cx, page, words_get(cx->lang, o->r->title), "/jobs");
	trail_add(cx, page, name, row_path(cx, o, row));
	value_set(page, "lines", rows);
	value_set_bool(cx->arena, page, "has_lines", rows->count > 0);
	page_answer(cx, call, "desk/job_log", arena_printf(cx->arena, _("Log: %s"), name), page);
	return RC_OK;
}

/* Questions with a reason */

static enum rc ask_reason(struct cx *cx, struct call *call, const char *resource, const char *title,
			  const char *question, const char *yes)
{
	struct value *page = value_map(cx->arena), *row = NULL;
	const struct office *o = office_find(resource);
	const char *path;
	int64_t id = 0;
	enum rc rc = desk_find(cx, &id, desk_resource(resource), call_param(call, "id"));

	if (rc == RC_OK) rc = row_of(cx, o, id, SELECT_NAME, true, &row);
	if (rc != RC_OK) return rc;
	path = row_path(cx, o, row);
	trail_add(cx, page, words_get(cx->lang, o->r->title), arena_printf(cx->arena, "/%s", resource));
	trail_add(cx, page, row_name(cx, o, row), path);
	value_set_text(cx->arena, page, "what", row_name(cx, o, row));
	value_set_text(cx->arena, page, "question", question);
	value_set_text(cx->arena, page, "yes", yes);
	value_set_text(cx->arena, page, "form_action", call_path(call));
	value_set_text(cx->arena, page, "back", path);
	page_answer(cx, call, "desk/reason", title, page);
	return RC_OK;
}

static enum rc handle_pause_ask(struct cx *cx, struct call *call)
{
	return ask_reason(
		cx, call, "schedules", _("Pause the schedule"),
		_("While it is paused none of its times counts, and none is made up for afterwards."),
		_("Pause"));
}

static enum rc handle_discard_ask(struct cx *cx, struct call *call)
{
	return ask_reason(cx, call, "jobs", _("Discard the work"),
			  _("It will not be tried again; it stays in the list as cancelled."), _("Discard"));
}

/* The home page */

static void add_figure(struct cx *cx, struct value *list, const char *title, int64_t n, const char *href,
		       const char *mark)
{
	struct value *one = value_add_map(cx->arena, list);

	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "value",
		       n >= GIVEN_UP_MAX ? "99+" : arena_printf(cx->arena, "%lld", (long long)n));
	value_set_text(cx->arena, one, "href", href);
	if (n > 0 && mark != NULL) value_set_text(cx->arena, one, "mark", mark);
}

static void fill_work(struct cx *cx, struct value *card)
{
	struct value *list = value_set_list(cx->arena, card, "figures");
	int64_t running = 0, asked = 0;
	instant next = 0;
	enum rc rc = db_get_int(cx, &running,
				"SELECT count(*) FROM (SELECT 1 FROM job WHERE state = 'running' LIMIT 100)",
				NO_PARAMS);

	if (rc == RC_OK) rc = schedules_asked(cx, &asked);
	if (rc == RC_OK)
		rc = db_get_int(
			cx, &next,
			"SELECT coalesce(min(next_due_at), 0) FROM schedule WHERE next_due_at IS NOT NULL",
			NO_PARAMS);
	if (rc != RC_OK) return;
	add_figure(cx, list, _("Given up or failed"), work_given_up(cx), "/jobs?state=attention", "error");
	if (asked > 0) add_figure(cx, list, _("Missed, asks you"), asked, "/schedules?show=asks", "warn");
	add_figure(cx, list, _("Running"), running, "/jobs?state=running", NULL);
	if (next != 0) {
		struct value *one = value_add_map(cx->arena, list);
		char at[RFC3339_SIZE];

		instant_text_local(at, next, cx->env->zone);
		value_set_text(cx->arena, one, "title", _("Next by itself"));
		value_set_text(cx->arena, one, "value", strlen(at) > 11 ? at + 11 : at);
		value_set_text(cx->arena, one, "note", at);
		value_set_text(cx->arena, one, "href", "/schedules");
	}
}

const struct figure desk_work_figures[] = {
	{ .name = "work",
	  .title = N_("Work"),
	  .right = "jobs.view",
	  .template = "desk/card_work",
	  .fill = fill_work },
	{ .name = NULL },
};

const struct fact reason_takes[] = {
	{ .name = "reason", .type = FACT_TEXT, .max = 200, .help = N_("Why; stays in the history.") },
	{ .name = NULL },
};
static const struct fact queues_gives[] = {
	{ .name = "data",
	  .type = FACT_MAPS,
	  .is_needed = true,
	  .help = N_("Each queue, its limit and what waits.") },
	{ .name = NULL },
};
static const struct fact log_gives[] = {
	{ .name = "data",
	  .type = FACT_MAPS,
	  .is_needed = true,
	  .help = N_("What the job said, oldest first.") },
	{ .name = NULL },
};

const struct route desk_work_routes[] = {
	{ .method = "GET",
	  .path = "/queues",
	  .realm = REALM_STAFF,
	  .right = "jobs.view",
	  .class = ROUTE_DB,
	  .menu = N_("Queues"),
	  .help = N_("How much runs at once, and what waits"),
	  .gives = queues_gives,
	  .handle = handle_queues },
	{ .method = "GET",
	  .path = "/jobs/:id/log",
	  .realm = REALM_STAFF,
	  .right = "jobs.view",
	  .class = ROUTE_DB,
	  .help = N_("What a job said while it ran"),
	  .gives = log_gives,
	  .handle = handle_job_log },
	{ .method = "GET",
	  .path = "/jobs/:id/discard",
	  .realm = REALM_STAFF,
	  .right = "jobs.edit",
	  .class = ROUTE_DB,
	  .help = N_("Why the work is discarded"),
	  .no_api = true,
	  .handle = handle_discard_ask },
	{ .method = "GET",
	  .path = "/schedules/:id/pause",
	  .realm = REALM_STAFF,
	  .right = "jobs.edit",
	  .class = ROUTE_DB,
	  .help = N_("Why the schedule is paused"),
	  .no_api = true,
	  .handle = handle_pause_ask },
	{ .method = NULL },
};
