/*
** wait.c -- waiting for a job to end: commands only, never a web handler.
**
** Holds: however long it takes, waiting holds no transaction and no growing memory.
*/
#include "work/work.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define POLL_MS           50                /* soon enough for a person at a terminal */
#define SCRATCH_ARENA_MAX (1 * 1024 * 1024) /* one job row                            */

/* The state of a job, into a buffer that outlives the scratch arena. */
static enum rc read_state(struct cx *cx, struct arena *scratch, int64_t id, char out[16])
{
	struct arena *own = cx->arena;
	struct value *job = NULL;
	enum rc rc;

	arena_reset(scratch);
	cx->arena = scratch;
	rc = job_show(cx, &job, id);
	if (rc == RC_OK) snprintf(out, 16, "%s", value_text_of(value_get(job, "state"), ""));
	cx->arena = own;
	return rc;
}

enum rc job_wait(struct cx *cx, struct value **job, int64_t id, int64_t ms)
{
	struct arena *scratch = arena_new(SCRATCH_ARENA_MAX);
	int64_t until = clock_ticks() + ms;
	char state[16] = "";
	enum rc rc = scratch != NULL ? RC_OK : RC_NO_MEMORY;

	while (rc == RC_OK) {
		rc = read_state(cx, scratch, id, state);
		if (rc != RC_OK || (strcmp(state, "queued") != 0 && strcmp(state, "running") != 0)) break;
		if (clock_ticks() >= until || cx->env->is_stopping) {
			rc = cx_fail(cx, RC_TRY_LATER, "%s",
				     _("It takes long; look at it with `recado jobs`."));
			break;
		}
		(void)poll(NULL, 0, POLL_MS);
	}
	arena_free(scratch);
	if (rc == RC_OK) rc = job_show(cx, job, id);
	if (rc == RC_OK && strcmp(state, "done") != 0) {
		const char *error = value_text_of(value_get(*job, "error"), "");

		rc = cx_fail(cx, RC_IO, _("The work failed: %s"), error[0] != '\0' ? error : state);
	}
	return rc;
}
