/*
** work_pages.h -- what the pages of work share, and what house.c (both of them) takes from them.
*/
#ifndef RECADO_DESK_WORK_PAGES_H
#define RECADO_DESK_WORK_PAGES_H

#include "desk/desk.h"

/* Before desk_setup: by which kinds and queues the list of jobs can be filtered. Tables: a NULL-terminated
** list of row arrays, each ended by a row without name. */
void desk_work_declare(struct arena *forever, const struct job_kind *const *tables);
/* queues, a job's log, questions before pausing and discarding */
extern const struct fact reason_takes[]; /* {reason} */
extern const struct route desk_work_routes[];
extern const struct figure desk_work_figures[]; /* the card of the home page */

/* jobs_page.c */
extern struct filter jobs_filters[]; /* kinds and queues: desk_work_declare */
void jobs_list_extra(struct cx *cx, struct value *page);
/* What a queue does, in people's words: the titles of its kinds of work. Arena. */
const char *queue_work(struct cx *cx, const char *queue);
/* schedules_page.c */
extern const struct action schedules_actions[];
extern const struct filter schedules_filters[];
void schedules_list_extra(struct cx *cx, struct value *page);
const char *schedule_name_shown(struct cx *cx, const char *stored);
/* rule_words.c: "every day at 03:30"; the rule itself where it has no short sentence. Lent or arena. */
const char *rule_shown(struct cx *cx, const char *stored);
const char *seconds_shown(struct cx *cx, const char *stored); /* "24 h" for 86400 */
/* rule_pick.c: the rules that people pick rather than write */
struct rule_pick {
	enum { PICK_DAILY, PICK_WEEKDAYS, PICK_EVERY, PICK_WRITTEN } kind;
	int at_min;    /* minutes after midnight                                     */
	int every_min; /* of PICK_EVERY                                              */
};
/* Which pick a rule is; PICK_WRITTEN: none, the rest of *out is what a form begins with. Total. */
void rule_pick_of(struct rule_pick *out, const char *rule);
const char *rule_of_pick(struct arena *a, const struct rule_pick *pick); /* not of PICK_WRITTEN */
enum rc schedule_form_take(struct cx *cx, struct call *call, struct value *input) MUST_CHECK;
void schedule_form_show(struct cx *cx, struct call *call, const struct value *stored, struct value *page);
/* work_pages.c */
/* jobs that wait for a person's decision, at most 100; 0 without the right */
int64_t work_given_up(struct cx *cx);
/* The people's words of a state, N_(). */
const char *job_state_title(const char *state);
#define JOB_STATES "queued=waiting|running=running|done=done|failed=failed|dead=given up|cancelled=cancelled"

#endif
