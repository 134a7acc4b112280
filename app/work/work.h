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
** schedule, job, job_run, job_line.
*/
#ifndef RECADO_WORK_WORK_H
#define RECADO_WORK_WORK_H

#include "db/db.h"
#include <stdio.h>

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
	const char *rule; /* "0 9 * * *" or "every 5 min after 2 min" (rule.h)   */
	/* or: a setting that gives the daily time (HHMM) or the minutes between two times (an int; "after M min"
	** stays the rule's); NULL */
	const char *rule_setting;
	const char *late_rule; /* run | skip | ask                                   */
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
/* What waits in this slot for a later hour (job_later) is due now; nothing waits there: nothing happens. In
** the caller's transaction. */
enum rc job_hasten(struct cx *cx, const char *slot) MUST_CHECK;
/* Dead or failed → cancelled: nobody will mend it. why: its note, plain or as sentence_keep() gives it. */
enum rc job_discard(struct cx *cx, int64_t id, const char *why) MUST_CHECK;
/* The person's no to a missed time that asks; job_run_again is the yes. why as in job_discard. */
enum rc job_answer_no(struct cx *cx, int64_t id, const char *why) MUST_CHECK;
/* Where it stands: state, progress, note, error, result_json (a map as db_row gives it); note and error in
** cx's language. RC_NOT_FOUND. */
enum rc job_show(struct cx *cx, struct value **out, int64_t id) MUST_CHECK;

/* Wait until the job has ended, at most ms: commands only. RC_OK: done, *job as job_show gives it; RC_IO: it
** ended otherwise, RC_TRY_LATER: not yet; both with the sentence. Outside any transaction. */
enum rc job_wait(struct cx *cx, struct value **job, int64_t id, int64_t ms) MUST_CHECK;
/* The same with a bar on bar while it runs, when that is a terminal; NULL = none. */
enum rc job_wait_shown(struct cx *cx, struct value **job, int64_t id, int64_t ms, FILE *bar) MUST_CHECK;
/* How far it is, in words: "1,200 of 10,000 · 40 a second · 4 min left"; "" when nothing is counted. job: as
** job_show gives it. Arena. */
const char *job_progress_text(struct cx *cx, const struct value *job);

/* Inside a job's function. */
int64_t job_id(const struct job *job);
const struct value *job_args(const struct job *job);
int job_attempt(const struct job *job); /* 1, 2, … */
bool job_is_late(const struct job *job);
/* Cancelled, stopping or out of time: save your place and return RC_TRY_LATER. */
bool job_should_stop(const struct job *job);
bool job_is_cancelled(const struct job *job); /* by a person: not because we stop */
/* When the function returns RC_TRY_LATER: the same row waits until then, the try not counted. For work that
** must wait for others and gives its place back meanwhile. */
void job_later(struct job *job, instant at);
/* At most 4 writes a second; the last figures are written at the end in any case. */
enum rc job_progress(struct cx *cx, struct job *job, int64_t done, int64_t total) MUST_CHECK;
/* What was saved, a map; lent until the next job_save_place. */
const struct value *job_place(const struct job *job);
/* In the caller's transaction. Saving is getting on: the job's tries count anew from here. */
enum rc job_save_place(struct cx *cx, struct job *job, const struct value *place) MUST_CHECK;
/* Own transaction if none is open. */
enum rc job_result(struct cx *cx, struct job *job, const struct value *result) MUST_CHECK;
/*
** Notes, errors and lines of the log are kept so that they are said in the reader's language
** (base/sentence.h): fmt is _("…") and what stands in its places; "%s" with cx_sentence_kept() for a sentence
** of somebody else. A job's cx keeps sentences from its start. What would be longer than 499 bytes is kept as
** a plain text, cut.
*/
void job_note(struct cx *cx, struct job *job, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A stored note, error or line in cx's language; what older versions stored as it is. Arena. */
const char *job_text(struct cx *cx, const char *stored);
/* For who read rows by himself: the column note, error or text of a row, or of a list of rows, is in cx's
** language from here on. */
void job_words(struct cx *cx, struct value *rows, const char *name);

/*
** A line of the job's log: what happened, with names and counts, never a secret. In the caller's transaction
** or its own. The 1,000th line says that more is not kept; a line that cannot be written is lost and the job
** goes on.
*/
#define JOB_LINES_MAX 1000 /* what a person scrolls through at most; a job that says more should count */
enum job_level { SAY_INFO, SAY_WARNING, SAY_ERROR };
void job_say(struct cx *cx, struct job *job, enum job_level level, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Schedules, by a person */

/* RC_NOT_FOUND with the sentence. */
enum rc schedule_find(struct cx *cx, int64_t *id, const char *name) MUST_CHECK;
/* The next times by its rule and zone, paused or not. *count 0: never. */
enum rc schedule_times(struct cx *cx, int64_t id, instant *out, size_t max, size_t *count) MUST_CHECK;
/* One job of it at once, for no due time: what is due later is due all the same. RC_CONFLICT: such a one is
** waiting or running; *job_id is its id. */
enum rc schedule_run_now(struct cx *cx, int64_t *job_id, int64_t id) MUST_CHECK;
/* Who and when are kept with why (at most 499 bytes, "" = none), and in the history. Resumed it counts from
** now on. RC_CONFLICT: it is so already. */
enum rc schedule_pause(struct cx *cx, int64_t id, const char *why) MUST_CHECK;
enum rc schedule_resume(struct cx *cx, int64_t id) MUST_CHECK;
/* Rule, late rule and limit as the program has them. RC_CONFLICT: they are so. */
enum rc schedule_reset(struct cx *cx, int64_t id) MUST_CHECK;
/* The newest missed time that a person is asked about and that may still run; RC_NOT_FOUND: none. */
enum rc schedule_asked(struct cx *cx, int64_t *job_id, instant *due, int64_t id) MUST_CHECK;
/* How many there are, of all schedules. */
enum rc schedules_asked(struct cx *cx, int64_t *count) MUST_CHECK;

/* The clock: what an alert looks at (key "clock.jump"). */
struct work_clock {
	instant jump_at;   /* the last jump of five minutes or more; 0 = none known */
	int64_t jump_ms;   /* by how much: negative = back                          */
	int64_t behind_ms; /* how much earlier it is now than the newest job was made; 0 = not */
};
enum rc work_clock_state(struct cx *cx, struct work_clock *out) MUST_CHECK;

/* Queues */

struct queue_figures {
	const char *name; /* lent */
	int limit, usual; /* now in force, and without the setting */
	int64_t running, waiting;
	instant oldest_due_at; /* of the waiting ones that are due; 0 = none */
};
#define QUEUES_SHOWN_MAX 32
/* Of the process that runs work; *count 0 where none does. */
enum rc queues_show(struct cx *cx, struct queue_figures out[QUEUES_SHOWN_MAX], size_t *count) MUST_CHECK;

extern const struct setting work_settings[];
extern const struct job_kind work_jobs[]; /* forgetting what is over */
extern const struct schedule_default work_schedules[];

/* The running room */

/* tables: NULL-terminated list of rows, each ended by a row without name. Puts running rows back in
** the queue, makes missing schedules, starts the scheduler and, with the first work, the workers (2
** stay, 6 on demand). One in a process. An edited schedule row, its setting or the business's zone
** take effect at the next look (20 s, or at once by tx_wake(cx, WAKE_WORK)). */
enum rc work_start(struct work **out, struct env *env, const struct job_kind *const *kinds,
		   const struct schedule_default *const *schedules) MUST_CHECK;
/* Only the rows of schedules: made, and planned where nothing is planned. No thread, no job is made or run.
** For a holder that mends (recado check --fix). */
enum rc work_plan(struct cx *cx, const struct job_kind *const *kinds,
		  const struct schedule_default *const *schedules) MUST_CHECK;
/* Asks running jobs to stop, waits at most 5 s, closes connections. NULL is fine. */
void work_stop(struct work *w);
/* Run what is due right now in the calling thread, once (command line holder, tests). Returns jobs run. */
int work_run_due(struct cx *cx, struct work *w);
/* Liveness for /health: milliseconds since the scheduler last looked. */
int64_t work_heartbeat_age_ms(const struct work *w);
/* msgid of what a kind of work is called; the kind's own name when none that runs here has it. */
const char *work_kind_title(const char *kind);
/* The same of what a schedule starts; the schedule's own name when no table that runs here has it. */
const char *work_schedule_title(const char *name);

/* Rules (rule.c) */

/* The first due instant strictly after `after`, computed from the rule, zone and civil date.
** RC_BAD_INPUT: not a rule, or never due again (*why: N_() sentence). */
enum rc rule_next(instant *out, const char **why, const char *rule, const struct zone *zone,
		  instant after) MUST_CHECK;

#endif
