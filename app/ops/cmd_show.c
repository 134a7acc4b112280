/*
** cmd_show.c -- `recado outbox`: what the panel's list shows, for the shell; rows printed for every command.
**
** Numbers are masked: a terminal is copied into tickets and chats.
*/
#include "base/text.h"
#include "ops/cmd.h"
#include <string.h>

#define SHOWN_MAX   200 /* a terminal's worth; the API and CSV have all */
#define COLUMNS_MAX 16  /* schedules have the most: eleven              */

#define MESSAGE_STATES "queued sending sent delivered read failed unsure cancelled expired skipped"

/* What stands over a column for people; one without a title here shows its name in --json. */
static const struct {
	const char *key, *title;
} titles[] = {
	{ "id", N_("Number") },
	{ "state", N_("State") },
	{ "occasion", N_("Occasion") },
	{ "address", N_("To") },
	{ "attempts", N_("Attempts") },
	{ "created_at", N_("Made") },
	{ "sent_at", N_("Sent at") },
	{ "error", N_("Error") },
	{ "kind", N_("Job") },
	{ "run_at", N_("Due") },
	{ "progress_done", N_("Progress") },
	{ "progress_total", N_("Of") },
	{ "note", N_("Note") },
	{ "said_at", N_("When") },
	{ "level", N_("Level") },
	{ "text", N_("Text") },
	{ "name", N_("Name") },
	{ "rule", N_("Rule") },
	{ "zone", N_("Time zone") },
	{ "late_rule", N_("When a time was missed") },
	{ "late_limit_s", N_("Late at most (seconds)") },
	{ "last_due_at", N_("Last time") },
	{ "last_state", N_("Last outcome") },
	{ "next_due_at", N_("Next time") },
	{ "paused_by", N_("Paused by") },
	{ "paused_why", N_("Paused because") },
	{ "queue", N_("Queue") },
	{ "limit", N_("Limit") },
	{ "running", N_("Running") },
	{ "waiting", N_("Waiting") },
	{ "oldest_due_at", N_("Oldest due") },
};

static const char *title_of(struct cx *cx, const char *key)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (strcmp(titles[i].key, key) == 0) return words_get(cx->lang, titles[i].title);
	return key;
}

static const char *cell_text(struct cx *cx, const struct value *cell)
{
	size_t len = strlen(cell->key);
	const char *text;

	if (cell->type == VALUE_INT && len > 3 && strcmp(cell->key + len - 3, "_at") == 0) {
		char at[RFC3339_SIZE];

		instant_text_local(at, cell->integer, cx->env->zone);
		return arena_text(cx->arena, at);
	}
	if (cell->type == VALUE_INT) return arena_printf(cx->arena, "%lld", (long long)cell->integer);
	text = value_text_of(cell, "");
	/* what went wrong was kept as a msgid */
	if (strcmp(cell->key, "error") == 0) text = words_get(cx->lang, text);
	return text[0] != '\0' ? text : "-";
}

/* As wide as the widest one above or below it; the last of a line ends it. */
static void print_cell(FILE *out, const char *text, size_t width, bool is_last)
{
	fputs(text, out);
	if (is_last)
		fputc('\n', out);
	else
		for (size_t n = text_length(text); n < width + 2; n++)
			fputc(' ', out);
}

/* Print rows as JSON or as columns under their names. */
enum rc command_print_rows(struct cx *cx, struct command_call *call, struct value *rows)
{
	size_t width[COLUMNS_MAX] = { 0 }, n;

	if (call->is_json) {
		shape_json(cx, rows);
		command_print(cx, call, rows);
		return RC_OK;
	}
	if (rows->first == NULL) {
		fprintf(call->out, "%s\n", _("None."));
		return RC_OK;
	}
	for (const struct value *row = rows->first; row != NULL; row = row->next) {
		n = 0;
		for (const struct value *cell = row->first; cell != NULL && n < COLUMNS_MAX;
		     cell = cell->next, n++) {
			size_t text = text_length(cell_text(cx, cell)),
			       head = text_length(title_of(cx, cell->key));

			width[n] = text > width[n] ? text : width[n];
			width[n] = head > width[n] ? head : width[n];
		}
	}
	n = 0;
	for (const struct value *cell = rows->first->first; cell != NULL && n < COLUMNS_MAX;
	     cell = cell->next, n++)
		print_cell(call->out, title_of(cx, cell->key), width[n], cell->next == NULL);
	for (const struct value *row = rows->first; row != NULL; row = row->next) {
		n = 0;
		for (const struct value *cell = row->first; cell != NULL && n < COLUMNS_MAX;
		     cell = cell->next, n++)
			print_cell(call->out, cell_text(cx, cell), width[n], cell->next == NULL);
	}
	return RC_OK;
}

enum rc command_one_of(struct cx *cx, const char *option, const char *value, const char *list)
{
	size_t len;

	if (value == NULL) return RC_OK;
	len = strlen(value);
	for (const char *p = list; *p != '\0'; p += strcspn(p, " "), p += *p == ' ')
		if (strcspn(p, " ") == len && strncmp(p, value, len) == 0 && len > 0) return RC_OK;
	return cx_fail(cx, RC_BAD_INPUT, _("“%.60s” is none of the words for %s: %s"), value, option, list);
}

enum rc ops_run_outbox(struct cx *cx, struct command_call *call)
{
	const char *const with_value[] = { "state", NULL };
	const char *const none[] = { NULL };
	const char *state = command_option(call, "state");
	struct value *rows = NULL;
	enum rc rc = command_check(cx, call, none, with_value);

	if (rc == RC_OK) rc = command_one_of(cx, "--state", state, MESSAGE_STATES);
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
