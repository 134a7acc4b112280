/*
** money.c -- amounts as whole numbers of the currency's smallest unit.
**
** Owns:   the list of currencies, their decimals and how the region writes them.
** Needs:  words.h only for the marks of translatable sentences and enum lang.
** Never:  uses floating point; rounds.
** Holds:  (1) a parsed amount is between 0 and MONEY_MAX; (2) what money_plain writes,
**         money_parse reads as the same amount in the same currency.
**
** Sources: ISO 4217 (list one, 2024: codes and minor units). Symbols and separators of
** American currencies: Unicode CLDR, the country's own Spanish or Portuguese.
*/
#include "base/money.h"
#include "base/text.h"
#include <string.h>

struct look {
	char code[4];
	const char *symbol;
	bool is_apart;       /* a blank between symbol and number */
	bool is_point_group; /* 1.234,50 at home; else 1,234.50 */
};

static const struct look looks[] = {
	{ "USD", "$", false, false }, { "ARS", "$", true, true },    { "BOB", "Bs", true, true },
	{ "BRL", "R$", true, true },  { "CLP", "$", true, true },    { "COP", "$", true, true },
	{ "CRC", "₡", false, true },  { "CUP", "$", false, false },  { "DOP", "RD$", false, false },
	{ "EUR", "€", true, true },   { "GTQ", "Q", false, false },  { "HNL", "L", true, false },
	{ "MXN", "$", false, false }, { "NIO", "C$", false, false }, { "PAB", "B/.", true, false },
	{ "PEN", "S/", true, false }, { "PYG", "₲", true, true },    { "SVC", "₡", false, false },
	{ "UYU", "$", true, true },   { "VES", "Bs.", true, true },
};

/* All of ISO 4217 that people pay with, by number of decimals. */
static const char two_decimals[] =
	"AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY "
	"COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
	"INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR "
	"MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD "
	"SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG ";
static const char no_decimals[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ";
static const char three_decimals[] = "BHD IQD JOD KWD LYD OMR TND ";

static bool is_in(const char *codes, const char *code)
{
	for (; *codes != '\0'; codes += 4) {
		if (memcmp(codes, code, 3) == 0) return true;
	}
	return false;
}

bool money_is_currency(const char *code)
{
	return code != NULL && strlen(code) == 3 &&
	       (is_in(two_decimals, code) || is_in(no_decimals, code) || is_in(three_decimals, code));
}

int money_exponent(const char *code)
{
	if (!money_is_currency(code)) return 2;
	return is_in(no_decimals, code) ? 0 : is_in(three_decimals, code) ? 3 : 2;
}

static const struct look *look_of(const char *code)
{
	size_t i;

	for (i = 0; code != NULL && i < sizeof looks / sizeof looks[0]; i++) {
		if (strcmp(looks[i].code, code) == 0) return &looks[i];
	}
	return NULL;
}

#define WRITTEN_MAX 64 /* symbol, blanks, digits: a longer text is no amount */

static enum rc refuse(const char **why, const char *sentence)
{
	if (why != NULL) *why = sentence;
	return RC_BAD_INPUT;
}

/* Is the text between p and end a way to name this currency? Its code, its symbol, or a bare sign of one. */
static bool is_name_of(const char *p, const char *end, const char *currency)
{
	static const char *const pesos[] = { "$",   "US$", "U$S", "U$", "Bs", "Bs.", "S/",
					     "S/.", "Gs",  "Gs.", "₲",  "R$", "€" };
	static const char *const codes[] = { "",    "USD", "USD", "USD", "BOB", "BOB", "PEN",
					     "PEN", "PYG", "PYG", "PYG", "BRL", "EUR" };
	const struct look *look = look_of(currency);
	char name[WRITTEN_MAX + 1];
	size_t len = (size_t)(end - p), i;

	memcpy(name, p, len);
	name[len] = '\0';
	if (text_equal_fold(name, currency) || (look != NULL && text_equal_fold(name, look->symbol)))
		return true;
	for (i = 0; i < sizeof pesos / sizeof pesos[0]; i++) {
		if (!text_equal_fold(name, pesos[i])) continue;
		/* "$" alone names any currency whose sign has one. */
		if (*codes[i] == '\0' ? look != NULL && strchr(look->symbol, '$') != NULL
				      : strcmp(codes[i], currency) == 0)
			return true;
	}
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Bytes of the blank of any width at p, 0 if there is none. */
static size_t blank_length(const char *p)
{
	static const char *const wide[] = { "\xC2\xA0", "\xE2\x80\xAF", "\xE2\x80\x89", "\xE2\x80\x87" };
	size_t i;

	if (*p != '\0' && strchr(" \t\r\n", *p) != NULL) return 1;
	for (i = 0; i < sizeof wide / sizeof wide[0]; i++) {
		if (strncmp(p, wide[i], strlen(wide[i])) == 0) return strlen(wide[i]);
	}
	return 0;
}

/* Copy without blanks; one between two digits is a sign of groups ("1 234") and becomes an apostrophe, so
** that "12 50" is refused and not taken for 1250. False when it is too long. */
static bool squeeze(char out[WRITTEN_MAX + 1], const char *text)
{
	size_t n = 0, skip;
	bool is_after_blank = false;

	for (; *text != '\0'; text += skip > 0 ? skip : 1) {
		skip = blank_length(text);
		if (skip > 0) {
			is_after_blank = true;
			continue;
		}
		if (n + 2 > WRITTEN_MAX) return false;
		if (is_after_blank && n > 0 && is_digit(out[n - 1]) && is_digit(*text)) out[n++] = '\'';
		is_after_blank = false;
		out[n++] = *text;
	}
	out[n] = '\0';
	return true;
}

/* The sign of thousands at home: what "1.234" means depends on it. */
static char group_of(const char *currency)
{
	const struct look *look = look_of(currency);

	return look != NULL && look->is_point_group ? '.' : ',';
}

/* One sign, and behind it three digits: thousands, or decimals that somebody wrote too many of? */
static bool is_like_thousands(const char *p, const char *sign, const char *end)
{
	return end - sign == 4 && sign > p && sign - p <= 3 && *p != '0';
}

/* Where the decimals begin: the place of their sign, end if there is none, NULL if "1.234" may be either. */
static const char *find_decimals(const char *p, const char *end, const char *currency)
{
	int exponent = money_exponent(currency);
	const char *last = end, *c;
	size_t points = 0, commas = 0;

	for (c = p; c < end; c++) {
		if (!is_digit(*c) && *c != '\'') last = c;
		points += *c == '.';
		commas += *c == ',';
	}
	if (points + commas == 0) return end;
	if (points > 0 && commas > 0) return (*last == '.' ? points : commas) == 1 ? last : end;
	if (points + commas > 1) return end;
	if (!is_like_thousands(p, last, end)) return last;
	if (exponent == 0) return end;
	if (exponent == 3) return *last == group_of(currency) ? NULL : last;
	return *last == group_of(currency) ? end : NULL;
}

/* The whole part: digits, or groups of three behind one to three digits, all with the same sign. */
static bool is_whole(const char *p, const char *end, char decimal_sign)
{
	const char *c;
	char sign = '\0';
	size_t run = 0;

	for (c = p; c < end; c++) {
		if (is_digit(*c)) {
			run++;
			continue;
		}
		if ((sign != '\0' && *c != sign) || *c == decimal_sign || run == 0 || run > 3 ||
		    (sign != '\0' && run != 3))
			return false;
		sign = *c;
		run = 0;
	}
	return sign == '\0' || run == 3;
}

static bool add_digit(int64_t *units, char digit)
{
	*units = *units * 10 + (digit - '0');
	return *units <= MONEY_MAX;
}

static enum rc read_number(int64_t *out, const char **why, const char *p, const char *end,
			   const char *currency)
{
	const char *decimals = find_decimals(p, end, currency), *c;
	int64_t units = 0;
	int places = 0, exponent = money_exponent(currency);

	if (decimals == NULL)
		return refuse(why,
			      N_("Is that thousands or decimals? Write it with its decimals, like 1234.00."));
	if (!is_whole(p, decimals, decimals < end ? *decimals : '\0') ||
	    (decimals < end && decimals + 1 == end) || (decimals == p && decimals == end))
		return refuse(why, N_("That is not an amount. Write it like 12.99."));
	for (c = p; c < decimals; c++) {
		if (is_digit(*c) && !add_digit(&units, *c))
			return refuse(why, N_("The amount is too large."));
	}
	for (c = decimals + 1; c < end; c++) {
		if (!is_digit(*c)) return refuse(why, N_("That is not an amount. Write it like 12.99."));
		if (places == exponent) {
			if (*c != '0')
				return refuse(why, N_("The amount has more decimals than its currency."));
			continue;
		}
		places++;
		if (!add_digit(&units, *c)) return refuse(why, N_("The amount is too large."));
	}
	for (; places < exponent; places++) {
		if (!add_digit(&units, '0')) return refuse(why, N_("The amount is too large."));
	}
	*out = units;
	return RC_OK;
}

enum rc money_parse(int64_t *out, const char **why, const char *text, const char *currency)
{
	char written[WRITTEN_MAX + 1];
	const char *p = written, *end, *name;

	if (!money_is_currency(currency)) return refuse(why, N_("That currency does not exist (ISO 4217)."));
	if (text == NULL || !squeeze(written, text))
		return refuse(why, N_("That is not an amount. Write it like 12.99."));
	if (*p == '\0') return refuse(why, N_("The amount is missing."));
	if (strchr(written, '-') != NULL || *p == '(' || strstr(written, "\xE2\x88\x92") != NULL)
		return refuse(why, N_("An amount cannot be negative."));
	/* The currency may stand in front or behind. */
	end = written + strlen(written);
	for (name = p; name < end && !is_digit(*name);)
		name++;
	/* "S/." and "Bs." end in a point that is the name's; ".50" has only a point. */
	if (name > p && is_name_of(p, name, currency))
		p = name;
	else if (name > p && name[-1] == '.' && name - 1 > p && is_name_of(p, name - 1, currency))
		p = name - 1;
	for (name = end; name > p && !is_digit(name[-1]);)
		name--;
	if (name < end && is_name_of(name, end, currency)) end = name;
	for (name = p; name < end; name++) {
		if (!is_digit(*name) && *name != '.' && *name != ',' && *name != '\'')
			return refuse(why, N_("That is not an amount. Write it like 12.99."));
	}
	return read_number(out, why, p, end, currency);
}

/* Digits with groups and decimals, from the back. group '\0': no groups. Returns where they begin. */
static char *put_digits(char *end, uint64_t units, int exponent, char group, char point)
{
	int place = 0, whole;
	char *p = end;

	do {
		if (place == exponent && exponent > 0) *--p = point;
		whole = place - exponent;
		if (whole > 0 && whole % 3 == 0 && group != '\0') *--p = group;
		*--p = (char)('0' + units % 10);
		units /= 10;
		place++;
	} while (units > 0 || place <= exponent);
	return p;
}

#define DIGITS_SIZE 32 /* 19 digits, 6 groups, a point and NUL */

void money_plain(char out[MONEY_SIZE], int64_t units, const char *currency)
{
	char digits[DIGITS_SIZE], *p = digits + DIGITS_SIZE - 1;
	uint64_t size = units < 0 ? 0 - (uint64_t)units : (uint64_t)units;

	*p = '\0';
	p = put_digits(p, size, money_exponent(currency), '\0', '.');
	if (units < 0) *--p = '-';
	memcpy(out, p, strlen(p) + 1);
}

void money_text(char out[MONEY_SIZE], int64_t units, const char *currency, enum lang lang)
{
	const struct look *look = look_of(currency);
	bool is_point_group = look != NULL && look->is_point_group && lang != LANG_EN;
	char digits[DIGITS_SIZE], *p = digits + DIGITS_SIZE - 1, *to = out;
	uint64_t size = units < 0 ? 0 - (uint64_t)units : (uint64_t)units;

	*p = '\0';
	p = put_digits(p, size, money_exponent(currency), is_point_group ? '.' : ',',
		       is_point_group ? ',' : '.');
	if (units < 0) *to++ = '-';
	if (look != NULL) {
		to = stpcpy(to, look->symbol);
	} else if (currency != NULL) {
		size_t len = text_prefix(currency, 3);

		to = len <= 6 ? (char *)mempcpy(to, currency, len) : to;
	}
	if (look == NULL || look->is_apart) *to++ = ' ';
	memcpy(to, p, strlen(p) + 1);
}
