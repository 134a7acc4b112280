/*
** import.h -- customers with their subscriptions from a CSV file (spec §14).
**
**   reading --every row judged--> preview --a person confirms--> committing --> done
**     '--the file itself is wrong--> failed    '--> dropped
**
** Files: import_row.c (one line of cells into facts; pure) · import_read.c (judges a file into
** import_row) · import_commit.c (writes what was judged good) · import.c (jobs, command) ·
** import_pages.c (the panel).
*/
#ifndef RECADO_RENEWALS_IMPORT_H
#define RECADO_RENEWALS_IMPORT_H

#include "base/csv.h"
#include "renewals/renewals.h"

#define IMPORT_ROWS_MAX 250000 /* one limit for all imports, beside UPLOAD_MAX bytes */

/* One line (import_row.c) */

enum import_column {
	IMPORT_GIVEN_NAMES,
	IMPORT_SURNAMES,
	IMPORT_PHONE,
	IMPORT_EMAIL,
	IMPORT_SERVICE,
	IMPORT_STARTS_ON,
	IMPORT_ENDS_ON,
	IMPORT_PRICE,
	IMPORT_METHOD,
	IMPORT_STATUS,
	IMPORT_NOTES,
	IMPORT_COLUMNS
};
/* The name of a column as our own files write it: "nombres", "telefono"… */
const char *import_column_name(enum import_column c);

/* Where each column stands in the file, -1 = absent. */
struct import_header {
	int at[IMPORT_COLUMNS];
};
/* Find the columns by name or alias, case and accents ignored. RC_BAD_INPUT with the sentence in cx: what is
** missing and what was found. */
enum rc import_header_read(struct cx *cx, struct import_header *out, const struct csv *csv) MUST_CHECK;

/* A line that reads well. Text is in cx's arena. */
struct import_facts {
	const char *given_names, *surnames, *email, *phone, *phone_original, *phone_kind, *service, *notes;
	const char *method, *status;                   /* codes; "" = not given            */
	char starts_on[DATE_SIZE], ends_on[DATE_SIZE]; /* "" = not given        */
	int64_t price_cents;                           /* -1 = not given                   */
};
/* Read a line's cells; every wrong cell is named in *why (one sentence, arena), NULL if the line is good.
** No I/O. */
void import_facts_read(struct cx *cx, struct import_facts *out, const char **why,
		       const struct import_header *header, const struct csv *csv);

/* The steps */

/* Register a stored file as an import in state reading and start its job. */
enum rc import_start(struct cx *cx, int64_t *import_id, int64_t *job_id, int fd,
		     const char *file_name) MUST_CHECK;
/* Judge every line into import_row (import_read.c); the job's body. RC_BAD_INPUT: the file itself; the
** sentence is in cx. */
enum rc import_read(struct cx *cx, struct job *job, int64_t import_id) MUST_CHECK;
/* A person said yes: start the commit job. RC_CONFLICT unless in preview. on_duplicate: skip | update. */
enum rc import_confirm(struct cx *cx, int64_t import_id, const char *on_duplicate,
		       int64_t *job_id) MUST_CHECK;
enum rc import_drop(struct cx *cx, int64_t import_id) MUST_CHECK;
/* Write what was judged good (import_commit.c): hidden rows in slices, then one flip. Goes on where it
** stopped. */
enum rc import_commit(struct cx *cx, struct job *job, int64_t import_id) MUST_CHECK;

/* `recado renewals import FILE [--commit] [--on-duplicate skip|update]`. */
enum rc import_command(struct cx *cx, struct command_call *call) MUST_CHECK;

extern const struct route renewals_import_routes[]; /* /imports… */
extern const struct job_kind renewals_import_jobs[];

#endif
