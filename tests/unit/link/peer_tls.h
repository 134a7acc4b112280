/*
** peer_tls.h -- TLS for the scripted server, with an authority made for this process only.
*/
#ifndef RECADO_TESTS_LINK_PEER_TLS_H
#define RECADO_TESTS_LINK_PEER_TLS_H

#include <stddef.h>
#include <sys/types.h>

struct peer_tls;
void peer_tls_prepare(void);              /* makes the certificate (127.0.0.1, localhost) once */
struct peer_tls *peer_tls_accept(int fd); /* NULL: the handshake failed; fd stays the caller's  */
ssize_t peer_tls_read(struct peer_tls *t, char *to, size_t room);
ssize_t peer_tls_write(struct peer_tls *t, const char *p, size_t len);
void peer_tls_free(struct peer_tls *t); /* says good-bye; NULL is fine */

#endif
