/* work/jobs.c, claim.c, running.c: a job from the queue to its end. */
#include "state.h"
#include "work/inner.h"

#include "base/sentence.h"
#include <signal.h>
#include <sys/resource.h>

static int runs, slices;
static enum rc outcome;
static bool saw_late;
static struct state *the_state;

static enum rc plain_job(struct cx *cx, struct job *job)
{
	runs++;
	saw_late = job_is_late(job);
	if (outcome != RC_OK) return cx_fail(cx, outcome, "broken on try %d", job_attempt(job));
	job_note(cx, job, "all well");
	return RC_OK;
}

/* Counts to args.total, one a slice, the place saved with each; gives way after two slices when
** asked to stop. */
static enum rc long_job(struct cx *cx, struct job *job)
{
	int64_t total = value_int_of(value_get(job_args(job), "total"), 0);
	int64_t at = value_int_of(value_get(job_place(job), "at"), 0);
	enum rc rc = RC_OK;

	for (int here = 0; at < total && rc == RC_OK; here++) {
		struct value *place = value_map(cx->arena);

		if (here == 2 && outcome == RC_TRY_LATER) {
			atomic_store(&job->work->is_stopping, true);
			assert_true(job_should_stop(job));
			return RC_TRY_LATER;
		}
		if (here == 2 && outcome == RC_BUG) {
			assert_int_equal(job_cancel(cx, job_id(job)), RC_OK);
			assert_true(job_should_stop(job));
			return RC_TRY_LATER;
		}
		value_set_int(cx->arena, place, "at", ++at);
		rc = tx_begin(cx);
		if (rc == RC_OK) rc = job_save_place(cx, job, place);
		rc = tx_end(cx, rc);
		if (rc == RC_OK) rc = job_progress(cx, job, at, total);
		slices++;
		cx_reset(cx); /* args and place must outlive it */
		assert_int_equal(value_int_of(value_get(job_place(job), "at"), 0), at);
		assert_int_equal(value_int_of(value_get(job_args(job), "total"), 0), total);
	}
	if (rc == RC_OK) {
		struct value *result = value_map(cx->arena);

		value_set_int(cx->arena, result, "counted", at);
		rc = job_result(cx, job, result);
	}
	return rc;
}

static void fill_disk(bool is_full)
{
	struct rlimit most;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &most), 0);
	most.rlim_cur = is_full ? 0 : most.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &most), 0);
}

/* The disk is full when it ends. */
static enum rc unlucky_job(struct cx *cx, struct job *job)
{
	(void)cx;
	(void)job;
	runs++;
	(void)signal(SIGXFSZ, SIG_IGN);
	fill_disk(true);
	return RC_OK;
}

/* Leaves a transaction open: a bug of its own that must not hold up anybody. */
static enum rc sloppy_job(struct cx *cx, struct job *job)
{
	(void)job;
	(void)!tx_begin(cx);
	return RC_OK;
}

/* Two in one queue: while one runs, the other must not. */
static enum rc crowd_job(struct cx *cx, struct job *job)
{
	struct job *other = NULL;

	(void)cx;
	runs++;
	assert_int_equal(job_claim(&the_state->cx, job->work, &other), RC_OK);
	assert_null(other);
	return RC_OK;
}

static enum rc greedy_job(struct cx *cx, struct job *job)
{
	(void)job;
	(void)arena_printf(cx->arena, "%*d", 100 * 1000 * 1000, 1);
	return RC_NO_MEMORY;
}

/* Waits for others twice, an hour each. */
static enum rc patient_job(struct cx *cx, struct job *job)
{
	assert_int_equal(job_attempt(job), 1);
	if (++runs == 3) return RC_OK;
	job_note(cx, job, "the others are not there yet");
	job_later(job, cx_now(cx) + HOUR_MS);
	return RC_TRY_LATER;
}

static enum rc telling_job(struct cx *cx, struct job *job)
{
	char name[NOTE_SIZE + 1];

	memset(name, 'x', sizeof name);
	name[NOTE_SIZE] = '\0';
	cx->lang = LANG_ES; /* the house's */
	job_note(cx, job, _("Finished work forgotten: %lld."), 7LL);
	job_say(cx, job, SAY_INFO, "%s", _("Log in first."));
	job_say(cx, job, SAY_INFO, "%.*s", NOTE_SIZE - 1, name);
	job_say(cx, job, SAY_INFO, "%s.", name);
	(void)!cx_fail(cx, RC_BAD_INPUT, _("There is no job %lld."), 9LL);
	job_say(cx, job, SAY_ERROR, "A: %s", cx_sentence_kept(cx, RC_BAD_INPUT));
	return RC_BAD_INPUT;
}

static const struct job_kind kinds[] = {
	{ .name = "t.telling", .queue = "t", .attempts_max = 1, .run = telling_job },
	{ .name = "t.plain",
	  .queue = "t",
	  .attempts_max = 3,
	  .time_limit_s = 60,
	  .delay_s = 10,
	  .run = plain_job },
	{ .name = "t.once",
	  .queue = "t",
	  .attempts_max = 1,
	  .time_limit_s = 60,
	  .delay_s = 10,
	  .run = plain_job },
	{ .name = "t.long",
	  .queue = "long",
	  .attempts_max = 2,
	  .time_limit_s = 60,
	  .delay_s = 10,
	  .run = long_job },
	{ .name = "t.sloppy", .queue = "t", .attempts_max = 1, .run = sloppy_job },
	{ .name = "t.crowd", .queue = "t", .attempts_max = 1, .run = crowd_job },
	{ .name = "t.unlucky", .queue = "t", .attempts_max = 3, .run = unlucky_job },
	{ .name = "t.patient", .queue = "t", .attempts_max = 1, .run = patient_job },
	{ .name = "t.greedy", .queue = "t", .attempts_max = 2, .delay_s = 10, .run = greedy_job },
	{ .name = NULL },
};
static const struct job_kind *const kind_tables[] = { kinds, NULL };

static struct work *open_work(struct state *s)
{
	struct work *w = NULL;

	assert_int_equal(work_open(&w, &s->env, kind_tables, NULL), RC_OK);
	assert_int_equal(work_recover(&s->cx, w), RC_OK);
	runs = slices = 0;
	outcome = RC_OK;
	the_state = s;
	return w;
}

static enum rc add(struct state *s, int64_t *id, const struct job_new *job)
{
	enum rc rc = tx_begin(&s->cx), added;

	assert_int_equal(rc, RC_OK);
	added = job_add(&s->cx, id, job);
	assert_int_equal(tx_end(&s->cx, added == RC_CONFLICT ? RC_OK : added),
			 added == RC_CONFLICT ? RC_OK : added);
	return added;
}

static const char *shown(struct state *s, int64_t id, const char *column)
{
	struct value *row = NULL;
	const struct value *v;

	assert_int_equal(job_show(&s->cx, &row, id), RC_OK);
	v = value_get(row, column);
	assert_non_null(v);
	return v->type == VALUE_INT ? arena_printf(s->arena, "%lld", (long long)v->integer)
				    : value_text_of(v, "");
}

static void a_job_runs_once_and_tells_how_it_went(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.plain", .is_late = true }), RC_OK);
	assert_string_equal(shown(&s, id, "state"), "queued");
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_int_equal(work_run_due(&s.cx, w), 0);
	assert_int_equal(runs, 1);
	assert_true(saw_late);
	assert_string_equal(shown(&s, id, "state"), "done");
	assert_string_equal(shown(&s, id, "note"), "all well");
	assert_string_equal(shown(&s, id, "attempts"), "1");
	assert_string_equal(shown(&s, id, "created_by"), "system");
	assert_int_equal(
		state_int(&s,
			  "SELECT count(*) FROM job_run WHERE outcome = 'ok' AND finished_at IS NOT NULL"),
		1);
	work_free(w);
	state_close(&s);
}

static void the_same_key_exists_once_for_ever_and_a_slot_once_at_a_time(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id = 0, again = 0;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.plain", .key = "k" }), RC_OK);
	assert_int_equal(add(&s, &again, &(struct job_new){ .kind = "t.plain", .key = "k" }), RC_CONFLICT);
	assert_int_equal(again, id);
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.plain", .slot = "s" }), RC_OK);
	assert_int_equal(add(&s, &again, &(struct job_new){ .kind = "t.plain", .slot = "s" }), RC_CONFLICT);
	assert_int_equal(again, id);
	assert_int_equal(work_run_due(&s.cx, w), 2);
	assert_int_equal(add(&s, &again, &(struct job_new){ .kind = "t.plain", .key = "k" }), RC_CONFLICT);
	assert_int_equal(add(&s, &again, &(struct job_new){ .kind = "t.plain", .slot = "s" }), RC_OK);
	assert_int_not_equal(again, id);
	/* The first one cannot come back while the second waits. */
	assert_int_equal(job_run_again(&s.cx, id), RC_CONFLICT);
	assert_string_not_equal(s.cx.message, "");
	work_free(w);
	state_close(&s);
}

static void a_job_of_an_unknown_kind_is_refused(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "nobody.knows" }), RC_BUG);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM job"), 0);
	work_free(w);
	state_close(&s);
}

static void a_job_added_before_the_workers_start_finds_its_queue(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id = 0, other = 0;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.long" }), RC_OK);
	assert_int_equal(add(&s, &other, &(struct job_new){ .kind = "off.kind" }), RC_OK);
	assert_string_equal(shown(&s, id, "queue"), "t");
	w = open_work(&s);
	assert_string_equal(shown(&s, id, "queue"), "long");
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_string_equal(shown(&s, id, "state"), "done");
	assert_string_equal(shown(&s, other, "state"), "queued");
	work_free(w);
	state_close(&s);
}

static void a_row_of_a_switched_off_module_does_not_block_the_queue(void **arg)
{
	struct state s;
	struct work *w;
	int64_t off = 0, id = 0;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(add(&s, &off, &(struct job_new){ .kind = "t.gone", .priority = -5 }), RC_OK);
	w = open_work(&s);
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.plain" }), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_string_equal(shown(&s, id, "state"), "done");
	assert_string_equal(shown(&s, off, "state"), "queued");
	work_free(w);
	state_close(&s);
}

static void what_is_urgent_runs_first_and_what_is_for_later_waits(void **arg)
{
	struct state s;
	struct work *w;
	struct job *job = NULL;
	int64_t bulk = 0, urgent = 0, later = 0;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	assert_int_equal(add(&s, &bulk, &(struct job_new){ .kind = "t.plain", .priority = 9 }), RC_OK);
	assert_int_equal(
		add(&s, &later, &(struct job_new){ .kind = "t.plain", .run_at = cx_now(&s.cx) + HOUR_MS }),
		RC_OK);
	assert_int_equal(add(&s, &urgent, &(struct job_new){ .kind = "t.plain", .priority = 1 }), RC_OK);
	assert_int_equal(job_claim(&s.cx, w, &job), RC_OK);
	assert_non_null(job);
	assert_int_equal(job_id(job), urgent);
	job_execute(&s.cx, job);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_string_equal(shown(&s, later, "state"), "queued");
	clock_shift(s.env.clock, HOUR_MS);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_string_equal(shown(&s, later, "state"), "done");
	work_free(w);
	state_close(&s);
}

static void a_queue_runs_one_at_a_time(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.crowd" }), RC_OK);
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.crowd" }), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 2);
	assert_int_equal(runs, 2);
	work_free(w);
	state_close(&s);
}

static void what_fails_is_tried_again_later_and_later_and_then_given_up(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id = 0, wait_ms;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	outcome = RC_TRY_LATER;
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.plain" }), RC_OK);
	for (int try = 1; try < 3; try++) {
		assert_int_equal(work_run_due(&s.cx, w), 1);
		assert_string_equal(shown(&s, id, "state"), "queued");
		assert_non_null(strstr(shown(&s, id, "error"), "broken"));
		wait_ms = state_int(&s, "SELECT run_at - heartbeat_at FROM job");
		assert_in_range(wait_ms, try * 10 * SECOND_MS - SECOND_MS,
				try * 10 * SECOND_MS * 5 / 4 + SECOND_MS);
		assert_int_equal(work_run_due(&s.cx, w), 0);
		clock_shift(s.env.clock, wait_ms + SECOND_MS);
	}
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_string_equal(shown(&s, id, "state"), "dead");
	assert_int_equal(runs, 3);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM job_run WHERE outcome = 'try_later'"), 3);
	/* A person runs the same row again: it has all its tries. */
	outcome = RC_OK;
	assert_int_equal(job_run_again(&s.cx, id), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_string_equal(shown(&s, id, "state"), "done");
	assert_string_equal(shown(&s, id, "error"), "");
	assert_int_equal(state_int(&s, "SELECT count(*) FROM job"), 1);
	work_free(w);
	state_close(&s);
}

static void the_wait_between_tries_never_exceeds_an_hour(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	outcome = RC_TRY_LATER;
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.plain" }), RC_OK);
	assert_int_equal(state_run(&s, "UPDATE job SET attempts = -40"), RC_OK);
	for (int i = 0; i < 41; i++) {
		assert_int_equal(work_run_due(&s.cx, w), 1);
		assert_true(state_int(&s, "SELECT run_at - heartbeat_at FROM job") <= HOUR_MS);
		clock_shift(s.env.clock, HOUR_MS + SECOND_MS);
	}
	work_free(w);
	state_close(&s);
}

static void what_a_person_must_mend_is_not_tried_again(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	outcome = RC_BAD_INPUT;
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.plain" }), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_string_equal(shown(&s, id, "state"), "failed");
	assert_string_equal(shown(&s, id, "error"), "broken on try 1");
	outcome = RC_PARTLY;
	assert_int_equal(job_run_again(&s.cx, id), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_string_equal(shown(&s, id, "state"), "done");
	work_free(w);
	state_close(&s);
}

static void a_job_that_eats_all_memory_still_gets_its_row_written(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.greedy" }), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_string_equal(shown(&s, id, "state"), "queued");
	work_free(w);
	state_close(&s);
}

static void what_ended_while_the_disk_was_full_is_written_when_there_is_room(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id = 0, next = 0;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.unlucky", .slot = "one" }), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_string_equal(shown(&s, id, "state"), "running");
	fill_disk(false);
	assert_int_equal(work_run_due(&s.cx, w), 0); /* not run again */
	assert_int_equal(runs, 1);
	assert_string_equal(shown(&s, id, "state"), "done");
	assert_int_equal(state_int(&s, "SELECT count(*) FROM job_run WHERE outcome = 'ok'"), 1);
	/* neither its slot nor its queue is taken any more */
	assert_int_equal(add(&s, &next, &(struct job_new){ .kind = "t.plain", .slot = "one" }), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_string_equal(shown(&s, next, "state"), "done");
	/* stopped meanwhile: the next start takes it up */
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.unlucky" }), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	fill_disk(false);
	work_free(w);
	w = open_work(&s);
	assert_string_equal(shown(&s, id, "state"), "queued");
	work_free(w);
	state_close(&s);
}

static void a_forgotten_transaction_of_a_job_is_rolled_back(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.sloppy" }), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_false(tx_is_open(&s.cx));
	assert_string_equal(shown(&s, id, "state"), "done");
	work_free(w);
	state_close(&s);
}

static int64_t add_long(struct state *s, int64_t total)
{
	struct value *args = value_map(s->arena);
	int64_t id = 0;

	value_set_int(s->arena, args, "total", total);
	assert_int_equal(add(s, &id, &(struct job_new){ .kind = "t.long", .args = args }), RC_OK);
	return id;
}

static void long_work_goes_on_from_its_place_after_a_stop(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	id = add_long(&s, 5);
	outcome = RC_TRY_LATER;
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_string_equal(shown(&s, id, "state"), "queued");
	assert_string_equal(shown(&s, id, "attempts"), "0"); /* our stopping is not its failure */
	assert_string_equal(shown(&s, id, "progress_done"), "2");
	work_free(w);
	w = open_work(&s);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_int_equal(slices, 3);
	assert_string_equal(shown(&s, id, "state"), "done");
	assert_string_equal(shown(&s, id, "progress_done"), "5");
	assert_string_equal(shown(&s, id, "progress_total"), "5");
	assert_string_equal(shown(&s, id, "result_json"), "{\"counted\":5}");
	/* Run again begins anew, not at the end. */
	slices = 0;
	assert_int_equal(job_run_again(&s.cx, id), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_int_equal(slices, 5);
	work_free(w);
	state_close(&s);
}

static void who_must_wait_gives_the_place_back_and_may_be_called_before_the_hour(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	runs = 0;
	assert_int_equal(tx_begin(&s.cx), RC_OK);
	assert_int_equal(job_add(&s.cx, &id, &(struct job_new){ .kind = "t.patient", .slot = "t:1" }), RC_OK);
	assert_int_equal(tx_end(&s.cx, RC_OK), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_int_equal(
		state_int(&s,
			  "SELECT count(*) FROM job WHERE state = 'queued' AND attempts = 0 AND error = ''"
			  " AND note ->> '$.m' = 'the others are not there yet'"),
		1);
	assert_int_equal(work_run_due(&s.cx, w), 0);
	clock_shift(s.env.clock, HOUR_MS + MINUTE_MS);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_int_equal(tx_begin(&s.cx), RC_OK);
	assert_int_equal(job_hasten(&s.cx, "t:2"), RC_OK);
	assert_int_equal(tx_end(&s.cx, RC_OK), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 0);
	assert_int_equal(tx_begin(&s.cx), RC_OK);
	assert_int_equal(job_hasten(&s.cx, "t:1"), RC_OK);
	assert_int_equal(tx_end(&s.cx, RC_OK), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM job WHERE state = 'done'"), 1);
	work_free(w);
	state_close(&s);
}

static void what_a_job_said_is_read_in_the_readers_language(void **arg)
{
	struct value *rows = NULL;
	const struct value *row;
	struct state s;
	struct work *w;
	int64_t id = 0;

	(void)arg;
	assert_int_equal(words_load(), RC_OK);
	state_open(&s, 0);
	w = open_work(&s);
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.telling" }), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	s.cx.lang = LANG_EN;
	assert_string_equal(shown(&s, id, "note"), "Finished work forgotten: 7.");
	assert_string_equal(shown(&s, id, "error"), "There is no job 9.");
	s.cx.lang = LANG_ES;
	assert_string_equal(shown(&s, id, "note"), "Trabajo terminado olvidado: 7.");
	assert_string_equal(shown(&s, id, "error"), "No existe el trabajo 9.");
	assert_int_equal(db_rows(&s.cx, &rows, 5, "SELECT text FROM job_line ORDER BY id", NO_PARAMS), RC_OK);
	s.cx.lang = LANG_EN;
	job_words(&s.cx, rows, "text");
	row = rows->first;
	assert_string_equal(value_text_of(value_get(row, "text"), ""), "Log in first.");
	row = row->next; /* as long as may be, and one more letter */
	assert_int_equal(strlen(value_text_of(value_get(row, "text"), "")), NOTE_SIZE - 1);
	row = row->next;
	assert_int_equal(strlen(value_text_of(value_get(row, "text"), "")), NOTE_SIZE - 1);
	assert_string_equal(value_text_of(value_get(row->next, "text"), ""), "A: There is no job 9.");
	/* what older versions kept: a text in the language of its day, or a msgid */
	assert_string_equal(job_text(&s.cx, "De antes"), "De antes");
	s.cx.lang = LANG_ES;
	assert_string_equal(job_text(&s.cx, "Log in first."), "Inicia sesión primero.");
	assert_int_equal(
		job_discard(&s.cx, id,
			    sentence_keep(s.arena, LANG_ES, words_get(LANG_ES, "Discarded by %s: %s"), "ana",
					  "ya no")),
		RC_OK);
	s.cx.lang = LANG_EN;
	assert_string_equal(shown(&s, id, "note"), "Discarded by ana: ya no");
	work_free(w);
	state_close(&s);
}

static void a_cancelled_job_stops_where_it_is(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	id = add_long(&s, 5);
	outcome = RC_BUG; /* it cancels itself after two slices */
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_string_equal(shown(&s, id, "state"), "cancelled");
	assert_int_equal(slices, 2);
	assert_int_equal(job_cancel(&s.cx, id), RC_CONFLICT);
	assert_int_equal(job_cancel(&s.cx, 999), RC_NOT_FOUND);
	outcome = RC_OK;
	id = add_long(&s, 5);
	assert_int_equal(job_cancel(&s.cx, id), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 0);
	assert_string_equal(shown(&s, id, "state"), "cancelled");
	work_free(w);
	state_close(&s);
}

static void after_a_crash_what_ran_waits_again_but_not_for_ever(void **arg)
{
	struct state s;
	struct work *w;
	struct job *job = NULL;
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.once" }), RC_OK);
	for (int crash = 1; crash <= CRASHES_MAX; crash++) {
		assert_int_equal(job_claim(&s.cx, w, &job), RC_OK);
		assert_non_null(job);
		assert_string_equal(shown(&s, id, "state"), "running");
		job_drop(job); /* as kill -9 leaves it: the row says running, nobody runs it */
		work_free(w);
		state_shut(&s);
		assert_int_equal(state_try_open(&s, true), RC_OK);
		w = open_work(&s);
		assert_string_equal(shown(&s, id, "state"), crash < CRASHES_MAX ? "queued" : "dead");
	}
	assert_int_equal(state_int(&s, "SELECT count(*) FROM job_run WHERE outcome = 'interrupted'"),
			 CRASHES_MAX);
	work_free(w);
	state_close(&s);
}

/* {"t":"xxx"} of exactly len bytes */
static struct value *map_of_length(struct state *s, size_t len)
{
	struct value *map = value_map(s->arena);
	char *text = arena_alloc(s->arena, len);

	assert_non_null(text);
	memset(text, 'x', len - strlen("{\"t\":\"\"}"));
	value_set_text(s->arena, map, "t", text);
	return map;
}

static void arguments_and_places_end_at_their_limits(void **arg)
{
	struct state s;
	struct work *w;
	struct job *job = NULL;
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	for (size_t extra = 0; extra < 2; extra++) {
		enum rc rc = tx_begin(&s.cx);

		assert_int_equal(rc, RC_OK);
		rc = job_add(&s.cx, &id,
			     &(struct job_new){ .kind = "t.plain",
						.args = map_of_length(&s, ARGS_JSON_MAX + extra) });
		assert_int_equal(tx_end(&s.cx, rc), extra == 0 ? RC_OK : RC_TOO_LARGE);
	}
	assert_int_equal(job_claim(&s.cx, w, &job), RC_OK);
	assert_non_null(job);
	assert_non_null(value_get(job_args(job), "t"));
	for (size_t extra = 0; extra < 2; extra++) {
		enum rc rc = tx_begin(&s.cx);

		assert_int_equal(rc, RC_OK);
		rc = job_save_place(&s.cx, job, map_of_length(&s, PLACE_JSON_MAX + extra));
		assert_int_equal(tx_end(&s.cx, rc), extra == 0 ? RC_OK : RC_TOO_LARGE);
		assert_int_equal(value_get(job_place(job), "t")->len,
				 PLACE_JSON_MAX - strlen("{\"t\":\"\"}"));
	}
	job_execute(&s.cx, job);
	work_free(w);
	state_close(&s);
}

static void a_job_whose_arguments_were_spoilt_by_hand_does_not_run_without_them(void **arg)
{
	struct state s;
	struct work *w;
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	w = open_work(&s);
	assert_int_equal(add(&s, &id, &(struct job_new){ .kind = "t.plain" }), RC_OK);
	assert_int_equal(state_run(&s, "UPDATE job SET args_json = '{oops', place_json = 'oops'"), RC_OK);
	assert_int_equal(work_run_due(&s.cx, w), 1);
	assert_int_equal(runs, 0);
	assert_string_equal(shown(&s, id, "state"), "failed");
	work_free(w);
	state_close(&s);
}

static void more_queues_than_planned_for_are_noticed_at_start(void **arg)
{
	static struct job_kind many[QUEUES_MAX + 2];
	static char names[QUEUES_MAX + 1][16];
	const struct job_kind *const tables[] = { many, NULL };
	struct state s;

	(void)arg;
	state_open(&s, 0);
	for (int extra = 0; extra < 2; extra++) {
		struct work *w = NULL;

		for (int i = 0; i < QUEUES_MAX + extra; i++) {
			snprintf(names[i], sizeof names[i], "q%d", i);
			many[i] = (struct job_kind){
				.name = names[i], .queue = names[i], .attempts_max = 1, .run = plain_job
			};
		}
		assert_int_equal(work_open(&w, &s.env, tables, NULL), extra == 0 ? RC_OK : RC_BUG);
		work_free(w);
	}
	/* And so is a kind declared twice. */
	many[1] = many[0];
	many[2].name = NULL;
	assert_int_equal(work_open(&(struct work *){ NULL }, &s.env, tables, NULL), RC_BUG);
	state_close(&s);
}

static void a_note_is_cut_between_two_letters(void **arg)
{
	char text[NOTE_SIZE + 10], cut[NOTE_SIZE];

	(void)arg;
	for (size_t i = 0; i + 1 < sizeof text; i += 2)
		memcpy(text + i, "\xc3\xb1", 2);
	text[NOTE_SIZE + 8] = '\0';
	work_cut(cut, text);
	assert_int_equal(strlen(cut), (NOTE_SIZE - 1) / 2 * 2);
	work_cut(cut, NULL);
	assert_string_equal(cut, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_runs_once_and_tells_how_it_went),
		cmocka_unit_test(the_same_key_exists_once_for_ever_and_a_slot_once_at_a_time),
		cmocka_unit_test(a_job_of_an_unknown_kind_is_refused),
		cmocka_unit_test(a_job_added_before_the_workers_start_finds_its_queue),
		cmocka_unit_test(a_row_of_a_switched_off_module_does_not_block_the_queue),
		cmocka_unit_test(what_is_urgent_runs_first_and_what_is_for_later_waits),
		cmocka_unit_test(a_queue_runs_one_at_a_time),
		cmocka_unit_test(what_fails_is_tried_again_later_and_later_and_then_given_up),
		cmocka_unit_test(the_wait_between_tries_never_exceeds_an_hour),
		cmocka_unit_test(what_a_person_must_mend_is_not_tried_again),
		cmocka_unit_test(a_job_that_eats_all_memory_still_gets_its_row_written),
		cmocka_unit_test(what_ended_while_the_disk_was_full_is_written_when_there_is_room),
		cmocka_unit_test(a_forgotten_transaction_of_a_job_is_rolled_back),
		cmocka_unit_test(long_work_goes_on_from_its_place_after_a_stop),
		cmocka_unit_test(who_must_wait_gives_the_place_back_and_may_be_called_before_the_hour),
		cmocka_unit_test(what_a_job_said_is_read_in_the_readers_language),
		cmocka_unit_test(a_cancelled_job_stops_where_it_is),
		cmocka_unit_test(after_a_crash_what_ran_waits_again_but_not_for_ever),
		cmocka_unit_test(arguments_and_places_end_at_their_limits),
		cmocka_unit_test(a_job_whose_arguments_were_spoilt_by_hand_does_not_run_without_them),
		cmocka_unit_test(more_queues_than_planned_for_are_noticed_at_start),
		cmocka_unit_test(a_note_is_cut_between_two_letters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
