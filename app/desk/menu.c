/*
** menu.c -- where each page stands in the menu, and under which heading.
**
** Needs:  the menu as layout.c collected it from the routes.
** Holds:  (1) a resource and a page of a module stand where their tables say (menu_order), the house's own
**         pages where the list below says; (2) a module with a heading of its own has a hundred of the orders
**         from 200 on; they stand between the business and the messages.
*/
#include "desk/menu.h"
#include "desk/outbox_pages.h"
#include "desk/work_pages.h"

#include <string.h>

#define MODULE_PAGES 54   /* a module's own pages stand after its lists */
#define ROOM         1000 /* between two orders of the house: there the modules' hundreds stand */
#define OWN_HEADING  200  /* from this order on a page belongs to a module with a heading of its own */
#define UNREAD_SHOWN 99   /* three digits do not fit beside the longest title on a phone */

static const struct {
	const char *path;
	int order;
} places[] = {
	{ "/", 0 },          { "/inbox", 55 }, { "/unsure", 58 }, { "/why", 59 },      { "/texts", 62 },
	{ "/channels", 63 }, { "/watch", 68 }, { "/alerts", 69 }, { "/queues", 72 },   { "/backups", 73 },
	{ "/imports", 77 },  { "/roles", 82 }, { "/api", 85 },    { "/settings", 87 }, { "/me", 89 },
	{ "/start", 90 },    { "/help", 91 },  { "/guide", 92 },  { "/rescue", 93 },
};

/* From this order on the menu has this heading. */
static const struct {
	int order;
	const char *label;
} starts[] = {
	{ 1 * ROOM, N_("Business") },  { MODULE_PAGES * ROOM + OWN_HEADING, N_("Bulk sends") },
	{ 55 * ROOM, N_("Messages") }, { 68 * ROOM, N_("Night watch") },
	{ 76 * ROOM, N_("House") },    { 90 * ROOM, N_("Guides") },
};

static int spread(int order)
{
	return order < OWN_HEADING ? order * ROOM : MODULE_PAGES * ROOM + order;
}

static int place_of(const char *path, int64_t order)
{
	const struct resource *r = path[0] == '/' ? desk_resource(path + 1) : NULL;

	if (r != NULL) return spread(r->menu_order);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(places[i].path, path) == 0) return spread(places[i].order);
	return spread(order < MENU_UNPLACED ? (int)order : MODULE_PAGES);
}

/* What a setting keeps out of the menu; its address works all the same. */
static void drop_hidden(struct cx *cx, struct value *menu)
{
	struct value **at = &menu->first, *last = NULL;

	while (*at != NULL) {
		const char *path = value_text_of(value_get(*at, "path"), "/");
		const struct resource *r = desk_resource(path + 1);

		if (r != NULL && r->menu_setting != NULL &&
		    !setting_bool(cx->env->settings, r->menu_setting)) {
			*at = (*at)->next;
			menu->count--;
		} else {
			last = *at;
			at = &last->next;
		}
	}
	menu->last = last;
}

static void set_badge(struct cx *cx, struct value *item, int64_t n)
{
	if (n <= 0) return;
	value_set_text(cx->arena, item, "badge",
		       n > UNREAD_SHOWN ? "99+" : arena_printf(cx->arena, "%lld", (long long)n));
}

void menu_order(struct cx *cx, struct value *layout, int64_t unread)
{
	struct value *menu = (struct value *)(uintptr_t)value_get(layout, "menu");
	struct value *list = (struct value *)(uintptr_t)value_get(layout, "starts");
	int64_t given_up = work_given_up(cx);

	if (menu != NULL) drop_hidden(cx, menu);
	for (struct value *v = menu != NULL ? menu->first : NULL; v != NULL; v = v->next) {
		const char *path = value_text_of(value_get(v, "path"), "");

		value_set_int(cx->arena, v, "order",
			      place_of(path, value_int_of(value_get(v, "order"), MENU_UNPLACED)));
		if (strcmp(path, "/inbox") == 0) set_badge(cx, v, unread);
		if (strcmp(path, "/unsure") == 0 && actor_may(&cx->actor, "outbox.view"))
			set_badge(cx, v, unsure_count(cx, UNREAD_SHOWN + 1));
		if (strcmp(path, "/jobs") == 0) set_badge(cx, v, given_up);
	}
	for (size_t i = 0; list != NULL && i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct value *start = value_add_map(cx->arena, list);

		value_set_int(cx->arena, start, "order", starts[i].order);
		value_set_text(cx->arena, start, "label", words_get(cx->lang, starts[i].label));
	}
}
