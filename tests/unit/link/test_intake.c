/*
** test_intake.c -- where an answer ends: by its length, its chunks, or with the line; and what is none.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "link/intake.h"

#include <stdio.h>

#define HEAD_MAX ((size_t)300 * 1024)

struct heard {
	struct intake in;
	int lines;
	char body[256];
	size_t len, max;
};

static void take_header(void *arg, const char *line, size_t len)
{
	(void)line, (void)len;
	((struct heard *)arg)->lines++;
}

static bool take_body(void *arg, const char *p, size_t len)
{
	struct heard *h = arg;

	if (h->len + len > h->max) return false;
	memcpy(h->body + h->len, p, len);
	h->len += len;
	return true;
}

static void begin(struct heard *h)
{
	memset(h, 0, sizeof(*h));
	h->max = sizeof(h->body);
	intake_init(&h->in);
	h->in.take_header = take_header;
	h->in.take_body = take_body;
	h->in.arg = h;
	intake_begin(&h->in);
}

/* In pieces of every size: it must always come to the same. */
static void hear(struct heard *h, const char *text, size_t piece)
{
	size_t len = strlen(text);

	begin(h);
	for (size_t at = 0; at < len; at += piece)
		intake_take(&h->in, text + at, len - at < piece ? len - at : piece);
}

static void must_be(const char *text, enum intake_at at, int status, const char *body, bool may_keep)
{
	for (size_t piece = 1; piece <= strlen(text); piece++) {
		struct heard h;

		hear(&h, text, piece);
		assert_int_equal(h.in.at, at);
		assert_int_equal(h.in.status, status);
		assert_int_equal(h.len, strlen(body));
		assert_memory_equal(h.body, body, h.len);
		assert_int_equal(h.in.may_keep, may_keep);
		intake_free(&h.in);
	}
}

static void must_be_wrong(const char *text, enum intake_wrong wrong)
{
	for (size_t piece = 1; piece <= strlen(text); piece++) {
		struct heard h;

		hear(&h, text, piece);
		assert_int_equal(h.in.at, INTAKE_WRONG);
		assert_int_equal(h.in.wrong, wrong);
		intake_free(&h.in);
	}
}

static void an_answer_ends_where_its_length_says_and_the_line_is_kept(void **state)
{
	(void)state;
	must_be("HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello", INTAKE_WHOLE, 201, "hello", true);
	must_be("HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", INTAKE_WHOLE, 200, "", true);
	must_be("HTTP/1.1 200 OK\nContent-Length: 1\n\nx", INTAKE_WHOLE, 200, "x", true);
	must_be("HTTP/1.1 204 No Content\r\n\r\n", INTAKE_WHOLE, 204, "", true);
	must_be("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", INTAKE_WHOLE, 200,
		"x", true);
	must_be("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", INTAKE_WHOLE, 200,
		"ab", true);
}

static void a_line_whose_end_is_in_doubt_is_not_kept(void **state)
{
	(void)state;
	must_be("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", INTAKE_WHOLE, 200, "x", false);
	must_be("HTTP/1.1 200 OK\r\nConnection: a, Close\r\nContent-Length: 1\r\n\r\nx", INTAKE_WHOLE, 200,
		"x", false);
	must_be("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		INTAKE_WHOLE, 200, "x", false);
	must_be("HTTP/1.1 200 OK\r\n\r\nuntil the end", INTAKE_REST, 200, "until the end", false);
	must_be("HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
		INTAKE_WHOLE, 200, "x", false);
	must_be("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		INTAKE_WHOLE, 200, "", false);
	must_be("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", INTAKE_WHOLE, 204, "", false);
	must_be("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", INTAKE_WHOLE, 204, "",
		false);
	must_be("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", INTAKE_WHOLE, 204, "", true);
}

static void what_comes_behind_an_answer_is_not_the_next_one(void **state)
{
	struct heard h;

	(void)state;
	hear(&h, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n", 1000);
	assert_int_equal(h.in.at, INTAKE_WHOLE);
	assert_int_equal(h.len, 1);
	assert_false(h.in.may_keep);
	intake_free(&h.in);
}

static void chunks_are_put_together_and_a_1xx_is_passed_over(void **state)
{
	(void)state;
	must_be("HTTP/1.1 100 Continue\r\nContent-Length: 7\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
		"A ;x=\"y\"\r\n0123456789\r\n02 \r\nab\r\n0\r\nTrailer: t\r\n\r\n",
		INTAKE_WHOLE, 200, "0123456789ab", true);
}

/* RFC 9112 §5.2: by a sender that nobody writes any more. Nothing that we ask for is written so. */
static void a_folded_line_is_passed_over_unless_it_says_where_the_answer_ends(void **state)
{
	(void)state;
	must_be("HTTP/1.1 200 OK\r\nX-Long: a\r\n\tb: c\r\n Content-Length: 9\r\nContent-Length: 1\r\n\r\nx",
		INTAKE_WHOLE, 200, "x", true);
	must_be_wrong("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nConnection: a,\r\n close\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\n X: y\r\n", INTAKE_BROKEN);
}

static void a_nul_is_no_letter_of_a_head(void **state)
{
	static const char *const heads[] = { "HTTP/1.1 200 O#K\r\n", "HTTP/1.1 200 OK\r\nX: #\r\n",
					     "HTTP/1.1 200 OK\r\nContent-Length#: 1\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		char text[64];
		struct heard h;
		size_t len = strlen(heads[i]);

		memcpy(text, heads[i], len);
		*(char *)memchr(text, '#', len) = '\0';
		begin(&h);
		intake_take(&h.in, text, len);
		assert_int_equal(h.in.at, INTAKE_WRONG);
		intake_free(&h.in);
	}
}

static void an_answer_without_a_length_is_whole_when_the_line_ends(void **state)
{
	struct heard h;

	(void)state;
	hear(&h, "HTTP/1.1 200 OK\r\n\r\nabc", 2);
	intake_end(&h.in);
	assert_int_equal(h.in.at, INTAKE_WHOLE);
	intake_free(&h.in);
	hear(&h, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", 2);
	intake_end(&h.in);
	assert_int_equal(h.in.at, INTAKE_LENGTH);
	intake_free(&h.in);
}

static void what_can_be_read_in_two_ways_is_no_answer(void **state)
{
	(void)state;
	must_be_wrong("220 mail.example.com ESMTP\r\n", INTAKE_NOT_HTTP);
	must_be_wrong("HTTP/2 200\r\n", INTAKE_NOT_HTTP);
	must_be_wrong("\r\nHTTP/1.1 200 OK\r\n", INTAKE_NOT_HTTP);
	must_be_wrong("HTTP/1.1 200x OK\r\n", INTAKE_NOT_HTTP);
	must_be_wrong("HTTP/1.1 200 OK\r\nno colon\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nContent-Length : 2\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding\t: chunked\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nContent-Length:\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		      INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 2\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\rx\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 099 Odd\r\n", INTAKE_NOT_HTTP);
	must_be_wrong("HTTP/1.1 2000 Odd\r\n", INTAKE_NOT_HTTP);
	must_be_wrong("HTTP/1.1 101 Switching Protocols\r\n\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000000\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", INTAKE_BROKEN);
	must_be_wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
		      INTAKE_BROKEN);
}

static void a_body_that_is_refused_ends_there(void **state)
{
	struct heard h;

	(void)state;
	begin(&h);
	h.max = 3;
	intake_take(&h.in, "HTTP/1.1 200 OK\r\n\r\nabc", 22);
	assert_int_equal(h.in.at, INTAKE_REST);
	intake_take(&h.in, "d", 1);
	assert_int_equal(h.in.at, INTAKE_WRONG);
	assert_int_equal(h.in.wrong, INTAKE_REFUSED);
	assert_int_equal(h.in.status, 200);
	intake_free(&h.in);
}

static void a_head_as_long_as_allowed_is_taken_and_one_byte_more_is_not(void **state)
{
	static const char first[] = "HTTP/1.1 204 No\r\n", line[] = "A: bcdefghijkl\r\n";
	size_t lines = (HEAD_MAX - (sizeof(first) - 1) - 2) / (sizeof(line) - 1);
	size_t rest = HEAD_MAX - (sizeof(first) - 1) - 2 - lines * (sizeof(line) - 1);

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		struct heard h;
		char blanks[32];

		begin(&h);
		intake_take(&h.in, first, sizeof(first) - 1);
		for (size_t i = 0; i + 1 < lines; i++)
			intake_take(&h.in, line, sizeof(line) - 1);
		memset(blanks, ' ', sizeof(blanks));
		intake_take(&h.in, line, sizeof(line) - 3);
		intake_take(&h.in, blanks, rest + more);
		intake_take(&h.in, "\r\n\r\n", 4);
		assert_int_equal(h.in.at, more == 0 ? INTAKE_WHOLE : INTAKE_WRONG);
		if (more > 0) assert_int_equal(h.in.wrong, INTAKE_LONG_HEAD);
		intake_free(&h.in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_ends_where_its_length_says_and_the_line_is_kept),
		cmocka_unit_test(a_line_whose_end_is_in_doubt_is_not_kept),
		cmocka_unit_test(what_comes_behind_an_answer_is_not_the_next_one),
		cmocka_unit_test(chunks_are_put_together_and_a_1xx_is_passed_over),
		cmocka_unit_test(a_folded_line_is_passed_over_unless_it_says_where_the_answer_ends),
		cmocka_unit_test(a_nul_is_no_letter_of_a_head),
		cmocka_unit_test(an_answer_without_a_length_is_whole_when_the_line_ends),
		cmocka_unit_test(what_can_be_read_in_two_ways_is_no_answer),
		cmocka_unit_test(a_body_that_is_refused_ends_there),
		cmocka_unit_test(a_head_as_long_as_allowed_is_taken_and_one_byte_more_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
