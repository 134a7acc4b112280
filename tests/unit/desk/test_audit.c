/* desk/audit.c, history.c, changes.c: who changed what, from where, through which door; and that it stays. */
#include "door.h"

static void every_change_is_told_with_who_where_and_through_which_door(void **unused)
{
	struct door d;
	struct visitor olga, program;
	const char *a;

	(void)unused;
	door_open(&d);
	visit(&d, &olga, "Olga");
	visit_by_token(&d, &program, "people.view people.edit people.all");
	STATUS(door_ask(&olga, "POST", "/people/new", "given_names=Ana&debt_cents=12.50&born_on=1990-02-03"),
	       303);
	STATUS(door_ask(&program, "PATCH", "/api/v1/people/1", "{\"size\":\"large\",\"is_member\":true}"),
	       200);
	a = door_ask(&olga, "GET", "/people/1", NULL);
	HAS(a, "Last change: <time>22/11/2026 12:00</time> · token:program");
	a = door_ask(&olga, "GET", "/people/1/history", NULL);
	HAS(a, "API · 127.0.0.1");
	HAS(a, "Page · 127.0.0.1");
	HAS(a, ">Small one</td>");
	HAS(a, ">Large one</td>");
	HAS(a, ">$12.50</td>");
	HAS(a, ">03/02/1990</td>");
	HAS_NOT(a, "PIN");
	a = door_ask(&olga, "GET", "/audit?table=person", NULL);
	STATUS(a, 200);
	HAS(a, "Size, Member");
	HAS(a, ">Ana</a>");
	a = door_ask(&olga, "GET", "/audit?table=person&action=create", NULL);
	HAS(a, "Olga");
	HAS_NOT(a, "token:program");
	a = door_ask(&olga, "GET", "/audit?q=ana", NULL);
	HAS(a, ">Ana</a>");
	a = door_ask(&olga, "GET", "/audit?from=2026-11-23", NULL);
	HAS(a, "Nothing fits this search.");
	a = door_ask(&olga, "GET", "/audit?to=2026-11-22&object=1&table=person", NULL);
	HAS(a, ">Ana</a>");
	a = door_ask(&olga, "GET", "/api/v1/audit?table=person", NULL);
	HAS(a, "\"action\":\"update\"");
	HAS(a, "\"row_id\":1");
	HAS(a, "\"object\":\"Ana\"");
	a = door_ask(&olga, "GET", "/audit.csv?table=person&columns=action,table_name,door", NULL);
	HAS(a, "changed,Person,API\r\n");
	door_close(&d);
}

static void the_log_is_the_owners_alone(void **unused)
{
	struct door d;
	struct visitor sara, rita;

	(void)unused;
	door_open(&d);
	visit(&d, &sara, "Sara");
	visit(&d, &rita, "Rita");
	STATUS(door_ask(&sara, "GET", "/audit", NULL), 403);
	STATUS(door_ask(&rita, "GET", "/audit", NULL), 403);
	STATUS(door_ask(&rita, "GET", "/audit.csv", NULL), 403);
	STATUS(door_ask(&rita, "GET", "/audit/1", NULL), 403);
	HAS_NOT(door_ask(&sara, "GET", "/people", NULL), "href=\"/audit\"");
	door_close(&d);
}

static void nobody_changes_what_was_logged(void **unused)
{
	static const char *const writes[] = { "UPDATE audit SET actor = 'somebody'",
					      "UPDATE audit SET search = ''", "DELETE FROM audit",
					      "DELETE FROM audit WHERE id = 1" };
	struct door d;
	struct visitor olga;
	size_t doors = 0;

	(void)unused;
	door_open(&d);
	visit(&d, &olga, "Olga");
	STATUS(door_ask(&olga, "POST", "/people/new", "given_names=Ana"), 303);
	STATUS(door_ask(&olga, "GET", "/audit/1", NULL), 200);
	for (const struct route *r = desk_made_routes(); r->method != NULL; r++) {
		if (strncmp(r->path, "/audit", 6) != 0) continue;
		doors++;
		assert_string_equal(r->method, "GET");
	}
	assert_true(doors >= 3);
	STATUS(door_ask(&olga, "POST", "/audit/1/edit", "actor=x"), 404);
	STATUS(door_ask(&olga, "POST", "/audit/1", "actor=x"), 405);
	for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
		struct cx *cx = &d.shop.state.cx;

		assert_int_equal(tx_begin(cx), RC_OK);
		assert_true(tx_end(cx, db_run(cx, writes[i], NO_PARAMS)) != RC_OK);
		cx->message = "";
	}
	assert_int_equal(state_int(&d.shop.state, "SELECT count(*) FROM audit WHERE actor = 'somebody'"), 0);
	assert_true(state_int(&d.shop.state, "SELECT count(*) FROM audit WHERE search <> ''") > 0);
	door_close(&d);
}

static void a_long_history_is_read_page_by_page(void **unused)
{
	struct door d;
	struct visitor olga;
	const char *a;

	(void)unused;
	door_open(&d);
	visit(&d, &olga, "Olga");
	STATUS(door_ask(&olga, "POST", "/people/new", "given_names=Ana"), 303);
	assert_int_equal(
		state_run(
			&d.shop.state,
			"INSERT INTO audit (at, actor, action, table_name, row_id, after_json)"
			" WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)"
			" SELECT i, 'n' || i, 'update', 'person', 1, '{\"notes\":\"v' || i || '\"}' FROM n"),
		RC_OK);
	a = door_ask(&olga, "GET", "/people/1/history", NULL);
	HAS(a, ">v50</td>");
	HAS(a, ">v1</td>");
	HAS_NOT(a, " · created");
	a = strstr(a, "rel=\"next\" href=\"");
	assert_non_null(a);
	{
		char next[120];

		snprintf(next, sizeof next, "%.*s", (int)strcspn(a + 17, "\""), a + 17);
		a = door_ask(&olga, "GET", next, NULL);
	}
	HAS(a, " · created");
	HAS_NOT(a, ">v1</td>");
	HAS_NOT(a, "rel=\"next\"");
	door_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_change_is_told_with_who_where_and_through_which_door),
		cmocka_unit_test(the_log_is_the_owners_alone),
		cmocka_unit_test(nobody_changes_what_was_logged),
		cmocka_unit_test(a_long_history_is_read_page_by_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
