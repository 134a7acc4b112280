/*
** cmd_work.c -- `recado jobs …`, `recado schedules …` and `recado queues`: what the panel's pages of work
** show and do, for the shell.
**
** Needs:  work.h for every change, desk_save for an edited schedule: the same checks and history as the form.
** Holds:  what changes something runs in the process that runs the work, so that it happens at once.
*/
#include "ops/cmd.h"

#include "base/sentence.h"
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX   200 /* a terminal's worth; the API and CSV have all */
#define TIMES_USUAL 5
#define TIMES_MAX   100              /* a screen or two                              */
#define AGAIN_MAX   1000             /* of one command: each is a short transaction  */
#define RUN_WAIT_MS (60 * MINUTE_MS) /* longer than any kind's own limit             */

static const char *const no_options[] = { NULL };

static enum rc job_word(struct cx *cx, const struct command_call *call, const char *const *with_value,
			int64_t *id)
{
	const char *word = command_word(call, 0, with_value);
	char *end = NULL;

	if (word != NULL) *id = strtoll(word, &end, 10);
	if (word == NULL || end == word || *end != '\0' || *id <= 0)
		return cx_fail(cx, RC_BAD_INPUT, "%s",
			       _("Give the number of the job, as `recado jobs` shows it."));
	return RC_OK;
}

static enum rc told(struct cx *cx, struct command_call *call, const char *sentence)
{
	struct value *out;

	if (!call->is_json) {
		fprintf(call->out, "%s\n", sentence);
		return RC_OK;
	}
	out = value_map(cx->arena);
	value_set_text(cx->arena, out, "message", sentence);
	command_print(cx, call, out);
	return RC_OK;
}

/* Jobs */

static enum rc run_jobs(struct cx *cx, struct command_call *call)
{
	const char *const with_value[] = { "state", "kind", NULL };
	const char *state = command_option(call, "state"), *kind = command_option(call, "kind");
	struct value *rows = NULL;
	enum rc rc = command_check(cx, call, no_options, with_value);

	if (rc == RC_OK)
		rc = command_one_of(cx, "--state", state, "queued running done failed dead cancelled");
	if (rc == RC_OK)
		rc = db_rows(
			cx, &rows, SHOWN_MAX,
			"SELECT id, kind, state, run_at, attempts, progress_done, progress_total, note, error"
			" FROM job WHERE (:state = '' OR state = :state) AND (:kind = '' OR kind = :kind)"
			" ORDER BY id DESC LIMIT :max",
			PARAMS(P_TEXT(":state", state != NULL ? state : ""),
			       P_TEXT(":kind", kind != NULL ? kind : ""), P_INT(":max", SHOWN_MAX)));
	if (rc != RC_OK) return rc;
	job_words(cx, rows, "note");
	job_words(cx, rows, "error");
	return command_print_rows(cx, call, rows);
}

static enum rc run_jobs_show(struct cx *cx, struct command_call *call)
{
	struct value *job = NULL;
	const char *text;
	int64_t id = 0;
	enum rc rc = command_check(cx, call, no_options, no_options);

	if (rc == RC_OK) rc = job_word(cx, call, no_options, &id);
	if (rc == RC_OK) rc = job_show(cx, &job, id);
	if (rc != RC_OK) return rc;
	text = job_progress_text(cx, job);
	if (call->is_json) {
		shape_json(cx, job);
		command_print(cx, call, job);
		return RC_OK;
	}
	for (const struct value *cell = job->first; cell != NULL; cell = cell->next) {
		size_t len = strlen(cell->key);

		if (cell->type == VALUE_INT && len > 3 && strcmp(cell->key + len - 3, "_at") == 0) {
			char at[RFC3339_SIZE];

			instant_text_local(at, cell->integer, cx->env->zone);
			fprintf(call->out, "%s: %s\n", cell->key, at);
		} else if (cell->type == VALUE_INT)
			fprintf(call->out, "%s: %lld\n", cell->key, (long long)cell->integer);
		else if (value_text_of(cell, "")[0] != '\0')
			fprintf(call->out, "%s: %s\n", cell->key, value_text_of(cell, ""));
	}
	if (text[0] != '\0') fprintf(call->out, "%s\n", text);
	return RC_OK;
}

static enum rc run_jobs_log(struct cx *cx, struct command_call *call)
{
	struct value *rows = NULL, *job = NULL;
	int64_t id = 0;
	enum rc rc = command_check(cx, call, no_options, no_options);

	if (rc == RC_OK) rc = job_word(cx, call, no_options, &id);
	if (rc == RC_OK) rc = job_show(cx, &job, id);
	if (rc == RC_OK)
		rc = db_rows(cx, &rows, JOB_LINES_MAX,
			     "SELECT at AS said_at, level, text FROM job_line WHERE job_id = :id ORDER BY id",
			     PARAMS(P_INT(":id", id)));
	if (rc != RC_OK) return rc;
	job_words(cx, rows, "text");
	return command_print_rows(cx, call, rows);
}

/* All that was given up (of one kind), one by one: what cannot run again now stays and is counted. */
static enum rc again_dead(struct cx *cx, struct command_call *call, const char *kind)
{
	struct value *rows = NULL;
	int64_t done = 0, refused = 0;
	enum rc rc = db_rows(
		cx, &rows, AGAIN_MAX,
		"SELECT id FROM job WHERE state IN ('dead', 'failed') AND (:kind = '' OR kind = :kind)"
		" ORDER BY id LIMIT :max",
		PARAMS(P_TEXT(":kind", kind != NULL ? kind : ""), P_INT(":max", AGAIN_MAX)));

	for (const struct value *row = rc == RC_OK ? rows->first : NULL; row != NULL; row = row->next) {
		enum rc one = tx_begin(cx);
		int64_t id = value_int_of(value_get(row, "id"), 0);

		if (one == RC_OK) one = job_run_again(cx, id);
		one = tx_end(cx, one);
		if (one == RC_OK)
			done++;
		else if (one == RC_CONFLICT)
			refused++;
		else
			return one;
		cx->message = "";
	}
	if (rc != RC_OK) return rc;
	rc = told(cx, call, arena_printf(cx->arena, _("Run again: %lld."), (long long)done));
	if (rc == RC_OK && refused > 0)
		rc = cx_fail(cx, RC_PARTLY,
			     _("%lld could not run again: the same work is already waiting or running."),
			     (long long)refused);
	return rc;
}

static enum rc run_jobs_again(struct cx *cx, struct command_call *call)
{
	const char *const flags[] = { "dead", NULL }, *const with_value[] = { "kind", NULL };
	int64_t id = 0;
	enum rc rc = command_check(cx, call, flags, with_value);

	if (rc == RC_OK && command_flag(call, "dead"))
		return again_dead(cx, call, command_option(call, "kind"));
	if (rc == RC_OK) rc = job_word(cx, call, with_value, &id);
	if (rc == RC_OK) rc = job_run_again(cx, id);
	return rc == RC_OK ? told(cx, call, _("It runs again.")) : rc;
}

static enum rc run_jobs_cancel(struct cx *cx, struct command_call *call)
{
	const char *const with_value[] = { "reason", NULL };
	const char *state = "", *reason = command_option(call, "reason");
	int64_t id = 0;
	enum rc rc = command_check(cx, call, no_options, with_value);

	if (rc == RC_OK) rc = job_word(cx, call, with_value, &id);
	if (rc == RC_OK)
		rc = db_get_text(cx, &state, "SELECT state FROM job WHERE id = :id",
				 PARAMS(P_INT(":id", id)));
	if (rc == RC_OK && (strcmp(state, "dead") == 0 || strcmp(state, "failed") == 0)) {
		rc = job_discard(cx, id,
				 reason != NULL ? sentence_keep(cx->arena, cx->lang, _("Discarded by %s: %s"),
								cx->actor.name, reason)
						: sentence_keep(cx->arena, cx->lang, _("Discarded by %s."),
								cx->actor.name));
		return rc == RC_OK ? told(cx, call, _("Discarded; it stays in the list as cancelled.")) : rc;
	}
	if (rc == RC_OK || rc == RC_NOT_FOUND) rc = job_cancel(cx, id);
	return rc == RC_OK
		       ? told(cx, call, _("Cancelled; if it was running it stops at its next safe place."))
		       : rc;
}

/* Schedules */

static enum rc schedule_word(struct cx *cx, const struct command_call *call, const char *const *with_value,
			     int64_t *id)
{
	const char *name = command_word(call, 0, with_value);

	if (name == NULL)
		return cx_fail(cx, RC_BAD_INPUT, "%s",
			       _("Give the name of the schedule, as `recado schedules` shows it."));
	return schedule_find(cx, id, name);
}

static enum rc run_schedules(struct cx *cx, struct command_call *call)
{
	struct value *rows = NULL;
	enum rc rc = command_check(cx, call, no_options, no_options);

	if (rc == RC_OK)
		rc = db_rows(
			cx, &rows, SHOWN_MAX,
			"SELECT name, rule, zone, CASE is_enabled WHEN 1 THEN 'on' ELSE 'paused' END AS state,"
			" late_rule, late_limit_s, last_due_at, coalesce((SELECT j.state FROM job j WHERE"
			" j.schedule_id = schedule.id ORDER BY j.id DESC LIMIT 1), '-') AS last_state, next_due_at,"
			" paused_by, paused_why FROM schedule ORDER BY id LIMIT :max",
			PARAMS(P_INT(":max", SHOWN_MAX)));
	return rc == RC_OK ? command_print_rows(cx, call, rows) : rc;
}

static enum rc run_next(struct cx *cx, struct command_call *call)
{
	const char *const with_value[] = { "count", NULL };
	const char *count_text = command_option(call, "count");
	long wanted = count_text != NULL ? strtol(count_text, NULL, 10) : TIMES_USUAL;
	instant times[TIMES_MAX];
	const char *zone_text = "";
	const struct zone *zone = cx->env->zone;
	struct value *list = value_list(cx->arena);
	int64_t id = 0;
	size_t count = 0;
	enum rc rc = command_check(cx, call, no_options, with_value);

	if (rc == RC_OK && (wanted < 1 || wanted > TIMES_MAX))
		rc = cx_fail(cx, RC_BAD_INPUT, _("--count is 1 to %d."), TIMES_MAX);
	if (rc == RC_OK) rc = schedule_word(cx, call, with_value, &id);
	if (rc == RC_OK)
		rc = db_get_text(cx, &zone_text, "SELECT zone FROM schedule WHERE id = :id",
				 PARAMS(P_INT(":id", id)));
	if (rc == RC_OK) rc = schedule_times(cx, id, times, (size_t)wanted, &count);
	if (rc != RC_OK) return rc;
	if (zone_text[0] != '\0' && zone_find(zone_text) != NULL) zone = zone_find(zone_text);
	for (size_t i = 0; i < count; i++) {
		char text[RFC3339_SIZE];

		instant_text_zone(text, times[i], zone);
		if (call->is_json) {
			struct value *one = value_text(cx->arena, text);

			value_append(list, one);
		} else
			fprintf(call->out, "%s\n", text);
	}
	if (call->is_json) command_print(cx, call, list);
	return RC_OK;
}

static enum rc run_now(struct cx *cx, struct command_call *call)
{
	const char *const flags[] = { "wait", NULL };
	struct value *job = NULL;
	int64_t id = 0, job_id = 0;
	enum rc rc = command_check(cx, call, flags, no_options);

	if (rc == RC_OK) rc = schedule_word(cx, call, no_options, &id);
	if (rc == RC_OK) rc = schedule_run_now(cx, &job_id, id);
	if (rc != RC_OK) return rc;
	if (!command_flag(call, "wait"))
		return told(cx, call,
			    arena_printf(cx->arena, _("It runs now, as job %lld."), (long long)job_id));
	rc = job_wait_shown(cx, &job, job_id, RUN_WAIT_MS, call->err);
	if (rc != RC_OK) return rc;
	if (call->is_json) {
		shape_json(cx, job);
		command_print(cx, call, job);
		return RC_OK;
	}
	return told(cx, call,
		    arena_printf(cx->arena, _("Job %lld is done. %s"), (long long)job_id,
				 value_text_of(value_get(job, "note"), "")));
}

static enum rc run_pause(struct cx *cx, struct command_call *call)
{
	const char *const with_value[] = { "reason", NULL };
	const char *reason = command_option(call, "reason");
	int64_t id = 0;
	enum rc rc = command_check(cx, call, no_options, with_value);

	if (rc == RC_OK) rc = schedule_word(cx, call, with_value, &id);
	if (rc == RC_OK) rc = schedule_pause(cx, id, reason != NULL ? reason : "");
	return rc == RC_OK ? told(cx, call, _("Paused; none of its times counts until it is resumed.")) : rc;
}

static enum rc run_resume(struct cx *cx, struct command_call *call)
{
	int64_t id = 0;
	enum rc rc = command_check(cx, call, no_options, no_options);

	if (rc == RC_OK) rc = schedule_word(cx, call, no_options, &id);
	if (rc == RC_OK) rc = schedule_resume(cx, id);
	return rc == RC_OK ? told(cx, call, _("Resumed; it counts from now on.")) : rc;
}

static enum rc run_set(struct cx *cx, struct command_call *call)
{
	static const char *const fields[] = { "rule", "zone", "late_rule", "late_limit" };
	const char *field = command_word(call, 1, no_options), *value = command_word(call, 2, no_options);
	struct value *input = value_map(cx->arena);
	bool is_known = false;
	int64_t id = 0;
	enum rc rc = command_check(cx, call, no_options, no_options);

	for (size_t i = 0; field != NULL && i < sizeof(fields) / sizeof(fields[0]); i++)
		is_known = is_known || strcmp(fields[i], field) == 0;
	if (rc == RC_OK && (!is_known || value == NULL))
		rc = cx_fail(cx, RC_BAD_INPUT, "%s",
			     _("Say what to set: rule, zone, late_rule or late_limit, and its value."));
	if (rc == RC_OK) rc = schedule_word(cx, call, no_options, &id);
	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, input, strcmp(field, "late_limit") == 0 ? "late_limit_s" : field, value);
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = desk_save(cx, desk_resource("schedules"), &id, input);
	rc = tx_end(cx, rc);
	if (rc == RC_BAD_INPUT && cx->field_count > 0) rc = cx_fail(cx, rc, "%s", cx->fields[0].message);
	return rc == RC_OK ? told(cx, call, _("Saved; the next time is planned anew.")) : rc;
}

static enum rc run_reset(struct cx *cx, struct command_call *call)
{
	int64_t id = 0;
	enum rc rc = command_check(cx, call, no_options, no_options);

	if (rc == RC_OK) rc = schedule_word(cx, call, no_options, &id);
	if (rc == RC_OK) rc = schedule_reset(cx, id);
	return rc == RC_OK ? told(cx, call, _("Put back as the program has it.")) : rc;
}

/* Queues */

static enum rc run_queues(struct cx *cx, struct command_call *call)
{
	struct queue_figures figures[QUEUES_SHOWN_MAX];
	struct value *rows = value_list(cx->arena);
	size_t count = 0;
	enum rc rc = command_check(cx, call, no_options, no_options);

	if (rc == RC_OK) rc = queues_show(cx, figures, &count);
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		struct value *row = value_add_map(cx->arena, rows);

		value_set_text(cx->arena, row, "queue", figures[i].name);
		value_set_int(cx->arena, row, "limit", figures[i].limit);
		value_set_int(cx->arena, row, "running", figures[i].running);
		value_set_int(cx->arena, row, "waiting", figures[i].waiting);
		if (figures[i].oldest_due_at != 0)
			value_set_int(cx->arena, row, "oldest_due_at", figures[i].oldest_due_at);
		else
			value_set_null(cx->arena, row, "oldest_due_at");
	}
	if (rc != RC_OK) return rc;
	return command_print_rows(cx, call, rows);
}

const struct command work_commands[] = {
	{ .name = "jobs",
	  .usage = "[--state STATE] [--kind KIND]",
	  .help = N_("The newest jobs and how they stand."),
	  .needs = COMMAND_STATE,
	  .run = run_jobs },
	{ .name = "jobs show",
	  .usage = "NUMBER",
	  .help = N_("One job: state, progress, note and error."),
	  .needs = COMMAND_STATE,
	  .run = run_jobs_show },
	{ .name = "jobs log",
	  .usage = "NUMBER",
	  .help = N_("What a job said while it ran."),
	  .needs = COMMAND_STATE,
	  .run = run_jobs_log },
	{ .name = "jobs again",
	  .usage = "NUMBER | --dead [--kind KIND]",
	  .help = N_("Run a job again, or all that were given up or failed."),
	  .needs = COMMAND_HOLDER,
	  .run = run_jobs_again },
	{ .name = "jobs cancel",
	  .usage = "NUMBER [--reason TEXT]",
	  .help = N_("Cancel a job that waits or runs; discard one that was given up."),
	  .needs = COMMAND_HOLDER,
	  .run = run_jobs_cancel },
	{ .name = "schedules",
	  .usage = "",
	  .help = N_("What happens by itself: rule, last and next time."),
	  .needs = COMMAND_STATE,
	  .run = run_schedules },
	{ .name = "schedules next",
	  .usage = "NAME [--count N]",
	  .help = N_("The next times of a schedule."),
	  .needs = COMMAND_STATE,
	  .run = run_next },
	{ .name = "schedules run",
	  .usage = "NAME [--wait]",
	  .help = N_("Run a schedule's work now; its due times stay as they are."),
	  .needs = COMMAND_HOLDER,
	  .run = run_now },
	{ .name = "schedules pause",
	  .usage = "NAME [--reason TEXT]",
	  .help = N_("Let none of its times count until it is resumed."),
	  .needs = COMMAND_HOLDER,
	  .run = run_pause },
	{ .name = "schedules resume",
	  .usage = "NAME",
	  .help = N_("Let a paused schedule count again, from now on."),
	  .needs = COMMAND_HOLDER,
	  .run = run_resume },
	{ .name = "schedules set",
	  .usage = "NAME rule|zone|late_rule|late_limit VALUE",
	  .help = N_("Change when a schedule runs and what happens to a missed time."),
	  .needs = COMMAND_HOLDER,
	  .run = run_set },
	{ .name = "schedules reset",
	  .usage = "NAME",
	  .help = N_("Rule, late rule and limit as the program has them."),
	  .needs = COMMAND_HOLDER,
	  .run = run_reset },
	{ .name = "queues",
	  .usage = "",
	  .help = N_("How much of each queue runs and waits."),
	  .needs = COMMAND_HOLDER,
	  .run = run_queues },
	{ .name = NULL },
};
