/*
** setup.c -- makes the offices: every resource with its choices cut apart, its references found, the
** fixed parts of its SQL put together and its routes made.
**
** Owns:   the list of offices, figures and made routes of this process; the cache of table facts.
** Needs:  desk_setup() once, before any thread asks.
** Never:  talks to the network; changes an office afterwards (facts are added once, under a lock).
** Holds:  (1) every name that gets into SQL was checked here to be a plain word; (2) what a module's
**         tables say is kept by reference, what is made lives in the arena handed in.
*/
#include "desk/openapi.h"

#include "base/mem.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define ROUTES_OF_A_RESOURCE 20 /* below: those that every resource may have      */
#define ROUTES_OF_AN_ACTION  3  /* question, do it, do it to many                 */
#define FIGURES_MAX          60
#define SCRATCH_MAX          (1024 * 1024) /* the statements of one resource and their growing  */

static struct {
	struct office offices[DESK_RESOURCES_MAX];
	struct table_facts *facts[DESK_RESOURCES_MAX];
	size_t count;
	const struct figure *figures[FIGURES_MAX];
	size_t figure_count;
	struct route *routes;
	size_t route_count, route_room;
} desk;

static pthread_mutex_t facts_lock = PTHREAD_MUTEX_INITIALIZER;

const struct sort archived_sort = {
	.name = "archived_at", .title = N_("Archived"), .sql = "t.archived_at", .is_down = true
};

/* A word that may stand in SQL, an address and a form: a-z, 0-9 and _. */
static bool is_word(const char *s)
{
	return s != NULL && s[0] >= 'a' && s[0] <= 'z' &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

/* The name of a resource stands in addresses and forms only: several words have hyphens between. */
static bool is_address(const char *s)
{
	return s != NULL && s[0] >= 'a' && s[0] <= 'z' &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

/* Choices */

static const struct choices *cut_choices(struct arena *a, const char *text)
{
	struct choices *out = arena_alloc(a, sizeof *out);
	char *p;

	if (out == NULL) return NULL;
	p = arena_text(a, text);
	while (*p != '\0' && out->count < DESK_CHOICES_MAX) {
		struct choice *c = &out->at[out->count++];
		size_t len = strcspn(p, "|");
		bool is_last = p[len] == '\0';
		char *equals;

		p[len] = '\0';
		equals = strchr(p, '=');
		c->value = p;
		c->title = p;
		if (equals != NULL) {
			*equals = '\0';
			c->title = equals + 1;
		}
		p += is_last ? len : len + 1;
	}
	return out;
}

const struct choice *choice_find(const struct choices *c, const char *value)
{
	for (size_t i = 0; c != NULL && i < c->count; i++)
		if (strcmp(c->at[i].value, value) == 0) return &c->at[i];
	return NULL;
}

/* SQL that never changes */

bool column_is_in(const struct column *c, enum select_kind kind)
{
	if ((c->flags & (COL_HIDDEN | COL_SECRET)) != 0) return false;
	switch (kind) {
	case SELECT_LIST: return (c->flags & COL_LIST) != 0 && (c->flags & COL_API) == 0;
	case SELECT_API: return (c->flags & COL_PAGE) == 0;
	case SELECT_CSV:
	case SELECT_SHOW: return (c->flags & COL_API) == 0;
	case SELECT_NAME:
	case SELECT_OFFERS:
	case SELECT__MAX: break;
	}
	return false;
}

/* JOIN becomes CROSS JOIN, which SQLite never reorders: the rows keep the order of the page. */
static const char *keep_order(struct arena *a, const char *from)
{
	struct sb sb;
	const char *last = "";
	size_t last_len = 0;

	if (from == NULL) return "";
	sb_init_arena(&sb, a, DESK_SQL_MAX);
	while (*from != '\0') {
		size_t blank = strspn(from, " \t\n"), len;

		sb_bytes(&sb, from, blank);
		from += blank;
		len = strcspn(from, " \t\n");
		if (len == 4 && memcmp(from, "JOIN", 4) == 0 &&
		    !(last_len == 4 && memcmp(last, "LEFT", 4) == 0) &&
		    !(last_len == 5 && (memcmp(last, "CROSS", 5) == 0 || memcmp(last, "OUTER", 5) == 0)))
			sb_lit(&sb, "CROSS ");
		sb_bytes(&sb, from, len);
		last = from;
		last_len = len;
		from += len;
	}
	return sb_text_of(&sb);
}

static void say_column(struct sb *sb, const struct resource *r, const char *name)
{
	for (const struct column *c = r->columns; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0 && c->sql != NULL) {
			sb_char(sb, '(');
			sb_text(sb, c->sql);
			sb_char(sb, ')');
			return;
		}
	sb_lit(sb, "t.\"");
	sb_text(sb, name);
	sb_char(sb, '"');
}

/* What every row of this kind has, whatever columns are asked for. */
static const char *say_head(const struct resource *r, struct arena *a, enum select_kind kind)
{
	struct sb sb;

	sb_init_arena(&sb, a, DESK_SQL_MAX);
	sb_lit(&sb, "p._id AS _id, p._key AS _key");
	if (r->has_public_id) sb_lit(&sb, ", t.public_id AS _pid");
	sb_lit(&sb, ", (");
	sb_text(&sb, r->row_name);
	sb_lit(&sb, ") AS _name");
	if (r->can_archive && kind != SELECT_LIST && kind != SELECT_NAME && kind != SELECT_OFFERS)
		sb_lit(&sb, ", t.archived_at AS _archived");
	return sb_text_of(&sb);
}

/* For which rows an action is offered: all on a row's page, those for many when a list wants to know. */
static const char *say_tail(const struct office *o, struct arena *a, enum select_kind kind)
{
	const struct resource *r = o->r;
	struct sb sb;

	sb_init_arena(&sb, a, DESK_SQL_MAX);
	for (size_t i = 0; (kind == SELECT_SHOW || kind == SELECT_OFFERS) && i < o->actions; i++)
		if (r->actions[i].when != NULL && (kind == SELECT_SHOW || r->actions[i].is_bulk)) {
			sb_lit(&sb, ", (");
			sb_text(&sb, r->actions[i].when);
			sb_printf(&sb, ") AS _a%zu", i);
		}
	return sb_text_of(&sb);
}

/* Both grow beside each other, so they are said in a scratch arena; only what came of it is kept. */
static void say_piece(struct office *o, struct arena *a, struct arena *scratch, size_t i)
{
	const struct resource *r = o->r;
	const struct column *c = &r->columns[i];
	struct sb in, out;

	sb_init_arena(&in, scratch, DESK_SQL_MAX);
	sb_init_arena(&out, scratch, DESK_SQL_MAX);
	sb_lit(&in, ", ");
	say_column(&in, r, c->name);
	sb_lit(&in, " AS \"");
	sb_text(&in, c->name);
	sb_char(&in, '"');
	if (c->type == COLUMN_CENTS && c->choices != NULL) {
		sb_lit(&in, ", ");
		if (strchr(c->choices, '.') != NULL)
			sb_text(&in, c->choices);
		else
			say_column(&in, r, c->choices);
		sb_lit(&in, " AS \"");
		sb_text(&in, c->name);
		sb_lit(&in, "__cur\"");
	}
	if (c->type == COLUMN_REF && o->column_ref[i] != NULL) {
		const struct office *ref = o->column_ref[i];

		for (int k = 0; k < (ref->r->has_public_id ? 2 : 1); k++) {
			sb_lit(&out, ", (SELECT ");
			sb_text(&out, k == 0 ? ref->r->row_name : "t.public_id");
			sb_lit(&out, " FROM ");
			sb_text(&out, ref->r->table);
			sb_lit(&out, " t ");
			sb_text(&out, k == 0 ? ref->from : "");
			sb_lit(&out, " WHERE t.id = o.\"");
			sb_text(&out, c->name);
			sb_lit(&out, "\") AS \"");
			sb_text(&out, c->name);
			sb_text(&out, k == 0 ? "__name\"" : "__pid\"");
		}
	}
	o->piece[i] = arena_text(a, sb_text_of(&in));
	o->piece_outer[i] = arena_text(a, sb_text_of(&out));
}

static void say_select(struct office *o, struct arena *a, struct arena *scratch, enum select_kind kind)
{
	struct sb in, out;

	sb_init_arena(&in, scratch, DESK_SQL_MAX);
	sb_init_arena(&out, scratch, DESK_SQL_MAX);
	o->head[kind] = arena_text(a, say_head(o->r, scratch, kind));
	o->tail[kind] = arena_text(a, say_tail(o, scratch, kind));
	sb_text(&in, o->head[kind]);
	for (size_t i = 0; i < o->columns; i++) {
		if (!column_is_in(&o->r->columns[i], kind)) continue;
		sb_text(&in, o->piece[i]);
		sb_text(&out, o->piece_outer[i]);
	}
	sb_text(&in, o->tail[kind]);
	o->select[kind] = arena_text(a, sb_text_of(&in));
	o->outer[kind] = arena_text(a, sb_text_of(&out));
}

/* r->where of the rows that were archived: the same otherwise. */
static const char *turn_round(struct arena *a, const struct resource *r)
{
	static const char live[] = "t.archived_at IS NULL";
	const char *at = r->where != NULL ? strstr(r->where, live) : NULL;

	if (!r->can_archive) return NULL;
	if (at == NULL && r->where == NULL) return "t.archived_at IS NOT NULL";
	if (at == NULL) return arena_printf(a, "t.archived_at IS NOT NULL AND (%s)", r->where);
	return arena_printf(a, "%.*st.archived_at IS NOT NULL%s", (int)(at - r->where), r->where,
			    at + sizeof(live) - 1);
}

/* Offices */

struct office *office_find(const char *name)
{
	for (size_t i = 0; name != NULL && i < desk.count; i++)
		if (strcmp(desk.offices[i].r->name, name) == 0) return &desk.offices[i];
	return NULL;
}

struct office *office_at(size_t i)
{
	return i < desk.count ? &desk.offices[i] : NULL;
}

const struct office *office_of_table(const char *table)
{
	for (size_t i = 0; i < desk.count; i++)
		if (strcmp(desk.offices[i].r->table, table) == 0) return &desk.offices[i];
	return NULL;
}

const struct resource *desk_resource(const char *name)
{
	const struct office *o = office_find(name);

	return o != NULL ? o->r : NULL;
}

const struct resource *desk_resource_at(size_t i)
{
	return i < desk.count ? desk.offices[i].r : NULL;
}

const struct figure *desk_figure_at(size_t i)
{
	return i < desk.figure_count ? desk.figures[i] : NULL;
}

bool office_may_all(const struct cx *cx, const struct resource *r)
{
	return r->row_rule == NULL || (r->right_all != NULL && actor_may(&cx->actor, r->right_all));
}

bool office_may_see(const struct cx *cx, const struct resource *r)
{
	return r->right_view != NULL && actor_may(&cx->actor, r->right_view);
}

bool office_may_edit(const struct cx *cx, const struct resource *r)
{
	return r->right_edit != NULL && actor_may(&cx->actor, r->right_edit);
}

static enum rc refuse(const char *resource, const char *what, const char *name)
{
	log_event(LOG_ERROR, "app", "desk.bug", "resource=%s what=\"%s\" name=%s", resource, what, name);
	return RC_BUG;
}

/* First pass: counts, choices, words checked. */
static enum rc open_office(struct office *o, const struct resource *r, struct arena *a)
{
	*o = (struct office){ .r = r };
	if (!is_address(r->name) || !is_word(r->table) || r->row_name == NULL)
		return refuse(r->name, "name, table or row_name", r->name);
	for (; r->columns[o->columns].name != NULL; o->columns++) {
		const struct column *c = &r->columns[o->columns];

		if (o->columns == DESK_COLUMNS_MAX || !is_word(c->name))
			return refuse(r->name, "column", c->name);
		if ((c->flags & COL_SEARCH) != 0) o->has_search = true;
		if (c->type == COLUMN_CHOICE && c->choices != NULL)
			o->column_choices[o->columns] = cut_choices(a, c->choices);
	}
	for (; r->sorts != NULL && r->sorts[o->sorts].name != NULL; o->sorts++)
		if (o->sorts == DESK_SORTS_MAX || !is_word(r->sorts[o->sorts].name))
			return refuse(r->name, "sort", r->sorts[o->sorts].name);
	if (o->sorts == 0) return refuse(r->name, "sort", "none");
	for (; r->filters != NULL && r->filters[o->filters].name != NULL; o->filters++) {
		const struct filter *f = &r->filters[o->filters];

		if (o->filters == DESK_FILTERS_MAX || !is_word(f->name) || f->sql == NULL)
			return refuse(r->name, "filter", f->name);
		if (f->choices != NULL) o->filter_choices[o->filters] = cut_choices(a, f->choices);
	}
	for (; r->actions != NULL && r->actions[o->actions].name != NULL; o->actions++)
		if (o->actions == DESK_ACTIONS_MAX)
			return refuse(r->name, "action", r->actions[o->actions].name);
	o->from = keep_order(a, r->from);
	o->where_archived = turn_round(a, r);
	return RC_OK;
}

/* Second pass, when every resource is known. */
static enum rc join_office(struct office *o, struct arena *a, struct arena *scratch)
{
	for (size_t i = 0; i < o->columns; i++)
		if (o->r->columns[i].type == COLUMN_REF) o->column_ref[i] = office_find(o->r->columns[i].ref);
	for (size_t i = 0; i < o->filters; i++)
		if (o->r->filters[i].ref != NULL) {
			o->filter_ref[i] = office_find(o->r->filters[i].ref);
			if (o->filter_ref[i] == NULL)
				return refuse(o->r->name, "reference of a filter", o->r->filters[i].ref);
		}
	for (size_t i = 0; i < o->columns; i++)
		say_piece(o, a, scratch, i);
	for (int k = 0; k < SELECT__MAX; k++)
		say_select(o, a, scratch, (enum select_kind)k);
	return arena_failed(scratch) ? RC_NO_MEMORY : RC_OK;
}

/* Routes */

/* A form, or the address a form sends to: programs have PATCH, DELETE and POST of the list. */
static bool is_form(const char *method, const char *tail, enum rc (*handle)(struct cx *, struct call *))
{
	if (strcmp(method, "GET") == 0)
		return handle == handle_new || handle == handle_edit || handle == handle_archive_ask ||
		       handle == handle_action_ask;
	return strcmp(method, "POST") == 0 && tail[0] != '\0' &&
	       (handle == handle_create || handle == handle_save || handle == handle_archive);
}

static void route_add(struct arena *a, const struct office_arg *arg, const char *method, const char *tail,
		      const char *right, enum rc (*handle)(struct cx *, struct call *), const char *help)
{
	struct route *row = &desk.routes[desk.route_count];

	if (desk.route_count + 1 >= desk.route_room) return; /* counted beforehand: never */
	desk.route_count++;
	*row = (struct route){
		.method = method,
		.path = arena_printf(a, "/%s%s", arg->office->r->name, tail),
		.realm = REALM_STAFF,
		.right = right,
		.class = ROUTE_DB,
		.has_token = strcmp(method, "GET") != 0,
		.is_idempotent = strcmp(method, "POST") == 0,
		.help = help,
		.handle = handle,
		.arg = arg,
		.no_api = is_form(method, tail, handle),
		.takes = handle == handle_bulk ? bulk_takes : NULL,
	};
}

static void routes_of_actions(struct office *o, struct arena *a)
{
	for (size_t i = 0; i < o->actions; i++) {
		const struct action *act = &o->r->actions[i];
		const char *right = act->right != NULL ? act->right : o->r->right_edit;
		struct office_arg *arg = arena_alloc(a, sizeof *arg);

		if (arg == NULL || act->run == NULL) continue;
		*arg = (struct office_arg){ .office = o, .action = act };
		if (act->is_bulk)
			route_add(a, arg, "POST", arena_printf(a, "/actions/%s", act->name), right,
				  handle_bulk, act->title);
		if (act->page == NULL)
			route_add(a, arg, "GET", arena_printf(a, "/:id/%s", act->name), right,
				  handle_action_ask, act->title);
		route_add(a, arg, "POST", arena_printf(a, "/:id/%s", act->name), right, handle_action,
			  act->title);
		if (act->takes != NULL) desk.routes[desk.route_count - 1].takes = act->takes;
	}
}

/* One action for many rows: what every resource that archives has. */
static void routes_of_bulk(struct office *o, struct arena *a, const struct action *act)
{
	struct office_arg *arg = arena_alloc(a, sizeof *arg);

	if (arg == NULL) return;
	*arg = (struct office_arg){ .office = o, .action = act };
	route_add(a, arg, "POST", arena_printf(a, "/actions/%s", act->name), o->r->right_edit, handle_bulk,
		  act->title);
}

static void routes_of(struct office *o, struct arena *a)
{
	const struct resource *r = o->r;
	struct office_arg *arg = arena_alloc(a, sizeof *arg);
	const char *view = r->right_view, *edit = r->right_edit;

	if (arg == NULL) return;
	arg->office = o;
	route_add(a, arg, "GET", "", view, handle_list, N_("List with search, filters and pages"));
	if (r->menu != NULL) desk.routes[desk.route_count - 1].menu = r->menu;
	if (edit != NULL && r->can_create) {
		if (r->new_page == NULL) {
			route_add(a, arg, "GET", "/new", edit, handle_new, N_("Form for a new one"));
			route_add(a, arg, "POST", "/new", edit, handle_create, N_("Create"));
		}
		if (!r->has_own_create) route_add(a, arg, "POST", "", edit, handle_create, N_("Create"));
	}
	if (edit != NULL && r->can_create && !r->no_import) {
		route_add(a, arg, "GET", "/import", edit, handle_import_new,
			  N_("Form to send a file of them"));
		route_add(a, arg, "GET", "/import/sample", edit, handle_import_sample,
			  N_("A file as it is understood, with its columns"));
		route_add(a, arg, "POST", "/import", edit, handle_import_send,
			  N_("Send a CSV or XLSX file to look at"));
		desk.routes[desk.route_count - 1].body_max = IMPORT_BODY_MAX;
	}
	route_add(a, arg, "GET", "/:id", view, handle_show, N_("One of them"));
	route_add(a, arg, "GET", "/:id/history", view, handle_history, N_("Who changed what, and when"));
	if (edit != NULL) {
		if (r->edit_page == NULL) {
			route_add(a, arg, "GET", "/:id/edit", edit, handle_edit, N_("Form to change it"));
			route_add(a, arg, "POST", "/:id/edit", edit, handle_save, N_("Change"));
		}
		route_add(a, arg, "PATCH", "/:id", edit, handle_save, N_("Change"));
		route_add(a, arg, "PUT", "/:id", edit, handle_save, N_("Change"));
	}
	if (edit != NULL && r->can_archive) {
		route_add(a, arg, "GET", "/:id/archive", edit, handle_archive_ask,
			  N_("Ask before archiving"));
		route_add(a, arg, "POST", "/:id/archive", edit, handle_archive, N_("Archive"));
		route_add(a, arg, "DELETE", "/:id", edit, handle_archive, N_("Archive"));
		routes_of_bulk(o, a, &archive_action);
	}
	if (edit != NULL && r->can_archive && !r->stays_archived) {
		route_add(a, arg, "POST", "/:id/restore", edit, handle_restore, N_("Put back"));
		routes_of_bulk(o, a, &restore_action);
	}
	routes_of_actions(o, a);
}

const struct route *desk_made_routes(void)
{
	static const struct route none = { .method = NULL };

	return desk.routes != NULL ? desk.routes : &none;
}

enum rc desk_setup(const struct resource *const *resources, const struct figure *const *figures,
		   struct arena *forever)
{
	struct arena *scratch = NULL;
	size_t room = 1;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < DESK_RESOURCES_MAX; i++) {
		mem_free(desk.facts[i]);
		desk.facts[i] = NULL;
	}
	desk.count = desk.figure_count = desk.route_count = 0;
	audit_declare(forever, resources);
	for (; resources != NULL && *resources != NULL && rc == RC_OK; resources++)
		for (const struct resource *r = *resources; r->name != NULL && rc == RC_OK; r++) {
			if (desk.count == DESK_RESOURCES_MAX)
				return refuse(r->name, "too many resources", r->name);
			if (office_find(r->name) != NULL) return refuse(r->name, "declared twice", r->name);
			rc = open_office(&desk.offices[desk.count], r, forever);
			if (rc != RC_OK) break;
			room += ROUTES_OF_A_RESOURCE +
				desk.offices[desk.count++].actions * ROUTES_OF_AN_ACTION;
		}
	for (; figures != NULL && *figures != NULL; figures++)
		for (const struct figure *f = *figures; f->name != NULL; f++)
			if (desk.figure_count < FIGURES_MAX) desk.figures[desk.figure_count++] = f;
	desk.route_room = room;
	desk.routes = arena_array(forever, room, sizeof *desk.routes);
	if (rc == RC_OK) scratch = arena_new(SCRATCH_MAX);
	if (rc == RC_OK && (desk.routes == NULL || scratch == NULL)) rc = RC_NO_MEMORY;
	for (size_t i = 0; i < desk.count && rc == RC_OK; i++) {
		arena_reset(scratch);
		rc = join_office(&desk.offices[i], forever, scratch);
		if (rc == RC_OK) routes_of(&desk.offices[i], forever);
	}
	arena_free(scratch);
	return rc == RC_OK && arena_failed(forever) ? RC_NO_MEMORY : rc;
}

/* What the database says about a table */

const struct table_column *facts_find(const struct table_facts *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->at[i].name, name) == 0) return &f->at[i];
	return NULL;
}

static enum rc facts_read(struct cx *cx, const char *table, struct table_facts *out)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q, "SELECT name, \"notnull\", dflt_value IS NOT NULL FROM pragma_table_info(:table)",
		PARAMS(P_TEXT(":table", table)));

	while (rc == RC_OK && query_next(q) && out->count < sizeof(out->at) / sizeof(out->at[0])) {
		struct table_column *c = &out->at[out->count++];

		snprintf(c->name, sizeof(c->name), "%s", query_text(q, 0));
		c->is_notnull = query_int(q, 1) != 0;
		c->has_default = query_int(q, 2) != 0;
	}
	rc = query_end(q, rc);
	return rc == RC_OK && out->count == 0 ? refuse(table, "no such table", table) : rc;
}

enum rc office_facts(struct cx *cx, const struct office *o, const struct table_facts **out)
{
	size_t i = (size_t)(o - desk.offices);
	struct table_facts *f;
	enum rc rc = RC_OK;

	pthread_mutex_lock(&facts_lock);
	f = desk.facts[i];
	if (f == NULL) {
		f = mem_zeroed(sizeof *f);
		rc = f != NULL ? facts_read(cx, o->r->table, f) : RC_NO_MEMORY;
		if (rc == RC_OK) {
			desk.facts[i] = f;
		} else {
			mem_free(f);
			f = NULL;
		}
	}
	pthread_mutex_unlock(&facts_lock);
	if (rc == RC_OK) *out = f;
	return rc;
}
