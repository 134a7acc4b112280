/*
** check_services.c -- what runs by itself: the server, its schedules, backups, the clock (spec/stays.md §12,
** items 9 and 10).
**
** Owns:   the bounds from which age is a finding.
** Needs:  the tables schedule, job and backup as their rooms write them.
** Never:  starts, stops or repeats anything; keeps the folder's lock longer than to see whether it is free.
*/
#include "ops/check.h"
#include "ops/watch.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#define BACKUP_AGE_WARN (26 * HOUR_MS) /* spec/stays.md §11: a night, and two hours for a slow one */
/* No machine that runs this has an older clock that is right: the month of this program's first night
** watch. */
#define CLOCK_NOT_BEFORE INT64_C(1793491200000) /* 2026-11-01T00:00:00Z */
#define CLOCK_NOT_AFTER  INT64_C(4102444800000) /* 2100-01-01T00:00:00Z */
#define CLOCK_SLACK_MS   (2 * MINUTE_MS)        /* a note may be written by a clock that is just being set */
#define OVERDUE_PERIODS  2                      /* spec/stays.md §12 */

static const char *start_command(const char *verb)
{
	if (access("/run/systemd/system", F_OK) != 0) return "recado serve";
	return strcmp(verb, "restart") == 0 ? "systemctl restart recado" : "systemctl start recado";
}

static void check_server(struct cx *cx, struct check_result *out)
{
	int64_t beat = 0;
	int fd = -1;
	enum rc rc = cx->env->is_holder ? RC_CONFLICT : state_lock(&fd, cx->env->dir);

	if (fd >= 0) close(fd);
	if (rc == RC_OK) {
		out->state = CHECK_WARN;
		out->detail = _("No server runs on this folder: nothing is planned or sent.");
		out->remedy = start_command("start");
		return;
	}
	if (db_get_int(cx, &beat, "SELECT max(heartbeat_at) FROM process_run WHERE stopped_at IS NULL",
		       NO_PARAMS) != RC_OK ||
	    beat == 0) {
		out->detail = _("The server runs.");
		return;
	}
	out->detail = arena_printf(cx->arena, _("The server runs; its last sign of life is %lld s old."),
				   (long long)((cx_now(cx) - beat) / SECOND_MS));
	if (cx_now(cx) - beat <= UPTIME_SILENT_MS || cx->env->is_frozen_clock) return;
	out->state = CHECK_FAIL;
	out->remedy = start_command("restart");
}

/* Every schedule that is on has a next time, and none waits for longer than two of its periods. */
static void check_schedules(struct cx *cx, struct check_result *out)
{
	struct query *q = NULL;
	int64_t count = 0, wrong = 0, runs = 0;
	instant now = cx_now(cx);
	const char *first = "";
	enum rc rc = db_query(
		cx, &q,
		"SELECT name, rule, zone, coalesce(next_due_at, 0) FROM schedule WHERE is_enabled = 1",
		NO_PARAMS);

	while (rc == RC_OK && query_next(q)) {
		const struct zone *zone =
			zone_find(query_text(q, 2)[0] != '\0' ? query_text(q, 2) : zone_name(cx->env->zone));
		instant due = query_int(q, 3), after = 0;
		const char *why = "";

		count++;
		if (due != 0 && due > now) continue;
		if (due != 0 && rule_next(&after, &why, query_text(q, 1), zone, due) == RC_OK &&
		    now - due <= OVERDUE_PERIODS * (after - due))
			continue;
		if (due == 0 && rule_next(&after, &why, query_text(q, 1), zone, now) != RC_OK)
			continue; /* a rule that never comes again is nobody's debt */
		if (wrong++ == 0) first = query_copy(cx, q, 0);
	}
	rc = query_end(q, rc);
	if (rc == RC_OK && count > 0 && wrong == 0) {
		out->detail = arena_printf(cx->arena, _("%lld schedules are planned, none is overdue."),
					   (long long)count);
		return;
	}
	/* A folder that was never served has none yet; its first start makes them. */
	if (count == 0 && db_get_int(cx, &runs, "SELECT count(*) FROM process_run", NO_PARAMS) != RC_OK)
		runs = 1;
	out->state = count == 0 && runs == 0 ? CHECK_WARN : CHECK_FAIL;
	out->detail = count == 0 ? _("No schedule is there: nothing happens by itself.")
				 : arena_printf(cx->arena,
						_("%lld schedules are overdue or not planned, “%s” first."),
						(long long)wrong, first);
	out->remedy = "recado check --fix";
}

instant ops_newest_backup(struct cx *cx)
{
	instant newest = backup_newest(backup_folder(cx)), noted = 0;

	if (db_get_int(cx, &noted,
		       "SELECT coalesce(max(started_at), 0) FROM backup WHERE state IN ('made', 'proved')",
		       NO_PARAMS) != RC_OK)
		noted = 0;
	return noted > newest ? noted : newest;
}

static void check_backup(struct cx *cx, struct check_result *out)
{
	instant newest = ops_newest_backup(cx);
	char at[RFC3339_SIZE];

	if (newest == 0) {
		out->state = CHECK_WARN;
		out->detail = _("There is no backup yet.");
		out->remedy = "recado backup";
		return;
	}
	instant_text_local(at, newest, cx->env->zone);
	out->detail = arena_printf(cx->arena, _("Newest backup: %s."), at);
	if (cx_now(cx) - newest > BACKUP_AGE_WARN) {
		out->state = CHECK_WARN;
		out->remedy = "recado backup";
	}
}

/* The newest thing that was written here: it cannot lie in the future. */
static instant newest_note(struct cx *cx)
{
	static const char *const files[] = { DB_FILE, DB_FILE "-wal", "last_seen", CONFIG_FILE };
	instant newest = 0;

	if (db_get_int(cx, &newest, "SELECT coalesce(max(heartbeat_at), 0) FROM process_run", NO_PARAMS) !=
	    RC_OK)
		newest = 0;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct stat st;

		if (stat(arena_printf(cx->arena, "%s/%s", cx->env->dir, files[i]), &st) == 0 &&
		    (instant)st.st_mtim.tv_sec * SECOND_MS > newest)
			newest = (instant)st.st_mtim.tv_sec * SECOND_MS;
	}
	return newest;
}

static void check_clock(struct cx *cx, struct check_result *out)
{
	struct timex tx = { .modes = 0 };
	instant now = cx_now(cx), note = newest_note(cx);
	char text[RFC3339_SIZE];

	instant_text_local(text, now, cx->env->zone);
	out->detail = arena_printf(cx->arena, _("It is %s in %s."), text, zone_name(cx->env->zone));
	if (cx->env->is_frozen_clock) {
		out->is_info = true;
		return;
	}
	if (now < CLOCK_NOT_BEFORE || now > CLOCK_NOT_AFTER || note - now > CLOCK_SLACK_MS) {
		out->state = CHECK_FAIL;
		out->detail = arena_printf(
			cx->arena,
			_("The clock says %s, which is before something that was already written here."),
			text);
		if (now < CLOCK_NOT_BEFORE || now > CLOCK_NOT_AFTER)
			out->detail = arena_printf(cx->arena, _("The clock says %s: that cannot be."), text);
		out->remedy = "timedatectl set-ntp true";
	} else if (adjtimex(&tx) == TIME_ERROR) {
		out->state = CHECK_WARN;
		out->detail = arena_printf(
			cx->arena, _("It is %s in %s, but nobody keeps the clock right: it will drift."),
			text, zone_name(cx->env->zone));
		out->remedy = "timedatectl set-ntp true";
	}
}

const struct check service_checks[] = {
	{ .name = "server", .title = N_("Server"), .run = check_server },
	{ .name = "schedules", .title = N_("Schedules"), .run = check_schedules },
	{ .name = "backup", .title = N_("Backup"), .run = check_backup },
	{ .name = "clock", .title = N_("Clock"), .run = check_clock },
	{ .name = NULL },
};
