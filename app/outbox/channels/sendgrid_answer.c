/*
** sendgrid_answer.c -- what SendGrid's answer means: contracts/email.md §3.1, row by row.
**
** Owns:   nothing; pure functions over the answer.
** Holds:  (1) SENT with 202 only: 200 says that it was valid and nothing was sent; (2) a refusal is believed
**         from a 4xx alone; (3) a 5xx is UNSURE, because the body was handed over and nothing says that it
**         was not taken; the sheet's "retry with back-off" is followed where the answer itself asks to come
**         back (503 with Retry-After); (4) what the account or sender causes stops the channel: it would
**         refuse every other mail.
*/
#include "outbox/channels/sendgrid.h"
#include "base/text.h"
#include "outbox/channels/chat.h"

#include <string.h>
#include <strings.h>

#define RATE_WAIT_MS       (60 * SECOND_MS) /* 429 that names no hour                                      */
#define RATE_WAIT_LEAST_MS SECOND_MS        /* §3.1: until the reset, at least a second                    */
#define WAIT_MOST_MS       DAY_MS           /* a longer one is a mistake of the far side                   */

static bool has(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (; *text != '\0'; text++)
		if (strncasecmp(text, word, n) == 0) return true;
	return false;
}

static void put(struct verdict *v, enum outcome outcome, const char *why)
{
	v->outcome = outcome;
	v->why = why;
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

/* {"errors":[{"message":"…","field":"personalizations.0.to"}]} */
const char *sendgrid_words(struct arena *a, const struct http_answer *answer)
{
	struct value *json = NULL;
	const struct value *first;
	const char *message, *field;

	if (answer->body.len == 0) return "";
	if (json_parse(a, &json, NULL, answer->body.p, answer->body.len) != RC_OK || json->type != VALUE_MAP)
		return channel_plain_words(a, answer->body.p, VERDICT_DETAIL_SIZE);
	first = value_path(json, "errors.0");
	message = value_text_of(
		first != NULL && first->type == VALUE_MAP ? value_get(first, "message") : first, "");
	field = first != NULL && first->type == VALUE_MAP ? value_text_of(value_get(first, "field"), "") : "";
	return *field != '\0' ? arena_printf(a, "%s (%s)", message, field) : message;
}

/* Whole characters, as far as they fit. */
static void keep(char *out, size_t size, const char *text)
{
	size_t n = 0, len = strlen(text);

	for (size_t i = 0, step; i < len && n + 5 < size; i += step) {
		size_t whole = text_sequence(text + i, len - i);

		step = whole > 0 ? whole : 1;
		for (size_t k = 0; k < whole; k++)
			out[n++] = (unsigned char)text[i + k] < ' ' ? ' ' : text[i + k];
	}
	out[n] = '\0';
}

/* An id is letters, digits, points, hyphens and underscores; another one is not kept. */
static void keep_id(struct verdict *v, const char *id)
{
	size_t n = id != NULL ? strlen(id) : 0;

	if (n == 0 || n >= sizeof(v->provider_id)) return;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)id[i] <= ' ' || (unsigned char)id[i] > '~') return;
	memcpy(v->provider_id, id, n + 1);
}

static void read_rate(struct verdict *v, const struct http_answer *answer, instant now)
{
	int64_t reset = digits_of(http_header(answer, "X-RateLimit-Reset"));
	int64_t after = digits_of(http_header(answer, "Retry-After")), ms = RATE_WAIT_MS;

	if (after != LIMIT_UNKNOWN)
		ms = after * SECOND_MS;
	else if (reset != LIMIT_UNKNOWN)
		ms = reset * SECOND_MS - now;
	if (ms < RATE_WAIT_LEAST_MS) ms = RATE_WAIT_LEAST_MS;
	if (ms > WAIT_MOST_MS) ms = RATE_WAIT_MS;
	put(v, OUTCOME_NOT_YET, "rate");
	v->delay_ms = v->hold_ms = ms;
}

static void read_refused(struct verdict *v, const struct http_answer *answer, const char *text, instant now)
{
	switch (answer->status) {
	case 401:
		put(v, OUTCOME_STOP, has(text, "maximum credits exceeded") ? "payment" : "unauthorized");
		return;
	case 403:
		put(v, OUTCOME_STOP,
		    has(text, "sender identity") || has(text, "from address") ? "sender" : "forbidden");
		return;
	case 404:
	case 405: put(v, OUTCOME_STOP, "not_found"); return;
	case 408: put(v, OUTCOME_UNSURE, "timeout"); return;
	case 413: put(v, OUTCOME_REFUSED, "too_large"); return;
	case 429: read_rate(v, answer, now); return;
	default: put(v, OUTCOME_REFUSED, "refused"); return;
	}
}

static void read_server_error(struct verdict *v, const struct http_answer *answer)
{
	int64_t s = digits_of(http_header(answer, "Retry-After"));

	if (answer->status != 503 || s == LIMIT_UNKNOWN) {
		put(v, OUTCOME_UNSURE, "server_error");
		return;
	}
	put(v, OUTCOME_NOT_YET, "busy");
	v->delay_ms = v->hold_ms = s < 1                          ? RATE_WAIT_LEAST_MS
				   : s * SECOND_MS > WAIT_MOST_MS ? WAIT_MOST_MS
								  : s * SECOND_MS;
}

void sendgrid_read_send(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now)
{
	const char *text;

	if (chat_no_answer(v, answer)) return;
	text = sendgrid_words(a, answer);
	keep(v->detail, sizeof(v->detail), text);
	if (answer->status == 202) {
		put(v, OUTCOME_SENT, "accepted");
		v->detail[0] = '\0';
		keep_id(v, http_header(answer, "X-Message-Id"));
	} else if (answer->status >= 300 && answer->status < 400) {
		put(v, OUTCOME_STOP, "not_found"); /* redirects are not followed: nothing was handed over */
	} else if (answer->status >= 400 && answer->status < 500) {
		read_refused(v, answer, text, now);
	} else if (answer->status >= 500) {
		read_server_error(v, answer);
	} else {
		put(v, OUTCOME_UNSURE, "odd_answer");
	}
}
