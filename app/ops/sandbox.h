/*
** sandbox.h -- what the server gives up of itself, and the trial of it.
*/
#ifndef RECADO_OPS_SANDBOX_H
#define RECADO_OPS_SANDBOX_H

#include "ops/ops.h"

/* Which walls stand around this process. */
struct sandbox_facts {
	bool has_no_new_privs, has_seccomp;
	int landlock_abi;           /* 0: none                                             */
	bool has_ports, has_scopes; /* Landlock of Linux 6.7 and 6.12                      */
};
void sandbox_facts(struct sandbox_facts *out);
/* A setting that was changed since the start to a port this process may not connect to: it opens with
** the next start. NULL = none. */
const char *sandbox_closed_setting(const struct env *env);

#endif
