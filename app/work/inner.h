/*
** inner.h -- the inside of the room work, shared by its files and their tests only.
**
** Lock order: look_lock or claim_lock, then the write lane (in a transaction), then lock. lock is held for a
** few lines only, never while SQLite works.
*/
#ifndef RECADO_WORK_INNER_H
#define RECADO_WORK_INNER_H

#include "work/rule.h"
#include "work/work.h"
#include <pthread.h>
#include <stdatomic.h>

#define WORKERS_BASE  2  /* always there                                                        */
#define WORKERS_MAX   6  /* with a long import, a backup and reports at once the daily notices still leave */
#define WORKER_REST_S 30 /* an extra worker goes after that long without work                    */
/* five modules with a few queues each */
#define QUEUES_MAX    QUEUES_SHOWN_MAX
#define KINDS_MAX     200 /* of all modules together                                              */
#define SCHEDULES_MAX 100 /* of all modules together                                              */
/* The scheduler looks at least so often: work of other processes, clock jumps */
#define LOOK_EVERY_MS     20000
#define STOP_WAIT_MS      5000 /* for running jobs at stop (design §6)                                  */
#define SLICE_ARENA_MAX   ((size_t)8 * 1024 * 1024)  /* some hundred rows of schedules, and their jobs */
#define JOB_ARENA_MAX     ((size_t)64 * 1024 * 1024) /* an import of the largest file allowed, and its rows */
#define PLACE_JSON_MAX    ((size_t)32 * 1024)        /* a saved place is a cursor, not the data */
#define JSON_TREE_FACTOR  64 /* memory of a parsed tree for each byte of its JSON, at worst: [1,1,1… */
#define ARGS_JSON_MAX     ((size_t)64 * 1024)  /* arguments name things, they do not carry them        */
#define RESULT_JSON_MAX   ((size_t)256 * 1024) /* what a page shows of the outcome                     */
#define NOTE_SIZE         500  /* one sentence                                                         */
#define KEPT_SIZE         2000 /* the same with its msgid and places apart (base/sentence.h)            */
#define DELAY_MAX_S       3600 /* between tries                                                        */
#define PROGRESS_EVERY_MS 250  /* at most four writes a second                                      */
#define LATE_GRACE_MS     (60 * SECOND_MS) /* a busy minute is not "late"                                */
#define CRASHES_MAX       8 /* a job that took the process down so often is not tried again          */

/* What became of a try, until its row says so. */
struct job_ending {
	const char *state; /* a literal               */
	instant run_at;    /* queued again: when      */
	bool is_uncounted;
	enum rc rc;
	char error[KEPT_SIZE];
};

struct job {
	int64_t id;
	const struct job_kind *kind;
	struct work *work;
	struct arena *keep; /* args, and the place in place_arena: they outlive a cx_reset in the job */
	struct arena *place_arena;
	const struct value *args, *place;
	int attempt;
	bool is_late, is_broken; /* broken: its arguments cannot be read */
	int64_t deadline;        /* clock_ticks(); 0 = none */
	int64_t done, total, written_at;
	int64_t since_done; /* where this try began to count … */
	instant since_at;   /* … and when; 0 = not yet         */
	int64_t lines;      /* job_line rows; -1 = not counted yet */
	bool has_progress;
	instant later_at; /* job_later(): when it goes on; 0 = it did not ask */
	char note[KEPT_SIZE];
	_Atomic bool is_cancelled;
	struct job_ending ending;
	bool is_unsettled; /* it ended, and its row could not be written; under work->lock */
	struct job *next;  /* in work->running */
};

struct queue {
	const char *name;
	int limit, running;
};

struct worker {
	pthread_t thread;
	struct work *work;
	bool is_used; /* a thread exists (or ended and waits to be joined) */
	bool is_ended;
	bool is_idle;
	struct job *job; /* handed over by the scheduler, not taken yet */
};

struct work {
	struct env *env;
	const struct job_kind *kinds[KINDS_MAX];
	size_t kind_count;
	const struct schedule_default *schedules[SCHEDULES_MAX];
	size_t schedule_count;
	/* one look at a time: memory for a slice of rows; what the last look found */
	pthread_mutex_t look_lock;
	struct arena *slice;
	bool is_declared, must_check;
	int64_t minutes_seen[SCHEDULES_MAX]; /* what settings gave as daily times; -1: none */
	const struct zone *zone;             /* of the business                             */
	instant clock_at;                    /* the clock then; 0 = never looked            */
	int64_t clock_ticks;
	pthread_mutex_t claim_lock; /* one claim at a time, so that no queue goes past its limit */
	pthread_mutex_t lock;       /* what follows */
	pthread_cond_t news;        /* for workers and work_stop */
	struct queue queues[QUEUES_MAX];
	size_t queue_count;
	struct job *running;
	struct worker workers[WORKERS_MAX];
	bool has_threads, scheduler_ended, owns_wake;
	pthread_t scheduler;
	int wake_fd;
	_Atomic bool is_stopping;
	_Atomic int64_t looked_at; /* clock_ticks() */
};

/* work.c */
enum rc work_open(struct work **out, struct env *env, const struct job_kind *const *kinds,
		  const struct schedule_default *const *schedules) MUST_CHECK; /* no thread, no database */
void work_free(struct work *w);
const struct job_kind *work_kind(const struct work *w, const char *name); /* NULL: of a module that is off */
/* Queue of a kind into buf; RC_BUG when work runs here and knows no such kind. Before work_open:
** the word before the dot. */
#define QUEUE_NAME_SIZE 64
enum rc work_queue_of(char buf[QUEUE_NAME_SIZE], const char *kind) MUST_CHECK;
/* Is it running in this process? Then it is asked to stop. */
bool work_ask_to_stop(int64_t id);
/* The queues of the process that runs work, name, limit and running filled; at most QUEUES_MAX. */
void work_queues(struct queue_figures *out, size_t *count);

/* jobs.c, running.c: for each other */
enum rc work_json(struct cx *cx, const char **out, const struct value *v, size_t max) MUST_CHECK;
/* Which schedule made it, for which due time, and how it begins. */
struct job_origin {
	int64_t schedule_id; /* 0 = none */
	instant due_at;      /* 0 = for no due time: a person's wish */
	const char *state, *note;
	bool is_asked;
};
enum rc work_insert(struct cx *cx, int64_t *id, const struct job_new *job,
		    const struct job_origin *origin) MUST_CHECK;
void work_cut(char to[NOTE_SIZE], const char *text); /* between two letters; NULL gives "" */
/* A sentence to be stored, plain or kept; cut it is plain. */
void work_keep(struct cx *cx, char to[KEPT_SIZE], const char *sentence);
enum rc work_place_read(struct job *job, const char *json) MUST_CHECK;

/* claim.c */
enum rc work_recover(struct cx *cx, struct work *w) MUST_CHECK; /* at start: running rows back to the queue */
/* The next due job whose queue has room, marked running; *out NULL when there is none. job_done it. */
enum rc job_claim(struct cx *cx, struct work *w, struct job **out) MUST_CHECK;
void job_drop(struct job *job);                   /* unrun: the next start puts it back      */
void job_execute(struct cx *cx, struct job *job); /* runs it, writes how it ended, frees it */
/* Write how those ended that the disk did not take at their end. */
void work_settle_left(struct cx *cx, struct work *w);

/* queues.c */
void queues_apply(struct work *w); /* the limits as the settings say now */

/* clean.c */
enum rc work_clean(struct cx *cx, instant before, int64_t *gone) MUST_CHECK; /* own transactions */

/* clock_watch.c */
#define CLOCK_JUMP_MS (5 * MINUTE_MS) /* a smaller step is a correction, nobody must know */
/* Was the clock put back or forward since the last look? Put back: w->must_check. */
enum rc clock_watch(struct cx *cx, struct work *w) MUST_CHECK;

/* schedule.c */
/* Rows for new schedules; what changed is planned anew; what is due becomes a job. *next: when to
** look again at the latest (INSTANT_NEVER: nothing planned). */
#define INSTANT_NEVER INT64_MAX
enum rc schedules_look(struct cx *cx, struct work *w, instant *next) MUST_CHECK;
/* The same without the jobs. */
enum rc schedules_plan(struct cx *cx, struct work *w) MUST_CHECK;

#endif
