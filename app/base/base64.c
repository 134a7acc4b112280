/*
** base64.c -- base64 as others write it (RFC 4648 §4; with the line breaks of RFC 2045).
**
** Holds:  total; the padding must be right, and its spare bits are not looked at.
*/
#include "base/seal.h"
#include "base/arena.h"

#include <string.h>

static int digit_of(char c)
{
	if (c >= 'A' && c <= 'Z') return c - 'A';
	if (c >= 'a' && c <= 'z') return c - 'a' + 26;
	if (c >= '0' && c <= '9') return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum rc base64_read(struct arena *a, struct bytes *out, const char *text)
{
	size_t room = strlen(text) / 4 * 3 + 3, n = 0, digits = 0, pads = 0;
	char *bytes = arena_alloc(a, room);
	uint32_t group = 0;

	if (bytes == NULL) return RC_NO_MEMORY;
	for (; *text != '\0'; text++) {
		int d = digit_of(*text);

		if (strchr(" \t\r\n", *text) != NULL) continue;
		if (*text == '=') {
			pads++;
			continue;
		}
		if (d < 0 || pads > 0) return RC_BAD_INPUT;
		group = group << 6 | (uint32_t)d;
		if (++digits % 4 != 0) continue;
		bytes[n++] = (char)(group >> 16 & 255);
		bytes[n++] = (char)(group >> 8 & 255);
		bytes[n++] = (char)(group & 255);
	}
	if (digits % 4 == 1 || pads != (4 - digits % 4) % 4) return RC_BAD_INPUT;
	if (digits % 4 == 2) bytes[n++] = (char)(group >> 4 & 255);
	if (digits % 4 == 3) {
		bytes[n++] = (char)(group >> 10 & 255);
		bytes[n++] = (char)(group >> 2 & 255);
	}
	*out = (struct bytes){ .p = bytes, .len = n };
	return RC_OK;
}
