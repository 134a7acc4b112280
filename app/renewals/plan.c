/*
** plan.c -- chooses who is due and queues one notice each.
**
** Owns:   the table notice.
** Needs:  expiry.c to have moved what is past; the outbox for everything that leaves.
** Holds:  (1) a stage is planned at most once for an end date, and a subscription gets at most one
**         automatic notice a day: two UNIQUE indexes, not this code, are the proof; (2) the fact row,
**         the message and the contact are written in one transaction; (3) a person left out keeps a
**         row with the reason, judged anew at each pass; (4) a write transaction takes at most
**         PLAN_SLICE rows, so that planning never holds up the panel.
*/
#include "base/phone.h"
#include "base/text.h"
#include "outbox/planner.h"
#include "renewals/renewals.h"
#include <string.h>

#define PLAN_SLICE     100  /* rows a transaction: a few milliseconds                          */
#define DRY_LISTED_MAX 1000 /* rows a dry run prints; the counts have all                       */
#define FORETOLD       (-1) /* message_id of a fact whose message was told, not written         */

/* A due subscription as the selection reads it. */
struct due {
	int64_t subscription_id, client_id, contact_id, notice_id;
	struct subscription_facts facts;
	const char *address, *skip;
	int stage;
	bool is_planned; /* has its notice already */
	const char *ends_on;
};

struct plan {
	struct cx *cx;
	struct job *job;
	const struct plan_options *options;
	struct plan_result *result;
	int64_t channel_versions[STAGE_DAYS_MAX + 1]; /* template version by stage, 0 = not asked yet */
	int64_t other_version;
	instant expires_at;
	bool wants_catch_up;
	int64_t missed_from, missed_to; /* days whose run never happened */
};

/* Whose turn it is: one end date under one stage. */
struct plan_target {
	int stage;
	bool is_stage;          /* false: caught up, with the text for any number of days */
	instant created_before; /* nobody is owed a notice of a day before they came       */
	char date[DATE_SIZE];
};

/*
** The due ones of one end date. The contact and the notice of this cycle come along, so that judging
** needs no further question. Walks subscription_due by (state, ends_on, id): what is not due is never read.
** The condition on n.type that says nothing new is what lets SQLite use notice_once_a_cycle, a partial index:
** a customer of ten years has a thousand notices, of which one is asked for.
*/
static const char due_sql[] =
	"SELECT s.id, c.id, c.given_names || CASE WHEN c.surnames = '' THEN '' ELSE ' ' || c.surnames END,"
	" v.display_name, s.price_cents, s.currency, s.ends_on, s.auto_notices, coalesce(c.phone, ''), c.phone_kind,"
	" coalesce(k.id, 0), coalesce(k.dead_reason, ''),"
	" EXISTS (SELECT 1 FROM opt_out o WHERE o.contact_id = k.id AND o.topic = 'notice'),"
	" coalesce(n.id, 0), coalesce(n.message_id, 0)"
	" FROM subscription s INDEXED BY subscription_due"
	" CROSS JOIN client c ON c.id = s.client_id"
	" JOIN service v ON v.id = s.service_id"
	" LEFT JOIN contact k ON k.kind = 'phone' AND k.address = c.phone"
	" LEFT JOIN notice n ON n.subscription_id = s.id AND n.type = 'expiration_warning' AND n.stage = :stage"
	"  AND n.cycle_ends_on = s.ends_on AND n.origin <> 'manual' AND n.type <> 'renewal_confirmation'"
	" WHERE s.state = 'active' AND s.archived_at IS NULL AND s.ends_on = :ends_on AND s.id > :after"
	" AND s.cancel_at_end = 0 AND s.created_at < :created_before AND c.is_active = 1 AND c.archived_at IS NULL"
	" AND s.generation NOT IN (SELECT id FROM pending_generation)"
	" ORDER BY s.id LIMIT :slice";

const struct planner_word renewals_skip_reasons[] = {
	{ "no_phone", N_("no phone") },
	{ "bad_phone", N_("the number is not valid for WhatsApp") },
	{ "landline", N_("the number is a landline") },
	{ "opt_out", N_("asked for no notices") },
	{ "no_whatsapp", N_("the number has no WhatsApp") },
	{ "notices_off", N_("notices are off for this subscription") },
	{ "dead", N_("the number does not receive messages") },
	{ NULL, NULL },
};

const char *skip_words(enum lang lang, const char *reason)
{
	for (const struct planner_word *w = renewals_skip_reasons; w->code != NULL; w++)
		if (strcmp(w->code, reason) == 0) return words_get(lang, w->words);
	return reason;
}

static const char *judge(const char *region, const char *phone, const char *kind, const char *dead,
			 bool is_out, bool has_notices)
{
	struct phone parsed;

	if (phone[0] == '\0') return "no_phone";
	if (phone_parse(&parsed, NULL, phone, region) != RC_OK) return "bad_phone";
	if (strcmp(kind, "landline") == 0 || parsed.kind == PHONE_LANDLINE) return "landline";
	if (!has_notices) return "notices_off";
	if (is_out) return "opt_out";
	if (strcmp(dead, "no_whatsapp") == 0) return "no_whatsapp";
	return dead[0] != '\0' ? "dead" : "";
}

const char *plan_judge(struct cx *cx, const char *phone, const char *kind, const char *dead, bool is_out,
		       bool has_notices)
{
	return judge(setting_text(cx->env->settings, "business.region"), phone, kind, dead, is_out,
		     has_notices);
}

static enum rc read_slice(struct plan *p, struct due *rows, size_t *count, const struct plan_target *target,
			  int64_t after)
{
	struct cx *cx = p->cx;
	const char *region = setting_text(cx->env->settings, "business.region");
	struct query *q = NULL;
	size_t n = 0;
	enum rc rc = db_query(cx, &q, due_sql,
			      PARAMS(P_INT(":stage", target->stage), P_TEXT(":ends_on", target->date),
				     P_INT(":after", after), P_INT(":created_before", target->created_before),
				     P_INT(":slice", PLAN_SLICE)));

	while (rc == RC_OK && n < PLAN_SLICE && query_next(q)) {
		struct due *d = &rows[n++];
		day end = 0;

		*d = (struct due){ .subscription_id = query_int(q, 0),
				   .client_id = query_int(q, 1),
				   .stage = target->stage };
		d->ends_on = query_copy(cx, q, 6);
		if (day_parse(&end, d->ends_on) != RC_OK) end = p->options->date;
		d->facts = (struct subscription_facts){ .client = query_copy(cx, q, 2),
							.service = query_copy(cx, q, 3),
							.price_cents = query_int(q, 4),
							.currency = query_copy(cx, q, 5),
							.ends_on = end,
							.days_left = (int)(end - p->options->date) };
		d->address = query_copy(cx, q, 8);
		d->contact_id = query_int(q, 10);
		d->notice_id = query_int(q, 13);
		d->is_planned = query_int(q, 14) != 0;
		d->skip = judge(region, query_text(q, 8), query_text(q, 9), query_text(q, 11),
				query_int(q, 12) != 0, query_int(q, 7) != 0);
	}
	rc = query_end(q, rc);
	*count = n;
	return rc;
}

/* The version of the text for a stage, asked once a run. */
static enum rc version_for(struct plan *p, int stage, bool is_stage, int64_t *out)
{
	int64_t *kept = is_stage && stage <= STAGE_DAYS_MAX ? &p->channel_versions[stage] : &p->other_version;
	enum rc rc = RC_OK;

	if (*kept == 0) rc = texts_version_for(p->cx, kept, stage, is_stage);
	*out = *kept;
	return rc;
}

/* Insert the fact row, or take over the skipped one of an earlier pass. *id 0: one of the two indexes said
** no. */
static enum rc write_fact(struct plan *p, const struct due *d, const char *origin, const char *local_on,
			  int64_t *id)
{
	struct cx *cx = p->cx;
	bool is_foretold = p->options->foretold != NULL;
	int64_t message = is_foretold && d->skip[0] == '\0' ? FORETOLD : 0;
	const char *search = "";
	char public_id[PUBLIC_ID_SIZE] = "";
	enum rc rc;

	if (d->notice_id != 0) {
		rc = db_run(
			cx,
			"UPDATE OR IGNORE notice SET batch_id = :batch, skip_reason = :skip, local_on = :local_on, origin = :origin,"
			" days_left = :days, message_id = :message WHERE id = :id AND message_id IS NULL",
			PARAMS(P_INT(":batch", p->result->batch_id), P_TEXT(":skip", d->skip),
			       P_TEXT(":local_on", local_on), P_TEXT(":origin", origin),
			       P_INT(":days", d->facts.days_left), P_REF(":message", message),
			       P_INT(":id", d->notice_id)));
		*id = rc == RC_OK && db_changes(cx) == 1 ? d->notice_id : 0;
		return rc;
	}
	/* Nobody looks a forecast's facts up by name. */
	if (!is_foretold) {
		public_id_new(public_id);
		search = text_fold(cx->arena, arena_printf(cx->arena, "%s %s %s", d->facts.client,
							   d->facts.service, d->address));
	}
	rc = db_run(
		cx,
		"INSERT INTO notice (public_id, subscription_id, client_id, type, stage, days_left, cycle_ends_on, local_on, origin,"
		" batch_id, message_id, skip_reason, created_by, created_at, search) VALUES (:public_id, :subscription, :client,"
		" 'expiration_warning', :stage, :days, :cycle, :local_on, :origin, :batch, :message, :skip, :by, :now, :search)"
		" ON CONFLICT DO NOTHING",
		PARAMS(P_TEXT(":public_id", public_id), P_INT(":subscription", d->subscription_id),
		       P_INT(":client", d->client_id), P_INT(":stage", d->stage),
		       P_INT(":days", d->facts.days_left), P_TEXT(":cycle", d->ends_on),
		       P_TEXT(":local_on", local_on), P_TEXT(":origin", origin),
		       P_INT(":batch", p->result->batch_id), P_REF(":message", message),
		       P_TEXT(":skip", d->skip), P_TEXT(":by", cx->actor.name), P_INT(":now", cx_now(cx)),
		       P_TEXT(":search", search)));
	*id = rc == RC_OK && db_changes(cx) == 1 ? db_last_id(cx) : 0;
	return rc;
}

static enum rc queue_message(struct plan *p, const struct due *d, int64_t notice_id, bool is_stage)
{
	struct cx *cx = p->cx;
	int64_t contact = d->contact_id, version = 0, message = 0;
	enum rc rc = version_for(p, d->facts.days_left, is_stage, &version);

	if (rc == RC_OK && p->options->foretold != NULL)
		return p->options->foretold(p->options->foretold_to,
					    &(struct planned){ .subject_id = d->subscription_id,
							       .version_id = version,
							       .days = d->facts.days_left,
							       .kind = "expiration_warning",
							       .skip = "" });
	if (rc == RC_OK && contact == 0) rc = contact_ensure(cx, &contact, "phone", d->address);
	if (rc == RC_OK)
		rc = outbox_add(cx, &message,
				&(struct message_new){ .batch_id = p->result->batch_id,
						       .channel = "whatsapp",
						       .contact_id = contact,
						       .topic = "notice",
						       .occasion = arena_printf(cx->arena, "notice:%lld",
										(long long)notice_id),
						       .template_version_id = version,
						       .variables = texts_variables(cx, &d->facts),
						       .expires_at = p->expires_at,
						       .priority = d->facts.days_left <= 0 ? 1 : 3 });
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE notice SET message_id = :message WHERE id = :id",
			    PARAMS(P_INT(":message", message), P_INT(":id", notice_id)));
	return rc;
}

/* One slice in one transaction. */
static enum rc write_slice(struct plan *p, const struct due *rows, size_t count, struct plan_stage *stage,
			   bool is_stage)
{
	struct cx *cx = p->cx;
	char local_on[DATE_SIZE];
	const char *origin = is_stage ? p->options->origin : "catchup";
	struct plan_stage add = { 0 };
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	day_text(local_on, p->options->date);
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		int64_t id = 0;

		add.found++;
		if (rows[i].is_planned) {
			add.already++;
			continue;
		}
		rc = write_fact(p, &rows[i], origin, local_on, &id);
		if (rc != RC_OK) break;
		if (rows[i].skip[0] != '\0')
			add.skipped++;
		else if (id == 0)
			add.already++;
		else {
			rc = queue_message(p, &rows[i], id, is_stage);
			add.planned++;
		}
	}
	rc = tx_end(cx, rc);
	if (rc == RC_OK) {
		stage->found += add.found;
		stage->skipped += add.skipped;
		stage->already += add.already;
		stage->planned += add.planned;
	}
	return rc;
}

static void list_slice(struct plan *p, const struct due *rows, size_t count, struct plan_stage *stage)
{
	struct cx *cx = p->cx;

	for (size_t i = 0; i < count; i++) {
		const struct due *d = &rows[i];
		struct value *row;

		stage->found++;
		if (d->is_planned)
			stage->already++;
		else if (d->skip[0] != '\0')
			stage->skipped++;
		else
			stage->planned++;
		if (p->result->listed->count >= DRY_LISTED_MAX) continue;
		row = value_add_map(cx->arena, p->result->listed);
		value_set_text(cx->arena, row, "client", d->facts.client);
		value_set_text(cx->arena, row, "service", d->facts.service);
		value_set_text(cx->arena, row, "ends_on", d->ends_on);
		value_set_int(cx->arena, row, "days", d->facts.days_left);
		value_set_text(cx->arena, row, "address",
			       d->address[0] != '\0' ? text_mask(cx->arena, d->address) : "");
		value_set_text(cx->arena, row, "skip_reason", d->skip);
		value_set_bool(cx->arena, row, "is_planned", d->is_planned);
	}
}

/* Every due one of an end date under a stage. Memory of a slice goes with an arena of its own. */
static enum rc plan_end_date(struct plan *p, struct plan_stage *stage, day ends_on, bool is_stage)
{
	struct plan_target target = { .stage = stage->days,
				      .is_stage = is_stage,
				      .created_before = INT64_MAX };
	struct arena *outer = p->cx->arena, *slice = p->options->is_dry ? NULL : arena_new(8 * 1024 * 1024);
	int64_t after = 0;
	size_t count = PLAN_SLICE;
	enum rc rc = p->options->is_dry || slice != NULL ? RC_OK : RC_NO_MEMORY;

	day_text(target.date, ends_on);
	if (!is_stage) target.created_before = zone_midnight(p->cx->env->zone, ends_on - stage->days + 1);
	while (rc == RC_OK && count == PLAN_SLICE) {
		struct due *rows;
		int64_t from = clock_ticks_us();

		if (slice != NULL) {
			arena_reset(slice);
			p->cx->arena = slice;
		}
		rows = arena_array(p->cx->arena, PLAN_SLICE, sizeof(*rows));
		rc = rows != NULL ? read_slice(p, rows, &count, &target, after) : RC_NO_MEMORY;
		p->result->choosing_us += clock_ticks_us() - from;
		if (rc == RC_OK && count > 0) {
			after = rows[count - 1].subscription_id;
			if (p->options->is_dry)
				list_slice(p, rows, count, stage);
			else
				rc = write_slice(p, rows, count, stage, is_stage);
		}
		if (rc == RC_OK && p->job != NULL && job_should_stop(p->job))
			rc = RC_TRY_LATER; /* nothing is lost: the next pass finds what has its notice */
	}
	p->cx->arena = outer;
	arena_free(slice);
	return rc;
}

/* Missed days */

static bool is_stage_day(const struct plan_options *o, int days_left)
{
	for (size_t i = 0; i < o->stage_count; i++)
		if (o->stages[i] == days_left) return true;
	return false;
}

/* Days after the last finished plan and before this one: nobody was told on them. */
static enum rc find_missed_days(struct plan *p)
{
	const char *text = "";
	day last = 0;
	enum rc rc = meta_get(p->cx, &text, PLANNED_ON);

	p->missed_from = 1;
	p->missed_to = 0;
	if (rc == RC_OK && text[0] != '\0' && day_parse(&last, text) == RC_OK &&
	    last < p->options->date - 1) {
		day earliest = p->options->date - STAGE_DAYS_MAX;

		p->missed_from = last + 1 > earliest ? last + 1 : earliest;
		p->missed_to = p->options->date - 1;
	}
	return rc;
}

/* The tightest stage that a missed day should have told somebody whose service ends on that day; -1 = none.
 */
static int missed_stage(const struct plan *p, day ends_on)
{
	int days_left = (int)(ends_on - p->options->date), best = -1;

	for (size_t i = 0; i < p->options->stage_count; i++) {
		int stage = (int)p->options->stages[i];
		day due = ends_on - stage;

		if (stage >= days_left && due >= p->missed_from && due <= p->missed_to &&
		    (best < 0 || stage < best))
			best = stage;
	}
	return best;
}

/* Whoever a missed day left without a notice, and who gets none of today's stages, gets one with the real
** number of days. A subscription made after the missed day was never owed that notice: the selection asks
** created_at. */
static enum rc catch_up(struct plan *p)
{
	int most = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < p->options->stage_count; i++)
		if (p->options->stages[i] > most) most = (int)p->options->stages[i];
	for (int left = 0; left < most && rc == RC_OK; left++) {
		day ends_on = p->options->date + left;
		int stage = missed_stage(p, ends_on);
		struct plan_stage row = { .days = stage };

		if (stage < 0 || is_stage_day(p->options, left)) continue;
		rc = plan_end_date(p, &row, ends_on, false);
		p->result->caught_up += row.planned;
	}
	return rc;
}

/* Payment reminders */

/* Unpaid for as many days as the setting says: one message a cycle. Off unless the setting is above 0. */
static enum rc plan_payment_reminders(struct plan *p)
{
	struct cx *cx = p->cx;
	int64_t days = setting_int(cx->env->settings, "renewals.payment_reminder_days"), after = 0;
	char starts_on[DATE_SIZE], local_on[DATE_SIZE];
	bool has_more = days > 0;
	enum rc rc = RC_OK;

	day_text(starts_on, (day)(p->options->date - days));
	day_text(local_on, p->options->date);
	while (rc == RC_OK && has_more) {
		struct query *q = NULL;
		int64_t ids[PLAN_SLICE];
		size_t count = 0;

		rc = db_query(
			cx, &q,
			"SELECT s.id FROM subscription s JOIN client c ON c.id = s.client_id"
			" WHERE s.payment_status = 'pending' AND s.state = 'active' AND s.archived_at IS NULL"
			" AND s.starts_on = :starts_on AND s.id > :after AND c.is_active = 1 AND c.archived_at IS NULL"
			" AND s.auto_notices = 1 AND s.generation NOT IN (SELECT id FROM pending_generation)"
			" AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.subscription_id = s.id"
			" AND n.type = 'payment_reminder' AND n.cycle_ends_on = s.ends_on AND n.origin <> 'manual'"
			" AND n.type <> 'renewal_confirmation')"
			" ORDER BY s.id LIMIT 100",
			PARAMS(P_TEXT(":starts_on", starts_on), P_INT(":after", after)));
		while (rc == RC_OK && count < PLAN_SLICE && query_next(q))
			ids[count++] = query_int(q, 0);
		rc = query_end(q, rc);
		has_more = count == PLAN_SLICE;
		for (size_t i = 0; i < count && rc == RC_OK; i++) {
			const char *body, *skip = "";
			int64_t notice = 0, message = 0;
			struct notice_new row = { .subscription_id = ids[i],
						  .type = "payment_reminder",
						  .topic = "notice",
						  .title = N_("Payment reminder") };

			after = ids[i];
			rc = tx_begin(cx);
			if (rc == RC_OK) {
				rc = template_current(cx, &row.template_version_id, &body,
						      "renewals.payment");
				if (rc == RC_OK) rc = notice_add_manual(cx, &notice, &message, &skip, &row);
				rc = tx_end(cx, rc);
			}
		}
	}
	return rc;
}

/* The run */

size_t plan_stages_default(struct cx *cx, int64_t out[STAGES_MAX])
{
	size_t count = setting_ints(cx->env->settings, "renewals.stages", out, STAGES_MAX);

	/* Urgent first: who ends today must not wait behind who ends next week. */
	for (size_t i = 1; i < count; i++)
		for (size_t k = i; k > 0 && out[k - 1] > out[k]; k--) {
			int64_t swap = out[k];

			out[k] = out[k - 1];
			out[k - 1] = swap;
		}
	return count;
}

static enum rc open_run(struct plan *p)
{
	struct cx *cx = p->cx;
	char local_on[DATE_SIZE];
	enum rc rc = tx_begin(cx);

	day_text(local_on, p->options->date);
	if (rc == RC_OK)
		rc = tx_end(cx, batch_open(cx, &p->result->batch_id,
					   &(struct batch_new){
						   .kind = BATCH_NOTICES,
						   .title = words_get(cx->env->lang, N_("Renewal notices")),
						   .origin = p->options->batch_origin,
						   .local_on = local_on }));
	return rc;
}

/* The counts of the run stay with its batch: a later pass may move a skipped fact to its own batch. */
static enum rc close_run(struct plan *p)
{
	struct cx *cx = p->cx;
	struct value *facts = value_map(cx->arena), *stages = value_set_list(cx->arena, facts, "stages");
	char local_on[DATE_SIZE];
	struct sb sb;
	enum rc rc;

	for (size_t i = 0; i < p->result->stage_count; i++) {
		const struct plan_stage *s = &p->result->stages[i];
		struct value *row = value_add_map(cx->arena, stages);

		value_set_int(cx->arena, row, "days", s->days);
		value_set_int(cx->arena, row, "found", s->found);
		value_set_int(cx->arena, row, "skipped", s->skipped);
		value_set_int(cx->arena, row, "already", s->already);
		value_set_int(cx->arena, row, "planned", s->planned);
	}
	value_set_int(cx->arena, facts, "caught_up", p->result->caught_up);
	sb_init_arena(&sb, cx->arena, 64 * 1024);
	json_write(&sb, facts);
	rc = sb_result(&sb);
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	day_text(local_on, p->options->date);
	rc = db_run(cx, "UPDATE batch SET facts_json = :facts WHERE id = :id",
		    PARAMS(P_TEXT(":facts", sb_text_of(&sb)), P_INT(":id", p->result->batch_id)));
	if (rc == RC_OK) rc = batch_planned(cx, p->result->batch_id);
	if (rc == RC_OK && p->wants_catch_up) rc = meta_set(cx, PLANNED_ON, local_on);
	return tx_end(cx, rc);
}

enum rc plan_run(struct cx *cx, struct job *job, const struct plan_options *options,
		 struct plan_result *result)
{
	struct plan p = { .cx = cx, .job = job, .options = options, .result = result };
	int64_t expired = 0;
	enum rc rc = RC_OK;

	*result = (struct plan_result){ .stage_count = options->stage_count };
	result->listed = value_list(cx->arena);
	for (size_t i = 0; i < options->stage_count; i++)
		result->stages[i].days = (int)options->stages[i];
	/* A message that did not leave on its day has nothing true to say any more. */
	p.expires_at = zone_midnight(cx->env->zone, cx_today(cx) + 1);
	p.wants_catch_up = !options->is_dry && options->is_whole;
	if (!options->is_dry) {
		rc = expiry_run(cx, options->date, &expired);
		if (rc == RC_OK) rc = find_missed_days(&p);
		if (rc == RC_OK) rc = open_run(&p);
	}
	for (size_t i = 0; i < options->stage_count && rc == RC_OK; i++)
		rc = plan_end_date(&p, &result->stages[i], options->date + (day)options->stages[i], true);
	if (rc == RC_OK && p.wants_catch_up && setting_bool(cx->env->settings, "renewals.catch_up") &&
	    p.missed_to >= p.missed_from)
		rc = catch_up(&p);
	if (rc == RC_OK && p.wants_catch_up) rc = plan_payment_reminders(&p);
	if (rc == RC_OK && !options->is_dry) rc = close_run(&p);
	for (size_t i = 0; i < result->stage_count && options->foretold == NULL; i++)
		log_event(LOG_INFO, "jobs", "renewals.planned",
			  "batch=%lld stage=%d found=%lld planned=%lld skipped=%lld rc=%s",
			  (long long)result->batch_id, result->stages[i].days,
			  (long long)result->stages[i].found, (long long)result->stages[i].planned,
			  (long long)result->stages[i].skipped, rc_row(rc)->name);
	return rc;
}
