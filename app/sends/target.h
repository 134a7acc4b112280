/*
** target.h -- where the rows of a report are loaded into: one small interface, so that an outside engine can
** stand behind the same buttons later.
**
**   begin ─► row, row, row … ─► flip          nobody sees a row before the flip; all or none after it
**                └─ cut, stopped, wrong ─► nothing: sweep takes away what was staged
**
** Aliases: "default" is reports.db (design §5); "analytics" by the setting reports.analytics: "" none, "yes"
** tables of its own there (prefix analytics_), a path a second SQLite file, open only during a load.
** Tables: PREFIX + reports_deliveries (a view of what is visible, for people with a shell), reports_<type>
** for files with other headings, report_load (report_id, alias) beside the rows. target_schema.c has the
** words.
*/
#ifndef RECADO_SENDS_TARGET_H
#define RECADO_SENDS_TARGET_H

#include "sends/reports.h"

#define REPORTS_FILE     "reports.db"
#define REPORT_TYPES_MAX 7
#define REPORT_DAYS_MAX  366 /* of one report: a year; each day has a place in the row's number */
#define LOAD_COLUMNS_MAX 200 /* of one file; the summary has eight */

enum load_type { LOAD_TEXT, LOAD_EMAIL, LOAD_INTEGER, LOAD_REAL, LOAD_BOOL, LOAD_TIME };

/* What is about to be loaded. */
struct load_plan {
	int64_t report_id; /* whose rows they are: the day's deliveries                  */
	const char *public_id, *type, *start_on, *end_on;
	int64_t file_id;
	bool is_summary; /* all eight headings of the summary: the fixed table         */
	/* Otherwise these columns, made where they are missing; type becomes what the table has already. */
	size_t count;
	const char *name[LOAD_COLUMNS_MAX];
	enum load_type kind[LOAD_COLUMNS_MAX];
	const char *param[LOAD_COLUMNS_MAX]; /* ":c0"…: the target's own                             */
};

/* One row; texts lent for the call, p NULL = NULL. */
struct load_row {
	int day; /* of the report, from 0                                               */
	struct bytes subject, sender, sendername, email, status, extra;
	bool has_date, has_opens, has_clicks;
	int64_t date_at, offset_min, opens, clicks;
	/* not a summary: the cells as the columns of the plan, cast; kind says what it is */
	const struct load_cell {
		enum { CELL_NULL, CELL_TEXT, CELL_INT } is;
		struct bytes text;
		int64_t integer;
	} * cells;
};

/* One of the reports that this load is for. */
struct load_mark {
	int64_t report_id;
	const char *public_id, *type;
	int64_t rows; /* -1: the file cannot tell */
};

struct target {
	const struct target_engine *engine;
	const char *alias, *prefix, *path; /* path "" = reports.db */
	struct store *store;               /* of a file of its own                                 */
	struct db *db;
	int64_t generation, line, bytes, slice_at;
	struct load_plan *plan; /* while rows come */
	const char *table, *insert;
	int64_t rows, bad_dates;
};

struct target_engine {
	const char *name;
	enum rc (*open)(struct cx *cx, struct target *t);
	void (*close)(struct target *t);
	/* RC_NOT_FOUND: not loaded. {loaded_at, rows_inserted, file_id, generation, table_name,
	** loaded_by}. */
	enum rc (*loaded)(struct cx *cx, struct target *t, struct value **out, int64_t report_id,
			  const char *public_id);
	enum rc (*begin)(struct cx *cx, struct target *t, struct load_plan *plan);
	enum rc (*row)(struct cx *cx, struct target *t, const struct load_row *row);
	enum rc (*flip)(struct cx *cx, struct target *t, const struct load_mark *marks, size_t count);
	/* What was staged or replaced leaves; slices. */
	enum rc (*sweep)(struct cx *cx, struct target *t);
	/* A day's rows and marks, or ("" day) everything. *rows: how many were visible. */
	enum rc (*forget)(struct cx *cx, struct target *t, const char *day, int64_t *rows);
	/* What was loaded before then leaves, with its marks; slices. *rows: how many were visible. */
	enum rc (*expire)(struct cx *cx, struct target *t, instant before, int64_t *rows);
	/* Whatever the rows of this address say about whom they are goes; that there were so many stays, in
	** every table of the place. Adds to *rows. */
	enum rc (*forget_person)(struct cx *cx, struct target *t, const char *address, int64_t *rows);
};
extern const struct target_engine target_sqlite;

/* RC_NOT_FOUND with the sentence: no such alias here. RC_IO, RC_CONFLICT: it cannot be opened; `default` is
** untouched by whatever is wrong with another one. No transaction of cx's may be open meanwhile. */
enum rc target_open(struct cx *cx, struct target *t, const char *alias) MUST_CHECK;
void target_close(struct target *t); /* zeroed is fine */
/* Is the setting reports.analytics one that this program can serve? *why: translated. */
bool target_is_possible(struct cx *cx, const char *analytics, const char **why);

/* A connection to reports.db, made where it is not there yet; for readers (figures, matches) too. Close
** it. */
enum rc reports_db_open(struct cx *cx, struct db **out) MUST_CHECK;
/* cx speaks to db from here on; returns what it spoke to before. */
struct db *cx_swap_db(struct cx *cx, struct db *db);

extern const struct side_file reports_side; /* target_schema.c; path NULL */

#endif
