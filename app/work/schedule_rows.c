/*
** schedule_rows.c -- the rows of schedules: read, and made as the modules' tables and the settings say.
**
** Owns:   the default_… columns and rule_setting of the table schedule; adds its rows.
** Holds:  (1) what a person changed stays through an upgrade, what nobody changed follows the new default;
**         (2) a rule that a setting gives is the setting's at the next look after it changed.
*/
#include "work/schedule.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct zone *zone_of(struct cx *cx, const char *row_name, const char *name)
{
	const struct zone *zone = name[0] ? zone_find(name) : cx->env->zone;

	if (zone) return zone;
	log_event(LOG_WARN, "jobs", "schedule.zone_unknown", "name=%s", row_name);
	return cx->env->zone;
}

enum rc schedule_read(struct cx *cx, struct schedule_rows *out, size_t max, const char *sql,
		      const struct param *params)
{
	struct query *q = NULL;
	enum rc rc;

	out->count = 0;
	out->at = arena_alloc(cx->arena, max * sizeof *out->at);
	if (!out->at) return RC_NO_MEMORY;
	rc = db_query(cx, &q, sql, params);
	while (rc == RC_OK && out->count < max && query_next(q)) {
		struct schedule_row *row = &out->at[out->count++];

		*row = (struct schedule_row){ .id = query_int(q, 0),
					      .name = query_copy(cx, q, 1),
					      .kind = query_copy(cx, q, 2),
					      .rule = query_copy(cx, q, 3),
					      .zone_name = query_copy(cx, q, 4),
					      .is_enabled = query_int(q, 5) != 0,
					      .late_rule = query_copy(cx, q, 6),
					      .late_limit_s = query_int(q, 7),
					      .next_due_at = query_int(q, 8),
					      .served_to_at = query_int(q, 9),
					      .is_declared_once = query_int(q, 10) != 0 };
		row->is_interval = strncasecmp(row->rule + strspn(row->rule, " \t"), "every", 5) == 0;
		row->zone = zone_of(cx, row->name, row->zone_name);
	}
	return query_end(q, rc);
}

static const struct schedule_default *declared(const struct work *w, const char *name)
{
	for (size_t i = 0; i < w->schedule_count; i++)
		if (strcmp(w->schedules[i]->name, name) == 0) return w->schedules[i];
	return NULL;
}

bool schedule_is_served(const struct work *w, const struct schedule_row *row)
{
	return work_kind(w, row->kind) && (!row->is_declared_once || declared(w, row->name));
}

struct value *schedule_args(struct cx *cx, const struct zone *zone, instant due)
{
	struct value *args = value_map(cx->arena);
	char date[DATE_SIZE];

	day_text(date, zone_day(zone, due));
	value_set_text(cx->arena, args, "due_on", date);
	value_set_int(cx->arena, args, "due_at", due);
	return args;
}

const char *schedule_slot(struct cx *cx, const char *name)
{
	return arena_printf(cx->arena, "schedule:%s", name);
}

/* As the tables and the settings say */

/* A rule that a setting gives: its minutes, after midnight or between two times; -1: the table gives it. */
static int64_t given_minutes(const struct cx *cx, const struct schedule_default *d)
{
	return d->rule_setting && cx->env->settings ? setting_int(cx->env->settings, d->rule_setting) : -1;
}

static const char *wanted_rule(struct cx *cx, const struct schedule_default *d)
{
	int64_t minutes = given_minutes(cx, d);
	const struct setting *row;

	if (minutes < 0) return d->rule;
	row = settings_find(cx->env->settings, d->rule_setting);
	if (row != NULL && row->type == SET_INT) {
		const char *first = strstr(d->rule, " after ");

		return arena_printf(cx->arena, "every %lld min%s", (long long)minutes,
				    first != NULL ? first : "");
	}
	return arena_printf(cx->arena, "%lld %lld * * *", (long long)(minutes % 60),
			    (long long)(minutes / 60));
}

static enum rc add_row(struct cx *cx, const struct schedule_default *d, const char *rule)
{
	return db_run(
		cx,
		"INSERT INTO schedule (name, job_kind, rule, late_rule, late_limit_s, default_rule, "
		"default_late_rule, default_late_limit_s, rule_setting, updated_at) "
		"VALUES (:name, :kind, :rule, :late_rule, :limit, :rule, :late_rule, :limit, :setting, :now)",
		PARAMS(P_TEXT(":name", d->name), P_TEXT(":kind", d->job_kind), P_TEXT(":rule", rule),
		       P_TEXT(":late_rule", d->late_rule ? d->late_rule : "run"),
		       P_INT(":limit", d->late_limit_s),
		       P_TEXT(":setting", d->rule_setting ? d->rule_setting : ""),
		       P_INT(":now", cx_now(cx))));
}

/* A row from before the defaults were kept has none: then what it says is taken for a person's word. */
static enum rc follow(struct cx *cx, const struct schedule_default *d, const char *rule)
{
	return db_run(cx,
		      "UPDATE schedule SET job_kind = :kind, rule_setting = :setting, updated_at = :now, "
		      "rule = CASE WHEN rule = default_rule OR :setting <> '' THEN :rule ELSE rule END, "
		      "late_rule = CASE late_rule WHEN default_late_rule THEN :late_rule ELSE late_rule END, "
		      "late_limit_s = CASE WHEN late_limit_s = default_late_limit_s AND default_rule <> '' "
		      "THEN :limit ELSE late_limit_s END, "
		      "default_rule = :rule, default_late_rule = :late_rule, default_late_limit_s = :limit "
		      "WHERE name = :name AND (default_rule <> :rule OR default_late_rule <> :late_rule OR "
		      "default_late_limit_s <> :limit OR job_kind <> :kind OR rule_setting <> :setting "
		      "OR (:setting <> '' AND rule <> :rule))",
		      PARAMS(P_TEXT(":name", d->name), P_TEXT(":kind", d->job_kind), P_TEXT(":rule", rule),
			     P_TEXT(":late_rule", d->late_rule ? d->late_rule : "run"),
			     P_INT(":limit", d->late_limit_s),
			     P_TEXT(":setting", d->rule_setting ? d->rule_setting : ""),
			     P_INT(":now", cx_now(cx))));
}

static enum rc declare(struct cx *cx, const struct schedule_default *d)
{
	const char *rule = wanted_rule(cx, d);
	int64_t is_there = 0;
	enum rc rc = db_get_int(cx, &is_there, "SELECT EXISTS (SELECT 1 FROM schedule WHERE name = :name)",
				PARAMS(P_TEXT(":name", d->name)));

	if (rc != RC_OK) return rc;
	return is_there ? follow(cx, d, rule) : add_row(cx, d, rule);
}

static bool is_as_seen(const struct cx *cx, const struct work *w)
{
	for (size_t i = 0; i < w->schedule_count && w->is_declared; i++)
		if (given_minutes(cx, w->schedules[i]) != w->minutes_seen[i]) return false;
	return w->is_declared;
}

enum rc schedules_declare(struct cx *cx, struct work *w)
{
	enum rc rc;

	if (is_as_seen(cx, w)) return RC_OK;
	rc = tx_begin(cx);
	for (size_t i = 0; i < w->schedule_count && rc == RC_OK; i++)
		rc = declare(cx, w->schedules[i]);
	rc = tx_end(cx, rc);
	for (size_t i = 0; i < w->schedule_count && rc == RC_OK; i++)
		w->minutes_seen[i] = given_minutes(cx, w->schedules[i]);
	if (rc == RC_OK) w->is_declared = true;
	return rc;
}
