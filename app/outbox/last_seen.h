/*
** last_seen.h -- a note beside the database, never in a backup: how far the ledger had come. For the room,
** its tests and `recado restore`.
*/
#ifndef RECADO_OUTBOX_LAST_SEEN_H
#define RECADO_OUTBOX_LAST_SEEN_H

#include "outbox/outbox.h"

struct last_seen {
	bool is_there;                  /* the file could be read          */
	int64_t message_id, attempt_id; /* highest ones                   */
	instant at;
};

#define LAST_SEEN_TEXT_MAX 100

/* Total: anything but three numbers leaves is_there false. */
void last_seen_parse(struct last_seen *out, const char *text);
void last_seen_text(char out[LAST_SEEN_TEXT_MAX], const struct last_seen *s);
void last_seen_read(struct last_seen *out, const char *dir);
enum rc last_seen_write(const char *dir, const struct last_seen *s) MUST_CHECK; /* aside, then renamed */
/* The same from the open database. */
enum rc last_seen_now(struct cx *cx, struct last_seen *out) MUST_CHECK;
/* Is the database older than the note, or the note missing beside a database that is not new? Pure. */
bool last_seen_is_restored(const struct last_seen *note, const struct last_seen *database);

#endif
