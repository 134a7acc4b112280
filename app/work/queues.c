/*
** queues.c -- how many jobs of a queue run at once, and how the queues stand.
**
** Owns:   the limits of struct queue; the rows of settings below.
** Holds:  (1) a limit that a setting changes holds for the next job that is claimed; what runs goes on;
**         (2) all queues together never run more than WORKERS_MAX.
*/
#include "work/inner.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX 40 /* of a queue; ours have under ten letters */

/* More than one at a time where the work waits for others rather than for our disk. All other queues: one. */
static const struct {
	const char *name;
	int limit;
} usual_limits[] = {
	{ "inbound", 1 }, /* replies of people, in the order they came                          */
	{ "fetch", 3 },   /* reports and calendars of strangers' servers; each waits mostly      */
	{ "sends", 2 },   /* a long campaign does not keep the next one waiting for days         */
};

static int usual(const char *name)
{
	for (size_t i = 0; i < sizeof usual_limits / sizeof *usual_limits; i++)
		if (strcmp(usual_limits[i].name, name) == 0) return usual_limits[i].limit;
	return 1;
}

/* "fetch=2, import=1": takes one pair; false at the end and at what is none (then *p stands at it). */
static bool take_limit(const char **p, char name[NAME_MAX], int *limit)
{
	size_t len;
	char *end = NULL;

	*p += strspn(*p, ", \t");
	len = strspn(*p, "abcdefghijklmnopqrstuvwxyz_-");
	if (len == 0 || len >= NAME_MAX || (*p)[len] != '=') return false;
	if ((*p)[len + 1] < '0' || (*p)[len + 1] > '9') return false;
	memcpy(name, *p, len);
	name[len] = '\0';
	*limit = (int)strtol(*p + len + 1, &end, 10);
	if (*limit < 1 || *limit > WORKERS_MAX || (*end != '\0' && !strchr(", \t", *end))) return false;
	*p = end;
	return true;
}

static const char *refuse_limits(const char *value, struct arena *a, enum lang lang)
{
	char name[NAME_MAX];
	int limit;

	while (take_limit(&value, name, &limit))
		;
	if (*value == '\0') return NULL;
	return arena_printf(
		a, words_get(lang, N_("should be pairs like fetch=2, import=1 with 1 to %d, not “%.40s”")),
		WORKERS_MAX, value);
}

const struct setting work_settings[] = {
	{ .name = "work.keep_days",
	  .title = N_("Keep finished work (days)"),
	  .section = N_("Work of the house"),
	  .type = SET_INT,
	  .def = "90",
	  .min = 7,
	  .max = 3650,
	  .help = N_(
		  "Days until finished and cancelled work is forgotten; what was given up stays until you decide.") },
	{ .name = "work.limits",
	  .title = N_("Limits of the queues"),
	  .type = SET_TEXT,
	  .def = "",
	  .max = 200,
	  .help = N_(
		  "How much of a queue runs at once, for example fetch=2, import=1; the others keep theirs."),
	  .refuse = refuse_limits },
	{ .name = NULL },
};

static const char *setting_limits(const struct env *env)
{
	if (!env->settings || !settings_find(env->settings, "work.limits")) return "";
	return setting_text(env->settings, "work.limits");
}

void queues_apply(struct work *w)
{
	const char *p = setting_limits(w->env);
	char name[NAME_MAX];
	int limit;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->queue_count; i++)
		w->queues[i].limit = usual(w->queues[i].name);
	while (take_limit(&p, name, &limit))
		for (size_t i = 0; i < w->queue_count; i++)
			if (strcmp(w->queues[i].name, name) == 0) w->queues[i].limit = limit;
	pthread_mutex_unlock(&w->lock);
}

static enum rc count_waiting(struct cx *cx, struct queue_figures *f)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT count(*), coalesce(min(CASE WHEN run_at <= :now THEN run_at END), 0) FROM job "
		"WHERE queue = :queue AND state = 'queued'",
		PARAMS(P_TEXT(":queue", f->name), P_INT(":now", cx_now(cx))));

	if (rc == RC_OK && query_next(q)) {
		f->waiting = query_int(q, 0);
		f->oldest_due_at = query_int(q, 1);
	}
	return query_end(q, rc);
}

enum rc queues_show(struct cx *cx, struct queue_figures out[QUEUES_SHOWN_MAX], size_t *count)
{
	enum rc rc = RC_OK;

	work_queues(out, count);
	for (size_t i = 0; i < *count && rc == RC_OK; i++) {
		out[i].usual = usual(out[i].name);
		rc = count_waiting(cx, &out[i]);
	}
	return rc;
}
