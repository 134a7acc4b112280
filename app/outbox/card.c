/*
** card.c -- what the owner sees and does about a channel: the card, stop, release, test.
**
** Needs:  account.h and facts.h; link_call for the test.
** Never:  shows the key; sends a message: the test asks for the session only.
** Holds:  the test's call is made outside any transaction.
*/
#include "outbox/facts.h"
#include "outbox/ledger.h"

#include <string.h>

#define COUNT_MAX 10001 /* counts stop there: nobody reads the difference */

static enum rc count(struct cx *cx, int64_t *out, const char *sql)
{
	return db_get_int(cx, out, sql, PARAMS(P_INT(":max", COUNT_MAX)));
}

/* Of all channels: the indexes hold states, not accounts, and the house has one number so far. */
static enum rc set_counts(struct cx *cx, struct value *map)
{
	int64_t queued = 0, unsure = 0;
	enum rc rc = count(
		cx, &queued,
		"SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_queued WHERE state = 'queued'"
		" LIMIT :max)");

	if (rc == RC_OK)
		rc = count(
			cx, &unsure,
			"SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_unsure WHERE state = 'unsure'"
			" LIMIT :max)");
	value_set_int(cx->arena, map, "queued", queued);
	value_set_int(cx->arena, map, "unsure", unsure);
	return rc;
}

static void set_limit(struct arena *a, struct value *map, const char *key, int64_t n)
{
	if (n == LIMIT_UNKNOWN)
		value_set_null(a, map, key);
	else
		value_set_int(a, map, key, n);
}

static const char *plan_words(struct cx *cx, const struct facts *f)
{
	if (strcmp(f->plan, "trial") == 0) return _("Trial");
	if (strcmp(f->plan, "inactive") == 0) return _("No active subscription");
	if (strcmp(f->plan, "daily_limit") == 0) return _("With a daily limit");
	if (strcmp(f->plan, "no_daily_limit") == 0) return _("No daily limit");
	return "";
}

static void set_facts(struct cx *cx, struct value *map, const struct facts *f)
{
	struct arena *a = cx->arena;
	bool is_stale = f->limits.daily_reset_at > 0 && f->limits.daily_reset_at <= cx_now(cx);

	set_limit(a, map, "messages_left", is_stale ? f->limits.daily_limit : f->limits.daily_remaining);
	set_limit(a, map, "daily_limit", f->limits.daily_limit);
	set_limit(a, map, "minute_limit", f->limits.limit);
	set_limit(a, map, "minute_left", f->limits.remaining);
	value_set_text(a, map, "plan", plan_words(cx, f));
	value_set_text(a, map, "plan_word", f->plan);
	value_set_int(a, map, "last_accepted_at", f->last_accepted_at);
	value_set_text(a, map, "last_error", f->last_error);
	value_set_int(a, map, "last_error_at", f->last_error_at);
}

/* The sentence of a reason; that of a restored database says since when. */
static const char *why_sentence(struct cx *cx, const struct account *acc)
{
	const char *text = words_get(cx->lang, account_why_msgid(acc->why)), *place = strstr(text, "%s");

	if (place == NULL) return text;
	return arena_printf(cx->arena, "%.*s%s%s", (int)(place - text), text, acc->detail, place + 2);
}

/* The states of contracts/wasender.md §3.3. */
const char *channel_session_words(enum lang lang, const char *session)
{
	static const struct {
		const char *session, *title;
	} words[] = {
		{ "connected", N_("linked") },
		{ "connecting", N_("being linked") },
		{ "disconnected", N_("not connected") },
		{ "need_scan", N_("must be linked again (QR code)") },
		{ "need_passkey", N_("must be linked again (passkey)") },
		{ "logged_out", N_("logged out, must be linked again") },
		{ "expired", N_("expired, must be linked again") },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].session, session) == 0) return words_get(lang, words[i].title);
	return session;
}

enum rc channel_show(struct cx *cx, struct value **out, const char *channel)
{
	static const char *const states[] = { "open", "waiting", "stopped" };
	struct arena *a = cx->arena;
	struct value *map = value_map(a);
	struct account acc = { .id = 0 };
	struct facts f;
	enum rc rc = account_find(cx, &acc, channel);

	if (rc == RC_NOT_FOUND) {
		/* Nothing was ever sent and no engine ran: as it will be made. */
		acc = (struct account){ .kind = setting_text(cx->env->settings, "whatsapp.gateway"),
					.name = channel,
					.why = "",
					.detail = "",
					.session = "",
					.facts_json = "{}" };
		rc = RC_OK;
	}
	if (rc != RC_OK) return rc;
	facts_read(&f, a, acc.facts_json);
	value_set_text(a, map, "channel", acc.name);
	value_set_text(a, map, "gateway", acc.kind);
	value_set_text(a, map, "state", states[acc.state]);
	value_set_text(a, map, "why", acc.why);
	value_set_text(a, map, "why_text", why_sentence(cx, &acc));
	value_set_text(a, map, "detail", acc.detail);
	value_set_int(a, map, "state_at", acc.state_at);
	value_set_int(a, map, "until_at", acc.until_at);
	value_set_text(a, map, "session", acc.session);
	value_set_int(a, map, "session_at", acc.session_at);
	value_set_bool(a, map, "key_is_set", setting_text(cx->env->settings, "whatsapp.api_key")[0] != '\0');
	value_set_bool(a, map, "is_offline", cx->env->is_offline);
	set_facts(cx, map, &f);
	rc = set_counts(cx, map);
	if (rc == RC_OK) *out = map;
	return rc;
}

/* A person stops and releases */

static enum rc change(struct cx *cx, const char *channel, const char *why /* NULL = open */)
{
	struct value *after = value_map(cx->arena);
	struct account acc;
	int64_t id = 0;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = account_ensure(cx, &id, channel);
	if (rc == RC_OK) rc = account_read(cx, &acc, id);
	if (rc == RC_OK) rc = why != NULL ? account_stop(cx, &acc, why, "") : account_open(cx, &acc);
	value_set_text(cx->arena, after, "state", why != NULL ? "stopped" : "open");
	if (rc == RC_OK)
		rc = audit_add(cx, why != NULL ? "stop" : "open", "channel_account", id, NULL, after);
	return tx_end(cx, rc);
}

enum rc channel_stop(struct cx *cx, const char *channel, const char *why)
{
	return change(cx, channel, why);
}

enum rc channel_open(struct cx *cx, const char *channel)
{
	return change(cx, channel, NULL);
}

/* Test */

static const char *session_sentence(struct cx *cx, const char *session)
{
	if (session_is_open(session)) return _("The gateway answers and the phone is connected.");
	return words_get(cx->lang, account_why_msgid(session));
}

static enum rc note_session(struct cx *cx, const char *channel, const char *session)
{
	struct account acc;
	int64_t id = 0;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = account_ensure(cx, &id, channel);
	if (rc == RC_OK) rc = account_read(cx, &acc, id);
	if (rc == RC_OK) rc = account_session(cx, &acc, session);
	return tx_end(cx, rc);
}

static enum rc ask(struct cx *cx, struct session_verdict *v, const struct channel_kind *kind,
		   const struct channel_config *cf)
{
	struct channel_request *rq = arena_alloc(cx->arena, sizeof(*rq));
	struct http_answer answer;
	enum rc rc;

	if (rq == NULL) return RC_NO_MEMORY;
	kind->build_session(rq, cf);
	rc = link_call(cx, &answer, &rq->http);
	if (rc == RC_OK) kind->read_session(v, cx->arena, &answer);
	return rc;
}

enum rc channel_test(struct cx *cx, const char *channel, const char **sentence)
{
	const struct channel_kind *kind =
		channel_kind_find(setting_text(cx->env->settings, "whatsapp.gateway"));
	struct channel_config cf;
	struct session_verdict v;
	const char *why = NULL;
	enum rc rc;

	*sentence = "";
	if (kind == NULL) return RC_BUG;
	kind->configure(&cf, &why, cx->env);
	if (why != NULL) {
		*sentence = words_get(cx->lang, account_why_msgid(why));
		return cx_fail(cx, RC_BAD_INPUT, "%s", *sentence);
	}
	rc = ask(cx, &v, kind, &cf);
	if (rc != RC_OK) return rc;
	if (v.end == SESSION_TOLD) {
		rc = note_session(cx, channel, v.session);
		*sentence = session_sentence(cx, v.session);
		if (rc == RC_OK && !session_is_open(v.session))
			rc = cx_fail(cx, RC_TRY_LATER, "%s", *sentence);
	} else if (v.end == SESSION_DENIED) {
		*sentence = words_get(cx->lang, account_why_msgid("unauthorized"));
		rc = cx_fail(cx, RC_DENIED, "%s", *sentence);
	} else {
		*sentence =
			v.http == 0
				? arena_printf(cx->arena, _("The gateway cannot be reached: %s"), v.detail)
				: arena_printf(cx->arena,
					       _("The gateway answered %d without saying how the phone is."),
					       v.http);
		rc = cx_fail(cx, RC_TRY_LATER, "%s", *sentence);
	}
	return rc;
}
