/*
** why.c -- what the renewals know of one customer for "Why did Ana not get it?": each notice of the last
** months, each that is to come, each day on which one was due and none was planned; and the rule.
**
** Needs:  plan_judge() for who is left out: the rule is not written twice.
** Never:  writes.
** Holds:  a notice is told once: by its fact row when it has one, else by the day on which it was or will be
** due.
*/
#include "renewals/statistics.h"
#include <string.h>

#define NOTICES_SHOWN       200 /* of one customer in three months                     */
#define SUBSCRIPTIONS_SHOWN 40  /* of one customer                                      */
#define PERIODS_SHOWN       100 /* of all of them in three months, about                */

/* One customer, as far as the rules ask. */
struct customer {
	int64_t id;
	const char *phone, *phone_kind, *dead, *public_id;
	bool is_out, is_active, has_live;
	instant archived_at;
};

struct line { /* a subscription */
	int64_t id;
	const char *service, *state, *ends_on, *href;
	instant created_at, cancelled_at, archived_at;
	bool cancel_at_end, has_notices;
};

static const struct {
	const char *code, *msgid;
} sentences[] = {
	{ "no_phone", N_("The customer has no phone number.") },
	{ "bad_phone", N_("The phone number is not valid for WhatsApp: correct it.") },
	{ "landline", N_("The phone number is a landline: WhatsApp does not reach it.") },
	{ "opt_out", N_("The customer asked for no notices.") },
	{ "no_whatsapp", N_("The number has no WhatsApp.") },
	{ "notices_off", N_("Notices are switched off for this subscription.") },
	{ "dead", N_("The number does not receive messages.") },
};

static const char *sentence_of(struct cx *cx, const char *code)
{
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
		if (strcmp(sentences[i].code, code) == 0) return words_get(cx->lang, sentences[i].msgid);
	return skip_words(cx->lang, code);
}

/* What the module writes on a message that it takes back. */
static const struct reason_word words[] = {
	{ "renewed", N_("The subscription was renewed before it left.") },
	{ "cancelled", N_("The subscription was cancelled before it left.") },
	{ "undone", N_("The renewal that it told of was undone.") },
	{ "end_moved", N_("The end of the subscription was moved before it left.") },
	{ .code = NULL },
};

/* The customer */

static enum rc read_customer(struct cx *cx, struct customer *out, int64_t id)
{
	struct query *q = NULL;
	bool is_there = false;
	enum rc rc = db_query(
		cx, &q,
		"SELECT coalesce(c.phone, ''), c.phone_kind, coalesce(k.dead_reason, ''), EXISTS (SELECT 1 FROM opt_out o"
		" WHERE o.contact_id = k.id AND o.topic = 'notice'), c.is_active, coalesce(c.archived_at, 0), c.public_id,"
		" EXISTS (SELECT 1 FROM subscription s WHERE s.client_id = c.id AND s.state = 'active' AND s.archived_at IS NULL)"
		" FROM client c LEFT JOIN contact k ON k.kind = 'phone' AND k.address = c.phone WHERE c.id = :id",
		PARAMS(P_INT(":id", id)));

	if (rc == RC_OK && query_next(q)) {
		is_there = true;
		*out = (struct customer){ .id = id,
					  .phone = query_copy(cx, q, 0),
					  .phone_kind = query_copy(cx, q, 1),
					  .dead = query_copy(cx, q, 2),
					  .is_out = query_int(q, 3) != 0,
					  .is_active = query_int(q, 4) != 0,
					  .archived_at = query_int(q, 5),
					  .public_id = query_copy(cx, q, 6),
					  .has_live = query_int(q, 7) != 0 };
	}
	rc = query_end(q, rc);
	return rc == RC_OK && !is_there ? RC_NOT_FOUND : rc;
}

static const char *local_day(struct cx *cx, instant at)
{
	char text[DATE_SIZE];

	day_text_local(text, zone_day(cx->env->zone, at));
	return arena_text(cx->arena, text);
}

static void tell_rules(struct cx *cx, struct why *why, const struct customer *c)
{
	const char *href = arena_printf(cx->arena, "/clients/%s", c->public_id);
	/* Opt-out and dead numbers are the outbox's to tell. */
	const char *skip = plan_judge(cx, c->phone, c->phone_kind, "", false, true);

	if (c->archived_at != 0)
		why_rule(
			cx, why, "archived",
			arena_printf(
				cx->arena,
				_("The customer is archived since %s: nothing is planned for archived ones."),
				local_day(cx, c->archived_at)),
			href);
	else if (!c->is_active)
		why_rule(cx, why, "inactive",
			 _("The customer is marked as inactive: nothing is planned for inactive ones."),
			 href);
	if (skip[0] != '\0') why_rule(cx, why, skip, sentence_of(cx, skip), href);
	if (!c->has_live)
		why_rule(cx, why, "no_subscription",
			 _("The customer has no active subscription: nothing is due."), href);
	if (!setting_bool(cx->env->settings, "renewals.notices"))
		why_rule(cx, why, "notices_setting",
			 _("Notices are switched off for everybody (renewals.notices)."), NULL);
}

/* Notices that have a fact row */

static const char *what_of(struct cx *cx, const char *service, const char *type, int64_t stage,
			   const char *ends_on)
{
	const char *end = day_shown(cx, ends_on);

	if (strcmp(type, "renewal_confirmation") == 0)
		return arena_printf(cx->arena, _("%s: confirmation of a renewal until %s"), service, end);
	if (strcmp(type, "payment_reminder") == 0)
		return arena_printf(cx->arena, _("%s: reminder to pay (until %s)"), service, end);
	if (stage == 0) return arena_printf(cx->arena, _("%s: notice on the last day, %s"), service, end);
	if (stage < 0) return arena_printf(cx->arena, _("%s: notice after the end on %s"), service, end);
	return arena_printf(cx->arena,
			    words_plural(cx->lang, stage, N_("%s: notice %lld day before the end on %s"),
					 N_("%s: notice %lld days before the end on %s")),
			    service, (long long)stage, end);
}

static enum rc tell_notices(struct cx *cx, struct why *why, const struct customer *c, instant from)
{
	struct value *rows = NULL;
	enum rc rc = db_rows(
		cx, &rows, NOTICES_SHOWN,
		"SELECT n.public_id, n.type, n.stage, n.cycle_ends_on, n.created_at, n.skip_reason, " NOTICE_MESSAGE
		" AS message_id, v.display_name AS service FROM notice n JOIN subscription s ON s.id = n.subscription_id"
		" JOIN service v ON v.id = s.service_id WHERE n.client_id = :client AND n.created_at >= :from"
		" ORDER BY n.id DESC LIMIT :max",
		PARAMS(P_INT(":client", c->id), P_INT(":from", from), P_INT(":max", NOTICES_SHOWN)));

	if (rc != RC_OK) return rc;
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		const char *skip = text_in(v, "skip_reason");

		why_occasion(
			cx, why,
			&(struct why_occasion){
				.at = int_in(v, "created_at"),
				.what = what_of(cx, text_in(v, "service"), text_in(v, "type"),
						int_in(v, "stage"), text_in(v, "cycle_ends_on")),
				.message_id = int_in(v, "message_id"),
				.state = "stopped",
				.rule = skip,
				.words = skip[0] != '\0' ? sentence_of(cx, skip) : "",
				.href = arena_printf(cx->arena, "/notices/%s", text_in(v, "public_id")) });
	}
	return RC_OK;
}

/* Days on which one is or was due */

static enum rc has_notice(struct cx *cx, bool *out, const struct line *l, int stage, const char *ends_on)
{
	int64_t n = 0;
	enum rc rc = db_get_int(
		cx, &n,
		"SELECT EXISTS (SELECT 1 FROM notice WHERE subscription_id = :id AND type = 'expiration_warning'"
		" AND stage = :stage AND cycle_ends_on = :end AND origin <> 'manual')",
		PARAMS(P_INT(":id", l->id), P_INT(":stage", stage), P_TEXT(":end", ends_on)));

	*out = n != 0;
	return rc;
}

static void tell_coming(struct cx *cx, struct why *why, const struct customer *c, const struct line *l,
			int stage, day due)
{
	int minute = (int)setting_int(cx->env->settings, "renewals.time");
	const char *skip = plan_judge(cx, c->phone, c->phone_kind, c->dead, c->is_out, l->has_notices),
		   *said = NULL;

	if (c->archived_at != 0)
		skip = "archived", said = _("The customer is archived.");
	else if (!c->is_active)
		skip = "inactive", said = _("The customer is marked as inactive.");
	else if (l->cancel_at_end)
		skip = "ends_by_wish",
		said = _("The subscription ends by the customer's wish: no notice of its end is sent.");
	else if (!setting_bool(cx->env->settings, "renewals.notices"))
		skip = "notices_setting",
		said = _("Notices are switched off for everybody (renewals.notices).");
	else if (skip[0] != '\0')
		said = sentence_of(cx, skip);
	why_occasion(cx, why,
		     &(struct why_occasion){
			     .at = zone_instant(cx->env->zone, (struct civil){ .day = due,
									       .hour = minute / 60,
									       .minute = minute % 60 }),
			     .what = what_of(cx, l->service, "expiration_warning", stage, l->ends_on),
			     .state = skip[0] != '\0' ? "stopped" : "coming",
			     .rule = skip[0] != '\0' ? skip : "not_due",
			     .words = said != NULL
					      ? said
					      : _("Not due yet: it leaves on that day if nothing changes."),
			     .href = l->href });
}

static enum rc ask_exists(struct cx *cx, bool *out, const char *sql, const struct param *params)
{
	int64_t n = 0;
	enum rc rc = db_get_int(cx, &n, sql, params);

	*out = n != 0;
	return rc;
}

/* Why a day passed without a notice. *rule NULL: the person was not owed one, nothing to tell. */
static enum rc judge_missed(struct cx *cx, const struct customer *c, const struct line *l, day due,
			    const char **rule, const char **said)
{
	instant over = zone_midnight(cx->env->zone, due + 1);
	char date[DATE_SIZE];
	bool is_so = false;
	enum rc rc;

	day_text(date, due);
	if (l->created_at >= over) {
		*rule = "not_yet_here";
		*said = arena_printf(cx->arena, _("The subscription was entered on %s, after that day."),
				     local_day(cx, l->created_at));
		return RC_OK;
	}
	if (l->cancelled_at != 0 && l->cancelled_at < over) {
		*rule = "subscription_cancelled";
		*said = arena_printf(cx->arena, _("The subscription had been cancelled on %s."),
				     local_day(cx, l->cancelled_at));
		return RC_OK;
	}
	if ((l->archived_at != 0 && l->archived_at < over) ||
	    (c->archived_at != 0 && c->archived_at < over)) {
		*rule = "archived";
		*said = _("It was archived by then.");
		return RC_OK;
	}
	rc = ask_exists(
		cx, &is_so,
		"SELECT EXISTS (SELECT 1 FROM notice WHERE subscription_id = :id AND type = 'expiration_warning'"
		" AND local_on = :day AND skip_reason = '' AND origin <> 'manual')",
		PARAMS(P_INT(":id", l->id), P_TEXT(":day", date)));
	if (rc == RC_OK && is_so) {
		*rule = "one_a_day";
		*said = _("Another notice about this subscription left on that day: never two on one day.");
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = ask_exists(cx, &is_so,
				"SELECT EXISTS (SELECT 1 FROM batch WHERE kind = :kind AND local_on = :day)",
				PARAMS(P_TEXT(":kind", BATCH_NOTICES), P_TEXT(":day", date)));
	if (rc != RC_OK) return rc;
	*rule = is_so ? (!c->is_active      ? "inactive"
			 : l->cancel_at_end ? "ends_by_wish"
					    : "changed")
		      : "no_run";
	*said = !is_so ? _("On that day no notices were planned: Recado was not running, or they were switched off.")
		: !c->is_active ? _("The customer is marked as inactive.")
		: l->cancel_at_end
			? _("The subscription ends by the customer's wish: no notice of its end is sent.")
			: _("When that day's notices were planned, the subscription had another end or was not active.");
	return RC_OK;
}

static enum rc tell_missed(struct cx *cx, struct why *why, const struct customer *c, const struct line *l,
			   int stage, day due)
{
	const char *rule = NULL, *said = NULL;
	enum rc rc = judge_missed(cx, c, l, due, &rule, &said);
	int minute = (int)setting_int(cx->env->settings, "renewals.time");

	if (rc != RC_OK || rule == NULL) return rc;
	why_occasion(cx, why,
		     &(struct why_occasion){
			     .at = zone_instant(cx->env->zone, (struct civil){ .day = due,
									       .hour = minute / 60,
									       .minute = minute % 60 }),
			     .what = what_of(cx, l->service, "expiration_warning", stage, l->ends_on),
			     .state = "stopped",
			     .rule = rule,
			     .words = said,
			     .href = l->href });
	return RC_OK;
}

static enum rc tell_stages(struct cx *cx, struct why *why, const struct customer *c, const struct line *l,
			   instant from)
{
	int64_t stages[STAGES_MAX];
	size_t count = plan_stages_default(cx, stages);
	day end = 0, today = cx_today(cx), first = zone_day(cx->env->zone, from);
	const char *planned = "";
	char today_text[DATE_SIZE];
	bool is_over;
	enum rc rc = meta_get(cx, &planned, PLANNED_ON);

	if (rc != RC_OK || day_parse(&end, l->ends_on) != RC_OK) return rc;
	day_text(today_text, today);
	is_over = strcmp(planned, today_text) >= 0; /* today's have been planned */
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		day due = (day)(end - (day)stages[i]);
		bool is_told = false;

		if (due < first) continue;
		rc = has_notice(cx, &is_told, l, (int)stages[i], l->ends_on);
		if (rc != RC_OK || is_told) continue;
		if (due > today || (due == today && !is_over)) {
			if (strcmp(l->state, "active") == 0 && l->archived_at == 0)
				tell_coming(cx, why, c, l, (int)stages[i], due);
		} else {
			rc = tell_missed(cx, why, c, l, (int)stages[i], due);
		}
	}
	return rc;
}

static enum rc tell_lines(struct cx *cx, struct why *why, const struct customer *c, instant from)
{
	struct value *rows = NULL;
	char first[DATE_SIZE];
	enum rc rc;

	day_text(first, zone_day(cx->env->zone, from));
	rc = db_rows(
		cx, &rows, SUBSCRIPTIONS_SHOWN,
		"SELECT s.id, s.public_id, v.display_name AS service, s.state, s.ends_on, s.created_at, s.cancelled_at,"
		" s.archived_at, s.cancel_at_end, s.auto_notices FROM subscription s JOIN service v ON v.id = s.service_id"
		" WHERE s.client_id = :client AND s.ends_on >= :first AND s." NOT_PENDING
		" ORDER BY s.ends_on DESC LIMIT :max",
		PARAMS(P_INT(":client", c->id), P_TEXT(":first", first), P_INT(":max", SUBSCRIPTIONS_SHOWN)));
	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL && rc == RC_OK;
	     v = v->next) {
		struct line l = { .id = int_in(v, "id"),
				  .service = text_in(v, "service"),
				  .state = text_in(v, "state"),
				  .ends_on = text_in(v, "ends_on"),
				  .href = arena_printf(cx->arena, "/subscriptions/%s",
						       text_in(v, "public_id")),
				  .created_at = int_in(v, "created_at"),
				  .cancelled_at = int_in(v, "cancelled_at"),
				  .archived_at = int_in(v, "archived_at"),
				  .cancel_at_end = int_in(v, "cancel_at_end") != 0,
				  .has_notices = int_in(v, "auto_notices") != 0 };

		rc = tell_stages(cx, why, c, &l, from);
	}
	return rc;
}

/* Ends that never came: whoever renewed in time was owed no further notice of that end. */

static enum rc tell_renewed(struct cx *cx, struct why *why, const struct customer *c, instant from)
{
	int64_t stages[STAGES_MAX];
	size_t count = plan_stages_default(cx, stages);
	int minute = (int)setting_int(cx->env->settings, "renewals.time");
	struct value *rows = NULL;
	char first[DATE_SIZE];
	enum rc rc;

	day_text(first, zone_day(cx->env->zone, from));
	rc = db_rows(
		cx, &rows, PERIODS_SHOWN,
		"SELECT s.id, s.public_id, v.display_name AS service, p.ends_on, (SELECT min(x.created_at) FROM"
		" subscription_period x WHERE x.subscription_id = s.id AND x.id > p.id AND x.undone_at IS NULL) AS renewed_at"
		" FROM subscription s JOIN service v ON v.id = s.service_id JOIN subscription_period p"
		" ON p.subscription_id = s.id WHERE s.client_id = :client AND p.ends_on >= :first AND p.ends_on <> s.ends_on"
		" AND p.undone_at IS NULL ORDER BY p.id DESC LIMIT :max",
		PARAMS(P_INT(":client", c->id), P_TEXT(":first", first), P_INT(":max", PERIODS_SHOWN)));
	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL && rc == RC_OK;
	     v = v->next) {
		struct line l = { .id = int_in(v, "id"),
				  .service = text_in(v, "service"),
				  .ends_on = text_in(v, "ends_on") };
		instant renewed = int_in(v, "renewed_at");
		day end = 0;

		if (renewed == 0 || day_parse(&end, l.ends_on) != RC_OK) continue;
		for (size_t i = 0; i < count && rc == RC_OK; i++) {
			instant at = zone_instant(cx->env->zone,
						  (struct civil){ .day = (day)(end - (day)stages[i]),
								  .hour = minute / 60,
								  .minute = minute % 60 });
			bool is_told = false;

			/* On the day itself it is as good as before it. */
			if (at < from || at > cx_now(cx) ||
			    renewed >= zone_midnight(cx->env->zone, (day)(end - (day)stages[i] + 1)))
				continue;
			rc = has_notice(cx, &is_told, &l, (int)stages[i], l.ends_on);
			if (rc != RC_OK || is_told) continue;
			why_occasion(
				cx, why,
				&(struct why_occasion){
					.at = at,
					.what = what_of(cx, l.service, "expiration_warning", stages[i],
							l.ends_on),
					.state = "stopped",
					.rule = "renewed",
					.words = arena_printf(
						cx->arena,
						_("It had been renewed on %s: nothing was due any more."),
						local_day(cx, renewed)),
					.href = arena_printf(cx->arena, "/subscriptions/%s",
							     text_in(v, "public_id")) });
		}
	}
	return rc;
}

static enum rc tell(struct cx *cx, struct why *why, const struct why_person *person)
{
	struct customer c;
	enum rc rc;

	if (strcmp(person->list, "clients") != 0) return RC_OK;
	rc = read_customer(cx, &c, person->row_id);
	if (rc != RC_OK) return rc;
	tell_rules(cx, why, &c);
	rc = tell_notices(cx, why, &c, person->from);
	if (rc == RC_OK) rc = tell_lines(cx, why, &c, person->from);
	return rc == RC_OK ? tell_renewed(cx, why, &c, person->from) : rc;
}

const struct reason_source renewals_reasons[] = {
	{ .name = "renewals", .words = words, .tell = tell },
	{ .name = NULL },
};
