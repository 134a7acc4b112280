/*
** payment_texts.c -- what the customer reads about a payment: how to pay, and the receipt.
**
** The wordings are message texts (/texts, renewals.pay.*): edited, checked and versioned there. The data
** in them that every business has otherwise are two settings: renewals.payment_cash_text (where and when to
** pay in cash) and renewals.payment_transfer_text (the account to pay into); "\n" in them begins a new line.
**
** Owns:   the templates renewals.pay.* and their variables.
** Needs:  outbox.h, which renders and sends.
** Holds:  (1) what stands on the page, what is copied and what is sent is the same text; (2) one message of a
**         kind leaves for a payment: again only when the one before provably did not reach anybody.
** The texts are Spanish on purpose: they are for the business's customers, not for the panel.
*/
#include "base/money.h"
#include "base/phone.h"
#include "renewals/resources.h"
#include <string.h>

#define PREFIX "renewals.pay."
/* messages of one kind about one payment: each failed before the next */
#define TRIES_MAX 20
/* asked for late at night it leaves in the morning */
#define LEAVES_IN_MS (2 * DAY_MS)
#define OR_WRITE     "{{#telefono_negocio}} o escríbenos al {{telefono_negocio}}{{/telefono_negocio}}"

static const struct template_default defaults[] = {
	{ .name = PREFIX "cash",
	  .title = N_("How to pay: cash"),
	  .body = "💵 Hola, *{{cliente}}*. Gracias por elegir *{{negocio}}*.\n"
		  "Para pagar en efectivo tu plan de *{{servicio}}*:\n"
		  "• Solicitud: *{{numero}}*\n"
		  "• Valor exacto: *{{monto}}*\n"
		  "{{#efectivo}}{{efectivo}}\n{{/efectivo}}"
		  "Di el número de tu solicitud al pagar; enseguida te damos el recibo. Si tienes dudas, contesta este "
		  "mensaje" OR_WRITE "." },
	{ .name = PREFIX "transfer",
	  .title = N_("How to pay: transfer"),
	  .body = "🏦 Hola, *{{cliente}}*. Gracias por elegir *{{negocio}}*.\n"
		  "Para pagar por transferencia tu plan de *{{servicio}}*:\n"
		  "{{#banco}}{{banco}}\n{{/banco}}"
		  "• Valor exacto: *{{monto}}*\n"
		  "• Referencia: *{{numero}}*\n"
		  "Envíanos por aquí la foto del comprobante. Cuando lo veamos en la cuenta te mandamos el recibo." },
	{ .name = PREFIX "other",
	  .title = N_("How to pay: otherwise"),
	  .body = "💬 Hola, *{{cliente}}*. Gracias por elegir *{{negocio}}*.\n"
		  "Tu plan de *{{servicio}}* está registrado:\n"
		  "• Solicitud: *{{numero}}*\n"
		  "• Valor exacto: *{{monto}}*\n"
		  "Contesta este mensaje" OR_WRITE " y acordamos cómo pagas." },
	{ .name = PREFIX "receipt",
	  .title = N_("Receipt"),
	  .body = "🧾 *{{negocio}}* · Recibo *{{recibo}}*\n"
		  "Recibimos de *{{cliente}}*: *{{monto}}*\n"
		  "• Por: {{servicio}}\n"
		  "{{#hasta}}• Pagado hasta el: {{hasta}}\n{{/hasta}}"
		  "• Fecha: {{pagado}}\n"
		  "{{#devuelto}}⚠️ Este pago fue devuelto el {{devuelto}}.\n{{/devuelto}}"
		  "¡Gracias!" },
	{ .name = NULL },
};

static const char *const known[] = { "cliente",    "servicio", "monto",    "numero",  "metodo",
				     "referencia", "efectivo", "banco",    "desde",   "hasta",
				     "recibo",     "pagado",   "devuelto", "negocio", "telefono_negocio",
				     NULL };

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

const char *business_phone(struct cx *cx)
{
	const char *phone = setting_text(cx->env->settings, "business.phone");
	char shown[32];
	struct phone parsed;

	if (phone[0] == '\0' ||
	    phone_parse(&parsed, NULL, phone, setting_text(cx->env->settings, "business.region")) != RC_OK)
		return phone;
	phone_text(shown, parsed.e164);
	return arena_text(cx->arena, shown);
}

/* A setting is one line of the INI: "\n" in it stands for a new one. */
static const char *setting_lines(struct cx *cx, const char *name)
{
	char *out = arena_text(cx->arena, setting_text(cx->env->settings, name)), *to = out;

	for (const char *p = out; *p != '\0'; p++)
		if (p[0] == '\\' && p[1] == 'n') {
			*to++ = '\n';
			p++;
		} else {
			*to++ = *p;
		}
	*to = '\0';
	return out;
}

static const char *method_words(const char *method)
{
	static const char *const words[][2] = { { "cash", "efectivo" },
						{ "transfer", "transferencia" },
						{ "card", "tarjeta" },
						{ "paypal", "PayPal" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], method) == 0) return words[i][1];
	return "otro medio";
}

static const char *day_of(struct cx *cx, int64_t at)
{
	char text[DATE_SIZE];

	if (at == 0) return "";
	day_text_local(text, zone_day(cx->env->zone, at));
	return arena_text(cx->arena, text);
}

/* row: a payment with client, service, and its period's dates. */
static struct value *variables_of(struct cx *cx, const struct value *row)
{
	struct value *map = value_map(cx->arena);
	char money[MONEY_SIZE];
	int64_t receipt = int_of(row, "receipt_number");

	money_text(money, int_of(row, "amount_cents"), text_of(row, "currency"), LANG_ES);
	value_set_text(cx->arena, map, "cliente", text_of(row, "client"));
	value_set_text(cx->arena, map, "servicio", text_of(row, "service"));
	value_set_text(cx->arena, map, "monto", money);
	value_set_text(cx->arena, map, "numero",
		       arena_printf(cx->arena, "%06lld", (long long)int_of(row, "id")));
	value_set_text(cx->arena, map, "metodo", method_words(text_of(row, "method")));
	value_set_text(cx->arena, map, "referencia", text_of(row, "reference"));
	value_set_text(cx->arena, map, "efectivo", setting_lines(cx, "renewals.payment_cash_text"));
	value_set_text(cx->arena, map, "banco", setting_lines(cx, "renewals.payment_transfer_text"));
	value_set_text(cx->arena, map, "desde", day_shown(cx, text_of(row, "covers_from")));
	value_set_text(cx->arena, map, "hasta", day_shown(cx, text_of(row, "covers_until")));
	value_set_text(cx->arena, map, "recibo",
		       receipt != 0 ? arena_printf(cx->arena, "%06lld", (long long)receipt) : "");
	value_set_text(cx->arena, map, "pagado", day_of(cx, int_of(row, "paid_at")));
	value_set_text(cx->arena, map, "devuelto", day_of(cx, int_of(row, "refunded_at")));
	value_set_text(cx->arena, map, "negocio", setting_text(cx->env->settings, "business.name"));
	value_set_text(cx->arena, map, "telefono_negocio", business_phone(cx));
	return map;
}

static void sample(struct cx *cx, struct value *variables)
{
	struct value *row = value_map(cx->arena), *made_up;
	char date[DATE_SIZE];

	value_set_int(cx->arena, row, "id", 128);
	value_set_text(cx->arena, row, "client", "María Vera");
	value_set_text(cx->arena, row, "service", "Netflix");
	value_set_int(cx->arena, row, "amount_cents", 1299);
	value_set_text(cx->arena, row, "currency", setting_text(cx->env->settings, "business.currency"));
	value_set_text(cx->arena, row, "method", "transfer");
	value_set_text(cx->arena, row, "reference", "TR-01200");
	value_set_int(cx->arena, row, "receipt_number", 96);
	value_set_int(cx->arena, row, "paid_at", cx_now(cx));
	day_text(date, cx_today(cx));
	value_set_text(cx->arena, row, "covers_from", date);
	day_text(date, cx_today(cx) + 30);
	value_set_text(cx->arena, row, "covers_until", date);
	made_up = variables_of(cx, row);
	for (struct value *v = made_up->first, *next; v != NULL; v = next) {
		next = v->next;
		value_set(variables, v->key, v);
	}
}

enum rc payment_texts_start(struct cx *cx)
{
	static const struct template_family family = { .prefix = PREFIX, .known = known, .sample = sample };
	enum rc rc = tx_begin(cx);

	desk_template_family(&family);
	return rc == RC_OK ? tx_end(cx, templates_ensure(cx, "renewals", defaults)) : rc;
}

/* One text of one payment */

static enum rc read_payment(struct cx *cx, struct value **out, int64_t id)
{
	return db_row(
		cx, out,
		"SELECT y.id, y.amount_cents, y.currency, y.method, y.state, y.reference, y.receipt_number, y.paid_at,"
		" y.refunded_at, trim(c.given_names || ' ' || c.surnames) AS client, v.display_name AS service,"
		" coalesce(c.phone, '') AS phone, coalesce(p.starts_on, '') AS covers_from, coalesce(p.ends_on, '') AS covers_until"
		" FROM payment y JOIN subscription s ON s.id = y.subscription_id JOIN client c ON c.id = s.client_id"
		" JOIN service v ON v.id = s.service_id LEFT JOIN subscription_period p ON p.id = y.period_id WHERE y.id = :id",
		PARAMS(P_INT(":id", id)));
}

static enum rc version_of(struct cx *cx, int64_t *version_id, const char *which)
{
	const char *body = "";
	bool is_own =
		strcmp(which, "cash") == 0 || strcmp(which, "transfer") == 0 || strcmp(which, "receipt") == 0;

	return template_current(cx, version_id, &body,
				arena_printf(cx->arena, PREFIX "%s", is_own ? which : "other"));
}

enum rc payment_text(struct cx *cx, const char **out, int64_t id, const char *which)
{
	struct value *row = NULL;
	int64_t version = 0;
	enum rc rc = read_payment(cx, &row, id);

	if (rc == RC_OK) rc = version_of(cx, &version, which);
	return rc == RC_OK ? template_render_version(cx, out, version, variables_of(cx, row)) : rc;
}

/* Sending it */

/* The message of this kind that left last, and the occasion that the next one would have. */
static enum rc last_message(struct cx *cx, struct value **last, const char **next, int64_t id,
			    const char *which)
{
	enum rc rc = RC_OK;

	*last = NULL;
	*next = arena_printf(cx->arena, "payment:%lld:%s", (long long)id, which);
	for (int i = 0; i < TRIES_MAX && rc == RC_OK; i++) {
		struct value *row = NULL;

		rc = db_row(
			cx, &row,
			"SELECT coalesce(a.id, m.id) AS id, coalesce(a.public_id, m.public_id) AS public_id,"
			" coalesce(a.state, m.state) AS state, coalesce(a.created_at, m.created_at) AS created_at, m.id AS first_id"
			" FROM message m LEFT JOIN message a ON a.id = (SELECT max(x.id) FROM message x WHERE x.occasion ="
			" m.occasion || ':again') WHERE m.occasion = :occasion",
			PARAMS(P_TEXT(":occasion", *next)));
		if (rc != RC_OK) break;
		*last = row;
		*next = arena_printf(cx->arena, "payment:%lld:%s:after:%lld", (long long)id, which,
				     (long long)int_of(row, "first_id"));
	}
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static bool has_not_gone(const char *state)
{
	static const char *const states[] = { "failed", "cancelled", "expired", "skipped" };

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i], state) == 0) return true;
	return false;
}

enum rc payment_message(struct cx *cx, struct value **out, int64_t id, const char *which)
{
	struct value *last = NULL;
	const char *next = "";
	enum rc rc = last_message(cx, &last, &next, id, which);

	*out = NULL;
	if (rc != RC_OK || last == NULL) return rc;
	value_set_text(cx->arena, last, "href",
		       arena_printf(cx->arena, "/outbox/%s", text_of(last, "public_id")));
	value_set_bool(cx->arena, last, "may_again", has_not_gone(text_of(last, "state")));
	*out = last;
	return RC_OK;
}

static enum rc find_contact(struct cx *cx, int64_t *contact, const char *phone)
{
	struct value *row = NULL;
	const char *skip = "";
	struct phone parsed;
	enum rc rc;

	if (phone[0] == '\0')
		skip = "no_phone";
	else if (phone_parse(&parsed, NULL, phone, setting_text(cx->env->settings, "business.region")) !=
		 RC_OK)
		skip = "bad_phone";
	else if (parsed.kind == PHONE_LANDLINE)
		skip = "landline";
	if (skip[0] != '\0')
		return cx_fail(cx, RC_BAD_INPUT, _("The message was not sent: %s."),
			       skip_words(cx->lang, skip));
	rc = contact_ensure(cx, contact, "phone", phone);
	if (rc == RC_OK)
		rc = db_row(
			cx, &row,
			"SELECT k.dead_reason, EXISTS (SELECT 1 FROM opt_out o WHERE o.contact_id = k.id AND o.topic = 'service') AS is_out"
			" FROM contact k WHERE k.id = :id",
			PARAMS(P_INT(":id", *contact)));
	if (rc != RC_OK) return rc;
	if (int_of(row, "is_out") != 0) skip = "opt_out";
	if (text_of(row, "dead_reason")[0] != '\0') skip = text_of(row, "dead_reason");
	return skip[0] == '\0' ? RC_OK
			       : cx_fail(cx, RC_BAD_INPUT, _("The message was not sent: %s."),
					 skip_words(cx->lang, skip));
}

static enum rc add_message(struct cx *cx, const struct value *row, int64_t contact, const char *which,
			   const char *occasion, int64_t replaces)
{
	bool is_receipt = strcmp(which, "receipt") == 0;
	char local_on[DATE_SIZE];
	int64_t batch = 0, version = 0, message = 0;
	enum rc rc = version_of(cx, &version, is_receipt ? "receipt" : text_of(row, "method"));

	day_text(local_on, cx_today(cx));
	if (rc == RC_OK)
		rc = batch_open(
			cx, &batch,
			&(struct batch_new){ .kind = "renewals.single",
					     .title = words_get(cx->env->lang, is_receipt ? N_("Receipt")
											  : N_("How to pay")),
					     .origin = "manual",
					     .local_on = local_on });
	if (rc == RC_OK) rc = batch_planned(cx, batch);
	if (rc == RC_OK)
		rc = outbox_add(cx, &message,
				&(struct message_new){ .batch_id = batch,
						       .channel = "whatsapp",
						       .contact_id = contact,
						       .topic = "service",
						       .occasion = occasion,
						       .template_version_id = version,
						       .variables = variables_of(cx, row),
						       .expires_at = cx_now(cx) + LEAVES_IN_MS,
						       .priority = 2,
						       .replaces_id = replaces });
	return rc == RC_OK ? audit_add(cx, is_receipt ? "send_receipt" : "send_instructions", "payment",
				       int_of(row, "id"), NULL, NULL)
			   : rc;
}

static enum rc write_message(struct cx *cx, int64_t id, const char *which, const char **phone)
{
	struct value *row = NULL, *last = NULL;
	const char *occasion = "", *wanted = strcmp(which, "receipt") == 0 ? "completed" : "pending";
	int64_t contact = 0;
	enum rc rc = read_payment(cx, &row, id);

	if (rc == RC_OK) rc = last_message(cx, &last, &occasion, id, which);
	if (rc != RC_OK) return rc;
	if (strcmp(text_of(row, "state"), wanted) != 0)
		return cx_fail(cx, RC_CONFLICT, _("A payment in this state cannot take that step."));
	if (last != NULL && !has_not_gone(text_of(last, "state")))
		return cx_fail(cx, RC_CONFLICT,
			       _("It was sent to the customer already; nothing leaves twice."));
	*phone = text_of(row, "phone");
	rc = find_contact(cx, &contact, *phone);
	return rc == RC_OK ? add_message(cx, row, contact, which, occasion, int_of(last, "id")) : rc;
}

static enum rc send(struct cx *cx, int64_t id, const char *which, const char **done)
{
	const char *phone = "";
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = tx_end(cx, write_message(cx, id, which, &phone));
	if (rc == RC_OK) *done = arena_printf(cx->arena, _("The message to %s is on its way."), phone);
	return rc;
}

enum rc run_send_instructions(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	return send(cx, id, "instructions", done);
}

enum rc run_send_receipt(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	return send(cx, id, "receipt", done);
}
