/*
** backup_tables.c -- what backups declare to the rooms: settings, work, commands.
**
** Owns:   the rows below, the two nightly jobs.
*/
#include "files/files.h"
#include "ops/backup.h"
#include "ops/cmd.h"
#include "ops/storage.h"

#include <string.h>

const struct setting backup_settings[] = {
	{ .name = "backup.folder",
	  .type = SET_TEXT,
	  .def = "",
	  .title = N_("Folder of the backups"),
	  .section = N_("Backups"),
	  .max = 400,
	  .needs_restart = true,
	  .refuse = backup_folder_refuse,
	  .help = N_(
		  "Where the nightly backups go, on another disk if there is one; empty: backups/ in the state folder.") },
	{ .name = "backup.daily",
	  .type = SET_INT,
	  .def = "7",
	  .title = N_("Daily backups to keep"),
	  .min = 1,
	  .max = 366,
	  .help = N_("Of each of so many days one backup stays.") },
	{ .name = "backup.weekly",
	  .type = SET_INT,
	  .def = "4",
	  .title = N_("Weekly backups to keep"),
	  .min = 0,
	  .max = 260,
	  .help = N_("Of each of so many weeks one backup stays.") },
	{ .name = "backup.monthly",
	  .type = SET_INT,
	  .def = "12",
	  .title = N_("Monthly backups to keep"),
	  .min = 0,
	  .max = 240,
	  .help = N_("Of each of so many months one backup stays.") },
	{ .name = "backup.keep_days",
	  .type = SET_INT,
	  .def = "0",
	  .title = N_("Days in which no backup is removed"),
	  .min = 0,
	  .max = 3650,
	  .old = "MANTENIMIENTO_BACKUP_DAYS|BACKUP_DAYS",
	  .help = N_("No backup younger than so many days is removed, whatever the numbers above say.") },
	{ .name = "backup.passphrase",
	  .type = SET_TEXT,
	  .def = "",
	  .title = N_("Passphrase of the backups"),
	  .is_secret = true,
	  .help = N_(
		  "Seals every backup; then it also holds the key and the secrets. Keep it elsewhere: without it nobody opens them.") },
	{ .name = NULL },
};

/* To the storage at once, if there is one; else its own schedule does it later. */
static void copy_away(struct cx *cx, int64_t id)
{
	int64_t job = 0;
	enum rc rc;

	(void)id;
	if (!storage_is_set(cx->env)) return;
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = job_add(cx, &job,
			     &(struct job_new){ .kind = STORAGE_COPY_JOB, .slot = STORAGE_COPY_JOB });
	if (rc == RC_CONFLICT && job != 0) rc = RC_OK;
	rc = tx_end(cx, rc);
	if (rc != RC_OK) log_event(LOG_WARN, "app", "backup.not_copied", "rc=%s", rc_row(rc)->name);
}

/* Whoever wants to know of a proved backup adds its function here (backup.h). */
void (*const backup_hooks[])(struct cx *cx, int64_t id) = { copy_away, NULL };

/* Work */

struct in_job {
	struct cx *cx;
	struct job *job;
};

static void tell_job(void *arg, int percent)
{
	struct in_job *in = arg;
	enum rc rc = job_progress(in->cx, in->job, percent, 100);

	(void)rc; /* a bar that stands still is no reason to give up a backup */
}

static bool stop_job(void *arg)
{
	return job_should_stop(((struct in_job *)arg)->job);
}

static enum rc backup_job(struct cx *cx, struct job *job)
{
	struct in_job in = { cx, job };
	const char *origin = value_text_of(value_get(job_args(job), "origin"), "schedule");
	struct backup_order order = { .origin = strcmp(origin, "person") == 0 ? "person" : "schedule",
				      .listener = { .tell = tell_job, .should_stop = stop_job, .arg = &in } };
	struct backup_made made;
	enum rc rc = backup_make(cx, &made, &order);

	if (rc != RC_OK) return rc;
	job_note(cx, job, "%s", made.path);
	return backup_tidy(cx);
}

static enum rc sweep_job(struct cx *cx, struct job *job)
{
	(void)job;
	return files_sweep(cx);
}

const struct job_kind ops_jobs[] = {
	{ .name = "ops.backup",
	  .title = N_("Nightly backup"),
	  .queue = "ops",
	  .attempts_max = 3,
	  .time_limit_s = 4 * 3600,
	  .delay_s = 300,
	  .run = backup_job },
	{ .name = "ops.sweep",
	  .title = N_("Remove files nobody needs"),
	  .queue = "ops",
	  .attempts_max = 1,
	  .time_limit_s = 600,
	  .delay_s = 60,
	  .run = sweep_job },
	{ .name = NULL },
};

const struct schedule_default ops_schedules[] = {
	{ .name = "ops.backup",
	  .job_kind = "ops.backup",
	  .rule = "30 3 * * *",
	  .late_rule = "run",
	  .late_limit_s = 86400 },
	{ .name = "ops.sweep",
	  .job_kind = "ops.sweep",
	  .rule = "10 4 * * *",
	  .late_rule = "skip",
	  .late_limit_s = 3600 },
	{ .name = NULL },
};

const struct command backup_commands[] = {
	{ .name = "backup list",
	  .usage = "",
	  .help = N_("The backups: when, how large, whether proved, where."),
	  .needs = COMMAND_STATE,
	  .run = ops_run_backup_list },
	{ .name = "backup prove",
	  .usage = "FILE [--passphrase-file FILE]",
	  .help = N_("Unpack a backup aside and compare everything in it; nothing is changed."),
	  .needs = COMMAND_STATE,
	  .run = ops_run_backup_prove },
	{ .name = "backup",
	  .usage = "[--to FILE] [--no-prove]",
	  .help = N_("Write one archive of database, files and settings, and prove it."),
	  .needs = COMMAND_STATE,
	  .run = ops_run_backup },
	{ .name = "restore",
	  .usage = "FILE [--passphrase-file FILE] [--recovery-code-file FILE] [--keep-key]",
	  .help = N_("Put an archive back; the server must be stopped."),
	  .needs = COMMAND_SETTINGS,
	  .run = ops_run_restore },
	{ .name = "rollback",
	  .usage = "[--check] [--to-schema N]",
	  .help = N_("Undo an upgrade: the database from before it; the server must be stopped."),
	  .needs = COMMAND_SETTINGS,
	  .run = ops_run_rollback },
	{ .name = NULL },
};
