/*
** base_url.c -- percent-encoding, and the other readers of raw text: folding, composing, masks, old
** encodings.
*/
#include "base_fuzz.h"
#include "base/sb.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static const char *const names[] = { "web.listen", "web.hosts", NULL };
	struct arena *a = fuzz_arena();
	const char *raw = (const char *)p;
	char *text = arena_bytes(a, raw, len), *out = NULL, *fold;
	struct sb sb;

	if (text_url_decode(a, &out, raw, len, len % 2 == 0) == RC_OK) {
		char *again = NULL;

		must(text_is_utf8(out, strlen(out)));
		sb_init_arena(&sb, a, 3 * len);
		sb_url(&sb, out, strlen(out));
		must(text_url_decode(a, &again, sb_text_of(&sb), sb.len, true) == RC_OK &&
		     strcmp(again, out) == 0);
	}
	fold = text_fold(a, text);
	must(strlen(fold) <= strlen(text) && strcmp(text_fold(a, fold), fold) == 0);
	must(text_is_utf8(fold, strlen(fold)));
	out = text_nfc(a, text);
	must(strcmp(text_nfc(a, out), out) == 0);
	must(!text_is_utf8(text, strlen(text)) || text_is_utf8(out, strlen(out)));
	out = text_from_cp1252(a, text, strlen(text));
	must(text_is_utf8(out, strlen(out)));
	(void)text_like(a, text);
	(void)text_mask(a, text);
	(void)text_trim(a, text);
	(void)text_nearest(text, names);
	must(text_prefix(text, text_length(text)) == strlen(text));
	sb_init_arena(&sb, a, (size_t)8 << 20);
	sb_json(&sb, raw, len);
	must(sb_result(&sb) == RC_OK && text_is_utf8(sb.p, sb.len));
	return 0;
}
