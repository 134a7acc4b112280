/*
** panel_rows.c -- the short tables of the panel: what ends when, who failed, who is new, what sells.
**
** Holds:  (1) a table has at most ROWS_SHOWN rows, in the order of an index; the number above it counts all
**         of them, and leads to them; (2) rows hang on customers that the person may see.
*/
#include "renewals/panel.h"
#include "web/chart.h"
#include <string.h>

#define ROWS_SHOWN   10 /* one glance; the list behind it has the rest */
#define LATEST_ROWS  5  /* on the home page (spec §13)                   */
#define USERS_SHOWN  5  /* spec §13                                    */
#define SERVICES_TOP 5  /* spec §13                                    */
#define FAILED_DAYS  7  /* a failure older than that nobody mends any more  */

#define SUBSCRIPTION_CELLS                                                                                         \
	"SELECT s.public_id AS id, trim(c.given_names || ' ' || c.surnames) AS client, v.display_name AS service," \
	" s.ends_on, s.price_cents, s.currency, s.state, s.cancel_at_end,"                                         \
	" CAST(julianday(s.ends_on) - julianday(:today) AS INTEGER) AS days_left FROM subscription s"

static const char upcoming_sql[] = SUBSCRIPTION_CELLS
	" INDEXED BY subscription_due CROSS JOIN client c ON c.id = s.client_id JOIN service v ON v.id = s.service_id"
	" WHERE s.state = 'active' AND s.archived_at IS NULL AND s.ends_on BETWEEN :from AND :to AND s." NOT_PENDING
	" AND (:all OR c.owner_id = :actor) ORDER BY s.ends_on, s.id LIMIT :limit";

static const char latest_sql[] = SUBSCRIPTION_CELLS
	" INDEXED BY subscription_created CROSS JOIN client c ON c.id = s.client_id JOIN service v ON v.id = s.service_id"
	" WHERE s.archived_at IS NULL AND s." NOT_PENDING
	" AND (:all OR c.owner_id = :actor) ORDER BY s.created_at DESC, s.id DESC LIMIT :limit";

static void finish_rows(struct cx *cx, struct value *card, struct value *rows)
{
	shape_page(cx, rows);
	for (struct value *r = rows->first; r != NULL; r = r->next) {
		subscription_badge(cx, r);
		value_set_text(cx->arena, r, "href",
			       arena_printf(cx->arena, "/subscriptions/%s", text_in(r, "id")));
	}
	value_set(card, "rows", rows);
	value_set_bool(cx->arena, card, "has_rows", rows->count > 0);
}

/* Those that end from `from` to `to` days from today. */
static void fill_ending(struct cx *cx, struct value *card, int from, int to)
{
	struct value *rows = NULL;
	char today[DATE_SIZE], first[DATE_SIZE], last[DATE_SIZE];

	day_text(today, cx_today(cx));
	day_text(first, cx_today(cx) + from);
	day_text(last, cx_today(cx) + to);
	if (db_rows(cx, &rows, ROWS_SHOWN, upcoming_sql,
		    PARAMS(P_TEXT(":today", today), P_TEXT(":from", first), P_TEXT(":to", last), P_SEEN(cx),
			   P_INT(":limit", ROWS_SHOWN))) == RC_OK)
		finish_rows(cx, card, rows);
}

void panel_upcoming(struct cx *cx, struct value *card)
{
	fill_ending(cx, card, 0, SOON_DAYS);
	value_set_text(cx->arena, card, "rows_href", "/subscriptions?state=expiring");
}

static void fill_newest(struct cx *cx, struct value *card, int limit)
{
	struct value *rows = NULL;
	char today[DATE_SIZE];

	day_text(today, cx_today(cx));
	if (db_rows(cx, &rows, (size_t)limit, latest_sql,
		    PARAMS(P_TEXT(":today", today), P_SEEN(cx), P_INT(":limit", limit))) == RC_OK)
		finish_rows(cx, card, rows);
	value_set_text(cx->arena, card, "rows_href", "/subscriptions?sort=created_at");
}

void panel_latest(struct cx *cx, struct value *card)
{
	fill_newest(cx, card, LATEST_ROWS);
}

/* The tables of the page: each a card of rows {href, client, service, ends, mark, days_shown} */

static struct value *add_table(struct cx *cx, struct value *page, const char *name, const char *title,
			       const char *none)
{
	struct value *list = list_in(page, "tables"), *one;

	if (list == NULL) list = value_set_list(cx->arena, page, "tables");
	one = value_add_map(cx->arena, list);
	value_set_text(cx->arena, one, "name", name);
	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "none", none);
	value_set_null(cx->arena, one, "total");
	value_set_null(cx->arena, one, "rows_href");
	value_set_bool(cx->arena, one, "has_rows", false);
	value_set_list(cx->arena, one, "rows");
	return one;
}

static const char ending_count_sql[] =
	"SELECT count(*) FROM subscription INDEXED BY subscription_due WHERE state = 'active' AND ends_on = :day"
	" AND archived_at IS NULL AND " NOT_PENDING " AND " SEEN_OF("");

static void add_total(struct cx *cx, struct value *table, int64_t n, const char *href)
{
	value_set_int(cx->arena, table, "total", n);
	value_set_text(cx->arena, table, "total_shown", chart_count(cx, n));
	value_set_text(cx->arena, table, "rows_href", href);
}

static void add_ending(struct cx *cx, struct value *page, int days, const char *title)
{
	struct value *table =
		add_table(cx, page, arena_printf(cx->arena, "ending_%d", days), title, _("None that day."));
	char on[DATE_SIZE];
	int64_t n = 0;

	day_text(on, cx_today(cx) + days);
	if (db_get_int(cx, &n, ending_count_sql, PARAMS(P_TEXT(":day", on), P_SEEN(cx))) != RC_OK) return;
	fill_ending(cx, table, days, days);
	add_total(cx, table, n,
		  arena_printf(cx->arena, "/subscriptions?state=active&ends_from=%s&ends_to=%s", on, on));
}

#define FAILED_FROM                                                                                         \
	" FROM message m INDEXED BY message_unusual CROSS JOIN notice n INDEXED BY notice_message"          \
	" ON n.message_id IN (m.id, m.replaces_id) AND m.id = " NOTICE_MESSAGE                              \
	" WHERE m.state = 'failed' AND n.local_on >= :from AND n.type = 'expiration_warning' AND " SEEN_OF( \
		"n.")

static void add_failed(struct cx *cx, struct value *page)
{
	static const char rows_sql[] =
		"SELECT n.public_id AS id, trim(c.given_names || ' ' || c.surnames) AS client, v.display_name AS service,"
		" n.local_on, m.error FROM (SELECT n.id AS notice_id, m.id AS message_id" FAILED_FROM
		" ORDER BY m.id DESC LIMIT :limit) f JOIN notice n ON n.id = f.notice_id JOIN message m ON m.id = f.message_id"
		" JOIN client c ON c.id = n.client_id JOIN subscription s ON s.id = n.subscription_id"
		" JOIN service v ON v.id = s.service_id ORDER BY m.id DESC";
	struct value *table = add_table(cx, page, "failed", _("Notices that failed in 7 days"),
					_("None. All of them left.")),
		     *rows = NULL;
	char from[DATE_SIZE];
	int64_t n = 0;

	day_text(from, cx_today(cx) - (FAILED_DAYS - 1));
	if (db_get_int(cx, &n, "SELECT count(*)" FAILED_FROM, PARAMS(P_TEXT(":from", from), P_SEEN(cx))) !=
		    RC_OK ||
	    db_rows(cx, &rows, ROWS_SHOWN, rows_sql,
		    PARAMS(P_TEXT(":from", from), P_SEEN(cx), P_INT(":limit", ROWS_SHOWN))) != RC_OK)
		return;
	shape_page(cx, rows);
	for (struct value *r = rows->first; r != NULL; r = r->next) {
		value_set_text(cx->arena, r, "href",
			       arena_printf(cx->arena, "/notices/%s", text_in(r, "id")));
		value_set_text(cx->arena, r, "ends", text_in(r, "local"));
		value_set_text(cx->arena, r, "note", words_get(cx->lang, text_in(r, "error")));
	}
	value_set(table, "rows", rows);
	value_set_bool(cx->arena, table, "has_rows", rows->count > 0);
	add_total(cx, table, n,
		  arena_printf(cx->arena, "/notices?state=failed&type=expiration_warning&from=%s", from));
}

static void add_unreachable(struct cx *cx, struct value *page)
{
#define UNREACHABLE                                                                              \
	" FROM client INDEXED BY client_unreachable WHERE archived_at IS NULL AND is_active = 1" \
	" AND (phone IS NULL OR phone_kind = 'landline') AND " NOT_PENDING                       \
	" AND (:all OR owner_id = :actor)"
	struct value *table = add_table(cx, page, "unreachable", _("Customers without a WhatsApp number"),
					_("None. Notices can reach everybody.")),
		     *rows = NULL;
	int64_t n = 0;

	if (db_get_int(cx, &n, "SELECT count(*)" UNREACHABLE, PARAMS(P_SEEN(cx))) != RC_OK ||
	    db_rows(cx, &rows, ROWS_SHOWN,
		    "SELECT public_id AS id, trim(given_names || ' ' || surnames) AS client, phone_original AS service,"
		    " phone IS NULL AS is_without" UNREACHABLE " ORDER BY id DESC LIMIT :limit",
		    PARAMS(P_SEEN(cx), P_INT(":limit", ROWS_SHOWN))) != RC_OK)
		return;
	for (struct value *r = rows->first; r != NULL; r = r->next) {
		value_set_text(cx->arena, r, "href",
			       arena_printf(cx->arena, "/clients/%s", text_in(r, "id")));
		value_set_text(cx->arena, r, "ends", "");
		value_set_text(cx->arena, r, "days_shown",
			       int_in(r, "is_without") != 0 ? _("no number") : _("landline"));
		value_set_text(cx->arena, r, "mark", "warn");
	}
	value_set(table, "rows", rows);
	value_set_bool(cx->arena, table, "has_rows", rows->count > 0);
	add_total(cx, table, n, "/clients?state=active&phone=unreachable");
}

static const char top_sql[] =
	"SELECT v.public_id AS id, v.display_name AS client, '' AS service, count(*) AS active FROM subscription s"
	" INDEXED BY subscription_of_service JOIN service v ON v.id = s.service_id WHERE s.state = 'active'"
	" AND s.archived_at IS NULL AND s." NOT_PENDING
	" AND " SEEN_OF("s.") " GROUP BY s.service_id ORDER BY active DESC, v.display_name LIMIT :limit";

static void add_services(struct cx *cx, struct value *page)
{
	struct value *table = add_table(cx, page, "services", _("Services with most active subscriptions"),
					_("Nothing is sold yet.")),
		     *rows = NULL;

	if (db_rows(cx, &rows, SERVICES_TOP, top_sql, PARAMS(P_SEEN(cx), P_INT(":limit", SERVICES_TOP))) !=
	    RC_OK)
		return;
	for (struct value *r = rows->first; r != NULL; r = r->next) {
		value_set_text(
			cx->arena, r, "href",
			arena_printf(cx->arena, "/subscriptions?state=active&service=%s", text_in(r, "id")));
		value_set_text(cx->arena, r, "ends", chart_count(cx, int_in(r, "active")));
		value_set_null(cx->arena, r, "days_shown");
	}
	value_set(table, "rows", rows);
	value_set_bool(cx->arena, table, "has_rows", rows->count > 0);
	value_set_text(cx->arena, table, "rows_href", "/services");
}

static void add_users(struct cx *cx, struct value *page)
{
	struct value *table, *rows = NULL;

	if (!actor_may(&cx->actor, "users.view")) return;
	table = add_table(cx, page, "users", _("Latest users"), _("No users yet."));
	if (db_rows(cx, &rows, USERS_SHOWN,
		    "SELECT u.public_id AS id, u.name AS client, r.title AS service, u.created_at FROM user u"
		    " JOIN role r ON r.id = u.role_id WHERE u.archived_at IS NULL ORDER BY u.id DESC LIMIT 5",
		    NO_PARAMS) != RC_OK)
		return;
	shape_page(cx, rows);
	for (struct value *r = rows->first; r != NULL; r = r->next) {
		value_set_text(cx->arena, r, "href", arena_printf(cx->arena, "/users/%s", text_in(r, "id")));
		value_set_text(cx->arena, r, "service", words_get(cx->lang, text_in(r, "service")));
		value_set_text(cx->arena, r, "ends", text_in(r, "created"));
		value_set_null(cx->arena, r, "days_shown");
	}
	value_set(table, "rows", rows);
	value_set_bool(cx->arena, table, "has_rows", rows->count > 0);
	value_set_text(cx->arena, table, "rows_href", "/users");
}

void panel_tables(struct cx *cx, struct value *page)
{
	add_ending(cx, page, 0, _("End today"));
	add_ending(cx, page, 1, _("End tomorrow"));
	add_ending(cx, page, 3, _("End in 3 days"));
	add_ending(cx, page, 7, _("End in 7 days"));
	if (actor_may(&cx->actor, "notices.view")) add_failed(cx, page);
	if (actor_may(&cx->actor, "clients.view")) add_unreachable(cx, page);
	fill_newest(cx, add_table(cx, page, "latest", _("Latest subscriptions"), _("No subscriptions yet.")),
		    ROWS_SHOWN);
	if (actor_may(&cx->actor, "services.view")) add_services(cx, page);
	add_users(cx, page);
}
