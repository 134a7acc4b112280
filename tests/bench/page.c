/*
** page.c -- the peer of the list of customers: the bare SQL and the bare template, with nothing around them.
**
**   page DATABASE CONTEXT ROWS PAGES
**
** CONTEXT is a JSON file {"page": {…}, "layout": {…}} with what does not change from page to page (column
** titles, menu). Each page is one SQL question for the first ROWS customers and one more, the rows put into
** the context, the templates desk/list and web/layout rendered with the house's own engine. Prints {"count",
** "cpu_s", "bytes", "sql_cpu_s"}: sql_cpu_s is what the question alone takes, rows stepped and columns read,
** asked as often again.
**
** Never: parses a request, looks up who asks, writes a log line, takes a lock.
** Holds: at most PAGES_MAX pages.
*/
#include "web/inside.h"
#include "base/phone.h"
#include "base/template.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGES_MAX  1000000
#define CELLS      5
#define PAGE_ARENA ((size_t)16 * 1024 * 1024)

static const char list_sql[] =
	"SELECT t.public_id, trim(t.given_names || ' ' || t.surnames),"
	" CASE WHEN t.surnames = '' THEN t.given_names ELSE t.surnames || ', ' || t.given_names END, t.phone, t.email,"
	" t.is_active, (SELECT count(*) FROM subscription x WHERE x.client_id = t.id AND x.state = 'active'"
	" AND x.archived_at IS NULL)"
	" FROM (SELECT id FROM client WHERE archived_at IS NULL AND generation NOT IN (SELECT id FROM pending_generation)"
	" ORDER BY sort_name, id LIMIT ?1 + 1) p CROSS JOIN client t ON t.id = p.id";

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "page: %s\n", what);
	exit(1);
}

static struct value *read_context(struct arena *a, const char *path)
{
	FILE *f = fopen(path, "rb");
	struct value *v = NULL;
	char *text = arena_alloc(a, 256 * 1024);
	size_t len;

	if (f == NULL || text == NULL) die("no context");
	len = fread(text, 1, 256 * 1024 - 1, f);
	fclose(f);
	if (json_parse(a, &v, NULL, text, len) != RC_OK) die("the context is not JSON");
	return v;
}

static struct value *member(const struct value *map, const char *key)
{
	const struct value *v = value_get(map, key);

	if (v == NULL) die(key);
	return (struct value *)(uintptr_t)v;
}

static const char *text_at(sqlite3_stmt *q, int i)
{
	const unsigned char *text = sqlite3_column_text(q, i);

	return text != NULL ? (const char *)text : "";
}

static void add_cell(struct arena *a, struct value *cells, const char *title, const char *text,
		     const char *href)
{
	struct value *cell = value_add_map(a, cells);

	value_set_text(a, cell, "text", text);
	if (href != NULL) value_set_text(a, cell, "href", href);
	value_set_text(a, cell, "title", title);
}

static void add_row(struct arena *a, struct value *rows, sqlite3_stmt *q, const char *const titles[CELLS])
{
	struct value *row = value_add_map(a, rows), *cells;
	const char *phone = text_at(q, 3), *email = text_at(q, 4);
	char shown[32];

	value_set_text(a, row, "id", text_at(q, 0));
	value_set_text(a, row, "name", text_at(q, 1));
	cells = value_set_list(a, row, "cells");
	phone_text(shown, phone);
	add_cell(a, cells, titles[0], text_at(q, 2), arena_printf(a, "/clients/%s", text_at(q, 0)));
	add_cell(a, cells, titles[1], shown, arena_printf(a, "tel:%s", phone));
	value_set_bool(a, cells->last, "is_short", true);
	add_cell(a, cells, titles[2], email, arena_printf(a, "mailto:%s", email));
	add_cell(a, cells, titles[3], words_get(LANG_ES, sqlite3_column_int(q, 5) != 0 ? "Yes" : "No"), NULL);
	add_cell(a, cells, titles[4], text_at(q, 6), NULL);
	value_set_bool(a, cells->last, "is_number", true);
}

static struct value no_rows, no_body; /* VALUE_NULL */

static size_t make_page(struct arena *a, sqlite3_stmt *q, struct value *page, struct value *layout,
			const char *const titles[CELLS], size_t shown)
{
	struct value *rows = value_list(a);
	struct sb body, out;
	size_t n = 0, bytes;

	while (sqlite3_step(q) == SQLITE_ROW)
		if (n++ < shown) add_row(a, rows, q, titles);
	sqlite3_reset(q);
	if (n != shown + 1) die("fewer rows than a page and one more");
	value_set(page, "rows", rows);
	sb_init_arena(&body, a, 1024 * 1024);
	template_render(&body, page_template(LANG_ES, "desk/list"), page);
	value_set(layout, "body", value_text(a, sb_text_of(&body)));
	sb_init(&out, 1024 * 1024);
	template_render(&out, page_template(LANG_ES, "web/layout"), layout);
	if (sb_result(&out) != RC_OK) die("render");
	bytes = out.len;
	sb_free(&out);
	/* Nothing of this page's memory may stay in the context, which outlives it. */
	value_set(page, "rows", &no_rows);
	value_set(layout, "body", &no_body);
	return bytes;
}

/* The question alone, every column read as a page would. */
static double ask_alone(sqlite3_stmt *q, long pages)
{
	double from = cpu_seconds();
	size_t bytes = 0;

	for (long i = 0; i < pages; i++) {
		while (sqlite3_step(q) == SQLITE_ROW)
			for (int c = 0; c < 7; c++)
				bytes += strlen(text_at(q, c));
		sqlite3_reset(q);
	}
	if (bytes == 0) die("no rows");
	return cpu_seconds() - from;
}

int main(int argc, char **argv)
{
	struct arena *forever = arena_new(PAGE_ARENA), *a = arena_new(PAGE_ARENA);
	const char *titles[CELLS];
	struct value *context, *page, *layout;
	sqlite3 *db = NULL;
	sqlite3_stmt *q = NULL;
	long pages = argc == 5 ? strtol(argv[4], NULL, 10) : 0;
	size_t bytes = 0, rows = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;
	double from, took;

	if (pages < 1 || pages > PAGES_MAX) die("usage: page DATABASE CONTEXT ROWS PAGES");
	if (forever == NULL || a == NULL || words_load() != RC_OK) die("no memory");
	context = read_context(forever, argv[2]);
	page = member(context, "page");
	layout = member(context, "layout");
	for (size_t i = 0; i < CELLS; i++) {
		const char *path = arena_printf(forever, "columns.%zu.title", i);

		titles[i] = value_text_of(value_path(page, path), "");
	}
	if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v3(db, list_sql, -1, SQLITE_PREPARE_PERSISTENT, &q, NULL) != SQLITE_OK)
		die(sqlite3_errmsg(db));
	sqlite3_bind_int64(q, 1, (sqlite3_int64)rows);
	for (int warm = 0; warm < 10; warm++) {
		arena_reset(a);
		(void)make_page(a, q, page, layout, titles, rows);
	}
	from = cpu_seconds();
	for (long i = 0; i < pages; i++) {
		arena_reset(a);
		bytes = make_page(a, q, page, layout, titles, rows);
	}
	took = cpu_seconds() - from;
	printf("{\"count\": %ld, \"cpu_s\": %.6f, \"bytes\": %zu, \"sql_cpu_s\": %.6f}\n", pages, took, bytes,
	       ask_alone(q, pages));
	sqlite3_finalize(q);
	sqlite3_close(db);
	return 0;
}
