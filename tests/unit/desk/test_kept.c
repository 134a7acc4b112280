/* desk/kept.c: figures that take long are counted rarely, and never for somebody else. */
#include "office.h"
#include <poll.h>
#include <string.h>

#define SLOW_MS 30 /* kept for a hundred times as long: far longer than a test takes */

static struct arena *arena;
static struct env env;
static int counted;

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

static void fill(struct cx *cx, struct value *out)
{
	struct value *rows = value_set_list(cx->arena, out, "rows");

	value_set_int(cx->arena, out, "count", ++counted);
	value_set_text(cx->arena, out, "name", "Ángel \"Núñez\"");
	value_set_null(cx->arena, out, "mark");
	value_set_bool(cx->arena, value_add_map(cx->arena, rows), "is_late", true);
}

static void fill_slowly(struct cx *cx, struct value *out)
{
	(void)poll(NULL, 0, SLOW_MS);
	fill(cx, out);
}

static int64_t seen_by(const char *name, int64_t id, const char *rights, enum lang lang, const char *figure,
		       figure_fill_fn *how)
{
	struct value *out;
	struct cx cx;

	cx_init(&cx, &env, arena, NULL);
	cx.lang = lang;
	cx.actor = (struct actor){
		.kind = ACTOR_USER, .user_id = id, .name = name, .role = "", .rights = rights
	};
	out = value_map(arena);
	value_set_text(arena, out, "title", "Customers");
	desk_kept(&cx, out, figure, how);
	assert_string_equal(value_text_of(value_get(out, "title"), ""), "Customers");
	assert_string_equal(value_text_of(value_get(out, "name"), ""), "Ángel \"Núñez\"");
	assert_non_null(value_get(out, "mark"));
	assert_true(value_bool_of(value_path(out, "rows.0.is_late"), false));
	return value_int_of(value_get(out, "count"), 0);
}

static void what_took_long_is_shown_again_to_the_one_who_asked(void **unused)
{
	int64_t first = seen_by("ana", 1, "*", LANG_ES, "business", fill_slowly);

	(void)unused;
	assert_int_equal(seen_by("ana", 1, "*", LANG_ES, "business", fill_slowly), first);
	assert_int_equal(seen_by("ana", 1, "*", LANG_ES, "business", fill_slowly), first);
	assert_int_equal(counted, first);
}

static void a_seller_never_sees_what_was_counted_for_the_owner(void **unused)
{
	int64_t owner = seen_by("eva", 2, "*", LANG_ES, "month", fill_slowly);

	(void)unused;
	assert_int_not_equal(seen_by("leo", 3, "*", LANG_ES, "month", fill_slowly), owner);
	assert_int_not_equal(seen_by("eva", 2, "clients.view", LANG_ES, "month", fill_slowly), owner);
	assert_int_not_equal(seen_by("eva", 4, "*", LANG_ES, "month", fill_slowly), owner);
	assert_int_not_equal(seen_by("eva", 2, "*", LANG_EN, "month", fill_slowly), owner);
	assert_int_not_equal(seen_by("eva", 2, "*", LANG_ES, "latest", fill_slowly), owner);
	assert_int_equal(seen_by("eva", 2, "*", LANG_ES, "month", fill_slowly), owner);
}

/* On a machine that stands still a quick count may look slow, but not for ten people in a row. */
static void what_is_quick_is_the_present_figure(void **unused)
{
	bool is_present = false;

	(void)unused;
	for (int64_t id = 10; id < 20 && !is_present; id++) {
		int64_t first = seen_by("rosa", id, "*", LANG_ES, "quick", fill);

		is_present = seen_by("rosa", id, "*", LANG_ES, "quick", fill) == first + 1 &&
			     seen_by("rosa", id, "*", LANG_ES, "quick", fill) == first + 2;
	}
	assert_true(is_present);
}

static void more_people_than_there_is_room_for_are_all_served(void **unused)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
	int before = counted;
	int64_t last = 0;

	(void)unused;
	for (int64_t id = 100; id < 200; id++)
		last = seen_by(names[id % 10], id, "*", LANG_ES, "business", fill_slowly);
	assert_int_equal(counted - before, 100);
	assert_int_equal(seen_by(names[199 % 10], 199, "*", LANG_ES, "business", fill_slowly), last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_took_long_is_shown_again_to_the_one_who_asked),
		cmocka_unit_test(a_seller_never_sees_what_was_counted_for_the_owner),
		cmocka_unit_test(what_is_quick_is_the_present_figure),
		cmocka_unit_test(more_people_than_there_is_room_for_are_all_served),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
