/*
** bulk_inner.h -- the inside of bulk sends, shared by bulk*.c, send_*.c, gate.c, schedule.c, resolve.c,
** commands*.c and their tests only.
*/
#ifndef RECADO_SENDS_BULK_INNER_H
#define RECADO_SENDS_BULK_INNER_H

#include "sends/bulk.h"
#include "sends/mail_template.h"

/* Kinds of work of this module's sending side. */
#define SEND_JOB     "sends.send"
#define SCHEDULE_JOB "sends.schedule"
#define EVIDENCE_JOB "sends.evidence"
#define LIMITS_JOB   "sends.limits"

#define BULK_SUBJECT_MAX 255 /* code points: spec §2.3, and what mail programs show of one  */
#define BULK_REQUEST_MAX 64  /* a UUID has 36; the old column's length                       */
#define BULK_NAME_MAX    255
#define BULK_JSON_MAX    ((size_t)32 * 1024) /* a mapping of a few hundred columns             */
#define BULK_REASON_MAX  200                 /* code points: a typed reason fits on a line     */

/* status_why of a pause, of an end, of a refusal. A code of a file (recipients.h) may stand there too. */
#define WHY_BY_PERSON "person"   /* somebody paused it                                        */
#define WHY_CHANNEL   "channel"  /* status_detail: the channel's own reason                    */
#define WHY_SWITCH    "switch"   /* sends.enabled is off                                      */
#define WHY_HALTED    "halted"   /* nothing leaves on any channel                              */
#define WHY_GATEWAY   "gateway"  /* the template cannot be read right now; status_detail: why, kept        */
#define WHY_UNSURE    "unsure"   /* sends.unsure_blocks                                       */
#define WHY_BATCH     "batch"    /* its batch was paused: by a person, or for the code in status_detail */
#define WHY_NO_JOB    "no_job"   /* its work was cancelled or given up                         */
#define WHY_RESTORED  "restored" /* a copy was put back (restored.c); status_detail: since when     */
/* … for longer than it may be late: a person's. */
#define WHY_GATEWAY_LATE "gateway_late"
#define WHY_LATE         "late" /* pending: its hour is too long ago                          */
#define WHY_NO_TEXT      "template_discovery_failed"
#define WHY_MISSING      "template_variables_missing" /* status_detail: the names, ", " between      */
#define WHY_FILES        "attachments"                /* status_detail: the sentence                 */
#define WHY_NOBODY       "nothing_to_send"
#define WHY_NONE_SENT    "nothing_sent"

/* A row of bulk_send; texts in the arena. */
struct bulk {
	int64_t id, sender_id, batch_id, fed_row, import_version, valid_rows, invalid_rows, scheduled_by,
		created_by_id;
	const char *public_id, *channel, *template_id, *template_name, *subject, *status, *why, *detail;
	const char *import_status, *import_error, *import_json, *variables_json, *may_be_empty, *result_json;
	const char *from_email, *from_name, *reply_to;
	bool is_own_subject, wants_start, is_archived;
	instant scheduled_at, paused_until_at, sent_started_at;
};
/* RC_NOT_FOUND with the sentence */
enum rc bulk_read(struct cx *cx, struct bulk *out, int64_t id) MUST_CHECK;
static inline bool bulk_is(const struct bulk *b, const char *status)
{
	return __builtin_strcmp(b->status, status) == 0;
}

/* States (bulk_state.c) */

/* One edge, in the caller's transaction: an UPDATE that names the state it leaves. RC_CONFLICT, without a
** sentence: it is not in that state any more. RC_BUG: the drawing has no such edge. */
struct bulk_edge {
	const char *from, *to;
	const char *why, *detail; /* NULL = ""                                                 */
	instant until;            /* of a pause; 0 = not known                                    */
};
enum rc bulk_move(struct cx *cx, int64_t id, const struct bulk_edge *edge) MUST_CHECK;
bool bulk_edge_is_legal(const char *from, const char *to);
/* The sentence why something cannot be done with it now, by its state; RC_CONFLICT. */
enum rc bulk_refuse(struct cx *cx, int64_t id) MUST_CHECK;
/* A pause that ends by itself. */
bool bulk_pause_is_own(const char *why);
/* Its work, in the caller's transaction: added, or called before its hour. */
enum rc bulk_job_wanted(struct cx *cx, int64_t id) MUST_CHECK;
/* An hour for a send: RC_BAD_INPUT at its field when it is over for more than a minute (spec §8). */
enum rc bulk_hour_check(struct cx *cx, instant at) MUST_CHECK;
/* Doppler Relay has its key, and a guard of its quota that lets nothing through: a limit is missing. */
bool bulk_quota_is_wrong(const struct env *env);
/* Can the channel send at all by the settings? RC_BAD_INPUT with the sentence. */
enum rc bulk_channel_is_set(struct cx *cx, const char *channel) MUST_CHECK;

/* Counts (bulk_counts.c) */

/* As bulk_counts(); fed: messages of the batch if known, -1 = count them. */
enum rc bulk_count(struct cx *cx, struct value **out, const struct bulk *b, int64_t fed) MUST_CHECK;
/* Into result_json, beside what else is there. Own transaction if none is open. */
enum rc bulk_result_keep(struct cx *cx, const struct bulk *b, struct value *counts) MUST_CHECK;

/* Rows (bulk_rows.c) */

bool bulk_rows_state_is_known(const char *state);
/* Walk the statements of pages, for EXPLAIN. false past the end. */
bool bulk_rows_plan_at(size_t i, const char **what, const char **sql);

/* Gate (gate.c) */

/* Names that the template requires and the imported columns do not give: a list of texts, empty = all are
** there. Pure but for memory. b: import_json, variables_json, may_be_empty. */
enum rc gate_missing(struct cx *cx, struct value **out, const struct bulk *b,
		     const struct mail_template *t) MUST_CHECK;
/* The template as the send will use it: its own subject over the template's. Network when may_ask. */
enum rc gate_template(struct cx *cx, struct mail_template *out, const struct bulk *b,
		      bool may_ask) MUST_CHECK;

/* Key of the alert about a send whose work was given up, by its number; resuming or calling it off ends
** it. */
#define BULK_STUCK_ALERT "sends.stuck:%lld"
/* … and about one that has not started and waits for a person; starting it, another hour or calling it off
** ends it. */
#define BULK_LATE_ALERT "sends.late:%lld"

/* The job (send_job.c; send_begin.c, send_look.c, send_feed.c) */

enum begun {
	BEGIN_READY, /* b->batch_id is set                                                        */
	BEGIN_OVER,  /* refused: the rc is the job's; or not ours any more                        */
	BEGIN_WAITS, /* its state says for what                                                   */
};
/* Gate, limits, files, batch and letter of a send that is `sending`, or waits for the gateway, and has no
** batch. Network. */
enum rc send_begin(struct cx *cx, struct job *job, struct bulk *b, bool *uses_email,
		   enum begun *begun) MUST_CHECK;
/* RC_CONFLICT: another piece of its work, which asked at the same time, has begun it meanwhile. In the
** caller's transaction. */
enum rc send_is_unbegun(struct cx *cx, int64_t id) MUST_CHECK;
/* The failure is of the kind that passes: nobody was there, or had trouble of his own. */
bool send_wait_is_worth(const struct cx *cx, enum rc rc);
/* How long after so many tries (1, 2, …). */
int64_t send_wait_ms(int64_t tries);
/* It waits for the gateway, or is a person's when it did for too long. why: as cx_sentence_kept() gives
** it. */
enum rc send_wait_for_gateway(struct cx *cx, struct job *job, const struct bulk *b,
			      const char *why) MUST_CHECK;

/* The provider's limits (send_limits.c): before the first mail, into job's log and the send's result.
** Network. */
void send_limits_tell(struct cx *cx, struct job *job, const struct bulk *b);
/* … and the work that asks again about every 500 rows; in the caller's transaction. */
enum rc send_limits_watch(struct cx *cx, const struct bulk *b) MUST_CHECK;
enum rc send_limits_run(struct cx *cx, struct job *job);

/* What decides whether a send may go on, read in one moment. */
struct send_look {
	const char *status, *why, *batch_state; /* batch_state "" = no batch yet; arena */
	const char *hold;   /* WHY_… of what holds it now, NULL = nothing does                   */
	const char *detail; /* of a hold by the channel: the channel's reason                     */
	instant until;      /* … and until when, 0 = not known                                   */
	instant kept_until; /* what the send says of that now                                    */
	const char *kept_detail;
};
enum rc send_look_read(struct cx *cx, struct send_look *out, int64_t bulk_id) MUST_CHECK;
/* queued or paused → sending, and its batch (0 = none) open; nothing when it is not as it was looked at
** any more. */
enum rc send_go_on(struct cx *cx, int64_t id, int64_t batch, const struct send_look *look) MUST_CHECK;

struct send_feeder {
	struct feed feed;
	int64_t bulk_id, import_version;
	bool adds_email; /* the template asks for {{email}}                                     */
	bool is_planned; /* all rows are fed                                                    */
	int64_t fed;     /* messages of the batch                                               */
	/* Rows read for the next slice: as many as were fed before somebody waited to write; 0 = the most. */
	size_t slice_rows;
};
/* The next slice, in a transaction of its own. *is_lost: somebody else feeds, the send may not go on, or a
** person was forgotten since his row was read; nothing was fed. */
enum rc send_feed_slice(struct cx *cx, struct send_feeder *f, bool *is_lost) MUST_CHECK;
/* variables with the address under "email", unless they have one. Arena. */
const char *send_variables(struct cx *cx, const char *variables_json, const char *address);

/* Evidence (resolve.c) */

/* What is known of one row: {row, email, state, message…, attempts: […], deliveries: […] of the last look,
** job}. */
enum rc bulk_evidence(struct cx *cx, struct value **out, int64_t id, int64_t row_number) MUST_CHECK;
/* Ask the provider for its deliveries to that address: a job. RC_CONFLICT: one runs (*job_id). */
enum rc bulk_evidence_ask(struct cx *cx, int64_t *job_id, int64_t id, int64_t row_number) MUST_CHECK;
enum rc evidence_run(struct cx *cx, struct job *job);

/* Schedule (schedule.c) */
enum rc schedule_run(struct cx *cx, struct job *job);

#endif
