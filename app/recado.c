/*
** recado.c -- main(): global options, the table of commands, and where each one runs.
**
** A command row says what it needs: nothing, the state folder, or to be the process that
** holds it. The last kind goes over the control socket when a server runs, so that only
** one process plans and sends.
*/
#include "base/mem.h"
#include "house.h"
#include "ops/ops.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOLDER_WAIT_MS  10000 /* a start or a stop takes less                                   */
#define HOLDER_AGAIN_MS 50
#define SETTLE_FIRST_S  10  /* the threads have had their first look by then         */
#define SETTLE_AGAIN_S  600 /* seldom enough that what is read again costs nothing */
/* The largest import (50 MiB) with its rows; untouched memory costs nothing */
#define COMMAND_ARENA_MAX (256 * 1024 * 1024)

struct global_options {
	const char *config, *lang, *now;
	bool is_json, wants_help, wants_version;
};

/* Take the global options out of argv, wherever they stand; the rest stays in order. */
static enum rc take_globals(struct global_options *g, int *argc, const char **argv, const char **wrong)
{
	static const char *const names[] = { "--config", "--lang", "--now" };
	const char **values[] = { &g->config, &g->lang, &g->now };
	int kept = 0;

	for (int i = 1; i < *argc; i++) {
		bool is_taken = false;

		for (size_t k = 0; k < 3 && !is_taken; k++) {
			size_t len = strlen(names[k]);

			if (strncmp(argv[i], names[k], len) != 0 ||
			    (argv[i][len] != '\0' && argv[i][len] != '='))
				continue;
			if (argv[i][len] == '=')
				*values[k] = argv[i] + len + 1;
			else if (i + 1 < *argc)
				*values[k] = argv[++i];
			else {
				*wrong = argv[i];
				return RC_BAD_INPUT;
			}
			is_taken = true;
		}
		if (is_taken) continue;
		if (strcmp(argv[i], "--json") == 0)
			g->is_json = true;
		else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			g->wants_help = true;
		else if (strcmp(argv[i], "--version") == 0)
			g->wants_version = true;
		else
			argv[kept++] = argv[i];
	}
	*argc = kept;
	return RC_OK;
}

static bool same_name(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++) {
		char x = *a == '_' ? '-' : *a, y = *b == '_' ? '-' : *b;

		if (x != y) return false;
	}
	return *a == *b;
}

/* The row whose name is the first one or two words; *used tells how many. Old names are aliases. */
static const struct command *find_command(int argc, const char *const *argv, int *used)
{
	for (int words = 2; words >= 1; words--) {
		char name[128];

		if (argc < words) continue;
		snprintf(name, sizeof(name), words == 2 ? "%s %s" : "%s", argv[0], words == 2 ? argv[1] : "");
		for (const struct command *const *list = house_commands(); *list != NULL; list++)
			for (const struct command *c = *list; c->name != NULL; c++) {
				bool is_it = strcmp(c->name, name) == 0;

				for (size_t i = 0; words == 1 && c->aliases != NULL && c->aliases[i] != NULL;
				     i++)
					is_it = is_it || same_name(c->aliases[i], name);
				if (is_it) {
					*used = words;
					return c;
				}
			}
	}
	return NULL;
}

static void print_command(FILE *out, const struct command *c, enum lang lang)
{
	fprintf(out, "  recado %s%s%s\n      %s\n", c->name, c->usage[0] != '\0' ? " " : "", c->usage,
		words_get(lang, c->help));
}

/* `recado user`: the rows that begin with this word; false if there are none. */
static bool print_group(FILE *out, const char *word, enum lang lang)
{
	size_t len = strlen(word);
	bool has_any = false;

	for (const struct command *const *list = house_commands(); *list != NULL; list++)
		for (const struct command *c = *list; c->name != NULL; c++)
			if (strncmp(c->name, word, len) == 0 && c->name[len] == ' ') {
				print_command(out, c, lang);
				has_any = true;
			}
	return has_any;
}

/* Failures go to err in both shapes: what a command printed before it failed (a report, a list of wrong rows)
** stays one JSON document. */
static int report(struct cx *cx, enum rc rc, FILE *err, bool is_json)
{
	if (rc == RC_OK || (rc == RC_PARTLY && cx->message[0] == '\0')) return rc_row(rc)->exit;
	if (is_json) {
		struct value *root = value_map(cx->arena);
		struct value *error = value_set_map(cx->arena, root, "error");
		struct sb sb;

		value_set_text(cx->arena, error, "code",
			       cx->error_code != NULL ? cx->error_code : rc_row(rc)->name);
		value_set_text(cx->arena, error, "message", cx_sentence(cx, rc));
		sb_init_arena(&sb, cx->arena, 1024 * 1024);
		json_write(&sb, root);
		fprintf(err, "%s\n", sb_text_of(&sb));
		return rc_row(rc)->exit;
	}
	fprintf(err, "%s\n", cx_sentence(cx, rc));
	for (size_t i = 0; i < cx->field_count; i++)
		fprintf(err, "  %s: %s\n", cx->fields[i].field, cx->fields[i].message);
	return rc_row(rc)->exit;
}

static void command_actor(struct cx *cx)
{
	cx->actor = (struct actor){
		.kind = ACTOR_COMMAND, .name = "command", .role = "owner", .rights = "*", .address = ""
	};
}

/* Run a row in this process with an open cx; the caller reports. */
static enum rc run_row(struct cx *cx, const struct command *row, struct command_call *call)
{
	enum rc rc = row->run(cx, call);

	fflush(call->out);
	if (cx->db != NULL) db_at_rest(cx);
	return rc;
}

int recado_run_remote(struct house *h, struct env *env, const struct command_line *line, FILE *in, FILE *out,
		      FILE *err);

/* Who sleeps until an hour sleeps by a count of milliseconds: the hour may be over now. */
static void shift_clock(struct env *env, instant now)
{
	clock_shift(env->clock, now - clock_now(env->clock));
	env_wake(env, WAKE_WORK);
	env_wake(env, WAKE_OUTBOX);
}

/* A command that another process handed over. Its --now moves the clock of this house (offline mode only):
** what was planned at an instant must also leave at that instant. */
int recado_run_remote(struct house *h, struct env *env, const struct command_line *line, FILE *in, FILE *out,
		      FILE *err)
{
	struct arena *a = arena_new(COMMAND_ARENA_MAX);
	struct db *db = NULL;
	struct cx cx;
	struct command_call call = { .in = in, .out = out, .err = err, .is_json = line->is_json };
	const struct command *row;
	instant now = 0;
	int used = 0, code;
	enum rc rc;

	(void)h;
	if (a == NULL) return rc_row(RC_NO_MEMORY)->exit;
	rc = db_open(&db, env->store);
	cx_init(&cx, env, a, db);
	command_actor(&cx);
	if (line->lang[0] != '\0') (void)words_lang(&cx.lang, line->lang);
	row = find_command(line->argc, line->argv, &used);
	if (rc == RC_OK && (row == NULL || (row->needs != COMMAND_HOLDER && row->needs != COMMAND_ANYWHERE)))
		rc = RC_BAD_INPUT;
	if (rc == RC_OK && line->now[0] != '\0') {
		if (!env->is_offline)
			rc = cx_fail(
				&cx, RC_BAD_INPUT, "%s",
				words_get(
					cx.lang,
					N_("--now is for offline mode only: set “offline = yes” under [mode].")));
		else if (instant_parse(&now, line->now) != RC_OK)
			rc = cx_fail(
				&cx, RC_BAD_INPUT,
				words_get(
					cx.lang,
					N_("“%s” is not an instant; write it like 2026-11-22T09:00:00-05:00.")),
				line->now);
		else
			shift_clock(env, now);
	}
	if (rc == RC_OK) {
		call.argc = line->argc - used;
		call.argv = line->argv + used;
		call.name = row->name;
		call.usage = row->usage;
		call.typed = line->argv[0];
		rc = run_row(&cx, row, &call);
	}
	code = report(&cx, rc, err, line->is_json);
	if (call.own_exit != 0) code = call.own_exit;
	db_close(db);
	arena_free(a);
	return code;
}

/* Wait for the end; SIGHUP reads the settings again. What the first work of the day, or a busy hour, brought
** into memory of the program itself leaves it again. */
static void wait_for_signal(struct house *h, const sigset_t *signals)
{
	struct timespec pause = { .tv_sec = SETTLE_FIRST_S };
	int which;

	for (;;) {
		which = sigtimedwait(signals, NULL, &pause);
		if (which == SIGHUP)
			house_reload(h);
		else if (which > 0)
			break;
		else if (errno != EAGAIN)
			continue;
		mem_settle();
		pause.tv_sec = SETTLE_AGAIN_S;
	}
	log_event(LOG_INFO, "app", "server.stopping", "signal=%d", which);
}

static enum rc serve(struct cx *cx, FILE *out)
{
	struct house *house = NULL;
	sigset_t signals;
	enum rc rc;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before the first thread: all inherit it */
	sandbox_enter(cx->env);
	rc = log_start(cx->env->zone, LOG_INFO,
		       setting_bool(cx->env->settings, "log.files")
			       ? arena_printf(cx->arena, "%s/log", cx->env->dir)
			       : NULL);
	env_log_settle(cx->env);
	if (rc == RC_OK) rc = house_open(&house, cx, true, true);
	if (rc == RC_CONFLICT && cx->message[0] == '\0')
		rc = cx_fail(cx, rc, _("Another recado already runs on %s; stop it first."), cx->env->dir);
	if (rc == RC_OK) {
		const char *code = "";

		if (setup_code(cx, &code) == RC_OK && code[0] != '\0')
			fprintf(out, "%s %s/setup?code=%s\n", _("First time? Make your user here:"),
				house_address(house), code);
		fprintf(out, "%s %s\n", _("Recado is ready at"), house_address(house));
		fflush(out);
		log_event(LOG_INFO, "app", "server.ready", "address=%s offline=%d", house_address(house),
			  cx->env->is_offline);
		notify_systemd("READY=1");
		db_at_rest(cx);
		db_close(cx->db); /* the main thread only waits from here */
		cx->db = NULL;
		mem_settle();
		wait_for_signal(house, &signals);
		notify_systemd("STOPPING=1");
		house_close(house);
		log_event(LOG_INFO, "app", "server.stopped", "clean=1");
	}
	log_stop();
	return rc;
}

static enum rc serve_command(struct cx *cx, struct command_call *call)
{
	enum rc rc = command_check(cx, call, (const char *const[]){ NULL }, (const char *const[]){ NULL });

	return rc == RC_OK ? serve(cx, call->out) : rc;
}

/* `recado renewals import FILE`: the caller's process opens the file, whoever runs the row. */
static enum rc open_file_argument(struct cx *cx, const struct command *row, struct command_call *call)
{
	const char *path =
		row->reads_file ? command_word_by_usage(call, (size_t)row->file_word, row->usage) : NULL;
	struct stat st;
	int fd;

	if (path == NULL || strcmp(path, "-") == 0) return RC_OK;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
		enum rc rc = cx_fail(cx, RC_BAD_INPUT, _("The file %s cannot be read: %s."), path,
				     words_errno(cx->lang, fd < 0 ? errno : EISDIR));

		if (fd >= 0) close(fd);
		return rc;
	}
	call->in = fdopen(fd, "r");
	return call->in != NULL ? RC_OK : RC_NO_MEMORY;
}

/* The holder takes the lock first and answers at its socket last; a command without a server has no socket at
** all. Both are over soon, so whoever comes meanwhile waits instead of failing. RC_NOT_FOUND: nobody answers.
** */
static enum rc call_holder(struct cx *cx, struct command_call *call, const struct command_line *line,
			   int *exit_code)
{
	int64_t until = clock_ticks() + HOLDER_WAIT_MS;

	for (;;) {
		int lock = -1;
		enum rc rc = control_call(cx->env->dir, line, fileno(call->in), fileno(call->out),
					  fileno(call->err), exit_code);

		if (rc != RC_NOT_FOUND || clock_ticks() >= until) return rc;
		rc = state_lock(&lock, cx->env->dir);
		if (lock >= 0) close(lock);
		if (rc != RC_CONFLICT) return RC_NOT_FOUND;
		(void)poll(NULL, 0, HOLDER_AGAIN_MS);
	}
}

/* A row that needs the holder: over the socket if somebody holds the folder, else here. */
static enum rc run_as_holder(struct cx *cx, const struct command *row, struct command_call *call,
			     const struct command_line *line, int *exit_code)
{
	struct house *house = NULL;
	int64_t until = clock_ticks() + HOLDER_WAIT_MS;
	enum rc rc;

	*exit_code = -1;
	fflush(call->out);
	/* Between "nobody holds it" and taking it somebody else may have come: then ask that one. */
	do {
		rc = call_holder(cx, call, line, exit_code);
		if (rc != RC_NOT_FOUND) return rc;
		rc = house_open(&house, cx, true, false);
	} while (rc == RC_CONFLICT && cx->message[0] == '\0' && clock_ticks() < until);
	if (rc == RC_CONFLICT && cx->message[0] == '\0')
		rc = cx_fail(cx, rc,
			     _("Another recado command works on %s right now; try again in a moment."),
			     cx->env->dir);
	if (rc == RC_OK) {
		rc = run_row(cx, row, call);
		db_close(cx->db);
		cx->db = NULL;
		house_close(house);
	}
	return rc;
}

static enum rc run_with_state(struct cx *cx, const struct command *row, struct command_call *call)
{
	struct house *house = NULL;
	enum rc rc = house_open(&house, cx, false, false);

	if (rc == RC_OK) {
		rc = run_row(cx, row, call);
		db_close(cx->db);
		cx->db = NULL;
		house_close(house);
	}
	return rc;
}

/* In the server if one answers, so that it knows at once; else here. Without a database the row does what it
** can. */
static enum rc run_anywhere(struct cx *cx, const struct command *row, struct command_call *call,
			    const struct command_line *line, int *exit_code)
{
	struct house *house = NULL;
	enum rc rc;

	*exit_code = -1;
	fflush(call->out);
	rc = control_call(cx->env->dir, line, fileno(call->in), fileno(call->out), fileno(call->err),
			  exit_code);
	if (rc != RC_NOT_FOUND) return rc;
	if (house_open(&house, cx, false, false) != RC_OK) cx->message = "";
	rc = run_row(cx, row, call);
	if (house != NULL) {
		db_close(cx->db);
		cx->db = NULL;
		house_close(house);
	}
	return rc;
}

static const char *default_config(struct arena *a)
{
	const char *named = getenv("RECADO_CONFIG");

	if (named != NULL && named[0] != '\0') return arena_text(a, named);
	if (access(CONFIG_FILE, R_OK) == 0) return CONFIG_FILE;
	return STATE_DIR_DEFAULT "/" CONFIG_FILE;
}

static const char *folder_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? "." : slash == path ? "/" : arena_printf(a, "%.*s", (int)(slash - path), path);
}

static const struct command serve_row = {
	.name = "serve",
	.usage = "[--config FILE]",
	.help = N_("Run the appliance: panel, schedules, messages."),
	.needs = COMMAND_STATE,
	.run = serve_command,
};

static enum rc run(struct cx *cx, struct env *env, const struct global_options *g, int argc,
		   const char **argv, int *exit_code)
{
	struct command_call call = { .in = stdin, .out = stdout, .err = stderr, .is_json = g->is_json };
	struct command_line line = {
		.argc = argc, .argv = argv, .lang = g->lang, .now = g->now, .is_json = g->is_json
	};
	const struct command *row = argc > 0 && strcmp(argv[0], "serve") == 0 ? &serve_row : NULL;
	const char *why = "", *config;
	int used = 1;
	enum rc rc;

	if (row == NULL) row = find_command(argc, argv, &used);
	if (row == NULL) {
		bool is_half = argc == 1 && print_group(g->wants_help ? stdout : stderr, argv[0], cx->lang);

		if (is_half && g->wants_help) return RC_OK;
		if (is_half)
			return cx_fail(cx, RC_BAD_INPUT, _("“%s” needs one of these words behind it."),
				       argv[0]);
		return cx_fail(cx, RC_BAD_INPUT, _("“%s” is not a command; `recado --help` lists them."),
			       argv[0]);
	}
	if (g->wants_help) {
		print_command(stdout, row, cx->lang);
		if (used == 1) (void)print_group(stdout, row->name, cx->lang);
		return RC_OK;
	}
	call.argc = argc - used;
	call.argv = argv + used;
	call.name = row->name;
	call.usage = row->usage;
	call.typed = argv[0];
	if (row->needs == COMMAND_NOTHING) return row->run(cx, &call);
	env->lang = cx->lang; /* for what is wrong with the settings themselves */
	/* The caller's file is opened as the caller, who may be root; all the rest is the folder's owner's. What
	** fails here fails below, in the house's language. */
	if (geteuid() == 0 && open_file_argument(cx, row, &call) != RC_OK) cx->message = "";
	config = g->config[0] != '\0' ? g->config : default_config(cx->arena);
	rc = state_become_owner(cx, folder_of(cx->arena, config));
	if (rc != RC_OK) return rc;
	rc = house_settle(env, config, g->now, cx->arena, &why);
	if (rc != RC_OK && row->needs == COMMAND_LENIENT) (void)cx_fail(cx, rc, "%s", why);
	if (rc != RC_OK && row->needs != COMMAND_LENIENT) return cx_fail(cx, rc, "%s", why);
	if (g->lang[0] == '\0') cx->lang = env->lang;
	/* A person at a terminal reads the command's own words; only what went wrong is logged beside
	** them. */
	if (row != &serve_row) log_quiet(LOG_WARN);
	if (row->needs == COMMAND_LENIENT) return row->run(cx, &call);
	if (row == &serve_row || row->needs == COMMAND_SETTINGS) return row->run(cx, &call);
	if (call.in == stdin) rc = open_file_argument(cx, row, &call);
	if (rc != RC_OK) return rc;
	rc = log_start(env->zone, LOG_WARN, NULL);
	if (rc != RC_OK) return rc;
	rc = row->needs == COMMAND_HOLDER     ? run_as_holder(cx, row, &call, &line, exit_code)
	     : row->needs == COMMAND_ANYWHERE ? run_anywhere(cx, row, &call, &line, exit_code)
					      : run_with_state(cx, row, &call);
	if (call.own_exit != 0) {
		(void)report(cx, rc, call.err, g->is_json);
		*exit_code = call.own_exit;
	}
	log_stop();
	return rc;
}

int main(int argc, char **argv)
{
	struct global_options g = { .config = "", .lang = "", .now = "" };
	struct env env = { .dir = "", .config_path = "", .lang = LANG_ES };
	struct arena *a;
	struct cx cx;
	const char *wrong = "";
	const char **words;
	int exit_code = -1;
	enum rc rc;

	signal(SIGPIPE, SIG_IGN);
	umask(077);
	for (int i = 0; i < WAKE__MAX; i++)
		env.wake_fd[i] = -1;
	a = arena_new(COMMAND_ARENA_MAX);
	if (a == NULL || seal_start() != RC_OK || words_load() != RC_OK) {
		fputs("recado: the system gave no memory or no randomness.\n", stderr);
		return 1;
	}
	words = (const char **)(uintptr_t)argv;
	rc = take_globals(&g, &argc, words, &wrong);
	cx_init(&cx, &env, a, NULL);
	command_actor(&cx);
	if (g.lang[0] != '\0' && !words_lang(&cx.lang, g.lang))
		rc = cx_fail(&cx, RC_BAD_INPUT,
			     words_get(LANG_ES, N_("There is no language “%s”; there are es and en.")),
			     g.lang);
	else if (rc != RC_OK)
		rc = cx_fail(&cx, rc, words_get(cx.lang, N_("The option %s needs a value.")), wrong);
	else if (g.wants_version)
		rc = version_print(&cx, stdout, g.is_json);
	else if (argc == 0) {
		top_help(g.wants_help ? stdout : stderr, &serve_row, cx.lang);
		rc = g.wants_help ? RC_OK : RC_PARTLY;
		exit_code = g.wants_help ? 0 : 2;
	} else
		rc = run(&cx, &env, &g, argc, words, &exit_code);
	if (exit_code < 0) exit_code = report(&cx, rc, stderr, g.is_json);
	settings_free(env.settings);
	clock_free(env.clock);
	arena_free(a);
	/* Not exit(): a dead resolver thread of curl would hold the process for seconds. */
	fflush(NULL);
	_exit(exit_code);
}
