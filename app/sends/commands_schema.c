/*
** commands_schema.c -- `recado sends inspect_reports_schema` and `recado sends clean_reports_contaminated`:
** what the columns of fetched files are, and rows of a day taken out of a place again.
**
** Never:  prints a cell: a sample would be somebody's address (spec §13.4).
*/
#include "sends/commands.h"

#include "files/files.h"
#include "sends/report_csv.h"
#include "sends/report_inner.h"
#include <string.h>
#include <unistd.h>

#define FILES_MAX  200
#define DAYS_USUAL 30
#define DAYS_MOST  3650
/* 200 reports of 200 columns; a summary has eight */
#define SCHEMA_MAX (8 * 1024 * 1024)

static const char *const kinds[] = {
	[LOAD_TEXT] = "text",  [LOAD_EMAIL] = "email",  [LOAD_INTEGER] = "integer",
	[LOAD_REAL] = "float", [LOAD_BOOL] = "boolean", [LOAD_TIME] = "timestamp"
};

/* Columns of one file: name as given, column, type found in its first rows. */
static enum rc inspect_file(struct cx *cx, struct value *columns, int fd)
{
	struct column_guess guess[LOAD_COLUMNS_MAX] = { { .seen = 0 } };
	const char *names[LOAD_COLUMNS_MAX];
	struct report_csv r;
	size_t count = 0;
	enum rc rc = report_csv_open(&r, fd);

	if (rc == RC_OK) rc = report_csv_next(&r);
	if (rc == RC_OK) {
		count = r.count;
		report_columns(cx->arena, names, r.cell, count);
		for (size_t i = 0; i < count; i++) {
			struct value *one = value_add_map(cx->arena, columns);

			value_set_text(cx->arena, one, "heading",
				       arena_bytes(cx->arena, r.cell[i].p, r.cell[i].len));
			value_set_text(cx->arena, one, "column", names[i]);
		}
	}
	for (int n = 0; rc == RC_OK && n < REPORT_SAMPLE; n++) {
		rc = report_csv_next(&r);
		for (size_t i = 0; rc == RC_OK && i < r.count && i < count; i++)
			column_guess(&guess[i], r.cell[i]);
	}
	report_csv_close(&r);
	count = 0;
	for (struct value *c = columns->first; c != NULL; c = c->next)
		value_set_text(cx->arena, c, "type", kinds[column_guessed(&guess[count++])]);
	return rc == RC_NOT_FOUND || rc == RC_BAD_INPUT ? RC_OK : rc;
}

static void print_report(struct cx *cx, FILE *out, const struct value *report)
{
	const struct value *columns = value_get(report, "columns");

	fprintf(out, "%s %s %s%s\n", value_text_of(value_get(report, "type"), ""),
		value_text_of(value_get(report, "start_on"), ""),
		value_text_of(value_get(report, "end_on"), ""),
		value_bool_of(value_get(report, "has_file"), false) ? "" : _(" (its file is gone)"));
	for (const struct value *c = columns->first; c != NULL; c = c->next)
		fprintf(out, "  %s\t%s\t%s\n", value_text_of(value_get(c, "heading"), ""),
			value_text_of(value_get(c, "column"), ""), value_text_of(value_get(c, "type"), ""));
}

/* --types deliveries,opens: "" = all. */
static enum rc check_types(struct cx *cx, const char *types)
{
	while (*types != '\0') {
		size_t n = strcspn(types, ",");
		const char *one = arena_bytes(cx->arena, types, n);

		if (!report_is_type(one))
			return cx_fail(cx, RC_BAD_INPUT, _("“%s” is not a kind of report; use one of %s."),
				       one, REPORT_TYPES);
		types += n + (types[n] == ',');
	}
	return RC_OK;
}

static enum rc inspect_one(struct cx *cx, struct value *report)
{
	struct value *columns = value_set_list(cx->arena, report, "columns");
	int64_t size = 0;
	int fd = -1;
	enum rc rc = file_open(cx, &fd, &size, value_int_of(value_get(report, "file_id"), 0));
	bool has_file = rc == RC_OK;

	if (rc == RC_OK) rc = inspect_file(cx, columns, fd);
	if (fd >= 0) close(fd);
	value_set_bool(cx->arena, report, "has_file", has_file);
	/* its bytes are gone: nothing to tell of its columns */
	return rc == RC_NOT_FOUND || rc == RC_IO ? RC_OK : rc;
}

static enum rc inspect_all(struct cx *cx, struct value **out, const char *types, day since,
			   bool only_existing)
{
	struct value *found = NULL;
	char on[DATE_SIZE];
	enum rc rc;

	day_text(on, since);
	*out = value_list(cx->arena);
	rc = db_rows(
		cx, &found, FILES_MAX,
		"SELECT id, type, start_on, end_on, file_id FROM generated_report WHERE state = 'READY' AND file_id IS NOT NULL"
		" AND end_on >= :since AND (:types = '' OR instr(',' || :types || ',', ',' || type || ',') > 0) ORDER BY id DESC",
		PARAMS(P_TEXT(":since", on), P_TEXT(":types", types)));
	for (struct value *r = rc == RC_OK ? found->first : NULL, *next; r != NULL && rc == RC_OK; r = next) {
		next = r->next;
		r->next = NULL;
		rc = inspect_one(cx, r);
		if (!only_existing || value_bool_of(value_get(r, "has_file"), false)) value_append(*out, r);
	}
	return rc;
}

/* Into a file of whoever typed the command, whole or not at all; always as JSON. */
static enum rc write_out(struct cx *cx, struct command_call *call, const struct value *list, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *folder = slash == NULL   ? "."
			     : slash == path ? "/"
					     : arena_bytes(cx->arena, path, (size_t)(slash - path));
	struct tmpfile_at t = TMPFILE_NONE;
	struct sb sb;
	enum rc rc;

	sb_init_arena(&sb, cx->arena, SCHEMA_MAX);
	json_write(&sb, list);
	sb_lit(&sb, "\n");
	rc = sb_result(&sb);
	if (rc == RC_OK) rc = tmpfile_open(&t, folder);
	if (rc == RC_OK) rc = fd_write_all(t.fd, sb.p, sb.len);
	if (rc == RC_OK) rc = tmpfile_publish(&t, path);
	tmpfile_discard(&t);
	if (rc != RC_OK)
		return cx_fail(cx, RC_IO,
			       _("“%s” cannot be written: look whether its folder is there and has room."),
			       path);
	return sends_say_count(cx, call, "reports", (int64_t)list->count,
			       arena_printf(cx->arena, _("Columns of %lld reports are in %s."),
					    (long long)list->count, path));
}

enum rc sends_inspect_command(struct cx *cx, struct command_call *call)
{
	const char *types = command_option(call, "types"), *days = command_option(call, "days"),
		   *path = command_option(call, "out");
	struct value *list = NULL,
		     wanted = { .type = VALUE_TEXT, .text = days, .len = days != NULL ? strlen(days) : 0 };
	int64_t back = days != NULL ? value_int_of(&wanted, 0) : DAYS_USUAL;
	enum rc rc = command_check(cx, call, OPTIONS("only-existing"), OPTIONS("types", "days", "out"));

	if (rc == RC_OK && (back < 1 || back > DAYS_MOST || (path != NULL && path[0] == '\0')))
		rc = cx_fail(cx, RC_BAD_INPUT, _("Usage: recado %s %s"), call->name, call->usage);
	if (rc == RC_OK) rc = check_types(cx, types != NULL ? types : "");
	if (rc == RC_OK)
		rc = inspect_all(cx, &list, types != NULL ? types : "", cx_today(cx) - (day)back,
				 command_flag(call, "only-existing"));
	if (rc != RC_OK) return rc;
	if (path != NULL) return write_out(cx, call, list, path);
	if (call->is_json) return sends_print(cx, call, list);
	for (const struct value *r = list->first; r != NULL; r = r->next)
		print_report(cx, call->out, r);
	return RC_OK;
}

/* Cleaning */

static enum rc note_all(struct cx *cx, struct target *t, const char *on)
{
	struct value *groups = NULL;
	enum rc rc = db_rows(cx, &groups, 10000,
			     "SELECT DISTINCT start_on, end_on FROM generated_report WHERE loaded_in <> ''"
			     " AND (:on = '' OR (start_on <= :on AND end_on >= :on))",
			     PARAMS(P_TEXT(":on", on)));

	for (const struct value *g = rc == RC_OK ? groups->first : NULL; g != NULL && rc == RC_OK;
	     g = g->next)
		rc = report_note_loads(cx, value_text_of(value_get(g, "start_on"), ""),
				       value_text_of(value_get(g, "end_on"), ""), t->alias, t);
	return rc;
}

enum rc sends_clean_command(struct cx *cx, struct command_call *call)
{
	const char *on = command_option(call, "day"), *alias = command_option(call, "alias");
	bool is_all = command_flag(call, "truncate");
	struct target t = { .engine = NULL };
	int64_t rows = 0;
	day d = 0;
	enum rc rc = command_check(cx, call, OPTIONS("truncate"), OPTIONS("day", "alias"));

	if (rc == RC_OK && (on != NULL) == is_all)
		rc = cx_fail(cx, RC_BAD_INPUT, _("Usage: recado %s %s"), call->name, call->usage);
	if (rc == RC_OK && on != NULL && day_parse(&d, on) != RC_OK)
		rc = cx_fail(cx, RC_BAD_INPUT, _("“%s” is not a date; write it like 2026-11-22."), on);
	if (rc != RC_OK) return rc;
	if (!report_task_begin(TASK_LOAD)) {
		cx->error_code = LOAD_BUSY;
		return cx_fail(cx, RC_TRY_LATER, "%s",
			       _("Another report is being loaded. Try again in a moment."));
	}
	rc = target_open(cx, &t, alias != NULL ? alias : ALIAS_DEFAULT);
	if (rc == RC_OK) rc = t.engine->forget(cx, &t, on != NULL ? on : "", &rows);
	if (rc == RC_OK) rc = note_all(cx, &t, on != NULL ? on : "");
	target_close(&t);
	report_task_end(TASK_LOAD);
	if (rc != RC_OK) return rc;
	if (call->is_json)
		fprintf(call->out, "{\"rows_deleted\":%lld}\n", (long long)rows);
	else
		fprintf(call->out, _("Rows taken out: %lld. They can be loaded again.\n"), (long long)rows);
	return RC_OK;
}
