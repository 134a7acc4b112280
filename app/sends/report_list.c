/*
** report_list.c -- the list of reports: what was asked for, what it became, where it is loaded.
**
** Needs:  report_pages.c for asking and downloading; load.c's job for the buttons of a row.
** Never:  asks the provider.
** Holds:  a button that would be refused is not shown, and the load checks again (load.c).
*/
#include "sends/report_inner.h"

#include <string.h>

#define STATES "PENDING=Pending report|PROCESSING=Being made|READY=Ready to use|ERROR=With an error"
#define TYPES                                                                                   \
	"deliveries=Deliveries|bounces=Bounces|opens=Opens|clicks=Clicks|spam=Spam complaints|" \
	"unsubscribed=Unsubscribed|sent=Sent mails"
/* Its file went when its days were over, or because somebody asked to be forgotten (report_keep.c). */
#define HAS_FILE \
	"(t.file_id IS NULL OR EXISTS (SELECT 1 FROM file f WHERE f.id = t.file_id AND f.archived_at IS NULL))"
#define HAS_ANALYTICS "EXISTS (SELECT 1 FROM meta WHERE key = 'reports.analytics')"

static const char *loaded_shown(struct cx *cx, const char *stored)
{
	return stored[0] == '\0' ? "" : arena_printf(cx->arena, _("Loaded in: %s"), stored);
}

static const char *download_shown(struct cx *cx, const char *stored)
{
	return stored[0] == '\0' ? "" : _("Download");
}

/* stored: the code, a line break, what the provider's client said when it happened. */
static const char *error_shown(struct cx *cx, const char *stored)
{
	size_t n = strcspn(stored, "\n");

	if (stored[0] == '\0') return "";
	return report_error_shown(cx, arena_bytes(cx->arena, stored, n),
				  stored[n] == '\0' ? "" : stored + n + 1);
}

static const struct column columns[] = {
	{ .name = "number",
	  .title = N_("ID"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "t.id" },
	{ .name = "type",
	  .title = N_("Kind of report"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .choices = TYPES },
	{ .name = "start_on",
	  .title = N_("First day"),
	  .type = COLUMN_DATE,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "end_on", .title = N_("Last day"), .type = COLUMN_DATE, .flags = COL_READONLY | COL_LIST },
	{ .name = "state",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .choices = STATES },
	{ .name = "requested_by",
	  .title = N_("Asked for by"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "created_at",
	  .title = N_("Created"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "download",
	  .title = N_("File"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_LINK | COL_PAGE,
	  .sql = "CASE WHEN t.state = 'READY' AND t.file_id IS NOT NULL AND " HAS_FILE
		 " THEN 'CSV' ELSE '' END",
	  .shown = download_shown },
	{ .name = "loaded",
	  .title = N_("Loaded in"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "t.loaded_in",
	  .shown = loaded_shown },
	{ .name = "loaded_at", .title = N_("Loaded at"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "rows_inserted",
	  .title = N_("Rows loaded"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "file_rows", .title = N_("Rows in the file"), .type = COLUMN_INT, .flags = COL_READONLY },
	{ .name = "error", .title = N_("Error"), .type = COLUMN_TEXT, .flags = COL_READONLY | COL_API },
	{ .name = "error_text",
	  .title = N_("Error"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_PAGE,
	  .sql = "CASE WHEN t.error = '' THEN '' ELSE t.error || char(10) || t.error_detail END",
	  .shown = error_shown },
	{ .name = "request_id",
	  .title = N_("Number at the provider"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_SEARCH },
	{ .name = "asked_at", .title = N_("Last asked for"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "poll_next_at", .title = N_("Next look"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = NULL },
};

static const struct sort sorts[] = {
	{ .name = "id", .title = N_("Newest"), .sql = "t.id", .is_down = true },
	{ .name = NULL },
};

static const struct filter filters[] = {
	{ .name = "state",
	  .title = N_("State"),
	  .choices = STATES,
	  .sql = (const char *const[]){ "t.state = 'PENDING'", "t.state = 'PROCESSING'", "t.state = 'READY'",
					"t.state = 'ERROR'", NULL } },
	{ .name = "type",
	  .title = N_("Kind of report"),
	  .choices = TYPES,
	  .sql = (const char *const[]){ "t.type = 'deliveries'", "t.type = 'bounces'", "t.type = 'opens'",
					"t.type = 'clicks'", "t.type = 'spam'", "t.type = 'unsubscribed'",
					"t.type = 'sent'", NULL } },
	{ .name = "loaded",
	  .title = N_("In the database"),
	  .choices = "yes=Loaded reports|no=Not loaded yet",
	  .sql = (const char *const[]){ "t.loaded_in <> ''", "t.loaded_in = ''", NULL } },
	{ .name = NULL },
};

/* Loading */

static enum rc start_load(struct cx *cx, int64_t id, const char *alias, bool is_again, const char **done)
{
	struct value *args = value_map(cx->arena);
	int64_t job = 0;
	enum rc rc;

	if (!report_alias_is_set(cx, alias))
		return cx_fail(
			cx, RC_NOT_FOUND,
			_("There is no place “%s” for reports here; see the setting reports.analytics."),
			alias);
	value_set_int(cx->arena, args, "report_id", id);
	value_set_text(cx->arena, args, "alias", alias);
	value_set_bool(cx->arena, args, "is_again", is_again);
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = report_job_add(cx, &job, JOB_LOAD,
				    arena_printf(cx->arena, "load:%s:%lld", alias, (long long)id), args, 0);
	if (rc == RC_CONFLICT) rc = cx_fail(cx, rc, "%s", _("This report is being loaded already."));
	if (rc == RC_OK)
		rc = audit_add(cx, is_again ? "load_again" : "load", "generated_report", id, NULL, NULL);
	rc = tx_end(cx, rc);
	if (rc == RC_OK)
		*done = arena_printf(cx->arena,
				     _("Job %lld loads report %lld into “%s”; all rows appear at once."),
				     (long long)job, (long long)id, alias);
	return rc;
}

/* The rows say "not yet" of the right state only, but somebody else may have been faster. */
static enum rc load_first(struct cx *cx, int64_t id, const char *alias, const char **done)
{
	const char *loaded = "";
	enum rc rc = db_get_text(cx, &loaded, "SELECT loaded_in FROM generated_report WHERE id = :id",
				 PARAMS(P_INT(":id", id)));

	if (rc != RC_OK) return rc;
	if (strstr(loaded, alias) != NULL) {
		cx->error_code = "already_loaded";
		return cx_fail(
			cx, RC_CONFLICT,
			_("Report %lld is loaded in “%s” already. Press “Load again” to replace its rows."),
			(long long)id, alias);
	}
	return start_load(cx, id, alias, false, done);
}

static enum rc load_default(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	return load_first(cx, id, ALIAS_DEFAULT, done);
}

static enum rc load_analytics(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	return load_first(cx, id, ALIAS_ANALYTICS, done);
}

static enum rc again_default(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	return start_load(cx, id, ALIAS_DEFAULT, true, done);
}

static enum rc again_analytics(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	return start_load(cx, id, ALIAS_ANALYTICS, true, done);
}

static const struct action actions[] = {
	{ .name = "load-default",
	  .title = N_("Load DB (default)"),
	  .right = RIGHT_LOAD,
	  .when = "t.state = 'READY' AND instr(t.loaded_in, 'default') = 0 AND " HAS_FILE,
	  .run = load_default },
	{ .name = "load-analytics",
	  .title = N_("Load DB (analytics)"),
	  .right = RIGHT_LOAD,
	  .when = "t.state = 'READY' AND instr(t.loaded_in, 'analytics') = 0 AND " HAS_ANALYTICS
		  " AND " HAS_FILE,
	  .run = load_analytics },
	{ .name = "reload-default",
	  .title = N_("Load again (default)"),
	  .right = RIGHT_LOAD,
	  .confirm = N_("Replace the rows of these days with those of the file?"),
	  .when = "t.state = 'READY' AND instr(t.loaded_in, 'default') > 0 AND " HAS_FILE,
	  .run = again_default },
	{ .name = "reload-analytics",
	  .title = N_("Load again (analytics)"),
	  .right = RIGHT_LOAD,
	  .confirm = N_("Replace the rows of these days with those of the file?"),
	  .when = "t.state = 'READY' AND instr(t.loaded_in, 'analytics') > 0 AND " HAS_ANALYTICS
		  " AND " HAS_FILE,
	  .run = again_analytics },
	{ .name = NULL },
};

static void rows_read(struct cx *cx, struct value *rows)
{
	for (struct value *v = rows->first; v != NULL; v = v->next) {
		const char *id = value_text_of(value_get(v, "_pid"), "");

		if (id[0] != '\0' && value_text_of(value_get(v, "download"), "")[0] != '\0')
			value_set_text(cx->arena, v, "download__href",
				       arena_printf(cx->arena, "/reports/%s/download", id));
	}
}

static void list_extra(struct cx *cx, struct value *page)
{
	value_set_bool(cx->arena, page, "can_request", actor_may(&cx->actor, RIGHT_REQUEST));
	value_set_bool(cx->arena, page, "can_process", actor_may(&cx->actor, RIGHT_PROCESS));
}

const struct resource report_resources[] = {
	{ .name = "reports",
	  .title = N_("Reports of sends"),
	  .title_one = N_("Report"),
	  .table = "generated_report",
	  .row_name =
		  "t.type || ' ' || t.start_on || CASE WHEN t.end_on <> t.start_on THEN ' – ' || t.end_on ELSE '' END",
	  .columns = columns,
	  .sorts = sorts,
	  .filters = filters,
	  .actions = actions,
	  .right_view = RIGHT_REPORTS,
	  .has_public_id = true,
	  .no_import = true,
	  .has_own_create = true,
	  .menu = N_("Reports of sends"),
	  .menu_order = MENU_REPORTS,
	  .menu_setting = "reports.in_menu",
	  .empty = N_(
		  "No report was asked for yet. Sends ask for theirs by themselves an hour after they end."),
	  .list_extra = list_extra,
	  .list_template = "sends/report_list",
	  .rows_read = rows_read },
	{ .name = NULL },
};
