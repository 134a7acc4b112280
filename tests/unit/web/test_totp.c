/*
** test_totp.c -- codes from the phone against the tables of the standards, and the picture it reads.
*/
#include "web/qr.h"
#include "web/totp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const unsigned char key[] = "12345678901234567890"; /* the key of both appendices */

static void codes_are_those_of_rfc_4226_appendix_d(void **state)
{
	static const uint32_t want[] = { 755224, 287082, 359152, 969429, 338314,
					 254676, 287922, 162583, 399871, 520489 };

	(void)state;
	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(hotp_code(key, 20, i, 6), want[i]);
}

static void codes_are_those_of_rfc_6238_appendix_b(void **state)
{
	static const struct {
		int64_t time;
		uint32_t code;
	} rows[] = { { 59, 94287082 },         { 1111111109, 7081804 },  { 1111111111, 14050471 },
		     { 1234567890, 89005924 }, { 2000000000, 69279037 }, { INT64_C(20000000000), 65353130 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(hotp_code(key, 20, (uint64_t)(rows[i].time / TOTP_STEP_S), 8), rows[i].code);
}

static void a_code_is_good_half_a_minute_early_and_late_and_once(void **state)
{
	const int64_t step = 1000, now = step * TOTP_STEP_S;
	uint32_t code = hotp_code(key, 20, (uint64_t)step, 6);

	(void)state;
	assert_int_equal(totp_step(key, now, 0, code), step);
	assert_int_equal(totp_step(key, now + TOTP_STEP_S, 0, code), step);
	assert_int_equal(totp_step(key, now - TOTP_STEP_S, 0, code), step);
	assert_int_equal(totp_step(key, now + 2 * TOTP_STEP_S, 0, code), -1);
	assert_int_equal(totp_step(key, now - TOTP_STEP_S - 1, 0, code), -1);
	assert_int_equal(totp_step(key, now, step - 1, code), step);
	assert_int_equal(totp_step(key, now, step, code), -1); /* used */
	/* a later one was used: this one is over too */
	assert_int_equal(totp_step(key, now, step + 1, code), -1);
	assert_int_equal(totp_step(key, now, 0, (code + 1) % 1000000), -1);
	assert_int_equal(totp_step(key, 0, -1, hotp_code(key, 20, 0, 6)), 0);
}

static void six_digits_are_read_as_people_type_them(void **state)
{
	static const char *const bad[] = { "",       "12345",   "1234567", "12345a", "１２３４５６",
					   "+12345", "12 34 5", "123456\n" };
	uint32_t code = 7;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(totp_code_read(&code, bad[i]), RC_BAD_INPUT);
		assert_int_equal(code, 7);
	}
	assert_int_equal(totp_code_read(&code, "012 345"), RC_OK);
	assert_int_equal(code, 12345);
	assert_int_equal(totp_code_read(&code, " 99-99-99 "), RC_OK);
	assert_int_equal(code, 999999);
}

static void the_secret_comes_back_as_it_was(void **state)
{
	static const char *const bad[] = { "", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ",
					   "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQA",
					   "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1" };
	unsigned char back[TOTP_KEY_SIZE];
	char text[TOTP_SECRET_SIZE];

	(void)state;
	totp_secret_text(text, key);
	assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"); /* RFC 4648's letters */
	assert_int_equal(totp_secret_read(back, text), RC_OK);
	assert_memory_equal(back, key, sizeof back);
	assert_int_equal(totp_secret_read(back, "gezd gnbv-gy3t qojq gezd gnbv gy3t qojq"), RC_OK);
	assert_memory_equal(back, key, sizeof back);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(totp_secret_read(back, bad[i]), RC_BAD_INPUT);
	for (int i = 0; i < 256; i++) {
		unsigned char any[TOTP_KEY_SIZE];

		memset(any, i, sizeof any);
		totp_secret_text(text, any);
		assert_int_equal(strlen(text), TOTP_SECRET_SIZE - 1);
		assert_int_equal(totp_secret_read(back, text), RC_OK);
		assert_memory_equal(back, any, sizeof any);
	}
}

static void the_link_keeps_odd_names_apart_from_its_own_signs(void **state)
{
	struct arena *a = arena_new(1024 * 1024);

	(void)state;
	assert_string_equal(totp_link(a, "Cine & Más", "ana:?", "ABC"),
			    "otpauth://totp/Cine%20%26%20M%C3%A1s:ana%3A%3F?secret=ABC"
			    "&issuer=Cine%20%26%20M%C3%A1s");
	arena_free(a);
}

static void the_picture_has_its_three_corners_inside_a_quiet_zone(void **state)
{
	struct arena *a = arena_new(16 * 1024 * 1024);
	const char *path = "";
	char corner[40];
	int size = 0;

	(void)state;
	assert_int_equal(qr_path(a, &path, &size, "HOLA"), RC_OK);
	assert_int_equal(size, 21 + 2 * QR_QUIET); /* version 1 */
	assert_int_equal(strncmp(path, "M4 4h7v1h-7z", 12), 0);
	snprintf(corner, sizeof corner, "M%d 4h7v1h-7z", 4 + 14);
	assert_non_null(strstr(path, corner));
	snprintf(corner, sizeof corner, "M4 %dh7v1h-7z", 4 + 14);
	assert_non_null(strstr(path, corner));
	assert_null(strstr(path, "M0 "));
	arena_free(a);
}

static void a_text_too_long_for_a_picture_is_refused(void **state)
{
	struct arena *a = arena_new(16 * 1024 * 1024);
	const char *path = "as it was";
	static char text[4000];
	int size = 7;

	(void)state;
	memset(text, 'a', sizeof text - 1);
	assert_int_equal(qr_path(a, &path, &size, text), RC_TOO_LARGE);
	assert_string_equal(path, "as it was");
	text[2331] = '\0'; /* version 40, medium: 2,331 bytes */
	assert_int_equal(qr_path(a, &path, &size, text), RC_OK);
	assert_int_equal(size, 177 + 2 * QR_QUIET);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_those_of_rfc_4226_appendix_d),
		cmocka_unit_test(codes_are_those_of_rfc_6238_appendix_b),
		cmocka_unit_test(a_code_is_good_half_a_minute_early_and_late_and_once),
		cmocka_unit_test(six_digits_are_read_as_people_type_them),
		cmocka_unit_test(the_secret_comes_back_as_it_was),
		cmocka_unit_test(the_link_keeps_odd_names_apart_from_its_own_signs),
		cmocka_unit_test(the_picture_has_its_three_corners_inside_a_quiet_zone),
		cmocka_unit_test(a_text_too_long_for_a_picture_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
