/*
** watch.h -- the night watch's own figures: runs of the process, how busy it was, what grows. For the files
** of the room, its tests and its pages.
*/
#ifndef RECADO_OPS_WATCH_H
#define RECADO_OPS_WATCH_H

#include "ops/ops.h"

/* Availability (uptime.c) */

/* spec/stays.md §11: of the last 30 days */
#define UPTIME_DAYS 30
/* a row's heartbeat; the most a crash can seem longer than it was */
#define UPTIME_BEAT_MS MINUTE_MS
/* a run without one for so long is over, whatever it says */
#define UPTIME_SILENT_MS (3 * MINUTE_MS)
/* shown; all are counted */
#define UPTIME_GAPS_MAX 50

struct uptime_gap {
	instant from, to;
	bool is_planned; /* somebody stopped it; else it ended by itself, or the machine did */
	bool is_open;    /* it is down now                                                   */
};
struct uptime {
	instant since;                        /* begin of what is counted                         */
	bool is_young;                        /* the house is younger than UPTIME_DAYS            */
	int64_t span_ms, down_ms, planned_ms; /* planned is a part of down                         */
	size_t gap_count;                     /* of gaps[]: the newest ones, newest first         */
	struct uptime_gap gaps[UPTIME_GAPS_MAX];
	size_t gaps_all;
};

/* A run begins; its row in a transaction of its own. */
enum rc uptime_begin(struct cx *cx, int64_t *run_id) MUST_CHECK;
/* The heartbeat, inside the caller's transaction. */
enum rc uptime_beat(struct cx *cx, int64_t run_id) MUST_CHECK;
enum rc uptime_end(struct cx *cx, int64_t run_id, const char *reason) MUST_CHECK;
/* Over the last days until now. running: this process's run, which is up whatever its heartbeat says; 0:
** none. */
enum rc uptime_read(struct cx *cx, struct uptime *out, int64_t running, int days) MUST_CHECK;
/* Millionths of the time that it was up; a million before the first second is over. */
int64_t uptime_ppm(const struct uptime *u);
/* "99.95 %", in the language's way. */
const char *uptime_shown(struct cx *cx, const struct uptime *u);

/* How busy (samples.c) */

struct samples;
struct samples *samples_new(void); /* long-lived; NULL: no memory */
void samples_free(struct samples *s);
/* Each whole minute once: writes minute, hour and day, inside the caller's transaction. *is_due says whether
** there is something to write; the caller begins its transaction only then. */
bool samples_is_due(struct cx *cx, const struct samples *s);
enum rc samples_write(struct cx *cx, struct samples *s) MUST_CHECK;
int64_t watch_memory_bytes(void); /* resident, of this process; 0: cannot be asked */

/* What grows (growth.c, growth_tables.c) */

/*
** One table of the schema: kept for ever, because…, or cleaned after so many days. Every table of the schema
** is here: a test walks sqlite_schema. A table that several rules clean stands once for each.
*/
struct growth_table {
	const char *name;
	const char *title; /* N_() for people                                                        */
	const char *kept;  /* N_() "kept for ever because…"; NULL = cleaned                            */
	const char *by;    /* kind of work, or N_() words, of what cleans it; NULL = growth_run()       */
	int days;          /* after so many days; 0 = by the setting                                   */
	const char *setting;
	/* growth_run(): rows of these keys ("id", "step, at") for which `old` holds; it may use :before. */
	const char *keys, *old;
	/* Instead of going, such rows change: "archived_at = :now". NULL: they go. */
	const char *set;
};
extern const struct growth_table growth_tables[]; /* ended by a row without name */
int64_t growth_days(struct cx *cx, const struct growth_table *t);

#define GROWTH_JOB "watch.clean"
/* Clean all tables that nobody else cleans, in slices. job may be NULL: it then runs to the end. */
enum rc growth_run(struct cx *cx, struct job *job) MUST_CHECK;
/* [{name, title, rows, bytes, rule, waiting}] of every table, largest first. Counting stops at
** GROWTH_COUNT_MAX rows of a table; bytes are of the last cleaning in a file larger than GROWTH_LIVE_BYTES,
** unless is_exact. */
#define GROWTH_COUNT_MAX  1000000
#define GROWTH_LIVE_BYTES (64 * 1024 * 1024)
enum rc growth_tables_read(struct cx *cx, struct value **out, bool is_exact) MUST_CHECK;
/* [{name, title, files, bytes, rule}] of the folders of the house. */
void growth_folders_read(struct cx *cx, struct value **out);
/* Bytes of reports.db with its log; 0: none yet. */
int64_t growth_reports_bytes(const struct cx *cx);
enum rc ops_run_tables(struct cx *cx, struct command_call *call) MUST_CHECK;

/* The house now (health.c) */

int64_t health_run_id(void); /* of this process's row in process_run; 0: none */

/* Pages and figures (watch_page.c, metrics.c) */

enum rc handle_watch(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_metrics(struct cx *cx, struct call *call) MUST_CHECK;

#endif
