/*
** test_value.c -- the tree of data: building, reading, JSON in and out.
*/
#include "base_test.h"
#include "base/value.h"
#include <stdlib.h>

static struct value *parsed(struct arena *a, const char *json)
{
	struct value *v = NULL;
	size_t at = 0;

	assert_int_equal(json_parse(a, &v, &at, json, strlen(json)), RC_OK);
	assert_non_null(v);
	return v;
}

static const char *written(struct arena *a, const struct value *v)
{
	struct sb sb;

	sb_init_arena(&sb, a, 1 << 20);
	json_write(&sb, v);
	assert_int_equal(sb_result(&sb), RC_OK);
	return sb_text_of(&sb);
}

static void a_row_is_built_and_set_again_without_twins(void **state)
{
	struct arena *a = *state;
	struct value *row = value_map(a), *list;

	value_set_text(a, row, "name", "Ana");
	value_set_int(a, row, "days", 3);
	value_set_bool(a, row, "is_active", true);
	value_set_null(a, row, "email");
	value_set_text(a, row, "note", NULL);
	list = value_set_list(a, row, "phones");
	value_add_text(a, list, "+593990000000");
	value_set_int(a, value_add_map(a, list), "n", 1);
	value_append(list, value_text(a, "x"));
	value_set_text(a, row, "name", "Luz");
	value_set_int(a, row, "last", 9);
	value_set_int(a, row, "last", 10);
	value_set_int(a, value_set_map(a, row, "map"), "k", 1);
	assert_int_equal(row->count, 8);
	assert_string_equal(written(a, row),
			    "{\"name\":\"Luz\",\"days\":3,\"is_active\":true,\"email\":null,\"note\":null,"
			    "\"phones\":[\"+593990000000\",{\"n\":1},\"x\"],\"last\":10,\"map\":{\"k\":1}}");
}

static void a_lent_text_is_not_copied_and_names_are_compared_to_their_end(void **state)
{
	static const char text[] = "Ana";
	struct arena *a = *state;
	struct value *row = value_map(a);
	char name[] = "is_new";

	value_set_lent(a, row, "name", text);
	value_set_lent(a, row, "email", NULL);
	value_set_bool(a, row, "is_ne", false);
	value_set_bool(a, row, "is_newer", false);
	value_set_bool(a, row, "", false);
	assert_ptr_equal(value_text_of(value_get(row, "name"), NULL), text);
	assert_int_equal(value_get(row, "name")->len, 3);
	assert_int_equal(value_get(row, "email")->type, VALUE_NULL);
	assert_null(value_get(row, name));
	value_set_bool(a, row, "is_new", true);
	assert_true(value_bool_of(value_get(row, name), false));
	assert_false(value_bool_of(value_get(row, "is_ne"), true));
	assert_false(value_bool_of(value_get(row, ""), true));
	assert_int_equal(row->count, 6);
}

static void reading_what_is_not_there_gives_the_default(void **state)
{
	struct arena *a = *state;
	const struct value *v =
		parsed(a, "{\"data\":{\"messages\":[{\"key\":\"k1\"},{\"key\":\"k2\"}],\"n\":\"42\","
			  "\"low\":\"-9223372036854775808\",\"high\":\"9223372036854775808\",\"t\":true,"
			  "\"\":1}}");

	assert_string_equal(value_text_of(value_path(v, "data.messages.1.key"), "?"), "k2");
	assert_string_equal(value_text_of(value_path(v, "data.messages.2.key"), "?"), "?");
	assert_string_equal(value_text_of(value_path(v, "data.messages.99999999999999999999.key"), "?"), "?");
	assert_string_equal(value_text_of(value_path(v, "data.messages.x.key"), "?"), "?");
	assert_string_equal(value_text_of(value_path(v, "data.messages.0.key.more"), "?"), "?");
	assert_null(value_path(v, "dat"));
	assert_null(value_path(NULL, "data"));
	assert_ptr_equal(value_path(v, ""), v);
	assert_int_equal(value_int_of(value_path(v, "data.n"), -1), 42);
	assert_int_equal(value_int_of(value_path(v, "data.low"), -1), INT64_MIN);
	assert_int_equal(value_int_of(value_path(v, "data.high"), -1), -1);
	assert_int_equal(value_int_of(value_path(v, "data.t"), -1), -1);
	assert_int_equal(value_int_of(value_get(v, "none"), 7), 7);
	assert_true(value_bool_of(value_path(v, "data.t"), false));
	assert_true(value_bool_of(value_path(v, "data.n"), true));
	assert_string_equal(value_text_of(value_path(v, "data.t"), "?"), "?");
	assert_null(value_get(value_path(v, "data.messages"), "0"));
	assert_null(value_get(NULL, "0"));
}

static void what_counts_as_true(void **state)
{
	static const struct {
		const char *json;
		bool is_true;
	} rows[] = {
		{ "null", false }, { "false", false }, { "true", true }, { "0", false },
		{ "-1", true },    { "0.0", false },   { "0.5", true },  { "\"\"", false },
		{ "\"0\"", true }, { "[]", false },    { "[0]", true },  { "{}", true },
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(value_is_true(parsed(*state, rows[i].json)), rows[i].is_true);
	assert_false(value_is_true(NULL));
}

static void json_comes_back_as_it_went(void **state)
{
	static const char *const same[] = {
		"null",
		"true",
		"false",
		"0",
		"-7",
		"1.5",
		"-0.25",
		"1e+100",
		"\"\"",
		"\"ñ\"",
		"[]",
		"{}",
		"[[],{},\"x\",1,null]",
		"{\"a\":{\"b\":[1,2,{\"c\":\"d\"}]},\"\":1}",
		"9007199254740992",
		"-9007199254740992",
		"0.1",
		"1.0",
		"123456789012.34",
	};
	size_t i;

	for (i = 0; i < COUNT(same); i++)
		assert_string_equal(written(*state, parsed(*state, same[i])), same[i]);
	assert_string_equal(written(*state, parsed(*state, " [ 1 , \"\\u00f1\\n\\ud83d\\ude00\\/\" ]\r\n")),
			    "[1,\"ñ\\n\xF0\x9F\x98\x80/\"]");
	assert_string_equal(written(*state, NULL), "null");
}

static void numbers_too_big_for_a_browser_travel_as_text(void **state)
{
	assert_string_equal(written(*state, parsed(*state, "[9007199254740993,-9007199254740993]")),
			    "[\"9007199254740993\",\"-9007199254740993\"]");
	assert_string_equal(written(*state, parsed(*state, "[9223372036854775807,9223372036854775808]")),
			    "[\"9223372036854775807\",\"9223372036854775808\"]");
	assert_string_equal(
		written(*state, parsed(*state, "[18446744073709551616,-9223372036854775809,1e999]")),
		"[\"18446744073709551616\",\"-9223372036854775809\",\"1e999\"]");
	assert_int_equal(parsed(*state, "9223372036854775807")->integer, INT64_MAX);
	assert_int_equal(parsed(*state, "-9223372036854775808")->integer, INT64_MIN);
}

static void odd_json_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *json;
		size_t len, at;
	} rows[] = {
		{ "", 0, 0 },
		{ "{\"a\":1}x", 8, 7 },
		{ "{\"a\":1,\"b\":2,\"a\":3}", 19, 14 },
		{ "{\"a\":{\"b\":1,\"\\u0062\":2}}", 24, 13 },
		{ "[\"a\\u0000b\"]", 12, 2 },
		{ "{\"a\\u0000b\":1}", 14, 2 },
		{ "[1,]", 4, 2 },
		{ "[01]", 4, 1 },
		{ "[NaN]", 5, 1 },
		{ "[\"\xC3\x28\"]", 6, 2 },
		{ "[\"\\ud800\"]", 10, 4 },
		{ "{\"a\" 1}", 7, 5 },
		{ "[1", 2, 2 },
		{ "<html>", 6, 0 },
		{ "'a'", 3, 0 },
		{ "[1] \0", 5, 4 },
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		struct value *v = NULL;
		size_t at = 999;

		assert_int_equal(json_parse(*state, &v, &at, rows[i].json, rows[i].len), RC_BAD_INPUT);
		assert_null(v);
		assert_in_range(at, rows[i].at,
				rows[i].at + 5); /* the library may point at the end of a word */
	}
}

static void a_key_that_is_there_twice_among_many_is_found(void **state)
{
	struct sb sb;
	struct value *v = NULL;
	size_t at = 0;
	int i;

	sb_init_arena(&sb, *state, 1 << 20);
	sb_lit(&sb, "{");
	for (i = 0; i < 5000; i++)
		sb_printf(&sb, "\"k%d\":%d,", i, i);
	sb_lit(&sb, "\"last\":0}");
	assert_int_equal(json_parse(*state, &v, &at, sb.p, sb.len), RC_OK);
	assert_int_equal(v->count, 5001);
	sb.len -= strlen("last\":0}");
	i = (int)sb.len;
	sb_lit(&sb, "k77\":0}");
	assert_int_equal(json_parse(*state, &v, &at, sb.p, sb.len), RC_BAD_INPUT);
	assert_int_equal(at, i);
}

static void sixty_four_levels_are_read_and_written_sixty_five_are_not(void **state)
{
	char json[2 * (JSON_DEPTH_MAX + 1)];
	struct value *v = NULL, *outer;
	struct sb sb;
	size_t at = 0;

	memset(json, '[', JSON_DEPTH_MAX);
	memset(json + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_int_equal(json_parse(*state, &v, &at, json, 2 * (size_t)JSON_DEPTH_MAX), RC_OK);
	sb_init_arena(&sb, *state, 100000);
	json_write(&sb, v);
	assert_int_equal(sb_result(&sb), RC_OK);
	outer = value_list(*state);
	value_append(outer, v);
	json_write(&sb, outer);
	assert_int_equal(sb_result(&sb), RC_TOO_LARGE);
	memset(json, '[', JSON_DEPTH_MAX + 1);
	memset(json + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_int_equal(json_parse(*state, &v, &at, json, sizeof json), RC_BAD_INPUT);
	assert_int_equal(at, JSON_DEPTH_MAX);
	memset(json, '[', sizeof json); /* brackets inside a text are only text */
	memcpy(json, "[\"\\\"", 4);
	memcpy(json + sizeof json - 2, "\"]", 2);
	assert_int_equal(json_parse(*state, &v, NULL, json, sizeof json), RC_OK);
}

static void for_people_json_has_lines(void **state)
{
	struct sb sb;

	sb_init_arena(&sb, *state, 1000);
	json_write_pretty(&sb, parsed(*state, "{\"a\":[1,{}],\"b\":[]}"));
	assert_string_equal(sb_text_of(&sb), "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}\n");
}

static void without_memory_nothing_half_read_comes_out(void **state)
{
	static const char json[] =
		"{\"a\":[1,2,3,\"text\"],\"b\":{\"c\":9223372036854775808},\"d\":1,\"e\":2,\"f\":3,"
		"\"g\":4,\"h\":5,\"i\":6,\"j\":7,\"k\":8,\"l\":9,\"m\":10,\"n\":11}";
	size_t ceiling;
	long n;

	(void)state;
	for (n = 1;; n++) {
		struct arena *a = arena_new(1 << 20);
		struct value *v = NULL;
		bool has_fired;
		enum rc rc;

		mem_fail(n, false);
		rc = json_parse(a, &v, NULL, json, strlen(json));
		has_fired = mem_fail_fired();
		assert_int_equal(rc, has_fired ? RC_NO_MEMORY : RC_OK);
		assert_true((v != NULL) == (rc == RC_OK));
		mem_fail(0, false);
		arena_free(a);
		assert_int_equal(mem_live(), 0);
		if (!has_fired) break;
	}
	assert_true(n > 2);
	for (ceiling = 64; ceiling < 8000; ceiling += 64) {
		struct arena *a = arena_new(ceiling);
		struct value *v = NULL;
		enum rc rc = json_parse(a, &v, NULL, json, strlen(json));

		assert_true(rc == RC_OK || rc == RC_NO_MEMORY);
		assert_true((v != NULL) == (rc == RC_OK));
		assert_true(arena_failed(a) == (rc != RC_OK));
		arena_free(a);
	}
}

static void a_full_arena_yields_values_that_swallow_everything(void **state)
{
	struct arena *a = arena_new(700);
	struct value *map = value_map(a), *list = value_set_list(a, map, "list");
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		value_set_text(a, value_add_map(a, list), "k", "some text");
		value_set_int(a, value_set_map(a, value_map(a), "x"), "y", 1);
	}
	assert_true(arena_failed(a));
	assert_int_equal(value_map(a)->type, VALUE_NULL);
	assert_null(value_map(a)->first);
	assert_true(list->count < 100);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		arena_test(a_row_is_built_and_set_again_without_twins),
		arena_test(a_lent_text_is_not_copied_and_names_are_compared_to_their_end),
		arena_test(reading_what_is_not_there_gives_the_default),
		arena_test(what_counts_as_true),
		arena_test(json_comes_back_as_it_went),
		arena_test(numbers_too_big_for_a_browser_travel_as_text),
		arena_test(odd_json_is_refused_with_its_place),
		arena_test(a_key_that_is_there_twice_among_many_is_found),
		arena_test(sixty_four_levels_are_read_and_written_sixty_five_are_not),
		arena_test(for_people_json_has_lines),
		cmocka_unit_test(without_memory_nothing_half_read_comes_out),
		cmocka_unit_test(a_full_arena_yields_values_that_swallow_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
