/*
** bulk.h -- a bulk send from its creation to its end.
**
**   pending ─ enqueue (CAS) ─► queued ─ job takes it ─► sending ─ nothing left ─► done | error
**      │                          │            ▲  └─ channel waits, switch off, unsure_blocks ─► paused ─┘
**      └──────────── cancel (what was not handed over) ─────────────────────────────► cancelled
**
** Every edge is an UPDATE that names the state it leaves (bulk_state.c).
*/
#ifndef RECADO_SENDS_BULK_H
#define RECADO_SENDS_BULK_H

#include "sends/sends.h"

#define BULK_BATCH    "sends.bulk"     /* kind of the batch                         */
#define BULK_OCCASION "bulk_recipient" /* table in its messages' occasions           */
#define BULK_TOPIC    "campaign"
/* Of a send that goes to people who left mailings too (sends_suppressed, RIGHT_SUPPRESS): the law or a
** contract asks for such a mail, so only who is dead or wants nothing at all is left out. */
#define BULK_TOPIC_ALL "service"
#define BULK_PRIORITY  9 /* behind everything else on a shared channel */

struct bulk_new {
	const char *client_request_id; /* NULL or "" = none                                      */
	const char *channel;           /* NULL = setting sends.channel                            */
	const char *template_id, *template_name;
	const char *subject;        /* "" = the template's                                      */
	const char *variables_json; /* template variable → column; "" = all columns               */
	const char *may_be_empty;   /* JSON list of variable names, "" = none                     */
	const char *dedupe;         /* all | exact | address; NULL = exact                        */
	bool sends_suppressed;
	int64_t sender_id; /* 0 = usual                                                          */
	/* told with the request (/relay/send/): only together; NULL = none */
	const char *from_email, *from_name;
	int64_t file_id; /* the recipients as uploaded (file store)                             */
	const int64_t *attachment_ids;
	size_t attachment_count;
	instant scheduled_at; /* 0 = none; a date forces send_now off                             */
	bool send_now;        /* enqueue as soon as the import is ready                           */
};
/* Row and import job in one transaction of its own. Same client_request_id: *is_duplicate, *id the existing
** one (enqueued when send_now and still pending and unscheduled). Field errors in cx. */
enum rc bulk_create(struct cx *cx, int64_t *id, bool *is_duplicate, const struct bulk_new *bulk) MUST_CHECK;

/* pending → queued and its job, one transaction; RC_CONFLICT with the sentence otherwise. With an import that
** still runs it is noted and follows by itself. */
enum rc bulk_enqueue(struct cx *cx, int64_t id) MUST_CHECK;
enum rc bulk_pause(struct cx *cx, int64_t id, const char *why) MUST_CHECK;
enum rc bulk_resume(struct cx *cx, int64_t id) MUST_CHECK;
enum rc bulk_cancel(struct cx *cx, int64_t id) MUST_CHECK;
enum rc bulk_reschedule(struct cx *cx, int64_t id, instant at) MUST_CHECK; /* 0 = none; only pending */
/* With an offset, or the business's clock: "2026-11-22T09:30", "2026-11-22 09:30", "22/11/2026 09:30".
** RC_BAD_INPUT at the field scheduled_at. */
enum rc bulk_hour_parse(struct cx *cx, instant *at, const char *text) MUST_CHECK;
/* Called by the import's job when it ended well: starts what was asked to start at once. In its
** transaction. */
enum rc bulk_imported(struct cx *cx, int64_t id) MUST_CHECK;
/* The same when it ended badly: pending → error with a code of recipients_words(). In its transaction. */
enum rc bulk_import_failed(struct cx *cx, int64_t id, const char *code) MUST_CHECK;
/* Timed sends that are due are enqueued: the schedule's job, and `recado sends process`. *count sends. */
enum rc bulk_process_due(struct cx *cx, int64_t *count) MUST_CHECK;

/* A person's word on an unsure row (row_number): it was sent, or send it again; with a reason, in the
** history. */
enum rc bulk_resolve(struct cx *cx, int64_t id, int64_t row_number, bool was_sent,
		     const char *reason) MUST_CHECK;

/* id by public id or number as people give it; RC_NOT_FOUND with the sentence. */
enum rc bulk_find(struct cx *cx, int64_t *id, const char *given) MUST_CHECK;
/* The object of spec §18 (list: short; detail: with variables, result, log, jobs). Arena. */
enum rc bulk_object(struct cx *cx, struct value **out, int64_t id, bool is_detail) MUST_CHECK;
/* Counters now: {eligible, invalid, not_fed, queued, sending, sent, delivered, read, failed, failed_late (of
** failed: accepted, and bounced afterwards), unsure, cancelled, skipped, expired, total}. counted anew;
** written to result_json when `keeps`. */
enum rc bulk_counts(struct cx *cx, struct value **out, int64_t id, bool keeps) MUST_CHECK;
/* Rows for a page or an export (spec §9.7): list of {row, email, name, status, state (as the filter below),
** send_status
** (old words: not_started, deferred, sending, sent, send_failed, ambiguous…), error_code,
** error_message, message_id, message_public_id, sent_at, delivery_status, opens, clicks}. state: "" = all,
** else one of invalid, not_started, queued, sending, sent, delivered, failed, unsure, cancelled, skipped,
** expired. After row number `after`, at most max. */
enum rc bulk_rows(struct cx *cx, struct value **out, int64_t id, const char *state, int64_t after,
		  int64_t max) MUST_CHECK;
/* "enviando", "en cola", "programado", "importando"…: code and translated words of what is shown (spec §3.1). */
const char *bulk_shown(struct cx *cx, const struct value *row, const char **code);
/* Why it is in this state, translated: "The channel waits until …"; "" = nothing to say. row: channel,
** status, status_why, status_detail, paused_until_at of bulk_send. */
const char *bulk_why_words(struct cx *cx, const struct value *row);
/* The same to be stored, where one sentence says it (base/sentence.h). */
const char *bulk_why_kept(struct cx *cx, const struct value *row);
/* Slot of a send's work: bulk_slot(cx, "import", id) is "sends.import:12". All of a send's jobs have such a one. */
const char *bulk_slot(struct cx *cx, const char *what, int64_t id);
/* The message that speaks for a row now: follows resends. 0 = none. */
enum rc bulk_row_message(struct cx *cx, int64_t *message_id, int64_t recipient_id) MUST_CHECK;

/* The form of a new send (bulk_pages_form.c), for whoever takes POST /sends and its call: client_request_id,
** channel, template_id, template_name, subject, sender_id (public id), send_now, scheduled_at (without
** offset: local), variables, may_be_empty, dedupe, sends_suppressed, attachments (public ids),
** recipients_file (upload) or kept_file (what a preview stored). Texts lent for the call, the file stored;
** RC_BAD_INPUT with the errors at their fields. */
enum rc bulk_form_read(struct cx *cx, struct call *call, struct bulk_new *out) MUST_CHECK;
/* The template's id; one typed by hand goes before the choice: somebody wrote it on purpose. "" = none. */
const char *bulk_form_template(struct call *call);
/* The page of the form once more with what was typed and the errors of cx: 422. */
enum rc bulk_form_again(struct cx *cx, struct call *call) MUST_CHECK;

#endif
