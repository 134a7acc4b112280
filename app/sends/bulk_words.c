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

/* Codes that one sentence says, with the detail in its place. */
static const char *plain_of(const char *why)
{
	static const struct {
		const char *why, *sentence;
	} all[] = {
		{ WHY_GATEWAY_LATE,
		  N_("The template could not be read for so long that it is too late to start by itself: nothing has left. Resume it, or call it off. %s") },
		{ WHY_SWITCH,
		  N_("Bulk sends are switched off (sends.enabled); it goes on by itself when they are on again.") },
		{ WHY_HALTED, N_("Everything is stopped: no message leaves on any channel.") },
		{ WHY_UNSURE, N_("Some mails are unsure; it goes on when all of them are decided.") },
		{ WHY_NO_JOB,
		  N_("Its work was cancelled or given up; it goes on when somebody resumes it.") },
		{ WHY_RESTORED,
		  N_("The database was put back from a copy (%s): mails that left after the copy was made would leave again. Compare with what the provider delivered; then start or resume it, or call it off.") },
		{ WHY_LATE,
		  N_("Its hour is too long ago: nothing leaves until somebody starts it or gives it another hour.") },
		{ WHY_NO_TEXT, N_("The content of the template could not be read, so nothing was sent. %s") },
		{ WHY_MISSING,
		  N_("The template needs what the file does not give to everybody, so nothing was sent: %s.") },
		{ WHY_NOBODY, N_("No row of the file can be sent to.") },
		{ WHY_NONE_SENT, N_("Not one mail was sent; the rows say why.") },
		{ WHY_FILES, "%s" },
		{ "not_started", "%s" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i].why, why) == 0) return all[i].sentence;
	return NULL;
}

const char *bulk_why_kept(struct cx *cx, const struct value *row)
{
	const char *plain = plain_of(text_of(row, "status_why")), *kept;

	if (plain == NULL) return bulk_why_words(cx, row);
	kept = sentence_about(cx->arena, plain, text_of(row, "status_detail"));
	return kept != NULL ? kept : bulk_why_words(cx, row);
}

const char *bulk_why_words(struct cx *cx, const struct value *row)
{
	const char *why = text_of(row, "status_why"), *words;
	const char *detail = sentence_words(cx->arena, cx->lang, text_of(row, "status_detail"));
	const char *status = text_of(row, "status"), *plain = plain_of(why);

	if (plain != NULL) return words_about(cx->arena, words_get(cx->lang, plain), detail);
	if (strcmp(why, WHY_CHANNEL) == 0) return channel_words_of(cx, row);
	if (strcmp(why, WHY_GATEWAY) == 0) return gateway_words(cx, row, detail);
	if (strcmp(why, WHY_BY_PERSON) == 0)
		return strcmp(status, "cancelled") == 0
			       ? _("A person called it off.")
			       : _("A person paused it; it goes on when somebody resumes it.");
	if (strcmp(why, WHY_BATCH) == 0 && (words = channel_code_words(detail)) != NULL)
		return arena_printf(
			cx->arena,
			_("%s Nothing more leaves until somebody mends that and resumes the send."),
			words_get(cx->lang, words));
	if (strcmp(why, WHY_BATCH) == 0)
		return _(
			"Its batch was paused; it goes on when somebody opens the batch or resumes the send.");
	if (why[0] == '\0') return "";
	words = recipients_words(cx->lang, why);
	/* of a file: says the same, and where */
	if (strncmp(detail, words, strlen(words)) == 0) return detail;
	return detail[0] != '\0' ? arena_printf(cx->arena, "%s (%s)", words, detail) : words;
}
