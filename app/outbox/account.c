/*
** account.c -- the state of a channel and what its owner is told about it.
**
** Owns:   the columns state, state_why, state_detail, until_at, session of channel_account; the alerts
** channel.*. Needs:  the caller's write transaction.
** Never:  sends; decides about a message.
** Holds:  (1) stopped ends by a person or a changed key only; (2) the alert of a stop is raised in the
**         transaction that stops; (3) state_at is the instant the reason began, not that of its last
**         repetition.
*/
#include "outbox/account.h"

#include <string.h>

#define DISCONNECTED_ALERT_MS (15 * MINUTE_MS) /* spec renewals §7: a short loss mends itself */
#define SESSION_AGAIN_MS      (60 * SECOND_MS) /* contract §3.3: poll every 15 to 60 s         */
#define CONNECTING_AGAIN_MS   (15 * SECOND_MS)

struct reason {
	const char *why, *severity, *msgid;
};

static const struct reason reasons[] = {
	{ "no_key", "urgent", N_("The API key of the WhatsApp gateway is not configured.") },
	{ "no_base", "urgent", N_("Offline mode has no stand-in to send to.") },
	{ "unauthorized", "urgent",
	  N_("The WhatsApp gateway refuses the API key. Messages wait until it is corrected.") },
	{ "payment", "urgent",
	  N_("The WhatsApp gateway asks for payment: no credits or no active subscription. Messages wait.") },
	{ "not_found", "urgent",
	  N_("The address of the WhatsApp gateway is wrong (whatsapp.base_url). Messages wait.") },
	{ "restored", "urgent",
	  N_("The database was put back from an older copy (it last went on at %s). Nothing leaves until you look at what"
	     " is held and release it.") },
	{ "person", "info", N_("Sending was stopped by a person.") },
	{ "rate", "", N_("The gateway asked to wait.") },
	{ "day_limit", "", N_("The gateway's limit of messages for today is used up.") },
	{ "unreachable", "", N_("The gateway cannot be reached.") },
	{ "connecting", "", N_("The phone is connecting.") },
	{ "disconnected", "", N_("The phone is not connected to the gateway.") },
	{ "need_scan", "", N_("The phone must be linked again: scan the QR code at the gateway.") },
	{ "need_passkey", "", N_("The phone must be linked again: the gateway asks for a passkey.") },
	{ "logged_out", "", N_("The phone was logged out and must be linked again.") },
	{ "expired", "", N_("The link of the phone has expired: link it again at the gateway.") },
	{ "unknown", "", N_("The gateway reports a state that is not known. Messages wait.") },
};

static const struct reason *reason_of(const char *why)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (strcmp(reasons[i].why, why) == 0) return &reasons[i];
	return NULL;
}

const char *account_why_msgid(const char *why)
{
	const struct reason *r = reason_of(why);

	return r != NULL ? r->msgid : "";
}

enum rc account_ensure(struct cx *cx, int64_t *id, const char *name)
{
	enum rc rc = db_get_int(cx, id, "SELECT id FROM channel_account WHERE name = :name",
				PARAMS(P_TEXT(":name", name)));

	if (rc != RC_NOT_FOUND) return rc;
	rc = db_run(cx, "INSERT INTO channel_account (kind, name, created_at) VALUES (:kind, :name, :now)",
		    PARAMS(P_TEXT(":kind", setting_text(cx->env->settings, "whatsapp.gateway")),
			   P_TEXT(":name", name), P_INT(":now", cx_now(cx))));
	if (rc == RC_OK) *id = db_last_id(cx);
	return rc;
}

static enum account_state state_of(const char *text)
{
	return strcmp(text, "open") == 0      ? ACCOUNT_OPEN
	       : strcmp(text, "waiting") == 0 ? ACCOUNT_WAITING
					      : ACCOUNT_STOPPED;
}

enum rc account_read(struct cx *cx, struct account *out, int64_t id)
{
	struct query *q = NULL;
	bool has_row = false;
	enum rc rc = db_query(
		cx, &q,
		"SELECT id, state, kind, name, state_why, state_detail, session, facts_json, until_at, state_at,"
		" session_at FROM channel_account WHERE id = :id",
		PARAMS(P_INT(":id", id)));

	if (rc == RC_OK && query_next(q)) {
		has_row = true;
		*out = (struct account){ .id = query_int(q, 0),
					 .state = state_of(query_text(q, 1)),
					 .kind = query_copy(cx, q, 2),
					 .name = query_copy(cx, q, 3),
					 .why = query_copy(cx, q, 4),
					 .detail = query_copy(cx, q, 5),
					 .session = query_copy(cx, q, 6),
					 .facts_json = query_copy(cx, q, 7),
					 .until_at = query_int(q, 8),
					 .state_at = query_int(q, 9),
					 .session_at = query_int(q, 10) };
	}
	rc = query_end(q, rc);
	return rc == RC_OK && !has_row ? RC_NOT_FOUND : rc;
}

enum rc account_find(struct cx *cx, struct account *out, const char *name)
{
	int64_t id = 0;
	enum rc rc = db_get_int(cx, &id, "SELECT id FROM channel_account WHERE name = :name",
				PARAMS(P_TEXT(":name", name)));

	return rc == RC_OK ? account_read(cx, out, id) : rc;
}

/* The same reason again keeps the instant it began. */
static enum rc put(struct cx *cx, const struct account *a, const char *state, const char *why,
		   const char *detail, instant until)
{
	enum rc rc = db_run(
		cx,
		"UPDATE channel_account SET state_at = CASE WHEN state = :state AND state_why = :why THEN state_at"
		" ELSE :now END, state = :state, state_why = :why, state_detail = :detail, until_at = :until"
		" WHERE id = :id",
		PARAMS(P_TEXT(":state", state), P_TEXT(":why", why), P_TEXT(":detail", detail),
		       P_REF(":until", until), P_INT(":now", cx_now(cx)), P_INT(":id", a->id)));

	if (rc == RC_OK)
		log_event(LOG_INFO, "outbox", "channel.state", "channel=%s state=%s why=%s", a->name, state,
			  *why != '\0' ? why : "-");
	return rc;
}

/* Reasons that end by themselves; the others wait for a word of the provider. */
static bool ends_by_time(const char *why)
{
	return strcmp(why, "rate") == 0 || strcmp(why, "day_limit") == 0 || strcmp(why, "unreachable") == 0;
}

bool account_is_held_by_session(const struct account *a)
{
	return a->state == ACCOUNT_WAITING && !ends_by_time(a->why);
}

enum rc account_wait(struct cx *cx, const struct account *a, const char *why, const char *detail,
		     instant until)
{
	if (a->state == ACCOUNT_STOPPED) return RC_OK;
	if (a->state == ACCOUNT_WAITING && ends_by_time(why)) {
		/* A shorter wait does not cut a longer one, nor does time release a phone that is not
		** linked. */
		if (!ends_by_time(a->why) || a->until_at >= until) return RC_OK;
	}
	return put(cx, a, "waiting", why, detail, until);
}

enum rc account_stop(struct cx *cx, const struct account *a, const char *why, const char *detail)
{
	const struct reason *r = reason_of(why);
	enum rc rc = put(cx, a, "stopped", why, detail, 0);

	/* Another reason of a stop is another sentence. */
	if (rc == RC_OK) rc = alert_resolve(cx, "channel.stopped");
	if (rc == RC_OK && r != NULL && r->severity[0] != '\0')
		rc = alert_raise(cx, "channel.stopped", r->severity, r->msgid, detail, "/outbox");
	tx_wake(cx, WAKE_OUTBOX);
	return rc;
}

enum rc account_open(struct cx *cx, const struct account *a)
{
	enum rc rc = put(cx, a, "open", "", "", 0);

	if (rc == RC_OK) rc = alert_resolve(cx, "channel.stopped");
	tx_wake(cx, WAKE_OUTBOX);
	return rc;
}

static enum rc session_opens(struct cx *cx, const struct account *a)
{
	enum rc rc = RC_OK;

	if (account_is_held_by_session(a)) rc = put(cx, a, "open", "", "", 0);
	if (rc == RC_OK) rc = alert_resolve(cx, "channel.session");
	if (rc == RC_OK) rc = alert_resolve(cx, "channel.disconnected");
	tx_wake(cx, WAKE_OUTBOX);
	return rc;
}

static enum rc session_holds(struct cx *cx, const struct account *a, const char *session)
{
	instant now = cx_now(cx);
	bool is_old = a->state == ACCOUNT_WAITING && strcmp(a->why, session) == 0;
	int64_t again = strcmp(session, "connecting") == 0 ? CONNECTING_AGAIN_MS : SESSION_AGAIN_MS;
	enum rc rc = account_wait(cx, a, session, "", now + again);

	if (rc == RC_OK && session_needs_person(session))
		return alert_raise(cx, "channel.session", "urgent", account_why_msgid(session), "", "/");
	if (rc == RC_OK && is_old && strcmp(session, "disconnected") == 0 &&
	    now - a->state_at >= DISCONNECTED_ALERT_MS)
		return alert_raise(cx, "channel.disconnected", "warning", account_why_msgid(session), "",
				   "/");
	return rc;
}

enum rc account_session(struct cx *cx, const struct account *a, const char *session)
{
	enum rc rc =
		db_run(cx, "UPDATE channel_account SET session = :session, session_at = :now WHERE id = :id",
		       PARAMS(P_TEXT(":session", session), P_INT(":now", cx_now(cx)), P_INT(":id", a->id)));

	if (rc != RC_OK) return rc;
	return session_is_open(session) ? session_opens(cx, a) : session_holds(cx, a, session);
}
