/* desk/bulk.c, archive.c: one action for the rows that were ticked, or for all of a list. */
#include "door.h"
#include "work/inner.h"

#define CROWD 260 /* more than two slices of the work, more than may be ticked */

static const struct job_kind *const kinds[] = { desk_bulk_jobs, NULL };

static void crowd(struct door *d, int n)
{
	char sql[600];

	snprintf(
		sql, sizeof sql,
		"INSERT INTO person (public_id, given_names, sort_name, owner_id, created_at, updated_at, search)"
		" WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
		" SELECT printf('%%026d', i), 'N' || i, printf('%%05d', i), 1 + i %% 2, i, i, 'n' || i FROM n",
		n);
	assert_int_equal(state_run(&d->shop.state, sql), RC_OK);
}

static struct work *staff(struct door *d)
{
	struct work *w = NULL;

	assert_int_equal(work_open(&w, &d->shop.state.env, kinds, NULL), RC_OK);
	return w;
}

static void work_all(struct door *d, struct work *w)
{
	cx_reset(&d->shop.state.cx);
	(void)work_run_due(&d->shop.state.cx, w);
}

static void number_of(const char *page, char out[PUBLIC_ID_SIZE])
{
	const char *at = strstr(page, "name=\"number\" value=\"");

	assert_non_null(at);
	snprintf(out, PUBLIC_ID_SIZE, "%s", at + 21);
}

static int64_t count(struct door *d, const char *sql)
{
	return state_int(&d->shop.state, sql);
}

static void a_yes_for_a_whole_list_reaches_every_row_once(void **unused)
{
	struct door d;
	struct visitor v;
	struct work *w;
	char number[PUBLIC_ID_SIZE], body[200], place[120];
	const char *a;

	(void)unused;
	door_open(&d);
	crowd(&d, CROWD);
	w = staff(&d);
	visit(&d, &v, "Olga");
	a = door_ask(&v, "GET", "/people?size=small", NULL);
	HAS(a, "All 260 of this list");
	HAS(a, "name=\"list\" value=\"size=small\"");
	a = door_ask(&v, "POST", "/people/actions/greet", "all=1&list=size%3Dsmall&ids=1");
	STATUS(a, 200);
	HAS(a, "260 rows");
	HAS(a, "name=\"all\" value=\"1\"");
	number_of(a, number);
	snprintf(body, sizeof body, "all=1&list=size%%3Dsmall&confirmed=1&number=%s", number);
	a = door_ask(&v, "POST", "/people/actions/greet", body);
	STATUS(a, 303);
	snprintf(place, sizeof place, "%s", door_location(a));
	HAS(place, "/bulk/");
	STATUS(door_ask(&v, "POST", "/people/actions/greet", body), 303); /* pressed twice */
	assert_int_equal(count(&d, "SELECT count(*) FROM job WHERE kind = 'desk.bulk'"), 1);
	HAS(door_ask(&v, "GET", place, NULL), "/progress");
	STATUS(door_ask(&v, "POST", "/people/new", "given_names=Late"), 303); /* made after the yes */
	work_all(&d, w);
	assert_int_equal(count(&d, "SELECT count(*) FROM person WHERE visits = 1"), CROWD - CROWD / 10);
	assert_int_equal(count(&d, "SELECT count(*) FROM person WHERE visits > 1"), 0);
	assert_int_equal(count(&d, "SELECT visits FROM person WHERE given_names = 'Late'"), 0);
	a = door_ask(&v, "GET", place, NULL);
	HAS(a, "<dt>Done</dt><dd>234");
	HAS(a, "<dt>Not done</dt><dd>26");
	HAS(a, "Does not want to be greeted.");
	HAS(a, "href=\"/people?size=small\"");
	strcat(place, "/refused.csv");
	a = door_ask(&v, "GET", place, NULL);
	STATUS(a, 200);
	HAS(a, "\r\n7,N7,Does not want to be greeted.\r\n");
	HAS(a, "\r\n257,N257,");
	work_free(w);
	door_close(&d);
}

static void what_is_cut_short_goes_on_without_doing_a_row_twice(void **unused)
{
	struct door d;
	struct visitor program;
	struct work *w;
	const char *a;

	(void)unused;
	door_open(&d);
	crowd(&d, CROWD);
	w = staff(&d);
	visit_by_token(&d, &program, "people.view people.edit people.all");
	a = door_ask(&program, "POST", "/api/v1/people/actions/greet", "{\"all\":true}");
	STATUS(a, 202);
	HAS(a, "\"path\":\"/api/v1/bulk/");
	for (int cut = 0; cut < 3; cut++) {
		greet_fails_after = 60; /* the change of that row is made, then everything of it is lost */
		work_all(&d, w);
		assert_int_equal(count(&d, "SELECT count(*) FROM job WHERE state = 'queued'"), 1);
		clock_shift(d.shop.state.env.clock, HOUR_MS);
	}
	greet_fails_after = -1;
	work_all(&d, w);
	assert_int_equal(count(&d, "SELECT count(*) FROM job WHERE state = 'done'"), 1);
	assert_int_equal(count(&d, "SELECT count(*) FROM person WHERE visits = 1"), CROWD - CROWD / 10);
	assert_int_equal(count(&d, "SELECT count(*) FROM person WHERE visits > 1"), 0);
	assert_int_equal(count(&d, "SELECT rows_done + rows_refused FROM bulk"), CROWD);
	work_free(w);
	door_close(&d);
}

static void a_seller_reaches_only_his_own_rows(void **unused)
{
	struct door d;
	struct visitor sara, saul;
	struct work *w;
	char place[120];
	const char *a;

	(void)unused;
	door_open(&d);
	crowd(&d, 40);
	w = staff(&d);
	visit(&d, &sara, "Sara"); /* user 2: the odd ones */
	visit(&d, &saul, "Saul");
	a = door_ask(&sara, "POST", "/people/actions/greet", "all=1&list=&confirmed=1");
	STATUS(a, 303);
	snprintf(place, sizeof place, "%s", door_location(a));
	STATUS(door_ask(&saul, "GET", place, NULL), 404);
	work_all(&d, w);
	assert_int_equal(count(&d, "SELECT count(*) FROM person WHERE visits = 1 AND owner_id = 2"), 16);
	assert_int_equal(count(&d, "SELECT count(*) FROM person WHERE visits > 0 AND owner_id <> 2"), 0);
	assert_int_equal(count(&d, "SELECT rows_total FROM bulk"), 20);
	STATUS(door_ask(&sara, "GET", place, NULL), 200);
	work_free(w);
	door_close(&d);
}

static void a_right_taken_away_in_between_counts(void **unused)
{
	struct door d;
	struct visitor sara;
	struct work *w;
	const char *a;

	(void)unused;
	door_open(&d);
	crowd(&d, 10);
	w = staff(&d);
	visit(&d, &sara, "Sara");
	a = door_ask(&sara, "POST", "/people/actions/greet", "all=1&list=&confirmed=1");
	STATUS(a, 303);
	assert_int_equal(state_run(&d.shop.state, "UPDATE user SET archived_at = 1 WHERE name = 'Sara'"),
			 RC_OK);
	work_all(&d, w);
	assert_int_equal(count(&d, "SELECT count(*) FROM person WHERE visits > 0"), 0);
	assert_int_equal(count(&d, "SELECT count(*) FROM job WHERE state = 'failed' AND error LIKE"
				   " '%Who started this may not%'"),
			 1);
	work_free(w);
	door_close(&d);
}

static void a_misspelt_filter_never_means_everything(void **unused)
{
	struct door d;
	struct visitor program;

	(void)unused;
	door_open(&d);
	crowd(&d, 10);
	visit_by_token(&d, &program, "people.view people.edit people.all");
	STATUS(door_ask(&program, "POST", "/api/v1/people/actions/greet",
			"{\"all\":true,\"filter\":{\"szie\":\"large\"}}"),
	       400);
	STATUS(door_ask(&program, "POST", "/api/v1/people/actions/greet",
			"{\"all\":true,\"filter\":{\"size\":\"huge\"}}"),
	       400);
	STATUS(door_ask(&program, "POST", "/api/v1/people/actions/greet", "{\"all\":true,\"filter\":[1]}"),
	       400);
	STATUS(door_ask(&program, "POST", "/api/v1/people/actions/greet", "{}"), 400);
	assert_int_equal(count(&d, "SELECT count(*) FROM job"), 0);
	STATUS(door_ask(&program, "POST", "/api/v1/people/actions/greet",
			"{\"all\":true,\"filter\":{\"size\":\"large\"}}"),
	       202);
	door_close(&d);
}

static void ticked_rows_are_done_once_and_the_list_stays_as_it_was(void **unused)
{
	struct door d;
	struct visitor v;
	char number[PUBLIC_ID_SIZE], body[300];
	const char *a;

	(void)unused;
	door_open(&d);
	crowd(&d, 30);
	visit(&d, &v, "Olga");
	a = door_ask(&v, "POST", "/people/actions/greet", "ids=1&ids=7&list=q%3Dn%26columns%3Dgiven_names");
	STATUS(a, 200);
	HAS(a, "2 rows");
	number_of(a, number);
	snprintf(body, sizeof body, "ids=1&ids=7&list=q%%3Dn%%26columns%%3Dgiven_names&confirmed=1&number=%s",
		 number);
	a = door_ask(&v, "POST", "/people/actions/greet", body);
	STATUS(a, 303);
	assert_string_equal(door_location(a), "/people?q=n&columns=given_names");
	a = door_ask(&v, "POST", "/people/actions/greet", body); /* pressed twice: how it went */
	STATUS(a, 303);
	HAS(door_location(a), "/bulk/");
	assert_int_equal(count(&d, "SELECT visits FROM person WHERE id = 1"), 1);
	assert_int_equal(count(&d, "SELECT count(*) FROM bulk_row WHERE row_id = 7"), 1);
	door_close(&d);
}

static void archived_rows_are_seen_and_put_back_when_their_place_is_free(void **unused)
{
	struct door d;
	struct visitor v, rita;
	const char *a;

	(void)unused;
	door_open(&d);
	visit(&d, &v, "Olga");
	visit(&d, &rita, "Rita");
	STATUS(door_ask(&v, "POST", "/people/new", "given_names=Ana&email=a%40example.com"), 303);
	STATUS(door_ask(&v, "POST", "/people/new", "given_names=Beto"), 303);
	STATUS(door_ask(&v, "POST", "/pets/new", "name=Rex&person_id=2"), 303);
	a = door_ask(&v, "GET", "/people/2/archive", NULL);
	HAS(a, "Pets: <strong>1</strong>");
	a = door_ask(&v, "GET", "/people/1/archive", NULL);
	HAS(a, "Nothing else hangs on it.");
	a = door_ask(&v, "POST", "/people/actions/archive", "ids=1&ids=2&confirmed=1");
	STATUS(a, 303);
	a = door_ask(&v, "GET", "/people?archived=1", NULL);
	HAS(a, ">Ana</a>");
	HAS_NOT(a, "Beto");
	HAS(a, "/people/actions/restore");
	HAS_NOT(a, "/people/actions/greet");
	HAS(door_ask(&v, "GET", "/people/1", NULL), "/restore\"");
	HAS_NOT(door_ask(&rita, "GET", "/people/1", NULL), "/restore\"");
	STATUS(door_ask(&rita, "POST", "/people/1/restore", ""), 403);
	STATUS(door_ask(&v, "POST", "/people/new", "given_names=Eva&email=a%40example.com"), 303);
	a = door_ask(&v, "POST", "/people/1/restore", "");
	STATUS(a, 409);
	HAS(a, "Another one has this already");
	assert_int_equal(state_run(&d.shop.state, "UPDATE person SET email = NULL WHERE given_names = 'Eva'"),
			 RC_OK);
	STATUS(door_ask(&v, "POST", "/people/1/restore", ""), 303);
	HAS(door_ask(&v, "GET", "/people", NULL), ">Ana</a>");
	HAS(door_ask(&v, "GET", "/people/1/history", NULL), "put back");
	STATUS(door_ask(&v, "POST", "/people/1/restore", ""), 303); /* it is back already: nothing to do */
	STATUS(door_ask(&v, "POST", "/pets/1/archive", ""), 303);
	STATUS(door_ask(&v, "POST", "/people/2/archive", ""), 303);
	a = door_ask(&v, "POST", "/pets/1/restore", "");
	STATUS(a, 409);
	HAS(a, "“Beto” is archived: put that back first.");
	door_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_yes_for_a_whole_list_reaches_every_row_once),
		cmocka_unit_test(what_is_cut_short_goes_on_without_doing_a_row_twice),
		cmocka_unit_test(a_seller_reaches_only_his_own_rows),
		cmocka_unit_test(a_right_taken_away_in_between_counts),
		cmocka_unit_test(a_misspelt_filter_never_means_everything),
		cmocka_unit_test(ticked_rows_are_done_once_and_the_list_stays_as_it_was),
		cmocka_unit_test(archived_rows_are_seen_and_put_back_when_their_place_is_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
