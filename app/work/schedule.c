/*
** schedule.c -- turns what is due into jobs, once, and plans the next time.
**
** Owns:   the table schedule; the keys work.schedule.NAME of meta.
** Needs:  the modules' tables of defaults; the settings, for rules that a setting gives.
** Never:  runs a job.
** Holds:  (1) a due time becomes a job at most once: its key is the schedule and the civil date and
**             time, so neither a restart nor a clock put back nor another zone runs a day's work twice;
**         (2) a new, changed or re-enabled schedule counts from now on, what lies before is not
**             "missed";
**         (3) of several missed times only the last counts, and its late rule decides: run, skip or
**             ask;
**         (4) the planned time is never later than the rule says (a clock put forward by mistake and
**             back again leaves nothing planned for next year).
**
** A skipped or asked-about time is a job that starts as `cancelled`, marked late, with a note: it
** is in the list and a person may run it.
*/
#include "work/inner.h"

#include <stdio.h>
#include <string.h>

#define META_KEY_SIZE 160

struct row {
	int64_t id;
	const char *rule, *zone_name, *late_rule;
	bool is_enabled;
	int64_t late_limit_s;
	instant next_due_at; /* 0 = none */
	const struct zone *zone;
};

static const char *wanted_rule(struct cx *cx, const struct schedule_default *d)
{
	int64_t minutes;

	if (!d->rule_setting || !cx->env->settings) return d->rule;
	minutes = setting_int(cx->env->settings, d->rule_setting);
	return arena_printf(cx->arena, "%lld %lld * * *", (long long)(minutes % 60),
			    (long long)(minutes / 60));
}

static enum rc read_row(struct cx *cx, struct row *row, const char *name)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT id, rule, zone, is_enabled, late_rule, late_limit_s, next_due_at FROM schedule "
		"WHERE name = :name",
		PARAMS(P_TEXT(":name", name)));
	bool has_row = rc == RC_OK && query_next(q);

	if (has_row) {
		row->id = query_int(q, 0);
		row->rule = query_copy(cx, q, 1);
		row->zone_name = query_copy(cx, q, 2);
		row->is_enabled = query_int(q, 3) != 0;
		row->late_rule = query_copy(cx, q, 4);
		row->late_limit_s = query_int(q, 5);
		row->next_due_at = query_int(q, 6);
	}
	rc = query_end(q, rc);
	if (rc != RC_OK || !has_row) return rc == RC_OK ? RC_NOT_FOUND : rc;
	row->zone = row->zone_name[0] ? zone_find(row->zone_name) : cx->env->zone;
	if (!row->zone) {
		log_event(LOG_WARN, "jobs", "schedule.zone_unknown", "name=%s", name);
		row->zone = cx->env->zone;
	}
	return RC_OK;
}

static enum rc add_row(struct cx *cx, const struct schedule_default *d, const char *rule)
{
	return db_run(cx,
		      "INSERT INTO schedule (name, job_kind, rule, late_rule, late_limit_s, updated_at) "
		      "VALUES (:name, :kind, :rule, :late_rule, :late_limit, :now)",
		      PARAMS(P_TEXT(":name", d->name), P_TEXT(":kind", d->job_kind), P_TEXT(":rule", rule),
			     P_TEXT(":late_rule", d->late_rule ? d->late_rule : "run"),
			     P_INT(":late_limit", d->late_limit_s), P_INT(":now", cx_now(cx))));
}

static enum rc set_next(struct cx *cx, struct row *row, instant next)
{
	row->next_due_at = next;
	return db_run(cx, "UPDATE schedule SET next_due_at = :next WHERE id = :id",
		      PARAMS(P_REF(":next", next), P_INT(":id", row->id)));
}

/* 0: switched off, broken, or never due again. */
static instant next_of(const struct row *row, instant after)
{
	const char *why = "";
	instant next = 0;

	return row->is_enabled && rule_next(&next, &why, row->rule, row->zone, after) == RC_OK ? next : 0;
}

/* What a look found out about a schedule, and whether anything must be written. */
struct plan {
	bool is_new, is_other_rule, is_changed, is_off, is_due;
	const char *rule;        /* as the table or its setting wants it */
	const char *now_is;      /* what the plan was computed from      */
	char key[META_KEY_SIZE]; /* where that is remembered             */
	instant next;
};

static enum rc inspect(struct cx *cx, struct row *row, struct plan *p, const struct schedule_default *d)
{
	const char *seen = "";
	enum rc rc;

	*p = (struct plan){ .rule = wanted_rule(cx, d) };
	rc = read_row(cx, row, d->name);
	p->is_new = rc == RC_NOT_FOUND;
	if (rc != RC_OK) return p->is_new ? RC_OK : rc;
	p->is_other_rule = d->rule_setting && strcmp(row->rule, p->rule) != 0;
	if (p->is_other_rule) row->rule = p->rule;
	snprintf(p->key, sizeof p->key, "work.schedule.%s", d->name);
	p->now_is = arena_printf(cx->arena, "%s %s %s", row->rule, zone_name(row->zone),
				 row->is_enabled ? "on" : "off");
	rc = meta_get(cx, &seen, p->key);
	p->is_changed = strcmp(seen, p->now_is) != 0;
	p->next = next_of(row, cx_now(cx));
	p->is_off = row->next_due_at != p->next &&
		    (row->next_due_at == 0 || p->next == 0 || row->next_due_at > p->next);
	p->is_due = !p->is_changed && !p->is_off && row->next_due_at != 0 && row->next_due_at <= cx_now(cx);
	return rc;
}

/* Row present, rule of the setting in force, and planned anew if anything about it changed since
** last time. */
static enum rc settle(struct cx *cx, struct row *row, const struct plan *p, const struct schedule_default *d)
{
	char next[RFC3339_SIZE];
	enum rc rc = RC_OK;

	if (p->is_other_rule)
		rc = db_run(
			cx, "UPDATE schedule SET rule = :rule, updated_at = :now WHERE id = :id",
			PARAMS(P_TEXT(":rule", p->rule), P_INT(":now", cx_now(cx)), P_INT(":id", row->id)));
	if (rc == RC_OK && p->is_changed) {
		rc = meta_set(cx, p->key, p->now_is);
		if (p->next == 0) {
			log_event(row->is_enabled ? LOG_ERROR : LOG_INFO, "jobs", "schedule.planned",
				  "name=%s next=never", d->name);
		} else {
			instant_text_zone(next, p->next, row->zone);
			log_event(LOG_INFO, "jobs", "schedule.planned", "name=%s next=%s", d->name, next);
		}
	}
	if (rc == RC_OK && (p->is_changed || p->is_off)) rc = set_next(cx, row, p->next);
	return rc;
}

/* The last due time that is not in the future, at or after the planned one. */
static instant last_missed(const struct row *row, instant now)
{
	const char *why = "";
	instant last = row->next_due_at, next;

	for (int i = 0; i < 2 * MISSED_STEPS_MAX; i++) {
		instant from = i == MISSED_STEPS_MAX && last < now - DAY_MS ? now - DAY_MS : last;

		if (rule_next(&next, &why, row->rule, row->zone, from) != RC_OK || next > now) break;
		last = next;
	}
	return last;
}

/* A cron time is named by its civil time: another zone the same day is the same work. An interval
** by its instant. */
static const char *key_of(struct cx *cx, const struct schedule_default *d, const struct row *row, instant due)
{
	struct civil c = zone_civil(row->zone, due);
	char date[DATE_SIZE], text[RFC3339_SIZE];

	if (strncmp(row->rule, "every", 5) == 0) {
		instant_text(text, due);
		return arena_printf(cx->arena, "schedule:%s:%s", d->name, text);
	}
	day_text(date, c.day);
	return arena_printf(cx->arena, "schedule:%s:%sT%02d:%02d", d->name, date, c.hour, c.minute);
}

static enum rc add_job(struct cx *cx, const struct schedule_default *d, const struct row *row, instant due)
{
	int64_t late_ms = cx_now(cx) - due, id = 0;
	struct job_new job = { .kind = d->job_kind, .is_late = late_ms > LATE_GRACE_MS };
	struct value *args = value_map(cx->arena);
	const char *state = "queued", *note = "";
	char date[DATE_SIZE];
	enum rc rc;

	job.key = key_of(cx, d, row, due);
	if (strncmp(row->rule, "every", 5) == 0)
		job.slot = arena_printf(cx->arena, "schedule:%s",
					d->name); /* a slow run does not pile up others */
	day_text(date, zone_day(row->zone, due));
	value_set_text(cx->arena, args, "due_on", date);
	value_set_int(cx->arena, args, "due_at", due);
	job.args = args;
	if (job.is_late && (strcmp(row->late_rule, "skip") == 0 || late_ms / SECOND_MS > row->late_limit_s)) {
		state = "cancelled";
		note = _("Skipped: the program was not running at that time, and now it is too late.");
	} else if (job.is_late && strcmp(row->late_rule, "ask") == 0) {
		state = "cancelled";
		note = _("The program was not running at that time. Run it now if it should still happen.");
	}
	rc = work_insert(cx, &id, &job, state, note);
	if (rc == RC_CONFLICT)
		return RC_OK; /* that time has its job already, or the run before is still at it */
	if (rc == RC_OK)
		log_event(job.is_late ? LOG_WARN : LOG_INFO, "jobs", "schedule.due",
			  "name=%s id=%lld state=%s late_s=%lld", d->name, (long long)id, state,
			  (long long)(late_ms / SECOND_MS));
	return rc;
}

static enum rc take_due(struct cx *cx, const struct schedule_default *d, struct row *row)
{
	instant now = cx_now(cx), due = last_missed(row, now);
	enum rc rc = add_job(cx, d, row, due);

	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE schedule SET last_due_at = :due WHERE id = :id",
			    PARAMS(P_INT(":due", due), P_INT(":id", row->id)));
	return rc == RC_OK ? set_next(cx, row, next_of(row, now)) : rc;
}

static enum rc write_plan(struct cx *cx, struct row *row, struct plan *p, const struct schedule_default *d)
{
	enum rc rc = RC_OK;

	if (p->is_new) {
		rc = add_row(cx, d, p->rule);
		if (rc == RC_OK) rc = inspect(cx, row, p, d);
	}
	if (rc == RC_OK) rc = settle(cx, row, p, d);
	if (rc == RC_OK && p->is_due) rc = take_due(cx, d, row);
	return rc;
}

static enum rc look_at(struct cx *cx, const struct schedule_default *d, instant *next)
{
	struct row row = { 0 };
	struct plan p;
	enum rc rc = inspect(cx, &row, &p, d);

	/* Most looks find nothing to write: then the lane is left to others. */
	if (rc == RC_OK && (p.is_new || p.is_other_rule || p.is_changed || p.is_off || p.is_due)) {
		rc = tx_begin(cx);
		if (rc == RC_OK) rc = write_plan(cx, &row, &p, d);
		rc = tx_end(cx, rc);
	}
	if (rc == RC_OK && row.next_due_at != 0 && row.next_due_at < *next) *next = row.next_due_at;
	return rc;
}

enum rc schedules_look(struct cx *cx, struct work *w, instant *next)
{
	enum rc rc = RC_OK;

	*next = INSTANT_NEVER;
	for (size_t i = 0; i < w->schedule_count && rc == RC_OK; i++)
		rc = look_at(cx, w->schedules[i], next);
	return rc;
}
