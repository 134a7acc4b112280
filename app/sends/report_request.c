/*
** report_request.c -- a report is asked for: rows of generated_report, never the network.
**
** Owns:   inserting rows of generated_report; their file names; the sentences of their errors.
** Holds:  (1) one row a type and days; all types of the same days have one state, request and file; (2) a new
**         row takes the state its days have already, so the provider is asked once.
*/
#include "sends/report_inner.h"

#include "base/sentence.h"

#include <pthread.h>
#include <string.h>

/* One at a time */

static pthread_mutex_t task_locks[TASK__MAX] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
						 PTHREAD_MUTEX_INITIALIZER };
static bool is_under_way[TASK__MAX];

bool report_task_begin(enum report_task task)
{
	bool is_mine;

	pthread_mutex_lock(&task_locks[task]);
	is_mine = !is_under_way[task];
	is_under_way[task] = true;
	pthread_mutex_unlock(&task_locks[task]);
	return is_mine;
}

void report_task_end(enum report_task task)
{
	pthread_mutex_lock(&task_locks[task]);
	is_under_way[task] = false;
	pthread_mutex_unlock(&task_locks[task]);
}

/* Words */

static const struct {
	const char *code, *words;
} errors[] = {
	{ "timeout",
	  N_("The provider did not finish this report in time. It is asked for again after the next "
	     "send's pass, or when you ask for it.") },
	{ "report_not_csv", N_("What the provider gave is not a report. Ask for it again later.") },
	{ "report_too_large", N_("The report is larger than 200 MiB. Ask for fewer days at a time.") },
	{ "report_gone", N_("The provider does not know this report any more. Ask for it again.") },
	{ "report_unreadable", N_("The report's file cannot be read as a table. Ask for it again.") },
	{ "report_file_missing", N_("The report's file is not on the disk any more. Ask for it again.") },
	{ "load_failed", N_("The report could not be loaded into the database. Load it again.") },
	{ "no_answer",
	  N_("It is not known whether the provider took the request. Ask for the report again.") },
	{ "report_without_id",
	  N_("Doppler Relay took the request but did not say which report it is: ask again.") },
	{ "report_host",
	  N_("The report's file is on a host that is not known: if it is the provider's, set doppler.files_host to it.") },
	{ "response_unparseable", N_("Doppler Relay gave an answer that cannot be read: try again later.") },
	{ "doppler_http_401",
	  N_("Doppler Relay refuses the API key: correct doppler.api_key in the settings.") },
	{ "doppler_http_404", N_("Doppler Relay does not know what was asked for.") },
	{ "doppler_http_429", N_("Doppler Relay asks to wait: try again in a minute.") },
	{ "disk_failed", N_("The report could not be kept on the disk. Make room and ask for it again.") },
};

const char *report_error_code_at(size_t i)
{
	return i < sizeof(errors) / sizeof(errors[0]) ? errors[i].code : NULL;
}

const char *report_error_words(enum lang lang, const char *code)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].code, code) == 0) return words_get(lang, errors[i].words);
	return NULL;
}

const char *report_error_shown(struct cx *cx, const char *code, const char *detail)
{
	const char *words = report_error_words(cx->lang, code);

	if (words != NULL) return words;
	return detail[0] != '\0' ? sentence_words(cx->arena, cx->lang, detail) : code;
}

const char *report_file_name(struct cx *cx, const char *type, const char *start_on, const char *end_on,
			     int64_t id)
{
	if (strcmp(start_on, end_on) == 0)
		return arena_printf(cx->arena, "doppler_%s_%s_%lld.csv", type, start_on, (long long)id);
	return arena_printf(cx->arena, "doppler_%s_%s_%s_%lld.csv", type, start_on, end_on, (long long)id);
}

/* Asking */

bool report_is_type(const char *type)
{
	const char *at = REPORT_TYPES;
	size_t len = strlen(type);

	while (len > 0) {
		size_t n = strcspn(at, "|");

		if (n == len && strncmp(at, type, len) == 0) return true;
		if (at[n] == '\0') break;
		at += n + 1;
	}
	return false;
}

static enum rc check(struct cx *cx, const char *type, const char *from_on, const char *to_on)
{
	day from = 0, to = 0;

	if (!report_is_type(type))
		return cx_fail_field(cx, "type", _("“%s” is not a kind of report; use one of %s."), type,
				     REPORT_TYPES);
	if (day_parse(&from, from_on) != RC_OK)
		return cx_fail_field(cx, "start_on", _("“%s” is not a date; write it like 2026-11-22."),
				     from_on);
	if (day_parse(&to, to_on) != RC_OK)
		return cx_fail_field(cx, "end_on", _("“%s” is not a date; write it like 2026-11-22."), to_on);
	if (to < from) return cx_fail_field(cx, "end_on", "%s", _("The last day lies before the first one."));
	if (from > cx_today(cx))
		return cx_fail_field(cx, "start_on", "%s",
				     _("That day has not begun yet; there is nothing to report."));
	if (to - from >= REPORT_DAYS_MAX)
		return cx_fail_field(cx, "end_on", _("At most %d days in one report."), REPORT_DAYS_MAX);
	return RC_OK;
}

/* The row, in the state of its days: PENDING without any, or when their file left (report_keep.c). */
static enum rc insert_row(struct cx *cx, int64_t *id, const char *type, const struct report_days *days)
{
	char public_id[PUBLIC_ID_SIZE];
	enum rc rc;

	public_id_new(public_id);
	rc = db_run(
		cx,
		"INSERT INTO generated_report (public_id, type, start_on, end_on, requested_by, requested_by_id,"
		" created_at, updated_at, search) VALUES (:public, :type, :start, :end, :by, :user, :now, :now, :public)",
		PARAMS(P_TEXT(":public", public_id), P_TEXT(":type", type), P_TEXT(":start", days->start_on),
		       P_TEXT(":end", days->end_on),
		       P_TEXT(":by", cx->actor.name != NULL ? cx->actor.name : ""),
		       P_REF(":user", cx->actor.user_id), P_INT(":now", cx_now(cx))));
	if (rc != RC_OK) return rc;
	*id = db_last_id(cx);
	return db_run(
		cx,
		"UPDATE generated_report SET state = o.state, request_id = o.request_id, file_id = o.file_id,"
		" file_rows = o.file_rows, poll_next_at = o.poll_next_at, poll_delay_s = o.poll_delay_s,"
		" poll_deadline_at = o.poll_deadline_at, asked_at = o.asked_at,"
		" search = generated_report.search || ' ' || o.request_id"
		" FROM (SELECT * FROM generated_report x WHERE x.start_on = :start AND x.end_on = :end AND x.id <> :id"
		" AND (x.state = 'PROCESSING' OR (x.state = 'READY' AND (x.file_id IS NULL OR EXISTS (SELECT 1 FROM file f"
		" WHERE f.id = x.file_id AND f.archived_at IS NULL)))) ORDER BY x.id LIMIT 1) o"
		" WHERE generated_report.id = :id",
		PARAMS(P_TEXT(":start", days->start_on), P_TEXT(":end", days->end_on), P_INT(":id", *id)));
}

static enum rc again(struct cx *cx, const struct report_days *days)
{
	return db_run(
		cx,
		"UPDATE generated_report SET state = 'PENDING', request_id = '', error = '', error_detail = '',"
		" poll_next_at = NULL, poll_delay_s = 0, poll_deadline_at = NULL, updated_at = :now"
		" WHERE start_on = :start AND end_on = :end AND state IN ('READY', 'ERROR')",
		PARAMS(P_INT(":now", cx_now(cx)), P_TEXT(":start", days->start_on),
		       P_TEXT(":end", days->end_on)));
}

/* The kinds of these days have one state: those whose file left come along with the one that is asked for. */
static enum rc again_without_file(struct cx *cx, const struct report_days *days)
{
	int64_t n = 0;
	enum rc rc = db_get_int(
		cx, &n,
		"SELECT count(*) FROM generated_report g CROSS JOIN file f ON f.id = g.file_id WHERE g.start_on = :start"
		" AND g.end_on = :end AND g.state = 'READY' AND f.archived_at IS NOT NULL",
		PARAMS(P_TEXT(":start", days->start_on), P_TEXT(":end", days->end_on)));

	return rc == RC_OK && n > 0 ? again(cx, days) : rc;
}

/* There is one already: an open one is the answer, a young file too; otherwise all of these days begin
** anew. */
static enum rc ask_existing(struct cx *cx, const struct value *row, const struct report_days *days)
{
	const char *state = value_text_of(value_get(row, "state"), "");
	int64_t age_min = (cx_now(cx) - value_int_of(value_get(row, "asked_at"), 0)) / MINUTE_MS,
		least = setting_int(cx->env->settings, "reports.manual_age_min"),
		id = value_int_of(value_get(row, "id"), 0);
	bool is_gone = value_int_of(value_get(row, "is_gone"), 0) != 0;

	if (strcmp(state, "PENDING") == 0 || strcmp(state, "PROCESSING") == 0) {
		cx->error_code = "already_asked";
		return cx_fail(cx, RC_CONFLICT, _("Report %lld of these days is on its way already."),
			       (long long)id);
	}
	if (strcmp(state, "READY") == 0 && age_min < least && !is_gone) {
		cx->error_code = "too_young";
		return cx_fail(
			cx, RC_CONFLICT,
			_("Report %lld of these days is %lld minutes old; it can be asked for again in %lld minutes."),
			(long long)id, (long long)age_min, (long long)(least - age_min));
	}
	return again(cx, days);
}

enum rc report_request(struct cx *cx, int64_t *id, const char *type, const char *from_on, const char *to_on)
{
	struct report_days days = { from_on, to_on };
	struct value *row = NULL;
	enum rc rc = check(cx, type, from_on, to_on);

	if (rc != RC_OK) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = db_row(
			cx, &row,
			"SELECT id, state, asked_at, EXISTS (SELECT 1 FROM file f WHERE f.id = file_id AND f.archived_at"
			" IS NOT NULL) AS is_gone FROM generated_report WHERE type = :type AND start_on = :start"
			" AND end_on = :end ORDER BY id DESC LIMIT 1",
			PARAMS(P_TEXT(":type", type), P_TEXT(":start", from_on), P_TEXT(":end", to_on)));
	if (rc == RC_OK) {
		*id = value_int_of(value_get(row, "id"), 0);
		rc = ask_existing(cx, row, &days);
	} else if (rc == RC_NOT_FOUND) {
		rc = insert_row(cx, id, type, &days);
		if (rc == RC_OK) rc = again_without_file(cx, &days);
	}
	if (rc == RC_OK) rc = audit_add(cx, "request", "generated_report", *id, NULL, NULL);
	return tx_end(cx, rc);
}

enum rc report_ask_again(struct cx *cx, const struct report_days *days)
{
	static const char *const types[REPORT_TYPES_MAX] = { "deliveries", "bounces",      "opens", "clicks",
							     "spam",       "unsubscribed", "sent" };
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = again(cx, days);
	for (size_t i = 0; rc == RC_OK && i < REPORT_TYPES_MAX; i++) {
		int64_t id = 0;

		rc = db_get_int(
			cx, &id,
			"SELECT id FROM generated_report WHERE type = :type AND start_on = :start AND end_on = :end LIMIT 1",
			PARAMS(P_TEXT(":type", types[i]), P_TEXT(":start", days->start_on),
			       P_TEXT(":end", days->end_on)));
		if (rc == RC_NOT_FOUND) rc = insert_row(cx, &id, types[i], days);
	}
	return tx_end(cx, rc);
}

enum rc report_is_error(struct cx *cx, const struct report_days *days, const char *code, const char *detail)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE generated_report SET state = 'ERROR', error = :code, error_detail = :detail,"
			" poll_next_at = NULL, updated_at = :now WHERE start_on = :start AND end_on = :end"
			" AND state IN ('PENDING', 'PROCESSING')",
			PARAMS(P_TEXT(":code", code), P_TEXT(":detail", detail), P_INT(":now", cx_now(cx)),
			       P_TEXT(":start", days->start_on), P_TEXT(":end", days->end_on)));
	rc = tx_end(cx, rc);
	log_event(LOG_WARN, "app", "report.error", "start=%s end=%s code=%s", days->start_on, days->end_on,
		  code);
	return rc;
}

/* What the aliases know */

static enum rc note_one(struct cx *cx, const struct value *row, const char *alias, const struct value *load)
{
	const char *before = value_text_of(value_get(row, "loaded_in"), "");
	bool had_default = strstr(before, ALIAS_DEFAULT) != NULL,
	     had_other = strstr(before, ALIAS_ANALYTICS) != NULL,
	     is_default = strcmp(alias, ALIAS_DEFAULT) == 0;
	const struct value *rows = load != NULL ? value_get(load, "rows_inserted") : NULL;

	if (is_default)
		had_default = load != NULL;
	else
		had_other = load != NULL;
	if (load == NULL)
		return db_run(cx, "UPDATE generated_report SET loaded_in = :in WHERE id = :id",
			      PARAMS(P_TEXT(":in", had_default ? ALIAS_DEFAULT
						   : had_other ? ALIAS_ANALYTICS
							       : ""),
				     P_INT(":id", value_int_of(value_get(row, "id"), 0))));
	return db_run(
		cx,
		"UPDATE generated_report SET loaded_in = :in, loaded_at = :at, rows_inserted = :rows WHERE id = :id",
		(const struct param[]){
			P_TEXT(":in", had_default && had_other ? ALIAS_DEFAULT ", " ALIAS_ANALYTICS
				      : had_default            ? ALIAS_DEFAULT
							       : ALIAS_ANALYTICS),
			P_INT(":at", value_int_of(value_get(load, "loaded_at"), 0)),
			{ .name = ":rows",
			  .type = rows != NULL && rows->type == VALUE_INT ? PARAM_INT : PARAM_NULL,
			  .integer = value_int_of(rows, 0) },
			P_INT(":id", value_int_of(value_get(row, "id"), 0)),
			{ .name = NULL, .type = PARAM_END } });
}

enum rc report_note_loads(struct cx *cx, const char *start_on, const char *end_on, const char *alias,
			  struct target *t)
{
	struct value *rows = NULL;
	enum rc rc = db_rows(
		cx, &rows, REPORT_TYPES_MAX * 10,
		"SELECT id, public_id, loaded_in FROM generated_report WHERE start_on = :start AND end_on = :end",
		PARAMS(P_TEXT(":start", start_on), P_TEXT(":end", end_on)));

	for (const struct value *r = rc == RC_OK ? rows->first : NULL; r != NULL && rc == RC_OK;
	     r = r->next) {
		struct value *load = NULL;

		rc = t->engine->loaded(cx, t, &load, value_int_of(value_get(r, "id"), 0),
				       value_text_of(value_get(r, "public_id"), ""));
		if (rc != RC_OK && rc != RC_NOT_FOUND) break;
		rc = tx_begin(cx);
		if (rc == RC_OK) rc = note_one(cx, r, alias, load);
		rc = tx_end(cx, rc);
	}
	return rc;
}

enum rc report_job_add(struct cx *cx, int64_t *job_id, const char *kind, const char *slot,
		       const struct value *args, instant run_at)
{
	return job_add(cx, job_id,
		       &(const struct job_new){ .kind = kind, .slot = slot, .args = args, .run_at = run_at });
}
