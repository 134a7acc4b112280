/*
** clients.c -- customers as the office shows and takes them.
**
** Owns:   columns and hooks of the resource clients.
** Holds:  (1) a customer has the owner who made it; only who sees everybody's customers may hand one over;
**         (2) a customer with an active subscription is not archived; (3) the texts that subscriptions and
**         payments are found by follow the customer's names and number; (4) the same number twice is told,
**         never refused.
*/
#include "renewals/payment_steps.h"
#include "renewals/resources.h"
#include "base/text.h"
#include <string.h>

#define SAME_PHONE_MAX      5   /* other customers named in one sentence                              */
#define SHOWN_SUBSCRIPTIONS 100 /* of one customer on one page; the list of subscriptions has them all */
#define SHOWN_PAYMENTS      10  /* newest; the list of payments has them all                          */
#define SHOWN_NOTICES       10  /* newest; the list of notices has them all                           */
#define CURRENCIES_MAX      20  /* more than one business takes                                       */

#define PHONE_CONTACT "SELECT x.id FROM contact x WHERE x.kind = 'phone' AND x.address = t.phone"
#define IS_OUT \
	"EXISTS (SELECT 1 FROM opt_out o WHERE o.topic = 'notice' AND o.contact_id = (" PHONE_CONTACT "))"

/* Sums never mix currencies: the newest payment's stands for the customer's. */
#define PAID_IN                                                                                                      \
	"(SELECT y.currency FROM subscription z JOIN payment y ON y.subscription_id = z.id WHERE z.client_id = t.id" \
	" AND y.state = 'completed' AND y.archived_at IS NULL ORDER BY y.id DESC LIMIT 1)"

const struct column client_columns[] = {
	{ .name = "name",
	  .title = N_("Customer"),
	  .type = COLUMN_TEXT,
	  .flags = COL_LIST | COL_PAGE | COL_READONLY,
	  .sql = "CASE WHEN t.surnames = '' THEN t.given_names ELSE t.surnames || ', ' || t.given_names END" },
	{ .name = "given_names",
	  .title = N_("Given names"),
	  .type = COLUMN_TEXT,
	  .flags = COL_REQUIRED | COL_SEARCH,
	  .max = 100,
	  .aliases = "nombres|nombre" },
	{ .name = "surnames",
	  .title = N_("Surnames"),
	  .type = COLUMN_TEXT,
	  .flags = COL_SEARCH,
	  .max = 100,
	  .aliases = "apellidos|apellido" },
	{ .name = "phone",
	  .title = N_("Phone"),
	  .type = COLUMN_PHONE,
	  .flags = COL_LIST | COL_SEARCH,
	  .help = N_("As people write it: 099 000 0000, or with + and the country code."),
	  .aliases = "telefono|teléfono|celular" },
	{ .name = "phone_original",
	  .title = N_("Phone as written"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_API },
	{ .name = "phone_kind",
	  .title = N_("Kind of number"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY,
	  .choices = "mobile=Mobile|landline=Landline|other=Another country" },
	{ .name = "email",
	  .title = N_("E-mail"),
	  .type = COLUMN_EMAIL,
	  .flags = COL_LIST | COL_SEARCH,
	  .aliases = "correo|e_mail" },
	{ .name = "address",
	  .title = N_("Address"),
	  .type = COLUMN_TEXT,
	  .max = 200,
	  .aliases = "direccion|dirección" },
	{ .name = "born_on", .title = N_("Born"), .type = COLUMN_DATE, .aliases = "fecha_nacimiento" },
	{ .name = "notes", .title = N_("Notes"), .type = COLUMN_LONG_TEXT, .max = 2000, .aliases = "notas" },
	{ .name = "is_active",
	  .title = N_("Is active"),
	  .type = COLUMN_BOOL,
	  .flags = COL_LIST,
	  .def = "1",
	  .help = N_("An inactive customer gets no notices."),
	  .aliases = "activo" },
	{ .name = "owner_id",
	  .title = N_("Looked after by"),
	  .type = COLUMN_REF,
	  .ref = "users",
	  .help = N_("Sellers see only their own customers. Left empty: you."),
	  .aliases = "owner|vendedor|creado_por" },
	{ .name = "active_subscriptions",
	  .title = N_("Active subscriptions"),
	  .type = COLUMN_INT,
	  .flags = COL_LIST | COL_READONLY,
	  .sql = "(SELECT count(*) FROM subscription x WHERE x.client_id = t.id AND x.state = 'active' AND x.archived_at IS NULL)" },
	{ .name = "total_paid_cents",
	  .title = N_("Paid in all"),
	  .type = COLUMN_CENTS,
	  .flags = COL_READONLY,
	  .choices = "paid_currency",
	  .help = N_("In the currency of the newest payment; the page shows every currency by itself."),
	  .sql = "(SELECT coalesce(sum(p.amount_cents), 0) FROM subscription x JOIN payment p ON p.subscription_id = x.id"
		 " WHERE x.client_id = t.id AND p.state = 'completed' AND p.archived_at IS NULL AND p.currency = " PAID_IN
		 ")" },
	{ .name = "paid_currency",
	  .title = N_("Currency"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_API,
	  .sql = "coalesce(" PAID_IN ", '')" },
	{ .name = "is_opted_out",
	  .title = N_("Wants no notices"),
	  .type = COLUMN_BOOL,
	  .flags = COL_READONLY,
	  .sql = IS_OUT },
	{ .name = "opted_out_at",
	  .title = N_("Wants no notices since"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY,
	  .sql = "(SELECT o.created_at FROM opt_out o WHERE o.topic = 'notice' AND o.contact_id = (" PHONE_CONTACT
		 "))" },
	{ .name = "whatsapp_state",
	  .title = N_("WhatsApp"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY,
	  .choices =
		  "unknown=Not known yet|ok=Receives messages|no_whatsapp=Has no WhatsApp|dead=Receives no messages",
	  .sql = "coalesce((SELECT CASE WHEN x.dead_reason = 'no_whatsapp' THEN 'no_whatsapp' WHEN x.dead_reason <> '' THEN 'dead'"
		 " WHEN x.last_inbound_at IS NOT NULL OR EXISTS (SELECT 1 FROM message m WHERE m.contact_id = x.id AND"
		 " m.state IN ('delivered', 'read')) THEN 'ok' END FROM contact x WHERE x.kind = 'phone' AND"
		 " x.address = t.phone), 'unknown')" },
	{ .name = "same_phone_count",
	  .title = N_("Others with this number"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_API,
	  .sql = "(SELECT count(*) FROM client x WHERE x.phone = t.phone AND x.id <> t.id AND x.archived_at IS NULL)" },
	{ .name = "created_at", .title = N_("Registered"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "updated_at",
	  .title = N_("Changed"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_HIDDEN },
	{ .name = NULL },
};

const struct sort client_sorts[] = {
	{ .name = "name", .title = N_("Name"), .sql = "t.sort_name" },
	{ .name = "created_at", .title = N_("Registered"), .sql = "t.created_at", .is_down = true },
	{ .name = NULL },
};

/* "+" keeps SQLite on the index of the order: it has these columns, and what it has not is looked up by id. */
const struct filter client_filters[] = {
	{ .name = "state",
	  .title = N_("State"),
	  .choices = "active=Active ones|inactive=Inactive ones",
	  .sql = (const char *const[]){ "+t.is_active = 1", "+t.is_active = 0", NULL } },
	{ .name = "phone",
	  .title = N_("Phone"),
	  .choices = "none=Without a number|landline=Landline|unreachable=Without a WhatsApp number|"
		     "opted_out=Wants no notices|dead=Receives no messages",
	  .sql =
		  (const char *const[]){
			  "+t.phone IS NULL", "+t.phone_kind = 'landline'",
			  "+t.id IN (SELECT x.id FROM client x WHERE x.archived_at IS NULL"
			  " AND (x.phone IS NULL OR x.phone_kind = 'landline'))",
			  "+t.id IN (SELECT x.id FROM opt_out o JOIN contact k ON k.id = o.contact_id"
			  " JOIN client x ON x.phone = k.address WHERE o.topic = 'notice' AND k.kind = 'phone')",
			  "+t.id IN (SELECT x.id FROM contact k JOIN client x ON x.phone = k.address"
			  " WHERE k.kind = 'phone' AND k.dead_reason <> '')",
			  NULL } },
	{ .name = "owner",
	  .title = N_("Looked after by"),
	  .ref = "users",
	  .sql = (const char *const[]){ "+t.owner_id = :f_owner", NULL } },
	{ .name = NULL },
};

/* Saving */

/* Who made it has it. Without clients.all nobody can give a customer away, or take one. */
static enum rc set_owner(struct cx *cx, int64_t id, struct value *values)
{
	bool may_all = actor_may(&cx->actor, RIGHT_ALL);
	int64_t owner = value_int_of(value_get(values, "owner_id"), 0);

	if (id == 0 && owner == 0 && cx->actor.user_id != 0)
		value_set_int(cx->arena, values, "owner_id", cx->actor.user_id);
	else if (!may_all && owner != cx->actor.user_id)
		return cx_fail_field(cx, "owner_id",
				     _("Only who sees everybody's customers can hand one over."));
	return RC_OK;
}

/* A corrected number gets another chance. */
static enum rc revive_new_phone(struct cx *cx, int64_t id, const char *phone)
{
	const char *old = "";
	int64_t contact = 0;
	enum rc rc = db_get_text(cx, &old, "SELECT coalesce(phone, '') FROM client WHERE id = :id",
				 PARAMS(P_INT(":id", id)));

	if (rc != RC_OK || phone[0] == '\0' || strcmp(old, phone) == 0) return rc;
	rc = contact_find(cx, &contact, "phone", phone);
	if (rc == RC_OK) return contact_revive(cx, contact);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc client_before_save(struct cx *cx, int64_t id, struct value *values)
{
	const char *given = value_text_of(value_get(values, "given_names"), "");
	const char *surnames = value_text_of(value_get(values, "surnames"), "");
	enum rc rc = set_owner(cx, id, values);

	value_set_text(cx->arena, values, "sort_name",
		       text_fold(cx->arena, arena_printf(cx->arena, "%s %s", surnames, given)));
	if (rc == RC_OK && id != 0)
		rc = revive_new_phone(cx, id, value_text_of(value_get(values, "phone"), ""));
	return rc;
}

enum rc client_after_save(struct cx *cx, int64_t id, bool is_new, const struct value *values)
{
	enum rc rc;

	(void)values;
	if (is_new) return RC_OK;
	rc = db_run(
		cx,
		"UPDATE subscription SET search = (SELECT c.search || ' ' || v.search FROM client c, service v WHERE"
		" c.id = subscription.client_id AND v.id = subscription.service_id) WHERE client_id = :id",
		PARAMS(P_INT(":id", id)));
	return rc == RC_OK ? payments_respell(cx, id) : rc;
}

enum rc client_before_archive(struct cx *cx, int64_t id)
{
	int64_t n = 0;
	enum rc rc = db_get_int(
		cx, &n,
		"SELECT count(*) FROM subscription WHERE client_id = :id AND state = 'active' AND archived_at IS NULL",
		PARAMS(P_INT(":id", id)));

	if (rc != RC_OK || n == 0) return rc;
	return cx_fail(
		cx, RC_CONFLICT,
		words_plural(
			cx->lang, n,
			N_("This customer has %lld active subscription. Cancel it first, or make the customer inactive."),
			N_("This customer has %lld active subscriptions. Cancel them first, or make the customer inactive.")),
		(long long)n);
}

/* The page */

const char *client_same_phone(struct cx *cx, int64_t id, int64_t *others)
{
	struct query *q = NULL;
	struct sb names;
	bool may_all = actor_may(&cx->actor, RIGHT_ALL);
	enum rc rc = db_query(
		cx, &q,
		"SELECT trim(o.given_names || ' ' || o.surnames), coalesce(o.owner_id, 0) FROM client c"
		" JOIN client o ON o.phone = c.phone AND o.id <> c.id"
		" WHERE c.id = :id AND o.archived_at IS NULL ORDER BY o.id",
		PARAMS(P_INT(":id", id)));

	*others = 0;
	sb_init_arena(&names, cx->arena, 4096);
	while (rc == RC_OK && query_next(q)) {
		bool is_shown = may_all || query_int(q, 1) == cx->actor.user_id;

		if (is_shown && *others < SAME_PHONE_MAX) {
			if (names.len > 0) sb_lit(&names, ", ");
			sb_text(&names, query_text(q, 0));
		}
		++*others;
	}
	return query_end(q, rc) == RC_OK ? sb_text_of(&names) : "";
}

static void show_same_phone(struct cx *cx, int64_t id, struct value *page)
{
	int64_t others = 0;
	const char *names = client_same_phone(cx, id, &others);

	if (others == 0) return;
	value_set_text(
		cx->arena, page, "same_phone",
		names[0] != '\0'
			? arena_printf(
				  cx->arena,
				  _("The same number belongs to: %s. Their answers share one conversation."),
				  names)
			: _("The same number belongs to another customer. Their answers share one conversation."));
}

static const char subscriptions_sql[] =
	"SELECT s.public_id AS id, v.display_name AS service, s.state AS state, s.price_cents AS price_cents,"
	" s.currency AS currency, s.starts_on AS starts_on, s.ends_on AS ends_on, s.payment_status AS payment_status,"
	" s.cancel_at_end AS cancel_at_end, CAST(julianday(s.ends_on) - julianday(:today) AS INTEGER) AS days_left"
	" FROM subscription s INDEXED BY subscription_client JOIN service v ON v.id = s.service_id"
	" WHERE s.client_id = :id AND s.archived_at IS NULL"
	" AND s.generation NOT IN (SELECT id FROM pending_generation) ORDER BY s.ends_on DESC LIMIT :limit";

static void show_subscriptions(struct cx *cx, int64_t id, struct value *page)
{
	struct value *rows = NULL;
	char today[DATE_SIZE];
	int64_t active = 0, overdue = 0;

	day_text(today, cx_today(cx));
	if (db_rows(cx, &rows, SHOWN_SUBSCRIPTIONS, subscriptions_sql,
		    PARAMS(P_TEXT(":today", today), P_INT(":id", id),
			   P_INT(":limit", SHOWN_SUBSCRIPTIONS))) != RC_OK)
		return;
	shape_page(cx, rows);
	for (struct value *r = rows->first; r != NULL; r = r->next) {
		const char *state = value_text_of(value_get(r, "state"), "");

		active += strcmp(state, "active") == 0;
		overdue += strcmp(state, "expired") == 0;
		subscription_badge(cx, r);
	}
	value_set(page, "subscriptions", rows);
	value_set_bool(cx->arena, page, "has_subscriptions", rows->count > 0);
	card_add_count(cx, page, _("Subscriptions"), (int64_t)rows->count, NULL);
	card_add_count(cx, page, _("Active subscriptions"), active, NULL);
	card_add_count(cx, page, _("Overdue"), overdue, NULL);
}

/* Every currency by itself. */
static void show_paid(struct cx *cx, int64_t id, struct value *page)
{
	struct value *rows = NULL;

	if (db_rows(cx, &rows, CURRENCIES_MAX,
		    "SELECT p.currency, sum(p.amount_cents) AS paid FROM subscription s JOIN payment p ON p.subscription_id = s.id"
		    " WHERE s.client_id = :id AND p.state = 'completed' AND p.archived_at IS NULL GROUP BY p.currency"
		    " ORDER BY p.currency",
		    PARAMS(P_INT(":id", id))) != RC_OK)
		return;
	if (rows->count == 0) card_add(cx, page, _("Paid in all"), money_shown(cx, 0, ""), NULL);
	for (const struct value *r = rows->first; r != NULL; r = r->next)
		card_add(cx, page, _("Paid in all"),
			 money_shown(cx, value_int_of(value_get(r, "paid"), 0),
				     value_text_of(value_get(r, "currency"), "")),
			 NULL);
}

static void show_payments(struct cx *cx, int64_t id, struct value *page)
{
	struct value *rows = NULL;

	if (!actor_may(&cx->actor, "payments.view") ||
	    db_rows(cx, &rows, SHOWN_PAYMENTS,
		    "SELECT y.public_id AS id, y.paid_at, y.amount_cents, y.currency, y.method, y.state, y.receipt_number,"
		    " v.display_name AS service FROM subscription s INDEXED BY subscription_client"
		    " JOIN payment y ON y.subscription_id = s.id JOIN service v ON v.id = s.service_id"
		    " WHERE s.client_id = :id AND y.archived_at IS NULL ORDER BY y.paid_at DESC, y.id DESC LIMIT :max",
		    PARAMS(P_INT(":id", id), P_INT(":max", SHOWN_PAYMENTS))) != RC_OK)
		return;
	rows_words(cx, rows);
	value_set(page, "payments", rows);
	value_set_bool(cx->arena, page, "has_payments", rows->count > 0);
}

static void show_notices(struct cx *cx, int64_t id, struct value *page)
{
	struct value *rows = NULL;

	if (!actor_may(&cx->actor, "notices.view") ||
	    db_rows(cx, &rows, SHOWN_NOTICES,
		    "SELECT n.public_id AS id, n.created_at, n.type, n.days_left, coalesce(m.state, 'skipped') AS state,"
		    " n.skip_reason, coalesce(m.error, '') AS error, v.display_name AS service"
		    " FROM notice n INDEXED BY notice_client JOIN subscription s ON s.id = n.subscription_id"
		    " JOIN service v ON v.id = s.service_id LEFT JOIN message m ON m.id = n.message_id"
		    " WHERE n.client_id = :id ORDER BY n.id DESC LIMIT :max",
		    PARAMS(P_INT(":id", id), P_INT(":max", SHOWN_NOTICES))) != RC_OK)
		return;
	rows_words(cx, rows);
	for (struct value *r = rows->first; r != NULL; r = r->next)
		value_set_text(cx->arena, r, "error",
			       words_get(cx->lang, value_text_of(value_get(r, "error"), "")));
	value_set(page, "notices", rows);
	value_set_bool(cx->arena, page, "has_notices", rows->count > 0);
}

/* The heading says the name already. */
static void drop_name(struct value *page)
{
	struct value *facts = (struct value *)(uintptr_t)value_get(page, "facts");

	if (facts == NULL || facts->first == NULL) return;
	facts->first = facts->first->next;
	facts->count--;
}

void client_show(struct cx *cx, int64_t id, struct value *page)
{
	const char *client = value_text_of(value_get(page, "id"), "");
	bool is_archived = value_get(page, "archived") != NULL;

	drop_name(page);
	show_subscriptions(cx, id, page);
	show_same_phone(cx, id, page);
	show_paid(cx, id, page);
	show_payments(cx, id, page);
	show_notices(cx, id, page);
	if (actor_may(&cx->actor, "subscriptions.edit") && !is_archived)
		value_set_text(cx->arena, page, "new_subscription",
			       arena_printf(cx->arena, "/subscriptions/new?client_id=%s", client));
	if (actor_may(&cx->actor, "payments.edit") && !is_archived)
		value_set_text(cx->arena, page, "checkout",
			       arena_printf(cx->arena, "/checkout?client=%s", client));
	value_set_text(cx->arena, page, "all_payments",
		       arena_printf(cx->arena, "/payments?client=%s", client));
	value_set_text(cx->arena, page, "all_notices", arena_printf(cx->arena, "/notices?client=%s", client));
}

/* Wanting no notices */

static enum rc write_opt(struct cx *cx, int64_t id, bool out)
{
	const char *phone = "";
	int64_t contact = 0;
	enum rc rc = db_get_text(cx, &phone, "SELECT coalesce(phone, '') FROM client WHERE id = :id",
				 PARAMS(P_INT(":id", id)));

	if (rc == RC_OK && phone[0] == '\0')
		return cx_fail(cx, RC_BAD_INPUT, _("The customer has no phone number on record."));
	if (rc == RC_OK) rc = contact_ensure(cx, &contact, "phone", phone);
	return rc == RC_OK ? contact_opt_out(cx, contact, "notice", "panel", out) : rc;
}

static enum rc run_opt(struct cx *cx, int64_t id, bool out)
{
	enum rc rc = tx_begin(cx);

	return rc == RC_OK ? tx_end(cx, write_opt(cx, id, out)) : rc;
}

static enum rc run_opt_out(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("No more notices go to this number.");
	return run_opt(cx, id, true);
}

static enum rc run_opt_in(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("Notices go to this number again.");
	return run_opt(cx, id, false);
}

/* Active or not: an inactive one gets no notices. */

static enum rc set_active(struct cx *cx, int64_t id, bool is_active)
{
	struct value *input = value_map(cx->arena);
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, input, "is_active", is_active ? "1" : "0");
	return tx_end(cx, desk_save(cx, desk_resource("clients"), &id, input));
}

static enum rc run_activate(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The customer is active: notices go out again.");
	return set_active(cx, id, true);
}

static enum rc run_deactivate(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The customer is inactive: no more notices go out.");
	return set_active(cx, id, false);
}

const struct action client_actions[] = {
	{ .name = "opt-out",
	  .title = N_("No more notices"),
	  .right = "clients.edit",
	  .confirm = N_("Send no more notices to this number? The customer can also answer BAJA."),
	  .is_bulk = true,
	  .when = "t.phone IS NOT NULL AND NOT " IS_OUT,
	  .run = run_opt_out },
	{ .name = "opt-in",
	  .title = N_("Notices again"),
	  .right = "clients.edit",
	  .confirm = N_("Send notices to this number again? Only if the customer asked for it."),
	  .is_bulk = true,
	  .when = IS_OUT,
	  .run = run_opt_in },
	{ .name = "deactivate",
	  .title = N_("Make inactive"),
	  .right = "clients.edit",
	  .confirm =
		  N_("Make inactive? No more notices go out; subscriptions and payments stay as they are."),
	  .is_bulk = true,
	  .when = "t.is_active = 1",
	  .run = run_deactivate },
	{ .name = "activate",
	  .title = N_("Make active"),
	  .right = "clients.edit",
	  .confirm = N_("Make active? Notices go out again."),
	  .is_bulk = true,
	  .when = "t.is_active = 0",
	  .run = run_activate },
	{ .name = NULL },
};
