/*
** channel.h -- what a channel plug-in is: how one provider is spoken to, nothing of loops, threads or
** retries.
**
** build_* put a request together, read_* turn the answer into a verdict. All are pure: no database, no
** network, no clock but the `now` handed in; so that tables of answers can be tested by themselves. A channel
** is one file under channels/ and one row in channels.c.
*/
#ifndef RECADO_OUTBOX_CHANNEL_H
#define RECADO_OUTBOX_CHANNEL_H

#include "base/cx.h"
#include "base/value.h"
#include "link/http.h"

/*
** What one answer means (design: house table). SENT and UNSURE settle a message, REFUSED fails it for good,
** NOT_YET puts it back with a counted try, HOLD and STOP put it back uncounted and say something about the
** whole channel.
*/
enum outcome {
	OUTCOME_SENT,    /* proof that the provider accepted it                                   */
	OUTCOME_NOT_YET, /* provably not accepted; later                                          */
	OUTCOME_REFUSED, /* this message never                                                    */
	OUTCOME_HOLD,    /* the channel cannot send now, not the message's fault: wait and ask again */
	OUTCOME_STOP,    /* the channel cannot send until a person mends something                */
	OUTCOME_UNSURE,  /* handed over, outcome unknown: never again by itself                   */
	OUTCOME__MAX
};
const char *outcome_name(enum outcome o); /* "sent", "not_yet"…: attempt.outcome */

#define LIMIT_UNKNOWN INT64_C(-1)

/* What the provider says about its own limits; each LIMIT_UNKNOWN if it said nothing. reset: instants. */
struct channel_limits {
	int64_t limit, remaining, reset_at;
	int64_t daily_limit, daily_remaining, daily_reset_at;
	bool is_trial; /* the words of the answer say so */
};

#define VERDICT_ID_SIZE     48  /* msgId has 8 digits, a WhatsApp key id 20 to 32 characters */
#define VERDICT_DETAIL_SIZE 240 /* one sentence of a provider                                 */

struct verdict {
	enum outcome outcome;
	const char *why;  /* static word for state_why: "accepted", "rate", "cut"…              */
	int64_t delay_ms; /* NOT_YET: 0 = the house's growing delays; else at least that          */
	int64_t hold_ms;  /* NOT_YET, HOLD: the whole channel waits that long; 0 = it does not    */
	/* With hold_ms: with each such answer in a row the wait doubles, up to this; 0 = always the same. And
	** so many in a row stop the channel for a person (why as it is); 0 = never. */
	int64_t hold_most_ms;
	int hold_rows;
	int retry_max; /* NOT_YET: tries altogether for an answer like this, 0 = the channel's */
	/* NOT_YET: what is wrong is the batch's (its template is gone): after some first tries in a row that
	** say so the batch is paused for a person, instead of each of its messages failing by itself. */
	bool is_batchs;
	const char *dead; /* static word for contact.dead_reason, NULL = the contact is fine      */
	int http;         /* 0 = no answer                                                      */
	char provider_id[VERDICT_ID_SIZE]; /* "" = unknown                                          */
	char detail[VERDICT_DETAIL_SIZE];  /* for attempt row and page: never a secret or a body of ours */
	struct channel_limits limits;
};

/* Later word about one message. */
enum message_status {
	STATUS_UNKNOWN = -1,
	STATUS_ERROR = 0, /* could not be sent after all */
	STATUS_PENDING = 1,
	STATUS_SENT = 2,
	STATUS_DELIVERED = 3,
	STATUS_READ = 4,
	STATUS_PLAYED = 5
};

struct check_verdict {
	enum {
		CHECK_TOLD,
		CHECK_LATER,
		CHECK_NOTHING
	} end;            /* told; ask later; the provider knows nothing of it */
	int64_t delay_ms; /* CHECK_LATER: at least that, 0 = the usual delay                        */
	int http;
	char provider_key[VERDICT_ID_SIZE]; /* "" = not known yet                                  */
	enum message_status status;
};

/* State of the provider's session. HOLD words are those that only a person can mend, or time. */
struct session_verdict {
	enum { SESSION_TOLD, SESSION_SILENT, SESSION_DENIED } end; /* said; no usable answer; key refused */
	const char *session; /* static: connected, connecting, need_scan, need_passkey, disconnected,
				logged_out, expired, unknown */
	int http;
	char detail[VERDICT_DETAIL_SIZE];
};

#define CHANNEL_URL_SIZE  512
#define CHANNEL_AUTH_SIZE 1100 /* a setting's text has at most 1000 characters */

struct channel_config {
	char base_url[CHANNEL_URL_SIZE]; /* "" = nowhere to go (offline without a stand-in)        */
	const char *key;                 /* "" = not configured; mail: the password              */
	int timeout_ms;
	/* Mail only */
	const char *user, *from, *from_name; /* user "" = without logging in                      */
	const char *ca_file;                 /* the only authorities to trust; "" or NULL: the usual ones */
	enum mail_security security;
	const char *dir; /* of the state: a large mail is put together in its tmp; NULL = in memory */
	/* Doppler Relay only */
	const char *scheme;     /* word before the key: "Bearer"                                     */
	const char *attach_key; /* how it calls an attachment's media type                          */
	bool sends_subject;
};

/* A file that goes along with a mail, as it lies in the file store. */
struct outgoing_file {
	const char *name, *media_type, *path;
};

/* What all messages of a mailing share (letter.c keeps it for the engine). */
struct letter {
	int64_t batch_id;
	const char *from_email, *from_name, *reply_to; /* "" = none                              */
	const char *provider_template;                 /* "" = rendered here                     */
	const char *list_name;
	bool has_unsubscribe;
	const struct outgoing_file *files;
	size_t file_count;
	/* What the channel made of it once (prepare_letter): encoded attachments… NULL = nothing */
	const char *prepared;
	size_t prepared_len;
};

/* One message as it leaves. What a channel has no use for (a subject on WhatsApp) it leaves out. */
struct outgoing {
	const char *to, *text;      /* the contact's address; the text is always there             */
	const char *subject, *html; /* mail; NULL = none                                           */
	const char *public_id;      /* of the message: its Message-ID, the same at each try         */
	instant at;                 /* when the message was made: the same Date at each try        */
	const struct zone *zone;
	const struct outgoing_file *files;
	size_t file_count;
	/* Of a mailing; letter NULL: a message of its own. */
	const struct letter *letter;
	const char *to_name;         /* NULL = none                                             */
	const char *variables_json;  /* a map; NULL = none                                       */
	const char *unsubscribe_url; /* NULL = none                                             */
};

/* A request being put together: memory belongs to whoever embeds it and must outlive the call. */
struct channel_request {
	char url[CHANNEL_URL_SIZE + 128];
	char auth[CHANNEL_AUTH_SIZE];
	struct sb body;            /* heap, reused */
	struct mail_envelope mail; /* http.mail points here when it is a mail */
	struct http_request http;
	const char *refusal; /* out of build_send when it is not RC_OK: an N_() sentence, or NULL */
};
/* Let go of what was large: the link has its own copy, or it is not needed any more. */
void channel_request_rest(struct channel_request *rq);
/* A provider's words that quote the request's address, whose long parts are secrets (a webhook, a bot's
** token): stars instead, also where the words were cut within one. */
void channel_request_mask(const struct channel_request *rq, char *text);

/*
** A channel's own word on why it waits or is stopped, instead of the house's (account.c). severity: of the
** alert while it is stopped for that: "urgent", "warning", "info"; "" = none. The sentence has at most one
** %s: the channel's title.
*/
struct channel_reason {
	const char *why, *severity, *msgid; /* N_() */
};

/* A code that a message has because of this provider, in words. */
struct channel_code {
	const char *why,
		*msgid; /* "doppler_http_5*": all that begin so; the first row that fits counts. N_() */
};

struct channel_kind {
	const char *kind;    /* channel_account.kind: "wasender"                                    */
	const char *channel; /* whose plug-in it may be: "whatsapp", "email", "slack"…              */
	const char *contact; /* contact.kind it writes to: "phone"                                  */
	size_t text_max;     /* code points                                                         */
	/* From the settings; why is NULL, or why it cannot send: a static word that begins with "no_" ("no_key",
	** "no_base"), by which the engine knows that a setting mends it. */
	void (*configure)(struct channel_config *out, const char **why, const struct env *env);
	/* RC_TOO_LARGE past text_max or what the provider takes; RC_BAD_INPUT: cannot be sent at all. m is
	** lent for the call. */
	enum rc (*build_send)(struct channel_request *rq, const struct channel_config *cf,
			      const struct outgoing *m) MUST_CHECK;
	void (*read_send)(struct verdict *out, struct arena *a, const struct http_answer *answer,
			  instant now);
	/* Later word and the session's state; NULL where the provider has none. */
	void (*build_check)(struct channel_request *rq, const struct channel_config *cf,
			    const char *provider_id);
	void (*read_check)(struct check_verdict *out, struct arena *a, const struct http_answer *answer);
	void (*build_session)(struct channel_request *rq, const struct channel_config *cf);
	void (*read_session)(struct session_verdict *out, struct arena *a, const struct http_answer *answer);
	/* All below may be left out. */
	const struct channel_reason *reasons; /* ended by a row without why                          */
	/* Minutes until the second, third… try, the last one repeats, ended by 0; and tries altogether. NULL
	** and 0: outbox.retry_minutes and outbox.retry_max. */
	const int *retry_minutes;
	int retry_max;
	/* One harmless call that sends nothing (the button "test") and how it went: *sentence (arena, translated),
	** with RC_OK, RC_DENIED (the key or password is refused) or RC_TRY_LATER. */
	enum rc (*build_test)(struct channel_request *rq, const struct channel_config *cf) MUST_CHECK;
	enum rc (*read_test)(struct cx *cx, const char **sentence,
			     const struct http_answer *answer) MUST_CHECK;
	/* Once a letter: what is the same in all its requests (base64 of files), into out. NULL: nothing. */
	enum rc (*prepare_letter)(struct sb *out, const struct channel_config *cf,
				  const struct letter *l) MUST_CHECK;
	/* Caps beside the settings per_hour, per_day, per_month of its section: the smaller one counts. */
	void (*caps)(int64_t caps[3], const struct settings *s); /* hour, day, month; 0 = none        */
	/* Its own codes of messages (verdict.why), ended by a row without why; may be left out. The sentence
	** stands on the message's page. */
	const struct channel_code *codes;
	const char *batchs_code; /* the one of them that goes with verdict.is_batchs; NULL = none */
};

extern const struct channel_kind wasender_channel, smtp_channel, slack_channel, discord_channel,
	telegram_channel, doppler_channel, sendgrid_channel;
/* The plug-in of a kind; NULL if there is none. */
const struct channel_kind *channel_kind_find(const char *kind);
/* The sentence (N_()) of a code of some channel; NULL: none has it. */
const char *channel_code_words(const char *why);
/* Is it one that a batch is paused for? */
bool channel_code_is_batchs(const char *why);
/* What a person can read of an answer that is not JSON: its words without the marks of HTML, about max bytes.
** Arena. */
const char *channel_plain_words(struct arena *a, const char *body, size_t max);

/* A channel of the house: what message_new.channel and channel_account.name say. */
struct channel {
	const char *name, *title; /* "email", N_("E-mail")                                         */
	const char *kind_setting; /* whose value is the plug-in: "whatsapp.gateway"; NULL: only one …  */
	const char *kind;         /* … this one                                                  */
	const char *settings;     /* section of its settings: smtp.per_day, whatsapp.per_day      */
	bool is_for_people;       /* else for the owner: no quiet hours                            */
	bool is_main;             /* what the house is for: not being set up is told at once      */
	int slots;                /* most under way at a time; 0: outbox.slots                     */
	int pause_ms;             /* between two of them, then one is under way; -1: whatsapp.pause_s */
	/* Of bulk mail: settings of how many are under way at a time and of each sender's pause between two
	** mails of a mailing (milliseconds), several may be under way all the same; NULL: slots and pause_ms
	** above. With slots, the setting counts where it is more, and while a mailing waits in the queue. */
	const char *slots_setting, *pace_setting;
	bool has_utc_periods; /* its caps count hours, days and months of UTC, not the business's  */
	/* So many unsure in a row, or half of the last fifty: something is wrong beyond, the channel stops
	** ("unsure_row"); 0 = never. */
	int unsure_row_max;
};
const struct channel *channel_at(size_t i);           /* in the order people see; NULL past the end */
const struct channel *channel_find(const char *name); /* NULL: no such channel                     */
/* Which plug-in serves it by the settings; NULL: none in this program. */
const struct channel_kind *channel_kind_of(const struct channel *c, const struct env *env);

/* A session word that lets messages leave. */
bool session_is_open(const char *session);
/* A session word that only a person can mend (the phone must be linked again). */
bool session_needs_person(const char *session);

#endif
