/*
** rc.c -- the table behind enum rc: what a code means to HTTP, a shell and a job.
**
** Owns:   the table.
** Never:  holds a sentence (cx.c has the default ones).
** Holds:  every code has a row; the compiler sees a missing one as an empty name, the test too.
*/
#include "base/rc.h"

/* Exit codes are those of the command line: 0 done, 1 failed, 2 usage or bad input, 3 partly. */
static const struct rc_row rows[RC__MAX] = {
	/*                  name           http exit is_retried */
	[RC_OK] = { "ok", 200, 0, false },
	[RC_BAD_INPUT] = { "bad_input", 400, 2, false },
	[RC_NO_LOGIN] = { "no_login", 401, 1, false },
	[RC_DENIED] = { "denied", 403, 1, false },
	[RC_NOT_FOUND] = { "not_found", 404, 1, false },
	[RC_CONFLICT] = { "conflict", 409, 1, false },
	[RC_TOO_LARGE] = { "too_large", 413, 2, false },
	[RC_TOO_MANY] = { "too_many", 429, 1, true },
	[RC_TRY_LATER] = { "try_later", 503, 1, true },
	[RC_PARTLY] = { "partly", 200, 3, false },
	[RC_NO_MEMORY] = { "no_memory", 503, 1, true },
	[RC_IO] = { "io", 500, 1, true },
	[RC_BUG] = { "bug", 500, 1, false },
};

const struct rc_row *rc_row(enum rc rc)
{
	unsigned i = (unsigned)rc;

	return &rows[i < RC__MAX ? i : RC_BUG];
}
