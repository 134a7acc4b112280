/*
** hand_over.c -- a person leaves: what is his goes to somebody else, then he is archived.
**
** Needs:  the resources: whatever has a column owner_id that refers to users can be handed over; no module is
**         known here by name.
** Never:  deletes or leaves anything to nobody.
** Holds:  (1) rows go over in slices, each a transaction of its own with its history, so that a thousand
**         customers never hold the write lane; (2) archiving is the last step and happens only when nothing
**         is left: whatever stops it in between, nothing is lost and doing it again goes on.
*/
#include "desk/people.h"

#include <stdlib.h>
#include <string.h>

#define SLICE      200 /* rows and as many lines of history: a few milliseconds */
#define TAKERS_MAX 200 /* people to choose from: a page's list                  */
#define OWNER      "owner_id"

static const struct resource *owned_at(size_t i)
{
	const struct resource *r;

	for (size_t k = 0; (r = desk_resource_at(k)) != NULL; k++)
		for (const struct column *c = r->columns; c->name != NULL; c++)
			if (c->type == COLUMN_REF && c->sql == NULL && strcmp(c->name, OWNER) == 0 &&
			    c->ref != NULL && strcmp(c->ref, "users") == 0) {
				if (i == 0) return r;
				i--;
				break;
			}
	return NULL;
}

/* A statement over one of those tables; the name comes from a declaration. */
static const char *over(struct cx *cx, const char *before, const struct resource *r, const char *after)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 1024);
	sb_text(&sb, before);
	sb_char(&sb, '"');
	sb_text(&sb, r->table);
	sb_char(&sb, '"');
	sb_text(&sb, after);
	return sb_text_of(&sb);
}

static enum rc count_of(struct cx *cx, const struct resource *r, int64_t user_id, int64_t *out)
{
	return db_get_int(cx, out, over(cx, "SELECT count(*) FROM ", r, " WHERE " OWNER " = :user"),
			  PARAMS(P_INT(":user", user_id)));
}

enum rc owned_rows(struct cx *cx, int64_t user_id, int64_t *out)
{
	const struct resource *r;
	enum rc rc = RC_OK;

	*out = 0;
	for (size_t i = 0; rc == RC_OK && (r = owned_at(i)) != NULL; i++) {
		int64_t n = 0;

		rc = count_of(cx, r, user_id, &n);
		*out += n;
	}
	return rc;
}

enum rc fill_hand_over(struct cx *cx, int64_t user_id, struct value *page, int64_t *owns)
{
	struct value *list = value_set_list(cx->arena, page, "hand_over"), *people = NULL, *takers;
	const struct resource *r;
	enum rc rc = RC_OK;

	*owns = 0;
	for (size_t i = 0; rc == RC_OK && (r = owned_at(i)) != NULL; i++) {
		int64_t n = 0;
		struct value *one;

		rc = count_of(cx, r, user_id, &n);
		if (rc != RC_OK || n == 0) continue;
		*owns += n;
		one = value_add_map(cx->arena, list);
		value_set_text(cx->arena, one, "title", words_get(cx->lang, r->title));
		value_set_int(cx->arena, one, "count", n);
	}
	if (rc == RC_OK)
		rc = db_rows(cx, &people, TAKERS_MAX,
			     "SELECT public_id, name FROM user WHERE archived_at IS NULL AND id <> :id"
			     " ORDER BY name_folded, id",
			     PARAMS(P_INT(":id", user_id)));
	if (rc != RC_OK) return rc;
	takers = value_set_list(cx->arena, page, "takers");
	for (const struct value *v = people->first; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, takers);

		value_set_text(cx->arena, one, "value", value_text_of(value_get(v, "public_id"), ""));
		value_set_text(cx->arena, one, "title", value_text_of(value_get(v, "name"), ""));
	}
	value_set_bool(cx->arena, page, "owns", *owns > 0);
	return RC_OK;
}

/* One slice of one table: *moved 0 when nothing is left. */
static enum rc slice(struct cx *cx, const struct resource *r, int64_t from, int64_t to, int64_t *moved)
{
	struct value *rows = NULL, *before = value_map(cx->arena), *after = value_map(cx->arena);
	const char *update =
		over(cx, "UPDATE ", r, " SET " OWNER " = :to WHERE id = :id AND " OWNER " = :from");
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_rows(cx, &rows, SLICE,
		     over(cx, "SELECT id FROM ", r, " WHERE " OWNER " = :from ORDER BY id LIMIT :max"),
		     PARAMS(P_INT(":from", from), P_INT(":max", SLICE)));
	value_set_int(cx->arena, before, OWNER, from);
	value_set_int(cx->arena, after, OWNER, to);
	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL && rc == RC_OK;
	     v = v->next) {
		int64_t id = value_int_of(value_get(v, "id"), 0);

		rc = db_run(cx, update, PARAMS(P_INT(":to", to), P_INT(":id", id), P_INT(":from", from)));
		if (rc == RC_OK) rc = audit_add(cx, "update", r->table, id, before, after);
	}
	rc = tx_end(cx, rc);
	if (rc == RC_OK) *moved = (int64_t)rows->count;
	return rc;
}

static enum rc hand_over(struct cx *cx, int64_t from, int64_t to, int64_t *moved)
{
	const struct resource *r;
	enum rc rc = RC_OK;

	*moved = 0;
	for (size_t i = 0; rc == RC_OK && (r = owned_at(i)) != NULL; i++) {
		int64_t n = 0;

		do {
			n = 0;
			rc = slice(cx, r, from, to, &n);
			*moved += n;
		} while (rc == RC_OK && n == SLICE);
	}
	return rc;
}

/* Pages */

static enum rc leave_page(struct cx *cx, struct call *call, int64_t id, enum rc failed)
{
	struct value *page = value_map(cx->arena), *row = NULL;
	const char *path, *name;
	int64_t owns = 0;
	enum rc rc =
		db_row(cx, &row, "SELECT public_id, name FROM user WHERE id = :id", PARAMS(P_INT(":id", id)));

	if (rc == RC_OK) rc = fill_hand_over(cx, id, page, &owns);
	if (rc != RC_OK) return rc;
	name = value_text_of(value_get(row, "name"), "");
	path = arena_printf(cx->arena, "/users/%s", value_text_of(value_get(row, "public_id"), ""));
	trail_add(cx, page, _("Users"), "/users");
	trail_add(cx, page, name, path);
	value_set_text(cx->arena, page, "name", name);
	value_set_text(cx->arena, page, "back", path);
	value_set_text(cx->arena, page, "form_action", arena_printf(cx->arena, "%s/leave", path));
	value_set_text(
		cx->arena, page, "question",
		arena_printf(cx->arena, _("Archive “%s”? It leaves the lists; its history stays."), name));
	fill_failure(cx, page, failed);
	value_set_bool(cx->arena, page, "is_impossible", failed == RC_CONFLICT);
	page_answer(cx, call, "desk/user_leave", _("Archive"), page);
	if (failed != RC_OK) reply_status(call_reply(call), failed == RC_BAD_INPUT ? 422 : 409);
	return RC_OK;
}

/* What would stop it, asked before the question and rolled back. */
static enum rc obstacle(struct cx *cx, int64_t id)
{
	enum rc rc = tx_begin(cx), stops = RC_OK;

	if (rc != RC_OK) return rc;
	stops = user_reach(cx, id);
	if (stops == RC_OK && cx->actor.kind == ACTOR_USER && id == cx->actor.user_id)
		stops = cx_fail(cx, RC_CONFLICT, _("You cannot archive yourself."));
	if (stops == RC_OK) stops = user_owner_left(cx, id);
	rc = tx_end(cx, RC_TRY_LATER);
	return stops != RC_OK || rc == RC_TRY_LATER ? stops : rc;
}

enum rc handle_user_leave_ask(struct cx *cx, struct call *call)
{
	int64_t id = 0;
	enum rc rc = desk_find(cx, &id, desk_resource("users"), call_param(call, "id"));

	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) return RC_NOT_FOUND;
	rc = obstacle(cx, id);
	return rc == RC_OK || rc == RC_CONFLICT ? leave_page(cx, call, id, rc) : rc;
}

static enum rc taker_of(struct cx *cx, struct call *call, int64_t id, int64_t *to)
{
	const char *taker = field_text(call, "hand_over_to");
	enum rc rc;

	if (taker[0] == '\0')
		return cx_fail_field(cx, "hand_over_to", _("Say who takes over what is this person's."));
	rc = desk_find(cx, to, desk_resource("users"), taker);
	if (rc == RC_NOT_FOUND || (rc == RC_OK && *to == id))
		return cx_fail_field(cx, "hand_over_to", _("“%s” is not one of the choices."), taker);
	return rc;
}

enum rc user_leave(struct cx *cx, int64_t id, int64_t to, int64_t *moved)
{
	int64_t owns = 0;
	enum rc rc = obstacle(cx, id);

	*moved = 0;
	if (rc == RC_OK) rc = owned_rows(cx, id, &owns);
	if (rc == RC_OK && owns > 0 && to != 0) rc = hand_over(cx, id, to, moved);
	return rc == RC_OK ? row_archive(cx, office_find("users"), id) : rc;
}

enum rc handle_user_leave(struct cx *cx, struct call *call)
{
	int64_t id = 0, to = 0, owns = 0, moved = 0;
	enum rc rc = desk_find(cx, &id, desk_resource("users"), call_param(call, "id"));

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc == RC_OK) rc = owned_rows(cx, id, &owns);
	if (rc == RC_OK && owns > 0) rc = taker_of(cx, call, id, &to);
	if (rc == RC_OK) rc = user_leave(cx, id, to, &moved);
	if (call_shape(call) == SHAPE_PAGE && (rc == RC_CONFLICT || rc == RC_BAD_INPUT))
		return leave_page(cx, call, id, rc);
	if (rc != RC_OK) return rc;
	answer_flash(
		cx, call, "/users",
		moved == 0 ? _("Archived.")
			   : arena_printf(cx->arena,
					  words_plural(cx->lang, moved, N_("Archived; %lld row handed over."),
						       N_("Archived; %lld rows handed over.")),
					  (long long)moved));
	return RC_OK;
}
