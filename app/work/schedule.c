/*
** schedule.c -- turns what is due into jobs, once, and plans the next time.
**
** Owns:   next_due_at, last_due_at and planned_as of the table schedule; the key work.zone of meta.
** Needs:  schedule_rows.c for the rows and what the modules' tables say of them; clock_watch.c.
** Never:  runs a job; reads rows that are neither due nor changed, but at the start and when the clock was
**         put back.
** Holds:  (1) a due time becomes a job at most once. Its key is the schedule and the civil date and time, so
**             neither a restart nor a clock put back nor another zone runs a day's work twice; and when the
**             job's row has been cleaned away (clean.c), served_to_at is as late as any due time whose key
**             is gone, and nothing up to it comes again;
**         (2) nothing but (1) keeps a due time from running: a clock that was years ahead and is put right
**             leaves no mark but the few times it served meanwhile; what it left out is not lost;
**         (3) a new, changed or resumed schedule counts from now on, what lies before is not "missed";
**         (4) of several missed times only the last counts, and its late rule decides: run, skip or ask;
**         (5) the planned time is never later than the rule says, whatever the clock did.
**
** A skipped or asked-about time is a job that starts as `cancelled`, marked late, with a note: it is in the
** list and a person may run it.
*/
#include "work/schedule.h"

#include "base/sentence.h"
#include <stdio.h>
#include <string.h>

#define ROWS_A_LOOK 100 /* of one transaction: some 20 ms                                         */
#define ROWS_A_READ 500 /* when all are checked                                                   */

/* 0: paused, not ours, broken, or never due again. */
static instant next_of(const struct work *w, const struct schedule_row *row, instant now)
{
	instant after = row->served_to_at > now ? row->served_to_at : now, next = 0;
	const char *why = "";

	if (!row->is_enabled || !schedule_is_served(w, row)) return 0;
	return rule_next(&next, &why, row->rule, row->zone, after) == RC_OK ? next : 0;
}

static enum rc set_next(struct cx *cx, const struct schedule_row *row, instant next)
{
	return db_run(cx, "UPDATE schedule SET next_due_at = :next WHERE id = :id",
		      PARAMS(P_REF(":next", next), P_INT(":id", row->id)));
}

/* What was changed */

static enum rc plan_anew(struct cx *cx, const struct work *w, const struct schedule_row *row)
{
	instant next = next_of(w, row, cx_now(cx));
	char text[RFC3339_SIZE] = "never";
	bool is_odd = next == 0 && row->is_enabled && schedule_is_served(w, row);
	enum rc rc =
		db_run(cx,
		       "UPDATE schedule SET next_due_at = :next, planned_as = rule || '|' || zone || '|' || "
		       "is_enabled WHERE id = :id",
		       PARAMS(P_REF(":next", next), P_INT(":id", row->id)));

	if (next != 0) instant_text_zone(text, next, row->zone);
	if (rc == RC_OK)
		log_event(is_odd ? LOG_ERROR : LOG_INFO, "jobs", "schedule.planned", "name=%s next=%s",
			  row->name, text);
	return rc;
}

static const char changed_sql[] =
	SCHEDULE_COLUMNS " FROM schedule WHERE planned_as <> rule || '|' || zone || '|' || is_enabled"
			 " AND id > :after ORDER BY id LIMIT :max";

static enum rc settle_changed(struct cx *cx, struct work *w)
{
	struct schedule_rows rows = { .count = ROWS_A_LOOK };
	int64_t is_any = 0;
	enum rc rc =
		db_get_int(cx, &is_any,
			   "SELECT EXISTS (SELECT 1 FROM schedule WHERE planned_as <> rule || '|' || zone || "
			   "'|' || is_enabled)",
			   NO_PARAMS);

	while (rc == RC_OK && is_any && rows.count == ROWS_A_LOOK) {
		arena_reset(w->slice);
		rc = tx_begin(cx);
		if (rc == RC_OK)
			rc = schedule_read(cx, &rows, ROWS_A_LOOK, changed_sql,
					   PARAMS(P_INT(":after", 0), P_INT(":max", ROWS_A_LOOK)));
		for (size_t i = 0; i < rows.count && rc == RC_OK; i++)
			rc = plan_anew(cx, w, &rows.at[i]);
		rc = tx_end(cx, rc);
	}
	return rc;
}

/* Another zone of the business plans anew whoever has none of its own. */
static enum rc settle_zone(struct cx *cx, struct work *w)
{
	const struct zone *zone = cx->env->zone;
	const char *seen = "";
	enum rc rc;

	if (zone == w->zone) return RC_OK;
	rc = meta_get(cx, &seen, "work.zone");
	if (rc == RC_OK && strcmp(seen, zone_name(zone)) != 0) {
		rc = tx_begin(cx);
		if (rc == RC_OK && seen[0] != '\0')
			rc = db_run(cx, "UPDATE schedule SET planned_as = '' WHERE zone = ''", NO_PARAMS);
		if (rc == RC_OK) rc = meta_set(cx, "work.zone", zone_name(zone));
		rc = tx_end(cx, rc);
	}
	if (rc == RC_OK) w->zone = zone;
	return rc;
}

/* Every row, at the start and when the clock was put back */

/* Is the planned time one that the clock, as it is now, would not plan? */
static bool is_wrong(const struct work *w, const struct schedule_row *row, instant next, instant now)
{
	if (row->next_due_at == next) return false;
	if (row->next_due_at == 0) return true;
	if (!row->is_enabled || !schedule_is_served(w, row)) return true;
	return next == 0 ? row->next_due_at > now : row->next_due_at > next;
}

static enum rc mend(struct cx *cx, const struct work *w, const struct schedule_rows *rows)
{
	instant now = cx_now(cx);
	enum rc rc = RC_OK;

	for (size_t i = 0; i < rows->count && rc == RC_OK; i++) {
		const struct schedule_row *row = &rows->at[i];
		instant next = next_of(w, row, now);

		if (!is_wrong(w, row, next, now)) continue;
		rc = db_run(
			cx, "UPDATE schedule SET next_due_at = :next WHERE id = :id AND next_due_at IS :old",
			PARAMS(P_REF(":next", next), P_INT(":id", row->id), P_REF(":old", row->next_due_at)));
	}
	return rc;
}

static bool needs_mending(const struct cx *cx, const struct work *w, const struct schedule_rows *rows)
{
	instant now = cx_now(cx);

	for (size_t i = 0; i < rows->count; i++)
		if (is_wrong(w, &rows->at[i], next_of(w, &rows->at[i], now), now)) return true;
	return false;
}

/* Jobs that were made, or put off, by a clock that was ahead would wait until it is that late: they are due
** now. A retry waits an hour and a quarter at most (claim.c). */
static enum rc pull_jobs(struct cx *cx)
{
	instant now = cx_now(cx);
	int64_t is_any = 0;
	enum rc rc = db_get_int(
		cx, &is_any,
		"SELECT EXISTS (SELECT 1 FROM job WHERE state = 'queued' AND run_at > :now AND (created_at > :soon"
		" OR (attempts > 0 AND run_at > :late)))",
		PARAMS(P_INT(":now", now), P_INT(":soon", now + MINUTE_MS),
		       P_INT(":late", now + 2 * HOUR_MS)));

	if (rc != RC_OK || is_any == 0) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE job SET run_at = :now WHERE state = 'queued' AND run_at > :now AND (created_at > :soon"
			" OR (attempts > 0 AND run_at > :late))",
			PARAMS(P_INT(":now", now), P_INT(":soon", now + MINUTE_MS),
			       P_INT(":late", now + 2 * HOUR_MS)));
	return tx_end(cx, rc);
}

static enum rc check_all(struct cx *cx, struct work *w)
{
	struct schedule_rows rows = { .count = 0 };
	int64_t after = 0;
	enum rc rc;

	do {
		arena_reset(w->slice);
		rc = schedule_read(cx, &rows, ROWS_A_READ,
				   SCHEDULE_COLUMNS " FROM schedule WHERE id > :after ORDER BY id LIMIT :max",
				   PARAMS(P_INT(":after", after), P_INT(":max", ROWS_A_READ)));
		if (rc == RC_OK && rows.count > 0) after = rows.at[rows.count - 1].id;
		if (rc == RC_OK && needs_mending(cx, w, &rows)) {
			rc = tx_begin(cx);
			if (rc == RC_OK) rc = mend(cx, w, &rows);
			rc = tx_end(cx, rc);
		}
	} while (rc == RC_OK && rows.count == ROWS_A_READ);
	if (rc == RC_OK) w->must_check = false;
	return rc;
}

/* What is due */

/* The last due time that is not in the future, at or after the planned one: halving, however many there
** are. */
static instant last_missed(const struct schedule_row *row, instant now)
{
	const char *why = "";
	instant low = row->next_due_at, high = now, next;

	while (high - low > 1) {
		instant middle = low + (high - low) / 2;

		if (rule_next(&next, &why, row->rule, row->zone, middle) == RC_OK && next <= now)
			low = next;
		else
			high = middle;
	}
	return rule_next(&next, &why, row->rule, row->zone, low) == RC_OK && next <= now ? next : low;
}

/* A cron time is named by its civil time: another zone the same day is the same work. An interval
** by its instant. */
static const char *key_of(struct cx *cx, const struct schedule_row *row, instant due)
{
	struct civil c = zone_civil(row->zone, due);
	char date[DATE_SIZE], text[RFC3339_SIZE];

	if (row->is_interval) {
		instant_text(text, due);
		return arena_printf(cx->arena, "schedule:%s:%s", row->name, text);
	}
	day_text(date, c.day);
	return arena_printf(cx->arena, "schedule:%s:%sT%02d:%02d", row->name, date, c.hour, c.minute);
}

/* One question at a time: a yes that is given twice must not run an older one, too. */
static enum rc withdraw_questions(struct cx *cx, int64_t schedule_id, int64_t newest_job)
{
	return db_run(
		cx,
		"UPDATE job SET is_asked = 0 WHERE schedule_id = :schedule AND is_asked = 1 AND id <> :id",
		PARAMS(P_INT(":schedule", schedule_id), P_INT(":id", newest_job)));
}

/* The time was left out by a clock that was ahead, which is known by its hour: nobody served it and it is not
** missed. What a person decided stays. */
static enum rc run_skipped(struct cx *cx, int64_t id, bool is_late)
{
	enum rc rc = db_run(
		cx,
		"UPDATE job SET state = 'queued', is_late = :late, is_asked = 0, note = '', run_at = :now, "
		"created_at = :now, finished_at = NULL WHERE id = :id AND state = 'cancelled' AND is_late = 1 "
		"AND attempts = 0 AND finished_at = created_at AND finished_at > :now",
		PARAMS(P_INT(":late", is_late), P_INT(":now", cx_now(cx)), P_INT(":id", id)));

	if (rc == RC_OK && db_changes(cx) > 0)
		log_event(LOG_WARN, "jobs", "schedule.due_after_all", "id=%lld", (long long)id);
	return rc == RC_CONFLICT ? RC_OK : rc; /* its slot is taken: the run before is still at it */
}

static enum rc add_job(struct cx *cx, const struct schedule_row *row, instant due)
{
	int64_t late_ms = cx_now(cx) - due, id = 0;
	struct job_new job = { .kind = row->kind, .is_late = late_ms > LATE_GRACE_MS };
	struct job_origin origin = { .schedule_id = row->id, .due_at = due, .state = "queued", .note = "" };
	enum rc rc;

	job.key = key_of(cx, row, due);
	/* a slow run does not pile up others */
	if (row->is_interval) job.slot = schedule_slot(cx, row->name);
	job.args = schedule_args(cx, row->zone, due);
	if (job.is_late && (strcmp(row->late_rule, "skip") == 0 || late_ms / SECOND_MS > row->late_limit_s)) {
		origin.state = "cancelled";
		origin.note = sentence_keep(
			cx->arena, cx->lang,
			_("Skipped: the program was not running at that time, and now it is too late."));
	} else if (job.is_late && strcmp(row->late_rule, "ask") == 0) {
		origin.state = "cancelled";
		origin.is_asked = true;
		origin.note = sentence_keep(
			cx->arena, cx->lang,
			_("The program was not running at that time. Run it now if it should still happen."));
	}
	rc = work_insert(cx, &id, &job, &origin);
	if (rc == RC_CONFLICT) /* that time has its job already, or the run before is still at it */
		return strcmp(origin.state, "queued") == 0 ? run_skipped(cx, id, job.is_late) : RC_OK;
	if (rc == RC_OK && origin.is_asked) rc = withdraw_questions(cx, row->id, id);
	if (rc == RC_OK)
		log_event(job.is_late ? LOG_WARN : LOG_INFO, "jobs", "schedule.due",
			  "name=%s id=%lld state=%s late_s=%lld", row->name, (long long)id, origin.state,
			  (long long)(late_ms / SECOND_MS));
	return rc;
}

static enum rc take_due(struct cx *cx, const struct work *w, const struct schedule_row *row)
{
	instant now = cx_now(cx), due;
	enum rc rc;

	if (!row->is_enabled || !schedule_is_served(w, row)) return set_next(cx, row, 0);
	due = last_missed(row, now);
	rc = due > row->served_to_at ? add_job(cx, row, due) : RC_OK;
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE schedule SET last_due_at = :due, next_due_at = :next WHERE id = :id",
			    PARAMS(P_INT(":due", due), P_REF(":next", next_of(w, row, now)),
				   P_INT(":id", row->id)));
	return rc;
}

static const char due_sql[] =
	SCHEDULE_COLUMNS " FROM schedule WHERE next_due_at <= :now ORDER BY next_due_at LIMIT :max";

static enum rc take_all(struct cx *cx, const struct work *w, instant *next)
{
	struct schedule_rows rows = { .count = ROWS_A_LOOK };
	enum rc rc = RC_OK;

	for (;;) {
		int64_t first = 0;

		if (rc == RC_OK)
			rc = db_get_int(
				cx, &first,
				"SELECT coalesce(min(next_due_at), 0) FROM schedule WHERE next_due_at IS NOT NULL",
				NO_PARAMS);
		if (rc != RC_OK || first == 0 || first > cx_now(cx)) {
			*next = rc == RC_OK && first != 0 ? first : INSTANT_NEVER;
			return rc;
		}
		arena_reset(w->slice);
		rc = tx_begin(cx);
		if (rc == RC_OK)
			rc = schedule_read(cx, &rows, ROWS_A_LOOK, due_sql,
					   PARAMS(P_INT(":now", cx_now(cx)), P_INT(":max", ROWS_A_LOOK)));
		for (size_t i = 0; i < rows.count && rc == RC_OK; i++)
			rc = take_due(cx, w, &rows.at[i]);
		rc = tx_end(cx, rc);
	}
}

static enum rc plan(struct cx *cx, struct work *w)
{
	enum rc rc = clock_watch(cx, w);

	if (rc == RC_OK) rc = schedules_declare(cx, w);
	if (rc == RC_OK) rc = settle_zone(cx, w);
	if (rc == RC_OK) rc = settle_changed(cx, w);
	if (rc == RC_OK && w->must_check) rc = pull_jobs(cx);
	if (rc == RC_OK && w->must_check) rc = check_all(cx, w);
	return rc;
}

/* However many rows a look finds, it needs the memory of a slice. next NULL: nothing becomes a job. */
static enum rc look(struct cx *cx, struct work *w, instant *next)
{
	struct arena *own = cx->arena;
	enum rc rc;

	pthread_mutex_lock(&w->look_lock);
	arena_reset(w->slice);
	cx->arena = w->slice;
	rc = plan(cx, w);
	if (rc == RC_OK && next) rc = take_all(cx, w, next);
	cx->arena = own;
	pthread_mutex_unlock(&w->look_lock);
	return rc;
}

enum rc schedules_plan(struct cx *cx, struct work *w)
{
	return look(cx, w, NULL);
}

enum rc schedules_look(struct cx *cx, struct work *w, instant *next)
{
	*next = INSTANT_NEVER;
	if (!clock_is_doubtful(cx->env->clock)) return look(cx, w, next);
	/* What is due by a wrong clock is not due; what people ask for meanwhile waits for an hour that is
	** far. */
	pthread_mutex_lock(&w->look_lock);
	w->must_check = true;
	pthread_mutex_unlock(&w->look_lock);
	return RC_OK;
}
