/*
** web_totp.c -- whatever is typed as a code or a secret: six digits or nothing, and a secret that comes back
** the same.
*/
#include "web/totp.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct arena *a;
	unsigned char key[TOTP_KEY_SIZE], again[TOTP_KEY_SIZE];
	char text[TOTP_SECRET_SIZE];
	const char *typed;
	uint32_t code;

	if (a == NULL) a = arena_new(1024 * 1024);
	arena_reset(a);
	typed = arena_bytes(a, (const char *)p, n);
	if (totp_code_read(&code, typed) == RC_OK && code > 999999) abort();
	if (totp_secret_read(key, typed) != RC_OK) return 0;
	totp_secret_text(text, key);
	if (totp_secret_read(again, text) != RC_OK || memcmp(key, again, sizeof key) != 0) abort();
	return 0;
}
