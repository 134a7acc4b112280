/*
** test_smtp.c -- a mail is accepted, refused, or may have been accepted: told apart by what was said and
** seen.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "link/smtp.h"
#include "base/mem.h"
#include "peer.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(a)  (sizeof(a) / sizeof(*(a)))
#define STEPS     24
#define HEARD_MAX (1024 * 1024)
#define MAIL      "Subject: Hola\r\n\r\n.uno\r\n..dos\r\n.\r\ntres\r\n"

/* A mail server that follows a script. A step that begins with a digit is said; "<" reads a line, "<." the
** content to its dot, "<n" n bytes of it; "x" cuts the line, "h" holds it. Connection i follows scripts[i].
** */
struct server {
	const char *const (*scripts)[STEPS];
	size_t count;
	int fd, port, connections;
	pthread_t thread;
	char *heard; /* everything, of all connections */
	size_t len;
};

static bool hear(struct server *s, int fd, const char *until, size_t max)
{
	size_t from = s->len, n = strlen(until);
	char c;

	while (s->len - from < max && s->len + 1 < HEARD_MAX) {
		if (recv(fd, &c, 1, 0) != 1) return false;
		s->heard[s->len++] = c;
		s->heard[s->len] = '\0';
		if (s->len - from >= n && n > 0 && memcmp(s->heard + s->len - n, until, n) == 0) return true;
	}
	return true;
}

static void talk(struct server *s, int fd, const char *const *script)
{
	for (; *script != NULL; script++) {
		const char *step = *script;
		char c;

		if (step[0] == 'x') return;
		if (step[0] == 'h') {
			/* Until the client goes, or says that it does. */
			while (recv(fd, &c, 1, 0) == 1 && c != 'Q')
				;
			return;
		}
		if (step[0] == '<') {
			bool is_there = step[1] == '.'    ? hear(s, fd, "\r\n.\r\n", HEARD_MAX)
					: step[1] == '\0' ? hear(s, fd, "\r\n", HEARD_MAX)
							  : hear(s, fd, "", (size_t)atoi(step + 1));

			if (!is_there) return;
			continue;
		}
		(void)!send(fd, step, strlen(step), MSG_NOSIGNAL);
		(void)!send(fd, "\r\n", 2, MSG_NOSIGNAL);
	}
}

static void *serve(void *arg)
{
	struct server *s = arg;

	for (int fd; (fd = accept(s->fd, NULL, NULL)) >= 0;) {
		size_t i = (size_t)s->connections++;

		talk(s, fd, s->scripts[i < s->count ? i : s->count - 1]);
		close(fd);
	}
	return NULL;
}

struct scene {
	struct server server;
	struct client client;
	struct mail_envelope mail;
	struct http_request request;
	char url[100];
};

static void begin(struct scene *s, const char *const (*scripts)[STEPS], size_t count)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	memset(s, 0, sizeof(*s));
	s->server = (struct server){ .scripts = scripts, .count = count, .heard = mem_zeroed(HEARD_MAX) };
	s->server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->server.fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(s->server.fd, 5), 0);
	getsockname(s->server.fd, (struct sockaddr *)&a, &len);
	assert_int_equal(pthread_create(&s->server.thread, NULL, serve, &s->server), 0);
	client_start(&s->client, 4);
	snprintf(s->url, sizeof(s->url), "smtp://127.0.0.1:%d/casa.example", ntohs(a.sin_port));
	s->mail = (struct mail_envelope){ .from = "ventas@example.com", .to = "ana@example.org" };
	s->request = (struct http_request){ .mail = &s->mail,
					    .purpose = "test",
					    .url = s->url,
					    .body = { MAIL, sizeof(MAIL) - 1 },
					    .connect_ms = 3000,
					    .total_ms = 2500,
					    .is_configured = true };
}

static void end(struct scene *s)
{
	client_stop(&s->client);
	shutdown(s->server.fd, SHUT_RDWR);
	pthread_join(s->server.thread, NULL);
	close(s->server.fd);
	mem_free(s->server.heard);
}

#define HELLO   "220 mx", "<", "250-mx\r\n250 SIZE 9999999"
#define TO_DATA HELLO, "<", "250 2.1.0 ok", "<", "250 2.1.5 ok", "<", "354 go"

static void an_accepted_mail_is_on_the_wire_as_it_is_with_its_dots_doubled_once(void **state)
{
	static const char *const script[][STEPS] = { { TO_DATA, "<.", "250 2.0.0 Ok: queued as 4ABC", "h" } };
	const struct http_answer *a;
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	a = client_run(&s.client, &s.request);
	assert_int_equal(a->end, HTTP_DONE);
	assert_int_equal(a->status, 250);
	assert_int_equal(a->at, MAIL_AT_CONTENT);
	assert_string_equal(a->body.p, "2.0.0 Ok: queued as 4ABC");
	end(&s);
}

static void what_the_server_hears(void **state)
{
	static const char *const script[][STEPS] = { { TO_DATA, "<.", "250 ok", "<", "221 bye" } };
	struct scene s;
	char expected[600];

	(void)state;
	begin(&s, script, 1);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	snprintf(
		expected, sizeof(expected),
		"EHLO casa.example\r\nMAIL FROM:<ventas@example.com> SIZE=%zu\r\nRCPT TO:<ana@example.org>\r\nDATA\r\n"
		"Subject: Hola\r\n\r\n..uno\r\n...dos\r\n..\r\ntres\r\n.\r\n",
		sizeof(MAIL) - 1);
	client_stop(&s.client);
	client_start(&s.client, 1);
	assert_memory_equal(s.server.heard, expected, strlen(expected));
	end(&s);
}

static void mails_share_a_connection_one_recipient_each(void **state)
{
	static const char *const script[][STEPS] = { { TO_DATA, "<.", "250 ok", "<", "250 ok", "<", "250 ok",
						       "<", "354 go", "<.", "h" } };
	static const char *const again[][STEPS] = { { HELLO, "<", "250 ok", "<", "250 ok", "<", "354 go",
						      "<.", "250 ok", "<", "250 ok", "x" },
						    { TO_DATA, "<.", "250 second", "h" } };
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	/* The second one's end is never answered. */
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_CUT);
	assert_int_equal(s.server.connections, 1);
	end(&s);
	/* A kept connection that the server gave up: tried again at once on a new one, nothing was handed
	** over. */
	begin(&s, again, 2);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_string_equal(s.client.answer.body.p, "second");
	assert_int_equal(s.server.connections, 2);
	end(&s);
}

static void a_kept_connection_closed_with_421_costs_nothing(void **state)
{
	static const char *const script[][STEPS] = { { TO_DATA, "<.", "250 ok", "421 4.4.2 idle", "x" },
						     { TO_DATA, "<.", "250 second", "h" } };
	struct scene s;

	(void)state;
	begin(&s, script, 2);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	usleep(50000);
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_string_equal(s.client.answer.body.p, "second");
	end(&s);
}

static const struct {
	const char *script[STEPS];
	enum http_end end;
	int status;
	enum mail_step at;
} cases[] = {
	{ { "554 5.7.1 not you", "h" }, HTTP_DONE, 554, MAIL_AT_BANNER },
	{ { "x" }, HTTP_NOT_SENT, 0, MAIL_AT_BANNER },
	{ { "h" }, HTTP_NOT_SENT, 0, MAIL_AT_BANNER },
	{ { "220 mx", "<", "x" }, HTTP_NOT_SENT, 220, MAIL_AT_HELLO },
	{ { "220 mx", "<", "421 busy", "<", "421 busy", "h" }, HTTP_DONE, 421, MAIL_AT_HELLO },
	{ { "220 mx", "<", "502 what", "<", "x" }, HTTP_NOT_SENT, 502, MAIL_AT_HELLO },
	{ { HELLO, "<", "451 4.7.1 later", "h" }, HTTP_DONE, 451, MAIL_AT_FROM },
	{ { HELLO, "<", "x" }, HTTP_NOT_SENT, 250, MAIL_AT_FROM },
	{ { HELLO, "<", "250 ok", "<", "550 5.1.1 no such user", "h" }, HTTP_DONE, 550, MAIL_AT_TO },
	{ { HELLO, "<", "250 ok", "<", "h" }, HTTP_NOT_SENT, 250, MAIL_AT_TO },
	{ { HELLO, "<", "250 ok", "<", "250 ok", "<", "451 no", "h" }, HTTP_DONE, 451, MAIL_AT_DATA },
	{ { HELLO, "<", "250 ok", "<", "250 ok", "<", "x" }, HTTP_NOT_SENT, 250, MAIL_AT_DATA },
	{ { TO_DATA, "<.", "552 5.3.4 too big", "h" }, HTTP_DONE, 552, MAIL_AT_CONTENT },
	{ { TO_DATA, "<.", "421 closing", "h" }, HTTP_DONE, 421, MAIL_AT_CONTENT },
	{ { TO_DATA, "<.", "251 forwarded", "h" }, HTTP_DONE, 251, MAIL_AT_CONTENT },
	{ { TO_DATA, "<.", "354 what", "h" }, HTTP_CUT, 354, MAIL_AT_CONTENT },
	{ { TO_DATA, "<.", "x" }, HTTP_CUT, 354, MAIL_AT_CONTENT },
	{ { TO_DATA, "<.", "h" }, HTTP_CUT, 354, MAIL_AT_CONTENT },
	{ { TO_DATA, "<.", "250-half", "x" }, HTTP_CUT, 0, MAIL_AT_CONTENT },
	/* The whole mail fits one packet: its dot is out, too. */
	{ { TO_DATA, "<10", "x" }, HTTP_CUT, 354, MAIL_AT_CONTENT },
};

/* Does the last step of the script leave us without an answer? After a refusal nobody waits. */
static bool holds(const char *const *script)
{
	const char *before = "", *last = "";

	for (; *script != NULL; script++) {
		before = last;
		last = *script;
	}
	return last[0] == 'h' && (before[0] < '4' || before[0] > '5');
}

static void each_cut_and_each_refusal_is_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct scene s;
		const struct http_answer *a;

		begin(&s, &cases[i].script, 1);
		s.request.total_ms = holds(cases[i].script) ? 1500 : 20000;
		a = client_run(&s.client, &s.request);
		if (a->end != cases[i].end || a->status != cases[i].status || a->at != cases[i].at)
			fail_msg("case %zu: end %d status %d at %d", i, a->end, a->status, a->at);
		assert_int_equal(a->error[0] != '\0', a->end != HTTP_DONE);
		end(&s);
	}
}

/* What is larger than every buffer on the way: cut in its middle, the dot was provably never made. */
static void a_mail_cut_in_its_middle_was_not_accepted(void **state)
{
	static const char *const script[][STEPS] = { { TO_DATA, "<5000", "x" }, { TO_DATA, "<5000", "h" } };
	size_t len = (size_t)16 * 1024 * 1024;
	char *large = mem_alloc(len);
	struct scene s;

	(void)state;
	for (size_t i = 0; i < len; i++)
		large[i] = i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : 'x';
	for (int i = 0; i < 2; i++) {
		begin(&s, &script[i], 1);
		s.request.body = (struct bytes){ large, len };
		assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_NOT_SENT);
		assert_int_equal(s.client.answer.at, MAIL_AT_CONTENT);
		end(&s);
	}
	mem_free(large);
}

static void what_only_a_person_can_mend_is_told(void **state)
{
	static const char *const script[][STEPS] = { { HELLO, "h" },
						     { "220 mx", "<", "250-mx\r\n250 AUTH GSSAPI", "h" },
						     { "220 mx", "<", "250-mx\r\n250 AUTH PLAIN", "<", "334 ",
						       "<", "535 5.7.8 no: secreto-1", "h" } };
	struct scene s;

	(void)state;
	begin(&s, &script[0], 1);
	s.mail.security = MAIL_STARTTLS;
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_NOT_SENT);
	assert_int_equal(s.client.answer.fault, MAIL_FAULT_NO_TLS);
	end(&s);
	begin(&s, &script[1], 1);
	s.mail.user = "u", s.mail.password = "secreto-1";
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_NOT_SENT);
	assert_int_equal(s.client.answer.fault, MAIL_FAULT_LOGIN);
	end(&s);
	begin(&s, &script[2], 1);
	s.mail.user = "u", s.mail.password = "secreto-1";
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(s.client.answer.status, 535);
	assert_int_equal(s.client.answer.at, MAIL_AT_LOGIN);
	/* A server that repeats the password does not get it into a log. */
	assert_string_equal(s.client.answer.body.p, "5.7.8 no: *********");
	end(&s);
}

static void a_log_in_alone_sends_nothing(void **state)
{
	static const char *const script[][STEPS] = { { HELLO, "<", "250 fine", "<", "221 bye" } };
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	s.mail.to = NULL;
	s.request.body = (struct bytes){ NULL, 0 };
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_DONE);
	assert_int_equal(s.client.answer.status, 250);
	client_stop(&s.client);
	client_start(&s.client, 1);
	assert_string_equal(s.server.heard, "EHLO casa.example\r\nNOOP\r\nQUIT\r\n");
	end(&s);
}

static void an_address_that_would_say_more_is_not_taken(void **state)
{
	static const char *const bad[] = {
		"a@b\r\nRCPT TO:<c@d>", "a@b\n", "<a@b>", "a b@c", "", "a", "josé@b"
	};
	static const char *const script[][STEPS] = { { "x" } };
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	for (size_t i = 0; i < COUNT(bad); i++) {
		s.mail.to = bad[i];
		assert_int_equal(link_start(s.client.link, &s.request, NULL, NULL), RC_BAD_INPUT);
		s.mail.to = "ana@example.org";
		s.mail.from = bad[i];
		assert_int_equal(link_start(s.client.link, &s.request, NULL, NULL), RC_BAD_INPUT);
		s.mail.from = "ventas@example.com";
	}
	s.mail.user = "u\r\nQUIT";
	assert_int_equal(link_start(s.client.link, &s.request, NULL, NULL), RC_BAD_INPUT);
	s.mail.user = NULL;
	s.request.url = "http://127.0.0.1/";
	assert_int_equal(link_start(s.client.link, &s.request, NULL, NULL), RC_BAD_INPUT);
	/* The guard: a host that nobody configured may not be in the house. */
	s.request.url = s.url;
	s.request.is_configured = false;
	assert_int_equal(client_run(&s.client, &s.request)->end, HTTP_NOT_SENT);
	assert_int_equal(s.server.connections, 0);
	end(&s);
}

static void a_link_is_freed_while_a_server_says_nothing(void **state)
{
	static const char *const script[][STEPS] = { { TO_DATA, "<.", "h" } };
	struct scene s;

	(void)state;
	begin(&s, script, 1);
	s.request.total_ms = 60000;
	for (int i = 0; i < 6; i++)
		client_begin(&s.client, &s.request);
	assert_int_equal(link_open_count(s.client.link), 6);
	usleep(100000);
	end(&s); /* within a second or two, not sixty */
	assert_int_equal(s.client.done, 0);
}

/* Whatever curl may say in future: once the last byte was given out and the server had said 354, only its own
** word makes it other than cut. */
static void no_code_of_curl_makes_a_handed_over_mail_unsent(void **state)
{
	(void)state;
	for (int code = 0; code < CURL_LAST; code++) {
		struct mail_evidence e = {
			.code = (CURLcode)code, .status = 354, .at = MAIL_AT_CONTENT, .is_given = true
		};
		enum mail_fault fault;

		assert_int_equal(mail_outcome(&e, &fault), HTTP_CUT);
	}
}

static void a_reply_of_several_lines_is_one_text(void **state)
{
	static const char *const lines[] = { "550-5.1.1 The account\r\n", "550-5.1.1 does not exist\r\n",
					     "550 5.1.1 at all\r\n" };
	struct mail_reply r = { .code = 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		mail_reply_line(&r, lines[i], strlen(lines[i]));
	assert_true(r.is_whole);
	assert_int_equal(r.code, 550);
	assert_string_equal(r.text, "5.1.1 The account does not exist at all");
	mail_reply_line(&r, "250\r\n", 5);
	assert_string_equal(r.text, "");
	mail_reply_line(&r, "junk", 4);
	assert_int_equal(r.code, 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_accepted_mail_is_on_the_wire_as_it_is_with_its_dots_doubled_once),
		cmocka_unit_test(what_the_server_hears),
		cmocka_unit_test(mails_share_a_connection_one_recipient_each),
		cmocka_unit_test(a_kept_connection_closed_with_421_costs_nothing),
		cmocka_unit_test(each_cut_and_each_refusal_is_told_apart),
		cmocka_unit_test(a_mail_cut_in_its_middle_was_not_accepted),
		cmocka_unit_test(what_only_a_person_can_mend_is_told),
		cmocka_unit_test(a_log_in_alone_sends_nothing),
		cmocka_unit_test(an_address_that_would_say_more_is_not_taken),
		cmocka_unit_test(a_link_is_freed_while_a_server_says_nothing),
		cmocka_unit_test(no_code_of_curl_makes_a_handed_over_mail_unsent),
		cmocka_unit_test(a_reply_of_several_lines_is_one_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
