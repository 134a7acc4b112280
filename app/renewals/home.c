/*
** home.c -- the module's cards on the home page.
**
** Owns:   renewals_figures[]; panel.c counts, metrics.c writes their lines in /metrics.
** Holds:  a card that cannot be filled stays empty, the page stands.
*/
#include "renewals/panel.h"
#include <string.h>

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

	if (int_in(channel, name) == 0) return "";
	instant_text_local(text, int_in(channel, name), cx->env->zone);
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
	value_set_text(cx->arena, card, "state", text_in(channel, "state"));
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].state, text_in(channel, "state")) == 0)
			gateway_fact(cx, card, _("State"), words_get(cx->lang, states[i].title),
				     states[i].mark);
	gateway_fact(cx, card, _("Why"), text_in(channel, "why_text"), "warn");
	if (!value_bool_of(value_get(channel, "key_is_set"), false) && !cx->env->is_offline)
		gateway_fact(cx, card, _("API key"), _("not configured"), "error");
	gateway_fact(cx, card, _("Phone"), channel_session_words(cx->lang, text_in(channel, "session")),
		     NULL);
	left = value_get(channel, "messages_left");
	gateway_fact(cx, card, _("Messages left today"),
		     left != NULL && left->type == VALUE_INT
			     ? arena_printf(cx->arena, "%lld", (long long)left->integer)
			     : _("no daily limit known"),
		     NULL);
	gateway_fact(cx, card, _("Waiting to leave"),
		     arena_printf(cx->arena, "%lld", (long long)int_in(channel, "queued")), NULL);
	gateway_fact(cx, card, _("Last message accepted"), when_shown(cx, channel, "last_accepted_at"), NULL);
	error = text_in(channel, "last_error");
	if (error[0] != '\0')
		gateway_fact(cx, card, _("Last error"),
			     arena_printf(cx->arena, "%s · %s", when_shown(cx, channel, "last_error_at"),
					  words_get(cx->lang, error)),
			     "warn");
	value_set_text(cx->arena, card, "href", "/gateway");
}

const struct figure renewals_figures[] = {
	{ .name = "renewals_business",
	  .title = N_("Subscriptions"),
	  .right = "subscriptions.view",
	  .template = "renewals/card_figures",
	  .fill = panel_business,
	  .metrics = renewals_metrics },
	{ .name = "renewals_attention",
	  .title = N_("Needs attention"),
	  .right = "subscriptions.view",
	  .template = "renewals/card_figures",
	  .fill = panel_attention },
	{ .name = "renewals_notices",
	  .title = N_("Today's notices"),
	  .right = "notices.view",
	  .template = "renewals/card_notices",
	  .fill = panel_notices },
	{ .name = "renewals_upcoming",
	  .title = N_("Next to end"),
	  .right = "subscriptions.view",
	  .template = "renewals/card_rows",
	  .fill = panel_upcoming },
	{ .name = "renewals_month",
	  .title = N_("This month"),
	  .right = "payments.view",
	  .template = "renewals/card_figures",
	  .fill = panel_month },
	{ .name = "renewals_latest",
	  .title = N_("Latest subscriptions"),
	  .right = "subscriptions.view",
	  .template = "renewals/card_rows",
	  .fill = panel_latest },
	{ .name = "renewals_gateway",
	  .title = N_("WhatsApp gateway"),
	  .right = "gateway.view",
	  .template = "web/card",
	  .fill = fill_gateway },
	{ .name = NULL },
};
