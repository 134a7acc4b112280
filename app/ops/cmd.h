/*
** cmd.h -- the rows of ops_commands that live in files of their own.
*/
#ifndef RECADO_OPS_CMD_H
#define RECADO_OPS_CMD_H

#include "ops/ops.h"

/* Rows as JSON or as columns, instants and words for people (cmd_show.c). */
enum rc command_print_rows(struct cx *cx, struct command_call *call, struct value *rows) MUST_CHECK;
/* RC_BAD_INPUT with the words that there are when value is none of the list's (parted by blanks); NULL is fine. */
enum rc command_one_of(struct cx *cx, const char *option, const char *value, const char *list) MUST_CHECK;
enum rc ops_run_outbox(struct cx *cx, struct command_call *call) MUST_CHECK;
enum rc ops_run_backup(struct cx *cx, struct command_call *call) MUST_CHECK;
enum rc ops_run_backup_list(struct cx *cx, struct command_call *call) MUST_CHECK;
enum rc ops_run_backup_prove(struct cx *cx, struct command_call *call) MUST_CHECK;
enum rc ops_run_restore(struct cx *cx, struct command_call *call) MUST_CHECK;
enum rc ops_run_rollback(struct cx *cx, struct command_call *call) MUST_CHECK;
/* The first line of a file with a passphrase or code, arena; NULL with the sentence. */
const char *secret_from_file(struct cx *cx, const char *path);
enum rc ops_run_rescue_disk(struct cx *cx, struct command_call *call) MUST_CHECK;
enum rc ops_run_sandbox(struct cx *cx, struct command_call *call) MUST_CHECK;
enum rc ops_run_routes(struct cx *cx, struct command_call *call) MUST_CHECK;
enum rc ops_run_api_describe(struct cx *cx, struct command_call *call) MUST_CHECK;

enum rc ops_run_config_list(struct cx *cx, struct command_call *call) MUST_CHECK;
enum rc ops_run_config_get(struct cx *cx, struct command_call *call) MUST_CHECK;
enum rc ops_run_config_set(struct cx *cx, struct command_call *call) MUST_CHECK;
enum rc ops_run_config_reset(struct cx *cx, struct command_call *call) MUST_CHECK;
enum rc ops_run_config_import(struct cx *cx, struct command_call *call) MUST_CHECK;

enum rc ops_run_log_level(struct cx *cx, struct command_call *call) MUST_CHECK;

#endif
