/*
** test_sink.c -- a large answer goes into a file as it comes: whole, bounded, and only when it is a 200.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "peer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct scene {
	struct client client;
	struct peer *peer;
	struct http_request request;
	char url[100];
	int fd;
};

static void begin(struct scene *s, const struct peer_step scripts[][PEER_STEPS], size_t count)
{
	client_start(&s->client, 1);
	s->peer = peer_start(scripts, count, false);
	s->request = client_post(s->url, peer_port(s->peer), "");
	s->request.method = "GET";
	s->request.may_repeat = true;
	s->fd = memfd_create("sink", MFD_CLOEXEC);
	assert_true(s->fd >= 0);
	s->request.has_sink = true;
	s->request.sink_fd = s->fd;
}

static void end(struct scene *s)
{
	close(s->fd);
	client_stop(&s->client);
	peer_stop(s->peer);
}

static int64_t size_of(int fd)
{
	return lseek(fd, 0, SEEK_END);
}

static void a_file_as_large_as_allowed_arrives_and_one_byte_more_does_not(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = {
		{ READ, SAY("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n"), FILL(300000), READ,
		  SAY("HTTP/1.1 200 OK\r\nContent-Length: 300001\r\n\r\n"), FILL(300001), HOLD }
	};
	const struct http_answer *a;
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	s.request.answer_max = 300000;
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_DONE);
	assert_int_equal(a->sunk, 300000);
	assert_int_equal(a->body.len, 0);
	assert_int_equal(size_of(s.fd), 300000);
	assert_int_equal(ftruncate(s.fd, 0), 0);
	assert_int_equal(lseek(s.fd, 0, SEEK_SET), 0);
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_ODD);
	assert_true(a->sunk <= 300000);
	assert_string_equal(a->error, "the answer is larger than allowed");
	end(&s);
}

static void a_page_of_an_error_stays_out_of_the_file(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { {
		READ,
		SAY("HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nnothing"),
		READ,
		SAY("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
		HOLD,
	} };
	const struct http_answer *a;
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->status, 404);
	assert_string_equal(a->body.p, "nothing");
	assert_int_equal(a->sunk, 0);
	assert_int_equal(size_of(s.fd), 0);
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->sunk, 2);
	end(&s);
}

static void a_file_that_takes_no_more_ends_the_call(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { {
		READ,
		SAY("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
		FILL(1000),
		HOLD,
	} };
	const struct http_answer *a;
	struct scene s;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	begin(&s, script, 1);
	s.request.sink_fd = full;
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_ODD);
	assert_string_equal(a->error, "the file that comes in could not be written");
	close(full);
	end(&s);
}

static void a_file_cut_half_way_says_so(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = {
		{ READ, SAY("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), FILL(400), CUT },
	};
	const struct http_answer *a;
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_CUT);
	assert_int_equal(a->sunk, 400);
	end(&s);
}

static void a_redirect_is_the_answer_when_it_is_not_to_be_followed(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { {
		READ,
		SAY("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/else\r\nContent-Length: 0\r\n\r\n"),
		HOLD,
	} };
	const struct http_answer *a;
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	s.request.no_redirects = true;
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_DONE);
	assert_int_equal(a->status, 302);
	assert_string_equal(http_header(a, "Location"), "http://127.0.0.1:9/else");
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_as_large_as_allowed_arrives_and_one_byte_more_does_not),
		cmocka_unit_test(a_page_of_an_error_stays_out_of_the_file),
		cmocka_unit_test(a_file_that_takes_no_more_ends_the_call),
		cmocka_unit_test(a_file_cut_half_way_says_so),
		cmocka_unit_test(a_redirect_is_the_answer_when_it_is_not_to_be_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
