/*
** test_text.c -- UTF-8, folding, composing, old encodings, masks, near names, addresses.
*/
#include "base_test.h"
#include "base/text.h"

static void broken_utf8_is_never_taken_for_text(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		bool is_good;
	} rows[] = {
		{ "", 0, true },
		{ "plain text that is longer than eight bytes", 42, true },
		{ "ñandú \xE2\x82\xAC \xF0\x9F\x98\x80 and more", 25, true },
		{ "\xF4\x8F\xBF\xBF", 4, true },
		{ "\xEF\xBF\xBF", 3, true },
		{ "a\0b", 3, false },
		{ "12345678\0", 9, false },
		{ "1234567\0", 8, false },
		{ "\x80", 1, false },
		{ "\xC3", 1, false },
		{ "\xC3(", 2, false },
		{ "\xC0\x80", 2, false },
		{ "\xC1\xBF", 2, false },
		{ "\xE0\x9F\xBF", 3, false },
		{ "\xED\xA0\x80", 3, false },
		{ "\xF0\x8F\xBF\xBF", 4, false },
		{ "\xF4\x90\x80\x80", 4, false },
		{ "\xF5\x80\x80\x80", 4, false },
		{ "\xE2\x82", 2, false },
		{ "\xF0\x9F\x98", 3, false },
		{ "1234567\xFF", 8, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(text_is_utf8(rows[i].text, rows[i].len), rows[i].is_good);
}

static void a_name_is_found_however_it_was_typed(void **state)
{
	static const struct {
		const char *text, *folded;
	} rows[] = {
		{ "", "" },
		{ " ", "" },
		{ "  María   José\tNÚÑEZ \n", "maria jose nunez" },
		{ "Mari\xCC\x81"
		  "a",
		  "maria" },
		{ "STRASSE straße STRAẞE", "strasse strasse strasse" },
		{ "Ångström Łódź Ærø Œuvre", "angstrom lodz aero oeuvre" },
		{ "ÇEDİLHA São", "cedilha sao" },
		{ "Việt Nam ĐỒNG", "viet nam dong" },
		{ "Ωμέγα ΣΊΣΥΦΟΣ", "ωμεγα σισυφοσ" },
		{ "ЙОЖ Ёлка", "иож елка" },
		{ "1ª 2º", "1a 2o" },
		{ "a\xC2\xA0\xE2\x80\x83"
		  "b\xE2\x80\x8B"
		  "c\xC2\xAD",
		  "a bc" },
		{ "日本 \xF0\x9F\x98\x80", "日本 \xF0\x9F\x98\x80" },
		{ "a\xFF\xC3", "a??" },
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		assert_string_equal(text_fold(*state, rows[i].text), rows[i].folded);
	assert_string_equal(text_fold(*state, NULL), "");
}

static void folding_twice_changes_nothing_and_nothing_grows(void **state)
{
	uint32_t c;

	for (c = 0x20; c < 0x3000; c++) {
		char letter[4] = { 0 }, *folded;
		size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : 3;

		if (n == 1) {
			letter[0] = (char)c;
		} else if (n == 2) {
			letter[0] = (char)(0xC0 | c >> 6);
			letter[1] = (char)(0x80 | (c & 0x3F));
		} else {
			letter[0] = (char)(0xE0 | c >> 12);
			letter[1] = (char)(0x80 | (c >> 6 & 0x3F));
			letter[2] = (char)(0x80 | (c & 0x3F));
		}
		folded = text_fold(*state, letter);
		assert_true(strlen(folded) <= n);
		assert_true(text_is_utf8(folded, strlen(folded)));
		assert_string_equal(text_fold(*state, folded), folded);
		arena_reset(*state);
	}
}

static void a_search_for_a_percent_sign_finds_a_percent_sign(void **state)
{
	assert_string_equal(text_like(*state, " 100% A_b\\C "), "%100\\% a\\_b\\\\c%");
	assert_string_equal(text_like(*state, ""), "%%");
}

static void letters_with_marks_of_their_own_become_one(void **state)
{
	static const struct {
		const char *text, *composed;
	} rows[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "Jose\xCC\x81 Nun\xCC\x83"
		  "ez",
		  "José Nuñez" },
		{ "u\xCC\x88", "ü" },
		{ "a\xCC\x82\xCC\xA3", "ậ" }, /* circumflex, then the dot below: canonical order first */
		{ "â\xCC\xA3", "ậ" },
		{ "q\xCC\x81x", "q\xCC\x81x" },
		{ "\xCC\x81"
		  "a",
		  "\xCC\x81"
		  "a" },
		{ "e\xCC\x81\xCC\x81", "é\xCC\x81" },
		{ "e\xCD\x8F\xCC\x81", "e\xCD\x8F\xCC\x81" }, /* the grapheme joiner keeps them apart */
		{ "a\xCC", "a\xCC" },
		{ "日\xCC\x81", "日\xCC\x81" },
	};
	char many[1 + 2 * 100 + 1] = "e";
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		assert_string_equal(text_nfc(*state, rows[i].text), rows[i].composed);
	assert_string_equal(text_nfc(*state, NULL), "");
	for (i = 0; i < 100; i++)
		memcpy(many + 1 + 2 * i, "\xCC\x81", 3);
	assert_int_equal(text_length(text_nfc(*state, many)), 100);
}

static void an_old_windows_file_keeps_its_letters(void **state)
{
	assert_string_equal(text_from_cp1252(*state, "Mu\xF1oz \x80 5 \x93ok\x94 \x81\x9F", 18),
			    "Muñoz \xE2\x82\xAC 5 \xE2\x80\x9Cok\xE2\x80\x9D \xEF\xBF\xBD\xC5\xB8");
	assert_string_equal(text_from_cp1252(*state, "", 0), "");
}

static void blanks_around_go_blanks_inside_stay(void **state)
{
	assert_string_equal(text_trim(*state, "\xEF\xBB\xBF \t a  b\xC2\xA0\r\n"), "a  b");
	assert_string_equal(text_trim(*state, " \n"), "");
	assert_string_equal(text_trim(*state, NULL), "");
	assert_string_equal(text_trim(*state, "x"), "x");
	assert_string_equal(text_lower_ascii(*state, "Ana@Example.COM Ñ"), "ana@example.com Ñ");
}

static void letters_are_counted_not_bytes(void **state)
{
	(void)state;
	assert_int_equal(text_length("ñandú"), 5);
	assert_int_equal(text_length(""), 0);
	assert_int_equal(text_length("a\xFF\xC3"), 3);
	assert_int_equal(text_prefix("ñandú", 2), 3);
	assert_int_equal(text_prefix("ñandú", 5), 7);
	assert_int_equal(text_prefix("ñandú", 50), 7);
	assert_int_equal(text_prefix("ñ", 0), 0);
	assert_true(text_equal_fold("Content-TYPE", "content-type"));
	assert_false(text_equal_fold("content", "content-type"));
	assert_false(text_equal_fold("a", ""));
	assert_true(text_equal_fold("", ""));
}

static void logs_show_whose_it_was_without_giving_it_away(void **state)
{
	static const struct {
		const char *address, *masked;
	} rows[] = {
		{ "+593990000000", "+593*****0000" },
		{ "+573001234567", "+573*****4567" },
		{ "+50212345678", "+502****5678" },
		{ "+1234567890", "+123***7890" },
		{ "+123456789", "+12*****89" },
		{ "+1234567", "+12***67" },
		{ "+123456", "***" },
		{ "+59399000000x", "***" },
		{ "0990000000", "***" },
		{ "ana@example.com", "a***@example.com" },
		{ "ñandu@example.com", "ñ***@example.com" },
		{ "a@b@c", "***" },
		{ "@example.com", "***" },
		{ "ana@", "***" },
		{ "ana maria@example.com", "***" },
		{ "\xFFna@example.com", "***" },
		{ "", "***" },
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		assert_string_equal(text_mask(*state, rows[i].address), rows[i].masked);
	assert_string_equal(text_mask(*state, NULL), "***");
}

static void a_slip_of_the_finger_is_offered_the_right_name(void **state)
{
	static const char *const names[] = { "web.listen", "web.hosts", "mode.offline", "whatsapp.api_key",
					     NULL };
	char word[80];

	(void)state;
	assert_string_equal(text_nearest("web.lisen", names), "web.listen");
	assert_string_equal(text_nearest("WEB.HOST", names), "web.hosts");
	assert_string_equal(text_nearest("mode.offilne", names), "mode.offline");
	assert_string_equal(text_nearest("whatsapp.apikey", names), "whatsapp.api_key");
	assert_null(text_nearest("something.else", names));
	assert_null(text_nearest("", names));
	memset(word, 'x', sizeof word - 1);
	word[sizeof word - 1] = '\0';
	assert_null(text_nearest(word, names));
	word[64] = '\0';
	assert_null(text_nearest(word, names));
}

static void a_broken_address_is_refused(void **state)
{
	char *out = NULL;

	assert_int_equal(text_url_decode(*state, &out, "a%20b+c%C3%b1", 13, true), RC_OK);
	assert_string_equal(out, "a b cñ");
	assert_int_equal(text_url_decode(*state, &out, "a+b", 3, false), RC_OK);
	assert_string_equal(out, "a+b");
	assert_int_equal(text_url_decode(*state, &out, "", 0, false), RC_OK);
	assert_string_equal(out, "");
	out = NULL;
	assert_int_equal(text_url_decode(*state, &out, "%", 1, true), RC_BAD_INPUT);
	assert_int_equal(text_url_decode(*state, &out, "%4", 2, true), RC_BAD_INPUT);
	assert_int_equal(text_url_decode(*state, &out, "%4", 2, true), RC_BAD_INPUT);
	assert_int_equal(text_url_decode(*state, &out, "%zz", 3, true), RC_BAD_INPUT);
	assert_int_equal(text_url_decode(*state, &out, "%00", 3, true), RC_BAD_INPUT);
	assert_int_equal(text_url_decode(*state, &out, "%C3%28", 6, true), RC_BAD_INPUT);
	assert_int_equal(text_url_decode(*state, &out, "%C3", 3, true), RC_BAD_INPUT);
	assert_null(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_utf8_is_never_taken_for_text),
		arena_test(a_name_is_found_however_it_was_typed),
		arena_test(folding_twice_changes_nothing_and_nothing_grows),
		arena_test(a_search_for_a_percent_sign_finds_a_percent_sign),
		arena_test(letters_with_marks_of_their_own_become_one),
		arena_test(an_old_windows_file_keeps_its_letters),
		arena_test(blanks_around_go_blanks_inside_stay),
		cmocka_unit_test(letters_are_counted_not_bytes),
		arena_test(logs_show_whose_it_was_without_giving_it_away),
		cmocka_unit_test(a_slip_of_the_finger_is_offered_the_right_name),
		arena_test(a_broken_address_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
