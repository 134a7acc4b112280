/*
** ca.h -- whom https trusts: one parsed list of authorities for the whole process.
*/
#ifndef RECADO_LINK_CA_H
#define RECADO_LINK_CA_H

#include "base/rc.h"

struct mbedtls_x509_crt;

/* The parsed list, lent for ever; any thread. The host's bundle if it has one, else the embedded one;
** parsed at the first call (about 10 ms, 0.7 MB), so that a process without https never pays for it.
** RC_IO: neither exists or none of their certificates can be read. */
enum rc ca_chain(struct mbedtls_x509_crt **out) MUST_CHECK;

/* Trust these authorities besides (PEM; a NUL must follow len bytes): a gateway with a certificate of the
** house's own. Only before the first connection: the list is read without a lock afterwards. RC_BAD_INPUT:
** no certificate in it. */
enum rc ca_add(const char *pem, size_t len) MUST_CHECK;

#endif
