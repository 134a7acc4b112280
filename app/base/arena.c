/*
** arena.c -- memory that goes away all at once.
**
** Owns:   a chain of blocks; the newest is carved up, older ones are only kept.
** Needs:  mem.h.
** Never:  frees one allocation; moves one, except arena_grow() on request.
** Holds:  (1) the blocks, headers included, never exceed the ceiling;
**         (2) what was handed out is aligned for any type and, but for arena_grow, zeroed;
**         (3) once an allocation failed, has_failed stays until the reset.
** Under AddressSanitizer whatever is not handed out is poisoned, so that a use
** after the reset or one past the end is found like one of malloc's.
*/
#include "base/arena.h"
#include "base/mem.h"
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(p, len)   ASAN_POISON_MEMORY_REGION((p), (len))
#define UNPOISON(p, len) ASAN_UNPOISON_MEMORY_REGION((p), (len))
#else
#define POISON(p, len)   ((void)(p), (void)(len))
#define UNPOISON(p, len) ((void)(p), (void)(len))
#endif

#define ALIGNMENT     alignof(max_align_t)
#define FIRST_BLOCK   ((size_t)8 * 1024)   /* a small JSON answer needs no second one       */
#define LARGEST_BLOCK ((size_t)256 * 1024) /* doubling stops: half of it idle is bearable    */
#define LARGEST_KEPT  ((size_t)64 * 1024)  /* what an idle thread may hold on to between requests */
#define PRINTF_BRIEF  256 /* longer texts are formatted twice: counted, then written        */

struct block {
	struct block *older;
	size_t size; /* of data */
	size_t used;
	alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct block *newest;
	size_t ceiling;
	size_t held; /* bytes of all blocks, headers included */
	size_t used; /* handed out, alignment included        */
	bool has_failed;
	char empty[1]; /* what text helpers return on failure */
};

struct arena *arena_new(size_t ceiling)
{
	struct arena *a = mem_zeroed(sizeof *a);

	if (a != NULL) a->ceiling = ceiling;
	return a;
}

static void block_free(struct block *b)
{
	UNPOISON(b->data, b->size);
	mem_free(b);
}

void arena_free(struct arena *a)
{
	struct block *b, *older;

	if (a == NULL) return;
	for (b = a->newest; b != NULL; b = older) {
		older = b->older;
		block_free(b);
	}
	mem_free(a);
}

void arena_reset(struct arena *a)
{
	struct block *b, *older, *kept = NULL;

	for (b = a->newest; b != NULL; b = older) {
		older = b->older;
		if (b->size + sizeof *b > LARGEST_KEPT || (kept != NULL && kept->size >= b->size)) {
			block_free(b);
			continue;
		}
		if (kept != NULL) block_free(kept);
		kept = b;
	}
	if (kept != NULL) {
		kept->older = NULL;
		kept->used = 0;
		POISON(kept->data, kept->size);
	}
	a->newest = kept;
	a->held = kept == NULL ? 0 : kept->size + sizeof *kept;
	a->used = 0;
	a->has_failed = false;
	a->empty[0] = '\0';
}

/* A block with room for need bytes (aligned). A request much larger than a block gets one of its own behind
** the
** newest, so that the room left in the newest is not lost. */
static struct block *block_for(struct arena *a, size_t need)
{
	size_t left = a->ceiling - a->held;
	size_t size = a->newest == NULL ? FIRST_BLOCK : a->newest->size + sizeof(struct block);
	bool is_own;
	struct block *b;

	if (left < sizeof *b || left - sizeof *b < need) return NULL;
	if (a->newest != NULL && size < LARGEST_BLOCK) size *= 2;
	is_own = a->newest != NULL && need > size / 2;
	if (is_own || size < need + sizeof *b) size = need + sizeof *b;
	if (size > left) size = left;
	b = mem_alloc(size);
	if (b == NULL) return NULL;
	a->held += size;
	b->size = (size - sizeof *b) / ALIGNMENT * ALIGNMENT;
	a->held -= size - sizeof *b - b->size;
	b->used = 0;
	POISON(b->data, b->size);
	if (is_own) {
		b->older = a->newest->older;
		a->newest->older = b;
	} else {
		b->older = a->newest;
		a->newest = b;
	}
	return b;
}

static void *take(struct arena *a, size_t size)
{
	size_t need = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	struct block *b = a->newest;
	unsigned char *p;

	if (size <= SIZE_MAX - ALIGNMENT && (b == NULL || b->size - b->used < need)) b = block_for(a, need);
	if (size > SIZE_MAX - ALIGNMENT || b == NULL) {
		a->has_failed = true;
		return NULL;
	}
	p = b->data + b->used;
	b->used += need;
	a->used += need;
	UNPOISON(p, size);
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *p = take(a, size);

	if (p != NULL && size > 0) memset(p, 0, size);
	return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size) {
		a->has_failed = true;
		return NULL;
	}
	return arena_alloc(a, count * size);
}

/* A growing buffer that has a block of its own (behind the newest) grows with the block, so that a page of
** 512 KiB
** does not leave its smaller selves behind. NULL: it has none, or there is no room; nothing has changed then.
*/
static void *grow_own_block(struct arena *a, void *p, size_t had, size_t size)
{
	struct block *b = a->newest == NULL ? NULL : a->newest->older, *bigger;
	size_t need = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

	if (b == NULL || (unsigned char *)p != b->data || had != b->size) return NULL;
	if (need - b->size > a->ceiling - a->held) return NULL;
	UNPOISON(b->data, b->size);
	bigger = mem_realloc(b, sizeof *b + need);
	if (bigger == NULL) return NULL;
	a->newest->older = bigger;
	a->held += need - bigger->size;
	a->used += need - bigger->size;
	bigger->size = bigger->used = need;
	POISON(bigger->data + size, need - size);
	return bigger->data;
}

void *arena_grow(struct arena *a, void *p, size_t old, size_t size)
{
	size_t had = old == 0 ? ALIGNMENT : (old + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	struct block *b = a->newest;
	size_t need;
	void *bigger;

	if (p != NULL && size <= old) return p;
	if (p != NULL && b != NULL && b->used >= had && (unsigned char *)p == b->data + b->used - had &&
	    size <= b->size - (b->used - had)) {
		need = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
		b->used += need - had;
		a->used += need - had;
		UNPOISON(p, size);
		return p;
	}
	if (size > SIZE_MAX - ALIGNMENT) {
		a->has_failed = true;
		return NULL;
	}
	bigger = p == NULL ? NULL : grow_own_block(a, p, had, size);
	if (bigger != NULL) return bigger;
	bigger = take(a, size);
	if (bigger != NULL && p != NULL && old > 0) memcpy(bigger, p, old);
	return bigger;
}

char *arena_bytes(struct arena *a, const char *p, size_t len)
{
	char *copy = len == SIZE_MAX ? NULL : take(a, len + 1);

	if (copy == NULL) {
		a->has_failed = true;
		a->empty[0] = '\0';
		return a->empty;
	}
	if (len > 0) memcpy(copy, p, len);
	copy[len] = '\0';
	return copy;
}

char *arena_text(struct arena *a, const char *text)
{
	return arena_bytes(a, text, text == NULL ? 0 : strlen(text));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char brief[PRINTF_BRIEF]; /* nearly every text: written once, not twice */
	va_list again;
	int len;
	char *text;

	va_copy(again, ap);
	len = vsnprintf(brief, sizeof(brief), fmt, again);
	va_end(again);
	text = len < 0 ? NULL : take(a, (size_t)len + 1);
	if (text == NULL) {
		a->has_failed = true;
		a->empty[0] = '\0';
		return a->empty;
	}
	if ((size_t)len < sizeof(brief))
		memcpy(text, brief, (size_t)len + 1);
	else
		vsnprintf(text, (size_t)len + 1, fmt, ap);
	return text;
}

char *arena_join(struct arena *a, ...)
{
	const char *part;
	size_t len = 0;
	va_list ap;
	char *text, *end;

	va_start(ap, a);
	while ((part = va_arg(ap, const char *)) != NULL)
		len += strlen(part);
	va_end(ap);
	text = take(a, len + 1);
	if (text == NULL) {
		a->has_failed = true;
		a->empty[0] = '\0';
		return a->empty;
	}
	end = text;
	va_start(ap, a);
	while ((part = va_arg(ap, const char *)) != NULL)
		end = stpcpy(end, part);
	va_end(ap);
	*end = '\0';
	return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return text;
}

bool arena_failed(const struct arena *a)
{
	return a->has_failed;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}
