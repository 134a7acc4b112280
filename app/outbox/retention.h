/*
** retention.h -- the job that empties old bodies. For the room's own files and tests.
*/
#ifndef RECADO_OUTBOX_RETENTION_H
#define RECADO_OUTBOX_RETENTION_H

#include "outbox/outbox.h"
#include "work/work.h"

#define RETENTION_JOB "outbox.retention"
enum rc retention_run(struct cx *cx,
		      struct job *job) MUST_CHECK; /* job may be NULL: it then runs to the end */

#endif
