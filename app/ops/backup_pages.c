/*
** backup_pages.c -- the backups in the panel and the API: what there is, one more now, taking one away.
**
** Never:  makes a backup itself (the job does); hands out a file without the password once more: an open
**         screen must not be enough to carry all customers away.
*/
#include "ops/backup.h"
#include "web/people.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOWN_MAX 100 /* a year of what the keep rule leaves, and the failures */

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

static const char *at_text(struct cx *cx, instant at)
{
	char text[RFC3339_SIZE];

	if (at == 0) return "";
	instant_text_local(text, at, cx->env->zone);
	return arena_text(cx->arena, text);
}

static const char *size_text(struct cx *cx, int64_t bytes)
{
	if (bytes >= 10000000) return arena_printf(cx->arena, "%lld MB", (long long)bytes / 1000000);
	return arena_printf(cx->arena, "%lld kB", (long long)(bytes + 999) / 1000);
}

static const char *mark_of(const char *state)
{
	return strcmp(state, "proved") == 0 ? "ok" : strcmp(state, "failed") == 0 ? "error" : "warn";
}

static const char *where_of(struct cx *cx, const struct value *row)
{
	const char *remote = text_of(row, "remote");
	bool is_here =
		strcmp(text_of(row, "state"), "made") == 0 || strcmp(text_of(row, "state"), "proved") == 0;

	if (is_here && remote[0] != '\0') return _("here and in the storage");
	if (remote[0] != '\0') return _("in the storage");
	return is_here ? _("here only") : "";
}

/* What people read of a row, beside its columns. */
static void fill_words(struct cx *cx, struct value *row)
{
	const char *state = text_of(row, "state");

	value_set_text(cx->arena, row, "started", at_text(cx, int_of(row, "started_at")));
	value_set_text(cx->arena, row, "proved", at_text(cx, int_of(row, "proved_at")));
	value_set_text(cx->arena, row, "state_words", backup_state_word(cx, state));
	value_set_text(cx->arena, row, "mark", mark_of(state));
	value_set_text(cx->arena, row, "size_words", size_text(cx, int_of(row, "size")));
	value_set_text(cx->arena, row, "where", where_of(cx, row));
}

#define BACKUP_SELECT                                                                                         \
	"SELECT public_id, folder, name, origin, state, error, size, sha256, is_sealed, version, started_at," \
	" finished_at, proved_at, remote, remote_at, remote_error FROM backup"

static void add_fact(struct cx *cx, struct value *list, const char *title, const char *text)
{
	struct value *one = value_add_map(cx->arena, list);

	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "text", text);
}

static enum rc fill_head(struct cx *cx, struct value *page)
{
	struct value *facts = value_set_list(cx->arena, page, "facts");
	struct backup_last last;
	enum rc rc = backup_last(cx, &last);

	if (rc != RC_OK) return rc;
	add_fact(cx, facts, _("Last proof"),
		 last.proved_at != 0 ? at_text(cx, last.proved_at) : _("none yet"));
	add_fact(cx, facts, _("Folder"), backup_folder(cx));
	add_fact(cx, facts, _("Sealed"),
		 setting_text(cx->env->settings, "backup.passphrase")[0] != '\0' ? _("by a passphrase")
										 : _("no"));
	if (last.is_failed) value_set_text(cx->arena, page, "last_error", last.error);
	return RC_OK;
}

/* The bar of a backup that is under way. */
static enum rc fill_progress(struct cx *cx, struct value *page)
{
	struct value *job = NULL, *bar;
	enum rc rc = db_row(cx, &job,
			    "SELECT id, progress_done, progress_total FROM job WHERE kind = 'ops.backup' AND"
			    " (state = 'running' OR (slot = 'ops.backup' AND state = 'queued')) LIMIT 1",
			    NO_PARAMS);

	if (rc == RC_NOT_FOUND) return RC_OK;
	if (rc != RC_OK) return rc;
	bar = value_set_map(cx->arena, page, "progress");
	value_set_int(cx->arena, bar, "done", int_of(job, "progress_done"));
	value_set_int(cx->arena, bar, "total", int_of(job, "progress_total"));
	value_set_text(cx->arena, bar, "text", _("The backup is being made…"));
	value_set_text(cx->arena, bar, "poll", "/backups/progress");
	return RC_OK;
}

static enum rc show_progress(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *out = value_map(cx->arena);
	const struct value *bar;
	enum rc rc = fill_progress(cx, page);

	if (rc != RC_OK) return rc;
	bar = value_get(page, "progress");
	value_set_int(cx->arena, out, "done", int_of(bar, "done"));
	value_set_int(cx->arena, out, "total", int_of(bar, "total"));
	value_set_text(cx->arena, out, "text", text_of(bar, "text"));
	value_set_bool(cx->arena, out, "is_over", bar == NULL);
	answer_json(cx, call, 200, out);
	return RC_OK;
}

static enum rc show_backups(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *rows = NULL;
	enum rc rc =
		db_rows(cx, &rows, SHOWN_MAX, BACKUP_SELECT " ORDER BY started_at DESC, id DESC", NO_PARAMS);

	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) {
		shape_json(cx, rows);
		value_set(page, "data", rows);
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	for (struct value *r = rows->first; r != NULL; r = r->next)
		fill_words(cx, r);
	value_set(page, "rows", rows);
	value_set_bool(cx->arena, page, "has_rows", rows->first != NULL);
	value_set_bool(cx->arena, page, "may_make", actor_may(&cx->actor, "backups.make"));
	rc = fill_head(cx, page);
	if (rc == RC_OK) rc = fill_progress(cx, page);
	value_set_text(cx->arena, page, "heading", _("Backups"));
	if (rc == RC_OK) answer_page(cx, call, "ops/backups", _("Backups"), page);
	return rc;
}

static enum rc find(struct cx *cx, struct call *call, struct value **out)
{
	enum rc rc = db_row(cx, out, BACKUP_SELECT " WHERE public_id = :id",
			    PARAMS(P_TEXT(":id", call_param(call, "id"))));

	return rc == RC_NOT_FOUND ? cx_fail(cx, rc, "%s", _("This backup does not exist.")) : rc;
}

static void answer_one(struct cx *cx, struct call *call, struct value *row, enum rc failed)
{
	struct value *facts = value_set_list(cx->arena, row, "facts");
	const char *state = text_of(row, "state"), *heading;
	bool is_here = strcmp(state, "made") == 0 || strcmp(state, "proved") == 0;

	fill_words(cx, row);
	add_fact(cx, facts, _("File"),
		 arena_printf(cx->arena, "%s/%s", text_of(row, "folder"), text_of(row, "name")));
	add_fact(cx, facts, _("Size"), text_of(row, "size_words"));
	add_fact(cx, facts, _("Proved on"),
		 text_of(row, "proved")[0] != '\0' ? text_of(row, "proved") : _("not yet"));
	add_fact(cx, facts, _("Sealed"), int_of(row, "is_sealed") != 0 ? _("by a passphrase") : _("no"));
	if (where_of(cx, row)[0] != '\0') add_fact(cx, facts, _("Copies"), where_of(cx, row));
	if (text_of(row, "remote_error")[0] != '\0')
		add_fact(cx, facts, _("The copy elsewhere failed"), text_of(row, "remote_error"));
	if (text_of(row, "sha256")[0] != '\0') add_fact(cx, facts, "SHA-256", text_of(row, "sha256"));
	value_set_bool(cx->arena, row, "may_download",
		       is_here && cx->actor.kind == ACTOR_USER && actor_may(&cx->actor, "backups.download"));
	for (size_t i = 0; i < cx->field_count; i++)
		if (strcmp(cx->fields[i].field, "password") == 0)
			value_set_text(cx->arena, row, "error_password", cx->fields[i].message);
	if (failed == RC_TOO_MANY) value_set_text(cx->arena, row, "error_password", cx_sentence(cx, failed));
	heading = arena_printf(cx->arena, _("Backup of %s"), text_of(row, "started"));
	value_set_text(cx->arena, row, "heading", heading);
	answer_page(cx, call, "ops/backup", heading, row);
	if (failed != RC_OK) reply_status(call_reply(call), failed == RC_TOO_MANY ? 429 : 422);
}

static enum rc show_backup(struct cx *cx, struct call *call)
{
	struct value *row = NULL;
	enum rc rc = find(cx, call, &row);

	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) {
		shape_json(cx, row);
		answer_json(cx, call, 200, row);
	} else
		answer_one(cx, call, row, RC_OK);
	return RC_OK;
}

static enum rc make_now(struct cx *cx, struct call *call)
{
	struct value *args = value_map(cx->arena), *out = value_map(cx->arena);
	int64_t id = 0;
	enum rc rc = tx_begin(cx);

	value_set_text(cx->arena, args, "origin", "person");
	if (rc == RC_OK)
		rc = job_add(cx, &id,
			     &(struct job_new){ .kind = "ops.backup", .slot = "ops.backup", .args = args });
	if (rc == RC_CONFLICT && id != 0) rc = RC_OK; /* one is on its way: it is as good */
	rc = tx_end(cx, rc);
	if (rc != RC_OK) return rc;
	value_set_int(cx->arena, out, "job", id);
	if (call_shape(call) == SHAPE_JSON)
		answer_json(cx, call, 202, out);
	else
		answer_redirect(cx, call, "/backups");
	return RC_OK;
}

static enum rc download(struct cx *cx, struct call *call)
{
	struct value *row = NULL, *after;
	const char *password;
	int fd = -1;
	enum rc rc = cx->actor.kind == ACTOR_USER ? form_read(cx, call) : RC_NOT_FOUND;

	if (rc == RC_OK) rc = find(cx, call, &row);
	if (rc != RC_OK) return rc;
	password = form_text(call, "password");
	rc = user_prove(cx, call, "password", password != NULL ? password : "");
	if (rc == RC_BAD_INPUT || rc == RC_DENIED || rc == RC_TOO_MANY) {
		answer_one(cx, call, row, rc);
		return RC_OK;
	}
	if (rc == RC_OK)
		fd = open(arena_printf(cx->arena, "%s/%s", text_of(row, "folder"), text_of(row, "name")),
			  O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (rc == RC_OK && fd < 0)
		rc = cx_fail(cx, RC_NOT_FOUND, _("The file %s cannot be read: %s."), text_of(row, "name"),
			     words_errno(cx->lang, errno));
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc == RC_OK) {
		after = value_map(cx->arena);
		value_set_text(cx->arena, after, "name", text_of(row, "name"));
		rc = tx_end(cx, audit_add(cx, "download", "backup", 0, NULL, after));
	}
	if (rc == RC_OK)
		answer_download(cx, call, fd, "application/octet-stream", text_of(row, "name"));
	else if (fd >= 0)
		close(fd);
	return rc;
}

static const struct fact job_fact[] = {
	{ .name = "job", .type = FACT_INT, .is_needed = true, .help = N_("The work that does it.") },
	{ .name = NULL },
};

static const struct fact list_facts[] = {
	{ .name = "data", .type = FACT_MAPS, .is_needed = true, .help = N_("The backups, newest first.") },
	{ .name = NULL },
};

static const struct fact progress_facts[] = {
	{ .name = "done", .type = FACT_INT, .is_needed = true, .help = N_("Percent that are done.") },
	{ .name = "total", .type = FACT_INT, .is_needed = true, .help = N_("100, or 0 before it began.") },
	{ .name = "text", .type = FACT_TEXT, .is_needed = true, .help = N_("In words.") },
	{ .name = "is_over", .type = FACT_BOOL, .is_needed = true, .help = N_("No backup is being made.") },
	{ .name = NULL },
};

const struct route backup_routes[] = {
	{ .method = "GET",
	  .path = "/backups",
	  .realm = REALM_STAFF,
	  .right = "backups.view",
	  .class = ROUTE_DB,
	  .menu = N_("Backups"),
	  .menu_order = 87,
	  .help = N_("The backups: when, how large, whether proved, where."),
	  .gives = list_facts,
	  .handle = show_backups },
	{ .method = "GET",
	  .path = "/backups/progress",
	  .realm = REALM_STAFF,
	  .right = "backups.view",
	  .class = ROUTE_DB,
	  .help = N_("How far the backup is that is being made."),
	  .gives = progress_facts,
	  .handle = show_progress },
	{ .method = "GET",
	  .path = "/backups/:id",
	  .realm = REALM_STAFF,
	  .right = "backups.view",
	  .class = ROUTE_DB,
	  .help = N_("One backup."),
	  .handle = show_backup },
	{ .method = "POST",
	  .path = "/backups/now",
	  .realm = REALM_STAFF,
	  .right = "backups.make",
	  .class = ROUTE_DB,
	  .has_token = true,
	  .is_idempotent = true,
	  .help = N_("Make a backup now"),
	  .gives = job_fact,
	  .handle = make_now },
	{ .method = "POST",
	  .path = "/backups/:id/download",
	  .realm = REALM_STAFF,
	  .right = "backups.download",
	  .class = ROUTE_DB,
	  .has_token = true,
	  .no_api = true,
	  .help = N_("The backup as a file; asks for the password once more."),
	  .handle = download },
	{ .method = NULL },
};
