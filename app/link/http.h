/*
** http.h -- the door out: HTTP through one curl-multi loop per link.
**
** A request that must not repeat is sent at most once: its body is read once
** (no POSTFIELDS, no seek), a cut after the first byte is HTTP_CUT, never retried
** here. One link belongs to one thread, except link_wake and link_call.
*/
#ifndef RECADO_LINK_HTTP_H
#define RECADO_LINK_HTTP_H

#include "base/cx.h"

#define HTTP_HEADERS_MAX 16

enum mail_security { MAIL_PLAIN, MAIL_STARTTLS, MAIL_TLS };

/*
** One mail to one recipient over SMTP (RFC 5321). url of the request is "smtp://host:port/helo-name", with
** MAIL_TLS "smtps://…"; its body is the whole mail with CRLF line ends and without dot-stuffing (libcurl does
** that). An answer has the server's last reply: status its code (0 = none), body its text without code, at
** where it fell.
** HTTP_DONE: accepted (status 2xx) or refused (4xx, 5xx) in so many words; HTTP_NOT_SENT: provably not
** accepted without such a word: no connection, no TLS, or cut before the last byte of the mail was given out;
** HTTP_CUT: the line broke or time ran out afterwards, it may have been accepted.
** RC_BAD_INPUT of link_start: CR, LF, NUL, blanks or angle brackets in an address, bytes outside ASCII.
*/
struct mail_envelope {
	const char *from, *to;       /* addresses alone; to NULL: only log in, say NOOP and leave   */
	const char *user, *password; /* user "" or NULL = without logging in           */
	const char *ca_file;         /* PEM of the only authorities to trust; "" or NULL: the usual ones */
	/* The body is so long in this file instead, from its beginning; the link takes a descriptor of its
	** own. */
	bool has_file;
	int file;
	size_t file_len;
	enum mail_security security;
};

/* Where in the dialogue the last reply of a mail server fell, or the line was cut. */
enum mail_step {
	MAIL_AT_BANNER,
	MAIL_AT_HELLO,
	MAIL_AT_TLS,
	MAIL_AT_LOGIN,
	MAIL_AT_FROM,
	MAIL_AT_TO,
	MAIL_AT_DATA,
	MAIL_AT_CONTENT /* the server said 354 */
};

/* What only a person can mend, where no reply says it. Mail only. */
enum mail_fault {
	MAIL_FAULT_NONE,
	MAIL_FAULT_NO_TLS,    /* STARTTLS wanted, not offered                        */
	MAIL_FAULT_UNTRUSTED, /* the certificate is not trusted, or not of that host  */
	MAIL_FAULT_LOGIN,     /* no way to log in that both sides know                */
	MAIL_FAULT_HURRY      /* nobody's: link_hurry() ended it                      */
};

struct http_request {
	const struct mail_envelope *mail; /* NULL: HTTP. Copied with the request            */
	const char *purpose;              /* for the log: "wasender.send"                        */
	const char *method;               /* "GET", "POST"…                                      */
	const char *url;
	const char *headers[HTTP_HEADERS_MAX]; /* "Name: value", NULL-terminated        */
	struct bytes body;
	int connect_ms, total_ms; /* 0: 10 s and 30 s; total counts from when it has a connection's place */
	size_t answer_max;        /* more is HTTP_ODD; 0: 256 KiB                         */
	bool may_repeat;          /* GET, PUT by key: may ride a kept connection freely   */
	/* of a call that may repeat: a 3xx is the answer; the others never follow one */
	bool no_redirects;
	/* The body of a 200 goes into this descriptor as it arrives, not into memory, at most answer_max
	** bytes; it stays the caller's and open until the answer. Other answers' bodies come as usual, at most
	** 256 KiB of them. What was written of a call that failed stays: the caller cuts the file. */
	bool has_sink;
	int sink_fd;
	bool is_configured; /* base address from the settings: the address guard lets loopback and LAN pass */
};

enum http_end {
	HTTP_DONE,     /* a complete answer                                            */
	HTTP_NOT_SENT, /* no byte of the request left: DNS, refused, TLS, guard        */
	HTTP_CUT,      /* at least a byte left, no complete answer: cut or time-out    */
	HTTP_ODD       /* answered, but too large or not HTTP                          */
};

struct http_answer {
	enum http_end end;
	int status;
	struct bytes body; /* NUL-terminated beyond len                            */
	struct {
		char name[48], value[208];
	} headers[32]; /* the first 32 of the last answer; longer values are cut  */
	size_t header_count;
	int64_t sunk;      /* bytes that went into the sink                       */
	bool is_too_large; /* HTTP_ODD: more than answer_max                      */
	char error[200];   /* for log and attempt row, never a secret              */
	enum mail_step at; /* mail only */
	enum mail_fault fault;
	int64_t ms;
};
/* Value of a header, ASCII case-insensitive; NULL if absent. */
const char *http_header(const struct http_answer *a, const char *name);

struct link;
/* Never fails for lack of a CA bundle: https then ends HTTP_NOT_SENT with the reason. */
enum rc link_new(struct link **out, struct env *env, int connections_max) MUST_CHECK;
void link_free(struct link *l); /* open calls are dropped without callback; bounded even with dead DNS */

/* Start a call; request (headers, body, url) is copied. done runs inside link_poll, answer lent for its
** duration. Calls beyond connections_max wait their turn; RC_TRY_LATER past 256 of them. RC_BAD_INPUT: no
** URL or method, or a line break in a header; nothing was sent. */
typedef void http_done_fn(void *arg, const struct http_answer *answer);
enum rc link_start(struct link *l, const struct http_request *request, http_done_fn *done,
		   void *arg) MUST_CHECK;
size_t link_open_count(const struct link *l);
/* Wait at most ms for network, link_wake or the extra descriptor (-1 none), run finished callbacks. */
enum rc link_poll(struct link *l, int ms, int extra_fd) MUST_CHECK;
void link_wake(struct link *l); /* any thread */
/* We are about to stop: mails end now, each with its answer, and no more start. Calls over HTTP go on: what
** they handed over cannot be known anyway. */
void link_hurry(struct link *l);

/* One call, waiting, on a link of its own: commands and checks. Body in cx's arena. */
enum rc link_call(struct cx *cx, struct http_answer *answer, const struct http_request *request) MUST_CHECK;

/* Address guard (guard.c): is this numeric address one that a URL of a stranger may reach? (private,
** loopback, link-local, special ranges: no; RFC 6890) */
bool guard_allows(const char *numeric_address);

#endif
