/*
** log_mask.c -- takes secrets and addresses of people out of a line, and says a line as JSON.
**
** Owns:   nothing.
** Needs:  nothing: bytes in, bytes out.
** Never:  takes memory; makes a line longer when masking.
** Holds:  (1) every byte is read a bounded number of times; (2) what is left of an e-mail is its domain, of a
**         phone its last three digits: enough to tell two people apart, not to write to either.
*/
#include "base/log_mask.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HIDDEN     "***"
#define CARD_MIN   15 /* digits; 13 are also an instant in milliseconds, 16 and 15 (Amex) are what is used */
#define CARD_MAX   19
#define PHONE_MIN  8  /* behind the plus: shorter is a difference of hours or a count */
#define PHONE_MAX  15 /* ITU-T E.164 */
#define SECRET_MIN 6  /* letters behind a prefix: "sk_" alone is a word about keys */

struct line {
	const char *p;
	size_t len;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_token(char c)
{
	return is_digit(c) || is_letter(c) || c == '_' || c == '-';
}

/* What a key or a bearer token is made of (RFC 6750 token68, and colons of bot tokens). */
static bool is_secret(char c)
{
	return is_token(c) || c == '.' || c == '~' || c == '+' || c == '/' || c == '=' || c == ':';
}

/* Nearly always the first letter says no: the word is never measured. */
static bool begins(struct line l, size_t at, const char *word)
{
	for (; *word != '\0'; word++, at++) {
		char c;

		if (at >= l.len) return false;
		c = l.p[at];
		if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
		if (c != *word) return false;
	}
	return true;
}

static size_t run_of(struct line l, size_t at, bool (*is_in)(char))
{
	size_t n = 0;

	while (at + n < l.len && is_in(l.p[at + n]))
		n++;
	return n;
}

/* One find: so many bytes stay, so many behind them are hidden. 0 hidden: nothing found. */
struct find {
	size_t keep, hide;
};

static struct find find_key(struct line l, size_t at)
{
	static const char *const prefixes[] = { "sk_", "rk_", "pk_", "whsec_", "xoxb-", "xoxp-" };

	if (at > 0 && is_token(l.p[at - 1])) return (struct find){ 0, 0 };
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t keep = strlen(prefixes[i]), n;

		if (!begins(l, at, prefixes[i])) continue;
		n = run_of(l, at + keep, is_token);
		if (n >= SECRET_MIN) return (struct find){ keep, n };
	}
	return (struct find){ 0, 0 };
}

static struct find find_bearer(struct line l, size_t at)
{
	static const char *const schemes[] = { "bearer ", "basic " };

	if (at > 0 && is_token(l.p[at - 1])) return (struct find){ 0, 0 };
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t keep = strlen(schemes[i]), n;

		if (!begins(l, at, schemes[i])) continue;
		n = run_of(l, at + keep, is_secret);
		if (n >= SECRET_MIN) return (struct find){ keep, n };
	}
	return (struct find){ 0, 0 };
}

static struct find find_webhook(struct line l, size_t at)
{
	static const char *const places[] = { "hooks.slack.com/", "discord.com/api/webhooks/",
					      "discordapp.com/api/webhooks/", "api.telegram.org/bot" };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		size_t keep = strlen(places[i]), n;

		if (!begins(l, at, places[i])) continue;
		n = run_of(l, at + keep, is_secret);
		if (n > 0) return (struct find){ keep, n };
	}
	return (struct find){ 0, 0 };
}

/* Between a name and its value: token=abc, token="abc; "token": "abc of JSON, also with the backslashes of
** log_quote(). 0: nothing of the kind. A colon alone is prose ("token: expired"). */
static size_t before_value(struct line l, size_t at)
{
	size_t n = 0;
	bool is_quoted;

	while (at + n < l.len && l.p[at + n] == '\\')
		n++;
	is_quoted = at + n < l.len && l.p[at + n] == '"';
	n += is_quoted;
	if (at + n >= l.len || (l.p[at + n] != '=' && !(is_quoted && l.p[at + n] == ':'))) return 0;
	n++;
	while (is_quoted && at + n < l.len && l.p[at + n] == ' ')
		n++;
	while (at + n < l.len && l.p[at + n] == '\\')
		n++;
	return n + (at + n < l.len && l.p[at + n] == '"');
}

/* token=…, ?code=…: also as a field of the line itself, where nobody means to write it. */
static struct find find_named(struct line l, size_t at)
{
	static const char query_only[] = "code"; /* our own lines have codes of errors */
	static const char *const names[] = { "token",  "secret",        "password", "passwd", "api_key",
					     "apikey", "authorization", query_only, "csrf" };

	if (at > 0 && (is_letter(l.p[at - 1]) || is_digit(l.p[at - 1]))) return (struct find){ 0, 0 };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t keep = strlen(names[i]), to_value, n;

		if (!begins(l, at, names[i])) continue;
		if (names[i] == query_only && (at == 0 || (l.p[at - 1] != '?' && l.p[at - 1] != '&')))
			continue;
		to_value = before_value(l, at + keep);
		if (to_value == 0) continue;
		keep += to_value;
		n = run_of(l, at + keep, is_secret);
		if (n >= SECRET_MIN) return (struct find){ keep, n };
	}
	return (struct find){ 0, 0 };
}

/* Whoever has the address of a calendar reads it: what is behind its name. */
static struct find find_feed(struct line l, size_t at)
{
	static const char name[] = ".ics?";
	size_t n = 0;

	if (!begins(l, at, name)) return (struct find){ 0, 0 };
	while (at + strlen(name) + n < l.len && !strchr(" \"\\<>", l.p[at + strlen(name) + n]))
		n++;
	return (struct find){ strlen(name), n };
}

static struct find find_phone(struct line l, size_t at)
{
	size_t n = 0, digits = 0, last = 0;

	if (l.p[at] != '+' || (at > 0 && is_token(l.p[at - 1]))) return (struct find){ 0, 0 };
	for (n = 1; at + n < l.len && digits < PHONE_MAX; n++) {
		if (is_digit(l.p[at + n])) {
			digits++;
			last = n + 1;
		} else if (l.p[at + n] != ' ' && l.p[at + n] != '-')
			break;
	}
	if (digits < PHONE_MIN) return (struct find){ 0, 0 };
	return (struct find){ 1, last - 4 }; /* the plus stays, and three digits behind */
}

/* Card digits: 15 to 19 of them, also in groups, whose check digit is right (ISO/IEC 7812-1 annex B). */
static struct find find_card(struct line l, size_t at)
{
	int digits[CARD_MAX], sum = 0;
	size_t count = 0, n = 0;

	if (!is_digit(l.p[at]) || (at > 0 && (is_token(l.p[at - 1]) || l.p[at - 1] == '.')))
		return (struct find){ 0, 0 };
	for (; at + n < l.len && count < CARD_MAX; n++) {
		if (is_digit(l.p[at + n]))
			digits[count++] = l.p[at + n] - '0';
		else if ((l.p[at + n] != ' ' && l.p[at + n] != '-') || at + n + 1 >= l.len ||
			 !is_digit(l.p[at + n + 1]))
			break;
	}
	if (count < CARD_MIN || (at + n < l.len && is_token(l.p[at + n]))) return (struct find){ 0, 0 };
	for (size_t i = 0; i < count; i++) {
		int d = digits[count - 1 - i];

		if (i % 2 == 1) d = d * 2 > 9 ? d * 2 - 9 : d * 2;
		sum += d;
	}
	return sum % 10 == 0 ? (struct find){ 0, n } : (struct find){ 0, 0 };
}

static bool is_mailbox(char c)
{
	return is_token(c) || c == '.' || c == '+' || c == '%';
}

static bool is_host(char c)
{
	return is_digit(c) || is_letter(c) || c == '-' || c == '.';
}

/* An e-mail address is known by its @ only: how much of what is already written (out) was its name. */
static size_t mailbox_before(struct line l, size_t at, const char *out, size_t o)
{
	size_t name = 0, host;

	if (l.p[at] != '@') return 0;
	while (name < o && is_mailbox(out[o - name - 1]))
		name++;
	host = run_of(l, at + 1, is_host);
	return host >= 3 && memchr(l.p + at + 1, '.', host) != NULL ? name : 0;
}

/* In the order in which they are tried. */
static struct find (*const finders[])(struct line, size_t) = {
	find_key, find_bearer, find_webhook, find_named, find_feed, find_phone, find_card,
};
enum { KEY = 1, BEARER = 2, WEBHOOK = 4, NAMED = 8, FEED = 16, PHONE = 32, CARD = 64 };

/* Which of them a letter can begin, by the words above: most can begin none. */
#define EITHER(lower, upper, bits) [lower] = (bits), [upper] = (bits)
static const unsigned char begun_by[256] = {
	EITHER('a', 'A', WEBHOOK | NAMED),
	EITHER('b', 'B', BEARER),
	EITHER('c', 'C', NAMED),
	EITHER('d', 'D', WEBHOOK),
	EITHER('h', 'H', WEBHOOK),
	EITHER('p', 'P', KEY | NAMED),
	EITHER('r', 'R', KEY),
	EITHER('s', 'S', KEY | NAMED),
	EITHER('t', 'T', NAMED),
	EITHER('w', 'W', KEY),
	EITHER('x', 'X', KEY),
	['.'] = FEED,
	['+'] = PHONE,
	['0' ... '9'] = CARD,
};

static struct find find_at(struct line l, size_t at)
{
	struct find f = { 0, 0 };
	unsigned left = begun_by[(unsigned char)l.p[at]];

	for (size_t k = 0; left != 0 && f.hide == 0; k++, left >>= 1)
		if (left & 1) f = finders[k](l, at);
	return f;
}

size_t log_mask(char *line, size_t len)
{
	struct line l = { line, len };
	size_t i = 0, o = 0;

	while (i < len) {
		unsigned char c = (unsigned char)line[i];
		struct find f;
		size_t name;

		if (c != '@' && begun_by[c] == 0) { /* most letters */
			line[o++] = line[i++];
			continue;
		}
		name = mailbox_before(l, i, line, o);
		if (name > strlen(HIDDEN)) {
			o -= name;
			memcpy(line + o, HIDDEN, strlen(HIDDEN));
			o += strlen(HIDDEN);
		} else if (name > 0)
			memset(line + o - name, '*', name);
		f = find_at(l, i);
		if (f.hide == 0) {
			line[o++] = line[i++];
			continue;
		}
		memmove(line + o, line + i, f.keep);
		o += f.keep;
		i += f.keep + f.hide;
		for (size_t k = 0; k < strlen(HIDDEN) && k < f.hide; k++)
			line[o++] = '*';
	}
	return o;
}

/* As JSON */

struct out {
	char *p;
	size_t len, room;
	bool is_full;
};

static void put(struct out *o, const char *text, size_t len)
{
	if (o->is_full || o->room - o->len < len) {
		o->is_full = true;
		return;
	}
	memcpy(o->p + o->len, text, len);
	o->len += len;
}

/* The whole string or nothing of it: an object cut in the middle of a field is no JSON. */
static void put_string(struct out *o, const char *text, size_t len)
{
	put(o, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		char code[8];

		if (c == '"' || c == '\\') {
			put(o, "\\", 1);
			put(o, text + i, 1);
		} else if (c < 0x20) {
			snprintf(code, sizeof(code), "\\u%04x", c);
			put(o, code, 6);
		} else
			put(o, text + i, 1);
	}
	put(o, "\"", 1);
}

/* A value in quotes has its escapes taken back first (log_quote's: \" \\ \n \t \r), then JSON's own put on. */
static void put_quoted(struct out *o, const char *text, size_t len)
{
	put(o, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 1 < len && strchr("\"\\ntr", text[i + 1]) != NULL) {
			put(o, text + i, 2); /* the same escape means the same there */
			i++;
		} else if (text[i] == '\\' || text[i] == '"') {
			put(o, "\\", 1);
			put(o, text + i, 1);
		} else if ((unsigned char)text[i] < 0x20)
			put(o, "?", 1);
		else
			put(o, text + i, 1);
	}
	put(o, "\"", 1);
}

static void put_field(struct out *o, const char *name, size_t name_len, const char *value, size_t len,
		      bool is_quoted)
{
	struct out before = *o;

	if (o->len > 1) put(o, ",", 1);
	put_string(o, name, name_len);
	put(o, ":", 1);
	if (is_quoted)
		put_quoted(o, value, len);
	else
		put_string(o, value, len);
	if (o->is_full) o->len = before.len;
}

static struct line next_word(struct line *rest)
{
	struct line word = { rest->p, 0 };

	while (word.len < rest->len && rest->p[word.len] != ' ')
		word.len++;
	rest->p += word.len;
	rest->len -= word.len;
	while (rest->len > 0 && rest->p[0] == ' ') {
		rest->p++;
		rest->len--;
	}
	return word;
}

/* The bytes inside the quotes at rest->p; moves behind them. */
static struct line next_quoted(struct line *rest)
{
	struct line value = { rest->p + 1, 0 };
	size_t i = 1;

	while (i < rest->len && rest->p[i] != '"')
		i += rest->p[i] == '\\' ? 2 : 1;
	if (i > rest->len) i = rest->len;
	value.len = i - 1;
	if (i < rest->len) i++;
	while (i < rest->len && rest->p[i] == ' ')
		i++;
	rest->p += i;
	rest->len -= i;
	return value;
}

size_t log_json(char *out, size_t room, const char *line, size_t len)
{
	static const char *const heads[] = { "at", "level", "subject", "event" };
	struct out o = { .p = out, .room = room - 1 };
	struct line rest = { line, len };

	put(&o, "{", 1);
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		struct line word = next_word(&rest);

		put_field(&o, heads[i], strlen(heads[i]), word.p, word.len, false);
	}
	while (rest.len > 0 && !o.is_full) {
		size_t name = 0;
		struct line value;

		while (name < rest.len && rest.p[name] != '=' && rest.p[name] != ' ')
			name++;
		if (name == 0 || name >= rest.len || rest.p[name] != '=') {
			value = next_word(&rest);
			if (value.len > 0) put_field(&o, "text", 4, value.p, value.len, false);
			if (value.len == 0 && rest.len > 0) break;
			continue;
		}
		value = (struct line){ rest.p, name };
		rest.p += name + 1;
		rest.len -= name + 1;
		if (rest.len > 0 && rest.p[0] == '"') {
			struct line inside = next_quoted(&rest);

			put_field(&o, value.p, value.len, inside.p, inside.len, true);
		} else {
			struct line word = next_word(&rest);

			put_field(&o, value.p, value.len, word.p, word.len, false);
		}
	}
	out[o.len++] = '}';
	return o.len;
}
