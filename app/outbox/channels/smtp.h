/*
** smtp.h -- the inside of the mail channel, for its files and the tests.
*/
#ifndef RECADO_OUTBOX_CHANNELS_SMTP_H
#define RECADO_OUTBOX_CHANNELS_SMTP_H

#include "base/check.h"
#include "outbox/channel.h"

void smtp_read_send(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now);

/* An enhanced status code at the start of a reply's text (RFC 3463), {0,0,0} if there is none. */
struct smtp_enhanced {
	int class, subject, detail;
};
struct smtp_enhanced smtp_enhanced_of(const char *text);

/* Does this host name or address mean this very machine? */
bool smtp_is_here(const char *host);

/* What `recado check` says of mail: without a server none leaves, which is allowed. */
void smtp_check(struct cx *cx, struct check_result *out);

/* Settings' refuse: half a sentence, NULL = fine. */
const char *smtp_refuse_from(const char *value, struct arena *a, enum lang lang);
const char *smtp_refuse_host(const char *value, struct arena *a, enum lang lang);
const char *smtp_refuse_file(const char *value, struct arena *a, enum lang lang);

#endif
