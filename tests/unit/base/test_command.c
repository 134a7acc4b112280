/*
** test_command.c -- the words people type after a command's name.
*/
#include "base/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const char *const valued[] = { "date", "stages", NULL };
static const char *const flags[] = { "dry-run", "wait", NULL };

#define CALL(...)                                                                     \
	{                                                                             \
		.argv = (const char *const[]){ __VA_ARGS__, NULL },                   \
		.argc = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *) \
	}

static void an_options_value_may_follow_it_or_its_equals_sign(void **state)
{
	struct command_call call =
		CALL("file.csv", "--date", "2026-11-22", "--stages=7,3", "--dry-run", "--wait=", "x");

	(void)state;
	assert_string_equal(command_option(&call, "date"), "2026-11-22");
	assert_string_equal(command_option(&call, "--stages"), "7,3");
	assert_string_equal(command_option(&call, "wait"), "");
	assert_null(command_option(&call, "dat"));
	assert_null(command_option(&call, "dates"));
	assert_null(command_option(&call, "file.csv"));
	assert_true(command_flag(&call, "dry-run"));
	assert_false(command_flag(&call, "dry"));
	assert_string_equal(command_word(&call, 0, valued), "file.csv");
	assert_string_equal(command_word(&call, 1, valued), "x");
	assert_null(command_word(&call, 2, valued));
}

static void a_bare_flag_has_an_empty_value(void **state)
{
	struct command_call call = CALL("--date", "--dry-run", "--stages");

	(void)state;
	assert_string_equal(command_option(&call, "date"), "");
	assert_string_equal(command_option(&call, "stages"), "");
	assert_null(command_word(&call, 0, valued));
}

static void behind_two_dashes_all_words_are_plain(void **state)
{
	struct command_call call = CALL("--dry-run", "--", "--date", "-", "--");

	(void)state;
	assert_null(command_option(&call, "date"));
	assert_string_equal(command_word(&call, 0, valued), "--date");
	assert_string_equal(command_word(&call, 1, valued), "-");
	assert_string_equal(command_word(&call, 2, valued), "--");
	assert_null(command_word(&call, 3, valued));
}

/* Who only has the usage knows as much: a value is never taken for the file. */
static void an_options_value_is_not_taken_for_the_file(void **state)
{
	static const char usage[] =
		"RESOURCE FILE [--commit] [--on-duplicate skip|update] [--at INSTANT|--hold] --id ID";
	static const char *const words[] = { "--id", "7", "--at", "x", "clients", "--commit", "ana.csv" },
				 *const lacks[] = { "--id", "x" },
				 *const equals[] = { "--id=7", "--hold", "a" },
				 *const plain[] = { "--", "--id", "a" };
	struct command_call call = { .argc = 7, .argv = words };

	(void)state;
	assert_string_equal(command_word_by_usage(&call, 0, usage), "clients");
	assert_string_equal(command_word_by_usage(&call, 1, usage), "ana.csv");
	call = (struct command_call){ .argc = 2, .argv = lacks };
	assert_null(command_word_by_usage(&call, 0, usage));
	call = (struct command_call){ .argc = 3, .argv = equals };
	assert_string_equal(command_word_by_usage(&call, 0, usage), "a");
	call = (struct command_call){ .argc = 3, .argv = plain };
	assert_string_equal(command_word_by_usage(&call, 1, usage), "a");
	assert_string_equal(command_word_by_usage(&call, 0, ""), "--id");
}

static void no_words_at_all_are_no_harm(void **state)
{
	struct command_call call = { .argc = 0, .argv = NULL };

	(void)state;
	assert_null(command_option(&call, "date"));
	assert_false(command_flag(&call, "date"));
	assert_null(command_word(&call, 0, NULL));
}

static void assert_refused(struct command_call call, const char *sentence)
{
	struct env env = { .lang = LANG_EN };
	struct cx cx;

	cx_init(&cx, &env, arena_new(4096), NULL);
	assert_int_equal(command_check(&cx, &call, flags, valued), *sentence ? RC_BAD_INPUT : RC_OK);
	assert_string_equal(cx.message, sentence);
	arena_free(cx.arena);
}

static void an_option_that_does_not_exist_is_named(void **state)
{
	(void)state;
	assert_refused((struct command_call)CALL("--date", "2026-11-22", "--dry-run", "x", "--stages=1"), "");
	assert_refused((struct command_call)CALL("x", "--", "--nonsense"), "");
	assert_refused((struct command_call)CALL("--date="), "");
	assert_refused((struct command_call)CALL("--dryrun"), "There is no option --dryrun here.");
	assert_refused((struct command_call)CALL("x", "--date"), "The option --date needs a value.");
	assert_refused((struct command_call)CALL("--date", "--dry-run"), "The option --date needs a value.");
	assert_refused((struct command_call)CALL("--wait=3"), "The option --wait=3 takes no value.");
}

/* A mistyped second word must not run the command whose name is only the first one. */
static void a_word_too_many_is_named(void **state)
{
	static const char *const words[] = { "a", "--date", "2026-11-22", "b", "c" };
	struct command_call call = {
		.argc = 3, .argv = words, .name = "x run", .usage = "[--date DAY] [ID]"
	};

	(void)state;
	assert_refused(call, "");
	call.argc = 4;
	assert_refused(call, "“b” has no place here: recado x run [--date DAY] [ID]");
	call.usage = "ID NAME|NUMBER [--dry-run | --date DAY]";
	assert_refused(call, "");
	call.argc = 5;
	assert_refused(call, "“c” has no place here: recado x run ID NAME|NUMBER [--dry-run | --date DAY]");
	call.usage = "ID…";
	assert_refused(call, "");
	call.usage = "";
	assert_refused(call, "“a” has no place here: recado x run ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_options_value_may_follow_it_or_its_equals_sign),
		cmocka_unit_test(a_bare_flag_has_an_empty_value),
		cmocka_unit_test(behind_two_dashes_all_words_are_plain),
		cmocka_unit_test(an_options_value_is_not_taken_for_the_file),
		cmocka_unit_test(no_words_at_all_are_no_harm),
		cmocka_unit_test(an_option_that_does_not_exist_is_named),
		cmocka_unit_test(a_word_too_many_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
