/*
** standin_doppler_send.c -- plays Doppler Relay's sends: read strictly, judged, accepted or not, and what is
** left of the limits.
**
** Needs:  the stand-in's lock held by its caller; standin_doppler.c for log-in and answers.
** Never:  keeps a mail's text beyond the ledger's bounds; an accepted send reads its body once and copies
**         what the ledger keeps, nothing else.
** Holds:  every send POST that was read is in the ledger, refused ones too.
*/
#include "standin/standin_doppler.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SMALL_BODY ((size_t)1024 * 1024) /* more has an arena of its own: the request's holds 4 MiB */
#define BIG_ARENA  ((size_t)64 * 1024 * 1024)
#define NOTE_MAX   ((size_t)32 * 1024 * 1024)
#define ANSWER_MAX ((size_t)256 * 1024)

/* Sends */

struct send {
	struct doppler_rq *q;
	struct value *body;
	const char *to;
	const char *note; /* for the ledger */
	size_t note_len;
	const struct doppler_template_row *template; /* NULL: a plain one */
};

static void note(const struct send *m, int status, enum fate fate, const char *outcome)
{
	struct arrival a = { .provider = "doppler",
			     .at = clock_now(m->q->s->clock),
			     .id = fate == FATE_REFUSED ? 0 : m->q->d->accepted,
			     .status = status,
			     .fate = fate,
			     .outcome = outcome,
			     .to = m->to,
			     .body = m->note,
			     .body_len = m->note_len };

	ledger_add(m->q->s->ledger, &a);
}

/* The bytes of a member of the outermost object, as they came. JSON that was read without fault. */
static struct bytes raw_member(struct bytes json, const char *name)
{
	size_t depth = 0, n = strlen(name), from = 0;
	bool is_wanted = false, is_key = true;

	for (size_t i = 0; i < json.len; i++) {
		char c = json.p[i];

		if (c == '"') {
			size_t start = ++i;

			while (json.p[i] != '"')
				i += json.p[i] == '\\' ? 2 : 1;
			if (depth == 1 && is_key)
				is_wanted = i - start == n && memcmp(json.p + start, name, n) == 0;
		} else if (c == '{' || c == '[') {
			depth++;
			if (depth == 1) is_key = true;
		} else if (c == '}' || c == ']' || c == ',') {
			if (depth == 1 && is_wanted && !is_key)
				return (struct bytes){ json.p + from, i - from };
			if (c != ',') depth--;
			if (depth == 1 && c == ',') is_key = true;
		} else if (c == ':' && depth == 1) {
			is_key = false;
			from = i + 1;
		}
	}
	return (struct bytes){ "null", 4 };
}

static void put_text(struct sb *b, const char *name, const char *text)
{
	sb_text(b, name);
	sb_json(b, text, strlen(text));
}

static void put_attachments(struct sb *b, const struct value *list)
{
	sb_lit(b, ",\"attachments\":[");
	for (const struct value *a = list != NULL ? list->first : NULL; a != NULL; a = a->next) {
		const char *content = value_text_of(value_get(a, "base64_content"), "");
		const char *type =
			value_text_of(value_get(a, "type"), value_text_of(value_get(a, "content_type"), ""));
		size_t n = strlen(content),
		       pad = n > 1 && content[n - 2] == '=' ? 2 : n > 0 && content[n - 1] == '=';

		put_text(b, a == list->first ? "{\"filename\":" : ",{\"filename\":",
			 value_text_of(value_get(a, "filename"), ""));
		put_text(b, ",\"type\":", type);
		sb_lit(b, ",\"bytes\":");
		sb_int(b, (int64_t)(n / 4 * 3 - (n > 0 ? pad : 0)));
		sb_lit(b, "}");
	}
	sb_lit(b, "]");
}

static void write_note(struct send *m)
{
	const struct value *v = m->body, *reply = value_get(v, "reply_to"),
			   *files = value_get(v, "attachments");
	struct bytes raw = request_body(m->q->rq), part;
	struct sb b;

	sb_init_arena(&b, m->q->arena, NOTE_MAX);
	if (m->template != NULL)
		put_text(&b, "{\"template\":", m->template->id);
	else
		sb_lit(&b, "{\"template\":null");
	put_text(&b, ",\"from\":", value_text_of(value_get(v, "from_email"), ""));
	put_text(&b, ",\"from_name\":", value_text_of(value_get(v, "from_name"), ""));
	if (value_get(v, "subject") != NULL)
		put_text(&b, ",\"subject\":", value_text_of(value_get(v, "subject"), ""));
	if (reply != NULL) put_text(&b, ",\"reply_to\":", value_text_of(value_get(reply, "email"), ""));
	if (files != NULL) put_attachments(&b, files);
	if (m->template != NULL) {
		part = raw_member(raw, "model");
		sb_lit(&b, ",\"model\":");
		sb_bytes(&b, part.p, part.len);
	} else {
		put_text(&b, ",\"html\":", value_text_of(value_get(v, "html"), ""));
		put_text(&b, ",\"text\":", value_text_of(value_get(v, "text"), ""));
	}
	sb_lit(&b, "}");
	m->note = sb_text_of(&b);
	m->note_len = b.len;
}

/* The first member of v that none of the words allows, NULL: all are known. */
static const char *stranger(const struct value *v, const char *const *words)
{
	for (const struct value *m = v->first; m != NULL; m = m->next) {
		const char *const *w = words;

		while (*w != NULL && strcmp(*w, m->key) != 0)
			w++;
		if (*w == NULL) return m->key;
	}
	return NULL;
}

static bool is_address(const char *text)
{
	const char *at = strchr(text, '@');

	return at != NULL && at != text && at[1] != '\0' && strpbrk(text, " \t\r\n<>\",") == NULL &&
	       strlen(text) < 255;
}

static bool is_base64(const char *p)
{
	static const char ok[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(p), digits = n > SMALL_BODY ? n - 2 : strspn(p, ok); /* long ones by their length */

	return n > 0 && n % 4 == 0 && n - digits <= 2;
}

static const char *wrong_recipients(const struct send *m, const struct value *list, const char **key)
{
	static const char *const known[] = { "email", "name", "type", NULL };

	*key = "recipients";
	if (list == NULL || list->type != VALUE_LIST || list->first == NULL)
		return "at least one is required";
	*key = "recipients[0]";
	for (const struct value *r = list->first; r != NULL; r = r->next) {
		const char *type = value_text_of(value_get(r, "type"), "");

		if (r->type != VALUE_MAP) return "should be an object";
		if (m->q->d->is_strict && stranger(r, known) != NULL) return "unknown field";
		if (strcmp(type, "to") != 0 && strcmp(type, "cc") != 0 && strcmp(type, "bcc") != 0)
			return "type is to, cc or bcc";
		if (!is_address(value_text_of(value_get(r, "email"), ""))) {
			*key = "recipients[0].email";
			return "is not a valid email";
		}
	}
	return NULL;
}

static const char *wrong_attachments(const struct send *m, const struct value *list, const char **key)
{
	static const char *const known[] = { "filename", "type", "content_type", "base64_content", NULL };

	*key = "attachments";
	if (list == NULL) return NULL;
	if (list->type != VALUE_LIST) return "should be a list";
	*key = "attachments[0]";
	for (const struct value *a = list->first; a != NULL; a = a->next) {
		if (a->type != VALUE_MAP || (m->q->d->is_strict && stranger(a, known) != NULL))
			return "unknown field";
		if (value_text_of(value_get(a, "filename"), "")[0] == '\0') return "filename is required";
		if (!is_base64(value_text_of(value_get(a, "base64_content"), "")))
			return "base64_content is not base64";
	}
	return NULL;
}

static const char *wrong_reply(const struct value *v, const char **key)
{
	static const char *const known[] = { "email", "name", NULL };

	*key = "reply_to";
	if (v == NULL) return NULL;
	return v->type != VALUE_MAP || stranger(v, known) != NULL ||
			       !is_address(value_text_of(value_get(v, "email"), ""))
		       ? "should be an object with email and name"
		       : NULL;
}

static const char *wrong_send(const struct send *m, const char **key)
{
	static const char *const by_template[] = { "from_name", "from_email", "recipients",  "reply_to",
						   "model",     "subject",    "attachments", NULL };
	static const char *const plain[] = {
		"from_name", "from_email", "recipients",       "reply_to", "subject",           "attachments",
		"html",      "text",       "skip_track_opens", "headers",  "skip_track_clicks", NULL
	};
	const struct value *v = m->body, *model = value_get(v, "model");
	const char *odd, *wrong;

	odd = m->q->d->is_strict ? stranger(v, m->template != NULL ? by_template : plain) : NULL;
	*key = odd != NULL ? odd : "from_email";
	if (odd != NULL) return "unknown field";
	if (!is_address(value_text_of(value_get(v, "from_email"), ""))) return "is required";
	if ((wrong = wrong_recipients(m, value_get(v, "recipients"), key)) != NULL) return wrong;
	if ((wrong = wrong_attachments(m, value_get(v, "attachments"), key)) != NULL) return wrong;
	if ((wrong = wrong_reply(value_get(v, "reply_to"), key)) != NULL) return wrong;
	*key = "model";
	if (m->template != NULL)
		return model != NULL && model->type != VALUE_MAP ? "should be an object" : NULL;
	*key = "html";
	return value_text_of(value_get(v, "html"), "")[0] == '\0' &&
			       value_text_of(value_get(v, "text"), "")[0] == '\0'
		       ? "html or text is required"
		       : NULL;
}

/* The first period that has nothing left; -1: none. */
static int used_up(const struct doppler_stand *d)
{
	for (int i = 0; i < LIMITS; i++)
		if (d->remaining[i] == 0) return i;
	return -1;
}

static const char *const period_names[LIMITS] = { "hourly", "daily", "monthly" };

static instant period_end(int period, instant now)
{
	int year, month, dom;
	day today = (day)(now / DAY_MS);

	if (period == LIMIT_HOURLY) return (now / HOUR_MS + 1) * HOUR_MS;
	if (period == LIMIT_DAILY) return ((instant)today + 1) * DAY_MS;
	day_split(today, &year, &month, &dom);
	return (instant)day_add_months(today - (dom - 1), 1) * DAY_MS;
}

static void say_used_up(struct doppler_rq *q, int period)
{
	char reset[RFC3339_SIZE + 20] = "", at[RFC3339_SIZE];

	instant_text(at, period_end(period, clock_now(q->s->clock)));
	if (!q->d->forgets_reset_date) snprintf(reset, sizeof(reset), ",\"resetDate\":\"%s\"", at);
	doppler_say(
		q, 402,
		arena_printf(
			q->arena,
			"{\"type\":\"/docs/errors/402.1-sending-limit-reached\",\"title\":\"Sending limit reached\","
			"\"detail\":\"Sending limit reached.\",\"status\":402,\"errorCode\":1,\"deliveriesCount\":%lld,"
			"\"limit\":%lld,\"period\":\"%s\"%s,\"_links\":[]}",
			(long long)q->d->limit[period], (long long)q->d->limit[period], period_names[period],
			reset));
}

static void keep_text(char *to, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1);

	memcpy(to, text, len);
	to[len] = '\0';
}

static void keep_letter(struct send *m)
{
	struct doppler_stand *d = m->q->d;
	const char *subject = value_text_of(value_get(m->body, "subject"), "");

	if (m->template != NULL && (subject[0] == '\0' || d->ignores_subject)) subject = m->template->subject;
	keep_text(d->letter.subject, sizeof(d->letter.subject), subject);
	keep_text(d->letter.from, sizeof(d->letter.from),
		  value_text_of(value_get(m->body, "from_email"), ""));
	keep_text(d->letter.from_name, sizeof(d->letter.from_name),
		  value_text_of(value_get(m->body, "from_name"), ""));
}

/* Each address counts as a delivery (contract §4.4). */
static void take(struct send *m)
{
	struct doppler_stand *d = m->q->d;
	instant now = clock_now(m->q->s->clock);

	keep_letter(m);
	d->accepted++;
	for (const struct value *r = value_get(m->body, "recipients")->first; r != NULL; r = r->next) {
		sent_memory_add(d->sent, value_text_of(value_get(r, "email"), ""), &d->letter, now);
		for (int i = 0; i < LIMITS; i++)
			if (d->remaining[i] > 0) d->remaining[i]--;
	}
}

/* Written once a mail of a bench: without printf. */
static void put_hex(struct sb *b, uint64_t n, int digits)
{
	char text[16];

	for (int i = digits; i-- > 0; n >>= 4)
		text[i] = "0123456789abcdef"[n & 15];
	sb_bytes(b, text, (size_t)digits);
}

static const char *accepted_body(struct doppler_rq *q, char location[128])
{
	size_t account = strnlen(q->account, 40), id;
	struct sb b;

	location[0] = '\0';
	sb_init_arena(&b, q->arena, ANSWER_MAX);
	sb_lit(&b, "/accounts/");
	sb_bytes(&b, q->account, account);
	sb_lit(&b, "/messages/");
	id = b.len;
	sb_lit(&b, "6f1c0d2e-0000-4000-8000-");
	put_hex(&b, (uint64_t)q->d->accepted, 12);
	if (sb_result(&b) != RC_OK || b.len >= 128) return "{}";
	memcpy(location, b.p, b.len + 1);
	sb_clear(&b);
	sb_lit(&b, "{\"createdResourceId\":\"");
	sb_text(&b, location + id);
	sb_lit(&b, "\",\"message\":\"The message was queued.\",\"_links\":[{\"href\":\"");
	sb_text(&b, location);
	sb_lit(&b, "\",\"rel\":\"/docs/rels/get-message\"},{\"href\":\"/accounts/");
	sb_bytes(&b, q->account, account);
	sb_lit(&b, "/deliveries?filter=");
	sb_text(&b, location + id);
	sb_lit(&b, "\",\"rel\":\"/docs/rels/get-deliveries\"}]}");
	return sb_text_of(&b);
}

static void accept(struct send *m)
{
	char location[128];
	const char *body;

	take(m);
	body = accepted_body(m->q, location);
	reply_header(m->q->rp, "Location", location);
	doppler_say(m->q, 201, body);
	note(m, 201, FATE_ACCEPTED, "accepted");
}

static void play_fault(struct send *m, const struct doppler_fault *f)
{
	char location[128];

	if (f->is_accepted) take(m);
	doppler_play(m->q, f, f->is_accepted ? accepted_body(m->q, location) : "{}");
	note(m, f->status,
	     f->is_unclear    ? FATE_UNKNOWN
	     : f->is_accepted ? FATE_ACCEPTED
			      : FATE_REFUSED,
	     f->word);
}

static void refuse(struct send *m, int status)
{
	note(m, status, FATE_REFUSED, "refused");
}

static void send_read(struct send *m)
{
	struct doppler_rq *q = m->q;
	const struct value *list = value_get(m->body, "recipients");
	const struct doppler_fault *f;
	const char *key, *wrong;
	int period;

	if (list != NULL && list->type == VALUE_LIST)
		m->to = value_text_of(value_get(list->first, "email"), "");
	write_note(m);
	if (!doppler_has_login(q)) {
		refuse(m, 401);
	} else if (!doppler_has_account(q)) {
		refuse(m, 403);
	} else if ((f = doppler_fault_now(q->d, CALL_SEND, m->to, q->d->posts)) != NULL &&
		   (!f->is_accepted || wrong_send(m, &key) == NULL)) {
		play_fault(m, f);
	} else if ((wrong = wrong_send(m, &key)) != NULL) {
		doppler_invalid(q, key, wrong);
		refuse(m, 400);
	} else if ((period = used_up(q->d)) >= 0) {
		say_used_up(q, period);
		refuse(m, 402);
	} else {
		accept(m);
	}
}

static void send_parse(struct send *m)
{
	struct doppler_rq *q = m->q;
	struct bytes raw = request_body(q->rq);

	q->d->posts++;
	if (json_parse(q->arena, &m->body, NULL, raw.p, raw.len) == RC_OK && m->body->type == VALUE_MAP) {
		send_read(m);
		return;
	}
	if (doppler_has_login(q)) doppler_invalid(q, "", "the body is not a JSON object");
	refuse(m, 400);
}

void doppler_send_handle(struct doppler_rq *q, const struct doppler_template_row *template)
{
	struct send m = { .q = q, .to = "", .note = "", .template = template };
	struct arena *usual = q->arena, *big = NULL;

	if (request_body(q->rq).len > SMALL_BODY && (big = arena_new(BIG_ARENA)) != NULL) q->arena = big;
	send_parse(&m);
	q->arena = usual;
	arena_free(big);
}

/* "/templates/ID/message" */
bool doppler_by_template(struct doppler_rq *q)
{
	static const char begin[] = "/templates/";
	const char *id = q->rest + sizeof(begin) - 1, *end;
	const struct doppler_template_row *t;

	if (strncmp(q->rest, begin, sizeof(begin) - 1) != 0 || (end = strchr(id, '/')) == NULL ||
	    strcmp(end, "/message") != 0)
		return false;
	t = doppler_template_find(q->d, clock_now(q->s->clock), id, (size_t)(end - id));
	if (t != NULL) {
		doppler_send_handle(q, t);
	} else {
		struct send m = { .q = q, .to = "", .note = "" };

		q->d->posts++;
		if (doppler_has_login(q))
			doppler_problem_say(q, 404, 1, "entity-not-found", "Template not found", NULL);
		refuse(&m, 404);
	}
	return true;
}

/* Limits */

void doppler_limits_handle(struct doppler_rq *q)
{
	const struct doppler_stand *d = q->d;
	char at[RFC3339_SIZE];
	struct sb b;
	bool is_any = false;

	sb_init_arena(&b, q->arena, ANSWER_MAX);
	sb_lit(&b, "{");
	for (int i = LIMITS - 1; i >= 0; i--) {
		if (d->remaining[i] < 0) continue;
		instant_text(at, period_end(i, clock_now(q->s->clock)));
		sb_printf(&b, "%s\"%s\":{\"limit\":%lld,\"remaining\":%lld,\"reset\":\"%s\"}",
			  is_any ? "," : "", period_names[i], (long long)d->limit[i],
			  (long long)d->remaining[i], at);
		is_any = true;
	}
	if (!is_any) sb_lit(&b, "\"noLimits\":true");
	sb_printf(&b,
		  ",\"dkimConfigurationRequired\":%s,\"domainConfigurationRequired\":false,\"_links\":[]}",
		  d->needs_dkim ? "true" : "false");
	doppler_say(q, 200, sb_text_of(&b));
}
