/*
** mime_address.c -- addresses of mail: what one is, and how its domain is written in ASCII.
**
** Owns:   nothing; pure functions.
** Holds:  what comes out is printable ASCII without blanks, brackets, quotes or commas, with exactly one @.
*/
#include "outbox/mime.h"

#include "base/text.h"
#include "base/words.h"

#include <stdio.h>
#include <string.h>

#define LOCAL_MAX 64 /* RFC 5321 §4.5.3.1.1 */
#define LABEL_MAX 63 /* RFC 1035 §2.3.4     */

/* Punycode: RFC 3492 §5 and §6 */
#define BASE         36u
#define T_MIN        1u
#define T_MAX        26u
#define SKEW         38u
#define DAMP         700u
#define INITIAL_BIAS 72u
#define INITIAL_N    128u

static uint32_t adapt(uint32_t delta, uint32_t count, bool is_first)
{
	uint32_t k = 0;

	delta = is_first ? delta / DAMP : delta / 2;
	delta += delta / count;
	for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
		delta /= BASE - T_MIN;
	return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static char digit(uint32_t d)
{
	return (char)(d < 26 ? 'a' + d : '0' + (d - 26));
}

/* One variable-length integer; false when there is no room. */
static bool put_integer(char *out, size_t *n, uint32_t q, uint32_t bias)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;

		if (*n >= LABEL_MAX) return false;
		if (q < t) break;
		out[(*n)++] = digit(t + (q - t) % (BASE - t));
		q = (q - t) / (BASE - t);
	}
	out[(*n)++] = digit(q);
	return true;
}

/* Capital letters that people write in a domain's name: Latin, Greek, Cyrillic. */
static uint32_t lower(uint32_t c)
{
	if (c >= 'A' && c <= 'Z') return c + 32;
	if (c >= 0xc0 && c <= 0xde && c != 0xd7) return c + 32;
	if (((c >= 0x100 && c <= 0x137) || (c >= 0x14a && c <= 0x177)) && c != 0x130) return c | 1;
	if (((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e)) && (c & 1)) return c + 1;
	if (c >= 0x391 && c <= 0x3a9 && c != 0x3a2) return c + 32;
	if (c >= 0x410 && c <= 0x42f) return c + 32;
	if (c >= 0x400 && c <= 0x40f) return c + 80;
	return c;
}

static uint32_t code_point(const char *p, size_t n)
{
	uint32_t c = (unsigned char)p[0] & (n == 1 ? 0x7fu : 0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3f);
	return c;
}

enum rc mime_punycode(char out[64], const char *label, size_t len)
{
	uint32_t points[LABEL_MAX], n = INITIAL_N, delta = 0, bias = INITIAL_BIAS, done, basic;
	size_t count = 0, used = 0, ascii = 0;

	for (size_t i = 0, step; i < len; i += step) {
		step = text_sequence(label + i, len - i);
		if (step == 0 || count == LABEL_MAX) return RC_BAD_INPUT;
		points[count++] = lower(code_point(label + i, step));
		ascii += step == 1;
	}
	if (count == 0) return RC_BAD_INPUT;
	if (ascii < count) {
		memcpy(out, "xn--", 4);
		used = 4;
	}
	for (size_t i = 0; i < count; i++)
		if (points[i] < 0x80) {
			if (used >= LABEL_MAX) return RC_BAD_INPUT;
			out[used++] = (char)points[i];
		}
	out[used] = '\0';
	if (ascii == count) return RC_OK;
	basic = done = (uint32_t)ascii;
	if (basic > 0) {
		if (used >= LABEL_MAX) return RC_BAD_INPUT;
		out[used++] = '-';
	}
	while (done < count) {
		uint32_t m = 0x110000;

		for (size_t i = 0; i < count; i++)
			if (points[i] >= n && points[i] < m) m = points[i];
		delta += (m - n) * (done + 1); /* at most 0x110000 * 64: fits */
		n = m;
		for (size_t i = 0; i < count; i++) {
			if (points[i] < n) delta++;
			if (points[i] != n) continue;
			if (!put_integer(out, &used, delta, bias)) return RC_BAD_INPUT;
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		n++;
	}
	out[used] = '\0';
	return RC_OK;
}

/* Parts */

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A dot-atom (RFC 5322 §3.2.3); a quoted local part is legal and used by nobody. */
static bool is_local(const char *p, size_t len)
{
	if (len == 0 || len > LOCAL_MAX || p[0] == '.' || p[len - 1] == '.') return false;
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '.' ? p[i - 1] == '.'
				: !is_alnum(p[i]) && strchr("!#$%&'*+-/=?^_`{|}~", p[i]) == NULL)
			return false;
		if (p[i] == '\0') return false;
	}
	return true;
}

static bool is_label(const char *p)
{
	size_t len = strlen(p);

	for (size_t i = 0; i < len; i++)
		if (!is_alnum(p[i]) && p[i] != '-') return false;
	return len > 0 && p[0] != '-' && p[len - 1] != '-';
}

/* Appends the domain in ASCII to out. */
static bool put_domain(char out[MAIL_ADDRESS_SIZE], size_t at, const char *domain)
{
	for (;;) {
		size_t len = strcspn(domain, "."), n;
		char label[LABEL_MAX + 1];

		if (mime_punycode(label, domain, len) != RC_OK || !is_label(label)) return false;
		n = strlen(label);
		if (at + n + 1 > MAIL_ADDRESS_SIZE) return false;
		memcpy(out + at, label, n + 1);
		at += n;
		domain += len;
		if (*domain == '\0') return true;
		domain++;
		out[at++] = '.';
	}
}

enum rc mime_address(char out[MAIL_ADDRESS_SIZE], const char *address, const char **why)
{
	const char *at = strrchr(address, '@');
	size_t len = at != NULL ? (size_t)(at - address) : 0;
	const char *ignored;

	if (why == NULL) why = &ignored;
	out[0] = '\0';
	*why = N_("This is not an e-mail address.");
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)address[i] > 0x7f) {
			*why = N_(
				"Before the @, an e-mail address may only have letters without accents, digits and signs.");
			return RC_BAD_INPUT;
		}
	if (at == NULL || !is_local(address, len) || len + 2 > MAIL_ADDRESS_SIZE) return RC_BAD_INPUT;
	memcpy(out, address, len);
	out[len] = '@';
	if (put_domain(out, len + 1, at + 1)) return RC_OK;
	out[0] = '\0';
	return RC_BAD_INPUT;
}

/* Blanks around, then quotes around and the escapes within. */
static bool put_name(char name[MAIL_NAME_SIZE], const char *p, size_t len)
{
	size_t n = 0;
	bool is_quoted;

	while (len > 0 && (p[0] == ' ' || p[0] == '\t'))
		p++, len--;
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t'))
		len--;
	is_quoted = len >= 2 && p[0] == '"' && p[len - 1] == '"';
	if (is_quoted) p++, len -= 2;
	for (size_t i = 0; i < len; i++) {
		if (is_quoted && p[i] == '\\' && i + 1 < len) i++;
		if ((unsigned char)p[i] < ' ' || n + 1 >= MAIL_NAME_SIZE) return false;
		name[n++] = p[i];
	}
	name[n] = '\0';
	return text_is_utf8(name, n);
}

enum rc mime_mailbox(char name[MAIL_NAME_SIZE], char address[MAIL_ADDRESS_SIZE], const char *text,
		     const char **why)
{
	size_t len = strlen(text);
	const char *open, *ignored;
	char inner[MAIL_ADDRESS_SIZE * 2];

	if (why == NULL) why = &ignored;
	name[0] = address[0] = '\0';
	while (len > 0 && text[len - 1] == ' ')
		len--;
	while (len > 0 && text[0] == ' ')
		text++, len--;
	open = memrchr(text, '<', len);
	*why = N_("This is not an e-mail address.");
	if (open != NULL) {
		if (text[len - 1] != '>' || !put_name(name, text, (size_t)(open - text))) return RC_BAD_INPUT;
		len -= (size_t)(open - text) + 2;
		text = open + 1;
	}
	if (len >= sizeof(inner)) return RC_BAD_INPUT;
	memcpy(inner, text, len);
	inner[len] = '\0';
	return mime_address(address, inner, why);
}

void mime_list_id(char out[MAIL_LIST_SIZE], const char *name, const char *from)
{
	const char *at = strrchr(from, '@');
	size_t n = 0;

	for (; *name != '\0' && n < LABEL_MAX; name++) {
		char c = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			out[n++] = c;
		else if (n > 0 && out[n - 1] != '-' && (unsigned char)c < 0xc0)
			out[n++] = '-'; /* one for a blank, none for the second half of a letter */
	}
	while (n > 0 && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	if (n > 0 && at != NULL) snprintf(out + n, MAIL_LIST_SIZE - n, ".%s", at + 1);
}
