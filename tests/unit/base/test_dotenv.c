/*
** test_dotenv.c -- the .env files of old installations, line by line.
*/
#include "base/dotenv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct arena *arena;
static char seen[4096];

/* All pairs as "name=value@line|", bad lines as "!line|". */
static const char *read_all(const char *text, size_t len)
{
	struct bytes in = { text, len };
	struct dotenv_pair pair;
	int line = 1, at = 0;
	size_t n = 0;

	seen[0] = '\0';
	for (;;) {
		enum rc rc = dotenv_next(&pair, &in, &line, &at, arena);

		if (rc == RC_NOT_FOUND) return seen;
		if (rc == RC_OK)
			n += (size_t)snprintf(seen + n, sizeof(seen) - n, "%s=%s@%d|", pair.name, pair.value,
					      pair.line);
		else
			n += (size_t)snprintf(seen + n, sizeof(seen) - n, "!%d|", at);
		assert_true(n < sizeof(seen));
	}
}

static void a_file_is_read_as_the_old_program_did(void **state)
{
	static const struct {
		const char *text, *pairs;
	} cases[] = {
		{ "", "" },
		{ "\n # nothing\n\n", "" },
		{ "A=1\nB = 2 \r\nexport C=3\n", "A=1@1|B=2@2|C=3@3|" },
		{ "A=\nB=''\nC=\"\"", "A=@1|B=@2|C=@3|" },
		{ "A=x # why\nB=x#y\nC='#z' # why\nD= # only a word", "A=x@1|B=x#y@2|C=#z@3|D=@4|" },
		{ "A=\"it \\\"is\\\" \\$5\\n\"\nB='a\\n$b'\n", "A=it \"is\" $5\n@1|B=a\\n$b@2|" },
		{ "KEY=\"one\ntwo\"\nB=1\n", "KEY=one\ntwo@1|B=1@3|" },
		{ "\xef\xbb\xbf"
		  "A=ñ\n",
		  "A=ñ@1|" },
		{ "exported=1\nexport=2\n", "exported=1@1|export=2@2|" },
		{ "A=a=b\nB=https://x.example/?a=1&b=2\n", "A=a=b@1|B=https://x.example/?a=1&b=2@2|" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(read_all(cases[i].text, strlen(cases[i].text)), cases[i].pairs);
}

static void a_line_that_cannot_be_read_is_told_and_the_next_one_is_read(void **state)
{
	static const char nul[] = "A=x\0y\nB=1\n";

	(void)state;
	assert_string_equal(read_all("word\nB=1\n", 9), "!1|B=1@2|");
	assert_string_equal(read_all("1A=1\n=2\nA B=3\nB=4", 17), "!1|!2|!3|B=4@4|");
	assert_string_equal(read_all("A=\"open\nB=1\n", 12), "!1|B=1@2|");
	assert_string_equal(read_all("A=\"x\" y\nB=1\n", 12), "!1|B=1@2|");
	assert_string_equal(read_all("A=\xff\nB=1\n", 8), "!1|B=1@2|");
	assert_string_equal(read_all(nul, sizeof(nul) - 1), "!1|B=1@2|");
}

static void a_name_and_a_value_have_a_longest_length(void **state)
{
	static char text[DOTENV_VALUE_MAX + 100];
	char name[DOTENV_NAME_MAX + 8];

	(void)state;
	memset(name, 'A', sizeof(name));
	memcpy(name + DOTENV_NAME_MAX, "=1", 3);
	assert_string_equal(read_all(name, DOTENV_NAME_MAX + 2) + DOTENV_NAME_MAX, "=1@1|");
	memcpy(name + DOTENV_NAME_MAX, "A=1", 4);
	assert_string_equal(read_all(name, DOTENV_NAME_MAX + 3), "!1|");
	memset(text, 'x', sizeof(text));
	memcpy(text, "A=", 2);
	assert_string_equal(read_all(text, sizeof(text)), "!1|");
}

static int set_up(void **state)
{
	(void)state;
	return (arena = arena_new(4 * 1024 * 1024)) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_read_as_the_old_program_did),
		TEST(a_line_that_cannot_be_read_is_told_and_the_next_one_is_read),
		TEST(a_name_and_a_value_have_a_longest_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
