/*
** forecast.h -- what would leave in the coming days: counted, kept as a file, looked at.
**
** Files: forecast_count.c (runs the planners) · forecast_file.c (the rows on disk) · forecast_view.c (who
** sees which, with names) · forecast.c (routes, job, command).
**
** The file has no name, number or text in it: a line is the id of what it is about, when, which kind, which
** version of the text, and why somebody is left out. Everything else is read when somebody looks.
*/
#ifndef RECADO_OPS_FORECAST_H
#define RECADO_OPS_FORECAST_H

#include "files/sheet.h"
#include "ops/ops.h"
#include "outbox/planner.h"

#define FORECAST_DAYS_MAX 90 /* a quarter: beyond it too much is renewed to be foretold           */
#define FORECAST_DAYS     30 /* unless asked otherwise                                            */
/* 16 MB of file: a hundred thousand subscriptions, two messages each a week */
#define FORECAST_LINES_MAX    1000000
#define FORECAST_RUNS_MAX     60000 /* 2.4 MB: a quarter's days of 650 shares                            */
#define FORECAST_AT_ONCE_MS   250   /* what fits in a click; longer ones are a job                       */
#define FORECAST_MS_MAX       60000 /* the reader that it is may not keep the log from starting over longer */
#define FORECAST_PLANNERS_MAX 20    /* of all modules together: a line has a byte for it                 */

struct forecast_line {
	int64_t subject_id;
	int32_t version_id;
	int16_t days;
	uint8_t kind, skip; /* places in the planner's words; skip 0 = leaves, else place + 1 */
};

struct forecast_run {
	int64_t at;    /* when it is planned      */
	int32_t on;    /* its civil date          */
	int32_t place; /* of the planner, in forecast_planners() */
	int64_t first; /* of its lines            */
	int64_t leaving, skipped;
};

struct forecast_head {
	char magic[8];    /* "RCDFORE1" */
	char version[32]; /* of the program: words and planners have their places from it */
	int64_t as_of_at, took_ms;
	int32_t from_on, days;
	int32_t run_count, is_cut; /* 1: there was more than fits */
	int64_t line_count, leaving, skipped;
};

/* A forecast as it lies on disk, mapped; runs are ordered by time. */
struct forecast {
	struct bytes mapped;
	const struct forecast_head *head;
	const struct forecast_line *lines;
	const struct forecast_run *runs;
};

/* The planners of the modules that are on, outbox_waiting first; NULL past the end. */
const struct planner *forecast_planner(size_t place);

/* forecast_count.c */

/* Run the planners over days civil dates from today on, at most ms long, into a nameless file (the caller's).
** job may be NULL. RC_TRY_LATER without a sentence: its time was up, or the job must stop. Writes nothing to
** the database. */
enum rc forecast_count(struct cx *cx, struct job *job, int days, int64_t ms, int *fd) MUST_CHECK;

/* forecast_file.c */

struct forecast_writer;
enum rc forecast_write_open(struct forecast_writer **out, const char *dir) MUST_CHECK;
enum rc forecast_write_line(struct forecast_writer *w, const struct forecast_line *line) MUST_CHECK;
/* Runs and head; *fd on success. Frees w in any case. */
enum rc forecast_write_end(struct forecast_writer *w, enum rc rc, struct forecast_head *head,
			   const struct forecast_run *runs, int *fd) MUST_CHECK;
void forecast_write_free(struct forecast_writer *w);
/* Whether these bytes are a whole forecast of this version of the program; total. */
bool forecast_check(struct forecast *out, struct bytes bytes);
/* RC_NOT_FOUND: none there, of another version, or damaged. Closes nothing. */
enum rc forecast_map(struct forecast *out, int fd) MUST_CHECK;
void forecast_unmap(struct forecast *f);
/* The house's last large forecast, DIR/spool/forecast: put there, opened. */
enum rc forecast_keep(struct cx *cx, int fd) MUST_CHECK;
enum rc forecast_kept(struct cx *cx, struct forecast *out) MUST_CHECK;

/* forecast_view.c */

struct forecast_filter {
	day from, until;     /* civil dates of runs, both included; 0 = no bound          */
	const char *planner; /* name, NULL = all                                         */
	const char *kind;    /* code, NULL = all                                          */
	int days;            /* -1 = all                                               */
	int what;            /* 0 = all, 1 = leaves, 2 = is left out                      */
	const char *words;   /* folded, "" = everybody                                  */
};
struct forecast_view; /* in the arena */
/* What cx's actor may see of f under the filter. Both are lent for the view's life. */
enum rc forecast_view(struct cx *cx, struct forecast_view **out, const struct forecast *f,
		      const struct forecast_filter *filter) MUST_CHECK;
struct forecast_count_of {
	int64_t leaving, skipped;
};
/* Of the whole view, and of each civil date from head->from_on on (days of them). */
struct forecast_count_of forecast_total(const struct forecast_view *v);
const struct forecast_count_of *forecast_by_day(const struct forecast_view *v);
/* The next line from *place on (0 first; then as it was left): its run and itself; false at the end. */
bool forecast_next(struct forecast_view *v, int64_t *place, const struct forecast_run **run,
		   const struct forecast_line **line);
/* The line for people, with names: {at, on, planner, module, kind, days…}; see forecast_view.c. */
enum rc forecast_shown(struct cx *cx, const struct forecast_run *run, const struct forecast_line *line,
		       bool wants_text, struct planned_shown *out) MUST_CHECK;
const char *forecast_kind_words(struct cx *cx, const struct forecast_run *run,
				const struct forecast_line *line);
const char *forecast_skip_code(const struct forecast_run *run, const struct forecast_line *line); /* "" */

/* forecast.c */

/* Days of a question: RC_BAD_INPUT with the sentence for anything but 1…FORECAST_DAYS_MAX; NULL, "": the usual. */
enum rc forecast_days(struct cx *cx, int *out, const char *text) MUST_CHECK;
/* What a person should know beside the rows: a list of {text}. */
enum rc forecast_notes(struct cx *cx, struct value **out, const struct forecast *f) MUST_CHECK;

/* forecast_page.c, forecast_rows.c */
enum rc handle_forecast(struct cx *cx, struct call *call);
enum rc handle_forecast_text(struct cx *cx, struct call *call);
enum rc handle_forecast_count(struct cx *cx, struct call *call);
/* The lines of a view as the API tells them, from *place on, at most max; *place as forecast_next leaves
** it. */
enum rc forecast_rows(struct cx *cx, struct value *list, struct forecast_view *v, int64_t *place, size_t max,
		      bool wants_text, bool is_masked) MUST_CHECK;
/* All lines of a view as CSV or workbook: *fd is the caller's. */
enum rc forecast_sheet(struct cx *cx, int *fd, struct forecast_view *v, enum sheet_kind kind,
		       bool wants_text) MUST_CHECK;
/* {as_of_at, from_on, until_on, …, days: [{on, leaving, skipped}]}: the frame of the JSON shapes. */
void forecast_frame(struct cx *cx, struct value *out, const struct forecast *f,
		    const struct forecast_view *v);

#endif
