/*
** test_door.c -- names, trust and the guard at the door: what is refused before a byte leaves, and how
** long it may take.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "link/ca.h"
#include "peer.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BODY "{\"to\":\"+593990000000\"}"

/* The name server of these tests, in place of libc's: "dead.test" never answers in time, "inside.test" is
** an address of the house, others do not exist. */
static struct addrinfo *loopback_entry(const char *port)
{
	struct addrinfo *a = calloc(1, sizeof(*a) + sizeof(struct sockaddr_in));
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)(a + 1);

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in->sin_port = htons((uint16_t)(port == NULL ? 0 : atoi(port)));
	a->ai_family = AF_INET;
	a->ai_socktype = SOCK_STREAM;
	a->ai_addrlen = sizeof(*in);
	a->ai_addr = (struct sockaddr *)in;
	return a;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	struct timespec nap = { .tv_sec = 30 };

	(void)hints;
	if (strcmp(node, "dead.test") == 0) nanosleep(&nap, NULL);
	if (strcmp(node, "inside.test") != 0) return EAI_NONAME;
	*out = loopback_entry(service);
	return 0;
}

static const struct peer_step once[][PEER_STEPS] = { { READ, SAY(PEER_OK), AGAIN } };

static void a_name_that_does_not_exist_sent_nothing(void **state)
{
	struct client c;
	char url[100];
	struct http_request r = client_post(url, 1, BODY);
	const struct http_answer *a;

	(void)state;
	client_start(&c, 1);
	r.url = "https://nowhere.test/path?key=secret";
	a = client_run(&c, &r);
	assert_int_equal(a->end, HTTP_NOT_SENT);
	assert_non_null(strstr(a->error, "could not be found"));
	assert_null(strstr(a->error, "secret"));
	client_stop(&c);
}

static void a_dead_name_server_ends_the_call_in_time_and_does_not_hold_the_stop(void **state)
{
	struct client c;
	char url[100];
	struct http_request r = client_post(url, 1, BODY);
	instant before = clock_ticks();

	(void)state;
	client_start(&c, 2);
	r.url = "https://dead.test/";
	r.connect_ms = 200;
	assert_int_equal(client_run(&c, &r)->end, HTTP_NOT_SENT);
	client_begin(&c, &r);
	assert_int_equal(link_poll(c.link, 0, -1), RC_OK);
	client_stop(&c);
	/* Not a measure of speed: the resolver sleeps 30 s, and nobody may have waited for it. */
	assert_true(clock_ticks() - before < 15000);
}

static void localhost_needs_no_name_server(void **state)
{
	struct peer *p = peer_start(once, 1, false);
	struct client c;
	char url[100];
	struct http_request r = client_post(url, peer_port(p), BODY);

	(void)state;
	snprintf(url, sizeof(url), "http://localhost:%d/", peer_port(p));
	client_start(&c, 1);
	assert_int_equal(client_run(&c, &r)->end, HTTP_DONE);
	client_stop(&c);
	peer_stop(p);
}

static void a_strangers_url_is_https_only_and_never_reaches_the_house(void **state)
{
	static const char *const forms[] = { "http://127.0.0.1:%d/",   "https://127.0.0.1:%d/",
					     "https://localhost:%d/",  "https://inside.test:%d/",
					     "https://2130706433:%d/", "https://0x7f.1:%d/",
					     "https://0:%d/" };
	struct peer *p = peer_start(once, 1, false);
	struct client c;
	char url[100];
	struct http_request r = client_post(url, 1, BODY);

	(void)state;
	client_start(&c, 1);
	r.is_configured = false;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(url, sizeof(url), forms[i], peer_port(p));
#pragma GCC diagnostic pop
		assert_int_equal(client_run(&c, &r)->end, HTTP_NOT_SENT);
	}
	assert_int_equal(peer_connections(p), 0); /* it did not even knock */
	client_stop(&c);
	peer_stop(p);
}

static void a_stranger_may_not_use_a_connection_that_a_configured_call_left_open(void **state)
{
	struct peer *p = peer_start(once, 1, true);
	struct client c;
	char url[100];
	struct http_request r = client_post(url, peer_port(p), BODY);

	(void)state;
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", peer_port(p));
	client_start(&c, 1);
	assert_int_equal(client_run(&c, &r)->end, HTTP_DONE);
	r.is_configured = false;
	assert_int_equal(client_run(&c, &r)->end, HTTP_NOT_SENT);
	assert_non_null(strstr(c.answer.error, "private or special"));
	assert_int_equal(peer_requests(p), 1);
	client_stop(&c);
	peer_stop(p);
}

static void tls_with_a_trusted_authority_is_answered(void **state)
{
	struct peer *p = peer_start(once, 1, true);
	struct client c;
	char url[100];
	struct http_request r = client_post(url, peer_port(p), BODY);

	(void)state;
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", peer_port(p));
	client_start(&c, 1);
	assert_int_equal(client_run(&c, &r)->end, HTTP_DONE);
	assert_int_equal(client_run(&c, &r)->end, HTTP_DONE);
	assert_int_equal(peer_connections(p), 1);
	assert_int_equal(peer_requests(p), 2);
	client_stop(&c);
	peer_stop(p);
}

static void tls_for_another_name_sent_nothing(void **state)
{
	struct peer *p = peer_start(once, 1, true);
	struct client c;
	char url[100];
	struct http_request r = client_post(url, peer_port(p), BODY);

	(void)state;
	snprintf(url, sizeof(url), "https://inside.test:%d/", peer_port(p));
	client_start(&c, 1);
	assert_int_equal(client_run(&c, &r)->end, HTTP_NOT_SENT);
	assert_int_equal(peer_requests(p), 0);
	client_stop(&c);
	peer_stop(p);
}

static void a_server_that_speaks_no_tls_got_nothing(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { SAY(PEER_OK), HOLD } };
	struct peer *p = peer_start(script, 1, false);
	struct client c;
	char url[100];
	struct http_request r = client_post(url, peer_port(p), BODY);

	(void)state;
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", peer_port(p));
	client_start(&c, 1);
	assert_int_equal(client_run(&c, &r)->end, HTTP_NOT_SENT);
	client_stop(&c);
	peer_stop(p);
}

static void a_tls_handshake_that_hangs_sent_nothing(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { HOLD } };
	struct peer *p = peer_start(script, 1, false);
	struct client c;
	char url[100];
	struct http_request r = client_post(url, peer_port(p), BODY);

	(void)state;
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", peer_port(p));
	r.connect_ms = 300;
	client_start(&c, 1);
	assert_int_equal(client_run(&c, &r)->end, HTTP_NOT_SENT);
	client_stop(&c);
	peer_stop(p);
}

static void over_tls_a_request_read_on_a_kept_connection_and_cut_is_seen_once(void **state)
{
	static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), READ, CUT },
							       { READ, SAY(PEER_OK), HOLD } };
	struct peer *p = peer_start(script, 2, true);
	struct client c;
	char url[100];
	struct http_request r = client_post(url, peer_port(p), BODY);

	(void)state;
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", peer_port(p));
	client_start(&c, 1);
	assert_int_equal(client_run(&c, &r)->end, HTTP_DONE);
	assert_int_equal(client_run(&c, &r)->end, HTTP_CUT);
	assert_int_equal(peer_requests(p), 2);
	client_stop(&c);
	peer_stop(p);
}

static void one_call_waits_for_its_answer_and_keeps_it_in_the_arena(void **state)
{
	struct peer *p = peer_start(once, 1, false);
	struct env env = { .lang = LANG_EN };
	struct arena *arena = arena_new(64 * 1024);
	struct http_answer a;
	struct cx cx;
	char url[100];
	struct http_request r = client_post(url, peer_port(p), BODY);

	(void)state;
	cx_init(&cx, &env, arena, NULL);
	assert_int_equal(link_call(&cx, &a, &r), RC_OK);
	assert_int_equal(a.end, HTTP_DONE);
	assert_string_equal(a.body.p, "{}");
	peer_stop(p);
	assert_int_equal(link_call(&cx, &a, &r), RC_OK);
	assert_int_equal(a.end, HTTP_NOT_SENT);
	r.url = "";
	assert_int_equal(link_call(&cx, &a, &r), RC_BAD_INPUT);
	assert_true(cx.message[0] != '\0');
	arena_free(arena);
}

/* First: from its end on the peer is trusted. */
static void a_certificate_nobody_vouches_for_sent_nothing(void **state)
{
	struct peer *p = peer_start(once, 1, true);
	struct client c;
	char url[100];
	struct http_request r = client_post(url, peer_port(p), BODY);

	(void)state;
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", peer_port(p));
	client_start(&c, 1);
	assert_int_equal(client_run(&c, &r)->end, HTTP_NOT_SENT);
	assert_int_equal(peer_requests(p), 0);
	client_stop(&c);
	peer_stop(p);
	assert_int_equal(ca_add("no certificate", 14), RC_BAD_INPUT);
	assert_int_equal(ca_add(peer_certificate(), strlen(peer_certificate())), RC_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_nobody_vouches_for_sent_nothing),
		cmocka_unit_test(a_name_that_does_not_exist_sent_nothing),
		cmocka_unit_test(localhost_needs_no_name_server),
		cmocka_unit_test(a_strangers_url_is_https_only_and_never_reaches_the_house),
		cmocka_unit_test(a_stranger_may_not_use_a_connection_that_a_configured_call_left_open),
		cmocka_unit_test(tls_with_a_trusted_authority_is_answered),
		cmocka_unit_test(tls_for_another_name_sent_nothing),
		cmocka_unit_test(a_server_that_speaks_no_tls_got_nothing),
		cmocka_unit_test(a_tls_handshake_that_hangs_sent_nothing),
		cmocka_unit_test(over_tls_a_request_read_on_a_kept_connection_and_cut_is_seen_once),
		cmocka_unit_test(one_call_waits_for_its_answer_and_keeps_it_in_the_arena),
		cmocka_unit_test(a_dead_name_server_ends_the_call_in_time_and_does_not_hold_the_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
