/*
** copy.c -- memcpy and memmove for the release binary on x86-64.
**
** musl's own copy by `rep movs`, which takes some 30 cycles before the first byte; SQLite, curl and our
** buffers copy a few bytes at a time, millions of times: sending notices spent 14 % of its time there
** (2026-11-22, tests/bench). The program defines them, so the linker never asks libc. Elsewhere (glibc, other
** processors) this file is empty.
**
** Holds: every branch reads all it copies before it writes any of it, or walks away from the overlap; so both
** functions are one and overlapping bytes are safe.
*/
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && !defined(__GLIBC__)

#include <emmintrin.h>

#define LONG_COPY 2048 /* from here on the processor's own string copy is faster than our loop */

/* A loop that copies must stay one: the compiler would make a call of memcpy of it. */
#define AS_WRITTEN __attribute__((optimize("no-tree-loop-distribute-patterns")))

static inline __m128i load(const unsigned char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline void store(unsigned char *p, __m128i v)
{
	_mm_storeu_si128((__m128i *)(void *)p, v);
}

/* Both ends overlap in the middle when n is no power of two. */
#define COPY_ENDS(type)                                             \
	do {                                                        \
		type a, b;                                          \
                                                                    \
		__builtin_memcpy(&a, s, sizeof(a));                 \
		__builtin_memcpy(&b, s + n - sizeof(b), sizeof(b)); \
		__builtin_memcpy(d, &a, sizeof(a));                 \
		__builtin_memcpy(d + n - sizeof(b), &b, sizeof(b)); \
	} while (0)

static inline void copy_short(unsigned char *d, const unsigned char *s, size_t n)
{
	if (n >= 8)
		COPY_ENDS(uint64_t);
	else if (n >= 4)
		COPY_ENDS(uint32_t);
	else if (n >= 2)
		COPY_ENDS(uint16_t);
	else if (n == 1)
		*d = *s;
}

/* 33 … bytes, d below s or apart: upwards; the last 32 are read before anything is written over them. */
AS_WRITTEN static void copy_up(unsigned char *d, const unsigned char *s, size_t n)
{
	__m128i y = load(s + n - 32), z = load(s + n - 16);
	unsigned char *end = d + n;

	for (; n > 32; n -= 32, d += 32, s += 32) {
		__m128i a = load(s), b = load(s + 16);

		store(d, a);
		store(d + 16, b);
	}
	store(end - 32, y);
	store(end - 16, z);
}

/* 33 … bytes, d above s: downwards. */
AS_WRITTEN static void copy_down(unsigned char *d, const unsigned char *s, size_t n)
{
	__m128i y = load(s), z = load(s + 16);

	for (; n > 32; n -= 32) {
		__m128i a = load(s + n - 32), b = load(s + n - 16);

		store(d + n - 32, a);
		store(d + n - 16, b);
	}
	store(d, y);
	store(d + 16, z);
}

AS_WRITTEN void *memmove(void *to, const void *from, size_t n)
{
	unsigned char *d = to;
	const unsigned char *s = from;

	if (n <= 16) {
		copy_short(d, s, n);
	} else if (n <= 32) {
		__m128i a = load(s), b = load(s + n - 16);

		store(d, a);
		store(d + n - 16, b);
	} else if ((uintptr_t)d - (uintptr_t)s >= n) {
		if (n >= LONG_COPY && (uintptr_t)s - (uintptr_t)d >= n)
			__asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
		else
			copy_up(d, s, n);
	} else {
		copy_down(d, s, n);
	}
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n) __attribute__((alias("memmove")));

#endif
