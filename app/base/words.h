/*
** words.h -- the user's language. Spanish is the default; msgids are English.
*/
#ifndef RECADO_BASE_WORDS_H
#define RECADO_BASE_WORDS_H

#include "base/arena.h"

enum lang { LANG_ES, LANG_EN, LANG__MAX };

#define N_(msgid) msgid /* marks a msgid in a table; translated where it is shown */
#define _(msgid)  words_get(cx->lang, msgid)

/* Parse the embedded catalogues once, before any thread starts. */
enum rc words_load(void) MUST_CHECK;
/* The translation, or msgid itself. Lives for ever. NULL gives "". */
const char *words_get(enum lang lang, const char *msgid) __attribute__((format_arg(2)));
/* One or many: both msgids are looked up. */
const char *words_plural(enum lang lang, int64_t n, const char *one, const char *many)
	__attribute__((format_arg(3), format_arg(4)));
/* A sentence of a table with subject in the place of its one %s; without such a place as it is. Arena. */
const char *words_about(struct arena *a, const char *sentence, const char *subject);
/* An errno as a phrase to stand behind a colon. Lives for ever, or until the thread asks for another. */
const char *words_errno(enum lang lang, int error);
/* The msgid of a text that words_get() gave in this language; NULL: it is none. In English: of the same text.
** Reads the whole catalogue: for what is seldom. */
const char *words_msgid(enum lang lang, const char *text);
bool words_lang(enum lang *out, const char *code); /* "es", "es-EC", "en"… */
const char *words_code(enum lang lang);

#endif
