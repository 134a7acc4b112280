/*
** guard.c -- which addresses a URL of a stranger may reach (server-side request forgery).
**
** Owns:   the list of special address blocks.
** Needs:  nothing.
** Never:  resolves a name; the caller hands in what the name was resolved to.
** Holds:  (1) what is not a numeric address is not allowed; (2) an IPv4 address inside an IPv6 one (mapped,
**         NAT64, 6to4) is judged as the IPv4 address it leads to; (3) of IPv6 only global unicast (2000::/3)
**         may pass at all.
** Source: IANA special-purpose address registries (RFC 6890 and what was added since).
*/
#include "link/http.h"

#include <arpa/inet.h>
#include <string.h>

struct block {
	unsigned char net[16];
	unsigned bits;
};

static const struct block special4[] = {
	{ { 0, 0, 0, 0 }, 8 },       /* "this network"                        */
	{ { 10, 0, 0, 0 }, 8 },      /* private                               */
	{ { 100, 64, 0, 0 }, 10 },   /* shared, carrier NAT                   */
	{ { 127, 0, 0, 0 }, 8 },     /* loopback                              */
	{ { 169, 254, 0, 0 }, 16 },  /* link-local: cloud metadata lives here */
	{ { 172, 16, 0, 0 }, 12 },   /* private                               */
	{ { 192, 0, 0, 0 }, 24 },    /* protocol assignments                  */
	{ { 192, 0, 2, 0 }, 24 },    /* documentation                         */
	{ { 192, 88, 99, 0 }, 24 },  /* old 6to4 relays                       */
	{ { 192, 168, 0, 0 }, 16 },  /* private                               */
	{ { 198, 18, 0, 0 }, 15 },   /* benchmarks                            */
	{ { 198, 51, 100, 0 }, 24 }, /* documentation                         */
	{ { 203, 0, 113, 0 }, 24 },  /* documentation                         */
	{ { 224, 0, 0, 0 }, 4 },     /* multicast                             */
	{ { 240, 0, 0, 0 }, 4 },     /* reserved, broadcast                   */
};

static const struct block special6[] = {
	{ { 0x20, 0x01, 0x00 }, 23 },       /* protocol assignments, Teredo, ORCHID */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation                        */
	{ { 0x3f, 0xff, 0x00 }, 20 },       /* documentation                        */
};

static const struct block global6 = { { 0x20 }, 3 };
static const struct block mapped6 = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96 };
static const struct block nat64 = { { 0x00, 0x64, 0xff, 0x9b }, 96 };
static const struct block six_to_four = { { 0x20, 0x02 }, 16 };

static bool is_in(const unsigned char *address, const struct block *b)
{
	unsigned whole = b->bits / 8, rest = b->bits % 8;
	unsigned char mask = (unsigned char)(0xff00u >> rest);

	if (memcmp(address, b->net, whole) != 0) return false;
	return rest == 0 || ((address[whole] ^ b->net[whole]) & mask) == 0;
}

static bool allows4(const unsigned char *address)
{
	for (size_t i = 0; i < sizeof(special4) / sizeof(special4[0]); i++)
		if (is_in(address, &special4[i])) return false;
	return true;
}

static bool allows6(const unsigned char *address)
{
	if (is_in(address, &mapped6) || is_in(address, &nat64)) return allows4(address + 12);
	if (is_in(address, &six_to_four)) return allows4(address + 2);
	if (!is_in(address, &global6)) return false;
	for (size_t i = 0; i < sizeof(special6) / sizeof(special6[0]); i++)
		if (is_in(address, &special6[i])) return false;
	return true;
}

bool guard_allows(const char *numeric_address)
{
	unsigned char address[16];

	if (numeric_address == NULL) return false;
	if (inet_pton(AF_INET, numeric_address, address) == 1) return allows4(address);
	if (inet_pton(AF_INET6, numeric_address, address) == 1) return allows6(address);
	return false;
}
