/* files/sheet*.c: what leaves as a table reads back as it was, in Excel's hands and in ours. */
#include "book.h"
#include "base/mem.h"
#include "files/sheet.h"
#include "files/zip_in.h"
#include <signal.h>
#include <sys/resource.h>

static const struct sheet_column all[] = { { "Name", SHEET_TEXT },   { "Note", SHEET_LONG_TEXT },
					   { "Count", SHEET_INT },   { "Price", SHEET_MONEY },
					   { "Day", SHEET_DATE },    { "When", SHEET_INSTANT },
					   { "Member", SHEET_TRUTH } };

static void open_state(struct state *s)
{
	char path[300];

	state_make(s, INT64_C(1795366800000));
	snprintf(path, sizeof(path), "%s/spool", s->dir);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* The bytes of fd, which it closes; in cx's arena. */
static struct bytes taken(struct state *s, int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *p = arena_alloc(s->arena, (size_t)len + 1);

	assert_non_null(p);
	assert_int_equal(pread(fd, p, (size_t)len, 0), len);
	close(fd);
	return (struct bytes){ p, (size_t)len };
}

static enum rc one_row(struct state *s, enum sheet_kind kind, int *fd)
{
	struct sheet *sh = NULL;
	enum rc rc = sheet_open(&s->cx, &sh, kind, "People", all, 7);

	if (rc != RC_OK) return rc;
	sheet_text(sh, "=1+1");
	sheet_text(sh, "a \"b\"; c");
	sheet_int(sh, -3);
	sheet_money(sh, 1299, "USD");
	sheet_date(sh, "2026-11-22");
	sheet_instant(sh, INT64_C(1795366800000));
	sheet_truth(sh, true);
	rc = sheet_row(sh);
	return sheet_close(sh, rc, fd);
}

static void a_table_reads_back_the_same_from_text_and_from_excel(void **unused)
{
	static const char rows[] = "1:Name|Note|Count|Price|Day|When|Member\n"
				   "2:=1+1|a \"b\"; c|-3|12.99|2026-11-22|2026-11-22 12:00:00|Yes\n";
	struct state s;
	int fd = -1;

	(void)unused;
	open_state(&s);
	assert_int_equal(one_row(&s, SHEET_CSV, &fd), RC_OK);
	assert_string_equal(rows_of_file(&s, taken(&s, fd)), rows);
	assert_int_equal(one_row(&s, SHEET_CSV_LOCAL, &fd), RC_OK);
	assert_string_equal(rows_of_file(&s, taken(&s, fd)), rows);
	assert_int_equal(one_row(&s, SHEET_XLSX, &fd), RC_OK);
	assert_string_equal(rows_of_file(&s, taken(&s, fd)), rows);
	state_close(&s);
}

static const char *cells_through(struct state *s, enum sheet_kind kind, void (*put)(struct sheet *s),
				 size_t n)
{
	static const struct sheet_column columns[] = { { "a", SHEET_TEXT }, { "b", SHEET_TEXT },
						       { "c", SHEET_TEXT }, { "d", SHEET_TEXT },
						       { "e", SHEET_TEXT }, { "f", SHEET_TEXT } };
	struct sheet *sh = NULL;
	int fd = -1;
	enum rc rc = sheet_open(&s->cx, &sh, kind, "t", columns, n);

	assert_int_equal(rc, RC_OK);
	put(sh);
	rc = sheet_row(sh);
	rc = sheet_close(sh, rc, &fd);
	if (rc != RC_OK) return arena_printf(s->arena, "!%s %s", rc_row(rc)->name, cx_sentence(&s->cx, rc));
	return strchr(rows_of_file(s, taken(s, fd)), '\n') + 1;
}

static void put_hostile(struct sheet *s)
{
	sheet_text(s, "\xE2\x80\x8F\xD7\xA9 <b>&amp;");
	sheet_text(s, "a\x01"
		      "b\x1f"
		      "c\x7f");
	sheet_text(s, "_x0041_ and _x005F_");
	sheet_text(s, "x\r\ny\tz");
	sheet_text(s, "\xF0\x9F\x98\x80");
	sheet_text(s, "\xEF\xBF\xBF|\xFF|");
}

static void hostile_texts_survive_as_texts(void **unused)
{
	struct state s;

	(void)unused;
	open_state(&s);
	assert_string_equal(cells_through(&s, SHEET_XLSX, put_hostile, 6),
			    "2:\xE2\x80\x8F\xD7\xA9 <b>&amp;|a\x01"
			    "b\x1f"
			    "c\x7f|_x0041_ and _x005F_|x\r\ny\tz|"
			    "\xF0\x9F\x98\x80|\xEF\xBF\xBD|\xEF\xBF\xBD|\n");
	state_close(&s);
}

static void put_numbers(struct sheet *s)
{
	sheet_int(s, INT64_C(9007199254740993)); /* 2^53 + 1: no double has it */
	sheet_money(s, -5, "USD");
	sheet_money(s, 5000, "CLP");
	sheet_money(s, 12345, "KWD");
	sheet_scaled(s, 1250, 2);
	sheet_int(s, INT64_MIN);
}

static void numbers_keep_every_figure(void **unused)
{
	struct state s;

	(void)unused;
	open_state(&s);
	assert_string_equal(cells_through(&s, SHEET_CSV, put_numbers, 6),
			    "2:9007199254740993|-0.05|5000|12.345|12.50|-9223372036854775808\n");
	assert_string_equal(cells_through(&s, SHEET_XLSX, put_numbers, 6),
			    "2:9007199254740993|-0.05|5000|12.345|12.5|-9223372036854775808\n");
	state_close(&s);
}

static void put_dates(struct sheet *s)
{
	sheet_date(s, "1900-02-28"); /* before Excel's calendar is right */
	sheet_date(s, "1900-03-01");
	sheet_date(s, "2199-12-31");
	sheet_date(s, "soon");
	sheet_instant(s, -INT64_C(2500000000000));
	sheet_instant(s, INT64_C(1795366859999));
}

static void dates_are_dates_or_stay_as_written(void **unused)
{
	static const char rows[] = "2:1900-02-28|1900-03-01|2199-12-31|soon|%s|2026-11-22 12:00:59\n";
	struct state s;
	const char *csv, *xlsx;

	(void)unused;
	open_state(&s);
	csv = cells_through(&s, SHEET_CSV, put_dates, 6);
	xlsx = cells_through(&s, SHEET_XLSX, put_dates, 6);
	assert_string_equal(csv, xlsx);
	assert_memory_equal(csv, rows, strcspn(rows, "%"));
	assert_non_null(strstr(csv, "|1890-10-1"));
	state_close(&s);
}

static size_t text_len;

static void put_long(struct sheet *s)
{
	static char text[3 * SHEET_TEXT_MAX + 10];

	memset(text, 'a', text_len);
	text[text_len] = '\0';
	sheet_text(s, text);
}

static void put_emoji(struct sheet *s)
{
	static char text[4 * SHEET_TEXT_MAX];

	for (size_t i = 0; i < text_len; i++)
		memcpy(text + 4 * i, "\xF0\x9F\x98\x80", 5);
	sheet_text(s, text);
}

static void a_text_longer_than_an_excel_cell_is_refused_not_cut(void **unused)
{
	struct state s;

	(void)unused;
	open_state(&s);
	s.cx.lang = LANG_EN;
	text_len = SHEET_TEXT_MAX;
	assert_int_equal(strlen(cells_through(&s, SHEET_XLSX, put_long, 1)), 2 + SHEET_TEXT_MAX + 1);
	text_len++;
	assert_string_equal(
		cells_through(&s, SHEET_XLSX, put_long, 1),
		"!too_large Row 2, column “a”: the text is longer than the 32767 characters an Excel cell "
		"holds. Download the list as CSV.");
	assert_int_equal(strlen(cells_through(&s, SHEET_CSV, put_long, 1)), 2 + SHEET_TEXT_MAX + 1 + 1);
	cx_reset(&s.cx);
	text_len = SHEET_TEXT_MAX / 2; /* an emoji counts twice in Excel */
	assert_int_equal(strlen(cells_through(&s, SHEET_XLSX, put_emoji, 1)), 2 + 4 * text_len + 1);
	text_len++;
	assert_memory_equal(cells_through(&s, SHEET_XLSX, put_emoji, 1), "!too_large", 10);
	state_close(&s);
}

static void a_row_with_too_few_or_too_many_cells_is_our_bug(void **unused)
{
	struct sheet_column wide[SHEET_COLUMNS_MAX + 1];
	struct state s;
	struct sheet *sh = NULL;
	int fd = -1;
	enum rc rc;

	(void)unused;
	for (size_t i = 0; i <= SHEET_COLUMNS_MAX; i++)
		wide[i] = all[0];
	open_state(&s);
	assert_int_equal(sheet_open(&s.cx, &sh, SHEET_CSV, "t", all, 2), RC_OK);
	sheet_text(sh, "a");
	assert_int_equal(sheet_row(sh), RC_BUG);
	assert_int_equal(sheet_close(sh, RC_OK, &fd), RC_BUG);
	assert_int_equal(sheet_open(&s.cx, &sh, SHEET_XLSX, "t", all, 1), RC_OK);
	sheet_text(sh, "a");
	sheet_text(sh, "b");
	assert_int_equal(sheet_row(sh), RC_BUG);
	assert_int_equal(sheet_close(sh, RC_OK, &fd), RC_BUG);
	assert_int_equal(sheet_open(&s.cx, &sh, SHEET_CSV, "t", wide, SHEET_COLUMNS_MAX + 1), RC_BUG);
	rc = sheet_open(&s.cx, &sh, SHEET_XLSX, "t", wide, SHEET_COLUMNS_MAX);
	assert_int_equal(sheet_close(sh, rc, &fd), RC_OK);
	close(fd);
	assert_int_equal(sheet_close(NULL, RC_IO, &fd), RC_IO);
	state_close(&s);
}

static void a_table_may_have_as_many_rows_as_excel_and_no_more(void **unused)
{
	struct state s;
	struct sheet *sh = NULL;
	int fd = -1;
	enum rc rc;

	(void)unused;
	open_state(&s);
	s.cx.lang = LANG_EN;
	rc = sheet_open(&s.cx, &sh, SHEET_CSV, "t", all, 1);
	for (int i = 0; i < SHEET_ROWS_MAX && rc == RC_OK; i++) {
		sheet_code(sh, "a");
		rc = sheet_row(sh);
	}
	assert_int_equal(rc, RC_OK);
	sheet_code(sh, "one too many");
	assert_int_equal(sheet_row(sh), RC_TOO_LARGE);
	assert_int_equal(sheet_close(sh, RC_OK, &fd), RC_TOO_LARGE);
	assert_string_equal(s.cx.message, "More than 1048575 rows: narrow the list with a filter.");
	state_close(&s);
}

static void the_same_rows_at_the_same_time_are_the_same_bytes(void **unused)
{
	struct state s;
	struct bytes one, two;
	int fd = -1;

	(void)unused;
	open_state(&s);
	assert_int_equal(one_row(&s, SHEET_XLSX, &fd), RC_OK);
	one = taken(&s, fd);
	clock_shift(s.env.clock, INT64_C(1795366800000) - clock_now(s.env.clock));
	assert_int_equal(one_row(&s, SHEET_XLSX, &fd), RC_OK);
	two = taken(&s, fd);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.p, two.p, one.len);
	state_close(&s);
}

static void a_workbook_names_nobody_and_opens_on_a_frozen_heading(void **unused)
{
	struct state s;
	struct zip_in *z = NULL;
	char xml[8192];
	int64_t size = 0;
	size_t got = 0;
	int fd = -1;

	(void)unused;
	open_state(&s);
	assert_int_equal(one_row(&s, SHEET_XLSX, &fd), RC_OK);
	assert_int_equal(zip_in_open(&s.cx, &z, taken(&s, fd)), RC_OK);
	assert_int_equal(zip_in_part(&s.cx, z, "docProps/core.xml", &size), RC_OK);
	assert_int_equal(zip_in_read(&s.cx, z, xml, sizeof(xml) - 1, &got), RC_OK);
	xml[got] = '\0';
	assert_non_null(strstr(xml, "<dc:creator></dc:creator>"));
	assert_non_null(strstr(xml, "2026-11-22T17:00:0"));
	assert_int_equal(zip_in_part(&s.cx, z, "xl/worksheets/sheet1.xml", &size), RC_OK);
	assert_int_equal(zip_in_read(&s.cx, z, xml, sizeof(xml) - 1, &got), RC_OK);
	xml[got] = '\0';
	assert_non_null(strstr(xml, "<pane ySplit=\"1\" topLeftCell=\"A2\" "));
	assert_non_null(strstr(xml, "<autoFilter ref=\"A1:G2\"/>"));
	assert_null(strstr(xml, "<f>"));
	zip_in_close(z);
	state_close(&s);
}

static void a_title_that_excel_forbids_does_not_stop_an_export(void **unused)
{
	static const char *const titles[] = { "", "[]:*?/\\", "'a'", "a/b",
					      "ñandú ñandú ñandú ñandú ñandú ñandú ñandú" };
	struct state s;

	(void)unused;
	open_state(&s);
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
		struct sheet *sh = NULL;
		int fd = -1;
		enum rc rc = sheet_open(&s.cx, &sh, SHEET_XLSX, titles[i], all, 1);

		assert_int_equal(sheet_close(sh, rc, &fd), RC_OK);
		assert_string_equal(rows_of_file(&s, taken(&s, fd)), "1:Name\n");
	}
	state_close(&s);
}

/* Only an empty folder can be taken away; it is put back. */
static bool is_spool_empty(struct state *s)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/spool", s->dir);
	return rmdir(path) == 0 && mkdir(path, 0700) == 0;
}

/* A few bytes of room, then more until an export fits: at each it fails with a sentence and leaves nothing,
** or is whole. */
static void a_full_disk_never_gives_half_a_file(void **unused)
{
	static const enum sheet_kind kinds[] = { SHEET_CSV, SHEET_XLSX };
	struct rlimit old, now;
	struct state s;

	(void)unused;
	open_state(&s);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (size_t k = 0; k < 2; k++) {
		bool is_whole = false;

		for (rlim_t size = 0; !is_whole; size += k == 0 ? 16 : 200) {
			int fd = -1;
			enum rc rc;

			assert_true(size < 100000);
			now = old;
			now.rlim_cur = size;
			cx_reset(&s.cx);
			assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
			rc = one_row(&s, kinds[k], &fd);
			assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
			assert_true(is_spool_empty(&s));
			is_whole = rc == RC_OK;
			if (is_whole)
				assert_non_null(strstr(rows_of_file(&s, taken(&s, fd)), "12.99"));
			else
				assert_int_equal(rc, RC_IO);
		}
	}
	state_close(&s);
}

static void memory_that_runs_out_leaves_nothing_behind(void **unused)
{
	struct state s;
	bool is_done = false;

	(void)unused;
	open_state(&s);
	for (long n = 1; !is_done; n++) {
		long live = mem_live();
		int fd = -1;
		enum rc rc;

		assert_true(n < 1000);
		mem_fail(n, false);
		rc = one_row(&s, SHEET_XLSX, &fd);
		is_done = !mem_fail_fired();
		mem_fail(0, false);
		if (fd >= 0) close(fd);
		assert_int_equal(rc == RC_OK, fd >= 0);
		assert_true(is_done ? rc == RC_OK : true);
		assert_true(mem_live() <= live + 1);
		assert_true(is_spool_empty(&s));
	}
	state_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_reads_back_the_same_from_text_and_from_excel),
		cmocka_unit_test(hostile_texts_survive_as_texts),
		cmocka_unit_test(numbers_keep_every_figure),
		cmocka_unit_test(dates_are_dates_or_stay_as_written),
		cmocka_unit_test(a_text_longer_than_an_excel_cell_is_refused_not_cut),
		cmocka_unit_test(a_row_with_too_few_or_too_many_cells_is_our_bug),
		cmocka_unit_test(a_table_may_have_as_many_rows_as_excel_and_no_more),
		cmocka_unit_test(the_same_rows_at_the_same_time_are_the_same_bytes),
		cmocka_unit_test(a_workbook_names_nobody_and_opens_on_a_frozen_heading),
		cmocka_unit_test(a_title_that_excel_forbids_does_not_stop_an_export),
		cmocka_unit_test(a_full_disk_never_gives_half_a_file),
		cmocka_unit_test(memory_that_runs_out_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
