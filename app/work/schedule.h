/*
** schedule.h -- the rows of schedules, shared by schedule.c, schedule_rows.c and schedule_edit.c only.
*/
#ifndef RECADO_WORK_SCHEDULE_H
#define RECADO_WORK_SCHEDULE_H

#include "work/inner.h"

struct schedule_row {
	int64_t id;
	const char *name, *kind, *rule, *zone_name, *late_rule;
	bool is_enabled, is_interval;
	bool is_declared_once; /* the program's tables had it at some time */
	int64_t late_limit_s;
	instant next_due_at, served_to_at; /* 0 = none */
	const struct zone *zone;           /* its own or the business's */
};

struct schedule_rows {
	size_t count;
	struct schedule_row *at; /* in the arena */
};

/* What schedule_read expects in front of FROM. */
#define SCHEDULE_COLUMNS                                                                            \
	"SELECT id, name, job_kind, rule, zone, is_enabled, late_rule, late_limit_s, next_due_at, " \
	"served_to_at, default_rule <> ''"

/* At most max rows of a statement that begins with SCHEDULE_COLUMNS. */
enum rc schedule_read(struct cx *cx, struct schedule_rows *out, size_t max, const char *sql,
		      const struct param *params) MUST_CHECK;
/* A kind that runs here; and when the program's tables had it once, they have it still. */
bool schedule_is_served(const struct work *w, const struct schedule_row *row);
/* Rows as the modules' tables and the settings want them; reads nothing unless something is new. */
enum rc schedules_declare(struct cx *cx, struct work *w) MUST_CHECK;
/* {due_on, due_at}: what every job of a schedule is told. */
struct value *schedule_args(struct cx *cx, const struct zone *zone, instant due);
const char *schedule_slot(struct cx *cx, const char *name);

#endif
