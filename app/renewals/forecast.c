/*
** forecast.c -- the daily plan as a forecast runs it: the rows that can matter, the plan itself, and what it
** wrote.
**
** Needs:  plan.c and expiry.c as they are; nothing here decides who gets a notice.
** Holds, and why nothing that matters is left out of a stand-in:
**   subscription  has a share of the active ones, not archived, that end by the window's last day and the
**                 furthest stage, and of all unpaid active ones when payment reminders are on. The plan reads
**                 no others, and none becomes active or moves its end, because nobody renews in a forecast;
**   notice        has their automatic ones whose end is not past when the window begins. Both UNIQUE rules,
**                 and the plan's questions, speak of the end or the day of a notice that is planned in the
**                 window: an end before it has no stage in it;
**   contact       has those with their customers' numbers: the plan asks for no others.
** A share is whole: the rules about a subscription speak of no other one.
*/
#include "outbox/planner.h"
#include "renewals/renewals.h"
#include <string.h>

#define SHARE 700 /* subscriptions: with what is planned for them 1 MB, which a processor's cache holds */

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

static enum rc fill_subscriptions(struct cx *cx, const struct planner_share *share)
{
	static const char *const named[] = { "subscription_due", "subscription_unpaid", NULL };
	char last[DATE_SIZE];

	day_text(last, share->until + furthest_stage(cx));
	return db_stand_in(
		cx,
		&(struct stand_in){
			.table = "subscription",
			.indexes = named,
			.fill = "INSERT INTO temp.subscription SELECT * FROM main.subscription NOT INDEXED WHERE id > :after"
				" AND state = 'active' AND archived_at IS NULL AND (ends_on <= :last OR"
				" (:reminds AND payment_status = 'pending')) ORDER BY id LIMIT :size" },
		PARAMS(P_INT(":after", share->place), P_TEXT(":last", last),
		       P_INT(":reminds",
			     setting_int(cx->env->settings, "renewals.payment_reminder_days") > 0),
		       P_INT(":size", SHARE)));
}

static enum rc prepare(struct cx *cx, struct planner_share *share)
{
	char first[DATE_SIZE];
	int64_t count = 0;
	enum rc rc = fill_subscriptions(cx, share);

	day_text(first, share->from);
	if (rc == RC_OK)
		rc = db_stand_in(
			cx,
			&(struct stand_in){
				.table = "notice",
				.fill = "INSERT INTO temp.notice SELECT n.* FROM temp.subscription s CROSS JOIN main.notice n"
					" INDEXED BY notice_once_a_cycle ON n.subscription_id = s.id"
					" AND n.cycle_ends_on >= :first AND n.origin <> 'manual'"
					" AND n.type <> 'renewal_confirmation'" },
			PARAMS(P_TEXT(":first", first)));
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT OR IGNORE INTO temp.contact SELECT * FROM main.contact WHERE kind = 'phone' AND address"
			" IN (SELECT c.phone FROM temp.subscription s CROSS JOIN client c ON c.id = s.client_id)",
			NO_PARAMS);
	if (rc == RC_OK) rc = db_get_int(cx, &count, "SELECT count(*) FROM temp.subscription", NO_PARAMS);
	if (rc == RC_OK && count > 0)
		rc = db_get_int(cx, &share->place, "SELECT max(id) FROM temp.subscription", NO_PARAMS);
	if (rc == RC_OK)
		rc = db_get_int(cx, &share->told, "SELECT coalesce(max(id), 0) FROM temp.notice", NO_PARAMS);
	if (rc == RC_OK && share->total == 0)
		rc = db_get_int(cx, &share->total, "SELECT coalesce(max(id), 0) FROM main.subscription",
				NO_PARAMS);
	share->is_last = count < SHARE;
	return rc;
}

/* As the job of the schedule does it (notice.c). */
static enum rc plan(struct cx *cx, day on, planned_fn *to, void *arg)
{
	struct plan_options options = { .date = on,
					.origin = "auto",
					.batch_origin = "auto",
					.is_whole = true,
					.foretold = to,
					.foretold_to = arg };
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

/* What the plan did not tell itself: the messages of the run with the fact rows they are about (the occasion
** is "notice:ID"), then who was left out by the fact rows that came since. */
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
