/*
** card.c -- what the owner sees and does about a channel: the card, the list of all, stop, release.
**
** Needs:  account.h and facts.h; rate.h for what left.
** Never:  shows a key; sends.
** Holds:  a channel that nobody used yet is shown as it will be made.
*/
#include "outbox/facts.h"
#include "outbox/ledger.h"
#include "outbox/rate.h"

#include <string.h>

#define COUNT_MAX 10001 /* counts stop there: nobody reads the difference */

static const char *const states[] = {
	[ACCOUNT_OPEN] = "open", [ACCOUNT_WAITING] = "waiting", [ACCOUNT_STOPPED] = "stopped"
};

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
			"SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_unusual WHERE state = 'unsure'"
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
	struct arena *a = cx->arena;
	struct value *map = value_map(a);
	struct account acc = { .id = 0 };
	const struct channel *c = channel_find(channel);
	struct facts f;
	enum rc rc = account_find(cx, &acc, channel);

	if (rc == RC_NOT_FOUND && c != NULL) {
		acc = account_unmade(c, cx->env);
		rc = RC_OK;
	}
	if (rc != RC_OK) return rc;
	facts_read(&f, a, acc.facts_json);
	value_set_text(a, map, "channel", acc.name);
	value_set_text(a, map, "gateway", acc.kind);
	value_set_text(a, map, "state", states[acc.state]);
	value_set_text(a, map, "why", acc.why);
	value_set_text(a, map, "why_text", account_why(cx, &acc));
	value_set_text(a, map, "detail", acc.detail);
	value_set_int(a, map, "state_at", acc.state_at);
	value_set_int(a, map, "until_at", acc.until_at);
	value_set_text(a, map, "session", acc.session);
	value_set_int(a, map, "session_at", acc.session_at);
	value_set_bool(a, map, "key_is_set",
		       c != NULL && c->is_main
			       ? setting_text(cx->env->settings, "whatsapp.api_key")[0] != '\0'
			       : account_is_configured(&acc, cx->env));
	value_set_bool(a, map, "is_offline", cx->env->is_offline);
	set_facts(cx, map, &f);
	rc = set_counts(cx, map);
	if (rc == RC_OK) *out = map;
	return rc;
}

/* All of them */

static enum rc count_of(struct cx *cx, int64_t *out, int64_t account, const char *sql)
{
	return db_get_int(cx, out, sql, PARAMS(P_INT(":account", account), P_INT(":max", COUNT_MAX)));
}

/* What the engine may still send: parked ones of a paused batch are that batch's, not the channel's. */
static enum rc count_queued(struct cx *cx, int64_t *out, int64_t account)
{
	int64_t ready = 0, later = 0, behind = 0;
	enum rc rc = count_of(
		cx, &ready, account,
		"SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_queue"
		" WHERE channel_account_id = :account AND state = 'queued' AND turn = 1 LIMIT :max)");

	if (rc == RC_OK)
		rc = count_of(
			cx, &later, account,
			"SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_waiting"
			" WHERE channel_account_id = :account AND state = 'queued' AND turn = 0 LIMIT :max)");
	if (rc == RC_OK)
		rc = count_of(
			cx, &behind, account,
			"SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_behind"
			" WHERE channel_account_id = :account AND state = 'queued' AND turn = 2 LIMIT :max)");
	*out = ready + later + behind < COUNT_MAX ? ready + later + behind : COUNT_MAX;
	return rc;
}

static enum rc set_counts_of(struct cx *cx, struct value *map, int64_t account)
{
	int64_t queued = 0, sending = 0, unsure = 0;
	enum rc rc = count_queued(cx, &queued, account);

	if (rc == RC_OK)
		rc = count_of(cx, &sending, account,
			      "SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_sending"
			      " WHERE channel_account_id = :account AND state = 'sending' LIMIT :max)");
	if (rc == RC_OK)
		rc = count_of(cx, &unsure, account,
			      "SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_unusual"
			      " WHERE state = 'unsure' AND channel_account_id = :account LIMIT :max)");
	value_set_int(cx->arena, map, "queued", queued);
	value_set_int(cx->arena, map, "sending", sending);
	value_set_int(cx->arena, map, "unsure", unsure);
	return rc;
}

static enum rc set_rates(struct cx *cx, struct value *map, const struct channel *c, int64_t account)
{
	static const char *const caps_keys[RATE__MAX] = { "per_hour", "per_day", "per_month" };
	static const char *const used_keys[RATE__MAX] = { "used_hour", "used_day", "used_month" };
	struct rate_names names;
	struct rate_used used;
	int64_t caps[RATE__MAX];
	enum rc rc = rate_read(cx, &used, account, rate_zone(c, cx->env), cx_now(cx));

	if (rc != RC_OK) return rc;
	rate_name(&names, c->settings);
	rate_caps_of(caps, &names, channel_kind_of(c, cx->env), cx->env->settings);
	value_set_int(cx->arena, map, "sent_today", used.count[RATE_DAY]);
	for (int i = 0; i < RATE__MAX; i++) {
		set_limit(cx->arena, map, caps_keys[i], caps[i] > 0 ? caps[i] : LIMIT_UNKNOWN);
		value_set_int(cx->arena, map, used_keys[i], used.count[i]);
	}
	return RC_OK;
}

static enum rc add_channel(struct cx *cx, struct value *list, const struct channel *c)
{
	struct arena *a = cx->arena;
	struct account acc;
	struct value *map;
	enum rc rc = account_find(cx, &acc, c->name);

	if (rc == RC_NOT_FOUND) acc = account_unmade(c, cx->env);
	if (rc != RC_OK && rc != RC_NOT_FOUND) return rc;
	map = value_add_map(a, list);
	value_set_text(a, map, "name", c->name);
	value_set_text(a, map, "title", words_get(cx->lang, c->title));
	value_set_text(a, map, "kind", acc.kind);
	value_set_bool(a, map, "is_for_people", c->is_for_people);
	value_set_bool(a, map, "is_configured", account_is_configured(&acc, cx->env));
	value_set_text(a, map, "state", states[acc.state]);
	value_set_text(a, map, "why", acc.why);
	value_set_text(a, map, "why_text", account_why(cx, &acc));
	value_set_text(a, map, "detail", acc.detail);
	value_set_int(a, map, "state_at", acc.state_at);
	value_set_int(a, map, "until_at", acc.state == ACCOUNT_WAITING ? acc.until_at : 0);
	rc = set_counts_of(cx, map, acc.id);
	return rc == RC_OK ? set_rates(cx, map, c, acc.id) : rc;
}

enum rc channels_list(struct cx *cx, struct value **out)
{
	struct value *list = value_list(cx->arena);
	const struct channel *c;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && (c = channel_at(i)) != NULL; i++)
		if (channel_kind_of(c, cx->env) != NULL) rc = add_channel(cx, list, c);
	if (rc == RC_OK) *out = list;
	return rc;
}

/* A person stops and releases */

static enum rc is_known(struct cx *cx, const char *channel)
{
	const struct channel *c = channel_find(channel);

	if (c != NULL && channel_kind_of(c, cx->env) != NULL) return RC_OK;
	return cx_fail(cx, RC_NOT_FOUND, _("There is no channel “%s”."), channel);
}

static enum rc change(struct cx *cx, const char *channel, const char *why /* NULL = open */,
		      const char *reason)
{
	struct value *after = value_map(cx->arena);
	struct account acc;
	int64_t id = 0;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = is_known(cx, channel);
	if (rc == RC_OK) rc = account_ensure(cx, &id, channel);
	if (rc == RC_OK) rc = account_read(cx, &acc, id);
	if (rc == RC_OK) rc = why != NULL ? account_stop(cx, &acc, why, reason) : account_open(cx, &acc);
	value_set_text(cx->arena, after, "state", why != NULL ? "stopped" : "open");
	if (reason[0] != '\0') value_set_text(cx->arena, after, "why", reason);
	if (rc == RC_OK)
		rc = audit_add(cx, why != NULL ? "stop" : "open", "channel_account", id, NULL, after);
	return tx_end(cx, rc);
}

enum rc channel_stop(struct cx *cx, const char *channel, const char *why)
{
	return change(cx, channel, why, "");
}

enum rc channel_pause(struct cx *cx, const char *channel, const char *reason)
{
	return change(cx, channel, WHY_PERSON, reason != NULL ? reason : "");
}

enum rc channel_open(struct cx *cx, const char *channel)
{
	return change(cx, channel, NULL, "");
}
