/*
** throttle.c -- guessing gets slower and slower, and never locks the owner out for good.
**
** Owns:   the tables login_throttle (one row a key that failed lately) and login_address (from where a person
**         logged in before); how many workers may be busy with passwords at once.
** Holds:  (1) a try is counted before it is judged, so that many at once are no way around; a right one is
**         taken off again; (2) a name and an address together wait up to PAIR_LONGEST_S, an address alone
**         too;
**         (3) a name alone, whoever asks from wherever, waits at most NAME_LONGEST_S, and everybody together
**         ALL_LONGEST_S: what strangers do elsewhere slows a log-in down and never stops it;
**         (4) whoever logged in from this address before does not wait for (3) at all; (5) an hour without
**         failures forgets; (6) names that do not exist are counted like those that do.
** The command line is never throttled: `recado user reset` always works.
*/
#include "web/inside.h"
#include "base/text.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define PAIR_FREE         3 /* typing errors cost nothing                                       */
#define PAIR_LONGEST_S    900
#define NAME_FREE         10
#define NAME_LONGEST_S    60
#define ADDRESS_FREE      10 /* a whole office may share one address                              */
#define ADDRESS_LONGEST_S 900
#define ALL_FREE          200 /* an hour; a house of fifty people mistypes less                    */
#define ALL_LONGEST_S     4
#define FORGET_MS         HOUR_MS
#define KEY_NAME_MAX      60 /* code points of a name that are counted apart                      */
#define ADDRESSES_KEPT    20 /* of a person: home, shop, phone, and the phone's changing ones      */
#define ADDRESS_KEPT_MS   (90 * DAY_MS)
/* Of three workers (web.c) one always stays free for pages, however many log in at once. */
#define PASSWORD_WORKERS 2
#define PASSWORD_WAIT_MS 5000 /* then "try again": a browser is not kept longer            */
#define PASSWORD_LOOK_MS 250
#define PASSWORD_QUEUE   64 /* looks in one PASSWORD_LOOK_MS: more than that is a flood    */

int64_t throttle_delay_ms(int64_t fails, int64_t free_fails, int64_t longest_s)
{
	int64_t over = fails - free_fails, s;

	if (over <= 0) return 0;
	s = over > 20 ? longest_s : (int64_t)1 << over; /* 2, 4, 8 … */
	return (s < longest_s ? s : longest_s) * SECOND_MS;
}

/* One house has a whole /64 of IPv6 addresses (RFC 6177): they count as one. */
static const char *neighbourhood(struct cx *cx, const char *address)
{
	unsigned char bytes[16];
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, address, bytes) != 1) return address;
	memset(bytes + 8, 0, 8);
	if (inet_ntop(AF_INET6, bytes, text, sizeof text) == NULL) return address;
	return arena_printf(cx->arena, "%s/64", text);
}

static void key_add(struct attempt *t, const char *key, int64_t free_fails, int64_t longest_s)
{
	t->keys[t->count].key = key;
	t->keys[t->count].free_fails = free_fails;
	t->keys[t->count].longest_s = longest_s;
	t->count++;
}

static enum rc is_known_here(struct cx *cx, int64_t user_id, bool *out)
{
	int64_t n = 0;
	enum rc rc = db_get_int(
		cx, &n,
		"SELECT count(*) FROM login_address WHERE user_id = :user AND address = :address AND last_at > :old",
		PARAMS(P_INT(":user", user_id), P_TEXT(":address", neighbourhood(cx, cx->actor.address)),
		       P_INT(":old", cx_now(cx) - ADDRESS_KEPT_MS)));

	*out = n > 0;
	return rc;
}

/* Who comes over loopback cannot be told from others who do: a proxy that web.proxies does not name. Then the
** pair is as good as the name alone, and waits no longer than that. */
static enum rc keys_of(struct cx *cx, struct attempt *t, const char *what, const char *name, int64_t user_id)
{
	const char *address = neighbourhood(cx, cx->actor.address);
	bool is_local = address_is_loopback(cx->actor.address), is_known = false;
	char *folded = text_fold(cx->arena, name);
	enum rc rc = is_known_here(cx, user_id, &is_known);

	*t = (struct attempt){ .count = 0 };
	folded[text_prefix(folded, KEY_NAME_MAX)] = '\0';
	key_add(t, arena_printf(cx->arena, "%s:%s@%s", what, folded, address), PAIR_FREE,
		is_local ? NAME_LONGEST_S : PAIR_LONGEST_S);
	t->pair_count = 1;
	if (!is_local)
		key_add(t, arena_printf(cx->arena, "%s:@%s", what, address), ADDRESS_FREE, ADDRESS_LONGEST_S);
	if (is_known) return rc;
	key_add(t, arena_printf(cx->arena, "%s:%s@", what, folded), NAME_FREE, NAME_LONGEST_S);
	key_add(t, arena_printf(cx->arena, "%s:@", what), ALL_FREE, ALL_LONGEST_S);
	return rc;
}

static enum rc wait_of(struct cx *cx, struct attempt *t)
{
	instant now = cx_now(cx), last = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < t->count && rc == RC_OK; i++) {
		instant until = 0;

		rc = db_get_int(cx, &until, "SELECT blocked_until_at FROM login_throttle WHERE key = :key",
				PARAMS(P_TEXT(":key", t->keys[i].key)));
		if (rc == RC_NOT_FOUND) rc = RC_OK;
		/* A clock that was set back meanwhile makes nobody wait longer than the longest. */
		if (until > now + t->keys[i].longest_s * SECOND_MS)
			until = now + t->keys[i].longest_s * SECOND_MS;
		if (until > last) last = until;
	}
	t->wait_s = last > now ? (last - now + SECOND_MS - 1) / SECOND_MS : 0;
	return rc;
}

static enum rc refuse(struct cx *cx, const struct attempt *t)
{
	long long wait = t->wait_s;

	if (wait <= 120)
		return cx_fail(cx, RC_TOO_MANY,
			       _("Too many failed attempts. Wait %lld seconds and try again."), wait);
	return cx_fail(cx, RC_TOO_MANY, _("Too many failed attempts. Wait %lld minutes and try again."),
		       (wait + 59) / 60);
}

static enum rc count_one(struct cx *cx, const struct attempt *t, size_t i)
{
	instant now = cx_now(cx);
	int64_t fails = 0, delay;
	enum rc rc = db_get_int(cx, &fails,
				"SELECT fails FROM login_throttle WHERE key = :key AND last_at > :recent",
				PARAMS(P_TEXT(":key", t->keys[i].key), P_INT(":recent", now - FORGET_MS)));

	if (rc != RC_OK && rc != RC_NOT_FOUND) return rc;
	fails++;
	delay = throttle_delay_ms(fails, t->keys[i].free_fails, t->keys[i].longest_s);
	return db_run(
		cx,
		"INSERT INTO login_throttle (key, fails, last_at, blocked_until_at) VALUES (:key, :fails, :now,"
		" :until) ON CONFLICT (key) DO UPDATE SET fails = excluded.fails, last_at = excluded.last_at,"
		" blocked_until_at = excluded.blocked_until_at",
		PARAMS(P_TEXT(":key", t->keys[i].key), P_INT(":fails", fails), P_INT(":now", now),
		       /* without a delay no instant at all: the clock may be set back a little at any time */
		       P_INT(":until", delay > 0 ? now + delay : 0)));
}

enum rc throttle_begin(struct cx *cx, struct attempt *t, const char *what, const char *name, int64_t user_id)
{
	enum rc rc = keys_of(cx, t, what, name, user_id);

	if (rc == RC_OK) rc = wait_of(cx, t); /* most who wait are told so without a write */
	if (rc == RC_OK && t->wait_s > 0) rc = refuse(cx, t);
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) {
		t->count = 0;
		return rc;
	}
	rc = wait_of(cx, t);
	if (rc == RC_OK && t->wait_s > 0) rc = refuse(cx, t);
	if (rc == RC_OK)
		rc = db_run(cx, "DELETE FROM login_throttle WHERE last_at < :old",
			    PARAMS(P_INT(":old", cx_now(cx) - FORGET_MS)));
	for (size_t i = 0; i < t->count && rc == RC_OK; i++)
		rc = count_one(cx, t, i);
	rc = tx_end(cx, rc);
	if (rc != RC_OK) t->count = 0; /* nothing was counted */
	return rc;
}

/* The try does not count: it was right, or nobody looked at it. */
static enum rc take_back(struct cx *cx, const struct attempt *t, size_t from)
{
	enum rc rc = RC_OK;

	for (size_t i = from; i < t->count && rc == RC_OK; i++)
		rc = db_run(cx,
			    "UPDATE login_throttle SET fails = fails - 1, blocked_until_at = 0"
			    " WHERE key = :key AND fails > 0",
			    PARAMS(P_TEXT(":key", t->keys[i].key)));
	return rc;
}

enum rc throttle_right(struct cx *cx, const struct attempt *t)
{
	enum rc rc = tx_begin(cx);

	for (size_t i = 0; i < t->pair_count && i < t->count && rc == RC_OK; i++)
		rc = db_run(cx, "DELETE FROM login_throttle WHERE key = :key",
			    PARAMS(P_TEXT(":key", t->keys[i].key)));
	if (rc == RC_OK) rc = take_back(cx, t, t->pair_count);
	return tx_end(cx, rc);
}

void throttle_undo(struct cx *cx, const struct attempt *t)
{
	const char *message = cx->message, *code = cx->error_code;
	enum rc rc = t->count > 0 ? tx_begin(cx) : RC_NOT_FOUND;

	if (rc == RC_OK) rc = take_back(cx, t, 0);
	if (t->count > 0) rc = tx_end(cx, rc);
	if (rc != RC_OK && rc != RC_NOT_FOUND)
		log_event(LOG_WARN, "security", "throttle.undo", "code=%s", rc_row(rc)->name);
	cx->message = message;
	cx->error_code = code;
}

enum rc throttle_forget(struct cx *cx, const char *name)
{
	char *folded = text_fold(cx->arena, name);

	folded[text_prefix(folded, KEY_NAME_MAX)] = '\0';
	return db_run(cx,
		      "DELETE FROM login_throttle WHERE substr(key, instr(key, ':') + 1, length(:name) + 1)"
		      " = :name || '@'",
		      PARAMS(P_TEXT(":name", folded)));
}

enum rc throttle_known(struct cx *cx, int64_t user_id)
{
	const char *address = neighbourhood(cx, cx->actor.address);
	enum rc rc = db_run(
		cx,
		"INSERT INTO login_address (user_id, address, last_at) VALUES (:user, :address, :now)"
		" ON CONFLICT DO UPDATE SET last_at = excluded.last_at",
		PARAMS(P_INT(":user", user_id), P_TEXT(":address", address), P_INT(":now", cx_now(cx))));

	if (rc != RC_OK) return rc;
	return db_run(
		cx,
		"DELETE FROM login_address WHERE user_id = :user AND (last_at < :old OR address NOT IN"
		" (SELECT address FROM login_address WHERE user_id = :user ORDER BY last_at DESC LIMIT :kept))",
		PARAMS(P_INT(":user", user_id), P_INT(":old", cx_now(cx) - ADDRESS_KEPT_MS),
		       P_INT(":kept", ADDRESSES_KEPT)));
}

/* Workers busy with passwords */

static struct {
	pthread_mutex_t lock;
	int busy, looks;
	int64_t since; /* ticks: of the looks */
} turn = { .lock = PTHREAD_MUTEX_INITIALIZER };

enum rc password_turn(struct cx *cx, struct call *call)
{
	int64_t now = clock_ticks();
	bool is_ours = false, fits = true;

	pthread_mutex_lock(&turn.lock);
	if (now - turn.since >= PASSWORD_LOOK_MS) {
		turn.since = now;
		turn.looks = 0;
	}
	if (turn.busy < PASSWORD_WORKERS) {
		turn.busy++;
		is_ours = true;
	} else
		fits = ++turn.looks <= PASSWORD_QUEUE;
	pthread_mutex_unlock(&turn.lock);
	if (is_ours) return RC_OK;
	if (fits && call != NULL && now - request_started_ticks(call->rq) < PASSWORD_WAIT_MS) {
		answer_later(call, PASSWORD_LOOK_MS);
		return RC_PARTLY;
	}
	return cx_fail(cx, RC_TRY_LATER, _("Many people are logging in right now. Try again in a moment."));
}

void password_turn_over(void)
{
	pthread_mutex_lock(&turn.lock);
	turn.busy--;
	pthread_mutex_unlock(&turn.lock);
}
