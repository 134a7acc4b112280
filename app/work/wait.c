/*
** wait.c -- waiting for a job to end: commands only, never a web handler.
**
** Holds:  (1) however long it takes, waiting holds no transaction and no growing memory; (2) the bar is drawn
**         on a terminal only, and gone when the job has ended.
*/
#include "base/text.h"
#include "work/work.h"
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define POLL_MS           50                /* soon enough for a person at a terminal */
#define SCRATCH_ARENA_MAX (1 * 1024 * 1024) /* one job row                            */
#define BAR_EVERY_MS      250               /* as often as progress is written        */
#define BAR_CELLS         24

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

const char *job_progress_text(struct cx *cx, const struct value *job)
{
	int64_t done = int_of(job, "progress_done"), total = int_of(job, "progress_total");
	int64_t moved = done - int_of(job, "progress_from"), since = int_of(job, "progress_since_at");
	int64_t spent = int_of(job, "heartbeat_at") - since, left;
	const char *text;

	if (total <= 0) return "";
	text = arena_printf(cx->arena, _("%lld of %lld"), (long long)done, (long long)total);
	if (since == 0 || moved <= 0 || spent < SECOND_MS ||
	    strcmp(value_text_of(value_get(job, "state"), ""), "running") != 0)
		return text;
	if (moved >= 2 * spent / SECOND_MS)
		text = arena_printf(cx->arena, _("%s · %lld a second"), text,
				    (long long)(moved * SECOND_MS / spent));
	else
		text = arena_printf(cx->arena, _("%s · %lld a minute"), text,
				    (long long)(moved * MINUTE_MS / spent));
	if (done >= total) return text;
	left = (int64_t)((double)(total - done) * (double)spent / (double)moved) / SECOND_MS;
	if (left < 90) return arena_printf(cx->arena, _("%s · %lld s left"), text, (long long)left);
	if (left < 7200)
		return arena_printf(cx->arena, _("%s · %lld min left"), text, (long long)(left / 60));
	return arena_printf(cx->arena, _("%s · %lld h left"), text, (long long)(left / 3600));
}

static void draw(struct cx *cx, FILE *bar, const struct value *job)
{
	int64_t done = int_of(job, "progress_done"), total = int_of(job, "progress_total");
	const char *text = job_progress_text(cx, job);
	int full = total > 0 && done >= 0 && done <= total ? (int)(done * BAR_CELLS / total) : 0;

	fprintf(bar, "\r\033[K[");
	for (int i = 0; i < BAR_CELLS; i++)
		fputs(i < full ? "█" : "·", bar);
	fprintf(bar, "] %s", text[0] != '\0' ? text : value_text_of(value_get(job, "note"), ""));
	fflush(bar);
}

/* The state of a job, into a buffer that outlives the scratch arena. */
static enum rc read_state(struct cx *cx, struct arena *scratch, int64_t id, char out[16], FILE *bar)
{
	struct arena *own = cx->arena;
	struct value *job = NULL;
	enum rc rc;

	arena_reset(scratch);
	cx->arena = scratch;
	rc = job_show(cx, &job, id);
	if (rc == RC_OK) snprintf(out, 16, "%s", value_text_of(value_get(job, "state"), ""));
	if (rc == RC_OK && bar) draw(cx, bar, job);
	cx->arena = own;
	return rc;
}

enum rc job_wait_shown(struct cx *cx, struct value **job, int64_t id, int64_t ms, FILE *bar)
{
	struct arena *scratch = arena_new(SCRATCH_ARENA_MAX);
	int64_t until = clock_ticks() + ms, drawn_at = 0;
	bool has_bar = bar && isatty(fileno(bar));
	char state[16] = "";
	enum rc rc = scratch != NULL ? RC_OK : RC_NO_MEMORY;

	while (rc == RC_OK) {
		bool is_time = has_bar && clock_ticks() - drawn_at >= BAR_EVERY_MS;

		if (is_time) drawn_at = clock_ticks();
		rc = read_state(cx, scratch, id, state, is_time ? bar : NULL);
		if (rc != RC_OK || (strcmp(state, "queued") != 0 && strcmp(state, "running") != 0)) break;
		if (clock_ticks() >= until || cx->env->is_stopping) {
			rc = cx_fail(cx, RC_TRY_LATER, "%s",
				     _("It takes long; look at it with `recado jobs`."));
			break;
		}
		(void)poll(NULL, 0, POLL_MS);
	}
	if (has_bar) fprintf(bar, "\r\033[K");
	arena_free(scratch);
	if (rc == RC_OK) rc = job_show(cx, job, id);
	if (rc == RC_OK && strcmp(state, "done") != 0) {
		const char *error = value_text_of(value_get(*job, "error"), "");

		rc = cx_fail(cx, RC_IO, _("The work failed: %s"), error[0] != '\0' ? error : state);
	}
	return rc;
}

enum rc job_wait(struct cx *cx, struct value **job, int64_t id, int64_t ms)
{
	return job_wait_shown(cx, job, id, ms, NULL);
}
