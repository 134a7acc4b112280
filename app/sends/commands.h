/*
** commands.h -- what the files of `recado sends …` share.
*/
#ifndef RECADO_SENDS_COMMANDS_H
#define RECADO_SENDS_COMMANDS_H

#include "base/text.h"
#include "sends/bulk_inner.h"

#define NO_OPTIONS   ((const char *const[]){ NULL })
#define OPTIONS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* as JSON, shaped */
enum rc command_print(struct cx *cx, struct command_call *call, struct value *v) MUST_CHECK;
/* The send that the i-th word names; RC_BAD_INPUT with the usage when there is no such word. */
enum rc command_bulk(struct cx *cx, struct command_call *call, size_t i, const char *const *takes_value,
		     int64_t *id) MUST_CHECK;
/* Until nothing of the send's work waits or runs, or it is held for longer than somebody watches. */
enum rc command_wait(struct cx *cx, struct command_call *call, int64_t id) MUST_CHECK;

/* commands_old.c: the old names and their own options */
enum rc command_real_send(struct cx *cx, struct command_call *call);
enum rc command_background(struct cx *cx, struct command_call *call);
enum rc command_roles(struct cx *cx, struct command_call *call);
enum rc command_backfill(struct cx *cx, struct command_call *call);
/* commands_reports.c */
enum rc command_reports(struct cx *cx, struct command_call *call);
enum rc command_post_reports(struct cx *cx, struct command_call *call);

#endif
