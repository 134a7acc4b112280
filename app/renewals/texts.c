/*
** texts.c -- the messages of this module: two sets of texts and what they may say.
**
** Owns:   the names and default bodies of the templates renewals.*.
** Holds:  (1) a text that somebody edited is never replaced; (2) an amount always has its
**         decimals, a date is always dd/mm/yyyy, however the text is written.
** The texts are Spanish on purpose: they are for the business's customers, not for the panel.
*/
#include "base/money.h"
#include "base/phone.h"
#include "renewals/renewals.h"
#include <string.h>

#define OPT_OUT_CLOSE  "{{#baja}}\n\nEscribe BAJA para no recibir avisos{{/baja}}"
#define OPT_OUT_FORMAL "{{#baja}}\n\nEscriba BAJA para no recibir avisos{{/baja}}"
#define OR_WRITE       "{{#telefono_negocio}} o escríbenos al {{telefono_negocio}}{{/telefono_negocio}}"

static const struct template_default close_set[] = {
	{ .name = "renewals.stage.7",
	  .title = N_("Notice, 7 days before"),
	  .body = "🔔 Hola, *{{cliente}}*\n"
		  "Tu plan de *{{servicio}}* está por terminar.\n"
		  "📅 Termina: {{fecha}}\n"
		  "💰 Renovarlo: {{precio}}\n"
		  "⏰ Te quedan {{dias}} días\n"
		  "Para renovar, contesta este mensaje" OR_WRITE ".\n"
		  "Gracias por estar con *{{negocio}}* 🎬" OPT_OUT_CLOSE },
	{ .name = "renewals.stage.3",
	  .title = N_("Notice, 3 days before"),
	  .body = "🔔 Hola, *{{cliente}}*\n"
		  "Te recordamos que tu plan de *{{servicio}}* termina pronto.\n"
		  "📅 Termina: {{fecha}}\n"
		  "💰 Renovarlo: {{precio}}\n"
		  "⏰ Te quedan {{dias}} días\n"
		  "Contesta este mensaje" OR_WRITE " y lo dejamos renovado.\n"
		  "Gracias por estar con *{{negocio}}* 🎬" OPT_OUT_CLOSE },
	{ .name = "renewals.stage.1",
	  .title = N_("Notice, the day before"),
	  .body = "🔔 Hola, *{{cliente}}*\n"
		  "Mañana termina tu plan de *{{servicio}}*.\n"
		  "📅 Termina: {{fecha}}\n"
		  "💰 Renovarlo: {{precio}}\n"
		  "⏰ Te queda {{dias}} día\n"
		  "Contesta hoy mismo este mensaje" OR_WRITE ".\n"
		  "Gracias por estar con *{{negocio}}* 🎬" OPT_OUT_CLOSE },
	{ .name = "renewals.stage.0",
	  .title = N_("Notice, the last day"),
	  .body = "🚨 *¡Urgente!* Hola, *{{cliente}}*\n"
		  "Tu plan de *{{servicio}}* termina *hoy*.\n"
		  "📅 Termina: hoy, {{fecha}}\n"
		  "💰 Renovarlo: {{precio}}\n"
		  "⏰ Es el último día\n"
		  "⚡ Renuévalo ya y sigue sin cortes: contesta ahora este mensaje" OR_WRITE
		  "." OPT_OUT_CLOSE },
	{ .name = "renewals.other",
	  .title = N_("Notice, any other day"),
	  .body = "🔔 Hola, *{{cliente}}*\n"
		  "{{^pasado}}Tu plan de *{{servicio}}* termina en {{dias}} {{^un_dia}}días{{/un_dia}}{{#un_dia}}día{{/un_dia}}."
		  "{{/pasado}}{{#pasado}}Tu plan de *{{servicio}}* terminó el {{fecha}}.{{/pasado}}\n"
		  "📅 {{^pasado}}Termina{{/pasado}}{{#pasado}}Terminó{{/pasado}}: {{fecha}}\n"
		  "💰 Renovarlo: {{precio}}\n"
		  "Para renovar, contesta este mensaje" OR_WRITE ".\n"
		  "Gracias por estar con *{{negocio}}* 🎬" OPT_OUT_CLOSE },
	{ .name = "renewals.confirmation",
	  .title = N_("Renewal confirmation"),
	  .body = "✅ *{{negocio}}*\n"
		  "Hola, *{{cliente}}*. Tu plan de *{{servicio}}* quedó renovado.\n"
		  "• Nueva fecha de término: {{fecha}}\n"
		  "• Estado: activo\n"
		  "Gracias por seguir con nosotros.\n"
		  "*{{negocio}}*" },
	{ .name = "renewals.payment",
	  .title = N_("Payment reminder"),
	  .body = "💰 Hola, *{{cliente}}*\n"
		  "Aún no registramos el pago de tu plan de *{{servicio}}*: {{precio}}.\n"
		  "Si ya pagaste, envíanos el comprobante por aquí" OR_WRITE ".\n"
		  "*{{negocio}}*" OPT_OUT_CLOSE },
	{ .name = NULL },
};

static const struct template_default formal_set[] = {
	{ .name = "renewals.stage.7",
	  .title = N_("Notice, 7 days before"),
	  .body = "📅 *{{negocio}}*\n"
		  "Hola, *{{cliente}}*. Su plan de *{{servicio}}* termina en 7 días.\n"
		  "• Fecha: {{fecha}}\n"
		  "• Renovación: {{precio}}\n"
		  "Para renovar conteste este mensaje y le indicamos cómo pagar." OPT_OUT_FORMAL },
	{ .name = "renewals.stage.3",
	  .title = N_("Notice, 3 days before"),
	  .body = "⏰ *{{negocio}}*\n"
		  "Hola, *{{cliente}}*. Quedan 3 días de su plan de *{{servicio}}*.\n"
		  "• Fecha: {{fecha}}\n"
		  "• Renovación: {{precio}}\n"
		  "Responda aquí y dejamos lista la renovación." OPT_OUT_FORMAL },
	{ .name = "renewals.stage.1",
	  .title = N_("Notice, the day before"),
	  .body = "⚠️ *{{negocio}}*\n"
		  "Hola, *{{cliente}}*. Su plan de *{{servicio}}* termina mañana, {{fecha}}.\n"
		  "• Renovación: {{precio}}\n"
		  "Escríbanos hoy para no quedarse sin servicio." OPT_OUT_FORMAL },
	{ .name = "renewals.stage.0",
	  .title = N_("Notice, the last day"),
	  .body = "🚨 *{{negocio}}: vence hoy*\n"
		  "*{{cliente}}*, hoy {{fecha}} es el último día de su plan de *{{servicio}}*.\n"
		  "• Renovación: {{precio}}\n"
		  "Responda ahora y lo renovamos de inmediato." OPT_OUT_FORMAL },
	{ .name = "renewals.other",
	  .title = N_("Notice, any other day"),
	  .body = "📅 *{{negocio}}*\n"
		  "Hola, *{{cliente}}*. Su plan de *{{servicio}}* "
		  "{{^pasado}}termina en {{dias}} {{^un_dia}}días{{/un_dia}}{{#un_dia}}día{{/un_dia}}{{/pasado}}"
		  "{{#pasado}}terminó el {{fecha}}{{/pasado}}.\n"
		  "• Fecha: {{fecha}}\n"
		  "• Renovación: {{precio}}\n"
		  "Para renovar conteste este mensaje." OPT_OUT_FORMAL },
	{ .name = "renewals.confirmation",
	  .title = N_("Renewal confirmation"),
	  .body = "✅ *{{negocio}}*\n"
		  "Hola, *{{cliente}}*. Su plan de *{{servicio}}* ha sido renovado.\n"
		  "• Nueva fecha de término: {{fecha}}\n"
		  "• Estado: activo\n"
		  "Gracias por su confianza.\n"
		  "*{{negocio}}*" },
	{ .name = "renewals.payment",
	  .title = N_("Payment reminder"),
	  .body = "💰 *{{negocio}}*\n"
		  "Hola, *{{cliente}}*. Aún no registramos el pago de su plan de *{{servicio}}*: {{precio}}.\n"
		  "Si ya pagó, envíenos el comprobante por este medio." OPT_OUT_FORMAL },
	{ .name = NULL },
};

const char *const texts_known[] = { "cliente",          "servicio", "fecha",  "precio", "dias", "negocio",
				    "telefono_negocio", "baja",     "pasado", "un_dia", NULL };

struct value *texts_variables(struct cx *cx, const struct subscription_facts *f)
{
	const struct settings *s = cx->env->settings;
	struct value *map = value_map(cx->arena);
	const char *phone = setting_text(s, "business.phone");
	char date[DATE_SIZE], money[MONEY_SIZE], shown[32];
	struct phone parsed;

	day_text_local(date, f->ends_on);
	money_text(money, f->price_cents, f->currency, LANG_ES);
	if (phone[0] != '\0' &&
	    phone_parse(&parsed, NULL, phone, setting_text(s, "business.region")) == RC_OK) {
		phone_text(shown, parsed.e164);
		phone = shown;
	}
	value_set_text(cx->arena, map, "cliente", f->client);
	value_set_text(cx->arena, map, "servicio", f->service);
	value_set_text(cx->arena, map, "fecha", date);
	value_set_text(cx->arena, map, "precio", money);
	value_set_int(cx->arena, map, "dias", f->days_left < 0 ? -f->days_left : f->days_left);
	value_set_bool(cx->arena, map, "un_dia", f->days_left == 1);
	value_set_bool(cx->arena, map, "pasado", f->days_left < 0);
	value_set_text(cx->arena, map, "negocio", setting_text(s, "business.name"));
	value_set_text(cx->arena, map, "telefono_negocio", phone);
	value_set_bool(cx->arena, map, "baja", setting_bool(s, "renewals.opt_out_line"));
	return map;
}

/* The days of "renewals.stage.7"; of another text a few. */
static int sample_days(const char *name)
{
	static const char stage[] = "renewals.stage.";

	if (strncmp(name, stage, sizeof(stage) - 1) != 0) return 3;
	name += sizeof(stage) - 1;
	return name[0] >= '0' && name[0] <= '9' && name[1] == '\0' ? name[0] - '0' : 3;
}

void texts_sample(struct cx *cx, struct value *variables)
{
	int days = sample_days(value_text_of(value_get(variables, "_name"), ""));
	struct value *made_up =
		texts_variables(cx, &(struct subscription_facts){
					    .client = "María Vera",
					    .service = "Netflix",
					    .currency = setting_text(cx->env->settings, "business.currency"),
					    .price_cents = 1299,
					    .ends_on = cx_today(cx) + days,
					    .days_left = days });

	for (struct value *v = made_up->first, *next; v != NULL; v = next) {
		next = v->next;
		value_set(variables, v->key, v);
	}
}

enum rc texts_version_for(struct cx *cx, int64_t *version_id, int days_left, bool is_stage)
{
	const char *body;
	enum rc rc = RC_NOT_FOUND;

	if (is_stage)
		rc = template_current(cx, version_id, &body,
				      arena_printf(cx->arena, "renewals.stage.%d", days_left));
	if (rc == RC_NOT_FOUND) rc = template_current(cx, version_id, &body, "renewals.other");
	return rc;
}

enum rc texts_ensure(struct cx *cx)
{
	bool is_formal = strcmp(setting_text(cx->env->settings, "renewals.text_set"), "formal") == 0;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = tx_end(cx, templates_ensure(cx, "renewals", is_formal ? formal_set : close_set));
	return rc;
}
