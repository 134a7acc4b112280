/*
** cmd_restore.c -- `recado restore FILE` and `recado rollback`: both need the folder for themselves, so the
** server must be stopped.
**
** Never:  takes a passphrase or a recovery code as a word of the command line: others see those.
*/
#include "ops/backup.h"
#include "ops/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define SECRET_MAX 1024 /* bytes of a passphrase or code */

/* The first line of a file. NULL (with the sentence): it cannot be read. */
const char *secret_from_file(struct cx *cx, const char *path)
{
	char *text = arena_alloc(cx->arena, SECRET_MAX + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd >= 0 && text != NULL ? read(fd, text, SECRET_MAX) : -1;

	if (n < 0)
		(void)cx_fail(cx, RC_BAD_INPUT, _("The file %s cannot be read: %s."), path,
			      words_errno(cx->lang, errno));
	if (fd >= 0) close(fd);
	if (n < 0) return NULL;
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	return text;
}

struct terminal {
	struct cx *cx;
	struct command_call *call;
};

/* Ask at the terminal, without showing what is typed. */
static const char *ask_person(void *arg, const char *question)
{
	struct terminal *t = arg;
	char *line = arena_alloc(t->cx->arena, SECRET_MAX + 2);
	int fd = fileno(t->call->in);
	struct termios was, hidden;

	if (line == NULL || !isatty(fd) || tcgetattr(fd, &was) != 0) return NULL;
	hidden = was;
	hidden.c_lflag &= (tcflag_t)~ECHO;
	(void)tcsetattr(fd, TCSAFLUSH,
			&hidden); /* before it is asked: nothing typed at once is seen or lost */
	fprintf(t->call->err, "%s ", question);
	fflush(t->call->err);
	if (fgets(line, SECRET_MAX, t->call->in) == NULL) line[0] = '\0';
	(void)tcsetattr(fd, TCSAFLUSH, &was);
	fputc('\n', t->call->err);
	line[strcspn(line, "\r\n")] = '\0';
	return line[0] != '\0' ? line : NULL;
}

static enum rc take_folder(struct cx *cx, int *lock)
{
	enum rc rc = state_lock(lock, cx->env->dir);

	if (rc == RC_CONFLICT)
		return cx_fail(cx, rc, _("Recado runs on %s; stop it first (systemctl stop recado)."),
			       cx->env->dir);
	if (rc != RC_OK)
		return cx_fail(
			cx, rc,
			_("The state folder %s cannot be written; run `recado init %s` or check its owner."),
			cx->env->dir, cx->env->dir);
	return rc;
}

static void print_restored(struct cx *cx, struct command_call *call, const struct restored *r)
{
	FILE *out = call->out;

	if (call->is_json) {
		struct value *root = value_map(cx->arena);

		value_set_text(cx->arena, root, "kept", r->keep);
		value_set(root, "to_enter", r->to_enter);
		value_set(root, "kept_settings", r->kept_settings);
		value_set_text(cx->arena, root, "settings_why", r->config_why);
		value_set_bool(cx->arena, root, "has_new_key", r->has_new_key);
		command_print(cx, call, root);
		return;
	}
	fprintf(out, "%s\n",
		_("Restored. At the next start the channels stay stopped until you release them in the panel."));
	fprintf(out, _("What was there before is in %s; remove it when you no longer need it.\n"), r->keep);
	if (r->config_why[0] != '\0')
		fprintf(out,
			_("The settings were not put back: %s. The backup's are in %s/recado.ini.of-the-backup.\n"),
			r->config_why, r->keep);
	if (r->kept_settings->count > 0)
		fprintf(out, "%s\n", _("These settings belong to this machine and stayed as they are here:"));
	for (const struct value *v = r->kept_settings->first; v != NULL; v = v->next)
		fprintf(out, _("  %s = %s (in the backup: %s)\n"), value_text_of(value_get(v, "name"), ""),
			value_text_of(value_get(v, "here"), ""), value_text_of(value_get(v, "there"), ""));
	if (r->to_enter->count > 0)
		fprintf(out, "%s\n", _("These secrets were not in the backup; enter them again:"));
	for (const struct value *v = r->to_enter->first; v != NULL; v = v->next)
		fprintf(out, "  recado config set %s …\n", value_text_of(v, ""));
}

enum rc ops_run_restore(struct cx *cx, struct command_call *call)
{
	static const char *const flags[] = { "keep-key", NULL };
	static const char *const with_value[] = { "passphrase-file", "recovery-code-file", NULL };
	struct terminal terminal = { cx, call };
	struct restore_order order = { .path = command_word(call, 0, with_value),
				       .keep_key = command_flag(call, "keep-key"),
				       .ask = ask_person,
				       .arg = &terminal };
	const char *passphrase = command_option(call, "passphrase-file");
	const char *code = command_option(call, "recovery-code-file");
	struct restored done;
	int lock = -1;
	enum rc rc = command_check(cx, call, flags, with_value);

	if (rc == RC_OK && order.path == NULL)
		rc = cx_fail(cx, RC_BAD_INPUT, _("Usage: recado restore FILE"));
	if (rc == RC_OK && passphrase != NULL &&
	    (order.passphrase = secret_from_file(cx, passphrase)) == NULL)
		rc = RC_BAD_INPUT;
	if (rc == RC_OK && code != NULL && (order.recovery_code = secret_from_file(cx, code)) == NULL)
		rc = RC_BAD_INPUT;
	if (rc == RC_OK) rc = take_folder(cx, &lock);
	if (rc == RC_OK) rc = backup_restore(cx, &done, &order);
	if (rc == RC_OK) print_restored(cx, call, &done);
	if (lock >= 0) close(lock);
	return rc;
}

enum rc ops_run_rollback(struct cx *cx, struct command_call *call)
{
	static const char *const flags[] = { "check", NULL }, *const with_value[] = { "to-schema", NULL };
	const char *to = command_option(call, "to-schema");
	char at[RFC3339_SIZE];
	struct rollback back;
	int lock = -1;
	bool is_look = command_flag(call, "check");
	enum rc rc = command_check(cx, call, flags, with_value);

	if (rc == RC_OK && to != NULL) {
		int64_t now = 0;

		rc = rollback_schema(cx, &now);
		if (rc == RC_OK && now <= strtoll(to, NULL, 10)) {
			fprintf(call->out,
				_("The database is at step %lld, which that program knows: it stays.\n"),
				(long long)now);
			return RC_OK;
		}
	}
	if (rc == RC_OK && !is_look) rc = take_folder(cx, &lock);
	if (rc == RC_OK) rc = rollback_look(cx, &back);
	if (rc == RC_OK) instant_text_local(at, back.at, cx->env->zone);
	if (rc == RC_OK && !call->is_json) {
		/* Before it is done, too: who reads this can still stop it, and afterwards knows what to
		** enter again. */
		fprintf(call->out, _("The database can go back from step %d to step %d, as it was on %s.\n"),
			back.from, back.to, at);
		fprintf(call->out,
			_("What came since then is not in it: %lld messages, and all that was entered.\n"),
			(long long)back.messages);
		fflush(call->out);
	}
	if (rc == RC_OK && !is_look) rc = rollback_do(cx, &back);
	if (lock >= 0) close(lock);
	if (rc != RC_OK) return rc;
	if (call->is_json) {
		struct value *root = value_map(cx->arena);

		value_set_int(cx->arena, root, "from", back.from);
		value_set_int(cx->arena, root, "to", back.to);
		value_set_int(cx->arena, root, "messages", back.messages);
		value_set_text(cx->arena, root, "kept", back.keep);
		command_print(cx, call, root);
	} else if (!is_look) {
		fprintf(call->out,
			_("The database is as it was on %s, before the upgrade. Start the previous program now.\n"),
			at);
		fprintf(call->out,
			_("What was there before is in %s; remove it when you no longer need it.\n"),
			back.keep);
	}
	return RC_OK;
}
