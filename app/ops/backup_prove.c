/*
** backup_prove.c -- is this archive good? By putting it back where it hurts nobody.
**
** Owns:   the folders prove-PID-… of tmp/, while it works.
** Holds:  nothing is left of them, whatever the answer.
*/
#include "ops/backup.h"

#include <unistd.h>

#define UNIQUE_LETTERS 8 /* two proofs of one process at a time never meet */

enum rc backup_prove(struct cx *cx, struct unpacked *out, const char *path, const char *passphrase,
		     const struct backup_listener *listener)
{
	char unique[UNIQUE_LETTERS + 1];
	struct gentle g;
	struct unpack_order order = { .path = path, .passphrase = passphrase, .gentle = &g };
	enum rc rc;

	random_letters(unique, UNIQUE_LETTERS);
	order.aside = arena_printf(cx->arena, "%s/tmp/prove-%ld-%s", cx->env->dir, (long)getpid(), unique);
	gentle_init(&g, &cx->env->is_stopping);
	if (listener != NULL) {
		order.listener = *listener;
		g.is_over = listener->should_stop;
		g.arg = listener->arg;
	}
	rc = backup_unpack(cx, out, &order);
	if (rc == RC_OK) remove_tree(order.aside);
	return rc;
}
