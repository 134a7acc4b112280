/*
** house.c -- puts the rooms together: collects their tables, starts and stops them in order.
**
** Owns:   the order of start and stop, and nothing else.
** Holds:  (1) a room starts after every room it needs and stops before them; (2) only the
**         holder of the lock runs jobs, sends and migrates; (3) what was begun is ended in
**         reverse, whatever failed.
*/
#include "house.h"
#include "base/mem.h"
#include "desk/import.h"
#include "desk/settings.h"
#include "desk/wizard.h"
#include "desk/api.h"
#include "desk/work_pages.h"
#include "module.h"
#include "ops/alarm.h"
#include "ops/ops.h"
#include "standin/standin.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TABLES_MAX        40    /* rooms and modules that may hand in a table of one kind */
#define LOCK_WAIT_MS      10000 /* a command without a server takes less */
#define LOCK_AGAIN_MS     20
#define COMMAND_ARENA_MAX (64 * 1024 * 1024) /* an import of the largest file allowed, and its rows     */

struct house {
	struct env *env;
	struct arena *forever; /* what lives as long as the house: routes, sentences */
	int lock_fd;
	struct standin *standin;
	struct work *work;
	struct outbox *outbox;
	struct web *web;
	struct control *control;
	struct health *health;
};

/* The tables of all rooms and modules by kind, collected once. */
static struct {
	bool is_ready;
	const struct setting *settings[TABLES_MAX];
	const struct command *commands[TABLES_MAX];
	const struct route *routes[TABLES_MAX];
	const struct right *rights[TABLES_MAX];
	const char *right_titles[TABLES_MAX]; /* who declared them, in the same order */
	const struct job_kind *jobs[TABLES_MAX];
	const struct schedule_default *schedules[TABLES_MAX];
	const struct resource *resources[TABLES_MAX];
	const struct figure *figures[TABLES_MAX];
	const struct check *checks[TABLES_MAX];
	const struct reply_word *replies[TABLES_MAX];
	const struct planner *planners[TABLES_MAX];
	const struct reason_source *reasons[TABLES_MAX];
	struct setting switches[TABLES_MAX]; /* modules.NAME = yes */
	char switch_names[TABLES_MAX][48];
} tables;

/* Append a row array to a NULL-terminated list of TABLES_MAX; more rooms than places is our bug. */
#define TABLE_ADD(list, rows) table_add((const void **)(list), (rows))
static void table_add(const void **list, const void *rows)
{
	size_t n = 0;

	if (rows == NULL) return;
	while (n < TABLES_MAX - 1 && list[n] != NULL)
		n++;
	if (n == TABLES_MAX - 1) abort();
	list[n] = rows;
}

static void rights_add(const struct right *rows, const char *title)
{
	if (rows == NULL) return;
	TABLE_ADD(tables.rights, rows);
	TABLE_ADD(tables.right_titles, title);
}

/* The same for a module's list of row arrays. */
#define TABLE_ADD_ALL(list, arrays)                                               \
	for (size_t row_ = 0; (arrays) != NULL && (arrays)[row_] != NULL; row_++) \
	TABLE_ADD(list, (arrays)[row_])

static void collect_settings(void)
{
	size_t n = 0;

	if (tables.settings[0] != NULL) return;
	TABLE_ADD(tables.settings, ops_settings);
	TABLE_ADD(tables.settings, web_settings);
	TABLE_ADD(tables.settings, outbox_settings);
	TABLE_ADD(tables.settings, mail_settings);
	TABLE_ADD(tables.settings, chat_settings);
	TABLE_ADD(tables.settings, bulk_mail_settings);
	TABLE_ADD(tables.settings, watch_settings);
	TABLE_ADD(tables.settings, alarm_settings);
	TABLE_ADD(tables.settings, backup_settings);
	TABLE_ADD(tables.settings, work_settings);
	TABLE_ADD(tables.settings, storage_settings);
	for (size_t i = 0; modules[i] != NULL && n < TABLES_MAX - 1; i++, n++) {
		snprintf(tables.switch_names[n], sizeof(tables.switch_names[n]), "modules.%s",
			 modules[i]->name);
		tables.switches[n] = (struct setting){
			.name = tables.switch_names[n],
			.type = SET_BOOL,
			.def = "yes",
			.title = modules[i]->title,
			.section = n == 0 ? N_("Modules") : NULL,
			.needs_restart = true,
			.help = N_("Switch the module off with `no`: it is then as if absent.")
		};
		TABLE_ADD(tables.settings, modules[i]->settings);
	}
	TABLE_ADD(tables.settings, tables.switches);
}

const struct setting *const *house_settings(void)
{
	collect_settings();
	return tables.settings;
}

const struct command *const *house_commands(void)
{
	if (tables.commands[0] == NULL) {
		TABLE_ADD(tables.commands, top_commands);
		TABLE_ADD(tables.commands, ops_commands);
		TABLE_ADD(tables.commands, import_commands);
		TABLE_ADD(tables.commands, people_commands);
		TABLE_ADD(tables.commands, work_commands);
		TABLE_ADD(tables.commands, outbox_commands);
		TABLE_ADD(tables.commands, desk_outbox_commands);
		TABLE_ADD(tables.commands, alarm_commands);
		TABLE_ADD(tables.commands, backup_commands);
		TABLE_ADD(tables.commands, storage_commands);
		TABLE_ADD(tables.commands, forecast_commands);
		TABLE_ADD(tables.commands, guide_commands);
		TABLE_ADD(tables.commands, watch_commands);
		TABLE_ADD(tables.commands, standin_commands);
		for (size_t i = 0; modules[i] != NULL; i++)
			TABLE_ADD(tables.commands, modules[i]->commands);
	}
	return tables.commands;
}

static bool is_switched_on(const struct settings *s, const struct module *m)
{
	char name[64];

	snprintf(name, sizeof(name), "modules.%s", m->name);
	return setting_bool(s, name);
}

/* Everything but settings and commands: once, when the settings say which modules are on. */
static enum rc collect_tables(struct env *env, struct arena *forever)
{
	enum rc rc;

	if (tables.is_ready) return RC_OK;
	TABLE_ADD(tables.routes, web_routes);
	TABLE_ADD(tables.routes, outbox_routes);
	TABLE_ADD(tables.routes, unsubscribe_routes);
	TABLE_ADD(tables.routes, desk_routes);
	TABLE_ADD(tables.routes, desk_outbox_routes);
	TABLE_ADD(tables.routes, import_routes);
	TABLE_ADD(tables.routes, desk_settings_routes);
	TABLE_ADD(tables.routes, desk_wizard_routes);
	TABLE_ADD(tables.routes, desk_api_routes);
	TABLE_ADD(tables.routes, ops_routes);
	TABLE_ADD(tables.routes, alarm_routes);
	TABLE_ADD(tables.routes, backup_routes);
	TABLE_ADD(tables.routes, forecast_routes);
	TABLE_ADD(tables.routes, guide_routes);
	TABLE_ADD(tables.routes, watch_routes);
	rights_add(web_rights, N_("The panel"));
	rights_add(outbox_rights, N_("Messages"));
	rights_add(desk_rights, N_("The office"));
	rights_add(desk_settings_rights, N_("Settings"));
	rights_add(ops_rights, N_("Operation"));
	TABLE_ADD(tables.routes, desk_work_routes);
	TABLE_ADD(tables.jobs, work_jobs);
	TABLE_ADD(tables.jobs, outbox_jobs);
	TABLE_ADD(tables.jobs, desk_jobs);
	TABLE_ADD(tables.jobs, import_jobs);
	TABLE_ADD(tables.jobs, desk_bulk_jobs);
	TABLE_ADD(tables.jobs, ops_jobs);
	TABLE_ADD(tables.jobs, alarm_jobs);
	TABLE_ADD(tables.jobs, forecast_jobs);
	TABLE_ADD(tables.jobs, storage_jobs);
	TABLE_ADD(tables.jobs, watch_jobs);
	TABLE_ADD(tables.schedules, work_schedules);
	TABLE_ADD(tables.schedules, outbox_schedules);
	TABLE_ADD(tables.schedules, ops_schedules);
	TABLE_ADD(tables.schedules, alarm_schedules);
	TABLE_ADD(tables.schedules, storage_schedules);
	TABLE_ADD(tables.schedules, watch_schedules);
	TABLE_ADD(tables.resources, desk_resources);
	TABLE_ADD(tables.resources, suppression_resources);
	TABLE_ADD(tables.checks, app_checks);
	TABLE_ADD(tables.checks, database_checks);
	TABLE_ADD(tables.checks, service_checks);
	TABLE_ADD(tables.checks, net_checks);
	TABLE_ADD(tables.checks, host_checks);
	TABLE_ADD(tables.checks, outbox_checks);
	for (size_t i = 0; modules[i] != NULL; i++) {
		const struct module *m = modules[i];

		if (!is_switched_on(env->settings, m)) continue;
		TABLE_ADD_ALL(tables.routes, m->routes);
		rights_add(m->rights, m->title);
		TABLE_ADD_ALL(tables.jobs, m->jobs);
		TABLE_ADD(tables.schedules, m->schedules);
		TABLE_ADD_ALL(tables.resources, m->resources);
		TABLE_ADD(tables.figures, m->figures);
		TABLE_ADD(tables.checks, m->checks);
		TABLE_ADD(tables.replies, m->replies);
		TABLE_ADD(tables.planners, m->planners);
		TABLE_ADD(tables.reasons, m->reasons);
	}
	desk_reason_sources(tables.reasons);
	TABLE_ADD(tables.figures, desk_work_figures);
	desk_work_declare(forever, tables.jobs);
	TABLE_ADD(tables.figures, watch_figures);
	rc = desk_setup(tables.resources, tables.figures, forever);
	if (rc == RC_OK) TABLE_ADD(tables.routes, desk_made_routes());
	/* Commands beside the server ask for rights and routes, too. */
	web_setup(&(struct web_options){ .routes = tables.routes,
					 .rights = tables.rights,
					 .right_titles = tables.right_titles,
					 .decorate = desk_decorate });
	ops_setup(&(struct ops_tables){ .checks = tables.checks,
					.settings = house_settings(),
					.commands = house_commands(),
					.planners = tables.planners });
	tables.is_ready = rc == RC_OK;
	return rc;
}

enum rc house_settle(struct env *env, const char *config_path, const char *now, struct arena *a,
		     const char **why)
{
	char *slash;
	instant start = 0;
	enum rc rc;

	if (config_path[0] != '/') {
		char *here = realpath(".", NULL);

		config_path = arena_printf(a, "%s/%s", here != NULL ? here : ".", config_path);
		free(here);
	}
	env->config_path = config_path;
	slash = arena_text(a, config_path);
	env->dir = slash;
	slash = strrchr(slash, '/');
	if (slash == NULL) return RC_NO_MEMORY; /* config_path begins with one */
	*(slash == env->dir ? slash + 1 : slash) = '\0';
	/* Before anything of the state is read: a restore that was cut is ended now. */
	rc = restore_settle(env->dir);
	if (rc != RC_OK) {
		*why = arena_printf(a,
				    words_get(env->lang, N_("A restore in %s was cut and could not be ended; "
							    "is the disk full or read-only?")),
				    env->dir);
		return rc;
	}
	rc = settings_load(&env->settings, house_settings(), config_path, a, env->lang, why);
	if (rc != RC_OK) return rc;
	rc = env_settle(env);
	if (rc != RC_OK) {
		*why = arena_printf(a, words_get(env->lang, N_("The time zone “%s” is not known.")),
				    setting_text(env->settings, "business.zone"));
		return rc;
	}
	env->is_offline = setting_bool(env->settings, "mode.offline");
	if (now[0] != '\0') {
		if (!env->is_offline) {
			*why = words_get(
				env->lang,
				N_("--now is for offline mode only: set “offline = yes” under [mode]."));
			return RC_BAD_INPUT;
		}
		rc = instant_parse(&start, now);
		if (rc != RC_OK) {
			*why = arena_printf(a,
					    words_get(env->lang, N_("“%s” is not an instant; write it like "
								    "2026-11-22T09:00:00-05:00.")),
					    now);
			return RC_BAD_INPUT;
		}
		env->is_frozen_clock = true;
	}
	env->clock = clock_new(start);
	return env->clock != NULL ? RC_OK : RC_NO_MEMORY;
}

static bool is_loopback_url(const char *url)
{
	return strncmp(url, "http://127.", 11) == 0 || strncmp(url, "http://localhost", 16) == 0 ||
	       strncmp(url, "http://[::1]", 12) == 0;
}

/* Offline, the providers are the built-in stand-in, unless the setting already points at one on loopback. */
static enum rc start_standin(struct house *h, struct cx *cx)
{
	struct env *env = h->env;
	const char *why = "";
	char secret[TOKEN_SIZE];
	enum rc rc;

	if (!env->is_offline) return RC_OK;
	if (setting_text(env->settings, "whatsapp.webhook_secret")[0] == '\0') {
		token_new(secret);
		rc = settings_override(env->settings, "whatsapp.webhook_secret", secret);
		if (rc != RC_OK) return rc;
	}
	if (is_loopback_url(setting_text(env->settings, "whatsapp.base_url"))) return RC_OK;
	rc = standin_start(
		&h->standin, env,
		&(struct standin_options){ .listen = "127.0.0.1:0", .delivered_ms = 2000, .read_ms = 5000 },
		cx->arena, &why);
	if (rc != RC_OK) return cx_fail(cx, rc, "%s", why);
	env->standin_url = arena_printf(h->forever, "http://127.0.0.1:%d", standin_port(h->standin));
	env->standin_smtp = arena_printf(h->forever, "smtp://127.0.0.1:%d", standin_smtp_port(h->standin));
	env->standin_event_key = arena_text(h->forever, standin_event_key(h->standin));
	return RC_OK;
}

static enum rc run_at_start(struct cx *cx)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = tx_end(cx, auth_roles_ensure(cx, tables.rights));
	for (size_t i = 0; modules[i] != NULL && rc == RC_OK; i++)
		if (modules[i]->at_start != NULL && is_switched_on(cx->env->settings, modules[i]))
			rc = modules[i]->at_start(cx);
	return rc;
}

/* Switched off or not: what is held now is held when it is switched on again. */
static enum rc run_before_work(struct cx *cx)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; modules[i] != NULL && rc == RC_OK; i++)
		if (modules[i]->before_work != NULL) rc = modules[i]->before_work(cx);
	return rc;
}

static int64_t heartbeat_ms(void *arg, enum heart heart)
{
	const struct house *h = arg;

	return heart == HEART_SCHEDULER ? work_heartbeat_age_ms(h->work) : outbox_heartbeat_age_ms(h->outbox);
}

static enum rc start_web(struct house *h, struct cx *cx)
{
	struct env *env = h->env;
	const char *why = "";
	enum rc rc = web_start(&h->web, env,
			       &(struct web_options){ .routes = tables.routes,
						      .rights = tables.rights,
						      .right_titles = tables.right_titles,
						      .decorate = desk_decorate,
						      .before = h->standin != NULL ? standin_control : NULL,
						      .before_arg = h->standin },
			       h->forever, &why);

	if (rc != RC_OK) return cx_fail(cx, rc, "%s", why);
	if (h->standin != NULL)
		standin_set_webhook(h->standin,
				    arena_printf(h->forever, "%s/webhook/wasender/", web_address(h->web)),
				    setting_text(env->settings, "whatsapp.webhook_secret"));
	return RC_OK;
}

/* A command that came over the control socket: the same rows as on the command line, with this process's
** house. */
int recado_run_remote(struct house *h, struct env *env, const struct command_line *line, FILE *in, FILE *out,
		      FILE *err);
static int run_remote(void *arg, const struct command_line *line, FILE *in, FILE *out, FILE *err)
{
	struct house *h = arg;

	return recado_run_remote(h, h->env, line, in, out, err);
}

/* A command without a server works on the folder for a moment: the server that starts just then waits for it.
** Another server has its socket there and is not waited for. */
static enum rc take_lock(struct house *h, struct cx *cx, bool is_server)
{
	const char *socket_path = arena_printf(cx->arena, "%s/" CONTROL_SOCKET, h->env->dir);
	int64_t until = clock_ticks() + LOCK_WAIT_MS;

	for (;;) {
		enum rc rc = state_lock(&h->lock_fd, h->env->dir);

		if (rc != RC_CONFLICT || !is_server || clock_ticks() >= until ||
		    access(socket_path, F_OK) == 0)
			return rc;
		(void)poll(NULL, 0, LOCK_AGAIN_MS);
	}
}

/* Neither settings nor key: the name is mistyped, or nothing was made there yet. Settings alone may be
** absent: then all have their defaults. */
static bool is_nowhere(const struct cx *cx)
{
	return access(cx->env->config_path, F_OK) != 0 &&
	       access(arena_printf(cx->arena, "%s/key", cx->env->dir), F_OK) != 0;
}

/* is_still: the database only, nothing that acts. */
static enum rc open_house(struct house **out, struct cx *cx, bool is_holder, bool with_web, bool is_still)
{
	struct env *env = cx->env;
	struct house *h;
	const char *why = "";
	bool acts = is_holder && !is_still;
	enum rc rc = RC_OK;

	if (is_nowhere(cx))
		return cx_fail(
			cx, RC_BAD_INPUT,
			_("There is no settings file %s. Name the right one with --config FILE, or make a folder with `recado init FOLDER`."),
			env->config_path);
	if ((h = mem_zeroed(sizeof(*h))) == NULL) return RC_NO_MEMORY;
	h->env = env;
	h->lock_fd = -1;
	env->is_stopping = false;
	for (int i = 0; i < WAKE__MAX; i++)
		env->wake_fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* The lock first: who does not get it leaves nothing behind and may ask again. */
	if (is_holder) {
		rc = take_lock(h, cx, with_web);
		if (rc == RC_IO)
			rc = cx_fail(
				cx, rc,
				_("The state folder %s cannot be written; run `recado init %s` or check its owner."),
				env->dir, env->dir);
		env->is_holder = rc == RC_OK;
	}
	if (rc == RC_OK && restore_is_pending(env->dir))
		rc = cx_fail(cx, RC_CONFLICT, _("A restore is under way in %s; try again when it has ended."),
			     env->dir);
	if (rc == RC_OK) {
		h->forever = arena_new(COMMAND_ARENA_MAX);
		rc = h->forever != NULL ? collect_tables(env, h->forever) : RC_NO_MEMORY;
	}
	if (rc == RC_OK) {
		rc = seal_key_load(&env->key, arena_printf(cx->arena, "%s/key", env->dir));
		if (rc != RC_OK)
			rc = cx_fail(
				cx, rc,
				_("The key file %s/key cannot be read; run `recado init %s` or put it back."),
				env->dir, env->dir);
	}
	if (rc == RC_OK) {
		rc = store_open(&env->store, env, cx->arena, &why, is_holder);
		if (rc != RC_OK && why[0] != '\0') rc = cx_fail(cx, rc, "%s", why);
	}
	if (rc == RC_OK) rc = db_open(&cx->db, env->store);
	if (rc == RC_OK && acts) rc = alarm_clock_start(cx); /* before anything acts by itself */
	if (rc == RC_OK && acts) rc = run_at_start(cx);
	if (rc == RC_OK && acts) rc = start_standin(h, cx);
	if (rc == RC_OK && is_holder && with_web) rc = start_web(h, cx);
	if (rc == RC_OK && acts) rc = outbox_start(&h->outbox, env, tables.replies);
	if (rc == RC_OK && acts) rc = run_before_work(cx);
	if (rc == RC_OK && acts) rc = work_start(&h->work, env, tables.jobs, tables.schedules);
	if (rc == RC_OK && with_web) rc = health_start(&h->health, env, heartbeat_ms, h);
	if (rc == RC_OK && with_web) {
		rc = control_start(&h->control, env, run_remote, h);
		if (rc != RC_OK)
			rc = cx_fail(
				cx, rc,
				_("The control socket in %s could not be opened; check its owner and the free space."),
				env->dir);
	}
	if (rc != RC_OK) {
		db_close(cx->db);
		cx->db = NULL;
		house_close(h);
		return rc;
	}
	*out = h;
	return RC_OK;
}

enum rc house_open(struct house **out, struct cx *cx, bool is_holder, bool with_web)
{
	return open_house(out, cx, is_holder, with_web, false);
}

enum rc house_mend(struct cx *cx)
{
	struct house *h = NULL;
	enum rc rc = open_house(&h, cx, true, false, true);

	if (rc == RC_OK) rc = work_plan(cx, tables.jobs, tables.schedules);
	if (h == NULL) return rc;
	db_at_rest(cx);
	db_close(cx->db);
	cx->db = NULL;
	house_close(h);
	return rc;
}

void house_close(struct house *h)
{
	struct env *env;

	if (h == NULL) return;
	env = h->env;
	env->is_stopping = true;
	for (int i = 0; i < WAKE__MAX; i++)
		env_wake(env, (enum wake)i);
	control_stop(h->control);
	web_stop(h->web);
	health_stop(h->health);
	work_stop(h->work);
	outbox_stop(h->outbox);
	standin_stop(h->standin);
	store_close(env->store);
	env->store = NULL;
	store_close(env->reports);
	env->reports = NULL;
	seal_key_free(env->key);
	env->key = NULL;
	if (h->lock_fd >= 0) close(h->lock_fd);
	for (int i = 0; i < WAKE__MAX; i++) {
		if (env->wake_fd[i] >= 0) close(env->wake_fd[i]);
		env->wake_fd[i] = -1;
	}
	arena_free(h->forever);
	mem_free(h);
}

void house_reload(struct house *h)
{
	struct arena *a = arena_new(1024 * 1024);
	struct db *db = NULL;
	struct cx cx;
	enum rc rc;

	if (a == NULL) return;
	if (db_open(&db, h->env->store) != RC_OK) db = NULL; /* then without a word in the history */
	cx_init(&cx, h->env, a, db);
	cx.actor.name = "file";
	rc = settings_read_again(&cx);
	(void)rc; /* nobody waits for an answer: what went wrong is in the log */
	if (db != NULL) db_at_rest(&cx);
	db_close(db);
	arena_free(a);
}

const char *house_address(const struct house *h)
{
	return h->web != NULL ? web_address(h->web) : "";
}

int house_run_due(struct house *h, struct cx *cx)
{
	return work_run_due(cx, h->work);
}
