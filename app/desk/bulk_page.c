/*
** bulk_page.c -- how an action for many rows goes: how far it is, what was refused and why, stopping it and
** letting it go on.
**
** Needs:  bulk.c, which does the work; work.h for every change of the work.
** Holds:  (1) who began it sees it, and who may see the work of the house; nobody else: 404; (2) the refused
**         rows go as CSV too, all of them.
*/
#include "desk/bulk.h"

#include <string.h>

#define REFUSED_SHOWN 100               /* of one page; the file has all of them                    */
#define REFUSED_CSV   (8 * 1024 * 1024) /* a sentence and a name for each of fifty thousand rows     */

static enum rc bulk_row(struct cx *cx, struct call *call, struct value **out)
{
	struct value *actor = NULL;
	const char *json;
	int64_t user, kind;
	enum rc rc = db_row(
		cx, out,
		"SELECT b.id AS id, b.public_id AS public_id, b.resource AS resource, b.action AS action,"
		" b.list AS list, b.user_id AS user_id, b.actor_json AS actor_json, b.rows_total AS rows_total,"
		" b.rows_done AS rows_done, b.rows_refused AS rows_refused, b.job_id AS job_id,"
		" b.created_at AS created_at, b.finished_at AS finished_at, coalesce(j.state, 'done') AS state,"
		" coalesce(j.error, '') AS error FROM bulk b LEFT JOIN job j ON j.id = b.job_id"
		" WHERE b.public_id = :id",
		PARAMS(P_TEXT(":id", call_param(call, "id"))));

	if (rc != RC_OK) return rc;
	job_words(cx, *out, "error");
	json = value_text_of(value_get(*out, "actor_json"), "{}");
	user = value_int_of(value_get(*out, "user_id"), 0);
	if (json_parse(cx->arena, &actor, NULL, json, strlen(json)) != RC_OK) return RC_BUG;
	kind = value_int_of(value_get(actor, "kind"), -1);
	value_set_text(cx->arena, *out, "actor", value_text_of(value_get(actor, "name"), ""));
	if (actor_may(&cx->actor, "jobs.view") || (user != 0 && user == cx->actor.user_id) ||
	    (user == 0 && kind == (int64_t)cx->actor.kind &&
	     strcmp(value_text_of(value_get(actor, "name"), ""), cx->actor.name) == 0))
		return RC_OK;
	return RC_NOT_FOUND;
}

static bool is_over(const char *state)
{
	return strcmp(state, "queued") != 0 && strcmp(state, "running") != 0;
}

static const char *state_words(struct cx *cx, const char *state)
{
	static const struct {
		const char *state, *title;
	} words[] = {
		{ "queued", N_("waiting") }, { "running", N_("running") },     { "done", N_("done") },
		{ "failed", N_("failed") },  { "cancelled", N_("cancelled") }, { "dead", N_("given up") },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].state, state) == 0) return words_get(cx->lang, words[i].title);
	return state;
}

static const char *progress_words(struct cx *cx, const struct value *row)
{
	int64_t done = value_int_of(value_get(row, "rows_done"), 0);
	int64_t refused = value_int_of(value_get(row, "rows_refused"), 0);

	return arena_printf(cx->arena, _("%s of %s"), number_text(cx, done + refused),
			    number_text(cx, value_int_of(value_get(row, "rows_total"), 0)));
}

static void set_progress(struct cx *cx, const struct value *row, struct value *out)
{
	value_set_int(cx->arena, out, "done",
		      value_int_of(value_get(row, "rows_done"), 0) +
			      value_int_of(value_get(row, "rows_refused"), 0));
	value_set_int(cx->arena, out, "total", value_int_of(value_get(row, "rows_total"), 0));
	value_set_text(cx->arena, out, "text", progress_words(cx, row));
	value_set_bool(cx->arena, out, "is_over", is_over(value_text_of(value_get(row, "state"), "")));
}

enum rc handle_bulk_progress(struct cx *cx, struct call *call)
{
	struct value *row = NULL, *out = value_map(cx->arena);
	enum rc rc = bulk_row(cx, call, &row);

	if (rc != RC_OK) return rc;
	set_progress(cx, row, out);
	answer_json(cx, call, 200, out);
	return RC_OK;
}

/* Refused rows */

static enum rc refused_rows(struct cx *cx, const struct value *bulk, int64_t max, struct value **out)
{
	enum rc rc = db_rows(
		cx, out, (size_t)max,
		"SELECT row_id, name, sentence FROM bulk_row WHERE bulk_id = :bulk ORDER BY row_id LIMIT :max",
		PARAMS(P_INT(":bulk", value_int_of(value_get(bulk, "id"), 0)), P_INT(":max", max)));

	if (rc == RC_OK) job_words(cx, *out, "sentence");
	return rc;
}

static enum rc refused_csv(struct cx *cx, struct call *call, const struct value *bulk)
{
	struct query *q = NULL;
	struct sb sb;
	enum rc rc;

	sb_init_arena(&sb, cx->arena, REFUSED_CSV);
	sb_printf(&sb, "id,%s,%s\r\n", _("Name"), _("Reason"));
	rc = db_query(cx, &q,
		      "SELECT row_id, name, sentence FROM bulk_row WHERE bulk_id = :bulk ORDER BY row_id",
		      PARAMS(P_INT(":bulk", value_int_of(value_get(bulk, "id"), 0))));
	while (rc == RC_OK && query_next(q)) {
		const char *name = query_text(q, 1), *why = job_text(cx, query_text(q, 2));

		sb_int(&sb, query_int(q, 0));
		sb_char(&sb, ',');
		sb_csv(&sb, name, strlen(name), ',', true);
		sb_char(&sb, ',');
		sb_csv(&sb, why, strlen(why), ',', true);
		sb_lit(&sb, "\r\n");
	}
	rc = query_end(q, rc);
	if (rc == RC_OK) rc = sb_result(&sb);
	if (rc != RC_OK) return rc;
	answer_text(cx, call, 200, "text/csv; charset=utf-8", sb_text_of(&sb));
	answer_header(call, "Content-Disposition",
		      arena_printf(cx->arena, "attachment; filename=\"%s-%s.csv\"",
				   value_text_of(value_get(bulk, "resource"), ""),
				   value_text_of(value_get(bulk, "action"), "")));
	return RC_OK;
}

/* The page */

static void fact(struct cx *cx, struct value *list, const char *title, const char *text, const char *href)
{
	struct value *one = value_add_map(cx->arena, list);

	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "text", text);
	if (href != NULL) value_set_text(cx->arena, one, "href", href);
}

static void fill_facts(struct cx *cx, const struct office *o, const struct value *row, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "facts");
	const char *query = value_text_of(value_get(row, "list"), "");
	char at[RFC3339_SIZE];

	fact(cx, list, _("State"), state_words(cx, value_text_of(value_get(row, "state"), "")), NULL);
	fact(cx, list, _("Done"), number_text(cx, value_int_of(value_get(row, "rows_done"), 0)), NULL);
	fact(cx, list, _("Not done"), number_text(cx, value_int_of(value_get(row, "rows_refused"), 0)), NULL);
	fact(cx, list, _("Rows"), number_text(cx, value_int_of(value_get(row, "rows_total"), 0)), NULL);
	fact(cx, list, _("By"), value_text_of(value_get(row, "actor"), ""), NULL);
	instant_text_local(at, value_int_of(value_get(row, "created_at"), 0), cx->env->zone);
	fact(cx, list, _("Began"), at, NULL);
	if (value_int_of(value_get(row, "finished_at"), 0) != 0) {
		instant_text_local(at, value_int_of(value_get(row, "finished_at"), 0), cx->env->zone);
		fact(cx, list, _("Ended"), at, NULL);
	}
	if (value_text_of(value_get(row, "error"), "")[0] != '\0')
		fact(cx, list, _("Error"), words_get(cx->lang, value_text_of(value_get(row, "error"), "")),
		     NULL);
	if (o == NULL) return;
	value_set_text(cx->arena, page, "back",
		       arena_printf(cx->arena, "/%s%s%s", o->r->name, query[0] != '\0' ? "?" : "", query));
	trail_add(cx, page, words_get(cx->lang, o->r->title), value_text_of(value_get(page, "back"), "/"));
}

static enum rc fill_refused(struct cx *cx, const struct office *o, const struct value *row, const char *path,
			    struct value *page)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, page, "refused");
	enum rc rc = refused_rows(cx, row, REFUSED_SHOWN, &rows);

	if (rc != RC_OK) return rc;
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "name", value_text_of(value_get(v, "name"), ""));
		value_set_text(cx->arena, one, "why", value_text_of(value_get(v, "sentence"), ""));
		if (o != NULL)
			value_set_text(cx->arena, one, "href",
				       arena_printf(cx->arena, "/%s/%lld", o->r->name,
						    (long long)value_int_of(value_get(v, "row_id"), 0)));
	}
	value_set_bool(cx->arena, page, "has_refused", list->count > 0);
	value_set_text(cx->arena, page, "refused_csv", arena_printf(cx->arena, "%s/refused.csv", path));
	return RC_OK;
}

static enum rc bulk_json(struct cx *cx, struct call *call, const struct value *row)
{
	static const char *const names[] = { "resource", "action", "list", "state", "actor" };
	static const char *const counts[] = { "rows_total", "rows_done", "rows_refused" };
	struct value *out = value_map(cx->arena), *rows = NULL;
	enum rc rc = refused_rows(cx, row, DESK_API_ROWS_MAX, &rows);

	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, out, "id", value_text_of(value_get(row, "public_id"), ""));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		value_set_text(cx->arena, out, names[i], value_text_of(value_get(row, names[i]), ""));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		value_set_int(cx->arena, out, counts[i], value_int_of(value_get(row, counts[i]), 0));
	value_set(out, "refused", rows);
	answer_json(cx, call, 200, out);
	return RC_OK;
}

static enum rc bulk_show(struct cx *cx, struct call *call, const struct value *row)
{
	const struct office *o = office_find(value_text_of(value_get(row, "resource"), ""));
	const char *name = value_text_of(value_get(row, "action"), "");
	const struct action *a = o != NULL ? action_find(o, name) : NULL;
	const char *state = value_text_of(value_get(row, "state"), "");
	const char *title = a != NULL ? words_get(cx->lang, a->title) : name;
	const char *path =
		arena_printf(cx->arena, "/bulk/%s", value_text_of(value_get(row, "public_id"), ""));
	struct value *page = value_map(cx->arena);
	enum rc rc;

	fill_facts(cx, o, row, page);
	rc = fill_refused(cx, o, row, path, page);
	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, page, "row_path", path);
	if (!is_over(state)) {
		struct value *bar = value_set_map(cx->arena, page, "progress");

		set_progress(cx, row, bar);
		value_set_text(cx->arena, bar, "poll", arena_printf(cx->arena, "%s/progress", path));
		value_set_text(cx->arena, page, "cancel", arena_printf(cx->arena, "%s/cancel", path));
	} else if (strcmp(state, "done") != 0) {
		value_set_text(cx->arena, page, "go_on", arena_printf(cx->arena, "%s/continue", path));
	} else {
		value_set_bool(cx->arena, page, "is_done", true);
	}
	if (o != NULL) title = arena_printf(cx->arena, "%s: %s", words_get(cx->lang, o->r->title), title);
	page_answer(cx, call, "desk/bulk", title, page);
	return RC_OK;
}

enum rc handle_bulk_show(struct cx *cx, struct call *call)
{
	struct value *row = NULL;
	enum rc rc = bulk_row(cx, call, &row);

	if (rc != RC_OK) return rc;
	switch (call_shape(call)) {
	case SHAPE_PAGE: return bulk_show(cx, call, row);
	case SHAPE_JSON: return bulk_json(cx, call, row);
	case SHAPE_CSV: return refused_csv(cx, call, row);
	case SHAPE_XLSX: break;
	}
	return RC_NOT_FOUND;
}

static enum rc change(struct cx *cx, struct call *call, bool goes_on)
{
	struct value *row = NULL;
	int64_t job;
	enum rc rc = bulk_row(cx, call, &row);

	if (rc != RC_OK) return rc;
	job = value_int_of(value_get(row, "job_id"), 0);
	if (job == 0 || (goes_on && strcmp(value_text_of(value_get(row, "state"), ""), "done") == 0))
		return cx_fail(cx, RC_CONFLICT, _("This is over already."));
	rc = goes_on ? job_run_again(cx, job) : job_cancel(cx, job);
	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) return handle_bulk_show(cx, call);
	answer_flash(cx, call,
		     arena_printf(cx->arena, "/bulk/%s", value_text_of(value_get(row, "public_id"), "")),
		     goes_on ? _("It goes on where it stopped.")
			     : _("It stops after the row it is at. What is done stays done."));
	return RC_OK;
}

enum rc handle_bulk_cancel(struct cx *cx, struct call *call)
{
	return change(cx, call, false);
}

enum rc handle_bulk_continue(struct cx *cx, struct call *call)
{
	return change(cx, call, true);
}
