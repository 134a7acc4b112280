/*
** notice.c -- notices outside the daily plan: reminders by hand, confirmations, and the job
** that runs the plan.
**
** Holds: a fact row by hand never touches the two UNIQUE indexes of the plan (origin manual).
*/
#include "base/phone.h"
#include "base/text.h"
#include "renewals/renewals.h"
#include <string.h>

struct addressee {
	int64_t client_id, contact_id;
	struct subscription_facts facts;
	const char *phone, *skip, *ends_on;
};

/* Everything a message to one subscription's customer needs, and why it may not be written. */
static enum rc read_addressee(struct cx *cx, struct addressee *out, const struct notice_new *notice)
{
	struct query *q = NULL;
	struct phone parsed;
	day end = 0;
	enum rc rc = db_query(
		cx, &q,
		"SELECT c.id, c.given_names || CASE WHEN c.surnames = '' THEN '' ELSE ' ' || c.surnames END, v.display_name,"
		" s.price_cents, s.currency, s.ends_on, coalesce(c.phone, ''), coalesce(k.id, 0), coalesce(k.dead_reason, ''),"
		" EXISTS (SELECT 1 FROM opt_out o WHERE o.contact_id = k.id AND o.topic = :topic)"
		" FROM subscription s JOIN client c ON c.id = s.client_id JOIN service v ON v.id = s.service_id"
		" LEFT JOIN contact k ON k.kind = 'phone' AND k.address = c.phone WHERE s.id = :id",
		PARAMS(P_TEXT(":topic", notice->topic), P_INT(":id", notice->subscription_id)));

	if (rc == RC_OK && query_next(q)) {
		out->client_id = query_int(q, 0);
		out->ends_on = query_copy(cx, q, 5);
		if (day_parse(&end, out->ends_on) != RC_OK) end = cx_today(cx);
		out->facts = (struct subscription_facts){ .client = query_copy(cx, q, 1),
							  .service = query_copy(cx, q, 2),
							  .price_cents = query_int(q, 3),
							  .currency = query_copy(cx, q, 4),
							  .ends_on = end,
							  .days_left = notice->days_left };
		out->phone = query_copy(cx, q, 6);
		out->contact_id = query_int(q, 7);
		if (out->phone[0] == '\0')
			out->skip = "no_phone";
		else if (phone_parse(&parsed, NULL, out->phone,
				     setting_text(cx->env->settings, "business.region")) != RC_OK)
			out->skip = "bad_phone";
		else if (parsed.kind == PHONE_LANDLINE)
			out->skip = "landline";
		else if (query_int(q, 9) != 0)
			out->skip = "opt_out";
		else
			out->skip = strcmp(query_text(q, 8), "") == 0 ? "" : query_copy(cx, q, 8);
	} else if (rc == RC_OK)
		rc = RC_NOT_FOUND;
	return query_end(q, rc);
}

enum rc notice_add_manual(struct cx *cx, int64_t *notice_id, int64_t *message_id, const char **skip,
			  const struct notice_new *notice)
{
	struct addressee to = { .skip = "" };
	char local_on[DATE_SIZE], public_id[PUBLIC_ID_SIZE];
	int64_t batch = 0, message = 0, id;
	bool is_automatic = strcmp(notice->type, "payment_reminder") == 0;
	enum rc rc = read_addressee(cx, &to, notice);

	if (rc != RC_OK) return rc;
	day_text(local_on, cx_today(cx));
	public_id_new(public_id);
	rc = batch_open(cx, &batch,
			&(struct batch_new){ .kind = "renewals.single",
					     .title = words_get(cx->env->lang, notice->title),
					     .origin = "manual",
					     .local_on = local_on });
	if (rc == RC_OK) rc = batch_planned(cx, batch);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT INTO notice (public_id, subscription_id, client_id, type, stage, days_left, cycle_ends_on, local_on,"
			" origin, batch_id, skip_reason, created_by, created_at, search) VALUES (:public_id, :subscription, :client,"
			" :type, :stage, :days, :cycle, :local_on, :origin, :batch, :skip, :by, :now, :search)",
			PARAMS(P_TEXT(":public_id", public_id),
			       P_INT(":subscription", notice->subscription_id),
			       P_INT(":client", to.client_id), P_TEXT(":type", notice->type),
			       P_INT(":stage", notice->days_left), P_INT(":days", notice->days_left),
			       P_TEXT(":cycle", to.ends_on), P_TEXT(":local_on", local_on),
			       P_TEXT(":origin", is_automatic ? "auto" : "manual"), P_INT(":batch", batch),
			       P_TEXT(":skip", to.skip), P_TEXT(":by", cx->actor.name),
			       P_INT(":now", cx_now(cx)),
			       P_TEXT(":search",
				      text_fold(cx->arena,
						arena_printf(cx->arena, "%s %s %s", to.facts.client,
							     to.facts.service, to.phone)))));
	id = rc == RC_OK ? db_last_id(cx) : 0;
	if (rc == RC_OK && to.skip[0] == '\0') {
		if (to.contact_id == 0) rc = contact_ensure(cx, &to.contact_id, "phone", to.phone);
		if (rc == RC_OK)
			rc = outbox_add(
				cx, &message,
				&(struct message_new){
					.batch_id = batch,
					.channel = "whatsapp",
					.contact_id = to.contact_id,
					.topic = notice->topic,
					.occasion = arena_printf(cx->arena, "notice:%lld", (long long)id),
					.template_version_id = notice->template_version_id,
					.variables = texts_variables(cx, &to.facts),
					.expires_at = zone_midnight(cx->env->zone, cx_today(cx) + 1),
					.priority = 2 });
		if (rc == RC_OK)
			rc = db_run(cx, "UPDATE notice SET message_id = :message WHERE id = :id",
				    PARAMS(P_INT(":message", message), P_INT(":id", id)));
	}
	if (rc == RC_OK) {
		*notice_id = id;
		*message_id = message;
		*skip = to.skip[0] != '\0' ? skip_words(cx->lang, to.skip) : "";
	}
	return rc;
}

enum rc plan_start(struct cx *cx, int64_t *job, const struct plan_options *options)
{
	struct value *args = value_map(cx->arena), *stages = value_set_list(cx->arena, args, "stages");
	char date[DATE_SIZE];
	enum rc rc, added;

	day_text(date, options->date);
	value_set_text(cx->arena, args, "date", date);
	value_set_text(cx->arena, args, "origin", options->origin);
	value_set_text(cx->arena, args, "batch_origin", options->batch_origin);
	value_set_bool(cx->arena, args, "is_whole", options->is_whole);
	for (size_t i = 0; i < options->stage_count; i++)
		value_set_int(cx->arena, value_add_map(cx->arena, stages), "days", options->stages[i]);
	rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	added = job_add(cx, job,
			&(struct job_new){ .kind = "renewals.plan", .slot = "renewals.plan", .args = args });
	rc = tx_end(cx, added == RC_CONFLICT ? RC_OK : added);
	return rc == RC_OK ? added : rc;
}

/* The job: the day's run of the schedule has no arguments, the others carry their options. */
static enum rc plan_job(struct cx *cx, struct job *job)
{
	const struct value *args = job_args(job), *stages = value_get(args, "stages");
	struct plan_options options = {
		.date = cx_today(cx), .origin = "auto", .batch_origin = "auto", .is_whole = true
	};
	struct plan_result result;
	const char *date = value_text_of(value_get(args, "date"), "");
	enum rc rc = RC_OK;

	if (stages != NULL && stages->first != NULL) {
		for (const struct value *s = stages->first; s != NULL && options.stage_count < STAGES_MAX;
		     s = s->next)
			options.stages[options.stage_count++] = value_int_of(value_get(s, "days"), 0);
		options.origin = value_text_of(value_get(args, "origin"), "auto");
		options.batch_origin = value_text_of(value_get(args, "batch_origin"), "auto");
		options.is_whole = value_bool_of(value_get(args, "is_whole"), false);
		rc = day_parse(&options.date, date);
	} else
		options.stage_count = plan_stages_default(cx, options.stages);
	if (rc == RC_OK && !setting_bool(cx->env->settings, "renewals.notices")) {
		job_note(cx, job, _("Notices are switched off (renewals.notices)."));
		return RC_OK;
	}
	if (rc == RC_OK) rc = plan_run(cx, job, &options, &result);
	for (size_t i = rc == RC_OK ? result.stage_count : 0; i-- > 0;)
		job_say(cx, job, SAY_INFO, _("%d days: found %lld, to send %lld, skipped %lld."),
			result.stages[i].days, (long long)result.stages[i].found,
			(long long)result.stages[i].planned, (long long)result.stages[i].skipped);
	if (rc == RC_OK) {
		struct value *out = value_map(cx->arena);

		value_set_int(cx->arena, out, "batch_id", result.batch_id);
		rc = job_result(cx, job, out);
	}
	return rc;
}

static enum rc expiry_job(struct cx *cx, struct job *job)
{
	int64_t count = 0;
	enum rc rc = expiry_run(cx, cx_today(cx), &count);

	if (rc == RC_OK) job_note(cx, job, _("%lld subscriptions expired."), (long long)count);
	return rc;
}

const struct job_kind renewals_plan_jobs[] = {
	{ .name = "renewals.plan",
	  .title = N_("Plan the day's notices"),
	  .queue = "renewals",
	  .attempts_max = 5,
	  .time_limit_s = 1800,
	  .delay_s = 30,
	  .run = plan_job },
	{ .name = "renewals.expiry",
	  .title = N_("Expire what is past"),
	  .queue = "renewals",
	  .attempts_max = 5,
	  .time_limit_s = 1800,
	  .delay_s = 60,
	  .run = expiry_job },
	{ .name = NULL },
};
