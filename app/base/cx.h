/*
** cx.h -- the context handed down everywhere: one per request, job run or command.
**
** env is what the whole process shares and lives as long as it does. Time,
** randomness, database and memory are reached through cx.
*/
#ifndef RECADO_BASE_CX_H
#define RECADO_BASE_CX_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/seal.h"
#include "base/settings.h"
#include "base/words.h"

/* Who waits for what: set after the commit that made work, waited for by one thread each. */
enum wake { WAKE_OUTBOX, WAKE_WORK, WAKE_CHECKPOINT, WAKE_HEALTH, WAKE__MAX };

struct env {
	const char *dir;         /* state folder, absolute                                */
	const char *config_path; /* the INI file                                          */
	struct settings *settings;
	struct clock *clock;
	/* The business's; a setting that is read again may change them while threads read them. */
	const struct zone *_Atomic zone;
	_Atomic enum lang lang;
	struct seal_key *key;  /* NULL in commands that need no database                */
	struct store *store;   /* db.h; NULL in commands that need no database          */
	struct store *reports; /* reports.db, the rows of reports; NULL: not opened     */
	bool is_offline;
	bool is_holder;          /* this process holds the lock: it runs jobs and sends   */
	bool is_frozen_clock;    /* started with --now                                    */
	char *standin_url;       /* "http://127.0.0.1:PORT" of the built-in stand-in, or NULL */
	char *standin_smtp;      /* "smtp://127.0.0.1:PORT" of its mail server, or NULL       */
	char *standin_event_key; /* public key of the events that it signs as SendGrid, or NULL     */
	int wake_fd[WAKE__MAX];  /* eventfd; -1 = nobody waits                            */
	_Atomic bool is_stopping;
};

enum actor_kind { ACTOR_SYSTEM, ACTOR_USER, ACTOR_TOKEN, ACTOR_COMMAND };

struct actor {
	enum actor_kind kind;
	int64_t user_id;     /* 0 = none: SYSTEM, COMMAND, or a token of nobody            */
	const char *name;    /* for history: "maria", "token:web", "command", "system"      */
	const char *role;    /* "owner"…; "" without                                       */
	const char *rights;  /* blank-separated names; "*" = all                           */
	const char *address; /* of the client, "" if none                                 */
	int64_t token_id;    /* of a token: its name may be another one's later           */
	/* Through which door, for history: "import", "bulk"; NULL = the usual one of its kind. */
	const char *door;
};

#define CX_FIELD_ERRORS_MAX 40 /* a form with more wrong fields than this needs no longer list */
struct field_error {
	const char *field, *message;
};

struct cx {
	struct env *env;
	struct arena *arena;
	struct db *db; /* this thread's connection; NULL where none is needed            */
	enum lang lang;
	struct actor actor;
	const char *message;    /* the sentence for the person after a failure, "" if none   */
	const char *error_code; /* finer than the rc, for the API; NULL = rc's name          */
	struct field_error fields[CX_FIELD_ERRORS_MAX];
	size_t field_count;
	const char *request_id; /* in every log line of this cx                              */
	/* Keep the next sentence as sentence.h does too: for who stores it. cx_sentence_kept() gives it. */
	bool keeps_sentence;
	const char *kept, *kept_of; /* of this message                                     */
};

/* A cx for the system (jobs, engine): rights "*", the business's language. */
void cx_init(struct cx *cx, struct env *env, struct arena *arena, struct db *db);
/* Forget sentence and field errors, reset the arena: between two runs of one thread's cx. */
void cx_reset(struct cx *cx);

instant cx_now(const struct cx *cx);
day cx_today(const struct cx *cx); /* in the business's zone */

/* Put the (already translated) sentence; the first one stays. Returns rc. */
enum rc cx_fail(struct cx *cx, enum rc rc, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same for a field of a form; all are kept. Returns RC_BAD_INPUT. */
enum rc cx_fail_field(struct cx *cx, const char *field, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The sentence to show: cx->message, or the rc's own default sentence. */
const char *cx_sentence(const struct cx *cx, enum rc rc);

/* The same to be stored: with keeps_sentence set before, as sentence_words() says it in any language;
** otherwise the sentence itself. */
const char *cx_sentence_kept(const struct cx *cx, enum rc rc);

bool actor_may(const struct actor *actor, const char *right);
void env_wake(struct env *env, enum wake who);
/* Zone and language as the settings say now. RC_BAD_INPUT: there is no such zone; nothing changed. */
enum rc env_settle(struct env *env) MUST_CHECK;
/* Levels and shape of the log as the settings say now (log.level, log.levels, log.format). */
void env_log_settle(const struct env *env);
/* "outbox=debug, access=info": each pair's level is set when `apply`; what is wrong is *wrong (len), NULL: nothing. */
bool env_log_levels(const char *text, bool apply, const char **wrong, size_t *len);
/* Read the settings file again (SIGHUP, a save in the panel): what takes effect without a restart is in force
** from here on. On failure everything stays and *why (arena) is the sentence. Logged either way. */
enum rc env_reload(struct env *env, struct arena *a, enum lang lang, const char **why) MUST_CHECK;

#endif
