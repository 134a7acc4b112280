/*
** forecast.c -- the daily plan as a forecast runs it: the rows that can matter, the plan itself, and what it
** wrote.
**
** Needs:  plan.c and expiry.c as they are; nothing here decides who gets a notice.
** Holds, and why nothing that matters is left out of a stand-in:
**   subscription  has the active ones, not archived, that end by the window's last day and the furthest
**                 stage, and all unpaid active ones when payment reminders are on. The plan reads no others,
**                 and none becomes active or moves its end in the window, because nobody renews in a
**                 forecast;
**   notice        has the automatic ones whose end is not past when the window begins. Both UNIQUE rules, and
**                 the plan's questions, speak of the end or the day of a notice that is planned in the
**                 window: an end before it has no stage in it. Those of a stage are planned that many days
**                 before the end at the earliest, so older days are not read.
*/
#include "outbox/planner.h"
#include "renewals/renewals.h"
#include <string.h>

static const char *why_none(struct cx *cx)
{
	return setting_bool(cx->env->settings, "renewals.notices")
		       ? ""
		       : _("Notices are switched off (renewals.notices).");
}

static day furthest_stage(struct cx *cx)
{
	int64_t stages[STAGES_MAX], most = 0;
	size_t count = plan_stages_default(cx, stages);

	for (size_t i = 0; i < count; i++)
		if (stages[i] > most) most = stages[i];
	return (day)most;
}

static enum rc prepare(struct cx *cx, day from, day until)
{
	static const char *const due[] = { "subscription_due", "subscription_unpaid", NULL };
	bool reminds = setting_int(cx->env->settings, "renewals.payment_reminder_days") > 0;
	day stage = furthest_stage(cx);
	char first[DATE_SIZE], last[DATE_SIZE], since[DATE_SIZE];
	enum rc rc;

	day_text(first, from);
	day_text(last, until + stage);
	day_text(since, from - stage);
	rc = db_stand_in(
		cx,
		&(struct stand_in){
			.table = "subscription",
			.indexes = due,
			.fill = "INSERT INTO temp.subscription SELECT * FROM main.subscription WHERE id IN ("
				"SELECT id FROM main.subscription INDEXED BY subscription_due WHERE state = 'active'"
				" AND archived_at IS NULL AND ends_on <= :last UNION ALL"
				" SELECT id FROM main.subscription INDEXED BY subscription_unpaid WHERE :reminds"
				" AND payment_status = 'pending' AND state = 'active' AND archived_at IS NULL)" },
		PARAMS(P_TEXT(":last", last), P_INT(":reminds", reminds)));
	if (rc == RC_OK)
		rc = db_stand_in(cx,
				 &(struct stand_in){
					 .table = "notice",
					 .fill = "INSERT INTO temp.notice SELECT * FROM main.notice"
						 " WHERE local_on >= :since AND type = 'expiration_warning'"
						 " AND origin <> 'manual' AND cycle_ends_on >= :first" },
				 PARAMS(P_TEXT(":since", since), P_TEXT(":first", first)));
	if (rc == RC_OK && reminds)
		rc = db_run(
			cx,
			"INSERT INTO temp.notice SELECT * FROM main.notice WHERE type = 'payment_reminder'"
			" AND cycle_ends_on >= :first AND subscription_id IN"
			" (SELECT id FROM temp.subscription WHERE payment_status = 'pending')",
			PARAMS(P_TEXT(":first", first)));
	return rc;
}

/* As the job of the schedule does it (notice.c). */
static enum rc plan(struct cx *cx, day on)
{
	struct plan_options options = {
		.date = on, .origin = "auto", .batch_origin = "auto", .is_whole = true, .is_forecast = true
	};
	struct plan_result result;
	int64_t expired = 0;

	if (why_none(cx)[0] != '\0') return expiry_run(cx, on, &expired);
	options.stage_count = plan_stages_default(cx, options.stages);
	return plan_run(cx, NULL, &options, &result);
}

static const struct planner_word kinds[] = {
	{ "expiration_warning", N_("Notice before the end") },
	{ "payment_reminder", N_("Payment reminder") },
	{ NULL, NULL },
};

/* The messages of the run with the fact rows they are about (the occasion is "notice:ID"), then who was left
** out by the fact rows that came since. */
static const char leaving_sql[] =
	"SELECT n.subscription_id, m.template_version_id, n.days_left, n.type FROM temp.message m"
	" CROSS JOIN temp.notice n ON n.id = CAST(substr(m.occasion, 8) AS INTEGER) ORDER BY m.id";
static const char skipped_sql[] =
	"SELECT n.subscription_id, 0, n.days_left, n.type, n.skip_reason FROM temp.notice n WHERE n.id > :after"
	" AND n.skip_reason <> '' ORDER BY n.id";

static enum rc tell_rows(struct query *q, bool is_skipped, planned_fn *to, void *arg)
{
	enum rc rc = RC_OK;

	while (rc == RC_OK && query_next(q))
		rc = to(arg, &(struct planned){ .subject_id = query_int(q, 0),
						.version_id = query_int(q, 1),
						.days = (int)query_int(q, 2),
						.kind = query_text(q, 3),
						.skip = is_skipped ? query_text(q, 4) : "" });
	return rc;
}

static enum rc tell(struct cx *cx, int64_t *place, planned_fn *to, void *arg)
{
	struct query *q = NULL;
	int64_t last = 0;
	enum rc rc;

	rc = db_query(cx, &q, leaving_sql, NO_PARAMS);
	if (rc == RC_OK) rc = tell_rows(q, false, to, arg);
	rc = query_end(q, rc);
	q = NULL;
	if (rc == RC_OK) rc = db_query(cx, &q, skipped_sql, PARAMS(P_INT(":after", *place)));
	if (rc == RC_OK) rc = tell_rows(q, true, to, arg);
	rc = query_end(q, rc);
	if (rc == RC_OK)
		rc = db_get_int(cx, &last, "SELECT coalesce(max(id), 0) FROM temp.notice", NO_PARAMS);
	if (rc == RC_OK) *place = last;
	return rc;
}

static enum rc show(struct cx *cx, struct planned_shown *line)
{
	bool is_warning = strcmp(line->kind, kinds[0].code) == 0;
	struct subscription_facts facts;
	struct query *q = NULL;
	day ends_on = 0;
	enum rc rc = db_query(
		cx, &q,
		"SELECT s.public_id, c.given_names || CASE WHEN c.surnames = '' THEN '' ELSE ' ' || c.surnames END,"
		" v.display_name, coalesce(c.phone, ''), s.price_cents, s.currency, s.ends_on FROM subscription s"
		" JOIN client c ON c.id = s.client_id JOIN service v ON v.id = s.service_id WHERE s.id = :id",
		PARAMS(P_INT(":id", line->subject_id)));

	if (rc == RC_OK && query_next(q)) {
		line->href = arena_printf(cx->arena, "/subscriptions/%s", query_text(q, 0));
		line->who = query_copy(cx, q, 1);
		line->what = query_copy(cx, q, 2);
		line->address = query_copy(cx, q, 3);
		if (day_parse(&ends_on, query_text(q, 6)) != RC_OK) ends_on = line->on;
		facts = (struct subscription_facts){ .client = line->who,
						     .service = line->what,
						     .price_cents = query_int(q, 4),
						     .currency = query_copy(cx, q, 5),
						     .ends_on = is_warning ? line->on + line->days : ends_on,
						     .days_left = line->days };
		rc = query_end(q, rc);
	} else
		return query_end(q, rc);
	if (rc == RC_OK && line->wants_text && line->version_id != 0)
		rc = template_render_version(cx, &line->text, line->version_id, texts_variables(cx, &facts));
	return rc;
}

const struct planner renewals_planners[] = {
	{ .name = "renewals.daily",
	  .title = N_("Renewal notices"),
	  .kinds = kinds,
	  .skips = renewals_skip_reasons,
	  .right = "subscriptions.view",
	  .right_all = "clients.all",
	  .own = "SELECT id FROM subscription WHERE client_id IN (SELECT id FROM client WHERE owner_id = :actor)",
	  .find = "SELECT id FROM subscription WHERE instr(search, :words) > 0",
	  .list = "subscriptions",
	  .why_none = why_none,
	  .prepare = prepare,
	  .plan = plan,
	  .tell = tell,
	  .show = show },
	{ .name = NULL },
};
