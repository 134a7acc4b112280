/*
** cmd_show.c -- `recado outbox`: what the panel's list shows, for the shell; rows printed for every command.
**
** Numbers are masked: a terminal is copied into tickets and chats.
*/
#include "base/text.h"
#include "ops/cmd.h"
#include <string.h>

#define SHOWN_MAX 200 /* a terminal's worth; the API and CSV have all */

/* Print rows as JSON or as columns under their names. */
enum rc command_print_rows(struct cx *cx, struct command_call *call, struct value *rows)
{
	if (call->is_json) {
		shape_json(cx, rows);
		command_print(cx, call, rows);
		return RC_OK;
	}
	if (rows->first == NULL) fprintf(call->out, "%s\n", _("None."));
	for (const struct value *row = rows->first; row != NULL; row = row->next) {
		const char *gap = "";

		for (const struct value *cell = row->first; cell != NULL; cell = cell->next) {
			size_t len = strlen(cell->key);

			if (cell->type == VALUE_INT && len > 3 && strcmp(cell->key + len - 3, "_at") == 0) {
				char at[RFC3339_SIZE];

				instant_text_local(at, cell->integer, cx->env->zone);
				fprintf(call->out, "%s%s", gap, at);
			} else if (cell->type == VALUE_INT)
				fprintf(call->out, "%s%lld", gap, (long long)cell->integer);
			else
				fprintf(call->out, "%s%s", gap, value_text_of(cell, "-"));
			gap = "  ";
		}
		fputc('\n', call->out);
	}
	return RC_OK;
}

enum rc ops_run_outbox(struct cx *cx, struct command_call *call)
{
	const char *const with_value[] = { "state", NULL };
	const char *const none[] = { NULL };
	const char *state = command_option(call, "state");
	struct value *rows = NULL;
	enum rc rc = command_check(cx, call, none, with_value);

	if (rc == RC_OK && state == NULL)
		rc = db_rows(
			cx, &rows, SHOWN_MAX,
			"SELECT m.id, m.state, m.occasion, c.address AS address, m.attempts, m.created_at, m.sent_at, m.error"
			" FROM message m JOIN contact c ON c.id = m.contact_id ORDER BY m.id DESC LIMIT 200",
			NO_PARAMS);
	else if (rc == RC_OK)
		rc = db_rows(
			cx, &rows, SHOWN_MAX,
			"SELECT m.id, m.state, m.occasion, c.address AS address, m.attempts, m.created_at, m.sent_at, m.error"
			" FROM message m JOIN contact c ON c.id = m.contact_id WHERE m.state = :state ORDER BY m.id DESC LIMIT 200",
			PARAMS(P_TEXT(":state", state)));
	if (rc != RC_OK) return rc;
	for (struct value *row = rows->first; row != NULL; row = row->next)
		for (struct value *cell = row->first; cell != NULL; cell = cell->next)
			if (cell->type == VALUE_TEXT && strcmp(cell->key, "address") == 0) {
				cell->text = text_mask(cx->arena, cell->text);
				cell->len = strlen(cell->text);
			}
	return command_print_rows(cx, call, rows);
}
