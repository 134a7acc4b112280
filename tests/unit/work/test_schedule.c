/* work/schedule.c: due times become jobs, once; late ones follow their rule. */
#include "state.h"
#include "work/inner.h"

#define NINE "2026-11-22T09:00:00-05:00"

static int runs;
static char last_due_on[DATE_SIZE];
static bool last_late;

static enum rc run(struct cx *cx, struct job *job)
{
	(void)cx;
	runs++;
	last_late = job_is_late(job);
	snprintf(last_due_on, sizeof last_due_on, "%s",
		 value_text_of(value_get(job_args(job), "due_on"), ""));
	return RC_OK;
}

static const struct job_kind kinds[] = { { .name = "t.daily", .queue = "t", .attempts_max = 1, .run = run },
					 { .name = NULL } };
static const struct job_kind *const kind_tables[] = { kinds, NULL };

struct house {
	struct state s;
	struct work *w;
	struct schedule_default rows[2];
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
	runs = 0;
	last_due_on[0] = '\0';
}

static void begin(struct house *h, const char *rule, const char *late_rule, int late_limit_s, const char *now)
{
	state_open(&h->s, at(now));
	h->rows[0] = (struct schedule_default){ .name = "t.daily",
						.job_kind = "t.daily",
						.rule = rule,
						.late_rule = late_rule,
						.late_limit_s = late_limit_s };
	h->rows[1] = (struct schedule_default){ .name = NULL };
	h->tables[0] = h->rows;
	h->tables[1] = NULL;
	start(h);
}

static void end(struct house *h)
{
	work_free(h->w);
	state_close(&h->s);
}

static int go(struct house *h)
{
	return work_run_due(&h->s.cx, h->w);
}

static void wait_until(struct house *h, const char *when)
{
	clock_shift(h->s.env.clock, at(when) - clock_now(h->s.env.clock));
}

static int64_t number(struct house *h, const char *sql)
{
	return state_int(&h->s, sql);
}

static void a_daily_run_happens_at_its_hour_once_a_day(void **arg)
{
	struct house h;

	(void)arg;
	begin(&h, "0 9 * * *", "run", 86400, "2026-11-22T08:00:00-05:00");
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-22T09:00:00.500-05:00");
	assert_int_equal(go(&h), 1);
	assert_false(last_late);
	assert_string_equal(last_due_on, "2026-11-22");
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-22T23:59:00-05:00");
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-23T09:00:01-05:00");
	assert_int_equal(go(&h), 1);
	assert_string_equal(last_due_on, "2026-11-23");
	assert_int_equal(
		number(&h, "SELECT count(*) FROM job WHERE key = 'schedule:t.daily:2026-11-22T09:00'"), 1);
	end(&h);
}

static void a_fresh_install_in_the_afternoon_has_missed_nothing(void **arg)
{
	struct house h;

	(void)arg;
	begin(&h, "0 9 * * *", "run", 86400, "2026-11-22T15:00:00-05:00");
	assert_int_equal(go(&h), 0);
	assert_int_equal(number(&h, "SELECT next_due_at FROM schedule"), at("2026-11-23T09:00:00-05:00"));
	end(&h);
}

static void a_restart_does_not_run_a_due_time_twice(void **arg)
{
	struct house h;

	(void)arg;
	begin(&h, "0 9 * * *", "run", 86400, "2026-11-22T08:00:00-05:00");
	assert_int_equal(go(&h), 0);
	wait_until(&h, NINE);
	assert_int_equal(go(&h), 1);
	work_free(h.w);
	state_shut(&h.s);
	/* As if the plan for the next day had been lost: the due time itself still exists only once. */
	assert_int_equal(state_try_open(&h.s, true), RC_OK);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(
		db_run(&h.s.cx, "UPDATE schedule SET next_due_at = :t", PARAMS(P_INT(":t", at(NINE)))),
		RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	start(&h);
	assert_int_equal(go(&h), 0);
	assert_int_equal(number(&h, "SELECT count(*) FROM job"), 1);
	end(&h);
}

static void off_and_on(struct house *h, const char *when)
{
	work_free(h->w);
	state_shut(&h->s);
	wait_until(h, when);
	assert_int_equal(state_try_open(&h->s, true), RC_OK);
	start(h);
}

static void what_fell_due_while_the_server_was_off_runs_once_marked_late(void **arg)
{
	struct house h;

	(void)arg;
	begin(&h, "0 9 * * *", "run", 86400, "2026-11-22T08:00:00-05:00");
	assert_int_equal(go(&h), 0);
	off_and_on(&h, "2026-11-25T11:30:00-05:00");
	assert_int_equal(go(&h), 1);
	assert_true(last_late);
	assert_string_equal(last_due_on, "2026-11-25");
	assert_int_equal(number(&h, "SELECT is_late FROM job"), 1);
	wait_until(&h, "2026-11-26T09:00:00-05:00");
	assert_int_equal(go(&h), 1);
	assert_false(last_late);
	end(&h);
}

static void what_is_later_than_its_limit_is_skipped_and_says_so(void **arg)
{
	struct house h;

	(void)arg;
	begin(&h, "0 9 * * *", "run", 3600, "2026-11-22T08:00:00-05:00");
	assert_int_equal(go(&h), 0);
	off_and_on(&h, "2026-11-22T10:00:00-05:00"); /* an hour: still within */
	assert_int_equal(go(&h), 1);
	off_and_on(&h, "2026-11-23T10:00:01-05:00"); /* a second more */
	assert_int_equal(go(&h), 0);
	assert_int_equal(
		number(&h,
		       "SELECT count(*) FROM job WHERE state = 'cancelled' AND note LIKE '%Skipped%' AND is_late = 1"),
		1);
	end(&h);
}

static void a_minute_of_lateness_is_not_late(void **arg)
{
	struct house h;

	(void)arg;
	begin(&h, "0 9 * * *", "skip", 3600, "2026-11-22T08:00:00-05:00");
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-22T09:00:50-05:00");
	assert_int_equal(go(&h), 1);
	assert_false(last_late);
	off_and_on(&h, "2026-11-23T09:01:01-05:00");
	assert_int_equal(go(&h), 0);
	assert_int_equal(number(&h, "SELECT count(*) FROM job WHERE state = 'cancelled'"), 1);
	end(&h);
}

static void who_wants_to_be_asked_finds_the_job_and_may_run_it(void **arg)
{
	struct house h;
	int64_t id;

	(void)arg;
	begin(&h, "0 9 * * *", "ask", 86400, "2026-11-22T08:00:00-05:00");
	assert_int_equal(go(&h), 0);
	off_and_on(&h, "2026-11-22T12:00:00-05:00");
	assert_int_equal(go(&h), 0);
	id = number(&h, "SELECT id FROM job WHERE state = 'cancelled' AND note LIKE '%Run it now%'");
	assert_int_equal(job_run_again(&h.s.cx, id), RC_OK);
	assert_int_equal(go(&h), 1);
	assert_true(last_late);
	end(&h);
}

static void a_clock_put_back_repeats_nothing_and_one_put_forward_plans_nothing_odd(void **arg)
{
	struct house h;

	(void)arg;
	begin(&h, "0 9 * * *", "run", 86400, "2026-11-22T08:00:00-05:00");
	assert_int_equal(go(&h), 0);
	wait_until(&h, NINE);
	assert_int_equal(go(&h), 1);
	wait_until(&h, "2026-11-22T08:00:00-05:00");
	assert_int_equal(go(&h), 0);
	wait_until(&h, NINE);
	assert_int_equal(go(&h), 0); /* that time has its job */
	wait_until(&h, "2031-01-01T00:00:00-05:00");
	assert_int_equal(go(&h), 1);
	wait_until(&h, "2026-11-22T10:00:00-05:00");
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-23T09:00:00-05:00");
	assert_int_equal(go(&h), 1); /* and not only in 2031 */
	end(&h);
}

static void another_zone_plans_anew_and_never_repeats_the_day(void **arg)
{
	struct house h;

	(void)arg;
	begin(&h, "0 9 * * *", "run", 86400, "2026-11-22T08:00:00-05:00");
	assert_int_equal(go(&h), 0);
	h.s.env.zone = zone_find("America/Los_Angeles"); /* 09:00 is now 12:00 of Guayaquil */
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-22T11:59:00-05:00");
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-22T12:00:00-05:00");
	assert_int_equal(go(&h), 1);
	h.s.env.zone = zone_find("Pacific/Honolulu"); /* 09:00 of the same day comes once more */
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-22T14:00:00-05:00");
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-23T14:00:00-05:00");
	assert_int_equal(go(&h), 1);
	/* A zone of the schedule's own goes before the business's. */
	assert_int_equal(state_run(&h.s, "UPDATE schedule SET zone = 'Europe/Madrid'"), RC_OK);
	assert_int_equal(go(&h), 0);
	assert_int_equal(number(&h, "SELECT next_due_at FROM schedule"), at("2026-11-24T09:00:00+01:00"));
	end(&h);
}

static void an_edited_rule_and_a_switch_take_effect_at_the_next_look(void **arg)
{
	struct house h;

	(void)arg;
	begin(&h, "0 9 * * *", "run", 86400, "2026-11-22T08:00:00-05:00");
	assert_int_equal(go(&h), 0);
	assert_int_equal(state_run(&h.s, "UPDATE schedule SET rule = '30 8 * * *'"), RC_OK);
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-22T08:30:00-05:00");
	assert_int_equal(go(&h), 1);
	assert_int_equal(state_run(&h.s, "UPDATE schedule SET is_enabled = 0"), RC_OK);
	assert_int_equal(go(&h), 0);
	assert_int_equal(number(&h, "SELECT count(*) FROM schedule WHERE next_due_at IS NULL"), 1);
	wait_until(&h, "2026-11-25T08:00:00-05:00");
	assert_int_equal(go(&h), 0);
	/* Switched on again: the days it was off are not "missed". */
	assert_int_equal(state_run(&h.s, "UPDATE schedule SET is_enabled = 1"), RC_OK);
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-25T08:30:00-05:00");
	assert_int_equal(go(&h), 1);
	/* A rule that is none: nothing runs, nothing breaks, the rest goes on. */
	assert_int_equal(state_run(&h.s, "UPDATE schedule SET rule = 'whenever'"), RC_OK);
	assert_int_equal(go(&h), 0);
	assert_int_equal(number(&h, "SELECT count(*) FROM schedule WHERE next_due_at IS NULL"), 1);
	end(&h);
}

static void a_busy_rule_off_for_a_year_runs_once_when_it_is_back(void **arg)
{
	struct house h;

	(void)arg;
	begin(&h, "every 5 min after 2 min", "run", 3600, "2026-11-22T08:00:00-05:00");
	assert_int_equal(go(&h), 0);
	off_and_on(&h, "2027-11-22T08:01:00-05:00");
	assert_int_equal(go(&h), 1);
	assert_true(last_late);
	assert_int_equal(number(&h, "SELECT last_due_at FROM schedule"), at("2027-11-22T07:57:00-05:00"));
	wait_until(&h, "2027-11-22T08:02:00-05:00");
	assert_int_equal(go(&h), 1);
	assert_false(last_late);
	end(&h);
}

static void a_slow_run_does_not_pile_up_others(void **arg)
{
	struct house h;
	struct job *job = NULL;
	instant next;

	(void)arg;
	begin(&h, "every 5 min", "run", 3600, "2026-11-22T08:00:00-05:00");
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-22T08:05:00-05:00");
	assert_int_equal(schedules_look(&h.s.cx, h.w, &next), RC_OK);
	assert_int_equal(job_claim(&h.s.cx, h.w, &job), RC_OK);
	assert_non_null(job);
	for (int i = 0; i < 5; i++) {
		clock_shift(h.s.env.clock, 5 * MINUTE_MS);
		assert_int_equal(schedules_look(&h.s.cx, h.w, &next), RC_OK);
	}
	assert_int_equal(number(&h, "SELECT count(*) FROM job"), 1);
	job_execute(&h.s.cx, job);
	clock_shift(h.s.env.clock, 5 * MINUTE_MS);
	assert_int_equal(go(&h), 1);
	end(&h);
}

static void a_repeated_hour_runs_once_and_a_skipped_one_right_after(void **arg)
{
	struct house h;

	(void)arg;
	begin(&h, "30 1 * * *", "run", 86400, "2026-10-31T12:00:00-04:00");
	h.s.env.zone = zone_find("America/New_York");
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-01T01:30:00-04:00");
	assert_int_equal(go(&h), 1);
	wait_until(&h, "2026-11-01T01:30:00-05:00");
	assert_int_equal(go(&h), 0);
	assert_int_equal(state_run(&h.s, "UPDATE schedule SET rule = '30 2 * * *'"), RC_OK);
	wait_until(&h, "2027-03-13T12:00:00-05:00");
	(void)go(&h);
	runs = 0;
	wait_until(&h, "2027-03-14T03:00:00-04:00");
	assert_int_equal(go(&h), 1);
	wait_until(&h, "2027-03-14T23:00:00-04:00");
	assert_int_equal(go(&h), 0);
	end(&h);
}

static void a_setting_gives_the_hour_and_changing_it_is_enough(void **arg)
{
	static const struct setting rows[] = {
		{ .name = "t.hour", .type = SET_HHMM, .def = "07:05", .help = "hour" }, { .name = NULL }
	};
	static const struct setting *const tables[] = { rows, NULL };
	struct house h;
	const char *why = "";
	char path[300];
	FILE *f;

	(void)arg;
	begin(&h, NULL, "run", 86400, "2026-11-22T06:00:00-05:00");
	h.rows[0].rule_setting = "t.hour";
	snprintf(path, sizeof path, "%s/recado.ini", h.s.dir);
	assert_int_equal(settings_load(&h.s.env.settings, tables, path, h.s.forever, LANG_EN, &why), RC_OK);
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-22T07:05:00-05:00");
	assert_int_equal(go(&h), 1);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("[t]\nhour = 18:30\n", f);
	fclose(f);
	assert_int_equal(settings_reload(h.s.env.settings, h.s.forever, LANG_EN, &why), RC_OK);
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-22T18:30:00-05:00");
	assert_int_equal(go(&h), 1);
	settings_free(h.s.env.settings);
	end(&h);
}

static void a_setting_gives_the_minutes_between_two_times(void **arg)
{
	static const struct setting rows[] = {
		{ .name = "t.minutes", .type = SET_INT, .def = "15", .min = 1, .max = 60, .help = "minutes" },
		{ .name = NULL }
	};
	static const struct setting *const tables[] = { rows, NULL };
	struct house h;
	const char *why = "";

	(void)arg;
	begin(&h, "every 99 min after 2 min", "run", 86400, "2026-11-22T06:00:00-05:00");
	h.rows[0].rule_setting = "t.minutes";
	assert_int_equal(settings_load(&h.s.env.settings, tables, NULL, h.s.forever, LANG_EN, &why), RC_OK);
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-22T06:01:59-05:00");
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-22T06:02:00-05:00");
	assert_int_equal(go(&h), 1);
	assert_int_equal(settings_override(h.s.env.settings, "t.minutes", "5"), RC_OK);
	assert_int_equal(go(&h), 0);
	wait_until(&h, "2026-11-22T06:07:00-05:00");
	assert_int_equal(go(&h), 1);
	settings_free(h.s.env.settings);
	end(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_daily_run_happens_at_its_hour_once_a_day),
		cmocka_unit_test(a_fresh_install_in_the_afternoon_has_missed_nothing),
		cmocka_unit_test(a_restart_does_not_run_a_due_time_twice),
		cmocka_unit_test(what_fell_due_while_the_server_was_off_runs_once_marked_late),
		cmocka_unit_test(what_is_later_than_its_limit_is_skipped_and_says_so),
		cmocka_unit_test(a_minute_of_lateness_is_not_late),
		cmocka_unit_test(who_wants_to_be_asked_finds_the_job_and_may_run_it),
		cmocka_unit_test(a_clock_put_back_repeats_nothing_and_one_put_forward_plans_nothing_odd),
		cmocka_unit_test(another_zone_plans_anew_and_never_repeats_the_day),
		cmocka_unit_test(an_edited_rule_and_a_switch_take_effect_at_the_next_look),
		cmocka_unit_test(a_busy_rule_off_for_a_year_runs_once_when_it_is_back),
		cmocka_unit_test(a_slow_run_does_not_pile_up_others),
		cmocka_unit_test(a_repeated_hour_runs_once_and_a_skipped_one_right_after),
		cmocka_unit_test(a_setting_gives_the_hour_and_changing_it_is_enough),
		cmocka_unit_test(a_setting_gives_the_minutes_between_two_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
