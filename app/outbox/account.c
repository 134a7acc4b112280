/*
** account.c -- the state of a channel and what its owner is told about it.
**
** Owns:   the columns state, state_why, state_detail, until_at, session of channel_account; the alerts
**         channel.* (those of WhatsApp have the key alone, the others ":name" after it).
** Needs:  the caller's write transaction.
** Never:  sends; decides about a message.
** Holds:  (1) stopped ends by a person or a changed key only; (2) the alert of a stop is raised in the
**         transaction that stops; (3) state_at is the instant the reason began, not that of its last
**         repetition.
*/
#include "outbox/account.h"
#include "outbox/rate.h"

#include <string.h>

#define DISCONNECTED_ALERT_MS (15 * MINUTE_MS) /* spec renewals §7: a short loss mends itself */
#define SESSION_AGAIN_MS      (60 * SECOND_MS) /* contract §3.3: poll every 15 to 60 s         */
#define CONNECTING_AGAIN_MS   (15 * SECOND_MS)

/* Words of the house for every channel that has none of its own (channel_kind.reasons): %s is its title, of
** `restored` the detail. */
static const struct channel_reason reasons[] = {
	{ "no_key", "urgent", N_("%s is not configured. Messages wait until it is.") },
	{ "no_base", "urgent", N_("Offline mode has no stand-in to send to.") },
	{ "unauthorized", "urgent",
	  N_("%s: the key or password is refused. Messages wait until it is corrected.") },
	{ "payment", "urgent", N_("%s: the provider asks for payment. Messages wait.") },
	{ "not_found", "urgent",
	  N_("%s: the address in the settings leads nowhere. Messages wait until it is corrected.") },
	{ WHY_RESTORED, "urgent",
	  N_("The database was put back from an older copy (it last went on at %s). Nothing leaves until you look at what"
	     " is held and release it.") },
	{ WHY_PERSON, "info", N_("%s: sending was stopped by a person.") },
	{ "rate", "", N_("%s asked to wait.") },
	{ "busy", "", N_("%s asked to wait.") },
	{ "day_limit", "", N_("%s: the provider's limit of messages for today is used up.") },
	{ "hour_cap", "", N_("%s: what may leave in an hour has left. The rest follows in the next hour.") },
	{ "day_cap", "", N_("%s: what may leave in a day has left. The rest follows tomorrow.") },
	{ "month_cap", "", N_("%s: what may leave in a month has left. The rest follows next month.") },
	{ "unreachable", "", N_("%s cannot be reached.") },
	{ "unsure_row", "urgent",
	  N_("%s: message after message had no clear answer, so nothing more leaves. Look at the unsure ones and at the provider, then release the channel.") },
	{ .why = NULL },
};
/* The main channel's sentence says the whole story; one banner of it is enough. */
static const struct channel_reason restored_too = {
	WHY_RESTORED, "urgent",
	N_("%s: held, because the database was put back from an older copy. Nothing leaves until you release it.")
};
static const struct channel_reason stopped = {
	"", "urgent",
	N_("%s: the provider refuses every message until something is corrected there or in the settings.")
};

static const struct channel_reason *reason_in(const struct channel_reason *rows, const char *why)
{
	for (; rows != NULL && rows->why != NULL; rows++)
		if (strcmp(rows->why, why) == 0) return rows;
	return NULL;
}

static bool is_held_too(const struct account *a)
{
	const struct channel *c = channel_find(a->name);

	return c != NULL && !c->is_main && strcmp(a->why, WHY_RESTORED) == 0;
}

/* What stands for %s in the sentence. */
static const char *subject_of(const struct account *a, enum lang lang)
{
	return strcmp(a->why, WHY_RESTORED) == 0 && !is_held_too(a) ? a->detail : account_title(a, lang);
}

/* NULL: the channel is open, or waits for a reason without words. */
static const struct channel_reason *reason_of(const struct account *a)
{
	const struct channel_kind *kind = channel_kind_find(a->kind);
	const struct channel_reason *r = NULL;

	if (a->why[0] == '\0') return NULL;
	if (is_held_too(a)) return &restored_too;
	if (kind != NULL) r = reason_in(kind->reasons, a->why);
	if (r == NULL) r = reason_in(reasons, a->why);
	return r == NULL && a->state == ACCOUNT_STOPPED ? &stopped : r;
}

const char *account_title(const struct account *a, enum lang lang)
{
	const struct channel *c = channel_find(a->name);

	return c != NULL ? words_get(lang, c->title) : a->name;
}

const char *account_why(struct cx *cx, const struct account *a)
{
	const struct channel_reason *r = reason_of(a);

	return r != NULL ? words_about(cx->arena, words_get(cx->lang, r->msgid), subject_of(a, cx->lang))
			 : "";
}

const char *account_alert_key(struct arena *arena, const char *key, const char *channel)
{
	if (strcmp(channel, CHANNEL_WHATSAPP) == 0) return key;
	return arena_printf(arena, "%s:%s", key, channel);
}

/* An account that is made while the house is restored is held like the others. */
static enum rc insert(struct cx *cx, int64_t *id, const char *name, const struct channel_kind *kind)
{
	const char *since = "";
	bool is_held;
	enum rc rc = meta_get(cx, &since, META_RESTORED);

	if (rc != RC_OK) return rc;
	is_held = since[0] != '\0';
	rc = db_run(
		cx,
		"INSERT INTO channel_account (kind, name, state, state_why, state_detail, state_at, created_at)"
		" VALUES (:kind, :name, :state, :why, :detail, :state_at, :now)",
		PARAMS(P_TEXT(":kind", kind->kind), P_TEXT(":name", name),
		       P_TEXT(":state", is_held ? "stopped" : "open"),
		       P_TEXT(":why", is_held ? WHY_RESTORED : ""), P_TEXT(":detail", since),
		       P_INT(":state_at", is_held ? cx_now(cx) : 0), P_INT(":now", cx_now(cx))));
	if (rc == RC_OK) *id = db_last_id(cx);
	return rc;
}

enum rc account_ensure(struct cx *cx, int64_t *id, const char *name)
{
	const struct channel *c = channel_find(name);
	const struct channel_kind *kind = c != NULL ? channel_kind_of(c, cx->env) : NULL;
	enum rc rc = db_get_int(cx, id, "SELECT id FROM channel_account WHERE name = :name",
				PARAMS(P_TEXT(":name", name)));

	if (rc != RC_NOT_FOUND) return rc;
	if (kind == NULL) return cx_fail(cx, RC_BUG, "no channel \"%s\"", name);
	return insert(cx, id, name, kind);
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

struct account account_unmade(const struct channel *c, const struct env *env)
{
	const struct channel_kind *kind = channel_kind_of(c, env);

	return (struct account){ .state = ACCOUNT_OPEN,
				 .kind = kind != NULL ? kind->kind : "",
				 .name = c->name,
				 .why = "",
				 .detail = "",
				 .session = "",
				 .facts_json = "{}" };
}

bool account_is_configured(const struct account *a, const struct env *env)
{
	const struct channel_kind *kind = channel_kind_find(a->kind);
	struct channel_config cf;
	const char *why = NULL;

	if (kind == NULL) return false;
	memset(&cf, 0, sizeof(cf));
	kind->configure(&cf, &why, env);
	return why == NULL;
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
	return strcmp(why, "rate") == 0 || strcmp(why, "busy") == 0 || strcmp(why, "day_limit") == 0 ||
	       strcmp(why, "unreachable") == 0 || rate_is_why(why);
}

bool account_is_held_by_session(const struct account *a)
{
	const struct channel_kind *kind = channel_kind_find(a->kind);

	/* Whose provider has no sessions gets no word that could release it. */
	return a->state == ACCOUNT_WAITING && !ends_by_time(a->why) && kind != NULL &&
	       kind->build_session != NULL;
}

enum rc account_wait(struct cx *cx, const struct account *a, const char *why, const char *detail,
		     instant until)
{
	const struct channel_kind *kind = channel_kind_find(a->kind);
	/* Without sessions nothing but time ends a wait, whatever the provider's own word for it. */
	bool is_timed = kind != NULL && kind->build_session == NULL;

	if (a->state == ACCOUNT_STOPPED) return RC_OK;
	if (a->state == ACCOUNT_WAITING && (is_timed || ends_by_time(why))) {
		/* A shorter wait does not cut a longer one, nor does time release a phone that is not
		** linked. */
		if ((!is_timed && !ends_by_time(a->why)) || a->until_at >= until) return RC_OK;
	}
	return put(cx, a, "waiting", why, detail, until);
}

static enum rc resolve(struct cx *cx, const struct account *a, const char *key)
{
	return alert_resolve(cx, account_alert_key(cx->arena, key, a->name));
}

static enum rc raise_alert(struct cx *cx, const struct account *a, const char *key, const char *severity,
			   const struct channel_reason *r, const char *link)
{
	const char *subject = subject_of(a, cx->env->lang);

	return alert_raise(cx, account_alert_key(cx->arena, key, a->name), severity, r->msgid,
			   strstr(r->msgid, "%s") != NULL ? subject : a->detail, link);
}

enum rc account_stop(struct cx *cx, const struct account *was, const char *why, const char *detail)
{
	struct account a = *was;
	const struct channel_reason *r;
	enum rc rc = put(cx, was, "stopped", why, detail, 0);

	a.state = ACCOUNT_STOPPED;
	a.why = why;
	a.detail = detail;
	r = reason_of(&a);
	/* Another reason of a stop is another sentence. */
	if (rc == RC_OK) rc = resolve(cx, &a, "channel.stopped");
	if (rc == RC_OK && r != NULL && r->severity[0] != '\0')
		rc = raise_alert(cx, &a, "channel.stopped", r->severity, r,
				 arena_printf(cx->arena, "/channels/%s", a.name));
	tx_wake(cx, WAKE_OUTBOX);
	return rc;
}

/* The last one that was held after a restore is released: what is made from now on is not held. */
static enum rc end_restored(struct cx *cx)
{
	const char *since = "";
	int64_t left = 0;
	enum rc rc = meta_get(cx, &since, META_RESTORED);

	if (rc != RC_OK || since[0] == '\0') return rc;
	rc = db_get_int(cx, &left,
			"SELECT EXISTS (SELECT 1 FROM channel_account WHERE state_why = '" WHY_RESTORED "')",
			NO_PARAMS);
	return rc == RC_OK && left == 0 ? meta_set(cx, META_RESTORED, "") : rc;
}

enum rc account_open(struct cx *cx, const struct account *a)
{
	enum rc rc = put(cx, a, "open", "", "", 0);

	if (rc == RC_OK) rc = resolve(cx, a, "channel.stopped");
	if (rc == RC_OK && strcmp(a->why, WHY_RESTORED) == 0) rc = end_restored(cx);
	tx_wake(cx, WAKE_OUTBOX);
	return rc;
}

static enum rc session_opens(struct cx *cx, const struct account *a)
{
	enum rc rc = RC_OK;

	if (account_is_held_by_session(a)) rc = put(cx, a, "open", "", "", 0);
	if (rc == RC_OK) rc = resolve(cx, a, "channel.session");
	if (rc == RC_OK) rc = resolve(cx, a, "channel.disconnected");
	tx_wake(cx, WAKE_OUTBOX);
	return rc;
}

static enum rc session_holds(struct cx *cx, const struct account *was, const char *session)
{
	struct account a = *was;
	const struct channel_reason *r;
	instant now = cx_now(cx);
	bool is_old = was->state == ACCOUNT_WAITING && strcmp(was->why, session) == 0;
	int64_t again = strcmp(session, "connecting") == 0 ? CONNECTING_AGAIN_MS : SESSION_AGAIN_MS;
	enum rc rc = account_wait(cx, was, session, "", now + again);

	a.why = session;
	a.detail = "";
	r = reason_of(&a);
	if (rc != RC_OK || r == NULL) return rc;
	if (session_needs_person(session)) return raise_alert(cx, &a, "channel.session", "urgent", r, "/");
	if (is_old && strcmp(session, "disconnected") == 0 && now - was->state_at >= DISCONNECTED_ALERT_MS)
		return raise_alert(cx, &a, "channel.disconnected", "warning", r, "/");
	return RC_OK;
}

enum rc account_session(struct cx *cx, const struct account *a, const char *session)
{
	enum rc rc =
		db_run(cx, "UPDATE channel_account SET session = :session, session_at = :now WHERE id = :id",
		       PARAMS(P_TEXT(":session", session), P_INT(":now", cx_now(cx)), P_INT(":id", a->id)));

	if (rc != RC_OK) return rc;
	return session_is_open(session) ? session_opens(cx, a) : session_holds(cx, a, session);
}
