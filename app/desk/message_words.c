/*
** message_words.c -- the codes of the outbox in words that a shop owner understands.
**
** Owns:   the sentences for states, reasons and attempts. A module's own reasons come with its reason_source.
** Never:  asks the database.
** Holds:  a code that nobody knows is shown as it came, never as nothing.
*/
#include "desk/outbox_pages.h"

#include "base/phone.h"
#include "outbox/channel.h"
#include <stdio.h>
#include <string.h>

struct word {
	const char *code, *title;
};

static const char *word_of(struct cx *cx, const struct word *words, size_t n, const char *code)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i].code, code) == 0) return words_get(cx->lang, words[i].title);
	return code;
}
#define WORD_OF(cx, table, code) word_of((cx), (table), sizeof(table) / sizeof((table)[0]), (code))

const char *message_state_words(struct cx *cx, const char *state, bool is_late)
{
	static const struct word words[] = {
		{ "queued", N_("pending") },  { "sending", N_("sending") },
		{ "sent", N_("sent") },       { "delivered", N_("delivered") },
		{ "read", N_("read") },       { "failed", N_("failed") },
		{ "unsure", N_("unsure") },   { "cancelled", N_("cancelled") },
		{ "expired", N_("expired") }, { "skipped", N_("skipped") },
	};

	if (is_late && strcmp(state, "failed") == 0) return _("failed afterwards");
	return WORD_OF(cx, words, state);
}

const char *channel_words(struct cx *cx, const char *name)
{
	const struct channel *c = channel_find(name);

	return c != NULL ? words_get(cx->lang, c->title) : name;
}

const char *topic_words(struct cx *cx, const char *topic)
{
	static const struct word words[] = {
		{ "notice", N_("Notice") },
		{ "campaign", N_("Campaign") },
		{ "service", N_("Service") },
	};

	return WORD_OF(cx, words, topic);
}

const char *batch_words(struct cx *cx, const char *title, const char *kind)
{
	static const struct word words[] = {
		{ "renewals.notices", N_("Renewal notices") },
		{ "desk.replies", N_("Replies") },
		{ "outbox.answers", N_("Automatic answers") },
		{ "house.alerts", N_("Alerts") },
	};

	return title[0] != '\0' ? words_get(cx->lang, title) : WORD_OF(cx, words, kind);
}

const char *origin_words(struct cx *cx, const char *origin)
{
	static const struct word words[] = {
		{ "auto", N_("Automatic") },       { "manual", N_("By hand") },
		{ "cron", N_("External call") },   { "catchup", N_("Catching up") },
		{ "command", N_("Command line") }, { "inbox", N_("Inbox") },
	};

	return WORD_OF(cx, words, origin);
}

/* state "": in any state. The first that fits counts. */
static const struct {
	const char *state, *code, *msgid;
} reasons[] = {
	{ "expired", "",
	  N_("Its time was over before it could leave: it would not have been true any more.") },
	{ "cancelled", "person", N_("A person cancelled it before it left.") },
	{ "cancelled", "batch", N_("Its batch was cancelled before it left.") },
	{ "cancelled", "restored",
	  N_("After the database was put back from a copy it was too old to be sent, and was cancelled.") },
	{ "sent", "person", N_("A person noted that it arrived.") },
	{ "sent", "evidence", N_("The provider itself told that it left.") },
	{ "skipped", "opt_out", N_("This person asked for no such messages.") },
	{ "skipped", "dead_contact", N_("The address had turned out not to receive messages.") },
	{ "skipped", "no_number",
	  N_("This person is known by an internal mark of the provider only: there is no address to write to.") },
	{ "failed", "late", N_("The provider took it, and said afterwards that it could not be delivered.") },
	{ "failed", "replaced", N_("A person had it sent again, as a new message.") },
	{ "failed", "rate",
	  N_("The provider asked to wait each time it was tried, until the attempts were used up.") },
	{ "failed", "busy",
	  N_("The provider was busy each time it was tried, until the attempts were used up.") },
	{ "failed", "unreachable",
	  N_("The provider could not be reached, until the attempts were used up.") },
	{ "failed", "not_prepared", N_("It could not be put together, until the attempts were used up.") },
	{ "queued", "rate", N_("The provider asked to wait.") },
	{ "queued", "busy", N_("The provider was busy; it is tried again.") },
	{ "queued", "unreachable", N_("The provider could not be reached; it is tried again.") },
	{ "queued", "not_prepared", N_("It could not be put together; it is tried again.") },
	{ "unsure", "cut",
	  N_("The line broke after the message was handed over and before the answer came.") },
	{ "unsure", "timeout", N_("The message was handed over, and no answer came in time.") },
	{ "unsure", "odd_answer", N_("The message was handed over, and the answer cannot be understood.") },
	{ "unsure", "server_error",
	  N_("The message was handed over, and the provider answered that something went wrong on its side.") },
	{ "unsure", "stopped",
	  N_("Recado was stopped while the message was under way: its answer was never read.") },
	{ "", "accepted", N_("The provider took it.") },
	{ "", "refused", N_("The provider refused this message.") },
	{ "", "no_whatsapp", N_("The number has no WhatsApp.") },
	{ "", "notice_unsure",
	  N_("It is not certain whether this notice arrived. Nobody must decide: the alert itself is in the panel.") },
	{ "", "bad_number", N_("The provider says that the number is wrong.") },
	{ "", "bad_address", N_("The provider says that the address does not exist.") },
	{ "", "bounced", N_("The mail came back: the address does not take it.") },
	{ "failed", "later",
	  N_("The mail server asked to come again each time it was tried, until the attempts were used up.") },
	{ "", "later", N_("The mail server asked to come again later.") },
	{ "failed", "mailbox_full",
	  N_("The mailbox was full each time it was tried, until the attempts were used up.") },
	{ "", "mailbox_full", N_("The mailbox is full; it is tried again.") },
	{ "failed", "cut_before",
	  N_("The line broke before the message was handed over, each time until the attempts were used up.") },
	{ "", "cut_before", N_("The line broke before the message was handed over; it is tried again.") },
	{ "", "no_mailbox", N_("There is no such mailbox.") },
	{ "", "moved", N_("The chat has moved: its number in the settings must be changed.") },
	{ "", "no_chat", N_("There is no such chat for the bot.") },
	{ "", "blocked", N_("The bot was blocked or put out of the chat.") },
	{ "", "policy",
	  N_("The mail server refuses it by its own rules, as it does with what looks like advertising.") },
	{ "", "syntax", N_("The mail server did not understand an address or a command.") },
	{ "", "conflict", N_("Another program uses the same bot.") },
	{ "", "domain", N_("The sender's domain is not set up at the mail provider.") },
	{ "", "sender", N_("The mail server does not accept the sender's address.") },
	{ "", "relay", N_("The mail server does not pass on mail for us.") },
	{ "", "insecure", N_("The mail server's encryption cannot be trusted.") },
	{ "", "shut_out", N_("The mail server does not let us in from this address.") },
	{ "", "dead", N_("The address does not receive messages.") },
	{ "", "too_long", N_("The text is longer than the provider takes.") },
	{ "", "too_large", N_("The message with its attachments is larger than the provider takes.") },
	{ "", "template", N_("The text could not be made from its template.") },
	{ "", "empty", N_("The text was empty.") },
	{ "", "payment", N_("The provider asks for payment.") },
	{ "", "unauthorized", N_("The provider refuses the key or password.") },
	{ "", "not_found", N_("The address of the provider is wrong.") },
	{ "", "disconnected", N_("The phone was not connected to the gateway.") },
};
#define REASONS (sizeof(reasons) / sizeof(reasons[0]))

const char *message_why_at(size_t i, const char **state, const char **msgid)
{
	if (i >= REASONS) return NULL;
	*state = reasons[i].state;
	*msgid = reasons[i].msgid;
	return reasons[i].code;
}

static const char *find_reason(const char *state, const char *why)
{
	for (size_t i = 0; i < REASONS; i++) {
		if (strcmp(reasons[i].code, why) != 0) continue;
		if (reasons[i].state[0] == '\0' || strcmp(reasons[i].state, state) == 0)
			return reasons[i].msgid;
	}
	return NULL;
}

const char *message_why_words(struct cx *cx, const char *state, const char *why)
{
	const char *found = find_reason(state, why);

	if (found == NULL && why[0] != '\0') found = channel_code_words(why);
	if (found == NULL && why[0] != '\0') found = reason_word_of(why);
	return found != NULL ? words_get(cx->lang, found) : why;
}

/* The list has the code alone: any state's sentence will do, they differ in little. */
const char *message_why_shown(struct cx *cx, const char *stored)
{
	const char *found = NULL;

	for (size_t i = 0; i < REASONS && found == NULL && stored[0] != '\0'; i++)
		if (strcmp(reasons[i].code, stored) == 0) found = reasons[i].msgid;
	if (found == NULL && stored[0] != '\0') found = channel_code_words(stored);
	if (found == NULL && stored[0] != '\0') found = reason_word_of(stored);
	return found != NULL ? words_get(cx->lang, found) : stored;
}

/* Attempts */

static const struct {
	const char *kind, *outcome, *mark, *msgid;
} attempts[] = {
	{ "send", "sent", "ok", N_("Tried: the provider took it") },
	{ "send", "not_yet", "warn", N_("Tried: not taken; it is tried again later") },
	{ "send", "refused", "error", N_("Tried: refused for good") },
	{ "send", "hold", "warn", N_("Tried: the channel could not send just then; it waits") },
	{ "send", "stop", "error", N_("Tried: the channel cannot send until a person mends something") },
	{ "send", "unsure", "warn", N_("Tried: it is not certain what became of it") },
	{ "start", "unsure", "warn", N_("Recado was started again: what was under way is not certain") },
	{ "person", "sent", "ok", N_("A person decided: it arrived") },
	{ "person", "replaced", "info", N_("A person decided: send it again") },
	{ "person", "cancelled", "quiet", N_("A person cancelled it") },
	{ "event", "sent", "ok", N_("The provider tells: it left") },
	{ "event", "delivered", "ok", N_("The provider tells: delivered") },
	{ "event", "read", "ok", N_("The provider tells: read") },
	{ "event", "failed", "error", N_("The provider tells: it could not be delivered after all") },
	{ "check", "sent", "ok", N_("Asked: it left") },
	{ "check", "delivered", "ok", N_("Asked: delivered") },
	{ "check", "read", "ok", N_("Asked: read") },
	{ "check", "failed", "error", N_("Asked: it could not be delivered after all") },
};

const char *attempt_words(struct cx *cx, const char *kind, const char *outcome)
{
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		if (strcmp(attempts[i].kind, kind) == 0 && strcmp(attempts[i].outcome, outcome) == 0)
			return words_get(cx->lang, attempts[i].msgid);
	return arena_printf(cx->arena, "%s: %s", kind, outcome);
}

const char *attempt_mark(const char *kind, const char *outcome)
{
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		if (strcmp(attempts[i].kind, kind) == 0 && strcmp(attempts[i].outcome, outcome) == 0)
			return attempts[i].mark;
	return "quiet";
}

/* Times and addresses */

const char *moment_shown(struct cx *cx, instant at)
{
	struct civil c;
	char date[DATE_SIZE];

	if (at == 0) return "";
	c = zone_civil(cx->env->zone, at);
	day_text_local(date, c.day);
	return arena_printf(cx->arena, "%s %02d:%02d:%02d", date, c.hour, c.minute, c.second);
}

const char *instant_minutes(struct cx *cx, instant at)
{
	char text[RFC3339_SIZE];

	if (at == 0) return "";
	instant_text_local(text, at, cx->env->zone);
	return arena_text(cx->arena, text);
}

const char *duration_shown(struct cx *cx, int64_t ms)
{
	if (ms < 0) ms = 0;
	if (ms < MINUTE_MS)
		return arena_printf(cx->arena, "%lld.%lld s", (long long)(ms / 1000),
				    (long long)(ms / 100 % 10));
	if (ms < HOUR_MS) return arena_printf(cx->arena, "%lld min", (long long)(ms / MINUTE_MS));
	return arena_printf(cx->arena, "%lld h %02lld min", (long long)(ms / HOUR_MS),
			    (long long)(ms % HOUR_MS / MINUTE_MS));
}

const char *address_words(struct cx *cx, const char *address)
{
	char shown[32];

	if (address[0] != '+') return address;
	phone_text(shown, address);
	return arena_text(cx->arena, shown);
}

void set_moment(struct cx *cx, struct call *call, struct value *out, const char *key, instant at)
{
	char text[RFC3339_SIZE];

	if (at == 0) return;
	if (call == NULL || call_shape(call) == SHAPE_PAGE) {
		value_set_text(cx->arena, out, key, moment_shown(cx, at));
		return;
	}
	instant_text(text, at);
	value_set_text(cx->arena, out, key, text);
}
