/*
** idempotency.c -- the same API call, or the same form, sent twice happens once.
**
** Owns:   the table idempotency.
** Holds:  (1) a row is there before the handler runs: two calls at once cannot both run; (2) only success is
**         kept and repeated; after a failure the key is free again; (3) the same key with another request is
**         refused;
**         (4) a row without an answer whose process died says so and is never repeated silently.
*/
#include "web/inside.h"
#include "base/text.h"
#include <string.h>

#define KEY_MAX    200
#define KEPT_MS    DAY_MS
#define RUNNING_MS (2 * MINUTE_MS) /* no handler runs that long: it died */
#define BODY_MAX   ((size_t)64 * 1024)
#define FORM_KEY   "form %s" /* no key of a program has a blank in it */

static const char *actor_of(struct cx *cx)
{
	if (cx->actor.kind == ACTOR_TOKEN)
		return arena_printf(cx->arena, "token:%lld", (long long)cx->actor.token_id);
	return arena_printf(cx->arena, "user:%lld", (long long)cx->actor.user_id);
}

static void request_hash(struct call *call, char out[SHA256_HEX_SIZE])
{
	struct bytes body = request_body(call->rq);
	struct sha256_stream *s = sha256_open();
	const char *const parts[] = { call_method(call), request_path(call->rq),
				      request_query_raw(call->rq) };

	out[0] = '\0';
	if (s == NULL) return;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		sha256_add(s, parts[i], strlen(parts[i]) + 1);
	sha256_add(s, body.p, body.len);
	sha256_close(s, out);
}

static enum rc replay(struct cx *cx, struct call *call, const struct value *row)
{
	int status = (int)value_int_of(value_get(row, "status"), 0);
	const char *location = value_text_of(value_get(row, "location"), "");

	if (status == 0) {
		bool may_run = cx_now(cx) - value_int_of(value_get(row, "created_at"), 0) < RUNNING_MS;

		cx->error_code = may_run ? "still_running" : "unfinished";
		if (may_run) reply_header(call->rp, "Retry-After", "1");
		return cx_fail(
			cx, RC_CONFLICT, "%s",
			may_run ? _("The first call with this key is still running.")
				: _("An earlier call with this key was cut off: look at what it did before you "
				    "send it again with another key."));
	}
	answer_text(cx, call, status, "application/json", value_text_of(value_get(row, "body"), ""));
	reply_header(call->rp, "Idempotency-Replayed", "true");
	if (location[0] != '\0') reply_header(call->rp, "Location", location);
	return RC_OK;
}

static bool key_is_good(const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)key[i] <= 0x20 || (unsigned char)key[i] >= 0x7f) return false;
	return len > 0 && len <= KEY_MAX;
}

enum rc idempotency_begin(struct cx *cx, struct call *call, const char *key, bool *is_done)
{
	char hash[SHA256_HEX_SIZE];
	struct value *row = NULL;
	instant now = cx_now(cx);
	enum rc rc;

	*is_done = false;
	if (!key_is_good(key))
		return cx_fail(cx, RC_BAD_INPUT, _("Idempotency-Key has 1 to %d visible ASCII characters."),
			       KEY_MAX);
	request_hash(call, hash);
	rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = db_run(cx, "DELETE FROM idempotency WHERE created_at < :old",
		    PARAMS(P_INT(":old", now - KEPT_MS)));
	if (rc == RC_OK)
		rc = db_run(cx,
			    "INSERT INTO idempotency (key, actor, request_sha256, status, body, created_at)"
			    " VALUES (:key, :actor, :hash, 0, '', :now) ON CONFLICT DO NOTHING",
			    PARAMS(P_TEXT(":key", key), P_TEXT(":actor", actor_of(cx)), P_TEXT(":hash", hash),
				   P_INT(":now", now)));
	if (rc == RC_OK && db_changes(cx) == 0) *is_done = true; /* there was one */
	if (rc == RC_OK && *is_done)
		rc = db_row(cx, &row,
			    "SELECT request_sha256, status, body, location, created_at FROM idempotency"
			    " WHERE key = :key AND actor = :actor",
			    PARAMS(P_TEXT(":key", key), P_TEXT(":actor", actor_of(cx))));
	rc = tx_end(cx, rc);
	if (rc != RC_OK || !*is_done) return rc;
	if (strcmp(value_text_of(value_get(row, "request_sha256"), ""), hash) != 0) {
		cx->error_code = "key_reused";
		return cx_fail(cx, RC_CONFLICT, _("This Idempotency-Key was used for another request."));
	}
	return replay(cx, call, row);
}

enum rc form_once(struct cx *cx, const char *key, const char **path)
{
	enum rc rc = db_run(cx, "DELETE FROM idempotency WHERE created_at < :old",
			    PARAMS(P_INT(":old", cx_now(cx) - KEPT_MS)));

	*path = "";
	if (rc == RC_OK)
		rc = db_get_text(cx, path,
				 "SELECT location FROM idempotency WHERE key = :key AND actor = :actor",
				 PARAMS(P_TEXT(":key", arena_printf(cx->arena, FORM_KEY, key)),
					P_TEXT(":actor", actor_of(cx))));
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc form_once_done(struct cx *cx, const char *key, const char *path)
{
	return db_run(
		cx,
		"INSERT INTO idempotency (key, actor, request_sha256, status, body, location, created_at)"
		" VALUES (:key, :actor, '', 303, '', :path, :now)",
		PARAMS(P_TEXT(":key", arena_printf(cx->arena, FORM_KEY, key)), P_TEXT(":actor", actor_of(cx)),
		       P_TEXT(":path", path), P_INT(":now", cx_now(cx))));
}

void idempotency_end(struct cx *cx, struct call *call, const char *key)
{
	const struct reply *rp = call->rp;
	int status = rp->status == 0 ? 200 : rp->status;
	bool is_kept = status < 400 && rp->park_ms == 0 &&
		       (rp->kind == REPLY_COPY || rp->kind == REPLY_EMPTY) && rp->len <= BODY_MAX;
	const char *location = pairs_header(&rp->headers, "Location");
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) goto failed;
	if (is_kept)
		rc = db_run(cx,
			    "UPDATE idempotency SET status = :status, body = :body, location = :location"
			    " WHERE key = :key AND actor = :actor",
			    PARAMS(P_INT(":status", status),
				   P_TEXT(":body", rp->kind == REPLY_COPY
							   ? arena_bytes(cx->arena, rp->copy, rp->len)
							   : ""),
				   P_TEXT(":location", location != NULL ? location : ""), P_TEXT(":key", key),
				   P_TEXT(":actor", actor_of(cx))));
	else
		rc = db_run(cx, "DELETE FROM idempotency WHERE key = :key AND actor = :actor",
			    PARAMS(P_TEXT(":key", key), P_TEXT(":actor", actor_of(cx))));
	rc = tx_end(cx, rc);
failed:
	if (rc != RC_OK)
		log_event(LOG_ERROR, "errors", "web.idempotency", "request=%s code=%s", cx->request_id,
			  rc_row(rc)->name);
}
