/*
** transfer.h -- inside link only: one request on its way. A transfer keeps its easy handle, buffers and
** answer from
** call to call, so that a busy link allocates next to nothing.
*/
#ifndef RECADO_LINK_TRANSFER_H
#define RECADO_LINK_TRANSFER_H

#include "base/sb.h"
#include "link/http.h"
#include "link/intake.h"

#include <curl/curl.h>
#include <netinet/in.h>

#ifndef RECADO_VERSION
#define RECADO_VERSION "0"
#endif

/* What is known when a transfer ends: enough to say how it ended. */
struct evidence {
	CURLcode code;
	int status;           /* of the answer, 0 = none                             */
	int64_t request_size; /* bytes of requests that the kernel or TLS took       */
	int begun;            /* how often curl stood before sending, connected      */
	bool is_tls;          /* then bytes may wait inside TLS, uncounted           */
	bool is_too_large;    /* the answer passed its limit                         */
	bool is_denied;       /* the address guard said no                           */
};

/* Note one header line as it came, line end included. Total. A status line starts a new answer: after a
** redirect or a 1xx the earlier headers are of no interest. A value that does not fit is cut, a name that
** does not fit is none that we ask for. */
void answer_take_header(struct http_answer *a, const char *line, size_t len);

/* How it ended. Total; when in doubt the request counts as sent. */
enum http_end outcome_of(const struct evidence *e);

/* What epoll knows of each descriptor that link opened, by number: so that a kept connection costs no
** system call between two requests. */
struct watches {
	unsigned char *of; /* WATCH_ bits                                          */
	size_t size;
};
#define WATCH_OURS 1u /* opened by open_socket(), so we hear of its end         */
#define WATCH_IN   2u /* in the epoll set, for reading …                        */
#define WATCH_OUT  4u /* … for writing                                          */
#define WATCH_IDLE 8u /* in the set, but curl wants nothing now                 */
void watches_opened(struct watches *w, int fd);
void watches_closed(struct watches *w, int fd);

/* What curl was told last, so that the next call only tells what differs. */
struct told {
	bool is_any, has_body, follows, may_repeat, is_configured, is_lone;
	int connect_ms, total_ms;
	char url[300], method[12]; /* "" = too long to remember              */
};

struct transfer {
	struct transfer *prev, *next; /* in one of link's lists                       */
	CURL *easy;
	struct watches *watches; /* of the link                                       */
	struct told told;
	http_done_fn *done;
	void *arg;

	char *copy;       /* URL, headers and body of the request, one after another    */
	size_t copy_size; /* of the memory, kept between calls                          */
	const char *url, *method;
	struct curl_slist lines[HTTP_HEADERS_MAX + 3]; /* ours: curl only walks them    */
	struct bytes body;
	size_t body_at;
	char purpose[40];

	size_t answer_max;
	int connect_ms, total_ms;
	bool may_repeat, is_configured;
	int begun;
	bool is_tls, is_too_large, is_denied, is_sink_full, has_sink, no_redirects;
	/* the kept connection was closed by the other side: nothing was written; start it again */
	bool is_stale;
	/* … and this is that: on a connection of its own */
	bool is_second;
	int sink_fd;
	size_t sink_max;
	int64_t sunk;
	char first_address[INET6_ADDRSTRLEN];
	int64_t started; /* clock_ticks                                              */

	/* On a line of its own (line.c) */
	struct sb out; /* head of the request, and its body …                   */
	size_t apart;  /* … unless so many bytes of it follow from body          */
	size_t given;  /* of both                                                */
	struct intake intake;
	bool is_on_line;
	CURLcode code; /* when it is over */
	struct transfer *ended_next;

	struct sb received;
	char error[CURL_ERROR_SIZE];
	struct http_answer answer;
};

/* NULL when there is no memory. watches outlives every connection. */
struct transfer *transfer_new(struct watches *watches);
void transfer_free(struct transfer *t); /* NULL is fine */

/* Copy the request into t. RC_BAD_INPUT: no URL or method, or a line break in a header. */
enum rc transfer_take(struct transfer *t, const struct http_request *request) MUST_CHECK;
/* Tell curl everything about it, just before it starts; again when it is_stale. */
enum rc transfer_prepare(struct transfer *t) MUST_CHECK;
/* The same for a line of line.c. */
void transfer_prepare_line(struct transfer *t);
/* What curl asks before a TLS connection: whom to trust. error: of CURL_ERROR_SIZE. */
CURLcode transfer_trust(CURL *easy, void *config, char *error);
/* Fill t->answer from what curl says at the end. */
void transfer_finish(struct transfer *t, CURLcode code);
/* Forget request and answer; large buffers are given back. */
void transfer_clear(struct transfer *t);

#endif
