/*
** phone.c -- the one phone rule: what people write becomes E.164, or one sentence says why not.
**
** Owns:   the rules of Ecuador and Colombia, and the lengths of country codes.
** Needs:  nothing.
** Never:  guesses a country for a number that could belong to two.
** Holds:  (1) a result is "+" and 8 to 15 digits, the first not 0; (2) reading a result
**         again gives the same result, whatever the region; (3) only MOBILE of EC and CO
**         and OTHER may get WhatsApp messages.
**
** Sources: spec renewals §6; ITU-T E.164 (15 digits, country codes). Ecuador: mobiles are
** 9 and eight digits, lines an area code 2 to 7 and seven digits. Colombia (since 2021):
** ten digits, mobiles begin with 3, lines with 60.
*/
#include "base/phone.h"
#include "base/text.h"
#include "base/words.h"
#include <string.h>

#define DIGITS_MIN  8  /* spec §6: shorter than any mobile that can have WhatsApp */
#define DIGITS_MAX  15 /* E.164 */
#define WRITTEN_MAX 40 /* digits, blanks and all: longer is not a phone number */

static enum rc refuse(const char **why, const char *sentence)
{
	if (why != NULL) *why = sentence;
	return RC_BAD_INPUT;
}

/* What people put between digits: blanks, dashes, dots, brackets, strokes, and the invisible marks that come
** along when a number is copied out of a chat. Returns its length in bytes, 0 for anything else. */
static size_t separator_length(const char *p)
{
	/* NBSP; figure and thin blanks, hyphens, dashes; direction marks; narrow NBSP; minus sign; BOM */
	static const char *const wide[] = {
		"\xC2\xA0",     "\xE2\x80\x87", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\x8B",
		"\xE2\x80\x8E", "\xE2\x80\x8F", "\xE2\x80\x90", "\xE2\x80\x91", "\xE2\x80\x92",
		"\xE2\x80\x93", "\xE2\x80\x94", "\xE2\x80\xAA", "\xE2\x80\xAB", "\xE2\x80\xAC",
		"\xE2\x80\xAD", "\xE2\x80\xAE", "\xE2\x80\xAF", "\xE2\x81\xA6", "\xE2\x81\xA7",
		"\xE2\x81\xA8", "\xE2\x81\xA9", "\xE2\x88\x92", "\xEF\xBB\xBF",
	};
	size_t i;

	if ((unsigned char)*p < 0x80) return *p != '\0' && strchr(" \t\r\n-.()/", *p) != NULL;
	for (i = 0; i < sizeof wide / sizeof wide[0]; i++) {
		if (strncmp(p, wide[i], strlen(wide[i])) == 0) return strlen(wide[i]);
	}
	return 0;
}

/* The digits alone. *is_international: a plus sign or 00 came first, and is gone. */
static enum rc take_digits(char digits[WRITTEN_MAX + 1], bool *is_international, const char **why,
			   const char *text)
{
	size_t n = 0, skip;
	const char *p = text;

	*is_international = false;
	for (; *p != '\0'; p += skip) {
		skip = separator_length(p);
		if (skip > 0) continue;
		skip = 1;
		if (*p == '+' && n == 0 && !*is_international) {
			*is_international = true;
			continue;
		}
		/* 5.93991E+11: a spreadsheet took the number for a quantity and the last digits are gone. */
		if ((*p == 'E' || *p == 'e') && n > 0 && (p[1] == '+' || (p[1] >= '0' && p[1] <= '9')))
			return refuse(
				why,
				N_("A spreadsheet has shortened this number (…E+11). Format the column as text "
				   "and enter it again."));
		if (*p < '0' || *p > '9')
			return refuse(why,
				      N_("A phone number has only digits, blanks, dashes and brackets."));
		if (n == WRITTEN_MAX) return refuse(why, N_("A phone number has at most 15 digits."));
		digits[n++] = *p;
	}
	digits[n] = '\0';
	if (n == 0) return refuse(why, N_("The phone number is missing."));
	if (!*is_international && n > 2 && digits[0] == '0' && digits[1] == '0') {
		*is_international = true;
		memmove(digits, digits + 2, n - 1);
	}
	return RC_OK;
}

static enum rc accept(struct phone *out, const char *country, const char *number, enum phone_kind kind)
{
	struct phone phone = { .kind = kind };
	size_t country_len = strlen(country), len = strlen(number);

	phone.e164[0] = '+';
	memcpy(phone.e164 + 1, country, country_len);
	memcpy(phone.e164 + 1 + country_len, number, len + 1);
	*out = phone;
	return RC_OK;
}

/* number: behind 593, with or without the 0 that is dialled inside the country. */
static enum rc read_ec(struct phone *out, const char **why, const char *number)
{
	size_t len;

	if (number[0] == '0') number++;
	len = strlen(number);
	if (len == 9 && number[0] == '9') return accept(out, "593", number, PHONE_MOBILE);
	if (len == 8 && number[0] >= '2' && number[0] <= '7')
		return accept(out, "593", number, PHONE_LANDLINE);
	return refuse(why,
		      N_("A number of Ecuador is a mobile like 099 123 4567 or a line like 04 212 3456."));
}

/* number: behind 57. */
static enum rc read_co(struct phone *out, const char **why, const char *number)
{
	size_t len = strlen(number);

	if (len == 10 && number[0] == '3') return accept(out, "57", number, PHONE_MOBILE);
	if (len == 10 && number[0] == '6' && number[1] == '0')
		return accept(out, "57", number, PHONE_LANDLINE);
	return refuse(why,
		      N_("A number of Colombia has ten digits: a mobile begins with 3, a line with 60."));
}

static enum rc read_international(struct phone *out, const char **why, const char *digits)
{
	size_t len = strlen(digits);

	if (digits[0] == '0')
		return refuse(why, N_("After + comes the country code, which never begins with 0."));
	if (strncmp(digits, "593", 3) == 0) return read_ec(out, why, digits + 3);
	if (strncmp(digits, "57", 2) == 0) return read_co(out, why, digits + 2);
	if (len < DIGITS_MIN)
		return refuse(why, N_("A phone number with its country code has at least 8 digits."));
	if (len > DIGITS_MAX) return refuse(why, N_("A phone number has at most 15 digits."));
	return accept(out, "", digits, PHONE_OTHER);
}

enum rc phone_parse(struct phone *out, const char **why, const char *text, const char *region)
{
	char digits[WRITTEN_MAX + 1];
	bool is_international, is_ec, is_co;
	struct phone phone;
	size_t len;
	enum rc rc = take_digits(digits, &is_international, why, text == NULL ? "" : text);

	if (rc != RC_OK) return rc;
	if (is_international) return read_international(out, why, digits);
	is_ec = region == NULL || *region == '\0' || text_equal_fold(region, "EC");
	is_co = text_equal_fold(region == NULL ? "" : region, "CO");
	len = strlen(digits);
	if (is_ec || is_co) {
		/* These forms exist in one of the two countries only, so each also reads the other's. */
		if (len == 10 && digits[0] == '0' && digits[1] == '9') return read_ec(out, why, digits);
		if (len == 10 && (digits[0] == '3' || (digits[0] == '6' && digits[1] == '0')))
			return read_co(out, why, digits);
		if (len == 12 && strncmp(digits, "57", 2) == 0) return read_co(out, why, digits + 2);
		if (strncmp(digits, "593", 3) == 0 && read_ec(&phone, NULL, digits + 3) == RC_OK) {
			*out = phone;
			return RC_OK;
		}
	}
	if (is_ec && len == 9 && (digits[0] == '0' || digits[0] == '9')) return read_ec(out, why, digits);
	if (len > DIGITS_MAX) return refuse(why, N_("A phone number has at most 15 digits."));
	return refuse(why,
		      N_("Say which country: begin with + and the country code, as in +593 99 123 4567."));
}

/* Digits of the country code at p (ITU-T E.164 assignments): 1 and 7 alone, the listed pairs, else three. */
static size_t country_length(const char *p)
{
	static const char pairs[] =
		"20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 "
		"61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 ";
	const char *pair;

	if (p[0] == '1' || p[0] == '7') return 1;
	for (pair = pairs; *pair != '\0'; pair += 3) {
		if (p[0] == pair[0] && p[1] == pair[1]) return 2;
	}
	return 3;
}

/* How many digits stand together, from the left; the rest is one group. */
static const char *groups_of(const char *digits, size_t rest)
{
	bool is_ec = strncmp(digits, "593", 3) == 0;
	bool is_br = strncmp(digits, "55", 2) == 0;

	switch (rest) {
	case 7: return "34";
	case 8: return is_ec ? "134" : "44";
	case 9: return is_ec ? "234" : "333";
	case 10: return is_br ? "244" : "334";
	case 11: return is_br ? "254" : "344";
	default: return "3333";
	}
}

void phone_text(char out[32], const char *e164)
{
	const char *digits = e164 + 1, *group;
	size_t len = strlen(e164), country, n = 0, i;

	if (e164[0] != '+' || len < 1 + DIGITS_MIN || len > 1 + DIGITS_MAX ||
	    strspn(digits, "0123456789") != len - 1) {
		n = len < 31 ? len : text_prefix(e164, 7);
		memcpy(out, e164, n);
		out[n] = '\0';
		return;
	}
	country = country_length(digits);
	out[n++] = '+';
	memcpy(out + n, digits, country);
	n += country;
	group = groups_of(digits, len - 1 - country);
	for (i = country; i < len - 1; group += group[1] != '\0') {
		size_t take = (size_t)(*group - '0');

		out[n++] = ' ';
		while (take-- > 0 && i < len - 1)
			out[n++] = digits[i++];
	}
	out[n] = '\0';
}
