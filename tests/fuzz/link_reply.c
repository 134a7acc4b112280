/*
** link_reply.c -- whatever a mail server says, line by line: nothing but printable bytes within bounds is
** kept.
*/
#include "base_fuzz.h"

#include "link/smtp.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct mail_reply r = { .code = 0 };

	while (n > 0) {
		const uint8_t *end = memchr(p, '\n', n);
		size_t len = end != NULL ? (size_t)(end - p) + 1 : n;

		mail_reply_line(&r, (const char *)p, len);
		must(r.len < MAIL_REPLY_SIZE && r.text[r.len] == '\0');
		must(r.code >= 0 && r.code <= 999);
		for (size_t i = 0; i < r.len; i++)
			must((unsigned char)r.text[i] >= ' ' && r.text[i] != 0x7f);
		p += len;
		n -= len;
	}
	return 0;
}
