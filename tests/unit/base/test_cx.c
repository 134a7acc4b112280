/*
** test_cx.c -- the context of a request: its sentence, its hour, and what its actor may.
*/
#include "base/cx.h"
#include "base/sentence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

static struct env env;
static struct cx cx;

static int set_up(void **state)
{
	size_t i;

	(void)state;
	memset(&env, 0, sizeof(env));
	env.clock = clock_new(INT64_C(1795323600000)); /* 2026-11-22 05:00 UTC, midnight in Guayaquil */
	env.zone = zone_find("America/Guayaquil");
	env.lang = LANG_ES;
	for (i = 0; i < WAKE__MAX; i++)
		env.wake_fd[i] = -1;
	if (words_load() != RC_OK) return -1;
	cx_init(&cx, &env, arena_new(64 * 1024), NULL);
	return cx.arena ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(cx.arena);
	clock_free(env.clock);
	return 0;
}

static void the_first_sentence_stays(void **state)
{
	(void)state;
	assert_string_equal(cx_sentence(&cx, RC_NO_LOGIN), "Inicia sesión primero.");
	assert_int_equal(cx_fail(&cx, RC_CONFLICT, "La fila %d cambió.", 7), RC_CONFLICT);
	assert_int_equal(cx_fail(&cx, RC_IO, "otra"), RC_IO);
	assert_string_equal(cx_sentence(&cx, RC_IO), "La fila 7 cambió.");
	cx_reset(&cx);
	assert_string_equal(cx.message, "");
	cx.lang = LANG_EN;
	assert_string_equal(cx_sentence(&cx, RC_NO_LOGIN), "Log in first.");
}

/* Written by a job in the business's language, read by two people. */
static void a_kept_sentence_is_said_in_the_readers_language(void **state)
{
	static const char *const odd[] = {
		"",          "Un texto de antes.", "{\"m\":",
		"{\"m\":1}", "{\"m\":\"%s %d\"}",  "{\"m\":\"100 %\",\"a\":[1,{}]}"
	};
	const char *kept;
	char *piece;

	(void)state;
	cx.keeps_sentence = true;
	(void)!cx_fail(&cx, RC_IO, words_get(cx.lang, "Line %zu of the file: %s"), (size_t)12,
		       words_get(cx.lang, "Log in first."));
	kept = cx_sentence_kept(&cx, RC_IO);
	assert_string_equal(sentence_words(cx.arena, LANG_ES, kept), cx.message);
	assert_string_equal(sentence_words(cx.arena, LANG_EN, kept), "Line 12 of the file: Log in first.");
	cx_reset(&cx);
	cx.lang = LANG_EN; /* and the other way round */
	cx.keeps_sentence = true;
	(void)!cx_fail(&cx, RC_IO, words_get(cx.lang, "Line %zu of the file: %s"), (size_t)7,
		       words_get(cx.lang, "Log in first."));
	kept = cx_sentence_kept(&cx, RC_IO);
	assert_non_null(strstr(sentence_words(cx.arena, LANG_ES, kept), "7"));
	assert_non_null(strstr(sentence_words(cx.arena, LANG_ES, kept), "Inicia sesión primero."));
	cx_reset(&cx);
	cx.keeps_sentence = true; /* nobody said why: the code's own sentence */
	assert_string_equal(sentence_words(cx.arena, LANG_ES, cx_sentence_kept(&cx, RC_NO_LOGIN)),
			    "Inicia sesión primero.");
	cx_reset(&cx);
	cx.lang = LANG_ES;
	(void)!cx_fail(&cx, RC_IO, "%s", "plain");
	assert_string_equal(cx_sentence_kept(&cx, RC_IO), "plain");
	cx_reset(&cx);
	/* numbers of each width, a cut text that ends with a whole letter, a name that is never a place */
	assert_string_equal(
		sentence_words(cx.arena, LANG_EN,
			       sentence_keep(cx.arena, LANG_EN, "%d %lld %zu %u 100 %% %.4s %.*s %s", -3,
					     -5000000000LL, (size_t)9, 7u, "añññ", 2, "abc", "%s%n")),
		"-3 -5000000000 9 7 100 % añ ab %s%n");
	/* a piece of a file has no end of its own; half a sentence of ours is not that sentence */
	piece = malloc(3);
	assert_non_null(piece);
	memcpy(piece, "Log", 3);
	kept = sentence_keep(cx.arena, LANG_EN, "%.*s!", 3, piece);
	free(piece);
	assert_string_equal(sentence_words(cx.arena, LANG_ES, kept), "Log!");
	kept = sentence_keep(cx.arena, LANG_ES, "%.*s!", 3, words_get(LANG_ES, "Log in first."));
	assert_string_equal(sentence_words(cx.arena, LANG_EN, kept), "Ini!");
	assert_null(sentence_keep(cx.arena, LANG_EN, "%g", 1.5));
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
		assert_non_null(sentence_words(cx.arena, LANG_ES, odd[i]));
	assert_string_equal(sentence_words(cx.arena, LANG_ES, odd[1]), odd[1]);
	cx_reset(&cx);
}

static void every_code_has_a_sentence_in_both_languages(void **state)
{
	int rc;

	(void)state;
	for (rc = 0; rc < RC__MAX; rc++) {
		const char *spanish, *english;

		cx.lang = LANG_ES;
		spanish = cx_sentence(&cx, (enum rc)rc);
		cx.lang = LANG_EN;
		english = cx_sentence(&cx, (enum rc)rc);
		assert_true(strlen(english) > 4);
		assert_string_not_equal(spanish, english);
	}
	assert_string_equal(cx_sentence(&cx, (enum rc)RC__MAX), cx_sentence(&cx, RC_BUG));
}

static void all_wrong_fields_of_a_form_are_kept_up_to_the_limit(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < CX_FIELD_ERRORS_MAX; i++)
		assert_int_equal(cx_fail_field(&cx, "phone", "error %zu", i), RC_BAD_INPUT);
	assert_int_equal(cx.field_count, CX_FIELD_ERRORS_MAX);
	assert_int_equal(cx_fail_field(&cx, "phone", "one more"), RC_BAD_INPUT);
	assert_int_equal(cx.field_count, CX_FIELD_ERRORS_MAX);
	assert_string_equal(cx.fields[1].message, "error 1");
	assert_string_equal(cx_sentence(&cx, RC_BAD_INPUT), "error 0");
	cx_reset(&cx);
	assert_int_equal(cx.field_count, 0);
}

static void today_is_the_business_day(void **state)
{
	char text[DATE_SIZE];

	(void)state;
	day_text(text, cx_today(&cx));
	assert_string_equal(text, "2026-11-22");
	clock_shift(env.clock, -HOUR_MS);
	day_text(text, cx_today(&cx)); /* 2026-11-22 04:00 UTC, still yesterday at home */
	assert_string_equal(text, "2026-11-21");
}

static void an_actor_may_what_his_rights_say_and_no_more(void **state)
{
	struct actor seller = { .kind = ACTOR_USER, .rights = "clients.view clients.edit" };

	(void)state;
	assert_true(actor_may(&seller, "clients.view"));
	assert_true(actor_may(&seller, "clients.edit"));
	assert_false(actor_may(&seller, "clients"));
	assert_false(actor_may(&seller, "clients.edi"));
	assert_false(actor_may(&seller, "clients.edits"));
	assert_false(actor_may(&seller, ""));
	assert_false(actor_may(&seller, "*"));
	seller.rights = "";
	assert_false(actor_may(&seller, "clients.view"));
	assert_false(actor_may(&seller, ""));
	seller.rights = NULL;
	assert_false(actor_may(&seller, "clients.view"));
	assert_true(actor_may(&cx.actor, "anything.at.all")); /* the system */
}

static void the_next_request_does_not_inherit_who_came_before(void **state)
{
	(void)state;
	cx.actor = (struct actor){ .kind = ACTOR_USER, .user_id = 3, .name = "maria", .rights = "*" };
	cx.request_id = "abc";
	cx.error_code = "paused";
	cx_reset(&cx);
	assert_false(actor_may(&cx.actor, "clients.view"));
	assert_int_equal(cx.actor.user_id, 0);
	assert_string_equal(cx.actor.name, "");
	assert_string_equal(cx.request_id, "");
	assert_null(cx.error_code);
	cx_init(&cx, &env, cx.arena, NULL);
	cx_reset(&cx);
	assert_true(actor_may(&cx.actor, "clients.view")); /* a job is the system's, run after run */
}

static void waking_reaches_only_the_one_who_waits(void **state)
{
	uint64_t n = 0;

	(void)state;
	env.wake_fd[WAKE_OUTBOX] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	env.wake_fd[WAKE_WORK] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	env_wake(&env, WAKE_OUTBOX);
	env_wake(&env, WAKE_HEALTH); /* nobody waits there */
	assert_int_equal(read(env.wake_fd[WAKE_OUTBOX], &n, sizeof(n)), sizeof(n));
	assert_int_equal(n, 1);
	assert_int_equal(read(env.wake_fd[WAKE_WORK], &n, sizeof(n)), -1);
	close(env.wake_fd[WAKE_OUTBOX]);
	close(env.wake_fd[WAKE_WORK]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_first_sentence_stays),
		TEST(a_kept_sentence_is_said_in_the_readers_language),
		TEST(every_code_has_a_sentence_in_both_languages),
		TEST(all_wrong_fields_of_a_form_are_kept_up_to_the_limit),
		TEST(today_is_the_business_day),
		TEST(an_actor_may_what_his_rights_say_and_no_more),
		TEST(the_next_request_does_not_inherit_who_came_before),
		TEST(waking_reaches_only_the_one_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
