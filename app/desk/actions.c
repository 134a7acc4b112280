/*
** actions.c -- actions on one row of a resource.
**
** Needs:  bulk.c for many rows at once.
** Holds:  (1) a question is asked before what the resource calls confirm, with or without script; what hangs
**         on the row is told with it when the action is a dangerous one; (2) an action whose `when` does not
**         hold any more is refused with a sentence.
*/
#include "desk/inner.h"

#include <stdio.h>
#include <string.h>

static const struct office_arg *arg_of(const struct call *call)
{
	return call_arg(call);
}

const char *action_right(const struct office *o, const struct action *a)
{
	return a->right != NULL ? a->right : o->r->right_edit;
}

const struct action *action_find(const struct office *o, const char *name)
{
	for (size_t i = 0; i < o->actions; i++)
		if (strcmp(o->r->actions[i].name, name) == 0) return &o->r->actions[i];
	if (o->r->can_archive && strcmp(name, archive_action.name) == 0) return &archive_action;
	if (o->r->can_archive && strcmp(name, restore_action.name) == 0) return &restore_action;
	return NULL;
}

static enum rc not_now(struct cx *cx, const struct action *a)
{
	return cx_fail(cx, RC_CONFLICT, _("“%s” is not possible in the state this is in now."),
		       words_get(cx->lang, a->title));
}

enum rc action_row(struct cx *cx, const struct office_arg *arg, const char *text, int64_t *id,
		   struct value **row)
{
	const struct office *o = arg->office;
	const struct action *a = arg->action;
	const struct value *archived;
	char key[24];
	enum rc rc = office_row_id(cx, id, o, text, a == &restore_action);

	if (rc == RC_OK) rc = row_of(cx, o, *id, SELECT_SHOW, a == &restore_action, row);
	if (rc != RC_OK) return rc;
	archived = value_get(*row, "_archived");
	if (a == &restore_action && (archived == NULL || archived->type != VALUE_INT)) return not_now(cx, a);
	if (a->when == NULL) return RC_OK;
	snprintf(key, sizeof(key), "_a%zu", (size_t)(a - o->r->actions));
	return value_int_of(value_get(*row, key), 0) != 0 ? RC_OK : not_now(cx, a);
}

enum rc action_run(struct cx *cx, const struct office_arg *arg, int64_t id, struct call *call,
		   const char **done)
{
	enum rc rc;

	if (arg->action == &archive_action) {
		rc = row_archive(cx, arg->office, id);
		if (rc == RC_OK) *done = _("Archived.");
		return rc;
	}
	if (arg->action == &restore_action) {
		rc = row_restore(cx, arg->office, id);
		if (rc == RC_OK) *done = _("Put back.");
		return rc;
	}
	return arg->action->run(cx, id, call, done);
}

const char *action_question(struct cx *cx, const struct action *a)
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
	value_set_text(cx->arena, page, "question", action_question(cx, arg->action));
	value_set_text(cx->arena, page, "what", row_name(cx, arg->office, row));
	value_set_text(cx->arena, page, "form_action",
		       arena_printf(cx->arena, "%s/%s", path, arg->action->name));
	value_set_text(cx->arena, page, "yes", title);
	value_set_text(cx->arena, page, "back", path);
	value_set_bool(cx->arena, page, "is_dangerous", arg->action->is_dangerous);
	if (arg->action->is_dangerous) dependents_fill(cx, arg->office, &id, 1, page);
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
	if (rc == RC_OK) rc = action_run(cx, arg, id, call, &done);
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
