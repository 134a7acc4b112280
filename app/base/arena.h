/*
** arena.h -- memory that goes away all at once, at the end of a request or job.
**
** Failure is remembered: once an allocation failed, arena_failed() stays true
** until the reset, and tx_end() refuses to commit for a cx whose arena failed.
** So text helpers may return "" on failure and callers check once, at the end.
*/
#ifndef RECADO_BASE_ARENA_H
#define RECADO_BASE_ARENA_H

#include "base/rc.h"
#include <stdarg.h>

struct arena;

/* A new arena that never holds more than ceiling bytes. NULL when there is no memory. */
struct arena *arena_new(size_t ceiling);
void arena_free(struct arena *a); /* NULL is fine */

/* Forget everything handed out; keeps one block for reuse. Clears the failure mark. */
void arena_reset(struct arena *a);

/* size zeroed bytes, aligned for any type; NULL when the ceiling or the memory is reached. */
void *arena_alloc(struct arena *a, size_t size) MUST_CHECK;
/* The same for an array, overflow checked. */
void *arena_array(struct arena *a, size_t count, size_t size) MUST_CHECK;
/* p (old bytes, from this arena; NULL: none) with room for size bytes: in place when p came last, else a
** copy. New bytes are not zeroed. NULL on failure, p stays. For buffers that grow. */
void *arena_grow(struct arena *a, void *p, size_t old, size_t size) MUST_CHECK;

/* Copies that end in NUL. On failure they return "" (never NULL) and mark the arena. NULL text counts as "".
 */
char *arena_text(struct arena *a, const char *text);
char *arena_bytes(struct arena *a, const char *p, size_t len);
/* One text after the other, up to a NULL: for addresses, many of which stand on a page. */
char *arena_join(struct arena *a, ...) __attribute__((sentinel));
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

bool arena_failed(const struct arena *a);
size_t arena_used(const struct arena *a);

#endif
