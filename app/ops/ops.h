/*
** ops.h -- keeping the house: state folder, lock, control socket, backup, restore,
** health, metrics and the core commands.
**
** Owns no table. Needs every lower room's declared checks and figures, handed in by
** house.c through ops_tables.
*/
#ifndef RECADO_OPS_OPS_H
#define RECADO_OPS_OPS_H

#include "base/check.h"
#include "base/command.h"
#include "desk/desk.h"

/* State folder (state.c) */

#define STATE_DIR_DEFAULT "/var/lib/recado"
#define CONFIG_FILE       "recado.ini"
#define CONTROL_SOCKET    "control.sock"

/* Make DIR with its folders, key and INI (only what is missing). RC_CONFLICT when DIR is something else's. */
enum rc state_create(struct cx *cx, const char *dir, const struct setting *const *tables) MUST_CHECK;
/* Root at the folder of another user goes on as that user, before anything is opened: a file of root's in it
** would keep the service from starting. Nothing for anybody else, or where there is no folder. Before any
** thread. RC_DENIED: it may not become that user. */
enum rc state_become_owner(struct cx *cx, const char *dir) MUST_CHECK;
/* The lock of the folder, held until the descriptor closes. RC_CONFLICT: another process holds it. */
enum rc state_lock(int *fd, const char *dir) MUST_CHECK;

/* What commands print (cmd_core.c, version.c) */

/* Pretty JSON and a line end to the caller. */
void command_print(struct cx *cx, struct command_call *call, const struct value *value);
/* The version and, with is_json, every library in the binary. */
enum rc version_print(struct cx *cx, FILE *out, bool is_json) MUST_CHECK;

/* Control socket (control.c) */

/* What a command line asked for, before its row runs. */
struct command_line {
	int argc;
	const char *const *argv; /* without the program and the global options */
	const char *lang;        /* code or ""                                 */
	const char *now;         /* RFC 3339 or ""                             */
	bool is_json;
};

struct control;
typedef int control_run_fn(void *arg, const struct command_line *line, FILE *in, FILE *out, FILE *err);
/* Serve DIR/control.sock: each call runs on a thread of its own, at most CONTROL_CALLS_MAX at once. */
enum rc control_start(struct control **out, struct env *env, control_run_fn *run, void *arg) MUST_CHECK;
void control_stop(struct control *c); /* waits for running calls, at most 5 s; NULL is fine */
/* Hand a command to the process that holds the folder; in, out and err go along as descriptors.
** RC_NOT_FOUND: nobody answers. */
enum rc control_call(const char *dir, const struct command_line *line, int in, int out, int err,
		     int *exit_code) MUST_CHECK;

/* Backup and restore */

/* The rest is in backup.h. Where backups without a name of their own go: backup.folder, or DIR/backups.
** Arena. */
const char *backup_folder(struct cx *cx);
/* Newest archive of a folder by its name: its instant, 0 = none. */
instant backup_newest(const char *folder);
/* A restore or rollback that was cut: finished, or its leftovers removed, before settings and database are
** read. Nothing when somebody else holds the folder. */
enum rc restore_settle(const char *dir) MUST_CHECK;
/* One is under way, or was cut and not finished yet: no database may be opened. */
bool restore_is_pending(const char *dir);
/* For the row's refuse (settings.h): not a folder, or not to be written to. */
const char *backup_folder_refuse(const char *value, struct arena *a, enum lang lang);

/* For the row's refuse (settings.h): not "subject=level, …" (cmd_log.c). */
const char *log_levels_refuse(const char *value, struct arena *a, enum lang lang);

/* Host */

/* Landlock on folders (state, backups, those of secrets in files) and a system-call deny list; before any
** thread. A kernel without them is logged, not a failure. */
void sandbox_enter(const struct env *env);
/* systemd's notification socket; nothing without NOTIFY_SOCKET. state: "READY=1", "WATCHDOG=1", "STOPPING=1".
 */
void notify_systemd(const char *state);

/* Health */

struct ops_tables {
	const struct check *const
		*checks; /* NULL-terminated list of rows, each ended by a row without name */
	const struct setting *const *settings;
	const struct command *const *commands;
	const struct planner *const *planners; /* outbox/planner.h */
};
void ops_setup(const struct ops_tables *tables);
/* The tables again, for the commands that walk them. */
const struct ops_tables *ops_tables(void);

struct health;
/* A snapshot of all checks every 5 s, on its own thread; feeds the watchdog while the heartbeats are young.
 */
enum heart { HEART_SCHEDULER, HEART_OUTBOX };
enum rc health_start(struct health **out, struct env *env,
		     int64_t (*heartbeat_ms)(void *arg, enum heart heart), void *arg) MUST_CHECK;
void health_stop(struct health *h);
/* Run every check now, or those of /health alone; rows: list of {name, section, title, state, detail,
** remedy}. */
struct check_totals {
	int passed, failed, warnings, infos;
};
enum checks { CHECKS_ALL, CHECKS_HEALTH, CHECKS_PAGE /* all but the slow ones */ };
void health_run(struct cx *cx, struct value **rows, struct check_totals *totals, enum checks which);
const char *check_state_word(enum check_state state); /* ok warning failed */
/* When the newest backup that was not found wanting was made: of the table, else of the folder; 0 = none. */
instant ops_newest_backup(struct cx *cx);
int64_t ops_disk_free_percent(const char *path); /* 100 if it cannot be asked */

extern const struct setting ops_settings[];
extern const struct route ops_routes[]; /* /health, /metrics */
extern const struct right ops_rights[]; /* metrics.view */
extern const struct check app_checks[], database_checks[], service_checks[], net_checks[], host_checks[];
extern const struct command ops_commands[];
extern const struct command people_commands[]; /* user, role, token (cmd_people.c) */
extern const struct command work_commands[];   /* jobs, schedules, queues (cmd_work.c) */
extern const struct command outbox_commands[]; /* outbox channels, pause… (cmd_outbox.c) */
extern const struct job_kind ops_jobs[];
extern const struct schedule_default ops_schedules[];

/* Each subject keeps its own rows: alarms.c, backup_tables.c, forecast.c, guide.c, watch.c. */
extern const struct figure watch_figures[];
extern const struct setting watch_settings[], alarm_settings[], backup_settings[];
extern const struct setting storage_settings[]; /* storage.c: [s3] */
extern const struct job_kind storage_jobs[];
extern const struct schedule_default storage_schedules[];
extern const struct command storage_commands[];
extern const struct route alarm_routes[], backup_routes[], forecast_routes[], guide_routes[], watch_routes[];
extern const struct job_kind alarm_jobs[], forecast_jobs[], watch_jobs[];
extern const struct schedule_default alarm_schedules[], watch_schedules[];
extern const struct command alarm_commands[], backup_commands[], forecast_commands[], guide_commands[],
	watch_commands[];

#endif
