/*
** top_commands.c -- init, demo and config sample: the commands that open a house or walk the modules.
*/
#include "house.h"
#include "module.h"
#include "ops/ops.h"
#include <stdlib.h>
#include <unistd.h>

static const char *const no_options[] = { NULL };

/* Open the new folder once, so that the database and the set-up code are there, and close it again. */
static enum rc first_opening(struct cx *cx, const char *config, const char **code)
{
	struct house *house = NULL;
	const char *why = "";
	enum rc rc = house_settle(cx->env, config, "", cx->arena, &why);

	if (rc != RC_OK) return cx_fail(cx, rc, "%s", why);
	rc = log_start(cx->env->zone, LOG_ERROR, NULL); /* a new folder has nothing to warn of yet */
	if (rc != RC_OK) return rc;
	rc = house_open(&house, cx, true, false);
	if (rc == RC_CONFLICT && cx->message[0] == '\0')
		rc = cx_fail(cx, rc, _("Another recado already runs on %s; stop it first."), cx->env->dir);
	if (rc == RC_OK) rc = setup_code(cx, code);
	if (house != NULL) {
		db_close(cx->db);
		cx->db = NULL;
		house_close(house);
	}
	log_stop();
	return rc;
}

static void print_init(struct cx *cx, struct command_call *call, const char *dir, const char *config,
		       const char *code, const char *recovery)
{
	if (call->is_json) {
		struct value *root = value_map(cx->arena);

		value_set_text(cx->arena, root, "config", config);
		value_set_text(cx->arena, root, "setup_code", code);
		value_set_text(cx->arena, root, "recovery_code", recovery);
		command_print(cx, call, root);
		return;
	}
	fprintf(call->out, _("The state folder is ready: %s\n"), dir);
	fprintf(call->out, _("Settings: %s\n"), config);
	if (recovery[0] != '\0')
		fprintf(call->out, _("Recovery code of the key (write it down, it is shown once): %s\n"),
			recovery);
	if (code[0] != '\0') fprintf(call->out, _("Set-up code for the first user: %s\n"), code);
	fprintf(call->out, _("Start it with: recado serve --config %s\n"), config);
}

static enum rc run_init(struct cx *cx, struct command_call *call)
{
	const char *dir = command_word(call, 0, no_options);
	const char *code = "", *config;
	struct seal_key *key = NULL;
	char recovery[96] = "";
	char *absolute;
	bool is_new;
	enum rc rc = command_check(cx, call, no_options, no_options);

	if (rc != RC_OK) return rc;
	if (dir == NULL) return cx_fail(cx, RC_BAD_INPUT, _("Say where: recado init FOLDER."));
	rc = state_become_owner(cx, dir);
	if (rc != RC_OK) return rc;
	is_new = access(arena_printf(cx->arena, "%s/key", dir), F_OK) != 0;
	rc = state_create(cx, dir, house_settings());
	if (rc != RC_OK) return rc;
	absolute = realpath(dir, NULL);
	dir = arena_text(cx->arena, absolute != NULL ? absolute : dir);
	free(absolute);
	config = arena_printf(cx->arena, "%s/" CONFIG_FILE, dir);
	if (is_new && seal_key_load(&key, arena_printf(cx->arena, "%s/key", dir)) == RC_OK)
		seal_key_recovery(key, recovery);
	seal_key_free(key);
	rc = first_opening(cx, config, &code);
	if (rc == RC_OK) print_init(cx, call, dir, config, code, recovery);
	return rc;
}

static enum rc run_demo(struct cx *cx, struct command_call *call)
{
	enum rc rc = command_check(cx, call, no_options, no_options);

	if (rc == RC_OK && !cx->env->is_offline)
		rc = cx_fail(
			cx, RC_BAD_INPUT,
			_("Made-up customers are for offline mode only: set “offline = yes” under [mode]."));
	for (size_t i = 0; modules[i] != NULL && rc == RC_OK; i++)
		if (modules[i]->demo != NULL) rc = modules[i]->demo(cx);
	if (rc == RC_OK && call->is_json) command_print(cx, call, value_map(cx->arena));
	if (rc == RC_OK && !call->is_json)
		fprintf(call->out, "%s\n",
			_("Made-up customers are in; try `recado renewals run --dry-run`."));
	return rc;
}

/* etc/recado.ini is this; a test compares them, so that the file cannot fall behind the tables. */
static enum rc run_config_sample(struct cx *cx, struct command_call *call)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 256 * 1024);
	settings_sample(&sb, house_settings(), cx->lang);
	fputs(sb_text_of(&sb), call->out);
	return sb_result(&sb);
}

const struct command top_commands[] = {
	{ .name = "init",
	  .usage = "DIR",
	  .help = N_("Make a state folder: settings, key, database."),
	  .needs = COMMAND_NOTHING,
	  .run = run_init },
	{ .name = "demo",
	  .usage = "",
	  .help = N_("Fill an empty folder with made-up customers (offline mode only)."),
	  .needs = COMMAND_HOLDER,
	  .run = run_demo },
	{ .name = "check",
	  .usage = "[--fix] [--online] [--env FILE]",
	  .help = N_("Check the house and its host; each finding names the command that mends it."),
	  .needs = COMMAND_LENIENT,
	  .run = top_run_check },
	{ .name = "config sample",
	  .usage = "",
	  .help = N_("A settings file with every key explained."),
	  .needs = COMMAND_NOTHING,
	  .run = run_config_sample },
	{ .name = NULL },
};
