/* desk/query.c, ask.c, cursor.c: what a list shows, in which order, to whom. */
#include "office.h"

static void people(struct shop *s, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t id = 0;

		assert_int_equal(SAVE(s, "people", &id, { "given_names", names[i] }), RC_OK);
		clock_shift(s->state.env.clock, SECOND_MS);
		shop_next(s);
	}
}

static void a_list_comes_in_the_order_of_its_sort(void **unused)
{
	static const char *const names[] = { "Carla", "Ana", "Beto" };
	struct shop s;

	(void)unused;
	shop_open(&s);
	people(&s, names, 3);
	assert_string_equal(LIST(&s, "people"), "Ana|Beto|Carla");
	assert_string_equal(LIST(&s, "people", { "dir", "down" }), "Carla|Beto|Ana");
	assert_string_equal(LIST(&s, "people", { "sort", "created_at" }), "Beto|Ana|Carla");
	assert_string_equal(LIST(&s, "people", { "sort", "created_at" }, { "dir", "up" }), "Carla|Ana|Beto");
	shop_close(&s);
}

static void a_sort_that_is_not_declared_is_refused_with_its_name(void **unused)
{
	struct shop s;

	(void)unused;
	shop_open(&s);
	assert_string_equal(LIST(&s, "people", { "sort", "pin" }),
			    "!bad_input This list cannot be sorted by “pin”.");
	assert_non_null(strstr(LIST(&s, "people", { "dir", "sideways" }), "!bad_input"));
	assert_non_null(strstr(LIST(&s, "people", { "limit", "201" }), "!bad_input"));
	assert_non_null(strstr(LIST(&s, "people", { "limit", "0" }), "!bad_input"));
	assert_string_equal(LIST(&s, "people", { "limit", "200" }), "");
	shop_close(&s);
}

static void search_finds_without_accents_in_any_order_and_by_part_of_a_number(void **unused)
{
	struct shop s;
	int64_t id = 0;

	(void)unused;
	shop_open(&s);
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "José Ángel" }, { "surnames", "Muñoz" },
			      { "phone", "0990000001" }),
			 RC_OK);
	id = 0;
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "Ana" }, { "surnames", "100% de_Más" }),
			 RC_OK);
	assert_string_equal(LIST(&s, "people", { "q", "munoz jose" }), "José Ángel Muñoz");
	assert_string_equal(LIST(&s, "people", { "q", "ÁNGEL" }), "José Ángel Muñoz");
	assert_string_equal(LIST(&s, "people", { "q", "0990000001" }), "José Ángel Muñoz");
	assert_string_equal(LIST(&s, "people", { "q", "593990000001" }), "José Ángel Muñoz");
	assert_string_equal(LIST(&s, "people", { "q", "%" }), "Ana 100% de_Más");
	assert_string_equal(LIST(&s, "people", { "q", "e_m" }), "Ana 100% de_Más");
	assert_string_equal(LIST(&s, "people", { "q", "e_n" }), "");
	assert_string_equal(LIST(&s, "people", { "q", "   " }), "Ana 100% de_Más|José Ángel Muñoz");
	shop_close(&s);
}

static void a_search_of_more_letters_than_the_limit_is_refused(void **unused)
{
	char longest[DESK_SEARCH_MAX + 2];
	struct shop s;

	(void)unused;
	shop_open(&s);
	memset(longest, 'a', sizeof(longest));
	longest[DESK_SEARCH_MAX] = '\0';
	assert_string_equal(LIST(&s, "people", { "q", longest }), "");
	longest[DESK_SEARCH_MAX] = 'a';
	longest[DESK_SEARCH_MAX + 1] = '\0';
	assert_non_null(strstr(LIST(&s, "people", { "q", longest }), "!bad_input"));
	shop_close(&s);
}

static void a_filter_shows_its_rows_and_refuses_what_is_no_choice(void **unused)
{
	struct shop s;
	int64_t id = 0;

	(void)unused;
	shop_open(&s);
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "Ana" }, { "size", "large" }), RC_OK);
	id = 0;
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "Beto" }), RC_OK);
	assert_string_equal(LIST(&s, "people", { "size", "large" }), "Ana");
	assert_string_equal(LIST(&s, "people", { "size", "small" }, { "sort", "created_at" }), "Beto");
	assert_string_equal(LIST(&s, "people", { "size", "" }), "Ana|Beto");
	assert_string_equal(LIST(&s, "people", { "size", "huge" }),
			    "!bad_input Size: “huge” is not one of the choices.");
	assert_string_equal(LIST(&s, "people", { "made_from", "22/11/2026" }), "Ana|Beto");
	assert_string_equal(LIST(&s, "people", { "made_from", "2026-11-23" }), "");
	assert_non_null(strstr(LIST(&s, "people", { "made_from", "31/02/2026" }), "!bad_input"));
	shop_close(&s);
}

static void pages_go_forth_and_back_without_losing_or_repeating_a_row(void **unused)
{
	static const char *const names[] = {
		"A", "B", "C", "C", "C", "D", "E"
	}; /* equal keys: the id decides */
	const char *next = NULL, *previous = NULL, *back = NULL;
	struct shop s;

	(void)unused;
	shop_open(&s);
	people(&s, names, 7);
	assert_string_equal(shop_list(&s, "people", (struct pair[]){ { "limit", "3" }, { NULL, NULL } },
				      &next, &previous),
			    "A|B|C");
	assert_null(previous);
	assert_non_null(next);
	assert_string_equal(shop_list(&s, "people",
				      (struct pair[]){ { "limit", "3" }, { "cursor", next }, { NULL, NULL } },
				      &next, &previous),
			    "C|C|D");
	assert_non_null(previous);
	assert_string_equal(shop_list(&s, "people",
				      (struct pair[]){ { "limit", "3" }, { "cursor", next }, { NULL, NULL } },
				      &next, &back),
			    "E");
	assert_null(next);
	assert_string_equal(shop_list(&s, "people",
				      (struct pair[]){ { "limit", "3" }, { "cursor", back }, { NULL, NULL } },
				      &next, &previous),
			    "C|C|D");
	assert_non_null(next);
	assert_string_equal(
		shop_list(&s, "people",
			  (struct pair[]){ { "limit", "3" }, { "cursor", previous }, { NULL, NULL } }, &next,
			  &previous),
		"A|B|C");
	assert_null(previous);
	assert_non_null(next);
	shop_close(&s);
}

static void pages_hold_when_a_row_comes_between(void **unused)
{
	static const char *const names[] = { "B", "D", "F", "H" };
	const char *next = NULL;
	struct shop s;
	int64_t id = 0;

	(void)unused;
	shop_open(&s);
	people(&s, names, 4);
	assert_string_equal(
		shop_list(&s, "people", (struct pair[]){ { "limit", "2" }, { NULL, NULL } }, &next, NULL),
		"B|D");
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "A" }), RC_OK);
	id = 0;
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "E" }), RC_OK);
	assert_string_equal(shop_list(&s, "people",
				      (struct pair[]){ { "limit", "9" }, { "cursor", next }, { NULL, NULL } },
				      NULL, NULL),
			    "E|F|H");
	shop_close(&s);
}

static void a_cursor_of_another_order_or_of_nobody_is_refused(void **unused)
{
	static const char *const names[] = { "A", "B", "C" };
	const char *next = NULL;
	struct shop s;

	(void)unused;
	shop_open(&s);
	people(&s, names, 3);
	(void)shop_list(&s, "people", (struct pair[]){ { "limit", "1" }, { NULL, NULL } }, &next, NULL);
	assert_non_null(next);
	assert_non_null(strstr(LIST(&s, "people", { "cursor", next }, { "dir", "down" }), "!bad_input"));
	assert_non_null(
		strstr(LIST(&s, "people", { "cursor", next }, { "sort", "created_at" }), "!bad_input"));
	assert_non_null(strstr(LIST(&s, "people", { "cursor", "AAAA" }), "!bad_input"));
	assert_non_null(strstr(LIST(&s, "people", { "cursor", "no cursor" }), "!bad_input"));
	shop_close(&s);
}

static void a_seller_sees_only_his_own_everywhere(void **unused)
{
	struct shop s;
	int64_t mine = 0, other = 0, found = 0, pet = 0;
	const char *person;
	struct value *row = NULL;

	(void)unused;
	shop_open(&s);
	shop_as(&s, "seller", 7);
	assert_int_equal(SAVE(&s, "people", &mine, { "given_names", "Mine" }), RC_OK);
	person = arena_printf(s.forever, "%lld", (long long)mine);
	assert_int_equal(SAVE(&s, "pets", &pet, { "name", "Rex" }, { "person_id", person }), RC_OK);
	shop_as(&s, "seller", 8);
	assert_int_equal(SAVE(&s, "people", &other, { "given_names", "Other" }), RC_OK);
	assert_string_equal(LIST(&s, "people"), "Other");
	assert_string_equal(LIST(&s, "people", { "q", "mine" }), "");
	assert_string_equal(LIST(&s, "pets"), "");
	assert_int_equal(desk_find(&s.state.cx, &found, desk_resource("people"), person), RC_NOT_FOUND);
	assert_int_equal(row_of(&s.state.cx, office_find("people"), mine, SELECT_SHOW, true, &row),
			 RC_NOT_FOUND);
	assert_int_equal(row_of(&s.state.cx, office_find("pets"), pet, SELECT_SHOW, true, &row),
			 RC_NOT_FOUND);
	assert_non_null(strstr(LIST(&s, "pets", { "person", person }), "!bad_input"));
	shop_as(&s, "reader", 9);
	assert_string_equal(LIST(&s, "people"), "Mine|Other");
	assert_string_equal(LIST(&s, "pets", { "person", person }), "Rex of Mine");
	shop_close(&s);
}

static void who_may_not_open_a_list_learns_nothing_of_its_rows(void **unused)
{
	struct shop s;
	int64_t ana = 0, pet = 0, id = 0;

	(void)unused;
	shop_open(&s);
	assert_int_equal(SAVE(&s, "people", &ana, { "given_names", "Ana" }, { "surnames", "Ríos" }), RC_OK);
	assert_int_equal(SAVE(&s, "pets", &pet, { "name", "Rex" }, { "person_id", "1" }), RC_OK);
	s.state.cx.actor.rights = "people.edit people.all"; /* but not people.view */
	/* An id picks among the pets that he sees anyway, and a made-up one none: both are answers. */
	assert_string_equal(LIST(&s, "pets", { "person", "1" }), "Rex of Ana");
	assert_string_equal(LIST(&s, "pets", { "person", "999" }), "");
	/* A name is never looked up, whether or not somebody has it. */
	assert_non_null(strstr(LIST(&s, "pets", { "person", "Ana Ríos" }), "!bad_input"));
	assert_non_null(strstr(LIST(&s, "pets", { "person", "Nobody" }), "!bad_input"));
	/* To write, he must know it whole, and is told of no other. */
	assert_int_equal(ref_resolve(&s.state.cx, &id, office_find("people"), "ana"), RC_NOT_FOUND);
	assert_int_equal(ref_resolve(&s.state.cx, &id, office_find("people"), "ana rios"), RC_OK);
	assert_int_equal(id, ana);
	shop_as(&s, "owner", 1);
	assert_int_equal(ref_resolve(&s.state.cx, &id, office_find("people"), "ana"), RC_OK);
	shop_close(&s);
}

static void rows_of_an_import_that_waits_are_not_seen(void **unused)
{
	struct shop s;
	int64_t id = 0;

	(void)unused;
	shop_open(&s);
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "Ana" }), RC_OK);
	assert_int_equal(state_run(&s.state, "UPDATE person SET generation = 5"), RC_OK);
	assert_int_equal(
		state_run(&s.state,
			  "INSERT INTO pending_generation (id, owner, created_at) VALUES (5, 'x', 0)"),
		RC_OK);
	assert_string_equal(LIST(&s, "people"), "");
	assert_int_equal(desk_find(&s.state.cx, &id, desk_resource("people"), "1"), RC_NOT_FOUND);
	assert_int_equal(state_run(&s.state, "DELETE FROM pending_generation"), RC_OK);
	assert_string_equal(LIST(&s, "people"), "Ana");
	shop_close(&s);
}

static void counting_stops_where_nobody_reads_further(void **unused)
{
	struct ask ask = { .q = "" };
	struct shop s;
	int64_t n = 0;

	(void)unused;
	shop_open(&s);
	assert_int_equal(
		state_run(&s.state,
			  "INSERT INTO person (public_id, given_names, sort_name, created_at, updated_at)"
			  " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10002)"
			  " SELECT 'p' || i, 'N' || i, 'n', i, i FROM n"),
		RC_OK);
	ask.o = office_find("people");
	ask.sort = &ask.o->r->sorts[0];
	assert_int_equal(rows_count(&s.state.cx, &ask, &n), RC_OK);
	assert_int_equal(n, DESK_COUNT_MAX);
	assert_int_equal(state_run(&s.state, "DELETE FROM person WHERE id > 10000"), RC_OK);
	assert_int_equal(rows_count(&s.state.cx, &ask, &n), RC_OK);
	assert_int_equal(n, 10000);
	shop_close(&s);
}

static void the_address_of_a_list_reads_back_as_the_same_list(void **unused)
{
	struct ask ask = { .q = "a b&c=é", .is_down = true };
	struct shop s;

	(void)unused;
	shop_open(&s);
	ask.o = office_find("people");
	ask.sort = &ask.o->r->sorts[1];
	ask.filter[0] = "large";
	assert_string_equal(ask_address(&s.state.cx, &ask, "/people", ask.sort, false, "CUR"),
			    "/people?q=a%20b%26c%3D%C3%A9&size=large&sort=created_at&dir=up&cursor=CUR");
	ask = (struct ask){ .o = ask.o, .sort = ask.o->r->sorts, .q = "" };
	assert_string_equal(ask_address(&s.state.cx, &ask, "/people", ask.sort, false, NULL), "/people");
	shop_close(&s);
}

static void chosen_columns_come_in_the_order_given_and_wrong_ones_are_named(void **unused)
{
	struct pair query[] = { { "columns", "visits, given_names,visits,pin_no" }, { NULL, NULL } };
	struct ask ask;
	struct shop s;
	size_t shown[DESK_COLUMNS_MAX];
	const struct office *o;

	(void)unused;
	shop_open(&s);
	o = office_find("people");
	assert_int_equal(ask_from_query(&s.state.cx, &ask, o, "columns=visits,%20given_names,visits"), RC_OK);
	assert_int_equal(ask_columns(&ask, SELECT_LIST, shown), 2);
	assert_string_equal(o->r->columns[shown[0]].name, "visits");
	assert_string_equal(o->r->columns[shown[1]].name, "given_names");
	assert_false(ask_shows(&ask, shown[0] + 1, SELECT_CSV));
	assert_string_equal(ask_query(&s.state.cx, &ask), "columns=visits,given_names");
	assert_non_null(strstr(LIST(&s, "people", { "columns", query[0].value }), "!bad_input"));
	shop_next(&s);
	assert_non_null(strstr(LIST(&s, "people", { "columns", "pin" }), "!bad_input")); /* a secret */
	shop_next(&s);
	assert_int_equal(ask_from_query(&s.state.cx, &ask, o, "columns="), RC_OK);
	assert_int_equal(ask.columns, 0);
	assert_int_equal(ask_columns(&ask, SELECT_LIST, shown), 7);
	shop_close(&s);
}

static void a_big_list_is_estimated_and_says_so(void **unused)
{
	struct list_count count;
	struct ask ask;
	struct shop s;

	(void)unused;
	shop_open(&s);
	assert_int_equal(
		state_run(
			&s.state,
			"INSERT INTO person (public_id, given_names, sort_name, size, created_at, updated_at, search)"
			" WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)"
			" SELECT 'p' || i, 'N' || i, 'n', CASE WHEN i % 4 = 0 THEN 'large' ELSE 'small' END, i, i, 'n'"
			" FROM n"),
		RC_OK);
	assert_int_equal(ask_from_query(&s.state.cx, &ask, office_find("people"), ""), RC_OK);
	assert_int_equal(rows_total(&s.state.cx, &ask, 10000, &count), RC_OK);
	assert_true(count.is_estimate && count.is_known);
	assert_int_equal(count.n, 40000);
	assert_string_equal(count_text(&s.state.cx, &count), "about 40,000");
	assert_int_equal(ask_from_query(&s.state.cx, &ask, office_find("people"), "size=small"), RC_OK);
	assert_int_equal(rows_total(&s.state.cx, &ask, 10000, &count), RC_OK);
	assert_true(count.is_estimate && count.n >= 27000 && count.n <= 33000);
	assert_int_equal(ask_from_query(&s.state.cx, &ask, office_find("people"), "size=large"), RC_OK);
	assert_int_equal(rows_total(&s.state.cx, &ask, 10000, &count), RC_OK);
	assert_false(count.is_estimate);
	assert_int_equal(count.n, 10000);
	assert_string_equal(count_text(&s.state.cx, &count), "10,000");
	assert_int_equal(ask_from_query(&s.state.cx, &ask, office_find("people"), "q=zzz"), RC_OK);
	assert_int_equal(rows_total(&s.state.cx, &ask, 10000, &count), RC_OK);
	assert_true(count.is_known && !count.is_estimate && count.n == 0);
	shop_close(&s);
}

static void what_comes_in_does_not_fill_the_list_of_work(void **unused)
{
	struct shop s;

	(void)unused;
	shop_open(&s);
	assert_int_equal(
		state_run(
			&s.state,
			"INSERT INTO job (kind, queue, run_at, created_at) VALUES ('ops.backup', 'ops', 0, 0),"
			" ('outbox.inbound', 'in', 0, 0)"),
		RC_OK);
	assert_string_equal(LIST(&s, "jobs"), "ops.backup");
	assert_string_equal(LIST(&s, "jobs", { "which", "all" }), "outbox.inbound|ops.backup");
	shop_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_comes_in_the_order_of_its_sort),
		cmocka_unit_test(a_sort_that_is_not_declared_is_refused_with_its_name),
		cmocka_unit_test(search_finds_without_accents_in_any_order_and_by_part_of_a_number),
		cmocka_unit_test(a_search_of_more_letters_than_the_limit_is_refused),
		cmocka_unit_test(a_filter_shows_its_rows_and_refuses_what_is_no_choice),
		cmocka_unit_test(pages_go_forth_and_back_without_losing_or_repeating_a_row),
		cmocka_unit_test(pages_hold_when_a_row_comes_between),
		cmocka_unit_test(a_cursor_of_another_order_or_of_nobody_is_refused),
		cmocka_unit_test(a_seller_sees_only_his_own_everywhere),
		cmocka_unit_test(who_may_not_open_a_list_learns_nothing_of_its_rows),
		cmocka_unit_test(rows_of_an_import_that_waits_are_not_seen),
		cmocka_unit_test(counting_stops_where_nobody_reads_further),
		cmocka_unit_test(the_address_of_a_list_reads_back_as_the_same_list),
		cmocka_unit_test(chosen_columns_come_in_the_order_given_and_wrong_ones_are_named),
		cmocka_unit_test(a_big_list_is_estimated_and_says_so),
		cmocka_unit_test(what_comes_in_does_not_fill_the_list_of_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
