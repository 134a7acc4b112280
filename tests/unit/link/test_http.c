/*
** test_http.c -- a message leaves once, whatever the line does; each end is told apart by what the
** other side saw.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY "{\"to\":\"+593990000000\",\"text\":\"Hola\"}"

/* One call to a peer of its own. */
struct scene {
	struct client client;
	struct peer *peer;
	struct http_request request;
	char url[100];
};

static void begin(struct scene *s, const struct peer_step scripts[][PEER_STEPS], size_t count)
{
	client_start(&s->client, 4);
	s->peer = peer_start(scripts, count, false);
	s->request = client_post(s->url, peer_port(s->peer), BODY);
}

static void end(struct scene *s)
{
	client_stop(&s->client);
	peer_stop(s->peer);
}

static void a_message_is_answered(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), HOLD } };
	struct scene s;
	const struct http_answer *a;

	(void)state;
	begin(&s, script, 1);
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_DONE);
	assert_int_equal(a->status, 200);
	assert_string_equal(a->body.p, "{}");
	assert_string_equal(http_header(a, "content-type"), "application/json");
	assert_null(http_header(a, "Retry-After"));
	assert_string_equal(a->error, "");
	assert_int_equal(peer_requests(s.peer), 1);
	assert_non_null(strstr(peer_request(s.peer, 0), "POST /api/send-message HTTP/1.1\r\n"));
	assert_non_null(strstr(peer_request(s.peer, 0), "User-Agent: recado/"));
	assert_non_null(strstr(peer_request(s.peer, 0), "Content-Length: 36\r\n"));
	assert_non_null(strstr(peer_request(s.peer, 0), BODY));
	assert_null(strstr(peer_request(s.peer, 0), "Expect"));
	assert_null(strstr(peer_request(s.peer, 0), "form-urlencoded"));
	end(&s);
}

static void messages_share_a_connection(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), READ, SAY(PEER_OK),
								 HOLD } };
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(peer_connections(s.peer), 1);
	assert_int_equal(peer_requests(s.peer), 2);
	end(&s);
}

/* A second answer to one request would be taken for the next one's. */
static void what_follows_an_answer_is_never_taken_for_the_next_one(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK PEER_OK), HOLD },
							       { READ, SAY(PEER_OK), HOLD } };
	struct scene s;

	(void)state;
	begin(&s, script, 2);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(peer_connections(s.peer), 2);
	assert_int_equal(peer_requests(s.peer), 2);
	end(&s);
}

/* The trap this room was built around: curl by itself would send it again on a new connection and report
** 200. */
static void a_request_read_on_a_kept_connection_and_cut_is_seen_once_and_counts_as_cut(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), READ, CUT },
							       { READ, SAY(PEER_OK), HOLD } };
	struct scene s;
	const struct http_answer *a;

	(void)state;
	begin(&s, script, 2);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	s.request.body = (struct bytes){ "second", 6 };
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_CUT);
	assert_int_equal(a->status, 0);
	assert_true(a->error[0] != '\0');
	assert_int_equal(peer_requests(s.peer), 2);
	assert_non_null(strstr(peer_request(s.peer, 1), "second"));
	s.request.body = (struct bytes){ "third", 5 };
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(peer_requests(s.peer), 3);
	assert_non_null(strstr(peer_request(s.peer, 2), "third"));
	end(&s);
}

static void the_same_cut_by_a_reset_counts_as_cut(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), READ, RESET },
							       { READ, SAY(PEER_OK), HOLD } };
	struct scene s;

	(void)state;
	begin(&s, script, 2);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_CUT);
	assert_int_equal(peer_requests(s.peer), 2);
	end(&s);
}

/* The server took the headers only. Its kernel took all: nobody here can know better. */
static void a_kept_connection_closed_without_reading_the_body_counts_as_cut(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), READ_HEAD, RESET },
							       { READ, SAY(PEER_OK), HOLD } };
	struct scene s;

	(void)state;
	begin(&s, script, 2);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_CUT);
	assert_int_equal(peer_connections(s.peer), 1);
	end(&s);
}

static void a_new_connection_cut_after_reading_counts_as_cut(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, CUT } };
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_CUT);
	assert_int_equal(peer_requests(s.peer), 1);
	assert_int_equal(peer_connections(s.peer), 1);
	end(&s);
}

/* A POST without a body would be repeated by curl on a kept connection: it must not ride one. */
static void a_call_without_a_body_that_must_not_repeat_rides_a_connection_of_its_own(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), READ, CUT },
							       { READ, CUT } };
	struct scene s;

	(void)state;
	begin(&s, script, 2);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	s.request.body = (struct bytes){ "", 0 };
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_CUT);
	assert_int_equal(peer_connections(s.peer), 2);
	assert_int_equal(peer_requests(s.peer), 2);
	assert_non_null(strstr(peer_request(s.peer, 1), "Content-Length: 0\r\n"));
	end(&s);
}

static void a_call_that_may_repeat_survives_a_stale_connection(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), READ, CUT },
							       { READ, SAY(PEER_OK), READ, CUT },
							       { READ, SAY(PEER_OK), HOLD } };
	struct scene s;

	(void)state;
	begin(&s, script, 3);
	s.request.method = "GET";
	s.request.body.len = 0;
	s.request.may_repeat = true;
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	s.request.method = "PUT";
	s.request.body = (struct bytes){ "by key", 6 };
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(peer_requests(s.peer), 5);
	assert_non_null(strstr(peer_request(s.peer, 4), "PUT /api/send-message HTTP/1.1\r\n"));
	assert_non_null(strstr(peer_request(s.peer, 4), "by key"));
	end(&s);
}

static void a_refused_connection_sent_nothing(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	struct client c;
	struct http_request r;
	char url[100];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	const struct http_answer *a;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0); /* bound, not listening */
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	client_start(&c, 1);
	r = client_post(url, ntohs(at.sin_port), BODY);
	a = client_run(&c, &r);
	assert_int_equal(a->end, HTTP_NOT_SENT);
	assert_int_equal(a->status, 0);
	assert_true(a->error[0] != '\0');
	client_stop(&c);
	close(fd);
}

/* A full backlog drops the SYN: the connection never comes to be. */
static void a_connection_that_is_never_made_sent_nothing(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0), full[4];
	struct client c;
	struct http_request r;
	char url[100];

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	for (int i = 0; i < 4; i++) {
		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(full[i], (struct sockaddr *)&at, sizeof(at));
	}
	client_start(&c, 1);
	r = client_post(url, ntohs(at.sin_port), BODY);
	r.connect_ms = 200;
	assert_int_equal(client_run(&c, &r)->end, HTTP_NOT_SENT);
	client_stop(&c);
	for (int i = 0; i < 4; i++)
		close(full[i]);
	close(fd);
}

static void a_time_out_after_the_request_was_read_counts_as_cut(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, HOLD } };
	struct scene s;
	const struct http_answer *a;

	(void)state;
	begin(&s, script, 1);
	s.request.total_ms = 300;
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_CUT);
	assert_true(a->ms >= 250);
	assert_int_equal(peer_requests(s.peer), 1);
	end(&s);
}

static void half_an_answer_counts_as_cut_and_keeps_what_came(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = {
		{ READ, SAY("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"success\":tr"), CUT }
	};
	struct scene s;
	const struct http_answer *a;

	(void)state;
	begin(&s, script, 1);
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_CUT);
	assert_int_equal(a->status, 200);
	assert_string_equal(a->body.p, "{\"success\":tr");
	end(&s);
}

static void half_a_status_line_counts_as_cut(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY("HTTP/1.1 20"), CUT } };
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	assert_int_not_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_not_equal(s.client.answer.end, HTTP_NOT_SENT);
	end(&s);
}

static void an_answer_that_is_not_http_is_odd(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY("220 mail.example.com ESMTP\r\n"),
								 CUT } };
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_ODD);
	end(&s);
}

static void an_answer_as_large_as_allowed_is_taken_and_one_byte_more_is_odd(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = {
		{ READ, SAY("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), FILL(1000), READ,
		  SAY("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"), FILL(1001), HOLD }
	};
	struct scene s;
	const struct http_answer *a;

	(void)state;
	begin(&s, script, 1);
	s.request.answer_max = 1000;
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_DONE);
	assert_int_equal(a->body.len, 1000);
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_ODD);
	assert_int_equal(a->status, 200);
	end(&s);
}

static void an_answer_in_chunks_is_put_together(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = {
		{ READ, SAY("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n"),
		  SAY("3\r\n:1}\r\n0\r\n\r\n"), READ,
		  SAY("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n"), CUT }
	};
	struct scene s;
	const struct http_answer *a;

	(void)state;
	begin(&s, script, 1);
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_DONE);
	assert_string_equal(a->body.p, "{\"a\":1}");
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_CUT);
	end(&s);
}

static void a_100_continue_before_the_answer_is_passed_over(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = {
		{ READ, SAY("HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"),
		  SAY(PEER_OK), READ, SAY("HTTP/1.1 100 Continue\r\n\r\n"), CUT }
	};
	struct scene s;
	const struct http_answer *a;

	(void)state;
	begin(&s, script, 1);
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_DONE);
	assert_int_equal(a->status, 200);
	assert_null(http_header(a, "X-Early"));
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_CUT);
	assert_int_equal(peer_requests(s.peer), 2);
	end(&s);
}

static void an_answer_before_the_body_was_read_is_an_answer(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = {
		{ READ_HEAD, SAY("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
		  HOLD }
	};
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(s.client.answer.status, 413);
	end(&s);
}

static void a_redirect_is_followed_only_by_a_call_that_may_repeat(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = {
		{ READ, SAY("HTTP/1.1 307 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"), READ,
		  SAY("HTTP/1.1 307 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"), READ,
		  SAY(PEER_OK), HOLD }
	};
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	assert_int_equal(client_run(&s.client, &s.request)->status, 307);
	assert_string_equal(http_header(&s.client.answer, "location"), "/other");
	assert_int_equal(peer_requests(s.peer), 1);
	s.request.may_repeat = true;
	assert_int_equal(client_run(&s.client, &s.request)->status, 200);
	assert_null(http_header(&s.client.answer, "location"));
	assert_non_null(strstr(peer_request(s.peer, 2), "POST /other "));
	assert_non_null(strstr(peer_request(s.peer, 2), BODY));
	end(&s);
}

static void a_header_longer_than_kept_is_cut_and_the_33rd_is_dropped(void **state)
{
	static char answer[8000];
	static struct peer_step script[][PEER_STEPS] = { { READ, SAY(answer), HOLD } };
	size_t at =
		(size_t)snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Long: ");
	struct scene s;
	const struct http_answer *a;

	(void)state;
	memset(answer + at, 'v', 300);
	at += 300;
	for (int i = 0; i < 40; i++)
		at += (size_t)snprintf(answer + at, sizeof(answer) - at, "\r\nX-%d: %d", i, i);
	snprintf(answer + at, sizeof(answer) - at, "\r\n\r\n");
	begin(&s, script, 1);
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_DONE);
	assert_int_equal(a->header_count, 32);
	assert_int_equal(strlen(http_header(a, "x-long")), 207);
	assert_string_equal(http_header(a, "X-29"), "29");
	assert_null(http_header(a, "X-30"));
	end(&s);
}

static void a_header_with_a_line_break_is_refused_before_anything_leaves(void **state)
{
	struct client c;
	char url[100];
	struct http_request r = client_post(url, 1, BODY);

	(void)state;
	client_start(&c, 1);
	r.headers[2] = "X-Name: a\r\nX-Evil: b";
	assert_int_equal(link_start(c.link, &r, NULL, NULL), RC_BAD_INPUT);
	r.headers[2] = NULL;
	r.url = "http://127.0.0.1:1/\r\nX: y";
	assert_int_equal(link_start(c.link, &r, NULL, NULL), RC_BAD_INPUT);
	r.url = "";
	assert_int_equal(link_start(c.link, &r, NULL, NULL), RC_BAD_INPUT);
	assert_int_equal(link_open_count(c.link), 0);
	client_stop(&c);
}

static void nonsense_for_a_url_ends_unsent(void **state)
{
	static const char *const urls[] = { "http://[::1", "ftp://127.0.0.1/", "file:///etc/passwd",
					    "http://", "%%%" };
	struct client c;
	char url[100];
	struct http_request r = client_post(url, 1, BODY);

	(void)state;
	client_start(&c, 1);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		r.url = urls[i];
		assert_int_equal(client_run(&c, &r)->end, HTTP_NOT_SENT);
	}
	client_stop(&c);
}

/* More calls than connections: the rest waits its turn, none is lost. */
static void more_calls_than_connections_wait_their_turn(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), AGAIN } };
	struct client c;
	struct peer *p = peer_start(script, 1, false);
	char url[100];
	struct http_request r = client_post(url, peer_port(p), BODY);

	(void)state;
	client_start(&c, 2);
	for (int i = 0; i < 10; i++)
		client_begin(&c, &r);
	assert_int_equal(link_open_count(c.link), 10);
	client_wait(&c, 10);
	assert_int_equal(link_open_count(c.link), 0);
	assert_int_equal(peer_requests(p), 10);
	assert_int_equal(peer_connections(p), 2);
	client_stop(&c);
	peer_stop(p);
}

static void calls_without_end_are_told_to_come_later(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, HOLD } };
	struct client c;
	struct peer *p = peer_start(script, 1, false);
	char url[100];
	struct http_request r = client_post(url, peer_port(p), BODY);

	(void)state;
	client_start(&c, 1);
	for (int i = 0; i < 257; i++)
		client_begin(&c, &r);
	assert_int_equal(link_start(c.link, &r, NULL, NULL), RC_TRY_LATER);
	assert_int_equal(link_open_count(c.link), 257);
	client_stop(&c); /* drops them all without a callback */
	assert_int_equal(c.done, 0);
	peer_stop(p);
}

static void the_loop_wakes_for_a_wake_and_for_the_extra_descriptor(void **state)
{
	struct client c;
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t n = 1;

	(void)state;
	client_start(&c, 1);
	link_wake(c.link);
	assert_int_equal(link_poll(c.link, -1, -1), RC_OK); /* would wait for ever otherwise */
	assert_int_equal(write(fd, &n, sizeof(n)), sizeof(n));
	assert_int_equal(link_poll(c.link, -1, fd), RC_OK);
	assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n)); /* not drained by link */
	close(fd);
	fd = eventfd(1, EFD_NONBLOCK); /* most likely the same number again */
	assert_int_equal(link_poll(c.link, -1, fd), RC_OK);
	close(fd);
	assert_int_equal(link_poll(c.link, 0, -1), RC_OK);
	client_stop(&c);
}

/* A callback may start the next call. */
struct chain {
	struct client client;
	struct http_request request;
	int left;
};

static void next(void *arg, const struct http_answer *answer)
{
	struct chain *c = arg;

	assert_int_equal(answer->end, HTTP_DONE);
	if (--c->left > 0) assert_int_equal(link_start(c->client.link, &c->request, next, c), RC_OK);
}

static void an_answer_may_start_the_next_call(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), READ, SAY(PEER_OK), READ,
								 SAY(PEER_OK), HOLD } };
	struct peer *p = peer_start(script, 1, false);
	struct chain c = { .left = 3 };
	char url[100];

	(void)state;
	client_start(&c.client, 1);
	c.request = client_post(url, peer_port(p), BODY);
	assert_int_equal(link_start(c.client.link, &c.request, next, &c), RC_OK);
	while (c.left > 0)
		assert_int_equal(link_poll(c.client.link, 1000, -1), RC_OK);
	assert_int_equal(peer_connections(p), 1);
	assert_int_equal(peer_requests(p), 3);
	client_stop(&c.client);
	peer_stop(p);
}

static void a_call_that_waits_is_not_overtaken_by_callbacks_that_start_new_ones(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), AGAIN } };
	struct peer *p = peer_start(script, 1, false);
	struct chain c = { .left = 3 };
	char url[100];
	struct http_request patient;

	(void)state;
	client_start(&c.client, 1);
	c.request = client_post(url, peer_port(p), "chain");
	patient = c.request;
	patient.body = (struct bytes){ "patient", 7 };
	assert_int_equal(link_start(c.client.link, &c.request, next, &c), RC_OK);
	client_begin(&c.client, &patient);
	while (c.left > 0 || c.client.done == 0)
		assert_int_equal(link_poll(c.client.link, 1000, -1), RC_OK);
	assert_non_null(strstr(peer_request(p, 1), "patient"));
	assert_int_equal(peer_requests(p), 4);
	client_stop(&c.client);
	peer_stop(p);
}

static void a_large_body_arrives_whole(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), HOLD } };
	static char body[60001];
	struct scene s;

	(void)state;
	memset(body, 'b', sizeof(body) - 1);
	begin(&s, script, 1);
	s.request.body = (struct bytes){ body, sizeof(body) - 1 };
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_non_null(strstr(peer_request(s.peer, 0), body));
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_answered),
		cmocka_unit_test(messages_share_a_connection),
		cmocka_unit_test(what_follows_an_answer_is_never_taken_for_the_next_one),
		cmocka_unit_test(a_request_read_on_a_kept_connection_and_cut_is_seen_once_and_counts_as_cut),
		cmocka_unit_test(the_same_cut_by_a_reset_counts_as_cut),
		cmocka_unit_test(a_kept_connection_closed_without_reading_the_body_counts_as_cut),
		cmocka_unit_test(a_new_connection_cut_after_reading_counts_as_cut),
		cmocka_unit_test(a_call_without_a_body_that_must_not_repeat_rides_a_connection_of_its_own),
		cmocka_unit_test(a_call_that_may_repeat_survives_a_stale_connection),
		cmocka_unit_test(a_refused_connection_sent_nothing),
		cmocka_unit_test(a_connection_that_is_never_made_sent_nothing),
		cmocka_unit_test(a_time_out_after_the_request_was_read_counts_as_cut),
		cmocka_unit_test(half_an_answer_counts_as_cut_and_keeps_what_came),
		cmocka_unit_test(half_a_status_line_counts_as_cut),
		cmocka_unit_test(an_answer_that_is_not_http_is_odd),
		cmocka_unit_test(an_answer_as_large_as_allowed_is_taken_and_one_byte_more_is_odd),
		cmocka_unit_test(an_answer_in_chunks_is_put_together),
		cmocka_unit_test(a_100_continue_before_the_answer_is_passed_over),
		cmocka_unit_test(an_answer_before_the_body_was_read_is_an_answer),
		cmocka_unit_test(a_redirect_is_followed_only_by_a_call_that_may_repeat),
		cmocka_unit_test(a_header_longer_than_kept_is_cut_and_the_33rd_is_dropped),
		cmocka_unit_test(a_header_with_a_line_break_is_refused_before_anything_leaves),
		cmocka_unit_test(nonsense_for_a_url_ends_unsent),
		cmocka_unit_test(more_calls_than_connections_wait_their_turn),
		cmocka_unit_test(calls_without_end_are_told_to_come_later),
		cmocka_unit_test(the_loop_wakes_for_a_wake_and_for_the_extra_descriptor),
		cmocka_unit_test(an_answer_may_start_the_next_call),
		cmocka_unit_test(a_call_that_waits_is_not_overtaken_by_callbacks_that_start_new_ones),
		cmocka_unit_test(a_large_body_arrives_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
