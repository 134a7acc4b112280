/*
** schedules_page.c -- when the house works by itself: rules, zones, what happens to a missed time; all
** to be changed.
**
** Needs:  work.h, whose scheduler looks at the table and plans anew what changed.
** Never:  computes a due time itself (rule_next does).
** Holds:  a rule or zone that is none is refused with its sentence, so the scheduler never meets one.
*/
#include "desk/work_pages.h"
#include "desk/inner.h"

#include "base/sentence.h"
#include <string.h>

#define RUNS_SHOWN     10               /* of its last jobs                                              */
#define ASKED_SHOWN    20               /* a screen of questions                                         */
#define NEXT_SHOWN     5                /* enough to see a pattern: the working days of a week          */
#define LATE_LIMIT_MAX (31 * 24 * 3600) /* seconds: a month; what is older is not late, it is history */

const struct column schedules_columns[] = {
	{ .name = "title",
	  .title = N_("Schedule"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_PAGE,
	  .sql = "t.name",
	  .shown = schedule_name_shown },
	{ .name = "state",
	  .title = N_("State"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "CASE t.is_enabled WHEN 1 THEN 'active' ELSE 'paused' END",
	  .choices = "active=switched on|paused=paused" },
	{ .name = "name", .title = N_("Name"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "job_kind", .title = N_("Kind of work"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "rule",
	  .title = N_("Rule"),
	  .type = COLUMN_TEXT,
	  .flags = COL_REQUIRED | COL_LIST,
	  .max = 100,
	  .shown = rule_shown,
	  .help = N_(
		  "Minute, hour, day, month, weekday (cron): 30 3 * * * is every day at 03:30, 0 9 * * 1-5 Monday to Friday at"
		  " 09:00. Or: every 30 min. A change counts from now on: an hour of today that has passed does not come back.") },
	{ .name = "zone",
	  .title = N_("Time zone"),
	  .type = COLUMN_TEXT,
	  .max = 60,
	  .help = N_("Left empty: the business's.") },
	{ .name = "is_enabled", .title = N_("Switched on"), .type = COLUMN_BOOL },
	{ .name = "late_rule",
	  .title = N_("When a time was missed"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_REQUIRED,
	  .choices = "run=run once, marked late|skip=leave it out|ask=ask a person" },
	{ .name = "late_limit_s",
	  .title = N_("Late at most"),
	  .type = COLUMN_INT,
	  .help = N_("In seconds: 3600 is an hour, 86400 a day."),
	  .shown = seconds_shown,
	  .flags = COL_REQUIRED,
	  .min = 0,
	  .max = LATE_LIMIT_MAX },
	{ .name = "last_due_at",
	  .title = N_("Last time"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "last_state",
	  .title = N_("Last outcome"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "coalesce((SELECT j.state FROM job j WHERE j.schedule_id = t.id ORDER BY j.id DESC LIMIT 1), '')",
	  .choices = JOB_STATES },
	{ .name = "last_job",
	  .title = N_("Last job"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_API,
	  .sql = "(SELECT max(j.id) FROM job j WHERE j.schedule_id = t.id)" },
	{ .name = "next_due_at",
	  .title = N_("Next time"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "paused_at", .title = N_("Paused since"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "paused_by", .title = N_("Paused by"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "paused_why", .title = N_("Paused because"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = NULL },
};

const struct filter schedules_filters[] = {
	{ .name = "show",
	  .title = N_("Which ones"),
	  .choices = "on=switched on|paused=paused|asks=asks you",
	  .sql =
		  (const char *const[]){
			  "t.is_enabled = 1", "t.is_enabled = 0",
			  "EXISTS (SELECT 1 FROM job j WHERE j.schedule_id = t.id AND j.is_asked = 1"
			  " AND j.due_at + t.late_limit_s * 1000 >= :now)",
			  NULL } },
	{ .name = NULL },
};

const struct sort schedules_sorts[] = {
	{ .name = "id", .title = N_("Order"), .sql = "t.id" },
	{ .name = NULL },
};

/* The zone of a schedule: its own, else the business's. NULL when the name is none. */
static const struct zone *zone_of(struct cx *cx, const char *name)
{
	return name[0] == '\0' ? cx->env->zone : zone_find(name);
}

/* A rule that a setting gives is changed there; a switch notes who and when. */
static enum rc check_stored(struct cx *cx, int64_t id, const char *rule, struct value *values)
{
	struct value *row = NULL;
	bool was_on, is_on = value_int_of(value_get(values, "is_enabled"), 1) != 0;
	const char *setting;
	enum rc rc = db_row(cx, &row, "SELECT rule, rule_setting, is_enabled FROM schedule WHERE id = :id",
			    PARAMS(P_INT(":id", id)));

	if (rc != RC_OK) return rc;
	setting = value_text_of(value_get(row, "rule_setting"), "");
	if (setting[0] != '\0' && strcmp(rule, value_text_of(value_get(row, "rule"), "")) != 0)
		return cx_fail_field(cx, "rule",
				     _("The hour of this schedule is the setting %s; change it there."),
				     setting);
	was_on = value_int_of(value_get(row, "is_enabled"), 0) != 0;
	if (was_on == is_on) return RC_OK;
	if (is_on)
		value_set_null(cx->arena, values, "paused_at");
	else
		value_set_int(cx->arena, values, "paused_at", cx_now(cx));
	value_set_text(cx->arena, values, "paused_by", is_on || cx->actor.name == NULL ? "" : cx->actor.name);
	value_set_text(cx->arena, values, "paused_why", "");
	return RC_OK;
}

enum rc schedule_before_save(struct cx *cx, int64_t id, struct value *values)
{
	const char *rule = value_text_of(value_get(values, "rule"), ""), *why = "";
	const char *name = value_text_of(value_get(values, "zone"), "");
	const struct zone *zone = zone_of(cx, name);
	instant next = 0;

	if (zone == NULL) return cx_fail_field(cx, "zone", _("The time zone “%s” is not known."), name);
	if (rule_next(&next, &why, rule, zone, cx_now(cx)) != RC_OK)
		return cx_fail_field(cx, "rule", "%s", words_get(cx->lang, why));
	return check_stored(cx, id, rule, values);
}

/* The scheduler looks now, not in a while. */
enum rc schedule_after_save(struct cx *cx, int64_t id, bool is_new, const struct value *values)
{
	(void)id;
	(void)is_new;
	(void)values;
	tx_wake(cx, WAKE_WORK);
	return RC_OK;
}

const char *schedule_name_shown(struct cx *cx, const char *stored)
{
	return words_get(cx->lang, work_schedule_title(stored));
}

/* Actions */

static enum rc run_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	int64_t job = 0;
	enum rc rc = schedule_run_now(cx, &job, id);

	(void)call;
	if (rc == RC_OK) *done = arena_printf(cx->arena, _("It runs now, as job %lld."), (long long)job);
	return rc;
}

static enum rc pause_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	const char *reason = call != NULL ? form_text(call, "reason") : NULL;
	enum rc rc = schedule_pause(cx, id, reason != NULL ? reason : "");

	if (rc == RC_OK) *done = _("Paused; none of its times counts until it is resumed.");
	return rc;
}

static enum rc resume_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = schedule_resume(cx, id);

	(void)call;
	if (rc == RC_OK) *done = _("Resumed; it counts from now on.");
	return rc;
}

static enum rc reset_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = schedule_reset(cx, id);

	(void)call;
	if (rc == RC_OK) *done = _("Put back as the program has it.");
	return rc;
}

static enum rc asked_job(struct cx *cx, int64_t id, int64_t *job)
{
	instant due = 0;
	enum rc rc = schedule_asked(cx, job, &due, id);

	return rc == RC_NOT_FOUND
		       ? cx_fail(cx, RC_CONFLICT, "%s", _("Nobody is asked any more: it is too late now."))
		       : rc;
}

static enum rc yes_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	int64_t job = 0;
	enum rc rc = tx_begin(cx);

	(void)call;
	if (rc == RC_OK) rc = asked_job(cx, id, &job);
	if (rc == RC_OK) rc = job_run_again(cx, job);
	if (rc == RC_OK) rc = audit_add(cx, "late_yes", "schedule", id, NULL, NULL);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) *done = _("It runs now, marked late.");
	return rc;
}

static enum rc no_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	const char *who = cx->actor.name != NULL ? cx->actor.name : "";
	int64_t job = 0;
	enum rc rc = tx_begin(cx);

	(void)call;
	if (rc == RC_OK) rc = asked_job(cx, id, &job);
	if (rc == RC_OK)
		rc = job_answer_no(
			cx, job,
			sentence_keep(cx->arena, cx->lang, _("Missed; %s decided to leave it out."), who));
	if (rc == RC_OK) rc = audit_add(cx, "late_no", "schedule", id, NULL, NULL);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) *done = _("Left out.");
	return rc;
}

#define IS_ASKED                                                                                   \
	"EXISTS (SELECT 1 FROM job j WHERE j.schedule_id = t.id AND j.is_asked = 1 AND j.state = " \
	"'cancelled' AND j.due_at + t.late_limit_s * 1000 >= :now)"

const struct action schedules_actions[] = {
	{ .name = "late-yes",
	  .title = N_("Yes, run it late"),
	  .right = "jobs.edit",
	  .when = IS_ASKED,
	  .run = yes_run },
	{ .name = "late-no",
	  .title = N_("No, leave it out"),
	  .right = "jobs.edit",
	  .when = IS_ASKED,
	  .run = no_run },
	{ .name = "run", .title = N_("Run now"), .right = "jobs.edit", .run = run_run },
	{ .name = "pause",
	  .title = N_("Pause"),
	  .right = "jobs.edit",
	  .is_bulk = true,
	  .when = "t.is_enabled = 1",
	  .page = "/schedules/:id/pause",
	  .takes = reason_takes,
	  .run = pause_run },
	{ .name = "resume",
	  .title = N_("Resume"),
	  .right = "jobs.edit",
	  .is_bulk = true,
	  .when = "t.is_enabled = 0",
	  .run = resume_run },
	{ .name = "reset",
	  .title = N_("Put back the default"),
	  .right = "jobs.edit",
	  .confirm = N_("Rule, late rule and limit become what the program brought. Go on?"),
	  .when = "t.default_rule <> '' AND (t.rule <> t.default_rule OR t.late_rule <> t.default_late_rule"
		  " OR t.late_limit_s <> t.default_late_limit_s)",
	  .run = reset_run },
	{ .name = NULL },
};

/* Pages */

static const char *instant_local(struct cx *cx, instant at, const struct zone *zone)
{
	char text[RFC3339_SIZE];

	instant_text_local(text, at, zone);
	return arena_text(cx->arena, text);
}

void schedules_list_extra(struct cx *cx, struct value *page)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, page, "asked");

	if (db_rows(cx, &rows, ASKED_SHOWN,
		    "SELECT s.id, s.name, max(j.due_at) AS due_at FROM job j JOIN schedule s ON s.id = j.schedule_id "
		    "WHERE j.is_asked = 1 AND j.due_at + s.late_limit_s * 1000 >= :now GROUP BY s.id LIMIT :max",
		    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":max", ASKED_SHOWN))) != RC_OK)
		return;
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "title",
			       schedule_name_shown(cx, value_text_of(value_get(v, "name"), "")));
		value_set_text(cx->arena, one, "due",
			       instant_local(cx, value_int_of(value_get(v, "due_at"), 0), cx->env->zone));
		value_set_text(cx->arena, one, "href",
			       arena_printf(cx->arena, "/schedules/%lld",
					    (long long)value_int_of(value_get(v, "id"), 0)));
	}
}

static void show_runs(struct cx *cx, int64_t id, struct value *page)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, page, "runs");

	if (db_rows(cx, &rows, RUNS_SHOWN,
		    "SELECT id, state, run_at, finished_at, is_late, note, error FROM job WHERE schedule_id = :id "
		    "ORDER BY id DESC LIMIT :max",
		    PARAMS(P_INT(":id", id), P_INT(":max", RUNS_SHOWN))) != RC_OK)
		return;
	job_words(cx, rows, "note");
	job_words(cx, rows, "error");
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, list);
		const char *state = value_text_of(value_get(v, "state"), "");
		const char *error = value_text_of(value_get(v, "error"), "");

		value_set_text(cx->arena, one, "href",
			       arena_printf(cx->arena, "/jobs/%lld",
					    (long long)value_int_of(value_get(v, "id"), 0)));
		value_set_text(cx->arena, one, "at",
			       instant_local(cx, value_int_of(value_get(v, "run_at"), 0), cx->env->zone));
		value_set_text(cx->arena, one, "state", words_get(cx->lang, job_state_title(state)));
		value_set_text(cx->arena, one, "mark", mark_of(state) != NULL ? mark_of(state) : "quiet");
		value_set_bool(cx->arena, one, "is_late", value_int_of(value_get(v, "is_late"), 0) != 0);
		value_set_text(cx->arena, one, "said",
			       error[0] != '\0' ? error : value_text_of(value_get(v, "note"), ""));
	}
	value_set_bool(cx->arena, page, "has_runs", list->count > 0);
}

void schedules_show(struct cx *cx, int64_t id, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "times"), *row = NULL;
	const struct zone *zone;
	instant times[NEXT_SHOWN], due = 0;
	int64_t job = 0;
	size_t count = 0;

	show_runs(cx, id, page);
	if (schedule_asked(cx, &job, &due, id) == RC_OK)
		value_set_text(cx->arena, page, "asked_due", instant_local(cx, due, cx->env->zone));
	if (db_row(cx, &row, "SELECT zone, is_enabled, rule_setting FROM schedule WHERE id = :id",
		   PARAMS(P_INT(":id", id))) != RC_OK)
		return;
	zone = zone_of(cx, value_text_of(value_get(row, "zone"), ""));
	value_set_text(cx->arena, page, "rule_setting", value_text_of(value_get(row, "rule_setting"), ""));
	value_set_bool(cx->arena, page, "is_paused", value_int_of(value_get(row, "is_enabled"), 0) == 0);
	if (zone == NULL || schedule_times(cx, id, times, NEXT_SHOWN, &count) != RC_OK) return;
	for (size_t i = 0; i < count; i++)
		value_set_text(cx->arena, value_add_map(cx->arena, list), "at",
			       instant_local(cx, times[i], zone));
	value_set_text(cx->arena, page, "zone_shown", zone_name(zone));
	value_set_bool(cx->arena, page, "has_times", list->count > 0);
}
