/*
** standin_sendgrid.c -- plays SendGrid's v3 API and its signed event webhook by contracts/email.md §3.
**
** How a mail is answered is decided, first match wins, by (1) what POST /_standin/sendgrid scripted for the
** next calls: {"answer": "credits", "times": 2}; (2) the local part of the recipient: credits@example.com.
** Words: the table below; GET /_standin/sendgrid lists them. Without any it accepts, and tells processed and
** delivered `delivered_ms` later, unless the local part says what becomes of it (bounce@, blocked@, dropped@,
** deferred@, spam@, unsubscribe@).
**
** Owns:   struct sendgrid_stand: its key, the script, what is to be told.
** Needs:  the lock held by its caller; events.c posts.
** Never:  answers 202 to what the provider would refuse by its form.
** Holds:  (1) every mail that was read ends up in the ledger, refused ones too; (2) every event is signed by
**         one key, made at the first question for it; (3) ids only grow.
*/
#include "standin/inside.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define JSON_TYPE    "application/json"
#define HANG_MS      (10 * 60 * 1000)
#define BODY_MAX     ((size_t)30 * 1024 * 1024) /* §3.1: less than 30 MB                              */
#define LARGE_BODY   ((size_t)256 * 1024)       /* from here on parsed in an arena of its own          */
#define ANSWER_MAX   ((size_t)16 * 1024)
#define TELLS_MAX    100000 /* accepted mails waiting to be told of; then the oldest is forgotten       */
#define TELLS_FIRST  256
#define TELL_AT_ONCE 50 /* in one body                                                              */
#define POST_MAX     ((size_t)64 * 1024)
#define TIMES_MAX    1000
#define OLD_S        3600 /* how old an "old" signature is                                              */
#define MAIL_SIZE    255

enum act { ACT_ANSWER, ACT_HANG, ACT_CUT };

struct answer {
	const char *word;
	enum act act;
	int status;
	const char *body, *header, *value;
	enum fate fate;
	bool is_once; /* each recipient once, then accepted */
};

#define ERROR(text, field) "{\"errors\":[{\"message\":\"" text "\",\"field\":" field ",\"help\":null}]}"

static const struct answer answers[] = {
	{ "code400", ACT_ANSWER, 400,
	  ERROR("Does not contain a valid address.", "\"personalizations.0.to.0.email\""), NULL, NULL,
	  FATE_REFUSED, false },
	{ "code401", ACT_ANSWER, 401,
	  ERROR("The provided authorization grant is invalid, expired, or revoked", "null"), NULL, NULL,
	  FATE_REFUSED, false },
	{ "credits", ACT_ANSWER, 401, ERROR("Maximum credits exceeded", "null"), NULL, NULL, FATE_REFUSED,
	  false },
	{ "code403", ACT_ANSWER, 403,
	  ERROR("The from address does not match a verified Sender Identity.", "\"from\""), NULL, NULL,
	  FATE_REFUSED, false },
	{ "forbidden", ACT_ANSWER, 403, ERROR("access forbidden", "null"), NULL, NULL, FATE_REFUSED, false },
	{ "code404", ACT_ANSWER, 404, ERROR("not found", "null"), NULL, NULL, FATE_REFUSED, false },
	{ "code405", ACT_ANSWER, 405, ERROR("method not allowed", "null"), NULL, NULL, FATE_REFUSED, false },
	{ "code413", ACT_ANSWER, 413, ERROR("Payload too large", "null"), NULL, NULL, FATE_REFUSED, false },
	{ "code429", ACT_ANSWER, 429, ERROR("too many requests", "null"), "X-RateLimit-Reset", "",
	  FATE_REFUSED, true },
	{ "busy", ACT_ANSWER, 503, ERROR("service unavailable", "null"), "Retry-After", "1", FATE_REFUSED,
	  true },
	{ "code500", ACT_ANSWER, 500, ERROR("Internal Server Error", "null"), NULL, NULL, FATE_UNKNOWN,
	  false },
	{ "code502", ACT_ANSWER, 502, "<html><body>Bad Gateway</body></html>", NULL, NULL, FATE_UNKNOWN,
	  false },
	{ "code503", ACT_ANSWER, 503, ERROR("service unavailable", "null"), NULL, NULL, FATE_UNKNOWN, false },
	{ "code504", ACT_ANSWER, 504, "", NULL, NULL, FATE_UNKNOWN, false },
	/* taken all the same, and told of: what an unsure mail is settled by */
	{ "hang", ACT_HANG, 504, NULL, NULL, NULL, FATE_UNKNOWN, false },
	{ "cut", ACT_CUT, 0, NULL, NULL, NULL, FATE_UNKNOWN, false },
};

/* What is told of a mail by its local part; without one: processed, delivered. */
static const struct fate_word {
	const char *word, *events[2], *more;
} fates[] = {
	{ "bounce",
	  { "processed", "bounce" },
	  ",\"type\":\"bounce\",\"status\":\"5.1.1\",\"reason\":\"550 5.1.1 No such user\"" },
	{ "blocked",
	  { "processed", "bounce" },
	  ",\"type\":\"blocked\",\"status\":\"4.7.1\",\"reason\":\"451 4.7.1 Try later\"" },
	{ "dropped", { "dropped", NULL }, ",\"reason\":\"Bounced Address\"" },
	{ "deferred",
	  { "processed", "deferred" },
	  ",\"response\":\"452 4.2.2 Mailbox full\",\"attempt\":\"1\"" },
	{ "spam", { "delivered", "spamreport" }, "" },
	{ "unsubscribe", { "delivered", "unsubscribe" }, "" },
};

struct tell { /* an accepted mail that is to be told of */
	int64_t due, id;
	char to[MAIL_SIZE], message[40];
};

struct sendgrid_post { /* a body that somebody asked for */
	struct sendgrid_post *next;
	enum sendgrid_signature signature;
	size_t len;
	char body[];
};

struct sendgrid_stand {
	struct sign_key *key;
	char public[SIGN_PUBLIC_SIZE];
	char *webhook; /* NULL: beside the other one's */
	int delivered_ms;
	const struct answer *script;
	int script_left;
	int64_t count, event_count;
	uint64_t once[256]; /* recipients that had their one refusal */
	size_t once_count;
	struct tell *tells; /* ring */
	size_t tells_size, first, waiting;
	struct sendgrid_post *posts, **posts_last;
};

static const struct answer *answer_of(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		if (strlen(answers[i].word) == len && strncmp(answers[i].word, word, len) == 0)
			return &answers[i];
	return NULL;
}

static const struct fate_word *fate_of(const char *to)
{
	size_t len = strcspn(to, "@+");

	for (size_t i = 0; i < sizeof(fates) / sizeof(*fates); i++)
		if (strlen(fates[i].word) == len && strncmp(fates[i].word, to, len) == 0) return &fates[i];
	return NULL;
}

/* Life */

struct sendgrid_stand *sendgrid_stand_new(void)
{
	struct sendgrid_stand *g = mem_zeroed(sizeof(*g));

	if (g != NULL) g->posts_last = &g->posts;
	return g;
}

void sendgrid_stand_reset(struct sendgrid_stand *g, int delivered_ms)
{
	while (g->posts != NULL) {
		struct sendgrid_post *p = g->posts;

		g->posts = p->next;
		mem_free(p);
	}
	g->posts_last = &g->posts;
	g->delivered_ms = delivered_ms;
	g->script = NULL;
	g->script_left = 0;
	g->once_count = g->first = g->waiting = 0;
	mem_free(g->webhook);
	g->webhook = NULL;
}

void sendgrid_stand_free(struct sendgrid_stand *g)
{
	if (g == NULL) return;
	sendgrid_stand_reset(g, -1);
	sign_key_free(g->key);
	mem_free(g->tells);
	mem_free(g);
}

const char *sendgrid_public_key(struct sendgrid_stand *g)
{
	if (g->key == NULL && (g->key = sign_key_new()) != NULL) sign_key_public(g->key, g->public);
	return g->public;
}

/* Telling */

static bool tells_grow(struct sendgrid_stand *g)
{
	size_t size = g->tells_size == 0 ? TELLS_FIRST : g->tells_size * 2;
	struct tell *bigger = size > TELLS_MAX ? NULL : mem_alloc(size * sizeof(*bigger));

	if (bigger == NULL) return false;
	for (size_t i = 0; i < g->waiting; i++)
		bigger[i] = g->tells[(g->first + i) % g->tells_size];
	mem_free(g->tells);
	g->tells = bigger;
	g->tells_size = size;
	g->first = 0;
	return true;
}

static void tell_later(struct standin *s, const char *to, const char *message, int64_t id)
{
	struct sendgrid_stand *g = s->sendgrid;
	struct tell *t;

	if (g->delivered_ms < 0 || message[0] == '\0') return;
	if (g->waiting == g->tells_size && !tells_grow(g)) {
		if (g->tells_size == 0) return;
		g->first = (g->first + 1) % g->tells_size; /* the oldest is told to nobody */
		g->waiting--;
		s->events_dropped++;
	}
	t = &g->tells[(g->first + g->waiting++) % g->tells_size];
	*t = (struct tell){ .due = clock_ticks() + g->delivered_ms, .id = id };
	snprintf(t->to, sizeof(t->to), "%s", to);
	snprintf(t->message, sizeof(t->message), "%s", message);
	if (s->sleeps_until > t->due) {
		s->sleeps_until = 0;
		events_wake(s);
	}
}

static void put_event(struct standin *s, struct sb *out, const struct tell *t, const char *event,
		      const char *more)
{
	struct sendgrid_stand *g = s->sendgrid;

	if (out->len > 1) sb_lit(out, ",\n");
	sb_lit(out, "{\"email\":");
	sb_json(out, t->to, strlen(t->to));
	sb_printf(out, ",\"timestamp\":%lld,\"event\":\"%s\",\"sg_event_id\":\"ev%lld\"",
		  (long long)(clock_now(s->clock) / SECOND_MS), event, (long long)++g->event_count);
	sb_printf(out, ",\"sg_message_id\":\"sg-%lld.filter01\",\"m\":", (long long)t->id);
	sb_json(out, t->message, strlen(t->message));
	sb_text(out, more);
	sb_lit(out, "}");
}

static void put_tell(struct standin *s, struct sb *out, const struct tell *t)
{
	const struct fate_word *f = fate_of(t->to);

	if (f == NULL) {
		put_event(s, out, t, "processed", "");
		put_event(s, out, t, "delivered", ",\"response\":\"250 OK\"");
		return;
	}
	put_event(s, out, t, f->events[0], f->events[1] == NULL ? f->more : "");
	if (f->events[1] != NULL) put_event(s, out, t, f->events[1], f->more);
}

static void put_url(const struct standin *s, char *out, size_t size)
{
	static const char beside[] = "/webhook/wasender/";
	size_t n = strlen(s->webhook);

	out[0] = '\0';
	if (s->sendgrid->webhook != NULL)
		snprintf(out, size, "%s", s->sendgrid->webhook);
	else if (n > sizeof(beside) - 1 && strcmp(s->webhook + n - (sizeof(beside) - 1), beside) == 0)
		snprintf(out, size, "%.*s/webhook/sendgrid/", (int)(n - (sizeof(beside) - 1)), s->webhook);
}

static void sign(struct standin *s, struct sendgrid_draft *d, enum sendgrid_signature how)
{
	char stamp[24], signature[SIGN_TEXT_SIZE];
	int64_t at = clock_now(s->clock) / SECOND_MS - (how == SENDGRID_OLD ? OLD_S : 0);
	struct bytes over = { sb_text_of(d->body), d->body->len };

	(void)sendgrid_public_key(s->sendgrid);
	d->is_signed = how != SENDGRID_MISSING && s->sendgrid->key != NULL;
	if (!d->is_signed) return;
	snprintf(stamp, sizeof(stamp), "%lld", (long long)at);
	/* As if somebody had trimmed the last line end, or changed a letter on the way. */
	if (how == SENDGRID_WRONG && over.len > 2) over.len -= 2;
	sign_make(s->sendgrid->key, signature, (struct bytes){ stamp, strlen(stamp) }, over);
	snprintf(d->headers[0], sizeof(d->headers[0]), "X-Twilio-Email-Event-Webhook-Signature: %s",
		 signature);
	snprintf(d->headers[1], sizeof(d->headers[1]), "X-Twilio-Email-Event-Webhook-Timestamp: %s", stamp);
}

bool sendgrid_take(struct standin *s, struct sendgrid_draft *d, int64_t *due)
{
	struct sendgrid_stand *g = s->sendgrid;
	enum sendgrid_signature how = SENDGRID_RIGHT;

	*due = INT64_MAX;
	put_url(s, d->url, sizeof(d->url));
	if (d->url[0] == '\0' || (g->posts == NULL && g->waiting == 0)) return false;
	if (g->posts != NULL) {
		struct sendgrid_post *p = g->posts;

		g->posts = p->next;
		if (g->posts == NULL) g->posts_last = &g->posts;
		how = p->signature;
		sb_bytes(d->body, p->body, p->len);
		mem_free(p);
	} else {
		if (g->tells[g->first].due > clock_ticks()) {
			*due = g->tells[g->first].due;
			return false;
		}
		sb_lit(d->body, "[");
		for (int n = 0; n < TELL_AT_ONCE && g->waiting > 0 && g->tells[g->first].due <= clock_ticks();
		     n++) {
			put_tell(s, d->body, &g->tells[g->first]);
			g->first = (g->first + 1) % g->tells_size;
			g->waiting--;
		}
		sb_lit(d->body, "]\r\n");
	}
	sign(s, d, how);
	return true;
}

/* POST /v3/mail/send */

struct mail {
	struct standin *s;
	struct reply *rp;
	const struct value *json;
	const char *to, *message;
	struct bytes body;
};

static void note(const struct mail *m, int64_t id, int status, enum fate fate, const char *outcome)
{
	struct arrival a = { .provider = "sendgrid",
			     .at = clock_now(m->s->clock),
			     .id = id,
			     .status = status,
			     .fate = fate,
			     .outcome = outcome,
			     .to = m->to,
			     .body = m->body.p,
			     .body_len = m->body.len };

	ledger_add(m->s->ledger, &a);
}

static void say(struct reply *rp, int status, const char *body)
{
	reply_status(rp, status);
	reply_body(rp, JSON_TYPE, body, strlen(body));
}

static void refuse(const struct mail *m, int status, const char *body)
{
	say(m->rp, status, body);
	note(m, 0, status, FATE_REFUSED, "refused");
}

static bool is_text(const struct value *v)
{
	return v != NULL && v->type == VALUE_TEXT && v->len > 0;
}

static bool has_more_than(const struct value *list, size_t least)
{
	return list != NULL && list->type == VALUE_LIST && list->count >= least;
}

/* What the form of the request gets wrong (§3.1's rules); NULL: nothing. */
static const char *wrong_content(const struct value *json)
{
	const struct value *content = value_get(json, "content");
	bool seen_html = false;

	if (!has_more_than(content, 1)) return ERROR("The content is required", "\"content\"");
	for (const struct value *v = content->first; v != NULL; v = v->next) {
		const char *type = value_text_of(value_get(v, "type"), "");

		if (!is_text(value_get(v, "value")))
			return ERROR("The content value must be a string at least one character in length.",
				     "\"content\"");
		if (strcmp(type, "text/plain") == 0 && seen_html)
			return ERROR("text/plain must be first, followed by text/html", "\"content\"");
		if (strcmp(type, "text/html") == 0) seen_html = true;
	}
	return NULL;
}

static const char *wrong_files(const struct value *json)
{
	const struct value *files = value_get(json, "attachments");

	if (files == NULL) return NULL;
	if (!has_more_than(files, 1)) return ERROR("attachments may not be empty", "\"attachments\"");
	for (const struct value *v = files->first; v != NULL; v = v->next)
		if (!is_text(value_get(v, "content")) || !is_text(value_get(v, "filename")) ||
		    strpbrk(value_get(v, "content")->text, "\r\n") != NULL)
			return ERROR("The attachment content must be base64 encoded.",
				     "\"attachments.0.content\"");
	return NULL;
}

static const char *wrong_form(const struct value *json)
{
	const struct value *people = value_get(json, "personalizations"),
			   *first = value_path(json, "personalizations.0.to.0");
	const char *wrong, *name = value_text_of(value_get(first, "name"), "");

	if (!has_more_than(people, 1) || people->count > 1000 || first == NULL)
		return ERROR("The personalizations field is required", "\"personalizations\"");
	if (strchr(value_text_of(value_get(first, "email"), ""), '@') == NULL)
		return ERROR("Does not contain a valid address.", "\"personalizations.0.to.0.email\"");
	if (strpbrk(name, ";,") != NULL)
		return ERROR("; and , are not allowed in a name", "\"personalizations.0.to.0.name\"");
	if (!is_text(value_path(json, "from.email")))
		return ERROR("The from email is required", "\"from.email\"");
	if (!is_text(value_get(json, "subject"))) return ERROR("The subject is required", "\"subject\"");
	for (const struct value *v = json->first; v != NULL; v = v->next)
		if (v->type == VALUE_LIST && v->count == 0) return ERROR("a list may not be empty", "null");
	wrong = wrong_content(json);
	return wrong != NULL ? wrong : wrong_files(json);
}

/* Did this recipient have this refusal before? */
static bool had_once(struct sendgrid_stand *g, const char *to)
{
	uint64_t mark = ledger_mark(to, "", 0);

	for (size_t i = 0; i < g->once_count; i++)
		if (g->once[i] == mark) return true;
	if (g->once_count < sizeof(g->once) / sizeof(*g->once)) g->once[g->once_count++] = mark;
	return false;
}

static const struct answer *answer_now(const struct mail *m)
{
	struct sendgrid_stand *g = m->s->sendgrid;
	const struct answer *a;

	if (g->script_left > 0) {
		g->script_left--;
		return g->script;
	}
	a = answer_of(m->to, strcspn(m->to, "@+"));
	return a != NULL && a->is_once && had_once(g, m->to) ? NULL : a;
}

static void play(const struct mail *m, const struct answer *a)
{
	const char *value = a->value;

	if (a->act == ACT_HANG) {
		reply_delay(m->rp, HANG_MS);
		reply_status(m->rp, a->status);
	} else if (a->act == ACT_CUT) {
		reply_cut(m->rp);
	} else {
		if (a->header != NULL && value[0] == '\0')
			value = arena_printf(m->s->arena, "%lld",
					     (long long)(clock_now(m->s->clock) / SECOND_MS + 1));
		if (a->header != NULL) reply_header(m->rp, a->header, value);
		say(m->rp, a->status, a->body);
	}
	if (a->act != ACT_ANSWER) tell_later(m->s, m->to, m->message, ++m->s->sendgrid->count);
	note(m, 0, a->act == ACT_CUT ? 0 : a->status, a->fate, a->fate == FATE_REFUSED ? "refused" : a->word);
}

static void accept_mail(const struct mail *m)
{
	int64_t id = ++m->s->sendgrid->count;
	char text[40];

	snprintf(text, sizeof(text), "sg-%lld", (long long)id);
	reply_header(m->rp, "X-Message-Id", text);
	reply_status(m->rp, 202);
	reply_body(m->rp, JSON_TYPE, "", 0);
	note(m, id, 202, FATE_ACCEPTED, "accepted");
	tell_later(m->s, m->to, m->message, id);
}

static void take_mail(struct mail *m)
{
	const struct answer *a;
	const char *wrong;

	m->to = value_text_of(value_path(m->json, "personalizations.0.to.0.email"), "");
	m->message = value_text_of(value_path(m->json, "personalizations.0.custom_args.m"), "");
	if (m->json == NULL || m->json->type != VALUE_MAP) {
		refuse(m, 400, ERROR("Bad Request", "null"));
	} else if ((wrong = wrong_form(m->json)) != NULL) {
		refuse(m, 400, wrong);
	} else if (value_bool_of(value_path(m->json, "mail_settings.sandbox_mode.enable"), false)) {
		say(m->rp, 200, "");
		note(m, 0, 200, FATE_REFUSED, "sandbox");
	} else if ((a = answer_now(m)) != NULL) {
		play(m, a);
	} else {
		accept_mail(m);
	}
}

/* A body with files is a tree larger than the stand-in's own arena. */
static void send(struct standin *s, struct request *rq, struct reply *rp)
{
	struct mail m = { .s = s, .rp = rp, .to = "", .message = "", .body = request_body(rq) };
	bool is_large = m.body.len > LARGE_BODY;
	struct arena *a = is_large ? arena_new(m.body.len * 4 + LARGE_BODY) : s->arena;
	struct value *json = NULL;

	if (a == NULL) {
		say(rp, 503, ERROR("no memory", "null"));
		return;
	}
	if (json_parse(a, &json, NULL, m.body.p, m.body.len) == RC_OK) m.json = json;
	take_mail(&m);
	if (is_large) arena_free(a);
}

/* Doors */

bool sendgrid_is_call(struct request *rq)
{
	return strcmp(request_path(rq), "/v3/mail/send") == 0 || strcmp(request_path(rq), "/v3/scopes") == 0;
}

size_t sendgrid_body_max(void)
{
	return BODY_MAX;
}

bool sendgrid_handle(struct standin *s, struct request *rq, struct reply *rp)
{
	const char *key = request_header(rq, "Authorization");
	bool is_send = strcmp(request_path(rq), "/v3/mail/send") == 0;

	if (key == NULL || strncmp(key, "Bearer ", 7) != 0 || key[7] == '\0' || strcmp(key + 7, "bad") == 0)
		say(rp, 401,
		    ERROR("The provided authorization grant is invalid, expired, or revoked", "null"));
	else if (strcmp(request_method(rq), is_send ? "POST" : "GET") != 0)
		say(rp, 405, ERROR("method not allowed", "null"));
	else if (is_send)
		send(s, rq, rp);
	else
		say(rp, 200,
		    strcmp(key + 7, "readonly") == 0 ? "{\"scopes\":[\"stats.read\"]}"
						     : "{\"scopes\":[\"mail.send\",\"mail.batch.read\"]}");
	return true;
}

/* Control */

static void show(struct standin *s, struct reply *rp)
{
	struct sendgrid_stand *g = s->sendgrid;
	const char *key = sendgrid_public_key(g);
	char url[1000];
	struct sb out;

	put_url(s, url, sizeof(url));
	sb_init_arena(&out, s->arena, ANSWER_MAX);
	sb_lit(&out, "{\"public_key\":");
	sb_json(&out, key, strlen(key));
	sb_lit(&out, ",\"webhook\":");
	sb_json(&out, url, strlen(url));
	sb_printf(&out, ",\"delivered_ms\":%d,\"count\":%lld,\"waiting\":%zu,\"words\":[", g->delivered_ms,
		  (long long)g->count, g->waiting);
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		sb_printf(&out, "%s\"%s\"", i > 0 ? "," : "", answers[i].word);
	for (size_t i = 0; i < sizeof(fates) / sizeof(*fates); i++)
		sb_printf(&out, ",\"%s\"", fates[i].word);
	sb_lit(&out, "]}");
	reply_body(rp, JSON_TYPE, sb_text_of(&out), out.len);
}

static const char *set(struct standin *s, const struct value *v)
{
	struct sendgrid_stand *g = s->sendgrid;
	const char *webhook = value_text_of(value_get(v, "webhook"), NULL);
	const char *word = value_text_of(value_get(v, "answer"), NULL);
	const struct value *ms = value_get(v, "delivered_ms");
	int64_t times = value_int_of(value_get(v, "times"), 1), n = value_int_of(ms, -2);
	const struct answer *a = word != NULL ? answer_of(word, strlen(word)) : NULL;

	if (word != NULL && a == NULL) return "answer is one of the words that GET lists first";
	if (times < 0 || times > TIMES_MAX) return "times is 0 to 1000";
	if (ms != NULL && (n < -1 || n > DAY_MS)) return "delivered_ms is -1 to 86400000";
	if (webhook != NULL && strlen(webhook) > 900) return "webhook is too long";
	if (webhook != NULL && standin_text(&g->webhook, webhook) != RC_OK) return "no memory";
	if (ms != NULL) g->delivered_ms = (int)n;
	if (a != NULL) {
		g->script = a;
		g->script_left = (int)times;
	}
	events_wake(s);
	return NULL;
}

static enum sendgrid_signature signature_of(const char *word)
{
	static const char *const words[] = { "right", "wrong", "missing", "old" };

	for (int i = 0; i < 4; i++)
		if (strcmp(words[i], word) == 0) return (enum sendgrid_signature)i;
	return SENDGRID_RIGHT;
}

/* {"events": […], "signature": "right|wrong|missing|old"} */
static const char *post(struct standin *s, const struct value *v)
{
	struct sendgrid_stand *g = s->sendgrid;
	const struct value *events = value_get(v, "events");
	struct sendgrid_post *p;
	char url[1000];
	struct sb out;

	put_url(s, url, sizeof(url));
	if (url[0] == '\0') return "no webhook is set";
	if (events == NULL) return "events is missing";
	sb_init_arena(&out, s->arena, POST_MAX);
	json_write(&out, events);
	sb_lit(&out, "\r\n");
	if (sb_result(&out) != RC_OK || (p = mem_alloc(sizeof(*p) + out.len)) == NULL)
		return "that is too much";
	p->next = NULL;
	p->signature = signature_of(value_text_of(value_get(v, "signature"), "right"));
	p->len = out.len;
	memcpy(p->body, out.p, out.len);
	*g->posts_last = p;
	g->posts_last = &p->next;
	s->sleeps_until = 0;
	events_wake(s);
	return NULL;
}

bool sendgrid_control(struct standin *s, const char *what, struct request *rq, struct reply *rp)
{
	struct bytes body = request_body(rq);
	struct value *v = NULL;
	const char *wrong;
	bool is_event = strcmp(what, "sendgrid/event") == 0;

	if (strcmp(request_method(rq), "GET") == 0 && !is_event) {
		show(s, rp);
		return true;
	}
	if (strcmp(request_method(rq), "POST") != 0 || (!is_event && strcmp(what, "sendgrid") != 0))
		return false;
	if (json_parse(s->arena, &v, NULL, body.p, body.len) != RC_OK || v->type != VALUE_MAP)
		wrong = "the body is not a JSON object";
	else
		wrong = is_event ? post(s, v) : set(s, v);
	if (wrong != NULL)
		say(rp, 422, arena_printf(s->arena, "{\"error\":\"%s\"}", wrong));
	else
		say(rp, is_event ? 202 : 200, "{\"ok\":true}");
	return true;
}
