/*
** sendgrid.c -- bulk mail over SendGrid's v3 API: from the settings and one message to a request.
**
** Owns:   nothing; pure but for the attachments that it reads.
** Needs:  the texts rendered before (letter.c); sendgrid_answer.c for what comes back.
** Never:  lets the provider rewrite links or count who opens: tracking is off in every request.
** Holds:  (1) one recipient a request, so that each answer is about one message; (2) nothing empty is sent:
**         the API refuses empty texts and lists (contracts/email.md §3.1).
*/
#include "outbox/channels/sendgrid.h"
#include "outbox/channels/chat.h"
#include "outbox/mime.h"
#include "outbox/outbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX   1000000 /* a mail may be long; BODY_MAX is the limit that counts              */
#define CONNECT_MS 10000
#define ANSWER_MAX ((size_t)64 * 1024)
/* The API takes less than 30 MB, base64's growth included. */
#define BODY_MAX  ((size_t)28 * 1024 * 1024)
#define FILE_STEP ((size_t)48 * 1024) /* a multiple of three: base64 pieces join without padding */

/* Settings */

static void configure(struct channel_config *out, const char **why, const struct env *env)
{
	const struct settings *s = env->settings;
	size_t n;

	memset(out, 0, sizeof(*out));
	chat_base(out->base_url, setting_text(s, "sendgrid.base_url"), true, env, "");
	n = strlen(out->base_url);
	while (n > 0 && out->base_url[n - 1] == '/')
		out->base_url[--n] = '\0';
	out->key = setting_text(s, "sendgrid.api_key");
	/* The stand-in takes any key that is not empty. */
	if (out->key[0] == '\0' && env->is_offline) out->key = "offline";
	out->timeout_ms = (int)setting_int(s, "sendgrid.timeout_s") * 1000;
	*why = out->key[0] == '\0' ? "no_key" : out->base_url[0] == '\0' ? "no_base" : NULL;
}

/* Requests */

static void frame(struct channel_request *rq, const struct channel_config *cf, const char *path,
		  const char *purpose, bool may_repeat)
{
	snprintf(rq->url, sizeof(rq->url), "%s%s", cf->base_url, path);
	snprintf(rq->auth, sizeof(rq->auth), "Authorization: Bearer %s", cf->key);
	memset(&rq->http, 0, sizeof(rq->http));
	rq->http.purpose = purpose;
	rq->http.method = may_repeat ? "GET" : "POST";
	rq->http.url = rq->url;
	rq->http.headers[0] = rq->auth;
	rq->http.headers[1] = "Accept: application/json";
	if (!may_repeat) rq->http.headers[2] = "Content-Type: application/json";
	rq->http.connect_ms = CONNECT_MS < cf->timeout_ms ? CONNECT_MS : cf->timeout_ms;
	rq->http.total_ms = cf->timeout_ms;
	rq->http.answer_max = ANSWER_MAX;
	rq->http.may_repeat = may_repeat;
	rq->http.is_configured = true;
}

static void put_text(struct sb *out, const char *text)
{
	sb_json(out, text, strlen(text));
}

/* A name without what the API refuses in it (; and ,) and without line breaks; "" is left out by the caller. */
static void name_of(char out[MAIL_NAME_SIZE], const char *name)
{
	size_t n = 0, len = name != NULL ? strlen(name) : 0;

	if (len >= MAIL_NAME_SIZE) len = 0; /* the address is what counts */
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c == ';' || c == ',' || c < ' ' || c == 0x7f) c = ' ';
		if (c == ' ' && (n == 0 || out[n - 1] == ' ')) continue;
		out[n++] = (char)c;
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

/* {"email":"…","name":"…"} */
static enum rc put_person(struct channel_request *rq, const char *email, const char *name)
{
	char address[MAIL_ADDRESS_SIZE], clean[MAIL_NAME_SIZE];
	enum rc rc = mime_address(address, email, &rq->refusal);

	if (rc != RC_OK) return rc;
	name_of(clean, name);
	sb_lit(&rq->body, "{\"email\":");
	put_text(&rq->body, address);
	if (clean[0] != '\0') {
		sb_lit(&rq->body, ",\"name\":");
		put_text(&rq->body, clean);
	}
	sb_lit(&rq->body, "}");
	return RC_OK;
}

static enum rc put_people(struct channel_request *rq, const struct outgoing *m)
{
	const struct letter *l = m->letter;
	enum rc rc;

	sb_lit(&rq->body, "{\"personalizations\":[{\"to\":[");
	rc = put_person(rq, m->to, m->to_name);
	sb_lit(&rq->body, "],\"custom_args\":{\"" SENDGRID_ARG "\":");
	put_text(&rq->body, m->public_id);
	sb_lit(&rq->body, "}}],\"from\":");
	if (rc == RC_OK) rc = put_person(rq, l->from_email, l->from_name);
	if (rc == RC_OK && l->reply_to != NULL && l->reply_to[0] != '\0') {
		sb_lit(&rq->body, ",\"reply_to\":");
		rc = put_person(rq, l->reply_to, NULL);
	}
	return rc;
}

static bool is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* Least to most preferred: text before HTML. */
static void put_content(struct sb *out, const struct outgoing *m)
{
	sb_lit(out, ",\"subject\":");
	put_text(out, m->subject);
	sb_lit(out, ",\"content\":[");
	if (is_given(m->text)) {
		sb_lit(out, "{\"type\":\"text/plain\",\"value\":");
		put_text(out, m->text);
		sb_lit(out, "}");
	}
	if (is_given(m->html)) {
		sb_text(out, is_given(m->text) ? ",{\"type\":\"text/html\",\"value\":"
					       : "{\"type\":\"text/html\",\"value\":");
		put_text(out, m->html);
		sb_lit(out, "}");
	}
	sb_lit(out, "]");
}

static void put_header(struct sb *out, bool *has_some, const char *name, const char *value)
{
	sb_text(out, *has_some ? "," : ",\"headers\":{");
	*has_some = true;
	put_text(out, name);
	sb_lit(out, ":");
	put_text(out, value);
}

static void put_headers(struct sb *out, const struct outgoing *m)
{
	char list[MAIL_LIST_SIZE], value[CHANNEL_URL_SIZE + 2];
	bool has_some = false;

	mime_list_id(list, m->letter->list_name != NULL ? m->letter->list_name : "", m->letter->from_email);
	if (is_given(m->unsubscribe_url) && strlen(m->unsubscribe_url) < CHANNEL_URL_SIZE) {
		snprintf(value, sizeof(value), "<%s>", m->unsubscribe_url);
		put_header(out, &has_some, "List-Unsubscribe", value);
		/* One click works over https only (RFC 8058 §3.1). */
		if (strncmp(m->unsubscribe_url, "https://", 8) == 0)
			put_header(out, &has_some, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
	}
	if (list[0] != '\0') {
		snprintf(value, sizeof(value), "<%s>", list);
		put_header(out, &has_some, "List-Id", value);
	}
	if (has_some) sb_lit(out, "}");
}

/* Files */

static enum rc put_bytes(struct sb *out, const char *path)
{
	static _Thread_local char piece[FILE_STEP];
	size_t have = 0;
	ssize_t n = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) return RC_NOT_FOUND;
	while (n > 0) {
		n = read(fd, piece + have, FILE_STEP - have);
		if (n > 0) have += (size_t)n;
		if (have == FILE_STEP || (n == 0 && have > 0)) {
			sb_base64(out, piece, have);
			have = 0;
		}
	}
	close(fd);
	return n < 0 ? RC_IO : sb_result(out);
}

/* The HTML may show a picture as cid:NAME. */
static bool is_picture(const struct outgoing_file *f)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return strncmp(f->media_type, "image/", 6) == 0 && strspn(f->name, plain) == strlen(f->name);
}

static enum rc put_file(struct sb *out, const struct outgoing_file *f)
{
	enum rc rc;

	sb_lit(out, "{\"filename\":");
	put_text(out, f->name);
	sb_lit(out, ",\"type\":");
	put_text(out, f->media_type);
	sb_lit(out, ",\"disposition\":\"attachment\"");
	if (is_picture(f)) {
		sb_lit(out, ",\"content_id\":");
		put_text(out, f->name);
	}
	sb_lit(out, ",\"content\":\"");
	rc = f->path != NULL ? put_bytes(out, f->path) : RC_NOT_FOUND;
	sb_lit(out, "\"}");
	return rc;
}

static enum rc put_files(struct sb *out, const struct outgoing_file *files, size_t count)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		if (i > 0) sb_lit(out, ",");
		rc = put_file(out, &files[i]);
	}
	return rc == RC_OK ? sb_result(out) : rc;
}

static enum rc prepare_letter(struct sb *out, const struct channel_config *cf, const struct letter *l)
{
	(void)cf;
	return put_files(out, l->files, l->file_count);
}

static enum rc put_attachments(struct channel_request *rq, const struct outgoing *m)
{
	const struct letter *l = m->letter;
	enum rc rc = RC_OK;

	/* Those of the letter among the message's own are in what was prepared. */
	bool has_own = m->file_count > 0 && m->files != l->files, has_shared = l->prepared_len > 0;

	if (!has_own && !has_shared) return RC_OK;
	sb_lit(&rq->body, ",\"attachments\":[");
	if (has_shared) sb_bytes(&rq->body, l->prepared, l->prepared_len);
	if (has_own && has_shared) sb_lit(&rq->body, ",");
	if (has_own) rc = put_files(&rq->body, m->files, m->file_count);
	sb_lit(&rq->body, "]");
	if (rc == RC_NOT_FOUND || rc == RC_IO) rq->refusal = N_("An attachment cannot be read.");
	return rc;
}

static enum rc build_send(struct channel_request *rq, const struct channel_config *cf,
			  const struct outgoing *m)
{
	enum rc rc;

	rq->refusal = NULL;
	if (m->letter == NULL || !is_given(m->letter->from_email)) {
		rq->refusal = N_("The mail has no sender. Choose one, and send it again.");
		return RC_BAD_INPUT;
	}
	if (!is_given(m->subject) || (!is_given(m->text) && !is_given(m->html))) {
		rq->refusal = N_("SendGrid takes no mail without subject or without text.");
		return RC_BAD_INPUT;
	}
	channel_request_rest(rq);
	if (rq->body.max != BODY_MAX) sb_init(&rq->body, BODY_MAX);
	sb_clear(&rq->body);
	rc = put_people(rq, m);
	if (rc != RC_OK) return rc;
	put_content(&rq->body, m);
	put_headers(&rq->body, m);
	rc = put_attachments(rq, m);
	sb_lit(&rq->body,
	       ",\"tracking_settings\":{\"click_tracking\":{\"enable\":false,\"enable_text\":false},"
	       "\"open_tracking\":{\"enable\":false}}}");
	if (rc == RC_OK) rc = sb_result(&rq->body);
	if (rc != RC_OK) return rc;
	frame(rq, cf, "/v3/mail/send", "sendgrid.send", false);
	rq->http.body = (struct bytes){ rq->body.p, rq->body.len };
	return RC_OK;
}

/* The test: what the key may do (§3.3). */

static enum rc build_test(struct channel_request *rq, const struct channel_config *cf)
{
	frame(rq, cf, "/v3/scopes", "sendgrid.test", true);
	return RC_OK;
}

static bool may_send(struct arena *a, const struct http_answer *answer)
{
	struct value *json = NULL;
	const struct value *scopes;

	if (answer->body.len == 0 || json_parse(a, &json, NULL, answer->body.p, answer->body.len) != RC_OK)
		return false;
	scopes = value_get(json, "scopes");
	for (const struct value *v = scopes != NULL && scopes->type == VALUE_LIST ? scopes->first : NULL;
	     v != NULL; v = v->next)
		if (strcmp(value_text_of(v, ""), "mail.send") == 0) return true;
	return false;
}

static enum rc read_test(struct cx *cx, const char **sentence, const struct http_answer *answer)
{
	if (answer->end != HTTP_DONE) {
		*sentence = arena_printf(cx->arena, _("SendGrid could not be asked: %s"),
					 words_get(cx->lang, answer->error));
		return RC_TRY_LATER;
	}
	if (answer->status == 200 && may_send(cx->arena, answer)) {
		*sentence = _("SendGrid answers, and the key may send mail.");
		return RC_OK;
	}
	if (answer->status == 200) {
		*sentence = _(
			"SendGrid knows the key, but it may not send mail: give it the right “Mail Send” there.");
		return RC_DENIED;
	}
	if (answer->status == 401 || answer->status == 403) {
		*sentence = arena_printf(cx->arena, _("SendGrid refuses the key: %s"),
					 sendgrid_words(cx->arena, answer));
		return RC_DENIED;
	}
	*sentence = arena_printf(
		cx->arena, _("SendGrid could not be asked: %s"),
		arena_printf(cx->arena, "%d %s", answer->status, sendgrid_words(cx->arena, answer)));
	return RC_TRY_LATER;
}

static const struct channel_reason reasons[] = {
	{ "no_key", "urgent",
	  N_("The API key of SendGrid is not configured (sendgrid.api_key). Mails wait until it is.") },
	{ "no_base", "urgent",
	  N_("The address of SendGrid is not configured (sendgrid.base_url). Mails wait until it is.") },
	{ "unauthorized", "urgent", N_("SendGrid refuses the API key. Mails wait until it is corrected.") },
	{ "forbidden", "urgent",
	  N_("SendGrid does not let this key send mail: give it the right “Mail Send” there. Mails wait.") },
	{ "sender", "urgent",
	  N_("SendGrid does not accept the sender: verify the address or its domain there. Mails wait.") },
	{ "payment", "urgent", N_("SendGrid asks for payment: the credits are used up. Mails wait.") },
	{ "not_found", "urgent", N_("The address of SendGrid is wrong (sendgrid.base_url). Mails wait.") },
	{ "rate", "", N_("SendGrid asked to wait.") },
	{ "unreachable", "", N_("SendGrid cannot be reached.") },
	{ .why = NULL },
};

const struct channel_kind sendgrid_channel = {
	.kind = "sendgrid",
	.channel = "sendgrid",
	.contact = "email",
	.text_max = TEXT_MAX,
	.configure = configure,
	.build_send = build_send,
	.read_send = sendgrid_read_send,
	.reasons = reasons,
	.build_test = build_test,
	.read_test = read_test,
	.prepare_letter = prepare_letter,
};
