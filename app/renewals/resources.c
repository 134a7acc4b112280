/*
** resources.c -- the module's tables for the office: what they are called, who sees and changes them.
**
** Owns:   the list of resources and the module's rights.
** Needs:  the columns and hooks of clients.c, services.c, subscriptions.c, payments.c, notices.c.
** Holds:  (1) a person without clients.all sees only rows that hang on an own customer, in every list, page,
**         export and API answer alike; (2) a payment or notice row is never archived.
*/
#include "renewals/resources.h"
#include "renewals/import.h"
#include "base/money.h"
#include <string.h>

const struct right renewals_rights[] = {
	{ .name = "clients.view", .title = N_("See customers"), .roles = "owner seller reader" },
	{ .name = "clients.edit", .title = N_("Add and change customers"), .roles = "owner seller" },
	{ .name = RIGHT_ALL,
	  .title = N_("See everybody's customers, not only the own ones"),
	  .roles = "owner reader" },
	{ .name = "services.view", .title = N_("See services"), .roles = "owner seller reader" },
	{ .name = "services.edit", .title = N_("Add and change services"), .roles = "owner" },
	{ .name = "subscriptions.view", .title = N_("See subscriptions"), .roles = "owner seller reader" },
	{ .name = "subscriptions.edit",
	  .title = N_("Add, renew and cancel subscriptions"),
	  .roles = "owner seller" },
	{ .name = RIGHT_PRICE, .title = N_("Give another price than the service's"), .roles = "owner" },
	{ .name = "subscriptions.undo", .title = N_("Undo a renewal"), .roles = "owner" },
	{ .name = "subscriptions.remind", .title = N_("Send reminders by hand"), .roles = "owner seller" },
	{ .name = "payments.view", .title = N_("See payments"), .roles = "owner seller reader" },
	{ .name = "payments.edit", .title = N_("Add payments"), .roles = "owner seller" },
	{ .name = "payments.refund", .title = N_("Refund payments"), .roles = "owner" },
	{ .name = "notices.view",
	  .title = N_("See notices and their figures"),
	  .roles = "owner seller reader" },
	{ .name = "renewals.runs", .title = N_("See runs and statistics"), .roles = "owner reader" },
	{ .name = "renewals.run", .title = N_("Start a run of notices"), .roles = "owner" },
	{ .name = "renewals.cron", .title = N_("Make the token of the outside scheduler"), .roles = "owner" },
	{ .name = "notices.retry", .title = N_("Send failed notices again"), .roles = "owner seller" },
	{ .name = NULL },
};

#define NAME_OF(alias) "trim(" alias ".given_names || ' ' || " alias ".surnames)"

static const struct dependent client_dependents[] = {
	{ N_("Active subscriptions"),
	  "SELECT count(*) FROM subscription WHERE client_id = :id AND state = 'active' AND archived_at IS NULL" },
	{ N_("Other subscriptions"),
	  "SELECT count(*) FROM subscription WHERE client_id = :id AND state <> 'active' AND archived_at IS NULL" },
	{ N_("Payments"), "SELECT count(*) FROM payment p JOIN subscription s ON s.id = p.subscription_id"
			  " WHERE s.client_id = :id AND p.archived_at IS NULL" },
	{ N_("Notices"), "SELECT count(*) FROM notice WHERE client_id = :id" },
	{ .title = NULL },
};

static const struct dependent subscription_dependents[] = {
	{ N_("Payments"),
	  "SELECT count(*) FROM payment WHERE subscription_id = :id AND archived_at IS NULL" },
	{ N_("Notices"), "SELECT count(*) FROM notice WHERE subscription_id = :id" },
	{ .title = NULL },
};

static const struct dependent service_dependents[] = {
	{ N_("Active subscriptions"),
	  "SELECT count(*) FROM subscription WHERE service_id = :id AND state = 'active' AND archived_at IS NULL" },
	{ N_("Other subscriptions"),
	  "SELECT count(*) FROM subscription WHERE service_id = :id AND state <> 'active' AND archived_at IS NULL" },
	{ .title = NULL },
};

static const struct dependent category_dependents[] = {
	{ N_("Services"), "SELECT count(*) FROM service WHERE category_id = :id AND archived_at IS NULL" },
	{ .title = NULL },
};

const struct resource renewals_resources[] = {
	{ .name = "clients",
	  .title = N_("Customers"),
	  .title_one = N_("Customer"),
	  .table = "client",
	  .row_name = NAME_OF("t"),
	  .columns = client_columns,
	  .sorts = client_sorts,
	  .filters = client_filters,
	  .actions = client_actions,
	  .where = "t.archived_at IS NULL",
	  .row_rule = "+t.owner_id = :actor", /* every order's index has the owner in it */
	  .right_all = RIGHT_ALL,
	  .import_key = "phone",
	  .importer = &renewals_importer,
	  .right_view = "clients.view",
	  .right_edit = "clients.edit",
	  .has_public_id = true,
	  .has_generation = true,
	  .can_create = true,
	  .can_archive = true,
	  .menu = N_("Customers"),
	  .menu_order = 10,
	  .empty = N_("No customers yet. Add the first one, or take them all in from a file under “Import”."),
	  .before_save = client_before_save,
	  .after_save = client_after_save,
	  .before_archive = client_before_archive,
	  .dependents = client_dependents,
	  .contact_column = "phone",
	  .show = client_show,
	  .show_template = "renewals/client",
	  .new_page = "/clients/new" },
	{ .name = "subscriptions",
	  .title = N_("Subscriptions"),
	  .title_one = N_("Subscription"),
	  .table = "subscription",
	  .from = "JOIN client c ON c.id = t.client_id JOIN service v ON v.id = t.service_id",
	  .row_name = NAME_OF("c") " || ' · ' || v.display_name",
	  .columns = subscription_columns,
	  .sorts = subscription_sorts,
	  .filters = subscription_filters,
	  .actions = subscription_actions,
	  .where = "t.archived_at IS NULL",
	  .row_rule = "+t.client_id IN " OWN_CLIENTS,
	  .right_all = RIGHT_ALL,
	  .import_key = "client_id|service_id|ends_on",
	  .right_view = "subscriptions.view",
	  .right_edit = "subscriptions.edit",
	  .has_public_id = true,
	  .has_generation = true,
	  .can_create = true,
	  .can_archive = true,
	  .menu = N_("Subscriptions"),
	  .menu_order = 20,
	  .empty = N_(
		  "No subscriptions here. Add a customer with services, or a subscription for a customer you have."),
	  .before_save = subscription_before_save,
	  .currency_of = subscription_currency,
	  .after_save = subscription_after_save,
	  .before_archive = subscription_before_archive,
	  .dependents = subscription_dependents,
	  .show = subscription_show,
	  .show_template = "renewals/subscription",
	  .list_extra = subscription_list },
	{ .name = "payments",
	  .title = N_("Payments"),
	  .title_one = N_("Payment"),
	  .table = "payment",
	  .from = "JOIN subscription s ON s.id = t.subscription_id JOIN client c ON c.id = s.client_id"
		  " JOIN service v ON v.id = s.service_id",
	  .row_name = "printf('%06d', t.id) || ' · ' || " NAME_OF("c"),
	  .columns = payment_columns,
	  .sorts = payment_sorts,
	  .filters = payment_filters,
	  .actions = payment_actions,
	  .where = "t.archived_at IS NULL",
	  .row_rule =
		  "+t.subscription_id IN (SELECT id FROM subscription WHERE client_id IN " OWN_CLIENTS ")",
	  .right_all = RIGHT_ALL,
	  .right_view = "payments.view",
	  .right_edit = "payments.edit",
	  .has_public_id = true,
	  .can_create = true,
	  .menu = N_("Payments"),
	  .menu_order = 30,
	  .empty = N_("No payments here. Renewing a subscription with its payment puts one here."),
	  .before_save = payment_before_save,
	  .currency_of = payment_currency,
	  .after_save = payment_after_save,
	  .list_extra = payment_list },
	{ .name = "notices",
	  .title = N_("Notices"),
	  .title_one = N_("Notice"),
	  .table = "notice",
	  .from = "JOIN client c ON c.id = t.client_id JOIN subscription s ON s.id = t.subscription_id"
		  " JOIN service v ON v.id = s.service_id"
		  /* A message decided to be sent again has another one in its place. */
		  " LEFT JOIN message m ON m.id = coalesce((SELECT max(x.id) FROM message x WHERE x.replaces_id ="
		  " t.message_id), t.message_id)"
		  " LEFT JOIN contact k ON k.id = m.contact_id",
	  .row_name = NAME_OF("c") " || ' · ' || v.display_name",
	  .columns = notice_columns,
	  .sorts = notice_sorts,
	  .filters = notice_filters,
	  .actions = notice_actions,
	  .row_rule = "+t.client_id IN " OWN_CLIENTS,
	  .right_all = RIGHT_ALL,
	  .right_view = "notices.view",
	  .has_public_id = true,
	  .menu = N_("Notices"),
	  .menu_order = 40,
	  .empty = N_(
		  "No notices here. They are planned every day at the hour of the settings, 7, 3, 1 and 0 days"
		  " before a subscription ends."),
	  .list_extra = notice_list },
	{ .name = "renewal-requests",
	  .title = N_("Renewal requests"),
	  .title_one = N_("Renewal request"),
	  .table = "renewal_request",
	  .from = "JOIN contact k ON k.id = t.contact_id LEFT JOIN client c ON c.id = t.client_id"
		  " LEFT JOIN inbound_message i ON i.id = t.inbound_message_id",
	  .row_name = "coalesce(" NAME_OF("c") ", k.address)",
	  .columns = request_columns,
	  .sorts = request_sorts,
	  .filters = request_filters,
	  .actions = request_actions,
	  .row_rule = "+t.client_id IN " OWN_CLIENTS,
	  .right_all = RIGHT_ALL,
	  .right_view = "subscriptions.view",
	  .has_public_id = true,
	  .menu = N_("Renewal requests"),
	  .menu_order = 50,
	  .empty = N_("Nobody has asked to renew. Who answers RENOVAR to a notice stands here.") },
	{ .name = "services",
	  .title = N_("Services"),
	  .title_one = N_("Service"),
	  .table = "service",
	  .row_name = "t.display_name",
	  .columns = service_columns,
	  .sorts = service_sorts,
	  .filters = service_filters,
	  .actions = service_actions,
	  .where = "t.archived_at IS NULL",
	  .import_key = "display_name",
	  .right_view = "services.view",
	  .right_edit = "services.edit",
	  .has_public_id = true,
	  .can_create = true,
	  .can_archive = true,
	  .menu = N_("Services"),
	  .menu_order = 52,
	  .empty = N_("No services yet. Add what your customers subscribe to, with its price."),
	  .before_save = service_before_save,
	  .after_save = service_after_save,
	  .before_archive = service_before_archive,
	  .dependents = service_dependents,
	  .list_extra = service_list },
	{ .name = "service-categories",
	  .title = N_("Service categories"),
	  .title_one = N_("Service category"),
	  .table = "service_category",
	  .row_name = "t.name",
	  .columns = category_columns,
	  .sorts = category_sorts,
	  .filters = category_filters,
	  .actions = category_actions,
	  .where = "t.archived_at IS NULL",
	  .import_key = "name",
	  .right_view = "services.view",
	  .right_edit = "services.edit",
	  .has_public_id = true,
	  .can_create = true,
	  .can_archive = true,
	  .menu = N_("Service categories"),
	  .menu_order = 53,
	  .empty = N_("No categories yet. They only group the services."),
	  .dependents = category_dependents,
	  .before_archive = category_before_archive },
	{ .name = NULL },
};

/* Shared by the files of the tables */

void card_add(struct cx *cx, struct value *page, const char *title, const char *text, const char *href)
{
	struct value *cards = (struct value *)(uintptr_t)value_get(page, "cards"), *card;

	if (cards == NULL) cards = value_set_list(cx->arena, page, "cards");
	card = value_add_map(cx->arena, cards);
	value_set_text(cx->arena, card, "title", title);
	value_set_text(cx->arena, card, "value", text);
	value_set_text(cx->arena, card, "href", href);
	value_set_null(cx->arena, card, "mark");
	value_set_null(cx->arena, card, "note");
}

void card_add_count(struct cx *cx, struct value *page, const char *title, int64_t n, const char *href)
{
	card_add(cx, page, title, arena_printf(cx->arena, "%lld", (long long)n), href);
}

const char *money_shown(struct cx *cx, int64_t cents, const char *currency)
{
	char text[MONEY_SIZE];

	if (currency[0] == '\0') currency = setting_text(cx->env->settings, "business.currency");
	money_text(text, cents, currency, cx->lang);
	return arena_text(cx->arena, text);
}

static bool ends_with_one(const char *href, const char *const *names)
{
	const char *last = strrchr(href, '/');

	for (; last != NULL && *names != NULL; names++)
		if (strcmp(last + 1, *names) == 0) return true;
	return false;
}

void actions_drop(struct value *page, const char *const *names)
{
	struct value *list = (struct value *)(uintptr_t)value_get(page, "actions"), **at, *last = NULL;

	if (list == NULL) return;
	for (at = &list->first; *at != NULL;) {
		if (ends_with_one(value_text_of(value_get(*at, "href"), ""), names)) {
			*at = (*at)->next;
			list->count--;
		} else {
			last = *at;
			at = &last->next;
		}
	}
	list->last = last;
}
