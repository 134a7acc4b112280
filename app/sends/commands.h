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
enum rc sends_print(struct cx *cx, struct command_call *call, struct value *v) MUST_CHECK;
/* How it went: the sentence, or as JSON the send as it is now. */
enum rc sends_say(struct cx *cx, struct command_call *call, int64_t id, const char *sentence) MUST_CHECK;
/* The sentence, or as JSON {name: n}. */
enum rc sends_say_count(struct cx *cx, struct command_call *call, const char *name, int64_t n,
			const char *sentence) MUST_CHECK;
/* The send that the i-th word names; RC_BAD_INPUT with the usage when there is no such word. */
/* The value of an option that counts; RC_BAD_INPUT with the sentence. */
enum rc sends_number(struct cx *cx, int64_t *out, const char *option, const char *text) MUST_CHECK;
enum rc sends_bulk(struct cx *cx, struct command_call *call, size_t i, const char *const *takes_value,
		   int64_t *id) MUST_CHECK;
/* Until nothing of the send's work waits or runs, or it is held for longer than somebody watches. */
enum rc sends_wait(struct cx *cx, struct command_call *call, int64_t id) MUST_CHECK;

/* commands_old.c: the old names and their own options */
enum rc sends_real_send(struct cx *cx, struct command_call *call);
enum rc sends_background(struct cx *cx, struct command_call *call);
enum rc sends_roles(struct cx *cx, struct command_call *call);
enum rc sends_backfill(struct cx *cx, struct command_call *call);
/* commands_reports.c */
enum rc sends_reports_command(struct cx *cx, struct command_call *call);
enum rc sends_post_reports_command(struct cx *cx, struct command_call *call);
/* commands_schema.c */
enum rc sends_inspect_command(struct cx *cx, struct command_call *call);
enum rc sends_clean_command(struct cx *cx, struct command_call *call);

#endif
