/*
** peer.c -- the scripted server: one thread that accepts, one for each connection.
**
** Owns:   a listening socket on loopback, the requests it saw.
** Never:  answers by itself; everything is in the script.
*/
#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "peer_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINES_MAX    256
#define REQUEST_SIZE 70000

struct line {
	struct peer *peer;
	int fd, index;
	struct peer_tls *tls;
	pthread_t thread;
	char buf[REQUEST_SIZE];
	size_t have;
};

struct peer {
	const struct peer_step (*scripts)[PEER_STEPS];
	size_t count;
	bool is_tls;
	int fd, port, stop[2];
	pthread_t thread;
	pthread_mutex_t lock;
	struct line *lines[LINES_MAX];
	int line_count, request_count;
	char *requests[256];
};

/* False when the peer is being stopped. */
static bool wait_readable(struct line *l)
{
	struct pollfd p[2] = { { .fd = l->fd, .events = POLLIN },
			       { .fd = l->peer->stop[0], .events = POLLIN } };

	poll(p, 2, -1);
	return p[1].revents == 0;
}

static ssize_t line_recv(struct line *l, char *to, size_t room)
{
	if (l->tls != NULL) return peer_tls_read(l->tls, to, room);
	if (!wait_readable(l)) return -1;
	return recv(l->fd, to, room, 0);
}

static void line_send(struct line *l, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n =
			l->tls != NULL ? peer_tls_write(l->tls, p, len) : send(l->fd, p, len, MSG_NOSIGNAL);

		if (n <= 0) return;
		p += n;
		len -= (size_t)n;
	}
}

static size_t body_length(const char *head)
{
	const char *p = strcasestr(head, "content-length:");

	return p == NULL ? 0 : (size_t)strtoul(p + 15, NULL, 10);
}

static bool read_request(struct line *l, bool only_head)
{
	struct peer *p = l->peer;

	for (;;) {
		char *end = l->have > 0 ? memmem(l->buf, l->have, "\r\n\r\n", 4) : NULL;
		ssize_t n;

		l->buf[l->have] = '\0';
		if (end != NULL && only_head) return true;
		if (end != NULL && l->have >= (size_t)(end - l->buf) + 4 + body_length(l->buf)) break;
		n = line_recv(l, l->buf + l->have, sizeof(l->buf) - 1 - l->have);
		if (n <= 0) return false;
		l->have += (size_t)n;
	}
	pthread_mutex_lock(&p->lock);
	p->requests[p->request_count++] = strdup(l->buf);
	pthread_mutex_unlock(&p->lock);
	l->have = 0;
	return true;
}

static void drip(struct line *l, const char *text)
{
	for (; *text != '\0'; text++) {
		line_send(l, text, 1);
		sched_yield();
	}
}

static void fill(struct line *l, size_t size)
{
	char block[4096];

	memset(block, 'x', sizeof(block));
	for (; size > 0; size -= size < sizeof(block) ? size : sizeof(block))
		line_send(l, block, size < sizeof(block) ? size : sizeof(block));
}

static void hold(struct line *l)
{
	char byte[256];

	while (wait_readable(l) && recv(l->fd, byte, sizeof(byte), 0) > 0)
		;
}

static void *serve_line(void *arg)
{
	struct line *l = arg;
	struct peer *p = l->peer;
	const struct peer_step *s = p->scripts[(size_t)l->index < p->count ? (size_t)l->index : p->count - 1];
	const struct peer_step *first;
	bool is_on = true;

	if (p->is_tls) {
		l->tls = peer_tls_accept(l->fd);
		is_on = l->tls != NULL;
	}
	first = s;
	for (; is_on && s->what != PEER_END; s++) {
		switch (s->what) {
		case PEER_READ: is_on = read_request(l, false); break;
		case PEER_READ_HEAD: is_on = read_request(l, true); break;
		case PEER_SAY: line_send(l, s->text, s->size > 0 ? s->size : strlen(s->text)); break;
		case PEER_DRIP: drip(l, s->text); break;
		case PEER_FILL: fill(l, s->size); break;
		case PEER_HOLD: hold(l); break;
		case PEER_AGAIN: s = first - 1; break;
		case PEER_RESET: {
			struct linger now = { .l_onoff = 1 };

			setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
			is_on = false;
			break;
		}
		default: is_on = false;
		}
	}
	peer_tls_free(l->tls);
	close(l->fd);
	return NULL;
}

static void *accept_lines(void *arg)
{
	struct peer *p = arg;
	sigset_t pipe_signal;

	/* For these threads only: link itself must get along without. */
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);

	for (;;) {
		struct pollfd fds[2] = { { .fd = p->fd, .events = POLLIN },
					 { .fd = p->stop[0], .events = POLLIN } };
		struct line *l;
		int fd, one = 1;

		poll(fds, 2, -1);
		if (fds[1].revents != 0) return NULL;
		fd = accept(p->fd, NULL, NULL);
		if (fd < 0) continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		l = calloc(1, sizeof(*l));
		l->peer = p;
		l->fd = fd;
		pthread_mutex_lock(&p->lock);
		l->index = p->line_count;
		p->lines[p->line_count++] = l;
		pthread_create(&l->thread, NULL, serve_line, l);
		pthread_mutex_unlock(&p->lock);
	}
}

struct peer *peer_start(const struct peer_step scripts[][PEER_STEPS], size_t count, bool is_tls)
{
	struct peer *p = calloc(1, sizeof(*p));
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	p->scripts = scripts;
	p->count = count;
	p->is_tls = is_tls;
	if (is_tls) peer_tls_prepare();
	pthread_mutex_init(&p->lock, NULL);
	assert_int_equal(pipe(p->stop), 0);
	p->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(p->fd, 64), 0);
	assert_int_equal(getsockname(p->fd, (struct sockaddr *)&at, &len), 0);
	p->port = ntohs(at.sin_port);
	pthread_create(&p->thread, NULL, accept_lines, p);
	return p;
}

void peer_stop(struct peer *p)
{
	close(p->stop[1]);
	pthread_join(p->thread, NULL);
	for (int i = 0; i < p->line_count; i++) {
		pthread_join(p->lines[i]->thread, NULL);
		free(p->lines[i]);
	}
	for (int i = 0; i < p->request_count; i++)
		free(p->requests[i]);
	close(p->fd);
	close(p->stop[0]);
	free(p);
}

int peer_port(const struct peer *p)
{
	return p->port;
}

int peer_connections(struct peer *p)
{
	int n;

	pthread_mutex_lock(&p->lock);
	n = p->line_count;
	pthread_mutex_unlock(&p->lock);
	return n;
}

int peer_requests(struct peer *p)
{
	int n;

	pthread_mutex_lock(&p->lock);
	n = p->request_count;
	pthread_mutex_unlock(&p->lock);
	return n;
}

const char *peer_request(struct peer *p, int i)
{
	const char *text;

	pthread_mutex_lock(&p->lock);
	text = i < p->request_count ? p->requests[i] : "";
	pthread_mutex_unlock(&p->lock);
	return text;
}

/* The client's side */

void client_start(struct client *c, int connections)
{
	memset(c, 0, sizeof(*c));
	assert_int_equal(link_new(&c->link, &c->env, connections), RC_OK);
}

void client_stop(struct client *c)
{
	link_free(c->link);
}

struct http_request client_post(char url[100], int port, const char *body)
{
	struct http_request r = { .purpose = "test",
				  .method = "POST",
				  .url = url,
				  .headers = { "Content-Type: application/json", "Accept: application/json" },
				  .body = { .p = body, .len = strlen(body) },
				  .connect_ms = 3000,
				  .total_ms = 5000,
				  .answer_max = 4000,
				  .is_configured = true };

	snprintf(url, 100, "http://127.0.0.1:%d/api/send-message", port);
	return r;
}

static void keep(void *arg, const struct http_answer *answer)
{
	struct client *c = arg;

	c->answer = *answer;
	assert_true(answer->body.len < sizeof(c->body));
	memcpy(c->body, answer->body.p, answer->body.len + 1);
	c->answer.body.p = c->body;
	c->done++;
}

void client_begin(struct client *c, const struct http_request *r)
{
	assert_int_equal(link_start(c->link, r, keep, c), RC_OK);
}

void client_wait(struct client *c, int done)
{
	while (c->done < done)
		assert_int_equal(link_poll(c->link, 1000, -1), RC_OK);
}

const struct http_answer *client_run(struct client *c, const struct http_request *r)
{
	int before = c->done;

	client_begin(c, r);
	client_wait(c, before + 1);
	return &c->answer;
}
