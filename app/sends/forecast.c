/*
** forecast.c -- what timed sends will send: each row that may be sent, at the hour of its send.
**
** Never:  writes anything, also no stand-in: the rows were judged when their file was imported.
** Holds:  (1) a line is a row of bulk_recipient, so a stored forecast has no address in it; (2) it runs once,
**         not at each look of the schedule: the hour is the send's own.
*/
#include "sends/bulk_pages.h"

#define AHEAD_MS (92 * DAY_MS) /* no forecast looks further */

static const char *why_none(struct cx *cx)
{
	if (!setting_bool(cx->env->settings, "sends.enabled"))
		return _("Bulk sends are switched off (sends.enabled).");
	return setting_bool(cx->env->settings, "sends.scheduler")
		       ? ""
		       : _("Timed sends do not start by themselves (sends.scheduler).");
}

static enum rc plan(struct cx *cx, day on, planned_fn *to, void *arg)
{
	struct query *q = NULL;
	enum rc rc;

	(void)on;
	if (why_none(cx)[0] != '\0') return RC_OK;
	rc = db_query(
		cx, &q,
		"SELECT r.id, s.scheduled_at FROM bulk_send s CROSS JOIN bulk_recipient r ON r.bulk_id = s.id"
		" AND r.import_version = s.import_version WHERE s.status = 'pending' AND s.scheduled_at IS NOT NULL"
		" AND s.scheduled_at < :until AND s.import_status IN ('ready', 'ready_with_errors') AND r.error_code = ''"
		" ORDER BY s.scheduled_at",
		PARAMS(P_INT(":until", cx_now(cx) + AHEAD_MS)));
	while (rc == RC_OK && query_next(q))
		rc = to(arg, &(struct planned){ .subject_id = query_int(q, 0),
						.kind = "campaign",
						.skip = "",
						.at = query_int(q, 1) });
	return query_end(q, rc);
}

static enum rc tell(struct cx *cx, int64_t *place, planned_fn *to, void *arg)
{
	(void)cx, (void)place, (void)to, (void)arg;
	return RC_OK;
}

static enum rc show(struct cx *cx, struct planned_shown *line)
{
	struct value *row = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT r.name, r.recipient, s.public_id, coalesce(nullif(s.template_name, ''), s.template_id)"
		" AS template FROM bulk_recipient r JOIN bulk_send s ON s.id = r.bulk_id WHERE r.id = :id",
		PARAMS(P_INT(":id", line->subject_id)));

	if (rc == RC_NOT_FOUND) return RC_OK;
	if (rc != RC_OK) return rc;
	line->who = text_at(row, "name")[0] != '\0' ? text_at(row, "name") : text_at(row, "recipient");
	line->what = text_at(row, "template");
	line->address = text_at(row, "recipient");
	line->href = arena_printf(cx->arena, "/sends/%s", text_at(row, "public_id"));
	return RC_OK;
}

static const struct planner_word kinds[] = {
	{ "campaign", N_("Mail of a timed send") },
	{ NULL, NULL },
};
static const struct planner_word skips[] = { { NULL, NULL } };

const struct planner sends_planners[] = {
	{ .name = "sends.schedule",
	  .title = N_("Timed bulk sends"),
	  .runs_once = true,
	  .kinds = kinds,
	  .skips = skips,
	  .right = RIGHT_VIEW,
	  .find = "SELECT r.id FROM bulk_send s CROSS JOIN bulk_recipient r ON r.bulk_id = s.id WHERE s.status = 'pending'"
		  " AND s.scheduled_at IS NOT NULL AND instr(lower(r.recipient), :words) > 0",
	  .why_none = why_none,
	  .plan = plan,
	  .tell = tell,
	  .show = show },
	{ .name = NULL },
};
