/*
** target_schema.c -- the tables of reports.db, and of a second file that the rows are loaded into.
**
** Owns:   the steps of such a file, numbered by their place; a step is never changed once released.
** Holds:  (1) nothing of ours is in the schema: the ordinary shell reads, checks and copies the file.
**         (2) A row's number says its load, its day in the report and its line in the file: generation << 40
**         | day << 31 | line. So the key (report day, line) is unique by itself, rows are only ever appended,
**         and no index has to be kept beside them. (3) What is visible is what report_day points at: one row
**         a day, changed by the flip.
*/
#include "sends/target.h"

#define APPLICATION_ID 0x52435250 /* "RCRP" */

#define ROWS(p)                                                                                         \
	"CREATE TABLE " p "reports_deliveries_rows ("                                                   \
	" id INTEGER PRIMARY KEY, subject TEXT, sender TEXT, sendername TEXT, email TEXT, status TEXT," \
	" date_at INTEGER, offset_min INTEGER, opens INTEGER, clicks INTEGER, extra TEXT"               \
	") STRICT;"                                                                                     \
	"CREATE TABLE " p "report_day ("                                                                \
	" report_on TEXT PRIMARY KEY, first_id INTEGER NOT NULL, generation INTEGER NOT NULL"           \
	") STRICT, WITHOUT ROWID;"                                                                      \
	"CREATE INDEX " p "report_day_generation ON " p "report_day (generation);"                      \
	"CREATE VIEW " p "reports_deliveries AS"                                                        \
	" SELECT r.id, r.subject, r.sender, r.sendername, r.email, r.status,"                           \
	" datetime(r.date_at / 1000, 'unixepoch') AS date, r.opens, r.clicks,"                          \
	" datetime(r.date_at / 1000 + r.offset_min * 60, 'unixepoch') AS date_local,"                   \
	" d.report_on, g.report_id AS generated_report_id, g.ended_at AS created_at, r.extra"           \
	" FROM " p "report_day d CROSS JOIN report_generation g ON g.id = d.generation"                 \
	" CROSS JOIN " p                                                                                \
	"reports_deliveries_rows r ON r.id >= d.first_id AND r.id < d.first_id + 2147483648;"

static const char *const steps[] = {
	/* 1 */
	"CREATE TABLE report_generation ("
	" id INTEGER PRIMARY KEY, alias TEXT NOT NULL, report_id INTEGER NOT NULL, public_id TEXT NOT NULL,"
	" type TEXT NOT NULL, table_name TEXT NOT NULL, start_on TEXT NOT NULL, end_on TEXT NOT NULL,"
	" file_id INTEGER NOT NULL,"
	" state TEXT NOT NULL CHECK (state IN ('staging', 'live', 'dropped', 'gone')),"
	" rows INTEGER NOT NULL DEFAULT 0, bad_dates INTEGER NOT NULL DEFAULT 0,"
	" began_at INTEGER NOT NULL, ended_at INTEGER"
	") STRICT;"
	"CREATE INDEX report_generation_state ON report_generation (state, alias);"
	"CREATE TABLE report_load ("
	" report_id INTEGER NOT NULL, alias TEXT NOT NULL, public_id TEXT NOT NULL, type TEXT NOT NULL,"
	" start_on TEXT NOT NULL, end_on TEXT NOT NULL, file_id INTEGER NOT NULL, generation INTEGER NOT NULL,"
	" loaded_at INTEGER NOT NULL, rows_inserted INTEGER, loaded_by TEXT NOT NULL, table_name TEXT NOT NULL,"
	" PRIMARY KEY (report_id, alias)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX report_load_day ON report_load (start_on, end_on, alias);" ROWS("") ROWS("analytics_"),
};

const struct side_file reports_side = { .id = APPLICATION_ID,
					.steps = steps,
					.count = sizeof(steps) / sizeof(steps[0]) };
