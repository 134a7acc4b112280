/* desk/save.c, check.c: what is taken, what is refused and how, what is left behind. */
#include "office.h"

static const char *stored(struct shop *s, int64_t id, const char *name)
{
	struct value *row = NULL;
	const struct value *v;

	assert_int_equal(row_stored(&s->state.cx, office_find("people"), id, &row), RC_OK);
	v = value_get(row, name);
	assert_non_null(v);
	if (v->type == VALUE_NULL) return "NULL";
	if (v->type == VALUE_INT) return arena_printf(s->state.cx.arena, "%lld", (long long)v->integer);
	return v->text;
}

static void a_new_person_is_stored_as_people_write_and_programs_read(void **unused)
{
	struct shop s;
	int64_t id = 0;

	(void)unused;
	shop_open(&s);
	assert_int_equal(SAVE(&s, "people", &id, { "nombre", " Ana " }, { "email", "ANA@Example.COM" },
			      { "phone", "099 000 0001" }, { "born_on", "29/02/2004" }, { "visits", "7" },
			      { "debt_cents", "1.234,50" }, { "is_member", "1" },
			      { "website", "https://example.com/a" }),
			 RC_OK);
	assert_true(id > 0);
	assert_string_equal(stored(&s, id, "given_names"), "Ana");
	assert_string_equal(stored(&s, id, "email"), "ana@example.com");
	assert_string_equal(stored(&s, id, "phone"), "+593990000001");
	assert_string_equal(stored(&s, id, "born_on"), "2004-02-29");
	assert_string_equal(stored(&s, id, "visits"), "7");
	assert_string_equal(stored(&s, id, "debt_cents"), "123450");
	assert_string_equal(stored(&s, id, "is_member"), "1");
	assert_string_equal(stored(&s, id, "size"), "small");
	assert_int_equal(
		state_int(
			&s.state,
			"SELECT count(*) FROM person WHERE phone_original = '099 000 0001'"
			" AND phone_kind = 'mobile' AND length(public_id) = 26 AND created_at BETWEEN 1795366800000 AND 1795366860000"
			" AND search = 'ana ana@example.com +593990000001' AND sort_name = ' Ana'"),
		1);
	shop_close(&s);
}

static void all_wrong_fields_are_told_at_once_and_nothing_is_stored(void **unused)
{
	struct shop s;
	int64_t id = 0;

	(void)unused;
	shop_open(&s);
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "" }, { "email", "no" }, { "phone", "12" },
			      { "born_on", "31/02/2020" }, { "visits", "100" }, { "debt_cents", "x" },
			      { "size", "huge" }, { "is_member", "maybe" },
			      { "website", "javascript:alert(1)" }),
			 RC_BAD_INPUT);
	assert_int_equal(s.state.cx.field_count, 9);
	assert_string_equal(shop_error(&s, "given_names"), "This is needed.");
	assert_string_equal(shop_error(&s, "email"), "“no” is not an e-mail address.");
	assert_string_equal(shop_error(&s, "visits"), "A number from 0 to 99.");
	assert_string_equal(shop_error(&s, "size"), "“huge” is not one of the choices.");
	assert_string_not_equal(shop_error(&s, "website"), "");
	assert_string_equal(s.state.cx.message, "Some fields need your attention.");
	assert_int_equal(id, 0);
	assert_int_equal(state_int(&s.state, "SELECT count(*) FROM person"), 0);
	assert_int_equal(state_int(&s.state, "SELECT count(*) FROM audit"), 0);
	shop_close(&s);
}

static void a_text_may_be_as_long_as_its_limit_and_no_longer(void **unused)
{
	struct shop s;
	int64_t id = 0;

	(void)unused;
	shop_open(&s);
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "ññññññññññññññññññññ" }), RC_OK);
	id = 0;
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "ñññññññññññññññññññññ" }), RC_BAD_INPUT);
	assert_string_equal(shop_error(&s, "given_names"), "At most 20 characters; these are 21.");
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "two\nlines" }), RC_BAD_INPUT);
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "bell\a" }), RC_BAD_INPUT);
	shop_close(&s);
}

static void changing_one_field_leaves_the_others_and_writes_what_changed_into_history(void **unused)
{
	struct shop s;
	int64_t id = 0;

	(void)unused;
	shop_open(&s);
	assert_int_equal(
		SAVE(&s, "people", &id, { "given_names", "Ana" }, { "notes", "hello" }, { "pin", "1234" }),
		RC_OK);
	clock_shift(s.state.env.clock, MINUTE_MS);
	assert_int_equal(SAVE(&s, "people", &id, { "surnames", "Ríos" }, { "pin", "9876" }), RC_OK);
	assert_string_equal(stored(&s, id, "notes"), "hello");
	assert_string_equal(stored(&s, id, "surnames"), "Ríos");
	assert_int_equal(
		state_int(
			&s.state,
			"SELECT count(*) FROM person WHERE updated_at >= created_at + 60000 AND search = 'ana rios'"),
		1);
	assert_int_equal(state_int(&s.state,
				   "SELECT count(*) FROM audit WHERE action = 'update' AND before_json ="
				   " '{\"surnames\":\"\"}' AND after_json = '{\"surnames\":\"Ríos\"}'"),
			 1);
	assert_int_equal(state_int(&s.state,
				   "SELECT count(*) FROM audit WHERE before_json || after_json LIKE '%1234%'"
				   " OR after_json LIKE '%9876%'"),
			 0);
	shop_close(&s);
}

static void saving_what_is_there_already_writes_nothing(void **unused)
{
	struct shop s;
	int64_t id = 0;

	(void)unused;
	shop_open(&s);
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "Ana" }), RC_OK);
	clock_shift(s.state.env.clock, MINUTE_MS);
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "Ana" }, { "surnames", "" }), RC_OK);
	assert_int_equal(state_int(&s.state, "SELECT count(*) FROM audit"), 1);
	assert_int_equal(state_int(&s.state, "SELECT updated_at = created_at FROM person"), 1);
	shop_close(&s);
}

static void what_must_be_unique_is_told_at_its_field(void **unused)
{
	struct shop s;
	int64_t id = 0;

	(void)unused;
	shop_open(&s);
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "Ana" }, { "email", "a@example.com" }),
			 RC_OK);
	id = 0;
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "Eva" }, { "email", "A@example.com" }),
			 RC_CONFLICT);
	assert_string_equal(shop_error(&s, "email"), "Another one has this already; it must be unique.");
	assert_int_equal(state_int(&s.state, "SELECT count(*) FROM person"), 1);
	shop_close(&s);
}

static void a_hook_can_refuse_a_field(void **unused)
{
	struct shop s;
	int64_t id = 0;

	(void)unused;
	shop_open(&s);
	assert_int_equal(SAVE(&s, "people", &id, { "given_names", "Forbidden" }), RC_BAD_INPUT);
	assert_string_equal(shop_error(&s, "given_names"), "Not this name.");
	assert_int_equal(state_int(&s.state, "SELECT count(*) FROM person"), 0);
	shop_close(&s);
}

static void a_seller_can_neither_refer_to_a_foreign_person_nor_change_one(void **unused)
{
	struct shop s;
	int64_t person = 0, pet = 0, same;
	const char *id;

	(void)unused;
	shop_open(&s);
	assert_int_equal(SAVE(&s, "people", &person, { "given_names", "Ana" }), RC_OK);
	id = arena_printf(s.forever, "%lld", (long long)person);
	shop_as(&s, "seller", 7);
	assert_int_equal(SAVE(&s, "pets", &pet, { "name", "Rex" }, { "person_id", id }), RC_BAD_INPUT);
	assert_string_equal(shop_error(&s, "person_id"), "“1” was not found among: People.");
	assert_int_equal(SAVE(&s, "pets", &pet, { "name", "Rex" }, { "person_id", "Ana" }), RC_BAD_INPUT);
	same = person;
	assert_int_equal(SAVE(&s, "people", &same, { "given_names", "Eva" }), RC_NOT_FOUND);
	assert_string_equal(stored(&s, person, "given_names"), "Ana");
	assert_int_equal(state_int(&s.state, "SELECT count(*) FROM pet"), 0);
	shop_close(&s);
}

static void a_reference_may_be_a_name_when_only_one_has_it(void **unused)
{
	struct shop s;
	int64_t a = 0, b = 0, pet = 0;

	(void)unused;
	shop_open(&s);
	assert_int_equal(SAVE(&s, "people", &a, { "given_names", "Ana" }, { "surnames", "Ríos" }), RC_OK);
	assert_int_equal(SAVE(&s, "people", &b, { "given_names", "Ana" }, { "surnames", "Ríos Paz" }), RC_OK);
	assert_int_equal(SAVE(&s, "pets", &pet, { "name", "Rex" }, { "person", "paz" }), RC_OK);
	assert_int_equal(state_int(&s.state, "SELECT person_id FROM pet WHERE name = 'Rex'"), b);
	pet = 0;
	assert_int_equal(SAVE(&s, "pets", &pet, { "name", "Tom" }, { "person", "ana rios" }),
			 RC_OK); /* the whole name of one */
	assert_int_equal(state_int(&s.state, "SELECT person_id FROM pet WHERE name = 'Tom'"), a);
	pet = 0;
	assert_int_equal(SAVE(&s, "pets", &pet, { "name", "Kit" }, { "person", "rios" }), RC_BAD_INPUT);
	assert_string_equal(shop_error(&s, "person_id"),
			    "Several match: Ana Ríos, Ana Ríos Paz. Write more of it.");
	shop_close(&s);
}

static void what_others_depend_on_is_not_archived(void **unused)
{
	struct shop s;
	int64_t person = 0, pet = 0, found = 0;
	const struct office *people = NULL;
	const char *id;

	(void)unused;
	shop_open(&s);
	people = office_find("people");
	assert_int_equal(SAVE(&s, "people", &person, { "given_names", "Ana" }), RC_OK);
	id = arena_printf(s.forever, "%lld", (long long)person);
	assert_int_equal(SAVE(&s, "pets", &pet, { "name", "Rex" }, { "person_id", id }), RC_OK);
	s.state.cx.message = "";
	assert_int_equal(row_archive(&s.state.cx, people, person), RC_CONFLICT);
	assert_string_equal(s.state.cx.message, "There are 1 pets.");
	assert_string_equal(LIST(&s, "people"), "Ana");
	assert_int_equal(row_archive(&s.state.cx, office_find("pets"), pet), RC_OK);
	assert_int_equal(row_archive(&s.state.cx, people, person), RC_OK);
	assert_string_equal(LIST(&s, "people"), "");
	assert_int_equal(desk_find(&s.state.cx, &found, desk_resource("people"), id), RC_NOT_FOUND);
	assert_int_equal(office_row_id(&s.state.cx, &found, people, id, true),
			 RC_OK); /* its page stays readable */
	assert_int_equal(state_int(&s.state, "SELECT count(*) FROM audit WHERE action = 'archive'"), 2);
	/* The name and address of an archived one are free again. */
	shop_close(&s);
}

static void an_instant_is_read_by_the_business_clock(void **unused)
{
	struct shop s;
	int64_t person = 0, pet = 0;

	(void)unused;
	shop_open(&s);
	assert_int_equal(SAVE(&s, "people", &person, { "given_names", "Ana" }), RC_OK);
	assert_int_equal(SAVE(&s, "pets", &pet, { "name", "Rex" }, { "person", "1" },
			      { "met_at", "2026-11-22T12:00" }),
			 RC_OK);
	assert_int_equal(state_int(&s.state, "SELECT met_at FROM pet"), NOON);
	assert_int_equal(SAVE(&s, "pets", &pet, { "met_at", "2026-11-22T17:00:00Z" }), RC_OK);
	assert_int_equal(state_int(&s.state, "SELECT met_at FROM pet"), NOON);
	assert_int_equal(SAVE(&s, "pets", &pet, { "met_at", "22/11/2026 24:00" }), RC_BAD_INPUT);
	assert_int_equal(SAVE(&s, "pets", &pet, { "met_at", "22/11/2026 1:00" }), RC_BAD_INPUT);
	assert_int_equal(SAVE(&s, "pets", &pet, { "met_at", "" }), RC_OK);
	assert_int_equal(state_int(&s.state, "SELECT met_at IS NULL FROM pet"), 1);
	shop_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_person_is_stored_as_people_write_and_programs_read),
		cmocka_unit_test(all_wrong_fields_are_told_at_once_and_nothing_is_stored),
		cmocka_unit_test(a_text_may_be_as_long_as_its_limit_and_no_longer),
		cmocka_unit_test(changing_one_field_leaves_the_others_and_writes_what_changed_into_history),
		cmocka_unit_test(saving_what_is_there_already_writes_nothing),
		cmocka_unit_test(what_must_be_unique_is_told_at_its_field),
		cmocka_unit_test(a_hook_can_refuse_a_field),
		cmocka_unit_test(a_seller_can_neither_refer_to_a_foreign_person_nor_change_one),
		cmocka_unit_test(a_reference_may_be_a_name_when_only_one_has_it),
		cmocka_unit_test(what_others_depend_on_is_not_archived),
		cmocka_unit_test(an_instant_is_read_by_the_business_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
