/*
** door.c -- the panel of door.h: a real server, a raw client.
*/
#include "door.h"
#include "desk/api.h"
#include "desk/settings.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#define PATIENCE_S 20 /* a hung server fails the test instead of the night */

static char answer[DOOR_ANSWER_MAX];

static const struct right people_rights[] = {
	{ "people.view", "See people", "owner seller reader" },
	{ "people.edit", "Change people", "owner seller" },
	{ "people.all", "See everybody's", "owner reader" },
	{ .name = NULL },
};

static const struct right *const all_rights[] = { people_rights, desk_rights, desk_settings_rights,
						  outbox_rights, web_rights,  NULL };
static const struct route *all_routes[6];

static void people(struct cx *cx)
{
	static const struct {
		const char *name, *role;
	} users[] = { { "Olga", "owner" }, { "Sara", "seller" }, { "Saul", "seller" }, { "Rita", "reader" } };
	int64_t id;

	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(tx_end(cx, auth_roles_ensure(cx, all_rights)), RC_OK);
	cx->actor = (struct actor){
		.kind = ACTOR_COMMAND, .name = "command", .role = "", .rights = "*", .address = ""
	};
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		assert_int_equal(user_add(cx, &id, users[i].name, users[i].role, WORDS), RC_OK);
}

void door_open(struct door *d)
{
	struct web_options o = { .routes = all_routes, .rights = all_rights, .decorate = desk_decorate };
	const char *why = "";
	char path[300];

	memset(d, 0, sizeof *d);
	shop_open(&d->shop);
	snprintf(path, sizeof path, "%s/spool", d->shop.state.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(seal_start(), RC_OK);
	all_routes[0] = web_routes;
	all_routes[1] = desk_routes;
	all_routes[2] = desk_made_routes();
	all_routes[3] = desk_settings_routes;
	all_routes[4] = desk_api_routes;
	all_routes[5] = NULL;
	people(&d->shop.state.cx);
	if (web_start(&d->web, &d->shop.state.env, &o, d->shop.forever, &why) != RC_OK) fail_msg("%s", why);
	d->port = server_port(web_server(d->web));
}

void door_close(struct door *d)
{
	web_stop(d->web);
	shop_close(&d->shop);
}

static const char *converse(int port, const char *request, size_t len)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t have = 0;

	assert_true(fd >= 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	while (len > 0) {
		ssize_t n = send(fd, request, len, MSG_NOSIGNAL);

		assert_true(n > 0);
		request += n;
		len -= (size_t)n;
	}
	for (ssize_t n; have + 1 < sizeof answer; have += (size_t)n)
		if ((n = recv(fd, answer + have, sizeof answer - 1 - have, 0)) <= 0) break;
	answer[have] = '\0';
	close(fd);
	return answer;
}

const char *door_ask(struct visitor *v, const char *method, const char *target, const char *body)
{
	static char request[64 * 1024], form[48 * 1024];
	bool is_json = body != NULL && (body[0] == '{' || body[0] == '[');
	int len;

	form[0] = '\0';
	if (body != NULL)
		snprintf(form, sizeof form, "%s%s%s", body,
			 is_json || v->csrf[0] == '\0' ? "" : "&csrf=", is_json ? "" : v->csrf);
	len = snprintf(
		request, sizeof request,
		"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s%s%s%sContent-Length: %zu\r\n\r\n%s",
		method, target, v->cookie, v->token[0] != '\0' ? "Authorization: Bearer " : "", v->token,
		v->token[0] != '\0' ? "\r\n" : "", strlen(form), form);
	if (body != NULL)
		len = snprintf(
			request, sizeof request,
			"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s%s%s%sContent-Type: %s\r\n"
			"Content-Length: %zu\r\n\r\n%s",
			method, target, v->cookie, v->token[0] != '\0' ? "Authorization: Bearer " : "",
			v->token, v->token[0] != '\0' ? "\r\n" : "",
			is_json ? "application/json" : "application/x-www-form-urlencoded", strlen(form),
			form);
	assert_true(len > 0 && (size_t)len < sizeof request);
	return converse(v->door->port, request, (size_t)len);
}

int door_status(const char *text)
{
	return strncmp(text, "HTTP/1.1 ", 9) == 0 ? atoi(text + 9) : 0;
}

static const char *header(const char *text, const char *name)
{
	static char value[400];
	const char *at = strcasestr(text, name);

	value[0] = '\0';
	if (at == NULL) return value;
	at += strlen(name);
	at += strspn(at, " ");
	snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\r\n"), at);
	return value;
}

const char *door_location(const char *text)
{
	return header(text, "\nLocation:");
}

void visit(struct door *d, struct visitor *v, const char *name)
{
	const char *a, *cookie;
	char body[100];

	memset(v, 0, sizeof *v);
	v->door = d;
	snprintf(body, sizeof body, "name=%s&password=correct+horse+battery", name);
	a = door_ask(v, "POST", "/login", body);
	STATUS(a, 303);
	cookie = header(a, "\nSet-Cookie:");
	snprintf(v->cookie, sizeof v->cookie, "Cookie: %.*s\r\n", (int)strcspn(cookie, ";"), cookie);
	a = strstr(door_ask(v, "GET", "/", NULL), "name=\"csrf\" value=\"");
	assert_non_null(a);
	snprintf(v->csrf, sizeof v->csrf, "%.*s", (int)strcspn(a + 19, "\""), a + 19);
}

void visit_by_token(struct door *d, struct visitor *v, const char *rights)
{
	static int made;
	char token[TOKEN_SIZE + 8];
	struct cx *cx = &d->shop.state.cx;

	memset(v, 0, sizeof *v);
	v->door = d;
	cx->actor = (struct actor){
		.kind = ACTOR_COMMAND, .name = "command", .role = "", .rights = "*", .address = ""
	};
	assert_int_equal(token_add(cx, token, arena_printf(cx->arena, "program %d", made++), rights), RC_OK);
	snprintf(v->token, sizeof v->token, "%s", token);
}
