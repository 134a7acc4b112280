/*
** standin_wasender.c -- plays WaSenderAPI by contracts/wasender.md: its addresses, texts, limits and
** events.
**
** Owns:   no state of its own: everything is in struct standin.
** Needs:  the lock held by its caller.
** Never:  posts (events.c does); answers 200 to what the provider would refuse.
** Holds:  (1) checks run in the provider's order: key, fields, session, limits, then the magic of the
**         number; (2) every POST /api/send-message that was read ends up in the ledger, refused ones too;
**         (3) an accepted message's id is larger than every earlier one.
*/
#include "standin/inside.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#define JSON_TYPE           "application/json"
#define HANG_MS             (10 * 60 * 1000) /* longer than any client waits                       */
#define SLOW_MS             (60 * 1000)      /* twice what the contract advises clients to wait */
#define PHONE_DIGITS_MIN    7
#define PHONE_DIGITS_MAX    15    /* E.164                                                            */
#define TEXT_BYTES_MAX      65536 /* WhatsApp's own limit; the provider documents none                */
#define PROTECTION_MS       5000  /* contract §5                                                     */
#define PAID_PER_MINUTE     256
#define TRIAL_PER_DAY       50
#define OPEN_PER_MINUTE     100000 /* RATE_OFF still shows headers, with room to spare                 */
#define UPLOAD_DOCUMENT_MAX ((size_t)50 * 1024 * 1024)
#define UPLOAD_MEDIA_MAX    ((size_t)16 * 1024 * 1024)

/* One POST /api/send-message on its way through the checks. */
struct sending {
	struct standin *s;
	struct request *rq;
	struct reply *rp;
	const char *to, *text;
	int64_t id;
};

static void answer(struct reply *rp, int status, const char *json)
{
	reply_status(rp, status);
	reply_body(rp, JSON_TYPE, json, strlen(json));
}

/* Keys */

void wasender_key(char out[24], int64_t id)
{
	uint64_t h = ledger_mark("3EB0", (const char *)&id, sizeof(id));

	snprintf(out, 24, "3EB0%016" PRIX64, h);
}

/* False: answered already. */
static bool has_key(struct standin *s, struct request *rq, struct reply *rp)
{
	const char *header = request_header(rq, "Authorization");
	const char *key;

	if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0) {
		answer(rp, 401, "{\"success\":false,\"message\":\"API key is required\"}");
		return false;
	}
	key = header + 7;
	if (key[0] == '\0') {
		answer(rp, 401, "{\"success\":false,\"message\":\"API key is required\"}");
		return false;
	}
	if (s->api_key[0] != '\0' && strcmp(s->api_key, key) != 0) {
		answer(rp, 401, "{\"success\":false,\"message\":\"Invalid API key\"}");
		return false;
	}
	return true;
}

/* Limits (contract §5) */

static void number_header(struct reply *rp, const char *name, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, n);
	reply_header(rp, name, text);
}

/* Milliseconds until the present window ends. */
static int64_t window_left(const struct standin *s)
{
	int64_t left = s->window_from + MINUTE_MS - clock_ticks();

	return left < 0 ? 0 : left;
}

static int window_limit(const struct standin *s)
{
	static const int limits[] = { [RATE_OFF] = OPEN_PER_MINUTE,
				      [RATE_PROTECTION] = 12,
				      [RATE_PAID] = PAID_PER_MINUTE,
				      [RATE_TRIAL] = 1 };

	return limits[s->rate];
}

static void reset_header(const struct standin *s, struct reply *rp, const char *name, int64_t in_ms)
{
	int64_t seconds = (in_ms + 999) / 1000;

	number_header(rp, name, s->reset_is_epoch ? clock_now(s->clock) / SECOND_MS + seconds : seconds);
}

static void limit_headers(const struct standin *s, struct reply *rp)
{
	int limit = window_limit(s), left = limit - s->window_count;
	int64_t now = clock_now(s->clock);

	if (s->rate == RATE_OFF) left = limit - 1;
	number_header(rp, "X-RateLimit-Limit", limit);
	number_header(rp, "X-RateLimit-Remaining", left < 0 ? 0 : left);
	reset_header(s, rp, "X-RateLimit-Reset", window_left(s));
	if (s->daily_remaining < 0) return;
	number_header(rp, "X-RateLimit-Daily-Limit",
		      s->daily_remaining > TRIAL_PER_DAY ? s->daily_remaining : TRIAL_PER_DAY);
	number_header(rp, "X-RateLimit-Daily-Remaining", s->daily_remaining);
	reset_header(s, rp, "X-RateLimit-Daily-Reset", DAY_MS - now % DAY_MS);
}

/* Seconds to wait before another message is taken, 0 = now. */
static int seconds_to_wait(struct standin *s)
{
	int64_t now = clock_ticks(), wait = 0;

	if (window_left(s) == 0) {
		s->window_from = now;
		s->window_count = 0;
	}
	if (s->daily_remaining == 0) return (int)((DAY_MS - clock_now(s->clock) % DAY_MS + 999) / 1000);
	if (s->rate == RATE_OFF) return 0;
	if (s->rate == RATE_PROTECTION) {
		if (s->last_send != 0) wait = s->last_send + PROTECTION_MS - now;
	} else if (s->window_count >= window_limit(s)) {
		wait = window_left(s);
	}
	return wait <= 0 ? 0 : (int)((wait + 999) / 1000);
}

static const char *limit_text(const struct standin *s)
{
	switch (s->rate) {
	case RATE_PROTECTION:
		return "You have account protection enabled. You can only send 1 message every 5 seconds.";
	case RATE_TRIAL: return "You are on a free trial. You can only send 1 message every 1 minute.";
	default: return "Too many requests.";
	}
}

/* POST /api/send-message */

static void note(const struct sending *m, int status, enum fate fate, const char *outcome)
{
	struct arrival a = { .provider = "wasender",
			     .at = clock_now(m->s->clock),
			     .id = m->id,
			     .status = status,
			     .fate = fate,
			     .outcome = outcome,
			     .to = m->to,
			     .body = m->text,
			     .body_len = strlen(m->text) };

	ledger_add(m->s->ledger, &a);
}

static void refuse(const struct sending *m, int status, const char *json)
{
	answer(m->rp, status, json);
	note(m, status, FATE_REFUSED, "refused");
}

static void invalid(const struct sending *m, const char *field, const char *sentence)
{
	refuse(m, 422,
	       arena_printf(
		       m->s->arena,
		       "{\"success\":false,\"message\":\"Validation failed\",\"errors\":{\"%s\":[\"%s\"]}}",
		       field, sentence));
}

/* +digits, digits, a JID or a user name. Blanks and dashes are refused, as the provider does (contract
** §8). */
static bool is_recipient(const char *to)
{
	size_t len = strlen(to), digits;

	if (len >= MESSAGE_TO_SIZE) return false;
	if (to[0] == '@') return len > 1;
	if (to[0] == '+') to++, len--;
	digits = strspn(to, "0123456789");
	if (digits == len) return len >= PHONE_DIGITS_MIN && len <= PHONE_DIGITS_MAX;
	return digits + strspn(to + digits, "-0123456789") == strcspn(to, "@") &&
	       (strcmp(strchr(to, '@') == NULL ? "" : strchr(to, '@'), "@s.whatsapp.net") == 0 ||
		strstr(to, "@g.us") != NULL || strstr(to, "@newsletter") != NULL);
}

static bool has_media(const struct value *body)
{
	static const char *const members[] = { "imageUrl",   "videoUrl", "documentUrl", "audioUrl",
					       "stickerUrl", "contact",  "location",    "poll" };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (value_is_true(value_get(body, members[i]))) return true;
	return false;
}

/* False: answered and noted. */
static bool read_fields(struct sending *m)
{
	struct bytes body = request_body(m->rq);
	struct value *v = NULL;
	const char *to;

	/* Like the provider's framework: what is not JSON has no fields. */
	if (json_parse(m->s->arena, &v, NULL, body.p, body.len) != RC_OK) v = NULL;
	to = value_text_of(value_get(v, "to"), "");
	m->text = value_text_of(value_get(v, "text"), "");
	if (to[0] == '\0') {
		invalid(m, "to", "The to field is required.");
		return false;
	}
	m->to = to;
	if (!is_recipient(to)) {
		invalid(m, "to", "The to field format is invalid.");
		return false;
	}
	if (m->text[0] == '\0' && !has_media(v)) {
		invalid(m, "text", "The text field is required when no media is present.");
		return false;
	}
	if (strlen(m->text) > TEXT_BYTES_MAX) {
		invalid(m, "text", "The text field must not be greater than 65536 characters.");
		return false;
	}
	return true;
}

static bool is_connected(const struct sending *m)
{
	if (strcasecmp(m->s->status, "connected") == 0) return true;
	refuse(m, 422,
	       "{\"success\":false,\"message\":"
	       "\"Your Whatsapp Session is not connected please connect your session first.\"}");
	return false;
}

static bool is_within_limits(const struct sending *m)
{
	int wait = seconds_to_wait(m->s);

	if (wait == 0) return true;
	limit_headers(m->s, m->rp);
	refuse(m, 429,
	       arena_printf(m->s->arena, "{%s\"message\":\"%s\",\"retry_after\":%d}",
			    m->s->success_in_429 ? "\"success\":false," : "", limit_text(m->s), wait));
	return false;
}

static void accept(struct sending *m, enum magic_what what)
{
	struct standin *s = m->s;

	m->id = standin_accept(s, m->to, m->text, what);
	s->window_count++;
	s->last_send = clock_ticks();
	if (s->daily_remaining > 0) s->daily_remaining--;
	limit_headers(s, m->rp);
}

static void answer_accepted(const struct sending *m)
{
	struct sb out;

	sb_init_arena(&out, m->s->arena, 4096);
	sb_lit(&out, "{\"success\":true,\"data\":{\"msgId\":");
	sb_int(&out, m->id);
	sb_lit(&out, ",\"jid\":");
	sb_json(&out, m->to, strlen(m->to));
	sb_lit(&out, ",\"status\":\"in_progress\"}}");
	reply_body(m->rp, JSON_TYPE, sb_text_of(&out), out.len);
}

/* A file that is shorter than announced: the server sends what there is and has to cut the line. */
static void answer_half(const struct sending *m)
{
	static const char half[] = "{\"success\":true,\"data\":{\"msgId\":";
	int fd = memfd_create("half", MFD_CLOEXEC);

	if (fd < 0 || write(fd, half, sizeof(half) - 1) != (ssize_t)sizeof(half) - 1) {
		if (fd >= 0) close(fd);
		reply_cut(m->rp);
		return;
	}
	reply_file(m->rp, JSON_TYPE, fd, (int64_t)sizeof(half) + 60);
}

/* The first time for this very message? Half of the marks go when there are too many. */
static bool is_first_time(struct standin *s, const struct sending *m)
{
	uint64_t mark = ledger_mark(m->to, m->text, strlen(m->text));

	for (size_t i = 0; i < s->once_count; i++)
		if (s->once[i] == mark) return false;
	if (s->once_count == ONCE_MAX) {
		s->once_count = ONCE_MAX / 2;
		memmove(s->once, s->once + ONCE_MAX / 2, s->once_count * sizeof(s->once[0]));
	}
	s->once[s->once_count++] = mark;
	return true;
}

static const struct magic *magic_for(const struct standin *s, const char *to)
{
	for (size_t i = 0; i < s->set_magic_count; i++)
		if (strcmp(s->set_magic[i].to, to) == 0) return s->set_magic[i].magic;
	return magic_of(to);
}

static void answer_magic(const struct sending *m, const struct magic *g)
{
	const char *type = g->media_type == NULL ? JSON_TYPE : g->media_type;

	if (g->has_header) number_header(m->rp, "Retry-After", g->retry_after);
	limit_headers(m->s, m->rp);
	reply_status(m->rp, g->status);
	reply_static(m->rp, type, g->body, strlen(g->body));
	note(m, g->status, g->is_unclear ? FATE_UNKNOWN : FATE_REFUSED, g->outcome);
}

static void play(struct sending *m, const struct magic *g)
{
	enum magic_what what = g == NULL ? MAGIC_NONE : g->what;

	switch (what) {
	case MAGIC_ANSWER:
	case MAGIC_HTML: answer_magic(m, g); return;
	case MAGIC_HANG:
		reply_delay(m->rp, HANG_MS);
		reply_status(m->rp, 504);
		note(m, 0, FATE_UNKNOWN, g->outcome);
		return;
	case MAGIC_CUT:
		reply_cut(m->rp);
		note(m, 0, FATE_UNKNOWN, g->outcome);
		return;
	case MAGIC_SLOW:
		accept(m, what);
		answer_accepted(m);
		reply_delay(m->rp, SLOW_MS);
		note(m, g->status, FATE_UNKNOWN, g->outcome);
		return;
	case MAGIC_HALF:
		accept(m, what);
		answer_half(m);
		note(m, g->status, FATE_UNKNOWN, g->outcome);
		return;
	case MAGIC_NO_DATA:
		accept(m, what);
		answer(m->rp, 200, "{\"success\":true,\"message\":\"Message sent\"}");
		break;
	default:
		accept(m, what);
		answer_accepted(m);
		break;
	}
	note(m, 200, FATE_ACCEPTED, "accepted");
}

static void send_message(struct standin *s, struct request *rq, struct reply *rp)
{
	struct sending m = { .s = s, .rq = rq, .rp = rp, .to = "", .text = "" };
	const struct magic *g;

	if (!has_key(s, rq, rp)) {
		note(&m, 401, FATE_REFUSED, "refused");
		return;
	}
	if (!read_fields(&m) || !is_connected(&m) || !is_within_limits(&m)) return;
	g = magic_for(s, m.to);
	if (g != NULL && g->is_once && !is_first_time(s, &m)) g = NULL;
	play(&m, g);
}

/* The other calls */

static void show_status(const struct standin *s, struct reply *rp)
{
	answer(rp, 200, arena_printf(s->arena, "{\"status\":\"%s\"}", s->status));
}

/* 0 error, 1 pending, 2 sent, 3 delivered, 4 read (contract §3.4). */
static int status_of(const struct standin *s, const struct sent_message *m)
{
	int64_t age = clock_ticks() - m->ticks;
	bool is_delivered = s->stage_ms[STAGE_DELIVERED] >= 0 && age >= s->stage_ms[STAGE_DELIVERED];

	if (s->stage_ms[STAGE_SENT] < 0 || age < s->stage_ms[STAGE_SENT]) return 1;
	if (m->what == MAGIC_NOT_SENT) return 0;
	if (m->what == MAGIC_LATE_FAIL) return is_delivered ? 0 : 2;
	if (s->stage_ms[STAGE_READ] >= 0 && age >= s->stage_ms[STAGE_READ]) return 4;
	return is_delivered ? 3 : 2;
}

/* "5939…@s.whatsapp.net" of a phone; a JID stays. */
static void put_jid(struct sb *out, const char *to)
{
	char jid[MESSAGE_TO_SIZE + 20];

	snprintf(jid, sizeof(jid), "%s%s", to[0] == '+' ? to + 1 : to,
		 strchr(to, '@') == NULL ? "@s.whatsapp.net" : "");
	sb_json(out, jid, strlen(jid));
}

static void show_info(struct standin *s, int64_t id, struct reply *rp)
{
	const struct sent_message *m = standin_message(s, id);
	char key[24];
	struct sb out;
	int status;

	if (m == NULL) {
		answer(rp, 404, "{\"success\":false,\"message\":\"Message not found\"}");
		return;
	}
	status = status_of(s, m);
	wasender_key(key, id);
	sb_init_arena(&out, s->arena, 4096);
	sb_lit(&out, "{\"success\":true,\"data\":{\"remoteJid\":");
	put_jid(&out, m->to);
	sb_lit(&out, ",\"msgId\":");
	sb_int(&out, id);
	if (status != 1) { /* before it has left there is no key yet */
		sb_printf(&out, ",\"id\":\"%s\",\"key\":{\"id\":\"%s\",\"fromMe\":true,\"remoteJid\":", key,
			  key);
		put_jid(&out, m->to);
		sb_lit(&out, "}");
	}
	sb_lit(&out, ",\"message\":{\"conversation\":");
	sb_json(&out, m->text, strlen(m->text));
	sb_printf(&out, "},\"messageTimestamp\":\"%" PRId64 "\",\"status\":%d}}",
		  (clock_now(s->clock) - (clock_ticks() - m->ticks)) / SECOND_MS, status);
	reply_body(rp, JSON_TYPE, sb_text_of(&out), out.len);
}

static void show_on_whatsapp(const struct standin *s, const char *who, struct reply *rp)
{
	const struct magic *g = magic_for(s, who);
	bool exists = g == NULL || strcmp(g->code, "422") != 0;

	answer(rp, 200,
	       exists ? "{\"success\":true,\"data\":{\"exists\":true}}"
		      : "{\"success\":true,\"data\":{\"exists\":false}}");
}

/* Bytes of the file: the body, or what its base64 member holds. */
static size_t upload_size(struct bytes body, bool is_json)
{
	const char *p;

	if (!is_json) return body.len;
	p = memmem(body.p, body.len, "\"base64\"", 8);
	return p == NULL ? 0 : (body.len - (size_t)(p - body.p)) / 4 * 3;
}

static void upload(struct standin *s, struct request *rq, struct reply *rp)
{
	const char *type = request_header(rq, "Content-Type");
	bool is_json = type != NULL && strncasecmp(type, JSON_TYPE, strlen(JSON_TYPE)) == 0;
	bool is_document = type != NULL && strncasecmp(type, "application/", 12) == 0;
	size_t size = upload_size(request_body(rq), is_json);

	if (type == NULL || size == 0) {
		answer(rp, 422,
		       "{\"success\":false,\"error\":\"The Content-Type header and a file are required.\"}");
		return;
	}
	if (size > (is_document ? UPLOAD_DOCUMENT_MAX : UPLOAD_MEDIA_MAX)) {
		answer(rp, 422,
		       arena_printf(s->arena,
				    "{\"success\":false,\"error\":"
				    "\"File size exceeds the limit of %d MB for this file type.\"}",
				    is_document ? 50 : 16));
		return;
	}
	answer(rp, 200,
	       arena_printf(s->arena,
			    "{\"success\":true,\"publicUrl\":\"https://wasenderapi.com/media/%016" PRIx64
			    ".%s\"}",
			    ledger_mark("upload", request_body(rq).p, request_body(rq).len),
			    is_document ? "pdf" : "bin"));
}

/* The number of "/api/messages/123/info", -1 when it is another path. */
static int64_t info_id(const char *path)
{
	static const char prefix[] = "/api/messages/";
	const char *p = path + sizeof(prefix) - 1;
	int64_t id = 0;
	size_t digits;

	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0) return -1;
	digits = strspn(p, "0123456789");
	if (digits == 0 || digits > 15 || strcmp(p + digits, "/info") != 0) return -1;
	for (size_t i = 0; i < digits; i++)
		id = id * 10 + (p[i] - '0');
	return id;
}

size_t wasender_body_max(const char *path)
{
	return strcmp(path, "/api/upload") == 0 ? UPLOAD_MAX : SEND_BODY_MAX;
}

bool wasender_handle(struct standin *s, struct request *rq, struct reply *rp)
{
	static const char on_whatsapp[] = "/api/on-whatsapp/";
	const char *path = request_path(rq), *method = request_method(rq);
	bool is_get = strcmp(method, "GET") == 0, is_post = strcmp(method, "POST") == 0;

	if (is_post && strcmp(path, "/api/send-message") == 0) {
		send_message(s, rq, rp);
		return true;
	}
	if (is_post && strcmp(path, "/api/upload") == 0) {
		upload(s, rq, rp);
		return true;
	}
	if (!is_get) return false;
	if (strcmp(path, "/api/status") == 0) {
		if (has_key(s, rq, rp)) show_status(s, rp);
		return true;
	}
	if (info_id(path) >= 0) {
		if (has_key(s, rq, rp)) show_info(s, info_id(path), rp);
		return true;
	}
	if (strncmp(path, on_whatsapp, sizeof(on_whatsapp) - 1) == 0) {
		if (has_key(s, rq, rp)) show_on_whatsapp(s, path + sizeof(on_whatsapp) - 1, rp);
		return true;
	}
	return false;
}
