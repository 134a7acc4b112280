/*
** web_multipart.c -- any multipart body: every part lies inside it, in order.
*/
#include "web/multipart.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Up to the first line break the content type, then the body. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct arena *a;
	const char *text = (const char *)p, *eol = n > 0 ? memchr(text, '\n', n) : NULL, *boundary = "B", *at;
	struct bytes body = { text, n };
	struct part *parts = NULL;

	if (a == NULL) a = arena_new(16 * 1024 * 1024);
	arena_reset(a);
	if (eol != NULL) {
		if (multipart_boundary(a, &boundary, arena_bytes(a, text, (size_t)(eol - text))) != RC_OK)
			boundary = "B";
		body = (struct bytes){ eol + 1, n - (size_t)(eol + 1 - text) };
	}
	if (multipart_parse(a, &parts, boundary, body) != RC_OK) return 0;
	at = body.p;
	for (const struct part *x = parts; x != NULL; x = x->next) {
		if (x->bytes.p < at || x->bytes.len > (size_t)(body.p + body.len - x->bytes.p)) abort();
		if (x->name == NULL || (x->file_name != NULL && strpbrk(x->file_name, "/\\") != NULL))
			abort();
		at = x->bytes.p + x->bytes.len;
	}
	return 0;
}
