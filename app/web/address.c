/*
** address.c -- who is behind a connection: networks, proxies, names of the house. Pure and total.
**
** Holds: (1) a forwarding header counts only when the peer is a configured proxy (or a unix socket, which
**        only a proxy of this machine can reach); (2) an address that does not parse is in no list.
*/
#include "web/inside.h"
#include "base/text.h"
#include <arpa/inet.h>
#include <string.h>

struct numeric {
	int family; /* AF_INET, AF_INET6, 0: none */
	unsigned char bytes[16];
};

static struct numeric numeric_of(const char *text, size_t len)
{
	struct numeric n = { 0 };
	char copy[INET6_ADDRSTRLEN + 1];

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof copy) return n;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, n.bytes) == 1) {
		n.family = AF_INET;
	} else if (inet_pton(AF_INET6, copy, n.bytes) == 1) {
		n.family = AF_INET6;
		if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)n.bytes)) {
			memmove(n.bytes, n.bytes + 12, 4);
			n.family = AF_INET;
		}
	}
	return n;
}

static bool same_network(const struct numeric *a, const struct numeric *b, int bits)
{
	int whole = bits / 8, rest = bits % 8;

	if (a->family != b->family || memcmp(a->bytes, b->bytes, (size_t)whole) != 0) return false;
	return rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest)) == 0;
}

static bool item_fits(const char *address, const char *item, size_t len)
{
	const char *slash = memchr(item, '/', len);
	size_t host_len = slash != NULL ? (size_t)(slash - item) : len;
	struct numeric a = numeric_of(address, strlen(address)), b = numeric_of(item, host_len);
	int bits = b.family == AF_INET ? 32 : 128, most = bits;

	if (len == 4 && memcmp(item, "unix", 4) == 0) return strcmp(address, "unix") == 0;
	if (a.family == 0 || b.family == 0) return false;
	if (slash != NULL) {
		bits = 0;
		for (const char *p = slash + 1; p < item + len; p++) {
			if (*p < '0' || *p > '9' || bits > most) return false;
			bits = bits * 10 + (*p - '0');
		}
		if (slash + 1 == item + len || bits > most) return false;
	}
	return same_network(&a, &b, bits);
}

/* An address, a network or "unix", as item_fits() understands them. */
bool address_item_is_valid(const char *item)
{
	const char *slash = strchr(item, '/');
	size_t len = slash != NULL ? (size_t)(slash - item) : strlen(item);
	const char *itself = item;
	char copy[INET6_ADDRSTRLEN + 3];

	if (strcmp(item, "unix") == 0) return true;
	if (len >= sizeof copy) return false;
	memcpy(copy, item, len);
	copy[len] = '\0';
	if (copy[0] == '[' && len > 1 && copy[len - 1] == ']') {
		copy[len - 1] = '\0';
		itself = copy + 1;
	} else {
		itself = copy;
	}
	return item_fits(itself, item, strlen(item));
}

bool address_is_in(const char *address, const char *list)
{
	for (const char *p = list; *p != '\0';) {
		size_t len;

		p += strspn(p, ", \t;");
		len = strcspn(p, ", \t;");
		if (len > 0 && item_fits(address, p, len)) return true;
		p += len;
	}
	return false;
}

bool address_is_loopback(const char *address)
{
	return address_is_in(address, "127.0.0.0/8 ::1 unix");
}

bool address_is_valid(const char *address)
{
	return numeric_of(address, strlen(address)).family != 0;
}

const char *address_of_client(struct arena *a, const char *peer, const char *forwarded, const char *proxies)
{
	const char *end;

	if (forwarded == NULL || !(strcmp(peer, "unix") == 0 || address_is_in(peer, proxies))) return peer;
	end = forwarded + strlen(forwarded);
	while (end > forwarded) { /* from the right: the left part is the client's own word */
		const char *p = end, *item;

		while (p > forwarded && p[-1] != ',')
			p--;
		item = arena_bytes(a, p, (size_t)(end - p));
		item = text_trim(a, item);
		if (!address_is_valid(item)) return peer;
		if (!address_is_in(item, proxies)) return item;
		peer = item;
		end = p > forwarded ? p - 1 : p;
	}
	return peer;
}

const char *host_name(struct arena *a, const char *host)
{
	size_t len = strlen(host);
	const char *colon;
	char *out;

	if (len == 0 || len > 255) return "";
	for (size_t i = 0; i < len; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]", host[i]) ==
		    NULL)
			return "";
	colon = strrchr(host, ':');
	if (colon != NULL && strchr(colon, ']') == NULL) len = (size_t)(colon - host);
	out = arena_bytes(a, host, len);
	if (len > 0 && out[len - 1] == '.') /* "example.com." is the same name, absolute */
		out[len - 1] = '\0';
	return text_lower_ascii(a, out);
}
