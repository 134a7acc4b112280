/* work/work.c: the room with its threads. Waits for what must happen, never for a time. */
#include "state.h"
#include "work/inner.h"
#include <time.h>

#define CROWD 5 /* queues with a job that waits: more than the workers that are always there */

static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_news = PTHREAD_COND_INITIALIZER;
static int inside;
static bool is_open;
static _Atomic int quick_runs;

static enum rc gate_job(struct cx *cx, struct job *job)
{
	(void)cx;
	(void)job;
	pthread_mutex_lock(&gate_lock);
	inside++;
	pthread_cond_broadcast(&gate_news);
	while (!is_open)
		pthread_cond_wait(&gate_news, &gate_lock);
	inside--;
	pthread_mutex_unlock(&gate_lock);
	return RC_OK;
}

static enum rc quick_job(struct cx *cx, struct job *job)
{
	struct value *place = value_map(cx->arena);
	enum rc rc = tx_begin(cx);

	value_set_int(cx->arena, place, "n", job_id(job));
	if (rc == RC_OK) rc = job_save_place(cx, job, place);
	rc = tx_end(cx, rc);
	atomic_fetch_add(&quick_runs, 1);
	return rc;
}

/* Works until asked to stop, as an import of a large file does. */
static enum rc endless_job(struct cx *cx, struct job *job)
{
	struct timespec nap = { .tv_nsec = 2000000 };
	enum rc rc = RC_OK;

	for (int64_t i = 0; !job_should_stop(job) && rc == RC_OK; i++) {
		rc = job_progress(cx, job, i, 0);
		nanosleep(&nap, NULL);
	}
	return rc == RC_OK ? RC_TRY_LATER : rc;
}

static const struct job_kind kinds[] = {
	{ .name = "g.1", .queue = "g1", .attempts_max = 1, .run = gate_job },
	{ .name = "g.2", .queue = "g2", .attempts_max = 1, .run = gate_job },
	{ .name = "g.3", .queue = "g3", .attempts_max = 1, .run = gate_job },
	{ .name = "g.4", .queue = "g4", .attempts_max = 1, .run = gate_job },
	{ .name = "g.5", .queue = "g5", .attempts_max = 1, .run = gate_job },
	{ .name = "q.quick", .queue = "q", .attempts_max = 3, .delay_s = 1, .run = quick_job },
	{ .name = "e.endless", .queue = "e", .attempts_max = 1, .run = endless_job },
	{ .name = "e.short", .queue = "e", .attempts_max = 1, .time_limit_s = 1, .run = endless_job },
	{ .name = NULL },
};
static const struct job_kind *const kind_tables[] = { kinds, NULL };

static int64_t add(struct state *s, const char *kind)
{
	int64_t id = 0;
	enum rc rc = tx_begin(&s->cx);

	if (rc == RC_OK) rc = job_add(&s->cx, &id, &(struct job_new){ .kind = kind });
	assert_int_equal(tx_end(&s->cx, rc), RC_OK);
	return id;
}

static void await_count(struct state *s, const char *sql, int64_t want)
{
	struct timespec nap = { .tv_nsec = 5000000 };

	for (int i = 0; i < 4000; i++) {
		if (state_int(s, sql) == want) return;
		nanosleep(&nap, NULL);
	}
	fail_msg("waited in vain for %lld from %s", (long long)want, sql);
}

static struct work *begin(struct state *s)
{
	struct work *w = NULL;

	state_open(s, 0);
	inside = 0;
	is_open = false;
	atomic_store(&quick_runs, 0);
	assert_int_equal(work_start(&w, &s->env, kind_tables, NULL), RC_OK);
	return w;
}

static void the_workers_do_all_there_is_to_do(void **arg)
{
	struct state s;
	struct work *w = begin(&s);

	(void)arg;
	for (int i = 0; i < 40; i++)
		(void)add(&s, "q.quick");
	await_count(&s, "SELECT count(*) FROM job WHERE state = 'done'", 40);
	assert_int_equal(atomic_load(&quick_runs), 40);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM job WHERE json_extract(place_json, '$.n') = id"),
			 40);
	assert_true(work_heartbeat_age_ms(w) >= 0);
	work_stop(w);
	assert_int_equal(s.env.wake_fd[WAKE_WORK], -1);
	state_close(&s);
}

static void slow_jobs_in_other_queues_do_not_hold_up_a_quick_one(void **arg)
{
	struct state s;
	struct work *w = begin(&s);
	int64_t id;

	(void)arg;
	for (int i = 0; i < CROWD; i++)
		(void)add(&s, kinds[i].name);
	pthread_mutex_lock(&gate_lock);
	while (inside < CROWD)
		pthread_cond_wait(&gate_news, &gate_lock);
	pthread_mutex_unlock(&gate_lock);
	id = add(&s, "q.quick");
	await_count(&s, "SELECT count(*) FROM job WHERE kind = 'q.quick' AND state = 'done'", 1);
	assert_true(id > 0);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM job WHERE state = 'running'"), CROWD);
	pthread_mutex_lock(&gate_lock);
	is_open = true;
	pthread_cond_broadcast(&gate_news);
	pthread_mutex_unlock(&gate_lock);
	await_count(&s, "SELECT count(*) FROM job WHERE state = 'done'", CROWD + 1);
	work_stop(w);
	state_close(&s);
}

static void stopping_puts_long_work_back_into_the_queue(void **arg)
{
	struct state s;
	struct work *w = begin(&s);

	(void)arg;
	(void)add(&s, "e.endless");
	await_count(&s, "SELECT count(*) FROM job WHERE state = 'running'", 1);
	work_stop(w);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM job WHERE state = 'queued' AND attempts = 0"),
			 1);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM job_run WHERE outcome = 'stopped'"), 1);
	state_close(&s);
}

static void a_person_cancels_what_runs(void **arg)
{
	struct state s;
	struct work *w = begin(&s);
	int64_t id;

	(void)arg;
	id = add(&s, "e.endless");
	await_count(&s, "SELECT count(*) FROM job WHERE state = 'running'", 1);
	assert_int_equal(job_cancel(&s.cx, id), RC_OK);
	await_count(&s, "SELECT count(*) FROM job WHERE state = 'cancelled'", 1);
	work_stop(w);
	state_close(&s);
}

static void a_job_past_its_time_is_asked_to_stop(void **arg)
{
	struct state s;
	struct work *w = begin(&s);

	(void)arg;
	(void)add(&s, "e.short");
	await_count(&s, "SELECT count(*) FROM job WHERE state = 'dead'", 1);
	work_stop(w);
	state_close(&s);
}

static void the_caller_may_run_what_is_due_beside_the_workers(void **arg)
{
	struct state s;
	struct work *w = begin(&s);

	(void)arg;
	for (int i = 0; i < 20; i++)
		(void)add(&s, "q.quick");
	(void)work_run_due(&s.cx, w);
	await_count(&s, "SELECT count(*) FROM job WHERE state = 'done'", 20);
	assert_int_equal(atomic_load(&quick_runs), 20);
	work_stop(w);
	state_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_workers_do_all_there_is_to_do),
		cmocka_unit_test(slow_jobs_in_other_queues_do_not_hold_up_a_quick_one),
		cmocka_unit_test(stopping_puts_long_work_back_into_the_queue),
		cmocka_unit_test(a_person_cancels_what_runs),
		cmocka_unit_test(a_job_past_its_time_is_asked_to_stop),
		cmocka_unit_test(the_caller_may_run_what_is_due_beside_the_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
