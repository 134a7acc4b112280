/*
** inside.h -- inside the stand-in only: its state and who does what with it.
**
** One lock guards everything below it. Requests run on a wire thread and hold it for microseconds; the event
** thread holds it while it picks what is due, never while it posts.
*/
#ifndef RECADO_STANDIN_INSIDE_H
#define RECADO_STANDIN_INSIDE_H

#include "base/value.h"
#include "link/http.h"
#include "standin/ledger.h"
#include "standin/magic.h"
#include "standin/standin.h"

#include <pthread.h>

#define MESSAGE_ID_FIRST   INT64_C(10000001) /* eight digits, as seen from the provider             */
#define MESSAGES_MAX       (1u << 17)        /* remembered for /info and events: 9 MiB at most       */
#define MESSAGE_TO_SIZE    32                /* a phone or a JID; longer ones are refused             */
#define MESSAGE_TEXT_EVENT 24                /* message.sent shows the start of the text             */
#define UPLOAD_MAX         ((size_t)51 * 1024 * 1024) /* past the largest document: refused well */
#define SEND_BODY_MAX      ((size_t)128 * 1024)
#define SET_MAGIC_MAX      64   /* numbers given a behaviour by /_standin/set                          */
#define ONCE_MAX           4096 /* (to, body) that had their one refusal; then the oldest half is forgotten */
#define POSTS_MAX          1024 /* inbound and raw events waiting to be posted                         */
#define POSTS_BODY_MAX     (64 * 1024)
#define EVENT_CONNECTIONS  4 /* the provider posts a few at a time                                     */

enum rate { RATE_OFF, RATE_PROTECTION, RATE_PAID, RATE_TRIAL };

/* An accepted message, for /info and the events. */
struct sent_message {
	int64_t ticks; /* when it was accepted                                        */
	enum magic_what what;
	char to[MESSAGE_TO_SIZE];
	char text[MESSAGE_TEXT_EVENT];
};

/* Which stage of its life a message is told about; each stage is a cursor over the messages. */
enum stage { STAGE_SENT, STAGE_DELIVERED, STAGE_READ, STAGE__MAX };

enum signature { SIGN_RIGHT, SIGN_WRONG, SIGN_MISSING };
struct post { /* a webhook call that somebody asked for, or that a change caused */
	struct post *next;
	enum signature signature;
	size_t len;
	char body[];
};

struct set_magic {
	char to[MESSAGE_TO_SIZE];
	const struct magic *magic;
};

/* How a chat answers its next calls. */
#define CHATS 3
struct chat_script {
	char provider[12];
	const char *word; /* constant */
	int left;
};

struct standin {
	struct env *env;
	struct clock *clock, *own_clock;
	struct server *server;
	struct standin_options initial; /* what reset goes back to; texts are ours         */

	pthread_mutex_t lock;
	struct arena *arena; /* one request's                                          */
	struct ledger *ledger;

	/* The provider's state, changed by /_standin/set. */
	char *webhook, *secret, *api_key;
	char status[40];
	enum rate rate;
	int64_t daily_remaining; /* -1: no daily headers                               */
	bool reset_is_epoch, success_in_429;
	int stage_ms[STAGE__MAX]; /* after acceptance; -1 never                         */
	struct set_magic set_magic[SET_MAGIC_MAX];
	size_t set_magic_count;
	uint64_t once[ONCE_MAX];
	size_t once_count;
	int64_t window_from; /* ticks: start of the minute that is being counted        */
	int window_count;
	int64_t last_send; /* ticks, for protection                                    */

	struct sent_message *messages; /* ring; grows by doubling to MESSAGES_MAX         */
	size_t messages_size;
	int64_t message_count; /* ever accepted since the reset                        */
	int64_t message_base;  /* ids go on after a reset: msgId never repeats          */

	struct s3_store *s3;                    /* standin_s3.c */
	struct chat_script chat_scripts[CHATS]; /* standin_chat.c */
	int64_t chat_count;
	struct smtp_stand *smtp;         /* standin_smtp.c */
	struct doppler_stand *doppler;   /* standin_doppler.c */
	struct sendgrid_stand *sendgrid; /* standin_sendgrid.c */

	/* events.c */
	pthread_t poster;
	bool has_poster, is_stopping;
	struct link *link;
	int64_t cursor[STAGE__MAX];
	int64_t sleeps_until; /* ticks; INT64_MAX: until woken                            */
	struct post *posts, **posts_last;
	size_t posts_count;
	unsigned inbound_count; /* makes ids of asked-for inbound messages differ          */
	int64_t events_posted, events_failed, events_dropped;
	int last_event_status;
};

/* Standin.c */
void standin_reset(struct standin *s);                            /* lock held */
enum rc standin_text(char **member, const char *text) MUST_CHECK; /* replace an owned text */
/* The message of an id, NULL if it is unknown or forgotten. Lock held. */
struct sent_message *standin_message(struct standin *s, int64_t id);
/* Remember an accepted message; its id. Lock held. 0: no memory. */
int64_t standin_accept(struct standin *s, const char *to, const char *text, enum magic_what what);

/* Standin_wasender.c, wasender_events.c: the provider's own addresses */
bool wasender_handle(struct standin *s, struct request *rq,
		     struct reply *rp); /* lock held; false: not one of them */
size_t wasender_body_max(const char *path);
/* JSON of an event; index is the message's number since the reset. */
void wasender_event(const struct standin *s, struct sb *out, int64_t index, enum stage stage);
void wasender_inbound(struct standin *s, struct sb *out, const struct value *what);
void wasender_session_event(const struct standin *s, struct sb *out);
void wasender_key(char out[24], int64_t id); /* WhatsApp's key of a message */

/* Standin_chat.c: Slack, Discord, Telegram. Lock held. */
bool chat_is_call(struct request *rq);
bool chat_handle(struct standin *s, struct request *rq, struct reply *rp);
size_t chat_body_max(void);
void chat_reset(struct standin *s);
bool chat_control(struct standin *s, struct request *rq, struct reply *rp);

/* Standin_s3.c: a storage; told apart by its kind of signature. Lock held. */
struct s3_store *s3_store_new(void); /* NULL: no memory */
void s3_store_free(struct s3_store *st);
bool s3_is_call(struct request *rq);
bool s3_handle(struct standin *s, struct request *rq, struct reply *rp);
size_t s3_body_max(void);
bool s3_control(struct standin *s, const char *what, struct request *rq, struct reply *rp);

/* Standin_doppler.c: Doppler Relay. Lock held. */
struct doppler_stand *doppler_stand_new(void); /* NULL: no memory */
void doppler_stand_free(struct doppler_stand *d);
void doppler_stand_reset(struct doppler_stand *d);
bool doppler_is_call(struct request *rq);
size_t doppler_body_max(void);
bool doppler_handle(struct standin *s, struct request *rq, struct reply *rp);
bool doppler_control(struct standin *s, struct request *rq, struct reply *rp);

/* Standin_sendgrid.c: SendGrid's API and events. Lock held. */
struct sendgrid_stand *sendgrid_stand_new(void); /* NULL: no memory */
void sendgrid_stand_free(struct sendgrid_stand *g);
void sendgrid_stand_reset(struct sendgrid_stand *g, int delivered_ms);
const char *sendgrid_public_key(struct sendgrid_stand *g); /* "" = no memory */
bool sendgrid_is_call(struct request *rq);
size_t sendgrid_body_max(void);
bool sendgrid_handle(struct standin *s, struct request *rq, struct reply *rp);
bool sendgrid_control(struct standin *s, const char *what, struct request *rq, struct reply *rp);
enum sendgrid_signature { SENDGRID_RIGHT, SENDGRID_WRONG, SENDGRID_MISSING, SENDGRID_OLD };
struct sendgrid_draft {
	struct sb *body; /* empty before */
	char url[1000], headers[2][300];
	bool is_signed;
};
/* The next body that is due to be posted. False: none is; *due: ticks of the next one, INT64_MAX = none. */
bool sendgrid_take(struct standin *s, struct sendgrid_draft *d, int64_t *due);

/* Events.c: posts to the webhook */
enum rc events_start(struct standin *s) MUST_CHECK;
void events_stop(struct standin *s);
void events_reset(struct standin *s);    /* lock held: forget what waits */
void events_accepted(struct standin *s); /* lock held: a message was accepted, maybe wake */
void events_wake(struct standin *s);
void events_skip(struct standin *s); /* lock held: what was accepted so far is told to nobody */
bool events_post(struct standin *s, const char *body, size_t len, enum signature signature); /* lock held */

/* Control.c */
bool control_handle(struct standin *s, struct request *rq, struct reply *rp); /* lock held */

#endif
