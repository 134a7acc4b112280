/*
** test_idle.c -- a connection that rested too long is not trusted with another message.
*/
#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

static const struct peer_step script[][PEER_STEPS] = { { READ, SAY(PEER_OK), AGAIN } };

static void rest(int seconds)
{
	struct timespec nap = { .tv_sec = seconds };

	nanosleep(&nap, NULL);
}

static void after_a_short_rest_the_connection_is_used_again_and_after_a_long_one_it_is_not(void **state)
{
	struct peer *p = peer_start(script, 1, false);
	struct client c;
	char url[100];
	struct http_request r = client_post(url, peer_port(p), "{}");

	(void)state;
	client_start(&c, 1);
	assert_int_equal(client_run(&c, &r)->end, HTTP_DONE);
	rest(1);
	assert_int_equal(client_run(&c, &r)->end, HTTP_DONE);
	assert_int_equal(peer_connections(p), 1);
	rest(7);
	assert_int_equal(client_run(&c, &r)->end, HTTP_DONE);
	assert_int_equal(peer_connections(p), 2);
	client_stop(&c);
	peer_stop(p);
}

/* Closed by the server while nobody looked: found out before anything is written. */
static void a_connection_the_server_closed_meanwhile_is_replaced_without_harm(void **state)
{
	static const struct peer_step closing[][PEER_STEPS] = { { READ, SAY(PEER_OK), CUT } };
	struct peer *p = peer_start(closing, 1, false);
	struct client c;
	char url[100];
	struct http_request r = client_post(url, peer_port(p), "{}");

	(void)state;
	client_start(&c, 1);
	assert_int_equal(client_run(&c, &r)->end, HTTP_DONE);
	rest(1);
	assert_int_equal(client_run(&c, &r)->end, HTTP_DONE);
	assert_int_equal(peer_requests(p), 2);
	assert_int_equal(link_poll(c.link, 0, -1), RC_OK);
	rest(1);
	assert_int_equal(link_poll(c.link, 0, -1),
			 RC_OK); /* the good-bye of an idle one wakes the loop once, not for ever */
	assert_int_equal(client_run(&c, &r)->end, HTTP_DONE);
	assert_int_equal(peer_connections(p), 3);
	client_stop(&c);
	peer_stop(p);
}

/* … a moment ago, sooner than curl would look again (spec bulk-sends §9.2: each of its idle connections would
** be a mail in doubt when a gateway starts anew). */
static void a_connection_the_server_closed_a_moment_ago_is_replaced_too(void **state)
{
	static const struct peer_step closing[][PEER_STEPS] = { { READ, SAY(PEER_OK), CUT } };
	const struct timespec moment = { .tv_nsec = 100000000 };
	struct peer *p = peer_start(closing, 1, false);
	struct client c;
	char url[100];
	struct http_request r = client_post(url, peer_port(p), "{}");

	(void)state;
	client_start(&c, 1);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(client_run(&c, &r)->end, HTTP_DONE);
		assert_int_equal(peer_requests(p), i);
		assert_int_equal(peer_connections(p), i);
		nanosleep(&moment, NULL);
	}
	client_stop(&c);
	peer_stop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			after_a_short_rest_the_connection_is_used_again_and_after_a_long_one_it_is_not),
		cmocka_unit_test(a_connection_the_server_closed_meanwhile_is_replaced_without_harm),
		cmocka_unit_test(a_connection_the_server_closed_a_moment_ago_is_replaced_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
