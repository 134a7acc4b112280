/*
** bulk_pages_show.c -- the page of one send: how it stands, what can be done, its reports, work and log.
**
** Needs:  bulk.h for counts and the object of spec §18, reports.h for what is known of its reports.
** Never:  changes a send: its buttons post to api.c.
** Holds:  (1) a button stands there only for those who may press it and while it would work; (2) a part that
**         cannot be found out is left out, the page stands.
*/
#include "desk/outbox_pages.h"
#include "sends/bulk_inner.h"
#include "sends/bulk_pages.h"
#include "sends/reports.h"
#include <string.h>

#define JOBS_SHOWN 10
/* Slots of a send's work are "sends.NAME:<id>" (bulk_slot); found by the index job_sends. */
#define WORK_OF "j.slot >= 'sends.' AND j.slot < 'sends/' AND substr(j.slot, instr(j.slot, ':')) = :work"

/* Everything the page needs of the row itself. */
static const char row_sql[] = "SELECT t.*, (SELECT f.name FROM file f WHERE f.id = t.file_id) AS file_name,"
			      " (SELECT f.size FROM file f WHERE f.id = t.file_id) AS file_size,"
			      " (SELECT u.name FROM user u WHERE u.id = t.scheduled_by) AS scheduled_name,"
			      " (SELECT b.public_id FROM batch b WHERE b.id = t.batch_id) AS batch_public_id"
			      " FROM bulk_send t WHERE t.id = :id";

/* Buttons */

static void button(struct cx *cx, struct value *page, const char *path, const char *name, const char *title,
		   const char *confirm, const char *look)
{
	struct value *list = (struct value *)(uintptr_t)value_get(page, "buttons"), *one;

	if (list == NULL) list = value_set_list(cx->arena, page, "buttons");
	one = value_add_map(cx->arena, list);
	value_set_text(cx->arena, one, "href", arena_printf(cx->arena, "%s/%s", path, name));
	value_set_text(cx->arena, one, "name", name);
	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "confirm", confirm);
	value_set_text(cx->arena, one, "look", look);
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, word) == 0) return true;
	return false;
}

static void add_buttons(struct cx *cx, const struct value *row, const char *path, struct value *page)
{
	static const char *const ready[] = { "ready", "ready_with_errors", "importing", NULL };
	static const char *const going[] = { "queued", "sending", NULL };
	const char *status = text_at(row, "status");
	bool is_pending = strcmp(status, "pending") == 0, is_going = is_one_of(status, going),
	     is_paused = strcmp(status, "paused") == 0;

	value_set_list(cx->arena, page, "buttons");
	if (!actor_may(&cx->actor, RIGHT_EDIT)) return;
	if (is_pending && is_one_of(text_at(row, "import_status"), ready))
		button(cx, page, path, "process", _("Queue the send"),
		       _("Start this send? The mails leave at once."), "main");
	if (is_going) button(cx, page, path, "pause", _("Pause"), NULL, NULL);
	if (is_paused) button(cx, page, path, "resume", _("Resume"), NULL, "main");
	if (is_pending || is_going || is_paused)
		button(cx, page, path, "cancel", _("Cancel"),
		       _("Call this send off? What was not sent yet will not leave."), "danger");
	if (is_pending) {
		struct civil c = zone_civil(cx->env->zone, int_at(row, "scheduled_at"));
		char date[DATE_SIZE];

		day_text(date, c.day);
		value_set_bool(cx->arena, page, "may_schedule", true);
		value_set_text(cx->arena, page, "scheduled_value",
			       int_at(row, "scheduled_at") == 0
				       ? ""
				       : arena_printf(cx->arena, "%sT%02d:%02d", date, c.hour, c.minute));
	}
}

/* Facts */

static const char *sender_words(struct cx *cx, const struct value *row)
{
	const char *email = text_at(row, "from_email"), *name = text_at(row, "from_name");

	if (email[0] == '\0') return _("the usual one, fixed when it starts");
	return name[0] != '\0' ? arena_printf(cx->arena, "%s <%s>", name, email) : email;
}

static void add_facts(struct cx *cx, const struct value *row, struct value *page)
{
	instant at = int_at(row, "scheduled_at"), until = int_at(row, "paused_until_at"), now = cx_now(cx);
	bool is_pending = strcmp(text_at(row, "status"), "pending") == 0;
	const char *name = text_at(row, "template_name"), *id = text_at(row, "template_id");

	/* The provider's id helps to find it there; the panel's own is an address, which the name leads
	** to. */
	if (strcmp(text_at(row, "channel"), "doppler") != 0)
		bulk_fact(cx, page, _("Mail template"), name[0] != '\0' ? name : id,
			  actor_may(&cx->actor, RIGHT_VIEW) ? arena_printf(cx->arena, "/templates/%s", id)
							    : NULL);
	else
		bulk_fact(cx, page, _("Mail template"),
			  name[0] != '\0' && strcmp(name, id) != 0
				  ? arena_printf(cx->arena, "%s (id=%s)", name, id)
				  : id,
			  NULL);
	bulk_fact(cx, page, _("Subject"),
		  text_at(row, "subject")[0] != '\0' ? text_at(row, "subject") : _("the template's"), NULL);
	bulk_fact(cx, page, _("Way"), bulk_road(cx, text_at(row, "channel")), NULL);
	bulk_fact(cx, page, _("Sender"), sender_words(cx, row), NULL);
	if (text_at(row, "file_name")[0] != '\0')
		bulk_fact(cx, page, _("File of recipients"),
			  arena_printf(cx->arena, "%s · %s kB", text_at(row, "file_name"),
				       bulk_number(cx, (int_at(row, "file_size") + 1023) / 1024)),
			  NULL);
	bulk_fact(cx, page, _("Created"),
		  arena_printf(cx->arena, "%s · %s", bulk_moment(cx, int_at(row, "created_at")),
			       who_shown(cx, text_at(row, "created_by"))),
		  NULL);
	bulk_fact(cx, page, _("Age"), bulk_duration(cx, now - int_at(row, "created_at")), NULL);
	if (at != 0)
		bulk_fact(cx, page, _("Timed for"),
			  is_pending && at > now
				  ? arena_printf(cx->arena, _("%s, in %s"), bulk_moment(cx, at),
						 bulk_duration(cx, at - now))
				  : bulk_moment(cx, at),
			  NULL);
	if (at != 0 && text_at(row, "scheduled_name")[0] != '\0')
		bulk_fact(cx, page, _("Timed by"), text_at(row, "scheduled_name"), NULL);
	if (until != 0) bulk_fact(cx, page, _("Goes on"), bulk_moment(cx, until), NULL);
	if (int_at(row, "sent_started_at") != 0)
		bulk_fact(cx, page, _("First mail"), bulk_moment(cx, int_at(row, "sent_started_at")), NULL);
	if (int_at(row, "sent_finished_at") != 0)
		bulk_fact(cx, page, _("Last mail"), bulk_moment(cx, int_at(row, "sent_finished_at")), NULL);
	if (text_at(row, "batch_public_id")[0] != '\0' && actor_may(&cx->actor, "outbox.view"))
		bulk_fact(cx, page, _("Messages"), _("in the outbox"),
			  arena_printf(cx->arena, "/batches/%s", text_at(row, "batch_public_id")));
}

static void add_attachments(struct cx *cx, int64_t id, struct value *page)
{
	struct value *rows = NULL;

	if (db_rows(cx, &rows, 50,
		    "SELECT a.name, a.public_id, a.size_bytes FROM bulk_send_attachment x JOIN mail_attachment a"
		    " ON a.id = x.attachment_id WHERE x.bulk_id = :id ORDER BY a.name",
		    PARAMS(P_INT(":id", id))) != RC_OK ||
	    rows->count == 0)
		return;
	for (struct value *v = rows->first; v != NULL; v = v->next)
		bulk_fact(cx, page, _("Attachment"), text_at(v, "name"),
			  arena_printf(cx->arena, "/attachments/%s", text_at(v, "public_id")));
}

/* The file as it was read: encoding, columns, how many rows were left out and why. */
static void add_import(struct cx *cx, const struct value *row, const char *path, struct value *page)
{
	struct value *import = NULL, *out = value_set_map(cx->arena, page, "import"), *errors;
	const char *json = text_at(row, "import_json"), *error = text_at(row, "import_error");
	const struct value *list;

	value_set_text(cx->arena, out, "rows", bulk_number(cx, int_at(row, "imported_rows")));
	value_set_text(cx->arena, out, "valid", bulk_number(cx, int_at(row, "valid_rows")));
	value_set_text(cx->arena, out, "invalid", bulk_number(cx, int_at(row, "invalid_rows")));
	value_set_text(cx->arena, out, "invalid_href",
		       int_at(row, "invalid_rows") > 0
			       ? arena_printf(cx->arena, "%s/rows?state=invalid", path)
			       : NULL);
	value_set_text(cx->arena, out, "error", error[0] != '\0' ? recipients_words(cx->lang, error) : NULL);
	errors = value_set_list(cx->arena, out, "errors");
	if (json_parse(cx->arena, &import, NULL, json, strlen(json)) != RC_OK) return;
	value_set_text(cx->arena, out, "encoding", text_at(import, "encoding"));
	value_set_text(cx->arena, out, "delimiter",
		       strcmp(text_at(import, "delimiter"), "\t") == 0 ? "TAB"
								       : text_at(import, "delimiter"));
	list = value_get(import, "errors"); /* {code: rows} */
	for (const struct value *v = list != NULL && list->type == VALUE_MAP ? list->first : NULL; v != NULL;
	     v = v->next) {
		struct value *one = value_add_map(cx->arena, errors);

		value_set_text(cx->arena, one, "text", recipients_words(cx->lang, v->key));
		value_set_text(cx->arena, one, "count", bulk_number(cx, value_int_of(v, 0)));
	}
}

/* Counts by class (spec §3.3), each leading to its rows */

static void add_counts(struct cx *cx, int64_t id, const char *path, struct value *page)
{
	static const char *const shown[] = { "sent",      "delivered", "failed",  "unsure",
					     "queued",    "sending",   "not_fed", "invalid",
					     "cancelled", "skipped",   "expired", NULL };
	struct value *counts = NULL, *cards = value_set_list(cx->arena, page, "counts");

	if (bulk_counts(cx, &counts, id, false) != RC_OK) return;
	for (const char *const *state = shown; *state != NULL; state++) {
		const char *row = strcmp(*state, "not_fed") == 0 ? "not_started" : *state;
		int64_t n = int_at(counts, *state);
		struct value *one;

		if (n == 0) continue;
		one = value_add_map(cx->arena, cards);
		value_set_text(cx->arena, one, "title", row_state_many(cx, row));
		value_set_text(cx->arena, one, "value", bulk_number(cx, n));
		value_set_text(cx->arena, one, "href",
			       arena_printf(cx->arena, "%s/rows?state=%s", path, row));
		value_set_text(cx->arena, one, "mark",
			       row_state_mark(row) != NULL && strcmp(row_state_mark(row), "info") != 0
				       ? row_state_mark(row)
				       : NULL);
		value_set_null(cx->arena, one, "note");
	}
	value_set_int(cx->arena, page, "eligible", int_at(counts, "eligible"));
	if (int_at(counts, "unsure") > 0) {
		value_set_text(cx->arena, page, "unsure_href", arena_printf(cx->arena, "%s/unsure", path));
		value_set_text(
			cx->arena, page, "unsure_text",
			arena_printf(
				cx->arena,
				words_plural(
					cx->lang, int_at(counts, "unsure"),
					N_("%s row is unsure: nobody knows whether it arrived. It is never sent again by itself."),
					N_("%s rows are unsure: nobody knows whether they arrived. They are never sent again by themselves.")),
				bulk_number(cx, int_at(counts, "unsure"))));
	}
}

/* Limits: what the provider said when the send began, and what the channel's own caps leave. */

static const char *left_words(struct cx *cx, int64_t month, int64_t today, int64_t hour, int64_t *least)
{
	const int64_t left[] = { month, today, hour };
	const char *text = "";

	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		const char *n = bulk_number(cx, left[i]);

		if (left[i] < 0) continue;
		text = arena_join(cx->arena, text, text[0] != '\0' ? " · " : "",
				  i == 0   ? arena_printf(cx->arena, _("%s this month"), n)
				  : i == 1 ? arena_printf(cx->arena, _("%s today"), n)
					   : arena_printf(cx->arena, _("%s this hour"), n),
				  NULL);
		if (*least < 0 || left[i] < *least) *least = left[i];
	}
	return text;
}

static int64_t left_of(const struct value *channel, const char *cap, const char *used)
{
	const struct value *most = value_get(channel, cap);
	int64_t left = most != NULL && most->type == VALUE_INT ? most->integer - int_at(channel, used) : -1;

	return most != NULL && most->type == VALUE_INT && left < 0 ? 0 : left;
}

static void add_limits(struct cx *cx, const struct value *row, struct value *page)
{
	struct value *result = NULL, *channels = NULL;
	const char *json = text_at(row, "result_json"), *status = text_at(row, "status"), *text;
	const struct value *told;
	int64_t least = -1;

	if (strcmp(status, "done") == 0 || strcmp(status, "error") == 0 || strcmp(status, "cancelled") == 0)
		return;
	told = json_parse(cx->arena, &result, NULL, json, strlen(json)) == RC_OK ? value_get(result, "limits")
										 : NULL;
	if (told != NULL) {
		text = left_words(cx, value_int_of(value_get(told, "monthly_remaining"), -1),
				  value_int_of(value_get(told, "daily_remaining"), -1),
				  value_int_of(value_get(told, "hourly_remaining"), -1), &least);
		if (text[0] != '\0') bulk_fact(cx, page, _("The provider still takes"), text, NULL);
	}
	if (channels_list(cx, &channels) != RC_OK) return;
	for (const struct value *c = channels->first; c != NULL; c = c->next) {
		if (strcmp(text_at(c, "name"), text_at(row, "channel")) != 0) continue;
		text = left_words(cx, left_of(c, "per_month", "used_month"),
				  left_of(c, "per_day", "used_day"), left_of(c, "per_hour", "used_hour"),
				  &least);
		if (text[0] != '\0') bulk_fact(cx, page, _("The channel's own limits leave"), text, NULL);
	}
	if (least >= 0 && int_at(row, "valid_rows") > least && strcmp(status, "pending") == 0)
		value_set_text(
			cx->arena, page, "limit_warning",
			arena_printf(
				cx->arena,
				_("The limits leave %s mails, the send has %s: it will wait for the rest."),
				bulk_number(cx, least), bulk_number(cx, int_at(row, "valid_rows"))));
}

static const char *work_of(struct cx *cx, int64_t id)
{
	return arena_printf(cx->arena, ":%lld", (long long)id);
}

/* Before anything is started: names that the template needs and the file does not give, as far as known
** here. */
static void add_missing(struct cx *cx, int64_t id, struct value *page)
{
	struct value *missing = NULL, *list = value_set_list(cx->arena, page, "missing");
	struct mail_template t;
	struct bulk b;

	if (bulk_read(cx, &b, id) == RC_OK && bulk_is(&b, "pending") &&
	    strncmp(b.import_status, "ready", 5) == 0 && gate_template(cx, &t, &b, false) == RC_OK &&
	    t.has_body && gate_missing(cx, &missing, &b, &t) == RC_OK)
		for (const struct value *v = missing->first; v != NULL; v = v->next)
			value_set_text(cx->arena, value_add_map(cx->arena, list), "text",
				       value_text_of(v, ""));
	value_set_bool(cx->arena, page, "has_missing", list->count > 0);
	cx->error_code = NULL;
}

/* The bar: the job that feeds counts what left, the import's job what was read. */

static enum rc running_job(struct cx *cx, struct value **out, const struct value *row)
{
	int64_t id = 0;
	enum rc rc =
		db_get_int(cx, &id,
			   "SELECT j.id FROM job j WHERE " WORK_OF " AND +j.state IN ('queued', 'running')"
			   " ORDER BY +j.state DESC, j.id LIMIT 1",
			   PARAMS(P_TEXT(":work", work_of(cx, int_at(row, "id")))));

	return rc == RC_OK ? job_show(cx, out, id) : rc;
}

static bool is_under_way(const struct value *row)
{
	const char *status = text_at(row, "status");

	return strcmp(status, "queued") == 0 || strcmp(status, "sending") == 0 ||
	       (strcmp(status, "pending") == 0 && strcmp(text_at(row, "import_status"), "importing") == 0);
}

static void fill_progress(struct cx *cx, const struct value *row, struct value *out)
{
	struct value *job = NULL;
	const char *text = "";

	if (running_job(cx, &job, row) == RC_OK) {
		text = job_progress_text(cx, job);
		if (text[0] == '\0') text = text_at(job, "note");
	}
	value_set_int(cx->arena, out, "done", int_at(job, "progress_done"));
	value_set_int(cx->arena, out, "total", int_at(job, "progress_total"));
	value_set_text(cx->arena, out, "text", text[0] != '\0' ? text : _("It is about to begin."));
}

enum rc handle_bulk_send_progress(struct cx *cx, struct call *call)
{
	struct value *row = NULL, *out = value_map(cx->arena);
	const char *was = call_query(call, "was");
	int64_t id = 0;
	enum rc rc = bulk_of_call(cx, call, &id);

	if (rc == RC_OK) rc = db_row(cx, &row, row_sql, PARAMS(P_INT(":id", id)));
	if (rc != RC_OK) return rc;
	fill_progress(cx, row, out);
	value_set_bool(cx->arena, out, "is_over",
		       !is_under_way(row) || (was != NULL && strcmp(was, text_at(row, "status")) != 0));
	answer_json(cx, call, 200, out);
	return RC_OK;
}

static void add_progress(struct cx *cx, const struct value *row, const char *path, struct value *page)
{
	struct value *bar;

	if (!is_under_way(row)) return;
	bar = value_map(cx->arena);
	fill_progress(cx, row, bar);
	value_set_text(cx->arena, bar, "poll",
		       arena_printf(cx->arena, "%s/progress?was=%s", path, text_at(row, "status")));
	value_set(page, "progress", bar);
}

/* Reports */

static const struct {
	const char *state, *words, *mark;
} report_states[] = {
	{ "not_started", N_("not yet"), NULL },     { "pending", N_("asked for"), "info" },
	{ "processing", N_("being made"), "info" }, { "ready", N_("loaded"), "ok" },
	{ "zero_rows", N_("no rows yet"), "warn" }, { "error", N_("with an error"), "error" },
	{ "PENDING", N_("asked for"), "info" },     { "PROCESSING", N_("being made"), "info" },
	{ "READY", N_("ready to download"), "ok" }, { "ERROR", N_("with an error"), "error" },
};

static void state_into(struct cx *cx, struct value *out, const char *state)
{
	value_set_text(cx->arena, out, "state_title", state);
	for (size_t i = 0; i < sizeof(report_states) / sizeof(report_states[0]); i++)
		if (strcmp(report_states[i].state, state) == 0) {
			value_set_text(cx->arena, out, "state_title",
				       words_get(cx->lang, report_states[i].words));
			value_set_text(cx->arena, out, "mark", report_states[i].mark);
		}
}

static void add_report_files(struct cx *cx, const struct value *reports, struct value *out)
{
	struct value *list = value_set_list(cx->arena, out, "reports");
	bool may = actor_may(&cx->actor, RIGHT_REPORTS);

	for (const struct value *v = reports != NULL && reports->type == VALUE_LIST ? reports->first : NULL;
	     v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(
			cx->arena, one, "name",
			arena_printf(cx->arena, "%s · %s", text_at(v, "type"), text_at(v, "start_on")));
		value_set_null(cx->arena, one, "mark");
		state_into(cx, one, text_at(v, "state"));
		value_set_text(cx->arena, one, "download",
			       may && strcmp(text_at(v, "state"), "READY") == 0
				       ? arena_printf(cx->arena, "/reports/%s/download", text_at(v, "id"))
				       : NULL);
	}
	value_set_bool(cx->arena, out, "has_reports", list->count > 0);
}

static void add_report(struct cx *cx, const struct value *row, const char *path, struct value *page)
{
	struct value *report = NULL, *out;
	bool is_done = strcmp(text_at(row, "status"), "done") == 0;

	if (!is_done || report_of_bulk(cx, &report, int_at(row, "id")) != RC_OK) return;
	out = value_set_map(cx->arena, page, "report");
	value_set_null(cx->arena, out, "mark");
	/* Only Doppler Relay makes reports; of the other roads Recado itself knows what became of each
	** mail. */
	if (strcmp(text_at(row, "channel"), "doppler") != 0) {
		if (actor_may(&cx->actor, RIGHT_REPORTS))
			value_set_text(cx->arena, out, "view", arena_printf(cx->arena, "%s/report", path));
		return;
	}
	value_set_bool(cx->arena, out, "is_provider", true);
	state_into(cx, out, text_at(report, "state"));
	value_set_text(cx->arena, out, "loaded", bulk_moment(cx, int_at(row, "post_reports_loaded_at")));
	value_set_text(cx->arena, out, "error", text_at(report, "latest_error"));
	if (int_at(row, "post_reports_loaded_at") != 0 && actor_may(&cx->actor, RIGHT_REPORTS))
		value_set_text(cx->arena, out, "view", arena_printf(cx->arena, "%s/report", path));
	if (actor_may(&cx->actor, RIGHT_EDIT)) {
		if (value_bool_of(value_get(report, "refresh_available"), false))
			value_set_text(cx->arena, out, "refresh",
				       arena_printf(cx->arena, "%s/process-report", path));
		else if (int_at(report, "refresh_remaining_minutes") > 0)
			value_set_text(cx->arena, out, "refresh_wait",
				       arena_printf(cx->arena, _("Available in %lld min"),
						    (long long)int_at(report, "refresh_remaining_minutes")));
	}
	add_report_files(cx, value_get(report, "reports"), out);
}

/* Work: "Auditoría" */

static const struct {
	const char *state, *words, *mark;
} job_states[] = {
	{ "queued", N_("waiting"), "info" }, { "running", N_("running"), "info" },
	{ "done", N_("done"), "ok" },        { "failed", N_("failed"), "error" },
	{ "dead", N_("given up"), "error" }, { "cancelled", N_("cancelled"), "quiet" },
};

static void add_jobs(struct cx *cx, int64_t id, const char *path, struct value *page)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, page, "jobs");
	bool may_see = actor_may(&cx->actor, "jobs.view"), may = actor_may(&cx->actor, RIGHT_EDIT);

	if (db_rows(cx, &rows, JOBS_SHOWN,
		    "SELECT j.id, j.kind, j.state, j.note, j.error, j.attempts, j.created_at, j.finished_at, j.created_by"
		    " FROM job j WHERE " WORK_OF " ORDER BY j.id DESC LIMIT :max",
		    PARAMS(P_TEXT(":work", work_of(cx, id)), P_INT(":max", JOBS_SHOWN))) != RC_OK)
		return;
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, list);
		const char *state = text_at(v, "state");
		bool is_bad = strcmp(state, "failed") == 0 || strcmp(state, "dead") == 0;

		value_set_text(cx->arena, one, "number",
			       arena_printf(cx->arena, "%lld", (long long)int_at(v, "id")));
		value_set_text(cx->arena, one, "kind",
			       words_get(cx->lang, work_kind_title(text_at(v, "kind"))));
		for (size_t i = 0; i < sizeof(job_states) / sizeof(job_states[0]); i++)
			if (strcmp(job_states[i].state, state) == 0) {
				value_set_text(cx->arena, one, "state_title",
					       words_get(cx->lang, job_states[i].words));
				value_set_text(cx->arena, one, "mark", job_states[i].mark);
			}
		value_set_text(cx->arena, one, "text",
			       job_text(cx, text_at(v, text_at(v, "error")[0] != '\0' ? "error" : "note")));
		value_set_text(cx->arena, one, "created", bulk_moment(cx, int_at(v, "created_at")));
		value_set_text(cx->arena, one, "finished", bulk_moment(cx, int_at(v, "finished_at")));
		value_set_text(cx->arena, one, "by", who_shown(cx, text_at(v, "created_by")));
		value_set_text(cx->arena, one, "job_href",
			       may_see ? arena_printf(cx->arena, "/jobs/%lld", (long long)int_at(v, "id"))
				       : NULL);
		value_set_text(cx->arena, one, "again",
			       may && is_bad ? arena_printf(cx->arena, "%s/jobs/%lld/again", path,
							    (long long)int_at(v, "id"))
					     : NULL);
	}
	value_set_bool(cx->arena, page, "has_jobs", list->count > 0);
}

/* Reintentar: only work of this very send that failed; what is done already is not done again (spec §9.1). */
enum rc handle_bulk_job_again(struct cx *cx, struct call *call)
{
	const char *text = call_param(call, "job");
	struct value given = { .type = VALUE_TEXT, .text = text, .len = strlen(text) };
	int64_t id = 0, job = value_int_of(&given, 0), found = 0;
	enum rc rc = bulk_of_call(cx, call, &id);

	if (rc == RC_OK)
		rc = db_get_int(cx, &found, "SELECT j.id FROM job j WHERE j.id = :job AND +" WORK_OF,
				PARAMS(P_INT(":job", job), P_TEXT(":work", work_of(cx, id))));
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = tx_end(cx, job_run_again(cx, found));
	if (rc == RC_OK)
		answer_flash(cx, call, arena_printf(cx->arena, "/sends/%s", call_param(call, "id")),
			     _("It runs again; who has the mail already does not get it twice."));
	return rc;
}

/* The log: what its work said, newest last */

static void add_log(struct cx *cx, int64_t id, struct value *page)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, page, "log");

	if (db_rows(cx, &rows, 100,
		    "SELECT at, level, text FROM (SELECT l.id, l.at, l.level, l.text FROM job j CROSS JOIN job_line l ON"
		    " l.job_id = j.id WHERE " WORK_OF " ORDER BY l.id DESC LIMIT 100) ORDER BY id",
		    PARAMS(P_TEXT(":work", work_of(cx, id)))) != RC_OK)
		return;
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "at", bulk_moment(cx, int_at(v, "at")));
		value_set_text(cx->arena, one, "text", job_text(cx, text_at(v, "text")));
		value_set_bool(cx->arena, one, "is_warning", strcmp(text_at(v, "level"), "warning") == 0);
		value_set_bool(cx->arena, one, "is_error", strcmp(text_at(v, "level"), "error") == 0);
	}
	value_set_bool(cx->arena, page, "has_log", list->count > 0);
}

void bulk_show(struct cx *cx, int64_t id, struct value *page)
{
	struct value *row = NULL;
	const char *path, *code = "", *words;

	if (db_row(cx, &row, row_sql, PARAMS(P_INT(":id", id))) != RC_OK) return;
	path = arena_printf(cx->arena, "/sends/%s", text_at(row, "public_id"));
	words = bulk_shown(cx, row, &code);
	value_set_text(cx->arena, page, "state_code", code);
	value_set_text(cx->arena, page, "state_title", words);
	value_set_text(cx->arena, page, "path_of_send", path);
	value_set_text(cx->arena, page, "state_mark",
		       strcmp(code, "done") == 0                                            ? "ok"
		       : strstr(code, "error") == code || strcmp(code, "import_error") == 0 ? "error"
		       : strcmp(text_at(row, "status"), "paused") == 0                      ? "warn"
											    : "info");
	value_set_text(cx->arena, page, "why", bulk_why_words(cx, row));
	add_buttons(cx, row, path, page);
	add_facts(cx, row, page);
	add_limits(cx, row, page);
	add_attachments(cx, id, page);
	add_import(cx, row, path, page);
	add_counts(cx, id, path, page);
	add_missing(cx, id, page);
	add_progress(cx, row, path, page);
	add_report(cx, row, path, page);
	add_jobs(cx, id, path, page);
	add_log(cx, id, page);
	value_set_text(cx->arena, page, "rows_href", arena_printf(cx->arena, "%s/rows", path));
	cx->message = ""; /* what a part could not find out is not the page's failure */
}
