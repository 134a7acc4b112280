/*
** line.c -- lines that stay open between two messages: dial, write, read, keep.
**
**   (none) --lines_start--> dialling --curl is done--> busy --answer whole, to be kept--> idle --> busy …
**                               '------- any trouble, time, the far side hangs up --------'--> (none)
**
** Owns:   one easy handle and connection a line; the last address that was taken apart.
** Needs:  intake.h for answers; transfer.h for what the caller wants; curl to dial and for TLS.
** Never:  writes a byte of a request twice, or a request to two lines: once something of it was written it
**         ends with that line; writes to a line that the far side has closed, as far as that can be seen;
**         keeps a line whose answer did not say where it ends; follows a redirect, answers a challenge, asks
**         for compression; goes through a proxy.
** Holds:  (1) t->given counts every byte that the kernel or TLS took; t->begun is set before the first; (2) a
**         line has a transfer exactly while it is dialling or busy; (3) idle lines are closed after
**         LINE_IDLE_MS (design §8); (4) both the whole head and a small body leave in one write; (5) curl
**         never takes a line away that has begun: from the first curl_easy_send() on it counts as in use
**         (8.22, conncache.c); one that it took away before has sent nothing.
*/
#include "link/line.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINES_MOST   320  /* as many as run at a time, and idle ones of other addresses                     */
#define LINE_IDLE_MS 5000 /* servers and NATs drop idle connections silently: design §8                     */
#define BODY_JOINED  ((size_t)64 * 1024) /* a body up to this leaves with its head in one write             */
#define OUT_KEPT     ((size_t)16 * 1024) /* what a transfer at rest may hold on to                          */
#define PIECE        16384               /* of an answer, at a time: a TLS record                           */
#define URL_SIZE     400                 /* longer ones are libcurl's                                       */

enum line_state { LINE_NONE, LINE_DIALLING, LINE_BUSY, LINE_IDLE };

struct line {
	enum line_state state;
	CURL *easy;
	int fd;
	bool is_tls, wants_out;
	int64_t idle_ticks;
	struct transfer *t; /* dialling and busy */
	char origin[URL_SIZE + 8];
	char error[CURL_ERROR_SIZE];
};

/* A URL taken apart. */
struct target {
	char url[URL_SIZE], origin[URL_SIZE + 8], host[URL_SIZE], path[2 * URL_SIZE];
};

struct lines {
	CURLM *multi;
	int epoll_fd;
	struct watches *watches;
	size_t size, used; /* places there may be; those ever used are the first so many */
	struct transfer *ended, **ended_end;
	struct target target; /* of the last call: the outbox writes to one address for hours */
	struct line of[];     /* size of them */
};

struct lines *lines_new(CURLM *multi, int epoll_fd, struct watches *watches, size_t calls_max)
{
	size_t size = calls_max + calls_max / 4 + 1 < LINES_MOST ? calls_max + calls_max / 4 + 1 : LINES_MOST;
	struct lines *ls = mem_zeroed(sizeof(*ls) + size * sizeof(ls->of[0]));

	if (ls == NULL) return NULL;
	ls->multi = multi;
	ls->epoll_fd = epoll_fd;
	ls->watches = watches;
	ls->size = size;
	ls->ended_end = &ls->ended;
	return ls;
}

/* curl closes the connection with it, at once and without TLS's good-bye. Its number may be given away before
** we look again. */
static void cut(struct lines *ls, struct line *l)
{
	if (l->easy == NULL) return;
	if (l->fd >= 0) (void)epoll_ctl(ls->epoll_fd, EPOLL_CTL_DEL, l->fd, NULL);
	curl_multi_remove_handle(ls->multi, l->easy);
	curl_easy_cleanup(l->easy);
	memset(l, 0, sizeof(*l));
}

void lines_free(struct lines *ls)
{
	if (ls == NULL) return;
	for (size_t i = 0; i < ls->used; i++)
		cut(ls, &ls->of[i]);
	mem_free(ls);
}

/* Addresses */

/* "" when there is none. False: it does not fit. */
static bool part(CURLU *u, CURLUPart what, char *to, size_t size)
{
	char *text = NULL;
	bool fits = true;

	to[0] = '\0';
	if (curl_url_get(u, what, &text, 0) != CURLUE_OK) return true;
	fits = strlen(text) < size;
	if (fits) memcpy(to, text, strlen(text) + 1);
	curl_free(text);
	return fits;
}

static bool take_parts(struct target *to, CURLU *u)
{
	char scheme[8], host[URL_SIZE - 16], port[8], path[URL_SIZE], query[URL_SIZE], user[2], password[2];
	bool is_tls;

	if (!part(u, CURLUPART_SCHEME, scheme, sizeof(scheme)) ||
	    !part(u, CURLUPART_HOST, host, sizeof(host)) || !part(u, CURLUPART_PORT, port, sizeof(port)) ||
	    !part(u, CURLUPART_PATH, path, sizeof(path)) || !part(u, CURLUPART_QUERY, query, sizeof(query)) ||
	    !part(u, CURLUPART_USER, user, sizeof(user)) ||
	    !part(u, CURLUPART_PASSWORD, password, sizeof(password)))
		return false;
	is_tls = strcmp(scheme, "https") == 0;
	if ((!is_tls && strcmp(scheme, "http") != 0) || host[0] == '\0' || user[0] != '\0' ||
	    password[0] != '\0')
		return false;
	if (strcmp(port, is_tls ? "443" : "80") == 0) port[0] = '\0';
	snprintf(to->host, sizeof(to->host), "%s%s%s", host, port[0] != '\0' ? ":" : "", port);
	memcpy(to->origin, scheme, strlen(scheme) + 1);
	memcpy(to->origin + strlen(scheme), "://", 4);
	memcpy(to->origin + strlen(scheme) + 3, to->host, strlen(to->host) + 1);
	snprintf(to->path, sizeof(to->path), "%s%s%s", path, query[0] != '\0' ? "?" : "", query);
	return true;
}

static bool take_apart(struct target *to, const char *url)
{
	CURLU *u;
	bool is_fine;

	if (strcmp(to->url, url) == 0) return true;
	to->url[0] = '\0';
	if (strlen(url) >= sizeof(to->url) || (u = curl_url()) == NULL) return false;
	is_fine = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK && take_parts(to, u);
	curl_url_cleanup(u);
	if (is_fine) memcpy(to->url, url, strlen(url) + 1);
	return is_fine;
}

static bool begins(const char *line, const char *name)
{
	return strncasecmp(line, name, strlen(name)) == 0;
}

/* Headers that say where a request ends or what becomes of its line are written here, or by curl. */
static bool is_ours_to_say(const char *line)
{
	switch (line[0] | 0x20) {
	case 'h': return begins(line, "Host:");
	case 'c': return begins(line, "Content-Length:") || begins(line, "Connection:");
	case 't':
		return begins(line, "Transfer-Encoding:") || begins(line, "TE:") || begins(line, "Trailer:");
	case 'e': return begins(line, "Expect:") && line[sizeof("Expect:") - 1] != '\0';
	case 'u': return begins(line, "Upgrade:");
	default: return false;
	}
}

bool lines_suit(const struct transfer *t)
{
	if (t->may_repeat || !t->is_configured || t->body.len == 0 || t->has_sink) return false;
	if (strcmp(t->method, "HEAD") == 0) return false; /* its answer ends elsewhere */
	for (const struct curl_slist *line = &t->lines[0]; line != NULL; line = line->next)
		if (is_ours_to_say(line->data)) return false;
	return true;
}

/* Requests */

/* The head as curl writes it, and a small body behind it. A header without a value is none, as with curl. */
static enum rc compose(struct transfer *t, const struct target *to)
{
	struct sb *b = &t->out;
	bool accepts = false;

	sb_clear(b);
	sb_text(b, t->method);
	sb_lit(b, " ");
	sb_text(b, to->path);
	sb_lit(b, " HTTP/1.1\r\nHost: ");
	sb_text(b, to->host);
	sb_lit(b, "\r\nUser-Agent: recado/" RECADO_VERSION "\r\n");
	for (const struct curl_slist *line = &t->lines[0]; line != NULL; line = line->next) {
		size_t len = strlen(line->data);

		if (begins(line->data, "Accept:")) accepts = true;
		if (len == 0 || line->data[len - 1] == ':') continue;
		sb_bytes(b, line->data, len);
		sb_lit(b, "\r\n");
	}
	if (!accepts) sb_lit(b, "Accept: */*\r\n");
	sb_lit(b, "Content-Length: ");
	sb_int(b, (int64_t)t->body.len);
	sb_lit(b, "\r\n\r\n");
	t->apart = t->body.len;
	if (t->body.len <= BODY_JOINED) {
		sb_bytes(b, t->body.p, t->body.len);
		t->apart = 0;
	}
	return sb_result(b);
}

/* Ends */

static void listen_to(struct lines *ls, struct line *l, bool wants_out)
{
	struct epoll_event ev = { .events = EPOLLIN | (wants_out ? (uint32_t)EPOLLOUT : 0),
				  .data.u64 = LINE_EVENT | (uint64_t)(l - ls->of) };

	l->wants_out = wants_out;
	if (epoll_ctl(ls->epoll_fd, EPOLL_CTL_MOD, l->fd, &ev) == 0 || errno != ENOENT) return;
	(void)epoll_ctl(ls->epoll_fd, EPOLL_CTL_ADD, l->fd, &ev);
}

static void over(struct lines *ls, struct line *l, CURLcode code)
{
	struct transfer *t = l->t;

	if (code != CURLE_OK && l->error[0] != '\0') memcpy(t->error, l->error, sizeof(t->error));
	t->code = code;
	t->ended_next = NULL;
	*ls->ended_end = t;
	ls->ended_end = &t->ended_next;
	l->t = NULL;
	if (code != CURLE_OK || !t->intake.may_keep || t->given < t->out.len + t->apart) {
		cut(ls, l);
		return;
	}
	if (l->wants_out) listen_to(ls, l, false);
	l->state = LINE_IDLE;
	l->idle_ticks = clock_ticks();
}

struct transfer *lines_ended(struct lines *ls)
{
	struct transfer *t = ls->ended;

	if (t == NULL) return NULL;
	ls->ended = t->ended_next;
	if (ls->ended == NULL) ls->ended_end = &ls->ended;
	return t;
}

/* Reading and writing */

static CURLcode code_of(const struct transfer *t)
{
	const struct intake *in = &t->intake;

	if (in->at == INTAKE_WHOLE) return CURLE_OK;
	if (in->at != INTAKE_WRONG) return in->status > 0 ? CURLE_PARTIAL_FILE : CURLE_GOT_NOTHING;
	return in->wrong == INTAKE_LONG_HEAD ? CURLE_TOO_LARGE
	       : in->wrong == INTAKE_REFUSED ? CURLE_WRITE_ERROR
					     : CURLE_WEIRD_SERVER_REPLY;
}

/* All there is. Over a bare connection the poll says when there is more; TLS may hold some back. */
static void read_some(struct lines *ls, struct line *l)
{
	char piece[PIECE];
	size_t n = sizeof(piece);

	while (l->t != NULL && (l->is_tls || n == sizeof(piece))) {
		struct intake *in = &l->t->intake;
		CURLcode code = curl_easy_recv(l->easy, piece, sizeof(piece), &n);

		if (code == CURLE_AGAIN) return;
		if (code != CURLE_OK) {
			over(ls, l, CURLE_RECV_ERROR);
			return;
		}
		if (n > 0)
			intake_take(in, piece, n);
		else
			intake_end(in);
		if (n == 0 || in->at == INTAKE_WHOLE || in->at == INTAKE_WRONG) over(ls, l, code_of(l->t));
	}
}

static void write_some(struct lines *ls, struct line *l)
{
	struct transfer *t = l->t;
	size_t head = t->out.len, whole = head + t->apart;
	CURLcode code = CURLE_OK;

	while (code == CURLE_OK && t->given < whole) {
		const char *p = t->given < head ? t->out.p + t->given : t->body.p + (t->given - head);
		size_t n = 0;

		code = curl_easy_send(l->easy, p, t->given < head ? head - t->given : whole - t->given, &n);
		if (code == CURLE_OK) t->given += n;
		if (code == CURLE_OK && n == 0) code = CURLE_AGAIN;
	}
	if (code == CURLE_OK || code == CURLE_AGAIN) {
		if (l->wants_out != (code == CURLE_AGAIN)) listen_to(ls, l, code == CURLE_AGAIN);
		return;
	}
	/* The far side may have answered before it hung up. */
	read_some(ls, l);
	if (l->t != NULL) over(ls, l, CURLE_SEND_ERROR);
}

static void begin(struct lines *ls, struct line *l)
{
	l->state = LINE_BUSY;
	l->error[0] = '\0';
	l->t->begun = 1;
	write_some(ls, l);
}

/* Dialling */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	(void)purpose;
	if (fd >= 0) watches_opened(arg, fd);
	return fd;
}

static int close_socket(void *arg, curl_socket_t fd)
{
	watches_closed(arg, fd);
	return close(fd);
}

static CURLcode hang_trust(CURL *easy, void *config, void *arg)
{
	struct line *l = arg;

	return transfer_trust(easy, config, l->error);
}

static bool tell(struct lines *ls, struct line *l, const struct transfer *t)
{
	CURL *e = l->easy;
	CURLcode bad = CURLE_OK;

	bad |= curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_URL, t->url);
	bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, l->error);
	bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_PROXY, "");
	bad |= curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
	bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	bad |= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
				(long)(t->connect_ms < t->total_ms ? t->connect_ms : t->total_ms));
	bad |= curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, ls->watches);
	bad |= curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	bad |= curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, ls->watches);
	bad |= curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, hang_trust);
	bad |= curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, l);
	return bad == CURLE_OK;
}

/* A place for a line; an idle one to another address gives way. NULL: each has a call of its own. */
static struct line *place(struct lines *ls)
{
	struct line *oldest = NULL;

	for (size_t i = 0; i < ls->used; i++) {
		struct line *l = &ls->of[i];

		if (l->state == LINE_NONE) return l;
		if (l->state == LINE_IDLE && (oldest == NULL || l->idle_ticks < oldest->idle_ticks))
			oldest = l;
	}
	if (ls->used < ls->size) return &ls->of[ls->used++];
	if (oldest != NULL) cut(ls, oldest);
	return oldest;
}

static enum rc dial(struct lines *ls, struct transfer *t)
{
	struct line *l = place(ls);

	if (l == NULL || (l->easy = curl_easy_init()) == NULL) return RC_NO_MEMORY;
	if (!tell(ls, l, t) || curl_multi_add_handle(ls->multi, l->easy) != CURLM_OK) {
		curl_easy_cleanup(l->easy);
		memset(l, 0, sizeof(*l));
		return RC_NO_MEMORY;
	}
	l->state = LINE_DIALLING;
	l->fd = -1;
	l->is_tls = t->is_tls;
	l->t = t;
	memcpy(l->origin, ls->target.origin, sizeof(l->origin));
	return RC_OK;
}

bool lines_dialled(struct lines *ls, CURL *easy, CURLcode code)
{
	struct line *l = NULL;
	curl_socket_t fd = CURL_SOCKET_BAD;

	for (size_t i = 0; l == NULL && i < ls->used; i++)
		if (ls->of[i].easy == easy) l = &ls->of[i];
	if (l == NULL) return false;
	if (l->state != LINE_DIALLING) return true;
	if (code == CURLE_OK &&
	    (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD))
		code = CURLE_COULDNT_CONNECT;
	if (code != CURLE_OK) {
		over(ls, l, code);
		return true;
	}
	l->fd = fd;
	watches_closed(ls->watches, fd); /* curl wants nothing of it from now on */
	listen_to(ls, l, false);
	begin(ls, l);
	return true;
}

/* Calls */

/* A byte that nobody asked for, or the end. Over TLS it may be a new session's ticket, which is neither. */
static bool is_silent(const struct line *l)
{
	char byte[1];
	size_t n = 0;

	return curl_easy_recv(l->easy, byte, sizeof(byte), &n) == CURLE_AGAIN;
}

/* The other side has hung up: what is written now is lost. Or it has said something: what is read next would
** be no answer to what is written now. */
static bool is_good(const struct line *l)
{
	struct pollfd look = { .fd = l->fd, .events = POLLIN | POLLRDHUP };

	if (poll(&look, 1, 0) == 0) return !l->is_tls || is_silent(l); /* TLS may hold some back */
	return (look.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) == 0 && is_silent(l);
}

static struct line *idle_line(struct lines *ls)
{
	int64_t now = clock_ticks();

	for (size_t i = 0; i < ls->used; i++) {
		struct line *l = &ls->of[i];

		if (l->state != LINE_IDLE) continue;
		if (now - l->idle_ticks >= LINE_IDLE_MS) {
			cut(ls, l);
			continue;
		}
		if (strcmp(l->origin, ls->target.origin) != 0) continue;
		if (is_good(l)) return l;
		cut(ls, l);
	}
	return NULL;
}

enum rc lines_start(struct lines *ls, struct transfer *t)
{
	struct line *l;
	enum rc rc;

	if (t->out.cap > OUT_KEPT && t->body.len < OUT_KEPT) sb_free(&t->out);
	if (!take_apart(&ls->target, t->url)) return RC_BAD_INPUT;
	rc = compose(t, &ls->target);
	if (rc != RC_OK) return rc;
	t->given = 0;
	intake_begin(&t->intake);
	l = idle_line(ls);
	if (l == NULL) return dial(ls, t);
	l->t = t;
	begin(ls, l);
	return RC_OK;
}

void lines_event(struct lines *ls, uint64_t data, uint32_t events)
{
	size_t i = (size_t)(data & ~LINE_EVENT);
	struct line *l = &ls->of[i];

	if (i >= ls->used) return;
	if (l->state == LINE_IDLE && !is_silent(l)) cut(ls, l);
	if (l->state != LINE_BUSY) return;
	if (events & EPOLLOUT) write_some(ls, l);
	if (l->state == LINE_BUSY && (events & ~(uint32_t)EPOLLOUT) != 0) read_some(ls, l);
}

int64_t lines_hurry(struct lines *ls, int64_t now)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < ls->used; i++) {
		struct line *l = &ls->of[i];
		int64_t until;

		if (l->state == LINE_NONE) continue;
		until = l->t != NULL ? l->t->started + l->t->total_ms : l->idle_ticks + LINE_IDLE_MS;
		if (until <= now && l->t == NULL) {
			cut(ls, l); /* nobody waits for this one */
			continue;
		}
		if (until <= now) over(ls, l, CURLE_OPERATION_TIMEDOUT);
		if (until < next) next = until;
	}
	return next;
}
