/*
** text.c -- UTF-8 text: validity, folding, composing, legacy bytes, masks.
**
** Owns:   nothing; its tables are in text_tables.h.
** Needs:  an arena for what it returns.
** Never:  consults a locale; fails on odd bytes: where UTF-8 is broken each byte counts
**         for itself and comes out as '?' (fold) or as it was (everything else).
** Holds:  (1) folding what is folded changes nothing; (2) a folded text is never longer
**         than its source.
*/
#include "base/text.h"
#include "base/text_tables.h"
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define BROKEN       UINT32_MAX /* not a code point: a byte that is no UTF-8 */

size_t text_sequence(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n, i;

	if (p[0] < 0x80) return 1;
	n = p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
	if (n == 0 || n > len) return 0;
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80) return 0;
	}
	/* Overlong forms, surrogates, past U+10FFFF: told by the second byte. */
	if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) ||
	    (p[0] == 0xF4 && p[1] > 0x8F))
		return 0;
	return n;
}

bool text_is_utf8(const char *p, size_t len)
{
	size_t i = 0, n;

	while (i < len) {
		uint64_t eight;

		if (len - i >= sizeof eight) {
			memcpy(&eight, p + i, sizeof eight);
			/* Eight plain bytes, no NUL: no high bit now nor after taking 1 from each. */
			if (((eight | (eight - UINT64_C(0x0101010101010101))) &
			     UINT64_C(0x8080808080808080)) == 0) {
				i += sizeof eight;
				continue;
			}
		}
		n = p[i] == '\0' ? 0 : text_sequence(p + i, len - i);
		if (n == 0) return false;
		i += n;
	}
	return true;
}

/* The code point at p and its length in *n; BROKEN and 1 where there is none. */
static uint32_t code_point(const char *text, size_t len, size_t *n)
{
	const unsigned char *p = (const unsigned char *)text;

	*n = text_sequence(text, len);
	switch (*n) {
	case 1: return p[0];
	case 2: return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
	case 3: return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
	case 4:
		return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
		       (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);
	default: *n = 1; return BROKEN;
	}
}

/* Writes the code point (below U+10000) and returns the end. */
static char *put_code_point(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xC0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3F));
	} else {
		*out++ = (char)(0xE0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3F));
		*out++ = (char)(0x80 | (c & 0x3F));
	}
	return out;
}

static bool is_blank(uint32_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0 || (c >= 0x2000 && c <= 0x200A) ||
	       c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/* Marks, and what is not seen at all: soft hyphen, zero-width blank, byte order mark. */
static bool is_dropped(uint32_t c)
{
	return (c >= 0x300 && c <= 0x36F) || c == 0xAD || c == 0x200B || c == 0xFEFF;
}

static const char *fold_of(uint32_t c)
{
	size_t low = 0, high = COUNT(fold_rows);

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (fold_rows[mid].from == c) return fold_rows[mid].to;
		if (fold_rows[mid].from < c)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

char *text_fold(struct arena *a, const char *text)
{
	size_t len = text == NULL ? 0 : strlen(text), i = 0, n;
	char *folded = arena_alloc(a, len + 1), *out = folded;
	bool is_after_blank = false;

	if (folded == NULL) return arena_text(a, "");
	while (i < len) {
		uint32_t c = code_point(text + i, len - i, &n);
		const char *to = c >= 0x80 && c != BROKEN ? fold_of(c) : NULL;

		if (is_blank(c)) {
			is_after_blank = out > folded;
		} else if (!is_dropped(c)) {
			if (is_after_blank) *out++ = ' ';
			is_after_blank = false;
			if (c == BROKEN)
				*out++ = '?';
			else if (c >= 'A' && c <= 'Z')
				*out++ = (char)(c + ('a' - 'A'));
			else if (to != NULL)
				out = stpcpy(out, to);
			else
				out = (char *)mempcpy(out, text + i, n);
		}
		i += n;
	}
	*out = '\0';
	return folded;
}

char *text_like(struct arena *a, const char *text)
{
	const char *folded = text_fold(a, text);
	size_t len = strlen(folded), i;
	char *like = arena_alloc(a, 2 * len + 3), *out = like;

	if (like == NULL) return arena_text(a, "");
	*out++ = '%';
	for (i = 0; i < len; i++) {
		if (folded[i] == '%' || folded[i] == '_' || folded[i] == '\\') *out++ = '\\';
		*out++ = folded[i];
	}
	*out = '%';
	return like;
}

static uint16_t composed_of(uint16_t base, uint16_t mark)
{
	size_t low = 0, high = COUNT(compose_rows);

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct compose_row *row = &compose_rows[mid];

		if (row->base == base && row->mark == mark) return row->composed;
		if (row->base < base || (row->base == base && row->mark < mark))
			low = mid + 1;
		else
			high = mid;
	}
	return 0;
}

static uint8_t class_of(uint16_t mark)
{
	size_t i;

	for (i = 0; i < COUNT(class_rows); i++) {
		if (mark >= class_rows[i].first && mark <= class_rows[i].last) return class_rows[i].combining;
	}
	return 0;
}

/* One letter with its marks. Stream-safe text (UAX 15) has at most 30 in a row; more are left as they are. */
#define MARKS_MAX 32
struct cluster {
	uint16_t base;
	uint16_t mark[MARKS_MAX];
	size_t count;
};

/* Take the base apart until it has no marks of its own; they come first, as in the canonical order. */
static void cluster_decompose(struct cluster *cl)
{
	size_t i;

	for (i = 0; i < COUNT(compose_rows); i++) {
		if (compose_rows[i].composed != cl->base) continue;
		memmove(cl->mark + 1, cl->mark, cl->count * sizeof cl->mark[0]);
		cl->mark[0] = compose_rows[i].mark;
		cl->count++;
		cl->base = compose_rows[i].base;
		cluster_decompose(cl); /* at most three deep: no Latin letter has more */
		return;
	}
}

/* Canonical order: stable by class. Class 0 (here only the grapheme joiner) is a wall that none passes. */
static void cluster_sort(struct cluster *cl)
{
	size_t i, j;

	for (i = 1; i < cl->count; i++) {
		uint16_t mark = cl->mark[i];
		uint8_t class = class_of(mark);

		for (j = i; j > 0 && class != 0 && class_of(cl->mark[j - 1]) > class; j--)
			cl->mark[j] = cl->mark[j - 1];
		cl->mark[j] = mark;
	}
}

/* Unicode 3.11 (D117): a mark joins the base unless one of its own class, or class 0, stands between. */
static char *cluster_compose(char *out, struct cluster *cl)
{
	size_t kept = 0, i;
	int last_class = -1;

	for (i = 0; i < cl->count; i++) {
		uint16_t mark = cl->mark[i];
		int class = class_of(mark);
		uint16_t composed = last_class < class ? composed_of(cl->base, mark) : 0;

		if (composed != 0) {
			cl->base = composed;
			continue;
		}
		if (last_class != 256) last_class = class == 0 ? 256 : class; /* 256: a wall, to the end */
		cl->mark[kept++] = mark;
	}
	out = put_code_point(out, cl->base);
	for (i = 0; i < kept; i++)
		out = put_code_point(out, cl->mark[i]);
	return out;
}

static bool is_mark(uint32_t c)
{
	return c >= 0x300 && c <= 0x36F;
}

char *text_nfc(struct arena *a, const char *text)
{
	size_t len = text == NULL ? 0 : strlen(text), i = 0, n, m;
	char *composed, *out;

	/* Marks begin with CC or CD: without one of these bytes there is nothing to do. */
	if (len == 0 || (strchr(text, '\xCC') == NULL && strchr(text, '\xCD') == NULL))
		return arena_text(a, text);
	/* A three-byte letter may come apart into five bytes at worst. */
	composed = len > SIZE_MAX / 4 ? NULL : arena_alloc(a, 2 * len + 1);
	if (composed == NULL) return arena_text(a, "");
	out = composed;
	while (i < len) {
		struct cluster cl = { 0 };
		uint32_t c = code_point(text + i, len - i, &n);
		uint32_t next = i + n < len ? code_point(text + i + n, len - i - n, &m) : 0;

		if (c >= 0x2000 || is_mark(c) || !is_mark(next)) {
			out = (char *)mempcpy(out, text + i, n);
			i += n;
			continue;
		}
		cl.base = (uint16_t)c;
		cluster_decompose(&cl);
		for (i += n; i < len && cl.count < MARKS_MAX; i += m) {
			next = code_point(text + i, len - i, &m);
			if (!is_mark(next)) break;
			cl.mark[cl.count++] = (uint16_t)next;
		}
		cluster_sort(&cl);
		out = cluster_compose(out, &cl);
	}
	*out = '\0';
	return composed;
}

char *text_from_cp1252(struct arena *a, const char *p, size_t len)
{
	/* 0x80 to 0x9F; the five undefined ones become U+FFFD. From 0xA0 on it is Latin-1. */
	static const uint16_t high[32] = {
		0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
		0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
		0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178,
	};
	char *text = arena_array(a, len + 1, 3), *out = text;
	size_t i;

	if (text == NULL) return arena_text(a, "");
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)p[i];

		out = put_code_point(out, c >= 0x80 && c < 0xA0 ? high[c - 0x80] : c);
	}
	*out = '\0';
	return text;
}

char *text_trim(struct arena *a, const char *text)
{
	size_t len = text == NULL ? 0 : strlen(text), first = SIZE_MAX, end = 0, i, n;

	for (i = 0; i < len; i += n) {
		uint32_t c = code_point(text + i, len - i, &n);

		if (is_blank(c) || c == 0xFEFF) continue;
		if (first == SIZE_MAX) first = i;
		end = i + n;
	}
	return first == SIZE_MAX ? arena_text(a, "") : arena_bytes(a, text + first, end - first);
}

static char lower_ascii(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

char *text_lower_ascii(struct arena *a, const char *text)
{
	char *lower = arena_text(a, text), *p;

	for (p = lower; *p != '\0'; p++)
		*p = lower_ascii(*p);
	return lower;
}

size_t text_length(const char *text)
{
	size_t len = strlen(text), count = 0, i, n;

	for (i = 0; i < len; i += n, count++)
		(void)code_point(text + i, len - i, &n);
	return count;
}

size_t text_prefix(const char *text, size_t max)
{
	size_t len = strlen(text), i = 0, n;

	for (; i < len && max > 0; i += n, max--)
		(void)code_point(text + i, len - i, &n);
	return i;
}

bool text_equal_fold(const char *a, const char *b)
{
	while (*a != '\0' && lower_ascii(*a) == lower_ascii(*b)) {
		a++;
		b++;
	}
	return lower_ascii(*a) == lower_ascii(*b);
}

static char *mask_phone(struct arena *a, const char *number, size_t len)
{
	/* A short number would be given away by four digits at both ends. */
	size_t head = len >= 11 ? 4 : 3, tail = len >= 11 ? 4 : 2;
	char *masked = arena_bytes(a, number, len);

	if (*masked != '\0') memset(masked + head, '*', len - head - tail);
	return masked;
}

char *text_mask(struct arena *a, const char *address)
{
	size_t len = address == NULL ? 0 : strlen(address), n;
	const char *at = len == 0 ? NULL : strchr(address, '@');

	/* E.164: a plus sign and 7 to 15 digits. */
	if (len >= 8 && len <= 16 && address[0] == '+' && strspn(address + 1, "0123456789") == len - 1)
		return mask_phone(a, address, len);
	if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
	    !text_is_utf8(address, len) || strcspn(address, " \t\r\n<>\"") != len)
		return arena_text(a, "***");
	(void)code_point(address, len, &n);
	return arena_printf(a, "%.*s***%s", (int)n, address, at);
}

/* Optimal string alignment: insert, drop, change, or swap two neighbours. Both are at most NEAREST_MAX long.
 */
#define NEAREST_MAX 64 /* names of settings, variables and columns are shorter */
static size_t edit_distance(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t row[3][NEAREST_MAX + 1], i, j;
	size_t *before = row[0], *last = row[1], *now = row[2];

	for (j = 0; j <= blen; j++)
		last[j] = before[j] = j;
	for (i = 1; i <= alen; i++) {
		size_t *free_row = before;

		now[0] = i;
		for (j = 1; j <= blen; j++) {
			size_t best = last[j - 1] + (lower_ascii(a[i - 1]) != lower_ascii(b[j - 1]));

			if (last[j] + 1 < best) best = last[j] + 1;
			if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
		before = last;
		last = now;
		now = free_row;
	}
	return last[blen];
}

const char *text_nearest(const char *word, const char *const *candidates)
{
	const char *nearest = NULL;
	size_t len = strlen(word), best = SIZE_MAX, distance;

	if (len == 0 || len > NEAREST_MAX) return NULL;
	for (; *candidates != NULL; candidates++) {
		size_t other = strlen(*candidates);

		if (other > NEAREST_MAX) continue;
		distance = edit_distance(word, len, *candidates, other);
		/* Near: at most a third of the longer one is different. */
		if (distance < best && 3 * distance <= (len > other ? len : other)) {
			best = distance;
			nearest = *candidates;
		}
	}
	return nearest;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	c = lower_ascii(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum rc text_url_decode(struct arena *a, char **out, const char *p, size_t len, bool plus)
{
	char *text = len == SIZE_MAX ? NULL : arena_alloc(a, len + 1);
	size_t to = 0, i;

	if (text == NULL) return RC_NO_MEMORY;
	for (i = 0; i < len; i++) {
		char c = p[i];

		if (c == '%') {
			int high = i + 2 < len ? hex_digit(p[i + 1]) : -1;
			int low = i + 2 < len ? hex_digit(p[i + 2]) : -1;

			if (high < 0 || low < 0) return RC_BAD_INPUT;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		text[to++] = c;
	}
	if (!text_is_utf8(text, to)) return RC_BAD_INPUT;
	*out = text;
	return RC_OK;
}
