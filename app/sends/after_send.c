/*
** after_send.c -- the reports of a send, fetched and matched by itself: an hour, a day and three days after
** it.
**
**   due ─ask for its days─► began ─reports READY─► load, match ─► done: done | zero_rows
**                             └─ ERROR: asked again, RETRIES_MAX times ─► done: error
**
** A pass never waits: it is a row of bulk_report_pass that goes on wherever it stands whenever the job runs,
** after each fetched report and by the schedule.
**
** Owns:   bulk_report_pass; post_reports_status and post_reports_loaded_at of a send.
** Holds:  (1) a pass ends once, whatever restarts; (2) sends of the same day share one request and one file;
**         (3) zero_rows may become done, done nothing else; (4) mail is never sent here.
*/
#include "sends/bulk.h"
#include "sends/report_inner.h"

#include <string.h>

#define PASS_EARLY   0                /* only when the setting asks for reports sooner than an hour */
#define PASS_MANUAL  10               /* "Update report", and everything behind it: 10, 11, 12… */
#define LOOK_BACK_MS (4 * DAY_MS)     /* the last pass is after three */
#define FRESH_MS     (30 * MINUTE_MS) /* a file asked for so shortly before a pass is due serves it too */
#define RETRIES_MAX  3
#define PASSES_MAX   200 /* gone on with in one go */

static int64_t int_at(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

static const char *text_at(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

/* Days */

static enum rc days_between(struct cx *cx, struct value **out, instant from, instant until)
{
	day first = zone_day(cx->env->zone, from), last = zone_day(cx->env->zone, until) + 1;
	char on[DATE_SIZE];

	*out = value_list(cx->arena);
	if (last - first >= REPORT_SEND_DAYS_MAX) last = first + REPORT_SEND_DAYS_MAX - 1;
	for (day d = first; d <= last && d <= cx_today(cx); d++) {
		day_text(on, d);
		value_add_text(cx->arena, *out, on);
	}
	return RC_OK;
}

enum rc report_days_of_bulk(struct cx *cx, struct value **out, int64_t bulk_id)
{
	struct value *row = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT coalesce(sent_started_at, created_at) AS a, coalesce(sent_finished_at, sent_started_at,"
		" created_at) AS b FROM bulk_send WHERE id = :id",
		PARAMS(P_INT(":id", bulk_id)));

	if (rc == RC_NOT_FOUND) return cx_fail(cx, rc, _("There is no bulk send %lld."), (long long)bulk_id);
	return rc == RC_OK ? days_between(cx, out, int_at(row, "a"), int_at(row, "b")) : rc;
}

/* Passes */

static enum rc add_pass(struct cx *cx, int64_t bulk_id, int64_t pass, instant due)
{
	return db_run(
		cx,
		"INSERT INTO bulk_report_pass (bulk_id, pass, due_at) VALUES (:bulk, :pass, :due) ON CONFLICT DO NOTHING",
		PARAMS(P_INT(":bulk", bulk_id), P_INT(":pass", pass), P_INT(":due", due)));
}

static enum rc plan_bulk(struct cx *cx, int64_t bulk_id, instant finished)
{
	int64_t least = setting_int(cx->env->settings, "reports.after_send_age_min") * MINUTE_MS;
	const int64_t after[] = { HOUR_MS, DAY_MS, 3 * DAY_MS };
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK && least < HOUR_MS) rc = add_pass(cx, bulk_id, PASS_EARLY, finished + least);
	for (int i = 0; rc == RC_OK && i < 3; i++)
		rc = add_pass(cx, bulk_id, i + 1, finished + (after[i] < least ? least : after[i]));
	return tx_end(cx, rc);
}

/* Sends that ended and have no passes yet. Those that ended long ago get theirs too, but never twice. */
static enum rc plan_all(struct cx *cx)
{
	struct value *list = NULL;
	enum rc rc = db_rows(
		cx, &list, PASSES_MAX,
		"SELECT id, sent_finished_at FROM bulk_send b WHERE status = 'done' AND archived_at IS NULL"
		" AND sent_finished_at >= :since AND channel = 'doppler'"
		" AND NOT EXISTS (SELECT 1 FROM bulk_report_pass p WHERE p.bulk_id = b.id AND p.pass = 1)",
		PARAMS(P_INT(":since", cx_now(cx) - LOOK_BACK_MS)));

	for (const struct value *b = rc == RC_OK ? list->first : NULL; b != NULL && rc == RC_OK; b = b->next)
		rc = plan_bulk(cx, int_at(b, "id"), int_at(b, "sent_finished_at"));
	return rc;
}

/* Forward only: nothing known → pending → error | zero_rows → done. */
static enum rc set_status(struct cx *cx, int64_t bulk_id, const char *status, bool is_loaded)
{
	return db_run(
		cx,
		"UPDATE bulk_send SET updated_at = :now,"
		" post_reports_loaded_at = CASE WHEN :loaded THEN :now ELSE post_reports_loaded_at END,"
		" post_reports_status = CASE WHEN :status = 'done' OR post_reports_status IN ('', 'pending', 'error')"
		" THEN :status ELSE post_reports_status END WHERE id = :id",
		PARAMS(P_INT(":now", cx_now(cx)), P_INT(":loaded", is_loaded), P_TEXT(":status", status),
		       P_INT(":id", bulk_id)));
}

static enum rc end_pass(struct cx *cx, const struct value *pass, const char *outcome, bool is_loaded)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE bulk_report_pass SET done_at = :now, outcome = :outcome WHERE bulk_id = :bulk AND pass = :pass"
			" AND done_at IS NULL",
			PARAMS(P_INT(":now", cx_now(cx)), P_TEXT(":outcome", outcome),
			       P_INT(":bulk", int_at(pass, "bulk_id")),
			       P_INT(":pass", int_at(pass, "pass"))));
	if (rc == RC_OK) rc = set_status(cx, int_at(pass, "bulk_id"), outcome, is_loaded);
	rc = tx_end(cx, rc);
	log_event(LOG_INFO, "app", "report.pass", "bulk=%lld pass=%lld outcome=%s",
		  (long long)int_at(pass, "bulk_id"), (long long)int_at(pass, "pass"), outcome);
	return rc;
}

/* Asking */

/* Is there a file, or one on its way, that was asked for late enough to tell what this pass wants to know? */
static enum rc is_fresh(struct cx *cx, const struct value *pass, const char *on, bool *out)
{
	int64_t least = int_at(pass, "due_at") - FRESH_MS, finished = int_at(pass, "finished_at"), n = 0;
	enum rc rc;

	if (least < finished) least = finished;
	if (int_at(pass, "pass") >= PASS_MANUAL) least = int_at(pass, "due_at");
	rc = db_get_int(
		cx, &n,
		"SELECT count(*) FROM generated_report WHERE start_on = :on AND end_on = :on AND (state = 'PENDING'"
		" OR (state = 'PROCESSING' AND asked_at >= :least) OR (state = 'READY' AND asked_at >= :least"
		" AND NOT EXISTS (SELECT 1 FROM file f WHERE f.id = file_id AND f.archived_at IS NOT NULL)))",
		PARAMS(P_TEXT(":on", on), P_INT(":least", least)));
	*out = n >= REPORT_TYPES_MAX;
	return rc;
}

static enum rc ask_days(struct cx *cx, const struct value *pass, const struct value *days)
{
	enum rc rc = RC_OK;

	for (const struct value *d = days->first; d != NULL && rc == RC_OK; d = d->next) {
		struct report_days one = { d->text, d->text };
		bool fresh = false;

		rc = is_fresh(cx, pass, d->text, &fresh);
		if (rc == RC_OK && !fresh) rc = report_ask_again(cx, &one);
	}
	if (rc != RC_OK) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE bulk_report_pass SET began_at = :now, tries = tries + 1 WHERE bulk_id = :bulk AND pass = :pass",
			PARAMS(P_INT(":now", cx_now(cx)), P_INT(":bulk", int_at(pass, "bulk_id")),
			       P_INT(":pass", int_at(pass, "pass"))));
	if (rc == RC_OK) rc = set_status(cx, int_at(pass, "bulk_id"), "pending", false);
	return tx_end(cx, rc);
}

/* Loading */

static enum rc state_of_days(struct cx *cx, const struct value *days, int64_t *open, int64_t *failed)
{
	return days->first == NULL ? RC_OK
	       : db_get_int(
			 cx, open,
			 "SELECT count(*) FROM generated_report WHERE start_on = end_on AND start_on BETWEEN :first"
			 " AND :last AND state IN ('PENDING', 'PROCESSING')",
			 PARAMS(P_TEXT(":first", days->first->text), P_TEXT(":last", days->last->text))) !=
			       RC_OK
		       ? RC_IO
		       : db_get_int(
				 cx, failed,
				 "SELECT count(*) FROM generated_report WHERE start_on = end_on AND start_on BETWEEN :first"
				 " AND :last AND state = 'ERROR'",
				 PARAMS(P_TEXT(":first", days->first->text),
					P_TEXT(":last", days->last->text)));
}

/* The day's file into `default`, unless that very file is there already. */
static enum rc load_day(struct cx *cx, struct job *job, const char *on)
{
	struct value *report = NULL, *there = NULL;
	struct target t = { .engine = NULL };
	int64_t rows = 0;
	enum rc rc = db_row(
		cx, &report,
		"SELECT id, public_id, file_id FROM generated_report WHERE start_on = :on AND end_on = :on"
		" AND type = 'deliveries' AND state = 'READY' ORDER BY id DESC LIMIT 1",
		PARAMS(P_TEXT(":on", on)));

	if (rc != RC_OK) return rc;
	rc = target_open(cx, &t, ALIAS_DEFAULT);
	if (rc == RC_OK)
		rc = t.engine->loaded(cx, &t, &there, int_at(report, "id"), text_at(report, "public_id"));
	target_close(&t);
	if (rc == RC_OK && int_at(there, "file_id") == int_at(report, "file_id") &&
	    int_at(report, "file_id") != 0)
		return RC_OK;
	return rc == RC_OK || rc == RC_NOT_FOUND
		       ? report_load(cx, job, &rows, int_at(report, "id"), ALIAS_DEFAULT, true)
		       : rc;
}

static enum rc failed_days(struct cx *cx, const struct value *pass, const struct value *days, bool *is_ended)
{
	*is_ended = int_at(pass, "tries") >= RETRIES_MAX;
	if (*is_ended) return end_pass(cx, pass, "error", false);
	return ask_days(cx, pass, days);
}

/* It left between the provider's answer and this: somebody asked to be forgotten (report_keep.c). */
static bool is_file_gone(const struct cx *cx, enum rc rc)
{
	return rc == RC_NOT_FOUND && cx->error_code != NULL &&
	       strcmp(cx->error_code, "report_file_missing") == 0;
}

static enum rc load_and_match(struct cx *cx, struct job *job, const struct value *pass,
			      const struct value *days, bool *is_ended)
{
	int64_t matched = 0;
	enum rc rc = RC_OK;

	for (const struct value *d = days->first; d != NULL && rc == RC_OK; d = d->next)
		rc = load_day(cx, job, d->text);
	if (is_file_gone(cx, rc)) return failed_days(cx, pass, days, is_ended);
	if (rc == RC_OK) rc = report_match(cx, &matched, int_at(pass, "bulk_id"));
	if (rc == RC_TRY_LATER || rc == RC_NO_MEMORY) return rc;
	*is_ended = true;
	if (rc != RC_OK) {
		log_event(LOG_ERROR, "app", "report.pass_failed", "bulk=%lld rc=%s",
			  (long long)int_at(pass, "bulk_id"), rc_row(rc)->name);
		return end_pass(cx, pass, "error", false);
	}
	return end_pass(cx, pass, matched > 0 ? "done" : "zero_rows", true);
}

/* As far as it gets now. */
static enum rc go_on(struct cx *cx, struct job *job, const struct value *pass, int64_t *ended,
		     bool *has_asked)
{
	struct value *days = NULL;
	int64_t open = 0, failed = 0;
	bool is_ended = false;
	enum rc rc = days_between(cx, &days, int_at(pass, "started_at"), int_at(pass, "finished_at"));

	if (rc == RC_OK && int_at(pass, "began_at") == 0) {
		rc = ask_days(cx, pass, days);
		*has_asked = true;
		if (rc != RC_OK) return rc;
	}
	if (rc == RC_OK) rc = state_of_days(cx, days, &open, &failed);
	if (rc != RC_OK || open > 0) return rc;
	rc = failed > 0 ? failed_days(cx, pass, days, &is_ended)
			: load_and_match(cx, job, pass, days, &is_ended);
	*has_asked = *has_asked || (rc == RC_OK && !is_ended); /* a day was asked for again */
	if (rc == RC_OK && is_ended) (*ended)++;
	return rc;
}

static enum rc passes_due(struct cx *cx, struct value **out, int64_t bulk_id)
{
	return db_rows(cx, out, PASSES_MAX,
		       "SELECT p.bulk_id, p.pass, p.due_at, coalesce(p.began_at, 0) AS began_at, p.tries,"
		       " coalesce(b.sent_started_at, b.created_at) AS started_at,"
		       " coalesce(b.sent_finished_at, b.sent_started_at, b.created_at) AS finished_at"
		       " FROM bulk_report_pass p CROSS JOIN bulk_send b ON b.id = p.bulk_id"
		       " WHERE p.done_at IS NULL AND p.due_at <= :now AND (:bulk = 0 OR p.bulk_id = :bulk)"
		       " ORDER BY p.due_at, p.bulk_id, p.pass",
		       PARAMS(P_INT(":now", cx_now(cx)), P_INT(":bulk", bulk_id)));
}

static enum rc go_on_all(struct cx *cx, struct job *job, int64_t bulk_id, int64_t *ended)
{
	struct value *list = NULL;
	bool has_asked = false;
	int64_t moved = 0;
	enum rc rc = passes_due(cx, &list, bulk_id);

	for (const struct value *p = rc == RC_OK ? list->first : NULL; p != NULL && rc == RC_OK;
	     p = p->next) {
		if (cx->env->is_stopping || (job != NULL && job_should_stop(job))) return RC_TRY_LATER;
		rc = go_on(cx, job, p, ended, &has_asked);
	}
	/* What was put down as wanted is asked for at once. Who fetches already may have looked before it
	** was: then a job of its own comes behind him. */
	if (rc == RC_OK && has_asked) {
		rc = reports_process(cx, job, &moved);
		if (rc == RC_CONFLICT) {
			cx->message = "";
			cx->error_code = NULL;
			rc = report_fetch_soon(cx);
		}
	}
	return rc;
}

enum rc report_fail_road(struct cx *cx)
{
	return cx_fail(cx, RC_CONFLICT, "%s",
		       _("Only Doppler Relay has reports; this send left over another road."));
}

enum rc report_pass_by_hand(struct cx *cx, int64_t bulk_id)
{
	return db_run(
		cx,
		"INSERT INTO bulk_report_pass (bulk_id, pass, due_at) SELECT :bulk, max(:first, coalesce((SELECT max(pass) + 1"
		" FROM bulk_report_pass WHERE bulk_id = :bulk), 0)), :now WHERE NOT EXISTS (SELECT 1 FROM bulk_report_pass"
		" WHERE bulk_id = :bulk AND pass >= :first AND done_at IS NULL)",
		PARAMS(P_INT(":bulk", bulk_id), P_INT(":first", PASS_MANUAL), P_INT(":now", cx_now(cx))));
}

static enum rc check_road(struct cx *cx, int64_t bulk_id)
{
	const char *channel = "";
	enum rc rc = db_get_text(cx, &channel, "SELECT channel FROM bulk_send WHERE id = :id",
				 PARAMS(P_INT(":id", bulk_id)));

	return rc == RC_OK && strcmp(channel, "doppler") != 0 ? report_fail_road(cx) : rc;
}

static enum rc force(struct cx *cx, int64_t bulk_id)
{
	struct value *list = NULL;
	enum rc rc =
		db_rows(cx, &list, PASSES_MAX,
			"SELECT id FROM bulk_send WHERE status = 'done' AND archived_at IS NULL"
			" AND channel = 'doppler' AND (id = :id OR (:id = 0 AND sent_finished_at >= :since))",
			PARAMS(P_INT(":id", bulk_id), P_INT(":since", cx_now(cx) - LOOK_BACK_MS)));

	if (rc == RC_OK && list->first == NULL && bulk_id != 0)
		return cx_fail(cx, RC_CONFLICT, "%s",
			       _("Reports are for sends that are done; this one is not."));
	if (rc != RC_OK) return rc;
	rc = tx_begin(cx);
	for (const struct value *b = list->first; b != NULL && rc == RC_OK; b = b->next)
		rc = report_pass_by_hand(cx, int_at(b, "id"));
	return tx_end(cx, rc);
}

/* SendGrid's webhooks go on telling for three days after a send is done: its figures beside others follow. */
static enum rc count_told(struct cx *cx)
{
	struct value *list = NULL, *counts = NULL;
	enum rc rc =
		db_rows(cx, &list, PASSES_MAX,
			"SELECT id FROM bulk_send WHERE sent_finished_at >= :since AND channel = 'sendgrid'"
			" AND status = 'done' ORDER BY sent_finished_at DESC LIMIT :max",
			PARAMS(P_INT(":since", cx_now(cx) - LOOK_BACK_MS), P_INT(":max", PASSES_MAX)));

	for (const struct value *b = rc == RC_OK ? list->first : NULL; b != NULL && rc == RC_OK; b = b->next)
		rc = bulk_counts(cx, &counts, int_at(b, "id"), true);
	return rc;
}

enum rc reports_after_send(struct cx *cx, struct job *job, int64_t bulk_id, bool is_forced, int64_t *passes)
{
	enum rc rc = bulk_id != 0 ? check_road(cx, bulk_id) : RC_OK;

	*passes = 0;
	if (rc != RC_OK) return rc;
	if (!report_task_begin(TASK_AFTER_SEND)) {
		cx->error_code = "busy";
		return cx_fail(cx, RC_CONFLICT, "%s", _("Reports after sends are under way right now."));
	}
	rc = plan_all(cx);
	if (rc == RC_OK && is_forced) rc = force(cx, bulk_id);
	if (rc == RC_OK) rc = go_on_all(cx, job, bulk_id, passes);
	if (rc == RC_OK && bulk_id == 0) rc = count_told(cx);
	report_task_end(TASK_AFTER_SEND);
	return rc;
}
