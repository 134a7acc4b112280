/*
** tokens.c -- API tokens in the panel: list with their state, form, the one time a token is shown.
**
** Needs:  web/people.h, which makes and judges them.
** Never:  shows a token again after it was made.
** Holds:  a revoked token stays among the archived ones: who looks for a program that stopped finds why.
*/
#include "desk/people.h"

#include <stdlib.h>
#include <string.h>

#define SOON_DAYS "14" /* that long before its end a token is said to end soon */
#define DAY_SQL   "86400000"

const struct column token_columns[] = {
	{ .name = "name",
	  .title = N_("Name"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_SEARCH },
	{ .name = "state",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "CASE WHEN t.archived_at IS NOT NULL THEN 'revoked'"
		 " WHEN t.user_id IS NOT NULL AND (SELECT u.archived_at FROM user u WHERE u.id = t.user_id)"
		 " IS NOT NULL THEN 'revoked'"
		 " WHEN t.expires_at IS NULL THEN 'valid' WHEN t.expires_at <= :now THEN 'expired'"
		 " WHEN t.expires_at <= :now + " SOON_DAYS " * " DAY_SQL " THEN 'ending' ELSE 'valid' END",
	  .choices = "valid=Valid|ending=Ends soon|expired=Expired|revoked=Revoked" },
	{ .name = "days_left",
	  .title = N_("Days left"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "CASE WHEN t.archived_at IS NULL AND t.expires_at > :now"
		 " THEN (t.expires_at - :now + " DAY_SQL " - 1) / " DAY_SQL " END" },
	{ .name = "user_id",
	  .title = N_("User"),
	  .type = COLUMN_REF,
	  .flags = COL_READONLY | COL_LIST,
	  .ref = "users" },
	{ .name = "rights", .title = N_("Rights"), .type = COLUMN_LONG_TEXT, .flags = COL_READONLY },
	{ .name = "last_used_at",
	  .title = N_("Last used"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "expires_at", .title = N_("Expires"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "created_at", .title = N_("Made"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = NULL },
};

const struct sort token_sorts[] = {
	{ .name = "id", .title = N_("Newest"), .sql = "t.id", .is_down = true },
	{ .name = NULL },
};

const struct filter token_filters[] = {
	{ .name = "state",
	  .title = N_("State"),
	  .choices = "valid=Valid|expired=Expired",
	  .sql = (const char *const[]){ "(t.expires_at IS NULL OR t.expires_at > :now)",
					"t.expires_at <= :now", NULL } },
	{ .name = NULL },
};

enum rc token_before_save(struct cx *cx, int64_t id, struct value *values)
{
	(void)id;
	(void)values;
	return cx_fail(cx, RC_BAD_INPUT,
		       _("Tokens are made on their own page or with `recado token add`, and never changed."));
}

/* "30", "90", "365" days from now, "" or "never", or "date" with the last day in expires_on: its end. */
static enum rc expiry_of(struct cx *cx, struct call *call, instant *out)
{
	const char *kind = field_text(call, "expires"), *on = field_text(call, "expires_on");
	day d;

	*out = 0;
	if (strcmp(kind, "30") == 0 || strcmp(kind, "90") == 0 || strcmp(kind, "365") == 0) {
		*out = zone_midnight(cx->env->zone, cx_today(cx) + (day)strtol(kind, NULL, 10) + 1);
		return RC_OK;
	}
	if (kind[0] == '\0' || strcmp(kind, "never") == 0) return RC_OK;
	if (strcmp(kind, "date") != 0)
		return cx_fail_field(cx, "expires", _("“%s” is not one of the choices."), kind);
	if (day_parse_any(&d, on) != RC_OK)
		return cx_fail_field(cx, "expires", _("Give the last day on which it is good."));
	*out = zone_midnight(cx->env->zone, d + 1);
	return RC_OK;
}

static const char *chosen_rights(struct cx *cx, struct call *call)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, RIGHTS_TEXT_MAX);
	for (size_t i = 0; i < form_count(call, "rights"); i++) {
		if (i > 0) sb_char(&sb, ' ');
		sb_text(&sb, form_text_at(call, "rights", i));
	}
	return sb_text_of(&sb);
}

static enum rc token_page(struct cx *cx, struct call *call, const char *name, const char *token,
			  enum rc failed)
{
	static const struct {
		const char *value, *title;
	} ends[] = { { "30", N_("In 30 days") },
		     { "90", N_("In 90 days") },
		     { "365", N_("In a year") },
		     { "never", N_("Never") },
		     { "date", N_("On the day below") } };
	const char *kind = failed != RC_OK ? field_text(call, "expires") : "365";
	struct value *page = value_map(cx->arena), *list;

	if (call_shape(call) != SHAPE_PAGE) return failed != RC_OK ? failed : RC_NOT_FOUND;
	list = value_set_list(cx->arena, page, "ends");
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "value", ends[i].value);
		value_set_text(cx->arena, one, "title", words_get(cx->lang, ends[i].title));
		value_set_bool(cx->arena, one, "is_selected", strcmp(ends[i].value, kind) == 0);
	}
	fill_right_groups(cx, page, failed != RC_OK ? chosen_rights(cx, call) : "");
	trail_add(cx, page, _("API tokens"), "/tokens");
	value_set_text(cx->arena, page, "name", name);
	value_set_text(cx->arena, page, "expires_on", failed != RC_OK ? field_text(call, "expires_on") : "");
	if (token != NULL) value_set_text(cx->arena, page, "token", token);
	fill_failure(cx, page, failed);
	page_answer(cx, call, "desk/token", token != NULL ? name : _("New token"), page);
	if (failed != RC_OK) reply_status(call_reply(call), failed == RC_DENIED ? 403 : 422);
	return RC_OK;
}

enum rc handle_token_new(struct cx *cx, struct call *call)
{
	return token_page(cx, call, "", NULL, RC_OK);
}

enum rc handle_token_create(struct cx *cx, struct call *call)
{
	char token[TOKEN_SIZE + 8];
	struct token_order order = { .user_id = cx->actor.user_id };
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	order.name = field_text(call, "name");
	order.rights = chosen_rights(cx, call);
	if (order.name[0] == '\0')
		rc = cx_fail_field(cx, "name", _("This is needed."));
	else if (order.rights[0] == '\0')
		rc = cx_fail_field(cx, "rights", _("Choose at least one right."));
	if (rc == RC_OK) rc = expiry_of(cx, call, &order.expires_at);
	if (rc == RC_OK) rc = token_make(cx, token, &order);
	if (is_for_the_form(rc) || rc == RC_DENIED) return token_page(cx, call, order.name, NULL, rc);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_JSON) {
		struct value *made = value_map(cx->arena);

		value_set_text(cx->arena, made, "name", order.name);
		value_set_text(cx->arena, made, "token", token);
		if (order.expires_at != 0) value_set_int(cx->arena, made, "expires_at", order.expires_at);
		shape_json(cx, made);
		answer_json(cx, call, 201, made);
		explicit_bzero(token, sizeof token);
		return RC_OK;
	}
	/* Shown once, in the answer to this very request: it is stored hashed. */
	rc = token_page(cx, call, order.name, arena_text(cx->arena, token), RC_OK);
	explicit_bzero(token, sizeof token);
	return rc;
}
