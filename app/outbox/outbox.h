/*
** outbox.h -- the ledger of everything that leaves for a person.
**
**   queued --claim, commit--> sending --proof of acceptance--> sent --> delivered --> read
**     ^                         |--provably not accepted-----> queued, not before …
**     |                         |--refused for good----------> failed
**     |                         '--cut, time-out, odd answer-> unsure
**     '-- a person or evidence decides an unsure one
**   queued -> cancelled | expired | skipped         sent -> failed (late; delivered or read after it win)
**
** Owns the tables channel_account, contact, opt_out, template, template_version, batch,
** message, attempt, inbound, inbound_message, alert.
** Holds: (1) a row is `sending` only while it owns a slot; one transaction settles a round and
** claims the next; (2) after a crash every `sending` row becomes `unsure` and is never sent again
** by itself; (3) one message in flight per (channel account, contact), in id order; (4) occasion
** is UNIQUE; (5) attempt rows are only added.
*/
#ifndef RECADO_OUTBOX_OUTBOX_H
#define RECADO_OUTBOX_OUTBOX_H

#include "base/check.h"
#include "db/db.h"
#include "web/web.h"
#include "work/work.h"

/* Writing: all inside the caller's transaction */

struct batch_new {
	const char *kind;           /* "renewals.notices"                                        */
	const char *title, *origin; /* auto | manual | cron | catchup | command           */
	const char *local_on;       /* civil date it belongs to, "" = none                */
};
enum rc batch_open(struct cx *cx, int64_t *id, const struct batch_new *batch) MUST_CHECK;
enum rc batch_planned(struct cx *cx, int64_t id) MUST_CHECK; /* nothing more will be added */
enum rc batch_set_state(struct cx *cx, int64_t id, const char *state)
	MUST_CHECK; /* open, paused, cancelled (cancels what is queued, in slices: own transactions) */
/* Planned, and nothing queued or sending. */
enum rc batch_is_finished(struct cx *cx, bool *out, int64_t id) MUST_CHECK;
/* Counts by state as a map {queued, sending, sent, delivered, read, failed, unsure, cancelled, expired,
** skipped, total}. */
enum rc batch_counts(struct cx *cx, struct value **out, int64_t id) MUST_CHECK;

#define MESSAGE_FILES_MAX 10 /* attachments of one mail; relays refuse more by size long before */

struct message_new {
	int64_t batch_id;
	const char *channel; /* "whatsapp": the configured gateway's account          */
	int64_t contact_id;
	const char *topic;           /* notice | campaign | service: opt-out is checked at claim too */
	const char *occasion;        /* "notice:123"                                         */
	int64_t template_version_id; /* with variables, rendered at claim …                  */
	const struct value *variables;
	const char *text;           /* … or a text as it is                                 */
	const char *subject, *html; /* mail only: one line, and the HTML part; NULL = none      */
	const char *to_name;        /* mail only: how the person is called in it; NULL = none    */
	const int64_t *files;       /* ids of table file that go along with a mail …            */
	size_t file_count;          /* … at most MESSAGE_FILES_MAX                             */
	instant not_before_at;      /* 0 = now                                              */
	instant expires_at;         /* after it the message is not sent any more            */
	int priority;               /* smaller first: 0 urgent … 9 bulk                      */
	/* Leaves at any hour and however many the person got today: answers to somebody who just wrote, and
	** what a person timed himself. */
	bool ignores_window;
	int64_t replaces_id;
};
/* RC_CONFLICT when the occasion is there already (*id is its message). The engine wakes after COMMIT. */
enum rc outbox_add(struct cx *cx, int64_t *id, const struct message_new *message) MUST_CHECK;
enum rc outbox_cancel(struct cx *cx, int64_t id,
		      const char *why) MUST_CHECK; /* only queued; RC_CONFLICT else */
/* A person's word on an unsure message: it arrived (sent) or send it again (a new message that replaces it).
 */
enum rc outbox_decide(struct cx *cx, int64_t id, bool arrived) MUST_CHECK;

/* Mailings (letter.c, feed.c): many messages that share what a letter says */

/* Either provider_template, an id of the provider's own, rendered there with the message's variables; then
** subject only to replace the template's, html and text NULL. Or Mustache texts of ours: subject, and html or
** text or both, rendered at claim. Never changed once the batch has a message. */
struct letter_new {
	const char *from_email, *from_name, *reply_to; /* "" = none; from_email is needed           */
	const char *provider_template;                 /* "" = the texts                           */
	const char *subject, *html, *text;
	const char *list_name; /* for List-Id; "" = none                                         */
	/* List-Unsubscribe with one click, and {{baja}} in the texts: a link of the person's own, when
	** public_url is set. */
	bool has_unsubscribe;
	const int64_t *files; /* of table file: go along with each                                */
	size_t file_count;    /* at most MESSAGE_FILES_MAX                                      */
};
enum rc letter_add(struct cx *cx, int64_t batch_id, const struct letter_new *letter) MUST_CHECK;
/* What a message of a mailing says to its person, for who looks at it: arena, "" = none; of a template of the
** provider's the variables stand in text. RC_NOT_FOUND: no such message, or its batch has no letter;
** RC_BAD_INPUT: its variables cannot be read, or retention emptied them. */
struct letter_shown {
	const char *subject, *html, *text;
};
enum rc letter_show(struct cx *cx, struct letter_shown *out, int64_t message_id) MUST_CHECK;

/* A mailing's rows become queued messages, in the caller's transaction: contacts are made where there are
** none. occasion is "<table>:<id>" of each row. Rows whose occasion is there already are left alone (counted
** in
** *known): feeding twice feeds once. At most FEED_ROWS_MAX a call: a short write. */
#define FEED_ROWS_MAX 256
#define FEED_QUEUED_MAX \
	2000 /* queued at once of one batch (design §7): who feeds asks batch_queued() first */
struct feed {
	int64_t batch_id;
	const char *channel, *topic;
	const char *table; /* "bulk_recipient" */
	instant expires_at;
	int priority;
};
struct feed_row {
	int64_t id;
	const char *address, *name; /* address normalized; name "" or NULL = none      */
	const char *variables_json; /* a map, canonical; lent for the call             */
};
enum rc outbox_feed(struct cx *cx, const struct feed *feed, const struct feed_row *rows, size_t count,
		    int64_t *known) MUST_CHECK;
/* How many of the batch wait in the queue now. */
enum rc batch_queued(struct cx *cx, int64_t *out, int64_t batch_id) MUST_CHECK;

/* The person's own link to leave the mailings, "" without public_url (unsubscribe.c). Arena. */
const char *unsubscribe_url(struct cx *cx, int64_t contact_id, const char *contact_public_id);

/* Who gets no mail on a topic ("campaign"): unsubscribed, complained, put there by hand, or the address is
** dead
** (suppression.c). Addresses are one and the same whatever the case of their letters. */
enum rc address_is_suppressed(struct cx *cx, bool *out, const char *address, const char *topic) MUST_CHECK;
/* Every such e-mail address, for an import: in lower case (text_lower_ascii), lent for the call, in no order,
** perhaps more than once. fn's failure ends it and is returned. fn may not write. */
typedef enum rc suppressed_fn(void *arg, const char *address);
enum rc suppressed_each(struct cx *cx, const char *topic, suppressed_fn *fn, void *arg) MUST_CHECK;

/* Contacts (contacts.c): the only truth about who may be written to */

enum rc contact_ensure(struct cx *cx, int64_t *id, const char *kind,
		       const char *address) MUST_CHECK; /* in a transaction */
enum rc contact_find(struct cx *cx, int64_t *id, const char *kind,
		     const char *address) MUST_CHECK; /* RC_NOT_FOUND */
/* The contact that keeps what is known of this one's mailbox (opted out, dead): the same address in lower
** case; any other contact keeps that itself. makes: it is made if missing (in a transaction); else *id stays.
** */
enum rc contact_keeper(struct cx *cx, int64_t *id, bool makes) MUST_CHECK;
enum rc contact_opt_out(struct cx *cx, int64_t contact_id, const char *topic, const char *origin,
			bool out) MUST_CHECK;
/* A number or address changed or was corrected: forget that it was dead. */
enum rc contact_revive(struct cx *cx, int64_t contact_id) MUST_CHECK;

/* Templates */

/* Make or refresh a built-in template (unless a user edited it). */
struct template_default {
	const char *name;  /* "renewals.stage.7"                                         */
	const char *title; /* N_()                                                       */
	const char *body;  /* Mustache                                                   */
};
enum rc templates_ensure(struct cx *cx, const char *module,
			 const struct template_default *defaults) MUST_CHECK;
/* Save a user's text: {name} is offered as {{name}}, unknown names are RC_BAD_INPUT with the sentence; a
** new version. */
enum rc template_save(struct cx *cx, const char *name, const char *body, const char *const *known) MUST_CHECK;
enum rc template_current(struct cx *cx, int64_t *version_id, const char **body, const char *name) MUST_CHECK;
/* Render a version (or a body not saved yet) with variables: preview and engine use the same. *out in the
** arena. */
enum rc template_render_version(struct cx *cx, const char **out, int64_t version_id,
				const struct value *variables) MUST_CHECK;
enum rc template_render_body(struct cx *cx, const char **out, const char *body, const char *const *known,
			     const struct value *variables) MUST_CHECK;

/* What comes in (hooks.c) */

/* A module's words in inbound messages. First match wins, BAJA/STOP/ALTA of the house before them. */
struct reply_word {
	const char *words; /* folded, '|' between: "renovar|si"                             */
	/* In the job's cx, inside one transaction; *ack (arena) = text to answer with or NULL. Returns
	** RC_NOT_FOUND for "not mine after all". */
	enum rc (*handle)(struct cx *cx, int64_t contact_id, int64_t inbound_message_id, const char *text,
			  const char **ack);
};

/* Alerts (alerts.c) */

/* Raise (idempotent per key while open) or resolve. msgid: N_() sentence with at most one %s for subject. */
enum rc alert_raise(struct cx *cx, const char *key, const char *severity, const char *msgid,
		    const char *subject, const char *link) MUST_CHECK;
enum rc alert_resolve(struct cx *cx, const char *key) MUST_CHECK;
enum rc alerts_open(struct cx *cx, struct value **out)
	MUST_CHECK; /* list of {key, severity, text, link, at} for the banner */

/* Channel state */

/* Map for the gateway card: state, why, detail, session, messages_left, daily_limit, plan,
** last_accepted_at, last_error, last_error_at, key_is_set… */
enum rc channel_show(struct cx *cx, struct value **out, const char *channel) MUST_CHECK;
/* Words for the session's state, translated; one that is not known is shown as it came. */
const char *channel_session_words(enum lang lang, const char *session);
enum rc channel_stop(struct cx *cx, const char *channel,
		     const char *why) MUST_CHECK; /* "restored", "person"… */
/* A person pauses it ("person"), with a line of their own or NULL. RC_NOT_FOUND: no such channel. */
enum rc channel_pause(struct cx *cx, const char *channel, const char *reason) MUST_CHECK;
enum rc channel_open(struct cx *cx, const char *channel) MUST_CHECK; /* a person releases it  */
/* One harmless call to the gateway now (commands, "test" button): the sentence of how it went. Network: outside any transaction. */
enum rc channel_test(struct cx *cx, const char *channel, const char **sentence) MUST_CHECK;

/* The channels of the house in their order, each with name, title, kind, state, why, why_text, detail,
** until_at, is_configured, is_for_people, queued, sending, unsure, sent_today, per_hour, per_day, per_month
** and used_hour, used_day, used_month (caps: null = none). */
enum rc channels_list(struct cx *cx, struct value **out) MUST_CHECK;

/* The kill switch (halt.c): while it is on, nothing leaves on any channel; their own states stay. Own
** transaction (or the caller's); nothing happens if it is so already. why may be "" or NULL. */
enum rc outbox_halt(struct cx *cx, bool is_on, const char *why) MUST_CHECK;
/* how (NULL: not wanted): map {at, by, why}, empty when it is off. */
enum rc outbox_is_halted(struct cx *cx, bool *out, struct value **how) MUST_CHECK;

/* The running room */

struct outbox;
/* At start: every `sending` row becomes `unsure`; the channel account of the setting is made; last_seen is
** compared (below). Then the engine thread (link + outbox) runs. */
enum rc outbox_start(struct outbox **out, struct env *env,
		     const struct reply_word *const *replies) MUST_CHECK;
void outbox_stop(struct outbox *o); /* settles what was answered; the rest stays `sending` for the next start
				       to call unsure */
int64_t outbox_heartbeat_age_ms(const struct outbox *o);

/* After a restore (design §5): last_seen says the database once knew more than it does now. Called by
** outbox_start; also kept every 5 s. */
#define LAST_SEEN_FILE "last_seen"

extern const struct setting outbox_settings[];    /* whatsapp.*, outbox.* */
extern const struct setting mail_settings[];      /* smtp.*                                  */
extern const struct setting chat_settings[];      /* slack.*, discord.*, telegram.*          */
extern const struct setting bulk_mail_settings[]; /* doppler.*, sendgrid.*              */
extern const struct route outbox_routes[];        /* webhooks */
extern const struct route unsubscribe_routes[];   /* /u/:token, suppression */
extern const struct job_kind outbox_jobs[];       /* inbound parsing, retention */
extern const struct schedule_default outbox_schedules[];
extern const struct right outbox_rights[];
extern const struct check outbox_checks[];

#endif
