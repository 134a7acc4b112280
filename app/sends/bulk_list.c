/*
** bulk_list.c -- the list of bulk sends: columns, filters, the cards above it and its refresh.
**
** Needs:  bulk.h for starting a send.
** Never:  asks the provider.
** Holds:  (1) what the column "State" shows is the label of spec §3.1, the same in page, CSV and workbook;
**         (2) a list without anything under way never refreshes itself.
*/
#include "sends/bulk_pages.h"
#include <string.h>

/* Spec §3.1: a job under way, an hour to wait for and the import speak before the state. */
#define SHOWN_SQL                                                                                  \
	"CASE WHEN t.status <> 'pending' AND t.status <> 'error' THEN t.status"                    \
	" WHEN t.import_status = 'error' THEN 'import_error' WHEN t.status = 'error' THEN 'error'" \
	" WHEN t.import_status = 'importing' OR t.import_status = 'not_started' THEN 'importing'"  \
	" WHEN t.scheduled_at IS NOT NULL THEN 'scheduled'"                                        \
	" WHEN t.import_status = 'ready_with_errors' THEN 'ready_with_errors' ELSE 'ready' END"
#define SHOWN_CHOICES                                                                       \
	"importing=importing|import_error=import error|scheduled=timed|ready=ready|"        \
	"ready_with_errors=ready with invalid rows|queued=in the queue|sending=being sent|" \
	"paused=on hold|done=finished|error=with an error|cancelled=called off"

/* Spec §3.6, as far as the row itself knows; the send's page asks the reports. Over other roads than Doppler
** Relay nobody has to be asked: the figures are those of the outbox. */
#define REPORT_SQL                                                                                 \
	"CASE WHEN t.status <> 'done' THEN 'not_started' WHEN t.channel <> 'doppler' THEN 'ready'" \
	" WHEN t.post_reports_status = 'zero_rows' THEN 'zero_rows'"                               \
	" WHEN t.post_reports_loaded_at IS NOT NULL THEN 'ready'"                                  \
	" WHEN t.post_reports_status = 'error' THEN 'error'"                                       \
	" WHEN t.post_reports_status = 'pending' THEN 'pending' ELSE 'not_started' END"
#define REPORT_CHOICES                                                                   \
	"not_started=not yet|pending=asked for|ready=View report|zero_rows=no rows yet|" \
	"error=with an error"

static const struct column columns[] = {
	{ .name = "number",
	  .title = N_("ID"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "t.id" },
	{ .name = "template_name",
	  .title = N_("Mail template"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_SEARCH,
	  .sql = "coalesce(nullif(t.template_name, ''), t.template_id)" },
	{ .name = "subject", .title = N_("Subject"), .type = COLUMN_TEXT, .flags = COL_READONLY | COL_LIST },
	{ .name = "shown",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = SHOWN_SQL,
	  .choices = SHOWN_CHOICES },
	{ .name = "report",
	  .title = N_("Report"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST | COL_LINK,
	  .sql = REPORT_SQL,
	  .choices = REPORT_CHOICES },
	{ .name = "created_at",
	  .title = N_("Created"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "scheduled_at",
	  .title = N_("Timed for"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "attachments",
	  .title = N_("Attachments"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "(SELECT count(*) FROM bulk_send_attachment x WHERE x.bulk_id = t.id)" },
	/* Programs read the code; the history says it in words. */
	{ .name = "status",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_API,
	  .choices = "pending=pending|queued=in the queue|sending=being sent|paused=on hold|done=finished|"
		     "error=with an error|cancelled=called off" },
	{ .name = "template_id",
	  .title = N_("Id of the template"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY },
	{ .name = "channel",
	  .title = N_("Usual road of the send"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY,
	  .choices = ROAD_CHOICES },
	{ .name = "imported_rows",
	  .title = N_("Rows in the file"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY },
	{ .name = "valid_rows", .title = N_("Valid rows"), .type = COLUMN_INT, .flags = COL_READONLY },
	{ .name = "invalid_rows", .title = N_("Invalid rows"), .type = COLUMN_INT, .flags = COL_READONLY },
	{ .name = "from_email", .title = N_("Sender"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "sent_started_at",
	  .title = N_("First mail"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY },
	{ .name = "sent_finished_at",
	  .title = N_("Last mail"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY },
	{ .name = "created_by", .title = N_("By"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = NULL },
};

static const struct sort sorts[] = {
	{ .name = "created_at", .title = N_("Created"), .sql = "t.created_at", .is_down = true },
	{ .name = NULL },
};

/* "+": the order's index finds the rows of a page; without it a common state would be read whole and sorted. */
static const struct filter filters[] = {
	{ .name = "status",
	  .title = N_("State"),
	  .choices =
		  "pending=Pending sends|done=finished|error=with an error|active=queued, being sent or on hold|"
		  "scheduled=timed|cancelled=called off",
	  .sql = (const char *const[]){ "+t.status = 'pending'", "+t.status = 'done'", "+t.status = 'error'",
					"+t.status IN ('queued', 'sending', 'paused')",
					"+t.status = 'pending' AND +t.scheduled_at IS NOT NULL",
					"+t.status = 'cancelled'", NULL } },
	{ .name = "period",
	  .title = N_("Period"),
	  .choices = "current_month=Current month|all=All of the time",
	  .sql = (const char *const[]){ "t.created_at >= :month", "1", NULL },
	  .def = "current_month" },
	{ .name = "on",
	  .title = N_("On the day"),
	  .sql = (const char *const[]){ "t.created_at >= :f_on_ms AND t.created_at < :f_on_end_ms", NULL } },
	{ .name = NULL },
};

/* What the list offers for many: spec §16's "Procesar envío masivo seleccionado". */

static enum rc enqueue_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = bulk_enqueue(cx, id);

	(void)call;
	if (rc == RC_OK) *done = _("It is in the queue and starts by itself.");
	return rc;
}

static const struct action actions[] = {
	{ .name = "enqueue",
	  .title = N_("Process the chosen bulk send"),
	  .right = RIGHT_EDIT,
	  .confirm = N_("Start this send? The mails leave at once."),
	  .is_bulk = true,
	  .when = "t.status = 'pending'",
	  .run = enqueue_run },
	{ .name = NULL },
};

/* Cards and refresh */

static void card(struct cx *cx, struct value *list, const char *title, int64_t n, const char *href)
{
	struct value *one = value_add_map(cx->arena, list);

	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "value", bulk_number(cx, n));
	value_set_text(cx->arena, one, "href", href);
	value_set_null(cx->arena, one, "mark");
	value_set_null(cx->arena, one, "note");
}

static const char active_sql[] = "SELECT count(*) FROM bulk_send INDEXED BY bulk_send_status WHERE status IN"
				 " ('queued', 'sending') AND archived_at IS NULL";
static const char importing_sql[] =
	"SELECT count(*) FROM bulk_send INDEXED BY bulk_send_status WHERE status = 'pending'"
	" AND import_status = 'importing' AND archived_at IS NULL";

/* How many are under way; a number that cannot be had is none. */
static int64_t active_count(struct cx *cx)
{
	int64_t active = 0, importing = 0;

	if (db_get_int(cx, &active, active_sql, NO_PARAMS) != RC_OK ||
	    db_get_int(cx, &importing, importing_sql, NO_PARAMS) != RC_OK)
		return 0;
	return active + importing;
}

void bulk_cards(struct cx *cx, struct value *out, const char *key)
{
	static const struct {
		const char *title, *href, *sql;
	} cards[] = {
		{ N_("Pending sends"), "/sends?status=pending&period=all",
		  "SELECT count(*) FROM bulk_send WHERE status = 'pending' AND archived_at IS NULL" },
		{ N_("Finished sends"), "/sends?status=done&period=all",
		  "SELECT count(*) FROM bulk_send WHERE status = 'done' AND archived_at IS NULL" },
	};
	struct value *list = value_set_list(cx->arena, out, key);
	int year, month, dom;
	int64_t n = 0;

	day_split(cx_today(cx), &year, &month, &dom);
	if (db_get_int(cx, &n,
		       "SELECT count(*) FROM bulk_send WHERE created_at >= :from AND archived_at IS NULL",
		       PARAMS(P_INT(":from", zone_midnight(cx->env->zone, cx_today(cx) - (day)(dom - 1))))) ==
	    RC_OK)
		card(cx, list, _("Listed this month"), n, "/sends");
	for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++)
		if (db_get_int(cx, &n, cards[i].sql, NO_PARAMS) == RC_OK)
			card(cx, list, words_get(cx->lang, cards[i].title), n, cards[i].href);
	card(cx, list, _("Active work"), active_count(cx), "/sends?status=active&period=all");
}

static void list_extra(struct cx *cx, struct value *page)
{
	int64_t active = active_count(cx);

	bulk_cards(cx, page, "cards");
	if (actor_may(&cx->actor, RIGHT_EDIT)) value_set_text(cx->arena, page, "new", "/sends/new");
	value_set_bool(cx->arena, page, "may_reports", actor_may(&cx->actor, RIGHT_REPORTS));
	if (active > 0)
		value_set_text(cx->arena, page, "refresh",
			       arena_printf(cx->arena, "/sends/progress?since=%lld&active=%lld",
					    (long long)cx_now(cx), (long long)active));
}

static int64_t query_number(struct call *call, const char *name)
{
	const char *text = call_query(call, name);
	struct value given = { .type = VALUE_TEXT, .text = text, .len = text != NULL ? strlen(text) : 0 };

	return text != NULL ? value_int_of(&given, 0) : 0;
}

/* The list looks fresh again when it is half a minute old, or at once when something began or ended. */
enum rc handle_list_progress(struct cx *cx, struct call *call)
{
	struct value *out = value_map(cx->arena);
	int64_t active = active_count(cx), age = cx_now(cx) - query_number(call, "since");

	value_set_int(cx->arena, out, "done", 0);
	value_set_int(cx->arena, out, "total", 0);
	value_set_text(cx->arena, out, "text", "");
	value_set_bool(cx->arena, out, "is_over",
		       age < 0 || age >= BULK_LIST_REFRESH_S * SECOND_MS ||
			       active != query_number(call, "active"));
	answer_json(cx, call, 200, out);
	return RC_OK;
}

/* "Ver reporte" leads to the figures. */
static void rows_read(struct cx *cx, struct value *rows)
{
	for (struct value *v = rows->first; v != NULL; v = v->next) {
		const char *report = text_at(v, "report"), *id = text_at(v, "_pid");

		if (id[0] != '\0' && (strcmp(report, "ready") == 0 || strcmp(report, "zero_rows") == 0))
			value_set_text(cx->arena, v, "report__href",
				       arena_printf(cx->arena, "/sends/%s/report", id));
	}
}

const struct resource bulk_resources[] = {
	{ .name = "sends",
	  .title = N_("Bulk sends"),
	  .title_one = N_("Bulk send"),
	  .table = "bulk_send",
	  .row_name = "t.id || ' · ' || coalesce(nullif(t.template_name, ''), t.template_id)",
	  .columns = columns,
	  .sorts = sorts,
	  .filters = filters,
	  .actions = actions,
	  .where = "t.archived_at IS NULL",
	  .right_view = RIGHT_VIEW,
	  .has_public_id = true,
	  .finds_number = true,
	  .no_import = true,
	  .menu = N_("Sends"),
	  .menu_order = MENU_SENDS,
	  .empty = N_("No bulk send here. Make one from a template and a file of recipients."),
	  .list_extra = list_extra,
	  .list_template = "sends/bulk_list",
	  .rows_read = rows_read,
	  .show = bulk_show,
	  .show_template = "sends/bulk_show" },
	{ .name = NULL },
};
