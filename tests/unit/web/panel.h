/*
** panel.h -- a small panel of made-up pages over a database of its own, for the tests of web.
*/
#ifndef TESTS_UNIT_WEB_PANEL_H
#define TESTS_UNIT_WEB_PANEL_H

#include "state.h"
#include "web/inside.h"
#include "web/wire.h"

#define NOON         INT64_C(1795366800000) /* 2026-11-22 12:00 in Guayaquil */
#define OWNER_WORDS  "correct horse battery"
#define READER_WORDS "staple battery horse"

struct panel {
	struct state state;
	struct web *web;
	struct settings *settings;
	struct arena *arena;
	int port;
};

/* ini: the [web] lines besides listen, "" for none. Users maria (owner) and rita (reader) exist unless is_new. */
void panel_open(struct panel *p, const char *ini, bool is_new);
void panel_close(struct panel *p);

/* One request on a connection of its own; head: more header lines with CR LF, body NULL for none. */
const char *ask(struct panel *p, const char *method, const char *target, const char *head, const char *body);
/* Log in: the session's cookie as a header line ("Cookie: …\r\n"), and its CSRF token. */
struct session {
	char cookie[200];
	char csrf[TOKEN_SIZE];
};
void log_in(struct panel *p, struct session *out, const char *name, const char *password);

extern _Atomic int panel_effects; /* how often POST /things/pay did its work */

#define HAS(text, part)                                                                                   \
	do {                                                                                              \
		if (strstr((text), (part)) == NULL) fail_msg("“%s” is not in:\n%.3000s", (part), (text)); \
	} while (0)
#define HAS_NOT(text, part)                                                                           \
	do {                                                                                          \
		if (strstr((text), (part)) != NULL) fail_msg("“%s” is in:\n%.3000s", (part), (text)); \
	} while (0)
#define STATUS(text, want)                                                                               \
	do {                                                                                             \
		if (wire_status(text) != (want)) fail_msg("expected %d, got:\n%.1500s", (want), (text)); \
	} while (0)

#endif
