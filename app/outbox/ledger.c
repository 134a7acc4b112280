/*
** ledger.c -- claims and settles rows of `message`: each step is one guarded statement.
**
** Owns:   the transitions queued → sending → sent | queued | failed | unsure, and their attempt rows.
** Needs:  the caller's write transaction; the time, handed in.
** Never:  speaks to a provider, renders a text, reads a setting.
** Holds:  (1) every UPDATE names the state it leaves; (2) a claimed row has a slot, a settled one has none;
**         (3) the queue's index holds only rows with turn 1, and a claim either takes such a row or moves it
**         out, so claiming costs the same with 100,000 rows parked; (4) one message in flight per contact, by
**         the busy list and by the index message_sending.
*/
#include "outbox/ledger.h"
#include "base/text.h"
#include "outbox/alert.h"
#include "outbox/suppression.h"

#include <string.h>

#define CLAIM_SPARE  16 /* rows read beyond the free slots once some had to be parked on the way    */
#define CLAIM_PASSES 4  /* then the round ends and the next goes on: a claim stays a short write */

enum rc attempt_add(struct cx *cx, int64_t message_id, const char *kind, int http, const char *outcome,
		    const char *detail)
{
	return db_run(cx,
		      "INSERT INTO attempt (message_id, at, kind, http, outcome, detail)"
		      " VALUES (:message, :at, :kind, :http, :outcome, :detail)",
		      PARAMS(P_INT(":message", message_id), P_INT(":at", cx_now(cx)), P_TEXT(":kind", kind),
			     P_REF(":http", http), P_TEXT(":outcome", outcome), P_TEXT(":detail", detail)));
}

/* Start */

enum rc ledger_start(struct cx *cx, int64_t *count)
{
	enum rc rc = db_run(cx,
			    "INSERT INTO attempt (message_id, at, kind, outcome, detail)"
			    " SELECT id, :at, 'start', 'unsure', 'stopped while it was being sent'"
			    " FROM message WHERE state = 'sending'",
			    PARAMS(P_INT(":at", cx_now(cx))));

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE message SET state = 'unsure', state_why = 'stopped', slot = NULL, attempts = attempts + 1"
			" WHERE state = 'sending'",
			NO_PARAMS);
	*count = rc == RC_OK ? db_changes(cx) : 0;
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE message SET turn = 1 WHERE state = 'queued' AND turn = 2", NO_PARAMS);
	return rc;
}

/* Claim */

#define CLAIM_SELECT(ignores_window, more)                                                                            \
	"SELECT m.id AS id, m.contact_id, m.template_version_id, m.attempts, m.expires_at, m.variables_json, m.body," \
	" c.address, c.dead_reason, b.state, o.topic IS NOT NULL, c.kind, m.ignores_window, m.batch_id,"              \
	" m.priority AS priority, m.topic" more                                                                       \
	" FROM message m INDEXED BY message_queue CROSS JOIN contact c ON c.id = m.contact_id"                        \
	" CROSS JOIN batch b ON b.id = m.batch_id"                                                                    \
	" LEFT JOIN opt_out o ON o.contact_id = m.contact_id AND o.topic = m.topic"                                   \
	" WHERE m.channel_account_id = :account AND m.state = 'queued' AND m.turn = 1 AND m.ignores_window = " ignores_window

#define CLAIM_ORDER " ORDER BY priority, id LIMIT :max"
/* The two halves of the index, merged: neither is sorted, and none is read further than needed. */
#define CLAIM_ANY(more)         CLAIM_SELECT("1", more) " UNION ALL " CLAIM_SELECT("0", more) CLAIM_ORDER
#define CLAIM_AT_ANY_HOUR(more) CLAIM_SELECT("1", more) CLAIM_ORDER
/* What mail and chats need beyond address and text: not read for each of a hundred thousand texts. */
#define CLAIM_PARTS ", m.subject, m.html, m.public_id, m.created_at, m.to_name, c.public_id"
#define PARTS_AT    16 /* the first of them */
/* Urgent and at any hour, as ops makes them: what else is held is not even looked at. */
#define CLAIM_OWN \
	CLAIM_SELECT("1", CLAIM_PARTS) " AND m.priority = 0 AND b.kind = '" ALERT_BATCH "'" CLAIM_ORDER

struct candidate {
	struct claimed m;
	const char *out_state, *out_why; /* it leaves the queue for good so; NULL: it does not */
	bool is_paused;
};

/* What the contact in lower case keeps of this mailbox (contact_keeper). */
enum kept { KEPT_NOTHING, KEPT_DEAD, KEPT_OPT_OUT };

static bool has_capital(const char *address)
{
	while (*address != '\0' && (*address < 'A' || *address > 'Z'))
		address++;
	return *address != '\0';
}

static enum rc find_kept(struct cx *cx, enum kept *out, const char *address, const char *topic)
{
	int64_t n = KEPT_NOTHING;
	enum rc rc = db_get_int(
		cx, &n,
		"SELECT CASE WHEN EXISTS (SELECT 1 FROM opt_out o WHERE o.contact_id = c.id AND o.topic = :topic) THEN 2"
		" ELSE c.dead_reason <> '' END FROM contact c WHERE c.kind = 'email' AND c.address = :address",
		PARAMS(P_TEXT(":topic", topic), P_TEXT(":address", text_lower_ascii(cx->arena, address))));

	*out = (enum kept)n;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static void judge(struct candidate *k, const struct query *q, const struct claim *c, enum kept kept)
{
	k->out_state = NULL;
	k->out_why = "";
	k->is_paused = strcmp(query_text(q, 9), "paused") == 0;
	if (strcmp(query_text(q, 9), "cancelled") == 0) {
		k->out_state = "cancelled";
		k->out_why = "batch";
	} else if (k->m.expires_at <= c->now) {
		k->out_state = "expired";
	} else if (query_int(q, 10) != 0 || kept == KEPT_OPT_OUT) {
		k->out_state = "skipped";
		k->out_why = "opt_out";
	} else if (query_text(q, 8)[0] != '\0' || kept == KEPT_DEAD) {
		k->out_state = "skipped";
		k->out_why = "dead_contact";
	} else if (strcmp(query_text(q, 11), c->contact_kind) != 0) {
		k->out_state = "skipped";
		/* known by an internal identity of the provider only */
		k->out_why = strcmp(c->contact_kind, "phone") == 0 ? "no_number" : "no_address";
	}
}

static bool has_parts(const struct claim *c)
{
	return c->is_own_only || strcmp(c->contact_kind, "phone") != 0;
}

const char *ledger_claim_sql(const struct claim *c)
{
	if (c->is_own_only) return CLAIM_OWN;
	if (has_parts(c)) return c->is_window_open ? CLAIM_ANY(CLAIM_PARTS) : CLAIM_AT_ANY_HOUR(CLAIM_PARTS);
	return c->is_window_open ? CLAIM_ANY("") : CLAIM_AT_ANY_HOUR("");
}

static void keep_domain(struct claimed *m)
{
	const char *at = strrchr(m->address, '@');

	snprintf(m->domain, sizeof(m->domain), "%s", at != NULL ? at + 1 : "");
}

static void read_parts(struct cx *cx, const struct query *q, struct claimed *m)
{
	if (!query_is_null(q, PARTS_AT)) m->subject = query_copy(cx, q, PARTS_AT);
	if (!query_is_null(q, PARTS_AT + 1)) m->html = query_copy(cx, q, PARTS_AT + 1);
	m->public_id = query_copy(cx, q, PARTS_AT + 2);
	m->created_at = query_int(q, PARTS_AT + 3);
	if (!query_is_null(q, PARTS_AT + 4)) m->to_name = query_copy(cx, q, PARTS_AT + 4);
	m->contact_public_id = query_copy(cx, q, PARTS_AT + 5);
}

static enum rc read_candidates(struct cx *cx, const struct claim *c, struct candidate *out, int max,
			       int *count)
{
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q, ledger_claim_sql(c),
			      PARAMS(P_INT(":account", c->account), P_INT(":max", max)));

	*count = 0;
	while (rc == RC_OK && *count < max && query_next(q)) {
		struct candidate *k = &out[(*count)++];
		enum kept kept = KEPT_NOTHING;

		k->m = (struct claimed){ .id = query_int(q, 0),
					 .batch_id = query_int(q, 13),
					 .contact_id = query_int(q, 1),
					 .template_version_id = query_int(q, 2),
					 .attempts = (int)query_int(q, 3),
					 .expires_at = query_int(q, 4),
					 .slot = -1,
					 .ignores_window = query_int(q, 12) != 0,
					 .address = query_copy(cx, q, 7) };
		k->m.variables_json = query_is_null(q, 5) ? NULL : query_copy(cx, q, 5);
		k->m.text = query_is_null(q, 6) ? NULL : query_copy(cx, q, 6);
		keep_domain(&k->m);
		if (has_parts(c)) read_parts(cx, q, &k->m);
		if (strcmp(query_text(q, 11), "email") == 0 && has_capital(k->m.address))
			rc = find_kept(cx, &kept, k->m.address, query_text(q, 15));
		judge(k, q, c, kept);
	}
	return query_end(q, rc);
}

static enum rc leave_queue(struct cx *cx, const struct candidate *k)
{
	return db_run(
		cx, "UPDATE message SET state = :state, state_why = :why WHERE id = :id AND state = 'queued'",
		PARAMS(P_TEXT(":state", k->out_state), P_TEXT(":why", k->out_why), P_INT(":id", k->m.id)));
}

static enum rc set_turn(struct cx *cx, int64_t id, enum turn turn)
{
	return db_run(cx, "UPDATE message SET turn = :turn WHERE id = :id AND state = 'queued'",
		      PARAMS(P_INT(":turn", turn), P_INT(":id", id)));
}

static bool is_busy(const struct claim *c, int64_t contact)
{
	for (int i = 0; i < c->busy_count; i++)
		if (c->busy[i] == contact) return true;
	for (int i = 0; i < c->count; i++)
		if (c->out[i].contact_id == contact) return true;
	return false;
}

#define PERSON_LOOK 100 /* newest messages of a contact that are counted; caps are far below */

/* Did this contact get today what it may get? */
static enum rc is_sated(struct cx *cx, const struct claim *c, const struct claimed *m, bool *out)
{
	int64_t n = 0;
	enum rc rc;

	*out = false;
	if (c->per_person <= 0 || m->ignores_window) return RC_OK;
	rc = db_get_int(
		cx, &n,
		"SELECT count(*) FROM (SELECT state, ignores_window, claimed_at FROM message INDEXED BY message_contact"
		" WHERE contact_id = :contact ORDER BY id DESC LIMIT :look) WHERE claimed_at >= :since AND claimed_at < :until"
		" AND ignores_window = 0 AND state IN ('sending', 'sent', 'delivered', 'read', 'unsure')",
		PARAMS(P_INT(":contact", m->contact_id), P_INT(":look", PERSON_LOOK),
		       P_INT(":since", c->day_at), P_INT(":until", c->next_day_at)));
	if (rc == RC_OK) *out = n >= c->per_person;
	return rc;
}

static enum rc put_off(struct cx *cx, int64_t id, instant until)
{
	return db_run(
		cx,
		"UPDATE message SET turn = 0, not_before_at = :until, state_why = 'person_cap' WHERE id = :id"
		" AND state = 'queued'",
		PARAMS(P_INT(":until", until), P_INT(":id", id)));
}

static enum rc take(struct cx *cx, struct claim *c, const struct candidate *k)
{
	struct claimed *m = &c->out[c->count];
	enum rc rc;

	*m = k->m;
	m->slot = c->slots[c->count];
	rc = db_run(
		cx,
		"UPDATE message SET state = 'sending', slot = :slot, claimed_at = :now WHERE id = :id AND state = 'queued'",
		PARAMS(P_INT(":slot", m->slot), P_INT(":now", c->now), P_INT(":id", m->id)));
	if (rc == RC_OK) c->count++;
	return rc;
}

enum rc ledger_put_back(struct cx *cx, const struct claimed *m)
{
	return db_run(
		cx,
		"UPDATE message SET state = 'queued', slot = NULL, claimed_at = NULL WHERE id = :id AND state = 'sending'",
		PARAMS(P_INT(":id", m->id)));
}

static enum rc claim_pass(struct cx *cx, struct claim *c, int spare, bool *is_end)
{
	struct candidate found[SLOTS_MAX + CLAIM_SPARE];
	int max = c->slot_count - c->count + spare, count = 0;
	enum rc rc = read_candidates(cx, c, found, max, &count);

	*is_end = count < max;
	for (int i = 0; rc == RC_OK && i < count; i++) {
		const struct candidate *k = &found[i];
		bool sated = false;

		if (c->count == c->slot_count) {
			*is_end = false;
			break;
		}
		if (k->out_state != NULL) {
			rc = leave_queue(cx, k);
		} else if (k->is_paused) {
			rc = set_turn(cx, k->m.id, TURN_PAUSED);
		} else if (is_busy(c, k->m.contact_id)) {
			rc = set_turn(cx, k->m.id, TURN_BEHIND);
			c->behind++;
		} else {
			rc = is_sated(cx, c, &k->m, &sated);
			if (rc == RC_OK) rc = sated ? put_off(cx, k->m.id, c->next_day_at) : take(cx, c, k);
		}
	}
	return rc;
}

enum rc ledger_claim(struct cx *cx, struct claim *c)
{
	bool is_end = false;
	enum rc rc = RC_OK;

	c->count = c->behind = 0;
	for (int pass = 0; rc == RC_OK && !is_end && pass < CLAIM_PASSES && c->count < c->slot_count; pass++)
		rc = claim_pass(cx, c, pass == 0 ? 0 : CLAIM_SPARE, &is_end);
	c->is_more = !is_end;
	return rc;
}

static enum rc min_of(struct cx *cx, instant *out, const char *sql, int64_t account)
{
	return db_get_int(cx, out, sql, PARAMS(P_INT(":account", account)));
}

enum rc ledger_promote(struct cx *cx, int64_t account, instant now, instant *next)
{
	static const char first[] = "SELECT min(not_before_at) FROM message INDEXED BY message_waiting"
				    " WHERE channel_account_id = :account AND state = 'queued' AND turn = 0";
	enum rc rc = min_of(cx, next, first, account);

	if (rc != RC_OK || *next == 0 || *next > now) return rc;
	rc = db_run(
		cx,
		"UPDATE message SET turn = 1 WHERE id IN (SELECT id FROM message INDEXED BY message_waiting"
		" WHERE channel_account_id = :account AND state = 'queued' AND turn = 0 AND not_before_at <= :now"
		" ORDER BY not_before_at LIMIT :slice)",
		PARAMS(P_INT(":account", account), P_INT(":now", now), P_INT(":slice", LEDGER_SLICE)));
	return rc == RC_OK ? min_of(cx, next, first, account) : rc;
}

/* Batches behind *after that have something queued, one look into the index each; those that have something
** over go to out. *after: where to go on, 0 = from the first one. */
static enum rc find_over(struct cx *cx, instant now, int64_t *after, int64_t *out, int *count)
{
	struct query *q = NULL;
	int looked = 0;
	int64_t last = 0;
	enum rc rc = db_query(
		cx, &q,
		"WITH RECURSIVE waiting (batch) AS (SELECT min(batch_id) FROM message INDEXED BY message_batch_queued"
		" WHERE state = 'queued' AND batch_id > :after UNION ALL SELECT (SELECT min(n.batch_id) FROM message n"
		" INDEXED BY message_batch_queued WHERE n.state = 'queued' AND n.batch_id > w.batch) FROM waiting w"
		" WHERE w.batch IS NOT NULL) SELECT w.batch, EXISTS (SELECT 1 FROM message m INDEXED BY"
		" message_batch_queued WHERE m.state = 'queued' AND m.batch_id = w.batch AND m.expires_at <= :now)"
		" FROM waiting w WHERE w.batch IS NOT NULL LIMIT :max",
		PARAMS(P_INT(":after", *after), P_INT(":now", now), P_INT(":max", EXPIRE_BATCHES)));

	*count = 0;
	for (; rc == RC_OK && looked < EXPIRE_BATCHES && query_next(q); looked++) {
		last = query_int(q, 0);
		if (query_int(q, 1) != 0) out[(*count)++] = last;
	}
	*after = looked == EXPIRE_BATCHES ? last : 0;
	return query_end(q, rc);
}

enum rc ledger_expire(struct cx *cx, instant now, int64_t *after, int64_t *count)
{
	int64_t over[EXPIRE_BATCHES], from = *after;
	int batches = 0;
	enum rc rc = find_over(cx, now, after, over, &batches);

	*count = 0;
	for (int i = 0; rc == RC_OK && i < batches && *count < LEDGER_SLICE; i++) {
		rc = db_run(
			cx,
			"UPDATE message SET state = 'expired' WHERE id IN (SELECT id FROM message INDEXED BY message_batch_queued"
			" WHERE state = 'queued' AND batch_id = :batch AND expires_at <= :now LIMIT :slice)",
			PARAMS(P_INT(":batch", over[i]), P_INT(":now", now),
			       P_INT(":slice", LEDGER_SLICE - *count)));
		if (rc == RC_OK) *count += db_changes(cx);
	}
	if (*count == LEDGER_SLICE) *after = from; /* there may be more of the same */
	return rc;
}

enum rc ledger_release(struct cx *cx, int64_t account, int64_t contact_id, int64_t *count)
{
	enum rc rc;

	if (contact_id != 0)
		rc = db_run(
			cx,
			"UPDATE message SET turn = 1 WHERE id = (SELECT id FROM message INDEXED BY message_behind"
			" WHERE channel_account_id = :account AND contact_id = :contact AND state = 'queued' AND turn = 2"
			" ORDER BY priority, id LIMIT 1)",
			PARAMS(P_INT(":account", account), P_INT(":contact", contact_id)));
	else
		rc = db_run(
			cx,
			"UPDATE message SET turn = 1 WHERE id IN (SELECT id FROM message INDEXED BY message_behind"
			" WHERE channel_account_id = :account AND state = 'queued' AND turn = 2 LIMIT :slice)",
			PARAMS(P_INT(":account", account), P_INT(":slice", LEDGER_SLICE)));
	*count = rc == RC_OK ? db_changes(cx) : 0;
	return rc;
}

enum rc ledger_has_mailing(struct cx *cx, bool *out, int64_t account)
{
	int64_t n = 0;
	enum rc rc = db_get_int(cx, &n,
				"SELECT EXISTS (SELECT 1 FROM message INDEXED BY message_queue"
				" WHERE channel_account_id = :account AND state = 'queued' AND turn = 1"
				" AND ignores_window = 1 AND priority >= :mailing)",
				PARAMS(P_INT(":account", account), P_INT(":mailing", MAILING_PRIORITY)));

	if (rc == RC_OK) *out = n != 0;
	return rc;
}

enum rc ledger_is_waiting(struct cx *cx, bool *out, int64_t account, bool is_window_open)
{
	int64_t n = 0;
	enum rc rc = db_get_int(cx, &n,
				"SELECT EXISTS (SELECT 1 FROM message INDEXED BY message_queue"
				" WHERE channel_account_id = :account AND state = 'queued' AND turn = 1"
				" AND ignores_window >= :least)",
				PARAMS(P_INT(":account", account), P_INT(":least", !is_window_open)));

	if (rc == RC_OK) *out = n != 0;
	return rc;
}

/* Settle */

static int64_t delay_of(const struct verdict *v, int attempts, const struct settle_rules *rules)
{
	int64_t ladder = 0;

	/* A rate limit says by itself when to come again; the house's growing delays are for what does not.
	 */
	if (strcmp(v->why, "rate") == 0) return v->delay_ms;
	if (rules->delay_count > 0) {
		size_t i = (size_t)attempts < rules->delay_count ? (size_t)attempts : rules->delay_count - 1;

		ladder = rules->delays_ms[i];
	}
	return v->delay_ms > ladder ? v->delay_ms : ladder;
}

struct settlement settlement_of(const struct verdict *v, int attempts, const struct settle_rules *rules)
{
	struct settlement s = { .state = "unsure", .why = v->why, .attempts = attempts + 1 };

	switch (v->outcome) {
	case OUTCOME_SENT: s.state = "sent"; break;
	case OUTCOME_REFUSED: s.state = "failed"; break;
	case OUTCOME_HOLD:
	case OUTCOME_STOP:
		s.state = "queued";
		s.attempts = attempts; /* not the message's fault: not counted */
		s.not_before_at = rules->now;
		break;
	case OUTCOME_NOT_YET:
		s.state = s.attempts >= (v->retry_max > 0 ? v->retry_max : rules->retry_max) ? "failed"
											     : "queued";
		s.not_before_at = rules->now + delay_of(v, attempts, rules);
		break;
	case OUTCOME_UNSURE:
	case OUTCOME__MAX:
	default: break;
	}
	return s;
}

static enum rc settle_sent(struct cx *cx, const struct claimed *m, const struct verdict *v,
			   const struct settle_rules *rules)
{
	bool has_id = v->provider_id[0] != '\0';

	return db_run(
		cx,
		"UPDATE message SET state = 'sent', state_why = '', error = '', slot = NULL, attempts = attempts + 1,"
		" sent_at = :now,"
		" provider_id = :provider, next_check_at = :check WHERE id = :id AND state = 'sending'",
		PARAMS(P_INT(":now", rules->now), P_TEXT(":provider", has_id ? v->provider_id : NULL),
		       P_REF(":check", has_id && rules->check_ms > 0 ? rules->now + rules->check_ms : 0),
		       P_INT(":id", m->id)));
}

static enum rc settle_other(struct cx *cx, const struct claimed *m, const struct verdict *v,
			    const struct settlement *s, instant now)
{
	bool is_queued = strcmp(s->state, "queued") == 0;

	return db_run(
		cx,
		"UPDATE message SET state = :state, state_why = :why, error = :error, slot = NULL, attempts = :attempts,"
		" turn = :turn, not_before_at = coalesce(:not_before, not_before_at), failed_at = :failed"
		" WHERE id = :id AND state = 'sending'",
		PARAMS(P_TEXT(":state", s->state), P_TEXT(":why", s->why), P_TEXT(":error", v->detail),
		       P_INT(":attempts", s->attempts),
		       P_INT(":turn", is_queued && s->not_before_at > now ? TURN_WAITING : TURN_READY),
		       P_REF(":not_before", is_queued ? s->not_before_at : 0),
		       P_REF(":failed", strcmp(s->state, "failed") == 0 ? now : 0), P_INT(":id", m->id)));
}

enum rc ledger_settle(struct cx *cx, const struct claimed *m, const struct verdict *v,
		      const struct settle_rules *rules)
{
	struct settlement s = settlement_of(v, m->attempts, rules);
	enum rc rc;

	if (v->outcome == OUTCOME_SENT)
		rc = settle_sent(cx, m, v, rules);
	else
		rc = settle_other(cx, m, v, &s, rules->now);
	if (rc == RC_OK && db_changes(cx) != 1) {
		log_event(LOG_ERROR, "outbox", "settle.lost", "message=%lld outcome=%s", (long long)m->id,
			  outcome_name(v->outcome));
		return RC_BUG;
	}
	if (rc == RC_OK) rc = attempt_add(cx, m->id, "send", v->http, outcome_name(v->outcome), v->detail);
	if (rc == RC_OK && v->dead != NULL) rc = contact_is_dead(cx, m->contact_id, v->dead);
	return rc;
}
