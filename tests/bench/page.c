/*
** page.c -- the peer of the list of customers: the bare SQL and the bare template, with nothing around them.
**
**   page DATABASE CONTEXT ROWS PAGES OUT
**
** CONTEXT is a JSON file {"page": {…}, "layout": {…}, "sql": "…", "options_sql": "…", "options_of": n}: what
** does not change from page to page (column titles, filters, menu), the question for the first ROWS customers
** and one more, with ?1 for how many, and the question for what the filter in place n is chosen from. Each
** page asks both, puts the rows into the context and renders the templates desk/list and web/layout with the
** house's own engine. ROWS 0: there must be none. The page goes to the file OUT once, to be compared with the
** appliance's. Prints {"count", "cpu_s", "bytes", "sql_cpu_s"}: sql_cpu_s is what the questions alone take,
** rows stepped and columns read, asked as often again.
**
** Never: parses a request, looks up who asks, writes a log line, takes a lock, counts, looks for alerts.
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

struct peer {
	sqlite3 *db;
	sqlite3_stmt *rows, *options;
	struct value *page, *layout, *filter; /* of what does not change */
	const char *titles[CELLS];
	size_t shown;
};

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
	if (href != NULL) value_set_lent(a, cell, "href", href);
	value_set_lent(a, cell, "title", title);
}

static void add_row(struct arena *a, struct value *rows, sqlite3_stmt *q, const char *const titles[CELLS])
{
	struct value *row = value_add_map(a, rows), *cells;
	const char *phone = text_at(q, 3), *email = text_at(q, 4);
	const char *path = arena_join(a, "/clients/", text_at(q, 0), NULL);
	char shown[32];

	value_set_text(a, row, "id", text_at(q, 0));
	value_set_text(a, row, "name", text_at(q, 1));
	/* What most cells lack is found one step out, as in list.c. */
	value_set_null(a, row, "href");
	value_set_null(a, row, "mark");
	value_set_null(a, row, "is_number");
	value_set_null(a, row, "is_short");
	value_set_lent(a, row, "row_edit", arena_join(a, path, "/edit", NULL));
	cells = value_set_list(a, row, "cells");
	phone_text(shown, phone);
	add_cell(a, cells, titles[0], text_at(q, 2), path);
	add_cell(a, cells, titles[1], shown, arena_join(a, "tel:", phone, NULL));
	value_set_bool(a, cells->last, "is_short", true);
	add_cell(a, cells, titles[2], email, arena_join(a, "mailto:", email, NULL));
	add_cell(a, cells, titles[3], words_get(LANG_ES, sqlite3_column_int(q, 5) != 0 ? "Yes" : "No"), NULL);
	add_cell(a, cells, titles[4], text_at(q, 6), NULL);
	value_set_bool(a, cells->last, "is_number", true);
}

static struct value no_rows, no_body, no_choices; /* VALUE_NULL */

static struct value *options(struct arena *a, sqlite3_stmt *q)
{
	struct value *list = value_list(a);

	while (sqlite3_step(q) == SQLITE_ROW) {
		struct value *one = value_add_map(a, list);

		value_set_text(a, one, "value", text_at(q, 0));
		value_set_text(a, one, "title", text_at(q, 1));
	}
	sqlite3_reset(q);
	return list;
}

/* out: NULL, or where the page is kept. */
static size_t make_page(struct arena *a, struct peer *p, FILE *out_file)
{
	struct value *rows = value_list(a);
	struct sb body, out;
	size_t n = 0, bytes;

	while (sqlite3_step(p->rows) == SQLITE_ROW)
		if (n++ < p->shown) add_row(a, rows, p->rows, p->titles);
	sqlite3_reset(p->rows);
	if (n != (p->shown > 0 ? p->shown + 1 : 0)) die("not a page of rows and one more");
	value_set(p->page, "rows", rows);
	value_set(p->filter, "choices", options(a, p->options));
	sb_init_arena(&body, a, 1024 * 1024);
	template_render(&body, page_template(LANG_ES, "desk/list"), p->page);
	value_set(p->layout, "body", value_text(a, sb_text_of(&body)));
	sb_init(&out, 1024 * 1024);
	template_render(&out, page_template(LANG_ES, "web/layout"), p->layout);
	if (sb_result(&out) != RC_OK) die("render");
	if (out_file != NULL && fwrite(out.p, 1, out.len, out_file) != out.len) die("cannot write the page");
	bytes = out.len;
	sb_free(&out);
	/* Nothing of this page's memory may stay in the context, which outlives it. */
	value_set(p->page, "rows", &no_rows);
	value_set(p->filter, "choices", &no_choices);
	value_set(p->layout, "body", &no_body);
	return bytes;
}

static size_t read_all(sqlite3_stmt *q)
{
	size_t bytes = 0;

	while (sqlite3_step(q) == SQLITE_ROW)
		for (int c = 0; c < sqlite3_column_count(q); c++)
			bytes += strlen(text_at(q, c));
	sqlite3_reset(q);
	return bytes;
}

/* The questions alone, every column read as a page would. */
static double ask_alone(const struct peer *p, long pages)
{
	double from = cpu_seconds();
	size_t bytes = 0;

	for (long i = 0; i < pages; i++)
		bytes += read_all(p->rows) + read_all(p->options);
	if (bytes == 0) die("nothing to read");
	return cpu_seconds() - from;
}

static sqlite3_stmt *prepared(sqlite3 *db, const struct value *context, const char *key)
{
	sqlite3_stmt *q = NULL;
	const char *sql = value_text_of(member(context, key), "");

	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &q, NULL) != SQLITE_OK)
		die(sqlite3_errmsg(db));
	return q;
}

static void open_peer(struct arena *forever, struct peer *p, const char *database,
		      const struct value *context)
{
	const char *place = arena_printf(forever, "filters.%lld",
					 (long long)value_int_of(member(context, "options_of"), 0));

	p->page = member(context, "page");
	p->layout = member(context, "layout");
	p->filter = (struct value *)(uintptr_t)value_path(p->page, place);
	if (p->filter == NULL) die("no such filter");
	for (size_t i = 0; i < CELLS; i++)
		p->titles[i] =
			value_text_of(value_path(p->page, arena_printf(forever, "columns.%zu.title", i)), "");
	if (sqlite3_open_v2(database, &p->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		die(sqlite3_errmsg(p->db));
	p->rows = prepared(p->db, context, "sql");
	p->options = prepared(p->db, context, "options_sql");
	sqlite3_bind_int64(p->rows, 1, (sqlite3_int64)p->shown + 1);
}

int main(int argc, char **argv)
{
	struct arena *forever = arena_new(PAGE_ARENA), *a = arena_new(PAGE_ARENA);
	struct peer p = { .shown = argc == 6 ? strtoul(argv[3], NULL, 10) : 0 };
	long pages = argc == 6 ? strtol(argv[4], NULL, 10) : 0;
	size_t bytes = 0;
	double from, took;
	FILE *out;

	if (pages < 1 || pages > PAGES_MAX) die("usage: page DATABASE CONTEXT ROWS PAGES OUT");
	if (forever == NULL || a == NULL || words_load() != RC_OK) die("no memory");
	open_peer(forever, &p, argv[1], read_context(forever, argv[2]));
	out = fopen(argv[5], "wb");
	if (out == NULL) die("cannot write the page");
	(void)make_page(a, &p, out);
	fclose(out);
	for (int warm = 0; warm < 10 && warm < pages; warm++) {
		arena_reset(a);
		(void)make_page(a, &p, NULL);
	}
	from = cpu_seconds();
	for (long i = 0; i < pages; i++) {
		arena_reset(a);
		bytes = make_page(a, &p, NULL);
	}
	took = cpu_seconds() - from;
	printf("{\"count\": %ld, \"cpu_s\": %.6f, \"bytes\": %zu, \"sql_cpu_s\": %.6f}\n", pages, took, bytes,
	       ask_alone(&p, pages));
	sqlite3_finalize(p.rows);
	sqlite3_finalize(p.options);
	sqlite3_close(p.db);
	return 0;
}
