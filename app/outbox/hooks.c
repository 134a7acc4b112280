/*
** hooks.c -- the door for what providers tell: proof first, then stored raw, then 200. A job reads it.
**
** Owns:   the webhook addresses, WhatsApp's old names among them (spec renewals §9, bulk-sends §18); the
**         table inbound as it is born.
** Needs:  whatsapp.webhook_secret; without it everything is refused. hook_sendgrid.c for SendGrid's proof.
** Never:  reads an event, answers with more than a word, takes a secret out of a body, stores the session's
** API key. Holds:  (1) the secret is compared in constant time before the body is looked at; (2) a repeated
**         delivery is one row, by UNIQUE; (3) 200 is said only after the COMMIT.
*/
#include "outbox/hooks.h"
#include "outbox/channels/wasender.h"
#include "outbox/inbound.h"
#include "base/text.h"

#include <pthread.h>
#include <string.h>

/* Spec §9; an event has a few kB */
#define HOOK_BODY_MAX  ((size_t)256 * 1024)
#define FAILS_A_MINUTE 60  /* wrong secrets that get a 403; more get a 429: guessing stays slow  */
#define GOOD_A_SECOND  500 /* proven ones: two for each message of the fastest paid plan, × 50    */

/* How often */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all buckets */
static struct bucket fails = { .window_ms = MINUTE_MS, .most = FAILS_A_MINUTE };
static struct bucket goods = { .window_ms = SECOND_MS, .most = GOOD_A_SECOND };

bool bucket_take(struct bucket *b)
{
	int64_t ticks = clock_ticks();
	bool is_free;

	pthread_mutex_lock(&lock);
	if (ticks - b->from_ticks >= b->window_ms) {
		b->from_ticks = ticks;
		b->used = 0;
	}
	is_free = b->used < b->most;
	if (is_free) b->used++;
	pthread_mutex_unlock(&lock);
	return is_free;
}

/* Answers */

enum rc hook_say(struct cx *cx, struct call *call, int status, const char *word)
{
	struct value *v = value_map(cx->arena);

	value_set_bool(cx->arena, v, "success", status < 300);
	if (status >= 300) value_set_text(cx->arena, v, "error", word);
	answer_json(cx, call, status, v);
	return RC_OK;
}

enum rc hook_too_many(struct cx *cx, struct call *call, const char *seconds)
{
	answer_header(call, "Retry-After", seconds);
	return hook_say(cx, call, 429, "too many");
}

enum rc hook_refuse(struct cx *cx, struct call *call)
{
	log_event(LOG_WARN, "security", "hook.refused", "path=%s address=%s", call_path(call),
		  call_address(call));
	if (!bucket_take(&fails)) return hook_too_many(cx, call, "60");
	return hook_say(cx, call, 403, "forbidden");
}

static bool is_proven(const struct cx *cx, const struct call *call)
{
	const char *secret = setting_text(cx->env->settings, "whatsapp.webhook_secret");
	const char *given = call_header(call, "X-Webhook-Signature");

	if (given == NULL) given = call_header(call, "X-Wasender-Secret"); /* old set-ups */
	if (secret[0] == '\0' || given == NULL) return false;
	return same_bytes(given, strlen(given), secret, strlen(secret));
}

/* Storing */

enum rc hook_store(struct cx *cx, const char *provider, const char *key, const char *body)
{
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_run(
		cx,
		"INSERT INTO inbound (provider, provider_id, body, received_at) VALUES (:provider, :key, :body, :now)"
		" ON CONFLICT (provider, provider_id) DO NOTHING",
		PARAMS(P_TEXT(":provider", provider), P_TEXT(":key", key), P_TEXT(":body", body),
		       P_INT(":now", cx_now(cx))));
	if (rc == RC_OK && db_changes(cx) == 1) rc = inbound_wake(cx);
	return tx_end(cx, rc);
}

static enum rc take_event(struct cx *cx, struct call *call)
{
	struct bytes raw = call_body(call);
	struct value *body = NULL;
	struct sb sb;
	enum rc rc;

	if (raw.len == 0 || json_parse(cx->arena, &body, NULL, raw.p, raw.len) != RC_OK ||
	    body->type != VALUE_MAP)
		return hook_say(cx, call, 400, "not a JSON object");
	wasender_redact(body);
	sb_init_arena(&sb, cx->arena, 2 * HOOK_BODY_MAX);
	json_write(&sb, body);
	rc = sb_result(&sb);
	if (rc == RC_OK)
		rc = hook_store(cx, "wasender", wasender_dedupe_key(cx->arena, body, cx_now(cx)),
				sb_text_of(&sb));
	return rc == RC_OK ? hook_say(cx, call, 200, "") : rc;
}

static enum rc hook_wasender(struct cx *cx, struct call *call)
{
	if (strcmp(call_method(call), "POST") != 0) {
		answer_header(call, "Allow", "POST");
		return hook_say(cx, call, 405, "method not allowed");
	}
	if (!is_proven(cx, call)) return hook_refuse(cx, call);
	if (!bucket_take(&goods)) return hook_too_many(cx, call, "1");
	return take_event(cx, call);
}

/* The old addresses served two providers, told apart by method and header. The Cloud API is not configured
** here: its handshake finds nothing, its signature proves nothing. */
static enum rc hook_shared(struct cx *cx, struct call *call)
{
	const char *method = call_method(call);

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return hook_say(cx, call, 404, "not configured");
	if (strcmp(method, "POST") != 0) {
		answer_header(call, "Allow", "GET, POST");
		return hook_say(cx, call, 405, "method not allowed");
	}
	if (call_header(call, "X-Hub-Signature-256") != NULL) return hook_refuse(cx, call);
	return hook_wasender(cx, call);
}

/* Reserved: Doppler Relay documents no events (spec bulk-sends §18). Nothing is stored. */
static enum rc hook_doppler(struct cx *cx, struct call *call)
{
	return hook_say(cx, call, 404, "no events are documented");
}

#define HOOK(path_, handle_)                                                                \
	{                                                                                   \
		.method = "*", .path = (path_), .realm = REALM_HOOK, .class = ROUTE_DB,     \
		.body_max = HOOK_BODY_MAX,                                                  \
		.help = N_("Events of the WhatsApp gateway, proven by the webhook secret"), \
		.handle = (handle_)                                                         \
	}

const struct route outbox_routes[] = {
	HOOK("/webhook/wasender", hook_wasender),
	HOOK("/webhook/whatsapp", hook_shared),
	HOOK("/registros/webhook/whatsapp", hook_shared),
	HOOK("/subscriptions/webhook/whatsapp", hook_shared),
	{ .method = "*",
	  .path = "/webhook/sendgrid",
	  .realm = REALM_HOOK,
	  .class = ROUTE_DB,
	  .body_max = SENDGRID_BODY_MAX,
	  .help = N_("SendGrid's events, proven by their signature"),
	  .handle = hook_sendgrid },
	{ .method = "*",
	  .path = "/webhook/doppler",
	  .realm = REALM_HOOK,
	  .class = ROUTE_DB,
	  .body_max = 4096,
	  .help = N_("Reserved: Doppler Relay documents no events"),
	  .handle = hook_doppler },
	{ .method = NULL },
};
