/*
** smtp.c -- mail through a server that takes it in for delivery: from the settings and one message to a
** request.
**
** Owns:   nothing; pure but for the attachments that mime.c reads.
** Needs:  link for the dialogue; smtp_answer.c for what comes back.
** Never:  logs in over a line that others may read, unless the settings say so in so many words.
** Holds:  one recipient a mail: a server that refuses one of several would tell nothing of the others.
*/
#include "outbox/channels/smtp.h"
#include "outbox/mime.h"
#include "outbox/outbox.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define TEXT_MAX     1000000 /* a mail may be long; MAIL_SIZE_MAX is the limit that counts             */
#define CONNECT_MS   10000
#define OFFLINE_FROM "recado@example.com"

/* Greylisting lets a second try through after minutes, some hours at worst; after two days nobody waits any
** more (contract §1.3). */
static const int retry_minutes[] = { 5, 15, 60, 240, 0 };
#define RETRY_MAX 15 /* 5 + 15 + 60 + 11 times 240 minutes: 45 hours */

/* Settings */

bool smtp_is_here(const char *host)
{
	return strncmp(host, "127.", 4) == 0 ? host[strspn(host, "0123456789.")] == '\0'
					     : strcasecmp(host, "localhost") == 0 ||
						       strcmp(host, "::1") == 0 || strcmp(host, "[::1]") == 0;
}

/* A name or a numeric address, as it stands in a URL. */
static bool is_host(const char *host)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	size_t len = strlen(host);

	if (len > 2 && host[0] == '[')
		return strspn(host + 1, "0123456789abcdefABCDEF:.") == len - 2 && host[len - 1] == ']';
	return len > 0 && len <= 253 && strspn(host, ok) == len && host[0] != '-' && host[0] != '.';
}

const char *smtp_refuse_host(const char *value, struct arena *a, enum lang lang)
{
	(void)a;
	if (*value == '\0' || is_host(value)) return NULL;
	return words_get(lang, N_("should be the name of a mail server alone, such as smtp.example.com"));
}

const char *smtp_refuse_from(const char *value, struct arena *a, enum lang lang)
{
	char name[MAIL_NAME_SIZE], address[MAIL_ADDRESS_SIZE];

	(void)a;
	if (*value == '\0' || mime_mailbox(name, address, value, NULL) == RC_OK) return NULL;
	return words_get(lang, N_("should be an e-mail address, or a name and an address in angle brackets: "
				  "Shop <sales@example.com>"));
}

const char *smtp_refuse_file(const char *value, struct arena *a, enum lang lang)
{
	(void)a;
	if (*value == '\0' || (value[0] == '/' && access(value, R_OK) == 0)) return NULL;
	return words_get(lang, N_("should be the full path of a file that can be read"));
}

static enum mail_security security_of(const char *word)
{
	return strcmp(word, "tls") == 0 ? MAIL_TLS : strcmp(word, "none") == 0 ? MAIL_PLAIN : MAIL_STARTTLS;
}

/* How we greet: what was set, else the sender's domain. A path of a URL: letters, digits, dots and
** hyphens. */
static void put_helo(char *out, size_t size, const char *setting, const char *from)
{
	const char *at = strrchr(from, '@');
	size_t n = 0;

	for (const char *p = *setting != '\0' ? setting
			     : at != NULL     ? at + 1
					      : "localhost";
	     *p != '\0' && n + 1 < size; p++)
		if (is_host((char[]){ 'a', *p, '\0' })) out[n++] = *p;
	out[n] = '\0';
}

static const char *configure_online(struct channel_config *out, const struct settings *s, const char *helo)
{
	const char *host = setting_text(s, "smtp.host");
	bool is_here = smtp_is_here(host);

	if (host[0] == '\0') return "no_host";
	out->security = security_of(setting_text(s, "smtp.security"));
	if (out->security == MAIL_PLAIN && !is_here && !setting_bool(s, "smtp.allow_plain"))
		return "no_security";
	snprintf(out->base_url, sizeof(out->base_url), "%s://%s:%d/%s",
		 out->security == MAIL_TLS ? "smtps" : "smtp", host, (int)setting_int(s, "smtp.port"), helo);
	return NULL;
}

static void configure(struct channel_config *out, const char **why, const struct env *env)
{
	const struct settings *s = env->settings;
	const char *host = setting_text(s, "smtp.host");
	bool is_standin = env->is_offline && !smtp_is_here(host);
	char name[MAIL_NAME_SIZE], address[MAIL_ADDRESS_SIZE], helo[128];

	memset(out, 0, sizeof(*out));
	*why = NULL;
	out->dir = env->dir;
	out->user = setting_text(s, "smtp.user");
	out->key = setting_text(s, "smtp.password");
	out->from = setting_text(s, "smtp.from");
	out->ca_file = setting_text(s, "smtp.ca_file");
	out->timeout_ms = (int)setting_int(s, "smtp.timeout_s") * 1000;
	if (out->from[0] == '\0' && strchr(out->user, '@') != NULL) out->from = out->user;
	if (out->from[0] == '\0' && is_standin) out->from = OFFLINE_FROM;
	if (mime_mailbox(name, address, out->from, NULL) != RC_OK) *why = "no_from";
	put_helo(helo, sizeof(helo), setting_text(s, "smtp.helo"), address);
	if (!is_standin) {
		const char *wrong = configure_online(out, s, helo);

		if (wrong != NULL) *why = wrong;
		return;
	}
	/* The stand-in is on this machine and takes anybody. */
	out->user = out->key = out->ca_file = "";
	out->security = MAIL_PLAIN;
	if (env->standin_smtp == NULL)
		*why = "no_base";
	else
		snprintf(out->base_url, sizeof(out->base_url), "%s/%s", env->standin_smtp, helo);
}

/* Requests */

static void frame(struct channel_request *rq, const struct channel_config *cf, const char *purpose)
{
	snprintf(rq->url, sizeof(rq->url), "%s", cf->base_url);
	rq->mail.user = cf->user;
	rq->mail.password = cf->key;
	rq->mail.ca_file = cf->ca_file;
	rq->mail.security = cf->security;
	memset(&rq->http, 0, sizeof(rq->http));
	rq->http.mail = &rq->mail;
	rq->http.purpose = purpose;
	rq->http.method = "MAIL";
	rq->http.url = rq->url;
	rq->http.connect_ms = CONNECT_MS < cf->timeout_ms ? CONNECT_MS : cf->timeout_ms;
	rq->http.total_ms = cf->timeout_ms;
	rq->http.is_configured = true;
}

/* Pictures that the HTML shows by their name go along inside it. */
static const char *content_id_of(const char *html, const struct outgoing_file *f)
{
	const char *at = html;
	size_t n = strlen(f->name);

	while (n > 0 && at != NULL && (at = strstr(at, "cid:")) != NULL) {
		at += 4;
		if (strncmp(at, f->name, n) == 0 && strchr("\"')> ", at[n]) != NULL) return f->name;
	}
	return NULL;
}

/* A name that no header takes is left out: the address is what counts. */
static const char *name_of(const char *name)
{
	size_t n = name != NULL ? strlen(name) : 0;

	if (n == 0 || n >= MAIL_NAME_SIZE) return NULL;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f) return NULL;
	return name;
}

/* What a mailing says of itself (RFC 2369, RFC 8058, RFC 2919). */
struct mailing {
	char reply_to[MAIL_ADDRESS_SIZE], list[MAIL_LIST_SIZE], list_id[MAIL_LIST_SIZE + 2];
};

static enum rc put_mailing(struct mime_mail *mail, struct mailing *to, const struct outgoing *m,
			   const char **why)
{
	const struct letter *l = m->letter;

	if (l == NULL) return RC_OK;
	if (l->reply_to[0] != '\0') {
		enum rc rc = mime_address(to->reply_to, l->reply_to, why);

		if (rc != RC_OK) return rc;
		mail->reply_to = to->reply_to;
	}
	mime_list_id(to->list, l->list_name, mail->from);
	if (to->list[0] != '\0') {
		snprintf(to->list_id, sizeof(to->list_id), "<%s>", to->list);
		mail->list_id = to->list_id;
	}
	mail->unsubscribe_url = m->unsubscribe_url;
	return RC_OK;
}

static enum rc write_mail(struct channel_request *rq, const struct outgoing *m, const char *name, int fd)
{
	struct mime_file files[MESSAGE_FILES_MAX];
	struct mailing mailing;
	struct mime_mail mail = { .from_name = name,
				  .from = rq->mail.from,
				  .to_name = name_of(m->to_name),
				  .to = rq->mail.to,
				  .subject = m->subject != NULL ? m->subject : "",
				  .text = m->text,
				  .html = m->html,
				  .public_id = m->public_id,
				  .at = m->at,
				  .zone = m->zone,
				  .is_automatic = true,
				  .files = files,
				  .file_count = m->file_count };
	enum rc rc;

	if (m->file_count > MESSAGE_FILES_MAX) return RC_TOO_LARGE;
	for (size_t i = 0; i < m->file_count; i++)
		files[i] = (struct mime_file){ .name = m->files[i].name,
					       .media_type = m->files[i].media_type,
					       .path = m->files[i].path,
					       .content_id = content_id_of(m->html, &m->files[i]) };
	rc = put_mailing(&mail, &mailing, m, &rq->refusal);
	return rc == RC_OK ? mime_write_to(&rq->body, fd, &rq->mail.file_len, &mail, &rq->refusal) : rc;
}

/* A file without a name for a mail that may be large, -1: where there is no such thing. */
static int spare_file(const char *dir)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/tmp", dir);

	return n > 0 && n < PATH_MAX ? open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
}

static enum rc put_body(struct channel_request *rq, const struct channel_config *cf, const struct outgoing *m,
			const char *name)
{
	int fd = m->file_count > 0 && cf->dir != NULL ? spare_file(cf->dir) : -1;
	enum rc rc = write_mail(rq, m, name, fd);

	rq->mail.has_file = rc == RC_OK && rq->mail.file_len > 0;
	rq->mail.file = fd;
	if (fd >= 0 && !rq->mail.has_file) close(fd);
	return rc;
}

static enum rc build_send(struct channel_request *rq, const struct channel_config *cf,
			  const struct outgoing *m)
{
	char name[MAIL_NAME_SIZE];
	char *from = rq->auth, *to = rq->auth + MAIL_ADDRESS_SIZE;
	const char *as = name;
	enum rc rc;

	rq->refusal = NULL;
	if (m->letter != NULL) {
		rc = mime_address(from, m->letter->from_email, &rq->refusal);
		as = name_of(m->letter->from_name);
	} else {
		rc = mime_mailbox(name, from, cf->from, &rq->refusal);
	}
	if (rc == RC_OK) rc = mime_address(to, m->to, &rq->refusal);
	if (rc != RC_OK) return rc;
	rq->mail.from = from;
	rq->mail.to = to;
	channel_request_rest(rq);
	if (rq->body.max != MAIL_SIZE_MAX) sb_init(&rq->body, MAIL_SIZE_MAX);
	sb_clear(&rq->body);
	rc = put_body(rq, cf, m, as);
	if (rc != RC_OK) return rc;
	frame(rq, cf, "smtp.send");
	rq->http.body = (struct bytes){ rq->body.p, rq->body.len };
	return RC_OK;
}

/* Greets, logs in and leaves. */
static enum rc build_test(struct channel_request *rq, const struct channel_config *cf)
{
	rq->mail.from = rq->mail.to = NULL;
	frame(rq, cf, "smtp.test");
	return RC_OK;
}

static enum rc read_test(struct cx *cx, const char **sentence, const struct http_answer *answer)
{
	struct verdict v;

	if (answer->end == HTTP_DONE && answer->status / 100 == 2) {
		*sentence = _("The mail server answers and takes the log-in.");
		return RC_OK;
	}
	smtp_read_send(&v, cx->arena, answer, cx_now(cx));
	if (v.outcome == OUTCOME_STOP) {
		*sentence = arena_printf(cx->arena, _("The mail server refuses: %s"),
					 answer->end == HTTP_DONE ? v.detail
								  : words_get(cx->lang, answer->error));
		return RC_DENIED;
	}
	*sentence = arena_printf(cx->arena, _("The mail server could not be asked: %s"),
				 answer->end == HTTP_DONE ? v.detail : words_get(cx->lang, answer->error));
	return RC_TRY_LATER;
}

static const struct channel_reason reasons[] = {
	{ "no_host", "urgent", N_("No mail server is configured (smtp.host). Mails wait until it is.") },
	{ "no_from", "urgent",
	  N_("The sender of mails is missing or no address (smtp.from). Mails wait until it is corrected.") },
	{ "no_security", "urgent",
	  N_("Without security (smtp.security = none) mails go to a server on this machine only. Mails wait until it is corrected.") },
	{ "unauthorized", "urgent",
	  N_("The mail server refuses user or password. Mails wait until they are corrected.") },
	{ "insecure", "urgent",
	  N_("The mail server offers no secured connection, or its certificate is not trusted. Mails wait until it is corrected.") },
	{ "payment", "urgent",
	  N_("The mail provider asks for payment: the credits are used up. Mails wait.") },
	{ "domain", "urgent",
	  N_("Mails are refused because the sender's domain does not prove itself (SPF, DKIM, DMARC). Mails wait until it is corrected.") },
	{ "sender", "urgent",
	  N_("The mail server does not accept the sender (smtp.from). Mails wait until it is corrected.") },
	{ "relay", "urgent",
	  N_("The mail server sends nothing on for this machine: user and password are missing, perhaps. Mails wait.") },
	{ "shut_out", "urgent", N_("The mail server does not take mail from this machine. Mails wait.") },
	{ .why = NULL },
};

void smtp_check(struct cx *cx, struct check_result *out)
{
	struct channel_config cf;
	const char *why = NULL;

	configure(&cf, &why, cx->env);
	out->state = why == NULL || strcmp(why, "no_host") == 0 ? CHECK_OK : CHECK_WARN;
	out->is_info = why != NULL && out->state == CHECK_OK; /* nobody must have one */
	out->remedy = "";
	out->detail = why == NULL ? _("A mail server is configured.") : _("Mails cannot leave.");
	for (const struct channel_reason *r = reasons; why != NULL && r->why != NULL; r++)
		if (strcmp(r->why, why) == 0) out->detail = words_get(cx->lang, r->msgid);
	if (why == NULL) return;
	out->remedy = strcmp(why, "no_host") == 0 ? "read -r NAME && recado config set smtp.host \"$NAME\""
		      : strcmp(why, "no_from") == 0
			      ? "read -r ADDRESS && recado config set smtp.from \"$ADDRESS\""
		      : strcmp(why, "no_security") == 0 ? "recado config set smtp.security starttls"
							: "";
}

const struct channel_kind smtp_channel = {
	.kind = "smtp",
	.channel = "email",
	.contact = "email",
	.text_max = TEXT_MAX,
	.configure = configure,
	.build_send = build_send,
	.read_send = smtp_read_send,
	.reasons = reasons,
	.retry_minutes = retry_minutes,
	.retry_max = RETRY_MAX,
	.build_test = build_test,
	.read_test = read_test,
};
