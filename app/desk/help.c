/*
** help.c -- a help page for each screen: what somebody wrote for it, and what the tables know.
**
** A screen's topic is the first word of its address ("clients"; "home" for "/"). What was written stands in
** the page help_TOPIC of any room; a resource without one gets what its table says: its fields with their
** help, its filters, what can be done with a row, and its other doors.
**
** Holds:  (1) the link "Help" of a screen leads to a page that exists; (2) nothing is told of a resource to
**         those who may not see it.
*/
#include "desk/menu.h"
#include "desk/inner.h"

#include "base/embed.h"
#include <string.h>

#define TOPIC_MAX 60 /* the longest resource name twice over */

/* "renewals/help_clients", NULL when nobody wrote about it. */
static const char *written_page(struct arena *a, const char *topic)
{
	const char *tail = arena_printf(a, "/pages/help_%s.mustache", topic);
	size_t tail_len = strlen(tail);

	for (size_t i = embed_first("app/"); i < embed_count(); i++) {
		const struct embedded *e = embed_at(i);
		size_t len = strlen(e->name);

		if (strncmp(e->name, "app/", 4) != 0) break;
		if (len > tail_len + 4 && strcmp(e->name + len - tail_len, tail) == 0)
			return arena_printf(a, "%.*s/help_%s", (int)(len - tail_len - 4), e->name + 4, topic);
	}
	return NULL;
}

static const char *topic_of(struct arena *a, const char *path)
{
	size_t len = strcspn(path + 1, "/?");

	return len == 0 ? "home" : arena_printf(a, "%.*s", (int)len, path + 1);
}

static bool may_see(const struct cx *cx, const struct resource *r)
{
	return r->right_view == NULL || actor_may(&cx->actor, r->right_view);
}

static bool has_topic(struct cx *cx, const char *topic)
{
	const struct resource *r = desk_resource(topic);

	return (r != NULL && may_see(cx, r)) || written_page(cx->arena, topic) != NULL;
}

const char *help_path_of(struct cx *cx, const char *path)
{
	const char *topic = topic_of(cx->arena, path);

	return has_topic(cx, topic) ? arena_printf(cx->arena, "/help/%s", topic) : "/help";
}

/* What the tables know */

static const char *kind_of(const struct column *c)
{
	static const char *const kinds[] = {
		[COLUMN_TEXT] = N_("text"),         [COLUMN_LONG_TEXT] = N_("long text"),
		[COLUMN_INT] = N_("whole number"),  [COLUMN_BOOL] = N_("yes or no only"),
		[COLUMN_DATE] = N_("date"),         [COLUMN_INSTANT] = N_("date and time"),
		[COLUMN_CENTS] = N_("amount"),      [COLUMN_CHOICE] = N_("one of a list"),
		[COLUMN_REF] = N_("another entry"), [COLUMN_EMAIL] = N_("e-mail address"),
		[COLUMN_PHONE] = N_("phone"),       [COLUMN_URL] = N_("web address"),
	};

	return kinds[c->type];
}

static void fill_fields(struct cx *cx, const struct office *o, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "fields");

	for (size_t i = 0; i < o->columns; i++) {
		const struct column *c = &o->r->columns[i];
		struct value *out;

		if (!column_is_in(c, SELECT_SHOW)) continue;
		out = value_add_map(cx->arena, list);
		value_set_text(cx->arena, out, "name", words_get(cx->lang, c->title));
		value_set_text(cx->arena, out, "kind", words_get(cx->lang, kind_of(c)));
		value_set_text(cx->arena, out, "help", c->help != NULL ? words_get(cx->lang, c->help) : "");
		value_set_bool(cx->arena, out, "is_required", (c->flags & COL_REQUIRED) != 0);
		value_set_bool(cx->arena, out, "is_ours", c->sql != NULL || (c->flags & COL_READONLY) != 0);
	}
}

static void fill_filters(struct cx *cx, const struct office *o, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "filters");

	for (size_t i = 0; i < o->filters; i++)
		value_set_text(cx->arena, value_add_map(cx->arena, list), "name",
			       words_get(cx->lang, o->r->filters[i].title));
	value_set_bool(cx->arena, page, "has_search", o->has_search);
}

static void fill_actions(struct cx *cx, const struct office *o, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "actions");

	for (size_t i = 0; i < o->actions; i++) {
		const struct action *a = &o->r->actions[i];
		const char *right = a->right != NULL ? a->right : o->r->right_edit;
		struct value *out;

		if (right == NULL || !actor_may(&cx->actor, right)) continue;
		out = value_add_map(cx->arena, list);
		value_set_text(cx->arena, out, "name", words_get(cx->lang, a->title));
		value_set_text(cx->arena, out, "about",
			       a->confirm != NULL ? words_get(cx->lang, a->confirm) : "");
		value_set_bool(cx->arena, out, "is_bulk", a->is_bulk && a->run != NULL);
	}
}

static void fill_resource(struct cx *cx, const struct office *o, struct value *page)
{
	fill_fields(cx, o, page);
	fill_filters(cx, o, page);
	fill_actions(cx, o, page);
	value_set_text(cx->arena, page, "list", arena_printf(cx->arena, "/%s", o->r->name));
	value_set_text(cx->arena, page, "api", arena_printf(cx->arena, "/api/v1/%s", o->r->name));
	value_set_bool(cx->arena, page, "is_resource", true);
	value_set_bool(cx->arena, page, "can_create", o->r->can_create && office_may_edit(cx, o->r));
	value_set_bool(cx->arena, page, "can_archive", o->r->can_archive && office_may_edit(cx, o->r));
}

/* Pages */

/* The menu's title of an address: the resource's, or the route's. */
static const char *title_of(struct cx *cx, const char *topic)
{
	const struct resource *r = desk_resource(topic);
	const char *path = strcmp(topic, "home") == 0 ? "/" : arena_printf(cx->arena, "/%s", topic);
	const struct route *row;

	if (r != NULL) return words_get(cx->lang, r->title);
	for (size_t i = 0; (row = web_route_at(i)) != NULL; i++)
		if (row->menu != NULL && strcmp(row->path, path) == 0) return words_get(cx->lang, row->menu);
	return _("Help");
}

enum rc handle_help_topic(struct cx *cx, struct call *call)
{
	const char *topic = call_param(call, "topic"), *template;
	const struct office *o = office_find(topic);
	struct value *page = value_map(cx->arena);

	if (strlen(topic) > TOPIC_MAX) return RC_NOT_FOUND;
	if (o != NULL && !may_see(cx, o->r)) return RC_NOT_FOUND;
	template = written_page(cx->arena, topic);
	if (template == NULL && o == NULL) return RC_NOT_FOUND;
	if (o != NULL) fill_resource(cx, o, page);
	trail_add(cx, page, _("Help"), "/help");
	page_answer(cx, call, template != NULL ? template : "desk/help_resource",
		    arena_printf(cx->arena, _("Help: %s"), title_of(cx, topic)), page);
	return RC_OK;
}

static void add_topic(struct cx *cx, struct value *list, const char *topic)
{
	struct value *one = value_add_map(cx->arena, list);

	value_set_text(cx->arena, one, "name", title_of(cx, topic));
	value_set_text(cx->arena, one, "href", arena_printf(cx->arena, "/help/%s", topic));
}

/* What the person has in the menu, in the order of the tables. */
enum rc handle_help(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *list = value_set_list(cx->arena, page, "topics");
	const struct route *row;

	for (size_t i = 0; (row = web_route_at(i)) != NULL; i++) {
		const char *topic;

		if (row->menu == NULL || (row->right != NULL && !actor_may(&cx->actor, row->right))) continue;
		topic = topic_of(cx->arena, row->path);
		if (strcmp(topic, "help") != 0 && strchr(row->path + 1, '/') == NULL && has_topic(cx, topic))
			add_topic(cx, list, topic);
	}
	page_answer(cx, call, "desk/help_index", _("Help"), page);
	return RC_OK;
}
