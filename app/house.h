/*
** house.h -- the rooms put together: their tables collected, their threads started and
** stopped in the right order. The top floor, with recado.c.
*/
#ifndef RECADO_HOUSE_H
#define RECADO_HOUSE_H

#include "base/command.h"

struct house;

/* All settings rows of the house and its modules; NULL-terminated list of row arrays. Valid for ever. */
const struct setting *const *house_settings(void);
/* All command rows: the list ends with NULL, each array with a row without name. */
const struct command *const *house_commands(void);
/* `recado --help` (top_help.c); serve: the row that no table holds. */
void top_help(FILE *out, const struct command *serve, enum lang lang);

/* Fill env from DIR/recado.ini (or config_path): settings, zone, language, clock. now: "" or RFC 3339
** (offline mode only).
** *why (arena): the sentence. */
enum rc house_settle(struct env *env, const char *config_path, const char *now, struct arena *a,
		     const char **why) MUST_CHECK;

/* Open the database and run what `holder` implies: lock, migrations, templates, roles, work, outbox, the
** built-in stand-in when offline, and the web when with_web. cx belongs to the calling thread. RC_CONFLICT:
** another process holds the folder. On failure everything begun is ended and cx holds the sentence. */
enum rc house_open(struct house **out, struct cx *cx, bool is_holder, bool with_web) MUST_CHECK;
/* As holder: the schema as this program knows it, the schedules as its tables say; nothing is started, sent
** or run. For `recado check --fix`. */
enum rc house_mend(struct cx *cx) MUST_CHECK;
/* Stop in reverse order, within seconds. NULL is fine. */
void house_close(struct house *h);
/* Read the settings file again (SIGHUP). */
void house_reload(struct house *h);
const char *house_address(const struct house *h); /* of the panel; "" without web */
/* Run due jobs in the calling thread once (a command that holds the folder without server). */
int house_run_due(struct house *h, struct cx *cx);

/* `recado check` (check_command.c). */
enum rc top_run_check(struct cx *cx, struct command_call *call) MUST_CHECK;
/* init and demo (top_commands.c): they need the house or walk the modules. */
extern const struct command top_commands[];

#endif
