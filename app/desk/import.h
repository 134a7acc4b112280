/*
** import.h -- rows of a resource out of a CSV or XLSX file.
**
**   reading --every row judged--> preview --a person says yes--> committing --flip--> done
**     |  ^                          |                             |
**     |  '---- judged anew ---------|------ undoing <--a row would fail now
**     '--the file is wrong          '--> dropped <--------'
**          --> failed
**
** One engine for all resources; how a row becomes facts is an importer's. Most resources have none of
** their own: theirs is column by column (import_columns.c).
**
** Files: import.c (an import's life, jobs) · import_read.c (judges a file) · import_commit.c (writes what was
** announced) · import_undo.c (takes hidden rows away) · import_heading.c (which column is which) ·
** import_columns.c, import_values.c (column by column) · import_keys.c (what was seen) · import_pages.c,
** import_new_page.c (panel and API) · import_command.c (command line).
**
** Holds: (1) what the preview announced is written entirely or not at all, but for changes of rows that were
** there already: those go with the flip up to IMPORT_AT_ONCE_MAX, more follow it and are certain to be tried;
** (2) before the flip nobody sees a row of an import; (3) the file stays as it came: what a row becomes is
** read from it again.
*/
#ifndef RECADO_DESK_IMPORT_H
#define RECADO_DESK_IMPORT_H

#include "base/command.h"
#include "desk/desk.h"
#include "files/rows_in.h"

#define IMPORT_ROWS_MAX    250000 /* of one file; beside UPLOAD_MAX bytes the one limit of all imports   */
#define IMPORT_FIELDS_MAX  48     /* columns an importer knows: a resource has at most 40                */
#define IMPORT_COUNTS_MAX  3      /* kinds of things one importer makes: customers, subscriptions        */
#define IMPORT_AT_ONCE_MAX 500    /* rows written in one transaction of at most 100 ms (bench: imports)  */

/* A column of a file, as an importer knows it. */
struct import_field {
	const char *name;    /* "phone"; accepted as a heading                                 */
	const char *title;   /* msgid; accepted in every language                              */
	const char *aliases; /* "telefono|celular" or NULL                                     */
	const char *help;    /* msgid or NULL                                                  */
	const char *sample;  /* of the sample file; NULL = empty                               */
	bool is_required;
	bool is_id;      /* with it in the file nothing else is required                    */
	bool is_ignored; /* known, never taken: computed columns of an export               */
};

/* Where each field stands in the file. */
struct import_heading {
	int at[IMPORT_FIELDS_MAX]; /* cell, -1 = absent                                      */
	const char *const *cell;   /* as the file has them, with count; live as long as the import's run */
	size_t count;
	const char *unknown, *ignored; /* "a, b", "" if none                                   */
};
/* Find the fields in the first row, case, accents, blanks and underscores ignored. RC_BAD_INPUT with the
** sentence: what is missing and what was found, or what is there twice. */
enum rc import_heading_read(struct cx *cx, struct import_heading *out, const struct import_field *fields,
			    size_t count, const struct cells *cells) MUST_CHECK;
/* What is wrong, out of cx's field errors or its sentence: "Phone: …; Price: …"; cx is clean afterwards. */
const char *import_why(struct cx *cx, const struct resource *r, enum rc rc);
/* The cell of a field, "" if absent. */
const char *import_cell(const struct import_heading *h, const struct cells *cells, size_t field);

/* What was seen in this file: key → line. In memory, IMPORT_ROWS_MAX entries. */
struct import_keys;
struct import_keys *import_keys_new(void);    /* NULL without memory                               */
void import_keys_free(struct import_keys *k); /* NULL is fine                                      */
/* The value kept under key, or -1. */
int64_t import_keys_get(const struct import_keys *k, const char *key);
/* Keep it; the first one stays. RC_NO_MEMORY, RC_TOO_LARGE. */
enum rc import_keys_put(struct import_keys *k, const char *key, int64_t value) MUST_CHECK;

enum import_verdict { IMPORT_NEW, IMPORT_UPDATE, IMPORT_SAME, IMPORT_SKIP, IMPORT_WRONG, IMPORT__MAX };

/* A row on its way. Everything in cx's arena. */
struct import_row {
	const struct cells *cells;
	enum import_verdict verdict;
	const char *why; /* WRONG: "Phone: is empty; Price: …"; SKIP: why                       */
	void *facts;     /* the importer's                                                      */
};

/* What an importer is told when it begins. */
struct import_open {
	const struct resource *resource;
	const struct import_heading *heading;
	const char *import_id; /* public id, for history                                       */
	int64_t generation;    /* of the hidden rows; 0 while judging                          */
	bool updates;          /* rows that are there already are changed                      */
	bool clears_empty;     /* an empty cell empties the field of a row that is there       */
	struct arena *arena;   /* lives as long as the run                                     */
};

/* MAKE: what nobody sees before the flip (or, for resources without generation, all of it). CHANGE: what is
** there already. REHEARSE: as MAKE and CHANGE, and taken back. */
enum import_step { IMPORT_MAKE, IMPORT_CHANGE, IMPORT_REHEARSE };

struct importer {
	const char *name;          /* "subscriptions": of the import's row; "" = column by column         */
	const char *title;         /* msgid: "Customers with their subscriptions"                    */
	const char *help;          /* msgid: what to know before sending a file                       */
	const char *const *tables; /* with generation that it writes to, parents first, NULL-terminated */
	const char *const *counts; /* msgids: what it made, IMPORT_COUNTS_MAX at most, NULL-terminated */
	const char *update_label, *skip_label; /* msgids: the choice for known rows; NULL = generic     */
	bool makes_for_known; /* MAKE is asked for rows that are there already, too              */
	/* Fields it knows, at most IMPORT_FIELDS_MAX, in out (cx's arena). */
	size_t (*fields)(struct cx *cx, const struct resource *r, struct import_field *out);
	/* Is a file with this heading one of its? NULL = only when asked for by name. */
	bool (*recognises)(struct cx *cx, const struct cells *heading);
	enum rc (*open)(struct cx *cx, const struct import_open *open, void **state);
	void (*close)(void *state);
	/* Facts and verdict of a row. Inside a write transaction (hooks may write), rolled back when judging.
	** A wrong row is RC_OK. */
	enum rc (*judge)(struct cx *cx, void *state, struct import_row *row);
	/* Write a judged row; adds to made[]. RC_BAD_INPUT, RC_CONFLICT, RC_DENIED with the sentence: it
	** cannot be. */
	enum rc (*write)(struct cx *cx, void *state, struct import_row *row, enum import_step step,
			 int64_t made[IMPORT_COUNTS_MAX]);
	/* Must judging try the writing too, because only the table knows (unique columns, no generation)? */
	bool (*rehearses)(void *state);
	/* After the flip, a slice of what only follows from it (payments), in the caller's transaction: ids greater than
	** *after, which moves. NULL = nothing. Repeated until *is_end. */
	enum rc (*settle)(struct cx *cx, int64_t generation, int64_t *after, bool *is_end);
	/* Values as they will be, one text a field present in the file, into list. */
	void (*show)(struct cx *cx, void *state, const struct import_row *row, struct value *list);
};

/* The same checks as form and API, column by column of r. */
extern const struct importer import_by_columns;
/* What importer reads a file of r: its own by name, "" column by column; NULL if there is none so called. */
const struct importer *import_importer(const struct resource *r, const char *name);
/* Can rows of r be imported, and by this actor? */
bool import_is_offered(const struct cx *cx, const struct resource *r);

/* An import's life (import.c). The transactions are their own. */

struct import_new {
	const struct resource *resource;
	const char *importer; /* NULL = by the file's heading                                    */
	const char *file_name;
	bool clears_empty; /* column by column only: an empty cell empties the field of a known row */
	int fd;
};
/* "leave" (or NULL, ""), "clear": what an empty cell means for a row that is there. RC_BAD_INPUT with the field. */
enum rc import_empty_cells(struct cx *cx, bool *clears, const char *word) MUST_CHECK;
/* Store the bytes, make the import in state reading and its job. RC_BAD_INPUT: the file is for an importer
** that clears nothing. */
enum rc import_start(struct cx *cx, int64_t *import_id, int64_t *job_id,
		     const struct import_new *new_) MUST_CHECK;
/* A person said yes to the preview. RC_CONFLICT unless it waits for that; RC_BAD_INPUT while wrong rows are
** not left out expressly. on_duplicate: "skip" or "update". */
enum rc import_confirm(struct cx *cx, int64_t import_id, const char *on_duplicate, bool good_only,
		       int64_t *job_id) MUST_CHECK;
/* Nothing of it is wanted: from preview, or from a reading or commit that was given up before its flip. */
enum rc import_drop(struct cx *cx, int64_t import_id) MUST_CHECK;
/* Go on with one whose job was given up. */
enum rc import_again(struct cx *cx, int64_t import_id) MUST_CHECK;

/* The command line: judge, and with --commit take in; what is printed is the caller's. *out: the import's row
** after the last step. */
enum rc import_run_command(struct cx *cx, struct command_call *call, const struct import_new *new_,
			   bool commits, bool good_only, struct value **out) MUST_CHECK;
/* "Row 3: …" of the wrong rows, at most 20. */
enum rc import_print_wrong(struct cx *cx, struct command_call *call, const struct value *import) MUST_CHECK;
extern const struct command import_commands[]; /* `recado import` */

extern const struct route import_routes[];
extern const struct job_kind import_jobs[];

#endif
