/*
** bulk_words.c -- why a send is in its state, in the reader's language.
**
** Needs:  what bulk_state.c keeps: a code, and of some codes the sentence of whoever found out, kept so that
**         it is said in any language (base/sentence.h). Rows of older versions have a plain sentence there.
** Never:  changes anything; asks the provider.
*/
#include "sends/bulk_inner.h"

#include "base/sentence.h"
#include "outbox/channel.h"
#include "sends/recipients.h"
#include <string.h>

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

/* A wait whose end is known says when. */
static const char *with_hour(struct cx *cx, const struct value *row, const char *text)
{
	instant until = value_int_of(value_get(row, "paused_until_at"), 0);
	char hour[RFC3339_SIZE];

	if (until <= cx_now(cx)) return text;
	instant_text_local(hour, until, cx->env->zone);
	return arena_printf(cx->arena, _("%s It goes on by itself on %s."), text, hour);
}

static const char *channel_words_of(struct cx *cx, const struct value *row)
{
	struct value *card = NULL;
	const char *text = "";

	if (channel_show(cx, &card, text_of(row, "channel")) == RC_OK &&
	    strcmp(text_of(card, "state"), "open") != 0)
		text = text_of(card, "why_text");
	if (text[0] == '\0') text = _("The channel cannot send right now; the send goes on by itself.");
	return with_hour(cx, row, text);
}

static const char *gateway_words(struct cx *cx, const struct value *row, const char *detail)
{
	return with_hour(cx, row,
			 arena_printf(cx->arena,
				      _("The template could not be read, so nothing has left yet. %s"),
				      detail));
}

enum rc bulk_note(struct cx *cx, struct job *job, const char *kept)
{
	struct value *result = value_map(cx->arena);

	if (kept != NULL && kept[0] != '\0') {
		value_set_text(cx->arena, result, "said", kept);
		job_note(job, sentence_words(cx->arena, cx->lang, kept));
	}
	return job_result(cx, job, result);
}

const char *bulk_note_words(struct cx *cx, const struct value *job)
{
	const char *json = text_of(job, "result_json"), *said;
	struct value *result = NULL;

	if (json_parse(cx->arena, &result, NULL, json, strlen(json)) != RC_OK) result = NULL;
	said = value_text_of(value_get(result, "said"), "");
	return said[0] != '\0' ? sentence_words(cx->arena, cx->lang, said) : text_of(job, "note");
}

const char *bulk_why_words(struct cx *cx, const struct value *row)
{
	const char *why = text_of(row, "status_why"), *words;
	const char *detail = sentence_words(cx->arena, cx->lang, text_of(row, "status_detail"));
	const char *status = text_of(row, "status");

	if (strcmp(why, WHY_CHANNEL) == 0) return channel_words_of(cx, row);
	if (strcmp(why, WHY_GATEWAY) == 0) return gateway_words(cx, row, detail);
	if (strcmp(why, WHY_GATEWAY_LATE) == 0)
		return arena_printf(
			cx->arena,
			_("The template could not be read for so long that it is too late to start by itself: nothing has left. Resume it, or call it off. %s"),
			detail);
	if (strcmp(why, WHY_BY_PERSON) == 0)
		return strcmp(status, "cancelled") == 0
			       ? _("A person called it off.")
			       : _("A person paused it; it goes on when somebody resumes it.");
	if (strcmp(why, WHY_SWITCH) == 0)
		return _(
			"Bulk sends are switched off (sends.enabled); it goes on by itself when they are on again.");
	if (strcmp(why, WHY_HALTED) == 0)
		return _("Everything is stopped: no message leaves on any channel.");
	if (strcmp(why, WHY_UNSURE) == 0)
		return _("Some mails are unsure; it goes on when all of them are decided.");
	if (strcmp(why, WHY_BATCH) == 0 && (words = channel_code_words(detail)) != NULL)
		return arena_printf(
			cx->arena,
			_("%s Nothing more leaves until somebody mends that and resumes the send."),
			words_get(cx->lang, words));
	if (strcmp(why, WHY_BATCH) == 0)
		return _(
			"Its batch was paused; it goes on when somebody opens the batch or resumes the send.");
	if (strcmp(why, WHY_NO_JOB) == 0)
		return _("Its work was cancelled or given up; it goes on when somebody resumes it.");
	if (strcmp(why, WHY_RESTORED) == 0)
		return arena_printf(
			cx->arena,
			_("The database was put back from a copy (%s): mails that left after the copy was made would leave again. Compare with what the provider delivered; then start or resume it, or call it off."),
			detail);
	if (strcmp(why, WHY_LATE) == 0)
		return _(
			"Its hour is too long ago: nothing leaves until somebody starts it or gives it another hour.");
	if (strcmp(why, WHY_NO_TEXT) == 0)
		return arena_printf(
			cx->arena,
			_("The content of the template could not be read, so nothing was sent. %s"), detail);
	if (strcmp(why, WHY_MISSING) == 0)
		return arena_printf(
			cx->arena,
			_("The template needs what the file does not give to everybody, so nothing was sent: %s."),
			detail);
	if (strcmp(why, WHY_NOBODY) == 0) return _("No row of the file can be sent to.");
	if (strcmp(why, WHY_NONE_SENT) == 0) return _("Not one mail was sent; the rows say why.");
	if (strcmp(why, WHY_FILES) == 0 || strcmp(why, "not_started") == 0) return detail;
	if (why[0] == '\0') return "";
	words = recipients_words(cx->lang, why);
	/* of a file: says the same, and where */
	if (strncmp(detail, words, strlen(words)) == 0) return detail;
	return detail[0] != '\0' ? arena_printf(cx->arena, "%s (%s)", words, detail) : words;
}
