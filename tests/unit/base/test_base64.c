/* test_base64.c -- bytes that others wrote as base64. */
#include "base_test.h"
#include "base/seal.h"

static void what_was_written_is_read_again(void **state)
{
	static const struct {
		const char *text, *bytes;
	} rows[] = {
		{ "", "" },
		{ "Zg==", "f" },
		{ "Zm8=", "fo" },
		{ "Zm9v", "foo" },
		{ "Zm9vYg==", "foob" },
		{ "Zm9v\r\nYmFy", "foobar" },
		{ " Z m 8 = ", "fo" },
	};
	struct arena *a = *state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes b = { NULL, 9 };

		assert_int_equal(base64_read(a, &b, rows[i].text), RC_OK);
		assert_int_equal(b.len, strlen(rows[i].bytes));
		assert_memory_equal(b.p, rows[i].bytes, b.len);
	}
}

static void what_is_no_base64_is_refused(void **state)
{
	static const char *const rows[] = { "Z",    "Zg",   "Zg=",          "Zg===", "Zm9v=",
					    "Z=g=", "Zm9-", "Zm9v\xc3\xb1", "=" };
	struct arena *a = *state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes b = { NULL, 0 };

		assert_int_equal(base64_read(a, &b, rows[i]), RC_BAD_INPUT);
		assert_null(b.p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		arena_test(what_was_written_is_read_again),
		arena_test(what_is_no_base64_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
