/*
** reports.h -- the provider's reports: asked for once a day, fetched, kept, loaded, matched, shown.
*/
#ifndef RECADO_SENDS_REPORTS_H
#define RECADO_SENDS_REPORTS_H

#include "sends/sends.h"

#define REPORT_TYPES     "deliveries|bounces|opens|clicks|spam|unsubscribed|sent"
#define REPORT_BYTES_MAX (INT64_C(200) << 20)
#define ALIAS_DEFAULT    "default"
#define ALIAS_ANALYTICS  "analytics"

/* A PENDING row (and, of a day another row already asks for or has, its state). Never the network. Own
** transaction. */
enum rc report_request(struct cx *cx, int64_t *id, const char *type, const char *from_on,
		       const char *to_on) MUST_CHECK;
/* Everything that is due: PENDING are asked for, PROCESSING looked at. Job, button, command. */
enum rc reports_process(struct cx *cx, struct job *job, int64_t *moved) MUST_CHECK;
/* Manual refresh of a send's days ("Actualizar reporte"): RC_CONFLICT with the sentence while too young or busy. */
enum rc report_refresh(struct cx *cx, int64_t bulk_id) MUST_CHECK;
/* Passes of sends that are due; bulk_id 0 = all; is_forced: whatever their age. Network: job or command. */
enum rc reports_after_send(struct cx *cx, struct job *job, int64_t bulk_id, bool is_forced,
			   int64_t *passes) MUST_CHECK;

/* Load one READY report into an alias; RC_CONFLICT: loaded there already, not is_again. *rows inserted. Job
** or command (long); staged: whole or not at all. */
enum rc report_load(struct cx *cx, struct job *job, int64_t *rows, int64_t report_id, const char *alias,
		    bool is_again) MUST_CHECK;
/* Aliases there are: "default", and "analytics" by setting. */
bool report_alias_is_set(struct cx *cx, const char *alias);
/* Rows of a day and a send become bulk_result (spec §13.7): how many of the send's rows were matched. */
enum rc report_match(struct cx *cx, int64_t *matched, int64_t bulk_id) MUST_CHECK;

/* What reports say about a person leaves: rows of every place lose who it is (*rows of them), files that name
** the address go as a whole (*files). RC_TRY_LATER with the sentence while a load is under way. */
enum rc reports_forget_person(struct cx *cx, const char *address, int64_t *rows, int64_t *files) MUST_CHECK;
void reports_check_keep(struct cx *cx, struct check_result *out); /* for checks.c */

/* What must be so before the house starts: reports.analytics is something this program can serve. */
enum rc reports_at_start(struct cx *cx) MUST_CHECK;

/* State shown per send (spec §3.6): {state, loaded_at, status, rows_inserted, latest_error, reports:[…],
** refresh_age_minutes, refresh_available, refresh_remaining_minutes, next_pass_at}. */
enum rc report_of_bulk(struct cx *cx, struct value **out, int64_t bulk_id) MUST_CHECK;

#endif
