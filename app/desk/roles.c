/*
** roles.c -- roles as data: the page that shows who may do what, and own roles beside the built-in ones.
**
** Needs:  web/people.h for which rights there are and who may give them.
** Holds:  (1) the owner's role may everything and stays; the built-in roles keep their name; (2) a role that
**         somebody has does not go; (3) a right that the actor does not have is neither given nor taken by
**         him; (4) a change counts from the next request on, in every session.
*/
#include "desk/people.h"

#include "base/text.h"
#include <stdlib.h>
#include <string.h>

#define ROLES_SHOWN    30 /* columns of the page: more do not fit a screen anyhow */
#define COPIES_MAX     20
#define ROLE_TITLE_MAX 40

const struct column role_columns[] = {
	{ .name = "title",
	  .title = N_("Name"),
	  .type = COLUMN_TEXT,
	  .flags = COL_REQUIRED | COL_LIST | COL_SEARCH | COL_WORDS,
	  .max = ROLE_TITLE_MAX },
	{ .name = "name", .title = N_("Code"), .type = COLUMN_TEXT, .flags = COL_READONLY | COL_API },
	{ .name = "is_builtin",
	  .title = N_("Built in"),
	  .type = COLUMN_BOOL,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "users",
	  .title = N_("Users"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "(SELECT count(*) FROM user u WHERE u.role_id = t.id AND u.archived_at IS NULL)" },
	{ .name = "rights",
	  .title = N_("Rights"),
	  .type = COLUMN_LONG_TEXT,
	  .flags = COL_API,
	  .max = RIGHTS_TEXT_MAX,
	  .help = N_("Names of rights, parted by blanks; * in the owner's role means all.") },
	{ .name = "updated_at", .title = N_("Last change"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = NULL },
};

const struct sort role_sorts[] = {
	{ .name = "id", .title = N_("Oldest"), .sql = "t.id" },
	{ .name = NULL },
};

static bool has_right(const char *rights, const char *right)
{
	return actor_may(&(struct actor){ .rights = rights }, right);
}

/* Hooks */

static enum rc stored_role(struct cx *cx, int64_t id, struct value **row)
{
	*row = NULL;
	return id == 0 ? RC_OK
		       : db_row(cx, row, "SELECT name, title, rights, is_builtin FROM role WHERE id = :id",
				PARAMS(P_INT(":id", id)));
}

/* Another role that is found by this name; RC_NOT_FOUND: it is free. */
static enum rc role_named(struct cx *cx, int64_t id, const char *name, int64_t *other)
{
	return db_get_int(cx, other,
			  "SELECT id FROM role WHERE id <> :id AND (name = :name OR"
			  " (search = :name AND archived_at IS NULL))",
			  PARAMS(P_INT(":id", id), P_TEXT(":name", name)));
}

/* Does a built-in role read so in one of our languages? Two that look the same are taken for each other. */
static bool is_builtin_title(struct cx *cx, const char *title)
{
	struct value *roles = NULL;

	if (db_rows(cx, &roles, ROLES_SHOWN, "SELECT title FROM role WHERE is_builtin = 1", NO_PARAMS) !=
	    RC_OK)
		return false;
	for (const struct value *v = roles->first; v != NULL; v = v->next)
		for (int lang = 0; lang < LANG__MAX; lang++)
			if (text_equal_fold(title, words_get((enum lang)lang,
							     value_text_of(value_get(v, "title"), ""))))
				return true;
	return false;
}

static enum rc check_name(struct cx *cx, int64_t id, const struct value *was, struct value *values)
{
	const char *title = value_text_of(value_get(values, "title"), "");
	const char *old = value_text_of(value_get(was, "title"), ""), *name = text_fold(cx->arena, title);
	int64_t other = 0;
	enum rc rc;

	if (was != NULL && strcmp(title, old) == 0) return RC_OK;
	if (value_int_of(value_get(was, "is_builtin"), 0) != 0)
		return cx_fail_field(cx, "title",
				     _("The built-in roles keep their names; copy it and name the copy."));
	rc = role_named(cx, id, name, &other);
	if (rc == RC_NOT_FOUND && is_builtin_title(cx, title)) rc = RC_OK;
	if (rc == RC_OK) return cx_fail_field(cx, "title", _("There already is a role called “%s”."), title);
	if (rc != RC_NOT_FOUND) return rc;
	value_set_text(cx->arena, values, "name", name);
	return RC_OK;
}

enum rc role_before_save(struct cx *cx, int64_t id, struct value *values)
{
	struct value *was = NULL;
	const char *had, *given = value_text_of(value_get(values, "rights"), ""), *rights = "";
	enum rc rc = stored_role(cx, id, &was);

	if (rc == RC_OK) rc = check_name(cx, id, was, values);
	if (rc != RC_OK) return rc;
	had = value_text_of(value_get(was, "rights"), "");
	if (strcmp(given, had) == 0) return RC_OK;
	if (strcmp(value_text_of(value_get(was, "name"), ""), "owner") == 0)
		return cx_fail(cx, RC_CONFLICT, _("The owner may do everything; that cannot be changed."));
	if (!rights_include(cx->actor.rights, had))
		return cx_fail(
			cx, RC_DENIED,
			_("This role may do more than you: only somebody who may do as much can change it."));
	rc = rights_read(cx, &rights, given, had);
	if (rc == RC_BAD_INPUT) return cx_fail_field(cx, "rights", "%s", cx_sentence(cx, rc));
	if (rc != RC_OK) return rc;
	if (strcmp(rights, "*") == 0)
		return cx_fail_field(cx, "rights",
				     _("Only the owner's role has everything by “*”; name the rights."));
	value_set_text(cx->arena, values, "rights", rights);
	return RC_OK;
}

enum rc role_before_archive(struct cx *cx, int64_t id)
{
	struct value *was = NULL;
	int64_t users = 0;
	enum rc rc = stored_role(cx, id, &was);

	if (rc == RC_OK && value_int_of(value_get(was, "is_builtin"), 0) != 0)
		return cx_fail(cx, RC_CONFLICT, _("The built-in roles stay."));
	if (rc == RC_OK)
		rc = db_get_int(cx, &users,
				"SELECT count(*) FROM user WHERE role_id = :id AND archived_at IS NULL",
				PARAMS(P_INT(":id", id)));
	if (rc == RC_OK && users > 0)
		return cx_fail(
			cx, RC_CONFLICT,
			words_plural(cx->lang, users,
				     N_("%lld user has this role: give that person another one first."),
				     N_("%lld users have this role: give them another one first.")),
			(long long)users);
	/* Its name is free for another role from now on. */
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE role SET name = name || ' #' || id WHERE id = :id",
			    PARAMS(P_INT(":id", id)));
	return rc;
}

/* Back under its own name, unless another role has it by now. */
enum rc role_before_restore(struct cx *cx, int64_t id)
{
	struct value *was = NULL;
	const char *title, *name;
	int64_t other = 0;
	enum rc rc = stored_role(cx, id, &was);

	if (rc != RC_OK) return rc;
	title = value_text_of(value_get(was, "title"), "");
	name = text_fold(cx->arena, title);
	if (!rights_include(cx->actor.rights, value_text_of(value_get(was, "rights"), "")))
		return cx_fail(
			cx, RC_DENIED,
			_("This role may do more than you: only somebody who may do as much can change it."));
	rc = role_named(cx, id, name, &other);
	if (rc == RC_OK) return cx_fail(cx, RC_CONFLICT, _("There already is a role called “%s”."), title);
	if (rc != RC_NOT_FOUND) return rc;
	return db_run(cx, "UPDATE role SET name = :name WHERE id = :id",
		      PARAMS(P_TEXT(":name", name), P_INT(":id", id)));
}

/* A copy, to begin a new role with */

static const char *all_rights(struct cx *cx)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, RIGHTS_TEXT_MAX);
	for (size_t i = 0; right_at(i) != NULL; i++) {
		if (sb.len > 0) sb_char(&sb, ' ');
		sb_text(&sb, right_at(i)->name);
	}
	return sb_text_of(&sb);
}

static enum rc copy_as(struct cx *cx, const char *title, const char *rights)
{
	struct value *input = value_map(cx->arena);
	int64_t id = 0;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, input, "title", title);
	value_set_text(cx->arena, input, "rights", rights);
	return tx_end(cx, desk_save(cx, desk_resource("roles"), &id, input));
}

static enum rc run_copy(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	struct value *was = NULL;
	const char *rights, *title, *name = "";
	enum rc rc = stored_role(cx, id, &was);

	(void)call;
	if (rc != RC_OK) return rc;
	title = words_get(cx->lang, value_text_of(value_get(was, "title"), ""));
	rights = value_text_of(value_get(was, "rights"), "");
	if (has_right(rights, "*")) rights = all_rights(cx);
	rc = RC_BAD_INPUT;
	for (int n = 1; n <= COPIES_MAX && rc == RC_BAD_INPUT; n++) {
		cx->message = "";
		cx->field_count = 0;
		name = n == 1 ? arena_printf(cx->arena, _("%s (copy)"), title)
			      : arena_printf(cx->arena, _("%s (copy %d)"), title, n);
		if (text_length(name) > ROLE_TITLE_MAX) name = arena_printf(cx->arena, _("Copy %d"), n);
		rc = copy_as(cx, name, rights);
	}
	if (rc == RC_OK) *done = arena_printf(cx->arena, _("“%s” was created."), name);
	return rc;
}

const struct action role_actions[] = {
	{ .name = "copy", .title = N_("Copy"), .run = run_copy },
	{ .name = NULL },
};

/* What only reaches one's own rows */

/* The resource whose list this right opens, when it shows one's own rows without another right. */
static const struct resource *own_rows(const char *right)
{
	const struct resource *r;

	for (size_t i = 0; (r = desk_resource_at(i)) != NULL; i++)
		if (r->row_rule != NULL && r->right_view != NULL && strcmp(r->right_view, right) == 0)
			return r;
	return NULL;
}

static const char *title_of_right(struct cx *cx, const char *name)
{
	for (size_t i = 0; right_at(i) != NULL; i++)
		if (strcmp(right_at(i)->name, name) == 0) return words_get(cx->lang, right_at(i)->title);
	return name;
}

static const char *note_of(struct cx *cx, const char *right)
{
	const struct resource *r = own_rows(right);

	if (r == NULL) return "";
	if (r->right_all == NULL) return _("Only one's own.");
	return arena_printf(cx->arena, _("Only one's own, unless the role also has “%s”."),
			    title_of_right(cx, r->right_all));
}

void fill_right_groups(struct cx *cx, struct value *page, const char *chosen)
{
	struct value *groups = value_set_list(cx->arena, page, "groups"), *rights = NULL;
	const char *last = NULL;

	for (size_t i = 0; right_at(i) != NULL; i++) {
		const struct right *r = right_at(i);
		const char *group = right_group(i);
		struct value *one;

		if (last == NULL || strcmp(last, group) != 0) {
			one = value_add_map(cx->arena, groups);
			value_set_text(cx->arena, one, "group", words_get(cx->lang, group));
			rights = value_set_list(cx->arena, one, "rights");
			last = group;
		}
		one = value_add_map(cx->arena, rights);
		value_set_text(cx->arena, one, "right", r->name);
		value_set_text(cx->arena, one, "right_title", words_get(cx->lang, r->title));
		value_set_text(cx->arena, one, "note", note_of(cx, r->name));
		value_set_bool(cx->arena, one, "is_chosen", has_right(chosen, r->name));
		value_set_bool(cx->arena, one, "cannot", !actor_may(&cx->actor, r->name));
	}
}

void role_show(struct cx *cx, int64_t id, struct value *page)
{
	struct value *was = NULL;

	if (stored_role(cx, id, &was) != RC_OK) return;
	fill_right_groups(cx, page, value_text_of(value_get(was, "rights"), ""));
}

/* The page of all roles and rights */

static void fill_cells(struct cx *cx, const struct value *roles, const char *right, struct value *out,
		       bool may_edit)
{
	struct value *cells = value_set_list(cx->arena, out, "cells");
	const struct resource *own = own_rows(right);

	for (const struct value *v = roles->first; v != NULL; v = v->next) {
		const char *rights = value_text_of(value_get(v, "rights"), "");
		bool is_owner = strcmp(value_text_of(value_get(v, "name"), ""), "owner") == 0;
		bool has = has_right(rights, right);
		struct value *cell = value_add_map(cx->arena, cells);

		value_set_text(cx->arena, cell, "grant",
			       arena_printf(cx->arena, "%lld:%s",
					    (long long)value_int_of(value_get(v, "id"), 0), right));
		value_set_text(cx->arena, cell, "role",
			       words_get(cx->lang, value_text_of(value_get(v, "title"), "")));
		value_set_bool(cx->arena, cell, "has", has);
		value_set_bool(cx->arena, cell, "is_box",
			       may_edit && !is_owner && actor_may(&cx->actor, right) &&
				       rights_include(cx->actor.rights, rights));
		value_set_bool(cx->arena, cell, "is_own",
			       has && own != NULL &&
				       (own->right_all == NULL || !has_right(rights, own->right_all)));
	}
}

static enum rc roles_rows(struct cx *cx, struct value **roles)
{
	return db_rows(cx, roles, ROLES_SHOWN,
		       "SELECT id, name, title, rights, updated_at FROM role WHERE archived_at IS NULL"
		       " ORDER BY is_builtin DESC, id",
		       NO_PARAMS);
}

static enum rc roles_page(struct cx *cx, struct call *call, enum rc failed)
{
	struct value *page = value_map(cx->arena), *roles = NULL, *heads;
	const struct value *groups;
	bool may_edit = actor_may(&cx->actor, "users.edit");
	enum rc rc = roles_rows(cx, &roles);

	if (rc != RC_OK) return rc;
	heads = value_set_list(cx->arena, page, "roles");
	for (const struct value *v = roles->first; v != NULL; v = v->next) {
		struct value *head = value_add_map(cx->arena, heads);
		long long id = value_int_of(value_get(v, "id"), 0);

		value_set_text(cx->arena, head, "role_title",
			       words_get(cx->lang, value_text_of(value_get(v, "title"), "")));
		value_set_text(cx->arena, head, "href", arena_printf(cx->arena, "/roles/%lld", id));
		value_set_text(cx->arena, head, "seen",
			       arena_printf(cx->arena, "%lld:%lld", id,
					    (long long)value_int_of(value_get(v, "updated_at"), 0)));
	}
	value_set_int(cx->arena, page, "columns", (int64_t)heads->count + 1);
	fill_right_groups(cx, page, "");
	groups = value_get(page, "groups");
	for (struct value *g = groups->first; g != NULL; g = g->next)
		for (struct value *r = value_get(g, "rights")->first; r != NULL; r = r->next)
			fill_cells(cx, roles, value_text_of(value_get(r, "right"), ""), r, may_edit);
	value_set_bool(cx->arena, page, "may_edit", may_edit);
	trail_add(cx, page, _("Roles"), "/roles");
	fill_failure(cx, page, failed);
	page_answer(cx, call, "desk/roles", _("Roles and rights"), page);
	if (failed != RC_OK) reply_status(call_reply(call), rc_row(failed)->http);
	return RC_OK;
}

enum rc handle_role_matrix(struct cx *cx, struct call *call)
{
	return call_shape(call) == SHAPE_PAGE ? roles_page(cx, call, RC_OK) : RC_NOT_FOUND;
}

/* What the boxes of one role say now. Rights the actor does not have stay as they are. */
static const char *rights_given(struct cx *cx, struct call *call, long long id, const char *had)
{
	const char *prefix = arena_printf(cx->arena, "%lld:", id);
	size_t n = strlen(prefix), count = form_count(call, "grant");
	struct sb sb;

	sb_init_arena(&sb, cx->arena, RIGHTS_TEXT_MAX);
	for (size_t i = 0; i < count; i++) {
		const char *grant = form_text_at(call, "grant", i);

		if (strncmp(grant, prefix, n) != 0) continue;
		if (sb.len > 0) sb_char(&sb, ' ');
		sb_text(&sb, grant + n);
	}
	for (size_t i = 0; right_at(i) != NULL; i++) {
		const char *right = right_at(i)->name;

		if (!has_right(had, right) || actor_may(&cx->actor, right)) continue;
		if (sb.len > 0) sb_char(&sb, ' ');
		sb_text(&sb, right);
	}
	return sb_text_of(&sb);
}

/* One role of the page: RC_CONFLICT when it is not as the page showed it. */
static enum rc save_role(struct cx *cx, struct call *call, const char *seen)
{
	char *end = NULL;
	int64_t id = strtoll(seen, &end, 10), at = *end == ':' ? strtoll(end + 1, NULL, 10) : -1;
	struct value *row = NULL, *input = value_map(cx->arena);
	const char *had;
	enum rc rc = db_row(
		cx, &row, "SELECT name, rights, updated_at FROM role WHERE id = :id AND archived_at IS NULL",
		PARAMS(P_INT(":id", id)));

	if (rc == RC_NOT_FOUND || (rc == RC_OK && value_int_of(value_get(row, "updated_at"), 0) != at))
		return cx_fail(
			cx, RC_CONFLICT,
			_("Somebody else changed the roles meanwhile. This is how they are now: look again."));
	if (rc != RC_OK) return rc;
	had = value_text_of(value_get(row, "rights"), "");
	if (has_right(had, "*") || !rights_include(cx->actor.rights, had)) return RC_OK;
	value_set_text(cx->arena, input, "rights", rights_given(cx, call, id, had));
	return desk_save(cx, desk_resource("roles"), &id, input);
}

enum rc handle_role_rights(struct cx *cx, struct call *call)
{
	size_t count;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) return RC_NOT_FOUND;
	count = form_count(call, "seen");
	rc = tx_begin(cx);
	for (size_t i = 0; i < count && i < ROLES_SHOWN && rc == RC_OK; i++)
		rc = save_role(cx, call, form_text_at(call, "seen", i));
	rc = tx_end(cx, rc);
	if (is_for_the_form(rc)) return roles_page(cx, call, rc);
	if (rc == RC_OK)
		answer_flash(cx, call, "/roles/rights", _("Saved. It counts from now on, for everybody."));
	return rc;
}
