/*
** smtp.c -- one mail on its way: what libcurl is told, what it asks back, what comes of it.
**
** Owns:   a courier's handle and kept connections, the copy of a mail's envelope.
** Needs:  ca.h for trust, guard.c for addresses; smtp_outcome.c says how it ended.
** Never:  hands a mail's content out twice; keeps what was said in a log-in; follows a redirect (SMTP has
**         none).
** Holds:  a second try here happens only on a kept connection that turned out closed, before a byte of the
**         content was given out.
*/
#include "link/smtp.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "link/ca.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mbedtls/ssl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MS_DEFAULT 10000
#define TOTAL_MS_DEFAULT   60000 /* a relay may check for viruses before it accepts                      */
#define BODY_IN_MEMORY     ((size_t)256 * 1024) /* what most mails are; larger ones wait on the disk */
#define WIRE_BUFFER        16384L
/* What the kernel takes in advance cannot be known not to have arrived. */
#define SEND_BUFFER (64 * 1024)
#define ADDRESS_MAX 320 /* 64 @ 255: RFC 5321 §4.5.3.1                                           */

/* What curl asks back */

static size_t give_body(char *to, size_t size, size_t count, void *arg)
{
	struct mail *m = arg;
	size_t room = size * count, left = m->body_len - m->given;
	size_t n = left < room ? left : room;
	ssize_t got = (ssize_t)n;

	if (n > 0 && m->body_fd >= 0) do
			got = pread(m->body_fd, to, n, (off_t)m->given);
		while (got < 0 && errno == EINTR);
	else if (n > 0)
		memcpy(to, m->body + m->given, n);
	if (got < 0 || (n > 0 && got == 0)) return CURL_READFUNC_ABORT;
	m->given += (size_t)got;
	return (size_t)got;
}

static size_t drop(char *p, size_t size, size_t count, void *arg)
{
	(void)p, (void)arg;
	return size * count;
}

static size_t take_reply(char *p, size_t size, size_t count, void *arg)
{
	struct mail *m = arg;

	if (m->has_left) return size * count;
	mail_reply_line(&m->reply, p, size * count);
	m->is_answered = m->reply.is_whole;
	if (m->is_answered && m->at == MAIL_AT_DATA && m->reply.code == 354) {
		m->at = MAIL_AT_CONTENT;
		m->is_answered = false;
	}
	return size * count;
}

/* Which command left, by its first word alone: a log-in's other lines are base64 and have neither colon nor
** blank. What was said is looked at, never kept. */
static int see_command(CURL *easy, curl_infotype type, char *p, size_t len, void *arg)
{
	static const struct {
		const char *word;
		enum mail_step at;
	} words[] = {
		{ "EHLO ", MAIL_AT_HELLO },   { "HELO ", MAIL_AT_HELLO },     { "STARTTLS\r\n", MAIL_AT_TLS },
		{ "AUTH ", MAIL_AT_LOGIN },   { "MAIL FROM:", MAIL_AT_FROM }, { "RCPT TO:", MAIL_AT_TO },
		{ "NOOP\r\n", MAIL_AT_FROM },
	};
	struct mail *m = arg;

	(void)easy;
	if (type != CURLINFO_HEADER_OUT) return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (len >= strlen(words[i].word) && memcmp(p, words[i].word, strlen(words[i].word)) == 0)
			m->at = words[i].at;
	if (m->at == MAIL_AT_TO && len >= 6 && memcmp(p, "DATA\r\n", 6) == 0) m->at = MAIL_AT_DATA;
	if (len >= 6 && memcmp(p, "QUIT\r\n", 6) == 0)
		m->has_left = true;
	else
		m->is_answered = false;
	return 0;
}

static int look_around(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct mail *m = arg;

	(void)a, (void)b, (void)c, (void)d;
	return atomic_load(m->is_stopping) ? 1 : 0;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct mail *m = arg;
	char text[INET6_ADDRSTRLEN] = "";
	const int room = SEND_BUFFER;
	int fd;

	(void)purpose;
	if (!m->is_configured) {
		const void *sa = &address->addr;

		if (address->family == AF_INET)
			inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, text, sizeof(text));
		else if (address->family == AF_INET6)
			inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)sa)->sin6_addr, text,
				  sizeof(text));
		if (!guard_allows(text)) {
			m->is_denied = true;
			return CURL_SOCKET_BAD;
		}
	}
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return fd;
}

/* Trust */

static CURLcode hang_trust(CURL *easy, void *config, void *arg)
{
	struct courier *c = arg;
	mbedtls_x509_crt *chain = &c->ca;

	(void)easy;
	if (c->ca_file == NULL && ca_chain(&chain) != RC_OK) return CURLE_SSL_CACERT_BADFILE;
	if (chain->raw.len == 0) return CURLE_SSL_CACERT_BADFILE; /* the file has none */
	mbedtls_ssl_conf_ca_chain(config, chain, NULL);
	return CURLE_OK;
}

void courier_rest(struct courier *c)
{
	if (c->easy != NULL) curl_easy_cleanup(c->easy); /* its connections use the list below */
	c->easy = NULL;
	if (c->ca_file != NULL) mbedtls_x509_crt_free(&c->ca);
	mem_free(c->ca_file);
	c->ca_file = NULL;
}

/* A handle whose connections trust what this mail trusts. A file that cannot be read trusts nobody. */
static bool ready(struct courier *c, const struct mail *m)
{
	const char *had = c->ca_file != NULL ? c->ca_file : "";

	if (c->easy != NULL && strcmp(had, m->ca_file) == 0) return true;
	courier_rest(c);
	if (m->ca_file[0] != '\0') {
		c->ca_file = mem_text(m->ca_file);
		if (c->ca_file == NULL) return false;
		mbedtls_x509_crt_init(&c->ca);
		(void)mbedtls_x509_crt_parse_file(&c->ca, c->ca_file);
	}
	c->easy = curl_easy_init();
	return c->easy != NULL;
}

/* One mail */

static bool prepare(struct courier *c, struct mail *m, struct curl_slist *to, bool is_fresh)
{
	CURL *e = c->easy;
	CURLcode bad = CURLE_OK;

	m->given = 0;
	m->has_left = m->is_denied = m->is_answered = false;
	m->at = MAIL_AT_BANNER;
	memset(&m->reply, 0, sizeof(m->reply));
	m->error[0] = '\0';
	curl_easy_reset(e); /* kept connections stay */
	bad |= curl_easy_setopt(e, CURLOPT_URL, m->url);
	bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	bad |= curl_easy_setopt(e, CURLOPT_USE_SSL,
				(long)(m->security == MAIL_STARTTLS ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, m->error);
	bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_PROXY, "");
	bad |= curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
	bad |= curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)MAIL_IDLE_S);
	bad |= curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, WIRE_BUFFER);
	bad |= curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, is_fresh ? 1L : 0L);
	bad |= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)m->connect_ms);
	bad |= curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)m->total_ms);
	bad |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_reply);
	bad |= curl_easy_setopt(e, CURLOPT_HEADERDATA, m);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, drop);
	bad |= curl_easy_setopt(e, CURLOPT_VERBOSE, 1L); /* else no debug callback */
	bad |= curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, see_command);
	bad |= curl_easy_setopt(e, CURLOPT_DEBUGDATA, m);
	bad |= curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
	bad |= curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, look_around);
	bad |= curl_easy_setopt(e, CURLOPT_XFERINFODATA, m);
	bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, m);
	bad |= curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, hang_trust);
	bad |= curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, c);
	if (m->user[0] != '\0') {
		bad |= curl_easy_setopt(e, CURLOPT_USERNAME, m->user);
		bad |= curl_easy_setopt(e, CURLOPT_PASSWORD, m->password);
		bad |= curl_easy_setopt(e, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
	}
	if (to == NULL) {
		bad |= curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, "NOOP");
		return bad == CURLE_OK;
	}
	bad |= curl_easy_setopt(e, CURLOPT_MAIL_FROM, m->from);
	bad |= curl_easy_setopt(e, CURLOPT_MAIL_RCPT, to);
	bad |= curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)m->body_len);
	bad |= curl_easy_setopt(e, CURLOPT_READFUNCTION, give_body);
	bad |= curl_easy_setopt(e, CURLOPT_READDATA, m);
	return bad == CURLE_OK;
}

/* A kept connection that the server had given up, found out before anything of the mail was given out. */
static bool is_stale(struct courier *c, const struct mail *m, CURLcode code)
{
	long made = 1;

	curl_easy_getinfo(c->easy, CURLINFO_NUM_CONNECTS, &made);
	if (made != 0 || m->given != 0 || code == CURLE_OK || code == CURLE_OPERATION_TIMEDOUT ||
	    code == CURLE_ABORTED_BY_CALLBACK)
		return false;
	return m->reply.code == 421 || m->reply.code < 400;
}

/* What a person reads; curl's own words go to the log. */
static const char *reason(const struct mail *m, CURLcode code, enum mail_fault fault)
{
	if (m->is_denied) return N_("the address is private or special and this URL was not configured");
	if (fault == MAIL_FAULT_NO_TLS) return N_("the server offers no secured connection (STARTTLS)");
	if (fault == MAIL_FAULT_UNTRUSTED) return N_("the server's certificate is not trusted");
	if (fault == MAIL_FAULT_LOGIN) return N_("the server offers no way to log in that is known here");
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST: return N_("the name of the server could not be found");
	case CURLE_COULDNT_CONNECT: return N_("the server could not be reached");
	case CURLE_OPERATION_TIMEDOUT: return N_("no answer came in time");
	case CURLE_SSL_CONNECT_ERROR: return N_("the connection could not be secured");
	case CURLE_WEIRD_SERVER_REPLY: return N_("the answer is not that of a mail server");
	default: return N_("the connection was cut before an answer came");
	}
}

/* A server that repeats a log-in must not bring the password into a log. */
static void mask(struct mail_reply *r, const char *secret)
{
	size_t len = strlen(secret);
	char *p;

	while (len > 0 && (p = strstr(r->text, secret)) != NULL)
		memset(p, '*', len);
}

static void conclude(struct mail *m, CURLcode code)
{
	struct http_answer *a = &m->answer;
	struct mail_evidence e = { .code = code,
				   .status = m->reply.is_whole ? m->reply.code : 0,
				   .at = m->at,
				   .is_answered = m->is_answered,
				   .is_given = m->given == m->body_len };

	a->end = mail_outcome(&e, &a->fault);
	if (a->end == HTTP_NOT_SENT && code == CURLE_ABORTED_BY_CALLBACK && atomic_load(m->is_stopping))
		a->fault = MAIL_FAULT_HURRY;
	a->status = e.status;
	a->at = m->at;
	if (strlen(m->password) >= 4) mask(&m->reply, m->password);
	a->body = (struct bytes){ .p = m->reply.text, .len = m->reply.len };
	a->error[0] = '\0';
	if (a->end != HTTP_DONE) {
		char quoted[LOG_QUOTE_SIZE];

		snprintf(a->error, sizeof(a->error), "%s", reason(m, code, a->fault));
		log_event(LOG_INFO, "outbox", "link.mail_failed",
			  "purpose=%s end=%d curl=%d at=%d status=%d detail=%s", m->purpose, (int)a->end,
			  (int)code, (int)a->at, a->status,
			  log_quote(quoted, m->error[0] != '\0' ? m->error : curl_easy_strerror(code)));
	}
}

void courier_carry(struct courier *c, struct mail *m)
{
	struct curl_slist to = { .data = (char *)(uintptr_t)m->to };
	int64_t started = clock_ticks();
	CURLcode code = CURLE_OUT_OF_MEMORY;

	for (int again = 0; again < 2; again++) {
		if (!ready(c, m) || !prepare(c, m, m->to[0] != '\0' ? &to : NULL, again > 0)) break;
		code = curl_easy_perform(c->easy);
		if (!is_stale(c, m, code)) break;
	}
	conclude(m, code);
	m->answer.ms = clock_ticks() - started;
}

/* Taking one */

/* An address as it may stand between the angle brackets of MAIL and RCPT. */
static bool is_address(const char *text)
{
	size_t n = 0;

	for (; text[n] != '\0'; n++)
		if (text[n] <= ' ' || text[n] >= 0x7f || text[n] == '<' || text[n] == '>') return false;
	return n > 0 && n <= ADDRESS_MAX && strchr(text, '@') != NULL;
}

static bool is_clean(const char *text)
{
	return strpbrk(text, "\r\n") == NULL;
}

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/* A mail of 20 MB may wait for its server for minutes: on the disk it costs no memory meanwhile. Where there
** is no such file it is kept in memory. */
static enum rc take_body(struct mail *m, const struct mail_envelope *v, struct bytes body, const char *dir)
{
	char path[PATH_MAX];
	size_t done = 0;

	if (v->has_file) {
		m->body_len = v->file_len;
		m->body_fd = fcntl(v->file, F_DUPFD_CLOEXEC, 3);
		return m->body_fd < 0 ? RC_IO : RC_OK;
	}
	m->body_len = body.len;
	if (body.len > BODY_IN_MEMORY && dir != NULL &&
	    snprintf(path, sizeof(path), "%s/tmp", dir) < PATH_MAX)
		m->body_fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (m->body_fd < 0) {
		m->body = mem_alloc(body.len + 1);
		if (m->body == NULL) return RC_NO_MEMORY;
		if (body.len > 0) memcpy(m->body, body.p, body.len);
		return RC_OK;
	}
	while (done < body.len) {
		ssize_t n = write(m->body_fd, body.p + done, body.len - done);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return RC_IO;
		done += (size_t)n;
	}
	return RC_OK;
}

enum rc mail_take(struct mail **out, const struct http_request *r, const char *dir)
{
	const struct mail_envelope *v = r->mail;
	const char *texts[] = { or_empty(r->url),  or_empty(v->from),     or_empty(v->to),
				or_empty(v->user), or_empty(v->password), or_empty(v->ca_file) };
	const char **places[6];
	struct mail *m;
	size_t need = 0, at = 0;
	enum rc rc;

	for (size_t i = 0; i < 6; i++) {
		if (!is_clean(texts[i])) return RC_BAD_INPUT;
		need += strlen(texts[i]) + 1;
	}
	if (strncasecmp(texts[0], v->security == MAIL_TLS ? "smtps://" : "smtp://",
			v->security == MAIL_TLS ? 8 : 7) != 0)
		return RC_BAD_INPUT;
	if (v->to != NULL && (!is_address(texts[1]) || !is_address(texts[2]) ||
			      (v->has_file ? v->file_len : r->body.len) == 0))
		return RC_BAD_INPUT;
	m = mem_zeroed(sizeof(*m));
	if (m == NULL) return RC_NO_MEMORY;
	m->body_fd = -1;
	m->copy = mem_alloc(need);
	rc = m->copy != NULL ? take_body(m, v, r->body, dir) : RC_NO_MEMORY;
	if (rc != RC_OK) {
		mail_free(m);
		return rc;
	}
	places[0] = &m->url, places[1] = &m->from, places[2] = &m->to;
	places[3] = &m->user, places[4] = &m->password, places[5] = &m->ca_file;
	for (size_t i = 0; i < 6; i++) {
		size_t len = strlen(texts[i]) + 1;

		*places[i] = memcpy(m->copy + at, texts[i], len);
		at += len;
	}
	m->security = v->security;
	m->connect_ms = r->connect_ms > 0 ? r->connect_ms : CONNECT_MS_DEFAULT;
	m->total_ms = r->total_ms > 0 ? r->total_ms : TOTAL_MS_DEFAULT;
	m->is_configured = r->is_configured;
	snprintf(m->purpose, sizeof(m->purpose), "%s", or_empty(r->purpose));
	*out = m;
	return RC_OK;
}

void mail_free(struct mail *m)
{
	if (m->body_fd >= 0) close(m->body_fd);
	mem_free(m->body);
	mem_free(m->copy);
	mem_free(m);
}
