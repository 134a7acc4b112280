/*
** import.h -- customers together with their subscriptions from one file (spec §14): an importer of the
** office's engine (desk/import.h).
**
** Files: import_row.c (one row of cells into facts; pure) · import.c (what is known already, what is written,
** the command).
*/
#ifndef RECADO_RENEWALS_IMPORT_H
#define RECADO_RENEWALS_IMPORT_H

#include "base/command.h"
#include "desk/import.h"
#include "renewals/renewals.h"

/* One row (import_row.c) */

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
/* The columns as the engine knows them: "nombres", "telefono"… IMPORT_COLUMNS of them, by enum. */
size_t import_row_fields(struct cx *cx, const struct resource *r, struct import_field *out);

/* A row that reads well. Text is in cx's arena. */
struct import_facts {
	const char *given_names, *surnames, *email, *phone, *phone_original, *phone_kind, *service, *notes;
	const char *method, *status;                   /* codes; "" = not given            */
	char starts_on[DATE_SIZE], ends_on[DATE_SIZE]; /* "" = not given        */
	int64_t price_cents;                           /* -1 = not given                   */
};
/* Read a row's cells; every wrong cell is named in *why (one sentence, arena), NULL if the row is good. No
** I/O. */
void import_facts_read(struct cx *cx, struct import_facts *out, const char **why,
		       const struct import_heading *heading, const struct cells *cells);
/* Add "column: sentence" to what is wrong with the row. */
void import_complain(struct cx *cx, const char **why, enum import_column c, const char *sentence);

extern const struct importer renewals_importer; /* of the resource clients */

/* `recado renewals import FILE [--commit] [--on-duplicate skip|update]`: wrong rows are left out. */
enum rc import_command(struct cx *cx, struct command_call *call) MUST_CHECK;

#endif
