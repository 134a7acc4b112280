/*
** link_header.c -- heads of answers, line by line: whatever a server sends, the answer stays whole.
*/
#include "link/transfer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(bool holds)
{
	if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct http_answer a;
	const char *at = (const char *)p, *end = at + n;

	a.header_count = 0;
	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t len = nl == NULL ? (size_t)(end - at) : (size_t)(nl - at) + 1;

		answer_take_header(&a, at, len);
		at += len;
	}
	check(a.header_count <= sizeof(a.headers) / sizeof(a.headers[0]));
	for (size_t i = 0; i < a.header_count; i++) {
		check(strlen(a.headers[i].name) > 0 && strlen(a.headers[i].name) < sizeof(a.headers[i].name));
		check(strlen(a.headers[i].value) < sizeof(a.headers[i].value));
		check(http_header(&a, a.headers[i].name) != NULL);
	}
	return 0;
}
