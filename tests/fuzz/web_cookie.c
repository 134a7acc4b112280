/*
** web_cookie.c -- any Cookie header: what is taken has no byte that could end a cookie.
*/
#include "web/exchange.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct arena *a;
	struct pairs pairs;

	if (a == NULL) a = arena_new(1024 * 1024);
	arena_reset(a);
	pairs_init(&pairs);
	cookies_parse(a, &pairs, arena_bytes(a, (const char *)p, n));
	for (const struct pair *c = pairs.first; c != NULL; c = c->next)
		if (c->name[0] == '\0' || strpbrk(c->name, "=; \"") != NULL ||
		    strpbrk(c->value, "; \"\\,") != NULL)
			abort();
	return 0;
}
