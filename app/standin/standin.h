/*
** standin.h -- the stand-in providers behind offline mode and the tests.
** Plays each provider by its contract sheet, faults included; counts what it received.
** Uses web/server.h, base and link only; keeps everything in memory, bounded.
*/
#ifndef RECADO_STANDIN_STANDIN_H
#define RECADO_STANDIN_STANDIN_H

#include "base/command.h"
#include "web/server.h"

struct standin;

struct standin_options {
	const char *listen;        /* "127.0.0.1:0"                                            */
	const char *webhook_url;   /* where delivered/read/inbound events go, NULL = none        */
	const char *webhook_secret;
	const char *api_key;       /* accepted bearer; NULL or "" = any that is not empty         */
	int delivered_ms, read_ms; /* after acceptance; -1 never                                 */
};

enum rc standin_start(struct standin **out, struct env *env, const struct standin_options *o, struct arena *a, const char **why) MUST_CHECK;
int standin_port(const struct standin *s);
/* Where events go can be set later, when the panel knows its address. */
void standin_set_webhook(struct standin *s, const char *url, const char *secret);
/* Answer /_standin/… on somebody else's server (the panel, offline, loopback clients only). False: not such a path. */
bool standin_control(void *standin, struct request *rq, struct reply *rp);
void standin_stop(struct standin *s);

extern const struct command standin_commands[]; /* recado standin --listen HOST:PORT [--webhook URL --secret S] */

#endif
