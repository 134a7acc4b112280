/*
** throttle.c -- guessing passwords gets slower and slower, and never locks anybody out for good.
**
** Owns:   the table login_throttle: one row a name and one an address that failed lately.
** Holds:  (1) a wait is never longer than NAME_LONGEST_S or ADDRESS_LONGEST_S: a stranger who knows a name
**         can annoy its owner, not shut him out; (2) an hour without failures forgets; (3) names that do not
**         exist are counted like those that do.
*/
#include "web/inside.h"
#include "base/text.h"

#define NAME_FREE         3 /* typing errors cost nothing                                       */
#define NAME_LONGEST_S    60
#define ADDRESS_FREE      10 /* a whole office may share one address                              */
#define ADDRESS_LONGEST_S 300
#define FORGET_MS         HOUR_MS
#define KEY_NAME_MAX      60 /* code points of a name that are counted apart                      */

int64_t throttle_delay_ms(int64_t fails, int64_t free_fails, int64_t longest_s)
{
	int64_t over = fails - free_fails, s;

	if (over <= 0) return 0;
	s = over > 20 ? longest_s : (int64_t)1 << over; /* 2, 4, 8 … */
	return (s < longest_s ? s : longest_s) * SECOND_MS;
}

static void keys_of(struct cx *cx, const char *name, const char *out[2])
{
	char *folded = text_fold(cx->arena, name);

	folded[text_prefix(folded, KEY_NAME_MAX)] = '\0';
	out[0] = arena_printf(cx->arena, "name:%s", folded);
	out[1] = arena_printf(cx->arena, "address:%s", cx->actor.address);
}

enum rc throttle_check(struct cx *cx, const char *name, int64_t *wait_s)
{
	const char *keys[2];
	instant now = cx_now(cx), until = 0;
	enum rc rc;

	keys_of(cx, name, keys);
	rc = db_get_int(
		cx, &until,
		"SELECT coalesce(max(blocked_until_at), 0) FROM login_throttle WHERE key IN (:name, :address)",
		PARAMS(P_TEXT(":name", keys[0]), P_TEXT(":address", keys[1])));
	if (rc != RC_OK || until <= now) return rc;
	*wait_s = (until - now + SECOND_MS - 1) / SECOND_MS;
	return cx_fail(cx, RC_TOO_MANY, _("Too many failed attempts. Wait %lld seconds and try again."),
		       (long long)*wait_s);
}

static enum rc count_one(struct cx *cx, const char *key, int64_t free_fails, int64_t longest_s)
{
	instant now = cx_now(cx);
	int64_t fails = 0;
	enum rc rc = db_get_int(cx, &fails,
				"SELECT fails FROM login_throttle WHERE key = :key AND last_at > :recent",
				PARAMS(P_TEXT(":key", key), P_INT(":recent", now - FORGET_MS)));

	if (rc != RC_OK && rc != RC_NOT_FOUND) return rc;
	fails++;
	return db_run(
		cx,
		"INSERT INTO login_throttle (key, fails, last_at, blocked_until_at) VALUES (:key, :fails, :now,"
		" :until) ON CONFLICT (key) DO UPDATE SET fails = excluded.fails, last_at = excluded.last_at,"
		" blocked_until_at = excluded.blocked_until_at",
		PARAMS(P_TEXT(":key", key), P_INT(":fails", fails), P_INT(":now", now),
		       P_INT(":until", now + throttle_delay_ms(fails, free_fails, longest_s))));
}

enum rc throttle_fail(struct cx *cx, const char *name)
{
	const char *keys[2];
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	keys_of(cx, name, keys);
	rc = db_run(cx, "DELETE FROM login_throttle WHERE last_at < :old",
		    PARAMS(P_INT(":old", cx_now(cx) - FORGET_MS)));
	if (rc == RC_OK) rc = count_one(cx, keys[0], NAME_FREE, NAME_LONGEST_S);
	if (rc == RC_OK) rc = count_one(cx, keys[1], ADDRESS_FREE, ADDRESS_LONGEST_S);
	return tx_end(cx, rc);
}

enum rc throttle_clear(struct cx *cx, const char *name)
{
	const char *keys[2];
	enum rc rc = tx_begin(cx);

	keys_of(cx, name, keys);
	if (rc == RC_OK)
		rc = tx_end(cx, db_run(cx, "DELETE FROM login_throttle WHERE key = :name",
				       PARAMS(P_TEXT(":name", keys[0]))));
	return rc;
}
