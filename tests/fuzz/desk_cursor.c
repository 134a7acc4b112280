/*
** desk_cursor.c -- the text of a page's place, as it comes in an address: what is read goes out again.
*/
#include "desk/inner.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct arena *a;
	struct cursor c = { .id = 0 }, again = { .id = 0 };
	char *text;

	if (a == NULL) a = arena_new(1024 * 1024);
	if (a == NULL) return 0;
	arena_reset(a);
	text = arena_bytes(a, (const char *)p, n);
	if (cursor_parse(a, &c, text) != RC_OK) return 0;
	text = arena_text(a, cursor_text(a, &c));
	/* Another spelling of a number ("007") comes back in ours: from then on it stays. */
	if (cursor_parse(a, &again, text) != RC_OK || strcmp(cursor_text(a, &again), text) != 0 ||
	    again.id != c.id || again.is_back != c.is_back || again.is_down != c.is_down ||
	    strcmp(again.sort, c.sort) != 0)
		abort();
	return 0;
}
