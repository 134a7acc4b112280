/*
** samples.c -- how busy the house was: a row a minute, added up to hours and days.
**
** Owns:   the table sample (its rows go by growth_tables.c).
** Needs:  the counters of web/tally.h; the ledger's attempts for what was handed over.
** Holds:  (1) hours and days are added up from the rows below them each minute, so that a restart loses at
**         most the minute it happened in; (2) a minute in which the process was not there has no row.
*/
#include "base/mem.h"
#include "ops/watch.h"
#include "web/tally.h"
#include <stdio.h>
#include <unistd.h>

struct samples {
	struct tally before;
	instant minute;     /* begin of the one being counted; 0 before the first */
	int64_t attempt_id; /* the highest one counted; -1 before the first       */
};

struct samples *samples_new(void)
{
	struct samples *s = mem_zeroed(sizeof(*s));

	if (s == NULL) return NULL;
	tally_read(&s->before);
	s->attempt_id = -1;
	return s;
}

void samples_free(struct samples *s)
{
	mem_free(s);
}

int64_t watch_memory_bytes(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL) return 0;
	if (fscanf(f, "%*s %ld", &pages) != 1) pages = 0;
	fclose(f);
	return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static instant minute_of(instant at)
{
	return at - at % MINUTE_MS;
}

bool samples_is_due(struct cx *cx, const struct samples *s)
{
	return s->minute == 0 || minute_of(cx_now(cx)) != s->minute;
}

/* Messages that left since the last look. */
static enum rc count_sent(struct cx *cx, struct samples *s, int64_t *out)
{
	int64_t newest = 0;
	enum rc rc = db_get_int(cx, &newest, "SELECT coalesce(max(id), 0) FROM attempt", NO_PARAMS);

	*out = 0;
	if (rc == RC_OK && s->attempt_id >= 0 && newest > s->attempt_id)
		rc = db_get_int(
			cx, out,
			"SELECT count(*) FROM attempt WHERE id > :from AND id <= :to AND kind = 'send' AND outcome = 'sent'",
			PARAMS(P_INT(":from", s->attempt_id), P_INT(":to", newest)));
	if (rc == RC_OK) s->attempt_id = newest;
	return rc;
}

static enum rc write_minute(struct cx *cx, instant at, const struct tally *t, int64_t sent)
{
	int64_t failures = 0;

	for (int c = 0; c < TALLY__MAX; c++)
		failures += t->status[c][5];
	return db_run(
		cx,
		"INSERT INTO sample (step, at, requests, failures, slow_ms, messages, memory_bytes)"
		" VALUES ('minute', :at, :requests, :failures, :slow, :messages, :memory)"
		" ON CONFLICT (step, at) DO UPDATE SET requests = requests + excluded.requests,"
		" failures = failures + excluded.failures, slow_ms = max(slow_ms, excluded.slow_ms),"
		" messages = messages + excluded.messages, memory_bytes = max(memory_bytes, excluded.memory_bytes)",
		PARAMS(P_INT(":at", at), P_INT(":requests", tally_count(t, TALLY__MAX)),
		       P_INT(":failures", failures), P_INT(":slow", tally_percentile(t, TALLY__MAX, 95)),
		       P_INT(":messages", sent), P_INT(":memory", watch_memory_bytes())));
}

/* The row of a span from the rows of the next smaller step in it. */
static enum rc add_up(struct cx *cx, const char *step, const char *from_step, instant from, instant to)
{
	return db_run(
		cx,
		"INSERT INTO sample (step, at, requests, failures, slow_ms, messages, memory_bytes)"
		" SELECT :step, :from, coalesce(sum(requests), 0), coalesce(sum(failures), 0), coalesce(max(slow_ms), 0),"
		" coalesce(sum(messages), 0), coalesce(max(memory_bytes), 0) FROM sample"
		" WHERE step = :below AND at >= :from AND at < :to"
		" ON CONFLICT (step, at) DO UPDATE SET requests = excluded.requests, failures = excluded.failures,"
		" slow_ms = excluded.slow_ms, messages = excluded.messages, memory_bytes = excluded.memory_bytes",
		PARAMS(P_TEXT(":step", step), P_TEXT(":below", from_step), P_INT(":from", from),
		       P_INT(":to", to)));
}

enum rc samples_write(struct cx *cx, struct samples *s)
{
	const struct zone *zone = cx->env->zone;
	instant now = cx_now(cx), at = s->minute, hour = at - at % HOUR_MS;
	day d = zone_day(zone, at);
	struct tally all, span;
	int64_t sent = 0;
	enum rc rc = count_sent(cx, s, &sent);

	tally_read(&all);
	tally_since(&span, &all, &s->before);
	if (rc == RC_OK && at != 0) {
		rc = write_minute(cx, at, &span, sent);
		if (rc == RC_OK) rc = add_up(cx, "hour", "minute", hour, hour + HOUR_MS);
		if (rc == RC_OK)
			rc = add_up(cx, "day", "hour", zone_midnight(zone, d), zone_midnight(zone, d + 1));
	}
	if (rc == RC_OK) {
		s->before = all;
		s->minute = minute_of(now);
	}
	return rc;
}
