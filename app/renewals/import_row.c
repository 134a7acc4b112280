/*
** import_row.c -- one line of a customer file: from cells to facts, or to one sentence.
**
** Never:  asks the database; whether the service exists or the customer is known is import_read.c's.
** Holds:  total: any cells yield facts or a sentence that names each wrong cell by its column.
*/
#include "base/money.h"
#include "base/phone.h"
#include "base/text.h"
#include "renewals/import.h"
#include <string.h>

#define NAMES_MAX 100  /* as the form                 */
#define EMAIL_MAX 254  /* RFC 5321 §4.5.3.1: a path   */
#define NOTES_MAX 2000 /* as the form                 */
#define SHOWN_MAX 40   /* of a wrong cell in a sentence */

static const struct {
	const char *name, *aliases, *sample, *help;
} columns[IMPORT_COLUMNS] = {
	[IMPORT_GIVEN_NAMES] = { "nombres", "nombre|given_names|name|first_name", "Ana María", NULL },
	[IMPORT_SURNAMES] = { "apellidos", "apellido|surnames|surname|last_name", "Peña", NULL },
	[IMPORT_PHONE] = { "telefono", "phone|celular|whatsapp|movil|numero", "099 000 0000",
			   N_("As people write it: 099 000 0000, or with + and the country code.") },
	[IMPORT_EMAIL] = { "email", "correo|e-mail|mail|correo_electronico", "ana@example.com", NULL },
	[IMPORT_SERVICE] = { "servicio", "service|plan", "Netflix",
			     N_("Internal or shown name of a service that is sold.") },
	[IMPORT_STARTS_ON] = { "fecha_inicio", "inicio|starts_on|start_date|desde", "01/12/2026",
			       N_("Left empty: one period before the last day.") },
	[IMPORT_ENDS_ON] = { "fecha_vencimiento", "vencimiento|ends_on|end_date|vence|hasta|fecha_fin",
			     "31/12/2026", N_("The last day of service.") },
	[IMPORT_PRICE] = { "precio", "price|valor|monto", "12.99",
			   N_("Left empty: the price of the service.") },
	[IMPORT_METHOD] = { "metodo_pago", "payment_method|metodo|forma_pago", "efectivo",
			    "efectivo, transferencia, tarjeta, paypal, otro" },
	[IMPORT_STATUS] = { "estado_pago", "payment_status|pago", "pagado", "pagado, pendiente" },
	[IMPORT_NOTES] = { "notas", "notes|nota|observaciones", NULL, NULL },
};

static const struct {
	const char *word, *code;
} methods[] = {
	{ "efectivo", "cash" }, { "cash", "cash" }, { "transferencia", "transfer" }, { "transfer", "transfer" },
	{ "deposito", "transfer" }, { "tarjeta", "card" }, { "card", "card" }, { "paypal", "paypal" },
	{ "otro", "other" }, { "other", "other" }, { NULL, NULL },
}, statuses[] = {
	{ "pendiente", "pending" }, { "pending", "pending" }, { "pagado", "paid" }, { "paid", "paid" },
	{ "completado", "paid" }, { "completed", "paid" }, { "si", "paid" }, { "no", "pending" }, { NULL, NULL },
};

size_t import_row_fields(struct cx *cx, const struct resource *r, struct import_field *out)
{
	(void)cx;
	(void)r;
	for (size_t i = 0; i < IMPORT_COLUMNS; i++)
		out[i] = (struct import_field){ .name = columns[i].name,
						.title = columns[i].name,
						.aliases = columns[i].aliases,
						.help = columns[i].help,
						.sample = columns[i].sample,
						.is_required = i == IMPORT_GIVEN_NAMES || i == IMPORT_PHONE };
	return IMPORT_COLUMNS;
}

/* Add "column: sentence" to what is wrong with the line. */
void import_complain(struct cx *cx, const char **why, enum import_column c, const char *sentence)
{
	const char *one = arena_printf(cx->arena, "%s: %s", columns[c].name, sentence);

	*why = *why == NULL ? one : arena_printf(cx->arena, "%s; %s", *why, one);
}

static const char *shown(struct cx *cx, const char *text)
{
	return text_length(text) <= SHOWN_MAX
		       ? text
		       : arena_printf(cx->arena, "%.*s…", (int)text_prefix(text, SHOWN_MAX), text);
}

static const char *read_text(struct cx *cx, const char **why, enum import_column c, const char *raw,
			     size_t max)
{
	char *text = text_trim(cx->arena, text_nfc(cx->arena, raw));

	if (text_length(text) > max)
		import_complain(cx, why, c, arena_printf(cx->arena, _("longer than %zu letters"), max));
	return text;
}

static void read_date(struct cx *cx, const char **why, enum import_column c, const char *raw,
		      char out[DATE_SIZE])
{
	char *text = text_trim(cx->arena, raw);
	day d = 0;

	out[0] = '\0';
	if (text[0] == '\0') return;
	if (day_parse_any(&d, text) != RC_OK)
		import_complain(cx, why, c,
				arena_printf(cx->arena, _("“%s” is not a date; write it like 31/12/2026"),
					     shown(cx, text)));
	else
		day_text(out, d);
}

static void read_phone(struct cx *cx, struct import_facts *out, const char **why, const char *raw)
{
	static const char *const kinds[] = {
		[PHONE_MOBILE] = "mobile", [PHONE_LANDLINE] = "landline", [PHONE_OTHER] = "other"
	};
	const char *reason = "";
	struct phone phone;

	out->phone = out->phone_kind = "";
	out->phone_original = text_trim(cx->arena, raw);
	if (out->phone_original[0] == '\0') {
		import_complain(cx, why, IMPORT_PHONE, _("is empty"));
		return;
	}
	if (phone_parse(&phone, &reason, out->phone_original,
			setting_text(cx->env->settings, "business.region")) != RC_OK) {
		import_complain(
			cx, why, IMPORT_PHONE,
			arena_printf(cx->arena, "“%s”: %s", shown(cx, out->phone_original), _(reason)));
		return;
	}
	out->phone = arena_text(cx->arena, phone.e164);
	out->phone_kind = kinds[phone.kind];
}

static void read_price(struct cx *cx, struct import_facts *out, const char **why, const char *raw)
{
	char *text = text_trim(cx->arena, raw);
	const char *reason = "";

	out->price_cents = -1;
	if (text[0] != '\0' && money_parse(&out->price_cents, &reason, text,
					   setting_text(cx->env->settings, "business.currency")) != RC_OK)
		import_complain(cx, why, IMPORT_PRICE,
				arena_printf(cx->arena, "“%s”: %s", shown(cx, text), _(reason)));
}

static void read_codes(struct cx *cx, struct import_facts *out, const char **why, const char *method,
		       const char *status)
{
	char *m = text_fold(cx->arena, method), *s = text_fold(cx->arena, status);

	out->method = out->status = "";
	for (size_t i = 0; m[0] != '\0' && methods[i].word != NULL; i++)
		if (strcmp(methods[i].word, m) == 0) out->method = methods[i].code;
	for (size_t i = 0; s[0] != '\0' && statuses[i].word != NULL; i++)
		if (strcmp(statuses[i].word, s) == 0) out->status = statuses[i].code;
	if (m[0] != '\0' && out->method[0] == '\0')
		import_complain(
			cx, why, IMPORT_METHOD,
			arena_printf(cx->arena,
				     _("“%s” is not one of efectivo, transferencia, tarjeta, paypal, otro"),
				     shown(cx, m)));
	if (s[0] != '\0' && out->status[0] == '\0')
		import_complain(cx, why, IMPORT_STATUS,
				arena_printf(cx->arena, _("“%s” is not pendiente or pagado"), shown(cx, s)));
}

static void check_email(struct cx *cx, const char **why, const char *email)
{
	const char *at = strchr(email, '@');

	if (email[0] != '\0' && (at == NULL || at == email || strchr(at + 1, '@') != NULL ||
				 strchr(at + 1, '.') == NULL || strpbrk(email, " ,;<>\"") != NULL))
		import_complain(
			cx, why, IMPORT_EMAIL,
			arena_printf(cx->arena, _("“%s” is not an e-mail address"), shown(cx, email)));
}

void import_facts_read(struct cx *cx, struct import_facts *out, const char **why,
		       const struct import_heading *heading, const struct cells *cells)
{
	*why = NULL;
	*out = (struct import_facts){ .price_cents = -1 };
	out->given_names = read_text(cx, why, IMPORT_GIVEN_NAMES,
				     import_cell(heading, cells, IMPORT_GIVEN_NAMES), NAMES_MAX);
	out->surnames =
		read_text(cx, why, IMPORT_SURNAMES, import_cell(heading, cells, IMPORT_SURNAMES), NAMES_MAX);
	out->email =
		text_lower_ascii(cx->arena, read_text(cx, why, IMPORT_EMAIL,
						      import_cell(heading, cells, IMPORT_EMAIL), EMAIL_MAX));
	out->service =
		read_text(cx, why, IMPORT_SERVICE, import_cell(heading, cells, IMPORT_SERVICE), NAMES_MAX);
	out->notes = read_text(cx, why, IMPORT_NOTES, import_cell(heading, cells, IMPORT_NOTES), NOTES_MAX);
	if (out->given_names[0] == '\0') import_complain(cx, why, IMPORT_GIVEN_NAMES, _("is empty"));
	read_phone(cx, out, why, import_cell(heading, cells, IMPORT_PHONE));
	check_email(cx, why, out->email);
	read_date(cx, why, IMPORT_STARTS_ON, import_cell(heading, cells, IMPORT_STARTS_ON), out->starts_on);
	read_date(cx, why, IMPORT_ENDS_ON, import_cell(heading, cells, IMPORT_ENDS_ON), out->ends_on);
	read_price(cx, out, why, import_cell(heading, cells, IMPORT_PRICE));
	read_codes(cx, out, why, import_cell(heading, cells, IMPORT_METHOD),
		   import_cell(heading, cells, IMPORT_STATUS));
	if (out->service[0] != '\0' && out->ends_on[0] == '\0' && *why == NULL)
		import_complain(cx, why, IMPORT_ENDS_ON, _("a service needs its last day"));
	if (out->starts_on[0] != '\0' && out->ends_on[0] != '\0' && strcmp(out->starts_on, out->ends_on) > 0)
		import_complain(cx, why, IMPORT_ENDS_ON, _("is before the first day"));
}
