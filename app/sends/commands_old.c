/*
** commands_old.c -- what the old programs' commands did that is no more than a word here (spec §19).
**
** Holds:  bulk_v2_real_send keeps its own exits: 0 sent or nothing to do, 2 a precondition, 3 unsure mails, 4
**         under way or its work waits already, 5 not allowed; all others have the house's.
*/
#include "sends/commands.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_PRECONDITION 2
#define EXIT_AMBIGUOUS    3
#define EXIT_BUSY         4
#define EXIT_DENIED       5
#define WORK_WAIT_MS      (30 * MINUTE_MS)
#define POLL_MS           100

static int64_t count_of(const struct value *counts, const char *name)
{
	return value_int_of(value_get(counts, name), 0);
}

/* bulk_v2_real_send */

struct standing {
	struct bulk b;
	struct value *counts;
	int64_t open_jobs;
};

static enum rc read_standing(struct cx *cx, struct standing *s, int64_t id)
{
	enum rc rc = bulk_read(cx, &s->b, id);

	if (rc == RC_OK) rc = bulk_counts(cx, &s->counts, id, false);
	if (rc == RC_OK)
		rc = db_get_int(
			cx, &s->open_jobs,
			"SELECT count(*) FROM job WHERE slot IN (:send, :next) AND state IN ('queued', 'running')",
			PARAMS(P_TEXT(":send", bulk_slot(cx, "send", id)),
			       P_TEXT(":next", bulk_slot(cx, "next", id))));
	return rc;
}

static enum rc refuse(struct cx *cx, struct command_call *call, int code, const char *sentence)
{
	call->own_exit = code;
	return cx_fail(cx, RC_CONFLICT, "%s", sentence);
}

/* Nothing is reset by itself: the old order of the checks. *goes_on false: it ended here. */
static enum rc judge(struct cx *cx, struct command_call *call, const struct standing *s, bool *goes_on)
{
	*goes_on = false;
	if (!setting_bool(cx->env->settings, "sends.enabled"))
		return refuse(cx, call, EXIT_DENIED, _("Bulk sends are switched off (sends.enabled)."));
	if (count_of(s->counts, "unsure") > 0)
		return refuse(cx, call, EXIT_AMBIGUOUS,
			      _("Some of its mails are unsure; decide them first."));
	if (count_of(s->counts, "sending") > 0 || s->open_jobs > 0)
		return refuse(cx, call, EXIT_BUSY, _("It is under way, or its work waits already."));
	if (strncmp(s->b.import_status, "ready", 5) != 0)
		return refuse(cx, call, EXIT_PRECONDITION, _("Its recipients are not imported."));
	if (bulk_is(&s->b, "done") || count_of(s->counts, "eligible") == 0) {
		return sends_say(cx, call, s->b.id, _("Nothing to do."));
	}
	if (!bulk_is(&s->b, "pending") && !(bulk_is(&s->b, "error") && s->b.batch_id == 0)) {
		call->own_exit = EXIT_PRECONDITION;
		return bulk_refuse(cx, s->b.id);
	}
	*goes_on = true;
	return RC_OK;
}

static enum rc real_send(struct cx *cx, struct command_call *call, int64_t id)
{
	struct standing s;
	enum rc rc = bulk_enqueue(cx, id);

	if (rc == RC_BAD_INPUT || rc == RC_NOT_FOUND) call->own_exit = EXIT_PRECONDITION;
	if (rc == RC_CONFLICT) call->own_exit = EXIT_BUSY;
	if (rc == RC_OK) rc = sends_wait(cx, call, id);
	if (rc == RC_OK) rc = read_standing(cx, &s, id);
	if (rc != RC_OK) return rc;
	rc = sends_say(cx, call, id,
		       arena_printf(cx->arena, _("Sent: %lld. Failed: %lld. Unsure: %lld."),
				    (long long)count_of(s.counts, "sent"),
				    (long long)count_of(s.counts, "failed"),
				    (long long)count_of(s.counts, "unsure")));
	if (rc != RC_OK) return rc;
	if (count_of(s.counts, "unsure") > 0)
		return refuse(cx, call, EXIT_AMBIGUOUS,
			      _("Some of its mails are unsure; decide them first."));
	if (bulk_is(&s.b, "error") && s.b.batch_id == 0)
		return refuse(cx, call, EXIT_PRECONDITION, _("Nothing was sent; the send says why."));
	if (bulk_is(&s.b, "paused"))
		return refuse(cx, call, EXIT_BUSY, _("It is under way, or its work waits already."));
	return RC_OK;
}

enum rc sends_real_send(struct cx *cx, struct command_call *call)
{
	const char *given = command_option(call, "bulk-send-id");
	bool goes_on = false, is_dry = command_flag(call, "dry-run");
	struct standing s;
	int64_t id = 0;
	enum rc rc = command_check(cx, call, OPTIONS("dry-run"), OPTIONS("bulk-send-id"));

	if (rc == RC_OK && given == NULL)
		rc = cx_fail(cx, RC_BAD_INPUT, "%s",
			     _("Usage: recado bulk_v2_real_send --bulk-send-id N [--dry-run]"));
	if (rc == RC_OK) rc = bulk_find(cx, &id, given);
	if (rc == RC_OK) rc = read_standing(cx, &s, id);
	if (rc != RC_OK) {
		call->own_exit = EXIT_PRECONDITION;
		return rc;
	}
	rc = judge(cx, call, &s, &goes_on);
	if (rc != RC_OK || !goes_on) return rc;
	if (!is_dry) return real_send(cx, call, id);
	return sends_say_count(cx, call, "would_leave", count_of(s.counts, "not_fed"),
			       arena_printf(cx->arena,
					    _("%lld mails would leave. Nothing was sent (--dry-run)."),
					    (long long)count_of(s.counts, "not_fed")));
}

/* process_background_jobs: this process, or the server it asks, runs them by itself. */

static enum rc due_jobs(struct cx *cx, int64_t *count)
{
	return db_get_int(
		cx, count,
		"SELECT count(*) FROM job WHERE slot >= 'sends.' AND slot < 'sends/' AND (state = 'running' OR"
		" (state = 'queued' AND run_at <= :now))",
		PARAMS(P_INT(":now", cx_now(cx))));
}

enum rc sends_background(struct cx *cx, struct command_call *call)
{
	struct arena *own = cx->arena, *scratch = arena_new(1024 * 1024);
	struct value *out;
	int64_t until = clock_ticks() + WORK_WAIT_MS, before = 0, left = 0;
	enum rc rc = scratch == NULL
			     ? RC_NO_MEMORY
			     : command_check(cx, call, OPTIONS("loop"), OPTIONS("limit", "sleep", "types"));

	if (rc == RC_OK && command_option(call, "limit") != NULL)
		rc = sends_number(cx, &left, "--limit", command_option(call, "limit"));
	if (rc == RC_OK && command_flag(call, "loop"))
		fprintf(call->err, "%s\n",
			_("--loop is not needed: the server (recado serve) does this by itself."));
	if (rc == RC_OK) rc = due_jobs(cx, &before);
	for (left = before; rc == RC_OK && left > 0 && clock_ticks() < until && !cx->env->is_stopping;) {
		arena_reset(scratch);
		cx->arena = scratch;
		rc = due_jobs(cx, &left);
		cx->arena = own;
		if (left > 0) (void)poll(NULL, 0, POLL_MS);
	}
	arena_free(scratch);
	if (rc != RC_OK) return rc;
	if (!call->is_json) {
		fprintf(call->out, _("Work that was due: %lld, still open: %lld.\n"), (long long)before,
			(long long)left);
		return RC_OK;
	}
	out = value_map(cx->arena);
	value_set_int(cx->arena, out, "due", before);
	value_set_int(cx->arena, out, "open", left);
	return sends_print(cx, call, out);
}

enum rc sends_roles(struct cx *cx, struct command_call *call)
{
	struct value *out = value_map(cx->arena), *roles = value_set_list(cx->arena, out, "roles");
	enum rc rc = command_check(cx, call, NO_OPTIONS, NO_OPTIONS);

	if (rc == RC_OK && call->is_json) {
		(void)value_add_text(cx->arena, roles, "operadores_ui");
		(void)value_add_text(cx->arena, roles, "report_managers");
		return sends_print(cx, call, out);
	}
	if (rc == RC_OK)
		fprintf(call->out, "%s\n",
			_("The roles “Operadores UI” and “Report Managers” are there; give them with `recado user role` or in the"
			  " panel."));
	return rc;
}

enum rc sends_backfill(struct cx *cx, struct command_call *call)
{
	int64_t count = 0;
	enum rc rc = command_check(cx, call, NO_OPTIONS, NO_OPTIONS);

	if (rc == RC_OK)
		rc = tx_begin(cx);
	else
		return rc;
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE bulk_send SET template_name = coalesce((SELECT p.name FROM provider_template p WHERE p.channel ="
			" bulk_send.channel AND p.provider_id = bulk_send.template_id), (SELECT t.name FROM mail_template t"
			" WHERE t.public_id = bulk_send.template_id), template_name) WHERE template_name IN ('', template_id)",
			NO_PARAMS);
	count = rc == RC_OK ? db_changes(cx) : 0;
	rc = tx_end(cx, rc);
	if (rc != RC_OK) return rc;
	return sends_say_count(cx, call, "looked_at", count,
			       arena_printf(cx->arena, _("Sends looked at: %lld."), (long long)count));
}
