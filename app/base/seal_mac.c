/*
** seal_mac.c -- keyed sums that standards of others ask for.
**
** Needs:  mbedTLS.
** Never:  is used to seal or to store anything of ours: that is AES-GCM and SHA-256 (seal.c).
*/
#include "base/seal.h"

#include <mbedtls/md.h>
#include <stdlib.h>

void hmac_sha1(unsigned char out[SHA1_SIZE], const void *key, size_t key_len, const void *p, size_t len)
{
	const mbedtls_md_info_t *sha1 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA1);

	if (sha1 == NULL || mbedtls_md_hmac(sha1, key, key_len, p, len, out) != 0) abort();
}
