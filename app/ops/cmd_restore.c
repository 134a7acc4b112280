/*
** cmd_restore.c -- `recado restore FILE`: needs the folder for itself, so the server must be stopped.
**
** It raises the note last_seen beyond any database, so that the next start finds this one older, whatever was
** sent since the copy and however the server ended: the channels start stopped, and a person releases them.
*/
#include "ops/cmd.h"
#include "outbox/last_seen.h"
#include <unistd.h>

static enum rc raise_note(struct cx *cx)
{
	struct last_seen note;

	last_seen_read(&note, cx->env->dir);
	if (!note.is_there) note.at = cx_now(cx);
	note.message_id = INT64_MAX;
	return last_seen_write(cx->env->dir, &note);
}

enum rc ops_run_restore(struct cx *cx, struct command_call *call)
{
	const char *const none[] = { NULL };
	const char *path = command_word(call, 0, none);
	int lock = -1;
	enum rc rc = command_check(cx, call, none, none);

	if (rc == RC_OK && path == NULL) rc = cx_fail(cx, RC_BAD_INPUT, _("Usage: recado restore FILE"));
	if (rc == RC_OK) {
		rc = state_lock(&lock, cx->env->dir);
		if (rc == RC_CONFLICT)
			rc = cx_fail(cx, rc, _("Recado runs on %s; stop it first (systemctl stop recado)."),
				     cx->env->dir);
		else if (rc != RC_OK)
			rc = cx_fail(
				cx, rc,
				_("The state folder %s cannot be written; run `recado init %s` or check its owner."),
				cx->env->dir, cx->env->dir);
	}
	if (rc == RC_OK) rc = backup_restore(cx, cx->env->dir, path);
	if (rc == RC_OK) rc = raise_note(cx);
	if (rc == RC_OK)
		fprintf(call->out, "%s\n",
			_("Restored. At the next start the channels stay stopped until you release them in the panel."));
	if (lock >= 0) close(lock);
	return rc;
}
