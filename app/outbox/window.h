/*
** window.h -- the hours in which messages may leave, and the pause between two of them. Pure.
*/
#ifndef RECADO_OUTBOX_WINDOW_H
#define RECADO_OUTBOX_WINDOW_H

#include "base/clock.h"

/* from, to: minutes after midnight; to is the first minute that is closed. The same = always open; to
** before from: over midnight. */
bool window_is_open(const struct zone *zone, instant now, int64_t from, int64_t to);
/* The pause after a message: pause_ms and up to three tenths more, so that the messages do not come like a
** machine's. */
int64_t pause_with_jitter(int64_t pause_ms, uint32_t random);

#endif
