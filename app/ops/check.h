/*
** check.h -- the rows of `recado check`, a file for each section, and how the findings are printed.
*/
#ifndef RECADO_OPS_CHECK_H
#define RECADO_OPS_CHECK_H

#include "ops/ops.h"

/* May a check call hosts outside? Only `recado check` says so; /health never does. */
void check_set_online(bool is_online);
bool check_is_online(void);

/* The list of findings of health_run() and one more in front of it (settings that cannot be read, a house
** that does not open): {name, section, title, state, detail, remedy, is_info}. */
void check_add(struct cx *cx, struct value *rows, struct check_totals *totals, const struct check *c,
	       const struct check_result *result);
/* "recado …" in a remedy as this house is called: with --config where its file is not the usual one. Arena. */
const char *check_runnable(struct cx *cx, const char *remedy);
/* path between quotes where a shell needs them. Arena. */
const char *check_quoted(struct cx *cx, const char *path);
/* Run the rows of one table, behind those in rows. */
void health_run_rows(struct cx *cx, struct value *rows, struct check_totals *totals,
		     const struct check *table);
/* The command that puts the newest backup back. Arena. */
const char *check_restore_command(struct cx *cx);
/* The report by sections, coloured on a terminal unless NO_COLOR; or as JSON. */
void check_print(struct cx *cx, struct command_call *call, const struct value *rows,
		 const struct check_totals *totals);

/* What an old installation's NAME=VALUE lines say, over the settings in force, for this process only
** (config_import.c). RC_BAD_INPUT: *why names what is wrong; the rest is in force. */
enum rc config_import_override(struct cx *cx, FILE *in, const char **why) MUST_CHECK;

#endif
