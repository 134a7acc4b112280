/*
** test_command.c -- `recado standin`: what it refuses, and the table it prints.
*/
#include "scene.h"
#include "standin/magic.h"

#include <stdio.h>
#include <stdlib.h>

/* Run the row; its output (free it). */
static char *run(enum rc expected, int argc, const char *const *argv)
{
	struct env env = { .lang = LANG_EN, .dir = "" };
	struct arena *arena = arena_new(1024 * 1024);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct command_call call = { .argc = argc, .argv = argv, .out = out, .err = out };
	struct cx cx;

	cx_init(&cx, &env, arena, NULL);
	assert_int_equal(standin_commands[0].run(&cx, &call), expected);
	if (expected != RC_OK) assert_true(cx.message[0] != '\0');
	fclose(out);
	arena_free(arena);
	return text;
}

static void options_that_make_no_sense_are_refused_before_it_listens(void **state)
{
	static const char *const wrong[][5] = {
		{ NULL },
		{ "--listen", NULL },
		{ "--listen", "9090", NULL },
		{ "--listen", "unix:/tmp/x", NULL },
		{ "--listen", "127.0.0.1:0", "--colour", NULL },
		{ "--listen", "127.0.0.1:0", "--webhook", "http://127.0.0.1:1/", NULL },
		{ "--listen", "127.0.0.1:0", "--read-ms", "5x", NULL },
		{ "--listen", "127.0.0.1:0", "--read-ms", "", NULL },
		{ "--listen", "127.0.0.1:0", "--delivered-ms", "-2", NULL },
		{ "--listen", "127.0.0.1:0", "--delivered-ms", "86400001", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int argc = 0;

		while (wrong[i][argc] != NULL)
			argc++;
		free(run(RC_BAD_INPUT, argc, wrong[i]));
	}
}

static void the_table_of_numbers_is_printed(void **state)
{
	static const char *const words[] = { "--numbers", NULL };
	const struct magic *m;
	char number[16];
	char *text = run(RC_OK, 1, words);

	(void)state;
	for (size_t i = 0; (m = magic_at(i)) != NULL; i++) {
		snprintf(number, sizeof(number), MAGIC_PREFIX "%s", m->code);
		assert_non_null(strstr(text, number));
		assert_non_null(strstr(text, m->help));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_that_make_no_sense_are_refused_before_it_listens),
		cmocka_unit_test(the_table_of_numbers_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
