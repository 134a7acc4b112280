/*
** standin_smtp.h -- inside the stand-in only: a mail server on loopback that keeps what it was given.
**
** GET /_standin/mails lists the newest mails, oldest first: {seq, at, from, to, message_id, outcome, size,
** raw}; ?to=ADDRESS only that recipient, raw is cut at MAIL_RAW_MAX bytes. Each is in /_standin/received as
** well, provider "smtp", body its Message-ID: so a mail that came twice is a duplicate there.
*/
#ifndef RECADO_STANDIN_STANDIN_SMTP_H
#define RECADO_STANDIN_STANDIN_SMTP_H

#include "base/sb.h"

#define MAIL_RAW_MAX    ((size_t)128 * 1024)       /* of one mail; a picture or two more are counted only */
#define MAILS_BYTES     ((size_t)4 * 1024 * 1024)  /* of all that are kept: part of the 48 MB             */
#define MAIL_ACCEPT_MAX ((size_t)21 * 1024 * 1024) /* announced as SIZE: past what the house sends       */

struct standin;
struct smtp_stand;

/* port 0: any. Takes calls at once, on a thread of its own. */
enum rc smtp_stand_start(struct smtp_stand **out, struct standin *s, int port) MUST_CHECK;
int smtp_stand_port(const struct smtp_stand *m);
void smtp_stand_stop(struct smtp_stand *m);  /* NULL is fine */
void smtp_stand_reset(struct smtp_stand *m); /* the stand-in's lock held; NULL is fine */
/* JSON list; the stand-in's lock held. */
void smtp_stand_write(const struct smtp_stand *m, struct sb *out, const char *to);

#endif
