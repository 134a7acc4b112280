/*
** api_list.c -- bulk sends as programs read them: the list in its old shape, one send, its recipients, a look
** at a file (spec §18).
**
** Never:  changes anything.
** Holds:  (1) a number that is none, or too large, is refused at its name; (2) recipients leave as JSON a
**         page at a time, as CSV and workbook whole, in slices: memory does not grow with the send.
*/
#include "sends/api.h"

#include "base/text.h"
#include "desk/export.h"
#include "sends/recipients.h"
#include "sends/senders.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_USUAL  25
#define ROWS_STEP   500
#define SCRATCH_MAX ((size_t)16 * 1024 * 1024)
#define ROWS_USUAL  50

const struct fact bulk_list_takes[] = {
	{ .name = "status",
	  .type = FACT_TEXT,
	  .choices = "pending|queued|sending|paused|done|error|cancelled",
	  .help = N_("Only sends in this state") },
	{ .name = "q", .type = FACT_TEXT, .max = 100, .help = N_("Words of template, subject or number") },
	{ .name = "period",
	  .type = FACT_TEXT,
	  .choices = "current_month|all",
	  .help = N_("Made in this month (as if not given), or at any time") },
	{ .name = "page", .type = FACT_INT, .min = 1, .max = 1000000, .help = N_("Which page, from 1") },
	{ .name = "page_size",
	  .type = FACT_INT,
	  .min = 1,
	  .max = API_ROWS_MAX,
	  .help = N_("Rows of a page") },
	{ .name = NULL },
};

const struct fact bulk_rows_takes[] = {
	{ .name = "state",
	  .type = FACT_TEXT,
	  .choices =
		  "invalid|not_started|queued|sending|sent|delivered|read|failed|unsure|cancelled|skipped|expired",
	  .help = N_("Only rows in this state") },
	{ .name = "after",
	  .type = FACT_INT,
	  .min = 0,
	  .max = 1000000,
	  .help = N_("Rows behind this number") },
	{ .name = "limit", .type = FACT_INT, .min = 1, .max = API_ROWS_MAX, .help = N_("Rows of a page") },
	{ .name = "page_size",
	  .type = FACT_INT,
	  .min = 1,
	  .max = API_ROWS_MAX,
	  .help = N_("The same as limit, under the name it has elsewhere") },
	{ .name = NULL },
};

static int64_t query_number(struct call *call, const char *name, int64_t otherwise)
{
	const char *text = call_query(call, name);
	struct value v = { .type = VALUE_TEXT, .text = text, .len = text != NULL ? strlen(text) : 0 };

	return text != NULL && text[0] != '\0' ? value_int_of(&v, otherwise) : otherwise;
}

void bulk_answer_object(struct cx *cx, struct call *call, int status, struct value *object)
{
	value_set_bool(cx->arena, object, "ok", true);
	shape_json(cx, object);
	answer_json(cx, call, status, object);
}

/* The list */

static instant month_start(struct cx *cx)
{
	int year, month, dom;
	day first = 0;

	day_split(cx_today(cx), &year, &month, &dom);
	(void)day_make(&first, year, month, 1);
	return zone_midnight(cx->env->zone, first);
}

static void add_capabilities(struct cx *cx, struct value *out)
{
	static const char *const rights[][2] = {
		{ "can_operate", RIGHT_EDIT },
		{ "can_resolve", RIGHT_RESOLVE },
		{ "can_see_reports", RIGHT_REPORTS },
		{ "can_request_reports", RIGHT_REQUEST },
		{ "can_process_reports", RIGHT_PROCESS },
		{ "can_load_to_db", RIGHT_LOAD },
	};
	struct value *map = value_set_map(cx->arena, out, "capabilities");

	for (size_t i = 0; i < sizeof(rights) / sizeof(*rights); i++)
		value_set_bool(cx->arena, map, rights[i][0], actor_may(&cx->actor, rights[i][1]));
}

#define MEANT                                                                                     \
	" FROM bulk_send WHERE archived_at IS NULL AND created_at >= :since AND (:status = '' OR" \
	" status = :status) AND (:q = '' OR search LIKE :q ESCAPE '\\')"

enum rc handle_bulk_api_list(struct cx *cx, struct call *call)
{
	const char *status = call_query(call, "status"), *q = call_query(call, "q"),
		   *period = call_query(call, "period");
	bool is_all = period != NULL && strcmp(period, "all") == 0;
	int64_t size = query_number(call, "page_size", PAGE_USUAL), page = query_number(call, "page", 1),
		count = 0;
	struct value *out = value_map(cx->arena), *ids = NULL, *list;
	const char *words = q != NULL && q[0] != '\0' ? text_like(cx->arena, q) : "";
	instant since = is_all ? 0 : month_start(cx);
	enum rc rc;

	if (status == NULL) status = "";
	rc = db_get_int(cx, &count, "SELECT count(*)" MEANT,
			PARAMS(P_INT(":since", since), P_TEXT(":status", status), P_TEXT(":q", words)));
	if (rc == RC_OK)
		rc = db_rows(cx, &ids, (size_t)size,
			     "SELECT id" MEANT " ORDER BY created_at DESC, id DESC LIMIT :size OFFSET :from",
			     PARAMS(P_INT(":since", since), P_TEXT(":status", status), P_TEXT(":q", words),
				    P_INT(":size", size), P_INT(":from", (page - 1) * size)));
	value_set_bool(cx->arena, out, "ok", true);
	value_set_int(cx->arena, out, "count", count);
	value_set_int(cx->arena, out, "page", page);
	value_set_int(cx->arena, out, "num_pages", count > 0 ? (count + size - 1) / size : 1);
	value_set_text(cx->arena, out, "period", is_all ? "all" : "current_month");
	add_capabilities(cx, out);
	list = value_set_list(cx->arena, out, "results");
	for (const struct value *v = rc == RC_OK ? ids->first : NULL; v != NULL && rc == RC_OK; v = v->next) {
		struct value *object = NULL;

		rc = bulk_object(cx, &object, value_int_of(value_get(v, "id"), 0), false);
		if (rc == RC_OK) value_append(list, object);
	}
	if (rc != RC_OK) return rc;
	shape_json(cx, out);
	answer_json(cx, call, 200, out);
	return RC_OK;
}

enum rc handle_bulk_api_show(struct cx *cx, struct call *call)
{
	struct value *object = NULL;
	int64_t id = 0;
	enum rc rc = bulk_find(cx, &id, call_param(call, "id"));

	if (rc == RC_OK) rc = bulk_object(cx, &object, id, true);
	if (rc == RC_OK) bulk_answer_object(cx, call, 200, object);
	return rc;
}

/* Senders: the list is the office's; this is who a send is from when none is chosen, and who can be. */

#define SENDERS_TOLD 200 /* active ones; a form offers no more */

static void add_default_sender(struct cx *cx, struct value *out)
{
	struct sender s = { .from_email = "" };
	struct value *map = value_set_map(cx->arena, out, "default_sender");
	const char *channel = setting_text(cx->env->settings, "sends.channel");
	bool is_set = sender_resolve(cx, &s,
				     &(struct sender_ask){ .channel = channel,
							   .user_id = cx->actor.user_id }) == RC_OK;

	cx->message = "";
	cx->error_code = NULL;
	value_set_text(cx->arena, map, "from_email", is_set ? s.from_email : NULL);
	value_set_text(cx->arena, map, "from_name", is_set ? s.from_name : NULL);
}

enum rc handle_bulk_api_senders(struct cx *cx, struct call *call)
{
	struct value *out = value_map(cx->arena), *rows = NULL;
	enum rc rc = db_rows(
		cx, &rows, SENDERS_TOLD,
		"SELECT public_id AS id, from_email, from_name, reply_to FROM sender WHERE is_active = 1 AND archived_at IS NULL"
		" ORDER BY from_email, id LIMIT :max",
		PARAMS(P_INT(":max", SENDERS_TOLD)));

	if (rc != RC_OK) return rc;
	add_default_sender(cx, out);
	value_set(out, "results", rows);
	bulk_answer_object(cx, call, 200, out);
	return RC_OK;
}

/* The work of sends, under the names the old programs know (spec §18). */

#define JOBS_USUAL 30 /* spec §18 */

const struct fact bulk_jobs_takes[] = {
	{ .name = "state",
	  .type = FACT_TEXT,
	  .choices = "queued|running|done|error",
	  .help = N_("Only work in this state") },
	{ .name = "job_type", .type = FACT_TEXT, .max = 60, .help = N_("Only work of this kind") },
	{ .name = "bulk_id",
	  .type = FACT_TEXT,
	  .max = 40,
	  .help = N_("Only work of this send, by its id or number") },
	{ .name = "page", .type = FACT_INT, .min = 1, .max = 1000000, .help = N_("Which page, from 1") },
	{ .name = "page_size",
	  .type = FACT_INT,
	  .min = 1,
	  .max = API_ROWS_MAX,
	  .help = N_("Rows of a page") },
	{ .name = NULL },
};

#define OLD_STATE "CASE WHEN j.state IN ('failed', 'dead') THEN 'error' ELSE j.state END"
#define WORK                                                                                        \
	" FROM job j WHERE j.slot >= 'sends.' AND j.slot < 'sends/' AND (:state = '' OR " OLD_STATE \
	" = :state)"                                                                                \
	" AND (:type = '' OR j.kind IN (:type, 'sends.' || :type)) AND (:bulk = 0 OR j.args_json ->> '$.bulk_id' = :bulk)"

enum rc handle_bulk_api_jobs(struct cx *cx, struct call *call)
{
	const char *state = call_query(call, "state"), *type = call_query(call, "job_type"),
		   *bulk = call_query(call, "bulk_id");
	int64_t size = query_number(call, "page_size", JOBS_USUAL), page = query_number(call, "page", 1),
		count = 0, id = 0;
	struct value *out = value_map(cx->arena), *rows = NULL;
	enum rc rc = bulk != NULL && bulk[0] != '\0' ? bulk_find(cx, &id, bulk) : RC_OK;

	if (state == NULL) state = "";
	if (type == NULL) type = "";
	if (rc == RC_OK)
		rc = db_get_int(cx, &count, "SELECT count(*)" WORK,
				PARAMS(P_TEXT(":state", state), P_TEXT(":type", type), P_INT(":bulk", id)));
	if (rc == RC_OK)
		rc = db_rows(
			cx, &rows, (size_t)size,
			"SELECT j.id, j.kind AS job_type, " OLD_STATE
			" AS state, j.note AS message, j.error, j.attempts, j.created_at, (SELECT r.started_at FROM job_run r"
			" WHERE r.job_id = j.id ORDER BY r.id DESC LIMIT 1) AS started_at, j.finished_at,"
			" j.created_by AS triggered_by, (SELECT b.public_id FROM bulk_send b WHERE b.id ="
			" j.args_json ->> '$.bulk_id') AS bulk_id, (SELECT b.template_name FROM bulk_send b WHERE b.id ="
			" j.args_json ->> '$.bulk_id') AS bulk_label" WORK
			" ORDER BY j.id DESC LIMIT :size OFFSET :from",
			PARAMS(P_TEXT(":state", state), P_TEXT(":type", type), P_INT(":bulk", id),
			       P_INT(":size", size), P_INT(":from", (page - 1) * size)));
	if (rc != RC_OK) return rc;
	value_set_int(cx->arena, out, "count", count);
	value_set_int(cx->arena, out, "page", page);
	value_set_int(cx->arena, out, "num_pages", count > 0 ? (count + size - 1) / size : 1);
	job_words(cx, rows, "message");
	job_words(cx, rows, "error");
	value_set(out, "results", rows);
	bulk_answer_object(cx, call, 200, out);
	return RC_OK;
}

/* Recipients */

static enum rc answer_rows_json(struct cx *cx, struct call *call, int64_t id, const char *state)
{
	struct value *out = value_map(cx->arena), *rows = NULL;
	int64_t limit = query_number(call, "limit", query_number(call, "page_size", ROWS_USUAL));
	enum rc rc = bulk_rows(cx, &rows, id, state, query_number(call, "after", 0), limit);

	if (rc != RC_OK) return rc;
	value_set_bool(cx->arena, out, "ok", true);
	if ((int64_t)rows->count < limit)
		value_set_null(cx->arena, out, "next_after");
	else
		value_set_int(cx->arena, out, "next_after", value_int_of(value_get(rows->last, "row"), 0));
	value_set(out, "results", rows);
	shape_json(cx, out);
	answer_json(cx, call, 200, out);
	return RC_OK;
}

static const struct sheet_column row_columns[] = {
	{ "row", SHEET_INT },
	{ "email", SHEET_TEXT },
	{ "name", SHEET_TEXT },
	{ "status", SHEET_TEXT },
	{ "send_status", SHEET_TEXT },
	{ "error_code", SHEET_TEXT },
	{ "error_message", SHEET_TEXT },
	{ "message_id", SHEET_TEXT },
	{ "sent_at", SHEET_INSTANT },
	{ "delivery_status", SHEET_TEXT },
	{ "opens", SHEET_INT },
	{ "clicks", SHEET_INT },
};

static enum rc write_row(struct sheet *s, const struct value *row)
{
	for (size_t i = 0; i < sizeof(row_columns) / sizeof(*row_columns); i++) {
		const struct value *v = value_get(row, row_columns[i].title);

		if (v == NULL || v->type == VALUE_NULL)
			sheet_empty(s);
		else if (row_columns[i].type == SHEET_INT)
			sheet_int(s, v->integer);
		else if (row_columns[i].type == SHEET_INSTANT)
			sheet_instant(s, v->integer);
		else
			sheet_text(s, value_text_of(v, ""));
	}
	return sheet_row(s);
}

static enum rc write_rows(struct cx *cx, struct sheet *s, int64_t id, const char *state)
{
	struct arena *own = cx->arena, *scratch = arena_new(SCRATCH_MAX);
	int64_t after = 0;
	enum rc rc = scratch != NULL ? RC_OK : RC_NO_MEMORY;

	for (size_t n = ROWS_STEP; rc == RC_OK && n == ROWS_STEP;) {
		struct value *rows = NULL;

		arena_reset(scratch);
		cx->arena = scratch;
		rc = bulk_rows(cx, &rows, id, state, after, ROWS_STEP);
		n = rc == RC_OK ? rows->count : 0;
		for (const struct value *r = rc == RC_OK ? rows->first : NULL; r != NULL && rc == RC_OK;
		     r = r->next) {
			after = value_int_of(value_get(r, "row"), 0);
			rc = write_row(s, r);
		}
		cx->arena = own;
	}
	arena_free(scratch);
	return rc;
}

static enum rc answer_rows_sheet(struct cx *cx, struct call *call, int64_t id, const char *state)
{
	enum sheet_kind kind = call_sheet(call);
	struct sheet *s = NULL;
	int fd = -1;
	enum rc rc = sheet_open(cx, &s, kind, "recipients", row_columns,
				sizeof(row_columns) / sizeof(*row_columns));

	db_limit_ms(cx->db, DESK_EXPORT_MS);
	if (rc == RC_OK) rc = write_rows(cx, s, id, state);
	rc = sheet_close(s, rc, &fd);
	db_limit_ms(cx->db, DESK_PAGE_MS);
	if (rc == RC_OK)
		answer_sheet(cx, call, fd, kind,
			     arena_printf(cx->arena, "bulk_%lld_recipients", (long long)id));
	return rc;
}

enum rc handle_bulk_recipients(struct cx *cx, struct call *call)
{
	const char *state = call_query(call, "state");
	int64_t id = 0;
	enum rc rc = bulk_find(cx, &id, call_param(call, "id"));

	if (state == NULL) state = "";
	if (rc == RC_OK && !bulk_rows_state_is_known(state))
		rc = cx_fail_field(cx, "state", _("“%s” is not one of the choices."), state);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_CSV || call_shape(call) == SHAPE_XLSX)
		return answer_rows_sheet(cx, call, id, state);
	if (call_shape(call) == SHAPE_JSON) return answer_rows_json(cx, call, id, state);
	answer_redirect(cx, call, arena_printf(cx->arena, "/sends/%s/rows", call_param(call, "id")));
	return RC_OK;
}

enum rc handle_bulk_evidence(struct cx *cx, struct call *call)
{
	struct value *out = NULL;
	int64_t id = 0;
	enum rc rc = bulk_find(cx, &id, call_param(call, "id"));

	if (rc == RC_OK && call_shape(call) == SHAPE_PAGE) {
		answer_redirect(cx, call,
				arena_printf(cx->arena, "/sends/%s/unsure", call_param(call, "id")));
		return RC_OK;
	}
	if (rc == RC_OK) rc = bulk_evidence(cx, &out, id, atoll(call_param(call, "row")));
	if (rc == RC_OK) bulk_answer_object(cx, call, 200, out);
	return rc;
}

/* A look at a file */

enum rc handle_bulk_csv_preview(struct cx *cx, struct call *call)
{
	struct value *out = NULL;
	struct upload up;
	enum rc rc = form_read(cx, call);

	if (rc == RC_OK && !form_upload(call, "file", &up))
		rc = cx_fail_field(cx, "file", "%s", _("Choose the file of recipients."));
	if (rc == RC_OK && up.bytes.len > RECIPIENTS_BYTES_MAX) {
		cx->error_code = "file_too_large";
		rc = cx_fail(cx, RC_TOO_LARGE, "%s", recipients_words(cx->lang, "file_too_large"));
	}
	if (rc == RC_OK)
		rc = recipients_preview(
			cx, &out, up.bytes,
			&(struct preview_options){ .variables_json = form_text(call, "variables"),
						   .may_be_empty = form_text(call, "may_be_empty"),
						   .dedupe = form_text(call, "dedupe") });
	if (rc == RC_OK) bulk_answer_object(cx, call, 200, out);
	return rc;
}
