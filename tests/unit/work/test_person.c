/* work/schedule_edit.c, schedule_rows.c, clean.c, lines.c, queues.c, clock_watch.c: what a person does and
** sees. */
#include "state.h"
#include "work/inner.h"

#define EIGHT "2026-11-22T08:00:00-05:00"

static int runs, to_say;
static enum rc outcome;

static enum rc run(struct cx *cx, struct job *job)
{
	runs++;
	for (int i = 0; i < to_say; i++)
		job_say(cx, job, SAY_INFO, "line %d", i + 1);
	return outcome != RC_OK ? cx_fail(cx, outcome, "broken") : RC_OK;
}

static const struct job_kind kinds[] = {
	{ .name = "t.daily", .title = "Daily work", .queue = "t", .attempts_max = 1, .run = run },
	{ .name = "t.other", .queue = "fetch", .attempts_max = 1, .run = run },
	{ .name = NULL }
};
static const struct job_kind *const kind_tables[] = { kinds, NULL };

struct house {
	struct state s;
	struct work *w;
	struct schedule_default rows[3];
	const struct schedule_default *tables[2];
};

static instant at(const char *text)
{
	instant t = 0;

	assert_int_equal(instant_parse(&t, text), RC_OK);
	return t;
}

static void start(struct house *h)
{
	assert_int_equal(work_open(&h->w, &h->s.env, kind_tables, h->tables), RC_OK);
	assert_int_equal(work_recover(&h->s.cx, h->w), RC_OK);
}

static void restart(struct house *h)
{
	work_free(h->w);
	start(h);
}

static int go(struct house *h)
{
	cx_reset(&h->s.cx);
	return work_run_due(&h->s.cx, h->w);
}

static void begin(struct house *h, const char *rule, const char *late_rule)
{
	memset(h, 0, sizeof *h);
	runs = to_say = 0;
	outcome = RC_OK;
	state_open(&h->s, at(EIGHT));
	h->rows[0] = (struct schedule_default){ .name = "t.daily",
						.job_kind = "t.daily",
						.rule = rule,
						.late_rule = late_rule,
						.late_limit_s = 7200 };
	h->tables[0] = h->rows;
	start(h);
	assert_int_equal(go(h), 0);
	h->s.cx.actor.name = "ana";
}

static void end(struct house *h)
{
	work_free(h->w);
	state_close(&h->s);
}

static int64_t number(struct house *h, const char *sql)
{
	return state_int(&h->s, sql);
}

static const char *words(struct house *h, const char *sql)
{
	const char *text = NULL;

	assert_int_equal(db_get_text(&h->s.cx, &text, sql, NO_PARAMS), RC_OK);
	return job_text(&h->s.cx, text);
}

static void wait_until(struct house *h, const char *when)
{
	clock_shift(h->s.env.clock, at(when) - clock_now(h->s.env.clock));
}

static int64_t the_schedule(struct house *h)
{
	int64_t id = 0;

	assert_int_equal(schedule_find(&h->s.cx, &id, "t.daily"), RC_OK);
	return id;
}

static void running_now_takes_nothing_from_what_is_due_and_does_not_pile_up(void **arg)
{
	struct house h;
	int64_t first = 0, second = 0;

	(void)arg;
	begin(&h, "0 9 * * *", "run");
	assert_int_equal(schedule_run_now(&h.s.cx, &first, the_schedule(&h)), RC_OK);
	assert_int_equal(schedule_run_now(&h.s.cx, &second, the_schedule(&h)), RC_CONFLICT);
	assert_int_equal(second, first);
	cx_reset(&h.s.cx);
	assert_int_equal(go(&h), 1);
	assert_int_equal(number(&h, "SELECT count(*) FROM job WHERE schedule_id = 1 AND due_at IS NULL"), 1);
	wait_until(&h, "2026-11-22T09:00:00-05:00");
	assert_int_equal(go(&h), 1);
	assert_int_equal(number(&h, "SELECT count(*) FROM job WHERE schedule_id = 1 AND due_at IS NOT NULL"),
			 1);
	assert_int_equal(schedule_find(&h.s.cx, &first, "nobody"), RC_NOT_FOUND);
	end(&h);
}

static void a_pause_tells_who_when_and_why_and_what_passes_meanwhile_is_not_missed(void **arg)
{
	struct house h;
	int64_t id;

	(void)arg;
	begin(&h, "0 9 * * *", "run");
	id = the_schedule(&h);
	assert_int_equal(schedule_pause(&h.s.cx, id, "holidays"), RC_OK);
	assert_int_equal(schedule_pause(&h.s.cx, id, "again"), RC_CONFLICT);
	assert_string_equal(words(&h, "SELECT paused_by || ' ' || paused_why FROM schedule"), "ana holidays");
	assert_in_range(number(&h, "SELECT paused_at FROM schedule"), at(EIGHT), at(EIGHT) + MINUTE_MS);
	assert_int_equal(number(&h, "SELECT count(*) FROM audit WHERE action = 'pause' AND actor = 'ana' AND"
				    " after_json LIKE '%holidays%'"),
			 1);
	wait_until(&h, "2026-11-24T12:00:00-05:00");
	assert_int_equal(go(&h), 0);
	h.s.cx.actor.name = "ana";
	assert_int_equal(schedule_resume(&h.s.cx, id), RC_OK);
	assert_int_equal(schedule_resume(&h.s.cx, id), RC_CONFLICT);
	assert_int_equal(go(&h), 0);
	assert_int_equal(number(&h, "SELECT next_due_at FROM schedule"), at("2026-11-25T09:00:00-05:00"));
	assert_int_equal(
		number(&h, "SELECT count(*) FROM schedule WHERE paused_at IS NULL AND paused_why = ''"), 1);
	end(&h);
}

static void what_a_person_changed_survives_an_upgrade_and_the_rest_follows_it(void **arg)
{
	struct house h;
	int64_t id;

	(void)arg;
	begin(&h, "0 9 * * *", "run");
	id = the_schedule(&h);
	/* An upgrade that brings another default, while nobody changed anything. */
	h.rows[0].rule = "30 9 * * *";
	restart(&h);
	assert_int_equal(go(&h), 0);
	assert_string_equal(words(&h, "SELECT rule FROM schedule"), "30 9 * * *");
	assert_int_equal(number(&h, "SELECT next_due_at FROM schedule"), at("2026-11-22T09:30:00-05:00"));
	/* A person's own rule stays; the late limit, which nobody touched, follows. */
	assert_int_equal(state_run(&h.s, "UPDATE schedule SET rule = '0 10 * * *'"), RC_OK);
	h.rows[0].rule = "0 11 * * *";
	h.rows[0].late_limit_s = 60;
	restart(&h);
	assert_int_equal(go(&h), 0);
	assert_string_equal(words(&h, "SELECT rule FROM schedule"), "0 10 * * *");
	assert_int_equal(number(&h, "SELECT late_limit_s FROM schedule"), 60);
	assert_int_equal(schedule_reset(&h.s.cx, id), RC_OK);
	assert_string_equal(words(&h, "SELECT rule FROM schedule"), "0 11 * * *");
	assert_int_equal(schedule_reset(&h.s.cx, id), RC_CONFLICT);
	assert_int_equal(number(&h, "SELECT count(*) FROM audit WHERE action = 'put_default'"), 1);
	end(&h);
}

static void a_schedule_that_the_program_dropped_does_nothing_until_it_is_back(void **arg)
{
	struct house h;

	(void)arg;
	begin(&h, "0 9 * * *", "run");
	h.tables[0] = &h.rows[2]; /* no rows */
	restart(&h);
	wait_until(&h, "2026-11-23T12:00:00-05:00");
	assert_int_equal(go(&h), 0);
	assert_int_equal(number(&h, "SELECT count(*) FROM schedule WHERE next_due_at IS NULL"), 1);
	h.tables[0] = h.rows;
	restart(&h);
	assert_int_equal(go(&h), 0); /* as if absent: what passed meanwhile was not missed */
	wait_until(&h, "2026-11-24T09:00:00-05:00");
	assert_int_equal(go(&h), 1);
	end(&h);
}

static void a_missed_time_asks_until_its_limit_and_a_no_is_a_no(void **arg)
{
	struct house h;
	int64_t job = 0, asked = 0;
	instant due = 0;

	(void)arg;
	begin(&h, "0 9 * * *", "ask");
	wait_until(&h, "2026-11-22T10:00:00-05:00");
	assert_int_equal(go(&h), 0);
	assert_int_equal(schedules_asked(&h.s.cx, &asked), RC_OK);
	assert_int_equal(asked, 1);
	assert_int_equal(schedule_asked(&h.s.cx, &job, &due, the_schedule(&h)), RC_OK);
	assert_int_equal(due, at("2026-11-22T09:00:00-05:00"));
	wait_until(&h, "2026-11-22T11:00:00-05:00"); /* the limit of two hours */
	assert_int_equal(schedule_asked(&h.s.cx, &job, &due, the_schedule(&h)), RC_OK);
	wait_until(&h, "2026-11-22T11:00:01-05:00");
	assert_int_equal(schedule_asked(&h.s.cx, &job, &due, the_schedule(&h)), RC_NOT_FOUND);
	wait_until(&h, "2026-11-22T10:30:00-05:00");
	assert_int_equal(job_answer_no(&h.s.cx, job, "ana said no"), RC_OK);
	assert_int_equal(job_answer_no(&h.s.cx, job, "ana said no"), RC_CONFLICT);
	assert_int_equal(schedules_asked(&h.s.cx, &asked), RC_OK);
	assert_int_equal(asked, 0);
	assert_string_equal(words(&h, "SELECT state || ': ' || note FROM job"), "cancelled: ana said no");
	assert_int_equal(go(&h), 0);
	end(&h);
}

static void a_yes_that_is_given_twice_runs_one_missed_time(void **arg)
{
	struct house h;
	int64_t job = 0, asked = 0;
	instant due = 0;

	(void)arg;
	begin(&h, "0 9 * * *", "ask");
	assert_int_equal(state_run(&h.s, "UPDATE schedule SET late_limit_s = 172800"), RC_OK);
	wait_until(&h, "2026-11-22T10:00:00-05:00");
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-23T10:00:00-05:00"); /* a second night off, the first question unanswered */
	assert_int_equal(go(&h), 0);
	assert_int_equal(schedules_asked(&h.s.cx, &asked), RC_OK);
	assert_int_equal(asked, 1);
	assert_int_equal(schedule_asked(&h.s.cx, &job, &due, the_schedule(&h)), RC_OK);
	assert_int_equal(due, at("2026-11-23T09:00:00-05:00"));
	assert_int_equal(job_run_again(&h.s.cx, job), RC_OK);
	assert_int_equal(schedule_asked(&h.s.cx, &job, &due, the_schedule(&h)), RC_NOT_FOUND);
	assert_int_equal(go(&h), 1);
	end(&h);
}

static void what_was_given_up_is_discarded_with_a_reason_and_nothing_else_is(void **arg)
{
	struct house h;
	int64_t id = 0;

	(void)arg;
	begin(&h, "0 9 * * *", "run");
	outcome = RC_BAD_INPUT;
	assert_int_equal(schedule_run_now(&h.s.cx, &id, the_schedule(&h)), RC_OK);
	assert_int_equal(job_discard(&h.s.cx, id, "no use"), RC_CONFLICT); /* it waits */
	assert_int_equal(go(&h), 1);
	assert_int_equal(number(&h, "SELECT count(*) FROM job WHERE state = 'failed'"), 1);
	assert_int_equal(job_discard(&h.s.cx, id, "no use"), RC_OK);
	assert_int_equal(job_discard(&h.s.cx, id + 7, "no use"), RC_NOT_FOUND);
	assert_string_equal(words(&h, "SELECT state || ': ' || note || ' / ' || (error ->> '$.m') FROM job"),
			    "cancelled: no use / broken");
	end(&h);
}

static void a_job_that_talks_too_much_is_cut_at_a_thousand_lines_and_says_so(void **arg)
{
	struct house h;
	int64_t id = 0;

	(void)arg;
	begin(&h, "0 9 * * *", "run");
	to_say = JOB_LINES_MAX - 1;
	assert_int_equal(schedule_run_now(&h.s.cx, &id, the_schedule(&h)), RC_OK);
	assert_int_equal(go(&h), 1);
	assert_int_equal(number(&h, "SELECT count(*) FROM job_line"), JOB_LINES_MAX - 1);
	assert_string_equal(words(&h, "SELECT text FROM job_line ORDER BY id DESC LIMIT 1"), "line 999");
	to_say = 5; /* run again it goes on in the same log */
	assert_int_equal(job_run_again(&h.s.cx, id), RC_OK);
	assert_int_equal(go(&h), 1);
	assert_int_equal(number(&h, "SELECT count(*) FROM job_line"), JOB_LINES_MAX);
	assert_string_equal(words(&h, "SELECT text FROM job_line ORDER BY id DESC LIMIT 1"),
			    "There is more to say than is kept here.");
	assert_int_equal(number(&h, "SELECT count(*) FROM job_line WHERE level = 'warning'"), 1);
	end(&h);
}

static void old_work_is_forgotten_with_its_lines_and_what_needs_a_person_stays(void **arg)
{
	struct house h;
	int64_t gone = 0;

	(void)arg;
	begin(&h, "0 9 * * *", "run");
	to_say = 3;
	wait_until(&h, "2026-11-22T09:00:00-05:00");
	assert_int_equal(go(&h), 1);
	assert_int_equal(
		state_run(&h.s,
			  "INSERT INTO job (kind, queue, state, run_at, created_at, finished_at) VALUES"
			  " ('t.daily', 't', 'dead', 1, 1, 1), ('t.daily', 't', 'failed', 1, 1, 1),"
			  " ('t.daily', 't', 'cancelled', 1, 1, NULL), ('t.daily', 't', 'done', 1, 1, 1)"),
		RC_OK);
	/* Another table speaks of the last one. */
	assert_int_equal(state_run(&h.s, "CREATE TABLE speaker (job_id INTEGER REFERENCES job (id))"), RC_OK);
	assert_int_equal(state_run(&h.s, "INSERT INTO speaker SELECT max(id) FROM job"), RC_OK);
	assert_int_equal(work_clean(&h.s.cx, at("2026-11-22T09:00:00-05:00"), &gone), RC_OK);
	assert_int_equal(gone, 1); /* not what ended at that very moment */
	wait_until(&h, "2026-11-22T10:00:00-05:00");
	assert_int_equal(work_clean(&h.s.cx, at("2026-11-22T10:00:00-05:00"), &gone), RC_OK);
	assert_int_equal(gone, 1);
	assert_int_equal(number(&h, "SELECT count(*) FROM job_line"), 0);
	assert_int_equal(number(&h, "SELECT count(*) FROM job WHERE state IN ('dead', 'failed', 'done')"), 3);
	assert_int_equal(number(&h, "SELECT served_to_at FROM schedule"), at("2026-11-22T09:00:00-05:00"));
	/* Its key is gone, yet the time does not come again. */
	wait_until(&h, "2026-11-22T08:59:00-05:00");
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-22T09:00:30-05:00");
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-23T09:00:00-05:00");
	assert_int_equal(go(&h), 1);
	end(&h);
}

static void a_person_lets_a_schedule_count_again_that_was_served_far_ahead(void **arg)
{
	struct house h;
	int64_t gone = 0;

	(void)arg;
	begin(&h, "0 9 * * *", "run");
	/* The clock was years ahead for so long that the jobs of that time were forgotten, too. */
	wait_until(&h, "2031-01-01T09:00:00-05:00");
	assert_int_equal(go(&h), 1);
	wait_until(&h, "2031-06-01T09:00:00-05:00");
	assert_int_equal(work_clean(&h.s.cx, at("2031-05-01T09:00:00-05:00"), &gone), RC_OK);
	wait_until(&h, EIGHT);
	assert_int_equal(go(&h), 0);
	assert_int_equal(number(&h, "SELECT next_due_at FROM schedule"), at("2031-01-02T09:00:00-05:00"));
	assert_int_equal(schedule_pause(&h.s.cx, the_schedule(&h), ""), RC_OK);
	assert_int_equal(schedule_resume(&h.s.cx, the_schedule(&h)), RC_OK);
	wait_until(&h, "2026-11-22T08:59:00-05:00");
	assert_int_equal(go(&h), 0);
	assert_int_equal(number(&h, "SELECT next_due_at FROM schedule"), at("2026-11-22T09:00:00-05:00"));
	end(&h);
}

static void a_clock_that_jumps_is_noticed_and_one_that_is_slewed_is_not(void **arg)
{
	struct work_clock c;
	struct house h;

	(void)arg;
	begin(&h, "0 9 * * *", "run");
	assert_int_equal(work_clock_state(&h.s.cx, &c), RC_OK);
	assert_int_equal(c.jump_at, 0);
	clock_shift(h.s.env.clock, -CLOCK_JUMP_MS + SECOND_MS);
	(void)go(&h);
	assert_int_equal(work_clock_state(&h.s.cx, &c), RC_OK);
	assert_int_equal(c.jump_at, 0);
	wait_until(&h, "2026-11-25T12:00:00-05:00");
	(void)go(&h);
	assert_int_equal(work_clock_state(&h.s.cx, &c), RC_OK);
	assert_true(c.jump_ms > 3 * DAY_MS && c.behind_ms == 0);
	wait_until(&h, EIGHT);
	(void)go(&h);
	assert_int_equal(work_clock_state(&h.s.cx, &c), RC_OK);
	assert_in_range(c.jump_at, at(EIGHT), at(EIGHT) + MINUTE_MS);
	assert_true(c.jump_ms < -3 * DAY_MS);
	assert_in_range(c.behind_ms, 3 * DAY_MS + 3 * HOUR_MS, 3 * DAY_MS + 5 * HOUR_MS);
	end(&h);
}

static void a_time_that_a_clock_ahead_left_out_runs_at_its_hour(void **arg)
{
	static const char *const rules[] = { "skip", "ask", "ask" };
	struct house h;
	instant due = 0;
	int64_t job = 0;

	(void)arg;
	for (int i = 0; i < 3; i++) {
		begin(&h, "0 9 * * *", rules[i]);
		clock_shift(h.s.env.clock, 3 * HOUR_MS);
		assert_int_equal(go(&h), 0);
		assert_int_equal(number(&h, "SELECT count(*) FROM job WHERE state = 'cancelled'"), 1);
		if (i == 2) { /* the person said no: that stays */
			clock_shift(h.s.env.clock, -HOUR_MS);
			assert_int_equal(schedule_asked(&h.s.cx, &job, &due, the_schedule(&h)), RC_OK);
			assert_int_equal(job_answer_no(&h.s.cx, job, "ana said no"), RC_OK);
			clock_shift(h.s.env.clock, HOUR_MS);
		}
		clock_shift(h.s.env.clock, -3 * HOUR_MS);
		assert_int_equal(go(&h), 0);
		wait_until(&h, "2026-11-22T09:00:00-05:00");
		assert_int_equal(go(&h), i == 2 ? 0 : 1);
		assert_int_equal(go(&h), 0);
		assert_int_equal(number(&h, "SELECT count(*) FROM job"), 1);
		assert_int_equal(number(&h, "SELECT is_late + is_asked FROM job"), i == 2 ? 1 : 0);
		end(&h);
	}
}

static void what_is_asked_for_while_the_clock_is_far_ahead_runs_when_it_is_put_right(void **arg)
{
	struct house h;
	int64_t job = 0;

	(void)arg;
	begin(&h, "0 9 * * *", "run");
	clock_set_known(h.s.env.clock, clock_now(h.s.env.clock));
	clock_shift(h.s.env.clock, 365 * DAY_MS);
	assert_int_equal(go(&h), 0); /* nothing of its own, by such a clock */
	assert_int_equal(schedule_run_now(&h.s.cx, &job, the_schedule(&h)), RC_OK);
	assert_int_equal(go(&h), 0);
	clock_shift(h.s.env.clock, -365 * DAY_MS);
	assert_int_equal(go(&h), 1);
	assert_int_equal(number(&h, "SELECT count(*) FROM job WHERE state = 'done'"), 1);
	end(&h);
}

static void limits_of_queues_come_from_a_setting_in_pairs(void **arg)
{
	static const struct setting *const tables[] = { work_settings, NULL };
	static const char *const wrong[] = { "t=0", "t=7", "t", "t=2x", "=2", "T=2", "t=2;fetch=1" };
	const struct setting *row = &work_settings[1];
	struct queue_figures figures[QUEUES_SHOWN_MAX];
	struct house h;
	const char *why = "";
	size_t count = 0;
	char path[300];

	(void)arg;
	begin(&h, "0 9 * * *", "run");
	assert_string_equal(row->name, "work.limits");
	assert_null(row->refuse("", h.s.arena, LANG_EN));
	assert_null(row->refuse("t=6, fetch=1", h.s.arena, LANG_EN));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_non_null(row->refuse(wrong[i], h.s.arena, LANG_EN));
	snprintf(path, sizeof path, "%s/recado.ini", h.s.dir);
	assert_int_equal(settings_load(&h.s.env.settings, tables, path, h.s.forever, LANG_EN, &why), RC_OK);
	assert_int_equal(queues_show(&h.s.cx, figures, &count), RC_OK);
	assert_int_equal(count, 2);
	assert_int_equal(figures[0].limit, 1);
	assert_int_equal(figures[1].limit, 3);
	assert_int_equal(settings_override(h.s.env.settings, "work.limits", "t=4 nothing=2"), RC_OK);
	queues_apply(h.w);
	assert_int_equal(queues_show(&h.s.cx, figures, &count), RC_OK);
	assert_int_equal(figures[0].limit, 4);
	assert_int_equal(figures[0].usual, 1);
	assert_int_equal(figures[1].limit, 3);
	settings_free(h.s.env.settings);
	h.s.env.settings = NULL;
	end(&h);
}

static void progress_is_told_with_rate_and_time_left(void **arg)
{
	struct house h;
	struct value *job;

	(void)arg;
	begin(&h, "0 9 * * *", "run");
	job = value_map(h.s.arena);
	assert_string_equal(job_progress_text(&h.s.cx, job), "");
	value_set_text(h.s.arena, job, "state", "running");
	value_set_int(h.s.arena, job, "progress_done", 4200);
	value_set_int(h.s.arena, job, "progress_total", 10000);
	assert_string_equal(job_progress_text(&h.s.cx, job), "4200 of 10000");
	value_set_int(h.s.arena, job, "progress_from", 200);
	value_set_int(h.s.arena, job, "progress_since_at", 1000000);
	value_set_int(h.s.arena, job, "heartbeat_at", 1000000 + 40 * SECOND_MS);
	assert_string_equal(job_progress_text(&h.s.cx, job), "4200 of 10000 · 100 a second · 58 s left");
	value_set_int(h.s.arena, job, "heartbeat_at", 1000000 + 4000 * SECOND_MS);
	assert_string_equal(job_progress_text(&h.s.cx, job), "4200 of 10000 · 60 a minute · 96 min left");
	value_set_text(h.s.arena, job, "state", "done");
	assert_string_equal(job_progress_text(&h.s.cx, job), "4200 of 10000");
	end(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(running_now_takes_nothing_from_what_is_due_and_does_not_pile_up),
		cmocka_unit_test(a_pause_tells_who_when_and_why_and_what_passes_meanwhile_is_not_missed),
		cmocka_unit_test(what_a_person_changed_survives_an_upgrade_and_the_rest_follows_it),
		cmocka_unit_test(a_schedule_that_the_program_dropped_does_nothing_until_it_is_back),
		cmocka_unit_test(a_missed_time_asks_until_its_limit_and_a_no_is_a_no),
		cmocka_unit_test(a_yes_that_is_given_twice_runs_one_missed_time),
		cmocka_unit_test(what_was_given_up_is_discarded_with_a_reason_and_nothing_else_is),
		cmocka_unit_test(a_job_that_talks_too_much_is_cut_at_a_thousand_lines_and_says_so),
		cmocka_unit_test(old_work_is_forgotten_with_its_lines_and_what_needs_a_person_stays),
		cmocka_unit_test(a_person_lets_a_schedule_count_again_that_was_served_far_ahead),
		cmocka_unit_test(a_clock_that_jumps_is_noticed_and_one_that_is_slewed_is_not),
		cmocka_unit_test(a_time_that_a_clock_ahead_left_out_runs_at_its_hour),
		cmocka_unit_test(what_is_asked_for_while_the_clock_is_far_ahead_runs_when_it_is_put_right),
		cmocka_unit_test(limits_of_queues_come_from_a_setting_in_pairs),
		cmocka_unit_test(progress_is_told_with_rate_and_time_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
