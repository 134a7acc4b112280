/*
** sends.h -- bulk sends: one template, one file of recipients, one mail per person, never two.
**
**   file ─ import.c ─► bulk_recipient ─ gate ─ feed (send_job.c) ─► outbox: letter, messages ─► a call a row
**   reports of the provider ─ report_*.c ─► file ─ load.c, target_*.c ─► reports.db ─ match.c ─► bulk_result
**
** What a row's mail became is the state of its message (occasion 'bulk_recipient:<id>', a resend ':again'
** behind it); a row itself is never changed after its import. A send is a batch of the outbox.
**
** Files: bulk.h (create, states, job: bulk*.c send_*.c) · recipients.h (the file: recipients*.c import*.c
** preview.c) · mail_template.h (templates of both kinds: mail_template*.c template_*.c) · doppler.h (client:
** doppler*.c) · reports.h (report_*.c load.c target*.c match.c figures*.c) · senders.c, attachments.c,
** single_mail.c · pages*.c (what people see) · api.c, relay.c (old shapes) · commands.c · settings.c.
*/
#ifndef RECADO_SENDS_SENDS_H
#define RECADO_SENDS_SENDS_H

#include "module.h"
#include "outbox/planner.h"

extern const struct module sends;

/* Rights (spec §1): old permission names in comments. */
#define RIGHT_VIEW      "sends.view"       /* view_bulksend: lists, previews, downloads             */
#define RIGHT_EDIT      "sends.edit"       /* add/change_bulksend: create, start, cancel, refresh   */
#define RIGHT_RESOLVE   "sends.resolve"    /* decide unsure rows                                   */
#define RIGHT_SUPPRESS  "sends.suppressed" /* send to suppressed addresses all the same             */
#define RIGHT_MAILS     "mails.send"       /* single mails                                          */
#define RIGHT_TEMPLATES "mail_templates.edit"
#define RIGHT_SENDERS   "senders.edit"
#define RIGHT_REPORTS   "reports.view"    /* view_generatedreport                                 */
#define RIGHT_REQUEST   "reports.request" /* add_generatedreport                                    */
#define RIGHT_PROCESS   "reports.process" /* can_process_reports                                   */
#define RIGHT_LOAD      "reports.load"    /* can_load_to_db                                        */

/* Places under the heading "Bulk sends" (menu_order of resources and routes) */
#define MENU_SENDS          200
#define MENU_MAIL_TEMPLATES 210
#define MENU_SENDERS        220
#define MENU_ATTACHMENTS    230
#define MENU_SINGLE_MAILS   240
#define MENU_REPORTS        250 /* with .menu_setting = "reports.in_menu" */
#define MENU_COMPARE        260
#define MENU_MANUAL         290

#define ROAD_CHOICES "doppler=Doppler Relay|email=E-mail (SMTP)|sendgrid=SendGrid"

extern const struct setting sends_settings[];           /* settings.c */
extern const struct right sends_rights[];               /* sends.c    */
extern const struct command sends_commands[];           /* commands.c */
extern const struct schedule_default sends_schedules[]; /* sends.c */

extern const struct resource sender_resources[];      /* senders.c      */
extern const struct resource attachment_resources[];  /* attachments.c */
extern const struct resource single_mail_resources[]; /* single_mail.c */
extern const struct resource report_resources[];      /* report_list.c  */
extern const struct resource bulk_resources[];        /* bulk_list.c    */

extern const struct route bulk_routes[];        /* bulk_pages.c: /sends…          */
extern const struct route bulk_api_routes[];    /* api.c: what pages do not need, /csv/preview */
extern const struct route relay_routes[];       /* relay.c: /relay/…               */
extern const struct route template_routes[];    /* template_pages.c: /templates…   */
extern const struct route report_routes[];      /* report_pages.c: /reports…      */
extern const struct route figure_routes[];      /* figures_page.c: /sends/:id/report, /sends/compare */
extern const struct route attachment_routes[];  /* attachments.c: upload, download */
extern const struct route single_mail_routes[]; /* single_mail.c: its form          */

extern const struct job_kind recipients_jobs[]; /* import.c        */
extern const struct job_kind send_jobs[];       /* send_job.c      */
extern const struct job_kind template_jobs[];   /* template_job.c  */
extern const struct job_kind report_jobs[];     /* report_job.c    */

extern const struct figure sends_figures[];          /* home.c */
extern const struct check sends_checks[];            /* checks.c */
extern const struct reason_source sends_reasons[];   /* why.c */
extern const struct planner sends_planners[];        /* forecast.c */
enum rc sends_demo(struct cx *cx) MUST_CHECK;        /* demo.c */
enum rc sends_before_work(struct cx *cx) MUST_CHECK; /* restored.c */

#endif
