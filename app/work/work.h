/*
** work.h -- schedules (when) and jobs (what).
**
**   queued --claim--> running --ok--> done
**     ^                  |--retry, later--> queued          (growing delay, jitter)
**     |                  |--no more tries--> dead
**     |                  |--no use in trying (rc_row)--> failed: a person mends something
**     |                  |--cancelled while it ran--> cancelled
**     |                  '--process died or stopping--> queued (at start; its place kept)
**     '--- run again (the same row)
**
** Only the holder of the lock runs jobs, so there are no leases. Owns the tables
** schedule, job, job_run.
*/
#ifndef RECADO_WORK_WORK_H
#define RECADO_WORK_WORK_H

#include "db/db.h"

struct work; /* the running workers and scheduler */
struct job;  /* one run of one job, lent to its function */

struct job_kind {
	const char *name;  /* "renewals.plan"                                       */
	const char *title; /* N_()                                                  */
	const char *queue; /* each queue has its own limit, so one slow thing never blocks another */
	int attempts_max;  /* 1 = never again by itself                             */
	int time_limit_s;  /* asked to stop after that                              */
	int delay_s;       /* before the second try; doubles, with jitter, to an hour */
	/* Called outside any transaction, cx is the job's own and may be reset by it. A retried rc
	** (rc_row) goes back to the queue; RC_PARTLY is done with a note. */
	enum rc (*run)(struct cx *cx, struct job *job);
};

/*
** A due time that nobody could serve (more than a minute late) follows late_rule: run once, marked
** late; skip; ask. Past the limit it is skipped in any case. Skipped and asked-about ones are jobs
** that begin as cancelled, marked late, with a note: job_run_again is the person's yes. The job's
** args are {due_on, due_at}.
*/
struct schedule_default {
	const char *name; /* "renewals.daily"                                    */
	const char *job_kind;
	const char *rule;         /* "0 9 * * *" or "every 5 min after 2 min" (rule.h)   */
	const char *rule_setting; /* or: a setting of type HHMM that gives the daily time; NULL */
	const char *late_rule;    /* run | skip | ask                                   */
	int late_limit_s;
};

/* A new job, inside the caller's transaction. key: once for ever; slot: once while queued or
** running. When one is there already *id is its id and the rc RC_CONFLICT. The workers wake after
** COMMIT. */
struct job_new {
	const char *kind, *key, *slot;
	const struct value *args; /* map or NULL */
	instant run_at;           /* 0 = now     */
	int priority;             /* smaller first */
	bool is_late;
};
enum rc job_add(struct cx *cx, int64_t *id, const struct job_new *job) MUST_CHECK;
/* Queued: at once; running in this process: asked to stop; else RC_CONFLICT. */
enum rc job_cancel(struct cx *cx, int64_t id) MUST_CHECK;
/* Dead, failed, done, cancelled → queued, with all its tries; what was not done goes on from its
** saved place. */
enum rc job_run_again(struct cx *cx, int64_t id) MUST_CHECK;
/* Where it stands: state, progress, note, error, result_json (a map as db_row gives it). RC_NOT_FOUND. */
enum rc job_show(struct cx *cx, struct value **out, int64_t id) MUST_CHECK;

/* Wait until the job has ended, at most ms: commands only. RC_OK: done, *job as job_show gives it; RC_IO: it
** ended otherwise, RC_TRY_LATER: not yet; both with the sentence. Outside any transaction. */
enum rc job_wait(struct cx *cx, struct value **job, int64_t id, int64_t ms) MUST_CHECK;

/* Inside a job's function. */
int64_t job_id(const struct job *job);
const struct value *job_args(const struct job *job);
int job_attempt(const struct job *job); /* 1, 2, … */
bool job_is_late(const struct job *job);
/* Cancelled, stopping or out of time: save your place and return RC_TRY_LATER. */
bool job_should_stop(const struct job *job);
/* At most 4 writes a second; the last figures are written at the end in any case. */
enum rc job_progress(struct cx *cx, struct job *job, int64_t done, int64_t total) MUST_CHECK;
/* What was saved, a map; lent until the next job_save_place. */
const struct value *job_place(const struct job *job);
/* In the caller's transaction. Saving is getting on: the job's tries count anew from here. */
enum rc job_save_place(struct cx *cx, struct job *job, const struct value *place) MUST_CHECK;
/* Own transaction if none is open. */
enum rc job_result(struct cx *cx, struct job *job, const struct value *result) MUST_CHECK;
void job_note(struct job *job, const char *sentence); /* cut at 499 bytes */

/* The running room */

/* tables: NULL-terminated list of rows, each ended by a row without name. Puts running rows back in
** the queue, makes missing schedules, starts the scheduler and, with the first work, the workers (2
** stay, 6 on demand). One in a process. An edited schedule row, its setting or the business's zone
** take effect at the next look (20 s, or at once by tx_wake(cx, WAKE_WORK)). */
enum rc work_start(struct work **out, struct env *env, const struct job_kind *const *kinds,
		   const struct schedule_default *const *schedules) MUST_CHECK;
/* Asks running jobs to stop, waits at most 5 s, closes connections. NULL is fine. */
void work_stop(struct work *w);
/* Run what is due right now in the calling thread, once (command line holder, tests). Returns jobs run. */
int work_run_due(struct cx *cx, struct work *w);
/* Liveness for /health: milliseconds since the scheduler last looked. */
int64_t work_heartbeat_age_ms(const struct work *w);
/* msgid of what a kind of work is called; the kind's own name when none that runs here has it. */
const char *work_kind_title(const char *kind);

/* Rules (rule.c) */

/* The first due instant strictly after `after`, computed from the rule, zone and civil date.
** RC_BAD_INPUT: not a rule, or never due again (*why: N_() sentence). */
enum rc rule_next(instant *out, const char **why, const char *rule, const struct zone *zone,
		  instant after) MUST_CHECK;

#endif
