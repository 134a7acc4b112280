/*
** request.c -- what came in: the address, headers, cookies and body of one request.
**
** Owns:   the parsers of address, query and cookies; the body's memory or file.
** Needs:  an arena of the connection; a folder for large bodies.
** Never:  sees libmicrohttpd, a route or a person.
** Holds:  (1) path and query values are valid UTF-8 without NUL and control characters;
**         (2) a path starts with "/" and has no "." or ".." segment, so that it can be matched as it is;
**         (3) a body never grows past the limit of its plan.
*/
#include "web/exchange.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void pairs_init(struct pairs *pairs)
{
	pairs->first = NULL;
	pairs->last = &pairs->first;
	pairs->count = 0;
}

enum rc pairs_add(struct arena *a, struct pairs *pairs, const char *name, const char *value)
{
	struct pair *pair;

	if (pairs->count >= REQUEST_PAIRS_MAX) return RC_TOO_LARGE;
	pair = arena_alloc(a, sizeof *pair);
	if (pair == NULL) return RC_NO_MEMORY;
	pair->name = name;
	pair->value = value;
	*pairs->last = pair;
	pairs->last = &pair->next;
	pairs->count++;
	return RC_OK;
}

const char *pairs_get(const struct pairs *pairs, const char *name)
{
	for (const struct pair *p = pairs->first; p != NULL; p = p->next)
		if (strcmp(p->name, name) == 0) return p->value;
	return NULL;
}

const char *pairs_header(const struct pairs *pairs, const char *name)
{
	for (const struct pair *p = pairs->first; p != NULL; p = p->next)
		if (text_equal_fold(p->name, name)) return p->value;
	return NULL;
}

/* Parsers */

enum rc pairs_parse(struct arena *a, struct pairs *out, const char *p, size_t len, size_t max)
{
	const char *end = p + len;
	enum rc rc = RC_OK;

	while (rc == RC_OK && p < end) {
		const char *amp = memchr(p, '&', (size_t)(end - p));
		const char *stop = amp != NULL ? amp : end;
		const char *eq = memchr(p, '=', (size_t)(stop - p));
		const char *name_end = eq != NULL ? eq : stop;
		char *name = NULL, *value = NULL;

		if (stop > p) {
			if (out->count >= max) return RC_TOO_LARGE;
			rc = text_url_decode(a, &name, p, (size_t)(name_end - p), true);
			if (rc == RC_OK && eq != NULL)
				rc = text_url_decode(a, &value, eq + 1, (size_t)(stop - eq - 1), true);
			if (rc == RC_OK) {
				struct pair *pair = arena_alloc(a, sizeof *pair);

				if (pair == NULL) return RC_NO_MEMORY;
				pair->name = name;
				pair->value = value != NULL ? value : "";
				*out->last = pair;
				out->last = &pair->next;
				out->count++;
			}
		}
		p = amp != NULL ? amp + 1 : end;
	}
	return rc;
}

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f) return true;
	return false;
}

static bool has_dot_segment(const char *path)
{
	while (*path != '\0') {
		const char *stop = strchrnul(path, '/');
		size_t len = (size_t)(stop - path);

		if ((len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
			return true;
		path = *stop == '/' ? stop + 1 : stop;
	}
	return false;
}

/* An encoded slash would move the border between two segments: refused, nothing of ours has one. */
static bool has_encoded_slash(const char *p, size_t len)
{
	for (size_t i = 0; i + 2 < len; i++)
		if (p[i] == '%' && p[i + 1] == '2' && (p[i + 2] == 'F' || p[i + 2] == 'f')) return true;
	return false;
}

enum rc target_parse(struct arena *a, struct request *rq, const char *target, const char **why)
{
	const char *query, *path = target;
	char *decoded = NULL;
	size_t len;
	enum rc rc;

	*why = N_("The address is not well formed.");
	if (strlen(target) > REQUEST_URL_MAX) {
		*why = N_("The address is too long.");
		return RC_TOO_LARGE;
	}
	/* RFC 9112 §3.2.2: a server accepts the absolute form too. */
	if (strncasecmp(path, "http://", 7) == 0)
		path = strchrnul(path + 7, '/');
	else if (strncasecmp(path, "https://", 8) == 0)
		path = strchrnul(path + 8, '/');
	if (*path != '/') return RC_BAD_INPUT;
	query = strchrnul(path, '?');
	len = (size_t)(query - path);
	if (*query == '?') query++;
	if (has_encoded_slash(path, len)) return RC_BAD_INPUT;
	rc = text_url_decode(a, &decoded, path, len, false);
	if (rc == RC_OK && (has_control(decoded) || has_dot_segment(decoded))) rc = RC_BAD_INPUT;
	if (rc == RC_OK) rc = pairs_parse(a, &rq->query, query, strlen(query), REQUEST_PAIRS_MAX);
	if (rc == RC_TOO_LARGE) *why = N_("The address has too many parameters.");
	if (rc == RC_OK) {
		rq->path = decoded;
		rq->query_raw = query;
	}
	return rc;
}

static bool is_cookie_byte(char c)
{
	return (unsigned char)c > 0x20 && (unsigned char)c < 0x7f && c != '"' && c != ',' && c != ';' &&
	       c != '\\';
}

void cookies_parse(struct arena *a, struct pairs *out, const char *header)
{
	const char *p = header;

	while (*p != '\0') {
		const char *name, *value, *stop;
		size_t name_len;

		while (*p == ' ' || *p == ';' || *p == '\t')
			p++;
		name = p;
		while (is_cookie_byte(*p) && *p != '=')
			p++;
		name_len = (size_t)(p - name);
		if (*p == '=' && name_len > 0) {
			value = ++p;
			while (is_cookie_byte(*p))
				p++;
			stop = p;
			if (*p == '\0' || *p == ';' || *p == ' ') {
				const char *copy = arena_bytes(a, name, name_len);

				if (pairs_add(a, out, copy, arena_bytes(a, value, (size_t)(stop - value))) !=
				    RC_OK)
					return;
			}
		}
		p = strchrnul(p, ';');
	}
}

/* The head as a whole */

bool request_header_add(struct request *rq, const char *name, const char *value)
{
	struct arena *a = rq->arena;

	if (value == NULL) value = "";
	rq->header_bytes += strlen(name) + strlen(value) + 4; /* ": " and CR LF */
	if (rq->header_bytes > REQUEST_HEADER_BYTES_MAX || rq->headers.count >= REQUEST_HEADERS_MAX) {
		rq->header_bytes = REQUEST_HEADER_BYTES_MAX + 1;
		return false;
	}
	/* Copied: a worker reads them while libmicrohttpd may move its buffer. */
	return pairs_add(a, &rq->headers, arena_text(a, name), arena_text(a, value)) == RC_OK;
}

static size_t header_count(const struct request *rq, const char *name)
{
	size_t n = 0;

	for (const struct pair *h = rq->headers.first; h != NULL; h = h->next)
		n += text_equal_fold(h->name, name);
	return n;
}

int request_head_check(struct request *rq, const char *target)
{
	enum rc rc;

	if (rq->header_bytes > REQUEST_HEADER_BYTES_MAX) return 431;
	if (strncmp(target, "/api/", 5) == 0)
		rq->path = "/api/"; /* a refusal of it is JSON, even if the rest cannot be read */
	rc = target_parse(rq->arena, rq, target, &rq->why);
	if (rc == RC_NO_MEMORY || arena_failed(rq->arena)) return 503;
	if (rc == RC_TOO_LARGE) return 414;
	if (rc != RC_OK) return 400;
	rq->why = NULL;
	/* RFC 9112 §6.1: the two together are how a request is smuggled past a proxy. */
	if (header_count(rq, "Transfer-Encoding") > 0 && header_count(rq, "Content-Length") > 0) {
		rq->why = N_("A request has either Content-Length or Transfer-Encoding, not both.");
		return 400;
	}
	if (header_count(rq, "Host") > 1 || header_count(rq, "Content-Length") > 1 ||
	    header_count(rq, "Content-Type") > 1 || header_count(rq, "Authorization") > 1) {
		rq->why = N_("A header that may come once came twice.");
		return 400;
	}
	return 0;
}

int64_t request_content_length(const struct request *rq)
{
	const char *text = pairs_header(&rq->headers, "Content-Length");

	return text == NULL ? -1 : strtoll(text, NULL, 10); /* libmicrohttpd checked it */
}

/* Life */

void request_begin(struct request *rq, struct arena *arena)
{
	const char *peer = rq->peer;

	*rq = (struct request){
		.arena = arena, .method = "", .path = "/", .query_raw = "", .peer = peer, .body_fd = -1
	};
	pairs_init(&rq->headers);
	pairs_init(&rq->query);
	pairs_init(&rq->cookies);
	rq->started = clock_ticks();
}

static enum rc write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0) return RC_IO;
		p += n;
		len -= (size_t)n;
	}
	return RC_OK;
}

static enum rc body_to_file(struct request *rq, const char *spool_dir)
{
	rq->body_fd = open(spool_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (rq->body_fd < 0) {
		log_event(LOG_ERROR, "errors", "web.spool", "errno=%d", errno);
		return RC_IO;
	}
	enum rc rc = write_all(rq->body_fd, rq->body, rq->body_len);
	mem_free(rq->body);
	rq->body = NULL;
	rq->body_cap = 0;
	return rc;
}

enum rc request_body_add(struct request *rq, const char *p, size_t len, size_t max, const char *spool_dir)
{
	enum rc rc = RC_OK;

	if (len > max - rq->body_len) /* body_len <= max always */
		return RC_TOO_LARGE;
	if (rq->body_fd < 0 && spool_dir != NULL && rq->body_len + len > REQUEST_SPOOL_FROM)
		rc = body_to_file(rq, spool_dir);
	if (rc == RC_OK && rq->body_fd >= 0) {
		rc = write_all(rq->body_fd, p, len);
	} else if (rc == RC_OK) {
		if (rq->body_len + len + 1 > rq->body_cap) {
			size_t cap = rq->body_cap < 1024 ? 1024 : rq->body_cap;
			char *grown;

			while (cap < rq->body_len + len + 1)
				cap *= 2;
			grown = mem_realloc(rq->body, cap);
			if (grown == NULL) return RC_NO_MEMORY;
			rq->body = grown;
			rq->body_cap = cap;
		}
		memcpy(rq->body + rq->body_len, p, len);
		rq->body[rq->body_len + len] = '\0';
	}
	if (rc == RC_OK) rq->body_len += len;
	return rc;
}

void request_end(struct request *rq)
{
	if (rq->mapped != NULL) munmap(rq->mapped, rq->body_len);
	if (rq->body_fd >= 0) close(rq->body_fd);
	mem_free(rq->body);
	rq->mapped = rq->body = NULL;
	rq->body_fd = -1;
	rq->body_len = rq->body_cap = 0;
}

/* What handlers ask */

const char *request_method(const struct request *rq)
{
	return rq->method;
}

const char *request_path(const struct request *rq)
{
	return rq->path;
}

const char *request_query_raw(const struct request *rq)
{
	return rq->query_raw;
}

const char *request_header(const struct request *rq, const char *name)
{
	return pairs_header(&rq->headers, name);
}

const char *request_cookie(struct request *rq, const char *name)
{
	if (!rq->has_cookies) {
		for (const struct pair *h = rq->headers.first; h != NULL; h = h->next)
			if (text_equal_fold(h->name, "Cookie"))
				cookies_parse(rq->arena, &rq->cookies, h->value);
		rq->has_cookies = true;
	}
	return pairs_get(&rq->cookies, name);
}

const char *request_query(struct request *rq, const char *name)
{
	return pairs_get(&rq->query, name);
}

struct bytes request_body(const struct request *rq)
{
	struct request *lazy = (struct request *)(uintptr_t)rq; /* the mapping is made on first use */

	if (rq->body_fd < 0 || rq->body_len == 0)
		return (struct bytes){ rq->body != NULL ? rq->body : "", rq->body_len };
	if (rq->mapped == NULL) {
		void *p = mmap(NULL, rq->body_len, PROT_READ, MAP_PRIVATE, rq->body_fd, 0);

		if (p == MAP_FAILED) return (struct bytes){ "", 0 };
		lazy->mapped = p;
	}
	return (struct bytes){ rq->mapped, rq->body_len };
}

int request_body_fd(const struct request *rq)
{
	return rq->body_fd;
}

const char *request_peer(const struct request *rq)
{
	return rq->peer;
}

void *request_route(const struct request *rq)
{
	return rq->route;
}

void request_set_route(struct request *rq, void *route)
{
	rq->route = route;
}

struct arena *request_arena(struct request *rq)
{
	return rq->arena;
}

int64_t request_started_ticks(const struct request *rq)
{
	return rq->started;
}

bool request_was_parked(const struct request *rq)
{
	return rq->was_parked;
}
