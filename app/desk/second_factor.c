/*
** second_factor.c -- one's own second factor: set it up with the phone, new codes on paper, switch it off.
**
** Needs:  web/people.h, which judges and counts; web/qr.h for the picture.
** Never:  shows the secret once it is in force.
** Holds:  switching on and off need the password and a code; where it is required nobody switches it off
**         himself.
*/
#include "desk/people.h"

#include "web/qr.h"
#include <string.h>

static bool is_person(struct cx *cx, struct call *call)
{
	return cx->actor.kind == ACTOR_USER && call_shape(call) == SHAPE_PAGE;
}

/* "ABCD EFGH …": as people read it out. */
static const char *grouped(struct cx *cx, const char *secret)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 200);
	for (size_t i = 0; secret[i] != '\0'; i++) {
		if (i > 0 && i % 4 == 0) sb_char(&sb, ' ');
		sb_char(&sb, secret[i]);
	}
	return sb_text_of(&sb);
}

static enum rc fill_picture(struct cx *cx, const struct second_factor *s, struct value *page)
{
	const char *path = "";
	int size = 0;
	enum rc rc = qr_path(cx->arena, &path, &size, s->link);

	if (rc != RC_OK) return rc;
	value_set_bool(cx->arena, page, "is_begun", true);
	value_set_text(cx->arena, page, "qr_path", path);
	value_set_int(cx->arena, page, "qr_size", size);
	value_set_text(cx->arena, page, "secret", grouped(cx, s->secret));
	value_set_text(cx->arena, page, "link", s->link);
	return RC_OK;
}

static enum rc factor_page(struct cx *cx, struct call *call, enum rc failed)
{
	struct value *page = value_map(cx->arena);
	struct second_factor s;
	char since[RFC3339_SIZE];
	enum rc rc = second_factor_state(cx, &s, cx->actor.user_id);

	if (rc == RC_OK && s.secret[0] != '\0') rc = fill_picture(cx, &s, page);
	if (rc != RC_OK) return rc;
	trail_add(cx, page, _("My account"), "/me");
	value_set_bool(cx->arena, page, "is_on", s.is_on);
	value_set_bool(cx->arena, page, "is_required", s.is_required);
	value_set_bool(cx->arena, page, "has_to", s.is_required && !s.is_on);
	instant_text_local(since, s.since, cx->env->zone);
	value_set_text(cx->arena, page, "since", since);
	value_set_int(cx->arena, page, "codes_left", s.codes_left);
	value_set_bool(cx->arena, page, "few_codes", s.is_on && s.codes_left < 3);
	fill_failure(cx, page, failed);
	page_answer(cx, call, "desk/second_factor", _("Second factor"), page);
	if (failed != RC_OK) reply_status(call_reply(call), rc_row(failed)->http == 429 ? 429 : 422);
	return RC_OK;
}

static enum rc codes_page(struct cx *cx, struct call *call, char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE])
{
	struct value *page = value_map(cx->arena), *list = value_set_list(cx->arena, page, "codes");

	for (size_t i = 0; i < RECOVERY_CODES; i++)
		value_set_text(cx->arena, value_add_map(cx->arena, list), "code", codes[i]);
	explicit_bzero(codes, sizeof(char[RECOVERY_CODES][RECOVERY_CODE_SIZE]));
	value_set_text(cx->arena, page, "business", setting_text(cx->env->settings, "business.name"));
	value_set_text(cx->arena, page, "name", cx->actor.name);
	page_answer(cx, call, "desk/recovery_codes", _("Recovery codes"), page);
	return RC_OK;
}

enum rc handle_factor(struct cx *cx, struct call *call)
{
	return is_person(cx, call) ? factor_page(cx, call, RC_OK) : RC_NOT_FOUND;
}

enum rc handle_factor_start(struct cx *cx, struct call *call)
{
	enum rc rc = is_person(cx, call) ? second_factor_begin(cx) : RC_NOT_FOUND;

	if (rc == RC_OK) answer_redirect(cx, call, "/me/second-factor");
	return rc;
}

static bool is_mendable(enum rc rc)
{
	return is_for_the_form(rc) || rc == RC_TOO_MANY;
}

enum rc handle_factor_prove(struct cx *cx, struct call *call)
{
	char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE];
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	if (!is_person(cx, call)) return RC_NOT_FOUND;
	/* A screen left open must not tie the account to somebody else's phone. */
	rc = user_prove(cx, call, "current", field_text(call, "current"));
	if (rc == RC_OK) rc = second_factor_prove(cx, call, field_text(call, "code"), codes);
	if (is_mendable(rc)) return factor_page(cx, call, rc);
	return rc == RC_OK ? codes_page(cx, call, codes) : rc;
}

enum rc handle_factor_codes(struct cx *cx, struct call *call)
{
	char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE];
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	if (!is_person(cx, call)) return RC_NOT_FOUND;
	rc = second_factor_check(cx, call, field_text(call, "code"));
	if (rc == RC_OK) rc = second_factor_codes(cx, codes);
	if (is_mendable(rc)) return factor_page(cx, call, rc);
	return rc == RC_OK ? codes_page(cx, call, codes) : rc;
}

enum rc handle_factor_off(struct cx *cx, struct call *call)
{
	struct second_factor s;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	if (!is_person(cx, call)) return RC_NOT_FOUND;
	rc = second_factor_state(cx, &s, cx->actor.user_id);
	if (rc == RC_OK && s.is_required)
		rc = cx_fail(cx, RC_CONFLICT,
			     _("Everybody here needs a second factor (web.second_factor): it stays on."));
	if (rc == RC_OK) rc = user_prove(cx, call, "current", field_text(call, "current"));
	if (rc == RC_OK) rc = second_factor_check(cx, call, field_text(call, "code"));
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc == RC_OK) rc = tx_end(cx, second_factor_off(cx, cx->actor.user_id, "second_factor_off"));
	if (is_mendable(rc)) return factor_page(cx, call, rc);
	if (rc == RC_OK) answer_flash(cx, call, "/me/second-factor", _("The second factor is off."));
	return rc;
}
