/*
** alarm.h -- what the owner is told by itself: the rules (alarm_rules.c), who is told and when
** (alarm_tell.c), in which words (alarm_text.c). For the files of this subject and their tests.
*/
#ifndef RECADO_OPS_ALARM_H
#define RECADO_OPS_ALARM_H

#include "ops/ops.h"
#include "outbox/alert.h"

/* Rules (alarm_rules.c) */

/* What one look of a rule found; alarm_found() adds to it. */
struct alarm_look;

/*
** One thing the owner must know. Its alerts have the key `name`, or "name:WHAT" when there may be several at
** a time.
*/
struct alarm_rule {
	const char *name;     /* "disk.low"                                                 */
	const char *title;    /* N_() of the panel                                          */
	const char *about;    /* N_() when it is raised and when it is over                */
	const char *severity; /* of its test                                                */
	const char *sample;   /* N_() sentence of its test, as a real one could be         */
	const char *subject;  /* for its %s                                                 */
	const char *remedy;   /* the one next step: N_() a sentence; a command where no page does it */
	const char *link;     /* page of the panel                                          */
	const char *setting;  /* threshold that can be changed; NULL = none                 */
	const char *wait;     /* setting: minutes until it is told; NULL = at once          */
	/* NULL: raised and resolved where it happens. A failure leaves its alerts as they are. */
	enum rc (*look)(struct cx *cx, struct alarm_look *l);
};
extern const struct alarm_rule alarm_rules[]; /* ended by one without name */
/* The rule of an alert's key; NULL: none. */
const struct alarm_rule *alarm_rule_of(const char *key);
/* what: tells one from another of the same rule, "" = there is only one. */
void alarm_found(struct alarm_look *l, const char *what, const char *severity, const char *msgid,
		 const char *subject);

/* Look by all rules now; raises, resolves. *raised, *resolved: how many (may be NULL). Own transaction. */
enum rc alarms_look(struct cx *cx, int *raised, int *resolved) MUST_CHECK;

/* What the machine says (alarm_host.c); -1 = cannot be asked. */

struct alarm_host {
	int64_t memory_percent, processor_percent; /* in use, the processor's over the last five minutes    */
	int64_t disk_percent, disk_free_bytes;     /* in use by the state folder's file system              */
	int64_t own_bytes;                         /* resident memory of this process                       */
};
/* The file system of a path: percent in use as an ordinary user sees it, and free bytes. Pure but for
** statvfs. */
bool alarm_disk_of(const char *path, int64_t *percent, int64_t *free_bytes);
/* "MemTotal: … kB" and "MemAvailable: … kB" of a meminfo text as percent in use; -1. Total. */
int64_t alarm_memory_of(const char *meminfo);
/* First line of a /proc/stat text: busy and all, in ticks. False: not such a text. Total. */
bool alarm_processor_of(const char *stat, int64_t *busy, int64_t *all);

/* A look's own view of the counters: what happened within the last minutes. */
struct alarm_window {
	/* answers 500, refused log-ins, slower than the limit… */
	int64_t failures, logins, slow, requests, slow_ms;
	/* answers 429 within a day */
	int64_t blocked_day;
};
void alarm_measure(struct cx *cx, struct alarm_host *host, struct alarm_window *window);
/* For tests: as if the process had just started; on a machine whose /proc and /sys lie under root ("" = this
** one) and whose milliseconds ticks() counts. */
void alarm_measure_reset(void);
void alarm_machine(const char *root, int64_t (*ticks)(void));
/* clock_ticks(), or what a test counts. */
int64_t alarm_ticks(void);

/* The clock (alarm_clock.c) */

enum alarm_clock { ALARM_CLOCK_FINE, ALARM_CLOCK_BEHIND, ALARM_CLOCK_AHEAD, ALARM_CLOCK_JUMPED };
/* How the clock is against the last instant that was surely right (0 = none known). Pure. */
enum alarm_clock alarm_clock_of(instant now, instant last_known);
/* At the start, before anything acts by itself: what was known of the clock (clock_set_known). */
enum rc alarm_clock_start(struct cx *cx) MUST_CHECK;
/* The person says that it is right as it is. Own transaction. */
enum rc alarm_clock_accept(struct cx *cx) MUST_CHECK;
enum rc alarm_look_clock(struct cx *cx, struct alarm_look *l) MUST_CHECK;

/* Telling (alarm_tell.c, alarm_roads.c, alarm_try.c) */

/* An alert as its row has it. */
struct alarm_said {
	int64_t id;
	const char *key, *severity, *msgid, *subject, *link, *remedy;
	instant created_at, resolved_at;
};

/* A way to the owner. */
struct alarm_road {
	const char *name;  /* "email": also the channel's name */
	const char *title; /* N_()                             */
	const char *from;  /* setting: least severity          */
};
#define ALARM_PLACES_MAX 10                   /* addresses of one road: an owner, partners, a technician */
extern const struct alarm_road alarm_roads[]; /* ended by one without name */
const struct alarm_road *alarm_road_find(const char *name);
/* Addresses of the road as the settings have them now (arena); their count, 0 = it is not set up. */
size_t alarm_places(struct cx *cx, const struct alarm_road *road, const char *out[ALARM_PLACES_MAX]);
/* For the setting's row. */
const char *alarm_email_refuse(const char *value, struct arena *a, enum lang lang);

/* Where a group of Telegram went, in meta: "telegram.moved:OLD" = NEW. */
#define ALARM_MOVED_KEY "telegram.moved:"
/* What is said of an alert on one road, to all its addresses: rows and messages. In a transaction; *count
** (may be NULL) grows by the addresses. */
enum rc alarm_tell(struct cx *cx, const struct alarm_said *a, const struct alarm_road *road, const char *word,
		   int *count) MUST_CHECK;

/* Everything that is due: told, reminded, solved, summed up; also settles our own unsure notices. Own
** transaction, none when nothing is due. */
enum rc alarms_tell(struct cx *cx) MUST_CHECK;
/* A made-up alert through the real path. rule NULL: a general one; road NULL: all that are set up.
** RC_BAD_INPUT with the field: no such rule or road; RC_CONFLICT with the sentence: the road is not set up.
** *count of
** messages. */
enum rc alarms_try(struct cx *cx, const char *rule, const char *road, int *count) MUST_CHECK;
/* The thread of health.c calls it every few seconds: looks once a minute, tells. */
void alarms_tick(struct cx *cx, int64_t scheduler_silent_ms);

/* Words (alarm_text.c) */

/* word: told, reminderN, solved, test. Arena; the business's language. */
const char *alarm_subject(struct cx *cx, const struct alarm_said *a, const char *word);
const char *alarm_text(struct cx *cx, const struct alarm_said *a, const char *word);
const char *alarm_summary(struct cx *cx, const struct alarm_said *all, const char *const *words,
			  size_t count);
const char *alarm_summary_subject(struct cx *cx, size_t count);
const char *alarm_severity_words(enum lang lang, const char *severity);
/* Is the next step for the server's command line? Sentences begin with a capital letter, commands do not. */
bool alarm_remedy_is_command(const char *remedy);

/* Pages and commands */

enum rc handle_alerts(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_alerts_look(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_alerts_try(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_alert_seen(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_error_page(struct cx *cx, struct call *call) MUST_CHECK;
/* What the page shows, for program and command alike: {open, history, roads, rules}. */
enum rc alarms_show(struct cx *cx, struct value **out) MUST_CHECK;
enum rc ops_run_alerts(struct cx *cx, struct command_call *call) MUST_CHECK;
enum rc ops_run_alerts_try(struct cx *cx, struct command_call *call) MUST_CHECK;
enum rc ops_run_alerts_look(struct cx *cx, struct command_call *call) MUST_CHECK;

#endif
