/*
** gateway.h -- a tiny gateway on loopback that does what a test wrote down for each number, and counts.
*/
#ifndef RECADO_TESTS_OUTBOX_GATEWAY_H
#define RECADO_TESTS_OUTBOX_GATEWAY_H

#include <stdbool.h>

struct gateway;

struct gateway *gateway_start(void);
void gateway_stop(struct gateway *g);
int gateway_port(const struct gateway *g);
/* What the number ending in these five digits is answered: a whole status line's number and body ("422 {…}"),
** with headers before a blank line; "cut" = read and close; "hang" = read and say nothing. Others are
** accepted. Literal text. A chat's hook (POST /services/…) is told apart by the first five letters of its text, a
** mail (POST /accounts/…) by those of its recipient. */
void gateway_answer(struct gateway *g, const char *digits, const char *answer);
void gateway_session(struct gateway *g, const char *word);   /* "connected" at first */
void gateway_status(struct gateway *g, int status);          /* of messages in /info: 4 at first */
int gateway_received(struct gateway *g, const char *digits); /* sends read for that number; "" = all */
int gateway_most_open(struct gateway *g);                    /* sends under way at the same moment, at most */
void gateway_slow(struct gateway *g, int ms);                /* each send is answered that much later */

#endif
