/*
** smtp.h -- inside link only: mails on their way, on threads of their own.
**
** libcurl waits for a mail server's last reply, and for its good-bye, with the thread that drives it. On the
** link's own thread a slow mail server would hold every other call, and run their time limits down.
*/
#ifndef RECADO_LINK_SMTP_H
#define RECADO_LINK_SMTP_H

#include "link/http.h"

#include <curl/curl.h>
#include <mbedtls/x509_crt.h>
#include <stdatomic.h>

/* What is known when a mail's dialogue ends. */
struct mail_evidence {
	CURLcode code;
	int status;        /* code of the last whole reply, 0 = none                     */
	enum mail_step at; /* where the dialogue stood                                   */
	bool is_answered;  /* that reply came after the last thing said                  */
	bool is_given;     /* the last byte of the mail was given out: its end may have left */
};
/* How it ended. Pure and total; when in doubt the mail counts as handed over. */
enum http_end mail_outcome(const struct mail_evidence *e, enum mail_fault *fault);

/* One reply of the server, line by line. Total. */
#define MAIL_REPLY_SIZE 512
struct mail_reply {
	int code;      /* of the last whole reply, 0 = none yet                       */
	bool is_whole; /* no more lines to come                                       */
	size_t len;
	char text[MAIL_REPLY_SIZE]; /* its lines without codes, a blank between; what is longer is cut */
};
void mail_reply_line(struct mail_reply *r, const char *line, size_t len);

/* One mail (smtp.c) */

#define MAIL_IDLE_S 5 /* servers and NATs drop idle connections silently: design §8 */

struct mail {
	struct mail *next;
	http_done_fn *done;
	void *arg;
	char *copy; /* the texts below, one after another                   */
	const char *url, *from, *to, *user, *password, *ca_file;
	enum mail_security security;
	char *body;  /* NULL: … */
	int body_fd; /* … it is in this file without a name; -1: none */
	size_t body_len;
	int connect_ms, total_ms;
	bool is_configured;
	char purpose[40];

	/* As the dialogue goes on */
	atomic_bool *is_stopping;
	size_t given;
	bool has_left, is_denied, is_answered;
	enum mail_step at;
	struct mail_reply reply;
	char error[CURL_ERROR_SIZE];
	struct http_answer answer;
};

/* Copy envelope and body, a large one into a file without a name under dir/tmp (dir NULL: into memory).
** RC_BAD_INPUT as link_start() says; RC_IO: no room on the disk. */
enum rc mail_take(struct mail **out, const struct http_request *request, const char *dir) MUST_CHECK;
void mail_free(struct mail *m);

/* What a thread carries mails with; all zero at first. */
struct courier {
	CURL *easy;
	char *ca_file; /* whose certificates ca has; NULL: the usual ones */
	mbedtls_x509_crt ca;
};
/* To the end of the dialogue, waiting; fills the answer. Never fails otherwise. */
void courier_carry(struct courier *c, struct mail *m);
/* Say good-bye to the servers and let go of everything. */
void courier_rest(struct courier *c);

/* The queue and its threads (post.c) */

struct post;
/* wake is called (any thread) when something is finished. NULL: no memory. */
struct post *post_new(const char *dir, int threads_max, void (*wake)(void *), void *arg);
/* As link_start() for a mail. RC_TRY_LATER: too many wait already. */
enum rc post_start(struct post *p, const struct http_request *request, http_done_fn *done,
		   void *arg) MUST_CHECK;
size_t post_open_count(const struct post *p);
/* Run done of what is finished, here; how many. */
size_t post_reap(struct post *p);
/* No more starts; those that are open end within a second and are reaped as usual. NULL is fine. */
void post_hurry(struct post *p);
/* Open mails are dropped without callback; waits for the threads, a second or two. NULL is fine. */
void post_free(struct post *p);

#endif
