/*
** commands_reports.c -- `recado sends reports …` and `recado sends post-reports`.
**
** Needs:  reports.h; a command may wait for the provider.
*/
#include "sends/commands.h"

#include "sends/report_inner.h"
#include <poll.h>
#include <stddef.h>
#include <string.h>

#define WAIT_MS     HOUR_MS /* a provider takes a quarter of an hour at most, three times over */
#define POLL_MS     200
#define PASSES_TOLD 200

static enum rc usage(struct cx *cx, const struct command_call *call)
{
	return cx_fail(cx, RC_BAD_INPUT, _("Usage: recado %s %s"), call->name, call->usage);
}

/* Somebody else is at it: soon over. */
static bool is_busy(const struct cx *cx, enum rc rc)
{
	return (rc == RC_CONFLICT || rc == RC_TRY_LATER) && cx->error_code != NULL &&
	       (strcmp(cx->error_code, "busy") == 0 || strcmp(cx->error_code, LOAD_BUSY) == 0);
}

static void forget_busy(struct cx *cx)
{
	cx->message = "";
	cx->error_code = NULL;
}

static enum rc run_request(struct cx *cx, struct command_call *call)
{
	const char *type = command_word(call, 1, NO_OPTIONS), *from = command_word(call, 2, NO_OPTIONS),
		   *to = command_word(call, 3, NO_OPTIONS);
	struct value *out = value_map(cx->arena);
	const char *public_id = "";
	int64_t id = 0;
	enum rc rc;

	if (type == NULL || from == NULL) return usage(cx, call);
	rc = report_request(cx, &id, type, from, to != NULL ? to : from);
	if (rc == RC_OK)
		rc = db_get_text(cx, &public_id, "SELECT public_id FROM generated_report WHERE id = :id",
				 PARAMS(P_INT(":id", id)));
	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, out, "id", public_id);
	value_set_int(cx->arena, out, "number", id);
	if (call->is_json) return sends_print(cx, call, out);
	fprintf(call->out, "%s\n", public_id);
	return RC_OK;
}

static enum rc run_process(struct cx *cx, struct command_call *call)
{
	int64_t moved = 0;
	enum rc rc = reports_process(cx, NULL, &moved);

	if (rc != RC_OK && rc != RC_PARTLY) return rc;
	if (call->is_json)
		fprintf(call->out, "{\"moved\":%lld}\n", (long long)moved);
	else
		fprintf(call->out, _("Reports that got on: %lld.\n"), (long long)moved);
	return rc;
}

/* By public id, or by number as the lists of old show it. */
static enum rc find_report(struct cx *cx, int64_t *id, const char *given)
{
	struct value number = { .type = VALUE_TEXT, .text = given, .len = strlen(given) };
	enum rc rc = db_get_int(cx, id, "SELECT id FROM generated_report WHERE public_id = :id",
				PARAMS(P_TEXT(":id", given)));

	if (rc == RC_NOT_FOUND)
		rc = db_get_int(cx, id, "SELECT id FROM generated_report WHERE id = :id",
				PARAMS(P_INT(":id", value_int_of(&number, 0))));
	return rc == RC_NOT_FOUND ? cx_fail(cx, rc, _("There is no report %.40s."), given) : rc;
}

static enum rc run_load(struct cx *cx, struct command_call *call)
{
	const char *const *with_value = OPTIONS("alias");
	const char *given = command_word(call, 1, with_value), *alias = command_option(call, "alias");
	int64_t id = 0, rows = 0, until = clock_ticks() + WAIT_MS;
	enum rc rc;

	if (given == NULL) return usage(cx, call);
	rc = find_report(cx, &id, given);
	while (rc == RC_OK) {
		rc = report_load(cx, NULL, &rows, id, alias != NULL ? alias : ALIAS_DEFAULT,
				 command_flag(call, "again"));
		/* Another load takes seconds; whoever types a command waits for its turn. */
		if (!is_busy(cx, rc) || cx->env->is_stopping || clock_ticks() >= until) break;
		forget_busy(cx);
		(void)poll(NULL, 0, POLL_MS);
		rc = RC_OK;
	}
	if (rc != RC_OK) return rc;
	if (call->is_json)
		fprintf(call->out, "{\"rows_inserted\":%lld}\n", (long long)rows);
	else
		fprintf(call->out, _("Rows loaded: %lld.\n"), (long long)rows);
	return RC_OK;
}

enum rc sends_reports_command(struct cx *cx, struct command_call *call)
{
	bool is_old = call->typed != NULL && strcmp(call->typed, "sends") != 0; /* process_reports_pending */
	const char *word = is_old ? "process" : command_word(call, 0, OPTIONS("alias"));

	if (word == NULL) return usage(cx, call);
	if (strcmp(word, "request") == 0) return run_request(cx, call);
	if (strcmp(word, "process") == 0) return run_process(cx, call);
	if (strcmp(word, "load") == 0) return run_load(cx, call);
	return usage(cx, call);
}

/* Passes */

/* Of one send, or (0) of all: those that are due and not over, and where the reports of all days stand. */
struct standing {
	int64_t open, asked, made, failed, jobs;
};

static enum rc read_standing(struct cx *cx, struct arena *scratch, struct standing *s, int64_t id)
{
	struct arena *own = cx->arena;
	struct value *row = NULL;
	enum rc rc;

	arena_reset(scratch);
	cx->arena = scratch;
	rc = db_row(
		cx, &row,
		"SELECT (SELECT count(*) FROM bulk_report_pass WHERE done_at IS NULL AND due_at <= :now"
		" AND (:id = 0 OR bulk_id = :id)) AS open,"
		" (SELECT count(*) FROM generated_report WHERE state = 'PENDING') AS asked,"
		" (SELECT count(*) FROM generated_report WHERE state = 'PROCESSING') AS made,"
		" (SELECT count(*) FROM generated_report WHERE state = 'ERROR' AND updated_at >= :now - 3600000) AS failed,"
		" (SELECT count(*) FROM job WHERE slot >= 'post_report:' AND slot < 'post_report;'"
		" AND state IN ('queued', 'running')) AS jobs",
		PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	if (rc == RC_OK)
		*s = (struct standing){ value_int_of(value_get(row, "open"), 0),
					value_int_of(value_get(row, "asked"), 0),
					value_int_of(value_get(row, "made"), 0),
					value_int_of(value_get(row, "failed"), 0),
					value_int_of(value_get(row, "jobs"), 0) };
	cx->arena = own;
	return rc;
}

static void show_standing(struct cx *cx, const struct command_call *call, const struct standing *s)
{
	if (call->is_json) return;
	fprintf(call->err,
		_("Passes under way: %lld. Reports asked for: %lld, being made: %lld, with an error: %lld.\n"),
		(long long)s->open, (long long)s->asked, (long long)s->made, (long long)s->failed);
	fflush(call->err);
}

static enum rc go_on_here(struct cx *cx, int64_t id, int64_t *passes)
{
	enum rc rc = reports_after_send(cx, NULL, id, false, passes);

	if (!is_busy(cx, rc)) return rc;
	forget_busy(cx);
	return RC_OK;
}

/* What stands goes on by jobs: of fetching, of looking, of the pass. Where none is waiting (a load of
** somebody else was in the way) it is gone on with here. */
static enum rc wait_passes(struct cx *cx, struct command_call *call, int64_t id)
{
	struct arena *scratch = arena_new(1024 * 1024);
	struct standing s = { .open = -1 }, shown = { .open = -1 };
	int64_t until = clock_ticks() + WAIT_MS, passes = 0;
	enum rc rc = scratch != NULL ? RC_OK : RC_NO_MEMORY;

	while (rc == RC_OK && s.open != 0) {
		rc = read_standing(cx, scratch, &s, id);
		if (rc == RC_OK && memcmp(&s, &shown, offsetof(struct standing, jobs)) != 0) {
			show_standing(cx, call, &s);
			shown = s;
		}
		if (rc != RC_OK || s.open == 0) break;
		if (clock_ticks() >= until || cx->env->is_stopping) {
			rc = cx_fail(cx, RC_TRY_LATER, "%s",
				     _("It takes long; look at it with `recado jobs`."));
			break;
		}
		if (s.jobs + s.asked + s.made == 0) rc = go_on_here(cx, id, &passes);
		(void)poll(NULL, 0, POLL_MS);
	}
	arena_free(scratch);
	return rc;
}

static const char *outcome_words(struct cx *cx, const struct value *pass)
{
	const char *outcome = value_text_of(value_get(pass, "outcome"), "");

	if (strcmp(outcome, "done") == 0) return _("its mails were found in the reports");
	return strcmp(outcome, "zero_rows") == 0 ? _("no rows yet") : _("with an error");
}

/* "Send 12, pass 10: no rows yet." */
static enum rc print_passes(struct cx *cx, struct command_call *call, const struct value *ended)
{
	for (const struct value *p = ended->first; p != NULL; p = p->next)
		fprintf(call->out, _("Send %lld, pass %lld: %s.\n"),
			(long long)value_int_of(value_get(p, "bulk_id"), 0),
			(long long)value_int_of(value_get(p, "pass"), 0), outcome_words(cx, p));
	return RC_OK;
}

static enum rc tell_passes(struct cx *cx, struct command_call *call, int64_t id, instant since)
{
	struct value *ended = NULL, *out = value_map(cx->arena);
	int64_t failed = 0;
	enum rc rc =
		db_rows(cx, &ended, PASSES_TOLD,
			"SELECT bulk_id, pass, outcome, done_at FROM bulk_report_pass WHERE done_at >= :since"
			" AND (:id = 0 OR bulk_id = :id) ORDER BY done_at, bulk_id, pass",
			PARAMS(P_INT(":since", since), P_INT(":id", id)));

	if (rc != RC_OK) return rc;
	for (const struct value *p = ended->first; p != NULL; p = p->next)
		failed += strcmp(value_text_of(value_get(p, "outcome"), ""), "error") == 0;
	if (call->is_json) {
		value_set_int(cx->arena, out, "passes", (int64_t)ended->count);
		value_set(out, "ended", ended);
		rc = sends_print(cx, call, out);
	} else {
		if (command_flag(call, "verbose-report")) rc = print_passes(cx, call, ended);
		fprintf(call->out, _("Passes done: %lld.\n"), (long long)ended->count);
	}
	if (rc != RC_OK || failed == 0) return rc;
	return cx_fail(cx, failed == (int64_t)ended->count ? RC_IO : RC_PARTLY,
		       _("Passes that ended without their reports: %lld. `recado sends show` says why."),
		       (long long)failed);
}

enum rc sends_post_reports_command(struct cx *cx, struct command_call *call)
{
	const char *given = command_option(call, "bulk-id");
	/* process_post_send_reports_now: whatever their age */
	bool is_now = call->typed != NULL && strlen(call->typed) > 4 &&
		      strcmp(call->typed + strlen(call->typed) - 3, "now") == 0,
	     waits = command_flag(call, "wait");
	int64_t id = 0, passes = 0;
	instant since = cx_now(cx);
	enum rc rc = command_check(cx, call, OPTIONS("force", "wait", "verbose-report"), OPTIONS("bulk-id"));

	if (rc == RC_OK && given != NULL) rc = bulk_find(cx, &id, given);
	if (rc == RC_OK)
		rc = reports_after_send(cx, NULL, id, is_now || command_flag(call, "force"), &passes);
	while (waits && is_busy(cx, rc) && !cx->env->is_stopping) {
		forget_busy(cx);
		(void)poll(NULL, 0, POLL_MS);
		rc = reports_after_send(cx, NULL, id, is_now || command_flag(call, "force"), &passes);
	}
	if (rc == RC_OK && waits) rc = wait_passes(cx, call, id);
	return rc == RC_OK || rc == RC_PARTLY ? tell_passes(cx, call, id, since) : rc;
}
