/*
** test_shape.c -- rows on their way to programs and to people.
*/
#include "state.h"
#include "base/money.h"
#include "web/inside.h"

static int setup(void **state)
{
	struct state *s = calloc(1, sizeof *s);

	state_make(s, INT64_C(1795366800000));
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	state_close(*state);
	free(*state);
	return 0;
}

static struct value *row(struct cx *cx)
{
	struct value *v = value_map(cx->arena);

	value_set_int(cx->arena, v, "id", 7);
	value_set_text(cx->arena, v, "public_id", "abc");
	value_set_int(cx->arena, v, "paid_at", INT64_C(1795366800123));
	value_set_null(cx->arena, v, "archived_at");
	value_set_text(cx->arena, v, "ends_on", "2026-11-22");
	value_set_int(cx->arena, v, "price_cents", 1299);
	value_set_text(cx->arena, v, "currency", "USD");
	value_set_int(cx->arena, v, "is_active", 1);
	value_set_int(cx->arena, v, "has_phone", 0);
	value_set_text(cx->arena, v, "facts_json", "{\"a\":[1,true]}");
	value_set_text(cx->arena, v, "odd_json", "{");
	value_set_int(cx->arena, v, "big", INT64_C(9007199254740993));
	return v;
}

static void programs_get_types_they_can_use(void **state)
{
	struct cx *cx = &((struct state *)*state)->cx;
	struct value *list = value_list(cx->arena);
	struct sb sb;

	value_append(list, row(cx));
	shape_json(cx, list);
	value_set_text(cx->arena, list->first, "added", "later"); /* the map is still whole */
	sb_init_arena(&sb, cx->arena, 4096);
	json_write(&sb, list);
	assert_string_equal(
		sb_text_of(&sb),
		"[{\"id\":\"abc\",\"paid_at\":\"2026-11-22T17:00:00.123Z\",\"archived_at\":null,"
		"\"ends_on\":\"2026-11-22\",\"price_cents\":1299,\"currency\":\"USD\",\"is_active\":true,"
		"\"has_phone\":false,\"facts\":{\"a\":[1,true]},\"odd\":\"{\",\"big\":\"9007199254740993\","
		"\"added\":\"later\"}]");
}

static const char *of(const struct value *v, const char *key)
{
	return value_text_of(value_get(v, key), "(none)");
}

static void people_get_words_beside_the_columns(void **state)
{
	struct cx *cx = &((struct state *)*state)->cx;
	struct value *v = row(cx), *page = value_map(cx->arena);

	value_set_text(cx->arena, v, "ends", "mine");
	value_set(page, "client", v);
	shape_page(cx, page);
	assert_string_equal(of(v, "paid"), "22/11/2026 12:00");
	assert_string_equal(of(v, "archived"), "");
	assert_string_equal(of(v, "ends"), "mine"); /* what is there stays */
	assert_string_equal(of(v, "price"), "$12.99");
	assert_int_equal(value_int_of(value_get(v, "price_cents"), 0), 1299);
}

static void a_column_of_its_own_currency_wins(void **state)
{
	struct cx *cx = &((struct state *)*state)->cx;
	struct value *v = row(cx);
	char want[MONEY_SIZE];

	value_set_text(cx->arena, v, "price_currency", "PYG");
	shape_page(cx, v);
	money_text(want, 1299, "PYG", cx->lang);
	assert_string_equal(of(v, "price"), want);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(programs_get_types_they_can_use),
		T(people_get_words_beside_the_columns),
		T(a_column_of_its_own_currency_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
