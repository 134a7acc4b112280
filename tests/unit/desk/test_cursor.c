/* desk/cursor.c: a place in a list goes out and comes back, and nothing else does. */
#include "office.h"

static struct arena *arena;

static int setup(void **unused)
{
	(void)unused;
	arena = arena_new(1024 * 1024);
	return arena != NULL ? 0 : -1;
}

static int teardown(void **unused)
{
	(void)unused;
	arena_free(arena);
	return 0;
}

static void goes_round(const struct cursor *in)
{
	struct cursor out = { .id = -1 };
	const char *text = cursor_text(arena, in);

	assert_int_equal(cursor_parse(arena, &out, text), RC_OK);
	assert_true(out.is_set);
	assert_int_equal(out.is_back, in->is_back);
	assert_int_equal(out.is_down, in->is_down);
	assert_string_equal(out.sort, in->sort);
	assert_true(out.id == in->id);
	assert_int_equal(out.key_is_int, in->key_is_int);
	if (in->key_is_int)
		assert_true(out.key_int == in->key_int);
	else
		assert_string_equal(out.key_text, in->key_text);
}

static void every_place_comes_back_as_it_was(void **unused)
{
	(void)unused;
	goes_round(&(struct cursor){ .sort = "name", .id = 1, .key_text = "" });
	goes_round(&(struct cursor){ .sort = "name", .id = 12, .key_text = "Ñandú: 50 % / ?&" });
	goes_round(&(struct cursor){ .sort = "created_at",
				     .is_back = true,
				     .is_down = true,
				     .id = INT64_MAX,
				     .key_is_int = true,
				     .key_int = INT64_MAX });
	goes_round(&(struct cursor){ .sort = "x", .id = 7, .key_is_int = true, .key_int = -5 });
}

static void a_long_key_fits_until_its_limit(void **unused)
{
	char key[DESK_CURSOR_MAX + 1];
	struct cursor c = { .sort = "n", .id = 1, .key_text = key };

	(void)unused;
	memset(key, 'k', sizeof key);
	key[1000] = '\0'; /* 250 letters of four bytes */
	goes_round(&c);
	key[1000] = 'k';
	key[DESK_CURSOR_MAX] = '\0';
	assert_string_equal(cursor_text(arena, &c), "");
}

static void what_we_did_not_make_is_refused(void **unused)
{
	static const char *const wrong[] = {
		"", "A", "AAAA", "====", "MW51bmFtZTox", "MW51bmFtZToxOg", "é", "MW51OjE6aQ"
	};
	struct cursor out = { .id = -1 };

	(void)unused;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(cursor_parse(arena, &out, wrong[i]), RC_BAD_INPUT);
	assert_true(out.id == -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_place_comes_back_as_it_was),
		cmocka_unit_test(a_long_key_fits_until_its_limit),
		cmocka_unit_test(what_we_did_not_make_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
