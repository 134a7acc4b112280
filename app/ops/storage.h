/*
** storage.h -- the house's S3-compatible storage as the settings describe it.
*/
#ifndef RECADO_OPS_STORAGE_H
#define RECADO_OPS_STORAGE_H

#include "link/s3.h"
#include "ops/ops.h"

#define STORAGE_COPY_JOB "ops.backup_copy"

/* Is a bucket set? */
bool storage_is_set(const struct env *env);
/* RC_BAD_INPUT with the sentence: which setting is missing. Texts lent by the settings. */
enum rc storage_target(struct cx *cx, struct s3_target *out) MUST_CHECK;
/* PREFIX/rest. Arena. */
const char *storage_key(struct cx *cx, const char *rest);
/* Key of a backup: PREFIX/backups/2026/11/NAME. Arena. NAME as table backup has it. */
const char *storage_backup_key(struct cx *cx, const char *name, instant at);
/* Copies what is proved and not there yet, takes away what is removed here: the job's function. */
enum rc storage_copy_run(struct cx *cx, struct job *job) MUST_CHECK;

/* Whose the folder is (storage_owner.c). RC_CONFLICT with the sentence: another machine's. */
enum rc storage_owner_look(struct cx *cx, const struct s3_target *t, bool *is_free) MUST_CHECK;
/* Before anything is sent or removed: this machine's from now on, if it is nobody's yet. */
enum rc storage_owner_claim(struct cx *cx, const struct s3_target *t) MUST_CHECK;
/* A person says that it is this machine's, whoever had it. */
enum rc storage_owner_take(struct cx *cx, const struct s3_target *t) MUST_CHECK;

#endif
