/*
** import.h -- customers with their subscriptions from a CSV file (spec §14).
*/
#ifndef RECADO_RENEWALS_IMPORT_H
#define RECADO_RENEWALS_IMPORT_H

#include "renewals/renewals.h"

#define IMPORT_ROWS_MAX 250000 /* one limit for all imports, beside UPLOAD_MAX bytes */

/* `recado renewals import FILE [--commit] [--on-duplicate skip|update]`. */
enum rc import_command(struct cx *cx, struct command_call *call) MUST_CHECK;

extern const struct route renewals_import_routes[]; /* /imports… */
extern const struct job_kind renewals_import_jobs[];
extern const struct resource renewals_import_resources[];

#endif
