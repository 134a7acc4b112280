/*
** import_run.c -- one walk over the file of an import: opened, read row by row, judged.
**
** Needs:  a job's cx, whose arena is borrowed for slices and given back.
** Holds:  (1) the actor is who sent the file, with the rights of that moment; (2) memory is one slice, what
**         the run keeps on purpose, and the file's pages that were read last.
*/
#include "desk/import_run.h"

#include "desk/inner.h"
#include <string.h>
#include <sys/mman.h>

const char *const import_outcomes[IMPORT__MAX] = { "new", "update", "same", "skip", "wrong" };

static const char *kept(struct import_run *r, const struct value *row, const char *name)
{
	return arena_text(r->arena, value_text_of(value_get(row, name), ""));
}

static void become_sender(struct import_run *r, const struct value *row)
{
	struct cx *cx = r->cx;
	int64_t user = value_int_of(value_get(row, "user_id"), 0);

	(void)words_lang(&cx->lang, value_text_of(value_get(row, "lang"), ""));
	cx->actor = (struct actor){ .kind = user != 0 ? ACTOR_USER : ACTOR_COMMAND,
				    .user_id = user,
				    .name = kept(r, row, "created_by"),
				    .role = "",
				    .rights = kept(r, row, "rights"),
				    .address = kept(r, row, "address"),
				    .door = "import" };
}

enum rc run_open(struct import_run *r, struct cx *cx, struct job *job, int64_t import_id)
{
	struct value *row = NULL;
	enum rc rc;

	*r = (struct import_run){
		.cx = cx, .job = job, .id = import_id, .outer = cx->arena, .before = cx->actor
	};
	r->arena = arena_new(IMPORT_RUN_MAX);
	r->slice = arena_new(IMPORT_SLICE_MAX);
	if (r->arena == NULL || r->slice == NULL) return RC_NO_MEMORY;
	rc = db_row(
		cx, &row,
		"SELECT public_id, state, error, resource, importer, file_name, on_duplicate, rights, lang, address,"
		" created_by, user_id, rows_total, rows_new, rows_update,"
		" coalesce(json_extract(columns_json, '$.clears_empty'), 0) AS clears_empty FROM import WHERE id = :id",
		PARAMS(P_INT(":id", import_id)));
	if (rc != RC_OK) return rc;
	become_sender(r, row);
	r->public_id = kept(r, row, "public_id");
	r->state = kept(r, row, "state");
	r->error = kept(r, row, "error");
	r->file_name = kept(r, row, "file_name");
	r->updates = strcmp(value_text_of(value_get(row, "on_duplicate"), ""), "update") == 0;
	r->clears_empty = value_int_of(value_get(row, "clears_empty"), 0) != 0;
	r->rows_total = value_int_of(value_get(row, "rows_total"), 0);
	r->rows_new = value_int_of(value_get(row, "rows_new"), 0);
	r->rows_update = value_int_of(value_get(row, "rows_update"), 0);
	r->resource = desk_resource(value_text_of(value_get(row, "resource"), ""));
	if (r->resource == NULL)
		return cx_fail(cx, RC_BAD_INPUT, _("What this file was sent for is switched off now."));
	r->importer = import_importer(r->resource, value_text_of(value_get(row, "importer"), ""));
	return r->importer != NULL ? RC_OK : RC_BUG;
}

static void stop_walking(struct import_run *r)
{
	if (r->own != NULL && r->importer->close != NULL) r->importer->close(r->own);
	r->own = NULL;
	rows_in_close(r->in);
	r->in = NULL;
	r->record = 0;
}

void run_close(struct import_run *r)
{
	stop_walking(r);
	if (r->file.p != NULL) file_unmap(r->file);
	r->file = (struct bytes){ NULL, 0 };
	r->cx->arena = r->outer;
	if (r->cx->message[0] != '\0') r->cx->message = arena_text(r->outer, r->cx->message);
	r->cx->actor = r->before; /* the sender's name and rights lie in the arena that goes now */
	arena_free(r->arena);
	arena_free(r->slice);
	r->arena = r->slice = NULL;
}

/* Pages of the file that were read are the system's again: a large file must not count as our memory. */
static void let_go(const struct import_run *r)
{
	(void)madvise((void *)(uintptr_t)r->file.p, r->file.len, MADV_DONTNEED);
}

/* The heading: fields of the importer, found in the first row. */
static enum rc read_heading(struct import_run *r)
{
	struct cx *cx = r->cx;
	struct cells cells = { .count = 0 };
	enum rc rc;

	cx->arena = r->arena;
	if (r->fields == NULL) {
		r->fields = arena_array(r->arena, IMPORT_FIELDS_MAX, sizeof(*r->fields));
		if (r->fields == NULL) return RC_NO_MEMORY;
		r->field_count = r->importer->fields(cx, r->resource, r->fields);
	}
	rc = rows_in_next(cx, r->in, r->arena, &cells);
	if (rc == RC_NOT_FOUND) rc = cx_fail(cx, RC_BAD_INPUT, _("The file is empty."));
	if (rc == RC_OK) rc = import_heading_read(cx, &r->heading, r->fields, r->field_count, &cells);
	cx->arena = r->outer;
	return rc;
}

enum rc run_begin(struct import_run *r, int64_t generation)
{
	struct cx *cx = r->cx;
	int64_t file_id = 0;
	enum rc rc = RC_OK;

	stop_walking(r);
	if (r->file.p == NULL) {
		rc = db_get_int(cx, &file_id, "SELECT coalesce(file_id, 0) FROM import WHERE id = :id",
				PARAMS(P_INT(":id", r->id)));
		if (rc == RC_OK) rc = file_map(cx, &r->file, file_id);
	}
	if (rc == RC_OK && r->file.len == 0) rc = cx_fail(cx, RC_BAD_INPUT, _("The file is empty."));
	if (rc == RC_OK) rc = rows_in_open(cx, &r->in, r->file);
	if (rc == RC_OK) let_go(r); /* telling the encoding read all of it */
	if (rc == RC_OK) rc = read_heading(r);
	if (rc != RC_OK) return rc;
	cx->arena = r->arena;
	rc = r->importer->open(cx,
			       &(struct import_open){ .resource = r->resource,
						      .heading = &r->heading,
						      .import_id = r->public_id,
						      .generation = generation,
						      .updates = r->updates,
						      .clears_empty = r->clears_empty,
						      .arena = r->arena },
			       &r->own);
	cx->arena = r->outer;
	return rc;
}

enum rc run_next(struct import_run *r, struct cells *cells)
{
	enum rc rc = rows_in_next(r->cx, r->in, r->cx->arena, cells);

	if (rc == RC_OK) r->record++;
	return rc;
}

static bool has_more_cells(const struct import_run *r, const struct cells *cells)
{
	for (size_t i = r->heading.count; i < cells->count; i++)
		if (cells->cell[i][0] != '\0') return true;
	return false;
}

enum rc run_judge(struct import_run *r, struct import_row *row)
{
	struct cx *cx = r->cx;

	if (has_more_cells(r, row->cells)) {
		row->verdict = IMPORT_WRONG;
		row->why = arena_printf(
			cx->arena,
			_("it has %zu cells, the heading only %zu: put a cell with a comma in it into quotation marks"),
			row->cells->count, r->heading.count);
		return RC_OK;
	}
	return r->importer->judge(cx, r->own, row);
}

void run_slice_begin(struct import_run *r)
{
	arena_reset(r->slice);
	r->cx->arena = r->slice;
}

void run_slice_end(struct import_run *r)
{
	struct cx *cx = r->cx;

	cx->arena = r->outer;
	if (cx->message[0] != '\0') cx->message = arena_text(r->outer, cx->message);
	cx->field_count = 0;
	if (r->in != NULL) let_go(r);
}

const char *const *run_tables(const struct import_run *r)
{
	static _Thread_local const char *own[2];

	if (r->importer->tables != NULL) return r->importer->tables;
	if (!r->resource->has_generation) return NULL;
	own[0] = r->resource->table;
	own[1] = NULL;
	return own;
}

const char *run_sql(struct cx *cx, const char *before, const char *name, const char *after)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 4096);
	sb_text(&sb, before);
	sb_char(&sb, '"');
	sb_text(&sb, name);
	sb_char(&sb, '"');
	sb_text(&sb, after);
	return sb_text_of(&sb);
}
