/*
** recipients_address.c -- is it one e-mail address, and was it mistyped?
**
** Owns:   the rule of spec §4: [A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,} on the whole text, at most 254
**         letters, 64 before the @, no dot first, last or twice in a row.
** Never:  asks a server; changes the part before the @.
*/
#include "sends/recipients_inner.h"

#include "base/text.h"
#include <string.h>

#define ADDRESS_MAX 254 /* RFC 5321 §4.5.3.1.3: a path has 256 with its brackets */
#define LOCAL_MAX   64  /* RFC 5321 §4.5.3.1.1 */

static bool is_alpha(unsigned char c)
{
	return (unsigned)((c | 0x20) - 'a') < 26;
}

static bool is_alnum(unsigned char c)
{
	return is_alpha(c) || (unsigned)(c - '0') < 10;
}

/* Letters of one side of the @, dots single and never at its ends. */
static bool is_side(const char *p, size_t len, const char *others)
{
	if (len == 0 || p[0] == '.' || p[len - 1] == '.') return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_alnum((unsigned char)p[i]) && strchr(others, p[i]) == NULL) return false;
		if (p[i] == '.' && p[i + 1] == '.') return false;
	}
	return true;
}

static bool is_address(const char *address, const char *at, size_t len)
{
	const char *domain = at + 1, *dot = strrchr(domain, '.'), *p;

	if (len > ADDRESS_MAX || at - address > LOCAL_MAX || dot == NULL || strlen(dot) < 3) return false;
	for (p = dot + 1; *p != '\0'; p++)
		if (!is_alpha((unsigned char)*p)) return false;
	return is_side(address, (size_t)(at - address), "._%+-") && is_side(domain, strlen(domain), ".-");
}

const char *recipient_check(struct arena *a, const char **out, const char *typed)
{
	const char *address = recipients_clean(a, typed), *at;
	size_t len = strlen(address), i;
	char *lower;

	*out = address;
	if (len == 0) return "recipient_empty";
	at = strchr(address, '@');
	if (at == NULL || !is_address(address, at, len)) return "recipient_invalid";
	for (i = (size_t)(at - address); i < len && (address[i] < 'A' || address[i] > 'Z');)
		i++;
	if (i == len) return "";
	lower = arena_bytes(a, address, len);
	for (; i < len && *lower != '\0'; i++)
		if (lower[i] >= 'A' && lower[i] <= 'Z') lower[i] = (char)(lower[i] + ('a' - 'A'));
	*out = lower;
	return "";
}

/* What people type and mean. Some of the wrong ones exist, but hardly as what was meant: it is a warning
** only. */
static const struct typo {
	const char *wrong, *right;
} typos[] = {
	{ "gmial.com", "gmail.com" },     { "gmal.com", "gmail.com" },      { "gamil.com", "gmail.com" },
	{ "gmai.com", "gmail.com" },      { "gmaill.com", "gmail.com" },    { "gnail.com", "gmail.com" },
	{ "gmail.con", "gmail.com" },     { "gmail.co", "gmail.com" },      { "gmail.cm", "gmail.com" },
	{ "gmail.comm", "gmail.com" },    { "gmail.om", "gmail.com" },      { "gmail.es", "gmail.com" },
	{ "hotmial.com", "hotmail.com" }, { "hotmal.com", "hotmail.com" },  { "hotmai.com", "hotmail.com" },
	{ "hotamil.com", "hotmail.com" }, { "hotmil.com", "hotmail.com" },  { "homail.com", "hotmail.com" },
	{ "hotmail.con", "hotmail.com" }, { "hotmail.cm", "hotmail.com" },  { "hotmail.co", "hotmail.com" },
	{ "outlok.com", "outlook.com" },  { "outllok.com", "outlook.com" }, { "outloo.com", "outlook.com" },
	{ "outlook.con", "outlook.com" }, { "outlook.co", "outlook.com" },  { "yaho.com", "yahoo.com" },
	{ "yahooo.com", "yahoo.com" },    { "yhaoo.com", "yahoo.com" },     { "yahoo.con", "yahoo.com" },
	{ "yahoo.co", "yahoo.com" },      { "yahoo.cm", "yahoo.com" },      { "icloud.con", "icloud.com" },
	{ "icoud.com", "icloud.com" },    { "iclod.com", "icloud.com" },    { "live.con", "live.com" },
};

const char *recipient_typo(const char *address)
{
	const char *at = strrchr(address, '@');

	for (size_t i = 0; at != NULL && i < sizeof(typos) / sizeof(typos[0]); i++)
		if (text_equal_fold(at + 1, typos[i].wrong)) return typos[i].right;
	return NULL;
}
