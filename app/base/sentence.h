/*
** sentence.h -- a sentence kept for later, to be said in the language of whoever reads it then.
**
** What is written once and read by several people (why a send waits) is kept as its msgid and what stood in
** its places: {"m":"The file %s is empty.","a":["ana.csv"]}. What stands in a place and is itself from the
** catalogue is kept as {"m":…} too, and so is a sentence that was kept before.
*/
#ifndef RECADO_BASE_SENTENCE_H
#define RECADO_BASE_SENTENCE_H

#include "base/words.h"

#define SENTENCE_PLACES_MAX 8 /* no msgid of ours has more */

/* fmt as words_get(lang, …) gave it. NULL: it has a place that is neither text nor a whole number, or more
** than SENTENCE_PLACES_MAX. A text alone ("%s") that is not of the catalogue stays as it is. Arena. */
const char *sentence_vkeep(struct arena *a, enum lang lang, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);
const char *sentence_keep(struct arena *a, enum lang lang, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A table's msgid with subject, kept or plain, in the place of its one %s; without such a place alone.
** Arena. */
const char *sentence_about(struct arena *a, const char *msgid, const char *subject);
/* The kept one in this language. Anything else is given back as it is: what older versions kept, plain texts.
** Total: the text may come from anywhere. */
const char *sentence_words(struct arena *a, enum lang lang, const char *kept);

#endif
