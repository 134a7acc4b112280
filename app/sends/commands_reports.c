/*
** commands_reports.c -- `recado sends reports …` and `recado sends post-reports`.
**
** Needs:  reports.h; a command may wait for the provider.
*/
#include "sends/commands.h"

#include "sends/reports.h"
#include <stdlib.h>
#include <string.h>

static enum rc usage(struct cx *cx, const struct command_call *call)
{
	return cx_fail(cx, RC_BAD_INPUT, _("Usage: recado %s %s"), call->name, call->usage);
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
	int64_t id = 0, rows = 0;
	enum rc rc;

	if (given == NULL) return usage(cx, call);
	rc = find_report(cx, &id, given);
	if (rc == RC_OK)
		rc = report_load(cx, NULL, &rows, id, alias != NULL ? alias : ALIAS_DEFAULT,
				 command_flag(call, "again"));
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

enum rc sends_post_reports_command(struct cx *cx, struct command_call *call)
{
	const char *given = command_option(call, "bulk-id");
	/* process_post_send_reports_now: whatever their age */
	bool is_now = call->typed != NULL && strlen(call->typed) > 4 &&
		      strcmp(call->typed + strlen(call->typed) - 3, "now") == 0;
	int64_t id = 0, passes = 0;
	enum rc rc = command_check(cx, call, OPTIONS("force", "verbose-report"), OPTIONS("bulk-id"));

	if (rc == RC_OK && given != NULL) rc = bulk_find(cx, &id, given);
	if (rc == RC_OK)
		rc = reports_after_send(cx, NULL, id, is_now || command_flag(call, "force"), &passes);
	if (rc != RC_OK && rc != RC_PARTLY) return rc;
	if (call->is_json)
		fprintf(call->out, "{\"passes\":%lld}\n", (long long)passes);
	else
		fprintf(call->out, _("Passes done: %lld.\n"), (long long)passes);
	return rc;
}
