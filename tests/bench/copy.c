/*
** copy.c -- the release binary's memcpy, memmove and strcspn: right for every length and place, and how fast.
**
** Prints {"ours_ns", "libc_ns"}: the mean time of a copy of 1 to 64 bytes, ours and the way musl does it on
** x86-64. Exits 1 with a line on stderr when one is wrong: the unit tests run on glibc, where base/copy.c and
** base/span.c are empty.
**
** Holds: at most LENGTH_MAX * SHIFTS checks and ROUNDS * 64 copies.
*/
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LENGTH_MAX 4200 /* beyond the length from which the processor's own string copy is used */
#define SHIFT_MAX  70   /* beyond two of the widest steps                                      */
#define ROUNDS     200000

static unsigned char a[LENGTH_MAX + 4 * SHIFT_MAX], b[sizeof(a)], from[sizeof(a)];

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void wrong(const char *what, size_t len, int shift)
{
	fprintf(stderr, "copy: %s of %zu bytes, shifted by %d, is wrong\n", what, len, shift);
	exit(1);
}

/* One byte after another, through volatile: no compiler makes a call of memmove of it. */
static void slowly(unsigned char *d, const unsigned char *s, size_t len)
{
	volatile unsigned char *to = d;

	if (d < s)
		for (size_t i = 0; i < len; i++)
			to[i] = s[i];
	else
		for (size_t i = len; i-- > 0;)
			to[i] = s[i];
}

static void check(size_t len, int shift)
{
	unsigned char *s = a + 2 * SHIFT_MAX, *d = s + shift;

	slowly(a, from, sizeof(a));
	slowly(b, from, sizeof(b));
	memmove(d, s, len);
	slowly(b + 2 * SHIFT_MAX + shift, b + 2 * SHIFT_MAX, len);
	if (memcmp(a, b, sizeof(a)) != 0) wrong("memmove", len, shift);
	slowly(a, from, sizeof(a));
	memcpy(a + (shift + SHIFT_MAX), from + 1, len);
	slowly(b, from, sizeof(b));
	slowly(b + (shift + SHIFT_MAX), from + 1, len);
	if (memcmp(a, b, sizeof(a)) != 0) wrong("memcpy", len, shift);
}

static void check_all(void)
{
	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (unsigned char)(i * 131 + (i >> 8) * 7);
	for (size_t len = 0; len < 200; len++)
		for (int shift = -SHIFT_MAX; shift <= SHIFT_MAX; shift++)
			check(len, shift);
	for (size_t len = 200; len <= LENGTH_MAX; len += 37)
		for (int shift = -SHIFT_MAX; shift <= SHIFT_MAX; shift += 23)
			check(len, shift);
	for (size_t len = 2046; len <= 2050; len++)
		for (int shift = -SHIFT_MAX; shift <= SHIFT_MAX; shift++)
			check(len, shift);
}

/* Up to the first of reject's bytes, or the end. */
static size_t slow_span(const char *text, const char *reject)
{
	volatile size_t n = 0;

	for (; text[n] != '\0'; n = n + 1)
		for (const char *r = reject; *r != '\0'; r++)
			if (text[n] == *r) return n;
	return n;
}

/* Texts of every length at every place within 32 bytes, with and without each byte, beside what is not
** theirs. */
static void check_spans(void)
{
	static const char *const sets[] = { "", "z", "zZ", "Zz", "zz", "\xff\x80", "abz", "%_\\z" };
	static char around[128];

	for (size_t set = 0; set < sizeof(sets) / sizeof(sets[0]); set++)
		for (size_t at = 0; at < 32; at++)
			for (size_t len = 0; len < 64; len++)
				for (size_t hit = 0; hit <= len; hit++) {
					char *text = around + at;

					/* before and behind: no matter */
					memset(around, 'Z', sizeof(around));
					memset(text, 'q', len);
					text[len] = '\0';
					if (hit < len) text[hit] = set % 2 == 0 ? 'z' : '\x80';
					if (strcspn(text, sets[set]) != slow_span(text, sets[set]))
						wrong("strcspn", len, (int)at);
				}
}

static void *by_words(void *to, const void *source, size_t n)
{
#if defined(__x86_64__)
	void *d = to;
	size_t words = n / 8, rest = n % 8;

	__asm__ volatile("rep movsq" : "+D"(d), "+S"(source), "+c"(words) : : "memory");
	for (; rest > 0; rest--)
		__asm__ volatile("movsb" : "+D"(d), "+S"(source) : : "memory");
#else
	memmove(to, source, n);
#endif
	return to;
}

static double time_of(void *(*volatile copy)(void *, const void *, size_t))
{
	double began = now_ns();

	for (int i = 0; i < ROUNDS; i++)
		for (size_t n = 1; n <= 64; n++)
			(void)copy(a + (i & 7), from + (n & 7), n);
	return (now_ns() - began) / (ROUNDS * 64.0);
}

int main(void)
{
	check_all();
	check_spans();
	printf("{\"ours_ns\": %.3f, \"libc_ns\": %.3f}\n", time_of(memmove), time_of(by_words));
	return 0;
}
