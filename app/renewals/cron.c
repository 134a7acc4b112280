/*
** cron.c -- /cron/notifications/: the old systems' address for an outside scheduler (spec §8).
**
** Holds: (1) without a token in the settings the address does not exist; (2) the token is compared in
** constant time; (3) one run at a time and CALLS_AN_HOUR calls; (4) every call leaves a row, refused ones as
** a count per hour and status; (5) no handler waits: ?wait=1 parks the connection.
*/
#include "renewals/renewals.h"
#include <string.h>

#define CALLS_AN_HOUR 10            /* an outside scheduler calls once a day                      */
#define WAIT_MS       (25 * 1000)   /* cron-job.org gives up after 30 s                           */
#define KEEP_MS       (90 * DAY_MS) /* spec §8                                                   */

static bool is_proven(struct cx *cx, struct call *call)
{
	const char *token = setting_text(cx->env->settings, "renewals.cron_token");
	const char *given = call_header(call, "X-Cron-Token");
	const char *bearer = call_header(call, "Authorization");

	if (given == NULL && bearer != NULL && strncmp(bearer, "Bearer ", 7) == 0) given = bearer + 7;
	return given != NULL && same_bytes(given, strlen(given), token, strlen(token));
}

static int64_t waited_ms(struct call *call)
{
	return clock_ticks() - request_started_ticks(call_request(call));
}

/* A refused call is only counted, so that a stranger's loop cannot fill the table. */
static enum rc write_call(struct cx *cx, struct call *call, int status, int64_t batch_id)
{
	instant now = cx_now(cx), hour = now - now % HOUR_MS;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	if (status >= 400)
		rc = db_run(cx,
			    "UPDATE cron_call SET count = count + 1 WHERE at = :hour AND status = :status",
			    PARAMS(P_INT(":hour", hour), P_INT(":status", status)));
	if (rc == RC_OK && (status < 400 || db_changes(cx) == 0))
		rc = db_run(cx,
			    "INSERT INTO cron_call (at, address, status, duration_ms, batch_id)"
			    " VALUES (:at, :address, :status, :duration, :batch)",
			    PARAMS(P_INT(":at", status < 400 ? now : hour),
				   P_TEXT(":address", status < 400 ? call_address(call) : ""),
				   P_INT(":status", status), P_INT(":duration", waited_ms(call)),
				   P_REF(":batch", batch_id)));
	if (rc == RC_OK)
		rc = db_run(cx, "DELETE FROM cron_call WHERE at < :old",
			    PARAMS(P_INT(":old", now - KEEP_MS)));
	return tx_end(cx, rc);
}

static enum rc answer_status(struct cx *cx, struct call *call, int status, const char *sentence)
{
	struct value *root = value_map(cx->arena);

	value_set_bool(cx->arena, root, "success", false);
	value_set_text(cx->arena, root, "message", sentence);
	answer_json(cx, call, status, root);
	return write_call(cx, call, status, 0);
}

static enum rc answer_report(struct cx *cx, struct call *call, int status, int64_t batch_id,
			     const char *sentence)
{
	struct value *report = NULL;
	enum rc rc = report_of_batch(cx, &report, batch_id, cx->lang);

	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, report, "message", sentence);
	answer_json(cx, call, status, report);
	return write_call(cx, call, status, batch_id);
}

/* The newest planning job: there is one at a time, so it is the one the parked caller began. */
static enum rc find_job(struct cx *cx, int64_t *job_id, const char **state, int64_t *batch_id)
{
	struct value *job = NULL, *result = NULL;
	const char *json;
	enum rc rc = db_row(
		cx, &job,
		"SELECT id, state, result_json FROM job WHERE kind = 'renewals.plan' ORDER BY id DESC LIMIT 1",
		NO_PARAMS);

	if (rc != RC_OK) return rc;
	*job_id = value_int_of(value_get(job, "id"), 0);
	*state = value_text_of(value_get(job, "state"), "");
	json = value_text_of(value_get(job, "result_json"), "{}");
	if (json_parse(cx->arena, &result, NULL, json, strlen(json)) == RC_OK)
		*batch_id = value_int_of(value_get(result, "batch_id"), 0);
	return RC_OK;
}

/* Called again every PARK_MS while the caller waits. */
#define PARK_MS 250
static enum rc wait_on(struct cx *cx, struct call *call)
{
	const char *state = "";
	int64_t job = 0, batch = 0;
	bool is_finished = false;
	enum rc rc = find_job(cx, &job, &state, &batch);

	if (rc == RC_OK && strcmp(state, "done") == 0 && batch != 0)
		rc = batch_is_finished(cx, &is_finished, batch);
	if (rc != RC_OK) return rc;
	if (is_finished) return answer_report(cx, call, 200, batch, _("Run finished."));
	if (strcmp(state, "dead") == 0 || strcmp(state, "failed") == 0 || strcmp(state, "cancelled") == 0)
		return answer_status(cx, call, 500, _("The run failed; see the jobs in the panel."));
	if (waited_ms(call) >= WAIT_MS - PARK_MS) {
		if (batch != 0) return answer_report(cx, call, 202, batch, _("The run goes on."));
		return answer_status(cx, call, 202, _("The run goes on."));
	}
	answer_later(call, PARK_MS);
	return RC_OK;
}

static enum rc begin_run(struct cx *cx, struct call *call)
{
	struct plan_options options = {
		.date = cx_today(cx), .origin = "cron", .batch_origin = "cron", .is_whole = true
	};
	struct value *root;
	char date[DATE_SIZE];
	int64_t job = 0, calls = 0;
	enum rc rc =
		db_get_int(cx, &calls,
			   "SELECT coalesce(sum(count), 0) FROM cron_call WHERE at > :since AND status < 400",
			   PARAMS(P_INT(":since", cx_now(cx) - HOUR_MS)));

	if (rc != RC_OK) return rc;
	if (calls >= CALLS_AN_HOUR) {
		answer_header(call, "Retry-After", "3600");
		return answer_status(cx, call, 429,
				     _("At most 10 calls an hour; the day's notices need one."));
	}
	options.stage_count = plan_stages_default(cx, options.stages);
	rc = plan_start(cx, &job, &options);
	if (rc == RC_CONFLICT)
		return answer_status(cx, call, 409, _("A run is already under way; wait for it to end."));
	if (rc != RC_OK) return rc;
	if (call_query(call, "wait") != NULL && strcmp(call_query(call, "wait"), "1") == 0) {
		answer_later(call, PARK_MS);
		return RC_OK;
	}
	day_text(date, options.date);
	root = value_map(cx->arena);
	value_set_bool(cx->arena, root, "success", true);
	value_set_text(cx->arena, root, "message", _("The run has started."));
	value_set_text(cx->arena, root, "run_id", arena_printf(cx->arena, "job-%lld", (long long)job));
	value_set_text(cx->arena, root, "local_date", date);
	value_set_list(cx->arena, root, "results");
	value_set_int(cx->arena, root, "total_sent", 0);
	answer_json(cx, call, 202, root);
	return write_call(cx, call, 202, 0);
}

static enum rc handle_cron(struct cx *cx, struct call *call)
{
	if (call_is_again(call)) return wait_on(cx, call);
	if (setting_text(cx->env->settings, "renewals.cron_token")[0] == '\0') return RC_NOT_FOUND;
	if (strcmp(call_method(call), "POST") != 0) {
		answer_header(call, "Allow", "POST");
		return answer_status(cx, call, 405, _("Call this address with POST."));
	}
	if (!is_proven(cx, call)) return answer_status(cx, call, 401, _("The token is missing or wrong."));
	return begin_run(cx, call);
}

#define CRON_ROW(address)                                                                                \
	{                                                                                                \
		.method = "*", .path = (address), .realm = REALM_HOOK, .class = ROUTE_DB,                \
		.body_max = 64 * 1024, .help = N_("Start the day's notices from an outside scheduler."), \
		.handle = handle_cron                                                                    \
	}

const struct route renewals_cron_routes[] = {
	CRON_ROW("/cron/notifications/"),
	CRON_ROW("/subscriptions/cron/notifications/"),
	{ .method = NULL },
};
