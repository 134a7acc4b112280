/*
** log_mask.h -- the last look at a line before it is written. For log.c and its tests.
**
** Whoever logs masks what he knows to be secret; this finds what slipped through: keys of providers (sk_,
** rk_, pk_, whsec_), bearer tokens, values of ?token= and the like, addresses of incoming webhooks, e-mail
** addresses, phone numbers in international form, card numbers (Luhn).
*/
#ifndef RECADO_BASE_LOG_MASK_H
#define RECADO_BASE_LOG_MASK_H

#include <stddef.h>

/* In place; the line only ever gets shorter. Total over any bytes. Returns the new length, no NUL added. */
size_t log_mask(char *line, size_t len);

/* The line "time level subject event key=value key="quoted value"…" (no line end) as one JSON object, cut
** where out is full but always closed. Returns its length, no NUL added; room >= 64. */
size_t log_json(char *out, size_t room, const char *line, size_t len);

#endif
