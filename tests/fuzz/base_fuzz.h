/*
** base_fuzz.h -- what the fuzz entries of the base room share: one arena, and a check that stops the fuzzer.
*/
#ifndef RECADO_BASE_FUZZ_H
#define RECADO_BASE_FUZZ_H

#include "base/arena.h"
#include "base/mem.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define must(condition)                    \
	do {                               \
		if (!(condition)) abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

/* An arena as a request has one, empty. It lives as long as the fuzzer. */
static inline struct arena *fuzz_arena(void)
{
	static struct arena *a;

	if (a == NULL) a = arena_new((size_t)32 << 20);
	must(a != NULL);
	arena_reset(a);
	return a;
}

#endif
