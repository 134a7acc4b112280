/*
** people.c -- users in the panel: list, form, page.
**
** Needs:  web/people.h for passwords, roles, sessions: nothing of that is hashed or judged here.
** Never:  shows a password.
** Holds:  (1) there is always an owner who can log in; (2) whoever is archived, gets a new password or may do
**         less is logged out everywhere; (3) nobody archives himself, nor changes somebody who may do more
**         than he.
*/
#include "desk/people.h"

#include <stdlib.h>
#include <string.h>

const struct column user_columns[] = {
	{ .name = "name",
	  .title = N_("Name"),
	  .type = COLUMN_TEXT,
	  .flags = COL_REQUIRED | COL_LIST | COL_SEARCH,
	  .max = 60 },
	{ .name = "role_id", .title = N_("Role"), .type = COLUMN_REF, .flags = COL_LIST, .ref = "roles" },
	{ .name = "role",
	  .title = N_("Role"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_API,
	  .sql = "(SELECT r.name FROM role r WHERE r.id = t.role_id)" },
	{ .name = "email", .title = N_("E-mail"), .type = COLUMN_EMAIL, .flags = COL_LIST | COL_SEARCH },
	{ .name = "language",
	  .title = N_("Language"),
	  .type = COLUMN_CHOICE,
	  .choices = "es=Spanish|en=English" },
	{ .name = "has_second_factor",
	  .title = N_("Second factor"),
	  .type = COLUMN_BOOL,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "(t.totp_at IS NOT NULL)" },
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

const char *field_text(struct call *call, const char *name)
{
	const char *text = form_text(call, name);

	return text != NULL ? text : "";
}

void fill_failure(struct cx *cx, struct value *page, enum rc failed)
{
	if (failed == RC_OK) return;
	value_set_text(cx->arena, page, "failure", cx_sentence(cx, failed));
	for (size_t i = 0; i < cx->field_count; i++)
		value_set_text(cx->arena, page, arena_printf(cx->arena, "error_%s", cx->fields[i].field),
			       cx->fields[i].message);
}

bool is_for_the_form(enum rc rc)
{
	return rc == RC_BAD_INPUT || rc == RC_CONFLICT || rc == RC_TOO_LARGE;
}

/* Row actions */

static enum rc run_end_sessions(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	int64_t ended = 0;
	enum rc rc = session_end_audited(cx, id, 0, id == cx->actor.user_id ? call_session(call) : 0, &ended);

	if (rc == RC_OK)
		*done = arena_printf(
			cx->arena,
			words_plural(cx->lang, ended, N_("%lld session ended."), N_("%lld sessions ended.")),
			(long long)ended);
	return rc;
}

static enum rc run_reset_factor(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = tx_begin(cx);

	(void)call;
	if (rc == RC_OK) rc = user_reach(cx, id);
	if (rc == RC_OK && id == cx->actor.user_id)
		rc = cx_fail(cx, RC_CONFLICT, _("Your own second factor is switched off on your own page."));
	if (rc == RC_OK) rc = second_factor_off(cx, id, "second_factor_reset");
	if (rc == RC_OK) rc = sessions_end(cx, id, 0, NULL);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) *done = _("The second factor is off; this person was logged out everywhere.");
	return rc;
}

const struct action user_actions[] = {
	{ .name = "end-sessions",
	  .title = N_("End all sessions"),
	  .confirm = N_("Log this person out everywhere?"),
	  .when = "EXISTS (SELECT 1 FROM session s WHERE s.user_id = t.id)",
	  .run = run_end_sessions },
	{ .name = "reset-second-factor",
	  .title = N_("Switch off the second factor"),
	  .confirm = N_(
		  "Switch off this person's second factor? Do it only when you know who asks for it: from then on "
		  "the password alone is enough."),
	  .is_dangerous = true,
	  .when = "t.totp_at IS NOT NULL AND t.id <> :actor", /* one's own: on one's own page */
	  .run = run_reset_factor },
	{ .name = NULL },
};

enum rc handle_user_session_end(struct cx *cx, struct call *call)
{
	int64_t id = 0, ended = 0, session;
	enum rc rc = desk_find(cx, &id, desk_resource("users"), call_param(call, "id"));

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc != RC_OK) return rc;
	session = strtoll(field_text(call, "session"), NULL, 10);
	if (session <= 0) return cx_fail_field(cx, "session", _("This is needed."));
	rc = session_end_audited(cx, id, session, 0, &ended);
	if (rc != RC_OK) return rc;
	answer_flash(cx, call, arena_printf(cx->arena, "/users/%s", call_param(call, "id")),
		     arena_printf(cx->arena,
				  words_plural(cx->lang, ended, N_("%lld session ended."),
					       N_("%lld sessions ended.")),
				  (long long)ended));
	return RC_OK;
}

void user_show(struct cx *cx, int64_t id, struct value *page)
{
	struct value *list = NULL;
	const char *path = value_text_of(value_get(page, "row_path"), "");
	enum rc rc = fill_sessions(cx, id, 0, page);

	/* Whoever goes hands over first: the button leads to the page that asks to whom. */
	if (value_get(page, "archive") != NULL)
		value_set_text(cx->arena, page, "archive", arena_printf(cx->arena, "%s/leave", path));
	value_set_bool(cx->arena, page, "may_end", actor_may(&cx->actor, "users.edit"));
	if (rc == RC_OK)
		rc = db_rows(
			cx, &list, 50,
			"SELECT public_id AS token, name AS token_name FROM api_token WHERE user_id = :id"
			" AND archived_at IS NULL ORDER BY id DESC",
			PARAMS(P_INT(":id", id)));
	if (rc == RC_OK && actor_may(&cx->actor, "tokens.view")) {
		value_set_bool(cx->arena, page, "has_tokens", list->count > 0);
		value_set(page, "tokens", list);
	}
}

/* Hooks */

enum rc user_before_archive(struct cx *cx, int64_t id)
{
	int64_t owns = 0;
	enum rc rc;

	if (id == cx->actor.user_id && cx->actor.kind == ACTOR_USER)
		return cx_fail(cx, RC_CONFLICT, _("You cannot archive yourself."));
	rc = user_reach(cx, id);
	if (rc == RC_OK) rc = user_owner_left(cx, id);
	if (rc == RC_OK) rc = owned_rows(cx, id, &owns);
	if (rc == RC_OK && owns > 0)
		rc = cx_fail(cx, RC_CONFLICT,
			     words_plural(cx->lang, owns,
					  N_("This person still has %lld row of his own: choose “Archive” "
					     "on his page, or `recado user archive NAME --to OTHER`."),
					  N_("This person still has %lld rows of his own: choose “Archive” "
					     "on his page, or `recado user archive NAME --to OTHER`.")),
			     (long long)owns);
	if (rc == RC_OK) rc = sessions_end(cx, id, 0, NULL);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE api_token SET archived_at = :now WHERE user_id = :id AND archived_at IS NULL",
			PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	return rc;
}

/* Whoever comes back may do again what the role may: only somebody who may as much lets him in. */
enum rc user_before_restore(struct cx *cx, int64_t id)
{
	return user_reach(cx, id);
}

/* Sessions, tokens and rows hang on the id: nobody is logged out, and history keeps the name of then. */
static enum rc heed_name(struct cx *cx, int64_t id, struct value *values)
{
	const char *name = value_text_of(value_get(values, "name"), ""), *had = "", *folded = "";
	enum rc rc = db_get_text(cx, &had, "SELECT name FROM user WHERE id = :id", PARAMS(P_INT(":id", id)));

	if (rc != RC_OK || strcmp(name, had) == 0) return rc;
	rc = user_name_check(cx, id, name, &folded);
	if (rc == RC_OK) value_set_text(cx->arena, values, "name_folded", folded);
	return rc;
}

enum rc user_before_save(struct cx *cx, int64_t id, struct value *values)
{
	int64_t had = 0, role = value_int_of(value_get(values, "role_id"), 0);
	enum rc rc;

	if (id == 0)
		return cx_fail(
			cx, RC_BAD_INPUT,
			_("Users are made on their own page or with `recado user add`: they need a password."));
	rc = user_reach(cx, id);
	if (rc == RC_OK) rc = heed_name(cx, id, values);
	if (rc == RC_OK)
		rc = db_get_int(cx, &had, "SELECT role_id FROM user WHERE id = :id",
				PARAMS(P_INT(":id", id)));
	return rc == RC_OK && role != had ? user_role_check(cx, id, role) : rc;
}

/* Form */

struct user_form {
	const char *name, *role, *email, *language, *password;
	bool is_own; /* of the actor: his password is changed on his own page */
};

static enum rc fill_roles(struct cx *cx, const char *current, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "roles"), *roles = NULL;
	enum rc rc =
		db_rows(cx, &roles, 200,
			"SELECT name, title, rights FROM role WHERE archived_at IS NULL OR name = :current"
			" ORDER BY is_builtin DESC, id",
			PARAMS(P_TEXT(":current", current)));

	for (const struct value *v = rc == RC_OK ? roles->first : NULL; v != NULL; v = v->next) {
		const char *name = value_text_of(value_get(v, "name"), "");
		bool is_current = strcmp(name, current) == 0;
		struct value *one;

		/* What he could not give anyway is not offered. */
		if (!is_current &&
		    !rights_include(cx->actor.rights, value_text_of(value_get(v, "rights"), "")))
			continue;
		one = value_add_map(cx->arena, list);
		value_set_text(cx->arena, one, "value", name);
		value_set_text(cx->arena, one, "title",
			       words_get(cx->lang, value_text_of(value_get(v, "title"), "")));
		value_set_bool(cx->arena, one, "is_selected", is_current);
	}
	return rc;
}

static enum rc user_page(struct cx *cx, struct call *call, const char *id, const struct user_form *f,
			 enum rc failed)
{
	struct value *page = value_map(cx->arena);
	bool is_new = id == NULL;
	enum rc rc;

	if (call_shape(call) != SHAPE_PAGE) return failed != RC_OK ? failed : RC_NOT_FOUND;
	rc = fill_roles(cx, f->role, page);
	if (rc != RC_OK) return rc;
	trail_add(cx, page, _("Users"), "/users");
	value_set_text(cx->arena, page, "form_action",
		       is_new ? "/users/new" : arena_printf(cx->arena, "/users/%s/edit", id));
	value_set_text(cx->arena, page, "back", is_new ? "/users" : arena_printf(cx->arena, "/users/%s", id));
	value_set_bool(cx->arena, page, "is_new", is_new);
	value_set_bool(cx->arena, page, "is_own", f->is_own);
	value_set_text(cx->arena, page, "name", f->name);
	value_set_text(cx->arena, page, "email", f->email);
	value_set_bool(cx->arena, page, "is_es", strcmp(f->language, "es") == 0);
	value_set_bool(cx->arena, page, "is_en", strcmp(f->language, "en") == 0);
	fill_failure(cx, page, failed);
	page_answer(cx, call, "desk/user", is_new ? _("New user") : f->name, page);
	if (failed != RC_OK) reply_status(call_reply(call), 422);
	return RC_OK;
}

static struct user_form user_form_of(struct call *call)
{
	return (struct user_form){ .name = field_text(call, "name"),
				   .role = field_text(call, "role"),
				   .email = field_text(call, "email"),
				   .language = field_text(call, "language"),
				   .password = field_text(call, "password") };
}

enum rc handle_user_new(struct cx *cx, struct call *call)
{
	return user_page(cx, call, NULL, &(struct user_form){ "", "seller", "", "", "", false }, RC_OK);
}

/* Name, e-mail, language, role: through the same checks as the API. */
static enum rc save_details(struct cx *cx, int64_t id, const struct user_form *f)
{
	struct value *input = value_map(cx->arena);
	int64_t role_id = 0;
	enum rc rc = RC_OK;

	value_set_text(cx->arena, input, "name", f->name);
	value_set_text(cx->arena, input, "email", f->email);
	value_set_text(cx->arena, input, "language", f->language);
	if (f->role[0] != '\0') {
		rc = role_find(cx, &role_id, f->role);
		if (rc == RC_BAD_INPUT)
			return cx_fail_field(cx, "role", _("“%s” is not one of the choices."), f->role);
		value_set_int(cx->arena, input, "role_id", role_id);
	}
	return rc == RC_OK ? desk_save(cx, desk_resource("users"), &id, input) : rc;
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
		f.role = "";
		rc = tx_begin(cx);
		if (rc == RC_OK) rc = tx_end(cx, save_details(cx, id, &f));
		/* The user is there already: what is wrong now is mended on his own page. */
		if (is_for_the_form(rc)) {
			answer_flash(cx, call, arena_printf(cx->arena, "/users/%lld/edit", (long long)id),
				     cx_sentence(cx, rc));
			return RC_OK;
		}
	}
	if (is_for_the_form(rc)) return user_page(cx, call, NULL, &f, rc);
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
					      value_text_of(value_get(row, "language"), ""), "",
					      id == cx->actor.user_id },
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
	if (form_text(call, "name") == NULL) f.name = value_text_of(value_get(row, "name"), "");
	f.is_own = id == cx->actor.user_id;
	public_id = value_text_of(value_get(row, "public_id"), "");
	if (f.password[0] != '\0' && f.is_own) /* an open screen is not an open account */
		rc = cx_fail_field(
			cx, "password",
			_("Change your own password under “My account”: it asks for the old one."));
	else if (f.password[0] != '\0') /* before anything is saved: what is refused changes nothing */
		rc = password_allowed(cx, f.password, f.name);
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc == RC_OK) rc = tx_end(cx, save_details(cx, id, &f));
	if (rc == RC_OK && f.password[0] != '\0') rc = user_password(cx, id, f.password, 0);
	if (is_for_the_form(rc)) return user_page(cx, call, public_id, &f, rc);
	if (rc == RC_OK)
		answer_flash(cx, call, arena_printf(cx->arena, "/users/%s", public_id),
			     arena_printf(cx->arena, _("“%s” was saved."), f.name));
	return rc;
}

enum rc user_rename(struct cx *cx, int64_t user_id, const char *name)
{
	struct value *input = value_map(cx->arena);
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, input, "name", name);
	rc = tx_end(cx, desk_save(cx, desk_resource("users"), &user_id, input));
	if (rc == RC_OK) log_event(LOG_INFO, "security", "user.rename", "user=%lld", (long long)user_id);
	return rc;
}
