/*
** rc.h -- the result code every function that can fail returns.
**
** A code says who has to act. The sentence for the person is put into the cx
** once, where the cause is known (cx_fail); the code decides HTTP status, exit
** code and whether a job is tried again (rc_row).
*/
#ifndef RECADO_BASE_RC_H
#define RECADO_BASE_RC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

enum rc {
	RC_OK,
	RC_BAD_INPUT, /* the person mends it                                  */
	RC_NO_LOGIN,  /* nobody is logged in, or the token is unknown         */
	RC_DENIED,    /* logged in, but may not                               */
	RC_NOT_FOUND, /* no such thing, or not visible to this actor          */
	RC_CONFLICT,  /* true a moment ago, not any more; look again          */
	RC_TOO_LARGE, /* past a named limit                                   */
	RC_TOO_MANY,  /* too often; later                                     */
	RC_TRY_LATER, /* busy or unreachable; the same call may work later    */
	RC_PARTLY,    /* done, with failures that were reported               */
	RC_NO_MEMORY, /* later, with less                                     */
	RC_IO,        /* disk or system said no: the operator looks           */
	RC_BUG,       /* our fault; logged                                    */
	RC__MAX
};

struct rc_row {
	const char *name; /* "bad_input": the code of an API error            */
	int http;         /* status of an HTTP answer                         */
	int exit;         /* exit code of a command: 0, 1, 2 or 3             */
	bool is_retried;  /* a job that ended so is worth another try         */
};

/* The row of a code; total: an impossible code yields the row of RC_BUG. */
const struct rc_row *rc_row(enum rc rc);

/* Bytes that are only lent. Text in them need not end in NUL. */
struct bytes {
	const char *p;
	size_t len;
};

#endif
