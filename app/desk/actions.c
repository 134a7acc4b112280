/*
** actions.c -- row actions and bulk actions of a resource.
**
** Holds:  (1) a question is asked before what the resource calls confirm, with or without script; (2)
**         an action whose `when` does not hold any more is refused with a sentence; (3) a bulk action
**         touches only rows that the actor sees, each in its own transaction, and tells how many went
**         and why the first of the others did not.
*/
#include "desk/inner.h"

#include <stdio.h>
#include <string.h>

static const struct office_arg *arg_of(const struct call *call)
{
	return call_arg(call);
}

/* The row, seen by this actor, for which the action is offered now. */
static enum rc action_row(struct cx *cx, const struct office_arg *arg, const char *text, int64_t *id,
			  struct value **row)
{
	const struct office *o = arg->office;
	char key[24];
	enum rc rc = office_row_id(cx, id, o, text, false);

	if (rc == RC_OK) rc = row_of(cx, o, *id, SELECT_SHOW, false, row);
	if (rc != RC_OK || arg->action->when == NULL) return rc;
	snprintf(key, sizeof(key), "_a%zu", (size_t)(arg->action - o->r->actions));
	if (value_int_of(value_get(*row, key), 0) != 0) return RC_OK;
	return cx_fail(cx, RC_CONFLICT, _("“%s” is not possible in the state this is in now."),
		       words_get(cx->lang, arg->action->title));
}

static const char *question_of(struct cx *cx, const struct action *a)
{
	if (a->confirm != NULL) return words_get(cx->lang, a->confirm);
	return arena_printf(cx->arena, _("%s: go ahead?"), words_get(cx->lang, a->title));
}

enum rc handle_action_ask(struct cx *cx, struct call *call)
{
	const struct office_arg *arg = arg_of(call);
	struct value *page = value_map(cx->arena), *row = NULL;
	const char *path, *title = words_get(cx->lang, arg->action->title);
	int64_t id = 0;
	enum rc rc = action_row(cx, arg, call_param(call, "id"), &id, &row);

	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) return RC_NOT_FOUND;
	path = row_path(cx, arg->office, row);
	trail_add(cx, page, words_get(cx->lang, arg->office->r->title),
		  arena_printf(cx->arena, "/%s", arg->office->r->name));
	trail_add(cx, page, row_name(cx, arg->office, row), path);
	value_set_text(cx->arena, page, "question", question_of(cx, arg->action));
	value_set_text(cx->arena, page, "what", row_name(cx, arg->office, row));
	value_set_text(cx->arena, page, "form_action",
		       arena_printf(cx->arena, "%s/%s", path, arg->action->name));
	value_set_text(cx->arena, page, "yes", title);
	value_set_text(cx->arena, page, "back", path);
	value_set_bool(cx->arena, page, "is_dangerous", arg->action->is_dangerous);
	page_answer(cx, call, "desk/confirm", title, page);
	return RC_OK;
}

enum rc handle_action(struct cx *cx, struct call *call)
{
	const struct office_arg *arg = arg_of(call);
	struct value *row = NULL, *out;
	const char *done = NULL;
	int64_t id = 0;
	enum rc rc = action_row(cx, arg, call_param(call, "id"), &id, &row);

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc == RC_OK) rc = arg->action->run(cx, id, call, &done);
	if (rc != RC_OK && rc != RC_PARTLY) return rc;
	if (done == NULL) done = cx_sentence(cx, rc);
	if (call_shape(call) == SHAPE_PAGE) {
		answer_flash(cx, call, row_path(cx, arg->office, row), done);
		return RC_OK;
	}
	out = value_map(cx->arena);
	value_set_text(cx->arena, out, "done", done);
	if (row_of(cx, arg->office, id, SELECT_API, true, &row) == RC_OK)
		value_set(out, "row", row_json(cx, arg->office, row));
	answer_json(cx, call, 200, out);
	return RC_OK;
}

/* Many at once */

struct bulk {
	const char *ids[DESK_BULK_MAX];
	size_t count, done, failed;
	const char *first_failure, *last_done;
};

static enum rc bulk_read(struct cx *cx, struct call *call, struct bulk *b)
{
	const struct value *json, *list;
	size_t n;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	json = form_json(call);
	list = value_get(json, "ids");
	n = json != NULL ? (list != NULL && list->type == VALUE_LIST ? list->count : 0)
			 : form_count(call, "ids");
	if (n == 0) return cx_fail(cx, RC_BAD_INPUT, _("Choose at least one row."));
	if (n > DESK_BULK_MAX) return cx_fail(cx, RC_BAD_INPUT, _("At most %d rows at once."), DESK_BULK_MAX);
	for (size_t i = 0; json == NULL && i < n; i++)
		b->ids[b->count++] = form_text_at(call, "ids", i);
	for (const struct value *v = json != NULL ? list->first : NULL; v != NULL; v = v->next)
		b->ids[b->count++] = v->type == VALUE_INT
					     ? arena_printf(cx->arena, "%lld", (long long)v->integer)
					     : value_text_of(v, "");
	return RC_OK;
}

static void bulk_ask(struct cx *cx, struct call *call, const struct office_arg *arg, const struct bulk *b)
{
	struct value *page = value_map(cx->arena), *ids = value_set_list(cx->arena, page, "ids");
	const char *title = words_get(cx->lang, arg->action->title);
	const char *home = arena_printf(cx->arena, "/%s", arg->office->r->name);

	for (size_t i = 0; i < b->count; i++)
		value_set_text(cx->arena, value_add_map(cx->arena, ids), "id", b->ids[i]);
	trail_add(cx, page, words_get(cx->lang, arg->office->r->title), home);
	value_set_text(cx->arena, page, "question", question_of(cx, arg->action));
	value_set_text(cx->arena, page, "what",
		       arena_printf(cx->arena, "%zu %s", b->count,
				    words_plural(cx->lang, (int64_t)b->count, N_("row"), N_("rows"))));
	value_set_text(cx->arena, page, "form_action",
		       arena_printf(cx->arena, "%s/actions/%s", home, arg->action->name));
	value_set_text(cx->arena, page, "yes", title);
	value_set_text(cx->arena, page, "back", home);
	value_set_bool(cx->arena, page, "is_dangerous", arg->action->is_dangerous);
	page_answer(cx, call, "desk/confirm", title, page);
}

static void bulk_run(struct cx *cx, struct call *call, const struct office_arg *arg, struct bulk *b)
{
	for (size_t i = 0; i < b->count; i++) {
		struct value *row = NULL;
		const char *done = NULL;
		int64_t id = 0;
		enum rc rc = action_row(cx, arg, b->ids[i], &id, &row);

		if (rc == RC_OK) rc = arg->action->run(cx, id, call, &done);
		if (rc == RC_OK) {
			b->done++;
			b->last_done = done;
		} else {
			b->failed++;
			if (b->first_failure == NULL)
				b->first_failure =
					arena_printf(cx->arena, "%s: %s",
						     row != NULL ? row_name(cx, arg->office, row) : b->ids[i],
						     cx_sentence(cx, rc));
		}
		cx->message = ""; /* the next row has its own sentence */
		cx->error_code = NULL;
		cx->field_count = 0;
	}
}

static const char *bulk_sentence(struct cx *cx, const struct bulk *b)
{
	if (b->failed == 0 && b->count == 1 && b->last_done != NULL) return b->last_done;
	if (b->failed == 0)
		return arena_printf(cx->arena,
				    words_plural(cx->lang, (int64_t)b->done, N_("Done for %zu row."),
						 N_("Done for %zu rows.")),
				    b->done);
	return arena_printf(cx->arena, _("Done: %zu. Not done: %zu. The first: %s"), b->done, b->failed,
			    b->first_failure);
}

enum rc handle_bulk(struct cx *cx, struct call *call)
{
	const struct office_arg *arg = arg_of(call);
	struct bulk b = { .count = 0 };
	struct value *out;
	enum rc rc = bulk_read(cx, call, &b);

	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE && form_text(call, "confirmed") == NULL) {
		bulk_ask(cx, call, arg, &b);
		return RC_OK;
	}
	bulk_run(cx, call, arg, &b);
	if (call_shape(call) == SHAPE_PAGE) {
		answer_flash(cx, call, arena_printf(cx->arena, "/%s", arg->office->r->name),
			     bulk_sentence(cx, &b));
		return RC_OK;
	}
	out = value_map(cx->arena);
	value_set_int(cx->arena, out, "done", (int64_t)b.done);
	value_set_int(cx->arena, out, "failed", (int64_t)b.failed);
	value_set_text(cx->arena, out, "message", bulk_sentence(cx, &b));
	answer_json(cx, call, b.done > 0 ? 200 : rc_row(RC_CONFLICT)->http, out);
	return RC_OK;
}
