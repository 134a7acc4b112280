/*
** seal_stream.c -- bytes of any length under a passphrase; the form is in seal_stream.h.
**
** Owns:   struct seal_stream, its key inside mbedTLS's PSA key store.
** Needs:  seal_start(); password.c for the key.
** Holds:  (1) a nonce is used once with a key: chunks are numbered, the key is the stream's own; (2) a head
**         that asks for more memory or time than a log-in may is refused before any is taken.
*/
#include "base/seal_stream.h"
#include "base/mem.h"
#include "base/seal_key.h"

#include <mbedtls/platform_util.h>
#include <string.h>

#define MAGIC      "RECADOS1"
#define MAGIC_SIZE 8
#define AT_COST    8
#define AT_CHUNK   20
#define AT_SALT    24
#define AT_TAG     40
#define KEY_SIZE   32
#define NONCE_SIZE 12
#define CHUNKS_MAX UINT32_MAX

_Static_assert(AT_TAG - AT_SALT == PASSWORD_SALT_SIZE, "the salt fills its place in the head");

struct seal_stream {
	psa_key_id_t id;
	uint32_t number;
	bool is_over;
};

static void put32(unsigned char *p, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(n >> (24 - 8 * i));
}

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The stream whose key follows from the head's costs and salt. */
static enum rc stream_with_key(struct seal_stream **out, const unsigned char head[SEAL_HEAD],
			       const char *passphrase)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	struct password_cost cost = { .memory_kib = get32(head + AT_COST),
				      .passes = get32(head + AT_COST + 4),
				      .lanes = get32(head + AT_COST + 8) };
	unsigned char key[KEY_SIZE];
	struct seal_stream *s = NULL;
	enum rc rc = password_key(key, passphrase, head + AT_SALT, &cost);

	if (rc == RC_OK && (s = mem_zeroed(sizeof(*s))) == NULL) rc = RC_NO_MEMORY;
	if (rc == RC_OK) {
		psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
		psa_set_key_bits(&attributes, KEY_SIZE * 8);
		psa_set_key_algorithm(&attributes, PSA_ALG_GCM);
		psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
		if (psa_import_key(&attributes, key, KEY_SIZE, &s->id) != PSA_SUCCESS) rc = RC_BUG;
	}
	mbedtls_platform_zeroize(key, sizeof(key));
	if (rc == RC_OK)
		*out = s;
	else
		mem_free(s);
	return rc;
}

enum rc seal_stream_new(struct seal_stream **out, unsigned char head[SEAL_HEAD], const char *passphrase)
{
	static const unsigned char check_nonce[NONCE_SIZE] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
							       0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct password_cost cost;
	struct seal_stream *s = NULL;
	size_t done;
	enum rc rc;

	password_cost_usual(&cost);
	memcpy(head, MAGIC, MAGIC_SIZE);
	put32(head + AT_COST, cost.memory_kib);
	put32(head + AT_COST + 4, cost.passes);
	put32(head + AT_COST + 8, cost.lanes);
	put32(head + AT_CHUNK, SEAL_CHUNK);
	random_bytes(head + AT_SALT, PASSWORD_SALT_SIZE);
	rc = stream_with_key(&s, head, passphrase);
	if (rc != RC_OK) return rc;
	if (psa_aead_encrypt(s->id, PSA_ALG_GCM, check_nonce, NONCE_SIZE, head, AT_TAG, NULL, 0,
			     head + AT_TAG, SEAL_TAG, &done) != PSA_SUCCESS) {
		seal_stream_free(s);
		return RC_BUG;
	}
	*out = s;
	return RC_OK;
}

bool seal_head_is(const unsigned char *p, size_t len)
{
	return len >= MAGIC_SIZE && memcmp(p, MAGIC, MAGIC_SIZE) == 0;
}

enum rc seal_stream_open(struct seal_stream **out, const unsigned char head[SEAL_HEAD],
			 const char *passphrase)
{
	static const unsigned char check_nonce[NONCE_SIZE] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
							       0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct seal_stream *s = NULL;
	unsigned char none[1];
	size_t done;
	enum rc rc;

	if (!seal_head_is(head, SEAL_HEAD) || get32(head + AT_CHUNK) != SEAL_CHUNK) return RC_BAD_INPUT;
	rc = stream_with_key(&s, head, passphrase);
	if (rc != RC_OK) return rc;
	if (psa_aead_decrypt(s->id, PSA_ALG_GCM, check_nonce, NONCE_SIZE, head, AT_TAG, head + AT_TAG,
			     SEAL_TAG, none, 0, &done) != PSA_SUCCESS) {
		seal_stream_free(s);
		return RC_DENIED;
	}
	*out = s;
	return RC_OK;
}

/* Of the chunk that comes now. False: there are no numbers left, or the last chunk was. */
static bool next_nonce(struct seal_stream *s, unsigned char nonce[NONCE_SIZE], bool is_last)
{
	if (s->is_over || s->number == CHUNKS_MAX) return false;
	memset(nonce, 0, NONCE_SIZE);
	put32(nonce + 7, s->number++);
	nonce[11] = is_last;
	s->is_over = is_last;
	return true;
}

enum rc seal_chunk(struct seal_stream *s, unsigned char *out, const unsigned char *in, size_t len,
		   bool is_last)
{
	unsigned char nonce[NONCE_SIZE];
	size_t done;

	if (len > SEAL_CHUNK || (!is_last && len != SEAL_CHUNK)) return RC_BUG;
	if (!next_nonce(s, nonce, is_last)) return RC_TOO_LARGE;
	return psa_aead_encrypt(s->id, PSA_ALG_GCM, nonce, NONCE_SIZE, NULL, 0, in, len, out, len + SEAL_TAG,
				&done) == PSA_SUCCESS
		       ? RC_OK
		       : RC_BUG;
}

enum rc unseal_chunk(struct seal_stream *s, unsigned char *out, const unsigned char *in, size_t len,
		     bool is_last)
{
	unsigned char nonce[NONCE_SIZE];
	size_t done;

	if (len < SEAL_TAG || len > SEAL_CHUNK + SEAL_TAG) return RC_DENIED;
	if (!next_nonce(s, nonce, is_last)) return RC_DENIED;
	return psa_aead_decrypt(s->id, PSA_ALG_GCM, nonce, NONCE_SIZE, NULL, 0, in, len, out, len - SEAL_TAG,
				&done) == PSA_SUCCESS
		       ? RC_OK
		       : RC_DENIED;
}

void seal_stream_free(struct seal_stream *s)
{
	if (s != NULL) psa_destroy_key(s->id);
	mem_free(s);
}
