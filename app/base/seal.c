/*
** seal.c -- random bytes, hashes, and texts that only this house can read.
**
** Owns:   struct seal_key (the key itself lives inside mbedTLS's PSA key store).
** Needs:  getrandom(2); mbedTLS, which seal_start() must have set up before any key is loaded.
** Never:  writes a secret to a log; leaves one in memory that it can wipe.
** Holds:  (1) every sealing has a fresh random nonce (96 bits: safe for 2^32 sealings with one key);
**         (2) a sealed text opens only with the same key and the same context;
**         (3) a key file appears whole or not at all, and is never replaced.
** Passwords are in password.c, the recovery code in seal_key.c.
*/
#include "base/seal.h"
#include "base/mem.h"
#include "base/seal_key.h"

#include <errno.h>
#include <mbedtls/base64.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define NONCE_SIZE    12
#define TAG_SIZE      16
#define VERSION       "v1:"
#define SEAL_TEXT_MAX (256 * 1024) /* a credentials file of a provider; bounds a hostile row */
#define ALG           PSA_ALG_GCM

struct sha256_stream {
	mbedtls_sha256_context ctx;
};

/* Without randomness or hashes nothing here may go on: a token of zeros would be worse than a stopped server.
 */
static _Noreturn void end(const char *what)
{
	fprintf(stderr, "recado: %s failed; the process ends\n", what);
	abort();
}

enum rc seal_start(void)
{
	return psa_crypto_init() == PSA_SUCCESS ? RC_OK : RC_IO;
}

/* Random */

void random_bytes(void *out, size_t len)
{
	unsigned char *p = out;

	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) end("getrandom");
		p += n;
		len -= (size_t)n;
	}
}

/* Lower-case base32 (alphabet of RFC 4648) of count * 5 random bits. */
void random_letters(char *out, size_t count)
{
	unsigned char bits[33];
	size_t bytes = (count * 5 + 7) / 8;

	random_bytes(bits, bytes);
	base32_text(out, count, bits, bytes);
	mbedtls_platform_zeroize(bits, sizeof(bits));
}

/* The millisecond first, so that an index of ids grows at its end; the digits before the letters, as they
** sort. */
static void put_time(char out[PUBLIC_ID_TIME])
{
	static const char digits[] = "234567abcdefghijklmnopqrstuvwxyz";
	struct timespec ts;
	uint64_t ms;

	clock_gettime(CLOCK_REALTIME, &ts);
	ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	for (int i = PUBLIC_ID_TIME; i-- > 0; ms >>= 5)
		out[i] = digits[ms & 31];
}

/* Bytes for ids are fetched some at a time: a day's plan makes two ids a message. */
void public_id_new(char out[PUBLIC_ID_SIZE])
{
	enum { BYTES = ((PUBLIC_ID_SIZE - 1 - PUBLIC_ID_TIME) * 5 + 7) / 8, IDS = 32 };
	static _Thread_local unsigned char pool[BYTES * IDS];
	static _Thread_local size_t left;

	put_time(out);
	if (left == 0) {
		random_bytes(pool, sizeof(pool));
		left = IDS;
	}
	left--;
	base32_text(out + PUBLIC_ID_TIME, PUBLIC_ID_SIZE - 1 - PUBLIC_ID_TIME, pool + left * BYTES, BYTES);
	memset(pool + left * BYTES, 0, BYTES);
}

void token_new(char out[TOKEN_SIZE])
{
	random_letters(out, TOKEN_SIZE - 1);
}

/* Hashes */

static void hex(char *out, const unsigned char *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
}

void sha256(unsigned char out[SHA256_SIZE], const void *p, size_t len)
{
	if (mbedtls_sha256(p, len, out, 0) != 0) end("sha256");
}

void sha256_hex(char out[SHA256_HEX_SIZE], const void *p, size_t len)
{
	unsigned char sum[SHA256_SIZE];

	sha256(sum, p, len);
	hex(out, sum, sizeof(sum));
}

struct sha256_stream *sha256_open(void)
{
	struct sha256_stream *s = mem_alloc(sizeof(*s));

	if (!s) return NULL;
	mbedtls_sha256_init(&s->ctx);
	if (mbedtls_sha256_starts(&s->ctx, 0) != 0) end("sha256");
	return s;
}

void sha256_add(struct sha256_stream *s, const void *p, size_t len)
{
	if (mbedtls_sha256_update(&s->ctx, p, len) != 0) end("sha256");
}

void sha256_close(struct sha256_stream *s, char out[SHA256_HEX_SIZE])
{
	unsigned char sum[SHA256_SIZE];

	if (mbedtls_sha256_finish(&s->ctx, sum) != 0) end("sha256");
	hex(out, sum, sizeof(sum));
	mbedtls_sha256_free(&s->ctx);
	mem_free(s);
}

/* Walks all of b whatever it finds, so the time says nothing about where they differ. */
bool same_bytes(const void *a, size_t alen, const void *b, size_t blen)
{
	const unsigned char *x = a, *y = b;
	volatile unsigned char differ = alen != blen;
	size_t i;

	for (i = 0; i < blen; i++)
		differ = (unsigned char)(differ | ((i < alen ? x[i] : 0) ^ y[i]));
	return differ == 0;
}

/* Sealing */

enum rc seal_text(struct arena *a, char **out, const struct seal_key *k, const char *context,
		  const char *text)
{
	size_t len = strlen(text), raw_len = NONCE_SIZE + len + TAG_SIZE, done, written;
	size_t room = (raw_len + 2) / 3 * 4 + 1;
	unsigned char *raw;
	char *sealed;

	if (len > SEAL_TEXT_MAX) return RC_TOO_LARGE;
	raw = arena_alloc(a, raw_len);
	sealed = arena_alloc(a, strlen(VERSION) + room);
	if (!raw || !sealed) return RC_NO_MEMORY;
	random_bytes(raw, NONCE_SIZE);
	if (psa_aead_encrypt(k->id, ALG, raw, NONCE_SIZE, (const unsigned char *)context, strlen(context),
			     (const unsigned char *)text, len, raw + NONCE_SIZE, len + TAG_SIZE,
			     &done) != PSA_SUCCESS)
		return RC_BUG;
	memcpy(sealed, VERSION, strlen(VERSION));
	if (mbedtls_base64_encode((unsigned char *)sealed + strlen(VERSION), room, &written, raw, raw_len) !=
	    0)
		return RC_BUG;
	*out = sealed;
	return RC_OK;
}

enum rc unseal_text(struct arena *a, char **out, const struct seal_key *k, const char *context,
		    const char *sealed)
{
	size_t len = strlen(sealed), raw_len, done;
	unsigned char *raw, *text;

	if (strncmp(sealed, VERSION, strlen(VERSION)) != 0) return RC_BAD_INPUT;
	sealed += strlen(VERSION);
	len -= strlen(VERSION);
	if (len > (SEAL_TEXT_MAX + NONCE_SIZE + TAG_SIZE) / 3 * 4 + 4) return RC_TOO_LARGE;
	if (!(raw = arena_alloc(a, len + 1)) || !(text = arena_alloc(a, len + 1))) return RC_NO_MEMORY;
	if (mbedtls_base64_decode(raw, len, &raw_len, (const unsigned char *)sealed, len) != 0 ||
	    raw_len < NONCE_SIZE + TAG_SIZE)
		return RC_BAD_INPUT;
	/* base64 has spare bits at its end: only the one spelling that we write is ours. */
	if (mbedtls_base64_encode(text, len + 1, &done, raw, raw_len) != 0 || done != len ||
	    memcmp(text, sealed, len) != 0)
		return RC_BAD_INPUT;
	if (psa_aead_decrypt(k->id, ALG, raw, NONCE_SIZE, (const unsigned char *)context, strlen(context),
			     raw + NONCE_SIZE, raw_len - NONCE_SIZE, text, len, &done) != PSA_SUCCESS)
		return RC_DENIED;
	text[done] = '\0';
	*out = (char *)text;
	return RC_OK;
}
