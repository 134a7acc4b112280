/*
** door.h -- the shop of office.h behind a real panel on loopback, and people who use it over HTTP.
*/
#ifndef RECADO_TESTS_DESK_DOOR_H
#define RECADO_TESTS_DESK_DOOR_H

#include "office.h"

#define DOOR_ANSWER_MAX (512 * 1024) /* no page of a test is longer */

struct door {
	struct shop shop;
	struct web *web;
	int port;
};

/* One who uses the panel: by session (a browser) or by token (a program). */
struct visitor {
	struct door *door;
	char cookie[200], csrf[80], token[100];
};

/* Users Olga (owner), Sara and Saul (sellers), Rita (reader); their password is WORDS. */
#define WORDS "correct horse battery"
void door_open(struct door *d);
void door_close(struct door *d);
void visit(struct door *d, struct visitor *v, const char *name);
void visit_by_token(struct door *d, struct visitor *v, const char *rights);

/* The whole answer, lent until the next call. body NULL: none. A browser's POST body gets its csrf field. */
const char *door_ask(struct visitor *v, const char *method, const char *target, const char *body);
int door_status(const char *answer);
/* Value of Location, without the host; "" if none. Lent until the next call of it. */
const char *door_location(const char *answer);

#define HAS(text, part)                                                                                   \
	do {                                                                                              \
		if (strstr((text), (part)) == NULL) fail_msg("“%s” is not in:\n%.6000s", (part), (text)); \
	} while (0)
#define HAS_NOT(text, part)                                                                           \
	do {                                                                                          \
		if (strstr((text), (part)) != NULL) fail_msg("“%s” is in:\n%.6000s", (part), (text)); \
	} while (0)
#define STATUS(text, want)                                                                               \
	do {                                                                                             \
		if (door_status(text) != (want)) fail_msg("expected %d, got:\n%.3000s", (want), (text)); \
	} while (0)

#endif
