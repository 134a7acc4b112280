/*
** server.h -- the HTTP server: the only door to libmicrohttpd, used by web's
** router and by the stand-ins. Knows requests and replies, nothing of people or data.
**
** plan() runs on the wire thread when the headers are complete: it names the body
** limit and where the handler runs. handle() runs there or on one of the workers
** (the connection is suspended before it is queued).
*/
#ifndef RECADO_WEB_SERVER_H
#define RECADO_WEB_SERVER_H

#include "base/cx.h"

struct server;
struct request;
struct reply;

#define REQUEST_HEADER_BYTES_MAX (16 * 1024) /* all headers: cookies and tokens are small     */
#define REQUEST_URL_MAX          4096        /* filters live in the address                    */
#define REQUEST_BODY_DEFAULT     (64 * 1024) /* forms; routes with uploads say more            */

struct server_plan {
	bool on_worker;
	size_t body_max;
	bool body_to_file; /* spooled to a nameless file past 256 KiB (request_body_fd)      */
	int refuse;        /* HTTP status to answer at once, 0 = go on                        */
	bool check_first;  /* a large body: check() on a worker before the first byte is read    */
	void *route;       /* handed to handle() through request_route()                      */
};

struct server_options {
	const char *listen;    /* "127.0.0.1:8080", "[::1]:0", "unix:/path"; port 0 = free one   */
	int workers;           /* 0: everything on the wire thread                            */
	int queue_max;         /* waiting requests; past it 503 + Retry-After                 */
	int clients_max;       /* open connections                                            */
	int request_limit_s;   /* wall clock for one request, first byte to last              */
	const char *spool_dir; /* for body_to_file; NULL = never                              */
	void *arg;
	struct server_plan (*plan)(void *arg, struct request *rq);
	/* worker: 0…workers-1, or -1 on the wire thread. */
	void (*handle)(void *arg, int worker, struct request *rq, struct reply *rp);
	/* Before a large body is read (check_first): a status set in rp refuses it. May be NULL. */
	void (*check)(void *arg, int worker, struct request *rq, struct reply *rp);
	/* One sentence page for what the server itself refuses (400, 413, 431, 503…): fills rp. May be NULL.
	 */
	void (*refuse)(void *arg, struct request *rq, int status, struct reply *rp);
	void (*worker_start)(void *arg, int worker); /* on the worker's thread; may be NULL     */
	void (*worker_stop)(void *arg, int worker);
	/* On the wire thread when a planned request is over, answered or not. May be NULL. */
	void (*done)(void *arg, struct request *rq);
	enum lang lang; /* of the sentence of a failed start                            */
};

enum rc server_start(struct server **out, const struct server_options *o, struct arena *a,
		     const char **why) MUST_CHECK;
int server_port(const struct server *s);
/* Refuse new, finish what runs, resume all suspended, close. NULL is fine. */
void server_stop(struct server *s);
/* Figures: requests, refused, open connections. */
struct server_figures {
	int64_t requests, refused, open, queued;
};
void server_figures(const struct server *s, struct server_figures *out);

/* Request: everything lent until the reply is out */
const char *request_method(const struct request *rq);
const char *request_path(const struct request *rq);      /* decoded, valid UTF-8, no NUL, no dot segments */
const char *request_query_raw(const struct request *rq); /* after ?, "" if none             */
const char *request_header(const struct request *rq, const char *name); /* NULL if absent   */
const char *request_cookie(struct request *rq, const char *name);       /* NULL if absent   */
const char *request_query(struct request *rq,
			  const char *name);         /* decoded; first of the name; NULL if absent */
struct bytes request_body(const struct request *rq); /* mapped when it was spooled          */
int request_body_fd(const struct request *rq);       /* -1 when in memory                  */
const char *request_peer(const struct request *rq);  /* numeric address of the socket's other end, "unix" */
void *request_route(const struct request *rq);
void request_set_route(struct request *rq, void *route);
struct arena *request_arena(struct request *rq); /* small: 64 KiB; handlers use their cx */
int64_t request_started_ticks(const struct request *rq);

/* Reply */
void reply_status(struct reply *rp, int status);
void reply_header(struct reply *rp, const char *name, const char *value); /* CR, LF refused: logged bug */
void reply_body(struct reply *rp, const char *media_type, const char *p, size_t len); /* copied   */
void reply_static(struct reply *rp, const char *media_type, const char *p,
		  size_t len);                                                   /* by reference, for ever */
void reply_file(struct reply *rp, const char *media_type, int fd, int64_t size); /* closes fd */
int reply_status_of(const struct reply *rp);
void reply_cut(struct reply *rp);           /* close the line without an answer (stand-ins)          */
void reply_drip(struct reply *rp);          /* a copied body leaves byte by byte (stand-ins)          */
void reply_delay(struct reply *rp, int ms); /* answer that much later without holding a thread       */
/* Park the connection: no answer yet; server_unpark (any thread) runs handle() again with request_parked()
** true. At most park_ms. */
void reply_park(struct reply *rp, int park_ms);
void server_unpark(struct server *s); /* all parked requests look again; any thread          */
bool request_was_parked(const struct request *rq);

#endif
