/*
** base_base64.c -- any text as base64: what is read is what its own writing reads again.
*/
#include "base_fuzz.h"
#include "base/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct arena *a = fuzz_arena();
	struct bytes first = { NULL, 0 }, again = { NULL, 0 };
	struct sb sb;

	if (base64_read(a, &first, arena_bytes(a, (const char *)p, len)) != RC_OK) return 0;
	sb_init_arena(&sb, a, 4 * len + 16);
	sb_base64(&sb, first.p, first.len);
	must(base64_read(a, &again, sb_text_of(&sb)) == RC_OK);
	must(again.len == first.len && memcmp(again.p, first.p, first.len) == 0);
	return 0;
}
