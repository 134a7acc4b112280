/*
** listen.c -- opens the socket that the server listens on.
**
** Owns:   the listening descriptor and the name of a unix socket.
** Never:  resolves names other than "localhost": no DNS before the start.
** Holds:  (1) a unix socket is 0660: the proxy's group may talk, strangers may not;
**         (2) a name is taken over only when nobody answers behind it.
*/
#include "web/listen.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 512 /* waiting for accept: a burst of a browser's parallel connections */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
};

static bool port_parse(in_port_t *out, const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n > 65535) return false;
	*out = htons((in_port_t)n);
	return true;
}

/* Length of the address, 0 when spec is none. */
static socklen_t address_parse(union address *out, const char *spec)
{
	char host[INET6_ADDRSTRLEN + 1];
	const char *colon = strrchr(spec, ':');
	size_t len;

	memset(out, 0, sizeof *out);
	if (strncmp(spec, "unix:", 5) == 0) {
		if (spec[5] != '/' || strlen(spec + 5) > LISTEN_UNIX_MAX) return 0;
		out->un.sun_family = AF_UNIX;
		memcpy(out->un.sun_path, spec + 5, strlen(spec + 5) + 1);
		return sizeof out->un;
	}
	if (colon == NULL) return 0;
	len = (size_t)(colon - spec);
	if (len >= 2 && spec[0] == '[' && colon[-1] == ']') {
		if (len - 2 >= sizeof host) return 0;
		memcpy(host, spec + 1, len - 2);
		host[len - 2] = '\0';
		out->v6.sin6_family = AF_INET6;
		if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) != 1 ||
		    !port_parse(&out->v6.sin6_port, colon + 1))
			return 0;
		return sizeof out->v6;
	}
	if (len >= sizeof host) return 0;
	memcpy(host, spec, len);
	host[len] = '\0';
	out->v4.sin_family = AF_INET;
	if (strcmp(host, "localhost") == 0)
		out->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (host[0] != '\0' && strcmp(host, "*") != 0 &&
		 inet_pton(AF_INET, host, &out->v4.sin_addr) != 1)
		return 0;
	return port_parse(&out->v4.sin_port, colon + 1) ? sizeof out->v4 : 0;
}

bool listen_is_valid(const char *spec)
{
	union address at;

	return address_parse(&at, spec) != 0;
}

/* True when nobody listens behind the name of a unix socket (or there is none). */
static bool name_is_free(const union address *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answers = fd >= 0 && connect(fd, &at->any, sizeof at->un) == 0;
	struct stat st;

	if (fd >= 0) close(fd);
	if (!answers && lstat(at->un.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(at->un.sun_path);
	return !answers;
}

static int port_of(int fd)
{
	union address at;
	socklen_t len = sizeof at;

	if (getsockname(fd, &at.any, &len) != 0) return 0;
	return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

enum rc listen_open(struct listening *out, const char *spec, enum lang lang, struct arena *a,
		    const char **why)
{
	union address at;
	socklen_t len = address_parse(&at, spec);
	int one = 1, fd;
	bool is_unix = at.any.sa_family == AF_UNIX;
	mode_t old;

	*out = (struct listening){ .fd = -1 };
	if (len == 0) {
		*why = arena_printf(a,
				    words_get(lang, N_("“%s” is no address to listen on (expected "
						       "127.0.0.1:8080, [::1]:8080 or unix:/path).")),
				    spec);
		return RC_BAD_INPUT;
	}
	if (is_unix && !name_is_free(&at)) {
		*why = arena_printf(a, words_get(lang, N_("Another process already listens on %s.")), spec);
		return RC_CONFLICT;
	}
	fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) goto failed;
	if (at.any.sa_family == AF_INET6) (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (!is_unix) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	old = umask(0117);
	if (bind(fd, &at.any, len) != 0 || listen(fd, BACKLOG) != 0) {
		umask(old);
		goto failed;
	}
	umask(old);
	out->fd = fd;
	if (is_unix)
		memcpy(out->path, at.un.sun_path, sizeof at.un.sun_path);
	else
		out->port = port_of(fd);
	return RC_OK;
failed:
	if (errno == EADDRINUSE)
		*why = arena_printf(a, words_get(lang, N_("Another process already listens on %s.")), spec);
	else
		*why = arena_printf(a, words_get(lang, N_("Cannot listen on %s: %s.")), spec,
				    words_errno(lang, errno));
	if (fd >= 0) close(fd);
	return RC_CONFLICT;
}

void listen_close(struct listening *l)
{
	if (l->fd >= 0) close(l->fd);
	if (l->path[0] != '\0') (void)unlink(l->path);
	l->fd = -1;
	l->path[0] = '\0';
}

void peer_text(char out[PEER_TEXT_SIZE], const struct sockaddr *at)
{
	memcpy(out, "unix", 5);
	if (at != NULL && at->sa_family == AF_INET) {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)at)->sin_addr, out,
			  PEER_TEXT_SIZE);
	} else if (at != NULL && at->sa_family == AF_INET6) {
		const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)at)->sin6_addr;

		if (IN6_IS_ADDR_V4MAPPED(six))
			inet_ntop(AF_INET, six->s6_addr + 12, out, PEER_TEXT_SIZE);
		else
			inet_ntop(AF_INET6, six, out, PEER_TEXT_SIZE);
	}
}
