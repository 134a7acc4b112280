/*
** test_parse.c -- the readers of addresses, forms, cookies and uploads, and who is behind a proxy.
*/
#include "web/inside.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct arena *arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(64 * 1024 * 1024);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static enum rc target(struct request *rq, const char *text)
{
	const char *why = NULL;
	enum rc rc;

	*rq = (struct request){ .peer = "" };
	request_begin(rq, arena);
	rc = target_parse(arena, rq, text, &why);
	if (rc != RC_OK) assert_true(strlen(why) > 0);
	return rc;
}

static void an_address_is_decoded_after_it_was_split(void **state)
{
	struct request rq;

	(void)state;
	assert_int_equal(target(&rq, "/a%20b/%3Fc?x=%26%3D&y&x=2&=3&&z=+%2B"), RC_OK);
	assert_string_equal(rq.path, "/a b/?c");
	assert_string_equal(request_query(&rq, "x"), "&=");
	assert_string_equal(request_query(&rq, "y"), "");
	assert_string_equal(request_query(&rq, ""), "3");
	assert_string_equal(request_query(&rq, "z"), " +");
	assert_null(request_query(&rq, "w"));
	assert_int_equal(target(&rq, "HTTPS://host"), RC_BAD_INPUT);
	assert_int_equal(target(&rq, "https://host/x"), RC_OK);
	assert_string_equal(rq.path, "/x");
	assert_int_equal(target(&rq, "/a+b"), RC_OK);
	assert_string_equal(rq.path, "/a+b");
	assert_int_equal(target(&rq, "/..a/.b/c.."), RC_OK);
	assert_int_equal(target(&rq, ""), RC_BAD_INPUT);
	assert_int_equal(target(&rq, "*"), RC_BAD_INPUT);
	assert_int_equal(target(&rq, "/.."), RC_BAD_INPUT);
	assert_int_equal(target(&rq, "/."), RC_BAD_INPUT);
}

static void parameters_are_taken_to_the_limit_and_not_one_more(void **state)
{
	struct request rq;
	char text[REQUEST_URL_MAX];

	(void)state;
	memcpy(text, "/?", 3);
	for (size_t i = 0; i < REQUEST_PAIRS_MAX; i++)
		memcpy(text + 2 + 2 * i, "a&", 3);
	assert_int_equal(target(&rq, text), RC_OK);
	assert_int_equal(rq.query.count, REQUEST_PAIRS_MAX);
	memcpy(text + 2 + 2 * REQUEST_PAIRS_MAX, "a", 2);
	assert_int_equal(target(&rq, text), RC_TOO_LARGE);
}

static const char *cookie(const char *header, const char *name)
{
	struct pairs pairs;
	const char *v;

	pairs_init(&pairs);
	cookies_parse(arena, &pairs, header);
	v = pairs_get(&pairs, name);
	return v != NULL ? v : "(none)";
}

static void cookies_that_are_not_well_formed_are_left_out(void **state)
{
	(void)state;
	assert_string_equal(cookie("a=1; b=2", "b"), "2");
	assert_string_equal(cookie("a=1;b=2;", "b"), "2");
	assert_string_equal(cookie("a=1; a=2", "a"), "1");
	assert_string_equal(cookie("a=x=y", "a"), "x=y");
	assert_string_equal(cookie("bad; a=1", "a"), "1");
	assert_string_equal(cookie("=x; a=", "a"), "");
	assert_string_equal(cookie("a=\"q\"; b=2", "a"), "(none)");
	assert_string_equal(cookie("a=\xff; b=2", "a"), "(none)");
	assert_string_equal(cookie("a=\xff; b=2", "b"), "2");
	assert_string_equal(cookie("", "a"), "(none)");
}

static struct part *parts(const char *body, enum rc want)
{
	struct part *out = NULL;

	assert_int_equal(multipart_parse(arena, &out, "B", (struct bytes){ body, strlen(body) }), want);
	return out;
}

static void a_multipart_body_is_cut_into_its_parts(void **state)
{
	struct part *p =
		parts("--B\r\ncontent-disposition: form-data; name=\"a\\\"b\"\r\n\r\nx--B in text\r\n-- B\r\n"
		      "--B \r\nContent-Disposition: form-data; filename=\"../x/f.png\"; name=f\r\n"
		      "Content-Type: image/png\r\n\r\n\r\n--B--\r\nepilogue",
		      RC_OK);

	(void)state;
	assert_string_equal(p->name, "a\"b");
	assert_null(p->file_name);
	assert_int_equal(p->bytes.len, strlen("x--B in text\r\n-- B"));
	p = p->next;
	assert_string_equal(p->name, "f");
	assert_string_equal(p->file_name, "f.png");
	assert_string_equal(p->media_type, "image/png");
	assert_int_equal(p->bytes.len, 0);
	assert_null(p->next);
	assert_null(parts("--B--", RC_OK));
	p = parts("--B\r\nContent-Disposition: form-data; name=x\r\n\r\n--B--",
		  RC_OK); /* the shortest empty part */
	assert_int_equal(p->bytes.len, 0);
}

static void a_broken_multipart_body_is_refused_whole(void **state)
{
	static const char *const bad[] = {
		"",
		"--",
		"--B",
		"--B\r\n",
		"preamble\r\n--B--",
		"--BX\r\n\r\n--B--",
		"--B\r\n\r\nx\r\n--B--",
		"--B\r\nContent-Disposition: form-data; name=\"x\r\n\r\n\r\n--B--",
		"--B\r\nContent-Disposition: form-data; name=x\r\n\r\ncut off",
		"--B\r\nContent-Disposition: form-data; name=x\r\n\r\ncut off\r\n--B",
		"--B\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\n\r\n--B--",
		"--B\r\nContent-Disposition: form-data; name=x; filename=\"\xc3\"\r\n\r\n\r\n--B--",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		parts(bad[i], RC_BAD_INPUT);
}

static void a_multipart_body_has_at_most_so_many_parts(void **state)
{
	static const char one[] = "--B\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n";
	size_t len = sizeof one - 1;
	char *body = malloc(len * (MULTIPART_PARTS_MAX + 1) + 6);

	(void)state;
	for (size_t i = 0; i <= MULTIPART_PARTS_MAX; i++)
		memcpy(body + i * len, one, len);
	memcpy(body + len * MULTIPART_PARTS_MAX, "--B--", 6);
	assert_non_null(parts(body, RC_OK));
	memcpy(body + len * MULTIPART_PARTS_MAX, one, len);
	memcpy(body + len * (MULTIPART_PARTS_MAX + 1), "--B--", 6);
	parts(body, RC_TOO_LARGE);
	free(body);
}

static void the_boundary_is_read_from_its_header(void **state)
{
	const char *b = NULL;
	char text[200];

	(void)state;
	assert_int_equal(multipart_boundary(arena, &b, "multipart/form-data; charset=x; Boundary=abc"),
			 RC_OK);
	assert_string_equal(b, "abc");
	assert_int_equal(multipart_boundary(arena, &b, "multipart/form-data;boundary=\"a b\""), RC_OK);
	assert_string_equal(b, "a b");
	assert_int_equal(multipart_boundary(arena, &b, "multipart/form-data"), RC_BAD_INPUT);
	assert_int_equal(multipart_boundary(arena, &b, "multipart/form-data; boundary="), RC_BAD_INPUT);
	for (int n = MULTIPART_BOUNDARY_MAX; n <= MULTIPART_BOUNDARY_MAX + 1; n++) {
		snprintf(text, sizeof text, "multipart/form-data; boundary=%0*d", n, 7);
		assert_int_equal(multipart_boundary(arena, &b, text),
				 n == MULTIPART_BOUNDARY_MAX ? RC_OK : RC_BAD_INPUT);
	}
}

static void networks_are_matched_bit_by_bit(void **state)
{
	static const struct {
		const char *address, *list;
		bool is_in;
	} rows[] = {
		{ "10.0.0.7", "10.0.0.0/8", true },
		{ "11.0.0.7", "10.0.0.0/8", false },
		{ "10.0.0.7", "10.0.0.6/31", true },
		{ "10.0.0.8", "10.0.0.6/31", false },
		{ "10.0.0.7", "192.168.0.1, 10.0.0.7", true },
		{ "1.2.3.4", "0.0.0.0/0", true },
		{ "::1", "0.0.0.0/0", false },
		{ "::1", "::1", true },
		{ "2001:db8::1", "2001:db8::/32", true },
		{ "2001:db9::1", "2001:db8::/32", false },
		{ "::ffff:10.0.0.7", "10.0.0.0/8", true },
		{ "unix", "unix", true },
		{ "unix", "10.0.0.0/8", false },
		{ "10.0.0.7", "10.0.0.0/33", false },
		{ "10.0.0.7", "10.0.0.0/", false },
		{ "10.0.0.7", "10.0.0.0/x", false },
		{ "10.0.0.7", "", false },
		{ "", "0.0.0.0/0", false },
		{ "evil", "0.0.0.0/0", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (address_is_in(rows[i].address, rows[i].list) != rows[i].is_in)
			fail_msg("%s in %s", rows[i].address, rows[i].list);
}

static void forwarded_addresses_count_from_proxies_only(void **state)
{
	static const struct {
		const char *peer, *forwarded, *proxies, *client;
	} rows[] = {
		{ "127.0.0.1", NULL, "127.0.0.1", "127.0.0.1" },
		{ "127.0.0.1", "1.2.3.4", "", "127.0.0.1" },
		{ "127.0.0.1", "1.2.3.4", "127.0.0.1", "1.2.3.4" },
		{ "unix", "1.2.3.4", "", "1.2.3.4" },
		{ "127.0.0.1", "6.6.6.6, 1.2.3.4", "127.0.0.1", "1.2.3.4" },
		{ "127.0.0.1", "1.2.3.4, 10.0.0.2", "127.0.0.1 10.0.0.0/8", "1.2.3.4" },
		{ "127.0.0.1", "evil", "127.0.0.1", "127.0.0.1" },
		{ "127.0.0.1", "", "127.0.0.1", "127.0.0.1" },
		{ "127.0.0.1", ",", "127.0.0.1", "127.0.0.1" },
		{ "127.0.0.1", "evil, 10.0.0.2", "127.0.0.1 10.0.0.0/8", "10.0.0.2" },
		{ "8.8.8.8", "1.2.3.4", "127.0.0.1", "8.8.8.8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(
			address_of_client(arena, rows[i].peer, rows[i].forwarded, rows[i].proxies),
			rows[i].client);
}

static void a_host_is_a_name_without_its_port(void **state)
{
	(void)state;
	assert_string_equal(host_name(arena, "Panel.Example.com:8080"), "panel.example.com");
	assert_string_equal(host_name(arena, "panel.example.com."), "panel.example.com");
	assert_string_equal(host_name(arena, "[::1]:80"), "[::1]");
	assert_string_equal(host_name(arena, "[::1]"), "[::1]");
	assert_string_equal(host_name(arena, "a b"), "");
	assert_string_equal(host_name(arena, "a\"b"), "");
	assert_string_equal(host_name(arena, ""), "");
}

static void the_way_back_stays_in_the_house(void **state)
{
	(void)state;
	assert_string_equal(path_safe("/a?b=c"), "/a?b=c");
	assert_string_equal(path_safe("//evil"), "/");
	assert_string_equal(path_safe("/\\evil"), "/");
	assert_string_equal(path_safe("https://evil"), "/");
	assert_string_equal(path_safe("/a\r\nX: y"), "/");
	assert_string_equal(path_safe(NULL), "/");
}

static void waits_grow_to_their_longest(void **state)
{
	(void)state;
	assert_int_equal(throttle_delay_ms(3, 3, 60), 0);
	assert_int_equal(throttle_delay_ms(4, 3, 60), 2000);
	assert_int_equal(throttle_delay_ms(5, 3, 60), 4000);
	assert_int_equal(throttle_delay_ms(8, 3, 60), 32000);
	assert_int_equal(throttle_delay_ms(9, 3, 60), 60000);
	assert_int_equal(throttle_delay_ms(1000000, 3, 60), 60000);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_address_is_decoded_after_it_was_split),
		T(parameters_are_taken_to_the_limit_and_not_one_more),
		T(cookies_that_are_not_well_formed_are_left_out),
		T(a_multipart_body_is_cut_into_its_parts),
		T(a_broken_multipart_body_is_refused_whole),
		T(a_multipart_body_has_at_most_so_many_parts),
		T(the_boundary_is_read_from_its_header),
		T(networks_are_matched_bit_by_bit),
		T(forwarded_addresses_count_from_proxies_only),
		T(a_host_is_a_name_without_its_port),
		T(the_way_back_stays_in_the_house),
		T(waits_grow_to_their_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
