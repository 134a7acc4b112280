/*
** report_pages.c -- asking for a report, fetching what is pending, downloading a file.
**
** Never:  waits for the provider: asking makes a row, fetching starts a job, a download reads the disk.
*/
#include "desk/inner.h"
#include "files/files.h"
#include "sends/report_inner.h"

#include <string.h>

static void add_types(struct cx *cx, struct value *page, const char *chosen)
{
	static const char *const titles[][2] = {
		{ "deliveries", N_("Deliveries") }, { "bounces", N_("Bounces") },
		{ "opens", N_("Opens") },           { "clicks", N_("Clicks") },
		{ "spam", N_("Spam complaints") },  { "unsubscribed", N_("Unsubscribed") },
		{ "sent", N_("Sent mails") }
	};
	struct value *list = value_set_list(cx->arena, page, "types");

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "value", titles[i][0]);
		value_set_text(cx->arena, one, "title", words_get(cx->lang, titles[i][1]));
		value_set_bool(cx->arena, one, "is_selected", strcmp(chosen, titles[i][0]) == 0);
	}
}

static void show_form(struct cx *cx, struct call *call, const char *type, const char *start, const char *end)
{
	struct value *page = value_map(cx->arena), *errors = value_set_list(cx->arena, page, "errors");

	trail_add(cx, page, _("Reports of sends"), "/reports");
	add_types(cx, page, type);
	value_set_text(cx->arena, page, "heading", _("Ask for a report"));
	value_set_text(cx->arena, page, "start_on", start);
	value_set_text(cx->arena, page, "end_on", end);
	for (size_t i = 0; i < cx->field_count; i++) {
		struct value *one = value_add_map(cx->arena, errors);

		value_set_text(cx->arena, one, "message", cx->fields[i].message);
		value_set_bool(cx->arena, page, arena_printf(cx->arena, "%s_wrong", cx->fields[i].field),
			       true);
	}
	if (cx->message != NULL && cx->message[0] != '\0' && cx->field_count == 0)
		value_set_text(cx->arena, value_add_map(cx->arena, errors), "message", cx->message);
	value_set_bool(cx->arena, page, "has_errors", errors->first != NULL);
	answer_page(cx, call, "sends/report_new", _("Ask for a report"), page);
}

static enum rc handle_report_new(struct cx *cx, struct call *call)
{
	char today[DATE_SIZE];

	day_text(today, cx_today(cx));
	show_form(cx, call, "deliveries", today, today);
	return RC_OK;
}

static const char *given(struct call *call, const char *name, const char *otherwise)
{
	const char *text = form_text(call, name);

	return text != NULL && text[0] != '\0' ? text : otherwise;
}

static enum rc handle_report_create(struct cx *cx, struct call *call)
{
	char today[DATE_SIZE];
	const char *type, *start, *end, *public_id = "";
	int64_t id = 0;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	day_text(today, cx_today(cx));
	type = given(call, "type", "deliveries");
	start = given(call, "start_on", today);
	end = given(call, "end_on", start);
	rc = report_request(cx, &id, type, start, end);
	if (rc == RC_OK)
		rc = db_get_text(cx, &public_id, "SELECT public_id FROM generated_report WHERE id = :id",
				 PARAMS(P_INT(":id", id)));
	if (call_shape(call) == SHAPE_JSON && rc == RC_OK) {
		struct value *out = value_map(cx->arena);

		value_set_text(cx->arena, out, "id", public_id);
		value_set_int(cx->arena, out, "number", id);
		answer_json(cx, call, 201, out);
		return RC_OK;
	}
	if (call_shape(call) == SHAPE_JSON || (rc != RC_OK && rc != RC_BAD_INPUT && rc != RC_CONFLICT))
		return rc;
	if (rc != RC_OK) {
		show_form(cx, call, type, start, end);
		reply_status(call_reply(call), rc_row(rc)->http);
		return RC_OK;
	}
	answer_flash(cx, call, "/reports", _("The report was put down; it is asked for by the next fetch."));
	return RC_OK;
}

static enum rc handle_process(struct cx *cx, struct call *call)
{
	struct value *args = value_map(cx->arena);
	int64_t job = 0;
	enum rc rc = tx_begin(cx);

	value_set_bool(cx->arena, args, "is_by_hand", true);
	if (rc == RC_OK) rc = report_job_add(cx, &job, JOB_PROCESS, "process_reports:by_hand", args, 0);
	if (rc == RC_CONFLICT) rc = RC_OK; /* pressed twice: one fetch */
	rc = tx_end(cx, rc);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_JSON) {
		struct value *out = value_map(cx->arena);

		value_set_int(cx->arena, out, "job", job);
		answer_json(cx, call, 202, out);
		return RC_OK;
	}
	answer_flash(cx, call, "/reports",
		     _("Pending reports are being fetched; look at the list again in a moment."));
	return RC_OK;
}

static enum rc handle_download(struct cx *cx, struct call *call)
{
	const struct resource *r = desk_resource("reports");
	struct value *row = NULL;
	int64_t id = 0, size = 0;
	int fd = -1;
	enum rc rc = desk_find(cx, &id, r, call_param(call, "id"));

	if (rc == RC_OK)
		rc = db_row(
			cx, &row,
			"SELECT type, start_on, end_on, coalesce(file_id, 0) AS file_id FROM generated_report"
			" WHERE id = :id AND state = 'READY'",
			PARAMS(P_INT(":id", id)));
	if (rc == RC_OK) rc = file_open(cx, &fd, &size, value_int_of(value_get(row, "file_id"), 0));
	if (rc == RC_NOT_FOUND || rc == RC_IO) {
		cx->error_code = "report_file_missing";
		return cx_fail(cx, RC_NOT_FOUND, "%s", _("This report has no file to download."));
	}
	if (rc != RC_OK) return rc;
	answer_download(cx, call, fd, "text/csv",
			report_file_name(cx, value_text_of(value_get(row, "type"), ""),
					 value_text_of(value_get(row, "start_on"), ""),
					 value_text_of(value_get(row, "end_on"), ""), id));
	return RC_OK;
}

static const struct fact request_takes[] = {
	{ .name = "type",
	  .type = FACT_TEXT,
	  .choices = REPORT_TYPES,
	  .help = N_("Kind of report; deliveries unless given.") },
	{ .name = "start_on", .type = FACT_DATE, .help = N_("First day; today unless given.") },
	{ .name = "end_on", .type = FACT_DATE, .help = N_("Last day; the first one unless given.") },
	{ .name = NULL },
};

static const struct fact request_gives[] = {
	{ .name = "id", .type = FACT_TEXT, .is_needed = true },
	{ .name = "number", .type = FACT_INT, .is_needed = true },
	{ .name = NULL },
};

static const struct fact nothing[] = { { .name = NULL } };

static const struct fact process_gives[] = {
	{ .name = "job", .type = FACT_INT, .is_needed = true, .help = N_("Number of the job that fetches.") },
	{ .name = NULL },
};

const struct route report_routes[] = {
	{ .method = "GET",
	  .path = "/reports/new",
	  .realm = REALM_STAFF,
	  .right = RIGHT_REQUEST,
	  .class = ROUTE_DB,
	  .help = N_("Form to ask for a report"),
	  .handle = handle_report_new,
	  .no_api = true },
	{ .method = "POST",
	  .path = "/reports",
	  .realm = REALM_STAFF,
	  .right = RIGHT_REQUEST,
	  .class = ROUTE_DB,
	  .has_token = true,
	  .is_idempotent = true,
	  .help = N_("Put a report down to be asked for"),
	  .handle = handle_report_create,
	  .takes = request_takes,
	  .gives = request_gives },
	{ .method = "POST",
	  .path = "/reports/process",
	  .realm = REALM_STAFF,
	  .right = RIGHT_PROCESS,
	  .class = ROUTE_DB,
	  .has_token = true,
	  .help = N_("Fetch pending reports now"),
	  .handle = handle_process,
	  .takes = nothing,
	  .gives = process_gives },
	{ .method = "GET",
	  .path = "/reports/:id/download",
	  .realm = REALM_STAFF,
	  .right = RIGHT_REPORTS,
	  .class = ROUTE_DB,
	  .help = N_("The stored file of a report"),
	  .handle = handle_download },
	{ .method = NULL },
};

/* The second place is known to the lists by a word in the database, since SQL reads no settings. */
enum rc reports_at_start(struct cx *cx)
{
	const char *analytics = setting_text(cx->env->settings, "reports.analytics"), *why = "";
	enum rc rc;

	if (!target_is_possible(cx, analytics, &why)) return cx_fail(cx, RC_BAD_INPUT, "%s", why);
	rc = tx_begin(cx);
	if (rc == RC_OK && report_alias_is_set(cx, ALIAS_ANALYTICS))
		rc = meta_set(cx, "reports.analytics", "yes");
	else if (rc == RC_OK)
		rc = db_run(cx, "DELETE FROM meta WHERE key = 'reports.analytics'", NO_PARAMS);
	return tx_end(cx, rc);
}
