/*
** xlsx_value.c -- what the number in a cell means: its format says whether it is a date.
**
** Holds:  (1) total: any bytes give a text of at most XLSX_VALUE_SIZE - 1; (2) a number comes out in the
**         shortest form that reads back as the same; (3) a date is one of the calendar, else the number
**         stays.
**
** Sources: ECMA-376 part 1, 18.8.30 (built-in formats), 18.8.31 (codes), 18.17.4.1 (the two date systems).
*/
#include "base/clock.h"
#include "base/text.h"
#include "files/xlsx_in.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S         86400
#define EPOCH_1900    (-25569) /* 1899-12-30 */
#define EPOCH_1904    (-24107) /* 1904-01-01 */
#define LEAP_THAT_WAS 60       /* the 29th of February 1900, which only Excel knows */
#define SERIAL_MAX    2958466  /* the day after 9999-12-31 */
#define DAY_LAST      2932896  /* 9999-12-31 */
#define PLAIN_DIGITS  15       /* so many figures every double keeps */

enum xlsx_kind xlsx_kind_of_id(int id)
{
	if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || (id >= 50 && id <= 58)) return XLSX_DATE;
	if (id == 22) return XLSX_DATE_TIME;
	return (id >= 18 && id <= 21) || (id >= 32 && id <= 36) || id == 45 || id == 47 ? XLSX_TIME
											: XLSX_NUMBER;
}

/* Behind what stands for itself at p: "text", [colour], \x _x *x. p itself when it is a code. */
static const char *skip_literal(const char *p)
{
	const char *end;

	switch (*p) {
	case '"': end = strchr(p + 1, '"'); return end != NULL ? end + 1 : p + strlen(p);
	case '[': end = strchr(p, ']'); return end != NULL ? end + 1 : p + strlen(p);
	case '\\':
	case '_':
	case '*': return p[1] != '\0' ? p + 2 : p + 1;
	default: return p;
	}
}

enum xlsx_kind xlsx_kind_of_format(const char *code)
{
	bool has_date = false, has_time = false, has_m = false;

	while (*code != '\0' && *code != ';') { /* the first section is the one for positive numbers */
		const char *next = skip_literal(code);

		if (next != code) {
			/* [h]:mm counts hours: a duration, not a time of day */
			if (*code == '[' && next - code >= 3 && strchr("hmsHMS", code[1]) != NULL) {
				bool is_counted = true;

				for (const char *p = code + 1; p < next - 1; p++)
					if (*p != code[1]) is_counted = false;
				if (is_counted) return XLSX_NUMBER;
			}
			code = next;
			continue;
		}
		if (strncasecmp(code, "general", 7) == 0) return XLSX_NUMBER;
		has_date |= strchr("dyDY", *code) != NULL;
		has_time |= strchr("hsHS", *code) != NULL;
		has_m |= *code == 'm' || *code == 'M';
		code++;
	}
	if (has_time) return has_date ? XLSX_DATE_TIME : XLSX_TIME;
	return has_date || has_m ? XLSX_DATE : XLSX_NUMBER;
}

/* "1.5e-05" as "0.000015": as people would type it, unless that takes more than 21 figures. */
static void expand(char out[XLSX_VALUE_SIZE], const char *number)
{
	const char *e = strchr(number, 'e');
	char digits[32];
	size_t n = 0, at = 0;
	long point;
	bool is_negative = number[0] == '-';

	memmove(out, number, strlen(number) + 1);
	if (e == NULL) return;
	for (const char *p = number; p < e && n < sizeof(digits) - 1; p++)
		if (*p >= '0' && *p <= '9') digits[n++] = *p;
	point = strtol(e + 1, NULL, 10) + 1; /* figures before the point */
	if (point > 21 || point < -7 || n == 0) return;
	if (is_negative) out[at++] = '-';
	if (point <= 0) {
		out[at++] = '0';
		out[at++] = '.';
		for (long i = point; i < 0; i++)
			out[at++] = '0';
	}
	for (size_t i = 0; i < n; i++) {
		if (point > 0 && (long)i == point) out[at++] = '.';
		out[at++] = digits[i];
	}
	for (long i = (long)n; i < point; i++)
		out[at++] = '0';
	out[at] = '\0';
}

static void shortest(char out[XLSX_VALUE_SIZE], double v)
{
	char text[40];

	for (int figures = PLAIN_DIGITS; figures <= 17; figures++) {
		snprintf(text, sizeof(text), "%.*g", figures, v);
		if (strtod(text, NULL) == v) break;
	}
	expand(out, text);
	if (strcmp(out, "-0") == 0) memcpy(out, "0", 2);
}

/* Whole figures, few enough: already as people would type it. */
static bool is_plain(const char *raw)
{
	size_t len = strlen(raw);

	return len > 0 && len <= PLAIN_DIGITS && strspn(raw, "0123456789") == len &&
	       (raw[0] != '0' || len == 1);
}

static bool date_text(char out[XLSX_VALUE_SIZE], double v, enum xlsx_kind kind, bool is_1904)
{
	double seconds = floor(v * DAY_S + 0.5);
	int64_t whole, serial, left;
	char date[DATE_SIZE], clock[16];

	if (!(v >= 0 && v < SERIAL_MAX)) return false;
	whole = (int64_t)seconds;
	serial = whole / DAY_S;
	left = whole % DAY_S;
	snprintf(clock, sizeof(clock), "%02d:%02d:%02d", (int)(left / 3600), (int)(left / 60 % 60),
		 (int)(left % 60));
	if (serial == 0 && kind == XLSX_TIME) {
		snprintf(out, XLSX_VALUE_SIZE, "%s", clock);
		return true;
	}
	if (!is_1904) {
		if (serial == 0 || serial == LEAP_THAT_WAS || serial >= SERIAL_MAX) return false;
		serial += EPOCH_1900 + (serial < LEAP_THAT_WAS);
	} else {
		serial += EPOCH_1904;
	}
	if (serial > DAY_LAST) return false;
	day_text(date, (day)serial);
	if (kind == XLSX_DATE && left == 0)
		snprintf(out, XLSX_VALUE_SIZE, "%s", date);
	else
		snprintf(out, XLSX_VALUE_SIZE, "%s %s", date, clock);
	return true;
}

void xlsx_number_text(char out[XLSX_VALUE_SIZE], const char *raw, enum xlsx_kind kind, bool is_1904)
{
	char *end = NULL;
	double v;

	if (kind == XLSX_NUMBER && is_plain(raw)) {
		memcpy(out, raw, strlen(raw) + 1);
		return;
	}
	/* Only what XML Schema calls a double: no "nan", no "0x10", no blanks. */
	v = strspn(raw, "+-.0123456789eE") == strlen(raw) ? strtod(raw, &end) : 0;
	if (end == NULL || end == raw || *end != '\0' || !isfinite(v)) {
		/* no number: a text of which nothing is lost but its length */
		size_t len = strnlen(raw, XLSX_VALUE_SIZE - 1);

		while (len > 0 && ((unsigned char)raw[len] & 0xC0) == 0x80)
			len--;
		memcpy(out, raw, len);
		out[len] = '\0';
		return;
	}
	if (kind != XLSX_NUMBER && date_text(out, v, kind, is_1904)) return;
	shortest(out, v);
}

/* Four hex figures of "_xHHHH_"; -1: it is none. */
static long escaped(const char *p, size_t len)
{
	long v = 0;

	if (len < 7 || p[0] != '_' || p[1] != 'x' || p[6] != '_') return -1;
	for (int i = 2; i < 6; i++) {
		const char *digits = "0123456789abcdef",
			   *at = p[i] != '\0' ? strchr(digits, p[i] | 0x20) : NULL;

		if (at == NULL) return -1;
		v = v * 16 + (at - digits);
	}
	return v;
}

static size_t put_utf8(char *to, long c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return c != 0;
	}
	if (c < 0x800) {
		to[0] = (char)(0xC0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xE0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3F));
		to[2] = (char)(0x80 | (c & 0x3F));
		return 3;
	}
	to[0] = (char)(0xF0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3F));
	to[2] = (char)(0x80 | (c >> 6 & 0x3F));
	to[3] = (char)(0x80 | (c & 0x3F));
	return 4;
}

size_t xlsx_unescape(char *p, size_t len)
{
	char *to = memchr(p, '_', len), *from = to, *end = p + len;

	if (to == NULL) return len;
	while (from < end) {
		long c = escaped(from, (size_t)(end - from)), low;

		if (c < 0) {
			*to++ = *from++;
			continue;
		}
		from += 7;
		if (c >= 0xD800 && c <= 0xDFFF) { /* half a character: with its other half, or none */
			low = c < 0xDC00 ? escaped(from, (size_t)(end - from)) : -1;
			if (low >= 0xDC00 && low <= 0xDFFF) {
				c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
				from += 7;
			} else {
				c = 0xFFFD;
			}
		}
		to += put_utf8(to, c);
	}
	return (size_t)(to - p);
}
