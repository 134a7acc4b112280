/*
** sends.c -- the module's declaration: its tables, handed to the rooms below.
**
** Rooms below walk the tables; nothing here runs by itself.
*/
#include "sends/sends.h"
#include "sends/reports.h"

const struct right sends_rights[] = {
	{ RIGHT_VIEW, N_("See bulk sends"), "owner operadores_ui report_managers reader" },
	{ RIGHT_EDIT, N_("Make and start bulk sends"), "owner operadores_ui" },
	{ RIGHT_RESOLVE, N_("Decide unsure mails of bulk sends"), "owner operadores_ui" },
	{ RIGHT_SUPPRESS, N_("Send to suppressed addresses"), "owner" },
	{ RIGHT_MAILS, N_("Write single mails"), "owner" },
	{ RIGHT_TEMPLATES, N_("Edit mail templates"), "owner" },
	{ RIGHT_SENDERS, N_("Edit senders"), "owner" },
	{ RIGHT_REPORTS, N_("See reports of bulk sends"), "owner operadores_ui report_managers reader" },
	{ RIGHT_REQUEST, N_("Ask for reports"), "owner report_managers" },
	{ RIGHT_PROCESS, N_("Fetch reports now"), "owner report_managers" },
	{ RIGHT_LOAD, N_("Load reports into the database"), "owner report_managers" },
	{ NULL, NULL, NULL },
};

const struct schedule_default sends_schedules[] = {
	{ .name = "sends.schedule",
	  .job_kind = "sends.schedule",
	  .rule = "every 2 min after 2 min",
	  .rule_setting = "sends.scheduler_min",
	  .late_rule = "run",
	  .late_limit_s = 86400 },
	{ .name = "sends.reports",
	  .job_kind = "sends.process_reports",
	  .rule = "every 15 min after 5 min",
	  .rule_setting = "reports.timer_min",
	  .late_rule = "run",
	  .late_limit_s = 86400 },
	{ .name = "sends.after_send",
	  .job_kind = "sends.post_report",
	  .rule = "every 60 min after 10 min",
	  .rule_setting = "reports.after_send_min",
	  .late_rule = "run",
	  .late_limit_s = 86400 },
	{ .name = "sends.retention",
	  .job_kind = "sends.retention",
	  .rule = "40 3 * * *",
	  .late_rule = "run",
	  .late_limit_s = 86400 },
	{ .name = "sends.report_retention",
	  .job_kind = "sends.report_retention",
	  .rule = "50 3 * * *",
	  .late_rule = "run",
	  .late_limit_s = 86400 },
	{ .name = NULL },
};

static const struct resource *const resources[] = { bulk_resources,       sender_resources,
						    attachment_resources, single_mail_resources,
						    report_resources,     NULL };
static const struct route *const routes[] = { bulk_routes,       bulk_api_routes,    relay_routes,
					      template_routes,   report_routes,      figure_routes,
					      attachment_routes, single_mail_routes, NULL };
static const struct job_kind *const jobs[] = { recipients_jobs, send_jobs, template_jobs, report_jobs, NULL };

const struct module sends = {
	.name = "sends",
	.title = N_("Bulk sends"),
	.resources = resources,
	.routes = routes,
	.jobs = jobs,
	.schedules = sends_schedules,
	.at_start = reports_at_start,
	.before_work = sends_before_work,
	.settings = sends_settings,
	.rights = sends_rights,
	.commands = sends_commands,
	.checks = sends_checks,
	.figures = sends_figures,
	.planners = sends_planners,
	.reasons = sends_reasons,
	.demo = sends_demo,
};
