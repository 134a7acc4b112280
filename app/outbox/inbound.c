/*
** inbound.c -- the job that reads what came in: answers into threads, BAJA and ALTA, modules' words, later
** states.
**
** Owns:   the tables inbound (after its birth) and inbound_message; contact's last_inbound_at, last_text,
** unread. Needs:  the reply words of the modules, handed over once at start.
** Never:  answers a LID, a group or itself; creates a customer; renews anything.
** Holds:  (1) one inbound_message per message of the provider, by UNIQUE; (2) an event and what follows from
**         it are one transaction; (3) an event that cannot be read is kept as `failed` and never stops the
**         next one; (4) at most one automatic acknowledgement per contact and day, by the UNIQUE occasion.
*/
#include "outbox/inbound.h"
#include "outbox/account.h"
#include "outbox/channels/wasender.h"
#include "outbox/hooks.h"
#include "outbox/ledger.h"
#include "base/phone.h"
#include "base/text.h"

#include <string.h>

#define INBOUND_SLICE 32 /* events in one transaction: some 20 ms                                        */
/* A slice ends at so many bytes: the largest bodies come alone. */
#define INBOUND_BYTES ((size_t)1024 * 1024)
/* A slice of the largest bodies, parsed: 32 × 256 kB × 7 */
#define INBOUND_ARENA   ((size_t)64 * 1024 * 1024)
#define TEXT_CHARS_MAX  4096 /* what WhatsApp itself allows       */
#define LAST_TEXT_CHARS 200  /* one line of the inbox	*/
/* The provider's time of a message is believed within a week */
#define CLOCK_SKEW_MS (7 * DAY_MS)

static const struct reply_word *const *the_replies;

void inbound_set_replies(const struct reply_word *const *replies)
{
	the_replies = replies;
}

/* Words */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || ((unsigned char)c & 0x80u);
}

/* Where the first letter or digit is; marks, blanks and the upside-down signs of Spanish are skipped. */
static const char *first_letter(const char *p)
{
	while (*p != '\0') {
		if ((unsigned char)p[0] == 0xC2 &&
		    ((unsigned char)p[1] == 0xA1 || (unsigned char)p[1] == 0xBF)) {
			p += 2;
		} else if (is_letter(*p)) {
			break;
		} else {
			p++;
		}
	}
	return p;
}

/* What follows the word in the text; NULL if the text does not begin with it. */
static const char *after_word(const char *text, const char *word, size_t len)
{
	if (len == 0 || strncmp(text, word, len) != 0 || is_letter(text[len])) return NULL;
	return first_letter(text + len);
}

static const char *after_any(const char *folded, const char *words)
{
	const char *text = first_letter(folded);

	while (*words != '\0') {
		size_t len = strcspn(words, "|");
		const char *rest = after_word(text, words, len);

		if (rest != NULL) return rest;
		words += len;
		if (*words == '|') words++;
	}
	return NULL;
}

bool inbound_says(const char *folded, const char *words)
{
	return after_any(folded, words) != NULL;
}

/* The house's own words stand alone or with a courtesy: "baja calidad" is a complaint, not a farewell. */
static bool says_alone(const char *folded, const char *words)
{
	const char *rest = after_any(folded, words);

	while (rest != NULL && *rest != '\0')
		rest = after_any(rest,
				 "por favor|porfavor|porfa|gracias|please|thanks|avisos|mensajes|de|los");
	return rest != NULL;
}

/* Answers */

static enum rc answers_batch(struct cx *cx, int64_t *id)
{
	char today[DATE_SIZE];
	enum rc rc;

	day_text(today, cx_today(cx));
	rc = db_get_int(
		cx, id,
		"SELECT id FROM batch WHERE kind = 'outbox.answers' AND local_on = :on ORDER BY id DESC LIMIT 1",
		PARAMS(P_TEXT(":on", today)));
	if (rc != RC_NOT_FOUND) return rc;
	rc = batch_open(cx, id,
			&(struct batch_new){ .kind = "outbox.answers",
					     .title = N_("Automatic answers"),
					     .origin = "auto",
					     .local_on = today });
	return rc == RC_OK ? batch_planned(cx, *id) : rc;
}

enum rc inbound_answer(struct cx *cx, int64_t contact_id, const char *occasion, const char *text)
{
	int64_t batch = 0, message = 0;
	enum rc rc = answers_batch(cx, &batch);

	if (rc != RC_OK) return rc;
	rc = outbox_add(cx, &message,
			&(struct message_new){ .batch_id = batch,
					       .channel = CHANNEL_WHATSAPP,
					       .contact_id = contact_id,
					       .topic = "service",
					       .occasion = occasion,
					       .text = text,
					       .expires_at = cx_now(cx) + DAY_MS,
					       .ignores_window = true });
	return rc == RC_CONFLICT ? RC_OK : rc;
}

struct arrived {
	int64_t contact_id, id;
	const char *text, *folded;
	bool can_answer; /* a phone number is known */
};

static enum rc opt(struct cx *cx, const struct arrived *l, bool out)
{
	static const char *const topics[] = { "notice", "campaign" };
	int64_t before = 0;
	enum rc rc = db_get_int(
		cx, &before,
		"SELECT count(*) FROM opt_out WHERE contact_id = :id AND topic IN ('notice', 'campaign')",
		PARAMS(P_INT(":id", l->contact_id)));

	for (size_t i = 0; rc == RC_OK && i < sizeof(topics) / sizeof(*topics); i++)
		rc = contact_opt_out(cx, l->contact_id, topics[i], "reply", out);
	/* One confirmation: nothing to confirm when it was so already. */
	if (rc != RC_OK || !l->can_answer || (out ? before == 2 : before == 0)) return rc;
	return inbound_answer(
		cx, l->contact_id, arena_printf(cx->arena, "inbound:%lld", (long long)l->id),
		out ? _("Done: you will get no more notices from us. Write ALTA to get them again.")
		    : _("Done: you will get our notices again. Write BAJA to stop them."));
}

/* *handled: the word, NULL = nobody's. */
static enum rc ask_modules(struct cx *cx, const struct arrived *l, const char **handled)
{
	for (size_t i = 0; the_replies != NULL && the_replies[i] != NULL; i++)
		for (const struct reply_word *r = the_replies[i]; r->words != NULL; r++) {
			const char *ack = NULL;
			enum rc rc;

			if (!inbound_says(l->folded, r->words)) continue;
			rc = r->handle(cx, l->contact_id, l->id, l->text, &ack);
			if (rc == RC_NOT_FOUND) continue;
			if (rc != RC_OK) return rc;
			*handled = arena_bytes(cx->arena, r->words, strcspn(r->words, "|"));
			if (ack == NULL || *ack == '\0' || !l->can_answer) return RC_OK;
			return inbound_answer(cx, l->contact_id,
					      arena_printf(cx->arena, "inbound:%lld", (long long)l->id), ack);
		}
	return RC_OK;
}

static enum rc acknowledge(struct cx *cx, const struct arrived *l)
{
	const char *text = setting_text(cx->env->settings, "outbox.acknowledge");
	char today[DATE_SIZE];

	if (*text == '\0' || !l->can_answer) return RC_OK;
	day_text(today, cx_today(cx));
	return inbound_answer(cx, l->contact_id,
			      arena_printf(cx->arena, "acknowledge:%lld:%s", (long long)l->contact_id, today),
			      text);
}

static enum rc handle_letter(struct cx *cx, const struct arrived *l)
{
	const char *handled = NULL;
	enum rc rc = RC_OK;

	if (says_alone(l->folded, "baja|stop|cancelar avisos|unsubscribe")) {
		handled = "baja";
		rc = opt(cx, l, true);
	} else if (says_alone(l->folded, "alta|start")) {
		handled = "alta";
		rc = opt(cx, l, false);
	} else {
		rc = ask_modules(cx, l, &handled);
	}
	if (rc != RC_OK) return rc;
	if (handled != NULL)
		return db_run(cx,
			      "UPDATE inbound_message SET handled_as = :word, is_unread = 0 WHERE id = :id",
			      PARAMS(P_TEXT(":word", handled), P_INT(":id", l->id)));
	rc = db_run(cx, "UPDATE contact SET unread = unread + 1 WHERE id = :id",
		    PARAMS(P_INT(":id", l->contact_id)));
	return rc == RC_OK ? acknowledge(cx, l) : rc;
}

/* Events */

static enum rc contact_of(struct cx *cx, int64_t *id, const struct wasender_event *e)
{
	struct phone p;

	if (*e->phone == '\0')
		return contact_ensure(cx, id, "chat", arena_printf(cx->arena, "lid:%s", e->lid));
	/* The house's form of the number, so that it meets the customer's; a foreign one it cannot judge
	** stays as it is. */
	if (phone_parse(&p, NULL, e->phone, "EC") == RC_OK) return contact_ensure(cx, id, "phone", p.e164);
	return contact_ensure(cx, id, "phone", e->phone);
}

static enum rc add_letter(struct cx *cx, int64_t inbound_id, const struct wasender_event *e,
			  struct arrived *l, bool *is_new)
{
	instant now = cx_now(cx), at = e->at;
	const char *key = *e->key_id != '\0' ? e->key_id
					     : arena_printf(cx->arena, "inbound:%lld", (long long)inbound_id);
	const char *last = arena_bytes(cx->arena, l->text, text_prefix(l->text, LAST_TEXT_CHARS));
	enum rc rc;

	if (at > now + MINUTE_MS || at < now - CLOCK_SKEW_MS) at = now;
	rc = db_run(
		cx,
		"INSERT INTO inbound_message (contact_id, inbound_id, provider_id, name, body, received_at)"
		" VALUES (:contact, :inbound, :key, :name, :body, :at) ON CONFLICT (provider_id) DO NOTHING",
		PARAMS(P_INT(":contact", l->contact_id), P_INT(":inbound", inbound_id), P_TEXT(":key", key),
		       P_TEXT(":name", e->name), P_TEXT(":body", l->text), P_INT(":at", at)));
	*is_new = rc == RC_OK && db_changes(cx) == 1;
	if (rc != RC_OK || !*is_new) return rc;
	l->id = db_last_id(cx);
	/* Who writes from a number has WhatsApp there, whatever was believed. */
	return db_run(
		cx,
		"UPDATE contact SET last_inbound_at = max(coalesce(last_inbound_at, 0), :at), last_text = :text,"
		" dead_at = CASE WHEN dead_reason = 'no_whatsapp' THEN NULL ELSE dead_at END,"
		" dead_reason = CASE WHEN dead_reason = 'no_whatsapp' THEN '' ELSE dead_reason END WHERE id = :id",
		PARAMS(P_INT(":at", at), P_TEXT(":text", last), P_INT(":id", l->contact_id)));
}

static enum rc take_message(struct cx *cx, int64_t inbound_id, const struct wasender_event *e)
{
	struct arrived l = { .can_answer = *e->phone != '\0' };
	bool is_new = false;
	enum rc rc;

	l.text = text_nfc(cx->arena, arena_bytes(cx->arena, e->text, text_prefix(e->text, TEXT_CHARS_MAX)));
	l.folded = text_fold(cx->arena, l.text);
	rc = contact_of(cx, &l.contact_id, e);
	if (rc == RC_OK) rc = add_letter(cx, inbound_id, e, &l, &is_new);
	return rc == RC_OK && is_new ? handle_letter(cx, &l) : rc;
}

static enum rc take_status(struct cx *cx, const struct wasender_event *e)
{
	struct account acc = { .id = 0 };
	int64_t id = 0;
	bool is_evidence = false;
	enum rc rc = account_find(cx, &acc, CHANNEL_WHATSAPP);

	if (rc == RC_OK) rc = ledger_find_key(cx, &id, acc.id, e->key_id);
	if (rc == RC_OK) return ledger_word(cx, id, e->status, "event", NULL);
	if (rc != RC_NOT_FOUND) return rc;
	/* Not known yet: the look that learns the key learns the state too. Unless it is one that we are
	** unsure of. */
	if (acc.id == 0 || e->status != STATUS_SENT || *e->phone == '\0' || *e->text == '\0') return RC_OK;
	return ledger_evidence(cx, acc.id, e->phone, e->text, e->key_id, &is_evidence);
}

static enum rc take_session(struct cx *cx, const struct wasender_event *e)
{
	struct account acc;
	enum rc rc = account_find(cx, &acc, CHANNEL_WHATSAPP);

	if (rc == RC_NOT_FOUND) return RC_OK;
	return rc == RC_OK ? account_session(cx, &acc, e->session) : rc;
}

static enum rc take_row(struct cx *cx, int64_t id, const char *body, bool *was_of_use)
{
	struct wasender_event *events = NULL;
	struct value *json = NULL;
	size_t count = 0;
	enum rc rc = json_parse(cx->arena, &json, NULL, body, strlen(body));

	if (rc == RC_OK) rc = wasender_events(cx->arena, &events, &count, json);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct wasender_event *e = &events[i];

		if (e->kind != EVENT_IGNORED) *was_of_use = true;
		if (e->kind == EVENT_MESSAGE) rc = take_message(cx, id, e);
		if (e->kind == EVENT_STATUS) rc = take_status(cx, e);
		if (e->kind == EVENT_SESSION) rc = take_session(cx, e);
	}
	return rc;
}

/* The job */

struct raw {
	int64_t id;
	const char *body;
	bool is_sendgrid;
};

/* Of one provider each: what SendGrid tells has slices of its own. */
static enum rc read_new(struct cx *cx, struct raw *out, int *count)
{
	struct query *q = NULL;
	size_t bytes = 0;
	enum rc rc = db_query(
		cx, &q,
		"SELECT id, body, provider = 'sendgrid' FROM inbound INDEXED BY inbound_new WHERE state = 'new'"
		" ORDER BY id LIMIT :max",
		PARAMS(P_INT(":max", INBOUND_SLICE)));

	*count = 0;
	while (rc == RC_OK && *count < INBOUND_SLICE && bytes < INBOUND_BYTES && query_next(q)) {
		bool is_sendgrid = query_int(q, 2) != 0;

		if (*count > 0 && (is_sendgrid || out[0].is_sendgrid)) break;
		out[*count] = (struct raw){ .id = query_int(q, 0),
					    .body = query_copy(cx, q, 1),
					    .is_sendgrid = is_sendgrid };
		bytes += strlen(out[(*count)++].body);
	}
	return query_end(q, rc);
}

static enum rc settle_raw(struct cx *cx, int64_t id, const char *state, const char *error)
{
	return db_run(cx, "UPDATE inbound SET state = :state, error = :error WHERE id = :id",
		      PARAMS(P_TEXT(":state", state), P_TEXT(":error", error), P_INT(":id", id)));
}

static enum rc take_rows(struct cx *cx, const struct raw *rows, int count)
{
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	for (int i = 0; rc == RC_OK && i < count; i++) {
		bool was_of_use = false;

		rc = take_row(cx, rows[i].id, rows[i].body, &was_of_use);
		if (rc == RC_OK) rc = settle_raw(cx, rows[i].id, was_of_use ? "done" : "ignored", "");
	}
	return tx_end(cx, rc);
}

static enum rc take_sendgrid(struct cx *cx, const struct raw *row)
{
	bool was_of_use = false;
	enum rc rc = hook_sendgrid_take(cx, row->body, &was_of_use);

	if (rc != RC_OK) return rc;
	if ((rc = tx_begin(cx)) != RC_OK) return rc;
	return tx_end(cx, settle_raw(cx, row->id, was_of_use ? "done" : "ignored", ""));
}

static enum rc take_all(struct cx *cx, const struct raw *rows, int count)
{
	return rows[0].is_sendgrid ? take_sendgrid(cx, &rows[0]) : take_rows(cx, rows, count);
}

/* One by one: the row that fails is set aside with its reason, the others go on. */
static enum rc take_each(struct cx *cx, const struct raw *rows, int count)
{
	for (int i = 0; i < count; i++) {
		enum rc rc = take_all(cx, &rows[i], 1);

		if (rc == RC_OK) continue;
		/* Memory, disk, a busy file: not the event's fault. */
		if (rc == RC_TRY_LATER || rc == RC_NO_MEMORY || rc == RC_IO) return rc;
		log_event(LOG_ERROR, "outbox", "inbound.failed", "inbound=%lld rc=%s", (long long)rows[i].id,
			  rc_row(rc)->name);
		if ((rc = tx_begin(cx)) != RC_OK) return rc;
		rc = tx_end(cx, settle_raw(cx, rows[i].id, "failed", rc_row(RC_BUG)->name));
		if (rc != RC_OK) return rc;
	}
	return RC_OK;
}

/* *count 0: nothing waits any more. */
static enum rc take_slice(struct cx *cx, int *count)
{
	struct raw rows[INBOUND_SLICE];
	enum rc rc = read_new(cx, rows, count);

	if (rc != RC_OK || *count == 0 || take_all(cx, rows, *count) == RC_OK) return rc;
	cx->message = "";
	return take_each(cx, rows, *count);
}

enum rc inbound_run(struct cx *cx, struct job *job)
{
	/* Of its own, because it is emptied after each slice and the job's holds what the job needs to its
	** end. */
	struct arena *arena = arena_new(INBOUND_ARENA);
	struct cx slice;
	int count = 1;
	enum rc rc = arena == NULL ? RC_NO_MEMORY : RC_OK;

	cx_init(&slice, cx->env, arena, cx->db);
	while (rc == RC_OK && count > 0) {
		if (job != NULL && job_should_stop(job)) {
			rc = RC_TRY_LATER;
			break;
		}
		rc = take_slice(&slice, &count);
		cx_reset(&slice);
	}
	arena_free(arena);
	return rc;
}

enum rc inbound_wake(struct cx *cx)
{
	int64_t id = 0;
	enum rc rc = job_add(cx, &id, &(struct job_new){ .kind = INBOUND_JOB, .slot = INBOUND_JOB });

	return rc == RC_CONFLICT ? RC_OK : rc;
}

enum rc inbound_tells(struct cx *cx, bool *out, instant after)
{
	int64_t last = 0;
	enum rc rc = db_get_int(
		cx, &last,
		"SELECT received_at FROM inbound INDEXED BY inbound_wasender WHERE provider = 'wasender'"
		" ORDER BY received_at DESC LIMIT 1",
		NO_PARAMS);

	*out = rc == RC_OK && last > after;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc inbound_is_waiting(struct cx *cx, bool *out)
{
	int64_t n = 0;
	enum rc rc = db_get_int(
		cx, &n, "SELECT EXISTS (SELECT 1 FROM inbound INDEXED BY inbound_new WHERE state = 'new')",
		NO_PARAMS);

	if (rc == RC_OK) *out = n != 0;
	return rc;
}
