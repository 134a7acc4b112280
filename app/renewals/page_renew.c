/*
** page_renew.c -- renew, cancel and remind, one subscription at a time: as pages and as API.
**
** Needs:  renew.c and reminder.c for every change.
** Holds:  (1) the new last day of every choice stands on the page before anybody confirms; (2) a double click
**         renews once: the form carries a key, a program its Idempotency-Key; (3) an open request of the
**         customer is closed with the renewal, in the same transaction.
*/
#include "renewals/payment_steps.h"
#include "renewals/resources.h"
#include "base/money.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>

#define REASON_MAX     200 /* letters: one line of the history */
#define REFERENCE_MAX  100 /* letters: spec */
#define KEY_MAX        200 /* of an Idempotency-Key */
#define STATUS_REFUSED 422 /* a form shown again (RFC 9110 §15.5.21) */

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

enum rc subscription_facts(struct cx *cx, int64_t id, struct value **out)
{
	char today[DATE_SIZE];
	enum rc rc;

	day_text(today, cx_today(cx));
	rc = db_row(
		cx, out,
		"SELECT s.public_id AS id, s.state, s.cancel_at_end, s.price_cents, s.currency, s.starts_on, s.ends_on,"
		" s.payment_method, CAST(julianday(s.ends_on) - julianday(:today) AS INTEGER) AS days_left,"
		" trim(c.given_names || ' ' || c.surnames) AS client, v.display_name AS service, coalesce(c.phone, '') AS phone"
		" FROM subscription s JOIN client c ON c.id = s.client_id JOIN service v ON v.id = s.service_id WHERE s.id = :id",
		PARAMS(P_TEXT(":today", today), P_INT(":id", id)));
	if (rc == RC_OK) {
		shape_page(cx, *out);
		subscription_badge(cx, *out);
	}
	return rc;
}

void subscription_heading(struct cx *cx, struct value *page, struct value *facts)
{
	const char *name =
		arena_printf(cx->arena, "%s · %s", text_of(facts, "client"), text_of(facts, "service"));
	const char *path = arena_printf(cx->arena, "/subscriptions/%s", text_of(facts, "id"));

	page_trail(cx, page, _("Subscriptions"), "/subscriptions");
	page_trail(cx, page, name, path);
	value_set_text(cx->arena, page, "name", name);
	value_set_text(cx->arena, page, "back", path);
	value_set(page, "subscription", facts);
}

/* ---- what came in ---- */

struct renew_form {
	struct renew_options options;
	const char *periods, *price, *method, *amount, *reference, *state, *key;
	bool confirms;
};

/* A field of a form, or of a JSON body flat ("payment_method") or nested ("payment":{"method"}). NULL: not mentioned. */
static const char *given(struct cx *cx, struct call *call, const char *name, const char *nested)
{
	const struct value *v = value_get(form_json(call), name);

	if (v == NULL && nested != NULL) v = value_get(value_get(form_json(call), "payment"), nested);
	if (v == NULL) return form_text(call, name);
	if (v->type == VALUE_INT) return arena_printf(cx->arena, "%lld", (long long)v->integer);
	if (v->type == VALUE_BOOL) return v->boolean ? "1" : "0";
	return value_text_of(v, NULL);
}

/* Money as text ("12.99") under name, or as smallest units under name_cents in JSON. -1: not given. */
static enum rc given_money(struct cx *cx, struct call *call, const char *name, const char *nested,
			   const char *currency, const char *field, int64_t *out)
{
	const char *cents_name = arena_printf(cx->arena, "%s_cents", name);
	const struct value *cents = value_get(form_json(call), cents_name);
	const char *text = given(cx, call, name, nested), *why = "";

	*out = -1;
	if (cents == NULL && nested != NULL)
		cents = value_get(value_get(form_json(call), "payment"),
				  arena_printf(cx->arena, "%s_cents", nested));
	if (cents != NULL && cents->type == VALUE_INT && cents->integer >= 0 && cents->integer <= MONEY_MAX) {
		*out = cents->integer;
		return RC_OK;
	}
	if (cents != NULL)
		return cx_fail_field(cx, field,
				     _("Send money in its smallest unit, or as text like \"12.99\"."));
	if (text == NULL || text[0] == '\0') return RC_OK;
	if (money_parse(out, &why, text, currency) == RC_OK) return RC_OK;
	*out = -1;
	return cx_fail_field(cx, field, "%s", words_get(cx->lang, why));
}

static enum rc read_price(struct cx *cx, struct call *call, const struct value *facts, struct renew_form *f)
{
	int64_t now = value_int_of(value_get(facts, "price_cents"), 0);
	enum rc rc = given_money(cx, call, "price", NULL, text_of(facts, "currency"), "price",
				 &f->options.price_cents);

	if (rc == RC_OK && f->options.price_cents >= 0 && f->options.price_cents != now &&
	    !actor_may(&cx->actor, RIGHT_PRICE))
		rc = cx_fail_field(cx, "price", _("You renew at the price it has: %s."),
				   money_shown(cx, now, text_of(facts, "currency")));
	return rc;
}

static enum rc read_payment(struct cx *cx, struct call *call, const struct value *facts, struct renew_form *f)
{
	enum rc rc = given_money(cx, call, "payment_amount", "amount", text_of(facts, "currency"),
				 "payment_amount", &f->options.payment_cents);

	f->method = given(cx, call, "payment_method", "method");
	f->reference = given(cx, call, "payment_reference", "reference");
	f->state = given(cx, call, "payment_state", "state");
	if (f->method != NULL && f->method[0] != '\0' && !payment_method_is_known(f->method))
		rc = cx_fail_field(cx, "payment_method", _("“%s” is not one of the choices."), f->method);
	if (f->state != NULL && f->state[0] != '\0' && strcmp(f->state, "completed") != 0 &&
	    strcmp(f->state, "pending") != 0)
		rc = cx_fail_field(cx, "payment_state", _("A new payment is completed or pending."));
	if (f->reference != NULL && text_length(f->reference) > REFERENCE_MAX)
		rc = cx_fail_field(cx, "payment_reference", _("At most %d characters."), REFERENCE_MAX);
	f->options.payment_method = f->method != NULL && f->method[0] != '\0' ? f->method : NULL;
	f->options.payment_reference = f->reference;
	f->options.payment_is_pending = f->state != NULL && strcmp(f->state, "pending") == 0;
	return rc;
}

static enum rc read_renew(struct cx *cx, struct call *call, const struct value *facts, struct renew_form *f)
{
	const char *confirms, *header = call_header(call, "Idempotency-Key");
	enum rc rc, payment;

	*f = (struct renew_form){ .options = RENEW_DEFAULTS };
	f->periods = given(cx, call, "periods", NULL);
	f->key = header != NULL ? header : given(cx, call, "key", NULL);
	confirms = given(cx, call, "send_confirmation", NULL);
	/* A form leaves an unticked box out; a program that says nothing gets the house's way. */
	f->options.confirms = confirms != NULL ? strcmp(confirms, "1") == 0 || strcmp(confirms, "true") == 0
					       : form_json(call) != NULL || call_shape(call) == SHAPE_JSON;
	rc = read_price(cx, call, facts, f);
	payment = read_payment(cx, call, facts, f);
	if (rc == RC_OK) rc = payment;
	if (f->periods != NULL && f->periods[0] != '\0') {
		char *end = NULL;
		long n = strtol(f->periods, &end, 10);

		f->options.periods = *end == '\0' && n >= 1 && n <= RENEW_PERIODS_MAX ? (int)n : 0;
	}
	if (f->options.periods == 0)
		rc = cx_fail_field(cx, "periods", _("Choose between 1 and %d periods."), RENEW_PERIODS_MAX);
	if (f->key != NULL && f->key[0] != '\0' && strlen(f->key) <= KEY_MAX)
		f->options.idempotency_key = arena_printf(cx->arena, "%s:%s", cx->actor.name, f->key);
	return rc;
}

/* ---- the page ---- */

/* "2 periods · until 21/01/2027 · $25.98" for each number of periods. */
static enum rc fill_periods(struct cx *cx, struct value *page, int64_t id, const struct value *facts,
			    int chosen)
{
	struct value *field = field_add(cx, page, "periods", _("Periods"), "");
	int64_t price = value_int_of(value_get(facts, "price_cents"), 0);
	enum rc rc = RC_OK;

	value_set_bool(cx->arena, field, "is_select", true);
	value_set_bool(cx->arena, field, "has_focus", true);
	for (int n = 1; n <= RENEW_PERIODS_MAX && rc == RC_OK; n++) {
		struct renewed r;

		rc = renew_preview(cx, &r, id, n);
		if (rc != RC_OK) break;
		if (n == 1) {
			value_set_text(cx->arena, page, "starts", day_shown(cx, r.starts_on));
			value_set_text(cx->arena, page, "ends", day_shown(cx, r.ends_on));
		}
		field_option(cx, field, arena_printf(cx->arena, "%d", n),
			     arena_printf(cx->arena,
					  words_plural(cx->lang, n, N_("%d period: until %s · %s"),
						       N_("%d periods: until %s · %s")),
					  n, day_shown(cx, r.ends_on),
					  money_shown(cx, price * n, text_of(facts, "currency"))),
			     n == chosen);
	}
	value_set_text(cx->arena, field, "help", _("The date is the new last day of service."));
	return rc;
}

static void fill_money(struct cx *cx, struct value *page, const struct value *facts,
		       const struct renew_form *f, bool was_sent)
{
	char plain[MONEY_SIZE];
	struct value *field;

	money_plain(plain, value_int_of(value_get(facts, "price_cents"), 0), text_of(facts, "currency"));
	if (actor_may(&cx->actor, RIGHT_PRICE)) {
		field = field_add(cx, page, "price", _("Price of a period"),
				  was_sent ? f->price : arena_text(cx->arena, plain));
		value_set_text(cx->arena, field, "input_mode", "decimal");
		value_set_text(cx->arena, field, "help", _("Stays so for the next renewals."));
	}
	field = field_add(cx, page, "payment_method", _("Payment"), "");
	field_methods(cx, field,
		      was_sent ? (f->method != NULL ? f->method : "") : text_of(facts, "payment_method"),
		      _("Not paid yet"));
	field = field_add(cx, page, "payment_amount", _("Amount received"),
			  was_sent && f->amount != NULL ? f->amount : "");
	value_set_text(cx->arena, field, "input_mode", "decimal");
	value_set_text(cx->arena, field, "help", _("Left empty: price times periods."));
	field = field_add(cx, page, "payment_reference", _("Reference"),
			  was_sent && f->reference != NULL ? f->reference : "");
	value_set_int(cx->arena, field, "max_length", REFERENCE_MAX);
	value_set_text(cx->arena, field, "help", _("Number of the transfer or receipt."));
	field = field_add(cx, page, "payment_state", _("The money"), "");
	value_set_bool(cx->arena, field, "is_select", true);
	field_option(cx, field, "completed", _("has arrived"), !f->options.payment_is_pending);
	field_option(cx, field, "pending", _("is still to come"), f->options.payment_is_pending);
}

static enum rc renew_page(struct cx *cx, struct call *call, int64_t id, struct renew_form *f, enum rc failure)
{
	struct value *page = value_map(cx->arena), *facts = NULL, *field;
	bool was_sent = f != NULL;
	struct renew_form empty = { .options = RENEW_DEFAULTS };
	char key[PUBLIC_ID_SIZE];
	bool is_back;
	enum rc rc = subscription_facts(cx, id, &facts);

	if (f == NULL) f = &empty;
	if (rc == RC_OK)
		rc = fill_periods(cx, page, id, facts, f->options.periods > 0 ? f->options.periods : 1);
	if (rc != RC_OK) return rc;
	subscription_heading(cx, page, facts);
	if (was_sent) {
		f->price = form_text(call, "price");
		f->amount = form_text(call, "payment_amount");
	}
	fill_money(cx, page, facts, f, was_sent);
	if (setting_bool(cx->env->settings, "renewals.confirmation")) {
		field = field_add(cx, page, "send_confirmation", _("Tell the customer by WhatsApp"), "1");
		value_set_bool(cx->arena, field, "is_check", true);
		value_set_bool(cx->arena, field, "is_checked", !was_sent || f->options.confirms);
	}
	public_id_new(key);
	is_back = strcmp(text_of(facts, "state"), "cancelled") == 0 ||
		  value_int_of(value_get(facts, "cancel_at_end"), 0) != 0;
	value_set_text(cx->arena, page, "key",
		       was_sent && f->key != NULL ? f->key : arena_text(cx->arena, key));
	value_set_text(cx->arena, page, "title", is_back ? _("Reactivate") : _("Renew"));
	value_set_text(cx->arena, page, "form_action",
		       arena_printf(cx->arena, "%s/renew", text_of(page, "back")));
	page_errors(cx, page, failure);
	answer_page(cx, call, "renewals/renew", text_of(page, "title"), page);
	if (failure != RC_OK) reply_status(call_reply(call), STATUS_REFUSED);
	return RC_OK;
}

/* For programs: what renewing would give. */
static enum rc renew_preview_json(struct cx *cx, struct call *call, int64_t id)
{
	const char *text = call_query(call, "periods");
	struct value *out = value_map(cx->arena), *facts = NULL;
	struct renewed r;
	int periods = text != NULL ? atoi(text) : 1;
	enum rc rc = renew_preview(cx, &r, id, periods);

	if (rc == RC_OK) rc = subscription_facts(cx, id, &facts);
	if (rc != RC_OK) return rc;
	value_set_int(cx->arena, out, "periods", periods);
	value_set_text(cx->arena, out, "starts_on", r.starts_on);
	value_set_text(cx->arena, out, "ends_on", r.ends_on);
	value_set_int(cx->arena, out, "price_cents", value_int_of(value_get(facts, "price_cents"), 0));
	value_set_int(cx->arena, out, "total_cents",
		      value_int_of(value_get(facts, "price_cents"), 0) * periods);
	value_set_text(cx->arena, out, "currency", text_of(facts, "currency"));
	answer_json(cx, call, 200, out);
	return RC_OK;
}

enum rc handle_renew_page(struct cx *cx, struct call *call)
{
	int64_t id = 0;
	enum rc rc = call_subscription(cx, call, &id);

	if (rc != RC_OK) return rc;
	return call_shape(call) == SHAPE_JSON ? renew_preview_json(cx, call, id)
					      : renew_page(cx, call, id, NULL, RC_OK);
}

static enum rc close_requests(struct cx *cx, int64_t id)
{
	return db_run(
		cx,
		"UPDATE renewal_request SET state = 'done', closed_at = :now, closed_by = :by WHERE state = 'open'"
		" AND subscription_id = :id",
		PARAMS(P_INT(":now", cx_now(cx)), P_TEXT(":by", cx->actor.name), P_INT(":id", id)));
}

static enum rc write_renewal(struct cx *cx, struct renewed *out, int64_t id, const struct renew_options *o)
{
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = renew_run(cx, out, id, o);
	if (rc == RC_OK) rc = close_requests(cx, id);
	return tx_end(cx, rc);
}

enum rc handle_renew(struct cx *cx, struct call *call)
{
	struct renew_form f;
	struct renewed done = { .is_repeat = false };
	struct value *facts = NULL, *out;
	int64_t id = 0;
	enum rc rc = call_subscription(cx, call, &id);

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc == RC_OK) rc = subscription_facts(cx, id, &facts);
	if (rc != RC_OK) return rc;
	rc = read_renew(cx, call, facts, &f);
	if (rc == RC_OK) rc = write_renewal(cx, &done, id, &f.options);
	if (call_shape(call) == SHAPE_PAGE) {
		if (rc == RC_BAD_INPUT || rc == RC_CONFLICT) return renew_page(cx, call, id, &f, rc);
		if (rc == RC_OK)
			answer_flash(
				cx, call, arena_printf(cx->arena, "/subscriptions/%s", text_of(facts, "id")),
				arena_printf(cx->arena, _("Renewed until %s."), day_shown(cx, done.ends_on)));
		return rc;
	}
	if (rc != RC_OK) return rc;
	out = value_map(cx->arena);
	value_set_text(cx->arena, out, "id", text_of(facts, "id"));
	value_set_text(cx->arena, out, "starts_on", done.starts_on);
	value_set_text(cx->arena, out, "ends_on", done.ends_on);
	value_set_text(cx->arena, out, "state", "active");
	value_set_bool(cx->arena, out, "is_repeat", done.is_repeat);
	answer_json(cx, call, 200, out);
	return RC_OK;
}

enum rc handle_request_renew(struct cx *cx, struct call *call)
{
	const char *subscription = "";
	int64_t id = 0;
	enum rc rc = desk_find(cx, &id, desk_resource("renewal-requests"), call_param(call, "id"));

	if (rc == RC_OK)
		rc = db_get_text(
			cx, &subscription,
			"SELECT s.public_id FROM renewal_request r JOIN subscription s ON s.id = r.subscription_id"
			" WHERE r.id = :id",
			PARAMS(P_INT(":id", id)));
	if (rc == RC_OK)
		answer_redirect(cx, call, arena_printf(cx->arena, "/subscriptions/%s/renew", subscription));
	return rc;
}

/* ---- cancel ---- */

static enum rc cancel_page(struct cx *cx, struct call *call, int64_t id, enum rc failure)
{
	struct value *page = value_map(cx->arena), *facts = NULL, *field;
	const char *mode = form_text(call, "mode");
	bool may_wait, waits;
	enum rc rc = subscription_facts(cx, id, &facts);

	if (rc != RC_OK) return rc;
	subscription_heading(cx, page, facts);
	may_wait = strcmp(text_of(facts, "state"), "active") == 0;
	waits = may_wait && (mode == NULL || strcmp(mode, "at_end") == 0);
	field = field_add(cx, page, "mode", _("When"), "");
	value_set_bool(cx->arena, field, "is_radio", true);
	if (may_wait)
		field_option(cx, field, "at_end",
			     arena_printf(cx->arena,
					  _("At its end, %s: it stays active until then, without notices"),
					  text_of(facts, "ends")),
			     waits);
	field_option(cx, field, "now", _("Now: it ends at once"), !waits);
	field = field_add(cx, page, "reason", _("Reason"), form_text(call, "reason"));
	value_set_int(cx->arena, field, "max_length", REASON_MAX);
	value_set_text(cx->arena, page, "title", _("Cancel the subscription"));
	value_set_text(cx->arena, page, "form_action",
		       arena_printf(cx->arena, "%s/cancel", text_of(page, "back")));
	page_errors(cx, page, failure);
	answer_page(cx, call, "renewals/cancel", text_of(page, "title"), page);
	if (failure != RC_OK) reply_status(call_reply(call), STATUS_REFUSED);
	return RC_OK;
}

enum rc handle_cancel_page(struct cx *cx, struct call *call)
{
	int64_t id = 0;
	enum rc rc = call_subscription(cx, call, &id);

	if (rc == RC_OK && call_shape(call) != SHAPE_PAGE) rc = RC_NOT_FOUND;
	return rc == RC_OK ? cancel_page(cx, call, id, RC_OK) : rc;
}

enum rc handle_cancel(struct cx *cx, struct call *call)
{
	const char *mode, *reason;
	struct value *facts = NULL, *out;
	int64_t id = 0;
	enum rc rc = call_subscription(cx, call, &id);

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc != RC_OK) return rc;
	mode = given(cx, call, "mode", NULL);
	reason = given(cx, call, "reason", NULL);
	if (reason == NULL) reason = "";
	if (mode == NULL || mode[0] == '\0') mode = "now";
	if (strcmp(mode, "now") != 0 && strcmp(mode, "at_end") != 0)
		rc = cx_fail_field(cx, "mode", _("Choose “now” or “at_end”."));
	else if (text_length(reason) > REASON_MAX)
		rc = cx_fail_field(cx, "reason", _("At most %d characters."), REASON_MAX);
	else
		rc = subscription_cancel(cx, id, reason, strcmp(mode, "at_end") == 0);
	if (call_shape(call) == SHAPE_PAGE && (rc == RC_BAD_INPUT || rc == RC_CONFLICT))
		return cancel_page(cx, call, id, rc);
	if (rc == RC_OK) rc = subscription_facts(cx, id, &facts);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE) {
		answer_flash(cx, call, arena_printf(cx->arena, "/subscriptions/%s", text_of(facts, "id")),
			     strcmp(text_of(facts, "state"), "cancelled") == 0
				     ? _("The subscription is cancelled.")
				     : _("The subscription ends on its last day; no more notices leave."));
		return RC_OK;
	}
	out = value_map(cx->arena);
	value_set_text(cx->arena, out, "id", text_of(facts, "id"));
	value_set_text(cx->arena, out, "state", text_of(facts, "state"));
	value_set_bool(cx->arena, out, "cancel_at_end",
		       value_int_of(value_get(facts, "cancel_at_end"), 0) != 0);
	answer_json(cx, call, 200, out);
	return RC_OK;
}

/* ---- remind ---- */

/* The old systems' address: always JSON, {success, message, phone, days_remaining} or {success, error}
** (spec §5.5). */
enum rc handle_send_reminder(struct cx *cx, struct call *call)
{
	struct value *out = value_map(cx->arena);
	const char *phone = "";
	int64_t id = 0;
	int days = 0;
	enum rc rc = call_subscription(cx, call, &id);

	if (rc == RC_OK) rc = reminder_send(cx, id, &phone, &days);
	value_set_bool(cx->arena, out, "success", rc == RC_OK);
	if (rc == RC_OK) {
		value_set_text(cx->arena, out, "message",
			       arena_printf(cx->arena, _("The reminder to %s is on its way."), phone));
		value_set_text(cx->arena, out, "phone", phone);
		value_set_int(cx->arena, out, "days_remaining", days);
	} else {
		value_set_text(cx->arena, out, "error", cx_sentence(cx, rc));
	}
	answer_json(cx, call, rc_row(rc)->http, out);
	return RC_OK;
}
