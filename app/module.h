/*
** module.h -- what a module declares: tables, walked by everything generic.
*/
#ifndef RECADO_MODULE_H
#define RECADO_MODULE_H

#include "base/check.h"
#include "base/command.h"
#include "desk/desk.h"
#include "outbox/outbox.h"
#include "web/web.h"
#include "work/work.h"

struct planner; /* outbox/planner.h */

struct module {
	const char *name;
	const char *title; /* N_()                                      */
	/* Lists of row arrays, so that each file keeps its own rows: a list ends with NULL, an array with
	** a row without name. NULL = none. */
	const struct resource *const *resources;
	const struct route *const *routes;
	const struct job_kind *const *jobs;
	/* Row arrays, each ended by a row without name; NULL = none. */
	const struct schedule_default *schedules;
	const struct setting *settings;
	const struct right *rights;
	const struct reply_word *replies;
	const struct command *commands;
	const struct check *checks;
	const struct figure *figures;
	const struct planner *planners;      /* what a forecast runs; ended by a row without name */
	const struct reason_source *reasons; /* why somebody got no message; ended by a row without name */
	enum rc (*at_start)(struct cx *cx);  /* holder only, after migrations: templates, catch-up… */
	/* Holder only, at each start: the outbox knows how old the database is, no work runs yet. */
	enum rc (*before_work)(struct cx *cx);
	enum rc (*demo)(struct cx *cx); /* `recado demo`: made-up data; NULL = none            */
};

extern const struct module *const modules[]; /* modules.c; NULL-terminated */

#endif
