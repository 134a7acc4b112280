/*
** web_form.c -- any URL-encoded body: taken whole or refused, and always text.
*/
#include "web/inside.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct arena *a;
	struct pairs pairs;

	if (a == NULL) a = arena_new(4 * 1024 * 1024);
	arena_reset(a);
	pairs_init(&pairs);
	if (pairs_parse(a, &pairs, (const char *)p, n, FORM_FIELDS_MAX) != RC_OK) return 0;
	if (pairs.count > FORM_FIELDS_MAX) abort();
	for (const struct pair *f = pairs.first; f != NULL; f = f->next)
		if (!text_is_utf8(f->name, strlen(f->name)) || !text_is_utf8(f->value, strlen(f->value)))
			abort();
	return 0;
}
