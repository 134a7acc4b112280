/*
** standin.h -- the stand-in providers behind offline mode and the tests.
**
** Plays each provider by its contract sheet, faults included; counts what it received. Uses web/server.h,
** base and link only; keeps everything in memory, bounded.
**
** A recipient decides what happens to it: numbers whose last seven digits are 5550 and a code of magic.c
** (`recado standin --numbers` prints them), so +593995550401 is answered 401. Seven digits and not four,
** because made-up customer lists count upwards and would run into shorter ones. Any other number can be
** given such a behaviour by POST /_standin/set {"magic":{"+593990000001":"429"}}; null takes a magic number's
** own away, and each "magic" replaces the one before.
**
** The control side, JSON throughout, on the stand-in's own address and, offline, on the panel's:
**   GET  /_standin/received            what arrived, oldest first, as a list of {seq, provider, at, id, to,
**                                      body, status, outcome, is_duplicate}; the newest LEDGER_ROWS_MAX.
**                                      ?to=NUMBER only that recipient; ?since=SEQ only later ones;
**                                      ?count=1 the exact counters of everything instead
**   GET  /_standin/mails               the newest mails that its mail server read, with their text
**   (standin_smtp.h) GET  /_standin/numbers             the table of magic numbers
**   GET, POST /_standin/chat           how Slack, Discord and Telegram answer (standin_chat.c)
**   GET, POST /_standin/sendgrid       SendGrid: public key of its events, answers, where events go; POST
**                                      /_standin/sendgrid/event {events, signature: right|wrong|missing|old}
**   GET, POST /_standin/doppler        Doppler Relay: state, templates, words; faults, limits, reports
**                                      (standin_doppler.c)
**   GET  /_standin/state               settings and counters of events
**   POST /_standin/reset               forget what arrived, the magic once-marks and all settings below
**   POST /_standin/set                 any of: status, api_key, rate (off|protection|paid|trial),
**                                      daily_remaining (null: no daily headers), reset (seconds|epoch),
**                                      success_in_429, delivered_ms, read_ms, sent_ms, webhook, secret, magic
**   POST /_standin/inbound             {from, text, name, id?, lid?, array?, from_me?,
**                                      signature?: right|wrong|missing}: posts messages.received to the
**                                      webhook; answers 202 at once
**   POST /_standin/event               posts the body as it is, signed
*/
#ifndef RECADO_STANDIN_STANDIN_H
#define RECADO_STANDIN_STANDIN_H

#include "base/command.h"
#include "web/server.h"

struct standin;

struct standin_options {
	const char *listen;      /* "127.0.0.1:0"                                            */
	const char *webhook_url; /* where delivered/read/inbound events go, NULL = none        */
	const char *webhook_secret;
	const char *api_key;       /* accepted bearer; NULL or "" = any that is not empty         */
	int delivered_ms, read_ms; /* after acceptance; -1 never                                 */
	int smtp_port;             /* of its mail server, always on loopback; 0 = any            */
};

enum rc standin_start(struct standin **out, struct env *env, const struct standin_options *o, struct arena *a,
		      const char **why) MUST_CHECK;
int standin_port(const struct standin *s);
int standin_smtp_port(const struct standin *s);
/* Public key of the events that it signs as SendGrid; lent, "" = no memory. */
const char *standin_event_key(struct standin *s);
/* Where events go can be set later, when the panel knows its address. */
void standin_set_webhook(struct standin *s, const char *url, const char *secret);
/* Answer /_standin/… on somebody else's server (the panel, offline, loopback clients only). False: not
** such a path. */
bool standin_control(void *standin, struct request *rq, struct reply *rp);
void standin_stop(struct standin *s);

extern const struct command
	standin_commands[]; /* recado standin --listen HOST:PORT [--webhook URL --secret S] */

#endif
