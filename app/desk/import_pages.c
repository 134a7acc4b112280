/*
** import_pages.c -- imports in the panel and the API: the list of them, one of them in each of its states,
** and what a person decides.
**
** Never:  reads the file of an import: the jobs do.
** Holds:  (1) a person sees the imports of resources that he may edit; without the right to see all rows only
**         his own; (2) whatever state an import stands still in, its page has a way on.
*/
#include "desk/import_pages.h"

#include "files/files.h"
#include <string.h>
#include <unistd.h>

#define LISTED_MAX 50 /* a shop has a few a year */
#define LOOKED_AT  500

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

static bool is(const struct value *row, const char *name, const char *word)
{
	return strcmp(text_of(row, name), word) == 0;
}

static bool may_see(const struct cx *cx, const struct value *row)
{
	const struct resource *r = desk_resource(text_of(row, "resource"));

	return r != NULL && office_may_edit(cx, r) &&
	       (office_may_all(cx, r) || int_of(row, "user_id") == cx->actor.user_id);
}

#define IMPORT_SELECT                                                                              \
	"SELECT i.id, i.public_id, i.resource, i.importer, i.file_name, i.state, i.error, "        \
	"i.on_duplicate, i.rows_total, i.rows_new, i.rows_update, i.rows_same, i.rows_skipped, "   \
	"i.rows_wrong, i.made_json, i.columns_json, coalesce(i.error_file_id, 0) AS "              \
	"error_file_id, coalesce(i.user_id, 0) AS user_id, i.created_by, i.created_at, "           \
	"i.flipped_at, i.finished_at, coalesce(i.job_id, 0) AS job_id, coalesce(j.progress_done, " \
	"0) AS progress_done, coalesce(j.progress_total, 0) AS progress_total, coalesce(j.state, " \
	"'') AS job_state, coalesce(j.error, '') AS job_error FROM import i LEFT JOIN job j ON "   \
	"j.id = i.job_id"

/* The import of this address, if this person may see it. */
static enum rc find_import(struct cx *cx, struct call *call, struct value **out)
{
	enum rc rc = db_row(cx, out, IMPORT_SELECT " WHERE i.public_id = :id",
			    PARAMS(P_TEXT(":id", call_param(call, "id"))));

	if (rc == RC_OK && !may_see(cx, *out)) rc = RC_NOT_FOUND;
	if (rc == RC_OK) job_words(cx, *out, "job_error");
	return rc == RC_NOT_FOUND ? cx_fail(cx, rc, _("This import does not exist.")) : rc;
}

static const char *path_of(struct cx *cx, const struct value *import)
{
	return arena_printf(cx->arena, "/imports/%s", text_of(import, "public_id"));
}

static const char *state_words(struct cx *cx, const char *state)
{
	static const struct {
		const char *state, *words;
	} rows[] = {
		{ "reading", N_("Being read") },
		{ "preview", N_("Waiting for your yes") },
		{ "committing", N_("Being taken in") },
		{ "undoing", N_("Being taken back") },
		{ "done", N_("Taken in") },
		{ "dropped", N_("Dropped") },
		{ "failed", N_("Refused") },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].state, state) == 0) return _(rows[i].words);
	return state;
}

static const char *mark_of_state(const char *state)
{
	if (strcmp(state, "done") == 0) return "ok";
	if (strcmp(state, "failed") == 0) return "error";
	if (strcmp(state, "preview") == 0) return "warn";
	return strcmp(state, "dropped") == 0 ? "quiet" : "info";
}

/* The counts of what was made, with their words: [{title, count}]. */
static void fill_made(struct cx *cx, const struct value *import, struct value *out)
{
	const struct resource *r = desk_resource(text_of(import, "resource"));
	const struct importer *importer = r != NULL ? import_importer(r, text_of(import, "importer")) : NULL;
	const char *json = text_of(import, "made_json");
	struct value *list = value_set_list(cx->arena, out, "made"), *counts = NULL;
	size_t i = 0;

	if (importer == NULL || json_parse(cx->arena, &counts, NULL, json, strlen(json)) != RC_OK) return;
	for (const struct value *v = counts->first; v != NULL && importer->counts[i] != NULL;
	     v = v->next, i++) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "title", words_get(cx->lang, importer->counts[i]));
		value_set_int(cx->arena, one, "count", value_int_of(v, 0));
	}
}

/* JSON */

struct value *import_json(struct cx *cx, const struct value *import)
{
	static const char *const counts[] = { "rows_total", "rows_new",     "rows_update",
					      "rows_same",  "rows_skipped", "rows_wrong" };
	static const char *const texts[] = { "resource", "file_name",    "state",
					     "error",    "on_duplicate", "created_by" };
	struct value *out = value_map(cx->arena);

	value_set_text(cx->arena, out, "id", text_of(import, "public_id"));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		value_set_text(cx->arena, out, texts[i], text_of(import, texts[i]));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		value_set_int(cx->arena, out, counts[i], int_of(import, counts[i]));
	value_set_text(cx->arena, out, "empty_cells",
		       strstr(text_of(import, "columns_json"), "\"clears_empty\":true") != NULL ? "clear"
												: "leave");
	fill_made(cx, import, out);
	value_set_int(cx->arena, out, "job", int_of(import, "job_id"));
	value_set_text(cx->arena, out, "job_state", text_of(import, "job_state"));
	value_set_int(cx->arena, out, "progress_done", int_of(import, "progress_done"));
	value_set_int(cx->arena, out, "progress_total", int_of(import, "progress_total"));
	value_set_bool(cx->arena, out, "has_errors", int_of(import, "error_file_id") != 0);
	value_set_int(cx->arena, out, "created_at", int_of(import, "created_at"));
	if (int_of(import, "finished_at") != 0)
		value_set_int(cx->arena, out, "finished_at", int_of(import, "finished_at"));
	else
		value_set_null(cx->arena, out, "finished_at");
	value_set_text(cx->arena, out, "href", path_of(cx, import));
	shape_json(cx, out);
	return out;
}

/* Rows that are told, by outcome. */
static enum rc add_rows_json(struct cx *cx, const struct value *import, struct value *out)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, out, "rows");
	enum rc rc = db_rows(
		cx, &rows, LOOKED_AT,
		"SELECT line, outcome, reason FROM import_row WHERE import_id = :id AND outcome IN ('wrong', 'skip',"
		" 'refused') ORDER BY line LIMIT 500",
		PARAMS(P_INT(":id", int_of(import, "id"))));

	for (struct value *v = rc == RC_OK ? rows->first : NULL, *next; v != NULL; v = next) {
		next = v->next;
		v->next = NULL;
		value_append(list, v);
	}
	return rc;
}

/* The list */

static enum rc show_imports(struct cx *cx, struct call *call)
{
	struct value *data = value_map(cx->arena), *rows = NULL;
	struct value *list =
		value_set_list(cx->arena, data, call_shape(call) == SHAPE_JSON ? "data" : "imports");
	struct value *doors = value_set_list(cx->arena, data, "doors");
	enum rc rc = db_rows(cx, &rows, LOOKED_AT, IMPORT_SELECT " ORDER BY i.id DESC LIMIT 500", NO_PARAMS);

	if (rc != RC_OK) return rc;
	for (struct value *v = rows->first, *next; v != NULL && list->count < LISTED_MAX; v = next) {
		const struct resource *r = desk_resource(text_of(v, "resource"));

		next = v->next;
		v->next = NULL;
		if (!may_see(cx, v)) continue;
		if (call_shape(call) == SHAPE_JSON) {
			value_append(list, import_json(cx, v));
			continue;
		}
		shape_page(cx, v);
		value_set_text(cx->arena, v, "resource_title", words_get(cx->lang, r->title));
		value_set_text(cx->arena, v, "state_words", state_words(cx, text_of(v, "state")));
		value_set_text(cx->arena, v, "mark", mark_of_state(text_of(v, "state")));
		value_append(list, v);
	}
	if (call_shape(call) == SHAPE_JSON) {
		answer_json(cx, call, 200, data);
		return RC_OK;
	}
	for (size_t i = 0; desk_resource_at(i) != NULL; i++) {
		const struct resource *r = desk_resource_at(i);
		struct value *one;

		if (!import_is_offered(cx, r)) continue;
		one = value_add_map(cx->arena, doors);
		value_set_text(cx->arena, one, "title", words_get(cx->lang, r->title));
		value_set_text(cx->arena, one, "href", arena_printf(cx->arena, "/%s/import", r->name));
	}
	value_set_bool(cx->arena, data, "has_imports", list->count > 0);
	value_set_bool(cx->arena, data, "has_doors", doors->count > 0);
	page_answer(cx, call, "desk/imports", _("Imports"), data);
	return RC_OK;
}

/* One import */

/* Rows of one outcome, with their cells. */
static enum rc add_rows(struct cx *cx, struct value *data, const char *key, int64_t import_id,
			const char *outcomes)
{
	struct query *q = NULL;
	struct value *list = value_set_list(cx->arena, data, key);
	enum rc rc = db_query(cx, &q,
			      "SELECT line, reason, cells_json, outcome FROM import_row WHERE import_id = :id"
			      " AND instr(:outcomes, outcome) > 0 ORDER BY line LIMIT 500",
			      PARAMS(P_INT(":id", import_id), P_TEXT(":outcomes", outcomes)));

	while (rc == RC_OK && query_next(q)) {
		struct value *row = value_add_map(cx->arena, list), *cells = NULL, *out;
		const char *json = query_text(q, 2), *outcome = query_text(q, 3), *what = "";

		rc = json_parse(cx->arena, &cells, NULL, json, strlen(json));
		if (rc != RC_OK) break;
		if (strcmp(outcome, "new") == 0) what = _("new");
		if (strcmp(outcome, "update") == 0) what = _("is there, differs");
		if (strcmp(outcome, "same") == 0) what = _("is there, the same");
		value_set_int(cx->arena, row, "line", query_int(q, 0));
		value_set_text(cx->arena, row, "reason", query_text(q, 1));
		value_set_text(cx->arena, row, "what", what);
		out = value_set_list(cx->arena, row, "cells");
		for (const struct value *c = cells->first; c != NULL; c = c->next)
			value_set_text(cx->arena, value_add_map(cx->arena, out), "text",
				       value_text_of(c, ""));
	}
	value_set_bool(cx->arena, data, arena_printf(cx->arena, "has_%s", key), list->count > 0);
	return query_end(q, rc);
}

/* Titles of the taken columns, into the cells of the first rows too: a phone shows no table head. */
static void fill_columns(struct cx *cx, const struct value *import, struct value *page)
{
	struct value *map = NULL, *titles = value_set_list(cx->arena, page, "titles");
	const char *json = text_of(import, "columns_json");

	if (json_parse(cx->arena, &map, NULL, json, strlen(json)) != RC_OK) return;
	value_set_text(cx->arena, page, "unknown", value_text_of(value_get(map, "unknown"), ""));
	value_set_text(cx->arena, page, "ignored", value_text_of(value_get(map, "ignored"), ""));
	value_set_bool(cx->arena, page, "clears_empty", value_bool_of(value_get(map, "clears_empty"), false));
	if (value_get(map, "titles") == NULL) return;
	for (const struct value *v = value_get(map, "titles")->first; v != NULL; v = v->next)
		value_set_text(cx->arena, value_add_map(cx->arena, titles), "title", value_text_of(v, ""));
	for (const struct value *row = value_get(page, "rows") != NULL ? value_get(page, "rows")->first
								       : NULL;
	     row != NULL; row = row->next) {
		const struct value *t = titles->first;

		for (struct value *c = value_get(row, "cells")->first; c != NULL && t != NULL;
		     c = c->next, t = t->next)
			value_set_text(cx->arena, c, "title", text_of(t, "title"));
	}
}

static void fill_state(struct cx *cx, const struct value *import, struct value *page)
{
	const char *state = text_of(import, "state");
	bool is_working = is(import, "state", "reading") || is(import, "state", "committing") ||
			  is(import, "state", "undoing");
	bool job_is_over = !is(import, "job_state", "queued") && !is(import, "job_state", "running");

	value_set_text(cx->arena, page, "state_words", state_words(cx, state));
	value_set_text(cx->arena, page, "mark", mark_of_state(state));
	value_set_bool(cx->arena, page, "is_working", is_working && !job_is_over);
	value_set_bool(cx->arena, page, "is_stuck", is_working && job_is_over);
	value_set_bool(cx->arena, page, "can_drop",
		       is(import, "state", "reading") || is(import, "state", "preview") ||
			       (is(import, "state", "committing") && job_is_over &&
				int_of(import, "flipped_at") == 0));
	value_set_bool(cx->arena, page, "is_preview", is(import, "state", "preview"));
	value_set_bool(cx->arena, page, "is_failed", is(import, "state", "failed"));
	value_set_bool(cx->arena, page, "is_done", is(import, "state", "done"));
	value_set_bool(cx->arena, page, "has_counts",
		       is(import, "state", "preview") || is(import, "state", "done") ||
			       is(import, "state", "dropped"));
}

static void fill_choice(struct cx *cx, const struct value *import, const struct resource *r,
			struct value *page)
{
	const struct importer *importer = import_importer(r, text_of(import, "importer"));
	int64_t fresh = int_of(import, "rows_new"), known = int_of(import, "rows_update");
	const char *skip = N_("leave them as they are"), *update = N_("take what the file says");

	if (importer != NULL && importer->skip_label != NULL) skip = importer->skip_label;
	if (importer != NULL && importer->update_label != NULL) update = importer->update_label;
	value_set_text(cx->arena, page, "skip_label", words_get(cx->lang, skip));
	value_set_text(cx->arena, page, "update_label", words_get(cx->lang, update));
	value_set_bool(cx->arena, page, "has_known", known > 0);
	value_set_bool(cx->arena, page, "has_good", fresh + known > 0);
	value_set_text(cx->arena, page, "confirm_label",
		       arena_printf(cx->arena,
				    words_plural(cx->lang, fresh + known, N_("Take in %lld row"),
						 N_("Take in %lld rows")),
				    (long long)(fresh + known)));
	value_set_text(cx->arena, page, "good_only_label",
		       arena_printf(cx->arena,
				    words_plural(cx->lang, int_of(import, "rows_wrong"),
						 N_("Leave the wrong row out and take the good ones"),
						 N_("Leave the %lld wrong rows out and take the good ones")),
				    (long long)int_of(import, "rows_wrong")));
}

static enum rc show_import(struct cx *cx, struct call *call)
{
	struct value *import = NULL, *page;
	const struct resource *r;
	int64_t id;
	enum rc rc = find_import(cx, call, &import);

	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_JSON) {
		page = import_json(cx, import);
		rc = add_rows_json(cx, import, page);
		if (rc == RC_OK) answer_json(cx, call, 200, page);
		return rc;
	}
	id = int_of(import, "id");
	r = desk_resource(text_of(import, "resource"));
	page = import;
	shape_page(cx, page);
	fill_state(cx, import, page);
	fill_choice(cx, import, r, page);
	fill_made(cx, import, page);
	value_set_bool(cx->arena, page, "has_wrong_rows", int_of(import, "rows_wrong") > 0);
	value_set_bool(cx->arena, page, "has_error_file", int_of(import, "error_file_id") != 0);
	value_set_int(cx->arena, page, "done", int_of(import, "progress_done"));
	value_set_int(cx->arena, page, "total", int_of(import, "progress_total"));
	value_set_text(cx->arena, page, "text", "");
	value_set_text(cx->arena, page, "poll", arena_printf(cx->arena, "%s/progress", path_of(cx, import)));
	value_set_text(cx->arena, page, "list_href", arena_printf(cx->arena, "/%s", r->name));
	value_set_text(cx->arena, page, "new_href", arena_printf(cx->arena, "/%s/import", r->name));
	value_set_text(cx->arena, page, "resource_title", words_get(cx->lang, r->title));
	rc = add_rows(cx, page, "wrong", id, "wrong");
	if (rc == RC_OK) rc = add_rows(cx, page, "skipped", id, "skip");
	if (rc == RC_OK) rc = add_rows(cx, page, "refused", id, "refused");
	if (rc == RC_OK)
		rc = add_rows(cx, page, "rows", id, is(import, "state", "preview") ? "new update same" : "");
	if (rc != RC_OK) return rc;
	fill_columns(cx, import, page);
	trail_add(cx, page, words_get(cx->lang, r->title), arena_printf(cx->arena, "/%s", r->name));
	trail_add(cx, page, _("Imports"), "/imports");
	page_answer(cx, call, "desk/import", text_of(import, "file_name"), page);
	return RC_OK;
}

/* What the page's bar asks while a job works. */
static enum rc get_progress(struct cx *cx, struct call *call)
{
	struct value *import = NULL, *data = value_map(cx->arena), *state = value_map(cx->arena);
	int64_t done, total;
	enum rc rc = find_import(cx, call, &import);

	if (rc != RC_OK) return rc;
	done = int_of(import, "progress_done");
	total = int_of(import, "progress_total");
	fill_state(cx, import, state);
	value_set_int(cx->arena, data, "done", done);
	value_set_int(cx->arena, data, "total", total);
	value_set_text(cx->arena, data, "text",
		       total > 0 ? arena_printf(cx->arena, "%lld %%", (long long)(done * 100 / total)) : "");
	value_set_bool(cx->arena, data, "is_over", !value_bool_of(value_get(state, "is_working"), false));
	answer_json(cx, call, 200, data);
	return RC_OK;
}

/* After a decision: the page again, or the import as JSON. */
static enum rc answer_import(struct cx *cx, struct call *call, const struct value *import, int status,
			     const char *path, const char *sentence)
{
	struct value *now = NULL;
	enum rc rc;

	if (call_shape(call) != SHAPE_JSON) {
		if (sentence != NULL)
			answer_flash(cx, call, path, sentence);
		else
			answer_redirect(cx, call, path);
		return RC_OK;
	}
	rc = db_row(cx, &now, IMPORT_SELECT " WHERE i.id = :id", PARAMS(P_INT(":id", int_of(import, "id"))));
	if (rc == RC_OK) answer_json(cx, call, status, import_json(cx, now));
	return rc;
}

static enum rc post_commit(struct cx *cx, struct call *call)
{
	struct value *import = NULL;
	const char *choice, *good;
	int64_t job_id = 0;
	enum rc rc = form_read(cx, call);

	if (rc == RC_OK) rc = find_import(cx, call, &import);
	if (rc != RC_OK) return rc;
	choice = form_text(call, "on_duplicate");
	good = form_text(call, "good_only");
	rc = import_confirm(cx, int_of(import, "id"), choice != NULL && choice[0] != '\0' ? choice : "skip",
			    good != NULL && good[0] != '\0' && strcmp(good, "0") != 0, &job_id);
	return rc == RC_OK ? answer_import(cx, call, import, 202, path_of(cx, import), NULL) : rc;
}

static enum rc post_drop(struct cx *cx, struct call *call)
{
	struct value *import = NULL;
	enum rc rc = find_import(cx, call, &import);

	if (rc == RC_OK) rc = import_drop(cx, int_of(import, "id"));
	if (rc != RC_OK) return rc;
	if (is(import, "state", "committing"))
		return answer_import(cx, call, import, 202, path_of(cx, import), NULL);
	return answer_import(cx, call, import, 200, "/imports",
			     _("The import was dropped; nothing was written."));
}

static enum rc post_again(struct cx *cx, struct call *call)
{
	struct value *import = NULL;
	enum rc rc = find_import(cx, call, &import);

	if (rc == RC_OK) rc = import_again(cx, int_of(import, "id"));
	return rc == RC_OK ? answer_import(cx, call, import, 202, path_of(cx, import), NULL) : rc;
}

/* The wrong rows as they came, each with its reason. */
static enum rc get_errors(struct cx *cx, struct call *call)
{
	struct value *import = NULL, *file = NULL;
	int64_t id, size = 0;
	int fd = -1;
	enum rc rc = find_import(cx, call, &import);

	if (rc != RC_OK) return rc;
	id = int_of(import, "error_file_id");
	if (id == 0) return cx_fail(cx, RC_NOT_FOUND, _("No row of this file is wrong."));
	rc = db_row(cx, &file, "SELECT name, media_type FROM file WHERE id = :id", PARAMS(P_INT(":id", id)));
	if (rc == RC_OK) rc = file_open(cx, &fd, &size, id);
	if (rc == RC_OK) answer_download(cx, call, fd, text_of(file, "media_type"), text_of(file, "name"));
	return rc;
}

#define ROW(m, p, c, menu_, help_, h)                                                               \
	{                                                                                           \
		.method = m, .path = p, .realm = REALM_STAFF, .class = c, .has_token = m[0] != 'G', \
		.menu = menu_, .help = help_, .handle = h                                           \
	}

/* Who may do what hangs on the resource of the import: find_import looks. */
const struct route import_routes[] = {
	ROW("GET", "/imports", ROUTE_DB, N_("Imports"), N_("Files sent for import, and what became of them."),
	    show_imports),
	ROW("GET", "/imports/:id", ROUTE_DB, NULL, N_("What a file would do, or did."), show_import),
	ROW("GET", "/imports/:id/progress", ROUTE_DB, NULL,
	    N_("How far the reading or taking in is, as JSON."), get_progress),
	ROW("GET", "/imports/:id/errors", ROUTE_SPOOL, NULL,
	    N_("The wrong rows of a file, with their reasons."), get_errors),
	ROW("POST", "/imports/:id/commit", ROUTE_DB, NULL, N_("Take the file in."), post_commit),
	ROW("POST", "/imports/:id/confirm", ROUTE_DB, NULL, N_("Take the file in."), post_commit),
	ROW("POST", "/imports/:id/drop", ROUTE_DB, NULL, N_("Drop the file; nothing is written."), post_drop),
	ROW("POST", "/imports/:id/again", ROUTE_DB, NULL, N_("Go on with a file that stands still."),
	    post_again),
	{ .method = "POST",
	  .path = "/imports",
	  .realm = REALM_STAFF,
	  .class = ROUTE_DB,
	  .has_token = true,
	  .body_max = UPLOAD_MAX + 64 * 1024,
	  .help = N_("Send a file to look at."),
	  .handle = handle_import_any },
	{ .method = NULL },
};
