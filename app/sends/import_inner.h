/*
** import_inner.h -- what import.c and recipients_keep.c share.
*/
#ifndef RECADO_SENDS_IMPORT_INNER_H
#define RECADO_SENDS_IMPORT_INNER_H

#include "sends/recipients.h"

#define IMPORT_JOB      "sends.import"
#define IMPORT_ATTEMPTS 3
#define FORGET_JOB      "sends.retention"

/* Rows of every version but the one that is read: of an import that was cut or failed, or before the last
** one; in slices. RC_TRY_LATER: the job (may be NULL) should stop. */
enum rc import_remove_hidden(struct cx *cx, struct job *job, int64_t bulk_id) MUST_CHECK;
/* The job of every night. */
enum rc recipients_retention(struct cx *cx, struct job *job) MUST_CHECK;

#endif
