/*
** report_inner.h -- what the files of reports share among themselves: for report_*.c, load.c, match.c,
** after_send.c and their tests.
*/
#ifndef RECADO_SENDS_REPORT_INNER_H
#define RECADO_SENDS_REPORT_INNER_H

#include "sends/reports.h"
#include "sends/target.h"

#define JOB_PROCESS    "sends.process_reports"
#define JOB_POLL       "sends.poll_report"
#define JOB_LOAD       "sends.load_report"
#define JOB_AFTER_SEND "sends.post_report"
#define JOB_RETENTION  "sends.report_retention"

/* cx->error_code of who would load, clean or forget while a load is under way: it is soon over. */
#define LOAD_BUSY "load_busy"

#define REPORT_SEND_DAYS_MAX 10 /* a send that lasts longer than that is two sends */

/* A day the provider would not take is asked for again by its passes after so long, whatever the timers. */
#define REPORT_RETRY_MS (10 * MINUTE_MS)

/* What nobody else may do at the same time; in the process that holds the lock all of it happens. */
enum report_task { TASK_FETCH, TASK_LOAD, TASK_AFTER_SEND, TASK__MAX };
bool report_task_begin(enum report_task task); /* false: another one is at it */
void report_task_end(enum report_task task);

/* report_keep.c: what is older than reports.keep_days leaves. job NULL: to the end. */
enum rc reports_retention(struct cx *cx, struct job *job) MUST_CHECK;
/* Is this address in a report's file, alone between other characters, whatever its letters' case? Total. */
bool report_names_person(struct bytes file, const char *address);

/* The days of a report: all rows with the same two dates share request, file and state. */
struct report_days {
	const char *start_on, *end_on;
};

/* The sentence of a code kept in generated_report.error, translated; NULL: no such code. */
const char *report_error_words(enum lang lang, const char *code);
const char *report_error_code_at(size_t i); /* NULL past the end */
/* What people read of an error: the code's words, else the sentence kept with it (sentence.h; of rows from
** before it is in one language). */
const char *report_error_shown(struct cx *cx, const char *code, const char *detail);

/* All seven rows of these days are there and asked for anew (READY and ERROR become PENDING). Own
** transaction. */
enum rc report_ask_again(struct cx *cx, const struct report_days *days) MUST_CHECK;
/* One PENDING group is asked for, one PROCESSING group looked at; its new state in *state (arena). The task
** TASK_FETCH is the caller's. */
enum rc report_ask(struct cx *cx, const struct report_days *days) MUST_CHECK;
enum rc report_look(struct cx *cx, const struct report_days *days) MUST_CHECK;
/* The file behind url becomes the group's: READY. */
enum rc report_fetch(struct cx *cx, const struct report_days *days, const char *url) MUST_CHECK;
bool report_is_type(const char *type);
/* detail: cx_sentence_kept() of a cx that keeps sentences; "" = the code says all. */
enum rc report_is_error(struct cx *cx, const struct report_days *days, const char *code,
			const char *detail) MUST_CHECK;
/* Which local days a send touches, and the one after it; those not begun yet are left out. List of texts. */
enum rc report_days_of_bulk(struct cx *cx, struct value **out, int64_t bulk_id) MUST_CHECK;

/* Copies what the aliases know into generated_report, where the list can filter by it. */
enum rc report_note_loads(struct cx *cx, const char *start_on, const char *end_on, const char *alias,
			  struct target *t) MUST_CHECK;
/* doppler_<type>_<start>[_<end>]_<id>.csv */
const char *report_file_name(struct cx *cx, const char *type, const char *start_on, const char *end_on,
			     int64_t id);
/* after_send.c, for after_send_page.c: a pass that a person wants, in the caller's transaction; one that is
** open already is the one. */
enum rc report_pass_by_hand(struct cx *cx, int64_t bulk_id) MUST_CHECK;
enum rc report_fail_road(struct cx *cx); /* RC_CONFLICT: it has no reports, and why */
/* Passes that began and wait for their days' reports go on: a job, now (0) or at that time. Own
** transaction. */
enum rc report_wake_passes(struct cx *cx, instant at) MUST_CHECK;
/* A job fetches what is PENDING: for who finds another one at it. Own transaction. */
enum rc report_fetch_soon(struct cx *cx) MUST_CHECK;
/* A job for this; RC_CONFLICT with *job_id: it is waiting or running already. In the caller's transaction. */
enum rc report_job_add(struct cx *cx, int64_t *job_id, const char *kind, const char *slot,
		       const struct value *args, instant run_at) MUST_CHECK;

#endif
