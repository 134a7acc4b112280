/*
** transfer.c -- one request on its way: what curl is told, what it asks back, what comes of it.
**
** Owns:   one easy handle, the copy of the request, the buffers of the answer.
** Needs:  ca.h for trust, guard.c for addresses.
** Never:  hands curl a body it could send again by itself (no POST fields, no seek), unless the call may
**         repeat.
** Holds:  (1) a request that must not repeat passes before_request() at most once; (2) without a body it
**         rides a connection of its own, because curl repeats such a request on a cut one; (3) the answer
**         never grows past its limit; (4) neither URL nor header values reach the error text; (5) a request
**         that must not repeat is not written to a kept connection that the other side has closed: it starts
**         once more, on a new one.
*/
#include "link/transfer.h"

#include "base/clock.h"
#include "base/mem.h"
#include "link/ca.h"

#include <arpa/inet.h>
#include <errno.h>
#include <mbedtls/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MS_DEFAULT 10000                /* the contracts' advice: a dead host is known in 10 s     */
#define TOTAL_MS_DEFAULT   30000                /* and an answer that takes longer is none                 */
#define ANSWER_DEFAULT     ((size_t)256 * 1024) /* JSON answers are a hundredth of it                      */
#define ANSWER_MOST        ((size_t)64 * 1024 * 1024)
/* more is no file that we would read */
#define SINK_MOST ((size_t)2 * 1024 * 1024 * 1024 - 1)
/* a head of 16 headers and a body that goes with it */
#define OUT_MOST          ((size_t)256 * 1024)
#define REDIRECTS_MAX     5L                  /* www, https, language: three are seen, more is a loop    */
#define IDLE_CONNECTION_S 5L                  /* servers and NATs drop idle ones silently: design §8     */
#define BUFFER_KEPT       ((size_t)64 * 1024) /* what a transfer at rest may hold on to                  */
#define WIRE_BUFFER       16384L              /* curl's send buffer: 64 kB by default, times every call  */

/* What curl asks back */

static size_t give_body(char *to, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t room = size * count, left = t->body.len - t->body_at;
	size_t n = left < room ? left : room;

	if (n > 0) memcpy(to, t->body.p + t->body_at, n);
	t->body_at += n;
	return n;
}

/* Only set for calls that may repeat. */
static int rewind_body(void *arg, curl_off_t offset, int origin)
{
	struct transfer *t = arg;

	if (origin != SEEK_SET || offset < 0 || (size_t)offset > t->body.len) return CURL_SEEKFUNC_FAIL;
	t->body_at = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* Into the caller's file: of a 200 only, a page of an error is not what was asked for. */
static size_t sink_body(struct transfer *t, const char *p, size_t n)
{
	if (n > t->sink_max - (size_t)t->sunk) {
		t->is_too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	for (size_t at = 0; at < n;) {
		ssize_t wrote = write(t->sink_fd, p + at, n - at);

		if (wrote < 0 && errno == EINTR) continue;
		if (wrote <= 0) {
			t->is_sink_full = true;
			return CURL_WRITEFUNC_ERROR;
		}
		at += (size_t)wrote;
		t->sunk += wrote;
	}
	return n;
}

static bool is_for_sink(const struct transfer *t)
{
	long status = 0;

	return t->has_sink && curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
	       status == 200;
}

static bool keep_body(void *arg, const char *p, size_t n)
{
	struct transfer *t = arg;

	if (n <= t->answer_max - t->received.len) {
		sb_bytes(&t->received, p, n);
		if (sb_result(&t->received) == RC_OK) return true;
	}
	t->is_too_large = true;
	return false;
}

static size_t take_body(char *p, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t n = size * count;

	if (is_for_sink(t)) return sink_body(t, p, n);
	return keep_body(t, p, n) ? n : CURL_WRITEFUNC_ERROR;
}

static void keep_header(void *arg, const char *line, size_t len)
{
	struct transfer *t = arg;

	answer_take_header(&t->answer, line, len);
}

static size_t take_header(char *p, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;

	answer_take_header(&t->answer, p, size * count);
	return size * count;
}

/* Refusing here keeps a stranger's URL from even knocking at an address of the house. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *t = arg;
	char text[INET6_ADDRSTRLEN] = "";
	int fd;

	(void)purpose;
	if (!t->is_configured) {
		if (address->family == AF_INET)
			inet_ntop(AF_INET,
				  &((const struct sockaddr_in *)(const void *)&address->addr)->sin_addr, text,
				  sizeof(text));
		else if (address->family == AF_INET6)
			inet_ntop(AF_INET6,
				  &((const struct sockaddr_in6 *)(const void *)&address->addr)->sin6_addr,
				  text, sizeof(text));
		if (!guard_allows(text)) {
			t->is_denied = true;
			return CURL_SOCKET_BAD;
		}
	}
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd >= 0) watches_opened(t->watches, fd);
	return fd;
}

/* Maybe long after the transfer that opened it: hence not a transfer. */
static int close_socket(void *arg, curl_socket_t fd)
{
	watches_closed(arg, fd);
	return close(fd);
}

/* The other side has hung up: what is written now is lost. curl looks itself, but not at a connection that it
** looked at less than a second ago (8.22, conncache.c). */
static bool has_hung_up(const struct transfer *t)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	struct pollfd look = { .events = POLLRDHUP };

	if (curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD)
		return false;
	look.fd = fd;
	return poll(&look, 1, 0) == 1 && (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* Connected, nothing sent yet; also on a kept connection, after a redirect, and when curl wants to try
** again. */
static int before_request(void *arg, char *remote, char *local, int remote_port, int local_port)
{
	struct transfer *t = arg;
	bool is_elsewhere = t->begun > 0 && strcmp(remote, t->first_address) != 0;

	(void)local, (void)remote_port, (void)local_port;
	if (t->begun > 0 && !t->may_repeat) return CURL_PREREQFUNC_ABORT;
	if (!t->may_repeat && !t->is_second && has_hung_up(t)) {
		t->is_stale = true;
		return CURL_PREREQFUNC_ABORT;
	}
	/* A redirect may not lead from a configured host to another one inside the house. */
	if ((!t->is_configured || is_elsewhere) && !guard_allows(remote)) {
		t->is_denied = true;
		return CURL_PREREQFUNC_ABORT;
	}
	t->is_denied = false; /* one of several addresses was refused, this one is good */
	if (t->begun == 0) snprintf(t->first_address, sizeof(t->first_address), "%s", remote);
	t->begun++;
	return CURL_PREREQFUNC_OK;
}

CURLcode transfer_trust(CURL *easy, void *config, char *error)
{
	mbedtls_x509_crt *chain = NULL;

	(void)easy;
	if (ca_chain(&chain) != RC_OK) {
		snprintf(error, CURL_ERROR_SIZE, "no certificate authorities on this host");
		return CURLE_SSL_CACERT_BADFILE;
	}
	mbedtls_ssl_conf_ca_chain(config, chain, NULL);
	return CURLE_OK;
}

static CURLcode hang_trust(CURL *easy, void *config, void *arg)
{
	struct transfer *t = arg;

	return transfer_trust(easy, config, t->error);
}

/* Life */

/* What is the same for every call is said once. */
static bool set_constants(struct transfer *t)
{
	CURL *e = t->easy;
	CURLcode bad = CURLE_OK;

	bad |= curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
	bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_USERAGENT, "recado/" RECADO_VERSION);
	bad |= curl_easy_setopt(e, CURLOPT_PROXY, "");
	bad |= curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
	bad |= curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	bad |= curl_easy_setopt(e, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	bad |= curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_S);
	bad |= curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, WIRE_BUFFER);
	bad |= curl_easy_setopt(e, CURLOPT_BUFFERSIZE, WIRE_BUFFER);
	bad |= curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_READFUNCTION, give_body);
	bad |= curl_easy_setopt(e, CURLOPT_READDATA, t);
	bad |= curl_easy_setopt(e, CURLOPT_SEEKDATA, t);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	bad |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
	bad |= curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
	bad |= curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	bad |= curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, t->watches);
	bad |= curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, before_request);
	bad |= curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
	bad |= curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, hang_trust);
	bad |= curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, t);
	bad |= curl_easy_setopt(e, CURLOPT_HTTPHEADER, &t->lines[0]); /* always the same place */
	return bad == CURLE_OK;
}

struct transfer *transfer_new(struct watches *watches)
{
	struct transfer *t = mem_zeroed(sizeof(*t));

	if (t == NULL) return NULL;
	t->watches = watches;
	sb_init(&t->received, ANSWER_MOST);
	sb_init(&t->out, OUT_MOST);
	intake_init(&t->intake);
	t->intake.take_header = keep_header;
	t->intake.take_body = keep_body;
	t->intake.arg = t;
	t->easy = curl_easy_init();
	if (t->easy == NULL || !set_constants(t)) {
		transfer_free(t);
		return NULL;
	}
	return t;
}

void transfer_free(struct transfer *t)
{
	if (t == NULL) return;
	if (t->easy != NULL) curl_easy_cleanup(t->easy);
	sb_free(&t->received);
	sb_free(&t->out);
	intake_free(&t->intake);
	mem_free(t->copy);
	mem_free(t);
}

/* The request */

static size_t put(struct transfer *t, size_t at, const char *p, size_t len)
{
	if (len > 0) memcpy(t->copy + at, p, len);
	t->copy[at + len] = '\0';
	return at + len + 1;
}

static bool is_broken(const char *line)
{
	return strpbrk(line, "\r\n") != NULL;
}

/* The caller's headers, and two that curl would add unasked: an Expect that costs a second, a form's
** Content-Type. */
static void link_lines(struct transfer *t, size_t count, bool has_type)
{
	static char no_expect[] = "Expect:", no_type[] = "Content-Type:";

	t->lines[count++].data = no_expect;
	if (!has_type) t->lines[count++].data = no_type;
	for (size_t i = 0; i < count; i++)
		t->lines[i].next = i + 1 < count ? &t->lines[i + 1] : NULL;
}

enum rc transfer_take(struct transfer *t, const struct http_request *r)
{
	size_t need, at = 0, count = 0;
	bool has_type = false;

	if (r->url == NULL || r->url[0] == '\0' || r->method == NULL || r->method[0] == '\0')
		return RC_BAD_INPUT;
	if (is_broken(r->url) || is_broken(r->method)) return RC_BAD_INPUT;
	need = strlen(r->url) + strlen(r->method) + r->body.len + 3;
	for (; count < HTTP_HEADERS_MAX && r->headers[count] != NULL; count++) {
		if (is_broken(r->headers[count])) return RC_BAD_INPUT;
		need += strlen(r->headers[count]) + 1;
	}
	if (need > t->copy_size) {
		char *bigger = mem_realloc(t->copy, need);

		if (bigger == NULL) return RC_NO_MEMORY;
		t->copy = bigger;
		t->copy_size = need;
	}
	t->url = t->copy;
	at = put(t, at, r->url, strlen(r->url));
	t->method = t->copy + at;
	at = put(t, at, r->method, strlen(r->method));
	for (size_t i = 0; i < count; i++) {
		t->lines[i].data = t->copy + at;
		if (strncasecmp(r->headers[i], "content-type:", 13) == 0) has_type = true;
		at = put(t, at, r->headers[i], strlen(r->headers[i]));
	}
	link_lines(t, count, has_type);
	t->body = (struct bytes){ .p = t->copy + at, .len = r->body.len };
	put(t, at, r->body.p, r->body.len);
	snprintf(t->purpose, sizeof(t->purpose), "%s", r->purpose == NULL ? "" : r->purpose);
	t->answer_max = r->answer_max > 0 ? r->answer_max : ANSWER_DEFAULT;
	t->has_sink = r->has_sink;
	t->sink_fd = r->sink_fd;
	t->sink_max = t->answer_max < SINK_MOST ? t->answer_max : SINK_MOST;
	if (t->has_sink && t->answer_max > ANSWER_DEFAULT) t->answer_max = ANSWER_DEFAULT;
	if (t->answer_max > ANSWER_MOST) t->answer_max = ANSWER_MOST;
	t->connect_ms = r->connect_ms > 0 ? r->connect_ms : CONNECT_MS_DEFAULT;
	t->total_ms = r->total_ms > 0 ? r->total_ms : TOTAL_MS_DEFAULT;
	t->may_repeat = r->may_repeat;
	t->no_redirects = r->no_redirects;
	t->is_configured = r->is_configured;
	t->is_tls = strncasecmp(r->url, "https:", 6) == 0;
	return RC_OK;
}

/* GET, HEAD and body-less calls keep their own word; whatever has a body, and POST always, is sent as curl
** sends a POST whose length is known, with the caller's method in its first line. */
static CURLcode set_method(struct transfer *t)
{
	CURL *e = t->easy;
	bool is_post = strcmp(t->method, "POST") == 0, is_head = strcmp(t->method, "HEAD") == 0;
	bool is_get = strcmp(t->method, "GET") == 0;
	const char *word = is_post || is_head || is_get ? NULL : t->method;
	CURLcode bad;

	if (t->body.len > 0 || is_post) {
		bad = curl_easy_setopt(e, CURLOPT_POST, 1L);
		if (is_head || is_get) word = t->method;
	} else if (is_head) {
		bad = curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	} else {
		bad = curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
	}
	return bad | curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, word);
}

static void remember(char *to, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len < size)
		memcpy(to, text, len + 1);
	else
		to[0] = '\0';
}

/* Each word to curl costs a copy or a parse, and the outbox says the same thing a hundred thousand times. */
static CURLcode tell(struct transfer *t)
{
	CURL *e = t->easy;
	struct told *told = &t->told;
	bool has_body = t->body.len > 0, is_lone = (!t->may_repeat && !has_body) || t->is_second,
	     is_first = !told->is_any;
	bool follows = t->may_repeat && !t->no_redirects;
	const char *schemes = t->is_configured ? "http,https" : "https";
	CURLcode bad = CURLE_OK;

	told->is_any = false; /* until all went well */
	if (is_first || strcmp(told->url, t->url) != 0) bad |= curl_easy_setopt(e, CURLOPT_URL, t->url);
	if (is_first || strcmp(told->method, t->method) != 0 || told->has_body != has_body)
		bad |= set_method(t);
	bad |= curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.len);
	if (is_first || told->connect_ms != t->connect_ms)
		bad |= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)t->connect_ms);
	if (is_first || told->total_ms != t->total_ms)
		bad |= curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)t->total_ms);
	if (is_first || told->may_repeat != t->may_repeat) {
		bad |= curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, t->may_repeat ? rewind_body : NULL);
	}
	if (is_first || told->follows != follows)
		bad |= curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, follows ? 1L : 0L);
	if (is_first || told->is_lone != is_lone)
		bad |= curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, is_lone ? 1L : 0L);
	if (is_first || told->is_configured != t->is_configured) {
		bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, schemes);
		bad |= curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
	}
	if (bad != CURLE_OK) return bad;
	*told = (struct told){ .is_any = true,
			       .has_body = has_body,
			       .follows = follows,
			       .may_repeat = t->may_repeat,
			       .is_configured = t->is_configured,
			       .is_lone = is_lone,
			       .connect_ms = t->connect_ms,
			       .total_ms = t->total_ms };
	remember(told->url, sizeof(told->url), t->url);
	remember(told->method, sizeof(told->method), t->method);
	return CURLE_OK;
}

void transfer_prepare_line(struct transfer *t)
{
	t->begun = 0;
	t->is_too_large = t->is_denied = t->is_sink_full = false;
	t->sunk = 0;
	t->error[0] = '\0';
	t->answer.header_count = 0;
	t->started = clock_ticks();
	t->is_on_line = true;
}

enum rc transfer_prepare(struct transfer *t)
{
	transfer_prepare_line(t);
	t->is_on_line = false;
	t->body_at = 0;
	t->is_second = t->is_stale;
	t->is_stale = false;
	t->first_address[0] = '\0';
	return tell(t) == CURLE_OK ? RC_OK : RC_NO_MEMORY;
}

/* The end */

/* What a person reads; curl's own words go to the log. */
static const char *reason(const struct transfer *t, CURLcode code)
{
	static const struct {
		CURLcode code;
		const char *msgid;
	} rows[] = {
		{ CURLE_COULDNT_RESOLVE_HOST, N_("the name of the server could not be found") },
		{ CURLE_COULDNT_CONNECT, N_("the server could not be reached") },
		{ CURLE_OPERATION_TIMEDOUT, N_("no answer came in time") },
		{ CURLE_GOT_NOTHING, N_("the connection was cut before an answer came") },
		{ CURLE_RECV_ERROR, N_("the connection was cut before an answer came") },
		{ CURLE_SEND_ERROR, N_("the connection was cut before an answer came") },
		{ CURLE_PARTIAL_FILE, N_("the connection was cut in the middle of the answer") },
		{ CURLE_SSL_CONNECT_ERROR, N_("the connection could not be secured") },
		{ CURLE_PEER_FAILED_VERIFICATION, N_("the server's certificate is not trusted") },
		{ CURLE_WEIRD_SERVER_REPLY, N_("the answer is not HTTP") },
		{ CURLE_UNSUPPORTED_PROTOCOL, N_("the answer is not HTTP") },
	};

	if (t->is_denied) return N_("the address is private or special and this URL was not configured");
	if (t->is_too_large) return N_("the answer is larger than allowed");
	if (t->is_sink_full) return N_("the file that comes in could not be written");
	if (t->begun > 0 && !t->may_repeat &&
	    (code == CURLE_ABORTED_BY_CALLBACK || code == CURLE_SEND_FAIL_REWIND))
		return N_("the connection was cut before an answer came");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == code) return rows[i].msgid;
	return t->error[0] != '\0' ? t->error : curl_easy_strerror(code);
}

void transfer_finish(struct transfer *t, CURLcode code)
{
	struct http_answer *a = &t->answer;
	struct evidence e = { .code = code,
			      .begun = t->begun,
			      .is_tls = t->is_tls,
			      .is_too_large = t->is_too_large,
			      .is_denied = t->is_denied };
	long status = 0, sent = 0;

	if (t->is_on_line) {
		e.status = t->intake.status;
		e.request_size = (int64_t)t->given;
	} else {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
		e.status = (int)status;
		e.request_size = sent;
	}
	a->end = outcome_of(&e);
	a->status = a->end == HTTP_NOT_SENT ? 0 : e.status;
	a->body = (struct bytes){ .p = sb_text_of(&t->received), .len = t->received.len };
	a->sunk = t->sunk;
	a->is_too_large = t->is_too_large;
	a->error[0] = '\0';
	if (a->end != HTTP_DONE) {
		char quoted[LOG_QUOTE_SIZE];

		snprintf(a->error, sizeof(a->error), "%.*s", (int)sizeof(a->error) - 1, reason(t, code));
		log_event(LOG_INFO, "outbox", "link.failed", "end=%d curl=%d detail=%s", (int)a->end,
			  (int)code,
			  log_quote(quoted, t->error[0] != '\0' ? t->error : curl_easy_strerror(code)));
	}
	a->ms = clock_ticks() - t->started;
}

void transfer_clear(struct transfer *t)
{
	if (t->received.cap > BUFFER_KEPT)
		sb_free(&t->received);
	else
		sb_clear(&t->received);
	if (t->copy_size > BUFFER_KEPT) {
		mem_free(t->copy);
		t->copy = NULL;
		t->copy_size = 0;
	}
	t->answer.header_count = 0;
	t->done = NULL;
	t->arg = NULL;
}
