/*
** figures_page.c -- "Ver reporte" of one send, and sends beside each other over time.
**
** Needs:  figures.c for the numbers; web/chart.h for the pictures.
** Never:  asks a provider; counts rows itself.
** Holds:  (1) the same figures as page, JSON, CSV and XLSX; (2) what the source does not tell is said to be
**         not available, never a zero.
*/
#include "desk/outbox_pages.h"
#include "files/files.h"
#include "files/sheet.h"
#include "sends/bulk.h"
#include "sends/figures.h"
#include "sends/reports.h"
#include "web/chart.h"
#include <string.h>

#define DOMAINS_SHOWN   20   /* spec §15: top 20 */
#define REASONS_SHOWN   20   /* there are fewer kinds of refusals */
#define COMPARED_MAX    24   /* two years of monthly sends: what a picture holds */
#define DELIVERIES_READ 2000 /* rows of one question of a download: milliseconds */

static int64_t number(const struct value *map, const char *key)
{
	return value_int_of(value_get(map, key), 0);
}

static const char *text_in(const struct value *map, const char *key)
{
	return value_text_of(value_get(map, key), "");
}

static bool is_doppler(const struct value *f)
{
	return strcmp(text_in(f, "channel"), "doppler") == 0;
}

/* "97.3 %", "—" where nobody knows. */
static const char *rate_shown(struct cx *cx, const struct value *map, const char *key)
{
	const struct value *v = value_get(map, key);
	int64_t tenths = (value_int_of(v, 0) + 5) / 10;

	if (v == NULL || v->type != VALUE_INT) return "—";
	return arena_printf(cx->arena, "%lld%s%lld %%", (long long)(tenths / 10),
			    cx->lang == LANG_ES ? "," : ".", (long long)(tenths % 10));
}

static void add_figure(struct cx *cx, struct value *page, const char *title, const char *value,
		       const char *note, const char *mark)
{
	struct value *list = (struct value *)(uintptr_t)value_get(page, "figures");
	struct value *one;

	if (list == NULL) list = value_set_list(cx->arena, page, "figures");
	one = value_add_map(cx->arena, list);
	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "value", value);
	value_set_text(cx->arena, one, "note", note);
	value_set_text(cx->arena, one, "mark", mark);
}

static const char *of_people(struct cx *cx, const struct value *f, const char *key)
{
	return arena_printf(cx->arena, _("%s recipients"), chart_count(cx, number(f, key)));
}

static void fill_figures(struct cx *cx, struct value *page, const struct value *f)
{
	bool has_report = value_bool_of(value_get(f, "has_report"), false);
	int64_t bounced = number(f, "bounced");

	add_figure(cx, page, _("Accepted for delivery"), chart_count(cx, number(f, "sent")), NULL, NULL);
	add_figure(cx, page, _("Delivery rate"), rate_shown(cx, f, "delivery_bp"), NULL, NULL);
	add_figure(cx, page, _("Open rate"), rate_shown(cx, f, "open_bp"),
		   has_report ? of_people(cx, f, "openers") : NULL, NULL);
	add_figure(cx, page, _("Click rate"), rate_shown(cx, f, "click_bp"),
		   has_report ? of_people(cx, f, "clickers") : NULL, NULL);
	add_figure(cx, page, _("Bounce rate"), rate_shown(cx, f, "bounce_bp"),
		   bounced > 0 && number(f, "hard") + number(f, "soft") > 0
			   ? arena_printf(cx->arena, _("%s for good, %s for now"),
					  chart_count(cx, number(f, "hard")),
					  chart_count(cx, number(f, "soft")))
			   : NULL,
		   bounced > 0 ? "warn" : NULL);
	if (number(f, "dropped") > 0)
		add_figure(cx, page, _("Not attempted (suppressed there)"),
			   chart_count(cx, number(f, "dropped")), NULL, "warn");
	if (number(f, "waiting") > 0)
		add_figure(cx, page, _("Still on their way"), chart_count(cx, number(f, "waiting")), NULL,
			   NULL);
	if (number(f, "rejected") > 0)
		add_figure(cx, page, _("Refused at once"), chart_count(cx, number(f, "rejected")), NULL,
			   "warn");
	if (number(f, "unsure") > 0)
		add_figure(cx, page, _("Uncertain"), chart_count(cx, number(f, "unsure")), NULL, "warn");
}

/* The totals by type: what the source has none of is a line of the table, not a bar. */
static void fill_types(struct cx *cx, struct value *page, const struct value *f)
{
	static const struct {
		const char *code, *title, *key;
	} types[] = {
		{ "deliveries", N_("Deliveries"), "delivered" },
		{ "bounces", N_("Bounces"), "bounced" },
		{ "opens", N_("Opens"), "opens" },
		{ "clicks", N_("Clicks"), "clicks" },
		{ "spam", N_("Spam"), "spam" },
		{ "unsubscribed", N_("Unsubscribed"), "unsubscribed" },
		{ "sent", N_("Sent off"), "sent" },
	};
	enum { TYPES = sizeof(types) / sizeof(types[0]) };
	const char *labels[TYPES];
	int64_t values[TYPES];
	struct value *list = value_set_list(cx->arena, page, "types"), *picture;
	struct chart c = { .id = "by-type",
			   .title = _("Totals by type"),
			   .text = is_doppler(f) ? _("What the provider told of this send's mails.")
						 : _("What is known here of this send's mails."),
			   .column = _("Type"),
			   .empty = _("There are no figures yet."),
			   .series = 1,
			   .labels = labels };

	for (size_t i = 0; i < TYPES; i++) {
		const struct value *v = value_get(f, types[i].key);
		bool is_known = v != NULL && v->type == VALUE_INT;
		struct value *row = value_add_map(cx->arena, list);

		value_set_text(cx->arena, row, "type", types[i].code);
		value_set_text(cx->arena, row, "type_shown", words_get(cx->lang, types[i].title));
		value_set_text(cx->arena, row, "total_shown",
			       is_known ? chart_count(cx, v->integer) : _("not available"));
		if (!is_known) continue;
		labels[c.points] = words_get(cx->lang, types[i].title);
		values[c.points++] = v->integer;
	}
	c.of[0] = (struct chart_series){ .title = _("Total"), .values = values };
	picture = chart_bars(cx, &c);
	/* The page's own table has these and what is not available. */
	value_set_list(cx->arena, picture, "rows");
	value_set(page, "chart_types", picture);
}

/* Only Doppler Relay makes reports; of the other roads the ledger itself knows why a mail did not arrive. */
static enum rc fill_failures(struct cx *cx, struct value *page, const struct value *f)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, page, "failures");
	enum rc rc = figures_failures(cx, &rows, number(f, "bulk_id"), REASONS_SHOWN);

	for (const struct value *r = rc == RC_OK ? rows->first : NULL; r != NULL; r = r->next) {
		struct value *one = value_add_map(cx->arena, list);
		const char *words = message_why_words(cx, "failed", text_in(r, "code"));

		value_set_text(cx->arena, one, "reason", words[0] != '\0' ? words : text_in(r, "code"));
		value_set_text(cx->arena, one, "total", chart_count(cx, number(r, "count")));
	}
	value_set_bool(cx->arena, page, "has_failures", list->count > 0);
	return rc;
}

static void fill_domains(struct cx *cx, struct value *page, const struct value *f)
{
	const struct value *domains = value_get(f, "domains");
	struct value *list = value_set_list(cx->arena, page, "domains");

	for (const struct value *d = domains != NULL ? domains->first : NULL; d != NULL; d = d->next) {
		struct value *row = value_add_map(cx->arena, list);
		const char *name = text_in(d, "domain");

		value_set_text(cx->arena, row, "domain", name[0] != '\0' ? name : _("All others"));
		value_set_text(cx->arena, row, "found", chart_count(cx, number(d, "found")));
		value_set_text(cx->arena, row, "delivered", chart_count(cx, number(d, "sent")));
		value_set_text(cx->arena, row, "bounced", chart_count(cx, number(d, "bounced")));
		value_set_text(cx->arena, row, "opens", chart_count(cx, number(d, "opens")));
		value_set_text(cx->arena, row, "clicks", chart_count(cx, number(d, "clicks")));
	}
	value_set_bool(cx->arena, page, "has_domains", list->count > 0);
}

/* When the next pass is, where the provider had no rows yet. */
static enum rc fill_pass(struct cx *cx, struct value *page, int64_t bulk_id)
{
	int64_t due = 0;
	enum rc rc = db_get_int(
		cx, &due,
		"SELECT coalesce(min(due_at), 0) FROM bulk_report_pass WHERE bulk_id = :id AND done_at IS NULL",
		PARAMS(P_INT(":id", bulk_id)));

	if (rc == RC_OK && due > 0) value_set_int(cx->arena, page, "next_pass_at", due);
	return rc;
}

/* The stored files of the send's days: "CSV consolidado del día". */
static enum rc fill_days(struct cx *cx, struct value *page, const struct value *f)
{
	const struct zone *zone = cx->env->zone;
	char from[DATE_SIZE], until[DATE_SIZE];
	struct value *days = NULL;
	enum rc rc;

	day_text(from, zone_day(zone, number(f, "sent_started_at")));
	day_text(until, zone_day(zone, number(f, "sent_finished_at")) + 1);
	rc = db_rows(
		cx, &days, COMPARED_MAX,
		"SELECT id AS report_id, start_on FROM generated_report WHERE type = 'deliveries' AND state = 'READY'"
		" AND file_id IS NOT NULL AND start_on >= :from AND start_on <= :until AND end_on = start_on"
		" GROUP BY start_on HAVING id = max(id) ORDER BY start_on",
		PARAMS(P_TEXT(":from", from), P_TEXT(":until", until)));
	if (rc != RC_OK) return rc;
	shape_page(cx, days);
	value_set(page, "days", days);
	return RC_OK;
}

static enum rc refuse_early(struct cx *cx, const struct value *f)
{
	if (number(f, "sent_finished_at") == 0)
		return cx_fail(cx, RC_CONFLICT, "%s",
			       _("This send is not finished; its report is there when it is done."));
	return RC_OK;
}

static const struct answer_column domain_columns[] = {
	{ "domain", N_("Domain") },   { "found", N_("Found") },          { "sent", N_("Deliveries") },
	{ "bounced", N_("Bounces") }, { "opens", N_("Opens") },          { "openers", N_("Who opened") },
	{ "clicks", N_("Clicks") },   { "clickers", N_("Who clicked") }, { NULL, NULL },
};

static enum rc handle_figures(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *f = NULL;
	bool is_page = call_shape(call) == SHAPE_PAGE;
	int64_t id = 0;
	enum rc rc = bulk_find(cx, &id, call_param(call, "id"));

	if (rc == RC_OK) rc = figures_read(cx, &f, id, is_page ? DOMAINS_SHOWN : FIGURE_DOMAINS_MAX + 1);
	if (rc == RC_OK) rc = refuse_early(cx, f);
	if (rc == RC_OK && is_page && is_doppler(f)) rc = fill_pass(cx, page, id);
	if (rc == RC_OK && is_page && is_doppler(f)) rc = fill_days(cx, page, f);
	if (rc == RC_OK && is_page && !is_doppler(f)) rc = fill_failures(cx, page, f);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_JSON) {
		shape_json(cx, f);
		answer_json(cx, call, 200, f);
		return RC_OK;
	}
	if (!is_page) return answer_rows(cx, call, "domains", domain_columns, value_get(f, "domains"));
	fill_figures(cx, page, f);
	fill_types(cx, page, f);
	fill_domains(cx, page, f);
	value_set_text(cx->arena, page, "heading",
		       arena_printf(cx->arena, _("Report: %s"),
				    text_in(f, "template_name")[0] != '\0' ? text_in(f, "template_name")
									   : text_in(f, "template_id")));
	value_set_text(cx->arena, page, "subject", text_in(f, "subject"));
	value_set_text(cx->arena, page, "send", text_in(f, "id"));
	value_set_int(cx->arena, page, "sent_started_at", number(f, "sent_started_at"));
	value_set_int(cx->arena, page, "sent_finished_at", number(f, "sent_finished_at"));
	if (number(f, "post_reports_loaded_at") > 0)
		value_set_int(cx->arena, page, "loaded_at", number(f, "post_reports_loaded_at"));
	value_set_bool(cx->arena, page, "has_report", value_bool_of(value_get(f, "has_report"), false));
	value_set_bool(cx->arena, page, "is_doppler", is_doppler(f));
	value_set_bool(cx->arena, page, "may_reports", actor_may(&cx->actor, RIGHT_REPORTS));
	shape_page(cx, page);
	answer_page(cx, call, "sends/figures", text_in(page, "heading"), page);
	return RC_OK;
}

/* CSV of this send: the provider's columns, of its rows alone */

struct delivery_line {
	const char *subject, *sender, *sender_name;
};

static void put_line(struct cx *cx, struct sheet *s, const struct delivery_line *l, const struct query *q)
{
	struct civil utc = zone_civil(zone_find("UTC"), query_int(q, 3));

	sheet_text(s, l->subject);
	sheet_text(s, l->sender);
	sheet_text(s, l->sender_name);
	sheet_text(s, query_text(q, 1));
	sheet_text(s, query_text(q, 2));
	if (query_is_null(q, 3)) {
		sheet_empty(s);
	} else {
		char date[DATE_SIZE];

		day_text(date, utc.day);
		sheet_code(s, arena_printf(cx->arena, "%s %02d:%02d:%02d", date, utc.hour, utc.minute,
					   utc.second));
	}
	sheet_int(s, query_int(q, 4));
	sheet_int(s, query_int(q, 5));
	if (query_is_null(q, 3))
		sheet_empty(s);
	else
		sheet_instant(s, query_int(q, 3));
}

static enum rc put_slice(struct cx *cx, struct sheet *s, const struct delivery_line *l, int64_t bulk_id,
			 int64_t *last, int64_t *count)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT r.recipient_id, coalesce(p.normalized, p.recipient), r.delivery_status, r.reported_at, r.opens, r.clicks"
		" FROM bulk_result r CROSS JOIN bulk_recipient p ON p.id = r.recipient_id WHERE r.bulk_id = :id"
		" AND r.recipient_id > :last ORDER BY r.recipient_id LIMIT :max",
		PARAMS(P_INT(":id", bulk_id), P_INT(":last", *last), P_INT(":max", DELIVERIES_READ)));

	*count = 0;
	while (rc == RC_OK && query_next(q)) {
		*last = query_int(q, 0);
		++*count;
		put_line(cx, s, l, q);
		rc = sheet_row(s);
	}
	return query_end(q, rc);
}

static enum rc handle_deliveries(struct cx *cx, struct call *call)
{
	static const struct sheet_column columns[] = {
		{ "Subject", SHEET_TEXT }, { "Sender", SHEET_TEXT }, { "SenderName", SHEET_TEXT },
		{ "Email", SHEET_TEXT },   { "Status", SHEET_TEXT }, { "Date", SHEET_TEXT },
		{ "Opens", SHEET_INT },    { "Clicks", SHEET_INT },  { "Date_Local", SHEET_INSTANT },
	};
	enum sheet_kind kind = call_shape(call) == SHAPE_XLSX ? SHEET_XLSX : SHEET_CSV;
	struct delivery_line line;
	struct value *send = NULL;
	struct sheet *s = NULL;
	int64_t id = 0, last = 0, count = DELIVERIES_READ;
	int fd = -1;
	enum rc rc = bulk_find(cx, &id, call_param(call, "id"));

	if (rc == RC_OK)
		rc = db_row(cx, &send,
			    "SELECT id, subject, from_email, from_name FROM bulk_send WHERE id = :id",
			    PARAMS(P_INT(":id", id)));
	if (rc == RC_OK) {
		line = (struct delivery_line){ text_in(send, "subject"), text_in(send, "from_email"),
					       text_in(send, "from_name") };
		rc = sheet_open(cx, &s, kind, "deliveries", columns, sizeof(columns) / sizeof(columns[0]));
	}
	while (rc == RC_OK && count == DELIVERIES_READ)
		rc = put_slice(cx, s, &line, id, &last, &count);
	rc = sheet_close(s, rc, &fd);
	if (rc == RC_OK)
		answer_download(cx, call, fd, sheet_media_type(kind),
				arena_printf(cx->arena, "bulk_%lld_deliveries_window.%s", (long long)id,
					     sheet_suffix(kind)));
	return rc;
}

/* Sends beside each other */

static const struct answer_column compare_columns[] = {
	{ "sent_finished_at", N_("Finished") }, { "template_name", N_("Template") },
	{ "subject", N_("Subject") },           { "sent", N_("Accepted for delivery") },
	{ "delivered", N_("Deliveries") },      { "delivery_bp", N_("Delivery rate") },
	{ "open_bp", N_("Open rate") },         { "click_bp", N_("Click rate") },
	{ "bounce_bp", N_("Bounce rate") },     { NULL, NULL },
};

static void fill_lines(struct cx *cx, struct value *page, const struct value *list)
{
	static const struct {
		const char *key, *title;
		int color;
	} drawn[] = { { "delivery_bp", N_("Delivery rate"), 1 },
		      { "open_bp", N_("Open rate"), 2 },
		      { "click_bp", N_("Click rate"), 3 },
		      { "bounce_bp", N_("Bounce rate"), 4 } };
	const char *labels[COMPARED_MAX], *shorts[COMPARED_MAX], *hrefs[COMPARED_MAX];
	int64_t values[CHART_SERIES_MAX][COMPARED_MAX];
	struct chart c = { .id = "over-time",
			   .title = _("Rates over time, in percent"),
			   .text = _("Of what was accepted for delivery; oldest send on the left."),
			   .column = _("Send"),
			   .empty = _("There are no figures yet."),
			   .series = CHART_SERIES_MAX,
			   .labels = labels,
			   .shorts = shorts,
			   .hrefs = hrefs };
	size_t at = list->count < COMPARED_MAX ? list->count : COMPARED_MAX;

	c.points = at;
	for (size_t i = 0; i < CHART_SERIES_MAX; i++)
		c.of[i] = (struct chart_series){ .title = words_get(cx->lang, drawn[i].title),
						 .values = values[i],
						 .color = drawn[i].color };
	for (const struct value *s = list->first; s != NULL && at > 0; s = s->next) {
		char date[DATE_SIZE];

		--at;
		day_text(date, zone_day(cx->env->zone, number(s, "sent_finished_at")));
		shorts[at] = arena_printf(cx->arena, "%.2s/%.2s", date + 8, date + 5);
		labels[at] = arena_printf(cx->arena, "%s · %s", shorts[at], text_in(s, "template_name"));
		hrefs[at] = arena_printf(cx->arena, "/sends/%s/report", text_in(s, "id"));
		for (size_t i = 0; i < CHART_SERIES_MAX; i++)
			values[i][at] = number(s, drawn[i].key) / 100;
	}
	value_set(page, "chart_rates", chart_line(cx, &c));
}

static void fill_compared(struct cx *cx, struct value *list)
{
	for (struct value *s = list->first; s != NULL; s = s->next) {
		value_set_text(cx->arena, s, "delivery", rate_shown(cx, s, "delivery_bp"));
		value_set_text(cx->arena, s, "opening", rate_shown(cx, s, "open_bp"));
		value_set_text(cx->arena, s, "clicking", rate_shown(cx, s, "click_bp"));
		value_set_text(cx->arena, s, "bouncing", rate_shown(cx, s, "bounce_bp"));
		value_set_text(cx->arena, s, "sent_shown", chart_count(cx, number(s, "sent")));
		if (text_in(s, "template_name")[0] == '\0')
			value_set_text(cx->arena, s, "template_name", text_in(s, "template_id"));
	}
}

static enum rc handle_compare(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *list = NULL;
	const char *text = call_query(call, "q");
	enum rc rc = figures_compare(cx, &list, text != NULL ? text : "", COMPARED_MAX);

	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) return answer_rows(cx, call, "compare", compare_columns, list);
	fill_lines(cx, page, list);
	fill_compared(cx, list);
	shape_page(cx, list);
	value_set(page, "sends", list);
	value_set_bool(cx->arena, page, "has_sends", list->count > 0);
	value_set_text(cx->arena, page, "q", text != NULL ? text : "");
	answer_page(cx, call, "sends/compare", _("Sends compared"), page);
	return RC_OK;
}

const struct route figure_routes[] = {
	{ .method = "GET",
	  .path = "/sends/compare",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_DB,
	  .help = N_("The last sends beside each other: rates over time"),
	  .handle = handle_compare },
	/* Its files: "/sends/compare.csv" would be the send of that name. */
	{ .method = "GET",
	  .path = "/sends/compare/rates",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_DB,
	  .help = N_("The last sends beside each other: rates over time"),
	  .handle = handle_compare,
	  .no_api = true },
	{ .method = "GET",
	  .path = "/sends/:id/report",
	  .realm = REALM_STAFF,
	  .right = RIGHT_REPORTS,
	  .class = ROUTE_DB,
	  .help = N_("What became of a send, in figures"),
	  .handle = handle_figures },
	{ .method = "GET",
	  .path = "/sends/:id/deliveries.csv",
	  .realm = REALM_STAFF,
	  .right = RIGHT_REPORTS,
	  .class = ROUTE_DB,
	  .help = N_("What the provider told of each mail of a send, as a file"),
	  .handle = handle_deliveries,
	  .no_api = true },
	{ .method = NULL },
};
