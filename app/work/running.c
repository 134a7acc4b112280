/*
** running.c -- what a job's function may ask and tell while it runs.
**
** Owns:   progress, place and result columns of the job's own row.
** Holds:  (1) progress costs at most four writes a second;
**         (2) a place is saved in the transaction of the work it stands for, or not at all;
**         (3) args and place survive a reset of the job's cx.
*/
#include "work/inner.h"

#include "base/sentence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int64_t job_id(const struct job *job)
{
	return job->id;
}

const struct value *job_args(const struct job *job)
{
	return job->args;
}

int job_attempt(const struct job *job)
{
	return job->attempt;
}

bool job_is_late(const struct job *job)
{
	return job->is_late;
}

bool job_should_stop(const struct job *job)
{
	return atomic_load(&job->is_cancelled) || atomic_load(&job->work->is_stopping) ||
	       job->work->env->is_stopping || (job->deadline != 0 && clock_ticks() > job->deadline);
}

bool job_is_cancelled(const struct job *job)
{
	return atomic_load(&job->is_cancelled);
}

void job_later(struct job *job, instant at)
{
	job->later_at = at;
}

void work_cut(char to[NOTE_SIZE], const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len >= NOTE_SIZE) {
		len = NOTE_SIZE - 1;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) /* never half a letter */
			len--;
	}
	if (len > 0) memcpy(to, text, len);
	to[len] = '\0';
}

void work_keep(struct cx *cx, char to[KEPT_SIZE], const char *sentence)
{
	const char *said = sentence_words(cx->arena, cx->lang, sentence);
	size_t len = strlen(sentence);

	if (said == sentence || strlen(said) >= NOTE_SIZE || len >= KEPT_SIZE)
		work_cut(to, said);
	else
		memcpy(to, sentence, len + 1);
}

static void keep_said(struct cx *cx, char to[KEPT_SIZE], const char *fmt, va_list args)
{
	const char *kept;
	va_list again;

	va_copy(again, args);
	kept = sentence_vkeep(cx->arena, cx->lang, fmt, args);
	work_keep(cx, to, kept != NULL ? kept : arena_vprintf(cx->arena, fmt, again));
	va_end(again);
}

void job_note(struct cx *cx, struct job *job, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	keep_said(cx, job->note, fmt, args);
	va_end(args);
}

const char *job_text(struct cx *cx, const char *stored)
{
	const char *said = sentence_words(cx->arena, cx->lang, stored);

	return said == stored ? words_get(cx->lang, stored) : said;
}

void job_words(struct cx *cx, struct value *rows, const char *name)
{
	for (struct value *v = rows->first; v != NULL; v = v->next) {
		if (rows->type == VALUE_LIST) {
			job_words(cx, v, name);
		} else if (strcmp(v->key, name) == 0 && v->type == VALUE_TEXT) {
			v->text = job_text(cx, v->text);
			v->len = strlen(v->text);
		}
	}
}

enum rc job_progress(struct cx *cx, struct job *job, int64_t done, int64_t total)
{
	int64_t ticks = clock_ticks();
	enum rc rc;

	if (job->since_at == 0 || done < job->done || total < job->total) {
		job->since_at = cx_now(cx);
		job->since_done = done;
	}
	job->done = done;
	job->total = total;
	job->has_progress = true;
	if (job->written_at != 0 && ticks - job->written_at < PROGRESS_EVERY_MS) return RC_OK;
	job->written_at = ticks;
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE job SET progress_done = :done, progress_total = :total, heartbeat_at = :now, "
			"progress_from = :from, progress_since_at = :since WHERE id = :id",
			PARAMS(P_INT(":done", done), P_INT(":total", total), P_INT(":now", cx_now(cx)),
			       P_INT(":from", job->since_done), P_INT(":since", job->since_at),
			       P_INT(":id", job->id)));
	return tx_end(cx, rc);
}

void job_say(struct cx *cx, struct job *job, enum job_level level, const char *fmt, ...)
{
	static const char *const names[] = { "info", "warning", "error" };
	char text[KEPT_SIZE];
	va_list args;
	enum rc rc = RC_OK;

	va_start(args, fmt);
	keep_said(cx, text, fmt, args);
	va_end(args);
	if (job->lines < 0)
		rc = db_get_int(cx, &job->lines, "SELECT count(*) FROM job_line WHERE job_id = :id",
				PARAMS(P_INT(":id", job->id)));
	if (rc != RC_OK || job->lines >= JOB_LINES_MAX) return;
	if (job->lines == JOB_LINES_MAX - 1) {
		level = SAY_WARNING;
		work_keep(cx, text,
			  sentence_keep(cx->arena, cx->lang, _("There is more to say than is kept here.")));
	}
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT INTO job_line (job_id, at, level, text) VALUES (:id, :now, :level, :text)",
			PARAMS(P_INT(":id", job->id), P_INT(":now", cx_now(cx)),
			       P_TEXT(":level", names[level]), P_TEXT(":text", text)));
	rc = tx_end(cx, rc);
	if (rc == RC_OK)
		job->lines++;
	else
		log_event(LOG_WARN, "jobs", "job.line_lost", "id=%lld rc=%s", (long long)job->id,
			  rc_row(rc)->name);
}

const struct value *job_place(const struct job *job)
{
	return job->place;
}

static enum rc keep_place(struct job *job, const char *json)
{
	struct value *place = NULL;
	enum rc rc;

	arena_reset(job->place_arena);
	job->place = NULL;
	rc = json_parse(job->place_arena, &place, NULL, json, strlen(json));
	if (rc == RC_OK) job->place = place;
	return rc;
}

enum rc work_place_read(struct job *job, const char *json)
{
	enum rc rc = keep_place(job, json);

	/* A row written by hand: begin anew rather than never. */
	return rc == RC_BAD_INPUT ? keep_place(job, "{}") : rc;
}

enum rc job_save_place(struct cx *cx, struct job *job, const struct value *place)
{
	const char *json = "{}";
	enum rc rc = work_json(cx, &json, place, PLACE_JSON_MAX);

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE job SET place_json = :place, heartbeat_at = :now, attempts = 1 WHERE id = :id",
			PARAMS(P_TEXT(":place", json), P_INT(":now", cx_now(cx)), P_INT(":id", job->id)));
	/* It gets on, so its tries count anew: only what stands still is given up. */
	if (rc == RC_OK) job->attempt = 1;
	if (rc == RC_OK) rc = keep_place(job, json);
	return rc;
}

enum rc job_result(struct cx *cx, struct job *job, const struct value *result)
{
	const char *json = "{}";
	enum rc rc = work_json(cx, &json, result, RESULT_JSON_MAX);

	if (rc != RC_OK) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE job SET result_json = :result WHERE id = :id",
			    PARAMS(P_TEXT(":result", json), P_INT(":id", job->id)));
	return tx_end(cx, rc);
}
