/*
** sentence.c -- msgid and places of a sentence, kept as JSON and put together again in another language.
**
** Needs:  words.h both ways.
** Never:  gives a kept text to printf: places are filled here, with texts.
** Holds:  (1) a place is a text or a whole number, written at keeping as printf would; (2) a translation has
**         its msgid's places in the msgid's order: the build (etc/build/po.c) saw to it.
*/
#include "base/sentence.h"

#include "base/sb.h"
#include "base/value.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MAX   ((size_t)16 * 1024) /* of a sentence: a name in it may be long */
#define KEPT_BEGIN "{\"m\":"

/* One conversion "%-5.3lld" behind its '%'. */
struct place {
	size_t len; /* behind the '%' */
	const char *width, *precision;
	size_t width_len, precision_len;
	int longs;    /* l: 1, ll: 2 */
	bool is_size; /* z */
	char kind;    /* '%' itself, d, i, u, x, s; '\0' = not one of these */
};

static struct place read_place(const char *p)
{
	struct place out = { .kind = '\0' };
	const char *at = p;

	at += strspn(at, "-+ 0#");
	out.width = at;
	at += *at == '*' ? 1 : strspn(at, "0123456789");
	out.width_len = (size_t)(at - out.width);
	if (*at == '.') {
		out.precision = ++at;
		at += *at == '*' ? 1 : strspn(at, "0123456789");
		out.precision_len = (size_t)(at - out.precision);
	}
	for (; *at == 'l' && out.longs < 2; at++)
		out.longs++;
	if (*at == 'z') {
		out.is_size = true;
		at++;
	}
	if (*at != '\0' && strchr("%diuxs", *at) != NULL) out.kind = *at++;
	out.len = (size_t)(at - p);
	return out;
}

/* Keeping */

struct keeper {
	struct arena *a;
	enum lang lang;
	struct value *places;
	size_t count;
};

/* NULL: a plain text. */
static struct value *read_kept(struct arena *a, const char *text)
{
	struct value *map = NULL;

	if (strncmp(text, KEPT_BEGIN, sizeof(KEPT_BEGIN) - 1) != 0 ||
	    json_parse(a, &map, NULL, text, strlen(text)) != RC_OK)
		return NULL;
	return value_text_of(value_get(map, "m"), NULL) != NULL ? map : NULL;
}

static const char *written(struct arena *a, const struct value *map)
{
	struct sb sb;

	sb_init_arena(&sb, a, KEPT_MAX);
	json_write(&sb, map);
	return sb_result(&sb) == RC_OK ? sb_text_of(&sb) : NULL;
}

/* Without the letter that a cut went through. */
static size_t whole_letters(const char *text, size_t len)
{
	for (size_t n = 1; n <= len && n <= 4; n++) {
		unsigned char c = (unsigned char)text[len - n];
		size_t bytes = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

		if ((c & 0xC0) != 0x80) return bytes > n ? len - n : len;
	}
	return len;
}

/* most: -1 = all. A text that is cut there may have no end of its own, and is no sentence of ours. */
static void add_text(struct keeper *k, const char *text, int most)
{
	const char *msgid = most < 0 ? words_msgid(k->lang, text) : NULL;
	size_t len = most >= 0 ? whole_letters(text, strnlen(text, (size_t)most)) : strlen(text);
	struct value *before = most < 0 ? read_kept(k->a, text) : NULL;

	if (before != NULL) {
		value_append(k->places, before);
		return;
	}
	if (msgid != NULL) {
		value_set_text(k->a, value_add_map(k->a, k->places), "m", msgid);
		return;
	}
	(void)value_add_text(k->a, k->places, arena_bytes(k->a, text, len));
}

static void add_number(struct keeper *k, const struct place *p, unsigned long long n)
{
	long long is = (long long)n;
	const char *text = p->kind == 'x'   ? arena_printf(k->a, "%llx", n)
			   : p->kind == 'u' ? arena_printf(k->a, "%llu", n)
					    : arena_printf(k->a, "%lld", is);

	(void)value_add_text(k->a, k->places, text);
}

/* A number's width is lost: sentences have none. False: a kind that is not kept. */
static bool add_place(struct keeper *k, const struct place *p, va_list *ap)
{
	int most = -1;

	if (k->count++ == SENTENCE_PLACES_MAX) return false;
	if (p->width_len > 0 && p->width[0] == '*') (void)va_arg(*ap, int);
	if (p->precision_len > 0)
		most = p->precision[0] == '*' ? va_arg(*ap, int) : (int)strtol(p->precision, NULL, 10);
	switch (p->kind) {
	case 's': {
		const char *text = va_arg(*ap, const char *);

		add_text(k, text != NULL ? text : "", most);
		return true;
	}
	case 'd':
	case 'i':
		add_number(k, p,
			   p->is_size      ? (unsigned long long)va_arg(*ap, ssize_t)
			   : p->longs == 2 ? (unsigned long long)va_arg(*ap, long long)
			   : p->longs == 1 ? (unsigned long long)va_arg(*ap, long)
					   : (unsigned long long)va_arg(*ap, int));
		return true;
	case 'u':
	case 'x':
		add_number(k, p,
			   p->is_size      ? va_arg(*ap, size_t)
			   : p->longs == 2 ? va_arg(*ap, unsigned long long)
			   : p->longs == 1 ? va_arg(*ap, unsigned long)
					   : va_arg(*ap, unsigned int));
		return true;
	default: return false;
	}
}

const char *sentence_vkeep(struct arena *a, enum lang lang, const char *fmt, va_list ap)
{
	struct value *map = value_map(a);
	const char *msgid = words_msgid(lang, fmt);
	struct keeper k = { .a = a, .lang = lang };
	bool is_kept = true;
	va_list mine;

	value_set_text(a, map, "m", msgid != NULL ? msgid : fmt);
	k.places = value_set_list(a, map, "a");
	va_copy(mine, ap);
	for (const char *p = strchr(fmt, '%'); p != NULL && is_kept; p = strchr(p, '%')) {
		struct place place = read_place(p + 1);

		if (place.kind != '%') is_kept = add_place(&k, &place, &mine);
		p += 1 + place.len;
	}
	va_end(mine);
	if (!is_kept) return NULL;
	if (strcmp(fmt, "%s") == 0) {
		map = k.places->first;
		if (map == NULL) return NULL;
		if (map->type == VALUE_TEXT) return map->text; /* nobody's to translate */
	}
	return written(a, map);
}

const char *sentence_keep(struct arena *a, enum lang lang, const char *fmt, ...)
{
	const char *kept;
	va_list ap;

	va_start(ap, fmt);
	kept = sentence_vkeep(a, lang, fmt, ap);
	va_end(ap);
	return kept;
}

const char *sentence_about(struct arena *a, const char *msgid, const char *subject)
{
	struct value *map = value_map(a);
	struct keeper k = { .a = a, .lang = LANG_EN };

	value_set_text(a, map, "m", msgid);
	k.places = value_set_list(a, map, "a");
	if (strstr(msgid, "%s") != NULL) add_text(&k, subject, -1);
	return strcmp(msgid, "%s") == 0 ? subject : written(a, map);
}

/* Saying */

/* A sentence in a sentence's place is as deep as JSON may be (value.h). */
static void say(struct sb *sb, enum lang lang, const struct value *map)
{
	const char *fmt = words_get(lang, value_text_of(value_get(map, "m"), "")), *p;
	const struct value *places = value_get(map, "a");
	const struct value *next = places != NULL && places->type == VALUE_LIST ? places->first : NULL;

	while ((p = strchr(fmt, '%')) != NULL) {
		struct place place = read_place(p + 1);

		sb_bytes(sb, fmt, (size_t)(p - fmt));
		if (place.kind == '%' || place.kind == '\0') {
			sb_char(sb, '%');
		} else {
			if (next != NULL && next->type == VALUE_MAP)
				say(sb, lang, next);
			else
				sb_text(sb, value_text_of(next, ""));
			next = next != NULL ? next->next : NULL;
		}
		fmt = p + 1 + (place.kind != '\0' ? place.len : 0);
	}
	sb_text(sb, fmt);
}

const char *sentence_words(struct arena *a, enum lang lang, const char *kept)
{
	const struct value *map = read_kept(a, kept);
	struct sb sb;

	if (map == NULL) return kept;
	sb_init_arena(&sb, a, KEPT_MAX);
	say(&sb, lang, map);
	return sb_result(&sb) == RC_OK ? sb_text_of(&sb) : kept;
}
