/*
** me.c -- one's own account: language, e-mail, password.
**
** Needs:  web/people.h: a new password ends every session of the person; the old one is asked for like at a
**         log-in, and as slowly after wrong tries.
** Never:  changes name, role or anybody else.
** Holds:  a new password needs the old one, so that an open screen is not an open account.
*/
#include "desk/people.h"

#include <string.h>

static enum rc second_factor_has_state(struct cx *cx, struct value *page)
{
	struct second_factor s;
	enum rc rc = second_factor_state(cx, &s, cx->actor.user_id);

	if (rc == RC_OK) value_set_bool(cx->arena, page, "has_factor", s.is_on);
	return rc;
}

static enum rc me_page(struct cx *cx, struct call *call, const char *email, const char *language,
		       enum rc failed)
{
	struct value *page = value_map(cx->arena);
	enum rc rc;

	value_set_text(cx->arena, page, "name", cx->actor.name);
	value_set_text(cx->arena, page, "email", email);
	value_set_bool(cx->arena, page, "is_es", strcmp(language, "es") == 0);
	value_set_bool(cx->arena, page, "is_en", strcmp(language, "en") == 0);
	fill_failure(cx, page, failed);
	rc = second_factor_has_state(cx, page);
	if (rc != RC_OK) return rc;
	page_answer(cx, call, "desk/me", _("My account"), page);
	if (failed != RC_OK) reply_status(call_reply(call), failed == RC_TOO_MANY ? 429 : 422);
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
	email = field_text(call, "email");
	language = field_text(call, "language");
	password = field_text(call, "password");
	/* Before anything is saved: what is refused changes nothing. */
	if (password[0] != '\0') rc = password_allowed(cx, password, cx->actor.name);
	if (rc == RC_OK && password[0] != '\0')
		rc = user_prove(cx, call, "current", field_text(call, "current"));
	if (rc == RC_OK) rc = save_details(cx, email, language);
	if (rc == RC_OK && password[0] != '\0') rc = user_password(cx, cx->actor.user_id, password, 0);
	if (is_for_the_form(rc) || rc == RC_TOO_MANY) return me_page(cx, call, email, language, rc);
	if (rc != RC_OK) return rc;
	if (password[0] != '\0')
		answer_flash(cx, call, "/login", _("The password was changed: log in with the new one."));
	else
		answer_flash(cx, call, "/me", _("Saved."));
	return RC_OK;
}
