/*
** gateway.c -- a tiny gateway on loopback that does what a test wrote down for each number, and counts.
**
** One thread a connection, requests read whole; good enough for a few hundred messages.
*/
#include "gateway.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define RULES_MAX       32
#define SEEN_MAX        4096
#define CONNECTIONS_MAX 128

struct rule {
	const char *digits, *answer;
};

struct gateway {
	int fd, port;
	pthread_t thread;
	pthread_mutex_t lock;
	struct rule rules[RULES_MAX];
	int rule_count, status, slow_ms;
	const char *session;
	char seen[SEEN_MAX][6];
	int seen_count, open, most_open;
	int fds[CONNECTIONS_MAX];
	pthread_t threads[CONNECTIONS_MAX];
	int connection_count;
	bool is_stopping;
};

struct connection {
	struct gateway *g;
	int fd;
};

static void say(int fd, int status, const char *headers, const char *body)
{
	char out[2048];
	int n = snprintf(out, sizeof(out),
			 "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s",
			 status, strlen(body), headers, body);

	(void)!send(fd, out, (size_t)n, MSG_NOSIGNAL);
}

/* One whole request into buf; false when the client went. */
static bool read_request(int fd, char *buf, size_t size)
{
	size_t have = 0;

	for (;;) {
		ssize_t n = recv(fd, buf + have, size - 1 - have, 0);
		const char *end, *length;

		if (n <= 0) return false;
		have += (size_t)n;
		buf[have] = '\0';
		end = strstr(buf, "\r\n\r\n");
		if (end == NULL) continue;
		length = strcasestr(buf, "Content-Length:");
		if (length == NULL || length > end) return true;
		if (have >= (size_t)(end + 4 - buf) + strtoul(length + 15, NULL, 10)) return true;
	}
}

static const char *note_send(struct gateway *g, const char *digits, int *slow_ms, int *id)
{
	const char *answer = NULL;

	pthread_mutex_lock(&g->lock);
	if (g->seen_count < SEEN_MAX) snprintf(g->seen[g->seen_count], sizeof(g->seen[0]), "%.5s", digits);
	*id = 1000 + g->seen_count++;
	if (++g->open > g->most_open) g->most_open = g->open;
	for (int i = 0; i < g->rule_count; i++)
		if (strncmp(g->rules[i].digits, digits, 5) == 0) answer = g->rules[i].answer;
	*slow_ms = g->slow_ms;
	pthread_mutex_unlock(&g->lock);
	return answer;
}

enum form { FORM_WHATSAPP, FORM_CHAT, FORM_MAIL };

/* The last five digits of a WhatsApp number, the first five letters of a chat's text or a mail's recipient. */
static void whom(char out[6], const char *request, enum form form)
{
	static const char *const marks[] = { "\"to\":\"", "\"text\":\"", "\"recipients\":[{\"email\":\"" };
	const char *at = strstr(request, marks[form]);

	out[0] = '\0';
	if (at == NULL) return;
	if (form != FORM_WHATSAPP)
		snprintf(out, 6, "%.5s", at + strlen(marks[form]));
	else if (strlen(at) > 19)
		snprintf(out, 6, "%.5s", at + 6 + 8);
}

/* False: close the connection. */
static bool answer_send(struct gateway *g, int fd, const char *request, enum form form)
{
	char body[200];
	char digits[6];
	const char *answer, *blank;
	int slow_ms = 0, id = 0;

	whom(digits, request, form);
	answer = note_send(g, digits, &slow_ms, &id);
	if (slow_ms > 0) usleep((useconds_t)slow_ms * 1000);
	pthread_mutex_lock(&g->lock);
	g->open--;
	pthread_mutex_unlock(&g->lock);
	if (answer == NULL && form == FORM_CHAT) {
		say(fd, 200, "", "ok");
		return true;
	}
	if (answer == NULL && form == FORM_MAIL) {
		snprintf(body, sizeof(body), "{\"createdResourceId\":\"mail-%d\"}", id);
		say(fd, 201, "", body);
		return true;
	}
	if (answer == NULL) {
		snprintf(body, sizeof(body),
			 "{\"success\":true,\"data\":{\"msgId\":%d,\"status\":\"in_progress\"}}", id);
		say(fd, 200, "", body);
		return true;
	}
	if (strcmp(answer, "cut") == 0) return false;
	if (strcmp(answer, "hang") == 0) {
		char waste[16];

		while (recv(fd, waste, sizeof(waste), 0) > 0)
			continue;
		return false;
	}
	blank = strstr(answer, "\n\n");
	if (blank != NULL) {
		char headers[300];

		snprintf(headers, sizeof(headers), "%.*s\r\n", (int)(blank - answer - 4), answer + 4);
		say(fd, atoi(answer), headers, blank + 2);
	} else {
		say(fd, atoi(answer), "", answer + 4);
	}
	return true;
}

static void *serve(void *arg)
{
	struct connection c = *(struct connection *)arg;
	char request[16384], body[300];
	bool goes_on = true;

	free(arg);
	while (goes_on && read_request(c.fd, request, sizeof(request))) {
		if (strncmp(request, "POST /api/send-message ", 23) == 0) {
			goes_on = answer_send(c.g, c.fd, request, FORM_WHATSAPP);
		} else if (strncmp(request, "POST /services/", 15) == 0) {
			goes_on = answer_send(c.g, c.fd, request, FORM_CHAT);
		} else if (strncmp(request, "POST /accounts/", 15) == 0) {
			goes_on = answer_send(c.g, c.fd, request, FORM_MAIL);
		} else if (strncmp(request, "GET /api/status ", 16) == 0) {
			snprintf(body, sizeof(body), "{\"status\":\"%s\"}", c.g->session);
			say(c.fd, 200, "", body);
		} else if (strncmp(request, "GET /api/messages/", 18) == 0) {
			int id = atoi(request + 18);

			snprintf(
				body, sizeof(body),
				"{\"success\":true,\"data\":{\"msgId\":%d,\"key\":{\"id\":\"KEY%d\"},\"status\":%d}}",
				id, id, c.g->status);
			say(c.fd, 200, "", body);
		} else {
			say(c.fd, 404, "", "{}");
		}
	}
	shutdown(c.fd, SHUT_RDWR);
	return NULL;
}

static void *run(void *arg)
{
	struct gateway *g = arg;

	for (;;) {
		struct connection *c;
		int fd = accept(g->fd, NULL, NULL);

		if (fd < 0) return NULL;
		pthread_mutex_lock(&g->lock);
		c = malloc(sizeof(*c));
		if (g->is_stopping || g->connection_count == CONNECTIONS_MAX || c == NULL) {
			close(fd);
			free(c);
		} else {
			*c = (struct connection){ g, fd };
			g->fds[g->connection_count] = fd;
			pthread_create(&g->threads[g->connection_count++], NULL, serve, c);
		}
		pthread_mutex_unlock(&g->lock);
	}
}

struct gateway *gateway_start(void)
{
	struct gateway *g = calloc(1, sizeof(*g));
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	if (g == NULL) abort();
	pthread_mutex_init(&g->lock, NULL);
	g->session = "connected";
	g->status = 4;
	g->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(g->fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(g->fd, 64) != 0) abort();
	getsockname(g->fd, (struct sockaddr *)&a, &len);
	g->port = ntohs(a.sin_port);
	pthread_create(&g->thread, NULL, run, g);
	return g;
}

void gateway_stop(struct gateway *g)
{
	pthread_mutex_lock(&g->lock);
	g->is_stopping = true;
	shutdown(g->fd, SHUT_RDWR);
	for (int i = 0; i < g->connection_count; i++)
		shutdown(g->fds[i], SHUT_RDWR);
	pthread_mutex_unlock(&g->lock);
	pthread_join(g->thread, NULL);
	for (int i = 0; i < g->connection_count; i++) {
		pthread_join(g->threads[i], NULL);
		close(g->fds[i]);
	}
	close(g->fd);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

int gateway_port(const struct gateway *g)
{
	return g->port;
}

void gateway_answer(struct gateway *g, const char *digits, const char *answer)
{
	pthread_mutex_lock(&g->lock);
	for (int i = 0; i < g->rule_count; i++)
		if (strcmp(g->rules[i].digits, digits) == 0) {
			g->rules[i].answer = answer;
			digits = NULL;
			break;
		}
	if (digits != NULL && g->rule_count < RULES_MAX)
		g->rules[g->rule_count++] = (struct rule){ digits, answer };
	pthread_mutex_unlock(&g->lock);
}

void gateway_session(struct gateway *g, const char *word)
{
	pthread_mutex_lock(&g->lock);
	g->session = word;
	pthread_mutex_unlock(&g->lock);
}

void gateway_status(struct gateway *g, int status)
{
	pthread_mutex_lock(&g->lock);
	g->status = status;
	pthread_mutex_unlock(&g->lock);
}

void gateway_slow(struct gateway *g, int ms)
{
	pthread_mutex_lock(&g->lock);
	g->slow_ms = ms;
	pthread_mutex_unlock(&g->lock);
}

int gateway_received(struct gateway *g, const char *digits)
{
	int n = 0;

	pthread_mutex_lock(&g->lock);
	for (int i = 0; i < g->seen_count && i < SEEN_MAX; i++)
		if (*digits == '\0' || strcmp(g->seen[i], digits) == 0) n++;
	pthread_mutex_unlock(&g->lock);
	return n;
}

int gateway_most_open(struct gateway *g)
{
	int n;

	pthread_mutex_lock(&g->lock);
	n = g->most_open;
	pthread_mutex_unlock(&g->lock);
	return n;
}
