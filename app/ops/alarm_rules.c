/*
** alarm_rules.c -- everything the owner is told by itself: one row a rule, and the looks that find it.
**
** Owns:   no table; reads those of the other rooms.
** Needs:  alarms.c, which raises and resolves what a look found; alarm_host.c for the machine.
** Never:  writes; reads a whole table: each question has an index and an end.
** Holds:  (1) page, command, help and tests walk the one table; (2) a rule is about something a person can
**         mend, and names the step; (3) a look costs less than a page.
*/
#include "ops/alarm_look.h"
#include "ops/sandbox.h"

#include <stdio.h>
#include <string.h>

#define KINDS_MAX       20  /* different things that fail at a time: past it something bigger is wrong     */
#define STREAK          4   /* "more than 3 times in a row"                                             */
#define ATTEMPTS_READ   200 /* the last ones of all channels: enough for a streak of each               */
#define DEAD_DAYS       14  /* what was dead for longer nobody misses; its row stays in the list          */
#define REQUESTS_LEAST  20  /* of fewer a percentile says nothing                                      */
#define SLOW_TIMES      3   /* spec/stays.md §11: any single one thrice in five minutes                  */
#define SILENT_MS       (3 * MINUTE_MS)
#define BUSY_WARN       70
#define BUSY_URGENT     90
#define MEMORY_WARN     80
#define MEMORY_URGENT   90
#define DISK_FREE_LEAST ((int64_t)200 * 1024 * 1024) /* SQLite needs room for a checkpoint and a backup */
#define MIB             ((int64_t)1024 * 1024)

static const char *number(struct cx *cx, int64_t n)
{
	return arena_printf(cx->arena, "%lld", (long long)n);
}

static const char *percent(struct cx *cx, int64_t n)
{
	return arena_printf(cx->arena, "%lld %%", (long long)n);
}

/* Work */

static enum rc look_dead(struct cx *cx, struct alarm_look *l)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT kind, count(*) FROM job WHERE state = 'dead' AND finished_at > :old GROUP BY kind"
		" ORDER BY kind LIMIT :max",
		PARAMS(P_INT(":old", cx_now(cx) - DEAD_DAYS * DAY_MS), P_INT(":max", KINDS_MAX)));

	while (rc == RC_OK && query_next(q))
		alarm_found(l, query_copy(cx, q, 0), "warning",
			    N_("Work was given up after all its tries: %s. Run it again or discard it."),
			    words_get(cx->env->lang, work_kind_title(query_text(q, 0))));
	return query_end(q, rc);
}

/* The last STREAK ended jobs of one kind or schedule all failed. */
static bool is_streak(const char *states)
{
	int n = 0;

	for (const char *p = states; *p != '\0'; p += strcspn(p, ","), p += *p == ',') {
		if (strncmp(p, "failed", 6) != 0 && strncmp(p, "dead", 4) != 0) return false;
		n++;
	}
	return n >= STREAK;
}

static enum rc look_failing_jobs(struct cx *cx, struct alarm_look *l)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT kind, (SELECT group_concat(state) FROM (SELECT state FROM job j INDEXED BY job_kind WHERE j.kind = f.kind"
		" AND j.state IN ('done', 'failed', 'dead') ORDER BY j.id DESC LIMIT :streak)) FROM (SELECT DISTINCT kind FROM job"
		" WHERE state IN ('failed', 'dead') AND finished_at > :old LIMIT :max) f",
		PARAMS(P_INT(":streak", STREAK), P_INT(":old", cx_now(cx) - DAY_MS),
		       P_INT(":max", KINDS_MAX)));

	while (rc == RC_OK && query_next(q))
		if (is_streak(query_text(q, 1)))
			alarm_found(l, query_copy(cx, q, 0), "warning",
				    N_("The same work failed more than three times in a row: %s."),
				    words_get(cx->env->lang, work_kind_title(query_text(q, 0))));
	return query_end(q, rc);
}

static enum rc look_failing_schedules(struct cx *cx, struct alarm_look *l)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT s.name, (SELECT group_concat(state) FROM (SELECT state FROM job j INDEXED BY job_schedule"
		" WHERE j.schedule_id = f.schedule_id AND j.state IN ('done', 'failed', 'dead') ORDER BY j.id DESC LIMIT :streak))"
		" FROM (SELECT DISTINCT schedule_id FROM job WHERE state IN ('failed', 'dead') AND finished_at > :old"
		" AND schedule_id IS NOT NULL LIMIT :max) f JOIN schedule s ON s.id = f.schedule_id",
		PARAMS(P_INT(":streak", STREAK), P_INT(":old", cx_now(cx) - 7 * DAY_MS),
		       P_INT(":max", KINDS_MAX)));

	while (rc == RC_OK && query_next(q))
		if (is_streak(query_text(q, 1)))
			alarm_found(l, query_copy(cx, q, 0), "warning",
				    N_("A schedule failed more than three times in a row: %s."),
				    query_copy(cx, q, 0));
	return query_end(q, rc);
}

static enum rc look_queue(struct cx *cx, struct alarm_look *l)
{
	int64_t most = setting_int(cx->env->settings, "alerts.queue"), n = 0;
	enum rc rc = db_get_int(
		cx, &n,
		"SELECT count(*) FROM (SELECT 1 FROM job WHERE state = 'queued' AND run_at <= :now LIMIT :most)",
		PARAMS(P_INT(":now", cx_now(cx)), P_INT(":most", most + 1)));

	if (rc == RC_OK && n > most)
		alarm_found(l, "", "warning", N_("More than %s jobs are waiting for their turn."),
			    number(cx, most));
	return rc;
}

static enum rc look_scheduler(struct cx *cx, struct alarm_look *l)
{
	int64_t ms = alarm_look_silent_ms(l);

	if (ms > SILENT_MS)
		alarm_found(
			l, "", "urgent",
			N_("The scheduler has not looked at its plans for %s minutes: nothing happens by itself."),
			number(cx, ms / MINUTE_MS));
	return RC_OK;
}

/* Messages */

static enum rc look_failing_channels(struct cx *cx, struct alarm_look *l)
{
	struct {
		int64_t id;
		int failed;
		bool has_sent;
	} seen[KINDS_MAX];
	size_t count = 0;
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT m.channel_account_id, a.outcome, c.name FROM attempt a JOIN message m ON m.id = a.message_id"
		" JOIN channel_account c ON c.id = m.channel_account_id WHERE a.id > (SELECT coalesce(max(id), 0) FROM attempt)"
		" - :read AND a.kind = 'send' AND a.at > :old AND c.state <> 'stopped' ORDER BY a.id DESC",
		PARAMS(P_INT(":read", ATTEMPTS_READ), P_INT(":old", cx_now(cx) - 6 * HOUR_MS)));

	while (rc == RC_OK && query_next(q)) {
		size_t i = 0;

		while (i < count && seen[i].id != query_int(q, 0))
			i++;
		if (i == KINDS_MAX) continue;
		if (i == count) {
			seen[count].id = query_int(q, 0);
			seen[count].failed = 0;
			seen[count++].has_sent = false;
		}
		if (seen[i].has_sent) continue;
		if (strcmp(query_text(q, 1), "sent") == 0)
			seen[i].has_sent = true;
		else if (++seen[i].failed == STREAK)
			alarm_found(l, query_copy(cx, q, 2), "warning",
				    N_("Messages failed more than three times in a row on this channel: %s."),
				    query_copy(cx, q, 2));
	}
	return query_end(q, rc);
}

/* Backups: the table is ops' own (backup.c). Before the first night nobody is told. */

static enum rc house_age(struct cx *cx, int64_t *ms)
{
	instant first = 0;
	enum rc rc =
		db_get_int(cx, &first, "SELECT coalesce(min(started_at), 0) FROM process_run", NO_PARAMS);

	*ms = first > 0 ? cx_now(cx) - first : 0;
	return rc;
}

static enum rc look_backup_failed(struct cx *cx, struct alarm_look *l)
{
	struct value *last = NULL;
	enum rc rc = db_row(
		cx, &last,
		"SELECT state, error, remote_error FROM backup WHERE state <> 'removed' ORDER BY started_at DESC, id"
		" DESC LIMIT 1",
		NO_PARAMS);

	if (rc == RC_NOT_FOUND) return RC_OK;
	if (rc != RC_OK) return rc;
	if (strcmp(value_text_of(value_get(last, "state"), ""), "failed") == 0)
		alarm_found(l, "", "urgent", N_("The last backup failed. %s"),
			    value_text_of(value_get(last, "error"), ""));
	else if (value_text_of(value_get(last, "remote_error"), "")[0] != '\0')
		alarm_found(l, "", "warning",
			    N_("The last backup was not copied to the storage elsewhere. %s"),
			    value_text_of(value_get(last, "remote_error"), ""));
	return RC_OK;
}

static enum rc look_backup_old(struct cx *cx, struct alarm_look *l)
{
	int64_t most = setting_int(cx->env->settings, "alerts.backup_hours"), age = 0;
	instant proved = 0;
	char at[RFC3339_SIZE];
	enum rc rc = house_age(cx, &age);

	if (rc == RC_OK)
		rc = db_get_int(
			cx, &proved,
			"SELECT coalesce(max(proved_at), 0) FROM (SELECT proved_at FROM backup WHERE state <> 'failed'"
			" ORDER BY started_at DESC LIMIT 50)",
			NO_PARAMS);
	if (rc != RC_OK || age < most * HOUR_MS || cx_now(cx) - proved <= most * HOUR_MS) return rc;
	instant_text_local(at, proved, cx->env->zone);
	if (proved == 0)
		alarm_found(l, "", "urgent", N_("There is no backup that was proved yet."), "");
	else
		alarm_found(l, "", "urgent", N_("The last backup that was proved is of %s."), at);
	return RC_OK;
}

/* The machine */

static enum rc look_disk(struct cx *cx, struct alarm_look *l)
{
	const struct alarm_host *h = alarm_look_host(l);
	int64_t warn = setting_int(cx->env->settings, "alerts.disk_warn_percent");
	int64_t urgent = setting_int(cx->env->settings, "alerts.disk_urgent_percent");

	if (h->disk_percent < 0) return RC_OK;
	if (h->disk_percent >= urgent || h->disk_free_bytes < DISK_FREE_LEAST)
		alarm_found(l, "", "urgent",
			    N_("The disk is nearly full: %s in use. Without room nothing can be saved."),
			    percent(cx, h->disk_percent));
	else if (h->disk_percent >= warn)
		alarm_found(l, "", "warning", N_("The disk fills up: %s in use."),
			    percent(cx, h->disk_percent));
	return RC_OK;
}

static enum rc look_memory(struct cx *cx, struct alarm_look *l)
{
	const struct alarm_host *h = alarm_look_host(l);
	int64_t most = setting_int(cx->env->settings, "alerts.memory_mb");

	if (alarm_lasts(l, ALARM_LASTS_MEMORY_URGENT, h->memory_percent >= MEMORY_URGENT))
		alarm_found(l, "machine", "urgent", N_("The memory of this machine is nearly used up: %s."),
			    percent(cx, h->memory_percent));
	else if (alarm_lasts(l, ALARM_LASTS_MEMORY, h->memory_percent >= MEMORY_WARN))
		alarm_found(l, "machine", "warning", N_("The memory of this machine runs short: %s in use."),
			    percent(cx, h->memory_percent));
	if (alarm_lasts(l, ALARM_LASTS_OWN, h->own_bytes > most * MIB))
		alarm_found(l, "own", "warning", N_("This program uses more memory than it should: %s MB."),
			    number(cx, h->own_bytes / MIB));
	return RC_OK;
}

static enum rc look_processor(struct cx *cx, struct alarm_look *l)
{
	const struct alarm_host *h = alarm_look_host(l);

	if (h->processor_percent >= BUSY_URGENT)
		alarm_found(l, "", "urgent", N_("The processor is fully busy for five minutes: %s."),
			    percent(cx, h->processor_percent));
	else if (h->processor_percent >= BUSY_WARN)
		alarm_found(l, "", "warning", N_("The processor is busy for five minutes: %s."),
			    percent(cx, h->processor_percent));
	return RC_OK;
}

static enum rc look_log(struct cx *cx, struct alarm_look *l)
{
	int64_t most = setting_int(cx->env->settings, "alerts.wal_mb");
	struct store_figures f;

	store_figures(cx->env->store, &f);
	if (f.wal_bytes > most * MIB)
		alarm_found(
			l, "", "warning",
			N_("The log of the database grew to %s MB: whoever copies it (Litestream) seems to have stopped."),
			number(cx, f.wal_bytes / MIB));
	return RC_OK;
}

/* The sandbox is shut once, at the start: what was set later may lie outside. */
static enum rc look_sandbox(struct cx *cx, struct alarm_look *l)
{
	const char *setting = sandbox_closed_setting(cx->env);

	if (setting != NULL)
		alarm_found(
			l, "", "warning",
			N_("The port in the setting %s opens with the next start: until then nothing gets there."),
			setting);
	return RC_OK;
}

/* The door */

static enum rc look_slow(struct cx *cx, struct alarm_look *l)
{
	const struct alarm_window *w = alarm_look_window(l);
	int64_t limit = setting_int(cx->env->settings, "alerts.slow_ms");

	if (w->slow >= SLOW_TIMES || (w->requests >= REQUESTS_LEAST && w->slow_ms > limit))
		alarm_found(l, "", "warning",
			    N_("Answers take too long: %s of the last five minutes took more than allowed."),
			    number(cx, w->slow));
	return RC_OK;
}

static enum rc look_failures(struct cx *cx, struct alarm_look *l)
{
	const struct alarm_window *w = alarm_look_window(l);

	if (w->failures > 0)
		alarm_found(l, "", "warning",
			    N_("Somebody got an error page (500). In the last quarter of an hour: %s."),
			    number(cx, w->failures));
	return RC_OK;
}

static enum rc look_logins(struct cx *cx, struct alarm_look *l)
{
	const struct alarm_window *w = alarm_look_window(l);

	if (w->logins > setting_int(cx->env->settings, "alerts.logins"))
		alarm_found(l, "", "warning",
			    N_("Somebody tries passwords: %s refused log-ins within ten minutes."),
			    number(cx, w->logins));
	return RC_OK;
}

static enum rc look_blocked(struct cx *cx, struct alarm_look *l)
{
	const struct alarm_window *w = alarm_look_window(l);

	if (w->blocked_day > setting_int(cx->env->settings, "alerts.blocked_per_day"))
		alarm_found(l, "", "warning",
			    N_("Somebody asks too often: %s requests were turned away within a day."),
			    number(cx, w->blocked_day));
	return RC_OK;
}

const struct alarm_rule alarm_rules[] = {
	{ .name = "job.dead",
	  .title = N_("Work was given up"),
	  .about = N_("A job failed as often as it may be tried. Over when it is run again or discarded."),
	  .severity = "warning",
	  .sample = N_("Work was given up after all its tries: %s. Run it again or discard it."),
	  .subject = "renewals.plan",
	  .remedy = N_("Open the work that was given up: run it again or discard it."),
	  .link = "/jobs?state=dead",
	  .look = look_dead },
	{ .name = "job.failing",
	  .title = N_("The same work fails again and again"),
	  .about = N_("The last four jobs of one kind failed. Over with the next one that ends well."),
	  .severity = "warning",
	  .sample = N_("The same work failed more than three times in a row: %s."),
	  .subject = "renewals.plan",
	  .remedy = N_("Open the work in the panel: its last error says what to mend."),
	  .link = "/jobs?state=failed",
	  .look = look_failing_jobs },
	{ .name = "schedule.failing",
	  .title = N_("A schedule fails again and again"),
	  .about = N_("The last four jobs of one schedule failed. Over with the next one that ends well."),
	  .severity = "warning",
	  .sample = N_("A schedule failed more than three times in a row: %s."),
	  .subject = "renewals.daily",
	  .remedy = N_("Open the schedule in the panel: its last job says what to mend."),
	  .link = "/schedules",
	  .look = look_failing_schedules },
	{ .name = "work.silent",
	  .title = N_("The scheduler is silent"),
	  .about = N_("It has not looked at its plans for more than three minutes."),
	  .severity = "urgent",
	  .sample =
		  N_("The scheduler has not looked at its plans for %s minutes: nothing happens by itself."),
	  .subject = "4",
	  .remedy = "systemctl restart recado",
	  .link = "/jobs",
	  .look = look_scheduler },
	{ .name = "work.queue",
	  .title = N_("Too many jobs wait"),
	  .about = N_("More jobs are due than can be worked off. Over when the queue is shorter again."),
	  .severity = "warning",
	  .sample = N_("More than %s jobs are waiting for their turn."),
	  .subject = "500",
	  .remedy = N_("Look at what is running in the panel, and cancel what is not needed."),
	  .link = "/jobs?state=queued",
	  .setting = "alerts.queue",
	  .look = look_queue },
	{ .name = "channel.stopped",
	  .title = N_("A channel is stopped"),
	  .about = N_("Nothing leaves on it until somebody mends the cause and opens it."),
	  .severity = "urgent",
	  .sample = N_("The WhatsApp gateway refuses the API key. Messages wait until it is corrected."),
	  .remedy = N_("Mend the cause, then open the channel again in the panel."),
	  .link = "/channels" },
	{ .name = "channel.session",
	  .title = N_("The phone must be linked again"),
	  .about = N_("The gateway has no session with WhatsApp any more. Over when it is linked."),
	  .severity = "urgent",
	  .sample = N_("The phone must be linked again: scan the QR code at the gateway."),
	  .remedy = N_("Link the phone again in the gateway's own panel."),
	  .link = "/gateway" },
	{ .name = "channel.disconnected",
	  .title = N_("The phone is not connected"),
	  .about = N_("For a quarter of an hour already. Over when it is connected."),
	  .severity = "warning",
	  .sample = N_("The phone is not connected to the gateway."),
	  .remedy = N_("See that the phone is on and has Internet."),
	  .link = "/gateway" },
	{ .name = "channel.credits",
	  .title = N_("Few messages are left"),
	  .about = N_("The gateway's share for today is nearly used up."),
	  .severity = "warning",
	  .sample = N_("The gateway's limit of messages for today is used up."),
	  .remedy = N_("Buy more messages from the gateway, or wait until tomorrow."),
	  .link = "/gateway",
	  .setting = "whatsapp.alert_left_percent" },
	{ .name = "channel.failing",
	  .title = N_("Messages fail again and again"),
	  .about = N_("The last four tries on one channel failed. Over with the next message that leaves."),
	  .severity = "warning",
	  .sample = N_("Messages failed more than three times in a row on this channel: %s."),
	  .subject = "email",
	  .remedy = N_("Open the outbox: the last answers say what to mend."),
	  .link = "/outbox?state=failed",
	  .look = look_failing_channels },
	{ .name = "outbox.unsure",
	  .title = N_("Messages are unsure"),
	  .about = N_("It is not certain whether they arrived, and nobody has decided yet."),
	  .severity = "warning",
	  .sample = N_("It is not certain whether some messages arrived. Look at them and decide each one."),
	  .remedy = N_("Look at each unsure message and decide: it arrived, or it leaves again."),
	  .link = "/unsure",
	  .setting = "alerts.unsure_minutes",
	  .wait = "alerts.unsure_minutes" },
	{ .name = "backup.failed",
	  .title = N_("The backup failed"),
	  .about = N_("The last one could not be made, or not be copied. Over with the next that can."),
	  .severity = "urgent",
	  .sample = N_("The last backup failed. %s"),
	  .remedy = N_("Open Backups: it says what failed. Mend that and press “Back up now”."),
	  .link = "/backups",
	  .look = look_backup_failed },
	{ .name = "backup.unproved",
	  .title = N_("No proved backup"),
	  .about = N_("No backup was restored and compared for longer than it should be."),
	  .severity = "urgent",
	  .sample = N_("There is no backup that was proved yet."),
	  .remedy = N_("Open Backups and press “Back up now”."),
	  .link = "/backups",
	  .setting = "alerts.backup_hours",
	  .look = look_backup_old },
	{ .name = "disk.low",
	  .title = N_("The disk fills up"),
	  .about = N_("Of the file system with the state folder."),
	  .severity = "warning",
	  .sample = N_("The disk fills up: %s in use."),
	  .subject = "85 %",
	  .remedy = N_("Make room: Operation shows what grew."),
	  .link = "/watch",
	  .setting = "alerts.disk_warn_percent",
	  .look = look_disk },
	{ .name = "memory.low",
	  .title = N_("Memory runs short"),
	  .about = N_("Of the machine, or of this program, for five minutes."),
	  .severity = "warning",
	  .sample = N_("The memory of this machine runs short: %s in use."),
	  .subject = "85 %",
	  .remedy = N_("See what else runs on this machine (top), or give it more memory."),
	  .link = "/watch",
	  .setting = "alerts.memory_mb",
	  .look = look_memory },
	{ .name = "processor.busy",
	  .title = N_("The processor is busy"),
	  .about = N_("For five minutes on end."),
	  .severity = "warning",
	  .sample = N_("The processor is busy for five minutes: %s."),
	  .subject = "78 %",
	  .remedy = N_("See what runs on this machine: top"),
	  .link = "/watch",
	  .look = look_processor },
	{ .name = "database.log",
	  .title = N_("The log of the database grows"),
	  .about = N_("Nobody takes over what was written: Litestream has stopped, or a reader never ends."),
	  .severity = "warning",
	  .sample = N_(
		  "The log of the database grew to %s MB: whoever copies it (Litestream) seems to have stopped."),
	  .subject = "300",
	  .remedy = "systemctl status litestream",
	  .link = "/watch",
	  .setting = "alerts.wal_mb",
	  .look = look_log },
	{ .name = "clock.wrong",
	  .title = N_("The clock is wrong"),
	  .about = N_("It went back, or shows a year that cannot be. Over when it is right again."),
	  .severity = "urgent",
	  .sample = N_("The clock of this machine was put back. Look whether it is right now."),
	  .remedy = "timedatectl set-ntp true",
	  .link = "/alerts",
	  .look = alarm_look_clock },
	{ .name = "sandbox.closed",
	  .title = N_("A setting waits for a restart"),
	  .about = N_(
		  "It was changed to a port that the running program may not reach. Over after a restart."),
	  .severity = "warning",
	  .sample =
		  N_("The port in the setting %s opens with the next start: until then nothing gets there."),
	  .subject = "smtp.port",
	  .remedy = "systemctl restart recado",
	  .link = "/settings",
	  .look = look_sandbox },
	{ .name = "web.slow",
	  .title = N_("Answers are slow"),
	  .about = N_("Three answers, or five of a hundred, took longer than allowed within five minutes."),
	  .severity = "warning",
	  .sample = N_("Answers take too long: %s of the last five minutes took more than allowed."),
	  .subject = "3",
	  .remedy = N_("Open Operation: it shows how busy the house is and what is not in order."),
	  .link = "/watch",
	  .setting = "alerts.slow_ms",
	  .look = look_slow },
	{ .name = "web.failure",
	  .title = N_("An error page was shown"),
	  .about = N_("An answer 500. Over a quarter of an hour after the last one."),
	  .severity = "warning",
	  .sample = N_("Somebody got an error page (500). In the last quarter of an hour: %s."),
	  .subject = "1",
	  .remedy = "journalctl -u recado | grep web.failure",
	  .link = "/watch",
	  .look = look_failures },
	{ .name = "login.refused",
	  .title = N_("Many refused log-ins"),
	  .about = N_("Within ten minutes. Over when they stop."),
	  .severity = "warning",
	  .sample = N_("Somebody tries passwords: %s refused log-ins within ten minutes."),
	  .subject = "21",
	  .remedy = N_(
		  "Nothing is broken: guessing gets slower by itself. Switch on the second factor under My account."),
	  .link = "/audit",
	  .setting = "alerts.logins",
	  .look = look_logins },
	{ .name = "web.blocked",
	  .title = N_("Many requests were turned away"),
	  .about = N_("Answers 429 within a day."),
	  .severity = "warning",
	  .sample = N_("Somebody asks too often: %s requests were turned away within a day."),
	  .subject = "120",
	  .remedy = "journalctl -u recado | grep status=429",
	  .link = "/watch",
	  .setting = "alerts.blocked_per_day",
	  .look = look_blocked },
	{ .name = NULL },
};

const struct alarm_rule *alarm_rule_of(const char *key)
{
	size_t len = strcspn(key, ":");

	for (const struct alarm_rule *r = alarm_rules; r->name != NULL; r++)
		if (strlen(r->name) == len && strncmp(r->name, key, len) == 0) return r;
	return NULL;
}
