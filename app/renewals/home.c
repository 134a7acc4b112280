/*
** home.c -- the module's cards on the home page.
**
** Owns:   renewals_figures[]; metrics.c writes their lines in /metrics.
** Holds:  (1) a card counts what the person may see: own customers without clients.all; (2) sums of several
**         currencies are shown side by side, never added; (3) a card that cannot be filled stays empty, the
**         page stands.
*/
#include "renewals/resources.h"
#include <string.h>

#define SOON_DAYS     7
#define UPCOMING_ROWS 10 /* one glance; the list of subscriptions has the rest */
#define LATEST_ROWS   5  /* spec §13 */
#define RATE_DAYS     30 /* of the renewal rate */

#define NOT_PENDING "generation NOT IN (SELECT id FROM pending_generation)"
#define SEEN        "(:all OR client_id IN " OWN_CLIENTS ")"

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

/* One number of the figures: for people in `figures`, for programs under its own name. */
static void figure_text(struct cx *cx, struct value *card, const char *title, const char *text,
			const char *href, const char *mark)
{
	struct value *list = (struct value *)(uintptr_t)value_get(card, "figures"), *one;

	if (list == NULL) list = value_set_list(cx->arena, card, "figures");
	one = value_add_map(cx->arena, list);
	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "value", text);
	value_set_text(cx->arena, one, "href", href);
	value_set_text(cx->arena, one, "mark", mark);
}

static void figure_count(struct cx *cx, struct value *card, const char *name, const char *title, int64_t n,
			 const char *href, const char *mark)
{
	value_set_int(cx->arena, card, name, n);
	figure_text(cx, card, title, arena_printf(cx->arena, "%lld", (long long)n), href, mark);
}

/* "$12.00 + ₲ 5.000": rows of {currency, NAME}. The house's own currency when there are none. */
static const char *sum_shown(struct cx *cx, const struct value *rows, const char *name)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 1024);
	for (const struct value *r = rows->first; r != NULL; r = r->next) {
		if (int_of(r, name) == 0) continue;
		if (sb.len > 0) sb_lit(&sb, " + ");
		sb_text(&sb, money_shown(cx, int_of(r, name), text_of(r, "currency")));
	}
	return sb.len > 0 ? sb_text_of(&sb) : money_shown(cx, 0, "");
}

static void figure_sum(struct cx *cx, struct value *card, const char *name, const char *title,
		       const struct value *rows, const char *column, const char *href)
{
	int64_t sum = 0;
	const char *house = setting_text(cx->env->settings, "business.currency");

	for (const struct value *r = rows->first; r != NULL; r = r->next)
		if (strcmp(text_of(r, "currency"), house) == 0) sum += int_of(r, column);
	value_set_int(cx->arena, card, name, sum);
	figure_text(cx, card, title, sum_shown(cx, rows, column), href, NULL);
}

static instant month_began(struct cx *cx)
{
	int year, month, dom;
	day first = cx_today(cx);

	day_split(first, &year, &month, &dom);
	return zone_midnight(cx->env->zone, first - (day)(dom - 1));
}

/* Customers and subscriptions (spec §13 Home) */

static const char active_sql[] =
	"SELECT currency, count(*) AS n, sum(price_cents) AS total_cents, sum(price_cents * 30 / max(period_days, 1)) AS month_cents,"
	" sum(ends_on BETWEEN :today AND :soon) AS soon,"
	" sum(CASE payment_status WHEN 'pending' THEN price_cents ELSE 0 END) AS pending_cents"
	" FROM subscription INDEXED BY subscription_due WHERE state = 'active' AND archived_at IS NULL AND " NOT_PENDING
	" AND " SEEN " GROUP BY currency";

static void fill_business(struct cx *cx, struct value *card)
{
	struct value *rows = NULL;
	char today[DATE_SIZE], soon[DATE_SIZE];
	int64_t clients = 0, active = 0, ending = 0;
	bool all = actor_may(&cx->actor, RIGHT_ALL);

	day_text(today, cx_today(cx));
	day_text(soon, cx_today(cx) + SOON_DAYS);
	if (db_get_int(
		    cx, &clients,
		    "SELECT count(*) FROM client INDEXED BY client_list WHERE archived_at IS NULL AND " NOT_PENDING
		    " AND (:all OR owner_id = :actor)",
		    PARAMS(P_INT(":all", all), P_INT(":actor", cx->actor.user_id))) != RC_OK ||
	    db_rows(cx, &rows, 20, active_sql,
		    PARAMS(P_TEXT(":today", today), P_TEXT(":soon", soon), P_INT(":all", all),
			   P_INT(":actor", cx->actor.user_id))) != RC_OK)
		return;
	for (const struct value *r = rows->first; r != NULL; r = r->next) {
		active += int_of(r, "n");
		ending += int_of(r, "soon");
	}
	figure_count(cx, card, "customers", _("Customers"), clients, "/clients", NULL);
	figure_count(cx, card, "active", _("Active subscriptions"), active, "/subscriptions?state=active",
		     NULL);
	figure_count(cx, card, "expiring", _("End within 7 days"), ending, "/subscriptions?state=expiring",
		     ending > 0 ? "warn" : NULL);
	figure_sum(cx, card, "monthly_total_cents", _("Price of all active"), rows, "total_cents", NULL);
	figure_sum(cx, card, "monthly_income_cents", _("Income a month"), rows, "month_cents", NULL);
	figure_sum(cx, card, "pending_cents", _("Still to be paid"), rows, "pending_cents",
		   "/subscriptions?state=active&payment=pending");
}

/* This month */

static const char collected_sql[] =
	"SELECT currency, sum(amount_cents) AS sum_cents FROM payment INDEXED BY payment_list WHERE paid_at >= :from"
	" AND state = 'completed' AND archived_at IS NULL AND (:all OR subscription_id IN (SELECT id FROM subscription"
	" WHERE client_id IN " OWN_CLIENTS ")) GROUP BY currency";

#define ENDED                                                                                      \
	"FROM subscription INDEXED BY subscription_due WHERE archived_at IS NULL AND " NOT_PENDING \
	" AND " SEEN

static const char ended_sql[] =
	"SELECT (SELECT count(*) " ENDED " AND state = 'expired') AS overdue,"
	" (SELECT count(*) " ENDED " AND state = 'cancelled' AND cancelled_at >= :month) AS cancelled,"
	" (SELECT count(*) " ENDED
	" AND state IN ('expired', 'cancelled') AND ends_on >= :since AND ends_on < :today) AS lost";

static const char renewed_sql[] =
	"SELECT count(*) FROM subscription_period p INDEXED BY subscription_period_created WHERE p.created_at >= :from"
	" AND p.previous_json <> '' AND p.undone_at IS NULL AND (:all OR p.subscription_id IN (SELECT id FROM subscription"
	" WHERE client_id IN " OWN_CLIENTS "))";

static void fill_month(struct cx *cx, struct value *card)
{
	struct value *collected = NULL, *ended = NULL;
	char today[DATE_SIZE], since[DATE_SIZE];
	int64_t renewed = 0, base;
	bool all = actor_may(&cx->actor, RIGHT_ALL);

	day_text(today, cx_today(cx));
	day_text(since, cx_today(cx) - RATE_DAYS);
	if (db_rows(cx, &collected, 20, collected_sql,
		    PARAMS(P_INT(":from", month_began(cx)), P_INT(":all", all),
			   P_INT(":actor", cx->actor.user_id))) != RC_OK ||
	    db_row(cx, &ended, ended_sql,
		   PARAMS(P_INT(":month", month_began(cx)), P_TEXT(":since", since), P_TEXT(":today", today),
			  P_INT(":all", all), P_INT(":actor", cx->actor.user_id))) != RC_OK ||
	    db_get_int(cx, &renewed, renewed_sql,
		       PARAMS(P_INT(":from", zone_midnight(cx->env->zone, cx_today(cx) - RATE_DAYS)),
			      P_INT(":all", all), P_INT(":actor", cx->actor.user_id))) != RC_OK)
		return;
	figure_sum(cx, card, "collected_cents", _("Received"), collected, "sum_cents", "/payments");
	figure_count(cx, card, "overdue", _("Expired, not renewed"), int_of(ended, "overdue"),
		     "/subscriptions?state=expired", int_of(ended, "overdue") > 0 ? "warn" : NULL);
	figure_count(cx, card, "cancelled", _("Cancelled subscriptions"), int_of(ended, "cancelled"),
		     "/subscriptions?state=cancelled", NULL);
	base = renewed + int_of(ended, "lost");
	value_set_int(cx->arena, card, "renewal_rate_percent", base > 0 ? renewed * 100 / base : 0);
	figure_text(cx, card, _("Renewed, of those that ended in 30 days"),
		    base > 0 ? arena_printf(cx->arena, "%lld %%", (long long)(renewed * 100 / base)) : "—",
		    NULL, NULL);
}

/* Tables */

static const char upcoming_sql[] =
	"SELECT s.public_id AS id, trim(c.given_names || ' ' || c.surnames) AS client, v.display_name AS service, s.ends_on,"
	" s.price_cents, s.currency, s.state, s.cancel_at_end,"
	" CAST(julianday(s.ends_on) - julianday(:today) AS INTEGER) AS days_left"
	" FROM subscription s INDEXED BY subscription_due CROSS JOIN client c ON c.id = s.client_id"
	" JOIN service v ON v.id = s.service_id WHERE s.state = 'active' AND s.archived_at IS NULL"
	" AND s.ends_on BETWEEN :today AND :soon AND s." NOT_PENDING " AND (:all OR c.owner_id = :actor)"
	" ORDER BY s.ends_on, s.id LIMIT :limit";

static const char latest_sql[] =
	"SELECT s.public_id AS id, trim(c.given_names || ' ' || c.surnames) AS client, v.display_name AS service, s.ends_on,"
	" s.price_cents, s.currency, s.state, s.cancel_at_end,"
	" CAST(julianday(s.ends_on) - julianday(:today) AS INTEGER) AS days_left"
	" FROM subscription s INDEXED BY subscription_created CROSS JOIN client c ON c.id = s.client_id"
	" JOIN service v ON v.id = s.service_id WHERE s.archived_at IS NULL AND s." NOT_PENDING
	" AND (:all OR c.owner_id = :actor) ORDER BY s.created_at DESC, s.id DESC LIMIT :limit";

static void finish_rows(struct cx *cx, struct value *card, struct value *rows)
{
	shape_page(cx, rows);
	for (struct value *r = rows->first; r != NULL; r = r->next) {
		subscription_badge(cx, r);
		value_set_text(cx->arena, r, "href",
			       arena_printf(cx->arena, "/subscriptions/%s", text_of(r, "id")));
	}
	value_set(card, "rows", rows);
	value_set_bool(cx->arena, card, "has_rows", rows->count > 0);
}

static void fill_upcoming(struct cx *cx, struct value *card)
{
	struct value *rows = NULL;
	char today[DATE_SIZE], soon[DATE_SIZE];

	day_text(today, cx_today(cx));
	day_text(soon, cx_today(cx) + SOON_DAYS);
	if (db_rows(cx, &rows, UPCOMING_ROWS, upcoming_sql,
		    PARAMS(P_TEXT(":today", today), P_TEXT(":soon", soon),
			   P_INT(":all", actor_may(&cx->actor, RIGHT_ALL)),
			   P_INT(":actor", cx->actor.user_id), P_INT(":limit", UPCOMING_ROWS))) == RC_OK)
		finish_rows(cx, card, rows);
}

static void fill_latest(struct cx *cx, struct value *card)
{
	struct value *rows = NULL;
	char today[DATE_SIZE];

	day_text(today, cx_today(cx));
	if (db_rows(cx, &rows, LATEST_ROWS, latest_sql,
		    PARAMS(P_TEXT(":today", today), P_INT(":all", actor_may(&cx->actor, RIGHT_ALL)),
			   P_INT(":actor", cx->actor.user_id), P_INT(":limit", LATEST_ROWS))) == RC_OK)
		finish_rows(cx, card, rows);
}

/* Notices of today */

static const char today_sql[] =
	"SELECT n.stage AS stage, count(*) AS found, sum(coalesce(m.state, '') IN ('sent', 'delivered', 'read')) AS sent,"
	" sum(coalesce(m.state, '') IN ('delivered', 'read')) AS delivered, sum(coalesce(m.state, '') = 'read') AS read,"
	" sum(coalesce(m.state, '') = 'failed') AS failed, sum(coalesce(m.state, '') = 'unsure') AS unsure,"
	" sum(coalesce(m.state, '') IN ('queued', 'sending')) AS queued,"
	" sum(n.message_id IS NULL OR coalesce(m.state, '') IN ('skipped', 'expired', 'cancelled')) AS skipped"
	" FROM notice n INDEXED BY notice_day LEFT JOIN message m ON m.id = n.message_id"
	" WHERE n.local_on = :today AND n.type = 'expiration_warning' AND n.origin <> 'manual' AND (:all OR n.client_id IN " OWN_CLIENTS
	")"
	" GROUP BY n.stage ORDER BY n.stage DESC";

static const char *stage_title(struct cx *cx, int64_t stage)
{
	if (stage == 0) return _("Last day");
	if (stage < 0) return _("Already ended");
	return arena_printf(cx->arena,
			    words_plural(cx->lang, stage, N_("%lld day before"), N_("%lld days before")),
			    (long long)stage);
}

/* "3 of 4 sent · 2 delivered · 1 skipped": what is 0 is not said, but for the first. */
static const char *counts_shown(struct cx *cx, const struct value *row)
{
	static const struct {
		const char *name, *words;
	} parts[] = {
		{ "delivered", N_("arrived") },    { "read", N_("seen") },
		{ "queued", N_("still waiting") }, { "failed", N_("with an error") },
		{ "unsure", N_("uncertain") },     { "skipped", N_("left out") },
	};
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 1024);
	sb_printf(&sb, _("%lld of %lld sent"), (long long)int_of(row, "sent"),
		  (long long)int_of(row, "found"));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (int_of(row, parts[i].name) == 0) continue;
		sb_printf(&sb, " · %lld %s", (long long)int_of(row, parts[i].name),
			  words_get(cx->lang, parts[i].words));
	}
	return sb_text_of(&sb);
}

static void fill_notices(struct cx *cx, struct value *card)
{
	static const char *const sums[] = { "found", "sent", "queued", "failed", "unsure", "skipped" };
	struct value *rows = NULL;
	char today[DATE_SIZE];

	day_text(today, cx_today(cx));
	if (db_rows(cx, &rows, STAGE_DAYS_MAX, today_sql,
		    PARAMS(P_TEXT(":today", today), P_INT(":all", actor_may(&cx->actor, RIGHT_ALL)),
			   P_INT(":actor", cx->actor.user_id))) != RC_OK)
		return;
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		int64_t sum = 0;

		for (const struct value *r = rows->first; r != NULL; r = r->next)
			sum += int_of(r, sums[i]);
		value_set_int(cx->arena, card, sums[i], sum);
		value_set_bool(cx->arena, card, arena_printf(cx->arena, "has_%s", sums[i]), sum > 0);
	}
	for (struct value *r = rows->first; r != NULL; r = r->next) {
		value_set_text(cx->arena, r, "stage_shown", stage_title(cx, int_of(r, "stage")));
		value_set_text(cx->arena, r, "counts_shown", counts_shown(cx, r));
	}
	value_set(card, "rows", rows);
	value_set_bool(cx->arena, card, "has_rows", rows->count > 0);
	value_set_text(cx->arena, card, "today", arena_text(cx->arena, today));
	value_set_bool(cx->arena, card, "may_runs", actor_may(&cx->actor, "renewals.runs"));
}

/* What needs a person */

static void fill_attention(struct cx *cx, struct value *card)
{
	struct value *row = NULL;
	bool all = actor_may(&cx->actor, RIGHT_ALL);

	if (db_row(cx, &row,
		   "SELECT (SELECT count(*) FROM client INDEXED BY client_unreachable WHERE archived_at IS NULL AND is_active = 1"
		   " AND (phone IS NULL OR phone_kind = 'landline') AND " NOT_PENDING
		   " AND (:all OR owner_id = :actor)) AS no_phone,"
		   " (SELECT count(*) FROM renewal_request WHERE state = 'open' AND " SEEN ") AS requests,"
		   " (SELECT count(*) FROM message INDEXED BY message_unsure WHERE state = 'unsure') AS unsure",
		   PARAMS(P_INT(":all", all), P_INT(":actor", cx->actor.user_id))) != RC_OK)
		return;
	figure_count(cx, card, "requests", _("Want to renew"), int_of(row, "requests"),
		     "/renewal-requests?state=open", int_of(row, "requests") > 0 ? "warn" : NULL);
	if (actor_may(&cx->actor, "inbox.view")) {
		int64_t unread = 0;

		if (db_get_int(cx, &unread, "SELECT count(*) FROM inbound_message WHERE is_unread = 1",
			       NO_PARAMS) == RC_OK)
			figure_count(cx, card, "unread", _("Unread answers"), unread, "/inbox",
				     unread > 0 ? "warn" : NULL);
	}
	figure_count(cx, card, "no_phone", _("Customers without a WhatsApp number"), int_of(row, "no_phone"),
		     "/clients?phone=unreachable", int_of(row, "no_phone") > 0 ? "warn" : NULL);
	if (all)
		figure_count(cx, card, "unsure", _("Unsure messages"), int_of(row, "unsure"),
			     "/notices?state=unsure", int_of(row, "unsure") > 0 ? "error" : NULL);
}

/* The gateway */

static void gateway_fact(struct cx *cx, struct value *card, const char *name, const char *text,
			 const char *mark)
{
	struct value *list = (struct value *)(uintptr_t)value_get(card, "facts"), *one;

	if (text[0] == '\0') return;
	if (list == NULL) list = value_set_list(cx->arena, card, "facts");
	one = value_add_map(cx->arena, list);
	value_set_text(cx->arena, one, "name", name);
	value_set_text(cx->arena, one, "value", text);
	value_set_text(cx->arena, one, "mark", mark);
	value_set_text(cx->arena, one, "href", NULL);
}

static const char *when_shown(struct cx *cx, const struct value *channel, const char *name)
{
	char text[RFC3339_SIZE];

	if (int_of(channel, name) == 0) return "";
	instant_text_local(text, int_of(channel, name), cx->env->zone);
	return arena_text(cx->arena, text);
}

static void fill_gateway(struct cx *cx, struct value *card)
{
	static const struct {
		const char *state, *title, *mark;
	} states[] = { { "open", N_("is open"), "ok" },
		       { "waiting", N_("is waiting"), "warn" },
		       { "stopped", N_("is stopped"), "error" } };
	struct value *channel = NULL;
	const struct value *left;
	const char *error;

	if (channel_show(cx, &channel, "whatsapp") != RC_OK) return;
	value_set_text(cx->arena, card, "state", text_of(channel, "state"));
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].state, text_of(channel, "state")) == 0)
			gateway_fact(cx, card, _("State"), words_get(cx->lang, states[i].title),
				     states[i].mark);
	gateway_fact(cx, card, _("Why"), text_of(channel, "why_text"), "warn");
	if (!value_bool_of(value_get(channel, "key_is_set"), false) && !cx->env->is_offline)
		gateway_fact(cx, card, _("API key"), _("not configured"), "error");
	gateway_fact(cx, card, _("Phone"), channel_session_words(cx->lang, text_of(channel, "session")),
		     NULL);
	left = value_get(channel, "messages_left");
	gateway_fact(cx, card, _("Messages left today"),
		     left != NULL && left->type == VALUE_INT
			     ? arena_printf(cx->arena, "%lld", (long long)left->integer)
			     : _("no daily limit known"),
		     NULL);
	gateway_fact(cx, card, _("Waiting to leave"),
		     arena_printf(cx->arena, "%lld", (long long)int_of(channel, "queued")), NULL);
	gateway_fact(cx, card, _("Last message accepted"), when_shown(cx, channel, "last_accepted_at"), NULL);
	error = text_of(channel, "last_error");
	if (error[0] != '\0')
		gateway_fact(
			cx, card, _("Last error"),
			arena_printf(cx->arena, "%s · %s", when_shown(cx, channel, "last_error_at"), error),
			"warn");
	value_set_text(cx->arena, card, "href", "/gateway");
}

const struct figure renewals_figures[] = {
	{ .name = "renewals_business",
	  .title = N_("Subscriptions"),
	  .right = "subscriptions.view",
	  .template = "renewals/card_figures",
	  .fill = fill_business,
	  .metrics = renewals_metrics },
	{ .name = "renewals_attention",
	  .title = N_("Needs attention"),
	  .right = "subscriptions.view",
	  .template = "renewals/card_figures",
	  .fill = fill_attention },
	{ .name = "renewals_notices",
	  .title = N_("Today's notices"),
	  .right = "notices.view",
	  .template = "renewals/card_notices",
	  .fill = fill_notices },
	{ .name = "renewals_upcoming",
	  .title = N_("Next to end"),
	  .right = "subscriptions.view",
	  .template = "renewals/card_rows",
	  .fill = fill_upcoming },
	{ .name = "renewals_month",
	  .title = N_("This month"),
	  .right = "payments.view",
	  .template = "renewals/card_figures",
	  .fill = fill_month },
	{ .name = "renewals_latest",
	  .title = N_("Latest subscriptions"),
	  .right = "subscriptions.view",
	  .template = "renewals/card_rows",
	  .fill = fill_latest },
	{ .name = "renewals_gateway",
	  .title = N_("WhatsApp gateway"),
	  .right = "gateway.view",
	  .template = "web/card",
	  .fill = fill_gateway },
	{ .name = NULL },
};
