/*
** commands_pay.c -- `recado renewals pay` and `recado renewals cancel`: money and the end, from the shell.
**
** Needs:  payment_steps.c and renew.c for every change.
** Holds:  the same payment is not completed twice, and renews once, however often the command runs on it.
*/
#include "base/money.h"
#include "renewals/payment_steps.h"
#include "renewals/resources.h"
#include <stdlib.h>
#include <string.h>

#define OPTIONS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define REASON_MAX   200 /* letters: one line of the history */

static enum rc find(struct cx *cx, int64_t *id, const char *text, const char *usage)
{
	if (text == NULL) return cx_fail(cx, RC_BAD_INPUT, "%s", usage);
	if (desk_find(cx, id, desk_resource("subscriptions"), text) == RC_OK) return RC_OK;
	return cx_fail(cx, RC_BAD_INPUT, _("There is no subscription %s."), text);
}

struct pay_options {
	const char *method, *reference, *amount;
	int renew; /* periods */
	bool is_pending;
};

static enum rc read_pay(struct cx *cx, struct command_call *call, struct pay_options *o)
{
	const char *renew = command_option(call, "renew");
	char *end = NULL;
	long n = renew != NULL ? strtol(renew, &end, 10) : 0;

	*o = (struct pay_options){ .method = command_option(call, "method"),
				   .reference = command_option(call, "reference"),
				   .amount = command_option(call, "amount"),
				   .renew = (int)n,
				   .is_pending = command_flag(call, "pending") };
	if (o->method == NULL) o->method = "cash";
	if (!payment_method_is_known(o->method))
		return cx_fail(cx, RC_BAD_INPUT, _("“%s” is not one of the choices."), o->method);
	if (renew != NULL && (*end != '\0' || n < 1 || n > RENEW_PERIODS_MAX))
		return cx_fail(cx, RC_BAD_INPUT, _("Choose between 1 and %d periods."), RENEW_PERIODS_MAX);
	return RC_OK;
}

/* A payment of the subscription's price (or the amount), and completed unless it is only expected. */
static enum rc write_pay(struct cx *cx, int64_t subscription_id, const struct pay_options *o, int64_t *id,
			 struct payment_completed *out)
{
	struct value *row = NULL;
	const char *why = "", *currency;
	int64_t amount;
	enum rc rc = db_row(cx, &row, "SELECT price_cents, currency FROM subscription WHERE id = :id",
			    PARAMS(P_INT(":id", subscription_id)));

	if (rc != RC_OK) return rc;
	currency = value_text_of(value_get(row, "currency"), "");
	amount = value_int_of(value_get(row, "price_cents"), 0) * (o->renew > 0 ? o->renew : 1);
	if (o->amount != NULL && money_parse(&amount, &why, o->amount, currency) != RC_OK)
		return cx_fail(cx, RC_BAD_INPUT, "%s", words_get(cx->lang, why));
	if (amount == 0) return cx_fail(cx, RC_BAD_INPUT, _("It costs nothing: there is nothing to pay."));
	rc = payment_add(cx, id,
			 &(struct payment_new){ .subscription_id = subscription_id,
						.amount_cents = amount,
						.currency = currency,
						.method = o->method,
						.state = "pending",
						.reference = o->reference,
						.renews_periods = o->renew });
	return rc == RC_OK && !o->is_pending ? payment_complete(cx, out, *id, RENEW_AS_ASKED) : rc;
}

static void print_pay(struct cx *cx, struct command_call *call, int64_t id,
		      const struct payment_completed *out)
{
	if (call->is_json) fprintf(call->out, "{\"request\":\"%06lld\",\"receipt\":\"", (long long)id);
	if (call->is_json && out->receipt_number != 0)
		fprintf(call->out, "%06lld", (long long)out->receipt_number);
	if (call->is_json)
		fprintf(call->out, "\",\"ends_on\":\"%s\"}\n", out->ends_on);
	else if (out->receipt_number == 0)
		fprintf(call->out, _("Request %06lld: the payment is awaited.\n"), (long long)id);
	else if (out->is_renewed)
		fprintf(call->out, _("Paid with receipt %06lld; renewed until %s.\n"),
			(long long)out->receipt_number, out->ends_on);
	else
		fprintf(call->out, _("Paid with receipt %06lld.\n"), (long long)out->receipt_number);
}

enum rc command_pay(struct cx *cx, struct command_call *call)
{
	const char *const *with_value = OPTIONS("amount", "method", "reference", "renew");
	struct payment_completed out = { .is_repeat = false };
	struct pay_options o;
	int64_t subscription = 0, id = 0;
	enum rc rc = command_check(cx, call, OPTIONS("pending"), with_value);

	if (rc == RC_OK)
		rc = find(
			cx, &subscription, command_word(call, 0, with_value),
			_("Usage: recado renewals pay ID [--amount A] [--method METHOD] [--reference R] [--renew N] [--pending]"));
	if (rc == RC_OK) rc = read_pay(cx, call, &o);
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = tx_end(cx, write_pay(cx, subscription, &o, &id, &out));
	if (rc == RC_OK) print_pay(cx, call, id, &out);
	return rc;
}

enum rc command_cancel(struct cx *cx, struct command_call *call)
{
	const char *const *with_value = OPTIONS("reason");
	const char *reason = command_option(call, "reason");
	bool at_end = command_flag(call, "at-end");
	int64_t id = 0;
	enum rc rc = command_check(cx, call, OPTIONS("at-end"), with_value);

	if (rc == RC_OK)
		rc = find(cx, &id, command_word(call, 0, with_value),
			  _("Usage: recado renewals cancel ID [--at-end] [--reason TEXT]"));
	if (rc == RC_OK && reason != NULL && strlen(reason) > REASON_MAX)
		rc = cx_fail(cx, RC_BAD_INPUT, _("At most %d characters."), REASON_MAX);
	if (rc == RC_OK) rc = subscription_cancel(cx, id, reason != NULL ? reason : "", at_end);
	if (rc != RC_OK) return rc;
	if (call->is_json)
		fprintf(call->out, "{\"cancelled\":true,\"at_end\":%s}\n", at_end ? "true" : "false");
	else
		fprintf(call->out, "%s\n",
			at_end ? _("The subscription ends on its last day; no more notices leave.")
			       : _("The subscription is cancelled."));
	return RC_OK;
}
