/*
** renewals.h -- the module's declaration and what its files share.
**
** Files: resources.c (tables for desk) · texts.c (the messages) · plan.c (who is due, one
** notice each) · expiry.c (states by date) · renew.c (renew, cancel) · undo.c ·
** payment_steps.c (a payment's states, receipts) · report.c (what a
** run did) · cron.c (/cron/notifications/) · replies.c (RENOVAR) · reminder.c (by hand) ·
** import*.c (customers from CSV) · home.c, pages.c (what people see) · commands.c · demo.c.
*/
#ifndef RECADO_RENEWALS_RENEWALS_H
#define RECADO_RENEWALS_RENEWALS_H

#include "module.h"
#include "outbox/planner.h"

extern const struct module renewals;

extern const struct resource renewals_resources[];                /* resources.c */
extern const struct route renewals_cron_routes[];                 /* cron.c      */
extern const struct command renewals_commands[];                  /* commands.c  */
extern const struct reply_word renewals_replies[];                /* replies.c   */
extern const struct job_kind renewals_plan_jobs[];                /* notice.c    */
extern const struct route renewals_pages_routes[];                /* pages.c     */
extern const struct right renewals_rights[];                      /* resources.c */
extern const struct job_kind renewals_resource_jobs[];            /* services.c */
extern const struct figure renewals_figures[];                    /* home.c      */
extern const struct planner renewals_planners[];                  /* forecast.c  */
extern const struct planner_word renewals_skip_reasons[];         /* plan.c      */
enum rc renewals_demo(struct cx *cx) MUST_CHECK;                  /* demo.c      */
enum rc command_pay(struct cx *cx, struct command_call *call);    /* commands_pay.c */
enum rc command_cancel(struct cx *cx, struct command_call *call); /* commands_pay.c */

#define PLANNED_ON "renewals.planned_on" /* meta: last date whose plan was finished */

#define BATCH_NOTICES  "renewals.notices"
#define STAGES_MAX     8  /* stages a year of notices could sensibly have              */
#define STAGE_DAYS_MAX 60 /* a notice two months ahead is a campaign, not a reminder     */

/* Texts (texts.c) */

/* What a message of a subscription may say. Dates and amounts are written here, once. */
struct subscription_facts {
	const char *client, *service, *currency;
	int64_t price_cents;
	day ends_on;
	int days_left; /* signed: negative when past */
};
/* Variables of all the module's templates: cliente servicio fecha precio dias negocio telefono_negocio
** baja pasado. */
struct value *texts_variables(struct cx *cx, const struct subscription_facts *f);
extern const char *const texts_known[];
void texts_sample(struct cx *cx, struct value *variables); /* made-up values for a preview */
/* The template for that many days left: the stage's own, else "renewals.other". RC_NOT_FOUND only if at_start never ran. */
enum rc texts_version_for(struct cx *cx, int64_t *version_id, int days_left, bool is_stage) MUST_CHECK;
enum rc texts_ensure(struct cx *cx) MUST_CHECK; /* in its own transaction */

/* Planning (plan.c) */

struct plan_options {
	day date;                   /* “today” of this run                                      */
	int64_t stages[STAGES_MAX]; /* in the order they are planned: urgent first              */
	size_t stage_count;
	const char *origin;       /* of the facts: auto | cron                                  */
	const char *batch_origin; /* of the run: auto | cron | command                          */
	bool is_whole;            /* the day's own run with all stages: also makes up for missed days */
	bool is_dry;              /* count and list only; writes nothing                       */
	/* A forecast (planner.h): what would be queued is told to this one instead, once its fact row is
	** written, and the log says nothing. NULL = the real plan. */
	planned_fn *foretold;
	void *foretold_to;
};
struct plan_stage {
	int days;
	int64_t found, skipped, already, planned;
};
struct plan_result {
	int64_t batch_id; /* 0 when dry */
	struct plan_stage stages[STAGES_MAX];
	size_t stage_count;
	int64_t choosing_us;  /* time spent finding and judging the due ones, without writing  */
	int64_t caught_up;    /* notices of missed days                                        */
	struct value *listed; /* dry run: [{client, service, ends_on, days, address (masked), skip_reason}] at
				 most 1000 */
};
/* The settings' stages, urgent first. */
size_t plan_stages_default(struct cx *cx, int64_t out[STAGES_MAX]);
/* Choose the due subscriptions and queue one notice each. Transactions of at most PLAN_SLICE rows. job may
** be NULL. */
enum rc plan_run(struct cx *cx, struct job *job, const struct plan_options *options,
		 struct plan_result *result) MUST_CHECK;
/* One notice outside the plan (reminder, confirmation) into the given batch, inside the caller's transaction.
** origin manual.
** *message_id 0 and *skip (translated, arena) set when the person cannot be written to: the fact row is kept
** with its reason. */
struct notice_new {
	int64_t subscription_id;
	const char *type; /* expiration_warning | renewal_confirmation | payment_reminder */
	int64_t template_version_id;
	int days_left;
	const char *title; /* of the batch */
	const char *topic; /* notice | service */
};
enum rc notice_add_manual(struct cx *cx, int64_t *notice_id, int64_t *message_id, const char **skip,
			  const struct notice_new *notice) MUST_CHECK;
/* Why the plan leaves a customer with this number out: a code of skip_words(), "" = it does not. kind:
** client.phone_kind, dead: contact.dead_reason, is_out: no notices wanted. */
const char *plan_judge(struct cx *cx, const char *phone, const char *kind, const char *dead, bool is_out,
		       bool has_notices);
extern const struct reason_source renewals_reasons[]; /* why.c */
/* Words for a skip reason code, translated. */
const char *skip_words(enum lang lang, const char *reason);

/* Start a planning job (slot: one at a time). RC_CONFLICT: one runs already. Own transaction. */
enum rc plan_start(struct cx *cx, int64_t *job_id, const struct plan_options *options) MUST_CHECK;

/* Report (report.c) */

/* {success, run_id, local_date, results:[{days, success, found, sent, failed, skipped, queued, unsure,
** output, error}], total_sent}: of a planned batch, counted now. No names or numbers in it. */
enum rc report_of_batch(struct cx *cx, struct value **out, int64_t batch_id, enum lang lang) MUST_CHECK;
/* The text of spec §8, from that map. */
void report_text(struct sb *sb, const struct value *report, enum lang lang);
/* Days from..to: [{local_on, found, sent, delivered, read, failed, skipped, s7, s3, s1, s0,
** success_percent}]. */
enum rc stats_days(struct cx *cx, struct value **out, day from, day to) MUST_CHECK;

/* States (expiry.c, renew.c) */

/* active → expired where ends_on < date, and cancelled at their end; in slices. *count = how many. */
enum rc expiry_run(struct cx *cx, day date, int64_t *count) MUST_CHECK;

struct renew_options {
	int periods;                /* 1…12                                                       */
	int64_t price_cents;        /* -1 = the subscription's current price                         */
	const char *payment_method; /* NULL = no payment row                                        */
	int64_t payment_cents;      /* -1 = price × periods                                          */
	const char *payment_reference;
	bool payment_is_pending;
	bool confirms;               /* send the confirmation (setting and opt-out are still asked)     */
	const char *idempotency_key; /* NULL = none; the same key twice renews once                  */
	int64_t payment_id;          /* a completed one that pays for this; 0 = none, then the fields above */
};
#define RENEW_DEFAULTS                                                                 \
	{                                                                              \
		.periods = 1, .price_cents = -1, .payment_cents = -1, .confirms = true \
	}
struct renewed {
	char starts_on[DATE_SIZE], ends_on[DATE_SIZE];
	bool is_repeat; /* the idempotency key was known: nothing was done now */
};
/* What renewing would give, without writing. */
enum rc renew_preview(struct cx *cx, struct renewed *out, int64_t subscription_id, int periods) MUST_CHECK;
enum rc renew_run(struct cx *cx, struct renewed *out, int64_t subscription_id,
		  const struct renew_options *options) MUST_CHECK;
#define UNDO_WITHIN_MS DAY_MS /* spec §10 */
/* The last renewal, as if it had not been (undo.c): dates, state and price as before, its payment cancelled,
** messages that wait taken back. RC_CONFLICT with the sentence: none, too old, or something else was changed
** since. */
enum rc renew_undo(struct cx *cx, int64_t subscription_id) MUST_CHECK;
enum rc subscription_cancel(struct cx *cx, int64_t subscription_id, const char *reason,
			    bool at_end) MUST_CHECK;
/* Last day of `periods` periods that begin after `before` (or on it): days mode or calendar mode by setting.
 */
day period_end(struct cx *cx, day start, const char *service_period, int64_t period_days, int periods);
/* A period may be stored only if its last day can be read back (clock.h knows the years 1900 to 2199):
** otherwise RC_BAD_INPUT with the sentence at field. */
enum rc period_check(struct cx *cx, const char *field, day start, day end) MUST_CHECK;
int period_days_of(const char *service_period); /* monthly 30, quarterly 90, semiannual 180, annual 365 */
/* Cancel the messages about a subscription that have not left yet: they would say what is no longer true. In
** the caller's transaction. */
enum rc notices_take_back(struct cx *cx, int64_t subscription_id, const char *why) MUST_CHECK;
/* First period row and defaults of a new subscription; in the caller's transaction (desk hook, import,
** forms). */
enum rc subscription_created(struct cx *cx, int64_t subscription_id) MUST_CHECK;

/* A reminder by hand (reminder.c): ≥ 10 min apart per subscription. *phone is shown to the person who asked.
 */
enum rc reminder_send(struct cx *cx, int64_t subscription_id, const char **phone, int *days_left) MUST_CHECK;

#endif
