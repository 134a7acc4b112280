/*
** renewals.c -- the module's declaration: its tables, handed to the rooms below.
**
** Rooms below walk the tables; nothing here runs by itself except at_start.
*/
#include "renewals/resources.h"
#include <string.h>

/* The day's run is late when it has not been planned half an hour after its time */
#define RUN_GRACE_MIN 30

static const struct setting settings[] = {
	{ .name = "renewals.notices",
	  .title = N_("Automatic notices"),
	  .section = N_("Renewals"),
	  .type = SET_BOOL,
	  .def = "yes",
	  .old = "ENABLE_WHATSAPP_NOTIFICATIONS",
	  .help = N_("no: no automatic notices; reminders by hand still work.") },
	{ .name = "renewals.stages",
	  .title = N_("Days before the end"),
	  .type = SET_LIST_INT,
	  .def = "0,1,3,7",
	  .min = 0,
	  .max = STAGE_DAYS_MAX,
	  .old = "EXPIRATION_DAYS_NOTICE",
	  .help = N_("How many days before the end a notice leaves.") },
	{ .name = "renewals.time",
	  .title = N_("Hour of the notices"),
	  .type = SET_HHMM,
	  .def = "09:00",
	  .old = "NOTIFICATION_TIME_HOUR",
	  .help = N_("When the day's notices leave, in the business's zone.") },
	{ .name = "renewals.catch_up",
	  .title = N_("Catch up on missed days"),
	  .type = SET_BOOL,
	  .def = "yes",
	  .old = "CATCHUP",
	  .help = N_("After days without a run: send what was missed, once, with the true number of days.") },
	{ .name = "renewals.text_set",
	  .title = N_("Set of texts"),
	  .type = SET_ONE,
	  .def = "cercano",
	  .choices = "cercano|formal",
	  .old = "TEXT_SET",
	  .help = N_("Which texts to start from; texts that you edited stay.") },
	{ .name = "renewals.opt_out_line",
	  .title = N_("Line about opting out"),
	  .type = SET_BOOL,
	  .def = "yes",
	  .old = "OPT_OUT_LINE",
	  .help = N_("End every notice with how to ask for no more (BAJA).") },
	{ .name = "renewals.confirmation",
	  .title = N_("Confirm renewals"),
	  .type = SET_BOOL,
	  .def = "yes",
	  .old = "SEND_RENEWAL_CONFIRMATION",
	  .help = N_("Tell the customer after each renewal.") },
	{ .name = "renewals.payment_reminder_days",
	  .title = N_("Remind of payment after (days)"),
	  .type = SET_INT,
	  .def = "0",
	  .min = 0,
	  .max = 60,
	  .old = "PAYMENT_REMINDER_DAYS",
	  .help = N_("Remind of an unpaid period after that many days; 0 = never.") },
	{ .name = "renewals.payment_cash_text",
	  .title = N_("Cash: place and hours"),
	  .type = SET_TEXT,
	  .def = "",
	  .old = "PAYMENT_INSTRUCTIONS_CASH",
	  .help = N_("Where and when cash is taken, for “How to pay”; \\n begins a new line.") },
	{ .name = "renewals.payment_transfer_text",
	  .title = N_("Transfers: bank account"),
	  .type = SET_TEXT,
	  .def = "",
	  .old = "PAYMENT_INSTRUCTIONS_TRANSFER",
	  .help = N_("The account for transfers, for “How to pay”; \\n begins a new line.") },
	{ .name = "renewals.period_mode",
	  .title = N_("What a month is"),
	  .type = SET_ONE,
	  .def = "days",
	  .choices = "days|calendar",
	  .old = "PERIOD_MODE",
	  .help = N_("A month is 30 days (days) or ends on the same day of the next month (calendar).") },
	{ .name = "renewals.cron_token",
	  .title = N_("Token of the old timer"),
	  .type = SET_TEXT,
	  .def = "",
	  .max = 200,
	  .is_secret = true,
	  .old = "CRON_TOKEN",
	  .help = N_("Token for /cron/notifications/; left empty, the address does not exist.") },
	{ .name = "renewals.request_acknowledgement",
	  .title = N_("Answer to RENOVAR"),
	  .type = SET_TEXT,
	  .def = "¡Gracias! Recibimos tu pedido de renovación y te escribimos enseguida.",
	  .max = 500,
	  .help = N_("Answer to RENOVAR; left empty, nothing is answered.") },
	{ .name = NULL },
};

static const struct schedule_default schedules[] = {
	/* Late the same day until 20:00 (11 h); whole missed days are made up for by the next run (plan.c).
	 */
	{ .name = "renewals.daily",
	  .job_kind = "renewals.plan",
	  .rule = "0 9 * * *",
	  .rule_setting = "renewals.time",
	  .late_rule = "run",
	  .late_limit_s = 11 * 3600 },
	{ .name = "renewals.expiry",
	  .job_kind = "renewals.expiry",
	  .rule = "5 0 * * *",
	  .late_rule = "run",
	  .late_limit_s = 86400 },
	{ .name = NULL },
};

static enum rc start(struct cx *cx)
{
	static const struct template_family family = { .prefix = "renewals.",
						       .known = texts_known,
						       .sample = texts_sample };
	enum rc rc = payment_texts_start(cx); /* first: its prefix is the longer one */

	desk_template_family(&family);
	return rc == RC_OK ? texts_ensure(cx) : rc;
}

static void check_last_run(struct cx *cx, struct check_result *out)
{
	const char *planned = "";
	char today[DATE_SIZE];
	struct civil now = zone_civil(cx->env->zone, cx_now(cx));
	int64_t due_minute = setting_int(cx->env->settings, "renewals.time") + RUN_GRACE_MIN;

	day_text(today, now.day);
	if (meta_get(cx, &planned, PLANNED_ON) != RC_OK) planned = "";
	out->detail = planned[0] != '\0' ? arena_printf(cx->arena, _("Last day planned: %s."), planned)
					 : _("No run yet.");
	if (now.hour * 60 + now.minute > due_minute && planned[0] != '\0' && strcmp(planned, today) < 0 &&
	    setting_bool(cx->env->settings, "renewals.notices")) {
		/* spec §17: who watches /health must learn that nobody was told today */
		out->state = CHECK_FAIL;
		out->remedy = "recado renewals run";
	}
}

static const struct check checks[] = {
	{ .name = "renewals_run", .title = N_("Today's notices"), .in_health = true, .run = check_last_run },
	{ .name = NULL },
};

static const struct resource *const resources[] = { renewals_resources, NULL };
static const struct route *const routes[] = { renewals_cron_routes, renewals_pages_routes, NULL };
static const struct job_kind *const jobs[] = { renewals_plan_jobs, renewals_resource_jobs, NULL };

const struct module renewals = {
	.name = "renewals",
	.title = N_("Renewals"),
	.resources = resources,
	.routes = routes,
	.jobs = jobs,
	.schedules = schedules,
	.settings = settings,
	.rights = renewals_rights,
	.replies = renewals_replies,
	.commands = renewals_commands,
	.checks = checks,
	.figures = renewals_figures,
	.planners = renewals_planners,
	.at_start = start,
	.demo = renewals_demo,
	.reasons = renewals_reasons,
};
