/*
** wasender.c -- WaSenderAPI, an unofficial WhatsApp gateway: requests out, answers into verdicts.
**
** Owns:   nothing; pure functions over bytes (contracts sheet of the provider, §3 to §6).
** Never:  sends, waits, stores, or puts the key anywhere but into the Authorization header.
** Holds:  (1) SENT only with 2xx and `success: true`; (2) a refusal is believed only from a 4xx, or from 2xx
**         with a text the sheet knows; (3) everything else after the first byte is UNSURE; (4) the provider's
**         texts are not a stable interface: the HTTP status decides first, a substring second.
*/
#include "outbox/channels/wasender.h"
#include "base/text.h"
#include "outbox/channels/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX   4096                /* not documented; public clients cap there                         */
#define CONNECT_MS 10000               /* the sheet's suggestion                                           */
#define ANSWER_MAX ((size_t)64 * 1024) /* the longest answer we use is an info row of a few kB */
/* 4096 code points, each at most 12 bytes when escaped, and the frame */
#define BODY_MAX          ((size_t)64 * 1024)
#define RETRY_AFTER_MAX_S 86400 /* a longer wait is a mistake of the far side                        */
#define RATE_WAIT_S       60    /* 429 without a number (spec renewals §5.4)                         */
#define PROTECTION_WAIT_S 5     /* …when the text says account protection: one message per 5 s       */
/* Not connected: ask for the session then (the sheet says 15 to 60 s) */
#define SESSION_WAIT_MS (15 * SECOND_MS)
#define EPOCH_LEAST     INT64_C(1000000000) /* a reset beyond it is an absolute second, below a delta      */

/* Small readers */

static bool has(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (; *text != '\0'; text++)
		if (strncasecmp(text, word, n) == 0) return true;
	return false;
}

static void keep(char *out, size_t size, const char *text)
{
	size_t n = 0;

	while (*text != '\0' && n + 1 < size) {
		size_t step = text_sequence(text, strlen(text));

		if (step == 0) {
			text++;
			continue;
		}
		if (n + step + 1 > size) break;
		for (size_t i = 0; i < step; i++)
			out[n++] = (unsigned char)text[i] < 0x20 ? ' ' : text[i];
		text += step;
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

/* The human message of a body: message, error, first text under errors.*[], raw text (sheet §4). */
static const char *message_of(struct arena *a, const struct value *json, const char *raw)
{
	const struct value *errors = value_get(json, "errors");
	const char *text = value_text_of(value_get(json, "message"), "");

	if (*text == '\0') text = value_text_of(value_get(json, "error"), "");
	if (errors != NULL && errors->type == VALUE_MAP)
		for (const struct value *e = errors->first; e != NULL; e = e->next) {
			const char *first = e->type == VALUE_TEXT ? e->text
					    : e->first            ? value_text_of(e->first, "")
								  : "";

			if (*first == '\0') continue;
			return *text == '\0' ? first : arena_printf(a, "%s: %s", text, first);
		}
	return *text != '\0' || json != NULL ? text : channel_plain_words(a, raw, VERDICT_DETAIL_SIZE);
}

static int64_t digits_of(const char *text)
{
	int64_t n = 0;

	if (text == NULL || *text == '\0') return LIMIT_UNKNOWN;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (n > INT64_C(100000000000)) return LIMIT_UNKNOWN;
		n = n * 10 + (*text - '0');
	}
	return *text == '\0' ? n : LIMIT_UNKNOWN;
}

static int64_t reset_of(const char *text, instant now)
{
	int64_t n = digits_of(text);

	if (n == LIMIT_UNKNOWN) return LIMIT_UNKNOWN;
	return n > EPOCH_LEAST ? n * SECOND_MS : now + n * SECOND_MS;
}

static void read_limits(struct channel_limits *out, const struct http_answer *answer, instant now)
{
	out->limit = digits_of(http_header(answer, "X-RateLimit-Limit"));
	out->remaining = digits_of(http_header(answer, "X-RateLimit-Remaining"));
	out->reset_at = reset_of(http_header(answer, "X-RateLimit-Reset"), now);
	out->daily_limit = digits_of(http_header(answer, "X-RateLimit-Daily-Limit"));
	out->daily_remaining = digits_of(http_header(answer, "X-RateLimit-Daily-Remaining"));
	out->daily_reset_at = reset_of(http_header(answer, "X-RateLimit-Daily-Reset"), now);
}

static struct value *json_of(struct arena *a, const struct http_answer *answer)
{
	struct value *json = NULL;

	if (answer->body.len == 0 || json_parse(a, &json, NULL, answer->body.p, answer->body.len) != RC_OK ||
	    json->type != VALUE_MAP)
		return NULL;
	return json;
}

/* Seconds to wait: the JSON's number is the one to trust, then the header; 0 if neither says. */
static int64_t retry_after_s(const struct value *json, const struct http_answer *answer)
{
	int64_t s = value_int_of(value_get(json, "retry_after"), LIMIT_UNKNOWN);

	if (s < 0) s = digits_of(http_header(answer, "Retry-After"));
	if (s < 0) return 0;
	return s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : s;
}

/* What a send was answered */

static void put(struct verdict *v, enum outcome outcome, const char *why)
{
	v->outcome = outcome;
	v->why = why;
}

static void put_hold(struct verdict *v)
{
	put(v, OUTCOME_HOLD, "disconnected");
	v->hold_ms = SESSION_WAIT_MS;
}

static void put_dead(struct verdict *v)
{
	put(v, OUTCOME_REFUSED, "no_whatsapp");
	v->dead = "no_whatsapp";
}

/* Texts that mean the same whatever the status (the sheet does not document their codes). */
static bool known_text(struct verdict *v, const char *text)
{
	if (has(text, "not connected")) {
		put_hold(v);
	} else if (has(text, "does not exist on whatsapp")) {
		put_dead(v);
	} else if (has(text, "subscription") || has(text, "credit")) {
		put(v, OUTCOME_STOP, "payment");
	} else {
		return false;
	}
	return true;
}

static void read_accepted(struct verdict *v, const struct value *json, const char *text)
{
	const struct value *success = value_get(json, "success");
	const struct value *id = value_path(json, "data.msgId");

	if (success != NULL && value_bool_of(success, false)) {
		put(v, OUTCOME_SENT, "accepted");
		if (id != NULL && id->type == VALUE_INT)
			snprintf(v->provider_id, sizeof(v->provider_id), "%lld", (long long)id->integer);
		else if (id != NULL)
			keep(v->provider_id, sizeof(v->provider_id), value_text_of(id, ""));
		v->detail[0] = '\0';
	} else if (success != NULL && success->type == VALUE_BOOL && known_text(v, text)) {
		return;
	} else {
		put(v, OUTCOME_UNSURE, "odd_answer");
	}
}

static void read_rate(struct verdict *v, const struct value *json, const char *text,
		      const struct http_answer *answer)
{
	int64_t s = retry_after_s(json, answer);

	if (s == 0) s = has(text, "protection") ? PROTECTION_WAIT_S : RATE_WAIT_S;
	put(v, OUTCOME_NOT_YET, "rate");
	v->delay_ms = v->hold_ms = s * SECOND_MS;
	v->limits.is_trial = has(text, "trial");
}

/* 422 names the field: `to` with anything but "required" is a number WhatsApp cannot have. */
static bool is_bad_number(const struct value *json, const char *text)
{
	const struct value *to = value_path(json, "errors.to");

	if (to == NULL) return has(text, "invalid phone") || has(text, "invalid number") || has(text, "jid");
	return !has(value_text_of(to->type == VALUE_LIST && to->first ? to->first : to, ""), "required");
}

static void read_refused(struct verdict *v, const struct value *json, const char *text,
			 const struct http_answer *answer)
{
	switch (answer->status) {
	case 401: put(v, OUTCOME_STOP, "unauthorized"); return;
	case 402: put(v, OUTCOME_STOP, "payment"); return;
	case 403:
		put(v, OUTCOME_STOP,
		    has(text, "subscription") || has(text, "credit") ? "payment" : "unauthorized");
		return;
	case 404: put(v, OUTCOME_STOP, "not_found"); return;
	case 408: put(v, OUTCOME_UNSURE, "timeout"); return;
	case 429: read_rate(v, json, text, answer); return;
	default: break;
	}
	if (known_text(v, text)) return;
	if (answer->status == 422 && is_bad_number(json, text))
		put_dead(v);
	else
		put(v, OUTCOME_REFUSED, "refused");
}

void wasender_read_send(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now)
{
	const struct value *json;
	const char *text;
	int64_t s;

	if (chat_no_answer(v, answer)) return;
	read_limits(&v->limits, answer, now);
	json = json_of(a, answer);
	text = message_of(a, json, answer->body.p ? answer->body.p : "");
	keep(v->detail, sizeof(v->detail), text);
	if (answer->status >= 200 && answer->status < 300) {
		read_accepted(v, json, text);
	} else if (answer->status >= 300 && answer->status < 400) {
		/* Redirects are not followed: nothing was handed over, and the address is wrong. */
		put(v, OUTCOME_STOP, "not_found");
	} else if (answer->status >= 400 && answer->status < 500) {
		read_refused(v, json, text, answer);
	} else if (answer->status == 503 && (s = retry_after_s(NULL, answer)) > 0) {
		put(v, OUTCOME_NOT_YET, "busy");
		v->delay_ms = s * SECOND_MS;
	} else {
		put(v, OUTCOME_UNSURE, "server_error");
	}
}

/* Information about one message */

void wasender_read_check(struct check_verdict *out, struct arena *a, const struct http_answer *answer)
{
	const struct value *json, *data, *status;
	const char *key;

	memset(out, 0, sizeof(*out));
	out->status = STATUS_UNKNOWN;
	out->end = CHECK_LATER;
	if (answer->end != HTTP_DONE) return;
	out->http = answer->status;
	json = json_of(a, answer);
	if (answer->status == 404) {
		out->end = CHECK_NOTHING;
		return;
	}
	if (answer->status == 429) out->delay_ms = (retry_after_s(json, answer) + 1) * SECOND_MS;
	data = value_get(json, "data");
	if (answer->status != 200 || data == NULL || !value_bool_of(value_get(json, "success"), false))
		return;
	status = value_get(data, "status");
	key = value_text_of(value_path(data, "key.id"), "");
	if (*key == '\0') key = value_text_of(value_get(data, "id"), "");
	keep(out->provider_key, sizeof(out->provider_key), key);
	out->status = wasender_status(status);
	out->end = CHECK_TOLD;
}

enum message_status wasender_status(const struct value *status)
{
	int64_t n = value_int_of(status, STATUS_UNKNOWN);

	return n >= STATUS_ERROR && n <= STATUS_PLAYED ? (enum message_status)n : STATUS_UNKNOWN;
}

/* The session */

const char *wasender_session(const char *word)
{
	static const char *const words[] = { "connected",    "connecting", "need_scan", "need_passkey",
					     "disconnected", "logged_out", "expired" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(word, words[i]) == 0) return words[i];
	return "unknown";
}

void wasender_read_session(struct session_verdict *out, struct arena *a, const struct http_answer *answer)
{
	const struct value *json;
	const char *word;

	memset(out, 0, sizeof(*out));
	out->end = SESSION_SILENT;
	out->session = "unknown";
	if (answer->end != HTTP_DONE) {
		keep(out->detail, sizeof(out->detail), answer->error);
		return;
	}
	out->http = answer->status;
	json = json_of(a, answer);
	keep(out->detail, sizeof(out->detail), message_of(a, json, answer->body.p ? answer->body.p : ""));
	if (answer->status == 401 || answer->status == 403) out->end = SESSION_DENIED;
	if (answer->status != 200) return;
	word = value_text_of(value_get(json, "status"), "");
	if (*word == '\0') word = value_text_of(value_path(json, "data.status"), "");
	if (*word == '\0') return;
	out->end = SESSION_TOLD;
	out->session = wasender_session(word);
	if (strcmp(out->session, "unknown") == 0) keep(out->detail, sizeof(out->detail), word);
}

/* Requests */

static bool starts(const char *text, const char *with)
{
	return strncasecmp(text, with, strlen(with)) == 0;
}

static bool is_loopback(const char *url)
{
	static const char *const hosts[] = { "127.", "localhost", "[::1]" };
	const char *host = strstr(url, "://");

	if (host == NULL) return false;
	host += 3;
	if (strchr(host, '@') != NULL) return false; /* "http://127.0.0.1@elsewhere/" */
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		if (starts(host, hosts[i])) {
			const char *rest = host + strlen(hosts[i]);

			/* "127.evil.example" and "localhost.example" are not this machine. */
			if (i == 0) rest += strspn(rest, "0123456789.");
			return *rest == '\0' || *rest == ':' || *rest == '/';
		}
	return false;
}

void wasender_base(char out[CHANNEL_URL_SIZE], const char *setting, bool is_offline, const char *standin)
{
	const char *url = setting;
	size_t n;

	if (is_offline && !is_loopback(setting)) url = standin != NULL ? standin : "";
	n = strlen(url);
	while (n > 0 && url[n - 1] == '/')
		n--;
	if (n >= 4 && strncasecmp(url + n - 4, "/api", 4) == 0) n -= 4;
	while (n > 0 && url[n - 1] == '/')
		n--;
	if (n >= CHANNEL_URL_SIZE) n = 0;
	memcpy(out, url, n);
	out[n] = '\0';
}

static void configure(struct channel_config *out, const char **why, const struct env *env)
{
	const struct settings *s = env->settings;

	wasender_base(out->base_url, setting_text(s, "whatsapp.base_url"), env->is_offline, env->standin_url);
	out->key = setting_text(s, "whatsapp.api_key");
	/* The stand-in takes any key that is not empty. */
	if (out->key[0] == '\0' && env->is_offline) out->key = "offline";
	out->timeout_ms = (int)setting_int(s, "whatsapp.timeout_s") * 1000;
	*why = out->key[0] == '\0' ? "no_key" : out->base_url[0] == '\0' ? "no_base" : NULL;
}

static void frame(struct channel_request *rq, const struct channel_config *cf, const char *purpose,
		  bool may_repeat)
{
	snprintf(rq->auth, sizeof(rq->auth), "Authorization: Bearer %s", cf->key);
	memset(&rq->http, 0, sizeof(rq->http));
	rq->http.purpose = purpose;
	rq->http.method = may_repeat ? "GET" : "POST";
	rq->http.url = rq->url;
	rq->http.headers[0] = rq->auth;
	rq->http.headers[1] = "Accept: application/json"; /* without it the far side may answer HTML */
	rq->http.connect_ms = CONNECT_MS < cf->timeout_ms ? CONNECT_MS : cf->timeout_ms;
	rq->http.total_ms = cf->timeout_ms;
	rq->http.answer_max = ANSWER_MAX;
	rq->http.may_repeat = may_repeat;
	rq->http.is_configured = true;
}

static enum rc build_send(struct channel_request *rq, const struct channel_config *cf,
			  const struct outgoing *m)
{
	const char *to = m->to, *text = m->text;
	size_t len = strlen(text);
	enum rc rc;

	if (len > TEXT_MAX && text_length(text) > TEXT_MAX) return RC_TOO_LARGE;
	if (rq->body.max == 0) sb_init(&rq->body, BODY_MAX);
	sb_clear(&rq->body);
	sb_lit(&rq->body, "{\"to\":");
	sb_json(&rq->body, to, strlen(to));
	sb_lit(&rq->body, ",\"text\":");
	sb_json(&rq->body, text, len);
	sb_lit(&rq->body, "}");
	if ((rc = sb_result(&rq->body)) != RC_OK) return rc;
	snprintf(rq->url, sizeof(rq->url), "%s/api/send-message", cf->base_url);
	frame(rq, cf, "wasender.send", false);
	rq->http.headers[2] = "Content-Type: application/json";
	rq->http.body = (struct bytes){ rq->body.p, rq->body.len };
	return RC_OK;
}

static void build_check(struct channel_request *rq, const struct channel_config *cf, const char *provider_id)
{
	char id[VERDICT_ID_SIZE];
	size_t n = 0;

	/* The id came from the provider: only what an id is made of goes into our address. */
	for (const char *p = provider_id; *p != '\0' && n + 1 < sizeof(id); p++)
		if ((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
		    *p == '-')
			id[n++] = *p;
	id[n] = '\0';
	snprintf(rq->url, sizeof(rq->url), "%s/api/messages/%s/info", cf->base_url, id);
	frame(rq, cf, "wasender.info", true);
}

static void build_session(struct channel_request *rq, const struct channel_config *cf)
{
	snprintf(rq->url, sizeof(rq->url), "%s/api/status", cf->base_url);
	frame(rq, cf, "wasender.status", true);
}

static const struct channel_reason reasons[] = {
	{ "no_key", "urgent", N_("The API key of the WhatsApp gateway is not configured.") },
	{ "unauthorized", "urgent",
	  N_("The WhatsApp gateway refuses the API key. Messages wait until it is corrected.") },
	{ "payment", "urgent",
	  N_("The WhatsApp gateway asks for payment: no credits or no active subscription. Messages wait.") },
	{ "not_found", "urgent",
	  N_("The address of the WhatsApp gateway is wrong (whatsapp.base_url). Messages wait.") },
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
	{ .why = NULL },
};

const struct channel_kind wasender_channel = {
	.kind = "wasender",
	.channel = "whatsapp",
	.contact = "phone",
	.text_max = TEXT_MAX,
	.configure = configure,
	.build_send = build_send,
	.read_send = wasender_read_send,
	.build_check = build_check,
	.read_check = wasender_read_check,
	.build_session = build_session,
	.read_session = wasender_read_session,
	.reasons = reasons,
};
