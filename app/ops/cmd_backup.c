/*
** cmd_backup.c -- `recado backup`, `backup list`, `backup prove`.
**
** Owns:   what a person reads of a backup in a terminal.
** Needs:  backup.h for everything that is done.
** Never:  opens an archive or removes one by itself.
** Holds:  percents go to a terminal only, never into a pipe or beside --json.
*/
#include "ops/backup.h"
#include "ops/cmd.h"

#include <string.h>
#include <unistd.h>

#define LISTED_MAX 1000 /* rows: two years and a half of nights */

static void tell_terminal(void *arg, int percent)
{
	FILE *err = arg;

	fprintf(err, "\r%3d %%", percent);
	fflush(err);
}

static void set_at(struct cx *cx, struct value *map, const char *key, instant at)
{
	char text[RFC3339_SIZE];

	instant_text(text, at);
	if (at != 0) value_set_text(cx->arena, map, key, text);
}

static void print_made(struct cx *cx, struct command_call *call, const struct backup_made *made)
{
	if (call->is_json) {
		struct value *root = value_map(cx->arena);

		value_set_text(cx->arena, root, "path", made->path);
		value_set_int(cx->arena, root, "size", made->size);
		value_set_bool(cx->arena, root, "is_sealed", made->is_sealed);
		value_set_bool(cx->arena, root, "is_proved", made->proved_at != 0);
		value_set_int(cx->arena, root, "lost_files", made->lost);
		command_print(cx, call, root);
		return;
	}
	fprintf(call->out, _("Backup written: %s\n"), made->path);
	fprintf(call->out, "%s\n",
		made->proved_at != 0 ? _("Proved: it was unpacked aside and everything is in it.")
				     : _("Not proved yet: `recado backup prove FILE` does it."));
	if (made->lost > 0)
		fprintf(call->out, _("%lld stored files were missing on the disk and are not in it.\n"),
			(long long)made->lost);
}

enum rc ops_run_backup(struct cx *cx, struct command_call *call)
{
	static const char *const flags[] = { "no-prove", NULL }, *const with_value[] = { "to", "origin",
											 NULL };
	struct backup_order order = { .origin = "person", .no_prove = command_flag(call, "no-prove") };
	const char *origin = command_option(call, "origin");
	struct backup_made made;
	bool is_terminal = isatty(fileno(call->err)) && !call->is_json;
	enum rc rc = command_check(cx, call, flags, with_value);

	if (rc != RC_OK) return rc;
	order.path = command_option(call, "to");
	if (origin != NULL && strcmp(origin, "upgrade") == 0) order.origin = "upgrade";
	if (is_terminal) order.listener = (struct backup_listener){ .tell = tell_terminal, .arg = call->err };
	rc = backup_make(cx, &made, &order);
	if (is_terminal) fputs("\r     \r", call->err);
	if (rc == RC_OK) print_made(cx, call, &made);
	return rc;
}

enum rc ops_run_backup_list(struct cx *cx, struct command_call *call)
{
	static const char *const none[] = { NULL };
	struct value *rows = NULL;
	enum rc rc = command_check(cx, call, none, none);

	if (rc == RC_OK) rc = backup_adopt(cx);
	if (rc == RC_OK)
		rc = db_rows(
			cx, &rows, LISTED_MAX,
			"SELECT public_id, folder, name, origin, state, error, size, sha256, is_sealed, version,"
			" started_at, finished_at, proved_at, remote, remote_at, remote_error"
			" FROM backup ORDER BY started_at DESC, id DESC",
			NO_PARAMS);
	if (rc != RC_OK) return rc;
	if (call->is_json) {
		shape_json(cx, rows);
		command_print(cx, call, rows);
		return RC_OK;
	}
	for (const struct value *r = rows->first; r != NULL; r = r->next) {
		char at[RFC3339_SIZE];

		instant_text_local(at, value_int_of(value_get(r, "started_at"), 0), cx->env->zone);
		fprintf(call->out, "%s  %-8s %10lld kB  %s/%s%s%s\n", at,
			backup_state_word(cx, value_text_of(value_get(r, "state"), "")),
			(long long)value_int_of(value_get(r, "size"), 0) / 1000,
			value_text_of(value_get(r, "folder"), ""), value_text_of(value_get(r, "name"), ""),
			value_text_of(value_get(r, "error"), "")[0] != '\0' ? "\n    " : "",
			value_text_of(value_get(r, "error"), ""));
	}
	if (rows->first == NULL) fprintf(call->out, "%s\n", _("There is no backup yet."));
	return RC_OK;
}

enum rc ops_run_backup_prove(struct cx *cx, struct command_call *call)
{
	static const char *const none[] = { NULL }, *const with_value[] = { "passphrase-file", NULL };
	const char *path = command_word(call, 0, with_value);
	const char *file = command_option(call, "passphrase-file");
	const char *passphrase = setting_text(cx->env->settings, "backup.passphrase");
	struct unpacked proof;
	enum rc rc = command_check(cx, call, none, with_value);

	if (rc != RC_OK) return rc;
	if (path == NULL) return cx_fail(cx, RC_BAD_INPUT, _("Usage: recado backup prove FILE"));
	if (file != NULL && (passphrase = secret_from_file(cx, file)) == NULL) return RC_BAD_INPUT;
	rc = backup_prove(cx, &proof, path, passphrase, NULL);
	if (rc == RC_OK) rc = backup_note_proof(cx, path);
	if (rc != RC_OK) return rc;
	if (call->is_json) {
		struct value *root = value_map(cx->arena);

		value_set_bool(cx->arena, root, "is_proved", true);
		value_set_int(cx->arena, root, "schema", proof.head.schema);
		value_set_int(cx->arena, root, "rows", proof.manifest.database.rows);
		value_set_int(cx->arena, root, "files", proof.manifest.files.count);
		value_set_text(cx->arena, root, "content_sha256", proof.manifest.database.sum);
		set_at(cx, root, "made_at", proof.head.made_at);
		command_print(cx, call, root);
		return RC_OK;
	}
	fprintf(call->out, "%s\n", _("Proved: it was unpacked aside and everything is in it."));
	return RC_OK;
}
