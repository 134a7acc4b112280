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

#define FILES_MAX 200

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

static void print_report(struct command_call *call, const struct value *report)
{
	fprintf(call->out, "%s %s %s\n", value_text_of(value_get(report, "type"), ""),
		value_text_of(value_get(report, "start_on"), ""),
		value_text_of(value_get(report, "end_on"), ""));
	for (const struct value *c = value_get(report, "columns")->first; c != NULL; c = c->next)
		fprintf(call->out, "  %s\t%s\t%s\n", value_text_of(value_get(c, "heading"), ""),
			value_text_of(value_get(c, "column"), ""), value_text_of(value_get(c, "type"), ""));
}

enum rc sends_inspect_command(struct cx *cx, struct command_call *call)
{
	const char *types = command_option(call, "types"), *days = command_option(call, "days");
	struct value *list = NULL,
		     wanted = { .type = VALUE_TEXT, .text = days, .len = days != NULL ? strlen(days) : 0 };
	int64_t back = days != NULL ? value_int_of(&wanted, 0) : 30;
	char since[DATE_SIZE];
	enum rc rc = command_check(cx, call, OPTIONS("only-existing"), OPTIONS("types", "days"));

	if (rc == RC_OK && (back < 1 || back > 3650))
		rc = cx_fail(cx, RC_BAD_INPUT, _("Usage: recado %s %s"), call->name, call->usage);
	if (rc != RC_OK) return rc;
	day_text(since, cx_today(cx) - (day)back);
	rc = db_rows(
		cx, &list, FILES_MAX,
		"SELECT id, type, start_on, end_on, file_id FROM generated_report WHERE state = 'READY' AND file_id IS NOT NULL"
		" AND end_on >= :since AND (:types = '' OR instr(',' || :types || ',', ',' || type || ',') > 0) ORDER BY id DESC",
		PARAMS(P_TEXT(":since", since), P_TEXT(":types", types != NULL ? types : "")));
	for (struct value *r = rc == RC_OK ? list->first : NULL; r != NULL && rc == RC_OK; r = r->next) {
		struct value *columns = value_set_list(cx->arena, r, "columns");
		int64_t size = 0;
		int fd = -1;

		rc = file_open(cx, &fd, &size, value_int_of(value_get(r, "file_id"), 0));
		if (rc == RC_OK) rc = inspect_file(cx, columns, fd);
		if (fd >= 0) close(fd);
		if (rc == RC_NOT_FOUND || rc == RC_IO) rc = RC_OK; /* its bytes are gone: nothing to tell */
		if (rc == RC_OK && !call->is_json) print_report(call, r);
	}
	return rc == RC_OK && call->is_json ? sends_print(cx, call, list) : rc;
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
	if (!report_task_begin(TASK_LOAD))
		return cx_fail(cx, RC_TRY_LATER, "%s",
			       _("Another report is being loaded. Try again in a moment."));
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
