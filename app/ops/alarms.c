/*
** alarms.c -- one look by all rules: what was found is raised, what is gone is resolved.
**
** Owns:   the alerts of rules that have a look; settings, routes and commands of the subject.
** Needs:  the thread of health.c, which calls alarms_tick() every few seconds, also while scheduler and
** workers hang. Never:  decides what is wrong (alarm_rules.c) or tells anybody (alarm_tell.c).
** Holds:  (1) one look at a time; (2) reading first, then one transaction, none when nothing changed; (3) a
**         rule that could not look changes nothing; (4) after a start the first look waits until the house
**         has settled.
*/
#include "ops/alarm_look.h"

#include <pthread.h>
#include <string.h>

#define FOUND_MAX     64 /* alerts open at a time: more than that nobody reads                          */
#define LOOK_EVERY_MS MINUTE_MS
#define LOOK_FIRST_MS (2 * MINUTE_MS) /* backups and jobs that were late have run by then           */

struct found {
	const struct alarm_rule *rule;
	const char *key, *severity, *msgid, *subject;
	bool is_open; /* there is an open alert for it */
};

struct alarm_look {
	struct cx *cx;
	const struct alarm_rule *rule; /* whose turn it is */
	struct alarm_host host;
	struct alarm_window window;
	int64_t silent_ms;
	struct found found[FOUND_MAX];
	size_t count;
	bool has_looked[64];                            /* by index of the rule */
	const char *gone[FOUND_MAX], *other[FOUND_MAX]; /* keys: to resolve; to resolve and raise anew */
	size_t gone_count;
	bool has_change;
};

static struct {
	pthread_mutex_t lock;
	int64_t lasts_since[ALARM_LASTS__MAX]; /* ticks, 0 = not now */
	int64_t started, looked;               /* ticks of the thread's own looks */
	int64_t silent_ms;
} watch = { .lock = PTHREAD_MUTEX_INITIALIZER };

const struct alarm_host *alarm_look_host(const struct alarm_look *l)
{
	return &l->host;
}

const struct alarm_window *alarm_look_window(const struct alarm_look *l)
{
	return &l->window;
}

int64_t alarm_look_silent_ms(const struct alarm_look *l)
{
	return l->silent_ms;
}

bool alarm_lasts(struct alarm_look *l, enum alarm_lasting what, bool is)
{
	int64_t now = alarm_ticks();

	(void)l;
	if (!is)
		watch.lasts_since[what] = 0;
	else if (watch.lasts_since[what] == 0)
		watch.lasts_since[what] = now > 0 ? now : 1;
	return is && now - watch.lasts_since[what] >= ALARM_LASTS_MS;
}

void alarm_found(struct alarm_look *l, const char *what, const char *severity, const char *msgid,
		 const char *subject)
{
	struct arena *a = l->cx->arena;

	if (l->count == FOUND_MAX) return;
	l->found[l->count++] = (struct found){
		.rule = l->rule,
		.key = what[0] == '\0' ? l->rule->name : arena_printf(a, "%s:%s", l->rule->name, what),
		.severity = severity,
		.msgid = msgid,
		.subject = arena_text(a, subject),
	};
}

static void run_rules(struct cx *cx, struct alarm_look *l)
{
	for (size_t i = 0; alarm_rules[i].name != NULL; i++) {
		size_t before = l->count;
		enum rc rc;

		l->rule = &alarm_rules[i];
		if (l->rule->look == NULL) continue;
		/* By a wrong clock everything is late: only the clock itself is looked at. */
		if (clock_is_doubtful(cx->env->clock) && l->rule->look != alarm_look_clock) continue;
		rc = l->rule->look(cx, l);
		l->has_looked[i] = rc == RC_OK;
		if (rc == RC_OK) continue;
		l->count = before;
		log_event(LOG_WARN, "errors", "alarm.look", "rule=%s code=%s", l->rule->name,
			  rc_row(rc)->name);
	}
}

static struct found *found_by_key(struct alarm_look *l, const char *key)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->found[i].key, key) == 0) return &l->found[i];
	return NULL;
}

/* What is open already, against what was found. */
static enum rc compare(struct cx *cx, struct alarm_look *l)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT key, severity, msgid, subject FROM alert INDEXED BY alert_open WHERE resolved_at IS NULL"
		" LIMIT 1000",
		NO_PARAMS);

	while (rc == RC_OK && query_next(q)) {
		const struct alarm_rule *rule = alarm_rule_of(query_text(q, 0));
		struct found *f = found_by_key(l, query_text(q, 0));

		if (f != NULL && strcmp(f->severity, query_text(q, 1)) == 0 &&
		    strcmp(f->msgid, query_text(q, 2)) == 0) {
			f->is_open = true;
			if (strcmp(f->subject, query_text(q, 3)) != 0) l->has_change = true;
			continue;
		}
		if (rule == NULL || rule->look == NULL || !l->has_looked[rule - alarm_rules]) continue;
		if (l->gone_count < FOUND_MAX) l->gone[l->gone_count++] = query_copy(cx, q, 0);
		l->has_change = true;
	}
	for (size_t i = 0; i < l->count; i++)
		if (!l->found[i].is_open) l->has_change = true;
	return query_end(q, rc);
}

static enum rc apply(struct cx *cx, struct alarm_look *l)
{
	enum rc rc = tx_begin(cx);

	for (size_t i = 0; i < l->gone_count && rc == RC_OK; i++)
		rc = alert_resolve(cx, l->gone[i]);
	for (size_t i = 0; i < l->count && rc == RC_OK; i++) {
		const struct found *f = &l->found[i];
		int64_t id = 0;

		if (f->is_open)
			rc = alert_retell(cx, f->key, f->subject);
		else
			rc = alert_add(cx, &id,
				       &(struct alert_new){ .key = f->key,
							    .severity = f->severity,
							    .msgid = f->msgid,
							    .subject = f->subject,
							    .link = f->rule->link,
							    .remedy = f->rule->remedy });
	}
	return tx_end(cx, rc);
}

enum rc alarms_look(struct cx *cx, int *raised, int *resolved)
{
	struct alarm_look *l = arena_alloc(cx->arena, sizeof(*l));
	int up = 0;
	enum rc rc;

	if (l == NULL) return RC_NO_MEMORY;
	l->cx = cx;
	pthread_mutex_lock(&watch.lock);
	l->silent_ms = watch.silent_ms;
	alarm_measure(cx, &l->host, &l->window);
	run_rules(cx, l);
	rc = compare(cx, l);
	if (rc == RC_OK && l->has_change) rc = apply(cx, l);
	pthread_mutex_unlock(&watch.lock);
	for (size_t i = 0; i < l->count; i++)
		up += !l->found[i].is_open;
	if (raised != NULL) *raised = rc == RC_OK ? up : 0;
	if (resolved != NULL) *resolved = rc == RC_OK ? (int)l->gone_count : 0;
	return rc;
}

void alarms_tick(struct cx *cx, int64_t scheduler_silent_ms)
{
	int64_t now = alarm_ticks();
	enum rc rc = RC_OK;
	bool is_due;

	pthread_mutex_lock(&watch.lock);
	watch.silent_ms = scheduler_silent_ms;
	if (watch.started == 0) watch.started = now;
	is_due = now - watch.started >= LOOK_FIRST_MS &&
		 (watch.looked == 0 || now - watch.looked >= LOOK_EVERY_MS);
	if (is_due) watch.looked = now;
	pthread_mutex_unlock(&watch.lock);
	cx->lang = cx->env->lang;
	if (is_due) rc = alarms_look(cx, NULL, NULL);
	if (rc == RC_OK) rc = alarms_tell(cx);
	if (rc != RC_OK) log_event(LOG_WARN, "errors", "alarm.tick", "code=%s", rc_row(rc)->name);
}

/* Tables */

#define SEVERITIES "warning|urgent"

const struct setting alarm_settings[] = {
	{ .name = "alerts.email",
	  .title = N_("Mail addresses for notices to you"),
	  .section = N_("Alerts"),
	  .type = SET_TEXT,
	  .def = "",
	  .max = 600,
	  .old = "ADMIN_EMAILS|ADMINS",
	  .refuse = alarm_email_refuse,
	  .help = N_(
		  "Who gets a mail when something needs attention: addresses with commas between; empty: nobody.") },
	{ .name = "alerts.email_from",
	  .title = N_("By mail from"),
	  .type = SET_ONE,
	  .def = "warning",
	  .choices = SEVERITIES,
	  .help = N_("Least severity that is told by mail.") },
	{ .name = "alerts.slack_from",
	  .title = N_("On Slack from"),
	  .type = SET_ONE,
	  .def = "warning",
	  .choices = SEVERITIES,
	  .help = N_("Least severity that is told on Slack.") },
	{ .name = "alerts.discord_from",
	  .title = N_("On Discord from"),
	  .type = SET_ONE,
	  .def = "warning",
	  .choices = SEVERITIES,
	  .help = N_("Least severity that is told on Discord.") },
	{ .name = "alerts.telegram_from",
	  .title = N_("On Telegram from"),
	  .type = SET_ONE,
	  .def = "warning",
	  .choices = SEVERITIES,
	  .help = N_("Least severity that is told on Telegram.") },
	{ .name = "alerts.remind_hours",
	  .title = N_("Remind after (hours)"),
	  .type = SET_INT,
	  .def = "6",
	  .min = 1,
	  .max = 168,
	  .help = N_(
		  "Hours until an alert that is still open is told again; what comes back sooner is not told anew.") },
	{ .name = "alerts.mails_per_hour",
	  .title = N_("Mails about alerts an hour"),
	  .type = SET_INT,
	  .def = "20",
	  .min = 2,
	  .max = 200,
	  .help = N_("Most mails about alerts within an hour; the rest goes into one that sums up.") },
	{ .name = "alerts.unsure_minutes",
	  .title = N_("Unsure messages wait (minutes)"),
	  .type = SET_INT,
	  .def = "30",
	  .min = 0,
	  .max = 1440,
	  .help = N_("Minutes until you are told that messages are unsure and nobody decided.") },
	{ .name = "alerts.backup_hours",
	  .title = N_("Oldest proved backup (hours)"),
	  .type = SET_INT,
	  .def = "26",
	  .min = 2,
	  .max = 744,
	  .help = N_("Hours without a proved backup until you are told.") },
	{ .name = "alerts.disk_warn_percent",
	  .title = N_("Disk in use: warning (%)"),
	  .type = SET_INT,
	  .def = "80",
	  .min = 1,
	  .max = 100,
	  .help = N_("Share of the disk in use from which on you are warned.") },
	{ .name = "alerts.disk_urgent_percent",
	  .title = N_("Disk in use: urgent (%)"),
	  .type = SET_INT,
	  .def = "90",
	  .min = 1,
	  .max = 100,
	  .help = N_("Share of the disk in use from which on it is urgent.") },
	{ .name = "alerts.memory_mb",
	  .title = N_("Memory of this program (MB)"),
	  .type = SET_INT,
	  .def = "200",
	  .min = 16,
	  .max = 65536,
	  .help = N_("Megabytes that this program may use for five minutes before you are told.") },
	{ .name = "alerts.wal_mb",
	  .title = N_("Log of the database (MB)"),
	  .type = SET_INT,
	  .def = "256",
	  .min = 1,
	  .max = 65536,
	  .help = N_("Megabytes of the database's log from which on you are told: Litestream has stopped.") },
	{ .name = "alerts.queue",
	  .title = N_("Jobs waiting"),
	  .type = SET_INT,
	  .def = "500",
	  .min = 1,
	  .max = 100000,
	  .help = N_("Due jobs that may wait before you are told.") },
	{ .name = "alerts.slow_ms",
	  .title = N_("Slow answer (milliseconds)"),
	  .type = SET_INT,
	  .def = "5000",
	  .min = 1,
	  .max = 10000,
	  .help = N_("From how many milliseconds on an answer counts as slow.") },
	{ .name = "alerts.logins",
	  .title = N_("Refused log-ins in ten minutes"),
	  .type = SET_INT,
	  .def = "20",
	  .min = 1,
	  .max = 10000,
	  .help = N_("Refused log-ins within ten minutes before you are told.") },
	{ .name = "alerts.blocked_per_day",
	  .title = N_("Requests turned away a day"),
	  .type = SET_INT,
	  .def = "100",
	  .min = 1,
	  .max = 1000000,
	  .old = "BLOCKED_ALERT_PER_DAY",
	  .help = N_("Requests turned away (429) within a day before you are told.") },
	{ .name = NULL },
};

static const struct fact shown[] = {
	{ .name = "open", .type = FACT_MAPS, .is_needed = true, .help = N_("What needs attention now") },
	{ .name = "history", .type = FACT_MAPS, .is_needed = true, .help = N_("What is over, newest first") },
	{ .name = "roads", .type = FACT_MAPS, .is_needed = true, .help = N_("Ways to the owner") },
	{ .name = "rules", .type = FACT_MAPS, .is_needed = true, .help = N_("What is looked at") },
	{ .name = NULL },
};

static const struct fact nothing[] = {
	{ .name = NULL },
};

static const struct fact looked[] = {
	{ .name = "raised", .type = FACT_INT, .is_needed = true, .help = N_("How many are new") },
	{ .name = "resolved", .type = FACT_INT, .is_needed = true, .help = N_("How many are over") },
	{ .name = NULL },
};

static const struct fact try_takes[] = {
	{ .name = "rule",
	  .type = FACT_TEXT,
	  .max = 60,
	  /* The names of alarm_rules; a test compares. */
	  .choices = "job.dead|job.failing|schedule.failing|work.silent|work.queue"
		     "|channel.stopped|channel.session|channel.disconnected|channel.credits"
		     "|channel.failing|outbox.unsure|backup.failed|backup.unproved|disk.low"
		     "|memory.low|processor.busy|database.log|clock.wrong|sandbox.closed"
		     "|web.slow|web.failure|login.refused|web.blocked",
	  .help = N_("Which alert; left out: a general one") },
	{ .name = "road",
	  .type = FACT_TEXT,
	  .max = 20,
	  .choices = "email|slack|discord|telegram",
	  .help = N_("email, slack, discord or telegram; left out: all") },
	{ .name = NULL },
};

static const struct fact try_gives[] = {
	{ .name = "messages", .type = FACT_INT, .is_needed = true, .help = N_("How many leave") },
	{ .name = NULL },
};

const struct route alarm_routes[] = {
	{ .method = "GET",
	  .path = "/alerts",
	  .realm = REALM_STAFF,
	  .right = "alerts.view",
	  .class = ROUTE_DB,
	  .menu = N_("Alerts"),
	  .menu_order = 73,
	  .help = N_("What needs attention, who is told of it, and trying that out"),
	  .gives = shown,
	  .handle = handle_alerts },
	{ .method = "POST",
	  .path = "/alerts/look",
	  .realm = REALM_STAFF,
	  .right = "alerts.edit",
	  .class = ROUTE_DB,
	  .has_token = true,
	  .help = N_("Look by all rules now"),
	  .takes = nothing,
	  .gives = looked,
	  .handle = handle_alerts_look },
	{ .method = "POST",
	  .path = "/alerts/try",
	  .realm = REALM_STAFF,
	  .right = "alerts.edit",
	  .class = ROUTE_DB,
	  .has_token = true,
	  .help = N_("Send a made-up alert"),
	  .takes = try_takes,
	  .gives = try_gives,
	  .handle = handle_alerts_try },
	{ .method = "POST",
	  .path = "/alerts/:id/seen",
	  .realm = REALM_STAFF,
	  .right = "alerts.edit",
	  .class = ROUTE_DB,
	  .has_token = true,
	  .help = N_("Somebody takes care of an alert: no more reminders"),
	  .takes = nothing,
	  .gives = nothing,
	  .handle = handle_alert_seen },
	{ .method = "GET",
	  .path = "/alerts/page/:status",
	  .realm = REALM_STAFF,
	  .right = "alerts.view",
	  .class = ROUTE_DB,
	  .no_api = true,
	  .help = N_("An error page as a visitor would see it"),
	  .handle = handle_error_page },
	{ .method = NULL },
};

const struct job_kind alarm_jobs[] = {
	{ .name = NULL },
};

const struct schedule_default alarm_schedules[] = {
	{ .name = NULL },
};

const struct command alarm_commands[] = {
	{ .name = "alerts",
	  .usage = "",
	  .help = N_("What needs attention, and who is told of it."),
	  .needs = COMMAND_STATE,
	  .run = ops_run_alerts },
	{ .name = "alerts try",
	  .usage = "[RULE] [--road email|slack|discord|telegram]",
	  .help = N_("Send a made-up alert, marked as a test, on the roads that are set up."),
	  .needs = COMMAND_HOLDER,
	  .run = ops_run_alerts_try },
	{ .name = "alerts look",
	  .usage = "",
	  .help = N_("Look by all rules now, and tell what is due."),
	  .needs = COMMAND_HOLDER,
	  .run = ops_run_alerts_look },
	{ .name = NULL },
};
