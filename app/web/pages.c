/*
** pages.c -- the embedded templates, compiled once for each language.
**
** Owns:   the compiled templates, for the life of the process.
** Needs:  the embedded files app/ROOM/pages/NAME.mustache.
** Never:  compiles what a user wrote (that is the outbox's).
** Holds:  (1) a compiled template never changes; (2) the table is only added to, under a lock for writing.
*/
#include "web/inside.h"
#include "base/embed.h"
#include "base/mem.h"
#include "base/template.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PAGES_MAX 1024 /* slots of the table; five modules of thirty pages fill a fifth */
#define NAME_MAX_ 120  /* "renewals/import_preview" and room                              */

struct slot {
	const char *name; /* heap, for ever; NULL: free */
	const struct template *compiled[LANG__MAX];
};

static struct slot slots[PAGES_MAX];
static size_t slot_count;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static const struct embedded *source_of(const char *name)
{
	const char *slash = strchr(name, '/');
	char path[NAME_MAX_ + 40];

	if (slash == NULL || strlen(name) > NAME_MAX_) return NULL;
	snprintf(path, sizeof path, "app/%.*s/pages/%s.mustache", (int)(slash - name), name, slash + 1);
	return embed_find(path);
}

static const char *partial(void *arg, const char *name)
{
	const struct embedded *e = source_of(name);

	(void)arg;
	if (e == NULL) log_event(LOG_ERROR, "app", "web.partial", "name=%s why=missing", name);
	return e != NULL ? (const char *)e->data : NULL;
}

static const char *translate(void *arg, const char *msgid)
{
	return words_get(*(const enum lang *)arg, msgid);
}

static enum rc compile(struct template **out, struct template_error *err, enum lang lang, const char *text)
{
	struct template_options o = {
		.mode = TEMPLATE_HTML,
		.partial = partial,
		.translate = translate,
		.translate_arg = &lang,
	};

	return template_compile(out, err, text, &o);
}

static struct slot *slot_of(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (const char *p = name; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	for (size_t i = h % PAGES_MAX;; i = (i + 1) % PAGES_MAX)
		if (slots[i].name == NULL || strcmp(slots[i].name, name) == 0) return &slots[i];
}

static const struct template *compile_into_slot(enum lang lang, const char *name)
{
	const struct embedded *e = source_of(name);
	struct template_error err = { 0 };
	struct template *t = NULL;
	struct slot *s;

	if (e == NULL || compile(&t, &err, lang, (const char *)e->data) != RC_OK) {
		log_event(LOG_ERROR, "app", "web.template", "name=%s line=%zu subject=%s", name, err.line,
			  e == NULL ? "missing" : err.subject);
		return NULL;
	}
	pthread_rwlock_wrlock(&lock);
	s = slot_of(name);
	if (s->name == NULL && slot_count < PAGES_MAX / 2) {
		s->name = mem_text(name);
		slot_count += s->name != NULL;
	}
	if (s->name != NULL && s->compiled[lang] == NULL) {
		s->compiled[lang] = t;
	} else if (s->name != NULL) { /* another thread was faster */
		template_free(t);
		t = NULL;
	}
	/* A full table is our bug; the page is served all the same. */
	const struct template *found = s->name != NULL ? s->compiled[lang] : t;

	pthread_rwlock_unlock(&lock);
	return found;
}

const struct template *page_template(enum lang lang, const char *name)
{
	const struct template *t = NULL;
	struct slot *s;

	pthread_rwlock_rdlock(&lock);
	s = slot_of(name);
	if (s->name != NULL) t = s->compiled[lang];
	pthread_rwlock_unlock(&lock);
	return t != NULL ? t : compile_into_slot(lang, name);
}

enum rc web_templates_check(struct arena *a, const char **why)
{
	*why = "";
	for (size_t i = embed_first("app/"); i < embed_count(); i++) {
		const struct embedded *e = embed_at(i);
		size_t len = strlen(e->name);

		if (strncmp(e->name, "app/", 4) != 0) break;
		if (len < 9 || strcmp(e->name + len - 9, ".mustache") != 0) continue;
		for (int lang = 0; lang < LANG__MAX; lang++) {
			struct template_error err = { 0 };
			struct template *t = NULL;

			if (compile(&t, &err, (enum lang)lang, (const char *)e->data) != RC_OK) {
				*why = arena_printf(a, "%s:%zu: %s", e->name, err.line, err.subject);
				return RC_BAD_INPUT;
			}
			template_free(t);
		}
	}
	return RC_OK;
}
