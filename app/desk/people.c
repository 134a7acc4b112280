/*
** people.c -- users, roles and API tokens in the panel.
**
** Needs:  web.h's auth for passwords and tokens: neither is hashed or kept here.
** Never:  shows a password or a token again after it was made.
** Holds:  (1) there is always an owner who can log in; (2) whoever is archived or gets a new password
**         is logged out everywhere; (3) nobody archives himself.
*/
#include "desk/inner.h"

#include "base/text.h"
#include <string.h>

#define ROLE_NAMES "owner=Owner|seller=Seller|reader=Reader"
#define RIGHTS_MAX 4000 /* characters of a token's rights: all of them by name fit */

/* Users */

const struct column user_columns[] = {
	{ .name = "name",
	  .title = N_("Name"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_SEARCH },
	{ .name = "role",
	  .title = N_("Role"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "(SELECT r.name FROM role r WHERE r.id = t.role_id)",
	  .choices = ROLE_NAMES },
	{ .name = "email", .title = N_("E-mail"), .type = COLUMN_EMAIL, .flags = COL_LIST | COL_SEARCH },
	{ .name = "language",
	  .title = N_("Language"),
	  .type = COLUMN_CHOICE,
	  .choices = "es=Spanish|en=English" },
	{ .name = "last_login_at",
	  .title = N_("Last log-in"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "created_at", .title = N_("Made"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = NULL },
};

const struct sort user_sorts[] = {
	{ .name = "name", .title = N_("Name"), .sql = "t.name_folded" },
	{ .name = NULL },
};

/* Is somebody else an owner too? */
static enum rc check_owner_left(struct cx *cx, int64_t user_id)
{
	int64_t others = 0;
	enum rc rc = db_get_int(
		cx, &others,
		"SELECT (SELECT r.name FROM role r JOIN user u ON u.role_id = r.id WHERE u.id = :id) <> 'owner'"
		" OR EXISTS (SELECT 1 FROM user u JOIN role r ON r.id = u.role_id WHERE r.name = 'owner'"
		" AND u.archived_at IS NULL AND u.id <> :id)",
		PARAMS(P_INT(":id", user_id)));

	if (rc == RC_OK && others == 0)
		return cx_fail(cx, RC_CONFLICT,
			       _("This is the only owner: make somebody else an owner first."));
	return rc;
}

enum rc user_before_archive(struct cx *cx, int64_t id)
{
	enum rc rc;

	if (id == cx->actor.user_id) return cx_fail(cx, RC_CONFLICT, _("You cannot archive yourself."));
	rc = check_owner_left(cx, id);
	if (rc == RC_OK) rc = db_run(cx, "DELETE FROM session WHERE user_id = :id", PARAMS(P_INT(":id", id)));
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE api_token SET archived_at = :now WHERE user_id = :id AND archived_at IS NULL",
			PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	return rc;
}

enum rc user_before_save(struct cx *cx, int64_t id, struct value *values)
{
	(void)values;
	if (id != 0) return RC_OK;
	return cx_fail(
		cx, RC_BAD_INPUT,
		_("Users are made on their own page or with `recado user add`: they need a password."));
}

struct user_form {
	const char *name, *role, *email, *language, *password;
};

static const char *text_of(struct call *call, const char *name)
{
	const char *text = form_text(call, name);

	return text != NULL ? text : "";
}

static void fill_roles(struct cx *cx, const char *current, struct value *page)
{
	static const char *const names[] = { "owner", "seller", "reader" };
	static const char *const titles[] = { N_("Owner"), N_("Seller"), N_("Reader") };
	struct value *list = value_set_list(cx->arena, page, "roles");

	for (size_t i = 0; i < 3; i++) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "value", names[i]);
		value_set_text(cx->arena, one, "title", words_get(cx->lang, titles[i]));
		value_set_bool(cx->arena, one, "is_selected", strcmp(names[i], current) == 0);
	}
}

static void fill_errors(struct cx *cx, struct value *page, enum rc rc)
{
	if (rc == RC_OK) return;
	value_set_text(cx->arena, page, "failure", cx_sentence(cx, rc));
	for (size_t i = 0; i < cx->field_count; i++)
		value_set_text(cx->arena, page, arena_printf(cx->arena, "error_%s", cx->fields[i].field),
			       cx->fields[i].message);
}

static enum rc user_page(struct cx *cx, struct call *call, const char *id, const struct user_form *f,
			 enum rc failed)
{
	struct value *page = value_map(cx->arena);
	bool is_new = id == NULL;

	trail_add(cx, page, _("Users"), "/users");
	value_set_text(cx->arena, page, "form_action",
		       is_new ? "/users/new" : arena_printf(cx->arena, "/users/%s/edit", id));
	value_set_text(cx->arena, page, "back", is_new ? "/users" : arena_printf(cx->arena, "/users/%s", id));
	value_set_bool(cx->arena, page, "is_new", is_new);
	value_set_text(cx->arena, page, "name", f->name);
	value_set_text(cx->arena, page, "email", f->email);
	value_set_bool(cx->arena, page, "is_es", strcmp(f->language, "es") == 0);
	value_set_bool(cx->arena, page, "is_en", strcmp(f->language, "en") == 0);
	fill_roles(cx, f->role, page);
	fill_errors(cx, page, failed);
	page_answer(cx, call, "desk/user", is_new ? _("New user") : f->name, page);
	if (failed != RC_OK) reply_status(call_reply(call), 422);
	return RC_OK;
}

static struct user_form user_form_of(struct call *call)
{
	return (struct user_form){ .name = text_of(call, "name"),
				   .role = text_of(call, "role"),
				   .email = text_of(call, "email"),
				   .language = text_of(call, "language"),
				   .password = text_of(call, "password") };
}

enum rc handle_user_new(struct cx *cx, struct call *call)
{
	return user_page(cx, call, NULL, &(struct user_form){ "", "seller", "", "", "" }, RC_OK);
}

/* E-mail, language: through the same checks as the API. */
static enum rc save_details(struct cx *cx, int64_t id, const struct user_form *f)
{
	struct value *input = value_map(cx->arena);

	value_set_text(cx->arena, input, "email", f->email);
	value_set_text(cx->arena, input, "language", f->language);
	return desk_save(cx, desk_resource("users"), &id, input);
}

static enum rc set_role(struct cx *cx, int64_t id, const char *role)
{
	struct value *before = value_map(cx->arena), *after = value_map(cx->arena);
	const char *old = "";
	int64_t role_id = 0;
	enum rc rc = db_get_text(cx, &old,
				 "SELECT r.name FROM user u JOIN role r ON r.id = u.role_id WHERE u.id = :id",
				 PARAMS(P_INT(":id", id)));

	if (rc != RC_OK || strcmp(old, role) == 0) return rc;
	rc = db_get_int(cx, &role_id, "SELECT id FROM role WHERE name = :name",
			PARAMS(P_TEXT(":name", role)));
	if (rc == RC_NOT_FOUND) return cx_fail_field(cx, "role", _("“%s” is not one of the choices."), role);
	if (rc == RC_OK && strcmp(old, "owner") == 0) rc = check_owner_left(cx, id);
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE user SET role_id = :role, updated_at = :now WHERE id = :id",
			    PARAMS(P_INT(":role", role_id), P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	value_set_text(cx->arena, before, "role", old);
	value_set_text(cx->arena, after, "role", role);
	return rc == RC_OK ? audit_add(cx, "update", "user", id, before, after) : rc;
}

static bool is_mendable(enum rc rc)
{
	return rc == RC_BAD_INPUT || rc == RC_CONFLICT || rc == RC_TOO_LARGE;
}

enum rc handle_user_create(struct cx *cx, struct call *call)
{
	struct user_form f;
	int64_t id = 0;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	f = user_form_of(call);
	rc = user_add(cx, &id, f.name, f.role, f.password);
	if (rc == RC_OK && (f.email[0] != '\0' || f.language[0] != '\0')) {
		rc = tx_begin(cx);
		if (rc == RC_OK) rc = tx_end(cx, save_details(cx, id, &f));
		/* The user is there already: what is wrong now is mended on his own page. */
		if (is_mendable(rc)) {
			answer_flash(cx, call, arena_printf(cx->arena, "/users/%lld/edit", (long long)id),
				     cx_sentence(cx, rc));
			return RC_OK;
		}
	}
	if (is_mendable(rc)) return user_page(cx, call, NULL, &f, rc);
	if (rc == RC_OK)
		answer_flash(cx, call, "/users", arena_printf(cx->arena, _("“%s” was created."), f.name));
	return rc;
}

static enum rc user_row(struct cx *cx, struct call *call, int64_t *id, struct value **row)
{
	enum rc rc = desk_find(cx, id, desk_resource("users"), call_param(call, "id"));

	if (rc == RC_OK)
		rc = db_row(
			cx, row,
			"SELECT u.public_id AS public_id, u.name AS name, coalesce(u.email, '') AS email,"
			" u.language AS language, r.name AS role FROM user u JOIN role r ON r.id = u.role_id WHERE u.id = :id",
			PARAMS(P_INT(":id", *id)));
	return rc;
}

enum rc handle_user_edit(struct cx *cx, struct call *call)
{
	struct value *row = NULL;
	int64_t id = 0;
	enum rc rc = user_row(cx, call, &id, &row);

	if (rc != RC_OK) return rc;
	return user_page(cx, call, value_text_of(value_get(row, "public_id"), ""),
			 &(struct user_form){ value_text_of(value_get(row, "name"), ""),
					      value_text_of(value_get(row, "role"), ""),
					      value_text_of(value_get(row, "email"), ""),
					      value_text_of(value_get(row, "language"), ""), "" },
			 RC_OK);
}

enum rc handle_user_save(struct cx *cx, struct call *call)
{
	struct value *row = NULL;
	struct user_form f;
	const char *public_id;
	int64_t id = 0;
	enum rc rc = user_row(cx, call, &id, &row);

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc != RC_OK) return rc;
	f = user_form_of(call);
	f.name = value_text_of(value_get(row, "name"), "");
	public_id = value_text_of(value_get(row, "public_id"), "");
	rc = tx_begin(cx);
	if (rc == RC_OK) {
		rc = save_details(cx, id, &f);
		if (rc == RC_OK && f.role[0] != '\0') rc = set_role(cx, id, f.role);
		rc = tx_end(cx, rc);
	}
	if (rc == RC_OK && f.password[0] != '\0') rc = user_set_password(cx, f.name, f.password);
	if (is_mendable(rc)) return user_page(cx, call, public_id, &f, rc);
	if (rc == RC_OK)
		answer_flash(cx, call, arena_printf(cx->arena, "/users/%s", public_id),
			     arena_printf(cx->arena, _("“%s” was saved."), f.name));
	return rc;
}

/* Roles */

static bool role_has(struct cx *cx, const char *role, const char *right)
{
	int64_t n = 0;

	return db_get_int(
		       cx, &n,
		       "SELECT count(*) FROM role_right x JOIN role r ON r.id = x.role_id WHERE r.name = :role"
		       " AND x.right IN (:right, '*')",
		       PARAMS(P_TEXT(":role", role), P_TEXT(":right", right))) == RC_OK &&
	       n > 0;
}

enum rc handle_roles(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *roles = NULL, *heads, *rows;
	enum rc rc = db_rows(cx, &roles, 20, "SELECT name, title FROM role ORDER BY id LIMIT 20", NO_PARAMS);

	if (rc != RC_OK) return rc;
	heads = value_set_list(cx->arena, page, "roles");
	for (const struct value *v = roles->first; v != NULL; v = v->next)
		value_set_text(cx->arena, value_add_map(cx->arena, heads), "title",
			       words_get(cx->lang, value_text_of(value_get(v, "title"), "")));
	rows = value_set_list(cx->arena, page, "rights");
	for (size_t i = 0; right_at(i) != NULL; i++) {
		struct value *out = value_add_map(cx->arena, rows), *cells;

		value_set_text(cx->arena, out, "name", right_at(i)->name);
		value_set_text(cx->arena, out, "title", words_get(cx->lang, right_at(i)->title));
		cells = value_set_list(cx->arena, out, "cells");
		for (const struct value *v = roles->first; v != NULL; v = v->next)
			value_set_bool(
				cx->arena, value_add_map(cx->arena, cells), "has",
				role_has(cx, value_text_of(value_get(v, "name"), ""), right_at(i)->name));
	}
	if (call_shape(call) == SHAPE_JSON) {
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	trail_add(cx, page, _("Users"), "/users");
	page_answer(cx, call, "desk/roles", _("Roles"), page);
	return RC_OK;
}

/* Tokens */

const struct column token_columns[] = {
	{ .name = "name", .title = N_("Name"), .type = COLUMN_TEXT, .flags = COL_READONLY | COL_LIST },
	{ .name = "rights",
	  .title = N_("Rights"),
	  .type = COLUMN_LONG_TEXT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "created_at",
	  .title = N_("Made"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "last_used_at",
	  .title = N_("Last used"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "expires_at",
	  .title = N_("Expires"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = NULL },
};

const struct sort token_sorts[] = {
	{ .name = "id", .title = N_("Newest"), .sql = "t.id", .is_down = true },
	{ .name = NULL },
};

enum rc token_before_save(struct cx *cx, int64_t id, struct value *values)
{
	(void)id;
	(void)values;
	return cx_fail(cx, RC_BAD_INPUT,
		       _("Tokens are made on their own page or with `recado token add`, and never changed."));
}

static enum rc token_page(struct cx *cx, struct call *call, const char *name, const char *token,
			  enum rc failed)
{
	struct value *page = value_map(cx->arena), *list = value_set_list(cx->arena, page, "rights");

	for (size_t i = 0; right_at(i) != NULL; i++) {
		struct value *one = value_add_map(cx->arena, list);
		bool is_chosen = false;

		for (size_t k = 0; failed != RC_OK && k < form_count(call, "rights") && !is_chosen; k++)
			is_chosen = strcmp(form_text_at(call, "rights", k), right_at(i)->name) == 0;
		value_set_text(cx->arena, one, "name", right_at(i)->name);
		value_set_text(cx->arena, one, "title", words_get(cx->lang, right_at(i)->title));
		value_set_bool(cx->arena, one, "is_chosen", is_chosen);
	}
	trail_add(cx, page, _("API tokens"), "/tokens");
	value_set_text(cx->arena, page, "name", name);
	if (token != NULL) value_set_text(cx->arena, page, "token", token);
	fill_errors(cx, page, failed);
	answer_header(call, "Cache-Control", "no-store");
	page_answer(cx, call, "desk/token", token != NULL ? name : _("New token"), page);
	if (failed != RC_OK) reply_status(call_reply(call), 422);
	return RC_OK;
}

enum rc handle_token_new(struct cx *cx, struct call *call)
{
	return token_page(cx, call, "", NULL, RC_OK);
}

enum rc handle_token_create(struct cx *cx, struct call *call)
{
	char token[TOKEN_SIZE + 8];
	struct sb rights;
	const char *name;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	name = text_of(call, "name");
	sb_init_arena(&rights, cx->arena, RIGHTS_MAX);
	for (size_t i = 0; i < form_count(call, "rights"); i++) {
		if (i > 0) sb_char(&rights, ' ');
		sb_text(&rights, form_text_at(call, "rights", i));
	}
	if (name[0] == '\0')
		rc = cx_fail_field(cx, "name", _("This is needed."));
	else if (rights.len == 0)
		rc = cx_fail_field(cx, "rights", _("Choose at least one right."));
	if (rc == RC_OK) rc = sb_result(&rights);
	if (rc == RC_OK) rc = token_add(cx, token, name, sb_text_of(&rights));
	if (is_mendable(rc)) return token_page(cx, call, name, NULL, rc);
	if (rc != RC_OK) return rc;
	/* Shown once, in the answer to this very request: it is stored hashed. */
	rc = token_page(cx, call, name, arena_text(cx->arena, token), RC_OK);
	explicit_bzero(token, sizeof token);
	return rc;
}
