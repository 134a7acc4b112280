/*
** claim.c -- takes a due job from the queues, runs it and writes how it ended.
**
** Owns:   state, attempts and times of the table job; the table job_run.
** Holds:  (1) a job runs only after its row is committed as `running`;
**         (2) a queue never runs more than its limit;
**         (3) whatever the function did, its row leaves `running` when it returns, or as soon as the disk
**             takes it (settle_left), or at the next start;
**         (4) a try that was ended by our stopping does not count.
**
** How it ends: RC_OK, RC_PARTLY → done · cancelled and not RC_OK → cancelled · stopping and
** RC_TRY_LATER → queued, the try not counted · worth another try (rc_row) and tries left → queued,
** later · none left → dead · any other failure → failed (the person mends something, then runs it
** again).
*/
#include "base/mem.h"
#include "work/inner.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CLAIM_TRIES   100 /* rows cancelled or parked between looking and taking */
#define SETTLE_TRIES  5   /* a busy disk passes within them; a full one is waited for by settle_left() */
#define SETTLE_NAP_MS 100 /* after the first try; doubles: a second and a half in all */

/* At start */

/* Rows written before the queues were known (modules' at_start, an older version) get the one of
** their kind. */
static enum rc settle_queues(struct cx *cx, struct work *w)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < w->kind_count && rc == RC_OK; i++)
		rc = db_run(
			cx,
			"UPDATE job SET queue = :queue WHERE state = 'queued' AND kind = :kind AND queue <> :queue",
			PARAMS(P_TEXT(":queue", w->kinds[i]->queue), P_TEXT(":kind", w->kinds[i]->name)));
	return rc;
}

enum rc work_recover(struct cx *cx, struct work *w)
{
	instant now = cx_now(cx);
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE job_run SET finished_at = :now, outcome = 'interrupted' WHERE finished_at IS NULL"
			" AND job_id IN (SELECT id FROM job WHERE state = 'running')",
			PARAMS(P_INT(":now", now)));
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE job SET state = 'dead', finished_at = :now, error = :error "
			"WHERE state = 'running' AND attempts >= :most",
			PARAMS(P_INT(":now", now), P_INT(":most", CRASHES_MAX),
			       P_TEXT(":error",
				      _("It was interrupted too often and is not tried again by itself."))));
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE job SET state = 'queued' WHERE state = 'running'", NO_PARAMS);
	if (rc == RC_OK && db_changes(cx) > 0)
		log_event(LOG_INFO, "jobs", "jobs.recovered", "count=%lld", (long long)db_changes(cx));
	if (rc == RC_OK) rc = settle_queues(cx, w);
	return tx_end(cx, rc);
}

/* Claiming */

static void job_free(struct job *job)
{
	if (!job) return;
	arena_free(job->place_arena);
	arena_free(job->keep);
	mem_free(job);
}

static struct job *job_new(struct work *w)
{
	struct job *job = mem_zeroed(sizeof *job);

	if (!job) return NULL;
	job->work = w;
	job->keep = arena_new(ARGS_JSON_MAX * JSON_TREE_FACTOR);
	job->place_arena = arena_new(PLACE_JSON_MAX * JSON_TREE_FACTOR);
	if (job->keep && job->place_arena) return job;
	job_free(job);
	return NULL;
}

static bool has_room(struct work *w, size_t i)
{
	bool room;

	pthread_mutex_lock(&w->lock);
	room = w->queues[i].running < w->queues[i].limit;
	pthread_mutex_unlock(&w->lock);
	return room;
}

struct candidate {
	int64_t id, priority;
	instant run_at;
	bool is_known; /* its kind */
};

static bool is_before(const struct candidate *a, const struct candidate *b)
{
	if (b->id == 0 || a->priority != b->priority) return b->id == 0 || a->priority < b->priority;
	return a->run_at != b->run_at ? a->run_at < b->run_at : a->id < b->id;
}

static enum rc first_of(struct cx *cx, struct work *w, const char *queue, struct candidate *best)
{
	struct query *q = NULL;
	struct candidate c;
	enum rc rc = db_query(
		cx, &q,
		"SELECT id, priority, run_at, kind FROM job WHERE queue = :queue AND state = 'queued' "
		"AND run_at <= :now ORDER BY priority, run_at, id LIMIT 1",
		PARAMS(P_TEXT(":queue", queue), P_INT(":now", cx_now(cx))));

	if (rc == RC_OK && query_next(q)) {
		c = (struct candidate){ query_int(q, 0), query_int(q, 1), query_int(q, 2), false };
		c.is_known = work_kind(w, query_text(q, 3)) != NULL;
		if (is_before(&c, best)) *best = c;
	}
	return query_end(q, rc);
}

static enum rc read_job(struct cx *cx, struct job *job, int64_t id)
{
	struct query *q = NULL;
	struct value *args = NULL;
	const char *json;
	enum rc rc = db_query(
		cx, &q,
		"SELECT kind, args_json, place_json, attempts, is_late, progress_done, progress_total "
		"FROM job WHERE id = :id",
		PARAMS(P_INT(":id", id)));

	if (rc != RC_OK || !query_next(q)) {
		rc = query_end(q, rc);
		return rc == RC_OK ? RC_NOT_FOUND : rc;
	}
	job->id = id;
	job->kind = work_kind(job->work, query_text(q, 0));
	json = query_text(q, 1);
	job->is_broken = json_parse(job->keep, &args, NULL, json, strlen(json)) != RC_OK;
	job->args = args;
	rc = work_place_read(job, query_text(q, 2));
	job->attempt = (int)query_int(q, 3);
	job->is_late = query_int(q, 4) != 0;
	job->done = query_int(q, 5);
	job->total = query_int(q, 6);
	job->lines = -1;
	return query_end(q, rc);
}

static enum rc mark_running(struct cx *cx, struct job *job, int64_t id)
{
	instant now = cx_now(cx);
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE job SET state = 'running', attempts = attempts + 1, heartbeat_at = :now, error = '' "
			"WHERE id = :id AND state = 'queued'",
			PARAMS(P_INT(":now", now), P_INT(":id", id)));
	if (rc == RC_OK && db_changes(cx) != 1) rc = RC_CONFLICT; /* cancelled a moment ago */
	if (rc == RC_OK) rc = read_job(cx, job, id);
	if (rc == RC_OK)
		rc = db_run(cx,
			    "INSERT INTO job_run (job_id, attempt, started_at) VALUES (:id, :attempt, :now)",
			    PARAMS(P_INT(":id", id), P_INT(":attempt", job->attempt), P_INT(":now", now)));
	return tx_end(cx, rc);
}

/* A row of a switched-off module waits outside all queues until a start knows its kind again. */
static enum rc park(struct cx *cx, int64_t id)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE job SET queue = '' WHERE id = :id AND state = 'queued'",
			    PARAMS(P_INT(":id", id)));
	rc = tx_end(cx, rc);
	return rc == RC_OK ? RC_CONFLICT : rc;
}

static void enlist(struct work *w, struct job *job, bool in)
{
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->queue_count; i++)
		if (strcmp(w->queues[i].name, job->kind->queue) == 0) w->queues[i].running += in ? 1 : -1;
	if (in) {
		job->next = w->running;
		w->running = job;
	} else {
		struct job **at = &w->running;

		while (*at && *at != job)
			at = &(*at)->next;
		if (*at) *at = job->next;
	}
	pthread_cond_broadcast(&w->news);
	pthread_mutex_unlock(&w->lock);
}

static enum rc claim(struct cx *cx, struct work *w, struct job **out)
{
	struct candidate best = { .id = 0 };
	struct job *job;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < w->queue_count && rc == RC_OK; i++)
		if (has_room(w, i)) rc = first_of(cx, w, w->queues[i].name, &best);
	if (rc != RC_OK || best.id == 0) return rc;
	if (!best.is_known) return park(cx, best.id);
	job = job_new(w);
	if (!job) return RC_NO_MEMORY;
	rc = mark_running(cx, job, best.id);
	if (rc != RC_OK) {
		job_free(job);
		return rc;
	}
	if (job->kind->time_limit_s > 0) job->deadline = clock_ticks() + job->kind->time_limit_s * SECOND_MS;
	enlist(w, job, true);
	*out = job;
	return RC_OK;
}

enum rc job_claim(struct cx *cx, struct work *w, struct job **out)
{
	enum rc rc = RC_CONFLICT;

	*out = NULL;
	if (clock_is_doubtful(cx->env->clock)) return RC_OK;
	pthread_mutex_lock(&w->claim_lock);
	for (int i = 0; i < CLAIM_TRIES && rc == RC_CONFLICT; i++)
		rc = claim(cx, w, out);
	pthread_mutex_unlock(&w->claim_lock);
	return rc;
}

/* How it ended */

/* Doubles from the kind's delay to an hour, plus up to a quarter so that many do not come back together. */
static int64_t delay_ms(const struct job_kind *kind, int attempt)
{
	int64_t base = kind->delay_s > 0 ? kind->delay_s : 1, most = DELAY_MAX_S;
	uint32_t random = 0;

	for (int i = 1; i < attempt && base < most; i++)
		base *= 2;
	if (base > most) base = most;
	base *= SECOND_MS;
	random_bytes(&random, sizeof random);
	base += (int64_t)(random % (uint32_t)(base / 4));
	return base < most * SECOND_MS ? base : most * SECOND_MS;
}

static struct job_ending judge(struct cx *cx, const struct job *job, enum rc rc)
{
	struct job_ending e = { .state = "done", .rc = rc };
	bool is_stopping = atomic_load(&job->work->is_stopping) || job->work->env->is_stopping;

	if (rc == RC_OK) return e;
	/* out of the arena, which is emptied before the row is written */
	work_keep(cx, e.error, cx_sentence_kept(cx, rc));
	if (rc == RC_PARTLY) return e;
	if (atomic_load(&job->is_cancelled)) {
		e.state = "cancelled";
		e.error[0] = '\0';
	} else if (rc == RC_TRY_LATER && is_stopping) {
		e = (struct job_ending){
			.state = "queued", .run_at = cx_now(cx), .is_uncounted = true, .rc = rc
		};
	} else if (rc == RC_TRY_LATER && job->later_at > 0) {
		e = (struct job_ending){
			.state = "queued", .run_at = job->later_at, .is_uncounted = true, .rc = rc
		};
	} else if (!rc_row(rc)->is_retried) {
		e.state = "failed";
	} else if (job->attempt >= job->kind->attempts_max) {
		e.state = "dead";
	} else {
		e.state = "queued";
		e.run_at = cx_now(cx) + delay_ms(job->kind, job->attempt);
	}
	return e;
}

static enum rc settle(struct cx *cx, const struct job *job)
{
	const struct job_ending *e = &job->ending;
	instant now = cx_now(cx);
	bool is_over = strcmp(e->state, "queued") != 0;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE job SET state = :state, error = :error, note = :note, heartbeat_at = :now, "
			"run_at = coalesce(:run_at, run_at), finished_at = :finished, attempts = attempts - :uncounted, "
			"progress_done = CASE :has WHEN 1 THEN :done ELSE progress_done END, "
			"progress_total = CASE :has WHEN 1 THEN :total ELSE progress_total END, "
			"progress_from = CASE :has WHEN 1 THEN :from ELSE progress_from END, "
			"progress_since_at = CASE :has WHEN 1 THEN :since ELSE progress_since_at END "
			"WHERE id = :id AND state = 'running'",
			PARAMS(P_TEXT(":state", e->state), P_TEXT(":error", e->error),
			       P_TEXT(":note", job->note), P_INT(":now", now), P_REF(":run_at", e->run_at),
			       P_REF(":finished", is_over ? now : 0), P_INT(":uncounted", e->is_uncounted),
			       P_INT(":has", job->has_progress), P_INT(":done", job->done),
			       P_INT(":total", job->total), P_INT(":from", job->since_done),
			       P_REF(":since", job->since_at), P_INT(":id", job->id)));
	if (rc == RC_OK)
		rc = db_run(cx,
			    "UPDATE job_run SET finished_at = :now, outcome = :outcome, error = :error "
			    "WHERE job_id = :id AND finished_at IS NULL",
			    PARAMS(P_INT(":now", now),
				   P_TEXT(":outcome", e->is_uncounted ? "stopped" : rc_row(e->rc)->name),
				   P_TEXT(":error", e->error), P_INT(":id", job->id)));
	return tx_end(cx, rc);
}

/* False: the disk is full, or does not let us write. */
static bool settle_soon(struct cx *cx, struct job *job)
{
	struct timespec nap = { .tv_nsec = SETTLE_NAP_MS * 1000000L };

	for (int i = 0; i < SETTLE_TRIES; i++) {
		/* The function may have left the arena exhausted; the row must be written all the same. */
		arena_reset(cx->arena);
		cx->message = "";
		if (settle(cx, job) == RC_OK) return true;
		if (atomic_load(&job->work->is_stopping)) break;
		nanosleep(&nap, NULL);
		nap.tv_nsec *= 2;
	}
	log_event(LOG_ERROR, "jobs", "job.unsettled", "id=%lld kind=%s state=%s", (long long)job->id,
		  job->kind->name, job->ending.state);
	return false;
}

static struct job *next_unsettled(struct work *w)
{
	struct job *job;

	pthread_mutex_lock(&w->lock);
	job = w->running;
	while (job && !job->is_unsettled)
		job = job->next;
	pthread_mutex_unlock(&w->lock);
	return job;
}

void work_settle_left(struct cx *cx, struct work *w)
{
	struct job *job;

	pthread_mutex_lock(&w->claim_lock);
	while ((job = next_unsettled(w)) != NULL && settle(cx, job) == RC_OK) {
		log_event(LOG_WARN, "jobs", "job.settled_late", "id=%lld state=%s", (long long)job->id,
			  job->ending.state);
		job_drop(job);
	}
	pthread_mutex_unlock(&w->claim_lock);
}

void job_drop(struct job *job)
{
	enlist(job->work, job, false);
	job_free(job);
}

void job_execute(struct cx *cx, struct job *job)
{
	char run_id[32], context[LOG_CONTEXT_SIZE];
	int64_t since = clock_ticks();
	enum rc rc;

	snprintf(run_id, sizeof run_id, "job:%lld", (long long)job->id);
	snprintf(context, sizeof context, "job=%lld", (long long)job->id);
	cx->request_id = run_id;
	log_context(context);
	cx->keeps_sentence = true; /* its error is read in any language */
	rc = job->is_broken ? cx_fail(cx, RC_BAD_INPUT, "%s", _("The arguments of the job cannot be read."))
			    : job->kind->run(cx, job);
	db_at_rest(cx);
	job->ending = judge(cx, job, rc);
	log_event(job->ending.error[0] ? LOG_WARN : LOG_INFO, "jobs", "job.ended",
		  "id=%lld kind=%s attempt=%d rc=%s state=%s ms=%lld", (long long)job->id, job->kind->name,
		  job->attempt, rc_row(rc)->name, job->ending.state, (long long)(clock_ticks() - since));
	if (settle_soon(cx, job)) {
		job_drop(job);
	} else {
		/* It keeps its place in its queue until its row says what became of it. */
		pthread_mutex_lock(&job->work->lock);
		job->is_unsettled = true;
		pthread_mutex_unlock(&job->work->lock);
	}
	cx->request_id = "";
	log_context("");
}
