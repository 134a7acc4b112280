/*
** test_phone.c -- the phone rule: the whole table of spec renewals §6, and its edges.
*/
#include "base_test.h"
#include "base/phone.h"

static void a_number_is_the_same_number_however_it_is_written(void **state)
{
	static const struct {
		const char *text, *region, *e164;
		enum phone_kind kind;
	} rows[] = {
		/* §6, row 2: Ecuador's mobiles */
		{ "0990000000", "EC", "+593990000000", PHONE_MOBILE },
		{ "990000000", "EC", "+593990000000", PHONE_MOBILE },
		{ "593990000000", "EC", "+593990000000", PHONE_MOBILE },
		{ "5930990000000", "EC", "+593990000000", PHONE_MOBILE },
		/* row 1: separators, + and 00 */
		{ "+593990000000", "EC", "+593990000000", PHONE_MOBILE },
		{ "+593 99-000-0000", "EC", "+593990000000", PHONE_MOBILE },
		{ "00593990000000", "EC", "+593990000000", PHONE_MOBILE },
		{ "00 593 (0) 99 000.0000", "EC", "+593990000000", PHONE_MOBILE },
		{ "+5930990000000", "EC", "+593990000000", PHONE_MOBILE },
		{ "(099) 000/00-00", "EC", "+593990000000", PHONE_MOBILE },
		{ "(+593) 99 000 0000", "EC", "+593990000000", PHONE_MOBILE },
		{ " \xE2\x80\xAA+593\xC2\xA0"
		  "99\xE2\x80\x91"
		  "000\xE2\x80\x93"
		  "0000\xE2\x80\xAC\n",
		  "EC", "+593990000000", PHONE_MOBILE },
		/* row 3: lines */
		{ "042000000", "EC", "+59342000000", PHONE_LANDLINE },
		{ "+593 4 2000000", "EC", "+59342000000", PHONE_LANDLINE },
		{ "59342000000", "EC", "+59342000000", PHONE_LANDLINE },
		{ "+593 04 2000000", "EC", "+59342000000", PHONE_LANDLINE },
		{ "072000000", "EC", "+59372000000", PHONE_LANDLINE },
		/* row 4: Colombia */
		{ "3001234567", "EC", "+573001234567", PHONE_MOBILE },
		{ "573001234567", "EC", "+573001234567", PHONE_MOBILE },
		{ "+57 300 123 4567", "EC", "+573001234567", PHONE_MOBILE },
		{ "3001234567", "CO", "+573001234567", PHONE_MOBILE },
		{ "6041234567", "EC", "+576041234567", PHONE_LANDLINE },
		{ "576041234567", "CO", "+576041234567", PHONE_LANDLINE },
		{ "0990000000", "CO", "+593990000000", PHONE_MOBILE },
		/* other countries, always with their code */
		{ "+51 987 654 321", "EC", "+51987654321", PHONE_OTHER },
		{ "+1 (305) 555-0123", "EC", "+13055550123", PHONE_OTHER },
		{ "0034612345678", "EC", "+34612345678", PHONE_OTHER },
		{ "+51987654321", "PE", "+51987654321", PHONE_OTHER },
		{ "+12345678", "EC", "+12345678", PHONE_OTHER },
		{ "+123456789012345", "EC", "+123456789012345", PHONE_OTHER },
		/* no region: the house's default */
		{ "0990000000", "", "+593990000000", PHONE_MOBILE },
		{ "0990000000", NULL, "+593990000000", PHONE_MOBILE },
		{ "0990000000", "ec", "+593990000000", PHONE_MOBILE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct phone phone = { 0 }, again = { 0 };
		const char *why = NULL;

		if (phone_parse(&phone, &why, rows[i].text, rows[i].region) != RC_OK)
			fail_msg("%s: %s", rows[i].text, why);
		assert_string_equal(phone.e164, rows[i].e164);
		assert_int_equal(phone.kind, rows[i].kind);
		assert_int_equal(phone_parse(&again, &why, phone.e164, "CO"), RC_OK);
		assert_string_equal(again.e164, phone.e164);
		assert_int_equal(again.kind, phone.kind);
	}
}

static void a_number_that_could_be_anybodys_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *text, *region, *why;
	} rows[] = {
		{ "", "EC", "missing" },
		{ " - ", "EC", "missing" },
		{ NULL, "EC", "missing" },
		{ "+", "EC", "missing" },
		{ "2345678", "EC", "country" },     /* 7 */
		{ "22345678", "EC", "country" },    /* 8 */
		{ "890000000", "EC", "country" },   /* 9, not a mobile */
		{ "8001234567", "EC", "country" },  /* 10 */
		{ "0420000000", "EC", "country" },  /* 10 with an area code */
		{ "51987654321", "EC", "country" }, /* 11, a stranger without + */
		{ "59399000000", "EC", "country" }, /* a mobile with a digit missing is no line */
		{ "5939900000000", "EC", "country" },
		{ "990000000", "CO", "country" },
		{ "042000000", "CO", "country" },
		{ "0990000000", "PE", "country" },
		{ "593990000000", "PE", "country" },
		{ "012000000", "EC", "Ecuador" },
		{ "092000000", "EC", "Ecuador" },
		{ "+59399000000", "EC", "Ecuador" },
		{ "+5939900000000", "EC", "Ecuador" },
		{ "+593 1 2000000", "EC", "Ecuador" },
		{ "+593", "EC", "Ecuador" },
		{ "+57 1 2345678", "EC", "Colombia" },
		{ "+57 5001234567", "EC", "Colombia" },
		{ "573001234", "EC", "country" },
		{ "575001234567", "EC", "Colombia" },
		{ "+1234567", "EC", "at least 8" },
		{ "+1234567890123456", "EC", "at most 15" },
		{ "12345678901234567890123456789012345678901234567890", "EC", "at most 15" },
		{ "1234567890123456", "EC", "at most 15" },
		{ "+0990000000", "EC", "begins with 0" },
		{ "000990000000", "EC", "begins with 0" },
		{ "099 000 000x", "EC", "only digits" },
		{ "593+990000000", "EC", "only digits" },
		{ "++593990000000", "EC", "only digits" },
		{ "\xFF"
		  "0990000000",
		  "EC", "only digits" },
		{ "5.93991E+11", "EC", "shortened" },
		{ "5,93991E+11", "EC", "only digits" },
		{ "5.93E11", "EC", "shortened" },
		{ "593990000000.0", "EC", "country" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct phone phone = { .e164 = "as before" };
		const char *why = NULL;

		assert_int_equal(phone_parse(&phone, &why, rows[i].text, rows[i].region), RC_BAD_INPUT);
		assert_string_equal(phone.e164, "as before");
		assert_non_null(why);
		if (strstr(why, rows[i].why) == NULL) fail_msg("%s: %s", rows[i].text, why);
		assert_int_equal(phone_parse(&phone, NULL, rows[i].text, rows[i].region), RC_BAD_INPUT);
	}
}

static void numbers_are_shown_the_way_the_region_writes_them(void **state)
{
	static const char *const rows[][2] = {
		{ "+593990000000", "+593 99 000 0000" },
		{ "+59342000000", "+593 4 200 0000" },
		{ "+573001234567", "+57 300 123 4567" },
		{ "+576041234567", "+57 604 123 4567" },
		{ "+13055550123", "+1 305 555 0123" },
		{ "+34612345678", "+34 612 345 678" },
		{ "+50212345678", "+502 1234 5678" },
		{ "+5511912345678", "+55 11 91234 5678" },
		{ "+551112345678", "+55 11 1234 5678" },
		{ "+12345678", "+1 234 5678" },
		{ "+123456789012345", "+1 234 567 890 123 45" },
		{ "+995555123456", "+995 555 123 456" },
		{ "", "" },
		{ "nobody", "nobody" },
		{ "a word that is much longer than any number", "a word " },
	};
	char shown[32];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		phone_text(shown, rows[i][0]);
		assert_string_equal(shown, rows[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_the_same_number_however_it_is_written),
		cmocka_unit_test(a_number_that_could_be_anybodys_is_refused_with_a_reason),
		cmocka_unit_test(numbers_are_shown_the_way_the_region_writes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
