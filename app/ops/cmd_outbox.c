/*
** cmd_outbox.c -- `recado outbox channels | test | pause | resume | stop-all | resume-all`: the channels from
** a shell.
**
** Needs:  outbox.h for the channels and the kill switch.
** Never:  shows a key or an address.
** Holds:  (1) what stops or opens runs in the process that sends if one answers, and is true when the command
**         returns; (2) without a server no engine starts for it, so nothing slips out before a stop is
**         written.
*/
#include "ops/cmd.h"

#include <string.h>

static const char *const no_options[] = { NULL };

/* A row that runs anywhere may have no database; these are about nothing else. */
static enum rc check(struct cx *cx, const struct command_call *call, const char *const *takes_value)
{
	enum rc rc = command_check(cx, call, no_options, takes_value);

	return rc == RC_OK && cx->db == NULL
		       ? cx_fail(cx, RC_IO, "%s", _("The database cannot be opened: recado check says why."))
		       : rc;
}

/* Channels */

static void print_caps(struct cx *cx, struct command_call *call, const struct value *c)
{
	static const char *const keys[][2] = { { "per_hour", "used_hour" },
					       { "per_day", "used_day" },
					       { "per_month", "used_month" } };
	const char *const words[] = { _("this hour"), _("today"), _("this month") };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		int64_t cap = value_int_of(value_get(c, keys[i][0]), 0);

		if (cap > 0)
			fprintf(call->out, "             %s: %lld / %lld\n", words[i],
				(long long)value_int_of(value_get(c, keys[i][1]), 0), (long long)cap);
	}
}

static const char *state_words(struct cx *cx, const struct value *c)
{
	const char *state = value_text_of(value_get(c, "state"), "");

	if (!value_bool_of(value_get(c, "is_configured"), true)) return _("not set up");
	if (strcmp(state, "open") == 0) return _("Open: messages leave");
	return strcmp(state, "waiting") == 0 ? _("Waiting") : _("Stopped: nothing leaves");
}

static void print_channel(struct cx *cx, struct command_call *call, const struct value *c)
{
	const char *why = value_text_of(value_get(c, "why_text"), "");
	instant until = value_int_of(value_get(c, "until_at"), 0);
	char at[RFC3339_SIZE];

	fprintf(call->out, "%-12s %s", value_text_of(value_get(c, "name"), ""), state_words(cx, c));
	fprintf(call->out, _(" · queued %lld · unsure %lld · left today %lld"),
		(long long)value_int_of(value_get(c, "queued"), 0),
		(long long)value_int_of(value_get(c, "unsure"), 0),
		(long long)value_int_of(value_get(c, "sent_today"), 0));
	fputc('\n', call->out);
	if (*why != '\0') {
		fprintf(call->out, "             %s", why);
		if (until > 0) {
			instant_text_local(at, until, cx->env->zone);
			fprintf(call->out, _(" (until %s)"), at);
		}
		fputc('\n', call->out);
	}
	print_caps(cx, call, c);
}

static void print_halted(struct cx *cx, struct command_call *call, const struct value *how)
{
	char at[RFC3339_SIZE];

	instant_text_local(at, value_int_of(value_get(how, "at"), 0), cx->env->zone);
	fprintf(call->out,
		_("Everything is stopped since %s by %s. `recado outbox resume-all` lets it go on."), at,
		value_text_of(value_get(how, "by"), "?"));
	fprintf(call->out, "\n%s%s", value_text_of(value_get(how, "why"), ""),
		value_text_of(value_get(how, "why"), "")[0] != '\0' ? "\n" : "");
}

static enum rc run_channels(struct cx *cx, struct command_call *call)
{
	struct value *list = NULL, *how = NULL;
	bool is_halted = false;
	enum rc rc = check(cx, call, no_options);

	if (rc == RC_OK) rc = channels_list(cx, &list);
	if (rc == RC_OK) rc = outbox_is_halted(cx, &is_halted, &how);
	if (rc != RC_OK) return rc;
	if (call->is_json) {
		struct value *all = value_map(cx->arena);

		value_set_bool(cx->arena, all, "is_halted", is_halted);
		value_set(all, "halted", how);
		value_set(all, "channels", list);
		shape_json(cx, all);
		command_print(cx, call, all);
		return RC_OK;
	}
	if (is_halted) print_halted(cx, call, how);
	for (const struct value *c = list->first; c != NULL; c = c->next)
		print_channel(cx, call, c);
	return RC_OK;
}

/* One channel */

static enum rc the_channel(struct cx *cx, const struct command_call *call, const char *const *takes_value,
			   const char **name)
{
	enum rc rc = check(cx, call, takes_value);

	if (rc != RC_OK) return rc;
	*name = command_word(call, 0, takes_value);
	if (*name == NULL || command_word(call, 1, takes_value) != NULL)
		return cx_fail(cx, RC_BAD_INPUT, "%s",
			       _("Say which channel: whatsapp, email, slack, discord or telegram."));
	return RC_OK;
}

static void say(struct cx *cx, struct command_call *call, const char *sentence)
{
	struct value *v;

	if (!call->is_json) {
		fprintf(call->out, "%s\n", sentence);
		return;
	}
	v = value_map(cx->arena);
	value_set_text(cx->arena, v, "sentence", sentence);
	command_print(cx, call, v);
}

static enum rc run_pause(struct cx *cx, struct command_call *call)
{
	static const char *const with_value[] = { "reason", NULL };
	const char *name = NULL;
	enum rc rc = the_channel(cx, call, with_value, &name);

	if (rc == RC_OK) rc = channel_pause(cx, name, command_option(call, "reason"));
	if (rc == RC_OK) say(cx, call, _("The channel is stopped: nothing leaves until you open it."));
	return rc;
}

static enum rc run_resume(struct cx *cx, struct command_call *call)
{
	const char *name = NULL;
	enum rc rc = the_channel(cx, call, no_options, &name);

	if (rc == RC_OK) rc = channel_open(cx, name);
	if (rc == RC_OK) say(cx, call, _("The channel is open: what waits leaves now."));
	return rc;
}

static enum rc run_test(struct cx *cx, struct command_call *call)
{
	const char *name = NULL, *sentence = "";
	enum rc rc = the_channel(cx, call, no_options, &name);

	if (rc == RC_OK) rc = channel_test(cx, name, &sentence);
	if (rc == RC_OK) say(cx, call, sentence);
	return rc;
}

/* Everything */

static enum rc run_stop_all(struct cx *cx, struct command_call *call)
{
	static const char *const with_value[] = { "reason", NULL };
	enum rc rc = check(cx, call, with_value);

	if (rc == RC_OK) rc = outbox_halt(cx, true, command_option(call, "reason"));
	if (rc == RC_OK) say(cx, call, _("Everything is stopped: no message leaves on any channel."));
	return rc;
}

static enum rc run_resume_all(struct cx *cx, struct command_call *call)
{
	enum rc rc = check(cx, call, no_options);

	if (rc == RC_OK) rc = outbox_halt(cx, false, NULL);
	if (rc == RC_OK)
		say(cx, call, _("Messages leave again. A channel that was stopped by itself stays so."));
	return rc;
}

const struct command outbox_commands[] = {
	{ .name = "outbox channels",
	  .usage = "[--json]",
	  .help = N_("Every channel: its state and why, what waits, what left, what may still leave."),
	  .needs = COMMAND_ANYWHERE,
	  .run = run_channels },
	{ .name = "outbox test",
	  .usage = "CHANNEL",
	  .help = N_("One harmless call to the channel's provider, and how it went."),
	  .needs = COMMAND_ANYWHERE,
	  .run = run_test },
	{ .name = "outbox pause",
	  .usage = "CHANNEL [--reason TEXT]",
	  .help = N_("Stop one channel: what is for it waits."),
	  .needs = COMMAND_ANYWHERE,
	  .run = run_pause },
	{ .name = "outbox resume",
	  .usage = "CHANNEL",
	  .help = N_("Open a channel that was stopped, also after a restore: what waits leaves now."),
	  .needs = COMMAND_ANYWHERE,
	  .run = run_resume },
	{ .name = "outbox stop-all",
	  .usage = "[--reason TEXT]",
	  .help = N_("Nothing leaves any more, on any channel, until resume-all."),
	  .needs = COMMAND_ANYWHERE,
	  .run = run_stop_all },
	{ .name = "outbox resume-all",
	  .usage = "",
	  .help = N_("Messages may leave again after stop-all."),
	  .needs = COMMAND_ANYWHERE,
	  .run = run_resume_all },
	{ .name = NULL },
};
