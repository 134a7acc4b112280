/*
** content.c -- what a database holds, as numbers: rows of each table and a sum over them.
**
** Two files with the same sums hold the same rows, whatever the order of their pages. The sum of a table is
** SHA-256 over its rows in the order of the rowid (without one: of the primary key); a row is its columns in
** the order of the table, each one letter and its value:
**
**     n                              NULL
**     i  8 bytes                     integer, big endian, two's complement
**     r  8 bytes                     real, IEEE 754, big endian
**     t  8 bytes length, bytes       text, UTF-8
**     b  8 bytes length, bytes       blob
**
** The sum of the database is SHA-256 over one line "NAME ROWS SUM\n" a table, in the order of the names
** (bytes). SQLite's own tables (sqlite_…) do not count.
**
** Owns:   nothing.
** Needs:  a file that nobody writes meanwhile: a copy, or one unpacked aside.
** Holds:  memory stays bounded: one row at a time.
*/
#include "db/inner.h"

#include <stdio.h>
#include <string.h>

#define TABLES_MAX  500 /* as in migrate.c */
#define BUFFER_SIZE 16384
#define SQL_SIZE    512

struct summing {
	struct sha256_stream *sum;
	unsigned char buffer[BUFFER_SIZE];
	size_t len;
};

static void add(struct summing *s, const void *p, size_t len)
{
	if (len > BUFFER_SIZE - s->len) {
		sha256_add(s->sum, s->buffer, s->len);
		s->len = 0;
	}
	if (len > BUFFER_SIZE)
		sha256_add(s->sum, p, len);
	else if (len > 0) {
		memcpy(s->buffer + s->len, p, len);
		s->len += len;
	}
}

static void add_number(struct summing *s, char kind, uint64_t n)
{
	unsigned char b[9] = { (unsigned char)kind };

	for (int i = 0; i < 8; i++)
		b[i + 1] = (unsigned char)(n >> (56 - 8 * i));
	add(s, b, sizeof b);
}

static void add_column(struct summing *s, sqlite3_stmt *stmt, int i)
{
	double real;
	uint64_t bits;
	const void *p;

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER: add_number(s, 'i', (uint64_t)sqlite3_column_int64(stmt, i)); break;
	case SQLITE_FLOAT:
		real = sqlite3_column_double(stmt, i);
		memcpy(&bits, &real, sizeof bits);
		add_number(s, 'r', bits);
		break;
	case SQLITE_TEXT:
		p = sqlite3_column_text(stmt, i);
		add_number(s, 't', (uint64_t)sqlite3_column_bytes(stmt, i));
		add(s, p, (size_t)sqlite3_column_bytes(stmt, i));
		break;
	case SQLITE_BLOB:
		p = sqlite3_column_blob(stmt, i);
		add_number(s, 'b', (uint64_t)sqlite3_column_bytes(stmt, i));
		add(s, p, (size_t)sqlite3_column_bytes(stmt, i));
		break;
	default: add(s, "n", 1); break;
	}
}

static enum rc sum_table(struct db *db, struct summing *s, struct db_table_sum *out)
{
	sqlite3_stmt *stmt = NULL;
	char sql[SQL_SIZE];
	int code, columns;

	/* NOT INDEXED: by the table itself, not by an index that happens to have all columns. */
	sqlite3_snprintf((int)sizeof sql, sql, "SELECT * FROM \"%w\" NOT INDEXED", out->name);
	s->len = 0;
	if (!(s->sum = sha256_open())) return RC_NO_MEMORY;
	code = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);
	columns = sqlite3_column_count(stmt);
	if (code == SQLITE_OK)
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
			out->rows++;
			for (int i = 0; i < columns; i++)
				add_column(s, stmt, i);
		}
	sqlite3_finalize(stmt);
	sha256_add(s->sum, s->buffer, s->len);
	sha256_close(s->sum, out->sum);
	s->sum = NULL;
	return code == SQLITE_DONE ? RC_OK : connect_fail(NULL, db, code, sql);
}

static enum rc list_tables(struct cx *cx, struct db *db, struct db_content *out)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(db->handle,
				      "SELECT name FROM sqlite_schema WHERE type = 'table'"
				      " AND name NOT GLOB 'sqlite_*' ORDER BY name COLLATE BINARY",
				      -1, &stmt, NULL);

	out->count = 0;
	if (code != SQLITE_OK) return connect_fail(NULL, db, code, "tables");
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW && out->count < TABLES_MAX)
		out->tables[out->count++] = (struct db_table_sum){
			.name = arena_text(cx->arena, (const char *)sqlite3_column_text(stmt, 0))
		};
	sqlite3_finalize(stmt);
	return code == SQLITE_DONE ? RC_OK : code == SQLITE_ROW ? RC_TOO_LARGE : RC_IO;
}

static enum rc sum_of_sums(struct db_content *out)
{
	struct sha256_stream *all = sha256_open();
	char line[SQL_SIZE];

	if (!all) return RC_NO_MEMORY;
	for (size_t i = 0; i < out->count; i++) {
		int len = snprintf(line, sizeof line, "%s %lld %s\n", out->tables[i].name,
				   (long long)out->tables[i].rows, out->tables[i].sum);

		if (len > 0 && (size_t)len < sizeof line) sha256_add(all, line, (size_t)len);
		out->rows += out->tables[i].rows;
	}
	sha256_close(all, out->sum);
	return RC_OK;
}

enum rc db_content(struct cx *cx, struct db_content *out, const char *path, struct gentle *g)
{
	struct db_content made = { .tables = arena_array(cx->arena, TABLES_MAX, sizeof(*made.tables)) };
	struct summing *s = arena_alloc(cx->arena, sizeof(*s));
	struct db *db = NULL;
	enum rc rc = made.tables && s ? db_open_path(&db, path, true) : RC_NO_MEMORY;

	if (rc == RC_OK) {
		db->gentle = g;
		rc = connect_int(db, &made.schema, "PRAGMA user_version");
	}
	if (rc == RC_OK) rc = list_tables(cx, db, &made);
	for (size_t i = 0; i < made.count && rc == RC_OK; i++)
		rc = sum_table(db, s, &made.tables[i]);
	if (rc == RC_OK) rc = sum_of_sums(&made);
	db_close(db);
	if (rc == RC_OK) *out = made;
	return rc;
}
