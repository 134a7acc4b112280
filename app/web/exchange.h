/*
** exchange.h -- the inside of a request and a reply, for server.c, request.c, reply.c, their
** tests and the fuzzers. Handlers use server.h.
*/
#ifndef RECADO_WEB_EXCHANGE_H
#define RECADO_WEB_EXCHANGE_H

#include "base/sb.h"
#include "web/server.h"

#include <sys/types.h>

/* Headers, address and what plan() notes; bodies lie elsewhere */
#define REQUEST_ARENA_MAX   ((size_t)64 * 1024)
#define REQUEST_HEADERS_MAX 100                  /* browsers send about 20                                 */
#define REQUEST_PAIRS_MAX   200                  /* parameters of one address, cookies of one request       */
#define REQUEST_SPOOL_FROM  ((size_t)256 * 1024) /* larger bodies go to a file, if the plan allows       */

struct pair {
	struct pair *next;
	const char *name, *value;
};

struct pairs {
	struct pair *first, **last; /* last: where the next one is hung                  */
	size_t count;
};

struct request {
	struct arena *arena;
	const char *method, *path, *query_raw, *peer;
	struct pairs headers, query, cookies;
	size_t header_bytes;
	char *body; /* heap, ends in NUL                                                   */
	size_t body_len, body_cap;
	int body_fd;  /* -1: in memory                                                     */
	char *mapped; /* body_fd's bytes, NULL until asked for                              */
	void *route;
	int64_t started; /* ticks                                                          */
	bool was_parked, has_cookies, is_counted;
	const char *why; /* N_() sentence of a refusal, NULL = the status's own             */
};

enum reply_kind { REPLY_EMPTY, REPLY_COPY, REPLY_STATIC, REPLY_FILE };

struct reply {
	struct arena *arena;
	int status;
	struct pairs headers;
	const char *media_type;
	enum reply_kind kind;
	char *copy;           /* REPLY_COPY: heap                                        */
	const char *constant; /* REPLY_STATIC                                            */
	size_t len;
	int fd; /* REPLY_FILE                                              */
	bool is_cut, is_drip;
	int delay_ms, park_ms;
};

/* The byte at pos of a copied body (is_drip), as libmicrohttpd asks for it. */
ssize_t reply_drop(void *copy, uint64_t pos, char *to, size_t room);

void pairs_init(struct pairs *pairs);
/* Hang one more at the end; name and value are kept by reference. RC_TOO_LARGE past REQUEST_PAIRS_MAX. */
enum rc pairs_add(struct arena *a, struct pairs *pairs, const char *name, const char *value) MUST_CHECK;
const char *pairs_get(const struct pairs *pairs, const char *name);    /* exact name, NULL if absent */
const char *pairs_header(const struct pairs *pairs, const char *name); /* ASCII case ignored        */

/* Parsers, all total and bounded (request.c) */

/* Split a request target ("/a%20b?x=1", or "http://host/a") into the decoded path, the raw query and
** its decoded pairs. RC_BAD_INPUT: broken encoding, NUL, bad UTF-8, control characters, dot segments, an
** encoded slash. RC_TOO_LARGE: too long or too many parameters. *why: N_() sentence. */
enum rc target_parse(struct arena *a, struct request *rq, const char *target, const char **why) MUST_CHECK;
/* "a=1&b=2", + as blank, as in a query or an URL-encoded body. RC_BAD_INPUT on broken encoding. */
enum rc pairs_parse(struct arena *a, struct pairs *out, const char *p, size_t len, size_t max) MUST_CHECK;
/* A Cookie header (RFC 6265 §4.2.1): pairs that are not well formed are left out. */
void cookies_parse(struct arena *a, struct pairs *out, const char *header);

/* One header as it came, copied. False: too many or too long, and request_head_check() will say so. */
bool request_header_add(struct request *rq, const char *name, const char *value);
/* All headers are there: read the target, refuse what is ambiguous. An HTTP status, or 0; why is set
** where the reason is special. */
int request_head_check(struct request *rq, const char *target);

int64_t request_content_length(const struct request *rq); /* -1: none */

/* Life */

void request_begin(struct request *rq, struct arena *arena);
/* More body. RC_TOO_LARGE past max; RC_IO, RC_NO_MEMORY. spool_dir NULL: memory only. */
enum rc request_body_add(struct request *rq, const char *p, size_t len, size_t max,
			 const char *spool_dir) MUST_CHECK;
void request_end(struct request *rq); /* body, file and mapping go; the arena is the caller's */
void reply_begin(struct reply *rp, struct arena *arena);
/* Like reply_body, but p (from mem_alloc) is taken over. */
void reply_take(struct reply *rp, const char *media_type, char *p, size_t len);
void reply_end(struct reply *rp); /* what was not taken over goes */

#endif
