/*
** smtp_answer.c -- what a mail server's reply means: contracts/email.md §1.3, row by row.
**
** Owns:   nothing; pure functions over the answer.
** Holds:  (1) SENT only with a 2xx after the content; (2) the first digit decides, the enhanced code second,
**         texts are hints for three cases that have no code of their own; (3) what the sender's own settings
**         cause stops the channel: it would fail every other mail in the same way.
*/
#include "outbox/channels/smtp.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define UNREACHABLE_WAIT_MS (30 * SECOND_MS)
#define SLOW_DOWN_MS        (60 * SECOND_MS) /* 421                                                      */
#define LOGIN_BUSY_MS       (5 * MINUTE_MS)  /* 432, 454: many tries look like guessing passwords         */
#define FULL_AGAIN_MS       (4 * HOUR_MS)    /* a full mailbox: six times four hours are the day …        */
#define FULL_TRIES          7                /* … that the sheet gives it                                 */

struct smtp_enhanced smtp_enhanced_of(const char *text)
{
	struct smtp_enhanced e = { 0, 0, 0 };
	int *parts[] = { &e.class, &e.subject, &e.detail };

	for (int i = 0; i < 3; i++) {
		size_t n = strspn(text, "0123456789");

		if (n == 0 || n > 3 || (i < 2 && text[n] != '.')) return (struct smtp_enhanced){ 0, 0, 0 };
		for (size_t k = 0; k < n; k++)
			*parts[i] = *parts[i] * 10 + (text[k] - '0');
		text += n + (i < 2);
	}
	if (*text != '\0' && *text != ' ') return (struct smtp_enhanced){ 0, 0, 0 };
	if (e.class != 2 && e.class != 4 && e.class != 5) return (struct smtp_enhanced){ 0, 0, 0 };
	return e;
}

static bool is(const struct smtp_enhanced *e, int subject, int detail)
{
	return e->class != 0 && e->subject == subject && e->detail == detail;
}

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

static void hold(struct verdict *v, int64_t ms)
{
	put(v, OUTCOME_HOLD, "rate");
	v->hold_ms = ms;
}

/* Whole characters of what the server or link said, as far as they fit. */
static void put_detail(struct verdict *v, int status, const char *text)
{
	size_t n = 0, len = strlen(text);

	if (status != 0) n = (size_t)snprintf(v->detail, sizeof(v->detail), "%d ", status);
	for (size_t i = 0, step; i < len && n + 5 < sizeof(v->detail); i += step) {
		size_t whole = text_sequence(text + i, len - i);

		step = whole > 0 ? whole : 1;
		if (whole == 0) v->detail[n++] = '?';
		for (size_t k = 0; k < whole; k++)
			v->detail[n++] = (unsigned char)text[i + k] < ' ' ? ' ' : text[i + k];
	}
	v->detail[n] = '\0';
}

/* "250 2.0.0 Ok: queued as 4WxYz1" */
static void read_accepted(struct verdict *v, const char *text)
{
	static const char words[] = "queued as ";
	const char *at = text;
	size_t n = 0;

	put(v, OUTCOME_SENT, "accepted");
	v->detail[0] = '\0';
	while (*at != '\0' && strncasecmp(at, words, sizeof(words) - 1) != 0)
		at++;
	if (*at == '\0') return;
	at += sizeof(words) - 1;
	while (at[n] > ' ' && at[n] < 0x7f && at[n] != ';' && at[n] != ',' && n + 1 < sizeof(v->provider_id))
		n++;
	memcpy(v->provider_id, at, n);
	v->provider_id[n] = '\0';
}

/* What concerns the account or the sender's domain, whatever was asked; false: none of that. */
static bool read_account(struct verdict *v, int status, const struct smtp_enhanced *e, const char *text)
{
	if (has(text, "maximum credits exceeded"))
		put(v, OUTCOME_STOP, "payment");
	else if (status == 530 || status == 534 || status == 535 || status == 538)
		put(v, OUTCOME_STOP, "unauthorized");
	else if (status / 100 == 5 && (is(e, 7, 25) || is(e, 7, 26) || is(e, 7, 27)))
		put(v, OUTCOME_STOP, "domain");
	else if (status / 100 == 5 && has(text, "verified sender"))
		put(v, OUTCOME_STOP, "sender");
	/* A relay that wants a log-in says so in these words, and has no code for it. */
	else if (status / 100 == 5 && (has(text, "relay access denied") || has(text, "relaying denied")))
		put(v, OUTCOME_STOP, "relay");
	else
		return false;
	return true;
}

static bool is_no_mailbox(int status, const struct smtp_enhanced *e)
{
	if (status == 551) return true;
	if (status == 553) return is(e, 1, 3);
	return (status == 550 || status == 554 || status == 556) && (is(e, 1, 1) || is(e, 1, 10));
}

static void read_temporary(struct verdict *v, int status, enum mail_step at)
{
	if (status == 421 || at <= MAIL_AT_TLS)
		hold(v, SLOW_DOWN_MS);
	else if (at == MAIL_AT_LOGIN || status == 432 || status == 454)
		hold(v, LOGIN_BUSY_MS);
	else
		put(v, OUTCOME_NOT_YET, "later");
}

static void read_permanent(struct verdict *v, int status, const struct smtp_enhanced *e, enum mail_step at)
{
	if (at == MAIL_AT_TLS) {
		put(v, OUTCOME_STOP, "insecure");
	} else if (at < MAIL_AT_TLS) {
		put(v, OUTCOME_STOP, "shut_out");
	} else if (at == MAIL_AT_LOGIN) {
		put(v, OUTCOME_STOP, "unauthorized");
	} else if (is(e, 2, 2)) {
		put(v, OUTCOME_NOT_YET, "mailbox_full");
		v->delay_ms = FULL_AGAIN_MS;
		v->retry_max = FULL_TRIES;
	} else if (is(e, 3, 4) || is(e, 2, 3) || (status == 552 && at == MAIL_AT_FROM)) {
		put(v, OUTCOME_REFUSED, "too_large");
	} else if (status >= 500 && status <= 504) {
		put(v, OUTCOME_REFUSED, "syntax");
	} else if (at == MAIL_AT_FROM) {
		/* Nobody has been named yet: it is the sender that it does not like. */
		put(v, OUTCOME_STOP, "sender");
	} else if (is_no_mailbox(status, e)) {
		put(v, OUTCOME_REFUSED, "no_mailbox");
		v->dead = "no_mailbox";
	} else {
		put(v, OUTCOME_REFUSED, e->subject == 7 ? "policy" : "refused");
	}
}

static void read_silence(struct verdict *v, const struct http_answer *answer)
{
	put_detail(v, 0, answer->error);
	if (answer->end != HTTP_NOT_SENT) {
		put(v, OUTCOME_UNSURE, answer->end == HTTP_CUT ? "cut" : "odd_answer");
	} else if (answer->fault == MAIL_FAULT_HURRY) {
		put(v, OUTCOME_HOLD, "cut_before"); /* our own doing: no try that counts */
	} else if (answer->fault == MAIL_FAULT_LOGIN) {
		put(v, OUTCOME_STOP, "unauthorized");
	} else if (answer->fault != MAIL_FAULT_NONE) {
		put(v, OUTCOME_STOP, "insecure");
	} else if (answer->at >= MAIL_AT_FROM) {
		/* It listens to others, perhaps; this mail it hung up on. */
		put(v, OUTCOME_NOT_YET, "cut_before");
	} else {
		put(v, OUTCOME_NOT_YET, "unreachable");
		v->hold_ms = UNREACHABLE_WAIT_MS;
	}
}

void smtp_read_send(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now)
{
	const char *text = answer->body.p != NULL ? answer->body.p : "";
	struct smtp_enhanced e = smtp_enhanced_of(text);
	int status = answer->status;

	(void)a, (void)now;
	memset(v, 0, sizeof(*v));
	v->limits = (struct channel_limits){ LIMIT_UNKNOWN, LIMIT_UNKNOWN, LIMIT_UNKNOWN, LIMIT_UNKNOWN,
					     LIMIT_UNKNOWN, LIMIT_UNKNOWN, false };
	if (answer->end != HTTP_DONE) {
		read_silence(v, answer);
		return;
	}
	v->http = status;
	put_detail(v, status, text);
	if (status / 100 == 2 && answer->at == MAIL_AT_CONTENT)
		read_accepted(v, text);
	else if (read_account(v, status, &e, text))
		return;
	else if (status / 100 == 4)
		read_temporary(v, status, answer->at);
	else if (status / 100 == 5)
		read_permanent(v, status, &e, answer->at);
	else
		put(v, OUTCOME_UNSURE, "odd_answer");
}
