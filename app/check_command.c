/*
** check_command.c -- `recado check [--fix] [--env FILE] [--online]`: the order of looking, mending and
** looking again.
**
** Owns:   the order; the checks are in app/ops/check_*.c and the modules' own tables.
** Holds:  (1) settings or a house that do not open are findings, not the end: the report is printed in any
** case;
**         (2) --fix mends folders, modes, a missing key, schema and schedules, and the look after it decides;
**         (3) --fix touches database and schedules only while no server holds the folder (it has done both
**         itself).
*/
#include "base/seal.h"
#include "house.h"
#include "ops/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct check settings_row_check = { .name = "settings",
						 .title = N_("Settings file"),
						 .section = SECTION_APP };
static const struct check house_row_check = { .name = "database",
					      .title = N_("Database"),
					      .section = SECTION_DATABASE };

struct run {
	struct value *rows;
	struct check_totals totals;
};

static enum rc finish(struct cx *cx, struct command_call *call, struct run *r)
{
	check_print(cx, call, r->rows, &r->totals);
	cx->message = "";
	return r->totals.failed > 0 ? cx_fail(cx, RC_IO, _("Something needs you; see above.")) : RC_OK;
}

static void add_failure(struct cx *cx, struct run *r, const struct check *c, const char *detail,
			const char *remedy)
{
	struct check_result result = { .state = CHECK_FAIL, .detail = detail, .remedy = remedy };

	check_add(cx, r->rows, &r->totals, c, &result);
}

/* --env */

/* An INI has sections; what has none is an old installation's NAME=VALUE lines. */
static bool is_ini(const char *path)
{
	char line[4096];
	bool found = false;
	FILE *f = fopen(path, "re");

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = line[strspn(line, " \t")] == '[';
	if (f != NULL) fclose(f);
	return found;
}

/* Take the file instead of (INI) or over (NAME=VALUE) the settings that are in force. */
static enum rc take_env(struct cx *cx, const char *path, const char **why)
{
	struct env *env = cx->env;
	struct clock *clock = env->clock;
	const char *dir = env->dir;
	bool is_frozen = env->is_frozen_clock;
	enum rc rc;
	FILE *f;

	if (access(path, R_OK) != 0) return cx_fail(cx, RC_BAD_INPUT, _("The file %s cannot be read."), path);
	if (!is_ini(path)) {
		if (env->settings == NULL) return RC_OK; /* the settings themselves are what is wrong */
		f = fopen(path, "re");
		if (f == NULL) return cx_fail(cx, RC_BAD_INPUT, _("The file %s cannot be read."), path);
		rc = config_import_override(cx, f, why);
		fclose(f);
		return rc;
	}
	settings_free(env->settings);
	env->settings = NULL;
	cx->message = "";
	rc = house_settle(env, path, "", cx->arena, why);
	if (is_frozen) {
		clock_free(rc == RC_OK ? env->clock : NULL);
		env->clock = clock;
		env->is_frozen_clock = true;
	}
	/* Settings alone lie anywhere; the folder that is checked stays the one it was. */
	if (access(arena_printf(cx->arena, "%s/key", env->dir), F_OK) != 0) env->dir = dir;
	if (rc != RC_OK) env->config_path = path;
	return rc;
}

/* --fix */

/* Something sealed would be lost with a new key: the second factors of people. */
static bool has_sealed(struct cx *cx)
{
	const char *path = arena_printf(cx->arena, "%s/" DB_FILE, cx->env->dir);
	struct cx look = *cx;
	struct db *db = NULL;
	int64_t count = 0;
	bool is_there;

	if (access(path, F_OK) != 0) return false;
	if (db_open_path(&db, path, true) != RC_OK) return true;
	look.db = db;
	is_there = db_get_int(&look, &count, "SELECT count(*) FROM user WHERE totp_secret <> ''",
			      NO_PARAMS) != RC_OK ||
		   count > 0;
	db_close(db);
	return is_there;
}

static void close_to_others(struct cx *cx, const char *name)
{
	const char *path =
		name[0] != '\0' ? arena_printf(cx->arena, "%s/%s", cx->env->dir, name) : cx->env->dir;
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & 0077) != 0) (void)chmod(path, st.st_mode & 07700);
}

/* Folders, key and modes: what needs no database. */
static enum rc fix_files(struct cx *cx)
{
	static const char *const names[] = {
		"",      "key",   DB_FILE, DB_FILE "-wal", DB_FILE "-shm", CONTROL_SOCKET,
		"files", "spool", "tmp",   "backups"
	};
	const char *key = arena_printf(cx->arena, "%s/key", cx->env->dir);
	enum rc rc;

	if (access(key, F_OK) != 0 && has_sealed(cx))
		return cx_fail(
			cx, RC_CONFLICT,
			_("The key %s is missing and something is sealed with it: put it back from your copy; a new one was not made."),
			key);
	rc = state_create(cx, cx->env->dir, house_settings());
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		close_to_others(cx, names[i]);
	if (access(cx->env->config_path, F_OK) == 0) (void)chmod(cx->env->config_path, 0600);
	return rc;
}

/* Schema behind, or no schedules: what a start would do. Looked at from outside the house, so that nothing is
** opened for nothing. */
static bool needs_holder(struct cx *cx)
{
	const char *path = arena_printf(cx->arena, "%s/" DB_FILE, cx->env->dir);
	struct cx look = *cx;
	struct db *db = NULL;
	int64_t planned = 0;
	bool is_behind;

	if (access(path, F_OK) != 0) return true;
	if (db_open_path(&db, path, true) != RC_OK) return false;
	look.db = db;
	is_behind = db_version_of(&look) < db_version_known() ||
		    db_get_int(&look, &planned, "SELECT count(*) FROM schedule WHERE next_due_at IS NOT NULL",
			       NO_PARAMS) != RC_OK ||
		    planned == 0;
	db_close(db);
	return is_behind;
}

/* In a process of its own: a house can be opened once in one. The migration makes its own copy first
** (db/migrate.c). */
static void fix_house(struct cx *cx)
{
	pid_t child;
	int status = 0;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		(void)!log_start(cx->env->zone, LOG_WARN, NULL);
		(void)!house_mend(cx); /* what it could not mend, the look after it finds */
		log_stop();
		_exit(0);
	}
	if (child > 0) (void)waitpid(child, &status, 0);
}

static bool is_served(struct cx *cx)
{
	int fd = -1;
	enum rc rc = state_lock(&fd, cx->env->dir);

	if (fd >= 0) close(fd);
	return rc == RC_CONFLICT;
}

/* The command */

/* A damaged file is put back; anything else that keeps the house from opening --fix may mend. */
static const char *open_remedy(struct cx *cx)
{
	const char *path = arena_printf(cx->arena, "%s/" DB_FILE, cx->env->dir), *why = "";

	if (access(path, F_OK) != 0 || db_verify(cx, path, &why) == RC_OK) return "recado check --fix";
	return check_restore_command(cx);
}

static void look(struct cx *cx, struct run *r)
{
	struct house *house = NULL;
	enum rc rc = house_open(&house, cx, false, false);

	if (rc != RC_OK) {
		add_failure(cx, r, &house_row_check, arena_text(cx->arena, cx_sentence(cx, rc)),
			    open_remedy(cx));
		cx->message = "";
		health_run_rows(cx, r->rows, &r->totals, app_checks);
		health_run_rows(cx, r->rows, &r->totals, host_checks);
		return;
	}
	for (const struct check *const *list = ops_tables()->checks; *list != NULL; list++)
		health_run_rows(cx, r->rows, &r->totals, *list);
	db_at_rest(cx);
	db_close(cx->db);
	cx->db = NULL;
	house_close(house);
}

enum rc top_run_check(struct cx *cx, struct command_call *call)
{
	static const char *const flags[] = { "fix", "online", NULL }, *const values[] = { "env", NULL };
	/* of settings that were refused */
	const char *env_file = command_option(call, "env"), *why = cx->message;
	struct run r = { .rows = value_list(cx->arena) };
	enum rc rc;

	cx->message = "";
	rc = command_check(cx, call, flags, values);
	if (rc != RC_OK) return rc;
	if (command_word(call, 0, values) != NULL || (env_file != NULL && env_file[0] == '\0'))
		return cx_fail(cx, RC_BAD_INPUT, _("Usage: recado check [--fix] [--online] [--env FILE]"));
	if (env_file != NULL) {
		rc = take_env(cx, env_file, &why);
		if (rc == RC_BAD_INPUT && cx->env->settings != NULL) return rc;
	}
	if (cx->env->settings == NULL || why[0] != '\0') {
		add_failure(
			cx, &r, &settings_row_check, why,
			arena_printf(cx->arena, "${EDITOR:-vi} %s",
				     check_quoted(cx, env_file != NULL ? env_file : cx->env->config_path)));
		if (cx->env->settings == NULL) return finish(cx, call, &r);
	}
	if (command_flag(call, "fix")) {
		rc = fix_files(cx);
		if (rc != RC_OK)
			add_failure(cx, &r, &settings_row_check, arena_text(cx->arena, cx_sentence(cx, rc)),
				    "");
		cx->message = "";
		if (rc == RC_OK && !is_served(cx) && needs_holder(cx)) fix_house(cx);
	} else if (access(cx->env->config_path, F_OK) != 0 &&
		   access(arena_printf(cx->arena, "%s/key", cx->env->dir), F_OK) != 0)
		return cx_fail(
			cx, RC_BAD_INPUT,
			_("There is no settings file %s. Name the right one with --config FILE, or make a folder with `recado init FOLDER`."),
			cx->env->config_path);
	check_set_online(command_flag(call, "online") || !cx->env->is_offline);
	rc = log_start(cx->env->zone, LOG_ERROR, NULL); /* the report says it in words */
	if (rc != RC_OK) return rc;
	look(cx, &r);
	log_stop();
	return finish(cx, call, &r);
}
