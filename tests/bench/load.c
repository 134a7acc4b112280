/*
** load.c -- asks one page again and again over a number of kept connections and tells how long each answer
** took.
**
**   load HOST PORT PATH COOKIE CONNECTIONS SECONDS
**
** One request at a time on each connection; the next starts when the answer is complete. Prints {"count",
** "errors", "seconds", "bytes", "median_us", "p99_us", "max_us"}; "bytes" is the size of the last body.
**
** Needs:  answers with Content-Length.
** Holds:  at most SECONDS and TIMES_MAX answers; an answer other than 200 counts as an error and is not
** timed.
*/
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 512
#define TIMES_MAX       2000000
#define ANSWER_MAX      (256 * 1024)
#define REQUEST_MAX     2048
#define QUIET_MS        5000 /* a server that says nothing for so long is not going to */

struct line {
	int fd;
	int64_t from;
	size_t have, need; /* need: 0 until the head is complete */
	int status;
	char in[ANSWER_MAX];
};

static struct sockaddr_in server;
static char request[REQUEST_MAX];
static size_t request_len, count, errors, last_body;
static uint32_t *times;

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void ask(struct line *l)
{
	l->have = l->need = 0;
	l->from = now_us();
	if (send(l->fd, request, request_len, MSG_NOSIGNAL) != (ssize_t)request_len) die("send");
}

static void open_line(struct line *l, int epoll)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = l };
	int one = 1;

	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&server, sizeof(server)) != 0) die("connect");
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, l->fd, &ev) != 0) die("epoll");
	ask(l);
}

/* What the head says; false while it is not complete. */
static int read_head(struct line *l)
{
	char *end, *p;

	l->in[l->have] = '\0';
	end = strstr(l->in, "\r\n\r\n");
	if (end == NULL) return 0;
	if (sscanf(l->in, "HTTP/1.1 %d", &l->status) != 1) die("no HTTP");
	for (p = l->in; p < end; p = strstr(p, "\r\n") + 2)
		if (strncasecmp(p, "content-length:", 15) == 0) {
			last_body = strtoul(p + 15, NULL, 10);
			l->need = (size_t)(end + 4 - l->in) + last_body;
			if (l->need >= ANSWER_MAX) die("answer too large");
			return 1;
		}
	die("no Content-Length");
	return 0;
}

static void take(struct line *l)
{
	ssize_t n = recv(l->fd, l->in + l->have, ANSWER_MAX - 1 - l->have, 0);

	if (n <= 0) die("the server closed");
	l->have += (size_t)n;
	if (l->need == 0 && !read_head(l)) return;
	if (l->have < l->need) return;
	if (l->status != 200)
		errors++;
	else if (count < TIMES_MAX)
		times[count++] = (uint32_t)(now_us() - l->from);
	ask(l);
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static struct line lines[CONNECTIONS_MAX];
	struct epoll_event events[64];
	int64_t from, until;
	int connections, epoll = epoll_create1(EPOLL_CLOEXEC);
	double took;

	if (argc != 7) die("usage: load HOST PORT PATH COOKIE CONNECTIONS SECONDS");
	connections = atoi(argv[5]);
	if (connections < 1 || connections > CONNECTIONS_MAX || epoll < 0) die("CONNECTIONS is 1 to 512");
	times = malloc(TIMES_MAX * sizeof(*times));
	server = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2])) };
	if (times == NULL || inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) die("address");
	request_len =
		(size_t)snprintf(request, sizeof(request),
				 "GET %s HTTP/1.1\r\nHost: %s:%s\r\nCookie: %s\r\nAccept: text/html\r\n\r\n",
				 argv[3], argv[1], argv[2], argv[4]);
	if (request_len >= sizeof(request)) die("request too long");
	from = now_us();
	until = from + (int64_t)(atof(argv[6]) * 1e6);
	for (int i = 0; i < connections; i++)
		open_line(&lines[i], epoll);
	while (now_us() < until && count < TIMES_MAX) {
		int n = epoll_wait(epoll, events, 64, QUIET_MS);

		if (n <= 0) die("the server is silent");
		for (int i = 0; i < n; i++)
			take(events[i].data.ptr);
	}
	took = (double)(now_us() - from) / 1e6;
	qsort(times, count, sizeof(*times), by_size);
	printf("{\"count\": %zu, \"errors\": %zu, \"seconds\": %.6f, \"bytes\": %zu, \"median_us\": %u, \"p99_us\": %u,"
	       " \"max_us\": %u}\n",
	       count, errors, took, last_body, count > 0 ? times[count / 2] : 0,
	       count > 0 ? times[(size_t)((double)count * 0.99)] : 0, count > 0 ? times[count - 1] : 0);
	return count > 0 ? 0 : 1;
}
