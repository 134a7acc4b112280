/*
** standin_doppler_fault.c -- what Doppler Relay's stand-in does wrong on purpose (contracts/doppler-relay.md
** §3, §11).
**
** A send goes wrong by the part of its recipient's address before the @: code402@example.org. Any call goes
** wrong by a rule of POST /_standin/doppler {"faults": [{"answer": "code429", "call": "send", "to": "…",
** "from_send": 500, "times": 3}]}; each list replaces the one before, the first rule that fits counts.
**
** Owns:   the table of faults.
** Holds:  a fault that says so takes the mail all the same: the ledger counts what a sender must not repeat.
*/
#include "standin/standin_doppler.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define JSON_TYPE "application/json; charset=utf-8; profile=/schemas/problem.json"
#define HTML_TYPE "text/html"
#define HANG_MS   (10 * 60 * 1000)

#define PROBLEM(status, code, slug, title, more)                                       \
	"{\"type\":\"/docs/errors/" #status "." #code "-" slug "\",\"title\":\"" title \
	"\",\"detail\":\"" title ".\",\"status\":" #status ",\"errorCode\":" #code more ",\"_links\":[]}"
#define INVALID ",\"errors\":[{\"key\":\"recipients[0].email\",\"detail\":\"ana@example.org is not valid\"}]"
#define LIMIT   ",\"deliveriesCount\":400,\"limit\":400,\"period\":\"daily\""

#define SAY(word_, status_, body_, help_)                                                         \
	{                                                                                         \
		.word = word_, .act = ACT_ANSWER, .status = status_, .body = body_, .help = help_ \
	}

static const struct doppler_fault table[] = {
	SAY("code400", 400, PROBLEM(400, 1, "validation-error", "Validation error", INVALID),
	    "400.1 validation error"),
	SAY("code4002", 400, PROBLEM(400, 2, "invalid-date-interval", "Invalid date interval", ""),
	    "400.2 invalid date interval"),
	SAY("code4004", 400, PROBLEM(400, 4, "default-domain", "Default domain must be active", ""),
	    "400.4 the sender's domain is not active"),
	SAY("code401", 401, PROBLEM(401, 1, "invalid-token", "Invalid token", ""), "401.1 invalid token"),
	SAY("code402", 402, PROBLEM(402, 1, "sending-limit", "Sending limit reached", LIMIT),
	    "402.1 limit of the day, without resetDate"),
	/* In the year 2030: what a client believes of an instant far ahead is its own affair. */
	SAY("code402far", 402,
	    PROBLEM(402, 1, "sending-limit", "Sending limit reached",
		    LIMIT ",\"resetDate\":\"2030-08-01T00:00:00Z\""),
	    "402.1 with a resetDate far ahead"),
	SAY("code402plan", 402, PROBLEM(402, 0, "payment-required", "Payment required", ""),
	    "402 without the code of a limit"),
	SAY("code402reset", 402, NULL, "402.1 with resetDate at the end of this minute"),
	SAY("code403", 403, PROBLEM(403, 0, "not-enough-privileges", "Not enough privileges", ""),
	    "403.0 not enough privileges"),
	SAY("code404", 404, PROBLEM(404, 1, "entity-not-found", "Entity not found", ""), "404.1 not found"),
	{ .word = "code408",
	  .status = 408,
	  .body = PROBLEM(408, 0, "timeout", "Request timeout", ""),
	  .is_unclear = true,
	  .help = "408" },
	SAY("code413", 413, "", "413 with an empty body"),
	SAY("code429", 429, PROBLEM(429, 1, "too-many-requests", "Too many requests", ""),
	    "429.1 without Retry-After"),
	{ .word = "code429after",
	  .status = 429,
	  .header = "Retry-After",
	  .value = "2",
	  .body = PROBLEM(429, 1, "too-many-requests", "Too many requests", ""),
	  .help = "429.1 with Retry-After: 2" },
	{ .word = "code500",
	  .status = 500,
	  .body = PROBLEM(500, 0, "unexpected", "Unexpected error", ""),
	  .is_unclear = true,
	  .help = "500.0 after the request was read" },
	{ .word = "html502",
	  .status = 502,
	  .media_type = HTML_TYPE,
	  .body = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>\n",
	  .is_unclear = true,
	  .help = "502 with a page of the gateway" },
	{ .word = "code503",
	  .status = 503,
	  .header = "Retry-After",
	  .value = "1",
	  .body = "",
	  .is_unclear = true,
	  .help = "503 with Retry-After: 1 and an empty body" },
	{ .word = "badjson",
	  .status = 201,
	  .body = "{\"createdResourceId\":\"6f1c0d2e-",
	  .is_accepted = true,
	  .is_unclear = true,
	  .help = "accepted, answered with broken JSON" },
	{ .word = "noid",
	  .status = 201,
	  .body = "{\"message\":\"Message queued\"}",
	  .is_accepted = true,
	  .help = "accepted, answered without an id" },
	{ .word = "redirect",
	  .status = 302,
	  .header = "Location",
	  .value = "http://other.example.net/accounts/5/messages",
	  .body = "",
	  .is_unclear = true,
	  .help = "302 to another host" },
	{ .word = "hang",
	  .act = ACT_HANG,
	  .is_accepted = true,
	  .is_unclear = true,
	  .help = "accepted, never answered" },
	{ .word = "reset",
	  .act = ACT_RESET,
	  .is_accepted = true,
	  .is_unclear = true,
	  .help = "accepted, the line cut without an answer" },
	{ .word = "close", .act = ACT_CLOSE, .is_unclear = true, .help = "the line cut, nothing done" },
	{ .word = "drip",
	  .act = ACT_DRIP,
	  .status = 201,
	  .is_accepted = true,
	  .help = "accepted, answered after three seconds" },
	{ .word = "bytes",
	  .act = ACT_BYTES,
	  .status = 201,
	  .is_accepted = true,
	  .help = "accepted, answered byte by byte" },
	{ .word = "unread",
	  .act = ACT_UNREAD,
	  .is_unclear = true,
	  .help = "the line cut, nothing done; by a rule: before the mail is read" },
	{ .word = "badlength",
	  .act = ACT_SHORT,
	  .status = 201,
	  .is_accepted = true,
	  .is_unclear = true,
	  .help = "accepted, the answer shorter than it announces" },
};

const struct doppler_fault *doppler_fault_at(size_t i)
{
	return i < sizeof(table) / sizeof(table[0]) ? &table[i] : NULL;
}

const struct doppler_fault *doppler_fault_of(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strlen(table[i].word) == len && strncasecmp(table[i].word, word, len) == 0)
			return &table[i];
	return NULL;
}

const struct doppler_fault *doppler_fault_now(struct doppler_stand *d, enum doppler_call call, const char *to,
					      int64_t send)
{
	for (size_t i = 0; i < d->rule_count; i++) {
		struct doppler_rule *r = &d->rules[i];

		if (r->left == 0 || r->call != call || r->fault->act == ACT_UNREAD) continue;
		if (r->to[0] != '\0' && strcasecmp(r->to, to) != 0) continue;
		if (call == CALL_SEND && send < r->from_send) continue;
		if (r->left > 0) r->left--;
		return r->fault;
	}
	return call == CALL_SEND ? doppler_fault_of(to, strcspn(to, "@+")) : NULL;
}

/* Nothing of the mail is known yet: no recipient. */
bool doppler_hangs_up(struct doppler_stand *d, const char *path)
{
	const char *last = strrchr(path, '/');

	if (last == NULL || strncmp(last, "/message", 8) != 0) return false;
	for (size_t i = 0; i < d->rule_count; i++) {
		struct doppler_rule *r = &d->rules[i];

		if (r->left == 0 || r->call != CALL_SEND || r->fault->act != ACT_UNREAD) continue;
		if (d->posts + 1 < r->from_send) continue;
		if (r->left > 0) r->left--;
		return true;
	}
	return false;
}

/* A file that cannot be read: the server has announced its length and has to cut the line. */
static void answer_short(struct doppler_rq *q, const char *body)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0) {
		reply_cut(q->rp);
		return;
	}
	close(ends[0]);
	reply_file(q->rp, JSON_TYPE, ends[1], (int64_t)strlen(body));
}

static const char *body_of(struct doppler_rq *q, const struct doppler_fault *f)
{
	char until[RFC3339_SIZE];

	if (f->body != NULL) return f->body;
	instant_text(until, (clock_now(q->s->clock) / MINUTE_MS + 1) * MINUTE_MS);
	return arena_printf(
		q->arena,
		"{\"type\":\"/docs/errors/402.1-sending-limit\",\"title\":\"Sending limit reached\",\"status\":402,"
		"\"errorCode\":1,\"deliveriesCount\":400,\"limit\":400,\"period\":\"hourly\",\"resetDate\":\"%s\"}",
		until);
}

void doppler_play(struct doppler_rq *q, const struct doppler_fault *f, const char *good_body)
{
	const char *body;

	switch (f->act) {
	case ACT_HANG:
		reply_delay(q->rp, HANG_MS);
		reply_status(q->rp, 504);
		return;
	case ACT_RESET:
	case ACT_UNREAD:
	case ACT_CLOSE: reply_cut(q->rp); return;
	case ACT_SHORT:
		reply_status(q->rp, q->call == CALL_SEND ? 201 : 200);
		answer_short(q, good_body);
		return;
	case ACT_DRIP:
		reply_delay(q->rp, DRIP_MS);
		reply_status(q->rp, q->call == CALL_SEND ? 201 : 200);
		reply_body(q->rp, JSON_TYPE, good_body, strlen(good_body));
		return;
	case ACT_BYTES:
		reply_drip(q->rp);
		reply_status(q->rp, q->call == CALL_SEND ? 201 : 200);
		reply_body(q->rp, JSON_TYPE, good_body, strlen(good_body));
		return;
	case ACT_ANSWER:
	default: break;
	}
	body = body_of(q, f);
	if (f->status == 401) reply_header(q->rp, "WWW-Authenticate", "Bearer");
	if (f->header != NULL) reply_header(q->rp, f->header, f->value);
	reply_status(q->rp, f->status);
	reply_body(q->rp, f->media_type != NULL ? f->media_type : JSON_TYPE, body, strlen(body));
}
