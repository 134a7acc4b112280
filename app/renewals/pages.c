/*
** pages.c -- the module's addresses beyond its lists, and what their pages share.
**
** Owns:   renewals_pages_routes[].
** Holds:  every page works without script; every form says its errors at the field.
*/
#include "renewals/panel.h"
#include "renewals/payment_steps.h"
#include <string.h>

#define FORM_MAX (64 * 1024) /* a customer with a note and a dozen services */

#define PAGE_ROW(address, needed, handler, words)                                            \
	{                                                                                    \
		.method = "GET", .path = (address), .realm = REALM_STAFF, .right = (needed), \
		.class = ROUTE_DB, .help = (words), .handle = (handler)                      \
	}
#define FORM_ROW(address, needed, handler, words)                                                  \
	{                                                                                          \
		.method = "POST", .path = (address), .realm = REALM_STAFF, .right = (needed),      \
		.class = ROUTE_DB, .body_max = FORM_MAX, .has_token = true, .is_idempotent = true, \
		.help = (words), .handle = (handler)                                               \
	}

#define METHODS "cash|transfer|card|paypal|other"

/* What programs send and read (openapi.json). */
static const struct fact checkout_takes[] = {
	{ .name = "client", .type = FACT_TEXT, .help = N_("Id of the customer; needed with a service.") },
	{ .name = "subscription", .type = FACT_TEXT, .help = N_("Id of the subscription to renew …") },
	{ .name = "service", .type = FACT_TEXT, .help = N_("… or of the service to sell.") },
	{ .name = "method", .type = FACT_TEXT, .is_needed = true, .choices = "cash|transfer|other" },
	{ .name = "periods", .type = FACT_INT, .min = 1, .max = RENEW_PERIODS_MAX },
	{ .name = "reference", .type = FACT_TEXT, .max = 100 },
	{ .name = NULL },
};
static const struct fact checkout_gives[] = {
	{ .name = "id", .type = FACT_TEXT, .is_needed = true, .help = N_("Id of the payment.") },
	{ .name = "request",
	  .type = FACT_TEXT,
	  .is_needed = true,
	  .help = N_("Number that the customer names.") },
	{ .name = "subscription_id", .type = FACT_TEXT, .is_needed = true },
	{ .name = "state", .type = FACT_TEXT, .is_needed = true },
	{ .name = "method", .type = FACT_TEXT, .is_needed = true },
	{ .name = "amount_cents", .type = FACT_INT, .is_needed = true },
	{ .name = "currency", .type = FACT_TEXT, .is_needed = true },
	{ .name = "renews_periods", .type = FACT_INT, .is_needed = true },
	{ .name = "instructions",
	  .type = FACT_TEXT,
	  .is_needed = true,
	  .help = N_("Text for the customer.") },
	{ .name = NULL },
};
static const struct fact days_takes[] = {
	{ .name = "from", .type = FACT_DATE },
	{ .name = "to", .type = FACT_DATE },
	{ .name = NULL },
};
static const struct fact rows_gives[] = {
	{ .name = "data", .type = FACT_MAPS, .is_needed = true },
	{ .name = NULL },
};
static const struct fact stats_gives[] = {
	{ .name = "data", .type = FACT_MAPS, .is_needed = true, .help = N_("One a day with notices.") },
	{ .name = "sums", .type = FACT_MAP, .is_needed = true },
	{ .name = "stages", .type = FACT_MAPS, .is_needed = true },
	{ .name = "months", .type = FACT_MAPS, .is_needed = true },
	{ .name = "errors", .type = FACT_MAPS, .is_needed = true },
	{ .name = "kpi", .type = FACT_MAP, .is_needed = true },
	{ .name = NULL },
};
static const struct fact panel_takes[] = {
	{ .name = "month", .type = FACT_TEXT, .help = N_("Month of the calendar: 2026-11.") },
	{ .name = NULL },
};
static const struct fact panel_gives[] = {
	{ .name = "cards", .type = FACT_MAPS, .is_needed = true, .help = N_("Figures, each with its list.") },
	{ .name = "tables", .type = FACT_MAPS, .is_needed = true },
	{ .name = "days",
	  .type = FACT_MAPS,
	  .is_needed = true,
	  .help = N_("What ends on the days of the month.") },
	{ .name = "months", .type = FACT_MAPS, .is_needed = true },
	{ .name = "notices", .type = FACT_MAP, .help = N_("Today's, by stage.") },
	{ .name = NULL },
};
static const struct fact renew_takes[] = {
	{ .name = "periods", .type = FACT_INT, .min = 1, .max = RENEW_PERIODS_MAX },
	{ .name = "price", .type = FACT_MONEY, .help = N_("Price of a period") },
	{ .name = "price_cents", .type = FACT_INT },
	{ .name = "payment",
	  .type = FACT_MAP,
	  .help = N_("method, amount or amount_cents, reference, state") },
	{ .name = "payment_method", .type = FACT_TEXT, .choices = METHODS },
	{ .name = "payment_amount", .type = FACT_MONEY },
	{ .name = "payment_amount_cents", .type = FACT_INT },
	{ .name = "payment_reference", .type = FACT_TEXT, .max = 100 },
	{ .name = "payment_state", .type = FACT_TEXT, .choices = "completed|pending" },
	{ .name = "send_confirmation", .type = FACT_BOOL },
	{ .name = "key", .type = FACT_TEXT, .help = N_("The same key renews once.") },
	{ .name = NULL },
};
static const struct fact renew_gives[] = {
	{ .name = "id", .type = FACT_TEXT, .is_needed = true },
	{ .name = "starts_on", .type = FACT_DATE, .is_needed = true },
	{ .name = "ends_on", .type = FACT_DATE, .is_needed = true },
	{ .name = "state", .type = FACT_TEXT, .is_needed = true },
	{ .name = "is_repeat", .type = FACT_BOOL, .is_needed = true },
	{ .name = NULL },
};
static const struct fact cancel_takes[] = {
	{ .name = "mode", .type = FACT_TEXT, .choices = "now|at_end" },
	{ .name = "reason", .type = FACT_TEXT, .max = 200 },
	{ .name = NULL },
};
static const struct fact cancel_gives[] = {
	{ .name = "id", .type = FACT_TEXT, .is_needed = true },
	{ .name = "state", .type = FACT_TEXT, .is_needed = true },
	{ .name = "cancel_at_end", .type = FACT_BOOL, .is_needed = true },
	{ .name = NULL },
};

static const struct fact client_gives[] = {
	{ .name = "id", .type = FACT_TEXT, .is_needed = true },
	{ .name = "subscriptions", .type = FACT_MAPS, .is_needed = true },
	{ .name = "same_phone_count",
	  .type = FACT_INT,
	  .is_needed = true,
	  .help = N_("Other customers with this number.") },
	{ .name = NULL },
};
static const struct fact run_takes[] = { { .name = NULL } };
static const struct fact run_gives[] = {
	{ .name = "success", .type = FACT_BOOL, .is_needed = true },
	{ .name = "run_id", .type = FACT_TEXT, .is_needed = true },
	{ .name = NULL },
};

/* A form whose call as an API is described. */
#define CALL_ROW(address, needed, handler, words, in, out)                                         \
	{                                                                                          \
		.method = "POST", .path = (address), .realm = REALM_STAFF, .right = (needed),      \
		.class = ROUTE_DB, .body_max = FORM_MAX, .has_token = true, .is_idempotent = true, \
		.help = (words), .handle = (handler), .takes = (in), .gives = (out)                \
	}

const struct route renewals_pages_routes[] = {
	{ .method = "GET",
	  .path = "/clients/new",
	  .realm = REALM_STAFF,
	  .right = "clients.edit",
	  .class = ROUTE_DB,
	  .help = N_("Form for a customer with services"),
	  .handle = handle_client_new,
	  .no_api = true },
	CALL_ROW("/clients/new", "clients.edit", handle_client_create,
		 N_("Create a customer with one or more services in one step"), NULL, client_gives),
	PAGE_ROW("/subscriptions/:id/renew", "subscriptions.edit", handle_renew_page,
		 N_("Renew: what it gives and costs")),
	CALL_ROW("/subscriptions/:id/renew", "subscriptions.edit", handle_renew, N_("Renew for some periods"),
		 renew_takes, renew_gives),
	PAGE_ROW("/subscriptions/:id/reactivate", "subscriptions.edit", handle_renew_page,
		 N_("Renew: what it gives and costs")),
	PAGE_ROW("/subscriptions/:id/cancel", "subscriptions.edit", handle_cancel_page,
		 N_("Ask before cancelling")),
	CALL_ROW("/subscriptions/:id/cancel", "subscriptions.edit", handle_cancel,
		 N_("Cancel now or at the end"), cancel_takes, cancel_gives),
	FORM_ROW("/subscription/:id/send-reminder", "subscriptions.remind", handle_send_reminder,
		 N_("Send a reminder now")),
	PAGE_ROW("/renewal-requests/:id/renew", "subscriptions.edit", handle_request_renew,
		 N_("Renew what was asked for")),
	PAGE_ROW("/subscriptions/:id/undo-renewal", "subscriptions.undo", handle_undo_page,
		 N_("What undoing the renewal means")),
	{ .method = "GET",
	  .path = "/checkout",
	  .realm = REALM_STAFF,
	  .right = "payments.edit",
	  .class = ROUTE_DB,
	  .menu = N_("Charge a customer"),
	  .menu_order = 31,
	  .help = N_("Form for a request to pay"),
	  .handle = handle_checkout,
	  .no_api = true },
	CALL_ROW("/checkout", "payments.edit", handle_checkout_make,
		 N_("Make a request to pay, for a new subscription or a renewal"), checkout_takes,
		 checkout_gives),
	{ .method = "GET",
	  .path = "/renewals/daily",
	  .realm = REALM_STAFF,
	  .right = "payments.view",
	  .class = ROUTE_DB,
	  .menu = N_("Money by day"),
	  .menu_order = 32,
	  .help = N_("Money of each day by method"),
	  .handle = handle_daily,
	  .takes = days_takes,
	  .gives = rows_gives },
	PAGE_ROW("/payments/:id/complete", "payments.edit", handle_complete_page,
		 N_("Complete the payment, and renew with it")),
	PAGE_ROW("/payments/:id/instructions", "payments.view", handle_instructions, N_("How to pay it")),
	PAGE_ROW("/payments/:id/receipt", "payments.view", handle_receipt, N_("Receipt to print")),
	{ .method = "GET",
	  .path = "/renewals/runs",
	  .realm = REALM_STAFF,
	  .right = "renewals.runs",
	  .class = ROUTE_DB,
	  .menu = N_("Runs"),
	  .menu_order = 41,
	  .help = N_("Runs of notices, and calls from outside"),
	  .handle = handle_runs },
	CALL_ROW("/renewals/runs", "renewals.run", handle_run_now, N_("Start today's run now"), run_takes,
		 run_gives),
	{ .method = "GET",
	  .path = "/renewals/stats",
	  .realm = REALM_STAFF,
	  .right = "renewals.runs",
	  .class = ROUTE_DB,
	  .menu = N_("Statistics"),
	  .menu_order = 42,
	  .help = N_("Notices per day"),
	  .handle = handle_stats,
	  .takes = days_takes,
	  .gives = stats_gives },
	{ .method = "GET",
	  .path = "/panel",
	  .realm = REALM_STAFF,
	  .right = "subscriptions.view",
	  .class = ROUTE_DB,
	  .menu = N_("Dashboard"),
	  .menu_order = 5,
	  .help = N_("The business in figures and pictures"),
	  .handle = handle_panel,
	  .takes = panel_takes,
	  .gives = panel_gives },
	{ .method = "GET",
	  .path = "/dashboard",
	  .realm = REALM_STAFF,
	  .right = "subscriptions.view",
	  .class = ROUTE_DB,
	  .help = N_("Old address of the panel"),
	  .handle = handle_dashboard,
	  .no_api = true },
	PAGE_ROW("/renewals/months", "renewals.runs", handle_months,
		 N_("A year of the business, month by month")),
	PAGE_ROW("/renewals/cron-help", "renewals.run", handle_cron_help,
		 N_("How to let an outside scheduler start the run")),
	FORM_ROW("/renewals/cron-help", "renewals.cron", handle_cron_token,
		 N_("Make a new token for the outside scheduler")),
	{ .method = NULL },
};

/* ---- shared by the pages ---- */

static const char *error_of(const struct cx *cx, const char *name)
{
	for (size_t i = 0; i < cx->field_count; i++)
		if (strcmp(cx->fields[i].field, name) == 0) return cx->fields[i].message;
	return NULL;
}

struct value *field_add(struct cx *cx, struct value *page, const char *name, const char *label,
			const char *value)
{
	struct value *fields = (struct value *)(uintptr_t)value_get(page, "fields"), *field;

	if (fields == NULL) fields = value_set_list(cx->arena, page, "fields");
	field = value_add_map(cx->arena, fields);
	value_set_text(cx->arena, field, "name", name);
	value_set_text(cx->arena, field, "label", label);
	value_set_text(cx->arena, field, "value", value != NULL ? value : "");
	value_set_text(cx->arena, field, "error", error_of(cx, name));
	value_set_null(cx->arena, field, "help");
	value_set_null(cx->arena, field, "type");
	return field;
}

void field_option(struct cx *cx, struct value *field, const char *value, const char *title, bool is_selected)
{
	struct value *options = (struct value *)(uintptr_t)value_get(field, "options"), *one;

	if (options == NULL) options = value_set_list(cx->arena, field, "options");
	one = value_add_map(cx->arena, options);
	value_set_text(cx->arena, one, "value", value);
	value_set_text(cx->arena, one, "title", title);
	value_set_bool(cx->arena, one, "is_selected", is_selected);
}

void field_methods(struct cx *cx, struct value *field, const char *chosen, const char *none)
{
	static const char *const methods[][2] = { { "cash", N_("Cash") },
						  { "transfer", N_("Transfer") },
						  { "card", N_("Card") },
						  { "paypal", N_("PayPal") },
						  { "other", N_("Other") } };

	value_set_bool(cx->arena, field, "is_select", true);
	if (none != NULL) field_option(cx, field, "", none, chosen[0] == '\0');
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		field_option(cx, field, methods[i][0], words_get(cx->lang, methods[i][1]),
			     strcmp(methods[i][0], chosen) == 0);
}

void page_errors(struct cx *cx, struct value *page, enum rc rc)
{
	if (rc == RC_OK) return;
	value_set_text(cx->arena, page, "form_error",
		       cx->message[0] == '\0' && cx->field_count > 0
			       ? words_plural(cx->lang, (int64_t)cx->field_count,
					      N_("One field needs your attention."),
					      N_("Some fields need your attention."))
			       : cx_sentence(cx, rc));
}

void page_trail(struct cx *cx, struct value *page, const char *title, const char *href)
{
	struct value *trail = (struct value *)(uintptr_t)value_get(page, "trail"), *one;

	if (trail == NULL) trail = value_set_list(cx->arena, page, "trail");
	value_set_bool(cx->arena, page, "has_trail", true);
	one = value_add_map(cx->arena, trail);
	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "href", href);
}

enum rc call_subscription(struct cx *cx, struct call *call, int64_t *id)
{
	return desk_find(cx, id, desk_resource("subscriptions"), call_param(call, "id"));
}

const char *day_shown(struct cx *cx, const char *date)
{
	char text[DATE_SIZE];
	day d;

	if (day_parse(&d, date) != RC_OK) return date;
	day_text_local(text, d);
	return arena_text(cx->arena, text);
}
