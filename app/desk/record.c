/*
** record.c -- one row of a resource: its page, its form and saving, as page and as API.
**
** Holds:  (1) an unknown row and a row of somebody else answer alike: 404; (2) a refused form comes
**         back with what was typed and a sentence at each wrong field; (3) a form that was open while
**         somebody else saved is refused, not silently overwriting; (4) every write is one transaction,
**         opened after the body was read.
*/
#include "desk/inner.h"

#include "desk/openapi.h"
#include <stdio.h>
#include <string.h>

#define STATUS_CREATED 201
#define STATUS_REFUSED 422 /* a form shown again: understood, not accepted (RFC 9110 §15.5.21) */

enum rc call_row(struct cx *cx, struct call *call, const struct office **o, int64_t *id, bool with_archived)
{
	const struct office_arg *arg = call_arg(call);

	*o = arg->office;
	return office_row_id(cx, id, arg->office, call_param(call, "id"), with_archived);
}

void trail_add(struct cx *cx, struct value *page, const char *title, const char *href)
{
	struct value *trail = (struct value *)(uintptr_t)value_get(page, "trail");
	struct value *one;

	if (trail == NULL) trail = value_set_list(cx->arena, page, "trail");
	value_set_bool(cx->arena, page, "has_trail", true);
	one = value_add_map(cx->arena, trail);
	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "href", href);
}

void page_answer(struct cx *cx, struct call *call, const char *template, const char *title,
		 struct value *page)
{
	value_set_text(cx->arena, page, "heading", title);
	answer_page(cx, call, template, title, page);
}

static bool is_page(const struct call *call)
{
	return call_shape(call) == SHAPE_PAGE;
}

static const char *home_of(struct cx *cx, const struct office *o)
{
	return arena_printf(cx->arena, "/%s", o->r->name);
}

/* Show */

/* A module's page of an action, with this row in the place of ":id". */
static const char *own_page(struct cx *cx, const char *page, const char *id)
{
	const char *at = strstr(page, ":id");

	return at != NULL ? arena_printf(cx->arena, "%.*s%s%s", (int)(at - page), page, id, at + 3) : page;
}

static void fill_actions(struct cx *cx, const struct office *o, const struct value *row, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "actions");
	const char *path = row_path(cx, o, row);

	for (size_t i = 0; i < o->actions; i++) {
		const struct action *a = &o->r->actions[i];
		const char *right = a->right != NULL ? a->right : o->r->right_edit;
		char key[24];
		struct value *out;

		snprintf(key, sizeof(key), "_a%zu", i);
		if (right == NULL || !actor_may(&cx->actor, right)) continue;
		if (a->when != NULL && value_int_of(value_get(row, key), 0) == 0) continue;
		out = value_add_map(cx->arena, list);
		value_set_text(cx->arena, out, "title", words_get(cx->lang, a->title));
		value_set_text(cx->arena, out, "href",
			       a->page != NULL ? own_page(cx, a->page, row_public_id(cx, o, row))
					       : arena_printf(cx->arena, "%s/%s", path, a->name));
		value_set_bool(cx->arena, out, "is_dangerous", a->is_dangerous);
		value_set_bool(cx->arena, out, "is_link", a->page != NULL || a->confirm != NULL);
	}
}

static void fill_facts(struct cx *cx, const struct office *o, const struct value *row, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "facts");

	for (size_t i = 0; i < o->columns; i++) {
		struct value *cell;

		if (!column_is_in(&o->r->columns[i], SELECT_SHOW)) continue;
		cell = value_add_map(cx->arena, list);
		cell_fill(cx, o, i, row, cell);
		value_set_text(cx->arena, cell, "title", words_get(cx->lang, o->r->columns[i].title));
	}
}

static void fill_doors(struct cx *cx, const struct office *o, const struct value *row, struct value *page)
{
	const struct resource *r = o->r;
	const char *path = row_path(cx, o, row);
	const struct value *archived = value_get(row, "_archived");
	bool is_archived = archived != NULL && archived->type == VALUE_INT;
	char when[RFC3339_SIZE];

	value_set_text(cx->arena, page, "row_path", path);
	value_set_text(cx->arena, page, "id", row_public_id(cx, o, row));
	value_set_text(cx->arena, page, "history", arena_printf(cx->arena, "%s/history", path));
	if (is_archived) {
		instant_text_local(when, archived->integer, cx->env->zone);
		value_set_text(cx->arena, page, "archived", when);
		if (r->can_archive && !r->stays_archived && office_may_edit(cx, r))
			value_set_text(cx->arena, page, "restore",
				       arena_printf(cx->arena, "%s/restore", path));
		return;
	}
	if (!office_may_edit(cx, r)) return;
	for (size_t i = 0; i < o->columns; i++)
		if (r->columns[i].sql == NULL && (r->columns[i].flags & (COL_READONLY | COL_CREATE)) == 0)
			value_set_text(cx->arena, page, "edit", arena_printf(cx->arena, "%s/edit", path));
	if (r->can_archive)
		value_set_text(cx->arena, page, "archive", arena_printf(cx->arena, "%s/archive", path));
}

enum rc show_json(struct cx *cx, struct call *call, const struct office *o, int64_t id, int status)
{
	struct value *row = NULL;
	enum rc rc = row_of(cx, o, id, SELECT_API, true, &row);

	if (rc != RC_OK) return rc;
	if (status == STATUS_CREATED)
		answer_header(call, "Location", arena_printf(cx->arena, "/api/v1%s", row_path(cx, o, row)));
	answer_json(cx, call, status, row_json(cx, o, row));
	return RC_OK;
}

static enum rc show_page(struct cx *cx, struct call *call, const struct office *o, int64_t id)
{
	struct value *page = value_map(cx->arena), *row = NULL;
	enum rc rc = row_of(cx, o, id, SELECT_SHOW, true, &row);

	if (rc != RC_OK) return rc;
	trail_add(cx, page, words_get(cx->lang, o->r->title), home_of(cx, o));
	value_set_text(cx->arena, page, "resource", o->r->name);
	value_set_text(cx->arena, page, "title_one", words_get(cx->lang, o->r->title_one));
	fill_facts(cx, o, row, page);
	fill_doors(cx, o, row, page);
	history_last(cx, o, id, page);
	if (value_get(page, "archived") == NULL) fill_actions(cx, o, row, page);
	if (o->r->show != NULL) o->r->show(cx, id, page);
	page_answer(cx, call, o->r->show_template != NULL ? o->r->show_template : "desk/show",
		    row_name(cx, o, row), page);
	return RC_OK;
}

enum rc handle_show(struct cx *cx, struct call *call)
{
	const struct office *o;
	int64_t id = 0;
	enum rc rc = call_row(cx, call, &o, &id, true);

	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_JSON) return show_json(cx, call, o, id, 200);
	return is_page(call) ? show_page(cx, call, o, id) : RC_NOT_FOUND;
}

/* Forms */

/* The number of a form for something new: the one that was typed into, else a new one. */
static const char *once_of(struct cx *cx, struct call *call)
{
	const char *once = strcmp(call_method(call), "GET") != 0 ? form_text(call, "_once") : NULL;
	char made[PUBLIC_ID_SIZE];

	if (once != NULL && strlen(once) == PUBLIC_ID_SIZE - 1) return once;
	public_id_new(made);
	return arena_text(cx->arena, made);
}

/* Somebody wants to see what the form would do, and nothing else. */
static bool is_look(struct call *call, const struct office *o)
{
	return o->r->form_show != NULL && is_page(call) && strcmp(call_method(call), "GET") != 0 &&
	       form_text(call, "_look") != NULL;
}

static enum rc form_page(struct cx *cx, struct call *call, const struct office *o, int64_t id)
{
	struct value *page = value_map(cx->arena), *stored = NULL, *row = NULL;
	const char *name = "", *path = home_of(cx, o), *title;
	enum rc rc = RC_OK;

	if (id != 0) {
		rc = row_stored(cx, o, id, &stored);
		if (rc == RC_OK) rc = row_of(cx, o, id, SELECT_SHOW, false, &row);
		if (rc != RC_OK) return rc;
		name = row_name(cx, o, row);
		path = row_path(cx, o, row);
	}
	title = id != 0 ? arena_printf(cx->arena, _("Change: %s"), name)
			: arena_printf(cx->arena, _("New: %s"), words_get(cx->lang, o->r->title_one));
	form_fill(cx, o, stored, call, id == 0, page);
	if (is_look(call, o) && cx->field_count == 0) value_set_text(cx->arena, page, "failure", "");
	trail_add(cx, page, words_get(cx->lang, o->r->title), home_of(cx, o));
	if (id != 0) trail_add(cx, page, name, path);
	value_set_text(cx->arena, page, "form_action",
		       arena_printf(cx->arena, "%s/%s", path, id != 0 ? "edit" : "new"));
	value_set_text(cx->arena, page, "back", path);
	value_set_bool(cx->arena, page, "is_new", id == 0);
	if (id == 0) value_set_text(cx->arena, page, "once", once_of(cx, call));
	if (stored != NULL && value_get(stored, "updated_at") != NULL)
		value_set_int(cx->arena, page, "seen", value_int_of(value_get(stored, "updated_at"), 0));
	if (o->r->form_show != NULL) o->r->form_show(cx, call, stored, page);
	page_answer(cx, call, o->r->form_template != NULL ? o->r->form_template : "desk/form", title, page);
	if (strcmp(call_method(call), "GET") == 0 || (is_look(call, o) && cx->field_count == 0)) return RC_OK;
	reply_status(call_reply(call), STATUS_REFUSED);
	return RC_OK;
}

enum rc handle_new(struct cx *cx, struct call *call)
{
	const struct office_arg *arg = call_arg(call);

	return is_page(call) ? form_page(cx, call, arg->office, 0) : RC_NOT_FOUND;
}

enum rc handle_edit(struct cx *cx, struct call *call)
{
	const struct office *o;
	int64_t id = 0;
	enum rc rc = call_row(cx, call, &o, &id, false);

	if (rc != RC_OK) return rc;
	return is_page(call) ? form_page(cx, call, o, id) : RC_NOT_FOUND;
}

/* What came in */

static void take_form(struct cx *cx, const struct column *c, struct call *call, struct value *input)
{
	size_t n = form_count(call, c->name);
	const char *name = c->name;
	char *p;

	if (n == 0 && c->aliases != NULL) {
		p = arena_text(cx->arena, c->aliases);
		while (n == 0 && *p != '\0') {
			size_t len = strcspn(p, "|");
			bool is_last = p[len] == '\0';

			p[len] = '\0';
			name = p;
			n = form_count(call, name);
			p += is_last ? len : len + 1;
		}
	}
	if (n > 0) value_set_text(cx->arena, input, c->name, form_text_at(call, name, n - 1));
}

/* id 0: for a new row. */
static enum rc read_input(struct cx *cx, struct call *call, const struct office *o, int64_t id,
			  const struct value **out)
{
	struct value *input, *row = NULL;
	enum rc rc = form_read(cx, call);
	const struct value *json = rc == RC_OK ? form_json(call) : NULL;

	if (rc != RC_OK) return rc;
	if (json != NULL) {
		if (id != 0) rc = row_of(cx, o, id, SELECT_API, true, &row);
		if (rc == RC_OK) rc = api_input_check(cx, o, json, row != NULL ? row_json(cx, o, row) : NULL);
		*out = json;
		return rc;
	}
	input = value_map(cx->arena);
	for (size_t i = 0; i < o->columns; i++)
		take_form(cx, &o->r->columns[i], call, input);
	*out = input;
	return o->r->form_take != NULL && is_page(call) ? o->r->form_take(cx, call, input) : RC_OK;
}

/* A form that says which state it was made from must still find it. */
static enum rc check_seen(struct cx *cx, struct call *call, const struct office *o, int64_t id)
{
	const char *seen = form_text(call, "_seen");
	struct value given = { .type = VALUE_TEXT, .text = seen, .len = seen != NULL ? strlen(seen) : 0 };
	struct value *stored = NULL;
	const struct value *now;
	enum rc rc;

	if (seen == NULL || seen[0] == '\0') return RC_OK;
	rc = row_stored(cx, o, id, &stored);
	if (rc != RC_OK) return rc;
	now = value_get(stored, "updated_at");
	if (now == NULL || value_int_of(now, 0) == value_int_of(&given, 0)) return RC_OK;
	return cx_fail(
		cx, RC_CONFLICT,
		_("Somebody else saved this meanwhile. Compare with what is stored now and save again."));
}

static enum rc save_row(struct cx *cx, struct call *call, const struct office *o, int64_t *id)
{
	const struct value *input = NULL;
	enum rc rc = read_input(cx, call, o, *id, &input);

	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	if (*id != 0) rc = check_seen(cx, call, o, *id);
	if (rc == RC_OK) rc = desk_save(cx, o->r, id, input);
	return tx_end(cx, rc);
}

/* As saving would judge it; nothing is written. */
static enum rc look_row(struct cx *cx, struct call *call, const struct office *o, int64_t id)
{
	const struct value *input = NULL;
	enum rc rc = read_input(cx, call, o, id, &input), back;

	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = desk_save(cx, o->r, &id, input);
	back = tx_end(cx, rc == RC_OK ? RC_PARTLY : rc);
	return rc == RC_OK && back == RC_PARTLY ? RC_OK : rc;
}

/* A new row from the form: pressed twice it is made once. *path: where the first press led, "" if this is it. */
static enum rc create_once(struct cx *cx, struct call *call, const struct office *o, int64_t *id,
			   const char **path)
{
	const char *once;
	struct value *row = NULL;
	enum rc rc = form_read(cx, call);

	*path = "";
	once = rc == RC_OK && call_shape(call) == SHAPE_PAGE ? form_text(call, "_once") : NULL;
	if (rc != RC_OK) return rc;
	if (once == NULL || strlen(once) != PUBLIC_ID_SIZE - 1) return save_row(cx, call, o, id);
	rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = form_once(cx, once, path);
	if (rc != RC_OK || (*path)[0] != '\0') return tx_end(cx, rc);
	rc = save_row(cx, call, o, id);
	if (rc == RC_OK) rc = row_of(cx, o, *id, SELECT_NAME, true, &row);
	if (rc == RC_OK) rc = form_once_done(cx, once, row_path(cx, o, row));
	return tx_end(cx, rc);
}

/* Refusals that a person mends in the form; everything else is a page of its own. */
static bool is_mendable(enum rc rc)
{
	return rc == RC_BAD_INPUT || rc == RC_CONFLICT;
}

static enum rc after_save(struct cx *cx, struct call *call, const struct office *o, int64_t id, bool is_new)
{
	struct value *row = NULL;
	enum rc rc = row_of(cx, o, id, SELECT_NAME, true, &row);

	if (rc != RC_OK) return rc;
	answer_flash(cx, call, row_path(cx, o, row),
		     arena_printf(cx->arena, is_new ? _("“%s” was created.") : _("“%s” was saved."),
				  row_name(cx, o, row)));
	return RC_OK;
}

enum rc handle_create(struct cx *cx, struct call *call)
{
	const struct office_arg *arg = call_arg(call);
	const struct office *o = arg->office;
	const char *path = "";
	int64_t id = 0;
	enum rc rc = create_once(cx, call, o, &id, &path);

	if (rc == RC_OK && path[0] != '\0') {
		answer_flash(cx, call, path, _("This form was sent before; nothing was made twice."));
		return RC_OK;
	}
	if (call_shape(call) != SHAPE_PAGE)
		return rc == RC_OK ? show_json(cx, call, o, id, STATUS_CREATED) : rc;
	if (is_mendable(rc)) return form_page(cx, call, o, 0);
	return rc == RC_OK ? after_save(cx, call, o, id, true) : rc;
}

enum rc handle_save(struct cx *cx, struct call *call)
{
	const struct office *o;
	int64_t id = 0;
	enum rc rc = call_row(cx, call, &o, &id, false);

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc != RC_OK) return rc;
	rc = is_look(call, o) ? look_row(cx, call, o, id) : save_row(cx, call, o, &id);
	if (is_look(call, o) && rc == RC_OK) return form_page(cx, call, o, id);
	if (call_shape(call) != SHAPE_PAGE) return rc == RC_OK ? show_json(cx, call, o, id, 200) : rc;
	if (is_mendable(rc)) return form_page(cx, call, o, id);
	return rc == RC_OK ? after_save(cx, call, o, id, false) : rc;
}
