/*
** forecast.c -- what would leave in the coming days, as the real planners would have it: its door in the
** panel, its job and its command.
**
** Owns:   the rows below.
** Holds:  (1) looking at a forecast changes nothing; (2) what does not fit in a click is counted by a job,
**         one at a time, and kept until the next one.
*/
#include "ops/forecast.h"
#include "files/files.h"
#include "outbox/channel.h"
#include "outbox/window.h"
#include "ops/cmd.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOB_LIMIT_S 120 /* twice what the counting itself may take */
#define LISTED_MAX  200 /* lines that a terminal shows; the files have all */
#define COPY_BYTES  ((size_t)64 * 1024)

enum rc forecast_days(struct cx *cx, int *out, const char *text)
{
	char *end = NULL;
	long n;

	*out = FORECAST_DAYS;
	if (text == NULL || text[0] == '\0') return RC_OK;
	n = strtol(text, &end, 10);
	if (*end != '\0' || text[0] < '0' || text[0] > '9' || n < 1 || n > FORECAST_DAYS_MAX)
		return cx_fail_field(cx, "days", _("“%s” is not a number of days from 1 to %d."), text,
				     FORECAST_DAYS_MAX);
	*out = (int)n;
	return RC_OK;
}

/* Notes */

static void note(struct cx *cx, struct value *list, const char *text)
{
	value_set_text(cx->arena, value_add_map(cx->arena, list), "text", text);
}

static enum rc note_schedules(struct cx *cx, struct value *list)
{
	const struct planner *p;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && (p = forecast_planner(i)) != NULL; i++) {
		const char *why = p->why_none != NULL ? p->why_none(cx) : "",
			   *title = words_get(cx->lang, p->title);
		int64_t is_on = 0;

		if (why[0] != '\0') note(cx, list, why);
		if (p->name[0] == '\0') continue;
		rc = db_get_int(cx, &is_on, "SELECT is_enabled FROM schedule WHERE name = :name",
				PARAMS(P_TEXT(":name", p->name)));
		if (rc == RC_NOT_FOUND)
			note(cx, list,
			     arena_printf(cx->arena, _("%s: not planned yet; start the server once."),
					  title));
		else if (rc == RC_OK && is_on == 0)
			note(cx, list,
			     arena_printf(cx->arena, _("%s: paused, so nothing of it would leave."), title));
		if (rc == RC_NOT_FOUND) rc = RC_OK;
	}
	return rc;
}

static enum rc note_channels(struct cx *cx, struct value *list)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q, "SELECT name FROM channel_account WHERE state = 'stopped' AND archived_at IS NULL",
		NO_PARAMS);

	while (rc == RC_OK && query_next(q)) {
		const struct channel *channel = channel_find(query_text(q, 0));

		note(cx, list,
		     arena_printf(cx->arena,
				  _("The channel %s is stopped: nothing leaves until it is opened."),
				  channel != NULL ? words_get(cx->lang, channel->title) : query_text(q, 0)));
	}
	return query_end(q, rc);
}

/* Runs at an hour at which nothing may leave: their messages wait, and some would be out of date by then. */
static void note_hours(struct cx *cx, struct value *list, const struct forecast *f)
{
	int64_t from = setting_int(cx->env->settings, "outbox.window_from"),
		to = setting_int(cx->env->settings, "outbox.window_to");

	for (int32_t i = 0; i < f->head->run_count; i++) {
		const struct forecast_run *r = &f->runs[i];

		if (r->leaving == 0 || window_is_open(cx->env->zone, r->at, from, to)) continue;
		note(cx, list,
		     _("Some of it is planned in the quiet hours: it waits until they end, and what is out of date by then does not leave."));
		return;
	}
}

enum rc forecast_notes(struct cx *cx, struct value **out, const struct forecast *f)
{
	enum rc rc;

	*out = value_list(cx->arena);
	rc = note_schedules(cx, *out);
	if (rc == RC_OK) rc = note_channels(cx, *out);
	if (rc == RC_OK) note_hours(cx, *out, f);
	if (rc == RC_OK && f->head->is_cut != 0)
		note(cx, *out, _("There is more than a forecast holds: part of it is missing."));
	return rc;
}

/* The job */

static enum rc count_job(struct cx *cx, struct job *job)
{
	int days = (int)value_int_of(value_get(job_args(job), "days"), FORECAST_DAYS), fd = -1;
	enum rc rc;

	if (days < 1 || days > FORECAST_DAYS_MAX) days = FORECAST_DAYS;
	rc = forecast_count(cx, job, days, FORECAST_MS_MAX, &fd);
	if (rc == RC_TRY_LATER && !job_should_stop(job))
		rc = cx_fail(cx, RC_TOO_LARGE,
			     _("The forecast took longer than %d s and was stopped. Ask for fewer days."),
			     FORECAST_MS_MAX / 1000);
	if (rc == RC_OK) rc = forecast_keep(cx, fd);
	if (fd >= 0) close(fd);
	return rc;
}

/* The command */

static enum rc copy_to(struct cx *cx, const char *path, int from)
{
	char *buffer = arena_alloc(cx->arena, COPY_BYTES);
	int fd = buffer != NULL ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	off_t at = 0;
	ssize_t n = 1;
	enum rc rc = fd >= 0 ? RC_OK : RC_IO;

	while (rc == RC_OK && n > 0) {
		n = pread(from, buffer, COPY_BYTES, at);
		if (n > 0) rc = fd_write_all(fd, buffer, (size_t)n);
		if (n < 0) rc = RC_IO;
		at += n;
	}
	if (fd >= 0 && close(fd) != 0) rc = RC_IO;
	return rc == RC_OK ? rc : cx_fail(cx, rc, _("The file %s cannot be written."), path);
}

static enum rc print_json(struct cx *cx, struct command_call *call, const struct forecast *f,
			  struct forecast_view *v)
{
	struct value *out = value_map(cx->arena), *notes = NULL;
	int64_t place = 0;
	enum rc rc = forecast_notes(cx, &notes, f);

	forecast_frame(cx, out, f, v);
	if (rc == RC_OK) value_set(out, "notes", notes);
	if (rc == RC_OK)
		rc = forecast_rows(cx, value_set_list(cx->arena, out, "data"), v, &place, SIZE_MAX, true,
				   true);
	if (rc != RC_OK) return rc;
	shape_json(cx, out);
	command_print(cx, call, out);
	return RC_OK;
}

static void print_line(struct cx *cx, struct command_call *call, const struct value *row)
{
	const char *skip = value_text_of(value_get(row, "skip_words"), "");
	char at[RFC3339_SIZE];

	instant_text_local(at, value_int_of(value_get(row, "leaves_at"), 0), cx->env->zone);
	fprintf(call->out, "%s  %s  %s  %s (%lld)  %s%s%s\n", at, value_text_of(value_get(row, "who"), ""),
		value_text_of(value_get(row, "what"), ""), value_text_of(value_get(row, "kind_words"), ""),
		(long long)value_int_of(value_get(row, "days"), 0),
		value_text_of(value_get(row, "address"), ""), skip[0] != '\0' ? "  — " : "", skip);
}

static enum rc print_text(struct cx *cx, struct command_call *call, const struct forecast *f,
			  struct forecast_view *v)
{
	struct value *rows = value_list(cx->arena), *notes = NULL;
	struct forecast_count_of total = forecast_total(v);
	const struct forecast_count_of *days = forecast_by_day(v);
	int64_t place = 0;
	char date[DATE_SIZE];
	enum rc rc = forecast_rows(cx, rows, v, &place, LISTED_MAX, false, true);

	if (rc == RC_OK) rc = forecast_notes(cx, &notes, f);
	if (rc != RC_OK) return rc;
	for (const struct value *r = rows->first; r != NULL; r = r->next)
		print_line(cx, call, r);
	if (total.leaving + total.skipped > LISTED_MAX)
		fprintf(call->out, _("… and %lld more; --csv FILE has all.\n"),
			(long long)(total.leaving + total.skipped - LISTED_MAX));
	for (int32_t i = 0; i < f->head->days; i++) {
		if (days[i].leaving + days[i].skipped == 0) continue;
		day_text_local(date, f->head->from_on + i);
		fprintf(call->out, _("%s: %lld leave, %lld left out\n"), date, (long long)days[i].leaving,
			(long long)days[i].skipped);
	}
	fprintf(call->out, _("In %d days: %lld leave, %lld left out. Nothing was sent.\n"),
		(int)f->head->days, (long long)total.leaving, (long long)total.skipped);
	for (const struct value *n = notes->first; n != NULL; n = n->next)
		fprintf(call->out, "%s\n", value_text_of(value_get(n, "text"), ""));
	return RC_OK;
}

static enum rc print_forecast(struct cx *cx, struct command_call *call, const struct forecast *f)
{
	const char *csv = command_option(call, "csv"), *xlsx = command_option(call, "xlsx");
	static const struct forecast_filter everything = { .days = -1, .words = "" };
	struct forecast_view *v = NULL;
	int fd = -1;
	enum rc rc = forecast_view(cx, &v, f, &everything);

	if (rc == RC_OK && csv == NULL && xlsx == NULL)
		return call->is_json ? print_json(cx, call, f, v) : print_text(cx, call, f, v);
	if (rc == RC_OK) rc = forecast_sheet(cx, &fd, v, csv != NULL ? SHEET_CSV : SHEET_XLSX, true);
	if (rc == RC_OK) rc = copy_to(cx, csv != NULL ? csv : xlsx, fd);
	if (fd >= 0) close(fd);
	return rc;
}

static enum rc run_forecast(struct cx *cx, struct command_call *call)
{
	static const char *const none[] = { NULL }, *const with_value[] = { "days", "csv", "xlsx", NULL };
	struct forecast f = { .head = NULL };
	int days = 0, fd = -1;
	enum rc rc = command_check(cx, call, none, with_value);

	if (rc == RC_OK) rc = forecast_days(cx, &days, command_option(call, "days"));
	if (rc != RC_OK) return rc;
	rc = forecast_count(cx, NULL, days, FORECAST_MS_MAX, &fd);
	if (rc == RC_TRY_LATER)
		rc = cx_fail(cx, RC_TOO_LARGE,
			     _("The forecast took longer than %d s and was stopped. Ask for fewer days."),
			     FORECAST_MS_MAX / 1000);
	if (rc == RC_OK) rc = forecast_map(&f, fd);
	if (rc == RC_OK) rc = print_forecast(cx, call, &f);
	forecast_unmap(&f);
	if (fd >= 0) close(fd);
	return rc;
}

/* Rows */

const struct job_kind forecast_jobs[] = {
	{ .name = "forecast.count",
	  .title = N_("Count the forecast"),
	  .queue = "forecast",
	  .attempts_max = 2,
	  .time_limit_s = JOB_LIMIT_S,
	  .delay_s = 30,
	  .run = count_job },
	{ .name = NULL },
};

static const struct fact count_takes[] = {
	{ .name = "days", .type = FACT_INT, .min = 1, .max = FORECAST_DAYS_MAX },
	{ .name = NULL },
};

const struct route forecast_routes[] = {
	{ .method = "GET",
	  .path = "/forecast",
	  .realm = REALM_STAFF,
	  .right = "forecast.view",
	  .class = ROUTE_DB,
	  .menu = N_("Forecast"),
	  .menu_order = 61,
	  .help = N_("What will leave in the coming days, day by day."),
	  .handle = handle_forecast },
	{ .method = "POST",
	  .path = "/forecast/count",
	  .realm = REALM_STAFF,
	  .right = "forecast.view",
	  .class = ROUTE_DB,
	  .has_token = true,
	  .help = N_("Count a large forecast anew, as a job."),
	  .takes = count_takes,
	  .handle = handle_forecast_count },
	{ .path = NULL },
};

const struct command forecast_commands[] = {
	{ .name = "forecast",
	  .usage = "[--days N] [--csv FILE | --xlsx FILE]",
	  .help = N_("What will leave in the coming days; nothing is sent."),
	  .needs = COMMAND_STATE,
	  .run = run_forecast },
	{ .name = NULL },
};
