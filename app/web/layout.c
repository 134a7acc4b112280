/*
** layout.c -- the house around every page: menu, banners, flash, language, assets, security headers.
**
** Needs:  the rows of the routes (menu) and decorate() of the upper rooms.
** Never:  asks the database itself.
** Holds:  every answer of the router has the same security headers; nothing inline is allowed by them, so a
**         page with an inline script or style is broken at once and not only unsafe.
**
** The layout template (web/layout) sees:
**   lang, title, body (ready HTML), path, csrf, css, js, icon          texts
**   is_logged_in, user {name, role}                                    who
**   sections [{label, anchor, items [{title, path, order, is_current, badge}]}]
**                                                                      the menu: routes and decorate()
**   languages [{code, name, path}]                                     the other ones
**   help_path                                                          by decorate(): help for this screen
**   alerts [{text, level (info|warn|error), href, link, is_urgent}]    by decorate()
**   flash, is_offline, is_plain_http                                   banners
** Mustache looks names up outwards: an optional name of a list's items must not be one that the page has
** ("path", "title", "rows"), so links of items are called href and their colours mark.
** decorate() may add items to menu (badge: a number as text; order: smaller first, routes without menu_order
** start at MENU_UNPLACED), to starts ({order, label}: from this order on the menu has this heading;
** ascending) and to alerts, and set names of its own.
*/
#include "web/inside.h"
#include "base/template.h"
#include "base/text.h"
#include <string.h>

#define MENU_MAX 60 /* more would not be a menu */
#define CONTENT_POLICY                                                                                           \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "             \
	"connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " \
	"frame-src 'self'"
/* A mail as it would arrive: its own styles and its pictures from wherever they are, and nothing that
** acts. */
#define FRAME_POLICY                                                                                            \
	"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; font-src https: data:; " \
	"form-action 'none'; base-uri 'none'; frame-ancestors 'self'"

void headers_common(struct call *call, const char *cache)
{
	struct reply *rp = call->rp;

	if (pairs_header(&rp->headers, "X-Content-Type-Options") != NULL)
		return; /* a second answer replaced the first */
	reply_header(rp, "Cache-Control", cache);
	reply_header(rp, "Content-Security-Policy", call->is_frame ? FRAME_POLICY : CONTENT_POLICY);
	reply_header(rp, "X-Content-Type-Options", "nosniff");
	reply_header(rp, "X-Frame-Options", call->is_frame ? "SAMEORIGIN" : "DENY");
	reply_header(rp, "Referrer-Policy", call->is_frame ? "no-referrer" : "same-origin");
	reply_header(rp, "Cross-Origin-Opener-Policy", "same-origin");
	reply_header(rp, "Cross-Origin-Resource-Policy", "same-origin");
	if (call->is_https) reply_header(rp, "Strict-Transport-Security", "max-age=31536000");
}

static void menu_item(struct cx *cx, struct value *menu, const struct route *row, int order)
{
	struct value *item = value_add_map(cx->arena, menu);

	value_set_text(cx->arena, item, "title", words_get(cx->lang, row->menu));
	value_set_text(cx->arena, item, "path", row->path);
	value_set_int(cx->arena, item, "order", order);
}

static void menu_of_routes(struct cx *cx, struct value *menu)
{
	int order = MENU_UNPLACED;
	const struct route *row;

	for (size_t i = 0; (row = web_route_at(i)) != NULL; i++) {
		if (row->menu == NULL) continue;
		if (row->right == NULL || actor_may(&cx->actor, row->right))
			menu_item(cx, menu, row, row->menu_order != 0 ? row->menu_order : order);
		order++;
	}
}

/* By order, then as they came. */
static void menu_sort(struct value *menu)
{
	struct value *items[MENU_MAX];
	size_t n = 0;

	for (struct value *i = menu->first; i != NULL && n < MENU_MAX; i = i->next) {
		size_t at = n++;
		int64_t order = value_int_of(value_get(i, "order"), 1000);

		while (at > 0 && value_int_of(value_get(items[at - 1], "order"), 1000) > order) {
			items[at] = items[at - 1];
			at--;
		}
		items[at] = i;
	}
	menu->first = menu->last = NULL;
	menu->count = 0;
	for (size_t i = 0; i < n; i++) {
		items[i]->next = NULL;
		value_append(menu, items[i]);
	}
}

/* The longest path of the menu that the address lies under. */
static void menu_mark(struct cx *cx, struct value *menu, const char *path)
{
	struct value *best = NULL;
	size_t best_len = 0;

	for (struct value *i = menu->first; i != NULL; i = i->next) {
		const char *at = value_text_of(value_get(i, "path"), "");
		size_t len = strlen(at);
		bool is_root = strcmp(at, "/") == 0;

		if (len > best_len &&
		    (is_root ? strcmp(path, "/") == 0
			     : strncmp(path, at, len) == 0 && (path[len] == '\0' || path[len] == '/'))) {
			best = i;
			best_len = len;
		}
	}
	if (best != NULL) value_set_bool(cx->arena, best, "is_current", true);
}

/* Cut the sorted menu where the next heading starts. Takes the items out of it. */
static void menu_cut(struct cx *cx, struct value *layout, struct value *menu)
{
	struct value *sections = value_set_list(cx->arena, layout, "sections"), *items = NULL;
	const struct value *starts = value_get(layout, "starts");
	const struct value *next_start = starts != NULL ? starts->first : NULL;
	struct value *item = menu->first;

	while (item != NULL) {
		struct value *next = item->next, *section;
		const char *label = "";
		int64_t order = value_int_of(value_get(item, "order"), 1000);
		bool is_start = items == NULL;

		while (next_start != NULL && order >= value_int_of(value_get(next_start, "order"), 0)) {
			label = value_text_of(value_get(next_start, "label"), "");
			next_start = next_start->next;
			is_start = true;
		}
		if (is_start) {
			section = value_add_map(cx->arena, sections);
			value_set_text(cx->arena, section, "label", label);
			value_set_text(cx->arena, section, "anchor",
				       arena_printf(cx->arena, "menu-%zu", sections->count));
			items = value_set_list(cx->arena, section, "items");
		}
		item->next = NULL;
		value_append(items, item);
		item = next;
	}
	menu->first = menu->last = NULL;
	menu->count = 0;
}

static void languages_into(struct cx *cx, struct call *call, struct value *layout)
{
	static const char *const names[LANG__MAX] = { [LANG_ES] = "Español", [LANG_EN] = "English" };
	struct value *list = value_set_list(cx->arena, layout, "languages");
	bool is_get = strcmp(call_method(call), "GET") == 0;

	for (int i = 0; i < LANG__MAX; i++) {
		const char *code = words_code((enum lang)i);
		struct value *l;

		if ((enum lang)i == cx->lang) continue;
		l = value_add_map(cx->arena, list);
		value_set_text(cx->arena, l, "code", code);
		value_set_text(cx->arena, l, "name", names[i]);
		value_set_text(cx->arena, l, "path",
			       is_get ? call_url(cx, call, "lang", code)
				      : arena_printf(cx->arena, "/?lang=%s", code));
	}
}

static void flash_into(struct cx *cx, struct call *call, struct value *layout)
{
	const char *cookie = request_cookie(call->rq, FLASH_COOKIE);
	char *text = NULL;

	if (cookie == NULL || cookie[0] == '\0') return;
	if (text_url_decode(cx->arena, &text, cookie, strlen(cookie), false) == RC_OK)
		value_set_text(cx->arena, layout, "flash", text);
	cookie_set(call, FLASH_COOKIE, "", 0);
}

static struct value *layout_data(struct cx *cx, struct call *call, const char *title, const char *body)
{
	struct value *layout = value_map(cx->arena), *menu, *user;
	struct arena *a = cx->arena;
	bool is_known = cx->actor.kind == ACTOR_USER && cx->actor.user_id != 0;

	value_set_text(a, layout, "lang", words_code(cx->lang));
	value_set_text(a, layout, "title", title);
	value_set_text(a, layout, "body", body);
	value_set_text(a, layout, "path", call_path(call));
	value_set_text(a, layout, "csrf", call->login.csrf);
	value_set_text(a, layout, "css", asset_url("recado.css"));
	value_set_text(a, layout, "js", asset_url("recado.js"));
	value_set_text(a, layout, "icon", asset_url("icon.svg"));
	value_set_bool(a, layout, "is_offline", cx->env->is_offline);
	value_set_bool(a, layout, "is_plain_http", !call->is_https && !address_is_loopback(call->address));
	value_set_bool(a, layout, "is_logged_in", is_known);
	menu = value_set_list(a, layout, "menu");
	value_set_list(a, layout, "alerts");
	value_set_list(a, layout, "starts");
	languages_into(cx, call, layout);
	flash_into(cx, call, layout);
	if (!is_known) return layout;
	user = value_set_map(a, layout, "user");
	value_set_text(a, user, "name", cx->actor.name);
	value_set_text(a, user, "role", cx->actor.role);
	menu_of_routes(cx, menu);
	if (web_state.decorate != NULL && cx->db != NULL) web_state.decorate(cx, layout);
	menu_sort(menu);
	menu_mark(cx, menu, call_path(call));
	menu_cut(cx, layout, menu);
	return layout;
}

void layout_answer(struct cx *cx, struct call *call, const char *title, const char *body)
{
	const struct template *t = page_template(cx->lang, call->is_alone ? "web/alone" : "web/layout");
	struct value *layout = layout_data(cx, call, title, body);
	struct sb page;

	if (call->is_alone) {
		value_set_text(cx->arena, layout, "brand", setting_text(cx->env->settings, "business.name"));
		/* The other language of an answer to a form would be the form again. */
		value_set_bool(cx->arena, layout, "has_languages", strcmp(call_method(call), "GET") == 0);
	}
	headers_common(call, "no-store");
	sb_init(&page, PAGE_MAX);
	if (t != NULL) template_render(&page, t, layout);
	if (t == NULL || sb_result(&page) != RC_OK || page.p == NULL) {
		sb_free(&page);
		reply_status(call->rp, 503);
		reply_body(call->rp, "text/plain; charset=utf-8", title, strlen(title));
		return;
	}
	reply_take(call->rp, "text/html; charset=utf-8", page.p, page.len);
}
