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
/* Key of a backup: PREFIX/backups/2026/11/NAME. Arena. NAME as table backup has it. */
const char *storage_backup_key(struct cx *cx, const char *name, instant at);
/* Copies what is proved and not there yet, takes away what is removed here: the job's function. */
enum rc storage_copy_run(struct cx *cx, struct job *job) MUST_CHECK;

#endif
