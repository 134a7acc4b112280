/*
** seal_mac.c -- keyed sums that standards of others ask for.
**
** Needs:  mbedTLS.
** Never:  is used to seal or to store anything of ours: that is AES-GCM and SHA-256 (seal.c).
*/
#include "base/seal.h"

#include <mbedtls/md.h>
#include <stdlib.h>

static void mac(mbedtls_md_type_t type, unsigned char *out, const void *key, size_t key_len, const void *p,
		size_t len)
{
	const mbedtls_md_info_t *md = mbedtls_md_info_from_type(type);

	if (md == NULL || mbedtls_md_hmac(md, key, key_len, p, len, out) != 0) abort();
}

void hmac_sha1(unsigned char out[SHA1_SIZE], const void *key, size_t key_len, const void *p, size_t len)
{
	mac(MBEDTLS_MD_SHA1, out, key, key_len, p, len);
}

void hmac_sha256(unsigned char out[SHA256_SIZE], const void *key, size_t key_len, const void *p, size_t len)
{
	mac(MBEDTLS_MD_SHA256, out, key, key_len, p, len);
}
