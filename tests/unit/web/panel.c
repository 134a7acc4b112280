/*
** panel.c -- the made-up panel of panel.h.
**
** Owns:   the pages /things and what hangs on them.
*/
#include "web/panel.h"

_Atomic int panel_effects;

static enum rc things_show(struct cx *cx, struct call *call)
{
	struct value *data = value_map(cx->arena);

	value_set_text(cx->arena, data, "empty", "things of ");
	value_set_text(cx->arena, data, "empty_href", call_url(cx, call, "page", "2"));
	value_set_text(cx->arena, data, "empty_link", cx->actor.name);
	value_set_int(cx->arena, data, "seen_at", NOON);
	value_set_int(cx->arena, data, "is_good", 1);
	answer_page(cx, call, "web/empty", _("Search"), data);
	return RC_OK;
}

static enum rc things_add(struct cx *cx, struct call *call)
{
	const char *name;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	name = form_text(call, "name");
	if (name == NULL || name[0] == '\0') return cx_fail_field(cx, "name", "Give a name.");
	answer_flash(cx, call, "/things", arena_printf(cx->arena, "Saved <%s> ñ.", name));
	return RC_OK;
}

static enum rc things_pay(struct cx *cx, struct call *call)
{
	struct value *out = value_map(cx->arena);

	panel_effects++;
	if (form_text(call, "fail") != NULL) return cx_fail(cx, RC_BAD_INPUT, "No.");
	value_set_int(cx->arena, out, "n", panel_effects);
	answer_json(cx, call, 201, out);
	return RC_OK;
}

static enum rc things_upload(struct cx *cx, struct call *call)
{
	struct upload u;
	char first[8] = "";

	if (!form_upload(call, "file", &u)) return cx_fail(cx, RC_BAD_INPUT, "No file.");
	if (pread(u.fd, first, 3, 0) != 3) return RC_BUG;
	answer_text(cx, call, 200, "text/plain",
		    arena_printf(cx->arena, "%s %s %zu %s %s", u.name, u.media_type, u.bytes.len, first,
				 form_text(call, "note")));
	return RC_OK;
}

static enum rc things_break(struct cx *cx, struct call *call)
{
	(void)cx;
	if (strcmp(call_param(call, "how"), "busy") == 0) return RC_TRY_LATER;
	return strcmp(call_param(call, "how"), "silently") == 0 ? RC_OK : RC_BUG;
}

static enum rc things_leak(struct cx *cx, struct call *call)
{
	enum rc rc = tx_begin(cx);

	answer_text(cx, call, 200, "text/plain", "left open");
	return rc;
}

static enum rc hook(struct cx *cx, struct call *call)
{
	answer_text(cx, call, 200, "text/plain",
		    arena_printf(cx->arena, "%zu %s", call_body(call).len, call_address(call)));
	return RC_OK;
}

static enum rc later(struct cx *cx, struct call *call)
{
	if (!call_is_again(call))
		answer_later(call, 10);
	else
		answer_text(cx, call, 200, "text/plain", "waited");
	return RC_OK;
}

static enum rc hold(struct cx *cx, struct call *call)
{
	if (!call_is_again(call))
		answer_later(call, 60000);
	else
		answer_text(cx, call, 200, "text/plain", "let go");
	return RC_OK;
}

#define STAFF .realm = REALM_STAFF, .class = ROUTE_DB
static const struct route routes[] = {
	{ "GET", "/things", STAFF, .right = "things.view", .menu = "Things", .handle = things_show },
	{ "POST", "/things", STAFF, .right = "things.edit", .has_token = true, .handle = things_add },
	{ "POST", "/things/pay", STAFF, .right = "things.edit", .has_token = true, .is_idempotent = true,
	  .handle = things_pay },
	{ "POST", "/things/upload", STAFF, .right = "things.edit", .has_token = true, .body_max = 1024 * 1024,
	  .handle = things_upload },
	{ "GET", "/things/break/:how", STAFF, .handle = things_break },
	{ "GET", "/things/leak", STAFF, .handle = things_leak },
	{ "GET", "/later", STAFF, .handle = later },
	{ "GET", "/", STAFF, .menu = "Home", .handle = things_show },
	{ "GET", "/hold", .realm = REALM_HOOK, .class = ROUTE_DB, .handle = hold },
	{ "POST", "/hook", .realm = REALM_HOOK, .class = ROUTE_DB, .handle = hook },
	{ .method = NULL },
};
static const struct right rights[] = {
	{ "things.view", "See things", "owner reader" },
	{ "things.edit", "Change things", "owner" },
	{ NULL, NULL, NULL },
};
static const struct route *const all_routes[] = { routes, web_routes, NULL };
static const struct right *const all_rights[] = { rights, web_rights, NULL };
static const struct setting more_settings[] = {
	{ .name = "business.currency", .type = SET_TEXT, .def = "USD", .help = "x" },
	{ .name = NULL },
};
static const struct setting *const all_settings[] = { web_settings, more_settings, NULL };

static void decorate(struct cx *cx, struct value *layout)
{
	struct value *alert =
		value_add_map(cx->arena, (struct value *)(uintptr_t)value_get(layout, "alerts"));

	value_set_text(cx->arena, alert, "text", "An alert from above");
	value_set_text(cx->arena, alert, "level", "warn");
}

static bool before(void *arg, struct request *rq, struct reply *rp)
{
	(void)arg;
	if (strcmp(request_path(rq), "/_standin/received") != 0) return false;
	reply_body(rp, "application/json", "[]", 2);
	return true;
}

static void people(struct panel *p)
{
	struct cx *cx = &p->state.cx;
	int64_t id;

	cx->actor = (struct actor){
		.kind = ACTOR_COMMAND, .name = "command", .role = "", .rights = "*", .address = ""
	};
	assert_int_equal(user_add(cx, &id, "Maria", "owner", OWNER_WORDS), RC_OK);
	assert_int_equal(user_add(cx, &id, "Rita", "reader", READER_WORDS), RC_OK);
	cx_reset(cx);
}

void panel_open(struct panel *p, const char *ini, bool is_new)
{
	struct web_options o = {
		.routes = all_routes, .rights = all_rights, .decorate = decorate, .before = before
	};
	char path[300];
	const char *why = "";
	FILE *f;
	struct cx *cx;

	memset(p, 0, sizeof *p);
	state_open(&p->state, NOON);
	cx = &p->state.cx;
	p->arena = arena_new(1024 * 1024);
	snprintf(path, sizeof path, "%s/spool", p->state.dir);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/recado.ini", p->state.dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "[web]\nlisten = 127.0.0.1:0\n%s", ini);
	fclose(f);
	if (settings_load(&p->settings, all_settings, path, p->arena, LANG_EN, &why) != RC_OK)
		fail_msg("%s", why);
	p->state.env.settings = p->settings;
	assert_int_equal(words_load(), RC_OK);
	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(tx_end(cx, auth_roles_ensure(cx, all_rights)), RC_OK);
	if (!is_new) people(p);
	if (web_start(&p->web, &p->state.env, &o, p->arena, &why) != RC_OK) fail_msg("%s", why);
	p->port = server_port(web_server(p->web));
	panel_effects = 0;
}

void panel_close(struct panel *p)
{
	web_stop(p->web);
	settings_free(p->settings);
	arena_free(p->arena);
	state_close(&p->state);
}

const char *ask(struct panel *p, const char *method, const char *target, const char *head, const char *body)
{
	static char request[256 * 1024];
	bool has_host = strstr(head, "Host:") != NULL;
	bool has_type = strstr(head, "Content-Type:") != NULL || body == NULL;

	snprintf(request, sizeof request,
		 "%s %s HTTP/1.1\r\n%s%sConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s", method, target,
		 has_host ? "" : "Host: localhost\r\n",
		 has_type ? "" : "Content-Type: application/x-www-form-urlencoded\r\n",
		 body != NULL ? strlen(body) : 0, head, body != NULL ? body : "");
	return wire_ask(p->port, request);
}

void log_in(struct panel *p, struct session *out, const char *name, const char *password)
{
	char body[300];
	const char *a, *cookie;

	snprintf(body, sizeof body, "name=%s&password=%s", name, password);
	for (char *c = body; *c != '\0'; c++)
		if (*c == ' ') *c = '+';
	a = ask(p, "POST", "/login", "", body);
	STATUS(a, 303);
	cookie = wire_header(a, "Set-Cookie");
	assert_int_equal(strncmp(cookie, "recado_session=", 15), 0);
	snprintf(out->cookie, sizeof out->cookie, "Cookie: %.*s\r\n", (int)strcspn(cookie, ";"), cookie);
	a = strstr(ask(p, "GET", "/", out->cookie, NULL), "name=\"csrf\" value=\"");
	assert_non_null(a);
	snprintf(out->csrf, sizeof out->csrf, "%s", a + 19);
}
