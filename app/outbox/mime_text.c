/*
** mime_text.c -- how text travels in a mail: base64, quoted-printable, encoded-words, names of files.
**
** Owns:   nothing; pure functions into a buffer.
** Holds:  (1) only printable ASCII, blanks and CRLF come out; (2) an encoded-word has at most 75 bytes and
**         whole characters, its line at most 76; (3) "=_" never comes out of a body's encoding: boundaries
**         begin with it.
*/
#include "outbox/mime.h"

#include "base/text.h"

#include <string.h>

#define LINE_MAX_QP 76 /* RFC 2045 §6.7, the soft break's "=" included      */
#define LINE_BASE64 57 /* bytes in, 76 columns out                          */
#define LINE_WORDS  76 /* RFC 2047 §2: of a line with encoded-words         */
#define WORD_MAX    75
#define WORD_FRAME  12 /* =?UTF-8?B? and ?=                                 */
#define QUOTED_MAX  60 /* a longer name in quotes would want folding        */
#define PARAM_PIECE 56 /* of a percent-encoded value in one parameter       */
#define REPLACEMENT "\xef\xbf\xbd"

static const char hex[] = "0123456789ABCDEF";

static void base64_group(char out[4], const unsigned char *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned v = (unsigned)p[0] << 16 | (n > 1 ? (unsigned)p[1] << 8 : 0u) | (n > 2 ? p[2] : 0u);

	out[0] = digits[v >> 18 & 63];
	out[1] = digits[v >> 12 & 63];
	out[2] = n > 1 ? digits[v >> 6 & 63] : '=';
	out[3] = n > 2 ? digits[v & 63] : '=';
}

static void base64_line(struct sb *out, const char *p, size_t len)
{
	char line[LINE_BASE64 / 3 * 4];
	size_t n = 0;

	for (size_t i = 0; i < len; i += 3, n += 4)
		base64_group(line + n, (const unsigned char *)p + i, len - i < 3 ? len - i : 3);
	sb_bytes(out, line, n);
}

void mime_base64(struct sb *out, const char *p, size_t len)
{
	for (size_t i = 0; i < len; i += LINE_BASE64) {
		base64_line(out, p + i, len - i < LINE_BASE64 ? len - i : LINE_BASE64);
		sb_lit(out, "\r\n");
	}
}

/* Quoted-printable */

static size_t line_end(const char *p, size_t len)
{
	if (len == 0) return 0;
	if (p[0] == '\r') return len > 1 && p[1] == '\n' ? 2 : 1;
	return p[0] == '\n' ? 1 : 0;
}

/* As it is, or as =XX. A blank before a line's end would be lost on the way; "From " at a line's begin gets
** a ">" from some mail stores. */
static bool is_plain(const char *p, size_t len, size_t column)
{
	unsigned char c = (unsigned char)p[0];

	if (c == ' ' || c == '\t') return len > 1 && line_end(p + 1, len - 1) == 0;
	if (column == 0 && len >= 5 && memcmp(p, "From ", 5) == 0) return false;
	return c > ' ' && c < 0x7f && c != '=';
}

void mime_quoted_printable(struct sb *out, const char *text, size_t len)
{
	size_t column = 0;

	for (size_t i = 0; i < len;) {
		size_t end = line_end(text + i, len - i), need;
		bool plain;

		if (end > 0) {
			sb_lit(out, "\r\n");
			column = 0;
			i += end;
			continue;
		}
		plain = is_plain(text + i, len - i, column);
		need = plain ? 1 : 3;
		/* The last of a line needs no room for the soft break. */
		if (column + need > LINE_MAX_QP - 1 &&
		    !(column + need == LINE_MAX_QP &&
		      (i + 1 == len || line_end(text + i + 1, len - i - 1) > 0))) {
			sb_lit(out, "=\r\n");
			column = 0;
			continue;
		}
		if (plain) {
			sb_char(out, text[i]);
		} else {
			unsigned char c = (unsigned char)text[i];
			char code[3] = { '=', hex[c >> 4], hex[c & 15] };

			sb_bytes(out, code, 3);
		}
		column += need;
		i++;
	}
}

/* Encoded-words */

/* The next whole character, or the replacement for a byte that is none. */
static size_t next_char(const char **as, size_t *as_len, const char *p, size_t len)
{
	size_t n = text_sequence(p, len);

	*as = n > 0 ? p : REPLACEMENT;
	*as_len = n > 0 ? n : 3;
	return n > 0 ? n : 1;
}

void mime_words(struct sb *out, const char *text, size_t column)
{
	size_t len = strlen(text), at = 0;
	bool is_first = true;

	while (at < len) {
		size_t room = column + WORD_MAX > LINE_WORDS ? LINE_WORDS - column : WORD_MAX, n = 0;
		char raw[48];

		/* At least one character, whatever the header's name took of the line. */
		room = room > WORD_FRAME + 8 ? (room - WORD_FRAME) / 4 * 3 : 4;
		if (room > 45) room = 45;
		while (at < len) {
			const char *as;
			size_t as_len, step = next_char(&as, &as_len, text + at, len - at);

			if (n + as_len > room) break;
			memcpy(raw + n, as, as_len);
			n += as_len;
			at += step;
		}
		if (!is_first) sb_lit(out, "\r\n ");
		is_first = false;
		sb_lit(out, "=?UTF-8?B?");
		base64_line(out, raw, n);
		sb_lit(out, "?=");
		column = 1;
	}
}

static bool is_ascii_line(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text > '~') return false;
	return true;
}

void mime_unstructured(struct sb *out, const char *text, size_t column)
{
	size_t len = strlen(text);

	/* Blanks at the ends would be lost as they are. */
	if (is_ascii_line(text) && column + len <= LINE_WORDS && strstr(text, "=?") == NULL &&
	    (len == 0 || (text[0] != ' ' && text[len - 1] != ' ')))
		sb_text(out, text);
	else
		mime_words(out, text, column);
}

/* RFC 5322 §3.2.3 */
static bool is_atom_text(const char *text)
{
	for (; *text != '\0'; text++)
		if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
		      (*text >= '0' && *text <= '9') || strchr("!#$%&'*+-/=?^_`{|}~ ", *text) != NULL))
			return false;
	return true;
}

void mime_phrase(struct sb *out, const char *name, size_t column)
{
	size_t len = strlen(name);

	if (!is_ascii_line(name) || len > QUOTED_MAX || strstr(name, "=?") != NULL) {
		mime_words(out, name, column);
		return;
	}
	if (is_atom_text(name) && strstr(name, "  ") == NULL && name[0] != ' ' && name[len - 1] != ' ') {
		sb_text(out, name);
		return;
	}
	sb_char(out, '"');
	for (; *name != '\0'; name++) {
		if (*name == '"' || *name == '\\') sb_char(out, '\\');
		sb_char(out, *name);
	}
	sb_char(out, '"');
}

/* Names of files (RFC 2231) */

static bool is_attr_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && c < 0x7f && strchr("!#$&+-.^_`{}~|", c) != NULL);
}

/* Percent-encoded bytes of one character; how many bytes. */
static size_t percent(char out[12], const char *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)p[i];

		if (is_attr_char(c)) {
			out[n++] = (char)c;
		} else {
			out[n++] = '%';
			out[n++] = hex[c >> 4];
			out[n++] = hex[c & 15];
		}
	}
	return n;
}

/* In pieces of whole characters; one piece is filename*, several are filename*0*, filename*1*… */
static void extended_name(struct sb *out, const char *name)
{
	size_t len = strlen(name), total = 0, at = 0, used = 0;
	int piece = 0;
	bool is_split;
	char code[12];
	const char *as;
	size_t as_len;

	for (size_t i = 0; i < len;) {
		i += next_char(&as, &as_len, name + i, len - i);
		total += percent(code, as, as_len);
	}
	is_split = total > PARAM_PIECE;
	sb_text(out, is_split ? ";\r\n filename*0*=UTF-8''" : ";\r\n filename*=UTF-8''");
	while (at < len) {
		size_t step = next_char(&as, &as_len, name + at, len - at), n = percent(code, as, as_len);

		if (is_split && used + n > PARAM_PIECE) {
			sb_printf(out, ";\r\n filename*%d*=", ++piece);
			used = 0;
		}
		sb_bytes(out, code, n);
		used += n;
		at += step;
	}
}

/* For readers that know the old form only. */
static void plain_name(struct sb *out, const char *name)
{
	size_t len = strlen(name), n = 0;

	sb_lit(out, ";\r\n filename=\"");
	for (size_t i = 0; i < len && n < QUOTED_MAX; n++) {
		size_t step = text_sequence(name + i, len - i);
		bool is_safe =
			step == 1 && name[i] >= ' ' && name[i] <= '~' && strchr("\"\\%/", name[i]) == NULL;

		sb_char(out, is_safe ? name[i] : '_');
		i += step > 0 ? step : 1;
	}
	sb_lit(out, "\"");
}

static bool is_simple_name(const char *name)
{
	return is_ascii_line(name) && strlen(name) <= QUOTED_MAX && strpbrk(name, "\"\\%/") == NULL;
}

void mime_old_name(struct sb *out, const char *name)
{
	if (is_simple_name(name))
		sb_text(out, name);
	else
		mime_words(out, name, sizeof(" name=\"") - 1);
}

void mime_file_name(struct sb *out, const char *name)
{
	/* The full form first: some readers take whichever comes first. */
	if (!is_simple_name(name)) extended_name(out, name);
	plain_name(out, name);
}
