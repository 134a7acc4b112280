/*
** resolve.c -- an unsure mail of a send: what speaks for either, and a person's word (spec §9.6).
**
** Owns:   the history entry "resolve" of bulk_send.
** Needs:  outbox_decide() for the decision; the provider's deliveries for evidence, asked by a job.
** Never:  decides by itself: one delivery to the same address is evidence, not proof of this row.
** Holds:  (1) a decision has a typed reason, kept with who and when; (2) of two who decide the same row the
**         first counts; (3) a send that waited for it goes on, one that ended "nothing sent" is looked at
**         again.
*/
#include "sends/bulk_inner.h"

#include "base/sentence.h"
#include "base/text.h"
#include "desk/outbox_pages.h"
#include "sends/doppler.h"
#include <string.h>

#define BEFORE_MS      (5 * MINUTE_MS) /* spec §9.6: the window around the try */
#define AFTER_MS       DAY_MS
#define DELIVERIES_MAX 20 /* to one address within a day */
#define ATTEMPTS_SHOWN 20

struct unsure_row {
	int64_t recipient_id, message_id;
	instant claimed_at;
	const char *address, *state;
};

static enum rc find_row(struct cx *cx, struct unsure_row *out, const struct bulk *b, int64_t row_number)
{
	struct value *row = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT id, coalesce(normalized, recipient) AS address FROM bulk_recipient WHERE bulk_id = :id"
		" AND import_version = :version AND row_number = :row",
		PARAMS(P_INT(":id", b->id), P_INT(":version", b->import_version), P_INT(":row", row_number)));

	*out = (struct unsure_row){ .state = "" };
	if (rc == RC_NOT_FOUND) return cx_fail(cx, rc, _("The send has no row %lld."), (long long)row_number);
	if (rc != RC_OK) return rc;
	out->recipient_id = value_int_of(value_get(row, "id"), 0);
	out->address = value_text_of(value_get(row, "address"), "");
	rc = bulk_row_message(cx, &out->message_id, out->recipient_id);
	if (rc != RC_OK || out->message_id == 0) return rc;
	rc = db_row(cx, &row, "SELECT state, claimed_at FROM message WHERE id = :id",
		    PARAMS(P_INT(":id", out->message_id)));
	if (rc != RC_OK) return rc;
	out->state = value_text_of(value_get(row, "state"), "");
	out->claimed_at = value_int_of(value_get(row, "claimed_at"), 0);
	return RC_OK;
}

/* Deciding */

static enum rc decide(struct cx *cx, const struct bulk *b, const struct unsure_row *r, int64_t row_number,
		      bool was_sent, const char *reason)
{
	struct value *after = value_map(cx->arena);
	enum rc rc = outbox_decide(cx, r->message_id, was_sent);

	value_set_int(cx->arena, after, "row", row_number);
	value_set_text(cx->arena, after, "decision", was_sent ? "sent" : "resend");
	value_set_text(cx->arena, after, "reason", reason);
	if (rc == RC_OK) rc = audit_add(cx, "resolve", "bulk_send", b->id, NULL, after);
	/* Its work counts again, sends what waited, and sees how it ends; a paused one is a person's. */
	if (rc == RC_OK && (!bulk_is(b, "paused") || bulk_pause_is_own(b->why)) && !bulk_is(b, "cancelled"))
		rc = bulk_job_wanted(cx, b->id);
	return rc;
}

static enum rc check_reason(struct cx *cx, const char *reason)
{
	if (reason == NULL || reason[strspn(reason, " \t\r\n")] == '\0')
		return cx_fail_field(cx, "reason", "%s", _("Say why: it is kept with the decision."));
	if (text_length(reason) > BULK_REASON_MAX)
		return cx_fail_field(cx, "reason", _("At most %d letters."), BULK_REASON_MAX);
	return RC_OK;
}

enum rc bulk_resolve(struct cx *cx, int64_t id, int64_t row_number, bool was_sent, const char *reason)
{
	struct unsure_row r;
	struct bulk b;
	enum rc rc = check_reason(cx, reason);

	if (rc != RC_OK) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = bulk_read(cx, &b, id);
	if (rc == RC_OK) rc = find_row(cx, &r, &b, row_number);
	if (rc == RC_OK && strcmp(r.state, "unsure") != 0) {
		cx->error_code = "not_unsure";
		rc = cx_fail(cx, RC_CONFLICT, _("Row %lld is not unsure (any more)."), (long long)row_number);
	}
	if (rc == RC_OK) rc = decide(cx, &b, &r, row_number, was_sent, reason);
	return tx_end(cx, rc);
}

/* Evidence */

static enum rc add_attempts(struct cx *cx, int64_t message_id, struct value *out)
{
	struct value *rows = NULL;
	enum rc rc = db_rows(
		cx, &rows, ATTEMPTS_SHOWN,
		"SELECT at AS attempted_at, kind, http, outcome, detail FROM attempt WHERE message_id = :id ORDER BY id"
		" LIMIT :max",
		PARAMS(P_INT(":id", message_id), P_INT(":max", ATTEMPTS_SHOWN)));

	if (rc == RC_OK) value_set(out, "attempts", rows);
	return rc;
}

static const char *evidence_slot(struct cx *cx, int64_t id, int64_t row_number)
{
	return arena_printf(cx->arena, "sends.evidence:%lld:%lld", (long long)id, (long long)row_number);
}

/* What the last look found, and whether one is under way. */
static enum rc add_looks(struct cx *cx, int64_t id, int64_t row_number, struct value *out)
{
	struct value *job = NULL, *result = NULL;
	const char *json;
	enum rc rc = db_row(
		cx, &job,
		"SELECT id, state, result_json, error FROM job WHERE slot >= 'sends.' AND slot < 'sends/' AND slot = :slot"
		" ORDER BY id DESC LIMIT 1",
		PARAMS(P_TEXT(":slot", evidence_slot(cx, id, row_number))));

	if (rc == RC_NOT_FOUND) return RC_OK; /* nobody looked yet: no member "deliveries" */
	if (rc != RC_OK) return rc;
	value_set_int(cx->arena, out, "job", value_int_of(value_get(job, "id"), 0));
	value_set_text(cx->arena, out, "job_state", value_text_of(value_get(job, "state"), ""));
	json = value_text_of(value_get(job, "result_json"), "{}");
	if (json_parse(cx->arena, &result, NULL, json, strlen(json)) != RC_OK) result = value_map(cx->arena);
	value_set_text(cx->arena, out, "job_error", job_text(cx, value_text_of(value_get(job, "error"), "")));
	for (struct value *v = result->first, *next; v != NULL; v = next) {
		next = v->next;
		v->next = NULL;
		/* of older versions: the error */
		if (strcmp(v->key, "failed") != 0) value_set(out, v->key, v);
	}
	return RC_OK;
}

enum rc bulk_evidence(struct cx *cx, struct value **out, int64_t id, int64_t row_number)
{
	struct value *map = value_map(cx->arena);
	struct unsure_row r;
	struct bulk b;
	enum rc rc = bulk_read(cx, &b, id);

	if (rc == RC_OK) rc = find_row(cx, &r, &b, row_number);
	if (rc != RC_OK) return rc;
	value_set_int(cx->arena, map, "row", row_number);
	value_set_text(cx->arena, map, "email", r.address);
	value_set_text(cx->arena, map, "state", r.state);
	if (r.claimed_at != 0) value_set_int(cx->arena, map, "handed_over_at", r.claimed_at);
	rc = add_looks(cx, id, row_number, map);
	if (rc == RC_OK && r.message_id != 0) rc = add_attempts(cx, r.message_id, map);
	if (rc == RC_OK) *out = map;
	return rc;
}

enum rc bulk_evidence_ask(struct cx *cx, int64_t *job_id, int64_t id, int64_t row_number)
{
	struct value *args = value_map(cx->arena);
	struct unsure_row r;
	struct bulk b;
	enum rc rc = bulk_read(cx, &b, id);

	if (rc == RC_OK) rc = find_row(cx, &r, &b, row_number);
	if (rc == RC_OK && (r.message_id == 0 || r.claimed_at == 0))
		rc = cx_fail(cx, RC_CONFLICT, _("Row %lld was never handed over."), (long long)row_number);
	if (rc == RC_OK && strcmp(b.channel, "doppler") != 0)
		rc = cx_fail(
			cx, RC_CONFLICT, "%s",
			_("This road keeps no list of what it delivered; look into the mail server's log."));
	if (rc != RC_OK) return rc;
	value_set_int(cx->arena, args, "bulk_id", id);
	value_set_int(cx->arena, args, "row", row_number);
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = job_add(cx, job_id,
			     &(struct job_new){ .kind = EVIDENCE_JOB,
						.slot = evidence_slot(cx, id, row_number),
						.args = args });
	return tx_end(cx, rc);
}

/* The job */

struct search {
	const char *address;
	struct value *list;
};

static enum rc note_delivery(struct cx *cx, void *arg, const struct doppler_delivery *d)
{
	struct search *s = arg;
	struct value *one;

	if (s->list->count >= DELIVERIES_MAX || !text_equal_fold(d->address, s->address)) return RC_OK;
	one = value_add_map(cx->arena, s->list);
	value_set_int(cx->arena, one, "delivered_at", d->at);
	value_set_text(cx->arena, one, "subject", d->subject);
	value_set_text(cx->arena, one, "delivery_status", d->status);
	value_set_int(cx->arena, one, "opens", d->opens);
	value_set_int(cx->arena, one, "clicks", d->clicks);
	return RC_OK;
}

enum rc evidence_run(struct cx *cx, struct job *job)
{
	int64_t id = value_int_of(value_get(job_args(job), "bulk_id"), 0);
	int64_t row_number = value_int_of(value_get(job_args(job), "row"), 0);
	struct value *result = value_map(cx->arena);
	struct unsure_row r;
	struct search s;
	struct bulk b;
	instant until;
	enum rc rc = bulk_read(cx, &b, id);

	if (rc == RC_OK) rc = find_row(cx, &r, &b, row_number);
	if (rc != RC_OK) return rc;
	s = (struct search){ .address = r.address, .list = value_set_list(cx->arena, result, "deliveries") };
	until = r.claimed_at + AFTER_MS < cx_now(cx) ? r.claimed_at + AFTER_MS : cx_now(cx) + MINUTE_MS;
	rc = doppler_deliveries(cx, r.claimed_at - BEFORE_MS, until, r.address, note_delivery, &s);
	if (rc != RC_OK) return rc;
	value_set_int(cx->arena, result, "looked_at", cx_now(cx));
	job_note(cx, job, _("Deliveries to this address in that time: %lld."), (long long)s.list->count);
	return job_result(cx, job, result);
}
