/*
** test_s3_xml.c -- a storage's answers: what is taken from them, and what is refused.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "link/s3.h"

static enum rc read_text(struct s3_xml *x, struct arena *a, const char *text)
{
	return s3_xml_read(x, a, (struct bytes){ text, strlen(text) });
}

static const struct value *object_at(const struct s3_xml *x, size_t at)
{
	const struct value *v = x->objects->first;

	while (at-- > 0 && v != NULL)
		v = v->next;
	return v;
}

static void a_list_of_encoded_names_is_read_as_names(void **state)
{
	struct arena *a = arena_new(1024 * 1024);
	struct s3_xml x;

	(void)state;
	assert_int_equal(
		read_text(
			&x, a,
			"<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
			"<Contents><Key>a%20b%2F%C3%B1</Key><Size>12</Size></Contents>"
			"<Contents><Key>c+d%2</Key><Size>0</Size></Contents><EncodingType>url</EncodingType>"
			"<NextContinuationToken>t%2B1</NextContinuationToken></ListBucketResult>"),
		RC_OK);
	assert_int_equal(x.objects->count, 2);
	assert_string_equal(value_text_of(value_get(object_at(&x, 0), "key"), ""), "a b/ñ");
	assert_int_equal(value_int_of(value_get(object_at(&x, 0), "size"), -1), 12);
	assert_string_equal(value_text_of(value_get(object_at(&x, 1), "key"), ""), "c d%2");
	assert_string_equal(x.next, "t%2B1");
	arena_free(a);
}

static void an_error_says_its_code_and_the_right_region(void **state)
{
	struct arena *a = arena_new(1024 * 1024);
	struct s3_xml x;

	(void)state;
	assert_int_equal(
		read_text(
			&x, a,
			"<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region &#39;x&#39;</Message>"
			"<Region>sfo3</Region><Key>not an object</Key></Error>"),
		RC_OK);
	assert_string_equal(x.code, "AuthorizationHeaderMalformed");
	assert_string_equal(x.message, "the region 'x'");
	assert_string_equal(x.region, "sfo3");
	assert_int_equal(x.objects->count, 0);
	arena_free(a);
}

static void what_is_no_answer_of_a_storage_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"<html><p>gateway</html>",
		"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
		"<Error><Code>x",
		"{\"error\":1}",
		"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a>"
		"</a></a></a></a></a></a></a></a></a></a></a>"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena *a = arena_new(1024 * 1024);
		struct s3_xml x;

		assert_int_equal(read_text(&x, a, bad[i]), RC_BAD_INPUT);
		arena_free(a);
	}
}

static void a_list_ends_at_its_bound(void **state)
{
	struct arena *a = arena_new((size_t)64 * 1024 * 1024);
	struct s3_xml x;
	struct sb sb;

	(void)state;
	sb_init(&sb, (size_t)4 * 1024 * 1024);
	sb_lit(&sb, "<L>");
	for (int i = 0; i <= S3_LIST_MAX; i++)
		sb_printf(&sb, "<Contents><Key>k%05d</Key></Contents>", i);
	sb_lit(&sb, "</L>");
	assert_int_equal(read_text(&x, a, sb_text_of(&sb)), RC_OK);
	assert_int_equal(x.objects->count, S3_LIST_MAX);
	sb_free(&sb);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_of_encoded_names_is_read_as_names),
		cmocka_unit_test(an_error_says_its_code_and_the_right_region),
		cmocka_unit_test(what_is_no_answer_of_a_storage_is_refused),
		cmocka_unit_test(a_list_ends_at_its_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
