/*
** bulk_pages.c -- the addresses of bulk sends beyond their list, and what their pages share.
**
** Owns:   bulk_routes[]; api.c has those that change a send.
** Holds:  every page works without script; every form says its errors at the field.
*/
#include "sends/bulk_pages.h"
#include <stdio.h>
#include <string.h>

static enum rc handle_manual(struct cx *cx, struct call *call)
{
	answer_redirect(cx, call, "/help/manual");
	return RC_OK;
}

const struct route bulk_routes[] = {
	{ .method = "GET",
	  .path = "/sends/new",
	  .realm = REALM_STAFF,
	  .right = RIGHT_EDIT,
	  .class = ROUTE_DB,
	  .help = N_("Form for a new bulk send"),
	  .handle = handle_send_new,
	  .no_api = true },
	{ .method = "POST",
	  .path = "/sends/preview",
	  .realm = REALM_STAFF,
	  .right = RIGHT_EDIT,
	  .class = ROUTE_DB,
	  .body_max = BULK_FORM_MAX,
	  .has_token = true,
	  .help = N_("Look at a file of recipients before anything is made"),
	  .handle = handle_send_preview,
	  .no_api = true },
	{ .method = "GET",
	  .path = "/sends/preview/frame",
	  .realm = REALM_STAFF,
	  .right = RIGHT_EDIT,
	  .class = ROUTE_DB,
	  .help = N_("A mail of the preview, for a frame without rights"),
	  .handle = handle_preview_frame,
	  .no_api = true },
	{ .method = "GET",
	  .path = "/sends/progress",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_DB,
	  .help = N_("Has the list of sends changed?"),
	  .handle = handle_list_progress,
	  .no_api = true },
	{ .method = "GET",
	  .path = "/sends/:id/progress",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_DB,
	  .help = N_("How far a send is"),
	  .handle = handle_bulk_send_progress,
	  .no_api = true },
	{ .method = "GET",
	  .path = "/sends/:id/rows",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_SPOOL,
	  .help = N_("What became of each row of the file"),
	  .handle = handle_send_rows,
	  .no_api = true },
	{ .method = "GET",
	  .path = "/sends/:id/unsure",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_DB,
	  .help = N_("Rows nobody knows about, with what speaks for either"),
	  .handle = handle_send_unsure,
	  .no_api = true },
	{ .method = "POST",
	  .path = "/sends/:id/jobs/:job/again",
	  .realm = REALM_STAFF,
	  .right = RIGHT_EDIT,
	  .class = ROUTE_DB,
	  .has_token = true,
	  .help = N_("Run a failed job of this send again"),
	  .handle = handle_bulk_job_again,
	  .no_api = true },
	{ .method = "GET",
	  .path = "/manual",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_DB,
	  .menu = N_("Manual of bulk sends"),
	  .menu_order = MENU_MANUAL,
	  .help = N_("The operator's manual"),
	  .handle = handle_manual,
	  .no_api = true },
	{ .method = NULL },
};

/* Shared */

const char *bulk_moment(struct cx *cx, instant at)
{
	char text[RFC3339_SIZE];

	if (at == 0) return "";
	instant_text_local(text, at, cx->env->zone);
	return arena_text(cx->arena, text);
}

const char *bulk_duration(struct cx *cx, int64_t ms)
{
	int64_t minutes = ms / MINUTE_MS, hours = ms / HOUR_MS, days = ms / DAY_MS;

	if (ms < MINUTE_MS) return _("less than a minute");
	if (hours < 1) return arena_printf(cx->arena, _("%lld min"), (long long)minutes);
	if (days < 1)
		return arena_printf(cx->arena, _("%lld h %lld min"), (long long)hours,
				    (long long)(minutes % 60));
	return arena_printf(cx->arena, words_plural(cx->lang, days, N_("%lld day"), N_("%lld days")),
			    (long long)days);
}

/* Groups of three, by a point in Spanish and a comma in English. */
const char *bulk_number(struct cx *cx, int64_t n)
{
	char digits[24], out[32];
	size_t len, k = 0;

	snprintf(digits, sizeof(digits), "%lld", (long long)n);
	len = strlen(digits);
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0) out[k++] = cx->lang == LANG_ES ? '.' : ',';
		out[k++] = digits[i];
	}
	out[k] = '\0';
	return arena_text(cx->arena, out);
}

struct value *bulk_fact(struct cx *cx, struct value *page, const char *title, const char *text,
			const char *href)
{
	struct value *list = (struct value *)(uintptr_t)value_get(page, "about"), *one;

	if (list == NULL) list = value_set_list(cx->arena, page, "about");
	one = value_add_map(cx->arena, list);
	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "text", text);
	value_set_text(cx->arena, one, "href", href);
	return one;
}

void bulk_trail(struct cx *cx, struct value *page, int64_t id, const char *public_id)
{
	struct value *trail = value_set_list(cx->arena, page, "trail"),
		     *one = value_add_map(cx->arena, trail);

	value_set_bool(cx->arena, page, "has_trail", true);
	value_set_text(cx->arena, one, "title", _("Bulk sends"));
	value_set_text(cx->arena, one, "href", "/sends");
	if (id == 0) return;
	one = value_add_map(cx->arena, trail);
	value_set_text(cx->arena, one, "title", arena_printf(cx->arena, "%lld", (long long)id));
	value_set_text(cx->arena, one, "href", arena_printf(cx->arena, "/sends/%s", public_id));
}

enum rc bulk_of_call(struct cx *cx, struct call *call, int64_t *id)
{
	return desk_find(cx, id, desk_resource("sends"), call_param(call, "id"));
}

const char *bulk_road(struct cx *cx, const char *channel)
{
	if (strcmp(channel, "doppler") == 0) return "Doppler Relay";
	if (strcmp(channel, "sendgrid") == 0) return "SendGrid";
	return strcmp(channel, "email") == 0 ? _("E-mail (SMTP)") : channel;
}

/* In the order of a page's figures. */
static const struct {
	const char *state, *words, *mark, *many; /* many: how a figure is called, where it differs */
} states[] = {
	{ "not_started", N_("Not started"), NULL, NULL },
	{ "queued", N_("In the queue"), "info", NULL },
	{ "sending", N_("Under way"), "info", NULL },
	{ "sent", N_("Sent"), "ok", N_("Mails sent") },
	{ "delivered", N_("Delivered"), "ok", N_("Mails delivered") },
	{ "failed", N_("Failed"), "error", N_("Mails failed") },
	{ "unsure", N_("Unsure"), "warn", NULL },
	{ "invalid", N_("Invalid"), "warn", N_("Invalid rows") },
	{ "skipped", N_("Skipped"), "quiet", N_("Mails skipped") },
	{ "expired", N_("Expired"), "quiet", N_("Mails expired") },
	{ "cancelled", N_("Cancelled"), "quiet", N_("Mails cancelled") },
};

const char *row_state_words(struct cx *cx, const char *state)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].state, state) == 0) return words_get(cx->lang, states[i].words);
	return state;
}

const char *row_state_many(struct cx *cx, const char *state)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].state, state) == 0 && states[i].many != NULL)
			return words_get(cx->lang, states[i].many);
	return row_state_words(cx, state);
}

const char *row_state_mark(const char *state)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].state, state) == 0) return states[i].mark;
	return NULL;
}
