/* desk/export.c and shape.c: the same rows for a spreadsheet and for a program. */
#include "office.h"
#include "desk/export.h"
#include "files/rows_in.h"
#include <unistd.h>

static const char *get_pair(void *arg, const char *name)
{
	for (const struct pair *p = arg; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0) return p->value;
	return NULL;
}

static const char *export(struct shop *s, const char *resource, const struct pair *query,
			  enum sheet_kind kind)
{
	struct cx *cx = &s->state.cx;
	struct ask ask;
	char *text = arena_alloc(cx->arena, 65536);
	ssize_t n;
	int fd = -1;

	assert_non_null(text);
	assert_int_equal(ask_read(cx, &ask, office_find(resource), get_pair, (void *)(uintptr_t)query,
				  DESK_EXPORT_ROWS_MAX, DESK_EXPORT_ROWS_MAX),
			 RC_OK);
	assert_int_equal(export_rows(cx, &ask, kind, &fd), RC_OK);
	n = pread(fd, text, 65535, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
	return text;
}

static void two_people(struct shop *s)
{
	int64_t id = 0;

	assert_int_equal(SAVE(s, "people", &id, { "given_names", "=1+1" }, { "phone", "0990000001" },
			      { "debt_cents", "12.5" }, { "pin", "secret" }, { "notes", "a \"b\", c" }),
			 RC_OK);
	id = 0;
	assert_int_equal(SAVE(s, "people", &id, { "given_names", "Ana" }, { "size", "large" },
			      { "born_on", "1/2/2003" }),
			 RC_OK);
	assert_int_equal(
		state_run(&s->state, "UPDATE person SET public_id = 'id' || id, created_at = 1795366800000"),
		RC_OK);
}

static void an_export_has_the_rows_and_words_of_the_list(void **unused)
{
	struct shop s;

	(void)unused;
	shop_open(&s);
	two_people(&s);
	assert_string_equal(
		export(&s, "people", (struct pair[]){ { NULL, NULL } }, SHEET_CSV),
		"id,Given names,Surnames,E-mail,Phone,Born,Size,Visits,Debt,Member,Notes,Website,Made,Pets\r\n"
		"id1,'=1+1,,,+593990000001,,Small one,0,12.50,No,\"a \"\"b\"\", c\",,2026-11-22 12:00:00,0\r\n"
		"id2,Ana,,,,2003-02-01,Large one,0,0.00,No,,,2026-11-22 12:00:00,0\r\n");
	shop_close(&s);
}

/* The rows of a file as an import reads them, "a|b\n". */
static const char *read_back(struct shop *s, enum sheet_kind kind)
{
	struct cx *cx = &s->state.cx;
	char *bytes = arena_alloc(cx->arena, 65536);
	struct rows_in *in = NULL;
	struct cells row;
	struct ask ask;
	struct sb sb;
	int fd = -1;
	ssize_t n;
	enum rc rc = ask_read(cx, &ask, office_find("people"), get_pair, (struct pair[]){ { NULL, NULL } },
			      DESK_EXPORT_ROWS_MAX, DESK_EXPORT_ROWS_MAX);

	assert_non_null(bytes);
	if (rc == RC_OK) rc = export_rows(cx, &ask, kind, &fd);
	assert_int_equal(rc, RC_OK);
	n = pread(fd, bytes, 65536, 0);
	assert_true(n > 0);
	close(fd);
	sb_init_arena(&sb, cx->arena, 65536);
	rc = rows_in_open(cx, &in, (struct bytes){ bytes, (size_t)n });
	while (rc == RC_OK && (rc = rows_in_next(cx, in, cx->arena, &row)) == RC_OK) {
		for (size_t i = 0; i < row.count; i++)
			sb_printf(&sb, "%s%s", i > 0 ? "|" : "", row.cell[i]);
		sb_char(&sb, '\n');
	}
	rows_in_close(in);
	assert_int_equal(rc, RC_NOT_FOUND);
	return sb_text_of(&sb);
}

static void an_import_reads_the_same_from_both_kinds_of_export(void **unused)
{
	struct shop s;

	(void)unused;
	shop_open(&s);
	two_people(&s);
	assert_string_equal(
		read_back(&s, SHEET_XLSX),
		"id|Given names|Surnames|E-mail|Phone|Born|Size|Visits|Debt|Member|Notes|Website|Made|Pets\n"
		"id1|=1+1|||+593990000001||Small one|0|12.5|No|a \"b\", c||2026-11-22 12:00:00|0\n"
		"id2|Ana||||2003-02-01|Large one|0|0|No|||2026-11-22 12:00:00|0\n");
	assert_string_equal(
		read_back(&s, SHEET_CSV),
		"id|Given names|Surnames|E-mail|Phone|Born|Size|Visits|Debt|Member|Notes|Website|Made|Pets\n"
		"id1|=1+1|||+593990000001||Small one|0|12.50|No|a \"b\", c||2026-11-22 12:00:00|0\n"
		"id2|Ana||||2003-02-01|Large one|0|0.00|No|||2026-11-22 12:00:00|0\n");
	shop_close(&s);
}

static void an_export_follows_the_filter_and_the_order(void **unused)
{
	struct shop s;
	const char *text;

	(void)unused;
	shop_open(&s);
	two_people(&s);
	text = export(&s, "people", (struct pair[]){ { "size", "large" }, { NULL, NULL } }, SHEET_CSV_LOCAL);
	assert_memory_equal(text, "\xef\xbb\xbfid;Given names;", 18);
	assert_null(strstr(text, "1+1"));
	assert_non_null(strstr(text, "\r\nid2;Ana;"));
	text = export(&s, "people", (struct pair[]){ { "dir", "down" }, { NULL, NULL } }, SHEET_CSV);
	assert_true(strstr(text, "id2,Ana") < strstr(text, "id1,"));
	shop_close(&s);
}

static void an_export_leaves_out_what_the_actor_does_not_see(void **unused)
{
	struct shop s;

	(void)unused;
	shop_open(&s);
	two_people(&s);
	shop_as(&s, "seller", 7);
	assert_null(strstr(export(&s, "people", (struct pair[]){ { NULL, NULL } }, SHEET_CSV), "Ana"));
	shop_close(&s);
}

static void an_export_past_its_limit_is_refused_not_cut(void **unused)
{
	struct shop s;
	struct ask ask = { .q = "", .limit = 2 };
	int fd = -1;

	(void)unused;
	shop_open(&s);
	two_people(&s);
	ask.o = office_find("people");
	ask.sort = ask.o->r->sorts;
	assert_int_equal(export_rows(&s.state.cx, &ask, SHEET_CSV, &fd), RC_OK);
	close(fd);
	ask.limit = 1;
	assert_int_equal(export_rows(&s.state.cx, &ask, SHEET_CSV, &fd), RC_TOO_LARGE);
	assert_int_equal(export_rows(&s.state.cx, &ask, SHEET_XLSX, &fd), RC_TOO_LARGE);
	shop_close(&s);
}

static void a_row_for_a_program_has_types_and_no_secrets(void **unused)
{
	struct shop s;
	struct value *row = NULL;
	struct sb sb;
	int64_t pet = 0;

	(void)unused;
	shop_open(&s);
	two_people(&s);
	assert_int_equal(row_of(&s.state.cx, office_find("people"), 1, SELECT_API, true, &row), RC_OK);
	sb_init_arena(&sb, s.state.cx.arena, 65536);
	json_write(&sb, row_json(&s.state.cx, office_find("people"), row));
	assert_string_equal(
		sb_text_of(&sb),
		"{\"id\":\"id1\",\"title\":\"=1+1\",\"given_names\":\"=1+1\",\"surnames\":\"\",\"email\":null,"
		"\"phone\":\"+593990000001\",\"born_on\":null,\"size\":\"small\",\"visits\":0,\"debt_cents\":1250,"
		"\"currency\":\"USD\",\"is_member\":false,\"notes\":\"a \\\"b\\\", c\",\"website\":\"\","
		"\"created_at\":\"2026-11-22T17:00:00.000Z\",\"pets\":0}");
	assert_int_equal(SAVE(&s, "pets", &pet, { "name", "Rex" }, { "person_id", "2" }), RC_OK);
	assert_int_equal(row_of(&s.state.cx, office_find("pets"), pet, SELECT_API, true, &row), RC_OK);
	row = row_json(&s.state.cx, office_find("pets"), row);
	assert_string_equal(value_text_of(value_get(row, "person_id"), ""), "id2");
	assert_string_equal(value_text_of(value_get(row, "person_name"), ""), "Ana");
	assert_string_equal(value_text_of(value_get(row, "title"), ""), "Rex of Ana");
	shop_close(&s);
}

static void a_cell_for_people_has_words_and_safe_links(void **unused)
{
	struct shop s;
	struct value *row = NULL, *cell;
	const struct office *people;
	int64_t id = 0;

	(void)unused;
	shop_open(&s);
	people = office_find("people");
	assert_int_equal(
		SAVE(&s, "people", &id, { "given_names", "Ana" }, { "size", "large" }, { "debt_cents", "5" }),
		RC_OK);
	assert_int_equal(state_run(&s.state, "UPDATE person SET website = 'javascript:alert(1)'"), RC_OK);
	assert_int_equal(row_of(&s.state.cx, people, id, SELECT_SHOW, true, &row), RC_OK);
	for (size_t i = 0; i < people->columns; i++) {
		const char *name = people->r->columns[i].name;

		cell = value_map(s.state.cx.arena);
		cell_fill(&s.state.cx, people, i, row, cell);
		if (strcmp(name, "website") == 0) assert_null(value_get(cell, "href"));
		if (strcmp(name, "size") == 0) {
			assert_string_equal(value_text_of(value_get(cell, "text"), ""), "Large one");
			assert_string_equal(value_text_of(value_get(cell, "mark"), "none"), "none");
		}
		if (strcmp(name, "debt_cents") == 0)
			assert_string_equal(value_text_of(value_get(cell, "text"), ""), "$5.00");
		if (strcmp(name, "created_at") == 0)
			assert_string_equal(value_text_of(value_get(cell, "text"), ""), "22/11/2026 12:00");
	}
	shop_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_export_has_the_rows_and_words_of_the_list),
		cmocka_unit_test(an_import_reads_the_same_from_both_kinds_of_export),
		cmocka_unit_test(an_export_follows_the_filter_and_the_order),
		cmocka_unit_test(an_export_leaves_out_what_the_actor_does_not_see),
		cmocka_unit_test(an_export_past_its_limit_is_refused_not_cut),
		cmocka_unit_test(a_row_for_a_program_has_types_and_no_secrets),
		cmocka_unit_test(a_cell_for_people_has_words_and_safe_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
