/*
** schedules_page.c -- when the house works by itself: rules, zones, what happens to a missed time; all
** to be changed.
**
** Needs:  work.h, whose scheduler looks at the table and plans anew what changed.
** Never:  computes a due time itself (rule_next does).
** Holds:  a rule or zone that is none is refused with its sentence, so the scheduler never meets one.
*/
#include "desk/inner.h"

#define NEXT_SHOWN     5                /* enough to see a pattern: the working days of a week          */
#define LATE_LIMIT_MAX (31 * 24 * 3600) /* seconds: a month; what is older is not late, it is history */

const struct column schedules_columns[] = {
	{ .name = "name", .title = N_("Name"), .type = COLUMN_TEXT, .flags = COL_READONLY | COL_LIST },
	{ .name = "job_kind", .title = N_("Work"), .type = COLUMN_TEXT, .flags = COL_READONLY },
	{ .name = "rule",
	  .title = N_("Rule"),
	  .type = COLUMN_TEXT,
	  .flags = COL_REQUIRED | COL_LIST,
	  .max = 100,
	  .help = N_(
		  "Minute, hour, day, month, weekday, as in cron: 0 9 * * 1-5. Or: every 5 min after 2 min.") },
	{ .name = "zone",
	  .title = N_("Time zone"),
	  .type = COLUMN_TEXT,
	  .max = 60,
	  .help = N_("Left empty: the business's.") },
	{ .name = "is_enabled", .title = N_("Switched on"), .type = COLUMN_BOOL, .flags = COL_LIST },
	{ .name = "late_rule",
	  .title = N_("When a time was missed"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_REQUIRED,
	  .choices = "run=run once, marked late|skip=leave it out|ask=ask a person" },
	{ .name = "late_limit_s",
	  .title = N_("Late at most (seconds)"),
	  .type = COLUMN_INT,
	  .flags = COL_REQUIRED,
	  .min = 0,
	  .max = LATE_LIMIT_MAX },
	{ .name = "last_due_at",
	  .title = N_("Last time"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "next_due_at",
	  .title = N_("Next time"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
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

enum rc schedule_before_save(struct cx *cx, int64_t id, struct value *values)
{
	const char *rule = value_text_of(value_get(values, "rule"), ""), *why = "";
	const char *name = value_text_of(value_get(values, "zone"), "");
	const struct zone *zone = zone_of(cx, name);
	instant next = 0;

	(void)id;
	if (zone == NULL) return cx_fail_field(cx, "zone", _("The time zone “%s” is not known."), name);
	if (rule_next(&next, &why, rule, zone, cx_now(cx)) != RC_OK)
		return cx_fail_field(cx, "rule", "%s", words_get(cx->lang, why));
	return RC_OK;
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

void schedules_show(struct cx *cx, int64_t id, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "times"), *row = NULL;
	const char *why = "", *name;
	const struct zone *zone;
	instant at = cx_now(cx);

	if (db_row(cx, &row, "SELECT rule, zone, is_enabled FROM schedule WHERE id = :id",
		   PARAMS(P_INT(":id", id))) != RC_OK)
		return;
	name = value_text_of(value_get(row, "zone"), "");
	zone = zone_of(cx, name);
	if (zone == NULL || value_int_of(value_get(row, "is_enabled"), 0) == 0) return;
	for (int i = 0; i < NEXT_SHOWN; i++) {
		char text[RFC3339_SIZE];

		if (rule_next(&at, &why, value_text_of(value_get(row, "rule"), ""), zone, at) != RC_OK) break;
		instant_text_local(text, at, zone);
		value_set_text(cx->arena, value_add_map(cx->arena, list), "at", text);
	}
	value_set_text(cx->arena, page, "zone_shown", zone_name(zone));
	value_set_bool(cx->arena, page, "has_times", list->count > 0);
}
