/*
** mbedtls_getrandom.c -- the only entropy source of our mbedTLS.
**
** Why: without glibc, mbedTLS seeds itself from /dev/urandom, and a start in a chroot without /dev then
** fails in ways that curl turns into a crash. getrandom(2) needs no file. Compiled into libmbedcrypto by
** deps.sh, together with MBEDTLS_NO_PLATFORM_ENTROPY and MBEDTLS_ENTROPY_HARDWARE_ALT.
**
** Holds: returns 0 with exactly len bytes written, or an error with *olen = 0.
*/
#include <errno.h>
#include <stddef.h>
#include <sys/random.h>

#include <mbedtls/entropy.h>

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen);

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen)
{
	size_t have = 0;

	(void)data;
	*olen = 0;
	while (have < len) {
		ssize_t n = getrandom(output + have, len - have, 0);

		if (n > 0) {
			have += (size_t)n;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else {
			return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
		}
	}
	*olen = len;
	return 0;
}
