/*
** forecast_count.c -- runs the real planners through the coming days and notes what they would send.
**
** Needs:  db.h's forecasts: a connection that writes only its own TEMP tables; the modules' planners.
** Never:  writes the database, wakes the outbox, decides anything a planner decides.
** Holds:  (1) the clock of the planners walks from due time to due time as the schedules have them, the
**         process's own clock is not touched; (2) all of it sees one moment of the house, plus what the
**         earlier days of the forecast wrote; (3) nobody renews, pays or opts out meanwhile; (4) memory does
**         not grow with the lines: a run's messages are told, noted and forgotten before the next one.
*/
#include "base/mem.h"
#include "ops/forecast.h"
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX  ((size_t)16 * 1024 * 1024) /* what one run makes beside its slices, which have their own */
#define MISSED_MAX 2000                       /* due times of a schedule off for long, as the scheduler's   */

/* When a planner is due next. */
struct due {
	const struct planner *planner;
	int32_t place;
	const char *rule;
	const struct zone *zone;
	instant next; /* 0 = never in the window */
	int64_t told; /* the planner's own number */
};

struct count {
	struct cx *cx;     /* the caller's */
	struct cx planned; /* the planners': other connection, other clock */
	struct env env;
	struct forecast_head head;
	struct forecast_run *runs;
	struct forecast_writer *writer;
	instant until;
	const struct planner *telling;
	struct forecast_run *run;
	bool is_full;
};

const struct planner *forecast_planner(size_t place)
{
	const struct planner *const *lists = ops_tables()->planners;

	if (place == 0) return &outbox_waiting;
	place--;
	for (; lists != NULL && *lists != NULL; lists++)
		for (const struct planner *p = *lists; p->name != NULL; p++)
			if (place-- == 0) return p;
	return NULL;
}

/* When */

/* The last due time that the scheduler has not served yet, if its late rule would still run it; else 0. */
static instant served_late(struct due *d, instant planned, instant now, bool runs_late, int64_t limit_s)
{
	const char *why = "";
	instant last = planned, next = 0;

	if (planned == 0 || planned > now) return 0;
	for (int i = 0; i < MISSED_MAX; i++) {
		if (rule_next(&next, &why, d->rule, d->zone, last) != RC_OK || next > now) break;
		last = next;
	}
	return runs_late && now - last <= limit_s * SECOND_MS ? now : 0;
}

static void step(struct count *c, struct due *d, instant after)
{
	const char *why = "";

	if (rule_next(&d->next, &why, d->rule, d->zone, after) != RC_OK || d->next >= c->until) d->next = 0;
}

static enum rc read_schedule(struct count *c, struct due *d)
{
	struct cx *cx = &c->planned;
	struct query *q = NULL;
	instant now = c->head.as_of_at, late = 0;
	bool is_on = false;
	enum rc rc = db_query(
		cx, &q,
		"SELECT rule, zone, is_enabled, late_rule = 'run', late_limit_s, coalesce(next_due_at, 0)"
		" FROM schedule WHERE name = :name",
		PARAMS(P_TEXT(":name", d->planner->name)));

	if (rc == RC_OK && query_next(q)) {
		const char *zone = query_text(q, 1);

		is_on = query_int(q, 2) != 0;
		d->rule = arena_text(c->cx->arena, query_text(q, 0));
		d->zone = zone[0] != '\0' ? zone_find(zone) : NULL;
		if (d->zone == NULL) d->zone = c->env.zone;
		late = served_late(d, query_int(q, 5), now, query_int(q, 3) != 0, query_int(q, 4));
	}
	rc = query_end(q, rc);
	if (rc == RC_OK && is_on) {
		if (late != 0)
			d->next = late;
		else
			step(c, d, now);
	}
	return rc;
}

/* What */

static uint8_t place_of(const struct planner_word *words, const char *code)
{
	uint8_t i = 0;

	for (; words[i].code != NULL && strcmp(words[i].code, code) != 0; i++)
		;
	return i;
}

/* False: there is no room for another run. */
static bool open_run(struct count *c, int32_t place, instant at)
{
	if (c->head.run_count == FORECAST_RUNS_MAX) {
		c->is_full = true;
		return false;
	}
	c->run = &c->runs[c->head.run_count++];
	*c->run = (struct forecast_run){
		.at = at, .on = zone_day(c->env.zone, at), .place = place, .first = c->head.line_count
	};
	return true;
}

/* One line of the planner that is telling. What waits tells its own time: each day of it is a run. */
static enum rc take(void *arg, const struct planned *line)
{
	struct count *c = arg;
	instant at = line->at > c->run->at ? line->at : c->run->at;
	struct forecast_line row = { .subject_id = line->subject_id,
				     .version_id = (int32_t)line->version_id,
				     .days = (int16_t)line->days,
				     .kind = place_of(c->telling->kinds, line->kind) };
	bool is_skipped = line->skip[0] != '\0';

	if (c->is_full || at >= c->until) return RC_OK;
	if (c->head.line_count == FORECAST_LINES_MAX) {
		c->is_full = true;
		return RC_OK;
	}
	if (zone_day(c->env.zone, at) != c->run->on && !open_run(c, c->run->place, at)) return RC_OK;
	if (is_skipped) row.skip = (uint8_t)(place_of(c->telling->skips, line->skip) + 1);
	c->head.line_count++;
	c->run->leaving += !is_skipped;
	c->head.leaving += !is_skipped;
	c->run->skipped += is_skipped;
	c->head.skipped += is_skipped;
	return forecast_write_line(c->writer, &row);
}

static enum rc run_one(struct count *c, struct due *d)
{
	struct cx *cx = &c->planned;
	instant at = d->next;
	day on;
	enum rc rc;

	arena_reset(cx->arena);
	clock_shift(c->env.clock, at - clock_now(c->env.clock));
	on = cx_today(cx);
	if (!open_run(c, d->place, at)) return RC_OK;
	c->telling = d->planner;
	rc = d->planner->plan(cx, on, take, c);
	if (rc == RC_OK) rc = d->planner->tell(cx, &d->told, take, c);
	if (rc == RC_OK) rc = outbox_stand_ins_empty(cx);
	if (c->is_full) c->head.is_cut = 1;
	if (c->run->leaving + c->run->skipped == 0) c->head.run_count--; /* nothing to look at */
	return rc;
}

/* One planner, share by share, each through all its due times. */
static enum rc run_shares(struct count *c, struct due *d, struct job *job)
{
	struct planner_share share = { .from = c->head.from_on, .until = c->head.from_on + c->head.days - 1 };
	instant first = d->next;
	enum rc rc = RC_OK;

	while (rc == RC_OK && first != 0 && !share.is_last && !c->is_full) {
		share.is_last = d->planner->prepare == NULL;
		clock_shift(c->env.clock, c->head.as_of_at - clock_now(c->env.clock));
		rc = outbox_stand_ins(&c->planned);
		if (rc == RC_OK && d->planner->prepare != NULL) rc = d->planner->prepare(&c->planned, &share);
		d->told = share.told;
		for (d->next = first; rc == RC_OK && d->next != 0 && !c->is_full;) {
			if (job != NULL && job_should_stop(job)) return RC_TRY_LATER;
			rc = run_one(c, d);
			if (d->rule == NULL)
				d->next = 0;
			else
				step(c, d, d->next);
		}
		if (rc == RC_OK && job != NULL) rc = job_progress(c->cx, job, share.place, share.total);
	}
	return rc;
}

static enum rc run_all(struct count *c, struct job *job)
{
	const struct planner *p;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && (p = forecast_planner(i)) != NULL; i++) {
		struct due d = { .planner = p, .place = (int32_t)i };

		if (i == FORECAST_PLANNERS_MAX) return RC_BUG;
		if (p->name[0] == '\0' || p->runs_once)
			d.next = c->head.as_of_at;
		else
			rc = read_schedule(c, &d);
		if (rc == RC_OK) rc = run_shares(c, &d, job);
	}
	return rc;
}

/* The runs of a due time are as many as its shares; afterwards all stand in the order of time. */
static int by_time(const void *a, const void *b)
{
	const struct forecast_run *x = a, *y = b;

	if (x->at != y->at) return x->at < y->at ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* An environment of its own: the clock walks, nobody is woken, everything else is the house's. */
static enum rc make_env(struct count *c)
{
	const struct env *house = c->cx->env;

	c->env.dir = house->dir;
	c->env.config_path = house->config_path;
	c->env.settings = house->settings;
	c->env.zone = house->zone;
	c->env.lang = house->lang;
	c->env.key = house->key;
	c->env.store = house->store;
	c->env.is_offline = house->is_offline;
	for (int i = 0; i < WAKE__MAX; i++)
		c->env.wake_fd[i] = -1;
	c->env.clock = clock_new(c->head.as_of_at);
	return c->env.clock != NULL ? RC_OK : RC_NO_MEMORY;
}

enum rc forecast_count(struct cx *cx, struct job *job, int days, int64_t ms, int *fd)
{
	struct count *c = arena_alloc(cx->arena, sizeof(*c));
	struct arena *arena = arena_new(ARENA_MAX);
	struct db *db = NULL;
	int64_t began = clock_ticks();
	enum rc rc = c != NULL && arena != NULL ? RC_OK : RC_NO_MEMORY;

	if (rc != RC_OK) goto out;
	memset(c, 0, sizeof(*c));
	c->cx = cx;
	c->head.as_of_at = cx_now(cx);
	c->head.from_on = cx_today(cx);
	c->head.days = days;
	c->until = zone_midnight(cx->env->zone, c->head.from_on + days);
	c->runs = mem_alloc(FORECAST_RUNS_MAX * sizeof(*c->runs));
	if (c->runs == NULL) rc = RC_NO_MEMORY;
	if (rc == RC_OK) rc = make_env(c);
	if (rc == RC_OK) rc = db_open_forecast(&db, cx->env->store);
	if (rc == RC_OK) rc = forecast_write_open(&c->writer, cx->env->dir);
	if (rc == RC_OK) {
		cx_init(&c->planned, &c->env, arena, db);
		db_forecast_limit(db, ms);
		rc = tx_begin(&c->planned);
		if (rc == RC_OK) rc = run_all(c, job);
		/* Rolled back: the end of every forecast. */
		if (tx_end(&c->planned, RC_CONFLICT) == RC_OK) rc = RC_BUG;
	}
	if (rc == RC_OK) {
		qsort(c->runs, (size_t)c->head.run_count, sizeof(c->runs[0]), by_time);
		c->head.took_ms = clock_ticks() - began;
	}
	rc = forecast_write_end(c->writer, rc, &c->head, c->runs, fd);
out:
	db_close(db);
	if (c != NULL) {
		clock_free(c->env.clock);
		mem_free(c->runs);
	}
	arena_free(arena);
	return rc;
}
