/*
** test_csv.c -- customer lists as people and spreadsheets make them.
*/
#include "base_test.h"
#include "base/csv.h"
#include "base/sb.h"
#include "base/text.h"

/* What the reader makes of the bytes: cells in <>, records on lines, a refusal as "!". */
static const char *read_all(struct arena *a, const char *p, size_t len)
{
	struct csv csv;
	struct sb sb;
	size_t i;
	enum rc rc = csv_open(&csv, p, len);

	sb_init_arena(&sb, a, 1 << 20);
	while (rc == RC_OK && (rc = csv_next(&csv, a)) == RC_OK) {
		sb_printf(&sb, "%zu:", csv.line);
		for (i = 0; i < csv.count; i++)
			sb_printf(&sb, "<%s>", csv.cell[i]);
		sb_lit(&sb, "\n");
	}
	if (rc == RC_BAD_INPUT) {
		assert_non_null(csv.why);
		sb_printf(&sb, "!%zu", csv.line);
		assert_int_equal(csv_next(&csv, a), RC_BAD_INPUT);
	} else {
		assert_int_equal(rc, RC_NOT_FOUND);
		assert_int_equal(csv_next(&csv, a), RC_NOT_FOUND);
	}
	return sb_text_of(&sb);
}

static void lists_are_read_however_they_were_saved(void **state)
{
	static const struct {
		const char *file, *read;
	} rows[] = {
		{ "a,b\n1,2\n", "1:<a><b>\n2:<1><2>\n" },
		{ "a;b\r\n1;2\r\n", "1:<a><b>\n2:<1><2>\n" },
		{ "a\tb\r1\t2", "1:<a><b>\n2:<1><2>\n" },
		{ "a|b\n1|2", "1:<a><b>\n2:<1><2>\n" },
		{ "only\none", "1:<only>\n2:<one>\n" },
		{ "\xEF\xBB\xBFnombres;teléfono\nJosé;099", "1:<nombres><teléfono>\n2:<José><099>\n" },
		{ "\"a;b\",c\n", "1:<a;b><c>\n" },
		{ "\"a\nb\",c\nd,e", "1:<a\nb><c>\n3:<d><e>\n" },
		{ "\"a\r\nb\r\n\",c\r\nd,e", "1:<a\r\nb\r\n><c>\n4:<d><e>\n" },
		{ "\"di \"\"hola\"\"\",\"\"\"\"\n", "1:<di \"hola\"><\">\n" },
		{ "a,b,\n,,\n1,,3\n", "1:<a><b><>\n3:<1><><3>\n" },
		{ "\n\n a,b\n\n \n;\n1,2", "3:< a><b>\n6:<;>\n7:<1><2>\n" },
		{ "a, \"b, c\" ,d\n", "1:<a><b, c><d>\n" },
		{ "\"a\"b,c\"d\"\n", "1:<ab><c\"d\">\n" },
		{ "\"a\" x ,c\n", "1:<a x ><c>\n" },
		{ "'=1+1,'x,''=2,'+593,'\n", "1:<=1+1><'x><'=2><+593><'>\n" },
		{ "sep=|\na,1|b,2\n", "2:<a,1><b,2>\n" },
		{ "SEP=;\r\na,1;b\r\n", "2:<a,1><b>\n" },
		{ "sep=x\n", "1:<sep=x>\n" },
		{ "a,b;c;d\n1;2;3", "1:<a,b><c><d>\n2:<1><2><3>\n" },
		{ "\"a,b,c,d\";e;f", "1:<a,b,c,d><e><f>\n" },
		{ "a,b\n\"c", "1:<a><b>\n!2" },
		{ "a,b\n\n\"c\n\nd,e\n", "1:<a><b>\n!3" },
		{ "", "!0" },
		{ " \r\n\n", "!0" },
		{ "\xEF\xBB\xBF", "!0" },
		{ "PK\x03\x04rest", "!0" },
		{ "\xFF\xFE"
		  "a",
		  "!0" },
		{ "Mu\xF1oz;Jos\xE9\n\x80;\"\x93\"\"\x94\"",
		  "1:<Muñoz><José>\n2:<\xE2\x82\xAC><\xE2\x80\x9C\"\xE2\x80\x9D>\n" },
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		assert_string_equal(read_all(*state, rows[i].file, strlen(rows[i].file)), rows[i].read);
}

static void damage_is_found_with_its_line(void **state)
{
	assert_string_equal(read_all(*state, "a,b\nc\0d,e\n", 10), "1:<a><b>\n!2");
	assert_string_equal(read_all(*state, "a,b\n\"c\0d\",e\n", 12), "1:<a><b>\n!2");
	assert_string_equal(read_all(*state, "\xC3\xB1,b\nc\0d,e\n", 11), "1:<ñ><b>\n!2");
	assert_string_equal(read_all(*state, "a\0,\0b\0", 6), "!0");
	assert_string_equal(read_all(*state, "\0a\0,\0b", 6), "!0");
}

static void two_hundred_columns_are_read_one_more_is_refused(void **state)
{
	char line[CSV_COLUMNS_MAX + 2];
	struct csv csv;

	memset(line, ',', sizeof line);
	line[0] = 'x';
	assert_int_equal(csv_open(&csv, line, CSV_COLUMNS_MAX), RC_OK);
	assert_int_equal(csv_next(&csv, *state), RC_OK);
	assert_int_equal(csv.count, CSV_COLUMNS_MAX);
	assert_int_equal(csv_open(&csv, line, CSV_COLUMNS_MAX + 1), RC_OK);
	assert_int_equal(csv_next(&csv, *state), RC_BAD_INPUT);
}

static void the_longest_cell_is_read_one_byte_more_is_refused(void **state)
{
	static char file[2 * CSV_FIELD_MAX + 10];
	struct csv csv;

	memset(file, 'x', sizeof file);
	assert_int_equal(csv_open(&csv, file, CSV_FIELD_MAX), RC_OK);
	assert_int_equal(csv_next(&csv, *state), RC_OK);
	assert_int_equal(strlen(csv.cell[0]), CSV_FIELD_MAX);
	assert_int_equal(csv_open(&csv, file, CSV_FIELD_MAX + 1), RC_OK);
	assert_int_equal(csv_next(&csv, *state), RC_BAD_INPUT);
	memset(file, '"', sizeof file); /* doubled quotes count once */
	assert_int_equal(csv_open(&csv, file, 2 * CSV_FIELD_MAX + 2), RC_OK);
	assert_int_equal(csv_next(&csv, *state), RC_OK);
	assert_int_equal(strlen(csv.cell[0]), CSV_FIELD_MAX);
	assert_int_equal(csv_open(&csv, file, 2 * CSV_FIELD_MAX + 4), RC_OK);
	assert_int_equal(csv_next(&csv, *state), RC_BAD_INPUT);
}

static void what_we_export_comes_back_as_it_was(void **state)
{
	static const char *const cells[] = { "",    "Ana", "=1+1",  "'=x",         "''-",
					     "'",   "a,b", "\"q\"", "line\r\ntwo", "+593990000000",
					     " x ", "\tx", "-",     "\"",          "\n",
					     "ñ;" };
	struct csv csv;
	struct sb sb;
	size_t i, at;

	for (at = 0; at < COUNT(cells); at++) {
		sb_init_arena(&sb, *state, 10000);
		sb_lit(&sb, "first");
		for (i = 0; i < COUNT(cells); i++) {
			sb_lit(&sb, ",");
			sb_csv(&sb, cells[(i + at) % COUNT(cells)], strlen(cells[(i + at) % COUNT(cells)]),
			       ',', true);
		}
		sb_lit(&sb, "\r\n");
		assert_int_equal(csv_open(&csv, sb.p, sb.len), RC_OK);
		assert_int_equal(csv.delimiter, ',');
		assert_int_equal(csv_next(&csv, *state), RC_OK);
		assert_int_equal(csv.count, COUNT(cells) + 1);
		for (i = 0; i < COUNT(cells); i++)
			assert_string_equal(csv.cell[i + 1], cells[(i + at) % COUNT(cells)]);
		assert_int_equal(csv_next(&csv, *state), RC_NOT_FOUND);
	}
}

static void a_megabyte_of_empty_lines_costs_nothing(void **state)
{
	struct arena *a = arena_new(10000);
	struct sb sb;
	struct csv csv;
	int i;

	sb_init_arena(&sb, *state, 4 << 20);
	for (i = 0; i < 300000; i++)
		sb_lit(&sb, ";;\n");
	sb_lit(&sb, "x;;");
	assert_int_equal(csv_open(&csv, sb.p, sb.len), RC_OK);
	assert_int_equal(csv_next(&csv, a), RC_OK);
	assert_int_equal(csv.line, 300001);
	assert_int_equal(csv.record, 1);
	arena_free(a);
}

static void a_full_arena_is_said_and_not_an_empty_cell(void **state)
{
	struct arena *a = arena_new(2000);
	static char file[4000];
	struct csv csv;

	(void)state;
	memset(file, 'x', sizeof file);
	assert_int_equal(csv_open(&csv, file, sizeof file), RC_OK);
	assert_int_equal(csv_next(&csv, a), RC_NO_MEMORY);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		arena_test(lists_are_read_however_they_were_saved),
		arena_test(damage_is_found_with_its_line),
		arena_test(two_hundred_columns_are_read_one_more_is_refused),
		arena_test(the_longest_cell_is_read_one_byte_more_is_refused),
		arena_test(what_we_export_comes_back_as_it_was),
		arena_test(a_megabyte_of_empty_lines_costs_nothing),
		cmocka_unit_test(a_full_arena_is_said_and_not_an_empty_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
