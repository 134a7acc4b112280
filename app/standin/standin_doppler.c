/*
** standin_doppler.c -- plays Doppler Relay by contracts/doppler-relay.md §11: doors, log-in, sends, limits.
**
** Any key and any account are taken until POST /_standin/doppler says otherwise; a field that the sheet does
** not know is refused (400.1). What goes wrong on purpose: standin_doppler_fault.c; what becomes of a mail
** later: standin_doppler_sent.c. In the ledger (provider "doppler") a send's body is JSON {template, from,
** from_name, subject, reply_to, attachments [{filename, type, bytes}], model} or, of a plain one, {…, html,
** text} instead of template and model: the same twice to the same address is a duplicate.
**
**   GET  /_standin/doppler   {accepted, posts, remembered, limits, templates [{id, name, does}], words
**   [{word,
**                            does}]}
**   POST /_standin/doppler   any of: api_key, account, scheme ("Bearer", "token", "" = both), strict (true),
**   subject
**                            ("applied", "ignored"), limits (null or {monthly, daily, hourly}: what is left;
**                            at 0 a send is 402.1), needs_dkim, forgets_reset_date, skew_s (its Date header),
**                            faults [{answer, call, to, from_send, times}], sent_ms, open_ms, click_ms (-1
**                            never), extra_templates (more in the list, without bodies worth reading),
**                            bare_list, report {polls (-1 never), mode (usual, no_file, html, direct, empty),
**                            lines (made up; -1 what was sent), bom, cp1252, elsewhere (file on "localhost"),
**                            id_in
**                            (createdResourceId, reportRequestId, id, link, location)}
**
** Owns:   struct doppler_stand.
** Needs:  the lock held by its caller.
** Never:  keeps a mail's text beyond the ledger's bounds; an accepted send reads its body once and copies
**         what the ledger keeps, nothing else.
** Holds:  every send POST that was read is in the ledger, refused ones too.
*/
#include "standin/standin_doppler.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define JSON_TYPE  "application/json; charset=utf-8; profile=/schemas/answer.json"
#define BODY_MAX   ((size_t)24 * 1024 * 1024) /* attachments at their most, encoded                      */
#define SMALL_BODY ((size_t)1024 * 1024)      /* more has an arena of its own: the request's holds 4 MiB  */
#define BIG_ARENA  ((size_t)64 * 1024 * 1024)
#define NOTE_MAX   ((size_t)32 * 1024 * 1024)
#define ANSWER_MAX ((size_t)256 * 1024)

/* Answers */

void doppler_say(struct doppler_rq *q, int status, const char *body)
{
	reply_status(q->rp, status);
	reply_body(q->rp, JSON_TYPE, body, strlen(body));
}

void doppler_problem_say(struct doppler_rq *q, int status, int code, const char *slug, const char *title,
			 const char *errors)
{
	if (status == 401) reply_header(q->rp, "WWW-Authenticate", "Bearer");
	doppler_say(
		q, status,
		arena_printf(
			q->arena,
			"{\"type\":\"/docs/errors/%d.%d-%s\",\"title\":\"%s\",\"detail\":\"%s.\",\"status\":%d,"
			"\"errorCode\":%d%s%s,\"_links\":[]}",
			status, code, slug, title, title, status, code, errors != NULL ? ",\"errors\":" : "",
			errors != NULL ? errors : ""));
}

static void invalid(struct doppler_rq *q, const char *key, const char *detail)
{
	doppler_problem_say(q, 400, 1, "validation-error", "Validation error",
			    arena_printf(q->arena, "[{\"key\":\"%s\",\"detail\":\"%s\"}]", key, detail));
}

bool doppler_query_int(struct doppler_rq *q, const char *name, int64_t otherwise, int64_t least, int64_t most,
		       int64_t *out)
{
	const char *text = request_query(q->rq, name);
	char *end = NULL;

	*out = otherwise;
	if (text == NULL) return true;
	*out = strtoll(text, &end, 10);
	if (*text != '\0' && *end == '\0' && *out >= least && *out <= most) return true;
	invalid(q, name, "out of range");
	return false;
}

/* Log-in */

static bool has_login(struct doppler_rq *q)
{
	static const char *const schemes[] = { "Bearer", "token" };
	const char *auth = request_header(q->rq, "Authorization");

	if (auth == NULL) {
		doppler_problem_say(q, 401, 0, "no-credentials", "Authentication required", NULL);
		return false;
	}
	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(schemes[i]);

		if (strncmp(auth, schemes[i], n) != 0 || auth[n] != ' ' || auth[n + 1] == '\0') continue;
		if (q->d->scheme[0] != '\0' && strcmp(q->d->scheme, schemes[i]) != 0) continue;
		if (q->d->key[0] != '\0' && strcmp(q->d->key, auth + n + 1) != 0) continue;
		return true;
	}
	doppler_problem_say(q, 401, 1, "invalid-token", "Invalid token", NULL);
	return false;
}

static bool has_account(struct doppler_rq *q)
{
	if (q->d->account[0] == '\0' || strcmp(q->d->account, q->account) == 0) return true;
	doppler_problem_say(q, 403, 1, "wrong-account", "Wrong account", NULL);
	return false;
}

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

static void keep_letter(struct send *m)
{
	struct doppler_stand *d = m->q->d;
	const char *subject = value_text_of(value_get(m->body, "subject"), "");

	if (m->template != NULL && (subject[0] == '\0' || d->ignores_subject)) subject = m->template->subject;
	snprintf(d->letter.subject, sizeof(d->letter.subject), "%s", subject);
	snprintf(d->letter.from, sizeof(d->letter.from), "%s",
		 value_text_of(value_get(m->body, "from_email"), ""));
	snprintf(d->letter.from_name, sizeof(d->letter.from_name), "%s",
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

static const char *accepted_body(struct doppler_rq *q, char location[128])
{
	char id[DOPPLER_GUID_SIZE];

	snprintf(id, sizeof(id), "%08x-0000-4000-8000-%012llx", (unsigned)0x6f1c0d2e,
		 (unsigned long long)q->d->accepted & 0xffffffffffffULL);
	snprintf(location, 128, "/accounts/%.40s/messages/%s", q->account, id);
	return arena_printf(
		q->arena,
		"{\"createdResourceId\":\"%s\",\"message\":\"The message was queued.\",\"_links\":[{\"href\":\"%s\","
		"\"rel\":\"/docs/rels/get-message\"},{\"href\":\"/accounts/%.40s/deliveries?filter=%s\","
		"\"rel\":\"/docs/rels/get-deliveries\"}]}",
		id, location, q->account, id);
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
	if (!has_login(q)) {
		refuse(m, 401);
	} else if (!has_account(q)) {
		refuse(m, 403);
	} else if ((f = doppler_fault_now(q->d, CALL_SEND, m->to, q->d->posts)) != NULL &&
		   (!f->is_accepted || wrong_send(m, &key) == NULL)) {
		play_fault(m, f);
	} else if ((wrong = wrong_send(m, &key)) != NULL) {
		invalid(q, key, wrong);
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
	if (has_login(q)) invalid(q, "", "the body is not a JSON object");
	refuse(m, 400);
}

static void handle_send(struct doppler_rq *q, const struct doppler_template_row *template)
{
	struct send m = { .q = q, .to = "", .note = "", .template = template };
	struct arena *usual = q->arena, *big = NULL;

	if (request_body(q->rq).len > SMALL_BODY && (big = arena_new(BIG_ARENA)) != NULL) q->arena = big;
	send_parse(&m);
	q->arena = usual;
	arena_free(big);
}

/* "/templates/ID/message" */
static bool by_template(struct doppler_rq *q)
{
	static const char begin[] = "/templates/";
	const char *id = q->rest + sizeof(begin) - 1, *end;
	const struct doppler_template_row *t;

	if (strncmp(q->rest, begin, sizeof(begin) - 1) != 0 || (end = strchr(id, '/')) == NULL ||
	    strcmp(end, "/message") != 0)
		return false;
	t = doppler_template_find(q->d, clock_now(q->s->clock), id, (size_t)(end - id));
	if (t != NULL) {
		handle_send(q, t);
	} else {
		struct send m = { .q = q, .to = "", .note = "" };

		q->d->posts++;
		if (has_login(q))
			doppler_problem_say(q, 404, 1, "entity-not-found", "Template not found", NULL);
		refuse(&m, 404);
	}
	return true;
}

/* Limits and account */

static void handle_limits(struct doppler_rq *q)
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

static void handle_account(struct doppler_rq *q)
{
	doppler_say(
		q, 200,
		arena_printf(
			q->arena,
			"{\"id\":5,\"name\":\"%.40s\",\"_links\":[{\"href\":\"/accounts/%.40s/templates\","
			"\"rel\":\"/docs/rels/get-templates\"}]}",
			"recado", q->account));
}

/* Doors */

bool doppler_is_call(struct request *rq)
{
	const char *path = request_path(rq);

	return strncmp(path, "/accounts/", 10) == 0 || strncmp(path, "/reports/", 9) == 0 ||
	       strncmp(path, "/doppler-files/", 15) == 0;
}

size_t doppler_body_max(void)
{
	return BODY_MAX;
}

/* Splits "/accounts/5/templates" into account and rest. */
static void split(struct doppler_rq *q, const char *path)
{
	const char *from = path + sizeof("/accounts/") - 1;
	size_t n = strcspn(from, "/");

	q->account = arena_bytes(q->arena, from, n);
	q->rest = from + n;
}

static bool account_door(struct doppler_rq *q)
{
	q->call = strcmp(q->rest, "/status/limits") == 0            ? CALL_LIMITS
		  : strncmp(q->rest, "/templates", 10) == 0         ? CALL_TEMPLATES
		  : q->rest[0] == '\0' || strcmp(q->rest, "/") == 0 ? CALL_ACCOUNT
								    : CALL_DELIVERIES;
	return true;
}

static const struct doppler_fault *fault_of_call(struct doppler_rq *q)
{
	const char *path = request_path(q->rq);

	if (strncmp(path, "/accounts/", 10) == 0)
		(void)account_door(q);
	else if (strncmp(path, "/doppler-files/", 15) == 0)
		q->call = CALL_FILE;
	else
		q->call = q->is_post ? CALL_REPORT : CALL_POLL;
	return doppler_fault_now(q->d, q->call, "", 0);
}

static void route(struct doppler_rq *q)
{
	bool is_known = true;

	if (q->call == CALL_FILE)
		doppler_file_handle(q);
	else if (q->call == CALL_REPORT || q->call == CALL_POLL)
		is_known = doppler_reports_handle(q);
	else if (q->call == CALL_TEMPLATES)
		is_known = doppler_templates_handle(q);
	else if (!q->is_get)
		is_known = false;
	else if (q->call == CALL_LIMITS)
		handle_limits(q);
	else if (q->call == CALL_ACCOUNT)
		handle_account(q);
	else
		is_known = doppler_lists_handle(q);
	if (!is_known) doppler_problem_say(q, 404, 0, "route-not-found", "Route not found", NULL);
}

/* IMF-fixdate (RFC 9110 §5.6.7) of a clock that is wrong. */
static void put_date(struct doppler_rq *q)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	instant at = clock_now(q->s->clock) + q->d->skew_s * SECOND_MS;
	day d = (day)(at / DAY_MS);
	int64_t s = at % DAY_MS / SECOND_MS;
	int year, month, dom;

	if (q->d->skew_s == 0) return;
	day_split(d, &year, &month, &dom);
	reply_header(q->rp, "Date",
		     arena_printf(q->arena, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
				  days + 3 * day_weekday(d), dom, months + 3 * (month - 1), year,
				  (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60)));
}

bool doppler_handle(struct standin *s, struct request *rq, struct reply *rp)
{
	const char *path = request_path(rq), *method = request_method(rq);
	struct doppler_rq q = { .s = s,
				.d = s->doppler,
				.rq = rq,
				.rp = rp,
				.arena = s->arena,
				.account = "",
				.rest = "",
				.is_post = strcmp(method, "POST") == 0,
				.is_get = strcmp(method, "GET") == 0 };
	const struct doppler_fault *f;

	if (strncmp(path, "/accounts/", 10) == 0) split(&q, path);
	put_date(&q);
	if (q.is_post && by_template(&q)) return true;
	if (q.is_post && strcmp(q.rest, "/messages") == 0) {
		handle_send(&q, NULL);
		return true;
	}
	f = fault_of_call(&q);
	if (f != NULL) {
		doppler_play(&q, f, "{}");
		return true;
	}
	if (q.call == CALL_FILE || (has_login(&q) && (q.account[0] == '\0' || has_account(&q)))) route(&q);
	return true;
}

/* Life */

void doppler_stand_reset(struct doppler_stand *d)
{
	struct sent_memory *sent = d->sent;

	sent_memory_reset(sent);
	doppler_templates_reset(d);
	*d = (struct doppler_stand){ .sent = sent,
				     .is_strict = true,
				     .remaining = { -1, -1, -1 },
				     .sent_ms = 0,
				     .open_ms = 60 * 1000,
				     .click_ms = 120 * 1000,
				     .report_polls = 1,
				     .report_lines = -1,
				     .report_id_in = "createdResourceId" };
}

struct doppler_stand *doppler_stand_new(void)
{
	struct doppler_stand *d = mem_zeroed(sizeof(*d));

	if (d == NULL) return NULL;
	d->sent = sent_memory_new();
	if (d->sent == NULL) {
		mem_free(d);
		return NULL;
	}
	return d;
}

void doppler_stand_free(struct doppler_stand *d)
{
	if (d == NULL) return;
	doppler_templates_reset(d);
	sent_memory_free(d->sent);
	mem_free(d);
}
