/*
** link_guard.c -- addresses as text: what is allowed is a numeric address, and never one of the house's.
*/
#include "link/http.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(bool holds)
{
	if (!holds) abort();
}

/* Written another way than guard.c does it. */
static bool is_house(uint32_t v4)
{
	return v4 >> 24 == 10 || v4 >> 24 == 127 || v4 >> 24 == 0 || v4 >> 16 == 0xc0a8 ||
	       v4 >> 20 == 0xac1 || v4 >> 16 == 0xa9fe || v4 >> 22 == 0x64400000u >> 22 || v4 >= 0xe0000000u;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char text[80];
	unsigned char v6[16];
	struct in_addr v4;

	if (n >= sizeof(text)) return 0;
	memcpy(text, p, n);
	text[n] = '\0';
	if (guard_allows(text)) {
		if (inet_pton(AF_INET, text, &v4) == 1)
			check(!is_house(ntohl(v4.s_addr)));
		else
			check(inet_pton(AF_INET6, text, v6) == 1 && (v6[0] & 0xfe) != 0xfc && v6[0] != 0xfe &&
			      v6[0] != 0xff);
	}
	/* The same bytes as an address. */
	if (n >= 16 && inet_ntop(AF_INET6, p, text, sizeof(text)) != NULL && guard_allows(text))
		check((p[0] & 0xfe) != 0xfc && p[0] != 0xfe && p[0] != 0xff);
	if (n >= 4 && inet_ntop(AF_INET, p, text, sizeof(text)) != NULL && guard_allows(text)) {
		memcpy(&v4, p, sizeof(v4));
		check(!is_house(ntohl(v4.s_addr)));
	}
	return 0;
}
