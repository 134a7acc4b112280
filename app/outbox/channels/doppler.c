/*
** doppler.c -- Doppler Relay: one mail a call, by a template of the provider or with its own texts.
**
** Owns:   nothing; pure but for the attachments it reads (contracts/doppler-relay.md §1, §2, §4).
** Needs:  doppler_answer.c for what comes back.
** Never:  names more than one recipient: the variables are shared by all of a call (spec bulk-sends §9.1);
**         puts the key anywhere but into the Authorization header; sends a field the sheet does not know.
** Holds:  (1) variables are spliced as they are, never read; (2) attachments of a letter are encoded once.
*/
#include "outbox/channels/chat.h"
#include "outbox/channels/doppler.h"
#include "outbox/outbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX   1000000 /* a mail may be long; BODY_MAX is the limit that counts                   */
#define CONNECT_MS 10000   /* contract §1                                                              */
#define ANSWER_MAX ((size_t)1024 * 1024) /* contract §10.3                                            */
/* sends.attachments_max_kb at its most, the variables of a row, and the frame */
#define BODY_MAX ((size_t)24 * 1024 * 1024)
#define FILE_MAX ((size_t)16 * 1024 * 1024)
/* What is put back waits for the channel (verdict.delay_ms), not by a ladder; what cannot leave is over by
** its own expiry, not by counting. */
static const int retry_minutes[] = { 0 };
#define RETRY_MAX    100000
#define OFFLINE_FROM "recado@example.com"

/* Settings */

void doppler_origin(char out[CHANNEL_URL_SIZE], const struct env *env)
{
	const char *url = setting_text(env->settings, "doppler.base_url");
	size_t n;

	if (!chat_is_loopback(url)) {
		if (env->is_offline)
			url = env->standin_url != NULL ? env->standin_url : "";
		else if (strncasecmp(url, "https://", 8) != 0)
			url = "";
	}
	n = strlen(url);
	while (n > 0 && url[n - 1] == '/')
		n--;
	if (n + 64 >= CHANNEL_URL_SIZE) n = 0; /* room for the account */
	memcpy(out, url, n);
	out[n] = '\0';
}

const char *doppler_key(const struct env *env)
{
	const char *key = setting_text(env->settings, "doppler.api_key");

	return key[0] == '\0' && env->is_offline ? "offline" : key;
}

int64_t doppler_account(const struct env *env)
{
	int64_t id = setting_int(env->settings, "doppler.account_id");

	return id == 0 && env->is_offline ? 1 : id;
}

bool doppler_caps(int64_t caps[3], const struct settings *s)
{
	static const char *const names[3] = { "doppler.quota_hourly", "doppler.quota_daily",
					      "doppler.quota_monthly" };
	int64_t part = 100 - setting_int(s, "doppler.quota_margin_percent");
	bool is_whole = true;

	caps[0] = caps[1] = caps[2] = 0;
	if (!setting_bool(s, "doppler.quota_guard")) return true;
	for (int i = 0; i < 3; i++) {
		caps[i] = setting_int(s, names[i]) * part / 100;
		if (caps[i] <= 0) is_whole = false; /* 0 would mean: no limit */
	}
	return is_whole;
}

static void read_caps(int64_t caps[3], const struct settings *s)
{
	(void)!doppler_caps(caps, s); /* configure() keeps everything back when they are wrong */
}

static void configure(struct channel_config *out, const char **why, const struct env *env)
{
	const struct settings *s = env->settings;
	char origin[CHANNEL_URL_SIZE];
	int64_t account = doppler_account(env), caps[3];

	doppler_origin(origin, env);
	snprintf(out->base_url, sizeof(out->base_url), "%.*s/accounts/%lld", CHANNEL_URL_SIZE - 64, origin,
		 (long long)account);
	out->key = doppler_key(env);
	out->scheme = setting_text(s, "doppler.auth_scheme");
	out->from = setting_text(s, "doppler.from_email");
	out->from_name = setting_text(s, "doppler.from_name");
	if (out->from[0] == '\0' && env->is_offline) out->from = OFFLINE_FROM;
	out->attach_key = setting_text(s, "doppler.attach_type_key");
	out->sends_subject = setting_bool(s, "doppler.send_subject");
	out->timeout_ms = (int)setting_int(s, "doppler.timeout_s") * 1000;
	*why = out->key[0] == '\0'      ? "no_key"
	       : account == 0           ? "no_account"
	       : origin[0] == '\0'      ? "no_base"
	       : !doppler_caps(caps, s) ? "no_quota"
					: NULL;
}

/* Requests */

static void frame(struct channel_request *rq, const struct channel_config *cf, const char *purpose,
		  const char *method)
{
	snprintf(rq->auth, sizeof(rq->auth), "Authorization: %s %s", cf->scheme, cf->key);
	memset(&rq->http, 0, sizeof(rq->http));
	rq->http.purpose = purpose;
	rq->http.method = method;
	rq->http.url = rq->url;
	rq->http.headers[0] = rq->auth;
	rq->http.headers[1] = "Accept: application/json";
	rq->http.connect_ms = CONNECT_MS < cf->timeout_ms ? CONNECT_MS : cf->timeout_ms;
	rq->http.total_ms = cf->timeout_ms;
	rq->http.answer_max = ANSWER_MAX;
	rq->http.is_configured = true;
}

static void put_text(struct sb *b, const char *text)
{
	sb_json(b, text, strlen(text));
}

static void put_person(struct sb *b, const char *address, const char *name)
{
	sb_lit(b, "{\"email\":");
	put_text(b, address);
	if (name != NULL && name[0] != '\0') {
		sb_lit(b, ",\"name\":");
		put_text(b, name);
	}
}

/* Attachments */

/* Whole groups of three at a time, so that the pieces fit together. */
static enum rc put_file(struct sb *b, const char *path)
{
	unsigned char piece[3 * 4096];
	size_t have = 0, total = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd < 0) return RC_IO;
	while (n > 0 && total <= FILE_MAX) {
		n = read(fd, piece + have, sizeof(piece) - have);
		if (n <= 0) break;
		have += (size_t)n;
		total += (size_t)n;
		if (have < sizeof(piece)) continue;
		sb_base64(b, piece, have);
		have = 0;
	}
	close(fd);
	if (n < 0) return RC_IO;
	if (total > FILE_MAX) return RC_TOO_LARGE;
	sb_base64(b, piece, have);
	return sb_result(b);
}

static enum rc put_attachments(struct sb *b, const struct channel_config *cf,
			       const struct outgoing_file *files, size_t count)
{
	enum rc rc = RC_OK;

	if (count == 0) return RC_OK;
	sb_lit(b, ",\"attachments\":[");
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		sb_text(b, i > 0 ? ",{\"filename\":" : "{\"filename\":");
		put_text(b, files[i].name);
		sb_lit(b, ",\"");
		sb_text(b, cf->attach_key);
		sb_lit(b, "\":");
		put_text(b, files[i].media_type);
		sb_lit(b, ",\"base64_content\":\"");
		rc = put_file(b, files[i].path);
		sb_lit(b, "\"}");
	}
	sb_lit(b, "]");
	return rc == RC_OK ? sb_result(b) : rc;
}

static enum rc prepare_letter(struct sb *out, const struct channel_config *cf, const struct letter *l)
{
	return put_attachments(out, cf, l->files, l->file_count);
}

/* Sends */

static void put_letter(struct sb *b, const struct channel_config *cf, const struct outgoing *m)
{
	const struct letter *l = m->letter;
	bool is_own = l != NULL && l->from_email != NULL && l->from_email[0] != '\0';
	const char *name = is_own ? l->from_name : cf->from_name;

	sb_lit(b, "{\"from_name\":");
	put_text(b, name != NULL ? name : "");
	sb_lit(b, ",\"from_email\":");
	put_text(b, is_own ? l->from_email : cf->from);
	sb_lit(b, ",\"recipients\":[");
	put_person(b, m->to, m->to_name);
	sb_lit(b, ",\"type\":\"to\"}]");
	if (l != NULL && l->reply_to != NULL && l->reply_to[0] != '\0') {
		sb_lit(b, ",\"reply_to\":");
		put_person(b, l->reply_to, strcmp(l->reply_to, l->from_email) == 0 ? name : NULL);
		sb_lit(b, "}");
	}
}

static enum rc put_files(struct sb *b, const struct channel_config *cf, const struct outgoing *m)
{
	const struct letter *l = m->letter;

	if (l != NULL && l->prepared != NULL) {
		sb_bytes(b, l->prepared, l->prepared_len);
		return sb_result(b);
	}
	if (l != NULL && l->file_count > 0) return put_attachments(b, cf, l->files, l->file_count);
	return put_attachments(b, cf, m->files, m->file_count);
}

static void put_subject(struct sb *b, const char *subject)
{
	sb_lit(b, ",\"subject\":");
	put_text(b, subject != NULL ? subject : "");
}

static void put_texts(struct sb *b, const struct outgoing *m)
{
	put_subject(b, m->subject);
	if (m->html != NULL && m->html[0] != '\0') {
		sb_lit(b, ",\"html\":");
		put_text(b, m->html);
	}
	if (m->text != NULL && m->text[0] != '\0') {
		sb_lit(b, ",\"text\":");
		put_text(b, m->text);
	}
}

static bool is_by_template(const struct outgoing *m)
{
	return m->letter != NULL && m->letter->provider_template != NULL &&
	       m->letter->provider_template[0] != '\0';
}

static enum rc put_address(struct channel_request *rq, const struct channel_config *cf,
			   const struct outgoing *m)
{
	if (!is_by_template(m)) {
		snprintf(rq->url, sizeof(rq->url), "%s/messages", cf->base_url);
		return RC_OK;
	}
	if (!doppler_is_template_id(m->letter->provider_template)) {
		rq->refusal = N_("The template's id has characters that no id at Doppler Relay has.");
		return RC_BAD_INPUT;
	}
	snprintf(rq->url, sizeof(rq->url), "%s/templates/%s/message", cf->base_url,
		 m->letter->provider_template);
	return RC_OK;
}

static enum rc build_send(struct channel_request *rq, const struct channel_config *cf,
			  const struct outgoing *m)
{
	struct sb *b = &rq->body;
	enum rc rc;

	rq->refusal = NULL;
	if (cf->from[0] == '\0' && (m->letter == NULL || m->letter->from_email[0] == '\0')) {
		rq->refusal = N_("The mail has no sender: set doppler.from_email.");
		return RC_BAD_INPUT;
	}
	if ((rc = put_address(rq, cf, m)) != RC_OK) return rc;
	if (b->max != BODY_MAX) {
		sb_free(b);
		sb_init(b, BODY_MAX);
	}
	sb_clear(b);
	put_letter(b, cf, m);
	if (!is_by_template(m)) {
		put_texts(b, m);
	} else {
		if (cf->sends_subject && m->subject != NULL && m->subject[0] != '\0')
			put_subject(b, m->subject);
		sb_lit(b, ",\"model\":");
		sb_text(b,
			m->variables_json != NULL && m->variables_json[0] != '\0' ? m->variables_json : "{}");
	}
	rc = put_files(b, cf, m);
	sb_lit(b, "}");
	if (rc == RC_OK) rc = sb_result(b);
	if (rc == RC_TOO_LARGE)
		rq->refusal = N_("The mail and its attachments are too large for Doppler Relay.");
	if (rc != RC_OK) return rc;
	frame(rq, cf, "doppler.send", "POST");
	rq->http.headers[2] = "Content-Type: application/json";
	rq->http.body = (struct bytes){ b->p, b->len };
	return RC_OK;
}

/* Test */

/* Asks for the account: nothing is sent, and a wrong key shows. */
static enum rc build_test(struct channel_request *rq, const struct channel_config *cf)
{
	snprintf(rq->url, sizeof(rq->url), "%s", cf->base_url);
	frame(rq, cf, "doppler.test", "GET");
	rq->http.may_repeat = true;
	return RC_OK;
}

/* A key that is refused may be right behind the other word (contract §2). NULL: it is not. */
static const char *other_scheme(struct cx *cx)
{
	struct channel_request *rq = arena_alloc(cx->arena, sizeof(*rq));
	struct channel_config cf;
	struct http_answer answer;
	const char *why = NULL;

	if (rq == NULL) return NULL;
	memset(&cf, 0, sizeof(cf));
	configure(&cf, &why, cx->env);
	cf.scheme = strcmp(cf.scheme, "token") == 0 ? "Bearer" : "token";
	if (why != NULL || build_test(rq, &cf) != RC_OK || link_call(cx, &answer, &rq->http) != RC_OK)
		return NULL;
	return answer.end == HTTP_DONE && answer.status == 200 ? cf.scheme : NULL;
}

static enum rc read_test(struct cx *cx, const char **sentence, const struct http_answer *answer)
{
	struct doppler_problem p;
	const char *scheme;

	if (answer->end != HTTP_DONE) {
		*sentence = arena_printf(cx->arena, _("Doppler Relay could not be asked: %s"),
					 words_get(cx->lang, answer->error));
		return RC_TRY_LATER;
	}
	doppler_problem(&p, cx->arena, answer);
	if (answer->status == 200 && p.json != NULL) {
		*sentence = _("Doppler Relay answers and takes the API key.");
		return RC_OK;
	}
	if (answer->status == 401 && (scheme = other_scheme(cx)) != NULL) {
		*sentence = arena_printf(
			cx->arena,
			_("Doppler Relay takes the API key with the word “%s”: set doppler.auth_scheme to it."),
			scheme);
		return RC_DENIED;
	}
	if (answer->status == 401 || answer->status == 403 || answer->status == 404) {
		*sentence = arena_printf(cx->arena,
					 _("Doppler Relay refuses the API key or the account number: %d %s"),
					 answer->status, p.line);
		return RC_DENIED;
	}
	*sentence = arena_printf(cx->arena, _("Doppler Relay gave no usable answer: %d %s"), answer->status,
				 p.line);
	return RC_TRY_LATER;
}

const struct channel_kind doppler_channel = {
	.kind = "doppler",
	.channel = "doppler",
	.contact = "email",
	.text_max = TEXT_MAX,
	.configure = configure,
	.build_send = build_send,
	.read_send = doppler_read_send,
	.reasons = doppler_reasons,
	.retry_minutes = retry_minutes,
	.retry_max = RETRY_MAX,
	.build_test = build_test,
	.read_test = read_test,
	.prepare_letter = prepare_letter,
	.caps = read_caps,
	.codes = doppler_codes,
	.batchs_code = "doppler_http_404",
};
