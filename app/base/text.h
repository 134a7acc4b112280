/*
** text.h -- UTF-8 text: validity, folding for search, legacy encodings, masks.
** All total; none allocates except through the arena handed in.
*/
#ifndef RECADO_BASE_TEXT_H
#define RECADO_BASE_TEXT_H

#include "base/arena.h"

/* True when well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms) without NUL. */
bool text_is_utf8(const char *p, size_t len);
/* Bytes of the well-formed UTF-8 sequence that starts at p, 0 if none does. len > 0. NUL counts as one. */
size_t text_sequence(const char *p, size_t len);

/* Folded for search and comparing: lower case, accents and marks off (á→a, ñ→n, ß→ss), blanks
** collapsed to one and trimmed. Latin, Greek and Cyrillic cases; other letters stay. */
char *text_fold(struct arena *a, const char *text);
/* The same, then with SQL LIKE's % _ and \ escaped by \ and wrapped in %…%. */
char *text_like(struct arena *a, const char *text);

/* Composed form (NFC) of Latin letters with combining marks, as keyboards of other systems send. */
char *text_nfc(struct arena *a, const char *text);

/* Windows-1252 bytes as UTF-8; the five undefined bytes become U+FFFD. */
char *text_from_cp1252(struct arena *a, const char *p, size_t len);

char *text_trim(struct arena *a, const char *text);
char *text_lower_ascii(struct arena *a, const char *text);
size_t text_length(const char *text); /* in code points */
/* Byte length of the longest prefix of whole code points that has at most max code points. */
size_t text_prefix(const char *text, size_t max);
bool text_equal_fold(const char *a, const char *b); /* ASCII case-insensitive equality */

/* "+593*****0000", "a***@example.com": for logs. Anything else becomes "***". */
char *text_mask(struct arena *a, const char *address);

/* The candidate (NULL-terminated list) nearest to word by edit distance, or NULL if none is near. */
const char *text_nearest(const char *word, const char *const *candidates);

/* Decode %XX (and + as blank if plus). RC_BAD_INPUT on broken encoding, NUL or bad UTF-8. */
enum rc text_url_decode(struct arena *a, char **out, const char *p, size_t len, bool plus) MUST_CHECK;

#endif
