/*
** target_inner.h -- what the files of the SQLite target share: target_sqlite.c loads, target_leave.c takes
** rows out again.
*/
#ifndef RECADO_SENDS_TARGET_INNER_H
#define RECADO_SENDS_TARGET_INNER_H

#include "sends/target.h"

/* Names that only these files make, into SQL: each @ is the next of them. Values are always parameters. */
const char *target_sql(struct cx *cx, const char *text, ...);

/* struct target_engine */
enum rc target_sweep(struct cx *cx, struct target *t) MUST_CHECK;
enum rc target_forget(struct cx *cx, struct target *t, const char *on, int64_t *rows) MUST_CHECK;
enum rc target_expire(struct cx *cx, struct target *t, instant before, int64_t *rows) MUST_CHECK;
enum rc target_forget_person(struct cx *cx, struct target *t, const char *address, int64_t *rows) MUST_CHECK;

#endif
