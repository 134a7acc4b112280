/*
** standin_smtp.c -- plays a mail server (RFC 5321) by contracts/email.md: one thread, a few connections.
**
** Owns:   its listening socket, its connections, the ring of mails it keeps.
** Needs:  the stand-in's lock for the ledger and the ring; smtp_magic.h for who misbehaves.
** Never:  listens beyond this machine; delivers anything.
** Holds:  (1) every mail whose content was read to its end is in the ledger, with what was answered; (2) a
**         line end that is not CRLF is refused: the house must not send one; (3) memory stays within
**         MAILS_BYTES and MAIL_RAW_MAX a connection.
*/
#include "standin/standin_smtp.h"

#include "base/mem.h"
#include "standin/inside.h"
#include "standin/smtp_magic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 32
#define LINE_LIMIT      2048
#define ADDRESS_LIMIT   330
#define ID_LIMIT        250
#define GREYLIST_MAX    1024
#define FOREVER         INT64_MAX

enum state { COMMAND, LOGIN_USER, LOGIN_PASSWORD, CONTENT, STALLED };

struct connection {
	int fd;
	enum state state;
	char line[LINE_LIMIT];
	size_t len;
	bool is_long, is_bare; /* the line passed its limit; a line of the content ended without CR */
	char from[ADDRESS_LIMIT], to[ADDRESS_LIMIT];
	const struct smtp_magic *magic;
	struct sb raw; /* the start of the content, without the doubled dots */
	size_t size;
	int64_t answer_at; /* ticks: a slow answer */
};

struct kept {
	struct kept *next;
	int64_t seq;
	instant at;
	const char *outcome;
	size_t size, raw_len, bytes;
	char from[ADDRESS_LIMIT], to[ADDRESS_LIMIT], id[ID_LIMIT];
	char raw[];
};

struct smtp_stand {
	struct standin *s;
	int fd, wake_fd, port;
	pthread_t thread;
	bool is_stopping; /* under the stand-in's lock, as the rest */
	struct connection connections[CONNECTIONS_MAX];
	struct kept *first, **end;
	size_t bytes;
	int64_t count;
	uint64_t greylisted[GREYLIST_MAX];
	size_t greylisted_count;
};

/* What is kept */

static void drop_first(struct smtp_stand *m)
{
	struct kept *k = m->first;

	m->first = k->next;
	if (m->first == NULL) m->end = &m->first;
	m->bytes -= k->bytes;
	mem_free(k);
}

/* The value of Message-ID among the headers of the mail; "" if there is none. */
static void find_id(char out[ID_LIMIT], const char *raw, size_t len)
{
	static const char name[] = "\r\nMessage-ID:";
	size_t n = sizeof(name) - 1;

	out[0] = '\0';
	for (size_t i = 0; i + n < len; i++) {
		size_t used = 0;

		if (strncmp(raw + i, "\r\n\r\n", 4) == 0) return;
		if (strncasecmp(raw + i, name, n) != 0) continue;
		for (i += n; i < len && raw[i] != '\r' && used + 1 < ID_LIMIT; i++)
			if (raw[i] != ' ') out[used++] = raw[i];
		out[used] = '\0';
		return;
	}
}

static void keep(struct smtp_stand *m, const struct connection *c, const char *id, const char *outcome)
{
	size_t bytes = sizeof(struct kept) + c->raw.len + 1;
	struct kept *k = mem_alloc(bytes);

	m->count++;
	if (k == NULL) return;
	memset(k, 0, sizeof(*k));
	k->seq = m->count;
	k->at = clock_now(m->s->clock);
	k->outcome = outcome;
	k->size = c->size;
	k->raw_len = c->raw.len;
	k->bytes = bytes;
	memcpy(k->from, c->from, sizeof(k->from));
	memcpy(k->to, c->to, sizeof(k->to));
	memcpy(k->id, id, strlen(id) + 1);
	memcpy(k->raw, sb_text_of(&c->raw), c->raw.len + 1);
	*m->end = k;
	m->end = &k->next;
	m->bytes += bytes;
	while (m->bytes > MAILS_BYTES)
		drop_first(m);
}

static void note(struct smtp_stand *m, const struct connection *c, int status, enum fate fate,
		 const char *outcome)
{
	char id[ID_LIMIT];

	find_id(id, sb_text_of(&c->raw), c->raw.len);
	pthread_mutex_lock(&m->s->lock);
	ledger_add(m->s->ledger, &(struct arrival){ .provider = "smtp",
						    .at = clock_now(m->s->clock),
						    .status = status,
						    .fate = fate,
						    .outcome = outcome,
						    .to = c->to,
						    .body = id,
						    .body_len = strlen(id) });
	if (c->size > 0) keep(m, c, id, outcome);
	pthread_mutex_unlock(&m->s->lock);
}

void smtp_stand_reset(struct smtp_stand *m)
{
	if (m == NULL) return;
	while (m->first != NULL)
		drop_first(m);
	m->greylisted_count = 0;
}

void smtp_stand_write(const struct smtp_stand *m, struct sb *out, const char *to)
{
	bool is_first = true;
	char at[RFC3339_SIZE];

	sb_lit(out, "[");
	for (const struct kept *k = m != NULL ? m->first : NULL; k != NULL; k = k->next) {
		if (to != NULL && strcmp(k->to, to) != 0) continue;
		instant_text(at, k->at);
		sb_text(out, is_first ? "\n" : ",\n");
		is_first = false;
		sb_printf(out, "{\"seq\":%lld,\"at\":\"%s\",\"from\":", (long long)k->seq, at);
		sb_json(out, k->from, strlen(k->from));
		sb_lit(out, ",\"to\":");
		sb_json(out, k->to, strlen(k->to));
		sb_lit(out, ",\"message_id\":");
		sb_json(out, k->id, strlen(k->id));
		sb_printf(out, ",\"outcome\":\"%s\",\"size\":%zu,\"raw\":", k->outcome, k->size);
		sb_json(out, k->raw, k->raw_len);
		sb_lit(out, "}");
	}
	sb_lit(out, "]");
}

/* The dialogue */

static void say(struct connection *c, const char *reply)
{
	char line[600];
	int n = snprintf(line, sizeof(line), "%s\r\n", reply);

	/* Short replies to one that waits for them: they fit the kernel's buffer. */
	(void)!send(c->fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void hang_up(struct connection *c)
{
	if (c->fd >= 0) close(c->fd);
	sb_free(&c->raw);
	c->fd = -1;
}

static void forget_mail(struct connection *c)
{
	c->from[0] = c->to[0] = '\0';
	c->magic = NULL;
	c->size = 0;
	c->is_bare = false;
	sb_clear(&c->raw);
}

static bool is_first_time(struct smtp_stand *m, const char *to)
{
	uint64_t mark = ledger_mark(to, "", 0);
	bool is_known = false;

	pthread_mutex_lock(&m->s->lock);
	for (size_t i = 0; i < m->greylisted_count; i++)
		is_known = is_known || m->greylisted[i] == mark;
	if (!is_known && m->greylisted_count < GREYLIST_MAX) m->greylisted[m->greylisted_count++] = mark;
	pthread_mutex_unlock(&m->s->lock);
	return !is_known;
}

/* Does the magic of the recipient happen at this point? Then it is done: true. */
static bool misbehave(struct smtp_stand *m, struct connection *c, enum smtp_when when)
{
	const struct smtp_magic *g = c->magic;
	bool is_end = when == SMTP_AT_END;

	if (g == NULL || g->when != when || g->what == SMTP_SLOW) return false;
	if (g->what == SMTP_ONCE && !is_first_time(m, c->to)) return false;
	switch (g->what) {
	case SMTP_SAY:
	case SMTP_ONCE:
		note(m, c, (g->reply[0] - '0') * 100 + (g->reply[1] - '0') * 10 + (g->reply[2] - '0'),
		     FATE_REFUSED, g->outcome);
		say(c, g->reply);
		c->state = COMMAND;
		forget_mail(c);
		break;
	case SMTP_CUT:
		note(m, c, 0, is_end ? FATE_UNKNOWN : FATE_REFUSED, g->outcome);
		hang_up(c);
		break;
	case SMTP_STALL:
		note(m, c, 0, is_end ? FATE_UNKNOWN : FATE_REFUSED, g->outcome);
		c->state = STALLED;
		break;
	case SMTP_SLOW:
	default: break;
	}
	return true;
}

/* "<a@b> SIZE=1" of "FROM:<a@b> SIZE=1"; false: no address. */
static bool take_address(char out[ADDRESS_LIMIT], const char *text)
{
	const char *open = strchr(text, '<'), *close = open != NULL ? strchr(open, '>') : NULL;

	if (close == NULL || close - open > ADDRESS_LIMIT - 1) return false;
	memcpy(out, open + 1, (size_t)(close - open - 1));
	out[close - open - 1] = '\0';
	return true;
}

static void take_to(struct smtp_stand *m, struct connection *c, const char *text)
{
	if (c->from[0] == '\0')
		say(c, "503 5.5.1 MAIL first");
	else if (c->to[0] != '\0')
		say(c, "452 4.5.3 One recipient a mail");
	else if (!take_address(c->to, text) || strchr(c->to, '@') == NULL)
		say(c, "501 5.1.3 Bad address");
	else {
		c->magic = smtp_magic_of(c->to);
		if (!misbehave(m, c, SMTP_AT_TO)) say(c, "250 2.1.5 Ok");
	}
}

static void take_command(struct smtp_stand *m, struct connection *c, const char *line)
{
	if (strncasecmp(line, "EHLO ", 5) == 0) {
		say(c, "250-standin.example\r\n250-SIZE 22020096\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n"
		       "250 ENHANCEDSTATUSCODES");
	} else if (strncasecmp(line, "HELO ", 5) == 0) {
		say(c, "250 standin.example");
	} else if (strncasecmp(line, "AUTH PLAIN", 10) == 0) {
		if (line[10] == '\0') {
			c->state = LOGIN_PASSWORD;
			say(c, "334 ");
		} else {
			say(c, "235 2.7.0 Welcome");
		}
	} else if (strncasecmp(line, "AUTH LOGIN", 10) == 0) {
		c->state = line[10] == '\0' ? LOGIN_USER : LOGIN_PASSWORD;
		say(c, line[10] == '\0' ? "334 VXNlcm5hbWU6" : "334 UGFzc3dvcmQ6");
	} else if (strncasecmp(line, "MAIL FROM:", 10) == 0) {
		forget_mail(c);
		say(c, take_address(c->from, line + 10) ? "250 2.1.0 Ok" : "501 5.1.7 Bad address");
	} else if (strncasecmp(line, "RCPT TO:", 8) == 0) {
		take_to(m, c, line + 8);
	} else if (strcasecmp(line, "DATA") == 0) {
		if (c->to[0] == '\0') {
			say(c, "503 5.5.1 RCPT first");
		} else if (!misbehave(m, c, SMTP_AT_DATA)) {
			c->state = CONTENT;
			say(c, "354 Go on");
		}
	} else if (strcasecmp(line, "RSET") == 0 || strcasecmp(line, "NOOP") == 0) {
		if ((line[0] | 0x20) == 'r') forget_mail(c);
		say(c, "250 2.0.0 Ok");
	} else if (strcasecmp(line, "QUIT") == 0) {
		say(c, "221 2.0.0 Bye");
		hang_up(c);
	} else {
		say(c, "502 5.5.2 Not known here");
	}
}

static void accept_mail(struct smtp_stand *m, struct connection *c)
{
	char reply[80];

	note(m, c, 250, FATE_ACCEPTED, "accepted");
	snprintf(reply, sizeof(reply), "250 2.0.0 Ok: queued as S%lld", (long long)m->count);
	say(c, reply);
	c->state = COMMAND;
	forget_mail(c);
}

static void end_content(struct smtp_stand *m, struct connection *c)
{
	if (misbehave(m, c, SMTP_AT_END)) return;
	if (c->is_bare || c->size > MAIL_ACCEPT_MAX) {
		note(m, c, c->is_bare ? 550 : 552, FATE_REFUSED, c->is_bare ? "bare_line_end" : "too_large");
		say(c, c->is_bare ? "550 5.6.0 A line ends without CRLF" : "552 5.3.4 Too large");
		c->state = COMMAND;
		forget_mail(c);
	} else if (c->magic != NULL && c->magic->what == SMTP_SLOW) {
		c->state = STALLED;
		c->answer_at = clock_ticks() + SMTP_SLOW_MS;
	} else {
		accept_mail(m, c);
	}
}

static void add_raw(struct connection *c, const char *p, size_t len)
{
	c->size += len;
	if (c->raw.len + len <= MAIL_RAW_MAX) sb_bytes(&c->raw, p, len);
}

/* A piece of the content that ends with its line, or fills the buffer. */
static void take_content(struct smtp_stand *m, struct connection *c, bool is_line)
{
	bool has_cr = c->len >= 2 && c->line[c->len - 2] == '\r';
	size_t skip = 0;

	if (is_line && !has_cr) c->is_bare = true;
	if (!c->is_long && c->len == 3 && memcmp(c->line, ".\r\n", 3) == 0) {
		end_content(m, c);
		return;
	}
	if (!c->is_long && c->line[0] == '.') skip = 1;
	add_raw(c, c->line + skip, c->len - skip);
	c->is_long = !is_line;
	(void)misbehave(m, c, SMTP_IN_CONTENT);
}

static void take_line(struct smtp_stand *m, struct connection *c)
{
	while (c->len > 0 && (c->line[c->len - 1] == '\n' || c->line[c->len - 1] == '\r'))
		c->len--;
	c->line[c->len] = '\0';
	switch (c->state) {
	case LOGIN_USER:
		c->state = LOGIN_PASSWORD;
		say(c, "334 UGFzc3dvcmQ6");
		break;
	case LOGIN_PASSWORD:
		c->state = COMMAND;
		say(c, "235 2.7.0 Welcome");
		break;
	case COMMAND: take_command(m, c, c->line); break;
	case CONTENT:
	case STALLED:
	default: break;
	}
}

static void take_bytes(struct smtp_stand *m, struct connection *c, const char *p, size_t n)
{
	for (size_t i = 0; i < n && c->fd >= 0 && c->state != STALLED; i++) {
		bool is_line = p[i] == '\n', is_full;

		c->line[c->len++] = p[i];
		is_full = c->len == sizeof(c->line) - 1;
		if (!is_line && !is_full) continue;
		if (c->state == CONTENT)
			take_content(m, c, is_line);
		else if (is_line)
			take_line(m, c);
		else
			hang_up(c); /* a command of 2 kB is none */
		c->len = 0;
	}
}

/* The thread */

static void greet(struct smtp_stand *m)
{
	int fd = accept4(m->fd, NULL, NULL, SOCK_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < CONNECTIONS_MAX; i++) {
		struct connection *c = &m->connections[i];

		if (c->fd >= 0) continue;
		memset(c, 0, sizeof(*c));
		c->fd = fd;
		sb_init(&c->raw, MAIL_RAW_MAX + 1);
		say(c, "220 standin.example ESMTP");
		return;
	}
	if (fd >= 0) close(fd);
}

static void listen_to(struct smtp_stand *m, struct connection *c)
{
	char piece[16 * 1024];
	ssize_t n = recv(c->fd, piece, sizeof(piece), MSG_DONTWAIT);

	if (n > 0)
		take_bytes(m, c, piece, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		hang_up(c);
}

static int64_t answer_slow(struct smtp_stand *m)
{
	int64_t next = FOREVER, now = clock_ticks();

	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *c = &m->connections[i];

		if (c->fd < 0 || c->answer_at == 0) continue;
		if (c->answer_at <= now) {
			c->answer_at = 0;
			accept_mail(m, c);
		} else if (c->answer_at < next) {
			next = c->answer_at;
		}
	}
	return next == FOREVER ? -1 : next - now;
}

static bool is_stopping(struct smtp_stand *m)
{
	bool stops;

	pthread_mutex_lock(&m->s->lock);
	stops = m->is_stopping;
	pthread_mutex_unlock(&m->s->lock);
	return stops;
}

static void *serve(void *arg)
{
	struct smtp_stand *m = arg;

	while (!is_stopping(m)) {
		struct pollfd p[CONNECTIONS_MAX + 2] = { { .fd = m->fd, .events = POLLIN },
							 { .fd = m->wake_fd, .events = POLLIN } };

		for (size_t i = 0; i < CONNECTIONS_MAX; i++)
			p[i + 2] = (struct pollfd){ .fd = m->connections[i].fd, .events = POLLIN };
		if (poll(p, CONNECTIONS_MAX + 2, (int)answer_slow(m)) <= 0) continue;
		for (size_t i = 0; i < CONNECTIONS_MAX; i++)
			if (p[i + 2].fd >= 0 && p[i + 2].revents != 0) listen_to(m, &m->connections[i]);
		if (p[0].revents & POLLIN) greet(m);
	}
	return NULL;
}

/* Life */

static enum rc open_port(struct smtp_stand *m, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	const int yes = 1;

	m->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	m->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->fd < 0 || m->wake_fd < 0) return RC_IO;
	setsockopt(m->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(m->fd, (struct sockaddr *)&a, len) != 0 || listen(m->fd, CONNECTIONS_MAX) != 0 ||
	    getsockname(m->fd, (struct sockaddr *)&a, &len) != 0)
		return RC_IO;
	m->port = ntohs(a.sin_port);
	return RC_OK;
}

static void stand_free(struct smtp_stand *m)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		hang_up(&m->connections[i]);
	smtp_stand_reset(m);
	if (m->fd >= 0) close(m->fd);
	if (m->wake_fd >= 0) close(m->wake_fd);
	mem_free(m);
}

enum rc smtp_stand_start(struct smtp_stand **out, struct standin *s, int port)
{
	struct smtp_stand *m = mem_zeroed(sizeof(*m));
	enum rc rc;

	if (m == NULL) return RC_NO_MEMORY;
	m->s = s;
	m->end = &m->first;
	m->fd = m->wake_fd = -1;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		m->connections[i].fd = -1;
		sb_init(&m->connections[i].raw, MAIL_RAW_MAX + 1);
	}
	rc = open_port(m, port);
	if (rc == RC_OK && pthread_create(&m->thread, NULL, serve, m) != 0) rc = RC_NO_MEMORY;
	if (rc != RC_OK) {
		stand_free(m);
		return rc;
	}
	*out = m;
	return RC_OK;
}

int smtp_stand_port(const struct smtp_stand *m)
{
	return m->port;
}

void smtp_stand_stop(struct smtp_stand *m)
{
	const uint64_t one = 1;

	if (m == NULL) return;
	pthread_mutex_lock(&m->s->lock);
	m->is_stopping = true;
	pthread_mutex_unlock(&m->s->lock);
	(void)!write(m->wake_fd, &one, sizeof(one));
	pthread_join(m->thread, NULL);
	stand_free(m);
}
