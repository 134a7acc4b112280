/*
** test_outcome.c -- when does a message count as not sent? Only when not one byte can have left.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "link/transfer.h"

static void check(enum http_end expected, struct evidence e)
{
	assert_int_equal(outcome_of(&e), expected);
}

static void a_connection_that_was_never_made_sent_nothing(void **state)
{
	(void)state;
	check(HTTP_NOT_SENT, (struct evidence){ .code = CURLE_COULDNT_RESOLVE_HOST });
	check(HTTP_NOT_SENT, (struct evidence){ .code = CURLE_COULDNT_CONNECT });
	check(HTTP_NOT_SENT, (struct evidence){ .code = CURLE_OPERATION_TIMEDOUT, .is_tls = true });
	check(HTTP_NOT_SENT, (struct evidence){ .code = CURLE_SSL_CONNECT_ERROR, .is_tls = true });
	check(HTTP_NOT_SENT, (struct evidence){ .code = CURLE_PEER_FAILED_VERIFICATION, .is_tls = true });
	check(HTTP_NOT_SENT, (struct evidence){ .code = CURLE_ABORTED_BY_CALLBACK, .is_denied = true });
}

static void one_byte_is_enough_to_be_cut(void **state)
{
	(void)state;
	check(HTTP_CUT, (struct evidence){ .code = CURLE_RECV_ERROR, .begun = 1, .request_size = 1 });
	check(HTTP_CUT, (struct evidence){ .code = CURLE_OPERATION_TIMEDOUT, .begun = 1, .request_size = 1 });
	check(HTTP_CUT, (struct evidence){ .code = CURLE_SEND_FAIL_REWIND, .begun = 1, .request_size = 300 });
	check(HTTP_CUT, (struct evidence){ .code = CURLE_GOT_NOTHING, .begun = 1, .request_size = 300 });
	check(HTTP_CUT, (struct evidence){
				.code = CURLE_PARTIAL_FILE, .begun = 1, .request_size = 300, .status = 200 });
	check(HTTP_CUT, (struct evidence){ .code = CURLE_OUT_OF_MEMORY, .begun = 1, .request_size = 300 });
}

static void over_plain_tcp_nothing_taken_is_nothing_sent(void **state)
{
	(void)state;
	check(HTTP_NOT_SENT, (struct evidence){ .code = CURLE_SEND_ERROR, .begun = 1 });
	check(HTTP_NOT_SENT, (struct evidence){ .code = CURLE_SEND_FAIL_REWIND, .begun = 1 });
}

/* A record half written may still be flushed when the connection is closed. */
static void over_tls_a_connection_that_was_made_counts_as_used(void **state)
{
	(void)state;
	check(HTTP_CUT, (struct evidence){ .code = CURLE_SEND_ERROR, .begun = 1, .is_tls = true });
	check(HTTP_CUT, (struct evidence){ .code = CURLE_OPERATION_TIMEDOUT, .begun = 1, .is_tls = true });
}

static void an_answer_needs_a_status_and_its_limit(void **state)
{
	(void)state;
	check(HTTP_DONE, (struct evidence){ .begun = 1, .request_size = 9, .status = 500 });
	check(HTTP_ODD, (struct evidence){ .begun = 1, .request_size = 9 });
	check(HTTP_ODD,
	      (struct evidence){ .begun = 1, .request_size = 9, .status = 200, .is_too_large = true });
	check(HTTP_ODD,
	      (struct evidence){ .code = CURLE_WRITE_ERROR, .begun = 1, .request_size = 9, .status = 200 });
	check(HTTP_ODD,
	      (struct evidence){ .code = CURLE_UNSUPPORTED_PROTOCOL, .begun = 1, .request_size = 9 });
	check(HTTP_ODD,
	      (struct evidence){
		      .code = CURLE_ABORTED_BY_CALLBACK, .begun = 1, .request_size = 9, .is_denied = true });
}

/* Whatever curl may say in future: after a byte it is never "not sent", and without a status never "done". */
static void no_code_of_curl_breaks_the_promise(void **state)
{
	(void)state;
	for (int code = 0; code < CURL_LAST; code++) {
		struct evidence e = { .code = (CURLcode)code, .begun = 1, .request_size = 1 };

		assert_int_not_equal(outcome_of(&e), HTTP_NOT_SENT);
		assert_int_not_equal(outcome_of(&e), HTTP_DONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_that_was_never_made_sent_nothing),
		cmocka_unit_test(one_byte_is_enough_to_be_cut),
		cmocka_unit_test(over_plain_tcp_nothing_taken_is_nothing_sent),
		cmocka_unit_test(over_tls_a_connection_that_was_made_counts_as_used),
		cmocka_unit_test(an_answer_needs_a_status_and_its_limit),
		cmocka_unit_test(no_code_of_curl_breaks_the_promise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
