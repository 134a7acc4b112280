/*
** chat.h -- what the three chats of the owner (Slack, Discord, Telegram) have in common: texts cut to fit,
** waits, and which addresses may be configured. For their files and the tests; answers that never came are
** read alike for the gateway and SendGrid too.
*/
#ifndef RECADO_OUTBOX_CHANNELS_CHAT_H
#define RECADO_OUTBOX_CHANNELS_CHAT_H

#include "outbox/channel.h"

/* Contract §4: at most five tries. */
#define CHAT_RETRY_MAX 5
/* A minute, two, four, eight: a notice that comes an hour later is of little use. Ended by 0. */
extern const int chat_retry_minutes[];
#define CHAT_TEXT_MAX 20000 /* code points taken; what a chat has no room for is cut with "…"        */

extern const struct channel_kind slack_channel, discord_channel, telegram_channel;

void slack_read_send(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now);
void discord_read_send(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now);
void telegram_read_send(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now);

/* The group became another chat: its new id, out of what read_send said in verdict.detail. False: no word of
** that. */
bool telegram_moved_to(int64_t *chat_id, const char *detail);
/* Contact address of a chat id as the settings have it: "telegram:-1001234". */
#define TELEGRAM_ADDRESS "telegram:"
/* -1001234567890 (at most 52 bits) or @name. Total. */
bool telegram_is_chat(const char *text);

/* For the settings' rows (settings.h, refuse): NULL or half a sentence. */
const char *slack_refuse(const char *value, struct arena *a, enum lang lang);
const char *discord_refuse(const char *value, struct arena *a, enum lang lang);
const char *telegram_refuse_base(const char *value, struct arena *a, enum lang lang);
const char *telegram_refuse_chat(const char *value, struct arena *a, enum lang lang);

/* Inside the three */

/* Length of the longest prefix of text that has at most max UTF-16 units and ends with a whole character;
** when something has to go, at the last line break or blank of its second half if there is one. */
size_t chat_fit(const char *text, size_t max);
/* The text, cut to max UTF-16 units, with "…" where something is missing, as a JSON string. */
void chat_put_text(struct sb *body, const char *text, size_t max);

/* Empty verdict; true when there is no complete answer, and then v says so: nothing left → NOT_YET, else
** UNSURE. */
bool chat_no_answer(struct verdict *v, const struct http_answer *answer);
void chat_put(struct verdict *v, enum outcome outcome, const char *why);
/* NOT_YET for the whole channel, at least that long; 0 and absurd numbers become sane ones. */
void chat_wait(struct verdict *v, const char *why, int64_t ms);
/* What a person can read of a text of the provider, into v->detail. */
void chat_detail(struct verdict *v, const char *text);
/* "1.5" or "64" seconds as milliseconds, rounded up; LIMIT_UNKNOWN for anything else. */
int64_t chat_ms_of(const char *seconds);
/* The same of a number or text of JSON. */
int64_t chat_ms_of_value(const struct value *v);
/* The body as a JSON object, NULL if it is none. */
struct value *chat_json(struct arena *a, const struct http_answer *answer);
/* The body as one short line of text. */
const char *chat_line(struct arena *a, const struct http_answer *answer);
/* A 5xx: 503 with Retry-After was refused for now; of the others nobody knows (house table). */
void chat_server_error(struct verdict *v, const struct http_answer *answer);

/* http(s)://127.…, localhost or [::1]: this machine. */
bool chat_is_loopback(const char *url);
/* https://HOST/… with one of the hosts (NULL-terminated), without user or port. */
bool chat_is_at(const char *url, const char *const *hosts);
/* Where a webhook's posts go: the setting; offline the stand-in's path unless the setting is loopback; ""
** when it may not be used. */
void chat_base(char out[CHANNEL_URL_SIZE], const char *setting, bool is_allowed, const struct env *env,
	       const char *standin_path);
/* A JSON POST that must not repeat. */
void chat_frame(struct channel_request *rq, const struct channel_config *cf, const char *purpose);
/* An empty body, ready to be written. */
void chat_begin(struct channel_request *rq);

#endif
