/*
** magic.h -- recipients that make the stand-in misbehave on purpose.
*/
#ifndef RECADO_STANDIN_MAGIC_H
#define RECADO_STANDIN_MAGIC_H

#include "base/rc.h"

#define MAGIC_PREFIX "5550" /* the last seven digits of a magic number: this and the code */

enum magic_what {
	MAGIC_NONE,
	MAGIC_ANSWER,    /* status and body of the row                                */
	MAGIC_HANG,      /* read, never answered                                       */
	MAGIC_SLOW,      /* accepted, answered when no client waits any more             */
	MAGIC_CUT,       /* read, then the line is cut                                 */
	MAGIC_HALF,      /* accepted, and the line cut half-way through the answer     */
	MAGIC_LATE_FAIL, /* accepted, messages.update with status 0 later               */
	MAGIC_NOT_SENT,  /* accepted, message.sent with success false later             */
	MAGIC_NO_DATA,   /* accepted, answered without data                            */
	MAGIC_HTML       /* 200 with a page instead of JSON                            */
};

struct magic {
	const char *code; /* "401"                                                     */
	enum magic_what what;
	int status;
	int retry_after;     /* header Retry-After and the body's retry_after, 0 = neither */
	bool has_header;     /* the header too, not only the body's member                */
	bool is_once;        /* only the first time for each (to, body), then accepted     */
	bool is_unclear;     /* the sender may not repeat it: 500s                        */
	const char *outcome; /* in the ledger                                          */
	const char *body, *media_type;
	const char *help; /* one line, English: for whoever writes a test               */
};

/* The row of a code ("401"), NULL if there is none. */
const struct magic *magic_code(const char *code);
/* The row of a recipient (+593995550401, 593995550401, …@s.whatsapp.net), NULL = nothing special. */
const struct magic *magic_of(const char *to);
const struct magic *magic_at(size_t i); /* NULL past the end */

#endif
