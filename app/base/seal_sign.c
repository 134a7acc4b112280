/*
** seal_sign.c -- signatures of others: ECDSA on P-256 with SHA-256, and base64.
**
** Owns:   struct sign_key.
** Needs:  mbedTLS.
** Never:  signs for this house: only a stand-in does, in a provider's place.
** Holds:  (1) a key of another kind or curve proves nothing; (2) every input is bounded before it is decoded.
*/
#include "base/seal.h"
#include "base/mem.h"

#include <mbedtls/base64.h>
#include <mbedtls/ecp.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/sha256.h>
#include <stdlib.h>
#include <string.h>

#define KEY_DER_MAX       256 /* a P-256 key has 91 bytes                                        */
#define KEY_TEXT_MAX      1000
#define SIGNATURE_DER_MAX 72 /* two numbers of 33 bytes and their frame                         */
#define BASE64_STEP       3072

void sb_base64(struct sb *sb, const void *p, size_t len)
{
	unsigned char piece[BASE64_STEP / 3 * 4 + 1];
	const unsigned char *at = p;

	while (len > 0) {
		size_t n = len < BASE64_STEP ? len : BASE64_STEP, done = 0;

		if (mbedtls_base64_encode(piece, sizeof(piece), &done, at, n) != 0) abort();
		sb_bytes(sb, (const char *)piece, done);
		at += n;
		len -= n;
	}
}

static void digest(unsigned char out[SHA256_SIZE], struct bytes a, struct bytes b)
{
	mbedtls_sha256_context c;

	mbedtls_sha256_init(&c);
	if (mbedtls_sha256_starts(&c, 0) != 0 ||
	    mbedtls_sha256_update(&c, (const unsigned char *)a.p, a.len) != 0 ||
	    mbedtls_sha256_update(&c, (const unsigned char *)b.p, b.len) != 0 ||
	    mbedtls_sha256_finish(&c, out) != 0)
		abort();
	mbedtls_sha256_free(&c);
}

/* The letters of base64 alone: without PEM's lines and without blanks. RC_BAD_INPUT: too long. */
static enum rc bare_key(char out[KEY_TEXT_MAX], size_t *len, const char *text)
{
	*len = 0;
	for (const char *p = text; *p != '\0'; p++) {
		if (strncmp(p, "-----", 5) == 0) {
			const char *end = strstr(p + 5, "-----");

			if (end == NULL) return RC_BAD_INPUT;
			p = end + 4;
			continue;
		}
		if (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n') continue;
		if (*len + 1 >= KEY_TEXT_MAX) return RC_BAD_INPUT;
		out[(*len)++] = *p;
	}
	out[*len] = '\0';
	return RC_OK;
}

static enum rc read_key(mbedtls_pk_context *pk, const char *text)
{
	unsigned char der[KEY_DER_MAX];
	char bare[KEY_TEXT_MAX];
	size_t len = 0, n = 0;

	if (bare_key(bare, &len, text) != RC_OK || len == 0) return RC_BAD_INPUT;
	if (mbedtls_base64_decode(der, sizeof(der), &n, (const unsigned char *)bare, len) != 0)
		return RC_BAD_INPUT;
	if (mbedtls_pk_parse_public_key(pk, der, n) != 0 || !mbedtls_pk_can_do(pk, MBEDTLS_PK_ECKEY) ||
	    mbedtls_ecp_keypair_get_group_id(mbedtls_pk_ec(*pk)) != MBEDTLS_ECP_DP_SECP256R1)
		return RC_BAD_INPUT;
	return RC_OK;
}

enum rc sign_check(const char *key, const char *signature, struct bytes a, struct bytes b)
{
	unsigned char der[SIGNATURE_DER_MAX], hash[SHA256_SIZE];
	mbedtls_pk_context pk;
	size_t n = 0;
	enum rc rc;

	mbedtls_pk_init(&pk);
	rc = read_key(&pk, key);
	if (rc == RC_OK && mbedtls_base64_decode(der, sizeof(der), &n, (const unsigned char *)signature,
						 strlen(signature)) != 0)
		rc = RC_DENIED;
	if (rc == RC_OK) {
		digest(hash, a, b);
		if (mbedtls_pk_verify(&pk, MBEDTLS_MD_SHA256, hash, sizeof(hash), der, n) != 0)
			rc = RC_DENIED;
	}
	mbedtls_pk_free(&pk);
	return rc;
}

struct sign_key {
	mbedtls_pk_context pk;
};

struct sign_key *sign_key_new(void)
{
	struct sign_key *k = mem_zeroed(sizeof(*k));

	if (k == NULL) return NULL;
	mbedtls_pk_init(&k->pk);
	if (mbedtls_pk_setup(&k->pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) == 0 &&
	    mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(k->pk), mbedtls_psa_get_random,
				MBEDTLS_PSA_RANDOM_STATE) == 0)
		return k;
	sign_key_free(k);
	return NULL;
}

void sign_key_free(struct sign_key *k)
{
	if (k != NULL) mbedtls_pk_free(&k->pk);
	mem_free(k);
}

/* mbedTLS writes at the end of the room. */
void sign_key_public(const struct sign_key *k, char out[SIGN_PUBLIC_SIZE])
{
	unsigned char der[KEY_DER_MAX];
	int n = mbedtls_pk_write_pubkey_der(&k->pk, der, sizeof(der));
	size_t done = 0;

	if (n <= 0 || mbedtls_base64_encode((unsigned char *)out, SIGN_PUBLIC_SIZE, &done,
					    der + sizeof(der) - n, (size_t)n) != 0)
		abort();
}

void sign_make(const struct sign_key *k, char out[SIGN_TEXT_SIZE], struct bytes a, struct bytes b)
{
	unsigned char der[MBEDTLS_PK_SIGNATURE_MAX_SIZE], hash[SHA256_SIZE];
	mbedtls_pk_context *pk = (mbedtls_pk_context *)(uintptr_t)&k->pk;
	size_t n = 0, done = 0;

	digest(hash, a, b);
	if (mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, hash, sizeof(hash), der, sizeof(der), &n,
			    mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE) != 0 ||
	    mbedtls_base64_encode((unsigned char *)out, SIGN_TEXT_SIZE, &done, der, n) != 0)
		abort();
}
