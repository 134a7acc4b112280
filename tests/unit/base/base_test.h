/*
** base_test.h -- what every unit test of the base room includes: cmocka and an arena.
*/
#ifndef RECADO_BASE_TEST_H
#define RECADO_BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/mem.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* Setup and teardown of a test: *state is an arena of 16 MiB; afterwards nothing of the test is left. */
static inline int arena_setup(void **state)
{
	*state = arena_new((size_t)16 << 20);
	return *state == NULL;
}

static inline int arena_teardown(void **state)
{
	arena_free(*state);
	return mem_live() == 0 ? 0 : -1;
}

#define arena_test(function) cmocka_unit_test_setup_teardown(function, arena_setup, arena_teardown)

#endif
