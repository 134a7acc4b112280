/*
** preview.c -- what a file of recipients would become, told before anything is kept.
**
** Needs:  the file's bytes; for those who want no mailings, the database (read only).
** Never:  writes; keeps more than ten rows.
** Holds:  (1) its counts are what the import of the same file with the same choices finds; (2) memory is 32
**         bytes a row and one slice of rows, whatever the file.
*/
#include "sends/recipients_inner.h"

#include <string.h>

#define ROWS_SHOWN 10

static bool is_waived(const struct value *may_be_empty, const char *name)
{
	const struct value *v =
		may_be_empty != NULL && may_be_empty->type == VALUE_LIST ? may_be_empty->first : NULL;

	while (v != NULL && strcmp(value_text_of(v, ""), name) != 0)
		v = v->next;
	return v != NULL;
}

/* As the gate will: what may be empty may be missing too. */
static void tell_missing(struct arena *a, struct value *out, const struct recipients_file *f,
			 const struct preview_options *options)
{
	const struct value *required = options->required;
	struct value *missing = value_set_list(a, out, "missing"), *waived = NULL;
	const char *json = options->may_be_empty != NULL ? options->may_be_empty : "";

	if (json_parse(a, &waived, NULL, json, strlen(json)) != RC_OK) waived = NULL;

	for (const struct value *name = required != NULL ? required->first : NULL; name != NULL;
	     name = name->next) {
		const char *wanted = value_text_of(name, "");
		size_t i = 0;

		while (i < f->variable_count && strcmp(f->variables[i].key, wanted) != 0)
			i++;
		if ((i == f->variable_count || !variable_is_reachable(wanted)) && !is_waived(waived, wanted))
			value_add_text(a, missing, wanted);
	}
}

static void show_row(struct arena *a, struct value *rows, const struct recipients_file *f)
{
	struct value *cells = value_list(a);

	for (size_t i = 0; i < f->csv.count; i++)
		value_add_text(a, cells, recipients_cell(f, a, i));
	value_append(rows, cells);
}

static void tell_errors(struct cx *cx, struct value *out, const struct judge *j)
{
	struct value *errors = value_set_list(cx->arena, out, "errors");

	for (enum row_code code = ROW_VALID + 1; code < ROW__MAX; code++) {
		struct value *error;

		if (j->counts[code] == 0) continue;
		error = value_add_map(cx->arena, errors);
		value_set_text(cx->arena, error, "code", row_code_name(code));
		value_set_text(cx->arena, error, "words", recipients_words(cx->lang, row_code_name(code)));
		value_set_int(cx->arena, error, "count", j->counts[code]);
	}
}

/* Every row judged; the arena of rows is emptied now and then. */
static enum rc walk(struct cx *cx, struct recipients_file *f, struct judge *j, struct arena *rows,
		    struct value *shown)
{
	enum rc rc = RC_OK;

	while (rc == RC_OK) {
		struct recipient_row row;

		rc = recipients_next(cx, f, rows);
		if (rc != RC_OK) break;
		if (f->rows <= ROWS_SHOWN) show_row(cx->arena, shown, f);
		rc = judge_row(j, f, rows, &row);
		if (rc == RC_OK && arena_failed(rows)) rc = RC_NO_MEMORY;
		if (f->rows % ROWS_AT_ONCE == 0 || arena_used(rows) > ROW_ARENA_SOME) arena_reset(rows);
	}
	if (rc != RC_NOT_FOUND) return rc;
	return f->rows == 0 ? recipients_refuse(cx, "file_empty", NULL) : RC_OK;
}

enum rc recipients_preview(struct cx *cx, struct value **out, struct bytes file,
			   const struct preview_options *options)
{
	struct recipients_file *f = arena_alloc(cx->arena, sizeof(*f));
	struct arena *rows = arena_new(ROW_ARENA_MAX);
	struct value *map = value_map(cx->arena), *shown = value_list(cx->arena), *error;
	struct judge j;
	enum rc rc = judge_open(cx, &j, options->dedupe, !options->sends_suppressed);

	if (f == NULL || rows == NULL) rc = RC_NO_MEMORY;
	if (rc == RC_OK) rc = recipients_open(cx, f, cx->arena, file, options->variables_json);
	if (rc == RC_OK) recipients_require(f, cx->arena, options->required, options->may_be_empty);
	if (rc == RC_OK) rc = walk(cx, f, &j, rows, shown);
	if (rc == RC_OK) {
		judge_tell(&j, f, cx->arena, map);
		value_set_int(cx->arena, map, "total", f->rows);
		value_set_int(cx->arena, map, "valid", j.counts[ROW_VALID]);
		tell_errors(cx, map, &j);
		tell_missing(cx->arena, map, f, options);
		value_set(map, "rows", shown);
		if (f->email < 0) {
			error = value_set_map(cx->arena, map, "error");
			value_set_text(cx->arena, error, "code", "email_column_missing");
			value_set_text(cx->arena, error, "words",
				       recipients_words(cx->lang, "email_column_missing"));
		}
		*out = map;
	}
	judge_close(&j);
	arena_free(rows);
	return rc;
}

/* What would be sent along, as the template gets it. */
static enum rc variables_of(struct cx *cx, struct value **out, const struct sb *payload, const char *address)
{
	enum rc rc = json_parse(cx->arena, out, NULL, payload->p, payload->len);

	if (rc == RC_OK && value_get(*out, "email") == NULL)
		value_set_text(cx->arena, *out, "email", arena_text(cx->arena, address));
	return rc;
}

enum rc recipients_row(struct cx *cx, struct value **out, struct bytes file, int64_t i,
		       const char *variables_json)
{
	struct recipients_file *f = arena_alloc(cx->arena, sizeof(*f));
	struct arena *rows = arena_new(ROW_ARENA_MAX);
	struct sb payload;
	enum rc rc = f == NULL || rows == NULL ? RC_NO_MEMORY
					       : recipients_open(cx, f, cx->arena, file, variables_json);

	sb_init(&payload, PAYLOAD_MAX);
	while (rc == RC_OK) {
		struct recipient_row row;

		rc = recipients_next(cx, f, rows);
		if (rc != RC_OK) break;
		recipients_read_row(f, rows, &row, &payload);
		if (row.code == ROW_VALID && i-- == 0) {
			rc = variables_of(cx, out, &payload, row.address);
			break;
		}
		if (f->rows % ROWS_AT_ONCE == 0 || arena_used(rows) > ROW_ARENA_SOME) arena_reset(rows);
	}
	if (rc == RC_NOT_FOUND)
		rc = cx_fail(cx, rc, "%s", _("The file has no more rows with a valid address."));
	sb_free(&payload);
	arena_free(rows);
	return rc;
}
