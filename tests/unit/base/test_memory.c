/*
** test_memory.c -- result codes, the heap's door, arenas and buffers.
*/
#include "base_test.h"
#include "base/sb.h"

static void every_result_code_says_what_it_means_to_http_and_the_shell(void **state)
{
	int i, j;

	(void)state;
	for (i = 0; i < RC__MAX; i++) {
		const struct rc_row *row = rc_row((enum rc)i);

		assert_non_null(row->name);
		assert_in_range(row->http, 200, 599);
		assert_in_range(row->exit, 0, 3);
		assert_true((row->exit == 0) == (i == RC_OK));
		for (j = 0; j < i; j++)
			assert_string_not_equal(row->name, rc_row((enum rc)j)->name);
	}
	assert_ptr_equal(rc_row((enum rc)(RC__MAX + 5)), rc_row(RC_BUG));
	assert_ptr_equal(rc_row((enum rc) - 1), rc_row(RC_BUG));
}

static void the_nth_allocation_fails_once_or_from_then_on(void **state)
{
	void *p[4];
	int i;

	(void)state;
	mem_fail(2, false);
	for (i = 0; i < 4; i++)
		p[i] = mem_alloc(10);
	assert_true(mem_fail_fired());
	assert_non_null(p[0]);
	assert_null(p[1]);
	assert_non_null(p[2]);
	assert_int_equal(mem_live(), 3);
	for (i = 0; i < 4; i++)
		mem_free(p[i]);
	mem_fail(2, true);
	p[0] = mem_zeroed(10);
	p[1] = mem_realloc(NULL, 10);
	p[2] = mem_text("no room");
	assert_non_null(p[0]);
	assert_null(p[1]);
	assert_null(p[2]);
	p[1] = mem_realloc(p[0], 1000);
	assert_null(p[1]); /* and p[0] is still ours */
	mem_fail(0, false);
	assert_false(mem_fail_fired());
	mem_free(p[0]);
	mem_free(NULL);
	assert_int_equal(mem_live(), 0);
}

static void memory_of_a_request_is_zeroed_and_aligned(void **state)
{
	size_t size, i;

	for (size = 0; size < 300; size++) {
		unsigned char *p = arena_alloc(*state, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xAA, size);
	}
	arena_reset(*state);
	assert_int_equal(arena_used(*state), 0);
	for (i = 0; i < 2000; i++) {
		unsigned char *p = arena_alloc(*state, 64);

		assert_int_equal(p[0] | p[63], 0);
	}
}

static void a_printed_text_is_whole_whatever_its_length(void **state)
{
	struct arena *a = arena_new(1024 * 1024);
	char word[600];

	(void)state;
	memset(word, 'x', sizeof(word));
	for (int len = 0; len < 600; len++) {
		const char *text = arena_printf(a, "%.*s%d", len, word, len % 10);

		assert_int_equal(strlen(text), (size_t)len + 1);
		assert_int_equal(strspn(text, "x"), (size_t)len);
		assert_int_equal(text[len], '0' + len % 10);
	}
	assert_false(arena_failed(a));
	arena_free(a);
}

static void a_joined_address_is_its_parts_in_their_order(void **state)
{
	struct arena *a = *state, *small = arena_new(4096);
	char part[4001];

	assert_string_equal(arena_join(a, "/", "clients", "/", "abc", NULL), "/clients/abc");
	assert_string_equal(arena_join(a, "", "mailto:", "", NULL), "mailto:");
	assert_string_equal(arena_join(a, NULL), "");
	assert_non_null(small);
	memset(part, 'x', sizeof(part) - 1);
	part[sizeof(part) - 1] = '\0';
	assert_string_equal(arena_join(small, part, part, NULL), "");
	assert_true(arena_failed(small));
	arena_free(small);
}

static void an_arena_never_holds_more_than_its_ceiling_and_remembers_that_it_failed(void **state)
{
	struct arena *a = arena_new(4096);
	void *p;

	(void)state;
	p = arena_alloc(a, 4000);
	assert_non_null(p);
	assert_false(arena_failed(a));
	p = arena_alloc(a, 100);
	assert_null(p);
	assert_true(arena_failed(a));
	assert_string_equal(
		arena_text(a, "a text that is longer than what is left of the arena, which is less than "
			      "a hundred bytes"),
		"");
	arena_reset(a);
	assert_false(arena_failed(a));
	p = arena_alloc(a, 4000);
	assert_non_null(p);
	p = arena_alloc(a, 5000);
	assert_null(p);
	arena_reset(a);
	p = arena_array(a, SIZE_MAX / 2, 3);
	assert_null(p);
	assert_true(arena_failed(a));
	arena_reset(a);
	p = arena_alloc(a, SIZE_MAX);
	assert_null(p);
	arena_reset(a);
	p = arena_array(a, 3, 0);
	assert_non_null(p);
	arena_free(a);
	arena_free(NULL);
	assert_int_equal(mem_live(), 0);
}

static void ten_thousand_small_texts_fit_under_their_own_size_and_little_more(void **state)
{
	struct arena *a = arena_new((size_t)1 << 20);
	size_t i;

	(void)state;
	for (i = 0; i < 10000; i++)
		assert_int_equal(strlen(arena_printf(a, "notice %zu of the day", i)),
				 18 +
					 (i < 10     ? 1
					  : i < 100  ? 2
					  : i < 1000 ? 3
						     : 4) -
					 0);
	assert_false(arena_failed(a));
	assert_true(arena_used(a) < 10000 * 48);
	arena_free(a);
}

static void a_growing_array_keeps_what_it_had_wherever_it_moves(void **state)
{
	struct arena *a = *state;
	unsigned char *p = NULL, *other;
	size_t old = 0, size, i;

	for (size = 1; size < 3000000; size = size * 3 / 2 + 1) {
		p = arena_grow(a, p, old, size);
		assert_non_null(p);
		for (i = old; i < size; i++)
			p[i] = (unsigned char)(i * 7);
		for (i = 0; i < size; i++)
			assert_int_equal(p[i], (unsigned char)(i * 7));
		if (size % 2 == 0) {
			other = arena_alloc(a, 24); /* it is no longer the last one */
			assert_non_null(other);
			memset(other, 0xEE, 24);
		}
		old = size;
	}
	assert_true(arena_used(a) < 8000000); /* its smaller selves did not all stay behind */
}

static void when_the_machine_has_no_memory_texts_are_empty_and_nothing_leaks(void **state)
{
	long n;

	(void)state;
	for (n = 1;; n++) {
		struct arena *a;
		bool has_fired;
		int i;

		mem_fail(n, true);
		a = arena_new((size_t)1 << 20);
		for (i = 0; a != NULL && i < 2000; i++)
			(void)arena_printf(a, "line %d", i);
		has_fired = mem_fail_fired();
		if (a != NULL) assert_true(arena_failed(a) == has_fired);
		mem_fail(0, false);
		arena_free(a);
		assert_int_equal(mem_live(), 0);
		if (!has_fired) break;
	}
	assert_in_range(n, 3, 20);
}

static void check_buffer(struct sb *sb)
{
	sb_text(sb, NULL);
	sb_lit(sb, "");
	assert_string_equal(sb_text_of(sb), "");
	sb_lit(sb, "12345678");
	sb_char(sb, '9');
	assert_int_equal(sb_result(sb), RC_OK);
	assert_int_equal(sb->len, 9);
	sb_char(sb, '0');
	assert_int_equal(sb_result(sb), RC_OK);
	assert_string_equal(sb_text_of(sb), "1234567890");
	sb_char(sb, 'x');
	assert_int_equal(sb_result(sb), RC_TOO_LARGE);
	assert_string_equal(sb_text_of(sb), "");
	sb_clear(sb);
	sb_printf(sb, "%s-%d", "abc", 42);
	assert_string_equal(sb_text_of(sb), "abc-42");
	sb_printf(sb, "%s", "too long");
	assert_int_equal(sb_result(sb), RC_TOO_LARGE);
	sb_lit(sb, "x");
	assert_int_equal(sb->len, 6);
	sb_free(sb);
	assert_int_equal(sb_result(sb), RC_OK);
	sb_lit(sb, "again");
	assert_string_equal(sb_text_of(sb), "again");
	sb_free(sb);
}

static void a_buffer_takes_exactly_its_ceiling_and_not_one_byte_more(void **state)
{
	struct sb sb;

	sb_init(&sb, 10);
	check_buffer(&sb);
	sb_init_arena(&sb, *state, 10);
	check_buffer(&sb);
}

static void a_buffer_without_memory_says_so_at_the_end(void **state)
{
	struct sb sb;
	int i;

	(void)state;
	sb_init(&sb, 100000);
	mem_fail(3, true);
	for (i = 0; i < 5000; i++)
		sb_lit(&sb, "0123456789");
	assert_int_equal(sb_result(&sb), RC_NO_MEMORY);
	assert_string_equal(sb_text_of(&sb), "");
	mem_fail(0, false);
	sb_free(&sb);
	assert_int_equal(mem_live(), 0);
}

static void whole_numbers_are_written_to_the_last_digit(void **state)
{
	struct sb sb;

	sb_init_arena(&sb, *state, 1000);
	sb_int(&sb, 0);
	sb_char(&sb, ' ');
	sb_int(&sb, INT64_MIN);
	sb_char(&sb, ' ');
	sb_int(&sb, INT64_MAX);
	assert_string_equal(sb_text_of(&sb), "0 -9223372036854775808 9223372036854775807");
}

static void a_name_with_markup_stays_a_name_on_every_page(void **state)
{
	struct sb sb;

	sb_init_arena(&sb, *state, 1000);
	sb_html(&sb, "<b>\"Ñandú\" & 'Co'</b>", strlen("<b>\"Ñandú\" & 'Co'</b>"));
	assert_string_equal(sb_text_of(&sb), "&lt;b&gt;&quot;Ñandú&quot; &amp; &#39;Co&#39;&lt;/b&gt;");
	sb_clear(&sb);
	sb_url(&sb, "a b/ñ?&-._~", strlen("a b/ñ?&-._~"));
	assert_string_equal(sb_text_of(&sb), "a%20b%2F%C3%B1%3F%26-._~");
	sb_clear(&sb);
	sb_json(&sb, "\"\\\n\t\x01 ñ \xF0\x9F\x98\x80 \xC3 \xED\xA0\x80\x7F", 20);
	assert_string_equal(sb_text_of(&sb), "\"\\\"\\\\\\n\\t\\u0001 ñ \xF0\x9F\x98\x80 \xEF\xBF\xBD "
					     "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\x7F\"");
}

static void a_csv_cell_is_quoted_when_needed_and_never_a_formula(void **state)
{
	static const struct {
		const char *text, *guarded, *plain;
	} rows[] = {
		{ "", "", "" },
		{ "Ana", "Ana", "Ana" },
		{ "Ana;Luz", "\"Ana;Luz\"", "\"Ana;Luz\"" },
		{ "Ana,Luz", "Ana,Luz", "Ana,Luz" },
		{ "di \"sí\"", "\"di \"\"sí\"\"\"", "\"di \"\"sí\"\"\"" },
		{ "a\nb", "\"a\nb\"", "\"a\nb\"" },
		{ " a", "\" a\"", "\" a\"" },
		{ "=1+1", "'=1+1", "=1+1" },
		{ "+593990000000", "'+593990000000", "+593990000000" },
		{ "-5", "'-5", "-5" },
		{ "@x", "'@x", "@x" },
		{ "\tx", "'\tx", "\tx" },
		{ "\rx", "\"'\rx\"", "\"\rx\"" },
		{ "'=x", "''=x", "'=x" },
		{ "'x", "'x", "'x" },
		{ "\"", "\"\"\"\"", "\"\"\"\"" },
	};
	struct sb sb;
	size_t i;

	sb_init_arena(&sb, *state, 1000);
	for (i = 0; i < COUNT(rows); i++) {
		sb_clear(&sb);
		sb_csv(&sb, rows[i].text, strlen(rows[i].text), ';', true);
		assert_string_equal(sb_text_of(&sb), rows[i].guarded);
		sb_clear(&sb);
		sb_csv(&sb, rows[i].text, strlen(rows[i].text), ';', false);
		assert_string_equal(sb_text_of(&sb), rows[i].plain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_result_code_says_what_it_means_to_http_and_the_shell),
		cmocka_unit_test(the_nth_allocation_fails_once_or_from_then_on),
		arena_test(memory_of_a_request_is_zeroed_and_aligned),
		cmocka_unit_test(a_printed_text_is_whole_whatever_its_length),
		cmocka_unit_test(an_arena_never_holds_more_than_its_ceiling_and_remembers_that_it_failed),
		cmocka_unit_test(ten_thousand_small_texts_fit_under_their_own_size_and_little_more),
		arena_test(a_joined_address_is_its_parts_in_their_order),
		arena_test(a_growing_array_keeps_what_it_had_wherever_it_moves),
		cmocka_unit_test(when_the_machine_has_no_memory_texts_are_empty_and_nothing_leaks),
		arena_test(a_buffer_takes_exactly_its_ceiling_and_not_one_byte_more),
		cmocka_unit_test(a_buffer_without_memory_says_so_at_the_end),
		arena_test(whole_numbers_are_written_to_the_last_digit),
		arena_test(a_name_with_markup_stays_a_name_on_every_page),
		arena_test(a_csv_cell_is_quoted_when_needed_and_never_a_formula),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
