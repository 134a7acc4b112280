/*
** test_words.c -- translations: their text form, and what the reader sees.
*/
#include "base/arena.h"
#include "base/po.h"
#include "base/words.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

struct pairs {
	char all[4096];
	size_t count;
};

static enum rc collect(void *arg, const char *id, const char *str)
{
	struct pairs *p = arg;

	p->count++;
	strncat(p->all, id, sizeof(p->all) - strlen(p->all) - 1);
	strncat(p->all, "=", sizeof(p->all) - strlen(p->all) - 1);
	strncat(p->all, str, sizeof(p->all) - strlen(p->all) - 1);
	strncat(p->all, ";", sizeof(p->all) - strlen(p->all) - 1);
	return RC_OK;
}

static enum rc parse(struct pairs *p, const char *text, size_t *line)
{
	memset(p, 0, sizeof(*p));
	return po_parse(text, strlen(text), collect, p, line);
}

static void a_catalogue_gives_its_pairs_in_order(void **state)
{
	struct pairs p;

	(void)state;
	assert_int_equal(
		parse(&p,
		      "# head\nmsgid \"\"\nmsgstr \"Content-Type: text/plain\\n\"\n\n"
		      "msgid \"Yes\"\r\nmsgstr \"Sí\"\r\n\n#, fuzzy\n"
		      "msgid \"a \"\n\"b\\n\"\nmsgstr \"\"\n\"c\\t\\\"d\\\\\"  \nmsgid \"no\"\nmsgstr \"\"\n",
		      NULL),
		RC_OK);
	assert_int_equal(p.count, 2);
	assert_string_equal(p.all, "Yes=Sí;a b\n=c\t\"d\\;");
	assert_int_equal(parse(&p, "", NULL), RC_OK);
	assert_int_equal(p.count, 0);
}

static void a_broken_catalogue_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		size_t line;
	} wrong[] = { { "msgid \"a\"\nmsgstr \"b\n", 2 },
		      { "msgid \"a\"\n\nmsgid \"b\"\n", 3 },
		      { "msgstr \"b\"\n", 1 },
		      { "\"loose\"\n", 1 },
		      { "msgid \"a\" b\n", 1 },
		      { "msgid \"\\q\"\n", 1 },
		      { "msgid \"a\\", 1 },
		      { "msgid \"a\"\nmsgid_plural \"b\"\n", 2 },
		      { "msgid a\n", 1 },
		      { "msgid \"a\"\nmsgstr \"b\"\nmsgstr \"c\"\n", 3 },
		      { "msgid \"a\"\n", 1 } };
	struct pairs p;
	size_t i, line;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(parse(&p, wrong[i].text, &line), RC_BAD_INPUT);
		assert_int_equal(line, wrong[i].line);
	}
}

static void a_message_has_a_longest_length(void **state)
{
	static char text[PO_TEXT_MAX + 64];
	size_t len, line;
	struct pairs p;

	(void)state;
	for (len = PO_TEXT_MAX; len <= PO_TEXT_MAX + 1; len++) {
		memset(text, 0, sizeof(text));
		memcpy(text, "msgid \"", 7);
		memset(text + 7, 'x', len);
		memcpy(text + 7 + len, "\"\nmsgstr \"b\"\n", 13);
		assert_int_equal(parse(&p, text, &line), len == PO_TEXT_MAX ? RC_OK : RC_TOO_LARGE);
	}
}

static void the_reader_gets_his_language(void **state)
{
	char text[64];

	(void)state;
	assert_int_equal(words_load(), RC_OK);
	assert_int_equal(words_load(), RC_OK);
	assert_string_equal(words_get(LANG_ES, "Log in first."), "Inicia sesión primero.");
	assert_string_equal(words_get(LANG_EN, "Log in first."), "Log in first.");
	assert_string_equal(words_get(LANG_ES, "not translated yet"), "not translated yet");
	assert_string_equal(words_get(LANG_ES, NULL), "");
	assert_string_equal(words_get(LANG_ES, ""), "");
	assert_string_equal(words_plural(LANG_ES, 1, "a whole number", "yes or no"), "un número entero");
	assert_string_not_equal(words_plural(LANG_ES, 2, "a whole number", "yes or no"), "un número entero");
	assert_string_not_equal(words_plural(LANG_ES, 0, "a whole number", "yes or no"), "un número entero");
	strncpy(text, "Log in first.", sizeof(text)); /* looked up by its letters, not by its address */
	assert_string_equal(words_get(LANG_ES, text), "Inicia sesión primero.");
}

static void languages_are_known_by_their_codes(void **state)
{
	enum lang lang = LANG_EN;

	(void)state;
	assert_true(words_lang(&lang, "es-EC") && lang == LANG_ES);
	assert_true(words_lang(&lang, "EN_us") && lang == LANG_EN);
	assert_true(words_lang(&lang, "es") && lang == LANG_ES);
	assert_false(words_lang(&lang, "est"));
	assert_false(words_lang(&lang, "fr"));
	assert_false(words_lang(&lang, "e"));
	assert_false(words_lang(&lang, ""));
	assert_false(words_lang(&lang, NULL));
	assert_int_equal(lang, LANG_ES);
	assert_string_equal(words_code(LANG_ES), "es");
	assert_string_equal(words_code(LANG_EN), "en");
}

static void what_the_system_answers_is_said_in_the_readers_language(void **state)
{
	(void)state;
	assert_string_equal(words_errno(LANG_ES, EEXIST), "ya existe");
	assert_string_equal(words_errno(LANG_EN, EEXIST), "it exists already");
	assert_string_equal(words_errno(LANG_ES, EDQUOT), words_errno(LANG_ES, ENOSPC));
	/* seldom: as the system says it */
	assert_string_equal(words_errno(LANG_ES, EILSEQ), strerror(EILSEQ));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_catalogue_gives_its_pairs_in_order),
		cmocka_unit_test(a_broken_catalogue_is_refused_with_its_line),
		cmocka_unit_test(a_message_has_a_longest_length),
		cmocka_unit_test(the_reader_gets_his_language),
		cmocka_unit_test(languages_are_known_by_their_codes),
		cmocka_unit_test(what_the_system_answers_is_said_in_the_readers_language),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
