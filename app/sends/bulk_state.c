/*
** bulk_state.c -- the state of a bulk send: every edge one UPDATE that names the state it leaves.
**
** Owns:   bulk_send.status, status_why, status_detail, paused_until_at.
** Needs:  bulk.h draws the states; the outbox's batch goes along with a pause and a cancel.
** Never:  sends; looks at rows.
** Holds:  (1) of two who want the same edge at once one wins, the other reads what became of it; (2) a pause
**         and a cancel hold what is queued in the outbox too; (3) a send that handed nothing over may be
**         tried again after an error, one that did may not: nobody gets a mail twice that way; (4) with a
**         state that waits for its work there is a job.
*/
#include "sends/bulk_inner.h"

#include "base/text.h"
#include "outbox/channels/doppler.h"
#include "sends/attachments.h"
#include "sends/senders.h"
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *from, *to;
} edges[] = {
	{ "pending", "queued" },    { "pending", "cancelled" }, { "pending", "error" },
	{ "queued", "sending" },    { "queued", "paused" },     { "queued", "cancelled" },
	{ "sending", "paused" },    { "sending", "done" },      { "sending", "error" },
	{ "sending", "cancelled" }, { "paused", "queued" },     { "paused", "sending" },
	{ "paused", "cancelled" },  { "error", "queued" },      { "error", "done" },
};

bool bulk_edge_is_legal(const char *from, const char *to)
{
	for (size_t i = 0; i < sizeof(edges) / sizeof(*edges); i++)
		if (strcmp(edges[i].from, from) == 0 && strcmp(edges[i].to, to) == 0) return true;
	return false;
}

bool bulk_pause_is_own(const char *why)
{
	static const char *const own[] = { WHY_CHANNEL, WHY_SWITCH, WHY_HALTED,
					   WHY_UNSURE,  WHY_BATCH,  WHY_GATEWAY };

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (strcmp(own[i], why) == 0) return true;
	return false;
}

static void fill(struct cx *cx, struct bulk *b, const struct query *q)
{
	*b = (struct bulk){
		.id = query_int(q, 0),
		.public_id = query_copy(cx, q, 1),
		.channel = query_copy(cx, q, 2),
		.template_id = query_copy(cx, q, 3),
		.template_name = query_copy(cx, q, 4),
		.subject = query_copy(cx, q, 5),
		.status = query_copy(cx, q, 6),
		.why = query_copy(cx, q, 7),
		.detail = query_copy(cx, q, 8),
		.import_status = query_copy(cx, q, 9),
		.import_error = query_copy(cx, q, 10),
		.import_json = query_copy(cx, q, 11),
		.variables_json = query_copy(cx, q, 12),
		.may_be_empty = query_copy(cx, q, 13),
		.result_json = query_copy(cx, q, 14),
		.from_email = query_copy(cx, q, 15),
		.from_name = query_copy(cx, q, 16),
		.reply_to = query_copy(cx, q, 17),
		.is_own_subject = query_int(q, 18) != 0,
		.wants_start = query_int(q, 19) != 0,
		.sender_id = query_int(q, 20),
		.batch_id = query_int(q, 21),
		.fed_row = query_int(q, 22),
		.import_version = query_int(q, 23),
		.valid_rows = query_int(q, 24),
		.invalid_rows = query_int(q, 25),
		.scheduled_by = query_int(q, 26),
		.created_by_id = query_int(q, 27),
		.scheduled_at = query_int(q, 28),
		.paused_until_at = query_int(q, 29),
		.sent_started_at = query_int(q, 30),
		.is_archived = !query_is_null(q, 31),
	};
}

enum rc bulk_read(struct cx *cx, struct bulk *out, int64_t id)
{
	struct query *q = NULL;
	bool has_row = false;
	enum rc rc = db_query(
		cx, &q,
		"SELECT id, public_id, channel, template_id, template_name, subject, status, status_why, status_detail,"
		" import_status, import_error, import_json, variables_json, may_be_empty, result_json, from_email, from_name,"
		" reply_to, is_own_subject, wants_start, sender_id, batch_id, fed_row, import_version, valid_rows,"
		" invalid_rows, scheduled_by, created_by_id, scheduled_at, paused_until_at, sent_started_at, archived_at"
		" FROM bulk_send WHERE id = :id",
		PARAMS(P_INT(":id", id)));

	if (rc == RC_OK && query_next(q)) {
		has_row = true;
		fill(cx, out, q);
	}
	rc = query_end(q, rc);
	if (rc == RC_OK && !has_row)
		return cx_fail(cx, RC_NOT_FOUND, _("There is no bulk send %lld."), (long long)id);
	return rc;
}

enum rc bulk_move(struct cx *cx, int64_t id, const struct bulk_edge *e)
{
	struct value *before, *after;
	enum rc rc;

	if (!bulk_edge_is_legal(e->from, e->to)) return RC_BUG;
	rc = db_run(
		cx,
		"UPDATE bulk_send SET status = :to, status_why = :why, status_detail = :detail, paused_until_at = :until,"
		" updated_at = :now WHERE id = :id AND status = :from",
		PARAMS(P_TEXT(":to", e->to), P_TEXT(":why", e->why ? e->why : ""),
		       P_TEXT(":detail", e->detail ? e->detail : ""), P_REF(":until", e->until),
		       P_INT(":now", cx_now(cx)), P_INT(":id", id), P_TEXT(":from", e->from)));
	if (rc != RC_OK) return rc;
	if (db_changes(cx) != 1) return RC_CONFLICT;
	log_event(LOG_INFO, "app", "bulk.state", "id=%lld from=%s to=%s why=%s", (long long)id, e->from,
		  e->to, e->why && e->why[0] ? e->why : "-");
	before = value_map(cx->arena);
	after = value_map(cx->arena);
	value_set_text(cx->arena, before, "status", e->from);
	value_set_text(cx->arena, after, "status", e->to);
	if (e->why && e->why[0]) value_set_text(cx->arena, after, "status_why", e->why);
	return audit_add(cx, e->to, "bulk_send", id, before, after);
}

enum rc bulk_refuse(struct cx *cx, int64_t id)
{
	static const struct {
		const char *status, *msgid;
	} words[] = {
		{ "pending", N_("Send %lld has not been started yet.") },
		{ "queued", N_("Send %lld is already in the queue.") },
		{ "sending", N_("Send %lld is under way already.") },
		{ "paused", N_("Send %lld is paused: resume it.") },
		{ "done", N_("Send %lld is over.") },
		{ "error", N_("Send %lld ended with an error.") },
		{ "cancelled", N_("Send %lld was cancelled.") },
	};
	const char *status = "";
	enum rc rc = db_get_text(cx, &status, "SELECT status FROM bulk_send WHERE id = :id",
				 PARAMS(P_INT(":id", id)));

	if (rc == RC_NOT_FOUND) return cx_fail(cx, rc, _("There is no bulk send %lld."), (long long)id);
	if (rc != RC_OK) return rc;
	cx->error_code = "wrong_state";
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i].status, status) == 0) {
			const char *text = words_get(cx->lang, words[i].msgid), *place = strstr(text, "%lld");

			return cx_fail(cx, RC_CONFLICT, "%.*s%lld%s", (int)(place ? place - text : 0), text,
				       (long long)id, place ? place + 4 : text);
		}
	return RC_CONFLICT;
}

const char *bulk_slot(struct cx *cx, const char *what, int64_t id)
{
	return arena_printf(cx->arena, "sends.%s:%lld", what, (long long)id);
}

enum rc bulk_job_wanted(struct cx *cx, int64_t id)
{
	struct value *args = value_map(cx->arena);
	const char *slot = bulk_slot(cx, "send", id), *state = "";
	int64_t job = 0;
	enum rc rc;

	value_set_int(cx->arena, args, "bulk_id", id);
	rc = job_add(cx, &job, &(struct job_new){ .kind = SEND_JOB, .slot = slot, .args = args });
	if (rc != RC_CONFLICT) return rc;
	rc = job_hasten(cx, slot);
	if (rc == RC_OK)
		rc = db_get_text(cx, &state, "SELECT state FROM job WHERE id = :id",
				 PARAMS(P_INT(":id", job)));
	if (rc != RC_OK || strcmp(state, "running") != 0) return rc;
	/* It runs, and may be about to end because of the state that was left a moment ago. */
	rc = job_add(cx, &job,
		     &(struct job_new){ .kind = SEND_JOB,
					.slot = bulk_slot(cx, "next", id),
					.args = args,
					.run_at = cx_now(cx) + SECOND_MS });
	return rc == RC_CONFLICT ? RC_OK : rc;
}

bool bulk_quota_is_wrong(const struct env *env)
{
	int64_t caps[3];

	return doppler_key(env)[0] != '\0' && doppler_account(env) != 0 && !doppler_caps(caps, env->settings);
}

enum rc bulk_channel_is_set(struct cx *cx, const char *channel)
{
	struct value *card = NULL;
	enum rc rc = channel_show(cx, &card, channel);

	if (rc == RC_NOT_FOUND)
		return cx_fail(cx, RC_BAD_INPUT, _("“%s” is not one of the choices."), channel);
	if (rc != RC_OK || value_bool_of(value_get(card, "key_is_set"), false)) return rc;
	cx->error_code = "channel_not_configured";
	if (strcmp(channel, "email") == 0)
		return cx_fail(
			cx, RC_BAD_INPUT, "%s",
			_("The mail server is not configured: set smtp.host and smtp.from in the settings."));
	if (strcmp(channel, "sendgrid") == 0)
		return cx_fail(cx, RC_BAD_INPUT, "%s",
			       _("SendGrid is not configured: set sendgrid.api_key in the settings."));
	if (bulk_quota_is_wrong(cx->env))
		return cx_fail(
			cx, RC_BAD_INPUT, "%s",
			_("The guard of Doppler Relay's quota is on, but not all three limits are more than zero"
			  " (doppler.quota_monthly, doppler.quota_daily, doppler.quota_hourly). Mails through it wait."));
	return cx_fail(
		cx, RC_BAD_INPUT, "%s",
		_("Doppler Relay is not configured: set doppler.api_key and doppler.account_id in the settings."));
}

/* Start */

/* Who it is from, kept with the send from here on. */
static enum rc keep_sender(struct cx *cx, const struct bulk *b)
{
	struct sender s = { .id = 0 };
	bool is_background = cx->actor.user_id == 0;
	int64_t user = is_background && b->wants_start ? b->scheduled_by : cx->actor.user_id;
	enum rc rc =
		sender_resolve(cx, &s,
			       &(struct sender_ask){ .channel = b->channel,
						     .sender_id = b->sender_id,
						     .user_id = user,
						     /* told with the request (/relay/send/) */
						     .from_email = b->from_email[0] ? b->from_email : NULL,
						     .from_name = b->from_name[0] ? b->from_name : NULL });

	if (rc != RC_OK) return rc;
	return db_run(
		cx,
		"UPDATE bulk_send SET from_email = :email, from_name = :name, reply_to = :reply, wants_start = 0,"
		" processing_started_at = :now WHERE id = :id",
		PARAMS(P_TEXT(":email", s.from_email), P_TEXT(":name", s.from_name ? s.from_name : ""),
		       P_TEXT(":reply", s.reply_to ? s.reply_to : ""), P_INT(":now", cx_now(cx)),
		       P_INT(":id", b->id)));
}

static bool is_importing(const struct bulk *b)
{
	return strcmp(b->import_status, "not_started") == 0 || strcmp(b->import_status, "importing") == 0;
}

static enum rc note_wish(struct cx *cx, const struct bulk *b)
{
	return db_run(
		cx,
		"UPDATE bulk_send SET wants_start = 1, scheduled_by = coalesce(:user, scheduled_by), updated_at = :now"
		" WHERE id = :id AND status = 'pending'",
		PARAMS(P_REF(":user", cx->actor.user_id), P_INT(":now", cx_now(cx)), P_INT(":id", b->id)));
}

static enum rc enqueue(struct cx *cx, int64_t id)
{
	struct bulk b;
	enum rc rc = bulk_read(cx, &b, id);
	bool is_again;

	if (rc != RC_OK) return rc;
	is_again = bulk_is(&b, "error") && b.batch_id == 0 && strcmp(b.import_status, "error") != 0;
	if ((!bulk_is(&b, "pending") && !is_again) || b.is_archived) return bulk_refuse(cx, id);
	if (is_importing(&b)) return note_wish(cx, &b);
	if (strcmp(b.import_status, "error") == 0) return bulk_refuse(cx, id);
	rc = bulk_channel_is_set(cx, b.channel);
	if (rc == RC_OK) rc = keep_sender(cx, &b);
	if (rc == RC_OK) rc = bulk_move(cx, id, &(struct bulk_edge){ .from = b.status, .to = "queued" });
	if (rc == RC_OK) rc = alert_resolve(cx, arena_printf(cx->arena, BULK_LATE_ALERT, (long long)id));
	return rc == RC_OK ? bulk_job_wanted(cx, id) : rc;
}

enum rc bulk_enqueue(struct cx *cx, int64_t id)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = enqueue(cx, id);
	return tx_end(cx, rc);
}

/* A send that cannot start by itself says why and waits for a person. */
enum rc bulk_imported(struct cx *cx, int64_t id)
{
	struct bulk b;
	enum rc rc = bulk_read(cx, &b, id);
	struct sender s = { .id = 0 };

	if (rc != RC_OK || !b.wants_start || !bulk_is(&b, "pending")) return rc;
	cx->keeps_sentence = true;
	rc = bulk_channel_is_set(cx, b.channel);
	if (rc == RC_OK)
		rc = sender_resolve(cx, &s,
				    &(struct sender_ask){ .channel = b.channel,
							  .sender_id = b.sender_id,
							  .user_id = b.scheduled_by,
							  .from_email = b.from_email[0] ? b.from_email : NULL,
							  .from_name = b.from_name[0] ? b.from_name : NULL });
	if (rc == RC_OK) return enqueue(cx, id);
	if (rc != RC_BAD_INPUT && rc != RC_NOT_FOUND) return rc;
	rc = db_run(
		cx,
		"UPDATE bulk_send SET wants_start = 0, status_why = 'not_started', status_detail = :why, updated_at = :now"
		" WHERE id = :id AND status = 'pending'",
		PARAMS(P_TEXT(":why", cx_sentence_kept(cx, RC_BAD_INPUT)), P_INT(":now", cx_now(cx)),
		       P_INT(":id", id)));
	cx->message = "";
	cx->error_code = NULL;
	cx->field_count = 0;
	return rc;
}

enum rc bulk_import_failed(struct cx *cx, int64_t id, const char *code)
{
	enum rc rc = bulk_move(cx, id, &(struct bulk_edge){ .from = "pending", .to = "error", .why = code });

	return rc == RC_CONFLICT ? RC_OK : rc; /* cancelled meanwhile */
}

/* Pause, resume, cancel, another hour */

static enum rc set_batch(struct cx *cx, const struct bulk *b, const char *state)
{
	return b->batch_id != 0 ? batch_set_state(cx, b->batch_id, state) : RC_OK;
}

static enum rc pause(struct cx *cx, int64_t id, const char *why)
{
	struct bulk b;
	enum rc rc = bulk_read(cx, &b, id);

	if (rc != RC_OK) return rc;
	if (bulk_is(&b, "paused") && bulk_pause_is_own(b.why)) {
		/* From now on it waits for the person, not for what it waited for. */
		rc = db_run(
			cx,
			"UPDATE bulk_send SET status_why = :why, status_detail = '', paused_until_at = NULL, updated_at = :now"
			" WHERE id = :id AND status = 'paused'",
			PARAMS(P_TEXT(":why", why), P_INT(":now", cx_now(cx)), P_INT(":id", id)));
		return rc == RC_OK ? set_batch(cx, &b, "paused") : rc;
	}
	if (!bulk_is(&b, "queued") && !bulk_is(&b, "sending")) return bulk_refuse(cx, id);
	rc = bulk_move(cx, id, &(struct bulk_edge){ .from = b.status, .to = "paused", .why = why });
	return rc == RC_OK ? set_batch(cx, &b, "paused") : rc;
}

enum rc bulk_pause(struct cx *cx, int64_t id, const char *why)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = pause(cx, id, why != NULL && why[0] != '\0' ? why : WHY_BY_PERSON);
	return tx_end(cx, rc);
}

static enum rc resume(struct cx *cx, int64_t id)
{
	struct bulk b;
	enum rc rc = bulk_read(cx, &b, id);

	if (rc != RC_OK) return rc;
	if (!bulk_is(&b, "paused")) return bulk_refuse(cx, id);
	rc = bulk_move(cx, id, &(struct bulk_edge){ .from = "paused", .to = "queued" });
	if (rc == RC_OK) rc = alert_resolve(cx, arena_printf(cx->arena, BULK_STUCK_ALERT, (long long)id));
	/* The batch is opened by the job: in slices, and also when it died in between. */
	return rc == RC_OK ? bulk_job_wanted(cx, id) : rc;
}

enum rc bulk_resume(struct cx *cx, int64_t id)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = resume(cx, id);
	return tx_end(cx, rc);
}

static enum rc cancel(struct cx *cx, int64_t id)
{
	struct bulk b;
	struct value *counts = NULL;
	enum rc rc = bulk_read(cx, &b, id);

	if (rc != RC_OK) return rc;
	rc = bulk_move(cx, id,
		       &(struct bulk_edge){ .from = b.status, .to = "cancelled", .why = WHY_BY_PERSON });
	if (rc == RC_OK) rc = alert_resolve(cx, arena_printf(cx->arena, BULK_LATE_ALERT, (long long)id));
	if (rc == RC_OK) rc = alert_resolve(cx, arena_printf(cx->arena, BULK_STUCK_ALERT, (long long)id));
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE bulk_send SET wants_start = 0 WHERE id = :id",
			    PARAMS(P_INT(":id", id)));
	/* Once more, with what was fed or begun since it was looked at. */
	if (rc == RC_OK) rc = set_batch(cx, &b, "cancelled");
	if (rc == RC_OK) rc = bulk_counts(cx, &counts, id, true);
	return rc;
}

/* First the batch, in slices: cut in between it is the job that finds it cancelled and says so
** (send_job.c). */
enum rc bulk_cancel(struct cx *cx, int64_t id)
{
	struct bulk b;
	enum rc rc = bulk_read(cx, &b, id);

	if (rc == RC_OK && !bulk_edge_is_legal(b.status, "cancelled")) return bulk_refuse(cx, id);
	if (rc == RC_OK) rc = set_batch(cx, &b, "cancelled");
	if (rc != RC_OK) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = cancel(cx, id);
	if (rc == RC_CONFLICT ||
	    rc == RC_BUG) { /* it moved on meanwhile: perhaps its job saw the batch first */
		(void)!tx_end(cx, rc);
		rc = bulk_read(cx, &b, id);
		if (rc == RC_OK && bulk_is(&b, "cancelled")) return RC_OK;
		return rc == RC_OK ? bulk_refuse(cx, id) : rc;
	}
	return tx_end(cx, rc);
}

enum rc bulk_hour_check(struct cx *cx, instant at)
{
	if (at == 0 || at >= cx_now(cx) - MINUTE_MS) return RC_OK;
	return cx_fail_field(
		cx, "scheduled_at", "%s",
		_("This hour is over. Give one that is still to come, or none to send at once."));
}

static enum rc reschedule(struct cx *cx, int64_t id, instant at)
{
	struct value *after = value_map(cx->arena);
	enum rc rc = db_run(
		cx,
		"UPDATE bulk_send SET scheduled_at = :at, wants_start = 0, status_why = '', status_detail = '',"
		" scheduled_by = coalesce(:user, scheduled_by), updated_at = :now WHERE id = :id AND status = 'pending'"
		" AND archived_at IS NULL",
		PARAMS(P_REF(":at", at), P_REF(":user", cx->actor.user_id), P_INT(":now", cx_now(cx)),
		       P_INT(":id", id)));

	if (rc == RC_OK && db_changes(cx) != 1) return bulk_refuse(cx, id);
	if (rc == RC_OK) rc = alert_resolve(cx, arena_printf(cx->arena, BULK_LATE_ALERT, (long long)id));
	value_set_int(cx->arena, after, "scheduled_at", at);
	return rc == RC_OK ? audit_add(cx, "reschedule", "bulk_send", id, NULL, after) : rc;
}

enum rc bulk_reschedule(struct cx *cx, int64_t id, instant at)
{
	enum rc rc = bulk_hour_check(cx, at);

	if (rc == RC_OK)
		rc = tx_begin(cx);
	else
		return rc;
	if (rc == RC_OK) rc = reschedule(cx, id, at);
	return tx_end(cx, rc);
}
