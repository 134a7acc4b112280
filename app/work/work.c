/*
** work.c -- the scheduler thread, the workers, and their start and stop.
**
** Owns:   struct work; which of them runs in this process.
** Needs:  the tables of kinds and schedules; the write lane; env->wake_fd[WAKE_WORK] (made here if
**         nobody did).
** Never:  leaves a thread running after work_stop, unless a job did not end within STOP_WAIT_MS.
** Holds:  (1) two workers are always there, up to WORKERS_MAX while there is work for more;
**         (2) a worker gets a job only after its row says `running`;
**         (3) an idle room wakes when something is due, when it is told to (WAKE_WORK), and every
**             LOOK_EVERY_MS, for nothing else.
*/
#include "base/mem.h"
#include "work/inner.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static struct {
	pthread_mutex_t lock;
	struct work *work;
} current = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* The tables */

const struct job_kind *work_kind(const struct work *w, const char *name)
{
	for (size_t i = 0; i < w->kind_count; i++)
		if (strcmp(w->kinds[i]->name, name) == 0) return w->kinds[i];
	return NULL;
}

enum rc work_queue_of(char buf[QUEUE_NAME_SIZE], const char *kind)
{
	const struct job_kind *k = NULL;
	enum rc rc = RC_OK;

	pthread_mutex_lock(&current.lock);
	if (current.work) k = work_kind(current.work, kind);
	if (k) {
		snprintf(buf, QUEUE_NAME_SIZE, "%s", k->queue);
	} else if (current.work) {
		log_event(LOG_ERROR, "jobs", "job.bug", "what=\"no such kind\" kind=%s", kind);
		rc = RC_BUG;
	} else {
		snprintf(buf, QUEUE_NAME_SIZE, "%.*s", (int)strcspn(kind, "."), kind);
	}
	pthread_mutex_unlock(&current.lock);
	return rc;
}

const char *work_kind_title(const char *kind)
{
	const struct job_kind *k = NULL;

	pthread_mutex_lock(&current.lock);
	if (current.work) k = work_kind(current.work, kind);
	pthread_mutex_unlock(&current.lock);
	return k && k->title ? k->title : kind;
}

const char *work_schedule_title(const char *name)
{
	const char *title = name;

	pthread_mutex_lock(&current.lock);
	for (size_t i = 0; current.work && i < current.work->schedule_count; i++)
		if (strcmp(current.work->schedules[i]->name, name) == 0) {
			const struct job_kind *k =
				work_kind(current.work, current.work->schedules[i]->job_kind);

			if (k && k->title) title = k->title;
		}
	pthread_mutex_unlock(&current.lock);
	return title;
}

void work_queues(struct queue_figures *out, size_t *count)
{
	*count = 0;
	pthread_mutex_lock(&current.lock);
	if (current.work) {
		pthread_mutex_lock(&current.work->lock);
		for (; *count < current.work->queue_count; (*count)++)
			out[*count] =
				(struct queue_figures){ .name = current.work->queues[*count].name,
							.limit = current.work->queues[*count].limit,
							.running = current.work->queues[*count].running };
		pthread_mutex_unlock(&current.work->lock);
	}
	pthread_mutex_unlock(&current.lock);
}

bool work_ask_to_stop(int64_t id)
{
	bool is_here = false;

	pthread_mutex_lock(&current.lock);
	if (current.work) {
		pthread_mutex_lock(&current.work->lock);
		for (struct job *job = current.work->running; job; job = job->next)
			if (job->id == id) {
				atomic_store(&job->is_cancelled, true);
				is_here = true;
			}
		pthread_mutex_unlock(&current.work->lock);
	}
	pthread_mutex_unlock(&current.lock);
	return is_here;
}

static enum rc add_queue(struct work *w, const char *name)
{
	struct queue *q;

	for (size_t i = 0; i < w->queue_count; i++)
		if (strcmp(w->queues[i].name, name) == 0) return RC_OK;
	if (w->queue_count == QUEUES_MAX || strlen(name) >= QUEUE_NAME_SIZE) return RC_BUG;
	q = &w->queues[w->queue_count++];
	*q = (struct queue){ .name = name, .limit = 1 };
	return RC_OK;
}

static enum rc add_kinds(struct work *w, const struct job_kind *const *tables)
{
	for (; tables && *tables; tables++)
		for (const struct job_kind *k = *tables; k->name; k++) {
			if (w->kind_count == KINDS_MAX || work_kind(w, k->name) ||
			    add_queue(w, k->queue) != RC_OK) {
				log_event(LOG_ERROR, "jobs", "job.bug",
					  "what=\"kind twice, or too many\" kind=%s", k->name);
				return RC_BUG;
			}
			w->kinds[w->kind_count++] = k;
		}
	return RC_OK;
}

static enum rc add_schedules(struct work *w, const struct schedule_default *const *tables)
{
	for (; tables && *tables; tables++)
		for (const struct schedule_default *s = *tables; s->name; s++) {
			if (w->schedule_count == SCHEDULES_MAX || !work_kind(w, s->job_kind)) {
				log_event(LOG_ERROR, "jobs", "job.bug",
					  "what=\"schedule of no kind, or too many\" name=%s", s->name);
				return RC_BUG;
			}
			w->schedules[w->schedule_count++] = s;
		}
	return RC_OK;
}

enum rc work_open(struct work **out, struct env *env, const struct job_kind *const *kinds,
		  const struct schedule_default *const *schedules)
{
	struct work *w = mem_zeroed(sizeof *w);
	pthread_condattr_t attr;
	enum rc rc;

	if (!w) return RC_NO_MEMORY;
	w->env = env;
	w->wake_fd = -1;
	atomic_store(&w->looked_at, clock_ticks());
	pthread_mutex_init(&w->claim_lock, NULL);
	pthread_mutex_init(&w->look_lock, NULL);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->news, &attr);
	pthread_condattr_destroy(&attr);
	w->slice = arena_new(SLICE_ARENA_MAX);
	rc = w->slice ? add_kinds(w, kinds) : RC_NO_MEMORY;
	if (rc == RC_OK) rc = add_schedules(w, schedules);
	if (rc != RC_OK) {
		work_free(w);
		return rc;
	}
	queues_apply(w);
	pthread_mutex_lock(&current.lock);
	current.work = w;
	pthread_mutex_unlock(&current.lock);
	*out = w;
	return RC_OK;
}

void work_free(struct work *w)
{
	if (!w) return;
	pthread_mutex_lock(&current.lock);
	if (current.work == w) current.work = NULL;
	pthread_mutex_unlock(&current.lock);
	while (w->running) /* unsettled ones: their rows say running, the next start puts them back */
		job_drop(w->running);
	pthread_cond_destroy(&w->news);
	pthread_mutex_destroy(&w->lock);
	pthread_mutex_destroy(&w->claim_lock);
	pthread_mutex_destroy(&w->look_lock);
	arena_free(w->slice);
	mem_free(w);
}

/* Workers */

static struct timespec in_ms(int64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += (long)(ms % SECOND_MS) * 1000000L;
	t.tv_sec += (time_t)(ms / SECOND_MS) + t.tv_nsec / 1000000000L;
	t.tv_nsec %= 1000000000L;
	return t;
}

/* The next job handed to this worker; NULL: go home. */
static struct job *await_job(struct worker *me)
{
	struct work *w = me->work;
	bool is_extra = me - w->workers >= WORKERS_BASE;
	struct timespec until = in_ms(WORKER_REST_S * SECOND_MS);
	struct job *job;

	pthread_mutex_lock(&w->lock);
	me->is_idle = true;
	while (!me->job && !atomic_load(&w->is_stopping)) {
		if (!is_extra)
			pthread_cond_wait(&w->news, &w->lock);
		else if (pthread_cond_timedwait(&w->news, &w->lock, &until) == ETIMEDOUT)
			break;
	}
	job = me->job;
	me->job = NULL;
	me->is_idle = false;
	pthread_mutex_unlock(&w->lock);
	return job;
}

/* Memory and a connection, however long it takes; false when we are stopping: the row stays
** `running` until then. */
static bool equip(struct work *w, struct arena **arena, struct db **db)
{
	struct timespec nap = { .tv_sec = 1 };

	for (;;) {
		if (!*arena) *arena = arena_new(JOB_ARENA_MAX);
		if (*arena && (*db || db_open(db, w->env->store) == RC_OK)) return true;
		if (atomic_load(&w->is_stopping)) return false;
		nanosleep(&nap, NULL);
	}
}

static void *work_on(void *arg)
{
	struct worker *me = arg;
	struct work *w = me->work;
	struct arena *arena = NULL;
	struct db *db = NULL;
	struct job *job;
	struct cx cx;

	while ((job = await_job(me)) != NULL) {
		if (!equip(w, &arena, &db)) {
			job_drop(job);
			break;
		}
		cx_init(&cx, w->env, arena, db);
		job_execute(&cx, job);
		arena_reset(arena);
		env_wake(w->env, WAKE_WORK);
	}
	db_close(db);
	arena_free(arena);
	pthread_mutex_lock(&w->lock);
	me->is_ended = true;
	pthread_cond_broadcast(&w->news);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Is there one that waits, or room for another? Under lock. */
static struct worker *idle_worker(struct work *w)
{
	for (int i = 0; i < WORKERS_MAX; i++)
		if (w->workers[i].is_used && w->workers[i].is_idle && !w->workers[i].job)
			return &w->workers[i];
	return NULL;
}

static struct worker *room_for_worker(struct work *w)
{
	for (int i = 0; i < WORKERS_MAX; i++)
		if (!w->workers[i].is_used || w->workers[i].is_ended) return &w->workers[i];
	return NULL;
}

static bool has_capacity(struct work *w)
{
	bool has;

	pthread_mutex_lock(&w->lock);
	has = idle_worker(w) || room_for_worker(w);
	pthread_mutex_unlock(&w->lock);
	return has;
}

/* Under lock. */
static struct worker *new_worker(struct work *w)
{
	struct worker *me = room_for_worker(w);

	if (!me) return NULL;
	if (me->is_used)
		pthread_join(me->thread, NULL); /* it has ended but for the return: this does not wait */
	*me = (struct worker){ .work = w, .is_idle = true };
	if (pthread_create(&me->thread, NULL, work_on, me) != 0) return NULL;
	me->is_used = true;
	return me;
}

static void give(struct work *w, struct job *job)
{
	struct worker *worker;

	pthread_mutex_lock(&w->lock);
	while ((worker = idle_worker(w)) == NULL && (worker = new_worker(w)) == NULL)
		pthread_cond_wait(&w->news,
				  &w->lock); /* no thread to be had: the first that is done takes it */
	worker->job = job;
	pthread_cond_broadcast(&w->news);
	pthread_mutex_unlock(&w->lock);
}

/* The scheduler */

static void hand_out(struct cx *cx, struct work *w)
{
	struct job *job = NULL;

	while (!atomic_load(&w->is_stopping) && has_capacity(w)) {
		if (job_claim(cx, w, &job) != RC_OK || !job) return;
		give(w, job);
	}
}

static int64_t next_job_at(struct cx *cx)
{
	int64_t at = 0;

	/* Those due already wait for room in their queue; who makes room rings. */
	if (db_get_int(cx, &at,
		       "SELECT coalesce(min(run_at), 0) FROM job WHERE state = 'queued' AND run_at > :now",
		       PARAMS(P_INT(":now", cx_now(cx)))) != RC_OK)
		return 0;
	return at;
}

/* Returns how long to sleep. */
static int look(struct cx *cx, struct work *w)
{
	instant next = INSTANT_NEVER, job_at;
	int64_t ms = LOOK_EVERY_MS;

	queues_apply(w);
	work_settle_left(cx, w);
	if (schedules_look(cx, w, &next) != RC_OK)
		log_event(LOG_ERROR, "jobs", "schedule.look_failed", "retry_ms=%d", LOOK_EVERY_MS);
	hand_out(cx, w);
	job_at = next_job_at(cx);
	if (job_at != 0 && job_at < next) next = job_at;
	if (next != INSTANT_NEVER && next - cx_now(cx) < ms) ms = next - cx_now(cx);
	return ms > 0 ? (int)ms : 0;
}

static void *schedule_all(void *arg)
{
	struct work *w = arg;
	struct arena *arena = arena_new(JOB_ARENA_MAX);
	struct db *db = NULL;
	struct cx cx;
	uint64_t rings;
	int sleep_ms = 0;

	while (!atomic_load(&w->is_stopping)) {
		struct pollfd wake = { .fd = w->wake_fd, .events = POLLIN };

		if (poll(&wake, 1, sleep_ms) > 0 && read(w->wake_fd, &rings, sizeof rings) < 0 &&
		    errno != EAGAIN)
			break;
		if (atomic_load(&w->is_stopping)) break;
		sleep_ms = (int)SECOND_MS;
		if (!arena || (!db && db_open(&db, w->env->store) != RC_OK)) continue;
		cx_init(&cx, w->env, arena, db);
		cx.request_id = "scheduler";
		sleep_ms = look(&cx, w);
		db_at_rest(&cx);
		arena_reset(arena);
		atomic_store(&w->looked_at, clock_ticks());
	}
	db_close(db);
	arena_free(arena);
	pthread_mutex_lock(&w->lock);
	w->scheduler_ended = true;
	pthread_cond_broadcast(&w->news);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Start and stop */

static enum rc recover(struct work *w)
{
	struct arena *arena = arena_new(JOB_ARENA_MAX);
	struct db *db = NULL;
	struct cx cx;
	enum rc rc = arena ? db_open(&db, w->env->store) : RC_NO_MEMORY;

	if (rc == RC_OK) {
		cx_init(&cx, w->env, arena, db);
		rc = work_recover(&cx, w);
	}
	db_close(db);
	arena_free(arena);
	return rc;
}

enum rc work_start(struct work **out, struct env *env, const struct job_kind *const *kinds,
		   const struct schedule_default *const *schedules)
{
	struct work *w = NULL;
	enum rc rc = work_open(&w, env, kinds, schedules);

	if (rc == RC_OK) rc = recover(w);
	if (rc != RC_OK) {
		work_free(w);
		return rc;
	}
	if (env->wake_fd[WAKE_WORK] <= 0) {
		env->wake_fd[WAKE_WORK] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		w->owns_wake = true;
	}
	w->wake_fd = env->wake_fd[WAKE_WORK];
	if (w->wake_fd < 0 || pthread_create(&w->scheduler, NULL, schedule_all, w) != 0) {
		if (w->owns_wake && w->wake_fd >= 0) {
			close(w->wake_fd);
			env->wake_fd[WAKE_WORK] = -1;
		}
		work_free(w);
		return RC_NO_MEMORY;
	}
	w->has_threads = true;
	*out = w;
	return RC_OK;
}

enum rc work_plan(struct cx *cx, const struct job_kind *const *kinds,
		  const struct schedule_default *const *schedules)
{
	struct work *w = NULL;
	enum rc rc = work_open(&w, cx->env, kinds, schedules);

	if (rc == RC_OK) rc = schedules_plan(cx, w);
	work_free(w);
	return rc;
}

/* All threads at their end? Under lock. */
static bool all_ended(const struct work *w)
{
	for (int i = 0; i < WORKERS_MAX; i++)
		if (w->workers[i].is_used && !w->workers[i].is_ended) return false;
	return w->scheduler_ended;
}

static bool await_end(struct work *w)
{
	struct timespec until = in_ms(STOP_WAIT_MS);
	bool ended;

	pthread_mutex_lock(&w->lock);
	pthread_cond_broadcast(&w->news);
	while (!all_ended(w))
		if (pthread_cond_timedwait(&w->news, &w->lock, &until) == ETIMEDOUT) break;
	ended = all_ended(w);
	pthread_mutex_unlock(&w->lock);
	return ended;
}

void work_stop(struct work *w)
{
	if (!w) return;
	atomic_store(&w->is_stopping, true);
	if (w->has_threads) {
		env_wake(w->env, WAKE_WORK);
		if (!await_end(w)) {
			/* Its row stays `running`; the next start puts it back. The thread keeps
			** what it uses until _exit. */
			log_event(LOG_WARN, "jobs", "work.stop_late", "waited_ms=%d", STOP_WAIT_MS);
			return;
		}
		pthread_join(w->scheduler, NULL);
		for (int i = 0; i < WORKERS_MAX; i++)
			if (w->workers[i].is_used) pthread_join(w->workers[i].thread, NULL);
	}
	if (w->owns_wake) {
		close(w->wake_fd);
		w->env->wake_fd[WAKE_WORK] = -1;
	}
	work_free(w);
}

int work_run_due(struct cx *cx, struct work *w)
{
	struct arena *arena = arena_new(JOB_ARENA_MAX);
	instant next = INSTANT_NEVER;
	struct job *job;
	struct cx mine;
	int count = 0;

	if (!arena) return 0;
	cx_init(&mine, cx->env, arena, cx->db);
	work_settle_left(&mine, w);
	if (schedules_look(&mine, w, &next) != RC_OK)
		log_event(LOG_ERROR, "jobs", "schedule.look_failed", "retry_ms=0");
	while (!atomic_load(&w->is_stopping) && job_claim(&mine, w, &job) == RC_OK && job) {
		job_execute(&mine, job);
		arena_reset(arena);
		cx_init(&mine, cx->env, arena, cx->db);
		count++;
	}
	atomic_store(&w->looked_at, clock_ticks());
	arena_free(arena);
	return count;
}

int64_t work_heartbeat_age_ms(const struct work *w)
{
	return w ? clock_ticks() - atomic_load(&w->looked_at) : 0;
}
