/*
** archive.c -- taking a row out of the lists and putting it back.
**
** Owns:   the actions archive and restore that every resource with can_archive has, for one row and for many.
** Never:  deletes; touches what hangs on the row.
** Holds:  (1) what depends on a row is told before the question, what forbids it instead of the question; (2)
**         a row comes back only when nothing has its place and what it belongs to is there; (3) both are in
**         the history.
*/
#include "desk/inner.h"

#include <string.h>

const struct action archive_action = {
	.name = "archive",
	.title = N_("Archive"),
	.confirm = N_("Archive them? They leave the lists; their history stays."),
	.is_bulk = true,
	.is_dangerous = true,
};

const struct action restore_action = {
	.name = "restore",
	.title = N_("Put back"),
	.confirm = N_("Put them back into the lists?"),
	.is_bulk = true,
};

/* The row itself */

static enum rc set_archived(struct cx *cx, const struct office *o, int64_t id, bool is_archived)
{
	const struct table_facts *facts = NULL;
	struct statement_text s;
	const char *sql = "";
	enum rc rc = office_facts(cx, o, &facts);

	if (rc != RC_OK) return rc;
	statement_begin(cx, &s);
	sb_lit(&s.sql, "UPDATE ");
	sb_text(&s.sql, o->r->table);
	sb_text(&s.sql, is_archived ? " SET archived_at = :now" : " SET archived_at = NULL");
	if (!is_archived && facts_find(facts, "updated_at") != NULL) sb_lit(&s.sql, ", updated_at = :now");
	sb_text(&s.sql, is_archived ? " WHERE id = :id AND archived_at IS NULL"
				    : " WHERE id = :id AND archived_at IS NOT NULL");
	if (strstr(sb_text_of(&s.sql), ":now") != NULL)
		statement_param(&s, (struct param)P_INT(":now", cx_now(cx)));
	statement_param(&s, (struct param)P_INT(":id", id));
	rc = statement_ready(&s, &sql);
	return rc == RC_OK ? db_run(cx, sql, s.param) : rc;
}

enum rc row_archive(struct cx *cx, const struct office *o, int64_t id)
{
	struct value *after = value_map(cx->arena);
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	if (o->r->before_archive != NULL) rc = o->r->before_archive(cx, id);
	if (rc == RC_OK) rc = set_archived(cx, o, id, true);
	if (rc == RC_OK && db_changes(cx) == 1) {
		value_set_int(cx->arena, after, "archived_at", cx_now(cx));
		rc = audit_add(cx, "archive", o->r->table, id, NULL, after);
	}
	return tx_end(cx, rc);
}

/* What the row belongs to must be in the lists itself. */
static enum rc check_parents(struct cx *cx, const struct office *o, const struct value *stored)
{
	for (size_t i = 0; i < o->columns; i++) {
		const struct column *c = &o->r->columns[i];
		const struct office *ref = o->column_ref[i];
		int64_t id = value_int_of(value_get(stored, c->name), 0);
		struct value *row = NULL;
		enum rc rc;

		if (ref == NULL || c->sql != NULL || id == 0 || ref->where_archived == NULL) continue;
		if (row_of(cx, ref, id, SELECT_NAME, false, &row) == RC_OK) continue;
		rc = row_of(cx, ref, id, SELECT_NAME, true, &row);
		if (rc == RC_NOT_FOUND) continue; /* somebody else's: not ours to judge */
		if (rc != RC_OK) return rc;
		return cx_fail(cx, RC_CONFLICT, _("“%s” is archived: put that back first."),
			       row_name(cx, ref, row));
	}
	return RC_OK;
}

enum rc row_restore(struct cx *cx, const struct office *o, int64_t id)
{
	const struct table_facts *facts = NULL;
	struct value *stored = NULL, *before = value_map(cx->arena), *after = value_map(cx->arena);
	enum rc rc = office_facts(cx, o, &facts);

	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = row_stored(cx, o, id, &stored);
	if (rc == RC_OK && o->r->stays_archived)
		rc = cx_fail(cx, RC_CONFLICT, _("This stays archived: make a new one."));
	if (rc == RC_OK) rc = check_parents(cx, o, stored);
	if (rc == RC_OK && o->r->before_restore != NULL) rc = o->r->before_restore(cx, id);
	if (rc == RC_OK) {
		rc = set_archived(cx, o, id, false);
		if (rc == RC_CONFLICT) rc = row_explain_conflict(cx, o, facts, stored, id);
	}
	if (rc == RC_OK && db_changes(cx) == 1) {
		value_set_int(cx->arena, before, "archived_at",
			      value_int_of(value_get(stored, "archived_at"), 0));
		value_set_null(cx->arena, after, "archived_at");
		rc = audit_add(cx, "restore", o->r->table, id, before, after);
	}
	return tx_end(cx, rc);
}

/* Pages */

static enum rc ask_page(struct cx *cx, struct call *call, const struct office *o, int64_t id,
			const char *failure)
{
	struct value *page = value_map(cx->arena), *row = NULL;
	const char *name, *path;
	enum rc rc = row_of(cx, o, id, SELECT_NAME, false, &row);

	if (rc != RC_OK) return rc;
	name = row_name(cx, o, row);
	path = row_path(cx, o, row);
	trail_add(cx, page, words_get(cx->lang, o->r->title), arena_printf(cx->arena, "/%s", o->r->name));
	trail_add(cx, page, name, path);
	value_set_text(
		cx->arena, page, "question",
		arena_printf(cx->arena, _("Archive “%s”? It leaves the lists; its history stays."), name));
	value_set_text(cx->arena, page, "form_action", arena_printf(cx->arena, "%s/archive", path));
	value_set_text(cx->arena, page, "yes", _("Archive"));
	value_set_text(cx->arena, page, "back", path);
	value_set_bool(cx->arena, page, "is_dangerous", true);
	dependents_fill(cx, o, &id, 1, page);
	if (failure != NULL) value_set_text(cx->arena, page, "failure", failure);
	value_set_bool(cx->arena, page, "is_impossible", failure != NULL);
	page_answer(cx, call, "desk/confirm", _("Archive"), page);
	if (failure != NULL) reply_status(call_reply(call), rc_row(RC_CONFLICT)->http);
	return RC_OK;
}

/* What would stop the archiving, asked before the question and rolled back; NULL when nothing does. */
static const char *obstacle(struct cx *cx, const struct office *o, int64_t id)
{
	const char *sentence = NULL;
	enum rc rc = o->r->before_archive != NULL ? tx_begin(cx) : RC_NOT_FOUND;

	if (rc != RC_OK) return NULL;
	rc = o->r->before_archive(cx, id);
	if (rc == RC_CONFLICT) sentence = cx_sentence(cx, rc);
	if (tx_end(cx, rc != RC_OK ? rc : RC_TRY_LATER) != RC_OK) cx->message = "";
	return sentence;
}

enum rc handle_archive_ask(struct cx *cx, struct call *call)
{
	const struct office *o;
	int64_t id = 0;
	enum rc rc = call_row(cx, call, &o, &id, false);

	if (rc != RC_OK) return rc;
	return call_shape(call) == SHAPE_PAGE ? ask_page(cx, call, o, id, obstacle(cx, o, id)) : RC_NOT_FOUND;
}

enum rc handle_archive(struct cx *cx, struct call *call)
{
	const struct office *o;
	int64_t id = 0;
	enum rc rc = call_row(cx, call, &o, &id, false);

	if (rc != RC_OK) return rc;
	rc = row_archive(cx, o, id);
	if (call_shape(call) != SHAPE_PAGE) return rc == RC_OK ? show_json(cx, call, o, id, 200) : rc;
	if (rc == RC_CONFLICT) return ask_page(cx, call, o, id, cx_sentence(cx, rc));
	if (rc == RC_OK) answer_flash(cx, call, arena_printf(cx->arena, "/%s", o->r->name), _("Archived."));
	return rc;
}

enum rc handle_restore(struct cx *cx, struct call *call)
{
	const struct office *o;
	struct value *row = NULL;
	int64_t id = 0;
	enum rc rc = call_row(cx, call, &o, &id, true);

	if (rc == RC_OK) rc = row_restore(cx, o, id);
	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) return show_json(cx, call, o, id, 200);
	rc = row_of(cx, o, id, SELECT_NAME, true, &row);
	if (rc == RC_OK)
		answer_flash(cx, call, row_path(cx, o, row),
			     arena_printf(cx->arena, _("“%s” is back in the lists."), row_name(cx, o, row)));
	return rc;
}
