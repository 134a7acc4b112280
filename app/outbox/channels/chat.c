/*
** chat.c -- what Slack, Discord and Telegram have in common: texts cut to fit, answers that never came,
** waits, and which addresses may be configured.
**
** Owns:   nothing; pure functions over bytes.
** Never:  sends, waits or stores.
** Holds:  (1) no answer after the first byte is UNSURE, whatever the chat; the contract sheet would accept a
**         second notice, the house's promise does not; (2) a cut text ends with a whole character; (3) a
**         host is compared whole, never as a prefix; (4) an address is the secret, so no part of it gets
**         into a detail.
*/
#include "outbox/channels/chat.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Contract §4 */
#define CONNECT_MS 10000
#define TOTAL_MS   20000
#define ANSWER_MAX ((size_t)64 * 1024)
/* Four thousand characters, each at most 12 bytes when escaped, and the frame */
#define BODY_MAX            ((size_t)64 * 1024)
#define UNREACHABLE_WAIT_MS (30 * SECOND_MS)
#define WAIT_MIN_MS         SECOND_MS
#define WAIT_MAX_MS         DAY_MS /* a longer wait is a mistake of the far side */
#define LINE_MAX            400    /* of a body that is no JSON: enough to see what page it is */

const int chat_retry_minutes[] = { 1, 2, 4, 8, 0 };

/* Texts */

size_t chat_fit(const char *text, size_t max)
{
	size_t len = strlen(text), at = 0, units = 0, brk = 0, blank = 0;

	while (at < len) {
		size_t step = text_sequence(text + at, len - at);

		if (step == 0) step = 1; /* json_write makes U+FFFD of it */
		units += step == 4 ? 2 : 1;
		if (units > max) break;
		if (text[at] == '\n') brk = at;
		if (text[at] == ' ') blank = at;
		at += step;
	}
	if (at == len) return len;
	if (brk >= at / 2 && brk > 0) return brk;
	return blank > at / 2 ? blank : at;
}

void chat_put_text(struct sb *body, const char *text, size_t max)
{
	size_t n = chat_fit(text, max), len = strlen(text);
	struct sb cut;

	if (n == len) {
		sb_json(body, text, len);
		return;
	}
	sb_init(&cut, BODY_MAX);
	sb_bytes(&cut, text, chat_fit(text, max - 1));
	sb_lit(&cut, "…");
	if (sb_result(&cut) == RC_OK)
		sb_json(body, cut.p, cut.len);
	else
		body->rc = RC_NO_MEMORY;
	sb_free(&cut);
}

const char *chat_line(struct arena *a, const struct http_answer *answer)
{
	return text_trim(a, channel_plain_words(a, answer->body.p != NULL ? answer->body.p : "", LINE_MAX));
}

void chat_detail(struct verdict *v, const char *text)
{
	size_t n = 0;

	while (*text != '\0' && n + 1 < sizeof(v->detail)) {
		size_t step = text_sequence(text, strlen(text));

		if (step == 0) {
			text++;
			continue;
		}
		if (n + step + 1 > sizeof(v->detail)) break;
		for (size_t i = 0; i < step; i++)
			v->detail[n++] = (unsigned char)text[i] < 0x20 ? ' ' : text[i];
		text += step;
	}
	v->detail[n] = '\0';
}

/* Verdicts */

void chat_put(struct verdict *v, enum outcome outcome, const char *why)
{
	v->outcome = outcome;
	v->why = why;
}

void chat_wait(struct verdict *v, const char *why, int64_t ms)
{
	if (ms < WAIT_MIN_MS) ms = WAIT_MIN_MS;
	if (ms > WAIT_MAX_MS) ms = WAIT_MAX_MS;
	chat_put(v, OUTCOME_NOT_YET, why);
	v->delay_ms = v->hold_ms = ms;
}

bool chat_no_answer(struct verdict *v, const struct http_answer *answer)
{
	memset(v, 0, sizeof(*v));
	v->limits = (struct channel_limits){ LIMIT_UNKNOWN, LIMIT_UNKNOWN, LIMIT_UNKNOWN, LIMIT_UNKNOWN,
					     LIMIT_UNKNOWN, LIMIT_UNKNOWN, false };
	if (answer->end == HTTP_DONE) {
		v->http = answer->status;
		return false;
	}
	chat_detail(v, answer->error);
	if (answer->end == HTTP_NOT_SENT) {
		chat_put(v, OUTCOME_NOT_YET, "unreachable");
		v->hold_ms = UNREACHABLE_WAIT_MS;
	} else {
		chat_put(v, OUTCOME_UNSURE, answer->end == HTTP_CUT ? "cut" : "odd_answer");
	}
	return true;
}

void chat_server_error(struct verdict *v, const struct http_answer *answer)
{
	int64_t ms = chat_ms_of(http_header(answer, "Retry-After"));

	if (answer->status == 503 && ms != LIMIT_UNKNOWN)
		chat_wait(v, "busy", ms);
	else
		chat_put(v, OUTCOME_UNSURE, "server_error");
}

/* Numbers */

static int64_t ms_of_real(double seconds)
{
	if (!(seconds >= 0)) return LIMIT_UNKNOWN; /* also not-a-number */
	if (seconds > (double)(WAIT_MAX_MS / SECOND_MS)) return WAIT_MAX_MS;
	return (int64_t)ceil(seconds * 1000);
}

/* Digits with at most one point: strtod would also take "inf", "0x1p9" and a local comma. */
int64_t chat_ms_of(const char *seconds)
{
	double value = 0, scale = 1;
	bool has_digit = false;

	if (seconds == NULL) return LIMIT_UNKNOWN;
	for (; *seconds >= '0' && *seconds <= '9'; seconds++) {
		value = value * 10 + (*seconds - '0');
		has_digit = true;
	}
	if (*seconds == '.')
		for (seconds++; *seconds >= '0' && *seconds <= '9'; seconds++) {
			scale /= 10;
			value += (*seconds - '0') * scale;
			has_digit = true;
		}
	return *seconds == '\0' && has_digit ? ms_of_real(value) : LIMIT_UNKNOWN;
}

int64_t chat_ms_of_value(const struct value *v)
{
	if (v == NULL) return LIMIT_UNKNOWN;
	if (v->type == VALUE_INT) return v->integer < 0 ? LIMIT_UNKNOWN : ms_of_real((double)v->integer);
	if (v->type == VALUE_REAL) return ms_of_real(v->real);
	return v->type == VALUE_TEXT ? chat_ms_of(v->text) : LIMIT_UNKNOWN;
}

struct value *chat_json(struct arena *a, const struct http_answer *answer)
{
	struct value *json = NULL;

	if (answer->body.len == 0 || json_parse(a, &json, NULL, answer->body.p, answer->body.len) != RC_OK ||
	    json->type != VALUE_MAP)
		return NULL;
	return json;
}

/* Addresses */

bool chat_is_loopback(const char *url)
{
	static const char *const hosts[] = { "127.", "localhost", "[::1]" };
	const char *host = strstr(url, "://");

	if (host == NULL) return false;
	host += 3;
	if (strchr(host, '@') != NULL) return false; /* "http://127.0.0.1@elsewhere/" */
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		if (strncasecmp(host, hosts[i], strlen(hosts[i])) == 0) {
			const char *rest = host + strlen(hosts[i]);

			/* "127.evil.example" and "localhost.example" are not this machine. */
			if (i == 0) rest += strspn(rest, "0123456789.");
			return *rest == '\0' || *rest == ':' || *rest == '/';
		}
	return false;
}

bool chat_is_at(const char *url, const char *const *hosts)
{
	static const char scheme[] = "https://";
	const char *host = url + sizeof(scheme) - 1;

	if (strncasecmp(url, scheme, sizeof(scheme) - 1) != 0) return false;
	for (; *hosts != NULL; hosts++) {
		size_t n = strlen(*hosts);

		if (strncasecmp(host, *hosts, n) == 0 && host[n] == '/') return true;
	}
	return false;
}

void chat_base(char out[CHANNEL_URL_SIZE], const char *setting, bool is_allowed, const struct env *env,
	       const char *standin_path)
{
	int n;

	out[0] = '\0';
	if (chat_is_loopback(setting) || (!env->is_offline && is_allowed))
		n = snprintf(out, CHANNEL_URL_SIZE, "%s", setting);
	else if (env->is_offline && env->standin_url != NULL)
		n = snprintf(out, CHANNEL_URL_SIZE, "%s%s", env->standin_url, standin_path);
	else
		return;
	if (n < 0 || n >= CHANNEL_URL_SIZE) out[0] = '\0';
}

/* Requests */

void chat_begin(struct channel_request *rq)
{
	if (rq->body.max == 0) sb_init(&rq->body, BODY_MAX);
	sb_clear(&rq->body);
}

void chat_frame(struct channel_request *rq, const struct channel_config *cf, const char *purpose)
{
	memset(&rq->http, 0, sizeof(rq->http));
	rq->http.purpose = purpose;
	rq->http.method = "POST";
	rq->http.url = rq->url;
	rq->http.headers[0] = "Content-Type: application/json; charset=utf-8";
	rq->http.headers[1] = "Accept: application/json";
	/* Discord's edge blocks programs that do not say who they are (contract §2). */
	rq->http.headers[2] = "User-Agent: Recado/" RECADO_VERSION " (notices to the owner)";
	rq->http.connect_ms = CONNECT_MS < cf->timeout_ms ? CONNECT_MS : cf->timeout_ms;
	rq->http.total_ms = cf->timeout_ms;
	rq->http.answer_max = ANSWER_MAX;
	rq->http.body = (struct bytes){ rq->body.p, rq->body.len };
	/* The guard lets only this machine pass beside public hosts: a chat is never in the house. */
	rq->http.is_configured = chat_is_loopback(rq->url);
}
