/*
** test_money.c -- amounts as people type them and as they are shown.
*/
#include "base_test.h"
#include "base/money.h"

static void prices_are_understood_the_way_people_type_them(void **state)
{
	static const struct {
		const char *text, *currency;
		int64_t units;
	} rows[] = {
		{ "12.99", "USD", 1299 },
		{ "12,99", "USD", 1299 },
		{ "$12.99", "USD", 1299 },
		{ "$ 12", "USD", 1200 },
		{ "US$ 12.5", "USD", 1250 },
		{ "12.99 USD", "USD", 1299 },
		{ "usd 12.99", "USD", 1299 },
		{ "USD12", "USD", 1200 },
		{ "1.234,56", "USD", 123456 },
		{ "1,234.56", "USD", 123456 },
		{ "1.234", "COP", 123400 },
		{ "1,234", "USD", 123400 },
		{ "1.234.567", "USD", 123456700 },
		{ "1,234,567.8", "USD", 123456780 },
		{ "1 234,50", "USD", 123450 },
		{ "1\xC2\xA0"
		  "234,50",
		  "EUR", 123450 },
		{ "1'234.50", "USD", 123450 },
		{ "0", "USD", 0 },
		{ "0.01", "USD", 1 },
		{ ".50", "USD", 50 },
		{ "$.50", "USD", 50 },
		{ "12.9900", "USD", 1299 },
		{ "0012.99", "USD", 1299 },
		{ "  12.99\n", "USD", 1299 },
		{ "1234.5", "USD", 123450 },
		{ "999999999.99", "USD", MONEY_MAX },
		{ "5.000", "PYG", 5000 },
		{ "₲ 5.000", "PYG", 5000 },
		{ "Gs. 5000", "PYG", 5000 },
		{ "5000.00", "CLP", 5000 },
		{ "$ 1.234.567", "CLP", 1234567 },
		{ "1.234", "KWD", 1234 },
		{ "5,000", "PYG", 5000 },
		{ "1.5", "KWD", 1500 },
		{ "1,234.567", "KWD", 1234567 },
		{ "S/. 10.50", "PEN", 1050 },
		{ "S/10.50", "PEN", 1050 },
		{ "R$ 1.234,56", "BRL", 123456 },
		{ "12,50 €", "EUR", 1250 },
		{ "Bs.12,50", "BOB", 1250 },
		{ "12 $", "COP", 1200 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		int64_t units = -1;
		const char *why = "";

		if (money_parse(&units, &why, rows[i].text, rows[i].currency) != RC_OK)
			fail_msg("%s: %s", rows[i].text, why);
		if (units != rows[i].units) fail_msg("%s: %lld", rows[i].text, (long long)units);
	}
}

static void what_is_no_price_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *text, *currency, *why;
	} rows[] = {
		{ "", "USD", "missing" },
		{ " ", "USD", "missing" },
		{ NULL, "USD", "not an amount" },
		{ "twelve", "USD", "not an amount" },
		{ "$", "USD", "not an amount" },
		{ ".", "USD", "not an amount" },
		{ "12.", "USD", "not an amount" },
		{ "12..5", "USD", "not an amount" },
		{ "1,23,456", "USD", "not an amount" },
		{ "1.234,567.89", "USD", "not an amount" },
		{ "1,2345.00", "USD", "not an amount" },
		{ "1234,567.00", "USD", "not an amount" },
		{ ",123,456", "USD", "not an amount" },
		{ "12a", "USD", "not an amount" },
		{ "12 EUR", "USD", "not an amount" },
		{ "€ 12", "USD", "not an amount" },
		{ "$ 12", "EUR", "not an amount" },
		{ "12$5", "USD", "not an amount" },
		{ "1e5", "USD", "not an amount" },
		{ "\xFF", "USD", "not an amount" },
		{ "12.345.6", "USD", "not an amount" },
		{ "1.234'567", "USD", "decimals" },
		{ "12 50", "USD", "not an amount" },
		{ "1 2", "USD", "not an amount" },
		{ "000000000000000000000000000000000000000000000000000000000000000000000000001", "USD",
		  "not an amount" },
		{ "12.995", "EUX", "currency" },
		{ "12", "usd", "currency" },
		{ "12", NULL, "currency" },
		{ "12", "", "currency" },
		{ "0.123", "USD", "decimals" },
		{ "12.9901", "USD", "decimals" },
		{ "1234.567", "USD", "decimals" },
		{ "12.5", "CLP", "decimals" },
		{ "1.2345", "KWD", "decimals" },
		{ "1.234", "USD", "thousands or decimals" },
		{ "12.990", "USD", "thousands or decimals" },
		{ "1,234", "COP", "thousands or decimals" },
		{ "1,234", "KWD", "thousands or decimals" },
		{ "-5", "USD", "negative" },
		{ "$-5", "USD", "negative" },
		{ "(5.00)", "USD", "negative" },
		{ "\xE2\x88\x92"
		  "5",
		  "USD", "negative" },
		{ "1000000000.00", "USD", "too large" },
		{ "99999999999999999999999999", "USD", "too large" },
		{ "100000000000", "CLP", "too large" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		int64_t units = 77;
		const char *why = "";

		if (money_parse(&units, &why, rows[i].text, rows[i].currency) != RC_BAD_INPUT)
			fail_msg("%s: %lld", rows[i].text, (long long)units);
		assert_int_equal(units, 77);
		if (strstr(why, rows[i].why) == NULL) fail_msg("%s: %s", rows[i].text, why);
		assert_int_equal(money_parse(&units, NULL, rows[i].text, rows[i].currency), RC_BAD_INPUT);
	}
}

static void prices_are_shown_with_their_decimals_always(void **state)
{
	static const struct {
		int64_t units;
		const char *currency;
		enum lang lang;
		const char *text, *plain;
	} rows[] = {
		{ 1299, "USD", LANG_ES, "$12.99", "12.99" },
		{ 1299, "USD", LANG_EN, "$12.99", "12.99" },
		{ 123450, "USD", LANG_ES, "$1,234.50", "1234.50" },
		{ 100, "USD", LANG_ES, "$1.00", "1.00" },
		{ 5, "USD", LANG_ES, "$0.05", "0.05" },
		{ 0, "USD", LANG_ES, "$0.00", "0.00" },
		{ -1299, "USD", LANG_ES, "-$12.99", "-12.99" },
		{ 5000, "PYG", LANG_ES, "₲ 5.000", "5000" },
		{ 5000, "PYG", LANG_EN, "₲ 5,000", "5000" },
		{ 0, "CLP", LANG_ES, "$ 0", "0" },
		{ 123456789, "COP", LANG_ES, "$ 1.234.567,89", "1234567.89" },
		{ 1234567, "KWD", LANG_ES, "KWD 1,234.567", "1234.567" },
		{ 1299, "XYZ", LANG_ES, "XYZ 12.99", "12.99" },
		{ 1299, NULL, LANG_ES, " 12.99", "12.99" },
		{ INT64_MIN, "USD", LANG_ES, "-$92,233,720,368,547,758.08", "-92233720368547758.08" },
		{ INT64_MIN, "DOP", LANG_ES, "-RD$92,233,720,368,547,758.08", "-92233720368547758.08" },
		{ INT64_MIN, "a long name", LANG_ES, "-a l 92,233,720,368,547,758.08",
		  "-92233720368547758.08" },
	};
	char shown[MONEY_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		money_text(shown, rows[i].units, rows[i].currency, rows[i].lang);
		assert_string_equal(shown, rows[i].text);
		money_plain(shown, rows[i].units, rows[i].currency);
		assert_string_equal(shown, rows[i].plain);
	}
}

static void a_plain_amount_is_read_back_as_itself(void **state)
{
	static const char *const currencies[] = { "USD", "CLP", "KWD", "COP" };
	char plain[MONEY_SIZE];
	int64_t units, back;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(currencies); i++) {
		for (units = 0; units <= MONEY_MAX; units = units * 7 / 3 + 1) {
			/* "1234" in KWD is 1.234: three decimals, always written. */
			money_plain(plain, units, currencies[i]);
			assert_int_equal(money_parse(&back, NULL, plain, currencies[i]), RC_OK);
			assert_int_equal(back, units);
			money_text(plain, units, currencies[i], LANG_ES);
			if (strcmp(currencies[i], "KWD") != 0) {
				assert_int_equal(money_parse(&back, NULL, plain, currencies[i]), RC_OK);
				assert_int_equal(back, units);
			}
		}
	}
}

static void currencies_are_those_of_the_standard(void **state)
{
	(void)state;
	assert_true(money_is_currency("USD") && money_is_currency("CLP") && money_is_currency("TND"));
	assert_false(money_is_currency("US") || money_is_currency("USDX") || money_is_currency("D A"));
	assert_int_equal(money_exponent("USD"), 2);
	assert_int_equal(money_exponent("PYG"), 0);
	assert_int_equal(money_exponent("KWD"), 3);
	assert_int_equal(money_exponent("???"), 2);
	assert_int_equal(money_exponent(NULL), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prices_are_understood_the_way_people_type_them),
		cmocka_unit_test(what_is_no_price_is_refused_with_a_reason),
		cmocka_unit_test(prices_are_shown_with_their_decimals_always),
		cmocka_unit_test(a_plain_amount_is_read_back_as_itself),
		cmocka_unit_test(currencies_are_those_of_the_standard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
