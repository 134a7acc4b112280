/*
** smtp_magic.h -- recipients of mail that make the stand-in misbehave on purpose: by what is left of the @.
*/
#ifndef RECADO_STANDIN_SMTP_MAGIC_H
#define RECADO_STANDIN_SMTP_MAGIC_H

#include "standin/ledger.h"

enum smtp_when {
	SMTP_AT_TO,      /* instead of taking the recipient                              */
	SMTP_AT_DATA,    /* instead of asking for the content                            */
	SMTP_IN_CONTENT, /* in the middle of it                                        */
	SMTP_AT_END      /* instead of, or before, accepting it                          */
};
enum smtp_what {
	SMTP_SAY,   /* the reply                                                          */
	SMTP_ONCE,  /* the reply the first time a recipient is named, then as usual        */
	SMTP_CUT,   /* the line is cut                                                   */
	SMTP_STALL, /* nothing more is said                                              */
	SMTP_SLOW   /* accepted, answered after SMTP_SLOW_MS                               */
};
#define SMTP_SLOW_MS 3000

struct smtp_magic {
	const char *local; /* "code550" */
	enum smtp_when when;
	enum smtp_what what;
	const char *reply;
	const char *outcome; /* in the ledger */
	const char *help;    /* one line, English: for whoever writes a test */
};
const struct smtp_magic *smtp_magic_of(const char *address); /* NULL = nothing special */
const struct smtp_magic *smtp_magic_at(size_t i);            /* NULL past the end      */

#endif
