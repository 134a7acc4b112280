/*
** bulk_object.c -- a bulk send as programs and pages read it: found, named, told whole (spec §18).
**
** Never:  tells a recipient's address, a header or a body; asks the provider.
** Holds:  (1) what is shown as its state is the label of spec §3.1: work under way and an hour to wait for
**         speak before the state; (2) what cannot be found out is left out, the object stands.
*/
#include "sends/bulk_inner.h"

#include "base/text.h"
#include "sends/recipients.h"
#include "sends/reports.h"
#include <string.h>

#define JOBS_SHORT  3
#define JOBS_DETAIL 10
#define LOG_LINES   100 /* of work and history, newest last: what a person reads of one send */
/* All work of one send, also what is over: the index job_sends. */
#define WORK_OF "slot >= 'sends.' AND slot < 'sends/' AND slot IN (:s1, :s2, :s3, :s4, :s5, :s6)"

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

/* Finding */

enum rc bulk_find(struct cx *cx, int64_t *id, const char *given)
{
	bool is_number =
		given[0] != '\0' && strspn(given, "0123456789") == strlen(given) && strlen(given) < 19;
	struct value number = { .type = VALUE_TEXT, .text = given, .len = strlen(given) };
	enum rc rc = db_get_int(cx, id, "SELECT id FROM bulk_send WHERE public_id = :id",
				PARAMS(P_TEXT(":id", given)));

	if (rc == RC_NOT_FOUND && is_number)
		rc = db_get_int(cx, id, "SELECT id FROM bulk_send WHERE id = :id",
				PARAMS(P_INT(":id", value_int_of(&number, 0))));
	if (rc == RC_NOT_FOUND)
		return cx_fail(cx, rc, _("There is no bulk send %s."),
			       arena_bytes(cx->arena, given, text_prefix(given, 40)));
	return rc;
}

/* Words */

static const struct {
	const char *code, *msgid;
} shown_words[] = {
	{ "importing", N_("importing") },
	{ "import_error", N_("import error") },
	{ "scheduled", N_("timed") },
	{ "ready", N_("ready") },
	{ "ready_with_errors", N_("ready with invalid rows") },
	{ "queued", N_("in the queue") },
	{ "sending", N_("being sent") },
	{ "paused", N_("on hold") },
	{ "done", N_("finished") },
	{ "error", N_("with an error") },
	{ "cancelled", N_("called off") },
};

const char *bulk_shown(struct cx *cx, const struct value *row, const char **code)
{
	const char *status = text_of(row, "status"), *import = text_of(row, "import_status"), *shown = status;

	if (strcmp(import, "error") == 0 && (strcmp(status, "pending") == 0 || strcmp(status, "error") == 0))
		shown = "import_error";
	else if (strcmp(status, "pending") != 0)
		shown = status;
	else if (strcmp(import, "importing") == 0 || strcmp(import, "not_started") == 0)
		shown = "importing";
	else if (int_of(row, "scheduled_at") != 0)
		shown = "scheduled";
	else
		shown = import;
	if (code != NULL) *code = shown;
	for (size_t i = 0; i < sizeof(shown_words) / sizeof(*shown_words); i++)
		if (strcmp(shown_words[i].code, shown) == 0) return words_get(cx->lang, shown_words[i].msgid);
	return shown;
}

/* The object */

static void set_instant(struct cx *cx, struct value *out, const char *name, const struct value *row,
			const char *column)
{
	int64_t at = int_of(row, column);

	if (at == 0)
		value_set_null(cx->arena, out, name);
	else
		value_set_int(cx->arena, out, name, at);
}

static void add_import(struct cx *cx, const struct value *row, struct value *out)
{
	struct value *map = value_set_map(cx->arena, out, "import");
	const char *error = text_of(row, "import_error");
	int64_t all = int_of(row, "imported_rows"), valid = int_of(row, "valid_rows"),
		invalid = int_of(row, "invalid_rows");

	value_set_text(cx->arena, map, "status", text_of(row, "import_status"));
	value_set_int(cx->arena, map, "total_rows", all);
	value_set_int(cx->arena, map, "valid_rows", valid);
	value_set_int(cx->arena, map, "invalid_rows", invalid);
	value_set_int(cx->arena, map, "pending_rows", valid);
	set_instant(cx, map, "started_at", row, "import_started_at");
	set_instant(cx, map, "finished_at", row, "import_finished_at");
	value_set_text(cx->arena, map, "error", error);
	value_set_text(cx->arena, map, "error_words",
		       error[0] != '\0' ? recipients_words(cx->lang, error) : "");
}

static struct value *parsed(struct cx *cx, const char *json)
{
	struct value *v = NULL;

	if (json_parse(cx->arena, &v, NULL, json, strlen(json)) != RC_OK) v = value_map(cx->arena);
	v->key = NULL;
	return v;
}

/* Old words of a job's state (spec §3.4). */
static const char *job_state(const char *state)
{
	return strcmp(state, "failed") == 0 || strcmp(state, "dead") == 0 ? "error" : state;
}

static enum rc add_jobs(struct cx *cx, int64_t id, int64_t max, struct value *out)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, out, "jobs");
	enum rc rc = db_rows(
		cx, &rows, (size_t)max,
		"SELECT id, kind, state, note, error, attempts, created_at, progress_done, progress_total, finished_at,"
		" created_by, (SELECT started_at FROM job_run WHERE job_id = job.id ORDER BY id DESC LIMIT 1) AS started_at"
		" FROM job WHERE " WORK_OF " ORDER BY id DESC LIMIT :max",
		PARAMS(P_TEXT(":s1", bulk_slot(cx, "send", id)), P_TEXT(":s2", bulk_slot(cx, "import", id)),
		       P_TEXT(":s3", bulk_slot(cx, "next", id)), P_TEXT(":s4", bulk_slot(cx, "evidence", id)),
		       P_TEXT(":s5", bulk_slot(cx, "report", id)),
		       P_TEXT(":s6", bulk_slot(cx, "post-reports", id)), P_INT(":max", max)));

	for (const struct value *r = rc == RC_OK ? rows->first : NULL; r != NULL; r = r->next) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_int(cx->arena, one, "id", int_of(r, "id"));
		value_set_text(cx->arena, one, "job_type", text_of(r, "kind"));
		value_set_text(cx->arena, one, "state", job_state(text_of(r, "state")));
		value_set_text(cx->arena, one, "message", job_text(cx, text_of(r, "note")));
		value_set_text(cx->arena, one, "error", job_text(cx, text_of(r, "error")));
		value_set_int(cx->arena, one, "attempts", int_of(r, "attempts"));
		value_set_int(cx->arena, one, "done", int_of(r, "progress_done"));
		value_set_int(cx->arena, one, "total", int_of(r, "progress_total"));
		set_instant(cx, one, "created_at", r, "created_at");
		set_instant(cx, one, "started_at", r, "started_at");
		set_instant(cx, one, "finished_at", r, "finished_at");
		value_set_text(cx->arena, one, "triggered_by", text_of(r, "created_by"));
	}
	return rc;
}

/* What the old systems kept as text: from the work's own lines and the send's history. */
static enum rc add_log(struct cx *cx, int64_t id, struct value *out)
{
	struct query *q = NULL;
	char hour[RFC3339_SIZE];
	struct sb sb;
	enum rc rc = db_query(
		cx, &q,
		"SELECT at, who, text FROM (SELECT l.at AS at, '[BG]' AS who, l.text AS text FROM job j CROSS JOIN job_line l"
		" ON l.job_id = j.id WHERE j.slot >= 'sends.' AND j.slot < 'sends/' AND j.slot IN (:s1, :s2)"
		" UNION ALL SELECT a.at, CASE WHEN a.actor = 'system' THEN '[BG]' ELSE '[API]' END,"
		" a.action || CASE WHEN a.actor = 'system' THEN '' ELSE ' (' || a.actor || ')' END FROM audit a"
		" WHERE a.table_name = 'bulk_send' AND a.row_id = :id"
		" UNION ALL SELECT p.done_at, '[REPORT]', p.outcome FROM bulk_report_pass p WHERE p.bulk_id = :id"
		" AND p.done_at IS NOT NULL) ORDER BY at DESC LIMIT :max",
		PARAMS(P_TEXT(":s1", bulk_slot(cx, "send", id)), P_TEXT(":s2", bulk_slot(cx, "import", id)),
		       P_INT(":id", id), P_INT(":max", LOG_LINES)));

	sb_init_arena(&sb, cx->arena, 256 * 1024);
	while (rc == RC_OK && query_next(q)) {
		instant_text_zone(hour, query_int(q, 0), cx->env->zone);
		sb_printf(&sb, "%.19s %s %s\n", hour, query_text(q, 1), job_text(cx, query_text(q, 2)));
	}
	rc = query_end(q, rc);
	value_set_text(cx->arena, out, "log", sb_text_of(&sb));
	return rc;
}

static enum rc add_attachments(struct cx *cx, int64_t id, struct value *out)
{
	struct value *rows = NULL;
	enum rc rc = db_rows(
		cx, &rows, MESSAGE_FILES_MAX,
		"SELECT a.public_id AS id, a.name, a.content_type, a.size_bytes FROM bulk_send_attachment x"
		" CROSS JOIN mail_attachment a ON a.id = x.attachment_id WHERE x.bulk_id = :id ORDER BY a.id",
		PARAMS(P_INT(":id", id)));

	if (rc == RC_OK) value_set(out, "attachments", rows);
	return rc;
}

/* Names that the template needs and the file does not give: told before anything is started. Only from what
** is known here. */
static void add_missing(struct cx *cx, int64_t id, struct value *out)
{
	struct value *missing = NULL;
	struct mail_template t;
	struct bulk b;

	if (bulk_read(cx, &b, id) == RC_OK && strncmp(b.import_status, "ready", 5) == 0 &&
	    gate_template(cx, &t, &b, false) == RC_OK && t.has_body &&
	    gate_missing(cx, &missing, &b, &t) == RC_OK)
		value_set(out, "missing_variables", missing);
	cx->message = "";
	cx->error_code = NULL;
}

static void add_report(struct cx *cx, int64_t id, struct value *out)
{
	static const char *const lifted[][2] = {
		{ "refresh_age_minutes", "report_refresh_age_minutes" },
		{ "refresh_available", "report_refresh_available" },
		{ "refresh_remaining_minutes", "report_refresh_remaining_minutes" },
	};
	struct value *report = NULL;

	if (report_of_bulk(cx, &report, id) != RC_OK) {
		cx->message = "";
		value_set_null(cx->arena, out, "report");
		return;
	}
	for (size_t i = 0; i < sizeof(lifted) / sizeof(*lifted); i++) {
		const struct value *v = value_get(report, lifted[i][0]);

		if (v == NULL || v->type == VALUE_NULL)
			value_set_null(cx->arena, out, lifted[i][1]);
		else if (v->type == VALUE_BOOL)
			value_set_bool(cx->arena, out, lifted[i][1], v->boolean);
		else
			value_set_int(cx->arena, out, lifted[i][1], v->integer);
	}
	value_set(out, "report", report);
}

static void add_plain(struct cx *cx, const struct value *row, struct value *out)
{
	static const char *const texts[] = { "client_request_id", "channel", "template_id", "template_name",
					     "subject",           "status",  "status_why" };
	static const char *const instants[] = {
		"created_at",       "scheduled_at",    "processing_started_at", "sent_started_at",
		"sent_finished_at", "paused_until_at", "post_reports_loaded_at"
	};
	const char *code = "", *report = text_of(row, "post_reports_status");
	instant now = cx_now(cx), created = int_of(row, "created_at");

	value_set_text(cx->arena, out, "id", text_of(row, "public_id"));
	value_set_int(cx->arena, out, "number", int_of(row, "id"));
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		value_set_text(cx->arena, out, texts[i], value_text_of(value_get(row, texts[i]), NULL));
	value_set_text(cx->arena, out, "status_words", bulk_why_words(cx, row));
	value_set_text(cx->arena, out, "shown", bulk_shown(cx, row, &code));
	value_set_text(cx->arena, out, "shown_code", code);
	for (size_t i = 0; i < sizeof(instants) / sizeof(*instants); i++)
		set_instant(cx, out, instants[i], row, instants[i]);
	value_set_int(cx->arena, out, "age_hours", now > created ? (now - created) / HOUR_MS : 0);
	value_set_text(cx->arena, out, "post_reports_status", report[0] != '\0' ? report : NULL);
	value_set_text(cx->arena, out, "from_email", text_of(row, "from_email"));
	value_set_text(cx->arena, out, "from_name", text_of(row, "from_name"));
	value_set_text(cx->arena, out, "created_by", text_of(row, "created_by"));
}

static enum rc add_detail(struct cx *cx, int64_t id, const struct value *row, struct value *out)
{
	struct value *file = value_set_map(cx->arena, out, "recipients_file");
	struct value *counts = NULL;
	enum rc rc = bulk_counts(cx, &counts, id, false);

	value_set(out, "variables", parsed(cx, text_of(row, "variables_json")));
	value_set(out, "may_be_empty", parsed(cx, text_of(row, "may_be_empty")));
	value_set_text(cx->arena, out, "dedupe", text_of(row, "dedupe"));
	value_set_bool(cx->arena, out, "sends_suppressed", int_of(row, "sends_suppressed") != 0);
	value_set(out, "result", parsed(cx, text_of(row, "result_json")));
	if (rc == RC_OK) value_set(out, "counts", counts);
	value_set_text(cx->arena, file, "name", text_of(row, "file_name"));
	value_set_int(cx->arena, file, "size_bytes", int_of(row, "file_size"));
	value_set_text(cx->arena, file, "sha256", text_of(row, "file_sha256"));
	if (rc == RC_OK) rc = add_attachments(cx, id, out);
	if (rc == RC_OK) rc = add_log(cx, id, out);
	add_missing(cx, id, out);
	return rc;
}

enum rc bulk_object(struct cx *cx, struct value **out, int64_t id, bool is_detail)
{
	struct value *row = NULL, *map = value_map(cx->arena);
	enum rc rc = db_row(
		cx, &row,
		"SELECT t.*, f.name AS file_name, f.size AS file_size, f.sha256 AS file_sha256 FROM bulk_send t"
		" LEFT JOIN file f ON f.id = t.file_id WHERE t.id = :id",
		PARAMS(P_INT(":id", id)));

	if (rc == RC_NOT_FOUND) return cx_fail(cx, rc, _("There is no bulk send %lld."), (long long)id);
	if (rc != RC_OK) return rc;
	add_plain(cx, row, map);
	add_import(cx, row, map);
	add_report(cx, id, map);
	rc = add_jobs(cx, id, is_detail ? JOBS_DETAIL : JOBS_SHORT, map);
	if (rc == RC_OK && is_detail) rc = add_detail(cx, id, row, map);
	if (rc == RC_OK) *out = map;
	return rc;
}
