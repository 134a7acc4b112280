/*
** planner.h -- what a module declares so that a forecast can run its planning.
**
** A planner decides on one civil date what leaves. A forecast runs it at each of its schedule's coming due
** times, on a connection that cannot write the database (db.h, "Forecasts"), with cx's clock at that hour,
** and asks it afterwards what it put into the ledger's stand-ins. A later day sees what an earlier one wrote.
**
** Holds: a line names its subject by id only, so a stored forecast has nothing personal in it; names, numbers
** and texts are read where they are kept when somebody looks.
*/
#ifndef RECADO_OUTBOX_PLANNER_H
#define RECADO_OUTBOX_PLANNER_H

#include "outbox/outbox.h"

#define PLANNER_WORDS_MAX 32 /* kinds, or reasons, of one planner: a line has a byte for each */

struct planner_word {
	const char *code, *words; /* N_(); a list ends with one without code */
};

/* One message, or one person left out, as the planner tells it. */
struct planned {
	int64_t subject_id; /* subscription, message…                                         */
	int64_t version_id; /* of the text's template; 0 = none                                  */
	int days;           /* before the day it is about; 0 when that says nothing              */
	const char *kind;   /* code of kinds                                                   */
	const char *skip;   /* code of skips, "" = it leaves                                    */
	instant at;         /* 0 = when it was planned; otherwise not before                      */
};
typedef enum rc planned_fn(void *to, const struct planned *line);

/* A line on its way to a person: the first part is given, the planner fills the rest (texts in the arena). */
struct planned_shown {
	int64_t subject_id, version_id;
	day on; /* whose run it is */
	int days;
	const char *kind;
	bool wants_text;
	const char *who, *what, *address; /* name, service…, number: "" when there is none any more */
	const char *href;                 /* page of the subject, NULL = none                       */
	const char *text;                 /* when wanted and it leaves                            */
};

/*
** What is planned for one subject never depends on another one, so a forecast takes the subjects share by
** share, each through all its days: however many there are, their rows fit into the memory of one connection.
*/
struct planner_share {
	day from, until; /* civil dates that are foretold                              */
	int64_t place;   /* the planner's own: where the next share begins, 0 first    */
	int64_t total;   /* what place comes to in the end, for the bar; 0 = unknown   */
	int64_t told;    /* the number that tell begins with                           */
	bool is_last;
};

struct planner {
	const char *name;  /* "renewals.daily": its schedule; "" = no schedule, it runs once, now */
	bool runs_once;    /* now and no more, whatever its schedule: its lines have hours of their own */
	const char *title; /* N_()                                                          */
	const struct planner_word *kinds, *skips;
	/* Who may see its lines, and whose: without right_all only what own gives (SQL of ids, with
	** :actor; NULL = all). find gives the ids of the subjects that the folded words :words find. */
	const char *right, *right_all, *own, *find;
	const char *list; /* resource of the subjects, for links of a day: NULL = none */
	/* Sentence why nothing will be planned at all, translated; "" or NULL function: it will. */
	const char *(*why_none)(struct cx *cx);
	/* Stand-ins for the tables it writes besides the outbox's own, with the next share of what can
	** matter. */
	enum rc (*prepare)(struct cx *cx, struct planner_share *share);
	/* The real planning of that date, as the schedule's job does it. What it decides may go to `to` at
	** once instead of into the ledger's stand-ins: a message that nobody will send needs no row. */
	enum rc (*plan)(struct cx *cx, day on, planned_fn *to, void *arg);
	/* What else it planned since *place, which it may keep a number of its own in (told of the share).
	** The messages are emptied afterwards. */
	enum rc (*tell)(struct cx *cx, int64_t *place, planned_fn *to, void *arg);
	enum rc (*show)(struct cx *cx, struct planned_shown *line);
};

/* Stand-ins for what every message needs: ledger, batches, contacts, channels; as at the beginning of a
** share, before the planner's own. Contacts that a planner asks for it brings itself. */
enum rc outbox_stand_ins(struct cx *cx) MUST_CHECK;
/* What a run left in the ledger is told: make room for the next one. */
enum rc outbox_stand_ins_empty(struct cx *cx) MUST_CHECK;
/* What waits in the ledger already: no schedule, told once. */
extern const struct planner outbox_waiting;

#endif
