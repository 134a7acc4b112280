/*
** me.c -- one's own account: language, e-mail, password.
**
** Needs:  web.h's user_set_password, which ends every session of the person.
** Never:  changes name, role or anybody else.
** Holds:  a new password needs the old one, so that an open screen is not an open account.
*/
#include "desk/inner.h"

#include <string.h>

static const char *text_of(struct call *call, const char *name)
{
	const char *text = form_text(call, name);

	return text != NULL ? text : "";
}

static enum rc me_page(struct cx *cx, struct call *call, const char *email, const char *language,
		       enum rc failed)
{
	struct value *page = value_map(cx->arena);

	value_set_text(cx->arena, page, "name", cx->actor.name);
	value_set_text(cx->arena, page, "email", email);
	value_set_bool(cx->arena, page, "is_es", strcmp(language, "es") == 0);
	value_set_bool(cx->arena, page, "is_en", strcmp(language, "en") == 0);
	if (failed != RC_OK) value_set_text(cx->arena, page, "failure", cx_sentence(cx, failed));
	for (size_t i = 0; i < cx->field_count; i++)
		value_set_text(cx->arena, page, arena_printf(cx->arena, "error_%s", cx->fields[i].field),
			       cx->fields[i].message);
	page_answer(cx, call, "desk/me", _("My account"), page);
	if (failed != RC_OK) reply_status(call_reply(call), 422);
	return RC_OK;
}

enum rc handle_me(struct cx *cx, struct call *call)
{
	struct value *row = NULL;
	enum rc rc;

	if (cx->actor.kind != ACTOR_USER || call_shape(call) != SHAPE_PAGE) return RC_NOT_FOUND;
	rc = db_row(cx, &row, "SELECT coalesce(email, '') AS email, language FROM user WHERE id = :id",
		    PARAMS(P_INT(":id", cx->actor.user_id)));
	if (rc != RC_OK) return rc;
	return me_page(cx, call, value_text_of(value_get(row, "email"), ""),
		       value_text_of(value_get(row, "language"), ""), RC_OK);
}

static enum rc check_current(struct cx *cx, const char *typed)
{
	const char *hash = "";
	enum rc rc = db_get_text(cx, &hash, "SELECT password_hash FROM user WHERE id = :id",
				 PARAMS(P_INT(":id", cx->actor.user_id)));

	if (rc == RC_OK) rc = password_check(hash, typed);
	return rc == RC_DENIED ? cx_fail_field(cx, "current", _("This is not your password.")) : rc;
}

static enum rc save_details(struct cx *cx, const char *email, const char *language)
{
	struct value *input = value_map(cx->arena);
	int64_t id = cx->actor.user_id;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, input, "email", email);
	value_set_text(cx->arena, input, "language", language);
	return tx_end(cx, desk_save(cx, desk_resource("users"), &id, input));
}

enum rc handle_me_save(struct cx *cx, struct call *call)
{
	const char *email, *language, *password;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	if (cx->actor.kind != ACTOR_USER || call_shape(call) != SHAPE_PAGE) return RC_NOT_FOUND;
	email = text_of(call, "email");
	language = text_of(call, "language");
	password = text_of(call, "password");
	if (password[0] != '\0') rc = check_current(cx, text_of(call, "current"));
	if (rc == RC_OK) rc = save_details(cx, email, language);
	if (rc == RC_OK && password[0] != '\0') rc = user_set_password(cx, cx->actor.name, password);
	if (rc == RC_BAD_INPUT || rc == RC_CONFLICT) return me_page(cx, call, email, language, rc);
	if (rc != RC_OK) return rc;
	if (password[0] != '\0')
		answer_flash(cx, call, "/login", _("The password was changed: log in with the new one."));
	else
		answer_flash(cx, call, "/me", _("Saved."));
	return RC_OK;
}
