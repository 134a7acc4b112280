/*
** resources.h -- what the files of the module's tables hand to resources.c: columns, orders,
** filters, actions and hooks, one file a subject (clients.c, services.c, subscriptions.c,
** payments.c, notices.c).
**
** Holds: whoever may see a customer may see what belongs to that customer; everything else hangs on
** the customer's owner (right clients.all sees all of them).
*/
#ifndef RECADO_RENEWALS_RESOURCES_H
#define RECADO_RENEWALS_RESOURCES_H

#include "renewals/renewals.h"

/* Row rules: :actor is the person's id. Written without other aliases than t, so that no join is needed to
** choose. */
#define OWN_CLIENTS "(SELECT id FROM client WHERE owner_id = :actor)"

#define RIGHT_ALL   "clients.all"         /* sees every customer and what belongs to them */
#define RIGHT_PRICE "subscriptions.price" /* gives another price than the service's       */

#define PAYMENT_METHODS "cash=Cash|transfer=Transfer|card=Card|paypal=PayPal|other=Other"
#define MESSAGE_STATES                                                                                        \
	"queued=Pending|sending=Sending|sent=Sent|delivered=Delivered|read=Read|failed=Failed|unsure=Unsure|" \
	"expired=Expired|cancelled=Cancelled|skipped=Skipped"

/* A card above a list or on a page: {title, value, href}. href may be NULL. */
void card_add(struct cx *cx, struct value *page, const char *title, const char *text, const char *href);
void card_add_count(struct cx *cx, struct value *page, const char *title, int64_t n, const char *href);
/* "$12.99" of the currency, in the arena; "" = the house's. */
const char *money_shown(struct cx *cx, int64_t cents, const char *currency);
/* To a row with state, days_left, cancel_at_end: badge (a code for the colour) and state_shown ("Ends in 3 days"). */
void subscription_badge(struct cx *cx, struct value *row);
/* Rows of payments, periods or notices for a page: shaped, with method_shown, state_shown, type_shown,
** receipt, and the words of a skip reason as error. */
void rows_words(struct cx *cx, struct value *rows);
/* Take the actions of these names (NULL-terminated) off a row's page: its own buttons stand elsewhere. */
void actions_drop(struct value *page, const char *const *names);

/* metrics.c */
void renewals_metrics(struct cx *cx, struct sb *out);

/* clients.c */
extern const struct column client_columns[];
extern const struct sort client_sorts[];
extern const struct filter client_filters[];
extern const struct action client_actions[];
enum rc client_before_save(struct cx *cx, int64_t id, struct value *values) MUST_CHECK;
enum rc client_after_save(struct cx *cx, int64_t id, bool is_new, const struct value *values) MUST_CHECK;
enum rc client_before_archive(struct cx *cx, int64_t id) MUST_CHECK;
void client_show(struct cx *cx, int64_t id, struct value *page);
/* Names of other customers with this number that the actor may see, "" if none; *others counts all of them.
 */
const char *client_same_phone(struct cx *cx, int64_t id, int64_t *others);

/* services.c */
extern const struct column category_columns[], service_columns[];
extern const struct sort category_sorts[], service_sorts[];
extern const struct filter category_filters[], service_filters[];
extern const struct action category_actions[], service_actions[];
enum rc category_before_archive(struct cx *cx, int64_t id) MUST_CHECK;
enum rc service_before_save(struct cx *cx, int64_t id, struct value *values) MUST_CHECK;
enum rc service_after_save(struct cx *cx, int64_t id, bool is_new, const struct value *values) MUST_CHECK;
enum rc service_before_archive(struct cx *cx, int64_t id) MUST_CHECK;
void service_list(struct cx *cx, struct value *page);

/* subscriptions.c */
extern const struct column subscription_columns[];
extern const struct sort subscription_sorts[];
extern const struct filter subscription_filters[];
extern const struct action subscription_actions[];
enum rc subscription_before_save(struct cx *cx, int64_t id, struct value *values) MUST_CHECK;
enum rc subscription_after_save(struct cx *cx, int64_t id, bool is_new,
				const struct value *values) MUST_CHECK;
/* Amounts are read in the currency of what they are for: the service's, the subscription's. */
const char *subscription_currency(struct cx *cx, const struct value *values);
const char *payment_currency(struct cx *cx, const struct value *values);
enum rc subscription_before_archive(struct cx *cx, int64_t id) MUST_CHECK;
/* page_subscription.c */
void subscription_show(struct cx *cx, int64_t id, struct value *page);
void subscription_list(struct cx *cx, struct value *page);

/* payments.c */
extern const struct column payment_columns[];
extern const struct sort payment_sorts[];
extern const struct filter payment_filters[];
extern const struct action payment_actions[];
enum rc payment_before_save(struct cx *cx, int64_t id, struct value *values) MUST_CHECK;
enum rc payment_after_save(struct cx *cx, int64_t id, bool is_new, const struct value *values) MUST_CHECK;
/* Action of a subscription: its pending payment completed, or a new one of its price. */
enum rc payment_mark_paid(struct cx *cx, int64_t subscription_id, struct call *call,
			  const char **done) MUST_CHECK;
void payment_list(struct cx *cx, struct value *page);
/* Actions: the message leaves once; again only when the one before did not go (payment_texts.c). */
enum rc run_send_instructions(struct cx *cx, int64_t id, struct call *call, const char **done) MUST_CHECK;
enum rc run_send_receipt(struct cx *cx, int64_t id, struct call *call, const char **done) MUST_CHECK;

/* payment_texts.c: the wordings renewals.pay.*, and what they may say. */
enum rc payment_texts_start(struct cx *cx) MUST_CHECK; /* at_start; own transaction */
/* One wording filled in for a payment: "cash", "transfer", "other" or "receipt". */
enum rc payment_text(struct cx *cx, const char **out, int64_t id, const char *which) MUST_CHECK;
/* The message about it that left last: {state, at, href}; NULL when none. which: "instructions" | "receipt" */
enum rc payment_message(struct cx *cx, struct value **out, int64_t id, const char *which) MUST_CHECK;
/* "+593 99 …" of the business, "" without. */
const char *business_phone(struct cx *cx);

/* notices.c */
extern const struct column notice_columns[], request_columns[];
extern const struct sort notice_sorts[], request_sorts[];
extern const struct filter notice_filters[], request_filters[];
extern const struct action notice_actions[], request_actions[];
void notice_list(struct cx *cx, struct value *page);

/* ---- pages (pages.c has the routes) ---- */

/* A field of web/field put at the end of page's `fields` (made when missing). error is looked up in cx. */
struct value *field_add(struct cx *cx, struct value *page, const char *name, const char *label,
			const char *value);
void field_option(struct cx *cx, struct value *field, const char *value, const char *title, bool is_selected);
void field_methods(struct cx *cx, struct value *field, const char *chosen, const char *none);
/* form_error and errors of web/form_errors from cx. */
void page_errors(struct cx *cx, struct value *page, enum rc rc);
void page_trail(struct cx *cx, struct value *page, const char *title, const char *href);
/* The subscription that :id names and the actor sees. */
enum rc call_subscription(struct cx *cx, struct call *call, int64_t *id) MUST_CHECK;
const char *day_shown(struct cx *cx, const char *date);

/* page_renew.c */
/* What a page about one subscription says of it, and its heading: name, trail, way back. */
enum rc subscription_facts(struct cx *cx, int64_t id, struct value **out) MUST_CHECK;
void subscription_heading(struct cx *cx, struct value *page, struct value *facts);
enum rc handle_renew_page(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_renew(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_cancel_page(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_cancel(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_send_reminder(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_request_renew(struct cx *cx, struct call *call) MUST_CHECK;

/* undo.c */
enum rc handle_undo_page(struct cx *cx, struct call *call) MUST_CHECK;

/* page_payment.c */
enum rc handle_complete_page(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_instructions(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_receipt(struct cx *cx, struct call *call) MUST_CHECK;

/* checkout.c */
enum rc handle_checkout(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_checkout_make(struct cx *cx, struct call *call) MUST_CHECK;

/* daily.c: money by day, method and currency, newest day first: [{paid_on, method, currency, count,
** received_cents, refunded_cents, total_cents}] of the customers that the actor sees. */
enum rc daily_money(struct cx *cx, struct value **out, day from, day to) MUST_CHECK;
enum rc handle_daily(struct cx *cx, struct call *call) MUST_CHECK;

/* page_client.c */
enum rc handle_client_new(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_client_create(struct cx *cx, struct call *call) MUST_CHECK;

/* page_months.c */
enum rc handle_months(struct cx *cx, struct call *call) MUST_CHECK;

/* page_runs.c */
enum rc handle_stats(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_runs(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_run_now(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_cron_help(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_cron_token(struct cx *cx, struct call *call) MUST_CHECK;

#endif
