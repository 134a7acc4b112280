/*
** import_pages.c -- importing customers in the panel: send a file, look at it, take it in or drop it.
**
** Holds: a seller sees only imports of their own; no handler reads the file, the jobs do.
*/
#include "files/files.h"
#include "renewals/import.h"
#include <string.h>
#include <unistd.h>

#define LISTED_MAX     50 /* imports on the page: a shop has a few a year                      */
#define ROWS_SHOWN     50 /* lines of each kind in the preview; the error file has all          */
#define ERROR_FILE_MAX (128 * 1024 * 1024) /* the file itself once more, with a reason a line      */
#define RIGHT          "clients.edit"

/* The import of this address, if this person may see it. */
static enum rc find_import(struct cx *cx, struct call *call, struct value **out)
{
	int64_t own = actor_may(&cx->actor, "clients.all") ? 0 : cx->actor.user_id;
	enum rc rc = db_row(
		cx, out,
		"SELECT i.id, i.public_id, i.file_name, i.state, i.error, i.on_duplicate, i.rows_total, i.rows_new, i.rows_known,"
		" i.rows_skipped, i.rows_wrong, i.clients_new, i.subscriptions_new, i.created_by, i.created_at, i.finished_at,"
		" i.file_id, coalesce(j.progress_done, 0) AS progress_done, coalesce(j.progress_total, 0) AS progress_total,"
		" coalesce(j.state, '') AS job_state, coalesce(j.error, '') AS job_error"
		" FROM import i LEFT JOIN job j ON j.id = i.job_id"
		" WHERE i.public_id = :id AND (:own = 0 OR i.user_id = :own)",
		PARAMS(P_TEXT(":id", call_param(call, "id")), P_INT(":own", own)));

	return rc == RC_NOT_FOUND ? cx_fail(cx, rc, _("This import does not exist.")) : rc;
}

static const char *path_of(struct cx *cx, const struct value *import)
{
	return arena_printf(cx->arena, "/imports/%s", value_text_of(value_get(import, "public_id"), ""));
}

static const char *state_words(struct cx *cx, const char *state)
{
	static const struct {
		const char *state, *words;
	} rows[] = {
		{ "reading", N_("Being read") },        { "preview", N_("Waiting for your yes") },
		{ "committing", N_("Being taken in") }, { "done", N_("Taken in") },
		{ "dropped", N_("Dropped") },           { "failed", N_("Refused") },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].state, state) == 0) return _(rows[i].words);
	return state;
}

static enum rc show_imports(struct cx *cx, struct call *call)
{
	int64_t own = actor_may(&cx->actor, "clients.all") ? 0 : cx->actor.user_id;
	struct value *data = value_map(cx->arena), *rows = NULL;
	enum rc rc = db_rows(
		cx, &rows, LISTED_MAX,
		"SELECT public_id, file_name, state, rows_total, rows_wrong, clients_new, subscriptions_new, created_by,"
		" created_at FROM import WHERE :own = 0 OR user_id = :own ORDER BY id DESC LIMIT 50",
		PARAMS(P_INT(":own", own)));
	const char *columns = "";

	if (rc != RC_OK) return rc;
	shape_page(cx, rows);
	for (struct value *row = rows->first; row != NULL; row = row->next)
		value_set_text(cx->arena, row, "state_words",
			       state_words(cx, value_text_of(value_get(row, "state"), "")));
	for (int i = 0; i < IMPORT_COLUMNS; i++)
		columns = arena_printf(cx->arena, "%s%s%s", columns, i > 0 ? ", " : "",
				       import_column_name((enum import_column)i));
	value_set(data, "imports", rows);
	value_set_bool(cx->arena, data, "has_imports", rows->first != NULL);
	value_set_text(cx->arena, data, "columns", columns);
	value_set_int(cx->arena, data, "megabytes", UPLOAD_MAX / (1024 * 1024));
	value_set_int(cx->arena, data, "rows_max", IMPORT_ROWS_MAX);
	answer_page(cx, call, "renewals/imports", _("Import customers"), data);
	return RC_OK;
}

/* The uploaded bytes as a descriptor: spooled ones have one, small ones get a nameless file. */
static enum rc upload_fd(struct cx *cx, const struct upload *up, int *fd)
{
	enum rc rc;

	if (up->fd >= 0) {
		*fd = dup(up->fd);
		return *fd >= 0 ? RC_OK : RC_IO;
	}
	rc = spool_open(fd, cx->env->dir);
	if (rc == RC_OK) rc = fd_write_all(*fd, up->bytes.p, up->bytes.len);
	return rc;
}

static enum rc post_import(struct cx *cx, struct call *call)
{
	struct upload up;
	struct value *row = NULL;
	int64_t import_id = 0, job_id = 0;
	int fd = -1;
	enum rc rc = form_read(cx, call);

	if (rc == RC_OK && (!form_upload(call, "file", &up) || up.name == NULL || up.name[0] == '\0'))
		rc = cx_fail_field(cx, "file", "%s", _("Choose a file first."));
	if (rc == RC_OK) rc = upload_fd(cx, &up, &fd);
	if (rc == RC_OK) rc = import_start(cx, &import_id, &job_id, fd, up.name);
	if (fd >= 0) close(fd);
	if (rc == RC_OK)
		rc = db_row(cx, &row, "SELECT public_id FROM import WHERE id = :id",
			    PARAMS(P_INT(":id", import_id)));
	if (rc == RC_OK) answer_redirect(cx, call, path_of(cx, row));
	return rc;
}

/* The cells of staged lines, flat for the page. */
static enum rc add_lines(struct cx *cx, struct value *data, const char *key, int64_t import_id,
			 const char *outcomes)
{
	struct query *q = NULL;
	struct value *list = value_set_list(cx->arena, data, key);
	enum rc rc = db_query(
		cx, &q,
		"SELECT line, reason, phone, ends_on, cells_json, outcome FROM import_row WHERE import_id = :id"
		" AND instr(:outcomes, outcome) > 0 ORDER BY line LIMIT :max",
		PARAMS(P_INT(":id", import_id), P_TEXT(":outcomes", outcomes), P_INT(":max", ROWS_SHOWN)));

	while (rc == RC_OK && query_next(q)) {
		struct value *row = value_add_map(cx->arena, list), *cells = NULL;
		const char *json = query_text(q, 4);
		char ends[DATE_SIZE] = "";
		day d;

		rc = json_parse(cx->arena, &cells, NULL, json, strlen(json));
		if (day_parse(&d, query_text(q, 3)) == RC_OK) day_text_local(ends, d);
		value_set_int(cx->arena, row, "line", query_int(q, 0));
		value_set_text(cx->arena, row, "reason", query_text(q, 1));
		value_set_text(cx->arena, row, "phone", query_text(q, 2));
		value_set_text(cx->arena, row, "ends_on", ends);
		value_set_bool(cx->arena, row, "is_new", strcmp(query_text(q, 5), "new") == 0);
		value_set_bool(cx->arena, row, "is_skip", strcmp(query_text(q, 5), "skip") == 0);
		value_set_text(cx->arena, row, "name",
			       arena_printf(cx->arena, "%s %s",
					    value_text_of(value_get(cells, "given_names"), ""),
					    value_text_of(value_get(cells, "surnames"), "")));
		value_set_text(cx->arena, row, "phone_original",
			       value_text_of(value_get(cells, "phone_original"), ""));
		value_set_text(cx->arena, row, "service", value_text_of(value_get(cells, "service"), ""));
	}
	return query_end(q, rc);
}

static enum rc show_import(struct cx *cx, struct call *call)
{
	struct value *import = NULL;
	const char *state;
	int64_t id, good, total;
	enum rc rc = find_import(cx, call, &import);

	if (rc != RC_OK) return rc;
	id = value_int_of(value_get(import, "id"), 0);
	state = value_text_of(value_get(import, "state"), "");
	good = value_int_of(value_get(import, "rows_new"), 0) +
	       value_int_of(value_get(import, "rows_known"), 0);
	total = value_int_of(value_get(import, "progress_total"), 0);
	shape_page(cx, import);
	value_set_text(cx->arena, import, "state_words", state_words(cx, state));
	value_set_bool(cx->arena, import, "is_working",
		       strcmp(state, "reading") == 0 || strcmp(state, "committing") == 0);
	value_set_bool(cx->arena, import, "is_preview", strcmp(state, "preview") == 0);
	value_set_bool(cx->arena, import, "is_failed", strcmp(state, "failed") == 0);
	value_set_bool(cx->arena, import, "is_done", strcmp(state, "done") == 0);
	value_set_bool(cx->arena, import, "is_dropped", strcmp(state, "dropped") == 0);
	value_set_bool(cx->arena, import, "has_wrong", value_int_of(value_get(import, "rows_wrong"), 0) > 0);
	value_set_bool(cx->arena, import, "has_known", value_int_of(value_get(import, "rows_known"), 0) > 0);
	value_set_bool(cx->arena, import, "has_good", good > 0);
	value_set_int(cx->arena, import, "rows_good", good);
	value_set_int(cx->arena, import, "done", value_int_of(value_get(import, "progress_done"), 0));
	value_set_int(cx->arena, import, "total", total);
	value_set_text(cx->arena, import, "poll",
		       arena_printf(cx->arena, "%s/progress", path_of(cx, import)));
	value_set_text(
		cx->arena, import, "confirm_label",
		arena_printf(cx->arena,
			     words_plural(cx->lang, good, N_("Take in %lld row"), N_("Take in %lld rows")),
			     (long long)good));
	rc = add_lines(cx, import, "wrong", id, "wrong");
	if (rc == RC_OK && strcmp(state, "preview") == 0)
		rc = add_lines(cx, import, "rows", id, "new known skip");
	if (rc == RC_OK) answer_page(cx, call, "renewals/import", _("Import customers"), import);
	return rc;
}

/* What the page's bar asks while a job works. */
static enum rc get_progress(struct cx *cx, struct call *call)
{
	struct value *import = NULL, *data = value_map(cx->arena);
	const char *state;
	int64_t done, total;
	enum rc rc = find_import(cx, call, &import);

	if (rc != RC_OK) return rc;
	state = value_text_of(value_get(import, "state"), "");
	done = value_int_of(value_get(import, "progress_done"), 0);
	total = value_int_of(value_get(import, "progress_total"), 0);
	value_set_int(cx->arena, data, "done", done);
	value_set_int(cx->arena, data, "total", total);
	value_set_text(cx->arena, data, "text",
		       total > 0 ? arena_printf(cx->arena, "%lld %%", (long long)(done * 100 / total)) : "");
	value_set_bool(cx->arena, data, "is_over",
		       strcmp(state, "reading") != 0 && strcmp(state, "committing") != 0);
	answer_json(cx, call, 200, data);
	return RC_OK;
}

static enum rc post_commit(struct cx *cx, struct call *call)
{
	struct value *import = NULL;
	const char *choice;
	int64_t job_id = 0;
	enum rc rc = form_read(cx, call);

	if (rc == RC_OK) rc = find_import(cx, call, &import);
	if (rc != RC_OK) return rc;
	choice = form_text(call, "on_duplicate");
	rc = import_confirm(cx, value_int_of(value_get(import, "id"), 0), choice != NULL ? choice : "skip",
			    &job_id);
	if (rc == RC_OK) answer_redirect(cx, call, path_of(cx, import));
	return rc;
}

static enum rc post_drop(struct cx *cx, struct call *call)
{
	struct value *import = NULL;
	enum rc rc = find_import(cx, call, &import);

	if (rc == RC_OK) rc = import_drop(cx, value_int_of(value_get(import, "id"), 0));
	if (rc == RC_OK)
		answer_flash(cx, call, "/imports", _("The import was dropped; nothing was written."));
	return rc;
}

static void write_error_line(struct sb *sb, int64_t line, const char *reason, const struct value *cells)
{
	const struct value *list = value_get(cells, "cells");

	sb_int(sb, line);
	sb_char(sb, ',');
	sb_csv(sb, reason, strlen(reason), ',', true);
	for (const struct value *c = list != NULL ? list->first : NULL; c != NULL; c = c->next) {
		sb_char(sb, ',');
		sb_csv(sb, value_text_of(c, ""), c->len, ',', true);
	}
	sb_lit(sb, "\r\n");
}

/* The wrong lines as they came, each with its row and reason in front: mend it, take the two columns off,
** send it again. */
static enum rc get_errors(struct cx *cx, struct call *call)
{
	struct value *import = NULL, *cells = NULL;
	struct query *q = NULL;
	struct sb sb;
	int fd = -1;
	enum rc rc = find_import(cx, call, &import);

	if (rc != RC_OK) return rc;
	sb_init(&sb, ERROR_FILE_MAX);
	sb_text(&sb, "\xEF\xBB\xBF");
	sb_text(&sb, _("row,reason"));
	sb_lit(&sb, "\r\n");
	rc = db_query(
		cx, &q,
		"SELECT line, reason, cells_json FROM import_row WHERE import_id = :id AND outcome = 'wrong' ORDER BY line",
		PARAMS(P_INT(":id", value_int_of(value_get(import, "id"), 0))));
	while (rc == RC_OK && query_next(q)) {
		const char *json = query_text(q, 2);

		rc = json_parse(cx->arena, &cells, NULL, json, strlen(json));
		if (rc == RC_OK) write_error_line(&sb, query_int(q, 0), query_text(q, 1), cells);
	}
	rc = query_end(q, rc);
	if (rc == RC_OK) rc = sb_result(&sb);
	if (rc == RC_OK) rc = spool_open(&fd, cx->env->dir);
	if (rc == RC_OK) rc = fd_write_all(fd, sb.p, sb.len);
	sb_free(&sb);
	if (rc == RC_OK)
		answer_download(cx, call, fd, "text/csv; charset=utf-8", "errores.csv");
	else if (fd >= 0)
		close(fd);
	return rc;
}

const struct route renewals_import_routes[] = {
	{ .method = "GET",
	  .path = "/imports",
	  .realm = REALM_STAFF,
	  .right = RIGHT,
	  .class = ROUTE_DB,
	  .menu = N_("Import"),
	  .help = N_("Customer files: send one, see the earlier ones."),
	  .handle = show_imports },
	{ .method = "POST",
	  .path = "/imports",
	  .realm = REALM_STAFF,
	  .right = RIGHT,
	  .class = ROUTE_DB,
	  .has_token = true,
	  .body_max = UPLOAD_MAX + 64 * 1024,
	  .help = N_("Send a customer file to look at."),
	  .handle = post_import },
	{ .method = "GET",
	  .path = "/imports/:id",
	  .realm = REALM_STAFF,
	  .right = RIGHT,
	  .class = ROUTE_DB,
	  .help = N_("What a customer file would do, or did."),
	  .handle = show_import },
	{ .method = "GET",
	  .path = "/imports/:id/progress",
	  .realm = REALM_STAFF,
	  .right = RIGHT,
	  .class = ROUTE_DB,
	  .help = N_("How far the reading or taking in is, as JSON."),
	  .handle = get_progress },
	{ .method = "POST",
	  .path = "/imports/:id/commit",
	  .realm = REALM_STAFF,
	  .right = RIGHT,
	  .class = ROUTE_DB,
	  .has_token = true,
	  .help = N_("Take the file in."),
	  .handle = post_commit },
	{ .method = "POST",
	  .path = "/imports/:id/drop",
	  .realm = REALM_STAFF,
	  .right = RIGHT,
	  .class = ROUTE_DB,
	  .has_token = true,
	  .help = N_("Drop the file; nothing is written."),
	  .handle = post_drop },
	{ .method = "GET",
	  .path = "/imports/:id/errors",
	  .realm = REALM_STAFF,
	  .right = RIGHT,
	  .class = ROUTE_SPOOL,
	  .help = N_("The wrong rows of a file, with their reasons."),
	  .handle = get_errors },
	{ .method = NULL },
};
