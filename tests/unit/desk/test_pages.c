/* desk's handlers: the same shop over HTTP, for people with a browser and for programs with a token. */
#include "door.h"

static void a_person_makes_finds_changes_and_archives_a_row(void **unused)
{
	struct door d;
	struct visitor v;
	char place[100], target[160];
	const char *a;

	(void)unused;
	door_open(&d);
	visit(&d, &v, "Olga");
	a = door_ask(&v, "GET", "/people", NULL);
	STATUS(a, 200);
	HAS(a, "Nobody yet.");
	HAS(a, "href=\"/people/new\"");
	a = door_ask(&v, "GET", "/people/new", NULL);
	STATUS(a, 200);
	HAS(a, "name=\"given_names\"");
	HAS(a, "<option value=\"small\" selected>Small one</option>");
	HAS_NOT(a, "name=\"owner_id\"");
	a = door_ask(&v, "POST", "/people/new", "given_names=&email=no&surnames=R%C3%ADos");
	STATUS(a, 422);
	HAS(a, "value=\"Ríos\"");
	HAS(a, "“no” is not an e-mail address.");
	HAS(a, "href=\"#f-given_names\"");
	a = door_ask(&v, "POST", "/people/new",
		     "given_names=Ana+%3Cb%3E&surnames=R%C3%ADos&is_member=0&is_member=1");
	STATUS(a, 303);
	snprintf(place, sizeof place, "%s", door_location(a));
	assert_int_equal(strncmp(place, "/people/", 8), 0);
	a = door_ask(&v, "GET", place, NULL);
	STATUS(a, 200);
	HAS(a, "<h1>Ana &lt;b&gt; Ríos</h1>");
	HAS(a, "<dt>Member</dt><dd>Yes");
	HAS_NOT(a, "PIN");
	a = door_ask(&v, "GET", "/people?q=rios", NULL);
	HAS(a, "Ana &lt;b&gt;");
	HAS(a, "1 in all");
	a = door_ask(&v, "GET", "/people?q=rios&size=huge", NULL);
	STATUS(a, 400);
	HAS(a, "Size: “huge” is not one of the choices.");
	HAS(a, "value=\"rios\"");
	snprintf(target, sizeof target, "%s/edit", place);
	a = door_ask(&v, "GET", target, NULL);
	HAS(a, "name=\"_seen\"");
	a = door_ask(&v, "POST", target, "given_names=Eva");
	STATUS(a, 303);
	a = door_ask(&v, "POST", target, "given_names=Iris&_seen=1");
	STATUS(a, 422);
	HAS(a, "Somebody else saved this meanwhile.");
	HAS(a, "value=\"Iris\"");
	snprintf(target, sizeof target, "%s/history", place);
	a = door_ask(&v, "GET", target, NULL);
	HAS(a, "Olga · changed");
	HAS(a, ">Ana &lt;b&gt;</td>");
	HAS(a, ">Eva</td>");
	snprintf(target, sizeof target, "%s/archive", place);
	a = door_ask(&v, "GET", target, NULL);
	HAS(a, "Archive “Eva Ríos”?");
	STATUS(door_ask(&v, "POST", target, ""), 303);
	HAS_NOT(door_ask(&v, "GET", "/people", NULL), "Eva");
	HAS(door_ask(&v, "GET", place, NULL), "Archived: ");
	STATUS(door_ask(&v, "POST", target, ""), 404);
	door_close(&d);
}

static void a_program_works_with_the_same_rows_in_json(void **unused)
{
	struct door d;
	struct visitor v;
	char place[100];
	const char *a;

	(void)unused;
	door_open(&d);
	visit_by_token(&d, &v, "people.view people.edit people.all");
	a = door_ask(&v, "POST", "/api/v1/people",
		     "{\"given_names\":\"Ana\",\"debt_cents\":1250,\"is_member\":true}");
	STATUS(a, 201);
	HAS(a, "\"given_names\":\"Ana\"");
	HAS(a, "\"debt_cents\":1250,\"currency\":\"USD\"");
	snprintf(place, sizeof place, "%s", door_location(a));
	assert_int_equal(strncmp(place, "/api/v1/people/", 15), 0);
	a = door_ask(&v, "PATCH", place, "{\"surnames\":\"Paz\",\"debt_cents\":\"3,50\"}");
	STATUS(a, 200);
	HAS(a, "\"title\":\"Ana Paz\"");
	HAS(a, "\"debt_cents\":350");
	a = door_ask(&v, "PATCH", place, "{\"surname\":\"x\"}");
	STATUS(a, 400);
	HAS(a, "did you mean “surnames”?");
	a = door_ask(&v, "PATCH", place, "{\"visits\":100,\"email\":\"x\"}");
	STATUS(a, 400);
	HAS(a, "\"fields\":{\"email\":");
	HAS(a, "\"visits\":\"A number from 0 to 99.\"");
	STATUS(door_ask(&v, "PATCH", place, "[1]"), 400);
	STATUS(door_ask(&v, "PATCH", place, "{\"visits\":"), 400);
	STATUS(door_ask(&v, "POST", "/api/v1/people", "{\"given_names\":\"Eva\"}"), 201);
	a = door_ask(&v, "GET", "/api/v1/people?limit=1&count=1", NULL);
	STATUS(a, 200);
	HAS(a, "\"given_names\":\"Eva\"");
	HAS(a, "\"count\":2");
	HAS(a, "\"previous\":null");
	HAS_NOT(a, "\"next\":null");
	HAS_NOT(a, "\"pin\"");
	STATUS(door_ask(&v, "GET", "/api/v1/people?limit=201", NULL), 400);
	HAS(door_ask(&v, "GET", "/api/v1/people?szie=large", NULL), "did you mean “size”?");
	STATUS(door_ask(&v, "GET", "/api/v1/people/999", NULL), 404);
	STATUS(door_ask(&v, "GET", "/api/v1/people/aaaaaaaaaaaaaaaaaaaaaaaaaa", NULL), 404);
	a = door_ask(&v, "DELETE", place, NULL);
	STATUS(a, 200);
	HAS(a, "\"archived_at\":\"2026-");
	HAS_NOT(door_ask(&v, "GET", "/api/v1/people", NULL), "Paz");
	HAS(door_ask(&v, "GET", place, NULL), "\"archived_at\":");
	door_close(&d);
}

static void a_spreadsheet_gets_what_the_list_shows(void **unused)
{
	struct door d;
	struct visitor v;
	const char *a;

	(void)unused;
	door_open(&d);
	visit_by_token(&d, &v, "people.view people.edit people.all");
	STATUS(door_ask(&v, "POST", "/api/v1/people", "{\"given_names\":\"@Ana\",\"size\":\"large\"}"), 201);
	STATUS(door_ask(&v, "POST", "/api/v1/people", "{\"given_names\":\"Beto\"}"), 201);
	a = door_ask(&v, "GET", "/people.csv?size=large", NULL);
	STATUS(a, 200);
	HAS(a, "Content-Type: text/csv; charset=utf-8");
	HAS(a, "filename=\"people-2026-11-22.csv\"");
	HAS(a, ",'@Ana,");
	HAS_NOT(a, "Beto");
	door_close(&d);
}

static void a_reader_sees_and_never_writes(void **unused)
{
	struct door d;
	struct visitor olga, rita;
	const char *a;
	char place[100], target[160];

	(void)unused;
	door_open(&d);
	visit(&d, &olga, "Olga");
	visit(&d, &rita, "Rita");
	snprintf(place, sizeof place, "%s",
		 door_location(door_ask(&olga, "POST", "/people/new", "given_names=Ana")));
	a = door_ask(&rita, "GET", "/people", NULL);
	HAS(a, "Ana");
	HAS_NOT(a, "/people/new");
	HAS_NOT(a, "/people/actions/grow");
	a = door_ask(&rita, "GET", place, NULL);
	STATUS(a, 200);
	HAS_NOT(a, "/edit\"");
	HAS_NOT(a, "/archive\"");
	HAS_NOT(a, "/grow\"");
	STATUS(door_ask(&rita, "GET", "/people/new", NULL), 403);
	STATUS(door_ask(&rita, "POST", "/people/new", "given_names=Eva"), 403);
	STATUS(door_ask(&rita, "POST", "/people", "given_names=Eva"), 403);
	snprintf(target, sizeof target, "%s/edit", place);
	STATUS(door_ask(&rita, "POST", target, "given_names=Eva"), 403);
	snprintf(target, sizeof target, "%s/archive", place);
	STATUS(door_ask(&rita, "POST", target, ""), 403);
	snprintf(target, sizeof target, "%s/grow", place);
	STATUS(door_ask(&rita, "POST", target, ""), 403);
	STATUS(door_ask(&rita, "POST", "/people/actions/grow", "ids=1"), 403);
	assert_int_equal(
		state_int(&d.shop.state,
			  "SELECT count(*) FROM person WHERE given_names = 'Ana' AND size = 'small'"),
		1);
	door_close(&d);
}

static void a_foreign_row_is_not_found_by_any_door(void **unused)
{
	static const char *const gets[] = { "", "/edit", "/history", "/archive", "/grow" };
	static const char *const posts[] = { "/edit", "/archive", "/grow" };
	struct door d;
	struct visitor sara, saul;
	char place[100], target[200];

	(void)unused;
	door_open(&d);
	visit(&d, &sara, "Sara");
	visit(&d, &saul, "Saul");
	snprintf(place, sizeof place, "%s",
		 door_location(door_ask(&sara, "POST", "/people/new", "given_names=Ana")));
	STATUS(door_ask(&sara, "GET", place, NULL), 200);
	for (size_t i = 0; i < sizeof(gets) / sizeof(gets[0]); i++) {
		snprintf(target, sizeof target, "%s%s", place, gets[i]);
		STATUS(door_ask(&saul, "GET", target, NULL), 404);
		snprintf(target, sizeof target, "/people/1%s", gets[i]);
		STATUS(door_ask(&saul, "GET", target, NULL), 404);
	}
	for (size_t i = 0; i < sizeof(posts) / sizeof(posts[0]); i++) {
		snprintf(target, sizeof target, "%s%s", place, posts[i]);
		STATUS(door_ask(&saul, "POST", target, "given_names=Eva"), 404);
	}
	snprintf(target, sizeof target, "/api/v1%s", place);
	STATUS(door_ask(&saul, "GET", target, NULL), 404);
	HAS_NOT(door_ask(&saul, "GET", "/people", NULL), "Ana");
	HAS_NOT(door_ask(&saul, "GET", "/people.csv", NULL), "Ana");
	HAS_NOT(door_ask(&saul, "GET", "/api/v1/people", NULL), "Ana");
	snprintf(target, sizeof target, "confirmed=1&ids=%s", place + 8);
	STATUS(door_ask(&saul, "POST", "/people/actions/grow", target), 303);
	STATUS(door_ask(&saul, "POST", "/pets/new", "name=Rex&person_id=1"), 422);
	assert_int_equal(
		state_int(&d.shop.state,
			  "SELECT count(*) FROM person WHERE given_names = 'Ana' AND size = 'small'"),
		1);
	assert_int_equal(state_int(&d.shop.state, "SELECT count(*) FROM pet"), 0);
	door_close(&d);
}

static void an_action_runs_once_for_one_row_or_for_many_after_asking(void **unused)
{
	struct door d;
	struct visitor v, program;
	char place[100], target[160];
	const char *a;

	(void)unused;
	door_open(&d);
	visit(&d, &v, "Olga");
	snprintf(place, sizeof place, "%s",
		 door_location(door_ask(&v, "POST", "/people/new", "given_names=Ana")));
	STATUS(door_ask(&v, "POST", "/people/new", "given_names=Beto"), 303);
	STATUS(door_ask(&v, "POST", "/people/new", "given_names=Carla&size=large"), 303);
	snprintf(target, sizeof target, "%s/grow", place);
	HAS(door_ask(&v, "GET", place, NULL), target);
	STATUS(door_ask(&v, "POST", target, ""), 303);
	HAS_NOT(door_ask(&v, "GET", place, NULL), target);
	STATUS(door_ask(&v, "POST", target, ""), 409);
	a = door_ask(&v, "POST", "/people/actions/grow", "ids=2&ids=3");
	STATUS(a, 200);
	HAS(a, "2 rows");
	HAS(a, "name=\"confirmed\" value=\"1\"");
	assert_int_equal(state_int(&d.shop.state, "SELECT count(*) FROM person WHERE size = 'small'"), 1);
	STATUS(door_ask(&v, "POST", "/people/actions/grow", ""), 400);
	visit_by_token(&d, &program, "people.view people.edit people.all");
	a = door_ask(&program, "POST", "/api/v1/people/actions/grow", "{\"ids\":[2,3]}");
	STATUS(a, 200);
	HAS(a, "\"done\":1,\"failed\":1");
	HAS(a, "Carla: “Grow” is not possible in the state this is in now.");
	assert_int_equal(state_int(&d.shop.state, "SELECT count(*) FROM person WHERE size = 'small'"), 0);
	door_close(&d);
}

static void no_write_passes_without_its_token(void **unused)
{
	struct door d;
	struct visitor v, nobody = { .door = &d };

	(void)unused;
	door_open(&d);
	visit(&d, &v, "Olga");
	v.csrf[0] = '\0';
	for (const struct route *r = desk_made_routes(); r->method != NULL; r++) {
		char target[200];

		snprintf(target, sizeof target, "%s", r->path);
		for (char *p = strchr(target, ':'); p != NULL; p = strchr(target, ':')) {
			size_t n = strcspn(p, "/");

			*p = '1';
			memmove(p + 1, p + n, strlen(p + n) + 1);
		}
		if (strcmp(r->method, "GET") != 0) STATUS(door_ask(&v, r->method, target, "x=1"), 403);
		STATUS(door_ask(&nobody, r->method, target, strcmp(r->method, "GET") != 0 ? "x=1" : NULL),
		       strcmp(r->method, "GET") == 0
			       ? 303
			       : door_status(door_ask(&nobody, r->method, target, "x=1")));
		assert_true(door_status(door_ask(&nobody, r->method, target,
						 strcmp(r->method, "GET") != 0 ? "x=1" : NULL)) != 200);
	}
	door_close(&d);
}

static void every_page_of_the_house_stands_in_both_languages(void **unused)
{
	static const char *const pages[] = {
		"/",         "/inbox",        "/texts",           "/gateway", "/users",     "/users/new",
		"/users/1",  "/users/1/edit", "/users/1/history", "/roles",   "/tokens",    "/tokens/new",
		"/settings", "/jobs",         "/outbox",          "/batches", "/schedules",
	};
	static const char *const apis[] = { "/api/v1/inbox",    "/api/v1/texts", "/api/v1/gateway",
					    "/api/v1/users",    "/api/v1/roles", "/api/v1/tokens",
					    "/api/v1/settings", "/api/v1/jobs",  "/api/v1/outbox",
					    "/api/v1/batches",  "/users.csv",    "/jobs.csv",
					    "/outbox.csv" };
	struct door d;
	struct visitor v;

	(void)unused;
	door_open(&d);
	visit(&d, &v, "Olga");
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		for (int lang = 0; lang < 2; lang++) {
			char target[120];
			const char *a;

			snprintf(target, sizeof target, "%s?lang=%s", pages[i], lang == 0 ? "es" : "en");
			a = door_ask(&v, "GET", target, NULL);
			if (door_status(a) != 200) fail_msg("%s: %.2000s", target, a);
			HAS(a, lang == 0 ? "<html lang=\"es\"" : "<html lang=\"en\"");
			HAS(a, "<h1>");
			HAS_NOT(a, "{{");
		}
	for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++) {
		const char *a = door_ask(&v, "GET", apis[i], NULL);

		if (door_status(a) != 200) fail_msg("%s: %.2000s", apis[i], a);
	}
	HAS(door_ask(&v, "GET", "/users?lang=es", NULL), "Dueño");
	door_close(&d);
}

static void a_seller_sees_only_the_messages_of_his_own_hand(void **unused)
{
	struct door d;
	struct visitor sara, saul, olga;
	struct cx *cx;
	int64_t batch = 0, contact = 0, message = 0;
	enum rc rc;

	(void)unused;
	door_open(&d);
	cx = &d.shop.state.cx;
	cx->actor.name = "Sara";
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = contact_ensure(cx, &contact, "phone", "+593990000001");
	if (rc == RC_OK)
		rc = batch_open(cx, &batch,
				&(struct batch_new){ .kind = "renewals.notices",
						     .title = "Renewal notices",
						     .origin = "manual" });
	if (rc == RC_OK)
		rc = outbox_add(cx, &message,
				&(struct message_new){ .batch_id = batch,
						       .channel = "whatsapp",
						       .contact_id = contact,
						       .topic = "service",
						       .occasion = "test:1",
						       .text = "Hola <b>",
						       .expires_at = cx_now(cx) + DAY_MS });
	assert_int_equal(tx_end(cx, rc), RC_OK);
	visit(&d, &sara, "Sara");
	visit(&d, &saul, "Saul");
	visit(&d, &olga, "Olga");
	HAS(door_ask(&sara, "GET", "/outbox", NULL), "+593 99 000 0001");
	HAS(door_ask(&olga, "GET", "/api/v1/outbox?state=queued", NULL), "\"address\":\"+593990000001\"");
	HAS(door_ask(&olga, "GET", "/outbox?address=%2B593990000001", NULL), "+593 99 000 0001");
	HAS(door_ask(&olga, "GET", "/outbox?batch=1", NULL), "+593 99 000 0001");
	HAS(door_ask(&olga, "GET", "/outbox/1", NULL), "Hola &lt;b&gt;");
	HAS(door_ask(&olga, "GET", "/outbox/1?lang=es", NULL), "Pendiente");
	HAS(door_ask(&olga, "GET", "/batches/1?lang=es", NULL), "<h1>Avisos de renovación</h1>");
	HAS(door_ask(&olga, "GET", "/outbox/1?lang=es", NULL), ">Avisos de renovación</a>");
	HAS_NOT(door_ask(&saul, "GET", "/outbox", NULL), "+593 99 000 0001");
	STATUS(door_ask(&saul, "GET", "/outbox/1", NULL), 404);
	STATUS(door_ask(&saul, "GET", "/batches/1", NULL), 404);
	STATUS(door_ask(&sara, "POST", "/outbox/1/cancel", ""), 403);
	STATUS(door_ask(&saul, "GET", "/inbox", NULL), 403);
	STATUS(door_ask(&olga, "POST", "/outbox/1/arrived", ""), 409); /* it is not unsure */
	STATUS(door_ask(&olga, "POST", "/outbox/1/cancel", ""), 303);
	assert_int_equal(state_int(&d.shop.state, "SELECT count(*) FROM message WHERE state = 'cancelled'"),
			 1);
	STATUS(door_ask(&olga, "POST", "/batches/1/pause", ""), 303);
	STATUS(door_ask(&olga, "POST", "/batches/1/continue", ""), 303);
	assert_int_equal(state_int(&d.shop.state, "SELECT count(*) FROM batch WHERE state = 'open'"), 1);
	door_close(&d);
}

static void an_answer_leaves_once_and_an_opt_out_is_noted(void **unused)
{
	struct door d;
	struct visitor olga, rita;
	char target[120], body[160];
	const char *a, *nonce, *id = "";
	struct cx *cx;
	int64_t contact = 0;
	enum rc rc;

	(void)unused;
	door_open(&d);
	cx = &d.shop.state.cx;
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = contact_ensure(cx, &contact, "phone", "+593990000001");
	if (rc == RC_OK)
		rc = db_run(cx,
			    "INSERT INTO inbound_message (contact_id, provider_id, name, body, received_at)"
			    " VALUES (:contact, 'p1', 'Ana', '¿Cuánto <cuesta>?', :now)",
			    PARAMS(P_INT(":contact", contact), P_INT(":now", cx_now(cx))));
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE contact SET unread = 1, last_inbound_at = :now, last_text = '¿Cuánto?' WHERE id = :contact",
			PARAMS(P_INT(":contact", contact), P_INT(":now", cx_now(cx))));
	assert_int_equal(tx_end(cx, rc), RC_OK);
	assert_int_equal(db_get_text(cx, &id, "SELECT public_id FROM contact", NO_PARAMS), RC_OK);
	visit(&d, &olga, "Olga");
	visit(&d, &rita, "Rita");
	HAS(door_ask(&olga, "GET", "/", NULL), "<span class=\"badge\">1</span>");
	HAS(door_ask(&olga, "GET", "/inbox", NULL), ">Ana</a>");
	snprintf(target, sizeof target, "/inbox/%s", id);
	a = door_ask(&olga, "GET", target, NULL);
	HAS(a, "¿Cuánto &lt;cuesta&gt;?");
	nonce = strstr(a, "name=\"nonce\" value=\"");
	assert_non_null(nonce);
	snprintf(body, sizeof body, "text=Cuesta+5&nonce=%.26s", nonce + 20);
	snprintf(target, sizeof target, "/inbox/%s/reply", id);
	STATUS(door_ask(&rita, "POST", target, body), 403);
	STATUS(door_ask(&olga, "POST", target, "text=&nonce=x"), 422);
	STATUS(door_ask(&olga, "POST", target, body), 303);
	STATUS(door_ask(&olga, "POST", target, body), 303); /* pressed twice */
	assert_int_equal(
		state_int(&d.shop.state,
			  "SELECT count(*) FROM message WHERE body = 'Cuesta 5' AND topic = 'service'"),
		1);
	assert_int_equal(state_int(&d.shop.state, "SELECT count(*) FROM inbound_message WHERE is_unread = 1"),
			 0);
	snprintf(target, sizeof target, "/inbox/%s", id);
	HAS(door_ask(&olga, "GET", target, NULL), "Cuesta 5");
	snprintf(target, sizeof target, "/inbox/%s/opt-out", id);
	STATUS(door_ask(&olga, "POST", target, "out=1"), 303);
	assert_int_equal(state_int(&d.shop.state, "SELECT count(*) FROM opt_out WHERE topic = 'notice'"), 1);
	STATUS(door_ask(&olga, "POST", target, "out=0"), 303);
	assert_int_equal(state_int(&d.shop.state, "SELECT count(*) FROM opt_out WHERE topic = 'notice'"), 0);
	STATUS(door_ask(&olga, "GET", "/inbox/aaaaaaaaaaaaaaaaaaaaaaaaaa", NULL), 404);
	door_close(&d);
}

static void a_text_is_tried_before_it_is_saved(void **unused)
{
	static const struct template_default defaults[] = {
		{ "shop.hello", "Greeting", "Hola {{cliente}}, son {{precio}}." }, { .name = NULL }
	};
	struct door d;
	struct visitor olga, rita;
	const char *a;

	(void)unused;
	door_open(&d);
	assert_int_equal(templates_ensure(&d.shop.state.cx, "shop", defaults), RC_OK);
	visit(&d, &olga, "Olga");
	visit(&d, &rita, "Rita");
	a = door_ask(&rita, "GET", "/texts/shop.hello", NULL);
	HAS(a, "Hola «cliente», son «precio».");
	HAS_NOT(a, "name=\"preview\"");
	STATUS(door_ask(&rita, "POST", "/texts/shop.hello", "body=x"), 403);
	a = door_ask(&olga, "POST", "/texts/shop.hello", "preview=1&body=Ya+%7Bcliente%7D");
	STATUS(a, 200);
	HAS(a, "Ya «cliente»");
	assert_int_equal(state_int(&d.shop.state, "SELECT count(*) FROM template_version"), 1);
	a = door_ask(&olga, "POST", "/texts/shop.hello", "body=Ya+%7B%7Bclinte%7D%7D");
	STATUS(a, 422);
	HAS(a, "cliente");
	STATUS(door_ask(&olga, "POST", "/texts/shop.hello", "body=Ya+%7Bcliente%7D"), 303);
	assert_int_equal(state_int(&d.shop.state,
				   "SELECT count(*) FROM template_version WHERE body = 'Ya {{cliente}}'"),
			 1);
	HAS(door_ask(&olga, "GET", "/texts", NULL), "Ya «cliente»");
	HAS(door_ask(&olga, "GET", "/api/v1/texts", NULL), "Ya {{cliente}}");
	STATUS(door_ask(&olga, "GET", "/texts/none", NULL), 404);
	door_close(&d);
}

static void what_stops_an_archiving_is_said_before_asking(void **unused)
{
	struct door d;
	struct visitor v;
	const char *a;

	(void)unused;
	door_open(&d);
	visit(&d, &v, "Olga");
	STATUS(door_ask(&v, "POST", "/people/new", "given_names=Ana"), 303);
	HAS(door_ask(&v, "GET", "/people/1/archive", NULL), "Archive “Ana”?");
	STATUS(door_ask(&v, "POST", "/pets/new", "name=Rex&person_id=1"), 303);
	a = door_ask(&v, "GET", "/people/1/archive", NULL);
	STATUS(a, 409);
	HAS(a, "There are 1 pets.");
	HAS_NOT(a, "Archive “Ana”?");
	STATUS(door_ask(&v, "POST", "/people/1/archive", ""), 409);
	assert_int_equal(state_int(&d.shop.state, "SELECT count(*) FROM person WHERE archived_at IS NULL"),
			 1);
	door_close(&d);
}

static void the_test_of_the_gateway_is_work_and_not_waited_for(void **unused)
{
	struct door d;
	struct visitor v;
	const char *a;

	(void)unused;
	door_open(&d);
	visit(&d, &v, "Olga");
	a = door_ask(&v, "POST", "/gateway/test", "");
	STATUS(a, 303);
	assert_string_equal(door_location(a), "/gateway?test=1");
	a = door_ask(&v, "POST", "/gateway/test", ""); /* pressed twice: the same test */
	STATUS(a, 303);
	assert_string_equal(door_location(a), "/gateway?test=1");
	a = door_ask(&v, "GET", "/gateway?test=1", NULL);
	HAS(a, "The test is running");
	HAS(a, "Refresh: 2");
	assert_int_equal(state_run(&d.shop.state, "UPDATE job SET state = 'done', result_json ="
						  " '{\"sentence\":\"It answers.\",\"is_well\":true}'"),
			 RC_OK);
	HAS(door_ask(&v, "GET", "/gateway?test=1", NULL), "It answers.");
	STATUS(door_ask(&v, "POST", "/gateway/stop", ""), 303);
	HAS(door_ask(&v, "GET", "/gateway", NULL), "action=\"/gateway/open\"");
	STATUS(door_ask(&v, "POST", "/gateway/open", ""), 303);
	HAS(door_ask(&v, "GET", "/gateway", NULL), "action=\"/gateway/stop\"");
	door_close(&d);
}

static void a_schedule_is_changed_only_to_a_rule_that_is_one(void **unused)
{
	struct door d;
	struct visitor v;
	const char *a;

	(void)unused;
	door_open(&d);
	assert_int_equal(state_run(&d.shop.state, "INSERT INTO schedule (name, job_kind, rule, updated_at)"
						  " VALUES ('shop.daily', 'shop.day', '0 9 * * *', 0)"),
			 RC_OK);
	visit(&d, &v, "Olga");
	a = door_ask(&v, "GET", "/schedules/1", NULL);
	HAS(a, "23/11/2026 09:00");
	HAS(a, "27/11/2026 09:00");
	HAS(a, "America/Guayaquil");
	a = door_ask(&v, "POST", "/schedules/1/edit",
		     "rule=61+9+*+*+*&zone=Nowhere%2FTown&is_enabled=1&late_rule=run&late_limit_s=60");
	STATUS(a, 422);
	HAS(a, "The time zone “Nowhere/Town” is not known.");
	a = door_ask(&v, "POST", "/schedules/1/edit",
		     "rule=61+9+*+*+*&zone=&is_enabled=1&late_rule=run&late_limit_s=60");
	STATUS(a, 422);
	HAS(a, "id=\"e-rule\"");
	STATUS(door_ask(&v, "POST", "/schedules/1/edit",
			"rule=30+10+*+*+*&zone=America%2FLima&is_enabled=1&late_rule=skip&late_limit_s=60"),
	       303);
	HAS(door_ask(&v, "GET", "/schedules/1", NULL), "23/11/2026 10:30");
	STATUS(door_ask(&v, "POST", "/schedules", "name=x"), 405);
	door_close(&d);
}

static void a_seller_changes_his_own_password_with_the_old_one(void **unused)
{
	struct door d;
	struct visitor sara;

	(void)unused;
	door_open(&d);
	visit(&d, &sara, "Sara");
	HAS(door_ask(&sara, "GET", "/me", NULL), "<strong>Sara</strong>");
	HAS(door_ask(&sara, "POST", "/me", "email=x&language="), "“x” is not an e-mail address.");
	STATUS(door_ask(&sara, "POST", "/me", "email=sara%40example.com&language=es"), 303);
	assert_int_equal(
		state_int(&d.shop.state,
			  "SELECT count(*) FROM user WHERE email = 'sara@example.com' AND name = 'Sara'"),
		1);
	HAS(door_ask(&sara, "GET", "/me", NULL), "<html lang=\"es\"");
	STATUS(door_ask(&sara, "POST", "/me", "email=&language=en&password=another+long+one&current=wrong"),
	       422);
	STATUS(door_ask(
		       &sara, "POST", "/me",
		       "email=&language=en&password=another+long+one&current=correct+horse+battery&role=owner&name=Zoe"),
	       303);
	STATUS(door_ask(&sara, "GET", "/me", NULL), 303); /* logged out */
	assert_int_equal(state_int(&d.shop.state,
				   "SELECT count(*) FROM user u JOIN role r ON r.id = u.role_id"
				   " WHERE u.name = 'Sara' AND r.name = 'seller'"),
			 1);
	door_close(&d);
}

static void a_running_job_tells_how_far_it_is(void **unused)
{
	struct door d;
	struct visitor v;

	(void)unused;
	door_open(&d);
	assert_int_equal(
		state_run(&d.shop.state,
			  "INSERT INTO job (kind, queue, state, run_at, progress_done, progress_total,"
			  " created_at) VALUES ('shop.count', 'shop', 'running', 0, 12, 40, 0)"),
		RC_OK);
	visit(&d, &v, "Olga");
	HAS(door_ask(&v, "GET", "/jobs/1", NULL), "data-poll=\"/jobs/1/progress\"");
	HAS(door_ask(&v, "GET", "/jobs/1/progress", NULL),
	    "{\"done\":12,\"total\":40,\"text\":\"12 of 40\",\"is_over\":false}");
	assert_int_equal(state_run(&d.shop.state, "UPDATE job SET state = 'done'"), RC_OK);
	HAS(door_ask(&v, "GET", "/jobs/1/progress", NULL), "\"is_over\":true");
	HAS_NOT(door_ask(&v, "GET", "/jobs/1", NULL), "data-poll");
	STATUS(door_ask(&v, "GET", "/jobs/2/progress", NULL), 404);
	door_close(&d);
}

static void users_and_tokens_are_made_in_the_panel_and_shown_once(void **unused)
{
	struct door d;
	struct visitor v, sara;
	const char *a, *at;
	char token[100];

	(void)unused;
	door_open(&d);
	visit(&d, &v, "Olga");
	STATUS(door_ask(&v, "POST", "/users/new", "name=Nora&role=seller&password=short"), 422);
	STATUS(door_ask(&v, "POST", "/users/new",
			"name=Nora&role=seller&email=nora%40example.com&password=a+long+sentence"),
	       303);
	assert_int_equal(
		state_int(&d.shop.state,
			  "SELECT count(*) FROM user WHERE name = 'Nora' AND email = 'nora@example.com'"),
		1);
	HAS(door_ask(&v, "GET", "/users?q=nora", NULL), "Nora");
	STATUS(door_ask(&v, "POST", "/users/1/edit", "email=&language=&role=reader"),
	       422); /* the only owner */
	STATUS(door_ask(&v, "POST", "/users/1/archive", ""), 409);
	STATUS(door_ask(&v, "POST", "/users/5/edit", "email=&language=en&role=owner"), 303);
	STATUS(door_ask(&v, "POST", "/users/5/archive", ""), 303);
	visit(&d, &sara, "Sara");
	STATUS(door_ask(&sara, "GET", "/users", NULL), 403);
	STATUS(door_ask(&sara, "POST", "/users/new", "name=X&role=owner&password=a+long+sentence"), 403);
	a = door_ask(&v, "POST", "/tokens/new", "name=till&rights=people.view&rights=people.all");
	STATUS(a, 200);
	at = strstr(a, "<code>");
	assert_non_null(at);
	snprintf(token, sizeof token, "%.*s", (int)strcspn(at + 6, "<"), at + 6);
	HAS_NOT(door_ask(&v, "GET", "/tokens", NULL), token);
	memset(&sara, 0, sizeof sara);
	sara.door = &d;
	snprintf(sara.token, sizeof sara.token, "%s", token);
	STATUS(door_ask(&sara, "GET", "/api/v1/people", NULL), 200);
	STATUS(door_ask(&sara, "POST", "/api/v1/people", "{\"given_names\":\"A\"}"), 403);
	STATUS(door_ask(&v, "POST", "/tokens/1/archive", ""), 303);
	STATUS(door_ask(&sara, "GET", "/api/v1/people", NULL), 401);
	STATUS(door_ask(&v, "POST", "/tokens/new", "name=empty"), 422);
	door_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_person_makes_finds_changes_and_archives_a_row),
		cmocka_unit_test(a_program_works_with_the_same_rows_in_json),
		cmocka_unit_test(a_spreadsheet_gets_what_the_list_shows),
		cmocka_unit_test(a_reader_sees_and_never_writes),
		cmocka_unit_test(a_foreign_row_is_not_found_by_any_door),
		cmocka_unit_test(an_action_runs_once_for_one_row_or_for_many_after_asking),
		cmocka_unit_test(no_write_passes_without_its_token),
		cmocka_unit_test(every_page_of_the_house_stands_in_both_languages),
		cmocka_unit_test(a_seller_sees_only_the_messages_of_his_own_hand),
		cmocka_unit_test(an_answer_leaves_once_and_an_opt_out_is_noted),
		cmocka_unit_test(a_text_is_tried_before_it_is_saved),
		cmocka_unit_test(what_stops_an_archiving_is_said_before_asking),
		cmocka_unit_test(the_test_of_the_gateway_is_work_and_not_waited_for),
		cmocka_unit_test(a_schedule_is_changed_only_to_a_rule_that_is_one),
		cmocka_unit_test(a_seller_changes_his_own_password_with_the_old_one),
		cmocka_unit_test(a_running_job_tells_how_far_it_is),
		cmocka_unit_test(users_and_tokens_are_made_in_the_panel_and_shown_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
