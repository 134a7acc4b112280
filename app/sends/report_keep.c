/*
** report_keep.c -- rows and files of reports go when their days are over, or when a person asks for it.
**
** The figures of a send are sums (bulk_figure) and results of its rows (bulk_result), both in recado.db: what
** the provider's files said beside them is needed until they are matched, three days after the send. So rows
** of reports.db and the files may go without a figure changing; whoever wants the rows again asks the
** provider.
**
** Owns:   when a report's file and rows leave (reports.keep_days).
** Never:  removes a report's line, a figure or a result; touches a load that is under way.
** Holds:  (1) a slice is one transaction; (2) a place that cannot be opened keeps nothing else from being
**         cleaned, and is told.
*/
#include "base/text.h"
#include "files/files.h"
#include "sends/report_inner.h"

#include <ctype.h>
#include <string.h>

#define FILES_ONCE 200 /* marked in one transaction */
#define FILES_MAX  100000
#define MOMENT_MS  (5 * SECOND_MS)

static const char *const aliases[] = { ALIAS_DEFAULT, ALIAS_ANALYTICS };
#define ALIASES (sizeof(aliases) / sizeof(*aliases))

/* Days that are over */

/* The list says where a report is loaded: those that are not any more. */
static enum rc note_expired(struct cx *cx, struct target *t, instant before)
{
	struct value *groups = NULL;
	enum rc rc = db_rows(cx, &groups, FILES_MAX,
			     "SELECT DISTINCT start_on, end_on FROM generated_report WHERE loaded_in <> ''"
			     " AND created_at < :before",
			     PARAMS(P_INT(":before", before)));

	for (const struct value *g = rc == RC_OK ? groups->first : NULL; g != NULL && rc == RC_OK;
	     g = g->next)
		rc = report_note_loads(cx, value_text_of(value_get(g, "start_on"), ""),
				       value_text_of(value_get(g, "end_on"), ""), t->alias, t);
	return rc;
}

static enum rc expire_place(struct cx *cx, const char *alias, instant before, int64_t *rows)
{
	struct target t = { .engine = NULL };
	enum rc rc = target_open(cx, &t, alias);

	*rows = 0;
	if (rc == RC_OK) rc = t.engine->expire(cx, &t, before, rows);
	if (rc == RC_OK) rc = note_expired(cx, &t, before);
	target_close(&t);
	return rc;
}

/* The bytes go with the next sweep of files; the report's line keeps the number, and says so by that. */
static enum rc expire_files(struct cx *cx, instant before, int64_t *files)
{
	int64_t gone = FILES_ONCE;
	enum rc rc = RC_OK;

	while (rc == RC_OK && gone == FILES_ONCE) {
		rc = tx_begin(cx);
		if (rc == RC_OK)
			rc = db_run(
				cx,
				"UPDATE file SET archived_at = :now WHERE id IN (SELECT DISTINCT g.file_id FROM generated_report g"
				" CROSS JOIN file f ON f.id = g.file_id WHERE g.file_id IS NOT NULL AND f.archived_at IS NULL"
				" AND coalesce(g.asked_at, g.created_at) < :before AND g.state IN ('READY', 'ERROR') LIMIT :max)",
				PARAMS(P_INT(":now", cx_now(cx)), P_INT(":before", before),
				       P_INT(":max", FILES_ONCE)));
		gone = rc == RC_OK ? db_changes(cx) : 0;
		rc = tx_end(cx, rc);
		*files += gone;
	}
	return rc;
}

static enum rc expire_all(struct cx *cx, int64_t *rows, int64_t *files)
{
	instant before = cx_now(cx) - setting_int(cx->env->settings, "reports.keep_days") * DAY_MS;
	enum rc rc = expire_files(cx, before, files);

	for (size_t i = 0; i < ALIASES; i++) {
		int64_t gone = 0;
		enum rc one = !report_alias_is_set(cx, aliases[i])
				      ? RC_OK
				      : expire_place(cx, aliases[i], before, &gone);

		*rows += gone;
		if (rc == RC_OK) rc = one;
	}
	return rc;
}

enum rc reports_retention(struct cx *cx, struct job *job)
{
	int64_t rows = 0, files = 0;
	enum rc rc;

	if (!report_task_begin(TASK_LOAD)) {
		if (job != NULL) job_later(job, cx_now(cx) + MOMENT_MS);
		return RC_TRY_LATER;
	}
	rc = expire_all(cx, &rows, &files);
	report_task_end(TASK_LOAD);
	if (rc == RC_OK && job != NULL)
		job_note(cx, job, _("Rows that went: %lld, files: %lld."), (long long)rows, (long long)files);
	log_event(LOG_INFO, "app", "report.cleaned", "rows=%lld files=%lld rc=%s", (long long)rows,
		  (long long)files, rc_row(rc)->name);
	return rc;
}

/* A person */

static bool is_of_address(unsigned char c)
{
	return isalnum(c) || strchr("._%+-", c) != NULL;
}

static bool same(const char *p, const char *word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (tolower((unsigned char)p[i]) != tolower((unsigned char)word[i])) return false;
	return true;
}

bool report_names_person(struct bytes file, const char *address)
{
	const char *at = strchr(address, '@'), *end = file.p + file.len;
	size_t before = at != NULL ? (size_t)(at - address) : 0, after = at != NULL ? strlen(at) : 0;

	if (before == 0) return false;
	for (const char *p = file.p; p < end && (p = memchr(p, '@', (size_t)(end - p))) != NULL; p++) {
		const char *from = p - before;

		if ((size_t)(p - file.p) < before || (size_t)(end - p) < after) continue;
		if (!same(p, at, after) || !same(from, address, before)) continue;
		if (from > file.p && is_of_address((unsigned char)from[-1]) && from[-1] != '\0') continue;
		if (p + after < end && p[after] != '\0' &&
		    (isalnum((unsigned char)p[after]) || p[after] == '-' ||
		     (p[after] == '.' && p + after + 1 < end && isalnum((unsigned char)p[after + 1]))))
			continue;
		return true;
	}
	return false;
}

/* Files that name the person leave as a whole: the provider can be asked for the day again. */
static enum rc forget_files(struct cx *cx, const char *address, int64_t *files)
{
	struct value *list = NULL;
	enum rc rc = db_rows(
		cx, &list, FILES_MAX,
		"SELECT DISTINCT g.file_id AS id FROM generated_report g CROSS JOIN file f ON f.id = g.file_id"
		" WHERE g.file_id IS NOT NULL AND f.archived_at IS NULL",
		NO_PARAMS);

	for (const struct value *f = rc == RC_OK ? list->first : NULL; f != NULL && rc == RC_OK;
	     f = f->next) {
		int64_t id = value_int_of(value_get(f, "id"), 0);
		struct bytes file = { NULL, 0 };
		enum rc opened = file_map(cx, &file, id);
		bool is_named = opened == RC_OK && report_names_person(file, address);

		if (opened == RC_OK) file_unmap(file);
		if (opened != RC_OK && opened != RC_NOT_FOUND && opened != RC_IO) return opened;
		if (!is_named) continue;
		rc = tx_begin(cx);
		if (rc == RC_OK)
			rc = db_run(cx, "UPDATE file SET archived_at = :now WHERE id = :id",
				    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
		rc = tx_end(cx, rc);
		if (rc == RC_OK) ++*files;
	}
	return rc;
}

static enum rc forget_place(struct cx *cx, const char *alias, const char *address, int64_t *rows)
{
	struct target t = { .engine = NULL };
	enum rc rc = target_open(cx, &t, alias);

	if (rc == RC_OK) rc = t.engine->forget_person(cx, &t, address, rows);
	target_close(&t);
	return rc;
}

enum rc reports_forget_person(struct cx *cx, const char *address, int64_t *rows, int64_t *files)
{
	enum rc rc;

	*rows = *files = 0;
	address = text_trim(cx->arena, address); /* as the recipients' files have it */
	if (!report_task_begin(TASK_LOAD)) {
		cx->error_code = LOAD_BUSY;
		return cx_fail(cx, RC_TRY_LATER, "%s",
			       _("Another report is being loaded. Try again in a moment."));
	}
	/* The files first: what they say could be loaded again. */
	rc = forget_files(cx, address, files);
	for (size_t i = 0; i < ALIASES; i++) {
		enum rc one = !report_alias_is_set(cx, aliases[i])
				      ? RC_OK
				      : forget_place(cx, aliases[i], address, rows);

		if (rc == RC_OK) rc = one;
	}
	report_task_end(TASK_LOAD);
	return rc;
}

/* What `recado check` says of it */

void reports_check_keep(struct cx *cx, struct check_result *out)
{
	int64_t days = setting_int(cx->env->settings, "reports.keep_days"), late = 0;

	out->remedy = "";
	out->is_info = true;
	out->detail = arena_printf(cx->arena, _("Rows and files of reports are kept for %lld days."),
				   (long long)days);
	/* A week more than that: the nightly work does not run, or a place cannot be opened. */
	if (db_get_int(cx, &late,
		       "SELECT count(*) FROM generated_report WHERE loaded_in <> '' AND loaded_at < :before",
		       PARAMS(P_INT(":before", cx_now(cx) - (days + 7) * DAY_MS))) != RC_OK ||
	    late == 0)
		return;
	out->is_info = false;
	out->state = CHECK_WARN;
	out->detail = arena_printf(cx->arena, _("Reports whose rows should be gone by now: %lld."),
				   (long long)late);
	out->remedy = "recado schedules run sends.report_retention";
}
