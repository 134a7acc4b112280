/*
** test_server.c -- the server alone: what it refuses, what it hands on, how it stops.
*/
#include "web/wire.h"
#include "base/sb.h"
#include "web/server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define KB         1024
#define SMALL_BODY (4 * KB)

struct house {
	struct server *server;
	struct arena *arena;
	const char *why;
	int port;
	char spool[64];
	_Atomic bool may_go; /* lets /wblock go */
	_Atomic int wakes;   /* how often the parked handler ran */
};

static struct server_plan plan(void *arg, struct request *rq)
{
	const char *path = request_path(rq);
	struct server_plan p = { .on_worker = strncmp(path, "/w", 2) == 0, .body_max = SMALL_BODY };

	(void)arg;
	if (strcmp(path, "/wupload") == 0) {
		p.body_max = 3 * 1024 * KB;
		p.body_to_file = true;
	}
	if (strcmp(path, "/wguarded") == 0) {
		p.body_max = 3 * 1024 * KB;
		p.check_first = true;
	}
	if (strcmp(path, "/refused") == 0) p.refuse = 404;
	return p;
}

static void check(void *arg, int worker, struct request *rq, struct reply *rp)
{
	(void)arg;
	assert_true(worker >= 0);
	if (request_header(rq, "X-Pass") == NULL) reply_status(rp, 401);
}

static void say(struct reply *rp, const char *text)
{
	reply_body(rp, "text/plain", text, strlen(text));
}

static void handle(void *arg, int worker, struct request *rq, struct reply *rp)
{
	struct house *h = arg;
	const char *path = request_path(rq);
	char text[256];

	if (strcmp(path, "/wlen") == 0 || strcmp(path, "/wupload") == 0 || strcmp(path, "/wguarded") == 0) {
		struct bytes body = request_body(rq);
		unsigned sum = 0;

		for (size_t i = 0; i < body.len; i++)
			sum += (unsigned char)body.p[i];
		snprintf(text, sizeof text, "%zu %u %s", body.len, sum,
			 request_body_fd(rq) >= 0 ? "file" : "memory");
		say(rp, text);
	} else if (strcmp(path, "/cut") == 0) {
		reply_cut(rp);
	} else if (strcmp(path, "/wlate") == 0 || strcmp(path, "/late") == 0) {
		reply_delay(rp, 20);
		say(rp, "late");
	} else if (strcmp(path, "/wpark") == 0) {
		h->wakes++;
		if (!request_was_parked(rq))
			reply_park(rp, 60000);
		else
			say(rp, "woken");
	} else if (strcmp(path, "/wblock") == 0) {
		while (!h->may_go)
			usleep(1000);
		say(rp, "went");
	} else if (strcmp(path, "/wforever") == 0) {
		reply_park(rp, 60000);
	} else if (strcmp(path, "/header") == 0) {
		reply_header(rp, "X-Bad", "a\r\nX-Injected: 1");
		reply_header(rp, "X-Good", "fine");
		say(rp, "ok");
	} else {
		const char *q = request_query(rq, "q"), *cookie = request_cookie(rq, "b");

		snprintf(text, sizeof text, "%s|%s|%s|%s|%d", path, q != NULL ? q : "-",
			 cookie != NULL ? cookie : "-", request_peer(rq), worker >= 0);
		say(rp, text);
	}
}

static void refuse(void *arg, struct request *rq, int status, struct reply *rp)
{
	char text[64];

	(void)arg, (void)rq;
	snprintf(text, sizeof text, "sentence for %d", status);
	say(rp, text);
}

static int start_at(struct house *h, const char *listen, int workers, int limit_s)
{
	struct server_options o = {
		.listen = listen,
		.workers = workers,
		.queue_max = 8,
		.clients_max = 64,
		.request_limit_s = limit_s,
		.spool_dir = h->spool,
		.arg = h,
		.plan = plan,
		.handle = handle,
		.check = check,
		.refuse = refuse,
	};
	enum rc rc = server_start(&h->server, &o, h->arena, &h->why);

	h->port = rc == RC_OK ? server_port(h->server) : 0;
	return rc;
}

static int setup(void **state)
{
	struct house *h = calloc(1, sizeof *h);

	h->arena = arena_new(64 * KB);
	memcpy(h->spool, "/tmp/recado-web-XXXXXX", 23);
	if (mkdtemp(h->spool) == NULL || start_at(h, "127.0.0.1:0", 2, 30) != RC_OK) return -1;
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct house *h = *state;

	server_stop(h->server);
	rmdir(h->spool);
	arena_free(h->arena);
	free(h);
	return 0;
}

static void ask(struct house *h, const char *request, int status)
{
	const char *a = wire_ask(h->port, request);

	if (wire_status(a) != status) fail_msg("expected %d for\n%.200s\ngot\n%.300s", status, request, a);
}

#define CLOSE "Host: x\r\nConnection: close\r\n\r\n"

static void a_request_reaches_the_handler_decoded(void **state)
{
	struct house *h = *state;

	assert_string_equal(
		wire_body(wire_ask(h->port,
				   "GET /caf%C3%A9?x=1&q=a+b%26c HTTP/1.1\r\nCookie: a=1; b=two\r\n" CLOSE)),
		"/caf\xc3\xa9|a b&c|two|127.0.0.1|0");
	assert_string_equal(wire_body(wire_ask(h->port, "GET /where HTTP/1.1\r\n" CLOSE)),
			    "/where|-|-|127.0.0.1|1");
	assert_string_equal(wire_body(wire_ask(h->port, "GET http://x/abs?q=1 HTTP/1.1\r\n" CLOSE)),
			    "/abs|1|-|127.0.0.1|0");
}

static void a_bad_address_gets_one_sentence(void **state)
{
	struct house *h = *state;
	static const char *const bad[] = {
		"/%",      "/%4",    "/%zz",      "/%00", "/%C3",   "/%ED%A0%80", "/a%2Fb",
		"/../etc", "/a/./b", "/%2e%2e/x", "/%0a", "/x?q=%", "/x?q=%ff",   "/x?%=1",
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char request[256];

		snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" CLOSE, bad[i]);
		ask(h, request, 400);
		assert_string_equal(wire_body(wire_ask(h->port, request)), "sentence for 400");
	}
	ask(h, "GET /fine HTTP/1.1\r\n" CLOSE, 200);
}

static void ambiguous_or_loose_http_is_refused(void **state)
{
	struct house *h = *state;

	ask(h, "POST /w HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n" CLOSE "0\r\n\r\n",
	    400);
	ask(h, "POST /w HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n" CLOSE "abcd", 400);
	ask(h, "POST /w HTTP/1.1\r\nContent-Length: -1\r\n" CLOSE, 400);
	ask(h, "GET / HTTP/1.1\nHost: x\nConnection: close\n\n", 400);
	ask(h, "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n" CLOSE, 400);
	ask(h, "GET / HTTP/1.1\r\nHost: x\r\n" CLOSE, 400);
	ask(h, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400);
	ask(h, "GET / HTTP/9.9\r\n" CLOSE, 505);
	ask(h, "\x16\x03\x01\x02", 0);
	ask(h, "GET / HTTP/1.1\r\n" CLOSE, 200);
}

/* One header line that brings all headers to n bytes as the server counts them. */
static void ask_headers(struct house *h, size_t n, int status)
{
	static char request[REQUEST_HEADER_BYTES_MAX + 4096];
	size_t fixed = strlen("Hostx") + 4 + strlen("Connectionclose") + 4 + strlen("X-Pad") + 4;
	int len = snprintf(request, sizeof request,
			   "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Pad: ");

	memset(request + len, 'p', n - fixed);
	memcpy(request + len + (n - fixed), "\r\n\r\n", 5);
	ask(h, request, status);
}

static void headers_are_taken_to_the_limit_and_not_a_byte_further(void **state)
{
	ask_headers(*state, REQUEST_HEADER_BYTES_MAX, 200);
	ask_headers(*state, REQUEST_HEADER_BYTES_MAX + 1, 431);
}

static void addresses_are_taken_to_the_limit_and_not_a_byte_further(void **state)
{
	static char request[REQUEST_URL_MAX + 256];

	for (size_t n = REQUEST_URL_MAX; n <= REQUEST_URL_MAX + 1; n++) {
		memcpy(request, "GET /", 5);
		memset(request + 5, 'a', n - 1);
		snprintf(request + 4 + n, sizeof request - 4 - n, " HTTP/1.1\r\n" CLOSE);
		ask(*state, request, n == REQUEST_URL_MAX ? 200 : 414);
	}
}

static const char *post(struct house *h, const char *path, size_t len, const char *more)
{
	char head[256];
	char *body = malloc(len + 1);
	int fd = wire_open(h->port, NULL);

	memset(body, 1, len + 1);
	snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nContent-Length: %zu\r\n%s" CLOSE, path, len, more);
	wire_send(fd, head, strlen(head));
	wire_send(fd, body, len);
	free(body);
	return wire_rest(fd);
}

static void a_body_is_taken_to_the_limit_and_not_a_byte_further(void **state)
{
	struct house *h = *state;

	assert_string_equal(wire_body(post(h, "/wlen", SMALL_BODY, "")), "4096 4096 memory");
	assert_string_equal(wire_body(post(h, "/wlen", SMALL_BODY + 1, "")), "sentence for 413");
	assert_int_equal(wire_status(post(h, "/wlen", 20 * 1024 * KB, "")), 413); /* read and dropped */
	assert_int_equal(wire_status(wire_ask(
				 h->port, "POST /wlen HTTP/1.1\r\nContent-Length: 99999999999\r\n" CLOSE)),
			 413);
	assert_string_equal(
		wire_body(wire_ask(h->port, "POST /wlen HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE
					    "3\r\n\1\1\1\r\n0\r\n\r\n")),
		"3 3 memory");
}

static void a_large_body_goes_to_a_file(void **state)
{
	struct house *h = *state;

	assert_string_equal(wire_body(post(h, "/wupload", 256 * KB, "")), "262144 262144 memory");
	assert_string_equal(wire_body(post(h, "/wupload", 256 * KB + 1, "")), "262145 262145 file");
	assert_string_equal(wire_body(post(h, "/wupload", 3 * 1024 * KB, "")), "3145728 3145728 file");
	assert_int_equal(wire_status(post(h, "/wupload", 3 * 1024 * KB + 1, "")), 413);
}

static void rights_are_known_before_a_large_body_is_read(void **state)
{
	struct house *h = *state;

	/* No byte of the body is sent: the answer comes all the same. */
	assert_int_equal(wire_status(wire_ask(
				 h->port, "POST /wguarded HTTP/1.1\r\nContent-Length: 1000000\r\n" CLOSE)),
			 401);
	assert_string_equal(wire_body(post(h, "/wguarded", 1000000, "X-Pass: 1\r\n")),
			    "1000000 1000000 memory");
}

static void head_has_no_body(void **state)
{
	struct house *h = *state;
	const char *a = wire_ask(h->port, "HEAD /x HTTP/1.1\r\n" CLOSE);

	assert_int_equal(wire_status(a), 200);
	assert_string_equal(wire_body(a), "");
	assert_true(atoi(wire_header(a, "Content-Length")) > 0);
}

static void a_connection_serves_many_requests(void **state)
{
	struct house *h = *state;
	int fd = wire_open(h->port, NULL);

	for (int i = 0; i < 50; i++) {
		const char *r = i % 2 == 0
					? "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
					: "POST /wlen HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n\1\1";

		wire_send(fd, r, strlen(r));
		assert_string_equal(wire_body(wire_answer(fd, 0)),
				    i % 2 == 0 ? "/a|-|-|127.0.0.1|0" : "2 2 memory");
	}
	close(fd);
}

static void a_header_with_a_line_break_is_left_out(void **state)
{
	struct house *h = *state;
	const char *a = wire_ask(h->port, "GET /header HTTP/1.1\r\n" CLOSE);

	assert_null(strstr(a, "Injected"));
	assert_string_equal(wire_header(a, "X-Good"), "fine");
}

static void a_cut_line_has_no_answer(void **state)
{
	assert_string_equal(wire_ask(((struct house *)*state)->port, "GET /cut HTTP/1.1\r\n" CLOSE), "");
}

static void a_delayed_answer_comes_and_blocks_nobody(void **state)
{
	struct house *h = *state;

	assert_string_equal(wire_body(wire_ask(h->port, "GET /late HTTP/1.1\r\n" CLOSE)), "late");
	assert_string_equal(wire_body(wire_ask(h->port, "GET /wlate HTTP/1.1\r\n" CLOSE)), "late");
}

static void a_parked_request_is_woken(void **state)
{
	struct house *h = *state;
	int fd = wire_open(h->port, NULL);
	const char *r = "GET /wpark HTTP/1.1\r\n" CLOSE;

	wire_send(fd, r, strlen(r));
	while (h->wakes == 0)
		usleep(1000);
	server_unpark(h->server);
	assert_string_equal(wire_body(wire_rest(fd)), "woken");
	assert_int_equal(h->wakes, 2);
}

static void a_full_queue_says_when_to_come_again(void **state)
{
	struct house *h = *state;
	const char *r = "GET /wblock HTTP/1.1\r\n" CLOSE;
	struct server_figures f = { 0 };
	int fds[2 + 8];
	const char *a;

	/* Two workers are busy, then the queue of eight is full. */
	for (int i = 0; i < 2 + 8; i++) {
		fds[i] = wire_open(h->port, NULL);
		wire_send(fds[i], r, strlen(r));
		do
			server_figures(h->server, &f);
		while (f.requests < i + 1 || (i < 2 && f.queued > 0));
	}
	while (f.queued < 8)
		server_figures(h->server, &f);
	a = wire_ask(h->port, r);
	assert_int_equal(wire_status(a), 503);
	assert_string_equal(wire_header(a, "Retry-After"), "1");
	assert_string_equal(wire_body(a), "sentence for 503");
	assert_int_equal(wire_status(wire_ask(h->port, "GET /x HTTP/1.1\r\n" CLOSE)),
			 200); /* the wire thread is free */
	h->may_go = true;
	for (int i = 0; i < 2 + 8; i++)
		assert_string_equal(wire_body(wire_rest(fds[i])), "went");
}

static void stopping_answers_who_waits(void **state)
{
	struct house *h = *state;
	int fd = wire_open(h->port, NULL);
	const char *r = "GET /wforever HTTP/1.1\r\n" CLOSE;
	struct server_figures f = { 0 };

	wire_send(fd, r, strlen(r));
	while (f.requests == 0)
		server_figures(h->server, &f);
	server_stop(h->server);
	h->server = NULL;
	assert_int_equal(wire_status(wire_rest(fd)), 503);
}

static void who_sends_a_byte_now_and_then_is_cut_off(void **state)
{
	struct house *h = *state;
	struct server *first = h->server;
	int fd;

	assert_int_equal(start_at(h, "127.0.0.1:0", 1, 1), RC_OK);
	fd = wire_open(h->port, NULL);
	wire_send(fd, "POST /wlen HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", 52);
	assert_string_equal(wire_rest(fd), "");
	server_stop(h->server);
	h->server = first;
}

static void a_unix_socket_serves_too(void **state)
{
	struct house *h = *state;
	struct server *first = h->server;
	char listen[128], path[100];
	struct stat st;
	int fd;

	snprintf(path, sizeof path, "%s/panel.sock", h->spool);
	snprintf(listen, sizeof listen, "unix:%s", path);
	assert_int_equal(start_at(h, listen, 1, 30), RC_OK);
	fd = wire_open(0, path);
	wire_send(fd, "GET /u HTTP/1.1\r\n" CLOSE, strlen("GET /u HTTP/1.1\r\n" CLOSE));
	assert_string_equal(wire_body(wire_rest(fd)), "/u|-|-|unix|0");
	server_stop(h->server);
	assert_int_equal(stat(path, &st), -1);
	h->server = first;
}

static void a_taken_or_odd_address_is_one_sentence(void **state)
{
	struct house *h = *state;
	struct server *first = h->server;
	char listen[64];

	snprintf(listen, sizeof listen, "127.0.0.1:%d", h->port);
	assert_int_equal(start_at(h, listen, 0, 30), RC_CONFLICT);
	assert_non_null(strstr(h->why, listen));
	static const char *const odd[] = {
		"", "8080", "example.com:80", "127.0.0.1:", "127.0.0.1:65536", "[::1:80", "unix:x"
	};

	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		assert_int_equal(start_at(h, odd[i], 0, 30), RC_BAD_INPUT);
		assert_true(strlen(h->why) > 0);
	}
	h->server = first;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_request_reaches_the_handler_decoded),
		T(a_bad_address_gets_one_sentence),
		T(ambiguous_or_loose_http_is_refused),
		T(headers_are_taken_to_the_limit_and_not_a_byte_further),
		T(addresses_are_taken_to_the_limit_and_not_a_byte_further),
		T(a_body_is_taken_to_the_limit_and_not_a_byte_further),
		T(a_large_body_goes_to_a_file),
		T(rights_are_known_before_a_large_body_is_read),
		T(head_has_no_body),
		T(a_connection_serves_many_requests),
		T(a_header_with_a_line_break_is_left_out),
		T(a_cut_line_has_no_answer),
		T(a_delayed_answer_comes_and_blocks_nobody),
		T(a_parked_request_is_woken),
		T(a_full_queue_says_when_to_come_again),
		T(stopping_answers_who_waits),
		T(who_sends_a_byte_now_and_then_is_cut_off),
		T(a_unix_socket_serves_too),
		T(a_taken_or_odd_address_is_one_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
