/*
** The scheduler as it runs for more than a year, over every zone of the Americas, through both changes of the
** clocks and clocks that jump; and what it does with the times that passed while the program was off.
**
** What is due comes from oracle.c. The model here only says what the rules of schedules promise: each time
** once, of several missed ones the last. RECADO_SIMULATE=2000 in the environment makes that many schedules
** in all zones (make test-long); else it is a sample in those zones whose clocks differ from all others'.
*/
#include "state.h"

#include "base/embed.h"
#include "oracle.h"
#include "work/inner.h"
#include <stdlib.h>

#define START           INT64_C(1792886400000) /* 2026-10-25T00:00:00Z: a week before clocks go back */
#define DAYS            400
#define SAMPLE          85  /* so that every way of changing clocks has two and more */
#define ZONES_LEAST     130 /* America/… had 145 names and more for decades */
#define ZONES_DIFFERENT 15  /* offsets from UTC-10 to UTC, with and without summer time */
#define ZONES_ROOM      400
#define LOOKS_A_TX      400 /* of the simulation: what lies on the disk in between is of no matter */
#define CLEAN_EVERY     (30 * DAY_MS)
#define KEPT            (90 * DAY_MS)
#define LATE_MS         MINUTE_MS
#define LIMIT_MOST_S    (3 * 86400)

struct planned {
	struct wish wish;
	const struct calendar *calendar;
	const char *late_rule;
	int64_t late_limit_s;
	instant *times; /* of the oracle */
	unsigned char *state;
	size_t count, next; /* next: index of what is planned; count = nothing */
};
enum { WAITS, SERVED, SWALLOWED };

struct world {
	struct state s;
	struct work *w;
	struct calendar *calendars;
	size_t zone_count;
	struct planned *all;
	size_t count, looks, jobs;
	instant looked_at, cleaned_at;
	int64_t last_job;
	uint64_t seed;
};

static enum rc nothing(struct cx *cx, struct job *job)
{
	(void)cx;
	(void)job;
	return RC_OK;
}

static const struct job_kind kinds[] = {
	{ .name = "t.work", .queue = "t", .attempts_max = 1, .run = nothing }, { .name = NULL }
};
static const struct job_kind *const kind_tables[] = { kinds, NULL };

static void begin_tx(struct world *world)
{
	assert_int_equal(tx_begin(&world->s.cx), RC_OK);
}

static void end_tx(struct world *world)
{
	assert_int_equal(tx_end(&world->s.cx, RC_OK), RC_OK);
	cx_reset(&world->s.cx);
}

static size_t schedules_wanted(size_t sample)
{
	const char *text = getenv("RECADO_SIMULATE");
	long n = text ? strtol(text, NULL, 10) : 0;

	return n > 0 ? (size_t)n : sample;
}

static bool is_same(const struct calendar *a, const struct calendar *b)
{
	return a->count == b->count && memcmp(a->at, b->at, a->count * sizeof *a->at) == 0;
}

/* Most names are of zones that change their clocks together: one of each kind. */
static void keep_different(struct world *world)
{
	size_t kept = 0;

	for (size_t i = 0; i < world->zone_count; i++) {
		size_t k = 0;

		while (k < kept && !is_same(&world->calendars[k], &world->calendars[i]))
			k++;
		if (k == kept) world->calendars[kept++] = world->calendars[i];
	}
	world->zone_count = kept;
	assert_true(kept >= ZONES_DIFFERENT);
}

static void read_zones(struct world *world)
{
	static const char prefix[] = "zone/America/";

	world->calendars = calloc(ZONES_ROOM, sizeof *world->calendars);
	assert_non_null(world->calendars);
	for (size_t i = embed_first(prefix); i < embed_count(); i++) {
		const char *name = embed_at(i)->name;
		const struct zone *zone;

		if (strncmp(name, prefix, sizeof prefix - 1) != 0) break;
		zone = zone_find(name + strlen("zone/"));
		assert_non_null(zone);
		assert_true(world->zone_count < ZONES_ROOM);
		calendar_make(&world->calendars[world->zone_count++], zone, START - 10 * DAY_MS,
			      START + (DAYS + 60) * DAY_MS);
	}
	assert_true(world->zone_count >= ZONES_LEAST);
	if (schedules_wanted(0) == 0) keep_different(world);
}

static void add_row(struct world *world, const struct planned *p, size_t i)
{
	struct cx *cx = &world->s.cx;

	assert_int_equal(
		db_run(cx,
		       "INSERT INTO schedule (id, name, job_kind, rule, zone, late_rule, late_limit_s, updated_at) "
		       "VALUES (:id, :name, 't.work', :rule, :zone, :late, :limit, 0)",
		       PARAMS(P_INT(":id", (int64_t)i + 1),
			      P_TEXT(":name", arena_printf(cx->arena, "t.%zu", i)),
			      P_TEXT(":rule", p->wish.text), P_TEXT(":zone", zone_name(p->calendar->zone)),
			      P_TEXT(":late", p->late_rule), P_INT(":limit", p->late_limit_s))),
		RC_OK);
}

static void world_open(struct world *world, size_t count, bool with_late_rules)
{
	static const char *const late_rules[] = { "run", "skip", "ask" };

	*world = (struct world){ .count = count, .seed = 0x9e3779b97f4a7c15u };
	log_level_set(NULL, LOG_ERROR);
	state_open(&world->s, START);
	read_zones(world);
	world->all = calloc(count, sizeof *world->all);
	assert_non_null(world->all);
	begin_tx(world);
	for (size_t i = 0; i < count; i++) {
		struct planned *p = &world->all[i];

		wish_make_up(&p->wish, &world->seed);
		/* every zone in turn, so that each has several rules */
		p->calendar = &world->calendars[i * 7 % world->zone_count];
		p->late_rule = with_late_rules ? late_rules[i % 3] : "run";
		p->late_limit_s = with_late_rules ? (int64_t)dice(&world->seed, LIMIT_MOST_S) : 86400 * 60;
		p->times =
			oracle_times(&p->count, &p->wish, p->calendar, START, START + (DAYS + 50) * DAY_MS);
		p->state = calloc(p->count + 1, 1);
		assert_non_null(p->state);
		add_row(world, p, i);
		if (i % 100 == 99) {
			end_tx(world);
			begin_tx(world);
		}
	}
	end_tx(world);
	assert_int_equal(work_open(&world->w, &world->s.env, kind_tables, NULL), RC_OK);
	world->looked_at = START;
	world->cleaned_at = START;
}

static void world_close(struct world *world)
{
	work_free(world->w);
	for (size_t i = 0; i < world->count; i++) {
		free(world->all[i].times);
		free(world->all[i].state);
	}
	free(world->all);
	free(world->calendars);
	state_close(&world->s);
	log_level_set(NULL, LOG_INFO);
}

/* Index of the first time after at. */
static size_t first_after(const struct planned *p, instant at)
{
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->times[middle] <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Which time must become a job now? p->count: none. */
static size_t expect(struct planned *p, instant now, bool went_back)
{
	size_t after = first_after(p, now), due = p->count;

	if (went_back && after < p->next) p->next = after;
	if (p->next >= after) return p->count;
	for (size_t i = p->next; i < after; i++)
		if (p->state[i] == WAITS) p->state[i] = SWALLOWED;
	if (p->state[after - 1] != SERVED) {
		p->state[after - 1] = SERVED;
		due = after - 1;
	}
	p->next = after;
	return due;
}

static const char *state_expected(const struct planned *p, instant due, instant now, bool *is_asked)
{
	int64_t late_s = (now - due) / SECOND_MS;

	*is_asked = false;
	if (now - due <= LATE_MS) return "queued";
	if (strcmp(p->late_rule, "skip") == 0 || late_s > p->late_limit_s) return "cancelled";
	*is_asked = strcmp(p->late_rule, "ask") == 0;
	return *is_asked ? "cancelled" : "queued";
}

/* One row that the look made against what must be. */
static void compare(struct world *world, const struct query *q, const size_t *expected, instant now)
{
	size_t i = (size_t)query_int(q, 1) - 1;
	const struct planned *p = &world->all[i];
	bool is_asked;
	const char *state;

	if (expected[i] == p->count)
		fail_msg("%s in %s: a job for %lld that must not be", p->wish.text,
			 zone_name(p->calendar->zone), (long long)query_int(q, 2));
	assert_int_equal(query_int(q, 2), p->times[expected[i]]);
	state = state_expected(p, p->times[expected[i]], now, &is_asked);
	assert_string_equal(query_text(q, 3), state);
	assert_int_equal(query_int(q, 4), now - p->times[expected[i]] > LATE_MS);
	assert_int_equal(query_int(q, 5), is_asked);
}

/* A look, its jobs compared and done. Returns when to look next. */
static instant look(struct world *world)
{
	struct cx *cx = &world->s.cx;
	instant now = clock_now(world->s.env.clock), next = 0;
	bool went_back = now < world->looked_at;
	size_t *expected = calloc(world->count, sizeof *expected), wanted = 0, got = 0;
	struct query *q = NULL;

	assert_non_null(expected);
	for (size_t i = 0; i < world->count; i++) {
		expected[i] = expect(&world->all[i], now, went_back);
		wanted += expected[i] != world->all[i].count;
	}
	assert_int_equal(schedules_look(cx, world->w, &next), RC_OK);
	assert_int_equal(
		db_query(
			cx, &q,
			"SELECT id, schedule_id, due_at, state, is_late, is_asked FROM job WHERE id > :id ORDER BY id",
			PARAMS(P_INT(":id", world->last_job))),
		RC_OK);
	while (query_next(q)) {
		world->last_job = query_int(q, 0);
		compare(world, q, expected, now);
		got++;
	}
	assert_int_equal(query_end(q, RC_OK), RC_OK);
	assert_int_equal(got, wanted); /* a look makes at most one job of a schedule: then these are those */
	free(expected);
	if (got > 0)
		assert_int_equal(
			db_run(cx, "UPDATE job SET state = 'done', finished_at = :now WHERE state = 'queued'",
			       PARAMS(P_INT(":now", now))),
			RC_OK);
	world->looked_at = now;
	world->looks++;
	world->jobs += got;
	return next;
}

static void clean_now_and_then(struct world *world)
{
	int64_t gone = 0;

	if (world->looked_at < world->cleaned_at + CLEAN_EVERY) return;
	world->cleaned_at = world->looked_at;
	end_tx(world);
	assert_int_equal(work_clean(&world->s.cx, world->looked_at - KEPT, &gone), RC_OK);
	begin_tx(world);
}

/* Time passes: both clocks of the machine walk. */
static void walk_to(struct world *world, instant to)
{
	int64_t by = to - clock_now(world->s.env.clock);

	if (by <= 0) return;
	clock_shift(world->s.env.clock, by);
	world->w->clock_ticks -= by;
}

/* Somebody, or a time server, sets the clock. */
static void jump(struct world *world, int64_t by)
{
	clock_shift(world->s.env.clock, by);
}

/* Looks whenever something is due, until then. */
static void live_until(struct world *world, instant until)
{
	instant next = look(world);

	while (next <= until) {
		walk_to(world, next);
		next = look(world);
		if (world->looks % LOOKS_A_TX == 0) {
			end_tx(world);
			begin_tx(world);
		}
		clean_now_and_then(world);
	}
	walk_to(world, until);
}

static void each_due_time_of_400_days_becomes_one_job_though_clocks_change_and_jump(void **arg)
{
	static const int64_t jumps[] = { -5 * MINUTE_MS, -HOUR_MS, -DAY_MS, HOUR_MS, DAY_MS };
	struct world world;
	size_t served = 0, total = 0;
	instant day_end = START;
	int n = 0;

	(void)arg;
	world_open(&world, schedules_wanted(SAMPLE), false);
	begin_tx(&world);
	while (day_end < START + DAYS * DAY_MS) {
		int64_t by = jumps[n++ % 5];

		day_end += 3 * DAY_MS + (int64_t)dice(&world.seed, DAY_MS);
		if (day_end > START + DAYS * DAY_MS) day_end = START + DAYS * DAY_MS;
		live_until(&world, day_end);
		/* Wrongly ahead for a moment, or put back for good: the hours in between are lived again. */
		jump(&world, by);
		(void)look(&world);
		if (by > 0) jump(&world, -by);
	}
	live_until(&world, START + DAYS * DAY_MS);
	(void)look(&world);
	end_tx(&world);
	for (size_t i = 0; i < world.count; i++)
		for (size_t k = 0; k < world.all[i].count; k++) {
			if (world.all[i].times[k] > START + DAYS * DAY_MS) break;
			total++;
			served += world.all[i].state[k] == SERVED;
		}
	/* compare() saw each of them made in its turn, and none twice */
	assert_int_equal(served, total);
	assert_true(world.jobs >= total);
	assert_true(total > world.count * 100);
	print_message("%zu schedules in %zu zones: %zu due times, %zu looks\n", world.count, world.zone_count,
		      total, world.looks);
	world_close(&world);
}

static void what_was_missed_while_off_follows_the_late_rule_and_nothing_else(void **arg)
{
	static const int64_t offs[] = {
		MINUTE_MS,    2 * MINUTE_MS, 5 * MINUTE_MS, 59 * MINUTE_MS, HOUR_MS,     3 * HOUR_MS,
		12 * HOUR_MS, DAY_MS - 1,    DAY_MS,        3 * DAY_MS,     10 * DAY_MS, 40 * DAY_MS,
	};
	struct world world;
	instant now;

	(void)arg;
	world_open(&world, schedules_wanted(2 * SAMPLE), true);
	begin_tx(&world);
	live_until(&world, START + DAY_MS + 11 * MINUTE_MS);
	for (size_t i = 0; i < sizeof offs / sizeof *offs; i++) {
		end_tx(&world);
		work_free(world.w);
		now = clock_now(world.s.env.clock);
		clock_shift(world.s.env.clock, offs[i]);
		assert_int_equal(work_open(&world.w, &world.s.env, kind_tables, NULL), RC_OK);
		begin_tx(&world);
		/* a second look finds nothing more */
		(void)look(&world);
		(void)look(&world);
		live_until(&world, now + offs[i] + 7 * HOUR_MS + 13 * MINUTE_MS);
	}
	end_tx(&world);
	assert_true(world.jobs > world.count);
	world_close(&world);
}

static void a_clock_that_was_years_ahead_leaves_nothing_undone_when_it_is_put_right(void **arg)
{
	struct world world;
	instant now;
	size_t before;

	(void)arg;
	world_open(&world, 30, false);
	begin_tx(&world);
	live_until(&world, START + 3 * DAY_MS);
	end_tx(&world);
	begin_tx(&world);
	now = clock_now(world.s.env.clock);
	/* Five years ahead for a moment: nobody compares what runs there, the oracle ends before. */
	jump(&world, 5 * 366 * DAY_MS);
	{
		instant next = 0;

		assert_int_equal(schedules_look(&world.s.cx, world.w, &next), RC_OK);
	}
	world.last_job = state_int(&world.s, "SELECT coalesce(max(id), 0) FROM job");
	assert_true(world.last_job <= (int64_t)(world.jobs + world.count)); /* no flood: one each at most */
	assert_int_equal(state_run(&world.s, "UPDATE job SET state = 'done' WHERE state = 'queued'"), RC_OK);
	clock_shift(world.s.env.clock, now - clock_now(world.s.env.clock));
	world.looked_at = now + DAY_MS; /* so that the model, too, sees the clock go back */
	before = world.jobs;
	live_until(&world, START + 40 * DAY_MS); /* compare(): each time once, at its hour */
	assert_true(world.jobs > before + world.count);
	end_tx(&world);
	world_close(&world);
}

static void a_time_whose_job_was_forgotten_never_comes_again(void **arg)
{
	struct world world;
	instant next = 0, end = START + 100 * DAY_MS;
	int64_t gone = 0, before, there;

	(void)arg;
	world_open(&world, 20, false);
	begin_tx(&world);
	live_until(&world, end);
	end_tx(&world);
	there = state_int(&world.s, "SELECT count(*) FROM job");
	assert_true(there > (int64_t)world.count);
	assert_int_equal(work_clean(&world.s.cx, end + DAY_MS, &gone), RC_OK);
	assert_int_equal(gone, there);
	assert_int_equal(state_int(&world.s, "SELECT count(*) FROM job"), 0);
	before = state_int(&world.s, "SELECT count(*) FROM job_run");
	jump(&world, -90 * DAY_MS);
	for (instant t = clock_now(world.s.env.clock); t < end; t += 12 * HOUR_MS) {
		walk_to(&world, t);
		assert_int_equal(schedules_look(&world.s.cx, world.w, &next), RC_OK);
		cx_reset(&world.s.cx);
	}
	assert_int_equal(state_int(&world.s, "SELECT count(*) FROM job"), 0);
	assert_int_equal(state_int(&world.s, "SELECT count(*) FROM job_run"), before);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_due_time_of_400_days_becomes_one_job_though_clocks_change_and_jump),
		cmocka_unit_test(what_was_missed_while_off_follows_the_late_rule_and_nothing_else),
		cmocka_unit_test(a_clock_that_was_years_ahead_leaves_nothing_undone_when_it_is_put_right),
		cmocka_unit_test(a_time_whose_job_was_forgotten_never_comes_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
