/*
** listen.h -- opens the socket that the server listens on.
*/
#ifndef RECADO_WEB_LISTEN_H
#define RECADO_WEB_LISTEN_H

#include "base/arena.h"
#include "base/words.h"

#define LISTEN_UNIX_MAX 107 /* sun_path of Linux, less its NUL */

struct listening {
	int fd;
	int port;       /* 0 for a unix socket */
	char path[108]; /* of a unix socket, else "" */
};

/* spec: "127.0.0.1:8080", "[::1]:0", "localhost:80", ":8080" (all IPv4 addresses), "unix:/path". A stale
** unix socket is replaced, a living one is RC_CONFLICT. On failure *why (arena) is a sentence in lang. */
enum rc listen_open(struct listening *out, const char *spec, enum lang lang, struct arena *a,
		    const char **why) MUST_CHECK;
/* Is spec one of those? Opens nothing. */
bool listen_is_valid(const char *spec);
#define PEER_TEXT_SIZE 47 /* an IPv6 address and NUL */
struct sockaddr;
/* Numeric address; an IPv4 one inside IPv6 as IPv4; "unix" for anything else and NULL. */
void peer_text(char out[PEER_TEXT_SIZE], const struct sockaddr *at);

void listen_close(struct listening *l); /* removes the unix socket */

#endif
