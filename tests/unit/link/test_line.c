/*
** test_line.c -- wherever a line is cut and whatever is answered, a message on a line of its own counts as
** answered only where it would with libcurl; and lines are kept, over TLS too, no longer than they may rest.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "link/ca.h"
#include "peer.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define BODY       "{\"to\":\"+593990000000\"}"
#define ANSWER_MAX 200

/* A call with a header of this kind is left to libcurl. */
#define CURLS_OWN "TE: trailers"

struct scene {
	struct client client;
	struct peer *peer;
	struct http_request request;
	char url[100];
};

static void begin(struct scene *s, const struct peer_step scripts[][PEER_STEPS], size_t count, bool is_tls)
{
	client_start(&s->client, 2);
	s->peer = peer_start(scripts, count, is_tls);
	s->request = client_post(s->url, peer_port(s->peer), BODY);
	if (is_tls) snprintf(s->url, sizeof(s->url), "https://127.0.0.1:%d/", peer_port(s->peer));
}

static void end(struct scene *s)
{
	client_stop(&s->client);
	peer_stop(s->peer);
}

static bool is_in_doubt(const struct http_answer *a)
{
	return a->end == HTTP_CUT || a->end == HTTP_ODD;
}

/* Cut at every byte */

static const struct peer_step cut_after[][2] = { { READ, CUT } };

static void must_be_in_doubt_until(const char *answer, size_t whole_from, int status, bool is_tls)
{
	static struct peer_step scripts[ANSWER_MAX][PEER_STEPS];
	size_t len = strlen(answer);

	assert_true(len < ANSWER_MAX);
	memset(scripts, 0, sizeof(scripts));
	for (size_t n = 0; n <= len; n++) {
		scripts[n][0] = cut_after[0][0];
		scripts[n][1] = n == 0 ? cut_after[0][1] : (struct peer_step){ PEER_SAY, answer, n };
	}
	for (int is_curls = 0; is_curls < 2; is_curls++) {
		struct scene s;

		begin(&s, scripts, len + 1, is_tls);
		if (is_curls) s.request.headers[2] = CURLS_OWN;
		for (size_t n = 0; n <= len; n++) {
			const struct http_answer *a = client_run(&s.client, &s.request);

			/* Over TLS libcurl 8.22 takes a head that ends behind its first line for a whole
			** one. */
			if (n < whole_from) {
				assert_true(is_in_doubt(a) || is_curls);
				continue;
			}
			assert_int_equal(a->end, HTTP_DONE);
			assert_int_equal(a->status, status);
		}
		assert_int_equal(peer_requests(s.peer), len + 1);
		end(&s);
	}
}

static void cut_at_any_byte_of_the_answer_a_message_is_in_doubt_until_the_last(void **state)
{
	static const char length[] = "HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{\"id\":77}";
	static const char chunks[] =
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
		"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;a=b\r\n}\r\n0\r\nT: t\r\n\r\n";
	static const char none[] = "HTTP/1.1 204 No Content\r\n\r\n";
	static const char rest[] = "HTTP/1.0 200 OK\r\n\r\nok";

	(void)state;
	must_be_in_doubt_until(length, sizeof(length) - 1, 201, false);
	must_be_in_doubt_until(chunks, sizeof(chunks) - 1, 200, false);
	must_be_in_doubt_until(none, sizeof(none) - 1, 204, false);
	must_be_in_doubt_until(rest, sizeof(rest) - 3, 200, false);
}

static void cut_at_any_byte_over_tls_too(void **state)
{
	static const char length[] = "HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\n1";

	(void)state;
	must_be_in_doubt_until(length, sizeof(length) - 1, 201, true);
}

/* Whatever is answered */

static void what_is_no_answer_to_libcurl_is_none_here(void **state)
{
#define OK "HTTP/1.1 200 OK\r\n"
	static const struct {
		const char *text;
		bool is_answer, is_curls_answer;
	} rows[] = {
		{ OK "Content-Length: 2\r\n\r\n{}", true, true },
		{ "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", true, true },
		{ "HTTP/1.1 200 \nContent-Length: 2\n\n{}", true, true },
		{ OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", true, true },
		{ OK "X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", true, true },
		{ OK "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", true,
		  true },
		{ OK "Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\n\n", true, true },
		{ "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" OK "Content-Length: 2\r\n\r\n{}", true, true },
		{ OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", false, false },
		{ OK "Content-Length: -2\r\n\r\n{}", false, false },
		{ OK "Content-Length: two\r\n\r\n{}", false, false },
		{ OK "no colon\r\nContent-Length: 2\r\n\r\n{}", false, false },
		{ OK "Transfer-Encoding: chunked\r\n\r\nz\r\n{}\r\n0\r\n\r\n", false, false },
		{ OK "Transfer-Encoding: chunked\r\n\r\n2\r\n{}!\r\n0\r\n\r\n", false, false },
		{ OK "Transfer-Encoding: gzip\r\n\r\n{}", false, false },
		{ "ICY 200 OK\r\nContent-Length: 2\r\n\r\n{}", false, false },
		/* Stricter: libcurl 8.22 reads over it, to the end of the line. */
		{ OK " X: y\r\nContent-Length: 2\r\n\r\n{}", false, true },
		{ "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n{}", false, true },
		{ "HTTP/3.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", false, true },
		{ "HTTP/1.1 101 Upgrade\r\nUpgrade: h2c\r\n\r\n" OK "Content-Length: 2\r\n\r\n{}", false,
		  true },
		{ OK "Content-Length : 2\r\n\r\n{}", false, true },
		{ OK "Transfer-Encoding: chunked\r\n\r\n2 2\r\n{}\r\n0\r\n\r\n", false, true },
	};
#undef OK
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	static struct peer_step scripts[ROWS][PEER_STEPS];

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		scripts[i][0] = cut_after[0][0];
		scripts[i][1] = (struct peer_step){ PEER_SAY, rows[i].text, 0 };
	}
	for (int is_curls = 0; is_curls < 2; is_curls++)
		for (size_t i = 0; i < ROWS; i++) {
			bool expected = is_curls ? rows[i].is_curls_answer : rows[i].is_answer;
			const struct http_answer *a;
			struct scene s;

			begin(&s, scripts + i, 1, false);
			if (is_curls) s.request.headers[2] = CURLS_OWN;
			a = client_run(&s.client, &s.request);
			assert_int_equal(a->end == HTTP_DONE, expected);
			assert_true(expected || is_in_doubt(a));
			if (rows[i].is_answer) {
				assert_int_equal(a->status, 200);
				assert_string_equal(a->body.p, "{}");
			}
			assert_int_equal(peer_requests(s.peer), 1);
			end(&s);
		}
}

static void an_answer_that_comes_byte_by_byte_is_one_and_its_line_is_kept(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, DRIP(PEER_OK), AGAIN } };
	struct scene s;

	(void)state;
	begin(&s, script, 1, false);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
		assert_string_equal(s.client.answer.body.p, "{}");
	}
	assert_int_equal(peer_connections(s.peer), 1);
	end(&s);
}

/* The request */

/* Ten times what the kernel takes at once: some of it was given, the rest never is. */
static char large[8 * 1024 * 1024];

static void a_request_cut_while_it_is_written_is_in_doubt_and_never_written_again(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ_HEAD, RESET }, { HOLD } };
	struct scene s;

	(void)state;
	begin(&s, script, 2, false);
	s.request.body = (struct bytes){ large, sizeof(large) };
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_CUT);
	assert_int_equal(peer_connections(s.peer), 1);
	end(&s);
}

static void an_answer_while_the_request_is_written_ends_both(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = {
		{ READ_HEAD, SAY("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"), HOLD },
		{ READ, SAY(PEER_OK), HOLD }
	};
	struct scene s;

	(void)state;
	begin(&s, script, 2, false);
	s.request.body = (struct bytes){ large, sizeof(large) };
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(s.client.answer.status, 413);
	s.request.body = (struct bytes){ "next", 4 };
	assert_int_equal(client_run(&s.client, &s.request)->status, 200);
	assert_int_equal(peer_connections(s.peer), 2); /* half a request is no beginning for another */
	end(&s);
}

static void the_environments_proxy_is_not_asked(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), HOLD } };
	struct scene s;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
	begin(&s, script, 1, false);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_non_null(strstr(peer_request(s.peer, 0), "POST /api/send-message HTTP/1.1\r\n"));
	end(&s);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

/* The line */

/* The server gives tickets: words of TLS, not of the server. */
static void over_tls_a_line_is_kept_for_many_messages(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), AGAIN } };
	struct scene s;

	(void)state;
	begin(&s, script, 1, true);
	for (int i = 0; i < 20; i++)
		assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(peer_requests(s.peer), 20);
	assert_int_equal(peer_connections(s.peer), 1);
	end(&s);
}

static void over_tls_what_follows_an_answer_is_never_taken_for_the_next_one(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = {
		{ READ, SAY(PEER_OK "HTTP/1.1 201 Other\r\nContent-Length: 0\r\n\r\n"), READ, HOLD },
		{ READ, SAY(PEER_OK), HOLD }
	};
	struct scene s;

	(void)state;
	begin(&s, script, 2, true);
	assert_int_equal(client_run(&s.client, &s.request)->status, 200);
	assert_int_equal(client_run(&s.client, &s.request)->status, 200);
	end(&s);
}

static int open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* Nobody writes any more: the house hangs up by itself, for which the loop wakes. */
static void a_line_that_rests_is_closed_by_itself(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), HOLD } };
	struct scene s;
	int before;

	(void)state;
	begin(&s, script, 1, false);
	before = open_files();
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_true(open_files() > before);
	while (open_files() > before)
		assert_int_equal(link_poll(s.client.link, 1000, -1), RC_OK);
	end(&s);
}

static int trust_the_peer(void **state)
{
	(void)state;
	return ca_add(peer_certificate(), strlen(peer_certificate())) == RC_OK ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_at_any_byte_of_the_answer_a_message_is_in_doubt_until_the_last),
		cmocka_unit_test(cut_at_any_byte_over_tls_too),
		cmocka_unit_test(what_is_no_answer_to_libcurl_is_none_here),
		cmocka_unit_test(an_answer_that_comes_byte_by_byte_is_one_and_its_line_is_kept),
		cmocka_unit_test(a_request_cut_while_it_is_written_is_in_doubt_and_never_written_again),
		cmocka_unit_test(an_answer_while_the_request_is_written_ends_both),
		cmocka_unit_test(the_environments_proxy_is_not_asked),
		cmocka_unit_test(over_tls_a_line_is_kept_for_many_messages),
		cmocka_unit_test(over_tls_what_follows_an_answer_is_never_taken_for_the_next_one),
		cmocka_unit_test(a_line_that_rests_is_closed_by_itself),
	};

	return cmocka_run_group_tests(tests, trust_the_peer, NULL);
}
