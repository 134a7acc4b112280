/*
** words.c -- what the program says, in the reader's language.
**
** Owns:   the catalogue: one open hash table of msgid → translation, built once.
** Needs:  embed_find("etc/po/es.po"); mem.h.
** Never:  changes the catalogue after words_load(), so any thread reads it without a lock.
** Holds:  (1) a text handed out lives as long as the process; (2) a msgid without translation is its own;
**         (3) a translation takes the same printf arguments as its msgid: the build (etc/build/po.c) saw to
**         it.
*/
#include "base/words.h"
#include "base/embed.h"
#include "base/mem.h"
#include "base/po.h"

#include <string.h>

/* Places in the pool, which begins with a byte of nobody's: 8 bytes a word, for they are all in memory at
** rest. */
struct word {
	uint32_t id, text; /* id 0: free place */
};

struct catalogue {
	struct word *words; /* size is a power of two, at most half full */
	size_t size, count;
	char *pool; /* all texts; a pair is never longer than it was in the file */
	size_t used, room;
};

static struct catalogue spanish;

/* FNV-1a, 64 bits. */
static uint64_t hash_text(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return h;
}

static struct word *place(const struct catalogue *c, const char *id)
{
	size_t i = hash_text(id) & (c->size - 1);

	while (c->words[i].id && strcmp(c->pool + c->words[i].id, id) != 0)
		i = (i + 1) & (c->size - 1);
	return &c->words[i];
}

/* Loading */

/* 0: no room. */
static uint32_t keep(struct catalogue *c, const char *text)
{
	size_t n = strlen(text) + 1, at = c->used;

	if (n > c->room - c->used) return 0;
	memcpy(c->pool + at, text, n);
	c->used += n;
	return (uint32_t)at;
}

static enum rc add_pair(void *arg, const char *id, const char *str)
{
	struct catalogue *c = arg;
	struct word *w = place(c, id);

	if (w->id) return RC_OK;
	if (c->count >= c->size / 2 || !(w->text = keep(c, str))) return RC_BUG;
	w->id = keep(c, id);
	c->count++;
	return w->id ? RC_OK : RC_BUG;
}

static enum rc count_pair(void *arg, const char *id, const char *str)
{
	(void)id;
	(void)str;
	++*(size_t *)arg;
	return RC_OK;
}

enum rc words_load(void)
{
	const struct embedded *file = embed_find("etc/po/es.po");
	struct catalogue c = { .size = 64 };
	size_t pairs = 0;
	enum rc rc;

	if (spanish.words) return RC_OK;
	if (!file) return RC_NOT_FOUND;
	rc = po_parse((const char *)file->data, file->len, count_pair, &pairs, NULL);
	if (rc != RC_OK) return rc;
	while (c.size < pairs * 2 + 2)
		c.size *= 2;
	if (file->len >= UINT32_MAX) return RC_TOO_LARGE;
	c.room = file->len + 2;
	c.used = 1;
	c.words = mem_zeroed(c.size * sizeof(*c.words));
	c.pool = mem_alloc(c.room);
	rc = c.words && c.pool ? po_parse((const char *)file->data, file->len, add_pair, &c, NULL)
			       : RC_NO_MEMORY;
	if (rc == RC_OK) {
		spanish = c;
	} else {
		mem_free(c.words);
		mem_free(c.pool);
	}
	return rc;
}

/* Asking */

const char *words_get(enum lang lang, const char *msgid)
{
	const struct word *w;

	if (!msgid) return "";
	if (lang != LANG_ES || !spanish.words) return msgid;
	w = place(&spanish, msgid);
	return w->id ? spanish.pool + w->text : msgid;
}

const char *words_msgid(enum lang lang, const char *text)
{
	size_t at = (size_t)((uintptr_t)text - (uintptr_t)spanish.pool);
	const struct word *w;

	if (text == NULL || !spanish.words) return NULL;
	if (lang != LANG_ES) {
		w = place(&spanish, text);
		return w->id ? spanish.pool + w->id : NULL;
	}
	if ((uintptr_t)text < (uintptr_t)spanish.pool || at >= spanish.used) return NULL;
	for (size_t i = 0; i < spanish.size; i++)
		if (spanish.words[i].id && spanish.words[i].text == at)
			return spanish.pool + spanish.words[i].id;
	return NULL;
}

const char *words_plural(enum lang lang, int64_t n, const char *one, const char *many)
{
	return words_get(lang, n == 1 || n == -1 ? one : many);
}

const char *words_about(struct arena *a, const char *sentence, const char *subject)
{
	const char *place = strstr(sentence, "%s");

	if (place == NULL) return sentence;
	return arena_printf(a, "%.*s%s%s", (int)(place - sentence), sentence, subject, place + 2);
}

bool words_lang(enum lang *out, const char *code)
{
	if (!code || !code[0] || !code[1] || (code[2] != '\0' && code[2] != '-' && code[2] != '_'))
		return false;
	if ((code[0] | 32) == 'e' && (code[1] | 32) == 's')
		*out = LANG_ES;
	else if ((code[0] | 32) == 'e' && (code[1] | 32) == 'n')
		*out = LANG_EN;
	else
		return false;
	return true;
}

const char *words_code(enum lang lang)
{
	return lang == LANG_EN ? "en" : "es";
}
