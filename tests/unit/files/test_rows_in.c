/* files/rows_in.c, xlsx_*.c, zip_in.c: what somebody uploads is read as it was typed, or refused with a
** reason. */
#include "book.h"
#include "base/mem.h"
#include "files/xlsx_in.h"

#define DAMAGED "!bad_input The workbook is damaged. Open it in Excel, save it again and retry."

static struct bytes text(const char *p)
{
	return (struct bytes){ p, strlen(p) };
}

static const char *sheet(struct state *s, const char *rows)
{
	return rows_of_file(s, book_with(s, rows, NULL, NULL));
}

static void delimited_text_is_read_with_or_without_excel(void **unused)
{
	struct state s;

	(void)unused;
	state_make(&s, 0);
	assert_string_equal(rows_of_file(&s, text("a;b\r\n\"x;y\"; z \r\n;;\r\n'=1;2\r\n")),
			    "1:a|b\n2:x;y|z\n3:=1|2\n");
	assert_string_equal(
		rows_of_file(&s, text("a,b\n1,\"2\n")),
		"1:a|b\n!bad_input Row 2: A quotation mark opened in this record is never closed.");
	assert_string_equal(rows_of_file(&s, text("")), "!bad_input The file is empty.");
	state_close(&s);
}

static void cells_read_as_people_would_type_them(void **unused)
{
	static const char styles[] =
		"<styleSheet><numFmts><numFmt numFmtId='164' formatCode='[$-C0A]d &quot;de&quot; mmmm'/>"
		"<numFmt numFmtId='165' formatCode='[h]:mm'/><numFmt numFmtId='166' formatCode='0.00\"d\"'/></numFmts>"
		"<cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>"
		"<cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='22'/><xf numFmtId='20'/>"
		"<xf numFmtId='164'/><xf numFmtId='165'/></cellXfs></styleSheet>";
	static const char strings[] =
		"<sst><si><t>uno</t></si><si><r><t>d</t></r><r><t xml:space='preserve'>os </t></r>"
		"<rPh><t>zwei</t></rPh></si><si><t>_x0041__x005F_x0041_</t></si></sst>";
	struct state s;

	(void)unused;
	state_make(&s, 0);
	assert_string_equal(
		rows_of_file(
			&s,
			book_with(
				&s,
				"<row r='1'><c r='A1' t='s'><v>0</v></c><c r='C1' t='s'><v>1</v></c>"
				"<c r='D1' t='s'><v>2</v></c></row>"
				"<row r='3'><c r='A3' s='1'><v>46348</v></c><c r='B3' s='2'><v>46348.375</v></c>"
				"<c r='C3' s='3'><v>0.375</v></c><c r='D3' s='4'><v>46348</v></c>"
				"<c r='E3' s='5'><v>1.5</v></c><c r='F3' s='2'><v>46348</v></c></row>"
				"<row r='4'><c r='A4' t='b'><v>1</v></c><c r='B4' t='e'><v>#DIV/0!</v></c>"
				"<c r='C4' t='str'><f>A1</f><v> x </v></c><c r='D4'><f>1+1</f><v>2</v></c>"
				"<c r='E4' t='inlineStr'><is><t>in</t><rPh><t>no</t></rPh></is></c>"
				"<c r='F4' t='d'><v>2026-11-22T09:00:00Z</v></c></row>",
				styles, strings)),
		"1:uno||dos|A_x0041_\n"
		"3:2026-11-22|2026-11-22 09:00:00|09:00:00|2026-11-22|1.5|2026-11-22 00:00:00\n"
		"4:1|#DIV/0!|x|2|in|2026-11-22 09:00:00\n");
	state_close(&s);
}

static void a_number_comes_in_its_shortest_form(void **unused)
{
	static const struct {
		const char *raw, *shown;
	} cases[] = { { "12.99", "12.99" },
		      { "12.990000000000000", "12.99" },
		      { "1E-3", "0.001" },
		      { "5.9399000000000004E11", "593990000000" },
		      { "593990000001", "593990000001" },
		      { "-0", "0" },
		      { "-1.5e3", "-1500" },
		      { "1e20", "100000000000000000000" },
		      { "1e22", "1e+22" },
		      { "0.30000000000000004", "0.30000000000000004" },
		      { "007", "7" },
		      { "1e999", "1e999" },
		      { "nan", "nan" },
		      { "0x10", "0x10" },
		      { "1 2", "1 2" } };
	char out[XLSX_VALUE_SIZE], longest[300];

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xlsx_number_text(out, cases[i].raw, XLSX_NUMBER, false);
		assert_string_equal(out, cases[i].shown);
	}
	memset(longest, '9', sizeof(longest));
	longest[299] = '\0';
	xlsx_number_text(out, longest, XLSX_NUMBER, false);
	assert_int_equal(strlen(out), strlen("1e+299"));
	longest[0] = 'x';
	xlsx_number_text(out, longest, XLSX_NUMBER, false);
	assert_int_equal(strlen(out), XLSX_VALUE_SIZE - 1);
}

static void dates_follow_the_two_calendars_of_excel(void **unused)
{
	static const struct {
		const char *raw, *shown;
		bool is_1904;
	} cases[] = { { "1", "1900-01-01", false },
		      { "59", "1900-02-28", false },
		      { "60", "60", false },
		      { "61", "1900-03-01", false },
		      { "46348.999999999", "2026-11-23", false },
		      { "2958465", "9999-12-31", false },
		      { "2958466", "2958466", false },
		      { "-1", "-1", false },
		      { "0", "0", false },
		      { "0", "1904-01-01", true },
		      { "44886", "2026-11-22", true },
		      { "2957003", "9999-12-31", true },
		      { "2957004", "2957004", true } };
	char out[XLSX_VALUE_SIZE];

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xlsx_number_text(out, cases[i].raw, XLSX_DATE, cases[i].is_1904);
		assert_string_equal(out, cases[i].shown);
	}
}

static void a_format_says_whether_a_number_is_a_date(void **unused)
{
	static const struct {
		const char *code;
		enum xlsx_kind kind;
	} cases[] = { { "General", XLSX_NUMBER },
		      { "0.00", XLSX_NUMBER },
		      { "#,##0.00 \"USD\"", XLSX_NUMBER },
		      { "[Red]0", XLSX_NUMBER },
		      { "0.00E+00", XLSX_NUMBER },
		      { "\\d0", XLSX_NUMBER },
		      { "_-* #,##0_-", XLSX_NUMBER },
		      { "\"día\" 0", XLSX_NUMBER },
		      { "0;dd", XLSX_NUMBER },
		      { "dd/mm/yyyy", XLSX_DATE },
		      { "mmm\\-yy", XLSX_DATE },
		      { "[$-409]d-mmm", XLSX_DATE },
		      { "dd/mm/yyyy\\ hh:mm", XLSX_DATE_TIME },
		      { "h:mm AM/PM", XLSX_TIME },
		      { "[h]:mm:ss", XLSX_NUMBER },
		      { "\"open", XLSX_NUMBER },
		      { "[open", XLSX_NUMBER },
		      { "", XLSX_NUMBER } };

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(xlsx_kind_of_format(cases[i].code), cases[i].kind);
	assert_int_equal(xlsx_kind_of_id(14), XLSX_DATE);
	assert_int_equal(xlsx_kind_of_id(22), XLSX_DATE_TIME);
	assert_int_equal(xlsx_kind_of_id(45), XLSX_TIME);
	assert_int_equal(xlsx_kind_of_id(49), XLSX_NUMBER);
}

static void the_first_sheet_that_can_be_seen_is_read(void **unused)
{
	struct state s;
	struct part_of_book parts[] = {
		{ "_rels/.rels",
		  "<Relationships><Relationship Id='a' Type='t/officeDocument' Target='/book/b.xml'/></Relationships>",
		  false },
		{ "book/b.xml",
		  "<x:workbook xmlns:x='m'><x:workbookPr date1904='1'/><x:sheets><x:sheet name='1' state='hidden' r:id='r1'/>"
		  "<x:sheet name='2' state='veryHidden' r:id='r2'/><x:sheet name='chart' r:id='r3'/>"
		  "<x:sheet name='4' r:id='r4'/><x:sheet name='5' r:id='r5'/></x:sheets></x:workbook>",
		  false },
		{ "book/_rels/b.xml.rels",
		  "<Relationships><Relationship Id='r5' Type='t/worksheet' Target='5.xml'/>"
		  "<Relationship Id='r1' Type='t/worksheet' Target='1.xml'/>"
		  "<Relationship Id='r3' Type='t/chartsheet' Target='3.xml'/>"
		  "<Relationship Id='r4' Type='t/worksheet' Target='../other/./4.XML'/></Relationships>",
		  false },
		{ "book/1.xml", "<worksheet><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>",
		  false },
		{ "other/4.xml",
		  "<x:worksheet xmlns:x='m'><x:sheetData><x:row><x:c><x:v>4</x:v></x:c><x:c><x:v>5</x:v></x:c></x:row>"
		  "<x:row><x:c/><x:c><x:v>6</x:v></x:c></x:row></x:sheetData></x:worksheet>",
		  true },
		{ NULL, NULL, false },
	};

	(void)unused;
	state_make(&s, 0);
	assert_string_equal(rows_of_file(&s, book_of(&s, parts)), "1:4|5\n2:|6\n");
	parts[1].xml = "<workbook><sheets><sheet name='1' state='hidden' r:id='r1'/></sheets></workbook>";
	assert_string_equal(rows_of_file(&s, book_of(&s, parts)),
			    "!bad_input The workbook has no sheet that can be seen.");
	state_close(&s);
}

static void what_is_no_workbook_is_told_apart(void **unused)
{
	static const struct part_of_book word[] = { { "word/document.xml", "<w/>", false },
						    { NULL, NULL, false } },
					 ods[] = { { "content.xml", "<o/>", false }, { NULL, NULL, false } },
					 xlsb[] = { { "xl/workbook.bin", "b", false },
						    { NULL, NULL, false } },
					 none[] = { { NULL, NULL, false } };
	static const char compound[] = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and so on";
	struct state s;

	(void)unused;
	state_make(&s, 0);
	assert_string_equal(
		rows_of_file(&s, book_of(&s, word)),
		"!bad_input This is not an Excel workbook. Save the rows as .xlsx or CSV and try again.");
	assert_string_equal(
		rows_of_file(&s, book_of(&s, ods)),
		"!bad_input This is an OpenDocument file. Save it as .xlsx or CSV and try again.");
	assert_string_equal(
		rows_of_file(&s, book_of(&s, xlsb)),
		"!bad_input This is a binary Excel workbook (.xlsb). Save it as .xlsx or CSV and try again.");
	assert_non_null(strstr(rows_of_file(&s, book_of(&s, none)), "This is not an Excel workbook."));
	assert_non_null(
		strstr(rows_of_file(&s, text(compound)), "protected by a password, or it is an old .xls"));
	assert_string_equal(rows_of_file(&s, text("PK\x03\x04 and then nothing of an archive")), DAMAGED);
	state_close(&s);
}

static void a_damaged_workbook_is_refused_wherever_the_damage_is(void **unused)
{
	struct state s;
	struct bytes whole;
	size_t refused = 0;
	char *bad;

	(void)unused;
	state_make(&s, 0);
	whole = book_with(&s, "<row r='1'><c r='A1'><v>12345</v></c></row>", NULL, NULL);
	for (size_t len = 4; len < whole.len; len++)
		assert_string_equal(rows_of_file(&s, (struct bytes){ whole.p, len }), DAMAGED);
	bad = arena_bytes(s.arena, whole.p, whole.len);
	memcpy(bad, whole.p, whole.len);
	for (size_t i = 4; i < whole.len; i++) { /* every single byte: the row as it is, or a sentence */
		const char *read;

		bad[i] ^= 0x20;
		read = rows_of_file(&s, (struct bytes){ bad, whole.len });
		if (strcmp(read, "1:12345\n") != 0) {
			assert_non_null(strchr(read, '!'));
			refused++;
		}
		bad[i] ^= 0x20;
	}
	assert_true(refused > whole.len / 4);
	state_close(&s);
}

static void a_workbook_that_plays_tricks_is_refused(void **unused)
{
	struct state s;

	(void)unused;
	state_make(&s, 0);
	assert_non_null(strstr(
		rows_of_file(&s, book_of(&s,
					 (struct part_of_book[]){
						 { "xl/workbook.xml",
						   "<!DOCTYPE a [<!ENTITY x 'y'>]><workbook/>", false },
						 { NULL, NULL, false } })),
		"!bad_input The workbook holds declarations (DOCTYPE)"));
	assert_string_equal(sheet(&s, "<row r='1'><c r='A1'><v>&x;</v></c></row>"), DAMAGED);
	assert_string_equal(sheet(&s, "<row r='2'/><row r='1'/>"), DAMAGED);
	assert_string_equal(sheet(&s, "<row r='0'/>"), DAMAGED);
	assert_string_equal(sheet(&s, "<row r='1048577'/>"), DAMAGED);
	assert_string_equal(sheet(&s, "<row r='1'><c r='B1'/><c r='A1'/></row>"), DAMAGED);
	assert_string_equal(sheet(&s, "<row r='1'><c r='ABCD1'/></row>"), DAMAGED);
	assert_string_equal(sheet(&s, "<row r='1'><c r='A1' t='s'><v>0</v></c></row>"), DAMAGED);
	assert_string_equal(sheet(&s, "<row r='1'><c r='A1'></row>"), DAMAGED);
	assert_string_equal(sheet(&s, "<row r='1'><c r='A1' t='inlineStr'><is><t>\xff</t></is></c></row>"),
			    DAMAGED);
	state_close(&s);
}

static void a_formula_without_its_value_is_named_not_lost(void **unused)
{
	struct state s;

	(void)unused;
	state_make(&s, 0);
	assert_string_equal(
		sheet(&s,
		      "<row r='1'><c r='A1'><v>1</v></c></row><row r='7'><c r='A7'><f>1+1</f><v></v></c></row>"),
		"1:1\n!bad_input Row 7: a formula has no saved value. Open the file in Excel, save it and try again.");
	assert_string_equal(
		sheet(&s, "<row r='1'><c r='A1'><v>1</v></c><c r='B1' t='str'><f>A9</f><v></v></c></row>"),
		"1:1\n");
	state_close(&s);
}

static char *many(struct state *s, const char *piece, size_t times)
{
	struct sb sb;

	sb_init_arena(&sb, s->arena, 12 << 20);
	while (times-- > 0)
		sb_text(&sb, piece);
	assert_int_equal(sb_result(&sb), RC_OK);
	return sb.p;
}

static const char *deep(struct state *s, size_t levels)
{
	return arena_printf(s->arena, "%s%s", many(s, "<a>", levels), many(s, "</a>", levels));
}

static void a_cell_may_be_as_long_as_excel_allows_and_no_longer(void **unused)
{
	struct state s;
	const char *read;

	(void)unused;
	state_make(&s, 0);
	read = sheet(&s, arena_printf(s.arena, "<row><c t='inlineStr'><is><t>%s</t></is></c></row>",
				      many(&s, "a", XLSX_CELL_MAX)));
	assert_int_equal(strlen(read), XLSX_CELL_MAX + 3);
	read = sheet(&s, arena_printf(s.arena, "<row><c t='inlineStr'><is><t>%s</t></is></c></row>",
				      many(&s, "a", XLSX_CELL_MAX + 1)));
	assert_string_equal(read, "!too_large Row 1: a cell is longer than Excel's 32,767 characters.");
	read = rows_of_file(&s, book_with(&s, "<row r='9'><c t='s'><v>0</v></c></row>", NULL,
					  arena_printf(s.arena, "<sst><si><t>%s</t></si></sst>",
						       many(&s, "a", XLSX_CELL_MAX + 1))));
	assert_string_equal(read, "!too_large Row 9: a cell is longer than Excel's 32,767 characters.");
	state_close(&s);
}

static void a_row_may_have_so_many_columns_and_no_more(void **unused)
{
	struct state s;
	const char *read;

	(void)unused;
	state_make(&s, 0);
	assert_int_equal(ROWS_IN_CELLS_MAX, 256); /* column IV is the last */
	read = sheet(&s, "<row r='2'><c r='IV2'><v>1</v></c><c r='IW2' s='1'/><c r='XFD2'/></row>");
	assert_int_equal(strlen(read), 2 + 255 + 2);
	assert_string_equal(sheet(&s, "<row r='2'><c r='IW2'><v>1</v></c></row>"),
			    "!too_large Row 2 has more than 256 columns.");
	state_close(&s);
}

static void a_sheet_of_formatted_rows_is_as_good_as_empty(void **unused)
{
	struct state s;
	struct sb sb;

	(void)unused;
	state_make(&s, 0);
	sb_init_arena(&sb, s.arena, 8 << 20);
	for (int i = 2; i <= 20000; i++)
		sb_printf(&sb, "<row r='%d' ht='15'><c r='A%d' s='3'/></row>", i, i);
	assert_string_equal(
		sheet(&s, arena_printf(s.arena,
				       "<row r='1'><c r='A1'><v>1</v></c></row>%s"
				       "<row r='20001'><c r='B20001' t='str'><v>end</v></c></row>",
				       sb_text_of(&sb))),
		"1:1\n20001:|end\n");
	state_close(&s);
}

static void a_bomb_is_refused_before_it_goes_off(void **unused)
{
	struct state s;
	struct bytes file;
	char *p;

	(void)unused;
	state_make(&s, 0);
	/* The directory promises far more than its bytes can give. */
	file = book_with(&s, "<row r='1'><c r='A1'><v>1</v></c></row>", NULL, NULL);
	p = (char *)(uintptr_t)file.p;
	for (size_t i = 0; i + 46 < file.len; i++)
		if (memcmp(p + i, "PK\x01\x02", 4) == 0 && memcmp(p + i + 46, "xl/worksheets", 13) == 0)
			memcpy(p + i + 24, "\x00\x00\x00\x02", 4); /* 32 MiB */
	assert_non_null(
		strstr(rows_of_file(&s, file), "!too_large The workbook unpacks to far more than its size."));
	/* One tag that never ends would have to be kept whole. */
	assert_string_equal(sheet(&s, arena_printf(s.arena, "<row r='1'><!-- %s --></row>",
						   many(&s, "0123456789abcdef", 2 * XLSX_TOKEN_MAX / 16))),
			    DAMAGED);
	assert_string_equal(sheet(&s, deep(&s, XLSX_DEPTH_MAX - 2)), ""); /* inside worksheet and sheetData */
	assert_string_equal(sheet(&s, deep(&s, XLSX_DEPTH_MAX - 1)), DAMAGED);
	/* A directory of ten thousand parts is looked through, not one more. */
	for (unsigned n = ZIP_IN_PARTS_MAX; n <= ZIP_IN_PARTS_MAX + 1; n++) {
		file = book_with(&s, "<row r='1'><c r='A1'><v>1</v></c></row>", NULL, NULL);
		p = (char *)(uintptr_t)file.p;
		p[file.len - 12] = (char)(n & 0xFF);
		p[file.len - 11] = (char)(n >> 8);
		assert_string_equal(rows_of_file(&s, file), n == ZIP_IN_PARTS_MAX ? "1:1\n" : DAMAGED);
	}
	state_close(&s);
}

static void memory_that_runs_out_anywhere_leaves_nothing_behind(void **unused)
{
	struct state s;
	struct bytes file;
	bool is_done = false;
	long live;

	(void)unused;
	state_make(&s, 0);
	file = book_with(&s, "<row r='1'><c r='A1' t='s'><v>0</v></c><c r='B1' t='str'><v>b</v></c></row>",
			 "<styleSheet><cellXfs><xf numFmtId='0'/></cellXfs></styleSheet>",
			 "<sst><si><t>a</t></si></sst>");
	for (long n = 1; !is_done; n++) {
		struct arena *a = arena_new(STATE_ARENA_MAX);
		struct rows_in *in = NULL;
		struct cells row;
		enum rc rc;

		assert_true(n < 1000);
		live = mem_live();
		mem_fail(n, false);
		rc = rows_in_open(&s.cx, &in, file);
		if (rc == RC_OK) rc = rows_in_next(&s.cx, in, a, &row);
		is_done = !mem_fail_fired();
		mem_fail(0, false);
		rows_in_close(in);
		arena_reset(a);
		assert_true(mem_live() <= live + 1); /* the arena's one block */
		assert_int_equal(rc, is_done ? RC_OK : RC_NO_MEMORY);
		arena_free(a);
	}
	state_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delimited_text_is_read_with_or_without_excel),
		cmocka_unit_test(cells_read_as_people_would_type_them),
		cmocka_unit_test(a_number_comes_in_its_shortest_form),
		cmocka_unit_test(dates_follow_the_two_calendars_of_excel),
		cmocka_unit_test(a_format_says_whether_a_number_is_a_date),
		cmocka_unit_test(the_first_sheet_that_can_be_seen_is_read),
		cmocka_unit_test(what_is_no_workbook_is_told_apart),
		cmocka_unit_test(a_damaged_workbook_is_refused_wherever_the_damage_is),
		cmocka_unit_test(a_workbook_that_plays_tricks_is_refused),
		cmocka_unit_test(a_formula_without_its_value_is_named_not_lost),
		cmocka_unit_test(a_cell_may_be_as_long_as_excel_allows_and_no_longer),
		cmocka_unit_test(a_row_may_have_so_many_columns_and_no_more),
		cmocka_unit_test(a_sheet_of_formatted_rows_is_as_good_as_empty),
		cmocka_unit_test(a_bomb_is_refused_before_it_goes_off),
		cmocka_unit_test(memory_that_runs_out_anywhere_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
