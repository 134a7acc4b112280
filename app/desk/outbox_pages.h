/*
** outbox_pages.h -- what the pages about messages share: words, the unsure ones, channels, "Why did Ana not
** get it?". The files' own header, beside inner.h.
*/
#ifndef RECADO_DESK_OUTBOX_PAGES_H
#define RECADO_DESK_OUTBOX_PAGES_H

#include "desk/inner.h"

/* message_words.c: what the codes of the outbox mean, translated */

const char *message_state_words(struct cx *cx, const char *state, bool is_late);
/* The sentence for a message's state_why (or a contact's dead_reason); "" when the code is "", the code
** itself when nobody knows it. */
const char *message_why_words(struct cx *cx, const char *state, const char *why);
/* The msgid of a module's own reason; NULL if no source has it (why.c). */
const char *reason_word_of(const char *code);
/* As a column of the list shows it. */
const char *message_why_shown(struct cx *cx, const char *stored);
/* One attempt row: "Tried: the provider took it", "Delivered". */
const char *attempt_words(struct cx *cx, const char *kind, const char *outcome);
const char *attempt_mark(const char *kind, const char *outcome);
/* Who did it, as kept beside a row: a user's name, or the house by itself, or a command. Lent. */
const char *who_shown(struct cx *cx, const char *by);
const char *channel_words(struct cx *cx, const char *channel); /* "WhatsApp", "E-mail" */
const char *topic_words(struct cx *cx, const char *topic);
const char *batch_words(struct cx *cx, const char *title, const char *kind); /* how a batch is called */
const char *origin_words(struct cx *cx, const char *origin);                 /* of a batch */
/* Walk all codes that have a sentence, for tests: code at i, NULL past the end. */
const char *message_why_at(size_t i, const char **state, const char **msgid);
/* dd/mm/yyyy HH:MM:SS of the business; "" for 0. */
const char *moment_shown(struct cx *cx, instant at);
const char *instant_minutes(struct cx *cx, instant at); /* dd/mm/yyyy HH:MM */
const char *duration_shown(struct cx *cx, int64_t ms);  /* "0.3 s", "12 min" */
const char *address_words(struct cx *cx, const char *address);
/* Into out, for a page as text and for a program as RFC 3339; nothing for 0. */
void set_moment(struct cx *cx, struct call *call, struct value *out, const char *key, instant at);

/* message_row.c: one message with all that the pages tell about it */

struct message_row {
	int64_t id, batch_id, account_id, contact_id, replaces_id, version_id;
	instant created_at, not_before_at, expires_at, claimed_at, sent_at, delivered_at, read_at, failed_at;
	int64_t attempts, turn;
	bool ignores_window, is_late;
	const char *public_id, *state, *why, *error, *topic, *occasion, *created_by, *provider_id,
		*provider_key;
	const char *body, *subject, *html, *variables_json;
	const char *channel, *gateway, *channel_state;
	const char *address, *contact_kind, *contact_public_id, *dead_reason;
	const char *batch_public_id, *batch_title, *batch_kind, *batch_state, *batch_origin, *batch_on;
};
enum rc message_read(struct cx *cx, struct message_row *out, int64_t id) MUST_CHECK; /* RC_NOT_FOUND */
/* The text as it left or would leave now; "" when it was emptied or cannot be made. */
const char *message_text(struct cx *cx, const struct message_row *m);
/* Why a queued message has not left yet: the rule's code and its sentence. */
struct waiting {
	const char *rule, *words, *href;
	instant until_at; /* 0 = not known */
};
/* The sentence of the kill switch; how: as outbox_is_halted() gives it. */
const char *halt_words(struct cx *cx, const struct value *how);
enum rc message_waits(struct cx *cx, struct waiting *out, const struct message_row *m) MUST_CHECK;
/* The row of one of the house's lists that has this address and that the actor sees: "/clients/abc" and its
** name; both NULL without. */
void contact_of_list(struct cx *cx, const char *address, const char **href, const char **name);

/* outbox_page.c: cards above the list. */
void outbox_counts(struct cx *cx, struct value *page);

/* message_page.c: the story of one message, oldest first: [{at, mark, title, detail, by, href,
** is_future}]. */
enum rc message_story(struct cx *cx, struct call *call, const struct message_row *m,
		      struct value *list) MUST_CHECK;

/* why.c */
struct why_answer {
	struct why_person person;
	const char *name, *href, *address_shown, *contact_public_id;
	struct value *rules, *occasions; /* newest first; maps as the page shows them */
};
enum rc why_ask(struct cx *cx, struct why_answer *out, const char *list, int64_t row_id,
		int64_t contact_id) MUST_CHECK;
/* People whom these words mean: [{name, address, href, list}], at most max. */
enum rc why_search(struct cx *cx, struct value **out, const char *words, size_t max) MUST_CHECK;

/* gateway.c, channels_page.c */
const char *channel_state_words(struct cx *cx, const char *state);
void no_epoch(struct value *channel); /* instants that never were: null, in place */
/* What a stopped channel holds, into its page: held, has_held, ages. */
enum rc held_fill(struct cx *cx, const char *channel, struct value *page) MUST_CHECK;

/* Commands and handlers */
enum rc run_why(struct cx *cx, struct command_call *call);
enum rc handle_story(struct cx *cx, struct call *call);
enum rc handle_why(struct cx *cx, struct call *call);
enum rc handle_why_contact(struct cx *cx, struct call *call);
enum rc handle_why_row(struct cx *cx, struct call *call);
enum rc handle_unsure(struct cx *cx, struct call *call);
enum rc handle_unsure_decide(struct cx *cx, struct call *call);
enum rc handle_unsure_many_ask(struct cx *cx, struct call *call);
enum rc handle_unsure_many(struct cx *cx, struct call *call);
enum rc handle_unsure_history(struct cx *cx, struct call *call);
enum rc handle_channels(struct cx *cx, struct call *call);
enum rc handle_halt_ask(struct cx *cx, struct call *call);
enum rc handle_halt(struct cx *cx, struct call *call);
enum rc handle_held_ask(struct cx *cx, struct call *call);
enum rc handle_held_cancel(struct cx *cx, struct call *call);
/* Own transaction. RC_CONFLICT: it is not unsure any more; then who decided it, in words. */
enum rc unsure_decide(struct cx *cx, int64_t id, bool arrived) MUST_CHECK;
const char *unsure_told_by(struct cx *cx, int64_t id);
enum rc run_unsure(struct cx *cx, struct command_call *call);
enum rc run_decide(struct cx *cx, struct command_call *call);
/* At most max are counted. */
int64_t unsure_count(struct cx *cx, int64_t max);

#endif
