/*
** check_net.c -- are the hosts that the settings name found, and do they let us in?
**
** Only `recado check` asks, never the server: a resolver may take its time. Nothing is said to a host: the
** line is opened and closed.
**
** Owns:   nothing that lasts; a resolver thread that hangs is left behind, its answer is nobody's.
** Holds:  a host whose address is of a private network is told, not called (link's address guard), unless the
**         setting itself is such an address.
*/
#include "base/mem.h"
#include "link/http.h"
#include "ops/check.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RESOLVE_MAX_S  5 /* a page of the panel waits no longer for anything */
#define CONNECT_MAX_MS 5000
#define TARGETS_MAX    24

struct target {
	const char *setting, *host;
	int port;
};

static bool is_known(const struct target *list, size_t count, const char *host, int port)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].host, host) == 0 && list[i].port == port) return true;
	return false;
}

static int port_of_scheme(const char *url)
{
	if (strncmp(url, "https:", 6) == 0) return 443;
	if (strncmp(url, "smtps:", 6) == 0) return 465;
	return strncmp(url, "smtp:", 5) == 0 ? 587 : 80;
}

static void add_target(struct cx *cx, struct target *list, size_t *count, const char *setting,
		       const char *url)
{
	const char *p = strstr(url, "://"), *host, *rest;
	int port = p != NULL ? port_of_scheme(url) : 587;

	p = p != NULL ? p + 3 : url;
	if (*p == '[') {
		host = arena_bytes(cx->arena, p + 1, strcspn(p + 1, "]"));
		rest = p + 1 + strcspn(p + 1, "]");
		rest += *rest == ']';
	} else {
		host = arena_bytes(cx->arena, p, strcspn(p, "/:?#"));
		rest = p + strcspn(p, "/:?#");
	}
	if (*rest == ':') port = (int)strtol(rest + 1, NULL, 10);
	if (host[0] == '\0' || *count == TARGETS_MAX || is_known(list, *count, host, port)) return;
	list[(*count)++] = (struct target){ setting, host, port };
}

static bool ends_with(const char *text, const char *tail)
{
	size_t n = strlen(text), m = strlen(tail);

	return n > m && strcmp(text + n - m, tail) == 0;
}

/* Addresses outside that the settings name: URLs, and X.host with its X.port. Our own address is not
** outside. */
static size_t targets(struct cx *cx, struct target list[TARGETS_MAX])
{
	const struct settings *s = cx->env->settings;
	const struct setting *row;
	size_t count = 0;

	for (size_t i = 0; (row = settings_row(s, i)) != NULL; i++) {
		const char *value = setting_text(s, row->name), *port;

		if (value[0] == '\0' || row->is_secret || strcmp(row->name, "web.public_url") == 0) continue;
		if (row->type == SET_URL) {
			add_target(cx, list, &count, row->name, value);
		} else if (row->type == SET_TEXT && ends_with(row->name, ".host")) {
			port = arena_printf(cx->arena, "%.*s.port", (int)(strlen(row->name) - 5), row->name);
			if (settings_find(s, port) != NULL)
				value = arena_printf(cx->arena, "%s:%lld", value,
						     (long long)setting_int(s, port));
			add_target(cx, list, &count, row->name, value);
		}
	}
	return count;
}

/* Resolving with an end: the thread may outlive the question, so what they share counts its owners. */

struct question {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool is_done;
	int code;
	char address[INET6_ADDRSTRLEN];
	_Atomic int owners;
	char host[256];
};

static void question_leave(struct question *q)
{
	if (atomic_fetch_sub(&q->owners, 1) == 1) mem_free(q);
}

static void *resolver(void *arg)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	struct question *q = arg;
	char address[INET6_ADDRSTRLEN] = "";
	int code = getaddrinfo(q->host, NULL, &hints, &list);

	if (code == 0 && list != NULL)
		(void)getnameinfo(list->ai_addr, list->ai_addrlen, address, sizeof(address), NULL, 0,
				  NI_NUMERICHOST);
	if (list != NULL) freeaddrinfo(list);
	pthread_mutex_lock(&q->lock);
	q->is_done = true;
	q->code = code;
	memcpy(q->address, address, sizeof(address));
	pthread_cond_signal(&q->answered);
	pthread_mutex_unlock(&q->lock);
	question_leave(q);
	return NULL;
}

/* The first numeric address of a host, or false within RESOLVE_MAX_S. */
static bool resolve(const char *host, char address[INET6_ADDRSTRLEN])
{
	struct question *q = mem_zeroed(sizeof(*q));
	struct timespec until;
	pthread_t thread;
	bool is_found;

	if (q == NULL || strlen(host) >= sizeof(q->host)) {
		mem_free(q);
		return false;
	}
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->answered, NULL);
	strncpy(q->host, host, sizeof(q->host) - 1);
	q->owners = 2;
	if (pthread_create(&thread, NULL, resolver, q) != 0) {
		mem_free(q);
		return false;
	}
	pthread_detach(thread);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += RESOLVE_MAX_S;
	pthread_mutex_lock(&q->lock);
	while (!q->is_done && pthread_cond_timedwait(&q->answered, &q->lock, &until) == 0)
		continue;
	is_found = q->is_done && q->code == 0 && q->address[0] != '\0';
	memcpy(address, q->address, INET6_ADDRSTRLEN);
	pthread_mutex_unlock(&q->lock);
	question_leave(q);
	return is_found;
}

static bool is_numeric(const char *host)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static const char *resolver_command(void)
{
	return access("/run/systemd/resolve", F_OK) == 0 ? "systemctl restart systemd-resolved"
							 : "cat /etc/resolv.conf";
}

static void check_dns(struct cx *cx, struct check_result *out)
{
	struct target list[TARGETS_MAX];
	size_t count = targets(cx, list), missing = 0, named = 0;
	const struct target *first = NULL;
	char address[INET6_ADDRSTRLEN];

	if (!check_is_online()) return;
	for (size_t i = 0; i < count; i++) {
		if (is_numeric(list[i].host)) continue;
		named++;
		if (resolve(list[i].host, address)) continue;
		missing++;
		if (first == NULL) first = &list[i];
	}
	out->detail = named == 0
			      ? _("No setting names a host by name.")
			      : arena_printf(cx->arena, _("All %zu hosts of the settings are found."), named);
	if (missing == 0) return;
	out->state = CHECK_FAIL;
	out->detail = arena_printf(cx->arena, _("The host of %s is not found (%zu of %zu)."), first->setting,
				   missing, named);
	out->remedy = missing == named && named > 1
			      ? resolver_command()
			      : arena_printf(cx->arena, "recado config reset %s", first->setting);
}

/* 0: the line stood for a moment; else errno. */
static int try_connect(const char *address, int port)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM },
			*to = NULL;
	char service[16];
	socklen_t len = sizeof(int);
	int fd, error = 0;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(address, service, &hints, &to) != 0) return EINVAL;
	fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		error = errno;
	else if (connect(fd, to->ai_addr, to->ai_addrlen) != 0) {
		struct pollfd wait = { .fd = fd, .events = POLLOUT };

		error = errno;
		if (error == EINPROGRESS) {
			int n = poll(&wait, 1, CONNECT_MAX_MS);

			if (n <= 0)
				error = ETIMEDOUT;
			else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
				error = errno;
		}
	}
	if (fd >= 0) close(fd);
	freeaddrinfo(to);
	return error;
}

static void check_ports(struct cx *cx, struct check_result *out)
{
	struct target list[TARGETS_MAX];
	size_t count = targets(cx, list), closed = 0, tried = 0;
	const struct target *first = NULL;
	char address[INET6_ADDRSTRLEN];
	const char *private = NULL;

	if (!check_is_online()) return;
	for (size_t i = 0; i < count; i++) {
		if (!resolve(list[i].host, address)) continue;
		if (!is_numeric(list[i].host) && !guard_allows(address)) {
			private = list[i].setting;
			continue;
		}
		tried++;
		if (try_connect(address, list[i].port) == 0) continue;
		closed++;
		if (first == NULL) first = &list[i];
	}
	out->detail = arena_printf(cx->arena, _("All %zu hosts that were tried let us in."), tried);
	if (closed > 0) {
		out->state = CHECK_FAIL;
		out->detail = arena_printf(cx->arena, _("The host of %s cannot be reached at port %d."),
					   first->setting, first->port);
		out->remedy = is_numeric(first->host)
				      ? arena_printf(cx->arena, "recado config reset %s", first->setting)
				      : arena_printf(cx->arena, "ufw allow out %d/tcp", first->port);
	} else if (private != NULL) {
		out->state = CHECK_WARN;
		out->detail = arena_printf(
			cx->arena, _("The host of %s leads into a private network; it was not called."),
			private);
		out->remedy = resolver_command();
	}
}

#define NET .section = SECTION_INTEGRATIONS
const struct check net_checks[] = {
	{ .name = "dns", .title = N_("Names of hosts (DNS)"), NET, .run = check_dns },
	{ .name = "ports", .title = N_("Ways out"), NET, .run = check_ports },
	{ .name = NULL },
};
