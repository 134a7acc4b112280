/*
** page_runs.c -- what the runs did: the list of runs, calls from outside beside it; the help
** page for an outside scheduler.
**
** Holds:  (1) a run's counts are made from its messages at the moment of asking; (2) the token for the
**         outside scheduler is shown once, when it is made.
*/
#include "desk/settings.h"
#include "renewals/resources.h"
#include <string.h>

#define RUNS_SHOWN  20 /* each is counted: a page within a tenth of a second */
#define CALLS_SHOWN 50 /* newest calls from outside; 90 days are kept */

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

/* ---- runs ---- */

static const struct {
	const char *code, *words;
} origins[] = { { "auto", N_("Automatic") },
		{ "manual", N_("By hand") },
		{ "cron", N_("External call") },
		{ "command", N_("Command line") },
		{ "catchup", N_("Catching up") } };

static const char *origin_shown(struct cx *cx, const char *code)
{
	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++)
		if (strcmp(origins[i].code, code) == 0) return words_get(cx->lang, origins[i].words);
	return code;
}

static enum rc fill_run(struct cx *cx, struct value *run)
{
	struct value *report = NULL;
	const struct value *results;
	int64_t found = 0, failed = 0, skipped = 0, queued = 0, unsure = 0;
	enum rc rc = report_of_batch(cx, &report, int_of(run, "id"), cx->lang);

	if (rc != RC_OK) return rc;
	results = value_get(report, "results");
	for (const struct value *r = results->first; r != NULL; r = r->next) {
		found += int_of(r, "found");
		failed += int_of(r, "failed");
		skipped += int_of(r, "skipped");
		queued += int_of(r, "queued");
		unsure += int_of(r, "unsure");
	}
	value_set_int(cx->arena, run, "total_found", found);
	value_set_int(cx->arena, run, "total_sent", int_of(report, "total_sent"));
	value_set_int(cx->arena, run, "total_failed", failed);
	value_set_int(cx->arena, run, "total_skipped", skipped);
	value_set_int(cx->arena, run, "total_queued", queued);
	value_set_int(cx->arena, run, "total_unsure", unsure);
	value_set_bool(cx->arena, run, "has_failed", failed > 0);
	value_set_bool(cx->arena, run, "has_unsure", unsure > 0);
	value_set_int(cx->arena, run, "caught_up", int_of(report, "caught_up"));
	value_set(run, "results", (struct value *)(uintptr_t)results); /* taken out of the report: last */
	value_set_text(cx->arena, run, "origin_shown", origin_shown(cx, text_of(run, "origin")));
	value_set_text(cx->arena, run, "href",
		       arena_printf(cx->arena, "/batches/%s", text_of(run, "public_id")));
	value_set_bool(cx->arena, run, "is_cancelled", strcmp(text_of(run, "state"), "cancelled") == 0);
	return RC_OK;
}

static const char runs_sql[] =
	"SELECT b.id, b.public_id, b.local_on, b.origin, b.state, b.created_at, b.planned_at,"
	" (SELECT max(m.sent_at) FROM message m WHERE m.batch_id = b.id) AS last_sent_at"
	" FROM batch b WHERE b.kind = 'renewals.notices' AND (:before = 0 OR b.id < :before) ORDER BY b.id DESC LIMIT :limit";

static enum rc fill_runs(struct cx *cx, struct call *call, struct value *page)
{
	const char *before = call_query(call, "before");
	struct value *rows = NULL, last = { .type = VALUE_TEXT, .text = before != NULL ? before : "0" };
	enum rc rc;

	last.len = strlen(last.text);
	rc = db_rows(cx, &rows, RUNS_SHOWN, runs_sql,
		     PARAMS(P_INT(":before", value_int_of(&last, 0)), P_INT(":limit", RUNS_SHOWN)));
	for (struct value *r = rc == RC_OK ? rows->first : NULL; r != NULL && rc == RC_OK; r = r->next)
		rc = fill_run(cx, r);
	if (rc != RC_OK) return rc;
	if (rows->count == RUNS_SHOWN)
		value_set_text(cx->arena, page, "older",
			       arena_printf(cx->arena, "/renewals/runs?before=%lld",
					    (long long)int_of(rows->last, "id")));
	value_set_bool(cx->arena, page, "has_runs", rows->count > 0);
	value_set(page, "runs", rows);
	return RC_OK;
}

static enum rc fill_calls(struct cx *cx, struct value *page)
{
	struct value *rows = NULL;
	enum rc rc = db_rows(
		cx, &rows, CALLS_SHOWN,
		"SELECT k.at AS called_at, k.address, k.status, k.duration_ms, k.count, b.public_id AS run_id"
		" FROM cron_call k LEFT JOIN batch b ON b.id = k.batch_id ORDER BY k.at DESC, k.id DESC LIMIT 50",
		NO_PARAMS);

	if (rc != RC_OK) return rc;
	for (struct value *r = rows->first; r != NULL; r = r->next) {
		int64_t status = int_of(r, "status");

		value_set_text(cx->arena, r, "mark",
			       status < 300                     ? "ok"
			       : status == 409 || status == 429 ? "warn"
								: "error");
		value_set_bool(cx->arena, r, "is_many", int_of(r, "count") > 1);
	}
	value_set(page, "calls", rows);
	value_set_bool(cx->arena, page, "has_calls", rows->count > 0);
	return RC_OK;
}

/* When the schedule starts the next run, "" if it is off. */
static const char *next_run(struct cx *cx)
{
	int64_t at = 0;
	char text[RFC3339_SIZE];

	if (db_get_int(
		    cx, &at,
		    "SELECT coalesce(next_due_at, 0) FROM schedule WHERE name = 'renewals.daily' AND is_enabled = 1",
		    NO_PARAMS) != RC_OK ||
	    at == 0)
		return "";
	instant_text_local(text, at, cx->env->zone);
	return arena_text(cx->arena, text);
}

enum rc handle_runs(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena);
	enum rc rc = fill_runs(cx, call, page);

	if (rc == RC_OK) rc = fill_calls(cx, page);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_JSON) {
		shape_json(cx, page);
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	shape_page(cx, (struct value *)(uintptr_t)value_get(page, "runs"));
	shape_page(cx, (struct value *)(uintptr_t)value_get(page, "calls"));
	value_set_text(cx->arena, page, "next_run", next_run(cx));
	value_set_bool(cx->arena, page, "is_off", !setting_bool(cx->env->settings, "renewals.notices"));
	value_set_bool(cx->arena, page, "may_run", actor_may(&cx->actor, "renewals.run"));
	value_set_text(cx->arena, page, "title", _("Runs"));
	answer_page(cx, call, "renewals/runs", text_of(page, "title"), page);
	return RC_OK;
}

enum rc handle_run_now(struct cx *cx, struct call *call)
{
	struct plan_options o = {
		.date = cx_today(cx), .origin = "auto", .batch_origin = "manual", .is_whole = true
	};
	struct value *out;
	int64_t job = 0;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	o.stage_count = plan_stages_default(cx, o.stages);
	rc = plan_start(cx, &job, &o);
	if (rc == RC_CONFLICT) rc = cx_fail(cx, rc, _("A run is already under way; wait for it to end."));
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE) {
		answer_flash(cx, call, "/renewals/runs",
			     _("The run has started; who got today's notice already gets no second one."));
		return RC_OK;
	}
	out = value_map(cx->arena);
	value_set_bool(cx->arena, out, "success", true);
	value_set_text(cx->arena, out, "run_id", arena_printf(cx->arena, "job-%lld", (long long)job));
	answer_json(cx, call, 202, out);
	return RC_OK;
}

/* ---- help for an outside scheduler ---- */

static enum rc cron_page(struct cx *cx, struct call *call, const char *token)
{
	struct value *page = value_map(cx->arena);
	const char *url = setting_text(cx->env->settings, "web.public_url");
	int64_t minute = setting_int(cx->env->settings, "renewals.time");

	value_set_text(cx->arena, page, "title", _("Outside scheduler (cron-job.org)"));
	page_trail(cx, page, _("Runs"), "/renewals/runs");
	value_set_text(cx->arena, page, "address",
		       arena_printf(cx->arena, "%s/cron/notifications/", url[0] != '\0' ? url : "https://…"));
	value_set_bool(cx->arena, page, "has_no_url", url[0] == '\0');
	value_set_text(cx->arena, page, "hour",
		       arena_printf(cx->arena, "%02d:%02d", (int)(minute / 60), (int)(minute % 60)));
	value_set_text(cx->arena, page, "zone", zone_name(cx->env->zone));
	value_set_bool(cx->arena, page, "is_set",
		       setting_text(cx->env->settings, "renewals.cron_token")[0] != '\0');
	value_set_bool(cx->arena, page, "may_make", actor_may(&cx->actor, "renewals.cron"));
	if (token != NULL) value_set_text(cx->arena, page, "token", token);
	answer_page(cx, call, "renewals/cron_help", text_of(page, "title"), page);
	return RC_OK;
}

enum rc handle_cron_help(struct cx *cx, struct call *call)
{
	return call_shape(call) == SHAPE_PAGE ? cron_page(cx, call, NULL) : RC_NOT_FOUND;
}

enum rc handle_cron_token(struct cx *cx, struct call *call)
{
	char token[TOKEN_SIZE];
	struct setting_change change = { .name = "renewals.cron_token", .value = token };
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) return RC_NOT_FOUND;
	token_new(token);
	rc = settings_save(cx, &(struct settings_order){ .changes = &change, .count = 1 }, NULL);
	if (rc != RC_OK) return rc;
	log_event(LOG_INFO, "security", "renewals.cron_token", "by=%s", cx->actor.name);
	return cron_page(cx, call, token);
}
