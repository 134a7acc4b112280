/*
** wire.c -- a raw client for the tests of web.
**
** Owns:   nothing lasting; one buffer for the last answer.
** Never:  repairs or interprets what it sends, so that a test can send what no client would.
*/
#include "web/wire.h"
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#define PATIENCE_S 20 /* a hung server fails the test instead of the night */

static char answer[ANSWER_MAX];
static char header[4096];

int wire_open(int port, const char *path)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(path != NULL ? AF_UNIX : AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (path != NULL) {
		memcpy(un.sun_path, path, strlen(path) + 1);
		assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof un), 0);
	} else {
		assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	return fd;
}

void wire_send(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0) return;
		bytes += n;
		len -= (size_t)n;
	}
}

const char *wire_rest(int fd)
{
	size_t len = 0;

	while (len + 1 < sizeof answer) {
		ssize_t n = recv(fd, answer + len, sizeof answer - 1 - len, 0);

		if (n <= 0) break;
		len += (size_t)n;
	}
	answer[len] = '\0';
	close(fd);
	return answer;
}

const char *wire_answer(int fd, int is_head)
{
	size_t len = 0;
	size_t want = SIZE_MAX;

	while (len < want && len + 1 < sizeof answer) {
		size_t room = want == SIZE_MAX ? 1 : want - len; /* byte by byte until the headers end */
		ssize_t n = recv(fd, answer + len, room, 0);

		if (n <= 0) break;
		len += (size_t)n;
		answer[len] = '\0';
		if (want == SIZE_MAX && len >= 4 && memcmp(answer + len - 4, "\r\n\r\n", 4) == 0) {
			want = len;
			if (!is_head && wire_status(answer) != 304)
				want += strtoul(wire_header(answer, "Content-Length"), NULL, 10);
		}
	}
	answer[len] = '\0';
	return answer;
}

const char *wire_ask(int port, const char *request)
{
	int fd = wire_open(port, NULL);

	wire_send(fd, request, strlen(request));
	return wire_rest(fd);
}

int wire_status(const char *text)
{
	return strncmp(text, "HTTP/1.1 ", 9) == 0 ? atoi(text + 9) : 0;
}

const char *wire_body(const char *text)
{
	const char *at = strstr(text, "\r\n\r\n");

	return at != NULL ? at + 4 : "";
}

const char *wire_header(const char *text, const char *name)
{
	const char *line = strstr(text, "\r\n");
	size_t len = strlen(name);

	header[0] = '\0';
	while (line != NULL && strncmp(line, "\r\n\r\n", 4) != 0) {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
			const char *value = line + len + 1;
			size_t n;

			while (*value == ' ')
				value++;
			n = strcspn(value, "\r\n");
			if (n >= sizeof header) n = sizeof header - 1;
			memcpy(header, value, n);
			header[n] = '\0';
			break;
		}
		line = strstr(line, "\r\n");
	}
	return header;
}
