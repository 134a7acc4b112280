/*
** import_run.h -- one walk over the file of an import: shared by import_read.c, import_commit.c and import.c.
*/
#ifndef RECADO_DESK_IMPORT_RUN_H
#define RECADO_DESK_IMPORT_RUN_H

#include "desk/import.h"
#include "files/files.h"

#define IMPORT_JUDGE_MS   20                 /* of the write lane, while nothing is written            */
#define IMPORT_WRITE_MS   50                 /* of it while rows are: half of what a transaction may last */
#define IMPORT_SLICE_MAX  (64 * 1024 * 1024) /* a few rows of the longest cells allowed               */
#define IMPORT_SLICE_SOME (4 * 1024 * 1024)  /* a slice that holds so much ends                        */
#define IMPORT_RUN_MAX    (24 * 1024 * 1024) /* what a run keeps: heading, rows to look at, rows to change */

struct import_run {
	struct cx *cx;
	struct job *job;
	struct arena *outer, *arena, *slice;
	struct actor before; /* the job's own */
	int64_t id, rows_total, rows_new, rows_update;
	const char *public_id, *state, *error, *file_name;
	bool updates, clears_empty;
	const struct resource *resource;
	const struct importer *importer;
	void *own; /* the importer's */
	struct import_field *fields;
	size_t field_count;
	struct import_heading heading;
	struct bytes file;
	struct rows_in *in;
	int64_t record; /* rows read so far, without the heading */
};

/* Read the import's row; become who sent it. RC_NOT_FOUND. run_close in any case. */
enum rc run_open(struct import_run *r, struct cx *cx, struct job *job, int64_t import_id) MUST_CHECK;
/* Open its file at the first row after the heading, and the importer. May be called again: from the start. */
enum rc run_begin(struct import_run *r, int64_t generation) MUST_CHECK;
/* The next row, into cx's arena. RC_NOT_FOUND at the end. */
enum rc run_next(struct import_run *r, struct cells *cells) MUST_CHECK;
/* Judge it: the importer's verdict, and what is wrong with any importer's row. */
enum rc run_judge(struct import_run *r, struct import_row *row) MUST_CHECK;
/* cx speaks into a fresh slice arena until run_slice_end, which keeps its sentence. */
void run_slice_begin(struct import_run *r);
void run_slice_end(struct import_run *r);
void run_close(struct import_run *r);

/* "NULL-terminated" tables with hidden rows: the importer's, or the resource's own; NULL = none can be hidden. */
const char *const *run_tables(const struct import_run *r);

/* SQL around the name of a table or column that the schema or a resource declares, in cx's arena. */
const char *run_sql(struct cx *cx, const char *before, const char *name, const char *after);

#define VERDICT_LETTERS "nu=sw"                        /* by enum import_verdict */
extern const char *const import_outcomes[IMPORT__MAX]; /* of import_row */

/* The jobs' bodies. */
enum rc import_read(struct cx *cx, struct job *job, int64_t import_id) MUST_CHECK;
enum rc import_commit(struct cx *cx, struct job *job, int64_t import_id) MUST_CHECK;
/* Take away what is hidden under the generation, in slices; RC_TRY_LATER when asked to stop. */
enum rc import_undo(struct import_run *r, int64_t generation) MUST_CHECK;
/* State reading again (inside a transaction), with a job that judges anew. */
enum rc import_read_again(struct cx *cx, int64_t import_id) MUST_CHECK;

/* import_errors.c: the wrong rows as they came, each with its reason, in a file of the same kind. */
struct error_file;
enum rc error_file_open(struct cx *cx, struct error_file **out, struct bytes source,
			const struct import_heading *heading) MUST_CHECK;
enum rc error_file_add(struct cx *cx, struct error_file *e, const struct cells *cells,
		       const char *why) MUST_CHECK;
/* Store it; *file_id of the store. Frees e in any case. */
enum rc error_file_store(struct cx *cx, struct error_file *e, int64_t *file_id, int64_t import_id,
			 const char *file_name) MUST_CHECK;
void error_file_free(struct error_file *e); /* NULL is fine */

#endif
