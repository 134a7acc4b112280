/*
** sb.h -- the one growing buffer: born with its ceiling, remembers its failure.
**
** Many appends, one check (sb_result). The call's name says how data is
** escaped; only literals meet sb_lit. Always NUL-terminated when p is not NULL.
*/
#ifndef RECADO_BASE_SB_H
#define RECADO_BASE_SB_H

#include "base/arena.h"
#include <stdarg.h>

struct sb {
	char *p; /* NULL until the first append; sb_text_of() is never NULL */
	size_t len;
	size_t cap;
	size_t max;          /* never grows past this                                 */
	struct arena *arena; /* NULL: heap, sb_free() it                     */
	enum rc rc;          /* RC_OK, RC_NO_MEMORY or RC_TOO_LARGE; sticky           */
};

void sb_init(struct sb *sb, size_t max);                            /* heap: sb_free it   */
void sb_init_arena(struct sb *sb, struct arena *arena, size_t max); /* goes with the arena */
void sb_free(struct sb *sb);  /* also after failure; leaves an empty buffer with the same max */
void sb_clear(struct sb *sb); /* empty again, memory kept, failure forgotten */

enum rc sb_result(const struct sb *sb) MUST_CHECK;
const char *sb_text_of(const struct sb *sb); /* "" when empty or failed; lent */

#define sb_lit(sb, literal) sb_bytes((sb), "" literal "", sizeof(literal) - 1)
void sb_bytes(struct sb *sb, const char *p, size_t len);
void sb_text(struct sb *sb, const char *text); /* as it is; NULL adds nothing */
void sb_char(struct sb *sb, char c);
void sb_int(struct sb *sb, int64_t n);
void sb_printf(struct sb *sb, const char *fmt, ...) PRINTF_LIKE(2, 3);
void sb_vprintf(struct sb *sb, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

void sb_html(struct sb *sb, const char *p, size_t len); /* & < > " ' escaped: text and attribute values */
void sb_url(struct sb *sb, const char *p, size_t len);  /* percent-encodes all but RFC 3986 unreserved  */
/* a quoted JSON string (RFC 8259); bad UTF-8 becomes U+FFFD */
void sb_json(struct sb *sb, const char *p, size_t len);
/* One CSV field (RFC 4180), quoted when needed. guard: a text that a spreadsheet would run
** as a formula (= + - @ TAB CR first) gets a leading apostrophe; csv import takes it off. */
void sb_csv(struct sb *sb, const char *p, size_t len, char delimiter, bool guard);

#endif
