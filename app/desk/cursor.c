/*
** cursor.c -- the place in a list where a page ended, as opaque text.
**
** Owns:   the format: base64url (RFC 4648 §5, no padding) of "1" n|p  u|d  SORT ":" ID ":" i|t KEY
**         (next or previous, up or down, integer or text key).
** Never:  trusts what it reads; allocates more than a few times the text's length.
** Holds:  (1) cursor_parse(cursor_text(c)) gives c back; (2) anything else is RC_BAD_INPUT.
*/
#include "desk/inner.h"

#include "base/text.h"
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const char *cursor_text(struct arena *a, const struct cursor *c)
{
	struct sb plain, out;
	const unsigned char *p;

	sb_init_arena(&plain, a, DESK_CURSOR_MAX);
	sb_printf(&plain, "1%c%c%s:%lld:", c->is_back ? 'p' : 'n', c->is_down ? 'd' : 'u', c->sort,
		  (long long)c->id);
	if (c->key_is_int)
		sb_printf(&plain, "i%lld", (long long)c->key_int);
	else
		sb_printf(&plain, "t%s", c->key_text);
	sb_init_arena(&out, a, DESK_CURSOR_MAX * 2);
	p = (const unsigned char *)sb_text_of(&plain);
	for (size_t i = 0; i < plain.len && sb_result(&plain) == RC_OK; i += 3) {
		size_t n = plain.len - i < 3 ? plain.len - i : 3;
		uint32_t v =
			(uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);

		for (size_t k = 0; k <= n; k++)
			sb_char(&out, alphabet[v >> (18 - 6 * k) & 63]);
	}
	return sb_text_of(&out);
}

/* Decoded bytes, NUL-terminated; NULL when the text is not base64url. */
static char *decode(struct arena *a, const char *text, size_t *len)
{
	size_t n = strlen(text), have = 0;
	char *out;
	uint32_t v = 0;
	int bits = 0;

	if (n == 0 || n > DESK_CURSOR_MAX * 2 || n % 4 == 1) return NULL;
	out = arena_alloc(a, n + 1);
	if (out == NULL) return NULL;
	for (size_t i = 0; i < n; i++) {
		const char *at = memchr(alphabet, text[i], 64);

		if (at == NULL) return NULL;
		v = v << 6 | (uint32_t)(at - alphabet);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[have++] = (char)(v >> bits & 0xff);
			v &= (1u << bits) - 1;
		}
	}
	if (v != 0) return NULL; /* left-over bits are zero in what we make */
	out[have] = '\0';
	*len = have;
	return out;
}

/* A decimal integer of the whole text. */
static bool read_int(int64_t *out, const char *p, const char *end)
{
	bool is_negative = p < end && *p == '-';
	uint64_t n = 0;

	if (is_negative) p++;
	if (p == end || end - p > 19) return false;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9') return false;
		if (n > (UINT64_MAX - 9) / 10) return false;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	if (n > (uint64_t)INT64_MAX) return false;
	*out = is_negative ? -(int64_t)n : (int64_t)n;
	return true;
}

enum rc cursor_parse(struct arena *a, struct cursor *out, const char *text)
{
	struct cursor c = { .is_set = true };
	size_t len = 0;
	char *p = decode(a, text, &len), *id, *key, *end;

	if (p == NULL || len < 7 || len > DESK_CURSOR_MAX || !text_is_utf8(p, len)) return RC_BAD_INPUT;
	end = p + len;
	if (p[0] != '1' || (p[1] != 'n' && p[1] != 'p') || (p[2] != 'u' && p[2] != 'd')) return RC_BAD_INPUT;
	c.is_back = p[1] == 'p';
	c.is_down = p[2] == 'd';
	c.sort = p + 3;
	id = memchr(p + 3, ':', (size_t)(end - p - 3));
	key = id != NULL ? memchr(id + 1, ':', (size_t)(end - id - 1)) : NULL;
	if (key == NULL || !read_int(&c.id, id + 1, key)) return RC_BAD_INPUT;
	*id = '\0';
	key++;
	if (key >= end || (*key != 'i' && *key != 't')) return RC_BAD_INPUT;
	c.key_is_int = *key == 'i';
	c.key_text = c.key_is_int ? "" : key + 1;
	if (c.key_is_int && !read_int(&c.key_int, key + 1, end)) return RC_BAD_INPUT;
	*out = c;
	return RC_OK;
}
