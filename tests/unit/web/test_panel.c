/*
** test_panel.c -- the panel as its users and the outside meet it: who gets in, what is refused, in whose
** words.
*/
#include "web/panel.h"

static int setup(void **state)
{
	struct panel *p = calloc(1, sizeof *p);

	panel_open(p, "", false);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	panel_close(*state);
	free(*state);
	return 0;
}

static void a_stranger_is_sent_to_the_log_in(void **state)
{
	struct panel *p = *state;
	const char *a = ask(p, "GET", "/things?q=a%20b", "", NULL);

	STATUS(a, 303);
	assert_string_equal(wire_header(a, "Location"), "/login?next=%2Fthings%3Fq%3Da%2520b");
	assert_string_equal(wire_header(ask(p, "GET", "/", "", NULL), "Location"), "/login");
	STATUS(ask(p, "POST", "/things", "", "name=x"), 401);
	STATUS(ask(p, "GET", "/login?next=/things", "", NULL), 200);
}

static void a_form_sent_after_logging_out_elsewhere_gives_back_what_was_typed(void **state)
{
	static const char typed[] = "name=Querida+Ana&csrf=c1&password=p1";
	struct panel *p = *state;
	const char *a = ask(p, "POST", "/things", "Origin: http://localhost\r\n", typed);

	STATUS(a, 401);
	HAS(a, "Querida Ana");
	HAS(a, "href=\"/login\"");
	HAS_NOT(a, "c1<");
	HAS_NOT(a, "p1<");
	HAS_NOT(ask(p, "POST", "/things", "Origin: http://evil.example\r\n", typed), "Querida Ana");
	HAS_NOT(ask(p, "POST", "/things", "", typed), "Querida Ana");
}

static void an_address_of_nothing_keeps_the_menu_of_who_is_logged_in(void **state)
{
	struct panel *p = *state;
	struct session s;
	const char *a = ask(p, "GET", "/nothing-here", "", NULL);

	STATUS(a, 404);
	HAS_NOT(a, "href=\"/things\"");
	log_in(p, &s, "maria", OWNER_WORDS);
	a = ask(p, "GET", "/nothing-here", s.cookie, NULL);
	STATUS(a, 404);
	HAS(a, "href=\"/things\"");
	a = ask(p, "GET", "/nothing-here", "Cookie: recado_session=wrong\r\n", NULL);
	STATUS(a, 404);
	HAS_NOT(a, "href=\"/things\"");
}

static void a_program_without_a_token_gets_401_as_json(void **state)
{
	struct panel *p = *state;
	static const char *const targets[] = { "/api/v1/things", "/things.csv", "/things.xlsx", "/things" };

	for (size_t i = 0; i < 4; i++) {
		const char *a = ask(p, "GET", targets[i], i == 3 ? "Accept: application/json\r\n" : "", NULL);

		STATUS(a, 401);
		HAS(a, "{\"error\":{\"code\":\"no_login\",\"message\":\"Log in first.\",\"fields\":{}}}");
		assert_string_equal(wire_header(a, "WWW-Authenticate"), "Bearer");
	}
	STATUS(ask(p, "GET", "/api/v1/things", "Authorization: Bearer rcd_wrong\r\n", NULL), 401);
	STATUS(ask(p, "GET", "/api/v1/things", "Authorization: Basic eDp5\r\n", NULL), 401);
	STATUS(ask(p, "GET", "/api/v1/things", "Cookie: recado_session=wrong\r\n", NULL), 401);
}

static void the_owner_logs_in_and_sees_the_menu(void **state)
{
	struct panel *p = *state;
	struct session s;
	const char *a = ask(p, "POST", "/login", "",
			    "name=++m%C3%A1ria&password=correct+horse+battery&next=%2Fthings");

	STATUS(a, 303);
	assert_string_equal(wire_header(a, "Location"), "/things");
	HAS(wire_header(a, "Set-Cookie"), "HttpOnly; SameSite=Lax");
	HAS_NOT(wire_header(a, "Set-Cookie"), "Secure");
	log_in(p, &s, "maria", OWNER_WORDS);
	a = ask(p, "GET", "/things", s.cookie, NULL);
	STATUS(a, 200);
	HAS(a, "<a href=\"/things\" aria-current=\"page\">Things</a>");
	HAS(a, "An alert from above");
	HAS(a, "Maria");
	HAS(a, "/things?page=2");
	assert_string_equal(wire_header(a, "Cache-Control"), "no-store");
	HAS(wire_header(a, "Content-Security-Policy"), "default-src 'none'");
	assert_string_equal(wire_header(a, "X-Content-Type-Options"), "nosniff");
	assert_string_equal(wire_header(a, "Strict-Transport-Security"), "");
}

static void log_in_never_leads_to_another_site(void **state)
{
	static const char *const bad[] = { "%2F%2Fevil.example", "https%3A%2F%2Fevil.example", "%2F%5Cevil",
					   "%2Fa%0Ab" };

	for (size_t i = 0; i < 4; i++) {
		char body[200];

		snprintf(body, sizeof body, "name=maria&password=correct+horse+battery&next=%s", bad[i]);
		assert_string_equal(wire_header(ask(*state, "POST", "/login", "", body), "Location"), "/");
	}
}

static void guessing_gets_slower_but_never_locks(void **state)
{
	struct panel *p = *state;
	const char *a;

	for (int i = 0; i < 4; i++) {
		a = ask(p, "POST", "/login", "", "name=maria&password=wrong+wrong");
		STATUS(a, 403);
		HAS(a, "The name or the password is wrong.");
	}
	a = ask(p, "POST", "/login", "", "name=maria&password=correct+horse+battery");
	STATUS(a, 429);
	assert_string_equal(wire_header(a, "Retry-After"), "2");
	HAS(a, "Wait 2 seconds");
	STATUS(ask(p, "POST", "/login", "", "name=nobody&password=wrong+wrong"), 403);
	clock_shift(p->state.env.clock, 2 * SECOND_MS);
	STATUS(ask(p, "POST", "/login", "", "name=maria&password=correct+horse+battery"), 303);
	STATUS(ask(p, "POST", "/login", "", "name=maria&password=wrong+wrong"),
	       403); /* counted from the start again */
	STATUS(ask(p, "POST", "/login", "", "name=maria&password=correct+horse+battery"), 303);
}

static void a_log_in_from_another_site_is_refused(void **state)
{
	struct panel *p = *state;
	const char *good = "name=maria&password=correct+horse+battery";

	STATUS(ask(p, "POST", "/login", "Origin: https://evil.example\r\n", good), 403);
	STATUS(ask(p, "POST", "/login", "Sec-Fetch-Site: cross-site\r\n", good), 403);
	STATUS(ask(p, "POST", "/login", "Origin: http://localhost:8080\r\nSec-Fetch-Site: same-origin\r\n",
		   good),
	       303);
}

static void a_write_needs_the_token_of_its_session(void **state)
{
	struct panel *p = *state;
	struct session s, other;
	char head[400], body[200];
	const char *a;

	log_in(p, &s, "maria", OWNER_WORDS);
	log_in(p, &other, "maria", OWNER_WORDS);
	a = ask(p, "POST", "/things", s.cookie, "name=x");
	STATUS(a, 403);
	HAS(a, "The form is out of date");
	snprintf(body, sizeof body, "name=x&csrf=%s", other.csrf);
	STATUS(ask(p, "POST", "/things", s.cookie, body), 403);
	snprintf(head, sizeof head, "%sAccept: application/json\r\nX-CSRF-Token: wrong\r\n", s.cookie);
	a = ask(p, "POST", "/things", head, "name=x");
	STATUS(a, 403);
	HAS(a, "\"code\":\"csrf\"");
	snprintf(body, sizeof body, "name=x&csrf=%s", s.csrf);
	STATUS(ask(p, "POST", "/things", s.cookie, body), 303);
	snprintf(head, sizeof head, "%sX-CSRF-Token: %s\r\n", s.cookie, s.csrf);
	STATUS(ask(p, "POST", "/things", head, "name=x"), 303);
	STATUS(ask(p, "POST", "/logout", s.cookie, ""), 403);
}

static void what_was_saved_is_said_once_on_the_next_page(void **state)
{
	struct panel *p = *state;
	struct session s;
	char body[200], head[600];
	const char *a, *cookie;

	log_in(p, &s, "maria", OWNER_WORDS);
	snprintf(body, sizeof body, "name=%%3Cb%%3E&csrf=%s", s.csrf);
	a = ask(p, "POST", "/things", s.cookie, body);
	STATUS(a, 303);
	cookie = wire_header(a, "Set-Cookie");
	snprintf(head, sizeof head, "%.*s; %.*s\r\n", (int)strcspn(s.cookie, "\r"), s.cookie,
		 (int)strcspn(cookie, ";"), cookie);
	a = ask(p, "GET", "/things", head, NULL);
	HAS(a, "Saved &lt;&lt;b&gt;&gt; ñ.");
	HAS(wire_header(a, "Set-Cookie"), "recado_flash=; Path=/; Max-Age=0");
	HAS_NOT(ask(p, "GET", "/things", s.cookie, NULL), "Saved");
}

static void a_role_without_the_right_is_refused(void **state)
{
	struct panel *p = *state;
	struct session s;
	char head[400];
	const char *a;

	log_in(p, &s, "rita", READER_WORDS);
	STATUS(ask(p, "GET", "/things", s.cookie, NULL), 200);
	snprintf(head, sizeof head, "%sX-CSRF-Token: %s\r\n", s.cookie, s.csrf);
	a = ask(p, "POST", "/things", head, "name=x");
	STATUS(a, 403);
	HAS(a, "You do not have permission");
	/* A right taken away or given works at once, from whatever process. */
	assert_int_equal(
		state_run(&p->state,
			  "UPDATE role SET rights = 'things.view things.edit' WHERE name = 'reader'"),
		RC_OK);
	STATUS(ask(p, "POST", "/things", head, "name=x"), 303);
}

static void nobody_is_offered_a_link_to_a_closed_door(void **state)
{
	struct panel *p = *state;
	struct cx *cx = &p->state.cx;

	cx->actor = (struct actor){ .kind = ACTOR_USER, .user_id = 2, .rights = "things.view" };
	assert_true(web_may_open(cx, "/things?state=open#rows"));
	assert_true(web_may_open(cx, "/login"));       /* open to anybody */
	assert_false(web_may_open(cx, "/things/pay")); /* no page: only a POST */
	assert_false(web_may_open(cx, "/nowhere"));
	assert_false(web_may_open(cx, "https://example.com/things"));
	assert_false(web_may_open(cx, ""));
	assert_false(web_may_open(cx, NULL));
	cx->actor.rights = "others.view";
	assert_false(web_may_open(cx, "/things"));
	cx->actor.rights = "*";
	assert_true(web_may_open(cx, "/things"));
	cx_reset(cx);
}

static void a_role_keeps_what_its_owner_took_away(void **state)
{
	struct panel *p = *state;
	struct cx *cx = &p->state.cx;

	assert_int_equal(state_int(&p->state,
				   "SELECT count(*) FROM role WHERE (name = 'owner' AND rights = '*')"
				   " OR (name = 'reader' AND rights = 'things.view')"),
			 2);
	assert_int_equal(state_run(&p->state, "UPDATE role SET rights = '' WHERE name = 'reader'"), RC_OK);
	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(tx_end(cx, auth_roles_ensure(cx, web_state.rights)), RC_OK);
	assert_int_equal(state_int(&p->state, "SELECT count(*) FROM role WHERE rights <> ''"), 1);
}

/* A newer version that gives a built-in role less; what an owner gives it after that is his word. */
static void a_right_that_a_role_should_never_have_had_is_taken_once(void **state)
{
	struct panel *p = *state;
	struct cx *cx = &p->state.cx;
	const struct right *const *before = web_state.rights;
	static const struct right now[] = { { "things.view", "See", "owner reader" },
					    { "things.edit", "Edit", "owner -reader -seller" },
					    { NULL, NULL, NULL } };
	static const struct right *const all[] = { now, NULL };

	assert_int_equal(
		state_run(&p->state,
			  "UPDATE role SET rights = 'a.b things.edit things.view' WHERE name = 'reader'"),
		RC_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tx_begin(cx), RC_OK);
		assert_int_equal(tx_end(cx, auth_roles_ensure(cx, all)), RC_OK);
		assert_int_equal(state_int(&p->state,
					   "SELECT count(*) FROM role WHERE name = 'reader' AND rights ="
					   " 'a.b things.view'"),
				 1);
	}
	assert_int_equal(state_run(&p->state, "UPDATE role SET rights = 'things.edit' WHERE name = 'reader'"),
			 RC_OK);
	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(tx_end(cx, auth_roles_ensure(cx, all)), RC_OK);
	assert_int_equal(
		state_int(&p->state,
			  "SELECT count(*) FROM role WHERE name = 'reader' AND rights = 'things.edit'"),
		1);
	web_state.rights = before;
}

static void logging_out_ends_the_session_everywhere(void **state)
{
	struct panel *p = *state;
	struct session s;
	char head[400];

	log_in(p, &s, "maria", OWNER_WORDS);
	snprintf(head, sizeof head, "%sX-CSRF-Token: %s\r\n", s.cookie, s.csrf);
	STATUS(ask(p, "POST", "/logout", head, ""), 303);
	STATUS(ask(p, "GET", "/things", s.cookie, NULL), 303);
	log_in(p, &s, "maria", OWNER_WORDS);
	assert_int_equal(user_set_password(&p->state.cx, "maria", "another good one"), RC_OK);
	STATUS(ask(p, "GET", "/things", s.cookie, NULL), 303);
	log_in(p, &s, "maria", "another good one");
	assert_int_equal(state_run(&p->state, "UPDATE user SET archived_at = 1 WHERE name = 'Maria'"), RC_OK);
	STATUS(ask(p, "GET", "/things", s.cookie, NULL), 303);
	STATUS(ask(p, "POST", "/login", "", "name=maria&password=another+good+one"), 403);
}

static void a_session_ends_after_a_working_day_of_silence(void **state)
{
	struct panel *p = *state;
	struct session s;

	log_in(p, &s, "maria", OWNER_WORDS);
	clock_shift(p->state.env.clock, SESSION_IDLE_MS - 10 * SECOND_MS);
	STATUS(ask(p, "GET", "/things", s.cookie, NULL), 200);
	clock_shift(p->state.env.clock, SESSION_IDLE_MS - 10 * SECOND_MS);
	STATUS(ask(p, "GET", "/things", s.cookie, NULL), 200);
	clock_shift(p->state.env.clock, SESSION_IDLE_MS);
	STATUS(ask(p, "GET", "/things", s.cookie, NULL), 303);
}

static void a_session_ends_after_two_weeks_in_any_case(void **state)
{
	struct panel *p = *state;
	struct session s;

	log_in(p, &s, "maria", OWNER_WORDS);
	for (int64_t at = 0; at + 10 * HOUR_MS < SESSION_ABSOLUTE_MS; at += 10 * HOUR_MS) {
		STATUS(ask(p, "GET", "/things", s.cookie, NULL), 200);
		clock_shift(p->state.env.clock, 10 * HOUR_MS);
	}
	clock_shift(p->state.env.clock, 10 * HOUR_MS);
	STATUS(ask(p, "GET", "/things", s.cookie, NULL), 303);
}

static void pages_write_last_use_at_most_once_a_minute(void **state)
{
	struct panel *p = *state;
	struct session s;
	int64_t before;

	log_in(p, &s, "maria", OWNER_WORDS);
	before = state_int(&p->state, "SELECT last_used_at FROM session");
	STATUS(ask(p, "GET", "/things", s.cookie, NULL), 200);
	assert_int_equal(state_int(&p->state, "SELECT last_used_at FROM session"), before);
	clock_shift(p->state.env.clock, 61 * SECOND_MS);
	STATUS(ask(p, "GET", "/things", s.cookie, NULL), 200);
	assert_true(state_int(&p->state, "SELECT last_used_at FROM session") > before + MINUTE_MS);
}

static void a_token_opens_the_api_and_needs_no_form_token(void **state)
{
	struct panel *p = *state;
	struct cx *cx = &p->state.cx;
	char token[TOKEN_SIZE + 8], head[300];
	const char *a;

	cx->actor = (struct actor){
		.kind = ACTOR_COMMAND, .name = "command", .role = "", .rights = "*", .address = ""
	};
	assert_int_equal(token_add(cx, token, "web", "things.vieww"), RC_BAD_INPUT);
	HAS(cx->message, "things.view");
	cx->message = "";
	assert_int_equal(token_add(cx, token, "web", ""), RC_BAD_INPUT);
	cx->message = "";
	assert_int_equal(token_add(cx, token, "web", "things.view, things.edit"), RC_OK);
	assert_int_equal(token_add(cx, head, "web", "things.view"), RC_CONFLICT);
	snprintf(head, sizeof head, "Authorization: Bearer %s\r\n", token);
	a = ask(p, "GET", "/api/v1/things", head, NULL);
	STATUS(a, 200);
	assert_string_equal(wire_header(a, "Content-Type"), "application/json");
	HAS(a, "\"seen_at\":\"2026-11-22T");
	HAS(a, "\"is_good\":true");
	a = ask(p, "POST", "/api/v1/things", head, "name=x");
	STATUS(a, 200);
	HAS(a, "\"message\":\"Saved <x> ñ.\"");
	a = ask(p, "POST", "/api/v1/things", head, "name=");
	STATUS(a, 400);
	HAS(a, "\"fields\":{\"name\":\"Give a name.\"}");
	assert_int_equal(state_run(&p->state, "UPDATE api_token SET expires_at = created_at"), RC_OK);
	STATUS(ask(p, "GET", "/api/v1/things", head, NULL), 401);
	assert_int_equal(
		state_int(&p->state, "SELECT count(*) FROM api_token WHERE token_sha256 LIKE 'rcd%'"), 0);
}

static void a_call_sent_twice_happens_once(void **state)
{
	struct panel *p = *state;
	struct session s;
	char head[400];
	const char *a;

	log_in(p, &s, "maria", OWNER_WORDS);
	snprintf(head, sizeof head, "%sX-CSRF-Token: %s\r\nIdempotency-Key: k1\r\n", s.cookie, s.csrf);
	STATUS(ask(p, "POST", "/api/v1/things/pay", head, "amount=1"), 201);
	a = ask(p, "POST", "/api/v1/things/pay", head, "amount=1");
	STATUS(a, 201);
	HAS(a, "{\"n\":1}");
	assert_string_equal(wire_header(a, "Idempotency-Replayed"), "true");
	assert_int_equal(panel_effects, 1);
	a = ask(p, "POST", "/api/v1/things/pay", head, "amount=2");
	STATUS(a, 409);
	HAS(a, "\"code\":\"key_reused\"");
	clock_shift(p->state.env.clock, 11 * HOUR_MS); /* the key is kept a day, the session half of one */
	STATUS(ask(p, "GET", "/", s.cookie, NULL), 200);
	clock_shift(p->state.env.clock, 11 * HOUR_MS);
	STATUS(ask(p, "GET", "/", s.cookie, NULL), 200);
	clock_shift(p->state.env.clock, 3 * HOUR_MS);
	STATUS(ask(p, "POST", "/api/v1/things/pay", head, "amount=2"), 201);
	assert_int_equal(panel_effects, 2);
}

static void a_failed_call_frees_its_key_and_a_cut_one_does_not(void **state)
{
	struct panel *p = *state;
	struct session s;
	char head[400];
	const char *a;

	log_in(p, &s, "maria", OWNER_WORDS);
	snprintf(head, sizeof head, "%sX-CSRF-Token: %s\r\nIdempotency-Key: k2\r\n", s.cookie, s.csrf);
	STATUS(ask(p, "POST", "/api/v1/things/pay", head, "fail=1"), 400);
	STATUS(ask(p, "POST", "/api/v1/things/pay", head, "fail=1"), 400);
	assert_int_equal(panel_effects, 2);
	STATUS(ask(p, "POST", "/api/v1/things/pay", head, "a=1"), 201);
	assert_int_equal(state_run(&p->state, "UPDATE idempotency SET status = 0, body = ''"), RC_OK);
	a = ask(p, "POST", "/api/v1/things/pay", head, "a=1");
	STATUS(a, 409);
	HAS(a, "still_running");
	clock_shift(p->state.env.clock, 3 * MINUTE_MS);
	a = ask(p, "POST", "/api/v1/things/pay", head, "a=1");
	STATUS(a, 409);
	HAS(a, "unfinished");
	assert_int_equal(panel_effects, 3);
}

static void an_unknown_host_is_told_which_key_to_set(void **state)
{
	struct panel *p = *state;
	const char *a = ask(p, "GET", "/login", "Host: evil.example:8080\r\n", NULL);

	STATUS(a, 400);
	HAS(a, "“evil.example” is not a name of this panel");
	HAS(a, "web.hosts");
	a = ask(p, "GET", "/api/v1/things", "Host: evil.example\r\n", NULL);
	STATUS(a, 400);
	HAS(a, "{\"error\":{\"code\":\"bad_request\"");
	STATUS(ask(p, "GET", "/login", "Host: 127.0.0.1:9\r\n", NULL), 200);
	STATUS(ask(p, "GET", "/login", "Host: [::1]\r\n", NULL), 200);
	STATUS(ask(p, "GET", "/login", "Host: LocalHost.\r\n", NULL), 200);
	STATUS(ask(p, "GET", "/health/live", "Host: 10.0.0.1\r\n", NULL), 200);
}

static void a_host_added_to_the_settings_counts_at_once(void **state)
{
	struct panel *p = *state;
	const char *why = "";

	STATUS(ask(p, "GET", "/login", "Host: panel.example.com\r\n", NULL), 400);
	assert_int_equal(settings_set(p->settings, "web.hosts", "other.example, panel.example.com", p->arena,
				      LANG_EN, &why),
			 RC_OK);
	assert_int_equal(settings_reload(p->settings, p->arena, LANG_EN, &why), RC_OK);
	STATUS(ask(p, "GET", "/login", "Host: panel.example.com\r\n", NULL), 200);
}

static void bad_input_gets_one_sentence_as_page_or_json(void **state)
{
	struct panel *p = *state;
	struct session s;
	static char big[70 * 1024], head[400];
	const char *a;

	STATUS(a = ask(p, "GET", "/%zz", "", NULL), 400);
	HAS(a, "<p>The address is not well formed.</p>");
	STATUS(a = ask(p, "GET", "/api/v1/%ff", "", NULL), 400);
	HAS(a, "\"message\":\"The address is not well formed.\"");
	log_in(p, &s, "maria", OWNER_WORDS);
	snprintf(head, sizeof head, "%sX-CSRF-Token: %s\r\n", s.cookie, s.csrf);
	STATUS(a = ask(p, "POST", "/things", head, "name=%f"), 400);
	HAS(a, "its encoding is broken");
	STATUS(ask(p, "POST", "/things", head, "name=%ff"), 400);
	STATUS(ask(p, "POST", "/things", head, "name=%00"), 400);
	memset(big, 'x', sizeof big - 1);
	STATUS(a = ask(p, "POST", "/things", head, big), 413);
	HAS(a, "larger than this page accepts");
	STATUS(a = ask(p, "POST", "/api/v1/things", head, big), 413);
	HAS(a, "\"code\":\"too_large\"");
	snprintf(head, sizeof head, "%sX-CSRF-Token: %s\r\nContent-Type: application/json\r\n", s.cookie,
		 s.csrf);
	STATUS(a = ask(p, "POST", "/api/v1/things", head, "{\"name\":"), 400);
	HAS(a, "JSON is not well formed");
	STATUS(ask(p, "POST", "/api/v1/things", head, "{\"name\":\"x\"}"), 200);
	snprintf(head, sizeof head, "%sX-CSRF-Token: %s\r\nContent-Type: text/plain\r\n", s.cookie, s.csrf);
	STATUS(ask(p, "POST", "/things", head, "name=x"), 415);
	snprintf(head, sizeof head, "%sX-CSRF-Token: %s\r\nContent-Type: multipart/form-data; boundary=b\r\n",
		 s.cookie, s.csrf);
	STATUS(ask(p, "POST", "/things", head,
		   "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\ncut"),
	       400);
	STATUS(ask(p, "GET", "/things", s.cookie, NULL), 200);
}

static void a_file_arrives_with_its_name_and_its_bytes(void **state)
{
	struct panel *p = *state;
	struct session s;
	char head[500];
	const char *body =
		"--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n  hola  \r\n"
		"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\\\x\\\\lista.csv\"\r\n"
		"Content-Type: text/csv\r\n\r\na,b\r\n\r\n--b--\r\n";

	log_in(p, &s, "maria", OWNER_WORDS);
	snprintf(head, sizeof head,
		 "%sX-CSRF-Token: %s\r\nContent-Type: multipart/form-data; boundary=\"b\"\r\n", s.cookie,
		 s.csrf);
	assert_string_equal(wire_body(ask(p, "POST", "/things/upload", head, body)),
			    "lista.csv text/csv 5 a,b hola");
}

static void who_may_not_upload_hears_it_before_sending(void **state)
{
	struct panel *p = *state;
	struct session s;
	char request[600];

	log_in(p, &s, "rita", READER_WORDS);
	snprintf(
		request, sizeof request,
		"POST /things/upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 900000\r\n%s\r\n",
		s.cookie);
	STATUS(wire_ask(p->port, request), 403);
}

static void failures_are_pages_in_both_languages(void **state)
{
	struct panel *p = *state;
	struct session s;
	char es[300];
	const char *a;

	log_in(p, &s, "maria", OWNER_WORDS);
	snprintf(es, sizeof es, "%.*s; recado_lang=es\r\n", (int)strcspn(s.cookie, "\r"), s.cookie);
	STATUS(a = ask(p, "GET", "/nowhere", s.cookie, NULL), 404);
	HAS(a, "There is no page at this address.");
	HAS(ask(p, "GET", "/nowhere", es, NULL), "No hay ninguna página en esta dirección.");
	STATUS(a = ask(p, "DELETE", "/things", s.cookie, NULL), 405);
	assert_string_equal(wire_header(a, "Allow"), "GET, HEAD, POST");
	HAS(ask(p, "DELETE", "/things", es, NULL), "no se puede llamar con DELETE");
	STATUS(a = ask(p, "GET", "/things/break/loudly", s.cookie, NULL), 500);
	HAS(a, "Something went wrong on our side");
	STATUS(ask(p, "GET", "/things/break/silently", s.cookie, NULL), 500);
	/* A page that a busy machine could not make comes by itself; nothing else does. */
	a = ask(p, "GET", "/things/break/busy", s.cookie, NULL);
	STATUS(a, 503);
	assert_string_equal(wire_header(a, "Refresh"), "5");
	assert_string_equal(wire_header(ask(p, "GET", "/things/break/silently", s.cookie, NULL), "Refresh"),
			    "");
	assert_string_equal(
		wire_header(ask(p, "GET", "/api/v1/things/break/busy", s.cookie, NULL), "Refresh"), "");
	HAS(ask(p, "GET", "/things/break/loudly", es, NULL), "<html lang=\"es\">");
	STATUS(ask(p, "GET", "/api/v1/nowhere", s.cookie, NULL), 404);
	STATUS(ask(p, "GET", "/things.csv", s.cookie, NULL), 404); /* a page that is no list */
}

static void the_chosen_language_stays(void **state)
{
	const char *a = ask(*state, "GET", "/login?lang=es&next=%2Fthings", "", NULL);

	HAS(a, "Iniciar sesión");
	HAS(wire_header(a, "Set-Cookie"), "recado_lang=es");
	HAS(a, "<a href=\"/login?next=%2Fthings&amp;lang=en\"");
	HAS(ask(*state, "GET", "/login", "Cookie: recado_lang=es\r\n", NULL), "Iniciar sesión");
	HAS(ask(*state, "GET", "/login?lang=xx", "", NULL), ">Log in<");
}

static void a_transaction_left_open_harms_nobody(void **state)
{
	struct panel *p = *state;
	struct session s;

	log_in(p, &s, "maria", OWNER_WORDS);
	for (int i = 0; i < 4; i++)
		STATUS(ask(p, "GET", "/things/leak", s.cookie, NULL), 200);
	assert_int_equal(state_run(&p->state, "UPDATE user SET email = 'x'"), RC_OK);
}

static void assets_are_small_and_kept(void **state)
{
	struct panel *p = *state;
	char url[100], head[100];
	const char *a;

	snprintf(url, sizeof url, "%s", asset_url("recado.css"));
	a = ask(p, "GET", url, "Accept-Encoding: gzip, br\r\n", NULL);
	STATUS(a, 200);
	assert_string_equal(wire_header(a, "Content-Encoding"), "gzip");
	assert_string_equal(wire_header(a, "Content-Type"), "text/css; charset=utf-8");
	HAS(wire_header(a, "Cache-Control"), "immutable");
	assert_true(atoi(wire_header(a, "Content-Length")) < 8 * 1024);
	snprintf(head, sizeof head, "If-None-Match: %s\r\n", wire_header(a, "ETag"));
	STATUS(ask(p, "GET", url, head, NULL), 304);
	a = ask(p, "GET", url, "", NULL);
	assert_true(atoi(wire_header(a, "Content-Length")) < 20 * 1024);
	HAS(a, "prefers-color-scheme");
	a = ask(p, "GET", "/assets/old/recado.css", "", NULL);
	STATUS(a, 200);
	assert_string_equal(wire_header(a, "Cache-Control"), "no-cache");
	STATUS(ask(p, "GET", "/assets/old/nothing.css", "", NULL), 404);
	STATUS(ask(p, "GET", "/favicon.ico", "", NULL), 200);
}

static void hooks_and_stand_ins_need_no_log_in(void **state)
{
	struct panel *p = *state;

	assert_string_equal(wire_body(ask(p, "POST", "/hook", "X-Forwarded-For: 1.2.3.4\r\n", "abc")),
			    "3 127.0.0.1");
	assert_string_equal(wire_body(ask(p, "GET", "/_standin/received", "", NULL)), "[]");
	STATUS(ask(p, "GET", "/hook", "", NULL), 405);
	assert_string_equal(wire_body(ask(p, "GET", "/health/live", "", NULL)), "ok\n");
}

static void head_is_get_without_the_body(void **state)
{
	const char *a = ask(*state, "HEAD", "/login", "", NULL);

	STATUS(a, 200);
	assert_string_equal(wire_body(a), "");
}

static void waiting_parks_the_connection_and_comes_back(void **state)
{
	struct session s;

	log_in(*state, &s, "maria", OWNER_WORDS);
	assert_string_equal(wire_body(ask(*state, "GET", "/later", s.cookie, NULL)), "waited");
}

static void names_and_passwords_are_checked(void **state)
{
	struct panel *p = *state;
	struct cx *cx = &p->state.cx;
	static const struct {
		const char *name, *role, *password;
		enum rc rc;
	} rows[] = {
		{ "", "owner", "long enough", RC_BAD_INPUT },
		{ "   ", "owner", "long enough", RC_BAD_INPUT },
		{ "a<b", "owner", "long enough", RC_BAD_INPUT },
		{ "ana", "king", "long enough", RC_BAD_INPUT },
		{ "ana", "owner", "7 chars", RC_BAD_INPUT },
		{ "anaanaana", "owner", "anaanaana", RC_BAD_INPUT },
		{ "MARÍA", "owner", "long enough", RC_CONFLICT },
		{ "ana", "seller", "8 chars!", RC_OK },
	};
	int64_t id;

	cx->actor = (struct actor){
		.kind = ACTOR_COMMAND, .name = "command", .role = "", .rights = "*", .address = ""
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(user_add(cx, &id, rows[i].name, rows[i].role, rows[i].password), rows[i].rc);
		if (rows[i].rc != RC_OK) assert_true(strlen(cx_sentence(cx, rows[i].rc)) > 5);
		cx->message = "";
		cx->field_count = 0;
	}
}

static void the_first_user_comes_in_with_the_code_once(void **state)
{
	struct panel *p = calloc(1, sizeof *p);
	const char *code, *a;
	char target[100], body[300], cookie[200];

	(void)state;
	panel_open(p, "", true);
	assert_int_equal(setup_code(&p->state.cx, &code), RC_OK);
	assert_int_equal(strlen(code), 26);
	HAS(ask(p, "GET", "/login", "", NULL), "There is no user yet");
	STATUS(ask(p, "GET", "/setup", "", NULL), 403);
	STATUS(ask(p, "GET", "/setup?code=wrong", "", NULL), 403);
	snprintf(target, sizeof target, "/setup?code=%s", code);
	STATUS(ask(p, "GET", target, "", NULL), 200);
	snprintf(body, sizeof body, "code=%s&name=Ana&password=short&password_again=short", code);
	STATUS(a = ask(p, "POST", "/setup", "", body), 400);
	HAS(a, "at least 8 characters");
	snprintf(body, sizeof body, "code=%s&name=Ana&password=long+enough&password_again=other+one", code);
	STATUS(a = ask(p, "POST", "/setup", "", body), 400);
	HAS(a, "not the same");
	snprintf(body, sizeof body, "code=%s&name=Ana&password=long+enough&password_again=long+enough", code);
	STATUS(a = ask(p, "POST", "/setup", "", body), 303);
	snprintf(cookie, sizeof cookie, "Cookie: %.*s\r\n", (int)strcspn(wire_header(a, "Set-Cookie"), ";"),
		 wire_header(a, "Set-Cookie"));
	STATUS(a = ask(p, "GET", "/", cookie, NULL), 200);
	HAS(a, "Ana");
	STATUS(ask(p, "POST", "/setup", "", body), 409);
	assert_string_equal(wire_header(ask(p, "GET", target, "", NULL), "Location"), "/login");
	assert_int_equal(setup_code(&p->state.cx, &code), RC_OK);
	assert_string_equal(code, "");
	panel_close(p);
	free(p);
}

static void behind_a_proxy_with_https_cookies_are_strict(void **state)
{
	struct panel *p = calloc(1, sizeof *p);
	const char *a;
	char head[300];
	const char *via =
		"X-Forwarded-Proto: https\r\nX-Forwarded-For: 6.6.6.6, 9.9.9.9\r\nHost: panel.example.com\r\n";

	(void)state;
	panel_open(p, "proxies = 127.0.0.0/8\npublic_url = https://panel.example.com\n", false);
	a = ask(p, "POST", "/login", via, "name=maria&password=correct+horse+battery");
	STATUS(a, 303);
	HAS(wire_header(a, "Set-Cookie"), "__Host-recado_session=");
	HAS(wire_header(a, "Set-Cookie"), "; Secure");
	HAS(wire_header(a, "Strict-Transport-Security"), "max-age=");
	snprintf(head, sizeof head, "%sCookie: %.*s\r\n", via,
		 (int)strcspn(wire_header(a, "Set-Cookie"), ";"), wire_header(a, "Set-Cookie"));
	a = ask(p, "GET", "/things", head, NULL);
	STATUS(a, 200);
	HAS_NOT(a, "Not encrypted");
	assert_string_equal(wire_body(ask(p, "POST", "/hook", via, "")), "0 9.9.9.9");
	HAS(ask(p, "GET", "/login", "X-Forwarded-For: 9.9.9.9\r\n", NULL), "Not encrypted");
	panel_close(p);
	free(p);
}

/* 64 is OWN_REQUESTS of gate.h: the limit and one past it. */
static void one_address_cannot_take_all_the_places(void **state)
{
	struct panel *p = calloc(1, sizeof *p);
	const char *one =
		"GET /hold HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n";
	struct server_figures f = { 0 };
	int fds[64];
	const char *a;

	(void)state;
	panel_open(p, "proxies = 127.0.0.1\n", false);
	for (int i = 0; i < 64; i++) {
		fds[i] = wire_open(p->port, NULL);
		wire_send(fds[i], one, strlen(one));
	}
	while (f.requests < 64)
		server_figures(web_server(p->web), &f);
	STATUS(a = wire_ask(p->port, one), 429);
	assert_string_equal(wire_header(a, "Retry-After"), "1");
	STATUS(ask(p, "POST", "/hook", "X-Forwarded-For: 8.8.8.8\r\n", ""), 200); /* others are served */
	do
		server_figures(web_server(p->web), &f);
	while (f.queued > 0);
	usleep(20000); /* the last three are on their way to being parked */
	web_wake(p->web);
	for (int i = 0; i < 64; i++)
		assert_string_equal(wire_body(wire_rest(fds[i])), "let go");
	STATUS(ask(p, "POST", "/hook", "X-Forwarded-For: 9.9.9.9\r\n", ""), 200);
	panel_close(p);
	free(p);
}

static void panel_allow_shuts_the_panel_but_not_the_hooks(void **state)
{
	struct panel *p = calloc(1, sizeof *p);

	(void)state;
	panel_open(p, "panel_allow = 10.0.0.0/8\n", false);
	STATUS(ask(p, "GET", "/things", "", NULL), 403);
	STATUS(ask(p, "POST", "/hook", "", ""), 200);
	panel_close(p);
	free(p);
}

static void every_template_compiles_in_every_language(void **state)
{
	struct panel *p = *state;
	const char *why = "";

	if (web_templates_check(p->arena, &why) != RC_OK) fail_msg("%s", why);
}

static void every_route_without_log_in_leads_to_it(void **state)
{
	struct panel *p = *state;
	const struct route *row;

	for (size_t i = 0; (row = web_route_at(i)) != NULL; i++) {
		int status;

		if (row->realm != REALM_STAFF) continue;
		status = wire_status(
			ask(p, row->method, row->path, "", strcmp(row->method, "GET") == 0 ? NULL : "a=1"));
		if (status != 303 && status != 401) fail_msg("%s %s: %d", row->method, row->path, status);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_stranger_is_sent_to_the_log_in),
		T(a_form_sent_after_logging_out_elsewhere_gives_back_what_was_typed),
		T(an_address_of_nothing_keeps_the_menu_of_who_is_logged_in),
		T(a_program_without_a_token_gets_401_as_json),
		T(the_owner_logs_in_and_sees_the_menu),
		T(log_in_never_leads_to_another_site),
		T(guessing_gets_slower_but_never_locks),
		T(a_log_in_from_another_site_is_refused),
		T(a_write_needs_the_token_of_its_session),
		T(what_was_saved_is_said_once_on_the_next_page),
		T(a_role_without_the_right_is_refused),
		T(nobody_is_offered_a_link_to_a_closed_door),
		T(a_role_keeps_what_its_owner_took_away),
		T(a_right_that_a_role_should_never_have_had_is_taken_once),
		T(logging_out_ends_the_session_everywhere),
		T(a_session_ends_after_a_working_day_of_silence),
		T(a_session_ends_after_two_weeks_in_any_case),
		T(pages_write_last_use_at_most_once_a_minute),
		T(a_token_opens_the_api_and_needs_no_form_token),
		T(a_call_sent_twice_happens_once),
		T(a_failed_call_frees_its_key_and_a_cut_one_does_not),
		T(an_unknown_host_is_told_which_key_to_set),
		T(a_host_added_to_the_settings_counts_at_once),
		T(bad_input_gets_one_sentence_as_page_or_json),
		T(a_file_arrives_with_its_name_and_its_bytes),
		T(who_may_not_upload_hears_it_before_sending),
		T(failures_are_pages_in_both_languages),
		T(the_chosen_language_stays),
		T(a_transaction_left_open_harms_nobody),
		T(assets_are_small_and_kept),
		T(hooks_and_stand_ins_need_no_log_in),
		T(head_is_get_without_the_body),
		T(waiting_parks_the_connection_and_comes_back),
		T(names_and_passwords_are_checked),
		cmocka_unit_test(the_first_user_comes_in_with_the_code_once),
		cmocka_unit_test(behind_a_proxy_with_https_cookies_are_strict),
		cmocka_unit_test(one_address_cannot_take_all_the_places),
		cmocka_unit_test(panel_allow_shuts_the_panel_but_not_the_hooks),
		T(every_template_compiles_in_every_language),
		T(every_route_without_log_in_leads_to_it),
	};

	if (seal_start() != RC_OK) return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
