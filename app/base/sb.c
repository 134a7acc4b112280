/*
** sb.c -- the growing buffer and the ways data is escaped into it.
**
** Owns:   nothing but the buffer handed in.
** Needs:  arena.h or mem.h for its memory.
** Never:  grows past its ceiling; returns a half-written text as if it were whole.
** Holds:  (1) p is NULL or ends in NUL at len; (2) after the first failure nothing is
**         added any more; (3) len <= max and cap <= max + 1.
*/
#include "base/sb.h"
#include "base/mem.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

#define FIRST_SIZE ((size_t)256) /* most texts fit at once: a cell, a header, a message */

void sb_init(struct sb *sb, size_t max)
{
	*sb = (struct sb){ .max = max < SIZE_MAX ? max : SIZE_MAX - 1 };
}

void sb_init_arena(struct sb *sb, struct arena *arena, size_t max)
{
	sb_init(sb, max);
	sb->arena = arena;
}

void sb_free(struct sb *sb)
{
	if (sb->arena == NULL) mem_free(sb->p);
	sb->p = NULL;
	sb->len = sb->cap = 0;
	sb->rc = RC_OK;
}

void sb_clear(struct sb *sb)
{
	sb->len = 0;
	sb->rc = RC_OK;
	if (sb->p != NULL) sb->p[0] = '\0';
}

enum rc sb_result(const struct sb *sb)
{
	return sb->rc;
}

const char *sb_text_of(const struct sb *sb)
{
	return sb->p == NULL || sb->rc != RC_OK ? "" : sb->p;
}

/* Make room for more bytes and the NUL; false (and sb->rc) when there is none. */
static bool room(struct sb *sb, size_t more)
{
	size_t need, cap;
	char *p;

	if (sb->rc != RC_OK) return false;
	if (more > sb->max - sb->len) {
		sb->rc = RC_TOO_LARGE;
		return false;
	}
	need = sb->len + more + 1;
	if (need <= sb->cap) return true;
	cap = sb->cap > sb->max / 2 ? sb->max + 1 : sb->cap * 2;
	if (cap < FIRST_SIZE) cap = FIRST_SIZE;
	if (cap < need) cap = need;
	if (cap > sb->max + 1) cap = sb->max + 1;
	p = sb->arena != NULL ? arena_grow(sb->arena, sb->p, sb->cap, cap) : mem_realloc(sb->p, cap);
	if (p == NULL) {
		sb->rc = RC_NO_MEMORY;
		return false;
	}
	sb->p = p;
	sb->cap = cap;
	sb->p[sb->len] = '\0';
	return true;
}

void sb_bytes(struct sb *sb, const char *p, size_t len)
{
	if (len == 0 || !room(sb, len)) return;
	memcpy(sb->p + sb->len, p, len);
	sb->len += len;
	sb->p[sb->len] = '\0';
}

void sb_text(struct sb *sb, const char *text)
{
	if (text != NULL) sb_bytes(sb, text, strlen(text));
}

void sb_char(struct sb *sb, char c)
{
	sb_bytes(sb, &c, 1);
}

void sb_int(struct sb *sb, int64_t n)
{
	char digits[20];
	size_t at = sizeof digits;
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	do {
		digits[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left != 0);
	if (n < 0) digits[--at] = '-';
	sb_bytes(sb, digits + at, sizeof digits - at);
}

void sb_vprintf(struct sb *sb, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0 && sb->rc == RC_OK) sb->rc = RC_TOO_LARGE; /* more than INT_MAX bytes */
	if (len <= 0 || !room(sb, (size_t)len)) return;
	vsnprintf(sb->p + sb->len, (size_t)len + 1, fmt, ap);
	sb->len += (size_t)len;
}

void sb_printf(struct sb *sb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sb_vprintf(sb, fmt, ap);
	va_end(ap);
}

/* The five characters that mean something to HTML, in text and in quoted attribute values. */
static const char *html_entity(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

void sb_html(struct sb *sb, const char *p, size_t len)
{
	size_t from = 0, i;

	for (i = 0; i < len; i++) {
		/* Nothing above '>' and nothing below '"' is special: one comparison passes most bytes. */
		const char *entity = (unsigned char)p[i] > '>' ? NULL : html_entity(p[i]);

		if (entity == NULL) continue;
		sb_bytes(sb, p + from, i - from);
		sb_text(sb, entity);
		from = i + 1;
	}
	sb_bytes(sb, p + from, len - from);
}

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

void sb_url(struct sb *sb, const char *p, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)p[i];
		char code[3] = { '%', hex[c >> 4], hex[c & 15] };

		if (is_unreserved(c))
			sb_bytes(sb, p + i, 1);
		else
			sb_bytes(sb, code, sizeof code);
	}
}

static void json_control(struct sb *sb, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letter[32] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
	};
	char code[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	if (letter[c] != 0) {
		code[1] = letter[c];
		sb_bytes(sb, code, 2);
	} else {
		sb_bytes(sb, code, sizeof code);
	}
}

void sb_json(struct sb *sb, const char *p, size_t len)
{
	size_t from = 0, i = 0, n;

	sb_lit(sb, "\"");
	while (i < len) {
		unsigned char c = (unsigned char)p[i];

		if (c >= ' ' && c < 0x80 && c != '"' && c != '\\') {
			i++;
			continue;
		}
		n = c < 0x80 ? 0 : text_sequence(p + i, len - i);
		if (n > 0) {
			i += n;
			continue;
		}
		sb_bytes(sb, p + from, i - from);
		if (c >= 0x80) {
			sb_lit(sb, "\xEF\xBF\xBD");
		} else if (c < ' ') {
			json_control(sb, c);
		} else {
			sb_lit(sb, "\\");
			sb_bytes(sb, p + i, 1);
		}
		from = ++i;
	}
	sb_bytes(sb, p + from, len - from);
	sb_lit(sb, "\"");
}

/* Would a spreadsheet run it? Leading apostrophes are looked through, so that a text that has one of its own
** comes back from a round trip as it was. */
static bool is_formula(const char *p, size_t len)
{
	size_t i = 0;

	while (i < len && p[i] == '\'')
		i++;
	return i < len && p[i] != '\0' && strchr("=+-@\t\r", p[i]) != NULL;
}

void sb_csv(struct sb *sb, const char *p, size_t len, char delimiter, bool guard)
{
	bool is_guarded = guard && is_formula(p, len);
	bool is_quoted = len > 0 && (p[0] == ' ' || p[len - 1] == ' ');
	size_t from = 0, i;

	for (i = 0; i < len && !is_quoted; i++)
		is_quoted = p[i] == delimiter || p[i] == '"' || p[i] == '\n' || p[i] == '\r';
	if (is_quoted) sb_lit(sb, "\"");
	if (is_guarded) sb_lit(sb, "'");
	for (i = 0; i < len && is_quoted; i++) {
		if (p[i] != '"') continue;
		sb_bytes(sb, p + from, i + 1 - from); /* with the quote, which the next run repeats */
		from = i;
	}
	sb_bytes(sb, p + from, len - from);
	if (is_quoted) sb_lit(sb, "\"");
}
