/*
** panel.c -- the owner's figures (spec §13): what runs, what comes in, what needs somebody.
**
** Needs:  indexes of subscription, payment, notice, client; what takes long is kept by desk (desk_kept).
** Holds:  (1) a figure counts what the person may see: own customers without clients.all; (2) its link leads
**         to the list of exactly the rows it counts; (3) sums of several currencies are shown side by side,
**         never added; (4) a figure that cannot be had is left out, the page stands.
*/
#include "renewals/panel.h"
#include "web/chart.h"
#include <string.h>

void figure_text(struct cx *cx, struct value *card, const char *title, const char *text, const char *href,
		 const char *mark)
{
	struct value *list = (struct value *)(uintptr_t)value_get(card, "figures"), *one;

	if (list == NULL) list = value_set_list(cx->arena, card, "figures");
	one = value_add_map(cx->arena, list);
	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "value", text);
	value_set_text(cx->arena, one, "href", href);
	value_set_text(cx->arena, one, "mark", mark);
}

void figure_count(struct cx *cx, struct value *card, const char *name, const char *title, int64_t n,
		  const char *href, const char *mark)
{
	value_set_int(cx->arena, card, name, n);
	figure_text(cx, card, title, chart_count(cx, n), href, mark);
}

/* "$12.00 + ₲ 5.000": rows of {currency, NAME}. The house's own currency when there are none. */
static const char *sum_shown(struct cx *cx, const struct value *rows, const char *name)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 1024);
	for (const struct value *r = rows->first; r != NULL; r = r->next) {
		if (int_in(r, name) == 0) continue;
		if (sb.len > 0) sb_lit(&sb, " + ");
		sb_text(&sb, money_shown(cx, int_in(r, name), text_in(r, "currency")));
	}
	return sb.len > 0 ? sb_text_of(&sb) : money_shown(cx, 0, "");
}

void figure_sum(struct cx *cx, struct value *card, const char *name, const char *title,
		const struct value *rows, const char *column, const char *href)
{
	int64_t sum = 0;
	const char *house = setting_text(cx->env->settings, "business.currency");

	for (const struct value *r = rows->first; r != NULL; r = r->next)
		if (strcmp(text_in(r, "currency"), house) == 0) sum += int_in(r, column);
	value_set_int(cx->arena, card, name, sum);
	figure_text(cx, card, title, sum_shown(cx, rows, column), href, NULL);
}

instant month_began(struct cx *cx)
{
	int year, month, dom;
	day first = cx_today(cx);

	day_split(first, &year, &month, &dom);
	return zone_midnight(cx->env->zone, first - (day)(dom - 1));
}

/* Customers and subscriptions */

static const char active_sql[] =
	"SELECT currency, count(*) AS n, sum(price_cents) AS total_cents, sum(price_cents * 30 / max(period_days, 1)) AS month_cents,"
	" sum(ends_on BETWEEN :today AND :soon) AS soon,"
	" sum(CASE payment_status WHEN 'pending' THEN price_cents ELSE 0 END) AS pending_cents"
	" FROM subscription INDEXED BY subscription_due WHERE state = 'active' AND archived_at IS NULL AND " NOT_PENDING
	" AND " SEEN_OF("") " GROUP BY currency";

void panel_business(struct cx *cx, struct value *card)
{
	struct value *rows = NULL;
	char today[DATE_SIZE], soon[DATE_SIZE];
	int64_t clients = 0, active = 0, ending = 0;

	day_text(today, cx_today(cx));
	day_text(soon, cx_today(cx) + SOON_DAYS);
	if (db_get_int(
		    cx, &clients,
		    "SELECT count(*) FROM client INDEXED BY client_list WHERE archived_at IS NULL AND " NOT_PENDING
		    " AND (:all OR owner_id = :actor)",
		    PARAMS(P_SEEN(cx))) != RC_OK ||
	    db_rows(cx, &rows, 20, active_sql,
		    PARAMS(P_TEXT(":today", today), P_TEXT(":soon", soon), P_SEEN(cx))) != RC_OK)
		return;
	for (const struct value *r = rows->first; r != NULL; r = r->next) {
		active += int_in(r, "n");
		ending += int_in(r, "soon");
	}
	figure_count(cx, card, "customers", _("Customers"), clients, "/clients", NULL);
	figure_count(cx, card, "active", _("Active subscriptions"), active, "/subscriptions?state=active",
		     NULL);
	figure_count(cx, card, "expiring", _("End within 7 days"), ending, "/subscriptions?state=expiring",
		     ending > 0 ? "warn" : NULL);
	figure_sum(cx, card, "monthly_total_cents", _("Price of all active"), rows, "total_cents",
		   "/subscriptions?state=active");
	figure_sum(cx, card, "monthly_income_cents", _("Income a month"), rows, "month_cents",
		   "/subscriptions?state=active");
	figure_sum(cx, card, "pending_cents", _("Still to be paid"), rows, "pending_cents",
		   "/subscriptions?state=active&payment=pending");
}

/* This month */

/* What stayed, see page_months.c. */
static const char collected_sql[] =
	"SELECT currency, sum(amount_cents) AS sum_cents FROM payment INDEXED BY payment_sums WHERE paid_at >= :from"
	" AND state = 'completed' AND archived_at IS NULL AND (:all OR subscription_id IN (SELECT id FROM subscription"
	" WHERE client_id IN " OWN_CLIENTS ")) GROUP BY currency";

#define ENDED                                                                                      \
	"FROM subscription INDEXED BY subscription_due WHERE archived_at IS NULL AND " NOT_PENDING \
	" AND " SEEN_OF("")

static const char ended_sql[] =
	"SELECT (SELECT count(*) " ENDED " AND state = 'expired') AS overdue,"
	" (SELECT count(*) FROM subscription INDEXED BY subscription_cancelled WHERE cancelled_at >= :month AND"
	" state = 'cancelled' AND archived_at IS NULL AND " NOT_PENDING " AND " SEEN_OF(
		"") ") AS cancelled,"
		    " (SELECT count(*) " ENDED
		    " AND state IN ('expired', 'cancelled') AND ends_on >= :since AND ends_on < :today) AS lost";

static const char renewed_sql[] =
	"SELECT count(*) FROM subscription_period p INDEXED BY subscription_period_renewed WHERE p.created_at >= :from"
	" AND p.previous_json <> '' AND p.undone_at IS NULL AND (:all OR p.subscription_id IN (SELECT id FROM subscription"
	" WHERE client_id IN " OWN_CLIENTS "))";

static void fill_rate(struct cx *cx, struct value *card, int64_t renewed, int64_t lost)
{
	int64_t base = renewed + lost;

	value_set_int(cx->arena, card, "renewal_rate_percent", percent_of(renewed, base));
	figure_text(cx, card, _("Renewed, of those that ended in 30 days"),
		    base > 0 ? arena_printf(cx->arena, "%lld %%", (long long)percent_of(renewed, base)) : "—",
		    NULL, NULL);
}

void panel_month(struct cx *cx, struct value *card)
{
	struct value *collected = NULL, *ended = NULL;
	char today[DATE_SIZE], since[DATE_SIZE], first[DATE_SIZE];
	int64_t renewed = 0;

	day_text(today, cx_today(cx));
	day_text(since, cx_today(cx) - RATE_DAYS);
	day_text(first, zone_day(cx->env->zone, month_began(cx)));
	if (db_rows(cx, &collected, 20, collected_sql, PARAMS(P_INT(":from", month_began(cx)), P_SEEN(cx))) !=
		    RC_OK ||
	    db_row(cx, &ended, ended_sql,
		   PARAMS(P_INT(":month", month_began(cx)), P_TEXT(":since", since), P_TEXT(":today", today),
			  P_SEEN(cx))) != RC_OK ||
	    db_get_int(cx, &renewed, renewed_sql,
		       PARAMS(P_INT(":from", zone_midnight(cx->env->zone, cx_today(cx) - RATE_DAYS)),
			      P_SEEN(cx))) != RC_OK)
		return;
	if (actor_may(&cx->actor, "payments.view"))
		figure_sum(cx, card, "collected_cents", _("Received"), collected, "sum_cents",
			   arena_printf(cx->arena, "/payments?state=completed&paid_from=%s", first));
	figure_count(cx, card, "overdue", _("Expired, not renewed"), int_in(ended, "overdue"),
		     "/subscriptions?state=expired", int_in(ended, "overdue") > 0 ? "warn" : NULL);
	figure_count(cx, card, "cancelled", _("Cancelled subscriptions"), int_in(ended, "cancelled"),
		     arena_printf(cx->arena, "/subscriptions?state=cancelled&cancelled_from=%s", first),
		     NULL);
	fill_rate(cx, card, renewed, int_in(ended, "lost"));
}

/* Notices of today */

static const char today_sql[] =
	"SELECT n.stage AS stage, count(*) AS found, sum(coalesce(" HAS_LEFT ", 0)) AS sent,"
	" sum(coalesce(m.state, '') IN ('delivered', 'read')) AS delivered, sum(coalesce(m.state, '') = 'read') AS read,"
	" sum(coalesce(m.state, '') = 'failed') AS failed, sum(coalesce(m.state, '') = 'unsure') AS unsure,"
	" sum(coalesce(m.state, '') IN ('queued', 'sending')) AS queued,"
	" sum(coalesce(m.state, 'skipped') IN ('skipped', 'expired', 'cancelled')) AS skipped"
	" FROM notice n INDEXED BY notice_day LEFT JOIN message m ON m.id = " NOTICE_MESSAGE
	" WHERE n.local_on = :today AND n.type = 'expiration_warning' AND " SEEN_OF(
		"n.") " GROUP BY n.stage ORDER BY n.stage DESC";

const char *stage_title(struct cx *cx, int64_t stage)
{
	if (stage == 0) return _("Last day");
	if (stage < 0) return _("Already ended");
	return arena_printf(cx->arena,
			    words_plural(cx->lang, stage, N_("%lld day before"), N_("%lld days before")),
			    (long long)stage);
}

const char *stage_filter(struct cx *cx, int64_t stage)
{
	const struct filter *f = notice_filters;
	const char *choice;

	while (f->name != NULL && strcmp(f->name, "stage") != 0)
		f++;
	if (f->name == NULL) return "";
	choice = arena_printf(cx->arena, "|%lld=", (long long)stage);
	if (strstr(arena_printf(cx->arena, "|%s", f->choices), choice) == NULL) return "";
	return arena_printf(cx->arena, "stage=%lld&", (long long)stage);
}

/* A macro, so that the compiler sees the translated format. */
#define SAY_COUNT(name, one, many)                                                 \
	do {                                                                       \
		int64_t n = int_in(row, (name));                                   \
                                                                                   \
		if (n == 0) break;                                                 \
		sb_lit(&sb, " · ");                                                \
		if (n == 1)                                                        \
			sb_text(&sb, words_get(cx->lang, (one)));                  \
		else                                                               \
			sb_printf(&sb, words_get(cx->lang, (many)), (long long)n); \
	} while (0)

/* "3 of 4 sent · 2 arrived · 1 left out": what is 0 is not said, but for the first. */
static const char *counts_shown(struct cx *cx, const struct value *row)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 1024);
	sb_printf(&sb, _("%lld of %lld sent"), (long long)int_in(row, "sent"),
		  (long long)int_in(row, "found"));
	SAY_COUNT("delivered", N_("1 arrived"), N_("%lld arrived"));
	SAY_COUNT("read", N_("1 seen"), N_("%lld seen"));
	SAY_COUNT("queued", N_("1 still waiting"), N_("%lld still waiting"));
	SAY_COUNT("failed", N_("1 with an error"), N_("%lld with an error"));
	SAY_COUNT("unsure", N_("1 uncertain"), N_("%lld uncertain"));
	SAY_COUNT("skipped", N_("1 left out"), N_("%lld left out"));
	return sb_text_of(&sb);
}

static const char *today_href(struct cx *cx, const char *more)
{
	char today[DATE_SIZE];

	day_text(today, cx_today(cx));
	return arena_printf(cx->arena, "/notices?%stype=expiration_warning&from=%s&to=%s", more, today,
			    today);
}

void panel_notices(struct cx *cx, struct value *card)
{
	static const char *const sums[] = { "found", "sent", "queued", "failed", "unsure", "skipped" };
	struct value *rows = NULL;
	char today[DATE_SIZE];

	day_text(today, cx_today(cx));
	if (db_rows(cx, &rows, 2 * STAGE_DAYS_MAX, today_sql, PARAMS(P_TEXT(":today", today), P_SEEN(cx))) !=
	    RC_OK)
		return;
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		int64_t sum = 0;

		for (const struct value *r = rows->first; r != NULL; r = r->next)
			sum += int_in(r, sums[i]);
		value_set_int(cx->arena, card, sums[i], sum);
		value_set_bool(cx->arena, card, arena_printf(cx->arena, "has_%s", sums[i]), sum > 0);
	}
	for (struct value *r = rows->first; r != NULL; r = r->next) {
		const char *filter = stage_filter(cx, int_in(r, "stage"));

		value_set_text(cx->arena, r, "stage_shown", stage_title(cx, int_in(r, "stage")));
		value_set_text(cx->arena, r, "stage_href", filter[0] != '\0' ? today_href(cx, filter) : NULL);
		value_set_text(cx->arena, r, "counts_shown", counts_shown(cx, r));
	}
	value_set(card, "rows", rows);
	value_set_bool(cx->arena, card, "has_rows", rows->count > 0);
	value_set_text(cx->arena, card, "failed_href", today_href(cx, "state=failed&"));
	value_set_text(cx->arena, card, "unsure_href", today_href(cx, "state=unsure&"));
	value_set_bool(cx->arena, card, "may_runs", actor_may(&cx->actor, "renewals.runs"));
}

/* What needs a person */

static const char attention_sql[] =
	"SELECT (SELECT count(*) FROM client INDEXED BY client_unreachable WHERE archived_at IS NULL AND is_active = 1"
	" AND (phone IS NULL OR phone_kind = 'landline') AND " NOT_PENDING
	" AND (:all OR owner_id = :actor)) AS no_phone,"
	" (SELECT count(*) FROM renewal_request INDEXED BY renewal_request_open WHERE state = 'open' AND " SEEN_OF(
		"") ") AS requests";

/* Messages of all kinds: only for who sees all of them, in the list that has all of them. */
static void fill_messages(struct cx *cx, struct value *card)
{
	int64_t n = 0;

	if (actor_may(&cx->actor, "inbox.view") &&
	    db_get_int(cx, &n, "SELECT count(*) FROM inbound_message WHERE is_unread = 1", NO_PARAMS) ==
		    RC_OK)
		figure_count(cx, card, "unread", _("Unread answers"), n, "/inbox", n > 0 ? "warn" : NULL);
	if (actor_may(&cx->actor, "outbox.view") && actor_may(&cx->actor, "outbox.all") &&
	    db_get_int(cx, &n,
		       "SELECT count(*) FROM message INDEXED BY message_unusual WHERE state = 'unsure'",
		       NO_PARAMS) == RC_OK)
		figure_count(cx, card, "unsure", _("Unsure messages"), n, "/outbox?state=unsure",
			     n > 0 ? "error" : NULL);
}

void panel_attention(struct cx *cx, struct value *card)
{
	struct value *row = NULL, *notices = value_map(cx->arena);

	if (db_row(cx, &row, attention_sql, PARAMS(P_SEEN(cx))) != RC_OK) return;
	figure_count(cx, card, "requests", _("Want to renew"), int_in(row, "requests"),
		     "/renewal-requests?state=open", int_in(row, "requests") > 0 ? "warn" : NULL);
	fill_messages(cx, card);
	if (actor_may(&cx->actor, "notices.view")) {
		panel_notices(cx, notices);
		figure_count(cx, card, "failed_today", _("Failed today"), int_in(notices, "failed"),
			     today_href(cx, "state=failed&"), int_in(notices, "failed") > 0 ? "error" : NULL);
	}
	if (actor_may(&cx->actor, "clients.view"))
		figure_count(cx, card, "no_phone", _("Customers without a WhatsApp number"),
			     int_in(row, "no_phone"), "/clients?state=active&phone=unreachable",
			     int_in(row, "no_phone") > 0 ? "warn" : NULL);
}
