/*
** cmd_alarms.c -- `recado alerts`, `recado alerts try`, `recado alerts look`.
**
** Holds:  the exit code of `recado alerts` says whether something urgent is open, for scripts: 0 no, 3 yes.
*/
#include "ops/alarm.h"

#include <string.h>

static const char *text_in(const struct value *row, const char *key)
{
	return value_text_of(value_get(row, key), "");
}

static void print_open(struct cx *cx, struct command_call *call, const struct value *page)
{
	const struct value *open = value_get(page, "open");

	if (open->first == NULL) fprintf(call->out, "%s\n", _("Nothing needs attention."));
	for (const struct value *a = open->first; a != NULL; a = a->next) {
		char at[RFC3339_SIZE];

		instant_text_local(at, value_int_of(value_get(a, "since_at"), 0), cx->env->zone);
		fprintf(call->out, "%s  %s  %s\n", at, text_in(a, "severity_shown"), text_in(a, "text"));
		if (text_in(a, "what_to_do")[0] != '\0')
			fprintf(call->out, "    %s\n", text_in(a, "what_to_do"));
	}
}

static void print_roads(struct cx *cx, struct command_call *call, const struct value *page)
{
	for (const struct value *r = value_get(page, "roads")->first; r != NULL; r = r->next)
		fprintf(call->out, "%s: %s\n", text_in(r, "title"),
			value_bool_of(value_get(r, "is_set_up"), false) ? _("set up") : _("not set up"));
}

/* Their names are what `recado alerts try` takes. */
static void print_rules(struct command_call *call, const struct value *page)
{
	for (const struct value *r = value_get(page, "rules")->first; r != NULL; r = r->next)
		fprintf(call->out, "%-20s %s\n", text_in(r, "name"), text_in(r, "title"));
}

enum rc ops_run_alerts(struct cx *cx, struct command_call *call)
{
	const char *const none[] = { NULL };
	struct value *page = NULL;
	bool is_urgent = false;
	enum rc rc = command_check(cx, call, none, none);

	if (rc == RC_OK) rc = alarms_show(cx, &page);
	if (rc != RC_OK) return rc;
	for (const struct value *a = value_get(page, "open")->first; a != NULL; a = a->next)
		is_urgent |= strcmp(text_in(a, "severity"), "urgent") == 0;
	if (call->is_json) {
		shape_json(cx, page);
		command_print(cx, call, page);
	} else {
		print_open(cx, call, page);
		fputc('\n', call->out);
		print_roads(cx, call, page);
		fputc('\n', call->out);
		print_rules(call, page);
	}
	/* The sentence is printed already. */
	return is_urgent ? RC_PARTLY : RC_OK;
}

enum rc ops_run_alerts_try(struct cx *cx, struct command_call *call)
{
	const char *const none[] = { NULL };
	const char *const with_value[] = { "road", NULL };
	struct value *out = value_map(cx->arena);
	int count = 0;
	enum rc rc = command_check(cx, call, none, with_value);

	if (rc == RC_OK)
		rc = alarms_try(cx, command_word(call, 0, with_value), command_option(call, "road"), &count);
	if (rc != RC_OK) return rc;
	value_set_int(cx->arena, out, "messages", count);
	if (call->is_json)
		command_print(cx, call, out);
	else
		fprintf(call->out,
			words_plural(cx->lang, count, N_("%d test is on its way."),
				     N_("%d tests are on their way.")),
			count);
	if (!call->is_json) fputc('\n', call->out);
	return RC_OK;
}

enum rc ops_run_alerts_look(struct cx *cx, struct command_call *call)
{
	const char *const none[] = { NULL };
	struct value *out = value_map(cx->arena);
	int raised = 0, resolved = 0;
	enum rc rc = command_check(cx, call, none, none);

	if (rc == RC_OK) rc = alarms_look(cx, &raised, &resolved);
	if (rc == RC_OK) rc = alarms_tell(cx);
	if (rc != RC_OK) return rc;
	value_set_int(cx->arena, out, "raised", raised);
	value_set_int(cx->arena, out, "resolved", resolved);
	if (call->is_json)
		command_print(cx, call, out);
	else
		fprintf(call->out, _("New: %d. Over: %d."), raised, resolved);
	if (!call->is_json) fputc('\n', call->out);
	return RC_OK;
}
