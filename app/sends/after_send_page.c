/*
** after_send_page.c -- what a page shows of the reports of a send, and the button that asks for them anew.
**
** Owns:   nothing: the pass that the button adds is after_send.c's.
** Never:  asks a provider: a job does.
** Holds:  (1) a file that left when its days were over is shown as none; (2) the button is refused while the
**         figures are young, or on their way already.
*/
#include "sends/bulk.h"
#include "sends/report_inner.h"

#include <string.h>

static int64_t int_at(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

static const char *text_at(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static enum rc read_reports(struct cx *cx, struct value **reports, const struct value *days)
{
	*reports = value_list(cx->arena);
	if (days->first == NULL) return RC_OK;
	return db_rows(
		cx, reports, (size_t)REPORT_TYPES_MAX * REPORT_SEND_DAYS_MAX,
		"SELECT id, public_id, type, start_on, end_on, state, error, error_detail, EXISTS (SELECT 1 FROM file f"
		" WHERE f.id = file_id AND f.archived_at IS NULL) AS has_file, file_rows, loaded_in, loaded_at,"
		" rows_inserted FROM generated_report WHERE start_on = end_on AND start_on BETWEEN :first AND :last"
		" ORDER BY start_on, id",
		PARAMS(P_TEXT(":first", days->first->text), P_TEXT(":last", days->last->text)));
}

/* Only Doppler Relay has reports to ask for. */
static bool has_passes(const struct value *bulk)
{
	return strcmp(text_at(bulk, "channel"), "doppler") == 0;
}

static const char *shown_state(const struct value *bulk, const struct value *reports,
			       const char **latest_error, struct cx *cx)
{
	const char *status = text_at(bulk, "post_reports_status");
	bool is_processing = false, is_pending = strcmp(status, "pending") == 0;

	/* Nobody has to be asked: the figures are those of the ledger. */
	if (!has_passes(bulk)) return strcmp(text_at(bulk, "status"), "done") == 0 ? "ready" : "not_started";
	for (const struct value *r = reports->first; r != NULL; r = r->next) {
		const char *state = text_at(r, "state");

		if (strcmp(state, "PROCESSING") == 0) is_processing = true;
		if (strcmp(state, "PENDING") == 0) is_pending = true;
		if (strcmp(state, "ERROR") == 0)
			*latest_error =
				report_error_shown(cx, text_at(r, "error"), text_at(r, "error_detail"));
	}
	if (strcmp(text_at(bulk, "status"), "done") != 0) return "not_started";
	if (is_processing) return "processing";
	if (is_pending) return "pending";
	if (strcmp(status, "zero_rows") == 0) return "zero_rows";
	if (int_at(bulk, "loaded_at") != 0) return "ready";
	return strcmp(status, "error") == 0 || (*latest_error)[0] != '\0' ? "error" : "not_started";
}

static enum rc bulk_for_report(struct cx *cx, struct value **out, int64_t bulk_id)
{
	enum rc rc = db_row(
		cx, out,
		"SELECT status, channel, post_reports_status, coalesce(post_reports_loaded_at, 0) AS loaded_at,"
		" coalesce(sent_finished_at, 0) AS finished_at"
		" FROM bulk_send WHERE id = :id",
		PARAMS(P_INT(":id", bulk_id)));

	return rc == RC_NOT_FOUND ? cx_fail(cx, rc, _("There is no bulk send %lld."), (long long)bulk_id)
				  : rc;
}

enum rc report_of_bulk(struct cx *cx, struct value **out, int64_t bulk_id)
{
	struct value *bulk = NULL, *days = NULL, *reports = NULL, *o = value_map(cx->arena);
	int64_t finished, least = setting_int(cx->env->settings, "reports.manual_age_min"), age, rows = 0,
			  next = 0;
	const char *latest = "", *state;
	bool is_open, is_done;
	enum rc rc = bulk_for_report(cx, &bulk, bulk_id);

	if (rc != RC_OK) return rc;
	finished = int_at(bulk, "finished_at");
	days = value_list(cx->arena);
	if (has_passes(bulk)) rc = report_days_of_bulk(cx, &days, bulk_id);
	if (rc == RC_OK) rc = read_reports(cx, &reports, days);
	if (rc == RC_OK)
		rc = db_get_int(cx, &rows, "SELECT count(*) FROM bulk_result WHERE bulk_id = :id",
				PARAMS(P_INT(":id", bulk_id)));
	if (rc == RC_OK && has_passes(bulk))
		rc = db_get_int(
			cx, &next,
			"SELECT coalesce(min(due_at), 0) FROM bulk_report_pass WHERE bulk_id = :id AND done_at IS NULL",
			PARAMS(P_INT(":id", bulk_id)));
	if (rc != RC_OK) return rc;
	state = shown_state(bulk, reports, &latest, cx);
	is_open = strcmp(state, "pending") == 0 || strcmp(state, "processing") == 0;
	is_done = strcmp(text_at(bulk, "status"), "done") == 0 && finished != 0 && has_passes(bulk);
	age = is_done ? (cx_now(cx) - finished) / MINUTE_MS : 0;
	value_set_text(cx->arena, o, "state", state);
	if (int_at(bulk, "loaded_at") != 0)
		value_set_int(cx->arena, o, "loaded_at", int_at(bulk, "loaded_at"));
	else
		value_set_null(cx->arena, o, "loaded_at");
	value_set_text(cx->arena, o, "status", text_at(bulk, "post_reports_status"));
	value_set_int(cx->arena, o, "rows_inserted", rows);
	value_set_text(cx->arena, o, "latest_error", latest);
	value_set(o, "reports", reports);
	value_set_int(cx->arena, o, "refresh_age_minutes", age);
	value_set_bool(cx->arena, o, "refresh_available", is_done && !is_open && age >= least);
	value_set_int(cx->arena, o, "refresh_remaining_minutes", is_done && age < least ? least - age : 0);
	if (next != 0)
		value_set_int(cx->arena, o, "next_pass_at", next);
	else
		value_set_null(cx->arena, o, "next_pass_at");
	*out = o;
	return RC_OK;
}

enum rc report_refresh(struct cx *cx, int64_t bulk_id)
{
	struct value *shown = NULL, *bulk = NULL, *args = value_map(cx->arena);
	int64_t left, job = 0;
	enum rc rc = bulk_for_report(cx, &bulk, bulk_id);

	if (rc == RC_OK) rc = report_of_bulk(cx, &shown, bulk_id);
	if (rc != RC_OK) return rc;
	if (strcmp(text_at(bulk, "status"), "done") != 0 || int_at(bulk, "finished_at") == 0)
		return cx_fail(cx, RC_CONFLICT, "%s",
			       _("Reports are for sends that are done; this one is not."));
	if (!has_passes(bulk)) return report_fail_road(cx);
	left = int_at(shown, "refresh_remaining_minutes");
	if (left > 0)
		return cx_fail(cx, RC_CONFLICT,
			       _("Available in %lld minutes: the provider's figures need a while."),
			       (long long)left);
	if (!value_bool_of(value_get(shown, "refresh_available"), false))
		return cx_fail(cx, RC_CONFLICT, "%s",
			       _("The reports of this send are being fetched already."));
	value_set_int(cx->arena, args, "bulk_id", bulk_id);
	rc = tx_begin(cx);
	/* The pass and its job together: whatever ends the job's process, the pass is still wanted. */
	if (rc == RC_OK) rc = report_pass_by_hand(cx, bulk_id);
	if (rc == RC_OK)
		rc = report_job_add(cx, &job, JOB_AFTER_SEND,
				    arena_printf(cx->arena, "post_report:%lld", (long long)bulk_id), args, 0);
	if (rc == RC_OK) rc = audit_add(cx, "refresh_report", "bulk_send", bulk_id, NULL, NULL);
	if (rc == RC_CONFLICT)
		rc = cx_fail(cx, rc, "%s", _("The reports of this send are being fetched already."));
	return tx_end(cx, rc);
}
