/*
** hook_sendgrid.c -- SendGrid's events: proven by their signature, stored, then read (contracts/email.md
** §3.2).
**
** Owns:   what follows from an event.
** Needs:  sendgrid.webhook_key, the key SendGrid shows; offline the stand-in's, without anybody setting it.
** Never:  reads an event before its signature is checked; tells who opened or clicked.
** Holds:  (1) the signature is over the timestamp and the raw bytes, as they came; (2) a timestamp older than
**         FRESH_MS proves nothing; (3) what puts somebody on the list of suppressed addresses or takes him
**         off happens once per sg_event_id: an event told again does not undo what a person did since.
*/
#include "outbox/channels/sendgrid.h"
#include "outbox/hooks.h"
#include "outbox/inbound.h"
#include "outbox/ledger.h"
#include "outbox/suppression.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

#define FRESH_MS     (10 * MINUTE_MS) /* §3.2: older ones are refused; a batch waits some 30 s           */
#define AHEAD_MS     (5 * MINUTE_MS)  /* clocks differ                                                    */
#define CHECKS_A_S   50               /* signatures: each takes some milliseconds of a core               */
#define EVENT_SLICE  128              /* events in one transaction: some 20 ms                            */
#define EVENT_ID_MAX 100              /* sg_event_id has 22 to 60 characters; a longer one is hashed       */
#define DETAIL_MAX   200              /* code points of a reason, on the message's page                    */

/* The door */

static struct bucket checks = { .window_ms = SECOND_MS, .most = CHECKS_A_S };

static const char *public_key(const struct cx *cx)
{
	const char *key = setting_text(cx->env->settings, "sendgrid.webhook_key");

	if (key[0] != '\0') return key;
	return cx->env->is_offline && cx->env->standin_event_key != NULL ? cx->env->standin_event_key : "";
}

static bool is_fresh(const struct cx *cx, const char *stamp)
{
	instant now = cx_now(cx);
	int64_t s = 0;
	size_t n = strlen(stamp);

	if (n == 0 || n > 12 || strspn(stamp, "0123456789") != n) return false;
	for (; *stamp != '\0'; stamp++)
		s = s * 10 + (*stamp - '0');
	return s * SECOND_MS > now - FRESH_MS && s * SECOND_MS < now + AHEAD_MS;
}

static bool is_signed(const struct cx *cx, const struct call *call, const char *signature, const char *stamp)
{
	return sign_check(public_key(cx), signature, (struct bytes){ stamp, strlen(stamp) },
			  call_body(call)) == RC_OK;
}

enum rc hook_sendgrid(struct cx *cx, struct call *call)
{
	const char *signature = call_header(call, "X-Twilio-Email-Event-Webhook-Signature");
	const char *stamp = call_header(call, "X-Twilio-Email-Event-Webhook-Timestamp");
	struct bytes raw = call_body(call);
	char key[SHA256_HEX_SIZE];
	enum rc rc;

	if (strcmp(call_method(call), "POST") != 0) {
		answer_header(call, "Allow", "POST");
		return hook_say(cx, call, 405, "method not allowed");
	}
	if (public_key(cx)[0] == '\0' || signature == NULL || stamp == NULL || !is_fresh(cx, stamp))
		return hook_refuse(cx, call);
	if (!bucket_take(&checks)) return hook_too_many(cx, call, "1");
	if (!is_signed(cx, call, signature, stamp)) return hook_refuse(cx, call);
	/* It is SendGrid: what cannot be read is kept too and called failed, or it would come again for a
	** day. */
	if (raw.len == 0 || !text_is_utf8(raw.p, raw.len)) return hook_say(cx, call, 400, "not a JSON list");
	sha256_hex(key, raw.p, raw.len);
	rc = hook_store(cx, "sendgrid", key, arena_bytes(cx->arena, raw.p, raw.len));
	return rc == RC_OK ? hook_say(cx, call, 200, "") : rc;
}

/* Reading */

/* The message an event is about; id 0: none of ours. Of one that a person had sent again it is the second one
** while that has not left: SendGrid had taken the first, so the second need not. */
struct told_of {
	int64_t id, contact_id;
	bool is_unsure, is_leaving;
};

static enum rc find_message(struct cx *cx, struct told_of *out, const struct sendgrid_event *e)
{
	struct query *q = NULL;
	enum rc rc;

	*out = (struct told_of){ .id = 0 };
	if (e->message[0] == '\0') return RC_OK;
	rc = db_query(
		cx, &q,
		"SELECT coalesce(r.id, m.id), m.contact_id, coalesce(r.state, m.state), r.id IS NOT NULL FROM message m"
		" LEFT JOIN message r ON r.replaces_id = m.id AND m.state = 'failed' AND m.state_why = 'replaced'"
		" AND (r.state = 'queued' OR (r.claimed_at IS NULL AND r.state IN ('sent', 'delivered', 'failed')))"
		" WHERE m.public_id = :id",
		PARAMS(P_TEXT(":id", e->message)));
	if (rc == RC_OK && query_next(q)) {
		out->id = query_int(q, 0);
		out->contact_id = query_int(q, 1);
		out->is_unsure = strcmp(query_text(q, 2), "unsure") == 0 ||
				 (query_int(q, 3) != 0 && strcmp(query_text(q, 2), "queued") == 0);
		out->is_leaving = strcmp(query_text(q, 2), "sending") == 0;
	}
	return query_end(q, rc);
}

/* Once for each event: the row that says so has no body. */
static enum rc is_new(struct cx *cx, bool *out, const struct sendgrid_event *e)
{
	char hash[SHA256_HEX_SIZE];
	const char *id = e->id;
	enum rc rc;

	*out = true;
	if (id[0] == '\0') return RC_OK;
	if (strlen(id) > EVENT_ID_MAX) {
		sha256_hex(hash, id, strlen(id));
		id = hash;
	}
	rc = db_run(
		cx,
		"INSERT INTO inbound (provider, provider_id, body, state, received_at)"
		" VALUES ('sendgrid.event', :id, '', 'done', :now) ON CONFLICT (provider, provider_id) DO NOTHING",
		PARAMS(P_TEXT(":id", id), P_INT(":now", cx_now(cx))));
	if (rc == RC_OK) *out = db_changes(cx) == 1;
	return rc;
}

/* Whom it is about: our message's contact, else the address, which another program wrote to over the same
** account. 0: nobody. */
static enum rc whom(struct cx *cx, int64_t *contact_id, const struct told_of *m,
		    const struct sendgrid_event *e)
{
	const char *at = strchr(e->email, '@');

	*contact_id = m->contact_id;
	if (m->contact_id != 0 || at == NULL || at == e->email || strlen(e->email) > 254) return RC_OK;
	return contact_ensure(cx, contact_id, "email", text_lower_ascii(cx->arena, e->email));
}

static bool says(const char *reason, const char *word)
{
	size_t n = strlen(word);

	for (; *reason != '\0'; reason++)
		if (strncasecmp(reason, word, n) == 0) return true;
	return false;
}

static enum rc leave(struct cx *cx, int64_t contact, const char *origin)
{
	return contact_opt_out(cx, contact, "campaign", origin, true);
}

/* SendGrid does not even try what is on its own lists; the reason says on which. */
static enum rc take_dropped(struct cx *cx, int64_t contact, const char *reason)
{
	if (says(reason, "unsubscribed")) return leave(cx, contact, ORIGIN_SENDGRID);
	if (says(reason, "spam reporting")) return leave(cx, contact, ORIGIN_SPAM);
	if (says(reason, "bounced address")) return contact_is_dead(cx, contact, "bounce");
	if (says(reason, "invalid")) return contact_is_dead(cx, contact, "bad_address");
	return RC_OK;
}

/* Who left by our own link or was put on the list here comes back by us, not by SendGrid. */
static enum rc come_back(struct cx *cx, int64_t contact)
{
	int64_t n = 0;
	enum rc rc = contact_keeper(cx, &contact, false);

	if (rc == RC_OK)
		rc = db_get_int(
			cx, &n,
			"SELECT count(*) FROM opt_out WHERE contact_id = :contact AND topic = 'campaign'"
			" AND origin = '" ORIGIN_SENDGRID "'",
			PARAMS(P_INT(":contact", contact)));
	return rc == RC_OK && n > 0 ? contact_opt_out(cx, contact, "campaign", ORIGIN_SENDGRID, false) : rc;
}

/* Who may be written to from now on. */
static enum rc take_person(struct cx *cx, const struct told_of *m, const struct sendgrid_event *e)
{
	int64_t contact = 0;
	bool is_first = false;
	enum rc rc;

	if (e->kind == SENDGRID_IGNORED || e->kind == SENDGRID_ACCEPTED || e->kind == SENDGRID_DELIVERED ||
	    e->kind == SENDGRID_BLOCKED)
		return RC_OK;
	rc = is_new(cx, &is_first, e);
	if (rc != RC_OK || !is_first) return rc;
	rc = whom(cx, &contact, m, e);
	if (rc != RC_OK || contact == 0) return rc;
	switch (e->kind) {
	case SENDGRID_BOUNCED: return contact_is_dead(cx, contact, "bounce");
	case SENDGRID_DROPPED: return take_dropped(cx, contact, e->reason);
	case SENDGRID_SPAM: return leave(cx, contact, ORIGIN_SPAM);
	case SENDGRID_LEFT: return leave(cx, contact, ORIGIN_SENDGRID);
	case SENDGRID_CAME_BACK: return come_back(cx, contact);
	default: return RC_OK;
	}
}

/* The message failed afterwards: why, for its page. */
static enum rc keep_reason(struct cx *cx, int64_t id, const char *reason)
{
	const char *kept = arena_bytes(cx->arena, reason, text_prefix(reason, DETAIL_MAX));

	return kept[0] == '\0' ? RC_OK
			       : db_run(cx, "UPDATE message SET error = :error WHERE id = :id",
					PARAMS(P_TEXT(":error", kept), P_INT(":id", id)));
}

/* How the message went. Whatever SendGrid tells of one that was unsure, it had taken it. */
static enum rc take_message(struct cx *cx, const struct told_of *m, const struct sendgrid_event *e)
{
	bool has_failed =
		e->kind == SENDGRID_BOUNCED || e->kind == SENDGRID_BLOCKED || e->kind == SENDGRID_DROPPED;
	bool is_changed = false;
	enum rc rc = RC_OK;

	if (m->is_unsure) rc = ledger_prove(cx, m->id, NULL, "SendGrid told of it by itself");
	if (rc == RC_OK && e->kind == SENDGRID_DELIVERED)
		rc = ledger_word(cx, m->id, STATUS_DELIVERED, "event", NULL);
	if (rc == RC_OK && has_failed) rc = ledger_word(cx, m->id, STATUS_ERROR, "event", &is_changed);
	return rc == RC_OK && is_changed ? keep_reason(cx, m->id, e->reason) : rc;
}

static enum rc take_event(struct cx *cx, const struct sendgrid_event *e, bool *was_of_use)
{
	struct told_of m;
	enum rc rc = find_message(cx, &m, e);

	if (rc != RC_OK || e->kind == SENDGRID_IGNORED) return rc;
	/* Told before its answer is settled: the slot's owner comes first. */
	if (m.is_leaving) return RC_TRY_LATER;
	*was_of_use = true;
	if (m.id != 0) rc = take_message(cx, &m, e);
	return rc == RC_OK ? take_person(cx, &m, e) : rc;
}

enum rc hook_sendgrid_take(struct cx *cx, const char *body, bool *was_of_use)
{
	struct sendgrid_event *events = NULL;
	struct value *json = NULL;
	size_t count = 0;
	enum rc rc = json_parse(cx->arena, &json, NULL, body, strlen(body));

	if (rc == RC_OK) rc = sendgrid_events(cx->arena, &events, &count, json);
	for (size_t i = 0; rc == RC_OK && i < count;) {
		size_t end = count - i < EVENT_SLICE ? count : i + EVENT_SLICE;

		if ((rc = tx_begin(cx)) != RC_OK) return rc;
		for (; rc == RC_OK && i < end; i++)
			rc = take_event(cx, &events[i], was_of_use);
		rc = tx_end(cx, rc);
	}
	return rc;
}
